"""The body of one attempt as aiohttp's payload, and the watch over its progress.

A part of a file goes to a plain connection by ``sendfile`` (see ``borrowed.py``), everything else
in pieces through aiohttp's writer. For the first, aiohttp's ``StreamWriter`` is asked to send the
headers and to do nothing more: it must not be chunking, compressing or tracing. What is used of
it beyond its public API, looked for each time: ``_compress`` and ``_on_chunk_sent`` (3.12 on),
``on_body_write`` (3.14 on, absent before). ``writer.transport`` also tells how much of a body is
still unsent; without it, progress is counted in whole pieces.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
from aiohttp import ClientRequest
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_writer import StreamWriter

from ..config import plain_paths_only
from ..errors import SourceChanged
from ..request import Body
from .borrowed import CAN_SENDFILE, FileFailed, Unsupported, plain_socket, send_file
from .lookout import LOOK_SECONDS
from .source import FileSource

EXPECT_SECONDS = 1.0


class SourcePayload(aiohttp.Payload):
    """A source as aiohttp's payload, for exactly one attempt."""

    def __init__(self, source: Body) -> None:
        super().__init__(source, content_type="application/octet-stream")
        self._size = source.size
        self._source = source
        self.transport: asyncio.Transport | None = None
        """Where it goes; a writer forgets it when the session is closed."""
        self._handed = 0
        self.begun = False
        self.finished = False
        """Whether all was given to the connection, and this without an error."""
        self.ended = False
        self.error: BaseException | None = None
        self.reached = source.reached
        self._over: asyncio.Event | None = None

    async def write(self, writer: AbstractStreamWriter) -> None:
        if self.begun:
            raise RuntimeError("one payload serves one attempt")
        self.begun = True
        self.transport = getattr(writer, "transport", None)
        source = self._source
        try:
            if not isinstance(source, FileSource):
                await self._send_pieces(source.open(), writer)
            elif not await self._send_file(source, writer):
                await self._send_pieces(source.open(self._handed), writer)
            self.finished = True
        finally:
            if not self.finished and self.transport is not None:
                # Half a body makes the connection useless. Closed, it would first wait for its
                # buffer to be read, perhaps for ever.
                self.transport.abort()
            self.ended = True
            if self._over is not None:
                self._over.set()

    async def _send_pieces(
        self, source: AsyncGenerator[bytes | memoryview, None], writer: AbstractStreamWriter
    ) -> None:
        async with contextlib.aclosing(source) as pieces:
            while True:
                try:
                    piece = await anext(pieces, None)
                except Exception as error:
                    self.error = error
                    raise
                if piece is None:
                    break
                self._handed += len(piece)
                await writer.write(piece)
                self._report()

    async def _send_file(self, source: FileSource, writer: AbstractStreamWriter) -> bool:
        """Send it by ``sendfile``; False where that cannot be done, or not to the end."""
        transport = _plain_transport(writer) if source.fast and source.size else None
        descriptor = plain_socket(transport) if transport is not None else None
        if transport is None or descriptor is None:
            return False
        writer.send_headers()
        while transport.get_write_buffer_size():
            if transport.is_closing():
                raise ConnectionResetError(errno.ECONNRESET, "the connection was closed")
            await asyncio.sleep(0.001)
        try:
            with source.reading() as file:
                await send_file(
                    transport,
                    descriptor,
                    file=file,
                    offset=source.offset,
                    size=source.size,
                    disk=source.disk,
                    moved=self._moved,
                )
        except Unsupported:
            return False
        except FileFailed as failed:
            self.error = failed.error
            raise failed.error from None
        except SourceChanged as error:
            self.error = error
            raise
        return True

    def _moved(self, count: int) -> None:
        self._handed += count
        self._report()

    def _report(self) -> None:
        if self.reached is not None:
            self.reached(self._handed)

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        await self.write(writer)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("the body of a request is bytes")

    async def handed_over(self, seconds: float = 1.0) -> bool:
        """Whether the last byte was given to the connection.

        A thread may have sent it without the loop knowing yet: that is waited for.
        """
        if self._handed < self._source.size and self.begun and not self.ended:
            self._over = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._over.wait()
        return self._handed >= self._source.size

    @property
    def accepted(self) -> int:
        """Bytes that have left for the connection."""
        waiting = self.transport.get_write_buffer_size() if self.transport is not None else 0
        return self._handed - waiting


def _plain_transport(writer: AbstractStreamWriter) -> asyncio.Transport | None:
    """The writer's transport, where bytes may go to its socket behind the writer's back."""
    if not isinstance(writer, StreamWriter):
        return None
    busy = (
        not CAN_SENDFILE
        or plain_paths_only()
        or writer.chunked
        or getattr(writer, "_compress", writer) is not None
        or getattr(writer, "_on_chunk_sent", writer) is not None
        or getattr(writer, "on_body_write", None) is not None
    )
    return None if busy else writer.protocol.transport


class Watch:
    """Breaks an attempt off when its body does not move, or when ``100 Continue`` does not come."""

    def __init__(self, payload: SourcePayload, *, expects: bool, stall_seconds: float) -> None:
        self._payload = payload
        self._expects = expects
        self._stall = stall_seconds
        self._timeout = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None
        self._seen = -1
        self._since: float | None = None
        self.request: ClientRequest | None = None
        self.unanswered = False
        """Whether the host let the Expect header pass unanswered."""

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._timeout.__aenter__()
        self._look_again(0.0)

    async def __aexit__(self, *exc_info: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # No cycle may keep a sent part in memory until the garbage collector comes by.
        self._timer = self.request = None
        await self._timeout.__aexit__(*exc_info)

    @property
    def fired(self) -> bool:
        return self._timeout.expired()

    def _look(self) -> None:
        if self._expects:
            self._for_answer()
        else:
            self._for_progress()

    def _look_again(self, seconds: float) -> None:
        self._timer = self._loop.call_later(seconds, self._look)

    def _break_off(self) -> None:
        self._timeout.reschedule(self._loop.time())

    def _for_answer(self) -> None:
        # aiohttp gives the request its response object once the head is written: waiting for a
        # free connection, or for a handshake, is not the server's silence.
        now = self._loop.time()
        if self._payload.begun:
            self._expects = False
        elif self._since is None:
            if self.request is not None and self.request.response is not None:
                self._since = now
        elif now - self._since >= EXPECT_SECONDS:
            self.unanswered = True
            self._break_off()
            return
        self._look_again(EXPECT_SECONDS / 10)

    def _for_progress(self) -> None:
        payload, now = self._payload, self._loop.time()
        if payload.finished:
            return
        if payload.transport is not None and payload.transport.is_closing():
            # Closed by the session, and by itself only when the server has read what was written.
            payload.transport.abort()
            return
        moved = payload.accepted
        if not payload.begun or moved != self._seen or self._since is None:
            self._seen, self._since = moved, now
        elif now - self._since >= self._stall:
            self._break_off()
            return
        self._look_again(min(self._stall / 4, LOOK_SECONDS))
