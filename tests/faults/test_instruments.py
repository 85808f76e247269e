"""The proxy, the driver and the watch for leaks do what the other tests trust them to do."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import aiohttp
import pytest

from . import driver, leaks
from .calls import Place
from .plans import Exchange, Fault, Kind, always, seeded
from .proxy import FaultProxy


@pytest.fixture
async def plain(proxy: FaultProxy) -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=5, sock_read=0.3)
    async with aiohttp.ClientSession(proxy.url, timeout=timeout) as session:
        yield session


async def fetched(session: aiohttp.ClientSession, place: Place) -> bytes:
    url = await asyncio.to_thread(place.oracle.presign, "get_object", place.bucket, place.PROBE)
    host = place.oracle.info.url.removeprefix("http://")
    async with session.get(url[url.index("/", 8) :], headers={"Host": host}) as resp:
        assert resp.status == 200
        return await resp.read()


# --- the proxy


async def test_without_a_fault_all_is_right(
    proxy: FaultProxy, plain: aiohttp.ClientSession, place: Place
) -> None:
    expected = place.data[: place.PROBE_SIZE]
    assert await fetched(plain, place) == expected
    assert proxy.exchanges[-1].received == len(expected)
    assert proxy.faults == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("reset", 1000), aiohttp.ClientOSError),
        (Fault("reset", -1), aiohttp.ClientOSError),
        (Fault("close", 1000), aiohttp.ClientPayloadError),
        (Fault("close", -1), aiohttp.ServerDisconnectedError),
        (Fault("stall", 1000, 5), TimeoutError),
        (Fault("delay", 0, 5), TimeoutError),
    ],
    ids=repr,
)
async def test_broken_answers(
    proxy: FaultProxy,
    plain: aiohttp.ClientSession,
    place: Place,
    fault: Fault,
    error: type[Exception],
) -> None:
    proxy.clear(always(fault))
    with pytest.raises((error, aiohttp.ClientPayloadError)):
        await fetched(plain, place)
    assert fault in proxy.faults
    proxy.clear()
    assert await fetched(plain, place) == place.data[: place.PROBE_SIZE]


@pytest.mark.parametrize("kind", ["trickle", "delay", "say close", "etag"])
async def test_answers_that_are_right_all_the_same(
    proxy: FaultProxy, plain: aiohttp.ClientSession, place: Place, kind: Kind
) -> None:
    proxy.clear(always(Fault(kind, 100, 0.001)))
    for _ in range(2):
        assert await fetched(plain, place) == place.data[: place.PROBE_SIZE]


async def test_one_byte_is_another(
    proxy: FaultProxy, plain: aiohttp.ClientSession, place: Place
) -> None:
    proxy.clear(always(Fault("corrupt", 70_000)))
    got = await fetched(plain, place)
    wrong = [at for at in range(len(got)) if got[at] != place.data[at]]
    assert wrong == [70_000]


async def test_seeds_say_everything(place: Place) -> None:
    """The same requests meet the same faults, in any order and under any upload id."""
    faults = [Fault("reset", at) for at in range(50)]

    def met(order: list[int], bucket: str, upload: str) -> dict[int, Fault | None]:
        plan = seeded(7, faults, rate=0.5)
        return {
            n: plan(Exchange("PUT", f"/{bucket}/key?partNumber={n}&uploadId={upload}", {}, 1))
            for n in order
        }

    once = met(list(range(40)), "one", "abc")
    assert once == met(list(reversed(range(40))), "two", "def")
    assert 8 < sum(fault is None for fault in once.values()) < 32


# --- the driver


async def test_the_driver_reaches_every_await() -> None:
    """Those of child tasks too, and none that is not there."""
    reached: list[str] = []

    async def child() -> None:
        for step in ("a", "b"):
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                reached.append(step)
                raise

    async def work() -> None:
        await asyncio.sleep(0)
        await asyncio.gather(child(), child())

    whole = await driver.run(work)
    assert whole == driver.Run(6, cancelled=False)
    for at in range(1, whole.awaits + 1):
        assert (await driver.run(work, at=at)).cancelled
    assert not (await driver.run(work, at=whole.awaits + 1)).cancelled
    assert set(reached) == {"a", "b"}


async def test_the_driver_cancels_with_a_result_at_hand() -> None:
    taken: list[object] = []

    async def work() -> None:
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.01, future.set_result, "result")
        try:
            taken.append(await future)
        except asyncio.CancelledError:
            taken.append(future.done())
            raise

    assert (await driver.run(work, at=1, moment="resuming")).cancelled
    assert (await driver.run(work, at=1, moment="suspended")).cancelled
    assert taken == [True, True]  # cancelled futures are done as well
    assert driver.positions(5, 10, 0) == [1, 2, 3, 4, 5]
    sampled = driver.positions(500, 20, 0)
    assert len(sampled) == 20
    assert {1, 2, 3, 500} < set(sampled)


# --- the watch for leaks


@contextmanager
def a_file(folder: Path) -> Iterator[None]:
    number = os.open(folder / "file", os.O_CREAT | os.O_RDWR)
    yield
    os.close(number)


@contextmanager
def a_pipe(folder: Path) -> Iterator[None]:
    ends = os.pipe()
    yield
    for end in ends:
        os.close(end)


@contextmanager
def a_thread(folder: Path) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    yield
    stop.set()
    thread.join()


@contextmanager
def a_task(folder: Path) -> Iterator[None]:
    task = asyncio.get_running_loop().create_task(asyncio.sleep(60))
    yield
    task.cancel()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no list of descriptors here")
@pytest.mark.parametrize("forgotten", [a_file, a_pipe, a_thread, a_task])
async def test_what_is_forgotten_is_seen(
    forgotten: Callable[[Path], AbstractContextManager[None]], tmp_path: Path
) -> None:
    before = leaks.held()
    with forgotten(tmp_path):
        with pytest.raises(AssertionError, match="left behind"):
            await leaks.settled(before, patience=0.05)
    await leaks.settled(before)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no list of descriptors here")
async def test_a_duplicate_of_a_socket_is_seen(
    session: aiohttp.ClientSession, place: Place
) -> None:
    """Even where the number of sockets may grow."""
    await place.still_works(1)
    before = leaks.held()
    duplicate = os.dup(next(iter(before.sockets)))
    assert leaks.difference(before, leaks.held(), sockets=False)
    os.close(duplicate)
    await leaks.settled(before)


async def test_unfinished_work_is_counted() -> None:
    executor = leaks.CountingExecutor()
    asyncio.get_running_loop().set_default_executor(executor)
    waiting = asyncio.ensure_future(asyncio.to_thread(time.sleep, 0.05))
    await asyncio.sleep(0.01)
    assert executor.unfinished == 1
    await waiting
    assert executor.unfinished == 0
