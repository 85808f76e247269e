"""Functions that give credentials, and the credentials of other SDKs' sessions."""

from __future__ import annotations

import asyncio
import inspect
import logging
import pickle
import threading
import time
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from botocore.credentials import (
    Credentials,
    DeferredRefreshableCredentials,
    ReadOnlyCredentials,
    RefreshableCredentials,
)

from aiohttp_s3_client import CredentialsSnapshot, S3Client
from aiohttp_s3_client.credentials import (
    BotocoreCredentials,
    CallableCredentials,
    merge_credentials,
)
from aiohttp_s3_client.credentials.base import NothingFound
from aiohttp_s3_client.errors import CredentialsError
from tests.project.test_blocking import watched
from tests.servers.scripted import StartScript
from tests.servers.steps import Recorded, Step, reply

from .conftest import KEY, SECRET, TOKEN
from .sources import HOUR, MINUTE, FakeClock

END = datetime(2030, 1, 1, 6, tzinfo=UTC)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def answering(answer: object, **options: Any) -> CallableCredentials:
    async def function() -> Any:
        return answer

    return CallableCredentials(function, **options)


# --- functions


async def test_a_snapshot(clock: FakeClock) -> None:
    given = CredentialsSnapshot(KEY, SECRET, TOKEN, END, "eu-west-1")
    credentials = answering(given, clock=clock)
    assert await credentials.resolve() == credentials.at_hand() == given
    assert credentials.region == "eu-west-1"
    merged = merge_credentials(answering(given, region="eu-north-1", clock=clock))
    assert (await merged.resolve()).region == "eu-north-1"


@pytest.mark.parametrize(
    ("fields", "expires_at"),
    [
        ({}, None),
        ({"session_token": None, "expires_at": None, "region": ""}, None),
        ({"expires_at": END}, END),
        ({"expires_at": END.astimezone()}, END),
        ({"expires_at": "2030-01-01T06:00:00Z"}, END),
        ({"expires_at": "2030-01-01T08:00:00+02:00"}, END),
    ],
)
async def test_a_mapping(
    clock: FakeClock, fields: Mapping[str, object], expires_at: datetime | None
) -> None:
    given = {"access_key_id": KEY, "secret_access_key": SECRET, **fields}
    snapshot = await answering(given, clock=clock).resolve()
    assert snapshot == CredentialsSnapshot(KEY, SECRET, None, expires_at)


async def test_p15_asked_again_before_the_end_and_once(clock: FakeClock) -> None:
    """P15: however many tasks wait for it; a callable object is a function too."""

    class Vault:
        asked = 0

        async def __call__(self) -> dict[str, object]:
            self.asked += 1
            await asyncio.sleep(0.01)
            return {
                "access_key_id": KEY,
                "secret_access_key": SECRET,
                "session_token": str(self.asked),
                "expires_at": clock() + HOUR,
            }

    vault = Vault()
    credentials = CallableCredentials(vault, clock=clock)
    assert (await credentials.resolve()).session_token == "1"
    clock.now += 40 * MINUTE
    assert (await credentials.resolve()).session_token == "1"
    clock.now += 20 * MINUTE
    found = await asyncio.gather(*(credentials.resolve() for _ in range(1000)))
    assert {snapshot.session_token for snapshot in found} == {"2"}
    assert vault.asked == 2


