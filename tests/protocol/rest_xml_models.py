"""Hypothesis strategies: rest-xml service descriptions, and valid parameters for any of them.

``descriptions()`` makes what botocore's ``service-2.json`` files hold, with one operation called
``Operation``; ``parameters(operation)`` makes what it, or any operation of S3, can be called with.
"""

from __future__ import annotations

import datetime
import json
import string
from enum import Enum, IntEnum
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

import aiohttp_s3_client
from aiohttp_s3_client.protocol.body import DocumentBody
from aiohttp_s3_client.protocol.model.shapes import Model, Operation, Shape
from aiohttp_s3_client.request import Request
from tools.build_model import compact

S3_FACTS = Path(aiohttp_s3_client.__file__).parent / "protocol" / "model" / "s3.json"
SCALARS = ("string", "integer", "long", "float", "double", "boolean", "timestamp", "blob")
_TIMES = ("iso8601", "rfc822", "unixTimestamp")
_CHECKSUMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")
_TOKEN = string.ascii_letters + string.digits + "-"


class Color(str, Enum):  # noqa: UP042  # The older kind, whose str() is not its value.
    RED = "red"


class Number(IntEnum):
    TWO = 2


@cache
def s3() -> Model:
    """S3's own model, as the package holds it."""
    return Model(json.loads(S3_FACTS.read_text(encoding="utf-8")))


def s3_operations() -> list[str]:
    return sorted(s3().facts["operations"])


def operation_of(description: dict[str, Any]) -> Operation:
    """The one operation of what ``descriptions`` makes."""
    return Model(compact(description)).operation("Operation")


def described(
    members: dict[str, Any],
    shapes: dict[str, Any] | None = None,
    *,
    uri: str = "/",
    method: str = "POST",
    reference: dict[str, Any] | None = None,
    **traits: Any,
) -> Operation:
    """An operation whose input has *members*; scalars stand as ``{"type": …}`` beside its uses."""
    made = dict(shapes or {})
    for kind in (
        "string", "integer", "long", "float", "boolean", "timestamp", "blob",
    ):  # fmt: skip
        made[kind] = {"type": kind}
    made["strings"] = {"type": "list", "member": {"shape": "string"}}
    payload = traits.pop("payload", None)
    made["Input"] = {"type": "structure", "members": members}
    if payload:
        made["Input"]["payload"] = payload
    operation = {
        "name": "Operation",
        "http": {"method": method, "requestUri": uri},
        "input": {"shape": "Input", **(reference or {})},
        **traits,
    }
    return operation_of({"operations": {"Operation": operation}, "shapes": made})


def body_of(request: Request) -> bytes:
    if request.body is None:
        return b""
    assert isinstance(request.body, DocumentBody)
    return request.body.data


# --- parameters

# A carriage return would become a line break in XML that does not write it as a reference.
TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n&<>\"'"),
    max_size=12,
)
HEADER_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12).map(str.strip)
ASCII_TEXT = st.text(string.ascii_letters + string.digits + " -_,\"'/=+%", max_size=12).map(
    str.strip
)
TIMESTAMPS = st.datetimes(
    datetime.datetime(1970, 1, 2),
    datetime.datetime(2200, 1, 1),
    timezones=st.sampled_from(
        [datetime.UTC, datetime.timezone(datetime.timedelta(hours=5, minutes=30))]
    ),
)


def parameters(operation: Operation) -> st.SearchStrategy[dict[str, Any]]:
    """What *operation* can be called with: all required members, some of the others."""
    shape = operation.input
    if shape is None:
        return st.just({})
    fixed: dict[str, st.SearchStrategy[Any]] = {}
    if operation.checksum_algorithm:
        fixed[operation.checksum_algorithm] = st.sampled_from(_CHECKSUMS)
    made = {
        name: fixed[name] if name in fixed else values(member, member.location)
        for name, member in shape.members.items()
    }
    # A token that is left out is a new one each time.
    needed = {*shape.required, *operation.labels, *shape.tokens}
    for name in shape.required:
        if shape.members[name].location == "querystring" and shape.members[name].kind == "string":
            made[name] = made[name].filter(bool)
    return _members(shape, made, needed)


def values(shape: Shape, place: str = "", depth: int = 3) -> st.SearchStrategy[Any]:
    """What *shape* can hold in *place*: header, headers, uri, querystring, or empty for XML."""
    if shape.kind == "structure":
        if depth == 0 and not shape.required and not shape.union:
            return st.just({})
        made = {
            name: values(member, place, max(depth - 1, 0))
            for name, member in shape.members.items()
            if depth > 0 or name in shape.required or _is_scalar(member)
        }
        return _members(shape, made, set(shape.required))
    if shape.kind == "list":
        least = int(shape.min or 0)
        if depth == 0:
            return st.just([]) if not least else _items(shape, place, 0, least, least)
        return _items(shape, place, depth - 1, least, least + 3)
    if shape.kind == "map":
        names = (
            st.text(_TOKEN, min_size=1, max_size=8) if place else values(shape.key, place, depth)
        )
        held = values(shape.value, "ascii" if place == "headers" else place, max(depth - 1, 0))
        entries = st.dictionaries(names, held, max_size=3 if depth else 0)
        if place == "headers":
            # To HTTP they are the same, whatever their case.
            return entries.filter(lambda made: len({name.lower() for name in made}) == len(made))
        return entries
    return _scalar(shape, place)


