"""Parameters held against an operation's description, before anything is sent.

Each problem is one sentence that begins with the parameter's path: ``Delete.Objects[3].Key is
missing``. Values are shown cut short, and not at all where they are secret.
"""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Callable, Mapping
from typing import SupportsFloat

from ...errors import ParamValidationError
from .. import checksums
from ..header_values import metadata_name
from ..header_values import text as header_text
from ..model.shapes import Operation, Shape
from ..timestamps import instant

_SHOWN = 60
"""Characters of a value in a message."""

# As tuples, which cost a third of what unions do; and most are dicts, so the slow look comes last.
_DICTS = (dict, Mapping)
_LISTS = (list, tuple)
_BYTES = (bytes, bytearray, memoryview)
_SHOWABLE = (str, bytes, int, float)

_INTEGERS = {"integer": 2**31, "long": 2**63}
_SECRETS = ("CustomerKey",)
"""How the names of members end that hold a customer's key, whatever the description says."""

_HOST_LABEL = r"[A-Za-z0-9.-]+"

_shown = reprlib.Repr()
_shown.maxstring = _shown.maxother = _shown.maxlong = _SHOWN

Problems = list[str]


def check(operation: Operation, params: Mapping[str, object]) -> None:
    """Raise ``ParamValidationError`` with all that is wrong with *params*, if anything is.

    The body of a streaming operation may be missing: it is sent beside the parameters.
    """
    problems: Problems = []
    if operation.input is None:
        problems += [f"{name} is unknown: {operation.name} takes nothing" for name in params]
    elif not isinstance(params, _DICTS):
        problems.append(f"the parameters must be a dict, not {type(params).__name__}")
    else:
        _check_input(operation, operation.input, params, problems)
        if operation.checksum_algorithm:
            _check_algorithm(operation, operation.input, params, problems)
    if problems:
        raise ParamValidationError(operation.name, problems)


def _check_input(
    operation: Operation, shape: Shape, params: Mapping[str, object], problems: Problems
) -> None:
    for name in (*shape.required, *operation.labels):
        if params.get(name) is None and name != operation.stream:
            problem = f"{name} is missing"
            if problem not in problems:
                problems.append(problem)
    members = shape.members
    for name, value in params.items():
        member = members.get(name)
        if member is None:
            problems.append(_unknown(name, "", operation.name, members))
        elif value is not None:
            _CHECKS[member.kind](member, value, name, member.location, problems)
            if value == "" and member.location == "querystring" and name in shape.required:
                # Servers overlook it, and DELETE ?uploadId= would delete the object.
                problems.append(f"{name} must not be empty")
    if shape.union:
        _check_union(shape, params, "the input", problems)


def _check_algorithm(
    operation: Operation, shape: Shape, params: Mapping[str, object], problems: Problems
) -> None:
    name = params.get(operation.checksum_algorithm)
    if not isinstance(name, str):
        return
    known = name.upper() in checksums.ALGORITHMS
    if known and checksums.is_affordable(name, 0):
        return
    of_name = (
        called
        for called, member in shape.members.items()
        if checksums.algorithm_of(member.name) == name.upper()
    )
    if all(params.get(called) is None for called in of_name):
        advice = "install the extra [checksums]"
        if not known:
            advice = f"take one of {', '.join(checksums.ALGORITHMS)}"
        problems.append(
            f"{operation.checksum_algorithm} {_value(name)} cannot be computed here: "
            f"{advice}, or give the checksum itself"
        )


def _structure(shape: Shape, value: object, path: str, place: str, problems: Problems) -> None:
    if not isinstance(value, _DICTS):
        problems.append(f"{path} must be a dict, not {_of(shape, value, path)}")
        return
    members = shape.members
    for name in shape.required:
        if value.get(name) is None:
            problems.append(f"{path}.{name} is missing")
    for name, given in value.items():
        member = members.get(name)
        if member is None:
            problems.append(_unknown(name, f"{path}.", path, members))
        elif given is not None:
            _CHECKS[member.kind](member, given, f"{path}.{name}", place, problems)
    if shape.union:
        _check_union(shape, value, path, problems)


def _check_union(shape: Shape, value: Mapping[str, object], path: str, problems: Problems) -> None:
    count = sum(given is not None for given in value.values())
    if count != 1:
        problems.append(
            f"{path} must have exactly one of {', '.join(shape.members)}, not {count} of them"
        )


def _list(shape: Shape, value: object, path: str, place: str, problems: Problems) -> None:
    if not isinstance(value, _LISTS):
        problems.append(f"{path} must be a list, not {_of(shape, value, path)}")
        return
    _length(shape, len(value), path, "items", problems)
    item = shape.item
    check_item = _CHECKS[item.kind]
    for index, given in enumerate(value):
        check_item(item, given, f"{path}[{index}]", place, problems)


def _map(shape: Shape, value: object, path: str, place: str, problems: Problems) -> None:
    if not isinstance(value, _DICTS):
        problems.append(f"{path} must be a dict, not {_of(shape, value, path)}")
        return
    _length(shape, len(value), path, "entries", problems)
    if place == "headers":
        _check_header_names(shape.name, value, path, problems)
    key, held = shape.key, shape.value
    check_key, check_held = _CHECKS[key.kind], _CHECKS[held.kind]
    for name, given in value.items():
        if not isinstance(name, str):
            problems.append(f"{path} must have names of type str, not {_value(name)}")
            continue
        within = f"{path}.{_key(name)}"
        check_key(key, name, within, place, problems)
        check_held(held, given, within, place, problems)


