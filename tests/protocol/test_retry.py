"""Retry policy without I/O: what is tried again, how soon, how often, at what rate (P18)."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aiohttp_s3_client.protocol.retry import (
    BACKOFF_CAP,
    Attempts,
    Pace,
    RetryQuota,
    backoff,
    is_throttling,
    is_transient,
    retry_after,
)

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_transient_status_needs_no_code(status: int) -> None:
    assert is_transient(status, "")


@pytest.mark.parametrize("status", [200, 301, 304, 400, 401, 403, 404, 405, 409, 411, 412, 416])
def test_a_final_status_is_not_tried_again(status: int) -> None:
    assert not is_transient(status, "")
    assert not is_transient(status, "AccessDenied")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "RequestTimeout"),
        (200, "InternalError"),
        (409, "OperationAborted"),
        (409, "ConditionalRequestConflict"),
        (403, "RequestThrottled"),
        (400, "SlowDown"),
    ],
)
def test_a_transient_code_is_tried_again_whatever_the_status(status: int, code: str) -> None:
    assert is_transient(status, code)


def test_what_a_server_does_not_implement_is_not_tried_again() -> None:
    assert not is_transient(501, "NotImplemented")
    assert not is_transient(503, "NotImplemented")


def test_p18_throttling_is_told_from_other_trouble() -> None:
    assert is_throttling(503, "SlowDown")
    assert is_throttling(429, "")
    assert not is_throttling(500, "InternalError")
    assert not is_throttling(503, "ServiceUnavailable")


@given(st.integers(min_value=1, max_value=10_000), st.integers())
def test_p18_backoff_has_full_jitter_below_a_doubling_bound(attempt: int, seed: int) -> None:
    seconds = backoff(attempt, random.Random(seed))
    assert 0 <= seconds <= BACKOFF_CAP
    assert seconds <= 0.05 * 2 ** min(attempt - 1, 40)


def test_p18_backoff_uses_its_whole_range() -> None:
    rng = random.Random(7)
    waits = [backoff(3, rng) for _ in range(500)]
    assert min(waits) < 0.02
    assert 0.18 < max(waits) <= 0.2


@pytest.mark.parametrize(("value", "seconds"), [("0", 0.0), ("7", 7.0), (" 120 ", 120.0)])
def test_p18_retry_after_in_seconds(value: str, seconds: float) -> None:
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize(("ahead", "seconds"), [(30, 30.0), (-30, 0.0)])
def test_p18_retry_after_as_a_date(ahead: int, seconds: float) -> None:
    value = format_datetime(NOW + timedelta(seconds=ahead), usegmt=True)
    assert retry_after(value, NOW) == seconds


@given(st.text(max_size=30) | st.none())
@example("²")
@example("-5")
@example("1.5")
@example("9" * 400)
def test_p18_any_retry_after_is_a_number_or_no_wish(value: str | None) -> None:
    seconds = retry_after(value, NOW)
    assert seconds is None or seconds >= 0


def test_p18_the_quota_runs_out() -> None:
    quota = RetryQuota()
    assert [quota.take(timeout=False) for _ in range(100)] == [5] * 100
    assert quota.available == 0
    assert quota.take(timeout=False) == 0
    quota.give_back(5)
    assert quota.take(timeout=True) == 0, "a timeout costs 10"
    assert quota.take(timeout=False) == 5


def test_p18_a_retry_that_helped_is_paid_back_and_a_first_success_gives_a_little() -> None:
    quota = RetryQuota(100)
    taken = quota.take(timeout=True)
    quota.give_back(taken)
    assert quota.available == 100
    quota.take(timeout=False)
    quota.give_back(0)
    assert quota.available == 96


@given(st.lists(st.sampled_from(["retry", "timeout", "success", "plain"]), max_size=300))
def test_p18_the_quota_stays_within_its_bounds(events: list[str]) -> None:
    quota = RetryQuota()
    for event in events:
        if event == "success":
            quota.give_back(5)
        elif event == "plain":
            quota.give_back(0)
        else:
            quota.take(timeout=event == "timeout")
        assert 0 <= quota.available <= quota.capacity


def test_attempts_count_what_did_not_help() -> None:
    attempts = Attempts(2, started=0.0)
    attempts.sent()
    assert attempts.left
    attempts.uncounted()
    attempts.sent()
    attempts.sent()
    assert not attempts.left
    assert attempts.sends == 3


def test_p18_pace_is_unlimited_until_a_server_throttles() -> None:
    pace = Pace()
    assert [pace.delay(0.001 * n) for n in range(1000)] == [0.0] * 1000


def test_p18_pace_drops_to_half_of_what_was_measured_and_recovers() -> None:
    pace = Pace()
    for n in range(100):
        pace.delay(n * 0.01)
    pace.throttled(1.0 - 0.01)
    halved = pace.interval
    assert halved == pytest.approx(0.02, rel=0.1)
    assert pace.delay(1.0) == 0.0
    assert pace.delay(1.0) == pytest.approx(halved)
    assert pace.delay(1.0) == pytest.approx(2 * halved)
    for _ in range(100):
        pace.succeeded()
    assert pace.interval == 0.0
    assert pace.delay(50.0) == 0.0


def test_p18_the_echo_of_one_throttling_drops_the_pace_once() -> None:
    pace = Pace()
    pace.delay(10.0)
    pace.throttled(10.1)
    once = pace.interval
    pace.throttled(10.2)
    pace.throttled(10.5)
    assert pace.interval == once
    pace.throttled(11.0)
    assert pace.interval > once


@given(st.lists(st.floats(min_value=0.0, max_value=5.0), min_size=1, max_size=100))
def test_p18_the_pace_never_falls_below_one_a_second(gaps: list[float]) -> None:
    pace, now = Pace(), 0.0
    for gap in gaps:
        now += gap
        assert pace.delay(now) >= 0.0
        pace.throttled(now)
        assert 0.0 < pace.interval <= Pace.SLOWEST
