"""What goes wrong on the way and at the server, as errors of the storage."""

from __future__ import annotations

import asyncio
import hashlib
import pickle
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from aiohttp_s3_client.errors import (
    AccessDenied,
    NoSuchBucket,
    NoSuchKey,
    NoSuchUpload,
    S3ConnectionError,
    S3Error,
    SlowDown,
)
from aiohttp_s3_client.storage import (
    MultipartUpload,
    S3Config,
    S3Storage,
    StorageConnectionError,
    StorageError,
    StorageFileExistsError,
    StorageFileNotFoundError,
    StoragePermissionError,
)
from aiohttp_s3_client.transfer.doubt import etag_of_parts
from tests.servers.running import RunningServer
from tests.servers.scripted import ScriptedServer, StartScript
from tests.servers.steps import Recorded, Step, drop, hang, reply, stall
from tests.transport.scripts import COPIED, CREATED, SECRET, error, kinds, part_etag, upload_step

from .conftest import settings

PART = 5 * 1024 * 1024
LENGTH = {"Content-Length": "4"}


def storage_at(server: ScriptedServer, **more: Any) -> S3Storage:
    given: dict[str, Any] = {
        "bucket": "bucket",
        "region": "us-east-1",
        "endpoint_url": server.url,
        "access_key_id": "AKIDEXAMPLE",
        "secret_access_key": SECRET,
        "session_token": "TOKEN-SECRET",
    }
    return S3Storage(S3Config(**{**given, **more}))


ANSWERS = [
    (error(404, "NoSuchKey"), StorageFileNotFoundError, NoSuchKey),
    (error(404, "NoSuchBucket"), StorageError, NoSuchBucket),
    (error(403, "AccessDenied"), StoragePermissionError, AccessDenied),
    (error(403, "SignatureDoesNotMatch"), StoragePermissionError, S3Error),
    (error(403, "InvalidObjectState"), StorageError, S3Error),
    (error(400, "InvalidArgument"), StorageError, S3Error),
    (error(503, "SlowDown"), StorageError, SlowDown),
    (drop(), StorageConnectionError, S3ConnectionError),
]


@pytest.mark.parametrize(("answer", "expected", "cause"), ANSWERS)
async def test_each_error_has_its_class(
    scripted: StartScript, answer: Step, expected: type[StorageError], cause: type[S3Error]
) -> None:
    server = await scripted(rest=answer)
    async with storage_at(server, prefix="p") as storage:
        with pytest.raises(StorageError) as caught:
            await storage.get_bytes("some/key")
    assert type(caught.value) is expected
    assert isinstance(caught.value.__cause__, cause)
    assert "some/key" in str(caught.value)
    for text in (str(caught.value), repr(caught.value), pickle.dumps(caught.value)):
        for secret in (SECRET, "TOKEN-SECRET"):
            assert secret not in str(text)


async def test_no_credentials(scripted: StartScript) -> None:
    """Nothing is sent. It is no matter of the settings: they may come later."""
    server = await scripted()
    async with storage_at(
        server, access_key_id=None, secret_access_key=None, session_token=None
    ) as storage:
        for call in (storage.get_bytes, storage.url, storage.info):
            with pytest.raises(StorageConnectionError, match="no credentials"):
                await call("key")
    assert server.requests == []


async def test_no_server() -> None:
    config = S3Config("bucket", "us-east-1", "http://127.0.0.1:1", "AKIDEXAMPLE", SECRET)
    async with S3Storage(config) as storage:
        with pytest.raises(StorageConnectionError):
            await storage.exists("key")


async def test_exists_hides_no_error(scripted: StartScript) -> None:
    async with storage_at(await scripted(reply(200), reply(404))) as storage:
        assert await storage.exists("key") is True
        assert await storage.exists("key") is False
    for status, expected in ((403, StoragePermissionError), (500, StorageError)):
        async with storage_at(await scripted(rest=reply(status))) as storage:
            with pytest.raises(expected):
                await storage.exists("key")


