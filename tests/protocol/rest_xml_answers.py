"""Answers and descriptions made by chance, for botocore and for us.

An answer is written from botocore's own reading of a description, so that what
``tools.build_model.compact`` leaves out is missed. Everything is drawn from one ``Random``.
"""

from __future__ import annotations

import base64
from random import Random
from typing import Any
from xml.sax.saxutils import escape, quoteattr

# botocore's shapes: of several classes, which their type names tell apart.
Shape = Any

DEEPEST = 5
TEXTS = (
    "", " ", "a", "key/with spaces", "<&>\"'", "Ünï✓\U0001f600", "line\nbreak\ttab", "]]>",
    "true", "12", "a,b", "%20+", "\xa0",
)  # fmt: skip
NUMBERS = ("0", "1", "-1", "007", "9223372036854775807", "-2147483648")
FLOATS = ("0", "1.5", "-2.25e10", "Infinity", "-Infinity", "1e-7")
TIMES = (
    "2014-04-29T18:30:38Z", "2014-04-29T18:30:38.000Z", "2014-04-29T18:30:38.123456Z",
    "2014-04-29T18:30:38+00:00", "2014-04-29T20:30:38+02:00", "2014-04-29 18:30:38Z",
    "Tue, 29 Apr 2014 18:30:38 GMT", "1398796238", "1398796238.5", "0", "-1",
)  # fmt: skip
METADATA = ("x-amz-meta-a", "X-Amz-Meta-Mixed-Case", "x-amz-meta-")


