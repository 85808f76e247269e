"""``download_file``: even chunks, callbacks, an early end, and bodies that break off."""

from __future__ import annotations

import asyncio
import gc
import gzip
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import aiohttp
import pytest

from aiohttp_s3_client.errors import (
    ChecksumMismatch,
    NoSuchBucket,
    NoSuchKey,
    NotModified,
    ObjectChanged,
    ResponseParseError,
    S3ConnectionError,
)
from aiohttp_s3_client.protocol import checksums
from aiohttp_s3_client.session import S3Session
from tests.behaviour.material import MIB, noise
from tests.servers.running import RunningServer
from tests.servers.scripted import ScriptedServer, StartScript
from tests.servers.steps import Step, reply

DATA = noise(300_000)
ETAG = '"e1"'


def whole(headers: dict[str, str] | None = None, **how: Any) -> Step:
    return reply(200, {"ETag": ETAG, **(headers or {})}, DATA, **how)


@pytest.fixture
async def one_connection() -> AsyncIterator[aiohttp.ClientSession]:
    """Whatever is not given back is missed at once."""
    connector = aiohttp.TCPConnector(limit=1)
    timeout = aiohttp.ClientTimeout(total=None, sock_read=5)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield session


def session_on(server: ScriptedServer, session: aiohttp.ClientSession) -> S3Session:
    return S3Session(server.url, "AKID", "very-secret", "us-east-1", session=session)


async def test_chunks_and_callbacks(s3: S3Session, bucket: str) -> None:
    data = noise(2 * MIB + 5)
    await s3.put_object(bucket, "large.bin", data)
    assert [chunk async for chunk in s3.download_file(bucket, "large.bin")] == [
        data[:MIB], data[MIB : 2 * MIB], data[2 * MIB :]
    ]  # fmt: skip
    sizes: list[int] = []
    lengths: list[str | None] = []
    chunks = [
        chunk
        async for chunk in s3.download_file(
            bucket,
            "large.bin",
            chunk_size=512 * 1024,
            on_chunk=lambda c: sizes.append(len(c)),
            on_start=lambda resp: lengths.append(resp.headers.get("content-length")),
        )
    ]
    assert b"".join(chunks) == data
    assert sizes == [*[512 * 1024] * 4, 5] == list(map(len, chunks))
    assert lengths == [str(len(data))]


async def test_empty_object_has_no_chunks(s3: S3Session, bucket: str) -> None:
    await s3.put_object(bucket, "empty", b"")
    lengths: list[str | None] = []
    chunks = s3.download_file(
        bucket, "empty", on_start=lambda resp: lengths.append(resp.headers.get("content-length"))
    )
    assert [chunk async for chunk in chunks] == []
    assert lengths == ["0"]


async def test_missing_key_and_bucket(s3: S3Session, server: RunningServer, bucket: str) -> None:
    started: list[object] = []
    with pytest.raises(NoSuchKey):
        await anext(s3.download_file(bucket, "missing", on_start=started.append))
    assert not started
    server.need("own_bucket")
    with pytest.raises(NoSuchBucket):
        await anext(s3.download_file(f"{bucket}-not", "missing"))


async def test_callbacks_may_be_async(
    scripted: StartScript, one_connection: aiohttp.ClientSession
) -> None:
    server = await scripted(whole())
    told: list[object] = []

    async def tell(what: object) -> None:
        await asyncio.sleep(0)
        told.append(what)

    chunks = session_on(server, one_connection).download_file(
        "bucket", "key", on_chunk=tell, chunk_size=200_000, on_start=tell
    )
    assert await anext(chunks) == DATA[:200_000]
    assert isinstance(told[0], aiohttp.ClientResponse)
    assert told[1:] == [DATA[:200_000]]
    assert [chunk async for chunk in chunks] == [DATA[200_000:]] == told[2:]


async def test_nothing_is_sent_before_the_first_chunk(
    scripted: StartScript, one_connection: aiohttp.ClientSession
) -> None:
    server = await scripted()
    chunks = session_on(server, one_connection).download_file("bucket", "key")
    await asyncio.sleep(0.01)
    del chunks
    gc.collect()
    await asyncio.sleep(0.01)
    assert server.connections == 0


