"""Uploading whatever the user hands over: one PUT when it is small, in parts when it is not.

======================================  ================================================
data                                    how it is read
======================================  ================================================
a path, a file opened from one          by position; never held in memory
bytes-like                              in place, as slices
a seekable file object                  part by part, each held until it is sent
any other file object, an iterable,     the same, and gathered up to the threshold first to see
an async iterable                       whether there is more (as far as it may be held: beyond
                                        that it goes in parts below the threshold too)
======================================  ================================================
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from ..config import MAX_PART_SIZE, TransferConfig
from ..engine import Engine
from ..errors import AwsUploadError
from ..models import UploadResult
from ..protocol.crc import Buffer
from ..protocol.extra_args import Translated
from ..protocol.integrity import wish_of
from ..request import Body, Request
from ..transport.answer import Answer
from ..transport.budget import Budget, Share
from ..transport.disk import Disk
from ..transport.openfile import OpenFile, open_file
from ..transport.source import (
    READ,
    BytesSource,
    FileSource,
    SeekableSource,
    SourceData,
    as_stream,
    is_seekable,
    remaining,
)
from .content_type import set_content_type
from .cutting import GatheredSource, PartCutter
from .progress import ProgressMeter
from .put import send_body
from .upload import UploadOptions, send_stream, upload_bytes, upload_file, upload_result

MAX_PUT_SIZE = MAX_PART_SIZE
"""Bytes that one PutObject takes; more has to go in parts, whatever the threshold."""


class Store(NamedTuple):
    """One object to be, and how it is to get there."""

    engine: Engine
    bucket: str
    key: str
    args: Translated
    config: TransferConfig
    meter: ProgressMeter
    budget: Budget | None = None
    """What is held is taken of this, where other transfers share it."""
    answered: Callable[[Answer], None] | None = None
    """Who is told of the answer that made the object."""

    @property
    def _disk(self) -> Disk:
        return Disk(threads=self.config.use_threads)

    async def from_path(self, path: Path, argument: str) -> UploadResult:
        """Upload the file at *path*. Raises ``OSError``, which names *argument* for a folder."""
        with closing(await open_file(path, argument, self._disk)) as file:
            return await self._from_file(file, path, 0)

    async def from_data(self, data: SourceData) -> UploadResult:
        """Upload what *data* gives."""
        if isinstance(data, Path):
            return await self.from_path(data, "fileobj")
        if isinstance(data, str | io.TextIOBase):
            raise TypeError("fileobj: text is no data; give bytes, a binary file, or a Path")
        if isinstance(data, bytes | bytearray | memoryview):
            return await self._from_bytes(cast(Buffer, data))
        if type(data) is io.BytesIO:  # A subclass may read otherwise.
            rest = memoryview(data.getvalue())[data.tell() :]
            result = await self._from_bytes(rest)
            data.seek(0, io.SEEK_END)
            return result
        if isinstance(data, io.BufferedReader | io.FileIO) and (
            found := await self._disk.aside(partial(_regular_file, data))
        ):
            file, path, start, named = found
            with closing(file):
                result = await self._from_file(file, path, start, named=named)
            await self._disk.aside(partial(data.seek, file.size))
            return result
        size = None
        if is_seekable(data):
            size = await remaining(cast(BinaryIO, data), self._disk)
        how = await self._options(self.config.part_size_for(size))
        stream = as_stream(data, self._disk)
        if size is not None and self._in_parts(size):
            return await self._send_stream(PartCutter(stream), how)
        if size is not None and size > how.memory:
            return await self._from_seekable(cast(BinaryIO, data), size, how)
        return await self._from_stream(stream, how)

    # By what it is read from

    async def _from_file(
        self, file: OpenFile, path: Path, start: int, *, named: bool = True
    ) -> UploadResult:
        size = max(0, file.size - start)
        how = await self._options(self.config.part_size_for(size))
        if not named:  # There is no place beside it for a journal.
            how = how._replace(resume=False)
        if self._in_parts(size):
            return await upload_file(
                self.engine, self.bucket, self.key, file, path, how, self.meter, start=start
            )
        disk, reached = self._disk, self.meter.part(size).reached
        body = FileSource(file, start, size, disk=disk, fast=how.fast, reached=reached)
        async with how.room(min(size, READ)):
            result = await self._put(body, how)
        if await disk.run(file.changed):
            raise file.was_changed(path)
        return result

    async def _from_bytes(self, data: Buffer) -> UploadResult:
        size = memoryview(data).nbytes
        how = await self._options(self.config.part_size_for(size))
        if not self._in_parts(size):
            body = BytesSource(data, self.meter.part(size).reached, disk=self._disk)
            return await self._put(body, how)
        return await upload_bytes(self.engine, self.bucket, self.key, data, how, self.meter)

    async def _from_seekable(self, data: BinaryIO, size: int, how: UploadOptions) -> UploadResult:
        """What is too large to be held and goes in one request all the same."""
        start = await self._disk.aside(data.tell)
        reached = self.meter.part(size).reached
        async with how.room(min(size, READ)):
            return await self._put(SeekableSource(data, start, size, reached, self._disk), how)

    async def _from_stream(self, stream: AsyncIterator[bytes], how: UploadOptions) -> UploadResult:
        """Gathered up to the threshold, but no further than a transfer may hold."""
        cutter = PartCutter(stream)
        held = max(how.part_size, min(self.config.multipart_threshold, how.memory))
        count = -(-held // how.part_size)
        with how.share() as share:
            await share.take(count * how.part_size)
            parts, whole = await cutter.peek_parts(count, how.part_size)
            if whole and not self._in_parts(sum(map(len, parts))):
                reached = self.meter.part().reached
                return await self._put(GatheredSource(parts, reached, self._disk), how)
            del parts  # The cutter has them, each until it was sent.
            return await self._send_stream(cutter, how, share)

    async def _send_stream(
        self, cutter: PartCutter, how: UploadOptions, share: Share | None = None
    ) -> UploadResult:
        upload = how.start(self.engine, self.bucket, self.key)
        await upload.create()
        return await send_stream(upload, cutter, how, self.meter, share)

    # What they share

    def _in_parts(self, size: int) -> bool:
        return size >= self.config.multipart_threshold or size > MAX_PUT_SIZE

    async def _options(self, part_size: int) -> UploadOptions:
        config, args = self.config, self.args
        await set_content_type(args.headers, self.key, disk=self._disk)
        await set_content_type(args.multipart, self.key, disk=self._disk)
        wish = wish_of(config.checksum)
        return UploadOptions(
            headers=args.multipart,
            part_size=part_size,
            workers=config.workers,
            checksum=args.checksum_algorithm or wish.checksum,
            trailer=wish.trailer,
            threads=config.use_threads,
            fast=config.preferred_transfer_client != "classic",
            bandwidth=config.max_bandwidth,
            memory_limit=config.memory_limit,
            resume=config.resume,
            budget=self.budget,
            answered=self.answered,
        )

    async def _put(self, body: Body, how: UploadOptions) -> UploadResult:
        headers = self.args.headers.copy()
        # The checksum itself goes with the body: S3 asks for no announcement then.
        headers.popall("x-amz-sdk-checksum-algorithm", None)
        self.meter.total = body.size
        request = Request(
            operation="PutObject",
            method="PUT",
            bucket=self.bucket,
            key=self.key,
            query=self.args.query,
            headers=headers,
            checksum=how.checksum,
            trailer=how.trailer,
            document=True,  # Of a success it has no body: what has one may be an error.
        )
        await self.meter.flush()
        answer = await send_body(self.engine, request, how.paced()(body))
        if answer.failed:
            raise answer.error().in_transfer(AwsUploadError)
        if self.answered is not None:
            self.answered(answer)
        answer.response.release()
        return upload_result(answer, body.size, None)


def _regular_file(
    data: io.BufferedReader | io.FileIO,
) -> tuple[OpenFile, Path, int, bool] | None:
    """A file object's own file, its path, where it stands, and whether the path leads to it.

    None when it is no file on a disk, or when reading it may give something else than what stands
    there: the descriptor of a decompressing reader is that of the compressed file.
    """
    raw = data.raw if type(data) is io.BufferedReader else data
    if type(raw) is not io.FileIO:
        return None
    try:
        descriptor = data.fileno()
    except OSError:
        return None
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        return None
    named = isinstance(data.name, str | bytes)
    path = Path(os.fsdecode(data.name) if named else f"descriptor {descriptor}")
    named = named and path.exists() and os.path.samestat(found, path.stat())
    return OpenFile.duplicate(descriptor), path, data.tell(), named
