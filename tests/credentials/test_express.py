"""Sessions of directory buckets: made once, renewed early, ended with their client.

Time passes by moving the clocks of both sides: the zone's own, and the client's corrected one.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import pickle
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.credentials import AnonymousCredentials, StaticCredentials, express
from aiohttp_s3_client.errors import (
    AccessDenied,
    AwsError,
    CredentialsError,
    ResponseParseError,
    S3ConnectionError,
)
from aiohttp_s3_client.models import CredentialsProvider, CredentialsSnapshot

from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import Recorded, Step, reply
from ..servers.zone import BASE_KEY, BASE_SECRET, LIFE, Zone
from .conftest import until

BUCKET = "data--use1-az4--x-s3"
OTHER = "more--use1-az4--x-s3"
OTHER_KEY, OTHER_SECRET = "AKIDOTHEREXAMPLE", "the-secret-of-somebody-else"


class Rotating:
    """Base credentials that are exchanged by hand."""

    def __init__(self) -> None:
        self.held = CredentialsSnapshot(BASE_KEY, BASE_SECRET)
        self.invalidated = 0

    async def resolve(self) -> CredentialsSnapshot:
        return self.held

    def at_hand(self) -> CredentialsSnapshot:
        return self.held

    def invalidate(self) -> None:
        self.invalidated += 1


class Scene:
    """A zone, its server, and a client of it."""

    def __init__(self, zone: Zone, server: ScriptedServer, client: S3Client) -> None:
        self.zone, self.server, self.client = zone, server, client

    def pass_time(self, seconds: float) -> None:
        self.zone.offset += timedelta(seconds=seconds)
        self.client._engine.pipeline.clock.offset += timedelta(seconds=seconds)

    @property
    def left(self) -> float:
        """Seconds that the client thinks the session has."""
        engine = self.client._engine
        ends_at = engine.express_session(BUCKET).at_hand().expires_at
        assert ends_at is not None
        return (ends_at - engine.pipeline.clock.now()).total_seconds()

    async def get(self, key: str = "key", bucket: str = BUCKET) -> int:
        async with self.client.get(f"{bucket}/{key}") as response:
            return response.status


Start = Callable[..., Any]


@pytest.fixture
def start(scripted: StartScript) -> Start:
    """``async with start() as scene``: a client of a zone."""

    @asynccontextmanager
    async def start(
        zone: Zone | None = None,
        credentials: CredentialsProvider | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> AsyncIterator[Scene]:
        zone = zone or Zone()
        server = await scripted(rest=zone)
        # Anonymous ones are false.
        given = StaticCredentials(BASE_KEY, BASE_SECRET) if credentials is None else credentials
        client = S3Client(session, url=server.url, region="us-east-1", credentials=given)
        async with client:
            yield Scene(zone, server, client)
        await asyncio.sleep(0)
        assert sessions_in_flight() == []

    return start


def sessions_in_flight() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if "session of" in task.get_name()]


async def test_one_session_serves_all_requests(start: Start) -> None:
    async with start() as scene:
        assert [await scene.get(key) for key in "abc"] == [200] * 3
        zone = scene.zone
        assert (len(zone.asked), len(zone.served), zone.refused) == (1, 3, [])
        asked = zone.asked[0]
        assert asked.target == f"/{BUCKET}?session="
        assert asked.header("x-amz-create-session-mode") is None
        assert "/us-east-1/s3express/aws4_request" in (asked.header("Authorization") or "")
        (served, _) = zone.served[0]
        assert f"Credential={zone.sessions[0].key}/" in (served.header("Authorization") or "")
        assert "x-amz-s3session-token" in (served.header("Authorization") or "")


async def test_each_bucket_has_its_session(start: Start) -> None:
    async with start() as scene:
        for bucket in (BUCKET, OTHER, BUCKET, OTHER):
            assert await scene.get(bucket=bucket) == 200
        assert [each.bucket for each in scene.zone.sessions] == [BUCKET, OTHER]


@pytest.mark.parametrize("age", [None, LIFE + 1])
async def test_a_thousand_requests_make_one_session(start: Start, age: float | None) -> None:
    async with start() as scene:
        if age is not None:
            await scene.get()
            scene.pass_time(age)
        scene.zone.delay = 0.05
        before = len(scene.zone.asked)
        assert set(await asyncio.gather(*(scene.get(str(n)) for n in range(1000)))) == {200}
        assert len(scene.zone.asked) == before + 1
        assert scene.zone.refused == []


async def test_a_young_session_is_kept(start: Start) -> None:
    async with start() as scene:
        await scene.get()
        scene.pass_time(LIFE * (1 - express.REFRESH_EARLY * express.REFRESH_SPREAD) - 5)
        await scene.get()
        assert len(scene.zone.asked) == 1
        assert sessions_in_flight() == []


async def test_it_is_renewed_beside_the_requests(start: Start) -> None:
    async with start() as scene:
        await scene.get()
        scene.pass_time(LIFE * 0.8)
        scene.zone.delay = 0.2
        assert set(await asyncio.gather(*(scene.get() for _ in range(50)))) == {200}
        old = scene.zone.sessions[0].token
        assert set(scene.zone.used) == {old}  # Nobody waited for the new one.
        await until(lambda: not sessions_in_flight())
        await scene.get()
        assert scene.zone.used[-1] == scene.zone.sessions[1].token
        assert len(scene.zone.asked) == 2


async def test_shortly_before_its_end_requests_wait_for_the_new_one(start: Start) -> None:
    async with start() as scene:
        await scene.get()
        scene.pass_time(LIFE * 0.9)
        scene.zone.delay = 0.05
        await scene.get()
        assert scene.zone.used[-1] == scene.zone.sessions[1].token


@pytest.mark.parametrize(("left", "token"), [(1.5, 1), (0.1, 2)])
async def test_nobody_waits_long_who_has_a_session(start: Start, left: float, token: int) -> None:
    """The second one's ends while it waits."""
    zone = Zone()
    zone.life = 12.0
    async with start(zone) as scene:
        await scene.get()
        scene.pass_time(scene.left - left)
        scene.zone.delay = 0.5
        async with asyncio.timeout(5.0):
            await scene.get()
        assert zone.used[-1] == zone.sessions[token - 1].token
        assert zone.refused == []


