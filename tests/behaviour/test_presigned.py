"""Links that anybody may use, opened with plain aiohttp (P14)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_plus

import aiohttp
import pytest
from yarl import URL

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.operations.loading import link_model
from aiohttp_s3_client.protocol.model.names import OPERATIONS
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer

from .material import client_for, open_session

KEYS = ("key", "a b+c%41", "dir/ünï?q=1&r#s", "x=y;z,@:!$'()*~")


@pytest.fixture
async def visitor(server: RunningServer) -> AsyncIterator[aiohttp.ClientSession]:
    """A session of somebody who has nothing but the link."""
    async with open_session(server) as session:
        yield session


async def test_p14_get(
    client: S3Client,
    bucket: str,
    oracle: Oracle,
    visitor: aiohttp.ClientSession,
    server: RunningServer,
) -> None:
    """P14: the port and the region are those of the client; the server agrees."""
    for key in KEYS:
        await asyncio.to_thread(oracle.put, bucket, key, key.encode())
        url = client.presign_url("GET", f"{bucket}/{key}", expires=60 * 60)
        assert isinstance(url, URL)
        assert url.port == URL(server.url).port
        assert f"/{server.region}/s3/aws4_request" in url.query["X-Amz-Credential"]
        assert url.query["X-Amz-Expires"] == "3600"
        async with visitor.get(url) as resp:
            assert resp.status == HTTPStatus.OK
            assert await resp.read() == key.encode()


async def test_put_head_and_delete(
    client: S3Client, bucket: str, oracle: Oracle, visitor: aiohttp.ClientSession
) -> None:
    async with visitor.put(client.presign_url("PUT", f"{bucket}/key"), data=b"body") as resp:
        assert resp.status == HTTPStatus.OK
    assert await asyncio.to_thread(oracle.get, bucket, "key") == b"body"
    async with visitor.head(client.presign_url("HEAD", f"{bucket}/key")) as resp:
        assert resp.headers["Content-Length"] == "4"
    link = client.presign_url("DELETE", f"{bucket}/key", expires=timedelta(minutes=1))
    async with visitor.delete(link) as resp:
        assert resp.status == HTTPStatus.NO_CONTENT


async def test_of_a_url(
    client: S3Client,
    server: RunningServer,
    bucket: str,
    oracle: Oracle,
    visitor: aiohttp.ClientSession,
) -> None:
    """Only a ``yarl.URL`` is a URL: it is signed as it stands, query and all."""
    await asyncio.to_thread(oracle.put, bucket, "a b", b"0123456789")
    url = URL(f"{server.url}/{bucket}/a%20b", encoded=True)
    async with visitor.get(client.presign_url("GET", url)) as resp:
        assert await resp.read() == b"0123456789"


async def test_with_parameters(
    client: S3Client,
    server: RunningServer,
    bucket: str,
    oracle: Oracle,
    visitor: aiohttp.ClientSession,
) -> None:
    server.need("response_overrides")
    await asyncio.to_thread(oracle.put, bucket, "key", b"body")
    disposition = 'attachment; filename="a b+c.txt"'
    url = client.presign_url(
        "GET", f"{bucket}/key", params={"response-content-disposition": disposition}
    )
    async with visitor.get(url) as resp:
        assert resp.status == HTTPStatus.OK
        assert resp.headers["Content-Disposition"] == disposition


async def test_with_signed_headers(
    client: S3Client,
    server: RunningServer,
    bucket: str,
    oracle: Oracle,
    visitor: aiohttp.ClientSession,
) -> None:
    headers = {"x-amz-meta-colour": "blue", "Content-Type": "text/x-test"}
    url = client.presign_url("PUT", f"{bucket}/key", headers)
    async with visitor.put(url, data=b"body", headers=headers) as resp:
        assert resp.status == HTTPStatus.OK
    head = await asyncio.to_thread(oracle.head, bucket, "key")
    assert head is not None
    assert head["ContentType"] == "text/x-test"
    if server.missing("signature_verified") is None:
        changed = {**headers, "x-amz-meta-colour": "red"}
        async with visitor.put(url, data=b"body", headers=changed) as resp:
            assert resp.status == HTTPStatus.FORBIDDEN


async def test_of_operations(
    client: S3Client,
    server: RunningServer,
    bucket: str,
    oracle: Oracle,
    visitor: aiohttp.ClientSession,
) -> None:
    """What boto3 calls generate_presigned_url: a whole upload in parts, by links alone."""
    server.need("own_bucket")

    async def sent(method: str, params: dict[str, Any], data: bytes = b"", **headers: str) -> Any:
        link = client.generate_presigned_url(
            method, Params={"Bucket": bucket, **params}, ExpiresIn=600
        )
        verb = link_model().operation(OPERATIONS[method]).method
        url = URL(link, encoded=True)
        async with visitor.request(verb, url, data=data, headers=headers) as resp:
            body = await resp.read()
            assert resp.status in (HTTPStatus.OK, HTTPStatus.NO_CONTENT), (method, body)
            return body.decode(), resp.headers

    await sent(
        "put_object", {"Key": "a b", "ContentType": "text/x"}, b"1", **{"Content-Type": "text/x"}
    )
    assert (await sent("get_object", {"Key": "a b"}))[0] == "1"
    body, _ = await sent("create_multipart_upload", {"Key": "ünï+"})
    upload = re.findall("<UploadId>(.+)</UploadId>", body)[0]
    part = {"Key": "ünï+", "UploadId": upload}
    _, headers = await sent("upload_part", {**part, "PartNumber": 1}, b"the only part")
    await sent(
        "complete_multipart_upload",
        part,
        f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{headers['ETag']}</ETag>"
        "</Part></CompleteMultipartUpload>".encode(),
    )
    assert await asyncio.to_thread(oracle.get, bucket, "ünï+") == b"the only part"
    listed, _ = await sent("list_objects_v2", {"Prefix": "a ", "MaxKeys": 5})
    assert [unquote_plus(key) for key in re.findall("<Key>(.+)</Key>", listed)] == ["a b"]
    await sent("delete_object", {"Key": "a b"})
    assert await asyncio.to_thread(oracle.list_keys, bucket) == ["ünï+"]


async def test_tampered_is_refused(
    client: S3Client,
    server: RunningServer,
    session: aiohttp.ClientSession,
    bucket: str,
    oracle: Oracle,
    visitor: aiohttp.ClientSession,
) -> None:
    server.need("presign_verified")
    await asyncio.to_thread(oracle.put, bucket, "key", b"body")
    await asyncio.to_thread(oracle.put, bucket, "kez", b"another body")
    good = str(client.presign_url("GET", f"{bucket}/key"))
    end = good[-1]
    tampered = {
        "signature": good[:-1] + ("0" if end != "0" else "1"),
        "key": good.replace("/key?", "/kez?"),
        "expiry": good.replace("Expires=86400", "Expires=86401"),
        "secret": str(
            client_for(server, session, secret_access_key="not the secret").presign_url(
                "GET", f"{bucket}/key"
            )
        ),
    }
    for what, url in tampered.items():
        assert url != good, what
        async with visitor.get(URL(url, encoded=True)) as resp:
            assert resp.status == HTTPStatus.FORBIDDEN, what
            assert b"SignatureDoesNotMatch" in await resp.read(), what
    async with visitor.delete(URL(good, encoded=True)) as resp:
        assert resp.status == HTTPStatus.FORBIDDEN
    async with visitor.get(URL(good, encoded=True)) as resp:
        assert await resp.read() == b"body"


async def test_expired_is_refused(
    client: S3Client,
    server: RunningServer,
    bucket: str,
    oracle: Oracle,
    visitor: aiohttp.ClientSession,
) -> None:
    server.need("presign_verified")
    await asyncio.to_thread(oracle.put, bucket, "key", b"body")
    clock = client._engine.pipeline.clock
    clock.offset = timedelta(minutes=-2)
    expired = client.presign_url("GET", f"{bucket}/key", expires=60)
    still_good = client.presign_url("GET", f"{bucket}/key", expires=600)
    async with visitor.get(expired) as resp:
        # rclone answers 400 AccessDenied.
        assert resp.status in (HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST)
        assert b"<Error>" in await resp.read()
    async with visitor.get(still_good) as resp:
        assert await resp.read() == b"body"


async def test_p14_session_token_and_region_go_into_the_link(
    plain_session: aiohttp.ClientSession,
) -> None:
    """P14: what AWS needs of a link beyond the signature is in it."""
    client = S3Client(
        session=plain_session,
        access_key_id="key",
        secret_access_key="secret",
        session_token="to/ken+",
        region="eu-west-1",
    )
    url = client.presign_url("GET", "bucket/key")
    assert url.host == "bucket.s3.eu-west-1.amazonaws.com"
    assert url.query["X-Amz-Security-Token"] == "to/ken+"
    assert "X-Amz-Security-Token=to%2Fken%2B" in url.raw_query_string


async def test_expiry_out_of_bounds(embedded_client: S3Client) -> None:
    for expires in (0, 604_801):
        with pytest.raises(ValueError, match="604"):
            embedded_client.presign_url("GET", "bucket/key", expires=expires)
