"""A user's session is taken as it is found, and never closed."""

from __future__ import annotations

import asyncio
import logging
import warnings
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from aiohttp_s3_client.errors import AwsError, NoSuchKey, S3ConnectionError

from ..servers.scripted import StartScript
from ..servers.steps import drop, hang, reply
from .scripts import SECRET, client_for, error

OK = reply(200, {"ETag": '"x"'}, b"body")


async def test_it_is_never_closed(scripted: StartScript) -> None:
    server = await scripted(rest=OK)
    async with aiohttp.ClientSession() as session:
        async with client_for(server, session) as client:
            await client.get("bucket/key")
        await client.close()
        assert not session.closed
        await client_for(server, session).get("bucket/key")


async def test_our_own_is_closed(scripted: StartScript) -> None:
    server = await scripted(OK)
    async with client_for(server) as client:
        await client.get("bucket/key")
    with pytest.raises(RuntimeError, match="no session"):
        await client.get("bucket/key")


async def test_raise_for_status_true_raises_ours(scripted: StartScript) -> None:
    server = await scripted(error(404, "NoSuchKey", "not there"), OK, error(404, "NoSuchKey"))
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        client = client_for(server, session)
        with pytest.raises(NoSuchKey) as caught:
            await client.get("bucket/key")
        assert isinstance(caught.value, aiohttp.ClientResponseError)
        assert (caught.value.code, caught.value.message) == ("NoSuchKey", "not there")
        async with client.get("bucket/key") as response:
            assert response.status == 200
        async with client.get("bucket/key", raise_for_status=False) as response:
            assert response.status == 404


async def test_a_callable_raise_for_status_decides(scripted: StartScript) -> None:
    seen: list[int] = []

    async def decide(response: aiohttp.ClientResponse) -> None:
        seen.append(response.status)
        if response.status == 410:
            raise LookupError("gone")
        if response.status != 404:
            response.raise_for_status()

    server = await scripted(OK, error(404, "NoSuchKey"), error(403, "AccessDenied"), reply(410))
    async with aiohttp.ClientSession(raise_for_status=decide) as session:
        client = client_for(server, session)
        for status in (200, 404):
            async with client.get("bucket/key") as response:
                assert response.status == status
        with pytest.raises(AwsError) as caught:
            await client.get("bucket/key")
        assert caught.value.code == "AccessDenied"
        with pytest.raises(LookupError):
            await client.get("bucket/key")
    assert seen == [200, 404, 403, 410]


async def test_default_headers_are_sent_and_signed(scripted: StartScript) -> None:
    server = await scripted(OK, OK)
    headers = {"X-Amz-Meta-Team": "blue", "User-Agent": "mine/1"}
    async with aiohttp.ClientSession(headers=headers) as session:
        client = client_for(server, session)
        await client.get("bucket/key")
        await client.get("bucket/key", headers={"x-amz-meta-team": "red"})
    first, second = server.requests
    assert first.header("x-amz-meta-team") == "blue"
    assert first.header("User-Agent") == "mine/1"
    assert [v for n, v in second.headers if n.lower() == "x-amz-meta-team"] == ["red"]
    for request in server.requests:
        signed = (request.header("Authorization") or "").partition("SignedHeaders=")[2]
        assert "x-amz-meta-team" in signed.partition(",")[0].split(";")
        assert "user-agent" not in signed


@pytest.mark.parametrize("name", ["Authorization", "x-amz-date", "Host", "X-Amz-Content-SHA256"])
async def test_a_default_header_that_clashes_is_refused_by_name(
    scripted: StartScript, name: str
) -> None:
    server = await scripted()
    async with aiohttp.ClientSession(headers={name: "mine"}) as session:
        with pytest.raises(ValueError, match=f"(?i)session's default headers: {name}"):
            await client_for(server, session).get("bucket/key")
    assert not server.requests


async def test_the_sessions_own_auth_does_not_get_in_the_way(scripted: StartScript) -> None:
    server = await scripted(OK)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer aiohttp deprecates it
        session = aiohttp.ClientSession(auth=aiohttp.BasicAuth("user", "password"))
    async with session:
        await client_for(server, session).get("bucket/key")
    assert [v[:4] for n, v in server.requests[0].headers if n == "Authorization"] == ["AWS4"]


@pytest.mark.parametrize("host", ["127.0.0.1", "default"])
async def test_netrc_does_not_get_in_the_way(
    scripted: StartScript,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    host: str,
) -> None:
    netrc = tmp_path / "netrc"
    machine = "default" if host == "default" else f"machine {host}"
    netrc.write_text(f"{machine} login user password word\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server = await scripted(OK)
    async with aiohttp.ClientSession(trust_env=True) as session:
        await client_for(server, session).get("bucket/key")
    assert [v[:4] for n, v in server.requests[0].headers if n == "Authorization"] == ["AWS4"]


async def test_cookies_go_along_unsigned(scripted: StartScript) -> None:
    server = await scripted(reply(200, {"Set-Cookie": "seen=1; Path=/"}), OK)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, cookies={"a": "b"}) as session:
        client = client_for(server, session)
        await client.get("bucket/key")
        await client.get("bucket/key")
    assert "seen=1" in (server.requests[1].header("Cookie") or "")
    assert "cookie" not in (server.requests[1].header("Authorization") or "")


