"""The credentials of containers: where they may be asked for, with which token, and failures."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import socket
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aiohttp_s3_client.credentials import ContainerCredentials, merge_credentials
from aiohttp_s3_client.credentials import container as module
from aiohttp_s3_client.credentials.base import NothingFound, Unavailable
from aiohttp_s3_client.errors import CredentialsError
from tests.conftest import LoopbackTls
from tests.project.test_blocking import watched
from tests.servers.scripted import ScriptedServer, StartScript
from tests.servers.steps import drop, hang, reply

from .conftest import KEY, SECRET, TOKEN
from .sources import HOUR, MINUTE, FakeClock

PASS = "eyJhbGciOiJSUzI1NiIsImtpZCI6Ij.the-token-of-the-pod.AaBb"

ECS = {
    "RoleArn": "arn:aws:iam::123456789012:role/task",
    "AccessKeyId": KEY,
    "SecretAccessKey": SECRET,
    "Token": TOKEN,
    "Expiration": "2030-01-01T06:00:00Z",
}
EKS = {
    "AccessKeyId": KEY,
    "SecretAccessKey": SECRET,
    "Token": TOKEN,
    "AccountId": "123456789012",
    "Expiration": "2030-01-01T06:00:00Z",
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ask(
    monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> Callable[[ScriptedServer], ContainerCredentials]:
    """Credentials that *server* gives out."""

    def ask(server: ScriptedServer) -> ContainerCredentials:
        monkeypatch.setenv(module.FULL, f"{server.url}/v1/credentials?id=1")
        return ContainerCredentials(clock=clock)

    return ask


Ask = Callable[[ScriptedServer], ContainerCredentials]


async def test_ecs(scripted: StartScript, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    server = await scripted(reply(200, {"Content-Type": "application/json"}, json.dumps(ECS)))
    credentials = ask(server)
    snapshot = await credentials.resolve()
    assert (snapshot.access_key_id, snapshot.secret_access_key) == (KEY, SECRET)
    assert (snapshot.session_token, snapshot.region) == (TOKEN, "eu-north-1")
    assert snapshot.expires_at == datetime(2030, 1, 1, 6, tzinfo=UTC)
    assert await credentials.resolve() is credentials.at_hand() is snapshot
    (request,) = server.requests
    assert (request.method, request.target) == ("GET", "/v1/credentials?id=1")
    assert request.header("Accept") == "application/json"
    assert request.header("Host") == f"127.0.0.1:{server.port}"
    assert request.header("Authorization") is None


async def test_p15_the_token_of_a_pod_is_read_again(
    scripted: StartScript,
    ask: Ask,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
) -> None:
    """P15: the token's file is rotated while the pod runs; it goes before the variable."""
    path = home / "eks-pod-identity-token"
    path.write_text(PASS)
    monkeypatch.setenv(module.TOKEN_FILE, str(path))
    monkeypatch.setenv(module.TOKEN, "not this one")
    renewed = {**EKS, "Expiration": "2030-01-01T12:00:00Z"}
    server = await scripted(reply(200, (), json.dumps(EKS)), reply(200, (), json.dumps(renewed)))
    credentials = ask(server)
    with watched(monkeypatch) as calls:
        await credentials.resolve()
    assert calls == []
    path.write_text(f"{PASS}2\n")
    clock.now += 6 * HOUR - 5 * MINUTE
    assert (await credentials.resolve()).expires_at == datetime(2030, 1, 1, 12, tzinfo=UTC)
    assert [r.header("Authorization") for r in server.requests] == [PASS, f"{PASS}2"]


