"""What a request sends, whatever the user handed over, behind one face.

A source has a size, says whether it can be sent again, and gives the bytes of each attempt in
pieces of at most ``PIECE`` bytes. aiohttp never sees the user's object, so a spent stream is
never sent a second time by mistake. A file is read where that holds nobody up (``disk.py``); the
user's file objects and iterators are read in a worker thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import os
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol, Self, TypeAlias, runtime_checkable

import aiohttp

from ..errors import SourceChanged
from ..protocol import checksums
from .disk import Disk
from .shielding import acquired, threaded

PIECE = 64 * 1024
"""What is handed to aiohttp at a time: it warns of bodies past 1 MiB and copies small ones."""

READ = 1024 * 1024
"""What is read from a file object at a time: a thread switch costs about as much as 256 KiB."""

_DIGEST_READ = 256 * 1024
"""What is read of a file to be digested: it stays in the processor's cache."""

_INLINE_HASH = 128 * 1024
"""Below this a digest takes less than handing it to a thread."""

Buffer: TypeAlias = bytes | bytearray | memoryview
Reached: TypeAlias = Callable[[int], None]
"""Who is told how many bytes of an attempt were handed to the connection."""


@runtime_checkable
class BinaryFile(Protocol):
    """A binary file object, as far as it is needed."""

    def read(self, size: int = -1, /) -> bytes: ...


SourceData: TypeAlias = Buffer | str | Path | BinaryFile | AsyncIterable[bytes] | Iterable[bytes]


class BytesSource:
    """Bytes in memory: sent as views, never copied, always replayable."""

    __slots__ = ("_view", "reached")
    replayable = True

    def __init__(self, data: Buffer, reached: Reached | None = None) -> None:
        view = memoryview(data)
        if not view.contiguous:
            raise ValueError("data: a memoryview with gaps cannot be sent; take its tobytes()")
        self._view = view.cast("B")
        self.reached = reached

    @property
    def size(self) -> int:
        return self._view.nbytes

    async def open(self) -> AsyncIterator[bytes | memoryview]:
        for start in range(0, self._view.nbytes, PIECE):
            yield self._view[start : start + PIECE]

    async def digest(self, algorithm: str) -> bytes:
        if self.size <= _INLINE_HASH:
            return checksums.compute(algorithm, self._view)
        return await threaded(partial(checksums.compute, algorithm, self._view))


class _ReadSource:
    """What can be read again and again, in a thread, as often as an attempt or a digest needs."""

    __slots__ = ("_piece", "reached", "size")
    replayable = True

    def __init__(self, size: int, piece: int = PIECE, reached: Reached | None = None) -> None:
        self.size = size
        self._piece = piece
        self.reached = reached

    def _each(self) -> Iterator[bytes]:
        raise NotImplementedError

    def _short(self, missing: int) -> SourceChanged:
        return SourceChanged(f"the file ends {missing} bytes before what was announced")

    async def open(self) -> AsyncIterator[bytes | memoryview]:
        async for data in _pulled(self._each()):
            for piece in _pieces(data, self._piece):
                yield piece

    async def digest(self, algorithm: str) -> bytes:
        running, pieces = checksums.new(algorithm), self._each()

        def step() -> bool:
            data = next(pieces, None)
            if data is not None:
                running.update(data)
            return data is not None

        # Step by step: whoever is cancelled does not wait for the end of the file.
        while await threaded(step):
            pass
        return running.digest()


