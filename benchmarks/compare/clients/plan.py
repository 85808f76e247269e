"""What a measured process does: a job as it is told, and the calls that it comes to."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

FIRST_KEY = "object-1k"
FIRST_SIZE = 1024
WARM_UPS_PER_WORKER = 8


@dataclass(frozen=True, slots=True)
class Job:
    """One measurement. ``runner`` makes it, and sends it as JSON."""

    client: str
    operation: str
    count: int
    concurrency: int
    key: str
    size: int
    keys: int
    """How many keys a listing has."""

    source: str
    destination: str
    started: float
    """When the process was started, by the monotonic clock."""

    settings: dict[str, Any]
    """``base.Settings``."""


@dataclass(frozen=True, slots=True)
class Plan:
    """``call(0)`` … ``call(count - 1)``, *concurrency* at a time, each to return *expected*."""

    call: Callable[[int], Any]
    count: int = 1
    concurrency: int = 1
    expected: int | None = None

    def check(self, found: object) -> None:
        if self.expected is not None and found != self.expected:
            raise RuntimeError(f"got {found!r}, expected {self.expected}")

    async def run(self) -> None:
        """With tasks."""
        numbers = iter(range(self.count))

        async def work() -> None:
            for number in numbers:
                self.check(await self.call(number))

        await asyncio.gather(*(work() for _ in range(self.concurrency)))

    def run_plain(self) -> None:
        """With threads; in this one when one is enough."""
        if self.concurrency == 1:
            for number in range(self.count):
                self.check(self.call(number))
            return
        numbers, failed = itertools.count(), list[BaseException]()

        def work() -> None:
            try:
                while not failed and (number := next(numbers)) < self.count:
                    self.check(self.call(number))
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=work) for _ in range(self.concurrency)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]


def plans(client: Any, job: Job) -> tuple[Plan | None, Plan]:
    """What comes before (connections, caches, lazy imports), and what is measured."""
    warm_up = Plan(lambda _: client.get(FIRST_KEY), expected=FIRST_SIZE)
    match job.operation:
        case "first-get":
            return None, warm_up
        case "get":
            plan = Plan(lambda _: client.get(job.key), expected=job.size)
        case "put":
            body = os.urandom(job.size)
            plan = Plan(lambda number: client.put(f"up/key-{number % 100}", body))
        case "list":
            plan = Plan(lambda _: client.list("list/"), expected=job.keys)
        case "presign":
            plan = Plan(lambda number: client.presign(f"up/key-{number}"))
        case "download" | "upload":
            paths = {"download": (job.key, job.destination), "upload": ("up/big", job.source)}
            transfer, names = getattr(client, job.operation), paths[job.operation]
            # Programs start anew with each transfer: there is nothing to warm up.
            return warm_up if hasattr(client, "get") else None, Plan(
                lambda _: transfer(*names, job.size)
            )
        case _:
            raise ValueError(f"operation: {job.operation!r} is unknown")
    before = job.concurrency * WARM_UPS_PER_WORKER if job.concurrency > 1 else 1
    return (
        replace(plan, count=before, concurrency=job.concurrency),
        replace(plan, count=job.count, concurrency=job.concurrency),
    )
