"""Parameters that a whole call can be made with, where the description alone does not say it.

``calls`` draws them, ``full_calls`` has every optional member in them, ``broken_calls`` has one
thing wrong.
"""

from __future__ import annotations

import datetime
from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from hypothesis import strategies as st

from aiohttp_s3_client.protocol.model.shapes import Operation, Shape

from ..protocol.rest_xml_models import parameters

BUCKETS = ("bucket", "my.bucket-1", "b" * 63)
KEYS = ("a key", "/a//b/../c/.", "ünï✓", "a%20b+c?d=e&f#g", "~*'()!;:@$,", "\t\n", "tail/")
SOURCES: tuple[Any, ...] = (
    "source/key",
    "/source/a key",
    "source/a+b%20c?versionId=1",
    "source/ü?x&versionId=abc",
    {"Bucket": "source", "Key": "a key?x%20"},
    {"Bucket": "source", "Key": "ü/+", "VersionId": "v.1"},
)
ALGORITHMS = ("CRC32", "SHA1", "SHA256")
"""Those that botocore computes without a library of its own."""
RAW_KEYS_HERE_ONLY = ("GetObjectAttributes", "ListParts")
_CUSTOMER_KEYS = ("SSECustomerKey", "CopySourceSSECustomerKey")
_TIME = datetime.datetime(2026, 2, 3, 4, 5, 6, tzinfo=datetime.UTC)
_DEEPEST = 8

Values = dict[str, Any]
Choose = Callable[[tuple[Any, ...]], Any]


# --- what is valid


@st.composite
def calls(draw: st.DrawFn, operation: Operation) -> Values:
    """What *operation* can be called with: all required members, some of the others."""
    return _fitted(
        operation, draw(parameters(operation)), lambda choices: draw(st.sampled_from(choices))
    )


def full_calls(operation: Operation) -> list[Values]:
    """Calls of which each has every member; every member of a union is in one of them."""
    shape = operation.input
    if shape is None:
        return [{}]
    found: list[Values] = []
    for number in range(_variants(shape, 0)):
        for has_checksums in (False, True):
            made = {
                name: _full(member, number, member.location, _DEEPEST)
                for name, member in shape.members.items()
                if has_checksums or not _is_checksum(name, member)
            }
            found.append(_fitted(operation, made, partial(_nth, number)))
    return found


def _nth(number: int, choices: tuple[Any, ...]) -> Any:
    return choices[number % len(choices)]


def _is_checksum(name: str, member: Shape) -> bool:
    return (
        member.location == "header"
        and (name == "ContentMD5" or name.startswith("Checksum"))
        and (name not in ("ChecksumAlgorithm", "ChecksumMode", "ChecksumType"))
    )


def _fitted(operation: Operation, params: Values, choose: Choose) -> Values:
    """*params* with values that mean something where any text will not do."""
    fitted = dict(params)
    algorithm = operation.checksum_algorithm
    if "Bucket" in fitted:
        fitted["Bucket"] = choose(BUCKETS)
    if "Key" in fitted:
        fitted["Key"] = choose((fitted["Key"], *KEYS))
    if "CopySource" in fitted:
        fitted["CopySource"] = choose(SOURCES)
    if algorithm in fitted:
        fitted[algorithm] = choose(ALGORITHMS)
    if operation.stream and fitted.pop("ContentLength", None) is not None:
        body = fitted.get(operation.stream)
        if body is not None:
            fitted["ContentLength"] = len(body)
    for name in _CUSTOMER_KEYS:
        fitted.pop(f"{name}MD5", None)
        if name in fitted:
            # boto3 encodes keys in some operations only.
            raw = () if operation.name in RAW_KEYS_HERE_ONLY else ("k" * 32, b"\x80" * 32)
            fitted[name] = choose((*raw, "given"))
        if fitted.get(name) == "given":
            fitted[name] = fitted[f"{name}MD5"] = b64encode(b"k" * 16).decode()
    return fitted


def _variants(shape: Shape, depth: int) -> int:
    """How many calls it takes to have every member of each union."""
    inner = list(_inner(shape))
    if depth > _DEEPEST or not inner:
        return 1
    most = max(_variants(each, depth + 1) for each in inner)
    return max(most, len(inner)) if shape.union else max(most, 2 if depth == 0 else 1)


