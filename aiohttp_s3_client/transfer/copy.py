"""Server-side copies of one object.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from multidict import CIMultiDict

from ..config import GIB
from ..engine import Engine
from ..errors import EndpointError, ObjectChanged
from ..protocol.encoding import quote_query
from ..protocol.endpoints.directory import is_directory
from ..protocol.xml import parse_copy
from ..request import Request
from ..transport.answer import Answer
from .doubt import is_in_doubt, stored_etag, written_before
from .tagging import ObjectVersion

CopySource = ObjectVersion
"""The object to be copied: ``CopySource(bucket, key, version_id=None)``."""

_PAYER = "x-amz-request-payer"

Place = tuple[str, str]
"""Bucket and key."""

MAX_COPY_SIZE = 5 * GIB
"""The largest object that CopyObject copies, in bytes."""


def copy_source_header(engine: Engine, source: CopySource) -> str:
    """The value of ``x-amz-copy-source``."""
    if not source.bucket:
        raise ValueError(
            "source: its bucket is not known here; name it, or give the client bucket=…"
        )
    header = engine.endpoint.copy_source(source.bucket, source.key)
    if source.version_id is None:
        return header
    return f"{header}?versionId={quote_query(source.version_id)}"


async def copy_object(
    engine: Engine,
    source: Place | CopySource,
    destination: Place,
    *,
    headers: Mapping[str, str],
    options: Mapping[str, Any],
) -> Answer:
    """Copy one object of up to 5 GiB; an error, also one in the body of a 200, is in the answer.

    A conditional copy whose answer was lost is refused when it is repeated, because it was made
    the first time (P11). Then the answer is that of the HeadObject which found it.
    """
    bucket, key = destination
    sent = CIMultiDict(headers)
    named = source if isinstance(source, ObjectVersion) else ObjectVersion(*source)
    sent["x-amz-copy-source"] = copy_source_header(engine, named)
    if sent.get("x-amz-metadata-directive") == "REPLACE":
        sent.setdefault("Content-Type", "application/octet-stream")
    answer = await engine.send(
        Request(
            operation="CopyObject",
            method="PUT",
            bucket=bucket,
            key=key,
            headers=sent,
            document=True,
            options=options,
        )
    )
    if not answer.failed:
        parse_copy(answer.body or b"")
    elif is_in_doubt(answer):
        return await copied_before(engine, named, answer) or answer
    return answer


async def copied_before(engine: Engine, source: CopySource, refused: Answer) -> Answer | None:
    """The copy that a copy in doubt was refused for, when it has the source's ETag (P11)."""
    request = refused.request
    payer = request.headers.get(_PAYER)
    head = Request(
        operation="HeadObject",
        method="HEAD",
        bucket=source.bucket,
        key=source.key,
        query=source.query,
        headers=CIMultiDict({_PAYER: payer} if payer is not None else {}),
        options=request.options,
    )
    try:
        found = await engine.send(head)
    except EndpointError:
        # An access point that S3 finds and this endpoint does not have: nothing is proven by it.
        return None
    found.response.release()
    etag = stored_etag(found)
    if found.failed or not etag:
        return None
    return await written_before(engine, refused, etag)


async def rename_object(
    engine: Engine,
    source: Place,
    destination: Place,
    *,
    headers: Mapping[str, str],
    options: Mapping[str, Any],
) -> None:
    """Copy, and delete the source once the copy is known to have succeeded."""
    sent = CIMultiDict(headers)
    etag = ""
    if not (engine.endpoint.bucket or engine.endpoint.host_is_bare):
        etag = await _etag_where_it_will_be_deleted(engine, source, options)
        if etag:
            sent["x-amz-copy-source-if-match"] = etag
    answer = await copy_object(engine, source, destination, headers=sent, options=options)
    answer.raise_for_status()
    copied = parse_copy(answer.body).etag if answer.body else stored_etag(answer)
    told = not is_directory(destination[0])  # Every object there has an ETag of its own.
    if told and _is_md5(etag) and _is_md5(copied) and etag.strip('"') != copied.strip('"'):
        raise ObjectChanged(
            f"{source[0]}/{source[1]} has the ETag {etag} and its copy {copied}: "
            "the source is not deleted"
        )
    await engine.request("DeleteObject", "DELETE", *source)


async def _etag_where_it_will_be_deleted(
    engine: Engine, source: Place, options: Mapping[str, Any]
) -> str:
    """The source's ETag, as its own URL has it.

    Where the host may hold a bucket, a copy names its source by a bucket that was read from the
    object name, and deleting goes by the URL: those may be two objects. Bound to this ETag, what
    is deleted is what was copied.
    """
    bucket, key = source
    answer = await engine.send(
        Request(operation="HeadObject", method="HEAD", bucket=bucket, key=key, options=options)
    )
    answer.raise_for_status().release()
    return answer.response.headers.get("ETag", "")


def _is_md5(etag: str) -> bool:
    return re.fullmatch(r'"?[0-9a-f]{32}"?', etag) is not None
