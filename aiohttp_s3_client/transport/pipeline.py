"""The one road that a request takes: resolve, sign, send, judge, then retry or return.

::

    credentials ─┐
    route ───────┼─> sign ─> exchange ─┬─> Answer ─┬─ success ────────────────> return
    body's hash ─┘     ^               │           ├─ correctable, once each ─┐
                       │               └─> Fault ──┴─ transient, if allowed ──┤
                       └──────────────────── pause ───────────────────────────┘

*Correctable* means that the answer says how the same request would do: another region (P16), the
right time (P24), fresh credentials (P15), no ``Expect`` (P19). Such a send is not counted.
*Transient* means trying again later may do; it is paid from the client's quota and slowed by its
pace (P18). Only what can be sent again is sent again (P8).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from copy import copy
from typing import NamedTuple

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDict

from ..config import ClientConfig
from ..errors import ResponseParseError, S3ConnectionError, S3TimeoutError
from ..models import CredentialsProvider, CredentialsSnapshot
from ..protocol.auth import EXPRESS, Auth
from ..protocol.aws_chunked import Chain
from ..protocol.clock import Clock
from ..protocol.encoding import encode_query
from ..protocol.endpoint import Address, Endpoint
from ..protocol.integrity import Protection
from ..protocol.retry import (
    RETRY_AFTER_CAP,
    Attempts,
    Pace,
    RetryQuota,
    backoff,
    had_no_effect,
    is_throttling,
    is_transient,
    needs_restart,
    retry_after,
)
from ..protocol.routes import Route, Routes
from ..protocol.sigv4 import canonical_headers, split_url
from ..protocol.xml import is_error
from ..redaction import in_one_line, redact_text, secret_values
from ..request import Request
from .answer import (
    DOCUMENT_LIMIT,
    ERROR_LIMIT,
    Answer,
    AnswerTooLarge,
    document_of,
    read_document,
)
from .corrections import Corrections
from .exchange import Fault, exchange
from .framing import framed
from .preparing import Prepared, prepared, protection_of
from .session import Terms
from .signers import Signers

_DOCUMENT_SECONDS = 60.0
_LONG_DOCUMENT_SECONDS = 900.0
"""CompleteMultipartUpload may work for minutes, sending white space to keep the connection."""


class _Course(NamedTuple):
    """Where one attempt goes, and what it is signed with."""

    routes: Routes
    route: Route
    address: Address
    query: str
    auth: Auth
    snapshot: CredentialsSnapshot


class Pipeline:
    """Sends requests for one client. See the module's text for the road."""

    def __init__(
        self,
        *,
        session: Callable[[], aiohttp.ClientSession],
        config: ClientConfig,
        credentials: CredentialsProvider,
        routes: Callable[[CredentialsSnapshot], Routes],
        sessions: Callable[[str], CredentialsProvider],
    ) -> None:
        """*sessions* gives the credentials of a directory bucket's session."""
        self._session = session
        self._config = config
        self._credentials = credentials
        self._routes = routes
        self._sessions = sessions
        self.signers = Signers()
        self._known_terms: tuple[aiohttp.ClientTimeout, Terms] | None = None
        self._deaf_hosts: set[str] = set()
        self._random = random.Random()
        self.clock = Clock()
        self.quota = RetryQuota()
        self.pace = Pace()

    def through(
        self,
        session: Callable[[], aiohttp.ClientSession],
        sessions: Callable[[str], CredentialsProvider],
    ) -> Pipeline:
        """The same road over another session, with all that was learnt of servers."""
        other = copy(self)
        other._session, other._sessions, other._known_terms = session, sessions, None
        return other

    def signed_with(
        self,
        credentials: CredentialsProvider,
        routes: Callable[[CredentialsSnapshot], Routes],
        sessions: Callable[[str], CredentialsProvider],
    ) -> Pipeline:
        """The same road for another's credentials, with all that was learnt of servers."""
        other = copy(self)
        other._credentials, other._routes, other._sessions = credentials, routes, sessions
        return other

    def attempts(self, limit: int | None = None) -> Attempts:
        """A fresh count for one request, part or range."""
        return Attempts(limit or self._config.max_attempts, time.monotonic())

    def protection(self, endpoint: Endpoint, request: Request) -> Protection:
        """How *request*'s body is protected on the way to *endpoint*."""
        return protection_of(request, endpoint, self._config)

    async def send(self, request: Request, attempts: Attempts | None = None) -> Answer:
        """Send *request* until it is answered for good; the answer, whatever its status.

        Raises ``S3ConnectionError`` (or ``S3TimeoutError``) when no answer came, and what the
        user's own data raised.
        """
        attempts = attempts or self.attempts(request.max_attempts)
        corrections = Corrections(self.clock, self._credentials, self._deaf_hosts)
        common: Prepared | None = None
        error: BaseException | None
        while True:
            course = await self._course(request, corrections)
            routes = course.routes
            if common is None:
                common = await self._prepared(request, course)
            if (wait := self.pace.delay(time.monotonic())) > 0:
                await asyncio.sleep(wait)
            attempts.sent()
            outcome = await self._attempt(request, common, course, corrections)
            if isinstance(outcome, Fault):
                error = self.connection_error(request, outcome, attempts)
                again = await self._after_fault(request, outcome, attempts, corrections)
            else:
                outcome.attempts = attempts.sends
                outcome.uncertain = attempts.uncertain
                outcome.elapsed = time.monotonic() - attempts.started
                if not outcome.failed:
                    self._succeeded(routes, request, attempts)
                    return outcome
                error = None
                again = await self._after_error(request, routes, outcome, attempts, corrections)
            if again:
                continue
            if error is not None:
                raise error
            assert isinstance(outcome, Answer)
            return outcome

    async def pause(
        self, attempts: Attempts, *, wish: float | None = None, timeout: bool = False
    ) -> bool:
        """Wait before another attempt; False when there is none left, by number or by quota.

        *wish* is the server's own, in seconds; *timeout* makes the attempt dearer.
        """
        if not attempts.left or (wish is not None and wish > RETRY_AFTER_CAP):
            return False
        paid = self.quota.take(timeout=timeout)
        if not paid:
            return False
        attempts.paid = paid
        await asyncio.sleep(max(backoff(max(attempts.spent, 1), self._random), wish or 0.0))
        return True

    # One attempt

    async def _course(self, request: Request, corrections: Corrections) -> _Course:
        """Where the next attempt goes, and what it is signed with."""
        own = await self._credentials.resolve()
        routes = self._routes(own)
        route = routes.of(request.bucket)
        address = route.address(request)
        auth = route.auth(address, request.service)
        credentials, snapshot = self._credentials, own
        if auth.scheme == EXPRESS and not own.anonymous:
            credentials = self._sessions(request.bucket)
            snapshot = await credentials.resolve()
        corrections.credentials, corrections.signed_with = credentials, snapshot
        corrections.in_session = credentials is not self._credentials
        if corrections.target is None:
            query = encode_query(request.query) if request.query else ""
        else:
            scheme, authority, path, query = split_url(corrections.target)
            address = Address(scheme, authority, path)
        return _Course(routes, route, address, query, auth, snapshot)

    async def _prepared(self, request: Request, course: _Course) -> Prepared:
        return await prepared(
            request,
            self._terms(),
            course.route.endpoint,
            self._config,
            auth=None if course.snapshot.anonymous else course.auth.scheme,
        )

    async def _attempt(
        self, request: Request, common: Prepared, course: _Course, corrections: Corrections
    ) -> Answer | Fault:
        _, _, address, query, auth, snapshot = course
        chain: Chain | None = None
        if snapshot.anonymous:
            canonical_headers(common.headers.items(), "")  # Refuses malformed ones.
            signed = common.headers.copy()
        else:
            signer, now = await self.signers.of(snapshot, auth), self.clock.now()
            signed = signer.sign_parts(
                request.method,
                address.authority,
                address.path,
                query,
                common.headers,
                common.payload_hash,
                now,
            )
            if common.frame is not None and common.frame.signed:
                chain = Chain(signer, _signature(signed), now)
        # Not signed, since proxies rewrite it; without it aiohttp asks for compression, which
        # would make the bytes differ from those that are stored (P22).
        signed.setdefault(hdrs.ACCEPT_ENCODING, "identity")
        body = request.body
        expect = (
            body is not None
            and request.expect
            and self._config.expect_continue_from is not None
            and body.size >= self._config.expect_continue_from
            and address.authority not in self._deaf_hosts
        )
        corrections.asked = address.authority if expect else None
        if common.frame is not None and body is not None:
            body = framed(body, common.frame, chain)
        outcome = await exchange(
            common.terms,
            request.method,
            address,
            query,
            signed,
            body=body,
            expect=expect,
            write_timeout=self._config.write_timeout,
            options=request.options,
        )
        if not isinstance(outcome, Fault) and outcome.status < 300:
            if not request.document:
                return Answer(outcome, request)
            if outcome.content.at_eof():
                return Answer(outcome, request, body=b"")  # No body came: no error can be in it.
        secrets = (snapshot.secret_access_key, _signature(signed), *secret_values(signed))
        if isinstance(outcome, Fault):
            # aiohttp quotes what it cannot parse, and a server may echo what it was sent.
            return outcome._replace(reason=redact_text(outcome.reason, secrets))
        return await self._judged(Answer(outcome, request, secrets=secrets))

    def _terms(self) -> Terms:
        session, known = self._session(), self._known_terms
        # A session's timeout may be replaced by hand, and its connector be closed and replaced.
        if known is None or known[1].session is not session or known[0] is not session.timeout:
            known = self._known_terms = (session.timeout, Terms.of(session, self._config))
        known[1].check_loop()
        return known[1]

    async def _judged(self, answer: Answer) -> Answer | Fault:
        """*answer* with its body read and understood: an error, or a document."""
        response = answer.response
        answer.failed = response.status >= 300
        limit, seconds = (
            (ERROR_LIMIT, _DOCUMENT_SECONDS)
            if answer.failed
            else (DOCUMENT_LIMIT, _LONG_DOCUMENT_SECONDS)
        )
        try:
            answer.body = await read_document(response, limit, seconds)
        except AnswerTooLarge as error:
            # Asked again it would be as large. What an error's status says is told without it.
            if not answer.failed:
                raise ResponseParseError(f"{answer.request.operation}: {error}") from None
            answer.body = b""
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            response.close()
            return Fault(
                f"the answer ({response.status}) broke off: {type(error).__name__}",
                timeout=isinstance(error, TimeoutError),
            )
        except BaseException:
            response.close()
            raise
        answer.failed = answer.failed or is_error(answer.body)
        if answer.failed:
            answer.document = document_of(answer.body)
        return answer

    # What comes after it

    def _succeeded(self, routes: Routes, request: Request, attempts: Attempts) -> None:
        self.quota.give_back(attempts.paid)
        self.pace.succeeded()
        routes.confirm(request.bucket)

    async def _after_fault(
        self, request: Request, fault: Fault, attempts: Attempts, corrections: Corrections
    ) -> bool:
        """Whether to send again after no answer came."""
        if fault.unanswered and corrections.asked is not None:
            self._deaf_hosts.add(corrections.asked)
            attempts.uncounted()
            return True
        if fault.permanent or fault.source_error is not None or not _can_resend(request):
            return False
        if fault.connected and not request.idempotent:
            return False
        attempts.uncertain = attempts.uncertain or fault.connected
        return await self.pause(attempts, timeout=fault.timeout)

    async def _after_error(
        self,
        request: Request,
        routes: Routes,
        answer: Answer,
        attempts: Attempts,
        corrections: Corrections,
    ) -> bool:
        """Whether to send again after an error."""
        if not _can_resend(request):
            await corrections.distrust(answer)
            return False
        if await corrections.learn(request, routes, answer) or await self._probe(
            request, routes, answer, corrections
        ):
            attempts.uncounted()
            return True
        status, code = answer.response.status, answer.document.code
        if needs_restart(request.operation, code):
            return False
        # An error in the body of a 200 is an InternalError by any other name (P4).
        if not (is_transient(status, code) or status < 300):
            return False
        attempts.uncertain = attempts.uncertain or not had_no_effect(status, code)
        if is_throttling(status, code) or status == 503:
            self.pace.throttled(time.monotonic())
        elif not request.idempotent:
            return False
        wish = retry_after(answer.response.headers.get(hdrs.RETRY_AFTER), self.clock.now())
        return await self.pause(attempts, wish=wish)

    async def _probe(
        self, request: Request, routes: Routes, answer: Answer, corrections: Corrections
    ) -> bool:
        """Ask with a GET why a HEAD was refused: a HEAD's answer has no body that could say.

        Once a bucket has answered well its region is known to be right, and nothing is asked,
        unless its session, or the token of other temporary credentials, may have ended (400).
        """
        status = answer.response.status
        asks = request.method == hdrs.METH_HEAD and status in (301, 400, 403)
        ended = corrections.in_session or (status == 400 and corrections.may_have_ended)
        settled = routes.is_confirmed(request.bucket) and not ended
        if not asks or corrections.probed or settled:
            return False
        corrections.probed = True
        headers = request.headers.copy()
        headers["Range"] = "bytes=0-0"
        get = request._replace(method=hdrs.METH_GET, headers=headers, document=False)
        course = await self._course(get, corrections)
        common = await self._prepared(get, course)
        reason = await self._attempt(get, common, course, corrections)
        if isinstance(reason, Fault):
            return False
        if not reason.failed:
            reason.response.close()
            return False
        answer.document = reason.document
        return await corrections.learn(get, routes, reason)

    def connection_error(self, request: Request, fault: Fault, attempts: Attempts) -> BaseException:
        """The one error that a fault ends in, or what the user's own data raised."""
        if fault.source_error is not None:
            return fault.source_error
        elapsed = time.monotonic() - attempts.started
        where = in_one_line("/".join(filter(None, (request.bucket, request.key))))
        times = "attempt" if attempts.sends == 1 else "attempts"
        text = (
            f"{request.operation} {where}".rstrip()
            + (f" [{request.detail}]" if request.detail else "")
            + f": {fault.reason} (after {attempts.sends} {times}, {elapsed:.1f} s)"
        )
        cls = S3TimeoutError if fault.timeout else S3ConnectionError
        return cls(text, attempts=attempts.sends, elapsed=elapsed)


def _signature(signed: CIMultiDict[str]) -> str:
    return signed.get(hdrs.AUTHORIZATION, "").rpartition("Signature=")[2]


def _can_resend(request: Request) -> bool:
    return request.body is None or request.body.replayable
