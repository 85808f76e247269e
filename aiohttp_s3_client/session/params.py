"""What an object may be given when it is stored: ``acl=``, ``content_type=``, ``metadata=``, …

One table leads from these names to boto3's; everything else (the headers, the checks of their
values, RFC 2047 for metadata) follows from those in ``protocol/extra_args.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from ..protocol.extra_args import upload_args
from ..transfer.content_type import NONE_GIVEN

ACL = Literal[
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
]
StorageClass = Literal[
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "OUTPOSTS",
    "GLACIER_IR",
    "SNOW",
    "EXPRESS_ONEZONE",
    "FSX_OPENZFS",
    "FSX_ONTAP",
]
ServerSideEncryption = Literal["AES256", "aws:kms", "aws:kms:dsse", "aws:fsx"]


class S3ObjectParams(TypedDict, total=False):
    """The keyword arguments of all uploads. None is the same as absent.

    What is absent is not sent: no ACL either, since S3's new buckets refuse ACLs (an object is
    private then). Without ``content_type`` an object is what S3 makes of it then,
    ``binary/octet-stream``; ``sync_directory`` alone guesses it from the file's name.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
    """

    acl: ACL | None
    content_type: str | None
    content_disposition: str | None
    content_encoding: str | None
    content_language: str | None
    cache_control: str | None
    storage_class: StorageClass | None
    server_side_encryption: ServerSideEncryption | None
    sse_kms_key_id: str | None
    tagging: str | None
    """As a query string: ``key1=value1&key2=value2``."""
    metadata: Mapping[str, str] | None
    """Names are ASCII and their case is lost; what is not ASCII in values is sent as RFC 2047
    writes it."""


_BOTO_NAMES = {
    "acl": "ACL",
    "content_type": "ContentType",
    "content_disposition": "ContentDisposition",
    "content_encoding": "ContentEncoding",
    "content_language": "ContentLanguage",
    "cache_control": "CacheControl",
    "storage_class": "StorageClass",
    "server_side_encryption": "ServerSideEncryption",
    "sse_kms_key_id": "SSEKMSKeyId",
    "tagging": "Tagging",
    "metadata": "Metadata",
}


def extra_args(params: S3ObjectParams) -> dict[str, Any]:
    """*params* under boto3's names. Raises ``TypeError`` for a name that is none of them."""
    found: dict[str, Any] = {}
    for name, value in params.items():
        if name not in _BOTO_NAMES:
            raise TypeError(
                f"{name!r} is neither an argument of this call nor an object parameter, which are "
                f"{', '.join(_BOTO_NAMES)}"
            )
        if value is not None:
            found[_BOTO_NAMES[name]] = value
    return found


def stored_args(params: S3ObjectParams) -> dict[str, Any]:
    """As ``extra_args``, with the type that S3 itself gives what has none.

    Keys often come from an application's own users: by its name alone nothing that they upload
    shall become a web page.
    """
    return {"ContentType": NONE_GIVEN, **extra_args(params)}


def build_s3_headers(params: S3ObjectParams) -> dict[str, str]:
    """The headers that *params* become.

    Raises ``TypeError`` for unknown names and values of the wrong type, ``ValueError`` for values
    that no header can carry: line breaks and other control characters.
    """
    return dict(upload_args(extra_args(params)).headers)


def build_s3_presigned_params(bucket: str, key: str, params: S3ObjectParams) -> dict[str, Any]:
    """boto3's ``Params`` of ``generate_presigned_url("put_object", …)``: a bucket, a key, *params*.

    Raises ``TypeError`` for unknown names. The values are as given; boto3 checks them.
    """
    return {"Bucket": bucket, "Key": key, **extra_args(params)}
