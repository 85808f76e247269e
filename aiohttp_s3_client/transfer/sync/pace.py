"""Bytes a second that all files of a sync share.

Each transfer keeps to the rate by itself. For several of them, and for files that are done before
they would have to wait, the sync sees to it that each begins when those before it are paid for.
"""

from __future__ import annotations

import asyncio

from ...transport.budget import Throttle


class Pace:
    """Lets files begin; *bytes_per_second* None lets them begin at once."""

    def __init__(self, bytes_per_second: int | None) -> None:
        self._throttle = Throttle(bytes_per_second) if bytes_per_second is not None else None
        self._turn = asyncio.Lock()
        self._owed = 0

    async def begin(self, size: int) -> None:
        """Wait until the file of *size* bytes may begin."""
        if self._throttle is None:
            return
        async with self._turn:
            owed, self._owed = self._owed, size
            await self._throttle.wait(owed)
