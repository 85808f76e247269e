"""Streams and ranges in memory: in order, within the budget, no byte twice, nothing left."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.config import TransferConfig
from aiohttp_s3_client.errors import (
    ChecksumMismatch,
    InvalidRange,
    NoSuchKey,
    ObjectChanged,
    S3ConnectionError,
)
from aiohttp_s3_client.protocol import checksums

from ..conftest import LoopbackTls
from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import Recorded, Reply, Step, reply
from ..transport.bodies import nothing_left
from ..transport.scripts import ETAG, RangedObject, asked_range, client_for, error

CHUNK = 100_000
SIZE = 1_050_001
DATA = random.Random(29).randbytes(SIZE)


def config(**how: Any) -> TransferConfig:
    return TransferConfig(
        **{
            "multipart_chunksize": CHUNK,
            "multipart_threshold": CHUNK,
            "io_chunksize": 50_000,
            "max_concurrency": 4,
            "num_download_attempts": 3,
            **how,
        }
    )


async def read(client: S3Client, **how: Any) -> tuple[bytes, bool | None]:
    async with client.open_stream("bucket", "key", **how) as stream:
        return b"".join([piece async for piece in stream]), stream.verified


def checksum_head(data: bytes = DATA) -> Reply:
    value = checksums.encode(checksums.compute("CRC64NVME", data))
    headers = {"x-amz-checksum-crc64nvme": value, "x-amz-checksum-type": "FULL_OBJECT"}
    return reply(200, {"ETag": ETAG, "Content-Length": str(len(data)), **headers})


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def tls(request: pytest.FixtureRequest, loopback_tls: LoopbackTls) -> LoopbackTls | None:
    return loopback_tls if request.param else None


# In order


async def test_in_order_whatever_arrives_first(
    scripted: StartScript, tls: LoopbackTls | None
) -> None:
    stored, delays = RangedObject(DATA), iter([0.05, 0.1, 0.08, 0.0, 0.04, 0.0])
    server = await scripted(
        rest=lambda r: stored(r, delay=next(delays, 0.0), piece=33_333, pause=0.001),
        inquiry=checksum_head(),
        ssl_context=tls.server if tls is not None else None,
    )
    connector = aiohttp.TCPConnector(ssl=tls.client if tls is not None else True)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        client_for(server, session) as client,
    ):
        async with client.open_stream("bucket", "key", config=config()) as stream:
            assert (stream.size, stream.etag) == (SIZE, ETAG)
            data = b"".join([piece async for piece in stream])
        assert data == DATA
        assert stream.verified is True
        assert len(server.requests) == 11


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1])
async def test_every_size(scripted: StartScript, size: int) -> None:
    server = await scripted(rest=RangedObject(DATA[:size]))
    async with client_for(server) as client:
        assert (await read(client, config=config()))[0] == DATA[:size]


async def test_without_a_context(scripted: StartScript) -> None:
    server = await scripted(rest=RangedObject(DATA))
    async with nothing_left():
        async with client_for(server) as client:
            stream = client.open_stream("bucket", "key", config=config())
            assert stream.size is None
            assert b"".join([piece async for piece in stream]) == DATA
            assert [piece async for piece in stream] == []
            with pytest.raises(RuntimeError, match="closed"):
                await stream.__aenter__()
        await server.close()


@pytest.mark.parametrize("range_", [(0, 1), (5, 500_000), (1_000_000, None), (0, SIZE + 100)])
async def test_a_range_of_it(scripted: StartScript, range_: tuple[int, int | None]) -> None:
    server = await scripted(rest=RangedObject(DATA), inquiry=checksum_head())
    async with client_for(server) as client:
        data, verified = await read(client, range=range_, config=config())
        assert data == DATA[range_[0] : range_[1]]
        assert verified is None, "a part of the object is not held to the whole's checksum"


async def test_errors_are_those_of_s3(scripted: StartScript) -> None:
    server = await scripted(error(404, "NoSuchKey"), error(416, "InvalidRange"))
    async with client_for(server) as client:
        with pytest.raises(NoSuchKey):
            await read(client, config=config())
        with pytest.raises(InvalidRange):
            await read(client, range=(SIZE, SIZE + 1), config=config())


# Memory


def holding(memory: int) -> dict[str, int]:
    """Settings of a stream that may hold *memory* bytes."""
    return {"io_chunksize": 10_000, "max_io_queue": memory // 10_000}


async def asked_while_asleep(server: ScriptedServer, **how: Any) -> int:
    """Bytes of the object that were asked for while its reader slept."""
    async with client_for(server) as client, client.open_stream("bucket", "key", **how) as stream:
        first = await anext(stream)
        await asyncio.sleep(0.3)
        asked = sum(
            stop - start
            for request in server.requests
            for start, stop in [asked_range(request, SIZE) or (0, SIZE)]
        )
        rest = [piece async for piece in stream]
        assert first + b"".join(rest) == DATA
    return asked


@pytest.mark.parametrize("memory", [CHUNK // 2, CHUNK, 3 * CHUNK, 5 * CHUNK + 10_000])
async def test_a_slow_reader_stops_the_fetching(scripted: StartScript, memory: int) -> None:
    server = await scripted(rest=RangedObject(DATA))
    asked = await asked_while_asleep(server, config=config(**holding(memory), max_concurrency=20))
    # What the first piece freed may be asked for again.
    assert asked <= max(memory, CHUNK) + CHUNK


async def test_ranges_ahead_are_fetched_side_by_side(scripted: StartScript) -> None:
    begun = 0

    def answer(request: Recorded) -> Step:
        nonlocal begun
        begun += 1
        return RangedObject(DATA)(request, delay=0.2 if begun > 1 else 0)

    server = await scripted(rest=answer)
    async with client_for(server) as client:
        async with client.open_stream(
            "bucket", "key", config=config(**holding(8 * CHUNK), max_concurrency=3)
        ) as stream:
            first = await anext(stream)
            await asyncio.sleep(0.1)
            assert begun == 1 + 3
            assert first + b"".join([piece async for piece in stream]) == DATA


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_server_without_ranges_is_slowed_down_too(
    scripted: StartScript, chunked: bool
) -> None:
    """All comes in one answer: what the reader has not taken stays in the connection."""
    data = DATA * 20
    step = reply(200, {"ETag": ETAG}, data, chunked=chunked, piece=65_536)
    server = await scripted(rest=step)
    memory = 2 * CHUNK
    async with client_for(server) as client:
        how = config(**holding(memory))
        async with client.open_stream("bucket", "key", config=how) as stream:
            got = bytearray(await anext(stream))
            await asyncio.sleep(0.2)
            waiting = sum(len(piece) for window in stream._windows for piece in window.pieces)
            assert waiting <= memory + 300_000
            async for piece in stream:
                got += piece
        assert got == data


# Broken off


def by_start(bad: Callable[[Recorded, int], Step | None]) -> Step:
    """The object, but for the ranges that *bad* has another answer to."""

    def answer(request: Recorded) -> Step:
        start, _ = asked_range(request, SIZE) or (0, 0)
        return bad(request, start) or RangedObject(DATA)(request)

    return answer


@pytest.mark.parametrize("end", ["close", "reset"])
async def test_what_is_fetched_again_begins_behind_what_came(
    scripted: StartScript, end: str
) -> None:
    seen = set[int]()

    def broken(request: Recorded, start: int) -> Step | None:
        if start in seen or len(seen) > 8:
            return None
        seen.add(start)
        return RangedObject(DATA)(request, cut=40_000, end=end, piece=10_000, pause=0.001)

    server = await scripted(rest=by_start(broken), inquiry=checksum_head())
    async with client_for(server) as client:
        data, verified = await read(client, config=config())
    assert data == DATA
    assert verified is True


async def test_an_answer_longer_than_it_said_gives_no_byte_twice(scripted: StartScript) -> None:
    """Its bytes were given out before it showed; the second answer's are left out."""
    once = [2 * CHUNK]

    def overlong(_: Recorded, start: int) -> Step | None:
        if start not in once:
            return None
        once.remove(start)
        stop = start + CHUNK
        headers = {"ETag": ETAG, "Content-Range": f"bytes {start}-{stop - 1}/{SIZE}"}
        body = DATA[start:stop] + b"!" * 70_000
        return reply(206, headers, body, chunked=True, piece=20_000, pause=0.005)

    server = await scripted(rest=by_start(overlong), inquiry=checksum_head())
    async with client_for(server) as client:
        data, verified = await read(client, config=config())
    assert data == DATA
    assert verified is True
    assert not once


