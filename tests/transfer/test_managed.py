"""Managed transfers at a scripted server: every setting has its effect, and so every argument."""

from __future__ import annotations

import asyncio
import base64
import errno
import hashlib
import io
import os
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import aiohttp
import pytest

from aiohttp_s3_client import S3Client, TransferConfig
from aiohttp_s3_client.config import MIB
from aiohttp_s3_client.errors import ChecksumMismatch, NotFound, SlowDown
from aiohttp_s3_client.protocol import checksums
from aiohttp_s3_client.protocol.extra_args import allowed
from aiohttp_s3_client.transfer.progress import Progress

from ..faults import driver
from ..servers.scripted import StartScript
from ..servers.steps import Recorded, Reply, Step, reply
from ..transport.scripts import (
    COPIED,
    ETAG,
    RangedObject,
    asked_range,
    client_for,
    error,
    kind,
    kinds,
    part_number,
    upload_step,
)

PART = 5 * MIB
STEP = 100_000
DATA = hashlib.shake_128(b"managed").digest(2 * PART + 1234)
SMALL = DATA[: 4 * STEP + 77]
MD5 = f'"{hashlib.md5(SMALL).hexdigest()}"'
UP = TransferConfig(PART, 3, PART)
DOWN = TransferConfig(STEP, 3, STEP)


COPIED_PART = reply(200, {}, "<CopyPartResult><ETag>&quot;x&quot;</ETag></CopyPartResult>")


class Store:
    """A server that takes every upload and gives *data*, and counts the requests in flight."""

    def __init__(self, data: bytes = SMALL, etag: str = ETAG, *, delay: float = 0.0) -> None:
        self.object = RangedObject(data, etag)
        self.delay = delay
        self.headers: dict[str, str] = {}

    def __call__(self, request: Recorded) -> Step:
        if request.method == "HEAD":
            size = str(len(self.object.data))
            return reply(200, {"ETag": self.object.etag, "Content-Length": size, **self.headers})
        if request.target.endswith("?tagging="):
            return reply(200, {}, "<Tagging><TagSet/></Tagging>")
        if request.method == "GET":
            return self.object(request, headers=self.headers, delay=self.delay)
        if kind(request) == "PUT":
            if request.header("x-amz-copy-source"):
                return COPIED
            return reply(200, {"ETag": '"put"'}, delay=self.delay)
        answer = upload_step(request)
        if request.header("x-amz-copy-source"):
            return COPIED_PART
        if part_number(request) is not None:
            return reply(200, {"ETag": f'"{part_number(request):032x}"'}, delay=self.delay)
        return answer


class Flight:
    """How many requests are on their way at most, seen by aiohttp's tracing."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.trace = aiohttp.TraceConfig()
        self.trace.on_request_start.append(self._begun)
        self.trace.on_request_end.append(self._ended)
        self.trace.on_request_exception.append(self._ended)

    async def _begun(self, *_: object) -> None:
        self.now += 1
        self.most = max(self.most, self.now)

    async def _ended(self, *_: object) -> None:
        self.now -= 1


class NoThreads(ThreadPoolExecutor):
    """A default executor that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__(1)
        self.asked: list[object] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        self.asked.append(args or fn)
        return super().submit(fn, *args, **kwargs)


Transfer = Callable[[S3Client, Path, TransferConfig], Awaitable[Any]]


async def up_file(client: S3Client, folder: Path, config: TransferConfig) -> Any:
    (folder / "source").write_bytes(DATA)
    return await client.upload_file(folder / "source", "bucket", "key", config=config)


async def up_small_file(client: S3Client, folder: Path, config: TransferConfig) -> Any:
    (folder / "source").write_bytes(SMALL)
    return await client.upload_file(folder / "source", "bucket", "key", config=config)


async def up_open_file(client: S3Client, folder: Path, config: TransferConfig) -> Any:
    (folder / "source").write_bytes(DATA)
    with open(folder / "source", "rb") as file:  # noqa: ASYNC230
        return await client.upload_fileobj(file, "bucket", "key", config=config)


async def up_bytes(client: S3Client, folder: Path, config: TransferConfig) -> Any:
    return await client.upload_fileobj(DATA, "bucket", "key", config=config)


async def up_stream(client: S3Client, folder: Path, config: TransferConfig) -> Any:
    pieces = (DATA[start : start + MIB] for start in range(0, len(DATA), MIB))
    return await client.upload_fileobj(pieces, "bucket", "key", config=config)


async def up_resumable(client: S3Client, folder: Path, config: TransferConfig) -> Any:
    return await up_file(client, folder, replace(config, resume=True))


async def down_file(client: S3Client, folder: Path, config: TransferConfig) -> Any:
    return await client.download_file("bucket", "key", folder / "target", config=config)


async def down_resumable(client: S3Client, folder: Path, config: TransferConfig) -> Any:
    return await down_file(client, folder, replace(config, resume=True))


