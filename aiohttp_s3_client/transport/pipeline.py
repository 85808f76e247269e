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
import base64
import random
import time
from collections.abc import Callable
from dataclasses import replace

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDict
from yarl import URL

from ..config import ClientConfig
from ..errors import S3ConnectionError, S3TimeoutError
from ..models import CredentialsProvider, CredentialsSnapshot
from ..protocol.clock import Clock
from ..protocol.encoding import encode_query
from ..protocol.endpoint import Endpoint
from ..protocol.integrity import Protection, protection
from ..protocol.retry import (
    RETRY_AFTER_CAP,
    Attempts,
    Pace,
    RetryQuota,
    backoff,
    is_throttling,
    is_transient,
    retry_after,
)
from ..protocol.routes import Route, Routes
from ..protocol.sigv4 import EMPTY_SHA256, UNSIGNED_PAYLOAD, SigV4Signer
from ..protocol.xml import is_error
from ..redaction import redact_text
from ..request import Request
from .answer import DOCUMENT_LIMIT, ERROR_LIMIT, Answer, document_of, read_document
from .corrections import Corrections
from .exchange import Fault, exchange
from .session import default_headers, request_timeout

_WITH_CONTENT_TYPE = frozenset({"PUT", "POST", "PATCH"})
_DOCUMENT_SECONDS = 60.0
_LONG_DOCUMENT_SECONDS = 900.0
"""CompleteMultipartUpload may work for minutes, sending white space to keep the connection."""


