"""AWS's event stream: messages framed in the body of an answer (``SelectObjectContent``).

::

    ┌ total size, 4 ┬ headers' size, 4 ┬ CRC32 of the two, 4 ┬ headers ┬ payload ┬ CRC32 of all, 4 ┐

A header is the length of its name (one byte), the name, the type of its value (one byte), and the
value. All numbers are big-endian.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html
https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeAlias
from uuid import UUID
from zlib import crc32

from ..errors import EventStreamError

CONTENT_TYPE = "application/vnd.amazon.eventstream"
MESSAGE_LIMIT = 16 * 1024 * 1024
"""Bytes of a message, frame and all."""
HEADERS_LIMIT = 128 * 1024

_PRELUDE = struct.Struct("!III")
_CRC = struct.Struct("!I")
_LEAST = _PRELUDE.size + _CRC.size
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

HeaderValue: TypeAlias = bool | int | bytes | str | datetime | UUID


class Message(NamedTuple):
    """One message. Timestamps among the headers are aware, in UTC."""

    headers: Mapping[str, HeaderValue]
    payload: bytes


class Decoder:
    """Turns the bytes of a stream, however they are cut, into its messages.

    A message that is wrong raises ``EventStreamError`` only after those before it were given out,
    and from then on every call raises it: nothing behind it can be trusted.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes | bytearray | memoryview) -> list[Message]:
        """The messages that *data* completes."""
        self._buffer += data
        messages: list[Message] = []
        while True:
            try:
                message = self._next()
            except EventStreamError:
                if messages:
                    return messages  # It stands in the buffer still: the next call raises.
                raise
            if message is None:
                return messages
            messages.append(message)

    def finish(self) -> None:
        """There are no more bytes. Raises ``EventStreamError`` when a message was cut off."""
        self._next()
        if self._buffer:
            raise _wrong(f"it ended within a message, {len(self._buffer)} bytes into it")

    def _next(self) -> Message | None:
        buffer = self._buffer
        if len(buffer) < _PRELUDE.size:
            return None
        total, headers_size, prelude_crc = _PRELUDE.unpack_from(buffer)
        if crc32(buffer[: _PRELUDE.size - _CRC.size]) != prelude_crc:
            raise _wrong("the CRC of a message's prelude does not fit")
        if not _LEAST <= total <= MESSAGE_LIMIT:
            raise _wrong(f"a message of {total} bytes; from {_LEAST} to {MESSAGE_LIMIT} may be")
        if headers_size > min(HEADERS_LIMIT, total - _LEAST):
            raise _wrong(f"headers of {headers_size} bytes in a message of {total}")
        if len(buffer) < total:
            return None
        with memoryview(buffer) as view:
            data = bytes(view[:total])
        end = total - _CRC.size
        if crc32(memoryview(data)[:end]) != _CRC.unpack_from(data, end)[0]:
            raise _wrong("the CRC of a message does not fit")
        split = _PRELUDE.size + headers_size
        message = Message(_headers(data[_PRELUDE.size : split]), data[split:end])
        del buffer[:total]
        return message


def _headers(data: bytes) -> dict[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {}
    at = 0
    try:
        while at < len(data):
            raw_name, at = _sized(data, at, 1)
            name = raw_name.decode()
            if not name or name in headers:
                raise _wrong(f"the header {name!r} is there twice" if name else "a nameless header")
            kind, at = data[at], at + 1
            if kind >= len(_READERS):
                raise _wrong(f"the header {name!r} is of the unknown type {kind}")
            headers[name], at = _READERS[kind](data, at)
    except (IndexError, struct.error):
        raise _wrong("a header goes on behind the end of the headers") from None
    except UnicodeDecodeError:
        raise _wrong("a header is not UTF-8") from None
    return headers


# Each takes the headers and where its value begins, and gives the value and where it ends.


def _sized(data: bytes, at: int, digits: int) -> tuple[bytes, int]:
    """Bytes that stand behind their length, of *digits* bytes."""
    start = at + digits
    stop = start + int.from_bytes(data[at:start], "big")
    if stop > len(data) or start > len(data):
        raise IndexError
    return data[start:stop], stop


def _number(code: str) -> Callable[[bytes, int], tuple[int, int]]:
    layout = struct.Struct(f"!{code}")

    def read(data: bytes, at: int) -> tuple[int, int]:
        value: int = layout.unpack_from(data, at)[0]
        return value, at + layout.size

    return read


_long = _number("q")


def _string(data: bytes, at: int) -> tuple[str, int]:
    raw, at = _sized(data, at, 2)
    return raw.decode(), at


def _timestamp(data: bytes, at: int) -> tuple[datetime, int]:
    milliseconds, at = _long(data, at)
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds), at
    except OverflowError:
        raise _wrong(f"a header is a time beyond the calendar: {milliseconds} ms") from None


def _uuid(data: bytes, at: int) -> tuple[UUID, int]:
    if at + 16 > len(data):
        raise IndexError
    return UUID(bytes=data[at : at + 16]), at + 16


_READERS: tuple[Callable[[bytes, int], tuple[HeaderValue, int]], ...] = (
    lambda data, at: (True, at),
    lambda data, at: (False, at),
    _number("b"),
    _number("h"),
    _number("i"),
    _long,
    lambda data, at: _sized(data, at, 2),
    _string,
    _timestamp,
    _uuid,
)
"""By the type's number."""


def _wrong(what: str) -> EventStreamError:
    return EventStreamError("InvalidEventStream", what)