async def test_p15_expired_token_asks_once_more(scripted: StartScript, clock: FakeClock) -> None:
    """P15: many requests that are refused together have one renewal, and each is sent again."""
    expired = "<Error><Code>ExpiredToken</Code><Message>too late</Message></Error>"
    asked = 0

    async def vault() -> CredentialsSnapshot:
        nonlocal asked
        asked += 1
        return CredentialsSnapshot(KEY, SECRET, f"token-{asked}", clock() + HOUR)

    def answer(request: Recorded) -> Step:
        fresh = request.header("X-Amz-Security-Token") == "token-2"
        return reply(200, (), b"body") if fresh else reply(400, (), expired)

    server = await scripted(rest=answer)
    credentials = CallableCredentials(vault, region="us-east-1", clock=clock)

    async def get(client: S3Client) -> bytes:
        async with client.get("bucket/key") as resp:
            return await resp.read()

    async with S3Client(url=server.url, credentials=credentials) as client:
        assert set(await asyncio.gather(*(get(client) for _ in range(20)))) == {b"body"}
    assert asked == 2
    assert len(server.requests) <= 40


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "neither a CredentialsSnapshot nor a mapping, but NoneType"),
        ((KEY, SECRET), "neither a CredentialsSnapshot nor a mapping, but tuple"),
        ({}, "no access_key_id"),
        (CredentialsSnapshot("", ""), "no access_key_id"),
        ({"access_key_id": KEY}, "without secret_access_key"),
        ({"access_key_id": SECRET, "secret_access_key": KEY}, "seem to be swapped"),
        ({"access_key_id": KEY, "secret_access_key": SECRET.encode()}, "not text"),
        ({"access_key_id": KEY, "secret_access_key": SECRET, "region": 1}, "not text"),
        ({"AccessKeyId": KEY, "SecretAccessKey": SECRET}, "unknown field 'AccessKeyId'"),
        ({"access_key_id": KEY, "secret_access_key": SECRET, "expires_at": 1}, "aware datetime"),
        (
            {"access_key_id": KEY, "secret_access_key": SECRET, "expires_at": TOKEN},
            "aware datetime",
        ),
        (CredentialsSnapshot(KEY, SECRET, None, END.replace(tzinfo=None)), "aware datetime"),
    ],
)
async def test_answers_that_are_of_no_use(answer: object, words: str) -> None:
    with pytest.raises(CredentialsError, match=words) as caught:
        await answering(answer).resolve()
    assert "answering.<locals>.function" in str(caught.value)
    shown = "".join(traceback.format_exception(caught.value))
    assert SECRET not in shown
    assert TOKEN not in shown


async def test_what_the_function_raises() -> None:
    async def broken() -> CredentialsSnapshot:
        raise LookupError("no such lease")

    async def has_none() -> CredentialsSnapshot:
        raise NothingFound("vault (not configured)")

    for _ in range(2):
        with pytest.raises(CredentialsError, match=r"broken failed: LookupError") as caught:
            await CallableCredentials(broken).resolve()
        assert isinstance(caught.value.__cause__, LookupError)
    with pytest.raises(NothingFound, match="vault"):
        await merge_credentials(CallableCredentials(has_none)).resolve()


async def test_a_function_that_never_returns() -> None:
    async def hangs() -> CredentialsSnapshot:
        await asyncio.Event().wait()
        raise AssertionError

    async def times_out() -> CredentialsSnapshot:
        raise TimeoutError

    with pytest.raises(CredentialsError, match=r"hangs gave nothing within 0\.02 s"):
        await CallableCredentials(hangs, timeout_seconds=0.02).resolve()
    with pytest.raises(CredentialsError, match=r"times_out failed: TimeoutError"):
        await CallableCredentials(times_out).resolve()


async def test_functions_that_cannot_work() -> None:
    with pytest.raises(TypeError, match="function must be an async function, not str"):
        CallableCredentials(SECRET)  # type: ignore[arg-type]  # wrong on purpose
    for seconds in (0, -1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="timeout_seconds must be positive"):
            answering(None, timeout_seconds=seconds)
    with pytest.raises(CredentialsError, match="is not async"):
        await CallableCredentials(dict).resolve()  # type: ignore[arg-type]  # wrong on purpose


# --- other SDKs' sessions


def refreshing(clock: FakeClock, life: timedelta = HOUR) -> tuple[list[int], Any]:
    """botocore's own, which are to be renewed; and the threads in which that happened."""
    threads: list[int] = []

    def refresh() -> dict[str, object]:
        threads.append(threading.get_ident())
        time.sleep(0.05)
        return {
            "access_key": KEY,
            "secret_key": SECRET,
            "token": str(len(threads)),
            "expiry_time": (clock() + life).isoformat(),
        }

    return threads, DeferredRefreshableCredentials(refresh, "test", time_fetcher=clock)


