"""Answers read by the model: against botocore, case by case, and under bytes that mean nothing.

What we do otherwise than botocore's parser, on purpose.

- GetBucketLocation: the parser finds nothing, since the region is the text of the root; botocore
  mends that afterwards, and so here it is compared with what boto3's users get.
- A body that is empty where a document has to be: botocore makes {} of it, which then looks like
  a configuration without settings; here it is a ResponseParseError.
- A union with no member: botocore refuses the whole answer; here it is {}.
- Times without a zone are UTC, and all are in UTC; botocore leaves them naive and as they come.
- Booleans are true, false, 1 or 0 in any case; botocore takes all but "true" for False, which
  would end a listing before its end.
- Header lists: quoted items, times with commas and several headers of one name are understood.
- An element where there should be one and there are more: the first counts for every type, also
  where botocore fails; an element within a text is passed over.
- Entries of maps that have an unknown element besides key and value, or lack one of the two.
- An Expires header that is no time is left out; botocore does that before it parses.
- Error in a 2xx is an error; botocore leaves that to a list of operations.
"""

from __future__ import annotations

import base64
import json
import math
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import botocore.session
import pytest
from botocore.model import ServiceModel
from botocore.parsers import ResponseParserError, create_parser
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

import aiohttp_s3_client
from aiohttp_s3_client.errors import EventStreamError, ResponseParseError
from aiohttp_s3_client.protocol.model.names import OPERATIONS
from aiohttp_s3_client.protocol.model.shapes import Model, Operation
from aiohttp_s3_client.protocol.restxml.reader import parse_payload
from aiohttp_s3_client.protocol.restxml.response import parse
from tools.build_model import compact

from .rest_xml_answers import Writer, description
from .test_event_stream import event

FACTS = Path(aiohttp_s3_client.__file__).parent / "protocol" / "model" / "s3.json"
S3 = Model(json.loads(FACTS.read_bytes()))
BOTOCORE_S3 = botocore.session.get_session().get_service_model("s3")
NO_UNION = re.compile(r"Invalid service response: \w+ must have one and only one member set\.")
NOON = datetime(2014, 4, 29, 18, 30, 38, tzinfo=UTC)
CHANCE = st.randoms(use_true_random=False)


def outcome_of_botocore(
    shape: Any, status: int, headers: dict[str, str], body: bytes
) -> dict[str, Any]:
    response = {
        "status_code": status, "headers": CIMultiDict(headers), "body": body, "context": {}
    }  # fmt: skip
    parsed: dict[str, Any] = create_parser("rest-xml").parse(response, shape)
    del parsed["ResponseMetadata"]
    return parsed


def outcome(
    operation: Operation, status: int, headers: dict[str, str], body: bytes
) -> dict[str, Any] | str:
    """What ``parse`` finds, or the message of its refusal."""
    try:
        return parse(operation, status, headers, body)
    except (EventStreamError, ResponseParseError) as error:
        return str(error)


def model_of(shapes: dict[str, Any], output: dict[str, Any]) -> Model:
    """A service with one operation, Ask, whose answer has the members *output*."""
    payload = output.pop("payload", "")
    scalars = ("string", "integer", "boolean", "float", "timestamp", "blob", "double", "long")
    shapes = {
        **{kind: {"type": kind} for kind in scalars},
        **shapes,
        "Output": {"type": "structure", "members": output, "payload": payload},
    }
    http = {"method": "GET", "requestUri": "/"}
    operations = {"Ask": {"name": "Ask", "http": http, "output": {"shape": "Output"}}}
    return Model(compact({"metadata": {}, "operations": operations, "shapes": shapes}))


