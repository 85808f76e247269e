"""A compact service description, as objects: a model has operations, an operation has shapes.

::

    Model ── operation("PutBucketCors") ──> Operation ── input, output ──> Shape
                                                                            │ members, item,
                                                                            └ key, value

A ``Shape`` is a shape in one place: what is true of its type and what is true of this use of it
(the header that it goes into, its XML name). Shapes are made when they are first asked for, since
most programs use few of S3's operations and shapes may hold themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_LABEL = r"\{(\w+)(\+?)\}"


class Shape:
    """A type in one place. ``kind`` is one of structure, list, map, string, character, integer,
    long, float, double, boolean, timestamp and blob."""

    __slots__ = (
        "_facts",
        "_item",
        "_key",
        "_members",
        "_model",
        "_tokens",
        "_value",
        "answer",
        "attribute",
        "event_header",
        "event_payload",
        "events",
        "flat",
        "host",
        "json",
        "kind",
        "location",
        "max",
        "min",
        "name",
        "named",
        "namespace",
        "payload",
        "reader",
        "required",
        "secret",
        "stream",
        "time",
        "token",
        "union",
    )

    _members: dict[str, Shape] | None
    _item: Shape | None
    _key: Shape | None
    _value: Shape | None
    _tokens: tuple[str, ...] | None

    def __init__(self, model: Model, reference: Any, default_name: str) -> None:
        facts: dict[str, Any] = {"is": reference} if isinstance(reference, str) else reference
        kind: str = facts["is"]
        if kind.startswith("#"):
            facts = {**model.shapes[kind[1:]], **facts}
            kind = facts["type"]
        self._model = model
        self._facts = facts
        self._members = self._item = self._key = self._value = self._tokens = None
        self.reader: Any = None
        """How an element of it is read, made and kept here by ``restxml/reader.py``."""
        self.answer: Any = None
        """How an answer of it is read, by ``restxml/response.py``."""
        self.kind = kind
        get = facts.get
        self.named: bool = "name" in facts
        """Whether ``name`` was given; else it is the default for this place."""
        self.name: str = get("name", default_name)
        """In XML, in the query, or of the header (with ``location`` headers, its beginning)."""
        self.location: str = get("in", "")
        """uri, querystring, header, headers or statusCode; empty is the body."""
        self.flat: bool = get("flat", False)
        """Whether the items of a list or map stand in the place of the list itself."""
        self.namespace: tuple[str, str] | None = (
            (facts["namespace"][0], facts["namespace"][1]) if "namespace" in facts else None
        )
        """Prefix (may be empty) and URI."""
        self.attribute: bool = get("attribute", False)
        """Whether this is an attribute of the XML element that it belongs to."""
        self.time: str = get("time", "")
        """iso8601, rfc822 or unixTimestamp; empty is the default of the place."""
        self.min: float | None = get("min")
        """The least value of a number, the least length of anything else."""
        self.max: float | None = get("max")
        self.required: tuple[str, ...] = tuple(get("required", ()))
        """The members that a structure has to have."""
        self.payload: str = get("payload", "")
        """The member that is the whole body."""
        self.stream: bool = get("stream", False)
        self.token: bool = get("token", False)
        """Whether a fresh UUID stands in when the caller gives none."""
        self.secret: bool = get("secret", False)
        """Whether the value must not be shown."""
        self.json: bool = get("json", False)
        """Whether the value is anything that JSON has, which a header carries in base64."""
        self.host: bool = get("host", False)
        """Whether the value becomes a label of the host's name."""
        self.union: bool = get("union", False)
        """Whether exactly one member is to be set."""
        self.events: bool = get("events", False)
        """Whether the body is a stream of events, one member each."""
        self.event_payload: bool = get("event_payload", False)
        self.event_header: bool = get("event_header", False)

    @property
    def members(self) -> dict[str, Shape]:
        """A structure's members by boto3's names, in the description's order."""
        if self._members is None:
            # Of a type that holds itself there would be more and more; so every type has one set.
            known = self._model.members
            members = known.get(self._facts["is"])
            if members is None:
                members = known[self._facts["is"]] = {
                    name: Shape(self._model, member, name)
                    for name, member in self._facts["members"].items()
                }
            self._members = members
        return self._members

    @property
    def element(self) -> str:
        """What this is called as the root of a document."""
        type_name: str = self._facts["is"]
        return self.name if self.named else type_name.removeprefix("#")

    @property
    def tokens(self) -> tuple[str, ...]:
        """The members of a structure that are tokens."""
        if self._tokens is None:
            self._tokens = tuple(name for name, member in self.members.items() if member.token)
        return self._tokens

    @property
    def item(self) -> Shape:
        """What a list holds."""
        if self._item is None:
            self._item = Shape(self._model, self._facts["item"], "member")
        return self._item

    @property
    def key(self) -> Shape:
        """What a map's names are."""
        if self._key is None:
            self._key = Shape(self._model, self._facts["key"], "key")
        return self._key

    @property
    def value(self) -> Shape:
        """What a map holds."""
        if self._value is None:
            self._value = Shape(self._model, self._facts["value"], "value")
        return self._value


