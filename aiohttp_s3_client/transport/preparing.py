"""What all attempts of one request have in common: its headers, and what is signed for its body."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from aiohttp import hdrs
from multidict import CIMultiDict

from ..config import ClientConfig
from ..protocol import checksums
from ..protocol.body import DocumentBody
from ..protocol.endpoint import Endpoint
from ..protocol.integrity import Protection, protection
from ..protocol.sigv4 import EMPTY_SHA256, UNSIGNED_PAYLOAD
from ..request import Request
from .session import Terms, default_headers

_protection = lru_cache(maxsize=64)(protection)
_EMPTY = DocumentBody(b"")
_WITH_CONTENT_TYPE = frozenset({"PUT", "POST", "PATCH"})
_CHECKSUM_HEADERS = ("x-amz-checksum-", "content-md5", "x-amz-sdk-checksum-")


class Prepared(NamedTuple):
    """A request that only lacks its place and its signature."""

    terms: Terms
    headers: CIMultiDict[str]
    payload_hash: str
    """What is signed for the body."""


def protection_of(request: Request, endpoint: Endpoint, config: ClientConfig) -> Protection:
    """How *request*'s body is protected on the way to *endpoint*."""
    wish = request.calculate_sha256
    return _protection(
        scheme=endpoint.scheme,
        is_aws=endpoint.is_aws,
        checksum=request.checksum,
        calculate_sha256=config.calculate_content_sha256 if wish is None else wish,
        calculation=config.request_checksum_calculation,
    )


async def prepared(
    request: Request, terms: Terms, endpoint: Endpoint, config: ClientConfig, *, anonymous: bool
) -> Prepared:
    """*request* with all headers but those of the signature, its body read for its checksums."""
    headers = default_headers(terms.session)
    if request.headers:
        headers.update(request.headers)
    if request.body is not None and request.method in _WITH_CONTENT_TYPE:
        # aiohttp would add it behind the signer's back.
        headers.setdefault(hdrs.CONTENT_TYPE, "application/octet-stream")
    # A checksum that has to be there goes with an empty body too.
    named = isinstance(request.checksum, str)
    body = _EMPTY if request.body is None and named else request.body
    if body is None:
        return Prepared(terms, headers, request.content_sha256 or EMPTY_SHA256)
    guard = protection_of(request, endpoint, config)
    digest = request.content_sha256
    if digest is None and guard.sign_sha256 and not anonymous:
        sha256 = await body.digest("SHA256")
        digest = sha256.hex() if sha256 is not None else None
    if guard.checksum is not None and (named or not _has_checksum(headers)):
        # One that the caller gave is the caller's word for what should arrive.
        name = checksums.header_name(guard.checksum)
        checksum = await body.digest(guard.checksum) if name not in headers else None
        if checksum is not None:
            headers[name] = checksums.encode(checksum)
    return Prepared(terms, headers, digest or UNSIGNED_PAYLOAD)


def _has_checksum(headers: CIMultiDict[str]) -> bool:
    return any(name.lower().startswith(_CHECKSUM_HEADERS) for name in headers)
