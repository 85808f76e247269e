"""What a request is reduced to before it is signed: SigV4's canonical request.

Client and server bring every request into one form and compare signatures of that. Each part has
a function of its own, named as AWS names it, so that each can be held against published examples.

The path depends on the service. For S3 it is signed byte for byte as it is sent; for any other
service dot segments and double slashes are removed, and what was encoded is encoded once more.

Of a query servers compare what they read, not how it was spelt (``%7e`` or ``~``), so one spelling
is signed; a raw ``+`` in it is a space. What ``encoding.py`` has encoded is signed as it is.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple

from yarl import URL

from ..redaction import redact_headers
from .encoding import quote_path, quote_query, unquote_plus

ALGORITHM = "AWS4-HMAC-SHA256"
ECDSA_ALGORITHM = "AWS4-ECDSA-P256-SHA256"
"""SigV4a's."""
EMPTY_SHA256 = sha256().hexdigest()
"""The payload hash of a request without a body."""
S3_SERVICES = frozenset({"s3", "s3express", "s3-object-lambda", "s3-outposts"})
"""The services that sign S3's way."""
UNSIGNED_HEADERS = frozenset(
    {
        "authorization",
        "connection",
        "expect",
        "transfer-encoding",
        "user-agent",
        "x-amzn-trace-id",
    }
)
"""Left out of the signature, since proxies and HTTP libraries change them on the way."""

_NOTHING: Mapping[str, str] = MappingProxyType({})

_is_token = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+").fullmatch
# Apart: one set of characters so far from each other takes twenty times as long to compile.
_find_break = re.compile(r"[\r\n\0]").search
_find_surrogate = re.compile(r"[\ud800-\udfff]").search
_collapse = re.compile(r"[ \t\v\f]+").sub

# Spelt as it is to be: escapes are upper case, and none are of unreserved characters. Possessive,
# so that no text makes it backtrack.
_ESCAPE = r"%(?:[01][0-9A-F]|2[0-9A-C]|3[A-F]|40|5[B-E]|60|7[BCDF]|[89A-F][0-9A-F])"
_WORD = rf"(?:[A-Za-z0-9._~-]++|%2F|{_ESCAPE})*+"
_SPELT_QUERY = rf"{_WORD}={_WORD}(?:&{_WORD}={_WORD})*+"


class CanonicalHeaders(NamedTuple):
    """The two parts of a canonical request that come from the headers."""

    lines: str
    """``name:value\\n`` for each signed header, sorted by name."""
    names: str
    """The sorted names, joined by semicolons: AWS's SignedHeaders."""


def split_url(url: URL | str) -> tuple[str, str, str, str]:
    """Scheme, Host header, raw path and raw query of an absolute, encoded *url*.

    The host is what aiohttp sends: without the scheme's own port, an IPv6 address in brackets, an
    international name in its ASCII form.
    """
    if isinstance(url, str):
        try:
            parsed = URL(url, encoded=True)
            host = (parsed.host_port_subcomponent or "").lower()
        except ValueError:
            # yarl's own message may repeat the userinfo.
            raise ValueError("url is not a URL (not shown, as it may hold credentials)") from None
    elif isinstance(url, URL):
        parsed = url
        host = parsed.host_port_subcomponent or ""
    else:
        raise TypeError(f"url must be a yarl.URL or str, not {type(url).__name__}")
    if not host:
        raise ValueError("url must be absolute, with a scheme and a host")
    if not host.isascii():
        host = URL(f"{parsed.scheme}://{host}").host_port_subcomponent or ""
    return parsed.scheme, host, parsed.raw_path, parsed.raw_query_string


def canonical_path(raw_path: str, *, service: str = "s3") -> str:
    """What is signed of *raw_path*, the path as it is sent; it must hold no control characters."""
    if not raw_path.isprintable():
        raise ValueError(f"url: the path {raw_path!r} is not percent-encoded")
    if service in S3_SERVICES:
        return raw_path or "/"
    kept: list[str] = []
    for segment in raw_path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    slash = "/" if kept and raw_path.endswith("/") else ""
    return quote_path(f"/{'/'.join(kept)}{slash}")


