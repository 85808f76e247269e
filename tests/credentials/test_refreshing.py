"""The machine that renews: when it fetches, who waits, and what becomes of failures."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta
from itertools import pairwise

import pytest

from aiohttp_s3_client.credentials import MetadataCredentials, refreshing
from aiohttp_s3_client.credentials.base import NothingFound, Unavailable
from aiohttp_s3_client.errors import CredentialsError

from .conftest import SECRET, Imds, keys_document, until
from .sources import HOUR, MINUTE, SECOND, FakeClock, PlayedCredentials

MANY = 10_000


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def credentials(clock: FakeClock) -> PlayedCredentials:
    return PlayedCredentials(clock)


async def settled() -> None:
    """Let a renewal beside the requests end."""
    for _ in range(5):
        await asyncio.sleep(0)


# --- when


async def test_p15_advisory_and_mandatory_windows(
    clock: FakeClock, credentials: PlayedCredentials
) -> None:
    """P15: from 15 minutes before the end beside the requests, from 10 minutes waited for."""
    first = await credentials.resolve()
    clock.now += 6 * HOUR - 17 * MINUTE
    assert await credentials.resolve() is first
    await settled()
    assert credentials.fetches == 1

    clock.now += 2 * MINUTE
    credentials.open.clear()
    assert await credentials.resolve() is first
    await settled()
    assert credentials.fetches == 2
    assert credentials.at_hand() is first

    clock.now += 5 * MINUTE
    waiting = asyncio.create_task(credentials.resolve())
    await settled()
    assert not waiting.done()
    credentials.open.set()
    assert (await waiting).session_token == "2"
    assert first.session_token == "1"
    assert credentials.fetches == 2


@pytest.mark.parametrize("minutes", [60, 12, 1])
async def test_p15_short_lives_have_shorter_windows(clock: FakeClock, minutes: int) -> None:
    """P15: the last quarter and the last sixth."""
    credentials = PlayedCredentials(clock, minutes * MINUTE)
    assert await credentials.token() == "1"
    clock.now += minutes * MINUTE * 0.72
    assert await credentials.token() == "1"
    await settled()
    assert credentials.fetches == 1
    clock.now += minutes * MINUTE * 0.04
    assert await credentials.token() == "1"
    await settled()
    assert await credentials.token() == "2"

    clock.now += minutes * MINUTE * 5 / 6
    assert await credentials.token() == "3"


async def test_renewals_are_spread(clock: FakeClock) -> None:
    """Hosts that began together do not ask together."""
    begun = set()
    for _ in range(20):
        credentials = PlayedCredentials(clock)
        snapshot = await credentials.resolve()
        lease = refreshing.Lease.of(snapshot, clock(), "x")
        early = lease.ends_at - lease.refresh_at
        assert 15 * MINUTE <= early <= 16.5 * MINUTE
        begun.add(early)
    assert len(begun) > 10


async def test_no_end_no_renewal(clock: FakeClock) -> None:
    credentials = PlayedCredentials(clock, life=None)
    first = await credentials.resolve()
    clock.now += 10_000 * HOUR
    assert await credentials.resolve() is first
    assert credentials.fetches == 1


async def test_credentials_that_had_ended_are_tried_for_a_minute(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The clock of one of the two is wrong; S3 decides."""
    credentials = PlayedCredentials(clock, -HOUR)
    assert await credentials.token() == "1"
    clock.now += 30 * SECOND
    assert await credentials.token() == "1"
    clock.now += 30 * SECOND
    assert await credentials.token() == "2"
    assert "the play gives credentials that ended at" in caplog.text


async def test_the_region_comes_with_the_credentials(clock: FakeClock) -> None:
    credentials = PlayedCredentials(clock)
    assert await credentials.find_region() == ""
    await credentials.resolve()
    assert await credentials.find_region() == credentials.region == "eu-west-1"
    credentials = PlayedCredentials(clock, region="given")
    assert credentials.region == (await credentials.resolve()).region == "given"


async def test_a_second_at_least_lies_between_two_renewals(clock: FakeClock) -> None:
    """However short the lives are that a source gives."""
    credentials = PlayedCredentials(clock, SECOND)
    assert await credentials.token() == "1"
    clock.now += 0.9 * SECOND
    assert await credentials.token() == "1"
    await settled()
    assert credentials.fetches == 1
    clock.now += 0.1 * SECOND
    assert await credentials.token() == "2"


# --- who waits


