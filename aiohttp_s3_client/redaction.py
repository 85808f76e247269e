"""What must not be shown is taken out here, before anything becomes part of an error or a log line.

Secret keys, session tokens and signatures: in headers, in presigned URLs, and in the bodies of
errors in which S3 repeats the request.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

BODY_LIMIT = 64 * 1024
"""Bytes of an error's body that are kept."""

REDACTED = "[redacted]"

_SECRET_HEADERS = frozenset(
    {
        "authorization",
        "cookie",
        "proxy-authorization",
        "set-cookie",
        "x-amz-copy-source-server-side-encryption-customer-key",
        "x-amz-s3session-token",
        "x-amz-security-token",
        "x-amz-server-side-encryption-customer-key",
        "x-aws-ec2-metadata-token",
    }
)
_SECRET_QUERY = r"(?i)([?&]x-amz-(?:signature|credential|security-token|s3session-token)=)[^&#]*"
# S3 repeats parts of the request in the errors about signatures and tokens.
_SECRET_NAMES = r"SignatureProvided|CanonicalRequest(?:Bytes)?|Token-\d+"
_SECRET_ELEMENTS = rf"(?s)<({_SECRET_NAMES})>.*?(?:</\1>|\Z)".encode()


def redact_text(text: str, secrets: Iterable[str] = ()) -> str:
    """*text* without presigned signatures, tokens, and without any of *secrets*."""
    text = re.sub(_SECRET_QUERY, rf"\g<1>{REDACTED}", text)
    for secret in secrets:
        if secret:
            text = text.replace(secret, REDACTED)
    return text


def redact_elements(elements: Mapping[str, str], secrets: Iterable[str] = ()) -> dict[str, str]:
    """The texts of an error's elements by name, without what S3 repeats of a secret."""
    return {
        name: REDACTED if re.fullmatch(_SECRET_NAMES, name) else redact_text(text, secrets)
        for name, text in elements.items()
    }


def redact_body(body: bytes, secrets: Iterable[str] = ()) -> bytes:
    """The first ``BODY_LIMIT`` bytes of an error's body, without what S3 repeats of a secret."""
    body = re.sub(_SECRET_ELEMENTS, rb"<\1>[redacted]</\1>", body[:BODY_LIMIT])
    for secret in secrets:
        if secret:
            body = body.replace(secret.encode(), REDACTED.encode())
    return body


def in_one_line(text: str) -> str:
    """*text* with its control characters as escapes: a key must not begin a line of a log."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def redact_url(url: URL) -> URL:
    """*url* without userinfo and without what signs or authorises it in the query."""
    text = str(url.with_user(None) if url.raw_user or url.raw_password else url)
    return URL(re.sub(_SECRET_QUERY, r"\g<1>redacted", text), encoded=True)


def redact_headers(headers: Mapping[str, str]) -> CIMultiDictProxy[str]:
    """*headers* with the values of those that authorise anything replaced."""
    return CIMultiDictProxy(
        CIMultiDict(
            (name, REDACTED if name.lower() in _SECRET_HEADERS else value)
            for name, value in headers.items()
        )
    )


def secret_values(headers: Mapping[str, str]) -> list[str]:
    """The values of those headers that are never shown: a server may repeat them elsewhere."""
    return [value for name, value in headers.items() if name.lower() in _SECRET_HEADERS]


def redacted_request_info(url: URL, method: str, headers: Mapping[str, str]) -> aiohttp.RequestInfo:
    """What aiohttp keeps of a request, fit to be shown."""
    shown = redact_url(url)
    return aiohttp.RequestInfo(shown, method, redact_headers(headers), shown)
