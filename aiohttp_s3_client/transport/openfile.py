"""A file opened for reading by position, shared by all that read it."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Self

from ..errors import SourceChanged
from .disk import Disk


class OpenFile:
    """A file opened for reading by position, closed when its last reader is done.

    A refused upload leaves its worker thread in the middle of a read; closing the descriptor
    under it would let it read from whatever file gets that number next.
    """

    __slots__ = ("_closed", "_fd", "_lock", "_readers", "_state", "size")

    def __init__(self, path: str | os.PathLike[str], argument: str) -> None:
        if os.path.isdir(path):
            raise IsADirectoryError(f"{argument}: {os.fspath(path)!r} is a directory, not a file")
        if not stat.S_ISREG(os.stat(path).st_mode):
            # A pipe would be waited for at the opening, and has no size.
            raise ValueError(f"{argument}: {os.fspath(path)!r} is no regular file")
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
        """Bytes from *offset* on. Blocks; only while ``reading``."""
        if hasattr(os, "pread"):
            return os.pread(self._fd, size, offset)
        with self._lock:  # Without pread the position belongs to all readers together.
            os.lseek(self._fd, offset, os.SEEK_SET)
            return os.read(self._fd, size)

    def read_into(self, offset: int, buffer: memoryview) -> int:
        """Fill *buffer* from *offset* on; how many bytes there were. Blocks, as ``read``."""
        if hasattr(os, "preadv"):
            return os.preadv(self._fd, [buffer], offset)
        data = self.read(offset, len(buffer))
        buffer[: len(data)] = data
        return len(data)

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


async def open_file(
    path: str | os.PathLike[str], argument: str, disk: Disk | None = None
) -> OpenFile:
    """The file at *path*; ``OSError`` when it is missing, a directory, or unreadable."""
    return await (disk or Disk()).acquire(partial(OpenFile, path, argument), OpenFile.close)
