"""Bodies split at every place round the end of the headers, bytes behind them, cuts at byte n.

After each the next answers on that session are right: what goes wrong on a connection whose socket
was borrowed shows there. The server is scripted to the byte; it serves one object by ranges.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.config import ClientConfig

from .calls import transfer_config

RANGE = 200_003
BODY = random.Random(5).randbytes(3 * RANGE + 77)
FORGED = b'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nETag: "1"\r\n\r\nevil'


@dataclass(frozen=True, slots=True)
class How:
    """How one answer is sent. Places count from the first byte of the body: -1 is in the head."""

    split: tuple[int, ...] = ()
    cut: int | None = None
    reset: bool = False
    extra: bytes = b""
    late: float = 0.0
    """Seconds between the body and *extra*; 0: in one piece."""


@dataclass(slots=True)
class ByteServer:
    """Serves ``BODY``. Its answer number *at* (from 0) goes out as *how* says."""

    how: How = field(default_factory=How)
    at: int = -1
    answered: int = 0
    port: int = 0

    def play(self, how: How, at: int) -> None:
        self.how, self.at, self.answered = how, at, 0

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone = (OSError, EOFError, asyncio.CancelledError)
        with contextlib.suppress(*gone):
            while await self._answer(reader, writer):
                pass
            writer.close()
            await writer.wait_closed()
        writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        _, _, asked = request.partition("range: bytes=")
        first, _, last = asked.partition("\r\n")[0].partition("-")
        start = int(first) if first else 0
        stop = min(int(last) + 1 if last else len(BODY), len(BODY))
        head = (
            f"HTTP/1.1 {206 if asked else 200} OK\r\n"
            f'ETag: "1"\r\nContent-Length: {stop - start}\r\n'
            + (f"Content-Range: bytes {start}-{stop - 1}/{len(BODY)}\r\n" if asked else "")
            + "\r\n"
        ).encode()
        how = self.how if self.answered == self.at else How()
        self.answered += 1
        if request.startswith("head"):
            writer.write(head)
            return True
        answer = head + BODY[start:stop]
        if not how.late:
            answer += how.extra
        if how.cut is not None:
            answer = answer[: max(0, len(head) + how.cut)]
        done = 0
        for place in (*how.split, len(answer) - len(head)):
            writer.write(answer[done : len(head) + place])
            await writer.drain()
            done = len(head) + place
            await asyncio.sleep(0.002 if how.split else 0)
        if how.cut is not None:
            if how.reset:
                await asyncio.sleep(0.005)  # RST throws away what has not arrived
                connected = writer.get_extra_info("socket")
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            return False
        if how.late:
            await asyncio.sleep(how.late)
            writer.write(how.extra)
        return True


@pytest.fixture
async def byte_server() -> AsyncIterator[ByteServer]:
    server = ByteServer()
    listening = await asyncio.start_server(server.accept, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    yield server
    listening.close()


@pytest.fixture
async def client(byte_server: ByteServer) -> AsyncIterator[S3Client]:
    config = ClientConfig(read_timeout=1.0, connect_timeout=2.0)
    url = f"http://key:secret@127.0.0.1:{byte_server.port}/bucket"
    async with S3Client(url=url, config=config) as client:
        yield client


Download = Callable[[S3Client, Path], Awaitable[None]]


async def get_file_parallel(client: S3Client, path: Path) -> None:
    await client.get_file_parallel("key", path, range_step=RANGE, workers_count=1)


def whole(client: Any) -> Any:
    """The client, for methods that a type checker may not know yet."""
    return client


async def download_file(client: S3Client, path: Path) -> None:
    config = transfer_config(
        multipart_threshold=RANGE, multipart_chunksize=RANGE, max_concurrency=1
    )
    await whole(client).download_file("bucket", "key", path, config=config)


async def right_after(
    byte_server: ByteServer,
    client: S3Client,
    path: Path,
    download: Download,
    hows: Sequence[How],
    at: Sequence[int],
) -> None:
    """Download with each of *hows* in its turn, and look at the next answers each time."""
    for how in hows:
        for number in at:
            byte_server.play(how, number)
            path.unlink(missing_ok=True)
            await download(client, path)
            assert path.read_bytes() == BODY, how
            await asyncio.sleep(0.02 if how.extra else 0)  # let all of it arrive
            for _ in range(2):
                async with client.get("key") as resp:
                    assert await resp.read() == BODY, f"the next is wrong after {how} at {number}"


@pytest.fixture(params=[get_file_parallel, download_file])
def download(request: pytest.FixtureRequest) -> Download:
    """Each call that downloads by ranges over one connection."""
    chosen: Download = request.param
    if not hasattr(S3Client, request.param.__name__):
        pytest.skip(f"S3Client has no {request.param.__name__} yet")
    return chosen


async def test_split_round_the_end_of_the_headers(
    byte_server: ByteServer, client: S3Client, download: Download, tmp_path: Path
) -> None:
    hows = [How(split=(place,)) for place in range(-6, 7)]
    hows += [How(split=(place, place + 1, place + 2)) for place in range(-3, 2)]
    hows += [How(split=(1, 65_535, 65_536, 131_073, RANGE - 1))]
    await right_after(byte_server, client, tmp_path / "file", download, hows, at=(0, 1))


EXTRAS = {"byte": b"x", "line": b"\r\n", "answer": FORGED, "answers": 3 * FORGED}


@pytest.mark.parametrize("late", [0.0, 0.01], ids=["at once", "late"])
@pytest.mark.parametrize("extra", EXTRAS)
async def test_bytes_behind_the_last_body(
    byte_server: ByteServer,
    client: S3Client,
    download: Download,
    tmp_path: Path,
    extra: str,
    late: float,
) -> None:
    """Nobody has asked for them: the next request may not take them for its answer."""
    hows = [How(extra=EXTRAS[extra], late=late), How(extra=EXTRAS[extra], late=late, split=(0,))]
    await right_after(byte_server, client, tmp_path / "file", download, hows, at=(3,))


@pytest.mark.parametrize("extra", EXTRAS)
async def test_bytes_behind_a_body_in_the_middle(
    byte_server: ByteServer, client: S3Client, download: Download, tmp_path: Path, extra: str
) -> None:
    """The next range is asked for when they come: an answer that does not fit ends a connection."""
    hows = [How(extra=EXTRAS[extra], split=split) for split in ((), (0,), (100_000,))]
    await right_after(byte_server, client, tmp_path / "file", download, hows, at=(0, 1))


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
async def test_cut_at_any_byte(
    byte_server: ByteServer, client: S3Client, download: Download, tmp_path: Path, reset: bool
) -> None:
    places = [-1000, -5, -1, 0, 1, 2, 4095, 65_536, 131_072, RANGE - 1]
    places += [random.Random(9).randrange(RANGE) for _ in range(4)]
    hows = [How(cut=place, reset=reset) for place in places]
    hows += [How(cut=place, reset=reset, split=(0,)) for place in (1, 70_000)]
    await right_after(byte_server, client, tmp_path / "file", download, hows, at=(0, 2))
