"""Bad input is refused by name, before anything is sent."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.config import GIB, MIB

from ..servers.scripted import StartScript
from ..transport.scripts import KEY, SECRET, client_for

Call = Callable[[Any], Awaitable[Any]]
"""Takes a client of which the type checker knows nothing: what is passed is wrong on purpose."""
FILE = __file__


async def entered(client: Any, **how: Any) -> None:
    async with client.multipart_upload("bucket/key", **how):
        pytest.fail("entered")


async def listed(client: Any, *names: str, **how: Any) -> None:
    async for _ in client.list_objects_v2(*names, **how):
        pytest.fail("listed")


NAMES: dict[str, Call] = {
    "get nothing": lambda c: c.get(""),
    "get a bucket's slash": lambda c: c.get("bucket/"),
    "head nothing": lambda c: c.head(""),
    "put nothing": lambda c: c.put("", b"x"),
    "put the root": lambda c: c.put("/", b"x"),
    "put a bucket": lambda c: c.put("bucket", b"not xml"),
    "put a bucket's slash": lambda c: c.put("bucket/", b"x"),
    "delete nothing": lambda c: c.delete(""),
    "delete a bucket's slash": lambda c: c.delete("bucket/"),
    "put_file": lambda c: c.put_file("bucket", FILE),
    "put_file_multipart": lambda c: c.put_file_multipart("bucket/", FILE),
    "put_multipart": lambda c: c.put_multipart("bucket", [b"x"]),
    "get_file_parallel": lambda c: c.get_file_parallel("bucket", "file"),
    "copy from": lambda c: c.copy("bucket", "bucket/b"),
    "copy to": lambda c: c.copy("bucket/a", "bucket/"),
    "rename": lambda c: c.rename("", "bucket/b"),
}


@pytest.mark.parametrize("call", NAMES.values(), ids=NAMES)
async def test_a_name_without_a_key(scripted: StartScript, call: Call) -> None:
    server = await scripted()
    async with client_for(server) as client:
        with pytest.raises(ValueError, match=r"(object_name|source|destination).*no key"):
            await call(client)
    assert not server.requests


@pytest.mark.parametrize(
    "bucket", ["Capital", "ab", "a" * 64, "under_score", "-x-", "a..b", "10.0.0.1", "sp ace", "ü"]
)
async def test_a_bad_bucket_name(scripted: StartScript, bucket: str) -> None:
    server = await scripted()
    named = re.escape(repr(bucket))
    async with client_for(server) as client:
        for call in (
            lambda: client.get(f"{bucket}/key"),
            lambda: client.put(f"{bucket}/key", b"x"),
            lambda: client.put_multipart(f"{bucket}/key", [b"x"]),
            lambda: client.copy("bucket/a", f"{bucket}/key"),
            lambda: listed(client, bucket=bucket),
        ):
            with pytest.raises(ValueError, match=f"bucket: {named} is not a bucket name"):
                await call()
        with pytest.raises(ValueError, match=named):
            client_for(server, bucket=bucket)
    assert not server.requests


VALUES: dict[str, tuple[Call, type[Exception], str]] = {
    "small parts": (
        lambda c: c.put_multipart("bucket/key", [], part_size=5 * MIB - 1), ValueError, "part_size"
    ),
    "large parts": (
        lambda c: c.put_multipart("bucket/key", [], part_size=5 * GIB + 1), ValueError, "part_size"
    ),
    "negative parts": (
        lambda c: c.put_file_multipart("bucket/key", FILE, part_size=-1), ValueError, "part_size"
    ),
    "odd parts": (
        lambda c: c.put_multipart("bucket/key", [], part_size="8 MiB"), TypeError, "part_size"
    ),
    "parts of an uploader": (lambda c: entered(c, part_size=1), ValueError, "part_size"),
    "no workers": (
        lambda c: c.put_multipart("bucket/key", [], workers_count=0), ValueError, "workers_count"
    ),
    "negative workers": (lambda c: entered(c, workers_count=-1), ValueError, "workers_count"),
    "half a worker": (
        lambda c: c.get_file_parallel("bucket/key", "f", workers_count=0.5),
        TypeError,
        "workers_count",
    ),
    "no tries": (
        lambda c: c.put_multipart("bucket/key", [], part_upload_tries=0),
        ValueError,
        "part_upload_tries",
    ),
    "no range tries": (
        lambda c: c.get_file_parallel("bucket/key", "f", range_get_tries=0),
        ValueError,
        "range_get_tries",
    ),
    "negative range": (
        lambda c: c.get_file_parallel("bucket/key", "f", range_step=-5), ValueError, "range_step"
    ),
    "no buffer": (
        lambda c: c.get_file_parallel("bucket/key", "f", buffer_size=0), ValueError, "buffer_size"
    ),
    "negative chunk": (
        lambda c: c.put_file("bucket/key", FILE, chunk_size=-1), ValueError, "chunk_size"
    ),
    "no abort timeout": (lambda c: entered(c, abort_timeout=0), ValueError, "abort_timeout"),
    "negative data_length": (
        lambda c: c.put("bucket/key", b"x", data_length=-1), ValueError, "data_length"
    ),
    "another data_length": (
        lambda c: c.put("bucket/key", b"abc", data_length=5), ValueError, "data_length=5.*3 bytes"
    ),
    "negative max_keys": (lambda c: listed(c, "bucket", max_keys=-1), ValueError, "max_keys"),
    "two buckets": (lambda c: listed(c, "one", bucket="two"), ValueError, "bucket"),
    "no bucket": (listed, ValueError, "bucket"),
    "bytes as a stream": (lambda c: c.put_multipart("bucket/key", b"abc"), TypeError, "data"),
    "a str as a stream": (lambda c: c.put_multipart("bucket/key", "abc"), TypeError, "data"),
    "a number as data": (lambda c: c.put("bucket/key", 5), TypeError, "int"),
    "a stream of str": (lambda c: c.put("bucket/key", ["abc"]), TypeError, "data.*str"),
    "a name that is none": (lambda c: c.get(5), TypeError, "object_name"),
    "a header that is none": (
        lambda c: c.get("bucket/key", headers={"x-amz-meta-n": 5}), TypeError, "x-amz-meta-n"
    ),
    "a header of ours": (
        lambda c: c.get("bucket/key", headers={"Authorization": "x"}), ValueError, "Authorization"
    ),
    "a date of ours": (
        lambda c: c.put_multipart("bucket/key", [], headers={"X-Amz-Date": "x"}),
        ValueError,
        "X-Amz-Date",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "says"), VALUES.values(), ids=VALUES)
async def test_bad_values(
    scripted: StartScript,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: Call,
    kind: type[Exception],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    server = await scripted()
    async with client_for(server) as client:
        with pytest.raises(kind, match=f"(?s){says}"):
            await call(client)
    assert not server.requests
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name", ["auth", "allow_redirects", "chunked", "compress", "json", "cookies"]
)
async def test_keywords_that_would_break_a_request(scripted: StartScript, name: str) -> None:
    server = await scripted()
    how: dict[str, Any] = {name: True}
    calls: list[Call] = [
        lambda c: c.get("bucket/key", **how),
        lambda c: c.put("bucket/key", b"x", **how),
        lambda c: c.put_file("bucket/key", FILE, **how),
        lambda c: c.put_multipart("bucket/key", [], **how),
        lambda c: c.get_file_parallel("bucket/key", "f", **how),
        lambda c: c.copy("bucket/a", "bucket/b", **how),
        lambda c: c.rename("bucket/a", "bucket/b", **how),
        lambda c: entered(c, **how),
    ]
    async with client_for(server) as client:
        for call in calls:
            with pytest.raises(TypeError, match=f"{name} cannot be given"):
                await call(client)
    assert not server.requests


@pytest.mark.parametrize("name", ["params", "data", "expect100", "data_length", "part_nunber"])
async def test_keywords_that_are_not_of_this_method(
    scripted: StartScript, tmp_path: Path, name: str
) -> None:
    """What aiohttp would put into the URL unsigned, or would ignore, and what nobody knows."""
    server = await scripted(allow_unexpected=True)
    how: dict[str, Any] = {name: {"versionId": "1"}}
    calls: list[Call] = [
        lambda c: c.put_file("bucket/key", FILE, **how),
        lambda c: c.put_multipart("bucket/key", [b"x"], **how),
        lambda c: c.put_file_multipart("bucket/key", FILE, **how),
        lambda c: c.get_file_parallel("bucket/key", tmp_path / "file", **how),
        lambda c: c.copy("bucket/a", "bucket/b", **how),
        lambda c: c.rename("bucket/a", "bucket/b", **how),
        lambda c: entered(c, **how),
    ]
    async with client_for(server) as client:
        for call in calls:
            with pytest.raises(TypeError, match=name):
                await call(client)
    assert not server.requests
    assert not list(tmp_path.iterdir())


# Files


async def test_a_missing_file(scripted: StartScript, tmp_path: Path) -> None:
    server = await scripted()
    missing = tmp_path / "missing"
    async with client_for(server) as client:
        for call in (
            lambda: client.put("bucket/key", missing),
            lambda: client.put_file("bucket/key", missing),
            lambda: client.put_file_multipart("bucket/key", missing),
        ):
            with pytest.raises(FileNotFoundError, match="missing"):
                await call()
    assert not server.requests


async def test_a_directory(scripted: StartScript, tmp_path: Path) -> None:
    server = await scripted()
    async with client_for(server) as client:
        for call in (
            lambda: client.put("bucket/key", tmp_path),
            lambda: client.put_file("bucket/key", tmp_path),
            lambda: client.put_file_multipart("bucket/key", tmp_path),
        ):
            with pytest.raises(IsADirectoryError, match="directory"):
                await call()
    assert not server.requests


async def test_a_file_opened_as_text(scripted: StartScript, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    server = await scripted()
    async with client_for(server) as client:
        with (tmp_path / "file").open() as file, pytest.raises(TypeError, match="'rb'"):
            await client.put("bucket/key", file)  # type: ignore[arg-type]  # what is tested
    assert not server.requests


async def test_more_than_10000_parts(scripted: StartScript, tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    path.touch()
    os.truncate(path, 10_000 * 5 * MIB + 1)
    server = await scripted()
    async with client_for(server) as client:
        with pytest.raises(ValueError, match=r"part_size=5242880.*10,000 parts.*5242881"):
            await client.put_file_multipart("bucket/key", path, part_size=5 * MIB)
    assert not server.requests


# Clients


async def test_a_client_without_a_session_says_what_to_do(scripted: StartScript) -> None:
    server = await scripted()
    client = client_for(server)
    for call in (
        lambda: client.get("bucket/key"),
        lambda: client.put_multipart("bucket/key", [b"x"]),
        lambda: listed(client, "bucket"),
    ):
        with pytest.raises(RuntimeError, match="async with"):
            await call()
    assert not server.requests


async def test_a_closed_client_and_a_closed_session(scripted: StartScript) -> None:
    server = await scripted()
    async with aiohttp.ClientSession() as session:
        client = client_for(server, session)
    with pytest.raises(RuntimeError, match="closed"):
        await client.get("bucket/key")
    with pytest.raises(RuntimeError, match="closed"):
        await client.put("bucket/key", b"x")
    assert not server.requests


@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        ({"session": "session"}, TypeError, "session"),
        ({"url": "no url"}, ValueError, "url"),
        ({"url": "http://host/?x=1"}, ValueError, "url"),
        ({"url": 5}, TypeError, "url|URL|Constructor"),
        ({"access_key_id": KEY}, ValueError, "secret_access_key"),
        ({"secret_access_key": SECRET}, ValueError, "access_key_id"),
        ({"addressing_style": "odd"}, ValueError, "addressing_style"),
        ({"bucket": "Bad_Name"}, ValueError, "Bad_Name"),
        ({"url": "http://h/x", "base_path": "/y"}, ValueError, "base_path"),
    ],
)
def test_bad_constructor_arguments(
    arguments: dict[str, Any], kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind, match=says) as refused:
        S3Client(**{"url": "http://127.0.0.1", **arguments})
    assert SECRET not in str(refused.value)
