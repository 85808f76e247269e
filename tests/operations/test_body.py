"""``StreamingBody``: the right bytes in every form of reading, whatever becomes of the answer."""

from __future__ import annotations

import asyncio
import gc
import random
import re
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import (
    ChecksumMismatch,
    NoSuchKey,
    ObjectChanged,
    ResponseParseError,
    S3ConnectionError,
    S3TimeoutError,
)
from aiohttp_s3_client.operations.body import StreamingBody
from aiohttp_s3_client.protocol import checksums, crc
from aiohttp_s3_client.protocol.ranges import ByteRange
from aiohttp_s3_client.request import Request
from aiohttp_s3_client.transfer.expected import MODE

from ..servers.running import RunningServer
from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import Recorded, Reply, Step, drop, reply
from ..transport.scripts import ETAG, SECRET, RangedObject, client_for, error

SIZE = 300_000
DATA = random.Random(41).randbytes(SIZE)
STOPS = 100_000
"""Where bodies break off."""


async def get(
    client: S3Client,
    headers: dict[str, str] | None = None,
    *,
    operation: str = "GetObject",
    bucket: str = "bucket",
    **request: Any,
) -> StreamingBody:
    engine = client._engine
    answer = await engine.send(
        Request(
            operation=operation,
            method="GET",
            bucket=bucket,
            key="key",
            headers=CIMultiDict({MODE: "ENABLED", **(headers or {})}),
            **request,
        )
    )
    answer.raise_for_status()
    return StreamingBody(engine, answer)


def whole(data: bytes = DATA, headers: dict[str, str] | None = None, **how: Any) -> Step:
    return reply(200, {"ETag": ETAG, **(headers or {})}, data, **how)


def checksum(algorithm: str = "CRC32", data: bytes = DATA) -> dict[str, str]:
    value = checksums.encode(checksums.compute(algorithm, data))
    return {checksums.header_name(algorithm): value}


@pytest.fixture
async def one_connection() -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=None, sock_read=0.5)
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1), timeout=timeout)


async def still_serves(client: S3Client) -> None:
    async with asyncio.timeout(2), client.head("bucket/key") as response:
        assert response.status == 200


# --- the forms of reading


async def read_all(body: StreamingBody) -> bytes:
    return await body.read()


async def read_negative(body: StreamingBody) -> bytes:
    return await body.read(-1)


async def read_amounts(body: StreamingBody) -> bytes:
    pieces: list[bytes] = []
    while piece := await body.read(7919):
        assert len(piece) == 7919 or body.tell() == SIZE
        pieces.append(piece)
    return b"".join(pieces)


async def read_pieces(body: StreamingBody) -> bytes:
    return b"".join([piece async for piece in body])


async def read_chunks(body: StreamingBody) -> bytes:
    chunks = [chunk async for chunk in body.iter_chunks(10_007)]
    assert all(len(chunk) == 10_007 for chunk in chunks[:-1])
    return b"".join(chunks)


async def read_lines(body: StreamingBody) -> bytes:
    return b"".join([line async for line in body.iter_lines(5003, keepends=True)])


async def read_into_one(body: StreamingBody) -> bytes:
    buffer = bytearray(SIZE + 10)
    return bytes(buffer[: await body.readinto(buffer)])


async def read_into_many(body: StreamingBody) -> bytes:
    pieces: list[bytes] = []
    buffer = bytearray(12_345)
    while size := await body.readinto(memoryview(buffer)):
        pieces.append(bytes(buffer[:size]))
    return b"".join(pieces)


Form = Callable[[StreamingBody], Awaitable[bytes]]
FORMS: list[Form] = [
    read_all,
    read_negative,
    read_amounts,
    read_pieces,
    read_chunks,
    read_lines,
    read_into_one,
    read_into_many,
]
every_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)


