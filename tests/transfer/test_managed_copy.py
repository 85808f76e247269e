"""Managed copies: nothing that a plain copy keeps is lost, and nothing is mixed (P4, P5)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import parse_qsl

import aiohttp
import pytest
import trustme

from aiohttp_s3_client import AwsUploadError, ClientConfig
from aiohttp_s3_client.config import TransferConfig
from aiohttp_s3_client.credentials.static import StaticCredentials
from aiohttp_s3_client.engine import Engine
from aiohttp_s3_client.errors import (
    AccessDenied,
    AwsError,
    Forbidden,
    InternalError,
    NoSuchUpload,
    NotFound,
    ObjectChanged,
    PreconditionFailed,
    ResponseParseError,
    S3Error,
    SlowDown,
)
from aiohttp_s3_client.protocol.extra_args import copy_args
from aiohttp_s3_client.protocol.parts import UploadedPart
from aiohttp_s3_client.protocol.xml import parse_tagging
from aiohttp_s3_client.transfer.copy import CopySource
from aiohttp_s3_client.transfer.copy_parts import managed_copy
from aiohttp_s3_client.transfer.multipart import MultipartUpload
from aiohttp_s3_client.transfer.progress import ProgressMeter
from aiohttp_s3_client.transport.source import BytesSource

from ..servers.oracle import Oracle
from ..servers.running import RunningServer
from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import Recorded, Reply, Step, hang, reply
from ..transport.scripts import (
    COMPLETED_DOCUMENT,
    COPIED,
    CREATED,
    ETAG,
    KEY,
    SECRET,
    error,
    error_document,
    kind,
    part_etag,
    part_number,
    upload_step,
)
from ..transport.test_aws_defaults import ToLoopback

MIB = 1024 * 1024
GIB = 1024 * MIB
SIZE = 20 * MIB + 7
SMALL_PARTS = TransferConfig(multipart_chunksize=5 * MIB)
SOURCE = CopySource("from", "the key")
TAGGED = reply(
    200,
    {},
    "<Tagging><TagSet><Tag><Key>a &amp; b</Key><Value>1+1=2/ü</Value></Tag>"
    "<Tag><Key>empty</Key><Value/></Tag></TagSet></Tagging>",
)
UNTAGGED = reply(200, {}, "<Tagging><TagSet/></Tagging>")


def kind_of(request: Recorded) -> str:
    """What *request* is in a managed copy."""
    if request.method == "GET":
        return "tags of the copy" if request.target.startswith("/to/") else "tags"
    if "?tagging" in request.target:
        return "put tags"
    if request.method == "PUT" and part_number(request) is None:
        return "copy"
    return kind(request)


def kinds(server: ScriptedServer) -> list[str]:
    return [kind_of(request) for request in server.requests]


def of_kind(server: ScriptedServer, wanted: str) -> Recorded:
    found = [request for request in server.requests if kind_of(request) == wanted]
    assert len(found) == 1, kinds(server)
    return found[0]


def parts_of(server: ScriptedServer) -> list[Recorded]:
    found = [request for request in server.requests if part_number(request) is not None]
    return sorted(found, key=lambda request: part_number(request) or 0)


def head(size: int = SIZE, headers: Mapping[str, str] | None = None, etag: str = ETAG) -> Reply:
    return reply(200, {"ETag": etag, **(headers or {})}, content_length=size)


def copied_part(request: Recorded, checksum: str = "") -> Reply:
    number = part_number(request) or 0
    return reply(
        200,
        {},
        f"<CopyPartResult><ETag>{part_etag(number)}</ETag>{checksum}</CopyPartResult>",
    )


def playing(special: Mapping[str, Step | Callable[[Recorded], Step]] | None = None) -> Step:
    """The right answers to a managed copy of ``SIZE`` bytes, but for these kinds of requests."""

    def answer(request: Recorded) -> Step:
        name = kind_of(request)
        if special and (given := special.get(name)) is not None:
            return given
        if part_number(request) is not None:
            return copied_part(request)
        others: dict[str, Step] = {
            "HEAD": head(),
            "tags": UNTAGGED,
            "tags of the copy": TAGGED,
            "put tags": reply(200),
            "copy": COPIED,
        }
        return others.get(name) or upload_step(request)

    return answer


@asynccontextmanager
async def engine_of(
    server: ScriptedServer, config: ClientConfig | None = None
) -> AsyncIterator[Engine]:
    engine = Engine(
        session=None,
        url=server.url,
        credentials=StaticCredentials(KEY, SECRET),
        region="us-east-1",
        config=config,
    )
    await engine.open()
    try:
        yield engine
    finally:
        await engine.close()


async def copy(
    server: ScriptedServer,
    extra_args: Mapping[str, object] | None = None,
    *,
    source: CopySource = SOURCE,
    config: TransferConfig = SMALL_PARTS,
    client: ClientConfig | None = None,
    callback: Callable[[int], object] | None = None,
    tries: int | None = None,
) -> None:
    async with engine_of(server, client) as engine, ProgressMeter(callback) as meter:
        await managed_copy(
            engine,
            engine,
            source,
            ("to", "copy"),
            args=copy_args(extra_args),
            config=config,
            meter=meter,
            tries=tries,
        )


# Which way


@pytest.mark.parametrize(
    ("size", "threshold", "in_parts"),
    [
        (8 * MIB - 1, 8 * MIB, False),
        (8 * MIB, 8 * MIB, True),
        (0, 1, False),
        (1, 1, True),
        (5 * GIB, 50 * GIB, False),
        (5 * GIB + 1, 50 * GIB, True),
    ],
)
async def test_the_threshold_decides(
    scripted: StartScript, size: int, threshold: int, in_parts: bool
) -> None:
    server = await scripted(rest=playing({"HEAD": head(size)}))
    config = TransferConfig(multipart_threshold=threshold, multipart_chunksize=GIB)
    moved: list[int] = []
    await copy(server, config=config, callback=moved.append)
    assert ("create" in kinds(server), "copy" in kinds(server)) == (in_parts, not in_parts)
    assert sum(moved) == size
    if not in_parts:
        assert kinds(server) == ["HEAD", "copy"]


async def test_parts_cover_the_object_and_are_bound_to_its_etag(scripted: StartScript) -> None:
    """P5: the parts of two objects never become one."""
    server = await scripted(rest=playing())
    moved: list[int] = []
    await copy(server, callback=moved.append)
    assert kinds(server)[:3] == ["HEAD", "tags", "create"]
    assert kinds(server)[-2:] == ["HEAD", "complete"]
    parts = parts_of(server)
    size = 5 * MIB
    ranges = [f"bytes={at}-{min(at + size, SIZE) - 1}" for at in range(0, SIZE, size)]
    assert [part.header("x-amz-copy-source-range") for part in parts] == ranges
    for part in parts:
        assert part.target.startswith("/to/copy?")
        assert part.header("x-amz-copy-source") == "/from/the%20key"
        assert part.header("x-amz-copy-source-if-match") == ETAG
        assert part.body_size == 0
    completed = of_kind(server, "complete").body.decode()
    assert re.findall("<ETag>(.*?)</ETag>", completed) == [part_etag(n) for n in range(1, 6)]
    assert sum(moved) == SIZE


@pytest.mark.parametrize(
    ("size", "asked", "part_size"),
    [(20 * MIB, 1, 5 * MIB), (20 * MIB, 6 * MIB, 6 * MIB), (100 * GIB, 8 * MIB, 11 * MIB)],
)
async def test_part_sizes_fit_the_limits_of_s3(
    scripted: StartScript, size: int, asked: int, part_size: int
) -> None:
    steps: dict[str, Step] = {"HEAD": head(size), "part 1": error(403, "AccessDenied")}
    server = await scripted(rest=playing(steps))
    config = TransferConfig(multipart_chunksize=asked, max_concurrency=1)
    with pytest.raises(AccessDenied, match=r"part 1, bytes 0-"):
        await copy(server, config=config)
    assert of_kind(server, "part 1").header("x-amz-copy-source-range") == f"bytes=0-{part_size - 1}"
    assert kinds(server)[-1] == "abort"


async def test_a_single_part_has_no_range(scripted: StartScript) -> None:
    """S3 copies ranges of objects above 5 MiB alone."""
    server = await scripted(rest=playing({"HEAD": head(5)}))
    await copy(server, config=TransferConfig(multipart_threshold=5))
    assert of_kind(server, "part 1").header("x-amz-copy-source-range") is None


@pytest.mark.parametrize("use_threads", [True, False])
async def test_workers_bound_what_is_in_flight(scripted: StartScript, use_threads: bool) -> None:
    running = most = 0

    def counted(request: Recorded) -> Step:
        nonlocal running, most
        if part_number(request) is None:
            return playing()
        running += 1
        most = max(most, running)

        def done() -> None:
            nonlocal running
            running -= 1

        asyncio.get_running_loop().call_later(0.03, done)
        return reply(200, {}, copied_part(request).body, delay=0.04)

    server = await scripted(rest=counted)
    config = TransferConfig(multipart_chunksize=5 * MIB, max_concurrency=2, use_threads=use_threads)
    await copy(server, config=config)
    assert most == (2 if use_threads else 1)


async def test_a_source_of_unknown_bucket_is_refused(scripted: StartScript) -> None:
    server = await scripted()
    with pytest.raises(ValueError, match="source: its bucket"):
        await copy(server, source=CopySource("", "key"))
    assert not server.requests


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(404), NotFound),
        (error(403, "AccessDenied"), Forbidden),
        (reply(200, {"ETag": ETAG}, content_length=None), ResponseParseError),
    ],
    ids=["404", "403", "no size"],
)
async def test_a_source_that_cannot_be_seen_is_not_copied(
    scripted: StartScript, answer: Step, expected: type[S3Error]
) -> None:
    steps: dict[str, Step] = {"HEAD": answer, "tags": answer}
    server = await scripted(rest=playing(steps))
    with pytest.raises(expected):
        await copy(server)
    assert all(request.method in ("HEAD", "GET") for request in server.requests)


# What is kept


KEPT = {
    "Cache-Control": "no-store",
    "Content-Disposition": 'attachment; filename="ü.txt"',
    "Content-Encoding": "gzip",
    "Content-Language": "de",
    "Content-Type": "text/x-test; charset=utf-8",
    "Expires": "Thu, 01 Jan 2026 00:00:00 GMT",
    "x-amz-meta-a": "b",
    "X-Amz-Meta-Two-Words": "=?UTF-8?B?w7w=?=",
}
NOT_KEPT = {
    "x-amz-storage-class": "STANDARD_IA",
    "x-amz-server-side-encryption": "AES256",
    "x-amz-website-redirect-location": "/other",
    "x-amz-object-lock-mode": "GOVERNANCE",
    "x-amz-object-lock-legal-hold": "ON",
    "x-amz-version-id": "v",
    "x-amz-tagging-count": "1",
    "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
}


async def test_what_a_plain_copy_keeps_is_kept(scripted: StartScript) -> None:
    steps: dict[str, Step] = {"HEAD": head(headers={**KEPT, **NOT_KEPT}), "tags": TAGGED}
    server = await scripted(rest=playing(steps))
    await copy(server)
    create = of_kind(server, "create")
    wire = {name: value.encode().decode("latin-1") for name, value in KEPT.items()}
    assert {name: create.header(name) for name in KEPT} == wire
    assert not [name for name in NOT_KEPT if create.header(name)]
    tagging = create.header("x-amz-tagging") or ""
    assert tagging == "a%20%26%20b=1%2B1%3D2%2F%C3%BC&empty="
    assert parse_qsl(tagging, keep_blank_values=True) == [("a & b", "1+1=2/ü"), ("empty", "")]
    for other in (*parts_of(server), of_kind(server, "complete")):
        assert other.header("x-amz-meta-a") is None
        assert other.header("x-amz-tagging") is None


async def test_what_is_replaced_is_not_kept(scripted: StartScript) -> None:
    steps: dict[str, Step] = {"HEAD": head(headers={**KEPT, **NOT_KEPT}), "tags": TAGGED}
    server = await scripted(rest=playing(steps))
    extra_args = {
        "MetadataDirective": "REPLACE",
        "Metadata": {"new": "yes"},
        "ContentLanguage": "fr",
        "TaggingDirective": "REPLACE",
        "Tagging": "c=d",
        "StorageClass": "STANDARD_IA",
    }
    await copy(server, extra_args)
    assert "tags" not in kinds(server)
    create = of_kind(server, "create")
    given = {
        "x-amz-meta-new": "yes",
        "Content-Language": "fr",
        "x-amz-tagging": "c=d",
        "x-amz-storage-class": "STANDARD_IA",
        "Content-Type": "application/octet-stream",
    }
    assert {name: create.header(name) for name in given} == given
    for name in KEPT.keys() - given.keys():
        assert create.header(name) is None, name


@pytest.mark.parametrize("size", [7, SIZE], ids=["whole", "in parts"])
async def test_both_ways_give_a_replaced_type_alike(scripted: StartScript, size: int) -> None:
    server = await scripted(rest=playing({"HEAD": head(size, {"Content-Type": "text/old"})}))
    await copy(server, {"MetadataDirective": "REPLACE"})
    writing = of_kind(server, "copy" if size == 7 else "create")
    assert writing.header("Content-Type") == "application/octet-stream"


async def test_given_without_a_directive_is_ignored_as_copy_object_ignores_it(
    scripted: StartScript,
) -> None:
    server = await scripted(rest=playing({"HEAD": head(headers=KEPT), "tags": TAGGED}))
    await copy(server, {"Metadata": {"a": "other"}, "ContentType": "x/y", "Tagging": "c=d"})
    create = of_kind(server, "create")
    assert create.header("x-amz-meta-a") == "b"
    assert create.header("Content-Type") == KEPT["Content-Type"]
    assert (create.header("x-amz-tagging") or "").startswith("a%20%26")


async def test_tags_that_the_server_dropped_are_set_again(scripted: StartScript) -> None:
    """Ceph RGW 16 takes no notice of the tags that come with Create."""
    completed = reply(200, {"x-amz-version-id": "v+2"}, COMPLETED_DOCUMENT)
    nothing = reply(200)
    steps: dict[str, Step] = {"tags": TAGGED, "tags of the copy": nothing, "complete": completed}
    server = await scripted(rest=playing(steps))
    await copy(server)
    assert kinds(server)[-3:] == ["complete", "tags of the copy", "put tags"]
    put = of_kind(server, "put tags")
    assert put.target == "/to/copy?tagging=&versionId=v%2B2"
    assert parse_tagging(put.body) == [("a & b", "1+1=2/ü"), ("empty", "")]
    digest = hashlib.md5(put.body).digest()
    assert put.header("Content-MD5") == base64.b64encode(digest).decode()


@pytest.mark.parametrize("tags", [TAGGED, UNTAGGED], ids=["taken", "none"])
async def test_tags_that_the_server_took_are_left_alone(scripted: StartScript, tags: Reply) -> None:
    server = await scripted(rest=playing({"tags": tags}))
    await copy(server)
    assert "put tags" not in kinds(server)
    assert ("tags of the copy" in kinds(server)) == (tags is TAGGED)


@pytest.mark.parametrize(
    "answer",
    [
        error(501, "NotImplemented"),
        error(405, "MethodNotAllowed"),
        error(400, "NotImplemented"),
        error(404, "NoSuchTagSet"),
        reply(501),
        reply(200),
    ],
    ids=["501", "405", "400", "404", "501 without a word", "nothing at all"],
)
async def test_a_server_without_tags_has_none(scripted: StartScript, answer: Step) -> None:
    server = await scripted(rest=playing({"tags": answer}))
    await copy(server)
    assert kinds(server).count("tags") == 1
    assert of_kind(server, "create").header("x-amz-tagging") is None


@pytest.mark.parametrize(("count", "asked"), [(None, True), ("2", True), ("0", False)])
async def test_only_a_count_of_none_proves_that_there_are_no_tags(
    scripted: StartScript, count: str | None, asked: bool
) -> None:
    """S3 leaves the count out for who may not read the tags, as it does where there are none."""
    headers = {} if count is None else {"x-amz-tagging-count": count}
    server = await scripted(rest=playing({"HEAD": head(headers=headers)}))
    await copy(server)
    assert ("tags" in kinds(server)) == asked


NOT_UTF8 = "<a byte>"
LONG_TAGS = reply(
    200,
    {},
    "<Tagging><TagSet>"
    + "".join(f"<Tag><Key>{n}</Key><Value>{'v' * 250}</Value></Tag>" for n in range(9))
    + "</TagSet></Tagging>",
)


@pytest.mark.parametrize(
    ("headers", "steps", "extra_args", "reason"),
    [
        ({"x-amz-missing-meta": "2"}, {}, {}, "2 entries of its metadata"),
        ({"x-amz-meta-a": NOT_UTF8}, {}, {}, "metadata is not UTF-8"),
        ({"ETag": ""}, {}, {}, "no ETag"),
        ({}, {}, {"AnnotationDirective": "COPY"}, "annotations"),
        ({}, {"tags": error(403, "AccessDenied")}, {}, "GetObjectTagging from/the key: 403"),
    ],
    ids=["missing-meta", "bytes", "etag", "annotations", "tags denied"],
)
async def test_what_parts_cannot_keep_is_left_to_copy_object(
    scripted: StartScript,
    headers: dict[str, str],
    steps: dict[str, Step],
    extra_args: dict[str, object],
    reason: str,
) -> None:
    """And refused above 5 GiB, which CopyObject does not copy."""
    for size in (5 * GIB, 5 * GIB + 1):
        found = head(size, {"ETag": ETAG, **headers})
        answer = replace(found, head=found.head.replace(NOT_UTF8.encode(), b"\xff"))
        server = await scripted(rest=playing({"HEAD": answer, **steps}))
        if size == 5 * GIB:
            await copy(server, extra_args)
            assert kinds(server)[-1] == "copy"
        else:
            with pytest.raises(S3Error, match=reason):
                await copy(server, extra_args)
        assert not {"create", "abort"} & set(kinds(server))


async def test_copy_object_knows_whether_tags_are_denied(scripted: StartScript) -> None:
    denied = error(403, "AccessDenied")
    server = await scripted(rest=playing({"tags": denied, "copy": denied}))
    with pytest.raises(AccessDenied) as caught:
        await copy(server)
    assert caught.value.operation == "CopyObject"


async def test_tags_too_long_for_a_header(scripted: StartScript) -> None:
    server = await scripted(rest=playing({"tags": LONG_TAGS}))
    await copy(server)
    assert kinds(server) == ["HEAD", "tags", "copy"]
    server = await scripted(rest=playing({"tags": LONG_TAGS, "HEAD": head(6 * GIB)}))
    await copy(server, config=TransferConfig(multipart_chunksize=GIB))
    assert len(of_kind(server, "create").header("x-amz-tagging") or "") > 2048


async def test_metadata_that_may_not_be_seen_does_not_matter_when_it_is_replaced(
    scripted: StartScript,
) -> None:
    server = await scripted(rest=playing({"HEAD": head(headers={"x-amz-missing-meta": "2"})}))
    await copy(server, {"MetadataDirective": "REPLACE"})
    assert "create" in kinds(server)


# Where the source is


async def test_a_version_is_named_everywhere(scripted: StartScript) -> None:
    server = await scripted(rest=playing())
    await copy(server, source=CopySource("from", "ä?b+c", "v/1 +"))
    for request in (of_kind(server, "HEAD"), of_kind(server, "tags")):
        assert request.target.endswith("versionId=v%2F1%20%2B")
    expected = "/from/%C3%A4%3Fb%2Bc?versionId=v%2F1%20%2B"
    assert {part.header("x-amz-copy-source") for part in parts_of(server)} == {expected}


@pytest.mark.parametrize("size", [7, SIZE], ids=["whole", "in parts"])
async def test_the_source_is_asked_through_its_own_client(scripted: StartScript, size: int) -> None:
    there = await scripted(rest=playing({"HEAD": head(size)}))
    here = await scripted(rest=playing())
    async with (
        engine_of(there) as source,
        engine_of(here) as engine,
        ProgressMeter() as meter,
    ):
        await managed_copy(
            engine,
            source,
            SOURCE,
            ("to", "copy"),
            args=copy_args({"CopySourceIfMatch": ETAG}),
            config=SMALL_PARTS,
            meter=meter,
        )
    assert set(kinds(there)) <= {"HEAD", "tags"}
    assert not {"HEAD", "tags"} & set(kinds(here))
    assert all(request.target.startswith("/from/the%20key") for request in there.requests)
    assert all(request.target.startswith("/to/copy") for request in here.requests)


async def test_customers_keys_go_where_they_belong(scripted: StartScript) -> None:
    server = await scripted(rest=playing())
    prefix, of_source = "x-amz-server-side-encryption-customer-", "x-amz-copy-source-"
    await copy(
        server,
        {
            "SSECustomerAlgorithm": "AES256",
            "SSECustomerKey": b"new-key",
            "CopySourceSSECustomerAlgorithm": "AES256",
            "CopySourceSSECustomerKey": b"old-key",
            "RequestPayer": "requester",
        },
    )
    old, new = (base64.b64encode(key).decode() for key in (b"old-key", b"new-key"))
    source_header = of_source + prefix.removeprefix("x-amz-") + "key"
    for request in server.requests:
        name = kind_of(request)
        expected = {"HEAD": old, "tags": None}.get(name, new)
        assert request.header(f"{prefix}key") == expected, name
        assert request.header(source_header) == (old if name.startswith("part") else None)
        assert request.header("x-amz-request-payer") == "requester"


# Conditions, and sources that change


async def test_a_condition_that_does_not_hold_is_raised_before_anything_is_begun(
    scripted: StartScript,
) -> None:
    for status in (412, 304):
        server = await scripted(rest=playing({"HEAD": reply(status)}))
        with pytest.raises(PreconditionFailed):
            await copy(server, {"CopySourceIfNoneMatch": ETAG})
        assert kinds(server) == ["HEAD"]
        assert of_kind(server, "HEAD").header("If-None-Match") == ETAG


@pytest.mark.parametrize(
    ("given", "sent"), [("*", ETAG), ('"mine"', '"mine"'), (ETAG, ETAG)], ids=["any", "own", "same"]
)
async def test_the_callers_etag_binds_the_parts(
    scripted: StartScript, given: str, sent: str
) -> None:
    server = await scripted(rest=playing())
    await copy(server, {"CopySourceIfMatch": given, "CopySourceIfNoneMatch": '"other"'})
    for part in parts_of(server):
        assert part.header("x-amz-copy-source-if-match") == sent
        assert part.header("x-amz-copy-source-if-none-match") == '"other"'


async def test_p05_a_source_that_changes_in_between(scripted: StartScript) -> None:
    server = await scripted(rest=playing({"part 3": error(412, "PreconditionFailed")}))
    with pytest.raises(ObjectChanged, match="from/the key was replaced"):
        await copy(server)
    assert kinds(server).count("part 3") == 1
    assert kinds(server)[-1] == "abort"
    assert "complete" not in kinds(server)


async def test_p05_a_callers_own_condition_is_not_called_a_change(scripted: StartScript) -> None:
    server = await scripted(rest=playing({"part 3": error(412, "PreconditionFailed")}))
    with pytest.raises(PreconditionFailed):
        await copy(server, {"CopySourceIfMatch": '"mine"'})
    assert kinds(server)[-1] == "abort"


async def test_p05_a_change_that_the_server_does_not_notice(scripted: StartScript) -> None:
    """Not every server knows the condition, so that the source is looked at again."""
    heads = [head(), head(etag='"new"')]
    server = await scripted(rest=playing({"HEAD": lambda _: heads.pop(0)}))
    with pytest.raises(ObjectChanged):
        await copy(server, {"CopySourceIfModifiedSince": "2020-01-01T00:00:00Z"})
    assert kinds(server)[-2:] == ["HEAD", "abort"]
    first, second = (r for r in server.requests if kind_of(r) == "HEAD")
    assert first.header("If-Modified-Since")
    assert second.header("If-Modified-Since") is None


async def test_p05_a_version_cannot_change(scripted: StartScript) -> None:
    server = await scripted(rest=playing())
    await copy(server, source=CopySource("from", "key", "v"))
    assert kinds(server).count("HEAD") == 1


# Errors, cancellation, callbacks


async def test_p04_an_error_in_a_200_is_tried_again(scripted: StartScript) -> None:
    answers: list[Step] = [reply(200, {}, " \n" + error_document("InternalError")), copied_part]
    server = await scripted(rest=playing({"part 2": lambda _: answers.pop(0)}))
    await copy(server)
    assert kinds(server).count("part 2") == 2
    assert len(parts_of(server)) == 6
    assert kinds(server)[-1] == "complete"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(200, {}, error_document("InternalError")), InternalError),
        (error(503, "SlowDown"), SlowDown),
        (error(500, "InternalError"), InternalError),
    ],
    ids=["200", "503", "500"],
)
@pytest.mark.parametrize("tries", [1, 2, None])
async def test_p04_a_part_is_sent_as_often_as_it_may_be(
    scripted: StartScript, answer: Step, kind: type[AwsError], tries: int | None
) -> None:
    server = await scripted(rest=playing({"part 2": answer}))
    with pytest.raises(kind) as caught:
        await copy(server, tries=tries)
    assert isinstance(caught.value, AwsUploadError)
    assert caught.value.operation == "UploadPartCopy"
    assert caught.value.detail == f"part 2, bytes {5 * MIB}-{10 * MIB - 1}"
    assert caught.value.attempts == (tries or 3)
    assert kinds(server).count("part 2") == (tries or 3)
    assert kinds(server)[-1] == "abort"


@pytest.mark.parametrize("body", ["", "<html></html>", "<CopyPartResult></CopyPartResult>"])
async def test_p04_a_part_that_says_nothing_is_no_success(scripted: StartScript, body: str) -> None:
    """A server that does not know copies of parts may take one for an empty part."""
    server = await scripted(rest=playing({"part 1": reply(200, {}, body)}))
    with pytest.raises(ResponseParseError):
        await copy(server)
    assert kinds(server).count("part 1") == 1
    assert kinds(server)[-1] == "abort"


async def test_p04_a_copy_whose_200_holds_an_error_is_raised(scripted: StartScript) -> None:
    failed = reply(200, {}, error_document("InternalError"))
    server = await scripted(rest=playing({"HEAD": head(7), "copy": failed}))
    moved: list[int] = []
    with pytest.raises(InternalError):
        await copy(server, callback=moved.append)
    assert kinds(server) == ["HEAD", "copy", "copy", "copy"]
    assert not moved


async def test_a_refused_upload_is_raised(scripted: StartScript) -> None:
    server = await scripted(rest=playing({"create": error(403, "AccessDenied")}))
    with pytest.raises(AccessDenied):
        await copy(server)
    assert kinds(server) == ["HEAD", "tags", "create"]


@pytest.mark.parametrize("where", ["part 2", "complete", "create"])
async def test_p09_a_cancelled_copy_is_aborted(scripted: StartScript, where: str) -> None:
    slow = reply(200, {}, CREATED.body, delay=0.2)
    server = await scripted(rest=playing({where: slow if where == "create" else hang()}))
    task = asyncio.ensure_future(copy(server))
    while where not in kinds(server):
        await server.wait_for(len(server.requests) + 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert kinds(server)[-1] == "abort"
    assert kinds(server).count("abort") == 1


async def test_p09_an_exception_of_the_callback_ends_the_copy(scripted: StartScript) -> None:
    """Even one that comes late, for the last part: the upload is not completed before it."""
    moved = 0

    async def refuse(size: int) -> None:
        nonlocal moved
        moved += size
        await asyncio.sleep(0.1)
        if moved == SIZE:
            raise LookupError(size)

    server = await scripted(rest=playing())
    with pytest.raises(LookupError):
        await copy(server, callback=refuse)
    assert "complete" not in kinds(server)
    assert kinds(server)[-1] == "abort"


# Checksums


async def test_no_checksum_is_announced_of_bytes_that_are_not_sent(scripted: StartScript) -> None:
    server = await scripted(rest=playing())
    await copy(server, client=ClientConfig(request_checksum_calculation="when_supported"))
    assert of_kind(server, "create").header("x-amz-checksum-algorithm") is None
    assert b"Checksum" not in of_kind(server, "complete").body


async def test_an_algorithm_that_was_asked_for_is_told_and_completed_with(
    scripted: StartScript,
) -> None:
    def answer(request: Recorded) -> Step:
        if number := part_number(request):
            return copied_part(request, f"<ChecksumSHA256>sum-{number}</ChecksumSHA256>")
        return playing()

    server = await scripted(rest=answer)
    await copy(server, {"ChecksumAlgorithm": "sha256"})
    assert of_kind(server, "create").header("x-amz-checksum-algorithm") == "SHA256"
    completed = of_kind(server, "complete").body.decode()
    sums = re.findall("<ChecksumSHA256>(.*?)</ChecksumSHA256>", completed)
    assert sums == [f"sum-{number}" for number in range(1, 6)]


# Going on with an upload that exists


def page(numbers: list[int], next_marker: int | None) -> Reply:
    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{part_etag(number)}</ETag><Size>9</Size>"
        "<ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part>"
        for number in numbers
    )
    more = f"<NextPartNumberMarker>{next_marker}</NextPartNumberMarker><IsTruncated>true"
    end = f"{more}</IsTruncated>" if next_marker else "<IsTruncated>false</IsTruncated>"
    return reply(200, {}, f"<ListPartsResult>{end}{parts}</ListPartsResult>")


async def test_parts_are_listed_page_by_page(scripted: StartScript) -> None:
    server = await scripted(page([1, 2], 2), page([5], None))
    async with engine_of(server) as engine:
        upload = MultipartUpload(engine, "to", "copy", headers={"x-amz-request-payer": "requester"})
        upload.attach("UP/1")
        parts = await upload.list_parts()
    checksums = {"CRC32": "AAAAAA=="}
    assert parts == [UploadedPart(n, part_etag(n), 9, checksums) for n in (1, 2, 5)]
    assert [request.target for request in server.requests] == [
        "/to/copy?uploadId=UP%2F1",
        "/to/copy?uploadId=UP%2F1&part-number-marker=2",
    ]
    assert {request.header("x-amz-request-payer") for request in server.requests} == {"requester"}


async def test_pages_that_never_end(scripted: StartScript) -> None:
    server = await scripted(page([1], 1), page([1], 1))
    async with engine_of(server) as engine:
        upload = MultipartUpload(engine, "to", "copy", headers={})
        upload.attach("UP-1")
        with pytest.raises(ResponseParseError, match="after part 1 names part 1"):
            await upload.list_parts()


async def test_the_parts_of_an_upload_that_is_gone(scripted: StartScript) -> None:
    server = await scripted(error(404, "NoSuchUpload"))
    async with engine_of(server) as engine:
        upload = MultipartUpload(engine, "to", "copy", headers={})
        upload.attach("UP-1")
        with pytest.raises(NoSuchUpload) as caught:
            await upload.list_parts()
    assert isinstance(caught.value, AwsUploadError)


async def test_an_upload_goes_on_with_the_parts_it_has(scripted: StartScript) -> None:
    """And with their kind of checksum, without which S3 would not complete it."""
    sent = reply(200, {"ETag": part_etag(2), "x-amz-checksum-crc32": "sum-2"})
    server = await scripted(rest=playing({"part 2": sent}))
    parts = [UploadedPart(1, part_etag(1), 9, {"CRC32": "sum-1"})]
    async with engine_of(server) as engine:
        upload = MultipartUpload(engine, "to", "copy", headers={})
        with pytest.raises(ValueError, match="part number 10001"):
            upload.attach("UP-1", [UploadedPart(10_001, '"x"', 9)])
        upload.attach("UP-1", parts)
        await upload.send_part(2, BytesSource(b"hello"))
        await upload.complete()
    assert of_kind(server, "part 2").header("x-amz-checksum-crc32") == "NhCmhg=="
    body = of_kind(server, "complete").body.decode()
    assert re.findall("<ChecksumCRC32>(.*?)</ChecksumCRC32>", body) == ["sum-1", "sum-2"]


# AWS itself


async def test_aws_is_trusted_with_the_condition_and_the_tags(scripted: StartScript) -> None:
    """No second look there, neither at the source nor at the tags of the copy."""
    authority = trustme.CA()
    tls, trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    host = "s3.eu-west-1.amazonaws.com"
    authority.issue_cert(host, f"*.{host}").configure_cert(tls)
    authority.configure_trust(trust)
    server = await scripted(rest=playing({"tags": TAGGED}), ssl_context=tls)
    resolver = ToLoopback()
    resolver.port = server.port
    connector = aiohttp.TCPConnector(ssl=trust, resolver=resolver)
    async with aiohttp.ClientSession(connector=connector) as session:
        credentials = StaticCredentials(KEY, SECRET)
        engine = Engine(session=session, url=f"https://{host}", credentials=credentials)
        await copy_at(engine, CopySource("from-here", "key"), "copy")
    assert sorted(kinds(server)) == sorted(
        ["HEAD", "tags", "create", *(f"part {number}" for number in range(1, 6)), "complete"]
    )
    assert of_kind(server, "create").header("x-amz-tagging")
    assert of_kind(server, "create").header("x-amz-checksum-algorithm") is None


# Real servers


@pytest.fixture
def engine(server: RunningServer, session: aiohttp.ClientSession) -> Engine:
    return Engine(
        session=session,
        url=server.url,
        credentials=StaticCredentials(server.access_key_id, server.secret_access_key),
        region=server.region,
    )


async def copy_at(
    engine: Engine,
    source: CopySource,
    key: str,
    extra_args: Mapping[str, object] | None = None,
    *,
    config: TransferConfig = SMALL_PARTS,
) -> int:
    """Copy *source* to *key* in its bucket; the bytes that the callback was told of."""
    moved: list[int] = []
    async with ProgressMeter(moved.append) as meter:
        await managed_copy(
            engine,
            engine,
            source,
            (source.bucket, key),
            args=copy_args(extra_args),
            config=config,
            meter=meter,
        )
    return sum(moved)


DATA = hashlib.shake_128(b"managed copy").digest(11 * MIB + 3)
STORED = {
    "ContentType": "text/x-test",
    "CacheControl": "no-store",
    "ContentDisposition": 'attachment; filename="a b.txt"',
    "ContentLanguage": "de",
    "Metadata": {"kept": "yes", "two-words": "A value"},
}


async def tags_of(oracle: Oracle, bucket: str, key: str) -> list[tuple[str, str]]:
    found = await asyncio.to_thread(oracle.client.get_object_tagging, Bucket=bucket, Key=key)
    return sorted((tag["Key"], tag["Value"]) for tag in found["TagSet"])


@pytest.mark.parametrize("in_parts", [False, True], ids=["whole", "in parts"])
async def test_a_copy_is_the_same_object(
    server: RunningServer, engine: Engine, oracle: Oracle, bucket: str, in_parts: bool
) -> None:
    server.need("own_bucket", "copy", "copy_keeps_headers", "system_headers", "metadata")
    tagged = server.missing("tagging") is None
    if in_parts:
        server.need("multipart", "upload_part_copy")
    tags = {"Tagging": "a%20b=1%2B1&colour=blue"} if tagged else {}
    key = "dir/the +ü key"
    await asyncio.to_thread(oracle.put, bucket, key, DATA, **STORED, **tags)
    config = SMALL_PARTS if in_parts else TransferConfig(multipart_threshold=64 * MIB)
    moved = await copy_at(engine, CopySource(bucket, key), "copy", config=config)
    assert moved == len(DATA)
    assert await asyncio.to_thread(oracle.get, bucket, "copy") == DATA
    found = await asyncio.to_thread(oracle.head, bucket, "copy") or {}
    assert {name: found.get(name) for name in STORED} == STORED
    if tagged:
        expected = [("a b", "1+1"), ("colour", "blue")]
        assert await tags_of(oracle, bucket, "copy") == expected
    if in_parts and server.missing("multipart_etag") is None:
        assert found["ETag"].endswith('-3"')
    assert await asyncio.to_thread(oracle.uploads, bucket) == []


@pytest.mark.parametrize("in_parts", [False, True], ids=["whole", "in parts"])
async def test_a_copy_with_what_is_given_instead(
    server: RunningServer, engine: Engine, oracle: Oracle, bucket: str, in_parts: bool
) -> None:
    server.need("own_bucket", "copy", "copy_replaces_metadata", "system_headers", "metadata")
    # RGW 16 takes neither the directive for tags nor tags with Create.
    tagged = server.missing("tagging") is None and not server.name.startswith("rgw")
    if in_parts:
        server.need("multipart", "upload_part_copy")
    tags = {"Tagging": "old=tag"} if tagged else {}
    await asyncio.to_thread(oracle.put, bucket, "source", DATA, **STORED, **tags)
    config = SMALL_PARTS if in_parts else TransferConfig(multipart_threshold=64 * MIB)
    extra_args: dict[str, object] = {
        "MetadataDirective": "REPLACE",
        "Metadata": {"new": "yes"},
        "ContentType": "text/new",
    }
    if tagged:
        extra_args |= {"TaggingDirective": "REPLACE", "Tagging": "new=tag"}
    await copy_at(engine, CopySource(bucket, "source"), "copy", extra_args, config=config)
    found = await asyncio.to_thread(oracle.head, bucket, "copy") or {}
    assert (found["Metadata"], found["ContentType"]) == ({"new": "yes"}, "text/new")
    assert found.get("CacheControl") is None
    assert await asyncio.to_thread(oracle.get, bucket, "copy") == DATA
    if tagged:
        assert await tags_of(oracle, bucket, "copy") == [("new", "tag")]


async def test_an_older_version_is_copied(
    server: RunningServer, engine: Engine, oracle: Oracle, bucket: str
) -> None:
    server.need("own_bucket", "multipart", "upload_part_copy", "versioning")
    old = await asyncio.to_thread(
        lambda: (
            oracle.client.put_bucket_versioning(
                Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
            ),
            oracle.client.put_object(Bucket=bucket, Key="v", Body=DATA, Metadata={"is": "old"}),
            oracle.put(bucket, "v", b"new"),
        )[1]
    )
    await copy_at(engine, CopySource(bucket, "v", old["VersionId"]), "copy")
    assert await asyncio.to_thread(oracle.get, bucket, "copy") == DATA
    found = await asyncio.to_thread(oracle.head, bucket, "copy") or {}
    assert found["Metadata"] == {"is": "old"}


async def test_a_condition_that_does_not_hold(
    server: RunningServer, engine: Engine, oracle: Oracle, bucket: str
) -> None:
    server.need("own_bucket", "if_match", "upload_part_copy")
    etag = await asyncio.to_thread(oracle.put, bucket, "source", DATA)
    source = CopySource(bucket, "source")
    for condition in ({"CopySourceIfMatch": '"other"'}, {"CopySourceIfNoneMatch": etag}):
        with pytest.raises(PreconditionFailed):
            await copy_at(engine, source, "copy", condition)
    assert await asyncio.to_thread(oracle.head, bucket, "copy") is None
    assert await asyncio.to_thread(oracle.uploads, bucket) == []


async def test_a_source_that_is_not_there(
    server: RunningServer, engine: Engine, oracle: Oracle, bucket: str
) -> None:
    server.need("own_bucket")
    with pytest.raises(NotFound):
        await copy_at(engine, CopySource(bucket, "nothing"), "copy")
    assert await asyncio.to_thread(oracle.list_keys, bucket) == []


async def test_p09_a_server_that_knows_neither_tags_nor_copied_parts_copies_the_whole(
    server: RunningServer, engine: Engine, oracle: Oracle, bucket: str
) -> None:
    server.need("own_bucket", "multipart", "list_uploads")
    if server.missing("upload_part_copy") is None:
        pytest.skip(f"{server.name} knows UploadPartCopy")
    await asyncio.to_thread(oracle.put, bucket, "source", DATA)
    await copy_at(engine, CopySource(bucket, "source"), "copy")
    assert sorted(await asyncio.to_thread(oracle.list_keys, bucket)) == ["copy", "source"]
    assert await asyncio.to_thread(oracle.get, bucket, "copy") == DATA
    assert await asyncio.to_thread(oracle.uploads, bucket) == []


async def test_an_upload_begun_elsewhere_is_gone_on_with(
    server: RunningServer, engine: Engine, oracle: Oracle, bucket: str
) -> None:
    server.need("own_bucket", "multipart", "list_parts")
    where = {"Bucket": bucket, "Key": "key"}
    first, last = DATA[: 5 * MIB], DATA[5 * MIB :]

    def begin() -> str:
        upload_id = str(oracle.client.create_multipart_upload(**where)["UploadId"])
        oracle.client.upload_part(**where, UploadId=upload_id, PartNumber=1, Body=first)
        return upload_id

    upload = MultipartUpload(engine, bucket, "key", headers={})
    upload.attach(await asyncio.to_thread(begin))
    parts = await upload.list_parts()
    assert [(part.number, part.size) for part in parts] == [(1, len(first))]
    upload.attach(upload.upload_id, parts)
    await upload.send_part(2, BytesSource(last))
    await upload.complete()
    assert await asyncio.to_thread(oracle.get, bucket, "key") == DATA
