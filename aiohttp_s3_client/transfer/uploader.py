"""A multipart upload in the caller's hands: the parts come one by one, in any order.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Coroutine, Iterable
from functools import partial
from types import TracebackType
from typing import Self

from ..engine import Engine
from ..protocol.crc import Buffer
from ..transport.answer import Answer
from ..transport.source import BytesSource, as_stream
from .cutting import PartCutter
from .in_flight import PartsInFlight
from .multipart import MultipartUpload
from .schedule import Job, run_jobs
from .upload import UploadOptions


class MultipartUploader:
    """What ``S3Client.multipart_upload`` gives: an async context manager around one upload.

    Entering creates the upload. Leaving completes it, once every part that was registered has
    arrived; an exception or a cancellation aborts it (``auto_abort=False`` leaves it, and
    ``upload_id`` tells which). No parts at all become one empty part.
    """

    def __init__(self, engine: Engine, bucket: str, key: str, how: UploadOptions) -> None:
        self._upload: MultipartUpload = how.start(engine, bucket, key)
        self._how = how
        self._parts = PartsInFlight(self._upload, how.workers, _etag)
        self._entered = False
        self._open = False
        self.answer: Answer | None = None
        """The answer to CompleteMultipartUpload, once left without an error."""

    @property
    def upload_id(self) -> str:
        return self._upload.upload_id

    @property
    def part_size(self) -> int:
        """Bytes per part as given to ``multipart_upload``; what ``put_stream`` cuts by."""
        return self._how.part_size

    async def __aenter__(self) -> Self:
        if self._entered:
            raise RuntimeError("multipart_upload: one uploader is one upload; ask for another")
        self._entered = True
        await self._upload.create()
        self._open = True
        return self

    def put_part(
        self, data: Buffer | str, content_sha256: str | None = None
    ) -> Coroutine[None, None, str]:
        """Register the next part, and return a coroutine that sends it and gives its ETag.

        The part's number is settled now, in the order of the calls; the coroutines may be
        awaited in any order and side by side, of which ``workers_count`` are in flight. Each
        retries by itself. *data* is at least 5 MiB but for the last part; it is not copied, so
        leave it unchanged until it was sent. *content_sha256* is its hex digest, where it is
        known already.

        Raises ``RuntimeError`` outside the context and ``ValueError`` for part 10,001.
        """
        if not isinstance(data, str | bytes | bytearray | memoryview):
            raise TypeError(f"put_part: data must be bytes, not {type(data).__name__}")
        if not self._open:
            raise RuntimeError("put_part: the upload is not open; use it inside `async with`")
        body = BytesSource(data.encode() if isinstance(data, str) else data)
        return self._parts.add(body, content_sha256)

    async def put_stream(self, stream: AsyncIterable[bytes] | Iterable[bytes]) -> None:
        """Send all that *stream* gives in parts of ``part_size`` bytes, several in flight."""
        cutter = PartCutter(as_stream(stream))

        async def parts() -> AsyncGenerator[Job, None]:
            while data := await cutter.next(self.part_size):
                yield partial(_awaited, self.put_part(data))

        await run_jobs(parts(), self._how.workers)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc is not None:
            await self._give_up()
            return
        try:
            await self._parts.all_arrived()
            self._open = False
            if not self._parts:
                await self._parts.add(BytesSource(b""))
            self.answer = await self._upload.complete()
        except BaseException:
            await self._give_up()
            raise

    async def _give_up(self) -> None:
        self._open = False
        try:
            await self._parts.give_up()
        finally:
            if self._how.auto_abort:
                await self._upload.abort()


async def _awaited(part: Coroutine[None, None, str]) -> None:
    await part


def _etag(number: int, etag: str) -> str:
    return etag
