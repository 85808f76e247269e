"""Where the bucket may stand: in the URL's path, in the key, in the host, behind a base path."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest
from yarl import URL

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import NoSuchKey, SignatureDoesNotMatch
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer

from .material import MIB, PART, client_for, in_pieces, noise
from .proxy import reverse_proxy

KEYS = ("key", "folder/a b+c", "ключ")


async def round_trip(client: S3Client, prefix: str, oracle: Oracle, bucket: str) -> None:
    """Through the verbs and a listing, with names that begin with *prefix*."""
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
    assert await asyncio.to_thread(oracle.list_keys, bucket) == []


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


def need_bucket_in_host(server: RunningServer) -> None:
    server.need("own_bucket", "virtual_host")
    if server.ca_file is not None:
        pytest.skip(f"{server.name}: OpenSSL takes no certificate for *.localhost")


@pytest.fixture
def in_host(server: RunningServer, session: aiohttp.ClientSession, bucket: str) -> S3Client:
    """A client whose URL has the bucket in its host, as upstream's document shows."""
    need_bucket_in_host(server)
    return client_for(server, session, url=server.virtual_url.replace("://", f"://{bucket}."))


async def test_bucket_in_the_host_of_the_url(
    in_host: S3Client, bucket: str, oracle: Oracle
) -> None:
    await round_trip(in_host, "", oracle, bucket)


async def test_bucket_in_the_host_guesses_the_content_type(
    in_host: S3Client, bucket: str, oracle: Oracle
) -> None:
    await in_host.put("page.html", b"<p>")
    await in_host.put("folder/page.html", b"<p>")
    for key in ("page.html", "folder/page.html"):
        head = await asyncio.to_thread(oracle.head, bucket, key)
        assert head is not None
        assert head["ContentType"] == "text/html"


async def test_bucket_in_the_host_takes_a_long_stream(
    in_host: S3Client, bucket: str, oracle: Oracle
) -> None:
    data = noise(9 * MIB)
    async with in_host.put("key", in_pieces(data)) as resp:
        assert resp.status == HTTPStatus.OK
    assert await asyncio.to_thread(oracle.get, bucket, "key") == data


async def test_bucket_in_the_host_transfers_in_parts(
    in_host: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    data = noise(PART + 1)
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(data)
    await in_host.put_file_multipart("key", source, part_size=PART)
    assert await asyncio.to_thread(oracle.get, bucket, "key") == data
    await in_host.get_file_parallel("key", copy, range_step=PART)
    assert copy.read_bytes() == data


async def test_bucket_in_the_host_names_the_operation_in_errors(in_host: S3Client) -> None:
    with pytest.raises(NoSuchKey) as caught:
        await in_host.get("missing", raise_for_status=True)
    assert caught.value.operation == "GetObject"


async def test_virtual_addressing(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str, oracle: Oracle
) -> None:
    need_bucket_in_host(server)
    client = client_for(server, session, url=server.virtual_url, addressing_style="virtual")
    await round_trip(client, f"{bucket}/", oracle, bucket)
    url = client.presign_url("GET", f"{bucket}/key")
    assert url.host == f"{bucket}.localhost"


async def test_copy_between_buckets_in_hosts(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str, oracle: Oracle
) -> None:
    need_bucket_in_host(server)
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


async def test_base_path_behind_a_reverse_proxy(
    server: RunningServer,
    session: aiohttp.ClientSession,
    bucket: str,
    oracle: Oracle,
) -> None:
    """The proxy takes the base path away, which a server that verifies signatures must notice."""
    server.need("own_bucket")
    async with reverse_proxy(server, base="/store/s3") as url:
        forms = (
            (client_for(server, session, url=f"{url}/{bucket}", base_path="/store/s3"), ""),
            (client_for(server, session, url=url, bucket=bucket, base_path="store/s3/"), ""),
            (client_for(server, session, url=url, base_path="/store/s3"), f"{bucket}/"),
        )
        for client, prefix in forms:
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
    name = f"by-hand-{uuid4().hex[:12]}"
    async with client.put(name) as resp:
        assert resp.status == HTTPStatus.OK
    async with client.head(name) as resp:
        assert resp.status == HTTPStatus.OK
    async with client.delete(name) as resp:
        assert resp.status == HTTPStatus.NO_CONTENT
    async with client.head(name) as resp:
        assert resp.status == HTTPStatus.NOT_FOUND
