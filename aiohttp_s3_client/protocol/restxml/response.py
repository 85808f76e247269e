"""Answers read into the dicts that boto3's users expect.

Members come from the status, the headers and the document, or from the bytes of the body; what
an answer leaves out is absent from the dict.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from ...errors import ResponseParseError
from ..model.shapes import Operation, Shape
from ..xml import Document, is_error, unexpected
from ..xml import read as read_document
from .elements import is_in_body
from .events import read_events
from .reader import ErrorRoot, read, read_error, read_wrapped_error, wrong_value
from .values import CONVERTERS, header_items, json_header

_MAY_BE_ANYTHING = "expires"
"""A header that means "already expired" when it is no time, says HTTP; it is left out then."""
_NO_CONTENT = 204
_FIRST_ERROR = 300
_IN_METADATA = ("RequestId", "HostId")
"""What S3 repeats of the headers in the documents of errors."""


class Answer:
    """The places in which an answer that is a *shape* holds its members."""

    __slots__ = ("document", "headers", "maps", "payload", "payload_name", "status")

    def __init__(self, shape: Shape) -> None:
        self.headers: dict[str, list[tuple[str, Shape, Callable[[str], Any]]]] = {}
        """Members, shapes and conversions, by the lower-case name of their header."""
        self.maps: list[tuple[str, str]] = []
        """Headers that begin with the first of a pair are a map in the member that is second."""
        self.status = ""
        self.payload_name = shape.payload
        self.payload = shape.members[shape.payload] if shape.payload else None
        """The member that is the body."""
        has_document = not shape.payload and any(map(is_in_body, shape.members.values()))
        self.document = shape if has_document else None
        """What the body is a document of, when there is no payload."""
        for name, member in shape.members.items():
            if member.location == "header":
                found = self.headers.setdefault(member.name.lower(), [])
                found.append((name, member, _header_converter(member)))
            elif member.location == "headers":
                self.maps.append((member.name.lower() if member.named else "", name))
            elif member.location == "statusCode":
                self.status = name


def parse(
    operation: Operation, status: int, headers: Mapping[str, str], body: bytes
) -> dict[str, Any]:
    """The members of an answer, by boto3's names.

    *body* is all of it, and empty where the output is a stream, whose member is left out, or
    events. For an error, whatever its status, there is ``Error``, with ``Code``, ``Message`` and
    what else the document says, and beside it, as boto3 has them, the members that the
    description knows of that error. Raises ``ResponseParseError`` for a body that is not the
    document that it should be, and for texts that are no values of their members;
    ``EventStreamError`` for events that are damaged or that are an error.
    """
    if status >= _FIRST_ERROR:
        return _error(operation, status, headers, body)
    shape = operation.output
    found: dict[str, Any] = {}
    try:
        if shape is None:
            _refuse_error(body)
            return found
        answer = _answer(shape)
        if answer.payload is not None:
            _put_payload(answer.payload_name, answer.payload, operation, status, body, found)
        elif answer.document is None:
            _refuse_error(body)
        elif body.strip():
            found = read(answer.document, body, operation.name)
    except ErrorRoot:
        return _error(operation, status, headers, body)
    _put_headers(answer, operation, status, headers, found)
    return found


def _refuse_error(body: bytes) -> None:
    """A body that is not looked at otherwise must not be the document of an error."""
    if body and is_error(body):
        raise ErrorRoot


def _answer(shape: Shape) -> Answer:
    if shape.answer is None:
        shape.answer = Answer(shape)
    answer: Answer = shape.answer
    return answer


def _header_converter(member: Shape) -> Callable[[str], Any]:
    if member.json:
        return json_header
    if member.kind != "list":
        return CONVERTERS.get(member.kind, str)
    kind = member.item.kind
    convert = CONVERTERS.get(kind, str)
    return lambda text: [convert(item) for item in header_items(kind, text)]


def _put_payload(
    name: str, shape: Shape, operation: Operation, status: int, body: bytes, into: dict[str, Any]
) -> None:
    if shape.events:
        into[name] = read_events(shape, body)
    elif shape.kind == "blob":
        if body:
            into[name] = body
    elif shape.kind in CONVERTERS:
        try:
            into[name] = CONVERTERS[shape.kind](body.decode())
        except ValueError:
            text = body.decode(errors="replace")
            raise wrong_value(operation.name, name, shape, text) from None
    elif body.strip():
        into[name] = read(shape, body, operation.name)
    elif not shape.union and status != _NO_CONTENT:
        raise unexpected(body, operation.name, "it is empty")


def _put_headers(
    answer: Answer,
    operation: Operation,
    status: int,
    headers: Mapping[str, str],
    into: dict[str, Any],
) -> None:
    if answer.status:
        into[answer.status] = status
    maps = [(prefix, into.setdefault(name, {})) for prefix, name in answer.maps]
    members = answer.headers
    for header, text in headers.items():
        lowered = header.lower()
        for prefix, found in maps:
            if lowered.startswith(prefix):
                rest = header[len(prefix) :]
                found[rest] = f"{found[rest]}, {text}" if rest in found else text
        for name, shape, convert in members.get(lowered, ()):
            if name in into and shape.kind != "list":
                continue
            try:
                made = convert(text)
            except ValueError:
                if lowered == _MAY_BE_ANYTHING:
                    continue
                raise wrong_value(operation.name, name, shape, text) from None
            into[name] = into[name] + made if name in into else made


def _error(
    operation: Operation, status: int, headers: Mapping[str, str], body: bytes
) -> dict[str, Any]:
    document = read_document(body)
    texts = _leaves(document)
    code, message = texts.pop("Code", ""), texts.pop("Message", "")
    # A code says what happened; only without one are the status's words all that there is.
    error: dict[str, Any] = {
        "Code": code or str(status),
        "Message": message if code else message or _reason(status),
    }
    for name in _IN_METADATA:
        texts.pop(name, None)
    error.update(texts)
    shape = operation.errors.get(error["Code"])
    if shape is None:
        return {"Error": error}
    modeled = _modeled(shape, operation, status, headers, body, document.root)
    return {"Error": {**error, **modeled}, **modeled}


def _leaves(document: Document) -> dict[str, str]:
    """The texts of an error's elements, by name; of several the first one's."""
    within = {"Error": "", "ErrorResponse": "Error/"}.get(document.root)
    found: dict[str, str] = {}
    if within is None:
        return found
    holders: set[str] = set()
    for path, text in document.elements:
        name = path[len(within) :]
        if path.startswith(within) and name:
            # What an element holds comes before it.
            outer, _, inner = name.partition("/")
            if inner:
                holders.add(outer)
            elif outer not in holders:
                found.setdefault(outer, text)
    return found


def _modeled(
    shape: Shape,
    operation: Operation,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    root: str,
) -> dict[str, Any]:
    """The members of an error as its *shape* has them."""
    answer = _answer(shape)
    found: dict[str, Any] = {}
    try:
        if answer.document is not None:
            found = (
                read_wrapped_error(shape, body, operation.name)
                if root == "ErrorResponse"
                else read_error(shape, body, operation.name)
            )
        _put_headers(answer, operation, status, headers, found)
    except ResponseParseError:
        # The error itself says more than that a detail of it cannot be read: the texts remain.
        return {}
    return found


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
