"""Values as XML, as a shape describes it, and as the text of headers, queries and paths."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from math import isinf, isnan
from typing import Any

from ..model.shapes import Shape
from ..timestamps import formatted

# Beside what XML itself asks for: what a reader would turn into something else (line breaks), and
# what XML 1.0 has no place for. A key may hold that, servers take a reference to it, and there is
# no other way to name such a key.
_SPECIAL = "[&<>\0-\x08\n-\x1f\ufffe\uffff]"
_SPECIAL_IN_ATTRIBUTE = '[&<>"\0-\x1f\ufffe\uffff]'
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}

_Attributes = dict[str, str]


def document(shape: Shape, value: object) -> bytes:
    """*value* as a document, whose root is called as *shape* is."""
    out: list[str] = []
    _WRITERS.get(shape.kind, _scalar)(out, shape, value, shape.element, {})
    return "".join(out).encode()


def text(shape: Shape, value: Any, time: str = "iso8601") -> str:
    """A scalar as text; a timestamp in the shape's own format, else as *time* says."""
    kind = shape.kind
    if kind in {"string", "character"}:
        # Not str(): an enum of strings would give its member's name.
        return value if type(value) is str else str.__str__(value)
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        return formatted(value, shape.time or time)
    if kind == "blob":
        return b64encode(value.encode() if isinstance(value, str) else value).decode()
    if isinstance(value, int):
        return int.__repr__(value)
    number = float(value)
    if isnan(number):
        return "NaN"
    if isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return repr(number)


def _scalar(out: list[str], shape: Shape, value: object, name: str, _: _Attributes) -> None:
    content = re.sub(_SPECIAL, _reference, text(shape, value))
    attributes = _written(_namespace(shape)) if shape.namespace else ""
    out.append(f"<{name}{attributes}>{content}</{name}>")


def _structure(
    out: list[str], shape: Shape, value: Mapping[str, object], name: str, _: _Attributes
) -> None:
    attributes = _namespace(shape)
    start = _opened(out)
    members = shape.members
    for called, given in value.items():
        if given is None:
            continue
        member = members[called]
        if member.attribute:
            attributes[member.name] = text(member, given)
        else:
            _WRITERS.get(member.kind, _scalar)(out, member, given, member.name, attributes)
    _close(out, start, name, attributes)


def _list(
    out: list[str], shape: Shape, value: Sequence[object], name: str, parent: _Attributes
) -> None:
    item = shape.item
    write = _WRITERS.get(item.kind, _scalar)
    if shape.flat:
        # What surrounds the items has the namespace of a list that is no element itself.
        parent.update(_namespace(shape))
        for given in value:
            write(out, item, given, name, parent)
        return
    attributes = _namespace(shape)
    start = _opened(out)
    for given in value:
        write(out, item, given, item.name, attributes)
    _close(out, start, name, attributes)


def _map(
    out: list[str], shape: Shape, value: Mapping[object, object], name: str, parent: _Attributes
) -> None:
    if shape.flat:
        _entries(out, shape, value, name)
        return
    start = _opened(out)
    _entries(out, shape, value, "entry")
    _close(out, start, name, _namespace(shape))


def _entries(out: list[str], shape: Shape, value: Mapping[object, object], name: str) -> None:
    key, held = shape.key, shape.value
    write = _WRITERS.get(held.kind, _scalar)
    for called, given in value.items():
        attributes: _Attributes = {}
        start = _opened(out)
        _scalar(out, key, called, key.name, attributes)
        write(out, held, given, held.name, attributes)
        _close(out, start, name, attributes)


_WRITERS: dict[str, Callable[[list[str], Shape, Any, str, _Attributes], None]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
}


def _opened(out: list[str]) -> int:
    """Room for a start tag, which can be written once all of its attributes are known."""
    out.append("")
    return len(out)


def _close(out: list[str], start: int, name: str, attributes: _Attributes) -> None:
    written = _written(attributes) if attributes else ""
    if len(out) == start:
        out[start - 1] = f"<{name}{written}/>"
    else:
        out[start - 1] = f"<{name}{written}>"
        out.append(f"</{name}>")


def _namespace(shape: Shape) -> _Attributes:
    if shape.namespace is None:
        return {}
    prefix, uri = shape.namespace
    return {f"xmlns:{prefix}" if prefix else "xmlns": uri}


def _written(attributes: _Attributes) -> str:
    return "".join(
        f' {name}="{re.sub(_SPECIAL_IN_ATTRIBUTE, _reference, value)}"'
        for name, value in attributes.items()
    )


def _reference(match: re.Match[str]) -> str:
    return _ENTITIES.get(match[0]) or f"&#x{ord(match[0]):X};"
