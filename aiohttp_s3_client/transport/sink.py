"""Where a download goes: a file beside its destination, renamed when it is complete.

Two forms. ``PositionedFile`` writes every range in its place with ``os.pwrite``. Where there is
none (Windows), or with ``AIOS3_PLAIN=1``, ``RangeFiles`` gives each range a file of its own and
joins them at the end. All disk work runs in worker threads.
"""

from __future__ import annotations

import asyncio
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
from .shielding import acquired
from .source import Buffer

_O_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_O_BINARY = getattr(os, "O_BINARY", 0)


class Sink(Protocol):
    """A destination that takes bytes by position."""

    async def write(self, position: int, data: Buffer) -> None:
        """Put *data* at *position*. *data* is not kept."""

    async def commit(self, size: int) -> None:
        """The object is complete with *size* bytes: let it appear under its final name."""

    async def discard(self) -> None:
        """Remove everything that was written. Safe after ``commit``."""


async def open_sink(destination: Path) -> Sink:
    """A sink for *destination*, which stays untouched until ``commit``.

    Raises ``OSError`` when its folder is missing or may not be written.
    """
    pwrite = hasattr(os, "pwrite") and not plain_paths_only()
    if pwrite:
        return await acquired(partial(PositionedFile, destination), PositionedFile.remove)
    return await acquired(partial(RangeFiles, destination), RangeFiles.remove)


class _DiskWork:
    """Runs writes in threads and knows which of them are still running.

    A cancelled write goes on in its thread; what it writes to may not be closed under it.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    async def _in_thread(self, work: Callable[[], None]) -> None:
        task = asyncio.create_task(asyncio.to_thread(work))
        self._running.add(task)
        try:
            await asyncio.shield(task)
        finally:
            if task.done():
                self._running.discard(task)

    async def _idle(self) -> None:
        """Wait for the writes that nobody waits for any more; how they end is of no interest."""
        await asyncio.gather(*self._running, return_exceptions=True)


class PositionedFile(_DiskWork):
    """One temporary file, written by position from any number of workers."""

    def __init__(self, destination: Path) -> None:
        super().__init__()
        self._destination = destination
        self._path: Path | None = _beside(destination)
        # 0o666 leaves the mode to the user's umask, as for a file written in place.
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _O_CLOEXEC, 0o666)

    async def write(self, position: int, data: Buffer) -> None:
        await self._in_thread(partial(self._write, position, memoryview(data)))

    def _write(self, position: int, data: memoryview) -> None:
        while data:
            written = os.pwrite(self._fd, data, position)
            position += written
            data = data[written:]

    async def commit(self, size: int) -> None:
        await self._in_thread(partial(self._commit, size))

    def _commit(self, size: int) -> None:
        assert self._path is not None
        _check_size(os.fstat(self._fd).st_size, size)
        _move(self._path, self._destination)
        self._path = None

    async def discard(self) -> None:
        await self._idle()
        await asyncio.to_thread(self.remove)

    def remove(self) -> None:
        """Close and delete the temporary file, if it is still there. Blocks."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None


class RangeFiles(_DiskWork):
    """A temporary folder of files, each of which grows from the position that names it."""

    def __init__(self, destination: Path) -> None:
        super().__init__()
        self._destination = destination
        self._folder = _beside(destination)
        self._folder.mkdir()
        self._starts: list[int] = []
        self._ends: dict[int, int] = {}

    async def write(self, position: int, data: Buffer) -> None:
        start = self._file_for(position)
        self._ends[start] = max(self._ends[start], position + len(data))
        await self._in_thread(partial(self._write, start, position, data))

    def _file_for(self, position: int) -> int:
        """The start of the file that reaches *position*; a new one where none does."""
        place = bisect.bisect_right(self._starts, position)
        if place and position <= self._ends[self._starts[place - 1]]:
            return self._starts[place - 1]
        self._starts.insert(place, position)
        self._ends[position] = position
        return position

    def _write(self, start: int, position: int, data: Buffer) -> None:
        # Never truncating: a neighbour may be writing to the same file at this moment.
        flags = os.O_RDWR | os.O_CREAT | _O_BINARY | _O_CLOEXEC
        with open(os.open(self._folder / str(start), flags, 0o666), "wb") as file:
            file.seek(position - start)
            file.write(data)

    async def commit(self, size: int) -> None:
        await self._in_thread(partial(self._commit, size))

    def _commit(self, size: int) -> None:
        whole = self._folder / "whole"
        with open(whole, "wb") as out:
            for start in self._starts:
                _check_size(out.tell(), start)
                part = self._folder / str(start)
                with open(part, "rb") as file:
                    shutil.copyfileobj(file, out, 1024 * 1024)
                part.unlink()
            _check_size(out.tell(), size)
        _move(whole, self._destination)

    async def discard(self) -> None:
        await self._idle()
        await asyncio.to_thread(self.remove)

    def remove(self) -> None:
        """Delete the temporary folder. Blocks."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _beside(destination: Path) -> Path:
    """A fresh hidden name in the destination's folder, so that the rename stays on one disk."""
    shown = destination.name.encode(errors="surrogateescape")[:100].decode(errors="ignore")
    return destination.with_name(f".{shown}.{secrets.token_hex(8)}.part")


def _move(path: Path, destination: Path) -> None:
    """Put *path* in the destination's place, keeping the mode of a file that was there."""
    with contextlib.suppress(FileNotFoundError):
        path.chmod(destination.stat().st_mode & 0o7777)
    os.replace(path, destination)


def _check_size(written: int, size: int) -> None:
    if written != size:
        raise RuntimeError(f"{written} bytes were written of an object of {size}")