async def test_p15_ten_thousand_tasks_one_refresh(
    clock: FakeClock, credentials: PlayedCredentials
) -> None:
    """P15: at the moment of expiry everybody waits for the one renewal."""
    await credentials.resolve()
    clock.now += 6 * HOUR
    found = await asyncio.gather(*(credentials.resolve() for _ in range(MANY)))
    assert credentials.fetches == 2
    assert all(snapshot is found[0] for snapshot in found)
    assert found[0].session_token == "2"


async def test_p15_ten_thousand_tasks_in_the_mandatory_window(
    clock: FakeClock, credentials: PlayedCredentials
) -> None:
    """P15: the same while the old ones are valid, and the renewal fails: all go on with these."""
    first = await credentials.resolve()
    clock.now += 6 * HOUR - 5 * MINUTE
    credentials.failure = CredentialsError("not today")
    found = await asyncio.gather(*(credentials.resolve() for _ in range(MANY)))
    assert credentials.fetches == 2
    assert all(snapshot is first for snapshot in found)


async def test_a_failure_is_told_to_each_by_an_error_of_its_own(
    credentials: PlayedCredentials,
) -> None:
    cause = OSError("the cause")
    credentials.failure = NothingFound("nothing here")
    credentials.failure.__cause__ = cause
    errors = await asyncio.gather(
        *(credentials.resolve() for _ in range(100)), return_exceptions=True
    )
    assert credentials.fetches == 1
    assert len({id(error) for error in errors}) == 100
    assert {str(error) for error in errors} == {"no credentials found; tried: nothing here"}
    assert all(isinstance(error, NothingFound) and error.__cause__ is cause for error in errors)
    with pytest.raises(NothingFound, match="nothing here"):
        credentials.at_hand()


async def test_a_cancelled_waiter_harms_nobody(
    clock: FakeClock, credentials: PlayedCredentials
) -> None:
    credentials.open.clear()
    waiting = [asyncio.create_task(credentials.resolve()) for _ in range(MANY)]
    await settled()
    began = time.process_time()
    for task in waiting[:-1]:
        task.cancel()
    await asyncio.wait(waiting[:-1])
    assert time.process_time() - began < 0.5  # Each is forgotten at once, not after a search.
    credentials.open.set()
    assert (await waiting[-1]).session_token == "1"
    assert credentials.fetches == 1


