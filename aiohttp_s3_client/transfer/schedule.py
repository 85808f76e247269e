"""How parts run side by side: so many in flight, the first error wins, the rest settle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

from ..transport.shielding import settled

Job = Callable[[], Awaitable[None]]


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
                del job  # A part must not stay in memory until the next one comes.
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
