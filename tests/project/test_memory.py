"""Memory stays bounded whatever the object's size: peak of a fresh process against its baseline."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

MIB = 1024 * 1024
SIZE = 1024 * MIB
STREAMED = 256 * MIB
PART = 8 * MIB
WORKERS = 4
LIMIT = (WORKERS + 2) * PART

UPLOAD = """
import asyncio, json, sys
from aiohttp_s3_client import S3Client

MIB = 1024 * 1024
how, url, path = sys.argv[1:]

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024

async def zeros(size):
    piece = bytes(256 * 1024)
    for _ in range(size // len(piece)):
        yield piece

async def main():
    options = {"part_size": 8 * MIB, "workers_count": 4}
    async with S3Client(url=url, access_key_id="key", secret_access_key="secret") as client:
        # Threads, buffers and the allocator's own stock are part of the baseline.
        await client.put_multipart("bucket/warm", zeros(MIB), **options)
        before = peak()
        if how == "file":
            await client.put_file_multipart("bucket/big", path, **options)
        elif how == "stream":
            await client.put_multipart("bucket/big", zeros(256 * MIB), **options)
        else:
            # 256 MiB, and as much as the warming up left to be used again.
            await client.put("bucket/greedy", b"x" * (264 * MIB))
        print(json.dumps(peak() - before))

asyncio.run(main())
"""


@asynccontextmanager
async def drain() -> AsyncIterator[tuple[str, Callable[[], int]]]:
    """The URL of a server that takes parts and forgets them, and how many bytes it took.

    A real server would write a gibibyte for each of these tests.
    """
    taken = 0

    async def take(request: web.Request) -> web.Response:
        nonlocal taken
        async for data in request.content.iter_any():
            taken += len(data)
        if request.method == "PUT":
            return web.Response(headers={"ETag": '"part"'})
        if "uploads" in request.query:
            name, content = "InitiateMultipartUploadResult", "<UploadId>upload</UploadId>"
        else:
            name, content = "CompleteMultipartUploadResult", "<ETag>whole</ETag>"
        return web.Response(text=f"<{name}>{content}</{name}>", content_type="application/xml")

    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", lambda: taken
    finally:
        await runner.cleanup()


async def growth(how: str, path: Path) -> tuple[int, int]:
    """By how much a fresh process grew while it uploaded, and how many bytes arrived."""
    async with drain() as (url, taken):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", UPLOAD, how, url, str(path)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        output, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        return json.loads(output), taken()


pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the peak of a process is read from /proc/self/status"
)


async def test_upload_of_a_file_of_a_gibibyte(tmp_path: Path) -> None:
    """(workers_count + 2) * part_size above the baseline at most."""
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(SIZE)
    grown, taken = await growth("file", path)
    assert taken >= SIZE
    assert grown < LIMIT, f"{grown / MIB:.0f} MiB"


async def test_upload_of_a_stream(tmp_path: Path) -> None:
    """The same bound: parts that were sent are gone, not waiting for a garbage collection."""
    grown, taken = await growth("stream", tmp_path)
    assert taken >= STREAMED
    assert grown < LIMIT, f"{grown / MIB:.0f} MiB"


async def test_measure_notices_what_is_held_in_memory(tmp_path: Path) -> None:
    """So that the test above could fail."""
    grown, taken = await growth("bytes", tmp_path)
    assert taken >= 256 * MIB
    assert grown > 250 * MIB