async def test_a_server_without_ranges_breaks_off(scripted: StartScript) -> None:
    answers = iter([300_000, 700_001, SIZE])
    server = await scripted(
        rest=lambda _: reply(200, {"ETag": ETAG}, DATA, cut=next(answers), piece=50_000)
    )
    async with client_for(server) as client:
        data, _ = await read(client, config=config())
    assert data == DATA


async def test_a_body_of_unknown_length_is_not_begun_again(scripted: StartScript) -> None:
    broken = reply(200, {"ETag": ETAG}, DATA, chunked=True, cut=200_000)
    server = await scripted(rest=broken)
    async with client_for(server) as client:
        with pytest.raises(S3ConnectionError):
            await read(client, config=config())
    assert len(server.requests) == 1


async def test_the_object_is_replaced_meanwhile(scripted: StartScript) -> None:
    server = await scripted(RangedObject(DATA), rest=RangedObject(DATA, '"other"'))
    async with nothing_left():
        async with client_for(server) as client:
            with pytest.raises(ObjectChanged):
                await read(client, config=config())
        await server.close()


async def test_a_mismatch_is_raised_in_the_place_of_the_end(scripted: StartScript) -> None:
    server = await scripted(rest=RangedObject(DATA), inquiry=checksum_head(DATA[:-1] + b"!"))
    got: list[bytes] = []

    async def collect() -> None:
        async for piece in stream:
            got.append(piece)

    async with client_for(server) as client:
        async with client.open_stream("bucket", "key", config=config()) as stream:
            with pytest.raises(ChecksumMismatch):
                await collect()
            assert b"".join(got) == DATA
            assert stream.verified is None


