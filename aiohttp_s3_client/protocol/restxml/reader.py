"""XML documents read into values as their shapes say, in one pass over expat's events.

::

    <ListBucketResult><Contents><Key>a</Key>…    {"Contents": [{"Key": "a", …}, …]}

No tree is built. Elements that a shape does not know are passed over, and of several where one
belongs the first counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ...errors import ResponseParseError
from ..model.shapes import Shape
from ..xml import (
    MAX_DEPTH,
    SHOWN,
    TOO_DEEP,
    RefusedError,
    drive,
    marked,
    stripped,
    unexpected,
    unmark,
)
from .elements import Element, element_of, holds_secrets, local

Join = Callable[[Iterable[str]], str]


class ErrorRoot(Exception):
    """The document is an ``Error`` and not what was asked for: no error of ours, but a finding."""


def read(shape: Shape, body: bytes, called: str) -> Any:
    """The value of the document *body*, which is a *shape*, whatever its root's name.

    *called* says in errors what was read. A document that is nothing but a member of a structure,
    ``<LocationConstraint>eu-west-1</LocationConstraint>``, is taken for the structure. Raises
    ``ErrorRoot`` for the document of an error, and ``ResponseParseError`` for anything that is no
    document or that holds a text that is no value.
    """
    return _read(element_of(shape), body, called, "Error")


def parse_payload(shape: Shape, body: bytes) -> Any:
    """The value of a document that is a *shape*: the payload of an event.

    Raises ``ResponseParseError`` for any other document.
    """
    try:
        return read(shape, body, shape.name)
    except ErrorRoot:
        raise unexpected(body, shape.name, "its root is Error") from None


def read_error(shape: Shape, body: bytes, called: str) -> Any:
    """Like ``read``, for the document of an error."""
    return _read(element_of(shape), body, called, "")


def read_wrapped_error(shape: Shape, body: bytes, called: str) -> Any:
    """Like ``read_error``, for ``<ErrorResponse><Error>``."""
    wrapper = Element(None, "")
    wrapper.children = {"Error": Element(shape, "Error")}
    return _read(wrapper, body, called, "").get("Error", {})


def wrong_value(called: str, path: str, shape: Shape | None, text: str) -> ResponseParseError:
    """The error for a *text* that is no value of *shape*."""
    kind = shape.kind if shape is not None else "text"
    shown = "" if shape is not None and shape.secret else f": {text[:SHOWN]!r}"
    return ResponseParseError(f"{called}: {path.lstrip('.')} is no {kind}{shown}")


def _read(root: Element, body: bytes, called: str, refused: str) -> Any:
    body = stripped(body)
    reading = _Reading(root, called, refused, "".join)
    flaw = drive(body, reading.start, reading.end, reading.text.append)
    if flaw:
        other = marked(body)
        if other != body:
            reading = _Reading(root, called, refused, _join_marked)
            flaw = drive(other, reading.start, reading.end, reading.text.append)
    if flaw:
        secret = root.shape is not None and holds_secrets(root.shape)
        raise unexpected(b"" if secret else body, called, flaw)
    return reading.value


def _join_marked(pieces: Iterable[str]) -> str:
    return unmark("".join(pieces))


class _Reading:
    """A document that is being read."""

    __slots__ = (
        "around", "called", "element", "join", "leaf", "leaf_depth", "leaf_pieces", "refused",
        "root_name", "text", "value",
    )  # fmt: skip

    def __init__(self, root: Element, called: str, refused: str, join: Join) -> None:
        self.called = called
        self.refused = refused
        self.join = join
        self.root_name = ""
        self.element = root
        """The innermost element that holds others, and what it has become so far."""
        self.value: Any = None
        self.around: list[tuple[Element, Any]] = []
        """The same of each element around it, the root first."""
        self.leaf: Element | None = None
        """The element in it whose text is being read."""
        self.leaf_depth = 0
        """How many elements are open in the leaf, where none belongs."""
        self.leaf_pieces = 0
        """How many pieces of text there were before them."""
        self.text: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.leaf is not None:
            self.start_in_leaf()
            return
        if self.root_name:
            element = self.element
            children = element.children
            if children is None:
                children = element.open()
            child = children.get(name) or element.other(local(name), self.value)
            if child.convert is not None:
                self.leaf = child
                self.text.clear()
                return
            if len(self.around) == MAX_DEPTH:
                raise RefusedError(TOO_DEEP)
            self.around.append((element, self.value))
            self.element = child
        else:
            self.root_name = local(name)
            if self.root_name == self.refused:
                raise ErrorRoot
            if self.root_name.lower() == "html":
                raise RefusedError("it is the page of a website")  # A proxy's, or a login's.
        self.value = self.element.new()
        if attributes:
            self.put_attributes(attributes)

    def end(self, _: str) -> None:
        leaf = self.leaf
        if leaf is not None:
            if self.leaf_depth:
                self.end_in_leaf()
            else:
                self.put(leaf, self.join(self.text))
                self.leaf = None
        elif self.around:
            ended, made = self.element, self.value
            self.element, self.value = self.around.pop()
            ended.put(made, self.value)
        elif not self.value:
            self.put_itself()

    def start_in_leaf(self) -> None:
        if not self.leaf_depth:
            self.leaf_pieces = len(self.text)
        self.leaf_depth += 1
        if len(self.around) + self.leaf_depth > MAX_DEPTH:
            raise RefusedError(TOO_DEEP)

    def end_in_leaf(self) -> None:
        self.leaf_depth -= 1
        if not self.leaf_depth:
            del self.text[self.leaf_pieces :]

    def put_attributes(self, attributes: dict[str, str]) -> None:
        element = self.element
        if element.children is None:
            element.open()
        for name, content in attributes.items():
            attribute = element.attributes.get(local(name))
            if attribute is not None and not name.startswith("xmlns:"):
                self.put(attribute, content)

    def put_itself(self) -> None:
        """The root holds nothing that is known; it may be what it should hold."""
        itself = (self.element.children or {}).get(self.root_name)
        content = self.join(self.text).strip()
        if content and itself is not None and itself.convert is not None:
            self.put(itself, content)

    def put(self, leaf: Element, content: str) -> None:
        assert leaf.convert is not None
        try:
            made = leaf.convert(content)
        except ValueError:
            raise wrong_value(self.called, self.path_to(leaf), leaf.shape, content) from None
        leaf.put(made, self.value)

    def path_to(self, leaf: Element) -> str:
        values = [value for _, value in self.around] + [self.value]
        elements = [element for element, _ in self.around[1:]]
        if self.around:
            elements.append(self.element)
        return "".join(
            element.step(value) for element, value in zip([*elements, leaf], values, strict=True)
        )
