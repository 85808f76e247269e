"""Copies and renames: an error in a 200 is an error (P4), and nothing is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import (
    AccessDenied,
    AwsError,
    InternalError,
    NoSuchKey,
    ObjectChanged,
    PreconditionFailed,
    ResponseParseError,
    S3ConnectionError,
    S3Error,
)

from ..servers.resolver import LoopbackResolver
from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import Reply, Step, drop, reply
from ..transport.scripts import COPIED, ETAG, client_for, error, error_document


async def test_a_copy_names_its_source_encoded(scripted: StartScript) -> None:
    server = await scripted(COPIED)
    async with (
        client_for(server) as client,
        client.copy("bucket/a +ü/x", "other/b") as response,
    ):
        assert response.status == 200
    request = server.requests[0]
    assert request.target == "/other/b"
    assert request.header("x-amz-copy-source") == "/bucket/a%20%2B%C3%BC/x"


async def test_metadata_is_replaced_by_request(scripted: StartScript) -> None:
    server = await scripted(COPIED)
    async with client_for(server) as client:
        await client.copy(
            "bucket/a",
            "bucket/b",
            headers={"x-amz-meta-a": "b"},
            replace_metadata=True,
            content_type="text/csv",
        )
        with pytest.raises(ValueError, match="content_type"):
            await client.copy("bucket/a", "bucket/b", content_type="text/csv")
    request = server.requests[0]
    assert request.header("x-amz-metadata-directive") == "REPLACE"
    assert request.header("Content-Type") == "text/csv"
    assert request.header("x-amz-meta-a") == "b"


async def test_a_refused_copy_is_raised(scripted: StartScript) -> None:
    server = await scripted(error(404, "NoSuchKey"))
    async with client_for(server) as client:
        with pytest.raises(NoSuchKey):
            await client.copy("bucket/a", "bucket/b")


async def test_p04_a_copy_whose_200_holds_an_error_is_raised(scripted: StartScript) -> None:
    server = await scripted(rest=reply(200, {}, " \n" + error_document("InternalError")))
    async with client_for(server) as client:
        with pytest.raises(InternalError):
            await client.copy("bucket/a", "bucket/b")
    assert len(server.requests) == 3


@pytest.mark.parametrize("body", ["", "<html></html>", "<CopyObjectResult></CopyObjectResult>"])
async def test_p04_a_copy_that_says_nothing_is_no_success(scripted: StartScript, body: str) -> None:
    server = await scripted(reply(200, {}, body))
    async with client_for(server) as client:
        with pytest.raises(ResponseParseError):
            await client.copy("bucket/a", "bucket/b")


MD5 = '"9a0364b9e99bb480dd25e1f0284c8555"'
FOUND = reply(200, {"ETag": MD5})


def copied(etag: str) -> Reply:
    return reply(200, {}, f"<CopyObjectResult><ETag>{etag}</ETag></CopyObjectResult>")


@asynccontextmanager
async def ambiguous_client(server: ScriptedServer) -> AsyncIterator[S3Client]:
    """A client of a host that may hold a bucket: a name's first segment may be bucket or key."""
    connector = aiohttp.TCPConnector(resolver=LoopbackResolver())
    async with aiohttp.ClientSession(connector=connector) as session:
        yield client_for(server, session, url=f"http://s3.localhost:{server.port}")


def sent_to(server: ScriptedServer) -> list[tuple[str, str]]:
    return [(request.method, request.target) for request in server.requests]


async def test_a_rename_copies_and_then_deletes(scripted: StartScript) -> None:
    server = await scripted(copied(ETAG), reply(204))
    async with client_for(server) as client:
        await client.rename("bucket/a", "bucket/b", headers={"x-amz-acl": "private"})
    assert sent_to(server) == [("PUT", "/bucket/b"), ("DELETE", "/bucket/a")]
    assert server.requests[0].header("x-amz-acl") == "private"


async def test_a_rename_where_the_host_may_hold_the_bucket_deletes_what_it_copied(
    scripted: StartScript,
) -> None:
    server = await scripted(FOUND, copied(MD5), reply(204))
    async with ambiguous_client(server) as client:
        await client.rename("bucket/a", "bucket/b")
    assert sent_to(server) == [
        ("HEAD", "/bucket/a"),
        ("PUT", "/bucket/b"),
        ("DELETE", "/bucket/a"),
    ]
    assert server.requests[1].header("x-amz-copy-source-if-match") == MD5


@pytest.mark.parametrize(
    "head", [reply(404), reply(403), reply(500), drop()], ids=["404", "403", "500", "dropped"]
)
async def test_there_nothing_is_copied_that_cannot_be_seen(
    scripted: StartScript, head: Step
) -> None:
    server = await scripted(rest=head)
    async with ambiguous_client(server) as client:
        with pytest.raises((AwsError, S3ConnectionError)):
            await client.rename("bucket/a", "bucket/b")
    assert not {"PUT", "DELETE"} & {request.method for request in server.requests}


@pytest.mark.parametrize(
    ("fate", "kind"),
    [
        (error(412, "PreconditionFailed"), PreconditionFailed),
        (copied('"00000000000000000000000000000000"'), ObjectChanged),
    ],
    ids=["412", "the server ignores the condition"],
)
async def test_there_another_object_is_never_deleted(
    scripted: StartScript, fate: Step, kind: type[S3Error]
) -> None:
    server = await scripted(FOUND, fate)
    async with ambiguous_client(server) as client:
        with pytest.raises(kind):
            await client.rename("bucket/a", "bucket/b")
    assert sent_to(server) == [("HEAD", "/bucket/a"), ("PUT", "/bucket/b")]


@pytest.mark.parametrize(
    ("fate", "kind"),
    [
        (error(403, "AccessDenied"), AccessDenied),
        (error(404, "NoSuchKey"), NoSuchKey),
        (reply(200, {}, error_document("AccessDenied")), AccessDenied),
        (reply(200, {}, error_document("InternalError")), InternalError),
        (reply(200), ResponseParseError),
        (reply(200, {}, "<html></html>"), ResponseParseError),
        (drop(read=None), S3ConnectionError),
    ],
    ids=["403", "404", "200 denied", "200 failed", "empty", "html", "dropped"],
)
async def test_p04_a_rename_deletes_nothing_unless_the_copy_succeeded(
    scripted: StartScript, fate: Step, kind: type[S3Error]
) -> None:
    server = await scripted(rest=fate)
    async with client_for(server) as client:
        with pytest.raises(kind):
            await client.rename("bucket/a", "bucket/b")
    assert {request.method for request in server.requests} == {"PUT"}


async def test_a_rename_whose_delete_is_refused_says_so(scripted: StartScript) -> None:
    server = await scripted(copied(ETAG), error(403, "AccessDenied"))
    async with client_for(server) as client:
        with pytest.raises(AccessDenied) as caught:
            await client.rename("bucket/a", "bucket/b")
    assert caught.value.operation == "DeleteObject"
    assert caught.value.key == "a"


@pytest.mark.parametrize("name", ["bucket/a", "/bucket/a"])
async def test_a_rename_to_itself_is_refused(scripted: StartScript, name: str) -> None:
    """It would delete the object."""
    server = await scripted()
    async with client_for(server) as client:
        with pytest.raises(ValueError, match="itself"):
            await client.rename("bucket/a", name)
    assert not server.requests
