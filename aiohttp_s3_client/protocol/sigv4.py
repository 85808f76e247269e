"""AWS Signature Version 4: signed headers, presigned URLs, signed chunks.

``canonical.py`` reduces a request to one form; here the form is signed, and the signature put
into headers (``SigV4Signer.sign``) or into a URL (``SigV4Signer.presign``).

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import digest as hmac_digest
from typing import ClassVar, Final, NamedTuple, NoReturn, Protocol

from multidict import CIMultiDict, istr
from yarl import URL

from ..config import MAX_PRESIGN_SECONDS
from .canonical import (
    ALGORITHM,
    EMPTY_SHA256,
    S3_SERVICES,
    UNSIGNED_HEADERS,
    CanonicalHeaders,
    canonical_headers,
    canonical_path,
    canonical_query,
    canonical_request,
    chunk_string_to_sign,
    split_url,
    string_to_sign,
    trailer_string_to_sign,
)
from .encoding import quote_query

__all__ = [
    "ALGORITHM",
    "EMPTY_SHA256",
    "S3_SERVICES",
    "STREAMING_PAYLOAD",
    "UNSIGNED_HEADERS",
    "UNSIGNED_PAYLOAD",
    "CanonicalHeaders",
    "SigV4Signer",
    "canonical_headers",
    "canonical_path",
    "canonical_query",
    "canonical_request",
    "chunk_string_to_sign",
    "split_url",
    "string_to_sign",
    "whole_seconds",
]

Headers = Mapping[str, str] | Iterable[tuple[str, str]]

UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
"""The payload hash that leaves the body out of the signature."""
STREAMING_PAYLOAD = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
"""The payload hash of a body whose chunks are signed one by one; see ``SigV4Signer.sign_chunk``."""

_AUTHORIZATION = istr("Authorization")
_CONTENT_SHA256 = "x-amz-content-sha256"
_DATE = "x-amz-date"
_TOKEN = "x-amz-security-token"
_BARE_HEADERS = f"host;{_CONTENT_SHA256};{_DATE}"
_PRESIGNED = frozenset(
    {
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-region-set",
        "x-amz-s3session-token",
        "x-amz-security-token",
        "x-amz-signature",
        "x-amz-signedheaders",
    }
)

_is_scope = re.compile(r"[A-Za-z0-9._-]+").fullmatch


class SigningKey(Protocol):
    """What is derived from a secret and signs texts, safely for many threads at once."""

    def signature(self, text: str, /) -> str:
        """In hex."""
        ...


class _SigningKey:
    """HMAC-SHA256 whose key is hashed already, which halves the time of a signature."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = key.ljust(sha256().block_size, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in block))

    def signature(self, text: str) -> str:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text.encode())
        outer.update(inner.digest())
        return outer.hexdigest()


class _Moment(NamedTuple):
    """What all signatures of one second have in common."""

    begin: datetime
    end: datetime
    amz_date: str
    scope: str
    credential: str
    """As it stands in a query."""
    key: SigningKey


