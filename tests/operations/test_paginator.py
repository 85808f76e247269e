"""Pages and their entries; botocore's paginator, over the same canned pages, is the oracle."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Mapping
from itertools import pairwise
from typing import Any

import botocore.loaders
import botocore.paginate
import botocore.session
import pytest
from botocore.exceptions import PaginationError
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client.errors import ParamValidationError, ResponseParseError
from aiohttp_s3_client.operations.paginator import Paginator
from aiohttp_s3_client.protocol.pagination import Pager

ORACLE: Any = botocore.paginate  # Its stubs know another Paginator.
FACTS: dict[str, Any] = botocore.loaders.Loader().load_service_model("s3", "paginators-1")[
    "pagination"
]
SERVICE = botocore.session.Session().get_service_model("s3")

Page = dict[str, Any]
Trace = tuple[list[dict[str, object]], list[Page], str]
"""The parameters of the requests, the pages that came out, and how it ended."""


class OutOfPages(Exception):
    """The canned pages are used up."""


class Pages:
    """Answers with one canned page after another, whatever is asked for."""

    def __init__(self, *pages: Page) -> None:
        self.pages = copy.deepcopy(list(pages))
        self.requests: list[dict[str, object]] = []

    def page(self, **params: object) -> Page:
        self.requests.append(params)
        if len(self.requests) > len(self.pages):
            raise OutOfPages
        return self.pages[len(self.requests) - 1]

    async def call(self, params: dict[str, object]) -> Page:
        return self.page(**params)


class Listing:
    """ListObjectsV2 over some keys; the tokens are positions among them."""

    def __init__(self, size: int) -> None:
        self.keys = [f"k{number}" for number in range(size)]
        self.asked = 0

    async def call(self, params: dict[str, object]) -> Page:
        self.asked += 1
        start, size = params.get("ContinuationToken", "0"), params.get("MaxKeys", 1000)
        assert isinstance(start, str)
        assert isinstance(size, int)
        end = int(start) + size
        page: Page = {"Contents": [{"Key": key} for key in self.keys[int(start) : end]]}
        if end >= len(self.keys):
            return {**page, "IsTruncated": False}
        return {**page, "IsTruncated": True, "NextContinuationToken": str(end)}


def paginate(
    call: Pages | Listing, operation: str = "ListObjectsV2", **params: object
) -> Paginator[Page]:
    async def pager() -> Pager:
        return Pager.of(FACTS[operation])

    return Paginator(call.call, pager, operation, params)


async def keys_of(entries: AsyncIterator[Page]) -> list[str]:
    return [entry["Key"] async for entry in entries]


def our_trace(pages: Pages, operation: str, params: Mapping[str, object]) -> Trace:
    seen: list[Page] = []

    async def run() -> str:
        try:
            async for page in paginate(pages, operation, **params):
                seen.append(page)
        except OutOfPages:
            return "out of pages"
        except ResponseParseError as error:
            return "loop" if "itself" in str(error) else "no token"
        return "end"

    return pages.requests, seen, asyncio.run(run())


def their_trace(pages: Pages, operation: str, params: Mapping[str, object]) -> Trace:
    model = SERVICE.operation_model(operation)
    paginator = ORACLE.Paginator(pages.page, FACTS[operation], model)
    seen: list[Page] = []
    try:
        for page in paginator.paginate(**params):
            seen.append(page)
    except OutOfPages:
        return pages.requests, seen, "out of pages"
    except PaginationError:
        return pages.requests, seen, "loop"
    return pages.requests, seen, "end"


@st.composite
def canned(draw: st.DrawFn) -> tuple[str, list[Page], dict[str, Any]]:
    """An operation, the pages it answers with, and what it is called with."""
    operation = draw(st.sampled_from(sorted(FACTS)))
    pager = Pager.of(FACTS[operation])
    tokens: st.SearchStrategy[object] = st.sampled_from(["", "a", "b", "c"])
    if operation == "ListParts":
        tokens = st.sampled_from([0, 1, 2, 3])
    entry = st.fixed_dictionaries({"Key": st.sampled_from("xyz")})
    fields: dict[str, st.SearchStrategy[object]] = {
        **{token.partition(" ")[0]: tokens for token in pager.output_tokens},
        **{result: st.lists(entry, max_size=4) for result in pager.results},
    }
    if pager.more is not None:
        fields[pager.more] = st.sampled_from([True, True, True, False])
    pages = draw(st.lists(st.fixed_dictionaries({}, optional=fields), min_size=1, max_size=6))
    settings: dict[str, st.SearchStrategy[object]] = {
        "MaxItems": st.integers(0, 10) | st.sampled_from(["3", None]),
        "PageSize": st.integers(1, 1000) | st.sampled_from(["5", None]),
    }
    if len(pager.input_tokens) == 1:
        settings["StartingToken"] = st.sampled_from(["start", "with space", None])
    config = draw(st.fixed_dictionaries({}, optional=settings))
    params: dict[str, Any] = {"Bucket": "b"}
    assert pager.limit is not None
    params |= draw(st.sampled_from([{}, {pager.input_tokens[-1]: "given", pager.limit: 7}]))
    if config:
        params["PaginationConfig"] = config
    return operation, pages, params


def without_what_starting_empties(trace: Trace, pager: Pager) -> list[Page]:
    """botocore takes a StartingToken for one that it made in the middle of a page, and empties
    all but the first list of the first page, which nothing else ever gives back. Here a token is
    the server's, so the page is left as it is; both are compared without those lists."""
    first = {name: value for name, value in trace[1][0].items() if name not in pager.results[1:]}
    first = {name: value for name, value in first.items() if value is not None}
    return [first, *trace[1][1:]]


