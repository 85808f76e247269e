"""Where a download goes: a file beside its destination, renamed when it is complete, or memory.

Two forms of file. ``PositionedFile`` takes every range in its place. Where there is no
``os.pwrite`` (Windows), or with ``AIOS3_PLAIN=1``, ``RangeFiles`` gives each range a file of its
own and joins them at the end.
"""

from __future__ import annotations

import bisect
import contextlib
import os
import secrets
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from ..config import plain_paths_only
from ..protocol.crc import Buffer
from .borrowed import FileFailed, write_at
from .disk import Disk
from .receive import Landing

_O_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_O_BINARY = getattr(os, "O_BINARY", 0)
_O_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_READ = 1024 * 1024
"""What is read back at a time: it stays in the processor's cache while it is digested."""


class Sink(Landing, Protocol):
    """A file that is being downloaded."""

    async def read_back(self, start: int, stop: int, digest: Callable[[Buffer], None]) -> None:
        """Give *digest* the bytes from *start* to *stop*, as they stand in the file."""

    async def commit(self, size: int, *, fsync: bool = False) -> None:
        """The object is complete with *size* bytes: let it appear under its final name.

        With *fsync* it is on the disk before it appears, and its name after it.
        """

    async def discard(self) -> None:
        """Remove everything that was written. Safe after ``commit``."""


async def open_sink(destination: Path, disk: Disk) -> Sink:
    """A sink for *destination*, which stays untouched until ``commit``.

    Raises ``OSError`` when its folder is missing or may not be written.
    """
    if positioned_writes():
        return await disk.acquire(partial(PositionedFile, destination, disk), PositionedFile.remove)
    return await disk.acquire(partial(RangeFiles, destination, disk), RangeFiles.remove)


def positioned_writes() -> bool:
    """Whether files are written by position here."""
    return hasattr(os, "pwrite") and not plain_paths_only()