async def test_p1_botocore_renews_in_a_thread(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P1, P15: its blocking refresh holds no loop up, and is made once for all who wait."""
    threads, theirs = refreshing(clock)
    credentials = BotocoreCredentials(theirs, region="eu-west-1", clock=clock)
    with watched(monkeypatch) as calls:
        found = await asyncio.gather(*(credentials.resolve() for _ in range(1000)))
    assert calls == []
    expected = CredentialsSnapshot(KEY, SECRET, "1", clock.now + HOUR, "eu-west-1")
    assert all(snapshot == expected for snapshot in found)
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()

    clock.now += 40 * MINUTE
    assert (await credentials.resolve()).session_token == "1"
    clock.now += 12 * MINUTE
    assert (await credentials.resolve()).session_token == "2"
    assert len(threads) == 2
    assert threading.get_ident() not in threads


async def test_keys_and_their_end_belong_together(clock: FakeClock) -> None:
    """botocore renews when it is asked for the keys: their end is read once more then."""
    threads: list[int] = []

    def refresh() -> dict[str, str]:
        threads.append(1)
        expiry = (clock() + HOUR).isoformat()
        return {"access_key": KEY, "secret_key": SECRET, "token": "new", "expiry_time": expiry}

    ended = clock() - MINUTE
    theirs = RefreshableCredentials(KEY, SECRET, "old", ended, refresh, "test", time_fetcher=clock)
    snapshot = await BotocoreCredentials(theirs, clock=clock).resolve()
    assert (snapshot.session_token, snapshot.expires_at) == ("new", clock.now + HOUR)
    assert len(threads) == 1


async def test_botocores_that_do_not_end(clock: FakeClock) -> None:
    credentials = BotocoreCredentials(Credentials(KEY, SECRET), clock=clock)
    snapshot = await credentials.resolve()
    assert snapshot == CredentialsSnapshot(KEY, SECRET)
    clock.now += 10_000 * HOUR
    assert await credentials.resolve() is snapshot


class AioCredentials:
    """Answers as aiobotocore's do: the same names, and a coroutine function."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.asked = 0
        self._expiry_time: datetime | None = None
        self.failure: Exception | None = None

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        await asyncio.sleep(0)
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        if self._expiry_time is None or self._expiry_time - self.clock() < 15 * MINUTE:
            self._expiry_time = self.clock() + 6 * HOUR
        return ReadOnlyCredentials(KEY, SECRET, self._expiry_time.isoformat())


async def test_aiobotocore(clock: FakeClock) -> None:
    theirs = AioCredentials(clock)
    credentials = BotocoreCredentials(theirs, clock=clock)
    assert inspect.iscoroutinefunction(theirs.get_frozen_credentials)
    for _ in range(2):
        snapshot = await credentials.resolve()
        assert snapshot.expires_at == clock.now + 6 * HOUR
        assert snapshot.session_token == snapshot.expires_at.isoformat()
        clock.now += 6 * HOUR - 5 * MINUTE
    theirs.failure = OSError("no route")
    assert await credentials.resolve() is snapshot
    clock.now += 5 * MINUTE
    with pytest.raises(CredentialsError, match=r"the credentials of tests failed: OSError"):
        await credentials.resolve()


async def test_what_is_no_sdks_credentials() -> None:
    class Odd(NamedTuple):
        access_key: str

    class Session:
        def get_frozen_credentials(self) -> Odd:
            return Odd(KEY)

    for given in (None, SECRET, object()):
        with pytest.raises(TypeError, match=r"credentials must be what get_credentials\(\)"):
            BotocoreCredentials(given)  # type: ignore[arg-type]  # wrong on purpose
    odd: Any = Session()
    with pytest.raises(CredentialsError, match="failed: AttributeError"):
        await BotocoreCredentials(odd).resolve()
    with pytest.raises(CredentialsError, match="no access_key_id"):
        await BotocoreCredentials(Credentials("", "")).resolve()


async def test_nothing_shows_a_secret(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    given = CredentialsSnapshot(KEY, SECRET, TOKEN)
    theirs = Credentials(KEY, SECRET, TOKEN)
    for credentials in (answering(given), BotocoreCredentials(theirs)):
        snapshot = await credentials.resolve()
        logging.getLogger("test").error("%s %r %s", credentials, credentials, snapshot)
        for text in (repr(credentials), str(credentials), repr(snapshot), caplog.text):
            assert SECRET not in text
            assert TOKEN not in text
        with pytest.raises(TypeError, match="is not pickled"):
            pickle.dumps(credentials)