class OpenFile:
    """A file opened for reading by position, closed when its last reader is done.

    A refused upload leaves its worker thread in the middle of a read; closing the descriptor
    under it would let it read from whatever file gets that number next.
    """

    __slots__ = ("_closed", "_fd", "_lock", "_readers", "_state", "size")

    def __init__(self, path: str | os.PathLike[str], argument: str) -> None:
        if os.path.isdir(path):
            raise IsADirectoryError(f"{argument}: {os.fspath(path)!r} is a directory, not a file")
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        self._take(os.open(path, flags))

    @classmethod
    def duplicate(cls, descriptor: int) -> Self:
        """The open file of *descriptor*, which stays its owner's."""
        self = cls.__new__(cls)
        self._take(os.dup(descriptor))
        return self

    def _take(self, descriptor: int) -> None:
        self._fd = descriptor
        self._lock = threading.Lock()
        self._readers = 0
        self._closed = False
        self._state = _state(self._fd)
        self.size = os.fstat(self._fd).st_size

    @contextlib.contextmanager
    def reading(self) -> Iterator[int]:
        """The descriptor, which stays open for the time being."""
        with self._lock:
            if self._closed:
                raise ValueError("the file is closed")
            self._readers += 1
        try:
            yield self._fd
        finally:
            with self._lock:
                self._readers -= 1
                self._close_if_idle()

    def read(self, offset: int, size: int) -> bytes:
        with self.reading() as descriptor:
            if hasattr(os, "pread"):
                return os.pread(descriptor, size, offset)
            with self._lock:  # Without pread the position belongs to all readers together.
                os.lseek(descriptor, offset, os.SEEK_SET)
                return os.read(descriptor, size)

    def read_into(self, offset: int, buffer: memoryview) -> int:
        """Fill *buffer* from *offset* on; how many bytes there were."""
        if not hasattr(os, "preadv"):
            data = self.read(offset, len(buffer))
            buffer[: len(data)] = data
            return len(data)
        with self.reading() as descriptor:
            return os.preadv(descriptor, [buffer], offset)

    def changed(self) -> bool:
        """Whether size or time of change are others than when the file was opened. Blocks."""
        with self.reading() as descriptor:
            return _state(descriptor) != self._state

    def was_changed(self, path: Path) -> SourceChanged:
        """The error of a file that did not stay what it was."""
        return SourceChanged(f"{path} was changed while it was being uploaded")

    @property
    def identity(self) -> tuple[int, int, int, int]:
        """Size in bytes, time of change in ns, device and inode, when the file was opened."""
        return self._state

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._close_if_idle()

    def _close_if_idle(self) -> None:
        if self._closed and not self._readers and self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _state(descriptor: int) -> tuple[int, int, int, int]:
    found = os.fstat(descriptor)
    return found.st_size, found.st_mtime_ns, found.st_dev, found.st_ino


async def open_file(path: str | os.PathLike[str], argument: str) -> OpenFile:
    """The file at *path*; ``OSError`` when it is missing, a directory, or unreadable."""
    return await acquired(partial(OpenFile, path, argument), OpenFile.close)


class FileSource(_ReadSource):
    """A slice of an open file: parts of one file never disturb each other.

    A file that became shorter is ``SourceChanged``.
    """

    __slots__ = ("_disk", "_file", "_offset", "fast")

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
        super().__init__(size, piece, reached)
        self._file = file
        self._offset = offset
        self._disk = disk or Disk()
        self.fast = fast
        """Whether the bytes may go to the socket without passing Python."""

    @property
    def offset(self) -> int:
        return self._offset

    @property
    def disk(self) -> Disk:
        return self._disk

    def reading(self) -> contextlib.AbstractContextManager[int]:
        """The file's descriptor, which stays open for the time being."""
        return self._file.reading()

    async def open(self, start: int = 0) -> AsyncIterator[bytes | memoryview]:
        done, step = start, min(self._piece, READ)
        while done < self.size:
            count = min(step, self.size - done)
            read = partial(self._file.read, self._offset + done, count)
            data = await self._disk.run(read)
            if not data:
                raise self._short(self.size - done)
            done += len(data)
            yield data

    def _feed(self, update: Callable[[Buffer], None]) -> None:
        done, buffer = 0, memoryview(bytearray(min(_DIGEST_READ, max(self.size, 1))))
        while done < self.size:
            count = self._file.read_into(self._offset + done, buffer[: self.size - done])
            if not count:
                raise self._short(self.size - done)
            done += count
            update(buffer[:count])

    async def digest(self, algorithm: str) -> bytes:
        running = checksums.new(algorithm)
        await self._disk.aside(partial(self._feed, running.update))
        return running.digest()


class SeekableSource(_ReadSource):
    """A seekable file object: one request at a time, each from where the file stood at first."""

    __slots__ = ("_file", "_start")

    def __init__(
        self, file: BinaryIO, start: int, size: int, reached: Reached | None = None
    ) -> None:
        super().__init__(size, reached=reached)
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

    async def digest(self, algorithm: str) -> None:
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
    while data := await threaded(partial(file.read, READ)):
        yield data


async def _pulled(iterator: Iterator[bytes]) -> AsyncIterator[bytes]:
    while True:
        # Not next() alone: StopIteration cannot pass a future.
        pieces = await threaded(partial(list, itertools.islice(iterator, 1)))
        if not pieces:
            return
        yield pieces[0]


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
    start, size = await threaded(partial(_measure, file))
    return SeekableSource(file, start, size)


async def remaining(file: BinaryIO) -> int:
    """Bytes from where a seekable file object stands to its end."""
    return (await threaded(partial(_measure, file)))[1]


def _measure(file: BinaryIO) -> tuple[int, int]:
    start = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(start)
    return start, max(0, end - start)