async def test_deleting_what_is_not_there(scripted: StartScript) -> None:
    """Some servers tell, which is no error; that the bucket is missing is one."""
    server = await scripted(error(404, "NoSuchKey"), error(404, "NoSuchBucket"))
    async with storage_at(server) as storage:
        await storage.delete("key")
        with pytest.raises(StorageError, match="NoSuchBucket"):
            await storage.delete("key")


async def test_errors_of_the_callers_own_stream_pass(
    embedded: RunningServer, embedded_bucket: str
) -> None:
    """Also those of another S3, which say nothing of the file that is written."""
    theirs = NoSuchKey.__new__(NoSuchKey)

    async def broken(first: Exception) -> AsyncIterator[bytes]:
        yield bytes(PART)
        raise first

    def plainly_broken(first: Exception) -> Iterator[bytes]:
        yield bytes(PART)
        raise first

    async with S3Storage(settings(embedded, embedded_bucket)) as storage:
        for mine in (KeyError("mine"), ValueError("mine"), S3Error("mine"), theirs):
            for put in (storage.put, storage.put_large):
                for stream in (broken(mine), plainly_broken(mine)):
                    with pytest.raises(type(mine)) as caught:
                        await put("key", stream)
                    assert caught.value is mine
        with pytest.raises(StorageFileNotFoundError) as missing:
            await storage.put("key", storage.get("other"))
        assert missing.value.key == "other"
        assert not await storage.exists("key")


# --- what is asked of the server


def _methods(server: ScriptedServer) -> str:
    told = " ".join(request.method for request in server.requests)
    server.requests.clear()
    return told


async def _drained(stream: AsyncIterator[object]) -> None:
    async for _ in stream:
        pass


async def test_no_request_is_for_nothing(scripted: StartScript) -> None:
    """As many as the published package sends, or fewer."""

    def step(request: Recorded) -> Step:
        if request.method == "PUT" and request.header("x-amz-copy-source"):
            return COPIED
        if "list-type" in request.target:
            return reply(200, {}, "<ListBucketResult><IsTruncated>false</IsTruncated>"
                         "</ListBucketResult>")  # fmt: skip
        head = {"ETag": '"abc"'} if request.method == "PUT" else {"ETag": '"abc"', **LENGTH}
        return reply(200, head, b"data" if request.method == "GET" else b"")

    server = await scripted(rest=step)
    async with storage_at(server) as storage:
        for call, expected in (
            (storage.put("key", b"data"), "PUT"),
            (storage.put_large("key", b"data"), "PUT"),
            (storage.get_bytes("key"), "GET"),
            (_drained(storage.get("key")), "GET"),
            (storage.info("key"), "HEAD"),
            (storage.exists("key"), "HEAD"),
            (storage.url("key"), ""),
            (_drained(storage.list()), "GET"),
            (storage.delete("key"), "DELETE"),
            (storage.copy("key", "other"), "HEAD PUT"),
            (storage.move("key", "other"), "HEAD PUT DELETE"),
        ):
            await call
            assert _methods(server) == expected
        copied = await storage.copy("key", "other")
    assert (copied.key, copied.size, copied.etag) == ("other", 4, "abc")
    assert copied.last_modified == datetime(2026, 1, 1, tzinfo=UTC)


async def test_a_source_that_is_replaced_meanwhile_is_asked_about_again(
    scripted: StartScript,
) -> None:
    old = reply(200, {"Content-Length": "4", "ETag": '"old"'})
    server = await scripted(old, COPIED, reply(200, {"Content-Length": "9", "ETag": '"abc"'}))
    async with storage_at(server) as storage:
        assert (await storage.copy("key", "other")).size == 9
    assert _methods(server) == "HEAD PUT HEAD"


# --- answers that get lost


async def test_p11_a_lost_answer_to_a_new_file(scripted: StartScript) -> None:
    """P11: the repeated write finds the file that the first one made."""
    etag = f'"{hashlib.md5(b"data").hexdigest()}"'
    server = await scripted(
        reply(404),
        drop(read=None),
        error(412, "PreconditionFailed"),
        reply(200, {"ETag": etag, "Content-Length": "4"}),
    )
    async with storage_at(server) as storage:
        stored = await storage.put("key", b"data", overwrite=False)
    assert f'"{stored.etag}"' == etag
    assert [request.method for request in server.requests] == ["HEAD", "PUT", "PUT", "HEAD"]
    assert server.requests[1].header("If-None-Match") == "*"