@pytest.mark.parametrize("age", [0.8, 0.9])
async def test_a_renewal_that_fails_is_no_error_while_the_session_is_valid(
    start: Start, age: float, caplog: pytest.LogCaptureFixture
) -> None:
    async with start() as scene:
        await scene.get()
        scene.pass_time(LIFE * age)
        scene.zone.refusal = (403, "AccessDenied")
        for _ in range(5):
            assert await scene.get() == 200
            await until(lambda: not sessions_in_flight())
        assert len(scene.zone.asked) == 2  # The next try has to wait.
        assert f"the session of {BUCKET}" in caplog.text
        assert "AccessDenied" in caplog.text
        scene.pass_time(2.0)
        scene.zone.refusal = None
        await scene.get()
        await until(lambda: not sessions_in_flight())
        await scene.get()
        assert scene.zone.used[-1] == scene.zone.sessions[1].token


async def test_without_a_session_its_error_is_raised_to_all(start: Start) -> None:
    zone = Zone()
    zone.refusal = (403, "AccessDenied")
    zone.delay = 0.05
    async with start(zone) as scene:
        tasks = [scene.get() for _ in range(20)]
        errors = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(error) for error in errors} == {AccessDenied}
        assert {error.operation for error in errors if isinstance(error, AwsError)} == {
            "CreateSession"
        }
        assert {error.bucket for error in errors if isinstance(error, AwsError)} == {BUCKET}
        assert len({id(error) for error in errors}) == 20
        assert len(zone.asked) == 1
        zone.refusal = None
        assert await scene.get() == 200


