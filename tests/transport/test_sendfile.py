"""Files go out by ``sendfile``: the same bytes, the same errors, and nothing left behind."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import threading
import time
from pathlib import Path
from typing import Any, Literal

import aiohttp
import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.config import ClientConfig, plain_paths_only
from aiohttp_s3_client.errors import (
    S3ConnectionError,
    S3Error,
    S3TimeoutError,
    SourceChanged,
)
from aiohttp_s3_client.transport.borrowed import CAN_SENDFILE

from ..conftest import LoopbackTls
from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import Recorded, Step, drop, reply, stall
from .bodies import ByteServer, answer, lag, nothing_left, spy
from .scripts import ETAG, KEY, SECRET, error, kinds, upload_step

MIB = 1024 * 1024
SMALL = random.Random(13).randbytes(1_300_007)
LARGE_SIZE = 24 * MIB
PART = 5 * MIB
OK = reply(200, {"ETag": ETAG})

sends_files = CAN_SENDFILE and not plain_paths_only()
sending = pytest.mark.skipif(not sends_files, reason="no sendfile here")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small"
    path.write_bytes(SMALL)
    return path


@pytest.fixture(scope="session")
def large_bytes() -> bytes:
    return random.Random(17).randbytes(LARGE_SIZE)


@pytest.fixture
def large(tmp_path: Path, large_bytes: bytes) -> Path:
    """More than the sockets' buffers take."""
    path = tmp_path / "large"
    path.write_bytes(large_bytes)
    return path


def client_of(
    server: ScriptedServer | ByteServer,
    session: aiohttp.ClientSession | None = None,
    **settings: Any,
) -> S3Client:
    settings = {
        "expect_continue_from": None,
        "calculate_content_sha256": False,
        "write_timeout": 5.0,
        "read_timeout": 5.0,
        **settings,
    }
    return S3Client(
        session, server.url, SECRET, KEY, region="us-east-1", config=ClientConfig(**settings)
    )


# The road


