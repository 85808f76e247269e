"""What is closed under a running transfer ends it with one clear error, in bounded time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import S3Error

from . import leaks
from .calls import CALLS, Call, Place, every
from .conftest import LIMIT
from .plans import Fault, always
from .proxy import FaultProxy

CLEAR = (S3Error, aiohttp.ClientError, RuntimeError, OSError)


async def close_session(session: aiohttp.ClientSession) -> None:
    await session.close()


async def close_connector(session: aiohttp.ClientSession) -> None:
    assert session.connector is not None
    await session.connector.close()


@pytest.mark.parametrize("close", [close_session, close_connector])
@pytest.mark.parametrize(
    # What a plain `get` gives is aiohttp's response, and its reader waits on.
    "call",
    [each for each in CALLS if each.kind in ("up", "down", "memory") and each.name != "get"],
    ids=lambda call: call.name,
)
async def test_closed_during_a_transfer(
    call: Call,
    close: Callable[[aiohttp.ClientSession], Coroutine[Any, Any, None]],
    place: Place,
    proxy: FaultProxy,
    session: aiohttp.ClientSession,
) -> None:
    """One error, soon; no task, thread, socket or file is left of it."""
    call.need()
    proxy.clear(always(Fault("trickle", 1000, 0.05)))
    if call.kind == "up":
        proxy.clear(
            lambda each: Fault("stall request", 70_000, 30) if each.method == "PUT" else None
        )
    async with leaks.unchanged(proxy.descriptors):
        task = asyncio.ensure_future(call.run(place))
        while not any(  # noqa: ASYNC110  # another thread's list
            each.method in ("GET", "PUT") for each in proxy.exchanges
        ):
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.1)
        assert not task.done()
        # aiohttp waits until what is in its write buffers is sent, while the server reads nothing.
        closing = asyncio.ensure_future(close(session))
        done, _ = await asyncio.wait({task}, timeout=4)
        if not done:
            task.cancel()
        with pytest.raises(CLEAR) as caught:
            await task
        assert done, "it goes on although its connections are closed"
        assert str(caught.value)
        proxy.drop_connections()
        await closing
    await asyncio.to_thread(call.check, place, whole=False)


async def test_the_client_closes_its_own_session_during_a_transfer(
    place: Place, proxy: FaultProxy, client_of: Callable[..., S3Client]
) -> None:
    """Leaving the client's ``async with`` is the same as closing a session."""
    proxy.clear(always(Fault("trickle", 1000, 0.05)))
    async with leaks.unchanged(proxy.descriptors):
        async with client_of(proxy.url, None) as client:
            work = client.get_file_parallel(place.stored, place.target)
            task = asyncio.ensure_future(work)
            await asyncio.sleep(0.1)
        done, _ = await asyncio.wait({task}, timeout=4)
        if not done:
            task.cancel()
        with pytest.raises(CLEAR):
            await task
        assert done
    assert place.target.read_bytes() == place.before


@every("up", "down", "memory", "list", "copy")
async def test_a_second_event_loop(call: Call, place: Place, proxy: FaultProxy) -> None:
    """A client belongs to its session's loop; on another it works or says so, and never hangs."""
    call.need()
    await place.still_works(LIMIT)
    proxy.clear()
    ended: list[BaseException | None] = []

    async def bounded() -> None:
        async with asyncio.timeout(5):
            await call.run(place)

    def elsewhere() -> None:
        try:
            asyncio.run(bounded())
        except BaseException as error:
            ended.append(error)
        else:
            ended.append(None)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    while thread.is_alive():  # noqa: ASYNC110  # a thread has no other way to tell
        await asyncio.sleep(0.005)
    thread.join()
    (error,) = ended
    assert not isinstance(error, TimeoutError), "it hangs"
    assert error is None or isinstance(error, CLEAR), repr(error)
    if error is not None:
        assert "loop" in str(error)
        assert not proxy.exchanges, "it was sent all the same"
    await asyncio.to_thread(call.check, place, whole=error is None)
    await place.still_works(1)
