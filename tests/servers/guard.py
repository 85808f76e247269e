"""Ends the processes of one server and removes its scratch folder, whatever happens to the tests.

Run as a script by ``processes.ProcessGroup``. It leads the process group that the server's
processes join, and waits on a pipe that only the test run holds: the pipe ends when the test run
lets go of it or dies, even by SIGKILL. There is no second way of stopping a server.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable


def kill_group() -> None:
    """Kill every process of this group, this one's parent (its leader) included."""
    group = os.getpgrp()
    os.setpgid(0, 0)
    os.killpg(group, signal.SIGKILL)


def kill_each(pids: Iterable[int]) -> None:
    """Windows has no process groups of this kind: end the processes one by one."""
    for pid in pids:
        with contextlib.suppress(OSError):  # it has ended by itself
            os.kill(pid, signal.SIGTERM)


def remove(folder: str) -> None:
    """Remove *folder*; what was just killed may write into it for a moment longer."""
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):
            return
        time.sleep(0.1)


def main() -> None:
    if sys.platform == "win32":
        kill_each([int(line) for line in sys.stdin])
        remove(sys.argv[1])
        return
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.stdin.read()
    if os.fork() == 0:
        kill_group()
        remove(sys.argv[1])


if __name__ == "__main__":
    main()
