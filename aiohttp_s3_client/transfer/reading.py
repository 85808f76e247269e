"""Reading an object, or ranges of it, into memory.

Everything here goes straight from the connection into the buffer where it belongs.
"""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial

from ..engine import Engine
from ..errors import ObjectChanged
from ..models import DownloadResult
from ..protocol.crc import Buffer
from ..protocol.ranges import ByteRange, cut, merge
from ..transport.disk import Disk
from ..transport.sink import Memory
from .ranged import Opening, RangedObject, ReadingOptions, closed_on_error
from .schedule import Job, run_jobs
from .verify import Inquiry, Verifier


class _BufferOfBytes:
    """What ``Verifier`` reads back: a whole object in memory."""

    def __init__(self, buffer: memoryview, disk: Disk) -> None:
        self._buffer = buffer
        self._disk = disk

    async def read_back(self, start: int, stop: int, digest: Callable[[Buffer], None]) -> None:
        await self._disk.aside(partial(digest, self._buffer[start:stop]))


async def read_into(
    engine: Engine,
    bucket: str,
    key: str,
    buffer: memoryview,
    how: ReadingOptions,
    *,
    wanted: ByteRange | None = None,
) -> DownloadResult:
    """Fill *buffer* with the object, or with *wanted* of it, in parallel ranges.

    The result's ``size`` is the number of bytes written. Raises ``ValueError`` when they do not
    fit, before any of them is received.
    """

    def room(size: int) -> memoryview:
        if size > buffer.nbytes:
            raise ValueError(f"buffer: {buffer.nbytes} bytes, too small for {size}")
        return buffer[:size]

    return await _read(engine, bucket, key, room, how, wanted)


async def read_bytes(
    engine: Engine, bucket: str, key: str, how: ReadingOptions, *, wanted: ByteRange | None = None
) -> bytes:
    """The object, or *wanted* of it."""
    views: list[memoryview] = []

    def room(size: int) -> memoryview:
        views.append(memoryview(bytearray(size)))
        return views[0]

    await _read(engine, bucket, key, room, how, wanted)
    return bytes(views[0])


async def _read(
    engine: Engine,
    bucket: str,
    key: str,
    room: Callable[[int], memoryview],
    how: ReadingOptions,
    wanted: ByteRange | None,
) -> DownloadResult:
    """Read into what *room* gives once the size is known."""
    found = RangedObject(engine, bucket, key, how.read)
    begin = wanted.start if wanted is not None else 0
    end = begin + how.range_size
    asked = ByteRange(begin, end if wanted is None else min(wanted.stop, end))
    opening = await found.open(asked, checksums=how.verify and wanted is None)
    with closed_on_error(opening.answer):
        given, total = found.measured(opening)
        stop = total if wanted is None else min(wanted.stop, total)
        size = max(0, stop - begin)
        buffer = room(size)
        if not size:
            opening.answer.response.release()
            return DownloadResult(0, found.etag, found.version_id, None if how.verify else False)
    first = ByteRange(begin, min(given.stop, stop))
    rest = list(cut(first.stop, stop, how.range_size))
    beside = how.workers > 1
    inquiry = Inquiry(engine, found, how.read, md5_wanted=how.md5_wanted, beside=beside)
    whole = how.verify and size == total
    if whole:
        inquiry.begin(opening.answer, one_range=not rest)
    disk = Disk(threads=how.threads)
    reception = how.reception(Memory(buffer, begin), disk)

    async def jobs() -> AsyncGenerator[Job, None]:
        yield partial(found.fetch, first, reception, _ignore, opening)
        for part in rest:
            yield partial(found.fetch, part, reception, _ignore)

    verified: bool | None = None if how.verify else False
    try:
        await run_jobs(jobs(), how.workers)
        if whole:
            verified = await Verifier(inquiry, _BufferOfBytes(buffer, disk)).finish(total)
    finally:
        await inquiry.close()
    return DownloadResult(size, found.etag, found.version_id, verified)


async def read_ranges(
    engine: Engine,
    bucket: str,
    key: str,
    ranges: Sequence[ByteRange],
    how: ReadingOptions,
    *,
    coalesce: int,
) -> list[bytes]:
    """The bytes of each of *ranges*, in their order, all of the same version of the object.

    Ranges that overlap, or are less than *coalesce* bytes apart, are fetched as one. Raises
    ``InvalidRange`` for one that begins behind the end of the object; one that ends behind it is
    cut there.
    """
    merged = merge(ranges, coalesce)
    found = RangedObject(engine, bucket, key, how.read)
    disk = Disk(threads=how.threads)
    fetched: dict[int, memoryview] = {}
    known = asyncio.Event()

    async def fetch(wanted: ByteRange, opening: Opening | None = None) -> None:
        assert found.total is not None
        part = ByteRange(wanted.start, min(wanted.stop, found.total))
        data = memoryview(bytearray(max(0, part.size)))
        reception = how.reception(Memory(data, part.start), disk)
        await found.fetch(part, reception, _ignore, opening)
        fetched[wanted.start] = data

    async def refused(wanted: ByteRange) -> None:
        """Let the server say that there is no such range."""
        opening = await RangedObject(engine, bucket, key, how.read).open(wanted)
        opening.answer.response.close()
        raise ObjectChanged(f"{bucket}/{key} became longer while it was being read")

    async def begin(wanted: ByteRange) -> None:
        opening = await found.open(wanted)
        with closed_on_error(opening.answer):
            _, total = found.measured(opening)
            for each in ranges:
                if each.start >= max(total, 1):
                    await refused(each)
        known.set()
        await fetch(wanted, opening)

    async def jobs() -> AsyncGenerator[Job, None]:
        yield partial(begin, merged[0])
        await known.wait()
        for wanted in merged[1:]:
            yield partial(fetch, wanted)

    if merged:
        await run_jobs(jobs(), how.workers)
    starts = sorted(fetched)
    return [_slice(fetched, starts, wanted) for wanted in ranges]


def _slice(fetched: dict[int, memoryview], starts: Sequence[int], wanted: ByteRange) -> bytes:
    start = starts[bisect.bisect_right(starts, wanted.start) - 1]
    return bytes(fetched[start][wanted.start - start : wanted.stop - start])


def _ignore(position: int) -> None:
    """Nobody is told."""