async def down_fileobj(client: S3Client, folder: Path, config: TransferConfig) -> Any:
    file = io.BytesIO()
    result = await client.download_fileobj("bucket", "key", file, config=config)
    assert file.getvalue() == SMALL
    return result


async def get_bytes(client: S3Client, folder: Path, config: TransferConfig) -> Any:
    assert await client.get_bytes("bucket", "key", config=config) == SMALL


async def get_into(client: S3Client, folder: Path, config: TransferConfig) -> Any:
    buffer = bytearray(len(SMALL))
    await client.get_into("bucket", "key", buffer, config=config)
    assert buffer == SMALL


async def get_ranges(client: S3Client, folder: Path, config: TransferConfig) -> Any:
    ranges = [(start, start + 10) for start in range(0, 4 * STEP, STEP)]
    got = await client.get_ranges("bucket", "key", ranges, coalesce=0, config=config)
    assert got == [SMALL[start:stop] for start, stop in ranges]


async def stream(client: S3Client, folder: Path, config: TransferConfig) -> Any:
    async with client.open_stream("bucket", "key", config=config) as pieces:
        assert b"".join([piece async for piece in pieces]) == SMALL


async def copied(client: S3Client, folder: Path, config: TransferConfig) -> Any:
    await client.managed_copy({"Bucket": "from", "Key": "key"}, "bucket", "key", config=config)


def name_of(work: Transfer) -> str:
    return str(getattr(work, "__name__", ""))


UPLOADS: list[Transfer] = [up_file, up_small_file, up_open_file, up_bytes, up_stream, up_resumable]
DOWNLOADS: list[Transfer] = [
    down_file, down_resumable, down_fileobj, get_bytes, get_into, get_ranges, stream
]  # fmt: skip
EVERY = [*UPLOADS, *DOWNLOADS]


def config_of(work: Transfer, **settings: Any) -> TransferConfig:
    size = PART if work in UPLOADS else STEP
    sizes = {"multipart_threshold": size, "multipart_chunksize": size, "max_concurrency": 3}
    return TransferConfig(**{**sizes, **settings})


# --- every setting of TransferConfig


@pytest.mark.parametrize("work", [up_file, up_open_file, up_bytes, down_file, get_into, get_ranges])
@pytest.mark.parametrize("concurrency", [1, 2, 3])
async def test_max_concurrency(
    scripted: StartScript, tmp_path: Path, work: Transfer, concurrency: int
) -> None:
    flight, server = Flight(), await scripted(rest=Store(delay=0.05))
    async with aiohttp.ClientSession(trace_configs=[flight.trace]) as session:
        config = config_of(work, max_concurrency=concurrency, checksum=False)
        await work(client_for(server, session), tmp_path, config)
    assert flight.most == concurrency


@pytest.mark.parametrize("work", EVERY)
async def test_no_threads_means_none_and_one_request_in_flight(
    scripted: StartScript, tmp_path: Path, work: Transfer
) -> None:
    executor = NoThreads()
    asyncio.get_running_loop().set_default_executor(executor)
    flight, server = Flight(), await scripted(rest=Store(delay=0.01))
    before = set(threading.enumerate())
    async with aiohttp.ClientSession(trace_configs=[flight.trace]) as session:
        config = config_of(work, max_concurrency=10, use_threads=False)
        await work(client_for(server, session), tmp_path, config)
    assert executor.asked == []
    assert set(threading.enumerate()) <= before
    assert flight.most == 1


@pytest.mark.parametrize("work", [up_file, up_bytes, up_stream, up_small_file])
async def test_max_bandwidth_of_uploads(
    scripted: StartScript, tmp_path: Path, work: Transfer
) -> None:
    server = await scripted(rest=Store())
    size = len(SMALL) if work is up_small_file else len(DATA)
    async with client_for(server) as client:
        begun = time.monotonic()
        await work(client, tmp_path, config_of(work, max_bandwidth=int(size / 0.6)))
        took = time.monotonic() - begun
    assert 0.4 < took < 6


@pytest.mark.parametrize("work", [down_file, down_fileobj, get_bytes, get_into, stream])
@pytest.mark.parametrize("kind_of", ["auto", "classic"])
async def test_max_bandwidth_of_downloads(
    scripted: StartScript, tmp_path: Path, work: Transfer, kind_of: str
) -> None:
    server = await scripted(rest=Store())
    config = config_of(work, max_bandwidth=int(len(SMALL) / 0.6), preferred_transfer_client=kind_of)
    async with client_for(server) as client:
        begun = time.monotonic()
        await work(client, tmp_path, config)
        took = time.monotonic() - begun
    assert 0.4 < took < 6


