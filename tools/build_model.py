"""Makes the package's model of S3 from the service description that ships with botocore.

::

    python -m tools.build_model            write protocol/model/*, api.pyi
    python -m tools.build_model --check    say which of them differ, and fail if one does

botocore is needed here and nowhere at run time; the version that the files were made from is
the one that pyproject.toml pins. What the files hold is facts: names, places, types. No text of
AWS's documentation is copied.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .typing_stub import snake, stub

PACKAGE = Path(__file__).resolve().parent.parent / "aiohttp_s3_client"
_API_VERSION = "2006-03-01"

_SCALARS = frozenset(
    {
        "blob", "boolean", "character", "double", "float", "integer", "long", "string",
        "timestamp",
    }
)  # fmt: skip
_AGGREGATES = frozenset({"list", "map", "structure"})

_FACTS = {
    "eventpayload": "event_payload",
    "eventheader": "event_header",
    "eventstream": "events",
    "flattened": "flat",
    "hostLabel": "host",
    "idempotencyToken": "token",
    "jsonvalue": "json",
    "location": "in",
    "locationName": "name",
    "max": "max",
    "min": "min",
    "payload": "payload",
    "required": "required",
    "sensitive": "secret",
    "streaming": "stream",
    "timestampFormat": "time",
    "union": "union",
    "xmlAttribute": "attribute",
}
"""What the engine reads of a shape or of a reference to one, and what it is called here."""


def compact(model: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a rest-xml service description that serialising and parsing need.

    *model* is as botocore's ``service-2.json`` holds it: ``operations``, ``shapes`` and, for S3,
    more. Only shapes that an operation or an error reaches are kept. Raises ``ValueError`` for a
    description of another protocol and for types that rest-xml does not have.
    """
    protocol = model.get("metadata", {}).get("protocol", "rest-xml")
    if protocol != "rest-xml":
        raise ValueError(f"metadata.protocol must be rest-xml, not {protocol!r}")
    shapes = model.get("shapes", {})
    operations = {
        name: _operation(name, facts, shapes) for name, facts in sorted(model["operations"].items())
    }
    errors = {
        shape.get("error", {}).get("code", name): f"#{name}"
        for name, shape in sorted(shapes.items())
        if shape.get("exception")
    }
    kept: dict[str, Any] = {}
    roots = [op[side] for op in operations.values() for side in ("input", "output") if side in op]
    _keep([*roots, *errors.values()], shapes, kept)
    return {"operations": operations, "errors": errors, "shapes": dict(sorted(kept.items()))}


def _operation(name: str, facts: Mapping[str, Any], shapes: Mapping[str, Any]) -> dict[str, Any]:
    http = facts.get("http", {})
    made: dict[str, Any] = {
        "method": http.get("method", "POST"),
        "path": http.get("requestUri", "/"),
    }
    for side in ("input", "output"):
        if side in facts:
            made[side] = _reference(facts[side], shapes)
    checksum = facts.get("httpChecksum", {})
    if checksum.get("requestChecksumRequired") or facts.get("httpChecksumRequired"):
        made["checksum_required"] = True
    for fact, called in (
        ("requestAlgorithmMember", "checksum_algorithm"),
        ("requestValidationModeMember", "checksum_mode"),
    ):
        if fact in checksum:
            made[called] = checksum[fact]
    if "hostPrefix" in facts.get("endpoint", {}):
        made["host_prefix"] = facts["endpoint"]["hostPrefix"]
    if facts.get("unsignedPayload") or facts.get("authtype") == "v4-unsigned-body":
        made["unsigned_payload"] = True
    context = facts.get("staticContextParams", {})
    if context.get("UseObjectLambdaEndpoint", {}).get("value"):
        made["service"] = "s3-object-lambda"
    return made


def _reference(reference: Mapping[str, Any], shapes: Mapping[str, Any]) -> Any:
    """A use of a shape: its type, and what is true of it in this place."""
    name = reference["shape"]
    shape = shapes[name]
    kind = shape["type"]
    if kind in _SCALARS:
        facts = {"is": kind, **_facts(shape), **_facts(reference)}
    elif kind in _AGGREGATES:
        facts = {"is": f"#{name}", **_facts(reference)}
    else:
        raise ValueError(f"shape {name}: rest-xml has no type {kind!r}")
    return facts["is"] if len(facts) == 1 else facts


