"""``complete_multipart_upload`` whose answer was lost (P10)."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import NoSuchUpload

from ..servers.scripted import StartScript
from ..servers.steps import Step, drop, reply
from ..transport.scripts import client_for, error

if TYPE_CHECKING:
    from aiohttp_s3_client.api import (
        CompleteMultipartUploadOutput,
        CompleteMultipartUploadRequest,
    )

PARTS = [hashlib.md5(bytes([number])).hexdigest() for number in (1, 2)]
ETAG = f'"{hashlib.md5(bytes.fromhex("".join(PARTS))).hexdigest()}-2"'
GONE = error(404, "NoSuchUpload")


async def complete(
    client: S3Client, etags: list[str] = PARTS, *, encrypted_with: str = ""
) -> CompleteMultipartUploadOutput:
    params: CompleteMultipartUploadRequest = {
        "Bucket": "bucket",
        "Key": "key",
        "UploadId": "u",
        "MultipartUpload": {
            "Parts": [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        },
    }
    if encrypted_with:
        params["SSECustomerAlgorithm"] = "AES256"
        params["SSECustomerKey"] = encrypted_with
    return await client.api.complete_multipart_upload(**params)


async def test_p10_what_an_earlier_attempt_made_is_found(scripted: StartScript) -> None:
    head = reply(200, {"ETag": ETAG, "x-amz-version-id": "v1"}, content_length=2)
    server = await scripted(drop(read=None), GONE, head)
    async with client_for(server) as client:
        output = await complete(client)
    made = {"Bucket": "bucket", "Key": "key", "ETag": ETAG, "VersionId": "v1"}
    assert dict(output) == made
    assert [request.method for request in server.requests] == ["POST", "POST", "HEAD"]


async def test_p10_the_question_has_the_key_that_the_object_is_encrypted_with(
    scripted: StartScript,
) -> None:
    server = await scripted(drop(read=None), GONE, reply(200, {"ETag": ETAG}, content_length=2))
    async with client_for(server) as client:
        await complete(client, encrypted_with="k" * 32)
    name = "x-amz-server-side-encryption-customer-key"
    assert server.requests[-1].header(name) == b64encode(b"k" * 32).decode()


@pytest.mark.parametrize(
    "head",
    [reply(404), reply(200, {"ETag": f'"{"0" * 32}-2"'}, content_length=2)],
    ids=["missing", "another one"],
)
async def test_p10_an_object_of_other_parts_is_no_success(
    scripted: StartScript, head: Step
) -> None:
    server = await scripted(drop(read=None), GONE, head)
    async with client_for(server) as client:
        with pytest.raises(NoSuchUpload):
            await complete(client)


async def test_p10_nothing_is_asked_where_nothing_can_have_been_made(
    scripted: StartScript,
) -> None:
    server = await scripted(GONE)
    async with client_for(server) as client:
        with pytest.raises(NoSuchUpload):
            await complete(client)
    assert len(server.requests) == 1


async def test_p10_etags_that_are_no_md5_prove_nothing(scripted: StartScript) -> None:
    server = await scripted(drop(read=None), GONE)
    async with client_for(server) as client:
        with pytest.raises(NoSuchUpload):
            await complete(client, ["opaque", *PARTS[1:]])
    assert len(server.requests) == 2
