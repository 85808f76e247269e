"""Conditional writes whose first answer was lost (P11), and those that meet another request.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from aiohttp_s3_client.errors import PreconditionFailed

from ..servers.scripted import StartScript
from ..servers.steps import Step, drop, reply
from .scripts import COPIED, client_for, error

BODY = b"hello"
MINE = {"ETag": f'"{hashlib.md5(BODY).hexdigest()}"'}
OTHERS = {"ETag": f'"{hashlib.md5(b"other").hexdigest()}"'}
ONLY_NEW = {"If-None-Match": "*"}
OLD = '"0123456789abcdef0123456789abcdef"'
REFUSED = error(412, "PreconditionFailed")
CONFLICT = error(409, "ConditionalRequestConflict")


def http_date(seconds_ago: float = 0) -> str:
    return format_datetime(datetime.now(UTC) - timedelta(seconds=seconds_ago), usegmt=True)


@pytest.mark.parametrize("lost", [drop(read=None), error(500, "InternalError")])
async def test_p11_a_lost_answer_is_found_out(scripted: StartScript, lost: Step) -> None:
    server = await scripted(lost, error(412, "PreconditionFailed"), reply(200, MINE))
    async with client_for(server) as client:
        async with client.put("bucket/key", BODY, headers=ONLY_NEW) as response:
            assert response.status == 200
            assert response.headers["ETag"] == MINE["ETag"]
    assert [request.method for request in server.requests] == ["PUT", "PUT", "HEAD"]


async def test_p11_for_a_file_as_well(scripted: StartScript, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(BODY)
    server = await scripted(drop(read=None), error(412, "PreconditionFailed"), reply(200, MINE))
    async with client_for(server) as client:
        async with client.put_file("bucket/key", tmp_path / "file", headers=ONLY_NEW) as response:
            assert response.status == 200


async def test_p11_somebody_elses_object_is_no_success(scripted: StartScript) -> None:
    server = await scripted(drop(read=None), error(412, "PreconditionFailed"), reply(200, OTHERS))
    async with client_for(server) as client:
        with pytest.raises(PreconditionFailed):
            await client.put("bucket/key", BODY, headers=ONLY_NEW, raise_for_status=True)


@pytest.mark.parametrize("before", [[], [error(503, "SlowDown")], [error(400, "ExpiredToken")]])
async def test_p11_a_412_that_nothing_of_ours_explains_is_believed(
    scripted: StartScript, before: list[Step]
) -> None:
    """Two writers of the same bytes: the one that came second has to learn it."""
    server = await scripted(*before, error(412, "PreconditionFailed"))
    async with client_for(server) as client:
        async with client.put("bucket/key", BODY, headers=ONLY_NEW) as response:
            assert response.status == 412


@pytest.mark.parametrize("name", ["If-None-Match", "if-none-match", "IF-NONE-MATCH"])
async def test_p11_however_the_header_is_spelt(scripted: StartScript, name: str) -> None:
    server = await scripted(drop(read=None), REFUSED, reply(200, MINE))
    async with client_for(server) as client:
        async with client.put("bucket/key", BODY, headers={name: "*"}) as response:
            assert response.status == 200


async def test_p11_replacing_an_object_as_well(scripted: StartScript) -> None:
    server = await scripted(drop(read=None), REFUSED, reply(200, MINE))
    async with client_for(server) as client:
        async with client.put("bucket/key", BODY, if_match=OLD) as response:
            assert response.status == 200
    assert [request.header("If-Match") for request in server.requests] == [OLD, OLD, None]


@pytest.mark.parametrize("data", [b"", None])
async def test_p11_for_an_object_without_bytes(scripted: StartScript, data: bytes | None) -> None:
    mine = {"ETag": f'"{hashlib.md5(b"").hexdigest()}"'}
    server = await scripted(drop(read=None), REFUSED, reply(200, mine))
    async with client_for(server) as client:
        async with client.request("PUT", "bucket/key", data=data, headers=ONLY_NEW) as response:
            assert response.status == 200


@pytest.mark.parametrize(("age", "status"), [(0, 200), (3600, 412)])
async def test_p11_what_was_there_before_is_not_ours(
    scripted: StartScript, age: int, status: int
) -> None:
    """A mark that all writers make alike has the same ETag, whoever made it first."""
    refused = error(412, "PreconditionFailed", headers={"Date": http_date()})
    found = reply(200, {**MINE, "Last-Modified": http_date(age)})
    server = await scripted(drop(read=None), refused, found)
    async with client_for(server) as client:
        async with client.put("bucket/key", BODY, if_none_match="*") as response:
            assert response.status == status


async def test_p11_the_question_is_paid_and_guarded_as_the_write_was(scripted: StartScript) -> None:
    headers = {"x-amz-request-payer": "requester", "x-amz-expected-bucket-owner": "123456789012"}
    server = await scripted(drop(read=None), REFUSED, reply(200, MINE))
    async with client_for(server) as client:
        await client.put("bucket/key", BODY, headers=headers, if_none_match="*")
    head = server.requests[-1]
    assert {name: head.header(name) for name in headers} == headers
    assert head.header("If-None-Match") is None


async def test_p11_a_condition_of_another_request_is_no_doubt(scripted: StartScript) -> None:
    """An empty object has the ETag of no bytes, which says nothing about its tags."""
    server = await scripted(drop(read=None), REFUSED)
    async with client_for(server) as client:
        async with client.put(
            "bucket/key", b"<Tagging/>", params={"tagging": ""}, headers={"If-Match": OLD}
        ) as response:
            assert response.status == 412


async def test_a_conflict_is_tried_again(scripted: StartScript) -> None:
    """S3 could not say whether the condition holds, and wrote nothing."""
    server = await scripted(CONFLICT, reply(200, MINE))
    async with client_for(server) as client:
        async with client.put("bucket/key", BODY, if_none_match="*") as response:
            assert response.status == 200


async def test_p11_a_conflict_writes_nothing_that_could_be_ours(scripted: StartScript) -> None:
    """Whoever the conflict was with has written the same bytes: the 412 is right."""
    server = await scripted(CONFLICT, REFUSED)
    async with client_for(server) as client:
        async with client.put("bucket/key", BODY, if_none_match="*") as response:
            assert response.status == 412


# Copies


@pytest.mark.parametrize("lost", [drop(read=None), error(500, "InternalError")])
async def test_p11_a_copy_whose_answer_was_lost(scripted: StartScript, lost: Step) -> None:
    server = await scripted(lost, REFUSED, reply(200, MINE), reply(200, MINE))
    async with client_for(server) as client:
        async with client.copy("bucket/a", "bucket/b", if_none_match="*") as response:
            assert response.status == 200
            assert response.headers["ETag"] == MINE["ETag"]
    assert [(request.method, request.target) for request in server.requests] == [
        ("PUT", "/bucket/b"),
        ("PUT", "/bucket/b"),
        ("HEAD", "/bucket/a"),
        ("HEAD", "/bucket/b"),
    ]


@pytest.mark.parametrize(
    "found",
    [
        [reply(200, MINE), reply(200, OTHERS)],
        [reply(200, MINE), reply(404)],
        [reply(404)],
        [reply(200)],
    ],
    ids=["another", "nothing", "no source", "no etag"],
)
async def test_p11_somebody_elses_object_is_no_copy(
    scripted: StartScript, found: list[Step]
) -> None:
    server = await scripted(drop(read=None), REFUSED, *found)
    async with client_for(server) as client:
        with pytest.raises(PreconditionFailed):
            await client.copy("bucket/a", "bucket/b", if_match=OLD)


async def test_p11_a_copy_that_is_refused_at_once_is_refused(scripted: StartScript) -> None:
    server = await scripted(REFUSED)
    async with client_for(server) as client:
        with pytest.raises(PreconditionFailed):
            await client.copy("bucket/a", "bucket/b", if_none_match="*")


async def test_p11_a_condition_on_the_source_is_no_doubt(scripted: StartScript) -> None:
    server = await scripted(drop(read=None), REFUSED)
    async with client_for(server) as client:
        headers = {"x-amz-copy-source-if-match": OLD}
        with pytest.raises(PreconditionFailed):
            await client.copy("bucket/a", "bucket/b", headers=headers)


async def test_a_conflict_of_copies_is_tried_again(scripted: StartScript) -> None:
    server = await scripted(CONFLICT, COPIED)
    async with client_for(server) as client:
        await client.copy("bucket/a", "bucket/b", if_none_match="*")


async def test_p11_a_rename_whose_copy_is_found_deletes_the_source(scripted: StartScript) -> None:
    server = await scripted(
        drop(read=None), REFUSED, reply(200, MINE), reply(200, MINE), reply(204)
    )
    async with client_for(server, bucket="bucket") as client:
        await client.rename("a", "b", if_none_match="*")
    assert [request.method for request in server.requests] == [
        "PUT",
        "PUT",
        "HEAD",
        "HEAD",
        "DELETE",
    ]
    assert server.requests[-1].target == "/bucket/a"


async def test_p11_a_rename_that_is_refused_deletes_nothing(scripted: StartScript) -> None:
    server = await scripted(drop(read=None), REFUSED, reply(200, MINE), reply(200, OTHERS))
    async with client_for(server, bucket="bucket") as client:
        with pytest.raises(PreconditionFailed):
            await client.rename("a", "b", if_none_match="*")
