"""The parts of one upload as a caller hands them over: numbered, side by side, none forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Generic, TypeVar

from ..config import MAX_PARTS
from ..errors import IncompleteMultipartUpload
from ..request import Body
from ..transport.shielding import is_cancelled, settled
from .multipart import MultipartUpload

T = TypeVar("T")


class PartsInFlight(Generic[T]):
    """Sends parts as they are handed over, at most *workers* at a time.

    *told* makes what a part's sender gets, of the part's number and its ETag.
    """

    def __init__(
        self, upload: MultipartUpload, workers: int, told: Callable[[int, str], T]
    ) -> None:
        self._upload = upload
        self._told = told
        self._slots = asyncio.Semaphore(workers)
        self._parts: dict[int, Coroutine[None, None, T]] = {}
        self._sending: dict[int, asyncio.Task[str]] = {}
        self._set_aside: set[int] = set()
        self._last = 0
        self._given_up = False

    def __bool__(self) -> bool:
        """Whether there are any parts."""
        return bool(self._parts)

    def set_aside(self, number: int) -> None:
        """Leave *number* to somebody else, unless it has a part already."""
        self._set_aside.add(number)

    def add(self, body: Body, content_sha256: str | None = None) -> Coroutine[None, None, T]:
        """Settle the next part's number now, and return a coroutine that sends it.

        The coroutines may be awaited in any order. Raises ``ValueError`` for part 10,001.
        """
        number = self._last + 1
        while number in self._set_aside:
            number += 1
        if number > MAX_PARTS:
            raise ValueError(f"an upload has at most {MAX_PARTS:,} parts")
        self._last = number
        part = self._parts[number] = self._send(number, body, content_sha256)
        return part

    async def all_arrived(self) -> None:
        """Wait for the parts in flight; raise when one failed or was never sent."""
        await asyncio.sleep(0)  # Tasks that were made but had no turn yet begin now.
        while running := [task for task in self._sending.values() if not task.done()]:
            await asyncio.wait(running)
        given_up = {number for number, task in self._sending.items() if task.cancelled()}
        for number, task in self._sending.items():
            if number not in given_up:
                task.result()
        missing = tuple(sorted((self._parts.keys() - self._sending.keys()) | given_up))
        if missing:
            raise IncompleteMultipartUpload(
                f"part{'s' if len(missing) > 1 else ''} {', '.join(map(str, missing))} "
                "never arrived: the coroutine was not awaited to its end",
                missing,
            )

    async def give_up(self) -> None:
        """Cancel what is in flight, and wait until nothing is any more."""
        self._given_up = True
        # Tasks that were made but had no turn yet hear of it now, instead of failing as closed.
        await settled(asyncio.create_task(asyncio.sleep(0)))
        for number, part in self._parts.items():
            if number not in self._sending:
                part.close()
        for task in self._sending.values():
            task.cancel()
        await settled(*self._sending.values())

    async def _send(self, number: int, body: Body, content_sha256: str | None) -> T:
        if self._given_up:
            raise _dropped(number)
        # A task of our own, so that giving up cancels the part and not the user's task.
        task = asyncio.create_task(self._in_turn(number, body, content_sha256))
        self._sending[number] = task
        try:
            return self._told(number, await task)
        except asyncio.CancelledError:
            task.cancel()
            await settled(task)
            if self._given_up and not is_cancelled():
                raise _dropped(number) from None
            raise

    async def _in_turn(self, number: int, body: Body, content_sha256: str | None) -> str:
        async with self._slots:
            return await self._upload.send_part(number, body, content_sha256)


def _dropped(number: int) -> IncompleteMultipartUpload:
    return IncompleteMultipartUpload(f"part {number} was given up with its upload", (number,))