async def test_our_own_session_keeps_no_cookies(scripted: StartScript) -> None:
    server = await scripted(reply(200, {"Set-Cookie": "seen=1; Path=/"}), OK)
    async with client_for(server) as client:
        await client.get("bucket/key")
        await client.get("bucket/key")
    assert server.requests[1].header("Cookie") is None


async def test_trace_configs_see_each_send(scripted: StartScript) -> None:
    seen: list[str] = []
    trace = aiohttp.TraceConfig()

    async def started(*event: object) -> None:
        seen.append("start")

    async def ended(*event: object) -> None:
        seen.append("end")

    trace.on_request_start.append(started)
    trace.on_request_end.append(ended)
    server = await scripted(reply(500), OK)
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        await client_for(server, session).get("bucket/key")
    assert seen == ["start", "end", "start", "end"]


async def test_middlewares_run_around_each_send(scripted: StartScript) -> None:
    seen: list[str] = []

    async def of_session(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        seen.append("session")
        return await handler(request)

    async def of_call(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        seen.append("call")
        return await handler(request)

    server = await scripted(reply(500), OK, OK)
    async with aiohttp.ClientSession(middlewares=(of_session,)) as session:
        client = client_for(server, session)
        await client.get("bucket/key")
        await client.get("bucket/key", middlewares=(of_call,))
    assert seen == ["session", "session", "call"]


async def test_a_base_url_changes_nothing(scripted: StartScript) -> None:
    server = await scripted(OK)
    async with aiohttp.ClientSession(base_url=URL("http://127.0.0.1:9/elsewhere/")) as session:
        await client_for(server, session).get("bucket/a//b")
    assert server.requests[0].target == "/bucket/a//b"


async def test_a_tiny_read_buffer_loses_nothing(scripted: StartScript, tmp_path: Path) -> None:
    data = bytes(range(256)) * 400
    server = await scripted(
        reply(200, {}, data), reply(200, {}, data), error(404, "NoSuchKey", "m" * 5000)
    )
    async with aiohttp.ClientSession(read_bufsize=64) as session:
        client = client_for(server, session)
        async with client.get("bucket/key") as response:
            assert await response.read() == data
        await client.get_file_parallel("bucket/key", tmp_path / "file")
        with pytest.raises(NoSuchKey, match="mmm"):
            await client.get("bucket/key", raise_for_status=True)
    assert (tmp_path / "file").read_bytes() == data


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_aiohttps_own_repetition_does_not_multiply_ours(
    scripted: StartScript, method: str
) -> None:
    """aiohttp sends idempotent requests again when a pooled connection turns out dead."""
    server = await scripted(OK, rest=drop())
    async with aiohttp.ClientSession() as session:
        client = client_for(server, session)
        async with client.get("bucket/key") as response:
            await response.read()
        with pytest.raises(S3ConnectionError):
            await client.request(method, "bucket/key")
    assert len(server.requests) == 1 + 3


async def test_a_session_that_was_closed_is_refused(scripted: StartScript) -> None:
    server = await scripted()
    async with aiohttp.ClientSession() as session:
        client = client_for(server, session)
    with pytest.raises(RuntimeError, match="closed"):
        await client.get("bucket/key")
    with pytest.raises(RuntimeError, match="closed"):
        await client.put_multipart("bucket/key", [b"x"])


async def test_one_connection_is_enough_for_transfers(
    scripted: StartScript, tmp_path: Path
) -> None:
    """``limit=1`` deadlocks nothing: neither parts, nor ranges, nor Complete."""
    from .scripts import RangedObject, upload_step

    data = bytes(range(256)) * 4000
    upload = await scripted(rest=upload_step)
    stored = await scripted(rest=RangedObject(data))
    connector = aiohttp.TCPConnector(limit=1)
    async with asyncio.timeout(10), aiohttp.ClientSession(connector=connector) as session:
        await client_for(upload, session).put_multipart(
            "bucket/key", [bytes(6_000_000)] * 3, part_size=5 * 1024 * 1024
        )
        await client_for(stored, session).get_file_parallel(
            "bucket/key", tmp_path / "file", range_step=100_000
        )
    assert (tmp_path / "file").read_bytes() == data


async def test_nothing_secret_is_logged(
    scripted: StartScript, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = await scripted(reply(500), drop(), OK)
    async with client_for(server) as client:
        await client.get("bucket/key")
    assert SECRET not in caplog.text
    assert "Signature=" not in caplog.text


async def test_whoever_waits_for_a_connection_hears_of_the_sessions_end(
    scripted: StartScript,
) -> None:
    """aiohttp cancels them; a task that nobody cancelled must not end as if somebody had."""
    server = await scripted(rest=hang())
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))
    client = client_for(server, session)
    holding, waiting, cancelled = (
        asyncio.create_task(client.get_bytes("bucket", f"key{number}")) for number in range(3)
    )
    await server.wait_for(1)
    await asyncio.sleep(0.05)
    cancelled.cancel()
    await session.close()
    ended = await asyncio.gather(holding, waiting, cancelled, return_exceptions=True)
    assert [type(each) for each in ended[1:]] == [RuntimeError, asyncio.CancelledError]
    assert "session was closed meanwhile" in str(ended[1])
    assert not isinstance(ended[0], asyncio.CancelledError)
