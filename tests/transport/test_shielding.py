"""What a cancelled caller leaves behind: nothing."""

from __future__ import annotations

import asyncio
import threading

import pytest

from aiohttp_s3_client.transport.shielding import acquired


async def test_what_is_made_after_a_cancellation_is_given_back() -> None:
    may_end = threading.Event()
    given_back: list[str] = []

    def make() -> str:
        may_end.wait(5)
        return "file"

    task = asyncio.create_task(acquired(make, given_back.append))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    task.cancel()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert given_back == ["file"]


async def test_what_could_not_be_made_is_not_given_back() -> None:
    may_end = threading.Event()

    def make() -> str:
        may_end.wait(5)
        raise OSError("no")

    def release(made: str) -> None:
        raise AssertionError(made)

    task = asyncio.create_task(acquired(make, release))
    await asyncio.sleep(0.01)
    task.cancel()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_making_is_raised() -> None:
    def make() -> str:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        await acquired(make, lambda _: None)
