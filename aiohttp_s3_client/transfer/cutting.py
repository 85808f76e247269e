"""Gathering a stream into parts."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ..config import MAX_PART_SIZE

_GROW_AFTER = 1000


def part_size_at(number: int, part_size: int) -> int:
    """The size of part *number* (from 1) of a stream that nobody knows the length of.

    It doubles every 1,000 parts, so 10,000 parts of 8 MiB at first hold 8 TiB.
    """
    return int(min(part_size << ((number - 1) // _GROW_AFTER), MAX_PART_SIZE))


class PartCutter:
    """Cuts a stream into parts of the size asked for, each byte copied once."""

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._stream = stream
        self._ahead: list[memoryview] = []
        """What was taken from the stream already, the next bytes last."""
        self._ended = False
        self._given = 0

    async def peek(self, size: int) -> tuple[memoryview, bool]:
        """The first *size* bytes, which ``next`` gives again, and whether they are all there is."""
        first = await self._gather(size)
        more = await self._look_ahead()
        if first:
            self._ahead.append(first)
        return first, not more

    async def next(self, size: int) -> memoryview | None:
        """The next part, of *size* bytes but for the last; the only part of nothing is empty."""
        if self._ahead and len(self._ahead[-1]) == size:
            part = self._ahead.pop()
        else:
            part = await self._gather(size)
        if not part and self._given:
            return None
        self._given += 1
        return part

    async def _look_ahead(self) -> bool:
        """Whether there is more."""
        while not self._ahead and not self._ended:
            data = await anext(self._stream, None)
            if data is None:
                self._ended = True
            elif data:
                self._ahead.append(memoryview(data))
        return bool(self._ahead)

    async def _gather(self, size: int) -> memoryview:
        part = bytearray()
        while len(part) < size and await self._look_ahead():
            piece = self._ahead.pop()
            room = size - len(part)
            part += piece[:room]
            if len(piece) > room:
                self._ahead.append(piece[room:])
        return memoryview(part)
