"""Endpoints are held against botocore's, which interprets AWS's rules as they are published."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointResolutionError
from botocore.loaders import Loader
from hypothesis import given, settings
from hypothesis import strategies as st

from aiohttp_s3_client.errors import EndpointError
from aiohttp_s3_client.protocol.endpoints import resolve_endpoint
from aiohttp_s3_client.protocol.endpoints.partitions import partition_of


@cache
def published() -> EndpointProvider:
    load = Loader()
    rules = load.load_service_model("s3", "endpoint-rule-set-1")
    return EndpointProvider(rules, load.load_data("partitions"))


def theirs(params: dict[str, Any]) -> object:
    try:
        found = published().resolve_endpoint(**params)
    except EndpointResolutionError as error:
        return error.kwargs["msg"]
    return found.url, found.headers, found.properties["authSchemes"]


def ours(params: dict[str, Any]) -> object:
    try:
        return tuple(resolve_endpoint(**params))
    except EndpointError as error:
        return str(error)


def mostly(usual: Sequence[str], odd: Sequence[str]) -> st.SearchStrategy[str]:
    """The usual ones, of whom one alone leads to most rules, and now and then an odd one."""
    return st.integers(0, 7).flatmap(lambda n: st.sampled_from(usual if n else odd))


REGIONS = mostly(
    ["us-east-1", "us-west-2", "cn-north-1", "aws-global"],
    [
        "eu-central-1", "mx-central-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1",
        "us-isof-south-1", "eu-isoe-west-1", "eusc-de-east-1", "aws-cn-global", "auto",
        "aws-us-gov-global", "us-east-1.example",
    ],
)  # fmt: skip
ENDPOINTS = st.sampled_from(
    [
        "https://example.com", "http://example.com", "https://example.com:8443/base",
        "http://beta.example.com/base/", "http://127.0.0.1", "https://10.0.0.1:9000/base",
        "http://[::1]:9000", "https://[fe80::1]/base/", "http://localhost:9000", "http://host/",
    ]
)  # fmt: skip
BUCKETS = mostly(
    ["bucket", "bucket-name", "bucket.name", "Bucket", "x" * 63],
    [
        "99_ab", "ab", "bucket!", "a b", "a/b", "1.2.3.4", "-bucket", "bucket-", "a..b", "bücket",
        "x" * 64, "--op-s3", "--x-s3", "arn:", "arn:aws:s3", "a%20b", "",
    ],
)  # fmt: skip
NAMES = mostly(["reports", "my-point"], ["Name", "a_b", "-a", "x.mrap", "", "a b"])
FLAGS = (
    "UseFIPS", "UseDualStack", "ForcePathStyle", "Accelerate", "UseGlobalEndpoint",
    "UseObjectLambdaEndpoint", "DisableAccessPoints", "DisableMultiRegionAccessPoints",
    "UseArnRegion", "UseS3ExpressControlEndpoint", "DisableS3ExpressSessionAuth",
)  # fmt: skip


@st.composite
def directories(draw: st.DrawFn) -> str:
    base = draw(mostly(["bucket", "my--s3--bucket"], ["my.bucket", "Bucket", "", "bücket"]))
    zone = draw(
        mostly(
            ["use1-az4", "usw2-az12", "usw2-lax1-az1", "test-zone-ab1", "test1-zone-ab1",
             "test1-long1-zone-ab1"],
            ["usaz1", "--", "a_b_c_d_", "lax1-ab1--x"],
        )
    )  # fmt: skip
    return f"{base}--{zone}{draw(st.sampled_from(['--x-s3', '--xa-s3']))}"


@st.composite
def aliases(draw: st.DrawFn) -> str:
    """What an alias says stands at places that are counted from its end."""
    base = draw(mostly(["", "test-accessp-"], ["test.accessp-", "Test-", "x" * 20]))
    hardware = draw(mostly("oe", "xO-"))
    outpost = draw(mostly(["0" * 17], ["-" * 17, "_" * 17]))
    region = draw(st.sampled_from(["beta", "usea"]))
    return f"{base}{hardware}{outpost}{'k' * 20}{region}0--op-s3"


@st.composite
def arns(draw: st.DrawFn) -> str:
    """What access points, and nothing at all, are named by."""
    partition = draw(mostly(["aws"], ["aws-cn", "aws-us-gov", ""]))
    service = draw(mostly(["s3", "s3-object-lambda", "s3-outposts"], ["sqs", ""]))
    region = draw(mostly(["us-east-1", "us-west-2", ""], ["cn-north-1", "a b", "x.y"]))
    account = draw(mostly(["123456789012"], ["", "12_3"]))
    resource = ["outpost", draw(NAMES)] if service == "s3-outposts" else []
    resource += [draw(mostly(["accesspoint"], ["bucket_name", ""])), draw(NAMES)]
    resource = resource[: len(resource) - int(draw(mostly("0", "123")))]
    resource += draw(mostly([""], ["x"]))
    slash = draw(st.sampled_from(":/"))
    return ":".join(["arn", partition, service, region, account, slash.join(resource)])


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    params: dict[str, Any] = {"Region": draw(REGIONS)}
    kinds = [None, BUCKETS, directories(), directories(), aliases(), arns(), arns(), arns()]
    bucket = draw(st.sampled_from(kinds))
    if bucket is not None:
        params["Bucket"] = draw(bucket)
    if not draw(st.integers(0, 3)):
        params["Endpoint"] = draw(ENDPOINTS)
    params |= dict.fromkeys(draw(st.sets(st.sampled_from(FLAGS), max_size=4)), True)
    params |= dict.fromkeys(draw(st.sets(st.sampled_from(FLAGS), max_size=1)), False)
    return params


@settings(max_examples=200)
@given(questions())
def test_every_decision_is_botocores(params: dict[str, Any]) -> None:
    assert ours(dict(params)) == theirs(dict(params))


def test_every_region_of_the_published_partitions_is_in_its_own() -> None:
    for partition in Loader().load_data("partitions")["partitions"]:
        for region in partition["regions"]:
            found = partition_of(region)
            assert (found.name, found.dns_suffix) == (
                partition["id"],
                partition["outputs"]["dnsSuffix"],
            )
