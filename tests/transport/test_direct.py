"""Small requests the short way: the same to the caller, to the server and to the pool."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import socket
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.config import ClientConfig
from aiohttp_s3_client.credentials import AnonymousCredentials
from aiohttp_s3_client.errors import AccessDenied, S3ConnectionError, S3TimeoutError
from aiohttp_s3_client.protocol.endpoint import Address
from aiohttp_s3_client.transport.direct import BODY_LIMIT, Shortcut
from aiohttp_s3_client.transport.source import BytesSource

from ..servers.scripted import StartScript
from ..servers.steps import Recorded, Step, drop, hang, raw, reply
from .scripts import SECRET, client_for, error

BODY = b"some bytes"
OK = reply(200, {"ETag": '"x"'}, BODY)
ONCE = ClientConfig(max_attempts=1)


class Sends:
    """How many requests went through aiohttp's own ``ClientRequest.send``."""

    def __init__(self) -> None:
        self.count = 0


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> Sends:
    """The short way allowed, and a count of requests that take the public one."""
    monkeypatch.delenv("AIOS3_PLAIN", raising=False)
    sends, send = Sends(), aiohttp.ClientRequest.send

    async def counted(self: aiohttp.ClientRequest, conn: Any) -> aiohttp.ClientResponse:
        sends.count += 1
        return await send(self, conn)

    monkeypatch.setattr(aiohttp.ClientRequest, "send", counted)
    return sends


