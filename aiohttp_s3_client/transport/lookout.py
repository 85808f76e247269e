"""The end of what goes over a transport that is used directly, waited for.

Nobody tells who borrows a connection that the session was closed, or that the other side stands
still: it is looked for, from time to time.
"""

from __future__ import annotations

import asyncio
import errno

LOOK_SECONDS = 1.0
"""How often at least it is looked whether something moves, and whether the transport is there."""


class Lookout:
    """Waits for the end of one transfer, and ends it itself when nothing more can come.

    *timeout* is how many seconds the other side may stand still; None leaves that to somebody
    else.
    """

    __slots__ = ("_loop", "_over", "_since", "_timeout", "_timer", "_transport", "excused")

    def __init__(self, transport: asyncio.BaseTransport, timeout: float | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._transport = transport
        self._timeout = timeout
        self._since = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self.excused = False
        """Whether it is this side that keeps the other one waiting."""

    async def wait(self) -> None:
        """Wait for ``finish``. Raises what ``fail`` is given, ``ConnectionResetError`` when the
        transport is closed, and ``TimeoutError`` when nothing moves."""
        self._look()
        try:
            await self._over
        finally:
            self.stop()

    def moved(self) -> None:
        """Something moved."""
        self._since = self._loop.time()

    def finish(self) -> None:
        """It is all done."""
        if not self._over.done():
            self._over.set_result(None)

    def fail(self, error: BaseException) -> None:
        """It ends with *error*."""
        if not self._over.done():
            self._over.set_exception(error)

    def stop(self) -> None:
        """Look no more: the transport is out of it."""
        if self._timer is not None:
            self._timer.cancel()

    @property
    def over(self) -> bool:
        """Whether it has ended, or is not waited for any more."""
        return self._over.done()

    @property
    def cancelled(self) -> bool:
        """Whether whoever waited was cancelled."""
        return self._over.cancelled()

    def _look(self) -> None:
        now = self._loop.time()
        if self.excused:
            self._since = now
        if self._transport.is_closing():
            self.fail(ConnectionResetError(errno.ECONNRESET, "the connection was closed"))
        elif self._timeout is not None and now - self._since >= self._timeout:
            self.fail(TimeoutError(f"nothing moved for {self._timeout:g} s"))
        elif not self._over.done():
            often = LOOK_SECONDS if self._timeout is None else min(LOOK_SECONDS, self._timeout / 4)
            self._timer = self._loop.call_later(often, self._look)
