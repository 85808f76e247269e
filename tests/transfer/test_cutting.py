"""Streams cut into parts: every byte once, in order, in the sizes asked for."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client.config import MAX_PART_SIZE, MIB
from aiohttp_s3_client.transfer.cutting import PartCutter, part_size_at


class Pieces:
    """A stream that counts what was taken from it."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.left = list(pieces)
        self.taken = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self.left:
            raise StopAsyncIteration
        self.taken += len(self.left[0])
        return self.left.pop(0)


async def every_part(cutter: PartCutter, size: int) -> list[bytes]:
    parts: list[bytes] = []
    while (part := await cutter.next(size)) is not None:
        parts.append(bytes(part))
    return parts


@given(
    pieces=st.lists(st.binary(max_size=30), max_size=12),
    size=st.integers(1, 40),
    peeked=st.none() | st.integers(1, 60),
)
async def test_parts_are_the_stream(pieces: list[bytes], size: int, peeked: int | None) -> None:
    data, cutter = b"".join(pieces), PartCutter(Pieces(pieces))
    if peeked is not None:
        first, whole = await cutter.peek(peeked)
        assert bytes(first) == data[:peeked]
        assert whole == (len(data) <= peeked)
    parts = await every_part(cutter, size)
    assert b"".join(parts) == data
    assert all(len(part) == size for part in parts[:-1])
    assert len(parts) == max(1, -(-len(data) // size))
    assert await cutter.next(size) is None


@given(pieces=st.lists(st.binary(min_size=1, max_size=30)), sizes=st.lists(st.integers(1, 40)))
async def test_sizes_may_change_on_the_way(pieces: list[bytes], sizes: list[int]) -> None:
    cutter, position, data = PartCutter(Pieces(pieces)), 0, b"".join(pieces)
    for number, size in enumerate(sizes):
        part = await cutter.next(size)
        if part is None:
            assert position == len(data)
            assert number
            return
        assert bytes(part) == data[position : position + size]
        position += len(part)


async def test_no_more_is_taken_than_is_needed() -> None:
    """One piece beyond the part tells that there is more; the rest stays where it is."""
    stream = Pieces([b"12345"] * 10)
    cutter = PartCutter(stream)
    await cutter.next(10)
    assert stream.taken == 10
    await cutter.peek(10)
    assert stream.taken == 25
    await cutter.next(10)
    assert stream.taken == 25


async def test_what_was_peeked_at_is_not_copied_again() -> None:
    cutter = PartCutter(Pieces([b"12345", b"67890", b"1"]))
    first, whole = await cutter.peek(10)
    assert not whole
    part = await cutter.next(10)
    assert part is not None
    assert part.obj is first.obj


async def test_the_only_part_of_nothing_is_empty() -> None:
    assert await every_part(PartCutter(Pieces([b"", b""])), 10) == [b""]


@pytest.mark.parametrize(
    ("number", "size"),
    [
        (1, 8 * MIB),
        (1000, 8 * MIB),
        (1001, 16 * MIB),
        (2000, 16 * MIB),
        (2001, 32 * MIB),
        (9001, 4096 * MIB),
        (10_000, 4096 * MIB),
    ],
)
def test_parts_of_unknown_streams_grow(number: int, size: int) -> None:
    assert part_size_at(number, 8 * MIB) == size


def test_ten_thousand_parts_reach_far_enough() -> None:
    """7.8 TiB from 8 MiB; and no part is ever larger than S3 takes."""
    assert sum(part_size_at(number, 8 * MIB) for number in range(1, 10_001)) >= 7.8 * 2**40
    assert max(part_size_at(number, 5 * MIB) for number in range(1, 10_001)) <= MAX_PART_SIZE
    assert part_size_at(10_000, MAX_PART_SIZE) == MAX_PART_SIZE


async def test_a_part_of_which_little_came_takes_little_memory() -> None:
    """What was announced is not what will come: 5 GiB are not made room for."""
    tracemalloc.start()
    try:
        part = await PartCutter(Pieces([b"ab", b"c"])).next(MAX_PART_SIZE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert part is not None
    assert bytes(part) == b"abc"
    assert peak < 100 * MIB


async def test_a_part_that_grows_is_the_stream() -> None:
    pieces = [bytes([number]) * (7 * MIB) for number in range(12)]
    cutter = PartCutter(Pieces(pieces))
    parts = await every_part(cutter, 70 * MIB)
    assert [len(part) for part in parts] == [70 * MIB, 14 * MIB]
    assert b"".join(parts) == b"".join(pieces)
