"""The texts of an answer, in elements and headers, as values of boto3's types.

Each function raises ``ValueError`` or ``OverflowError`` for a text that is no such value. Times
are read in whichever format they come, since servers do not keep to the one that S3 declares.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from ..clock import parse_http_date

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FRACTION = re.compile(r":[0-9]{2}(\.[0-9]{1,20})(?![0-9])")
_is_seconds = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?").fullmatch
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "": False}

_find_items = re.compile(r'[\s,]*+(?:"((?:[^"\\]|\\.)*+)"\s*+(?=,|\Z)|([^,]++))').findall
_find_times = re.compile(r"[\s,]*+((?:[A-Za-z]{3,9},)?+[^,]++)").findall
_QUOTED_PAIR = r"\\(.)"


def integer(text: str) -> int:
    if "_" in text:  # Python's own.
        raise ValueError(text)
    return int(text)


def number(text: str) -> float:
    if "_" in text:
        raise ValueError(text)
    return float(text)


def boolean(text: str) -> bool:
    found = _BOOLEANS.get(text)
    if found is None:
        found = _BOOLEANS.get(text.strip().lower())
        if found is None:
            raise ValueError(text)
    return found


def blob(text: str) -> bytes:
    return b64decode(text)


def timestamp(text: str) -> datetime:
    """An aware time in UTC, from ISO 8601, an HTTP date or seconds since 1970."""
    text = text.strip()
    try:
        # Eight digits are a date to Python; here they are seconds.
        found = datetime.fromisoformat(text) if text[4:5] == "-" else _rarer(text)
    except ValueError:
        found = _rarer(text)
    if found.tzinfo is UTC:
        return found
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _rarer(text: str) -> datetime:
    if _is_seconds(text):
        return _EPOCH + timedelta(seconds=float(text))
    try:
        return _http_date(text)
    except ValueError:
        return datetime.fromisoformat(text)


def _http_date(text: str) -> datetime:
    fraction = _FRACTION.search(text)
    if fraction:
        text = text[: fraction.start(1)] + text[fraction.end(1) :]
    found = parse_http_date(text)
    if found is None:
        raise ValueError(text)
    return found + timedelta(seconds=float(fraction[1])) if fraction else found


def json_header(text: str) -> Any:
    """What a header holds as JSON in base64."""
    try:
        return json.loads(b64decode(text))
    except RecursionError:
        raise ValueError(text) from None


def header_items(kind: str, text: str) -> list[str]:
    """The items of a header that is a list. They may be quoted, and times have commas of their own.

    https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1
    """
    if kind == "timestamp":
        return [item.strip() for item in _find_times(text) if item.strip()]
    items = []
    for quoted, plain in _find_items(text):
        if plain:
            items.append(plain.strip())
        else:
            items.append(re.sub(_QUOTED_PAIR, r"\1", quoted) if "\\" in quoted else quoted)
    return items


CONVERTERS: dict[str, Callable[[str], Any]] = {
    "blob": blob,
    "boolean": boolean,
    "character": str,
    "double": number,
    "float": number,
    "integer": integer,
    "long": integer,
    "string": str,
    "timestamp": timestamp,
}
"""For each kind of shape that is a text in an answer, what makes its value."""
