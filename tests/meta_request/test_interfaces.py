"""Connections that leave by chosen network interfaces."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from aiohttp_s3_client.errors import AwsCrtError
from aiohttp_s3_client.transport.interfaces import socket_factory
from aiohttp_s3_client.transport.session import open_session
from tests.servers.scripted import ScriptedServer
from tests.servers.steps import reply

from .namespaces import CLIENTS, run_inside

LOOPBACK = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "")
BINDS = sys.platform in ("linux", "darwin")
needs_binding = pytest.mark.skipif(not BINDS, reason="this system cannot bind to an interface")

TURNS = """
import asyncio, json
import aiohttp
from aiohttp_s3_client.transport.interfaces import socket_factory
from aiohttp_s3_client.transport.session import open_session
from tests.meta_request.namespaces import Links, ip

async def addresses(url, names):
    factory = socket_factory(names) if names else None
    async with open_session(socket_factory=factory) as session:
        seen = []
        for _ in range(4):
            async with session.get(url) as response:
                seen.append(await response.text())
        return seen

async def main():
    async with Links() as links:
        seen = {
            "none": await addresses(links.url, []),
            "both": await addresses(links.url, ["link0", "link1"]),
            "second": await addresses(links.url, ["link1"]),
        }
        make = socket_factory(["link1"])
        await ip("link del link1")
        async with open_session(socket_factory=make) as session:
            try:
                await session.get(links.url)
            except aiohttp.ClientConnectorError as error:
                seen["gone"] = str(error)
        print(json.dumps(seen))

asyncio.run(main())
"""


def test_connections_take_turns() -> None:
    """On two real links: the server sees from which of the client's addresses each one comes."""
    seen = json.loads(run_inside(TURNS))
    first, second = CLIENTS
    assert seen["none"] == [first] * 4
    assert seen["both"] == [first, second, first, second]
    assert seen["second"] == [second] * 4
    assert "cannot use the network interface link1: No such device" in seen["gone"]


@needs_binding
async def test_through_the_loopback(
    scripted: Callable[..., Awaitable[ScriptedServer]],
) -> None:
    server = await scripted(reply(204))
    async with (
        open_session(socket_factory=socket_factory([LOOPBACK])) as session,
        session.get(server.url) as response,
    ):
        assert response.status == 204


@needs_binding
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_is_bound_by_the_systems_option(family: socket.AddressFamily) -> None:
    make = socket_factory([LOOPBACK])
    with make((family, socket.SOCK_STREAM, 0, "", ())) as made:
        if sys.platform == "linux":
            bound = made.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16)
            assert bound.rstrip(b"\0").decode() == LOOPBACK
        elif family == socket.AF_INET:
            assert made.getsockopt(socket.IPPROTO_IP, 25) == socket.if_nametoindex(LOOPBACK)
        else:
            assert made.getsockopt(socket.IPPROTO_IPV6, 125) == socket.if_nametoindex(LOOPBACK)


@needs_binding
@pytest.mark.parametrize("name", ["no-such-one", "", "a\0b"])
def test_an_interface_that_is_not_there(name: str) -> None:
    with pytest.raises(ValueError, match=r"there is no interface .*; there are .*lo") as caught:
        socket_factory([LOOPBACK, name])
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize(
    ("names", "error"),
    [
        ([], ValueError),
        ("lo", ValueError),
        (None, ValueError),
        ({"lo"}, ValueError),
        ([b"lo"], TypeError),
        (["lo", 1], TypeError),
    ],
)
def test_what_are_no_names(names: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="network_interface_names must be"):
        socket_factory(cast(Any, names))


@pytest.mark.parametrize("system", ["win32", "freebsd14"])
def test_on_another_system(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", system)
    with pytest.raises(AwsCrtError, match=f"AWS_ERROR_PLATFORM_NOT_SUPPORTED.*{system}") as caught:
        socket_factory(["eth0"])
    assert (caught.value.code, caught.value.name) == (53, "AWS_ERROR_PLATFORM_NOT_SUPPORTED")
