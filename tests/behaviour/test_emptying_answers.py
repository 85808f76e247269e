"""Emptying buckets of servers that make it hard: canned answers, and pages of two."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from xml.etree import ElementTree

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import AccessDenied, DeleteFailed, ResponseParseError
from tests.servers.scripted import ScriptedServer
from tests.servers.steps import Recorded, Step, hang, reply

from ..transport.scripts import KEY, SECRET, client_for, error, error_document

Begin = Callable[[list[tuple[str, str]], tuple[str, str]], int]
Scripted = Callable[..., Awaitable[ScriptedServer]]
Handler = Callable[[web.BaseRequest], Awaitable[web.Response]]
Serve = Callable[..., Awaitable[S3Client]]


@pytest.fixture
async def serve(plain_session: aiohttp.ClientSession) -> AsyncIterator[Serve]:
    """``await serve(handler, path="")``: a client of a server that answers so, at that URL of it.

    Unlike a scripted server's steps, *handler* can read what was sent."""
    servers: list[RawTestServer] = []

    async def start(handler: Handler, path: str = "") -> S3Client:
        server = RawTestServer(handler)
        await server.start_server()
        servers.append(server)
        url = str(server.make_url(path))
        return S3Client(plain_session, url, SECRET, KEY, region="us-east-1")

    yield start
    for server in servers:
        await server.close()


class Store:
    """A bucket of *entries*, keys with the ids of their versions, listed in pages of two.

    *begin* says where a page begins in what is left, when *mark* is the last entry before it.
    """

    def __init__(self, entries: list[tuple[str, str]], begin: Begin) -> None:
        self.left = list(entries)
        self.refused: set[str] = set()
        self.deletions = 0
        self._begin = begin

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        query = request.query
        if request.method == "POST":
            self.deletions += 1
            return self._delete(await request.read())
        if "versions" in query:
            return self._versions((query.get("key-marker", ""), query.get("version-id-marker", "")))
        return self._objects((query.get("continuation-token", ""), ""))

    def _page(self, mark: tuple[str, str]) -> tuple[list[tuple[str, str]], bool]:
        start = self._begin(self.left, mark) if any(mark) else 0
        return self.left[start : start + 2], len(self.left) > start + 2

    def _objects(self, mark: tuple[str, str]) -> web.Response:
        page, more = self._page(mark)
        token = f"<NextContinuationToken>{page[-1][0]}</NextContinuationToken>" if more else ""
        return web.Response(text=objects([key for key, _ in page], token))

    def _versions(self, mark: tuple[str, str]) -> web.Response:
        page, more = self._page(mark)
        entries = "".join(
            f"<Version><Key>{key}</Key><VersionId>{version}</VersionId>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Version>"
            for key, version in page
        )
        marks = (
            f"<NextKeyMarker>{page[-1][0]}</NextKeyMarker>"
            f"<NextVersionIdMarker>{page[-1][1]}</NextVersionIdMarker>"
            if more
            else ""
        )
        return web.Response(text=listing("ListVersionsResult", entries, marks))

    def _delete(self, body: bytes) -> web.Response:
        gone, refused = [], []
        for key, version in wanted(body):
            if key in self.refused:
                refused.append(key)
            else:
                gone.append(key)
                if (key, version) in self.left:
                    self.left.remove((key, version))
        return web.Response(text=deletions(gone, refused))


def by_order(left: list[tuple[str, str]], mark: tuple[str, str]) -> int:
    """As S3 does: a page begins behind a place in the order, whatever is there."""
    return sum(entry <= mark for entry in left)


def by_entry_or_anew(left: list[tuple[str, str]], mark: tuple[str, str]) -> int:
    """As rclone does: behind the entry, and with the first when it is gone."""
    return left.index(mark) + 1 if mark in left else 0


def by_entry_or_end(left: list[tuple[str, str]], mark: tuple[str, str]) -> int:
    """As moto does with versions: behind the entry, and nowhere when it is gone."""
    return left.index(mark) + 1 if mark in left else len(left)


def objects(keys: Iterable[str], more: str = "") -> str:
    """A page of ListObjectsV2; *more* is what names the next one."""
    entries = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        "<Size>0</Size></Contents>"
        for key in keys
    )
    return listing("ListBucketResult", entries, more)


