"""What a request sends, whatever the user handed over, behind one face.

A source has a size, says whether it can be sent again, and gives the bytes of each attempt in
pieces of at most ``PIECE`` bytes. aiohttp never sees the user's object, so a spent stream is
never sent a second time by mistake. A file is read where that holds nobody up (``disk.py``); the
user's file objects and iterators are read in a worker thread.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import itertools
import os
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
)
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias, TypeGuard, cast

import aiohttp

from ..errors import SourceChanged
from ..protocol import checksums
from ..protocol.body import PIECE, DocumentBody
from ..protocol.crc import Buffer
from .disk import Disk
from .openfile import OpenFile
from .shielding import threaded

READ = 1024 * 1024
"""What is read from a file object at a time: a thread switch costs about as much as 256 KiB."""

_DIGEST_READ = 1024 * 1024
"""What is read of a file to be digested: with less, threads would wait for each other more."""

_INLINE_HASH = 128 * 1024
"""Below this a digest takes less than handing it to a thread, if Python need not compute it."""

Reached: TypeAlias = Callable[[int], None]
"""Who is told how many bytes of an attempt were handed to the connection."""


_DISK = Disk()
"""For what takes its time but touches no disk, or not for long."""


class BinaryFile(Protocol):
    """A binary file object, as far as it is needed."""

    def read(self, size: int = -1, /) -> bytes: ...


class AsyncFile(Protocol):
    """A binary file object whose methods are coroutine functions."""

    async def read(self, size: int = -1, /) -> bytes: ...


SourceData: TypeAlias = (
    Buffer | str | Path | BinaryFile | AsyncFile | AsyncIterable[bytes] | Iterable[bytes]
)


class BytesSource(DocumentBody):
    """Bytes in memory, digested in a thread where that would take long."""

    __slots__ = ("_disk", "_reached")

    def __init__(
        self, data: Buffer, reached: Reached | None = None, *, disk: Disk | None = None
    ) -> None:
        super().__init__(data)
        self._disk = disk or _DISK
        self._reached = reached

    @property
    def reached(self) -> Reached | None:
        return self._reached

    async def digest(self, algorithm: str) -> bytes:
        if self.size <= _INLINE_HASH and checksums.is_available(algorithm):
            return await super().digest(algorithm)
        return await self._disk.aside(partial(checksums.compute, algorithm, self._view))


class FileSource:
    """A slice of an open file: parts of one file never disturb each other.

    A file that became shorter is ``SourceChanged``.
    """

    __slots__ = ("_file", "_piece", "disk", "fast", "offset", "reached", "size")
    replayable = True

    def __init__(
        self,
        file: OpenFile,
        offset: int,
        size: int,
        *,
        piece: int = PIECE,
        disk: Disk | None = None,
        fast: bool = True,
        reached: Reached | None = None,
    ) -> None:
        self._file = file
        self._piece = piece
        self.offset = offset
        self.size = size
        self.disk = disk or Disk()
        self.fast = fast
        """Whether the bytes may go to the socket without passing Python."""
        self.reached = reached

    def reading(self) -> contextlib.AbstractContextManager[int]:
        """The file's descriptor, which stays open for the time being."""
        return self._file.reading()

    async def open(self, start: int = 0) -> AsyncGenerator[bytes | memoryview, None]:
        done, step, disk = start, min(self._piece, READ), self.disk
        with self._file.reading():
            while done < self.size:
                count = min(step, self.size - done)
                data = await disk.run(partial(self._file.read, self.offset + done, count))
                if not data:
                    raise _short(self.size - done)
                done += len(data)
                yield data

    def _feed(self, update: Callable[[Buffer], None]) -> None:
        done, buffer = 0, memoryview(bytearray(min(_DIGEST_READ, max(self.size, 1))))
        with self._file.reading():
            while done < self.size:
                count = self._file.read_into(self.offset + done, buffer[: self.size - done])
                if not count:
                    raise _short(self.size - done)
                done += count
                update(buffer[:count])

    async def digest(self, algorithm: str) -> bytes:
        running = checksums.new(algorithm)
        await self.disk.aside(partial(self._feed, running.update))
        return running.digest()


class SeekableSource:
    """A seekable file object: one request at a time, each from where the file stood at first."""

    __slots__ = ("_disk", "_file", "_start", "reached", "size")
    replayable = True

    def __init__(
        self,
        file: BinaryIO,
        start: int,
        size: int,
        reached: Reached | None = None,
        disk: Disk | None = None,
    ) -> None:
        self._file = file
        self._start = start
        self.size = size
        self.reached = reached
        self._disk = disk or _DISK

    async def open(self) -> AsyncGenerator[bytes | memoryview, None]:
        async for data in _pulled(self._each(), self._disk):
            for piece in _pieces(data):
                yield piece

    async def digest(self, algorithm: str) -> bytes:
        running, pieces = checksums.new(algorithm), self._each()

        def step() -> bool:
            data = next(pieces, None)
            if data is not None:
                running.update(data)
            return data is not None

        # Step by step: whoever is cancelled does not wait for the end of the file.
        while await self._disk.aside(step):
            pass
        return running.digest()

    def _each(self) -> Iterator[bytes]:
        self._file.seek(self._start)
        left = self.size
        while left:
            data = self._file.read(min(READ, left))
            if not data:
                raise _short(left)
            left -= len(data)
            yield data


