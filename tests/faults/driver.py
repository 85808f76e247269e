"""Runs work and cancels it at its n-th await, counted over all the tasks that it starts.

Two moments are told apart. *Suspended*: right when something begins to wait. *Resuming*: when what
it waited for has come and it has not run on yet; then a result is at hand that nobody will take,
which is where connections and files get lost.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

Moment = Literal["suspended", "resuming"]


@dataclass(slots=True)
class Run:
    """How one run of the work ended."""

    awaits: int
    """How often something waited, over all tasks."""
    cancelled: bool
    """False when the work was over before the cancellation came, or when it got through."""


class _Counted(Coroutine[Any, Any, Any]):
    """A coroutine whose suspensions are reported, with what it waits for."""

    def __init__(
        self,
        inner: Coroutine[Any, Any, Any] | Generator[Any, Any, Any],
        report: Callable[[Any], None],
    ) -> None:
        self._inner = inner
        self._report = report

    def send(self, value: Any) -> Any:
        waits_for = self._inner.send(value)
        self._report(waits_for)
        return waits_for

    def throw(self, *error: Any) -> Any:
        waits_for = self._inner.throw(*error)
        self._report(waits_for)
        return waits_for

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield from self._inner)  # type: ignore[misc]  # nobody awaits it; a task steps it


class Cancelling:
    """Counts the awaits of one run, and cancels its task at the one that was asked for."""

    def __init__(self, at: int | None, moment: Moment) -> None:
        self.awaits = 0
        self._at = at
        self._moment = moment
        self.task: asyncio.Task[Any] | None = None

    def saw(self, waits_for: Any) -> None:
        self.awaits += 1
        if self.awaits != self._at or self.task is None:
            return
        if self._moment == "resuming" and isinstance(waits_for, asyncio.Future):
            # The first callback: it comes before the one by which the task goes on.
            waits_for.add_done_callback(lambda _: self._cancel())
        else:
            self._cancel()

    def _cancel(self) -> None:
        if self.task is not None and not self.task.done():
            self.task.cancel()


@contextmanager
def _tasks_made_by(factory: Any) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    loop.set_task_factory(factory)
    try:
        yield
    finally:
        loop.set_task_factory(before)


async def run(
    work: Callable[[], Awaitable[None]], *, at: int | None = None, moment: Moment = "suspended"
) -> Run:
    """Run *work* as a task of its own and cancel it at await number *at* (the first is 1).

    Whatever *work* raises beside the cancellation is raised.
    """
    cancelling = Cancelling(at, moment)

    def factory(loop: asyncio.AbstractEventLoop, coro: Any, **kwargs: Any) -> asyncio.Task[Any]:
        return asyncio.Task(_Counted(coro, cancelling.saw), loop=loop, **kwargs)

    async def whole() -> None:
        await work()

    with _tasks_made_by(factory):
        cancelling.task = task = asyncio.get_running_loop().create_task(whole())
        await asyncio.wait({task})
        # Read before the loop turns again: what goes on now goes on behind the cancelled task.
        awaits = cancelling.awaits
    if task.cancelled():
        return Run(awaits, cancelled=True)
    task.result()
    return Run(awaits, cancelled=False)


def positions(awaits: int, limit: int, seed: int) -> list[int]:
    """At which awaits to cancel: all, or the first and last and a sample of the others."""
    everywhere = range(1, awaits + 1)
    if awaits <= limit:
        return list(everywhere)
    third = limit // 3
    chosen = {*everywhere[:third], *everywhere[-third // 2 :]}
    others = [each for each in everywhere if each not in chosen]
    chosen.update(random.Random(seed).sample(others, min(len(others), limit - len(chosen))))
    return sorted(chosen)
