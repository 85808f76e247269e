"""Taking a connection over and giving it back: what the pool, and a whole download, see of it."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.client_proto import ResponseHandler

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.config import ClientConfig, TransferConfig, plain_paths_only
from aiohttp_s3_client.errors import S3ConnectionError, S3Error, S3TimeoutError
from aiohttp_s3_client.transport.takeover import Takeover

from ..conftest import LoopbackTls
from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import Recorded, Step, hang
from .bodies import (
    BODY,
    SIZE,
    answer,
    nothing_left,
    pieces,
    serving,
    spy,
    spy_splice_to_file,
)
from .scripts import KEY, SECRET, RangedObject, asked_range

STEP = 150_000
fast_only = pytest.mark.skipif(plain_paths_only(), reason="AIOS3_PLAIN: no connection is taken")


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def tls(request: pytest.FixtureRequest, loopback_tls: LoopbackTls) -> LoopbackTls | None:
    return loopback_tls if request.param else None


async def started(writer: asyncio.StreamWriter) -> None:
    """An answer of which a part arrives first."""
    await pieces(writer, answer()[: -SIZE + 1000], BODY[1000:])


async def play_started(_: bytes, writer: asyncio.StreamWriter, __: int) -> None:
    await started(writer)


# What is not taken over


@fast_only
async def test_a_response_without_what_is_needed_is_left_alone(
    tls: LoopbackTls | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OtherHandler(ResponseHandler):
        """An aiohttp of later times, say."""

        def __getattribute__(self, name: str) -> Any:
            if name == "_drop_timeout" and missing:
                raise AttributeError(name)
            return super().__getattribute__(name)

    async with serving(play_started, tls) as (server, session):
        connector = session.connector
        assert connector is not None
        loop = asyncio.get_running_loop()
        missing = False
        monkeypatch.setattr(connector, "_factory", lambda: OtherHandler(loop))
        response = await session.get(server.url)
        missing = True
        assert Takeover.of(response, SIZE) is None
        missing = False
        assert await response.read() == BODY


@fast_only
@pytest.mark.parametrize("size", [0, 1000, 64 * 1024 - 1, SIZE - 1, SIZE + 1])
async def test_another_size_than_announced_is_left_alone(size: int) -> None:
    async with serving(play_started) as (server, session):
        response = await session.get(server.url)
        assert Takeover.of(response, size) is None
        assert Takeover.of(response, SIZE) is not None, "looking alone changes nothing"
        assert await response.read() == BODY


@fast_only
async def test_a_response_that_is_over_is_left_alone() -> None:
    async with serving(play_started) as (server, session):
        response = await session.get(server.url)
        response.close()
        assert Takeover.of(response, SIZE) is None
        response = await session.get(server.url)
        assert await response.read() == BODY
        assert Takeover.of(response, SIZE) is None


# What comes unasked


@fast_only
@pytest.mark.parametrize("stray", [b"x", b"\r\n", answer(b"evil")], ids=["x", "line", "answer"])
async def test_an_idle_connection_on_which_something_arrives_is_closed(
    tls: LoopbackTls | None, tmp_path: Path, stray: bytes
) -> None:
    """Behind a body that was taken over nobody waits for anything."""
    writers: list[asyncio.StreamWriter] = []

    async def play(_: bytes, writer: asyncio.StreamWriter, __: int) -> None:
        writers.append(writer)
        await started(writer)

    async with serving(play, tls) as (server, session):
        config = ClientConfig(read_timeout=2.0)
        client = S3Client(session, server.url, SECRET, KEY, region="x", config=config)
        unverified = TransferConfig(checksum=False)
        for turn in (1, 2):
            await client.download_file("bucket", "key", tmp_path / "file", config=unverified)
            assert (tmp_path / "file").read_bytes() == BODY
            assert server.connections == turn
            writers[-1].write(stray)
            await asyncio.sleep(0.05)


# Whole downloads


class Cut:
    """Ranges of ``BODY``; the first answer to each start in *starts* ends after *cut* bytes."""

    def __init__(self, *starts: int, cut: int, end: str) -> None:
        self.starts = set(starts)
        self.cut = cut
        self.end = end
        self.stored = RangedObject(BODY)

    def __call__(self, request: Recorded) -> Step:
        start, _ = asked_range(request, SIZE) or (0, 0)
        if start in self.starts:
            self.starts.remove(start)
            return self.stored(request, cut=self.cut, end=self.end, piece=50_000, pause=0.03)
        return self.stored(request)


async def downloaded(
    server: ScriptedServer, path: Path, tls: LoopbackTls | None = None, **settings: Any
) -> None:
    connector = aiohttp.TCPConnector(ssl=tls.client if tls is not None else True)
    tries = settings.pop("tries", 3)
    async with aiohttp.ClientSession(connector=connector) as session:
        config = ClientConfig(**{"read_timeout": 5.0, **settings})
        client = S3Client(session, server.url, SECRET, KEY, region="x", config=config)
        await client.get_file_parallel(
            "bucket/key", path, range_step=STEP, workers_count=2, range_get_tries=tries
        )


@pytest.mark.parametrize("end", ["close", "reset"])
async def test_p07_what_is_missing_is_asked_for_from_the_next_byte_on(
    scripted: StartScript, tmp_path: Path, tls: LoopbackTls | None, end: str
) -> None:
    step = Cut(0, STEP, cut=100_001, end=end)
    server = await scripted(rest=step, ssl_context=tls.server if tls is not None else None)
    async with nothing_left():
        await downloaded(server, tmp_path / "file", tls)
        await server.close()
    assert (tmp_path / "file").read_bytes() == BODY
    asked = [asked_range(request, SIZE) for request in server.requests]
    again = {each for each in asked if each and each[0] % STEP}
    assert {stop for _, stop in again} <= {STEP, 2 * STEP}
    if end == "close" and tls is None:
        assert again == {(100_001, STEP), (STEP + 100_001, 2 * STEP)}
    assert len(asked) == 3 + 2


async def test_p07_tries_are_not_multiplied(
    scripted: StartScript, tmp_path: Path, tls: LoopbackTls | None
) -> None:
    """The same byte is asked for as often as there are tries, and no more often."""
    server = await scripted(
        rest=lambda r: RangedObject(BODY)(r, cut=0),
        ssl_context=tls.server if tls is not None else None,
    )
    with pytest.raises(S3ConnectionError):
        await downloaded(server, tmp_path / "file", tls, tries=3)
    assert not list(tmp_path.iterdir())
    sends = Counter(request.header("Range") for request in server.requests)
    assert max(sends.values()) == 3


async def test_a_server_that_stands_still_is_a_timeout(
    scripted: StartScript, tmp_path: Path, tls: LoopbackTls | None
) -> None:
    stored = RangedObject(BODY)
    server = await scripted(
        *[lambda r: stored(r, piece=70_000, pause=30)] * 2,
        rest=hang(),
        ssl_context=tls.server if tls is not None else None,
    )
    async with nothing_left():
        with pytest.raises(S3TimeoutError):
            await downloaded(server, tmp_path / "file", tls, read_timeout=0.3, tries=1)
        await server.close()
    assert not list(tmp_path.iterdir())


async def test_cancelled_in_mid_body(
    scripted: StartScript, tmp_path: Path, tls: LoopbackTls | None
) -> None:
    stored = RangedObject(BODY)
    server = await scripted(
        rest=lambda r: stored(r, piece=70_000, pause=0.2),
        ssl_context=tls.server if tls is not None else None,
    )
    async with nothing_left():
        task = asyncio.create_task(downloaded(server, tmp_path / "file", tls))
        await server.wait_for(2)
        await asyncio.sleep(0.1)
        assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not list(tmp_path.iterdir())
        await server.close()


@pytest.mark.parametrize("what", ["session", "connector"])
async def test_closed_in_mid_body(
    scripted: StartScript, tmp_path: Path, tls: LoopbackTls | None, what: str
) -> None:
    stored = RangedObject(BODY)
    server = await scripted(
        rest=lambda r: stored(r, piece=70_000, pause=30),
        ssl_context=tls.server if tls is not None else None,
    )
    async with nothing_left():
        connector = aiohttp.TCPConnector(ssl=tls.client if tls is not None else True)
        async with aiohttp.ClientSession(connector=connector) as session:
            client = S3Client(session, server.url, SECRET, KEY, region="x")
            task = asyncio.create_task(
                client.get_file_parallel("bucket/key", tmp_path / "file", range_step=STEP)
            )
            await server.wait_for(3)
            await asyncio.sleep(0.1)
            begun = time.monotonic()
            await asyncio.wait_for(session.close() if what == "session" else connector.close(), 5)
            with pytest.raises((S3Error, RuntimeError)):
                await asyncio.wait_for(task, 5)
            assert time.monotonic() - begun < 3.5
        assert not list(tmp_path.iterdir())
        await server.close()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
async def test_a_full_disk_is_not_tried_again(
    scripted: StartScript,
    tmp_path: Path,
    tls: LoopbackTls | None,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    splices, writes = spy_splice_to_file(monkeypatch), spy(monkeypatch, "pwrite")
    splices.error = writes.error = lambda _: OSError(number, os.strerror(number))
    if plain_paths_only():
        pytest.skip("files are written otherwise")
    server = await scripted(
        rest=RangedObject(BODY), ssl_context=tls.server if tls is not None else None
    )
    async with nothing_left():
        with pytest.raises(OSError, match=os.strerror(number)) as caught:
            await downloaded(server, tmp_path / "file", tls)
        await server.close()
    assert caught.value.errno == number
    assert not isinstance(caught.value, S3Error)
    assert len(server.requests) <= 3
    assert not list(tmp_path.iterdir())


@fast_only
async def test_range_after_range_comes_by_the_same_connections(
    scripted: StartScript, tmp_path: Path, tls: LoopbackTls | None
) -> None:
    server = await scripted(
        rest=RangedObject(BODY), ssl_context=tls.server if tls is not None else None
    )
    connector = aiohttp.TCPConnector(ssl=tls.client if tls is not None else True, limit=2)
    async with aiohttp.ClientSession(connector=connector) as session:
        client = S3Client(session, server.url, SECRET, KEY, region="x")
        for _ in range(5):
            await client.get_file_parallel("bucket/key", tmp_path / "file", range_step=STEP)
            async with client.get("bucket/key") as response:
                assert await response.read() == BODY
    assert (tmp_path / "file").read_bytes() == BODY
    assert server.connections == 2