class StreamSource:
    """Bytes that come once, of a size that the caller knows.

    More or fewer of them than announced is an error: the request is broken off, since S3 would
    otherwise store, or wait for, something else than was meant.
    """

    __slots__ = ("_stream", "_taken", "reached", "size")

    def __init__(
        self, stream: AsyncIterator[bytes], size: int, reached: Reached | None = None
    ) -> None:
        self._stream = stream
        self.reached = reached
        self._taken = False
        self.size = size

    @property
    def replayable(self) -> bool:
        return not self._taken

    async def open(self) -> AsyncGenerator[bytes | memoryview, None]:
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

    async def digest(self, algorithm: str) -> None:
        return None


def _short(missing: int) -> SourceChanged:
    return SourceChanged(f"the file ends {missing} bytes before what was announced")


def _pieces(data: Buffer) -> Iterator[bytes | memoryview]:
    if isinstance(data, bytes) and len(data) <= PIECE:
        if data:
            yield data
        return
    view = memoryview(data).cast("B")
    for start in range(0, view.nbytes, PIECE):
        yield view[start : start + PIECE]


def as_stream(
    data: BinaryFile | AsyncFile | AsyncIterable[bytes] | Iterable[bytes],
    disk: Disk | None = None,
) -> AsyncIterator[bytes]:
    """The pieces of a file object or an iterable, as they come; what blocks runs in a thread,
    unless *disk* has none."""
    disk = disk or _DISK
    if isinstance(data, aiohttp.StreamReader):
        return _checked(data.iter_any())
    if is_async_file(data):
        # Iterating over it would look for lines, and fail where one is long.
        return _checked(_async_file_pieces(data))
    if isinstance(data, AsyncIterable):
        return _checked(data)
    if hasattr(data, "read"):
        return _checked(_file_pieces(cast(BinaryFile, data), disk))
    if isinstance(data, list | tuple):
        return _checked(_each_of(data))
    if isinstance(data, Mapping) or not isinstance(data, Iterable):
        raise TypeError(f"data: {type(data).__name__} is neither bytes nor a stream of them")
    return _checked(_pulled(iter(data), disk))


def is_async_file(data: object) -> TypeGuard[AsyncFile]:
    """Whether *data* is a file object whose ``read`` has to be awaited."""
    return inspect.iscoroutinefunction(getattr(data, "read", None))


async def _checked(stream: AsyncIterable[object]) -> AsyncIterator[bytes]:
    async for data in stream:
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"data: the stream gave {type(data).__name__}, not bytes")
        yield data if isinstance(data, bytes) else bytes(data)


async def _each_of(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _async_file_pieces(file: AsyncFile) -> AsyncIterator[bytes]:
    while data := await file.read(READ):
        yield data


async def _file_pieces(file: BinaryFile, disk: Disk) -> AsyncIterator[bytes]:
    while data := await disk.aside(partial(file.read, READ)):
        yield data


async def _pulled(iterator: Iterator[bytes], disk: Disk) -> AsyncIterator[bytes]:
    def step() -> list[bytes]:
        # Not next() alone: StopIteration cannot pass a future.
        return list(itertools.islice(iterator, 1))

    while pieces := await disk.aside(step):
        yield pieces[0]


def is_seekable(file: object) -> bool:
    """Whether *file* is a file object whose size can be found and that can be read again.

    Raises ``TypeError`` for a file opened as text.
    """
    if isinstance(file, io.TextIOBase):
        raise TypeError("data: the file is open as text; open it with mode 'rb'")
    if isinstance(file, AsyncIterable) or is_async_file(file):
        return False
    seekable = getattr(file, "seekable", None)
    return bool(seekable and seekable())


async def seekable_source(file: BinaryIO) -> BytesSource | SeekableSource:
    """A source of what is left of a seekable file object, from where it stands now."""
    if isinstance(file, io.BytesIO):
        return BytesSource(file.getvalue()[file.tell() :])
    start, size = await threaded(partial(_measure, file))
    return SeekableSource(file, start, size)


async def remaining(file: BinaryIO, disk: Disk) -> int:
    """Bytes from where a seekable file object stands to its end."""
    return (await disk.aside(partial(_measure, file)))[1]


def _measure(file: BinaryIO) -> tuple[int, int]:
    start = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(start)
    return start, max(0, end - start)
