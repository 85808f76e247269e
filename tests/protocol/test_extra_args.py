"""boto3's extra arguments: its names, and the headers that botocore itself makes of them."""

from __future__ import annotations

import email.header
import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast
from urllib.parse import urlencode

import boto3
import botocore
import pytest
from boto3.s3.transfer import S3Transfer
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from aiohttp_s3_client.protocol.extra_args import (
    Call,
    ExtraArgs,
    Translated,
    TranslatedCopy,
    allowed,
    copy_args,
    download_args,
    upload_args,
)
from aiohttp_s3_client.protocol.upload_headers import UploadHeaders

BOTOS = {
    "upload": S3Transfer.ALLOWED_UPLOAD_ARGS,
    "download": S3Transfer.ALLOWED_DOWNLOAD_ARGS,
    "copy": S3Transfer.ALLOWED_COPY_ARGS,
}
TRANSLATE: dict[str, Callable[[ExtraArgs], Translated | TranslatedCopy]] = {
    "upload": upload_args,
    "download": download_args,
    "copy": copy_args,
}
WHERE: dict[str, Any] = {"Bucket": "bucket", "Key": "key"}
NEEDED: dict[str, dict[str, Any]] = {
    "PutObject": WHERE,
    "GetObject": WHERE,
    "HeadObject": WHERE,
    "CreateMultipartUpload": WHERE,
    "UploadPart": {**WHERE, "UploadId": "id", "PartNumber": 1},
    "CompleteMultipartUpload": {**WHERE, "UploadId": "id"},
    "CopyObject": {**WHERE, "CopySource": "bucket/source"},
    "UploadPartCopy": {**WHERE, "UploadId": "id", "PartNumber": 1, "CopySource": "bucket/source"},
    "GetObjectTagging": WHERE,
}
WHEN = datetime(2031, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=2)))
KEY = "k" * 32
OWN_OF_CALL: dict[str, dict[str, object]] = {
    "upload": {"ChecksumType": "FULL_OBJECT", "MpuObjectSize": 12345},
    "download": {"ChecksumMode": "ENABLED", "VersionId": "v 1/&é"},
    "copy": {
        "CopySourceIfMatch": '"abc"',
        "CopySourceIfModifiedSince": WHEN,
        "CopySourceIfNoneMatch": '"def"',
        "CopySourceIfUnmodifiedSince": WHEN,
        "CopySourceSSECustomerAlgorithm": "AES256",
        "CopySourceSSECustomerKey": KEY,
        "MetadataDirective": "REPLACE",
        "TaggingDirective": "REPLACE",
        "AnnotationDirective": "EXCLUDE",
    },
}
SAMPLES: dict[str, object] = {
    "Expires": WHEN,
    "Metadata": {"Name": "value", "other": "two  words"},
    "ObjectLockRetainUntilDate": WHEN,
    "SSECustomerKey": KEY,
    "Tagging": urlencode({"a": "1 & 2", "b": "é"}),
    "ChecksumAlgorithm": "SHA256",
    **OWN_OF_CALL["upload"],
    **OWN_OF_CALL["download"],
    **OWN_OF_CALL["copy"],
}


def sample(name: str) -> object:
    return SAMPLES.get(name, f"a value of {name}")


