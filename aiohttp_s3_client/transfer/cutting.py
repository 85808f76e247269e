"""Gathering a stream into parts."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from functools import partial

from ..config import MAX_PART_SIZE, MIB
from ..protocol import checksums
from ..protocol.body import PIECE
from ..transport.disk import Disk
from ..transport.source import Reached

_GROW_AFTER = 1000
_ROOM = 64 * MIB
"""What is made room for before there is anything to put into it."""


def part_size_at(number: int, part_size: int) -> int:
    """The size of part *number* (from 1) of a stream that nobody knows the length of.

    It doubles every 1,000 parts, so 10,000 parts of 8 MiB at first hold 7.8 TiB.
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
        pieces, whole = await self.peek_parts(1, size)
        return pieces[0] if pieces else memoryview(b""), whole

    async def peek_parts(self, count: int, size: int) -> tuple[list[memoryview], bool]:
        """As ``peek``, the first *count* parts of *size* bytes each."""
        pieces: list[memoryview] = []
        while len(pieces) < count and (piece := await self._gather(size)):
            pieces.append(piece)
        more = await self._look_ahead()
        self._ahead += reversed(pieces)
        return pieces, not more

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
        # As large as it will be: one that grows is copied, and grows beyond what it needs. A size
        # that somebody only announced is not believed before the bytes are there.
        part, filled = bytearray(min(size, _ROOM)), 0
        while filled < size and await self._look_ahead():
            if filled == len(part):
                part.extend(bytes(min(size - filled, filled)))
            piece = self._ahead.pop()
            room = len(part) - filled
            taken = piece[:room]
            part[filled : filled + len(taken)] = taken
            filled += len(taken)
            if len(piece) > room:
                self._ahead.append(piece[room:])
        del part[filled:]
        return memoryview(part)


class GatheredSource:
    """A stream that turned out to be short, held as parts, as the body of one request."""

    __slots__ = ("_disk", "_parts", "reached", "size")
    replayable = True

    def __init__(self, parts: Sequence[memoryview], reached: Reached | None, disk: Disk) -> None:
        self._parts = parts
        self._disk = disk
        self.reached: Reached | None = reached
        self.size = sum(map(len, parts))

    async def open(self) -> AsyncGenerator[bytes | memoryview, None]:
        for part in self._parts:
            for start in range(0, len(part), PIECE):
                yield part[start : start + PIECE]

    async def digest(self, algorithm: str) -> bytes:
        running = checksums.new(algorithm)
        for part in self._parts:
            await self._disk.aside(partial(running.update, part))
        return running.digest()
