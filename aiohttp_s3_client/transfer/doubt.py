"""Writes that may have taken effect although their answers were lost (P10, P11).

A conditional write is refused when it is repeated after it took effect: by the object that it
made itself. So the object is asked for, and told by its ETag and its age.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from multidict import CIMultiDict

from ..engine import Engine
from ..protocol.operations import EVERYWHERE
from ..protocol.timestamps import parse_http_date
from ..protocol.upload_headers import UploadHeaders
from ..request import Request
from ..transport.answer import Answer

_MD5_ETAG = r'"?([0-9a-f]{32})"?'
_CLOCKS = 5.0
"""Seconds that the clocks of one service may differ by, or that HTTP's dates leave out."""


def etag_of_parts(etags: Sequence[str]) -> str | None:
    """The ETag that S3 forms of those of parts: the MD5 of their MD5s, and their number; None
    where one of them is no MD5."""
    digest = hashlib.md5(usedforsecurity=False)
    for etag in etags:
        match = re.fullmatch(_MD5_ETAG, etag)
        if match is None:
            return None
        digest.update(bytes.fromhex(match[1]))
    return f"{digest.hexdigest()}-{len(etags)}"


async def completed_before(engine: Engine, refused: Answer, etags: Sequence[str]) -> Answer | None:
    """The object of the parts with these *etags*, when an earlier Complete made it and only its
    answer was lost: its upload is gone (P10), or its own condition no longer holds (P11).

    The age tells nothing here, since S3 dates an object by the beginning of its upload. But an
    upload that is still there was not completed: then another writer sent the same parts.
    """
    request = refused.request
    expected, doubted = etag_of_parts(etags), is_in_doubt(refused)
    gone = refused.uncertain and refused.response.status == 404
    if expected is None or not (gone or doubted):
        return None
    headers = UploadHeaders(request.headers).part
    found = await _stored(engine, request, headers)
    if found is None or stored_etag(found) != expected:
        return None
    return None if doubted and await _is_going_on(engine, request, headers) else found


async def _is_going_on(engine: Engine, request: Request, headers: CIMultiDict[str]) -> bool:
    """Whether the upload that *request* completes is there, or may be."""
    parts = await engine.send(
        Request(
            operation="ListParts",
            method="GET",
            bucket=request.bucket,
            key=request.key,
            query=(*request.query, ("max-parts", "1")),
            headers=headers,
            options=request.options,
        )
    )
    parts.response.release()
    return parts.response.status != 404


async def written_before(engine: Engine, refused: Answer, etag: str) -> Answer | None:
    """The object that a write in doubt was refused for, when it is what that write makes (P11).

    Told by its *etag*, and by its age: the one that was there before the first attempt is another
    writer's, even if it has the same bytes.
    """
    request = refused.request
    found = await _stored(engine, request, headers_of_all(request.headers))
    if found is None or stored_etag(found) != etag or predates(found, refused):
        return None
    return found


async def _stored(engine: Engine, request: Request, headers: CIMultiDict[str]) -> Answer | None:
    """The object of *request* as it is now, whoever wrote it."""
    found = await engine.send(
        Request(
            operation="HeadObject",
            method="HEAD",
            bucket=request.bucket,
            key=request.key,
            headers=headers,
            options=request.options,
        )
    )
    found.response.release()
    return None if found.failed else found


def headers_of_all(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """Those of *headers* that every request about an object takes."""
    return CIMultiDict((name, headers[name]) for name in headers if name.lower() in EVERYWHERE)


def is_conditional(headers: Mapping[str, str]) -> bool:
    """Whether a write depends on what there is of its object."""
    return "If-Match" in headers or "If-None-Match" in headers


def is_in_doubt(answer: Answer) -> bool:
    """Whether a conditional write may be refused for what its own lost attempt wrote, or writes."""
    refused = answer.response.status in (409, 412) and answer.uncertain
    return refused and is_conditional(answer.request.headers)


def stored_etag(found: Answer) -> str:
    return found.response.headers.get("ETag", "").strip('"')


def predates(found: Answer, first: Answer | None) -> bool:
    """Whether an object is known to have been there before *first*'s request was first sent."""
    age = age_at(found, first)
    return first is not None and age is not None and age > first.elapsed + _CLOCKS


def age_at(found: Answer, first: Answer | None) -> float | None:
    """The seconds that an object was there when *first* was answered, by the server's clock."""
    answered = parse_http_date(first.response.headers.get("Date", "")) if first else None
    made = parse_http_date(found.response.headers.get("Last-Modified", ""))
    return (answered - made).total_seconds() if answered and made else None
