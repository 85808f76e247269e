"""``file_upload`` of a session: a stream of any length, with a hint that may be wrong."""

from __future__ import annotations

import asyncio
import io
import time
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.config import MAX_OBJECT_SIZE, MAX_PARTS
from aiohttp_s3_client.errors import AccessDenied
from aiohttp_s3_client.models import UploadResult
from aiohttp_s3_client.protocol.extra_args import upload_args
from aiohttp_s3_client.session.file_upload import file_upload

from ..behaviour.material import MIB, PART, in_pieces, noise
from ..servers.oracle import Oracle
from ..servers.running import RunningServer
from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import Recorded, Step, hang, reply
from ..transfer.test_upload import CHEAP, but
from ..transport.scripts import client_for, error, kinds, part_number, upload_step


async def upload(
    client: S3Client, data: Any, bucket: str = "bucket", extra: dict[str, Any] | None = None,
    **how: Any,
) -> UploadResult:  # fmt: skip
    return await file_upload(client._engine, bucket, "key", data, upload_args(extra), **how)


def either(request: Recorded) -> Step:
    """The right answer to a PutObject, or to any request of a multipart upload."""
    if request.method == "PUT" and part_number(request) is None:
        return reply(200, {"ETag": '"put"'})
    return upload_step(request)


def part_sizes(server: ScriptedServer) -> list[int]:
    sizes = {part_number(r): r.body_size for r in server.requests if part_number(r)}
    return [size for _, size in sorted(sizes.items(), key=lambda item: item[0] or 0)]


class Given:
    """A stream of pieces that remembers what was asked of it."""

    def __init__(self, *pieces: bytes, error: Exception | None = None) -> None:
        self.pieces = pieces
        self.error = error
        self.taken = 0
        self.closed = False

    async def stream(self) -> AsyncGenerator[bytes, None]:
        try:
            for piece in self.pieces:
                self.taken += 1
                yield piece
            if self.error is not None:
                raise self.error
        finally:
            self.closed = True

    def __aiter__(self) -> AsyncGenerator[bytes, None]:
        return self.stream()


# Every server


async def test_one_put_when_small_and_parts_when_large(
    client: S3Client, server: RunningServer, bucket: str, oracle: Oracle
) -> None:
    whole = noise(PART + 7)
    extra = {"ContentType": "video/mp4"}
    for size, parts in ((7, None), (PART, 1), (PART + 7, 2), (0, None)):
        data = in_pieces(whole[:size], MIB - 1)
        result = await upload(client, data, bucket, extra, content_length=str(size))
        assert (result.size, result.parts) == (size, parts)
        assert await asyncio.to_thread(oracle.get, bucket, "key") == whole[:size]
        head = await asyncio.to_thread(oracle.head, bucket, "key")
        assert head is not None
        assert head["ContentType"] == "video/mp4"
    assert await asyncio.to_thread(oracle.uploads, bucket) == []


# How it is cut


@pytest.mark.parametrize(
    ("size", "least", "parts"),
    [
        (PART - 1, PART, None),
        (PART, PART, [PART]),
        (PART + 1, PART, [PART, 1]),
        (2 * PART, PART, [PART, PART]),
        (7 * MIB, 7 * MIB, [7 * MIB]),
        (7 * MIB - 1, 7 * MIB, None),
        (15 * MIB, 7 * MIB, [7 * MIB, 7 * MIB, MIB]),
        (PART - 1, 1, None),
        (PART + 1, 1, [PART, 1]),
    ],
)
async def test_the_part_size_is_a_minimum_and_s3s_own_is_5_mib(
    scripted: StartScript, size: int, least: int, parts: list[int] | None
) -> None:
    server = await scripted(rest=either, keep_bodies=False)
    async with client_for(server, config=CHEAP) as client:
        data = in_pieces(bytes(size), 999_999)
        result = await upload(client, data, min_part_size=least)
    assert result.size == size
    if parts is None:
        assert [request.method for request in server.requests] == ["PUT"]
        assert server.requests[0].body_size == size
    else:
        assert part_sizes(server) == parts
        assert kinds(server)[-1] == "complete"


