"""The same transfers by other roads: IPv6, a server that closes, a forward proxy."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import aiohttp
import pytest

from aiohttp_s3_client import S3Client

from . import leaks
from .calls import Call, Place, every
from .conftest import LIMIT
from .plans import Fault, always
from .proxy import FaultProxy


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6 loopback")
@every()
async def test_ipv6(
    call: Call,
    place: Place,
    fault_proxy: Callable[..., FaultProxy],
    client_of: Callable[..., S3Client],
) -> None:
    call.need()
    proxy = fault_proxy(host="::1")
    place.client = client_of(proxy.url)
    await call.run(place)
    await asyncio.to_thread(call.check, place, whole=True)
    assert proxy.exchanges


@every()
async def test_a_server_that_closes_after_every_answer(
    call: Call, place: Place, proxy: FaultProxy
) -> None:
    """``Connection: close``: one connection for each request, and none is left over."""
    call.need()
    proxy.clear(always(Fault("say close")))
    async with leaks.unchanged(proxy.descriptors):
        connections = proxy.connections
        await call.run(place)
        assert proxy.connections - connections >= len(proxy.exchanges)
    await asyncio.to_thread(call.check, place, whole=True)
    await place.still_works(LIMIT)


@every()
async def test_a_forward_proxy(
    call: Call, place: Place, proxy: FaultProxy, client_of: Callable[..., S3Client]
) -> None:
    """The session's own proxy: requests name the server and go elsewhere."""
    call.need()
    server = place.oracle.info.url
    connector = aiohttp.TCPConnector(limit=LIMIT)
    async with aiohttp.ClientSession(connector=connector, proxy=proxy.url) as session:
        place.client = client_of(server, session)
        await call.run(place)
        await asyncio.to_thread(call.check, place, whole=True)
        assert proxy.exchanges
        assert all(each.target.startswith(server) for each in proxy.exchanges)
        await place.still_works(LIMIT)


async def test_a_forward_proxy_with_faults(
    place: Place, proxy: FaultProxy, client_of: Callable[..., S3Client]
) -> None:
    seen: list[None] = []

    def every_third(_: object) -> Fault | None:
        seen.append(None)
        return Fault("reset", 1000) if len(seen) % 3 == 0 else None

    async with aiohttp.ClientSession(proxy=proxy.url) as session:
        place.client = client_of(place.oracle.info.url, session)
        proxy.clear(every_third)
        await place.client.get_file_parallel(place.stored, place.target, range_step=1024 * 1024)
    assert place.target.read_bytes() == place.small
    assert proxy.faults
