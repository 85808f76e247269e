"""The calls that transfer, each as one entry, and what each must have brought about.

A new call is one function with ``@call``: it does its work in a ``Place``. What it uploads in
parts of ``PART`` bytes is ``Place.data``, which takes three of them; all else moves
``Place.small``, which takes four ranges: larger bodies cost time and test nothing else.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pytest

from aiohttp_s3_client import S3Client
from tests.servers.oracle import Oracle

PART = 5 * 1024 * 1024
SIZE = 2 * PART + 70_001
RANGE = 1024 * 1024 + 1
"""The step of downloads: none of their ranges ends at a round number."""
SMALL = 3 * RANGE + 70_001

Kind = Literal["up", "down", "memory", "copy", "list"]


@dataclass(slots=True)
class Place:
    """Where a call works: a client, a bucket and a folder, with the data in both.

    The bucket is that of all tests of this process, which change no other object than ``SENT``.
    """

    client: S3Client
    bucket: str
    folder: Path
    data: bytes = field(repr=False)
    """What is sent in parts."""
    oracle: Oracle
    got: bytes | None = field(default=None, repr=False)
    """What a call that downloads into memory brought."""
    before: bytes | None = b"what stood here before"
    """What stands at the destination of a download before it begins."""

    STORED = "stored.bin"
    SENT = "sent.bin"
    PROBE = "probe.bin"
    PROBE_SIZE = 256 * 1024

    @property
    def small(self) -> bytes:
        """What is stored, and what is sent in one request."""
        return self.data[:SMALL]

    @property
    def stored(self) -> str:
        """The name of the object that holds ``small``."""
        return f"{self.bucket}/{self.STORED}"

    @property
    def sent(self) -> str:
        """The name of the object that uploads and copies make."""
        return f"{self.bucket}/{self.SENT}"

    @property
    def source(self) -> Path:
        """The file that holds ``data``."""
        return self.folder / "source.bin"

    @property
    def small_source(self) -> Path:
        """The file that holds ``small``."""
        return self.folder / "small.bin"

    @property
    def target(self) -> Path:
        """The file that downloads make."""
        return self.folder / "target.bin"

    def fill(self) -> None:
        """Put the data where the calls look for it. Blocks."""
        self.source.write_bytes(self.data)
        self.small_source.write_bytes(self.small)
        self.oracle.put(self.bucket, self.STORED, self.small)
        self.oracle.put(self.bucket, self.PROBE, self.data[: self.PROBE_SIZE])

    def take(self, filled: Place) -> None:
        """Begin with the files of *filled*, and without what a failed test left. Blocks."""
        self.source.hardlink_to(filled.source)
        self.small_source.hardlink_to(filled.small_source)
        for key, upload_id in self.oracle.uploads(self.bucket):
            self.oracle.client.abort_multipart_upload(
                Bucket=self.bucket, Key=key, UploadId=upload_id
            )
        self.reset()

    def reset(self) -> None:
        """As if no call had been made. Blocks."""
        self.got = None
        self.oracle.delete(self.bucket, self.SENT)
        if self.before is not None:
            self.target.write_bytes(self.before)

    async def still_works(self, connections: int) -> None:
        """So many connections are to be had at once, and each next answer is right.

        The object is too large for what is received ahead, so each holds its connection.
        """
        names = [f"{self.bucket}/{self.PROBE}"] * connections
        async with asyncio.timeout(10):
            answers = await asyncio.gather(*(self.client.get(name) for name in names))
            for answer in answers:
                async with answer:
                    assert await answer.read() == self.data[: self.PROBE_SIZE]


@dataclass(frozen=True, slots=True)
class Call:
    """One way to transfer."""

    name: str
    kind: Kind
    method: str
    """The attribute of ``S3Client`` that it needs."""
    run: Callable[[Place], Awaitable[None]] = field(repr=False)
    verifies: bool = False
    """Whether a wrong byte in a download has to be noticed with what the test server offers."""
    single: bool = False
    """One request without retries of its body: a fault may well end it."""

    def need(self) -> None:
        """Skip the test while the client has no such method."""
        if not hasattr(S3Client, self.method):
            pytest.skip(f"S3Client has no {self.method} yet")

    def check(self, place: Place, *, whole: bool) -> None:
        """Everything right (*whole*), or after a failure: nothing wrong. Blocks."""
        left = sorted(path.name for path in place.folder.iterdir())
        names = [place.small_source.name, place.source.name, place.target.name]
        assert left in (names, names[:2]), f"{self.name} left {left}"
        if self.kind == "down":
            there = place.target.read_bytes() if place.target.exists() else None
            if whole or there != place.before:
                assert there == place.small, f"{self.name} wrote something else"
        elif self.kind == "memory":
            if whole or place.got is not None:
                assert place.got == place.small, f"{self.name} gave something else"
        elif self.kind in ("up", "copy"):
            exists = place.oracle.head(place.bucket, place.SENT) is not None
            if whole or exists:
                sent = place.oracle.get(place.bucket, place.SENT)
                expected = place.small if self.single or self.kind == "copy" else place.data
                assert sent == expected, f"{self.name} stored something else"


CALLS: list[Call] = []
_Run: TypeAlias = Callable[[Place], Awaitable[None]]


def call(
    method: str, kind: Kind, *, verifies: bool = False, single: bool = False
) -> Callable[[_Run], _Run]:
    """Enter the decorated function into the table of calls, by its own name."""

    def enter(run: _Run) -> _Run:
        CALLS.append(Call(run.__name__, kind, method, run, verifies, single))
        return run

    return enter


def every(*kinds: Kind) -> pytest.MarkDecorator:
    """Parametrize a test by ``call``: all calls, or those of *kinds*."""
    chosen = [each for each in CALLS if not kinds or each.kind in kinds]
    return pytest.mark.parametrize("call", chosen, ids=[each.name for each in chosen])


async def pieces(data: bytes, size: int = 512 * 1024) -> AsyncIterator[bytes]:
    """*data* as a stream that lets others run."""
    for start in range(0, len(data), size):
        yield data[start : start + size]
        await asyncio.sleep(0)


# --- one request each


@call("put", "up", single=True)
async def put(place: Place) -> None:
    async with place.client.put(place.sent, place.small) as resp:
        resp.raise_for_status()


@call("put", "up")
async def put_stream(place: Place) -> None:
    """Of unknown length: it becomes an upload in parts."""
    async with place.client.put(place.sent, pieces(place.data)) as resp:
        resp.raise_for_status()


@call("put_file", "up", single=True)
async def put_file(place: Place) -> None:
    async with place.client.put_file(place.sent, place.small_source) as resp:
        resp.raise_for_status()


@call("get", "memory", single=True)
async def get(place: Place) -> None:
    async with place.client.get(place.stored) as resp:
        resp.raise_for_status()
        place.got = await resp.read()


@call("list_objects_v2", "list")
async def list_objects_v2(place: Place) -> None:
    pages = place.client.list_objects_v2(place.bucket, max_keys=1)
    keys = [each.key async for objects, _ in pages for each in objects]
    assert place.STORED in keys


@call("copy", "copy", single=True)
async def copy(place: Place) -> None:
    async with place.client.copy(place.stored, place.sent) as resp:
        resp.raise_for_status()


# --- in parts


@call("put_file_multipart", "up")
async def put_file_multipart(place: Place) -> None:
    await place.client.put_file_multipart(place.sent, place.source, part_size=PART, workers_count=2)


@call("put_multipart", "up")
async def put_multipart(place: Place) -> None:
    await place.client.put_multipart(
        place.sent, pieces(place.data), part_size=PART, workers_count=2
    )


@call("multipart_upload", "up")
async def multipart_upload(place: Place) -> None:
    async with place.client.multipart_upload(place.sent) as uploader:
        try:
            async with asyncio.TaskGroup() as group:
                for start in range(0, len(place.data), PART):
                    group.create_task(uploader.put_part(place.data[start : start + PART]))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None


@call("get_file_parallel", "down")
async def get_file_parallel(place: Place) -> None:
    await place.client.get_file_parallel(
        place.stored, place.target, range_step=RANGE, workers_count=3
    )


# --- managed


def transfer_config(**options: Any) -> Any:
    """A ``TransferConfig`` with small parts; it is asked for only where there is one."""
    from aiohttp_s3_client.config import TransferConfig

    sizes = {"multipart_threshold": PART, "multipart_chunksize": PART, "max_concurrency": 3}
    return TransferConfig(**{**sizes, **options})


def managed(place: Place) -> Any:
    """The client, for methods that a type checker may not know yet."""
    return place.client


@call("upload_file", "up")
async def upload_file(place: Place) -> None:
    await managed(place).upload_file(
        place.source, place.bucket, place.SENT, config=transfer_config()
    )


@call("upload_fileobj", "up")
async def upload_fileobj(place: Place) -> None:
    file = io.BytesIO(place.data)
    await managed(place).upload_fileobj(file, place.bucket, place.SENT, config=transfer_config())


@call("download_file", "down")
async def download_file(place: Place) -> None:
    config = transfer_config(multipart_threshold=RANGE, multipart_chunksize=RANGE)
    await managed(place).download_file(place.bucket, place.STORED, place.target, config=config)


@call("download_file", "down", verifies=True)
async def download_file_verified(place: Place) -> None:
    """Held to the MD5 that the ETag is, since the configuration asks for it."""
    config = transfer_config(multipart_threshold=RANGE, multipart_chunksize=RANGE, checksum=True)
    await managed(place).download_file(place.bucket, place.STORED, place.target, config=config)


@call("download_file", "down", verifies=True)
async def download_file_whole(place: Place) -> None:
    """In one range, which is held to the MD5 that the ETag is."""
    config = transfer_config(multipart_threshold=2 * SIZE)
    await managed(place).download_file(place.bucket, place.STORED, place.target, config=config)


@call("download_fileobj", "memory")
async def download_fileobj(place: Place) -> None:
    file = io.BytesIO()
    config = transfer_config(multipart_threshold=RANGE, multipart_chunksize=RANGE)
    await managed(place).download_fileobj(place.bucket, place.STORED, file, config=config)
    place.got = file.getvalue()


@call("managed_copy", "copy")
async def managed_copy(place: Place) -> None:
    """Below the threshold, since the test server does not copy parts."""
    await managed(place).managed_copy(
        {"Bucket": place.bucket, "Key": place.STORED},
        place.bucket,
        place.SENT,
        config=transfer_config(multipart_threshold=2 * SIZE),
    )


# --- client.api


@call("api", "up")
async def api_put_object_stream(place: Place) -> None:
    """Of unknown length: it becomes an upload in parts."""
    body = pieces(place.data)
    await place.client.api.put_object(Bucket=place.bucket, Key=place.SENT, Body=body)


@call("api", "memory")
async def api_get_object_chunks(place: Place) -> None:
    """Without ``async with``: who is cancelled between two chunks leaves the body as it is."""
    found = await place.client.api.get_object(Bucket=place.bucket, Key=place.STORED)
    chunks = [chunk async for chunk in found["Body"].iter_chunks(700_001)]
    place.got = b"".join(chunks)


@call("api", "list")
async def api_paginate(place: Place) -> None:
    pages = place.client.api.paginate(
        "list_objects_v2", Bucket=place.bucket, PaginationConfig={"PageSize": 1}
    )
    assert place.STORED in [entry["Key"] async for entry in pages.items()]


@call("api", "list")
async def api_wait_until(place: Place) -> None:
    await place.client.api.wait_until(
        "object_not_exists",
        Bucket=place.bucket,
        Key="never",
        WaiterConfig={"Delay": 0, "MaxAttempts": 3},
    )


@call("delete_objects", "list")
async def delete_objects(place: Place) -> None:
    names = (f"nothing-{number}" for number in range(1_200))
    deleted, errors = await place.client.delete_objects(names, bucket=place.bucket)
    assert len(deleted) == 1_200
    assert not errors
