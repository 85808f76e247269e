"""The objects under a prefix, in the order of their names' bytes, whichever server lists them."""

from __future__ import annotations

import asyncio
import random
import re
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client import ClientConfig, S3Client
from aiohttp_s3_client.errors import NotFound, ResponseParseError
from aiohttp_s3_client.transfer.sync.entries import Batches, Entry, merged
from aiohttp_s3_client.transfer.sync.remote import listed, nanoseconds
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer
from tests.servers.scripted import ScriptedServer
from tests.servers.steps import Recorded, Reply, reply

StartScript = Callable[..., Awaitable[ScriptedServer]]

DIRECTORY_BUCKETS = ["b--use1-az4--x-s3", "alias--use1-az4--xa-s3"]
NAMES = ["Z", "a b", "a-b", "a.txt", "a/b", "a/b.c", "a0", "ab", "aé", "é", "\ue000x", "\ufffdx"]
NAMES += ["\U00010000", "\U0001f600x"]
ODD_NAMES = ["a", "a/", "a//b", "a/b/c", "a/b/", "/", "/a", "a\x01", "\x7f"]


async def read(batches: Batches) -> list[Entry]:
    async with aclosing(batches):
        return [entry async for batch in batches for entry in batch]


# --- real servers


async def test_all_servers_list_in_the_order_of_bytes(
    server: RunningServer, client: S3Client, bucket: str, oracle: Oracle
) -> None:
    server.need("own_bucket")
    names = random.Random(0).sample(NAMES, len(NAMES))
    await asyncio.to_thread(store, oracle, bucket, ["pre/" + name for name in names])
    await asyncio.to_thread(store, oracle, bucket, ["pr", "pre-"])
    entries = await read(listed(client._engine, bucket, "pre/"))
    assert [entry.name for entry in entries] == sorted(NAMES, key=str.encode)
    for entry in entries:
        head = await asyncio.to_thread(oracle.head, bucket, "pre/" + entry.name)
        assert head is not None
        assert entry.size == len(entry.name.encode()) + 4
        assert entry.etag is not None
        assert entry.etag.strip('"') == head["ETag"].strip('"')  # rclone lists it without quotes
        second = int(head["LastModified"].timestamp()) * 10**9
        assert abs(second - entry.mtime_ns) <= 10**9


async def test_p13_p23_odd_names_are_in_order_too(
    server: RunningServer, client: S3Client, bucket: str, oracle: Oracle
) -> None:
    server.need("own_bucket", "keys_verbatim", "key_beside_prefix")
    names = [*NAMES, *ODD_NAMES]
    await asyncio.to_thread(store, oracle, bucket, ["pre" + name for name in names])
    await asyncio.to_thread(store, oracle, bucket, ["pre"])
    entries = await read(listed(client._engine, bucket, "pre"))
    assert [entry.name for entry in entries] == ["", *sorted(names, key=str.encode)]


def store(oracle: Oracle, bucket: str, keys: Iterable[str]) -> None:
    for key in keys:
        oracle.put(bucket, key, key.encode())


async def test_a_missing_bucket_raises(embedded_client: S3Client) -> None:
    with pytest.raises(NotFound):
        await read(listed(embedded_client._engine, "is-not-there", ""))


async def test_an_empty_bucket_is_nothing(embedded_client: S3Client, embedded_bucket: str) -> None:
    assert await read(listed(embedded_client._engine, embedded_bucket, "")) == []


# --- canned listings


class Listing:
    """Answers with *pages* of keys, one after another; raises no error beyond the last."""

    def __init__(self, *pages: list[str]) -> None:
        self.pages = pages

    def __call__(self, request: Recorded) -> Reply:
        found = re.search("continuation-token=([0-9]+)", request.target)
        number = int(found[1]) if found else 0
        return reply(200, {}, page(self.pages[number], number + 1, len(self.pages)))


