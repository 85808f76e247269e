"""Uploads in parts: whole, or aborted (P9), and what becomes of Complete (P4, P10)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from aiohttp_s3_client import AwsUploadError, ClientConfig
from aiohttp_s3_client.errors import (
    AccessDenied,
    EntityTooSmall,
    InternalError,
    NoSuchBucket,
    NoSuchUpload,
    ResponseParseError,
    S3ConnectionError,
    SourceChanged,
)

from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import Recorded, Step, drop, hang, reply
from ..transport.scripts import (
    ABORTED,
    COMPLETED,
    CREATED,
    client_for,
    error,
    error_document,
    kind,
    kinds,
    part_etag,
    part_number,
    upload_step,
)

MIB = 1024 * 1024
PART = 5 * MIB
CHEAP = ClientConfig(expect_continue_from=None, calculate_content_sha256=False)
"""What the bytes of a part cost is of no interest here."""


def but(special: dict[str, Step | Callable[[Recorded], Step]]) -> Step:
    """``upload_step``, but for these kinds of requests."""

    def answer(request: Recorded) -> Step:
        return special.get(kind(request), upload_step)

    return answer


async def upload(server: ScriptedServer, parts: int = 3, **how: object) -> None:
    async with client_for(server, config=CHEAP) as client:
        await client.put_multipart(
            "bucket/key",
            [bytes(PART)] * (parts - 1) + [b"end"],
            part_size=PART,
            **how,  # type: ignore[arg-type]
        )


async def test_a_file_is_created_sent_and_completed(scripted: StartScript, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    data = hashlib.shake_128(b"file").digest(2 * PART + 77)
    path.write_bytes(data)
    server = await scripted(rest=upload_step)
    async with client_for(server) as client:
        await client.put_file_multipart("bucket/dir/file.csv", path, part_size=PART)
    seen = kinds(server)
    assert (seen[0], seen[-1]) == ("create", "complete")
    assert sorted(seen[1:-1]) == ["part 1", "part 2", "part 3"]
    by_number = {part_number(request): request for request in server.requests}
    assert b"".join(bytes(by_number[number].body) for number in (1, 2, 3)) == data
    for number in (1, 2, 3):
        digest = hashlib.sha256(by_number[number].body).hexdigest()
        assert by_number[number].header("x-amz-content-sha256") == digest
    assert server.requests[0].header("Content-Type") == "text/csv"
    document = server.requests[-1].body.decode()
    assert [document.index(part_etag(n).replace('"', "")) for n in (1, 2, 3)] == sorted(
        document.index(part_etag(n).replace('"', "")) for n in (1, 2, 3)
    )


async def test_an_empty_file_and_an_empty_stream_are_one_empty_part(
    scripted: StartScript, tmp_path: Path
) -> None:
    (tmp_path / "empty").touch()
    server = await scripted(rest=upload_step)
    async with client_for(server) as client:
        await client.put_file_multipart("bucket/key", tmp_path / "empty")
        await client.put_multipart("bucket/key", [])
    assert kinds(server) == ["create", "part 1", "complete"] * 2
    assert all(not request.body for request in server.requests if request.method == "PUT")


async def test_workers_bound_what_is_in_flight(scripted: StartScript) -> None:
    running = most = 0

    def counted(request: Recorded) -> Step:
        nonlocal running, most
        if part_number(request) is not None:
            running += 1
            most = max(most, running)
            asyncio.get_running_loop().call_later(0.03, finished)
            return reply(200, {"ETag": '"x"'}, delay=0.05)
        return upload_step(request)

    def finished() -> None:
        nonlocal running
        running -= 1

    server = await scripted(rest=counted, keep_bodies=False)
    await upload(server, 6, workers_count=2)
    assert most == 2


async def test_p18_each_part_is_tried_its_own_number_of_times(scripted: StartScript) -> None:
    server = await scripted(rest=but({"part 2": error(500, "InternalError")}), keep_bodies=False)
    with pytest.raises(InternalError) as caught:
        await upload(server, part_upload_tries=2, workers_count=1)
    assert isinstance(caught.value, AwsUploadError)
    assert (caught.value.detail, caught.value.attempts) == ("part 2", 2)
    assert kinds(server) == ["create", "part 1", "part 2", "part 2", "abort"]


async def test_a_parts_etag_is_needed(scripted: StartScript) -> None:
    server = await scripted(rest=but({"part 1": reply(200)}), keep_bodies=False)
    with pytest.raises(ResponseParseError, match="ETag"):
        await upload(server)
    assert kinds(server)[-1] == "abort"


# P9


@pytest.mark.parametrize("auto_abort", [True, False])
async def test_p09_a_failed_part_aborts_after_the_others_have_settled(
    scripted: StartScript, auto_abort: bool
) -> None:
    def answer(request: Recorded) -> Step:
        number = part_number(request)
        if number == 2:
            return error(403, "AccessDenied", delay=0.1)
        if number is not None:
            return hang()
        return upload_step(request)

    server = await scripted(rest=answer, keep_bodies=False)
    with pytest.raises(AccessDenied) as caught:
        await upload(server, 4, workers_count=3, auto_abort=auto_abort)
    assert isinstance(caught.value, AwsUploadError)
    await asyncio.sleep(0.05)
    seen = kinds(server)
    assert seen.count("abort") == (1 if auto_abort else 0)
    assert "complete" not in seen
    assert seen[-1] == "abort" or not auto_abort, "nothing is sent behind the abort"
    aborts = [r for r in server.requests if r.method == "DELETE"]
    assert all("uploadId=UP-1" in request.target for request in aborts)


async def test_p09_the_first_error_is_the_one_raised(scripted: StartScript) -> None:
    server = await scripted(
        rest=but(
            {
                "part 1": error(403, "AccessDenied", delay=0.3),
                "part 2": error(404, "NoSuchBucket", delay=0.05),
                "abort": error(500, "InternalError"),
            }
        ),
        keep_bodies=False,
    )
    with pytest.raises(NoSuchBucket):
        await upload(server, workers_count=3)


async def test_p09_a_failing_source_aborts(scripted: StartScript) -> None:
    async def data() -> AsyncIterator[bytes]:
        yield bytes(PART)
        raise LookupError("the tape broke")

    server = await scripted(rest=upload_step, keep_bodies=False)
    async with client_for(server, config=CHEAP) as client:
        with pytest.raises(LookupError, match="tape"):
            await client.put_multipart("bucket/key", data(), part_size=PART)
    assert kinds(server)[-1] == "abort"
    assert "complete" not in kinds(server)


async def test_p09_a_file_that_changes_its_size_aborts(
    scripted: StartScript, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(PART + 10))

    def growing(request: Recorded) -> Step:
        if part_number(request) == 1:
            path.write_bytes(bytes(PART + 20))
        return upload_step(request)

    server = await scripted(rest=growing, keep_bodies=False)
    async with client_for(server, config=CHEAP) as client:
        with pytest.raises(SourceChanged):
            await client.put_file_multipart("bucket/key", path, part_size=PART)
    assert kinds(server)[-1] == "abort"
    assert "complete" not in kinds(server)


async def test_p09_a_failed_complete_aborts(scripted: StartScript) -> None:
    server = await scripted(rest=but({"complete": error(400, "EntityTooSmall")}), keep_bodies=False)
    with pytest.raises(EntityTooSmall) as caught:
        await upload(server)
    assert isinstance(caught.value, AwsUploadError)
    assert kinds(server)[-1] == "abort"


async def test_p09_a_refused_create_aborts_nothing(scripted: StartScript) -> None:
    server = await scripted(error(403, "AccessDenied"))
    with pytest.raises(AccessDenied) as caught:
        await upload(server)
    assert isinstance(caught.value, AwsUploadError)
    assert kinds(server) == ["create"]


@pytest.mark.parametrize("moment", ["create", "part 2", "complete"])
async def test_p09_cancelled_at_any_step_it_aborts(scripted: StartScript, moment: str) -> None:
    """Cancelled during Create it waits for the upload id, which nobody else knows."""
    slow: Step = reply(200, {}, CREATED.body, delay=0.3) if moment == "create" else hang()
    server = await scripted(rest=but({moment: slow}), keep_bodies=False)
    task = asyncio.ensure_future(upload(server, workers_count=1))
    at = {"create": 1, "part 2": 3, "complete": 5}[moment]
    await server.wait_for(at)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert kinds(server)[at - 1] == moment
    assert kinds(server)[at:] == ["abort"]


async def test_p09_cancelled_during_a_refused_create(scripted: StartScript) -> None:
    server = await scripted(error(403, "AccessDenied", delay=0.2))
    task = asyncio.ensure_future(upload(server))
    await server.wait_for(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert kinds(server) == ["create"]


async def test_p09_cancelled_during_an_endless_create_it_gives_up(scripted: StartScript) -> None:
    server = await scripted(hang())
    task = asyncio.ensure_future(upload(server, abort_timeout=0.2))
    await server.wait_for(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(2):
            await task


async def test_p09_a_second_cancellation_does_not_stop_the_abort(scripted: StartScript) -> None:
    gone = False

    def aborting(_: Recorded) -> Step:
        nonlocal gone
        gone = True
        return reply(204, delay=0.3)

    server = await scripted(rest=but({"part 1": hang(), "abort": aborting}), keep_bodies=False)
    task = asyncio.ensure_future(upload(server))
    await server.wait_for(2)
    for _ in range(5):
        task.cancel()
        await asyncio.sleep(0.02)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone
    assert server.requests[-1].answered_after is not None, "it was waited for"


@pytest.mark.parametrize(
    "fate",
    [
        error(403, "AccessDenied"),
        error(500, "InternalError"),
        drop(),
        hang(),
    ],
    ids=["403", "500", "drop", "hang"],
)
async def test_p09_an_abort_that_fails_is_logged_and_hides_nothing(
    scripted: StartScript, caplog: pytest.LogCaptureFixture, fate: Step
) -> None:
    server = await scripted(
        rest=but({"part 1": error(404, "NoSuchBucket"), "abort": fate}), keep_bodies=False
    )
    caplog.set_level(logging.WARNING)
    with pytest.raises(NoSuchBucket):
        await upload(server, abort_timeout=0.5, workers_count=1)
    assert "abort" in kinds(server)
    assert "UP-1" in caplog.text
    assert "could not be aborted" in caplog.text


async def test_p09_an_upload_that_is_gone_already_is_not_worth_a_word(
    scripted: StartScript, caplog: pytest.LogCaptureFixture
) -> None:
    gone = but({"part 1": error(403, "AccessDenied"), "abort": error(404, "NoSuchUpload")})
    server = await scripted(rest=gone, keep_bodies=False)
    with pytest.raises(AccessDenied):
        await upload(server)
    assert not caplog.text


# P4


@pytest.mark.parametrize("before", ["", " \n\n  ", '<?xml version="1.0"?>\n   \n'])
async def test_p04_a_complete_that_fails_with_200_is_tried_again(
    scripted: StartScript, before: str
) -> None:
    body = before + error_document("InternalError").partition("\n")[2]
    answers = iter([reply(200, {}, body), COMPLETED])
    server = await scripted(rest=but({"complete": lambda _: next(answers)}), keep_bodies=False)
    await upload(server, 1)
    assert kinds(server) == ["create", "part 1", "complete", "complete"]


async def test_p04_a_complete_that_keeps_failing_with_200_is_raised(scripted: StartScript) -> None:
    failed = reply(200, {}, error_document("InternalError"))
    server = await scripted(rest=but({"complete": failed}), keep_bodies=False)
    with pytest.raises(InternalError) as caught:
        await upload(server, 1)
    assert isinstance(caught.value, AwsUploadError)
    assert caught.value.status == 200
    assert kinds(server) == ["create", "part 1", *["complete"] * 3, "abort"]


async def test_p04_white_space_while_the_server_works(scripted: StartScript) -> None:
    slow = reply(200, {}, b" " * 30 + COMPLETED.body, piece=10, pause=0.02, chunked=True)
    server = await scripted(rest=but({"complete": slow}), keep_bodies=False)
    async with client_for(server, config=ClientConfig(read_timeout=0.4)) as client:
        await client.put_multipart("bucket/key", [b"x"])


@pytest.mark.parametrize("body", ["", "hello", "<html></html>", "<Comple"])
async def test_p04_a_complete_that_says_nothing_is_no_success(
    scripted: StartScript, body: str
) -> None:
    server = await scripted(rest=but({"complete": reply(200, {}, body)}), keep_bodies=False)
    with pytest.raises((ResponseParseError, AwsUploadError)):
        await upload(server, 1)
    assert "complete" in kinds(server)


@pytest.mark.parametrize("body", ["", "<html></html>", "<InitiateMultipartUploadResult/>"])
async def test_p04_a_create_that_says_nothing_is_no_upload(
    scripted: StartScript, body: str
) -> None:
    server = await scripted(rest=reply(200, {}, body))
    with pytest.raises(ResponseParseError):
        await upload(server)
    assert set(kinds(server)) == {"create"}


# P10


def expected_etag(parts: int) -> str:
    digests = b"".join(bytes.fromhex(part_etag(n).strip('"')) for n in range(1, parts + 1))
    return f'"{hashlib.md5(digests).hexdigest()}-{parts}"'


def lost(head: Step) -> Step:
    """Complete's first answer is lost; the second says that there is no such upload."""
    answers: list[Step] = [drop(read=None), error(404, "NoSuchUpload")]
    return but({"complete": lambda _: answers.pop(0), "HEAD": head})


