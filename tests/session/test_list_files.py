"""``list_files``: what it gives out, page by page, and through JMESPath."""

from __future__ import annotations

import asyncio
import importlib
import itertools
import sys
from datetime import datetime
from typing import Any

import aiohttp
import pytest

from aiohttp_s3_client.errors import ResponseParseError
from aiohttp_s3_client.session import S3Object, S3Session, listing
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer
from tests.servers.scripted import ScriptedServer, StartScript
from tests.servers.steps import Step, reply

NAMES = [f"uploads/{number}.txt" for number in range(5)]


def entry(key: str, size: int, more: str = "") -> str:
    time = "<LastModified>2024-01-15T10:30:00.120Z</LastModified>"
    return f"<Contents><Key>{key}</Key>{time}<Size>{size}</Size>{more}</Contents>"


def page(*entries: str, token: str = "") -> Step:
    more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    body = (
        "<ListBucketResult><EncodingType>url</EncodingType>"
        f"<IsTruncated>{'true' if token else 'false'}</IsTruncated>{more}{''.join(entries)}"
        "</ListBucketResult>"
    )
    return reply(200, {"Content-Type": "application/xml"}, body)


def session_on(server: ScriptedServer, session: aiohttp.ClientSession) -> S3Session:
    return S3Session(server.url, "AKID", "very-secret", "us-east-1", session=session)


async def keys(found: Any) -> list[str]:
    return [each["Key"] async for each in found]


async def test_as_the_document_shows(
    s3: S3Session, server: RunningServer, bucket: str, oracle: Oracle
) -> None:
    for size, name in enumerate(NAMES):
        await s3.put_object(bucket, name, b"x" * size * 60)
    await s3.put_object(bucket, "other.txt", b"")
    found = [each async for each in s3.list_files(bucket, "uploads/")]
    assert [(each["Key"], each["Size"]) for each in found] == [
        (name, size * 60) for size, name in enumerate(NAMES)
    ]
    for each in found:
        modified = datetime.fromisoformat(each["LastModified"])
        assert modified.tzinfo is not None
    theirs = await asyncio.to_thread(lambda: oracle.client.list_objects_v2(Bucket=bucket))
    etags = {each["Key"]: each["ETag"] for each in theirs["Contents"]}
    assert {each["Key"]: each["ETag"] for each in found} == {name: etags[name] for name in NAMES}
    query = "Contents[?Size > `100`][]"
    large = s3.list_files(bucket, "uploads/", search_query=query, page_size=2)
    assert await keys(large) == NAMES[2:]
    assert await keys(s3.list_files(bucket, "uploads/", max_items=3, page_size=2)) == NAMES[:3]
    assert len(await keys(s3.list_files(bucket))) == 6


async def test_p23_keys_that_xml_cannot_hold(
    s3: S3Session, server: RunningServer, bucket: str
) -> None:
    """P23: keys come back as they were stored."""
    server.need("keys_verbatim")
    names = ["a b+c%25.txt", "a&<>\x01é.txt", "a//b"]
    for name in names:
        await s3.put_object(bucket, name, b"")
    assert await keys(s3.list_files(bucket, "a")) == sorted(names, key=str.encode)