async def test_the_token_of_the_environment(
    scripted: StartScript, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(module.TOKEN, "Basic abc")
    server = await scripted(reply(200, (), json.dumps(ECS)))
    await ask(server).resolve()
    assert server.requests[0].header("Authorization") == "Basic abc"


async def test_a_storm_asks_once(scripted: StartScript, ask: Ask) -> None:
    server = await scripted(reply(200, (), json.dumps(ECS), delay=0.02))
    credentials = ask(server)
    found = await asyncio.gather(*(credentials.resolve() for _ in range(1000)))
    assert all(snapshot is found[0] for snapshot in found)
    assert len(server.requests) == 1


# --- where it may be asked for


async def test_without_variables_there_is_nothing() -> None:
    credentials = ContainerCredentials()
    assert not credentials
    for ask in (credentials.resolve, merge_credentials(credentials).resolve):
        with pytest.raises(NothingFound, match=r"neither .*RELATIVE_URI nor .*FULL_URI is set"):
            await ask()


def test_relative_uris_are_the_agents_of_ecs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The relative one counts when there are both."""
    monkeypatch.setenv(module.FULL, "https://example.com/")
    monkeypatch.setenv(module.RELATIVE, "/v2/credentials/7f3a?a=b%2Fc")
    url = str(ContainerCredentials()._url())
    assert url == "http://169.254.170.2/v2/credentials/7f3a?a=b%2Fc"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (module.RELATIVE, "@example.com/", "must begin with a /"),
        (module.RELATIVE, ".example.com/", "must begin with a /"),
        (module.RELATIVE, "/a\r\nX: y", "control character"),
        (module.FULL, "http://127.0.0.1\\@example.com/", "backslash"),
        (module.FULL, "http://127.0.0.1/ a", "has a space"),
        (module.FULL, "http://127.0.0.1@8.8.8.8/", "without a user"),
        (module.FULL, "http://:hack-me@127.0.0.1/", "without a user"),
        (module.FULL, "ftp://127.0.0.1/", "must be http"),
        (module.FULL, "file:///etc/passwd", "must be http"),
        (module.FULL, "127.0.0.1/", "must be http"),
        (module.FULL, "http:///path", "must be http"),
        (module.FULL, "http://127.0.0.1:port/", "no valid URL"),
        (module.FULL, "http://[::1/", "no valid URL"),
        (module.FULL, "http://8.8.8.8/", "not with 8.8.8.8"),
        (module.FULL, "http://169.254.169.254/latest/", "not with 169.254.169.254"),
        (module.FULL, "http://169.254.170.3/", "not with"),
        (module.FULL, "http://10.0.0.1/", "not with"),
        (module.FULL, "http://0.0.0.0/", "not with"),
        (module.FULL, "http://[::]/", "not with"),
        (module.FULL, "http://[fd00:ec2::24]/", "not with"),
        (module.FULL, "http://[::ffff:8.8.8.8]/", "not with"),
    ],
)
async def test_other_places_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, words: str
) -> None:
    """Whoever sets a variable must not have this host ask, with a token, whomever he likes."""
    monkeypatch.setenv(name, text)
    monkeypatch.setenv(module.TOKEN, PASS)
    credentials = ContainerCredentials()
    with pytest.raises(CredentialsError, match=words) as caught:
        await credentials.resolve()
    assert not isinstance(caught.value, NothingFound)
    assert "hack-me" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"),
        *("169.254.170.2", "169.254.170.23", "fd00:ec2::23", "FD00:EC2:0::23"),
    ],
)
def test_near_addresses(address: str) -> None:
    assert module._is_near(address)


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
    """Have the running loop find these addresses for agent.internal, one list after the other."""
    left = list(answers)
    loop = asyncio.get_running_loop()
    original = loop.getaddrinfo

    async def getaddrinfo(host: str, port: int, **options: Any) -> Sequence[tuple[Any, ...]]:
        if host != "agent.internal":
            return await original(host, port, **options)
        if not left:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in left.pop(0)]

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)


async def test_names_of_this_host(scripted: StartScript, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was looked at is what is connected to, however the name resolves the next time."""
    server = await scripted(rest=reply(200, (), json.dumps(ECS)))
    monkeypatch.setenv(module.FULL, f"http://agent.internal:{server.port}/creds")
    resolve_to(monkeypatch, ["127.0.0.1"], ["127.0.0.1", "8.8.8.8"])
    credentials = ContainerCredentials()
    assert (await credentials.resolve()).access_key_id == KEY
    assert server.requests[0].header("Host") == f"agent.internal:{server.port}"
    credentials.invalidate()
    with pytest.raises(CredentialsError, match=r"not with agent\.internal \(8\.8\.8\.8\)"):
        await credentials.resolve()
    with pytest.raises(Unavailable, match=r"agent\.internal cannot be resolved: Name or"):
        await credentials.resolve()


async def test_a_name_with_an_address_more(
    scripted: StartScript, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens at the first one, as often with localhost."""
    server = await scripted(reply(200, (), json.dumps(ECS)))
    monkeypatch.setenv(module.FULL, f"http://agent.internal:{server.port}/")
    resolve_to(monkeypatch, ["::1", "127.0.0.1"])
    assert (await ContainerCredentials().resolve()).access_key_id == KEY


async def test_localhost(scripted: StartScript, monkeypatch: pytest.MonkeyPatch) -> None:
    server = await scripted(reply(200, (), json.dumps(ECS)))
    monkeypatch.setenv(module.FULL, f"http://localhost:{server.port}/")
    with watched(monkeypatch) as calls:
        assert (await ContainerCredentials().resolve()).access_key_id == KEY
    assert calls == []


async def test_no_proxy_and_no_redirect(
    scripted: StartScript, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    other = await scripted()
    server = await scripted(reply(302, {"Location": f"{other.url}/"}))
    with pytest.raises(CredentialsError, match="status 302"):
        await ask(server).resolve()
    assert other.requests == []


async def test_https_anywhere_and_verified(
    scripted: StartScript, monkeypatch: pytest.MonkeyPatch, loopback_tls: LoopbackTls
) -> None:
    """Nothing is sent to a host whose certificate nobody vouches for."""
    server = await scripted(ssl_context=loopback_tls.server)
    monkeypatch.setenv(module.FULL, f"{server.url}/creds")
    monkeypatch.setattr(module, "CALL_TRIES", 1)
    with pytest.raises(Unavailable, match=r"(?i)certificate|ssl"):
        await ContainerCredentials().resolve()
    assert server.requests == []


# --- failures


async def test_an_overloaded_agent_is_asked_again(scripted: StartScript, ask: Ask) -> None:
    server = await scripted(
        reply(503), drop(), reply(200, (), json.dumps(ECS)), rest=reply(429, (), "slow down")
    )
    credentials = ask(server)
    assert (await credentials.resolve()).access_key_id == KEY
    credentials.invalidate()
    with pytest.raises(Unavailable, match="status 429"):
        await credentials.resolve()
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, '{"code": "InvalidRequest", "message": "No token"}', r"400 \(InvalidReq.*: No token"),
        (403, json.dumps({"Message": f"bad token {PASS}"}), r"403: bad token \[redacted\]"),
        (401, "<html>", "status 401$"),
        (200, f"garbage {SECRET}", "no JSON object"),
        (200, f'["{SECRET}"]', "no JSON object"),
        (200, "[" * 60_000, "no JSON object"),
        (200, "{}", "no AccessKeyId"),
        (200, json.dumps({**ECS, "SecretAccessKey": ""}), "without SecretAccessKey"),
        (200, json.dumps({**ECS, "AccessKeyId": 1}), "not text"),
        (200, json.dumps({**ECS, "Expiration": f"x{SECRET}"}), "Expiration that is no date"),
        (200, "x" * 100_000, "longer than 65536 bytes"),
    ],
)
async def test_failures_show_no_secret(
    scripted: StartScript,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    body: str,
    words: str,
) -> None:
    monkeypatch.setenv(module.TOKEN, PASS)
    monkeypatch.setattr(module, "CALL_TRIES", 1)
    credentials = ask(await scripted(reply(status, (), body)))
    with pytest.raises(CredentialsError, match=words) as caught:
        await credentials.resolve()
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    for secret in (SECRET, PASS, "/v1/credentials"):
        assert secret not in shown
        assert secret.encode() not in pickle.dumps(caught.value)


async def test_an_agent_that_says_nothing(
    scripted: StartScript, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CALL_SECONDS", 0.05)
    server = await scripted(rest=hang())
    with pytest.raises(Unavailable, match=r"no answer within 0\.05 s"):
        await ask(server).resolve()
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "cannot be read: No such file"),
        (b"", "is empty"),
        (b"hack-me\r\nX-Evil: 1", "no text that fits into a header"),
        (b"hack-me\xff", "no text that fits into a header"),
        (b"x" * 70_000, "longer than 65536 bytes"),
    ],
)
async def test_tokens_that_cannot_be_sent(
    scripted: StartScript,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
    data: bytes | None,
    words: str,
) -> None:
    path = home / "token"
    if data is not None:
        path.write_bytes(data)
    monkeypatch.setenv(module.TOKEN_FILE, str(path))
    server = await scripted()
    with pytest.raises(CredentialsError, match=words) as caught:
        await ask(server).resolve()
    assert "hack-me" not in "".join(traceback.format_exception(caught.value))


async def test_nothing_shows_a_secret(
    scripted: StartScript,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(module.TOKEN, PASS)
    credentials = ask(await scripted(reply(200, (), json.dumps(ECS))))
    snapshot = await credentials.resolve()
    logging.getLogger("test").error("%s %r %s", credentials, credentials, snapshot)
    for text in (repr(credentials), str(credentials), repr(snapshot), caplog.text):
        for secret in (SECRET, TOKEN, PASS, "/v1/credentials"):
            assert secret not in text
    with pytest.raises(TypeError, match="is not pickled"):
        pickle.dumps(credentials)
