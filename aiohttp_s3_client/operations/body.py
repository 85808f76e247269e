"""What ``get_object`` answers under ``Body``: the object's bytes, in the forms of reading.

Nothing is received before it is asked for, and no task runs beside the reader.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from types import TracebackType
from typing import Self

from ..engine import Engine
from ..transport.answer import Answer
from .delivery import Delivery


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
        self._delivery = Delivery(engine, answer)
        self._pieces: deque[bytes] = deque()
        self._offset = 0
        """Where in the first piece the bytes begin that were not given out."""
        self._held = 0
        """Bytes that were received and not given out."""
        self.content_length = self._delivery.size
        """Bytes of the body; None where the server does not say it."""

    @property
    def verified(self) -> bool | None:
        """True once all bytes agreed with the object's checksum; None before, and where the
        answer has none that is of the whole object's bytes."""
        return self._delivery.verified

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc is None:
            await self._delivery.leave()
        self.close()

    def close(self) -> None:
        """Give the body up; the connection is cut off if anything was left unread."""
        self._delivery.close()
        self._pieces.clear()

    def tell(self) -> int:
        """How many bytes were given out."""
        return self._delivery.received - self._held

    # Reading

    async def read(self, amt: int | None = None) -> bytes:
        """The next *amt* bytes, fewer only at the end; all that are left for None or below 0."""
        self._delivery.check_open()
        wanted = None if amt is None or amt < 0 else amt
        while (wanted is None or self._held < wanted) and await self._fill():
            pass
        return self._take(self._held if wanted is None else wanted)

    async def readinto(self, buffer: bytearray | memoryview) -> int:
        """Fill *buffer*; the number of bytes, which is smaller only at the end.

        After an error ``tell()`` says how far it got.
        """
        self._delivery.check_open()
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
        self._delivery.check_open()
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

    async def _fill(self) -> bool:
        """Hold the next piece too; False at the end."""
        try:
            piece = await self._delivery.next()
        except BaseException:
            self.close()
            raise
        if piece:
            self._pieces.append(piece)
            self._held += len(piece)
        return bool(piece)
