"""One object, read range by range, each held to what the first answer said it is.

Every answer is judged by its Content-Range, not by its status alone, and held to the first one's
ETag and version: by If-Match, and by comparing, since not every server knows If-Match (P5). A
body that breaks off is resumed from where it stopped (P7); one ``Attempts`` serves a range from
its first byte to its last, whether sending or receiving failed.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import aiohttp
from multidict import CIMultiDict

from ..engine import Engine
from ..errors import AwsDownloadError, ObjectChanged, ResponseParseError, S3Error
from ..protocol.ranges import ByteRange, ContentRange, content_range
from ..protocol.retry import Attempts
from ..request import Request
from ..transport.answer import Answer, cut_off, leave
from ..transport.budget import Budget, Throttle
from ..transport.disk import Disk
from ..transport.exchange import Fault
from ..transport.receive import Landing, Reception, receive
from .expected import MODE
from .witness import Witness

Reached = Callable[[int], None]


class ReadOptions(NamedTuple):
    """How an object is asked for. The headers are not shown: a customer's key may be in them."""

    headers: Mapping[str, str]
    tries: int
    options: Mapping[str, Any]
    """Keyword arguments for aiohttp."""
    query: tuple[tuple[str, str], ...] = ()
    witness: Witness | None = None

    def __repr__(self) -> str:
        return f"ReadOptions(query={self.query!r}, tries={self.tries})"

    def header_copy(self) -> CIMultiDict[str]:
        """The headers, for a request to add to."""
        return CIMultiDict(self.headers)


class ReadingOptions(NamedTuple):
    """How an object is read into memory or streamed."""

    read: ReadOptions
    range_size: int
    workers: int
    memory: int
    """Bytes that were received and not given out yet, at most; at least one range."""
    verify: bool = True
    md5_wanted: bool = False
    threads: bool = True
    fast: bool = True
    bandwidth: int | None = None
    budget: Budget | None = None
    """What its memory is taken of too, where it shares that with other transfers."""

    def reception(self, landing: Landing, disk: Disk, buffer_size: int = 1) -> Reception:
        """How bodies are received into *landing*."""
        throttle = Throttle(self.bandwidth).wait if self.bandwidth else None
        return Reception(landing, disk, buffer_size=buffer_size, throttle=throttle, fast=self.fast)


class Opening(NamedTuple):
    """The first answer, its body unread."""

    answer: Answer
    attempts: Attempts
    given: ByteRange | None
    """What it holds of what was asked for, and perhaps more: a server that knows no ranges sends
    the whole. None for a whole of unknown length."""


