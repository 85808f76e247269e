"""What the requests of one client share: connections, memory, engines, signing."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

import aiohttp

from ..config import ClientConfig
from ..credentials import AnonymousCredentials
from ..engine import Engine
from ..protocol.auth import EXPRESS, SIGV4A, Auth
from ..transport.budget import Budget
from ..transport.interfaces import socket_factory
from ..transport.session import open_session
from ..transport.shielding import finished
from .limits import Limits
from .signing import Signing
from .target import Target
from .tls import TlsConnectionOptions, context_of

_ENGINES = 256
"""Hosts that are remembered, with what was learnt of them."""


class Running(Protocol):
    """A request under way."""

    @property
    def shutdown_event(self) -> asyncio.Event: ...

    def cancel(self) -> None: ...


class Channel:
    """One aiohttp session while there are requests, or for as long as it is kept.

    A request holds it by ``session``. Engines, one for each host and way of signing, outlive it.
    """

    def __init__(
        self,
        *,
        limits: Limits,
        region: str,
        scheme: str,
        tls: TlsConnectionOptions | ssl.SSLContext | None,
        interfaces: Sequence[str] | None,
        signing: Signing | None,
        express: bool,
    ) -> None:
        self.limits = limits
        self.scheme = scheme
        self.signing = signing
        self.express = express
        self.budget = Budget(limits.memory)
        self.requests: set[Running] = set()
        """Those that are under way."""
        self._kept = False
        """Whether the session stays when no request holds it."""
        self._closed = False
        self.region = region
        self._tls = tls
        self._factory = None if interfaces is None else socket_factory(interfaces)
        self._session: aiohttp.ClientSession | None = None
        self._holders = 0
        self._engines: dict[tuple[object, ...], Engine] = {}

    def engine(self, target: Target, signing: Signing | None, region: str) -> Engine:
        """What requests to *target* go through, signed by *signing*, else for *region*.

        It has no session yet.
        """
        if signing is not None and signing.region and signing.scheme != SIGV4A:
            region = signing.region
        config = ClientConfig(
            addressing_style=target.style,
            legacy_bucket_names=True,
            enable_s3express=self.express,
            calculate_content_sha256=signing.sha256 if signing is not None else None,
        )
        # The engine holds its credentials, so that no others can come to have their identity.
        whose = None if signing is None else id(signing.credentials)
        how = None if signing is None else signing._replace(credentials=None)
        key = (target.url, region, config, how, whose)
        engine = self._engines.pop(key, None)
        if engine is None:
            engine = Engine(
                session=None,
                url=target.url,
                credentials=AnonymousCredentials(),
                region=region,
                config=config,
            )
            if signing is not None and signing.credentials is not None:
                engine = engine.signed_with(signing.credentials, _auth(signing))
            while len(self._engines) >= _ENGINES:
                del self._engines[next(iter(self._engines))]
        # The last ones used are the last ones to be forgotten.
        self._engines[key] = engine
        return engine

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncGenerator[aiohttp.ClientSession, None]:
        """The session, for as long as the body runs."""
        self._holders += 1
        try:
            yield await self._open()
        finally:
            self._holders -= 1
            await finished(self.release())

    def loop(self) -> asyncio.AbstractEventLoop:
        """The running event loop. Raises ``RuntimeError`` outside of one, and once closed."""
        if self._closed:
            raise RuntimeError("the client is closed")
        try:
            return asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(
                "make_request has to be called inside a running event loop"
            ) from None

    def keep(self) -> None:
        """Keep the session from now on, whether a request holds it or not."""
        self.loop()
        self._kept = True

    async def close(self) -> None:
        """Cancel all requests, wait for their end, and take no more."""
        self._closed = True
        for request in list(self.requests):
            request.cancel()
        await finished(self._close())

    async def _close(self) -> None:
        await self.settled()
        self._kept = False
        await self.release()

    async def settled(self) -> None:
        """Wait until no request is under way any more, those among them that begin meanwhile."""
        while self.requests:
            await next(iter(self.requests)).shutdown_event.wait()

    async def release(self) -> None:
        """Close the session when nothing holds it and it is not kept."""
        if self._holders or self._kept or self._session is None:
            return
        session, self._session = self._session, None
        for engine in list(self._engines.values()):
            await engine.close()
        await session.close()

    async def _open(self) -> aiohttp.ClientSession:
        if self._session is not None and not self._session.closed:
            return self._session
        tls: ssl.SSLContext | bool = True
        if self._tls is not None:
            tls = await context_of(self._tls)
        # Another request may have opened one meanwhile.
        if self._session is None or self._session.closed:
            self._session = open_session(
                limit=self.limits.connections, tls=tls, socket_factory=self._factory
            )
        return self._session


def _auth(signing: Signing) -> Auth | None:
    """How to sign, where that is not for the endpoint to say: sessions are of directory buckets."""
    if signing.scheme == EXPRESS:
        return None
    # A region of its own is the engine's, which answers may correct; a set of them is what it is.
    return Auth(signing.scheme, signing.service, signing.region if signing.scheme == SIGV4A else "")