def _check_header_names(
    prefix: str, value: Mapping[object, object], path: str, problems: Problems
) -> None:
    seen: set[str] = set()
    for name in value:
        if not isinstance(name, str):
            continue  # Told where the entry itself is looked at.
        within = f"{path}.{_key(name)}"
        try:
            metadata_name(prefix + name if name else name)
        except ValueError:
            problems.append(f"{within}: {_value(prefix + name)} cannot be the name of a header")
        if name.lower() in seen:
            problems.append(f"{within} is there twice; its case makes no difference")
        seen.add(name.lower())


def _string(shape: Shape, value: object, path: str, place: str, problems: Problems) -> None:
    if shape.json:
        _json(value, path, problems)
        return
    if not isinstance(value, str):
        problems.append(f"{path} must be a str, not {_of(shape, value, path)}")
        return
    if shape.min is not None or shape.max is not None:
        _length(shape, len(value), path, "characters", problems)
    if shape.host and not re.fullmatch(_HOST_LABEL, value):
        problems.append(
            f"{path} becomes a part of the host's name, of letters, digits, hyphens and dots: "
            f"{_of(shape, value, path)}"
        )
    if place == "uri" and not value and not shape.min:
        problems.append(f"{path} must not be empty")
    if value.isascii() and value.isprintable():
        return
    if place in {"header", "headers"}:
        try:
            header_text(path, value)
        except ValueError:
            problems.append(
                f"{path} has a line break, another control character or a lone surrogate in it, "
                f"which a header cannot carry: {_of(shape, value, path)}"
            )
    elif not value.isascii():
        # Keys that are no UTF-8 keep their stray bytes in URLs; XML has no room for them.
        errors = "surrogateescape" if place else "strict"
        try:
            value.encode("utf-8", errors)
        except UnicodeEncodeError:
            problems.append(
                f"{path} has a lone surrogate in it, which has no UTF-8 form: "
                f"{_of(shape, value, path)}"
            )


def _json(value: object, path: str, problems: Problems) -> None:
    try:
        json.dumps(value)
    except (TypeError, ValueError) as error:
        problems.append(f"{path} must be something that JSON has: {error}")


def _integer(shape: Shape, value: object, path: str, place: str, problems: Problems) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        problems.append(f"{path} must be an int, not {_of(shape, value, path)}")
        return
    limit = _INTEGERS[shape.kind]
    if not -limit <= value < limit:
        bits = limit.bit_length()
        problems.append(f"{path} must fit into {bits} bits: {_of(shape, value, path)}")
    _range(shape, value, path, problems)


def _float(shape: Shape, value: object, path: str, place: str, problems: Problems) -> None:
    # Decimal among them, which is not worth its import.
    if isinstance(value, bool) or not isinstance(value, SupportsFloat):
        problems.append(f"{path} must be a float, not {_of(shape, value, path)}")
        return
    try:
        number = float(value)
    except (OverflowError, ValueError):
        problems.append(f"{path} is no float: {_of(shape, value, path)}")
        return
    _range(shape, number, path, problems)


def _boolean(shape: Shape, value: object, path: str, place: str, problems: Problems) -> None:
    if not isinstance(value, bool):
        problems.append(f"{path} must be a bool, not {_of(shape, value, path)}")


def _timestamp(shape: Shape, value: object, path: str, place: str, problems: Problems) -> None:
    try:
        instant(value)
    except TypeError:
        problems.append(
            f"{path} must be a datetime, a date as text or seconds since 1970, "
            f"not {_of(shape, value, path)}"
        )
    except ValueError:
        problems.append(f"{path} is no time: {_of(shape, value, path)}")


def _blob(shape: Shape, value: object, path: str, place: str, problems: Problems) -> None:
    if isinstance(value, str):
        _string(shape, value, path, "", problems)
    elif not isinstance(value, _BYTES):
        problems.append(f"{path} must be bytes or a str, not {_of(shape, value, path)}")
    elif shape.min is not None or shape.max is not None:
        _length(shape, memoryview(value).nbytes, path, "bytes", problems)


_CHECKS: dict[str, Callable[[Shape, object, str, str, Problems], None]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "character": _string,
    "integer": _integer,
    "long": _integer,
    "float": _float,
    "double": _float,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "blob": _blob,
}


def _range(shape: Shape, value: float, path: str, problems: Problems) -> None:
    if shape.min is not None and value < shape.min:
        problems.append(f"{path} must be at least {shape.min}: {_of(shape, value, path)}")
    if shape.max is not None and value > shape.max:
        problems.append(f"{path} must be at most {shape.max}: {_of(shape, value, path)}")


def _length(shape: Shape, length: int, path: str, unit: str, problems: Problems) -> None:
    if shape.min is not None and length < shape.min:
        problems.append(f"{path} must have at least {shape.min} {unit}, not {length}")
    if shape.max is not None and length > shape.max:
        problems.append(f"{path} must have at most {shape.max} {unit}, not {length}")


def _unknown(name: object, prefix: str, where: str, members: Mapping[str, Shape]) -> str:
    shown = name if isinstance(name, str) and len(name) <= _SHOWN else _value(name)
    return f"{prefix}{shown} is unknown: {where} takes {', '.join(members)}"


def _of(shape: Shape, value: object, path: str) -> str:
    """A value for a message: of what is secret, or is no scalar, its type alone."""
    if shape.secret or path.endswith(_SECRETS):
        return type(value).__name__
    return _value(value)


def _key(name: str) -> str:
    """A map's key, as a step of a path."""
    return name if len(name) <= _SHOWN else _value(name)


def _value(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 4 * _SHOWN:
        return f"an int of {value.bit_length()} bits"
    if isinstance(value, _SHOWABLE):
        return _shown.repr(value)
    return type(value).__name__
