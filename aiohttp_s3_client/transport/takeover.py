"""Taking the rest of a body from its connection, past aiohttp's parser, and giving it back.

aiohttp hands a body on as ``bytes`` objects, one for each read of the socket. For large bodies
the connection is taken over instead: what aiohttp has read already is taken from
``response.content``, the rest is received straight into its place (``borrowed.py``,
``intake.py``), and then aiohttp is told that the body has ended, so that the connection returns
to the pool as ever.

It is done only when the body's length is known and nothing is chunked, being decoded, traced or
bound by a total time. Whatever goes wrong in between closes the connection: it is never pooled.
A connection on which bytes stand behind the body is closed as well, and one in the pool on which
bytes arrive unasked is closed by aiohttp, since its parser is replaced by one that takes nothing.

What is used of aiohttp beyond its public API, the same in 3.12, 3.13 and 3.14 (checked for each
class that is met; without it the body is read through ``response.content``):

* ``ResponseHandler._parser`` (replaced), ``._reading_paused``, ``._upgraded``, ``._tail`` (read)
  and ``._drop_timeout()``; ``.transport`` and ``.read_timeout`` are public there;
* ``ClientResponse._traces`` and ``._timer`` (read);
* ``StreamReader.feed_eof()``, which is public but meant for parsers.
"""

from __future__ import annotations

import asyncio
from typing import Any, Self

import aiohttp
from aiohttp import hdrs
from aiohttp.helpers import TimerNoop

from ..config import plain_paths_only
from .borrowed import has_more, plain_socket

WORTHWHILE = 64 * 1024
"""Less than this left to come is read through aiohttp: taking over costs as much."""

_checked: dict[type, bool] = {}


class _NothingMore:
    """A parser behind the last byte: whatever comes now belongs to no answer."""

    def feed_data(self, data: bytes) -> Any:
        if data:
            raise aiohttp.ClientPayloadError("bytes arrived behind the end of a body")
        return (), False, b""

    def feed_eof(self) -> None:
        return None

    def pause_reading(self) -> None:
        return None


class Takeover:
    """The connection of one response whose body is *size* bytes long, and ours to receive."""

    __slots__ = ("_protocol", "_response", "descriptor", "timeout", "transport")

    def __init__(self, response: aiohttp.ClientResponse, protocol: Any) -> None:
        self._response = response
        self._protocol = protocol
        self.transport: asyncio.Transport = protocol.transport
        self.timeout: float | None = protocol.read_timeout
        self.descriptor: int | None = plain_socket(self.transport)
        """The socket's, where bytes pass it as they are."""

    @classmethod
    def of(cls, response: aiohttp.ClientResponse, size: int) -> Self | None:
        """A takeover of *response*, or None where it cannot be done or would not pay."""
        if size < WORTHWHILE or plain_paths_only() or response.content.is_eof():
            return None
        headers = response.headers
        if (
            response.content_length != size
            or hdrs.TRANSFER_ENCODING in headers
            or response.content.exception() is not None
        ):
            return None
        connection = response.connection
        protocol: Any = connection.protocol if connection is not None else None
        if protocol is None or not _offers_all(response, protocol):
            return None
        transport = protocol.transport
        if transport is None or transport.is_closing() or protocol._upgraded:
            return None
        if response._traces or not isinstance(response._timer, TimerNoop):
            return None
        return cls(response, protocol)

    def begin(self) -> tuple[list[bytes], bool]:
        """What aiohttp has read of the body already, and whether the rest is ours from now on.

        Then the transport does not read any more, until it is ``switch``-ed or spliced from.
        """
        content, read = self._response.content, []
        while data := content.read_nowait():
            read.append(data)
        if content.is_eof() or self._protocol._reading_paused or self._protocol._tail:
            return read, False
        self._protocol._drop_timeout()
        self.transport.pause_reading()
        return read, True

    def switch(self, protocol: asyncio.BaseProtocol) -> None:
        """Let the transport deliver to *protocol*, which calls ``restore`` when it has all."""
        self.transport.set_protocol(protocol)
        self.transport.resume_reading()

    def restore(self) -> None:
        """Behind the last byte: what comes next is aiohttp's again, and unexpected."""
        self._protocol._parser = _NothingMore()
        if self.transport.get_protocol() is not self._protocol:
            self.transport.set_protocol(self._protocol)

    @property
    def protocol(self) -> Any:
        """aiohttp's own protocol, which has to hear of what becomes of the connection."""
        return self._protocol

    def finish(self) -> None:
        """The body is complete: aiohttp takes the connection back."""
        self.restore()
        # A closed transport's descriptor may be another connection's by now.
        if not self.transport.is_closing():
            if self._unexpected():
                self._response.close()
                return
            self.transport.resume_reading()
        self._response.content.feed_eof()

    def _unexpected(self) -> bool:
        if self.descriptor is not None:
            return has_more(self.descriptor)
        tls = self.transport.get_extra_info("ssl_object")
        return tls is not None and tls.pending() > 0


def _offers_all(response: aiohttp.ClientResponse, protocol: Any) -> bool:
    """Whether aiohttp's classes have what is needed here; looked at once for each."""
    kind = type(protocol)
    if (offers := _checked.get(kind)) is None:
        offers = _checked[kind] = (
            all(
                hasattr(protocol, name)
                for name in (
                    "_parser", "_reading_paused", "_upgraded", "_tail", "_drop_timeout",
                    "transport", "read_timeout", "connection_lost", "eof_received",
                )
            )
            and hasattr(response, "_traces")
            and hasattr(response, "_timer")
            and hasattr(response.content, "feed_eof")
        )  # fmt: skip
    return offers
