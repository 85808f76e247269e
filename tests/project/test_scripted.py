"""The scripted server does to its clients what it says, and records what they did."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import aiohttp
import pytest
from yarl import URL

from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import Recorded, Reply, drop, hang, raw, reply, stall

if TYPE_CHECKING:
    from ..conftest import LoopbackTls

MIB = 1024 * 1024
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def open_to(server: ScriptedServer, data: bytes) -> Streams:
    """A bare connection over which *data* was sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(data)
    await writer.drain()
    return reader, writer


async def answer_to(server: ScriptedServer, data: bytes) -> bytes:
    """All that the server sends to *data* until it closes."""
    reader, writer = await open_to(server, data)
    try:
        return await reader.read()
    finally:
        writer.close()


async def test_records_the_bytes_of_a_request(scripted: StartScript) -> None:
    server = await scripted(reply(200, {"X-A": "b"}, "body", end="close"))
    first = b"PUT /b%2fc//d?x=%20&y HTTP/1.1\r\n"
    head = first + b"host: h\r\nX-Two: 1\r\nx-two: 2\r\nContent-Length: 3\r\n\r\n"
    answer = await answer_to(server, head + b"abc")
    assert answer == b"HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 4\r\n\r\nbody"
    (request,) = server.requests
    assert request.head == head
    assert (request.method, request.target) == ("PUT", "/b%2fc//d?x=%20&y")
    assert request.headers == [
        ("host", "h"),
        ("X-Two", "1"),
        ("x-two", "2"),
        ("Content-Length", "3"),
    ]
    assert request.header("X-TWO") == "1"
    assert request.header("absent") is None
    assert (request.body, request.body_size, request.complete) == (b"abc", 3, True)
    assert request.answered_after == 3


async def test_decodes_chunked_bodies_and_keeps_the_framing(scripted: StartScript) -> None:
    server = await scripted(reply(end="close"))
    head = b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n"
    await answer_to(server, head + body)
    assert server.requests[0].body == b"abcde"
    assert server.requests[0].raw_body == body
    assert server.requests[0].complete


