"""A loopback server that plays canned steps, one per request, and records what it was sent.

It knows HTTP/1.1's framing and nothing of S3. ``steps.py`` makes the steps.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeAlias

from .steps import Drop, Recorded, Reply, Stall, Step, reply

_READ = 64 * 1024


class ScriptedServer:
    """Plays *steps* in the order in which the heads of requests arrive, over any connection.

    Further requests get *rest*; without it they get a 500 and stand in ``unexpected``. A HEAD in
    checksum mode, which runs beside a download, is no step's: it gets *inquiry* (a 404 unless
    given) and stands in ``inquiries``.
    *keep_bodies* off counts the bytes of bodies only; *receive_buffer* is the kernel's, in bytes,
    so that a stalled sender notices early.
    """

    def __init__(
        self,
        *steps: Step,
        rest: Step | None = None,
        inquiry: Step | None = None,
        ssl_context: ssl.SSLContext | None = None,
        keep_bodies: bool = True,
        receive_buffer: int | None = None,
    ) -> None:
        self.requests: list[Recorded] = []
        self.unexpected: list[Recorded] = []
        self.inquiries: list[Recorded] = []
        self.connections = 0
        self._steps = list(steps)
        self._rest = rest
        self._inquiry = inquiry if inquiry is not None else reply(404)
        self._ssl = ssl_context
        self._keep = keep_bodies
        self._receive_buffer = receive_buffer
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._arrived = asyncio.Condition()
        self.port = 0

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``, or ``https://localhost:PORT``."""
        if self._ssl is not None:
            return f"https://localhost:{self.port}"
        return f"http://127.0.0.1:{self.port}"

    @property
    def remaining(self) -> int:
        """How many steps were not played."""
        return len(self._steps)

    async def wait_for(self, count: int, timeout: float = 10.0) -> Recorded:
        """Wait until the head of request number *count* has arrived, and return that request."""
        async with asyncio.timeout(timeout), self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)
        return self.requests[count - 1]

    async def start(self) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        if self._receive_buffer is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        self.port = listening.getsockname()[1]
        self._server = await asyncio.start_server(
            self._accept, sock=listening, ssl=self._ssl, limit=_READ
        )

    async def close(self) -> None:
        """Stop listening and reset what is still connected. Can be called twice."""
        if self._server is not None:
            self._server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._server.wait_closed()
            self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self.connections += 1
        number = self.connections
        try:
            # The client may go away at any moment: that is what many tests are about. uvloop
            # says RuntimeError of a write to what is closed.
            with contextlib.suppress(
                ConnectionError, ssl.SSLError, asyncio.IncompleteReadError, RuntimeError
            ):
                while await self._serve_one(reader, writer, number):
                    pass
                writer.close()
                await writer.wait_closed()
        except asyncio.CancelledError:
            _reset(writer)
        finally:
            writer.transport.abort()

    async def _serve_one(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> bool:
        """Read one request and play its step. False when the connection is to be closed."""
        request = _parse(await reader.readuntil(b"\r\n\r\n"), number)
        if request.method == "HEAD" and request.header("x-amz-checksum-mode"):
            self.inquiries.append(request)
            step = self._inquiry
        else:
            self.requests.append(request)
            step = self._next_step(request)
        async with self._arrived:
            self._arrived.notify_all()
        while callable(step):
            step = step(request)
        body = _Body(reader, request, keep=self._keep)
        if isinstance(step, Drop):
            await body.read(step.read)
            if step.reset:
                _reset(writer)
            return False
        # An answer before the body comes in the place of 100 Continue.
        await _send_interim(
            writer, request, 0 if step.interim is None and step.read == 0 else step.interim
        )
        await body.read(step.read)
        if isinstance(step, Stall):
            await asyncio.Event().wait()
            return False
        request.answered_after = request.body_size
        await _answer(writer, request, step)
        if step.end == "keep" and step.cut is None:
            await body.read(None)
            return True
        if step.end == "reset":
            _reset(writer)
        return False

    def _next_step(self, request: Recorded) -> Step:
        if self._steps:
            return self._steps.pop(0)
        if self._rest is not None:
            return self._rest
        self.unexpected.append(request)
        return reply(500, {"Connection": "close"}, "no step is left in the script", end="close")


def _parse(head: bytes, connection: int) -> Recorded:
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    method, _, rest = first.partition(" ")
    fields = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return Recorded(head, method, rest.rpartition(" ")[0], fields, connection)


class _Body:
    """The body of one request, read on demand into its record."""

    def __init__(self, reader: asyncio.StreamReader, request: Recorded, *, keep: bool) -> None:
        self._reader = reader
        self._request = request
        self._keep = keep
        self._chunked = (request.header("Transfer-Encoding") or "").lower() == "chunked"
        self._left = 0 if self._chunked else int(request.header("Content-Length") or 0)
        request.complete = not self._chunked and not self._left

    async def read(self, until: int | None) -> None:
        """Read until *until* bytes of the body are there (None: all of them)."""
        request = self._request
        while not request.complete and (until is None or request.body_size < until):
            if not self._left:
                await self._begin_chunk()
                continue
            wanted = min(self._left, _READ)
            if until is not None:
                wanted = min(wanted, until - request.body_size)
            data = await self._reader.read(wanted)
            if not data:
                raise asyncio.IncompleteReadError(b"", self._left)
            request.body_size += len(data)
            if self._keep:
                request.received += data
                request.received_raw += data
            self._left -= len(data)
            if not self._left:
                await self._end_piece()

    async def _begin_chunk(self) -> None:
        line = await self._line()
        self._left = int(line.split(b";")[0], 16)
        while not self._left and line.strip():
            line = await self._line()
        self._request.complete = not self._left

    async def _end_piece(self) -> None:
        if self._chunked:
            await self._line()
        else:
            self._request.complete = True

    async def _line(self) -> bytes:
        line = await self._reader.readuntil(b"\n")
        if self._keep:
            self._request.received_raw += line
        return line


async def _send_interim(
    writer: asyncio.StreamWriter, request: Recorded, interim: int | None
) -> None:
    if interim is None:
        interim = 1 if (request.header("Expect") or "").lower() == "100-continue" else 0
    if interim:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * interim)
        await writer.drain()


async def _answer(writer: asyncio.StreamWriter, request: Recorded, step: Reply) -> None:
    await asyncio.sleep(step.delay)
    body = b"" if request.method == "HEAD" else step.body[: step.cut]
    size = step.piece or max(1, len(body))
    writer.write(step.head + body[:size])
    await writer.drain()
    for at in range(size, len(body), size):
        await asyncio.sleep(step.pause)
        writer.write(body[at : at + size])
        await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST, which throws away what was not sent yet."""
    if not writer.transport.is_closing():  # else the socket may be gone
        connected = writer.get_extra_info("socket")
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


StartScript: TypeAlias = Callable[..., Awaitable[ScriptedServer]]
"""The type of the ``scripted`` fixture."""
