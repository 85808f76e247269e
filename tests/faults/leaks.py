"""What a transfer must leave as it found it: descriptors, sockets, threads and tasks.

``held()`` takes the state; ``difference(before, after)`` says in words what has been added. The
descriptors come from the process file system and are left out where there is none.
"""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DESCRIPTORS = Path("/proc/self/fd")
_PATIENCE = 2.0
"""Seconds for what ends by itself: the other side of a connection, a thread on its way out."""

_SERVERS = str(Path(tempfile.gettempdir()) / "s3-")
"""The test servers write their logs here; they may be starting in the background."""

Ignored = Callable[[], set[int]]


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds at one moment."""

    files: Counter[str]
    """Descriptors by what they lead to, sockets left out; all pipes count as the same."""
    sockets: dict[int, str]
    """Descriptor and ``socket:[inode]``."""
    threads: frozenset[threading.Thread]
    tasks: frozenset[asyncio.Task[Any]]

    @property
    def duplicates(self) -> set[str]:
        """The sockets that two descriptors lead to."""
        return {inode for inode, count in Counter(self.sockets.values()).items() if count > 1}


def held(ignored: Ignored = set) -> Held:
    """What this process holds now, but for the descriptors that *ignored* names.

    Threads of the loop's default executor are no leak: they wait there for more work.
    """
    files: Counter[str] = Counter()
    sockets: dict[int, str] = {}
    for number, target in _descriptors():
        if target.startswith("socket:"):
            sockets[number] = target
        elif not target.startswith(_SERVERS):
            files["a pipe" if target.startswith("pipe:") else target] += 1
    for number in ignored():
        sockets.pop(number, None)
    try:
        me = asyncio.current_task()
        tasks = {task for task in asyncio.all_tasks() if task is not me}
    except RuntimeError:  # no loop runs here
        tasks = set()
    threads = (t for t in threading.enumerate() if not _may_stay(t))
    return Held(files, sockets, frozenset(threads), frozenset(tasks))


def _may_stay(thread: threading.Thread) -> bool:
    """Threads of the loop's default executor, of the test servers, and of pycares as a whole."""
    lasting = ("asyncio_", "uvloop_", "server")
    return thread.name.startswith(lasting) or "_safe_shutdown" in thread.name


def difference(before: Held, after: Held, *, sockets: bool = True) -> list[str]:
    """What *after* holds beyond *before*, in words.

    Without *sockets* their number may grow, since a pool may keep them, but no connection may be
    held by two descriptors: that is a duplicate which somebody forgot to close.
    """
    found = [f"{count} x {what}" for what, count in (after.files - before.files).items()]
    if sockets and len(after.sockets) > len(before.sockets):
        new = [n for n, target in after.sockets.items() if before.sockets.get(n) != target]
        found += [f"socket {number} {_peer(number)}" for number in new]
    found += [f"{inode} is held twice" for inode in after.duplicates - before.duplicates]
    found += [f"thread {thread.name}" for thread in after.threads - before.threads]
    found += [f"task {task!r}" for task in after.tasks - before.tasks if not task.done()]
    return found


@asynccontextmanager
async def unchanged(ignored: Ignored = set, *, sockets: bool = True) -> AsyncIterator[Held]:
    """Fail when what runs inside leaves something behind in this process."""
    before = held(ignored)
    yield before
    await settled(before, ignored, sockets=sockets)


async def settled(
    before: Held, ignored: Ignored = set, *, sockets: bool = True, patience: float = _PATIENCE
) -> None:
    """Wait a little until nothing is held beyond *before*; fails when something still is."""
    deadline = time.monotonic() + patience
    while found := difference(before, held(ignored), sockets=sockets):
        if time.monotonic() > deadline:
            raise AssertionError("left behind: " + "; ".join(found))
        await asyncio.sleep(0.01)


def _descriptors() -> Iterator[tuple[int, str]]:
    if not _DESCRIPTORS.is_dir():
        return
    for name in os.listdir(_DESCRIPTORS):
        try:
            target = os.readlink(_DESCRIPTORS / name)
        except FileNotFoundError:  # the one that lists them, or another thread's
            continue
        # libuv keeps the null device open from its first stream on.
        if not target.startswith("/proc/") and target != os.devnull:
            yield int(name), target


def _peer(number: int) -> str:
    """Where a socket leads, for a message."""
    try:
        with socket.socket(fileno=os.dup(number)) as duplicate:
            return f"{duplicate.getsockname()} -> {duplicate.getpeername()}"
    except OSError as error:
        return f"({error.strerror})"


class CountingExecutor(ThreadPoolExecutor):
    """A loop's default executor that knows how much of its work is still going on."""

    def __init__(self, workers: int = 8) -> None:
        super().__init__(workers, thread_name_prefix="asyncio_counting")
        self._unfinished: set[Future[Any]] = set()

    @property
    def unfinished(self) -> int:
        return sum(not future.done() for future in list(self._unfinished))

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:  # as the base class has it
        future = super().submit(*args, **kwargs)
        self._unfinished.add(future)
        future.add_done_callback(self._unfinished.discard)
        return future


async def idle(executor: CountingExecutor) -> None:
    """Wait for what goes on in threads although nobody waits for it: it has to end soon."""
    deadline = time.monotonic() + _PATIENCE
    while executor.unfinished:
        assert time.monotonic() < deadline, f"{executor.unfinished} threads work on"
        await asyncio.sleep(0.001)
