"""Messages of an event stream, read as the shapes of their events say.

Members of an event are headers of its message, its payload (bytes, a text or a document), or,
where none is the payload, elements of the document that the payload is then.

https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

from typing import Any

from ...errors import EventStreamError
from ..event_stream import Decoder, Message
from ..model.shapes import Shape
from .reader import parse_payload


def read_event(events: Shape, message: Message) -> dict[str, Any]:
    """The event that *message* is, under its name; *events* has the members that it may be.

    An event that *events* does not know comes as ``{name: {"Payload": bytes}}``. Raises
    ``EventStreamError`` for an error among the events, and ``ResponseParseError`` for an event
    that is not what its shape says.
    """
    headers, payload = message
    kind = headers.get(":message-type")
    if kind == "error":
        code, text = headers.get(":error-code", ""), headers.get(":error-message", "")
        raise EventStreamError(str(code), str(text))
    name = str(headers.get(":exception-type" if kind == "exception" else ":event-type", ""))
    if kind == "exception":
        raise EventStreamError(name, payload.decode(errors="replace"))
    if kind != "event" or not name:
        raise EventStreamError("InvalidEventStream", f"a message of type {kind!r}")
    shape = events.members.get(name)
    return {name: {"Payload": payload} if shape is None else _members(shape, message)}


def read_events(events: Shape, body: bytes) -> list[dict[str, Any]]:
    """All events of a *body* that is there already."""
    decoder = Decoder()
    found = [read_event(events, message) for message in decoder.feed(body)]
    decoder.finish()
    return found


def _members(shape: Shape, message: Message) -> dict[str, Any]:
    found: dict[str, Any] = {}
    in_document = False
    for name, member in shape.members.items():
        if member.event_header:
            if member.name in message.headers:
                found[name] = message.headers[member.name]
        elif not member.event_payload:
            in_document = True
        elif member.kind == "blob":
            found[name] = message.payload
        elif member.kind == "string":
            found[name] = message.payload.decode(errors="replace")
        else:
            found[name] = parse_payload(member, message.payload)
    if in_document and message.payload:
        found.update(parse_payload(shape, message.payload))
    return found