class PositionedFile:
    """One temporary file, written by position from any number of workers.

    With *path* it is that file, which may be there already and which ``close`` leaves in place.
    """

    def __init__(self, destination: Path, disk: Disk, path: Path | None = None) -> None:
        self._destination = destination
        self._disk = disk
        flags = os.O_RDWR | os.O_CREAT | _O_CLOEXEC
        flags |= os.O_EXCL if path is None else _O_NOFOLLOW
        self._path: Path | None = path or _beside(destination)
        # 0o666 leaves the mode to the user's umask, as for a file written in place.
        self._fd = os.open(self._path, flags, 0o666)

    @property
    def file(self) -> int:
        return self._fd

    def view(self, position: int, size: int) -> None:
        return None

    async def write(self, position: int, data: Buffer) -> None:
        try:
            await self._disk.run(partial(write_at, self._fd, data, position))
        except FileFailed as error:
            raise error.error from None

    async def read_back(self, start: int, stop: int, digest: Callable[[Buffer], None]) -> None:
        await self._disk.aside(partial(self._read_back, start, stop, digest))

    def _read_back(self, start: int, stop: int, digest: Callable[[Buffer], None]) -> None:
        buffer = memoryview(bytearray(min(_READ, max(stop - start, 1))))
        while start < stop:
            count = os.preadv(self._fd, [buffer[: stop - start]], start)
            if not count:
                raise RuntimeError(f"the file ends at {start}, before byte {stop} was read back")
            digest(buffer[:count])
            start += count

    async def sync(self) -> None:
        """See what was written onto the disk."""
        await self._disk.aside(partial(os.fsync, self._fd))

    def size_now(self) -> int:
        """Bytes that the file has, holes among them. Blocks, but hardly."""
        return os.fstat(self._fd).st_size

    def truncate(self, size: int) -> None:
        """Drop what stands behind *size*. Blocks."""
        os.ftruncate(self._fd, size)

    async def commit(self, size: int, *, fsync: bool = False) -> None:
        await self._disk.aside(partial(self._commit, size, fsync))

    def _commit(self, size: int, fsync: bool) -> None:
        assert self._path is not None
        _check_size(os.fstat(self._fd).st_size, size)
        if fsync:
            os.fsync(self._fd)
        _move(self._path, self._destination, fsync=fsync)
        self._path = None
        self.close()

    async def discard(self) -> None:
        if self._fd >= 0 or self._path is not None:  # After a commit there is nothing to do.
            await self._disk.aside(self.remove)

    def close(self) -> None:
        """Close the temporary file and leave it where it is. Blocks."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def remove(self) -> None:
        """Close and delete the temporary file, if it is still there. Blocks."""
        self.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None


class RangeFiles:
    """A temporary folder of files, each of which grows from the position that names it."""

    def __init__(self, destination: Path, disk: Disk) -> None:
        self._destination = destination
        self._disk = disk
        self._folder = _beside(destination)
        self._folder.mkdir()
        self._starts: list[int] = []
        self._ends: dict[int, int] = {}

    @property
    def file(self) -> None:
        return None

    def view(self, position: int, size: int) -> None:
        return None

    async def write(self, position: int, data: Buffer) -> None:
        start = self._file_for(position)
        self._ends[start] = max(self._ends[start], position + len(data))
        await self._disk.run(partial(self._write, start, position, data))

    def _file_for(self, position: int) -> int:
        """The start of the file that reaches *position*; a new one where none does."""
        place = bisect.bisect_right(self._starts, position)
        if place and position <= self._ends[self._starts[place - 1]]:
            return self._starts[place - 1]
        # A new list each time: a thread that reads back may be looking at the old one.
        self._starts = [*self._starts[:place], position, *self._starts[place:]]
        self._ends[position] = position
        return position

    def _write(self, start: int, position: int, data: Buffer) -> None:
        # Never truncating: a neighbour may be writing to the same file at this moment.
        flags = os.O_RDWR | os.O_CREAT | _O_BINARY | _O_CLOEXEC
        with open(os.open(self._folder / str(start), flags, 0o666), "wb") as file:
            file.seek(position - start)
            file.write(data)

    async def read_back(self, start: int, stop: int, digest: Callable[[Buffer], None]) -> None:
        await self._disk.aside(partial(self._read_back, start, stop, digest))

    def _read_back(self, start: int, stop: int, digest: Callable[[Buffer], None]) -> None:
        while start < stop:
            starts = self._starts
            place = bisect.bisect_right(starts, start) - 1
            begin = starts[place] if place >= 0 else start
            with open(self._folder / str(begin), "rb") as file:
                file.seek(start - begin)
                data = file.read(min(_READ, stop - start))
            if not data:
                raise RuntimeError(f"byte {start} was not written and cannot be read back")
            digest(data)
            start += len(data)

    async def commit(self, size: int, *, fsync: bool = False) -> None:
        await self._disk.aside(partial(self._commit, size, fsync))

    def _commit(self, size: int, fsync: bool) -> None:
        whole = self._folder / "whole"
        with open(whole, "wb") as out:
            for start in self._starts:
                _check_size(out.tell(), start)
                part = self._folder / str(start)
                with open(part, "rb") as file:
                    shutil.copyfileobj(file, out, 1024 * 1024)
                part.unlink()
            _check_size(out.tell(), size)
            if fsync:
                out.flush()
                os.fsync(out.fileno())
        _move(whole, self._destination, fsync=fsync)

    async def discard(self) -> None:
        await self._disk.aside(self.remove)

    def remove(self) -> None:
        """Delete the temporary folder. Blocks."""
        shutil.rmtree(self._folder, ignore_errors=True)


class Memory:
    """A buffer of the caller's: *start* is the position of its first byte within the object."""

    def __init__(self, buffer: memoryview, start: int = 0) -> None:
        self._buffer = buffer
        self._start = start

    @property
    def file(self) -> None:
        return None

    def view(self, position: int, size: int) -> memoryview:
        begin = position - self._start
        return self._buffer[begin : begin + size]

    async def write(self, position: int, data: Buffer) -> None:
        self.view(position, len(data))[:] = data


def _beside(destination: Path) -> Path:
    """A fresh hidden name in the destination's folder, so that the rename stays on one disk."""
    shown = destination.name.encode(errors="surrogateescape")[:100].decode(errors="ignore")
    return destination.with_name(f".{shown}.{secrets.token_hex(8)}.part")


def _move(path: Path, destination: Path, *, fsync: bool) -> None:
    """Put *path* in the destination's place, keeping the mode of a file that was there."""
    with contextlib.suppress(FileNotFoundError):
        path.chmod(destination.stat().st_mode & 0o7777)
    os.replace(path, destination)
    if fsync and hasattr(os, "O_DIRECTORY"):
        folder = os.open(destination.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _check_size(written: int, size: int) -> None:
    if written != size:
        raise RuntimeError(f"{written} bytes were written of an object of {size}")
