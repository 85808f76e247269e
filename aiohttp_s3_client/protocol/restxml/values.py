"""The texts of an answer, in elements and headers, as values of boto3's types.

Each function raises ``ValueError`` for a text that is no such value.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable
from typing import Any

from ..timestamps import parse_time

_BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "": False}

_SEPARATORS = " \t\r\n\f\v,"
_ITEMS = r'(?a)[\s,]*+(?:"((?:[^"\\]|\\.)*+)"\s*+(?=,|\Z)|([^,]++))'
_TIMES = r"(?a)[\s,]*+((?:[A-Za-z]{3,9},)?+[^,]++)"
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
    # Separators that no item follows would be looked at again from each of them.
    text = text.rstrip(_SEPARATORS)
    if kind == "timestamp":
        return [item.strip() for item in re.findall(_TIMES, text) if item.strip()]
    items = []
    for quoted, plain in re.findall(_ITEMS, text):
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
    "timestamp": parse_time,
}
"""For each kind of shape that is a text in an answer, what makes its value."""
