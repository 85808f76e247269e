"""What goes on although the caller was cancelled, and is waited for all the same.

A thread cannot be cancelled and clean-up must not be: both are seen to their end before the
cancellation is passed on, so that nothing is left behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

T = TypeVar("T")


async def acquired(make: Callable[[], T], release: Callable[[T], None]) -> T:
    """What *make* makes in a thread; given back by *release* if nobody waits for it any more."""
    task = asyncio.create_task(asyncio.to_thread(make))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        try:
            await settled(task)
        finally:
            if task.exception() is None:
                await finished(asyncio.to_thread(release, task.result()))
        raise


async def threaded(call: Callable[[], T]) -> T:
    """What *call* returns from a thread. A cancellation is passed on when the thread has ended:
    what it works on may not be closed under it."""
    task = asyncio.create_task(asyncio.to_thread(call))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await settled(task)
        raise


def is_cancelled() -> bool:
    """Whether somebody has asked for the running task's cancellation: not every
    ``CancelledError`` means that."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


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
