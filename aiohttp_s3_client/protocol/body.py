"""A body that is already in memory: documents, and what callers hand over as bytes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from . import checksums
from .crc import Buffer

PIECE = 64 * 1024
"""What is handed to aiohttp at a time: it warns of bodies past 1 MiB and copies small ones."""


class DocumentBody:
    """Bytes in memory: sent as views, never copied, always replayable.

    The checksum is computed where it is asked for, at 0.4 to 2 GB/s: for more than some 100 KiB
    take ``transport.source.BytesSource``, which does that in a thread.
    """

    __slots__ = ("_data", "_view")
    replayable = True

    def __init__(self, data: Buffer) -> None:
        view = memoryview(data)
        if not view.contiguous:
            raise ValueError("data: a memoryview with gaps cannot be sent; take its tobytes()")
        self._data = data
        self._view = view.cast("B")

    @property
    def size(self) -> int:
        return self._view.nbytes

    @property
    def reached(self) -> Callable[[int], None] | None:
        return None

    @property
    def data(self) -> bytes:
        """All of it at once: for what is small."""
        return self._data if isinstance(self._data, bytes) else self._view.tobytes()

    async def open(self) -> AsyncGenerator[bytes | memoryview, None]:
        for start in range(0, self._view.nbytes, PIECE):
            yield self._view[start : start + PIECE]

    async def digest(self, algorithm: str) -> bytes:
        return checksums.compute(algorithm, self._view)