HINTS = [
    0, -1, "-1", "", "0", "6", PART - 1, " 12582912 ", 12 * MIB, "00012582912", 10**13,
    MAX_OBJECT_SIZE, str(MAX_OBJECT_SIZE + 1), 10**30, "9" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("hint", HINTS, ids=lambda hint: str(hint)[:20])
@pytest.mark.parametrize("size", [0, 6, PART + 3])
async def test_a_wrong_hint_fails_nothing_and_loses_nothing(
    scripted: StartScript, hint: int | str, size: int
) -> None:
    server = await scripted(rest=either, keep_bodies=False)
    async with client_for(server, config=CHEAP) as client:
        result = await upload(client, in_pieces(bytes(size), MIB), content_length=hint)
    assert result.size == size
    sent = part_sizes(server) or [request.body_size for request in server.requests]
    assert sum(sent) == size
    assert (result.parts is None) == (size < PART)


async def test_a_hint_makes_parts_of_which_10000_will_do(scripted: StartScript) -> None:
    server = await scripted(rest=either, keep_bodies=False)
    async with client_for(server, config=CHEAP) as client:
        hint = 6 * MIB * MAX_PARTS + 1
        await upload(client, in_pieces(bytes(10 * MIB), MIB), content_length=str(hint))
    assert part_sizes(server) == [7 * MIB, 3 * MIB]


async def test_a_hint_is_not_believed_before_the_bytes_are_there(scripted: StartScript) -> None:
    """It comes from a header that anybody can write: 2 TiB take parts of 210 MiB."""
    server = await scripted(rest=either, keep_bodies=False)
    async with client_for(server, config=CHEAP) as client:
        tracemalloc.start()
        try:
            await upload(client, in_pieces(bytes(PART + 1), MIB), content_length=2 << 40)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert part_sizes(server) == [PART + 1]
    assert peak < 128 * MIB


async def test_several_parts_are_in_flight_and_no_more_is_held(scripted: StartScript) -> None:
    held = [hang()] * 8
    given = Given(*[bytes(PART)] * 40)
    server = await scripted(
        rest=lambda r: held.pop() if part_number(r) and held else either(r), keep_bodies=False
    )
    async with client_for(server, config=CHEAP) as client:
        task = asyncio.create_task(upload(client, given))
        await server.wait_for(9)
        await asyncio.sleep(0.1)
        assert kinds(server)[0] == "create"
        assert len(server.requests) == 9
        assert given.taken <= 12
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert given.closed
    assert kinds(server)[-1] == "abort"


async def test_large_parts_are_fewer_at_a_time(scripted: StartScript) -> None:
    """128 MiB in flight, whatever the size of a part."""
    given = Given(*[bytes(MIB)] * 400)
    server = await scripted(
        rest=lambda r: hang() if part_number(r) else either(r), keep_bodies=False
    )
    async with client_for(server, config=CHEAP) as client:
        task = asyncio.create_task(upload(client, given, min_part_size=50 * MIB))
        await server.wait_for(3)
        await asyncio.sleep(0.1)
        assert len(server.requests) == 3
        assert given.taken <= 101
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert kinds(server)[-1] == "abort"


# What tells of the chunks


@pytest.mark.parametrize("size", [10, PART + MIB])
@pytest.mark.parametrize("is_async", [True, False])
async def test_each_chunk_is_told_in_order_before_it_is_sent(
    scripted: StartScript, size: int, is_async: bool
) -> None:
    server = await scripted(rest=either, keep_bodies=False)
    data = noise(size)
    pieces = [data[:3], b"", data[3:5], data[5:]]
    told: list[bytes] = []

    async def later(chunk: bytes) -> None:
        await asyncio.sleep(0)
        told.append(chunk)

    async with client_for(server, config=CHEAP) as client:
        on_chunk = later if is_async else told.append
        await upload(client, Given(*pieces), on_chunk_received=on_chunk)
    assert told == pieces


@pytest.mark.parametrize("pieces", [1, 3])
@pytest.mark.parametrize("is_async", [True, False])
async def test_what_the_callback_raises_ends_the_upload(
    scripted: StartScript, pieces: int, is_async: bool
) -> None:
    server = await scripted(rest=either, keep_bodies=False)
    told: list[bytes] = []

    def at_last(chunk: bytes) -> None:
        told.append(chunk)
        if len(told) == pieces:
            raise LookupError("enough")

    async def later(chunk: bytes) -> None:
        at_last(chunk)

    given = Given(*[bytes(PART)] * 5)
    async with client_for(server, config=CHEAP) as client:
        with pytest.raises(LookupError, match="enough"):
            await upload(client, given, on_chunk_received=later if is_async else at_last)
    assert (given.taken, given.closed) == (pieces, True)
    seen = kinds(server)
    assert "complete" not in seen
    assert seen[-1:] == ([] if pieces == 1 else ["abort"])


# What may be given


def generator() -> Iterator[bytes]:
    yield b"some "
    yield b"bytes"


async def async_generator() -> AsyncIterator[bytes]:
    for piece in generator():
        yield piece


class AsyncFile:
    def __init__(self) -> None:
        self.file = io.BytesIO(b"some bytes")

    async def read(self, size: int = -1) -> bytes:
        return self.file.read(size)


@pytest.mark.parametrize(
    "data",
    [
        async_generator,
        lambda: Given(b"some ", b"bytes"),
        generator,
        lambda: [b"some ", bytearray(b"by"), memoryview(b"tes")],
        lambda: io.BytesIO(b"some bytes"),
        AsyncFile,
        lambda: b"some bytes",
        lambda: memoryview(b"some bytes"),
    ],
)
async def test_what_users_hand_over(scripted: StartScript, data: Any) -> None:
    server = await scripted(rest=either)
    told: list[bytes] = []
    async with client_for(server) as client:
        result = await upload(client, data(), on_chunk_received=told.append)
    assert result.size == 10
    assert [bytes(request.body) for request in server.requests] == [b"some bytes"]
    assert b"".join(told) == b"some bytes"


async def test_a_generator_is_closed_when_the_upload_fails(scripted: StartScript) -> None:
    closed = False

    def pieces() -> Iterator[bytes]:
        nonlocal closed
        try:
            for _ in range(9):
                yield bytes(PART)
        finally:
            closed = True

    server = await scripted(rest=but({"part 1": error(403, "AccessDenied")}), keep_bodies=False)
    given = Given(*[bytes(PART)] * 40)
    async with client_for(server, config=CHEAP) as client:
        for data in (pieces(), given, given.stream()):
            closed = given.closed = False
            with pytest.raises(AccessDenied):
                await upload(client, data)
            assert closed or given.closed
            assert kinds(server)[-1] == "abort"


@pytest.mark.parametrize("size", [7, PART + 1])
async def test_p9_an_iterator_that_raises_leaves_nothing(
    client: S3Client, bucket: str, oracle: Oracle, size: int
) -> None:
    given = Given(bytes(size), error=LookupError("the source broke"))
    with pytest.raises(LookupError, match="the source broke"):
        await upload(client, given, bucket)
    assert given.closed
    assert await asyncio.to_thread(oracle.uploads, bucket) == []
    assert await asyncio.to_thread(oracle.head, bucket, "key") is None


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ({"content_length": "12 MB"}, "content_length.*'12 MB'"),
        ({"content_length": "1e6"}, "content_length.*'1e6'"),
        ({"content_length": "٣"}, "content_length.*'٣'"),
        ({"content_length": "5, 5"}, "content_length.*'5, 5'"),
        ({"content_length": 1.5}, r"content_length.*1\.5"),
        ({"content_length": True}, "content_length.*True"),
        ({"content_length": b"5"}, "content_length.*b'5'"),
        ({"min_part_size": 0}, "min_part_size.*0"),
        ({"min_part_size": -1}, "min_part_size.*-1"),
        ({"min_part_size": "5"}, "min_part_size.*'5'"),
        ({"min_part_size": (5 << 30) + 1}, "min_part_size.*5 GiB.*5368709121"),
        ({"on_chunk_received": "print"}, "on_chunk_received.*'print'"),
    ],
)
async def test_bad_arguments_are_told_before_anything_is_taken(
    scripted: StartScript, how: dict[str, Any], named: str
) -> None:
    server = await scripted()
    given = Given(b"x")
    async with client_for(server) as client:
        with pytest.raises((ValueError, TypeError), match=named):
            await upload(client, given, **how)
    assert given.taken == 0


@pytest.mark.parametrize("hint", ["0" * 50_000 + "x", " " * 50_000 + "x", "9" * 50_000 + "x"])
async def test_a_hint_from_a_header_holds_up_nobody(scripted: StartScript, hint: str) -> None:
    """Anybody can write one: reading it takes no longer than its length."""
    server = await scripted()
    async with client_for(server) as client:
        began = time.perf_counter()
        with pytest.raises(ValueError, match="content_length must be a number") as caught:
            await upload(client, Given(b"x"), content_length=hint)
        assert time.perf_counter() - began < 1
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("data", ["text", Path("file"), 5, None, {"a": b"b"}])
async def test_what_is_no_stream_is_refused(scripted: StartScript, data: Any) -> None:
    server = await scripted()
    async with client_for(server) as client:
        with pytest.raises(TypeError, match="data"):
            await upload(client, data)


async def test_nothing_is_taken_for_a_client_that_is_not_open(scripted: StartScript) -> None:
    server = await scripted()
    given = Given(b"x")
    with pytest.raises(RuntimeError, match="no session"):
        await upload(client_for(server), given)
    assert given.taken == 0
