"""An object as an async iterator of even chunks, over one connection."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from multidict import CIMultiDict

from ..arguments import bound_place
from ..calls import Calls
from ..config import check_positive
from ..engine import Engine
from ..errors import ResponseParseError
from ..operations.body import StreamingBody
from ..request import Request
from ..transfer.callbacks import check_callback, tell
from ..transfer.expected import MODE, held_by_default
from .file_upload import OnChunk
from .outputs import OnDownloadStartFn


def download_chunks(
    calls: Calls,
    bucket: str,
    key: str,
    on_chunk: OnChunk | None,
    chunk_size: int,
    on_start: OnDownloadStartFn | None,
) -> AsyncGenerator[bytes, None]:
    """See ``S3Session.download_file``. The arguments are checked now, nothing is sent before the
    first chunk is asked for."""
    engine = calls._engine
    bucket, key = bound_place(engine.endpoint, bucket, key)
    request = Request(
        operation="GetObject",
        method="GET",
        bucket=bucket,
        key=key,
        headers=CIMultiDict({MODE: "ENABLED"} if held_by_default(engine.config) else ()),
    )
    check_positive("chunk_size", chunk_size)
    for name, callback in (("on_chunk", on_chunk), ("on_start", on_start)):
        check_callback(name, callback)
    return _chunks(engine, request, on_chunk, chunk_size, on_start)


async def _chunks(
    engine: Engine,
    request: Request,
    on_chunk: OnChunk | None,
    chunk_size: int,
    on_start: OnDownloadStartFn | None,
) -> AsyncGenerator[bytes, None]:
    answer = await engine.send(request)
    response = answer.raise_for_status()
    async with StreamingBody(engine, answer) as body:
        if response.status != 200:
            raise ResponseParseError(
                f"GetObject {request.bucket}/{request.key}: {response.status} in the place of the "
                "whole object"
            )
        if on_start is not None:
            await tell(on_start, response)
        while chunk := await body.read(chunk_size):
            if on_chunk is not None:
                await tell(on_chunk, chunk)
            try:
                yield chunk
            except GeneratorExit:
                # An end like any other: the connection is kept if little is left on it.
                return
