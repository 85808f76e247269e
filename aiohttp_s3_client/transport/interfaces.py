"""Connections that leave by chosen network interfaces, in turn."""

from __future__ import annotations

import itertools
import socket
import sys
from collections.abc import Sequence

import aiohttp

from ..errors import AwsCrtError

_IP_BOUND_IF = 25
_IPV6_BOUND_IF = 125
"""Those of macOS, which Python's socket module does not name."""


def socket_factory(names: Sequence[str]) -> aiohttp.SocketFactoryType:
    """Makes sockets for an ``aiohttp.TCPConnector``, each bound to the next interface of *names*.

    Linux binds by SO_BINDTODEVICE (from 5.7 on any process may, before that root), macOS by
    IP_BOUND_IF. An interface that goes away later fails the connections that it is the turn of.

    Raises ``AwsCrtError`` (``AWS_ERROR_PLATFORM_NOT_SUPPORTED``) on any other system,
    ``ValueError`` for no names, and for an interface that does not exist.
    """
    chosen = _checked(names)
    if sys.platform not in ("linux", "darwin"):
        raise AwsCrtError.of(
            "AWS_ERROR_PLATFORM_NOT_SUPPORTED",
            f"network_interface_names: connections cannot be bound to interfaces on {sys.platform}",
        )
    turns = itertools.cycle([(name, _index(name)) for name in chosen])

    def make(address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, *_ = address
        name, index = next(turns)
        made = socket.socket(family, kind, protocol)
        try:
            _bind(made, name, index)
        except OSError as error:
            made.close()
            raise OSError(
                error.errno, f"cannot use the network interface {name}: {error.strerror}"
            ) from error
        return made

    return make


def _checked(names: object) -> list[str]:
    chosen = [] if isinstance(names, str) or not isinstance(names, Sequence) else list(names)
    if not chosen:
        raise ValueError(
            f"network_interface_names must be a sequence of at least one name, not {names!r}"
        )
    for name in chosen:
        if not isinstance(name, str):
            raise TypeError(f"network_interface_names must be str, not {name!r}")
    return chosen


def _index(name: str) -> int:
    try:
        return socket.if_nametoindex(name)
    except (OSError, ValueError):
        there = ", ".join(known for _, known in socket.if_nameindex())
        raise ValueError(
            f"network_interface_names: there is no interface {name!r}; there are {there}"
        ) from None


def _bind(made: socket.socket, name: str, index: int) -> None:
    if sys.platform == "linux":
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode() + b"\0")
    elif made.family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, _IPV6_BOUND_IF, index)
    else:
        made.setsockopt(socket.IPPROTO_IP, _IP_BOUND_IF, index)
