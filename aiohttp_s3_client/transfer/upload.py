"""Uploads in parts: of a file by position, of a stream part by part.

::

    file    ──> cut by position ──────────────┐
                                              ├─> N in flight ──> Complete
    stream  ──> gathered within the budget ───┘

Memory: a file's parts go from the file to the connection and are never held. A stream's parts are
gathered one by one, each by the worker that sends it, so there are never more than ``workers`` of
them; parts that grow (see ``cutting.py``) share what the first ones took.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from ..config import MAX_PARTS
from ..engine import Engine
from ..errors import ConditionalRequestConflict, SourceChanged
from ..models import UploadResult
from ..protocol.checksums import ALGORITHMS, header_name
from ..protocol.crc import Buffer
from ..protocol.ranges import ByteRange, cut
from ..protocol.xml import parse_complete
from ..request import Body
from ..transport.answer import Answer
from ..transport.budget import Budget, Share, Throttle, ThrottledSource
from ..transport.disk import Disk
from ..transport.openfile import OpenFile
from ..transport.source import READ, BytesSource, FileSource
from .cutting import PartCutter, part_size_at
from .multipart import MultipartUpload
from .progress import ProgressMeter
from .schedule import Job, run_jobs


class UploadOptions(NamedTuple):
    """How an object is uploaded. The headers are not shown: a customer's key may be in them."""

    headers: Mapping[str, str]
    part_size: int
    workers: int
    part_tries: int | None = None
    calculate_sha256: bool | None = None
    checksum: bool | str = True
    """The algorithm of the checksums that bodies carry; True leaves it to the client's settings.
    Headers that ask for one are heard all the same."""
    trailer: bool | None = None
    """Whether they go after the bodies; None leaves it to the client's settings."""
    auto_abort: bool = True
    abort_timeout: float = 10.0
    threads: bool = True
    fast: bool = True
    """Whether a file may go to the socket without passing Python."""
    bandwidth: int | None = None
    memory_limit: int | None = None
    resume: bool = False
    options: Mapping[str, Any] = MappingProxyType({})
    """Keyword arguments for aiohttp."""
    budget: Budget | None = None
    """What is held is taken of this, where other transfers share it."""
    answered: Callable[[Answer], None] | None = None
    """Who is told of the answer that made the object."""

    def __repr__(self) -> str:
        return f"UploadOptions(part_size={self.part_size}, workers={self.workers})"

    @property
    def memory(self) -> int:
        """Bytes of a stream that are held at most, besides the part that is being gathered."""
        return self.memory_limit or self.workers * self.part_size

    def share(self) -> Share:
        """What this transfer holds of the bytes that may be held."""
        return Share(self.budget or Budget(self.memory))

    def room(self, size: int) -> contextlib.AbstractAsyncContextManager[None]:
        """Room for the *size* bytes that a part of a file holds while it is sent."""
        return contextlib.nullcontext() if self.budget is None else self.budget.holding(size)

    def start(self, engine: Engine, bucket: str, key: str) -> MultipartUpload:
        """An upload that is not created yet."""
        return MultipartUpload(
            engine,
            bucket,
            key,
            headers=self.headers,
            part_tries=self.part_tries,
            calculate_sha256=self.calculate_sha256,
            checksum=self.checksum,
            trailer=self.trailer,
            abort_timeout=self.abort_timeout,
            options=self.options,
        )

    def paced(self) -> Callable[[Body], Body]:
        """What bounds the bytes a second of all bodies together."""
        if self.bandwidth is None:
            return lambda body: body
        return partial(ThrottledSource, throttle=Throttle(self.bandwidth))


