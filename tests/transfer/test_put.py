"""``put`` and ``put_file`` with every kind of data; past one part it becomes multipart (P8)."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from aiohttp_s3_client import AwsUploadError, ClientConfig
from aiohttp_s3_client.errors import AccessDenied, SourceChanged

from ..servers.scripted import StartScript
from ..servers.steps import Recorded, Step, reply
from ..transport.scripts import client_for, error, kinds, part_number, upload_step
from .test_upload import CHEAP, MIB

TEXT = "grüße " * 1000
DATA = TEXT.encode()
OK = reply(200, {"ETag": '"x"'})


class Pipe:
    """A binary file object that cannot seek."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._data.read(min(size, 1000) if size > 0 else size)


def pieces(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), 700):
        yield data[at : at + 700]


async def apieces(data: bytes) -> AsyncIterator[bytes]:
    for piece in pieces(data):
        await asyncio.sleep(0)
        yield piece


def asyncio_reader(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


IN_MEMORY: dict[str, Callable[[bytes], Any]] = {
    "bytes": lambda data: data,
    "bytearray": bytearray,
    "memoryview": memoryview,
    "memoryview of shorts": lambda data: memoryview(data + b"\0" * (len(data) % 2)).cast("H"),
    "str": lambda data: data.decode(),
    "BytesIO": io.BytesIO,
}
STREAMS: dict[str, Callable[[bytes], Any]] = {
    "pipe": Pipe,
    "iterator": pieces,
    "list": lambda data: list(pieces(data)),
    "async iterator": apieces,
    "StreamReader": asyncio_reader,
}
ALL = IN_MEMORY | STREAMS


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
async def test_every_kind_of_data(
    scripted: StartScript, make: Callable[[bytes], Any], known: bool
) -> None:
    server = await scripted(OK)
    async with client_for(server) as client:
        length = len(DATA) if known else None
        async with client.put("bucket/key", make(DATA), data_length=length) as response:
            assert response.status == 200
    request = server.requests[0]
    assert bytes(request.body) == DATA
    assert request.header("Content-Length") == str(len(DATA))
    assert request.header("Transfer-Encoding") is None
    signed = request.header("x-amz-content-sha256")
    if known and make in STREAMS.values():
        assert signed == "UNSIGNED-PAYLOAD"
    else:
        assert signed == hashlib.sha256(DATA).hexdigest()


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
async def test_every_kind_of_nothing(scripted: StartScript, make: Callable[[bytes], Any]) -> None:
    server = await scripted(OK)
    async with client_for(server) as client, client.put("bucket/key", make(b"")) as response:
        assert response.status == 200
    assert server.requests[0].header("Content-Length") == "0"
    assert server.requests[0].header("x-amz-content-sha256") == hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize("how", ["path", "file", "put_file"])
async def test_files(scripted: StartScript, tmp_path: Path, how: str) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(DATA)
    server = await scripted(OK)
    async with client_for(server) as client:
        if how == "path":
            await client.put("bucket/file.json", path)
        elif how == "put_file":
            await client.put_file("bucket/file.json", path)
        else:
            with path.open("rb") as file:
                await client.put("bucket/file.json", file)
                assert not file.closed
    assert bytes(server.requests[0].body) == DATA
    assert server.requests[0].header("Content-Type") == "application/json"


async def test_put_file_sends_pieces_of_chunk_size(scripted: StartScript, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    server = await scripted(OK, OK)
    async with client_for(server) as client:
        await client.put_file("bucket/key", path, chunk_size=100, content_sha256="ab" * 32)
        async with client.put_file("bucket/key", str(path)) as response:
            assert response.status == 200
    assert [bytes(request.body) for request in server.requests] == [DATA, DATA]
    assert server.requests[0].header("x-amz-content-sha256") == "ab" * 32


async def test_an_empty_file(scripted: StartScript, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    server = await scripted(OK, OK)
    async with client_for(server) as client:
        await client.put_file("bucket/key", tmp_path / "empty")
        await client.put("bucket/key", tmp_path / "empty")
    assert [request.header("Content-Length") for request in server.requests] == ["0", "0"]


async def test_a_file_that_shrinks_is_never_stored(scripted: StartScript, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(8 * MIB))

    def shrink(request: Recorded) -> Step:
        os.truncate(path, 3 * MIB)
        return reply(200)

    server = await scripted(shrink, keep_bodies=False)
    config = ClientConfig(calculate_content_sha256=False)
    async with client_for(server, config=config) as client:
        with pytest.raises(SourceChanged, match="before"):
            await client.put_file("bucket/key", path)
    assert not server.requests[0].complete


async def test_a_large_body_in_memory_raises_no_warning(scripted: StartScript) -> None:
    """aiohttp warns of bodies past 1 MiB, and warnings are errors here."""
    server = await scripted(OK, OK, keep_bodies=False)
    async with client_for(server) as client:
        await client.put("bucket/key", bytes(3 * MIB))
        await client.put("bucket/key", "x" * (3 * MIB))
    assert [request.body_size for request in server.requests] == [3 * MIB] * 2


async def test_the_callers_content_length_is_the_data_length(scripted: StartScript) -> None:
    server = await scripted(OK)
    async with client_for(server) as client:
        with pytest.raises(ValueError, match="Content-Length"):
            await client.put("bucket/key", pieces(DATA), headers={"Content-Length": "9"})
        await client.put("bucket/key", pieces(DATA), data_length=len(DATA))
    assert server.requests[0].header("Content-Length") == str(len(DATA))


async def test_reading_a_slow_file_does_not_block_the_loop(scripted: StartScript) -> None:
    """P1: a file object, or an iterator, is read in a thread."""
    threads: set[int] = set()

    class Watched(Pipe):
        def read(self, size: int = -1) -> bytes:
            threads.add(threading.get_ident())
            return super().read(size)

    def watched() -> Iterator[bytes]:
        threads.add(threading.get_ident())
        yield DATA

    server = await scripted(OK, OK)
    async with client_for(server) as client:
        await client.put("bucket/key", Watched(DATA), data_length=len(DATA))
        await client.put("bucket/key", watched())
    assert threads
    assert threading.get_ident() not in threads


async def test_another_aiohttp_response_is_a_stream(scripted: StartScript) -> None:
    source = await scripted(reply(200, {}, DATA, piece=999))
    target = await scripted(OK)
    async with aiohttp.ClientSession() as session, session.get(source.url) as response:
        client = client_for(target, session)
        await client.put("bucket/key", response.content, data_length=len(DATA))
    assert bytes(target.requests[0].body) == DATA


# Content-Type


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.txt", b"x", "text/plain"),
        ("dir.d/a.json", b"x", "application/json"),
        ("noext", b"x", "application/octet-stream"),
        ("noext", "x", "text/plain; charset=utf-8"),
        ("a.tar.gz", b"x", "application/gzip"),
    ],
)
async def test_content_type_is_guessed(
    scripted: StartScript, name: str, data: bytes | str, expected: str
) -> None:
    server = await scripted(OK, OK)
    async with client_for(server) as client:
        await client.put(f"bucket/{name}", data)
        await client.put(f"bucket/{name}", data, headers={"content-type": "x/y"})
    sent = [[v for n, v in r.headers if n.lower() == "content-type"] for r in server.requests]
    assert sent == [[expected], ["x/y"]]


async def test_no_content_type_without_a_body(scripted: StartScript) -> None:
    server = await scripted(rest=reply(200))
    async with client_for(server) as client:
        for method in ("GET", "HEAD", "DELETE"):
            await client.request(method, "bucket/key.txt")
    assert [request.header("Content-Type") for request in server.requests] == [None] * 3


# More than one part


BIG = hashlib.shake_128(b"big").digest(8 * MIB + 12345)


def big_pieces() -> Iterator[bytes]:
    view = memoryview(BIG)
    for at in range(0, len(BIG), 600_000):
        yield bytes(view[at : at + 600_000])


async def abig_pieces() -> AsyncIterator[bytes]:
    for piece in big_pieces():
        yield piece


BIG_STREAMS: dict[str, Callable[[], Any]] = {
    "iterator": big_pieces,
    "async iterator": abig_pieces,
    "pipe": lambda: io.BufferedReader(io.FileIO(_pipe_of(BIG), closefd=True)),
}


def _pipe_of(data: bytes) -> int:
    reading, writing = os.pipe()

    def fill() -> None:
        with os.fdopen(writing, "wb") as file:
            file.write(data)

    threading.Thread(target=fill, daemon=True).start()
    return reading


@pytest.mark.parametrize("make", BIG_STREAMS.values(), ids=BIG_STREAMS)
async def test_past_one_part_it_becomes_multipart(
    scripted: StartScript, make: Callable[[], Any]
) -> None:
    server = await scripted(rest=upload_step)
    data = make()
    try:
        async with (
            client_for(server, config=CHEAP) as client,
            client.put("bucket/big.csv", data) as response,
        ):
            assert response.status == 200
            assert "CompleteMultipartUploadResult" in await response.text()
    finally:
        if isinstance(data, io.BufferedReader):
            data.close()
    assert sorted(kinds(server)) == ["complete", "create", "part 1", "part 2"]
    assert server.requests[0].header("Content-Type") == "text/csv"
    bodies = {part_number(r): bytes(r.body) for r in server.requests if part_number(r)}
    assert bodies[1] + bodies[2] == BIG
    assert len(bodies[1]) == 8 * MIB


async def test_exactly_one_part_is_one_request(scripted: StartScript) -> None:
    server = await scripted(OK, keep_bodies=False)
    async with client_for(server, config=CHEAP) as client:
        await client.put("bucket/key", iter([bytes(MIB)] * 8))
    assert server.requests[0].header("Content-Length") == str(8 * MIB)


async def test_bytes_of_any_size_are_one_request(scripted: StartScript) -> None:
    server = await scripted(OK, keep_bodies=False)
    async with client_for(server, config=CHEAP) as client:
        await client.put("bucket/key", BIG)
    assert server.requests[0].body_size == len(BIG)


async def test_a_refused_create_is_returned_as_it_came(scripted: StartScript) -> None:
    server = await scripted(error(403, "AccessDenied", "not you"), error(403, "AccessDenied"))
    async with client_for(server, config=CHEAP) as client:
        async with client.put("bucket/key", big_pieces()) as response:
            assert response.status == 403
            assert "not you" in await response.text()
        with pytest.raises(AccessDenied):
            await client.put("bucket/key", big_pieces(), raise_for_status=True)


async def test_a_failed_part_raises_and_aborts(scripted: StartScript) -> None:
    def answer(request: Recorded) -> Step:
        if part_number(request) == 2:
            return error(403, "AccessDenied")
        return upload_step(request)

    server = await scripted(rest=answer, keep_bodies=False)
    async with client_for(server, config=CHEAP) as client:
        with pytest.raises(AccessDenied) as caught:
            await client.put("bucket/key", big_pieces())
    assert isinstance(caught.value, AwsUploadError)
    assert kinds(server)[-1] == "abort"


async def test_what_cannot_be_multipart_is_refused(scripted: StartScript) -> None:
    server = await scripted()
    async with client_for(server, config=CHEAP) as client:
        with pytest.raises(ValueError, match="data_length"):
            await client.put("bucket/key", big_pieces(), params={"partNumber": 1, "uploadId": "x"})
        with pytest.raises(ValueError, match="content_sha256"):
            await client.put("bucket/key", big_pieces(), content_sha256="ab" * 32)
    assert not server.requests
