"""Times in texts: written and read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aiohttp_s3_client.protocol.timestamps import (
    formatted,
    instant,
    parse_http_date,
    parse_time,
)

TIMES = st.datetimes(
    min_value=datetime(1000, 1, 1), max_value=datetime(9999, 12, 31), timezones=st.just(UTC)
)


@given(TIMES)
def test_what_is_written_is_read_again(time: datetime) -> None:
    assert parse_time(formatted(time, "iso8601")) == time


@given(st.text(max_size=40))
@example("1e400")
@example("123e-5")
@example("-99999999999999")
@example("Fri, 31 Dec 9999 23:59:59.9999999 GMT")
@example("0001-01-01T00:00:00+14:00")
def test_what_is_no_time_is_a_value_error_and_nothing_else(text: str) -> None:
    try:
        found = instant(text)
    except ValueError:
        return
    assert found.utcoffset() == timedelta()


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("Sun, 06 Nov 1994 08:49:37.5 GMT", 500_000),
        ("Sun, 06 Nov 1994 08:49:37.0000019 GMT", 1),
        ("1994-11-06T08:49:37.000001Z", 1),
        ("784111777.25", 250_000),
    ],
)
def test_fractions_of_a_second_are_kept(text: str, microsecond: int) -> None:
    assert parse_time(text) == datetime(1994, 11, 6, 8, 49, 37, microsecond, tzinfo=UTC)


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