def _inner(shape: Shape) -> Iterator[Shape]:
    if shape.kind == "structure":
        yield from shape.members.values()
    elif shape.kind == "list":
        yield shape.item
    elif shape.kind == "map":
        yield from (shape.key, shape.value)


def _full(shape: Shape, number: int, place: str, depth: int) -> Any:
    if shape.kind == "structure":
        names = list(shape.members)
        if shape.union:
            names = [names[number % len(names)]]
        return {
            name: _full(shape.members[name], number, place, depth - 1)
            for name in names
            if depth > 0
        }
    if shape.kind == "list":
        count = max(2, int(shape.min or 0))
        if shape.max is not None:
            count = min(count, int(shape.max))
        return [_full(shape.item, number + n, place, depth - 1) for n in range(count)]
    if shape.kind == "map":
        value = _full(shape.value, number, "ascii", depth - 1)
        return {"a": value, "b-2": value}
    return _scalar(shape, number, place)


def _scalar(shape: Shape, number: int, place: str) -> Any:
    if shape.kind in ("string", "character"):
        text = f'a "b", c/d+e=f%20&<{number}>'
        text += "" if shape.host or place == "ascii" else "ünï✓"
        if shape.host:
            text = f"label-{number}"
        least = int(shape.min or 0)
        return text + "x" * (least - len(text))
    least = int(shape.min or 0)
    return {
        "boolean": number % 2 == 0,
        "timestamp": _TIME + datetime.timedelta(days=number),
        "blob": (b"\0\xff bytes", "text ü"[:4])[number % 2],
        "integer": least + number,
        "long": least + number,
        "float": least + number + 0.5,
        "double": least + number + 0.5,
    }[shape.kind]


# --- what is not


class Broken(NamedTuple):
    """Parameters with one thing wrong."""

    params: Values
    path: str
    """Of what is wrong."""


_WRONG: dict[str, tuple[Any, ...]] = {
    "structure": ("text", [], 5),
    "list": ("text", {}, 5),
    "map": ("text", [], 5),
    "string": (5, b"bytes", ["list"]),
    "character": (5, b"bytes"),
    "boolean": ("true", 1, []),
    "timestamp": ("no time", [], {}),
    "blob": (5, {}),
    "integer": ("5", 1.5, []),
    "long": ("5", 1.5, []),
    "float": ("5", []),
    "double": ("5", []),
}  # fmt: skip


def broken_calls(operation: Operation) -> st.SearchStrategy[Broken]:
    """Calls of which each has an unknown member, a value of a wrong type, or lacks a member."""
    return _broken(operation)


@st.composite
def _broken(draw: st.DrawFn, operation: Operation) -> Broken:
    params = draw(calls(operation))
    shape = operation.input
    if shape is None:
        return Broken({"Unknown": "x"}, "Unknown")
    places = list(_places(shape, params, ""))
    within, holder, path = draw(st.sampled_from(places))
    choices = ["unknown"]
    # boto3 looks at these before it looks at types, and then fails in ways of its own.
    early = () if path else ("Bucket", "CopySource", *_CUSTOMER_KEYS)
    present = [name for name in holder if name not in early]
    required = [name for name in within.required if name in holder and name != operation.stream]
    choices += ["type"] * 2 if present else []
    choices += ["missing"] if required else []
    how = draw(st.sampled_from(choices))
    if how == "unknown":
        holder["Unknown"] = "x"
        return Broken(params, f"{path}Unknown")
    if how == "missing":
        name = draw(st.sampled_from(required))
        del holder[name]
        return Broken(params, f"{path}{name}")
    name = draw(st.sampled_from(present))
    holder[name] = draw(st.sampled_from(_WRONG[within.members[name].kind]))
    return Broken(params, f"{path}{name}")


def _places(shape: Shape, value: Any, path: str) -> Iterator[tuple[Shape, Values, str]]:
    """The structures in *value*, and the paths to them with what goes between."""
    if shape.kind == "structure" and isinstance(value, dict):
        yield shape, value, path
        for name, held in value.items():
            if name in shape.members and name != "CopySource":
                yield from _places(shape.members[name], held, f"{path}{name}.")
    elif shape.kind == "list":
        for index, held in enumerate(value):
            yield from _places(shape.item, held, f"{path[:-1]}[{index}].")
