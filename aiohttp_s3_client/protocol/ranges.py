"""Byte ranges: asking for one, and reading what the server says it sent.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, RFC 9110 section 14.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ..errors import ResponseParseError

_CONTENT_RANGE = r"bytes (?:([0-9]{1,19})-([0-9]{1,19})|\*)/([0-9]{1,19}|\*)"


class ByteRange(NamedTuple):
    """``start`` to ``stop`` in bytes, the second exclusive."""

    start: int
    stop: int

    @property
    def size(self) -> int:
        return self.stop - self.start

    @property
    def header(self) -> str:
        """The value of ``Range``."""
        return f"bytes={self.start}-{self.stop - 1}"

    def __str__(self) -> str:
        return f"bytes {self.start}-{self.stop - 1}"


class ContentRange(NamedTuple):
    """What an answer says about itself; ``total`` is None where the server does not know it."""

    sent: ByteRange
    total: int | None


def content_range(headers: Mapping[str, str]) -> ContentRange | None:
    """The answer's ``Content-Range``; None where there is none, as in an answer of the whole."""
    value = headers.get("Content-Range")
    if value is None:
        return None
    match = re.fullmatch(_CONTENT_RANGE, value.strip())
    if match is None or match[1] is None:
        raise ResponseParseError(f"Content-Range {value[:200]!r} is not a byte range")
    total = None if match[3] == "*" else int(match[3])
    sent = ByteRange(int(match[1]), int(match[2]) + 1)
    if sent.size < 1 or (total is not None and sent.stop > total):
        raise ResponseParseError(f"Content-Range {value[:200]!r} contradicts itself")
    return ContentRange(sent, total)


def cut(start: int, stop: int, step: int) -> Iterator[ByteRange]:
    """The ranges of at most *step* bytes between *start* and *stop*, in order."""
    for begin in range(start, stop, step):
        yield ByteRange(begin, min(begin + step, stop))


def merge(ranges: Iterable[ByteRange], coalesce: int) -> list[ByteRange]:
    """*ranges* in order of their starts, those made one that overlap or that less than *coalesce*
    bytes lie between."""
    merged: list[ByteRange] = []
    for wanted in sorted(ranges):
        last = merged[-1] if merged else None
        if last is not None and (wanted.start - last.stop < coalesce or wanted.start < last.stop):
            merged[-1] = ByteRange(last.start, max(last.stop, wanted.stop))
        else:
            merged.append(wanted)
    return merged
