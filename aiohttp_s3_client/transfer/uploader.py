"""A multipart upload in the caller's hands: the parts come one by one, in any order.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Coroutine, Iterable
from functools import partial
from types import TracebackType
from typing import Self

from ..config import MAX_PARTS
from ..engine import Engine
from ..errors import IncompleteMultipartUpload
from ..protocol.crc import Buffer
from ..transport.answer import Answer
from ..transport.shielding import settled
from ..transport.source import BytesSource, as_stream
from .cutting import PartCutter
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
        self._slots = asyncio.Semaphore(how.workers)
        self._parts: dict[int, Coroutine[None, None, str]] = {}
        self._sending: dict[int, asyncio.Task[str]] = {}
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
        number = len(self._parts) + 1
        if number > MAX_PARTS:
            raise ValueError(f"put_part: an upload has at most {MAX_PARTS:,} parts")
        body = BytesSource(data.encode() if isinstance(data, str) else data)
        part = self._parts[number] = self._send(number, body, content_sha256)
        return part

    async def put_stream(self, stream: AsyncIterable[bytes] | Iterable[bytes]) -> None:
        """Send all that *stream* gives in parts of ``part_size`` bytes, several in flight."""
        cutter = PartCutter(as_stream(stream))

        async def parts() -> AsyncGenerator[Job, None]:
            while data := await cutter.next(self.part_size):
                yield partial(_awaited, self.put_part(data))

        await run_jobs(parts(), self._how.workers)

    async def _send(self, number: int, body: BytesSource, content_sha256: str | None) -> str:
        # A task of our own, so that giving up cancels the part and not the user's task.
        task = asyncio.create_task(self._in_turn(number, body, content_sha256))
        self._sending[number] = task
        try:
            return await task
        except asyncio.CancelledError:
            task.cancel()
            await settled(task)
            if not self._open and not _is_cancelled():
                raise IncompleteMultipartUpload(
                    f"part {number} was given up with its upload", (number,)
                ) from None
            raise

    async def _in_turn(self, number: int, body: BytesSource, content_sha256: str | None) -> str:
        async with self._slots:
            return await self._upload.send_part(number, body, content_sha256)

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
            await self._all_arrived()
            self._open = False
            self.answer = await self._upload.complete()
        except BaseException:
            await self._give_up()
            raise

    async def _all_arrived(self) -> None:
        """Wait for the parts in flight; raise when one failed or was never sent."""
        await asyncio.sleep(0)  # Tasks that were made but had no turn yet begin now.
        if not self._parts:
            await self.put_part(b"")
        while running := [task for task in self._sending.values() if not task.done()]:
            await asyncio.wait(running)
        given_up = {number for number, task in self._sending.items() if task.cancelled()}
        for number, task in self._sending.items():
            if number not in given_up:
                task.result()
        missing = tuple(sorted((self._parts.keys() - self._sending.keys()) | given_up))
        if missing:
            raise IncompleteMultipartUpload(
                f"put_part was called for part{'s' if len(missing) > 1 else ''} "
                f"{', '.join(map(str, missing))}, whose coroutine was never awaited to its end",
                missing,
            )

    async def _give_up(self) -> None:
        self._open = False
        for number, part in self._parts.items():
            if number not in self._sending:
                part.close()
        for task in self._sending.values():
            task.cancel()
        try:
            await settled(*self._sending.values())
        finally:
            if self._how.auto_abort:
                await self._upload.abort()


async def _awaited(part: Coroutine[None, None, str]) -> None:
    await part


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
