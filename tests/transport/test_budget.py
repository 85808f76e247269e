"""Bytes that a transfer may hold, and bytes a second: in turn, and given back whatever happens."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client.transport.budget import Budget, Share, Throttle


async def waiting(budget: Budget, size: int) -> asyncio.Task[None]:
    """Someone who asks for *size* bytes."""
    task = asyncio.create_task(budget.take(size))
    await asyncio.sleep(0)
    return task


async def test_what_fits_is_given_at_once() -> None:
    budget = Budget(10)
    await budget.take(4)
    await budget.take(6)
    assert budget.held == 10
    late = await waiting(budget, 1)
    assert not late.done()
    budget.give_back(4)
    await late
    assert budget.held == 7


async def test_no_limit() -> None:
    budget = Budget(None)
    for _ in range(5):
        await budget.take(10**12)
    assert budget.held == 5 * 10**12


async def test_who_asked_first_is_first() -> None:
    """Small requests do not overtake a large one for ever."""
    budget = Budget(10)
    await budget.take(8)
    large = await waiting(budget, 9)
    small = [await waiting(budget, 1) for _ in range(2)]
    assert not any(task.done() for task in (large, *small)), "2 bytes are free, and stay so"
    budget.give_back(8)
    await large
    await small[0]
    await asyncio.sleep(0)
    assert not small[1].done()
    budget.give_back(9)
    await small[1]
    assert budget.held == 2


async def test_more_than_there_is_goes_alone() -> None:
    budget = Budget(10)
    await budget.take(1)
    huge = await waiting(budget, 25)
    small = await waiting(budget, 1)
    assert not huge.done()
    budget.give_back(1)
    await huge
    await asyncio.sleep(0)
    assert budget.held == 25
    assert not small.done()
    budget.give_back(25)
    await small


async def test_a_cancelled_one_makes_room_for_those_behind() -> None:
    budget = Budget(10)
    await budget.take(5)
    first, second = await waiting(budget, 9), await waiting(budget, 5)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await second
    assert budget.held == 10


async def test_its_turn_comes_at_the_moment_of_its_cancellation() -> None:
    budget = Budget(10)
    await budget.take(10)
    first, second = await waiting(budget, 10), await waiting(budget, 10)
    first.cancel()
    budget.give_back(10)  # The first is passed over before it knows that it is cancelled.
    with pytest.raises(asyncio.CancelledError):
        await first
    await second
    assert budget.held == 10


async def test_cancelled_at_the_moment_of_its_turn() -> None:
    budget = Budget(10)
    await budget.take(10)
    first, second = await waiting(budget, 10), await waiting(budget, 10)
    budget.give_back(10)  # The first's turn has come; it does not know yet.
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await second
    assert budget.held == 10
    budget.give_back(10)
    assert budget.held == 0


@given(
    limit=st.integers(1, 50),
    sizes=st.lists(st.integers(1, 80), max_size=12),
    cancelled=st.sets(st.integers(0, 11)),
)
def test_never_more_than_the_limit_and_never_stuck(
    limit: int, sizes: list[int], cancelled: set[int]
) -> None:
    async def run() -> None:
        budget = Budget(limit)
        holders: set[int] = set()

        async def use(number: int, size: int) -> None:
            await budget.take(size)
            holders.add(number)
            try:
                assert budget.held <= limit or len(holders) == 1
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            finally:
                holders.discard(number)
                budget.give_back(size)

        tasks = [asyncio.create_task(use(n, size)) for n, size in enumerate(sizes)]
        for number in sorted(cancelled):
            await asyncio.sleep(0)
            if number < len(tasks):
                tasks[number].cancel()
        async with asyncio.timeout(5):
            results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(r is None or isinstance(r, asyncio.CancelledError) for r in results)
        assert budget.held == 0

    asyncio.run(run())


async def test_bytes_are_held_for_as_long_as_a_body_runs() -> None:
    """And no longer, however it ends."""
    budget = Budget(10)

    async def body() -> None:
        async with budget.holding(4):
            assert budget.held == 4
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await body()
    assert budget.held == 0


async def test_a_share_gives_back_what_is_left_of_it() -> None:
    """Of a budget that others hold bytes of too."""
    budget = Budget(10)
    await budget.take(3)
    with Share(budget) as share:
        await share.take(4)
        await share.take(2)
        share.give_back(4)
        assert (share.held, budget.held) == (2, 5)
    assert (share.held, budget.held) == (0, 3)


async def test_a_share_holds_nothing_that_it_still_waits_for() -> None:
    budget = Budget(10)
    await budget.take(9)
    share = Share(budget)
    task = asyncio.create_task(share.take(5))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (share.held, budget.held) == (0, 9)


async def test_the_throttle_keeps_the_rate() -> None:
    throttle, loop = Throttle(1_000_000), asyncio.get_running_loop()
    begun = loop.time()
    await asyncio.gather(*(throttle.wait(50_000) for _ in range(12)))
    took = loop.time() - begun
    assert 0.45 < took < 1.5, "600 kB at 1 MB/s, of which a tenth of a second may be saved up"


async def test_a_pause_is_not_made_up_for() -> None:
    throttle, loop = Throttle(1_000_000), asyncio.get_running_loop()
    await throttle.wait(1)
    await asyncio.sleep(0.5)
    begun = loop.time()
    for _ in range(4):
        await throttle.wait(100_000)
    assert loop.time() - begun > 0.25