@every_form
@pytest.mark.parametrize("chunked", [False, True], ids=["measured", "chunked"])
async def test_every_form_gives_the_bytes_and_ends(
    scripted: StartScript, form: Form, chunked: bool
) -> None:
    server = await scripted(whole(headers=checksum(), chunked=chunked, piece=33_333), reply(200))
    async with client_for(server) as client:
        body = await get(client)
        assert body.content_length == (None if chunked else SIZE)
        assert (body.tell(), body.verified) == (0, None)
        assert await form(body) == DATA
        assert (body.tell(), body.verified) == (SIZE, True)
        assert await body.read() == b""
        assert await body.read(10) == b""
        assert await body.readinto(bytearray(10)) == 0
        assert [piece async for piece in body] == []
        await still_serves(client)
    assert server.connections == 1


@every_form
async def test_an_empty_body(scripted: StartScript, form: Form) -> None:
    server = await scripted(whole(b"", checksum(data=b"")))
    async with client_for(server) as client:
        body = await get(client)
        assert await form(body) == b""
        assert (body.content_length, body.verified) == (0, True)


async def test_the_forms_go_on_from_each_other(scripted: StartScript) -> None:
    server = await scripted(whole())
    async with client_for(server) as client, await get(client) as body:
        got = await body.read(10)
        assert await body.read(0) == b""
        got += await anext(body)
        buffer = bytearray(5)
        got += buffer[: await body.readinto(buffer)]
        assert body.tell() == len(got)
        async for chunk in body.iter_chunks(100):
            got += chunk
            break
        assert got == DATA[: body.tell()]
        assert got + await body.read() == DATA


@pytest.mark.parametrize("keepends", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 1024])
async def test_lines_are_those_of_splitlines_however_they_are_cut(
    scripted: StartScript, size: int, keepends: bool
) -> None:
    texts = [b"a\nbc\r\n\r\n\n\rd\re", b"no end", b"\r\n", b"\n\n", b"x\r", b"", b"\r\r\n\x0b\x1c"]
    server = await scripted(*[whole(text) for text in texts])
    async with client_for(server) as client:
        for text in texts:
            body = await get(client)
            lines = [line async for line in body.iter_lines(size, keepends)]
            assert lines == text.splitlines(keepends)


async def test_p22_bytes_come_as_they_are_stored(scripted: StartScript) -> None:
    stored = b"\x1f\x8b not gzip at all"
    server = await scripted(whole(stored, {"Content-Encoding": "gzip"}))
    async with client_for(server) as client:
        assert await (await get(client)).read() == stored
    assert server.requests[0].header("accept-encoding") == "identity"


async def test_wrong_arguments(scripted: StartScript) -> None:
    server = await scripted(whole())
    async with client_for(server) as client, await get(client) as body:
        with pytest.raises(ValueError, match="chunk_size must be at least 1, not 0"):
            await anext(body.iter_chunks(0))
        with pytest.raises(TypeError):
            await body.readinto(memoryview(b"read only"))


# --- closing


@pytest.mark.parametrize("read_before", [0, 10, SIZE])
async def test_reading_a_closed_body_is_an_error(scripted: StartScript, read_before: int) -> None:
    server = await scripted(whole())
    async with client_for(server) as client:
        body = await get(client)
        await body.read(read_before)
        body.close()
        body.close()
        for attempt in (body.read(), body.read(0), body.readinto(bytearray(1)), anext(body)):
            with pytest.raises(ValueError, match="the body is closed"):
                await attempt


async def test_closing_wakes_a_reader_and_nothing_is_asked_again(scripted: StartScript) -> None:
    server = await scripted(whole(piece=1000, pause=30))
    async with client_for(server) as client:
        body = await get(client)
        reader = asyncio.create_task(body.read())
        await asyncio.sleep(0.1)
        body.close()
        with pytest.raises(ValueError, match="the body is closed"):
            await reader


async def test_two_readers_at_once_are_an_error(scripted: StartScript) -> None:
    server = await scripted(whole(piece=1000, pause=30))
    async with client_for(server) as client:
        body = await get(client)
        first = asyncio.create_task(body.read())
        await asyncio.sleep(0.1)
        with pytest.raises(RuntimeError, match="another coroutine"):
            await body.read()
        with pytest.raises(ValueError, match="the body is closed"):
            await first


