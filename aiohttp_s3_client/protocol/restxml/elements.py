"""What may stand in the document of an answer: for each element, where its value goes.

Every shape has its elements, by name. They are made when a document first holds one in which they
may stand, and stay with the shape. Names are without their namespace's prefix.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..model.shapes import Shape
from .values import CONVERTERS

UNKNOWN_MEMBER = "SDK_UNKNOWN_MEMBER"
"""boto3's name for a member of a union that the description does not have."""

_NAME_SHOWN = 200


class Element:
    """An element of one shape. Where its value goes is what the subclasses differ in."""

    __slots__ = ("attributes", "children", "convert", "every", "key", "new", "shape")

    def __init__(self, shape: Shape | None, key: str) -> None:
        self.shape = shape
        self.key = key
        """What it is in the value around it."""
        kind = shape.kind if shape is not None else ""
        self.convert: Callable[[str], Any] | None = CONVERTERS.get(kind)
        self.new: Callable[[], Any] = list if kind == "list" else dict
        self.children: dict[str, Element] | None = {} if self.convert else None
        self.every: Element | None = None
        """What all elements in it are, whatever they are called."""
        self.attributes: dict[str, Element] = {}

    def put(self, made: Any, into: Any) -> None:
        """Put the value of this element into that of the one around it."""
        into.setdefault(self.key, made)

    def step(self, into: Any) -> str:
        """This element's step in a path that is shown to people."""
        return f".{self.key}"

    def other(self, name: str, into: Any) -> Element:
        """The element called *name*, without its prefix, where the full name finds none."""
        assert self.children is not None
        found = self.children.get(name) or self.every
        if found is not None:
            return found
        if self.shape is not None and self.shape.union and not into:
            into.setdefault(UNKNOWN_MEMBER, {"name": name[:_NAME_SHOWN]})
        return _UNKNOWN

    def open(self) -> dict[str, Element]:
        """The elements that may stand in this one, by name."""
        shape = self.shape
        if shape is None:
            children: dict[str, Element] = {}
        elif shape.kind == "list":
            self.every = Item(shape.item, "")
            children = {local(shape.item.name): self.every}
        elif shape.kind == "map":
            self.every = Entry(shape, "")
            children = {"entry": self.every}
        else:
            children = {}
            # Items of flattened lists are called as boto3 has it, or as Smithy has it.
            also: dict[str, Element] = {}
            for name, member in shape.members.items():
                if member.attribute:
                    self.attributes[local(member.name)] = Element(member, name)
                elif is_in_body(member):
                    called, element = _member(name, member)
                    called = local(called)
                    known = children.get(called)
                    children[called] = Shared(known, element) if known else element
                    if isinstance(element, Repeated):
                        also[local(member.name)] = element
            for called, element in also.items():
                children.setdefault(called, element)
        self.children = children
        return children


class Repeated(Element):
    """An item of a flattened list."""

    __slots__ = ()

    def put(self, made: Any, into: Any) -> None:
        into.setdefault(self.key, []).append(made)

    def step(self, into: Any) -> str:
        return f".{self.key}[{len(into.get(self.key, ()))}]"


class Item(Element):
    """An item of a list that has an element of its own."""

    __slots__ = ()

    def put(self, made: Any, into: Any) -> None:
        into.append(made)

    def step(self, into: Any) -> str:
        return f"[{len(into)}]"


class Entry(Element):
    """An entry of a map that has an element of its own; ``shape`` is the map."""

    __slots__ = ()

    def put(self, made: Any, into: Any) -> None:
        if len(made) == 2:
            into[made["key"]] = made["value"]

    def step(self, into: Any) -> str:
        return f"[{len(into)}]"

    def open(self) -> dict[str, Element]:
        assert self.shape is not None
        key, value = self.shape.key, self.shape.value
        self.children = {
            local(key.name): Element(key, "key"),
            local(value.name): Element(value, "value"),
        }
        return self.children


class FlatEntry(Entry):
    """An entry of a flattened map."""

    __slots__ = ()

    def put(self, made: Any, into: Any) -> None:
        super().put(made, into.setdefault(self.key, {}))

    def step(self, into: Any) -> str:
        return f".{self.key}[{len(into.get(self.key, ()))}]"


class Shared(Element):
    """An element that is two members: S3 renamed some, and keeps their old names.

    Its value is made as the *first* one's is.
    """

    __slots__ = ("_first", "_second")

    def __init__(self, first: Element, second: Element) -> None:
        super().__init__(first.shape, first.key)
        self._first = first
        self._second = second

    def put(self, made: Any, into: Any) -> None:
        self._first.put(made, into)
        self._second.put(made, into)


class Unknown(Element):
    """An element that the shape does not know: a text that goes nowhere."""

    __slots__ = ()

    def put(self, made: Any, into: Any) -> None:
        """Nothing."""


_UNKNOWN = Unknown(None, "")
_UNKNOWN.convert = str


def local(name: str) -> str:
    """A name without its prefix."""
    return name.rpartition(":")[2]


def is_in_body(member: Shape) -> bool:
    """Whether a member of an output is an element of its document."""
    # A structure may serve for input too; the places in a request mean nothing here.
    elsewhere = member.location in ("header", "headers", "statusCode")
    return not (elsewhere or member.event_header)


def element_of(shape: Shape) -> Element:
    """The root of a document that is a *shape*."""
    if shape.reader is None:
        shape.reader = Element(shape, "")
    root: Element = shape.reader
    return root


def _member(name: str, shape: Shape) -> tuple[str, Element]:
    """The element of the member *name* of a structure, and what it is called."""
    if shape.flat and shape.kind == "list":
        return shape.item.name if shape.item.named else shape.name, Repeated(shape.item, name)
    if shape.flat and shape.kind == "map":
        return shape.name, FlatEntry(shape, name)
    return shape.name, Element(shape, name)


def holds_secrets(shape: Shape) -> bool:
    """Whether a document that is a *shape* must not be shown."""
    waiting, seen = [shape], set[int]()
    while waiting:
        shape = waiting.pop()
        if shape.secret:
            return True
        if id(shape) in seen:
            continue
        seen.add(id(shape))
        if shape.kind == "structure":
            waiting += filter(is_in_body, shape.members.values())
        elif shape.kind == "list":
            waiting.append(shape.item)
        elif shape.kind == "map":
            waiting += (shape.key, shape.value)
    return False
