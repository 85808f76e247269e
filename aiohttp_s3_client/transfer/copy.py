"""Server-side copies of one object.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from multidict import CIMultiDict

from ..engine import Engine
from ..protocol.xml import parse_copy
from ..request import Request
from ..transport.answer import Answer

Place = tuple[str, str | None]
"""Bucket and key."""


async def copy_object(
    engine: Engine,
    source: Place,
    destination: Place,
    *,
    headers: Mapping[str, str],
    options: Mapping[str, Any],
) -> Answer:
    """Copy one object of up to 5 GB; an error, also one in the body of a 200, is in the answer."""
    bucket, key = destination
    if source[1] is None:
        raise ValueError(
            "source: its bucket is not known here; name it, or give the client bucket=…"
        )
    sent = CIMultiDict(headers)
    sent["x-amz-copy-source"] = engine.endpoint.copy_source(source[0], source[1])
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
    return answer


async def rename_object(
    engine: Engine,
    source: Place,
    destination: Place,
    *,
    headers: Mapping[str, str],
    options: Mapping[str, Any],
) -> None:
    """Copy, and delete the source once the copy is known to have succeeded."""
    answer = await copy_object(engine, source, destination, headers=headers, options=options)
    answer.raise_for_status()
    bucket, key = source
    await engine.request("DeleteObject", "DELETE", bucket, key)
