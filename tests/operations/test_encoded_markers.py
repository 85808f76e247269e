"""Listings of keys with per cent and plus signs end, whatever servers encode (P23)."""

from __future__ import annotations

from typing import Any

import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import NotImplementedByServer, ResponseParseError

from ..servers.running import RunningServer
from ..servers.steps import Recorded, Reply, reply
from ..transport.scripts import client_for

KEYS = sorted(["a b", "a!", "a%20b", "a%2Bb", "a%b", "a+c", "aü", "b/c d", "b/c%20d", "b/c+d"])


async def listed(client: S3Client, operation: str, member: str, **params: Any) -> list[str]:
    api: Any = client.api  # Its types want to know which operation.
    pages = api.paginate(operation, PaginationConfig={"PageSize": 1}, **params)
    try:
        return [entry[member] async for entry in pages.items()]
    except NotImplementedByServer:
        pytest.skip(f"no {operation}")


@pytest.mark.parametrize("encoding", [{}, {"EncodingType": "url"}])
@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2", "list_object_versions"])
async def test_p23_each_key_once(
    server: RunningServer, bucket: str, client: S3Client, operation: str, encoding: dict[str, str]
) -> None:
    """Swift and Ceph RGW do not encode the markers of versions, AWS does."""
    for key in KEYS:
        await client.api.put_object(Bucket=bucket, Key=key, Body=b"")
    keys = await listed(client, operation, "Key", Bucket=bucket, **encoding)
    assert len(keys) == len(KEYS)
    if not encoding:
        assert sorted(keys) == KEYS


async def test_p23_each_upload_once(server: RunningServer, bucket: str, client: S3Client) -> None:
    for key in KEYS:
        await client.api.create_multipart_upload(Bucket=bucket, Key=key)
    found = await client.api.list_multipart_uploads(Bucket=bucket)
    assert sorted(upload["Key"] for upload in found["Uploads"]) == KEYS


@pytest.mark.parametrize("mark", ["a%2520b", "a%20b"])
async def test_p23_a_marker_is_taken_as_it_was_sent(
    scripted: Any, plain_session: Any, mark: str
) -> None:
    """The key is ``a%20b``: as AWS encodes it, and plain."""

    def page(request: Recorded) -> Reply:
        more = "key-marker" not in request.target
        key = "a%2520b" if more else "b"
        return reply(
            200,
            {},
            f"<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}"
            f"</IsTruncated><NextKeyMarker>{mark if more else ''}</NextKeyMarker><Version><Key>"
            f"{key}</Key><IsLatest>true</IsLatest></Version></ListVersionsResult>",
        )

    server = await scripted(rest=page)
    client = client_for(server, plain_session)
    for encoding, keys in (({}, ["a%20b", "b"]), ({"EncodingType": "url"}, ["a%2520b", "b"])):
        assert (
            await listed(client, "list_object_versions", "Key", Bucket="bucket", **encoding) == keys
        )
        assert "key-marker=a%2520b" in server.requests[-1].target


async def test_pages_in_a_circle_are_an_error(scripted: Any, plain_session: Any) -> None:
    """A server whose pages lead back to earlier ones would be asked for ever."""

    def page(request: Recorded) -> Reply:
        mark = "b" if "marker=a" in request.target else "a"
        return reply(
            200,
            {},
            "<ListBucketResult><IsTruncated>true</IsTruncated>"
            f"<NextMarker>{mark}</NextMarker><Contents><Key>{mark}</Key></Contents>"
            "</ListBucketResult>",
        )

    client = client_for(await scripted(rest=page), plain_session)
    with pytest.raises(ResponseParseError, match="circle"):
        async for _ in client.api.paginate("list_objects", Bucket="bucket"):
            pass
