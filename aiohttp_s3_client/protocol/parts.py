"""The documents about parts: of an upload under way, of a copy, of an object made of them.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from ..config import MAX_PARTS
from ..models import ObjectPart
from . import checksums
from .xml import NAMESPACE, count, elements, escaped, first, records, required, unexpected

Checksums = Mapping[str, str]
"""By the algorithm's name (``CRC64NVME``), as S3 writes them: base64, a composite one with the
number of its parts behind a hyphen."""

_CHECKSUM = "Checksum"
_NO_VALUES = frozenset({"", "Algorithm", "Type"})
_NONE: Checksums = MappingProxyType({})


class UploadedPart(NamedTuple):
    """A part that the server holds; ``size`` in bytes."""

    number: int
    etag: str
    size: int
    checksums: Checksums = _NONE


class PartsPage(NamedTuple):
    """A page of ListParts; ``next_marker`` asks for the next one, None on the last."""

    parts: list[UploadedPart]
    next_marker: int | None


class CopiedPart(NamedTuple):
    """The part that UploadPartCopy made."""

    etag: str
    checksums: Checksums = _NONE


class ObjectPartsPage(NamedTuple):
    """A page of an object's parts, as GetObjectAttributes lists those with checksums."""

    parts: tuple[ObjectPart, ...]
    next_marker: int | None
    """The ``x-amz-part-number-marker`` of the next page, None on the last."""


def parse_parts(body: bytes) -> PartsPage:
    """A page of ListParts."""
    roots = ("ListPartsResult", "ListPartsResponse")  # The second is that of moto.
    found = elements(body, *roots)
    page = first(found)
    try:
        parts = [
            UploadedPart(
                count(part["PartNumber"]), part["ETag"], count(part["Size"]), _checksums(part)
            )
            for part in records(found, "Part")
        ]
        more = page.get("IsTruncated") == "true"
        return PartsPage(parts, count(page["NextPartNumberMarker"]) if more else None)
    except (KeyError, ValueError) as error:
        raise unexpected(body, roots[0], f"a number or ETag is missing: {error}") from None


def parse_copied_part(body: bytes) -> CopiedPart:
    """The answer to UploadPartCopy, when it is not an error."""
    roots = ("CopyPartResult", "CopyObjectResult")
    found = first(elements(body, *roots))
    return CopiedPart(required(body, roots, found, "ETag"), _checksums(found))


def parse_object_parts(body: bytes) -> ObjectPartsPage:
    """A page of the parts in an answer to GetObjectAttributes; none where it has none."""
    # S3 answers the first, its documentation has the second, and so have other servers.
    roots = ("GetObjectAttributesResponse", "GetObjectAttributesOutput")
    found = elements(body, *roots)
    fields = first(found)
    try:
        parts = tuple(
            ObjectPart(count(part["PartNumber"]), count(part["Size"]), _checksums(part))
            for part in records(found, "ObjectParts/Part")
        )
        more = fields.get("ObjectParts/IsTruncated") == "true"
        marker = count(fields["ObjectParts/NextPartNumberMarker"]) if more else None
        return ObjectPartsPage(parts, marker)
    except (KeyError, ValueError) as error:
        raise unexpected(body, roots[0], f"a number is missing: {error}") from None


def build_complete(
    parts: Iterable[tuple[int, str]],
    *,
    checksums: Mapping[int, str] | None = None,
    algorithm: str = "CRC32",
) -> bytes:
    """The body of CompleteMultipartUpload.

    *parts* are numbers (1 to 10,000) with the ETags that the server gave; *checksums* are the
    parts' own of *algorithm*, base64, by part number, for as many parts as have one. Raises
    ``ValueError`` for no parts, a number given twice, and one that S3 does not know.
    """
    ordered = sorted(parts)
    if not ordered:
        raise ValueError("parts must not be empty")
    pieces = [f'<CompleteMultipartUpload xmlns="{NAMESPACE}">']
    last = 0
    for number, etag in ordered:
        if not 1 <= number <= MAX_PARTS or number == last:
            raise ValueError(f"parts: number {number} is given twice or not in 1..{MAX_PARTS}")
        last = number
        pieces.append(f"<Part><PartNumber>{number}</PartNumber>")
        pieces.append(f"<ETag>{escaped(etag)}</ETag>")
        if checksums and (checksum := checksums.get(number)):
            name = f"{_CHECKSUM}{algorithm}"
            pieces.append(f"<{name}>{escaped(checksum)}</{name}>")
        pieces.append("</Part>")
    pieces.append("</CompleteMultipartUpload>")
    return "".join(pieces).encode()


def full_checksum(algorithm: str, parts: Iterable[tuple[int, str | None]]) -> str | None:
    """The checksum of a whole object in base64, from the sizes and checksums of its parts in order.

    None where a part has none, or one that is no checksum of *algorithm*, which is a CRC.
    """
    whole = checksums.compute(algorithm, b"")
    for size, value in parts:
        found = checksums.from_headers(
            {} if value is None else {checksums.header_name(algorithm): value}, of_part=True
        )
        if not found or found[0].parts is not None:
            return None
        whole = checksums.combine(algorithm, whole, b64decode(found[0].value), size)
    return checksums.encode(whole)


def _checksums(fields: Mapping[str, str]) -> dict[str, str]:
    named = {
        path.removeprefix(_CHECKSUM): text
        for path, text in fields.items()
        if path.startswith(_CHECKSUM) and text
    }
    return {name: text for name, text in named.items() if name not in _NO_VALUES}