@given(canned())
def test_requests_and_pages_are_botocores(case: tuple[str, list[Page], dict[str, Any]]) -> None:
    operation, pages, params = case
    # Each gets its own copy of what it is free to change.
    ours = our_trace(Pages(*pages), operation, copy.deepcopy(params))
    theirs = their_trace(Pages(*pages), operation, copy.deepcopy(params))
    assert ours[0] == theirs[0]
    if params.get("PaginationConfig", {}).get("StartingToken") is not None:
        pager = Pager.of(FACTS[operation])
        both = [without_what_starting_empties(trace, pager) for trace in (ours, theirs)]
        assert both[0] == both[1]
    else:
        assert ours[1] == theirs[1]
    # A page that says that more follow, and not which, is an error here and the end there: see
    # test_more_without_a_token_is_an_error.
    assert {"no token": "end"}.get(ours[2], ours[2]) == theirs[2]


def test_other_lists_are_not_emptied_by_a_starting_token() -> None:
    page = {"IsTruncated": False, "Contents": [{"Key": "a"}], "CommonPrefixes": [{"Prefix": "p/"}]}
    params = {"Bucket": "b", "PaginationConfig": {"StartingToken": "t"}}
    assert our_trace(Pages(page), "ListObjectsV2", copy.deepcopy(params))[1] == [page]
    theirs = their_trace(Pages(page), "ListObjectsV2", copy.deepcopy(params))[1]
    assert theirs == [{**page, "CommonPrefixes": []}]


def test_a_server_that_gives_back_the_starting_token_is_found_out_at_once() -> None:
    """botocore asks once more, since it compares answers with answers only."""
    page = {"Buckets": [{"Key": "b"}], "ContinuationToken": "t"}
    params = {"PaginationConfig": {"StartingToken": "t"}}
    ours = our_trace(Pages(page, page, page), "ListBuckets", copy.deepcopy(params))
    theirs = their_trace(Pages(page, page, page), "ListBuckets", copy.deepcopy(params))
    assert (len(ours[0]), ours[2]) == (1, "loop")
    assert (len(theirs[0]), theirs[2]) == (2, "loop")


def test_starting_tokens_are_the_servers_own() -> None:
    """botocore reads "key___3" and base64 of JSON as tokens of its own making."""
    for token in ("key___3", "None", "eyJNYXJrZXIiOiAieCJ9"):
        config = {"StartingToken": token}
        last = {"IsTruncated": False}
        ours = our_trace(Pages(last), "ListObjects", {"PaginationConfig": config})
        theirs = their_trace(Pages(last), "ListObjects", {"PaginationConfig": config})
        assert ours[0] == [{"Marker": token}]
        assert theirs[0] != ours[0]


async def test_pages_are_asked_for_when_they_are_wanted() -> None:
    listing = Listing(10)
    pages = aiter(paginate(listing, MaxKeys=2))
    assert listing.asked == 0
    for asked in (1, 2, 3):
        await anext(pages)
        await asyncio.sleep(0)
        assert listing.asked == asked


async def test_iterating_again_starts_anew() -> None:
    listing = Listing(5)
    paginator = paginate(listing, MaxKeys=2)
    everything = ["k0", "k1", "k2", "k3", "k4"]
    assert await keys_of(paginator.items()) == everything
    assert await keys_of(paginator.items()) == everything
    assert listing.asked == 6
    one, other = paginator.items(), paginator.items()
    turns = [(await anext(one))["Key"], (await anext(other))["Key"], (await anext(one))["Key"]]
    assert turns == ["k0", "k0", "k1"]


async def test_what_was_given_is_not_changed() -> None:
    params: dict[str, Any] = {"PaginationConfig": {"PageSize": "2", "MaxItems": 3}}
    assert await keys_of(paginate(Listing(5), **params).items()) == ["k0", "k1", "k2"]
    assert params == {"PaginationConfig": {"PageSize": "2", "MaxItems": 3}}


