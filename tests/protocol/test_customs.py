"""What S3's users expect of single operations, held against botocore's own handlers."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st

from aiohttp_s3_client.errors import ParamValidationError
from aiohttp_s3_client.protocol.customs import completed, finished
from aiohttp_s3_client.protocol.restxml.request import serialize

from .rest_xml_models import s3

_KEYS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)


@cache
def client() -> Any:
    config = Config(request_checksum_calculation="when_required")
    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b")
    return session.client("s3", region_name="us-east-1", config=config)


def botocores_headers(operation: str, **params: Any) -> dict[str, str]:
    """The headers of the request that boto3 would send."""
    seen: dict[str, str] = {}

    def answer(request: Any, **_: object) -> AWSResponse:
        for name, value in request.headers.items():
            seen[name.lower()] = value.decode() if isinstance(value, bytes) else value
        return AWSResponse(request.url, 400, HTTPHeaders(), _Raw())

    events = client().meta.events
    events.register("before-send.s3", answer)
    try:
        with pytest.raises(client().exceptions.ClientError):
            getattr(client(), operation)(**params)
    finally:
        events.unregister("before-send.s3", answer)
    return seen


class _Raw:
    """An empty body."""

    def stream(self, **_: object) -> list[bytes]:
        return []


def headers(operation: str, **params: Any) -> dict[str, str]:
    called = s3().operation(operation)
    request = serialize(called, completed(called, params))
    return {name.lower(): value for name, value in request.headers.items()}


SOURCES = [
    "bucket/key",
    "/bucket/a b/ü+%.txt",
    "bucket/key?versionId=abc.DEF_1-",
    "bucket/what?versionId= is this?",
    {"Bucket": "bucket", "Key": "a b/ü+%?versionId=no"},
    {"Bucket": "bucket", "Key": "key", "VersionId": "abc.DEF_1-"},
    {"Bucket": "bucket", "Key": "key", "VersionId": None},
    {"Bucket": "arn:aws:s3:us-east-1:123456789012:accesspoint/mine", "Key": "a b"},
    {
        "Bucket": "arn:aws:s3-outposts:us-east-1:123456789012:outpost/op-1/accesspoint/mine",
        "Key": "k",
    },
    {"Bucket": "arn:aws:s3:us-east-1:123456789012:accesspoint", "Key": "a b"},
]


@pytest.mark.parametrize("source", SOURCES)
def test_copy_sources_are_encoded_as_botocore_does(source: Any) -> None:
    params = {"Bucket": "b", "Key": "k", "CopySource": source}
    ours = headers("CopyObject", **params)["x-amz-copy-source"]
    assert ours == botocores_headers("copy_object", **params)["x-amz-copy-source"]
    params |= {"UploadId": "u", "PartNumber": 1}
    assert headers("UploadPartCopy", **params)["x-amz-copy-source"] == ours


@settings(max_examples=20, deadline=None)
@given(_KEYS)
def test_any_key_can_be_copied(key: str) -> None:
    source = {"Bucket": "bucket", "Key": key}
    params = {"Bucket": "b", "Key": "k", "CopySource": source}
    theirs = botocores_headers("copy_object", **params)["x-amz-copy-source"]
    assert headers("CopyObject", **params)["x-amz-copy-source"] == theirs


def test_a_copy_source_that_cannot_work_is_named() -> None:
    source = {"Bucket": "b", "VersionId": 1, "Name": "n"}
    with pytest.raises(ParamValidationError) as caught:
        completed(s3().operation("CopyObject"), {"CopySource": source})
    assert caught.value.problems == (
        "CopySource.Name is unknown: CopySource takes Bucket, Key, VersionId",
        "CopySource.Key is missing",
        "CopySource.VersionId must be a str, not int",
    )
    with pytest.raises(ParamValidationError, match="CopySource has a lone surrogate"):
        completed(s3().operation("CopyObject"), {"CopySource": "b/\ud800"})
    params = {"Bucket": "b", "Key": "k", "CopySource": 5}
    with pytest.raises(ParamValidationError, match="CopySource must be a str, not 5"):
        headers("CopyObject", **params)


@pytest.mark.parametrize("key", ["k" * 32, b"\0\xff" * 16])
def test_customer_keys_go_in_base64_with_their_md5(key: Any) -> None:
    params = {"Bucket": "b", "Key": "k", "SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}
    name = "x-amz-server-side-encryption-customer-key"
    theirs = botocores_headers("head_object", **params)
    ours = headers("HeadObject", **params)
    assert ours[name] == theirs[name]
    assert ours[f"{name}-md5"] == theirs[f"{name}-md5"]
    # botocore leaves these to the caller of ListParts, whose raw key S3 refuses.
    listed = headers("ListParts", UploadId="u", **params)
    assert listed[name] == ours[name]
    assert listed[f"{name}-md5"] == ours[f"{name}-md5"]
    copied = {
        "CopySource": "b/k",
        "CopySourceSSECustomerKey": key,
        "Bucket": "b",
        "Key": "k",
    }
    source = "x-amz-copy-source-server-side-encryption-customer-key-md5"
    assert (
        headers("CopyObject", **copied)[source]
        == botocores_headers("copy_object", **copied)[source]
    )


def test_a_customer_key_with_its_md5_is_left_alone() -> None:
    raw = b"k" * 32
    done = {
        "SSECustomerKey": base64.b64encode(raw).decode(),
        "SSECustomerKeyMD5": base64.b64encode(hashlib.md5(raw).digest()).decode(),
    }
    assert completed(s3().operation("GetObject"), {**done, "ChecksumMode": "ENABLED"}) == {
        **done,
        "ChecksumMode": "ENABLED",
    }
    without = {"SSECustomerKey": raw, "SSECustomerKeyMD5": None}
    assert completed(s3().operation("PutObject"), without) == done


def test_what_is_given_is_not_changed() -> None:
    params = {"Bucket": "b", "CopySource": {"Bucket": "b", "Key": "k"}, "SSECustomerKey": "k"}
    before = dict(params)
    completed(s3().operation("CopyObject"), params)
    assert params == before
    parsed = {"EncodingType": "url", "Contents": [{"Key": "a%20b"}]}
    finished(s3().operation("ListObjectsV2"), {}, {}, parsed)
    assert parsed == {"EncodingType": "url", "Contents": [{"Key": "a%20b"}]}


LISTINGS = ["ListMultipartUploads", "ListObjectVersions", "ListObjects", "ListObjectsV2"]


@pytest.mark.parametrize("name", LISTINGS)
def test_p23_listings_ask_for_encoded_keys_and_decode_them(name: str) -> None:
    asked = completed(s3().operation(name), {"Bucket": "b"})
    # Ceph RGW encodes the keys of uploads when it is asked, and does not say so.
    assert asked.get("EncodingType") == (None if name == "ListMultipartUploads" else "url")
    parsed: dict[str, Any] = {
        "EncodingType": "url",
        "Name": "a%20b",
        "Prefix": "a+b%2F",
        "Delimiter": "%2F",
        "KeyMarker": "%01",
        "NextKeyMarker": "%25",
        "Marker": "%2B",
        "NextMarker": "%C3%BC",
        "StartAfter": "%FF",
        "NextContinuationToken": "a%20b",
        "CommonPrefixes": [{"Prefix": "x%0A"}, {}],
        **{
            items: [{"Key": "a+b%2B", "ETag": "%20"}]
            for items in ("Contents", "Versions", "DeleteMarkers", "Uploads")
        },
    }
    shape = s3().operation(name).output
    assert shape is not None
    parsed = {member: value for member, value in parsed.items() if member in shape.members}
    decoded = {
        "Prefix": "a b/",
        "Delimiter": "/",
        "KeyMarker": "\x01",
        "NextKeyMarker": "%",
        "Marker": "+",
        "NextMarker": "ü",
        "StartAfter": "\udcff",
        "CommonPrefixes": [{"Prefix": "x\n"}, {}],
        **{
            items: [{"Key": "a b+", "ETag": "%20"}]
            for items in ("Contents", "Versions", "DeleteMarkers", "Uploads")
        },
    }
    expected = {member: decoded.get(member, value) for member, value in parsed.items()}
    assert finished(s3().operation(name), {}, {}, parsed) == expected
    assert finished(s3().operation(name), {"EncodingType": None}, {}, parsed) == expected
    # Who asked for it gets it; and a server that does not know it has encoded nothing.
    assert finished(s3().operation(name), {"EncodingType": "url"}, {}, parsed) == parsed
    plain = {member: value for member, value in parsed.items() if member != "EncodingType"}
    assert finished(s3().operation(name), {}, {}, plain) == plain


def test_objects_are_asked_for_with_their_checksums() -> None:
    params = {"Bucket": "b", "Key": "k"}
    mode = "x-amz-checksum-mode"
    assert headers("GetObject", **params)[mode] == "ENABLED"
    assert botocores_headers("get_object", **params)[mode] == "ENABLED"
    assert mode not in headers("HeadObject", **params)
    assert mode not in botocores_headers("head_object", **params)


@pytest.mark.parametrize("parsed", [{}, {"LocationConstraint": ""}])
def test_the_oldest_region_is_called_nothing(parsed: dict[str, Any]) -> None:
    operation = s3().operation("GetBucketLocation")
    assert finished(operation, {}, {}, parsed) == {"LocationConstraint": None}
    elsewhere = {"LocationConstraint": "eu-west-1"}
    assert finished(operation, {}, {}, elsewhere) == elsewhere


@pytest.mark.parametrize("name", ["GetObject", "HeadObject"])
def test_expires_is_there_as_it_came(name: str) -> None:
    operation = s3().operation(name)
    assert finished(operation, {}, {"Expires": "never"}, {}) == {"ExpiresString": "never"}
    assert finished(operation, {}, {}, {}) == {}
