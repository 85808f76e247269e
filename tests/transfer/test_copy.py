"""Copies and renames: an error in a 200 is an error (P4), and nothing is lost."""

from __future__ import annotations

import pytest

from aiohttp_s3_client.errors import (
    AccessDenied,
    InternalError,
    NoSuchKey,
    ObjectChanged,
    PreconditionFailed,
    ResponseParseError,
    S3ConnectionError,
    S3Error,
)

from ..servers.scripted import StartScript
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


async def test_a_refused_copy_is_left_to_the_caller(scripted: StartScript) -> None:
    server = await scripted(error(404, "NoSuchKey"), error(404, "NoSuchKey"))
    async with client_for(server) as client:
        async with client.copy("bucket/a", "bucket/b") as response:
            assert response.status == 404
        with pytest.raises(NoSuchKey):
            await client.copy("bucket/a", "bucket/b", raise_for_status=True)


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


FOUND = reply(200, {"ETag": ETAG})


def copied(etag: str) -> Reply:
    return reply(200, {}, f"<CopyObjectResult><ETag>{etag}</ETag></CopyObjectResult>")


async def test_a_rename_copies_what_it_found_and_then_deletes(scripted: StartScript) -> None:
    server = await scripted(FOUND, copied(ETAG), reply(204))
    async with client_for(server) as client:
        await client.rename("bucket/a", "bucket/b", headers={"x-amz-acl": "private"})
    assert [(r.method, r.target) for r in server.requests] == [
        ("HEAD", "/bucket/a"),
        ("PUT", "/bucket/b"),
        ("DELETE", "/bucket/a"),
    ]
    assert server.requests[1].header("x-amz-copy-source-if-match") == ETAG
    assert server.requests[1].header("x-amz-acl") == "private"


@pytest.mark.parametrize(
    ("fate", "kind"),
    [
        (error(403, "AccessDenied"), AccessDenied),
        (reply(200, {}, error_document("AccessDenied")), AccessDenied),
        (reply(200, {}, error_document("InternalError")), InternalError),
        (error(412, "PreconditionFailed"), PreconditionFailed),
        (reply(200), ResponseParseError),
        (reply(200, {}, "<html></html>"), ResponseParseError),
        (drop(read=None), S3ConnectionError),
        (copied('"00000000000000000000000000000000"'), ObjectChanged),
    ],
    ids=["403", "200 denied", "200 failed", "412", "empty", "html", "dropped", "another object"],
)
async def test_p04_a_rename_deletes_nothing_unless_the_copy_succeeded(
    scripted: StartScript, fate: Step, kind: type[S3Error]
) -> None:
    server = await scripted(FOUND, rest=fate)
    async with client_for(server) as client:
        with pytest.raises(kind):
            await client.rename("bucket/a", "bucket/b")
    assert {request.method for request in server.requests} == {"HEAD", "PUT"}


async def test_a_rename_of_a_missing_object_says_so(scripted: StartScript) -> None:
    server = await scripted(reply(404), error(404, "NoSuchKey"))
    async with client_for(server) as client:
        with pytest.raises(NoSuchKey):
            await client.rename("bucket/a", "bucket/b")


async def test_a_rename_whose_delete_is_refused_says_so(scripted: StartScript) -> None:
    server = await scripted(FOUND, copied(ETAG), error(403, "AccessDenied"))
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
