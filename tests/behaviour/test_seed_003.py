"""Every transfer call that boto3's guide shows, as it shows it, against every server.

Adapted are imports, the client (endpoint and keys) and ``await``; names of files, and of buckets
and keys that have to exist. Each call is made with boto3's keywords and with our own.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from aiohttp_s3_client import S3Client, TransferConfig
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer
from tests.servers.scripted import StartScript
from tests.servers.steps import reply

from .material import MIB, client_for, noise

GB = 1024**3
DATA = noise(300_000)
LARGE = noise(11 * MIB + 17)

KEYWORDS = {
    "ExtraArgs": "extra_args",
    "Callback": "callback",
    "Config": "config",
    "SourceClient": "source_client",
    "Bucket": "bucket",
    "Key": "key",
    "Filename": "filename",
    "Fileobj": "fileobj",
    "CopySource": "copy_source",
}


class Spelling:
    """Calls made with boto3's keywords, or with our own for the same arguments."""

    def __init__(self, *, own: bool) -> None:
        self._own = own

    def __call__(self, **arguments: Any) -> dict[str, Any]:
        return {KEYWORDS[name] if self._own else name: each for name, each in arguments.items()}


@pytest.fixture(params=["boto3", "own"])
def named(request: pytest.FixtureRequest) -> Spelling:
    return Spelling(own=request.param == "own")


@pytest.fixture
def s3(server: RunningServer, client: S3Client) -> S3Client:
    server.need("own_bucket")
    return client


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with the guide's ``tmp.txt`` in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tmp.txt").write_bytes(DATA)
    return tmp_path


@contextmanager
def another_bucket(oracle: Oracle) -> Iterator[str]:
    name = f"test-{uuid4().hex[:16]}"
    oracle.create_bucket(name)
    yield name
    oracle.delete_bucket(name)


@pytest.fixture
def otherbucket(server: RunningServer, oracle: Oracle) -> Iterator[str]:
    server.need("own_bucket")
    with another_bucket(oracle) as name:
        yield name


async def stored(oracle: Oracle, bucket: str, key: str) -> bytes:
    return await asyncio.to_thread(oracle.get, bucket, key)


async def metadata(oracle: Oracle, bucket: str, key: str) -> dict[str, str]:
    head = await asyncio.to_thread(oracle.head, bucket, key)
    assert head is not None
    return {name.lower(): value for name, value in head["Metadata"].items()}


class ProgressPercentage:
    """The guide's own, which counts below a lock and writes to standard output."""

    def __init__(self, filename: str, size: float | None = None) -> None:
        self._filename = filename
        self._size = size
        self._seen_so_far = 0
        self._lock = threading.Lock()

    @property
    def seen(self) -> int:
        return self._seen_so_far

    def __call__(self, bytes_amount: int) -> None:
        with self._lock:
            self._seen_so_far += bytes_amount
            if self._size is not None:
                percentage = (self._seen_so_far / self._size) * 100
                sys.stdout.write(f"\r{self._filename} {self._seen_so_far} ({percentage:.2f}%)")
            else:
                sys.stdout.write(f"\r{self._filename} --> {self._seen_so_far} bytes transferred")
            sys.stdout.flush()


# --- uploads


@pytest.mark.usefixtures("here")
async def test_upload_file(s3: S3Client, bucket: str, oracle: Oracle) -> None:
    result = await s3.upload_file("tmp.txt", bucket, "key-name")
    assert await stored(oracle, bucket, "key-name") == DATA
    assert (result.size, result.parts) == (len(DATA), None)


@pytest.mark.usefixtures("here")
async def test_upload_file_by_keywords(
    s3: S3Client, bucket: str, oracle: Oracle, named: Spelling
) -> None:
    await s3.upload_file(**named(Filename="tmp.txt", Bucket=bucket, Key="key-name"))
    assert await stored(oracle, bucket, "key-name") == DATA


@pytest.mark.usefixtures("here")
async def test_upload_fileobj(s3: S3Client, bucket: str, oracle: Oracle) -> None:
    with open("tmp.txt", "rb") as f:  # noqa: ASYNC230 - as the guide does it
        await s3.upload_fileobj(f, bucket, "key-name")
        assert f.tell() == len(DATA)
    assert await stored(oracle, bucket, "key-name") == DATA


