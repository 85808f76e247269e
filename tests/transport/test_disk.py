"""Where disk calls are made: in the loop while they are quick, in a thread once one was not."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from aiohttp_s3_client.transport import disk as disk_module
from aiohttp_s3_client.transport.disk import SLOW_SECONDS, Disk


def here() -> int:
    return threading.get_ident()


def slow() -> int:
    time.sleep(2 * SLOW_SECONDS)
    return threading.get_ident()


async def test_quick_calls_are_made_at_once() -> None:
    disk = Disk()
    for _ in range(3):
        assert await disk.run(here) == here()
    assert disk.quick


async def test_after_a_slow_one_they_go_to_a_thread() -> None:
    disk = Disk()
    assert await disk.run(slow) == here()
    assert not disk.quick
    for _ in range(3):
        assert await disk.run(here) != here()


async def test_a_slow_one_that_fails_counts_too() -> None:
    disk = Disk()

    def fail() -> None:
        slow()
        raise OSError("it broke")

    with pytest.raises(OSError, match="it broke"):
        await disk.run(fail)
    assert not disk.quick
    with pytest.raises(OSError, match="it broke"):
        await disk.run(fail)


async def test_a_disk_that_recovers_is_trusted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_module, "_RECOVERY_SECONDS", 0.1)
    disk = Disk()
    await disk.run(slow)
    assert not disk.quick
    await asyncio.sleep(0.15)
    assert disk.quick
    assert await disk.run(here) == here()


async def test_without_threads_all_stays_in_the_loop() -> None:
    disk = Disk(threads=False)
    assert await disk.run(slow) == here()
    assert await disk.run(slow) == here()
    assert await disk.aside(here) == here()


async def test_what_is_known_to_take_long_never_holds_the_loop() -> None:
    assert await Disk().aside(here) != here()


@pytest.mark.parametrize("method", ["run", "aside"])
async def test_a_cancellation_waits_for_the_call(method: str) -> None:
    disk = Disk()
    await disk.run(slow)
    ended = threading.Event()

    def work() -> None:
        time.sleep(0.2)
        ended.set()

    task = asyncio.create_task(getattr(disk, method)(work))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