class Operation:
    """One operation: how its request is made and how its answer is read."""

    __slots__ = (
        "_labels",
        "_streams",
        "checksum_algorithm",
        "checksum_mode",
        "checksum_required",
        "errors",
        "host_prefix",
        "input",
        "method",
        "name",
        "output",
        "path",
        "query",
        "service",
        "unsigned_payload",
    )

    def __init__(self, model: Model, name: str) -> None:
        facts = model.facts["operations"][name]
        self._labels: tuple[str, ...] | None = None
        self._streams: bool | None = None
        self.name = name
        self.method: str = facts["method"]
        path, _, query = facts["path"].partition("?")
        self.path: str = path
        """A template: ``/{Bucket}/{Key+}``; a label with a plus may hold slashes."""
        self.query: tuple[tuple[str, str], ...] = tuple(
            (key, value)
            for key, _, value in (pair.partition("=") for pair in query.split("&"))
            if key
        )
        """What is in every request of this operation."""
        self.input = Shape(model, facts["input"], f"{name}Request") if "input" in facts else None
        self.output = Shape(model, facts["output"], name) if "output" in facts else None
        self.errors = model.errors
        self.checksum_required: bool = facts.get("checksum_required", False)
        self.checksum_algorithm: str = facts.get("checksum_algorithm", "")
        """The member that names the algorithm of the body's checksum."""
        self.checksum_mode: str = facts.get("checksum_mode", "")
        """The member that asks for the object's checksum."""
        self.host_prefix: str = facts.get("host_prefix", "")
        """What goes before the endpoint's host: a template."""
        self.unsigned_payload: bool = facts.get("unsigned_payload", False)
        self.service: str = facts.get("service", "s3")
        """The service that is signed for."""

    @property
    def stream(self) -> str:
        """The member of the input that is the body, as bytes; empty when it is XML or nothing."""
        payload = self.input.payload if self.input is not None else ""
        if payload and self.input is not None and self.input.members[payload].kind == "blob":
            return payload
        return ""

    @property
    def streams(self) -> bool:
        """Whether the answer's body is bytes or events, to be read as they come."""
        if self._streams is None:
            payload = self.output.payload if self.output is not None else ""
            member = self.output.members[payload] if self.output is not None and payload else None
            self._streams = member is not None and (member.stream or member.events)
        return self._streams

    @property
    def labels(self) -> tuple[str, ...]:
        """The members of the input that the path or the host is made of."""
        if self._labels is None:
            named = {label for label, _ in labels(self.path)}
            members = self.input.members if self.input is not None else {}
            self._labels = tuple(
                name
                for name, member in members.items()
                if member.host or (member.location == "uri" and member.name in named)
            )
        return self._labels


class Model:
    """A service: *facts* are what ``tools.build_model.compact`` makes of a description.

    Foreign descriptions work as S3's does::

        operation = Model(compact(description)).operation("CreateHostedZone")
        request = serialize(operation, {"Name": "example.com"})
    """

    __slots__ = ("_operations", "errors", "facts", "members", "shapes")

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.facts = facts
        self.shapes: Mapping[str, Any] = facts["shapes"]
        self.members: dict[str, dict[str, Shape]] = {}
        """The members of each structure that was asked for them."""
        self.errors: dict[str, Shape] = {
            code: Shape(self, reference, code) for code, reference in facts["errors"].items()
        }
        self._operations: dict[str, Operation] = {}

    def operation(self, name: str) -> Operation:
        """The operation called *name* (``PutBucketCors``), or a ``ValueError``."""
        found = self._operations.get(name)
        if found is None:
            if name not in self.facts["operations"]:
                raise ValueError(f"operation: the model has no {name!r}")
            found = self._operations[name] = Operation(self, name)
        return found


def labels(template: str) -> list[tuple[str, bool]]:
    """The labels of a path or host template, and whether each may hold slashes."""
    return [(name, plus == "+") for name, plus in re.findall(_LABEL, template)]
