"""Whatever goes wrong on the way: the bytes are right, or one clear error says that they are not.

Creating an upload is spared where an answer gets lost, since nobody can then know its id.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import aiohttp
import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import ObjectChanged, S3Error
from tests.conftest import LoopbackTls
from tests.servers.resolver import LoopbackResolver

from . import leaks
from .calls import CALLS, RANGE, Call, Place, every
from .conftest import LIMIT
from .plans import TRANSIENT, Exchange, Fault, Kind, Plan, always, once, seeded
from .proxy import FaultProxy

BOUND = 12.0
"""Seconds in which a transfer that meets a few faults has ended, one way or the other."""

CLEAR = (S3Error, aiohttp.ClientError, TimeoutError)
"""What a user may have to catch. aiohttp's own come from bodies that the user reads."""


def creates(exchange: Exchange) -> bool:
    return exchange.method == "POST" and exchange.query.startswith("uploads")


def of_the_transfer(exchange: Exchange) -> bool:
    """Requests of the transfer itself, whose body or answer is worth breaking."""
    return not creates(exchange) and Place.PROBE not in exchange.target


def only_of_the_transfer(plan: Plan) -> Plan:
    return lambda exchange: plan(exchange) if of_the_transfer(exchange) else None


async def attempt(call: Call, place: Place) -> Exception | None:
    """The error that *call* ended in. Whatever it is, nothing wrong may be left."""
    error: Exception | None = None
    try:
        async with asyncio.timeout(BOUND) as bound:
            await call.run(place)
    except CLEAR as raised:
        assert not bound.expired(), f"{call.name} has no end"
        error = raised
    await asyncio.to_thread(call.check, place, whole=error is None)
    uploads = await asyncio.to_thread(place.oracle.uploads, place.bucket)
    assert uploads == [], f"an upload is left after {error!r}"
    return error


@every()
async def test_one_fault(call: Call, place: Place, proxy: FaultProxy) -> None:
    """What happens once is survived by everything that has more than one try."""
    call.need()
    for kind in TRANSIENT:
        at = {"trickle": 700, "reset request": 66_000, "close request": 66_000}.get(kind, 200_001)
        fault = Fault(kind, at, seconds=0.005 if kind == "trickle" else 0.1)
        await asyncio.to_thread(place.reset)
        proxy.clear(once(fault, of_the_transfer))
        async with leaks.unchanged(proxy.descriptors, sockets=False):
            error = await attempt(call, place)
        assert proxy.faults == [fault]
        assert call.single or error is None, f"{call.name} with one {fault}: {error!r}"
        proxy.clear()
        if kind in ("duplicate", "extra"):
            await asyncio.sleep(0.05)  # let all of it arrive: what comes later is the next answer
        await place.still_works(LIMIT)


def has_a_large_body(exchange: Exchange) -> bool:
    """A part of an upload, or a range of a download; not the last, which may be small."""
    if exchange.method == "PUT":
        return int(exchange.headers.get("content-length", 0)) >= RANGE
    return exchange.method == "GET" and Place.STORED in exchange.target


@pytest.mark.parametrize("seconds", [0.3, 30.0])
@every("up", "down", "memory")
async def test_silence(
    call: Call,
    seconds: float,
    place: Place,
    proxy: FaultProxy,
    client_of: Callable[..., S3Client],
) -> None:
    """Shorter than the timeouts it is waited for; longer, it costs one attempt."""
    call.need()
    kind: Kind = "stall request" if call.kind == "up" else "stall"
    fault = Fault(kind, 100_000, seconds)
    if seconds > 1:
        place.client = client_of(proxy.url, read_timeout=0.5, write_timeout=0.5)
    proxy.clear(once(fault, has_a_large_body))
    began = time.monotonic()
    error = await attempt(call, place)
    assert time.monotonic() - began > 0.25
    assert proxy.faults == [fault]
    if not call.single:
        assert error is None
    proxy.clear()
    await place.still_works(LIMIT)


@every("down")
async def test_the_object_changes(call: Call, place: Place, proxy: FaultProxy) -> None:
    """One range with another ETag is of another object."""
    call.need()
    proxy.clear(
        once(
            Fault("etag"),
            lambda each: (
                each.method == "GET" and f"bytes={RANGE}-" in each.headers.get("range", "")
            ),
        )
    )
    error = await attempt(call, place)
    if proxy.faults:
        assert isinstance(error, ObjectChanged)


