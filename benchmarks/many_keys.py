"""What listing 100,000 keys costs, in pages of 1,000: this client's two ways, and boto3's.

``client.list_objects_v2`` has a reader of its own, ``client.api.paginate`` the one of all
operations. Canned pages, as AWS writes them, come from a server beside; each listing runs in a
process of its own, and they take turns. Clients that are not installed are left out.
``python -m benchmarks.many_keys [--pages 100] [--rounds 5]``
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import multiprocessing
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from statistics import median
from typing import Any, NamedTuple

from aiohttp_s3_client import S3Client

from .canned import serving
from .compare.clients.base import resident_peak
from .listing import PAGE, page

MIB = 1024 * 1024
BUCKET = "bucket"
KEYS = ("key-id", "secret-key")


class Spent(NamedTuple):
    """What one listing took."""

    keys: int
    cpu: float
    wall: float
    """Seconds, like ``cpu``."""
    memory: int
    """Bytes that the process's peak grew by; 0 where the system does not tell."""


def pages(count: int) -> list[bytes]:
    """Whole answers. The first has token 1, as the next page's, and so on."""
    body = page("AWS", PAGE)
    made = []
    for number in range(1, count + 1):
        more = (
            f"<IsTruncated>true</IsTruncated><NextContinuationToken>{number}"
            "</NextContinuationToken>"
        )
        last = number == count
        # Of one length, so that the keys of each page are others.
        document = body.replace(b"/part-", b"/%04d-" % number)
        if not last:
            document = document.replace(b"<IsTruncated>false</IsTruncated>", more.encode(), 1)
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: {len(document)}"
        )
        made.append(head.encode() + b"\r\n\r\n" + document)
    return made


def answer(made: list[bytes], line: bytes) -> bytes:
    _, found, rest = line.partition(b"continuation-token=")
    return made[int(rest.split(b"&")[0].split(b" ")[0]) if found else 0]


def with_list_objects_v2(url: str) -> int:
    async def main() -> int:
        async with our_client(url) as client:
            found = 0
            async for objects, _ in client.list_objects_v2(bucket=BUCKET):
                found += len(objects)
            return found

    return asyncio.run(main())


def with_api(url: str) -> int:
    async def main() -> int:
        async with our_client(url) as client:
            found = 0
            async for _ in client.api.paginate("list_objects_v2", Bucket=BUCKET).items():
                found += 1
            return found

    return asyncio.run(main())


def our_client(url: str) -> S3Client:
    return S3Client(url=url, access_key_id=KEYS[0], secret_access_key=KEYS[1], region="us-east-1")


def with_boto3(url: str) -> int:
    boto3: Any = importlib.import_module("boto3")
    client = boto3.client("s3", **botos_arguments(url))
    listing = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return sum(1 for found in listing for _ in found["Contents"])


def with_aiobotocore(url: str) -> int:
    async def main() -> int:
        session: Any = importlib.import_module("aiobotocore.session").get_session()
        async with session.create_client("s3", **botos_arguments(url)) as client:
            listing = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
            count = 0
            async for found in listing:
                for _ in found["Contents"]:
                    count += 1
            return count

    return asyncio.run(main())


def botos_arguments(url: str) -> dict[str, str]:
    return {
        "endpoint_url": url,
        "aws_access_key_id": KEYS[0],
        "aws_secret_access_key": KEYS[1],
        "region_name": "us-east-1",
    }


WAYS: dict[str, tuple[str, Callable[[str], int]]] = {
    "client.list_objects_v2": ("aiohttp_s3_client", with_list_objects_v2),
    "client.api.paginate": ("aiohttp_s3_client", with_api),
    "boto3": ("boto3", with_boto3),
    "aiobotocore": ("aiobotocore", with_aiobotocore),
}
"""What is measured: the package that it needs, and what returns the number of keys at a URL."""


def measured(way: str, urls: tuple[str, str], to: Connection) -> None:
    """Send what a listing took: imports, model and connection are the first, unmeasured one's."""
    count = WAYS[way][1]
    short, long = urls
    count(short)
    peak, cpu, wall = resident_peak(), time.process_time(), time.perf_counter()
    found = count(long)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    to.send(Spent(found, cpu, wall, resident_peak() - peak))


def in_a_process(way: str, urls: tuple[str, str]) -> Spent:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=measured, args=(way, urls, theirs)
    )
    process.start()
    theirs.close()
    try:
        spent: Spent = ours.recv()
    finally:
        process.join()
    return spent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=100, help="of 1,000 keys each")
    parser.add_argument("--rounds", type=int, default=5, help="of which the median counts")
    options = parser.parse_args()
    keys = options.pages * PAGE
    ways = [way for way, (needed, _) in WAYS.items() if importlib.util.find_spec(needed)]
    spent: dict[str, list[Spent]] = {way: [] for way in ways}
    with (
        serving(partial(answer, pages(1))) as short,
        serving(partial(answer, pages(options.pages))) as long,
    ):
        for _ in range(options.rounds):
            for way in ways:
                spent[way].append(in_a_process(way, (short, long)))
    print(f"listing {keys} keys in pages of {PAGE} (median of {options.rounds})")
    print(f"{'':<24}{'CPU s':>8}{'wall s':>8}{'MiB more':>10}{'us a key':>10}")
    for way, taken in spent.items():
        if any(each.keys != keys for each in taken):
            raise SystemExit(f"{way}: {taken[0].keys} keys, expected {keys}")
        cpu, wall, memory = (
            median(each[column] for each in taken) for column in range(1, len(Spent._fields))
        )
        print(f"{way:<24}{cpu:>8.2f}{wall:>8.2f}{memory / MIB:>10.1f}{cpu / keys * 1e6:>10.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
