"""Writing a stream to the user's file object."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from functools import partial
from typing import Protocol

from ..config import TransferConfig
from ..models import DownloadResult
from ..transport.disk import Disk
from .stream import ObjectStream


class WritableFile(Protocol):
    """A binary file object, as far as it is needed; ``write`` may be a coroutine function."""

    def write(self, data: bytes, /) -> int | Awaitable[int | None] | None: ...


async def write_stream(
    stream: ObjectStream, file: WritableFile, config: TransferConfig
) -> DownloadResult:
    """Write all that *stream* gives to *file*, about ``io_chunksize`` bytes at a time."""
    size, gathered, held = 0, bytearray(), config.io_chunksize
    disk = Disk(threads=config.use_threads)
    async with stream:
        async for piece in stream:
            size += len(piece)
            gathered += piece
            if len(gathered) >= held:
                await _write(file, bytes(gathered), disk)
                gathered.clear()
        if gathered:
            await _write(file, bytes(gathered), disk)
    return DownloadResult(size, stream.etag, stream.version_id, stream.verified)


async def _write(file: WritableFile, data: bytes, disk: Disk) -> None:
    """Write all of *data*: a raw file may take less at a time."""
    view = memoryview(data)
    while view:
        if inspect.iscoroutinefunction(file.write):
            count = await file.write(bytes(view))
        else:
            count = await disk.aside(partial(file.write, bytes(view)))
        if inspect.isawaitable(count):
            count = await count
        view = view[count:] if isinstance(count, int) else view[len(view) :]