@pytest.mark.parametrize("at", [0, 70_000, 1024 * 1024])
@pytest.mark.parametrize("call", [each for each in CALLS if each.verifies], ids=lambda c: c.name)
async def test_a_wrong_byte_is_noticed(
    call: Call, at: int, place: Place, proxy: FaultProxy
) -> None:
    """By downloads that are held to a checksum. A second try may bring the right bytes."""
    call.need()
    proxy.clear(once(Fault("corrupt", at), lambda each: each.method == "GET"))
    await attempt(call, place)  # checks that nothing wrong is left, whatever the outcome
    assert proxy.faults


@every()
async def test_the_server_is_gone_for_good(call: Call, place: Place, proxy: FaultProxy) -> None:
    """Every connection is reset: one clear error, in bounded time, and nothing is left."""
    call.need()
    proxy.clear(always(Fault("reset", -1)))
    async with leaks.unchanged(proxy.descriptors, sockets=False):
        with pytest.raises(CLEAR):
            async with asyncio.timeout(BOUND):
                await call.run(place)
    assert len(proxy.exchanges) <= 3 * 3, "retries were multiplied"
    proxy.clear()
    await asyncio.to_thread(call.check, place, whole=False)
    await place.still_works(LIMIT)


@every()
async def test_the_server_is_overloaded_for_good(
    call: Call, place: Place, proxy: FaultProxy, client_of: Callable[..., S3Client]
) -> None:
    call.need()
    proxy.clear(always(Fault("slow down")))
    with pytest.raises(CLEAR):
        async with asyncio.timeout(BOUND):
            await call.run(place)
    proxy.clear()
    await asyncio.to_thread(call.check, place, whole=False)
    place.client = client_of(proxy.url)  # This one goes slowly now, as it was asked to.
    await place.still_works(LIMIT)


STORM = [
    *(Fault("reset", at) for at in (-1, 0, 1, 1000, 65_536, 500_000)),
    *(Fault("close", at) for at in (-1, 0, 1, 1000, 65_536, 500_000)),
    *(Fault("reset request", at) for at in (0, 1, 70_000, 3_000_000)),
    *(Fault("close request", at) for at in (0, 1, 70_000, 3_000_000)),
    *(Fault(kind, 300, 0.02) for kind in ("slow down", "delay", "trickle", "extra")),
    *(Fault(kind) for kind in ("duplicate", "say close")),
    Fault("stall", 100_000, 0.3),
]


@every("up", "down", "memory")
async def test_a_storm_of_faults(call: Call, place: Place, proxy: FaultProxy) -> None:
    """Every third request meets something, at most twice in a row: three tries get through."""
    call.need()
    for seed in range(3):
        plan = seeded(seed, STORM, rate=0.34, repeats=2)
        await asyncio.to_thread(place.reset)
        proxy.clear(only_of_the_transfer(plan))
        async with leaks.unchanged(proxy.descriptors, sockets=False):
            error = await attempt(call, place)
        met = [(each.identity, each.fault) for each in proxy.exchanges]
        assert call.single or error is None, f"seed {seed}: {error!r} after {met}"
        proxy.clear()
        await asyncio.sleep(0.05)  # what came twice has arrived
        await place.still_works(LIMIT)


@pytest.mark.parametrize(
    "call",
    [each for each in CALLS if not each.single and each.kind in ("up", "down")],
    ids=lambda call: call.name,
)
async def test_over_tls(
    call: Call,
    place: Place,
    fault_proxy: Callable[..., FaultProxy],
    client_of: Callable[..., S3Client],
    loopback_tls: LoopbackTls,
) -> None:
    """The same where nothing can be done with the socket itself."""
    call.need()
    proxy = fault_proxy(ssl_context=loopback_tls.server)
    connector = aiohttp.TCPConnector(
        ssl=loopback_tls.client, limit=LIMIT, resolver=LoopbackResolver()
    )
    kinds: tuple[Kind, ...] = ("reset", "close", "stall", "say close", "extra")
    async with aiohttp.ClientSession(connector=connector) as session:
        place.client = client_of(proxy.url, session, read_timeout=0.5, write_timeout=0.5)
        for kind in kinds:
            fault = Fault(kind, 200_001, seconds=30)
            await asyncio.to_thread(place.reset)
            proxy.clear(once(fault, of_the_transfer))
            async with leaks.unchanged(proxy.descriptors, sockets=False):
                error = await attempt(call, place)
            assert error is None, f"{call.name} with one {fault}: {error!r}"
            assert proxy.faults == [fault]
            proxy.clear()
            await asyncio.sleep(0.05 if kind == "extra" else 0)
            await place.still_works(LIMIT)