async def test_a_call_may_change_its_parameters() -> None:
    listing = Listing(5)

    async def call(params: dict[str, object]) -> Page:
        page = await listing.call(params)
        params.clear()
        return page

    async def pager() -> Pager:
        return Pager.of(FACTS["ListObjectsV2"])

    pages = [page async for page in Paginator(call, pager, "ListObjectsV2", {"MaxKeys": 2})]
    assert [len(page["Contents"]) for page in pages] == [2, 2, 1]


@pytest.mark.parametrize(
    ("max_items", "sizes"),
    [(0, [0]), (1, [1]), (2, [2]), (3, [2, 1]), (4, [2, 2]), (5, [2, 2, 1]), (9, [2, 2, 1])],
)
async def test_max_items_cuts_the_last_page(max_items: int, sizes: list[int]) -> None:
    listing = Listing(5)
    config = {"MaxItems": max_items, "PageSize": 2}
    pages = [page async for page in paginate(listing, PaginationConfig=config)]
    assert [len(page["Contents"]) for page in pages] == sizes
    assert listing.asked == len(sizes)


async def test_items_of_another_list() -> None:
    pages = (
        {"IsTruncated": True, "NextContinuationToken": "1", "CommonPrefixes": [{"Prefix": "a/"}]},
        {"IsTruncated": True, "NextContinuationToken": "2", "Contents": [{"Key": "b"}]},
        {"IsTruncated": False, "CommonPrefixes": [{"Prefix": "c/"}, {"Prefix": "d/"}]},
    )
    found = [entry["Prefix"] async for entry in paginate(Pages(*pages)).items("CommonPrefixes")]
    assert found == ["a/", "c/", "d/"]
    assert await keys_of(paginate(Pages(*pages)).items()) == ["b"]


async def test_items_of_a_list_that_the_pages_do_not_have() -> None:
    pages = Pages()
    message = "ListObjectVersions: .*'Contents'.* Versions, DeleteMarkers, CommonPrefixes"
    with pytest.raises(ValueError, match=message):
        await anext(paginate(pages, "ListObjectVersions").items("Contents"))
    assert pages.requests == []


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"MaxItems": -1}, "MaxItems is -1"),
        ({"MaxItems": 2.5}, "MaxItems is 2.5"),
        ({"MaxItems": True}, "MaxItems is True"),
        ({"MaxItems": "many"}, "MaxItems is 'many'"),
        ({"MaxItems": "9" * 5000}, "MaxItems is '999"),
        ({"PageSize": 0}, "PageSize is 0"),
        ({"PageSize": "-1"}, "PageSize is '-1'"),
        ({"PageSize": []}, "PageSize is"),
        ({"Pagesize": 1}, "Pagesize is not known"),
        ("10", "str, not a mapping"),
        (None, "NoneType, not a mapping"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(config: object, problem: str) -> None:
    with pytest.raises(ParamValidationError, match=f"ListObjectsV2: PaginationConfig.*{problem}"):
        paginate(Pages(), PaginationConfig=config)


def test_all_faults_of_the_settings_are_told() -> None:
    with pytest.raises(ParamValidationError) as caught:
        paginate(Pages(), PaginationConfig={"MaxItems": -1, "PageSize": 0, "Nothing": 1})
    assert len(caught.value.problems) == 3


async def test_settings_that_an_operation_does_not_have_are_refused() -> None:
    pages = Pages()
    versions = paginate(pages, "ListObjectVersions", PaginationConfig={"StartingToken": "t"})
    with pytest.raises(ParamValidationError, match="give KeyMarker, VersionIdMarker instead"):
        await anext(aiter(versions))

    async def unlimited() -> Pager:
        return Pager.of({"input_token": "T", "output_token": "T", "result_key": "R"})

    sized = Paginator(pages.call, unlimited, "ListThings", {"PaginationConfig": {"PageSize": 1}})
    with pytest.raises(ParamValidationError, match=r"ListThings: PaginationConfig\.PageSize"):
        await anext(aiter(sized))
    assert pages.requests == []


async def test_errors_of_the_call_pass_through_and_iterating_again_works() -> None:
    first = {"IsTruncated": True, "NextContinuationToken": "1", "Contents": [{"Key": "a"}]}
    pages = Pages(first)
    paginator = paginate(pages)
    entries = paginator.items()
    assert (await anext(entries))["Key"] == "a"
    with pytest.raises(OutOfPages):
        await anext(entries)
    pages.pages = [*pages.pages, {}, {"IsTruncated": False, "Contents": [{"Key": "b"}]}]
    assert await keys_of(paginator.items()) == ["b"]


async def test_every_key_of_a_large_listing_comes_once_and_in_order() -> None:
    listing = Listing(10_000)
    keys = await keys_of(paginate(listing).items())
    assert keys == listing.keys
    assert listing.asked == 10
    assert all(one != other for one, other in pairwise(keys))