class SigV4Signer:
    """Signs with one set of credentials for one region and service.

    The signing key is derived once a day, dates are formatted once a second. Safe to share
    between threads. Neither repr nor an error shows the secret or the token, and a signer cannot
    be pickled. Raises ``ValueError`` for an empty or malformed argument.
    """

    __slots__ = (
        "_latest",
        "_own_headers",
        "_own_query",
        "_s3",
        "_secret",
        "_token",
        "access_key_id",
        "region",
        "service",
    )
    algorithm: ClassVar[str] = ALGORITHM

    def __init__(
        self,
        access_key_id: str,
        secret_access_key: str,
        session_token: str | None = None,
        *,
        region: str,
        service: str = "s3",
    ) -> None:
        for name, text in (
            ("access_key_id", access_key_id),
            ("secret_access_key", secret_access_key),
            ("session_token", session_token or "none"),
        ):
            _check_credential(name, text)
        self._check_region(region)
        check_scope("service", service)
        self.access_key_id: Final = access_key_id
        self.region: Final = region
        self.service: Final = service
        self._secret = secret_access_key
        self._token = session_token
        self._own_headers = {_TOKEN: session_token} if session_token else {}
        self._own_query = (
            f"&X-Amz-Security-Token={quote_query(session_token)}" if session_token else ""
        )
        self._s3 = service in S3_SERVICES
        self._latest: _Moment | None = None

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.access_key_id!r}, "
            f"region={self.region!r}, service={self.service!r})"
        )

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} holds a secret and is neither pickled nor copied")

    def sign(
        self,
        method: str,
        url: URL | str,
        headers: Headers | None = None,
        *,
        payload_hash: str,
        now: datetime | None = None,
    ) -> CIMultiDict[str]:
        """The headers to send with the request: *headers* and those that authorise it.

        Signed are the host and every header but ``UNSIGNED_HEADERS``. *url* is percent-encoded
        already; its fragment and userinfo play no part. *payload_hash* is the body's sha256 in
        hex (``EMPTY_SHA256`` without a body) or a word such as ``UNSIGNED_PAYLOAD``. *now* is
        aware. What is set here (``x-amz-date``, ``x-amz-security-token`` when there is a token,
        ``x-amz-content-sha256`` for S3, ``Authorization``) replaces what is given.

        Raises ``ValueError`` for a relative URL, a naive *now* and a malformed header.
        """
        _, host, raw_path, raw_query = split_url(url)
        return self.sign_parts(method, host, raw_path, raw_query, headers, payload_hash, now)

    def sign_parts(
        self,
        method: str,
        host: str,
        raw_path: str,
        raw_query: str,
        headers: Headers | None,
        payload_hash: str,
        now: datetime | None = None,
    ) -> CIMultiDict[str]:
        """``sign`` for a URL that is already in pieces; *host* is what the Host header will say."""
        moment = self._moment(now)
        amz_date = moment.amz_date
        own = {_DATE: amz_date}
        if self._s3:
            own[_CONTENT_SHA256] = payload_hash
        own.update(self._own_headers)
        sent = CIMultiDict(headers or ())
        if sent or self._own_headers or not self._s3:
            signed = canonical_headers(sent.items(), host, own)
        else:  # What that would come to, for the most frequent kind of request.
            signed = CanonicalHeaders(
                f"host:{host}\n{_CONTENT_SHA256}:{payload_hash}\n{_DATE}:{amz_date}\n",
                _BARE_HEADERS,
            )
        path = canonical_path(raw_path, service=self.service)
        query = canonical_query(raw_query) if raw_query else ""
        request = canonical_request(method, path, query, signed, payload_hash)
        text = string_to_sign(request, amz_date, moment.scope, self.algorithm)
        own[_AUTHORIZATION] = (
            f"{self.algorithm} Credential={self.access_key_id}/{moment.scope}, "
            f"SignedHeaders={signed.names}, Signature={moment.key.signature(text)}"
        )
        sent.update(own)
        return sent

    def presign(
        self,
        method: str,
        url: URL | str,
        headers: Headers | None = None,
        *,
        expires: int | timedelta,
        payload_hash: str = UNSIGNED_PAYLOAD,
        now: datetime | None = None,
    ) -> URL:
        """A URL that authorises *method* for *expires* seconds, without any credentials.

        The query that *url* has is kept and signed. Who uses the URL must send *headers* with the
        same values. A header ``x-amz-content-sha256`` states the payload hash. Of a ``timedelta``
        whole seconds count. The URL ends no later than the credentials themselves do.

        Raises ``ValueError`` for an expiry below 1 s or above 604,800 s (7 days) and for a URL
        that is presigned already, otherwise as ``sign`` does.
        """
        return self.presign_parts(
            method, *split_url(url), headers, expires=expires, payload_hash=payload_hash, now=now
        )

    def presign_parts(
        self,
        method: str,
        scheme: str,
        host: str,
        raw_path: str,
        raw_query: str,
        headers: Headers | None,
        *,
        expires: int | timedelta,
        payload_hash: str = UNSIGNED_PAYLOAD,
        now: datetime | None = None,
    ) -> URL:
        """``presign`` for a URL that is already in pieces."""
        seconds = whole_seconds("expires", expires)
        if raw_query:
            _refuse_presigned(raw_query)
        moment = self._moment(now)
        if headers:
            given = CIMultiDict(headers)
            for name in (_DATE, *self._own_headers):
                given.popall(name, None)
            payload_hash = _stated_hash(given, payload_hash)
            signed = canonical_headers(given.items(), host)
            names = quote_query(signed.names)
        else:
            signed, names = CanonicalHeaders(f"host:{host}\n", "host"), "host"
        # Its names are in order, and canonical as they are.
        added = (
            f"X-Amz-Algorithm={self.algorithm}&X-Amz-Credential={moment.credential}"
            f"&X-Amz-Date={moment.amz_date}&X-Amz-Expires={seconds}{self._own_query}"
            f"&X-Amz-SignedHeaders={names}"
        )
        sent_query = f"{raw_query}&{added}" if raw_query else added
        query = canonical_query(sent_query) if raw_query else added
        path = canonical_path(raw_path, service=self.service)
        request = canonical_request(method, path, query, signed, payload_hash)
        text = string_to_sign(request, moment.amz_date, moment.scope, self.algorithm)
        return URL.build(
            scheme=scheme,
            authority=host,
            path=raw_path,
            query_string=f"{sent_query}&X-Amz-Signature={moment.key.signature(text)}",
            encoded=True,
        )

    def sign_chunk(
        self, previous_signature: str, chunk_sha256: str, now: datetime | None = None
    ) -> str:
        """The signature of one chunk of a body sent with ``STREAMING_PAYLOAD``.

        The first chunk follows the signature of the request's headers; *now* is the request's.
        """
        moment = self._moment(now)
        text = chunk_string_to_sign(previous_signature, chunk_sha256, moment.amz_date, moment.scope)
        return moment.key.signature(text)

    def sign_trailer(
        self, previous_signature: str, trailer_sha256: str, now: datetime | None = None
    ) -> str:
        """The signature of the trailer, which follows that of the last chunk, the empty one."""
        moment = self._moment(now)
        text = trailer_string_to_sign(
            previous_signature, trailer_sha256, moment.amz_date, moment.scope
        )
        return moment.key.signature(text)

    def form_fields(self, now: datetime | None = None) -> dict[str, str]:
        """What a signed form says of its signature, which is that of the form's policy.

        https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html
        """
        moment = self._moment(now)
        fields = {
            "x-amz-algorithm": self.algorithm,
            "x-amz-credential": f"{self.access_key_id}/{moment.scope}",
            _DATE: moment.amz_date,
        }
        return {**fields, _TOKEN: self._token} if self._token else fields

    def signature(self, text: str, now: datetime | None = None) -> str:
        """The signature, in hex, of any *text* (such as a POST policy) on the day of *now*."""
        return self._moment(now).key.signature(text)

    def _moment(self, now: datetime | None) -> _Moment:
        if now is None:
            now = datetime.now(UTC)
        elif now.tzinfo is not UTC and now.utcoffset() is None:
            raise ValueError(f"now must have a time zone, and {now!r} has none")
        latest = self._latest
        if latest and latest.begin <= now < latest.end:
            return latest
        begin = now.astimezone(UTC).replace(microsecond=0)
        amz_date = f"{begin:%Y%m%dT%H%M%SZ}"
        scope = self._scope(amz_date[:8])
        key = latest.key if latest and latest.scope == scope else self._signing_key(scope)
        # One assignment of a finished tuple, so that no other thread sees half of it.
        self._latest = latest = _Moment(
            begin=begin,
            end=begin + timedelta(seconds=1),
            amz_date=amz_date,
            scope=scope,
            credential=quote_query(f"{self.access_key_id}/{scope}"),
            key=key,
        )
        return latest

    def _check_region(self, region: str) -> None:
        check_scope("region", region)

    def _scope(self, date: str) -> str:
        return f"{date}/{self.region}/{self.service}/aws4_request"

    def _signing_key(self, scope: str) -> SigningKey:
        key = f"AWS4{self._secret}".encode()
        for part in scope.split("/"):
            key = hmac_digest(key, part.encode(), "sha256")
        return _SigningKey(key)