class Botocore:
    """What botocore's own serializer makes of a call; nothing is sent."""

    def __init__(self) -> None:
        client = boto3.client(
            "s3",
            region_name="us-east-1",
            endpoint_url="http://127.0.0.1:9",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            config=Config(
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        self._client = cast(Any, client)
        self._client.meta.events.register("before-call.s3", self._capture)
        self._operations = {v: k for k, v in self._client.meta.method_to_api_mapping.items()}
        self._made: Mapping[str, Any] = {}

    def _capture(
        self, params: Mapping[str, Any], **_: object
    ) -> tuple[AWSResponse, dict[str, Any]]:
        self._made = params
        return AWSResponse("", 200, HTTPHeaders(), None), {}

    def _make(self, operation: str, arguments: Mapping[str, object]) -> Mapping[str, Any]:
        getattr(self._client, self._operations[operation])(**NEEDED[operation], **arguments)
        return self._made

    def knows(self, operation: str, name: str) -> bool:
        return (
            name in self._client.meta.service_model.operation_model(operation).input_shape.members
        )

    def headers(self, operation: str, arguments: Mapping[str, object]) -> dict[str, str]:
        """The headers that are there for the *arguments*' sake."""
        always = self._make(operation, {})["headers"].keys()
        made = self._make(operation, arguments)["headers"]
        return {name.lower(): made[name] for name in made.keys() - always}

    def query(self, operation: str, arguments: Mapping[str, object]) -> dict[str, str]:
        always = self._make(operation, {})["query_string"].keys()
        made = self._make(operation, arguments)["query_string"]
        return {name: made[name] for name in made.keys() - always}


@pytest.fixture(scope="module")
def botos() -> Botocore:
    return Botocore()


def lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


# --- names


@pytest.mark.parametrize("call", ["upload", "download", "copy"])
def test_the_names_are_boto3s_and_two_more(call: Call) -> None:
    assert allowed(call) == {*BOTOS[call], "IfMatch", "IfNoneMatch"}, botocore.__version__


@pytest.mark.parametrize("call", ["upload", "download", "copy"])
@pytest.mark.parametrize("nothing", [None, {}])
def test_no_arguments_are_no_headers(call: str, nothing: dict[str, object] | None) -> None:
    assert TRANSLATE[call](nothing) == TRANSLATE[call]({})
    assert not TRANSLATE[call](nothing).headers


@pytest.mark.parametrize("nothing", [None, {}])
def test_no_arguments_are_no_query(nothing: dict[str, object] | None) -> None:
    assert not upload_args(nothing).query
    assert not download_args(nothing).query


@pytest.mark.parametrize(
    ("call", "arguments", "says"),
    [
        ("upload", {"Colour": "red"}, "'Colour' not allowed for an upload"),
        (
            "upload",
            {"VersionId": "1", "ACL": "private"},
            r"'VersionId' .*VersionId is for download",
        ),
        ("upload", {"acl": "private"}, "'acl' not allowed"),
        ("download", {"ACL": "x", "Nope": 1}, r"'ACL', 'Nope' .* a download .*copy and upload"),
        ("copy", {"ChecksumMode": "ENABLED"}, "'ChecksumMode' not allowed for a copy"),
        ("copy", {"CopySource": "b/k"}, "'CopySource'"),
        ("download", {1: "x"}, "1 not allowed"),
    ],
)
def test_other_names_are_refused(call: str, arguments: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        TRANSLATE[call](arguments)


@pytest.mark.parametrize("call", ["upload", "download", "copy"])
@pytest.mark.parametrize("extra_args", ["ACL", [("ACL", "private")], 5])
def test_the_arguments_are_a_mapping(call: str, extra_args: Any) -> None:
    with pytest.raises(TypeError, match=r"extra_args must be a mapping, not (str|list|int)"):
        TRANSLATE[call](extra_args)


# --- each request as botocore makes it


@pytest.mark.parametrize(
    ("call", "operation"),
    [("upload", "PutObject"), ("download", "GetObject"), ("copy", "CopyObject")],
)
def test_every_argument_by_itself(botos: Botocore, call: Call, operation: str) -> None:
    compared = 0
    for name in sorted(allowed(call)):
        arguments = {name: sample(name)}
        ours = TRANSLATE[call](arguments)
        if not botos.knows(operation, name):
            assert not ours.headers, name
            continue
        assert lowered(ours.headers) == botos.headers(operation, arguments), name
        query = dict(ours.query) if isinstance(ours, Translated) else {}
        assert query == botos.query(operation, arguments), name
        compared += 1
    assert compared >= 9


def of_operation(botos: Botocore, operation: str, arguments: Mapping[str, object]) -> Any:
    known = {name: value for name, value in arguments.items() if botos.knows(operation, name)}
    return botos.headers(operation, known)


def test_a_download_asks_head_the_same(botos: Botocore) -> None:
    arguments = {name: sample(name) for name in allowed("download")}
    ours = download_args(arguments)
    assert lowered(ours.headers) == botos.headers("HeadObject", arguments)
    assert dict(ours.query) == botos.query("HeadObject", arguments)


def test_a_multipart_upload(botos: Botocore) -> None:
    arguments = {name: sample(name) for name in allowed("upload") if "Checksum" not in name}
    arguments |= {"ChecksumAlgorithm": "SHA256", "ChecksumType": "COMPOSITE"}
    sorted_headers = UploadHeaders(upload_args(arguments).multipart)
    create = of_operation(botos, "CreateMultipartUpload", arguments)
    assert lowered(sorted_headers.create) == create
    part = of_operation(botos, "UploadPart", arguments)
    assert part.pop("x-amz-sdk-checksum-algorithm") == "SHA256"  # Comes with the part's checksum.
    assert lowered(sorted_headers.part) == part
    complete = of_operation(botos, "CompleteMultipartUpload", arguments)
    assert complete.pop("x-amz-checksum-type") == "COMPOSITE"  # Said at Create, and kept by S3.
    assert lowered(sorted_headers.complete) == complete


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA256", "XXHASH128"])
def test_a_checksum_of_the_whole_object(botos: Botocore, algorithm: str) -> None:
    arguments: dict[str, object] = {f"Checksum{algorithm}": "AAAAAA=="}
    ours = upload_args(arguments)
    assert ours.checksum_algorithm == algorithm
    assert lowered(ours.headers) == botos.headers("PutObject", arguments)
    sorted_headers = UploadHeaders(ours.multipart)
    # s3transfer adds these two to CreateMultipartUpload, whatever the caller said of them.
    added = {"ChecksumAlgorithm": algorithm, "ChecksumType": "FULL_OBJECT"}
    assert lowered(sorted_headers.create) == botos.headers("CreateMultipartUpload", added)
    assert lowered(sorted_headers.complete) == botos.headers("CompleteMultipartUpload", arguments)
    assert not sorted_headers.part


def copied(**changed: object) -> dict[str, object]:
    return {name: sample(name) for name in allowed("copy")} | changed


def test_a_multipart_copy_that_replaces(botos: Botocore) -> None:
    arguments = copied()
    ours = copy_args(arguments)
    sorted_headers = UploadHeaders(ours.multipart)
    create = of_operation(botos, "CreateMultipartUpload", arguments)
    assert lowered(sorted_headers.create) == create
    assert {"x-amz-meta-name", "x-amz-tagging", "content-type", "expires"} <= create.keys()
    both = {**lowered(sorted_headers.part), **lowered(ours.part)}
    assert both == of_operation(botos, "UploadPartCopy", arguments)
    complete = of_operation(botos, "CompleteMultipartUpload", arguments)
    assert lowered(sorted_headers.complete) == complete
    assert not ours.keeps_metadata
    assert not ours.keeps_tags
    assert ours.multipart["x-amz-checksum-algorithm"] == "SHA256"


def test_a_multipart_copy_that_keeps_drops_what_copy_object_ignores() -> None:
    arguments = copied(MetadataDirective="COPY", AnnotationDirective="COPY")
    del arguments["TaggingDirective"]
    ours = copy_args(arguments)
    assert ours.keeps_metadata
    assert ours.keeps_tags
    assert ours.copies_annotations
    replaced = copy_args(copied())
    dropped = lowered(replaced.multipart).keys() - lowered(ours.multipart).keys()
    assert dropped == {
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-type",
        "expires",
        "x-amz-meta-name",
        "x-amz-meta-other",
        "x-amz-tagging",
    }
    assert ours.headers["x-amz-meta-name"] == "value", "CopyObject is told all the same"


def test_what_is_asked_of_a_copys_source(botos: Botocore) -> None:
    ours = copy_args(copied())
    of_source = {
        "IfMatch": sample("CopySourceIfMatch"),
        "IfModifiedSince": WHEN,
        "IfNoneMatch": sample("CopySourceIfNoneMatch"),
        "IfUnmodifiedSince": WHEN,
        "SSECustomerAlgorithm": "AES256",
        "SSECustomerKey": KEY,
        "SSECustomerKeyMD5": sample("CopySourceSSECustomerKeyMD5"),
        "RequestPayer": sample("RequestPayer"),
    }
    assert lowered(ours.source) == botos.headers("HeadObject", of_source)
    paid = {"RequestPayer": sample("RequestPayer")}
    assert lowered(ours.source_tagging) == botos.headers("GetObjectTagging", paid)


def test_a_destinations_owner_is_not_asked_of_the_source() -> None:
    """The source may belong to somebody else; CopyObject means the destination's owner."""
    ours = copy_args({"ExpectedBucketOwner": "111122223333"})
    assert ours.headers["x-amz-expected-bucket-owner"] == "111122223333"
    assert not ours.source
    assert not ours.source_tagging


# --- values


MOMENTS = st.one_of(
    st.datetimes(datetime(1971, 1, 1), datetime(2999, 1, 1)),
    st.datetimes(
        datetime(1971, 1, 2),
        datetime(2999, 1, 1),
        timezones=st.integers(-720, 720).map(lambda m: timezone(timedelta(minutes=m))),
    ),
    st.integers(0, 2**33),
    st.floats(0, 2**33),
)


@given(moment=MOMENTS, as_text=st.booleans())
def test_times_are_written_as_botocore_does(moment: Any, as_text: bool) -> None:
    if as_text:
        moment = moment.isoformat() if isinstance(moment, datetime) else str(moment)
    arguments: dict[str, object] = {"Expires": moment, "ObjectLockRetainUntilDate": moment}
    assert lowered(upload_args(arguments).headers) == ORACLE.headers("PutObject", arguments)


ORACLE = Botocore()


@pytest.mark.parametrize(
    ("value", "http", "iso"),
    [
        (WHEN, "Mon, 03 Feb 2031 02:05:06 GMT", "2031-02-03T02:05:06Z"),
        (datetime(2031, 2, 3), "Mon, 03 Feb 2031 00:00:00 GMT", "2031-02-03T00:00:00Z"),
        (0, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"),
        ("0", "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"),
        ("2031-02-03", "Mon, 03 Feb 2031 00:00:00 GMT", "2031-02-03T00:00:00Z"),
        ("Mon, 03 Feb 2031 02:05:06 GMT",) * 2 + ("2031-02-03T02:05:06Z",),
        (
            datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
            "Wed, 31 Dec 1969 23:59:59 GMT",
            "1969-12-31T23:59:59Z",
        ),
    ],
)
def test_times(botos: Botocore, value: object, http: str, iso: str) -> None:
    arguments = {"Expires": value, "ObjectLockRetainUntilDate": value}
    made = lowered(upload_args(arguments).headers)
    assert made == {"expires": http, "x-amz-object-lock-retain-until-date": iso}
    assert made == botos.headers("PutObject", arguments)


@pytest.mark.parametrize("prefix", ["SSECustomer", "CopySourceSSECustomer"])
@pytest.mark.parametrize("key", ["k" * 32, bytes(range(224, 256)), bytearray(32), "ключ"])
def test_a_customers_key_is_encoded(
    botos: Botocore, prefix: str, key: str | bytes | bytearray
) -> None:
    raw = key.encode() if isinstance(key, str) else bytes(key)
    ours = copy_args({f"{prefix}Key": key}).headers
    assert lowered(ours) == botos.headers("CopyObject", {f"{prefix}Key": raw})
    assert b64encode(raw).decode() in ours.values()
    assert b64encode(hashlib.md5(raw).digest()).decode() in ours.values()


@pytest.mark.parametrize("prefix", ["SSECustomer", "CopySourceSSECustomer"])
def test_a_customers_key_with_its_md5_is_taken_as_encoded(botos: Botocore, prefix: str) -> None:
    arguments = {f"{prefix}Key": "a2V5", f"{prefix}KeyMD5": "bWQ1"}
    assert lowered(copy_args(arguments).headers) == botos.headers("CopyObject", arguments)
    with pytest.raises(TypeError, match=f"{prefix}Key must be a str, not bytes"):
        copy_args({**arguments, f"{prefix}Key": b"raw"})


@pytest.mark.parametrize(
    "arguments",
    [
        {"SSECustomerKey": "very-secret"},
        {"CopySourceSSECustomerKey": "very-secret", "CopySourceSSECustomerKeyMD5": "bWQ1"},
    ],
)
def test_a_customers_key_is_never_shown(arguments: dict[str, object]) -> None:
    ours = copy_args(arguments)
    encoded = b64encode(b"very-secret").decode()
    assert {encoded, "very-secret"} & set(ours.headers.values())
    assert "very-secret" not in repr(ours)
    assert encoded not in repr(ours)


@pytest.mark.parametrize("value", [["very-secret"], {"very-secret": 1}, None])
def test_a_customers_key_of_another_type_is_not_shown(value: object) -> None:
    for arguments in (
        {"SSECustomerKey": value},
        {"SSECustomerKey": value, "SSECustomerKeyMD5": ""},
    ):
        with pytest.raises(TypeError, match="SSECustomerKey must be") as caught:
            upload_args(arguments)
        assert "very-secret" not in str(caught.value)
    with pytest.raises(ValueError, match="SSECustomerKey") as refused:
        upload_args({"SSECustomerKey": "very-secret\n", "SSECustomerKeyMD5": "bWQ1"})
    assert "very-secret" not in str(refused.value)


TOKENS = st.text("abcXYZ019-_.~!#$%&'*+^`|", min_size=1, max_size=8)
PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126))


@given(metadata=st.dictionaries(TOKENS, PRINTABLE, max_size=4))
def test_ascii_metadata_is_sent_as_it_is(metadata: dict[str, str]) -> None:
    arguments = {"Metadata": {name.lower(): value for name, value in metadata.items()}}
    assert lowered(upload_args(arguments).headers) == ORACLE.headers("PutObject", arguments)


@given(value=st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cc"))))
def test_other_metadata_is_written_as_rfc_2047_has_it(value: str) -> None:
    header = upload_args({"Metadata": {"name": value}}).headers["x-amz-meta-name"]
    assert header.isascii()
    if value.isascii():
        assert header == value
        return
    assert all(len(word) <= 75 for word in header.split(" "))
    assert str(email.header.make_header(email.header.decode_header(header))) == value


@pytest.mark.parametrize("bad", ["a\nb", "a\r\nX: y", "\0", "\x1f", "\x7f", "\ud800"])
def test_what_a_header_cannot_carry_is_refused(bad: str) -> None:
    for name in ("ContentType", "Tagging", "IfMatch", "GrantRead", "ChecksumAlgorithm"):
        with pytest.raises(ValueError, match=f"{name} has a line break"):
            upload_args({name: bad})
    with pytest.raises(ValueError, match=r"Metadata\['n'\] has a line break"):
        upload_args({"Metadata": {"n": bad}})
    with pytest.raises(ValueError, match="VersionId has a line break"):
        download_args({"VersionId": bad})


@pytest.mark.parametrize("name", ["", "a b", "a:b", "é", "a\n", "a/b", "(a)"])
def test_metadata_names_are_names_of_headers(name: str) -> None:
    with pytest.raises(ValueError, match="Metadata: the name "):
        upload_args({"Metadata": {name: "value"}})


def test_metadata_names_differ_by_more_than_case() -> None:
    with pytest.raises(ValueError, match=r"Metadata: 'NAME' is there twice"):
        upload_args({"Metadata": {"name": "1", "NAME": "2"}})


@pytest.mark.parametrize(
    ("call", "arguments", "error", "says"),
    [
        ("upload", {"ACL": None}, TypeError, "ACL must be a str, not None"),
        ("upload", {"ContentType": b"text/plain"}, TypeError, "ContentType must be a str"),
        ("upload", {"Tagging": {"a": "b"}}, TypeError, r"Tagging must be a str, not \{'a'"),
        ("upload", {"Metadata": "a=b"}, TypeError, "Metadata must be a mapping .* 'a=b'"),
        ("upload", {"Metadata": {"a": 1}}, TypeError, r"Metadata\['a'\] must be a str, not 1"),
        ("upload", {"Metadata": {1: "a"}}, TypeError, "Metadata must have names of type str"),
        ("upload", {"MpuObjectSize": "12"}, TypeError, "MpuObjectSize must be an int, not '12'"),
        ("upload", {"MpuObjectSize": True}, TypeError, "MpuObjectSize must be an int, not True"),
        ("upload", {"MpuObjectSize": -1}, ValueError, "MpuObjectSize .*-1"),
        ("upload", {"Expires": ["x"]}, TypeError, r"Expires must be a datetime.*\['x'\]"),
        ("upload", {"Expires": True}, TypeError, "Expires must be a datetime.*True"),
        ("upload", {"Expires": "soon"}, ValueError, "Expires is no time: 'soon'"),
        ("upload", {"Expires": 1e30}, ValueError, r"Expires is no time: 1e\+30"),
        ("upload", {"Expires": "9" * 400}, ValueError, "Expires is no time: '999"),
        ("upload", {"Expires": float("nan")}, ValueError, "Expires is no time: nan"),
        ("download", {"VersionId": 3}, TypeError, "VersionId must be a str, not 3"),
        ("copy", {"CopySourceIfModifiedSince": "x"}, ValueError, "CopySourceIfModifiedSince"),
    ],
)
def test_values_of_the_wrong_kind_are_refused(
    call: str, arguments: dict[str, object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        TRANSLATE[call](arguments)


def test_an_algorithms_name_is_told_in_upper_case() -> None:
    ours = upload_args({"ChecksumAlgorithm": "crc32c"})
    assert ours.checksum_algorithm == "CRC32C"
    assert ours.headers == CIMultiDict({"x-amz-sdk-checksum-algorithm": "CRC32C"})
    assert ours.multipart == CIMultiDict({"x-amz-checksum-algorithm": "CRC32C"})


def test_what_is_given_stays_as_it_was() -> None:
    arguments: dict[str, object] = {"SSECustomerKey": "k" * 32, "Metadata": {"a": "ä"}}
    first, second = upload_args(arguments), upload_args(arguments)
    assert arguments == {"SSECustomerKey": "k" * 32, "Metadata": {"a": "ä"}}
    first.headers["x"] = "y"
    assert "x" not in second.headers
    assert download_args(None).headers is not download_args(None).headers