@pytest.mark.parametrize(("read", "kept"), [(250_000, True), (10_000, False)])
async def test_p02_early_end_gives_the_connection_back(
    scripted: StartScript, one_connection: aiohttp.ClientSession, read: int, kept: bool
) -> None:
    """P2: what little is left is read, so that the connection goes on; much is cut off."""
    more: dict[str, Any] = {"pause": 0.02} if kept else {"content_length": 10**9}
    server = await scripted(whole(piece=read, **more), reply(204))
    s3 = session_on(server, one_connection)
    async with aclosing(s3.download_file("bucket", "key", chunk_size=read)) as chunks:
        async for chunk in chunks:
            assert chunk == DATA[:read]
            break
    async with asyncio.timeout(2):
        await s3.delete_object("bucket", "key")
    assert server.connections == (1 if kept else 2)


async def test_p02_break_alone_gives_the_connection_back(
    scripted: StartScript, one_connection: aiohttp.ClientSession
) -> None:
    """P2: also when nobody closes the generator."""
    server = await scripted(whole(), reply(204))
    s3 = session_on(server, one_connection)
    async for _ in s3.download_file("bucket", "key", chunk_size=1000):
        break
    async with asyncio.timeout(2):
        await s3.delete_object("bucket", "key")


@pytest.mark.parametrize("callback", ["on_start", "on_chunk"])
async def test_error_of_a_callback_ends_the_download(
    scripted: StartScript, one_connection: aiohttp.ClientSession, callback: str
) -> None:
    server = await scripted(whole(), reply(204))
    s3 = session_on(server, one_connection)

    def fail(_: object) -> None:
        raise LookupError("mine")

    callbacks: dict[str, Any] = {callback: fail}
    with pytest.raises(LookupError, match="mine"):
        await anext(s3.download_file("bucket", "key", **callbacks))
    async with asyncio.timeout(2):
        await s3.delete_object("bucket", "key")


async def test_cancelled_download_gives_the_connection_back(
    scripted: StartScript, one_connection: aiohttp.ClientSession
) -> None:
    server = await scripted(whole(piece=100_000, pause=30.0), reply(204))
    s3 = session_on(server, one_connection)
    chunks = s3.download_file("bucket", "key", chunk_size=100_000)
    assert await anext(chunks) == DATA[:100_000]
    task = asyncio.ensure_future(anext(chunks))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(2):
        await s3.delete_object("bucket", "key")


async def test_p07_body_that_breaks_off_is_resumed(
    scripted: StartScript, one_connection: aiohttp.ClientSession
) -> None:
    """P7: at the next byte, of the same object, unnoticed by the reader."""
    rest = DATA[100_000:]
    again = {"ETag": ETAG, "Content-Range": f"bytes 100000-{len(DATA) - 1}/{len(DATA)}"}
    server = await scripted(whole(cut=100_000), reply(206, again, rest))
    starts: list[object] = []
    chunks = session_on(server, one_connection).download_file(
        "bucket", "key", chunk_size=70_000, on_start=starts.append
    )
    received = [chunk async for chunk in chunks]
    assert b"".join(received) == DATA
    assert set(map(len, received[:-1])) == {70_000}
    assert len(starts) == 1
    assert server.requests[1].header("Range") == f"bytes=100000-{len(DATA) - 1}"
    assert server.requests[1].header("If-Match") == ETAG


async def test_p05_object_that_was_replaced_meanwhile(
    scripted: StartScript, one_connection: aiohttp.ClientSession
) -> None:
    """P5: two objects are never mixed."""
    server = await scripted(whole(cut=100_000), reply(412))
    chunks = session_on(server, one_connection).download_file("bucket", "key", chunk_size=100_000)
    assert await anext(chunks) == DATA[:100_000]
    with pytest.raises(ObjectChanged):
        await anext(chunks)


