"""Parallel download of one object into a file.

::

    first GET (range 0) ──> total size, ETag ──> other ranges, If-Match ──> N in flight
          │                                             │
          └────────── each: received into its place, resumed at the next byte ──> verify ──> rename

The first range's answer tells how large the object is, so nothing is asked beforehand. See
``ranged.py`` for how one range is fetched, ``verify.py`` for what the whole is held to, and
``resume.py`` for what is left of an earlier run.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..engine import Engine
from ..errors import ChecksumMismatch, ObjectChanged
from ..models import DownloadResult
from ..protocol.ranges import ByteRange, cut
from ..request import Request
from ..transport.budget import Budget, Throttle
from ..transport.disk import Disk
from ..transport.receive import Reception
from ..transport.shielding import finished
from ..transport.sink import Sink, open_sink
from .progress import ProgressMeter
from .ranged import Opening, RangedObject, Reached, ReadOptions
from .schedule import Job, run_jobs
from .verify import Inquiry, Verifier

if TYPE_CHECKING:
    from .resume import PartialDownload


class DownloadOptions(NamedTuple):
    """How an object is downloaded."""

    read: ReadOptions
    range_size: int
    workers: int
    threshold: int = 0
    """Objects under this many bytes come in one range, however small ``range_size`` is."""
    buffer_size: int = 256 * 1024
    threads: bool = True
    fast: bool = True
    bandwidth: int | None = None
    verify: bool = True
    md5_wanted: bool = False
    resume: bool = False
    fsync: bool = False
    budget: Budget | None = None
    """What the buffers are taken of, where other transfers share it."""

    def reception(self, landing: Sink, disk: Disk) -> Reception:
        """How bodies are received into *landing*."""
        return Reception(
            landing,
            disk,
            buffer_size=self.buffer_size,
            throttle=Throttle(self.bandwidth).wait if self.bandwidth else None,
            fast=self.fast,
        )


class _Download:
    """One object on its way into one file."""

    def __init__(
        self,
        engine: Engine,
        found: RangedObject,
        sink: Sink,
        how: DownloadOptions,
        *,
        disk: Disk,
        meter: ProgressMeter,
        left: PartialDownload | None = None,
    ) -> None:
        self._engine = engine
        self._object = found
        self._sink = sink
        self._how = how
        self._disk = disk
        self._meter = meter
        self._left = left
        self._reception = how.reception(sink, disk)
        self._inquiry = Inquiry(
            engine, found, how.read, md5_wanted=how.md5_wanted, beside=how.workers > 1
        )
        self._verifier = Verifier(self._inquiry, sink) if how.verify else None
        self._rest: list[ByteRange] = []
        self._known = asyncio.Event()

    async def run(self) -> DownloadResult:
        """Fetch everything, hold it to its checksum, and let it appear."""
        found, meter = self._object, self._meter
        try:
            await run_jobs(self._jobs(), self._how.workers)
            assert found.total is not None
            verified: bool | None = False
            if self._verifier is not None:
                meter.enter("verifying")
                verified = await self._verifier.finish(found.total)
        finally:
            await self._inquiry.close()
        # What a callback raises must come before what cannot be taken back.
        await meter.flush()
        await self._sink.commit(found.total, fsync=self._how.fsync)
        return DownloadResult(found.total, found.etag, found.version_id, verified)

    async def _jobs(self) -> AsyncGenerator[Job, None]:
        yield self._begin
        await self._known.wait()
        for wanted in self._rest:
            yield partial(self._fetch, wanted)

    async def _begin(self) -> None:
        """The first range, which tells what the others are; or the whole, when it must be."""
        found = self._object
        if self._left is not None:
            await self._go_on(self._left.missing)
            return
        async with self._buffer():
            first = ByteRange(0, await self._first_size())
            opening = await found.open(first, checksums=self._verifier is not None)
            total = self._meter.total = found.total
            wanted = opening.given
            if wanted is not None and total is not None:
                self._rest = list(cut(wanted.stop, total, self._how.range_size))
                self._begin_inquiry(opening, one_range=not self._rest)
                self._known.set()
                await self._receive(wanted, opening)
                return
            part = self._meter.part()
            await found.fetch_unmeasured(opening, self._reception, part.reached)
        self._begin_inquiry(opening, one_range=True)
        self._known.set()

    async def _go_on(self, missing: list[ByteRange]) -> None:
        """What is left of a download of which all is known."""
        total = self._meter.total = self._object.total or 0
        self._meter.add(total - sum(range_.size for range_ in missing))
        self._begin_inquiry(None, one_range=total <= self._how.range_size)
        self._rest = missing
        self._known.set()

    async def _first_size(self) -> int:
        """How much to ask for at first; where small objects come whole, their size is asked."""
        how, found = self._how, self._object
        if how.threshold <= how.range_size:
            return how.range_size
        answer = await self._engine.send(
            Request(
                operation="HeadObject",
                method="HEAD",
                bucket=found.bucket,
                key=found.key,
                query=how.read.query,
                headers=how.read.header_copy(),
                options=how.read.options,
            )
        )
        answer.response.release()
        length = answer.response.content_length
        whole = not answer.failed and length is not None and 0 < length < how.threshold
        return max(length or 0, how.range_size) if whole else how.range_size

    def _begin_inquiry(self, opening: Opening | None, *, one_range: bool) -> None:
        if self._verifier is not None:
            answer = opening.answer if opening is not None else None
            self._inquiry.begin(answer, one_range=one_range)

    def _buffer(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Room for what one range gathers before it is written."""
        budget = self._how.budget
        return contextlib.nullcontext() if budget is None else budget.holding(self._how.buffer_size)

    async def _fetch(self, wanted: ByteRange) -> None:
        async with self._buffer():
            await self._receive(wanted)

    async def _receive(self, wanted: ByteRange, opening: Opening | None = None) -> None:
        await self._object.fetch(wanted, self._reception, self._reached(wanted), opening)
        if self._left is not None:
            await self._left.completed(wanted, fsync=self._how.fsync)
        if self._verifier is not None:
            await self._verifier.received(wanted)

    def _reached(self, wanted: ByteRange) -> Reached:
        part, start = self._meter.part(wanted.size), wanted.start
        return lambda position: part.reached(position - start)


