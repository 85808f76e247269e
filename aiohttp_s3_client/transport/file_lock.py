"""Advisory locks on open files: one holder at a time, until it unlocks or its process ends."""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    import msvcrt

    # Windows keeps others from reading what is locked, so it is a byte that is never there.
    _LOCKED_BYTE = 2**31 - 2

    def lock(fd: int) -> bool:
        """Lock the file; False when somebody else has done so."""
        os.lseek(fd, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def unlock(fd: int) -> None:
        """Unlock the file. Closing alone would leave the lock to a process forked meanwhile."""
        os.lseek(fd, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def lock(fd: int) -> bool:
        """Lock the file; False when somebody else has done so."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(fd: int) -> None:
        """Unlock the file. Closing alone would leave the lock to a process forked meanwhile."""
        fcntl.flock(fd, fcntl.LOCK_UN)
