"""Managed transfers against every server: whole, in parts, resumed, cancelled, from memory."""

from __future__ import annotations

import asyncio
import io
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from aiohttp_s3_client import ClientConfig, S3Client, TransferConfig
from aiohttp_s3_client.errors import InvalidRange, NotFound, PreconditionFailed
from aiohttp_s3_client.transfer.progress import Progress
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer

from .material import MIB, PART, Traffic, client_for, in_pieces, left_over, noise, open_session

DATA = noise(2 * PART + 4321)
UP = TransferConfig(PART, 3, PART)
STEP = MIB + 1
DOWN = TransferConfig(STEP, 4, STEP)


@pytest.fixture
def s3(server: RunningServer, client: S3Client) -> S3Client:
    server.need("own_bucket")
    return client


@pytest.fixture
async def seen(server: RunningServer) -> AsyncIterator[tuple[S3Client, Traffic]]:
    """A client and all that it sends."""
    server.need("own_bucket")
    traffic = Traffic()
    async with open_session(server, trace_configs=[traffic.trace]) as session:
        yield client_for(server, session), traffic


async def stored(oracle: Oracle, bucket: str, key: str = "key") -> bytes:
    return await asyncio.to_thread(oracle.get, bucket, key)


def sends(traffic: Traffic, method: str, part: str = "") -> int:
    return sum(m == method and part in where for m, where in traffic.requests)


# --- there and back


