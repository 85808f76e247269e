"""Buckets and objects administered, against every server and held to what boto3 sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any

import aiohttp
import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import (
    BucketAlreadyExists,
    BucketAlreadyOwnedByYou,
    BucketNotEmpty,
    Forbidden,
    InvalidObjectState,
    NoSuchBucket,
    NoSuchKey,
    S3Error,
)
from tests.servers.external import NAME as EXTERNAL
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer

ODD_KEYS = (
    "plain", "a&b<c>\"d'", "]]>", "ü€𐍈", "%20+ %", " first", "last ", "tab\there",
    "\x01\x1f", "\x7f\x85\u2028", "cr\rhere", "&#13;",
)  # fmt: skip


@pytest.fixture
def new_bucket(server: RunningServer, bucket: str) -> Iterator[str]:
    """The name of a bucket that a test may create and need not delete."""
    server.need("own_bucket")
    name = f"{bucket}-made"
    yield name
    if server.name == EXTERNAL:  # the others end with the run, with all that they hold
        remove(server.oracle.client, name)


def remove(boto3: Any, bucket: str) -> None:
    """Delete a bucket with all its versions, if there is one."""
    if bucket not in [entry["Name"] for entry in boto3.list_buckets()["Buckets"]]:
        return
    for page in boto3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for entry in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
            boto3.delete_object(Bucket=bucket, Key=entry["Key"], VersionId=entry["VersionId"])
    boto3.delete_bucket(Bucket=bucket)


def bound(server: RunningServer, session: aiohttp.ClientSession, path: str) -> S3Client:
    """A client whose URL goes on with *path*: a bucket, and perhaps a prefix."""
    return S3Client(
        session,
        f"{server.url}/{path}",
        server.secret_access_key,
        server.access_key_id,
        region=server.region,
    )


async def buckets_of(oracle: Oracle) -> dict[str, datetime]:
    """The buckets that boto3 lists, in its order, and when they were made."""
    found = await asyncio.to_thread(oracle.client.list_buckets)
    return {entry["Name"]: entry["CreationDate"] for entry in found["Buckets"]}


async def test_the_life_of_a_bucket(client: S3Client, oracle: Oracle, new_bucket: str) -> None:
    assert await client.bucket_exists(new_bucket) is False
    await client.create_bucket(new_bucket)
    assert await client.bucket_exists(new_bucket) is True
    before = await buckets_of(oracle)
    listed = await client.list_buckets()
    after = await buckets_of(oracle)
    names = [info.name for info in listed]
    # Other tests make and delete buckets meanwhile.
    assert before.keys() & after.keys() <= set(names) <= before.keys() | after.keys()
    order = [name for name in before if name in names]
    assert [name for name in names if name in before] == order
    info = next(info for info in listed if info.name == new_bucket)
    assert info.created == before[new_bucket]
    assert [info.name for info in await client.list_buckets(new_bucket)] == [new_bucket]
    assert await client.list_buckets("no-bucket-begins-so") == []

    await client.put(f"{new_bucket}/key", b"data")
    with pytest.raises(BucketNotEmpty):
        await client.delete_bucket(new_bucket)
    await client.delete(f"{new_bucket}/key")
    await client.delete_bucket(new_bucket)
    assert await client.bucket_exists(new_bucket) is False
    with pytest.raises(NoSuchBucket):
        await client.delete_bucket(new_bucket)


async def test_create_a_bucket_that_exists(
    client: S3Client, server: RunningServer, new_bucket: str
) -> None:
    await client.create_bucket(new_bucket)
    try:
        await client.create_bucket(new_bucket)
    except BucketAlreadyExists:
        pytest.skip(f"{server.name} does not know whose buckets are")
    except BucketAlreadyOwnedByYou:
        pass  # As AWS says, but for us-east-1, where it takes it once more.
    await client.create_bucket(new_bucket, exist_ok=True)


async def test_a_bucket_with_object_lock(
    client: S3Client, oracle: Oracle, server: RunningServer, new_bucket: str
) -> None:
    server.need("object_lock")
    await client.create_bucket(new_bucket, object_lock=True)
    found = await asyncio.to_thread(oracle.client.get_object_lock_configuration, Bucket=new_bucket)
    assert found["ObjectLockConfiguration"]["ObjectLockEnabled"] == "Enabled"
    assert await client.versioning(new_bucket) == "Enabled"


async def test_who_may_not_know_is_told_so(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str
) -> None:
    server.need("own_bucket", "signature_verified")
    stranger = S3Client(session, server.url, "wrong", server.access_key_id, region=server.region)
    with pytest.raises(Forbidden):
        await stranger.bucket_exists(bucket)
    with pytest.raises(Forbidden):
        await stranger.object_exists(f"{bucket}/key")


async def test_object_exists(client: S3Client, bucket: str) -> None:
    assert await client.object_exists(f"{bucket}/dir/key %2F") is False
    await client.put(f"{bucket}/dir/key %2F", b"")
    assert await client.object_exists(f"{bucket}/dir/key %2F") is True
    assert await client.object_exists(f"{bucket}/dir/key %2f") is False


async def test_object_exists_in_no_bucket(client: S3Client) -> None:
    assert await client.object_exists("there-is-no-such-bucket/key") is False


async def test_a_version_exists(client: S3Client, server: RunningServer, new_bucket: str) -> None:
    server.need("versioning")
    await client.create_bucket(new_bucket)
    await client.versioning(new_bucket, enabled=True)
    async with client.put(f"{new_bucket}/key", b"1") as answer:
        version = answer.headers["x-amz-version-id"]
    await client.delete(f"{new_bucket}/key")
    assert await client.object_exists(f"{new_bucket}/key") is False
    assert await client.object_exists(f"{new_bucket}/key", version_id=version) is True


# Many objects


def deletable(server: RunningServer) -> list[str]:
    """ODD_KEYS as far as the server can keep them."""
    return ["plain"] if server.missing("keys_verbatim") else list(ODD_KEYS)


async def test_delete_objects_of_any_name(
    client: S3Client, oracle: Oracle, server: RunningServer, bucket: str
) -> None:
    """P23: keys that XML cannot hold, or that its readers change, are deleted too."""
    server.need("own_bucket", "delete_objects")
    keys = deletable(server)
    for key in [*keys, "kept", "first", "last", "cr\nhere"]:
        if "\n" in key and server.missing("line_feed"):
            continue
        async with client.put(f"{bucket}/{key}", b"1") as answer:
            assert answer.status == 200
    result = await client.delete_objects(keys, bucket=bucket)
    assert result.errors == []
    assert sorted(gone.key for gone in result.deleted) == sorted(keys)
    kept = {"kept", "first", "last", "cr\nhere"}
    if server.missing("line_feed"):
        kept.remove("cr\nhere")
    assert set(await asyncio.to_thread(oracle.list_keys, bucket)) == kept


async def test_delete_objects_that_are_not_there_or_come_twice(
    client: S3Client, oracle: Oracle, server: RunningServer, bucket: str
) -> None:
    server.need("own_bucket", "delete_objects")
    await client.put(f"{bucket}/key", b"1")
    result = await client.delete_objects(("missing", "key", "key"), bucket=bucket)
    assert result.errors == []
    assert {gone.key for gone in result.deleted} == {"missing", "key"}
    assert await asyncio.to_thread(oracle.list_keys, bucket) == []


async def test_delete_objects_quietly(
    client: S3Client, oracle: Oracle, server: RunningServer, bucket: str
) -> None:
    server.need("own_bucket", "delete_objects")
    await client.put(f"{bucket}/key", b"1")
    assert await client.delete_objects({"key"}, bucket=bucket, quiet=True) == ([], [])
    assert await asyncio.to_thread(oracle.list_keys, bucket) == []


async def test_delete_objects_of_a_bucket_that_is_not_there(
    client: S3Client, server: RunningServer
) -> None:
    server.need("own_bucket", "delete_objects")
    with pytest.raises(NoSuchBucket) as caught:
        await client.delete_objects(["key"], bucket="there-is-no-such-bucket")
    assert caught.value.operation == "DeleteObjects"
    assert "0 keys were deleted" in caught.value.__notes__[0]


async def test_delete_2500_objects(embedded_client: S3Client, embedded: RunningServer) -> None:
    """Three batches at once, from a listing that goes on meanwhile."""
    bucket = "delete-2500"
    await embedded_client.create_bucket(bucket)
    limit = asyncio.Semaphore(32)

    async def put(number: int) -> None:
        async with limit, embedded_client.put(f"{bucket}/key-{number:04}", b"") as answer:
            assert answer.status == 200

    await asyncio.gather(*(put(number) for number in range(2500)))

    async def keys() -> AsyncIterator[str]:
        async for objects, _ in embedded_client.list_objects_v2(bucket=bucket):
            for found in objects:
                yield found.key

    # Deleting behind a listing's back shifts no page: it goes on from a key.
    result = await embedded_client.delete_objects(keys(), bucket=bucket)
    assert result.errors == []
    assert sorted(gone.key for gone in result.deleted) == [f"key-{n:04}" for n in range(2500)]
    assert await asyncio.to_thread(embedded.oracle.list_keys, bucket) == []
    await embedded_client.delete_bucket(bucket)


# Versions


async def test_versions_are_kept_listed_and_deleted(
    client: S3Client, server: RunningServer, oracle: Oracle, new_bucket: str
) -> None:
    server.need("versioning")
    await client.create_bucket(new_bucket)
    assert await client.versioning(new_bucket) is None
    assert await client.versioning(new_bucket, enabled=True) == "Enabled"
    assert await client.versioning(new_bucket) == "Enabled"
    for name in ("b", "a/ü +%", "a/ü +%", "b"):
        await client.put(f"{new_bucket}/{name}", name.encode())
    result = await client.delete_objects(["a/ü +%"], bucket=new_bucket)
    (gone,) = result.deleted
    found = [version async for version in client.list_object_versions(new_bucket)]
    assert [(v.key, v.is_delete_marker, v.is_latest) for v in found] == [
        ("a/ü +%", True, True),
        ("a/ü +%", False, False),
        ("a/ü +%", False, False),
        ("b", False, True),
        ("b", False, False),
    ]
    if server.name != "swift":  # It does not say what became of a key.
        assert gone == ("a/ü +%", None, True, found[0].version_id)
    assert (found[0].size, found[0].etag) == (None, None)
    assert (found[1].size, found[3].size) == (len("a/ü +%".encode()), 1)
    only = [v.key async for v in client.list_object_versions(new_bucket, prefix="b")]
    assert only == ["b", "b"]

    marker, kept = found[0], found[1]
    result = await client.delete_objects([(marker.key, marker.version_id)], bucket=new_bucket)
    assert [entry.key for entry in result.deleted] == [marker.key]
    if server.name != "swift":
        assert result.deleted[0].version_id == marker.version_id
    assert await client.object_exists(f"{new_bucket}/a/ü +%", version_id=kept.version_id)
    left = [
        (version.key, version.version_id)
        async for version in client.list_object_versions(new_bucket)
    ]
    assert len(left) == 4
    assert (await client.delete_objects(left, bucket=new_bucket)).errors == []
    assert [v async for v in client.list_object_versions(new_bucket)] == []
    assert await client.versioning(new_bucket, enabled=False) == "Suspended"
    assert await client.versioning(new_bucket) == "Suspended"
    await client.delete_bucket(new_bucket)


# A client that is bound to a bucket


async def test_a_bound_client_needs_no_bucket(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str, oracle: Oracle
) -> None:
    server.need("own_bucket", "delete_objects")
    client = bound(server, session, bucket)
    assert await client.bucket_exists() is True
    assert await client.bucket_exists(bucket) is True
    with pytest.raises(ValueError, match="is not the client's"):
        await client.bucket_exists("another-bucket")
    await client.put("key", b"1")
    assert await client.object_exists("key") is True
    assert [gone.key for gone in (await client.delete_objects(["key"])).deleted] == ["key"]
    assert await asyncio.to_thread(oracle.list_keys, bucket) == []


async def test_keys_are_relative_to_the_prefix_of_the_url(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str, oracle: Oracle
) -> None:
    server.need("own_bucket", "delete_objects")
    client = bound(server, session, f"{bucket}/team/a")
    odd = [] if server.missing("keys_verbatim") else ["cr\r"]
    for key in ("key", "other", *odd):
        await client.put(key, b"1")
    await asyncio.to_thread(oracle.put, bucket, "key", b"not this one")
    assert await client.object_exists("key") is True
    if not server.missing("versioning"):
        found = [v.key async for v in client.list_object_versions(prefix="ke")]
        assert found == ["key"]
    result = await client.delete_objects(["key", *odd])
    assert sorted(gone.key for gone in result.deleted) == sorted(["key", *odd])
    left = await asyncio.to_thread(oracle.list_keys, bucket)
    assert sorted(left) == ["key", "team/a/other"]


# What is set on objects


async def test_tags_of_an_object(
    client: S3Client, server: RunningServer, oracle: Oracle, bucket: str
) -> None:
    server.need("tagging")
    name = f"{bucket}/a key"
    await client.put(name, b"1")
    assert await client.get_tags(name) == {}
    tags = {"colour": "light blue", "größe": "a+b=c/d@e", "empty": ""}
    await client.put_tags(name, tags)
    assert await client.get_tags(name) == tags
    found = await asyncio.to_thread(oracle.client.get_object_tagging, Bucket=bucket, Key="a key")
    assert {tag["Key"]: tag["Value"] for tag in found["TagSet"]} == tags
    await client.put_tags(name, {"only": "this"})
    assert await client.get_tags(name) == {"only": "this"}
    await client.delete_tags(name)
    assert await client.get_tags(name) == {}
    await client.delete_tags(name)
    with pytest.raises(NoSuchKey):
        await client.get_tags(f"{bucket}/missing")


async def test_tags_of_a_version(client: S3Client, server: RunningServer, new_bucket: str) -> None:
    server.need("tagging", "versioning")
    await client.create_bucket(new_bucket)
    await client.versioning(new_bucket, enabled=True)
    async with client.put(f"{new_bucket}/key", b"1") as answer:
        version = answer.headers["x-amz-version-id"]
    await client.put(f"{new_bucket}/key", b"2")
    await client.put_tags(f"{new_bucket}/key", {"of": "the first"}, version_id=version)
    assert await client.get_tags(f"{new_bucket}/key") == {}
    assert await client.get_tags(f"{new_bucket}/key", version_id=version) == {"of": "the first"}
    await client.delete_tags(f"{new_bucket}/key", version_id=version)
    assert await client.get_tags(f"{new_bucket}/key", version_id=version) == {}


async def test_attributes_of_an_object(
    client: S3Client, server: RunningServer, oracle: Oracle, bucket: str
) -> None:
    """What boto3 finds; a server that does not know the operation has it find nothing."""
    from botocore.exceptions import BotoCoreError, ClientError

    server.need("own_bucket")
    await client.put(f"{bucket}/key", b"data")
    wanted: dict[str, Any] = {"ObjectAttributes": ["ETag", "ObjectSize", "StorageClass"]}
    try:
        expected = await asyncio.to_thread(
            oracle.client.get_object_attributes, Bucket=bucket, Key="key", **wanted
        )
    except (ClientError, BotoCoreError):
        expected = {}
    if "ObjectSize" not in expected:
        with pytest.raises(S3Error):
            await client.get_object_attributes(f"{bucket}/key")
        return
    found = await client.get_object_attributes(f"{bucket}/key")
    assert (found.etag, found.size) == (expected["ETag"], expected["ObjectSize"])
    assert found.storage_class == expected.get("StorageClass")
    assert found.last_modified == expected["LastModified"]
    only = await client.get_object_attributes(f"{bucket}/key", ["ObjectSize"])
    assert (only.size, only.etag) == (4, None)
    with pytest.raises(NoSuchKey):
        await client.get_object_attributes(f"{bucket}/missing")


async def test_restore_an_archived_object(
    client: S3Client, server: RunningServer, oracle: Oracle, bucket: str
) -> None:
    server.need("own_bucket", "storage_class")
    await client.put(f"{bucket}/hot", b"1")
    with pytest.raises(InvalidObjectState):
        await client.restore(f"{bucket}/hot", 1)
    await asyncio.to_thread(oracle.put, bucket, "cold", b"1", StorageClass="GLACIER")
    await client.restore(f"{bucket}/cold", 3, "Bulk")
    async with client.head(f"{bucket}/cold") as answer:
        assert "x-amz-restore" in answer.headers