def _items(
    shape: Shape, place: str, depth: int, least: int, most: int
) -> st.SearchStrategy[list[Any]]:
    return st.lists(values(shape.item, place, depth), min_size=least, max_size=most)


def _members(
    shape: Shape, made: dict[str, st.SearchStrategy[Any]], needed: set[str]
) -> st.SearchStrategy[dict[str, Any]]:
    if shape.union:
        return st.one_of([st.fixed_dictionaries({name: made[name]}) for name in made])
    optional = [name for name in made if name not in needed]

    @st.composite
    def some(draw: st.DrawFn) -> dict[str, Any]:
        # Of few members nearly all, of many a handful.
        least = min(len(optional), draw(st.integers(0, 4)))
        some_of = st.lists(st.sampled_from(optional), unique=True, min_size=least, max_size=6)
        chosen = draw(some_of) if optional else []
        names = draw(st.permutations([*sorted(needed & made.keys()), *chosen]))
        return {name: draw(made[name]) for name in names}

    return some()


def _is_scalar(shape: Shape) -> bool:
    return shape.kind in SCALARS


def _scalar(shape: Shape, place: str) -> st.SearchStrategy[Any]:
    if shape.kind in ("string", "character"):
        return _text(shape, place)
    if shape.kind == "blob":
        return st.binary(max_size=12) | st.just("text")
    if shape.kind == "boolean":
        return st.booleans()
    if shape.kind == "timestamp":
        return TIMESTAMPS
    least, most = shape.min, shape.max
    if shape.kind in ("float", "double"):
        return st.floats(least, most) | st.integers(
            -1000 if least is None else int(least), 1000 if most is None else int(most)
        )
    bits = 31 if shape.kind == "integer" else 63
    return st.integers(
        -(2**bits) if least is None else int(least), 2**bits - 1 if most is None else int(most)
    )


def _text(shape: Shape, place: str) -> st.SearchStrategy[str]:
    if shape.host:
        return st.text(_TOKEN, min_size=1, max_size=12)
    made = {"header": HEADER_TEXT, "headers": ASCII_TEXT, "ascii": ASCII_TEXT}.get(place, TEXT)
    least = int(shape.min or 0) or (1 if place == "uri" else 0)
    return made.map(lambda text: text if len(text) >= least else text + "x" * least)


# --- descriptions

_NAMESPACES: st.SearchStrategy[dict[str, str]] = st.sampled_from(
    [
        {"uri": "http://one.example/"},
        {"uri": "http://two.example/"},
        {"uri": "http://three.example/", "prefix": "three"},
    ]
)


def descriptions() -> st.SearchStrategy[dict[str, Any]]:
    """A service with one operation, whose input uses any of the protocol's traits."""
    return _places() | _documents()


@st.composite
def _places(draw: st.DrawFn) -> dict[str, Any]:
    """An input of labels, headers and a query, whose payload is a text or none."""
    builder = _Builder(draw)
    members: dict[str, Any] = {}
    path, host_prefix = builder.labels(members)
    builder.elsewhere(members)
    shape: dict[str, Any] = {"type": "structure", "members": members}
    if kind := draw(st.sampled_from(["", "string", "blob"])):
        shape["payload"] = "Payload"
        members["Payload"] = {"shape": builder.add({"type": kind})}
    return _service(draw, builder, shape, path, host_prefix)


@st.composite
def _documents(draw: st.DrawFn) -> dict[str, Any]:
    """An input that is a document, or has one as its payload."""
    builder = _Builder(draw)
    members: dict[str, Any] = {}
    shape: dict[str, Any] = {"type": "structure", "members": members}
    if draw(st.booleans()):
        shape["payload"] = "Payload"
        namespace = {"xmlNamespace": draw(_NAMESPACES)} if draw(st.booleans()) else {}
        used = {"shape": builder.structure(2), "locationName": "Document"}
        members["Payload"] = {**used, **namespace}
    else:
        members.update(builder.members(2))
    return _service(draw, builder, shape, "/", "")


def _service(
    draw: st.DrawFn, builder: _Builder, shape: dict[str, Any], path: str, host_prefix: str
) -> dict[str, Any]:
    builder.shapes["Input"] = shape
    reference: dict[str, Any] = {"shape": "Input", "locationName": "Request"}
    if draw(st.booleans()):
        reference.update(xmlNamespace=draw(_NAMESPACES))
    operation: dict[str, Any] = {
        "name": "Operation",
        "http": {"method": draw(st.sampled_from(["GET", "POST", "PUT"])), "requestUri": path},
        "input": reference,
    }
    if host_prefix:
        operation["endpoint"] = {"hostPrefix": host_prefix}
    return {
        "metadata": {"protocol": "rest-xml", "apiVersion": "2020-01-01", "serviceId": "Example"},
        "operations": {"Operation": operation},
        "shapes": builder.shapes,
    }