class Writer:
    """Writes the document and the headers of one answer."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.prefix = random.choice(("", "", "s3:"))
        self.is_spaced = random.random() < 0.3
        self.is_noisy = random.random() < 0.3
        self.fullness = random.choice((0.2, 0.7, 1.0))

    def document(self, shape: Shape) -> bytes:
        namespace = f' xmlns{":s3" if self.prefix else ""}="http://example.com/{self.prefix}"'
        declaration = self.random.choice(("", '<?xml version="1.0" encoding="UTF-8"?>\n'))
        written = self.element("AnyRoot", shape, DEEPEST, namespace)
        return (declaration + written).encode()

    def element(self, name: str, shape: Shape, depth: int, attributes: str = "") -> str:
        inside = ""
        if shape.type_name == "structure":
            attributes += self.attributes(shape)
            inside = self.members(shape, depth)
        elif shape.type_name == "list":
            item = shape.member.serialization.get("name", "member")
            inside = "".join(
                self.space() + self.element(item, shape.member, depth - 1)
                for _ in range(self.count())
            )
        elif shape.type_name == "map":
            inside = "".join(
                f"{self.space()}{self.open('entry')}{pair}{self.close('entry')}"
                for pair in self.pairs(shape, depth)
            )
        else:
            inside = self.content(shape)
        if not inside and self.random.random() < 0.5:
            return f"{self.open(name, attributes)[:-1]}/>"
        return self.open(name, attributes) + inside + self.close(name)

    def members(self, shape: Shape, depth: int) -> str:
        names = [
            name
            for name, member in shape.members.items()
            if member.serialization.get("location") not in ("header", "headers", "statusCode")
            and not member.serialization.get("xmlAttribute")
        ]
        if shape.is_tagged_union:
            names = [self.random.choice(names)] if names else []
        else:
            names = [name for name in names if self.random.random() < self.fullness]
            self.random.shuffle(names)
        by_element = {element_name(name, shape.members[name]): name for name in names}
        all_names = [element_name(*member) for member in shape.members.items()]
        written = [
            # botocore reads no more than one of an element that is two members.
            self.member(name, shape.members[name], depth, 1 if all_names.count(called) > 1 else 3)
            for called, name in by_element.items()
        ]
        if self.is_noisy and not shape.is_tagged_union:
            noise = "<!-- no --><NotModelled a='1'>x<Key>y</Key>z</NotModelled><?p i?>"
            written.insert(self.random.randint(0, len(written)), noise)
        return "".join(self.space() + each for each in written) + self.space()

    def member(self, name: str, shape: Shape, depth: int, most: int) -> str:
        called = element_name(name, shape)
        if shape.type_name in ("structure", "list", "map") and depth <= 0:
            return ""
        if shape.serialization.get("flattened") and shape.type_name == "list":
            return "".join(
                self.element(called, shape.member, depth - 1)
                for _ in range(min(self.count(), most))
            )
        if shape.serialization.get("flattened") and shape.type_name == "map":
            return "".join(
                self.open(called) + pair + self.close(called) for pair in self.pairs(shape, depth)
            )
        return self.element(called, shape, depth - 1)

    def pairs(self, shape: Shape, depth: int) -> list[str]:
        key = shape.key.serialization.get("name", "key")
        value = shape.value.serialization.get("name", "value")
        pairs = []
        for _ in range(self.count()):
            pair = [
                self.element(key, shape.key, depth - 1),
                self.element(value, shape.value, depth - 1),
            ]
            self.random.shuffle(pair)
            pairs.append("".join(pair))
        return pairs

    def attributes(self, shape: Shape) -> str:
        written = ""
        for member in shape.members.values():
            if member.serialization.get("xmlAttribute") and self.random.random() < 0.7:
                prefix, _, name = member.serialization["name"].rpartition(":")
                if prefix:
                    prefix = self.random.choice((prefix, "other"))
                    written += f' xmlns:{prefix}="http://example.com/{prefix}"'
                    name = f"{prefix}:{name}"
                written += f" {name}={quoteattr(self.text(member))}"
        return written

    def content(self, shape: Shape) -> str:
        text = self.text(shape)
        if "\n" not in text and "]]>" not in text and self.random.random() < 0.2:
            return f"<![CDATA[{text}]]>"
        return escape(text)

    def text(self, shape: Shape) -> str:
        kind = shape.type_name
        choose = self.random.choice
        if kind in ("integer", "long"):
            return choose(NUMBERS)
        if kind in ("float", "double"):
            return choose(FLOATS)
        if kind == "boolean":
            return choose(("true", "false"))
        if kind == "timestamp":
            return choose(TIMES)
        if kind == "blob":
            return base64.b64encode(self.random.randbytes(self.random.randint(0, 9))).decode()
        return choose(TEXTS)

    def headers(self, shape: Shape) -> dict[str, str]:
        headers = {"Date": "Tue, 29 Apr 2014 18:30:38 GMT", "x-amz-request-id": "1", "Server": "s"}
        for name, member in shape.members.items():
            location = member.serialization.get("location")
            called = member.serialization.get("name", name)
            if location == "header" and self.random.random() < self.fullness:
                called = self.random.choice((called, called.lower(), called.upper()))
                headers[called] = self.header_text(member)
            elif location == "headers":
                for rest in self.random.sample(("a", "Mixed-Case", "x.y", ""), self.count()):
                    headers[called + rest] = self.random.choice(("", "v", "a, b"))
        return headers

    def header_text(self, shape: Shape) -> str:
        if shape.type_name == "list":
            return ", ".join(self.header_text(shape.member) for _ in range(self.count() + 1))
        if shape.type_name == "string":
            return self.random.choice(("a", "b c", "x=1; y=2", "Ünï"))
        return self.text(shape)

    def count(self) -> int:
        return self.random.randint(0, 3)

    def space(self) -> str:
        return "\n  " if self.is_spaced else ""

    def open(self, name: str, attributes: str = "") -> str:
        return f"<{self.prefix}{name}{attributes}>"

    def close(self, name: str) -> str:
        return f"</{self.prefix}{name}>"


def element_name(name: str, shape: Shape) -> str:
    """What a member of a structure is called in a document."""
    is_flat_list = shape.type_name == "list" and shape.serialization.get("flattened")
    called: str = shape.serialization.get("name", name)
    return shape.member.serialization.get("name", called) if is_flat_list else called


def description(random: Random) -> dict[str, Any]:
    """A rest-xml service with one operation, whose output has members of every kind."""
    return _Describer(random).made()


class _Describer:
    SCALARS = (
        "string", "integer", "long", "float", "double", "boolean", "timestamp", "blob", "character"
    )  # fmt: skip

    def __init__(self, random: Random) -> None:
        self.random = random
        self.shapes: dict[str, Any] = {kind: {"type": kind} for kind in self.SCALARS}
        self.structures: list[str] = []

    def made(self) -> dict[str, Any]:
        output = self.structure(3)
        members = self.shapes[output]["members"]
        self.shapes["Words"] = {"type": "list", "member": {"shape": "string"}}
        self.shapes["Numbers"] = {"type": "list", "member": {"shape": "integer"}}
        for number in range(self.random.randint(0, 5)):
            kind = self.random.choice((*self.SCALARS[:7], "Words", "Numbers"))
            member = {"shape": kind, "location": "header"}
            if self.random.random() < 0.7:
                member["locationName"] = f"x-header-{number}"
            members[f"Header{number}"] = member
        if self.random.random() < 0.5:
            members["Status"] = {"shape": "integer", "location": "statusCode"}
        if self.random.random() < 0.5:
            texts = {"type": "map", "key": {"shape": "string"}, "value": {"shape": "string"}}
            self.shapes["Texts"] = texts
            members["Prefixed"] = {
                "shape": "Texts", "location": "headers", "locationName": "X-Meta-"
            }  # fmt: skip
        inner = [name for name, m in members.items() if m["shape"] in self.structures]
        if inner and self.random.random() < 0.3:
            self.shapes[output]["payload"] = self.random.choice(inner)
        http = {"method": "GET", "requestUri": "/"}
        operation = {"name": "Ask", "http": http, "output": {"shape": output}}
        return {
            "metadata": {"protocol": "rest-xml", "apiVersion": "1", "endpointPrefix": "x"},
            "operations": {"Ask": operation},
            "shapes": self.shapes,
        }

    def structure(self, depth: int) -> str:
        name = f"Structure{len(self.shapes)}"
        shape: dict[str, Any] = {"type": "structure", "members": {}}
        self.shapes[name] = shape
        for number in range(self.random.randint(1, 6)):
            shape["members"][f"Member{number}"] = self.member(number, depth)
        if depth < 3 and self.random.random() < 0.2:
            shape["union"] = True
            for member in shape["members"].values():
                # botocore takes the items of such a list for a member that it does not know.
                member.pop("flattened", None)
        elif depth < 3 and self.random.random() < 0.3:
            attribute = {"shape": "string", "xmlAttribute": True}
            attribute["locationName"] = self.random.choice(("kind", "xsi:kind"))
            shape["members"]["Kind"] = attribute
        self.structures.append(name)
        return name

    def member(self, number: int, depth: int) -> dict[str, Any]:
        target = self.target(depth)
        member: dict[str, Any] = {"shape": target}
        if self.random.random() < 0.4:
            member["locationName"] = f"renamed{number}"
        if self.shapes[target]["type"] in ("list", "map") and self.random.random() < 0.5:
            member["flattened"] = True
            item = self.shapes[target].get("member", {})
            # Two lists whose items have one name would be one in a document.
            if "locationName" in item:
                target = f"Own{len(self.shapes)}"
                self.shapes[target] = {
                    "type": "list", "member": {**item, "locationName": f"each{number}"}
                }  # fmt: skip
                member["shape"] = target
        return member

    def target(self, depth: int) -> str:
        kind = self.random.random()
        if depth <= 0 or kind < 0.4:
            return self.random.choice(self.SCALARS)
        if kind < 0.5 and self.structures:
            return self.random.choice(self.structures)
        if kind < 0.7:
            return self.structure(depth - 1)
        name = f"Aggregate{len(self.shapes)}"
        self.shapes[name] = made = {}
        value: dict[str, Any] = {"shape": self.target(depth - 1)}
        if self.random.random() < 0.5:
            value["locationName"] = "inner"
        if kind < 0.85:
            made.update({"type": "list", "member": value})
        else:
            key = {"shape": "string", "locationName": self.random.choice(("key", "name"))}
            made.update({"type": "map", "key": key, "value": value})
        return name
