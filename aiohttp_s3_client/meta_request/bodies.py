"""The body of an upload: a file by its path, or a binary file object up to its Content-Length."""

from __future__ import annotations

import contextlib
import inspect
import io
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import BinaryIO, cast

from ..errors import AwsCrtError
from ..request import Body
from ..transport.disk import Disk
from ..transport.openfile import open_file
from ..transport.source import (
    BytesSource,
    FileSource,
    SeekableSource,
    StreamSource,
    as_stream,
    is_seekable,
    remaining,
)
from .http import BinaryStream

Reached = Callable[[int], None]


class _FirstBytes:
    """The first *size* bytes of a file object, not one of those behind them."""

    def __init__(self, file: BinaryStream, size: int) -> None:
        self._file = file
        self._size = self._left = size

    def read(self, size: int = -1, /) -> bytes:
        """Up to *size* of what is left. Raises ``AwsCrtError`` where the file ends before."""
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._file.read(wanted) if wanted else b""
        if wanted and not data:
            raise wrong_length(self._size, self._size - self._left)
        self._left -= len(data)
        return data


def wrong_length(announced: int, there: int) -> AwsCrtError:
    """The error of a Content-Length that the body does not have."""
    return AwsCrtError.of(
        "AWS_ERROR_S3_INCORRECT_CONTENT_LENGTH",
        f"the body has {there} bytes, and Content-Length says {announced}",
    )


def check_body(body: object) -> BinaryStream | None:
    """*body* as a binary file object; of awscrt's own what it was made of.

    Raises ``TypeError`` for what cannot be read as bytes.
    """
    if body is None:
        return None
    if not hasattr(body, "read"):
        body = getattr(body, "_stream", body)
    read = getattr(body, "read", None)
    if not callable(read) or isinstance(body, io.TextIOBase) or inspect.iscoroutinefunction(read):
        raise TypeError(
            f"request: body_stream must be a binary file, or have a read() that gives bytes, "
            f"not {type(body).__name__}"
        )
    return cast(BinaryStream, body)


async def up_to(body: BinaryStream, size: int | None) -> BinaryStream:
    """*body*, but no more than *size* bytes of it. Raises ``AwsCrtError`` where it has fewer."""
    if size is None:
        return body
    if is_seekable(body):
        there = await remaining(cast(BinaryIO, body), Disk())
        if there < size:
            raise wrong_length(size, there)
        if there == size:
            return body
    return _FirstBytes(body, size)


@contextlib.asynccontextmanager
async def whole_body(
    path: str | None, body: BinaryStream | None, size: int | None, reached: Reached
) -> AsyncGenerator[Body | None, None]:
    """What one request sends, *size* bytes of it if that is known; None for nothing.

    Raises ``AwsCrtError`` for a body of another size, ``ValueError`` for one of a size that
    nobody knows.
    """
    disk = Disk()
    if path is not None:
        file = await open_file(path, "send_filepath", disk)
        with contextlib.closing(file):
            if size not in (None, file.size):
                raise wrong_length(size or 0, file.size)
            yield FileSource(file, 0, file.size, disk=disk, reached=reached)
    elif body is None:
        yield BytesSource(b"", reached) if size == 0 else None
    elif is_seekable(body):
        seekable = cast(BinaryIO, body)
        there = await remaining(seekable, disk)
        if size is not None and there < size:
            raise wrong_length(size, there)
        start = await disk.aside(partial(seekable.tell))
        yield SeekableSource(seekable, start, there if size is None else size, reached, disk)
    elif size is not None:
        yield StreamSource(as_stream(_FirstBytes(body, size), disk), size, reached)
    else:
        raise ValueError(
            "request: a body_stream that cannot be sought needs a Content-Length header"
        )
