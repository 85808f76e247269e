"""What is left of an answer: connections (P2), bytes as stored (P22), timeouts (P21)."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from aiohttp_s3_client import ClientConfig
from aiohttp_s3_client.errors import S3TimeoutError
from aiohttp_s3_client.transport.session import request_timeout

from ..servers.scripted import StartScript
from ..servers.steps import drop, hang, reply, stall
from .scripts import client_for, error

SMALL = reply(200, {}, b"s" * 1000)
LARGE = reply(200, {}, b"l" * 3_000_000)


async def test_p02_a_small_rest_is_read_and_the_connection_used_again(
    scripted: StartScript,
) -> None:
    server = await scripted(rest=SMALL)
    async with client_for(server) as client:
        for _ in range(3):
            async with client.get("bucket/key") as response:
                assert response.status == 200
    assert server.connections == 1


async def test_p02_a_small_rest_of_a_slow_server_is_not_waited_for(scripted: StartScript) -> None:
    server = await scripted(rest=reply(200, {}, b"s" * 100, piece=10, pause=0.3))
    begun = time.monotonic()
    async with client_for(server) as client:
        for _ in range(2):
            async with client.get("bucket/key") as response:
                assert response.status == 200
    assert time.monotonic() - begun < 1.5
    assert server.connections == 2


async def test_p02_a_large_rest_is_cut_off(scripted: StartScript) -> None:
    server = await scripted(rest=LARGE)
    async with client_for(server) as client:
        for _ in range(2):
            async with client.get("bucket/key") as response:
                assert len(await response.content.readexactly(10)) == 10
    assert server.connections == 2


@pytest.mark.parametrize("fails", [False, True])
async def test_p02_one_connection_never_hangs(scripted: StartScript, fails: bool) -> None:
    steps = [SMALL, LARGE, error(404, "NoSuchKey"), SMALL, LARGE, error(403, "AccessDenied")]
    server = await scripted(*steps, SMALL)
    connector = aiohttp.TCPConnector(limit=1)
    async with asyncio.timeout(5), aiohttp.ClientSession(connector=connector) as session:
        client = client_for(server, session)
        for _ in steps:
            try:
                async with client.get("bucket/key"):
                    if fails:
                        raise LookupError
            except LookupError:
                assert fails
        async with client.get("bucket/key") as response:
            assert await response.read() == b"s" * 1000
    assert len(server.requests) == 7


async def test_p02_errors_that_are_only_awaited_hold_no_connection(scripted: StartScript) -> None:
    server = await scripted(rest=error(404, "NoSuchKey"))
    connector = aiohttp.TCPConnector(limit=1)
    async with asyncio.timeout(5), aiohttp.ClientSession(connector=connector) as session:
        client = client_for(server, session)
        kept = [await client.get("bucket/key") for _ in range(4)]
        texts = [await response.text() for response in kept]
    assert all("NoSuchKey" in text for text in texts)
    assert server.connections == 1


async def test_p02_both_ways_to_enter_a_response(scripted: StartScript) -> None:
    server = await scripted(rest=SMALL)
    async with client_for(server) as client:
        async with await client.get("bucket/key") as response:
            assert response.status == 200
        async with client.get("bucket/key") as response:
            assert response.status == 200
        assert (await client.get("bucket/key")).status == 200
    assert len(server.requests) == 3


async def test_p02_a_rest_that_breaks_off_is_of_no_interest(scripted: StartScript) -> None:
    server = await scripted(reply(200, {}, b"s" * 1000, cut=10, end="reset"), SMALL)
    async with client_for(server) as client:
        for _ in range(2):
            async with client.get("bucket/key") as response:
                assert response.status == 200


# P22


@pytest.mark.parametrize("decompress", [True, False])
async def test_p22_a_gzipped_object_arrives_as_it_is_stored(
    scripted: StartScript, decompress: bool
) -> None:
    stored = gzip.compress(b"plain text " * 100)
    server = await scripted(reply(200, {"Content-Encoding": "gzip"}, stored))
    async with aiohttp.ClientSession(auto_decompress=decompress) as session:
        client = client_for(server, session)
        async with client.get("bucket/key") as response:
            assert response.headers["Content-Encoding"] == "gzip"
            assert await response.read() == stored
    assert server.requests[0].header("Accept-Encoding") == "identity"


async def test_p22_what_the_caller_accepts_is_the_callers_choice(scripted: StartScript) -> None:
    server = await scripted(reply(200))
    async with client_for(server) as client:
        await client.get("bucket/key", headers={"Accept-Encoding": "gzip"})
    assert [v for n, v in server.requests[0].headers if n == "Accept-Encoding"] == ["gzip"]


# P21 and deadlines


async def test_p21_only_a_total_that_the_user_set_is_applied() -> None:
    """aiohttp's default would cut every transfer after five minutes."""
    config = ClientConfig(connect_timeout=3, read_timeout=7)
    async with aiohttp.ClientSession() as session:
        assert session.timeout.total == 300
        ours = request_timeout(session, config)
        assert (ours.total, ours.sock_connect, ours.sock_read) == (None, 3, 7)
    theirs = aiohttp.ClientTimeout(total=9, connect=8, sock_connect=6, sock_read=5)
    async with aiohttp.ClientSession(timeout=theirs) as session:
        assert request_timeout(session, config) == theirs


