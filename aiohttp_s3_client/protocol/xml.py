"""The XML that S3 sends and wants, one small document at a time.

Every document is read by expat, without a tree: it becomes a list of (path, text). Nothing is
ever expanded or fetched, since a document type declaration is refused, and with it every entity
that is not XML's own. Namespaces are not looked at: some servers leave S3's out.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple
from xml.parsers import expat

from ..errors import ResponseParseError
from ..redaction import redact_body
from .timestamps import parse_times

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
MAX_DEPTH = 32
TOO_DEEP = f"it is nested more than {MAX_DEPTH} deep"
MAX_DETAILS = 64
SHOWN = 200
"""Bytes of a refused document that its error shows."""

_ROOT_WITHIN = 1024
_NO_DETAILS = frozenset({"Code", "Message", "RequestId", "HostId"})
_BOM = b"\xef\xbb\xbf"
_WHITESPACE = b" \t\r\n"

# XML cannot hold most control characters, and servers that echo a key or a prefix write them all
# the same: Ceph RGW and rclone as &#x1;, moto as the byte. Expat is given this mark and a letter
# instead, and the text gets its character back (P23).
_MARK = "\U0010fffd"
_MARKED = f"{_MARK}([@-`])"
_CONTROLS = (
    rb"&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,8}));|([\x01-\x08\x0b\x0c\x0e-\x1f])|" + _MARK.encode()
)
_LETTERS = 0x40
_NUMBER = "[0-9]{1,19}"


class ErrorDocument(NamedTuple):
    """What the body of an error says; what it leaves out is empty."""

    code: str = ""
    message: str = ""
    region: str = ""
    """The region that the bucket is in, in errors about a wrong one."""
    details: Mapping[str, str] = MappingProxyType({})
    """What else it says, by the names of its elements; at most ``MAX_DETAILS`` of them."""


class CompletedUpload(NamedTuple):
    """The object that CompleteMultipartUpload made."""

    etag: str
    location: str
    bucket: str
    key: str


class CopyResult(NamedTuple):
    """The object or part that a copy made. ``last_modified`` is aware."""

    etag: str
    last_modified: datetime | None


class Document:
    """What was read of a document, as far as it could be read."""

    __slots__ = ("elements", "flaw", "root")

    def __init__(self) -> None:
        self.root = ""
        self.elements: list[tuple[str, str]] = []
        """Each element below the root at its end: names joined by slashes, and its text; the text
        of an element that holds others is empty."""
        self.flaw = ""
        """Why reading stopped before the end; empty when it did not."""


class RefusedError(Exception):
    """A document that may be well-formed, but that no S3 server sends."""


def read(body: bytes, *, whole: bool = True) -> Document:
    """*body*, or with *whole* False the beginning of one, as far as it is XML. Never raises."""
    body = stripped(body)
    document = _parse(body, whole)
    if document.flaw:
        other = marked(body)
        if other != body:
            document = _parse(other, whole)
            document.elements = [(path, unmark(text)) for path, text in document.elements]
    return document


def elements(body: bytes, *roots: str) -> list[tuple[str, str]]:
    """The elements of a document whose root is one of *roots*, as in ``Document.elements``.

    Raises ``ResponseParseError`` for anything else.
    """
    document = read(body)
    if document.flaw:
        raise unexpected(body, roots[0], document.flaw)
    if document.root not in roots:
        raise unexpected(body, roots[0], f"its root is {document.root[:SHOWN]!r}")
    return document.elements


def records(found: Iterable[tuple[str, str]], path: str) -> Iterator[dict[str, str]]:
    """Each element called *path*, as the text of what it holds by name."""
    record: dict[str, str] = {}
    within = f"{path}/"
    for name, text in found:
        if name.startswith(within):
            record[name[len(within) :]] = text
        elif name == path:
            yield record
            record = {}


def first(found: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The text of each element by its path; of several the first one's."""
    return dict(reversed(list(found)))


def required(body: bytes, roots: tuple[str, ...], found: Mapping[str, str], name: str) -> str:
    """The text of an element that has to be there, or ``ResponseParseError``."""
    if text := found.get(name):
        return text
    raise unexpected(body, roots[0], f"{name} is missing or empty")


def count(text: str) -> int:
    """*text* as a number that S3 may send, or ``ValueError``."""
    if not re.fullmatch(_NUMBER, text):
        raise ValueError(text[:SHOWN])
    return int(text)


def unexpected(body: bytes, root: str, flaw: str) -> ResponseParseError:
    """The error for a *body* that should have been a *root*."""
    shown = redact_body(body)[:SHOWN]
    return ResponseParseError(f"expected an S3 document <{root}>, but {flaw}: {shown!r}")


def is_error(body: bytes) -> bool:
    """Whether a document reports an error, whatever the status that came with it (P4)."""
    start = stripped(body)[:_ROOT_WITHIN]
    return read(start, whole=False).root == "Error"


def parse_error(body: bytes) -> ErrorDocument | None:
    """What an ``Error`` says, even if the document breaks off; None for any other body."""
    document = read(body)
    if document.root != "Error":
        return None
    found = first(document.elements)
    return ErrorDocument(
        code=found.get("Code", ""),
        message=found.get("Message", ""),
        region=found.get("Region", ""),
        details=_details(found),
    )