async def close(body: StreamingBody) -> None:
    body.close()


async def leave(body: StreamingBody) -> None:
    async with body:
        await body.read(10)


async def leave_by_error(body: StreamingBody) -> None:
    with pytest.raises(KeyError):
        async with body:
            raise KeyError


async def leave_after_close(body: StreamingBody) -> None:
    async with body:
        body.close()


async def cancel(body: StreamingBody) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await body.read()


async def cancel_within(body: StreamingBody) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1), body:
            [piece async for piece in body]


@pytest.mark.parametrize(
    "how", [close, leave, leave_by_error, leave_after_close, cancel, cancel_within]
)
async def test_p02_giving_a_body_up_gives_the_connection_back(
    scripted: StartScript,
    one_connection: aiohttp.ClientSession,
    how: Callable[[StreamingBody], Awaitable[None]],
) -> None:
    server = await scripted(whole(bytes(1_000_000), piece=1024, pause=30), reply(200))
    async with one_connection as session:
        client = client_for(server, session)
        body = await get(client)
        await how(body)
        await still_serves(client)
        with pytest.raises(ValueError, match="closed"):
            await body.read()
    gc.collect()


async def test_p02_a_small_rest_is_read_and_its_connection_used_again(
    scripted: StartScript,
) -> None:
    server = await scripted(whole(bytes(5000), piece=1000, pause=0.01), reply(200))
    async with client_for(server) as client:
        async with await get(client) as body:
            await body.read(10)
        await still_serves(client)
    assert server.connections == 1


# --- resuming