def canonical_query(raw_query: str) -> str:
    """What is signed of *raw_query*: sorted by encoded name, then value; each pair has a ``=``."""
    if not raw_query:
        return ""
    if re.fullmatch(_SPELT_QUERY, raw_query):
        return "&".join(sorted(raw_query.split("&"), key=_name_and_value))
    pairs = [pair.partition("=") for pair in raw_query.split("&") if pair]
    spelt = sorted([(_spelt(name), _spelt(value)) for name, _, value in pairs])
    return "&".join([f"{name}={value}" for name, value in spelt])


def canonical_headers(
    headers: Iterable[tuple[str, str]], host: str, own: Mapping[str, str] = _NOTHING
) -> CanonicalHeaders:
    """What is signed of *headers*, and of *host* unless a Host header is among them.

    Values are trimmed, runs of white space in them become one space, and values of one name are
    joined by commas in their order. *own*, by names in lower case, replaces what is given and is
    taken as it is. Raises ``ValueError`` for a name or value that HTTP does not allow.
    """
    found: dict[str, str] = {}
    for given, text in headers:
        name = _header_name(given)
        # Nearly all values are as they should be, which is quick to see.
        plain = type(text) is str and text.isprintable() and "  " not in text
        value = text if plain and text.strip(" ") == text else _header_value(given, text)
        if name in found:
            found[name] += f",{value}"
        elif name not in UNSIGNED_HEADERS:
            found[name] = value
    found.setdefault("host", host)
    found.update(own)
    names = sorted(found)
    return CanonicalHeaders("".join([f"{n}:{found[n]}\n" for n in names]), ";".join(names))


def canonical_request(
    method: str, path: str, query: str, headers: CanonicalHeaders, payload_hash: str
) -> str:
    """The request in the one form that client and server agree on, from its canonical parts."""
    if not payload_hash or not payload_hash.isprintable():
        raise ValueError(f"payload_hash must be a hex digest or AWS's word, not {payload_hash!r}")
    lines, names = headers
    return f"{_verb(method)}\n{path}\n{query}\n{lines}\n{names}\n{payload_hash}"


def string_to_sign(request: str, amz_date: str, scope: str, algorithm: str = ALGORITHM) -> str:
    """What is signed for a canonical *request*.

    *amz_date* is ``YYYYMMDDTHHMMSSZ``, *scope* ``YYYYMMDD/region/service/aws4_request``, or
    ``YYYYMMDD/service/aws4_request`` for SigV4a.
    """
    return f"{algorithm}\n{amz_date}\n{scope}\n{hex_sha256(request.encode())}"


_sha256_of_nothing = sha256()


def hex_sha256(data: bytes) -> str:
    """The sha256 of a few bytes. To copy a state is quicker than to make one."""
    running = _sha256_of_nothing.copy()
    running.update(data)
    return running.hexdigest()


def chunk_string_to_sign(
    previous_signature: str, chunk_sha256: str, amz_date: str, scope: str
) -> str:
    """What is signed for one chunk of an ``aws-chunked`` body."""
    return (
        f"{ALGORITHM}-PAYLOAD\n{amz_date}\n{scope}\n{previous_signature}\n"
        f"{EMPTY_SHA256}\n{chunk_sha256}"
    )


def trailer_string_to_sign(
    previous_signature: str, trailer_sha256: str, amz_date: str, scope: str
) -> str:
    """What is signed for the trailer of an ``aws-chunked`` body, a ``name:value\\n`` for each."""
    return f"{ALGORITHM}-TRAILER\n{amz_date}\n{scope}\n{previous_signature}\n{trailer_sha256}"


def _name_and_value(pair: str) -> tuple[str, str, str]:
    return pair.partition("=")


def _spelt(text: str) -> str:
    return quote_query(unquote_plus(text))


@lru_cache(maxsize=64)
def _verb(method: str) -> str:
    if not _is_token(method):
        raise ValueError(f"method must be an HTTP method, not {method!r}")
    return method.upper()


@lru_cache(maxsize=1024)
def _header_name(name: str) -> str:
    if not _is_token(name):
        raise ValueError(f"headers: {name!r} is no header's name")
    return name.lower()


def _header_value(name: str, value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"headers: {name} must be a str, not {type(value).__name__}")
    if _find_break(value) or (not value.isascii() and _find_surrogate(value)):
        shown = redact_headers({name: value})[name]
        raise ValueError(f"headers: {name} must not hold CR, LF, NUL or surrogates: {shown!r}")
    return _collapse(" ", value).strip(" ")
