"""``memory_limit`` bounds what all requests of a client hold, measured on a fresh process.

Downloads are given out slowly and uploads are answered slowly, so that whatever may be held is.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from aiohttp_s3_client.meta_request import S3ChecksumConfig
from aiohttp_s3_client.protocol.checksums import compute, encode
from tests.behaviour.material import noise
from tests.servers.scripted import StartScript
from tests.servers.steps import Recorded, Step, hang, reply
from tests.transport.scripts import ETAG, RangedObject, asked_range, kind, upload_step

from .calls import DEFAULT, GET, PUT, Log, ask, client_of

MIB = 1024 * 1024
LIMIT = 20 * MIB
AMPLE = 400 * MIB
SIZE = 40 * MIB
"""Of each of the four objects."""
BESIDE = 30 * MIB
"""What connections, the allocator and aiohttp hold beside the parts."""

CLIENT = """
import asyncio, json, sys
from aiohttp_s3_client.meta_request import *

MIB = 1024 * 1024
how, host, limit, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024

class Zeros:
    def __init__(self, size):
        self.left = size
    def read(self, size=-1):
        count = min(size, self.left)
        self.left -= count
        return bytes(count)

async def slowly(chunk, offset, **kwargs):
    if offset == 0:
        await asyncio.sleep(0.7)

async def main():
    client = S3Client(
        region="us-east-1", tls_mode=S3RequestTlsMode.DISABLED, part_size=5 * MIB,
        memory_limit=limit,
    )
    def begin(size):
        if how == "download":
            headers = HttpHeaders([("Host", host)])
            request = HttpRequest("GET", f"/bucket/{size}", headers)
            return client.make_request(
                type=S3RequestType.GET_OBJECT, request=request, on_body=slowly
            )
        headers = HttpHeaders([("Host", host), ("Content-Length", str(size))])
        request = HttpRequest("PUT", "/bucket/key", headers, Zeros(size))
        return client.make_request(type=S3RequestType.PUT_OBJECT, request=request)
    async with client:
        # Threads and connections are part of the baseline.
        await begin(MIB).finished_future
        before = peak()
        await asyncio.gather(*(begin(size).finished_future for _ in range(4)))
        print(json.dumps(peak() - before))

