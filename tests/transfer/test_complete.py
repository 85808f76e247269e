"""What becomes of Complete (P4, P10, P11), and which headers go with which request."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from aiohttp_s3_client import AwsUploadError, ClientConfig
from aiohttp_s3_client.errors import (
    Conflict,
    InternalError,
    NoSuchUpload,
    PreconditionFailed,
    ResponseParseError,
    S3ConnectionError,
)

from ..servers.scripted import StartScript
from ..servers.steps import Step, drop, reply
from ..transport.scripts import (
    ABORTED,
    COMPLETED,
    CREATED,
    client_for,
    error,
    error_document,
    kinds,
    part_etag,
    upload_step,
)
from .test_upload import CHEAP, MIB, PART, but, upload

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


# P11


REFUSED = error(412, "PreconditionFailed")


CONFLICT = error(409, "ConditionalRequestConflict")


def refused(head: Step, answer: Step = REFUSED) -> Step:
    """Complete's first answer is lost; the second says that the condition does not hold."""
    answers: list[Step] = [drop(read=None), answer]
    return but({"complete": lambda _: answers.pop(0), "HEAD": head})


@pytest.mark.parametrize("condition", [{"if_none_match": "*"}, {"if_match": "0123"}])
async def test_p11_a_conditional_complete_that_succeeded_before(
    scripted: StartScript, condition: dict[str, str]
) -> None:
    head = reply(200, {"ETag": expected_etag(2)}, content_length=PART + 3)
    server = await scripted(rest=refused(head), keep_bodies=False)
    await upload(server, 2, **condition)
    assert kinds(server)[-3:] == ["complete", "complete", "HEAD"]


async def test_p11_a_conflict_with_its_own_lost_complete(scripted: StartScript) -> None:
    head = reply(200, {"ETag": expected_etag(2)}, content_length=PART + 3)
    server = await scripted(rest=refused(head, CONFLICT), keep_bodies=False)
    await upload(server, 2, if_none_match="*")
    assert kinds(server)[-3:] == ["complete", "complete", "HEAD"]


async def test_p11_what_was_completed_before_is_not_ours(scripted: StartScript) -> None:
    """The same parts make the same ETag, whoever sent them first."""
    now = datetime.now(UTC)
    created = reply(200, {"Date": format_datetime(now, usegmt=True)}, CREATED.body)
    modified = format_datetime(now - timedelta(hours=1), usegmt=True)
    head = reply(200, {"ETag": expected_etag(1), "Last-Modified": modified}, content_length=3)
    answers: list[Step] = [drop(read=None), REFUSED]
    steps = {"create": created, "complete": lambda _: answers.pop(0), "HEAD": head}
    server = await scripted(rest=but(steps))  # type: ignore[arg-type]
    with pytest.raises(PreconditionFailed):
        await upload(server, 1, if_none_match="*")


async def test_p11_an_etag_of_another_kind_proves_nothing(scripted: StartScript) -> None:
    """Another writer's object may have the size that ours has, and may be as young."""
    now = format_datetime(datetime.now(UTC), usegmt=True)
    answers: list[Step] = [drop(read=None), REFUSED]
    steps = {
        "create": reply(200, {"Date": now}, CREATED.body),
        "part 1": reply(200, {"ETag": '"opaque"'}),
        "complete": lambda _: answers.pop(0),
        "HEAD": reply(200, {"ETag": '"e-1"', "Last-Modified": now}, content_length=3),
    }
    server = await scripted(rest=but(steps))  # type: ignore[arg-type]
    with pytest.raises(PreconditionFailed):
        await upload(server, 1, if_none_match="*")
    assert kinds(server)[-1] == "abort"


async def test_p11_a_complete_that_is_refused_at_once_is_refused(scripted: StartScript) -> None:
    server = await scripted(rest=but({"complete": REFUSED}), keep_bodies=False)
    with pytest.raises(PreconditionFailed) as caught:
        await upload(server, 1, if_none_match="*")
    assert isinstance(caught.value, AwsUploadError)
    assert kinds(server) == ["create", "part 1", "complete", "abort"]


@pytest.mark.parametrize("status", [409, 200])
async def test_a_conflict_wants_the_upload_begun_anew(scripted: StartScript, status: int) -> None:
    """S3 takes no second Complete after it, so none is sent."""
    conflict = error(status, "ConditionalRequestConflict")
    server = await scripted(rest=but({"complete": conflict}), keep_bodies=False)
    with pytest.raises(AwsUploadError) as caught:
        await upload(server, 1, if_none_match="*")
    assert caught.value.code == "ConditionalRequestConflict"
    assert isinstance(caught.value, Conflict)
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
