"""Which page follows which; JMESPath itself is the oracle of the expressions."""

from __future__ import annotations

from typing import Any

import botocore.loaders
import jmespath
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aiohttp_s3_client.errors import ResponseParseError
from aiohttp_s3_client.protocol.pagination import (
    Pager,
    check_expression,
    cut,
    entries,
    evaluate,
    next_params,
)

FACTS: dict[str, Any] = botocore.loaders.Loader().load_service_model("s3", "paginators-1")[
    "pagination"
]
PAGERS = {name: Pager.of(facts) for name, facts in FACTS.items()}
OBJECTS, VERSIONS = PAGERS["ListObjects"], PAGERS["ListObjectVersions"]
PARTS, BUCKETS = PAGERS["ListParts"], PAGERS["ListBuckets"]

names = st.sampled_from(["A", "B", "C"])
indexes = st.sampled_from(["", "", "[0]", "[-1]", "[2]", "[]"])
paths = st.lists(st.tuples(names, indexes, indexes).map("".join), min_size=1, max_size=3).map(
    ".".join
)
expressions = st.lists(paths, min_size=1, max_size=3).map(" || ".join)
values = st.recursive(
    st.none() | st.booleans() | st.sampled_from([0, 1, 0.0, "", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


@given(expressions, values)
@example("A || B", {"A": 0, "B": 1})
@example("A || B", {"A": False, "B": ""})
@example("A[].B[].C", {"A": [{"B": [{"C": 1}, {"C": 2}]}, {"B": [{"C": 3}]}]})
@example("A[].B[0]", {"A": [{"B": [1, 2]}, {"B": [3]}, {"B": []}]})
@example("A[][]", {"A": [[[1]], None, [None, [2]]]})
def test_expressions_mean_what_jmespath_says(expression: str, value: object) -> None:
    assert repr(evaluate(expression, value)) == repr(jmespath.search(expression, value))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("NextMarker || Contents[-1].Key", "z"),
        ("Contents[0].Key", "a"),
        ("Owner.ID", "me"),
        ("Owner.Nothing", None),
        ("Owner[0]", None),
        ("Contents.Key", None),
        ("Contents[2].Key", None),
        ("Contents[].Key", ["a", "z"]),
    ],
)
def test_expressions(expression: str, expected: object) -> None:
    page = {"NextMarker": "", "Contents": [{"Key": "a"}, {"Key": "z"}], "Owner": {"ID": "me"}}
    assert evaluate(expression, page) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "A |",
        "A || ",
        "A | B",
        "A && B",
        "!A",
        "A.",
        ".A",
        "A..B",
        "A[*].B",
        "A.*",
        "A[0:2]",
        "A[?B=='x']",
        "length(A)",
        "length(A[]) > `0`",
        "[0]",
        "@",
        "A.{B: C}",
        "'A'",
        '"A"',
        "A B",
        "A\n",
        "Ä",
    ],
)
def test_unknown_expressions_are_refused(expression: str) -> None:
    for act in (check_expression, lambda text: evaluate(text, {})):
        with pytest.raises(ValueError, match="not of a known form"):
            act(expression)