class Breaking(RangedObject):
    """Breaks off each answer after some bytes, but for the last."""

    def __init__(self, data: bytes = DATA, *, times: int = 1, **how: Any) -> None:
        super().__init__(data, **how)
        self.times = times

    def __call__(self, request: Recorded, **how: Any) -> Reply:
        if self.times:
            self.times -= 1
            how.setdefault("cut", STOPS if self.times else STOPS // 2)
        return super().__call__(request, **how)


def asked(server: ScriptedServer) -> list[tuple[str | None, str | None]]:
    return [(each.header("range"), each.header("if-match")) for each in server.requests]


@every_form
async def test_p07_a_body_that_breaks_off_goes_on_at_the_next_byte(
    scripted: StartScript, form: Form
) -> None:
    def step(request: Recorded) -> Step:
        return kept(request, headers=checksum())

    kept = Breaking(times=2)
    server = await scripted(whole(headers=checksum(), cut=STOPS), rest=step)
    async with client_for(server) as client:
        body = await get(client)
        assert await form(body) == DATA
        assert (body.verified, body.content_length) == (True, SIZE)
    assert asked(server) == [
        (None, None),
        (f"bytes={STOPS}-{SIZE - 1}", ETAG),
        (f"bytes={2 * STOPS}-{SIZE - 1}", ETAG),
        (f"bytes={5 * STOPS // 2}-{SIZE - 1}", ETAG),
    ]


async def test_p07_a_range_goes_on_within_itself(scripted: StartScript) -> None:
    server = await scripted(rest=Breaking(times=1))
    wanted = ByteRange(1000, 250_000)
    async with client_for(server) as client:
        body = await get(client, {"Range": wanted.header, "x-amz-request-payer": "requester"})
        assert body.content_length == wanted.size
        assert await body.read() == DATA[wanted.start : wanted.stop]
        assert (body.tell(), body.verified) == (wanted.size, None)
    start = wanted.start + STOPS // 2
    assert asked(server) == [(wanted.header, None), (f"bytes={start}-{wanted.stop - 1}", ETAG)]
    assert server.requests[1].header("x-amz-request-payer") == "requester"


async def test_p07_attempts_that_bring_bytes_are_not_counted(scripted: StartScript) -> None:
    server = await scripted(rest=_one_byte_more)
    async with client_for(server) as client:
        assert await (await get(client, max_attempts=2)).read() == DATA[:8]
    assert len(server.requests) == 8


def _one_byte_more(request: Recorded) -> Step:
    kept = RangedObject(DATA[:8])
    last = request.header("range") == "bytes=7-7"
    return kept(request) if last else kept(request, cut=1)


@pytest.mark.parametrize("limit", [1, 3])
async def test_p07_attempts_that_bring_nothing_end_with_how_far_it_got(
    scripted: StartScript, limit: int
) -> None:
    kept = RangedObject(DATA)
    server = await scripted(whole(cut=STOPS), rest=lambda request: kept(request, cut=0))
    async with client_for(server) as client:
        body = await get(client, max_attempts=limit)
        with pytest.raises(S3ConnectionError, match=f"after {STOPS} of {SIZE} bytes") as caught:
            await body.read()
        with pytest.raises(ValueError, match="closed"):
            await body.read()
    # The first brought bytes, and so it was not counted.
    assert caught.value.attempts == len(server.requests) == limit + 1
    assert caught.value.__cause__ is caught.value.__context__ is None


async def test_p07_a_connection_that_is_refused_while_resuming_counts_too(
    scripted: StartScript,
) -> None:
    server = await scripted(whole(cut=STOPS), rest=drop())
    async with client_for(server) as client:
        with pytest.raises(S3ConnectionError, match=re.escape(f"[bytes {STOPS}-{SIZE - 1}]")):
            await (await get(client, max_attempts=2)).read()
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("headers", "request_"),
    [
        ({"ETag": 'W/"weak"'}, {}),
        ({"ETag": ""}, {}),
        ({}, {"operation": "GetObjectTorrent"}),
        ({}, {"query": (("partNumber", "1"),)}),
    ],
    ids=["weak", "none", "torrent", "part"],
)
async def test_p07_what_cannot_be_known_again_is_not_resumed(
    scripted: StartScript, headers: dict[str, str], request_: dict[str, Any]
) -> None:
    server = await scripted(whole(headers=headers, cut=STOPS))
    async with client_for(server) as client:
        body = await get(client, **request_)
        with pytest.raises(S3ConnectionError, match=f"{STOPS} of {SIZE} bytes"):
            await body.read()


async def test_p07_a_body_of_unknown_length_is_not_resumed(scripted: StartScript) -> None:
    server = await scripted(whole(chunked=True, piece=1000, cut=STOPS))
    async with client_for(server) as client:
        with pytest.raises(S3ConnectionError, match=r"broke off .* after \d+ bytes"):
            await (await get(client)).read()


async def test_p07_a_range_that_does_not_say_where_it_is_is_not_resumed(
    scripted: StartScript,
) -> None:
    server = await scripted(reply(206, {"ETag": ETAG}, DATA, cut=STOPS))
    async with client_for(server) as client:
        with pytest.raises(S3ConnectionError, match=f"{STOPS} of {SIZE}"):
            await (await get(client, {"Range": "bytes=5-"})).read()


async def test_p07_a_server_without_ranges_sends_the_whole_again(scripted: StartScript) -> None:
    server = await scripted(whole(headers=checksum(), cut=STOPS), whole(piece=50_001))
    async with client_for(server) as client:
        body = await get(client)
        assert await body.read() == DATA
        assert body.verified


async def test_p07_a_whole_in_the_place_of_a_ranges_rest_is_cut_to_it(
    scripted: StartScript, one_connection: aiohttp.ClientSession
) -> None:
    first = RangedObject(DATA)
    server = await scripted(
        lambda request: first(request, cut=1000), whole(piece=50_000, pause=0.01), reply(200)
    )
    async with one_connection as session:
        client = client_for(server, session)
        assert await (await get(client, {"Range": "bytes=500-9999"})).read() == DATA[500:10_000]
        await still_serves(client)


