"""Where the bucket may stand: in the URL's path, in the key, in the host, behind a base path."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import aiohttp
import pytest
from yarl import URL

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import SignatureDoesNotMatch
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer

from .material import client_for
from .proxy import reverse_proxy

KEYS = ("key", "folder/a b+c", "ключ")


async def round_trip(client: S3Client, prefix: str, oracle: Oracle, bucket: str) -> None:
    """Through every verb, list, copy and presign with names that begin with *prefix*."""
    for key in KEYS:
        async with client.put(prefix + key, key) as resp:
            assert resp.status == HTTPStatus.OK
        assert await asyncio.to_thread(oracle.get, bucket, key) == key.encode()
        async with client.get(prefix + key) as resp:
            assert await resp.read() == key.encode()
        async with client.head(prefix + key) as resp:
            assert resp.status == HTTPStatus.OK
    listed = [
        meta.key async for metas, _ in client.list_objects_v2(prefix or "/") for meta in metas
    ]
    assert sorted(listed) == sorted(KEYS)
    for key in KEYS:
        async with client.delete(prefix + key) as resp:
            assert resp.status == HTTPStatus.NO_CONTENT
    assert await asyncio.to_thread(oracle.list, bucket) == []


async def test_bucket_in_the_key(client: S3Client, bucket: str, oracle: Oracle) -> None:
    await round_trip(client, f"{bucket}/", oracle, bucket)


async def test_bucket_in_the_key_behind_a_slash(
    client: S3Client, bucket: str, oracle: Oracle
) -> None:
    await round_trip(client, f"/{bucket}/", oracle, bucket)


async def test_bucket_in_the_path_of_the_url(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str, oracle: Oracle
) -> None:
    client = client_for(server, session, url=f"{server.url}/{bucket}")
    await round_trip(client, "", oracle, bucket)


async def test_bucket_as_an_argument(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str, oracle: Oracle
) -> None:
    server.need("own_bucket")
    client = client_for(server, session, url=URL(server.url), bucket=bucket)
    await round_trip(client, "/", oracle, bucket)


async def test_bucket_in_the_host_of_the_url(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str, oracle: Oracle
) -> None:
    server.need("own_bucket", "virtual_host")
    client = client_for(server, session, url=server.virtual_url.replace("://", f"://{bucket}."))
    await round_trip(client, "", oracle, bucket)


async def test_virtual_addressing(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str, oracle: Oracle
) -> None:
    server.need("own_bucket", "virtual_host")
    client = client_for(server, session, url=server.virtual_url, addressing_style="virtual")
    await round_trip(client, f"{bucket}/", oracle, bucket)
    url = client.presign_url("GET", f"{bucket}/key")
    assert url.host == f"{bucket}.localhost"


async def test_copy_between_buckets_in_hosts(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str, oracle: Oracle
) -> None:
    server.need("own_bucket", "virtual_host")
    client = client_for(server, session, url=server.virtual_url, addressing_style="virtual")
    await client.put(f"{bucket}/a+b c", b"body")
    async with client.copy(f"{bucket}/a+b c", f"{bucket}/copied") as resp:
        assert resp.status == HTTPStatus.OK
    assert await asyncio.to_thread(oracle.get, bucket, "copied") == b"body"


async def test_path_behind_the_bucket_is_a_prefix(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str, oracle: Oracle
) -> None:
    client = client_for(server, session, url=f"{server.url}/{bucket}/deep/er/")
    await client.put("key", b"body")
    assert await asyncio.to_thread(oracle.get, bucket, "deep/er/key") == b"body"
    listed = [meta.key async for metas, _ in client.list_objects_v2() for meta in metas]
    assert listed == ["key"]
    async with client.get(listed[0]) as resp:
        assert await resp.read() == b"body"


@pytest.mark.parametrize("named", ["in the URL", "as an argument", "in the key"])
async def test_base_path_behind_a_reverse_proxy(
    server: RunningServer,
    session: aiohttp.ClientSession,
    bucket: str,
    oracle: Oracle,
    named: str,
) -> None:
    """The proxy takes the base path away, which a server that verifies signatures must notice."""
    server.need("own_bucket")
    async with reverse_proxy(server, base="/store/s3") as url:
        if named == "in the URL":
            client = client_for(server, session, url=f"{url}/{bucket}", base_path="/store/s3")
        elif named == "as an argument":
            client = client_for(server, session, url=url, bucket=bucket, base_path="store/s3/")
        else:
            client = client_for(server, session, url=url, base_path="/store/s3")
        prefix = f"{bucket}/" if named == "in the key" else ""
        if server.missing("signature_verified") is None:
            with pytest.raises(SignatureDoesNotMatch):
                await client.get(f"{prefix}key", raise_for_status=True)
        else:
            await round_trip(client, prefix, oracle, bucket)


async def test_bucket_alone_needs_no_key(client: S3Client, bucket: str) -> None:
    async with client.head(bucket) as resp:
        assert resp.status == HTTPStatus.OK
    async with client.get(bucket, params={"list-type": "2"}) as resp:
        assert b"ListBucketResult" in await resp.read()


async def test_buckets_are_made_and_deleted(client: S3Client, server: RunningServer) -> None:
    server.need("own_bucket")
    name = "made-by-hand"
    async with client.put(name) as resp:
        assert resp.status == HTTPStatus.OK
    async with client.head(name) as resp:
        assert resp.status == HTTPStatus.OK
    async with client.delete(name) as resp:
        assert resp.status == HTTPStatus.NO_CONTENT
    async with client.head(name) as resp:
        assert resp.status == HTTPStatus.NOT_FOUND
