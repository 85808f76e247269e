"""What the tests of receiving and sending share: a server to the byte, roads, lag, descriptors."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import random
import socket
import ssl
import struct
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from aiohttp_s3_client.config import plain_paths_only
from aiohttp_s3_client.transport.borrowed import CAN_SPLICE

from ..conftest import LoopbackTls
from ..faults import leaks

SIZE = 400_003
BODY = random.Random(11).randbytes(SIZE)

Play = Callable[[bytes, asyncio.StreamWriter, int], Awaitable[bool | None]]
"""Answers the request of this head and number (from 0). False: the connection is done for."""
Read = Callable[[bytes, asyncio.StreamWriter, int, asyncio.StreamReader], Awaitable[bool | None]]
"""The same for a request with a body."""


class ByteServer:
    """Hands each request to a function, which writes whatever it likes."""

    def __init__(self, play: Play | Read, ssl_context: ssl.SSLContext | None = None) -> None:
        self._play: Callable[..., Awaitable[bool | None]] = play
        self._with_body = len(inspect.signature(play).parameters) == 4
        self.connections = 0
        self.requests = 0
        self._ssl = ssl_context
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""

    async def __aenter__(self) -> ByteServer:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._ssl)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"https://localhost:{port}" if self._ssl else f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        try:
            # The client may go away at any moment; uvloop calls that a RuntimeError.
            with contextlib.suppress(OSError, EOFError, ssl.SSLError, RuntimeError):
                going = True
                while going:
                    head = await reader.readuntil(b"\r\n\r\n")
                    self.requests += 1
                    more = (reader,) if self._with_body else ()
                    going = await self._play(head, writer, self.requests - 1, *more) is not False
                    await writer.drain()
                writer.close()
                await writer.wait_closed()
        except asyncio.CancelledError:
            pass  # The test is over.
        finally:
            writer.transport.abort()


def answer(body: bytes = BODY, *headers: str, status: int = 200) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status} OK", 'ETag: "1"', f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with RST."""
    connected = writer.get_extra_info("socket")
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def pieces(writer: asyncio.StreamWriter, *parts: bytes, pause: float = 0.005) -> None:
    """Send *parts* in segments of their own."""
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(pause)


@dataclass
class Calls:
    """Calls of one function of ``os``: made for real, and counted with the thread they ran in."""

    threads: list[int] = field(default_factory=list)
    running: int = 0
    sleep: float = 0.0
    """Seconds that each call takes longer."""
    error: Callable[[int], OSError | None] | None = None
    """What call number n (from 0) raises instead."""

    @property
    def count(self) -> int:
        return len(self.threads)

    @property
    def in_loop(self) -> int:
        return self.threads.count(threading.main_thread().ident or 0)


def spy(
    monkeypatch: pytest.MonkeyPatch, name: str, only: Callable[[dict[str, Any]], bool] | None = None
) -> Calls:
    """Count the calls of ``os.<name>``; *only* those whose keyword arguments it is true of."""
    real, calls = getattr(os, name), Calls()

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if only is not None and not only(kwargs):
            return real(*args, **kwargs)
        number = calls.count
        calls.threads.append(threading.get_ident())
        calls.running += 1
        try:
            if calls.sleep:
                time.sleep(calls.sleep)
            if calls.error is not None and (error := calls.error(number)) is not None:
                raise error
            return real(*args, **kwargs)
        finally:
            calls.running -= 1

    monkeypatch.setattr(os, name, wrapped)
    return calls


def spy_splice_to_file(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Count the halves of splices that touch the file."""
    return spy(monkeypatch, "splice", only=lambda kwargs: "offset_dst" in kwargs)


def expected_road(where: str, *, secure: bool) -> str:
    """The road that a large body takes here."""
    if plain_paths_only():
        return "read"
    return "splice" if where == "file" and not secure and CAN_SPLICE else "own protocol"


@contextlib.contextmanager
def lag() -> Iterator[list[float]]:
    """How late the event loop was, time after time, in seconds."""
    late: list[float] = []
    loop = asyncio.get_running_loop()
    step = 0.005

    handles: list[asyncio.TimerHandle] = []

    def tick(due: float | None) -> None:
        if due is not None:
            late.append(loop.time() - due)
        handles[:] = [loop.call_later(step, tick, loop.time() + step)]

    tick(None)
    try:
        yield late
    finally:
        handles[0].cancel()


@contextlib.asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Fail when what runs inside leaves descriptors, sockets, threads or tasks behind."""
    loop = asyncio.get_running_loop()
    # uvloop names its threads otherwise, and opens a descriptor with its first stream.
    loop.set_default_executor(ThreadPoolExecutor(4, thread_name_prefix="asyncio_bodies"))
    primed = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    primed.close()
    await primed.wait_closed()
    async with leaks.unchanged():
        yield


@contextlib.asynccontextmanager
async def serving(
    play: Play, tls: LoopbackTls | None = None, **session_options: Any
) -> AsyncIterator[tuple[ByteServer, aiohttp.ClientSession]]:
    """A server that plays *play*, and a session of one connection that trusts it."""
    connector = aiohttp.TCPConnector(limit=1, ssl=tls.client if tls is not None else True)
    session_options.setdefault("timeout", aiohttp.ClientTimeout(total=None, sock_read=5))
    async with (
        ByteServer(play, tls.server if tls is not None else None) as server,
        aiohttp.ClientSession(connector=connector, **session_options) as session,
    ):
        yield server, session
