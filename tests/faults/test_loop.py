"""Nothing holds the event loop up while a transfer runs, however slow the disk is (P1).

Two instruments: the calls that block are seen one by one, as in ``tests/project/test_blocking.py``,
and a thread measures how long the loop stays away and where it was meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from aiohttp_s3_client.config import plain_paths_only
from tests.project.test_blocking import watched

from .calls import CALLS, Call, Place, every

SLOW = 0.4
"""Seconds that each access to the slow disk takes."""
ALLOWED = 0.25
"""Seconds that the loop may stay away: well under one access, and above the noise here."""


class LagWatch:
    """Measures from a thread of its own how long the loop does not come round."""

    def __init__(self) -> None:
        self.worst = 0.0
        self.where = ""
        self._beat = time.monotonic()
        self._loop_thread = threading.get_ident()
        self._stop = threading.Event()

    def _look(self) -> None:
        while not self._stop.wait(0.005):
            lag = time.monotonic() - self._beat
            if lag > self.worst:
                self.worst = lag
                frame = sys._current_frames().get(self._loop_thread)
                self.where = "".join(traceback.format_stack(frame)[-6:]) if frame else ""

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Beat in the running loop and look from the thread."""
        loop = asyncio.get_running_loop()
        beating = True

        def beat() -> None:
            self._beat = time.monotonic()
            if beating:
                loop.call_later(0.002, beat)

        beat()
        thread = threading.Thread(target=self._look, name="asyncio_lag_watch")
        thread.start()
        try:
            yield
        finally:
            beating = False
            self._stop.set()
            thread.join()


async def test_the_watch_sees_a_loop_that_is_held_up() -> None:
    watch = LagWatch()
    with watch.watching():
        await asyncio.sleep(0.02)
        time.sleep(0.1)  # noqa: ASYNC251  # what the watch is there for
        await asyncio.sleep(0.02)
    assert watch.worst > 0.08
    assert "test_the_watch_sees" in watch.where


@every()
async def test_p1_no_call_blocks(call: Call, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """P1: over each whole transfer, the first of its session included.

    Single calls that a fast path makes on the loop are for the next test to judge.
    """
    call.need()
    quick = ("os.fstat", "os.sendfile", "os.splice", "os.pwrite", "os.pread")
    with watched(monkeypatch) as calls:
        await call.run(place)
    assert [each for each in calls if not each.startswith(quick)] == []


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch, place: Place) -> list[str]:
    """Every access to the files of ``place`` sleeps first; the names of the slow calls."""
    slowed: list[str] = []
    folder = str(place.folder)

    def is_ours(descriptor: object) -> bool:
        try:
            return os.readlink(f"/proc/self/fd/{descriptor}").startswith(folder)
        except OSError:
            return False

    def slow(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def slowly(*args: Any, **kwargs: Any) -> Any:
            if any(is_ours(each) for each in args[:2] if isinstance(each, int)):
                slowed.append(name)
                time.sleep(SLOW if len(slowed) < 7 else 0)
            return original(*args, **kwargs)

        return slowly

    for name in ("read", "pread", "preadv", "write", "pwrite", "pwritev", "sendfile", "splice"):
        if hasattr(os, name):
            monkeypatch.setattr(os, name, slow(name, getattr(os, name)))
    return slowed


WITHOUT_FILES = (
    "put", "put_stream", "put_multipart", "multipart_upload", "upload_fileobj",
    "api_put_object_stream",
)  # fmt: skip


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no list of descriptors here")
@pytest.mark.parametrize(
    "call",
    [e for e in CALLS if e.kind in ("up", "down") and e.name not in WITHOUT_FILES],
    ids=lambda call: call.name,
)
async def test_p1_a_slow_disk_does_not_hold_the_loop_up(
    call: Call, place: Place, slow_disk: list[str]
) -> None:
    """P1: once an access was slow, the next ones are made in a thread.

    The first slow one may happen on the loop, for nobody can know before: so the lag is bounded by
    one access, once.
    """
    call.need()
    lags: list[float] = []
    beating = True

    async def beat() -> None:
        while beating:
            before = time.monotonic()
            await asyncio.sleep(0.005)
            lags.append(time.monotonic() - before - 0.005)

    beats = asyncio.create_task(beat())
    await call.run(place)
    beating = False
    await beats
    await asyncio.to_thread(call.check, place, whole=True)
    if not slow_disk and plain_paths_only():
        pytest.skip("the plain path writes by file objects, whose calls are not seen")
    assert slow_disk, "the file was never read or written"
    held_up = [lag for lag in lags if lag > ALLOWED]
    assert len(held_up) <= 1, f"{held_up} s away for {slow_disk}"


@every("up", "down", "memory")
async def test_p1_the_loop_comes_round(call: Call, place: Place) -> None:
    """P1: a whole transfer never keeps the loop for long; else the stack says where it was."""
    call.need()
    await call.run(place)  # imports, threads and connections are there
    await asyncio.to_thread(place.reset)
    watch = LagWatch()
    with watch.watching():
        await call.run(place)
    assert watch.worst < ALLOWED, f"{watch.worst:.3f} s in\n{watch.where}"