async def test_another_writer_was_first(scripted: StartScript) -> None:
    """Between the question and the write: what the condition is for."""
    server = await scripted(reply(404), error(412, "PreconditionFailed"))
    async with storage_at(server) as storage:
        with pytest.raises(StorageFileExistsError):
            await storage.put("key", b"data", overwrite=False)


def _complete(parts: int) -> str:
    return etag_of_parts([part_etag(number) for number in range(1, parts + 1)]) or ""


async def test_p10_a_lost_answer_to_complete(scripted: StartScript) -> None:
    """P10: the repeated request finds no upload any more, but the file that it became."""
    there = reply(200, {"ETag": f'"{_complete(2)}"', "Content-Length": "9"})
    server = await scripted(drop(read=None), error(404, "NoSuchUpload"), there, there)
    upload = MultipartUpload("UP-1", "key", [(2, part_etag(2)), (1, part_etag(1).strip('"'))])
    async with storage_at(server, prefix="p") as storage:
        stored = await storage.complete_multipart_upload(upload)
    assert (stored.key, stored.size, stored.etag) == ("key", 9, _complete(2))
    sent = server.requests[0].body
    assert sent.index(b"<PartNumber>1<") < sent.index(b"<PartNumber>2<")
    assert server.requests[0].target == "/bucket/p/key?uploadId=UP-1"


async def test_p10_another_process_lost_the_answer(scripted: StartScript) -> None:
    """P10: so that this one's first request finds no upload any more."""
    there = reply(200, {"ETag": f'"{_complete(1)}"', "Content-Length": "9"})
    server = await scripted(error(404, "NoSuchUpload"), there, there)
    async with storage_at(server) as storage:
        upload = MultipartUpload("UP-1", "key", [(1, part_etag(1))])
        assert (await storage.complete_multipart_upload(upload)).size == 9


async def test_p10_another_file_is_not_the_upload(scripted: StartScript) -> None:
    """P10: what stands there may have been made of other parts."""
    server = await scripted(
        error(404, "NoSuchUpload"), reply(200, {"ETag": '"x"', "Content-Length": "9"})
    )
    async with storage_at(server) as storage:
        with pytest.raises(StorageError) as caught:
            await storage.complete_multipart_upload(MultipartUpload("UP-1", "key", [(1, "e" * 32)]))
    assert isinstance(caught.value.__cause__, NoSuchUpload)


async def test_a_copy_that_failed_keeps_the_source(scripted: StartScript) -> None:
    """The error may come with a 200."""
    there = reply(200, {"Content-Length": "4", "ETag": '"e"'})
    failed = reply(200, {}, "<Error><Code>InternalError</Code></Error>")
    server = await scripted(there, rest=failed)
    async with storage_at(server) as storage:
        with pytest.raises(StorageError):
            await storage.move("a", "b")
    assert {request.method for request in server.requests} == {"HEAD", "PUT"}


async def test_a_copy_that_is_not_there_keeps_the_source(scripted: StartScript) -> None:
    server = await scripted(reply(200, {"Content-Length": "4", "ETag": '"e"'}), COPIED, reply(404))
    async with storage_at(server) as storage:
        with pytest.raises(StorageFileNotFoundError) as caught:
            await storage.move("a", "b")
    assert caught.value.key == "b"


async def test_two_spellings_of_what_may_be_one_file(scripted: StartScript) -> None:
    there = reply(200, {"Content-Length": "4", "ETag": '"e"'})
    server = await scripted(there, there, there)
    async with storage_at(server) as storage:
        with pytest.raises(StorageError, match="seem to be one file"):
            await storage.move("a/b", "A//b")
    assert [request.method for request in server.requests] == ["HEAD"] * 3


# --- cancelled, aborted


