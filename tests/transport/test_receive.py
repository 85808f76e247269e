"""``receive``: every road puts the same bytes in the same place, and fails in the same way."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from aiohttp_s3_client.config import plain_paths_only
from aiohttp_s3_client.transport.disk import Disk
from aiohttp_s3_client.transport.exchange import Fault
from aiohttp_s3_client.transport.receive import Landing, Reception, receive
from aiohttp_s3_client.transport.sink import Memory, PositionedFile

from ..conftest import LoopbackTls
from .bodies import (
    BODY,
    SIZE,
    ByteServer,
    Play,
    answer,
    expected_road,
    lag,
    nothing_left,
    pieces,
    reset,
    serving,
    spy,
    spy_splice_to_file,
)

HALF = 150_000
HEAD = answer(b"")[: -len(b"\r\n\r\n")]
splicing = pytest.mark.skipif(
    expected_road("file", secure=False) != "splice", reason="nothing is spliced here"
)
fast_only = pytest.mark.skipif(plain_paths_only(), reason="AIOS3_PLAIN: no connection is taken")


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def tls(request: pytest.FixtureRequest, loopback_tls: LoopbackTls) -> LoopbackTls | None:
    return loopback_tls if request.param else None


class Place:
    """A file or memory that a body is received into."""

    def __init__(self, where: str, folder: Path, *, threads: bool = True) -> None:
        self.where = where
        self.disk = Disk(threads=threads)
        self.buffer = bytearray(SIZE)
        self.file = PositionedFile(folder / "it", self.disk) if where == "file" else None
        self.landing: Landing = self.file or Memory(memoryview(self.buffer))

    def bytes(self, start: int = 0, stop: int = SIZE) -> bytes:
        if self.file is None:
            return bytes(self.buffer[start:stop])
        return os.pread(self.file.file, stop - start, start)

    def close(self) -> None:
        if self.file is not None:
            self.file.remove()


@pytest.fixture(params=["file", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    with contextlib.closing(Place(request.param, tmp_path)) as made:
        yield made


@pytest.fixture
def file_place(tmp_path: Path) -> Any:
    with contextlib.closing(Place("file", tmp_path)) as made:
        yield made


@contextlib.asynccontextmanager
async def closed_after(response: aiohttp.ClientResponse) -> AsyncIterator[aiohttp.ClientResponse]:
    """As the caller of ``receive`` has it: an exception closes the response."""
    try:
        yield response
    except BaseException:
        response.close()
        raise


class Got:
    """One body received, and how."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.position = -1
        self.fault: Fault | None = None
        self.own_protocol = False

    async def receive(
        self, session: aiohttp.ClientSession, url: str, place: Place, **how: Any
    ) -> None:
        headers = how.pop("headers", None)
        start, stop = how.pop("start", 0), how.pop("stop", SIZE)
        reception = how.pop("reception", None) or Reception(place.landing, place.disk)
        async with closed_after(
            await session.get(url, headers=headers, auto_decompress=False)
        ) as response:
            connection = response.connection
            transport = connection.transport if connection is not None else None

            def reached(position: int) -> None:
                self.steps.append(position)
                if transport is not None:
                    protocol = transport.get_protocol()
                    self.own_protocol |= isinstance(protocol, asyncio.BufferedProtocol)

            self.position, self.fault = await receive(
                response, reception, start, stop, reached=reached, **how
            )


def whole(*headers: str) -> Play:
    async def play(_: bytes, writer: asyncio.StreamWriter, __: int) -> None:
        writer.write(answer(BODY, *headers))

    return play


async def next_is_right(session: aiohttp.ClientSession, server: ByteServer) -> None:
    """Two more requests are answered as they should be."""
    for _ in range(2):
        async with session.get(server.url, auto_decompress=False) as response:
            assert await response.read() == BODY


# Which road