def test_the_pagers_of_the_model() -> None:
    assert PAGERS["ListObjectsV2"] == Pager(
        input_tokens=("ContinuationToken",),
        output_tokens=("NextContinuationToken",),
        limit="MaxKeys",
        more="IsTruncated",
        results=("Contents", "CommonPrefixes"),
    )
    assert VERSIONS.input_tokens == ("KeyMarker", "VersionIdMarker")
    assert PARTS.results == ("Parts",)
    assert BUCKETS.more is None
    assert Pager.of({"input_token": "T", "output_token": "T", "result_key": "R"}).limit is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"output_token": ["A", "B"]}, "do not fit"),
        ({"input_token": [], "output_token": []}, "do not fit"),
        ({"result_key": []}, "do not fit"),
        ({"result_key": "A[0]"}, "not the name of a member"),
        ({"result_key": "A || B"}, "not the name of a member"),
        ({"output_token": "max(A)"}, "not of a known form"),
        ({"more_results": "!Complete"}, "not of a known form"),
    ],
)
def test_foreign_pagers_are_refused_when_loaded(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Pager.of(FACTS["ListParts"] | changed)


def following(pager: Pager, params: dict[str, object], **page: object) -> dict[str, object] | None:
    return next_params("ListThings", pager, params, page)


def test_the_next_page() -> None:
    first = {"Bucket": "b", "MaxKeys": 2}
    second = following(OBJECTS, first, IsTruncated=True, Contents=[{"Key": "a"}, {"Key": "b"}])
    assert second == {**first, "Marker": "b"}
    third = following(OBJECTS, second, IsTruncated=True, NextMarker="d/", Contents=[{"Key": "c"}])
    assert third == {**first, "Marker": "d/"}
    assert following(OBJECTS, third, IsTruncated=False, Contents=[{"Key": "e"}]) is None
    assert first == {"Bucket": "b", "MaxKeys": 2}


def test_a_marker_that_a_page_does_not_have_is_not_sent_again() -> None:
    """The second page starts inside of a key's versions, the third at a key."""
    second = following(
        VERSIONS, {"Bucket": "b"}, IsTruncated=True, NextKeyMarker="k", NextVersionIdMarker="1"
    )
    assert second == {"Bucket": "b", "KeyMarker": "k", "VersionIdMarker": "1"}
    for empty in ({}, {"NextVersionIdMarker": ""}, {"NextVersionIdMarker": None}):
        third = following(VERSIONS, second, IsTruncated=True, NextKeyMarker="l", **empty)
        assert third == {"Bucket": "b", "KeyMarker": "l"}


@pytest.mark.parametrize("more", [{}, {"IsTruncated": False}, {"IsTruncated": None}])
def test_a_page_that_does_not_say_that_more_follow_is_the_last(more: dict[str, object]) -> None:
    """As in botocore: servers name the last key as a marker on the last page too."""
    assert following(PARTS, {}, NextPartNumberMarker=7, **more) is None
    assert following(OBJECTS, {}, Contents=[{"Key": "a"}], **more) is None


@pytest.mark.parametrize("token", [{}, {"ContinuationToken": ""}, {"ContinuationToken": None}])
def test_where_only_the_token_tells_its_absence_is_the_end(token: dict[str, object]) -> None:
    assert following(BUCKETS, {"ContinuationToken": "t"}, **token) is None


@pytest.mark.parametrize("token", [{}, {"NextPartNumberMarker": 0}])
def test_more_without_a_token_is_an_error(token: dict[str, object]) -> None:
    """On purpose not as in botocore, which ends here: half a listing would look like all of it,
    and what a caller deletes or copies by it would be wrong."""
    message = "ListThings: .* IsTruncated .* no NextPartNumberMarker"
    with pytest.raises(ResponseParseError, match=message):
        following(PARTS, {"UploadId": "u"}, IsTruncated=True, **token)
    with pytest.raises(ResponseParseError, match="NextKeyMarker or NextVersionIdMarker"):
        following(VERSIONS, {}, IsTruncated=True)


def test_a_page_that_names_itself_is_an_error() -> None:
    with pytest.raises(ResponseParseError, match=r"ListThings: .* itself .*'same'"):
        following(BUCKETS, {"ContinuationToken": "same"}, ContinuationToken="same")
    same_key: dict[str, object] = {"KeyMarker": "k", "VersionIdMarker": "1"}
    going_on = following(
        VERSIONS, same_key, IsTruncated=True, NextKeyMarker="k", NextVersionIdMarker="2"
    )
    assert going_on == {"KeyMarker": "k", "VersionIdMarker": "2"}
    with pytest.raises(ResponseParseError, match="itself"):
        following(VERSIONS, same_key, IsTruncated=True, NextKeyMarker="k", NextVersionIdMarker="1")


def test_an_object_called_none_is_a_marker_like_any_other() -> None:
    """botocore drops a marker that reads "None" and so asks for the first page for ever."""
    after = following(OBJECTS, {"Marker": "A"}, IsTruncated=True, Contents=[{"Key": "None"}])
    assert after == {"Marker": "None"}


def test_entries_and_cutting() -> None:
    page: dict[str, object] = {"Parts": [1, 2, 3], "Deep": {"List": [4, 5]}}
    assert entries(page, "Nothing") == []
    assert entries(page, "Deep.List") == [4, 5]
    cut(page, "Parts", 5)
    cut(page, "Nothing", 1)
    assert page == {"Parts": [1, 2, 3], "Deep": {"List": [4, 5]}}
    cut(page, "Parts", 2)
    cut(page, "Deep.List", 0)
    assert page == {"Parts": [1, 2], "Deep": {"List": []}}
