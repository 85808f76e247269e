"""The framing of event streams, with botocore as the judge of what a message is."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client.errors import EventStreamError
from aiohttp_s3_client.protocol.event_stream import (
    HEADERS_LIMIT,
    MESSAGE_LIMIT,
    Decoder,
    HeaderValue,
    Message,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INTEGERS = {2: "b", 3: "h", 4: "i", 5: "q"}
TIME = 8


def framed(headers: bytes, payload: bytes) -> bytes:
    """A message with both CRCs right."""
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    data = prelude + struct.pack("!I", crc32(prelude)) + headers + payload
    return data + struct.pack("!I", crc32(data))


def encoded_header(name: str, kind: int, value: HeaderValue) -> bytes:
    raw = name.encode()
    head = bytes([len(raw)]) + raw + bytes([kind])
    if kind in INTEGERS:
        return head + struct.pack(f"!{INTEGERS[kind]}", value)
    if isinstance(value, datetime):
        return head + struct.pack("!q", (value - EPOCH) // timedelta(milliseconds=1))
    if isinstance(value, UUID):
        return head + value.bytes
    if isinstance(value, str | bytes):
        data = value.encode() if isinstance(value, str) else value
        return head + struct.pack("!H", len(data)) + data
    return head


def encode(headers: dict[str, tuple[int, HeaderValue]], payload: bytes = b"") -> bytes:
    """A message of headers by name: the number of their type, and their value."""
    parts = [encoded_header(name, kind, value) for name, (kind, value) in headers.items()]
    return framed(b"".join(parts), payload)


def event(
    name: str,
    payload: bytes = b"",
    kind: str = "event",
    headers: Mapping[str, tuple[int, HeaderValue]] = MappingProxyType({}),
) -> bytes:
    return encode({":message-type": (7, kind), f":{kind}-type": (7, name), **headers}, payload)


def integers(kind: int) -> st.SearchStrategy[tuple[int, int]]:
    bits = 8 * struct.calcsize(INTEGERS[kind])
    return st.tuples(st.just(kind), st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1))


TIMES = st.integers(-10_000_000_000_000, 10_000_000_000_000).map(
    lambda milliseconds: EPOCH + timedelta(milliseconds=milliseconds)
)
VALUES: st.SearchStrategy[tuple[int, HeaderValue]] = st.one_of(
    st.just((0, True)),
    st.just((1, False)),
    *(integers(kind) for kind in INTEGERS),
    st.tuples(st.just(6), st.binary(max_size=300)),
    st.tuples(st.just(7), st.text(max_size=100)),
    st.tuples(st.just(TIME), TIMES),
    st.tuples(st.just(9), st.uuids()),
)
NAMES = st.text(min_size=1, max_size=60).filter(lambda name: len(name.encode()) < 256)
MESSAGES = st.tuples(st.dictionaries(NAMES, VALUES, max_size=5), st.binary(max_size=500))


def as_botocore_has_it(value: HeaderValue) -> Any:
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(milliseconds=1)
    return value.bytes if isinstance(value, UUID) else value


@given(st.lists(MESSAGES, max_size=4), st.data())
def test_messages_in_any_pieces_are_what_was_sent_and_what_botocore_reads(
    sent: list[tuple[dict[str, tuple[int, HeaderValue]], bytes]], data: st.DataObject
) -> None:
    stream = b"".join(encode(headers, payload) for headers, payload in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    decoder = Decoder()
    got: list[Message] = []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += decoder.feed(stream[start:stop])
    decoder.finish()
    assert got == [
        Message({name: value for name, (_, value) in headers.items()}, payload)
        for headers, payload in sent
    ]
    oracle = EventStreamBuffer()
    oracle.add_data(stream)
    theirs: list[Any] = [(message.headers, message.payload) for message in oracle]
    assert theirs == [
        ({name: as_botocore_has_it(value) for name, value in headers.items()}, payload)
        for headers, payload in got
    ]


@given(MESSAGES, st.data())
def test_no_damaged_byte_goes_unseen(
    sent: tuple[dict[str, tuple[int, HeaderValue]], bytes], data: st.DataObject
) -> None:
    stream = bytearray(encode(*sent))
    stream[data.draw(st.integers(0, len(stream) - 1))] ^= data.draw(st.integers(1, 255))
    decoder = Decoder()
    with pytest.raises(EventStreamError):
        decoder.feed(stream)


@given(MESSAGES, st.data())
def test_a_stream_that_is_cut_off_says_so(
    sent: tuple[dict[str, tuple[int, HeaderValue]], bytes], data: st.DataObject
) -> None:
    stream = encode(*sent)
    size = data.draw(st.integers(1, len(stream) - 1))
    decoder = Decoder()
    assert decoder.feed(stream[:size]) == []
    with pytest.raises(EventStreamError, match=f"ended within a message, {size} bytes"):
        decoder.finish()


def prelude(total: int, headers: int) -> bytes:
    sizes = struct.pack("!II", total, headers)
    return sizes + struct.pack("!I", crc32(sizes))


def damaged(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


WHOLE = event("Records", b"1,2\n")
TWICE = encoded_header("a", 0, True) * 2


@pytest.mark.parametrize(
    ("stream", "what"),
    [
        (damaged(WHOLE, 8), "prelude"),
        (damaged(WHOLE, 3), "prelude"),
        (damaged(WHOLE, len(WHOLE) - 6), "CRC of a message does not"),
        (prelude(15, 0), "a message of 15 bytes"),
        (prelude(MESSAGE_LIMIT + 1, 0), f"a message of {MESSAGE_LIMIT + 1} bytes"),
        (prelude(20, 5), "headers of 5 bytes in a message of 20"),
        (prelude(MESSAGE_LIMIT, HEADERS_LIMIT + 1), f"headers of {HEADERS_LIMIT + 1} bytes"),
        (framed(b"\x01a\x0a", b""), "'a' is of the unknown type 10"),
        (framed(b"\x01a\xff", b""), "unknown type 255"),
        (framed(TWICE, b""), "'a' is there twice"),
        (framed(b"\x00\x00", b""), "nameless"),
        (framed(b"\x05abc", b"payload"), "behind the end of the headers"),
        (framed(b"\x01a", b"payload"), "behind the end of the headers"),
        (framed(b"\x01a\x07\x00", b"payload"), "behind the end of the headers"),
        (framed(b"\x01a\x07\x00\x04abc", b"payload"), "behind the end of the headers"),
        (framed(b"\x01a\x05\x00\x00", b"payload"), "behind the end of the headers"),
        (framed(b"\x01a\x09\x00\x00", b"payload"), "behind the end of the headers"),
        (framed(b"\x01\xff\x00", b""), "UTF-8"),
        (framed(b"\x01a\x07\x00\x01\xff", b""), "UTF-8"),
        (framed(b"\x01a\x08" + b"\x7f" + b"\xff" * 7, b""), "beyond the calendar"),
    ],
)
def test_what_is_wrong_with_a_message_is_named(stream: bytes, what: str) -> None:
    decoder = Decoder()
    with pytest.raises(EventStreamError, match=what) as caught:
        decoder.feed(stream)
    assert caught.value.code == "InvalidEventStream"
    with pytest.raises(EventStreamError, match=what):
        decoder.feed(WHOLE)
    with pytest.raises(EventStreamError, match=what):
        decoder.finish()


def test_a_length_out_of_bounds_is_told_before_its_bytes_are_waited_for() -> None:
    decoder = Decoder()
    assert decoder.feed(prelude(MESSAGE_LIMIT, HEADERS_LIMIT)) == []
    with pytest.raises(EventStreamError, match="may be"):
        Decoder().feed(prelude(2**32 - 1, 0))


def test_messages_before_a_wrong_one_are_given_out_first() -> None:
    decoder = Decoder()
    first, second = decoder.feed(WHOLE + event("Cont") + damaged(WHOLE, 3) + WHOLE)
    assert (first.payload, second.headers[":event-type"]) == (b"1,2\n", "Cont")
    with pytest.raises(EventStreamError, match="prelude"):
        decoder.feed(b"")


def test_the_largest_message_that_may_be() -> None:
    payload = bytes(MESSAGE_LIMIT - 16)
    assert Decoder().feed(framed(b"", payload)) == [Message({}, payload)]
