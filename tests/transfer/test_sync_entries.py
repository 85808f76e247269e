"""Two sides of a sync, merged: each name once, in order, whatever batches they come in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client.errors import ResponseParseError
from aiohttp_s3_client.transfer.sync.entries import Entry, Pair, merged

NAMES = st.text(st.sampled_from("a-./0bZé\ufffd\U0001f600\udcff\n"), min_size=1, max_size=4)
CUTS = st.lists(st.integers(0, 3), max_size=8)


def utf8(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def side(names: Iterable[str], etag: str) -> list[Entry]:
    return [Entry(name, len(name), number, etag) for number, name in enumerate(names)]


async def batches(
    entries: Sequence[Entry], sizes: Sequence[int], closed: list[str] | None = None
) -> AsyncGenerator[list[Entry], None]:
    """*entries* in lists of *sizes*, and the rest in one. Tells *closed* of its end."""
    try:
        at = 0
        for size in sizes:
            yield list(entries[at : at + size])
            at += size
        yield list(entries[at:])
    finally:
        await asyncio.sleep(0)
        if closed is not None:
            closed.append(entries[0].etag or "" if entries else "")


async def all_pairs(pairs: AsyncIterator[list[Pair]]) -> list[Pair]:
    found: list[Pair] = []
    async for batch in pairs:
        assert batch
        found += batch
    return found


@given(st.sets(NAMES), st.sets(NAMES), CUTS, CUTS)
async def test_each_name_of_both_sides_comes_once_and_in_order(
    ours: set[str], theirs: set[str], our_sizes: list[int], their_sizes: list[int]
) -> None:
    left = side(sorted(ours, key=utf8), "left")
    right = side(sorted(theirs, key=utf8), "right")
    pairs = await all_pairs(merged(batches(left, our_sizes), batches(right, their_sizes)))
    by_name = {entry.name: entry for entry in left}, {entry.name: entry for entry in right}
    expected = [
        (by_name[0].get(name), by_name[1].get(name)) for name in sorted(ours | theirs, key=utf8)
    ]
    assert pairs == expected


@given(st.lists(NAMES, max_size=6), st.sets(NAMES), CUTS, CUTS, st.booleans())
async def test_what_is_out_of_order_is_refused_and_never_merged(
    ours: list[str], theirs: set[str], our_sizes: list[int], their_sizes: list[int], swap: bool
) -> None:
    left = batches(side(ours, "left"), our_sizes)
    right = batches(side(sorted(theirs, key=utf8), "right"), their_sizes)
    pairs = merged(right, left) if swap else merged(left, right)
    if ours == sorted(set(ours), key=utf8):
        assert len(await all_pairs(pairs)) == len(theirs.union(ours))
    else:
        with pytest.raises(ResponseParseError, match="out of order or there twice"):
            await all_pairs(pairs)


@pytest.mark.parametrize("sizes", [[], [1], [0, 1, 0]], ids=["in a batch", "between", "far apart"])
@pytest.mark.parametrize("names", [("b/c", "b.txt"), ("same", "same")], ids=["order", "twice"])
async def test_the_error_gives_both_names(sizes: list[int], names: tuple[str, str]) -> None:
    pairs = merged(batches(side(names, "left"), sizes), batches([], []))
    with pytest.raises(ResponseParseError) as caught:
        await all_pairs(pairs)
    assert f"{names[1]!r} comes after {names[0]!r}" in str(caught.value)


async def test_a_directory_comes_where_its_slash_does() -> None:
    names = [
        "Z",
        "a",
        "a b",
        "a-b",
        "a.txt",
        "a/",
        "a//b",
        "a/b",
        "a0",
        "é",
        "\ufffd",
        "\U0001f600",
    ]
    pairs = await all_pairs(merged(batches(side(names, "left"), []), batches([], [])))
    assert [ours.name for ours, _ in pairs if ours] == names


# --- both sources are closed however it ends


@pytest.mark.parametrize("taken", [1, 2], ids=["in the middle", "in the rest of one side"])
async def test_both_are_closed_on_an_early_exit(taken: int) -> None:
    closed: list[str] = []
    left = batches(side("ab", "left"), [1], closed)
    right = batches(side("acdef", "right"), [1, 1, 1], closed)
    async with aclosing(merged(left, right)) as pairs:
        for _ in range(taken):
            await anext(pairs)
    assert sorted(closed) == ["left", "right"]


async def test_both_are_closed_when_one_fails() -> None:
    async def failing() -> AsyncGenerator[list[Entry], None]:
        yield side("a", "left")
        raise PermissionError("no")

    closed: list[str] = []
    with pytest.raises(PermissionError, match="no"):
        await all_pairs(merged(failing(), batches(side("ab", "right"), [1], closed)))
    assert closed == ["right"]


async def test_both_are_closed_when_one_is_out_of_order() -> None:
    closed: list[str] = []
    pairs = merged(
        batches(side("ba", "left"), [1], closed), batches(side("abc", "right"), [1, 1], closed)
    )
    with pytest.raises(ResponseParseError):
        await all_pairs(pairs)
    assert sorted(closed) == ["left", "right"]


async def test_both_are_closed_by_a_cancellation() -> None:
    waiting, ended = asyncio.Event(), False

    async def hanging() -> AsyncGenerator[list[Entry], None]:
        nonlocal ended
        try:
            yield side("a", "left")
            waiting.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended = True

    closed: list[str] = []
    pairs = merged(hanging(), batches(side("ab", "right"), [1], closed))
    task = asyncio.create_task(all_pairs(pairs))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended
    assert closed == ["right"]


async def test_both_sides_are_waited_for_at_the_same_time() -> None:
    asked = [asyncio.Event(), asyncio.Event()]

    async def slow(number: int) -> AsyncGenerator[list[Entry], None]:
        for name in "ab":
            asked[number].set()
            await asked[1 - number].wait()
            asked[1 - number].clear()
            yield side(name, "")

    async with asyncio.timeout(5):
        pairs = await all_pairs(merged(slow(0), slow(1)))
    assert [(ours is None, theirs is None) for ours, theirs in pairs] == [(False, False)] * 2
