"""One measurement in a process of its own: ``python -m clients '<job as JSON>'``.

The last line of the output is the result as JSON: ``runner`` reads it.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import os
import resource
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from . import BY_NAME, Entry
from .base import Settings, resident_peak
from .plan import Job, plans

MIB = 1024 * 1024


@dataclass(slots=True)
class Cost:
    """Seconds."""

    user: float = 0.0
    system: float = 0.0
    wall: float = 0.0

    @contextmanager
    def measured(self) -> Iterator[None]:
        before = Cost(*processor_time(), time.perf_counter())
        yield
        after = Cost(*processor_time(), time.perf_counter())
        self.user, self.system = after.user - before.user, after.system - before.system
        self.wall = after.wall - before.wall


def processor_time() -> tuple[float, float]:
    """User and system seconds of this process and of the programs it ran."""
    own, programs = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + programs.ru_utime, own.ru_stime + programs.ru_stime


async def measure(client: Any, job: Job, cost: Cost) -> None:
    await client.open()
    try:
        warm_up, plan = plans(client, job)
        if job.operation == "presign" and not inspect.iscoroutinefunction(client.presign):
            plan.run_plain()
            with cost.measured():
                plan.run_plain()
            return
        if warm_up is not None:
            await warm_up.run()
        with cost.measured():
            await plan.run()
        if job.operation == "first-get":
            cost.user, cost.system = processor_time()
    finally:
        await client.close()


def measure_plain(client: Any, job: Job, cost: Cost) -> None:
    client.open()
    try:
        warm_up, plan = plans(client, job)
        if warm_up is not None:
            warm_up.run_plain()
        with cost.measured():
            plan.run_plain()
        if job.operation == "first-get":
            cost.user, cost.system = processor_time()
    finally:
        client.close()


def run(client: Any, job: Job, entry: Entry) -> Cost:
    """Do what *job* says, and see what it took."""
    cost = Cost()
    if not inspect.iscoroutinefunction(client.open):
        measure_plain(client, job, cost)
    elif entry.loop == "asyncio":
        asyncio.run(measure(client, job, cost))
    else:
        importlib.import_module(entry.loop).run(measure(client, job, cost))
    if job.operation == "first-get":
        cost.wall = time.monotonic() - job.started
    return cost


def check_file(path: Path, size: int) -> None:
    """See that *path* holds what ``server.write_big`` wrote: each MiB begins with its number."""
    if path.stat().st_size != size:
        raise RuntimeError(f"the file has {path.stat().st_size} bytes, expected {size}")
    with path.open("rb") as file:
        for number in range((size + MIB - 1) // MIB):
            file.seek(number * MIB)
            if int.from_bytes(file.read(8), "little") != number:
                raise RuntimeError(f"the file differs at {number} MiB")


def installed(packages: Iterable[str]) -> dict[str, str]:
    """The version of each of *packages* that is here."""
    found = {}
    for package in packages:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def main(told: str) -> None:
    job = Job(**json.loads(told))
    entry = BY_NAME[job.client]
    versions = installed(entry.packages)
    module = importlib.import_module(f".{entry.module}", __package__)
    client = module.Client(Settings(**job.settings), **entry.options)
    method = "get" if job.operation == "first-get" else job.operation
    if not hasattr(client, method):
        print(json.dumps({"cannot": method, "versions": versions}))
        return
    cost = run(client, job, entry)
    programs = getattr(client, "programs", None)
    peak = programs.peak_rss if programs else resident_peak()
    if job.operation == "download":
        check_file(Path(job.destination), job.size)
    print(json.dumps({**asdict(cost), "peak_rss": peak, "versions": versions}))


if __name__ == "__main__":
    # The folder this was found in holds modules whose names others may mean differently.
    del sys.path[0]
    main(sys.argv[1])
    sys.stdout.flush()
    # Threads of native clients may outlive the interpreter and abort its end, long after the work.
    os._exit(0)
