"""Killed at any moment, a transfer with ``resume=True`` goes on where it was.

The proxy counts: beside the parts in flight nothing is sent or fetched again.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from aiohttp_s3_client import S3Client

from ..servers.running import RunningServer
from .calls import Place
from .plans import Exchange, Fault
from .proxy import FaultProxy

MIB = 1024 * 1024
PART = 5 * MIB
PARTS = 6
CONCURRENCY = 2
KILLS = 3

_PROGRAM = """
import asyncio, sys
from aiohttp_s3_client import S3Client
from aiohttp_s3_client.config import TransferConfig

url, key_id, secret, region, bucket, method, path, part, concurrency = sys.argv[1:]

async def main():
    config = TransferConfig(
        multipart_threshold=int(part),
        multipart_chunksize=int(part),
        max_concurrency=int(concurrency),
        resume=True,
    )
    client = S3Client(url=url, access_key_id=key_id, secret_access_key=secret, region=region)
    async with client:
        if method == "upload_file":
            await client.upload_file(path, bucket, "key", config=config)
        else:
            await client.download_file(bucket, "key", path, config=config)

asyncio.run(main())
"""


async def run(place: Place, proxy: FaultProxy, method: str, path: Path, kill: float | None) -> None:
    """The transfer in a process of its own, which gets SIGKILL after *kill* seconds of traffic."""
    info = place.oracle.info
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROGRAM,
        *(proxy.url, info.access_key_id, info.secret_access_key, info.region),
        *(place.bucket, method, str(path), str(PART), str(CONCURRENCY)),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    reading = asyncio.ensure_future(process.communicate())
    try:
        async with asyncio.timeout(30):
            if kill is not None:
                while not proxy.exchanges and not reading.done():  # noqa: ASYNC110
                    await asyncio.sleep(0.002)
                await asyncio.wait({reading}, timeout=kill)
                if process.returncode is None:
                    process.kill()
            _, said = await reading
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.wait({reading})
    if kill is None:
        assert process.returncode == 0, said.decode()


def slowed(exchange: Exchange) -> Fault | None:
    """Parts take their time, so that there is a middle to be killed in."""
    return Fault("delay", 0, 0.08) if exchange.method in ("GET", "PUT") else None


@pytest.fixture
def place(
    client_of: Callable[..., S3Client],
    proxy: FaultProxy,
    embedded: RunningServer,
    embedded_bucket: str,
    tmp_path: Path,
) -> Place:
    """A place with nothing in it: it gets larger objects, which are counted."""
    folder = tmp_path / "place"
    folder.mkdir()
    return Place(client_of(proxy.url), embedded_bucket, folder, b"", embedded.oracle)


def need(method: str) -> None:
    if not hasattr(S3Client, method):
        pytest.skip(f"S3Client has no {method} yet")


@pytest.mark.parametrize("seed", range(2))
async def test_upload_killed_and_resumed(place: Place, proxy: FaultProxy, seed: int) -> None:
    """At most the parts in flight are sent again, over all the kills; the object is whole."""
    need("upload_file")
    rng = random.Random(seed)
    data = rng.randbytes((PARTS - 1) * PART + 12_345)
    path = place.folder / "big.bin"
    path.write_bytes(data)
    proxy.clear(slowed)
    sent: Counter[str] = Counter()
    runs = 0
    for kill in [*(rng.uniform(0.02, 0.4) for _ in range(KILLS)), None]:
        await run(place, proxy, "upload_file", path, kill)
        runs += 1
        sent += Counter(e.query for e in proxy.exchanges if "partNumber" in e.query and e.sent)
        proxy.clear(slowed)
        if await asyncio.to_thread(place.oracle.head, place.bucket, "key"):
            break  # It was done before the kill: another run would be another upload.
    assert await asyncio.to_thread(place.oracle.get, place.bucket, "key") == data
    assert await asyncio.to_thread(place.oracle.uploads, place.bucket) == []
    again = sum(sent.values()) - PARTS
    assert again <= CONCURRENCY * (runs - 1), sent
    assert [each.name for each in place.folder.iterdir() if "big" in each.name] == ["big.bin"]


@pytest.mark.parametrize("seed", range(2))
async def test_download_killed_and_resumed(place: Place, proxy: FaultProxy, seed: int) -> None:
    """At most the ranges in flight are fetched again; under its name the file is whole or not."""
    need("download_file")
    rng = random.Random(seed)
    data = rng.randbytes((PARTS - 1) * PART + 12_345)
    await asyncio.to_thread(place.oracle.put, place.bucket, "key", data)
    path = place.folder / "big.bin"
    proxy.clear(slowed)
    fetched = 0
    runs = 0
    for kill in [*(rng.uniform(0.02, 0.4) for _ in range(KILLS)), None]:
        await run(place, proxy, "download_file", path, kill)
        runs += 1
        fetched += sum(each.received for each in proxy.exchanges if each.method == "GET")
        proxy.clear(slowed)
        if path.exists():  # It was done before the kill: another run would be another download.
            break
    assert path.read_bytes() == data
    # A range that the proxy has handed over may still have been on its way to the disk.
    assert fetched - len(data) <= CONCURRENCY * PART * (runs - 1)
    assert [each.name for each in place.folder.iterdir() if "big" in each.name] == ["big.bin"]


async def test_a_changed_source_is_sent_afresh(place: Place, proxy: FaultProxy) -> None:
    need("upload_file")
    path = place.folder / "big.bin"
    path.write_bytes(random.Random(1).randbytes(4 * PART))
    proxy.clear(slowed)
    await run(place, proxy, "upload_file", path, 0.15)
    changed = random.Random(2).randbytes(4 * PART)
    path.write_bytes(changed)
    await run(place, proxy, "upload_file", path, None)
    assert await asyncio.to_thread(place.oracle.get, place.bucket, "key") == changed


async def test_a_changed_object_is_fetched_afresh(place: Place, proxy: FaultProxy) -> None:
    need("download_file")
    path = place.folder / "big.bin"
    for seed in (1, 2):
        data = random.Random(seed).randbytes(4 * PART)
        await asyncio.to_thread(place.oracle.put, place.bucket, "key", data)
        proxy.clear(slowed)
        await run(place, proxy, "download_file", path, 0.15 if seed == 1 else None)
    assert path.read_bytes() == data