async def test_p10_a_lost_answer_to_complete_is_found_out(scripted: StartScript) -> None:
    head = reply(200, {"ETag": expected_etag(2)}, content_length=PART + 3)
    server = await scripted(rest=lost(head), keep_bodies=False)
    await upload(server, 2)
    assert kinds(server)[-3:] == ["complete", "complete", "HEAD"]


@pytest.mark.parametrize(
    "head",
    [
        reply(404),
        reply(200, {"ETag": f'"{"0" * 32}-2"'}, content_length=PART + 3),
        reply(200, {"ETag": f'"{"0" * 32}"'}, content_length=PART + 3),
        reply(200, {"ETag": '"odd"'}, content_length=17),
    ],
    ids=["missing", "other upload", "other object", "other size"],
)
async def test_p10_somebody_elses_object_is_no_success(scripted: StartScript, head: Step) -> None:
    server = await scripted(rest=lost(head), keep_bodies=False)
    with pytest.raises(NoSuchUpload) as caught:
        await upload(server, 2)
    assert isinstance(caught.value, AwsUploadError)


@pytest.mark.parametrize(("age", "size", "ours"), [(5, 3, True), (-3600, 3, False), (5, 4, False)])
async def test_p10_etags_of_another_kind_are_compared_by_size_and_age(
    scripted: StartScript, age: int, size: int, ours: bool
) -> None:
    """With encryption, or another vendor, an ETag says nothing about the parts."""
    begun = datetime.now(UTC)
    created = reply(200, {"Date": format_datetime(begun, usegmt=True)}, CREATED.body)
    modified = format_datetime(begun + timedelta(seconds=age), usegmt=True)
    head = reply(200, {"ETag": '"e-1"', "Last-Modified": modified}, content_length=size)
    answers: list[Step] = [drop(read=None), error(404, "NoSuchUpload")]
    steps = {
        "create": created,
        "part 1": reply(200, {"ETag": '"opaque"'}),
        "complete": lambda _: answers.pop(0),
        "HEAD": head,
    }
    server = await scripted(rest=but(steps))  # type: ignore[arg-type]
    if ours:
        await upload(server, 1)
    else:
        with pytest.raises(NoSuchUpload):
            await upload(server, 1)