class _Builder:
    """Makes shapes and gives them names."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.shapes: dict[str, Any] = {}

    def add(self, shape: dict[str, Any]) -> str:
        name = f"Shape{len(self.shapes)}"
        self.shapes[name] = shape
        return name

    def labels(self, members: dict[str, Any]) -> tuple[str, str]:
        """The members of a path and of a host's prefix, and the two templates."""
        draw = self.draw
        path = "/2020-01-01"
        for index in range(draw(st.integers(0, 2))):
            kind = draw(st.sampled_from([k for k in SCALARS if k != "blob"]))
            members[f"Label{index}"] = self._bound({"type": kind}, "uri", f"label{index}")
            path += f"/{{label{index}}}"
        if draw(st.booleans()):
            members["Greedy"] = self._bound({"type": "string"}, "uri", "Greedy")
            path += "/{Greedy+}"
        path += draw(st.sampled_from(["", "?constant", "?constant=1", "?constant=1&second"]))
        host_prefix = draw(st.sampled_from(["", "data.{Host}."]))
        if host_prefix:
            bound = self._bound({"type": "string"}, "header", "x-host")
            members["Host"] = {**bound, "hostLabel": True}
        return path, host_prefix

    def elsewhere(self, members: dict[str, Any]) -> None:
        """Members in headers and in the query."""
        draw = self.draw
        for index in range(draw(st.integers(0, 3))):
            members[f"Header{index}"] = self._bound(self._plain(), "header", f"x-header-{index}")
        for index in range(draw(st.integers(0, 3))):
            members[f"Query{index}"] = self._bound(self._plain(), "querystring", f"query{index}")
        strings = self.add({"type": "string"})
        if draw(st.booleans()):
            shape = {"type": "map", "key": {"shape": strings}, "value": {"shape": strings}}
            members["Headers"] = self._bound(shape, "headers", "x-prefix-")
        if draw(st.booleans()):
            held = draw(
                st.sampled_from([strings, self.add({"type": "list", "member": {"shape": strings}})])
            )
            shape = {"type": "map", "key": {"shape": strings}, "value": {"shape": held}}
            members["QueryMap"] = self._bound(shape, "querystring", "ignored")

    def _plain(self) -> dict[str, Any]:
        """A scalar, or a list of them."""
        kind = self.draw(st.sampled_from([k for k in SCALARS if k != "blob"]))
        shape = self._timed({"type": kind})
        if self.draw(st.integers(0, 2)):
            return shape
        return {"type": "list", "member": {"shape": self.add(shape)}}

    def _timed(self, shape: dict[str, Any]) -> dict[str, Any]:
        if shape["type"] == "timestamp" and self.draw(st.booleans()):
            shape["timestampFormat"] = self.draw(st.sampled_from(_TIMES))
        return shape

    def _bound(self, shape: dict[str, Any], location: str, name: str) -> dict[str, Any]:
        return {"shape": self.add(shape), "location": location, "locationName": name}

    def members(self, depth: int) -> dict[str, Any]:
        return {
            f"Member{index}": self._reference(depth)
            for index in range(self.draw(st.integers(0, 4)))
        }

    def _reference(self, depth: int) -> dict[str, Any]:
        draw = self.draw
        kinds = ["list", "map", "structure", draw(st.sampled_from(SCALARS))]
        kind = draw(st.sampled_from(kinds if depth else kinds[-1:]))
        if kind == "structure":
            name = self.structure(depth - 1)
        elif kind in ("list", "map"):
            name = self._aggregate(kind, depth - 1)
        else:
            name = self.add(self._timed({"type": kind}))
        reference: dict[str, Any] = {"shape": name}
        if draw(st.booleans()):
            reference["locationName"] = draw(st.sampled_from(["renamed", "Name", "n"]))
        if draw(st.booleans()):
            reference.update(xmlNamespace=draw(_NAMESPACES))
        return reference

    def structure(self, depth: int) -> str:
        members = self.members(depth)
        name = self.add({"type": "structure", "members": members})
        if self.draw(st.integers(0, 3)) == 0:
            members["Itself"] = {"shape": name}
        if self.draw(st.integers(0, 3)) == 0:
            members["Attribute"] = {
                "shape": self.add({"type": "string"}),
                "locationName": "kind",
                "xmlAttribute": True,
            }
        return name

    def _aggregate(self, kind: str, depth: int) -> str:
        shape: dict[str, Any] = {"type": kind}
        if kind == "list":
            shape["member"] = self._reference(depth)
        else:
            shape["key"] = {"shape": self.add({"type": "string"})}
            shape["value"] = self._reference(depth)
            if self.draw(st.booleans()):
                shape["key"]["locationName"] = "Attribute"
        if self.draw(st.booleans()):
            shape["flattened"] = True
        return self.add(shape)
