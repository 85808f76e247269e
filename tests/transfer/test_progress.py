"""What callbacks are told, in which order, and whose error comes out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client.transfer.progress import PartProgress, Phase, Progress, ProgressMeter


class Boom(Exception):
    """What callbacks raise here."""


class Told:
    """Callbacks that note what they are given."""

    def __init__(self) -> None:
        self.increments: list[int] = []
        self.states: list[tuple[str, int]] = []
        self.progress: Progress | None = None

    def callback(self, size: int) -> None:
        self.increments.append(size)

    def on_progress(self, progress: Progress) -> None:
        self.progress = progress
        self.states.append((progress.phase, progress.transferred))

    async def slow_callback(self, size: int) -> None:
        await asyncio.sleep(0.002)
        self.increments.append(size)

    async def slow_progress(self, progress: Progress) -> None:
        await asyncio.sleep(0.002)
        self.on_progress(progress)


def other_tasks() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


# --- what is told


async def test_all_bytes_are_told_by_the_end() -> None:
    told = Told()
    async with ProgressMeter(told.callback, told.on_progress, 60) as meter:
        for size in (10, 20, 30):
            meter.add(size)
            await asyncio.sleep(0)
        meter.enter("completing")
    assert sum(told.increments) == 60
    assert [phase for phase, _ in told.states] == sorted(
        (phase for phase, _ in told.states),
        key=["starting", "transferring", "completing", "done"].index,
    )
    assert {phase for phase, _ in told.states} == {"transferring", "completing", "done"}
    assert told.states[-1] == ("done", 60)
    assert not other_tasks()


async def test_increments_are_coalesced() -> None:
    told = Told()
    async with ProgressMeter(told.callback) as meter:
        for _ in range(1000):
            meter.add(3)
        await meter.flush()
        assert told.increments == [3000]
        meter.add(0)
        meter.add(7)
    assert told.increments == [3000, 7]


async def test_every_phase_is_told_after_the_bytes_before_it() -> None:
    told = Told()
    async with ProgressMeter(None, told.on_progress, 12) as meter:
        meter.add(5)
        meter.enter("verifying")
        meter.add(7)
        meter.enter("completing")
        meter.enter("completing")
    assert told.states == [
        ("transferring", 0),
        ("transferring", 5),
        ("verifying", 5),
        ("verifying", 12),
        ("completing", 12),
        ("done", 12),
    ]


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_transfer_without_a_byte_is_done_too(kind: str) -> None:
    told = Told()
    progress = told.on_progress if kind == "sync" else told.slow_progress
    async with ProgressMeter(told.callback, progress, 0):
        pass
    assert told.increments == []
    assert told.states == [("done", 0)]


async def test_a_slow_callback_gets_everything_and_never_two_at_once() -> None:
    told, running, most = Told(), 0, 0

    async def slow(value: object) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1
        if isinstance(value, int):
            told.increments.append(value)
        else:
            assert isinstance(value, Progress)
            told.on_progress(value)

    started = time.monotonic()
    async with ProgressMeter(slow, slow, 100) as meter:
        for _ in range(100):
            meter.add(1)
            await asyncio.sleep(0)
        transferred = time.monotonic() - started
    assert transferred < 0.1, "the transfer does not wait for the callback"
    assert most == 1
    assert sum(told.increments) == 100
    assert len(told.increments) < 100
    assert told.states[-1] == ("done", 100)
    assert [seen for _, seen in told.states] == sorted(seen for _, seen in told.states)


async def test_flush_waits_for_an_awaited_callback() -> None:
    told = Told()
    async with ProgressMeter(told.slow_callback) as meter:
        await meter.flush()
        meter.add(4)
        await asyncio.sleep(0.001)
        meter.add(5)
        await meter.flush()
        assert sum(told.increments) == 9


async def test_without_callbacks_there_is_no_task() -> None:
    async with ProgressMeter(total=5) as meter:
        assert not other_tasks()
        meter.add(5)
        meter.part(5).reached(5)
        meter.enter("completing")
        await meter.flush()


async def test_without_callbacks_errors_pass() -> None:
    with pytest.raises(Boom):
        async with ProgressMeter():
            raise Boom


@pytest.mark.parametrize(("callback", "progress"), [(5, None), (None, "x")])
async def test_callbacks_are_callable(callback: Any, progress: Any) -> None:
    with pytest.raises(TypeError, match=r"(callback must .* 5|progress must .* 'x')"):
        ProgressMeter(callback, progress)


# --- errors and cancellation


def sync_boom(_: object) -> None:
    raise Boom("sync")


async def async_boom(_: object) -> None:
    await asyncio.sleep(0)
    raise Boom("async")


BOOMS = [
    pytest.param(sync_boom, None, id="callback"),
    pytest.param(async_boom, None, id="async callback"),
    pytest.param(None, sync_boom, id="progress"),
    pytest.param(None, async_boom, id="async progress"),
]
Callback = Callable[[object], object] | None


@pytest.mark.parametrize(("callback", "progress"), BOOMS)
async def test_an_error_in_a_callback_cancels_the_transfer(
    callback: Callback, progress: Callback
) -> None:
    events: list[str] = []

    async def transfer() -> None:
        async with ProgressMeter(callback, progress) as meter:
            meter.add(1)
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                events.append("cancelled")
                raise

    with pytest.raises(Boom):
        await transfer()
    assert events == ["cancelled"]
    assert_uncancelled()
    await asyncio.sleep(0)
    assert not other_tasks()


def assert_uncancelled() -> None:
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


@pytest.mark.parametrize(("callback", "progress"), BOOMS)
async def test_an_error_in_a_callback_comes_out_at_the_end_too(
    callback: Callback, progress: Callback
) -> None:
    async def transfer() -> None:
        async with ProgressMeter(callback, progress) as meter:
            meter.add(1)

    with pytest.raises(Boom):
        await transfer()
    assert_uncancelled()
    assert not other_tasks()


@pytest.mark.parametrize(("callback", "progress"), BOOMS)
async def test_flush_stops_before_what_cannot_be_taken_back(
    callback: Callback, progress: Callback
) -> None:
    events: list[str] = []

    async def transfer() -> None:
        async with ProgressMeter(callback, progress) as meter:
            meter.add(1)
            await meter.flush()
            events.append("completed")

    with pytest.raises(Boom):
        await transfer()
    assert not events
    assert_uncancelled()


async def test_a_body_that_ends_just_as_the_callback_fails() -> None:
    """The cancellation is on its way and would hit whatever the caller awaits next."""

    async def transfer() -> None:
        async with ProgressMeter(sync_boom) as meter:
            meter.add(1)
            await asyncio.sleep(0)  # The callback fails now, and the body goes on to its end.

    with pytest.raises(Boom):
        await transfer()
    assert_uncancelled()
    await asyncio.sleep(0)


async def test_a_body_that_swallows_the_cancellation_fails_all_the_same() -> None:
    async def transfer() -> None:
        async with ProgressMeter(sync_boom) as meter:
            meter.add(1)
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                await meter.flush()
                await asyncio.sleep(0)

    with pytest.raises(Boom):
        await transfer()
    assert_uncancelled()


@pytest.mark.parametrize("turns", [0, 1, 2])
@pytest.mark.parametrize("callback", [sync_boom, async_boom])
async def test_the_transfers_own_error_comes_before_the_callbacks(
    callback: Callback, turns: int
) -> None:
    async def transfer() -> None:
        async with ProgressMeter(callback) as meter:
            meter.add(1)
            try:
                for _ in range(turns):
                    await asyncio.sleep(0)
            except asyncio.CancelledError:
                pass
            raise OSError("transfer")

    with pytest.raises(OSError, match="transfer"):
        await transfer()
    assert_uncancelled()
    await asyncio.sleep(0)
    assert not other_tasks()


async def test_the_transfers_error_does_not_wait_for_a_callback() -> None:
    ended: list[str] = []

    async def endless(_: int) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("callback")

    told = Told()

    async def transfer() -> None:
        async with ProgressMeter(endless, told.on_progress) as meter:
            meter.add(1)
            await asyncio.sleep(0.001)
            raise OSError("transfer")

    with pytest.raises(OSError, match="transfer"):
        await transfer()
    assert ended == ["callback"]
    assert told.progress is not None
    assert told.progress.phase == "failed"
    assert not other_tasks()


@pytest.mark.parametrize("where", ["body", "end"])
async def test_cancelled_while_a_callback_sleeps(where: str) -> None:
    events: list[str] = []

    async def endless(_: int) -> None:
        events.append("called")
        try:
            await asyncio.sleep(30)
        finally:
            events.append("callback ended")

    async def transfer() -> None:
        async with ProgressMeter(endless) as meter:
            meter.add(1)
            if where == "body":
                await asyncio.sleep(30)

    task = asyncio.create_task(transfer())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert events == ["called", "callback ended"]
    assert not other_tasks()


@pytest.mark.parametrize("where", ["body", "end"])
async def test_a_cancellation_from_outside_comes_before_the_callbacks_error(where: str) -> None:
    def cancels_and_fails(_: int) -> None:
        task.cancel()
        raise Boom

    async def transfer() -> None:
        async with ProgressMeter(cancels_and_fails) as meter:
            meter.add(1)
            await asyncio.sleep(0 if where == "end" else 30)

    task = asyncio.create_task(transfer())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_a_timeout_round_a_transfer_is_a_timeout() -> None:
    told = Told()

    async def transfer() -> None:
        async with asyncio.timeout(0.01), ProgressMeter(told.callback) as meter:
            meter.add(1)
            await asyncio.sleep(30)

    with pytest.raises(TimeoutError):
        await transfer()
    assert told.increments == [1]


async def test_a_callback_may_cancel_by_raising_it() -> None:
    def stop(_: int) -> None:
        raise asyncio.CancelledError("enough")

    async def transfer() -> None:
        async with ProgressMeter(stop) as meter:
            meter.add(1)
            await asyncio.sleep(30)

    with pytest.raises(asyncio.CancelledError, match="enough"):
        await transfer()
    assert_uncancelled()


async def test_the_cause_of_a_callbacks_error_is_kept() -> None:
    def chained(_: int) -> None:
        raise Boom from KeyError("why")

    async def transfer() -> None:
        async with ProgressMeter(chained) as meter:
            meter.add(1)
            await asyncio.sleep(30)

    with pytest.raises(Boom) as caught:
        await transfer()
    assert isinstance(caught.value.__cause__, KeyError)


# --- parts


@given(
    size=st.integers(0, 50),
    attempts=st.lists(st.lists(st.integers(0, 60), max_size=5), max_size=5),
)
def test_a_part_sent_again_is_counted_once(size: int, attempts: list[list[int]]) -> None:
    added: list[int] = []
    part = PartProgress(Adding(added), size)
    for positions in attempts:
        part.restart()
        for position in sorted(positions):
            part.reached(position)
    assert sum(added) == min(size, max((max(a, default=0) for a in attempts), default=0))
    part.reached(size)
    assert sum(added) == size
    assert all(n > 0 for n in added)


class Adding(ProgressMeter):
    """Notes what is added, without a loop."""

    def __init__(self, added: list[int]) -> None:
        super().__init__()
        self._added = added

    def add(self, size: int) -> None:
        self._added.append(size)


async def test_parts_by_increments() -> None:
    told = Told()
    async with ProgressMeter(told.callback, total=30) as meter:
        part, stream = meter.part(20), meter.part()
        part.add(8)
        part.add(4)
        part.restart()
        part.add(10)
        part.restart(12)  # A range that goes on where it broke off.
        part.add(8)
        stream.add(10)
    assert sum(told.increments) == 30


# --- the object


async def test_totals_rate_and_times() -> None:
    told = Told()
    before = time.time()
    async with ProgressMeter(None, told.on_progress) as meter:
        assert meter.total is None
        meter.add(25)
        await meter.flush()
        assert told.progress is not None
        assert told.progress.total is told.progress.fraction is None
        meter.total = 100
        await asyncio.sleep(0.02)
        meter.add(25)
        await meter.flush()
        assert told.progress.fraction == 0.5
        assert 0 < told.progress.rate <= 50 / 0.01
        assert before <= told.progress.started <= time.time()
        assert "transferring: 50 of 100" in repr(told.progress)
    took = told.progress.elapsed
    await asyncio.sleep(0.01)
    assert told.progress.elapsed == took >= 0.01
    assert not hasattr(told.progress, "__dict__")


def test_the_rate_is_a_recent_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    progress = Progress(10**9)
    assert progress.rate == 0
    for speed in (10, 1000):
        for _ in range(200):
            now += 0.1
            progress._moved(speed)
        assert progress.rate == pytest.approx(speed * 10, rel=0.1)
    assert len(progress._samples) < 25
    now += 60
    assert progress.rate < 1000, "a stalled transfer is seen to slow down"


@pytest.mark.parametrize(
    ("total", "transferred", "fraction"),
    [(None, 5, None), (0, 0, 1.0), (10, 0, 0.0), (10, 10, 1.0), (10, 11, 1.0)],
)
def test_fractions(total: int | None, transferred: int, fraction: float | None) -> None:
    progress = Progress(total)
    progress.transferred = transferred
    assert progress.fraction == fraction


async def test_every_phase_can_be_entered() -> None:
    told = Told()
    phases: list[Phase] = ["transferring", "verifying", "completing"]
    async with ProgressMeter(None, told.on_progress) as meter:
        for phase in phases:
            meter.enter(phase)
    assert [phase for phase, _ in told.states] == [*phases, "done"]