def _facts(traits: Mapping[str, Any]) -> dict[str, Any]:
    facts = {
        called: traits[trait]
        for trait, called in sorted(_FACTS.items())
        # An empty name is one too: of headers that begin with nothing in particular.
        if traits.get(trait) or (trait == "locationName" and trait in traits)
    }
    # A bound of 0 says something of numbers alone; as a length it is always kept.
    if traits.get("type") in ("integer", "long", "float", "double"):
        facts |= {bound: traits[bound] for bound in ("min", "max") if bound in traits}
    if "xmlNamespace" in traits:
        namespace = traits["xmlNamespace"]
        uri = namespace if isinstance(namespace, str) else namespace["uri"]
        prefix = "" if isinstance(namespace, str) else namespace.get("prefix", "")
        facts["namespace"] = [prefix, uri]
    return facts


def _keep(references: list[Any], shapes: Mapping[str, Any], kept: dict[str, Any]) -> None:
    """Put every structure, list and map that *references* reach into *kept*."""
    waiting = list(references)
    while waiting:
        reference = waiting.pop()
        target = reference if isinstance(reference, str) else reference["is"]
        name = target.removeprefix("#")
        if name == target or name in kept:
            continue
        kept[name] = made = _aggregate(shapes[name], shapes)
        waiting.extend(_within(made))


def _aggregate(shape: Mapping[str, Any], shapes: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"type": shape["type"], **_facts(shape)}
    if shape["type"] == "structure":
        made["members"] = {
            name: _reference(member, shapes) for name, member in shape.get("members", {}).items()
        }
    elif shape["type"] == "list":
        made["item"] = _reference(shape["member"], shapes)
    else:
        made["key"] = _reference(shape["key"], shapes)
        made["value"] = _reference(shape["value"], shapes)
    return made


def _within(shape: Mapping[str, Any]) -> Iterator[Any]:
    yield from shape.get("members", {}).values()
    for role in ("item", "key", "value"):
        if role in shape:
            yield shape[role]


