"""Answers that are none, keys that must not be shown, names that lead elsewhere."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from aiohttp_s3_client.errors import NotFound, ParamValidationError, ResponseParseError

from ..servers.scripted import StartScript
from ..servers.steps import reply
from ..transport.scripts import client_for

BIG = b"x" * 4_000_000
CALLS: dict[str, dict[str, Any]] = {
    "complete_multipart_upload": {"Key": "k", "UploadId": "u", "MultipartUpload": {"Parts": []}},
    "create_multipart_upload": {"Key": "k"},
    "delete_objects": {"Delete": {"Objects": [{"Key": "a"}]}},
    "list_objects_v2": {},
    "list_object_versions": {},
}
SELECT: dict[str, Any] = {
    "Expression": "x",
    "ExpressionType": "SQL",
    "InputSerialization": {"CSV": {}},
    "OutputSerialization": {"CSV": {}},
}


@pytest.mark.parametrize("body", ["", " \n", "<html><body>Log in</body></html>"])
@pytest.mark.parametrize("operation", CALLS)
async def test_p4_a_success_without_its_document_is_none(
    scripted: StartScript, plain_session: aiohttp.ClientSession, operation: str, body: str
) -> None:
    client = client_for(await scripted(rest=reply(200, {}, body)), plain_session)
    with pytest.raises(ResponseParseError):
        await getattr(client.api, operation)(Bucket="bucket", **CALLS[operation])


@pytest.mark.parametrize("name", ["SSECustomerKey", "CopySourceSSECustomerKey"])
async def test_a_customers_key_that_cannot_be_encoded_is_not_shown(
    scripted: StartScript, plain_session: aiohttp.ClientSession, name: str
) -> None:
    client = client_for(await scripted(), plain_session)
    secret: dict[str, Any] = {name: "S3CR3T\ud800"}
    with pytest.raises(ParamValidationError, match=name) as caught:
        await client.api.copy_object(Bucket="b", Key="k", CopySource="a/b", **secret)
    assert "S3CR3T" not in repr(caught.value)


@pytest.mark.parametrize("bucket", [".", ".."])
async def test_dots_are_no_bucket(
    scripted: StartScript, plain_session: aiohttp.ClientSession, bucket: str
) -> None:
    """A proxy makes of DELETE /../a a DELETE /a, which deletes a bucket."""
    client = client_for(await scripted(), plain_session)
    with pytest.raises(ParamValidationError, match="Bucket"):
        await client.api.delete_object(Bucket=bucket, Key="a")


@pytest.mark.parametrize("how", ["unread", "begun", "select", "refused"])
async def test_p2_what_nobody_reads_gives_its_connection_back(
    scripted: StartScript, how: str
) -> None:
    """P2: dropped, or with a header that is no value: the garbage collector is not needed."""
    headers = {"ETag": '"a"', "Last-Modified": "never" if how == "refused" else "0"}
    server = await scripted(rest=reply(200, headers, BIG))
    connector = aiohttp.TCPConnector(limit=2)
    errors: list[Exception] = []
    gc.disable()
    try:
        async with aiohttp.ClientSession(connector=connector) as session:
            api = client_for(server, session).api
            for _ in range(5):
                if how == "select":
                    found: Any = await api.select_object_content(Bucket="bucket", Key="k", **SELECT)
                elif how == "refused":
                    with pytest.raises(ResponseParseError) as caught:
                        await api.get_object(Bucket="bucket", Key="k")
                    errors.append(caught.value)
                    continue
                else:
                    found = await api.get_object(Bucket="bucket", Key="k")
                    if how == "begun":
                        await found["Body"].read(10)
                del found
    finally:
        gc.enable()


async def _stream(size: int) -> AsyncIterator[bytes]:
    for _ in range(3):
        yield bytes(size)


async def test_a_long_stream_is_not_written_at_an_offset(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    """It would replace the object to which it should have been appended."""
    client = client_for(await scripted(), plain_session)
    with pytest.raises(ValueError, match="offset"):
        await client.api.put_object(
            Bucket="bucket", Key="k", Body=_stream(4 * 1024 * 1024), WriteOffsetBytes=5
        )


async def test_an_error_with_a_huge_body_is_the_error_of_its_status(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(reply(404, {}, BIG))
    with pytest.raises(NotFound):
        await client_for(server, plain_session).api.get_object(Bucket="bucket", Key="k")


async def test_a_document_that_is_too_large_is_not_asked_for_again(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(reply(200, {}, b"<a>" + b"x" * 33 * 1024 * 1024))
    with pytest.raises(ResponseParseError, match="over 33554432 bytes"):
        await client_for(server, plain_session).api.list_objects_v2(Bucket="bucket")


async def test_p1_a_large_document_is_read_beside_the_loop(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    body = f"<ListBucketResult>{'<Contents/>' * 600_000}</ListBucketResult>"
    server = await scripted(reply(200, {}, body))
    worst = 0.0

    async def look() -> None:
        nonlocal worst
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            worst = max(worst, time.perf_counter() - before)

    looking = asyncio.create_task(look())
    began = time.perf_counter()
    listing = client_for(server, plain_session).api.list_objects_v2(Bucket="bucket")
    assert len((await listing)["Contents"]) == 600_000
    took = time.perf_counter() - began
    await asyncio.sleep(0.01)
    looking.cancel()
    await asyncio.wait({looking})
    # The garbage collector may hold up every thread for a while, reading would for all of it.
    assert worst < 0.6 * took


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "no upload id": (
        # Without it the same request deletes the object.
        "abort_multipart_upload",
        {"Bucket": "b", "Key": "k", "UploadId": ""},
        "UploadId must not be empty",
    ),
    "no copy source": (
        "copy_object",
        {"Bucket": "b", "Key": "k", "CopySource": ""},
        "CopySource must be bucket/key, not ''",
    ),
    "a copy source without a key": (
        "copy_object",
        {"Bucket": "b", "Key": "k", "CopySource": "/bucket/"},
        "CopySource must be bucket/key, not '/bucket/'",
    ),
    "an empty key of a copy source": (
        "copy_object",
        {"Bucket": "b", "Key": "k", "CopySource": {"Bucket": "b", "Key": ""}},
        "CopySource.Key is missing",
    ),
    "a length of nothing": (
        "put_object",
        {"Bucket": "b", "Key": "k", "ContentLength": 3},
        "ContentLength is 3, but Body has 0 bytes",
    ),
    "a negative length": (
        "put_object",
        {"Bucket": "b", "Key": "k", "ContentLength": -1},
        "ContentLength must not be negative: -1",
    ),
    "metadata without a name": (
        "put_object",
        {"Bucket": "b", "Key": "k", "Body": b"", "Metadata": {"": "x"}},
        "Metadata.: 'x-amz-meta-' cannot be the name of a header",
    ),
    "metadata twice": (
        "put_object",
        {"Bucket": "b", "Key": "k", "Body": b"", "Metadata": {"a": "x", "A": "y"}},
        "Metadata.A is there twice; its case makes no difference",
    ),
}


@pytest.mark.parametrize(("operation", "params", "problem"), WRONG.values(), ids=WRONG)
async def test_what_would_do_something_else_is_not_sent(
    scripted: StartScript,
    plain_session: aiohttp.ClientSession,
    operation: str,
    params: dict[str, Any],
    problem: str,
) -> None:
    server = await scripted()
    with pytest.raises(ParamValidationError) as caught:
        await getattr(client_for(server, plain_session).api, operation)(**params)
    assert caught.value.problems == (problem,)
    assert server.requests == []


async def test_a_key_begins_no_line_of_a_log(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    client = client_for(await scripted(rest=reply(404)), plain_session)
    with pytest.raises(NotFound) as caught:
        await client.api.head_object(Bucket="bucket", Key="a\nERROR root logged in\x1b[2K")
    assert str(caught.value).isprintable()
    assert "a\\nERROR root logged in\\x1b[2K" in str(caught.value)
    assert caught.value.key == "a\nERROR root logged in\x1b[2K"


@pytest.mark.parametrize("name", ["get_paginator", "exceptions", "get_objekt"])
async def test_what_is_elsewhere_is_told(
    scripted: StartScript, plain_session: aiohttp.ClientSession, name: str
) -> None:
    api = client_for(await scripted(), plain_session).api
    told = {"get_paginator": "client.api.paginate", "exceptions": "aiohttp_s3_client.errors"}
    with pytest.raises(AttributeError, match=f"S3 has no operation '{name}'") as caught:
        getattr(api, name)
    assert told.get(name, "") in str(caught.value)
    assert ("boto3" in str(caught.value)) == (name in told)