async def test_p9_a_cancelled_upload_is_aborted(scripted: StartScript) -> None:
    """P9: its parts would cost money for ever."""

    def step(request: Recorded) -> Step:
        return hang() if request.target.find("partNumber=2") > 0 else upload_step(request)

    server = await scripted(rest=step)
    async with storage_at(server) as storage:
        putting = asyncio.create_task(storage.put_large("key", bytes(2 * PART), part_size=PART))
        await server.wait_for(3)
        putting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await putting
    assert kinds(server)[-1] == "abort"


async def test_a_stream_is_not_held_beyond_its_limit(scripted: StartScript) -> None:
    """While the server takes nothing the stream is left alone."""
    mib, given = 1024 * 1024, 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1
            yield bytes(mib)
            await asyncio.sleep(0)

    def step(request: Recorded) -> Step:
        return stall() if request.method == "PUT" else upload_step(request)

    server = await scripted(rest=step)
    async with storage_at(server) as storage:
        putting = asyncio.create_task(
            storage.put_large("key", endless(), part_size=20 * mib, metadata={"a": "b"})
        )
        before = -1
        while before < given:
            before = given
            await asyncio.sleep(0.2)
        putting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await putting
    assert 20 <= given <= 64 + 20


async def test_p9_what_cannot_be_aborted_is_told(scripted: StartScript) -> None:
    """P9: whoever aborts by hand wants to know."""
    gone = error(404, "NoSuchUpload")
    server = await scripted(error(403, "AccessDenied"), gone, drop(), gone)
    upload = MultipartUpload("UP-1", "key")
    async with storage_at(server) as storage:
        with pytest.raises(StoragePermissionError):
            await storage.abort_multipart_upload(upload)
        with pytest.raises(StorageError, match="NoSuchUpload"):
            await storage.abort_multipart_upload(upload)
        await storage.abort_multipart_upload(upload)  # The first attempt may have done it.


async def test_a_part_that_failed_is_not_recorded(scripted: StartScript) -> None:
    server = await scripted(CREATED, error(403, "AccessDenied"))
    async with storage_at(server) as storage:
        upload = await storage.start_multipart_upload("key")
        with pytest.raises(StoragePermissionError):
            await storage.upload_part(upload, 1, b"x")
    assert upload.parts == []


# --- metadata that others wrote


async def test_metadata_as_other_servers_and_clients_have_it(scripted: StartScript) -> None:
    headers = [
        ("Content-Length", "1"),
        ("X-Amz-Meta-Colour", "=?iso-8859-1?Q?gr=FCn?="),
        ("x-amz-meta-raw", "grün"),
        ("x-amz-meta-odd", "=?nobody?B?knows?="),
        ("x-amz-meta-twice", "1"),
        ("x-amz-meta-twice", "2"),
    ]
    server = await scripted(reply(200, headers))
    async with storage_at(server) as storage:
        found = await storage.info("key")
    assert found.metadata == {
        "colour": "grün", "raw": "grün", "odd": "=?nobody?B?knows?=", "twice": "1,2"
    }  # fmt: skip
    assert (found.etag, found.last_modified, found.content_type) == (None, None, None)


async def test_a_head_without_a_length(scripted: StartScript) -> None:
    server = await scripted(reply(200, {}, content_length=None, end="close"))
    async with storage_at(server) as storage:
        with pytest.raises(StorageError, match="Content-Length"):
            await storage.info("key")


async def test_a_listing_of_other_keys_than_asked_for(scripted: StartScript) -> None:
    """What a server puts in beside shows no sibling."""
    entries = "".join(
        f"<Contents><Key>{key}</Key><Size>1</Size><ETag>&quot;e&quot;</ETag>"
        "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
        for key in ("p/", "p/a", "p2/x", "q", "p//b", "p/../c", "p/d")
    )
    listing = f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"
    server = await scripted(rest=reply(200, {}, listing))
    async with storage_at(server, prefix="p") as storage:
        found = [(file.key, file.etag) async for file in storage.list()]
        assert found == [("a", "e"), ("d", "e")]
        assert [file.key async for file in storage.list("a")] == ["a"]
    assert "prefix=p%2F" in server.requests[0].target
