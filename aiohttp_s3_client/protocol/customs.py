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
from .encoding import quote_path, unquote_plus
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
_COPIES = frozenset({"CopyObject", "UploadPartCopy"})
_CUSTOMER_KEYS = ("SSECustomerKey", "CopySourceSSECustomerKey")

# Compiled when they are needed: the second takes as long as importing the rest of this.
_VERSION = r"\?versionId=\S+\Z"
_ACCESS_POINT = (
    r"arn:aws[^:]*:(?:(?:s3|s3-object-lambda):[a-z0-9-]*:\d{12}:accesspoint[/:][A-Za-z0-9.-]+"
    r"|s3-outposts:[a-z0-9-]+:\d{12}:outpost[/:][A-Za-z0-9-]+[/:]accesspoint[/:][A-Za-z0-9-]+)"
)


def completed(operation: Operation, params: Mapping[str, Any]) -> dict[str, Any]:
    """*params* as the description has them.

    * ``CopySource`` may be a dict of ``Bucket``, ``Key`` and ``VersionId``, or ``bucket/key``
      with ``?versionId=…``; either is percent-encoded here.
    * A customer's key is raw, as str or bytes: it goes as base64 and with its MD5, unless
      ``…KeyMD5`` is given, which says that the caller has done that.
    * Listings ask for their keys percent-encoded, since XML cannot hold all of them (P23).
    * Objects are asked for with their checksums.
    """
    given = dict(params)
    if operation.name in _COPIES and given.get("CopySource") is not None:
        given["CopySource"] = _copy_source(operation.name, given["CopySource"])
    for name in _CUSTOMER_KEYS:
        key = given.get(name)
        if isinstance(key, str | bytes | bytearray) and given.get(f"{name}MD5") is None:
            given[name], given[f"{name}MD5"] = customer_key(name, key)
    if operation.name in _LISTINGS and given.get("EncodingType") is None:
        given["EncodingType"] = "url"
    if operation.checksum_mode and given.get(operation.checksum_mode) is None:
        given[operation.checksum_mode] = "ENABLED"
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
        _decode(listing, found)
    elif operation.name == "GetBucketLocation":
        found["LocationConstraint"] = found.get("LocationConstraint") or None
    elif operation.output is not None and "Expires" in operation.output.members:
        found |= {"ExpiresString": text} if (text := headers.get("Expires")) else {}
    return found


def _decode(listing: _Listing, found: dict[str, Any]) -> None:
    for name in listing.members:
        if name in found:
            found[name] = unquote_plus(found[name])
    for name, member in listing.of_items:
        if name in found:
            found[name] = [
                {**item, member: unquote_plus(item[member])} if member in item else item
                for item in found[name]
            ]


def _copy_source(operation: str, source: object) -> object:
    if isinstance(source, str):
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
        if value is None and name != "VersionId":
            problems.append(f"CopySource.{name} is missing")
        elif value is not None and not isinstance(value, str):
            problems.append(f"CopySource.{name} must be a str, not {type(value).__name__}")
    if problems:
        raise ParamValidationError(operation, problems)
    bucket, version_id = source["Bucket"], source.get("VersionId")
    within = "/object/" if re.fullmatch(_ACCESS_POINT, bucket) else "/"
    quoted = _quoted(operation, f"{bucket}{within}{source['Key']}")
    return quoted if version_id is None else f"{quoted}?versionId={version_id}"


def _quoted(operation: str, source: str) -> str:
    try:
        return quote_path(source)
    except ValueError:
        raise ParamValidationError(
            operation, ["CopySource has a lone surrogate in it, which has no UTF-8 form"]
        ) from None