async def test_plays_steps_in_order_over_one_connection(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(reply(200, body="1"), reply(503, {"Retry-After": "1"}), reply(204))
    for status in (200, 503, 204):
        async with plain_session.put(server.url, data=b"x" * 1000) as response:
            assert response.status == status
            await response.read()
    assert server.connections == 1
    assert [request.connection for request in server.requests] == [1, 1, 1]
    assert server.remaining == 0


async def test_computes_a_step(scripted: StartScript, plain_session: aiohttp.ClientSession) -> None:
    def echo(request: Recorded) -> Reply:
        return reply(200, {"X-Method": request.method}, request.target)

    server = await scripted(rest=echo)
    for path in ("/a", "/b"):
        async with plain_session.get(server.url + path) as response:
            assert (await response.text(), response.headers["X-Method"]) == (path, "GET")
    async with plain_session.head(server.url + "/long") as response:
        assert response.headers["Content-Length"] == "5"


async def test_cuts_a_body_short(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(reply(200, body=b"x" * 100, cut=40), reply(200, body="ok"))
    async with plain_session.get(server.url) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
    async with plain_session.get(server.url) as response:
        assert await response.text() == "ok"
    assert server.connections == 2


async def test_lies_about_the_length(scripted: StartScript) -> None:
    server = await scripted(
        reply(200, body="abc", content_length=5, end="close"),
        reply(200, body="abc", content_length=None, end="close"),
    )
    request = b"GET / HTTP/1.1\r\n\r\n"
    assert b"Content-Length: 5\r\n\r\nabc" in await answer_to(server, request)
    assert await answer_to(server, request) == b"HTTP/1.1 200 OK\r\n\r\nabc"


async def test_answers_in_chunks_and_pieces(scripted: StartScript) -> None:
    server = await scripted(
        reply(200, body="abcde", chunked=True, piece=2, end="close"),
        reply(200, body="abcde", piece=2, pause=0.01, delay=0.01, end="close"),
    )
    request = b"GET / HTTP/1.1\r\n\r\n"
    chunked = await answer_to(server, request)
    assert chunked.endswith(b"\r\n\r\n2\r\nab\r\n2\r\ncd\r\n1\r\ne\r\n0\r\n\r\n")
    start = time.monotonic()
    assert (await answer_to(server, request)).endswith(b"\r\n\r\nabcde")
    assert time.monotonic() - start > 0.025


async def test_answers_before_the_body(scripted: StartScript) -> None:
    server = await scripted(reply(403, read=0, end="close"), reply(403, read=10, end="close"))
    head = b"PUT / HTTP/1.1\r\nContent-Length: 100\r\n\r\n"
    assert (await answer_to(server, head)).startswith(b"HTTP/1.1 403 Forbidden")
    assert (await answer_to(server, head + b"x" * 10)).startswith(b"HTTP/1.1 403 Forbidden")
    assert [request.answered_after for request in server.requests] == [0, 10]
    assert not server.requests[0].complete


async def test_goes_on_reading_after_an_early_answer(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(reply(200, read=0), reply(200))
    data = b"x" * MIB
    reader, writer = await open_to(
        server, b"PUT / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(data)
    )
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    writer.write(data + b"GET / HTTP/1.1\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    writer.close()
    assert [request.body_size for request in server.requests] == [MIB, 0]


@pytest.mark.parametrize(("interim", "sent"), [(None, 1), (0, 0), (2, 2)])
async def test_says_continue_as_often_as_told(
    scripted: StartScript, interim: int | None, sent: int
) -> None:
    server = await scripted(reply(200, interim=interim, end="close"))
    head = b"PUT / HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    answer = await answer_to(server, head + b"body")
    assert answer.count(b"HTTP/1.1 100 Continue\r\n\r\n") == sent
    assert answer.endswith(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


async def test_refusal_comes_in_the_place_of_continue(scripted: StartScript) -> None:
    server = await scripted(reply(403, read=0, end="close"))
    head = b"PUT / HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    assert (await answer_to(server, head)).startswith(b"HTTP/1.1 403")


async def test_drops_connections(scripted: StartScript) -> None:
    server = await scripted(drop(), drop(reset=True), reply(200, body=b"abc", end="reset"))
    request = b"GET / HTTP/1.1\r\n\r\n"
    assert await answer_to(server, request) == b""
    with pytest.raises(ConnectionResetError):
        await answer_to(server, request)
    reader, writer = await open_to(server, request)
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_sends_raw_bytes(scripted: StartScript) -> None:
    server = await scripted(raw(b"not HTTP"))
    assert await answer_to(server, b"GET / HTTP/1.1\r\n\r\n") == b"not HTTP"


async def test_never_answers(scripted: StartScript, plain_session: aiohttp.ClientSession) -> None:
    server = await scripted(hang())
    with pytest.raises(TimeoutError):
        await plain_session.put(
            server.url, data=b"abc", timeout=aiohttp.ClientTimeout(sock_read=0.1)
        )
    assert server.requests[0].body == b"abc"
    assert server.requests[0].answered_after is None


async def test_stops_reading(scripted: StartScript) -> None:
    server = await scripted(stall(100), receive_buffer=64 * 1024)
    size = 64 * MIB
    _, writer = await open_to(server, b"PUT / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size)
    writer.write(b"x" * size)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await writer.drain()
    assert server.requests[0].body_size == 100
    writer.transport.abort()


async def test_waits_for_a_request(scripted: StartScript) -> None:
    server = await scripted(hang())
    with pytest.raises(TimeoutError):
        await server.wait_for(1, timeout=0.02)
    _, writer = await open_to(server, b"GET /here HTTP/1.1\r\n\r\n")
    assert (await server.wait_for(1)).target == "/here"
    writer.close()


async def test_counts_large_bodies_without_keeping_them(scripted: StartScript) -> None:
    server = await scripted(reply(end="close"), keep_bodies=False)
    head = b"PUT / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % MIB
    await answer_to(server, head + b"x" * MIB)
    assert (server.requests[0].body_size, server.requests[0].body) == (MIB, b"")


async def test_speaks_tls(scripted: StartScript, loopback_tls: LoopbackTls) -> None:
    server = await scripted(reply(200, body="safe"), ssl_context=loopback_tls.server)
    connector = aiohttp.TCPConnector(ssl=loopback_tls.client)
    async with aiohttp.ClientSession(connector=connector) as session:
        assert URL(server.url).scheme == "https"
        async with session.get(server.url) as response:
            assert await response.text() == "safe"


async def test_request_beyond_the_script_is_kept_and_refused(scripted: StartScript) -> None:
    server = await scripted(reply(end="close"), allow_unexpected=True)
    request = b"GET /%d HTTP/1.1\r\n\r\n"
    await answer_to(server, request % 1)
    assert (await answer_to(server, request % 2)).startswith(b"HTTP/1.1 500")
    assert [one.target for one in server.unexpected] == ["/2"]


def test_guards_fail_a_test_that_leaves_something(pytester: pytest.Pytester) -> None:
    """The fixtures of conftest.py, in a run of their own."""
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function")
    pytester.makeconftest(
        "from tests.conftest import no_leftovers, pytest_collection_modifyitems, scripted"
    )
    pytester.makepyfile(
        """
        import asyncio
        from tests.servers.steps import reply

        async def test_task():
            test_task.kept = asyncio.ensure_future(asyncio.sleep(60))

        async def test_exception():
            async def fail():
                raise OSError("nobody received this")
            asyncio.ensure_future(fail())
            await asyncio.sleep(0.01)

        async def test_beyond(scripted):
            server = await scripted()
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET /beyond HTTP/1.1\\r\\n\\r\\n")
            await reader.read()
            writer.close()

        async def test_clean(scripted):
            await asyncio.gather(asyncio.sleep(0), (await scripted(reply())).close())
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=4, errors=3)
    result.stdout.fnmatch_lines(
        [
            "*tasks left running*",
            "*nobody received this*",
            "*requests beyond the script*GET /beyond*",
        ]
    )