# Left early


@pytest.mark.parametrize("how", ["break", "cancel", "unread"])
async def test_left_early_nothing_goes_on(
    scripted: StartScript, tls: LoopbackTls | None, how: str
) -> None:
    stored = RangedObject(DATA)
    server = await scripted(
        rest=lambda r: stored(r, piece=10_000, pause=0.02),
        ssl_context=tls.server if tls is not None else None,
    )
    async with nothing_left():
        connector = aiohttp.TCPConnector(limit=5, ssl=tls.client if tls is not None else True)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            client_for(server, session) as client,
        ):

            async def use() -> None:
                stream = client.open_stream("bucket", "key", config=config())
                async with stream:
                    if how != "unread":
                        await anext(stream)
                    if how == "cancel":
                        await asyncio.sleep(60)

            task = asyncio.create_task(use())
            await asyncio.sleep(0.15)
            if how == "cancel":
                task.cancel()
            await asyncio.wait([task], timeout=3)
            assert task.cancelled() is (how == "cancel")
            asked = len(server.requests)
            for _ in range(5):  # As many as the connector has connections.
                async with asyncio.timeout(3):
                    await client.get_bytes("bucket", "key", (0, 10))
            assert len(server.requests) == asked + 5, "nothing is fetched after the end"
        await server.close()


# Memory and ranges


@pytest.mark.parametrize("range_", [None, (0, 10), (7, 777_777), (SIZE - 1, None)])
async def test_get_into_and_get_bytes(
    scripted: StartScript, range_: tuple[int, int | None] | None
) -> None:
    expected = DATA[slice(*range_)] if range_ else DATA
    server = await scripted(rest=RangedObject(DATA))
    async with client_for(server) as client:
        buffer = bytearray(b"#" * (len(expected) + 3))
        result = await client.get_into("bucket", "key", buffer, range_, config=config())
        assert result.size == len(expected)
        assert buffer == expected + b"###", "what lies behind stays as it was"
        assert await client.get_bytes("bucket", "key", range_, config=config()) == expected
        before = len(server.requests)
        with pytest.raises(ValueError, match="too small"):
            await client.get_into(
                "bucket", "key", bytearray(len(expected) - 1), range_, config=config()
            )
        assert len(server.requests) == before + 1


async def test_a_cancelled_get_into_leaves_the_buffer_alone(scripted: StartScript) -> None:
    stored = RangedObject(DATA)
    server = await scripted(rest=lambda r: stored(r, piece=10_000, pause=0.01))
    buffer = bytearray(SIZE)
    async with nothing_left():
        async with client_for(server) as client:
            task = asyncio.create_task(client.get_into("bucket", "key", buffer, config=config()))
            await server.wait_for(3)
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            after = bytes(buffer)
            await asyncio.sleep(0.1)
            assert bytes(buffer) == after
            await server.close()


async def test_near_ranges_are_fetched_as_one(scripted: StartScript) -> None:
    server = await scripted(rest=RangedObject(DATA))
    wanted = [(900_000, 900_010), (0, 10), (50, 60), (55, 70), (0, 10), (500_000, 600_000)]
    async with client_for(server) as client:
        found = await client.get_ranges("bucket", "key", wanted, coalesce=1000, config=config())
    assert found == [DATA[start:stop] for start, stop in wanted]
    assert sorted(str(request.header("Range")) for request in server.requests) == [
        "bytes=0-69",
        "bytes=500000-599999",
        "bytes=900000-900009",
    ]


@pytest.mark.parametrize("coalesce", [1, 10_000_000])
async def test_ranges_that_reach_behind_the_end(scripted: StartScript, coalesce: int) -> None:
    server = await scripted(rest=RangedObject(DATA))
    async with client_for(server) as client:
        found = await client.get_ranges(
            "bucket", "key", [(5, 9), (SIZE - 2, SIZE + 9)], coalesce=coalesce
        )
        assert found == [DATA[5:9], DATA[-2:]]
        for behind in ([(SIZE, SIZE + 9)], [(5, 9), (SIZE + 5, SIZE + 9)]):
            with pytest.raises(InvalidRange):
                await client.get_ranges("bucket", "key", behind, coalesce=coalesce)
