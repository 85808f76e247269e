"""Waiting for the end of what goes over a transport that is used directly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from aiohttp_s3_client.transport.lookout import Lookout

TIMEOUT = 0.1


@pytest.fixture
async def transport() -> AsyncIterator[asyncio.Transport]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    transport, _ = await loop.create_connection(asyncio.Protocol, host, port)
    yield transport
    transport.abort()
    server.close()
    await server.wait_closed()


async def test_it_ends_as_it_is_told(transport: asyncio.Transport) -> None:
    lookout = Lookout(transport, TIMEOUT)
    lookout.finish()
    lookout.fail(OSError("too late"))
    await lookout.wait()
    assert lookout.over
    assert not lookout.cancelled
    lookout = Lookout(transport, None)
    asyncio.get_running_loop().call_soon(lookout.fail, OSError("the disk is full"))
    with pytest.raises(OSError, match="the disk is full"):
        await lookout.wait()


async def test_standing_still_ends_it(transport: asyncio.Transport) -> None:
    loop = asyncio.get_running_loop()
    begun, lookout = loop.time(), Lookout(transport, TIMEOUT)
    with pytest.raises(TimeoutError, match=r"nothing moved for 0\.1 s"):
        await lookout.wait()
    assert loop.time() - begun >= TIMEOUT


@pytest.mark.parametrize("how", ["moving", "excused"])
async def test_what_moves_or_has_a_reason_does_not(transport: asyncio.Transport, how: str) -> None:
    lookout = Lookout(transport, TIMEOUT)
    lookout.excused = how == "excused"
    waiting = asyncio.create_task(lookout.wait())
    for _ in range(15):
        await asyncio.sleep(TIMEOUT / 5)
        if how == "moving":
            lookout.moved()
    assert not lookout.over
    lookout.excused = False
    with pytest.raises(TimeoutError):
        await waiting


async def test_a_transport_that_closes_ends_it(transport: asyncio.Transport) -> None:
    """Nobody says so: it is seen within a second."""
    lookout = Lookout(transport, None)
    waiting = asyncio.create_task(lookout.wait())
    await asyncio.sleep(0)
    transport.close()
    async with asyncio.timeout(2):
        with pytest.raises(ConnectionResetError, match="closed"):
            await waiting


async def test_who_looks_no_more_is_not_ended(transport: asyncio.Transport) -> None:
    lookout = Lookout(transport, TIMEOUT)
    waiting = asyncio.create_task(lookout.wait())
    await asyncio.sleep(0)
    lookout.stop()
    await asyncio.sleep(2 * TIMEOUT)
    assert not lookout.over
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert lookout.cancelled
