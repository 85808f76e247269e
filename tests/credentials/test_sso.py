"""Single sign-on: the CLI's tokens, their renewal, the keys they buy, and the end of a session."""

from __future__ import annotations

import json
import logging
import os
import pickle
import stat
import traceback
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest
from botocore.utils import JSONFileCache, SSOTokenLoader
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client.credentials import service_access
from aiohttp_s3_client.credentials.base import Unavailable
from aiohttp_s3_client.credentials.config_file import ConfigFileError, Section, SharedConfig, parse
from aiohttp_s3_client.credentials.service_access import ServiceError
from aiohttp_s3_client.credentials.sso import SSOCredentials, SSOProfile
from aiohttp_s3_client.credentials.sso_token import SSOToken, load_token, save_token, token_path
from aiohttp_s3_client.errors import ConfigurationError, CredentialsError
from aiohttp_s3_client.models import CredentialsSnapshot
from tests.project.test_blocking import watched
from tests.servers.scripted import ScriptedServer
from tests.servers.steps import Recorded, Reply, Step, reply

from .conftest import KEY, SECRET, TOKEN
from .sources import HOUR, MINUTE, FakeClock

Scripted = Callable[..., Awaitable[ScriptedServer]]

START = "https://d-abc123.awsapps.com/start"
ACCESS, NEXT_ACCESS, REFRESH, NEXT_REFRESH, CLIENT_SECRET = (
    "access-hack-me", "next-access-hack-me", "refresh-hack-me", "next-refresh-hack-me",
    "client-hack-me",
)  # fmt: skip
SECRETS = (SECRET, TOKEN, "hack-me")
DAY = timedelta(days=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(service_access, "PAUSE_SECONDS", 0.001)


def written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def cached(
    home: Path, clock: FakeClock, life: timedelta = 8 * HOUR, *, name: str = "corp", **more: object
) -> Path:
    """What ``aws sso login`` leaves behind."""
    file: dict[str, object] = {
        "startUrl": START,
        "region": "eu-west-1",
        "accessToken": ACCESS,
        "expiresAt": written(clock.now + life),
        "clientId": "client",
        "clientSecret": CLIENT_SECRET,
        "registrationExpiresAt": written(clock.now + 90 * DAY),
        "refreshToken": REFRESH,
        **more,
    }
    path = home / ".aws" / "sso" / "cache" / f"{sha1(name.encode()).hexdigest()}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(file))
    return path


def keys(clock: FakeClock, life: timedelta = HOUR, key: str = KEY) -> Reply:
    """The answer to GetRoleCredentials."""
    credentials = {
        "accessKeyId": key,
        "secretAccessKey": SECRET,
        "sessionToken": TOKEN,
        "expiration": int((clock.now + life).timestamp() * 1000),
    }
    return reply(
        200, {"Content-Type": "application/json"}, json.dumps({"roleCredentials": credentials})
    )


def token_answer(**more: object) -> Reply:
    """The answer to CreateToken."""
    answer = {"accessToken": NEXT_ACCESS, "expiresIn": 28_800, "tokenType": "Bearer", **more}
    return reply(200, {"Content-Type": "application/json"}, json.dumps(answer))


UNAUTHORIZED = reply(
    401,
    {"x-amzn-ErrorType": "UnauthorizedException:http://internal.amazon.com/coral/"},
    '{"message": "Session token not found or invalid", "__type": "c#UnauthorizedException"}',
)
INVALID_GRANT = reply(
    400, body='{"error": "invalid_grant", "error_description": "Invalid refresh token provided"}'
)


def sso(
    server: ScriptedServer,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    *,
    session: str = "corp",
    profile: str = "dev",
) -> SSOCredentials:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", server.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO_OIDC", f"{server.url}/oidc")
    return SSOCredentials(
        account_id="123456789012",
        role_name="Role/With+Signs",
        start_url=START,
        sso_region="eu-west-1",
        session=session,
        profile=profile,
        region="eu-central-1",
        clock=clock,
    )


