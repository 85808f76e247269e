"""Small requests the short way: head and body in one write, on a connection of aiohttp's.

``aiohttp.ClientSession`` serves every kind of request, and that costs more than all of what S3
asks for. Here a request without a body, or with a small one, is written by us to a connection of
the session's own connector, and the answer is read by aiohttp's own parser into a genuine
``ClientResponse``. For the caller nothing differs: the same responses and exceptions, the same
timeouts, the same pool of connections, the same headers (those that aiohttp adds are taken from a
``ClientRequest`` of its own), and cookies end up in the session's jar.

Whether the short way may be taken is asked at three levels, and each "no" means the public way,
``ClientSession.request``:

* of the installed aiohttp, once (``_inside``): is all that is used here there, in the known form?
* of a session, once (``Shortcut.through``): is nothing set up that would be passed by?
* of each request (``Shortcut.takes``): is it of the plain kind?

What is used of aiohttp beyond its documented interface, and since when it has this form:

======================================================  ====================================
``BaseConnector.connect(req, traces, timeout)``         3.12
``ResponseHandler.set_response_params(…)``              3.12; ``max_headers`` since 3.13.4
its ``start_timeout()``, ``read_timeout``               3.12
its ``force_close()``                                   3.12
``ClientResponse(…)``, ``ClientResponse.start(…)``      3.12; ``stream_writer`` since 3.14.0
``Connection.add_callback(callback)``                   3.12
``helpers.TimeoutHandle``, ``helpers.TimerNoop``        3.12
``http_writer._serialize_headers(line, headers)``       3.12
``update_cookies_from_headers`` of a cookie jar         3.12.7; before it ``update_cookies``
the attributes of a session in ``_PLAIN``, ``_LIMITS``  3.12; ``_max_headers`` since 3.13.4
======================================================  ====================================
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import aiohttp
from aiohttp import ClientRequest, ClientResponse, ClientSession, hdrs
from aiohttp.abc import AbstractCookieJar
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from ..config import plain_paths_only
from ..protocol.endpoint import Address

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection

BODY_LIMIT: Final = 64 * 1024
"""Bytes of a body that go out in one write; a larger one is better sent in pieces."""

_WITHOUT_LENGTH = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
_WITH_BODY = frozenset({hdrs.METH_PUT, hdrs.METH_POST})
_METHODS = _WITHOUT_LENGTH | _WITH_BODY | {hdrs.METH_DELETE}
_ORIGINS_REMEMBERED = 1024

_PATIENCE_SECONDS = 1.0
"""Most answers begin sooner. Only the others get a read timer each: asyncio keeps cancelled timers
in a heap for long, which costs a small request more than its signature."""

_PLAIN: Final[dict[str, object]] = {
    "_request_class": ClientRequest,
    "_response_class": ClientResponse,
    "_middlewares": (),
    "_default_proxy": None,
    "_default_auth": None,
    "_trust_env": False,
    "_version": aiohttp.HttpVersion11,
}
"""What a session has where nobody set anything up that the short way would pass by."""

_LIMITS = ("read_bufsize", "max_line_size", "max_field_size", "max_headers")
"""Arguments of ``set_response_params`` that a session holds, with an underscore before."""

_public_ways = (ClientSession.request, ClientSession._request)
"""Replaced by libraries that play a server in tests, or record: then these must be called."""

_RESPONSE_ARGUMENTS = {
    "method", "url", "writer", "continue100", "timer", "request_info", "traces", "loop", "session",
}  # fmt: skip
_RESPONSE_PARAMS = {
    "timer", "skip_payload", "read_until_eof", "auto_decompress", "read_timeout", "read_bufsize",
    "timeout_ceil_threshold", "max_line_size", "max_field_size",
}  # fmt: skip

_KNOWN_ERRORS = (aiohttp.ClientError, TimeoutError)


class Shortcut:
    """The short way through one session."""

    __slots__ = (
        "_connector",
        "_inside",
        "_limits",
        "_loop",
        "_origins",
        "_patience",
        "_read_timeout",
        "_session",
        "_timeout",
        "_waiting",
        "_watch",
    )

    @classmethod
    def through(cls, session: ClientSession, timeout: aiohttp.ClientTimeout) -> Shortcut | None:
        """The short way through *session*, each request bounded by *timeout*; None without one."""
        inside, connector, settings = _inside(), session.connector, vars(session)
        if (
            inside is None
            or plain_paths_only()
            or type(session) is not ClientSession
            or type(connector) is not aiohttp.TCPConnector
            or connector.force_close
            or any(settings.get(name, settings) != value for name, value in _PLAIN.items())
            or not all(f"_{name}" in settings for name in ("loop", *inside.limits))
        ):
            return None
        return cls(session, connector, timeout, inside)

    def __init__(
        self,
        session: ClientSession,
        connector: aiohttp.TCPConnector,
        timeout: aiohttp.ClientTimeout,
        inside: _Inside,
    ) -> None:
        settings = vars(session)
        self._session = session
        self._connector = connector
        self._timeout = timeout
        self._inside = inside
        self._loop: asyncio.AbstractEventLoop = settings["_loop"]
        self._read_timeout = timeout.sock_read or 0.0
        self._patience = min(_PATIENCE_SECONDS, self._read_timeout / 4)
        self._waiting: dict[ResponseHandler, float] = {}
        """Whose answers have not begun, and since when, in that order."""
        self._watch: asyncio.TimerHandle | None = None
        self._limits = {name: settings[f"_{name}"] for name in inside.limits}
        self._origins: dict[tuple[str, str], _Origin] = {}

    def takes(
        self, method: str, address: Address, headers: CIMultiDict[str], body_size: int
    ) -> bool:
        """Whether for this request, at this moment, the public way would do nothing else."""
        session = self._session
        return (
            method in _METHODS
            and body_size <= (BODY_LIMIT if method in _WITH_BODY else 0)
            and hdrs.EXPECT not in headers
            and not session.closed
            and not session.trace_configs
            and asyncio.get_running_loop() is self._loop
            and (ClientSession.request, ClientSession._request) == _public_ways
            and not ("request" in vars(session) or "_request" in vars(session))
            and not _has_cookies(session.cookie_jar, address)
        )

    def send(
        self,
        method: str,
        address: Address,
        query: str,
        headers: CIMultiDict[str],
        body: bytes = b"",
    ) -> Coroutine[Any, Any, ClientResponse]:
        """Send what ``takes`` took; raises what ``ClientSession.request`` raises.

        Raises ``ValueError`` for a header with a line break in it, before anything is sent.
        """
        request = self._request(method, address, query, headers, body)
        total = self._timeout.total
        if total is None or total <= 0:
            return self._exchange(request, self._inside.untimed)
        return self._exchange_within(total, request)

    async def _exchange_within(self, total: float, request: _Request) -> ClientResponse:
        """``_exchange``, its answer's body included, within *total* seconds."""
        limit = self._inside.timeout_handle(self._loop, total, self._timeout.ceil_threshold)
        alarm, timer = limit.start(), limit.timer()
        try:
            with timer:
                response = await self._exchange(request, timer)
        except BaseException:
            limit.close()
            alarm.cancel()
            raise
        if response.connection is None:
            alarm.cancel()
        else:
            response.connection.add_callback(alarm.cancel)
        return response

    def _request(
        self, method: str, address: Address, query: str, headers: CIMultiDict[str], body: bytes
    ) -> _Request:
        origin = self._origin(address)
        sent = origin.headers.copy()
        sent.update(headers)
        if body or method not in _WITHOUT_LENGTH:
            sent[hdrs.CONTENT_LENGTH] = str(len(body))
        target = f"{address.path}?{query}" if query else address.path
        if not target.isprintable():
            raise ValueError(f"the path or query {target!r} is not percent-encoded")
        head = self._inside.serialize(f"{method} {target} HTTP/1.1", sent)
        return _Request(method, address.url(query), origin, sent, head + body)

    async def _exchange(self, request: _Request, timer: Any) -> ClientResponse:
        try:
            connection = await self._connector.connect(request.origin, [], self._timeout)
            while connection.protocol is not None and connection.protocol.should_close:
                # What nobody asked for has arrived on it: the next answer would be taken for ours.
                connection.close()
                connection = await self._connector.connect(request.origin, [], self._timeout)
        except TimeoutError as error:
            text = f"Connection timeout to host {request.url}"
            raise aiohttp.ConnectionTimeoutError(text) from error
        transport = connection.transport
        try:
            protocol = self._write(connection, request, timer)
            response = self._response(request, timer)
            try:
                try:
                    await response.start(connection)
                finally:
                    self._waiting.pop(protocol, None)
                if self._read_timeout and not response.content.is_eof():
                    protocol.read_timeout = self._read_timeout
                    protocol.start_timeout()
                if hdrs.SET_COOKIE in response.headers:
                    _keep_cookies(self._session.cookie_jar, response)
            except BaseException:
                response.close()
                raise
        except BaseException as error:
            connection.close()
            if transport is not None:
                transport.abort()  # TLS would wait for the other side's goodbye.
            if isinstance(error, OSError) and not isinstance(error, _KNOWN_ERRORS):
                raise aiohttp.ClientOSError(*error.args) from error
            raise
        return response

    def _write(self, connection: Connection, request: _Request, timer: Any) -> ResponseHandler:
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None or transport.is_closing():
            raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")
        protocol.set_response_params(
            timer=timer,
            skip_payload=request.method == hdrs.METH_HEAD,
            read_until_eof=True,
            auto_decompress=False,
            **self._limits,
        )
        transport.write(request.data)
        if self._read_timeout:
            self._waiting[protocol] = self._loop.time()
            if self._watch is None:
                self._watch = self._loop.call_later(self._patience, self._look)
        if transport.get_write_buffer_size():
            # An answer may come before all was sent: with a rest the connection is for no pool.
            connection.add_callback(functools.partial(_end_if_unsent, protocol, transport))
        return protocol

    def _look(self) -> None:
        """Give each request that had no answer for a while aiohttp's own timer for the rest."""
        now, self._watch = self._loop.time(), None
        for protocol, since in list(self._waiting.items()):
            left = since + self._patience - now
            if left > 0:
                self._watch = self._loop.call_later(left, self._look)
                break
            del self._waiting[protocol]
            protocol.read_timeout = max(self._read_timeout - (now - since), 0.001)
            protocol.start_timeout()
            protocol.read_timeout = self._read_timeout

    def _response(self, request: _Request, timer: Any) -> ClientResponse:
        method, url, data = request.method, request.url, request.data
        more: dict[str, Any] = {}
        if self._inside.counts_output:
            more["stream_writer"] = _Written(len(data))
        return ClientResponse(
            method,
            url,
            writer=None,
            continue100=None,
            timer=timer,
            request_info=aiohttp.RequestInfo(url, method, CIMultiDictProxy(request.headers), url),
            traces=[],
            loop=self._loop,
            session=self._session,
            **more,
        )

    def _origin(self, address: Address) -> _Origin:
        key = address.scheme, address.authority
        if (origin := self._origins.get(key)) is None:
            if len(self._origins) >= _ORIGINS_REMEMBERED:
                self._origins.clear()
            origin = self._origins[key] = _Origin(
                hdrs.METH_GET,
                URL.build(scheme=address.scheme, authority=address.authority, encoded=True),
                skip_auto_headers=self._session.skip_auto_headers,
                loop=self._loop,
                session=self._session,
            )
        return origin