async def test_a_session_that_has_ended_is_not_used_when_none_can_be_made(start: Start) -> None:
    async with start() as scene:
        await scene.get()
        scene.pass_time(LIFE + 1)
        scene.zone.refusal = (404, "NoSuchBucket")
        with pytest.raises(AwsError, match="CreateSession"):
            await scene.get()
        assert len(scene.zone.served) == 1


async def test_no_answer_is_told_as_that(start: Start) -> None:
    async with start() as scene:
        await scene.server.close()
        with pytest.raises(S3ConnectionError, match="CreateSession"):
            await scene.get()


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "InvalidToken"])
async def test_a_refused_session_is_made_anew_once(start: Start, code: str) -> None:
    base = Rotating()
    async with start(credentials=base) as scene:
        await scene.get()
        scene.zone.revoke()
        scene.zone.expired_code = code
        scene.zone.delay = 0.05
        assert set(await asyncio.gather(*(scene.get() for _ in range(100)))) == {200}
        assert len(scene.zone.asked) == 2
        assert base.invalidated == 0


async def test_a_server_that_refuses_every_session_gets_two_attempts(start: Start) -> None:
    zone = Zone()
    zone.life = -1  # They end before they begin.
    async with start(zone) as scene:
        assert await scene.get() == 400
        assert zone.refused == ["ExpiredToken"] * 2
        assert len(zone.asked) == 2


async def test_a_refused_head_tells_no_code_and_is_asked_about(start: Start) -> None:
    async with start() as scene:
        await scene.get()
        scene.zone.revoke()
        async with scene.client.head(f"{BUCKET}/key") as response:
            assert response.status == 200
        assert len(scene.zone.asked) == 2


async def test_what_cannot_be_sent_again_leaves_no_refused_session_behind(start: Start) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"data"

    async with start() as scene:
        await scene.get()
        scene.zone.revoke()
        async with scene.client.put(f"{BUCKET}/key", chunks(), data_length=4) as response:
            assert response.status == 400
        async with scene.client.put(f"{BUCKET}/key", chunks(), data_length=4) as response:
            assert response.status == 200


async def test_what_was_refused_of_an_older_session_leaves_the_new_one(start: Start) -> None:
    async with start() as scene:
        first, second = (scene.client._engine.express_session(BUCKET) for _ in range(2))
        assert await first.resolve() == await second.resolve()
        first.invalidate()
        renewed = await first.resolve()
        second.invalidate()
        assert await second.resolve() == renewed
        assert len(scene.zone.asked) == 2


async def test_other_base_credentials_make_their_own_session(start: Start) -> None:
    base = Rotating()
    zone = Zone({BASE_KEY: BASE_SECRET, OTHER_KEY: OTHER_SECRET})
    async with start(zone, base) as scene:
        await scene.get()
        base.held = CredentialsSnapshot(OTHER_KEY, OTHER_SECRET)
        await scene.get()
        await scene.get()
        assert len(set(zone.used)) == 2
        signed = [each.header("Authorization") or "" for each in zone.asked]
        assert [BASE_KEY in signed[0], OTHER_KEY in signed[1], len(signed)] == [True, True, 2]


