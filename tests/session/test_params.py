"""The keyword arguments of uploads: their names, their headers, and what is refused."""

from __future__ import annotations

from email.header import decode_header, make_header
from typing import Any, assert_type, get_type_hints

import boto3
import pytest
from multidict import CIMultiDict

from aiohttp_s3_client.protocol.extra_args import upload_args
from aiohttp_s3_client.session import (
    S3Object,
    S3ObjectParams,
    SyncResult,
    UploadPart,
    build_s3_headers,
    build_s3_presigned_params,
)
from aiohttp_s3_client.session.params import extra_args

ALL: S3ObjectParams = {
    "acl": "private",
    "content_type": "application/json",
    "content_disposition": 'attachment; filename="a.json"',
    "content_encoding": "gzip",
    "content_language": "de-DE",
    "cache_control": "max-age=3600",
    "storage_class": "STANDARD_IA",
    "server_side_encryption": "aws:kms",
    "sse_kms_key_id": "alias/key",
    "tagging": "env=production&team=analytics",
    "metadata": {"author": "me", "Version": "1.0"},
}


def test_headers_of_all_parameters() -> None:
    assert build_s3_headers(ALL) == {
        "x-amz-acl": "private",
        "Content-Type": "application/json",
        "Content-Disposition": 'attachment; filename="a.json"',
        "Content-Encoding": "gzip",
        "Content-Language": "de-DE",
        "Cache-Control": "max-age=3600",
        "x-amz-storage-class": "STANDARD_IA",
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": "alias/key",
        "x-amz-tagging": "env=production&team=analytics",
        "x-amz-meta-author": "me",
        "x-amz-meta-Version": "1.0",
    }


def test_headers_are_those_of_the_upload() -> None:
    """One translation: what the function says is what an upload sends."""
    assert CIMultiDict(build_s3_headers(ALL)) == upload_args(extra_args(ALL)).headers


def test_presigned_params_of_all_parameters() -> None:
    assert build_s3_presigned_params("bucket", "key", ALL) == {
        "Bucket": "bucket",
        "Key": "key",
        "ACL": "private",
        "ContentType": "application/json",
        "ContentDisposition": 'attachment; filename="a.json"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "de-DE",
        "CacheControl": "max-age=3600",
        "StorageClass": "STANDARD_IA",
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "alias/key",
        "Tagging": "env=production&team=analytics",
        "Metadata": {"author": "me", "Version": "1.0"},
    }


def test_presigned_params_are_names_that_botocore_knows() -> None:
    s3: Any = boto3.client(
        "s3", region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="secret"
    )
    params = build_s3_presigned_params("bucket", "key", ALL)
    assert "x-amz-meta-author" in s3.generate_presigned_url("put_object", Params=params)


def test_none_and_absent_are_the_same() -> None:
    """No ACL header unless one is given: new buckets refuse them."""
    nothing: S3ObjectParams = dict.fromkeys(ALL)  # type: ignore[assignment]  # a TypedDict of Nones
    assert len(nothing) == 11
    assert build_s3_headers(nothing) == build_s3_headers({}) == {}
    assert build_s3_presigned_params("b", "k", nothing) == {"Bucket": "b", "Key": "k"}


def test_parameters_are_eleven() -> None:
    assert set(get_type_hints(S3ObjectParams)) == set(ALL)


@pytest.mark.parametrize("build", [build_s3_headers, extra_args])
def test_unknown_parameter_is_named(build: object) -> None:
    assert callable(build)
    with pytest.raises(TypeError, match="'content_typ' is neither"):
        build({"content_typ": "text/plain"})


@pytest.mark.parametrize("value", ["a\r\nx-amz-acl: public-read", "a\nb", "a\0b", "\x7f"])
def test_control_characters_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="ContentType has a line break"):
        build_s3_headers({"content_type": value})
    with pytest.raises(ValueError, match=r"Metadata\['name'\] has a line break"):
        build_s3_headers({"metadata": {"name": value}})


def test_metadata_beyond_ascii_is_encoded_words() -> None:
    value = "Größe: 30 € – 日本語" * 3
    sent = build_s3_headers({"metadata": {"note": value}})["x-amz-meta-note"]
    assert sent.isascii()
    assert str(make_header(decode_header(sent))) == value


def test_metadata_has_to_be_a_mapping_of_texts() -> None:
    with pytest.raises(TypeError, match="Metadata must be a mapping"):
        build_s3_headers({"metadata": [("a", "b")]})  # type: ignore[typeddict-item]  # refused
    with pytest.raises(TypeError, match="must be a str"):
        build_s3_headers({"metadata": {"a": 1}})  # type: ignore[dict-item]  # refused


def test_types_as_a_checker_sees_them() -> None:
    """mypy judges this file: an ignore that nothing needs is an error too."""
    found: S3Object = {"Key": "k", "LastModified": "2024-01-15T10:30:00.000Z", "Size": 1}
    assert_type(found["Key"], str)
    assert_type(found["Size"], int)
    part: UploadPart = {"PartNumber": 1, "ETag": '"e"'}
    assert_type(part["PartNumber"], int)
    result: SyncResult = {"uploaded": [], "deleted": [], "skipped": []}
    assert_type(result["deleted"], list[str])
    wrong: S3ObjectParams = {"acl": "publick"}  # type: ignore[typeddict-item]  # no such ACL
    assert build_s3_headers(wrong) == {"x-amz-acl": "publick"}  # The server's to judge.