def _details(found: dict[str, str]) -> dict[str, str]:
    names = [name for name in reversed(found) if "/" not in name and name not in _NO_DETAILS]
    return {name: text for name in names[:MAX_DETAILS] if (text := found[name])}


def parse_upload_id(body: bytes) -> str:
    """The upload id in the answer to CreateMultipartUpload."""
    # The shorter name is that of rclone.
    roots = ("InitiateMultipartUploadResult", "InitiateMultipartUpload")
    return required(body, roots, first(elements(body, *roots)), "UploadId")


def parse_complete(body: bytes) -> CompletedUpload:
    """The answer to CompleteMultipartUpload, when it is not an error."""
    found = first(elements(body, "CompleteMultipartUploadResult"))
    names = ("ETag", "Location", "Bucket", "Key")
    return CompletedUpload(*(found.get(name, "") for name in names))


def parse_copy(body: bytes) -> CopyResult:
    """The answer to CopyObject or UploadPartCopy, when it is not an error."""
    roots = ("CopyObjectResult", "CopyPartResult")
    found = first(elements(body, *roots))
    etag = required(body, roots, found, "ETag")
    when = found.get("LastModified")
    try:
        return CopyResult(etag, parse_times([when])[0] if when else None)
    except ValueError:
        raise unexpected(body, roots[0], f"LastModified is {when!r:.{SHOWN}}") from None


def parse_tagging(body: bytes) -> list[tuple[str, str]]:
    """The answer to GetObjectTagging: names and values, in the server's order."""
    found = elements(body, "Tagging")
    try:
        return [(tag["Key"], tag["Value"]) for tag in records(found, "TagSet/Tag")]
    except KeyError as error:
        raise unexpected(body, "Tagging", f"a tag has no {error.args[0]}") from None


def build_tagging(tags: Iterable[tuple[str, str]]) -> bytes:
    """The body of PutObjectTagging."""
    pieces = [f'<Tagging xmlns="{NAMESPACE}"><TagSet>']
    for name, value in tags:
        pieces.append(f"<Tag><Key>{escaped(name)}</Key><Value>{escaped(value)}</Value></Tag>")
    pieces.append("</TagSet></Tagging>")
    return "".join(pieces).encode()


def escaped(text: str) -> str:
    """*text* as that of an element."""
    # As html.escape does, whose module costs more to import than all of this one.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _parse(body: bytes, whole: bool) -> Document:
    document = Document()
    parents: list[str] = []
    text: list[str] = []
    path = ""
    is_leaf = False
    found = document.elements

    def start(name: str, _: object) -> None:
        nonlocal path, is_leaf
        name = name.rpartition(":")[2]
        if not document.root:
            document.root = name
            return
        if len(parents) == MAX_DEPTH:
            raise RefusedError(TOO_DEEP)
        parents.append(path)
        path = f"{path}/{name}" if path else name
        is_leaf = True
        text.clear()

    def end(_: str) -> None:
        nonlocal path, is_leaf
        if not parents:
            return
        found.append((path, "".join(text) if is_leaf else ""))
        path = parents.pop()
        is_leaf = False
        text.clear()

    document.flaw = drive(body, start, end, text.append, whole=whole)
    return document


def drive(
    body: bytes,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    text: Callable[[str], None],
    *,
    whole: bool = True,
) -> str:
    """Give expat's events of a ``stripped`` *body* to the three functions.

    Returns why that stopped before the end of *body*, and nothing when it did not. *start* may
    raise ``RefusedError``.
    """
    # A zero byte betrays UTF-16, in which a declaration could hide.
    if b"<!DOCTYPE" in body or b"\0" in body:
        return "it has a document type declaration or zero bytes"
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    try:
        parser.Parse(body, whole)
    except RefusedError as error:
        return str(error)
    except expat.ExpatError as error:
        return f"it is no XML ({error})"
    return ""


def stripped(body: bytes) -> bytes:
    """*body* without what some servers send before a document."""
    return body.removeprefix(_BOM).lstrip(_WHITESPACE)


def marked(body: bytes) -> bytes:
    """*body* with marks for the control characters that XML cannot hold (P23)."""
    return re.sub(_CONTROLS, _mark, body)


def _mark(match: re.Match[bytes]) -> bytes:
    hexadecimal, decimal, byte = match.groups()
    if hexadecimal or decimal:
        code = int(hexadecimal, 16) if hexadecimal else int(decimal)
        if code != ord(_MARK) and (code >= ord(" ") or code in b"\t\n\r"):
            return match[0]
    else:
        code = ord(byte or _MARK)
    return f"{_MARK}{chr(_LETTERS + min(code, ord(' ')))}".encode()


def unmark(text: str) -> str:
    """*text* with the control characters that ``marked`` took from it."""
    return re.sub(_MARKED, _unmarked, text) if _MARK in text else text


def _unmarked(match: re.Match[str]) -> str:
    char = chr(ord(match[1]) - _LETTERS)
    return _MARK if char == " " else char  # What is no control character was the mark itself.
