"""How parts run side by side: so many in flight, the first error wins, the rest settle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import TypeVar

Job = Callable[[], Awaitable[None]]
T = TypeVar("T")


async def run_jobs(jobs: AsyncGenerator[Job, None], workers: int) -> None:
    """Run *jobs*, at most *workers* at a time; the next is asked for when a worker is free.

    When one fails, or when the caller is cancelled, the others are cancelled and awaited before
    the first error is raised: nothing goes on behind the caller's back.
    """
    turn = asyncio.Lock()
    errors: list[BaseException] = []

    async def work() -> None:
        try:
            while True:
                async with turn:
                    job = await anext(jobs, None)
                if job is None:
                    return
                await job()
        except BaseException as error:
            errors.append(error)
            raise

    tasks = [asyncio.create_task(work()) for _ in range(workers)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        try:
            await settled(*tasks)
        finally:
            await jobs.aclose()
    if errors:
        raise errors[0]


async def settled(*tasks: asyncio.Task[T]) -> None:
    """Wait until *tasks* have ended, however they end, even while being cancelled again."""
    cancelled: asyncio.CancelledError | None = None
    while pending := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(pending)
        except asyncio.CancelledError as error:
            cancelled = error
    for task in tasks:
        if not task.cancelled():
            task.exception()  # Seen: whoever waits here has an error of its own to raise.
    if cancelled is not None:
        raise cancelled


async def finished(work: Coroutine[None, None, None]) -> None:
    """Let *work* end even when the caller is cancelled meanwhile: for cleaning up."""
    task = asyncio.create_task(work)
    await settled(task)
    task.result()
