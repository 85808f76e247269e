"""An object as a stream: its ranges are fetched in parallel and given out in order.

::

    ranges ──> budget ──> N fetches side by side ──> one queue each ──> the caller, in order
                  ^                                                        │
                  └───────────────── what was given out ───────────────────┘

Ranges begin in their order, so the one that the caller waits for always has its bytes in the
budget already, and a caller who stops reading stops the fetching.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from ..engine import Engine
from ..protocol.ranges import ByteRange, cut
from ..transport.budget import Budget, Share, Throttle
from ..transport.disk import Disk
from ..transport.receive import Reception
from ..transport.shielding import settled
from .expected import Expected
from .progress import ProgressMeter
from .ranged import Opening, RangedObject, ReadingOptions, closed_on_error
from .verify import Inquiry

Buffer = bytes | bytearray | memoryview


class _Window:
    """One range on its way: what arrived of it and was not given out yet."""

    file = None

    def __init__(self, start: int, size: int | None, held: int) -> None:
        self.pieces: deque[bytes] = deque()
        self.arrived = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.held = held
        """Bytes of the budget that are its own."""
        self._left = size
        """Bytes that were not given out yet; None where nobody knows."""
        self._end = start
        self._limit = held
        self._waiting = 0
        self._taken = asyncio.Event()

    def view(self, position: int, size: int) -> None:
        return None

    async def write(self, position: int, data: Buffer) -> None:
        # What is fetched anew from an earlier place is here already, or was given out.
        data = data[max(0, self._end - position) :]
        # A server that knows no ranges sends more at once than there may be.
        while self._waiting and self._waiting + len(data) > self._limit:
            self._taken.clear()
            await self._taken.wait()
        if data:
            self._end += len(data)
            self._waiting += len(data)
            self.pieces.append(data if isinstance(data, bytes) else bytes(data))
            self.arrived.set()

    def take(self) -> bytes:
        """The next piece."""
        piece = self.pieces.popleft()
        self._waiting -= len(piece)
        if self._left is not None:
            self._left -= len(piece)
        self._taken.set()
        return piece

    def spare(self) -> int:
        """How much of what is held is not needed any more for what may still arrive."""
        return 0 if self._left is None else max(0, self.held - self._left)

    def ended(self, task: asyncio.Task[None]) -> None:
        self.arrived.set()


class ObjectStream(AsyncIterator[bytes]):
    """An object, or a range of it, as pieces of bytes in order.

    Iterate over it, best within ``async with``: leaving it early gives the connections back.
    ``size`` (bytes of the whole object), ``etag`` and ``version_id`` are known from the first
    piece on, or once entered. When the last piece has been given out the whole is held to the
    object's checksum: ``ChecksumMismatch`` instead of the end, and ``verified`` as in
    ``DownloadResult``.
    """

    def __init__(
        self,
        engine: Engine,
        bucket: str,
        key: str,
        how: ReadingOptions,
        *,
        wanted: ByteRange | None = None,
        meter: ProgressMeter | None = None,
    ) -> None:
        self._object = RangedObject(engine, bucket, key, how.read)
        self._wanted = wanted
        self._how = how
        self._slots = asyncio.Semaphore(how.workers)
        self._budget = Budget(how.memory)
        self._share = Share(how.budget) if how.budget is not None else None
        self._throttle = Throttle(how.bandwidth).wait if how.bandwidth else None
        self._inquiry: Inquiry | None = None
        if how.verify and wanted is None:
            self._inquiry = Inquiry(engine, self._object, how.read, md5_wanted=how.md5_wanted)
        self._expected: Expected | None = None
        self._meter = meter or ProgressMeter()
        self._windows: deque[_Window] = deque()
        self._added = asyncio.Event()
        self._starter: asyncio.Task[None] | None = None
        self._opened = False
        self._ended = False
        self.verified: bool | None = None if how.verify else False

    @property
    def size(self) -> int | None:
        """Bytes of the whole object; None before the first piece, or where no server says it."""
        return self._object.total

    @property
    def etag(self) -> str | None:
        return self._object.etag

    @property
    def version_id(self) -> str | None:
        return self._object.version_id

    async def __aenter__(self) -> Self:
        if self._ended:
            raise RuntimeError("the stream is closed; ask for another one")
        try:
            await self._open()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._ended:
            raise StopAsyncIteration
        try:
            await self._open()
            piece = await self._next()
            if piece is None and self._expected is not None:
                self._expected.finish()
                self.verified = True
                if self._how.read.witness is not None:
                    self._how.read.witness.verified(self._expected.checksum.algorithm)
        except BaseException:
            await self.aclose()
            raise
        if piece is None:
            await self.aclose()
            raise StopAsyncIteration
        if self._expected is not None:
            await self._expected.feed(piece)
        self._meter.add(len(piece))
        return piece

    async def aclose(self) -> None:
        """Stop fetching and give the connections back. The iteration has ended."""
        self._ended = True
        tasks = [window.task for window in self._windows if window.task is not None]
        tasks += [self._starter] if self._starter is not None else []
        self._windows.clear()
        self._starter = None
        for task in tasks:
            task.cancel()
        try:
            await settled(*tasks)
        finally:
            if self._share is not None:
                self._share.give_back(self._share.held)
            if self._inquiry is not None:
                await self._inquiry.close()

    async def _open(self) -> None:
        """Ask for the first range, once."""
        if self._opened:
            return
        self._opened = True
        wanted, step = self._wanted, self._how.range_size
        begin = 0 if wanted is None else wanted.start
        end = begin + step if wanted is None else min(wanted.stop, begin + step)
        one_by_one = self._how.workers == 1
        if one_by_one and self._inquiry is not None:
            await self._inquiry.ask_first(step)
        # Before anything is asked: who waits here must not keep a connection from others.
        await self._take(end - begin)
        asks = self._inquiry is not None
        opening = await self._object.open(ByteRange(begin, end), checksums=asks)
        with closed_on_error(opening.answer):
            one_range = self._plan(opening, begin, end - begin)
            if self._inquiry is not None:
                if not one_by_one:
                    self._inquiry.begin(opening.answer, one_range=one_range)
                self._expected = await self._inquiry.result()

    def _plan(self, opening: Opening, begin: int, held: int) -> bool:
        """Cut what is wanted into ranges, the first of which *opening* has; whether it is all.

        Of what a server sends that knows no ranges, no more waits at a time than is *held*.
        """
        if opening.given is None and self._wanted is None:
            self._add(None, held, opening)
            return True
        given, total = self._object.measured(opening)
        stop = total if self._wanted is None else min(self._wanted.stop, total)
        first = ByteRange(begin, max(begin, min(given.stop, stop)))
        self._meter.total = stop - begin
        needed = min(held, first.size)
        self._release(held - needed)
        if not first.size:
            opening.answer.response.release()
            return True
        self._add(first, needed, opening)
        rest = list(cut(first.stop, stop, self._how.range_size))
        self._starter = asyncio.create_task(self._start(rest))
        self._starter.add_done_callback(lambda _: self._added.set())
        return not rest

    async def _start(self, ranges: list[ByteRange]) -> None:
        for wanted in ranges:
            await self._take(wanted.size)
            self._add(wanted, wanted.size)

    def _add(self, wanted: ByteRange | None, held: int, opening: Opening | None = None) -> None:
        start, size = (0, None) if wanted is None else (wanted.start, wanted.size)
        window = _Window(start, size, held)
        window.task = asyncio.create_task(self._fetch(window, wanted, opening))
        window.task.add_done_callback(window.ended)
        self._windows.append(window)
        self._added.set()

    async def _fetch(
        self, window: _Window, wanted: ByteRange | None, opening: Opening | None
    ) -> None:
        # Pieces go on as they come: nothing is gathered.
        reception = Reception(window, Disk(), buffer_size=1, throttle=self._throttle)
        async with self._slots:
            if wanted is None:
                assert opening is not None
                await self._object.fetch_unmeasured(opening, reception, _ignore, again=False)
            else:
                await self._object.fetch(wanted, reception, _ignore, opening)

    # Giving out

    async def _next(self) -> bytes | None:
        """The next piece; None behind the last."""
        while True:
            if not self._windows:
                if self._starter is None or self._starter.done():
                    return None
                self._added.clear()
                await self._added.wait()
                continue
            window = self._windows[0]
            if window.pieces:
                piece = window.take()
                self._give_back(window, window.spare())
                return piece
            assert window.task is not None
            if window.task.done():
                window.task.result()
                self._give_back(window, window.held)
                self._windows.popleft()
                continue
            window.arrived.clear()
            await window.arrived.wait()

    def _give_back(self, window: _Window, size: int) -> None:
        window.held -= size
        self._release(size)

    async def _take(self, size: int) -> None:
        """Hold *size* bytes more, first of what this stream may hold and then of what all may."""
        await self._budget.take(size)
        if self._share is not None:
            await self._share.take(size)

    def _release(self, size: int) -> None:
        if size:
            self._budget.give_back(size)
            if self._share is not None:
                self._share.give_back(size)


def _ignore(position: int) -> None:
    """Progress is counted where pieces are given out."""