async def test_the_least_used_sessions_are_forgotten(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(express, "SESSIONS", 2)
    async with start() as scene:
        for bucket in ("a", "b", "b", "a", "c", "a", "b"):
            await scene.get(bucket=f"{bucket}{OTHER}")
        made = [each.bucket[0] for each in scene.zone.sessions]
        assert made == ["a", "b", "c", "b"]


async def test_whoever_began_it_may_be_cancelled(start: Start) -> None:
    async with start() as scene:
        scene.zone.delay = 0.2
        first = asyncio.create_task(scene.get())
        await until(lambda: scene.zone.asked)
        others = [asyncio.create_task(scene.get()) for _ in range(5)]
        await asyncio.sleep(0.01)
        first.cancel()
        others[0].cancel()
        assert await asyncio.gather(*others[1:]) == [200] * 4
        assert len(scene.zone.asked) == 1
        assert first.cancelled()
        assert others[0].cancelled()


async def test_closing_the_client_ends_a_renewal(start: Start) -> None:
    async with start() as scene:
        await scene.get()
        scene.pass_time(LIFE * 0.8)
        scene.zone.delay = 30.0
        await scene.get()
        await until(lambda: len(scene.zone.asked) == 2)
        assert len(sessions_in_flight()) == 1
        await scene.client.close()
        assert sessions_in_flight() == []
    gc.collect()


async def test_closing_the_client_ends_the_wait_for_a_session(start: Start) -> None:
    async with start() as scene:
        scene.zone.delay = 30.0
        waiting = asyncio.create_task(scene.get())
        await until(lambda: scene.zone.asked)
        await scene.client.close()
        with pytest.raises(RuntimeError, match="no session"):
            await waiting


async def test_what_nobody_waits_for_complains_to_nobody(start: Start) -> None:
    async with aiohttp.ClientSession() as session, start(session=session) as scene:
        await scene.get()
        scene.pass_time(LIFE * 0.8)
        scene.zone.delay = 0.2
        await scene.get()
        await until(lambda: len(scene.zone.asked) == 2)
        await session.close()
        await until(lambda: not sessions_in_flight())
    gc.collect()


async def test_clients_that_share_an_engine_share_its_sessions(start: Start) -> None:
    async with start() as scene, aiohttp.ClientSession(headers={"x-from": "other"}) as other:
        engine = scene.client._engine.through(other)
        await engine.request("HeadObject", "HEAD", BUCKET, "key")
        assert await scene.get() == 200
        assert len(scene.zone.asked) == 1
        assert scene.zone.asked[0].header("x-from") == "other"


async def test_the_end_of_another_aiohttp_session_is_not_felt(start: Start) -> None:
    async with start() as scene:
        scene.zone.delay = 0.1
        other = aiohttp.ClientSession()
        engine = scene.client._engine.through(other)
        first = asyncio.create_task(engine.request("HeadObject", "HEAD", BUCKET, "key"))
        await until(lambda: scene.zone.asked)
        ours = asyncio.create_task(scene.get())
        await asyncio.sleep(0.01)
        await other.close()
        assert await ours == 200
        with pytest.raises((S3ConnectionError, RuntimeError)):
            await first


async def test_another_event_loop_does_not_wait_for_what_runs_in_this_one(start: Start) -> None:
    async with start() as scene:
        scene.zone.delay = 0.3
        here = asyncio.create_task(scene.get())
        await until(lambda: scene.zone.asked)

        async def there() -> None:
            async with aiohttp.ClientSession() as session:
                engine = scene.client._engine.through(session)
                async with asyncio.timeout(5):
                    await engine.request("HeadObject", "HEAD", BUCKET, "key")

        await asyncio.to_thread(asyncio.run, there())
        assert await here == 200
        assert len(scene.zone.asked) == 2


async def test_a_loop_that_ended_while_it_asked_does_not_hold_up_the_next(start: Start) -> None:
    async with start() as scene:
        scene.zone.delay = 30.0

        async def gives_up() -> None:
            async with aiohttp.ClientSession() as session:
                engine = scene.client._engine.through(session)
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await engine.request("HeadObject", "HEAD", BUCKET, "key")

        await asyncio.to_thread(asyncio.run, gives_up())
        scene.zone.delay = 0.0
        assert await scene.get() == 200


async def test_without_credentials_there_is_no_session(start: Start) -> None:
    async with start(credentials=AnonymousCredentials()) as scene:
        assert await scene.get() == 200
        assert scene.zone.asked == []
        assert scene.zone.served[0][1] is None
        assert (await scene.client.resolve_credentials(BUCKET)).anonymous


@pytest.mark.parametrize("minutes", [-10, 10])
async def test_p24_a_wrong_clock_makes_no_session_longer_or_shorter(
    start: Start, minutes: int
) -> None:
    """P24: ten minutes are no reason for S3 to refuse, and are twice a session's life."""
    zone = Zone()
    zone.offset = timedelta(minutes=minutes)
    async with start(zone) as scene:
        await scene.get()
        await scene.get()
        assert len(zone.asked) == 1
        scene.pass_time(LIFE * 0.9)
        await scene.get()
        assert len(zone.asked) == 2


async def test_a_server_without_a_date_is_measured_by_our_clock(start: Start) -> None:
    zone = Zone()
    zone.dated = False
    async with start(zone) as scene:
        await scene.get()
        await scene.get()
        assert len(zone.asked) == 1


HUSH = "never-to-be-shown"


@pytest.mark.parametrize(
    "document",
    [
        f"<CreateSessionResult><Credentials><SecretAccessKey>{HUSH}</SecretAccessKey>",
        f"<Other><Credentials><SecretAccessKey>{HUSH}</SecretAccessKey></Credentials></Other>",
        f"<CreateSessionResult><Credentials><SecretAccessKey>{HUSH}</SecretAccessKey>"
        "</Credentials></CreateSessionResult>",
        f"<CreateSessionResult><Credentials><SecretAccessKey>{HUSH}</SecretAccessKey>"
        f"<SessionToken>{HUSH}</SessionToken><AccessKeyId>id</AccessKeyId>"
        f"<Expiration>{HUSH}</Expiration></Credentials></CreateSessionResult>",
        HUSH,
        "",
    ],
)
async def test_a_strange_answer_is_an_error_that_shows_nothing_of_it(
    start: Start, document: str
) -> None:
    zone = Zone()
    zone.document = document
    async with start(zone) as scene:
        with pytest.raises(ResponseParseError, match="CreateSession") as raised:
            await scene.get()
        assert HUSH not in repr(raised.value)
        assert HUSH not in str(raised.value.__context__)


async def test_no_secret_is_shown(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with start() as scene:
        await scene.get()
        (session,) = scene.zone.sessions
        scene.pass_time(LIFE * 0.9)
        scene.zone.refusal = (403, "AccessDenied")
        await scene.get()
        provider = scene.client._engine.express_session(BUCKET)
        sessions = scene.client._engine._sessions
        shown = [repr(provider), repr(sessions), repr(await provider.resolve()), caplog.text]
        for secret in (session.secret, session.token, BASE_SECRET):
            assert all(secret not in text for text in shown)
        for held in (provider, sessions):
            with pytest.raises(TypeError, match="not pickled"):
                pickle.dumps(held)


async def test_create_session_is_an_operation_like_others(start: Start) -> None:
    async with start() as scene:
        made = await scene.client.api.create_session(Bucket=BUCKET, SessionMode="ReadOnly")
        assert made["Credentials"]["SessionToken"] == scene.zone.sessions[0].token
        assert scene.zone.asked[0].header("x-amz-create-session-mode") == "ReadOnly"
        await scene.get()
        assert len(scene.zone.asked) == 2  # What the caller got is the caller's.


async def test_it_is_sent_again_as_any_request_is(scripted: StartScript) -> None:
    zone, failures = Zone(), [reply(503), reply(500)]

    def busy(request: Recorded) -> Step:
        return failures.pop() if failures and "session" in request.target else zone(request)

    server = await scripted(rest=busy)
    client = S3Client(
        url=server.url,
        region="us-east-1",
        credentials=StaticCredentials(BASE_KEY, BASE_SECRET),
    )
    async with client, client.get(f"{BUCKET}/key") as response:
        assert response.status == 200
    assert failures == []


async def test_no_base_credentials_are_told_as_that(start: Start) -> None:
    class Nobody(Rotating):
        async def resolve(self) -> CredentialsSnapshot:
            raise CredentialsError("nobody has any")

    async with start(credentials=Nobody()) as scene:
        with pytest.raises(CredentialsError, match="nobody has any"):
            await scene.get()
        assert scene.zone.asked == []