async def upload_file(
    engine: Engine,
    bucket: str,
    key: str,
    file: OpenFile,
    path: Path,
    how: UploadOptions,
    meter: ProgressMeter,
    *,
    start: int = 0,
) -> UploadResult:
    """Upload an open file in parts, from *start* on. A file that changes is ``SourceChanged``.

    Raises ``ValueError`` before sending when it would take more than 10,000 parts.
    """
    size = max(0, file.size - start)
    if size > how.part_size * MAX_PARTS:
        raise ValueError(
            f"part_size={how.part_size} cuts {path} ({size} bytes) into more than {MAX_PARTS:,} "
            f"parts; it must be at least {-(-size // MAX_PARTS)}"
        )
    disk, paced = Disk(threads=how.threads), how.paced()
    upload = how.start(engine, bucket, key)
    journal = None
    if how.resume:
        await disk.imported(f"{__package__}.resume_upload")
        from .resume_upload import UploadJournal  # noqa: PLC0415  # Read by now.

        journal = await UploadJournal.open(
            engine, bucket, key, file, path, disk,
            start=start, headers=how.headers, part_size=how.part_size, checksum=how.checksum,
        )  # fmt: skip
    try:
        done = await journal.attach(upload) if journal is not None else {}
        if journal is not None and journal.finished is not None:
            journal.forget()
            meter.total = size
            meter.add(size)
            return upload_result(journal.finished, size, -(-size // how.part_size) or 1)
        # An empty object is one empty part: S3 completes no upload without parts.
        ranges = list(cut(start, start + size, how.part_size)) or [ByteRange(start, start)]
        meter.total = size
        meter.add(sum(done.values()))

        async def send(number: int, part: ByteRange) -> None:
            source = FileSource(
                file, part.start, part.size,
                disk=disk, fast=how.fast, reached=meter.part(part.size).reached,
            )  # fmt: skip
            async with how.room(min(part.size, READ)):
                etag = await upload.send_part(number, paced(source))
            if journal is not None:
                await journal.completed(number, etag, part.size)

        async def parts() -> AsyncGenerator[Job, None]:
            for number, part in enumerate(ranges, 1):
                if number not in done:
                    yield partial(send, number, part)

        async def unchanged() -> None:
            if await disk.run(file.changed):
                raise file.was_changed(path)

        if not upload.upload_id:
            await upload.create()
        if journal is not None:
            await journal.begin(upload)
        answer = await _send_all(upload, parts(), how, meter, unchanged, kept=journal is not None)
    except (SourceChanged, ConditionalRequestConflict):
        # After a conflict S3 wants all parts anew: there is nothing to go on with.
        if journal is not None:
            await upload.abort()
            journal.forget()
        raise
    else:
        if journal is not None:
            journal.forget()
        return upload_result(answer, size, len(ranges))
    finally:
        if journal is not None:
            journal.close()


async def upload_bytes(
    engine: Engine,
    bucket: str,
    key: str,
    data: Buffer,
    how: UploadOptions,
    meter: ProgressMeter,
) -> UploadResult:
    """Upload *data* in parts, as slices of it: nothing is copied."""
    view, paced = memoryview(data).cast("B"), how.paced()
    disk = Disk(threads=how.threads)
    ranges = list(cut(0, view.nbytes, how.part_size)) or [ByteRange(0, 0)]
    upload = how.start(engine, bucket, key)
    meter.total = view.nbytes
    await upload.create()

    async def send(number: int, part: ByteRange) -> None:
        reached = meter.part(part.size).reached
        await upload.send_part(
            number, paced(BytesSource(view[part.start : part.stop], reached, disk=disk))
        )

    async def parts() -> AsyncGenerator[Job, None]:
        for number, part in enumerate(ranges, 1):
            yield partial(send, number, part)

    answer = await _send_all(upload, parts(), how, meter)
    return upload_result(answer, view.nbytes, len(ranges))


async def upload_stream(
    engine: Engine,
    bucket: str,
    key: str,
    stream: AsyncIterator[bytes],
    how: UploadOptions,
    meter: ProgressMeter,
) -> UploadResult:
    """Upload what *stream* gives, in parts of ``part_size`` bytes."""
    upload = how.start(engine, bucket, key)
    await upload.create()
    return await send_stream(upload, PartCutter(stream), how, meter)


async def send_stream(
    upload: MultipartUpload,
    cutter: PartCutter,
    how: UploadOptions,
    meter: ProgressMeter,
    share: Share | None = None,
) -> UploadResult:
    """Send all that *cutter* gives to an upload that was created, and complete it.

    *share* holds what the cutter has gathered already; it is given back here.
    """
    answer, size, count = await send_parts(upload, cutter, how, meter, share)
    return upload_result(answer, size, count)


async def send_parts(
    upload: MultipartUpload,
    cutter: PartCutter,
    how: UploadOptions,
    meter: ProgressMeter,
    share: Share | None = None,
) -> tuple[Answer, int, int]:
    """As ``send_stream``; the answer to Complete, the bytes and the number of parts."""
    budget = share or how.share()
    gathered, paced, disk = budget.held, how.paced(), Disk(threads=how.threads)
    sizes: list[int] = []
    covered = 0  # Bytes of parts that are in the budget, or were.

    async def send(number: int, held: int, part: memoryview) -> None:
        body = BytesSource(part, meter.part(len(part)).reached, disk=disk)
        try:
            await upload.send_part(number, paced(body))
        finally:
            budget.give_back(held)

    async def parts() -> AsyncGenerator[Job, None]:
        nonlocal covered
        while True:
            number = len(sizes) + 1
            wanted = part_size_at(number, how.part_size)
            covered += wanted
            if covered > gathered:
                await budget.take(wanted)
            part = await cutter.next(wanted)
            if part is None:
                if covered > gathered:
                    budget.give_back(wanted)
                return
            if number > MAX_PARTS:
                raise ValueError(
                    f"part_size={how.part_size} cuts the data into more than {MAX_PARTS:,} parts"
                )
            sizes.append(len(part))
            yield partial(send, number, wanted, part)
            del part  # Sent or on its way: it must not be held beside the next one.

    with budget:
        answer = await _send_all(upload, parts(), how, meter)
    return answer, sum(sizes), len(sizes)


async def _send_all(
    upload: MultipartUpload,
    parts: AsyncGenerator[Job, None],
    how: UploadOptions,
    meter: ProgressMeter,
    before_complete: Callable[[], Awaitable[None]] | None = None,
    *,
    kept: bool = False,
) -> Answer:
    """Send *parts* and complete the upload. After an error it is aborted, unless it is *kept*."""
    try:
        await run_jobs(parts, how.workers)
        if before_complete is not None:
            await before_complete()
        meter.enter("completing")
        # What a callback raises must come before what cannot be taken back.
        await meter.flush()
        answer = await upload.complete()
    except BaseException:
        if how.auto_abort and not kept:
            await upload.abort()
        raise
    if how.answered is not None:
        how.answered(answer)
    return answer


def upload_result(answer: Answer, size: int, parts: int | None) -> UploadResult:
    """What an upload became, from the answer that ended it."""
    headers = answer.response.headers
    etag = headers.get("ETag")
    if parts is not None and answer.body:
        etag = parse_complete(answer.body).etag or etag
    return UploadResult(
        size=size,
        etag=etag,
        version_id=headers.get("x-amz-version-id"),
        parts=parts,
        checksums={
            name: value
            for name in ALGORITHMS
            if (value := headers.get(header_name(name))) is not None
        },
    )
