"""What a request sends, whatever the user handed over, behind one face.

A source has a size, says whether it can be sent again, and gives the bytes of each attempt in
pieces of at most ``PIECE`` bytes. aiohttp never sees the user's object, so a spent stream is
never sent a second time by mistake. Files and iterators are read in a worker thread: the event
loop never waits on the disk.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import threading
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias, runtime_checkable

import aiohttp

from ..errors import SourceChanged
from .shielding import acquired

PIECE = 64 * 1024
"""What is handed to aiohttp at a time: it warns of bodies past 1 MiB and copies small ones."""

READ = 1024 * 1024
"""What is read from a file at a time: a thread switch costs about as much as 256 KiB."""

_INLINE_HASH = 128 * 1024
"""Below this a digest takes less than handing it to a thread."""

Buffer: TypeAlias = bytes | bytearray | memoryview


@runtime_checkable
class BinaryFile(Protocol):
    """A binary file object, as far as it is needed."""

    def read(self, size: int = -1, /) -> bytes: ...


SourceData: TypeAlias = Buffer | str | Path | BinaryFile | AsyncIterable[bytes] | Iterable[bytes]


class BytesSource:
    """Bytes in memory: sent as views, never copied, always replayable."""

    __slots__ = ("_view",)
    replayable = True

    def __init__(self, data: Buffer) -> None:
        view = memoryview(data)
        if not view.contiguous:
            raise ValueError("data: a memoryview with gaps cannot be sent; take its tobytes()")
        self._view = view.cast("B")

    @property
    def size(self) -> int:
        return self._view.nbytes

    async def open(self) -> AsyncIterator[bytes | memoryview]:
        for start in range(0, self._view.nbytes, PIECE):
            yield self._view[start : start + PIECE]

    async def sha256(self) -> str:
        if self.size <= _INLINE_HASH:
            return hashlib.sha256(self._view).hexdigest()
        return await asyncio.to_thread(lambda: hashlib.sha256(self._view).hexdigest())

    async def md5(self) -> str:
        digest = partial(hashlib.md5, usedforsecurity=False)
        return await asyncio.to_thread(lambda: digest(self._view).hexdigest())

    async def crc32(self) -> int:
        if self.size <= _INLINE_HASH:
            return zlib.crc32(self._view)
        return await asyncio.to_thread(zlib.crc32, self._view)


class _ReadSource:
    """What can be read again and again, in a thread, as often as an attempt or a digest needs."""

    __slots__ = ("_piece", "size")
    replayable = True

    def __init__(self, size: int, piece: int = PIECE) -> None:
        self.size = size
        self._piece = piece

    def _each(self) -> Iterator[bytes]:
        raise NotImplementedError

    def _short(self, missing: int) -> SourceChanged:
        return SourceChanged(f"the file ends {missing} bytes before what was announced")

    async def open(self) -> AsyncIterator[bytes | memoryview]:
        async for data in _pulled(self._each()):
            for piece in _pieces(data, self._piece):
                yield piece

    async def sha256(self) -> str:
        return await asyncio.to_thread(self._hexdigest, "sha256")

    async def md5(self) -> str:
        return await asyncio.to_thread(self._hexdigest, "md5")

    def _hexdigest(self, algorithm: str) -> str:
        running = hashlib.new(algorithm, usedforsecurity=False)
        for data in self._each():
            running.update(data)
        return running.hexdigest()

    async def crc32(self) -> int:
        def digest() -> int:
            running = 0
            for data in self._each():
                running = zlib.crc32(data, running)
            return running

        return await asyncio.to_thread(digest)


class OpenFile:
    """A file opened for reading by position, closed when its last reader is done.

    A refused upload leaves its worker thread in the middle of a read; closing the descriptor
    under it would let it read from whatever file gets that number next.
    """

    __slots__ = ("_closed", "_fd", "_lock", "_readers", "size")

    def __init__(self, path: str | os.PathLike[str], argument: str) -> None:
        if os.path.isdir(path):
            raise IsADirectoryError(f"{argument}: {os.fspath(path)!r} is a directory, not a file")
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        self._fd = os.open(path, flags)
        self._lock = threading.Lock()
        self._readers = 0
        self._closed = False
        self.size = os.fstat(self._fd).st_size

    def read(self, offset: int, size: int) -> bytes:
        with self._lock:
            if self._closed:
                raise ValueError("the file is closed")
            self._readers += 1
        try:
            return self._pread(size, offset)
        finally:
            with self._lock:
                self._readers -= 1
                self._close_if_idle()

    def _pread(self, size: int, offset: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._fd, size, offset)
        with self._lock:  # Without pread the position belongs to all readers together.
            os.lseek(self._fd, offset, os.SEEK_SET)
            return os.read(self._fd, size)

    def size_now(self) -> int:
        return os.fstat(self._fd).st_size

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._close_if_idle()

    def _close_if_idle(self) -> None:
        if self._closed and not self._readers and self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


async def open_file(path: str | os.PathLike[str], argument: str) -> OpenFile:
    """The file at *path*; ``OSError`` when it is missing, a directory, or unreadable."""
    return await acquired(partial(OpenFile, path, argument), OpenFile.close)


class FileSource(_ReadSource):
    """A slice of an open file: parts of one file never disturb each other.

    A file that became shorter is ``SourceChanged``.
    """

    __slots__ = ("_file", "_offset")

    def __init__(self, file: OpenFile, offset: int, size: int, *, piece: int = PIECE) -> None:
        super().__init__(size, piece)
        self._file = file
        self._offset = offset

    def _each(self) -> Iterator[bytes]:
        done = 0
        while done < self.size:
            data = self._file.read(self._offset + done, min(READ, self.size - done))
            if not data:
                raise self._short(self.size - done)
            done += len(data)
            yield data


class SeekableSource(_ReadSource):
    """A seekable file object: one request at a time, each from where the file stood at first."""

    __slots__ = ("_file", "_start")

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        super().__init__(size)
        self._file = file
        self._start = start

    def _each(self) -> Iterator[bytes]:
        self._file.seek(self._start)
        left = self.size
        while left:
            data = self._file.read(min(READ, left))
            if not data:
                raise self._short(left)
            left -= len(data)
            yield data


class StreamSource:
    """Bytes that come once, of a size that the caller knows.

    More or fewer of them than announced is an error: the request is broken off, since S3 would
    otherwise store, or wait for, something else than was meant.
    """

    __slots__ = ("_stream", "_taken", "size")

    def __init__(self, stream: AsyncIterator[bytes], size: int) -> None:
        self._stream = stream
        self._taken = False
        self.size = size

    @property
    def replayable(self) -> bool:
        return not self._taken

    async def open(self) -> AsyncIterator[bytes | memoryview]:
        if self._taken:
            raise RuntimeError("a stream can be sent only once")
        self._taken = True
        taken = 0
        held = b""
        async for data in self._stream:
            taken += len(data)
            if taken > self.size:
                raise SourceChanged(f"the stream gave more than data_length={self.size} bytes")
            if data:
                # The last bytes go out once it is sure that they are the last: with them the
                # server would have a whole request, and store less than the stream had.
                for piece in _pieces(held):
                    yield piece
                held = data
        if taken < self.size:
            raise SourceChanged(f"the stream ended after {taken} of data_length={self.size} bytes")
        for piece in _pieces(held):
            yield piece

    async def sha256(self) -> None:
        return None

    async def md5(self) -> None:
        return None

    async def crc32(self) -> None:
        return None


def _pieces(data: Buffer, piece: int = PIECE) -> Iterator[bytes | memoryview]:
    if isinstance(data, bytes) and len(data) <= piece:
        if data:
            yield data
        return
    view = memoryview(data).cast("B")
    for start in range(0, view.nbytes, piece):
        yield view[start : start + piece]


def as_stream(data: BinaryFile | AsyncIterable[bytes] | Iterable[bytes]) -> AsyncIterator[bytes]:
    """The pieces of a file object or an iterable, as they come; what blocks runs in a thread."""
    if isinstance(data, aiohttp.StreamReader):
        return _checked(data.iter_any())
    if isinstance(data, asyncio.StreamReader):
        return _checked(_reader_pieces(data))
    if isinstance(data, AsyncIterable):
        return _checked(data)
    if isinstance(data, BinaryFile):
        return _checked(_file_pieces(data))
    if isinstance(data, list | tuple):
        return _checked(_each_of(data))
    if isinstance(data, Mapping) or not isinstance(data, Iterable):
        raise TypeError(f"data: {type(data).__name__} is neither bytes nor a stream of them")
    return _checked(_pulled(iter(data)))


async def _checked(stream: AsyncIterable[object]) -> AsyncIterator[bytes]:
    async for data in stream:
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"data: the stream gave {type(data).__name__}, not bytes")
        yield data if isinstance(data, bytes) else bytes(data)


async def _each_of(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _reader_pieces(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    # Iterating over it would look for lines, and fail where one is long.
    while data := await reader.read(READ):
        yield data


async def _file_pieces(file: BinaryFile) -> AsyncIterator[bytes]:
    while data := await asyncio.to_thread(file.read, READ):
        yield data


async def _pulled(iterator: Iterator[bytes]) -> AsyncIterator[bytes]:
    done = object()
    while (data := await asyncio.to_thread(next, iterator, done)) is not done:
        yield data  # type: ignore[misc]  # `done` was just ruled out


def is_seekable(file: object) -> bool:
    """Whether *file* is a file object whose size can be found and that can be read again.

    Raises ``TypeError`` for a file opened as text.
    """
    if isinstance(file, io.TextIOBase):
        raise TypeError("data: the file is open as text; open it with mode 'rb'")
    if isinstance(file, AsyncIterable):
        return False
    seekable = getattr(file, "seekable", None)
    return bool(seekable and seekable())


async def seekable_source(file: BinaryIO) -> BytesSource | SeekableSource:
    """A source of what is left of a seekable file object, from where it stands now."""
    if isinstance(file, io.BytesIO):
        return BytesSource(file.getvalue()[file.tell() :])

    def measure() -> tuple[int, int]:
        start = file.tell()
        end = file.seek(0, os.SEEK_END)
        file.seek(start)
        return start, max(0, end - start)

    start, size = await asyncio.to_thread(measure)
    return SeekableSource(file, start, size)
