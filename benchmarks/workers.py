"""How many workers a transfer wants: upload and download of one file at 1, 2, 4, 8 and 16.

Against rclone's S3 server, the rounds interleaved.
``python -m benchmarks.workers [--size 256] [--rounds 3]``
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

import aiohttp

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.config import MIB
from tests.servers.rclone import RcloneServer

WORKERS = (1, 2, 4, 8, 16)


async def measure(client: S3Client, folder: Path, size: int, rounds: int) -> None:
    source = folder / "source.bin"
    source.write_bytes(os.urandom(size * MIB))
    async with client.put("bucket") as response:
        response.raise_for_status()
    seconds: dict[tuple[str, int], list[float]] = {}
    for _ in range(rounds):
        for workers in WORKERS:
            started = time.perf_counter()
            await client.put_file_multipart("bucket/big", source, workers_count=workers)
            middle = time.perf_counter()
            await client.get_file_parallel("bucket/big", folder / "copy", workers_count=workers)
            ended = time.perf_counter()
            seconds.setdefault(("upload", workers), []).append(middle - started)
            seconds.setdefault(("download", workers), []).append(ended - middle)
    print("workers  upload MiB/s  download MiB/s")
    for workers in WORKERS:
        up, down = (
            size / statistics.median(seconds[what, workers]) for what in ("upload", "download")
        )
        print(f"{workers:7}  {up:12.0f}  {down:14.0f}")


async def run(size: int, rounds: int) -> None:
    with RcloneServer() as server, tempfile.TemporaryDirectory() as folder:
        info = server.infos[0]
        async with aiohttp.ClientSession() as session:
            client = S3Client(
                session,
                info.url,
                access_key_id=info.access_key_id,
                secret_access_key=info.secret_access_key,
                region=info.region,
            )
            await measure(client, Path(folder), size, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=256, help="MiB (default 256)")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    asyncio.run(run(options.size, options.rounds))


if __name__ == "__main__":
    main()
