"""Jobs side by side: so many in flight, the first error wins, the rest settle (P9)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from functools import partial

import pytest

from aiohttp_s3_client.transfer.schedule import Job, run_jobs
from aiohttp_s3_client.transport.shielding import finished, settled


async def jobs_of(*jobs: Job) -> AsyncGenerator[Job, None]:
    for job in jobs:
        yield job


async def test_all_are_run_and_no_more_than_allowed_at_once() -> None:
    running = most = 0
    done: list[int] = []

    async def work(number: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        done.append(number)

    await run_jobs(jobs_of(*(partial(work, number) for number in range(20))), 3)
    assert sorted(done) == list(range(20))
    assert most == 3


async def test_the_next_is_asked_for_when_a_worker_is_free() -> None:
    """What is read ahead is bounded (P17)."""
    asked = 0
    release = asyncio.Event()

    async def jobs() -> AsyncGenerator[Job, None]:
        nonlocal asked
        for _ in range(10):
            asked += 1
            yield release.wait  # type: ignore[misc]

    task = asyncio.ensure_future(run_jobs(jobs(), 2))
    await asyncio.sleep(0.02)
    assert asked == 2
    release.set()
    await task
    assert asked == 10


async def test_p09_the_first_error_wins_and_the_others_have_ended() -> None:
    ended: list[str] = []

    async def fails(after: float, text: str) -> None:
        await asyncio.sleep(after)
        raise LookupError(text)

    async def cleans_up() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(0.03)
            ended.append("cleaned")
            raise ValueError("while being cancelled")

    with pytest.raises(LookupError, match="first"):
        await run_jobs(
            jobs_of(partial(fails, 0.05, "second"), cleans_up, partial(fails, 0.01, "first")), 3
        )
    assert ended == ["cleaned"]


async def test_p09_an_error_of_the_source_wins_too() -> None:
    async def jobs() -> AsyncGenerator[Job, None]:
        yield partial(asyncio.sleep, 10)
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        await run_jobs(jobs(), 2)


@pytest.mark.parametrize("times", [1, 4])
async def test_p09_cancelled_it_waits_for_all(times: int) -> None:
    ended: list[int] = []

    async def work(number: int) -> None:
        try:
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(0.05)
            ended.append(number)

    task = asyncio.ensure_future(run_jobs(jobs_of(partial(work, 1), partial(work, 2)), 2))
    for _ in range(times):
        await asyncio.sleep(0.01)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # The extra cancellations reach the jobs' clean-up as little as anything else does.
    assert sorted(ended) == [1, 2]


async def test_finished_ends_although_it_is_cancelled() -> None:
    ended = False

    async def work() -> None:
        nonlocal ended
        await asyncio.sleep(0.05)
        ended = True

    task = asyncio.ensure_future(finished(work()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended


async def test_finished_raises_what_the_work_raises() -> None:
    async def work() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        await finished(work())


async def test_settled_raises_nothing_of_the_tasks() -> None:
    async def work() -> None:
        raise LookupError("gone")

    task = asyncio.create_task(work())
    await settled(task)
    assert isinstance(task.exception(), LookupError)