def listing(root: str, entries: str, more: str = "") -> str:
    truncated = "true" if more else "false"
    return f"<{root}><IsTruncated>{truncated}</IsTruncated>{more}{entries}</{root}>"


def deletions(gone: Iterable[str], refused: Iterable[str] = ()) -> str:
    """The answer to DeleteObjects."""
    entries = [f"<Deleted><Key>{key}</Key></Deleted>" for key in gone]
    entries += [
        f"<Error><Key>{key}</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
        for key in refused
    ]
    return f"<DeleteResult>{''.join(entries)}</DeleteResult>"


def wanted(body: bytes) -> Iterator[tuple[str, str]]:
    """The keys and version ids of a DeleteObjects."""
    for entry in ElementTree.fromstring(body):
        if entry.tag.endswith("Object"):
            parts = {part.tag.rpartition("}")[2]: part.text or "" for part in entry}
            yield parts["Key"], parts.get("VersionId", "")


BEGINNINGS = [by_order, by_entry_or_anew, by_entry_or_end]


@pytest.fixture
def batches_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiohttp_s3_client.transfer.delete.BATCH_SIZE", 2)


@pytest.mark.usefixtures("batches_of_two")
@pytest.mark.parametrize("begin", BEGINNINGS)
async def test_no_key_is_skipped(serve: Serve, begin: Begin) -> None:
    """Each page is deleted as soon as it may be, while the listing goes on."""
    store = Store([(f"k{number:02}", "") for number in range(31)], begin)
    seen: list[str] = []
    client = await serve(store)
    assert await client.empty_bucket("bucket", on_progress=seen.append) == 31
    assert sorted(seen) == [f"k{number:02}" for number in range(31)]
    assert (store.left, store.deletions) == ([], 16)


@pytest.mark.usefixtures("batches_of_two")
@pytest.mark.parametrize("begin", BEGINNINGS)
async def test_no_version_is_skipped(serve: Serve, begin: Begin) -> None:
    entries = [(f"k{number:02}", str(version)) for number in range(7) for version in range(1, 6)]
    store = Store(entries, begin)
    client = await serve(store)
    assert await client.empty_bucket("bucket", versions=True) == 35
    assert store.left == []


@pytest.mark.parametrize("versions", [False, True])
async def test_the_prefix_of_the_url_may_be_a_key_itself(serve: Serve, versions: bool) -> None:
    """As consoles make folders. It is relative to the URL as all others are: nothing."""
    version = "1" if versions else ""
    store = Store([("team/", version), ("team/a", version), ("team/b", version)], by_order)
    store.refused = {"team/b"}
    client = await serve(store, "/bucket/team")
    seen: list[str] = []
    with pytest.raises(DeleteFailed) as caught:
        await client.empty_bucket(versions=versions, on_progress=seen.append)
    assert store.left == [("team/b", version)]
    assert sorted(seen) == ["", "a"]
    assert [error.key for error in caught.value.errors] == ["b"]


async def test_what_is_refused_is_told_at_the_end(serve: Serve) -> None:
    store = Store([(f"{number:04}", "") for number in range(7)], by_order)
    store.refused = {"0001", "0005"}
    client = await serve(store)
    with pytest.raises(DeleteFailed, match="2 could not be deleted: '0001'") as caught:
        await client.empty_bucket("bucket")
    assert [key for key, _ in store.left] == ["0001", "0005"]
    raised = caught.value
    assert ([error.key for error in raised.errors], raised.failed) == (["0001", "0005"], 2)
    assert raised.errors[0].code == "AccessDenied"
    assert raised.deleted == 5


async def test_of_many_refusals_the_first_1000_are_kept(serve: Serve) -> None:
    keys = [f"{number:04}" for number in range(2500)]

    async def refuse(request: web.BaseRequest) -> web.Response:
        if request.method == "GET":
            return web.Response(text=objects(keys))
        return web.Response(text=deletions((), (key for key, _ in wanted(await request.read()))))

    client = await serve(refuse)
    with pytest.raises(DeleteFailed) as caught:
        await client.empty_bucket("bucket")
    assert (len(caught.value.errors), caught.value.failed, caught.value.deleted) == (1000, 2500, 0)


