"""One connection through the fault proxy: heads and bodies of HTTP/1.1, and nothing of S3."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from .plans import Exchange, Fault

READ = 64 * 1024
_TRICKLE = 16

_SLOW_DOWN = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code>'
    b"<Message>Please reduce your request rate.</Message></Error>"
)


class Over(OSError):
    """The connection is to be ended here."""


@dataclass(slots=True)
class Head:
    """The first line and the headers of a request or an answer."""

    first: str
    lines: list[str]
    headers: dict[str, str] = field(default_factory=dict)
    """Names in lower case."""

    @classmethod
    async def read(cls, reader: asyncio.StreamReader) -> Head:
        text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = text.removesuffix("\r\n\r\n").split("\r\n")
        head = cls(first, lines)
        for line in lines:
            name, _, value = line.partition(":")
            head.headers[name.strip().lower()] = value.strip()
        return head

    @property
    def chunked(self) -> bool:
        return self.headers.get("transfer-encoding", "").lower() == "chunked"

    @property
    def length(self) -> int:
        return int(self.headers.get("content-length", 0))

    def replaced(self, **headers: str) -> Head:
        """The same with other headers (underscores stand for hyphens)."""
        new = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        kept = [each for each in self.lines if each.partition(":")[0].strip().lower() not in new]
        lines = [*kept, *(f"{name.title()}: {value}" for name, value in new.items())]
        return Head(self.first, lines, {**self.headers, **new})

    def without(self, name: str) -> Head:
        lines = [each for each in self.lines if each.partition(":")[0].strip().lower() != name]
        return Head(self.first, lines, {k: v for k, v in self.headers.items() if k != name})

    def encode(self) -> bytes:
        return "\r\n".join([self.first, *self.lines, "", ""]).encode("latin-1")


class Relay:
    """One connection of a client, and the one to the server that belongs to it."""

    def __init__(
        self,
        met: Callable[[Head, int], Exchange],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        number: int,
    ) -> None:
        self._met = met
        self._reader = reader
        self._writer = writer
        self._number = number

    async def run(self, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter) -> None:
        """Hand on requests and answers until one side goes or a fault ends it."""
        while True:
            head = await Head.read(self._reader)
            exchange = self._met(head, self._number)
            if exchange.fault is not None and exchange.fault.kind == "slow down":
                await self._slow_down(head, exchange)
                continue
            if exchange.fault is not None and exchange.fault.kind == "stall request":
                await self._stall(head, exchange)
            sending = asyncio.ensure_future(self._request(head, exchange, upstream))
            try:
                answer = await self._answer_head(reader, exchange, sending)
                await self._answer(answer, reader, exchange)
                if answer.headers.get("connection", "").lower() == "close":
                    await self._close()
                await sending
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)

    # The request

    async def _request(
        self, head: Head, exchange: Exchange, upstream: asyncio.StreamWriter
    ) -> None:
        """Hand one request on, up to where its fault says."""
        fault = exchange.fault
        stop = fault.at if fault is not None and fault.kind.endswith("request") else None
        upstream.write(_origin_form(head).encode())
        async for data in _body(self._reader, head, framed=True):
            if stop is not None and exchange.sent + len(data) >= stop:
                upstream.write(data[: stop - exchange.sent])
                exchange.sent = stop
                break
            exchange.sent += len(data)
            upstream.write(data)
            await upstream.drain()
        else:
            return
        await self._end(reset=fault is not None and fault.kind == "reset request")

    async def _stall(self, head: Head, exchange: Exchange) -> None:
        """Read some of the body and then nothing; the server sees nothing of the request.

        It would else wait for the rest, and some servers let the next try wait behind this one.
        """
        assert exchange.fault is not None
        async for data in _body(self._reader, head):
            exchange.sent += len(data)
            if exchange.sent >= exchange.fault.at:
                break
        await asyncio.sleep(exchange.fault.seconds)
        await self._end(reset=False)

    async def _slow_down(self, head: Head, exchange: Exchange) -> None:
        """Answer 503; the server sees nothing of the request."""
        expects = "expect" in head.headers
        if not expects:
            async for data in _body(self._reader, head):
                exchange.sent += len(data)
        exchange.status = 503
        body = b"" if exchange.method == "HEAD" else _SLOW_DOWN
        answer = Head("HTTP/1.1 503 Slow Down", [f"Content-Length: {len(_SLOW_DOWN)}"])
        if expects:
            answer = answer.replaced(connection="close")
        self._writer.write(answer.encode() + body)
        await self._writer.drain()
        if expects:
            await self._close()

    # The answer

    async def _answer_head(
        self, reader: asyncio.StreamReader, exchange: Exchange, sending: asyncio.Future[None]
    ) -> Head:
        """The head of the final answer; interim ones go on to the client."""
        while True:
            waiting = asyncio.ensure_future(Head.read(reader))
            try:
                both: set[asyncio.Future[Any]] = {waiting, sending}
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                if sending.done():
                    sending.result()
                head = await waiting
            finally:
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
            status = int(head.first.split(" ")[1])
            if status >= 200:
                exchange.status = status
                return head
            self._writer.write(head.encode())

    async def _answer(self, head: Head, reader: asyncio.StreamReader, exchange: Exchange) -> None:
        """Hand one answer on, with what its fault makes of it."""
        fault = exchange.fault or Fault("delay")
        bodiless = exchange.method == "HEAD" or exchange.status in (204, 304)
        if head.chunked and not bodiless:  # short documents; a length makes them easy to cut
            whole = b"".join([data async for data in _body(reader, head)])
            head = head.without("transfer-encoding").replaced(content_length=str(len(whole)))
            reader = asyncio.StreamReader()
            reader.feed_data(whole)
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "etag" and "etag" in head.headers:
            head = head.replaced(etag='"0123456789abcdef0123456789abcdef"')
        elif fault.kind == "say close":
            head = head.replaced(connection="close")
        elif fault.kind in ("reset", "close") and fault.at < 0:
            await self._end(reset=fault.kind == "reset")
        length = 0 if bodiless else head.length
        if fault.kind == "duplicate":  # in one piece: a second answer that is late is no answer
            whole = head.encode() + await reader.readexactly(length)
            self._writer.write(whole + whole)
        else:
            self._writer.write(head.encode())
            await self._answer_body(reader, length, exchange, fault)
        if fault.kind == "extra":
            self._writer.write(b"bytes that nobody has announced")
        await self._writer.drain()
        if fault.kind == "say close":
            await self._close()

    async def _answer_body(
        self, reader: asyncio.StreamReader, length: int, exchange: Exchange, fault: Fault
    ) -> None:
        stop = min(fault.at, length) if fault.kind in ("reset", "close", "stall") else length
        wrong = min(fault.at, length - 1) if fault.kind == "corrupt" else -1
        pieces = _TRICKLE if fault.kind == "trickle" else 0
        while exchange.received < length:
            if exchange.received == stop:
                await self._at(fault)
                stop = length
            size = min(READ, stop - exchange.received)
            if pieces:
                await asyncio.sleep(fault.seconds)
                size, pieces = min(size, max(1, fault.at)), pieces - 1
            data = await reader.read(size)
            if not data:
                raise Over
            place = wrong - exchange.received
            if 0 <= place < len(data):
                data = data[:place] + bytes((data[place] ^ 0x55,)) + data[place + 1 :]
            exchange.received += len(data)
            self._writer.write(data)
            await self._writer.drain()
        if stop == length and fault.kind in ("reset", "close") and fault.at >= length:
            await self._at(fault)

    async def _at(self, fault: Fault) -> None:
        await self._writer.drain()
        if fault.kind == "stall":
            await asyncio.sleep(fault.seconds)
        else:
            await self._end(reset=fault.kind == "reset")

    # The end

    async def _end(self, *, reset: bool) -> None:
        """Break the connection off, with RST or FIN."""
        if not self._writer.transport.is_closing():
            if reset:
                connected = self._writer.get_extra_info("socket")
                linger = struct.pack("ii", 1, 0)
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            else:
                await self._close()
        raise Over

    async def _close(self) -> None:
        """Close in order: what still comes is read, so that no RST overtakes the answer."""
        await self._writer.drain()
        if self._writer.can_write_eof():
            self._writer.write_eof()
        try:
            async with asyncio.timeout(1):
                while await self._reader.read(READ):
                    pass
        except TimeoutError:
            pass
        raise Over


def _origin_form(head: Head) -> Head:
    """The head as a server wants it, where a forward proxy got an absolute target."""
    method, target, version = head.first.split(" ", 2)
    if not target.startswith("http://"):
        return head
    path = "/" + target.removeprefix("http://").partition("/")[2]
    return Head(f"{method} {path} {version}", head.lines, head.headers)


async def _body(
    reader: asyncio.StreamReader, head: Head, *, framed: bool = False
) -> AsyncIterator[bytes]:
    """The pieces of a body; with *framed* a chunked one comes as it is, else without its frame."""
    left = head.length
    while left and not head.chunked:
        data = await reader.read(min(READ, left))
        if not data:
            raise Over
        left -= len(data)
        yield data
    while head.chunked:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        data = await reader.readexactly(size + 2)
        yield line + data if framed else data[:-2]
        if not size:
            return