SIZES = [0, 1, PART - 1, PART, PART + 1, len(DATA)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind_of", ["auto", "classic"])
async def test_files_there_and_back(
    s3: S3Client, bucket: str, oracle: Oracle, tmp_path: Path, size: int, kind_of: Any
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(DATA[:size])
    up = TransferConfig(PART, 3, PART, preferred_transfer_client=kind_of)
    result = await s3.upload_file(source, bucket, "key", config=up)
    assert await stored(oracle, bucket) == DATA[:size]
    assert (result.size, result.parts) == (size, -(-size // PART) if size >= PART else None)
    down = TransferConfig(STEP, 4, STEP, preferred_transfer_client=kind_of)
    got = await s3.download_file(bucket, "key", target, config=down)
    assert target.read_bytes() == DATA[:size]
    assert got.size == size
    assert left_over(tmp_path) == ["source", "target"]


@pytest.mark.parametrize("size", SIZES)
async def test_memory_there_and_back(s3: S3Client, bucket: str, oracle: Oracle, size: int) -> None:
    await s3.upload_fileobj(io.BytesIO(DATA[:size]), bucket, "key", config=UP)
    assert await stored(oracle, bucket) == DATA[:size]
    file = io.BytesIO()
    assert (await s3.download_fileobj(bucket, "key", file, config=DOWN)).size == size
    assert file.getvalue() == DATA[:size]
    assert await s3.get_bytes(bucket, "key", config=DOWN) == DATA[:size]
    buffer = bytearray(size + 3)
    assert (await s3.get_into(bucket, "key", buffer, config=DOWN)).size == size
    assert buffer == DATA[:size] + b"\0\0\0"
    async with s3.open_stream(bucket, "key", config=DOWN) as stream:
        assert b"".join([piece async for piece in stream]) == DATA[:size]


async def test_a_stream_of_unknown_length(s3: S3Client, bucket: str, oracle: Oracle) -> None:
    moved: list[int] = []
    result = await s3.upload_fileobj(
        in_pieces(DATA), bucket, "key", {"ContentType": "text/x-test"}, moved.append, UP
    )
    assert await stored(oracle, bucket) == DATA
    assert sum(moved) == result.size == len(DATA)
    head = await asyncio.to_thread(oracle.head, bucket, "key")
    assert head is not None
    assert head["ContentType"] == "text/x-test"


async def test_a_proxy_in_both_directions(s3: S3Client, bucket: str, oracle: Oracle) -> None:
    """An upload is passed on as it comes, and a download as it goes."""

    async def up(request: web.Request) -> web.Response:
        await s3.upload_fileobj(request.content, bucket, "key", config=UP)
        return web.Response()

    async def down(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await s3.download_fileobj(bucket, "key", response, config=DOWN)
        return response

    application = web.Application()
    application.router.add_put("/", up)
    application.router.add_get("/", down)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    async with aiohttp.ClientSession(f"http://{host}:{port}") as session:
        async with session.put("/", data=in_pieces(DATA)) as answer:
            assert answer.status == 200
        async with session.get("/") as answer:
            assert await answer.read() == DATA
    await runner.cleanup()
    assert await stored(oracle, bucket) == DATA


async def test_ranges(s3: S3Client, bucket: str, oracle: Oracle) -> None:
    await asyncio.to_thread(oracle.put, bucket, "key", DATA)
    rng = random.Random(3)
    ranges: list[tuple[int, int | None]] = [(0, 1), (5, 5 + MIB), (len(DATA) - 1, None)]
    for _ in range(10):
        start = rng.randrange(len(DATA) - 1)
        ranges.append((start, rng.randrange(start + 1, len(DATA))))
    wanted = [DATA[start:stop] for start, stop in ranges]
    assert await s3.get_ranges(bucket, "key", ranges, coalesce=0) == wanted
    assert await s3.get_ranges(bucket, "key", ranges, config=DOWN) == wanted
    for range_, data in zip(ranges[:5], wanted, strict=False):
        assert await s3.get_bytes(bucket, "key", range_, config=DOWN) == data
        buffer = bytearray(len(data))
        await s3.get_into(bucket, "key", buffer, range_, config=DOWN)
        assert buffer == data
        async with s3.open_stream(bucket, "key", range_, config=DOWN) as stream:
            assert b"".join([piece async for piece in stream]) == data
    with pytest.raises(InvalidRange):
        await s3.get_ranges(bucket, "key", [(len(DATA) + 1, None)])
    with pytest.raises(ValueError, match="buffer"):
        await s3.get_into(bucket, "key", bytearray(10))


# --- settings


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA256"])
@pytest.mark.parametrize("data", [DATA[:1000], DATA], ids=["put", "parts"])
async def test_checksums(
    server: RunningServer, s3: S3Client, bucket: str, oracle: Oracle, data: bytes, algorithm: Any
) -> None:
    """Sent with the upload, kept by the server, and held to by the download."""
    config = TransferConfig(PART, 3, PART, checksum=algorithm)
    await s3.upload_fileobj(data, bucket, "key", config=config)
    assert await stored(oracle, bucket) == data
    file = io.BytesIO()
    result = await s3.download_fileobj(bucket, "key", file, config=DOWN)
    assert file.getvalue() == data
    if server.missing("checksums") is None and data is not DATA:
        assert result.verified is True


async def test_md5_etags_on_request(
    server: RunningServer, s3: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    await asyncio.to_thread(oracle.put, bucket, "key", DATA)
    config = TransferConfig(STEP, 4, STEP, checksum=True)
    result = await s3.download_file(bucket, "key", tmp_path / "file", config=config)
    assert result.verified is True
    config = TransferConfig(STEP, 4, STEP, checksum=False)
    result = await s3.download_file(bucket, "key", tmp_path / "file", config=config)
    assert result.verified is False


@pytest.mark.parametrize("data", [b"small", DATA], ids=["put", "parts"])
async def test_p11_only_where_nothing_is(
    server: RunningServer, s3: S3Client, bucket: str, oracle: Oracle, data: bytes
) -> None:
    server.need("conditional_put")
    extra = {"IfNoneMatch": "*"}
    await s3.upload_fileobj(data, bucket, "key", extra_args=extra, config=UP)
    assert await stored(oracle, bucket) == data
    with pytest.raises(PreconditionFailed):
        await s3.upload_fileobj(b"other", bucket, "key", extra_args=extra, config=UP)
    assert await stored(oracle, bucket) == data


async def test_a_client_bound_to_the_bucket(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str, oracle: Oracle
) -> None:
    server.need("own_bucket")
    s3 = client_for(server, session, url=f"{server.url}/{bucket}/under")
    await s3.upload_fileobj(DATA, key="key", config=UP)
    assert await stored(oracle, bucket, "under/key") == DATA
    assert await s3.get_bytes(bucket, "key", config=DOWN) == DATA
    with pytest.raises(ValueError, match="another"):
        await s3.upload_fileobj(b"", "another", "key")


async def test_progress(s3: S3Client, bucket: str, tmp_path: Path) -> None:
    states: list[tuple[str, int, int | None]] = []

    async def told(progress: Progress) -> None:
        states.append((progress.phase, progress.transferred, progress.total))
        assert progress.rate >= 0

    (tmp_path / "file").write_bytes(DATA)
    await s3.upload_file(tmp_path / "file", bucket, "key", config=UP, progress=told)
    await s3.download_file(bucket, "key", tmp_path / "file", config=DOWN, progress=told)
    ends = [state for state in states if state[0] == "done"]
    assert ends == [("done", len(DATA), len(DATA))] * 2
    amounts = [transferred for _, transferred, _ in states[: states.index(ends[0])]]
    assert amounts == sorted(amounts)


async def test_max_bandwidth(
    embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    """It is this side that waits, whatever the server."""
    s3, bucket = embedded_client, embedded_bucket
    (tmp_path / "file").write_bytes(DATA)
    config = TransferConfig(PART, 3, PART, max_bandwidth=20 * MIB)
    for work in (
        lambda: s3.upload_file(tmp_path / "file", bucket, "key", config=config),
        lambda: s3.download_file(bucket, "key", tmp_path / "file", config=config),
    ):
        begun = time.monotonic()
        await work()
        assert time.monotonic() - begun > 0.4


# --- resumption


class Stop(Exception):
    """What ends a first run."""


def stop_after(size: int) -> Callable[[int], None]:
    moved = 0

    def callback(count: int) -> None:
        nonlocal moved
        moved += count
        if moved > size:
            raise Stop

    return callback


async def test_a_resumed_upload_sends_what_is_missing(
    server: RunningServer,
    seen: tuple[S3Client, Traffic],
    bucket: str,
    oracle: Oracle,
    tmp_path: Path,
) -> None:
    server.need("list_parts")
    s3, traffic = seen
    (tmp_path / "file").write_bytes(DATA)
    config = TransferConfig(PART, 1, PART, resume=True)
    with pytest.raises(Stop):
        await s3.upload_file(
            tmp_path / "file", bucket, "key", config=config, callback=stop_after(PART)
        )
    traffic.requests.clear()
    await s3.upload_file(tmp_path / "file", bucket, "key", config=config)
    assert await stored(oracle, bucket) == DATA
    assert sends(traffic, "PUT", "partNumber") <= 2
    assert sends(traffic, "POST", "uploads") == 0
    assert left_over(tmp_path) == ["file"]
    server.need("list_uploads")
    assert await asyncio.to_thread(oracle.uploads, bucket) == []


async def test_an_upload_that_others_aborted_is_begun_afresh(
    server: RunningServer, s3: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    server.need("list_uploads", "list_parts")
    (tmp_path / "file").write_bytes(DATA)
    config = TransferConfig(PART, 1, PART, resume=True)
    with pytest.raises(Stop):
        await s3.upload_file(
            tmp_path / "file", bucket, "key", config=config, callback=stop_after(PART)
        )
    ((key, upload),) = await asyncio.to_thread(oracle.uploads, bucket)
    await asyncio.to_thread(
        oracle.client.abort_multipart_upload, Bucket=bucket, Key=key, UploadId=upload
    )
    await s3.upload_file(tmp_path / "file", bucket, "key", config=config)
    assert await stored(oracle, bucket) == DATA
    assert left_over(tmp_path) == ["file"]
    assert await asyncio.to_thread(oracle.uploads, bucket) == []


async def test_a_changed_source_is_uploaded_afresh(
    server: RunningServer, s3: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    server.need("list_uploads")
    path = tmp_path / "file"
    path.write_bytes(DATA)
    config = TransferConfig(PART, 1, PART, resume=True)
    with pytest.raises(Stop):
        await s3.upload_file(path, bucket, "key", config=config, callback=stop_after(PART))
    path.write_bytes(DATA[::-1])
    os.utime(path, ns=(1, 1))
    await s3.upload_file(path, bucket, "key", config=config)
    assert await stored(oracle, bucket) == DATA[::-1]
    assert await asyncio.to_thread(oracle.uploads, bucket) == []


@pytest.mark.parametrize("changed", [False, True])
async def test_a_resumed_download_fetches_what_is_missing(
    seen: tuple[S3Client, Traffic], bucket: str, oracle: Oracle, tmp_path: Path, changed: bool
) -> None:
    s3, traffic = seen
    await asyncio.to_thread(oracle.put, bucket, "key", DATA)
    config = TransferConfig(STEP, 1, STEP, resume=True)
    with pytest.raises(Stop):
        await s3.download_file(
            bucket, "key", tmp_path / "file", config=config, callback=stop_after(6 * STEP)
        )
    assert not (tmp_path / "file").exists()
    data = DATA[::-1] if changed else DATA
    if changed:
        await asyncio.to_thread(oracle.put, bucket, "key", data)
    traffic.requests.clear()
    moved: list[int] = []
    await s3.download_file(bucket, "key", tmp_path / "file", config=config, callback=moved.append)
    assert (tmp_path / "file").read_bytes() == data
    assert sum(moved) == len(data)
    ranges = -(-len(DATA) // STEP)
    assert (sends(traffic, "GET") == ranges) if changed else (sends(traffic, "GET") <= ranges - 5)
    assert left_over(tmp_path) == ["file"]


# --- failures


async def test_an_object_that_is_not_there(s3: S3Client, bucket: str, tmp_path: Path) -> None:
    for work in (
        lambda: s3.download_file(bucket, "nothing", tmp_path / "file"),
        lambda: s3.download_file(
            bucket, "nothing", tmp_path / "file", config=TransferConfig(resume=True)
        ),
        lambda: s3.download_fileobj(bucket, "nothing", io.BytesIO()),
        lambda: s3.get_bytes(bucket, "nothing"),
        lambda: s3.managed_copy({"Bucket": bucket, "Key": "nothing"}, bucket, "key"),
    ):
        with pytest.raises(NotFound):
            await work()
    assert left_over(tmp_path) == []


async def test_p9_a_cancelled_upload_leaves_nothing(
    server: RunningServer, s3: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    """P9: no unfinished upload remains, whatever is uploaded, and the client goes on working."""
    server.need("list_uploads")
    (tmp_path / "file").write_bytes(DATA)
    made: Iterator[Any] = cycle([lambda: tmp_path / "file", lambda: DATA, lambda: in_pieces(DATA)])

    async def work() -> None:
        await s3.upload_fileobj(next(made)(), bucket, "key", config=UP)

    await cancelled_at_moments(work, 9)
    assert await asyncio.to_thread(oracle.uploads, bucket) == []
    await work()
    assert await stored(oracle, bucket) == DATA


async def test_p9_a_cancelled_download_leaves_nothing(
    s3: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    await asyncio.to_thread(oracle.put, bucket, "key", DATA)

    async def work() -> None:
        await s3.download_file(bucket, "key", tmp_path / "file", config=DOWN)
        (tmp_path / "file").unlink()

    await cancelled_at_moments(work)
    assert left_over(tmp_path) in ([], ["file"])
    assert await s3.get_bytes(bucket, "key", config=DOWN) == DATA


async def cancelled_at_moments(work: Callable[[], Awaitable[None]], count: int = 6) -> None:
    begun = time.monotonic()
    await work()
    whole = time.monotonic() - begun
    for number in range(count):
        task = asyncio.ensure_future(work())
        await asyncio.sleep(whole * (number + 0.5) / count)
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


async def test_a_callback_that_raises_leaves_nothing(
    server: RunningServer, s3: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    server.need("list_uploads")
    with pytest.raises(Stop):
        await s3.upload_fileobj(DATA, bucket, "key", callback=stop_after(PART), config=UP)
    assert await asyncio.to_thread(oracle.uploads, bucket) == []
    assert await asyncio.to_thread(oracle.head, bucket, "key") is None
    await asyncio.to_thread(oracle.put, bucket, "key", DATA)
    with pytest.raises(Stop):
        await s3.download_file(
            bucket, "key", tmp_path / "file", callback=stop_after(PART), config=DOWN
        )
    assert left_over(tmp_path) == []


async def test_every_request_is_signed_without_hashing_too(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str, oracle: Oracle
) -> None:
    """``calculate_content_sha256=False``, as one would on a trusted network."""
    server.need("own_bucket")
    s3 = client_for(server, session, config=ClientConfig(calculate_content_sha256=False))
    await s3.upload_fileobj(DATA, bucket, "key", config=UP)
    assert await stored(oracle, bucket) == DATA