class RangedObject:
    """One object and what is known of it. Ranges may be fetched side by side."""

    def __init__(self, engine: Engine, bucket: str, key: str, how: ReadOptions) -> None:
        self._engine = engine
        self._how = how
        self.bucket = bucket
        self.key = key
        self.etag: str | None = None
        self.version_id: str | None = None
        self.total: int | None = None
        """Bytes of the whole object, once known."""
        self.known = False

    def expect(self, etag: str | None, version_id: str | None, total: int) -> None:
        """Hold the object to what is known of it already."""
        self.etag, self.version_id, self.total = etag, version_id, total
        self.known = True

    async def open(self, first: ByteRange, *, checksums: bool = False) -> Opening:
        """Ask for *first*; its answer tells what the object is.

        *checksums* asks for those of the object too, which a server may tell where *first* is all
        of it. An empty object has no first byte, other servers know no ranges, or know them badly:
        those are asked for the whole. An error is raised.
        """
        attempts = self._engine.pipeline.attempts(self._how.tries)
        answer = await self._get(first, attempts, checksums=checksums)
        behind = answer.response.status == 416 and first.start == 0
        if behind or self._says_too_little(answer):
            await leave(answer.response)
            attempts.uncounted()
            answer = await self._get(None, attempts, checksums=checksums)
        if answer.failed:
            raise self._error(answer)
        with closed_on_error(answer):
            said = content_range(answer.response.headers)
            if said is None and answer.response.status != 200:
                raise ResponseParseError(
                    f"GetObject {self.bucket}/{self.key}: "
                    f"{answer.response.status} without Content-Range"
                )
            self._hold(answer)
            if said is None:
                self.total = length = answer.response.content_length
                given = None if length is None else ByteRange(0, length)
            else:
                total = said.total if said.total is not None else said.sent.stop
                if self.total not in (None, total):
                    raise self._changed()
                self.total = total
                given = ByteRange(first.start, min(first.stop, total))
            if self._how.witness is not None:
                await self._how.witness.opened(answer.response)
        return Opening(answer, attempts, given)

    def measured(self, opening: Opening) -> tuple[ByteRange, int]:
        """What *opening* holds and the whole's size, where parts of the object are wanted.

        Raises ``ResponseParseError`` when the server says neither.
        """
        if opening.given is None or self.total is None:
            raise ResponseParseError(
                f"GetObject {self.bucket}/{self.key}: the server sends no ranges, and does not "
                "say how long the whole is"
            )
        return opening.given, self.total

    def _says_too_little(self, answer: Answer) -> bool:
        """Whether a partial answer leaves open which part it is, or of how much."""
        if answer.failed:
            return False
        with closed_on_error(answer):
            said = content_range(answer.response.headers)
        return answer.response.status != 200 if said is None else said.total is None

    async def fetch(
        self,
        wanted: ByteRange,
        reception: Reception,
        reached: Reached,
        opening: Opening | None = None,
    ) -> None:
        """One range into its place, resumed at the next byte as often as the tries allow.

        *opening* is an answer that has it already. *reached* is told how far it got.
        """
        attempts = opening.attempts if opening else self._engine.pipeline.attempts(self._how.tries)
        answer = opening.answer if opening else None
        position = wanted.start
        while position < wanted.stop:
            left = ByteRange(position, wanted.stop)
            if answer is None:
                answer = await self._get(left, attempts)
            if answer.failed:
                raise self._error(answer)
            with closed_on_error(answer):
                self._hold(answer)
                said = content_range(answer.response.headers)
                fault = self._misplaced(answer.response, said, left)
                if fault is None:
                    # Without Content-Range it is the whole object, of which a part is wanted.
                    skip = 0 if said is not None else position
                    stop = said.sent.stop if said is not None else wanted.stop
                    got, fault = await receive(
                        answer.response,
                        reception,
                        position,
                        stop,
                        skip=skip,
                        exact=said is not None or wanted.size == self.total,
                        reached=reached,
                    )
                    if got > position:
                        attempts.uncounted()
                        position = got
            answer = None
            if position < wanted.stop:
                left = ByteRange(position, wanted.stop)
                await self._try_again(left, attempts, fault or Fault("the body ended too early"))

    async def fetch_unmeasured(
        self, opening: Opening, reception: Reception, reached: Reached, *, again: bool = True
    ) -> None:
        """The whole object from an answer that does not say how long it is; sets ``total``.

        It cannot be resumed in the middle. *again* says whether it may begin anew.
        """
        answer, attempts = opening.answer, opening.attempts
        while True:
            with closed_on_error(answer):
                got, fault = await receive(
                    answer.response, reception, 0, None, exact=False, reached=reached
                )
            if fault is None:
                self.total = got
                return
            if got and not again:
                request = self._request(None, CIMultiDict())
                raise self._engine.pipeline.connection_error(request, fault, attempts)
            await self._try_again(None, attempts, fault)
            answer = await self._get(None, attempts)
            if answer.failed:
                raise self._error(answer)
            self._hold(answer)

    # One answer

    async def _get(
        self, wanted: ByteRange | None, attempts: Attempts, *, checksums: bool = False
    ) -> Answer:
        headers = self._how.header_copy()
        if checksums:
            headers[MODE] = "ENABLED"
        if wanted is not None:
            headers["Range"] = wanted.header
        # If-Match compares strongly: never true of a weak ETag.
        if self.etag and not self.etag.startswith("W/"):
            headers["If-Match"] = self.etag
        return await self._engine.send(self._request(wanted, headers), attempts)

    def _request(self, wanted: ByteRange | None, headers: CIMultiDict[str]) -> Request:
        return Request(
            operation="GetObject",
            method="GET",
            detail=str(wanted or "the whole object"),
            bucket=self.bucket,
            key=self.key,
            query=self._how.query,
            headers=headers,
            options=self._how.options,
        )

    def _hold(self, answer: Answer) -> None:
        """Hold an answer to the first one's ETag and version."""
        headers = answer.response.headers
        etag, version_id = headers.get("ETag"), headers.get("x-amz-version-id")
        if not self.known:
            self.etag, self.version_id, self.known = etag, version_id, True
        elif (etag, version_id) != (self.etag, self.version_id):
            cut_off(answer.response)
            raise self._changed()

    def _changed(self) -> ObjectChanged:
        return ObjectChanged(
            f"{self.bucket}/{self.key} was replaced while it was being downloaded "
            f"(it began with ETag {self.etag})"
        )

    def _error(self, answer: Answer) -> S3Error:
        status = answer.response.status
        # The range was cut from the size that the object had: behind its end it is another one.
        shrunk = status == 416
        refused = status == 412 and "If-Match" not in self._how.headers
        if self.known and (shrunk or refused):
            return self._changed()
        return answer.error().in_transfer(AwsDownloadError)

    def _misplaced(
        self, response: aiohttp.ClientResponse, said: ContentRange | None, wanted: ByteRange
    ) -> Fault | None:
        """What is wrong with an answer whose head contradicts the request or itself."""
        announced = self.total if said is None else said.sent.size
        fault = None
        if said is None and response.status != 200:
            cut_off(response)
            return Fault(f"{response.status} without Content-Range")
        if said is not None and said.total not in (None, self.total):
            cut_off(response)
            raise self._changed()
        if said is not None and (said.sent.start != wanted.start or said.sent.stop > wanted.stop):
            fault = Fault(f"the server sent {said.sent}")
        elif response.content_length not in (None, announced):
            fault = Fault(f"{response.content_length} bytes were announced for {announced}")
        if fault is not None:
            cut_off(response)
        return fault

    async def _try_again(self, wanted: ByteRange | None, attempts: Attempts, fault: Fault) -> None:
        """Wait before the next attempt, or raise when there is none left."""
        if not await self._engine.pipeline.pause(attempts, timeout=fault.timeout):
            request = self._request(wanted, CIMultiDict())
            raise self._engine.pipeline.connection_error(request, fault, attempts)


@contextlib.contextmanager
def closed_on_error(answer: Answer) -> Iterator[None]:
    """Nobody reads an answer on after an error: an open one would keep its connection for good."""
    try:
        yield
    except BaseException:
        cut_off(answer.response)
        raise
