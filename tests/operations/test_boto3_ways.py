"""What boto3 does around its description, case by case, and where ``client.api`` differs."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError as BotoValidationError

from aiohttp_s3_client.config import ClientConfig
from aiohttp_s3_client.errors import ResponseParseError
from aiohttp_s3_client.protocol import checksums

from ..protocol.rest_xml_models import s3
from ..servers.steps import Recorded, Reply, reply
from .calls import RAW_KEYS_HERE_ONLY, SOURCES, Values
from .comparing import (
    ALGORITHM,
    OBJECT,
    PART,
    answered,
    assert_protected,
    compared_headers,
    computed,
    members,
    problems,
    sent_by,
    without_prefix,
)
from .wire import Wire

LISTED = b"""<Result><EncodingType>url</EncodingType><Prefix>%2F</Prefix><Delimiter>%2B</Delimiter>
<Contents><Key>a%20b+c%0A</Key></Contents><CommonPrefixes><Prefix>%C3%BC</Prefix></CommonPrefixes>
<NextContinuationToken>a%20b</NextContinuationToken><KeyMarker>%25</KeyMarker>
<Marker>%25</Marker><StartAfter>%25</StartAfter><NextMarker>%25</NextMarker>
<Version><Key>a%20b</Key></Version><DeleteMarker><Key>%2B</Key></DeleteMarker></Result>"""


@pytest.mark.parametrize("encoding", [{}, {"EncodingType": "url"}], ids=["", "asked"])
@pytest.mark.parametrize("name", ["ListObjects", "ListObjectsV2", "ListObjectVersions"])
def test_p23_keys_of_listings_are_decoded_unless_their_encoding_was_asked_for(
    wire: Wire, name: str, encoding: Values
) -> None:
    theirs, ours = wire.both(name, {"Bucket": "b", **encoding}, answered(LISTED))
    assert without_prefix(name, ours) == without_prefix(name, theirs)
    assert members(ours)["Prefix"] == ("%2F" if encoding else "/")
    assert ("%20" in str(ours.output)) == (bool(encoding) or name == "ListObjectsV2")


def test_p23_keys_of_multipart_uploads_are_decoded_too(wire: Wire) -> None:
    listed = b"<R><EncodingType>url</EncodingType><Upload><Key>a%20b</Key></Upload></R>"
    theirs, ours = wire.both("ListMultipartUploads", {"Bucket": "b"}, answered(listed))
    assert members(theirs)["Uploads"] == [{"Key": "a%20b"}]
    assert members(ours)["Uploads"] == [{"Key": "a b"}]


@pytest.mark.parametrize("expires", ["never", "0", "Wed, 21 Oct 2015 07:28:00 GMT"])
@pytest.mark.parametrize("name", ["GetObject", "HeadObject"])
def test_expires_comes_as_a_text_too(wire: Wire, name: str, expires: str) -> None:
    theirs, ours = wire.both(name, OBJECT, answered(b"", Expires=expires))
    assert members(ours) == members(theirs)
    assert members(ours)["ExpiresString"] == expires


def test_a_body_is_held_to_its_checksum(wire: Wire) -> None:
    answer = answered(b"damaged", **{"x-amz-checksum-crc32": "AAAAAA=="})
    theirs, ours = wire.both("GetObject", OBJECT, answer)
    assert type(theirs.error).__name__ == "FlexibleChecksumError"
    assert type(ours.error).__name__ == "ChecksumMismatch"


@pytest.mark.parametrize("name", ["GetObjectRetention", "GetBucketEncryption", "GetObjectTagging"])
def test_empty_answers(wire: Wire, name: str) -> None:
    params = OBJECT if "Object" in name else {"Bucket": "b"}
    theirs, ours = wire.both(name, params, answered(b""))
    if members(theirs):
        assert isinstance(ours.error, ResponseParseError)
    else:
        assert members(ours) == {}


REFUSED_BY_BOTH: list[tuple[str, Values, str]] = [
    ("GetObject", {"Bucket": "b"}, "Key is missing"),
    ("GetObject", {"Bucket": "b", "Key": ""}, "Key must have at least 1 characters"),
    ("GetObject", {"Bucket": "a/b", "Key": "k"}, "Bucket: 'a/b' is not a bucket name"),
    ("GetObject", {"Bucket": "", "Key": "k"}, "Bucket: '' is not a bucket name"),
    ("ListObjectsV2", {}, "Bucket is missing"),
    ("CopyObject", {**OBJECT, "CopySource": {"Bucket": "b"}}, "CopySource.Key is missing"),
    ("PutObject", {**OBJECT, "Body": 5}, "Body must be bytes, a str, a file"),
    ("PutObject", {**OBJECT, "Body": {"a": 1}}, "Body must be bytes, a str, a file"),
    (
        "GetObject",
        {**OBJECT, "SSECustomerKey": b"k", "SSECustomerKeyMD5": "m"},
        "SSECustomerKey must be a str, not bytes",
    ),
]
REFUSED_HERE: list[tuple[str, Values, str]] = [
    ("UploadPart", {**PART, "PartNumber": True}, "PartNumber must be an int"),
    ("UploadPart", {**PART, "PartNumber": 2**40}, "PartNumber must fit into 32 bits"),
    ("PutObject", {**OBJECT, "CacheControl": "a\nb"}, "CacheControl has a line break"),
    ("PutObject", {**OBJECT, "Metadata": {"a": "b\r"}}, "Metadata.a has a line break"),
    (
        "CopyObject",
        {**OBJECT, "CopySource": {"Bucket": "b", "Key": "k", "X": ""}},
        "CopySource.X is unknown",
    ),
    ("PutObject", {**OBJECT, "Body": b"abc", "ContentLength": 2}, "ContentLength is 2, but Body"),
    ("PutObject", {**OBJECT, "Body": "ü", "ContentLength": 1}, "ContentLength is 1, but Body"),
    ("PutObject", {**OBJECT, "Body": b"", "ContentLength": -1}, "ContentLength must not be neg"),
]


@pytest.mark.parametrize(("name", "params", "problem"), REFUSED_BY_BOTH)
def test_refused_by_both(wire: Wire, name: str, params: Values, problem: str) -> None:
    theirs, ours = wire.both(name, params)
    assert isinstance(theirs.error, BotoValidationError)
    (said,) = problems(ours)
    assert problem in said


@pytest.mark.parametrize(("name", "params", "problem"), REFUSED_HERE)
def test_refused_here_only(wire: Wire, name: str, params: Values, problem: str) -> None:
    assert wire.boto3.call(name, params).sent
    (said,) = problems(wire.ours.call(name, params))
    assert problem in said


def test_none_is_not_given(wire: Wire) -> None:
    nothing = {"VersionId": None, "SSECustomerKey": None, "ResponseExpires": None}
    theirs = wire.boto3.call("GetObject", OBJECT)
    ours = wire.ours.call("GetObject", {**OBJECT, **nothing})
    assert compared_headers(sent_by(ours)) == compared_headers(sent_by(theirs))
    assert isinstance(
        wire.boto3.call("GetObject", {**OBJECT, **nothing}).error, BotoValidationError
    )


def test_a_client_that_is_bound_to_a_bucket_needs_none(wire: Wire) -> None:
    ours = sent_by(wire.ours.call("GetObject", {"Key": "k"}, bucket="bucket"))
    assert ours.path == "/bucket/k"
    assert sent_by(wire.ours.call("GetObject", OBJECT, bucket="bucket")).path == "/b/k"


def from_the_middle() -> io.BytesIO:
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    return file


BODIES: dict[str, Callable[[], Any]] = {
    "bytes": lambda: b"abc",
    "bytearray": lambda: bytearray(b"abc"),
    "str": lambda: "grüße",
    "empty": lambda: b"",
    "BytesIO": lambda: io.BytesIO(b"abc"),
    "from the middle": from_the_middle,
    "empty file": io.BytesIO,
}
NAMED = ({}, *({"ChecksumAlgorithm": name} for name in ("CRC32", "SHA1", "SHA256", "sha256")))


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("named", NAMED, ids=lambda named: named.get("ChecksumAlgorithm", "none"))
@pytest.mark.parametrize("name", ["PutObject", "UploadPart"])
def test_bodies(wire: Wire, name: str, named: Values, kind: str) -> None:
    assert_same_body(wire, name, {**(PART if name == "UploadPart" else OBJECT), **named}, kind)


@pytest.mark.parametrize("kind", BODIES)
def test_bodies_of_object_lambdas(wire: Wire, kind: str) -> None:
    route = {"RequestRoute": "route", "RequestToken": "token"}
    assert_same_body(wire, "WriteGetObjectResponse", route, kind)


def assert_same_body(wire: Wire, name: str, params: Values, kind: str) -> None:
    theirs = sent_by(wire.boto3.call(name, {**params, "Body": BODIES[kind]()}))
    ours = sent_by(wire.ours.call(name, {**params, "Body": BODIES[kind]()}))
    assert (ours.host, ours.path, ours.body) == (theirs.host, theirs.path, theirs.body)
    assert_protected(s3().operation(name), params, theirs, ours)


async def pieces() -> AsyncIterator[bytes]:
    for piece in (b"ab", b"", b"c"):
        yield piece


def test_bodies_of_ours_alone(wire: Wire, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    for body in (path, memoryview(b"abc"), [b"ab", b"c"], iter([b"abc"]), pieces()):
        ours = sent_by(wire.ours.call("PutObject", {**OBJECT, "Body": body}))
        assert (ours.body, ours.headers["content-length"]) == (b"abc", "3")
    stream = {**OBJECT, "Body": pieces(), "ContentLength": 3}
    assert sent_by(wire.ours.call("PutObject", stream)).body == b"abc"
    announced = {**OBJECT, "Body": pieces(), "ContentLength": 3, "ChecksumAlgorithm": "SHA256"}
    framed = sent_by(wire.ours.call("PutObject", announced))
    assert framed.headers["x-amz-trailer"] == "x-amz-checksum-sha256"
    assert framed.headers["x-amz-decoded-content-length"] == "3"
    text = io.StringIO("abc")
    (problem,) = problems(wire.ours.call("PutObject", {**OBJECT, "Body": text}))
    assert "Body is a file that is open as text" in problem


def test_a_long_stream_becomes_an_upload_in_parts(wire: Wire) -> None:
    def step(request: Recorded) -> Reply:
        if request.method == "PUT":
            return reply(200, {"ETag": '"part"'})
        name = "Initiate" if "?uploads" in request.target else "Complete"
        made = f"<{name}MultipartUploadResult><UploadId>u</UploadId><ETag>e</ETag>"
        return reply(200, (), f"{made}</{name}MultipartUploadResult>")

    params = {
        **OBJECT,
        "Body": iter([bytes(4 * 2**20)] * 3),
        "ChecksumAlgorithm": "SHA256",
        "IfNoneMatch": "*",
    }
    outcome = wire.ours.call("PutObject", params, step)
    assert members(outcome) == {"ETag": "e"}
    created, *parts, completed = outcome.sent
    assert created.headers["x-amz-checksum-algorithm"] == "SHA256"
    assert ALGORITHM not in created.headers
    assert sorted(len(part.body) for part in parts) == [4 * 2**20, 8 * 2**20]
    for part in parts:
        assert part.headers["x-amz-checksum-sha256"] == computed("sha256", part.body)
    assert completed.headers["if-none-match"] == "*"


@pytest.mark.parametrize("algorithm", ["CRC32C", "CRC64NVME"])
@pytest.mark.parametrize("name", ["PutObject", "DeleteObjects", "PutBucketCors"])
def test_checksums_that_boto3_needs_a_library_for(wire: Wire, name: str, algorithm: str) -> None:
    params: dict[str, Values] = {
        "PutObject": {**OBJECT, "Body": b"abc"},
        "DeleteObjects": {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}]}},
        "PutBucketCors": {"Bucket": "b", "CORSConfiguration": {"CORSRules": []}},
    }
    ours = sent_by(wire.ours.call(name, {**params[name], "ChecksumAlgorithm": algorithm}))
    assert ours.headers[ALGORITHM] == algorithm
    header = f"x-amz-checksum-{algorithm.lower()}"
    assert ours.headers[header] == checksums.encode(checksums.compute(algorithm, ours.body))


def test_checksums_are_added_where_the_settings_say_so(wire: Wire) -> None:
    config = ClientConfig(request_checksum_calculation="when_supported", max_attempts=1)
    ours = sent_by(wire.ours.call("PutObject", {**OBJECT, "Body": b"abc"}, config=config))
    header = checksums.header_name(checksums.preferred())
    assert ours.headers[header] == checksums.encode(
        checksums.compute(checksums.preferred(), b"abc")
    )


@pytest.mark.parametrize("name", ["CopyObject", "UploadPartCopy"])
@pytest.mark.parametrize(
    "source",
    [
        *SOURCES,
        "a/b?c%d e",
        "a/b?versionId=x y",
        "a/k?versionId=1&x=2",
        "arn:aws:s3:us-west-2:123456789012:accesspoint/my-ap/object/a key",
        "arn:aws:s3:us-west-2:123456789012:accesspoint:my-ap/object/k",
        {"Bucket": "arn:aws:s3:us-west-2:123456789012:accesspoint/my-ap", "Key": "a k"},
        {"Bucket": "b", "Key": "k", "VersionId": None},
    ],
    ids=str,
)
def test_sources_of_copies(wire: Wire, name: str, source: Any) -> None:
    params = {**(PART if name == "UploadPartCopy" else OBJECT), "CopySource": source}
    theirs, ours = wire.both(name, params)
    header = "x-amz-copy-source"
    assert sent_by(ours).headers[header] == sent_by(theirs).headers[header]


@pytest.mark.parametrize("between", ["/", ":"])
def test_an_access_point_by_its_arn(wire: Wire, between: str) -> None:
    """Before the host of an endpoint of one's own, whatever the addressing style."""
    point = f"arn:aws:s3:us-east-1:123456789012:accesspoint{between}mine"
    theirs, ours = wire.both("GetObject", {"Bucket": point, "Key": "a key"})
    assert sent_by(ours)[:3] == sent_by(theirs)[:3]
    assert sent_by(ours).host.startswith("mine-123456789012.s3.localhost")


