"""Runs the works: each measurement is a process of its own, bound to one processor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .clients import Entry
from .clients.plan import FIRST_KEY, FIRST_SIZE, Job
from .environments import Environments
from .server import Stub
from .signals import signals_held
from .works import KEYS, Work

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
RUN_SECONDS = 180.0

# Nothing else is imported before, so that what aiohttp shares with others is counted for both.
IMPORTING = """
import resource, sys, time
before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
__import__(sys.argv[1])
wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
import json
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(json.dumps({
    "user": after.ru_utime - before.ru_utime, "system": after.ru_stime - before.ru_stime,
    "wall": wall, "peak_rss": peak * 1024, "versions": {},
}))
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What one process took: seconds, and bytes."""

    work: str
    client: str
    user: float
    system: float
    wall: float
    peak_rss: int


@dataclass(slots=True)
class Results:
    """All that came of a comparison, but for what it makes of it."""

    runs: list[Run] = field(default_factory=list)
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of each client, the packages it is made of."""

    skipped: dict[str, str] = field(default_factory=dict)
    """Clients that took no part, and why."""

    failed: dict[str, str] = field(default_factory=dict)
    """``work client``, and how it failed."""

    unfinished: bool = False
    """Whether the time was up before the end."""


class Failed(Exception):
    """A measurement that came to nothing; the message says why."""


class Runner:
    """Measures clients against *stub*, with all their files below *folder*.

    :param processor: which processor the clients are bound to; empty for none.
    :param seconds: how long everything may take.
    """

    def __init__(
        self,
        stub: Stub,
        folder: Path,
        environments: Environments,
        processor: str = "",
        seconds: float = 3600.0,
    ) -> None:
        self._stub = stub
        self._folder = folder
        self._environments = environments
        self._processor = processor
        self._deadline = time.monotonic() + seconds
        self.results = Results()

    def run(self, works: Sequence[Work], entries: Sequence[Entry], rounds: int) -> Results:
        """Every work with every client that can do it, *rounds* times, the clients taking turns."""
        results = self.results
        usable = [entry for entry in entries if self._try_out(entry)]
        for number in range(rounds):
            for work in works:
                for entry in usable:
                    if f"{work.name} {entry.name}" in results.failed or not suits(work, entry):
                        continue
                    if time.monotonic() > self._deadline:
                        results.unfinished = True
                        return results
                    self._measure(work, entry)
                told = f"round {number + 1} of {rounds}: {work.title}"
                print(told, file=sys.stderr, flush=True)
        return results

    def _try_out(self, entry: Entry) -> bool:
        """Whether *entry* works here. Not counted: it makes the caches of compiled modules."""
        if reason := self._environments.missing.get(entry.environment):
            self.results.skipped[entry.name] = f"no environment {entry.environment}: {reason}"
            return False
        try:
            answer = self._run_job(
                entry, self._job(entry, "first-get", FIRST_KEY, FIRST_SIZE), False
            )
        except Failed as error:
            self.results.skipped[entry.name] = str(error)
            return False
        self.results.versions[entry.name] = answer["versions"]
        return True

    def _measure(self, work: Work, entry: Entry) -> None:
        for _ in range(work.per_round):
            try:
                if work.operation == "import":
                    answer = self._process(entry, ["-c", IMPORTING, entry.imports], self._folder)
                else:
                    job = self._job(
                        entry, work.operation, work.key, work.size,
                        count=work.count, concurrency=work.concurrency, tls=work.tls,
                    )  # fmt: skip
                    answer = self._run_job(entry, job, work.tls)
            except Failed as error:
                # What cannot be had while the time runs out is not the client's fault.
                if time.monotonic() > self._deadline:
                    self.results.unfinished = True
                else:
                    self.results.failed[f"{work.name} {entry.name}"] = str(error)
                return
            if "cannot" in answer:
                return
            del answer["versions"]
            self.results.runs.append(Run(work.name, entry.name, **answer))

    def _job(
        self,
        entry: Entry,
        operation: str,
        key: str,
        size: int,
        count: int = 1,
        concurrency: int = 1,
        tls: bool = False,
    ) -> Job:
        return Job(
            client=entry.name,
            operation=operation,
            count=count,
            concurrency=concurrency,
            key=key,
            size=size,
            keys=KEYS,
            source=str(self._stub.big),
            destination=str(self._folder / "destination"),
            started=time.monotonic(),
            settings=self._stub.settings(tls),
        )

    def _run_job(self, entry: Entry, job: Job, tls: bool) -> dict[str, Any]:
        destination = Path(job.destination)
        destination.unlink(missing_ok=True)
        try:
            return self._process(entry, ["-m", "clients", json.dumps(asdict(job))], HERE, tls)
        finally:
            destination.unlink(missing_ok=True)

    def _process(
        self, entry: Entry, arguments: list[str], cwd: Path, tls: bool = False
    ) -> dict[str, Any]:
        """The last line that a process of *entry*'s Python wrote, as JSON."""
        pin = ["taskset", "-c", self._processor] if self._processor else []
        command = [*pin, str(self._environments.python(entry.environment)), *arguments]
        left = max(min(RUN_SECONDS, self._deadline - time.monotonic()), 1.0)
        with _group(command, cwd, self._environment(entry, tls)) as process:
            try:
                output, errors = process.communicate(timeout=left)
            except subprocess.TimeoutExpired:
                raise Failed(f"not done after {left:.0f} seconds") from None
        if process.returncode:
            said = _last_words(errors) or f"ended with {process.returncode}"
            # What is written down is to be read elsewhere.
            raise Failed(said.replace(str(self._folder), "FOLDER").replace(str(ROOT), "ROOT"))
        answer: dict[str, Any] = json.loads(output.splitlines()[-1])
        return answer

    def _environment(self, entry: Entry, tls: bool) -> dict[str, str]:
        """Made from nothing: no proxy, no credentials, no files of the user who measures."""
        folder = str(self._folder)
        kept = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH")
        variables = {name: os.environ[name] for name in kept if name in os.environ}
        variables |= {
            "HOME": folder,
            "TMPDIR": folder,
            "PYTHONPYCACHEPREFIX": str(self._folder / "compiled"),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        if entry.kind == "ours":
            variables["PYTHONPATH"] = str(ROOT)
        if tls:
            variables["SSL_CERT_FILE"] = str(self._stub.ca)
        return variables


def suits(work: Work, entry: Entry) -> bool:
    """Whether *entry* takes part in *work*, as far as the catalogue knows."""
    if work.operation == "import":
        return bool(entry.imports)
    return entry.works is None or work.name in entry.works


@contextmanager
def _group(
    command: list[str], cwd: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own, of which nothing is left at the end."""
    process = None
    try:
        with signals_held():
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        yield process
    finally:
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _last_words(errors: str) -> str:
    """What a traceback ends with."""
    lines = [line.strip(" |+-") for line in errors.splitlines()]
    said = [line for line in lines if line and not line.startswith(("File ", "~", "^"))]
    return said[-1][:300] if said else ""
