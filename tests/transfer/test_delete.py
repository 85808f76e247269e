"""Deleting many objects: batches, what is in flight, what a failure leaves and says."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from xml.etree import ElementTree

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client import ClientConfig
from aiohttp_s3_client.errors import AccessDenied, InternalError, S3ConnectionError
from aiohttp_s3_client.models import DeletedObject, DeleteError, DeleteResult
from aiohttp_s3_client.transfer.delete import (
    BATCH_SIZE,
    Calls,
    Keys,
    Target,
    delete_all,
    delete_each,
)

from ..servers.scripted import ScriptedServer
from ..servers.steps import Recorded, Reply, drop, reply
from ..transport.scripts import client_for, error

Scripted = Callable[..., Awaitable[ScriptedServer]]


def gone(targets: Iterable[Target]) -> DeleteResult:
    return DeleteResult([DeletedObject(*target, False, None) for target in targets], [])


class Server:
    """Takes every call, and notes what it was asked and how many calls were in flight."""

    def __init__(self) -> None:
        self.batches: list[list[Target]] = []
        self.singles: list[Target] = []
        self.most = 0
        self._running = 0

    @property
    def calls(self) -> Calls:
        return Calls(self.batch, self.single)

    async def batch(self, targets: list[Target]) -> DeleteResult:
        self.batches.append(targets)
        await self._work()
        return gone(targets)

    async def single(self, target: Target) -> DeleteResult:
        self.singles.append(target)
        await self._work()
        return gone([target])

    async def _work(self) -> None:
        self._running += 1
        self.most = max(self.most, self._running)
        await asyncio.sleep(0.005)
        self._running -= 1


async def in_turn(keys: Iterable[str]) -> AsyncIterator[str]:
    for key in keys:
        yield key


async def test_batches_are_full_but_for_the_last() -> None:
    keys = [f"key-{number}" for number in range(2 * BATCH_SIZE + 1)]
    for source in (keys, tuple(keys), iter(keys), (key for key in keys), in_turn(keys)):
        server = Server()
        result = await delete_all(source, server.calls, 1)
        assert [len(batch) for batch in server.batches] == [BATCH_SIZE, BATCH_SIZE, 1]
        assert [entry.key for entry in result.deleted] == keys


async def test_nothing_to_delete() -> None:
    server = Server()
    sources: list[Keys] = [[], iter(()), in_turn([])]
    for nothing in sources:
        assert await delete_all(nothing, server.calls, 8) == ([], [])
    assert (server.batches, server.singles) == ([], [])


async def test_no_more_in_flight_than_workers() -> None:
    server = Server()
    await delete_all([str(number) for number in range(10 * BATCH_SIZE)], server.calls, 3)
    assert server.most == 3
    assert len(server.batches) == 10


async def test_p17_an_endless_iterable_is_taken_from_as_requests_become_free() -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        for taken in itertools.count(1):
            yield str(taken)

    calls = 0
    held = asyncio.Event()

    async def batch(targets: list[Target]) -> DeleteResult:
        nonlocal calls
        calls += 1
        if calls == 5:
            held.set()
        if calls >= 4:
            await asyncio.Event().wait()
        return DeleteResult([], [])

    task = asyncio.create_task(delete_all(endless(), Calls(batch, Server().single), 2))
    await held.wait()
    await asyncio.sleep(0.02)
    assert (calls, taken) == (5, 5 * BATCH_SIZE)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert taken == 5 * BATCH_SIZE


async def test_p01_what_makes_its_items_as_it_goes_is_asked_in_a_thread() -> None:
    seen: set[int] = set()

    def keys() -> Iterator[str]:
        for number in range(3):
            seen.add(threading.get_ident())
            yield str(number)

    await delete_all(keys(), Server().calls, 1)
    assert threading.get_ident() not in seen
    assert len(seen) == 1


async def test_p23_keys_that_xml_cannot_hold_go_one_by_one() -> None:
    unfit = ["\x01", "a\rb", "a\r\nb", "\0", "\x0b\x0c", "\x1f", "\ufffe", "\udc80"]
    fit = ["a", "\t", "a\nb", "&<>]]>", "\x7f", "\x85", "\u2028", "ü", "𐍈", "\ufffd", " "]
    server = Server()
    result = await delete_all([*unfit, *fit, *unfit], server.calls, 4)
    assert server.batches == [[(key, None) for key in fit]]
    assert sorted(server.singles) == sorted([(key, None) for key in unfit] * 2)
    assert server.most == 4
    assert sorted(entry.key for entry in result.deleted) == sorted([*fit, *unfit, *unfit])


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_p23_what_goes_in_a_batch_an_xml_reader_gives_back(key: str) -> None:
    server = Server()
    asyncio.run(delete_all([key], server.calls, 1))
    if server.batches:
        escaped = key.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        assert ElementTree.fromstring(f"<Key>{escaped}</Key>").text == key
    else:
        assert server.singles == [(key, None)]


async def test_versions_go_with_their_keys() -> None:
    server = Server()
    await delete_all(["a", ("a", "1"), ("b", None), ("\x01", "2")], server.calls, 1)
    assert server.batches == [[("a", None), ("a", "1"), ("b", None)]]
    assert server.singles == [("\x01", "2")]


@pytest.mark.parametrize("wrong", [b"key", 1, None, ("a", 1), ("a", "b", "c"), (None, "1"), ["a"]])
async def test_what_is_no_key_is_refused_by_its_place(wrong: object) -> None:
    server = Server()
    keys: list[object] = ["fine"] * (BATCH_SIZE + 3) + [wrong]
    with pytest.raises(TypeError, match=rf"keys\[{BATCH_SIZE + 3}\] must be") as caught:
        await delete_all(keys, server.calls, 1)  # type: ignore[arg-type]  # what is tested
    assert "1,000 keys were deleted and 0 refused" in caught.value.__notes__[0]
    assert [len(batch) for batch in server.batches] == [BATCH_SIZE]


async def test_an_empty_key_is_refused() -> None:
    """With it, the request for a single object would be one for the bucket."""
    for empty in ("", ("", "1")):
        with pytest.raises(ValueError, match=r"keys\[1\] holds an empty key"):
            await delete_all(in_turn_of(["a", empty]), Server().calls, 1)


async def in_turn_of(keys: Iterable[str | Target]) -> AsyncIterator[str | Target]:
    for key in keys:
        yield key


async def test_p09_when_a_batch_fails_the_others_end_and_no_more_is_sent() -> None:
    sent: list[str] = []
    ended: list[str] = []
    all_sent, failed = asyncio.Event(), asyncio.Event()

    async def batch(targets: list[Target]) -> DeleteResult:
        first = targets[0][0]
        sent.append(first)
        if len(sent) == 3:
            all_sent.set()
        if first == "1000":
            await all_sent.wait()
            failed.set()
            raise S3ConnectionError("broke off")
        await failed.wait()
        await asyncio.sleep(0.02)
        ended.append(first)
        errors = [DeleteError("7", None, "AccessDenied", "no")] if first == "0" else []
        return DeleteResult([], errors)

    keys = (str(number) for number in range(10 * BATCH_SIZE))
    with pytest.raises(S3ConnectionError, match="broke off") as caught:
        await delete_all(keys, Calls(batch, Server().single), 3)
    assert sorted(sent) == ["0", "1000", "2000"]
    assert sorted(ended) == ["0", "2000"]
    assert caught.value.__notes__ == [
        "delete_objects: 1,999 keys were deleted and 1 refused before it stopped; "
        "of 1,000 it is not known"
    ]


async def test_p09_what_the_iterable_raises_comes_when_all_have_ended() -> None:
    async def keys() -> AsyncIterator[str]:
        for number in range(BATCH_SIZE):
            yield str(number)
        raise LookupError("the user's own")

    server = Server()
    with pytest.raises(LookupError, match="the user's own") as caught:
        await delete_all(keys(), server.calls, 4)
    assert "1,000 keys were deleted" in caught.value.__notes__[0]


async def test_p09_cancelled_nothing_goes_on() -> None:
    running = 0

    async def batch(targets: list[Target]) -> DeleteResult:
        nonlocal running
        running += 1
        try:
            await asyncio.Event().wait()
        finally:
            running -= 1
        return gone(targets)

    keys = [str(number) for number in range(5 * BATCH_SIZE)]
    task = asyncio.create_task(delete_all(keys, Calls(batch, Server().single), 3))
    await asyncio.sleep(0.02)
    assert running == 3
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert running == 0


# Told as it goes


async def test_each_key_is_reported_once_and_one_call_at_a_time() -> None:
    server = Server()
    running = 0
    told: list[str] = []

    async def report(result: DeleteResult) -> None:
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0.001)
        told.extend(entry.key for entry in result.deleted)
        running -= 1

    keys = [*(str(number) for number in range(5 * BATCH_SIZE)), "\x01", "\x02"]
    await delete_each(keys, server.calls, 3, report)
    assert sorted(told) == sorted(keys)


async def test_a_slow_report_holds_back_the_next_calls() -> None:
    server = Server()
    go_on = asyncio.Event()

    async def report(result: DeleteResult) -> None:
        await go_on.wait()

    keys = (str(number) for number in range(20 * BATCH_SIZE))
    task = asyncio.create_task(delete_each(keys, server.calls, 3, report))
    while len(server.batches) < 3:  # noqa: ASYNC110 - the keys come from a thread
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
    assert len(server.batches) == 3
    go_on.set()
    await task
    assert len(server.batches) == 20


async def test_p09_what_report_raises_comes_when_all_have_ended() -> None:
    ended = 0
    reports = 0

    async def batch(targets: list[Target]) -> DeleteResult:
        nonlocal ended
        await asyncio.sleep(0.01 if targets[0][0] == "0" else 0.03)
        ended += 1
        return gone(targets)

    async def report(result: DeleteResult) -> None:
        nonlocal reports
        reports += 1
        raise LookupError("the user's own")

    keys = [str(number) for number in range(10 * BATCH_SIZE)]
    with pytest.raises(LookupError, match="the user's own") as caught:
        await delete_each(keys, Calls(batch, Server().single), 3, report)
    assert (ended, reports) == (3, 1)
    assert "3,000 keys were deleted and 0 refused" in caught.value.__notes__[0]


# Through the client


SINGLE = reply(204, {"x-amz-delete-marker": "true", "x-amz-version-id": "m1"})


def deleted(*keys: str) -> Reply:
    """The answer to DeleteObjects that says that *keys* were deleted."""
    entries = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
    return reply(200, {}, f"<DeleteResult>{entries}</DeleteResult>")


def asked(request: Recorded) -> list[str]:
    root = ElementTree.fromstring(request.body)
    return [element.text or "" for element in root.iter() if element.tag.endswith("Key")]


async def test_what_is_sent(scripted: Scripted, plain_session: aiohttp.ClientSession) -> None:
    server = await scripted(deleted("a&amp;b", "v"), SINGLE)
    client = client_for(server, plain_session)
    result = await client.delete_objects(
        ["a&b", ("v", "1"), "\x01"], bucket="my-bucket", quiet=True, workers_count=1
    )
    assert result == ([], [])
    batch, single = server.requests
    assert (batch.method, batch.target) == ("POST", "/my-bucket?delete=")
    assert batch.header("content-md5") or batch.header("x-amz-sdk-checksum-algorithm")
    assert b"<Object><Key>a&amp;b</Key></Object>" in batch.body
    assert b"<Object><Key>v</Key><VersionId>1</VersionId></Object>" in batch.body
    assert b"<Quiet>true</Quiet>" in batch.body
    assert (single.method, single.target) == ("DELETE", "/my-bucket/%01")


async def test_what_comes_back(scripted: Scripted, plain_session: aiohttp.ClientSession) -> None:
    document = (
        "<DeleteResult>"
        "<Deleted><Key>a</Key><DeleteMarker>true</DeleteMarker>"
        "<DeleteMarkerVersionId>m</DeleteMarkerVersionId></Deleted>"
        "<Error><Key>b</Key><VersionId>1</VersionId><Code>AccessDenied</Code>"
        "<Message>no</Message></Error>"
        "<Deleted><Key>c</Key><VersionId>2</VersionId></Deleted>"
        "</DeleteResult>"
    )
    server = await scripted(reply(200, {}, document), reply(204), error(403, "AccessDenied", "no"))
    client = client_for(server, plain_session)
    result = await client.delete_objects(
        ["a", ("b", "1"), ("c", "2"), "\x01", ("\x02", "3")], bucket="my-bucket", workers_count=1
    )
    assert result.deleted == [
        DeletedObject("a", None, True, "m"),
        DeletedObject("c", "2", False, None),
        DeletedObject("\x01", None, False, None),
    ]
    assert result.errors == [
        DeleteError("b", "1", "AccessDenied", "no"),
        DeleteError("\x02", "3", "AccessDenied", "no"),
    ]


def refused(*entries: tuple[str, str]) -> str:
    """Keys of an answer to DeleteObjects, and the codes that they were refused with."""
    return "".join(f"<Error><Key>{key}</Key><Code>{code}</Code></Error>" for key, code in entries)


def answered(entries: str) -> Reply:
    return reply(200, {}, f"<DeleteResult>{entries}</DeleteResult>")


async def test_what_s3_had_no_time_for_is_asked_for_again(
    scripted: Scripted, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(
        answered(
            "<Deleted><Key>a</Key></Deleted>"
            + refused(("b", "InternalError"), ("c", "AccessDenied"), ("d", "SlowDown"))
        ),
        answered("<Deleted><Key>b</Key></Deleted>" + refused(("d", "SlowDown"))),
        answered("<Deleted><Key>d</Key></Deleted>"),
    )
    client = client_for(server, plain_session)
    result = await client.delete_objects(["a", "b", "c", ("d", "4"), ("d", "5")], bucket="bucket")
    assert [asked(request) for request in server.requests] == [
        ["a", "b", "c", "d", "d"],
        ["b", "d", "d"],
        ["d", "d"],
    ]
    # Errors without a version id are of the versions that were asked for.
    assert b"<VersionId>4</VersionId>" in server.requests[2].body
    assert b"<VersionId>5</VersionId>" in server.requests[2].body
    assert [entry.key for entry in result.deleted] == ["a", "b", "d"]
    assert result.errors == [DeleteError("c", None, "AccessDenied", "")]


async def test_what_s3_never_has_time_for_is_an_error(
    scripted: Scripted, plain_session: aiohttp.ClientSession
) -> None:
    for tries in (1, 3, 5):
        server = await scripted(rest=answered(refused(("a", "SlowDown"))))
        client = client_for(server, plain_session, config=ClientConfig(max_attempts=tries))
        result = await client.delete_objects(["a"], bucket="my-bucket", quiet=True)
        assert result == ([], [DeleteError("a", None, "SlowDown", "")])
        assert len(server.requests) == tries


async def test_the_marker_that_a_single_deletion_makes(
    scripted: Scripted, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(SINGLE)
    result = await client_for(server, plain_session).delete_objects(["\r"], bucket="my-bucket")
    assert result.deleted == [DeletedObject("\r", None, True, "m1")]


async def test_keys_under_the_prefix_of_the_url(
    scripted: Scripted, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(deleted("team/a", "team/team/b"), SINGLE)
    client = client_for(server, plain_session, url=f"{server.url}/my-bucket/team")
    result = await client.delete_objects(["a", "team/b", "\r"], workers_count=1)
    assert asked(server.requests[0]) == ["team/a", "team/team/b"]
    assert server.requests[1].target == "/my-bucket/team/%0D"
    assert [entry.key for entry in result.deleted] == ["a", "team/b", "\r"]


@pytest.mark.parametrize("status", [200, 403])
async def test_p15_an_error_of_the_whole_is_typed_whatever_the_status(
    scripted: Scripted, plain_session: aiohttp.ClientSession, status: int
) -> None:
    server = await scripted(rest=error(status, "AccessDenied"))
    with pytest.raises(AccessDenied) as caught:
        await client_for(server, plain_session).delete_objects(["a"], bucket="my-bucket")
    assert caught.value.__notes__[0].endswith("of 1 it is not known")


async def test_it_is_sent_again_when_the_answer_is_lost(
    scripted: Scripted, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(drop(), error(500, "InternalError"), deleted("a"))
    result = await client_for(server, plain_session).delete_objects(["a"], bucket="my-bucket")
    assert [entry.key for entry in result.deleted] == ["a"]
    assert len({request.body for request in server.requests if request.body}) == 1


@pytest.mark.parametrize("keys", ["a key", b"keys", {"a": "1"}, 7, None])
async def test_what_is_no_iterable_of_keys(
    scripted: Scripted, plain_session: aiohttp.ClientSession, keys: object
) -> None:
    server = await scripted()
    with pytest.raises(TypeError, match="keys must be an iterable"):
        await client_for(server, plain_session).delete_objects(keys, bucket="my-bucket")  # type: ignore[arg-type]  # what is tested
    assert server.requests == []


async def test_no_workers(scripted: Scripted, plain_session: aiohttp.ClientSession) -> None:
    client = client_for(await scripted(), plain_session)
    with pytest.raises(ValueError, match="workers_count must be at least 1"):
        await client.delete_objects(["a"], bucket="my-bucket", workers_count=0)


async def test_an_error_after_a_batch_that_was_deleted(
    scripted: Scripted, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(deleted(), rest=error(500, "InternalError"))
    client = client_for(server, plain_session)
    with pytest.raises(InternalError) as caught:
        await client.delete_objects(map(str, range(1500)), bucket="my-bucket", workers_count=1)
    assert caught.value.__notes__ == [
        "delete_objects: 1,000 keys were deleted and 0 refused before it stopped; "
        "of 500 it is not known"
    ]
