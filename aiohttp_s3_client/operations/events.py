"""What ``select_object_content`` answers under ``Payload``: events, as they come.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

from ..engine import Engine
from ..errors import EventStreamError
from ..protocol.event_stream import Decoder, Message
from ..protocol.model.shapes import Shape
from ..protocol.restxml.events import read_event
from ..transport.answer import Answer, cut_off, leave
from ..transport.exchange import Fault
from ..transport.receive import Incoming
from .delivery import attempts_so_far


class EventStream(AsyncIterator[dict[str, Any]]):
    """Events in boto3's form, a dict of one name each, best within ``async with``::

        {"Records": {"Payload": b"..."}}
        {"Progress": {"Details": {"BytesScanned": 1, "BytesProcessed": 1, "BytesReturned": 1}}}
        {"Stats": {"Details": {...}}}, {"Cont": {}}, {"End": {}}

    Records may be cut anywhere between two events. An event that S3 adds later comes as
    ``{name: {"Payload": bytes}}``.

    Raises ``EventStreamError`` for an error that S3 sends among the events, for a message that is
    damaged, and when the answer ends without its ``End``: the records are not all there then.
    ``S3ConnectionError`` and ``S3TimeoutError`` say that the connection failed; nothing is
    resumed. After an error, and after a reading that was cancelled, the iteration has ended.
    """

    def __init__(self, engine: Engine, answer: Answer, events: Shape) -> None:
        self._engine = engine
        self._answer = answer
        self._events = events
        """The member of the output that this is."""
        self._incoming = Incoming(answer.response)
        self._decoder = Decoder()
        self._messages: deque[Message] = deque()
        self._ended = False
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        # As for the body of an object: the pool is not to wait for the garbage collector (P2).
        if not self._closed and not self._ended:
            self._answer.response.close()

    async def aclose(self) -> None:
        """Stop: the connection is cut off, unless the last event was read."""
        if self._ended and not self._closed:
            await leave(self._answer.response)
        self._close()

    def _close(self) -> None:
        if not self._closed and not self._ended:
            cut_off(self._answer.response)
        self._closed = True
        self._messages.clear()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> dict[str, Any]:
        if self._ended or self._closed:
            await self.aclose()
            raise StopAsyncIteration
        try:
            event = read_event(self._events, await self._next())
        except BaseException:
            self._close()
            raise
        self._ended = "End" in event
        return event

    async def _next(self) -> Message:
        while not self._messages:
            received = await self._incoming.next()
            if isinstance(received, Fault):
                attempts = attempts_so_far(self._engine, self._answer)
                raise self._engine.pipeline.connection_error(
                    self._answer.request, received, attempts
                )
            if not received:
                self._decoder.finish()
                raise EventStreamError(
                    "IncompleteEventStream", "it ended without its End event; records are missing"
                )
            self._messages.extend(self._decoder.feed(received))
        return self._messages.popleft()