def page(keys: Iterable[str], number: int, count: int) -> str:
    entries = "".join(
        f"<Contents><Key>{quote(key)}</Key><Size>{len(key)}</Size><ETag>&quot;e&quot;</ETag>"
        "<LastModified>2024-05-01T12:00:00.123456Z</LastModified></Contents>"
        for key in keys
    )
    more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{number}</NextContinuationToken>"
    return (
        "<ListBucketResult><EncodingType>url</EncodingType>"
        f"{more if number < count else '<IsTruncated>false</IsTruncated>'}"
        f"{entries}</ListBucketResult>"
    )


def client_for(server: ScriptedServer, session: aiohttp.ClientSession) -> S3Client:
    return S3Client(
        url=server.url,
        session=session,
        access_key_id="k",
        secret_access_key="s",
        region="r",
        # Which answers listings alone.
        config=ClientConfig(disable_s3express_session_auth=True),
    )


@pytest.mark.parametrize("bucket", DIRECTORY_BUCKETS)
async def test_directory_buckets_are_sorted(
    scripted: StartScript, plain_session: aiohttp.ClientSession, bucket: str
) -> None:
    """Even where the first page is in order; an object may come twice that was replaced."""
    server = await scripted(rest=Listing(["p/b", "p/c"], [], ["p/a/b", "p/a.txt"], ["p/c", "p/é"]))
    entries = await read(listed(client_for(server, plain_session)._engine, bucket, "p/"))
    assert [entry.name for entry in entries] == ["a.txt", "a/b", "b", "c", "é"]
    moment = 1_714_564_800_123_456_000
    assert entries[0] == Entry("a.txt", 7, moment, '"e"')


async def test_a_server_that_begins_out_of_order_is_sorted(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(rest=Listing(["a/b", "a.txt"], ["A", "z"]))
    entries = await read(listed(client_for(server, plain_session)._engine, "bucket", ""))
    assert [entry.name for entry in entries] == ["A", "a.txt", "a/b", "z"]


async def test_disorder_that_shows_later_is_refused(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(rest=Listing(["a", "b"], ["c", "a.txt"]))
    remote = listed(client_for(server, plain_session)._engine, "bucket", "")
    seen: list[str] = []

    async def look() -> None:
        async for batch in merged(nothing(), remote):
            seen.extend(theirs.name for _, theirs in batch if theirs)

    with pytest.raises(ResponseParseError, match=r"'a\.txt' comes after 'c'"):
        await look()
    assert seen == ["a", "b"]


async def nothing() -> Batches:
    for batch in list[list[Entry]]():
        yield batch


async def test_a_key_without_the_prefix_is_refused(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    """What its name would be under the prefix is another object's."""
    server = await scripted(rest=Listing(["photos/a", "photos-old/b"]))
    with pytest.raises(ResponseParseError, match=r"'photos-old/b' does not begin with 'photos/'"):
        await read(listed(client_for(server, plain_session)._engine, "bucket", "photos/"))


@pytest.mark.parametrize("bucket", ["bucket", DIRECTORY_BUCKETS[0]])
async def test_a_listing_that_fails_later_raises(
    scripted: StartScript,
    plain_session: aiohttp.ClientSession,
    bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    denied = reply(403, {}, "<Error><Code>AccessDenied</Code></Error>")
    server = await scripted(reply(200, {}, page(["a"], 1, 2)), denied)
    with pytest.raises(Exception, match="AccessDenied"):
        await read(listed(client_for(server, plain_session)._engine, bucket, ""))
    assert list(tmp_path.iterdir()) == []


# --- times


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_are_exact(time: datetime) -> None:
    since = nanoseconds(time)
    seconds, rest = divmod(since, 10**9)
    assert rest == time.microsecond * 1_000
    days = time.date().toordinal() - datetime(1970, 1, 1).date().toordinal()
    assert seconds == days * 86_400 + time.hour * 3_600 + time.minute * 60 + time.second
