"""What operations return, as the values of ``models.py``."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Iterator
from contextlib import contextmanager
from heapq import merge
from typing import TYPE_CHECKING, TypeVar

from ..errors import NotFound, ResponseParseError
from ..models import (
    BucketInfo,
    DeletedObject,
    DeleteError,
    DeleteResult,
    ObjectAttributes,
    ObjectPart,
    ObjectVersionInfo,
)

if TYPE_CHECKING:
    from ..api import (
        ChecksumDict,
        DeleteObjectsOutput,
        GetObjectAttributesOutput,
        ListBucketsOutput,
        ListObjectVersionsOutput,
        ObjectPartDict,
        TagDict,
    )

_CHECKSUM = "Checksum"

T = TypeVar("T")


@contextmanager
def _of_answer(operation: str) -> Iterator[None]:
    """What is always there in an answer of S3 and is missing is no answer of S3."""
    try:
        yield
    except KeyError as missing:
        raise ResponseParseError(
            f"{operation}: the answer has an entry without {missing}"
        ) from None


async def set_or_none(asking: Awaitable[T], absent: type[NotFound]) -> T | None:
    """The answer, or None where S3 says by the error *absent* that nothing is set.

    Some servers write the code of that error with ``Error`` behind it.
    """
    try:
        return await asking
    except NotFound as error:
        if isinstance(error, absent) or error.code == f"{absent.__name__}Error":
            return None
        raise


def tags_of(entries: Iterable[TagDict]) -> dict[str, str]:
    """Tags by name."""
    with _of_answer("GetTagging"):
        return {entry["Key"]: entry.get("Value", "") for entry in entries}


def buckets_of(page: ListBucketsOutput) -> list[BucketInfo]:
    """The buckets of one page."""
    with _of_answer("ListBuckets"):
        return [
            BucketInfo(entry["Name"], entry.get("CreationDate"), entry.get("BucketRegion"))
            for entry in page.get("Buckets", ())
        ]


def deletions_of(answer: DeleteObjectsOutput, within: str) -> DeleteResult:
    """What became of the keys of one DeleteObjects, relative to the prefix *within*."""
    with _of_answer("DeleteObjects"):
        deleted = [
            DeletedObject(
                entry["Key"].removeprefix(within),
                entry.get("VersionId"),
                entry.get("DeleteMarker", False),
                entry.get("DeleteMarkerVersionId"),
            )
            for entry in answer.get("Deleted", ())
        ]
        errors = [
            DeleteError(
                entry["Key"].removeprefix(within),
                entry.get("VersionId"),
                entry.get("Code", ""),
                entry.get("Message", ""),
            )
            for entry in answer.get("Errors", ())
        ]
    return DeleteResult(deleted, errors)


def versions_of(page: ListObjectVersionsOutput, within: str) -> Iterator[ObjectVersionInfo]:
    """Versions and delete markers, which a page holds apart, in one order again: by key, and of
    each key the newest first. Keys are relative to the prefix *within*."""
    with _of_answer("ListObjectVersions"):
        versions = [
            ObjectVersionInfo(
                key=entry["Key"].removeprefix(within),
                version_id=entry.get("VersionId", "null"),
                is_latest=entry.get("IsLatest", False),
                is_delete_marker=False,
                last_modified=entry["LastModified"],
                etag=entry.get("ETag"),
                size=entry.get("Size"),
                storage_class=entry.get("StorageClass"),
            )
            for entry in page.get("Versions", ())
        ]
        markers = [
            ObjectVersionInfo(
                key=entry["Key"].removeprefix(within),
                version_id=entry.get("VersionId", "null"),
                is_latest=entry.get("IsLatest", False),
                is_delete_marker=True,
                last_modified=entry["LastModified"],
                etag=None,
                size=None,
                storage_class=None,
            )
            for entry in page.get("DeleteMarkers", ())
        ]
    return merge(versions, markers, key=_place)


def attributes_of(
    found: GetObjectAttributesOutput, parts: Iterable[ObjectPartDict]
) -> ObjectAttributes:
    """What is known of an object, with *parts* from all pages of the answer."""
    checksum = found.get("Checksum", {})
    return ObjectAttributes(
        etag=found.get("ETag"),
        size=found.get("ObjectSize"),
        storage_class=found.get("StorageClass"),
        checksums=_checksums(checksum),
        checksum_type=checksum.get("ChecksumType"),
        parts_count=found.get("ObjectParts", {}).get("TotalPartsCount"),
        parts=[
            ObjectPart(part.get("PartNumber", 0), part.get("Size", 0), _checksums(part))
            for part in parts
        ],
        last_modified=found.get("LastModified"),
        version_id=found.get("VersionId"),
    )


def _place(version: ObjectVersionInfo) -> tuple[bytes, bool, float]:
    # S3 orders keys by their bytes.
    key = version.key.encode(errors="surrogateescape")
    return key, not version.is_latest, -version.last_modified.timestamp()


def _checksums(entry: ChecksumDict | ObjectPartDict) -> dict[str, str]:
    return {
        name.removeprefix(_CHECKSUM): str(value)
        for name, value in entry.items()
        if name.startswith(_CHECKSUM) and name != "ChecksumType"
    }
