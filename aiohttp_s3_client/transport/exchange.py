"""One attempt: a signed request goes out, an answer's head comes back, or a fault says why not.

What aiohttp leaves open is settled here:

* **Everything ends.** aiohttp bounds connecting and reading, not writing: a ``Watch`` breaks off
  a body of which the connection accepts no byte for too long.
* ``Expect: 100-continue`` **waits one second.** aiohttp waits for ever. A host that does not
  answer is remembered, and the request goes again without the question; of its body no byte was
  sent, so that is safe for any body.
* **aiohttp repeats nothing.** It resends idempotent requests on its own; a middleware turns the
  errors that it reacts to into ones that it does not know, so that only the pipeline repeats.
* **The session's own auth or netrc** may not meet our ``Authorization`` in aiohttp, which refuses
  the pair; there the same middleware sets it last.

Everything used is public API of aiohttp >= 3.12, but for two looks behind it, each guarded:
``session._middlewares`` (which per-request ones replace) and ``writer.transport`` (how much of a
body is still unsent; without it, progress is counted in whole pieces).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import ClientRequest, ClientResponse, hdrs
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict
from yarl import URL

from ..redaction import redact_text
from ..request import Body

EXPECT_SECONDS = 1.0
_WATCH_FROM = 64 * 1024
"""Smaller bodies fit into the first write: the read timeout alone bounds them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An attempt that brought no answer."""

    reason: str
    timeout: bool = False
    connected: bool = True
    """False when it is sure that the server saw nothing of the request."""
    permanent: bool = False
    """Whether trying again cannot help (a certificate that does not fit, an odd proxy)."""
    unanswered: bool = False
    """The host let ``Expect: 100-continue`` pass unanswered: of the body nothing was sent."""
    source_error: BaseException | None = None
    """What the user's own data raised while it was read."""


class SourcePayload(aiohttp.Payload):
    """A source as aiohttp's payload, for exactly one attempt."""

    def __init__(self, source: Body) -> None:
        super().__init__(source, content_type="application/octet-stream")
        self._size = source.size
        self._source = source
        self._writer: AbstractStreamWriter | None = None
        self._handed = 0
        self.begun = False
        self.finished = False
        self.error: BaseException | None = None

    async def write(self, writer: AbstractStreamWriter) -> None:
        if self.begun:
            raise RuntimeError("one payload serves one attempt")
        self.begun = True
        self._writer = writer
        pieces = self._source.open()
        while True:
            try:
                piece = await anext(pieces, None)
            except Exception as error:
                self.error = error
                raise
            if piece is None:
                break
            self._handed += len(piece)
            await writer.write(piece)
        self.finished = True

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        await self.write(writer)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("the body of a request is bytes")

    @property
    def handed_over(self) -> bool:
        """Whether the last byte was given to the connection."""
        return self._handed >= self._source.size

    @property
    def accepted(self) -> int:
        """Bytes that have left for the connection."""
        transport = getattr(self._writer, "transport", None)
        waiting = transport.get_write_buffer_size() if transport is not None else 0
        return self._handed - waiting