@pytest.mark.usefixtures("here")
async def test_upload_fileobj_by_keywords(
    s3: S3Client, bucket: str, oracle: Oracle, named: Spelling
) -> None:
    with open("tmp.txt", "rb") as f:  # noqa: ASYNC230 - as the guide does it
        await s3.upload_fileobj(**named(Fileobj=f, Bucket=bucket, Key="key-name"))
    assert await stored(oracle, bucket, "key-name") == DATA


@pytest.mark.parametrize("size", [5, len(LARGE)], ids=["put", "parts"])
async def test_upload_file_with_metadata(
    server: RunningServer,
    s3: S3Client,
    bucket: str,
    oracle: Oracle,
    here: Path,
    named: Spelling,
    size: int,
) -> None:
    (here / "tmp.txt").write_bytes(LARGE[:size])
    await s3.upload_file(
        "tmp.txt", bucket, "key-name",
        **named(ExtraArgs={"Metadata": {"mykey": "myvalue"}}),
    )  # fmt: skip
    assert await stored(oracle, bucket, "key-name") == LARGE[:size]
    found = await metadata(oracle, bucket, "key-name")
    assert found["mykey"] == "myvalue"


@pytest.mark.usefixtures("here")
async def test_upload_file_with_a_canned_acl(
    server: RunningServer, s3: S3Client, bucket: str, oracle: Oracle, named: Spelling
) -> None:
    await s3.upload_file(
        'tmp.txt', bucket, 'key-name',
        **named(ExtraArgs={'ACL': 'public-read'})
    )  # fmt: skip
    server.need("acl")
    answer = await asyncio.to_thread(oracle.client.get_object_acl, Bucket=bucket, Key="key-name")
    grantees = {grant["Grantee"].get("URI", "").rpartition("/")[2] for grant in answer["Grants"]}
    assert "AllUsers" in grantees


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("threshold", [GB, 1], ids=["put", "parts"])
async def test_upload_file_with_custom_acls(
    scripted: StartScript, named: Spelling, threshold: int
) -> None:
    """At a scripted server, since the guide's user id exists nowhere."""
    from tests.transport.scripts import client_for as client_of
    from tests.transport.scripts import kind, part_number, upload_step

    def answer(request: Any) -> Any:
        if kind(request) == "PUT":
            return reply(200, {"ETag": '"x"'})
        return upload_step(request)

    grants = {
        "GrantRead": 'uri="http://acs.amazonaws.com/groups/global/AllUsers"',
        "GrantFullControl": (
            'id="79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"'
        ),
    }
    server = await scripted(rest=answer)
    async with client_of(server) as s3:
        await s3.upload_file(
            "tmp.txt", "bucket-name", "key-name",
            **named(ExtraArgs=grants, Config=TransferConfig(multipart_threshold=threshold)),
        )  # fmt: skip
    for request in server.requests:
        told = (request.header("x-amz-grant-read"), request.header("x-amz-grant-full-control"))
        first = kind(request) in ("PUT", "create")
        assert told == (tuple(grants.values()) if first else (None, None))
        assert part_number(request) in (None, 1)


@pytest.mark.parametrize("size", [len(DATA), len(LARGE)], ids=["put", "parts"])
async def test_upload_file_with_a_callback(
    s3: S3Client, bucket: str, oracle: Oracle, here: Path, named: Spelling, size: int
) -> None:
    (here / "tmp.txt").write_bytes(LARGE[:size])
    progress = ProgressPercentage("tmp.txt", float(os.path.getsize("tmp.txt")))
    await s3.upload_file("tmp.txt", bucket, "key-name", **named(Callback=progress))
    assert progress.seen == size
    assert await stored(oracle, bucket, "key-name") == LARGE[:size]


# --- downloads


async def test_download_file(s3: S3Client, bucket: str, oracle: Oracle, here: Path) -> None:
    await asyncio.to_thread(oracle.put, bucket, "key-name", LARGE)
    await s3.download_file(bucket, "key-name", "tmp.txt")
    assert (here / "tmp.txt").read_bytes() == LARGE
    assert os.listdir(here) == ["tmp.txt"]


async def test_download_file_by_keywords(
    s3: S3Client, bucket: str, oracle: Oracle, here: Path, named: Spelling
) -> None:
    await asyncio.to_thread(oracle.put, bucket, "key-name", DATA)
    await s3.download_file(**named(Bucket=bucket, Key="key-name", Filename="new.txt"))
    assert (here / "new.txt").read_bytes() == DATA


