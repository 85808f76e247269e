"""Every call that upstream's document shows, as it shows it, against every server.

Two of its lines compare a response with a number; here they compare the response's status.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

import aiohttp
import pytest

from aiohttp_s3_client import AwsObjectMeta, S3Client
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer

from .material import MIB, PART, in_pieces, noise, open_session


@pytest.fixture
async def session(server: RunningServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(server, raise_for_status=True) as session:
        yield session


@pytest.fixture
def client(server: RunningServer, session: aiohttp.ClientSession) -> S3Client:
    return S3Client(
        url=server.url,
        session=session,
        access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key,
        region=server.region,
    )


async def stored(oracle: Oracle, bucket: str, key: str) -> bytes:
    return await asyncio.to_thread(oracle.get, bucket, key)


async def test_put_str(client: S3Client, bucket: str, oracle: Oracle) -> None:
    async with client.put(f"{bucket}/str", "hello, wörld") as resp:
        assert resp.status == HTTPStatus.OK
    assert await stored(oracle, bucket, "str") == "hello, wörld".encode()


async def test_put_bytes(client: S3Client, bucket: str, oracle: Oracle) -> None:
    async with await client.put(f"{bucket}/bytes", b"hello, world") as resp:
        assert resp.status == HTTPStatus.OK
    assert await stored(oracle, bucket, "bytes") == b"hello, world"


async def test_put_async_iterable(client: S3Client, bucket: str, oracle: Oracle) -> None:
    async def gen() -> AsyncIterator[bytes]:
        yield b"some "
        yield b"bytes"

    async with client.put(f"{bucket}/file", gen()) as resp:
        assert resp.status == HTTPStatus.OK
    assert await stored(oracle, bucket, "file") == b"some bytes"


async def test_put_of_an_async_iterable_with_its_length(
    client: S3Client, bucket: str, oracle: Oracle
) -> None:
    data = noise(300_000)
    async with client.put(f"{bucket}/file", in_pieces(data), data_length=len(data)) as resp:
        assert resp.status == HTTPStatus.OK
    assert await stored(oracle, bucket, "file") == data


async def test_put_of_an_async_iterable_larger_than_a_part(
    client: S3Client, bucket: str, oracle: Oracle
) -> None:
    data = noise(9 * MIB)
    async with client.put(f"{bucket}/file", in_pieces(data)) as resp:
        assert resp.status == HTTPStatus.OK
        assert b"CompleteMultipartUploadResult" in await resp.read()
    assert await stored(oracle, bucket, "file") == data


async def test_put_of_large_bytes(client: S3Client, bucket: str, oracle: Oracle) -> None:
    data = noise(3 * MIB)
    async with client.put(f"{bucket}/bytes", memoryview(data)) as resp:
        assert resp.status == HTTPStatus.OK
    assert await stored(oracle, bucket, "bytes") == data


async def test_put_of_a_path_and_of_a_file_object(
    client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    data = noise(200_000)
    path = tmp_path / "data.bin"
    path.write_bytes(data)
    async with client.put(f"{bucket}/path", path) as resp:
        assert resp.status == HTTPStatus.OK
    with path.open("rb") as file:
        file.seek(1000)
        async with client.put(f"{bucket}/object", file) as resp:
            assert resp.status == HTTPStatus.OK
    assert await stored(oracle, bucket, "path") == data
    assert await stored(oracle, bucket, "object") == data[1000:]


async def test_put_file(client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path) -> None:
    data = noise(3 * MIB + 17)
    path = tmp_path / "data.bin"
    path.write_bytes(data)
    async with client.put_file(f"{bucket}/file", path) as resp:
        assert resp.status == HTTPStatus.OK
    assert await stored(oracle, bucket, "file") == data
    digest = hashlib.sha256(data).hexdigest()
    resp = await client.put_file(
        f"{bucket}/again", str(path), headers={}, chunk_size=4096, content_sha256=digest
    )
    assert resp.status == HTTPStatus.OK
    assert await stored(oracle, bucket, "again") == data


async def test_put_of_an_empty_file(
    client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    path = tmp_path / "empty"
    path.touch()
    async with client.put_file(f"{bucket}/empty", path) as resp:
        assert resp.status == HTTPStatus.OK
    assert await stored(oracle, bucket, "empty") == b""


async def test_head(client: S3Client, bucket: str, oracle: Oracle) -> None:
    await asyncio.to_thread(oracle.put, bucket, "key", b"12345")
    async with client.head(f"{bucket}/key") as resp:
        assert resp.status == HTTPStatus.OK
        assert resp.headers["Content-Length"] == "5"


async def test_get(client: S3Client, bucket: str, oracle: Oracle) -> None:
    await asyncio.to_thread(oracle.put, bucket, "key", b"hello, world")
    async with client.get(f"{bucket}/key") as resp:
        data = await resp.read()
    assert data == b"hello, world"
    async with client.get(f"/{bucket}/key", headers={"Range": "bytes=7-"}) as resp:
        assert await resp.read() == b"world"


async def test_delete(client: S3Client, bucket: str, oracle: Oracle) -> None:
    await asyncio.to_thread(oracle.put, bucket, "key", b"hello, world")
    async with client.delete(f"{bucket}/key") as resp:
        assert resp.status == HTTPStatus.NO_CONTENT
    assert await asyncio.to_thread(oracle.head, bucket, "key") is None


async def test_request_and_post(client: S3Client, bucket: str, oracle: Oracle) -> None:
    async with client.post(f"{bucket}/key", params={"uploads": ""}) as resp:
        assert b"<UploadId>" in await resp.read()
    ((key, upload_id),) = await asyncio.to_thread(oracle.uploads, bucket)
    assert key == "key"
    async with client.request("DELETE", f"{bucket}/key", params={"uploadId": upload_id}) as resp:
        assert resp.status == HTTPStatus.NO_CONTENT
    assert await asyncio.to_thread(oracle.uploads, bucket) == []


async def test_list_objects_v2(client: S3Client, bucket: str, oracle: Oracle) -> None:
    for key in ("prefix-1", "prefix-2", "other"):
        await asyncio.to_thread(oracle.put, bucket, key, key.encode())
    found: list[AwsObjectMeta] = []
    async for result, prefixes in client.list_objects_v2(f"{bucket}/", prefix="prefix"):
        assert prefixes == []
        found.extend(result)
    assert [(meta.key, meta.size) for meta in found] == [("prefix-1", 8), ("prefix-2", 8)]
    etag = found[0].etag
    assert etag is not None
    assert etag.strip('"') == hashlib.md5(b"prefix-1").hexdigest()  # rclone leaves the quotes out
    assert found[0].last_modified.tzinfo is not None


async def test_put_file_multipart(
    client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    data = noise(9 * MIB)
    path = tmp_path / "bigfile.csv"
    path.write_bytes(data)
    await client.put_file_multipart(
        f"{bucket}/bigfile.csv",
        path,
        headers={"Content-Type": "text/csv"},
        workers_count=8,
    )
    assert await stored(oracle, bucket, "bigfile.csv") == data
    head = await asyncio.to_thread(oracle.head, bucket, "bigfile.csv")
    assert head is not None
    assert head["ContentType"] == "text/csv"


async def test_put_multipart(client: S3Client, bucket: str, oracle: Oracle) -> None:
    data = noise(PART + 1)
    await client.put_multipart(f"{bucket}/stream", in_pieces(data), part_size=PART)
    await client.put_multipart(f"{bucket}/pieces", [data[:7], b"", data[7:]], part_size=PART)
    assert await stored(oracle, bucket, "stream") == data
    assert await stored(oracle, bucket, "pieces") == data


async def test_get_file_parallel(
    client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    data = noise(9 * MIB)
    await asyncio.to_thread(oracle.put, bucket, "bigfile.csv", data)
    path = tmp_path / "bigfile.csv"
    await client.get_file_parallel(f"{bucket}/bigfile.csv", str(path), workers_count=8)
    assert path.read_bytes() == data


async def test_multipart_upload(client: S3Client, bucket: str, oracle: Oracle) -> None:
    data = noise(2 * PART + 3)
    part_size = max(5 * 1024 * 1024, math.ceil(len(data) / 10000))
    chunks = [data[start : start + part_size] for start in range(0, len(data), part_size)]
    async with client.multipart_upload(f"{bucket}/video.mov") as uploader:
        uploads = []
        for chunk in chunks:
            uploads.append(
                uploader.put_part(
                    chunk,
                    content_sha256=hashlib.sha256(chunk).hexdigest(),
                )
            )
        await asyncio.gather(*uploads)
    assert await stored(oracle, bucket, "video.mov") == data
    assert await asyncio.to_thread(oracle.uploads, bucket) == []
