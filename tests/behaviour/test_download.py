"""Parallel downloads into a file, with both ways of writing it, against every server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import NoSuchKey, ObjectChanged
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer

from .material import Traffic, client_for, left_over, noise, open_session

STEP = 64 * 1024
SIZES = (0, 1, STEP - 1, STEP, STEP + 1, 3 * STEP, 7 * STEP + 5)


@pytest.fixture(params=["by position", "file per range"])
def sink(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of writing a download: with os.pwrite, and where there is none."""
    way = str(request.param)
    monkeypatch.setenv("AIOS3_PLAIN", "1" if way == "file per range" else "0")
    return way


@pytest.mark.usefixtures("sink")
async def test_sizes_around_the_range(
    client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    whole = noise(max(SIZES))
    path = tmp_path / "copy"
    for size in SIZES:
        await asyncio.to_thread(oracle.put, bucket, "key", whole[:size])
        await client.get_file_parallel(
            f"{bucket}/key", path, range_step=STEP, workers_count=4, buffer_size=10_000
        )
        assert path.read_bytes() == whole[:size], size
        assert left_over(tmp_path) == ["copy"], size


async def test_one_request_per_range_and_none_before(
    server: RunningServer, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    """The first range tells the size: no HEAD before it, and one GET for what fits into a range.

    A HEAD that asks for the checksum may go beside the ranges.
    """
    data = noise(3 * STEP)
    await asyncio.to_thread(oracle.put, bucket, "key", data)
    traffic = Traffic()
    async with open_session(server, trace_configs=[traffic.trace]) as session:
        client = client_for(server, session)
        await client.get_file_parallel(f"{bucket}/key", tmp_path / "copy")
        assert [method for method, _ in traffic.requests] == ["GET"]
        traffic.requests.clear()
        await client.get_file_parallel(f"{bucket}/key", tmp_path / "copy", range_step=STEP)
        methods = [method for method, _ in traffic.requests]
        assert methods[0] == "GET"
        assert sorted(methods) == ["GET", "GET", "GET", "HEAD"]
    assert (tmp_path / "copy").read_bytes() == data


@pytest.mark.usefixtures("sink")
async def test_p5_object_replaced_meanwhile(
    server: RunningServer, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    """P5: bytes of two versions never meet in one file; what was there before stays."""
    await asyncio.to_thread(oracle.put, bucket, "key", b"1" * 4 * STEP)
    path = tmp_path / "copy"
    path.write_bytes(b"from before")
    asked = 0

    async def replace(*_: object) -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            await asyncio.to_thread(oracle.put, bucket, "key", b"2" * 4 * STEP)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(replace)
    async with open_session(server, trace_configs=[trace]) as session:
        client = client_for(server, session)
        with pytest.raises(ObjectChanged, match="replaced"):
            await client.get_file_parallel(f"{bucket}/key", path, range_step=STEP, workers_count=1)
    assert path.read_bytes() == b"from before"
    assert left_over(tmp_path) == ["copy"]


@pytest.mark.usefixtures("sink")
async def test_p5_object_of_another_size_meanwhile(
    server: RunningServer, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    """P5: also when the new version is too short to have the range at all."""
    await asyncio.to_thread(oracle.put, bucket, "key", b"1" * 4 * STEP)
    asked = 0

    async def replace(*_: object) -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            await asyncio.to_thread(oracle.put, bucket, "key", b"2")

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(replace)
    async with open_session(server, trace_configs=[trace]) as session:
        with pytest.raises(ObjectChanged):
            await client_for(server, session).get_file_parallel(
                f"{bucket}/key", tmp_path / "copy", range_step=STEP, workers_count=1
            )
    assert left_over(tmp_path) == []


@pytest.mark.usefixtures("sink")
async def test_destination_appears_only_when_complete(
    server: RunningServer, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    data = noise(5 * STEP)
    await asyncio.to_thread(oracle.put, bucket, "key", data)
    path = tmp_path / "copy"
    seen: list[bool] = []

    async def look(*_: object) -> None:
        seen.append(path.exists())

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(look)
    trace.on_response_chunk_received.append(look)
    async with open_session(server, trace_configs=[trace]) as session:
        await client_for(server, session).get_file_parallel(
            f"{bucket}/key", path, range_step=STEP, workers_count=2
        )
    assert len(seen) >= 5
    assert not any(seen)
    assert path.read_bytes() == data


@pytest.mark.usefixtures("sink")
async def test_existing_file_is_replaced_and_keeps_its_mode(
    embedded_client: S3Client, embedded: RunningServer, embedded_bucket: str, tmp_path: Path
) -> None:
    await asyncio.to_thread(embedded.oracle.put, embedded_bucket, "key", b"new")
    path = tmp_path / "copy"
    path.write_bytes(b"old and longer")
    path.chmod(0o640)
    await embedded_client.get_file_parallel(f"{embedded_bucket}/key", path)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.usefixtures("sink")
async def test_missing_object_leaves_nothing(client: S3Client, bucket: str, tmp_path: Path) -> None:
    with pytest.raises(NoSuchKey):
        await client.get_file_parallel(f"{bucket}/missing", tmp_path / "copy")
    assert left_over(tmp_path) == []


async def test_bad_destinations_are_refused_before_anything_is_sent(
    embedded: RunningServer, embedded_bucket: str, tmp_path: Path
) -> None:
    traffic = Traffic()
    async with open_session(embedded, trace_configs=[traffic.trace]) as session:
        client = client_for(embedded, session)
        with pytest.raises(IsADirectoryError):
            await client.get_file_parallel(f"{embedded_bucket}/key", tmp_path)
        with pytest.raises(FileNotFoundError):
            await client.get_file_parallel(f"{embedded_bucket}/key", tmp_path / "no" / "copy")
        with pytest.raises(ValueError, match="Range"):
            await client.get_file_parallel(
                f"{embedded_bucket}/key", tmp_path / "copy", headers={"Range": "bytes=0-1"}
            )
        with pytest.raises(ValueError, match="workers_count"):
            await client.get_file_parallel(
                f"{embedded_bucket}/key", tmp_path / "copy", workers_count=0
            )
    assert traffic.requests == []


async def test_one_connection_deadlocks_nothing(
    server: RunningServer, bucket: str, tmp_path: Path
) -> None:
    """``limit=1``: eight workers share one connection, in both directions."""
    data = noise(5 * 1024 * 1024 + 3)
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(data)
    connector = aiohttp.TCPConnector(ssl=server.ssl_context() or True, limit=1)
    async with asyncio.timeout(20), open_session(server, connector=connector) as session:
        client = client_for(server, session)
        await client.put_file_multipart(
            f"{bucket}/key", source, part_size=5 * 1024 * 1024, workers_count=8
        )
        await client.get_file_parallel(
            f"{bucket}/key", copy, range_step=1024 * 1024, workers_count=8
        )
    assert copy.read_bytes() == data
