"""Forms that anybody may post, sent with plain aiohttp; servers hold them to their policy."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.models import PresignedPost
from tests.servers.oracle import Oracle
from tests.servers.resolver import LoopbackResolver
from tests.servers.running import RunningServer

from .material import client_for
from .test_urls import need_bucket_in_host

DATA = b"0123456789"


@pytest.fixture
async def visitor(server: RunningServer) -> AsyncIterator[aiohttp.ClientSession]:
    """A session of somebody who has nothing but the form."""
    server.need("post_policy")
    connector = aiohttp.TCPConnector(ssl=server.ssl_context() or True, resolver=LoopbackResolver())
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


async def post(
    visitor: aiohttp.ClientSession,
    form: PresignedPost,
    changed: Mapping[str, str] | None = None,
    data: bytes = DATA,
) -> int:
    """The status of the answer to *form*, with *changed* fields."""
    # aiohttp would percent-encode the name of the file otherwise.
    sent = aiohttp.FormData(quote_fields=False)
    for name, value in {**form["fields"], **(changed or {})}.items():
        sent.add_field(name, value)
    sent.add_field("file", data, filename="a photo.png", content_type="image/png")
    async with visitor.post(form["url"], data=sent) as answer:
        return answer.status


async def test_accepted(
    client: S3Client, bucket: str, oracle: Oracle, visitor: aiohttp.ClientSession
) -> None:
    form = client.generate_presigned_post(Bucket=bucket, Key="dir/ünï+key %41")
    assert await post(visitor, form) == 204
    assert await asyncio.to_thread(oracle.get, bucket, "dir/ünï+key %41") == DATA


async def test_the_posted_files_name_becomes_the_keys_end(
    client: S3Client, bucket: str, oracle: Oracle, visitor: aiohttp.ClientSession
) -> None:
    form = client.generate_presigned_post(bucket, "in/${filename}")
    assert await post(visitor, form) == 204
    assert await asyncio.to_thread(oracle.list_keys, bucket) == ["in/a photo.png"]


async def test_fields_reach_the_object(
    client: S3Client, bucket: str, oracle: Oracle, visitor: aiohttp.ClientSession
) -> None:
    """With the conditions that the fields get by themselves, and with the user's."""
    form = client.generate_presigned_post(
        bucket,
        "key",
        {"Content-Type": "text/x-test", "success_action_status": "201"},
        [["starts-with", "$x-amz-meta-colour", ""], ["content-length-range", 10, 100]],
        timedelta(minutes=1),
    )
    assert await post(visitor, form, {"x-amz-meta-colour": "blue"}) == 201
    head = await asyncio.to_thread(oracle.head, bucket, "key")
    assert head is not None
    assert (head["ContentType"], head["Metadata"]) == ("text/x-test", {"colour": "blue"})


async def test_bucket_in_the_host(
    server: RunningServer,
    session: aiohttp.ClientSession,
    bucket: str,
    oracle: Oracle,
    visitor: aiohttp.ClientSession,
) -> None:
    need_bucket_in_host(server)
    client = client_for(
        server, session, url=server.virtual_url, addressing_style="virtual", bucket=bucket
    )
    form = client.generate_presigned_post(key="key")
    assert f"//{bucket}." in form["url"]
    assert await post(visitor, form) == 204
    assert await asyncio.to_thread(oracle.get, bucket, "key") == DATA


async def test_refused(
    client: S3Client,
    server: RunningServer,
    session: aiohttp.ClientSession,
    bucket: str,
    oracle: Oracle,
    visitor: aiohttp.ClientSession,
) -> None:
    """What the policy does not allow, and what was changed in it."""
    server.need("presign_verified")
    conditions: list[Any] = [
        ["content-length-range", 5, 10],
        ["starts-with", "$Content-Type", "image/"],
    ]
    form = client.generate_presigned_post(bucket, "in/${filename}", {"acl": "private"}, conditions)
    image = {"Content-Type": "image/png"}

    with_another_secret = client_for(server, session, secret_access_key="no secret")
    own = form["fields"]
    wrong = {
        "too long": await post(visitor, form, image, b"0" * 11),
        "too short": await post(visitor, form, image, b"0" * 4),
        "prefix": await post(visitor, form, {**image, "key": "out/key"}),
        "prefix of a field": await post(visitor, form, {"Content-Type": "text/plain"}),
        "field": await post(visitor, form, {**image, "acl": "public-read"}),
        "no field": await post(visitor, form),
        "one more field": await post(visitor, form, {**image, "x-amz-meta-a": "b"}),
        "signature": await post(
            visitor, form, {**image, "x-amz-signature": own["x-amz-signature"][::-1]}
        ),
        "policy": await post(
            visitor, form, {**image, "acl": "public-read", "policy": _loosened(own["policy"])}
        ),
        "secret": await post(
            visitor,
            with_another_secret.generate_presigned_post(bucket, "in/${filename}", {}, conditions),
            image,
        ),
    }
    assert {what: status for what, status in wrong.items() if status not in (400, 403)} == {}
    assert await asyncio.to_thread(oracle.list_keys, bucket) == []
    assert await post(visitor, form, image) == 204


async def test_expired_is_refused(
    client: S3Client,
    server: RunningServer,
    bucket: str,
    oracle: Oracle,
    visitor: aiohttp.ClientSession,
) -> None:
    server.need("presign_verified")
    client._engine.pipeline.clock.offset = timedelta(minutes=-2)
    expired = client.generate_presigned_post(bucket, "key", expires_in=60)
    still_good = client.generate_presigned_post(bucket, "key", expires_in=600)
    assert await post(visitor, expired) in (400, 403)
    assert await asyncio.to_thread(oracle.list_keys, bucket) == []
    assert await post(visitor, still_good) == 204


def _loosened(encoded: str) -> str:
    """A policy that allows another ACL."""
    policy = json.loads(b64decode(encoded))
    policy["conditions"] = [
        {"acl": "public-read"} if one == {"acl": "private"} else one for one in policy["conditions"]
    ]
    loosened = b64encode(json.dumps(policy).encode()).decode()
    assert loosened != encoded
    return loosened
