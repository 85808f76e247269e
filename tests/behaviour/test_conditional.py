"""Writes that depend on what there is of their object (P11), against every server.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from aiohttp_s3_client import AwsUploadError, S3Client
from aiohttp_s3_client.errors import NotImplementedByServer, PreconditionFailed
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer

MIB = 1024 * 1024
OTHER = '"0123456789abcdef0123456789abcdef"'


async def _in_parts(client: S3Client, name: str, data: bytes, path: Path) -> None:
    await client.put_multipart(name, [data], if_none_match="*")


async def _file_in_parts(client: S3Client, name: str, data: bytes, path: Path) -> None:
    await asyncio.to_thread(path.write_bytes, data)
    await client.put_file_multipart(name, path, if_none_match="*")


async def _part_by_part(client: S3Client, name: str, data: bytes, path: Path) -> None:
    async with client.multipart_upload(name, if_none_match="*") as uploader:
        await uploader.put_part(data)


Write = Callable[[S3Client, str, bytes, Path], Awaitable[None]]


async def test_put_only_where_nothing_is(
    server: RunningServer, client: S3Client, bucket: str, oracle: Oracle
) -> None:
    server.need("conditional_put")
    async with client.put(f"{bucket}/key", b"first", if_none_match="*") as resp:
        assert resp.status == HTTPStatus.OK
    async with client.put(f"{bucket}/key", b"second", if_none_match="*") as resp:
        assert resp.status == HTTPStatus.PRECONDITION_FAILED
    with pytest.raises(PreconditionFailed):
        await client.put(f"{bucket}/key", b"third", if_none_match="*", raise_for_status=True)
    assert await asyncio.to_thread(oracle.get, bucket, "key") == b"first"


async def test_put_file_only_where_nothing_is(
    server: RunningServer, client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    server.need("conditional_put")
    path = tmp_path / "file"
    for data, status in ((b"first", HTTPStatus.OK), (b"second", HTTPStatus.PRECONDITION_FAILED)):
        await asyncio.to_thread(path.write_bytes, data)
        async with client.put_file(f"{bucket}/key", path, if_none_match="*") as resp:
            assert resp.status == status
    assert await asyncio.to_thread(oracle.get, bucket, "key") == b"first"


@pytest.mark.parametrize("quoted", [True, False])
async def test_put_only_in_the_place_of_what_was_read(
    server: RunningServer, client: S3Client, bucket: str, oracle: Oracle, quoted: bool
) -> None:
    server.need("conditional_replace")
    etag = await asyncio.to_thread(oracle.put, bucket, "key", b"first")
    etag = etag if quoted else etag.strip('"')
    async with client.put(f"{bucket}/key", b"second", if_match=etag) as resp:
        assert resp.status == HTTPStatus.OK
    async with client.put(f"{bucket}/key", b"third", if_match=etag) as resp:
        assert resp.status == HTTPStatus.PRECONDITION_FAILED
    assert await asyncio.to_thread(oracle.get, bucket, "key") == b"second"


@pytest.mark.parametrize("write", [_in_parts, _file_in_parts, _part_by_part])
async def test_parts_become_an_object_only_where_nothing_is(
    server: RunningServer,
    client: S3Client,
    bucket: str,
    oracle: Oracle,
    tmp_path: Path,
    write: Write,
) -> None:
    """A refused upload is aborted: its parts would cost money."""
    server.need("conditional_complete")
    await write(client, f"{bucket}/key", b"first", tmp_path / "file")
    with pytest.raises(PreconditionFailed) as caught:
        await write(client, f"{bucket}/key", b"second", tmp_path / "file")
    assert isinstance(caught.value, AwsUploadError)
    assert await asyncio.to_thread(oracle.get, bucket, "key") == b"first"
    assert await asyncio.to_thread(oracle.uploads, bucket) == []


async def test_a_stream_is_refused_as_bytes_are(
    server: RunningServer, client: S3Client, bucket: str, oracle: Oracle
) -> None:
    """Whether ``put`` needed parts is not the caller's business."""
    server.need("conditional_complete")
    await asyncio.to_thread(oracle.put, bucket, "key", b"first")
    stream = iter([bytes(MIB)] * 9)
    async with client.put(f"{bucket}/key", stream, if_none_match="*") as resp:
        assert resp.status == HTTPStatus.PRECONDITION_FAILED
    assert await asyncio.to_thread(oracle.get, bucket, "key") == b"first"
    assert await asyncio.to_thread(oracle.uploads, bucket) == []


@pytest.mark.parametrize("condition", [{"if_none_match": "*"}, {"if_match": OTHER}])
async def test_a_copy_is_refused_or_made(
    client: S3Client, bucket: str, oracle: Oracle, condition: dict[str, Any]
) -> None:
    """Not every server knows the condition here; what it says is what it did in any case."""
    await asyncio.to_thread(oracle.put, bucket, "source", b"source")
    await asyncio.to_thread(oracle.put, bucket, "key", b"first")
    now = b"source"
    try:
        await client.copy(f"{bucket}/source", f"{bucket}/key", **condition)
    except (PreconditionFailed, NotImplementedByServer):
        now = b"first"
    assert await asyncio.to_thread(oracle.get, bucket, "key") == now


async def test_a_rename_that_is_refused_keeps_both(
    client: S3Client, bucket: str, oracle: Oracle
) -> None:
    await asyncio.to_thread(oracle.put, bucket, "source", b"source")
    await asyncio.to_thread(oracle.put, bucket, "key", b"first")
    left = {"key": b"source"}
    try:
        await client.rename(f"{bucket}/source", f"{bucket}/key", if_none_match="*")
    except PreconditionFailed:
        left = {"key": b"first", "source": b"source"}
    keys = await asyncio.to_thread(oracle.list_keys, bucket)
    assert {key: await asyncio.to_thread(oracle.get, bucket, key) for key in keys} == left