async def download_file(
    engine: Engine,
    bucket: str,
    key: str,
    destination: Path,
    how: DownloadOptions,
    meter: ProgressMeter,
) -> DownloadResult:
    """Download *key* of *bucket* to *destination*, which appears only when it is complete.

    Raises the typed errors of S3 (also ``AwsDownloadError``), ``ObjectChanged``,
    ``ChecksumMismatch``, ``S3ConnectionError``, and ``OSError`` from the disk.
    """
    disk = Disk(threads=how.threads)
    found = RangedObject(engine, bucket, key, how.read)
    async with meter:
        if how.resume:
            return await _resumed(engine, found, destination, how, disk, meter)
        sink = await open_sink(destination, disk)
        try:
            return await _Download(engine, found, sink, how, disk=disk, meter=meter).run()
        finally:
            await finished(sink.discard())


async def _resumed(
    engine: Engine,
    found: RangedObject,
    destination: Path,
    how: DownloadOptions,
    disk: Disk,
    meter: ProgressMeter,
) -> DownloadResult:
    """Go on where an earlier run ended, or begin one that can be gone on with."""
    await disk.imported(f"{__package__}.resume")
    from .resume import PartialDownload  # noqa: PLC0415  # Read by now.

    left = await PartialDownload.open(engine, found, destination, disk, how.read, how.range_size)
    try:
        result = await _Download(
            engine, found, left.sink, how, disk=disk, meter=meter, left=left
        ).run()
    except (ObjectChanged, ChecksumMismatch):
        left.forget()
        raise
    else:
        left.forget()
        return result
    finally:
        left.close()
