"""Probes of copies and of multipart uploads."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Any

from ..oracle import Oracle
from .registry import code_of, probe, status_of


@probe
def copy(oracle: Oracle, bucket: str) -> bool:
    """CopyObject copies the body and the metadata."""
    oracle.put(bucket, "original", b"body", Metadata={"kept": "yes"})
    source = {"Bucket": bucket, "Key": "original"}
    oracle.client.copy_object(Bucket=bucket, Key="copied", CopySource=source)
    found = oracle.head(bucket, "copied") or {}
    return oracle.get(bucket, "copied") == b"body" and _lower(found["Metadata"])["kept"] == "yes"


MIN_PART = 5 * 1024 * 1024


@probe
def copy_keeps_headers(oracle: Oracle, bucket: str) -> bool:
    """CopyObject copies Content-Type, Cache-Control and their like."""
    sent = {"ContentType": "text/x-probe", "CacheControl": "no-store"}
    oracle.put(bucket, "typed", b"body", **sent)
    oracle.client.copy_object(Bucket=bucket, Key="copied", CopySource=f"{bucket}/typed")
    found = oracle.head(bucket, "copied") or {}
    return {name: found.get(name) for name in sent} == sent


@probe
def copy_replaces_metadata(oracle: Oracle, bucket: str) -> bool:
    """CopyObject with the directive REPLACE takes metadata and type of the request."""
    oracle.put(bucket, "original", b"body", Metadata={"kept": "no"})
    oracle.client.copy_object(
        **{"Bucket": bucket, "Key": "copied", "CopySource": f"{bucket}/original"},
        **{"Metadata": {"new": "yes"}, "MetadataDirective": "REPLACE", "ContentType": "text/new"},
    )
    found = oracle.head(bucket, "copied") or {}
    return (_lower(found["Metadata"]), found["ContentType"]) == ({"new": "yes"}, "text/new")


@probe
def copy_conditions(oracle: Oracle, bucket: str) -> bool:
    """CopyObject with another ETag in copy-source-if-match gets 412."""
    oracle.put(bucket, "original", b"body")
    status = status_of(
        oracle.client.copy_object,
        **{"Bucket": bucket, "Key": "copied", "CopySource": f"{bucket}/original"},
        CopySourceIfMatch='"0123456789abcdef0123456789abcdef"',
    )
    return status == HTTPStatus.PRECONDITION_FAILED


def _lower(names: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in names.items()}


def _upload(oracle: Oracle, bucket: str, key: str, parts: list[bytes]) -> dict[str, Any]:
    client = oracle.client
    where = {"Bucket": bucket, "Key": key}
    upload = client.create_multipart_upload(**where)["UploadId"]
    done = [
        {
            "PartNumber": number,
            "ETag": client.upload_part(**where, UploadId=upload, PartNumber=number, Body=part)[
                "ETag"
            ],
        }
        for number, part in enumerate(parts, 1)
    ]
    return dict(
        client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": done})
    )


@probe
def multipart(oracle: Oracle, bucket: str) -> bool:
    """A multipart upload of two parts becomes one object."""
    parts = [b"a" * MIN_PART, b"b"]
    _upload(oracle, bucket, "parts", parts)
    return oracle.get(bucket, "parts") == b"".join(parts)


@probe
def multipart_etag(oracle: Oracle, bucket: str) -> bool:
    """The ETag of a multipart upload is the MD5 of its parts' MD5s, with their number."""
    parts = [b"a" * MIN_PART, b"b"]
    _upload(oracle, bucket, "parts", parts)
    digests = b"".join(hashlib.md5(part).digest() for part in parts)
    found = oracle.head(bucket, "parts") or {}
    return bool(found["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-2"')


@probe
def complete_etag(oracle: Oracle, bucket: str) -> bool:
    """The answer to CompleteMultipartUpload holds the object's ETag."""
    answer = _upload(oracle, bucket, "parts", [b"a"])
    return bool(answer["ETag"] == (oracle.head(bucket, "parts") or {})["ETag"])


@probe
def small_part_refused(oracle: Oracle, bucket: str) -> bool:
    """A part under 5 MiB that is not the last is refused as EntityTooSmall."""
    return code_of(lambda: _upload(oracle, bucket, "small", [b"a", b"b"])) == "EntityTooSmall"


@probe
def empty_part(oracle: Oracle, bucket: str) -> bool:
    """An upload of one empty part becomes an empty object."""
    _upload(oracle, bucket, "empty-part", [b""])
    return oracle.get(bucket, "empty-part") == b""


@probe
def list_uploads(oracle: Oracle, bucket: str) -> bool:
    """Uploads in progress are listed, and gone after an abort."""
    upload = oracle.client.create_multipart_upload(Bucket=bucket, Key="pending")["UploadId"]
    pending = oracle.uploads(bucket)
    oracle.client.abort_multipart_upload(Bucket=bucket, Key="pending", UploadId=upload)
    return ("pending", upload) in pending and ("pending", upload) not in oracle.uploads(bucket)


@probe
def list_parts(oracle: Oracle, bucket: str) -> bool:
    """The parts of an upload in progress are listed."""
    where = {"Bucket": bucket, "Key": "pending"}
    upload = oracle.client.create_multipart_upload(**where)["UploadId"]
    oracle.client.upload_part(**where, UploadId=upload, PartNumber=3, Body=b"part")
    found = oracle.client.list_parts(**where, UploadId=upload)
    oracle.client.abort_multipart_upload(**where, UploadId=upload)
    return [(part["PartNumber"], part["Size"]) for part in found["Parts"]] == [(3, 4)]


@probe
def conditional_complete(oracle: Oracle, bucket: str) -> bool:
    """CompleteMultipartUpload with ``If-None-Match: *`` does not replace an object."""
    oracle.put(bucket, "once", b"1")
    where = {"Bucket": bucket, "Key": "once"}
    upload = oracle.client.create_multipart_upload(**where)["UploadId"]
    part = oracle.client.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"part")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    complete, wanted = oracle.client.complete_multipart_upload, {"MultipartUpload": parts}
    status = status_of(complete, **where, UploadId=upload, IfNoneMatch="*", **wanted)
    if status != HTTPStatus.OK:
        oracle.client.abort_multipart_upload(**where, UploadId=upload)
    return status == HTTPStatus.PRECONDITION_FAILED


@probe
def no_such_upload(oracle: Oracle, bucket: str) -> bool:
    """Completing an upload that was aborted gets NoSuchUpload."""
    where = {"Bucket": bucket, "Key": "aborted"}
    upload = oracle.client.create_multipart_upload(**where)["UploadId"]
    part = oracle.client.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"part")
    oracle.client.abort_multipart_upload(**where, UploadId=upload)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    complete = oracle.client.complete_multipart_upload
    return code_of(complete, **where, UploadId=upload, MultipartUpload=parts) == "NoSuchUpload"


@probe
def upload_part_copy(oracle: Oracle, bucket: str) -> bool:
    """A part can be a range of another object."""
    oracle.put(bucket, "original", b"0123456789")
    where = {"Bucket": bucket, "Key": "from-copy"}
    upload = oracle.client.create_multipart_upload(**where)["UploadId"]
    copied = oracle.client.upload_part_copy(
        **where,
        **{"UploadId": upload, "PartNumber": 1, "CopySource": f"{bucket}/original"},
        CopySourceRange="bytes=2-4",
    )
    part = {"PartNumber": 1, "ETag": copied["CopyPartResult"]["ETag"]}
    oracle.client.complete_multipart_upload(
        **where, UploadId=upload, MultipartUpload={"Parts": [part]}
    )
    return oracle.get(bucket, "from-copy") == b"234"


@probe
def part_number_read(oracle: Oracle, bucket: str) -> bool:
    """``partNumber=`` reads one part and tells how many there are."""
    _upload(oracle, bucket, "parts", [b"a" * MIN_PART, b"b"])
    found = oracle.client.get_object(Bucket=bucket, Key="parts", PartNumber=2)
    return (found.get("PartsCount"), found["Body"].read()) == (2, b"b")
