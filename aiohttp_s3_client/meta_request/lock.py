"""A lock that one process of the machine holds at a time, by the name of what it is about."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from ..errors.crt import CRT_ERRORS, CrossProcessLockError
from ..transport.file_lock import lock, unlock
from ..transport.shielding import acquired, threaded

_HELD = "AWS_MUTEX_CALLER_NOT_OWNER"
_SAFE_NAME = r"[A-Za-z0-9 ._+=,@~-]{0,200}"
_FLAGS = os.O_RDONLY
for _name in ("O_CLOEXEC", "O_NOINHERIT", "O_NOFOLLOW", "O_NONBLOCK"):
    _FLAGS |= getattr(os, _name, 0)


class CrossProcessLock:
    """An exclusive lock across processes, one for each *lock_scope_name*, which is any string.

    Call ``acquire`` and, later, ``release``, or use it in a ``with`` statement; inside an event
    loop in ``async with``, which touches the disk in a thread. It is never waited for. The system
    releases the lock of a process that ends, however that ends.

    Outside of Windows these are awscrt's own locks: programs with either exclude each other, but
    for names of more than English letters, digits, spaces and ``. _ + = , @ ~ -``.
    """

    __slots__ = ("_descriptor", "_path")

    def __init__(self, lock_scope_name: str) -> None:
        if not isinstance(lock_scope_name, str):
            raise TypeError(f"lock_scope_name must be a str, not {lock_scope_name!r}")
        self._path = _path_of(lock_scope_name)
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock; without effect when this object has it already.

        Raises ``CrossProcessLockError``, a ``RuntimeError`` (AWS_MUTEX_CALLER_NOT_OWNER), when
        somebody else has it.
        """
        if self._descriptor is not None:
            return
        descriptor = _open(self._path)
        try:
            if not lock(descriptor):
                code, _ = CRT_ERRORS[_HELD]
                message = f"somebody else holds the lock {self._path}"
                raise CrossProcessLockError(code, _HELD, message)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; without effect when it is not held."""
        # The file stays: who opened it meanwhile would lock what has no name any more.
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            try:
                unlock(descriptor)
            finally:
                os.close(descriptor)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    async def __aenter__(self) -> Self:
        await acquired(self.acquire, lambda _: self.release())
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await threaded(self.release)

    def __del__(self) -> None:
        # Nobody else could release it. Not unlocked: a process that was forked has it too.
        descriptor: int | None = getattr(self, "_descriptor", None)
        if descriptor is not None:
            os.close(descriptor)


def _path_of(name: str) -> Path:
    """Where the lock of that *name* is: awscrt's place, but on Windows, where it has no files."""
    folder = tempfile.gettempdir() if sys.platform == "win32" else "/tmp"
    file = name
    if sys.platform == "win32" or not re.fullmatch(_SAFE_NAME, name):
        # What no file may be called: a sign that no safe name has, and a digest.
        file = "%" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return Path(folder, "aws_crt_cross_process_lock", f"{file}.lock")


def _open(path: Path) -> int:
    try:
        return os.open(path, _FLAGS)
    except FileNotFoundError:
        _make_directory(path.parent)
    # Not at once with this flag: Linux refuses it for a file of another user in such a folder.
    return os.open(path, _FLAGS | os.O_CREAT, 0o666)


def _make_directory(path: Path) -> None:
    try:
        path.mkdir()
    except FileExistsError:
        return
    # For every user, and each may remove only what is theirs.
    path.chmod(0o1777)
