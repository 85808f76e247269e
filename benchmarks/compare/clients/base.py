"""What an adapter is made of, and what several of them need.

An adapter is a module with a class ``Client``, made from ``Settings`` and the options of its entry
in the catalogue. ``open`` and ``close`` are coroutines or plain methods, and so is each of the
works, of which it leaves out what the client cannot do::

    get(key) -> int              a small object into memory; its length
    put(key, body)
    download(key, path, size)    a big object into a file, with WORKERS and PART_SIZE
    upload(key, path, size)
    list(prefix) -> int          how many keys there are
    presign(key) -> str          a URL to GET it with

A plain method is called in threads where the work wants concurrency. What the adapter
imports is imported before anything is measured.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

WORKERS = 8
PART_SIZE = 8 * 1024 * 1024
CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the stub is. *ca* is the file with its certificate.

    Over TLS the file is in ``SSL_CERT_FILE`` too, which OpenSSL, rustls and Go look at.
    """

    host: str
    port: int
    tls: bool
    ca: str
    bucket: str
    region: str
    access_key_id: str
    secret_access_key: str

    @property
    def endpoint(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    @property
    def verify(self) -> str | None:
        """botocore's argument of this name."""
        return self.ca if self.tls else None


def ranges(size: int) -> list[tuple[int, int]]:
    """(offset, length) of each part."""
    return [(start, min(PART_SIZE, size - start)) for start in range(0, size, PART_SIZE)]


async def in_parts(size: int, one: Callable[[int, int], Awaitable[None]]) -> None:
    """``one(offset, length)`` for each part, WORKERS of them at a time."""
    waiting = iter(ranges(size))

    async def work() -> None:
        for offset, length in waiting:
            await one(offset, length)

    async with asyncio.TaskGroup() as group:
        for _ in range(WORKERS):
            group.create_task(work())


@contextmanager
def descriptor(path: str, size: int | None = None) -> Iterator[int]:
    """A file to read from, or with *size* a new one to write into."""
    flags = os.O_RDONLY if size is None else os.O_RDWR | os.O_CREAT | os.O_TRUNC
    number = os.open(path, flags, 0o600)
    try:
        if size is not None:
            os.truncate(number, size)
        yield number
    finally:
        os.close(number)


def write_at(number: int, data: bytes, offset: int) -> None:
    """All of *data* at *offset*, however much the system takes at a time."""
    view = memoryview(data)
    while view:
        written = os.pwrite(number, view, offset)
        view, offset = view[written:], offset + written


@dataclass(slots=True)
class ProgramRuns:
    """External programs, and the most memory that one of them held."""

    peak_rss: int = 0

    def run(self, *command: str, env: dict[str, str] | None = None) -> None:
        """Run *command* to its end; its output is an error's message."""
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env
        ) as process:
            # What the system tells of an ended child includes the process that started it.
            status = Path(f"/proc/{process.pid}/status")
            try:
                while process.poll() is None:
                    self.peak_rss = max(self.peak_rss, resident_peak(status))
                    time.sleep(0.02)
                assert process.stderr is not None
                said = process.stderr.read().decode(errors="replace").strip()
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise RuntimeError(f"{command[0]} ended with {process.returncode}: {said}")


def resident_peak(status: Path = Path("/proc/self/status")) -> int:
    """The most bytes a process had in memory; 0 when it has ended."""
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return 0
    found = (int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    return next(found, 0)
