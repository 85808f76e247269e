"""Pages of ListObjectsV2, read in a single pass.

A page is some hundred entries that differ in nothing but their text, so the first of them is
taken for the pattern of the rest: its tags become a regular expression that holds every other
entry to the same elements in the same order. The document without the entries that matched, a
few hundred bytes, is still read by expat, which judges all the rest: whether the document is
well-formed, and whether the entries stand where entries belong. Since one balanced element may
replace another wherever XML allows it, the result is what expat would have read from the whole.
A page in which anything is unusual is read by expat alone.

Keys arrive as ``encoding-type=url`` encodes them: percent-encoded, and at AWS, MinIO and rclone
with ``+`` for a space. All of them, Swift, Ceph RGW and moto too, write a plus as ``%2B``, so a
``+`` always is a space.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..config import plain_paths_only
from ..errors import ResponseParseError
from ..models import AwsObjectMeta
from .encoding import unquote_plus
from .timestamps import parse_times
from .xml import elements, unexpected

ROOT = "ListBucketResult"

Row = tuple[str, str, str, str, str]
"""The text of an entry, in the order of ``AwsObjectMeta``; empty where an element is missing."""

Columns = list[Sequence[str]]
"""Rows turned, since most of what is to be done is done to a whole column at once."""

_ROW = ("ETag", "Key", "LastModified", "Size", "StorageClass")
_ROW_PATHS = tuple(f"Contents/{name}" for name in _ROW)
_ONCE = frozenset({*_ROW_PATHS, "EncodingType", "IsTruncated", "NextContinuationToken"})

_OPEN, _CLOSE = "<Contents>", "</Contents>"
_TAG = "(</[A-Za-z][A-Za-z0-9]*>|<[A-Za-z][A-Za-z0-9]*/?>)"
_MAX_TAGS = 100
_MAX_SHAPES = 8
"""Kinds of entries in one page (with and without a checksum, say) before expat takes over."""

# Characters that mean nothing to XML and that it does not change, and the references in use:
# Go's servers write the quotes of an ETag as numbers.
_CHARS = "[ -%'-;=-\ufffd\U00010000-\U0010ffff]*+"
_TEXT = f"{_CHARS}(?:&(?:quot|lt|gt|apos|amp|#3[49]);{_CHARS})*+"
_REFERENCES = {
    "&quot;": '"',
    "&#34;": '"',
    "&lt;": "<",
    "&gt;": ">",
    "&apos;": "'",
    "&#39;": "'",
    "&amp;": "&",  # Last, so that what it completes is not replaced once more.
}
_SPACE = "[ \t\n]*+"
_SIZE = "[0-9]{1,19}"


class Shape(NamedTuple):
    """What entries of one kind look like."""

    sample: str
    pattern: str
    groups: tuple[int, ...]
    """Which of the pattern's groups holds what: their numbers, from 0, in the order of a row."""


class ListingPage(NamedTuple):
    """One page. ``next_token`` asks for the next one; it is None on the last page only."""

    objects: list[AwsObjectMeta]
    prefixes: list[str]
    next_token: str | None

    @property
    def is_truncated(self) -> bool:
        return self.next_token is not None


class RawPage(NamedTuple):
    """The text of a page, free of XML and otherwise as it was sent."""

    columns: Columns
    prefixes: list[str]
    fields: dict[str, str]


class RowPage(NamedTuple):
    """One page as text, but for its keys, which are decoded; ``next_token`` as above."""

    rows: list[Row]
    next_token: str | None


def parse_listing(body: bytes) -> ListingPage:
    """A page of ListObjectsV2.

    Keys and prefixes are decoded when the page says that they are encoded; bytes that are not
    UTF-8 become surrogate escapes. Raises ``ResponseParseError`` for any other document, one that
    breaks off, an entry without a key, time or size, and a page that says that more follow but
    not how to ask for them.
    """
    page = _read(body)
    etags, keys, times, sizes, classes = page.columns
    try:
        columns = _or_none(etags), keys, parse_times(times), map(int, sizes), _or_none(classes)
        objects = list(map(AwsObjectMeta, *columns))
    except ValueError as error:
        raise unexpected(body, ROOT, f"an entry holds nonsense ({error!s:.200})") from None
    return ListingPage(objects, page.prefixes, _next_token(body, page.fields))


def parse_rows(body: bytes) -> RowPage:
    """The entries of a page as the server wrote them. Raises as ``parse_listing``."""
    page = _read(body)
    return RowPage(list(zip(*page.columns, strict=True)), _next_token(body, page.fields))


def _read(body: bytes) -> RawPage:
    """A page with its keys and prefixes decoded."""
    page = (None if plain_paths_only() else scan(body)) or walk(body)
    if page.fields.get("EncodingType") != "url":
        return page
    etags, keys, *others = page.columns
    return page._replace(columns=[etags, _decoded(keys), *others], prefixes=_decoded(page.prefixes))


def walk(body: bytes) -> RawPage:
    """Read a page with expat. Raises ``ResponseParseError``."""
    rows: list[Row] = []
    prefixes: list[str] = []
    fields: dict[str, str] = {}
    entry: dict[str, str] = {}
    for path, text in elements(body, ROOT):
        if path in _ONCE:
            target = entry if path.startswith("Contents/") else fields
            if path in target:
                raise unexpected(body, ROOT, f"{path} is there twice")
            target[path] = text
        elif path == "Contents":
            etag, key, time, size, storage_class = (entry.get(name, "") for name in _ROW_PATHS)
            if not (key and time and re.fullmatch(_SIZE, size)):
                raise unexpected(body, ROOT, "an entry has no Key, LastModified or Size")
            rows.append((etag, key, time, size, storage_class))
            entry = {}
        elif path == "CommonPrefixes/Prefix":
            prefixes.append(text)
    return RawPage(_columns(rows), prefixes, fields)


