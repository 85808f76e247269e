"""Telling the caller how far a transfer is.

::

    meter.add(n), meter.enter(phase)      from anywhere on the event loop, never waiting
            │   increments of one turn become one
            v
    one task ──> callback(n) ──> progress(state)      in order, one at a time, awaited

Whatever a callback raises ends the transfer and is what the caller gets.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self

from ..transport.shielding import settled
from .callbacks import check_callback, tell

Phase = Literal["starting", "transferring", "verifying", "completing", "done", "failed"]

_RATE_WINDOW = 5.0
"""Seconds that ``Progress.rate`` looks back."""
_RATE_STEP = 0.25
"""Seconds between the samples that it is computed of."""


class Progress:
    """How far a transfer is: one object per transfer, given to ``progress=`` at each change.

    Between the calls it stays as it was last given, so what a slow callback is told and what it
    reads agree.
    """

    __slots__ = ("_ended", "_samples", "_started", "phase", "started", "total", "transferred")

    def __init__(self, total: int | None = None) -> None:
        self.total = total
        """Bytes to move in all; None until it is known."""
        self.transferred = 0
        """Bytes moved so far."""
        self.phase: Phase = "starting"
        """``starting``, ``transferring``, then for a while ``verifying`` (a download's checksum)
        or ``completing`` (an upload), at last ``done``. ``failed`` is set without a call: the
        transfer's exception tells."""
        self.started = time.time()
        """When the transfer began, in seconds since 1970."""
        self._started = time.monotonic()
        self._ended: float | None = None
        self._samples = deque([(self._started, 0)])

    @property
    def elapsed(self) -> float:
        """Seconds since the transfer began; of an ended one, what it took."""
        return (self._ended or time.monotonic()) - self._started

    @property
    def fraction(self) -> float | None:
        """From 0 to 1, or None while ``total`` is not known."""
        if self.total is None:
            return None
        return min(self.transferred / self.total, 1.0) if self.total else 1.0

    @property
    def rate(self) -> float:
        """Bytes a second, over the last five seconds."""
        now = self._ended or time.monotonic()
        since, before = self._samples[0]
        return (self.transferred - before) / (now - since) if now > since else 0.0

    def _moved(self, size: int) -> None:
        now = time.monotonic()
        if now - self._samples[-1][0] >= _RATE_STEP:
            self._samples.append((now, self.transferred))
            while now - self._samples[1][0] > _RATE_WINDOW:
                self._samples.popleft()
        self.transferred += size

    def _end(self, phase: Phase) -> None:
        self.phase = phase
        self._ended = time.monotonic()

    def __repr__(self) -> str:
        total = "?" if self.total is None else self.total
        return f"<Progress {self.phase}: {self.transferred} of {total} bytes>"


class ProgressMeter:
    """Counts a transfer's bytes and tells *callback* and *progress*, each sync or async.

    An async context manager around the transfer. Leaving it, all that was added has been told. An
    exception of a callback cancels the body and comes out, unless the body has one of its own;
    that, or a cancellation from outside, cancels a callback that is being awaited.

    *callback* gets the bytes moved since its last call, *progress* the ``Progress``. Without
    either nothing is counted and no task is made.
    """

    def __init__(
        self,
        callback: Callable[[int], object] | None = None,
        progress: Callable[[Progress], object] | None = None,
        total: int | None = None,
    ) -> None:
        for name, function in (("callback", callback), ("progress", progress)):
            check_callback(name, function)
        self._callback = callback
        self._progress = progress
        self._state = Progress(total)
        self._phase: Phase = "starting"
        self._moved = 0
        self._queue: deque[int | Phase] = deque()
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._teller: asyncio.Task[None] | None = None
        self._body: asyncio.Task[object] | None = None
        self._cancels_before = 0
        self._leaving = False
        self._error: BaseException | None = None

    # --- what the engine calls

    @property
    def total(self) -> int | None:
        """Bytes to move in all. Set once they are known."""
        return self._state.total

    @total.setter
    def total(self, total: int | None) -> None:
        self._state.total = total

    def add(self, size: int) -> None:
        """Count *size* more bytes. The first ones begin the phase ``transferring``."""
        if self._teller is None or not size:
            return
        if self._phase == "starting":
            self.enter("transferring")
        self._moved += size
        self._wake()

    def enter(self, phase: Phase) -> None:
        """Begin *phase*; every phase is told, after the bytes that were added before it."""
        if self._teller is None or phase == self._phase:
            return
        self._phase = phase
        if self._moved:
            self._queue.append(self._moved)
            self._moved = 0
        self._queue.append(phase)
        self._wake()

    def part(self, size: int | None = None) -> PartProgress:
        """The meter of one part or range of *size* bytes, which may be sent more than once."""
        return PartProgress(self, size)

    async def flush(self) -> None:
        """Wait until all that was added has been told: before what cannot be taken back."""
        if self._teller is not None:
            await self._idle.wait()

    # --- telling

    def _wake(self) -> None:
        self._idle.clear()
        self._work.set()

    async def _tell(self) -> None:
        try:
            while (item := await self._next()) is not None:
                if isinstance(item, int):
                    self._state._moved(item)
                    if self._callback is not None:
                        await tell(self._callback, item)
                elif item == "done":
                    self._state._end(item)
                else:
                    self._state.phase = item
                if self._progress is not None:
                    await tell(self._progress, self._state)
        except BaseException as error:
            self._error = error
            self._idle.set()
            if not self._leaving and self._body is not None:
                self._body.cancel()

    async def _next(self) -> int | Phase | None:
        """The next thing to tell; None once there is nothing left and the body has ended."""
        while True:
            if self._queue:
                return self._queue.popleft()
            if self._moved:
                moved, self._moved = self._moved, 0
                return moved
            self._work.clear()
            self._idle.set()
            if self._leaving:
                return None
            await self._work.wait()

    # --- around the transfer

    async def __aenter__(self) -> Self:
        self._body = asyncio.current_task()
        if self._body is not None and (self._callback or self._progress):
            self._cancels_before = self._body.cancelling()
            self._idle.set()
            self._teller = asyncio.create_task(self._tell())
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._teller is None:
            return
        try:
            if self._error is not None:
                self._raise_error(exc)
            elif exc is None:
                await self._tell_the_rest(self._teller)
            else:
                await self._stop(self._teller)
        finally:
            if self._state.phase != "done" or self._error is not None:
                self._state._end("failed")
            # The meter, its task, the body and the error refer to one another: leave no cycle.
            self._teller = self._body = self._error = None

    def _raise_error(self, exc: BaseException | None) -> None:
        """Raise the callback's error, unless the body has one of its own or was cancelled too."""
        assert self._body is not None
        assert self._error is not None
        cancelled = self._body.uncancel() > self._cancels_before
        if exc is None or (isinstance(exc, asyncio.CancelledError) and not cancelled):
            raise self._error

    async def _tell_the_rest(self, teller: asyncio.Task[None]) -> None:
        self.enter("done")
        self._leaving = True
        self._work.set()
        try:
            await asyncio.wait([teller])
        except asyncio.CancelledError:
            await self._stop(teller)
            raise
        if self._error is not None:
            raise self._error

    async def _stop(self, teller: asyncio.Task[None]) -> None:
        self._leaving = True
        teller.cancel()
        await settled(teller)


class PartProgress:
    """The bytes of one part, counted once however often it is sent."""

    __slots__ = ("_meter", "_position", "_size", "_top")

    def __init__(self, meter: ProgressMeter, size: int | None) -> None:
        self._meter = meter
        self._size = size
        self._position = 0
        self._top = 0

    def reached(self, position: int) -> None:
        """The part is moved up to *position*; what lies beyond the furthest so far is added."""
        self._position = position
        if self._size is not None:
            position = min(position, self._size)
        if position > self._top:
            self._meter.add(position - self._top)
            self._top = position

    def add(self, size: int) -> None:
        """*size* more bytes of this attempt are moved."""
        self.reached(self._position + size)

    def restart(self, position: int = 0) -> None:
        """Another attempt begins at *position*."""
        self._position = position
