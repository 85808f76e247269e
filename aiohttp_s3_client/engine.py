"""What a client is made of: session, credentials, endpoint, settings, and the way to send.

Faces and ``transfer/`` take an ``Engine``; several clients may share one through ``client=``.
"""

from __future__ import annotations

import ssl
from copy import copy

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from .config import ClientConfig
from .credentials.express import ExpressSessions, SessionCredentials
from .models import CredentialsProvider, CredentialsSnapshot
from .protocol.auth import EXPRESS, Auth
from .protocol.base_url import resolve_base_url
from .protocol.endpoint import Endpoint
from .protocol.retry import Attempts
from .protocol.routes import Routes
from .request import Request
from .transport.answer import Answer
from .transport.pipeline import Pipeline
from .transport.session import CONNECTION_LIMIT, open_session


class Engine:
    """One client's parts. ``send`` is the method that matters."""

    __slots__ = (
        "_auth",
        "_aws_default",
        "_owned",
        "_region",
        "_routes",
        "_session",
        "_sessions",
        "config",
        "credentials",
        "endpoint",
        "pipeline",
    )

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession | None,
        url: str | URL | None,
        credentials: CredentialsProvider,
        region: str = "",
        bucket: str | None = None,
        base_path: str | None = None,
        config: ClientConfig | None = None,
    ) -> None:
        self.config = config or ClientConfig()
        self.credentials = credentials
        self.endpoint: Endpoint = resolve_base_url(
            url,
            region=region,
            bucket=bucket,
            base_path=base_path,
            config=self.config,
        )
        self._aws_default = url is None and not region
        self._auth: Auth | None = None
        self._region = region
        # One, once the credentials are known. Engines that are copies of this one share the list.
        self._routes: list[Routes] = []
        self._session = session
        self._owned = False
        self.pipeline = Pipeline(
            session=self.session,
            config=self.config,
            credentials=credentials,
            routes=self.routes,
            sessions=self.express_session,
        )
        self._sessions = ExpressSessions(credentials, self.send, self.pipeline.clock.now)

    def session(self) -> aiohttp.ClientSession:
        """The session that requests go through.

        Raises ``RuntimeError`` when there is none yet, or when it is closed.
        """
        if self._session is None:
            raise RuntimeError(
                "the client has no session: give it session=aiohttp.ClientSession() or enter it "
                "with `async with`"
            )
        if self._session.closed:
            raise RuntimeError("the client's aiohttp session is closed")
        return self._session

    def through(self, session: aiohttp.ClientSession) -> Engine:
        """The same client on another session, which stays its owner's to close.

        What was learnt of servers (clock, regions, pace) goes on to be shared, and so do the
        sessions of directory buckets.
        """
        other = copy(self)
        other._session, other._owned = session, False
        other.pipeline = self.pipeline.through(other.session, other.express_session)
        other._sessions = self._sessions.over(other.credentials, other.send)
        return other

    def signed_with(self, credentials: CredentialsProvider, auth: Auth | None = None) -> Engine:
        """The same client with the credentials of somebody else.

        Session and settings are shared, as is what was learnt of servers, but for the regions of
        buckets: the endpoint may depend on what *credentials* say of the region. *auth* is how to
        sign, whatever the endpoint's own rules say; an empty region in it is the bucket's.
        """
        other = copy(self)
        other.credentials, other._auth, other._routes = credentials, auth, []
        other.pipeline = self.pipeline.signed_with(credentials, other.routes, other.express_session)
        other._sessions = self._sessions.over(credentials, other.send)
        return other

    async def ready_to_sign(self, bucket: str) -> CredentialsSnapshot:
        """The credentials that requests about what is in *bucket* are signed with.

        All that a link needs is at hand then: of a directory bucket the session, for a
        multi-region access point the package that signs.
        """
        own = await self.credentials.resolve()
        route = self.routes(own).of(bucket)
        auth = route.auth(route.to(bucket, None))
        snapshot = own if auth.scheme != EXPRESS else await self.express_session(bucket).resolve()
        if not snapshot.anonymous:
            await self.pipeline.signers.of(snapshot, auth)
        return snapshot

    def express_session(self, bucket: str) -> SessionCredentials:
        """The credentials of the session of *bucket*, a directory bucket."""
        return self._sessions.of(bucket)

    async def open(
        self, *, limit: int = CONNECTION_LIMIT, tls: ssl.SSLContext | bool = True
    ) -> None:
        """Open a session of our own when the user gave none; see ``open_session``."""
        if self._session is None:
            self._session = open_session(limit=limit, tls=tls)
            self._owned = True

    async def close(self) -> None:
        """Close the session, if it is our own. A user's session is the user's to close."""
        session, owned = self._session, self._owned
        if owned:
            self._session, self._owned = None, False
        await self._sessions.close()
        if owned and session is not None:
            await session.close()

    def routes(self, snapshot: CredentialsSnapshot) -> Routes:
        """Endpoint and region of each bucket; made when the credentials are first known.

        The region is the one given, else the URL's own (on AWS), else the one that comes with
        the credentials, else us-east-1.
        """
        if not self._routes:
            endpoint = self.endpoint
            if self._aws_default and snapshot.region:
                endpoint = endpoint.in_region(snapshot.region)
            named = "" if self._aws_default else endpoint.region
            region = self._region or named or snapshot.region
            self._routes.append(Routes(endpoint, region, self._auth))
        return self._routes[0]

    async def send(self, request: Request, attempts: Attempts | None = None) -> Answer:
        """Send *request* through the pipeline; see ``Pipeline.send`` for what it raises."""
        return await self.pipeline.send(request, attempts)

    async def request(
        self,
        operation: str,
        method: str,
        bucket: str,
        key: str | None,
        *,
        query: tuple[tuple[str, str], ...] = (),
        headers: CIMultiDict[str] | None = None,
        document: bool = False,
    ) -> Answer:
        """A request without a body that has to succeed; its typed error is raised otherwise."""
        answer = await self.send(
            Request(
                operation=operation,
                method=method,
                bucket=bucket,
                key=key,
                query=query,
                headers=headers if headers is not None else CIMultiDict(),
                document=document,
            )
        )
        response = answer.raise_for_status()
        if not document:
            response.release()
        return answer
