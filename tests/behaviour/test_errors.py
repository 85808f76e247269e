"""Errors have the class of their code, against every server."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

import aiohttp
import pytest

from aiohttp_s3_client import AwsDownloadError, AwsError, AwsUploadError, S3Client
from aiohttp_s3_client.errors import (
    BadRequest,
    BucketNotEmpty,
    EntityTooSmall,
    InvalidRange,
    NoSuchBucket,
    NoSuchKey,
    NoSuchUpload,
    NotFound,
    NotModified,
    PreconditionFailed,
    XAmzContentSHA256Mismatch,
)
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer

from .material import client_for, left_over, open_session

NOWHERE = "no-such-bucket-here"


@pytest.fixture
async def strict(server: RunningServer) -> AsyncIterator[S3Client]:
    """A client whose session raises for every status of 400 and above."""
    async with open_session(server, raise_for_status=True) as session:
        yield client_for(server, session)


async def test_no_such_key(strict: S3Client, bucket: str, server: RunningServer) -> None:
    with pytest.raises(NoSuchKey) as caught:
        await strict.get(f"{bucket}/missing")
    error = caught.value
    assert isinstance(error, aiohttp.ClientResponseError)
    assert (error.status, error.code) == (HTTPStatus.NOT_FOUND, "NoSuchKey")
    assert (error.operation, error.bucket, error.key) == ("GetObject", bucket, "missing")
    assert error.attempts == 1
    if server.missing("request_id") is None:
        assert error.request_id
        assert error.request_id in str(error)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is NoSuchKey
    assert str(copy) == str(error)
    with pytest.raises(NotFound):
        await strict.head(f"{bucket}/missing")


async def test_no_such_bucket(strict: S3Client, server: RunningServer) -> None:
    server.need("own_bucket")
    for method, data in (("GET", None), ("PUT", b"body")):
        with pytest.raises(NoSuchBucket):
            await strict.request(method, f"{NOWHERE}/key", data=data)


async def test_error_is_the_answer_where_nobody_wants_it_raised(
    client: S3Client, bucket: str
) -> None:
    async with client.get(f"{bucket}/missing") as resp:
        assert resp.status == HTTPStatus.NOT_FOUND
        assert b"<Code>NoSuchKey</Code>" in await resp.read()
    async with client.get(f"{bucket}/missing", raise_for_status=False) as resp:
        assert resp.status == HTTPStatus.NOT_FOUND


async def test_callable_raise_for_status(server: RunningServer, bucket: str) -> None:
    """A session's own judge is asked, and what it raises of aiohttp's becomes ours."""
    judged: list[int] = []

    async def judge(response: aiohttp.ClientResponse) -> None:
        judged.append(response.status)
        response.raise_for_status()

    async with open_session(server, raise_for_status=judge) as session:
        client = client_for(server, session)
        await client.put(f"{bucket}/key", b"body")
        with pytest.raises(NoSuchKey):
            await client.get(f"{bucket}/missing")
    assert judged == [HTTPStatus.OK, HTTPStatus.NOT_FOUND]


async def test_conditions(
    strict: S3Client, bucket: str, oracle: Oracle, server: RunningServer
) -> None:
    server.need("if_match", "if_none_match")
    etag = await asyncio.to_thread(oracle.put, bucket, "key", b"body")
    with pytest.raises(PreconditionFailed):
        await strict.get(f"{bucket}/key", headers={"If-Match": '"0123"'})
    async with strict.get(f"{bucket}/key", headers={"If-Match": etag}) as resp:
        assert await resp.read() == b"body"
    async with strict.get(f"{bucket}/key", headers={"If-None-Match": etag}) as resp:
        assert resp.status == HTTPStatus.NOT_MODIFIED
    with pytest.raises(NotModified):
        await strict.get_file_parallel(
            f"{bucket}/key", "/tmp/never", headers={"If-None-Match": etag}
        )


async def test_conditional_put(
    strict: S3Client, bucket: str, oracle: Oracle, server: RunningServer
) -> None:
    server.need("conditional_put")
    async with strict.put(f"{bucket}/key", b"first", headers={"If-None-Match": "*"}) as resp:
        assert resp.status == HTTPStatus.OK
    with pytest.raises(PreconditionFailed):
        await strict.put(f"{bucket}/key", b"second", headers={"If-None-Match": "*"})
    assert await asyncio.to_thread(oracle.get, bucket, "key") == b"first"


async def test_invalid_range(
    strict: S3Client, bucket: str, oracle: Oracle, server: RunningServer
) -> None:
    server.need("range_416")
    await asyncio.to_thread(oracle.put, bucket, "key", b"0123456789")
    with pytest.raises(InvalidRange) as caught:
        await strict.get(f"{bucket}/key", headers={"Range": "bytes=10-"})
    assert caught.value.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


async def test_bucket_not_empty(
    strict: S3Client, bucket: str, oracle: Oracle, server: RunningServer
) -> None:
    server.need("own_bucket")
    await asyncio.to_thread(oracle.put, bucket, "key", b"body")
    with pytest.raises(BucketNotEmpty):
        await strict.delete(bucket)


async def test_no_such_upload(
    strict: S3Client, bucket: str, oracle: Oracle, server: RunningServer
) -> None:
    server.need("no_such_upload")
    async with strict.post(f"{bucket}/key", params={"uploads": ""}) as resp:
        assert resp.status == HTTPStatus.OK
    ((_, upload_id),) = await asyncio.to_thread(oracle.uploads, bucket)
    await strict.delete(f"{bucket}/key", params={"uploadId": upload_id})
    with pytest.raises(NoSuchUpload):
        await strict.put(
            f"{bucket}/key", b"body", params={"uploadId": upload_id, "partNumber": "1"}
        )


async def test_upload_that_somebody_else_aborted(
    client: S3Client, bucket: str, oracle: Oracle, server: RunningServer
) -> None:
    server.need("no_such_upload")

    async def upload() -> None:
        async with client.multipart_upload(f"{bucket}/key") as uploader:
            await uploader.put_part(b"body")
            async with client.delete(
                f"{bucket}/key", params={"uploadId": uploader.upload_id}
            ) as resp:
                assert resp.status == HTTPStatus.NO_CONTENT

    with pytest.raises(NoSuchUpload) as caught:
        await upload()
    assert isinstance(caught.value, AwsUploadError)
    assert await asyncio.to_thread(oracle.head, bucket, "key") is None


async def test_part_too_small(
    client: S3Client, bucket: str, oracle: Oracle, server: RunningServer
) -> None:
    server.need("small_part_refused")

    async def upload() -> None:
        async with client.multipart_upload(f"{bucket}/key") as uploader:
            await uploader.put_part(b"far too small")
            await uploader.put_part(b"the last one may be")

    with pytest.raises(EntityTooSmall) as caught:
        await upload()
    assert isinstance(caught.value, AwsUploadError)
    assert await asyncio.to_thread(oracle.uploads, bucket) == []


async def test_wrong_content_md5(
    strict: S3Client, bucket: str, oracle: Oracle, server: RunningServer
) -> None:
    server.need("content_md5_verified")
    with pytest.raises(BadRequest) as caught:
        await strict.put(
            f"{bucket}/key", b"body", headers={"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}
        )
    assert caught.value.code == "BadDigest"
    assert await asyncio.to_thread(oracle.head, bucket, "key") is None


async def test_wrong_sha256(
    strict: S3Client, bucket: str, oracle: Oracle, server: RunningServer, tmp_path: Path
) -> None:
    server.need("body_hash_verified")
    path = tmp_path / "file"
    path.write_bytes(b"body")
    with pytest.raises((XAmzContentSHA256Mismatch, BadRequest)):
        await strict.put(f"{bucket}/key", b"body", content_sha256="0" * 64)
    with pytest.raises((XAmzContentSHA256Mismatch, BadRequest)):
        await strict.put_file(f"{bucket}/key", path, content_sha256="0" * 64)
    assert await asyncio.to_thread(oracle.head, bucket, "key") is None


async def test_uploads_and_downloads_have_roles(
    client: S3Client, bucket: str, server: RunningServer, tmp_path: Path
) -> None:
    """The class of the code, and the class of the transfer."""
    server.need("own_bucket")
    source = tmp_path / "source"
    source.write_bytes(b"body")
    with pytest.raises(AwsUploadError) as upload:
        await client.put_file_multipart(f"{NOWHERE}/key", source)
    assert isinstance(upload.value, NoSuchBucket)
    with pytest.raises(AwsDownloadError) as download:
        await client.get_file_parallel(f"{bucket}/missing", tmp_path / "copy")
    assert isinstance(download.value, NoSuchKey)
    assert isinstance(download.value, AwsError)
    assert left_over(tmp_path) == ["source"]


async def test_failed_copy_is_raised_and_rename_keeps_its_source(
    client: S3Client, bucket: str, oracle: Oracle, server: RunningServer
) -> None:
    server.need("own_bucket")
    await asyncio.to_thread(oracle.put, bucket, "key", b"body")
    with pytest.raises(NoSuchKey):
        await client.copy(f"{bucket}/missing", f"{bucket}/copy", raise_for_status=True)
    with pytest.raises(NoSuchBucket):
        await client.rename(f"{bucket}/key", f"{NOWHERE}/key")
    assert await asyncio.to_thread(oracle.get, bucket, "key") == b"body"


async def test_p2_unread_answers_do_not_use_up_the_pool(
    server: RunningServer, bucket: str, oracle: Oracle
) -> None:
    """P2: one connection in all, and nobody reads what comes over it."""
    await asyncio.to_thread(oracle.put, bucket, "large", b"x" * 4_000_000)
    connector = aiohttp.TCPConnector(ssl=server.ssl_context() or True, limit=1)
    async with asyncio.timeout(20), open_session(server, connector=connector) as session:
        client = client_for(server, session)
        for _ in range(5):
            async with client.get(f"{bucket}/large") as resp:
                assert resp.status == HTTPStatus.OK
            async with client.get(f"{bucket}/missing") as resp:
                assert resp.status == HTTPStatus.NOT_FOUND
            with pytest.raises(NoSuchKey):
                await client.get(f"{bucket}/missing", raise_for_status=True)
        async with client.put(f"{bucket}/after", b"body") as resp:
            assert resp.status == HTTPStatus.OK