@pytest.fixture(params=["direct", "public"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of the two ways."""
    if request.param == "public":
        monkeypatch.setenv("AIOS3_PLAIN", "1")
    else:
        monkeypatch.delenv("AIOS3_PLAIN", raising=False)
    return str(request.param)


def in_use(session: aiohttp.ClientSession) -> int:
    """Connections that were taken from the pool and not given back."""
    connector = session.connector
    assert connector is not None
    return len(connector._acquired)


# --- which way


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("GET", {}),
        ("GET", {"params": {"versionId": "a b"}, "headers": {"Range": "bytes=0-1"}}),
        ("HEAD", {}),
        ("DELETE", {}),
        ("PUT", {"data": b""}),
        ("PUT", {"data": BODY}),
        ("PUT", {"data": BODY, "headers": {"If-None-Match": "*"}}),
        ("PUT", {"data": bytearray(BODY_LIMIT)}),
        ("PUT", {"data": "text"}),
        ("POST", {"params": {"uploads": ""}}),
    ],
)
async def test_small_requests_take_the_short_way(
    scripted: StartScript, public: Sends, method: str, arguments: dict[str, Any]
) -> None:
    server = await scripted(OK, OK)
    async with aiohttp.ClientSession() as session:
        client = client_for(server, session)
        for _ in range(2):
            async with client.request(method, "bucket/key", **arguments) as response:
                assert type(response) is aiohttp.ClientResponse
                assert await response.read() == (b"" if method == "HEAD" else BODY)
        assert in_use(session) == 0
    assert public.count == 0
    assert server.connections == 1


async def test_a_session_of_our_own_has_the_short_way(scripted: StartScript, public: Sends) -> None:
    server = await scripted(OK)
    async with client_for(server) as client:
        await client.get("bucket/key")
    assert public.count == 0


async def passing(
    request: aiohttp.ClientRequest,
    handler: Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]],
) -> aiohttp.ClientResponse:
    return await handler(request)


class OtherRequest(aiohttp.ClientRequest):
    pass


class OtherResponse(aiohttp.ClientResponse):
    pass


class OtherConnector(aiohttp.TCPConnector):
    pass


def full_jar() -> aiohttp.CookieJar:
    jar = aiohttp.CookieJar(unsafe=True)
    jar.update_cookies({"name": "value"})
    return jar


SESSIONS: dict[str, Callable[[], dict[str, Any]]] = {
    "trace": lambda: {"trace_configs": [aiohttp.TraceConfig()]},
    "middleware": lambda: {"middlewares": (passing,)},
    "auth": lambda: {"auth": aiohttp.BasicAuth("user", "password")},
    "trust_env": lambda: {"trust_env": True},
    "request class": lambda: {"request_class": OtherRequest},
    "response class": lambda: {"response_class": OtherResponse},
    "version": lambda: {"version": aiohttp.HttpVersion10},
    "connector class": lambda: {"connector": OtherConnector()},
    "force close": lambda: {"connector": aiohttp.TCPConnector(force_close=True)},
    "cookies": lambda: {"cookie_jar": full_jar()},
}


@pytest.mark.filterwarnings("ignore:.*auth.*:DeprecationWarning")
@pytest.mark.parametrize("made", SESSIONS.values(), ids=SESSIONS)
async def test_what_a_session_has_set_up_is_never_passed_by(
    scripted: StartScript, public: Sends, made: Callable[[], dict[str, Any]]
) -> None:
    server = await scripted(OK)
    async with aiohttp.ClientSession(**made()) as session:
        async with client_for(server, session).get("bucket/key") as response:
            assert await response.read() == BODY
    assert public.count == 1


async def test_a_proxy_is_never_passed_by(scripted: StartScript, public: Sends) -> None:
    proxy = await scripted(OK)
    async with aiohttp.ClientSession(proxy=proxy.url) as session:
        client = S3Client(session, "http://s3.invalid", SECRET, "AKIDEXAMPLE", region="us-east-1")
        async with client.get("bucket/key") as response:
            assert await response.read() == BODY
    assert public.count == 1
    assert proxy.requests[0].target == "http://s3.invalid/bucket/key"


@pytest.mark.parametrize(
    "arguments",
    [
        {"data": bytes(BODY_LIMIT + 1)},
        {"data": BODY, "headers": {"Expect": "100-continue"}},
        {"data": BODY, "timeout": aiohttp.ClientTimeout(total=5)},
        {"data": BODY, "ssl": False},
        {"data": BODY, "skip_auto_headers": ["User-Agent"]},
    ],
)
async def test_other_requests_take_the_public_way(
    scripted: StartScript, public: Sends, arguments: dict[str, Any]
) -> None:
    server = await scripted(reply(200, {}, BODY, interim=0 if "headers" not in arguments else 1))
    async with aiohttp.ClientSession() as session:
        async with client_for(server, session).put("bucket/key", **arguments) as response:
            assert await response.read() == BODY
    assert public.count == 1


async def test_a_trace_that_comes_later_is_seen(scripted: StartScript, public: Sends) -> None:
    server = await scripted(OK, OK)
    seen: list[str] = []

    async def started(
        session: aiohttp.ClientSession, context: Any, params: aiohttp.TraceRequestStartParams
    ) -> None:
        seen.append(params.method)

    async with aiohttp.ClientSession() as session:
        client = client_for(server, session)
        await client.get("bucket/key")
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(started)
        trace.freeze()
        session.trace_configs.append(trace)
        await client.get("bucket/key")
    assert (seen, public.count) == (["GET"], 1)


async def test_a_replaced_request_method_is_called(
    scripted: StartScript, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Libraries that answer in a server's place replace ``ClientSession._request``."""
    monkeypatch.delenv("AIOS3_PLAIN", raising=False)
    server = await scripted(rest=OK)
    original, called = aiohttp.ClientSession._request, []

    async def replaced(self: aiohttp.ClientSession, *args: Any, **kwargs: Any) -> Any:
        called.append(args)
        return await original(self, *args, **kwargs)

    async with aiohttp.ClientSession() as session:
        client = client_for(server, session)
        await client.get("bucket/key")
        monkeypatch.setattr(aiohttp.ClientSession, "_request", replaced)
        await client.get("bucket/key")
    assert len(called) == 1


# --- on the wire


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("GET", {"headers": {"Range": "bytes=0-1", "User-Agent": "mine"}}),
        ("GET", {"params": {"list-type": "2", "prefix": "a/ü +"}}),
        ("HEAD", {"headers": {"Accept": "x/y", "Cookie": "a=b", "Connection": "close"}}),
        ("PUT", {"data": BODY, "headers": {"x-amz-meta-name": "a  b"}}),
        ("PUT", {"data": b"", "headers": {"Content-Type": "a/b"}}),
        ("POST", {"data": b"<x/>", "params": {"delete": ""}}),
        ("DELETE", {}),
    ],
)
async def test_the_server_sees_the_same(
    scripted: StartScript,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    arguments: dict[str, Any],
) -> None:
    def shown(request: Recorded) -> tuple[str, str, bytes, dict[str, str]]:
        headers = {name.lower(): value for name, value in request.headers}
        assert len(headers) == len(request.headers)
        for changing in ("x-amz-date", "authorization"):
            headers[changing] = headers[changing][:4]
        return request.method, request.target, request.body, headers

    seen = []
    for plain in ("0", "1"):
        monkeypatch.setenv("AIOS3_PLAIN", plain)
        server = await scripted(OK)
        headers = {"X-Team": "blue"}
        async with aiohttp.ClientSession(headers=headers, skip_auto_headers=["Accept"]) as session:
            client = client_for(server, session)
            async with client.request(method, "bucket/a key+ü", **arguments) as response:
                await response.read()
                sent = dict(response.request_info.headers)
        (request,) = server.requests
        assert sent.items() == dict(request.headers).items()
        method_, target, body, all_headers = shown(request)
        all_headers["host"] = all_headers["host"].partition(":")[0]
        seen.append((method_, target, body, all_headers))
    assert seen[0] == seen[1]


