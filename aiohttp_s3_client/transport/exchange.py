"""One attempt: a signed request goes out, an answer's head comes back, or a fault says why not.

What aiohttp leaves open is settled here:

* **Everything ends.** aiohttp bounds connecting and reading, not writing: the ``Watch`` of
  ``payload.py`` breaks off a body of which the connection accepts no byte for too long.
* ``Expect: 100-continue`` **waits one second.** aiohttp waits for ever. A host that does not
  answer is remembered, and the request goes again without the question; of its body no byte was
  sent, so that is safe for any body.
* **aiohttp repeats nothing.** It resends idempotent requests on its own; a middleware turns the
  errors that it reacts to into ones that it does not know, so that only the pipeline repeats.
* **The session's own auth or netrc** may not meet our ``Authorization`` in aiohttp, which refuses
  the pair; there the same middleware sets it last.

Small requests go the short way of ``direct.py`` where the session has one; there the same holds.
Everything used here is public API of aiohttp >= 3.12, but for one look behind it, guarded:
``session._middlewares``, which per-request ones replace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import aiohttp
from aiohttp import ClientRequest, ClientResponse, hdrs
from multidict import CIMultiDict
from yarl import URL

from ..protocol.body import DocumentBody
from ..protocol.endpoint import Address
from ..redaction import redact_text
from ..request import Body
from .direct import BODY_LIMIT
from .payload import SourcePayload, Watch
from .session import Terms, drop_desynchronised
from .shielding import is_cancelled

_WATCH_FROM = 64 * 1024
"""Smaller bodies fit into the first write: the read timeout alone bounds them."""

_NETWORK_ERRORS = (aiohttp.ClientError, TimeoutError, OSError)


class Fault(NamedTuple):
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


class _NotRepeated(aiohttp.ClientError):
    """Carries an error past aiohttp's own repetition."""

    def __init__(self, error: aiohttp.ClientError) -> None:
        super().__init__()
        self.error = error


async def exchange(
    terms: Terms,
    method: str,
    address: Address,
    query: str,
    headers: CIMultiDict[str],
    *,
    body: Body | None = None,
    expect: bool = False,
    write_timeout: float = 60.0,
    options: Mapping[str, Any],
) -> ClientResponse | Fault:
    """Send one signed request once; the answer with its body unread, or what went wrong.

    Raises only what is not the network's doing: bad arguments for aiohttp, whatever the session's
    own middlewares and traces raise, and ``RuntimeError`` when the session is closed meanwhile.
    """
    try:
        shortcut = None if options or expect else terms.shortcut
        if shortcut is not None:
            data = _small(body)
            if data is not None and shortcut.takes(method, address, headers, len(data)):
                try:
                    return await shortcut.send(method, address, query, headers, data)
                except _NETWORK_ERRORS as error:
                    return _fault(error)
        drop_desynchronised(terms.session)
        url = address.url(query)
        return await _in_full(terms, method, url, headers, body, expect, write_timeout, options)
    except asyncio.CancelledError:
        # aiohttp cancels whoever waits for a connection of a session that is closed.
        if is_cancelled() or not terms.session.closed:
            raise
        raise RuntimeError("the client's aiohttp session was closed meanwhile") from None


def _small(body: Body | None) -> bytes | None:
    """The whole of a body that can go out with the head; None for any other."""
    if body is None:
        return b""
    if not isinstance(body, DocumentBody) or body.reached is not None or body.size > BODY_LIMIT:
        return None
    return body.data


async def _in_full(
    terms: Terms,
    method: str,
    url: URL,
    headers: CIMultiDict[str],
    body: Body | None,
    expect: bool,
    write_timeout: float,
    options: Mapping[str, Any],
) -> ClientResponse | Fault:
    session = terms.session
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
        "timeout": terms.timeout,
        "auto_decompress": False,
        **options,
        "headers": headers,
        "data": payload,
        "expect100": expect,
        "allow_redirects": False,
        "raise_for_status": False,
        "middlewares": (*_session_middlewares(session, options), last),
    }
    if payload is None:
        # aiohttp says octet-stream of nothing: some servers take a copy's type from it.
        call["skip_auto_headers"] = (*options.get("skip_auto_headers", ()), hdrs.CONTENT_TYPE)
    try:
        if watch is None:
            response = await session.request(method, url, **call)
        else:
            async with watch:
                response = await session.request(method, url, **call)
    except _NETWORK_ERRORS as error:
        return _fault(error, payload, watch)
    except asyncio.CancelledError:
        if payload is not None and payload.transport is not None:
            # Closed, it would wait until the rest of the body is read, and for TLS's goodbye.
            payload.transport.abort()
        raise
    if payload is None or response.status >= 300:
        return response
    try:
        whole = await payload.handed_over()
    except BaseException:
        response.close()
        raise
    if whole:
        return response
    # S3 never does this; whoever did has not seen the rest of the body.
    response.close()
    return Fault(f"{response.status} was answered before the body was sent")


def _session_middlewares(
    session: aiohttp.ClientSession, options: Mapping[str, Any]
) -> tuple[Any, ...]:
    given = options.get("middlewares")
    return tuple(given if given is not None else getattr(session, "_middlewares", ()))


def _fault(
    error: Exception, payload: SourcePayload | None = None, watch: Watch | None = None
) -> Fault:
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
