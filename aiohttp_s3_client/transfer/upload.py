"""Uploads in parts: of a file by position, of a stream part by part.

Memory: a file's parts are read 1 MiB at a time, so a worker holds about two of those whatever
the part size. A stream's parts are gathered one by one: at most ``workers_count`` in flight and
one being gathered.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ..config import MAX_PARTS
from ..engine import Engine
from ..errors import SourceChanged
from ..protocol.ranges import ByteRange, cut
from ..request import Body
from ..transport.answer import Answer
from ..transport.source import BytesSource, FileSource, OpenFile
from .multipart import MultipartUpload
from .schedule import Job, run_jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadOptions:
    """How an object is uploaded in parts."""

    headers: Mapping[str, str] = field(default_factory=dict)
    part_size: int
    workers_count: int
    part_tries: int | None = None
    calculate_sha256: bool | None = None
    auto_abort: bool = True
    abort_timeout: float = 10.0
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments for aiohttp."""

    def start(self, engine: Engine, bucket: str, key: str) -> MultipartUpload:
        return MultipartUpload(
            engine,
            bucket,
            key,
            headers=self.headers,
            part_tries=self.part_tries,
            calculate_sha256=self.calculate_sha256,
            abort_timeout=self.abort_timeout,
            options=self.options,
        )


async def upload_file(
    engine: Engine, bucket: str, key: str, file: OpenFile, path: Path, how: UploadOptions
) -> Answer:
    """Upload an open file in parts, read by position. A changed size is ``SourceChanged``.

    Raises ``ValueError`` before sending when it would take more than 10,000 parts.
    """
    size = file.size
    if size > how.part_size * MAX_PARTS:
        raise ValueError(
            f"part_size={how.part_size} cuts {path} ({size} bytes) into more than {MAX_PARTS:,} "
            f"parts; it must be at least {-(-size // MAX_PARTS)}"
        )

    async def parts() -> AsyncGenerator[Job, None]:
        # An empty object is one empty part: S3 completes no upload without parts.
        ranges = list(cut(0, size, how.part_size)) or [ByteRange(0, 0)]
        for number, part in enumerate(ranges, 1):
            yield partial(_send, upload, number, FileSource(file, part.start, part.size))

    async def unchanged() -> None:
        if await asyncio.to_thread(file.changed):
            raise SourceChanged(f"{path} was changed while it was being uploaded")

    upload = how.start(engine, bucket, key)
    await upload.create()
    return await _send_all(upload, parts(), how, unchanged)


async def upload_stream(
    engine: Engine, bucket: str, key: str, stream: AsyncIterator[bytes], how: UploadOptions
) -> Answer:
    """Upload what *stream* gives, in parts of ``part_size`` bytes."""
    upload = how.start(engine, bucket, key)
    await upload.create()
    return await send_stream(upload, PartCutter(stream, how.part_size), how)


async def send_stream(upload: MultipartUpload, cutter: PartCutter, how: UploadOptions) -> Answer:
    """Send all that *cutter* gives to an upload that was created, and complete it."""

    async def parts() -> AsyncGenerator[Job, None]:
        number = 0
        while (part := await cutter.next()) is not None:
            number += 1
            if number > MAX_PARTS:
                raise ValueError(
                    f"part_size={how.part_size} cuts the data into more than {MAX_PARTS:,} parts"
                )
            yield partial(_send, upload, number, BytesSource(part))

    return await _send_all(upload, parts(), how)


class PartCutter:
    """Gathers a stream into parts of one size, each byte copied once."""

    def __init__(self, stream: AsyncIterator[bytes], part_size: int) -> None:
        self._stream = stream
        self._part_size = part_size
        self._rest = memoryview(b"")
        self._ended = False
        self._first: memoryview | None = None
        self._given = 0

    async def peek(self) -> tuple[memoryview, bool]:
        """The first part, which ``next`` gives again, and whether it is all there is."""
        self._first = await self._gather()
        await self._look_ahead()
        return self._first, not self._rest

    async def next(self) -> memoryview | None:
        """The next part; the last may be smaller, and the only part of nothing is empty."""
        part, self._first = self._first, None
        if part is None:
            part = await self._gather()
        if not part and self._given:
            return None
        self._given += 1
        return part

    async def _look_ahead(self) -> None:
        while not self._rest and not self._ended:
            data = await anext(self._stream, None)
            self._ended = data is None
            self._rest = memoryview(data or b"")

    async def _gather(self) -> memoryview:
        part = bytearray()
        while len(part) < self._part_size:
            await self._look_ahead()
            if not self._rest:
                break
            room = self._part_size - len(part)
            part += self._rest[:room]
            self._rest = self._rest[room:]
        return memoryview(part)


async def _send_all(
    upload: MultipartUpload,
    parts: AsyncGenerator[Job, None],
    how: UploadOptions,
    before_complete: Callable[[], Awaitable[None]] | None = None,
) -> Answer:
    try:
        await run_jobs(parts, how.workers_count)
        if before_complete is not None:
            await before_complete()
        return await upload.complete()
    except BaseException:
        if how.auto_abort:
            await upload.abort()
        raise


async def _send(upload: MultipartUpload, number: int, body: Body) -> None:
    await upload.send_part(number, body)
