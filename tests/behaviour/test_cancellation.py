"""Cancelled at any moment, a transfer leaves nothing behind and the session as it was (P9).

The fixtures fail each test whose tasks go on behind its back.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from aiohttp_s3_client import S3Client
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer

from .material import PART, client_for, left_over, noise, open_session

MOMENTS = 4
STEP = 256 * 1024


async def cancel_at_moments(
    work: Callable[[], Awaitable[None]], check: Callable[[], Awaitable[None]], count: int
) -> int:
    """Run *work* once whole, then *count* times cancelled at random; how often it was in time."""
    started = time.monotonic()
    await work()
    whole = time.monotonic() - started
    rng = random.Random(whole)
    before = asyncio.all_tasks()
    cancelled = 0
    for number in range(count):
        task = asyncio.ensure_future(work())
        await asyncio.sleep(whole * (number + rng.random()) / count)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            cancelled += 1
        assert asyncio.all_tasks() - {task} <= before, "work goes on behind the cancelled task"
        await check()
    return cancelled


async def test_p9_put_file_multipart(
    server: RunningServer, client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    """P9: no unfinished upload remains, whenever the cancellation comes."""
    server.need("list_uploads")
    path = tmp_path / "file"
    path.write_bytes(noise(PART + 1))

    async def work() -> None:
        await client.put_file_multipart(f"{bucket}/key", path, part_size=PART, workers_count=2)

    async def check() -> None:
        assert await asyncio.to_thread(oracle.uploads, bucket) == []
        async with client.head(bucket) as resp:
            assert resp.status == HTTPStatus.OK

    assert await cancel_at_moments(work, check, MOMENTS)
    await work()
    assert await asyncio.to_thread(oracle.get, bucket, "key") == path.read_bytes()


async def test_p9_put_of_a_stream(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str
) -> None:
    """P9: also where a plain put became an upload in parts."""
    data = noise(3 * PART)

    async def slowly() -> None:
        async def stream() -> AsyncIterator[bytes]:
            for start in range(0, len(data), PART // 4):
                yield data[start : start + PART // 4]
                await asyncio.sleep(0.002)

        async with embedded_client.put(f"{embedded_bucket}/key", stream()) as resp:
            assert resp.status == HTTPStatus.OK

    async def check() -> None:
        assert await asyncio.to_thread(embedded.oracle.uploads, embedded_bucket) == []

    assert await cancel_at_moments(slowly, check, 10)


async def test_p9_multipart_upload(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str
) -> None:
    """P9: in the user's own ``async with``, from entering it to leaving it."""
    data = noise(3 * PART)

    async def work() -> None:
        async with embedded_client.multipart_upload(f"{embedded_bucket}/key") as uploader:
            parts = [
                uploader.put_part(data[start : start + PART]) for start in range(0, len(data), PART)
            ]
            await asyncio.gather(*parts)

    async def check() -> None:
        assert await asyncio.to_thread(embedded.oracle.uploads, embedded_bucket) == []

    assert await cancel_at_moments(work, check, 10)


async def test_get_file_parallel(
    client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    data = noise(8 * STEP)
    await asyncio.to_thread(oracle.put, bucket, "key", data)
    path = tmp_path / "copy"

    async def work() -> None:
        await client.get_file_parallel(f"{bucket}/key", path, range_step=STEP, workers_count=3)

    async def check() -> None:
        # A cancellation that comes too late finds the whole file; never a part of it.
        assert left_over(tmp_path) in ([], ["copy"])
        if path.exists():
            assert path.read_bytes() == data
            path.unlink()
        async with client.head(f"{bucket}/key") as resp:
            assert resp.status == HTTPStatus.OK

    assert await cancel_at_moments(work, check, MOMENTS)
    await work()
    assert path.read_bytes() == data


async def test_single_requests(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(noise(4 * 1024 * 1024))
    client, name = embedded_client, f"{embedded_bucket}/key"

    async def work() -> None:
        async with client.put_file(name, path) as resp:
            assert resp.status == HTTPStatus.OK
        async with client.get(name) as resp:
            assert await resp.read() == path.read_bytes()
        async for _ in client.list_objects_v2(embedded_bucket):
            pass
        await client.rename(name, f"{name}2")

    async def check() -> None:
        async with client.head(embedded_bucket) as resp:
            assert resp.status == HTTPStatus.OK

    assert await cancel_at_moments(work, check, 20)
    assert await asyncio.to_thread(embedded.oracle.uploads, embedded_bucket) == []


async def cancel_again_and_again(task: asyncio.Task[Any]) -> None:
    for _ in range(5):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_p9_cancelled_again_while_it_is_created(
    embedded: RunningServer, embedded_bucket: str, tmp_path: Path
) -> None:
    """P9: the server makes the upload, whose id nobody waits for any more."""
    path = tmp_path / "file"
    path.write_bytes(b"body")
    sent = asyncio.Event()

    async def look(*_: object) -> None:
        sent.set()

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(look)
    async with open_session(embedded, trace_configs=[trace]) as session:
        client = client_for(embedded, session)
        for _ in range(3):
            sent.clear()
            task = asyncio.create_task(client.put_file_multipart(f"{embedded_bucket}/key", path))
            await sent.wait()
            await cancel_again_and_again(task)
    assert await asyncio.to_thread(embedded.oracle.uploads, embedded_bucket) == []


async def test_p9_cancelled_again_while_parts_are_in_flight(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    """P9: who cancels again while the parts settle does not stop the abort."""
    data = noise(2 * PART)
    path = tmp_path / "file"
    path.write_bytes(data)
    name = f"{embedded_bucket}/key"
    began: list[None] = []

    async def file() -> None:
        asyncio.get_running_loop().call_later(0.02, began.append, None)
        await embedded_client.put_file_multipart(name, path, part_size=PART)

    async def stream() -> None:
        async def endless() -> AsyncIterator[bytes]:
            yield data
            began.append(None)
            await asyncio.sleep(10)

        await embedded_client.put_multipart(name, endless(), part_size=PART)

    async def by_hand() -> None:
        async with embedded_client.multipart_upload(name) as uploader:
            part = asyncio.create_task(uploader.put_part(data))
            await asyncio.sleep(0.002)
            began.append(None)
            await part

    for work in (file, stream, by_hand):
        began.clear()
        task = asyncio.create_task(work())
        while not began:  # noqa: ASYNC110  # the moment matters, to the turn of the loop
            await asyncio.sleep(0)
        await cancel_again_and_again(task)
        assert await asyncio.to_thread(embedded.oracle.uploads, embedded_bucket) == [], work


async def test_timeout_of_the_caller(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    """``asyncio.timeout`` is a cancellation too, and stays a TimeoutError."""
    path = tmp_path / "file"
    path.write_bytes(noise(8 * PART))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await embedded_client.put_file_multipart(f"{embedded_bucket}/key", path, part_size=PART)
    assert await asyncio.to_thread(embedded.oracle.uploads, embedded_bucket) == []