async def test_rows_are_as_the_server_wrote_them(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    more = "<ETag>&quot;e&quot;</ETag><StorageClass>GLACIER</StorageClass>"
    server = await scripted(page(entry("a%20b", 7, more), entry("c", 0)))
    found = [each async for each in session_on(server, plain_session).list_files("bucket", "a")]
    time = "2024-01-15T10:30:00.120Z"
    first: S3Object = {
        "Key": "a b", "LastModified": time, "ETag": '"e"', "Size": 7, "StorageClass": "GLACIER"
    }  # fmt: skip
    assert found == [first, {"Key": "c", "LastModified": time, "Size": 0}]


async def test_pages_are_asked_for_one_by_one(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(
        page(entry("a", 1), token="t1"), page(token="t2"), page(entry("b", 1), entry("c", 2))
    )
    s3 = session_on(server, plain_session)
    assert await keys(s3.list_files("bucket", "p/", page_size=50)) == ["a", "b", "c"]
    first, second, third = (request.target for request in server.requests)
    assert "max-keys=50" in first
    assert "prefix=p%2F" in first
    assert "continuation-token=t1" in second
    assert "continuation-token=t2" in third


@pytest.mark.parametrize("tokens", ["t", "ab", "tabc"])
async def test_pages_that_come_in_a_circle(
    scripted: StartScript, plain_session: aiohttp.ClientSession, tokens: str
) -> None:
    following = itertools.cycle(tokens)
    server = await scripted(rest=lambda _: page(entry("a", 1), token=next(following)))
    found = session_on(server, plain_session).list_files("bucket")
    async with asyncio.timeout(5):
        with pytest.raises(ResponseParseError, match="the pages come in a circle"):
            await keys(found)
    assert len(server.requests) < 12


@pytest.mark.parametrize(
    ("max_items", "page_size", "pages", "asked"),
    [
        (2, 2, 1, "max-keys=2"),
        (3, 2, 2, "max-keys=2"),
        (3, None, 2, "max-keys=3"),
        (2500, None, 2, "max-keys=1000"),
        (1, 50, 1, "max-keys=1"),
    ],
)
async def test_max_items_ends_the_asking(
    scripted: StartScript,
    plain_session: aiohttp.ClientSession,
    max_items: int,
    page_size: int | None,
    pages: int,
    asked: str,
) -> None:
    server = await scripted(
        page(entry("a", 1), entry("b", 1), token="t1"), page(entry("c", 2), entry("d", 2))
    )
    s3 = session_on(server, plain_session)
    found = await keys(s3.list_files("bucket", "", max_items=max_items, page_size=page_size))
    assert found == ["a", "b", "c", "d"][:max_items]
    assert len(server.requests) == pages
    assert asked in server.requests[0].target.replace("?", "&").split("&")


async def test_max_items_counts_what_the_query_found(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(
        page(entry("a", 1), entry("b", 9), token="t1"), page(entry("c", 9), entry("d", 9))
    )
    found = session_on(server, plain_session).list_files(
        "bucket", "", search_query="Contents[?Size > `5`]", max_items=2
    )
    assert await keys(found) == ["b", "c"]
    assert "max-keys" not in server.requests[0].target


async def test_max_items_of_zero_asks_for_nothing(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted()
    s3 = session_on(server, plain_session)
    assert await keys(s3.list_files("bucket", "", max_items=0)) == []
    assert await keys(s3.list_files("bucket", "", search_query="Contents", max_items=0)) == []
    assert server.connections == 0


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Contents[].Key", ["a", "b", "c"]),
        ("Contents[0]", [{"Key": "a", "LastModified": "2024-01-15T10:30:00.120Z", "Size": 0}]),
        ("length(Contents)", [2, 1]),
        ("Contents[0].Size", [0, 0]),
        ("Nothing", []),
        ("Contents[0].StorageClass", []),
        ("[[Contents[].Size]]", [[[0, 1]], [[0]]]),
    ],
)
async def test_what_a_query_finds_is_given_out(
    scripted: StartScript, plain_session: aiohttp.ClientSession, query: str, expected: list[object]
) -> None:
    """Lists one by one, anything else as one, null not at all; page by page."""
    server = await scripted(page(entry("a", 0), entry("b", 1), token="t1"), page(entry("c", 0)))
    s3 = session_on(server, plain_session)
    found: list[object] = [each async for each in s3.list_files("bucket", "", search_query=query)]
    assert found[: len(expected)] == expected
    if query != "Contents[0]":
        assert len(found) == len(expected)


async def test_query_that_cannot_be_evaluated(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(page(entry("a", 1)))
    found = session_on(server, plain_session).list_files(
        "bucket", search_query="sum(Contents[].Key)"
    )
    with pytest.raises(ValueError, match=r"search_query: .* cannot be evaluated: .*sum"):
        await anext(found)


async def test_leaving_early_asks_for_no_further_page(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(page(entry("a", 1), token="t1"))
    async for each in session_on(server, plain_session).list_files("bucket"):
        assert each["Key"] == "a"
        break
    await asyncio.sleep(0.01)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"page_size": 0}, "page_size must be at least 1, not 0"),
        ({"page_size": -1}, "page_size must be at least 1, not -1"),
        ({"page_size": "50"}, "page_size must be an int, not '50'"),
        ({"max_items": -1}, "max_items must not be negative: -1"),
        ({"max_items": True}, "max_items must be an int"),
        ({"prefix": None}, "prefix must be a str, not None"),
        ({"search_query": 1}, "search_query must be a str, not 1"),
        ({"search_query": "Contents["}, r"search_query: 'Contents\[' is no JMESPath"),
        ({"search_query": ""}, "search_query: '' is no JMESPath"),
    ],
)
async def test_arguments_are_checked_at_the_call(
    plain_session: aiohttp.ClientSession, arguments: dict[str, Any], problem: str
) -> None:
    s3 = S3Session("http://127.0.0.1:1", "AKID", "very-secret", session=plain_session)
    with pytest.raises((TypeError, ValueError), match=problem):
        s3.list_files("bucket", **arguments)


async def test_without_jmespath(
    monkeypatch: pytest.MonkeyPatch, scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    """A search names what has to be installed; a listing needs it not."""
    server = await scripted(page(entry("a", 1)))
    s3 = session_on(server, plain_session)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "jmespath", None)  # Then importing it fails.
        importlib.reload(listing)
    try:
        with pytest.raises(ImportError, match=r"aiohttp-s3-client\[jmespath\]"):
            s3.list_files("bucket", search_query="Contents")
        assert await keys(s3.list_files("bucket")) == ["a"]
    finally:
        importlib.reload(listing)
    assert s3.list_files("bucket", search_query="Contents") is not None
