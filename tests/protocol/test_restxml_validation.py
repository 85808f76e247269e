"""Parameters that cannot work are refused before anything is sent, with their paths."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError as TheirError
from botocore.model import ServiceModel
from botocore.validate import validate_parameters
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiohttp_s3_client.errors import ParamValidationError
from aiohttp_s3_client.protocol.model.shapes import Model, Operation
from aiohttp_s3_client.protocol.restxml.request import serialize

from .rest_xml_models import described, descriptions, operation_of, parameters, s3, s3_operations

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
_KEY = "super-secret-of-a-customer-0123"


def problems(operation: Operation | str, params: Any) -> list[str]:
    called = s3().operation(operation) if isinstance(operation, str) else operation
    try:
        serialize(called, params)
    except ParamValidationError as error:
        return list(error.problems)
    return []


def of(
    kind: str, value: object, shapes: dict[str, Any] | None = None, location: str = ""
) -> list[str]:
    traits = {"location": location, "locationName": "x"} if location else {}
    return problems(described({"It": {"shape": kind, **traits}}, shapes), {"It": value})


def bounded(kind: str, it: object, **bounds: Any) -> list[str]:
    return of("Bounded", it, {"Bounded": {"type": kind, **bounds}})


def test_all_problems_are_told_at_once_with_their_paths() -> None:
    objects = [{"Key": "a"}, {"Kee": "a"}, "b", {"Key": "", "Size": "5"}]
    params = {"Delete": {"Objects": objects, "Quiet": "no"}, "Bukket": "b"}
    assert problems("DeleteObjects", params) == [
        "Bucket is missing",
        "Delete.Objects[1].Key is missing",
        "Delete.Objects[1].Kee is unknown: Delete.Objects[1] takes Key, VersionId, ETag, "
        "LastModifiedTime, Size",
        "Delete.Objects[2] must be a dict, not 'b'",
        "Delete.Objects[3].Key must have at least 1 characters, not 0",
        "Delete.Objects[3].Size must be an int, not '5'",
        "Delete.Quiet must be a bool, not 'no'",
        "Bukket is unknown: DeleteObjects takes Bucket, Delete, MFA, RequestPayer, "
        "BypassGovernanceRetention, ExpectedBucketOwner, ChecksumAlgorithm",
    ]


def test_none_is_not_given() -> None:
    assert problems("HeadObject", {"Bucket": "b", "Key": "k", "VersionId": None}) == []
    assert problems("HeadObject", {"Bucket": "b", "Key": None}) == ["Key is missing"]
    objects = [{"Key": "k", "VersionId": None}, {"Key": None}]
    assert problems("DeleteObjects", {"Bucket": "b", "Delete": {"Objects": objects}}) == [
        "Delete.Objects[1].Key is missing"
    ]
    assert of("strings", ["a", None]) == ["It[1] must be a str, not NoneType"]


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        ("string", b"a", "must be a str, not b'a'"),
        ("string", 5, "must be a str, not 5"),
        ("integer", True, "must be an int, not True"),
        ("integer", 1.0, "must be an int, not 1.0"),
        ("integer", 2**31, "must fit into 32 bits: 2147483648"),
        ("long", -(2**63) - 1, "must fit into 64 bits: -9223372036854775809"),
        ("float", "1.5", "must be a float, not '1.5'"),
        ("float", False, "must be a float, not False"),
        ("float", 10**400, "is no float: an int of 1329 bits"),
        ("boolean", 1, "must be a bool, not 1"),
        ("boolean", "true", "must be a bool, not 'true'"),
        ("blob", ["a"], "must be bytes or a str, not list"),
        ("strings", "abc", "must be a list, not 'abc'"),
        ("strings", {"a"}, "must be a list, not set"),
        ("timestamp", "yesterday", "is no time: 'yesterday'"),
        ("timestamp", float("nan"), "is no time: nan"),
        ("timestamp", 1e30, "is no time: 1e+30"),
        (
            "timestamp",
            [],
            "must be a datetime, a date as text or seconds since 1970, not list",
        ),
    ],
)
def test_wrong_values(kind: str, value: object, problem: str) -> None:
    assert of(kind, value) == [f"It {problem}"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("integer", -(2**31)),
        ("long", 2**63 - 1),
        ("float", 1),
        ("float", Decimal("1.5")),
        ("float", float("nan")),
        ("blob", memoryview(b"a")),
        ("strings", ("a",)),
        ("timestamp", datetime.datetime(2020, 1, 1)),
        ("timestamp", "2020-01-01"),
        ("timestamp", "1577836800"),
        ("timestamp", "Wed, 01 Jan 2020 00:00:00 GMT"),
        ("timestamp", 1577836800.5),
    ],
)
def test_right_values(kind: str, value: object) -> None:
    assert of(kind, value) == []


def test_numbers_that_are_too_long_to_show() -> None:
    assert of("long", 1 << 20_000) == ["It must fit into 64 bits: an int of 20001 bits"]


def test_bounds() -> None:
    assert bounded("integer", 0, min=1) == ["It must be at least 1: 0"]
    assert bounded("integer", 11, min=1, max=10) == ["It must be at most 10: 11"]
    assert bounded("integer", -1, min=0) == ["It must be at least 0: -1"]
    assert bounded("float", 0.5, max=0.25) == ["It must be at most 0.25: 0.5"]
    assert bounded("string", "abc", max=2) == ["It must have at most 2 characters, not 3"]
    assert bounded("blob", b"", min=1) == ["It must have at least 1 bytes, not 0"]
    assert bounded("list", [], min=1, member={"shape": "string"}) == [
        "It must have at least 1 items, not 0"
    ]
    strings = {"key": {"shape": "string"}, "value": {"shape": "string"}}
    assert bounded("map", {"a": "b", "c": "d"}, max=1, **strings) == [
        "It must have at most 1 entries, not 2"
    ]


def test_maps() -> None:
    shapes = {"Map": {"type": "map", "key": {"shape": "string"}, "value": {"shape": "integer"}}}
    assert of("Map", {1: 2, "a": "b", "x" * 100: None}, shapes) == [
        "It must have names of type str, not 1",
        "It.a must be an int, not 'b'",
        f"It.'{'x' * 27}...{'x' * 28}' must be an int, not NoneType",
    ]


def test_a_union_has_one_member() -> None:
    shapes = {
        "Union": {
            "type": "structure",
            "union": True,
            "members": {"A": {"shape": "string"}, "B": {"shape": "string"}},
        }
    }
    assert of("Union", {"A": "a"}, shapes) == []
    assert of("Union", {"A": "a", "B": None}, shapes) == []
    assert of("Union", {}, shapes) == ["It must have exactly one of A, B, not 0 of them"]
    both = {"A": "a", "B": "b"}
    assert of("Union", both, shapes) == ["It must have exactly one of A, B, not 2 of them"]


@pytest.mark.parametrize("name", ["Bucket", "Key"])
def test_labels_must_not_be_empty(name: str) -> None:
    (problem,) = problems("HeadObject", {"Bucket": "b", "Key": "k", name: ""})
    assert problem.startswith(f"{name} must ")


def test_what_a_header_cannot_carry() -> None:
    for value in ("a\r\nb", "a\0", "\x7f", "\ud800"):
        (problem,) = of("string", value, location="header")
        assert problem.startswith("It has a line break, another control character or a lone sur")
        (problem,) = of("strings", ["fine", value], location="header")
        assert problem.startswith("It[1] has a line break")
    assert of("string", "tab\there", location="header") == []
    entry = {"Bucket": "b", "Key": "k", "Metadata": {"a b": "c", "d": "e\nf"}}
    assert problems("PutObject", entry) == [
        "Metadata.a b: 'x-amz-meta-a b' cannot be the name of a header",
        "Metadata.d has a line break, another control character or a lone surrogate in it, "
        "which a header cannot carry: 'e\\nf'",
    ]


def test_what_has_no_utf8_form() -> None:
    assert of("string", "a\udcff") == [
        "It has a lone surrogate in it, which has no UTF-8 form: 'a\\udcff'"
    ]
    # A key that is not UTF-8, as listings give it: its bytes have a place in a URL.
    assert of("string", "a\udcff", location="querystring") == []
    assert of("string", "a\ud800", location="querystring") != []


def test_values_are_shown_cut_short() -> None:
    (problem,) = of("integer", "x" * 10_000)
    assert len(problem) < 120
    (problem,) = of("string", b"x" * 10_000)
    assert len(problem) < 120
    (problem,) = problems("ListBuckets", {"y" * 10_000: 1})
    assert len(problem) < 220


def test_secrets_are_never_shown() -> None:
    params = {
        "Bucket": "b",
        "Key": "k",
        "SSECustomerKey": f"{_KEY}\n",
        "SSEKMSKeyId": _KEY.encode(),
    }
    found = problems("PutObject", params)
    assert [problem.partition(" ")[0] for problem in found] == ["SSECustomerKey", "SSEKMSKeyId"]
    assert _KEY not in str(found)
    assert _KEY not in str(problems("PutObject", {**params, "SSECustomerKey": {_KEY: _KEY}}))
    shapes = {"Secret": {"type": "structure", "sensitive": True, "members": {}}}
    assert _KEY not in str(of("Secret", _KEY, shapes))


def test_the_parameters_must_be_a_dict() -> None:
    assert problems("HeadObject", [("Bucket", "b")]) == ["the parameters must be a dict, not list"]


def test_a_json_value_goes_into_a_header_in_base64() -> None:
    member = {"is": "string", "json": True, "in": "header", "name": "X-It"}
    operation = Model(
        {
            "operations": {"Operation": {"method": "POST", "path": "/", "input": "#Input"}},
            "errors": {},
            "shapes": {"Input": {"type": "structure", "members": {"It": member}}},
        }
    ).operation("Operation")
    request = serialize(operation, {"It": {"a": [1, None]}})
    assert request.headers["x-it"] == "eyJhIjpbMSxudWxsXX0="
    (problem,) = problems(operation, {"It": {"a": {1}}})
    assert problem.startswith("It must be something that JSON has: ")


# --- botocore as the oracle: what it refuses, is refused


class Wrong:
    """Of no type that a parameter may have."""


@settings(max_examples=100, suppress_health_check=_SLOW, deadline=None)
@given(st.data())
def test_what_botocore_refuses_is_refused(data: st.DataObject) -> None:
    description = data.draw(descriptions())
    operation = operation_of(description)
    params = data.draw(parameters(operation))
    spoilt = data.draw(spoilings(params))
    shape = ServiceModel(description, "example").shape_for("Input")
    try:
        validate_parameters(spoilt, shape)
    except TheirError:
        assert problems(operation, spoilt)
    else:
        # A label of the path that is missing is the description's own to require.
        missing = {f"{name} is missing" for name in operation.labels}
        assert set(problems(operation, spoilt)) <= missing


@pytest.mark.parametrize("name", s3_operations())
@settings(max_examples=3, suppress_health_check=_SLOW, deadline=None)
@given(data=st.data())
def test_every_operation_takes_valid_and_refuses_spoilt_parameters(
    name: str, data: st.DataObject
) -> None:
    operation = s3().operation(name)
    params = data.draw(parameters(operation))
    assert problems(operation, params) == []
    if params:
        one = data.draw(st.sampled_from(sorted(params)))
        assert [p.partition(" ")[0] for p in problems(operation, {**params, one: Wrong()})] == [one]
    for one in operation.input.required if operation.input is not None else ():
        without = {name: value for name, value in params.items() if name != one}
        assert problems(operation, without) == ([f"{one} is missing"] * (one != operation.stream))


@st.composite
def spoilings(draw: st.DrawFn, params: dict[str, Any]) -> dict[str, Any]:
    """*params* with one value, at any depth, of another type, or with one that is unknown."""
    if not params or draw(st.integers(0, 5)) == 0:
        return {**params, "Unknown": 1}
    name = draw(st.sampled_from(sorted(params)))
    value = params[name]
    if isinstance(value, dict) and value and draw(st.booleans()):
        return {**params, name: draw(spoilings(value))}
    if isinstance(value, list) and value and draw(st.booleans()):
        return {**params, name: [*value[:-1], Wrong()]}
    if draw(st.integers(0, 5)) == 0:
        return {key: given for key, given in params.items() if key != name}
    return {**params, name: draw(st.sampled_from([Wrong(), [Wrong()], {1: 2}]))}
