"""What one transfer may use: bytes of memory, bytes a second."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Callable
from types import TracebackType
from typing import Self

from ..request import Body


class Budget:
    """Bytes that a transfer, or several, may hold in memory at once, given out in the order of
    asking.

    Whoever holds some must not ask for more before giving it back. More than the whole budget is
    granted when nothing else is held: a transfer with a small limit is slow, and never stuck.
    """

    __slots__ = ("_limit", "_waiting", "held")

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self.held = 0
        """Bytes that are given out."""
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, size: int) -> None:
        """Wait until *size* bytes are free, and hold them."""
        if not self._waiting and self._fits(size):
            self.held += size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.give_back(size)
            else:
                if (size, turn) in self._waiting:  # Else its turn has come and gone meanwhile.
                    self._waiting.remove((size, turn))
                self._grant()
            raise

    @contextlib.asynccontextmanager
    async def holding(self, size: int) -> AsyncGenerator[None, None]:
        """Hold *size* bytes for as long as the body runs."""
        await self.take(size)
        try:
            yield
        finally:
            self.give_back(size)

    def give_back(self, size: int) -> None:
        """Hold *size* bytes less; whoever waits first has its turn first."""
        self.held -= size
        self._grant()

    def _fits(self, size: int) -> bool:
        return self._limit is None or not self.held or self.held + size <= self._limit

    def _grant(self) -> None:
        while self._waiting and self._fits(self._waiting[0][0]):
            size, turn = self._waiting.popleft()
            if not turn.done():
                self.held += size
                turn.set_result(None)


class Share:
    """What one transfer holds of a budget. Leaving its context gives all of that back."""

    __slots__ = ("_budget", "held")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.held = 0

    async def take(self, size: int) -> None:
        """Wait until *size* bytes are free, and hold them."""
        await self._budget.take(size)
        self.held += size

    def give_back(self, size: int) -> None:
        """Hold *size* bytes less."""
        self.held -= size
        self._budget.give_back(size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.give_back(self.held)


class Throttle:
    """Bytes a second that all requests of a transfer share."""

    __slots__ = ("_free_at", "_rate")

    def __init__(self, bytes_per_second: float) -> None:
        self._rate = bytes_per_second
        self._free_at = 0.0

    async def wait(self, size: int) -> None:
        """Account for *size* bytes and wait until they are paid for.

        What was not used within a tenth of a second is lost: a pause is not made up for.
        """
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now - 0.1) + size / self._rate
        if self._free_at > now:
            await asyncio.sleep(self._free_at - now)


class ThrottledSource:
    """A source that gives its bytes no faster than a transfer may take them."""

    __slots__ = ("_body", "_throttle")

    def __init__(self, body: Body, throttle: Throttle) -> None:
        self._body = body
        self._throttle = throttle

    @property
    def size(self) -> int:
        return self._body.size

    @property
    def replayable(self) -> bool:
        return self._body.replayable

    @property
    def reached(self) -> Callable[[int], None] | None:
        return self._body.reached

    async def open(self) -> AsyncGenerator[bytes | memoryview, None]:
        async with contextlib.aclosing(self._body.open()) as pieces:
            async for piece in pieces:
                await self._throttle.wait(len(piece))
                yield piece

    async def digest(self, algorithm: str) -> bytes | None:
        return await self._body.digest(algorithm)