class Watch:
    """Breaks an attempt off when its body does not move, or when ``100 Continue`` does not come."""

    def __init__(self, payload: SourcePayload, *, expects: bool, stall_seconds: float) -> None:
        self._payload = payload
        self._expects = expects
        self._stall = stall_seconds
        self._timeout = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None
        self._seen = -1
        self._since: float | None = None
        self.request: ClientRequest | None = None
        self.unanswered = False
        """Whether the host let the Expect header pass unanswered."""

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._timeout.__aenter__()
        self._look_again(0.0)

    async def __aexit__(self, *exc_info: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # No cycle may keep a sent part in memory until the garbage collector comes by.
        self._timer = self.request = None
        await self._timeout.__aexit__(*exc_info)

    @property
    def fired(self) -> bool:
        return self._timeout.expired()

    def _look(self) -> None:
        if self._expects:
            self._for_answer()
        else:
            self._for_progress()

    def _look_again(self, seconds: float) -> None:
        self._timer = self._loop.call_later(seconds, self._look)

    def _break_off(self) -> None:
        self._timeout.reschedule(self._loop.time())

    def _for_answer(self) -> None:
        # aiohttp gives the request its response object once the head is written: waiting for a
        # free connection, or for a handshake, is not the server's silence.
        now = self._loop.time()
        if self._payload.begun:
            self._expects = False
        elif self._since is None:
            if self.request is not None and self.request.response is not None:
                self._since = now
        elif now - self._since >= EXPECT_SECONDS:
            self.unanswered = True
            self._break_off()
            return
        self._look_again(EXPECT_SECONDS / 10)

    def _for_progress(self) -> None:
        payload, now = self._payload, self._loop.time()
        if payload.finished:
            return
        moved = payload.accepted
        if not payload.begun or moved != self._seen or self._since is None:
            self._seen, self._since = moved, now
        elif now - self._since >= self._stall:
            self._break_off()
            return
        self._look_again(min(self._stall / 4, 5.0))


class _NotRepeated(aiohttp.ClientError):
    """Carries an error past aiohttp's own repetition."""

    def __init__(self, error: aiohttp.ClientError) -> None:
        super().__init__()
        self.error = error


async def exchange(
    session: aiohttp.ClientSession,
    method: str,
    url: URL,
    headers: CIMultiDict[str],
    *,
    body: Body | None = None,
    expect: bool = False,
    write_timeout: float = 60.0,
    options: Mapping[str, Any],
) -> ClientResponse | Fault:
    """Send one signed request once; the answer with its body unread, or what went wrong.

    Raises only what is not the network's doing: bad arguments for aiohttp, or whatever the
    session's own middlewares and traces raise.
    """
    payload = SourcePayload(body) if body is not None else None
    watch: Watch | None = None
    if payload is not None and body is not None and (expect or body.size > _WATCH_FROM):
        watch = Watch(payload, expects=expect, stall_seconds=write_timeout)
    authorization: str | None = None
    if session.auth is not None or session.trust_env:
        authorization = headers.pop(hdrs.AUTHORIZATION, None)

    async def last(
        request: ClientRequest, handler: Callable[[ClientRequest], Awaitable[ClientResponse]]
    ) -> ClientResponse:
        if authorization is not None:
            request.headers[hdrs.AUTHORIZATION] = authorization
        if watch is not None:
            watch.request = request
        try:
            return await handler(request)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            raise _NotRepeated(error) from None

    call = {
        **options,
        "headers": headers,
        "data": payload,
        "expect100": expect,
        "allow_redirects": False,
        "raise_for_status": False,
        "middlewares": (*_session_middlewares(session, options), last),
    }
    try:
        if watch is None:
            response = await session.request(method, url, **call)
        else:
            async with watch:
                response = await session.request(method, url, **call)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return _fault(error, payload, watch)
    if payload is not None and response.status < 300 and not payload.handed_over:
        # S3 never does this; whoever did has not seen the rest of the body.
        response.close()
        return Fault(f"{response.status} was answered before the body was sent")
    return response


def _session_middlewares(
    session: aiohttp.ClientSession, options: Mapping[str, Any]
) -> tuple[Any, ...]:
    given = options.get("middlewares")
    return tuple(given if given is not None else getattr(session, "_middlewares", ()))


def _fault(error: Exception, payload: SourcePayload | None, watch: Watch | None) -> Fault:
    if payload is not None and payload.error is not None:
        return Fault("the data could not be read", source_error=payload.error)
    if watch is not None and watch.unanswered and not (payload is not None and payload.begun):
        return Fault("no answer to Expect: 100-continue", unanswered=True)
    if watch is not None and watch.fired:
        return Fault("the server stopped reading the body", timeout=True)
    if isinstance(error, _NotRepeated):
        error = error.error
    refused = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    permanent = isinstance(
        error,
        aiohttp.ClientConnectorCertificateError
        | aiohttp.ServerFingerprintMismatch
        | aiohttp.InvalidURL
        | aiohttp.ClientHttpProxyError,
    )
    text = str(error) if not isinstance(error, aiohttp.ClientResponseError) else error.message
    return Fault(
        redact_text(f"{type(error).__name__}: {text}" if text else type(error).__name__),
        timeout=isinstance(error, TimeoutError),
        connected=not refused,
        permanent=permanent,
    )
