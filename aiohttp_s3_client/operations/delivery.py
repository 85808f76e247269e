"""The bytes of one object, pulled off the connection: resumed, and held to their checksum.

::

    answer ──> Incoming ──> held to the checksum ──> next
       ^           │ broke off, and the first answer had an ETag
       └── the rest, from the next byte on, if it is the same object still (P5, P7)

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""

from __future__ import annotations

import aiohttp
from multidict import CIMultiDict

from ..engine import Engine
from ..errors import ObjectChanged, ResponseParseError
from ..protocol.ranges import ByteRange, content_range
from ..protocol.retry import Attempts
from ..request import Request
from ..transfer.expected import Expected, asks_for_checksums, held_to, of_part_in, offered_by
from ..transfer.ranged import closed_on_error
from ..transport.answer import Answer, cut_off, leave
from ..transport.exchange import Fault
from ..transport.receive import Incoming


class Delivery:
    """The body of an answer as it comes, piece by piece, over as many answers as it takes.

    After any error, and after a ``next`` that was cancelled, it has to be closed.
    """

    __slots__ = (
        "_answer", "_attempts", "_closed", "_ended", "_engine", "_expected", "_identity",
        "_incoming", "_position", "_progressed", "_resumable", "_skip", "_start", "_stop",
        "size", "verified",
    )  # fmt: skip

    def __init__(self, engine: Engine, answer: Answer) -> None:
        response = answer.response
        self._engine = engine
        self._answer = answer
        self._incoming = Incoming(response)
        self._closed = False
        self._ended = False
        self._identity = _identity(response)
        self._resumable = _is_resumable(answer)
        self._attempts = attempts_so_far(engine, answer)
        self._progressed = False
        """Whether the answer that is being read brought new bytes."""
        self._skip = 0
        """Bytes that come first and are not wanted: of a whole in the place of its rest."""
        self.size = response.content_length
        """Bytes of the body; None where the server does not say it."""
        self.verified: bool | None = None
        """True once all bytes agreed with the object's checksum; else None."""
        with closed_on_error(answer):
            self._start = _start(answer)
        self._position = self._start
        """Of the next byte to be received, in the object."""
        self._stop = None if self.size is None else self._start + self.size
        self._expected = _expected(answer)

    @property
    def received(self) -> int:
        """How many bytes there were so far."""
        return self._position - self._start

    def check_open(self) -> None:
        """A ``ValueError`` when it was closed."""
        if self._closed:
            raise ValueError("the body is closed")

    def __del__(self) -> None:
        # aiohttp's responses stand in a circle: the pool would have to wait for the garbage
        # collector, which a lack of connections does not call (P2).
        if not self._closed and not self._ended:
            self._answer.response.close()

    def close(self) -> None:
        """Give it up; the connection is cut off if anything was left unread."""
        if not self._closed and not self._ended:
            cut_off(self._answer.response)
        self._closed = True
        self._expected = None

    async def leave(self) -> None:
        """Give it up, and the connection back; with a large rest unread that is cut off."""
        if not self._closed and not self._ended:
            self._ended = True
            await leave(self._answer.response)
        self.close()

    async def next(self) -> bytes:
        """The next bytes as they come; none at the end."""
        while not self._ended:
            received = await self._incoming.next()
            self.check_open()
            if not isinstance(received, Fault) and (received or self._stop is None):
                if not received:
                    await self._finish()
                elif piece := self._wanted(received):
                    await self._arrived(piece)
                    return piece
            elif self._position == self._stop:
                await self._finish()
            else:
                await self._resume(received or Fault("the body ended too early"))
        return b""

    def _wanted(self, data: bytes) -> bytes:
        skipped, self._skip = self._skip, max(0, self._skip - len(data))
        stop = None if self._stop is None else skipped + self._stop - self._position
        return data[skipped:stop]

    async def _arrived(self, piece: bytes) -> None:
        if not self._progressed:
            self._progressed = True
            self._attempts.uncounted()
        self._position += len(piece)
        if self._expected is not None:
            await self._expected.feed(piece)
        if self._position == self._stop:
            await self._finish()

    async def _finish(self) -> None:
        await leave(self._answer.response)
        self._ended = True
        if self._expected is not None:
            self._expected.finish()
            self.verified = True

    # Resuming

    async def _resume(self, fault: Fault) -> None:
        """Ask for the rest, or raise when nothing can be asked any more."""
        pipeline, request = self._engine.pipeline, self._answer.request
        wrong: Fault | None = fault
        while wrong is not None:
            cut_off(self._answer.response)
            fault = wrong._replace(reason=f"{wrong.reason} after {self._progress()}")
            able = self._resumable and self._stop is not None and self._session_lives()
            if not able or not await pipeline.pause(self._attempts, timeout=fault.timeout):
                raise pipeline.connection_error(request, fault, self._attempts)
            self.check_open()
            assert self._stop is not None
            wanted = ByteRange(self._position, self._stop)
            self._answer = await self._engine.send(self._again(wanted), self._attempts)
            wrong = self._judged(wanted)
        self._incoming = Incoming(self._answer.response)

    def _again(self, wanted: ByteRange) -> Request:
        request = self._answer.request
        headers = CIMultiDict(request.headers)
        headers["Range"] = wanted.header
        headers["If-Match"] = self._identity[0]
        return request._replace(headers=headers, detail=str(wanted))

    def _judged(self, wanted: ByteRange) -> Fault | None:
        """What is wrong with the head of an answer to ``_again`` that might be better next time.

        Raises its error, or ``ObjectChanged``.
        """
        answer, response = self._answer, self._answer.response
        self._progressed = False
        if response.status in (412, 416):
            raise self._changed()
        answer.raise_for_status()
        if _identity(response) != self._identity:
            raise self._changed()
        said = content_range(response.headers)
        if said is None and response.status != 200:
            return Fault(f"{response.status} without Content-Range")
        # Without Content-Range it is the whole object, of which the rest is wanted.
        self._skip = 0 if said is not None else wanted.start
        if said is None:
            return None
        if said.sent.start != wanted.start or said.sent.stop > wanted.stop:
            return Fault(f"the server sent {said.sent}")
        if response.content_length not in (None, said.sent.size):
            return Fault(f"{response.content_length} bytes were announced for {said.sent.size}")
        return None

    def _session_lives(self) -> bool:
        try:
            self._engine.session()
        except RuntimeError:
            return False
        return True

    def _changed(self) -> ObjectChanged:
        return ObjectChanged(
            f"{_name(self._answer.request)} was replaced while it was being read "
            f"(it began with ETag {self._identity[0]})"
        )

    def _progress(self) -> str:
        size = "" if self.size is None else f" of {self.size}"
        return f"{self.received}{size} bytes"


