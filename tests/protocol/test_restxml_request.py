"""Requests made from a description, held against botocore's and against the protocol's rules."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree
from xml.parsers import expat

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiohttp_s3_client.errors import ParamValidationError
from aiohttp_s3_client.protocol.encoding import encode_query, quote_path, quote_query
from aiohttp_s3_client.protocol.model.shapes import Operation
from aiohttp_s3_client.protocol.restxml.request import serialize
from aiohttp_s3_client.request import REQUIRED, Request

from .rest_xml_models import (
    Color,
    Number,
    body_of,
    described,
    descriptions,
    operation_of,
    parameters,
    s3,
    s3_operations,
)

_SERIALIZER = create_serializer("rest-xml")
_S3 = ServiceModel(Loader().load_service_model("s3", "service-2"))
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def path_of(request: Request) -> str:
    if request.path:
        return request.path
    bucket = f"/{quote_query(request.bucket)}" if request.bucket else "/"
    return bucket if request.key is None else f"{bucket}/{quote_path(request.key)}"


def normal(document: bytes) -> Any:
    """A document as the namespaces that it declares and as nested tuples: names, attributes,
    text, children."""
    if not document:
        return None
    namespaces: list[tuple[str, str]] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartNamespaceDeclHandler = lambda *declared: namespaces.append(declared)
    parser.Parse(document, True)
    return sorted(map(str, namespaces)), _normal(ElementTree.fromstring(document))


def _normal(element: ElementTree.Element) -> Any:
    text = element.text or ""
    return element.tag, sorted(element.attrib.items()), text, [_normal(child) for child in element]


def botocores(model: ServiceModel, name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    made = _SERIALIZER.serialize_to_request(params, model.operation_model(name))
    path, _, constant = made["url_path"].partition("?")
    query = parse_qsl(constant, keep_blank_values=True)
    for key, value in made["query_string"].items():
        query += [(key, str(each)) for each in (value if isinstance(value, list) else [value])]
    return {
        "method": made["method"],
        "path": path,
        "query": sorted(query),
        "headers": {key.lower(): value for key, value in made["headers"].items()},
        "host_prefix": made.get("host_prefix", ""),
        "body": made["body"],
    }


def assert_same(
    operation: Operation, params: Mapping[str, Any], theirs: Mapping[str, Any]
) -> Request:
    request = serialize(operation, params)
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert request.method == theirs["method"]
    assert path_of(request) == theirs["path"]
    assert sorted(request.query) == theirs["query"]
    assert request.host_prefix == theirs["host_prefix"]
    shape = operation.input
    payload = shape.members[shape.payload] if shape is not None and shape.payload else None
    if payload is not None and payload.kind in ("string", "blob"):
        assert body_of(request) == theirs["body"]
    else:
        assert normal(body_of(request)) == normal(theirs["body"])
        if request.body is not None and "content-type" not in theirs["headers"]:
            # botocore leaves it out, and S3 takes any; an XML document is sent as one here.
            assert headers.pop("content-type") == "application/xml"
    assert headers == theirs["headers"]
    return request


# --- botocore as the oracle


@settings(max_examples=150, suppress_health_check=_SLOW, deadline=None)
@given(st.data())
def test_any_description_makes_the_request_that_botocore_makes(data: st.DataObject) -> None:
    description = data.draw(descriptions())
    params = data.draw(parameters(operation_of(description)))
    model = ServiceModel(description, "example")
    assert_same(operation_of(description), params, botocores(model, "Operation", params))


@pytest.mark.parametrize("name", s3_operations())
@settings(max_examples=3, suppress_health_check=_SLOW, deadline=None)
@given(data=st.data())
def test_every_operation_makes_the_request_that_botocore_makes(
    name: str, data: st.DataObject
) -> None:
    operation = s3().operation(name)
    params = data.draw(parameters(operation))
    assert_same(operation, params, botocores(_S3, name, params))


# --- the protocol's rules, one by one


def header_of(kind: Any, value: object, **traits: Any) -> str | None:
    member = {"shape": kind, "location": "header", "locationName": "X-It", **traits}
    return serialize(described({"It": member}), {"It": value}).headers.get("x-it")


def query_of(kind: Any, value: object, **traits: Any) -> list[tuple[str, str]]:
    member = {"shape": kind, "location": "querystring", "locationName": "it", **traits}
    return list(serialize(described({"It": member}), {"It": value}).query)


def test_an_operation_without_input_has_no_body() -> None:
    facts = {"operations": {"Operation": {"http": {"method": "GET", "requestUri": "/a/b"}}}}
    request = serialize(operation_of(facts), {})
    assert (request.method, request.path, request.body) == ("GET", "/a/b", None)
    with pytest.raises(ParamValidationError, match="It is unknown: Operation takes nothing"):
        serialize(operation_of(facts), {"It": 1})


@pytest.mark.parametrize(
    ("uri", "value", "path"),
    [
        ("/a/{It}", "b/c d", "/a/b%2Fc%20d"),
        ("/a/{It+}", "b/c d//.", "/a/b/c%20d//."),
        ("/a/{It}/e", "ü+%?&=~", "/a/%C3%BC%2B%25%3F%26%3D~/e"),
        ("/a/{It+}/e", "\udcff", "/a/%FF/e"),
    ],
)
def test_labels_are_encoded_once(uri: str, value: str, path: str) -> None:
    member = {"shape": "string", "location": "uri", "locationName": "It"}
    request = serialize(described({"It": member}, uri=uri), {"It": value})
    assert request.path == path
    assert request.bucket == ""
    assert request.key is not None
    assert f"/{quote_path(request.key)}" == path.replace("%2F", "/")


def test_labels_have_the_types_of_their_shapes() -> None:
    members = {
        name: {"shape": kind, "location": "uri", "locationName": name, **more}
        for name, kind, more in (
            ("b", "boolean", {}),
            ("i", "integer", {}),
            ("f", "float", {}),
            ("t", "timestamp", {}),
            ("u", "timestamp", {"timestampFormat": "unixTimestamp"}),
        )
    }
    time = datetime.datetime(2020, 2, 3, 4, 5, 6)
    params = {"b": True, "i": -3, "f": float("inf"), "t": time, "u": time}
    request = serialize(described(members, uri="/{b}/{i}/{f}/{t}/{u}"), params)
    assert request.path == "/true/-3/Infinity/2020-02-03T04%3A05%3A06Z/1580702706"


@pytest.mark.parametrize(
    ("uri", "query"),
    [
        ("/?foo=bar", [("foo", "bar")]),
        ("/?foo&bar=", [("foo", ""), ("bar", "")]),
        ("/?foo=bar&baz", [("foo", "bar"), ("baz", "")]),
    ],
)
def test_a_constant_query_is_always_there(uri: str, query: list[tuple[str, str]]) -> None:
    member = {"shape": "string", "location": "querystring", "locationName": "it"}
    operation = described({"It": member}, uri=uri)
    assert list(serialize(operation, {}).query) == query
    assert list(serialize(operation, {"It": None}).query) == query
    assert list(serialize(operation, {"It": ""}).query) == [*query, ("it", "")]


def test_query_parameters() -> None:
    assert query_of("boolean", False) == [("it", "false")]
    assert query_of("float", float("nan")) == [("it", "NaN")]
    assert query_of("timestamp", 1422172800) == [("it", "2015-01-25T08:00:00Z")]
    assert query_of("timestamp", 1.5, timestampFormat="unixTimestamp") == [("it", "1.5")]
    assert query_of("strings", ["a", "b", ""]) == [("it", "a"), ("it", "b"), ("it", "")]
    assert query_of("strings", []) == []
    assert encode_query(query_of("string", "%:/?#[]@!$&'()*+,;=")) == (
        "it=%25%3A%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D"
    )


def test_a_named_query_parameter_wins_over_one_of_a_map() -> None:
    members = {
        "Map": {"shape": "Lists", "location": "querystring"},
        "Foo": {"shape": "string", "location": "querystring", "locationName": "foo"},
    }
    lists = {"type": "map", "key": {"shape": "string"}, "value": {"shape": "strings"}}
    operation = described(members, {"Lists": lists}, uri="/?fixed=1")
    params = {"Map": {"foo": ["x"], "fixed": ["2"], "bar": ["y", "z"]}, "Foo": "named"}
    assert sorted(serialize(operation, params).query) == [
        ("bar", "y"), ("bar", "z"), ("fixed", "1"), ("foo", "named"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "value", "line"),
    [
        ("string", "", ""),
        ("string", "a, b", "a, b"),
        ("boolean", True, "true"),
        ("integer", -1, "-1"),
        ("long", 2**63 - 1, "9223372036854775807"),
        ("float", 1, "1"),
        ("float", 1.5, "1.5"),
        ("float", float("-inf"), "-Infinity"),
        ("float", float("nan"), "NaN"),
        ("blob", b"\0\xff", "AP8="),
        ("strings", ["a", "b,c", 'd"e', "f g"], 'a,"b,c","d\\"e",f g'),
        ("strings", [], None),
        ("string", None, None),
    ],
)
def test_headers(kind: str, value: object, line: str | None) -> None:
    assert header_of(kind, value) == line


def test_lists_of_other_types_in_headers() -> None:
    def line(kind: str, value: list[Any]) -> str:
        shapes = {"List": {"type": "list", "member": {"shape": kind}}}
        member = {"shape": "List", "location": "header", "locationName": "X-It"}
        operation = described({"It": member}, shapes)
        return serialize(operation, {"It": value}).headers["x-it"]

    assert line("integer", [1, 2]) == "1,2"
    assert line("boolean", [True, False]) == "true,false"
    assert line("timestamp", [0]) == "Thu, 01 Jan 1970 00:00:00 GMT"


def test_times_in_headers_have_whole_seconds() -> None:
    time = datetime.datetime(2019, 12, 16, 23, 48, 18, 999999, tzinfo=datetime.UTC)
    assert header_of("timestamp", time) == "Mon, 16 Dec 2019 23:48:18 GMT"
    assert header_of("timestamp", time, timestampFormat="iso8601") == "2019-12-16T23:48:18Z"
    assert header_of("timestamp", time, timestampFormat="unixTimestamp") == "1576540098"
    assert header_of("timestamp", "2019-12-16T23:48:18+01:00") == "Mon, 16 Dec 2019 22:48:18 GMT"


def test_header_maps_give_way_to_named_headers() -> None:
    members = {
        "Map": {"shape": "Strings", "location": "headers", "locationName": "X-"},
        "Foo": {"shape": "string", "location": "header", "locationName": "x-foo"},
    }
    strings = {"type": "map", "key": {"shape": "string"}, "value": {"shape": "string"}}
    operation = described(members, {"Strings": strings})
    made = serialize(operation, {"Map": {"Foo": "map", "Bar": "b"}, "Foo": "named"}).headers
    assert dict(made) == {"x-foo": "named", "X-Bar": "b"}


def test_metadata_that_is_not_ascii_is_sent_as_s3_decodes_it() -> None:
    params = {"Bucket": "b", "Key": "k", "Metadata": {"name": "Grüße"}}
    request = serialize(s3().operation("PutObject"), params)
    assert request.headers["x-amz-meta-name"] == "=?UTF-8?B?R3LDvMOfZQ==?="


def test_a_host_label_becomes_a_prefix_of_the_host() -> None:
    members = {"Account": {"shape": "string", "hostLabel": True}}
    operation = described(members, endpoint={"hostPrefix": "{Account}.data."})
    request = serialize(operation, {"Account": "ab-1"})
    assert request.host_prefix == "ab-1.data."
    assert body_of(request) == b"<Input><Account>ab-1</Account></Input>"
    for wrong in ("", "a/b", "a\n", "é"):
        with pytest.raises(ParamValidationError, match="Account becomes a part of the host's name"):
            serialize(operation, {"Account": wrong})
    with pytest.raises(ParamValidationError, match="Account is missing"):
        serialize(operation, {})


@pytest.mark.parametrize("value", ["text é", b"text \xc3\xa9", bytearray(b"text \xc3\xa9")])
def test_payloads_of_bytes_are_sent_as_they_are(value: Any) -> None:
    operation = described({"Body": {"shape": "blob"}}, payload="Body")
    request = serialize(operation, {"Body": value})
    assert body_of(request) == b"text \xc3\xa9"
    assert "content-type" not in request.headers
    assert serialize(operation, {}).body is None


def test_a_payload_structure_is_the_root() -> None:
    members = {
        "Payload": {
            "shape": "Nested",
            "locationName": "Hello",
            "xmlNamespace": {"prefix": "p", "uri": "http://p/"},
        }
    }
    nested = {"type": "structure", "members": {"Name": {"shape": "string"}}}
    operation = described(members, {"Nested": nested}, payload="Payload")
    request = serialize(operation, {"Payload": {"Name": "a"}})
    assert body_of(request) == b'<Hello xmlns:p="http://p/"><Name>a</Name></Hello>'
    assert request.headers["content-type"] == "application/xml"
    assert body_of(serialize(operation, {"Payload": {}})) == b'<Hello xmlns:p="http://p/"/>'
    assert serialize(operation, {"Payload": None}).body is None
    unnamed = described({"Payload": {"shape": "Nested"}}, {"Nested": nested}, payload="Payload")
    request = serialize(unnamed, {"Payload": {"Name": "a"}})
    # The shape's own name, where nothing else is said.
    assert body_of(request) == b"<Nested><Name>a</Name></Nested>"


def test_the_content_type_that_the_caller_gives_stays() -> None:
    members = {
        "Name": {"shape": "string"},
        "Type": {"shape": "string", "location": "header", "locationName": "content-type"},
    }
    request = serialize(described(members), {"Name": "a", "Type": "text/xml"})
    assert request.headers.getall("Content-Type") == ["text/xml"]


def test_tokens_are_made_when_none_is_given() -> None:
    members = {
        "Token": {
            "shape": "string",
            "idempotencyToken": True,
            "location": "querystring",
            "locationName": "token",
        }
    }
    operation = described(members)
    (first,), (second,) = (serialize(operation, {}).query for _ in range(2))
    assert uuid.UUID(first[1]).version == 4
    assert first != second
    assert serialize(operation, {"Token": "mine"}).query == (("token", "mine"),)


def test_members_of_enums_are_their_values() -> None:
    assert header_of("string", Color.RED) == "red"
    assert header_of("integer", Number.TWO) == "2"
    assert query_of("string", Color.RED) == [("it", "red")]


# --- what the pipeline is told


def test_s3s_paths_are_buckets_and_keys() -> None:
    params = {"Bucket": "b", "Key": "a//b ?"}
    request = serialize(s3().operation("HeadObject"), params)
    assert (request.bucket, request.key, request.path) == ("b", "a//b ?", "")
    request = serialize(s3().operation("GetBucketCors"), {"Bucket": "b"})
    assert (request.bucket, request.key, request.path) == ("b", None, "")
    assert request.query == (("cors", ""),)
    request = serialize(s3().operation("ListBuckets"), {})
    assert (request.bucket, request.key, request.path) == ("", None, "")


def test_a_bucket_of_another_service_may_hold_a_slash() -> None:
    members = {
        "Bucket": {"shape": "string", "location": "uri", "locationName": "Bucket"},
        "Key": {"shape": "string", "location": "uri", "locationName": "Key"},
    }
    operation = described(members, uri="/{Bucket}/{Key+}")
    request = serialize(operation, {"Bucket": "a/b", "Key": "c d/e"})
    assert request.path == "/a%2Fb/c%20d/e"


def test_object_lambda_answers_go_to_their_own_host() -> None:
    params = {"RequestRoute": "io-1", "RequestToken": "t", "StatusCode": 200}
    request = serialize(s3().operation("WriteGetObjectResponse"), params)
    assert request.path == "/WriteGetObjectResponse"
    assert request.key == "WriteGetObjectResponse"
    assert request.host_prefix == "io-1."
    assert request.service == "s3-object-lambda"
    assert request.content_sha256 == "UNSIGNED-PAYLOAD"
    assert request.headers["x-amz-fwd-status"] == "200"


_CORS = {"Bucket": "b", "CORSConfiguration": {"CORSRules": []}}
_OBJECT = {"Bucket": "b", "Key": "k"}


@pytest.mark.parametrize(
    ("name", "params", "checksum"),
    [
        ("HeadObject", _OBJECT, False),
        ("CopyObject", {**_OBJECT, "CopySource": "b/k", "ChecksumAlgorithm": "SHA256"}, False),
        ("PutObject", _OBJECT, True),
        ("PutObject", {**_OBJECT, "ChecksumAlgorithm": "crc32c"}, "CRC32C"),
        ("PutObject", {**_OBJECT, "ChecksumSHA256": "…="}, False),
        ("PutObject", {**_OBJECT, "ContentMD5": "…="}, False),
        (
            "PutObject",
            {**_OBJECT, "ChecksumAlgorithm": "XXHASH64", "ChecksumXXHASH64": "a"},
            False,
        ),
        ("PutBucketCors", _CORS, REQUIRED),
        ("PutBucketCors", {**_CORS, "ChecksumAlgorithm": "SHA1"}, "SHA1"),
        ("PutBucketCors", {**_CORS, "ContentMD5": "a"}, False),
        ("PutBucketAccelerateConfiguration", {"Bucket": "b", "AccelerateConfiguration": {}}, True),
    ],
)
def test_checksums(name: str, params: dict[str, Any], checksum: bool | str) -> None:
    assert serialize(s3().operation(name), params).checksum == checksum


@pytest.mark.usefixtures("no_packages_for_checksums")
@pytest.mark.parametrize(
    ("algorithm", "advice"),
    [("XXHASH64", r"install the extra \[checksums\], or give"), ("BLAKE3", "take one of CRC32, ")],
)
def test_a_checksum_that_cannot_be_computed_is_refused(algorithm: str, advice: str) -> None:
    said = f"ChecksumAlgorithm '{algorithm}' cannot be computed here: {advice}"
    with pytest.raises(ParamValidationError, match=said):
        serialize(s3().operation("PutObject"), {**_OBJECT, "ChecksumAlgorithm": algorithm})
    given = {**_OBJECT, "ChecksumAlgorithm": "XXHASH64", "ChecksumXXHASH64": "AAAAAAAAAAA="}
    sent = serialize(s3().operation("PutObject"), given)
    assert sent.headers["x-amz-checksum-xxhash64"] == "AAAAAAAAAAA="
    assert sent.checksum is False


@pytest.mark.parametrize(
    ("name", "params", "idempotent", "document"),
    [
        ("GetObject", _OBJECT, True, False),
        ("HeadObject", _OBJECT, True, True),
        ("CopyObject", {**_OBJECT, "CopySource": "b/k"}, True, True),
        ("DeleteObjects", {"Bucket": "b", "Delete": {"Objects": []}}, True, True),
        ("RestoreObject", _OBJECT, False, True),
        ("DeleteBucket", {"Bucket": "b"}, True, True),
        (
            "SelectObjectContent",
            {
                **_OBJECT,
                "Expression": "select",
                "ExpressionType": "SQL",
                "InputSerialization": {},
                "OutputSerialization": {},
            },
            False,
            False,
        ),
    ],
)
def test_traits(name: str, params: dict[str, Any], idempotent: bool, document: bool) -> None:
    request = serialize(s3().operation(name), params)
    assert (request.idempotent, request.document) == (idempotent, document)


def test_a_body_that_is_sent_beside_the_parameters_may_be_missing() -> None:
    operation = s3().operation("PutObjectAnnotation")
    assert operation.stream == "AnnotationPayload"
    assert operation.input is not None
    assert operation.stream in operation.input.required
    request = serialize(operation, {**_OBJECT, "AnnotationName": "n"})
    assert request.body is None