def told(start: int, stop: int, data: bytes, total: int = SIZE, **how: Any) -> Step:
    headers = {"ETag": ETAG, "Content-Range": f"bytes {start}-{stop - 1}/{total}"}
    return reply(206, headers, data, **how)


@pytest.mark.parametrize(
    "odd",
    [
        told(0, SIZE, DATA),
        told(STOPS + 1, SIZE, DATA[STOPS + 1 :]),
        told(STOPS, SIZE + 1, bytes(SIZE + 1 - STOPS), SIZE + 1),
        told(STOPS, SIZE, bytes(10)),
        reply(206, {"ETag": ETAG}, DATA[STOPS:]),
    ],
    ids=["from the start", "later", "longer", "other length", "no Content-Range"],
)
async def test_p05_an_answer_of_other_bytes_is_not_taken(scripted: StartScript, odd: Step) -> None:
    server = await scripted(whole(cut=STOPS), odd, RangedObject(DATA))
    async with client_for(server) as client:
        assert await (await get(client)).read() == DATA


async def test_p07_an_answer_of_less_is_taken_and_more_asked_for(scripted: StartScript) -> None:
    less = told(STOPS, STOPS + 10, DATA[STOPS : STOPS + 10])
    server = await scripted(whole(cut=STOPS), less, RangedObject(DATA))
    async with client_for(server) as client:
        assert await (await get(client)).read() == DATA
    assert server.requests[-1].header("range") == f"bytes={STOPS + 10}-{SIZE - 1}"


@pytest.mark.parametrize(
    "second",
    [
        RangedObject(DATA[::-1], '"another"'),
        RangedObject(DATA[::-1], '"another"', knows_if_match=False),
        RangedObject(DATA[:50]),
        told(STOPS, SIZE, DATA[STOPS:]),
    ],
    ids=["412", "another ETag", "416", "another version"],
)
async def test_p05_an_object_that_was_replaced_is_never_mixed(
    scripted: StartScript, second: Step
) -> None:
    server = await scripted(whole(headers={"x-amz-version-id": "1"}, cut=STOPS), second, reply(200))
    async with client_for(server) as client:
        with pytest.raises(ObjectChanged, match="bucket/key was replaced"):
            await (await get(client)).read()
        await still_serves(client)


async def test_p07_an_object_that_was_deleted_is_its_typed_error(scripted: StartScript) -> None:
    server = await scripted(whole(cut=STOPS), error(404, "NoSuchKey"))
    async with client_for(server) as client:
        with pytest.raises(NoSuchKey, match=rf"bytes {STOPS}-{SIZE - 1}"):
            await (await get(client)).read()


async def test_a_server_that_stands_still_is_a_timeout(
    scripted: StartScript, one_connection: aiohttp.ClientSession
) -> None:
    server = await scripted(whole(piece=10_000, pause=30), rest=reply(200))
    async with one_connection as session:
        client = client_for(server, session)
        body = await get(client, {}, query=(("partNumber", "1"),))
        with pytest.raises(S3TimeoutError, match="SocketTimeoutError") as caught:
            await body.read()
        assert isinstance(caught.value, TimeoutError)
        assert SECRET not in repr(caught.value)
        await still_serves(client)


async def test_a_session_that_is_closed_ends_the_reading(scripted: StartScript) -> None:
    server = await scripted(whole(piece=10_000, pause=30))
    async with client_for(server) as client:
        body = await get(client)
        await body.read(10_000)
    with pytest.raises(S3ConnectionError, match=f"after 10000 of {SIZE} bytes"):
        await body.read()


async def test_a_session_that_is_closed_meanwhile_ends_the_reading(scripted: StartScript) -> None:
    server = await scripted(whole(piece=10_000, pause=30))
    async with client_for(server) as client:
        reader = asyncio.create_task((await get(client)).read())
        await asyncio.sleep(0.1)
    with pytest.raises(S3ConnectionError, match="bucket/key"):
        await reader


