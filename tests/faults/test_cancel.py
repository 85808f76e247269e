"""Cancelled at any await, a transfer leaves nothing behind and the session as it was (P9)."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from . import driver, leaks
from .calls import RANGE, Call, Place, every, managed, transfer_config
from .conftest import LIMIT
from .driver import Moment

POSITIONS = 14


@pytest.mark.parametrize("moment", ["suspended", "resuming"])
@every()
async def test_p9_cancelled_at_each_await(
    call: Call, moment: Moment, place: Place, session: aiohttp.ClientSession
) -> None:
    """P9: no task, thread, descriptor, file or upload is left, and every connection is there."""
    call.need()
    executor = leaks.CountingExecutor()
    asyncio.get_running_loop().set_default_executor(executor)
    await place.still_works(LIMIT)

    async def work() -> None:
        await call.run(place)

    whole = await driver.run(work)
    await asyncio.to_thread(call.check, place, whole=True)
    await asyncio.sleep(0.01)
    before = leaks.held()
    cancelled = 0
    for at in driver.positions(whole.awaits, POSITIONS, seed=whole.awaits):
        await asyncio.to_thread(place.reset)
        outcome = await driver.run(work, at=at, moment=moment)
        where = f"{call.name} cancelled at await {at} of {whole.awaits}"
        tasks = asyncio.all_tasks() - before.tasks - {asyncio.current_task()}
        assert not tasks, f"{where}: {tasks} go on behind it"
        await leaks.idle(executor)
        cancelled += outcome.cancelled
        await leaks.settled(before, sockets=False)
        await asyncio.to_thread(call.check, place, whole=not outcome.cancelled)
        uploads = await asyncio.to_thread(place.oracle.uploads, place.bucket)
        assert uploads == [], f"{where}: an upload is left"
        await place.still_works(LIMIT)
    assert cancelled
    await call.run(place)
    await asyncio.to_thread(call.check, place, whole=True)
    await session.close()


class Watched(io.RawIOBase):
    """A user's slow file object that knows whether somebody is using it."""

    def __init__(self, data: bytes = b"") -> None:
        super().__init__()
        self.inner = io.BytesIO(data)
        self.users = 0
        self.uses = 0
        self._lock = threading.Lock()

    def _used(self, work: Callable[..., Any], *args: Any) -> Any:
        with self._lock:
            self.users += 1
            self.uses += 1
        try:
            time.sleep(0.005)
            return work(*args)
        finally:
            with self._lock:
                self.users -= 1

    def read(self, size: int = -1, /) -> bytes:
        data: bytes = self._used(self.inner.read, size)
        return data

    def readinto(self, buffer: Any, /) -> int:
        count: int = self._used(self.inner.readinto, buffer)
        return count

    def write(self, data: Any, /) -> int:
        count: int = self._used(self.inner.write, data)
        return count

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self.inner.seek(offset, whence)

    def tell(self) -> int:
        return self.inner.tell()


class Unseekable(Watched):
    def seekable(self) -> bool:
        return False

    def seek(self, offset: int, whence: int = 0, /) -> int:
        raise io.UnsupportedOperation("seek")


async def put(place: Place, file: Watched) -> None:
    async with place.client.put(place.sent, file) as resp:
        resp.raise_for_status()


async def upload_fileobj(place: Place, file: Watched) -> None:
    await managed(place).upload_fileobj(file, place.bucket, place.SENT, config=transfer_config())


async def download_fileobj(place: Place, file: Watched) -> None:
    config = transfer_config(multipart_threshold=RANGE, multipart_chunksize=RANGE)
    await managed(place).download_fileobj(place.bucket, place.STORED, file, config=config)


@pytest.mark.parametrize("after", [0.002, 0.02, 0.06])
@pytest.mark.parametrize("kind", [Watched, Unseekable])
@pytest.mark.parametrize("work", [put, upload_fileobj, download_fileobj])
async def test_a_users_file_is_let_alone_after_a_cancellation(
    place: Place,
    work: Callable[[Place, Watched], Awaitable[None]],
    kind: type[Watched],
    after: float,
) -> None:
    """Its owner goes on with it, or closes it: no thread may still be reading or writing it."""
    if not hasattr(place.client, work.__name__):
        pytest.skip(f"S3Client has no {work.__name__} yet")
    file = kind(b"" if work is download_fileobj else place.data)
    task = asyncio.ensure_future(work(place, file))
    await asyncio.sleep(after)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    uses = file.uses
    assert file.users == 0, "a thread is using the file"
    await asyncio.sleep(0.05)
    assert file.uses == uses, "a thread goes on using the file"