async def test_p10_a_first_404_is_an_error_without_a_question(scripted: StartScript) -> None:
    server = await scripted(rest=but({"complete": error(404, "NoSuchUpload")}), keep_bodies=False)
    with pytest.raises(NoSuchUpload):
        await upload(server, 1)
    assert kinds(server) == ["create", "part 1", "complete", "abort"]


# Headers


EVERYWHERE = {
    "x-amz-request-payer": "requester",
    "x-amz-expected-bucket-owner": "123456789012",
    "x-amz-server-side-encryption-customer-algorithm": "AES256",
    "x-amz-server-side-encryption-customer-key": base64.b64encode(bytes(32)).decode(),
}
COMPLETE_ONLY = {"If-None-Match": "*", "x-amz-checksum-crc32": "AAAAAA=="}
CREATE_ONLY = {
    "Content-Type": "text/x-test",
    "Cache-Control": "no-store",
    "x-amz-meta-a": "b",
    "x-amz-acl": "private",
    "x-amz-storage-class": "STANDARD_IA",
    "x-amz-tagging": "a=b",
    "x-amz-server-side-encryption": "AES256",
}


@pytest.mark.parametrize("way", ["stream", "file", "uploader", "put"])
async def test_each_header_goes_where_s3_wants_it(
    scripted: StartScript, tmp_path: Path, way: str
) -> None:
    headers = {**EVERYWHERE, **COMPLETE_ONLY, **CREATE_ONLY}
    server = await scripted(rest=upload_step, keep_bodies=False)
    async with client_for(server, config=CHEAP) as client:
        if way == "stream":
            await client.put_multipart("bucket/key", [b"x"], headers=headers)
        elif way == "file":
            (tmp_path / "f").write_bytes(b"x")
            await client.put_file_multipart("bucket/key", tmp_path / "f", headers=headers)
        elif way == "put":
            await client.put("bucket/key", iter([bytes(MIB)] * 9), headers=headers)
        else:
            async with client.multipart_upload("bucket/key", headers=headers) as uploader:
                await uploader.put_part(b"x")
    create, part, *_, complete = server.requests
    assert (kinds(server)[0], kinds(server)[-1]) == ("create", "complete")
    for name, value in EVERYWHERE.items():
        assert [r.header(name) for r in (create, part, complete)] == [value] * 3, name
    for name, value in COMPLETE_ONLY.items():
        assert [r.header(name) for r in (create, part, complete)] == [None, None, value], name
    for name, value in CREATE_ONLY.items():
        assert create.header(name) == value
        assert part.header(name) != value
        assert complete.header(name) != value


async def test_the_md5_of_a_whole_object_fits_no_multipart_upload(scripted: StartScript) -> None:
    server = await scripted()
    async with client_for(server) as client:
        with pytest.raises(ValueError, match="Content-MD5"):
            await client.put_multipart("bucket/key", [b"x"], headers={"Content-MD5": "x"})
    assert not server.requests


async def test_the_abort_is_not_logged_when_it_works(
    scripted: StartScript, caplog: pytest.LogCaptureFixture
) -> None:
    server = await scripted(CREATED, drop(), drop(), drop(), ABORTED)
    async with client_for(server) as client:
        with pytest.raises(S3ConnectionError, match="part 1"):
            await client.put_multipart("bucket/key", [b"x"])
    assert not caplog.text
