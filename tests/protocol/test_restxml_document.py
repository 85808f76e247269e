"""Values as XML, as a description has them."""

from __future__ import annotations

import datetime
from typing import Any

from aiohttp_s3_client.protocol.restxml.request import serialize

from .rest_xml_models import Color, Number, body_of, described, s3


def xml_of(members: dict[str, Any], params: dict[str, Any], **more: Any) -> str:
    return body_of(serialize(described(members, **more), params)).decode()


def test_structures_are_written_in_the_callers_order() -> None:
    members = {
        "A": {"shape": "string", "locationName": "a"},
        "B": {"shape": "Nested"},
        "C": {"shape": "boolean"},
    }
    nested = {"type": "structure", "members": {"X": {"shape": "long"}, "Y": {"shape": "float"}}}
    made = xml_of(
        members,
        {"C": False, "B": {"Y": float("nan"), "X": None}, "A": "<&>"},
        shapes={"Nested": nested},
        reference={"locationName": "Root", "xmlNamespace": {"uri": "http://x/"}},
    )
    assert made == (
        '<Root xmlns="http://x/"><C>false</C><B><Y>NaN</Y></B><a>&lt;&amp;&gt;</a></Root>'
    )


def test_empty_values() -> None:
    shapes = {
        "Nested": {"type": "structure", "members": {}},
        "Map": {"type": "map", "key": {"shape": "string"}, "value": {"shape": "string"}},
        "Flat": {"type": "list", "member": {"shape": "string"}, "flattened": True},
    }
    members = {
        "Structure": {"shape": "Nested"},
        "List": {"shape": "strings"},
        "Flat": {"shape": "Flat"},
        "Map": {"shape": "Map"},
        "String": {"shape": "string"},
        "Blob": {"shape": "blob"},
    }
    params = {"Structure": {}, "List": [], "Flat": [], "Map": {}, "String": "", "Blob": b""}
    assert xml_of(members, params, shapes=shapes) == (
        "<Input><Structure/><List/><Map/><String></String><Blob></Blob></Input>"
    )
    assert xml_of(members, {}, shapes=shapes) == ""


def test_lists() -> None:
    shapes = {
        "Named": {"type": "list", "member": {"shape": "string", "locationName": "item"}},
        "Flat": {
            "type": "list",
            "member": {"shape": "string", "locationName": "ignored"},
            "flattened": True,
        },
        "Nested": {"type": "list", "member": {"shape": "strings"}},
    }
    members = {
        "List": {"shape": "strings"},
        "Named": {"shape": "Named", "locationName": "renamed"},
        "Flat": {"shape": "Flat"},
        "FlatNamed": {"shape": "Flat", "locationName": "flatNamed"},
        "Nested": {"shape": "Nested"},
    }
    params = {
        "List": ("a",),
        "Named": ["a", "b"],
        "Flat": ["a", "b"],
        "FlatNamed": ["c"],
        "Nested": [["a"], []],
    }
    assert xml_of(members, params, shapes=shapes) == (
        "<Input><List><member>a</member></List>"
        "<renamed><item>a</item><item>b</item></renamed>"
        "<Flat>a</Flat><Flat>b</Flat><flatNamed>c</flatNamed>"
        "<Nested><member><member>a</member></member><member/></Nested></Input>"
    )


def test_maps() -> None:
    named = {"shape": "string", "locationName": "Name"}
    setting = {"shape": "string", "locationName": "Setting"}
    shapes = {
        "Map": {"type": "map", "key": {"shape": "string"}, "value": {"shape": "string"}},
        "Named": {"type": "map", "key": named, "value": setting},
        "Flat": {"type": "map", "key": named, "value": setting, "flattened": True},
    }
    members = {"Map": {"shape": "Map"}, "Named": {"shape": "Named"}, "Flat": {"shape": "Flat"}}
    params = {"Map": {"a": "b"}, "Named": {"c": "d"}, "Flat": {"e": "f", "g": "h"}}
    assert xml_of(members, params, shapes=shapes) == (
        "<Input><Map><entry><key>a</key><value>b</value></entry></Map>"
        "<Named><entry><Name>c</Name><Setting>d</Setting></entry></Named>"
        "<Flat><Name>e</Name><Setting>f</Setting></Flat>"
        "<Flat><Name>g</Name><Setting>h</Setting></Flat></Input>"
    )


