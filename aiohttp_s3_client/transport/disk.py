"""Disk work beside an event loop: in the loop while it is quick, in a thread once it is not.

Handing a call to a thread costs about as much as writing 256 KiB into the page cache, so work
that only touches memory is done at once. A disk that makes a call wait (writeback, a cold read, a
network file system) is noticed by the clock, and from then on nothing of it runs in the loop
until its calls have been quick for a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import TypeVar

from .shielding import acquired, threaded

T = TypeVar("T")

SLOW_SECONDS = 0.02
"""A call that takes longer holds the loop up: the next ones go to a thread."""

_RECOVERY_SECONDS = 5.0
"""How long calls have to be quick before the loop makes them itself again."""


class Disk:
    """Makes the disk calls of one transfer. ``threads=False`` keeps all of them in the loop."""

    __slots__ = ("_quick_from", "_threads")

    def __init__(self, *, threads: bool = True) -> None:
        self._threads = threads
        self._quick_from = 0.0

    @property
    def quick(self) -> bool:
        """Whether the next call is to be made in the loop."""
        return not self._threads or time.monotonic() >= self._quick_from

    def timed(self, call: Callable[[], T]) -> T:
        """Make *call* here and now, and remember when it was slow."""
        begun = time.monotonic()
        try:
            return call()
        finally:
            ended = time.monotonic()
            if ended - begun > SLOW_SECONDS:
                self._quick_from = ended + _RECOVERY_SECONDS

    async def run(self, call: Callable[[], T]) -> T:
        """Make *call* where it holds nobody up. A cancellation waits for its end."""
        if self.quick:
            return self.timed(call)
        return await threaded(partial(self.timed, call))

    async def aside(self, call: Callable[[], T]) -> T:
        """Make *call*, which is known to take long (hashing, joining files), in a thread."""
        if not self._threads:
            return call()
        return await threaded(call)

    async def imported(self, module: str) -> None:
        """Import a *module* that few programs need, when it is needed first: aside, since that
        reads files. Importing it afterwards reads none."""
        await self.aside(partial(import_module, module))

    async def acquire(self, make: Callable[[], T], release: Callable[[T], None]) -> T:
        """What *make* makes, aside; given back by *release* if nobody waits for it any more."""
        if not self._threads:
            return make()
        return await acquired(make, release)