def scan(body: bytes) -> RawPage | None:
    """Read a page by the pattern of its entries; None where that might differ from ``walk``."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    start, end = text.find(_OPEN), text.rfind(_CLOSE) + len(_CLOSE)
    head, run, tail = text[:start], text[start:end], text[end:]
    # Entries in another spelling would be counted wrongly below; "]]>" is not allowed in text.
    if start < 0 or "Contents" in head or "Contents" in tail or ("]" in run and "]]>" in run):
        return None
    if (matched := _match_all(run)) is None:
        return None
    columns, samples = matched
    try:
        page = walk("".join((head, *samples, tail)).encode())
    except ResponseParseError:
        return None
    _, keys, times, *_ = columns
    if len(page.columns[0]) != len(samples) or "" in keys or "" in times:
        return None
    return page._replace(
        columns=[_unescaped(column) for column in columns] if "&" in run else columns
    )


def _match_all(run: str) -> tuple[Columns, list[str]] | None:
    """The columns of a *run* of entries, and one entry of each shape among them."""
    shapes: list[Shape] = []
    position = 0
    while len(shapes) < _MAX_SHAPES:
        shape = _shape_of(run[position : run.find(_CLOSE, position) + len(_CLOSE)])
        if shape is None:
            return None
        shapes.append(shape)
        # Whatever fits no shape is the last group of the last match.
        pattern = "|".join([shape.pattern for shape in shapes])
        found = re.compile(f"{pattern}|(.+)", re.DOTALL).findall(run)
        rest = len(found[-1][-1])
        if not rest:
            return _merged(shapes, list(zip(*found, strict=True))), [s.sample for s in shapes]
        if len(run) - rest == position:
            return None
        position = len(run) - rest
    return None


def _merged(shapes: list[Shape], found: Columns) -> Columns:
    """The columns of the rows; in *found* each shape has its own, empty for the others' entries."""
    merged: Columns = []
    for row_index in range(len(_ROW)):
        same = [found[i * len(_ROW) + s.groups[row_index]] for i, s in enumerate(shapes)]
        merged.append(same[0] if len(same) == 1 else list(map("".join, zip(*same, strict=True))))
    return merged


def _shape_of(entry: str) -> Shape | None:
    """The pattern of the entries that hold the same elements as *entry*.

    Whether the elements are balanced and none is there twice is left to expat, which reads the
    sample.
    """
    parts = re.split(_TAG, entry)  # Text and tags in turn, beginning and ending with text.
    tags, texts = parts[1::2], parts[2::2]
    if not tags or tags[0] != _OPEN or len(tags) > _MAX_TAGS:
        return None
    pattern: list[str] = []
    groups: dict[str, int] = {}
    path: list[str] = []
    for tag, text, next_tag in zip(tags, texts, [*tags[1:], ""], strict=True):
        name = tag.strip("</>")
        pattern.append(tag)
        if tag[1] == "/":
            del path[-1:]
        elif tag[-2] != "/":
            path.append(name)
            if next_tag == f"</{name}>":
                value = _TEXT if "&" in text else _CHARS
                if "/".join(path) in _ROW_PATHS:
                    groups[name] = len(groups)
                    value = f"({_SIZE if name == 'Size' else value})"
                pattern.append(value)
                continue
        if text.strip(" \t\n"):
            return None
        pattern.append(text)
    for name in _ROW:
        if name not in groups:
            groups[name] = len(groups)
            pattern.append("()")
    return Shape(entry, "".join(pattern) + _SPACE, tuple(groups[name] for name in _ROW))


def _columns(rows: list[Row]) -> Columns:
    return list(zip(*rows, strict=True)) if rows else [()] * len(_ROW)


def _unescaped(column: Sequence[str]) -> Sequence[str]:
    # XML has no zero bytes, so a whole column can be treated as one string.
    joined = "\0".join(column)
    if "&" not in joined:
        return column
    for reference, char in _REFERENCES.items():
        joined = joined.replace(reference, char)
        if "&" not in joined:
            break
    return joined.split("\0")


def _decoded(column: Sequence[str]) -> list[str]:
    joined = "\0".join(column)
    if not column or ("%" not in joined and "+" not in joined):
        return list(column)
    decoded = _unquote(joined).split("\0")
    # An encoded zero byte is one too many.
    return decoded if len(decoded) == len(column) else [_unquote(text) for text in column]


def _unquote(text: str) -> str:
    # The two that every key may be full of go first, in one sweep each.
    return unquote_plus(text.replace("%20", " ").replace("%2F", "/"))


def _or_none(column: Sequence[str]) -> Sequence[str | None]:
    return [text or None for text in column] if "" in column else column


def _next_token(body: bytes, fields: Mapping[str, str]) -> str | None:
    token = fields.get("NextContinuationToken")
    more = fields.get("IsTruncated", "true" if token else "false")
    if more == "false":
        return None
    if more != "true":
        raise unexpected(body, ROOT, f"IsTruncated is {more[:20]!r}")
    if not token:
        raise unexpected(body, ROOT, "it is truncated and has no NextContinuationToken")
    return token
