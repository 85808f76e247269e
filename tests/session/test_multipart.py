"""``multipart_upload`` of a session: parts of ours and of others, whole or aborted (P9, P10)."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from aiohttp_s3_client import AwsUploadError, S3Client
from aiohttp_s3_client.credentials import ConfigCredentials
from aiohttp_s3_client.errors import (
    AccessDenied,
    IncompleteMultipartUpload,
    InvalidPart,
    NoSuchUpload,
    ResponseParseError,
)
from aiohttp_s3_client.protocol.extra_args import upload_args
from aiohttp_s3_client.session.multipart import S3MultipartUpload

from ..behaviour.material import PART, noise, open_session
from ..servers.oracle import Oracle
from ..servers.running import RunningServer
from ..servers.scripted import StartScript
from ..servers.steps import Recorded, Step, drop, hang, reply
from ..transfer.test_upload import CHEAP, but
from ..transport.scripts import client_for, error, kind, kinds, part_etag, part_number, upload_step


def multipart_upload(
    client: S3Client, bucket: str = "bucket", extra: dict[str, Any] | None = None, **how: Any
) -> S3MultipartUpload:
    return S3MultipartUpload(client._engine, bucket, "key", upload_args(extra), **how)


def listed(*parts: tuple[int, str]) -> Step:
    """The answer to ListParts: numbers and ETags of parts of 7 bytes."""
    return reply(
        200,
        {},
        "<ListPartsResult><UploadId>UP-1</UploadId><IsTruncated>false</IsTruncated>"
        + "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag><Size>7</Size></Part>"
            for number, etag in parts
        )
        + "</ListPartsResult>",
    )


def completed_parts(document: bytes) -> list[int]:
    pieces = document.decode().split("<PartNumber>")[1:]
    return [int(piece.partition("<")[0]) for piece in pieces]


# Every server


async def test_parts_of_ours_and_of_others(
    client: S3Client, server: RunningServer, bucket: str, oracle: Oracle
) -> None:
    first = noise(PART)
    async with (
        open_session(server) as visitor,
        multipart_upload(client, bucket, {"ContentType": "x/y"}) as upload,
    ):
        upload_id = await upload.fetch_create()
        assert upload_id == upload.upload_id
        assert await asyncio.to_thread(oracle.uploads, bucket) == [("key", upload_id)]
        url = upload.generate_presigned_url("upload_part", PartNumber=2)
        part = await upload.upload_part(memoryview(first))
        assert part == {"PartNumber": 1, "ETag": f'"{hashlib.md5(first).hexdigest()}"'}
        # A part of its own, larger than S3's minimum: it is not the last.
        async with visitor.put(url, data=io.BytesIO(first)) as answer:
            assert answer.status == 200, await answer.text()
        last = await upload.upload_part(bytearray(b"the end"))
        assert last["PartNumber"] == 3
    assert await asyncio.to_thread(oracle.get, bucket, "key") == first + first + b"the end"
    head = await asyncio.to_thread(oracle.head, bucket, "key")
    assert head is not None
    assert head["ContentType"] == "x/y"
    assert await asyncio.to_thread(oracle.uploads, bucket) == []


async def test_what_others_end_by_url_is_no_success_of_ours(
    client: S3Client, server: RunningServer, bucket: str, oracle: Oracle
) -> None:
    """Their object stays as they completed it, and their abort makes none."""

    async def late(end: str) -> None:
        async with open_session(server) as visitor, multipart_upload(client, bucket) as upload:
            await upload.fetch_create()
            part = upload.generate_presigned_url("upload_part", PartNumber=1)
            async with visitor.put(part, data=b"by URL") as answer:
                etag = answer.headers["ETag"]
            async with visitor.get(upload.generate_presigned_url("list_parts")) as answer:
                assert etag.strip('"') in await answer.text()
            document = (
                "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
                f"<ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
            )
            url = upload.generate_presigned_url(end)  # type: ignore[arg-type]  # one of two words
            how = ("DELETE", None) if "abort" in end else ("POST", document)
            headers = {"Content-Type": "application/xml"}
            async with visitor.request(how[0], url, data=how[1], headers=headers) as answer:
                assert answer.ok, await answer.text()
            await upload.upload_part(b"too late")

    with pytest.raises(AwsUploadError):
        await late("abort_multipart_upload")
    assert await asyncio.to_thread(oracle.head, bucket, "key") is None
    with pytest.raises(AwsUploadError):
        await late("complete_multipart_upload")
    assert await asyncio.to_thread(oracle.get, bucket, "key") == b"by URL"
    assert await asyncio.to_thread(oracle.uploads, bucket) == []


async def test_no_parts_make_an_empty_object_and_an_abort_none(
    client: S3Client, bucket: str, oracle: Oracle
) -> None:
    async with multipart_upload(client, bucket) as upload:
        await upload.fetch_create()
    assert await asyncio.to_thread(oracle.get, bucket, "key") == b""
    await asyncio.to_thread(oracle.delete, bucket, "key")
    async with multipart_upload(client, bucket) as upload:
        await upload.fetch_create()
        await upload.upload_part(b"dropped")
        await upload.fetch_abort()
    assert await asyncio.to_thread(oracle.head, bucket, "key") is None
    assert await asyncio.to_thread(oracle.uploads, bucket) == []


async def test_p9_an_exception_leaves_nothing(
    client: S3Client, bucket: str, oracle: Oracle
) -> None:
    with pytest.raises(LookupError, match="ours"):  # noqa: PT012  # leaving the context raises
        async with multipart_upload(client, bucket) as upload:
            await upload.fetch_create()
            await upload.upload_part(b"x")
            raise LookupError("ours")
    assert await asyncio.to_thread(oracle.uploads, bucket) == []
    assert await asyncio.to_thread(oracle.head, bucket, "key") is None


# What is sent


async def test_numbers_are_those_of_the_calls_and_pass_over_those_given_away(
    scripted: StartScript,
) -> None:
    server = await scripted(rest=but({"GET": listed((1, part_etag(1)), (2, '"theirs"'))}))
    async with client_for(server) as client, multipart_upload(client) as upload:
        await upload.fetch_create()
        coroutines = [upload.upload_part(b"one")]
        for number in (2, 3):
            upload.generate_presigned_url("upload_part", PartNumber=number)
        coroutines += [upload.upload_part(b"four"), upload.upload_part(b"five")]
        sent = [await each for each in reversed(coroutines)]
    assert [part["PartNumber"] for part in sent] == [5, 4, 1]
    assert sent[0]["ETag"] == part_etag(5)
    bodies = {part_number(r): bytes(r.body) for r in server.requests if part_number(r)}
    assert bodies == {1: b"one", 4: b"four", 5: b"five"}
    document = server.requests[-1].body
    assert completed_parts(document) == [1, 2, 4, 5]
    assert b"theirs" in document
    assert kinds(server)[-2:] == ["GET", "complete"]


async def test_parts_are_listed_only_for_others(scripted: StartScript) -> None:
    server = await scripted(rest=upload_step)
    async with client_for(server) as client, multipart_upload(client) as upload:
        await upload.fetch_create()
        upload.generate_presigned_url("list_parts")
        parts = await asyncio.gather(*(upload.upload_part(b"x") for _ in range(12)))
    assert [part["PartNumber"] for part in parts] == list(range(1, 13))
    assert kinds(server)[-1] == "complete"
    assert "GET" not in kinds(server)


async def test_a_part_of_ours_is_completed_as_it_was_answered(scripted: StartScript) -> None:
    """Somebody replaced it: the server shall refuse it, rather than the object have it unseen."""
    refused = error(400, "InvalidPart")
    special = {"GET": listed((1, '"replaced"')), "complete": refused}
    server = await scripted(rest=but(special))
    async with client_for(server) as client:
        with pytest.raises(InvalidPart):  # noqa: PT012  # leaving the context raises
            async with multipart_upload(client) as upload:
                await upload.fetch_create()
                await upload.upload_part(b"x")
                upload.generate_presigned_url("upload_part", PartNumber=1)
    (complete,) = (request for request in server.requests if kind(request) == "complete")
    assert b"replaced" not in complete.body
    assert part_etag(1).strip('"').encode() in complete.body
    assert kinds(server)[-1] == "abort"


@pytest.mark.parametrize("number", [0, 10_001])
async def test_a_listing_of_parts_that_cannot_be(scripted: StartScript, number: int) -> None:
    server = await scripted(rest=but({"GET": listed((number, '"theirs"'))}))
    async with client_for(server) as client:
        with pytest.raises(ResponseParseError, match=f"ListParts: no part has the number {number}"):  # noqa: PT012  # leaving the context raises
            async with multipart_upload(client) as upload:
                await upload.fetch_create()
                await upload.upload_part(b"x")
                upload.generate_presigned_url("upload_part", PartNumber=2)
    assert kinds(server) == ["create", "part 1", "GET", "abort"]


async def test_an_upload_id_is_taken_as_it_is(scripted: StartScript) -> None:
    odd = 'UP+1/=&?#é %25"'
    created = (
        f"<InitiateMultipartUploadResult><UploadId>{odd.replace('&', '&amp;')}</UploadId>"
        "</InitiateMultipartUploadResult>"
    )
    server = await scripted(rest=but({"create": reply(200, {}, created)}))
    async with client_for(server) as client, multipart_upload(client) as upload:
        assert await upload.fetch_create() == odd
        await upload.upload_part(b"x")
        url = upload.generate_presigned_url("upload_part", PartNumber=2)
        await upload.fetch_abort()
    assert kinds(server) == ["create", "part 1", "abort"]
    for target in (url, *(request.target for request in server.requests[1:])):
        assert parse_qs(urlsplit(target).query)["uploadId"] == [odd]


async def test_a_complete_that_answers_200_with_an_error(scripted: StartScript) -> None:
    """S3 sends the 200 before it knows how it ends."""
    steps: list[Step] = [error(200, "InternalError")]
    passing = but({"complete": lambda r: steps.pop() if steps else upload_step(r)})
    server = await scripted(rest=passing)
    async with client_for(server) as client, multipart_upload(client) as upload:
        await upload.fetch_create()
        await upload.upload_part(b"x")
    assert kinds(server) == ["create", "part 1", "complete", "complete"]
    server = await scripted(rest=but({"complete": error(200, "InvalidPart")}))
    async with client_for(server) as client:
        with pytest.raises(InvalidPart):  # noqa: PT012  # leaving the context raises
            async with multipart_upload(client) as upload:
                await upload.fetch_create()
                await upload.upload_part(b"x")
    assert kinds(server)[-2:] == ["complete", "abort"]


async def test_nothing_arrived_at_all_becomes_one_empty_part(scripted: StartScript) -> None:
    """Not under a number that somebody may still be sending."""
    server = await scripted(rest=but({"GET": listed()}))
    async with client_for(server) as client, multipart_upload(client) as upload:
        await upload.fetch_create()
        upload.generate_presigned_url("upload_part", PartNumber=1)
    assert kinds(server) == ["create", "GET", "part 2", "complete"]


async def test_nothing_is_sent_without_create_or_after_the_end(scripted: StartScript) -> None:
    server = await scripted(rest=upload_step)
    async with client_for(server) as client:
        async with multipart_upload(client):
            pass
        with pytest.raises(LookupError):
            async with multipart_upload(client):
                raise LookupError
        assert kinds(server) == []
        async with multipart_upload(client) as upload:
            await upload.fetch_create()
            await upload.upload_part(b"x")
            await upload.fetch_complete()
        assert kinds(server) == ["create", "part 1", "complete"]
        with pytest.raises(LookupError):  # noqa: PT012  # leaving the context raises
            async with multipart_upload(client) as upload:
                await upload.fetch_create()
                await upload.fetch_abort()
                raise LookupError
        assert kinds(server)[3:] == ["create", "abort"]


async def test_calls_out_of_order(scripted: StartScript) -> None:
    server = await scripted(rest=upload_step)
    async with client_for(server) as client:
        upload = multipart_upload(client)
        with pytest.raises(RuntimeError, match="async with"):
            await upload.fetch_create()
        async with upload:
            assert upload.upload_id == ""
            calls: list[Callable[[], Awaitable[object]]]
            calls = [lambda: upload.upload_part(b"x"), upload.fetch_complete, upload.fetch_abort]
            for call in calls:
                with pytest.raises(RuntimeError, match=r"fetch_create\(\) first"):
                    await call()
            with pytest.raises(RuntimeError, match=r"fetch_create\(\) first"):
                upload.generate_presigned_url("upload_part", PartNumber=1)
            assert await upload.fetch_create() == "UP-1"
            with pytest.raises(RuntimeError, match="created already"):
                await upload.fetch_create()
            with pytest.raises(TypeError, match="str"):
                await upload.upload_part("text")  # type: ignore[arg-type]  # what it is about
            await upload.fetch_complete()
            for call in (*calls, upload.fetch_create):
                with pytest.raises(RuntimeError, match="completed already"):
                    await call()
        with pytest.raises(RuntimeError, match="one upload"):
            async with upload:
                pytest.fail("entered")
        async with multipart_upload(client) as upload:
            await upload.fetch_create()
            await upload.fetch_abort()
            with pytest.raises(RuntimeError, match="aborted already"):
                await upload.upload_part(b"x")
    assert kinds(server) == ["create", "part 1", "complete", "create", "abort"]


async def test_a_refused_create_can_be_tried_again(scripted: StartScript) -> None:
    steps: list[Step] = [error(403, "AccessDenied")]
    server = await scripted(
        rest=but({"create": lambda r: steps.pop() if steps else upload_step(r)})
    )
    async with client_for(server) as client, multipart_upload(client) as upload:
        with pytest.raises(AccessDenied) as caught:
            await upload.fetch_create()
        assert isinstance(caught.value, AwsUploadError)
        assert await upload.fetch_create() == "UP-1"
        await upload.upload_part(b"x")
    assert kinds(server) == ["create", "create", "part 1", "complete"]


# URLs


async def test_a_url_says_what_it_is_for(scripted: StartScript) -> None:
    server = await scripted(rest=upload_step)
    async with (
        client_for(server, region="eu-west-3") as client,
        multipart_upload(client, expires_in=77) as upload,
    ):
        await upload.fetch_create()
        url = upload.generate_presigned_url("list_parts", MaxParts=10, PartNumberMarker=4)
        assert isinstance(url, str)
        query = parse_qs(urlsplit(url).query)
        assert urlsplit(url).path == "/bucket/key"
        assert query["uploadId"] == ["UP-1"]
        assert (query["max-parts"], query["part-number-marker"]) == (["10"], ["4"])
        assert query["X-Amz-Expires"] == ["77"]
        assert "/eu-west-3/s3/" in query["X-Amz-Credential"][0]
        same = {"Bucket": "bucket", "Key": "key", "UploadId": "UP-1"}
        upload.generate_presigned_url("abort_multipart_upload", **same)


@pytest.mark.parametrize(
    ("method", "params", "named"),
    [
        ("get_object", {}, "'get_object'"),
        ("upload_part", {}, "PartNumber"),
        ("upload_part", {"PartNumber": 0}, "PartNumber.*0"),
        ("upload_part", {"PartNumber": 10_001}, "PartNumber.*10001"),
        ("upload_part", {"PartNumber": "3"}, "PartNumber.*'3'"),
        ("upload_part", {"PartNumber": True}, "PartNumber.*True"),
        ("upload_part", {"PartNumber": 1, "Body": "b"}, "Body='b'"),
        ("upload_part", {"PartNumber": 1, "UploadId": "other"}, "UploadId.*'other'"),
        ("list_parts", {"MaxParts": -1}, "MaxParts.*-1"),
        ("abort_multipart_upload", {"PartNumber": 1}, "PartNumber=1"),
    ],
)
async def test_a_url_for_something_else_is_refused(
    scripted: StartScript, method: Any, params: dict[str, Any], named: str
) -> None:
    server = await scripted(rest=upload_step)
    async with client_for(server) as client, multipart_upload(client) as upload:
        await upload.fetch_create()
        with pytest.raises((ValueError, TypeError), match=named):
            upload.generate_presigned_url(method, **params)
    assert kinds(server) == ["create", "part 1", "complete"]  # Nothing was given away.


@pytest.mark.parametrize("expires_in", [0, -1, 604_801, "3600", 1.5, None, True])
async def test_expires_in_is_checked_at_once(scripted: StartScript, expires_in: Any) -> None:
    server = await scripted()
    async with client_for(server) as client:
        with pytest.raises((ValueError, TypeError), match="expires_in"):
            multipart_upload(client, expires_in=expires_in)


async def test_keys_from_a_file_are_at_hand_after_create(
    scripted: StartScript, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "credentials"
    path.write_text("[default]\naws_access_key_id = FROMFILE\naws_secret_access_key = s\n")
    server = await scripted(rest=upload_step)
    async with S3Client(url=server.url, credentials=ConfigCredentials(str(path))) as client:
        async with multipart_upload(client) as upload:
            await upload.fetch_create()
            url = upload.generate_presigned_url("abort_multipart_upload")
    assert "X-Amz-Credential=FROMFILE%2F" in url


# P9


async def test_p9_a_part_that_failed_is_no_hole(scripted: StartScript) -> None:
    server = await scripted(rest=but({"part 2": error(403, "AccessDenied")}))
    async with client_for(server) as client:
        with pytest.raises(AccessDenied):  # noqa: PT012  # leaving the context raises
            async with multipart_upload(client) as upload:
                await upload.fetch_create()
                parts = (upload.upload_part(b"x") for _ in range(3))
                await asyncio.gather(*parts, return_exceptions=True)
    assert kinds(server)[-1] == "abort"
    assert "complete" not in kinds(server)


async def test_p9_a_part_that_was_never_awaited_is_no_hole(scripted: StartScript) -> None:
    server = await scripted(rest=upload_step)
    async with client_for(server) as client:
        with pytest.raises(IncompleteMultipartUpload) as caught:  # noqa: PT012  # leaving the context raises
            async with multipart_upload(client) as upload:
                await upload.fetch_create()
                _forgotten = upload.upload_part(b"x")
                await upload.upload_part(b"y")
    assert caught.value.part_numbers == (1,)
    assert kinds(server) == ["create", "part 2", "abort"]


async def test_p9_parts_in_flight_arrive_first(scripted: StartScript) -> None:
    slow = but({"part 1": reply(200, {"ETag": part_etag(1)}, delay=0.2)})
    server = await scripted(rest=slow)
    async with client_for(server) as client, multipart_upload(client) as upload:
        await upload.fetch_create()
        tasks = [asyncio.create_task(upload.upload_part(b"x")) for _ in range(2)]
    assert all(task.done() for task in tasks)
    assert completed_parts(server.requests[-1].body) == [1, 2]


@pytest.mark.parametrize("by_user", [True, False])
async def test_p9_parts_in_flight_settle_before_the_abort(
    scripted: StartScript, by_user: bool
) -> None:
    server = await scripted(rest=but({"part 1": hang()}))
    async with client_for(server) as client:
        task: asyncio.Task[Any] | None = None

        async def work() -> None:
            nonlocal task
            async with multipart_upload(client) as upload:
                await upload.fetch_create()
                task = asyncio.create_task(upload.upload_part(b"x"))
                await server.wait_for(2)
                if by_user:
                    await upload.fetch_abort()
                raise LookupError

        with pytest.raises(LookupError):
            await work()
        assert task is not None
        with pytest.raises(IncompleteMultipartUpload, match="given up"):
            await task
    assert kinds(server) == ["create", "part 1", "abort"]


async def test_p9_a_part_that_had_no_turn_yet_is_told_that_it_was_given_up(
    scripted: StartScript,
) -> None:
    server = await scripted(rest=upload_step)
    async with client_for(server) as client:
        with pytest.raises(LookupError):  # noqa: PT012  # leaving the context raises
            async with multipart_upload(client) as upload:
                await upload.fetch_create()
                task = asyncio.create_task(upload.upload_part(b"x"))
                raise LookupError
        with pytest.raises(IncompleteMultipartUpload, match="part 1 was given up"):
            await task
    assert kinds(server) == ["create", "abort"]


async def test_p9_a_cancellation_aborts_although_it_is_repeated(scripted: StartScript) -> None:
    slow_abort = reply(204, delay=0.2)
    server = await scripted(rest=but({"part 1": hang(), "abort": slow_abort}))
    left = False

    async def work() -> None:
        nonlocal left
        async with client_for(server) as client:
            try:
                async with multipart_upload(client) as upload:
                    await upload.fetch_create()
                    await upload.upload_part(b"x")
            finally:
                left = True

    task = asyncio.create_task(work())
    await server.wait_for(2)
    task.cancel()
    await server.wait_for(3)
    task.cancel()
    await asyncio.sleep(0.05)
    assert not left
    with pytest.raises(asyncio.CancelledError):
        await task
    assert kinds(server) == ["create", "part 1", "abort"]


async def test_p9_an_upload_created_after_leaving_is_aborted(scripted: StartScript) -> None:
    created = upload_step(Recorded(b"", "POST", "/bucket/key?uploads=", [], 1))
    late = reply(200, {}, created.body, delay=0.2)
    server = await scripted(rest=but({"create": late}))
    async with client_for(server) as client:
        async with multipart_upload(client) as upload:
            creating = asyncio.create_task(upload.fetch_create())
            await server.wait_for(1)
        with pytest.raises(RuntimeError, match="left meanwhile"):
            await creating
    assert kinds(server) == ["create", "abort"]


async def test_p9_an_abort_that_is_refused_is_raised_to_who_asked(scripted: StartScript) -> None:
    server = await scripted(rest=but({"abort": error(403, "AccessDenied")}))
    async with client_for(server) as client, multipart_upload(client) as upload:
        await upload.fetch_create()
        with pytest.raises(AccessDenied):
            await upload.fetch_abort()
    assert kinds(server) == ["create", "abort"]


async def test_p9_an_abort_whose_answer_was_lost_has_worked(scripted: StartScript) -> None:
    answers: list[Step] = [drop(read=None), error(404, "NoSuchUpload")]
    server = await scripted(rest=but({"abort": lambda _: answers.pop(0)}))
    async with client_for(server) as client, multipart_upload(client) as upload:
        await upload.fetch_create()
        await upload.fetch_abort()
    assert kinds(server) == ["create", "abort", "abort"]


async def test_p9_an_abort_that_was_asked_for_is_not_cut_off(scripted: StartScript) -> None:
    server = await scripted(rest=but({"abort": reply(204, delay=0.2)}))
    aborted = False

    async def work() -> None:
        nonlocal aborted
        async with client_for(server) as client, multipart_upload(client) as upload:
            await upload.fetch_create()
            try:
                await upload.fetch_abort()
            finally:
                aborted = True

    task = asyncio.create_task(work())
    await server.wait_for(2)
    task.cancel()
    await asyncio.sleep(0.05)
    assert not aborted
    with pytest.raises(asyncio.CancelledError):
        await task
    assert kinds(server) == ["create", "abort"]


# P10


@pytest.mark.parametrize("ours", [True, False])
async def test_p10_a_lost_answer_to_complete_is_found_out(
    scripted: StartScript, ours: bool
) -> None:
    """With parts of others too: what the object's ETag has to be is known of all of them."""
    digests = b"".join(bytes.fromhex(part_etag(n).strip('"')) for n in (1, 2))
    etag = f'"{hashlib.md5(digests).hexdigest()}-2"' if ours else f'"{"0" * 32}-2"'
    answers: list[Step] = [drop(read=None), error(404, "NoSuchUpload")]
    special: dict[str, Any] = {
        "GET": listed((1, part_etag(1)), (2, part_etag(2))),
        "complete": lambda _: answers.pop(0),
        "HEAD": reply(200, {"ETag": etag}, content_length=8),
    }
    server = await scripted(rest=but(special))

    async def work() -> None:
        async with client_for(server, config=CHEAP) as client, multipart_upload(client) as upload:
            await upload.fetch_create()
            await upload.upload_part(b"x")
            upload.generate_presigned_url("upload_part", PartNumber=2)

    if ours:
        await work()
        assert kinds(server)[-3:] == ["complete", "complete", "HEAD"]
    else:
        with pytest.raises(NoSuchUpload):
            await work()
        assert kinds(server)[-2:] == ["HEAD", "abort"]


async def test_an_upload_that_somebody_ended_is_no_success(scripted: StartScript) -> None:
    gone = error(404, "NoSuchUpload")
    server = await scripted(rest=but({"GET": gone, "abort": gone}))
    async with client_for(server) as client:
        with pytest.raises(NoSuchUpload) as caught:  # noqa: PT012  # leaving the context raises
            async with multipart_upload(client) as upload:
                await upload.fetch_create()
                await upload.upload_part(b"x")
                upload.generate_presigned_url("upload_part", PartNumber=2)
        assert isinstance(caught.value, AwsUploadError)
    assert kinds(server) == ["create", "part 1", "GET", "abort"]


async def test_no_secret_is_shown(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(rest=upload_step)
    client = client_for(server, plain_session)
    async with multipart_upload(client) as upload:
        await upload.fetch_create()
        assert "Secret" not in repr(upload)
        assert "EXAMPLEKEY" not in repr(vars(upload))