def test_attributes_and_namespaces() -> None:
    grant = {
        "Permission": "READ",
        "Grantee": {"Type": 'a"<\n\t', "ID": "1"},
    }
    params = {"Bucket": "b", "AccessControlPolicy": {"Grants": [grant]}}
    body = body_of(serialize(s3().operation("PutBucketAcl"), params)).decode()
    assert body == (
        '<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        "<AccessControlList><Grant><Permission>READ</Permission>"
        '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:type="a&quot;&lt;&#xA;&#x9;"><ID>1</ID></Grantee>'
        "</Grant></AccessControlList></AccessControlPolicy>"
    )


def test_the_namespace_of_a_flat_list_stands_on_what_holds_its_items() -> None:
    """As botocore has it: what has no element of its own has no other place for it."""
    namespace = {"xmlNamespace": {"uri": "http://x/"}}
    item = {"shape": "string", "xmlNamespace": {"uri": "http://y/", "prefix": "y"}}
    shapes = {
        "Flat": {"type": "list", "member": item, "flattened": True},
        "List": {"type": "list", "member": item},
    }
    members = {"Flat": {"shape": "Flat", **namespace}, "List": {"shape": "List", **namespace}}
    items = '<{0} xmlns:y="http://y/">a</{0}>'
    assert xml_of(members, {"Flat": ["a"]}, shapes=shapes) == (
        f'<Input xmlns="http://x/">{items.format("Flat")}</Input>'
    )
    assert xml_of(members, {"List": ["a"]}, shapes=shapes) == (
        f'<Input><List xmlns="http://x/">{items.format("member")}</List></Input>'
    )


def test_shapes_may_hold_themselves() -> None:
    shapes = {
        "Tree": {
            "type": "structure",
            "members": {
                "Name": {"shape": "string"},
                "One": {"shape": "Tree"},
                "Many": {"shape": "Trees"},
            },
        },
        "Trees": {"type": "list", "member": {"shape": "Tree"}},
    }
    params = {"Tree": {"One": {"One": {"Name": "a"}}, "Many": [{"Name": "b"}, {"One": {}}]}}
    assert xml_of({"Tree": {"shape": "Tree"}}, params, shapes=shapes) == (
        "<Input><Tree><One><One><Name>a</Name></One></One>"
        "<Many><member><Name>b</Name></member><member><One/></member></Many></Tree></Input>"
    )


def test_timestamps_in_documents() -> None:
    members = {
        style: {"shape": "timestamp", "timestampFormat": style}
        for style in ("iso8601", "rfc822", "unixTimestamp")
    }
    time = datetime.datetime(1969, 12, 31, 23, 59, 59, 250000)
    assert xml_of(members, dict.fromkeys(members, time)) == (
        "<Input><iso8601>1969-12-31T23:59:59.250000Z</iso8601>"
        "<rfc822>Wed, 31 Dec 1969 23:59:59 GMT</rfc822>"
        "<unixTimestamp>-0.75</unixTimestamp></Input>"
    )
    far = datetime.datetime(9999, 12, 31, 23, 59, 59, 999999)
    assert "<unixTimestamp>253402300799.999999</unixTimestamp>" in xml_of(
        members, {"unixTimestamp": far}
    )


def test_what_xml_has_no_place_for_is_written_as_references() -> None:
    """Keys may hold control characters, and readers turn bare line breaks into others."""
    made = xml_of({"Key": {"shape": "string"}}, {"Key": "a\0\x01\t\r\n\x1f\uffff\x7fb"})
    assert made == "<Input><Key>a&#x0;&#x1;\t&#xD;&#xA;&#x1F;&#xFFFF;\x7fb</Key></Input>"


def test_members_of_enums_are_their_values() -> None:
    members = {"Color": {"shape": "string"}, "Number": {"shape": "integer"}}
    made = xml_of(members, {"Color": Color.RED, "Number": Number.TWO})
    assert made == "<Input><Color>red</Color><Number>2</Number></Input>"
