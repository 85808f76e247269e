"""What ``get_object`` answers under ``Body``: the object's bytes, pulled off the connection.

::

    answer ──> Incoming ──> held to the checksum ──> read, iter_chunks, iter_lines, readinto
       ^           │ broke off, and the first answer had an ETag
       └── the rest, from the next byte on, if it is the same object still (P5, P7)

Nothing is received before it is asked for, and no task runs beside the reader.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from types import TracebackType
from typing import Self

import aiohttp
from multidict import CIMultiDict

from ..engine import Engine
from ..errors import ObjectChanged, ResponseParseError
from ..protocol import checksums
from ..protocol.ranges import ByteRange, content_range
from ..protocol.retry import Attempts
from ..request import Request
from ..transfer.ranged import closed_on_error
from ..transfer.verify import SLOW_LIMIT, Expected
from ..transport.answer import Answer, cut_off, leave
from ..transport.exchange import Fault
from ..transport.receive import Incoming

log = logging.getLogger(__name__)

_MULTIPART_ETAG = re.compile(r'"?[0-9a-f]{32}-\d+"?')


class StreamingBody(AsyncIterator[bytes]):
    """The body of an answer, as stored, with the methods of boto3's ``StreamingBody``.

    Best within ``async with``: leaving it gives the connection back, with a large rest unread it
    is cut off. Iterating gives pieces as they come, up to some hundred KiB each; ``iter_chunks``
    gives even ones.

    A body that breaks off is resumed at the next byte, as often as the client's settings allow,
    where the object can be recognised by its ETag; else ``S3ConnectionError`` or
    ``S3TimeoutError`` says how far it got. ``ObjectChanged`` is raised when the object was
    replaced meanwhile. A whole object is held to the checksum that came with it:
    ``ChecksumMismatch`` is raised in the place of its last bytes. After any error, and after a
    reading that was cancelled, the body is closed; reading then raises ``ValueError``.
    """

    def __init__(self, engine: Engine, answer: Answer) -> None:
        response = answer.response
        self._engine = engine
        self._answer = answer
        self._incoming = Incoming(response)
        self._pieces: deque[bytes] = deque()
        self._offset = 0
        """Where in the first piece the bytes begin that were not given out."""
        self._held = 0
        """Bytes that were received and not given out."""
        self._closed = False
        self._ended = False
        self._identity = _identity(response)
        self._resumable = _is_resumable(answer)
        self._attempts = attempts_so_far(engine, answer)
        self._progressed = False
        """Whether the answer that is being read brought new bytes."""
        self._skip = 0
        """Bytes that come first and are not wanted: of a whole in the place of its rest."""
        self.content_length = response.content_length
        """Bytes of the body; None where the server does not say it."""
        self.verified: bool | None = None
        """True once all bytes agreed with the object's checksum; None before, and where the
        answer has none that is of the whole object's bytes."""
        with closed_on_error(answer):
            self._start = _start(answer)
        self._position = self._start
        """Of the next byte to be received, in the object."""
        length = self.content_length
        self._stop = None if length is None else self._start + length
        self._expected = _expected(answer)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc is None and not self._closed and not self._ended:
            self._ended = True
            await leave(self._answer.response)
        self.close()

    def close(self) -> None:
        """Give the body up; the connection is cut off if anything was left unread."""
        if not self._closed and not self._ended:
            cut_off(self._answer.response)
        self._closed = True
        self._pieces.clear()
        self._expected = None

    def tell(self) -> int:
        """How many bytes were given out."""
        return self._position - self._start - self._held

    # Reading

    async def read(self, amt: int | None = None) -> bytes:
        """The next *amt* bytes, fewer only at the end; all that are left for None or below 0."""
        self._check_open()
        wanted = None if amt is None or amt < 0 else amt
        while (wanted is None or self._held < wanted) and await self._fill():
            pass
        return self._take(self._held if wanted is None else wanted)

    async def readinto(self, buffer: bytearray | memoryview) -> int:
        """Fill *buffer*; the number of bytes, which is smaller only at the end.

        After an error ``tell()`` says how far it got.
        """
        self._check_open()
        view = memoryview(buffer).cast("B")
        done = 0
        while done < view.nbytes and (self._held or await self._fill()):
            part = self._take(view.nbytes - done)
            view[done : done + len(part)] = part
            done += len(part)
        return done

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        self._check_open()
        if not self._held and not await self._fill():
            raise StopAsyncIteration
        return self._take(len(self._pieces[0]) - self._offset)

    async def iter_chunks(self, chunk_size: int = 1024) -> AsyncGenerator[bytes, None]:
        """Chunks of *chunk_size* bytes; the last may be smaller."""
        if chunk_size < 1:
            raise ValueError(f"chunk_size must be at least 1, not {chunk_size}")
        while chunk := await self.read(chunk_size):
            yield chunk

    async def iter_lines(
        self, chunk_size: int = 1024, keepends: bool = False
    ) -> AsyncGenerator[bytes, None]:
        r"""Lines, which end with ``\n``, ``\r`` or ``\r\n``; with *keepends* they hold that too.

        *chunk_size* bytes are read at a time.
        """
        begun = bytearray()
        async for chunk in self.iter_chunks(chunk_size):
            within = not begun.endswith((b"\n", b"\r"))
            begun += chunk
            if within and b"\n" not in chunk and b"\r" not in chunk:
                continue
            # The last is kept, though it looks whole: behind its \r a \n may follow.
            *lines, begun = begun.splitlines(keepends=True)
            for line in lines:
                yield bytes(line if keepends else line.splitlines()[0])
        if begun:
            yield bytes(begun if keepends else begun.splitlines()[0])

    def _take(self, size: int) -> bytes:
        """The next *size* of the bytes held, or all of them."""
        size = min(size, self._held)
        self._held -= size
        taken: list[bytes] = []
        while size:
            part = self._pieces[0][self._offset : self._offset + size]
            self._offset += len(part)
            size -= len(part)
            taken.append(part)
            if self._offset == len(self._pieces[0]):
                self._pieces.popleft()
                self._offset = 0
        return taken[0] if len(taken) == 1 else b"".join(taken)

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("the body is closed")

    # Receiving

    async def _fill(self) -> bool:
        """Hold the next piece too; False at the end."""
        piece = await self._receive()
        if piece:
            self._pieces.append(piece)
            self._held += len(piece)
        return bool(piece)

    async def _receive(self) -> bytes:
        """The next bytes as they come; none at the end."""
        try:
            while not self._ended:
                received = await self._incoming.next()
                self._check_open()
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
        except BaseException:
            self.close()
            raise
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
            self._expected.update(piece)
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
            self._check_open()
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
        size = "" if self.content_length is None else f" of {self.content_length}"
        return f"{self._position - self._start}{size} bytes"


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
    said = content_range(response.headers)
    # rclone answers 200 to a range, with the checksum of the whole object.
    partial = said is not None and said.sent != (0, said.total)
    if response.status != 200 or partial or _of_part(request):
        return None
    offered = checksums.from_headers(response.headers)
    if not offered or offered[0].parts is not None or _is_unnamed_composite(response.headers):
        return None
    large = (response.content_length or 0) > SLOW_LIMIT
    if large and not checksums.is_available(offered[0].algorithm):
        log.warning(
            "%s is not verified: without the package's [checksums] extra its %s takes too long",
            _name(request),
            offered[0].algorithm,
        )
        return None
    return Expected(_name(request), offered[0])


def _is_unnamed_composite(headers: Mapping[str, str]) -> bool:
    """Whether a checksum may be one of parts' checksums, which not every server says (moto)."""
    multipart = _MULTIPART_ETAG.fullmatch(headers.get("ETag", ""))
    return multipart is not None and "x-amz-checksum-type" not in headers


def _identity(response: aiohttp.ClientResponse) -> tuple[str, str]:
    """ETag and version; empty where there is none."""
    headers = response.headers
    return headers.get("ETag", ""), headers.get("x-amz-version-id", "")


def _of_part(request: Request) -> bool:
    return any(name == "partNumber" for name, _ in request.query)


def _name(request: Request) -> str:
    return f"{request.bucket}/{request.key}"
