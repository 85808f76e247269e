"""Bytes moved step by step between a borrowed socket and a file, whenever the socket is ready.

A step that touches a slow disk is made in a thread (``disk.py``), and the socket is not watched
meanwhile.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from functools import partial

from .disk import Disk
from .lookout import Lookout
from .shielding import settled


class Pump:
    """Moves *size* bytes between a transport's socket and a file, a step at each readiness.

    *step* is given how many were moved, moves more and says how many: it raises
    ``BlockingIOError`` when the socket is not ready. *watch* and *unwatch* are the loop's for this
    socket.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        size: int,
        *,
        step: Callable[[int], int],
        watch: Callable[[Callable[[], None]], None],
        unwatch: Callable[[], object],
        disk: Disk,
        timeout: float | None,
        moved: Callable[[int], None],
    ) -> None:
        self._transport = transport
        self._size = size
        self._step = step
        self._watch = watch
        self._unwatch = unwatch
        self._disk = disk
        self._report = moved
        self._moved = 0
        self._lookout = Lookout(transport, timeout)
        self._thread: asyncio.Task[int] | None = None
        self._waiting = False

    async def run(self) -> None:
        """Move it all. Raises ``OSError``, or ``TimeoutError`` when the other side stands still."""
        try:
            self._resume()
            await self._lookout.wait()
        finally:
            self._pause()
            if self._thread is not None:
                await settled(self._thread)
                self._account(self._thread)

    def _resume(self) -> None:
        self._waiting = True
        self._lookout.excused = False
        self._watch(self._ready)

    def _pause(self) -> None:
        if self._waiting:
            self._waiting = False
            self._unwatch()

    def _fail(self, error: BaseException) -> None:
        self._pause()
        self._lookout.fail(error)

    def _ready(self) -> None:
        if self._lookout.over:
            self._pause()
        elif self._transport.is_closing():
            self._fail(ConnectionResetError(errno.ECONNRESET, "the connection was closed"))
        elif self._disk.quick:
            try:
                count = self._disk.timed(partial(self._step, self._moved))
            except (BlockingIOError, InterruptedError):
                return
            except BaseException as error:
                self._fail(error)
            else:
                self._took(count)
        else:
            self._pause()
            self._lookout.excused = True  # A slow disk is not the server's doing.
            call = partial(self._disk.timed, partial(self._step, self._moved))
            self._thread = asyncio.create_task(asyncio.to_thread(call))
            self._thread.add_done_callback(self._after_thread)

    def _after_thread(self, task: asyncio.Task[int]) -> None:
        if self._lookout.over or task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._took(task.result())
        elif not isinstance(error, BlockingIOError | InterruptedError):
            self._fail(error)
        if not self._lookout.over:
            self._resume()

    def _account(self, task: asyncio.Task[int]) -> None:
        """What a thread moved while the transfer was cancelled: aiohttp cancels the sending of a
        body when it is answered, which may be before the thread's result is looked at."""
        if self._lookout.cancelled and not task.cancelled() and task.exception() is None:
            self._took(task.result())

    def _took(self, count: int) -> None:
        self._moved += count
        self._lookout.moved()
        try:
            self._report(count)
        except BaseException as error:
            self._fail(error)
            return
        if self._moved >= self._size:
            self._pause()
            self._lookout.finish()