async def test_checksum_of_the_whole_is_held(
    scripted: StartScript, one_connection: aiohttp.ClientSession
) -> None:
    wrong = checksums.encode(checksums.compute("CRC32", b"other"))
    server = await scripted(whole({checksums.header_name("CRC32"): wrong}))
    chunks = session_on(server, one_connection).download_file("bucket", "key", chunk_size=10_000)
    with pytest.raises(ChecksumMismatch):
        [chunk async for chunk in chunks]
    assert server.requests[0].header("x-amz-checksum-mode") == "ENABLED"


@pytest.mark.parametrize("auto_decompress", [True, False])
async def test_what_is_stored_compressed_arrives_compressed(
    scripted: StartScript, auto_decompress: bool
) -> None:
    data = gzip.compress(DATA)
    server = await scripted(rest=reply(200, {"ETag": ETAG, "Content-Encoding": "gzip"}, data))
    async with aiohttp.ClientSession(auto_decompress=auto_decompress) as session:
        s3 = session_on(server, session)
        assert b"".join([chunk async for chunk in s3.download_file("bucket", "key")]) == data
        assert await s3.get_object("bucket", "key") == data


async def test_body_without_a_length(
    scripted: StartScript, one_connection: aiohttp.ClientSession
) -> None:
    chunked = reply(200, {"ETag": ETAG}, DATA, chunked=True, piece=1000)
    cut = reply(200, {"ETag": ETAG}, DATA, chunked=True, piece=1000, cut=50_000)
    server = await scripted(chunked, rest=cut)
    s3 = session_on(server, one_connection)
    lengths: list[str | None] = []
    chunks = s3.download_file(
        "bucket", "key", on_start=lambda resp: lengths.append(resp.headers.get("content-length"))
    )
    assert b"".join([chunk async for chunk in chunks]) == DATA
    assert lengths == [None]
    with pytest.raises(S3ConnectionError):
        [chunk async for chunk in s3.download_file("bucket", "key")]


@pytest.mark.parametrize("status", [204, 206])
async def test_answer_that_is_not_the_whole_object(
    scripted: StartScript, one_connection: aiohttp.ClientSession, status: int
) -> None:
    """No range was asked for: what came would be taken for all there is."""
    part = {"ETag": ETAG, "Content-Range": f"bytes 0-9/{len(DATA)}"}
    server = await scripted(reply(status, part, DATA[:10] if status == 206 else b""), reply(204))
    s3 = session_on(server, one_connection)
    started: list[object] = []
    with pytest.raises(ResponseParseError, match=f"GetObject bucket/key: {status} in the place"):
        await anext(s3.download_file("bucket", "key", on_start=started.append))
    assert not started
    async with asyncio.timeout(2):
        await s3.delete_object("bucket", "key")


async def test_not_modified_is_no_object(
    scripted: StartScript, one_connection: aiohttp.ClientSession
) -> None:
    server = await scripted(rest=reply(304, {"ETag": ETAG}))
    s3 = session_on(server, one_connection)
    with pytest.raises(NotModified):
        await anext(s3.download_file("bucket", "key"))
    with pytest.raises(NotModified):
        await s3.get_object("bucket", "key")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"chunk_size": 0}, "chunk_size must be at least 1, not 0"),
        ({"chunk_size": 1.5}, "chunk_size must be an int"),
        ({"on_chunk": 1}, "on_chunk must be callable or None, not 1"),
        ({"on_start": "x"}, "on_start must be callable or None, not 'x'"),
        ({"key": ""}, "key must not be empty"),
        ({"key": None}, "key must be a str, not None"),
        ({"bucket": "B"}, "'B' is not a bucket name"),
    ],
)
async def test_arguments_are_checked_at_the_call(
    one_connection: aiohttp.ClientSession, arguments: dict[str, Any], problem: str
) -> None:
    s3 = S3Session("http://127.0.0.1:1", "AKID", "very-secret", session=one_connection)
    with pytest.raises((TypeError, ValueError), match=problem):
        s3.download_file(**{"bucket": "bucket", "key": "key", **arguments})
