"""list_objects_v2 against every server: prefixes, delimiters, pages."""

from __future__ import annotations

import asyncio

import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import NoSuchBucket
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer

KEYS = ("a/1", "a/2", "a/b/3", "c/4", "d", "e f", "e+f", "e%20f", "ü")
IN_ORDER = sorted(KEYS, key=str.encode)


@pytest.fixture
def filled(oracle: Oracle, bucket: str) -> str:
    """A bucket that holds KEYS."""
    for key in KEYS:
        oracle.put(bucket, key, key.encode())
    return bucket


async def keys_of(client: S3Client, *where: str, **how: str | int) -> tuple[list[str], list[str]]:
    """All keys and all common prefixes, over all pages."""
    keys: list[str] = []
    folders: list[str] = []
    async for metas, prefixes in client.list_objects_v2(*where, **how):  # type: ignore[arg-type]  # one dict, two types
        keys += [meta.key for meta in metas]
        folders += prefixes
    return keys, folders


async def test_everything_in_order(client: S3Client, filled: str, server: RunningServer) -> None:
    keys, folders = await keys_of(client, filled)
    assert keys == IN_ORDER
    assert folders == []
    if server.missing("own_bucket") is None:
        keys, _ = await keys_of(client, bucket=filled)
        assert keys == IN_ORDER


async def test_prefix(client: S3Client, filled: str) -> None:
    for prefix in ("a/", "a/b", "e ", "e+", "e%", "ü", "nothing"):
        keys, _ = await keys_of(client, f"{filled}/", prefix=prefix)
        assert keys == [key for key in KEYS if key.startswith(prefix)]
    keys, _ = await keys_of(client, f"{filled}/a/b")
    assert keys == ["a/b/3"]


async def test_delimiter(client: S3Client, filled: str) -> None:
    keys, folders = await keys_of(client, filled, delimiter="/")
    assert folders == ["a/", "c/"]
    assert keys == [key for key in IN_ORDER if "/" not in key]
    keys, folders = await keys_of(client, filled, prefix="a/", delimiter="/")
    assert (keys, folders) == (["a/1", "a/2"], ["a/b/"])


async def test_delimiter_that_needs_encoding(
    client: S3Client, filled: str, server: RunningServer
) -> None:
    server.need("any_delimiter")
    keys, folders = await keys_of(client, filled, prefix="e", delimiter=" ")
    assert (keys, folders) == (["e%20f", "e+f"], ["e "])


async def test_pages(client: S3Client, filled: str, server: RunningServer) -> None:
    server.need("continuation_tokens")
    for max_keys in (1, 4, 1000):
        sizes: list[int] = []
        found: list[str] = []
        async for metas, _ in client.list_objects_v2(filled, max_keys=max_keys):
            sizes.append(len(metas))
            found += [meta.key for meta in metas]
        assert found == IN_ORDER
        assert max(sizes) <= max_keys
        assert len(sizes) >= -(-len(KEYS) // max_keys)
    keys, folders = await keys_of(client, filled, delimiter="/", max_keys=2)
    assert folders == ["a/", "c/"]
    assert keys == [key for key in IN_ORDER if "/" not in key]


async def test_start_after(client: S3Client, filled: str, server: RunningServer) -> None:
    server.need("start_after", "continuation_tokens")
    for after in ("a/2", "b", "e f", "e+f", "ü"):
        keys, _ = await keys_of(client, filled, start_after=after)
        assert keys == [key for key in IN_ORDER if key.encode() > after.encode()]
    keys, _ = await keys_of(client, filled, start_after="a/2", max_keys=2)
    assert keys == [key for key in IN_ORDER if key > "a/2"]


async def test_empty_bucket(client: S3Client, bucket: str) -> None:
    pages = [page async for page in client.list_objects_v2(bucket)]
    assert pages == [([], [])]


async def test_no_such_bucket(client: S3Client, server: RunningServer) -> None:
    server.need("own_bucket")
    with pytest.raises(NoSuchBucket) as caught:
        await keys_of(client, "no-such-bucket-here")
    assert caught.value.operation == "ListObjectsV2"
    assert caught.value.bucket == "no-such-bucket-here"


async def test_what_a_page_tells(client: S3Client, bucket: str, oracle: Oracle) -> None:
    etag = await asyncio.to_thread(oracle.put, bucket, "key", b"12345")
    head = await asyncio.to_thread(oracle.head, bucket, "key")
    assert head is not None
    async for metas, _ in client.list_objects_v2(bucket):
        (meta,) = metas
        assert (meta.key, meta.size) == ("key", 5)
        assert meta.etag is not None
        assert meta.etag.strip('"') == etag.strip('"')
        assert meta.storage_class in ("STANDARD", None)
        assert abs(meta.last_modified - head["LastModified"]).total_seconds() < 2