async def test_a_waiter_that_is_valid_does_not_wait_for_ever(
    clock: FakeClock, credentials: PlayedCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source that hangs is waited for a while, as long as the old credentials are good."""
    monkeypatch.setattr(refreshing, "PATIENCE_SECONDS", 0.02)
    first = await credentials.resolve()
    clock.now += 6 * HOUR - MINUTE
    credentials.open.clear()
    assert await credentials.resolve() is first
    waiting = asyncio.create_task(credentials.resolve())
    await settled()
    credentials.invalidate()
    await asyncio.sleep(0.05)
    assert not waiting.done()
    credentials.open.set()
    assert (await waiting).session_token == "2"


async def test_nobody_is_left_when_it_is_stopped(
    clock: FakeClock, credentials: PlayedCredentials
) -> None:
    credentials.open.clear()
    before = asyncio.all_tasks()
    waiting = asyncio.create_task(credentials.start())
    await settled()
    await credentials.stop()
    with pytest.raises(CredentialsError, match="stopped while"):
        await waiting
    assert asyncio.all_tasks() == before
    assert credentials.under_way == 0
    credentials.open.set()
    async with credentials:
        assert len(asyncio.all_tasks()) == len(before) + 1
    assert asyncio.all_tasks() == before


async def test_a_renewal_beside_the_requests_ends_with_stop(
    clock: FakeClock, credentials: PlayedCredentials
) -> None:
    before = asyncio.all_tasks()
    await credentials.resolve()
    clock.now += 6 * HOUR - 12 * MINUTE
    credentials.open.clear()
    await credentials.resolve()
    await settled()
    assert credentials.under_way == 1
    await credentials.stop()
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("stopped", [True, False])
def test_one_loop_after_another(stopped: bool) -> None:
    """A loop that was left in the middle of a fetch does not stand in the way of the next."""
    clock = FakeClock()
    left = asyncio.new_event_loop()

    async def make() -> PlayedCredentials:
        return PlayedCredentials(clock)

    credentials = left.run_until_complete(make())
    credentials.open.clear()
    waiting = left.create_task(credentials.resolve())
    left.run_until_complete(asyncio.sleep(0.01))
    assert credentials.under_way == 1

    async def other() -> None:
        credentials.under_way = 0
        credentials.open = asyncio.Event()
        credentials.open.set()
        if stopped:
            await credentials.stop()  # Tells the other loop's fetch, and does not wait for it.
        async with asyncio.timeout(5):
            assert (await credentials.resolve()).session_token == "2"
        await credentials.stop()

    asyncio.run(other())
    if not stopped:
        for task in asyncio.all_tasks(left) - {waiting}:
            task.cancel()
    left.run_until_complete(asyncio.wait((waiting,)))
    with pytest.raises(CredentialsError, match="stopped while"):
        waiting.result()
    left.close()
    asyncio.run(credentials.stop())


def test_started_in_one_loop_and_again_in_the_next() -> None:
    left = asyncio.new_event_loop()

    async def make() -> PlayedCredentials:
        credentials = PlayedCredentials(FakeClock())
        await credentials.start()
        return credentials

    credentials = left.run_until_complete(make())
    (keeper,) = asyncio.all_tasks(left)

    async def other() -> None:
        await credentials.start()
        assert len(asyncio.all_tasks()) == 2
        await credentials.stop()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(other())
    credentials._keeper = keeper
    asyncio.run(credentials.stop())
    left.run_until_complete(asyncio.wait((keeper,)))
    assert keeper.cancelled()
    left.close()


def test_a_loop_that_is_closed_is_not_asked_for_anything() -> None:
    clock = FakeClock()

    async def leave() -> PlayedCredentials:
        credentials = PlayedCredentials(clock)
        credentials.open.clear()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(credentials.resolve(), 0.01)
        return credentials

    credentials = asyncio.run(leave())
    asyncio.run(credentials.stop())


# --- failures


async def test_p15_failures_are_followed_by_growing_pauses(
    clock: FakeClock, credentials: PlayedCredentials, caplog: pytest.LogCaptureFixture
) -> None:
    """P15: while the old ones are valid a source that fails is asked seldom, and never by two."""
    await credentials.resolve()
    clock.now += 6 * HOUR - 10 * MINUTE
    credentials.failure = CredentialsError("not today")
    asked = []
    for second in range(10 * 60 - 1):
        before = credentials.fetches
        assert await credentials.token() == "1"
        if credentials.fetches > before:
            asked.append(second)
        clock.now += SECOND
    pauses = [after - before for before, after in pairwise(asked)]
    assert pauses[0] <= 2
    assert max(pauses) <= 60
    assert pauses[-1] >= 30
    assert 12 <= len(asked) <= 30
    assert all(record.levelno == logging.WARNING for record in caplog.records)
    assert SECRET not in caplog.text
    clock.now += SECOND
    with pytest.raises(CredentialsError, match="not today"):
        await credentials.resolve()
    with pytest.raises(CredentialsError, match=r"ended at 2030.*await credentials\.resolve\(\)"):
        credentials.at_hand()
    credentials.failure = None
    assert await credentials.token() == str(credentials.fetches)

    clock.now += 6 * HOUR - 5 * MINUTE
    credentials.failure = CredentialsError("not today")
    await credentials.resolve()
    fetches = credentials.fetches
    clock.now += SECOND
    await credentials.resolve()
    assert credentials.fetches == fetches + 1


async def test_a_failure_in_the_advisory_window_is_felt_by_nobody(
    clock: FakeClock, credentials: PlayedCredentials, caplog: pytest.LogCaptureFixture
) -> None:
    await credentials.resolve()
    clock.now += 6 * HOUR - 14 * MINUTE
    credentials.failure = CredentialsError("not today")
    assert await credentials.token() == "1"
    await settled()
    assert credentials.fetches == 2
    assert "06:00:00+00:00 could not be renewed: not today" in caplog.text


async def test_p15_invalidate_forces_one_refresh(
    clock: FakeClock, credentials: PlayedCredentials
) -> None:
    """P15: ExpiredToken, whatever the clock says: one renewal for all whom it was told."""
    await credentials.resolve()
    credentials.invalidate()
    with pytest.raises(CredentialsError, match=r"await credentials\.resolve\(\)"):
        credentials.at_hand()
    assert set(await asyncio.gather(*(credentials.token() for _ in range(100)))) == {"2"}
    assert credentials.fetches == 2
    assert await credentials.token() == "2"


async def test_what_was_refused_is_not_used_again(
    clock: FakeClock, credentials: PlayedCredentials
) -> None:
    """Neither when the renewal that was under way meanwhile fails, nor beyond the end."""
    await credentials.resolve()
    clock.now += 6 * HOUR - 5 * MINUTE
    credentials.open.clear()
    waiting = asyncio.create_task(credentials.resolve())
    await settled()
    credentials.invalidate()
    credentials.failure = Unavailable("no answer")
    credentials.open.set()
    with pytest.raises(CredentialsError, match="no answer"):
        await waiting


# --- a source that is out of reach when the credentials end


class ExtendedCredentials(PlayedCredentials):
    EXTENDED_USE = 15 * MINUTE


@pytest.mark.parametrize("failure", [Unavailable("no answer"), NothingFound("nobody listens")])
async def test_p15_extended_use(
    clock: FakeClock, failure: CredentialsError, caplog: pytest.LogCaptureFixture
) -> None:
    """P15: what has just lapsed stays in use while the source is down, and for no longer."""
    credentials = ExtendedCredentials(clock)
    first = await credentials.resolve()
    end = first.expires_at
    assert end is not None
    clock.now = end
    credentials.failure = failure
    assert await credentials.resolve() is first
    assert credentials.at_hand() is first
    assert "they stay in use until 2030-01-01 06:15" in caplog.text
    fetches = credentials.fetches
    assert await credentials.resolve() is first
    assert credentials.fetches == fetches  # It is asked again after a pause, beside the requests.
    clock.now = end + 14 * MINUTE
    assert await credentials.resolve() is first
    await settled()
    assert credentials.fetches == fetches + 1
    clock.now = end + 15 * MINUTE
    with pytest.raises(CredentialsError, match="no"):
        await credentials.resolve()
    credentials.failure = None
    assert await credentials.token() == str(credentials.fetches)


async def test_extended_use_begins_at_the_end(clock: FakeClock) -> None:
    """A failure before it extends nothing: at the end the source is waited for."""
    credentials = ExtendedCredentials(clock)
    await credentials.resolve()
    clock.now += 6 * HOUR - 5 * MINUTE
    credentials.failure = Unavailable("no answer")
    assert await credentials.token() == "1"
    clock.now += 6 * MINUTE
    credentials.failure = None
    assert await credentials.token() == "3"


async def test_extended_use_ends_when_the_source_is_back(clock: FakeClock) -> None:
    credentials = ExtendedCredentials(clock)
    await credentials.resolve()
    clock.now += 6 * HOUR + MINUTE
    credentials.failure = Unavailable("no answer")
    assert await credentials.token() == "1"
    credentials.failure = None
    clock.now += MINUTE
    assert await credentials.token() == "1"
    await settled()
    assert await credentials.token() == "3"


@pytest.mark.parametrize(
    ("failure", "late"),
    [
        (CredentialsError("the role is gone"), timedelta()),
        (Unavailable("no answer"), 15 * MINUTE),
        (Unavailable("no answer"), 3 * HOUR),
    ],
)
async def test_no_extended_use(
    clock: FakeClock, failure: CredentialsError, late: timedelta
) -> None:
    """Of a source that answers no, and of what lapsed long ago."""
    credentials = ExtendedCredentials(clock)
    await credentials.resolve()
    clock.now += 6 * HOUR + late
    credentials.failure = failure
    with pytest.raises(CredentialsError, match=str(failure)):
        await credentials.resolve()


async def test_no_extended_use_of_what_the_server_refused(clock: FakeClock) -> None:
    credentials = ExtendedCredentials(clock)
    await credentials.resolve()
    clock.now += 6 * HOUR
    credentials.failure = Unavailable("no answer")
    assert await credentials.token() == "1"
    credentials.invalidate()
    with pytest.raises(CredentialsError, match="no answer"):
        await credentials.resolve()


# --- in the background


async def test_p15_start_renews_without_requests(
    clock: FakeClock, credentials: PlayedCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P15: the task renews ahead of the end, and goes on after a failure."""
    monkeypatch.setattr(refreshing, "NAP_SECONDS", 0.005)
    async with credentials:
        clock.now += 6 * HOUR - 15 * MINUTE
        await until(lambda: credentials.session_token == "2")
        credentials.failure = CredentialsError("not today")
        clock.now += 6 * HOUR - 15 * MINUTE
        await until(lambda: credentials.fetches == 3)
        credentials.failure = None
        clock.now += MINUTE
        await until(lambda: credentials.session_token == "4")


# --- the metadata service


async def test_p15_the_metadata_service_is_down(imds: Imds, clock: FakeClock) -> None:
    """P15: it is overloaded just when the credentials end, and back a little later."""
    imds.replies[imds.KEYS] = (200, keys_document(HOUR, now=clock.now))
    credentials = MetadataCredentials(host="127.0.0.1", port=imds.port, clock=clock)
    first = await credentials.resolve()
    clock.now += HOUR
    imds.replies[imds.TOKEN] = (503, "")
    assert await credentials.resolve() is first
    imds.replies[imds.TOKEN] = (200, "token")
    imds.replies[imds.KEYS] = (200, keys_document(HOUR, token="new", now=clock.now))
    clock.now += MINUTE
    assert await credentials.resolve() is first
    await until(lambda: credentials.session_token == "new")
    await credentials.stop()
