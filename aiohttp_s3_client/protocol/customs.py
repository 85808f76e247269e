"""What S3's users expect of single operations and its description does not say.

``completed`` turns boto3's parameters into those of the description, ``finished`` the members of
an answer into boto3's. Both leave what they are given as it is and know no server.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html (CopySource)
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html (encoding-type)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import ParamValidationError
from .bucket_names import is_arn
from .encoding import quote_path, unquote, unquote_plus
from .header_values import customer_key
from .model.shapes import Operation


class _Listing(NamedTuple):
    """What ``encoding-type=url`` encodes in the answer to a listing."""

    members: tuple[str, ...]
    of_items: tuple[tuple[str, str], ...]


_PREFIXES = ("CommonPrefixes", "Prefix")
_LISTINGS = {
    "ListMultipartUploads": _Listing(
        ("Delimiter", "KeyMarker", "NextKeyMarker", "Prefix"), (("Uploads", "Key"), _PREFIXES)
    ),
    "ListObjectVersions": _Listing(
        ("Delimiter", "KeyMarker", "NextKeyMarker", "Prefix"),
        (("Versions", "Key"), ("DeleteMarkers", "Key"), _PREFIXES),
    ),
    "ListObjects": _Listing(
        ("Delimiter", "Marker", "NextMarker", "Prefix"), (("Contents", "Key"), _PREFIXES)
    ),
    "ListObjectsV2": _Listing(
        ("Delimiter", "Prefix", "StartAfter"), (("Contents", "Key"), _PREFIXES)
    ),
}
_ENCODED_UNASKED = frozenset({"ListObjects", "ListObjectsV2", "ListObjectVersions"})
"""Not ListMultipartUploads: Ceph RGW encodes its keys then and does not say so."""
ALWAYS_ANSWERED = frozenset(
    {
        "CompleteMultipartUpload", "CreateMultipartUpload", "DeleteObjects", "ListBuckets",
        "ListMultipartUploads", "ListObjects", "ListObjectsV2", "ListObjectVersions", "ListParts",
    }
)  # fmt: skip
"""Whose success is a document: an empty one would pass for "nothing there", or for "done"."""

_COPIES = frozenset({"CopyObject", "UploadPartCopy"})
_CUSTOMER_KEYS = ("SSECustomerKey", "CopySourceSSECustomerKey")

# Compiled when they are needed: the second takes as long as importing the rest of this.
_VERSION = r"\?versionId=\S+\Z"
_ACCESS_POINT = (
    r"arn:aws[^:]*:(?:(?:s3|s3-object-lambda):[a-z0-9-]*:\d{12}:accesspoint[/:][A-Za-z0-9.-]+"
    r"|s3-outposts:[a-z0-9-]+:\d{12}:outpost[/:][A-Za-z0-9-]+[/:]accesspoint[/:][A-Za-z0-9-]+)"
)


def completed(
    operation: Operation, params: Mapping[str, Any], *, ask_for_checksums: bool = True
) -> dict[str, Any]:
    """*params* as the description has them.

    * ``CopySource`` may be a dict of ``Bucket``, ``Key`` and ``VersionId``, or ``bucket/key``
      with ``?versionId=…``; either is percent-encoded here.
    * A customer's key is raw, as str or bytes: it goes as base64 and with its MD5, unless
      ``…KeyMD5`` is given, which says that the caller has done that.
    * Listings ask for their keys percent-encoded, since XML cannot hold all of them (P23).
    * Objects are asked for with their checksums, unless *ask_for_checksums* is false.
    """
    given = dict(params)
    if operation.name in _COPIES and given.get("CopySource") is not None:
        given["CopySource"] = _copy_source(operation.name, given["CopySource"])
    for name in _CUSTOMER_KEYS:
        key = given.get(name)
        if isinstance(key, str | bytes | bytearray) and given.get(f"{name}MD5") is None:
            try:
                given[name], given[f"{name}MD5"] = customer_key(name, key)
            except UnicodeEncodeError:  # It shows the key.
                raise ParamValidationError(
                    operation.name, [f"{name} has a lone surrogate in it"]
                ) from None
    if operation.name in _ENCODED_UNASKED and given.get("EncodingType") is None:
        given["EncodingType"] = "url"
    mode = operation.checksum_mode
    if mode and ask_for_checksums and given.get(mode) is None:
        given[mode] = "ENABLED"
    return given


def finished(
    operation: Operation,
    given: Mapping[str, Any],
    headers: Mapping[str, str],
    parsed: Mapping[str, Any],
) -> dict[str, Any]:
    """The members of an answer as boto3 has them. *given* is what the caller gave.

    * Keys of listings are decoded, unless the caller asked for the encoding.
    * ``LocationConstraint`` is None for the oldest region, which is called nothing.
    * ``ExpiresString`` is the header as it came, which may be no time at all.
    """
    found = dict(parsed)
    listing = _LISTINGS.get(operation.name)
    if listing and given.get("EncodingType") is None and found.get("EncodingType") == "url":
        _decode(listing, given, found)
    elif operation.name == "GetBucketLocation":
        found["LocationConstraint"] = found.get("LocationConstraint") or None
    elif operation.output is not None and "Expires" in operation.output.members:
        found |= {"ExpiresString": text} if (text := headers.get("Expires")) else {}
    return found


def decoded(operation: str, page: Mapping[str, Any]) -> dict[str, Any]:
    """A page of keys that the caller wanted encoded, with its keys as they are."""
    found = dict(page)
    if operation in _LISTINGS and found.get("EncodingType") == "url":
        _decode(_LISTINGS[operation], {}, found)
    return found


def _decode(listing: _Listing, given: Mapping[str, Any], found: dict[str, Any]) -> None:
    last = ""
    for name, member in listing.of_items:
        if name in found:
            found[name] = [
                {**item, member: unquote_plus(item[member])} if member in item else item
                for item in found[name]
            ]
            last = max([last, *(item[member] for item in found[name] if member in item)])
    for name in listing.members:
        # Swift and Ceph RGW send markers, and repeat parameters, as they are: decoded once more a
        # marker with a plus or a per cent sign in it would lead back, and never to the end.
        text = found.get(name)
        if text is not None and text != given.get(name):
            plain = unquote_plus(text)
            as_is = name.startswith("Next") and text == last != plain
            found[name] = text if as_is else plain


def _copy_source(operation: str, source: object) -> object:
    if isinstance(source, str):
        if "/" not in source.strip("/"):
            raise ParamValidationError(
                operation, [f"CopySource must be bucket/key, not {source!r:.100}"]
            )
        version = re.search(_VERSION, source)
        end = version.start() if version else len(source)
        return _quoted(operation, source[:end]) + source[end:]
    if not isinstance(source, Mapping):
        return source
    problems = [
        f"CopySource.{name} is unknown: CopySource takes Bucket, Key, VersionId"
        for name in source
        if name not in ("Bucket", "Key", "VersionId")
    ]
    for name in ("Bucket", "Key", "VersionId"):
        value = source.get(name)
        if value in (None, "") and name != "VersionId":
            problems.append(f"CopySource.{name} is missing")
        elif value is not None and not isinstance(value, str):
            problems.append(f"CopySource.{name} must be a str, not {type(value).__name__}")
    if problems:
        raise ParamValidationError(operation, problems)
    bucket, version_id = source["Bucket"], source.get("VersionId")
    within = "/object/" if re.fullmatch(_ACCESS_POINT, bucket) else "/"
    quoted = _quoted(operation, f"{bucket}{within}{source['Key']}")
    return quoted if version_id is None else f"{quoted}?versionId={version_id}"


def copied_object(source: str) -> tuple[str, str, str | None]:
    """Bucket, key and version of a ``CopySource`` as ``completed`` leaves it."""
    version = re.search(_VERSION, source)
    path, _, version_id = source.partition("?versionId=") if version else (source, "", None)
    place = unquote(path).lstrip("/")
    bucket, _, key = place.partition("/object/" if is_arn(place) else "/")
    return bucket, key, version_id


def _quoted(operation: str, source: str) -> str:
    try:
        return quote_path(source)
    except ValueError:
        raise ParamValidationError(
            operation, ["CopySource has a lone surrogate in it, which has no UTF-8 form"]
        ) from None