async def test_download_fileobj(
    s3: S3Client, bucket: str, oracle: Oracle, here: Path, named: Spelling
) -> None:
    await asyncio.to_thread(oracle.put, bucket, "key-name", LARGE)
    with open("tmp.txt", "wb") as f:  # noqa: ASYNC230 - as the guide does it
        await s3.download_fileobj(bucket, "key-name", f)
    assert (here / "tmp.txt").read_bytes() == LARGE
    with open("tmp.txt", "wb") as f:  # noqa: ASYNC230 - as the guide does it
        await s3.download_fileobj(**named(Bucket=bucket, Key="key-name", Fileobj=f))
    assert (here / "tmp.txt").read_bytes() == LARGE


async def test_download_file_of_a_version(
    server: RunningServer, s3: S3Client, bucket: str, oracle: Oracle, here: Path, named: Spelling
) -> None:
    server.need("versioning")
    enabled = {"Status": "Enabled"}
    await asyncio.to_thread(
        oracle.client.put_bucket_versioning, Bucket=bucket, VersioningConfiguration=enabled
    )
    old = await asyncio.to_thread(
        oracle.client.put_object, Bucket=bucket, Key="key-name", Body=LARGE
    )
    await asyncio.to_thread(oracle.put, bucket, "key-name", b"new")
    result = await s3.download_file(
        bucket, "key-name", "tmp.txt",
        **named(ExtraArgs={"VersionId": old["VersionId"]}),
    )  # fmt: skip
    assert (here / "tmp.txt").read_bytes() == LARGE
    assert result.version_id == old["VersionId"]


@pytest.mark.parametrize("size", [len(DATA), len(LARGE)], ids=["one range", "ranges"])
async def test_download_file_with_a_callback(
    s3: S3Client, bucket: str, oracle: Oracle, here: Path, named: Spelling, size: int
) -> None:
    await asyncio.to_thread(oracle.put, bucket, "key-name", LARGE[:size])
    progress = ProgressPercentage("tmp.txt")
    await s3.download_file(bucket, "key-name", "tmp.txt", **named(Callback=progress))
    assert progress.seen == size
    assert (here / "tmp.txt").read_bytes() == LARGE[:size]


# --- copies


async def test_copy(s3: S3Client, bucket: str, oracle: Oracle, otherbucket: str) -> None:
    await asyncio.to_thread(oracle.put, bucket, "mykey", DATA)
    copy_source = {
        'Bucket': bucket,
        'Key': 'mykey'
    }  # fmt: skip
    await s3.copy(copy_source, otherbucket, "otherkey")
    assert await stored(oracle, otherbucket, "otherkey") == DATA


async def test_copy_by_keywords(
    s3: S3Client, bucket: str, oracle: Oracle, otherbucket: str, named: Spelling
) -> None:
    await asyncio.to_thread(oracle.put, bucket, "mykey", DATA)
    source = {"Bucket": bucket, "Key": "mykey"}
    await s3.managed_copy(**named(CopySource=source, Bucket=otherbucket, Key="otherkey"))
    assert await stored(oracle, otherbucket, "otherkey") == DATA
    if "CopySource" in named(CopySource=source):
        await s3.copy(CopySource=source, Bucket=otherbucket, Key="third")
        assert await stored(oracle, otherbucket, "third") == DATA


async def test_copy_with_a_source_client(
    server: RunningServer,
    s3: S3Client,
    session: aiohttp.ClientSession,
    bucket: str,
    oracle: Oracle,
    otherbucket: str,
    named: Spelling,
) -> None:
    await asyncio.to_thread(oracle.put, bucket, "mykey", DATA)
    source_client = client_for(server, session)
    copy_source = {"Bucket": bucket, "Key": "mykey"}
    await s3.copy(copy_source, otherbucket, "otherkey", **named(SourceClient=source_client))
    assert await stored(oracle, otherbucket, "otherkey") == DATA


