"""Parallel download of one object into a file.

::

    first GET (range 0) ──> total size, ETag ──> other ranges, If-Match ──> N in flight
          │                                             │
          └──────────── each: receive into the sink, resume at the next byte ──> rename

The first range's answer tells how large the object is, so nothing is asked beforehand. Every
answer is judged by its Content-Range, not by its status alone, and held to the first one's ETag:
by If-Match, and by comparing, since not every server knows If-Match (P5). A body that breaks off
is resumed from where it stopped (P7).

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from multidict import CIMultiDict

from ..engine import Engine
from ..errors import (
    AwsDownloadError,
    ObjectChanged,
    ResponseParseError,
    S3Error,
)
from ..protocol.ranges import ByteRange, ContentRange, content_range, cut
from ..protocol.retry import Attempts
from ..request import Request
from ..transport.answer import Answer, leave
from ..transport.exchange import Fault
from ..transport.shielding import finished
from ..transport.sink import Sink, open_sink
from .schedule import Job, run_jobs


class _Download:
    """One object on its way into one sink."""

    def __init__(
        self,
        engine: Engine,
        bucket: str,
        key: str,
        sink: Sink,
        *,
        headers: CIMultiDict[str],
        tries: int,
        buffer_size: int,
        options: Mapping[str, Any],
    ) -> None:
        self._engine = engine
        self._bucket = bucket
        self._key = key
        self._sink = sink
        self._headers = headers
        self._tries = tries
        self._buffer_size = buffer_size
        self._options = options
        self._identity: tuple[str | None, str | None] | None = None
        """ETag and version id of the first answer, which all others must have."""
        self._total: int | None = None
        self._rest: list[ByteRange] = []
        self._known = asyncio.Event()

    async def run(self, step: int, workers: int) -> int:
        """Fetch everything; the object's size in bytes."""
        await run_jobs(self._jobs(step), workers)
        assert self._total is not None
        return self._total

    async def _jobs(self, step: int) -> AsyncGenerator[Job, None]:
        yield partial(self._begin, step)
        await self._known.wait()
        for wanted in self._rest:
            yield partial(self._fetch, wanted)

    async def _begin(self, step: int) -> None:
        """The first range, which tells what the others are; or the whole, when it must be."""
        attempts = self._engine.pipeline.attempts(self._tries)
        answer = await self._get(ByteRange(0, step), attempts)
        if answer.response.status == 416 or self._says_too_little(answer):
            # An empty object has no first byte; other servers know no ranges, or know them badly.
            await leave(answer.response)
            attempts.uncounted()
            answer = await self._get(None, attempts)
        if answer.failed:
            raise answer.error().in_transfer(AwsDownloadError)
        with _closed_on_error(answer):
            said = content_range(answer.response.headers)
            if said is None and answer.response.status != 200:
                raise ResponseParseError(
                    f"GetObject {self._bucket}/{self._key}: "
                    f"{answer.response.status} without Content-Range"
                )
            self._hold(answer)
        if said is None:
            await self._fetch_whole(answer, attempts)
            return
        total = said.total if said.total is not None else said.sent.stop
        self._total = total
        stop = min(step, total)
        self._rest = list(cut(stop, total, step))
        self._known.set()
        await self._fetch(ByteRange(0, stop), attempts, answer)

    def _says_too_little(self, answer: Answer) -> bool:
        """Whether a partial answer leaves open which part it is, or of how much."""
        if answer.failed:
            return False
        with _closed_on_error(answer):
            said = content_range(answer.response.headers)
        return answer.response.status != 200 if said is None else said.total is None

    async def _fetch_whole(self, answer: Answer, attempts: Attempts) -> None:
        """An answer of 200 that is the whole object, from a server that knows no ranges."""
        length = answer.response.content_length
        if length is not None:
            self._total = length
            self._known.set()
            if length:
                await self._fetch(ByteRange(0, length), attempts, answer)
            else:
                answer.response.release()
            return
        while True:
            with _closed_on_error(answer):
                reached, fault = await self._receive(answer.response, 0, None, skip=0, exact=False)
            if fault is None:
                self._total = reached
                self._known.set()
                return
            await self._try_again(None, attempts, fault)
            answer = await self._get(None, attempts)
            if answer.failed:
                raise answer.error().in_transfer(AwsDownloadError)
            self._hold(answer)

    async def _fetch(
        self, wanted: ByteRange, attempts: Attempts | None = None, answer: Answer | None = None
    ) -> None:
        """One range into its place, resumed at the next byte as often as the tries allow."""
        attempts = attempts or self._engine.pipeline.attempts(self._tries)
        position = wanted.start
        while position < wanted.stop:
            left = ByteRange(position, wanted.stop)
            if answer is None:
                answer = await self._get(left, attempts)
            if answer.failed:
                raise self._error(answer)
            with _closed_on_error(answer):
                self._hold(answer)
                said = content_range(answer.response.headers)
                fault = self._misplaced(answer.response, said, left)
                if fault is None:
                    # Without Content-Range it is the whole object, of which a part is wanted.
                    skip = 0 if said is not None else position
                    stop = said.sent.stop if said is not None else wanted.stop
                    reached, fault = await self._receive(
                        answer.response, position, stop, skip=skip, exact=said is not None
                    )
                    if reached > position:
                        attempts.uncounted()
                        position = reached
            answer = None
            if position < wanted.stop:
                left = ByteRange(position, wanted.stop)
                await self._try_again(left, attempts, fault or Fault("the body ended too early"))

    # One answer

    async def _get(self, wanted: ByteRange | None, attempts: Attempts) -> Answer:
        headers = self._headers.copy()
        if wanted is not None:
            headers["Range"] = wanted.header
        etag = self._identity[0] if self._identity else None
        if etag and not etag.startswith("W/"):  # If-Match compares strongly: never true of those.
            headers["If-Match"] = etag
        return await self._engine.send(self._request(wanted, headers), attempts)

    def _request(self, wanted: ByteRange | None, headers: CIMultiDict[str]) -> Request:
        return Request(
            operation="GetObject",
            method="GET",
            detail=str(wanted or "the whole object"),
            bucket=self._bucket,
            key=self._key,
            headers=headers,
            options=self._options,
        )

    def _hold(self, answer: Answer) -> None:
        """Hold an answer to the first one's ETag and version."""
        headers = answer.response.headers
        identity = (headers.get("ETag"), headers.get("x-amz-version-id"))
        if self._identity is None:
            self._identity = identity
        elif identity != self._identity:
            answer.response.close()
            raise self._changed()

    def _changed(self) -> ObjectChanged:
        etag = self._identity[0] if self._identity else None
        return ObjectChanged(
            f"{self._bucket}/{self._key} was replaced while it was being downloaded "
            f"(it began with ETag {etag})"
        )

    def _error(self, answer: Answer) -> S3Error:
        status = answer.response.status
        # The range was cut from the size that the object had: behind its end it is another one.
        shrunk = status == 416
        refused = status == 412 and "If-Match" not in self._headers
        if self._identity is not None and (shrunk or refused):
            return self._changed()
        return answer.error().in_transfer(AwsDownloadError)

    def _misplaced(
        self, response: aiohttp.ClientResponse, said: ContentRange | None, wanted: ByteRange
    ) -> Fault | None:
        """What is wrong with an answer whose head contradicts the request or itself."""
        announced = self._total if said is None else said.sent.size
        fault = None
        if said is None and response.status != 200:
            response.close()
            return Fault(f"{response.status} without Content-Range")
        if said is not None and said.total not in (None, self._total):
            response.close()
            raise self._changed()
        if said is not None and (said.sent.start != wanted.start or said.sent.stop > wanted.stop):
            fault = Fault(f"the server sent {said.sent}")
        elif response.content_length not in (None, announced):
            fault = Fault(f"{response.content_length} bytes were announced for {announced}")
        if fault is not None:
            response.close()
        return fault

    async def _receive(
        self,
        response: aiohttp.ClientResponse,
        position: int,
        stop: int | None,
        *,
        skip: int,
        exact: bool,
    ) -> tuple[int, Fault | None]:
        """Write a body to *position* and after, up to *stop*, leaving out its first *skip* bytes.

        Returns how far it got, and why no further when it should have. A body that goes on behind
        *stop* is wrong where it has to be *exact*: then nothing of it counts.
        """
        content, start = response.content, position
        fault: Fault | None = None
        pending = bytearray()
        beyond = False
        while not beyond:
            try:
                data = await content.readany()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                fault = Fault(
                    f"the body broke off ({type(error).__name__})",
                    timeout=isinstance(error, TimeoutError),
                )
                break
            if not data:
                break
            if skip:
                skip, data = max(0, skip - len(data)), data[skip:]
            pending += data
            beyond = stop is not None and position + len(pending) > stop
            if len(pending) >= self._buffer_size and not beyond:
                await self._sink.write(position, pending)
                position += len(pending)
                pending = bytearray()
        if beyond and exact:
            response.close()
            return start, Fault("the body is longer than its Content-Range")
        if beyond and stop is not None:
            del pending[stop - position :]
        if pending:
            await self._sink.write(position, pending)
            position += len(pending)
        if fault is not None or beyond:
            response.close()
        else:
            response.release()
        return position, fault

    async def _try_again(self, wanted: ByteRange | None, attempts: Attempts, fault: Fault) -> None:
        """Wait before the next attempt, or raise when there is none left."""
        if not await self._engine.pipeline.pause(attempts, timeout=fault.timeout):
            request = self._request(wanted, CIMultiDict())
            raise self._engine.pipeline.connection_error(request, fault, attempts)


@contextlib.contextmanager
def _closed_on_error(answer: Answer) -> Iterator[None]:
    """Nobody reads an answer on after an error: an open one would keep its connection for good."""
    try:
        yield
    except BaseException:
        answer.response.close()
        raise


async def download_file(
    engine: Engine,
    bucket: str,
    key: str,
    destination: Path,
    *,
    headers: Mapping[str, str],
    range_step: int,
    workers_count: int,
    range_tries: int,
    buffer_size: int,
    options: Mapping[str, Any],
) -> int:
    """Download *key* of *bucket* to *destination*, which appears only when it is complete.

    Returns the object's size in bytes. Raises the typed errors of S3 (also ``AwsDownloadError``),
    ``ObjectChanged``, ``S3ConnectionError``, and ``OSError`` from the disk.
    """
    sink = await open_sink(destination)
    try:
        download = _Download(
            engine,
            bucket,
            key,
            sink,
            headers=CIMultiDict(headers),
            tries=range_tries,
            buffer_size=buffer_size,
            options=options,
        )
        size = await download.run(range_step, workers_count)
        await sink.commit(size)
        return size
    finally:
        await finished(sink.discard())
