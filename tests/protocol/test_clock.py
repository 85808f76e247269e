"""The clock that requests are signed with (P24)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aiohttp_s3_client.protocol.clock import SKEW_ALLOWED, Clock

from .test_timestamps import in_http


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
