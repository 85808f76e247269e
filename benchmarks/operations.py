"""What an operation of ``client.api`` costs: the model's loading, and HeadObject and PutObject.

The model is loaded in fresh processes. Then each operation, ``client.request`` for the same
request, and the client's own verb for it take turns at one server of canned answers, and CPU time
is compared. Exit status 1 when the best rounds, too, miss a target: a busy machine does not count.
``python -m benchmarks.operations [--requests 300] [--rounds 25] [--loads 9]``
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import NamedTuple

from aiohttp_s3_client import S3Client

from .canned import serving

CONCURRENCY = 32
BODY = bytes(1024)
LOADING_TARGET_MS = 15.0

HEADERS = (
    b"x-amz-id-2: eftixk72aD6Ap51TnqcoF8eFidJG9Z/2mkiDFu8yU9AS1ed4OpIszj7UDNEHGran\r\n"
    b"x-amz-request-id: 318BC8BC148832E5\r\n"
    b"Date: Wed, 28 Oct 2009 22:32:00 GMT\r\n"
    b'ETag: "fba9dede5f27731c9771645a39863328"\r\n'
    b"x-amz-server-side-encryption: AES256\r\n"
    b"Server: AmazonS3\r\n"
)
HEAD_ANSWER = (
    b"HTTP/1.1 200 OK\r\n"
    + HEADERS
    + b"Last-Modified: Sun, 01 Jan 2006 12:00:00 GMT\r\n"
    + b"Accept-Ranges: bytes\r\nContent-Type: text/plain\r\nContent-Length: 434234\r\n"
    + b"x-amz-meta-owner: somebody\r\n\r\n"
)
PUT_ANSWER = (
    b"HTTP/1.1 200 OK\r\n"
    + HEADERS
    + b"x-amz-checksum-crc64nvme: AAAAAAAAAAA=\r\nx-amz-checksum-type: FULL_OBJECT\r\n"
    + b"Content-Length: 0\r\n\r\n"
)

LOADING = """
import asyncio, time
import aiohttp_s3_client
from aiohttp_s3_client.operations.loading import s3_model

async def main():
    await asyncio.to_thread(int)
    for _ in range(2):
        wall, cpu = time.perf_counter(), time.process_time()
        await s3_model()
        print((time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3)

asyncio.run(main())
"""
"""What the first ``s3_model()`` of a process takes and what the second; threads were used."""

Send = Callable[[], Awaitable[None]]


class Compared(NamedTuple):
    """An operation, beside the same request by other ways."""

    name: str
    target: float
    """Microseconds that it may take beyond ``client.request``."""
    ways: dict[str, Send]
    """``client.request`` first, ``client.api`` second."""


def answer(line: bytes) -> bytes:
    return HEAD_ANSWER if line.startswith(b"HEAD") else PUT_ANSWER


def loading(count: int) -> list[tuple[float, float, float]]:
    """For each of *count* processes: milliseconds of the first call, wall and CPU, and of the
    second, wall."""
    found = []
    for _ in range(count):
        done = subprocess.run(
            [sys.executable, "-c", LOADING], capture_output=True, text=True, check=True
        )
        first, again = (tuple(map(float, line.split())) for line in done.stdout.splitlines())
        found.append((first[0], first[1], again[0]))
    return found


async def cpu_microseconds(send: Send, requests: int) -> float:
    """CPU time of one request, when ``CONCURRENCY`` of them are in flight."""
    left = iter(range(requests))

    async def work() -> None:
        for _ in left:
            await send()

    started = time.process_time()
    await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
    return (time.process_time() - started) / requests * 1e6


def compared(client: S3Client) -> list[Compared]:
    """What is measured, through *client*."""

    async def request_head() -> None:
        async with client.request("HEAD", "bucket/key") as response:
            await response.read()

    async def verb_head() -> None:
        async with client.head("bucket/key") as response:
            await response.read()

    async def api_head() -> None:
        await client.api.head_object(Bucket="bucket", Key="key")

    async def request_put() -> None:
        async with client.request("PUT", "bucket/key", data=BODY) as response:
            await response.read()

    async def verb_put() -> None:
        async with client.put("bucket/key", BODY) as response:
            await response.read()

    async def api_put() -> None:
        await client.api.put_object(Bucket="bucket", Key="key", Body=BODY)

    return [
        Compared("HeadObject", 40.0, {"request": request_head, "api": api_head, "head": verb_head}),
        Compared(
            "PutObject 1 KiB", 60.0, {"request": request_put, "api": api_put, "put": verb_put}
        ),
    ]


async def measure(url: str, requests: int, rounds: int) -> bool:
    """Whether every operation kept to its target."""
    kept = True
    async with S3Client(
        url=url, access_key_id="key-id", secret_access_key="secret-key", region="us-east-1"
    ) as client:
        for name, target, ways in compared(client):
            times: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(rounds + 1):
                for way, send in ways.items():
                    times[way].append(await cpu_microseconds(send, requests))
            for taken in times.values():
                del taken[0]  # Connections were opened and the model was loaded in it.
            base, api = times["request"], times["api"]
            beyond = median(ours - theirs for ours, theirs in zip(api, base, strict=True))
            medians = ", ".join(f"client.{way} {median(taken):.0f}" for way, taken in times.items())
            print(
                f"{name}, us of CPU: {medians}; api beyond request {beyond:.1f} "
                f"(ratio {median(api) / median(base):.2f}, target {target:.0f})"
            )
            kept = kept and min(api) - min(base) < target
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300, help="in a round")
    parser.add_argument("--rounds", type=int, default=25, help="of which the median counts")
    parser.add_argument("--loads", type=int, default=9, help="processes that load the model")
    options = parser.parse_args()
    found = loading(options.loads)
    wall, cpu, again = (median(column) for column in zip(*found, strict=True))
    print(
        f"model, ms: first use {wall:.1f} ({cpu:.1f} of CPU, target {LOADING_TARGET_MS:.0f}), "
        f"then {again:.4f}"
    )
    kept = min(first for first, _, _ in found) < LOADING_TARGET_MS
    with serving(answer) as url:
        kept = asyncio.run(measure(url, options.requests, options.rounds)) and kept
    if not kept:
        print("a target was missed", file=sys.stderr)
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
