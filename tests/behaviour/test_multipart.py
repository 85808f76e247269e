"""Uploads in parts, against every server, judged by the other client's digests."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import IncompleteMultipartUpload
from aiohttp_s3_client.transfer.uploader import MultipartUploader
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer

from .material import PART, Traffic, client_for, in_pieces, noise, open_session, sha256

SIZES = (0, 1, PART - 1, PART, PART + 1, 3 * PART)


async def digest(oracle: Oracle, bucket: str, key: str) -> str:
    return sha256(await asyncio.to_thread(oracle.get, bucket, key))


async def nothing_pends(oracle: Oracle, bucket: str) -> bool:
    return await asyncio.to_thread(oracle.uploads, bucket) == []


async def upload_and_fail(uploader: MultipartUploader) -> None:
    async with uploader:
        await uploader.put_part(noise(PART))
        raise LookupError("inside")


async def test_file_sizes_around_the_part(
    client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    whole = noise(max(SIZES))
    path = tmp_path / "file"
    for size in SIZES:
        path.write_bytes(whole[:size])
        await client.put_file_multipart(f"{bucket}/key", path, part_size=PART, workers_count=2)
        assert await digest(oracle, bucket, "key") == sha256(whole[:size]), size
    assert await nothing_pends(oracle, bucket)


async def test_stream_sizes_around_the_part(
    embedded_client: S3Client, embedded: RunningServer, embedded_bucket: str
) -> None:
    whole = noise(max(SIZES))
    for size in SIZES:
        name = f"{embedded_bucket}/key"
        await embedded_client.put_multipart(
            name, in_pieces(whole[:size], 1_000_003), part_size=PART, workers_count=2
        )
        assert await digest(embedded.oracle, embedded_bucket, "key") == sha256(whole[:size]), size
    assert await nothing_pends(embedded.oracle, embedded_bucket)


async def test_parts_are_cut_as_asked_and_etag_is_theirs(
    server: RunningServer, client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    server.need("multipart_etag")
    data = noise(2 * PART + 1)
    path = tmp_path / "file"
    path.write_bytes(data)
    await client.put_file_multipart(f"{bucket}/key", path, part_size=PART)
    md5s = [hashlib.md5(data[start : start + PART]).digest() for start in range(0, len(data), PART)]
    head = await asyncio.to_thread(oracle.head, bucket, "key")
    assert head is not None
    assert head["ETag"] == f'"{hashlib.md5(b"".join(md5s)).hexdigest()}-3"'


@pytest.mark.parametrize("workers", [1, 3])
async def test_workers_bound_what_is_in_flight(
    embedded: RunningServer, embedded_bucket: str, tmp_path: Path, workers: int
) -> None:
    busy, most = 0, 0

    async def began(*_: object) -> None:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)

    async def ended(*_: object) -> None:
        nonlocal busy
        busy -= 1

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(began)
    trace.on_request_end.append(ended)
    data = noise(4 * PART)
    path = tmp_path / "file"
    path.write_bytes(data)
    async with open_session(embedded, trace_configs=[trace]) as session:
        await client_for(embedded, session).put_file_multipart(
            f"{embedded_bucket}/key", path, part_size=PART, workers_count=workers
        )
    assert most == workers
    assert await digest(embedded.oracle, embedded_bucket, "key") == sha256(data)


async def test_uploader_takes_parts_in_any_order(
    client: S3Client, bucket: str, oracle: Oracle
) -> None:
    data = noise(2 * PART + 5)
    async with client.multipart_upload(
        f"{bucket}/key", headers={"Content-Type": "x/y"}
    ) as uploader:
        first = uploader.put_part(memoryview(data)[:PART])
        second = uploader.put_part(data[PART : 2 * PART], hashlib.sha256(data[PART:-5]).hexdigest())
        third = uploader.put_part(bytearray(data[2 * PART :]))
        assert await third
        await asyncio.gather(second, first)
        assert await asyncio.to_thread(oracle.uploads, bucket) == [("key", uploader.upload_id)]
    assert await digest(oracle, bucket, "key") == sha256(data)
    head = await asyncio.to_thread(oracle.head, bucket, "key")
    assert head is not None
    assert head["ContentType"] == "x/y"
    assert await nothing_pends(oracle, bucket)


async def test_uploader_waits_for_tasks_in_flight(
    client: S3Client, bucket: str, oracle: Oracle
) -> None:
    data = noise(PART + 5)
    async with client.multipart_upload(f"{bucket}/key") as uploader:
        tasks = [
            asyncio.create_task(uploader.put_part(data[:PART])),
            asyncio.create_task(uploader.put_part(data[PART:])),
        ]
    assert all(task.done() for task in tasks)
    assert await digest(oracle, bucket, "key") == sha256(data)


async def test_uploader_without_parts_makes_an_empty_object(
    client: S3Client, bucket: str, oracle: Oracle
) -> None:
    async with client.multipart_upload(f"{bucket}/key"):
        pass
    assert await asyncio.to_thread(oracle.get, bucket, "key") == b""


async def test_p9_part_that_was_never_awaited(
    client: S3Client, bucket: str, oracle: Oracle
) -> None:
    """P9: never an object with a hole, and nothing left that costs money."""

    async def upload() -> None:
        async with client.multipart_upload(f"{bucket}/key") as uploader:
            await uploader.put_part(noise(PART))
            _forgotten = uploader.put_part(b"forgotten")

    with pytest.raises(IncompleteMultipartUpload, match="part 2") as caught:
        await upload()
    assert caught.value.part_numbers == (2,)
    assert await asyncio.to_thread(oracle.head, bucket, "key") is None
    assert await nothing_pends(oracle, bucket)


async def test_p9_exception_aborts(client: S3Client, bucket: str, oracle: Oracle) -> None:
    """P9: the user's own error is the one raised, after the upload is gone."""

    async def breaks() -> AsyncIterator[bytes]:
        yield noise(PART)
        yield b"more"
        raise LookupError("the source broke")

    with pytest.raises(LookupError, match="the source broke"):
        await client.put_multipart(f"{bucket}/stream", breaks(), part_size=PART)
    with pytest.raises(LookupError, match="inside"):
        await upload_and_fail(client.multipart_upload(f"{bucket}/uploader"))
    assert await nothing_pends(oracle, bucket)
    assert await asyncio.to_thread(oracle.list_keys, bucket) == []