async def test_the_order_of_the_headers_is_always_the_same(
    scripted: StartScript, public: Sends
) -> None:
    server = await scripted(OK, OK)
    async with aiohttp.ClientSession() as session:
        client = client_for(server, session)
        for _ in range(2):
            await client.put("bucket/key", BODY, headers={"x-amz-meta-a": "1"})
    first, second = ([name for name, _ in request.headers] for request in server.requests)
    assert first == second
    assert first[0] == "Host"


HEADERS = [{"x-amz-meta-a": "b\r\nX-Evil: 1"}, {"x\r\nX-Evil": "1"}, {"x-amz-meta-a": "b\nc"}]


@pytest.mark.parametrize("headers", HEADERS)
@pytest.mark.parametrize("anonymous", [False, True])
async def test_no_header_smuggles_another_in(
    scripted: StartScript, way: str, headers: dict[str, str], anonymous: bool
) -> None:
    server = await scripted()
    async with aiohttp.ClientSession() as session:
        client = client_for(server, session)
        if anonymous:
            client = S3Client(session, server.url, credentials=AnonymousCredentials())
        with pytest.raises(ValueError, match="header"):
            await client.put("bucket/key", BODY, headers=headers)
        assert in_use(session) == 0
    assert server.requests == []


@pytest.mark.parametrize("headers", HEADERS)
async def test_the_shortcut_itself_refuses_line_breaks(
    public: Sends, headers: dict[str, str]
) -> None:
    async with aiohttp.ClientSession() as session:
        shortcut = Shortcut.through(session, aiohttp.ClientTimeout())
        assert shortcut is not None
        address = Address("http", "127.0.0.1:1", "/bucket/key")
        with pytest.raises(ValueError, match=r"(?i)injection"):
            await shortcut.send("GET", address, "", CIMultiDict(headers))
        for path, query in (("/a\r\nb", ""), ("/a", "b\nc")):
            with pytest.raises(ValueError, match="not percent-encoded"):
                await shortcut.send("GET", Address(*address[:2], path), query, CIMultiDict())


# --- answers

