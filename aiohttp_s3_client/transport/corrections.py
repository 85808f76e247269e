"""What an answer teaches: how the same request would be accepted.

A region (P16), the right time (P24), fresh credentials (P15), another host of the same service, or
that this host wants no ``Expect`` (P19). Each is learnt at most once within a request, so that no
server can send a client round in circles.
"""

from __future__ import annotations

from aiohttp import hdrs
from yarl import URL

from ..models import CredentialsProvider, CredentialsSnapshot
from ..protocol.clock import Clock
from ..protocol.routes import Routes
from ..request import Request
from .answer import Answer

_REGION_STATUS = frozenset({301, 307, 400, 403})
_SKEW_CODES = frozenset({"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"})
_EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_SESSION_CODES = _EXPIRED_CODES | {"InvalidToken"}
_REDIRECTS = frozenset({301, 302, 307, 308})
_MAX_REDIRECTS = 3


class Corrections:
    """The state of one request: what it learnt so far, and what the last send was made with."""

    __slots__ = (
        "_clock",
        "_clock_learnt",
        "_deaf_hosts",
        "_redirects",
        "_refreshed",
        "_region_learnt",
        "asked",
        "credentials",
        "in_session",
        "probed",
        "signed_with",
        "target",
    )

    def __init__(
        self, clock: Clock, credentials: CredentialsProvider, deaf_hosts: set[str]
    ) -> None:
        self._clock = clock
        self.credentials = credentials
        """What the last send was signed with: the client's own, or those of a bucket's session."""
        self.in_session = False
        """Whether those are a session's, which is made anew without asking anybody for keys."""
        self._deaf_hosts = deaf_hosts
        self._clock_learnt = self._region_learnt = self._refreshed = False
        self._redirects = 0
        self.probed = False
        self.target: URL | None = None
        """Where a redirect with a Location sends the request."""
        self.signed_with: CredentialsSnapshot | None = None
        self.asked: str | None = None
        """The host that the last send asked with ``Expect``, if it did."""

    async def learn(self, request: Request, routes: Routes, answer: Answer) -> bool:
        """Whether the answer makes the same request worth sending again at once."""
        response, code = answer.response, answer.document.code
        status = response.status
        if status == 417 and self.asked is not None:
            self._deaf_hosts.add(self.asked)
            return True
        if status in _REGION_STATUS and not self._region_learnt:
            region = response.headers.get("x-amz-bucket-region") or answer.document.region
            trusted = routes.of(request.bucket).endpoint.trusts_region(region)
            self._region_learnt = trusted and routes.learn(request.bucket, region)
            if self._region_learnt:
                return True
        if status in _REDIRECTS and self._redirected(request, routes, answer):
            return True
        # A HEAD's answer has no code: its Date has to tell.
        skewed = code in _SKEW_CODES or (request.method == hdrs.METH_HEAD and status == 403)
        if skewed and not self._clock_learnt:
            self._clock_learnt = True
            if self._clock.learn(response.headers.get(hdrs.DATE)):
                return True
        if self._expired(code) and not self._refreshed:
            self._refreshed = True
            await self._replace()
            return True
        return False

    async def distrust(self, answer: Answer) -> None:
        """If what the request was signed with was refused, the next one is signed with another;
        this one cannot be sent again."""
        if self._expired(answer.document.code):
            await self._replace()

    async def _replace(self) -> None:
        # Of many requests that were refused together, the first one's refresh serves all.
        if await self.credentials.resolve() == self.signed_with:
            self.credentials.invalidate()

    @property
    def may_have_ended(self) -> bool:
        """Whether what the last send was signed with ends some day: what a HEAD cannot be told."""
        return self.signed_with is not None and self.signed_with.session_token is not None

    def _expired(self, code: str) -> bool:
        return code in (_SESSION_CODES if self.in_session else _EXPIRED_CODES)

    def _redirected(self, request: Request, routes: Routes, answer: Answer) -> bool:
        """Follow a Location, signed anew, when it stays with the same service."""
        location = answer.response.headers.get(hdrs.LOCATION)
        if not location or self._redirects >= _MAX_REDIRECTS:
            return False
        try:
            target = answer.response.url.join(URL(location, encoded=True))
            trusted = routes.of(request.bucket).endpoint.trusts(target)
        except ValueError:
            return False
        if not trusted:
            return False
        self._redirects += 1
        self.target = target
        return True
