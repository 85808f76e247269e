"""Syncs with keys that are meant badly, servers that fail, and callers that go away."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import aiohttp
import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.config import ClientConfig, TransferConfig
from aiohttp_s3_client.errors import (
    AccessDenied,
    DeleteFailed,
    Forbidden,
    InternalError,
    NoSuchBucket,
    ResponseParseError,
    S3ConnectionError,
    SyncError,
    UnsafeKey,
)
from aiohttp_s3_client.models import SyncItem, SyncReport
from aiohttp_s3_client.transfer.journal import download_journal_path, download_part_path
from tests.behaviour.material import PART, left_over, noise
from tests.behaviour.test_cancellation import cancel_at_moments
from tests.servers.running import RunningServer
from tests.servers.scripted import ScriptedServer
from tests.servers.steps import Recorded, Step, drop, reply

from ..transport.scripts import asked_range, client_for, error

Scripted = Callable[..., Awaitable[ScriptedServer]]
SOURCE = "s3://bucket/x"
ONCE = ClientConfig(max_attempts=1)


def listing(objects: Iterable[tuple[str, int]], more: str = "") -> Step:
    """A page of ListObjectsV2, its keys encoded as S3 does."""
    entries = "".join(
        f"<Contents><Key>{escape(quote(key, errors='surrogateescape'))}</Key>"
        "<LastModified>2020-01-01T00:00:00.123Z</LastModified>"
        f"<ETag>&quot;e&quot;</ETag><Size>{size}</Size></Contents>"
        for key, size in objects
    )
    token = f"<NextContinuationToken>{more}</NextContinuationToken>" if more else ""
    body = (
        f"<ListBucketResult><EncodingType>url</EncodingType>{entries}{token}"
        f"<IsTruncated>{'true' if more else 'false'}</IsTruncated></ListBucketResult>"
    )
    return reply(200, {"Content-Type": "application/xml"}, body)


def bucket_of(objects: Mapping[str, bytes]) -> Step:
    """A server whose only bucket holds *objects*, by whatever keys."""

    def answer(request: Recorded) -> Step:
        path, _, query = request.target.partition("?")
        if "list-type=2" in query:
            keys = sorted(objects, key=lambda key: key.encode(errors="surrogateescape"))
            return listing((key, len(objects[key])) for key in keys)
        data = objects.get(unquote(path.removeprefix("/bucket/"), errors="surrogateescape"))
        if data is None:
            return error(404, "NoSuchKey")
        if request.header("Range") is None or not data:
            return reply(200, {"ETag": '"e"'}, data)
        content_range = f"bytes 0-{len(data) - 1}/{len(data)}"
        return reply(206, {"ETag": '"e"', "Content-Range": content_range}, data)

    return answer


# --- keys


HOSTILE = [
    "../escaped", "../../escaped", "a/../../escaped", "a/../b", "./a", "a/.", "a/..", "..", ".",
    "/absolute", "//host/share", "a//b", "a/b//", "zero\0byte", "a/", "...//x", "\0",
    "{outside}/absolute", "/{outside}/absolute", "link/file", "link", "deep/link/file", "deep/link",
]  # fmt: skip
HARMLESS = [
    "...",
    "..a",
    "a..b/c",
    "back\\slash",
    "C:drive",
    "~",
    "-rf",
    "line\nfeed",
    "ünï %2e%2e",
]


async def test_keys_that_lead_out_of_the_directory(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """Each is refused and told, and nothing outside is touched; others land where they say."""
    outside, root = tmp_path / "outside", tmp_path / "in" / "root"
    outside.mkdir()
    (outside / "file").write_bytes(b"kept")
    (root / "deep").mkdir(parents=True)
    (root / "link").symlink_to(outside)
    (root / "deep/link").symlink_to(outside / "file")
    hostile = [name.format(outside=outside) for name in HOSTILE]
    objects = {f"x/{name}": b"!" for name in (*hostile, *HARMLESS)}
    server = await scripted(rest=bucket_of(objects))
    client = client_for(server, plain_session)

    for dry_run in (True, False):
        with pytest.raises(SyncError) as caught:
            await client.sync(SOURCE, root, delete=True, dry_run=dry_run)
        assert caught.value.report == SyncReport(len(HARMLESS), 0, 0, len(hostile))
        assert {failure.name for failure in caught.value.failures} == set(hostile)
        assert all(isinstance(failure.error, UnsafeKey) for failure in caught.value.failures)
    found = {p.relative_to(root).as_posix() for p in root.rglob("*") if not p.is_dir()}
    assert found == {*HARMLESS, "deep/link"}
    assert (root / "link").is_symlink()
    assert (outside / "file").read_bytes() == b"kept"
    assert left_over(outside) == ["file"]
    assert left_over(tmp_path) == ["in", "outside"]
    assert left_over(tmp_path / "in") == ["root"]
    assert not Path("/absolute").exists()


async def test_what_stands_for_a_folder(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """Not downloaded and not told; one with content is."""
    objects = {"x/": b"", "x/a/": b"", "x/a/b": b"1", "x/c/": b"content"}
    server = await scripted(rest=bucket_of(objects))
    with pytest.raises(SyncError) as caught:
        await client_for(server, plain_session).sync(SOURCE, tmp_path, delete=True)
    assert caught.value.report == SyncReport(1, 0, 0, 1)
    assert caught.value.failures[0].name == "c/"
    assert left_over(tmp_path) == ["a"]


async def test_a_file_is_as_old_as_its_object(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """To the last digit: a second sync finds nothing newer."""
    server = await scripted(rest=bucket_of({"x/a": b"1"}))
    client = client_for(server, plain_session)
    assert await client.sync(SOURCE, tmp_path) == SyncReport(1, 0, 0, 0)
    assert (tmp_path / "a").stat().st_mtime_ns == 1_577_836_800_123_000_000
    assert await client.sync(SOURCE, tmp_path) == SyncReport(0, 0, 1, 0)


async def test_keys_that_cannot_be_beside_each_other(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """A file cannot be a directory too; a name may be too long: errors of those files alone."""
    objects = {"x/a": b"1", "x/a/b": b"2", "x/" + "l" * 300: b"3", "x/z": b"4"}
    server = await scripted(rest=bucket_of(objects))
    one = TransferConfig(max_concurrency=1)
    with pytest.raises(SyncError) as caught:
        await client_for(server, plain_session).sync(SOURCE, tmp_path, config=one)
    kinds = [type(failure.error) for failure in caught.value.failures]
    assert kinds == [NotADirectoryError, OSError]
    assert left_over(tmp_path) == ["a", "z"]


async def test_what_an_unfinished_transfer_would_have_beside_its_file(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """A journal is believed by whoever goes on with a transfer: none comes from a server."""
    target = tmp_path / "a"
    names = [path.name for path in (download_part_path(target), download_journal_path(target))]
    server = await scripted(rest=bucket_of({f"x/{name}": b"planted" for name in names}))
    client = client_for(server, plain_session)
    for dry_run in (True, False):
        with pytest.raises(SyncError) as caught:
            await client.sync(SOURCE, tmp_path, dry_run=dry_run)
        assert caught.value.report == SyncReport(0, 0, 0, 2)
        assert all(isinstance(failure.error, UnsafeKey) for failure in caught.value.failures)
    assert left_over(tmp_path) == []


async def test_a_link_that_is_planted_while_a_download_is_under_way(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """The directory that was entered is written to, whatever its name has become."""
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    (outside / "file").write_bytes(b"kept")
    objects = bucket_of({"x/in/file": b"new"})

    def answer(request: Recorded) -> Step:
        if "list-type" not in request.target:
            (root / "in").rename(root / "moved")
            (root / "in").symlink_to(outside)
        return objects

    server = await scripted(rest=answer)
    with contextlib.suppress(SyncError):  # Where open directories have no paths.
        await client_for(server, plain_session).sync(SOURCE, root)
    assert left_over(outside) == ["file"]
    assert (outside / "file").read_bytes() == b"kept"
    assert set(left_over(root / "moved")) <= {"file"}


async def test_a_file_that_changed_is_not_deleted(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """What was looked at is gone already: this one may be wanted."""
    (tmp_path / "b").write_bytes(b"old")
    server = await scripted(rest=bucket_of({"x/a": b"1"}))

    def rewrite(_: SyncItem) -> None:
        (tmp_path / "b").write_bytes(b"wanted")

    (tmp_path / "a").write_bytes(b"1")
    with pytest.raises(SyncError) as caught:
        await client_for(server, plain_session).sync(SOURCE, tmp_path, delete=True, on_skip=rewrite)
    assert caught.value.report == SyncReport(0, 0, 1, 1)
    assert caught.value.failures[0].name == "b"
    assert (tmp_path / "b").read_bytes() == b"wanted"


async def test_what_stands_for_all_that_a_client_may_see(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """It has no key that its user could delete, and keeps no other from being deleted."""
    posts: list[Recorded] = []

    def answer(request: Recorded) -> Step:
        if "list-type" in request.target:
            return listing([("base/", 0), ("base/old", 1)])
        posts.append(request)
        return reply(200, {}, "<DeleteResult></DeleteResult>")

    server = await scripted(rest=answer)
    client = client_for(server, plain_session, url=f"{server.url}/bucket/base")
    report = await client.sync(tmp_path, "s3://bucket", delete=True)
    assert report == SyncReport(0, 1, 0, 0)
    assert [post.body.count(b"<Key>") for post in posts] == [1]
    assert b"<Key>base/old</Key>" in posts[0].body


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse such names")
async def test_p17_problems_are_told_as_they_come(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """However many: none is kept until there is a file to go on with."""
    for number in range(16_000):
        (tmp_path / os.fsdecode(b"\xff%d" % number)).touch()
    server = await scripted(rest=listing([]))
    calls = most = 0

    def count(_: object) -> None:
        nonlocal calls, most
        calls += 1
        if calls % 4_000 == 1:
            errors = [found for found in gc.get_objects() if issubclass(type(found), ValueError)]
            most = max(most, sum("UTF-8" in str(error) for error in errors))

    with pytest.raises(SyncError) as caught:
        await client_for(server, plain_session).sync(tmp_path, SOURCE, on_error=count)
    assert caught.value.report == SyncReport(0, 0, 0, 16_000)
    assert 1_000 < most < 12_000


# --- servers


async def test_a_listing_that_breaks_off_deletes_nothing_behind_it(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """What stands between the names of a page is known not to be there; what follows is not."""
    for name in ("a", "b", "c", "z"):
        (tmp_path / name).write_bytes(b"1")

    def answer(request: Recorded) -> Step:
        if "continuation-token" in request.target:
            return error(403, "AccessDenied")
        return listing([("x/a", 1), ("x/c", 1)], more="token")

    server = await scripted(rest=answer)
    with pytest.raises(AccessDenied):
        await client_for(server, plain_session).sync(SOURCE, tmp_path, delete=True, compare="size")
    assert left_over(tmp_path) in (["a", "b", "c", "z"], ["a", "c", "z"])


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (error(403, "AccessDenied"), AccessDenied),
        (error(404, "NoSuchBucket"), NoSuchBucket),
        (reply(200, {}, "<nonsense/>"), ResponseParseError),
        (listing([("y/other", 1)]), ResponseParseError),
        (drop(), S3ConnectionError),
    ],
)
async def test_a_listing_that_fails_deletes_nothing(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path,
    first: Step, kind: type[Exception],
) -> None:  # fmt: skip
    (tmp_path / "file").touch()
    server = await scripted(rest=first)
    client = client_for(server, plain_session, config=ONCE)
    with pytest.raises(kind):
        await client.sync(SOURCE, tmp_path, delete=True)
    assert left_over(tmp_path) == ["file"]


async def test_the_root_of_a_source_that_cannot_be_read(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """Nothing is sent that would delete anything."""
    root = tmp_path / "root"
    root.symlink_to("root")
    server = await scripted(rest=bucket_of({"x/a": b"1"}))
    with pytest.raises(OSError, match="root"):
        await client_for(server, plain_session).sync(root, SOURCE, delete=True)
    assert not server.requests


async def test_a_download_that_fails_leaves_what_was_there(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(b"the old one")

    def answer(request: Recorded) -> Step:
        if "list-type" in request.target:
            return listing([("x/a", 100), ("x/b", 100)])
        return reply(200, {"ETag": '"e"', "Content-Length": "100"}, b"half", cut=4)

    server = await scripted(rest=answer)
    how = TransferConfig(num_download_attempts=1)
    with pytest.raises(SyncError) as caught:
        await client_for(server, plain_session, config=ONCE).sync(SOURCE, tmp_path, config=how)
    assert caught.value.report == SyncReport(0, 0, 0, 2)
    assert left_over(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"the old one"


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [(error(404, "NoSuchBucket"), NoSuchBucket), (error(403, "InvalidAccessKeyId"), Forbidden)],
)
async def test_what_every_file_would_meet_ends_it(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path,
    refusal: Step, kind: type[Exception],
) -> None:  # fmt: skip
    for number in range(50):
        (tmp_path / str(number)).touch()
    answers = listing([])

    def answer(request: Recorded) -> Step:
        return answers if "list-type" in request.target else refusal

    server = await scripted(rest=answer)
    with pytest.raises(kind):
        await client_for(server, plain_session).sync(tmp_path, SOURCE)
    assert len(server.requests) <= 1 + 2 * 10


async def test_a_server_that_is_gone_ends_it(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    for number in range(100):
        (tmp_path / str(number)).touch()
    server = await scripted(
        rest=lambda request: listing([]) if "list-type" in request.target else drop()
    )
    failed: list[str] = []
    with pytest.raises(S3ConnectionError):
        await client_for(server, plain_session, config=ONCE).sync(
            tmp_path, SOURCE, on_error=lambda failure: failed.append(failure.name)
        )
    assert len(failed) == 19
    assert len(server.requests) <= 31


async def test_errors_of_a_server_now_and_then(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """Many in all, never many in a row: of those files alone."""
    for number in range(60):
        (tmp_path / f"{number:02}").touch()

    def answer(request: Recorded) -> Step:
        if "list-type" in request.target:
            return listing([])
        return drop() if request.target.endswith(("1", "2", "3")) else reply(200, {"ETag": '"e"'})

    server = await scripted(rest=answer)
    one = TransferConfig(max_concurrency=1)
    with pytest.raises(SyncError) as caught:
        await client_for(server, plain_session, config=ONCE).sync(tmp_path, SOURCE, config=one)
    assert caught.value.report == SyncReport(42, 0, 0, 18)


async def test_deletions_that_are_refused(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """One key, or a whole request: each file is told."""
    objects = [(f"x/{number:04}", 0) for number in range(1002)]
    posts: list[Recorded] = []

    def answer(request: Recorded) -> Step:
        if "list-type" in request.target:
            return listing(objects)
        posts.append(request)
        if len(posts) > 1:
            return error(403, "AccessDenied")
        refused = "<Error><Key>x/0001</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
        return reply(200, {}, f"<DeleteResult>{refused}</DeleteResult>")

    deleted: list[SyncItem] = []
    one = TransferConfig(max_concurrency=1)
    server = await scripted(rest=answer)
    with pytest.raises(SyncError) as caught:
        await client_for(server, plain_session).sync(
            tmp_path, SOURCE, delete=True, on_delete=deleted.append, config=one
        )
    assert posts[0].body.count(b"<Key>") == 1000
    assert caught.value.report == SyncReport(0, 999, 0, 3)
    errors = {failure.name: failure.error for failure in caught.value.failures}
    assert set(errors) == {"0001", "1000", "1001"}
    assert isinstance(errors["0001"], DeleteFailed)
    assert isinstance(errors["1000"], AccessDenied)
    assert len(deleted) == 999
    assert deleted[0] == SyncItem("0000", None, "x/0000", 0)


async def test_only_the_first_thousand_failures_are_kept(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    objects = {f"x/{number}/..": b"!" for number in range(1003)}
    server = await scripted(rest=bucket_of(objects))
    told = 0

    def count(_: object) -> None:
        nonlocal told
        told += 1

    with pytest.raises(SyncError, match="1,003 could not be synced") as caught:
        await client_for(server, plain_session).sync(SOURCE, tmp_path, on_error=count)
    assert caught.value.report.failed == told == 1003
    assert len(caught.value.failures) == 1000


async def test_a_small_object_is_one_request(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """The listing told its size: no HEAD asks for it, and it comes in one range."""
    data = noise(PART + 1)
    etag = f'"{hashlib.md5(data).hexdigest()}"'

    def answer(request: Recorded) -> Step:
        if "list-type" in request.target:
            return listing([("x/a", len(data))])
        if request.method == "HEAD":
            return reply(200, {"Content-Length": str(len(data)), "ETag": etag})
        begin, end = asked_range(request, len(data)) or (0, len(data))
        content_range = f"bytes {begin}-{end - 1}/{len(data)}"
        return reply(206, {"ETag": etag, "Content-Range": content_range}, data[begin:end])

    server = await scripted(rest=answer)
    config = TransferConfig(multipart_threshold=3 * PART, multipart_chunksize=PART)
    await client_for(server, plain_session).sync(SOURCE, tmp_path, config=config)
    assert [request.method for request in server.requests] == ["GET", "GET"]
    assert server.inquiries == []
    assert (tmp_path / "a").read_bytes() == data


async def test_requests_in_flight(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """Large files go one after another, whatever the number of files in flight."""
    for number in range(4):
        (tmp_path / f"large{number}").write_bytes(bytes(2 * PART))
    begun: list[str] = []
    under_way, most = 0, 0

    def answer(request: Recorded) -> Step:
        nonlocal under_way, most
        if "list-type" in request.target:
            return listing([])
        if request.target.endswith("?uploads="):
            under_way += 1
            most = max(most, under_way)
            begun.append(request.target)
            return reply(200, {}, "<InitiateMultipartUploadResult><UploadId>U</UploadId>"
                         "</InitiateMultipartUploadResult>")  # fmt: skip
        if request.method == "POST":
            under_way -= 1
            return reply(200, {}, "<CompleteMultipartUploadResult><ETag>e</ETag>"
                         "</CompleteMultipartUploadResult>")  # fmt: skip
        return reply(200, {"ETag": '"e"'}, delay=0.01)

    server = await scripted(rest=answer, keep_bodies=False)
    config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=4)
    report = await client_for(server, plain_session).sync(tmp_path, SOURCE, config=config)
    assert report == SyncReport(4, 0, 0, 0)
    assert len(begun) == 4
    assert most == 1


# --- callers that go away


SMALL_AND_LARGE = {"large": noise(PART + 1), **{f"small/{n}": noise(2000, n) for n in range(12)}}
IN_PARTS = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=4)


def write_all(root: Path) -> Path:
    for name, data in SMALL_AND_LARGE.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


async def test_p9_cancelled_on_the_way_up(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    """P9: no upload is left open, no task, and no object is half there."""
    root, oracle = write_all(tmp_path / "root"), embedded.oracle

    async def work() -> None:
        there = f"s3://{embedded_bucket}/{time.monotonic_ns()}"
        await embedded_client.sync(root, there, config=IN_PARTS)

    async def check() -> None:
        assert await asyncio.to_thread(oracle.uploads, embedded_bucket) == []

    assert await cancel_at_moments(work, check, 12)
    for key in await asyncio.to_thread(oracle.list_keys, embedded_bucket):
        # The server lists what it is still receiving, and drops it when the rest does not come.
        with contextlib.suppress(oracle.client.exceptions.NoSuchKey):
            data = await asyncio.to_thread(oracle.get, embedded_bucket, key)
            assert data == SMALL_AND_LARGE[key.partition("/")[2]]


async def test_p9_cancelled_on_the_way_down(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    """P9: every file is whole or not there, with nothing beside it."""
    there = f"s3://{embedded_bucket}/x"
    await embedded_client.sync(write_all(tmp_path / "root"), there, config=IN_PARTS)
    count = 0

    async def work() -> None:
        nonlocal count
        count += 1
        await embedded_client.sync(there, tmp_path / f"copy{count}", config=IN_PARTS)

    async def check() -> None:
        for path in (tmp_path / f"copy{count}").rglob("*"):
            name = path.relative_to(tmp_path / f"copy{count}").as_posix()
            assert path.is_dir() or path.read_bytes() == SMALL_AND_LARGE[name]

    assert await cancel_at_moments(work, check, 12)
    await embedded_client.sync(there, tmp_path / "copy2", config=IN_PARTS, compare="checksum")
    for name, data in SMALL_AND_LARGE.items():
        assert (tmp_path / "copy2" / name).read_bytes() == data


async def test_a_callback_that_waits_is_cancelled(
    embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    waiting = asyncio.Event()
    ended: list[str] = []

    async def wait(item: Any) -> None:
        waiting.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(item.name)

    root = write_all(tmp_path / "root")
    task = asyncio.create_task(
        embedded_client.sync(root, f"s3://{embedded_bucket}/x", on_transfer=wait)
    )
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(ended) == 1


async def test_internal_errors_are_of_one_file(
    scripted: Scripted, plain_session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    (tmp_path / "a").touch()
    server = await scripted(
        rest=lambda request: (
            listing([]) if "list-type" in request.target else error(500, "InternalError")
        )
    )
    with pytest.raises(SyncError) as caught:
        await client_for(server, plain_session, config=ONCE).sync(tmp_path, SOURCE)
    assert isinstance(caught.value.failures[0].error, InternalError)
    assert caught.value.failures[0].error.__traceback__ is None