class Pipeline:
    """Sends requests for one client. See the module's text for the road."""

    def __init__(
        self,
        *,
        session: Callable[[], aiohttp.ClientSession],
        config: ClientConfig,
        credentials: CredentialsProvider,
        routes: Callable[[CredentialsSnapshot], Routes],
    ) -> None:
        self._session = session
        self._config = config
        self._credentials = credentials
        self._routes = routes
        self._signers: tuple[CredentialsSnapshot | None, dict[str, SigV4Signer]] = (None, {})
        self._timeouts: tuple[aiohttp.ClientTimeout | None, aiohttp.ClientTimeout | None] = (
            None,
            None,
        )
        self._deaf_hosts: set[str] = set()
        self._random = random.Random()
        self.clock = Clock()
        self.quota = RetryQuota()
        self.pace = Pace()

    def attempts(self, limit: int | None = None) -> Attempts:
        """A fresh count for one request, part or range."""
        return Attempts(limit or self._config.max_attempts, time.monotonic())

    def signer(self, snapshot: CredentialsSnapshot, region: str) -> SigV4Signer:
        """The signer of *snapshot* for *region*; each derives its key once a day."""
        current, signers = self._signers
        if current is not snapshot and current != snapshot:
            signers = {}
            self._signers = (snapshot, signers)
        if (signer := signers.get(region)) is None:
            signer = signers[region] = SigV4Signer(
                snapshot.access_key_id,
                snapshot.secret_access_key,
                snapshot.session_token,
                region=region,
            )
        return signer

    def protection(self, endpoint: Endpoint, request: Request) -> Protection:
        """How *request*'s body is protected on the way to *endpoint*."""
        config = self._config
        wish = request.calculate_sha256
        return protection(
            scheme=endpoint.scheme,
            is_aws=endpoint.is_aws,
            checksum_fits=request.checksum,
            calculate_sha256=config.calculate_content_sha256 if wish is None else wish,
            checksums=config.request_checksum_calculation,
        )

    async def send(self, request: Request, attempts: Attempts | None = None) -> Answer:
        """Send *request* until it is answered for good; the answer, whatever its status.

        Raises ``S3ConnectionError`` (or ``S3TimeoutError``) when no answer came, and what the
        user's own data raised.
        """
        attempts = attempts or self.attempts(request.max_attempts)
        corrections = Corrections(self.clock, self._credentials, self._deaf_hosts)
        headers = await self._prepared_headers(request)
        error: BaseException | None
        while True:
            snapshot = corrections.signed_with = await self._credentials.resolve()
            routes = self._routes(snapshot)
            route = routes.of(request.bucket)
            if (wait := self.pace.delay(time.monotonic())) > 0:
                await asyncio.sleep(wait)
            attempts.sent()
            outcome = await self._attempt(request, headers, snapshot, route, corrections)
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

    async def _prepared_headers(self, request: Request) -> CIMultiDict[str]:
        """The headers that every attempt has in common, the payload's hash among them."""
        session = self._session()
        if session.closed:
            raise RuntimeError("the aiohttp session is closed")
        headers = default_headers(session)
        headers.update(request.headers)
        if request.method in _WITH_CONTENT_TYPE:
            # aiohttp would add it behind the signer's back.
            headers.setdefault(hdrs.CONTENT_TYPE, "application/octet-stream")
        body = request.body
        if body is None:
            headers["x-amz-content-sha256"] = request.content_sha256 or EMPTY_SHA256
            return headers
        snapshot = await self._credentials.resolve()
        guard = self.protection(self._routes(snapshot).of(request.bucket).endpoint, request)
        digest = request.content_sha256
        if digest is None and guard.sign_sha256 and not snapshot.anonymous:
            digest = await body.sha256()
        headers["x-amz-content-sha256"] = digest or UNSIGNED_PAYLOAD
        if guard.crc32 and not _has_checksum(headers):
            crc = await body.crc32()
            if crc is not None:
                headers["x-amz-checksum-crc32"] = base64.b64encode(crc.to_bytes(4, "big")).decode()
        return headers

    async def _attempt(
        self,
        request: Request,
        headers: CIMultiDict[str],
        snapshot: CredentialsSnapshot,
        route: Route,
        corrections: Corrections,
    ) -> Answer | Fault:
        url = corrections.target
        if url is None:
            address = route.endpoint.address(request.bucket, request.key)
            url = address.url(encode_query(request.query))
        signed = self._signed(request.method, url, headers, snapshot, route.region)
        body = request.body
        expect = (
            body is not None
            and self._config.expect_continue_from is not None
            and body.size >= self._config.expect_continue_from
            and url.authority not in self._deaf_hosts
        )
        corrections.asked = url.authority if expect else None
        session = self._session()
        options = {
            "timeout": self._timeout_of(session),
            "auto_decompress": False,
            **request.options,
        }
        signature = signed.get(hdrs.AUTHORIZATION, "").rpartition("Signature=")[2]
        secrets = (snapshot.session_token or "", snapshot.secret_access_key, signature)
        outcome = await exchange(
            session,
            request.method,
            url,
            signed,
            body=body,
            expect=expect,
            write_timeout=self._config.write_timeout,
            options=options,
        )
        if isinstance(outcome, Fault):
            # aiohttp quotes what it cannot parse, and a server may echo what it was sent.
            return replace(outcome, reason=redact_text(outcome.reason, secrets))
        return await self._judged(request, outcome, secrets)

    def _timeout_of(self, session: aiohttp.ClientSession) -> aiohttp.ClientTimeout:
        theirs, ours = self._timeouts
        if theirs is not session.timeout or ours is None:
            theirs, ours = session.timeout, request_timeout(session, self._config)
            self._timeouts = (theirs, ours)
        return ours

    def _signed(
        self,
        method: str,
        url: URL,
        headers: CIMultiDict[str],
        snapshot: CredentialsSnapshot,
        region: str,
    ) -> CIMultiDict[str]:
        if snapshot.anonymous:
            signed = headers.copy()
            signed.popall("x-amz-content-sha256", None)
        else:
            signed = self.signer(snapshot, region).sign(
                method,
                url,
                headers,
                payload_hash=headers["x-amz-content-sha256"],
                now=self.clock.now(),
            )
        # Not signed, since proxies rewrite it; without it aiohttp asks for compression, which
        # would make the bytes differ from those that are stored (P22).
        signed.setdefault(hdrs.ACCEPT_ENCODING, "identity")
        return signed

    async def _judged(
        self, request: Request, response: aiohttp.ClientResponse, secrets: tuple[str, ...]
    ) -> Answer | Fault:
        answer = Answer(response, request, secrets=secrets)
        answer.failed = response.status >= 300
        if not answer.failed and not request.document:
            return answer
        limit, seconds = (
            (ERROR_LIMIT, _DOCUMENT_SECONDS)
            if answer.failed
            else (DOCUMENT_LIMIT, _LONG_DOCUMENT_SECONDS)
        )
        try:
            answer.body = await read_document(response, limit, seconds)
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
            return False
        if await corrections.learn(request, routes, answer) or await self._probe(
            request, routes, answer, corrections
        ):
            attempts.uncounted()
            return True
        status, code = answer.response.status, answer.document.code
        # An error in the body of a 200 is an InternalError by any other name (P4).
        if not (is_transient(status, code) or status < 300):
            return False
        attempts.uncertain = attempts.uncertain or not is_throttling(status, code)
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

        Once a bucket has answered well its region is known to be right, and nothing is asked.
        """
        asks = request.method == hdrs.METH_HEAD and answer.response.status in (301, 400, 403)
        if not asks or corrections.probed or routes.is_confirmed(request.bucket):
            return False
        corrections.probed = True
        get = replace(request, method=hdrs.METH_GET, headers=request.headers.copy(), document=False)
        get.headers["Range"] = "bytes=0-0"
        snapshot = await self._credentials.resolve()
        route = routes.of(request.bucket)
        headers = await self._prepared_headers(get)
        reason = await self._attempt(get, headers, snapshot, route, corrections)
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
        where = "/".join(filter(None, (request.bucket, request.key)))
        times = "attempt" if attempts.sends == 1 else "attempts"
        text = (
            f"{request.operation} {where}".rstrip()
            + (f" [{request.detail}]" if request.detail else "")
            + f": {fault.reason} (after {attempts.sends} {times}, {elapsed:.1f} s)"
        )
        cls = S3TimeoutError if fault.timeout else S3ConnectionError
        return cls(text, attempts=attempts.sends, elapsed=elapsed)


_CHECKSUM_HEADERS = ("x-amz-checksum-", "content-md5", "x-amz-sdk-checksum-")


def _has_checksum(headers: CIMultiDict[str]) -> bool:
    return any(name.lower().startswith(_CHECKSUM_HEADERS) for name in headers)


def _can_resend(request: Request) -> bool:
    return request.body is None or request.body.replayable