class _Origin(ClientRequest):
    """What the connector asks of a request to one host, and the headers that aiohttp adds."""

    _key: ConnectionKey | None = None

    @property
    def connection_key(self) -> ConnectionKey:
        if self._key is None:
            self._key = super().connection_key
        return self._key


class _Request(NamedTuple):
    """One request, ready to be written."""

    method: str
    url: URL
    origin: _Origin
    headers: CIMultiDict[str]
    data: bytes


class _Written(NamedTuple):
    """What a response wants to know of the writer of its request."""

    output_size: int


class _Inside(NamedTuple):
    """What of aiohttp's inside is used, as the installed version has it."""

    serialize: Callable[[str, CIMultiDict[str]], bytes]
    """Request line and headers as they are sent; refuses line breaks in names and values."""
    timeout_handle: Callable[..., Any]
    untimed: Any
    """aiohttp's timer that never goes off."""
    limits: tuple[str, ...]
    """Those of ``_LIMITS`` that this version has."""
    counts_output: bool
    """Whether a response asks for the writer of its request."""


@functools.cache
def _inside() -> _Inside | None:
    """aiohttp's inside, when all of it is there in a form that is known here."""
    try:
        # Here, since an aiohttp without them is no reason to fail.
        from aiohttp.client_proto import ResponseHandler  # noqa: PLC0415  # as above
        from aiohttp.helpers import TimeoutHandle, TimerNoop  # noqa: PLC0415  # as above
        from aiohttp.http_writer import _serialize_headers  # noqa: PLC0415  # as above
    except ImportError:
        return None
    response_params = _parameters(ResponseHandler.set_response_params)
    of_response = _parameters(ClientResponse.__init__)
    known = (
        all(
            type(way) is FunctionType and way.__globals__["__name__"] == "aiohttp.client"
            for way in _public_ways
        )
        and _parameters(aiohttp.TCPConnector.connect) == {"req", "traces", "timeout"}
        and _parameters(TimeoutHandle.__init__) == {"loop", "timeout", "ceil_threshold"}
        and _parameters(ClientResponse.start) == {"connection"}
        and of_response - {"stream_writer"} == _RESPONSE_ARGUMENTS
        and response_params - {"max_headers"} == _RESPONSE_PARAMS
        and hasattr(ResponseHandler, "start_timeout")
        and isinstance(getattr(ResponseHandler, "read_timeout", None), property)
        and hasattr(ResponseHandler, "force_close")
        and _refuses_line_breaks(_serialize_headers)
    )
    if not known:
        return None
    return _Inside(
        serialize=_serialize_headers,
        timeout_handle=TimeoutHandle,
        untimed=TimerNoop(),
        limits=tuple(name for name in _LIMITS if name in response_params),
        counts_output="stream_writer" in of_response,
    )