HEAD_ALONE = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", end="keep")
ANSWERS: dict[str, tuple[str, Step, int, bytes, bool]] = {
    "interim": ("PUT", reply(200, {}, BODY, interim=3), 200, BODY, True),
    "no content": ("DELETE", reply(204), 204, b"", True),
    "head": ("HEAD", HEAD_ALONE, 200, b"", True),
    "chunked": ("GET", reply(200, {}, BODY, chunked=True, piece=3), 200, BODY, True),
    "in pieces": ("GET", reply(200, {}, BODY * 100, piece=100, pause=0.001), 200, BODY * 100, True),
    "empty": ("GET", reply(200, {}, b""), 200, b"", True),
    "close": ("GET", reply(200, {"Connection": "close"}, BODY, end="close"), 200, BODY, False),
    "until the end": (
        "GET", reply(200, {}, BODY, content_length=None, end="close"), 200, BODY, False
    ),
    "http/1.0": ("GET", raw(b"HTTP/1.0 200 OK\r\n\r\n" + BODY), 200, BODY, False),
    "http/1.0 kept": (
        "GET",
        raw(
            b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 10\r\n\r\n" + BODY,
            end="keep",
        ),
        200,
        BODY,
        True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ANSWERS.values(), ids=ANSWERS)
async def test_answers_of_every_form(
    scripted: StartScript, way: str, case: tuple[str, Step, int, bytes, bool]
) -> None:
    method, step, status, body, kept = case
    server = await scripted(step, OK)
    async with aiohttp.ClientSession() as session:
        client = client_for(server, session)
        data = BODY if method == "PUT" else None
        async with client.request(method, "bucket/key", data=data) as response:
            assert (response.status, await response.read()) == (status, body)
            assert response.url.path == "/bucket/key"
            assert response.method == method
        assert in_use(session) == 0
        async with client.get("bucket/key") as response:
            assert await response.read() == BODY
    assert server.requests[1].connection == (1 if kept else 2)


async def test_the_connection_can_be_borrowed_while_the_body_comes(
    scripted: StartScript, way: str
) -> None:
    server = await scripted(reply(200, {}, BODY * 1000, piece=1000, pause=0.01))
    async with aiohttp.ClientSession() as session:
        async with client_for(server, session).get("bucket/key") as response:
            assert response.connection is not None
            assert response.connection.transport is not None
            assert response.connection.transport.get_extra_info("peername")[1] == server.port
            assert await response.read() == BODY * 1000
            assert response.connection is None


async def test_an_early_answer_does_not_leave_half_a_request_in_the_pool(
    scripted: StartScript, way: str
) -> None:
    refusal = error(403, "AccessDenied", read=0, end="keep")
    server = await scripted(refusal, OK)
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        client = client_for(server, session)
        with pytest.raises(AccessDenied):
            await client.put("bucket/key", bytes(BODY_LIMIT))
        assert in_use(session) == 0
        async with client.get("bucket/key") as response:
            assert await response.read() == BODY


async def test_cookies_reach_the_jar(scripted: StartScript, way: str) -> None:
    cookies = [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; Path=/bucket")]
    server = await scripted(reply(200, cookies, BODY), OK)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        client = client_for(server, session)
        async with client.get("bucket/key") as response:
            assert {name: c.value for name, c in response.cookies.items()} == {"a": "1", "b": "2"}
        assert {cookie.key: cookie.value for cookie in session.cookie_jar} == {"a": "1", "b": "2"}
        await client.get("bucket/key")
    assert sorted((server.requests[1].header("Cookie") or "").split("; ")) == ["a=1", "b=2"]


async def test_a_dropped_response_gives_its_connection_back(
    scripted: StartScript, way: str
) -> None:
    server = await scripted(reply(200, {}, BODY * 10_000, end="keep"))
    async with aiohttp.ClientSession() as session:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            await client_for(server, session).get("bucket/key")
            gc.collect()
        assert in_use(session) == 0


# --- faults


FAULTS: dict[str, Step] = {
    "dropped": drop(),
    "reset": drop(reset=True),
    "half a head": raw(b"HTTP/1.1 200 OK\r\nContent-"),
    "no http": raw(b"220 mail.example ESMTP\r\n\r\n"),
    "bad header": raw(b"HTTP/1.1 200 OK\r\nA\0: b\r\n\r\n"),
    "silence": hang(),
}


@pytest.mark.parametrize("step", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("reused", [False, True])
async def test_faults_are_the_same_both_ways(
    scripted: StartScript, monkeypatch: pytest.MonkeyPatch, step: Step, reused: bool
) -> None:
    config = ClientConfig(max_attempts=1, read_timeout=0.2)
    seen = []
    for plain in ("0", "1"):
        monkeypatch.setenv("AIOS3_PLAIN", plain)
        server = await scripted(*([OK] if reused else []), step)
        async with aiohttp.ClientSession() as session:
            client = client_for(server, session, config=config)
            if reused:
                await client.get("bucket/key")
            with pytest.raises(S3ConnectionError) as caught:
                await client.put("bucket/key", BODY)
            assert in_use(session) == 0
        seen.append((type(caught.value), str(caught.value).partition("(after")[0]))
        assert server.connections == 1
    assert seen[0] == seen[1]


async def test_a_stale_connection_is_replaced(scripted: StartScript, way: str) -> None:
    server = await scripted(OK, drop(), OK)
    async with aiohttp.ClientSession() as session:
        client = client_for(server, session)
        for _ in range(2):
            async with client.get("bucket/key") as response:
                assert await response.read() == BODY
    assert [request.connection for request in server.requests] == [1, 1, 2]


async def test_nobody_listens(way: str, unused_tcp_port: int) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{unused_tcp_port}"
        client = S3Client(session, url, SECRET, "AKIDEXAMPLE", region="us-east-1", config=ONCE)
        with pytest.raises(S3ConnectionError, match="ClientConnectorError"):
            await client.get("bucket/key")
        assert in_use(session) == 0


async def test_waiting_for_a_connection_ends(scripted: StartScript, way: str) -> None:
    server = await scripted(hang(), allow_unexpected=True)
    timeout = aiohttp.ClientTimeout(total=None, connect=0.1)
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        client = client_for(server, session, config=ONCE)
        first = asyncio.ensure_future(client.get("bucket/key"))
        await server.wait_for(1)
        with pytest.raises(S3TimeoutError, match="ConnectionTimeoutError: Connection timeout"):
            await client.get("bucket/key")
        first.cancel()
        await asyncio.wait([first])
        assert in_use(session) == 0


@pytest.mark.parametrize("slow", [hang(), reply(200, {}, BODY * 9, piece=1, pause=0.05)])
async def test_a_total_time_of_the_session_bounds_head_and_body(
    scripted: StartScript, way: str, slow: Step
) -> None:
    server = await scripted(OK, slow)
    timeout = aiohttp.ClientTimeout(total=0.3)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        client = client_for(server, session, config=ONCE)
        async with client.get("bucket/key") as response:
            assert await response.read() == BODY
        with pytest.raises((S3TimeoutError, TimeoutError)):
            async with client.get("bucket/key") as response:
                await response.read()
        assert in_use(session) == 0


async def test_a_slow_body_outlasts_no_read_timeout(scripted: StartScript, way: str) -> None:
    server = await scripted(reply(200, {}, BODY, piece=1, pause=0.05))
    config = ClientConfig(read_timeout=0.2)
    async with aiohttp.ClientSession() as session:
        async with client_for(server, session, config=config).get("bucket/key") as response:
            assert await response.read() == BODY


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.3])
async def test_a_late_answer_is_waited_for_as_long_as_the_read_timeout_says(
    scripted: StartScript, way: str, delay: float
) -> None:
    server = await scripted(reply(200, {}, BODY * 2, delay=delay, piece=10, pause=0.3))
    config = ClientConfig(read_timeout=0.5, max_attempts=1)
    async with aiohttp.ClientSession() as session:
        async with client_for(server, session, config=config).get("bucket/key") as response:
            assert await response.read() == BODY * 2


async def test_silence_lasts_as_long_as_the_read_timeout_says(
    scripted: StartScript, way: str
) -> None:
    server = await scripted(OK, hang(), hang(), hang())
    config = ClientConfig(read_timeout=0.3, max_attempts=1)
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession() as session:
        client = client_for(server, session, config=config)
        await client.get("bucket/key")

        async def silent(before: float) -> float:
            await asyncio.sleep(before)
            started = loop.time()
            with pytest.raises(S3TimeoutError, match="SocketTimeoutError"):
                await client.get("bucket/key")
            return loop.time() - started

        times = await asyncio.gather(silent(0.0), silent(0.05), silent(0.12))
        assert in_use(session) == 0
    assert all(0.28 < seconds < 0.6 for seconds in times), times


async def test_a_body_that_stops_coming_times_out(scripted: StartScript, way: str) -> None:
    server = await scripted(reply(200, {}, BODY * 2, piece=10, pause=5.0))
    config = ClientConfig(read_timeout=0.2)
    async with aiohttp.ClientSession() as session:
        async with client_for(server, session, config=config).get("bucket/key") as response:
            with pytest.raises(aiohttp.SocketTimeoutError):
                await response.read()
        assert in_use(session) == 0


async def test_an_idle_connection_has_no_timer_left(scripted: StartScript, way: str) -> None:
    server = await scripted(reply(200, {}, BODY, delay=0.1), OK)
    config = ClientConfig(read_timeout=0.2, max_attempts=1)
    async with aiohttp.ClientSession() as session:
        client = client_for(server, session, config=config)
        async with client.get("bucket/key") as response:
            assert await response.read() == BODY
        await asyncio.sleep(0.4)
        async with client.get("bucket/key") as response:
            assert await response.read() == BODY
    assert server.connections == 1


# --- endings


async def test_a_cancelled_request_gives_its_connection_back(
    scripted: StartScript, way: str
) -> None:
    """Cancelled at its first, second, … turn of the loop."""
    server = await scripted(rest=reply(200, {}, BODY, delay=0.005), allow_unexpected=True)
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector) as session:
        client = client_for(server, session)
        for turns in range(25):
            task = asyncio.ensure_future(client.put("bucket/key", BODY))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.result().close()
            assert in_use(session) == 0
        async with client.get("bucket/key") as response:
            assert await response.read() == BODY


