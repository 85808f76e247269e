"""What the client adds to small requests: GET and PUT of 1 KiB beside plain aiohttp.

Both send to one server in this process's neighbourhood that answers everything at once; they take
turns, and the medians of CPU time per request are compared. With ``AIOS3_PLAIN=1`` the client
goes the public way through aiohttp, so that the short way can be told from the rest.
``python -m benchmarks.small [--requests 300] [--rounds 25] [--loop asyncio|uvloop]``
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import multiprocessing
import statistics
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection

import aiohttp

from aiohttp_s3_client import S3Client

CONCURRENCY = 32
BODY = bytes(1024)
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 1024\r\nETag: "0"\r\n\r\n' + BODY
Send = Callable[[], Awaitable[None]]


class _Answering(asyncio.Protocol):
    """Answers each request with 1 KiB, whatever it was."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            _, found, rest = head.partition(b"content-length:")
            length = int(rest.split(b"\r\n", 1)[0]) if found else 0
            if len(self._received) < end + 4 + length:
                return
            self._received = self._received[end + 4 + length :]
            assert isinstance(self._transport, asyncio.Transport)
            self._transport.write(ANSWER)


def serve(port: Connection) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


async def cpu_microseconds(send: Send, requests: int) -> float:
    """CPU time of one request, when ``CONCURRENCY`` of them are in flight."""
    left = iter(range(requests))

    async def work() -> None:
        for _ in left:
            await send()

    started = time.process_time()
    await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
    return (time.process_time() - started) / requests * 1e6


async def measure(url: str, requests: int, rounds: int) -> None:
    async with aiohttp.ClientSession() as session:
        client = S3Client(
            session, url, access_key_id="key-id", secret_access_key="secret-key", region="us-east-1"
        )

        async def plain_get() -> None:
            async with session.get(f"{url}/bucket/key") as response:
                await response.read()

        async def plain_put() -> None:
            async with session.put(f"{url}/bucket/key", data=BODY) as response:
                await response.read()

        async def get() -> None:
            async with client.get("bucket/key") as response:
                await response.read()

        async def put() -> None:
            async with client.put("bucket/key", BODY) as response:
                await response.read()

        for name, plain, ours in (("GET", plain_get, get), ("PUT", plain_put, put)):
            times: dict[Send, list[float]] = {plain: [], ours: []}
            for _ in range(rounds):
                for send, taken in times.items():
                    taken.append(await cpu_microseconds(send, requests))
            base, client_time = (statistics.median(taken) for taken in times.values())
            print(
                f"{name} 1 KiB: aiohttp {base:.0f} us, S3Client {client_time:.0f} us, "
                f"ratio {client_time / base:.2f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300, help="in a round")
    parser.add_argument("--rounds", type=int, default=25, help="of which the median counts")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    options = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    try:
        url = f"http://127.0.0.1:{ours.recv()}"
        run = importlib.import_module(options.loop).run
        run(measure(url, options.requests, options.rounds))
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