async def test_a_session(
    home: Path, clock: FakeClock, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached(home, clock)
    server = await scripted(keys(clock))
    credentials = sso(server, clock, monkeypatch)
    snapshot = await credentials.resolve()
    assert snapshot == CredentialsSnapshot(
        KEY, SECRET, TOKEN, clock.now + HOUR, region="eu-central-1"
    )
    (request,) = server.requests
    assert request.method == "GET"
    assert request.target == (
        "/federation/credentials?account_id=123456789012&role_name=Role%2FWith%2BSigns"
    )
    assert request.header("x-amz-sso_bearer_token") == ACCESS
    assert request.header("authorization") is None
    assert await credentials.resolve() is snapshot


async def test_the_legacy_form(
    home: Path, clock: FakeClock, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is that of the start URL, and no token is renewed; an older CLI wrote UTC."""
    ends = f"{clock.now + MINUTE:%Y-%m-%dT%H:%M:%SUTC}"
    cached(home, clock, name=START, expiresAt=ends)
    server = await scripted(keys(clock))
    credentials = sso(server, clock, monkeypatch, session="")
    assert (await credentials.resolve()).access_key_id == KEY
    credentials.invalidate()
    clock.now += MINUTE
    with pytest.raises(CredentialsError, match=r"ended at .*: run `aws sso login --profile dev`$"):
        await credentials.resolve()


async def test_p15_a_token_is_renewed_before_it_ends(
    home: Path, clock: FakeClock, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P15: and put into the CLI's cache, for its owner alone, with all that stood there."""
    path = cached(home, clock, 14 * MINUTE, theirs="of another tool")
    server = await scripted(token_answer(refreshToken=NEXT_REFRESH), keys(clock))
    await sso(server, clock, monkeypatch).resolve()
    create, get = server.requests
    assert (create.method, create.target) == ("POST", "/oidc/token")
    assert create.header("content-type") == "application/json"
    assert json.loads(create.body) == {
        "clientId": "client",
        "clientSecret": CLIENT_SECRET,
        "refreshToken": REFRESH,
        "grantType": "refresh_token",
    }
    assert get.header("x-amz-sso_bearer_token") == NEXT_ACCESS
    assert json.loads(path.read_text()) == {
        "startUrl": START,
        "region": "eu-west-1",
        "accessToken": NEXT_ACCESS,
        "expiresAt": written(clock.now + 8 * HOUR),
        "clientId": "client",
        "clientSecret": CLIENT_SECRET,
        "registrationExpiresAt": written(clock.now + 90 * DAY),
        "refreshToken": NEXT_REFRESH,
        "theirs": "of another tool",
    }
    assert os.listdir(path.parent) == [path.name]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_refresh_token_is_good_for_one_use(
    home: Path, clock: FakeClock, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = cached(home, clock, MINUTE)
    server = await scripted(token_answer(), keys(clock))
    await sso(server, clock, monkeypatch).resolve()
    assert "refreshToken" not in json.loads(path.read_text())


async def test_a_token_of_another_process(
    home: Path, clock: FakeClock, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes second with a refresh token takes what the first one got."""

    def theirs(_: Recorded) -> Step:
        cached(home, clock, accessToken=NEXT_ACCESS)
        return INVALID_GRANT

    cached(home, clock, -MINUTE)
    server = await scripted(theirs, keys(clock))
    await sso(server, clock, monkeypatch).resolve()
    assert server.requests[1].header("x-amz-sso_bearer_token") == NEXT_ACCESS


@pytest.mark.parametrize("answer", [INVALID_GRANT, reply(503), reply(200, body="{}")])
async def test_a_renewal_that_fails_leaves_the_old_token(
    home: Path,
    clock: FakeClock,
    scripted: Scripted,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    answer: Reply,
) -> None:
    cached(home, clock, MINUTE)
    tries = 3 if answer.head.startswith(b"HTTP/1.1 503") else 1
    server = await scripted(*[answer] * tries, keys(clock))
    await sso(server, clock, monkeypatch).resolve()
    assert server.requests[-1].header("x-amz-sso_bearer_token") == ACCESS
    assert "could not be renewed" in caplog.text
    assert not shows(caplog.text)


@pytest.mark.parametrize(
    ("session", "profile", "command"),
    [
        ("corp", "dev", "aws sso login --profile dev"),
        ("corp", "", "aws sso login --sso-session corp"),
        ("", "", "aws sso login"),
    ],
)
async def test_a_session_that_is_over(
    home: Path,
    clock: FakeClock,
    scripted: Scripted,
    monkeypatch: pytest.MonkeyPatch,
    session: str,
    profile: str,
    command: str,
) -> None:
    server = await scripted(UNAUTHORIZED)
    credentials = sso(server, clock, monkeypatch, session=session, profile=profile)
    with pytest.raises(CredentialsError, match=rf"there is no token in .*: run `{command}`$"):
        await credentials.resolve()
    cached(home, clock, name=session or START, refreshToken=None)
    with pytest.raises(CredentialsError, match=rf"not taken any more\): run `{command}`$"):
        await credentials.resolve()
    cached(home, clock, -MINUTE, name=session or START, registrationExpiresAt=written(clock.now))
    with pytest.raises(CredentialsError, match=rf"ended at 2029.*: run `{command}`$"):
        await credentials.resolve()


async def test_a_session_that_was_ended(
    home: Path, clock: FakeClock, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that is refused before its time is renewed once; then the session is over."""
    cached(home, clock)
    server = await scripted(UNAUTHORIZED, token_answer(refreshToken=REFRESH), keys(clock))
    credentials = sso(server, clock, monkeypatch)
    await credentials.resolve()
    server = await scripted(UNAUTHORIZED, INVALID_GRANT, INVALID_GRANT)
    with pytest.raises(CredentialsError, match="run `aws sso login --profile dev`"):
        await sso(server, clock, monkeypatch).resolve()
    cached(home, clock, -MINUTE)
    with pytest.raises(CredentialsError, match=r"ended at .*run `aws sso login --profile dev`"):
        await sso(server, clock, monkeypatch).resolve()


async def test_nobody_there(
    home: Path, clock: FakeClock, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached(home, clock)
    server = await scripted(rest=reply(500))
    with pytest.raises(Unavailable, match="fails to answer GetRoleCredentials: status 500"):
        await sso(server, clock, monkeypatch).resolve()
    await server.close()
    with pytest.raises(Unavailable, match="single sign-on cannot be reached: GET http://127"):
        await sso(server, clock, monkeypatch).resolve()
    cached(home, clock, -MINUTE)
    with pytest.raises(Unavailable, match="single sign-on cannot be reached: POST http://127"):
        await sso(server, clock, monkeypatch).resolve()


async def test_a_refusal(
    home: Path, clock: FakeClock, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached(home, clock)
    body = json.dumps({"message": f"No access, {ACCESS}", "__type": "a.b#ForbiddenException"})
    server = await scripted(
        reply(429, {"x-amzn-ErrorType": "TooManyRequestsException"}), reply(403, body=body)
    )
    with pytest.raises(ServiceError) as caught:
        await sso(server, clock, monkeypatch).resolve()
    assert (caught.value.code, caught.value.status) == ("ForbiddenException", 403)
    assert str(caught.value) == (
        "IAM Identity Center refused GetRoleCredentials (status 403): ForbiddenException: "
        "No access, [redacted]"
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (f"<html>{SECRET}</html>", "no JSON object"),
        (f'["{SECRET}"]', "no JSON object"),
        (f'{{"x": "{SECRET}"}}', "gave no roleCredentials"),
        ('{"roleCredentials": {"expiration": 1, "accessKeyId": 1}}', "are not text"),
        ('{"roleCredentials": {"expiration": 1, "accessKeyId": "k"}}', "without secretAccessKey"),
        ('{"roleCredentials": {"expiration": true}}', "expiration that is no time"),
        ('{"roleCredentials": {"expiration": 1e99}}', "expiration that is no time"),
        (f'{{"roleCredentials": {{"expiration": {10**99}}}}}', "expiration that is no time"),
    ],
)
async def test_answers_that_are_none(
    home: Path,
    clock: FakeClock,
    scripted: Scripted,
    monkeypatch: pytest.MonkeyPatch,
    body: str,
    words: str,
) -> None:
    cached(home, clock)
    server = await scripted(reply(200, body=body))
    with pytest.raises(CredentialsError, match=words) as caught:
        await sso(server, clock, monkeypatch).resolve()
    assert not shows("".join(traceback.format_exception(caught.value)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hack-me", "gave what is no JSON object"),
        ('{"accessToken": "hack-me"}', "no expiresAt in it"),
        ('{"accessToken": "hack-me", "expiresAt": "soon"}', "no expiresAt in it"),
        ('{"accessToken": "hack-me\\n", "expiresAt": "2030-01-01T00:00:00Z"}', "no accessToken"),
        ('{"accessToken": 1, "expiresAt": "2030-01-01T00:00:00Z"}', "no accessToken in it"),
    ],
)
async def test_files_that_hold_no_token(
    home: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    path = cached(home, clock)
    path.write_text(text)
    credentials = SSOCredentials(
        account_id="1", role_name="r", start_url=START, sso_region="eu-west-1", session="corp"
    )
    with pytest.raises(CredentialsError, match=words) as caught:
        await credentials.resolve()
    assert "hack-me" not in "".join(traceback.format_exception(caught.value))
    path.unlink()
    path.mkdir()
    with pytest.raises(CredentialsError, match="cannot be read: "):
        await credentials.resolve()


async def test_a_cache_that_cannot_be_written_to(
    home: Path,
    clock: FakeClock,
    scripted: Scripted,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = cached(home, clock, MINUTE)

    def gone(_: Recorded) -> Step:
        path.unlink()
        path.parent.rmdir()
        path.parent.write_text("in the way")
        return token_answer()

    server = await scripted(gone, keys(clock))
    assert (await sso(server, clock, monkeypatch).resolve()).access_key_id == KEY
    assert "a new token could not be put into" in caplog.text


def test_botocore_reads_what_is_saved(home: Path, clock: FakeClock) -> None:
    """And the other way round: the files are the CLI's own."""
    loader: Any = SSOTokenLoader(cache=JSONFileCache(str(home / ".aws" / "sso" / "cache")))
    file = {"accessToken": ACCESS, "expiresAt": written(clock.now), "startUrl": START}
    for name in ("corp", None):
        loader.save_token(START, file, session_name=name)
        token = load_token(token_path(name or START))
        assert token is not None
        assert (token.access_token, token.expires_at) == (ACCESS, clock.now)
        renewed = token.renewed({"accessToken": NEXT_ACCESS, "expiresIn": 60}, clock.now)
        save_token(token_path(name or START), renewed)
        assert loader(START, session_name=name)["accessToken"] == NEXT_ACCESS
        assert loader(START, session_name=name)["expiresAt"] == written(clock.now + MINUTE)


def test_a_failed_save_leaves_nothing(home: Path, clock: FakeClock) -> None:
    path = home / "cache" / "x.json"
    path.mkdir(parents=True)
    token = SSOToken({"accessToken": ACCESS, "expiresAt": written(clock.now)})
    with pytest.raises(OSError, match="directory"):
        save_token(str(path), token)
    assert os.listdir(path.parent) == ["x.json"]


async def test_p01_nothing_blocks_the_loop(
    home: Path, clock: FakeClock, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P1: the cache is read and written in other threads."""
    path = cached(home, clock, MINUTE)
    server = await scripted(token_answer(), keys(clock))
    with watched(monkeypatch) as calls:
        await sso(server, clock, monkeypatch).resolve()
    assert calls == []
    assert NEXT_ACCESS in path.read_text()


# --- what profiles say


def told(config: str, name: str = "dev") -> SSOProfile | None:
    files = SharedConfig(parse(config, "config"), None)
    return SSOProfile.of(name, files.profiles().get(name, Section()), files.sso_sessions())


DEV = "[profile dev]\nsso_account_id = 1\nsso_role_name = r\n"
WITH_SESSION = f"{DEV}sso_session = corp\n"
CORP = "[sso-session corp]\nsso_start_url = https://x\nsso_region = eu-west-1\n"


def test_profiles() -> None:
    assert told(f"{WITH_SESSION}{CORP}") == SSOProfile("https://x", "eu-west-1", "1", "r", "corp")
    assert told(f"{DEV}sso_start_url = https://x\nsso_region = eu-west-1\n") == SSOProfile(
        "https://x", "eu-west-1", "1", "r"
    )
    assert told(f"{WITH_SESSION}sso_region = eu-west-1\n{CORP}") is not None
    assert told(f"[profile dev]\nsso_session = corp\n{CORP}") is None
    assert told("") is None


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (DEV, "'dev': single sign-on lacks sso_start_url, sso_region"),
        (f"[profile dev]\nsso_session = corp\nsso_role_name=r\n{CORP}", "lacks sso_account_id$"),
        (WITH_SESSION, r"refers to \[sso-session corp\], which does not exist"),
        (f"{WITH_SESSION}sso_region = us-east-1\n{CORP}", "'dev' and .*corp. differ in sso_region"),
        (f"{WITH_SESSION}{CORP}sso_region =\n", "lacks sso_region"),
    ],
)
def test_profiles_that_cannot_be(config: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        told(config)


@given(
    st.dictionaries(
        st.sampled_from(
            ["sso_account_id", "sso_role_name", "sso_session", "sso_region", "sso_start_url"]
        ),
        st.sampled_from(["", "a", "b"]),
    ),
    st.dictionaries(st.sampled_from(["sso_region", "sso_start_url"]), st.sampled_from(["", "a"])),
)
def test_no_profile_is_too_much(profile: dict[str, str], session: dict[str, str]) -> None:
    try:
        found = SSOProfile.of("p", Section(profile), {"a": Section(session)})
    except ConfigFileError:
        return
    assert found is None or all(found[:4])


def test_arguments_that_cannot_be() -> None:
    good: dict[str, Any] = {
        "account_id": "1",
        "role_name": "r",
        "start_url": START,
        "sso_region": "eu-west-1",
    }
    for name in good:
        with pytest.raises(ValueError, match=f"{name} is empty"):
            SSOCredentials(**{**good, name: ""})
        with pytest.raises(TypeError, match=f"{name} must be a str"):
            SSOCredentials(**{**good, name: 1})


# --- secrets


def shows(text: str) -> bool:
    return any(secret in text for secret in SECRETS)


async def test_no_secret_is_shown(
    home: Path,
    clock: FakeClock,
    scripted: Scripted,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    cached(home, clock, MINUTE)
    oidcs = reply(400, body=json.dumps({"message": f"{ACCESS} {REFRESH} {CLIENT_SECRET}"}))
    portals = reply(400, body=json.dumps({"message": NEXT_ACCESS}))
    server = await scripted(oidcs, keys(clock), token_answer(), portals)
    credentials = sso(server, clock, monkeypatch)
    snapshot = await credentials.resolve()
    token = load_token(token_path("corp"))
    texts = [repr(credentials), str(credentials), repr(snapshot), repr(credentials.signer)]
    assert not any(shows(text) for text in (*texts, repr(token)))
    for secret in (credentials, token):
        with pytest.raises(TypeError, match="is not pickled"):
            pickle.dumps(secret)
    credentials.invalidate()
    with pytest.raises(ServiceError) as caught:
        await credentials.resolve()
    assert not shows("".join(traceback.format_exception(caught.value)))
    assert caplog.text.count("could not be renewed") == 1
    assert not shows(caplog.text)