asyncio.run(main())
"""


@asynccontextmanager
async def store(pause: float) -> AsyncIterator[str]:
    """The host of a server that has objects of any size, named by it, and forgets what it takes,
    after *pause* seconds."""
    piece = bytes(256 * 1024)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            return await send(request)
        async for _ in request.content.iter_any():
            pass
        if request.method == "PUT":
            await asyncio.sleep(pause)
            return web.Response(headers={"ETag": '"part"'})
        if "uploads" in request.query:
            name, content = "InitiateMultipartUploadResult", "<UploadId>upload</UploadId>"
        else:
            name, content = "CompleteMultipartUploadResult", "<ETag>whole</ETag>"
        return web.Response(text=f"<{name}>{content}</{name}>", content_type="application/xml")

    async def send(request: web.Request) -> web.StreamResponse:
        total = int(request.path.rpartition("/")[2])
        first, _, last = request.headers["Range"].removeprefix("bytes=").partition("-")
        start, stop = int(first), min(int(last) + 1, total)
        headers = {"ETag": '"e"', "Content-Range": f"bytes {start}-{stop - 1}/{total}"}
        response = web.StreamResponse(status=206, headers=headers)
        response.content_length = left = stop - start
        await response.prepare(request)
        while left:
            sent = piece[:left]
            await response.write(sent)
            left -= len(sent)
        await response.write_eof()
        return response

    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def growth(how: str, limit: int, pause: float) -> int:
    """By how much a fresh process grew at most while it moved four objects side by side."""
    async with store(pause) as host:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", CLIENT, how, host, str(limit), str(SIZE)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        output, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        return int(json.loads(output))


@pytest.mark.skipif(
    sys.platform != "linux", reason="the peak of a process is read from /proc/self/status"
)
@pytest.mark.parametrize("how", ["download", "upload"])
async def test_memory_limit_bounds_what_is_held(how: str) -> None:
    """An ample one lets much more be held, so the test could fail."""
    bounded, ample = await asyncio.gather(growth(how, LIMIT, 0.1), growth(how, AMPLE, 0.3))
    assert bounded < LIMIT + BESIDE, f"{bounded / MIB:.0f} MiB of {LIMIT / MIB:.0f}"
    assert ample > 100 * MIB, f"{ample / MIB:.0f} MiB"


# Buffers of files


async def test_ranges_into_files_share_the_limit(scripted: StartScript, tmp_path: Path) -> None:
    """Each may need a buffer of 256 KiB: 20 of them at a time here, of two downloads."""
    answers = RangedObject(noise(10_000))
    held: list[Recorded] = []
    all_held = asyncio.Event()

    def step(request: Recorded) -> Step:
        if request.header("Range") == "bytes=0-99":
            return answers(request)
        held.append(request)
        if len(held) == 20:
            all_held.set()
        return hang()

    server = await scripted(rest=step)
    async with client_of(
        server, part_size=100, memory_limit=5 * MIB, throughput_target_gbps=100
    ) as client:
        for name in ("a", "b"):
            client.make_request(type=GET, request=ask(server), recv_filepath=tmp_path / name)
        async with asyncio.timeout(10):
            await all_held.wait()
        await asyncio.sleep(0.1)
        assert len(held) == 20
        await client.close()


async def test_parts_of_files_share_the_limit(scripted: StartScript, tmp_path: Path) -> None:
    """Each reads 1 MiB ahead: five of them at a time here, of two uploads."""
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(100 * MIB)

    def step(request: Recorded) -> Step:
        return hang() if kind(request).startswith("part") else upload_step(request)

    server = await scripted(rest=step, keep_bodies=False)
    client = client_of(server, part_size=5 * MIB, memory_limit=5 * MIB)
    for _ in range(2):
        request = ask(server, method="PUT")
        client.make_request(type=PUT, request=request, send_filepath=path)
    await server.wait_for(7)
    await asyncio.sleep(0.1)
    parts = [request for request in server.requests if request.method == "PUT"]
    assert len(parts) == 5
    await client.close()


async def test_other_requests_share_the_limit(scripted: StartScript) -> None:
    """Each may hold 1 MiB of a body."""
    server = await scripted(rest=hang())
    client = client_of(server, part_size=5 * MIB, memory_limit=5 * MIB)
    for _ in range(10):
        client.make_request(type=DEFAULT, request=ask(server), operation_name="GetObject")
    await server.wait_for(5)
    await asyncio.sleep(0.1)
    assert len(server.requests) == 5
    await client.close()


# Whoever waits for memory keeps nothing that others need


async def test_more_requests_than_connections_and_memory_for_one(scripted: StartScript) -> None:
    """Each asks for the object's checksum beside its first range, on a connection of its own."""
    data = noise(1000, 7) * 5300  # A little more than a part.
    checksum = {"x-amz-checksum-crc32": encode(compute("CRC32", data)), "ETag": ETAG}
    server = await scripted(
        rest=RangedObject(data), inquiry=reply(200, checksum, content_length=len(data))
    )
    async with client_of(
        server, part_size=5 * MIB, memory_limit=5 * MIB, throughput_target_gbps=1
    ) as client:
        wanted = S3ChecksumConfig(validate_response=True)
        arguments = {"type": GET, "request": ask(server), "checksum_config": wanted}
        logs = await asyncio.gather(*(Log().of(client, **arguments) for _ in range(12)))
    assert [log.end["did_validate_checksum"] for log in logs] == [True] * 12
    assert all(log.body == data for log in logs)


async def test_a_callback_may_wait_for_another_request(scripted: StartScript) -> None:
    """One request never takes all the memory that there is."""
    size = 120 * MIB

    def step(request: Recorded) -> Step:
        if request.target == "/bucket/small":
            return reply(200, {"ETag": ETAG}, b"small")
        wanted = asked_range(request, size)
        assert wanted is not None
        start, stop = wanted
        said = {"ETag": ETAG, "Content-Range": f"bytes {start}-{stop - 1}/{size}"}
        return reply(206, said, bytes(stop - start))

    server = await scripted(rest=step)
    # 10 connections: more ranges of 5 MiB are wanted than may wait.
    client = client_of(server, part_size=5 * MIB, memory_limit=110 * MIB, throughput_target_gbps=1)
    inner: list[Log] = []

    async def on_body(chunk: bytes, offset: int) -> None:
        if not inner:
            log = Log()
            inner.append(log)
            await asyncio.sleep(0.2)
            await log.of(client, type=GET, request=ask(server, "/bucket/small"))

    log = Log()
    async with asyncio.timeout(20):
        await log.of(client, type=GET, request=ask(server), on_body=on_body)
    assert inner[0].body == b"small"
    assert log.end["error"] is None
