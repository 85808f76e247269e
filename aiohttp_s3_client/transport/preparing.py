"""What all attempts of one request have in common: its headers, and what is signed for its body."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from aiohttp import hdrs
from multidict import CIMultiDict

from ..config import ClientConfig
from ..protocol import checksums
from ..protocol.auth import SIGV4
from ..protocol.aws_chunked import Framing, framing
from ..protocol.body import DocumentBody
from ..protocol.endpoint import Endpoint
from ..protocol.endpoints.directory import is_directory
from ..protocol.integrity import FRAMED, Protection, protection
from ..protocol.sigv4 import EMPTY_SHA256, UNSIGNED_PAYLOAD
from ..request import REQUIRED, Body, Request
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
    frame: Framing | None = None
    """How the body is framed, where it is."""


def protection_of(
    request: Request,
    endpoint: Endpoint,
    config: ClientConfig,
    *,
    auth: str | None = SIGV4,
    read_ahead: bool = True,
) -> Protection:
    """How *request*'s body is protected on the way to *endpoint*.

    *auth* is the scheme of its signature, None without one; *read_ahead* says whether the body
    can be read before it is sent. Raises ``ValueError`` as ``protection`` does.
    """
    given = request.content_sha256
    wish = False if given is not None else request.calculate_sha256
    body = request.body
    return _protection(
        scheme=endpoint.scheme,
        is_aws=endpoint.is_aws,
        checksum=request.checksum,
        calculate_sha256=config.calculate_content_sha256 if wish is None else wish,
        calculation=config.request_checksum_calculation,
        settings=config.checksum,
        trailer=request.trailer,
        auth=auth,
        directory=endpoint.asked.express and is_directory(request.bucket),
        read_ahead=read_ahead,
        # A body whose hash is known is signed by that. An empty one needs no frames.
        may_frame=request.operation in FRAMED
        and given in (None, UNSIGNED_PAYLOAD)
        and body is not None
        and body.size > 0,
    )


async def prepared(
    request: Request, terms: Terms, endpoint: Endpoint, config: ClientConfig, *, auth: str | None
) -> Prepared:
    """*request* with all headers but those of the signature, its body read for its checksums.

    *auth* is the scheme of the signature, None without one. Raises ``ValueError`` where the body
    cannot be protected as it is wished, see ``protection``.
    """
    headers = default_headers(terms.session)
    if request.headers:
        headers.update(request.headers)
    if request.body is not None and request.method in _WITH_CONTENT_TYPE:
        # aiohttp would add it behind the signer's back.
        headers.setdefault(hdrs.CONTENT_TYPE, "application/octet-stream")
    given, body = request.content_sha256, request.body
    # A checksum goes with an empty body too.
    if body is None and not request.checksum:
        return Prepared(terms, headers, given or EMPTY_SHA256)
    if _is_given(request.checksum, headers):
        # The caller's word for what should arrive.
        request = request._replace(checksum=False)
    guard = protection_of(request, endpoint, config, auth=auth)
    if guard.checksum is not None and body is not None:
        checksums.check_affordable(guard.checksum, body.size)
    digests = await _digests(body if body is not None and body.size else _EMPTY, guard)
    if digests is None:
        guard = protection_of(request, endpoint, config, auth=auth, read_ahead=False)
        digests = {}
    if body is not None and (guard.trailer or guard.sign_chunks):
        frame = framing(
            body.size, signed=guard.sign_chunks, checksum=guard.checksum if guard.trailer else None
        )
        encoding = ",".join(headers.popall(hdrs.CONTENT_ENCODING, ()))
        headers.update(frame.headers(encoding))
        if auth is None:  # Nobody else says that there are frames.
            headers["x-amz-content-sha256"] = frame.payload_hash
        if frame.checksum is not None:
            headers.setdefault("x-amz-sdk-checksum-algorithm", frame.checksum)
        return Prepared(terms, headers, frame.payload_hash, frame)
    if guard.checksum is not None:
        value = checksums.encode(digests[guard.checksum])
        headers.setdefault(checksums.header_name(guard.checksum), value)
    sha256 = digests["SHA256"].hex() if guard.sign_sha256 else given
    unknown = EMPTY_SHA256 if body is None else UNSIGNED_PAYLOAD
    return Prepared(terms, headers, sha256 or unknown)


def _is_given(checksum: bool | str, headers: CIMultiDict[str]) -> bool:
    """Whether *headers* hold the checksum that is wanted or, where any will do, one."""
    if isinstance(checksum, str):
        return checksum != REQUIRED and checksums.header_name(checksum) in headers
    return any(name.lower().startswith(_CHECKSUM_HEADERS) for name in headers)


async def _digests(body: Body, guard: Protection) -> dict[str, bytes] | None:
    """What *guard* wants to know of *body*, by algorithm; None where it cannot be read ahead."""
    found: dict[str, bytes] = {}
    for algorithm in guard.digests:
        digest = await body.digest(algorithm)
        if digest is None:
            return None
        found[algorithm] = digest
    return found