def _refuses_line_breaks(serialize: Callable[[str, CIMultiDict[str]], bytes]) -> bool:
    """Whether no header can smuggle another one in."""
    head = serialize("GET / HTTP/1.1", CIMultiDict({"Name": "value"}))
    if head != b"GET / HTTP/1.1\r\nName: value\r\n\r\n":
        return False
    for bad in ({"Name": "a\nb"}, {"Name": "a\rb"}, {"a\nb": "value"}, {"a\rb": "value"}):
        try:
            serialize("GET / HTTP/1.1", CIMultiDict(bad))
        except ValueError:
            continue
        return False
    return True


def _parameters(function: Callable[..., object]) -> set[str]:
    return set(inspect.signature(function).parameters) - {"self"}


def _end_if_unsent(protocol: ResponseHandler, transport: asyncio.WriteTransport) -> None:
    if transport.get_write_buffer_size():
        protocol.force_close()


def _has_cookies(jar: AbstractCookieJar, address: Address) -> bool:
    """Whether the session would send a cookie there."""
    if type(jar) is aiohttp.DummyCookieJar or (type(jar) is aiohttp.CookieJar and not len(jar)):
        return False
    return bool(jar.filter_cookies(address.url()))


def _keep_cookies(jar: AbstractCookieJar, response: ClientResponse) -> None:
    if hasattr(jar, "update_cookies_from_headers"):
        jar.update_cookies_from_headers(response.headers.getall(hdrs.SET_COOKIE), response.url)
    else:
        jar.update_cookies(response.cookies, response.url)