async def test_p21_the_users_own_total_is_respected(scripted: StartScript) -> None:
    server = await scripted(rest=reply(200, {}, b"s" * 100, piece=10, pause=0.1))
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.3)) as session:
        client = client_for(server, session)
        async with client.get("bucket/key") as response:
            with pytest.raises(TimeoutError):
                await response.read()


async def test_p21_a_total_of_one_call_is_respected(scripted: StartScript) -> None:
    server = await scripted(rest=hang())
    config = ClientConfig(max_attempts=1)
    begun = time.monotonic()
    async with client_for(server, config=config) as client:
        with pytest.raises(S3TimeoutError):
            await client.get("bucket/key", timeout=aiohttp.ClientTimeout(total=0.2))
    assert 0.15 < time.monotonic() - begun < 1.0


async def test_a_server_that_never_answers_is_a_timeout(scripted: StartScript) -> None:
    server = await scripted(rest=hang())
    begun = time.monotonic()
    async with client_for(server, config=ClientConfig(read_timeout=0.2)) as client:
        with pytest.raises(S3TimeoutError) as caught:
            await client.get("bucket/key")
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.attempts == len(server.requests) == 3
    assert 0.5 < time.monotonic() - begun < 2.0


async def test_a_timeout_of_the_callers_own_cancels_at_once(scripted: StartScript) -> None:
    server = await scripted(hang())
    async with client_for(server) as client:
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(0.2):
                await client.get("bucket/key")
    assert not isinstance(caught.value, S3TimeoutError)
    assert len(server.requests) == 1


@pytest.mark.parametrize("asks", [None, 1000])
async def test_a_server_that_stops_reading_is_a_timeout(
    scripted: StartScript, asks: int | None
) -> None:
    """aiohttp itself would wait for ever."""
    server = await scripted(
        rest=stall(1000, interim=1 if asks else None), receive_buffer=64 * 1024, keep_bodies=False
    )
    config = ClientConfig(write_timeout=0.4, max_attempts=1, expect_continue_from=asks)
    begun = time.monotonic()
    async with client_for(server, config=config) as client:
        with pytest.raises(S3TimeoutError, match="stopped reading"):
            await client.put("bucket/key", bytes(16 * 1024 * 1024))
    assert 0.3 < time.monotonic() - begun < 2.0


async def test_a_slow_reader_is_no_timeout(scripted: StartScript) -> None:
    """The deadline is for progress, not for the whole."""
    server = await scripted(reply(200), receive_buffer=64 * 1024, keep_bodies=False)
    config = ClientConfig(write_timeout=0.3, expect_continue_from=None)

    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(10):
            await asyncio.sleep(0.08)
            yield bytes(20_000)

    async with (
        client_for(server, config=config) as client,
        client.put("bucket/key", slowly(), data_length=200_000) as response,
    ):
        assert response.status == 200


async def test_waiting_for_the_one_connection_is_no_timeout(scripted: StartScript) -> None:
    """A body that has no connection yet makes no progress, and that is not the server's fault."""
    server = await scripted(reply(200, delay=0.8), reply(200), keep_bodies=False)
    config = ClientConfig(write_timeout=0.2, max_attempts=1, expect_continue_from=1000)
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector) as session:
        client = client_for(server, session, config=config)
        both = await asyncio.gather(
            client.get("bucket/first"), client.put("bucket/second", bytes(200_000))
        )
    assert [response.status for response in both] == [200, 200]


async def test_a_get_that_is_dropped_while_the_answer_is_read_is_seen(
    scripted: StartScript,
) -> None:
    """The verbs hand over the response: what happens to its body is the reader's to see."""
    server = await scripted(reply(200, {}, b"x" * 1000, cut=10, end="close"))
    async with client_for(server) as client, client.get("bucket/key") as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_a_cancelled_request_ends_at_once(scripted: StartScript) -> None:
    server = await scripted(hang(), drop())
    async with client_for(server, config=ClientConfig(max_attempts=1)) as client:
        task = asyncio.ensure_future(client.get("bucket/key"))
        await server.wait_for(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.get("bucket/key")