async def test_copy_with_other_metadata(
    server: RunningServer,
    s3: S3Client,
    bucket: str,
    oracle: Oracle,
    otherbucket: str,
    named: Spelling,
) -> None:
    await asyncio.to_thread(oracle.put, bucket, "mykey", DATA, Metadata={"old": "value"})
    copy_source = {"Bucket": bucket, "Key": "mykey"}
    await s3.copy(
        copy_source, otherbucket, "mykey",
        **named(
            ExtraArgs={
                "Metadata": {
                    "my-new-key": "my-new-value"
                },
                "MetadataDirective": "REPLACE"
            }
        ),
    )  # fmt: skip
    assert await stored(oracle, otherbucket, "mykey") == DATA
    found = await metadata(oracle, otherbucket, "mykey")
    assert found["my-new-key"] == "my-new-value"
    server.need("copy_replaces_metadata")
    assert "old" not in found


async def test_copy_with_a_callback(
    s3: S3Client, bucket: str, oracle: Oracle, otherbucket: str, named: Spelling
) -> None:
    await asyncio.to_thread(oracle.put, bucket, "mykey", DATA)
    copy_source = {"Bucket": bucket, "Key": "mykey"}
    progress = ProgressPercentage(f"{otherbucket}/otherkey")
    await s3.copy(copy_source, otherbucket, "otherkey", **named(Callback=progress))
    assert progress.seen == len(DATA)
    assert await stored(oracle, otherbucket, "otherkey") == DATA


# --- configuration


async def test_a_threshold_of_5_gb(
    s3: S3Client, bucket: str, oracle: Oracle, here: Path, named: Spelling
) -> None:
    (here / "tmp.txt").write_bytes(LARGE)
    config = TransferConfig(multipart_threshold=5 * GB)
    result = await s3.upload_file("tmp.txt", bucket, "key-name", **named(Config=config))
    assert result.parts is None
    assert await stored(oracle, bucket, "key-name") == LARGE


@pytest.mark.parametrize(
    "config",
    [
        TransferConfig(max_concurrency=5),
        TransferConfig(max_concurrency=20),
        TransferConfig(use_threads=False),
    ],
    ids=["max_concurrency=5", "max_concurrency=20", "use_threads=False"],
)
async def test_downloads_with_a_configuration(
    s3: S3Client, bucket: str, oracle: Oracle, here: Path, named: Spelling, config: TransferConfig
) -> None:
    await asyncio.to_thread(oracle.put, bucket, "key-name", LARGE)
    await s3.download_file(bucket, "key-name", "tmp.txt", **named(Config=config))
    assert (here / "tmp.txt").read_bytes() == LARGE


async def test_parts_by_default(s3: S3Client, bucket: str, oracle: Oracle, here: Path) -> None:
    """What the guide leaves to the defaults: 8 MiB are where parts begin."""
    (here / "tmp.txt").write_bytes(LARGE)
    result = await s3.upload_file("tmp.txt", bucket, "key-name")
    assert result.parts == 2
    assert await stored(oracle, bucket, "key-name") == LARGE


# --- refusals


BOTH: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("upload_file", ("f", "b", "k"), {"Filename": "f"}),
    ("upload_file", ("f", "b", "k"), {"extra_args": {}, "ExtraArgs": {}}),
    ("upload_fileobj", (b"", "b", "k"), {"Fileobj": b""}),
    ("upload_fileobj", (b"", "b", "k"), {"callback": print, "Callback": print}),
    ("download_file", ("b", "k", "f"), {"Bucket": "b"}),
    ("download_file", ("b", "k", "f"), {"Key": "k"}),
    ("download_fileobj", ("b", "k", sys.stdout), {"Fileobj": sys.stdout}),
    ("managed_copy", ({}, "b", "k"), {"CopySource": {}}),
    (
        "managed_copy",
        ({"Bucket": "a", "Key": "b"}, "b", "k"),
        {"config": TransferConfig(), "Config": TransferConfig()},
    ),
    ("copy", ({"Bucket": "a", "Key": "b"}, "b", "k"), {"Key": "k"}),
]


@pytest.mark.parametrize(("method", "given", "again"), BOTH)
async def test_an_argument_under_both_its_names(
    scripted: StartScript, method: str, given: tuple[Any, ...], again: dict[str, Any]
) -> None:
    from tests.transport.scripts import client_for as client_of

    server = await scripted()
    async with client_of(server) as s3:
        with pytest.raises(TypeError, match="the same argument"):
            await getattr(s3, method)(*given, **again)
    assert not server.requests