async def test_p9_auto_abort_can_be_switched_off(
    client: S3Client, bucket: str, oracle: Oracle
) -> None:
    """P9: what is kept was asked to be kept."""
    uploader = client.multipart_upload(f"{bucket}/key", auto_abort=False)
    with pytest.raises(LookupError, match="inside"):
        await upload_and_fail(uploader)
    assert await asyncio.to_thread(oracle.uploads, bucket) == [("key", uploader.upload_id)]


async def test_p6_parts_of_another_etag_than_the_object(
    server: RunningServer, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    """P6: the download asks for byte ranges of another size than the parts, never for parts."""
    data = noise(2 * PART + 11)
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(data)
    traffic = Traffic()
    async with open_session(server, trace_configs=[traffic.trace]) as session:
        client = client_for(server, session)
        await client.put_file_multipart(f"{bucket}/key", source, part_size=PART)
        traffic.requests.clear()
        await client.get_file_parallel(f"{bucket}/key", copy, range_step=PART - 7)
    assert sha256(copy.read_bytes()) == sha256(data)
    assert [method for method, _ in traffic.requests].count("GET") == 3
    assert all("partNumber" not in target for _, target in traffic.requests)


async def test_headers_of_the_caller(
    server: RunningServer, client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    server.need("metadata", "system_headers")
    path = tmp_path / "table.csv"
    path.write_bytes(b"a,b\n")
    headers = {"x-amz-meta-colour": "blue", "Cache-Control": "no-cache"}
    await client.put_file_multipart(f"{bucket}/table.csv", path, headers=headers)
    head = await asyncio.to_thread(oracle.head, bucket, "table.csv")
    assert head is not None
    assert head["Metadata"] == {"colour": "blue"}
    assert head["CacheControl"] == "no-cache"
    assert head["ContentType"] == "text/csv"


async def test_hashing_can_be_chosen(
    client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    for hashed in (True, False, None):
        path.write_bytes(body := f"hashed: {hashed}".encode())
        await client.put_file_multipart(f"{bucket}/key", path, calculate_content_sha256=hashed)
        assert await asyncio.to_thread(oracle.get, bucket, "key") == body