@pytest.mark.parametrize("length", [2, 3, 5])
async def test_a_listing_that_comes_in_a_circle_ends(serve: Serve, length: int) -> None:
    """Each page has a token of its own, and yet all of them come again."""
    count = 0

    async def circle(request: web.BaseRequest) -> web.Response:
        nonlocal count
        if request.method == "POST":
            return web.Response(text=deletions(key for key, _ in wanted(await request.read())))
        count += 1
        token = f"<NextContinuationToken>{count}</NextContinuationToken>"
        return web.Response(text=objects([f"key-{count % length}"], token))

    client = await serve(circle)
    with pytest.raises(ResponseParseError, match="comes in a circle"):
        await client.empty_bucket("bucket")
    assert count < 20


async def test_a_page_that_does_not_go_on_ends_it(scripted: Scripted) -> None:
    """The same page under another token; the same token; none at all."""
    again = "<NextContinuationToken>{}</NextContinuationToken>"
    for tokens, message in (
        ([again.format(1), again.format(2)], "comes in a circle"),
        ([again.format(1), again.format(1)], "comes? in a circle"),
        ([" "], "has no NextContinuationToken"),
    ):
        pages = [reply(200, {}, objects(["key"], token)) for token in tokens]
        async with client_for(await scripted(*pages)) as client:
            with pytest.raises(ResponseParseError, match=message):
                await client.empty_bucket("bucket")


async def test_what_is_listed_again_when_it_is_gone_is_not_asked_for_again(
    scripted: Scripted, plain_session: aiohttp.ClientSession
) -> None:
    """As servers do that are behind their own deletions: once through the listing is enough."""

    def always(request: Recorded) -> Step:
        return reply(200, {}, objects("ab") if request.method == "GET" else deletions("ab"))

    server = await scripted(rest=always)
    assert await client_for(server, plain_session).empty_bucket("bucket") == 2
    assert [request.method for request in server.requests] == ["GET", "POST"]
    # Without a callback nobody needs to hear of what is gone.
    assert b"<Quiet>true</Quiet>" in server.requests[-1].body


@pytest.mark.usefixtures("batches_of_two")
async def test_a_slow_callback_holds_back_what_is_deleted(serve: Serve) -> None:
    """Nothing piles up: no more is asked for than 8 requests that wait to be told."""
    store = Store([(f"{number:04}", "") for number in range(60)], by_order)
    began, go_on = asyncio.Event(), asyncio.Event()
    seen: list[str] = []

    async def told(key: str) -> None:
        seen.append(key)
        began.set()
        await go_on.wait()

    client = await serve(store)
    task = asyncio.create_task(client.empty_bucket("bucket", on_progress=told))
    await began.wait()
    await asyncio.sleep(0.15)
    assert (store.deletions, len(seen)) == (8, 1)
    go_on.set()
    assert await task == 60
    assert len(seen) == 60


@pytest.mark.usefixtures("batches_of_two")
@pytest.mark.parametrize("is_async", [False, True])
async def test_what_a_callback_raises_stops_it(serve: Serve, is_async: bool) -> None:
    """Requests in flight come to their end; the callback is not told of them any more."""
    store = Store([(f"{number:04}", "") for number in range(100)], by_order)
    seen: list[str] = []

    def fail(key: str) -> None:
        seen.append(key)
        if len(seen) == 3:
            raise LookupError("the user's own")

    async def fail_later(key: str) -> None:
        await asyncio.sleep(0)
        fail(key)

    client = await serve(store)
    with pytest.raises(LookupError, match="the user's own") as caught:
        await client.empty_bucket("bucket", on_progress=fail_later if is_async else fail)
    assert len(seen) == 3
    gone = 100 - len(store.left)
    assert gone < 100
    assert caught.value.__notes__[0].startswith(f"delete_objects: {gone} keys were deleted")


