"""Circles of any length are noticed, and nothing else is."""

from __future__ import annotations

from itertools import chain, count, islice, repeat

from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client.protocol.circle import Circle


@given(before=st.integers(0, 50), length=st.integers(1, 50))
def test_a_circle_is_noticed(before: int, length: int) -> None:
    circle = Circle()
    way = chain(range(before), chain.from_iterable(repeat(range(before, before + length))))
    seen = list(islice(way, 4 * (before + length)))
    assert any(circle.closed_by(item) for item in seen)


def test_what_goes_on_is_no_circle() -> None:
    circle = Circle()
    assert not any(circle.closed_by(item) for item in islice(count(), 5000))