async def test_a_closed_session_is_named(scripted: StartScript, way: str) -> None:
    server = await scripted(OK)
    session = aiohttp.ClientSession()
    client = client_for(server, session)
    await client.get("bucket/key")
    await session.close()
    with pytest.raises(RuntimeError, match="session is closed"):
        await client.get("bucket/key")


async def test_closing_the_connector_ends_what_is_under_way(
    scripted: StartScript, way: str
) -> None:
    server = await scripted(hang())
    session = aiohttp.ClientSession()
    task = asyncio.ensure_future(client_for(server, session, config=ONCE).get("bucket/key"))
    await server.wait_for(1)
    await session.close()
    with pytest.raises(S3ConnectionError):
        await task


async def test_over_tls(scripted: StartScript, loopback_tls: Any, public: Sends) -> None:
    server = await scripted(OK, ssl_context=loopback_tls.server)
    connector = aiohttp.TCPConnector(ssl=loopback_tls.client)
    async with aiohttp.ClientSession(connector=connector) as session:
        async with client_for(server, session).put("bucket/key", BODY) as response:
            assert await response.read() == BODY
    assert (server.requests[0].body, public.count) == (BODY, 0)


# --- bodies


async def test_bytes_in_memory_are_hashed_as_anywhere() -> None:
    body = BytesSource(BODY)
    assert await body.digest("SHA256") == hashlib.sha256(BODY).digest()
    assert await body.digest("MD5") == hashlib.md5(BODY).digest()
    assert [piece async for piece in body.open()] == [BODY]


async def test_the_installed_aiohttp_is_known(public: Sends) -> None:
    """An aiohttp that changed inside is served the public way: here that would be a surprise."""
    async with aiohttp.ClientSession() as session:
        assert Shortcut.through(session, session.timeout) is not None


async def test_a_cancelled_request_over_tls_waits_for_no_goodbye(
    scripted: StartScript, loopback_tls: Any
) -> None:
    """A connection that waited for it would outlive a session that is closed at once."""
    server = await scripted(rest=hang(), ssl_context=loopback_tls.server)
    sockets: list[socket.socket] = []

    def make(address: Any) -> socket.socket:
        sockets.append(socket.socket(*address[:3]))
        return sockets[-1]

    connector = aiohttp.TCPConnector(ssl=loopback_tls.client, socket_factory=make)
    async with aiohttp.ClientSession(connector=connector) as session:
        asking = asyncio.ensure_future(client_for(server, session=session).put("bucket/key", b"x"))
        while not server.requests:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)
        asking.cancel()
        for _ in range(3):
            await asyncio.sleep(0)
        assert {each.fileno() for each in sockets} == {-1}
