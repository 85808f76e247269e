"""Writing a stream to the user's file object."""

from __future__ import annotations

import errno
import inspect
import io
from collections.abc import Awaitable
from functools import partial
from typing import Protocol, cast

from ..config import TransferConfig
from ..models import DownloadResult
from ..transport.disk import Disk
from .stream import ObjectStream


class WritableFile(Protocol):
    """A binary file object, as far as it is needed; ``write`` may be a coroutine function."""

    def write(self, data: bytes, /) -> int | Awaitable[int | None] | None: ...


def writable(file: object) -> WritableFile:
    """*file*, or ``TypeError`` for what cannot be written to, or takes text."""
    if isinstance(file, io.TextIOBase):
        raise TypeError("fileobj: the file is open as text; open it with mode 'wb'")
    if not callable(getattr(file, "write", None)):
        raise TypeError(f"fileobj: {type(file).__name__} has no write()")
    return cast(WritableFile, file)


async def write_stream(
    stream: ObjectStream, file: WritableFile, config: TransferConfig
) -> DownloadResult:
    """Write all that *stream* gives to *file*, ``io_chunksize`` bytes at a time."""
    size, gathered, step = 0, bytearray(), config.io_chunksize
    disk = Disk(threads=config.use_threads)
    async with stream:
        async for piece in stream:
            size += len(piece)
            gathered += piece
            while len(gathered) >= step:
                await _write(file, bytes(gathered[:step]), disk)
                del gathered[:step]
        if gathered:
            await _write(file, bytes(gathered), disk)
    return DownloadResult(size, stream.etag, stream.version_id, stream.verified)


async def _write(file: WritableFile, data: bytes, disk: Disk) -> None:
    """Write all of *data*: a raw file may take less at a time."""
    while data:
        if inspect.iscoroutinefunction(file.write):
            count = await file.write(data)
        else:
            count = await disk.aside(partial(file.write, data))
        if inspect.isawaitable(count):
            count = await count
        # Of others None says nothing; a file of the system means that it would have to wait.
        if count is None and isinstance(file, io.FileIO):
            count = 0
        if count is not None and count < 1:
            raise BlockingIOError(errno.EAGAIN, f"fileobj took {count} of {len(data)} bytes", 0)
        data = data[count:] if count is not None else b""
