"""Emptying buckets, against every server and held to what boto3 sees."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import NoSuchBucket
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer

from .material import client_for
from .test_admin import deletable


async def put(client: S3Client, *names: str) -> None:
    limit = asyncio.Semaphore(32)

    async def one(name: str) -> None:
        async with limit, client.put(name, b"") as answer:
            assert answer.status == 200

    await asyncio.gather(*map(one, names))


async def test_all_objects_of_a_bucket(
    client: S3Client, oracle: Oracle, server: RunningServer, bucket: str
) -> None:
    """P23: those too whose keys XML cannot hold."""
    server.need("own_bucket", "delete_objects")
    keys = [*deletable(server), "a/b", "a.txt", "a/c/d"]
    await put(client, *(f"{bucket}/{key}" for key in keys))
    seen: list[str] = []
    assert await client.empty_bucket(bucket, on_progress=seen.append) == len(keys)
    assert sorted(seen) == sorted(keys)
    assert await asyncio.to_thread(oracle.list_keys, bucket) == []
    assert await client.empty_bucket(bucket) == 0
    await client.delete_bucket(bucket)


async def test_nothing_beside_the_prefix_of_the_url(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str, oracle: Oracle
) -> None:
    server.need("own_bucket", "delete_objects")
    client = client_for(server, session, url=f"{server.url}/{bucket}/team")
    await put(client, "a/1", "a/2", "ab", "b")
    await asyncio.to_thread(oracle.put, bucket, "teams/a/1")
    seen: list[str] = []
    assert await client.empty_bucket(prefix="a/", on_progress=seen.append) == 2
    assert sorted(seen) == ["a/1", "a/2"]
    left = await asyncio.to_thread(oracle.list_keys, bucket)
    assert sorted(left) == ["team/ab", "team/b", "teams/a/1"]
    assert await client.empty_bucket(uploads=server.missing("list_uploads") is None) == 2
    assert await asyncio.to_thread(oracle.list_keys, bucket) == ["teams/a/1"]
    with pytest.raises(ValueError, match="is not the client's"):
        await client.empty_bucket("another")


async def test_versions_and_delete_markers(
    client: S3Client, server: RunningServer, oracle: Oracle, bucket: str
) -> None:
    """More than a page of them, and a listing that goes on from one that would be gone."""
    server.need("own_bucket", "delete_objects", "versioning")
    await client.versioning(bucket, enabled=True)
    keys = [f"key-{number:02}" for number in range(20)]
    await put(client, *(f"{bucket}/{key}" for key in keys))
    assert await client.empty_bucket(bucket) == len(keys)
    assert await asyncio.to_thread(oracle.list_keys, bucket) == []
    # Swift makes one delete marker after the other, in tens of milliseconds each.
    await client.delete_objects(keys * (2 if server.name == "swift" else 50), bucket=bucket)
    found = [(v.key, v.is_delete_marker) async for v in client.list_object_versions(bucket)]
    assert set(found) == {(key, marker) for key in keys for marker in (True, False)}
    seen: list[str] = []
    deleted = await client.empty_bucket(bucket, versions=True, on_progress=seen.append)
    assert deleted == len(found)
    assert sorted(seen) == sorted(key for key, _ in found)
    await client.delete_bucket(bucket)


async def test_unfinished_uploads(
    client: S3Client, server: RunningServer, oracle: Oracle, bucket: str
) -> None:
    server.need("own_bucket", "delete_objects", "list_uploads")
    await put(client, f"{bucket}/a/key")
    for key in ("a/1", "a/1", "a/2", "b"):
        await asyncio.to_thread(oracle.client.create_multipart_upload, Bucket=bucket, Key=key)
    before = await asyncio.to_thread(oracle.uploads, bucket)
    assert await client.empty_bucket(bucket) == 1
    assert await asyncio.to_thread(oracle.uploads, bucket) == before
    assert await client.empty_bucket(bucket, prefix="a/", uploads=True) == 0
    left = await asyncio.to_thread(oracle.uploads, bucket)
    assert [key for key, _ in left] == ["b"]


async def test_a_bucket_that_is_not_there(client: S3Client, server: RunningServer) -> None:
    server.need("own_bucket", "delete_objects")
    with pytest.raises(NoSuchBucket):
        await client.empty_bucket("there-is-no-such-bucket")


async def test_more_than_a_page(embedded_client: S3Client, embedded: RunningServer) -> None:
    """rclone looks for the key that a page begins behind, and begins anew when it is gone."""
    bucket = "empty-1500"
    await embedded_client.create_bucket(bucket)
    keys = [f"key-{number:04}" for number in range(1500)]
    await put(embedded_client, *(f"{bucket}/{key}" for key in keys))
    seen: list[str] = []
    running = 0

    async def told(key: str) -> None:
        nonlocal running
        running += 1
        assert running == 1
        if len(seen) % 100 == 0:
            await asyncio.sleep(0)
        seen.append(key)
        running -= 1

    assert await embedded_client.empty_bucket(bucket, on_progress=told) == len(keys)
    assert sorted(seen) == keys
    await embedded_client.delete_bucket(bucket)
