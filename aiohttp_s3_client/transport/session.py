"""The aiohttp session that requests go through: the user's, taken as it is found, or our own.

Of a user's session the default headers are merged before signing, its timeout is respected where
the user set one, and its ``raise_for_status`` is applied by the pipeline with our typed errors.
It is never closed here.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import NamedTuple

import aiohttp
from aiohttp.client import DEFAULT_TIMEOUT
from multidict import CIMultiDict

from ..config import ClientConfig
from .direct import Shortcut

KEEPALIVE_SECONDS = 15.0
"""S3 drops idle connections at about 20 s; one that is reused later than that is dead."""

CONNECTION_LIMIT = 64

_OURS = frozenset(
    {
        "authorization",
        "content-length",
        "host",
        "transfer-encoding",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-security-token",
    }
)


def open_session(
    *,
    limit: int = CONNECTION_LIMIT,
    tls: ssl.SSLContext | bool = True,
    socket_factory: aiohttp.SocketFactoryType | None = None,
) -> aiohttp.ClientSession:
    """A session for S3 alone. To be called inside a running event loop.

    *limit* is the number of connections at most. *tls* is what servers are checked by: True is the
    system's authorities, False believes anybody. *socket_factory* makes the sockets, as that of
    ``interfaces.socket_factory`` does.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=limit,
            keepalive_timeout=KEEPALIVE_SECONDS,
            ssl=tls,
            socket_factory=socket_factory,
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        # Retries, deadlines and redirects are the pipeline's; see request_timeout below.
        timeout=aiohttp.ClientTimeout(total=None),
    )


class Terms(NamedTuple):
    """What one session means for every request of a client, found out once."""

    session: aiohttp.ClientSession
    timeout: aiohttp.ClientTimeout
    shortcut: Shortcut | None
    """The short way for small requests, where the session has one."""
    loop: asyncio.AbstractEventLoop | None
    """The session's own; None where this aiohttp does not tell."""

    @classmethod
    def of(cls, session: aiohttp.ClientSession, config: ClientConfig) -> Terms:
        """What *session* means for a client with these settings."""
        timeout = request_timeout(session, config)
        loop = getattr(session, "_loop", None)
        return cls(session, timeout, Shortcut.through(session, timeout), loop)

    def check_loop(self) -> None:
        """Raise ``RuntimeError`` outside the session's own loop, before anything is sent."""
        if self.loop is not None and self.loop is not asyncio.get_running_loop():
            raise RuntimeError(
                "the client's aiohttp session belongs to another event loop; make a client for "
                "each loop"
            )


def drop_desynchronised(session: aiohttp.ClientSession) -> None:
    """Close the idle connections on which something has arrived that nobody asked for.

    aiohttp would take it for the answer to the next request. Where its connector does not show
    its idle connections, nothing is done.
    """
    idle = getattr(session.connector, "_conns", None)
    for connections in list(idle.values()) if isinstance(idle, dict) else ():
        for protocol, *_ in list(connections):
            if getattr(protocol, "should_close", False):
                protocol.close()


def request_timeout(session: aiohttp.ClientSession, config: ClientConfig) -> aiohttp.ClientTimeout:
    """The timeouts of each request: the user's own where set, else ours.

    aiohttp's default, five minutes for everything, is nobody's choice: it would cut long
    transfers. A total time applies only where the user set it.
    """
    theirs = session.timeout
    if theirs == DEFAULT_TIMEOUT:
        theirs = aiohttp.ClientTimeout(total=None)
    return aiohttp.ClientTimeout(
        total=theirs.total,
        connect=theirs.connect,
        sock_connect=theirs.sock_connect or config.connect_timeout,
        sock_read=theirs.sock_read or config.read_timeout,
    )


def default_headers(session: aiohttp.ClientSession) -> CIMultiDict[str]:
    """The session's default headers, to be signed with the rest.

    Raises ``ValueError`` for one that the signer has to set.
    """
    headers = CIMultiDict(session.headers)
    if headers:
        refuse_ours(headers, "the session's default headers")
    return headers


def refuse_ours(headers: Mapping[str, str], where: str) -> None:
    """Raise ``ValueError`` when *headers* sets what only the signer or aiohttp may set."""
    for name in headers:
        if name.lower() in _OURS:
            raise ValueError(f"{where}: {name} is set by the client itself; leave it out")
