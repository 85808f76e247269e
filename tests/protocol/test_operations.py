"""S3's names of requests, and what follows from them (P4, P8)."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

import aiohttp_s3_client
from aiohttp_s3_client.protocol.operations import is_document, is_idempotent, operation_name

S3 = Path(aiohttp_s3_client.__file__).parent / "protocol" / "model" / "s3.json"
COPY = {"x-amz-copy-source": "/b/k"}


@pytest.mark.parametrize(
    ("method", "has_key", "query", "headers", "name"),
    [
        ("GET", True, [], {}, "GetObject"),
        ("GET", True, [("versionId", "1")], {}, "GetObject"),
        ("GET", True, [("tagging", "")], {}, "GET ?tagging"),
        ("GET", True, [("uploadId", "x")], {}, "ListParts"),
        ("HEAD", True, [], {}, "HeadObject"),
        ("PUT", True, [], {}, "PutObject"),
        ("PUT", True, [], COPY, "CopyObject"),
        ("PUT", True, [("acl", "")], {}, "PUT ?acl"),
        ("PUT", True, [("partNumber", "1"), ("uploadId", "x")], {}, "UploadPart"),
        ("PUT", True, [("partNumber", "1"), ("uploadId", "x")], COPY, "UploadPartCopy"),
        ("POST", True, [("uploads", "")], {}, "CreateMultipartUpload"),
        ("POST", True, [("uploadId", "x")], {}, "CompleteMultipartUpload"),
        ("POST", True, [("restore", "")], {}, "POST ?restore"),
        ("DELETE", True, [("versionId", "1")], {}, "DeleteObject"),
        ("DELETE", True, [("uploadId", "x")], {}, "AbortMultipartUpload"),
        ("GET", False, [], {}, "ListObjects"),
        ("GET", False, [("prefix", "a")], {}, "ListObjects"),
        ("GET", False, [("location", "")], {}, "GET ?location"),
        ("GET", False, [("prefix", "a"), ("list-type", "2")], {}, "ListObjectsV2"),
        ("POST", False, [("delete", "")], {}, "DeleteObjects"),
        ("PUT", False, [], {}, "CreateBucket"),
        ("PUT", False, [("versioning", "")], {}, "PUT ?versioning"),
        ("OPTIONS", True, [], {}, "OPTIONS"),
    ],
)
def test_names(
    method: str, has_key: bool, query: list[tuple[str, str]], headers: dict[str, str], name: str
) -> None:
    assert operation_name(method, has_key, query, headers) == name


def test_every_sub_resource_is_told_from_the_plain_request() -> None:
    """By S3's own name, or by the method and the sub-resource."""
    model = json.loads(S3.read_bytes())
    for name, operation in model["operations"].items():
        path, _, query = operation["path"].partition("?")
        if not query or not path.startswith("/{Bucket}"):
            continue
        pairs = parse_qsl(query, keep_blank_values=True)
        found = operation_name(operation["method"], "Key" in path, pairs, {})
        assert found in (name, f"{operation['method']} ?{pairs[0][0]}")


@pytest.mark.parametrize(
    "operation", ["CompleteMultipartUpload", "CopyObject", "UploadPartCopy", "DeleteObjects"]
)
def test_p04_a_200_of_these_may_hold_an_error(operation: str) -> None:
    assert is_document(operation)


@pytest.mark.parametrize("operation", ["GetObject", "PutObject", "UploadPart", "HeadObject"])
def test_p04_a_200_of_those_is_a_success(operation: str) -> None:
    assert not is_document(operation)


@pytest.mark.parametrize(
    ("method", "operation", "idempotent"),
    [
        ("GET", "GetObject", True),
        ("PUT", "PutObject", True),
        ("DELETE", "DeleteObject", True),
        ("POST", "CreateMultipartUpload", True),
        ("POST", "CompleteMultipartUpload", True),
        ("POST", "DeleteObjects", True),
        ("POST", "POST ?restore", False),
        ("POST", "POST", False),
        ("PATCH", "PATCH", False),
    ],
)
def test_p08_what_may_be_sent_twice(method: str, operation: str, idempotent: bool) -> None:
    assert is_idempotent(method, operation) is idempotent