def attempts_so_far(engine: Engine, answer: Answer) -> Attempts:
    """The count that receiving an answer's body goes on with."""
    attempts = engine.pipeline.attempts(answer.request.max_attempts)
    attempts.started -= answer.elapsed
    attempts.sends = attempts.spent = answer.attempts
    return attempts


def _is_resumable(answer: Answer) -> bool:
    """Whether the rest can be asked for, and be known to be of the same object."""
    response, request = answer.response, answer.request
    etag = response.headers.get("ETag", "")
    placed = response.status == 200 or "Content-Range" in response.headers
    # If-Match compares strongly: never true of a weak ETag. A part may have an ETag of its own.
    known = etag != "" and not etag.startswith("W/")
    return request.operation == "GetObject" and known and placed and not _of_part(request)


def _start(answer: Answer) -> int:
    """Where in the object the answer begins. Raises ``ResponseParseError``."""
    response = answer.response
    said = content_range(response.headers)
    if said is None:
        return 0
    if response.content_length not in (None, said.sent.size):
        raise ResponseParseError(
            f"{answer.request.operation} {_name(answer.request)}: {response.content_length} bytes "
            f"were announced for {said.sent}"
        )
    return said.sent.start


def _expected(answer: Answer) -> Expected | None:
    """What the bytes of an answer can be held to while they go by."""
    response, request = answer.response, answer.request
    if not asks_for_checksums(request.headers or {}):
        return None
    if _of_part(request):
        offered = of_part_in(response.headers)
    else:
        said = content_range(response.headers)
        # rclone answers 200 to a range, with the checksum of the whole object.
        partial = said is not None and said.sent != (0, said.total)
        offered = () if response.status != 200 or partial else offered_by(response.headers)
    if not offered or offered[0].parts is not None:
        return None
    return held_to(request.bucket, request.key or "", offered[0], response.content_length)


def _identity(response: aiohttp.ClientResponse) -> tuple[str, str]:
    """ETag and version; empty where there is none."""
    headers = response.headers
    return headers.get("ETag", ""), headers.get("x-amz-version-id", "")


def _of_part(request: Request) -> bool:
    return any(name == "partNumber" for name, _ in request.query)


def _name(request: Request) -> str:
    return f"{request.bucket}/{request.key}"
