"""What is stored is what was given: encodings, metadata, types; copies and renamed objects."""

from __future__ import annotations

import asyncio
import gzip
from http import HTTPStatus
from pathlib import Path

import aiohttp
import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import PreconditionFailed
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer

from .material import noise

TEXT = b"the same words again and again, " * 2000


async def test_p22_gzip_arrives_as_stored(
    server: RunningServer, client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    """P22: the session of the fixture would decode, as aiohttp's sessions do by default."""
    server.need("content_encoding")
    packed = gzip.compress(TEXT, mtime=0)
    headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain"}
    async with client.put(f"{bucket}/key", packed, headers=headers) as resp:
        assert resp.status == HTTPStatus.OK
    assert await asyncio.to_thread(oracle.get, bucket, "key") == packed
    async with client.get(f"{bucket}/key") as resp:
        assert resp.headers["Content-Encoding"] == "gzip"
        assert int(resp.headers["Content-Length"]) == len(packed)
        assert await resp.read() == packed
    await client.get_file_parallel(f"{bucket}/key", tmp_path / "copy", range_step=100)
    assert (tmp_path / "copy").read_bytes() == packed


async def test_p22_decoding_is_there_for_who_asks(
    server: RunningServer, client: S3Client, bucket: str
) -> None:
    """P22: unless asked otherwise."""
    server.need("content_encoding")
    packed = gzip.compress(TEXT, mtime=0)
    await client.put(f"{bucket}/key", packed, headers={"Content-Encoding": "gzip"})
    async with client.get(f"{bucket}/key", auto_decompress=True) as resp:
        assert await resp.read() == TEXT


async def test_p22_servers_that_compress_on_the_way_are_not_asked_to(
    client: S3Client, bucket: str
) -> None:
    """P22: ``Accept-Encoding: identity``."""
    await client.put(f"{bucket}/key.txt", TEXT)
    async with client.get(f"{bucket}/key.txt") as resp:
        assert resp.request_info.headers["Accept-Encoding"] == "identity"
        assert "Content-Encoding" not in resp.headers
        assert await resp.read() == TEXT


async def test_metadata_and_headers(
    server: RunningServer, client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    server.need("metadata", "system_headers")
    headers = {
        "x-amz-meta-colour": "light  blue",
        "Cache-Control": "max-age=5",
        "Content-Disposition": 'attachment; filename="a b.txt"',
    }
    path = tmp_path / "file"
    path.write_bytes(b"body")
    await client.put(f"{bucket}/bytes", b"body", headers=headers)
    await client.put_file(f"{bucket}/file", path, headers=headers)
    for key in ("bytes", "file"):
        head = await asyncio.to_thread(oracle.head, bucket, key)
        assert head is not None
        assert " ".join(head["Metadata"]["colour"].split()) == "light blue"
        assert head["CacheControl"] == "max-age=5"
        assert head["ContentDisposition"] == 'attachment; filename="a b.txt"'


async def test_content_types(
    server: RunningServer, client: S3Client, bucket: str, oracle: Oracle
) -> None:
    server.need("content_type")
    given: dict[str, str] = {"a.html": "x/given", "b.html": "", "c": "", "d.tar.gz": "", "e": ""}
    expected = {
        "a.html": "x/given",
        "b.html": "text/html",
        "c": "application/octet-stream",
        "d.tar.gz": "application/gzip",
        "e": "text/plain; charset=utf-8",
    }
    for key, content_type in given.items():
        headers = {"Content-Type": content_type} if content_type else {}
        await client.put(f"{bucket}/{key}", "text" if key == "e" else b"x", headers=headers)
    found = {}
    for key in given:
        head = await asyncio.to_thread(oracle.head, bucket, key)
        assert head is not None
        found[key] = head["ContentType"]
    assert found == expected


async def test_content_type_is_not_sent_where_there_is_no_content(
    client: S3Client, bucket: str
) -> None:
    await client.put(f"{bucket}/page.html", b"<p>")
    for method in ("GET", "HEAD", "DELETE"):
        async with client.request(method, f"{bucket}/page.html") as resp:
            assert resp.status < HTTPStatus.MULTIPLE_CHOICES
            assert "Content-Type" not in resp.request_info.headers


async def test_default_headers_of_the_session_are_signed(
    server: RunningServer,
    session: aiohttp.ClientSession,
    client: S3Client,
    bucket: str,
    oracle: Oracle,
) -> None:
    server.need("metadata")
    session.headers["x-amz-meta-team"] = "blue"
    async with client.put(f"{bucket}/key", b"body") as resp:
        assert resp.status == HTTPStatus.OK
    head = await asyncio.to_thread(oracle.head, bucket, "key")
    assert head is not None
    assert head["Metadata"] == {"team": "blue"}


async def test_copy_takes_everything_along(
    server: RunningServer, client: S3Client, bucket: str, oracle: Oracle
) -> None:
    server.need("copy")
    data = noise(100_000)
    await asyncio.to_thread(
        oracle.put, bucket, "a b+c", data, ContentType="x/y", Metadata={"colour": "blue"}
    )
    async with client.copy(f"{bucket}/a b+c", f"{bucket}/copy") as resp:
        assert resp.status == HTTPStatus.OK
        assert b"CopyObjectResult" in await resp.read()
    assert await asyncio.to_thread(oracle.get, bucket, "copy") == data
    head = await asyncio.to_thread(oracle.head, bucket, "copy")
    assert head is not None
    assert head["ContentType"] == "x/y"
    if server.missing("metadata") is None:
        assert head["Metadata"] == {"colour": "blue"}


async def test_copy_with_new_metadata(
    server: RunningServer, client: S3Client, bucket: str, oracle: Oracle
) -> None:
    server.need("copy_replaces_metadata")
    await asyncio.to_thread(
        oracle.put, bucket, "key", b"body", Metadata={"colour": "blue"}, ContentType="x/y"
    )
    async with client.copy(
        f"{bucket}/key",
        f"{bucket}/copy",
        headers={"x-amz-meta-shape": "round"},
        replace_metadata=True,
        content_type="text/csv",
    ) as resp:
        assert resp.status == HTTPStatus.OK
    head = await asyncio.to_thread(oracle.head, bucket, "copy")
    assert head is not None
    assert head["Metadata"] == {"shape": "round"}
    assert head["ContentType"] == "text/csv"
    with pytest.raises(ValueError, match="replace_metadata"):
        await client.copy(f"{bucket}/key", f"{bucket}/copy", content_type="text/csv")


async def test_copy_with_a_condition(
    server: RunningServer, client: S3Client, bucket: str, oracle: Oracle
) -> None:
    server.need("copy_conditions")
    await asyncio.to_thread(oracle.put, bucket, "key", b"body")
    with pytest.raises(PreconditionFailed):
        await client.copy(
            f"{bucket}/key",
            f"{bucket}/copy",
            headers={"x-amz-copy-source-if-match": '"0123"'},
            raise_for_status=True,
        )
    assert await asyncio.to_thread(oracle.head, bucket, "copy") is None


async def test_copy_to_another_bucket(
    server: RunningServer, client: S3Client, bucket: str, oracle: Oracle
) -> None:
    server.need("own_bucket", "copy")
    other = f"{bucket}-other"
    await asyncio.to_thread(oracle.create_bucket, other)
    await asyncio.to_thread(oracle.put, bucket, "folder/é", b"body")
    async with client.copy(f"{bucket}/folder/é", f"{other}/é") as resp:
        assert resp.status == HTTPStatus.OK
    assert await asyncio.to_thread(oracle.get, other, "é") == b"body"
    await asyncio.to_thread(oracle.delete_bucket, other)


async def test_rename(server: RunningServer, client: S3Client, bucket: str, oracle: Oracle) -> None:
    server.need("copy")
    await asyncio.to_thread(oracle.put, bucket, "from here", b"body")
    await client.rename(f"{bucket}/from here", f"{bucket}/to+there")
    assert await asyncio.to_thread(oracle.list_keys, bucket) == ["to+there"]
    assert await asyncio.to_thread(oracle.get, bucket, "to+there") == b"body"
    with pytest.raises(ValueError, match="itself"):
        await client.rename(f"{bucket}/to+there", f"/{bucket}/to+there")