def answer(
    output: dict[str, Any],
    inside: str = "",
    headers: dict[str, str] | None = None,
    *,
    status: int = 200,
    shapes: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What is read of a document that holds *inside*, and of *headers*."""
    operation = model_of(shapes or {}, output).operation("Ask")
    body = f"<Answer>{inside}</Answer>".encode() if inside else b""
    return parse(operation, status, headers or {}, body)


def s3(operation: str, body: str | bytes, status: int = 200, **headers: str) -> dict[str, Any]:
    body = body.encode() if isinstance(body, str) else body
    return parse(S3.operation(operation), status, headers, body)


class TestAgainstBotocore:
    @pytest.mark.parametrize("name", sorted(OPERATIONS.values()))
    @settings(max_examples=12)
    @given(CHANCE)
    def test_every_operation_of_s3(self, name: str, random: Random) -> None:
        shape: Any = BOTOCORE_S3.operation_model(name).output_shape
        writer = Writer(random)
        headers = writer.headers(shape) if shape is not None else {}
        payload = shape.serialization.get("payload", "") if shape is not None else ""
        root = shape.members[payload] if payload else shape
        streams = S3.operation(name).streams
        body = b""
        if root is not None and not streams:
            is_document = root.type_name == "structure"
            body = writer.document(root) if is_document else b'{"Version": "2012-10-17"}'
        expected = outcome_of_botocore(shape, 200, headers, body)
        if streams:
            del expected[payload]  # The caller's, who has the stream.
            if shape.members[payload].serialization.get("eventstream"):
                expected[payload] = []
        found = parse(S3.operation(name), 200, headers, body)
        assert found == expected
        assert parse(S3.operation(name), 200, CIMultiDictProxy(CIMultiDict(headers)), body) == found

    @settings(max_examples=400)
    @given(CHANCE)
    def test_descriptions_of_other_services(self, random: Random) -> None:
        described = description(random)
        shape: Any = ServiceModel(described).operation_model("Ask").output_shape
        payload = shape.serialization.get("payload", "")
        writer = Writer(random)
        headers = writer.headers(shape)
        body = writer.document(shape.members[payload] if payload else shape)
        ours = Model(compact(described)).operation("Ask")
        found = parse(ours, 206, headers, body)
        try:
            expected = outcome_of_botocore(shape, 206, headers, body)
        except ResponseParserError as error:
            if not NO_UNION.fullmatch(str(error)):
                raise
        else:
            assert found == expected


TEXTS = {"type": "list", "member": {"shape": "string"}}
ITEMS = {"type": "list", "member": {"shape": "string", "locationName": "item"}}
MAP = {"type": "map", "key": {"shape": "string"}, "value": {"shape": "string"}}
NAMED_MAP = {
    "type": "map",
    "key": {"shape": "string", "locationName": "K"},
    "value": {"shape": "integer", "locationName": "V"},
}
INNER = {"type": "structure", "members": {"a": {"shape": "string"}, "n": {"shape": "integer"}}}
TREE = {
    "type": "structure",
    "members": {"name": {"shape": "string"}, "tree": {"shape": "Tree"}, "all": {"shape": "Trees"}},
}
TREES = {"type": "list", "member": {"shape": "Tree"}}
CHOICE = {
    "type": "structure",
    "union": True,
    "members": {"text": {"shape": "string"}, "number": {"shape": "integer", "locationName": "no"}},
}


class TestDocuments:
    @pytest.mark.parametrize(
        ("kind", "text", "value"),
        [
            ("string", "", ""),
            ("string", "  a &amp; b ", "  a & b "),
            ("string", "<![CDATA[<a>]]>&#x41;<!-- c -->b", "<a>Ab"),
            ("string", "a<unknown>b<more>c</more></unknown>d", "ad"),
            ("string", "a&#x1;b\x02", "a\x01b\x02"),
            ("character", "c", "c"),
            ("integer", "-12", -12),
            ("integer", " 7\n", 7),
            ("long", "9223372036854775808", 9223372036854775808),
            ("float", "1.2", 1.2),
            ("float", "Infinity", math.inf),
            ("double", "-Infinity", -math.inf),
            ("boolean", "true", True),
            ("boolean", "false", False),
            ("boolean", "True", True),
            ("boolean", " FALSE ", False),
            ("boolean", "1", True),
            ("boolean", "", False),
            ("blob", "dmFsdWU=", b"value"),
            ("blob", "dmFs\n dWU=", b"value"),
            ("blob", "", b""),
        ],
    )
    def test_scalars(self, kind: str, text: str, value: object) -> None:
        member = {"shape": kind}
        found = answer({"M": member}, f"<M>{text}</M>", shapes={"character": {"type": "character"}})
        assert found == {"M": value}
        assert type(found["M"]) is type(value)

    def test_not_a_number(self) -> None:
        assert math.isnan(answer({"M": {"shape": "double"}}, "<M>NaN</M>")["M"])

    @pytest.mark.parametrize("style", ["", "iso8601", "rfc822", "unixTimestamp"])
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("2014-04-29T18:30:38Z", NOON),
            ("2014-04-29T18:30:38.5Z", NOON.replace(microsecond=500_000)),
            ("2014-04-29T18:30:38.123456789Z", NOON.replace(microsecond=123_456)),
            ("2014-04-29T20:30:38+02:00", NOON),
            ("2014-04-29T18:30:38", NOON),
            ("20140429T183038Z", NOON),
            ("2014-04-29", NOON.replace(hour=0, minute=0, second=0)),
            (" 2014-04-29T18:30:38Z\n", NOON),
            ("Tue, 29 Apr 2014 18:30:38 GMT", NOON),
            ("Tue, 29 Apr 2014 18:30:38.5 GMT", NOON.replace(microsecond=500_000)),
            ("Tue, 29 Apr 2014 20:30:38 +0200", NOON),
            ("Tuesday, 29-Apr-14 18:30:38 GMT", NOON),
            ("1398796238", NOON),
            ("1398796238.5", NOON.replace(microsecond=500_000)),
            ("1.398796238e9", NOON),
            ("20140429", datetime(1970, 8, 22, 2, 33, 49, tzinfo=UTC)),
            ("-1", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ],
    )
    def test_times_in_every_format_whatever_is_declared(
        self, style: str, text: str, value: datetime
    ) -> None:
        format_ = {"timestampFormat": style} if style else {}
        found = answer(
            {
                "M": {"shape": "timestamp", **format_},
                "H": {"shape": "timestamp", "location": "header", **format_},
            },
            f"<M>{text}</M>",
            {"h": text},
        )
        assert found == {"M": value, "H": value}
        assert found["M"].tzinfo is UTC

    @pytest.mark.parametrize(
        ("member", "shape", "inside", "value"),
        [
            ({}, TEXTS, "<M><member>a</member><member/></M>", ["a", ""]),
            ({}, TEXTS, "<M><whatever>a</whatever></M>", ["a"]),
            ({}, TEXTS, "<M/>", []),
            ({}, TEXTS, "<M><member>a</member></M><M><member>b</member></M>", ["a"]),
            ({"locationName": "N"}, ITEMS, "<N><item>a</item></N>", ["a"]),
            ({"flattened": True}, TEXTS, "<M>a</M><M>b</M>", ["a", "b"]),
            ({"flattened": True}, TEXTS, "<M>a</M><Other/><M>b</M>", ["a", "b"]),
            ({"flattened": True, "locationName": "N"}, TEXTS, "<N>a</N>", ["a"]),
            ({"flattened": True, "locationName": "N"}, ITEMS, "<item>a</item>", ["a"]),
            ({"flattened": True, "locationName": "N"}, ITEMS, "<N>a</N><N>b</N>", ["a", "b"]),
            ({"flattened": True}, ITEMS, "<M>a</M>", ["a"]),
            ({}, MAP, "<M><entry><key>k</key><value>v</value></entry></M>", {"k": "v"}),
            ({}, MAP, "<M><entry><value>v</value><key>k</key><x/></entry></M>", {"k": "v"}),
            ({}, MAP, "<M><entry><key>k</key></entry></M>", {}),
            ({}, MAP, "<M/>", {}),
            ({}, NAMED_MAP, "<M><entry><K>k</K><V>1</V></entry></M>", {"k": 1}),
            ({"flattened": True}, NAMED_MAP, "<M><K>k</K><V>1</V></M>", {"k": 1}),
            (
                {"flattened": True},
                MAP,
                "<M><key>k</key><value>v</value></M><M><key>l</key><value/></M>",
                {"k": "v", "l": ""},
            ),
            ({}, INNER, "<M/>", {}),
            ({}, INNER, "<M><a/><b/></M>", {"a": ""}),
            ({}, INNER, "<M><a>1</a><a>2</a></M><M><a>3</a></M>", {"a": "1"}),
            ({}, INNER, "<p:M>\n <q:a>1</q:a>\n</p:M>", {"a": "1"}),
            ({}, CHOICE, "<M><no>1</no></M>", {"number": 1}),
            ({}, CHOICE, "<M><new>1</new></M>", {"SDK_UNKNOWN_MEMBER": {"name": "new"}}),
            ({}, CHOICE, "<M/>", {}),
            ({}, TREE, "<M><tree><name>b</name></tree></M>", {"tree": {"name": "b"}}),
            (
                {},
                TREE,
                "<M><all><member><all><member><name>b</name></member></all></member></all></M>",
                {"all": [{"all": [{"name": "b"}]}]},
            ),
        ],
    )
    def test_aggregates(
        self, member: dict[str, Any], shape: dict[str, Any], inside: str, value: object
    ) -> None:
        shapes = {"Shape": shape, "Tree": TREE, "Trees": TREES}
        assert answer({"M": {"shape": "Shape", **member}}, inside, shapes=shapes) == {"M": value}

    @pytest.mark.parametrize("inside", ["<Other>a</Other>", "text", "<!-- M -->"])
    def test_missing_members_are_absent(self, inside: str) -> None:
        output = {
            "M": {"shape": "string"},
            "L": {"shape": "Texts", "flattened": True},
            "H": {"shape": "integer", "location": "header"},
        }
        assert answer(output, inside, shapes={"Texts": TEXTS}) == {}

    @pytest.mark.parametrize(
        "attributes",
        [
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"',
            "xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:type='Group'",
            "type='Group' xmlns:type='other'",
        ],
    )
    def test_attributes_whatever_their_prefix(self, attributes: str) -> None:
        found = s3(
            "GetBucketAcl",
            f"<A><AccessControlList><Grant><Grantee {attributes}><URI>u</URI></Grantee>"
            "<Permission>READ</Permission></Grant></AccessControlList></A>",
        )
        grant = {"Grantee": {"Type": "Group", "URI": "u"}, "Permission": "READ"}
        assert found == {"Grants": [grant]}

    def test_an_element_that_is_two_members(self) -> None:
        body = "<A><QueueConfiguration><Event>e</Event><Event>f</Event></QueueConfiguration></A>"
        found = s3("GetBucketNotification", body)
        assert found == {"QueueConfiguration": {"Event": "e", "Events": ["e", "f"]}}

    def test_elements_nested_without_end_are_refused(self) -> None:
        deep = "<tree>" * 40 + "</tree>" * 40
        with pytest.raises(ResponseParseError, match="more than 32 deep"):
            answer({"tree": {"shape": "Tree"}}, deep, shapes={"Tree": TREE, "Trees": TREES})
        for unknown in ("<x>" * 40 + "</x>" * 40, "<name>" + "<x>" * 40 + "</x>" * 40 + "</name>"):
            with pytest.raises(ResponseParseError, match="more than 32 deep"):
                answer({"name": {"shape": "string"}}, unknown)

    @pytest.mark.parametrize(
        ("output", "inside", "said"),
        [
            ({"M": {"shape": "integer"}}, "<M>x</M>", r"Ask: M is no integer: 'x'"),
            ({"M": {"shape": "integer"}}, "<M/>", r"Ask: M is no integer: ''"),
            ({"M": {"shape": "integer"}}, "<M>1_0</M>", r"Ask: M is no integer: '1_0'"),
            ({"M": {"shape": "integer"}}, f"<M>{'9' * 9999}</M>", r"no integer: '9{200}'$"),
            ({"M": {"shape": "double"}}, "<M>1_0</M>", r"Ask: M is no double"),
            ({"M": {"shape": "boolean"}}, "<M>yes</M>", r"Ask: M is no boolean: 'yes'"),
            ({"M": {"shape": "blob"}}, "<M>a</M>", r"Ask: M is no blob: 'a'"),
            ({"M": {"shape": "blob"}}, "<M>é</M>", r"Ask: M is no blob"),
            ({"M": {"shape": "timestamp"}}, "<M/>", r"Ask: M is no timestamp: ''"),
            ({"M": {"shape": "timestamp"}}, "<M>1e300</M>", r"Ask: M is no timestamp"),
            (
                {"M": {"shape": "timestamp"}},
                "<M>0001-01-01T00:00:00+09:00</M>",
                r"Ask: M is no timestamp",
            ),
            (
                {"M": {"shape": "Inners", "flattened": True}},
                "<M/><M><a/><n>x</n></M>",
                r"Ask: M\[1\]\.n is no integer: 'x'",
            ),
            (
                {"M": {"shape": "Inners"}},
                "<M><member/><member/><member><n>x</n></member></M>",
                r"Ask: M\[2\]\.n is no integer: 'x'",
            ),
            (
                {"M": {"shape": "Map"}},
                "<M><entry><K>k</K><V>x</V></entry></M>",
                r"Ask: M\[0\]\.value is no integer: 'x'",
            ),
        ],
    )
    def test_wrong_values_are_named(self, output: Any, inside: str, said: str) -> None:
        inners = {"type": "list", "member": {"shape": "Inner"}}
        shapes = {"Inners": inners, "Inner": INNER, "Map": NAMED_MAP}
        with pytest.raises(ResponseParseError, match=said):
            answer(output, inside, shapes=shapes)

    def test_a_secret_is_not_shown(self) -> None:
        shapes = {"Secret": {"type": "integer", "sensitive": True}}
        with pytest.raises(ResponseParseError, match=r"M is no integer$"):
            answer({"M": {"shape": "Secret"}}, "<M>hush</M>", shapes=shapes)
        with pytest.raises(ResponseParseError) as caught:
            s3("CreateSession", "<R><Credentials><SecretAccessKey>hush</SecretAccessKey>")
        assert "hush" not in str(caught.value)

    @pytest.mark.parametrize(
        "body",
        [
            "<ListBucketResult><Name>b</Name>",
            "<html><body>Please log in</html>",
            "not XML",
            "<a/><b/>",
            "\0<\0a\0/\0>",
            '<!DOCTYPE a [<!ENTITY b "c">]><a><Name>&b;</Name></a>',
        ],
    )
    def test_what_is_no_document(self, body: str) -> None:
        with pytest.raises(ResponseParseError, match="ListObjectsV2") as caught:
            s3("ListObjectsV2", body + " " * 9999)
        assert len(str(caught.value)) < 600

    def test_nothing_where_a_document_may_be_and_where_it_must_be(self) -> None:
        assert s3("ListObjectsV2", "") == {}
        assert s3("ListObjectsV2", " \n") == {}
        assert s3("GetBucketEncryption", "", 204) == {}
        with pytest.raises(ResponseParseError, match="it is empty"):
            s3("GetBucketEncryption", "")

    @pytest.mark.parametrize(
        ("body", "region"),
        [
            ('<LocationConstraint xmlns="x">eu-west-1</LocationConstraint>', "eu-west-1"),
            ("<p:LocationConstraint xmlns:p='x'>\n eu-west-1 </p:LocationConstraint>", "eu-west-1"),
            ("<A><LocationConstraint>EU</LocationConstraint></A>", "EU"),
            ("<LocationConstraint/>", None),
            ("<A><LocationConstraint/></A>", ""),
            ("", None),
        ],
    )
    def test_the_location_of_a_bucket(self, body: str, region: str | None) -> None:
        assert s3("GetBucketLocation", body).get("LocationConstraint") == region

    def test_the_payload_of_an_event(self) -> None:
        payload = S3.operation("SelectObjectContent").output
        assert payload is not None
        stats = payload.members["Payload"].members["Stats"].members["Details"]
        assert parse_payload(stats, b"<Stats><BytesScanned>1</BytesScanned></Stats>") == {
            "BytesScanned": 1
        }
        for body in (b"", b"<Stats>", b"<Error/>"):
            with pytest.raises(ResponseParseError, match="Details"):
                parse_payload(stats, body)


HEADER = {"eventheader": True}
PAYLOAD = {"eventpayload": True}
EVENTS: dict[str, dict[str, Any]] = {
    "Bytes": {
        "Data": {"shape": "blob", **PAYLOAD},
        "When": {"shape": "timestamp", **HEADER},
        "Sure": {"shape": "boolean", "locationName": "is-sure", **HEADER},
    },
    "Told": {"Text": {"shape": "string", **PAYLOAD}},
    "Counted": {"Inside": {"shape": "Inner", **PAYLOAD}, "Number": {"shape": "integer", **HEADER}},
    "Listed": {"a": {"shape": "string"}, "Inside": {"shape": "Inner"}},
    "Over": {},
}
"""Members of events, in all the places that they can have."""


class TestEvents:
    def read(self, *messages: bytes) -> dict[str, Any]:
        shapes = {
            "Inner": INNER,
            "Events": {
                "type": "structure",
                "eventstream": True,
                "members": {name: {"shape": name} for name in EVENTS},
            },
            **{
                name: {"type": "structure", "event": True, "members": members}
                for name, members in EVENTS.items()
            },
        }
        output = {"payload": "Stream", "Stream": {"shape": "Events"}}
        operation = model_of(shapes, output).operation("Ask")
        return parse(operation, 200, {}, b"".join(messages))

    def test_members_from_headers_and_payloads(self) -> None:
        found = self.read(
            event("Bytes", b"\xff", headers={"When": (8, NOON), "is-sure": (1, False)}),
            event("Told", "ä".encode()),
            event("Counted", b"<Inside><n>2</n></Inside>", headers={"Number": (4, 9)}),
            event("Listed", b"<Listed><Inside><a>i</a></Inside><a>l</a></Listed>"),
            event("Over"),
        )
        assert found["Stream"] == [
            {"Bytes": {"Data": b"\xff", "When": NOON, "Sure": False}},
            {"Told": {"Text": "ä"}},
            {"Counted": {"Inside": {"n": 2}, "Number": 9}},
            {"Listed": {"Inside": {"a": "i"}, "a": "l"}},
            {"Over": {}},
        ]

    def test_headers_that_are_not_there_are_absent(self) -> None:
        assert self.read(event("Bytes", b"x"))["Stream"] == [{"Bytes": {"Data": b"x"}}]

    def test_no_events(self) -> None:
        assert self.read() == {"Stream": []}

    def test_one_that_is_cut_off(self) -> None:
        with pytest.raises(EventStreamError, match="within a message"):
            self.read(event("Over"), event("Told", b"text")[:-1])


class TestPayloads:
    def test_a_structure(self) -> None:
        body = "<LegalHold><Status>ON</Status></LegalHold>"
        assert s3("GetObjectLegalHold", body) == {"LegalHold": {"Status": "ON"}}

    def test_a_text(self) -> None:
        assert s3("GetBucketPolicy", '{"Id": "ü"}') == {"Policy": '{"Id": "ü"}'}
        with pytest.raises(ResponseParseError, match="GetBucketPolicy: Policy is no string"):
            s3("GetBucketPolicy", b"\xff")

    def test_bytes_are_left_to_the_caller_or_given_back(self) -> None:
        assert s3("GetObject", "") == {"Metadata": {}}
        assert s3("GetObject", b"<Error>") == {"Body": b"<Error>", "Metadata": {}}

    def test_a_union_that_is_not_set(self) -> None:
        assert answer({"payload": "M", "M": {"shape": "Choice"}}, shapes={"Choice": CHOICE}) == {}


class TestHeaders:
    def test_every_type(self) -> None:
        kinds = ("string", "integer", "boolean", "float", "timestamp", "blob")
        output = {f"{kind}s": {"shape": kind, "location": "header"} for kind in kinds}
        headers = {
            "Strings": "a, b", "INTEGERS": "1", "booleans": "true", "floats": "NaN",
            "timestamps": "Tue, 29 Apr 2014 18:30:38 GMT", "blobs": "dmFsdWU=", "other": "x",
        }  # fmt: skip
        found = answer(output, headers=headers)
        assert math.isnan(found.pop("floats"))
        assert found == {
            "strings": "a, b", "integers": 1, "booleans": True, "timestamps": NOON,
            "blobs": b"value",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("kind", "text", "values"),
        [
            ("string", "a, b,c", ["a", "b", "c"]),
            ("string", r'"b,c", "\"d\" e", f', ["b,c", '"d" e', "f"]),
            ("string", 'a "b", "c', ['a "b"', '"c']),
            ("string", '"", a', ["", "a"]),
            ("string", " ", []),
            ("string", "a,,b", ["a", "b"]),
            ("integer", "1, 2", [1, 2]),
            ("boolean", "true, false", [True, False]),
            ("timestamp", "Tue, 29 Apr 2014 18:30:38 GMT, 1398796238", [NOON, NOON]),
            (
                "timestamp",
                "Tue, 29 Apr 2014 18:30:38 GMT,Tuesday, 29-Apr-14 18:30:38 GMT",
                [NOON, NOON],
            ),
            ("timestamp", "2014-04-29T18:30:38Z, 2014-04-29T18:30:38Z", [NOON, NOON]),
        ],
    )
    def test_lists(self, kind: str, text: str, values: list[object]) -> None:
        shape = {"type": "list", "member": {"shape": kind}}
        output = {"M": {"shape": "List", "location": "header", "locationName": "X-List"}}
        assert answer(output, headers={"x-list": text}, shapes={"List": shape}) == {"M": values}

    def test_a_list_in_several_headers(self) -> None:
        operation = model_of(
            {"Texts": TEXTS},
            {
                "M": {"shape": "Texts", "location": "header", "locationName": "x"},
                "One": {"shape": "string", "location": "header", "locationName": "one"},
            },
        ).operation("Ask")
        headers = CIMultiDict([("x", "a"), ("X", "b, c"), ("one", "1"), ("one", "2")])
        assert parse(operation, 200, headers, b"") == {"M": ["a", "b", "c"], "One": "1"}

    def test_maps_by_prefix(self) -> None:
        headers = CIMultiDict(
            [("X-Amz-Meta-Mixed", "a"), ("x-amz-meta-b", "1"), ("x-amz-meta-b", "2"), ("y", "z")]
        )
        found = parse(S3.operation("HeadObject"), 200, headers, b"")
        assert found == {"Metadata": {"Mixed": "a", "b": "1, 2"}}

    def test_an_empty_prefix_takes_every_header(self) -> None:
        output = {
            "All": {"shape": "Map", "location": "headers", "locationName": ""},
            "One": {"shape": "string", "location": "header", "locationName": "hello"},
        }
        headers = {"hello": "Hello", "x-foo": "Foo"}
        assert answer(output, headers=headers, shapes={"Map": MAP}) == {
            "All": headers,
            "One": "Hello",
        }

    def test_the_status(self) -> None:
        output = {"Status": {"shape": "integer", "location": "statusCode"}}
        assert answer(output, status=206) == {"Status": 206}

    def test_json_in_base64(self) -> None:
        model = model_of({}, {"M": {"shape": "string", "location": "header"}})
        model.shapes["Output"]["members"]["M"]["json"] = True
        ask = model.operation("Ask")
        assert parse(ask, 200, {"M": "eyJGb28iOiJCYXIifQ=="}, b"") == {"M": {"Foo": "Bar"}}
        for text in ("e30", "W1td", base64.b64encode(b"[" * 9999).decode()):
            with pytest.raises(ResponseParseError, match=f"Ask: M is no string: '{text[:9]}"):
                parse(ask, 200, {"M": text}, b"")

    @pytest.mark.parametrize(
        ("header", "said"),
        [
            ({"content-length": "many"}, "HeadObject: ContentLength is no long: 'many'"),
            ({"last-modified": "x" * 999}, "HeadObject: LastModified is no timestamp: 'x{200}'$"),
        ],
    )
    def test_wrong_values_are_named(self, header: dict[str, str], said: str) -> None:
        with pytest.raises(ResponseParseError, match=said):
            parse(S3.operation("HeadObject"), 200, header, b"")

    @pytest.mark.parametrize("text", ["never", "", "Tue, 99 Apr 2014"])
    def test_an_expiry_that_is_no_time_is_left_out(self, text: str) -> None:
        assert "Expires" not in parse(S3.operation("HeadObject"), 200, {"Expires": text}, b"")


class TestErrors:
    @pytest.mark.parametrize("status", [200, 204, 301, 400, 503])
    @pytest.mark.parametrize("operation", ["CopyObject", "PutBucketCors", "ListObjects"])
    def test_the_document_of_s3(self, operation: str, status: int) -> None:
        body = (
            '<?xml version="1.0"?>\n<Error><Code>SlowDown</Code><Message>Less &amp; less</Message>'
            "<Resource/><Key>k</Key><Key>l</Key><Nested><Key>no</Key></Nested>"
            "<RequestId>r</RequestId><HostId>h</HostId></Error>"
        )
        error = {"Code": "SlowDown", "Message": "Less & less", "Resource": "", "Key": "k"}
        assert s3(operation, body, status) == {"Error": error}

    def test_the_document_of_other_services(self) -> None:
        body = (
            "<ErrorResponse><Error><Type>Sender</Type><Code>Bad</Code><Message>m</Message></Error>"
            "<RequestId>r</RequestId></ErrorResponse>"
        )
        expected = {"Code": "Bad", "Message": "m", "Type": "Sender"}
        assert s3("GetObject", body, 400) == {"Error": expected}

    @pytest.mark.parametrize(
        ("status", "body", "message"),
        [
            (404, "", "Not Found"),
            (304, "", "Not Modified"),
            (503, "<html><body>Service Unavailable</body></html>", "Service Unavailable"),
            (400, "\0", "Bad Request"),
            (400, "<Error></Error>", "Bad Request"),
            (599, "no", ""),
        ],
    )
    def test_no_usable_document(self, status: int, body: str, message: str) -> None:
        expected = {"Code": str(status), "Message": message}
        assert s3("HeadObject", body, status) == {"Error": expected}

    def test_a_document_that_breaks_off_says_what_it_can(self) -> None:
        found = s3("GetObject", "<Error><Code>NoSuchKey</Code><Mess", 404)
        assert found == {"Error": {"Code": "NoSuchKey", "Message": ""}}

    @pytest.mark.parametrize("form", ["{}", "<ErrorResponse>{}<RequestId/></ErrorResponse>"])
    def test_modelled_members_by_their_types(self, form: str) -> None:
        error = {
            "type": "structure",
            "exception": True,
            "members": {
                "Header": {"shape": "integer", "location": "header", "locationName": "X-Header"},
                "Top": {"shape": "integer"},
                "Nested": {"shape": "Inner"},
                "Message": {"shape": "string"},
            },
        }
        operation = model_of({"Refused": error, "Inner": INNER}, {}).operation("Ask")
        document = form.format(
            "<Error><Code>Refused</Code><Message>m</Message><Top>1</Top>"
            "<Nested><n>2</n></Nested><Other>3</Other></Error>"
        )
        found = parse(operation, 403, {"x-header": "4"}, document.encode())
        modeled = {"Message": "m", "Top": 1, "Nested": {"n": 2}, "Header": 4}
        assert found == {"Error": {"Code": "Refused", "Other": "3", **modeled}, **modeled}

    def test_a_code_without_a_message(self) -> None:
        body = "<ErrorResponse><Error><Type>t</Type><Code>Odd</Code></Error></ErrorResponse>"
        expected = {"Code": "Odd", "Message": "", "Type": "t"}
        assert s3("GetObject", body, 400) == {"Error": expected}

    def test_a_wrong_detail_does_not_hide_the_error(self) -> None:
        error = {"type": "structure", "exception": True, "members": {"Top": {"shape": "integer"}}}
        operation = model_of({"Refused": error}, {}).operation("Ask")
        body = b"<Error><Code>Refused</Code><Top>x</Top></Error>"
        expected = {"Code": "Refused", "Message": "", "Top": "x"}
        assert parse(operation, 403, {}, body) == {"Error": expected}


class TestHostileBodies:
    @settings(max_examples=300)
    @given(st.sampled_from(sorted(OPERATIONS.values())), st.binary(), st.sampled_from([200, 400]))
    def test_any_bytes(self, name: str, body: bytes, status: int) -> None:
        found = outcome(S3.operation(name), status, {}, body)
        assert isinstance(found, dict) or len(found) < 2000

    @settings(max_examples=300)
    @given(CHANCE, st.integers(0, 400), st.binary(max_size=3), st.integers(0, 3))
    def test_documents_with_a_wrong_spot(
        self, random: Random, at: int, spot: bytes, gone: int
    ) -> None:
        operation = S3.operation("GetBucketLifecycleConfiguration")
        shape: Any = BOTOCORE_S3.operation_model(operation.name).output_shape
        body = Writer(random).document(shape)
        body = body[:at] + spot + body[at + gone :]
        found = outcome(operation, 200, {}, body)
        assert isinstance(found, dict) or found.startswith(
            ("expected an S3 document <GetBucketLifecycleConfiguration>", f"{operation.name}: ")
        )

    @pytest.mark.parametrize(
        "inside",
        [
            b"<Contents/>" * 100_000,
            b"<x><y>" * 10 + b"a<b/>" * 200_000 + b"</y></x>" * 10,
            b"<Name>" + b"&#x1;&amp;" * 100_000 + b"</Name>",
            b"<Name>" + b"a<b/>" * 200_000 + b"</Name>",
            b"<Name " + b" ".join(b'a%d=""' % n for n in range(50_000)) + b"/>",
            b"<MaxKeys>" + b"9" * 1_000_000 + b"</MaxKeys>",
        ],
    )
    def test_a_megabyte_takes_no_time(self, inside: bytes) -> None:
        began = time.process_time()
        found = outcome(S3.operation("ListObjectsV2"), 200, {}, b"<a>" + inside + b"</a>")
        assert isinstance(found, dict) or found.startswith("ListObjectsV2: MaxKeys is no integer")
        assert time.process_time() - began < 5

    def test_many_header_items_take_no_time(self) -> None:
        operation = model_of(
            {"Texts": TEXTS, "Times": {"type": "list", "member": {"shape": "timestamp"}}},
            {
                "M": {"shape": "Texts", "location": "header", "locationName": "m"},
                "N": {"shape": "Times", "location": "header", "locationName": "n"},
            },
        ).operation("Ask")
        began = time.process_time()
        for text in ('"\\",' * 10_000, '"' * 40_000, " ," * 20_000, "abc," * 10_000):
            found = outcome(operation, 200, {"m": text, "n": text}, b"")
            assert isinstance(found, dict) or found.startswith("Ask: N is no list")
        assert time.process_time() - began < 1