def without_bodies(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Of what ``compact`` makes, what requests are made of beside their bodies.

    ``body`` names the members that are the body or in it. Nothing is said of checksums and of
    tokens, which are for who sends the body.
    """
    operations: dict[str, Any] = {}
    shapes: dict[str, Any] = {}
    for name, operation in facts["operations"].items():
        operations[name] = made = {
            fact: value
            for fact, value in operation.items()
            if fact != "output" and not fact.startswith("checksum_")
        }
        if "input" in operation:
            target = _target(operation["input"])
            shape = facts["shapes"][target]
            members = {
                called: _without_token(member)
                for called, member in shape["members"].items()
                if isinstance(member, Mapping) and "in" in member
            }
            shapes[target] = {
                "type": "structure",
                "required": [called for called in shape.get("required", ()) if called in members],
                "members": members,
            }
            shapes |= {
                target: facts["shapes"][target]
                for target in map(_target, members.values())
                if target in facts["shapes"]
            }
            if body := [called for called in shape["members"] if called not in members]:
                made["body"] = body
    return {"operations": operations, "errors": {}, "shapes": dict(sorted(shapes.items()))}


def _target(reference: str | Mapping[str, Any]) -> str:
    target: str = reference if isinstance(reference, str) else reference["is"]
    return target.removeprefix("#")


def _without_token(member: Mapping[str, Any]) -> dict[str, Any]:
    return {fact: value for fact, value in member.items() if fact != "token"}


# --- the files


def service() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The installed botocore's description of S3, its paginators and its waiters."""
    # Here alone: `compact` is for whoever has a description and no botocore.
    import botocore  # noqa: PLC0415

    folder = Path(botocore.__file__).parent / "data" / "s3" / _API_VERSION
    model, paginators, waiters = (
        _data(folder, name) for name in ("service-2", "paginators-1", "waiters-2")
    )
    return model, paginators["pagination"], waiters["waiters"]


def _data(folder: Path, name: str) -> dict[str, Any]:
    """One of botocore's files, with what its authors correct in a second one."""
    packed = folder / f"{name}.json.gz"
    data = (
        gzip.decompress(packed.read_bytes())
        if packed.exists()
        else (folder / f"{name}.json").read_bytes()
    )
    found: dict[str, Any] = json.loads(data)
    extras = folder / f"{name}.sdk-extras.json"
    if extras.exists():
        _merge(found, json.loads(extras.read_bytes())["merge"])
    return found


def _merge(into: dict[str, Any], extras: Mapping[str, Any]) -> None:
    for name, value in extras.items():
        if isinstance(value, Mapping) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


def files() -> dict[Path, str]:
    """Each generated file and what it has to hold."""
    model, paginators, waiters = service()
    facts = {**compact(model), "paginators": paginators, "waiters": waiters}
    folder = PACKAGE / "protocol" / "model"
    return {
        folder / "s3.json": _json(facts),
        folder / "names.py": _names(model, paginators, waiters),
        folder / "links.py": _links(facts),
        folder / "endpoint_params.py": _endpoint_params(model),
        PACKAGE / "api.pyi": stub(model, paginators, waiters),
    }


def _json(facts: Mapping[str, Any]) -> str:
    """One line for each operation and shape, so that a new version shows what it changes."""
    sections = []
    for section, entries in facts.items():
        lines = [
            f"{json.dumps(name)}:{json.dumps(entry, separators=(',', ':'))}"
            for name, entry in entries.items()
        ]
        sections.append(f"{json.dumps(section)}:{{\n" + ",\n".join(lines) + "\n}")
    return "{" + ",\n".join(sections) + "}\n"


def _links(facts: Mapping[str, Any]) -> str:
    """The facts that links are made of, as text in a module: read with the package, not later."""
    lines = [
        '"""Generated by tools/build_model.py: what requests are made of beside their bodies."""',
        "",
        f'FACTS = r"""{_json(without_bodies(facts))}"""',
    ]
    return "\n".join(lines) + "\n"


def _endpoint_params(model: Mapping[str, Any]) -> str:
    """What the endpoint rules are told of single operations.

    Operations stand there as S3 calls them, and as ``protocol.operations`` calls those that are
    made by hand: ``GET ?policy``.
    """
    lines = [
        '"""Generated by tools/build_model.py: operations that endpoint rules know by name."""',
        "",
    ]
    for constant, parameter in (
        ("EXPRESS_CONTROL", "UseS3ExpressControlEndpoint"),
        ("NO_EXPRESS_SESSION", "DisableS3ExpressSessionAuth"),
        ("NO_ACCESS_POINT", "DisableAccessPoints"),
    ):
        found: set[str] = set()
        for name, operation in model["operations"].items():
            if operation.get("staticContextParams", {}).get(parameter, {}).get("value"):
                http = operation["http"]
                path, _, query = http["requestUri"].partition("?")
                by_hand = f"{http['method']} ?{re.split('[=&]', query)[0]}"
                found |= {name, by_hand} if query and path == "/{Bucket}" else {name}
        lines += [f"{constant} = frozenset(", "    {"]
        lines += [f'        "{name}",' for name in sorted(found)]
        lines += ["    }", ")"]
    return "\n".join(lines) + "\n"


def _names(
    model: Mapping[str, Any], paginators: Mapping[str, Any], waiters: Mapping[str, Any]
) -> str:
    lines = ['"""Generated by tools/build_model.py: what the methods of ``Api`` are called."""', ""]
    for constant, found in (
        ("OPERATIONS", model["operations"]),
        ("PAGINATORS", paginators),
        ("WAITERS", waiters),
    ):
        pairs = sorted((snake(name), name) for name in found)
        lines += [f"{constant} = {{", *(f'    "{snake}": "{name}",' for snake, name in pairs), "}"]
    return "\n".join(lines) + "\n"


def main() -> int:
    """The command; 1 when ``--check`` finds a file that differs."""
    parser = argparse.ArgumentParser(prog="python -m tools.build_model")
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    differing = {
        path: text
        for path, text in files().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }
    for path, text in differing.items():
        if not check:
            path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(PACKAGE.parent)} {'differs' if check else 'written'}")
    return 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
