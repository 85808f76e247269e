"""What a request sends: sizes, digests, pieces, and whether it can go again (P8, P17)."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client.errors import SourceChanged
from aiohttp_s3_client.protocol.body import PIECE
from aiohttp_s3_client.request import Body
from aiohttp_s3_client.transport.openfile import open_file
from aiohttp_s3_client.transport.source import (
    BytesSource,
    FileSource,
    StreamSource,
    as_stream,
    is_seekable,
    seekable_source,
)

DATA = hashlib.shake_128(b"source").digest(3 * PIECE + 17)


async def all_of(body: Body) -> list[bytes]:
    return [bytes(piece) async for piece in body.open()]


async def check(body: Body, data: bytes) -> None:
    assert body.size == len(data)
    assert body.replayable
    assert await body.digest("SHA256") == hashlib.sha256(data).digest()
    assert await body.digest("CRC32") == zlib.crc32(data).to_bytes(4, "big")
    for _ in range(2):
        pieces = await all_of(body)
        assert b"".join(pieces) == data
        assert all(0 < len(piece) <= PIECE for piece in pieces)


@given(st.binary(max_size=300))
def test_bytes(data: bytes) -> None:
    for form in (data, bytearray(data), memoryview(data)):
        asyncio.run(check(BytesSource(form), data))


async def test_large_bytes_go_in_pieces_that_are_views_of_them() -> None:
    await check(BytesSource(DATA), DATA)
    pieces = [piece async for piece in BytesSource(DATA).open()]
    assert all(isinstance(piece, memoryview) and piece.obj is DATA for piece in pieces)


async def test_slices_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(DATA)
    file = await open_file(tmp_path / "file", "file_path")
    try:
        assert file.size == len(DATA)
        for start, stop in ((0, len(DATA)), (5, 6), (PIECE - 1, 2 * PIECE + 1), (7, 7)):
            await check(FileSource(file, start, stop - start), DATA[start:stop])
        slices = [FileSource(file, start, 1000) for start in range(0, 50_000, 1000)]
        together = await asyncio.gather(*(all_of(piece) for piece in slices))
        assert b"".join(b"".join(pieces) for pieces in together) == DATA[:50_000]
    finally:
        file.close()


async def test_a_file_that_became_shorter(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    file = await open_file(path, "file_path")
    source = FileSource(file, 0, file.size)
    os.truncate(path, 1000)
    for use in (all_of(source), source.digest("SHA256"), source.digest("CRC32")):
        with pytest.raises(SourceChanged, match=f"{len(DATA) - 1000} bytes before"):
            await use
    file.close()


async def test_a_file_that_was_closed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(DATA)
    file = await open_file(tmp_path / "file", "file_path")
    file.close()
    file.close()
    with pytest.raises(ValueError, match="closed"), file.reading():
        pytest.fail("a closed file must not be read")


async def test_seekable_files_begin_where_they_stand(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(DATA)
    with (tmp_path / "file").open("rb") as file:
        file.seek(100)
        await check(await seekable_source(file), DATA[100:])
        file.seek(0, os.SEEK_END)
        await check(await seekable_source(file), b"")
    memory = io.BytesIO(DATA)
    memory.seek(50)
    await check(await seekable_source(memory), DATA[50:])


def test_what_is_seekable() -> None:
    assert is_seekable(io.BytesIO())
    assert not is_seekable([b"x"])
    assert not is_seekable(iter([b"x"]))
    with pytest.raises(TypeError, match="'rb'"):
        is_seekable(io.StringIO())


async def stream(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_p08_a_stream_is_sent_once() -> None:
    source = StreamSource(stream(b"abc", b"", b"d" * (PIECE + 1)), PIECE + 4)
    assert source.replayable
    body: Body = source
    assert await body.digest("SHA256") is None
    assert await body.digest("CRC32") is None
    pieces = await all_of(source)
    assert b"".join(pieces) == b"abc" + b"d" * (PIECE + 1)
    assert all(0 < len(piece) <= PIECE for piece in pieces)
    assert not source.replayable
    with pytest.raises(RuntimeError, match="only once"):
        await all_of(source)


@pytest.mark.parametrize(("size", "says"), [(5, "ended after 4"), (3, "more than")])
async def test_p08_a_stream_of_another_size(size: int, says: str) -> None:
    with pytest.raises(SourceChanged, match=says):
        await all_of(StreamSource(stream(b"ab", b"cd"), size))


@given(st.lists(st.binary(max_size=50), max_size=10))
def test_streams_of_every_kind_give_what_they_hold(pieces: list[bytes]) -> None:
    async def run() -> list[bytes]:
        whole = b"".join(pieces)
        reader = asyncio.StreamReader()
        reader.feed_data(whole)
        reader.feed_eof()
        memory = io.BytesIO(whole)
        forms: list[Any] = [pieces, (*pieces,), iter(pieces), stream(*pieces), memory, reader]
        return [b"".join([piece async for piece in as_stream(form)]) for form in forms]

    assert asyncio.run(run()) == [b"".join(pieces)] * 6


@pytest.mark.parametrize("data", [["text"], iter([5]), [None]])
async def test_a_stream_of_something_else_is_refused(data: list[bytes]) -> None:
    with pytest.raises(TypeError, match="not bytes"):
        async for _ in as_stream(data):
            pass


@pytest.mark.parametrize("data", [5, None, object()])
def test_what_is_no_stream_is_refused(data: list[bytes]) -> None:
    with pytest.raises(TypeError):
        as_stream(data)


async def test_errors_of_an_iterator_pass() -> None:
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        async for _ in as_stream(broken()):
            pass