async def test_the_shortest_road_is_taken_and_the_connection_reused(
    tls: LoopbackTls | None, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    spliced, written = spy(monkeypatch, "splice"), spy(monkeypatch, "pwrite")

    async def play(_: bytes, writer: asyncio.StreamWriter, __: int) -> None:
        await pieces(writer, answer()[:-300_000], BODY[-300_000:])

    async with serving(play, tls) as (server, session):
        for got in (all_of_them := [Got(), Got(), Got()]):
            await got.receive(session, server.url, place)
            assert (got.position, got.fault) == (SIZE, None)
            assert got.steps == sorted(got.steps)
            assert got.steps[-1] == SIZE
            assert place.bytes() == BODY
        road = expected_road(place.where, secure=tls is not None)
        assert (spliced.count > 0) is (road == "splice")
        assert all(got.own_protocol is (road == "own protocol") for got in all_of_them)
        if road == "own protocol" and place.where == "file":
            assert written.count >= 2
        await next_is_right(session, server)
        assert server.connections == 1


@fast_only
async def test_a_small_rest_is_not_worth_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    spliced = spy(monkeypatch, "splice")

    async def play(_: bytes, writer: asyncio.StreamWriter, __: int) -> None:
        await pieces(writer, answer(BODY[:60_000])[:-10], BODY[59_990:60_000])

    async with serving(play) as (server, session):
        got = Got()
        await got.receive(session, server.url, place, stop=60_000)
        assert place.bytes(0, 60_000) == BODY[:60_000]
        assert not spliced.count
        assert not got.own_protocol


async def _trace(*_: Any) -> None:
    pass


def _traced() -> dict[str, Any]:
    config = aiohttp.TraceConfig()
    config.on_response_chunk_received.append(_trace)
    return {"trace_configs": [config]}


@pytest.mark.parametrize(
    "options",
    [_traced, lambda: {"timeout": aiohttp.ClientTimeout(total=30)}],
    ids=["trace", "total timeout"],
)
async def test_what_aiohttp_has_to_see_stays_with_aiohttp(
    tls: LoopbackTls | None,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    options: Callable[[], dict[str, Any]],
) -> None:
    spliced = spy(monkeypatch, "splice")
    async with serving(whole(), tls, **options()) as (server, session):
        got = Got()
        await got.receive(session, server.url, place)
        assert (got.position, got.fault) == (SIZE, None)
        assert place.bytes() == BODY
        assert not spliced.count
        assert not got.own_protocol
        await next_is_right(session, server)
        assert server.connections == 1


async def test_a_chunked_body_is_read(
    tls: LoopbackTls | None, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    spliced = spy(monkeypatch, "splice")

    async def play(_: bytes, writer: asyncio.StreamWriter, __: int) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"%x\r\n%s\r\n0\r\n\r\n" % (SIZE, BODY))

    async with serving(play, tls) as (server, session):
        got = Got()
        await got.receive(session, server.url, place)
        assert (got.position, got.fault) == (SIZE, None)
        assert place.bytes() == BODY
        assert not spliced.count
        await next_is_right(session, server)


async def test_an_encoded_body_is_kept_as_it_is(tls: LoopbackTls | None, place: Place) -> None:
    async with serving(whole("Content-Encoding: gzip"), tls) as (server, session):
        got = Got()
        await got.receive(session, server.url, place)
        assert (got.position, got.fault) == (SIZE, None)
        assert place.bytes() == BODY
        await next_is_right(session, server)
        assert server.connections == 1


async def test_middlewares_do_no_harm(tls: LoopbackTls | None, place: Place) -> None:
    seen = 0

    async def count(
        request: aiohttp.ClientRequest, handler: Callable[[aiohttp.ClientRequest], Any]
    ) -> Any:
        nonlocal seen
        seen += 1
        return await handler(request)

    async with serving(whole(), tls, middlewares=(count,)) as (server, session):
        got = Got()
        await got.receive(session, server.url, place)
        assert (got.position, got.fault) == (SIZE, None)
        assert place.bytes() == BODY
        await next_is_right(session, server)
        assert (seen, server.connections) == (3, 1)


@pytest.mark.parametrize("bufsize", [1, 1000, 16_384])
async def test_flow_control_paused_the_reading_before(
    tls: LoopbackTls | None, place: Place, bufsize: int
) -> None:
    async with serving(whole(), tls, read_bufsize=bufsize) as (server, session):
        for wait in (0.0, 0.05):
            async with closed_after(await session.get(server.url)) as response:
                await asyncio.sleep(wait)
                reception = Reception(place.landing, place.disk)
                result = await receive(response, reception, 0, SIZE, reached=lambda _: None)
                assert result == (SIZE, None)
            assert place.bytes() == BODY
        await next_is_right(session, server)
        assert server.connections == 1


async def test_ranges_land_where_they_belong(tls: LoopbackTls | None, place: Place) -> None:
    bounds = [(HALF, SIZE), (0, HALF)]

    async def play(_: bytes, writer: asyncio.StreamWriter, number: int) -> None:
        start, stop = bounds[number]
        writer.write(answer(BODY[start:stop]))

    async with serving(play, tls) as (server, session):
        for start, stop in bounds:
            got = Got()
            await got.receive(session, server.url, place, start=start, stop=stop)
            assert (got.position, got.fault) == (stop, None)
        assert place.bytes() == BODY


# Round the end of the headers, and behind the body


async def test_split_at_every_place_round_the_end_of_the_headers(
    tls: LoopbackTls | None, place: Place
) -> None:
    places = [*range(-6, 7), 1000, 65_536, SIZE - 1, SIZE]
    message = answer()

    async def play(_: bytes, writer: asyncio.StreamWriter, number: int) -> None:
        cut = len(message) - SIZE + places[number] if number < len(places) else 0
        await pieces(writer, message[:cut], message[cut:], pause=0.002)

    async with serving(play, tls) as (server, session):
        for split in places:
            got = Got()
            await got.receive(session, server.url, place)
            assert (got.position, got.fault) == (SIZE, None), split
            assert place.bytes() == BODY, split
        await next_is_right(session, server)
        assert server.connections == 1


@pytest.mark.parametrize("how", ["together", "at once", "late"])
async def test_a_connection_with_bytes_behind_the_body_is_not_used_again(
    tls: LoopbackTls | None, place: Place, how: str
) -> None:
    forged = answer(b"evil")

    async def play(_: bytes, writer: asyncio.StreamWriter, number: int) -> None:
        if number:
            writer.write(answer())
        elif how == "together":
            writer.write(answer() + forged)
        else:
            await pieces(writer, answer(), pause=0.03 if how == "late" else 0)
            writer.write(forged)

    async with serving(play, tls) as (server, session):
        got = Got()
        await got.receive(session, server.url, place)
        assert (got.position, got.fault) == (SIZE, None)
        assert place.bytes() == BODY
        await asyncio.sleep(0 if how == "together" else 0.08)
        if expected_road(place.where, secure=tls is not None) != "read":
            await next_is_right(session, server)
            assert server.connections == 2


async def test_an_answer_that_ends_its_connection(tls: LoopbackTls | None, place: Place) -> None:
    async def play(_: bytes, writer: asyncio.StreamWriter, __: int) -> bool:
        writer.write(answer(BODY, "Connection: close"))
        return False

    async with serving(play, tls) as (server, session):
        for _ in range(2):
            got = Got()
            await got.receive(session, server.url, place)
            assert (got.position, got.fault) == (SIZE, None)
            assert place.bytes() == BODY
        assert server.connections == 2


# What goes wrong with the connection


@pytest.mark.parametrize("end", ["FIN", "RST"])
@pytest.mark.parametrize("cut", [1, HALF, SIZE - 1])
async def test_a_connection_that_is_lost_says_how_far_it_got(
    tls: LoopbackTls | None, place: Place, end: str, cut: int
) -> None:
    async def play(_: bytes, writer: asyncio.StreamWriter, number: int) -> bool | None:
        if number:
            writer.write(answer())
            return None
        await pieces(writer, answer()[: cut - SIZE], pause=0.05)
        if end == "RST":
            reset(writer)
        return False

    async with nothing_left(), serving(play, tls) as (server, session):
        got = Got()
        await got.receive(session, server.url, place)
        assert got.fault is not None
        assert not got.fault.timeout
        road = expected_road(place.where, secure=tls is not None)
        if end == "FIN" and (road == "splice" or place.where == "memory"):
            assert got.position == cut, "all that came counts"
        assert 0 <= got.position <= cut
        assert place.bytes(0, got.position) == BODY[: got.position]
        await next_is_right(session, server)
        assert server.connections == 2


async def test_a_body_that_stands_still_times_out(tls: LoopbackTls | None, place: Place) -> None:
    async def play(_: bytes, writer: asyncio.StreamWriter, __: int) -> None:
        await pieces(writer, answer()[: HALF - SIZE])
        await asyncio.sleep(60)

    timeout = aiohttp.ClientTimeout(total=None, sock_read=0.4)
    async with nothing_left(), serving(play, tls, timeout=timeout) as (server, session):
        begun, got = time.monotonic(), Got()
        await got.receive(session, server.url, place)
        assert got.fault is not None
        assert got.fault.timeout
        assert 0.3 < time.monotonic() - begun < 3
        assert place.bytes(0, got.position) == BODY[: got.position]


async def test_a_body_that_trickles_in_does_not_time_out(
    tls: LoopbackTls | None, place: Place
) -> None:
    async def play(_: bytes, writer: asyncio.StreamWriter, __: int) -> None:
        head = answer()[: HALF - SIZE]
        trickle = [BODY[at : at + 1] for at in range(HALF, HALF + 4)]
        await pieces(writer, head, *trickle, BODY[HALF + 4 :], pause=0.2)

    timeout = aiohttp.ClientTimeout(total=None, sock_read=0.7)
    async with serving(play, tls, timeout=timeout) as (server, session):
        got = Got()
        await got.receive(session, server.url, place)
        assert (got.position, got.fault) == (SIZE, None)
        assert place.bytes() == BODY


def stalling(begun: asyncio.Event) -> Play:
    """The first answer stops in its middle; the others are whole."""

    async def play(_: bytes, writer: asyncio.StreamWriter, number: int) -> None:
        if number:
            writer.write(answer())
            return
        await pieces(writer, answer()[: HALF - SIZE])
        begun.set()
        await asyncio.sleep(60)

    return play


async def test_cancelled_in_the_middle_nothing_is_left(
    tls: LoopbackTls | None, place: Place
) -> None:
    begun = asyncio.Event()
    async with nothing_left(), serving(stalling(begun), tls) as (server, session):
        task = asyncio.create_task(Got().receive(session, server.url, place))
        await begun.wait()
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        before = place.bytes()
        await next_is_right(session, server)
        assert server.connections == 2, "a half-read connection is never pooled"
        assert place.bytes() == before, "nothing is written any more"


@pytest.mark.parametrize("closing", ["session", "connector"])
async def test_the_session_is_closed_in_the_middle(
    tls: LoopbackTls | None, place: Place, closing: str
) -> None:
    begun = asyncio.Event()
    async with nothing_left(), serving(stalling(begun), tls) as (server, session):
        got = Got()
        task = asyncio.create_task(got.receive(session, server.url, place))
        await begun.wait()
        await asyncio.sleep(0.02)
        since = time.monotonic()
        closed = asyncio.ensure_future(
            session.close() if closing == "session" else _closed(session.connector)
        )
        await asyncio.wait_for(task, 3)
        assert time.monotonic() - since < 2.5
        assert got.fault is not None
        await asyncio.wait_for(closed, 5)


async def _closed(connector: aiohttp.BaseConnector | None) -> None:
    assert connector is not None
    await connector.close()


# What goes wrong with the file


def einval(*numbers: int) -> Callable[[int], OSError | None]:
    return lambda number: OSError(errno.EINVAL, "no splice here") if number in numbers else None


@splicing
@pytest.mark.parametrize("at", [0, 1, 2])
async def test_a_file_that_takes_no_splice_is_written_to(
    file_place: Place, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Refused in the middle: what stands in the pipe is not lost, the rest goes another way."""
    spliced = spy_splice_to_file(monkeypatch)
    spliced.error = einval(at)

    async def play(_: bytes, writer: asyncio.StreamWriter, __: int) -> None:
        data = answer()
        await pieces(writer, *(data[i : i + 50_000] for i in range(0, len(data), 50_000)))

    async with nothing_left(), serving(play) as (server, session):
        reception = Reception(file_place.landing, file_place.disk)
        for _ in range(2):
            got = Got()
            await got.receive(session, server.url, file_place, reception=reception)
            assert (got.position, got.fault) == (SIZE, None)
            assert file_place.bytes() == BODY
        assert spliced.count == at + 1, "not tried again"
        assert server.connections == 1


@splicing
async def test_no_pipe_to_be_had(file_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(flags: int) -> tuple[int, int]:
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(os, "pipe2", refused)
    async with serving(whole()) as (server, session):
        got = Got()
        await got.receive(session, server.url, file_place)
        assert (got.position, got.fault) == (SIZE, None)
        assert file_place.bytes() == BODY
        assert server.connections == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
async def test_the_disks_error_is_raised_as_it_is(
    tls: LoopbackTls | None, file_place: Place, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    splices, writes = spy_splice_to_file(monkeypatch), spy(monkeypatch, "pwrite")
    splices.error = writes.error = lambda _: OSError(number, os.strerror(number))
    async with nothing_left(), serving(whole(), tls) as (server, session):
        with pytest.raises(OSError, match=os.strerror(number)) as caught:
            await Got().receive(session, server.url, file_place)
        assert caught.value.errno == number
        splices.error = writes.error = None
        await next_is_right(session, server)
        if not plain_paths_only():
            assert server.connections == 2


@pytest.mark.parametrize("thread", [False, True], ids=["in the loop", "in a thread"])
async def test_the_disks_error_later_on(
    tls: LoopbackTls | None, file_place: Place, monkeypatch: pytest.MonkeyPatch, thread: bool
) -> None:
    splices, writes = spy_splice_to_file(monkeypatch), spy(monkeypatch, "pwrite")
    splices.sleep = writes.sleep = 0.03 if thread else 0
    full = OSError(errno.ENOSPC, "full")
    splices.error = writes.error = lambda number: full if number == 2 else None

    async def play(_: bytes, writer: asyncio.StreamWriter, __: int) -> None:
        data = answer()
        await pieces(writer, *(data[i : i + 40_000] for i in range(0, len(data), 40_000)))

    async with nothing_left(), serving(play, tls) as (server, session):
        reception = Reception(file_place.landing, file_place.disk, buffer_size=65_536)
        with pytest.raises(OSError, match="full"):
            await Got().receive(session, server.url, file_place, reception=reception)


@pytest.mark.parametrize("size", [30_000, 100_000])
async def test_a_slow_disk_does_not_hold_the_loop(
    tls: LoopbackTls | None, file_place: Place, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    splices, writes = spy_splice_to_file(monkeypatch), spy(monkeypatch, "pwrite")
    splices.sleep = writes.sleep = 0.06

    async def play(_: bytes, writer: asyncio.StreamWriter, __: int) -> None:
        data = answer()
        await pieces(writer, *(data[i : i + size] for i in range(0, len(data), size)), pause=0)

    async with nothing_left(), serving(play, tls) as (server, session):
        for _ in range(2):
            got = Got()
            reception = Reception(file_place.landing, file_place.disk, buffer_size=65_536)
            with lag() as late:
                await got.receive(session, server.url, file_place, reception=reception)
            assert (got.position, got.fault) == (SIZE, None)
            assert file_place.bytes() == BODY
            assert sum(each > 0.05 for each in late) <= 2, late
        assert splices.in_loop + writes.in_loop == 1, "only the one that was found to be slow"
        assert splices.count + writes.count > 3
        await next_is_right(session, server)
        assert server.connections == 1


async def test_a_slow_disk_without_threads(
    tls: LoopbackTls | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    splices, writes = spy_splice_to_file(monkeypatch), spy(monkeypatch, "pwrite")
    splices.sleep = writes.sleep = 0.03
    with contextlib.closing(Place("file", tmp_path, threads=False)) as place:
        async with serving(whole(), tls) as (server, session):
            got = Got()
            await got.receive(session, server.url, place)
            assert (got.position, got.fault) == (SIZE, None)
            assert place.bytes() == BODY
    assert splices.in_loop + writes.in_loop == splices.count + writes.count >= 1


async def test_a_slow_disk_is_no_timeout_of_the_server(
    tls: LoopbackTls | None, file_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    splices, writes = spy_splice_to_file(monkeypatch), spy(monkeypatch, "pwrite")
    splices.sleep = writes.sleep = 0.4
    timeout = aiohttp.ClientTimeout(total=None, sock_read=0.25)
    async with serving(whole(), tls, timeout=timeout) as (server, session):
        got = Got()
        await got.receive(session, server.url, file_place)
        assert (got.position, got.fault) == (SIZE, None)
        assert file_place.bytes() == BODY


async def test_the_server_leaves_while_the_last_bytes_are_being_written(
    tls: LoopbackTls | None, file_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All has arrived: what becomes of the connection does not matter any more."""
    splices, writes = spy_splice_to_file(monkeypatch), spy(monkeypatch, "pwrite")
    splices.sleep = writes.sleep = 0.5

    async def play(_: bytes, writer: asyncio.StreamWriter, __: int) -> bool:
        writer.write(answer())
        return False

    timeout = aiohttp.ClientTimeout(total=None, sock_read=0.25)
    async with serving(play, tls, timeout=timeout) as (server, session):
        file_place.disk.timed(lambda: time.sleep(0.03))  # It is slow, and known to be.
        reception = Reception(file_place.landing, file_place.disk, buffer_size=2 * SIZE)
        got = Got()
        await got.receive(session, server.url, file_place, reception=reception)
        assert (got.position, got.fault) == (SIZE, None)
        assert file_place.bytes() == BODY


async def test_a_cancellation_waits_for_the_thread_that_writes(
    tls: LoopbackTls | None, file_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    splices, writes = spy_splice_to_file(monkeypatch), spy(monkeypatch, "pwrite")
    splices.sleep = writes.sleep = 0.15

    async def play(_: bytes, writer: asyncio.StreamWriter, __: int) -> None:
        data = answer()
        await pieces(writer, *(data[i : i + 30_000] for i in range(0, len(data), 30_000)))
        await asyncio.sleep(60)

    async with nothing_left(), serving(play, tls) as (server, session):
        reception = Reception(file_place.landing, file_place.disk, buffer_size=65_536)
        task = asyncio.create_task(
            Got().receive(session, server.url, file_place, reception=reception)
        )
        async with asyncio.timeout(5):
            # A thread's doing: no event of the loop's tells it.
            while not (splices.count + writes.count >= 2 and splices.running + writes.running):  # noqa: ASYNC110  # see above
                await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not splices.running
        assert not writes.running
        calls = splices.count + writes.count
        await asyncio.sleep(0.3)
        assert splices.count + writes.count == calls, "nothing is written after the end"
