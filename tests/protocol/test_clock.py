"""The clock that requests are signed with (P24)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aiohttp_s3_client.protocol.clock import SKEW_ALLOWED, Clock, parse_http_date


def in_http(date: datetime) -> str:
    return format_datetime(date, usegmt=True)


@pytest.mark.parametrize(
    "value",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 09:49:37 +0100",
    ],
)
def test_every_form_of_an_http_date_is_read(value: str) -> None:
    assert parse_http_date(value) == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 12, 31)))
def test_a_date_comes_back(date: datetime) -> None:
    whole = date.replace(microsecond=0, tzinfo=UTC)
    assert parse_http_date(in_http(whole)) == whole


@given(st.text(max_size=60))
@example("")
@example("Sun, 99 Nov 1994 08:49:37 GMT")
@example("Sun, 06 Nov 1994 25:49:37 GMT")
@example("Sun, 06 Nov 99999999999 08:49:37 GMT")
@example("Sun, 06 Nov 1994 08:49:37 +9999999999")
def test_what_is_no_date_is_none_and_never_an_exception(value: str) -> None:
    parsed = parse_http_date(value)
    assert parsed is None or parsed.tzinfo is not None


@pytest.mark.parametrize("hours", [-26, -1, 1, 9000])
def test_p24_a_date_far_from_ours_is_learnt(hours: int) -> None:
    clock = Clock()
    theirs = datetime.now(UTC) + timedelta(hours=hours)
    assert clock.learn(in_http(theirs))
    assert abs(clock.now() - theirs) < timedelta(seconds=5)
    assert not clock.learn(in_http(theirs)), "learnt already: it explains no further refusal"


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_p24_nothing_is_learnt_from_no_date(date: str | None) -> None:
    clock = Clock()
    assert not clock.learn(date)
    assert clock.offset == timedelta()


def test_p24_a_small_difference_explains_no_refusal() -> None:
    clock = Clock()
    assert not clock.learn(in_http(datetime.now(UTC) + SKEW_ALLOWED / 2))
    assert clock.offset == timedelta()