async def test_uploads_that_are_gone_are_fine_and_others_are_told(
    scripted: Scripted, plain_session: aiohttp.ClientSession
) -> None:
    uploads = "".join(
        f"<Upload><Key>team/key</Key><UploadId>{name}</UploadId></Upload>"
        for name in ("gone", "held", "fine")
    )

    def answers(request: Recorded) -> Step:
        if request.method == "DELETE":
            if "uploadId=gone" in request.target:
                return error(404, "NoSuchUpload")
            return error(403, "AccessDenied") if "uploadId=held" in request.target else reply(204)
        if request.method == "POST":
            return reply(200, {}, deletions(()))
        if "uploads" in request.target:
            return reply(200, {}, listing("ListMultipartUploadsResult", uploads))
        return reply(200, {}, objects(["team/a"]))

    server = await scripted(rest=answers)
    client = client_for(server, plain_session, url=f"{server.url}/bucket/team")
    with pytest.raises(DeleteFailed) as caught:
        await client.empty_bucket(uploads=True)
    (refused,) = caught.value.errors
    assert (refused.key, refused.code) == ("key", "AccessDenied")
    assert refused.message == "aborting the upload held: no"
    assert (caught.value.failed, caught.value.deleted) == (1, 1)
    aborted = [request.target for request in server.requests if request.method == "DELETE"]
    assert sorted(where.partition("uploadId=")[2] for where in aborted) == ["fine", "gone", "held"]
    listings = [request.target for request in server.requests if request.method == "GET"]
    assert len(listings) == 2
    assert all("prefix=team%2F" in target for target in listings)


async def test_an_upload_without_an_id(
    scripted: Scripted, plain_session: aiohttp.ClientSession
) -> None:
    page = listing("ListMultipartUploadsResult", "<Upload><Key>key</Key></Upload>")
    server = await scripted(reply(200, {}, page))
    with pytest.raises(ResponseParseError, match="an entry without 'UploadId'"):
        await client_for(server, plain_session).empty_bucket("bucket", uploads=True)


async def test_when_listing_or_deleting_is_forbidden(
    scripted: Scripted, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(rest=error(403, "AccessDenied"))
    with pytest.raises(AccessDenied) as caught:
        await client_for(server, plain_session).empty_bucket("bucket")
    assert caught.value.operation == "ListObjectsV2"
    server = await scripted(reply(200, {}, objects(["a"])), error(403, "AccessDenied"))
    with pytest.raises(AccessDenied) as caught:
        await client_for(server, plain_session).empty_bucket("bucket")
    assert caught.value.operation == "DeleteObjects"
    assert "of 1 it is not known" in caught.value.__notes__[0]


@pytest.mark.usefixtures("batches_of_two")
async def test_p09_a_listing_that_fails_lets_what_is_in_flight_end(serve: Serve) -> None:
    store = Store([(f"{number:04}", "") for number in range(8)], by_order)

    async def breaks(request: web.BaseRequest) -> web.Response:
        if request.query.get("continuation-token") == "0005":
            return web.Response(text=error_document("AccessDenied"), status=403)
        return await store(request)

    client = await serve(breaks)
    with pytest.raises(AccessDenied) as caught:
        await client.empty_bucket("bucket")
    gone = 8 - len(store.left)
    # The third page had come, the fourth did not, so two are known to be safe to delete.
    assert gone == 4
    assert caught.value.__notes__[0].startswith("delete_objects: 4 keys were deleted")


async def test_p09_cancelled_in_the_middle_nothing_goes_on(
    scripted: Scripted, plain_session: aiohttp.ClientSession
) -> None:
    page = reply(200, {}, objects(str(number) for number in range(3000)))

    def hold(request: Recorded) -> Step:
        return hang() if request.method == "POST" else page

    server = await scripted(rest=hold)
    task = asyncio.create_task(client_for(server, plain_session).empty_bucket("bucket"))
    await server.wait_for(4)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prefix": None}, "prefix must be a str, not None"),
        ({"prefix": b"a"}, "prefix must be a str, not b'a'"),
        ({"on_progress": "print"}, "on_progress must be callable or None, not 'print'"),
    ],
)
async def test_bad_arguments(
    scripted: Scripted,
    plain_session: aiohttp.ClientSession,
    arguments: dict[str, str],
    message: str,
) -> None:
    server = await scripted()
    with pytest.raises(TypeError, match=message):
        await client_for(server, plain_session).empty_bucket("bucket", **arguments)  # type: ignore[arg-type]  # what is tested
    assert server.requests == []