@pytest.mark.parametrize(
    "headers",
    [{"Content-Range": "lots"}, {"Content-Range": "bytes 0-9/100"}],
    ids=["nonsense", "other length"],
)
async def test_p05_an_answer_that_contradicts_itself_gives_its_connection_back(
    scripted: StartScript, one_connection: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    server = await scripted(reply(206, headers, DATA, piece=1024, pause=30), reply(200))
    async with one_connection as session:
        client = client_for(server, session)
        with pytest.raises(ResponseParseError, match=r"Content-Range|were announced"):
            await get(client)
        await still_serves(client)


# --- the checksum


@every_form
@pytest.mark.parametrize("algorithm", ["CRC32", "CRC64NVME", "SHA256"])
async def test_a_checksum_that_does_not_fit_comes_in_the_place_of_the_end(
    scripted: StartScript, form: Form, algorithm: str
) -> None:
    wrong = checksum(algorithm, DATA[:-1])
    server = await scripted(whole(headers=wrong, piece=50_000, pause=0.01), reply(200))
    async with client_for(server) as client:
        body = await get(client)
        with pytest.raises(ChecksumMismatch, match=f"bucket/key: the {algorithm} of what arrived"):
            await form(body)
        assert body.verified is None
        with pytest.raises(ValueError, match="closed"):
            await body.read()
        await still_serves(client)


async def test_nobody_has_all_bytes_before_they_were_held_to_the_checksum(
    scripted: StartScript,
) -> None:
    """Who knows the length never asks for the end."""
    server = await scripted(whole(headers=checksum("CRC32", b"")))
    async with client_for(server) as client:
        with pytest.raises(ChecksumMismatch):
            await (await get(client)).read(SIZE)


MULTIPART = {"ETag": f'"{0:032x}-3"'}


@pytest.mark.parametrize(
    ("headers", "status", "query"),
    [
        ({}, 200, ()),
        ({"x-amz-checksum-crc32": checksum("CRC32", b"")["x-amz-checksum-crc32"] + "-3"}, 200, ()),
        ({**checksum("CRC32", b""), "x-amz-checksum-type": "COMPOSITE"}, 200, ()),
        ({**checksum("CRC32", b""), **MULTIPART}, 200, ()),
        (checksum("CRC32", b""), 200, (("partNumber", "1"),)),
        (
            {**checksum("CRC32", b""), "x-amz-checksum-type": "FULL_OBJECT"},
            206,
            (("partNumber", "1"),),
        ),
        ({**checksum("CRC32", b""), "Content-Range": f"bytes 5-{SIZE + 4}/{SIZE + 5}"}, 206, ()),
        ({**checksum("CRC32", b""), "Content-Range": f"bytes 0-{SIZE - 1}/{SIZE + 5}"}, 200, ()),
    ],
    ids=[
        "none",
        "composite",
        "called composite",
        "moto's composite",
        "part",
        "part of a whole",
        "range",
        "rclone's",
    ],
)
async def test_a_checksum_of_anything_else_is_not_used(
    scripted: StartScript, headers: dict[str, str], status: int, query: tuple[tuple[str, str], ...]
) -> None:
    server = await scripted(reply(status, headers, DATA))
    async with client_for(server) as client:
        body = await get(client, query=query)
        assert await body.read() == DATA
        assert body.verified is None


async def test_a_checksum_of_a_multipart_object_that_is_of_the_whole_is_used(
    scripted: StartScript,
) -> None:
    full = {**checksum(), **MULTIPART, "x-amz-checksum-type": "FULL_OBJECT"}
    server = await scripted(whole(headers=full))
    async with client_for(server) as client:
        body = await get(client)
        assert await body.read() == DATA
        assert body.verified


@pytest.mark.usefixtures("no_packages_for_checksums")
async def test_a_large_object_is_not_held_to_what_would_take_minutes(
    scripted: StartScript, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor one whose length nobody knows; the log says it once."""
    small, large = bytes(checksums.SLOW_LIMIT), bytes(checksums.SLOW_LIMIT + 1)
    unknown = reply(200, {"ETag": ETAG, **checksum("CRC32C")}, DATA, chunked=True)
    server = await scripted(
        whole(small, checksum("CRC32C", small)),
        whole(large, checksum("CRC32C", b"")),
        unknown,
        whole(large, checksum("CRC32C", b"")),
        whole(small, checksum("CRC32C", b"")),
    )
    async with client_for(server) as client:
        for size, verified in ((len(small), True), (len(large), None), (None, None)):
            body = await get(client)
            assert body.content_length == size
            assert len(await body.read()) == (size or len(DATA))
            assert body.verified is verified
        await (await get(client)).read()
        with pytest.raises(ChecksumMismatch):
            await (await get(client)).read()
    told = [record.message for record in caplog.records if "not verified" in record.message]
    assert told == [
        "objects above 1 MiB are not verified by their CRC32C: that takes a package of the extra "
        "[checksums]"
    ]


@pytest.mark.usefixtures("no_packages_for_checksums")
async def test_p01_what_python_computes_does_not_hold_the_event_loop(
    scripted: StartScript, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P1: a MiB takes 0.1 s, of which other tasks have their share."""
    data = random.Random(1).randbytes(checksums.SLOW_LIMIT)
    threads: set[int] = set()
    slowly = crc.extend_slowly

    def watched(kind: crc.Crc, piece: crc.Buffer, before: int) -> int:
        threads.update([threading.get_ident()] if piece else ())
        return slowly(kind, piece, before)

    sent = checksum("CRC32C", data)
    monkeypatch.setattr(crc, "extend_slowly", watched)
    crc.backend.cache_clear()
    server = await scripted(whole(data, sent))
    async with client_for(server) as client:
        body = await get(client)
        threads.clear()  # Choosing the back end computes a little.
        assert await body.read() == data
    assert body.verified
    assert threads
    assert threading.get_ident() not in threads


async def test_a_part_of_a_composite_is_held_to_its_own(scripted: StartScript) -> None:
    said = {**checksum("SHA256"), "x-amz-checksum-type": "COMPOSITE"}
    said["Content-Range"] = f"bytes 0-{SIZE - 1}/{2 * SIZE}"
    wrong = {**said, **checksum("SHA256", b"")}
    server = await scripted(reply(206, said, DATA), reply(206, wrong, DATA))
    query = (("partNumber", "1"),)
    async with client_for(server) as client:
        body = await get(client, query=query)
        assert await body.read() == DATA
        assert body.verified
        with pytest.raises(ChecksumMismatch):
            await (await get(client, query=query)).read()


async def test_what_was_not_asked_for_is_not_held_to(scripted: StartScript) -> None:
    server = await scripted(whole(headers=checksum("CRC32", b"")))
    async with client_for(server) as client:
        body = await get(client, {MODE: ""})
        assert await body.read() == DATA
        assert body.verified is None


# --- a real server


async def test_a_real_object_in_every_form(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str
) -> None:
    await asyncio.to_thread(embedded.oracle.put, embedded_bucket, "key", DATA)
    for form in FORMS:
        async with await get(embedded_client, bucket=embedded_bucket) as body:
            assert await form(body) == DATA
    async with await get(
        embedded_client, {"Range": "bytes=100-199"}, bucket=embedded_bucket
    ) as body:
        assert await body.read() == DATA[100:200]


async def test_p07_a_real_server_is_asked_for_the_rest(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str
) -> None:
    large = DATA * 40  # More than the buffers on the way hold.
    await asyncio.to_thread(embedded.oracle.put, embedded_bucket, "key", large)
    engine = embedded_client._engine
    request = Request(operation="GetObject", method="GET", bucket=embedded_bucket, key="key")
    answer = await engine.send(request)
    body = StreamingBody(engine, answer)
    got = await body.read(1000)
    connection = answer.response.connection
    assert connection is not None
    assert connection.transport is not None
    connection.transport.abort()
    assert got + await body.read() == large