async def test_a_file_is_sent_past_python(
    scripted: StartScript, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, read = spy(monkeypatch, "sendfile"), spy(monkeypatch, "pread")
    server = await scripted(rest=OK)
    async with client_of(server) as client:
        for _ in range(2):
            await client.put_file("bucket/key", small)
    assert [request.body for request in server.requests] == [SMALL, SMALL]
    assert server.connections == 1
    assert (sent.count > 0) is sends_files
    assert (read.count == 0) is sends_files


async def test_parts_of_a_file_are_sent_past_python(
    scripted: StartScript, tmp_path: Path, large_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(large_bytes[: 2 * PART + 77])
    sent = spy(monkeypatch, "sendfile")
    server = await scripted(rest=upload_step)
    async with client_of(server) as client:
        await client.put_file_multipart("bucket/key", path, part_size=PART, workers_count=2)
    bodies = [r.body for r in sorted(server.requests, key=lambda r: r.target) if r.method == "PUT"]
    assert b"".join(bodies) == path.read_bytes()
    assert (sent.count >= 3) is sends_files


async def test_over_tls_it_is_read(
    scripted: StartScript,
    small: Path,
    loopback_tls: LoopbackTls,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent = spy(monkeypatch, "sendfile")
    server = await scripted(OK, ssl_context=loopback_tls.server)
    connector = aiohttp.TCPConnector(ssl=loopback_tls.client)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        client_of(server, session) as client,
    ):
        await client.put_file("bucket/key", small)
    assert server.requests[0].body == SMALL
    assert not sent.count


async def test_a_trace_of_chunks_sees_them_all(
    scripted: StartScript, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced = 0

    async def chunk(_: Any, __: Any, params: aiohttp.TraceRequestChunkSentParams) -> None:
        nonlocal traced
        traced += len(params.chunk)

    config = aiohttp.TraceConfig()
    config.on_request_chunk_sent.append(chunk)
    sent = spy(monkeypatch, "sendfile")
    server = await scripted(OK)
    async with (
        aiohttp.ClientSession(trace_configs=[config]) as session,
        client_of(server, session) as client,
    ):
        await client.put_file("bucket/key", small)
    assert server.requests[0].body == SMALL
    assert traced == len(SMALL)
    assert not sent.count


async def test_it_asks_first_where_it_should(
    scripted: StartScript, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = spy(monkeypatch, "sendfile")
    server = await scripted(OK, error(403, "AccessDenied", read=0, interim=0, end="close"))
    async with client_of(server, expect_continue_from=1) as client:
        await client.put_file("bucket/key", small)
        calls = sent.count
        assert (calls > 0) is sends_files
        refused = await client.put_file("bucket/key", small)
        assert refused.status == 403
    assert [request.body_size for request in server.requests] == [len(SMALL), 0]
    assert server.requests[0].body == SMALL
    assert server.requests[0].header("Expect") == "100-continue"
    assert sent.count == calls, "not one byte of the refused body"


# Again


@pytest.mark.parametrize("read", [None, 500_000], ids=["after it all", "in the middle"])
async def test_a_second_attempt_sends_the_same_bytes(
    scripted: StartScript, small: Path, read: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = spy(monkeypatch, "sendfile")
    busy = error(503, "SlowDown", read=read, end="keep" if read is None else "close")
    server = await scripted(busy, drop(reset=True, read=read), OK)
    async with client_of(server) as client:
        await client.put_file("bucket/key", small)
    assert len(server.requests) == 3
    assert server.requests[2].body == SMALL
    assert (sent.count >= 3) is sends_files


async def test_its_hash_is_computed_once_and_not_for_each_attempt(
    scripted: StartScript, tmp_path: Path, large_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(large_bytes[: PART + MIB])
    failed = set[str]()

    def once(request: Recorded) -> Step:
        if request.method == "PUT" and request.target not in failed:
            failed.add(request.target)
            return error(503, "SlowDown")
        return upload_step(request)

    preadv, hashed = os.preadv, 0

    def counted(*args: Any) -> int:
        nonlocal hashed
        count = preadv(*args)
        hashed += count
        return count

    monkeypatch.setattr(os, "preadv", counted)
    server = await scripted(rest=once)
    async with client_of(server, calculate_content_sha256=True) as client:
        await client.put_file_multipart("bucket/key", path, part_size=PART, workers_count=1)
    assert kinds(server).count("part 1") == kinds(server).count("part 2") == 2
    assert hashed == PART + MIB


# What the server does meanwhile


@pytest.mark.parametrize("end", ["keep", "close"])
async def test_an_early_refusal_is_seen_at_once(
    scripted: StartScript, large: Path, end: Literal["keep", "close"]
) -> None:
    refusal = error(403, "AccessDenied", read=100_000, end=end, delay=0.05)
    server = await scripted(rest=refusal, receive_buffer=65_536)
    async with nothing_left(), client_of(server) as client:
        begun = time.monotonic()
        refused = await client.put_file("bucket/key", large)
        assert refused.status == 403
        assert time.monotonic() - begun < 3
        await server.close()
    assert len(server.requests) == 1


async def test_a_server_that_stops_reading(scripted: StartScript, large: Path) -> None:
    server = await scripted(rest=stall(100_000), receive_buffer=65_536)
    async with nothing_left():
        async with client_of(server, write_timeout=0.4, max_attempts=1) as client:
            begun = time.monotonic()
            with pytest.raises(S3TimeoutError):
                await client.put_file("bucket/key", large)
            assert 0.3 < time.monotonic() - begun < 4
        await server.close()


async def test_a_server_that_reads_slowly_is_no_server_that_stops(
    large: Path, large_bytes: bytes
) -> None:
    body = bytearray()

    async def play(_: bytes, writer: asyncio.StreamWriter, __: int, reader: Any) -> None:
        while len(body) < LARGE_SIZE:
            body.extend(await reader.read(512 * 1024))
            await asyncio.sleep(0.02)
        writer.write(answer(b""))

    async with ByteServer(play) as server, client_of(server, write_timeout=0.6) as client:
        begun = time.monotonic()
        await client.put_file("bucket/key", large)
        assert time.monotonic() - begun > 0.9
    assert body == large_bytes


async def test_a_connection_that_is_reset(scripted: StartScript, large: Path) -> None:
    server = await scripted(rest=drop(reset=True, read=300_000), receive_buffer=65_536)
    async with nothing_left():
        async with client_of(server, max_attempts=2) as client:
            with pytest.raises(S3ConnectionError):
                await client.put_file("bucket/key", large)
        await server.close()
    assert len(server.requests) == 2


async def test_a_200_before_the_body_was_sent_is_no_success(
    scripted: StartScript, large: Path
) -> None:
    server = await scripted(rest=reply(200, {"ETag": ETAG}, read=100_000), receive_buffer=65_536)
    async with client_of(server, max_attempts=1) as client:
        with pytest.raises(S3ConnectionError, match="before the body was sent"):
            await client.put_file("bucket/key", large)


@sending
async def test_a_200_while_a_thread_still_holds_the_last_result(
    scripted: StartScript, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, loop_thread = os.sendfile, threading.get_ident()
    aside = 0

    def slow(*args: Any) -> int:
        nonlocal aside
        count = real(*args)
        aside += threading.get_ident() != loop_thread
        time.sleep(0.15)
        return count

    monkeypatch.setattr(os, "sendfile", slow)
    server = await scripted(rest=upload_step)
    path = small.with_name("parts")
    path.write_bytes(SMALL * 10)
    async with nothing_left():
        async with client_of(server) as client:
            await client.put_file_multipart("bucket/key", path, part_size=PART, workers_count=1)
        await server.close()
    assert kinds(server) == ["create", "part 1", "part 2", "part 3", "complete"]
    assert aside >= 2


# What the user does meanwhile


@pytest.mark.parametrize("slow", [False, True], ids=["in the loop", "in a thread"])
async def test_cancelled_in_the_middle_nothing_is_left(
    scripted: StartScript, large: Path, monkeypatch: pytest.MonkeyPatch, slow: bool
) -> None:
    sent, read = spy(monkeypatch, "sendfile"), spy(monkeypatch, "pread")
    sent.sleep = read.sleep = 0.05 if slow else 0
    server = await scripted(rest=stall(3 * MIB), receive_buffer=65_536)
    async with nothing_left():
        async with client_of(server) as client:
            task = asyncio.create_task(client.put_file("bucket/key", large))
            await server.wait_for(1)
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not sent.running
            calls = sent.count
            await asyncio.sleep(0.2)
            assert sent.count == calls, "nothing is sent after the end"
        await server.close()


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_the_session_is_closed_in_the_middle(
    scripted: StartScript, large: Path, loopback_tls: LoopbackTls, secure: bool
) -> None:
    server = await scripted(
        rest=stall(100_000),
        receive_buffer=65_536,
        ssl_context=loopback_tls.server if secure else None,
    )
    async with nothing_left():
        connector = aiohttp.TCPConnector(ssl=loopback_tls.client if secure else True)
        session = aiohttp.ClientSession(connector=connector)
        async with client_of(server, session, write_timeout=30) as client:
            task = asyncio.ensure_future(client.put_file("bucket/key", large))
            await server.wait_for(1)
            await asyncio.sleep(0.1)
            closing = asyncio.ensure_future(session.close())
            begun = time.monotonic()
            with pytest.raises((S3Error, RuntimeError)):
                await asyncio.wait_for(task, 6)
            assert time.monotonic() - begun < 3
            await server.close()
            await closing


@pytest.mark.parametrize("size", [0, 400_000])
async def test_a_file_that_became_shorter_is_not_sent_again(
    scripted: StartScript, large: Path, size: int
) -> None:
    def cut(_: Recorded) -> Step:
        os.truncate(large, size)
        return OK

    server = await scripted(rest=cut, receive_buffer=65_536)
    async with nothing_left():
        async with client_of(server) as client:
            with pytest.raises(SourceChanged):
                await client.put_file("bucket/key", large)
        await server.close()
    assert len(server.requests) == 1


# What the disk does meanwhile


async def test_a_slow_disk_does_not_hold_the_loop(
    scripted: StartScript, large: Path, large_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, read = spy(monkeypatch, "sendfile"), spy(monkeypatch, "pread")
    sent.sleep, read.sleep = 0.06, 0.03
    cut = large_bytes[: 2 * MIB]
    large.write_bytes(cut)
    server = await scripted(OK)
    async with client_of(server) as client:
        with lag() as late:
            await client.put_file("bucket/key", large)
    assert server.requests[0].body == cut
    assert sent.in_loop + read.in_loop == 1, "only the one that was found to be slow"
    assert sum(each > 0.05 for each in late) <= 2, late


@sending
@pytest.mark.parametrize("at", [0, 1, 2])
async def test_a_file_that_cannot_be_sent_so_is_read(
    scripted: StartScript,
    large: Path,
    large_bytes: bytes,
    monkeypatch: pytest.MonkeyPatch,
    at: int,
) -> None:
    sent = spy(monkeypatch, "sendfile")
    sent.error = lambda number: OSError(errno.EINVAL, "no") if number == at else None
    server = await scripted(OK, receive_buffer=65_536)
    async with client_of(server) as client:
        await client.put_file("bucket/key", large)
    assert server.requests[0].body == large_bytes
    assert sent.count == at + 1


@sending
async def test_no_descriptor_to_be_had(
    scripted: StartScript, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dup = spy(monkeypatch, "dup")
    dup.error = lambda _: OSError(errno.EMFILE, "too many open files")
    server = await scripted(OK)
    async with client_of(server) as client:
        await client.put_file("bucket/key", small)
    assert server.requests[0].body == SMALL
    assert dup.count == 1


@pytest.mark.parametrize("at", [0, 1])
async def test_the_disks_error_is_raised_as_it_is(
    scripted: StartScript, large: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    sent, read = spy(monkeypatch, "sendfile"), spy(monkeypatch, "pread")

    def broken(number: int) -> OSError | None:
        return OSError(errno.EIO, "broken") if number == at else None

    sent.error = read.error = broken
    server = await scripted(rest=OK, receive_buffer=65_536)
    async with nothing_left():
        async with client_of(server) as client:
            with pytest.raises(OSError, match="broken") as caught:
                await client.put_file("bucket/key", large)
        await server.close()
    assert caught.value.errno == errno.EIO
    assert len(server.requests) <= 1, "the head may wait for the first piece"


async def test_the_next_request_after_any_of_it_is_right(
    scripted: StartScript, small: Path, large: Path
) -> None:
    server = await scripted(
        error(403, "AccessDenied", read=1000), OK, drop(read=1000), OK, OK, receive_buffer=65_536
    )
    connector = aiohttp.TCPConnector(limit=1)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        client_of(server, session) as client,
    ):
        refused = await client.put_file("bucket/key", large)
        assert refused.status == 403
        await client.put_file("bucket/key", small)
        await client.put_file("bucket/key", small)
        await client.put_file("bucket/key", small)
    assert [r.body for r in server.requests if r.complete][-3:] == [SMALL, SMALL, SMALL]