def check_scope(name: str, text: object) -> None:
    """Refuse an argument that cannot be a part of a credential scope."""
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a str, not {type(text).__name__}")
    if not _is_scope(text):
        raise ValueError(f"{name} must be letters, digits, '.', '_' or '-', not {text!r}")


def _check_credential(name: str, text: object) -> None:
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a str, not {type(text).__name__}")
    if not text:
        raise ValueError(f"{name} is empty")
    if not text.isprintable() or text.strip() != text:
        raise ValueError(
            f"{name} begins or ends with white space, or holds control characters (not shown here)"
        )


def whole_seconds(argument: str, expires: object) -> int:
    """For how many seconds a signature is to hold; *argument* is what messages call it.

    Raises ``ValueError`` below 1 s and above 604,800 s (7 days), after which no key signs.
    """
    if isinstance(expires, timedelta):
        expires //= timedelta(seconds=1)
    if isinstance(expires, bool) or not isinstance(expires, int):
        raise TypeError(f"{argument} must be an int (seconds) or timedelta, not {expires!r}")
    if not 1 <= expires <= MAX_PRESIGN_SECONDS:
        raise ValueError(
            f"{argument} must be from 1 to {MAX_PRESIGN_SECONDS} seconds (7 days), not {expires}"
        )
    return expires


def _refuse_presigned(raw_query: str) -> None:
    for pair in raw_query.split("&"):
        name = pair.partition("=")[0]
        if name.lower() in _PRESIGNED:
            raise ValueError(f"url is presigned already: its query has {name}")


def _stated_hash(headers: CIMultiDict[str], payload_hash: str) -> str:
    stated = headers.get(_CONTENT_SHA256, payload_hash)
    if payload_hash not in (stated, UNSIGNED_PAYLOAD):
        raise ValueError(
            f"payload_hash={payload_hash!r} contradicts the header {_CONTENT_SHA256}: {stated}"
        )
    return stated
