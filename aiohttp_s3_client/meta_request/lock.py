"""A lock among the processes of one machine, by a name."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from ..errors.crt import CRT_ERRORS, CrossProcessLockError
from ..transport.file_lock import lock, unlock

_NAME = "AWS_MUTEX_CALLER_NOT_OWNER"


class CrossProcessLock:
    """A lock that one holder has at a time, whichever process it is in.

    Locks of the same *lock_scope_name* are one, for all processes of this machine that share its
    folder for temporary files. Use it in a ``with``, or call ``acquire`` and ``release``. The
    system releases it when the process ends, however that ends.

    Nothing is waited for, but a small file is opened: in a coroutine, call ``acquire`` in a thread
    where the disk may be slow.
    """

    __slots__ = ("_descriptor", "_path")

    def __init__(self, lock_scope_name: str) -> None:
        if not lock_scope_name or lock_scope_name != str(lock_scope_name):
            raise ValueError(f"lock_scope_name must be a name, not {lock_scope_name!r}")
        # Any name is one of a file then.
        digest = hashlib.sha256(lock_scope_name.encode("utf-8", "surrogatepass")).hexdigest()
        self._path = Path(tempfile.gettempdir(), f"aiohttp-s3-client-{digest[:32]}.lock")
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises ``CrossProcessLockError``, a ``RuntimeError`` (AWS_MUTEX_CALLER_NOT_OWNER), when
        somebody holds it, be it this one.
        """
        if self._descriptor is not None:
            raise _error("it is held here already")
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
        # Others may take it too: the umask has its say.
        descriptor = os.open(self._path, flags, 0o666)
        taken = False
        try:
            taken = lock(descriptor)
        finally:
            if not taken:
                os.close(descriptor)
        if not taken:
            raise _error("another holder has it")
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back. Raises ``CrossProcessLockError`` when it is not held here."""
        if self._descriptor is None:
            raise _error("it is not held here")
        # The file stays: who opened it meanwhile would lock what has no name any more.
        descriptor, self._descriptor = self._descriptor, None
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

    def __del__(self) -> None:
        # Nobody else could release it.
        if getattr(self, "_descriptor", None) is not None:
            self.release()


def _error(why: str) -> CrossProcessLockError:
    code, _ = CRT_ERRORS[_NAME]
    return CrossProcessLockError(code, _NAME, f"the lock cannot be taken or released: {why}")