def test_customers_keys_are_encoded_where_boto3_does_not(wire: Wire) -> None:
    for name in RAW_KEYS_HERE_ONLY:
        params = {**OBJECT, "UploadId": "u"} if name == "ListParts" else OBJECT
        more = {"ObjectAttributes": ["ETag"]} if name == "GetObjectAttributes" else {}
        ours = sent_by(wire.ours.call(name, {**params, **more, "SSECustomerKey": b"k" * 32}))
        like = sent_by(wire.boto3.call("GetObject", {**OBJECT, "SSECustomerKey": b"k" * 32}))
        for end in ("", "-md5"):
            header = f"x-amz-server-side-encryption-customer-key{end}"
            assert ours.headers[header] == like.headers[header]


def test_metadata_that_is_not_ascii(wire: Wire) -> None:
    params = {**OBJECT, "Metadata": {"name": "Grüße"}}
    assert isinstance(wire.boto3.call("PutObject", params).error, BotoValidationError)
    sent = sent_by(wire.ours.call("PutObject", params))
    assert sent.headers["x-amz-meta-name"] == "=?UTF-8?B?R3LDvMOfZQ==?="


def test_keys_that_xml_has_no_room_for_can_be_deleted(wire: Wire) -> None:
    params = {"Bucket": "b", "Delete": {"Objects": [{"Key": "a\x01\r\n"}]}}
    theirs, ours = wire.both("DeleteObjects", params)
    assert b"<Key>a\x01&#xD;&#xA;</Key>" in sent_by(theirs).body
    assert b"<Key>a&#x1;&#xD;&#xA;</Key>" in sent_by(ours).body


def test_large_bodies_ask_first(wire: Wire) -> None:
    config = ClientConfig(expect_continue_from=4, max_attempts=1)
    for body, expected in ((b"abc", None), (b"abcd", "100-continue")):
        params = {**OBJECT, "Body": body}
        ours = sent_by(wire.ours.call("PutObject", params, config=config))
        assert ours.headers.get("expect") == expected
        assert sent_by(wire.boto3.call("PutObject", params)).headers["expect"] == "100-continue"