@pytest.mark.parametrize("work", EVERY)
async def test_classic_uses_public_paths_alone(
    scripted: StartScript, tmp_path: Path, work: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*args: object, **kwargs: object) -> Any:
        raise AssertionError("a borrowed socket was used")

    for name in ("sendfile", "splice"):
        if hasattr(os, name):
            monkeypatch.setattr(os, name, forbidden)
    server = await scripted(rest=Store())
    async with client_for(server) as client:
        await work(client, tmp_path, config_of(work, preferred_transfer_client="classic"))


@pytest.mark.parametrize("work", DOWNLOADS)
@pytest.mark.parametrize("attempts", [1, 2, 4])
async def test_num_download_attempts(
    scripted: StartScript, tmp_path: Path, work: Transfer, attempts: int
) -> None:
    """Each range is asked for so often and no more: nothing multiplies."""

    def answer(request: Recorded) -> Step:
        start, _ = asked_range(request, len(SMALL)) or (0, 0)
        return error(503, "SlowDown") if start == STEP else store(request)

    store, server = Store(), await scripted(rest=answer)
    async with client_for(server) as client:
        with pytest.raises(SlowDown):
            await work(client, tmp_path, config_of(work, num_download_attempts=attempts))
    asked = Counter(r.header("Range") for r in server.requests if r.method == "GET")
    assert [n for header, n in asked.items() if f"={STEP}-" in str(header)] == [attempts]
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("work", [up_file, up_bytes, up_stream])
async def test_attempts_of_parts_never_multiply(
    scripted: StartScript, tmp_path: Path, work: Transfer
) -> None:
    """Part 2 fails twice and then arrives: three sends, one of each of the others."""
    failures = iter(range(2))

    def answer(request: Recorded) -> Step:
        if part_number(request) == 2 and next(failures, None) is not None:
            return error(503, "SlowDown")
        return upload_step(request)

    server = await scripted(rest=answer)
    moved: list[int] = []
    async with client_for(server) as client:
        (tmp_path / "source").write_bytes(DATA)
        given: Any = {
            "up_file": tmp_path / "source",
            "up_bytes": DATA,
            "up_stream": iter([DATA[:9], DATA[9:]]),
        }[name_of(work)]
        await client.upload_fileobj(given, "bucket", "key", config=UP, callback=moved.append)
    sent = Counter(kinds(server))
    assert sent == {"create": 1, "part 1": 1, "part 2": 3, "part 3": 1, "complete": 1}
    assert sum(moved) == len(DATA)


@pytest.mark.parametrize("work", [up_file, up_bytes, up_stream])
async def test_a_part_that_always_fails(
    scripted: StartScript, tmp_path: Path, work: Transfer
) -> None:
    """As often as the client's ``max_attempts``, then the upload is aborted."""

    def answer(request: Recorded) -> Step:
        return error(503, "SlowDown") if part_number(request) == 2 else upload_step(request)

    server = await scripted(rest=answer)
    async with client_for(server) as client:
        with pytest.raises(SlowDown):
            await work(client, tmp_path, UP)
    sent = Counter(kinds(server))
    assert sent["part 2"] == 3
    assert sent["abort"] == 1
    assert sent["complete"] == 0


