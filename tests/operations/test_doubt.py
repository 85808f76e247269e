"""Conditional writes of ``client.api`` whose first answer was lost (P11)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from aiohttp_s3_client.errors import PreconditionFailed

from ..servers.scripted import StartScript
from ..servers.steps import Step, drop, reply
from ..transport.scripts import client_for, error
from .test_complete import ETAG, PARTS

MADE = "Tue, 04 Nov 2025 10:00:00 GMT"
LATER = "Tue, 04 Nov 2025 11:00:00 GMT"
SOURCE = '"0123456789abcdef0123456789abcdef"'
REFUSED = error(412, "PreconditionFailed")
LOST = [drop(read=None), error(500, "InternalError")]


@pytest.mark.parametrize("lost", LOST, ids=["lost", "500"])
@pytest.mark.parametrize(
    ("source", "asked"),
    [
        ("/a/b c+d?versionId=v7", "/a/b%20c%2Bd?versionId=v7"),
        ({"Bucket": "a", "Key": "c/ü", "VersionId": "v7"}, "/a/c/%C3%BC?versionId=v7"),
        ({"Bucket": "a", "Key": "c?versionId=1"}, "/a/c%3FversionId%3D1"),
    ],
)
async def test_p11_a_copy_whose_answer_was_lost(
    scripted: StartScript, lost: Step, source: Any, asked: str
) -> None:
    copy = {"ETag": SOURCE, "Last-Modified": MADE, "x-amz-version-id": "v1"}
    server = await scripted(lost, REFUSED, reply(200, {"ETag": SOURCE}), reply(200, copy))
    async with client_for(server) as client:
        found = await client.api.copy_object(
            Bucket="bucket", Key="key", CopySource=source, IfNoneMatch="*"
        )
    assert dict(found) == {
        "VersionId": "v1",
        "CopyObjectResult": {
            "ETag": SOURCE,
            "LastModified": datetime(2025, 11, 4, 10, tzinfo=UTC),
        },
    }
    assert [(request.method, request.target) for request in server.requests] == [
        ("PUT", "/bucket/key"),
        ("PUT", "/bucket/key"),
        ("HEAD", asked),
        ("HEAD", "/bucket/key"),
    ]


@pytest.mark.parametrize(
    "steps",
    [
        [REFUSED],
        [drop(read=None), REFUSED, reply(404)],
        [drop(read=None), REFUSED, reply(200, {"ETag": SOURCE}), reply(200, {"ETag": ETAG})],
        [
            drop(read=None),
            error(412, "PreconditionFailed", headers={"Date": LATER}),
            reply(200, {"ETag": SOURCE}),
            reply(200, {"ETag": SOURCE, "Last-Modified": MADE}),
        ],
    ],
    ids=["at once", "no source", "another one", "an older one"],
)
async def test_p11_somebody_elses_object_is_no_copy(
    scripted: StartScript, steps: list[Step]
) -> None:
    server = await scripted(*steps)
    async with client_for(server) as client:
        with pytest.raises(PreconditionFailed):
            await client.api.copy_object(
                Bucket="bucket", Key="key", CopySource="a/b", IfNoneMatch="*"
            )
    assert len(server.requests) == len(steps)


async def test_p11_a_copy_without_a_condition_is_in_no_doubt(scripted: StartScript) -> None:
    server = await scripted(drop(read=None), REFUSED)
    async with client_for(server) as client:
        with pytest.raises(PreconditionFailed):
            await client.api.copy_object(
                Bucket="bucket", Key="key", CopySource="a/b", CopySourceIfMatch=SOURCE
            )
    assert len(server.requests) == 2


async def test_p11_a_copy_from_an_access_point_proves_nothing(scripted: StartScript) -> None:
    point = "arn:aws:s3:us-east-1:123456789012:accesspoint/p"
    server = await scripted(drop(read=None), REFUSED)
    async with client_for(server) as client:
        with pytest.raises(PreconditionFailed):
            await client.api.copy_object(
                Bucket="bucket",
                Key="key",
                CopySource={"Bucket": point, "Key": "a"},
                IfNoneMatch="*",
            )
    assert len(server.requests) == 2


async def complete(server: Any) -> Any:
    async with client_for(server) as client:
        return await client.api.complete_multipart_upload(
            Bucket="bucket",
            Key="key",
            UploadId="u",
            MultipartUpload={
                "Parts": [
                    {"PartNumber": number, "ETag": etag} for number, etag in enumerate(PARTS, 1)
                ]
            },
            IfNoneMatch="*",
        )


GONE = error(404, "NoSuchUpload")


@pytest.mark.parametrize("refused", [REFUSED, error(409, "ConditionalRequestConflict")])
@pytest.mark.parametrize("lost", LOST, ids=["lost", "500"])
async def test_p11_a_complete_whose_answer_was_lost(
    scripted: StartScript, lost: Step, refused: Step
) -> None:
    """S3 dates the object by the beginning of its upload, which may be long ago."""
    head = reply(200, {"ETag": ETAG, "Last-Modified": MADE}, content_length=2)
    server = await scripted(lost, refused, head, GONE)
    output = await complete(server)
    assert dict(output) == {"Bucket": "bucket", "Key": "key", "ETag": ETAG}
    assert [(request.method, request.target) for request in server.requests[1:]] == [
        ("POST", "/bucket/key?uploadId=u"),
        ("HEAD", "/bucket/key"),
        ("GET", "/bucket/key?uploadId=u&max-parts=1"),
    ]


@pytest.mark.parametrize(
    "steps",
    [
        [REFUSED],
        [drop(read=None), REFUSED, reply(404)],
        [drop(read=None), REFUSED, reply(200, {"ETag": SOURCE})],
        [
            drop(read=None),
            REFUSED,
            reply(200, {"ETag": ETAG}),
            reply(200, {}, "<ListPartsResult/>"),
        ],
    ],
    ids=["at once", "nothing", "another one", "the same parts of somebody else"],
)
async def test_p11_somebody_elses_object_is_no_upload_completed(
    scripted: StartScript, steps: list[Step]
) -> None:
    server = await scripted(*steps)
    with pytest.raises(PreconditionFailed):
        await complete(server)
    assert len(server.requests) == len(steps)