@pytest.mark.parametrize(
    ("config", "limit"),
    [
        (TransferConfig(MIB, 8, MIB, max_io_queue=4, io_chunksize=MIB // 2), 2 * MIB),
        (TransferConfig(MIB, 8, MIB, max_io_queue=100, memory_limit=5 * MIB), 5 * MIB),
    ],
    ids=["max_io_queue", "memory_limit"],
)
async def test_a_stream_holds_no_more_than_it_may(
    scripted: StartScript, config: TransferConfig, limit: int
) -> None:
    """A reader who does not read stops the fetching; what arrived meanwhile is bounded."""
    data = bytes(40) * MIB
    server = await scripted(rest=Store(data), keep_bodies=False)
    async with client_for(server) as client:
        async with client.open_stream("bucket", "key", config=config) as pieces:
            await anext(pieces)
            await asyncio.sleep(0.2)
            asked = sum(request.method == "GET" for request in server.requests)
            assert asked * MIB <= limit + MIB
            assert asked > 1
            rest = 0
            async for piece in pieces:
                rest += len(piece)
    assert rest > 39 * MIB


class Chunks:
    """A file object that notes the sizes of what it gets."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def write(self, data: bytes) -> int:
        self.sizes.append(len(data))
        return len(data)


@pytest.mark.parametrize("size", [1000, 50_000, 1_000_000])
async def test_io_chunksize_is_what_is_written_at_a_time(scripted: StartScript, size: int) -> None:
    server, file = await scripted(rest=Store()), Chunks()
    async with client_for(server) as client:
        config = TransferConfig(STEP, 3, STEP, io_chunksize=size)
        await client.download_fileobj("bucket", "key", file, config=config)
    assert sum(file.sizes) == len(SMALL)
    assert set(file.sizes[:-1]) <= {size}
    assert file.sizes[-1] <= size


@pytest.mark.parametrize(
    ("threshold", "gets"), [(len(SMALL) + 1, 1), (len(SMALL), 5), (STEP, 5), (1, 5)]
)
async def test_the_threshold_of_downloads(
    scripted: StartScript, tmp_path: Path, threshold: int, gets: int
) -> None:
    """An object below it comes in one request; one as large comes in ranges."""
    server = await scripted(rest=Store())
    config = TransferConfig(threshold, 3, STEP)
    async with client_for(server) as client:
        await client.download_file("bucket", "key", tmp_path / "target", config=config)
    assert (tmp_path / "target").read_bytes() == SMALL
    assert sum(request.method == "GET" for request in server.requests) == gets


def offering(algorithm: str, data: bytes) -> Reply:
    value = checksums.encode(checksums.compute(algorithm, data))
    return reply(
        200,
        {
            "ETag": ETAG,
            "Content-Length": str(len(SMALL)),
            f"x-amz-checksum-{algorithm.lower()}": value,
            "x-amz-checksum-type": "FULL_OBJECT",
        },
    )


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA256"])
@pytest.mark.parametrize("checksum", [None, True, "SHA256", False])
@pytest.mark.parametrize("work", [down_file, down_fileobj, down_resumable])
async def test_downloads_are_held_to_what_the_server_offers(
    scripted: StartScript, tmp_path: Path, work: Transfer, checksum: Any, algorithm: str
) -> None:
    server = await scripted(rest=Store(), inquiry=offering(algorithm, SMALL))
    async with client_for(server) as client:
        result = await work(client, tmp_path, config_of(work, checksum=checksum))
    assert result.verified is (checksum is not False)
    assert bool(server.inquiries) == (checksum is not False)
    assert (result.size, result.etag, result.version_id) == (len(SMALL), ETAG, None)


@pytest.mark.parametrize("work", DOWNLOADS)
async def test_a_wrong_checksum(scripted: StartScript, tmp_path: Path, work: Transfer) -> None:
    """Ranges by themselves cannot be held to it; everything else is."""
    server = await scripted(rest=Store(), inquiry=offering("CRC32", b"something else"))
    async with client_for(server) as client:
        if work is get_ranges:
            await work(client, tmp_path, config_of(work))
            return
        with pytest.raises(ChecksumMismatch):
            await work(client, tmp_path, config_of(work))
        assert not list(tmp_path.iterdir())
        await work(client, tmp_path, config_of(work, checksum=False))


@pytest.mark.parametrize(("checksum", "verified"), [(None, None), (True, True), (False, False)])
async def test_an_md5_etag_of_many_ranges_is_used_on_request(
    scripted: StartScript, tmp_path: Path, checksum: Any, verified: bool | None
) -> None:
    inquiry = reply(200, {"ETag": MD5, "Content-Length": str(len(SMALL))})
    server = await scripted(rest=Store(SMALL, MD5), inquiry=inquiry)
    async with client_for(server) as client:
        result = await down_file(client, tmp_path, config_of(down_file, checksum=checksum))
    assert result.verified is verified


async def test_fsync_comes_before_the_rename(
    scripted: StartScript, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, order = await scripted(rest=Store()), []
    for name, real in (("fsync", os.fsync), ("replace", os.replace)):

        def watched(*args: Any, name: str = name, real: Any = real) -> Any:
            order.append(name)
            return real(*args)

        monkeypatch.setattr(os, name, watched)
    async with client_for(server) as client:
        await down_file(client, tmp_path, config_of(down_file))
        assert order == ["replace"]
        order.clear()
        await down_file(client, tmp_path, config_of(down_file, fsync=True))
    assert order == ["fsync", "replace", "fsync"]  # the file, its name, the folder


# --- arguments


DOWNLOAD_ARGS: dict[str, tuple[Any, str]] = {
    "ExpectedBucketOwner": ("123456789012", "x-amz-expected-bucket-owner"),
    "IfNoneMatch": ('"other"', "If-None-Match"),
    "RequestPayer": ("requester", "x-amz-request-payer"),
    "SSECustomerAlgorithm": ("AES256", "x-amz-server-side-encryption-customer-algorithm"),
    "SSECustomerKey": ("k" * 32, "x-amz-server-side-encryption-customer-key"),
}


@pytest.mark.parametrize("name", [*DOWNLOAD_ARGS, "VersionId", "IfMatch", "ChecksumMode"])
@pytest.mark.parametrize("method", ["download_file", "download_fileobj", "get_bytes"])
async def test_each_argument_goes_with_every_request(
    scripted: StartScript, tmp_path: Path, name: str, method: str
) -> None:
    """GETs of all ranges; HEADs too where it is not about the GET alone."""
    server = await scripted(rest=Store())
    value, header = DOWNLOAD_ARGS.get(name, ({"IfMatch": ETAG}.get(name, "ENABLED"), ""))
    async with client_for(server) as client:
        where: dict[str, Any] = {
            "download_file": (tmp_path / "t",),
            "download_fileobj": (Chunks(),),
        }
        await getattr(client, method)(
            "bucket", "key", *where.get(method, ()), extra_args={name: value}, config=DOWN
        )
    gets = [request for request in server.requests if request.method == "GET"]
    assert len(gets) == 5
    for request, first in zip(gets, [True, *[False] * 4], strict=True):
        if header:
            expected = base64.b64encode(value.encode()).decode() if "CustomerKey" in name else value
            assert request.header(header) == expected
        elif name == "VersionId":
            assert request.target == "/bucket/key?versionId=ENABLED"
        elif name == "IfMatch":
            assert request.header("If-Match") == ETAG
        else:  # What is a part has no checksum of the whole, and the first range may be that.
            assert request.header("x-amz-checksum-mode") == ("ENABLED" if first else None)
    for request in server.inquiries:
        if name not in ("IfNoneMatch", "IfMatch", "ChecksumMode", "VersionId"):
            assert request.header(header) == gets[0].header(header)
        if name == "VersionId":
            assert request.target == "/bucket/key?versionId=ENABLED"


def test_no_download_argument_is_forgotten() -> None:
    rest = allowed("download") - DOWNLOAD_ARGS.keys()
    assert rest == {"VersionId", "IfMatch", "ChecksumMode", "SSECustomerKeyMD5"}


@pytest.mark.parametrize("name", ["Unknown", "Metadata", "ACL", "Range"])
@pytest.mark.parametrize(
    "method", ["download_file", "download_fileobj", "get_bytes", "get_into", "get_ranges", "open"]
)
async def test_unknown_names_of_downloads(
    scripted: StartScript, tmp_path: Path, method: str, name: str
) -> None:
    server = await scripted()
    extra: Any = {name: "x"}
    async with client_for(server) as client:

        async def opened() -> None:
            client.open_stream("bucket", "key", extra_args=extra)

        calls: dict[str, Callable[[], Any]] = {
            "download_file": lambda: client.download_file("bucket", "key", tmp_path / "f", extra),
            "download_fileobj": lambda: client.download_fileobj("bucket", "key", Chunks(), extra),
            "get_bytes": lambda: client.get_bytes("bucket", "key", extra_args=extra),
            "get_into": lambda: client.get_into("bucket", "key", bytearray(1), extra_args=extra),
            "get_ranges": lambda: client.get_ranges("bucket", "key", [(0, 1)], extra_args=extra),
            "open": opened,
        }
        with pytest.raises(ValueError, match=name):
            await calls[method]()
    assert not server.requests


MISSING: list[tuple[str, dict[str, Any], str]] = [
    ("upload_file", {"bucket": "bucket", "key": "k"}, "filename"),
    ("upload_file", {"filename": "f", "bucket": "bucket"}, "key"),
    ("upload_file", {"filename": "f", "key": "k"}, "bucket"),
    ("upload_fileobj", {"Bucket": "bucket", "Key": "k"}, "fileobj"),
    ("download_file", {"bucket": "bucket", "key": "k"}, "filename"),
    ("download_file", {"Filename": "f"}, "key"),
    ("download_fileobj", {"bucket": "bucket", "key": "k"}, "fileobj"),
    ("managed_copy", {"bucket": "bucket", "key": "k"}, "copy_source"),
    ("managed_copy", {"copy_source": {"Bucket": "bucket", "Key": "k"}, "bucket": "bucket"}, "key"),
    ("copy", {"Bucket": "bucket", "Key": "k"}, "copy_source"),
    ("upload_file", {"filename": "f", "bucket": "bucket", "key": "k", "Wrong": 1}, "Wrong"),
    ("upload_file", {"filename": "f", "bucket": "bucket", "key": "k", "Fileobj": 1}, "Fileobj"),
    (
        "download_file",
        {"filename": "f", "bucket": "bucket", "key": "k", "SourceClient": 1},
        "Source",
    ),
]


@pytest.mark.parametrize(("method", "arguments", "named"), MISSING)
async def test_missing_and_foreign_arguments(
    scripted: StartScript, method: str, arguments: dict[str, Any], named: str
) -> None:
    server = await scripted()
    async with client_for(server) as client:
        with pytest.raises(TypeError, match=named):
            await getattr(client, method)(**arguments)
    assert not server.requests


WRONG: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"config": {"multipart_threshold": 1}}, TypeError),
    ({"extra_args": ["ACL"]}, TypeError),
    ({"callback": 5}, TypeError),
    ({"progress": "x"}, TypeError),
    ({"key": ""}, ValueError),
    ({"key": 5}, TypeError),
    ({"bucket": "a/b"}, ValueError),
    ({"bucket": ""}, ValueError),
    ({"extra_args": {"Metadata": "x"}}, TypeError),
    ({"extra_args": {"ACL": 5}}, TypeError),
    ({"extra_args": {"ACL": "a\r\nb"}}, ValueError),
]


@pytest.mark.parametrize(("wrong", "error_type"), WRONG)
async def test_wrong_arguments(
    scripted: StartScript, wrong: dict[str, Any], error_type: type[Exception]
) -> None:
    server = await scripted()
    arguments: dict[str, Any] = {"fileobj": b"x", "bucket": "bucket", "key": "key", **wrong}
    async with client_for(server) as client:
        with pytest.raises(error_type):
            await client.upload_fileobj(**arguments)
    assert not server.requests


@pytest.mark.parametrize(
    ("source", "error_type"),
    [
        ("bucket/key", TypeError),
        ({"Bucket": "bucket"}, ValueError),
        ({"Bucket": "bucket", "Key": ""}, ValueError),
        ({"Bucket": "bucket", "Key": "k", "Other": "x"}, ValueError),
    ],
)
async def test_wrong_sources_of_copies(
    scripted: StartScript, source: Any, error_type: type[Exception]
) -> None:
    server = await scripted()
    async with client_for(server) as client:
        with pytest.raises(error_type):
            await client.managed_copy(source, "bucket", "key")
        with pytest.raises(TypeError, match="source_client"):
            await client.managed_copy(
                {"Bucket": "bucket", "Key": "k"},
                "bucket",
                "key",
                source_client=5,  # type: ignore[arg-type]  # on purpose
            )
    assert not server.requests


async def test_a_client_bound_to_a_bucket(scripted: StartScript, tmp_path: Path) -> None:
    """Keys are relative to its URL, its bucket may be named or left out, and no other one."""
    server = await scripted(rest=Store())
    async with client_for(server, url=f"{server.url}/bucket/under") as client:
        for bucket in (None, "bucket"):
            await client.upload_fileobj(b"x", bucket, "key")
            await client.download_file(bucket, "key", tmp_path / "f")
        assert {request.target for request in server.requests} == {"/bucket/under/key"}
        count = len(server.requests)
        for call in (
            lambda: client.upload_file(tmp_path / "f", "another", "key"),
            lambda: client.upload_fileobj(b"x", Bucket="another", Key="key"),
            lambda: client.download_file("another", "key", tmp_path / "g"),
            lambda: client.download_fileobj("another", "key", io.BytesIO()),
            lambda: client.managed_copy({"Bucket": "bucket", "Key": "k"}, "another", "key"),
            lambda: client.get_bytes("another", "key"),
        ):
            with pytest.raises(ValueError, match="another"):
                await call()
    assert len(server.requests) == count


async def test_a_dict_makes_copy_a_managed_copy(scripted: StartScript) -> None:
    server = await scripted(rest=Store(b"x" * 100))
    async with client_for(server) as client:
        moved: list[int] = []
        await client.copy({"Bucket": "from", "Key": "b c"}, "bucket", "key", None, moved.append)
        put = server.requests[-1] if server.requests[-1].method == "PUT" else server.requests[-2]
        assert put.target == "/bucket/key"
        assert put.header("x-amz-copy-source") in ("/from/b%20c", "from/b%20c")
        assert sum(moved) == 100
        async with client.copy("from/b", "bucket/other") as response:
            assert response.status == 200


# --- callbacks


@pytest.mark.parametrize("kind_of", ["sync", "async"])
@pytest.mark.parametrize("work", ["up", "down", "fileobj", "copy"])
async def test_callbacks(scripted: StartScript, tmp_path: Path, work: str, kind_of: str) -> None:
    seen: list[int] = []

    async def told(size: int) -> None:
        await asyncio.sleep(0)
        seen.append(size)

    callback: Any = seen.append if kind_of == "sync" else told
    phases: list[str] = []

    def progress(state: Progress) -> None:
        if not phases or phases[-1] != state.phase:
            phases.append(state.phase)
        if state.phase == "done":
            assert state.transferred == state.total == sum(seen)
            assert state.fraction == 1.0

    server = await scripted(rest=Store())
    async with client_for(server) as client:
        if work == "up":
            size = len(DATA)
            await client.upload_fileobj(
                DATA, "bucket", "key", callback=callback, config=UP, progress=progress
            )
            assert phases == ["transferring", "completing", "done"]
        elif work == "down":
            size = len(SMALL)
            await client.download_file(
                "bucket", "key", tmp_path / "f", None, callback, DOWN, progress=progress
            )
            assert phases == ["transferring", "verifying", "done"]
        elif work == "fileobj":
            size = len(SMALL)
            await client.download_fileobj(
                "bucket", "key", io.BytesIO(), None, callback, DOWN, progress=progress
            )
            assert phases == ["transferring", "done"]
        else:
            size = len(SMALL)
            await client.managed_copy(
                {"Bucket": "from", "Key": "b"},
                "bucket",
                "key",
                callback=callback,
                progress=progress,
            )
            assert phases[-1] == "done"
    assert sum(seen) == size
    assert all(each > 0 for each in seen)


@pytest.mark.parametrize("cut", [1, 50_000, 99_999])
async def test_sums_are_right_when_ranges_break_off(
    scripted: StartScript, tmp_path: Path, cut: int
) -> None:
    """Bytes that come again are not counted again."""
    cuts = iter([cut] * 7)
    stored = RangedObject(SMALL)

    def answer(request: Recorded) -> Step:
        at = next(cuts, None) if request.method == "GET" else None
        return stored(request, cut=at) if at is not None else store(request)

    store, server = Store(), await scripted(rest=answer)
    for target in (tmp_path / "f", io.BytesIO()):
        moved: list[int] = []
        async with client_for(server) as client:
            if isinstance(target, Path):
                await client.download_file("bucket", "key", target, None, moved.append, DOWN)
                assert target.read_bytes() == SMALL
            else:
                await client.download_fileobj("bucket", "key", target, None, moved.append, DOWN)
                assert target.getvalue() == SMALL
        assert sum(moved) == len(SMALL)
        cuts = iter([cut] * 7)


class Stopped(Exception):
    """What a callback raises."""


@pytest.mark.parametrize("kind_of", ["sync", "async", "progress"])
@pytest.mark.parametrize("after", [0, 1, 2])
async def test_a_callback_that_raises(
    scripted: StartScript, tmp_path: Path, kind_of: str, after: int
) -> None:
    """It cancels the transfer and comes out: nothing at the destination, the upload aborted."""
    calls = 0

    def count(_: object) -> None:
        nonlocal calls
        calls += 1
        if calls > after:
            raise Stopped

    async def count_later(_: object) -> None:
        await asyncio.sleep(0.001)
        count(None)

    told: dict[str, Any] = {"sync": count, "async": count_later, "progress": count}
    how = {"progress" if kind_of == "progress" else "callback": told[kind_of]}
    server = await scripted(rest=Store(delay=0.02))
    target = tmp_path / "target"
    target.write_bytes(b"before")
    one = {"max_concurrency": 1}
    async with client_for(server) as client:
        with pytest.raises(Stopped):
            await client.upload_fileobj(
                iter([DATA[:PART], DATA[PART : 2 * PART], DATA[2 * PART :]]),
                "bucket", "key", config=config_of(up_bytes, **one), **how,
            )  # fmt: skip
        assert kinds(server)[-1] == "abort"
        assert "complete" not in kinds(server)
        calls = 0
        with pytest.raises(Stopped):
            await client.download_file(
                "bucket", "key", target, config=config_of(down_file, **one), **how
            )
        assert target.read_bytes() == b"before"
        assert [path.name for path in tmp_path.iterdir()] == ["target"]
        calls = 0
        with pytest.raises(Stopped):
            await client.download_fileobj(
                "bucket", "key", Chunks(), config=config_of(down_file, **one), **how
            )
        async with asyncio.timeout(5):
            assert await client.get_bytes("bucket", "key") == SMALL


async def test_the_last_callback_can_still_stop_an_upload(scripted: StartScript) -> None:
    """What it raises comes before Complete, which could not be taken back."""
    seen = 0

    async def told(size: int) -> None:
        nonlocal seen
        seen += size
        await asyncio.sleep(0.05)
        if seen == len(DATA):
            raise Stopped

    server = await scripted(rest=Store())
    async with client_for(server) as client:
        with pytest.raises(Stopped):
            await client.upload_fileobj(DATA, "bucket", "key", callback=told, config=UP)
    assert seen == len(DATA)
    assert kinds(server)[-1] == "abort"
    assert "complete" not in kinds(server)


# --- download_fileobj


class Unseekable:
    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data


class Async(Unseekable):
    async def write(self, data: bytes) -> int:  # type: ignore[override]  # that is what it tests
        await asyncio.sleep(0)
        self.data += data
        return len(data)


class Wrapped(Unseekable):
    """Its ``write`` is no coroutine function, and gives something to await."""

    def write(self, data: bytes) -> Awaitable[int]:  # type: ignore[override]  # that is what it tests
        self.data += data

        async def done() -> int:
            return len(data)

        return done()


class Reluctant(io.RawIOBase):
    """A raw file that takes seven bytes fewer than given, but at least one."""

    def __init__(self) -> None:
        super().__init__()
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        taken = max(1, min(9000, len(data) - 7))
        self.data += bytes(data[:taken])
        return taken


@pytest.mark.parametrize("make", [Unseekable, Async, Wrapped, Reluctant])
@pytest.mark.parametrize("threads", [True, False])
async def test_every_kind_of_file_object(
    scripted: StartScript, make: Callable[[], Any], threads: bool
) -> None:
    server, file = await scripted(rest=Store()), make()
    async with client_for(server) as client:
        config = TransferConfig(STEP, 3, STEP, use_threads=threads)
        result = await client.download_fileobj("bucket", "key", file, config=config)
    assert file.data == SMALL
    assert result.size == len(SMALL)


async def test_real_files_and_where_they_stand(scripted: StartScript, tmp_path: Path) -> None:
    server = await scripted(rest=Store())
    async with client_for(server) as client:
        for mode, buffering in (("wb", -1), ("wb", 0), ("ab", -1)):
            with open(tmp_path / "f", mode, buffering) as file:  # noqa: ASYNC230
                file.write(b"head")
                await client.download_fileobj("bucket", "key", file, config=DOWN)
                file.write(b"tail")
            assert (tmp_path / "f").read_bytes()[-len(SMALL) - 8 :] == b"head" + SMALL + b"tail"
        file = io.BytesIO(b"headX")
        file.seek(4)
        await client.download_fileobj("bucket", "key", file, config=DOWN)
    assert file.getvalue() == b"head" + SMALL


@pytest.mark.parametrize("file", [io.StringIO(), 5, "name", b"bytes", object()])
async def test_what_is_no_binary_file(scripted: StartScript, file: Any) -> None:
    server = await scripted()
    async with client_for(server) as client:
        with pytest.raises(TypeError, match="fileobj"):
            await client.download_fileobj("bucket", "key", file)
    assert not server.requests


@pytest.mark.parametrize("count", [0, -1])
async def test_a_file_that_takes_nothing(scripted: StartScript, count: int) -> None:
    """An error, in the place of trying for ever."""

    class Full:
        def write(self, data: bytes) -> int:
            return count

    server = await scripted(rest=Store())
    async with client_for(server) as client:
        async with asyncio.timeout(5):
            with pytest.raises(BlockingIOError, match="fileobj took"):
                await client.download_fileobj("bucket", "key", Full(), config=DOWN)


async def test_a_pipe_that_nobody_reads(scripted: StartScript) -> None:
    """A raw file that does not block says None when it is full: nothing is lost in silence."""
    server = await scripted(rest=Store())
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with open(reading, "rb"), open(writing, "wb", 0) as file:  # noqa: ASYNC230
        async with client_for(server) as client:
            with pytest.raises(BlockingIOError):
                await client.download_fileobj("bucket", "key", file, config=DOWN)


@pytest.mark.parametrize("after", [0, 2])
async def test_a_file_whose_write_fails(scripted: StartScript, after: int) -> None:
    class Full(Chunks):
        def write(self, data: bytes) -> int:
            if len(self.sizes) == after:
                raise OSError(errno.ENOSPC, "full")
            return super().write(data)

    server = await scripted(rest=Store(delay=0.01))
    async with client_for(server) as client:
        config = TransferConfig(STEP, 3, STEP, io_chunksize=STEP)
        with pytest.raises(OSError, match="full"):
            await client.download_fileobj("bucket", "key", Full(), config=config)
        async with asyncio.timeout(5):
            assert await client.get_bytes("bucket", "key") == SMALL


@pytest.mark.parametrize("work", DOWNLOADS)
async def test_an_object_that_is_not_there(
    scripted: StartScript, tmp_path: Path, work: Transfer
) -> None:
    server = await scripted(rest=error(404, "NoSuchKey"))
    async with client_for(server) as client:
        with pytest.raises(NotFound):
            await work(client, tmp_path, config_of(work))
    assert [path.name for path in tmp_path.iterdir()] == []


# --- cancellation


@pytest.mark.parametrize("moment", ["suspended", "resuming"])
@pytest.mark.parametrize("work", [*EVERY, copied])
async def test_p9_cancelled_at_many_awaits(
    scripted: StartScript,
    tmp_path: Path,
    work: Transfer,
    moment: Literal["suspended", "resuming"],
) -> None:
    """P9: no upload and no file is left (but what goes on with it), and the session works on."""
    store = Store()
    server = await scripted(rest=store)
    uploads = 0

    async def doing() -> None:
        await work(client, tmp_path, config_of(work))

    async with client_for(server) as client:
        whole = await driver.run(doing)
        for at in driver.positions(whole.awaits, 16, seed=7):
            for path in tmp_path.iterdir():
                path.unlink()
            server.requests.clear()
            outcome = await driver.run(doing, at=at, moment=moment)
            steps = kinds(server)
            uploads += "create" in steps
            if outcome.cancelled and "create" in steps and work is not up_resumable:
                assert steps[-1] in ("abort", "complete"), (at, steps)
            left = {path.name for path in tmp_path.iterdir()} - {"source", "target"}
            if "resumable" not in name_of(work):
                assert not left, at
            async with asyncio.timeout(5):
                assert await client.get_bytes("bucket", "key") == SMALL
