"""What is remembered about each bucket (P16)."""

from __future__ import annotations

from typing import Any

import pytest

from aiohttp_s3_client.config import ClientConfig
from aiohttp_s3_client.errors import EndpointError
from aiohttp_s3_client.protocol.base_url import resolve_base_url
from aiohttp_s3_client.protocol.routes import Routes

AWS = resolve_base_url(None, region="us-east-1")
OTHER = resolve_base_url("http://s3.example.com:9000")


def test_the_default_region() -> None:
    assert Routes(OTHER, "").default.region == "us-east-1"
    assert Routes(OTHER, "eu-west-1").default.region == "eu-west-1"
    assert Routes(resolve_base_url(None, region="eu-west-3"), "").default.region == "eu-west-3"


def test_p16_a_bucket_on_aws_moves_to_its_regions_host() -> None:
    routes = Routes(AWS, "us-east-1")
    assert routes.learn("theirs", "eu-central-1")
    assert not routes.learn("theirs", "eu-central-1"), "no news the second time"
    route = routes.of("theirs")
    assert route.region == "eu-central-1"
    address = route.endpoint.address("theirs", "k")
    assert address.authority == "theirs.s3.eu-central-1.amazonaws.com"
    assert routes.of("ours") == routes.default


def test_p16_elsewhere_only_the_signature_changes() -> None:
    routes = Routes(OTHER, "us-east-1")
    assert routes.learn("theirs", "eu-central-1")
    assert routes.of("theirs").endpoint == OTHER
    assert routes.of("theirs").region == "eu-central-1"


def test_p16_no_region_and_the_same_region_are_no_news() -> None:
    routes = Routes(OTHER, "us-east-1")
    assert not routes.learn("b", "")
    assert not routes.learn("b", "us-east-1")


def test_p16_memory_is_bounded() -> None:
    routes = Routes(OTHER, "us-east-1")
    for number in range(3 * Routes.REMEMBERED):
        routes.learn(f"bucket-{number}", "eu-west-1")
        routes.confirm(f"bucket-{number}")
    known = [routes.of(f"bucket-{n}").region for n in range(3 * Routes.REMEMBERED)]
    sure = [routes.is_confirmed(f"bucket-{n}") for n in range(3 * Routes.REMEMBERED)]
    assert 0 < known.count("eu-west-1") <= Routes.REMEMBERED
    assert 0 < sum(sure) <= Routes.REMEMBERED


def test_confirmed_buckets() -> None:
    routes = Routes(OTHER, "")
    assert not routes.is_confirmed("b")
    routes.confirm("b")
    assert routes.is_confirmed("b")


@pytest.mark.parametrize(
    ("url", "settings", "region", "host"),
    [
        (None, {"use_fips_endpoint": True}, "us-west-2", "bkt.s3-fips.us-west-2.amazonaws.com"),
        (None, {"use_dualstack_endpoint": True}, "eu-west-1",
         "bkt.s3.dualstack.eu-west-1.amazonaws.com"),
        (None, {"use_global_endpoint": True}, "eu-west-1", "bkt.s3.eu-west-1.amazonaws.com"),
        (None, {"addressing_style": "path"}, "eu-west-1", "s3.eu-west-1.amazonaws.com"),
        (None, {"use_accelerate_endpoint": True}, "eu-west-1", "bkt.s3-accelerate.amazonaws.com"),
        ("https://bkt.s3-fips.us-east-1.amazonaws.com", {}, "us-west-2",
         "bkt.s3-fips.us-west-2.amazonaws.com"),
        ("https://s3.amazonaws.com", {}, "eu-west-1", "bkt.s3.eu-west-1.amazonaws.com"),
        ("https://s3.us-iso-east-1.c2s.ic.gov", {}, "us-iso-west-1",
         "bkt.s3.us-iso-west-1.c2s.ic.gov"),
        ("https://s3.us-isof-south-1.csp.hci.ic.gov", {}, "us-isof-east-1",
         "bkt.s3.us-isof-east-1.csp.hci.ic.gov"),
        ("https://s3.eusc-de-east-1.amazonaws.eu", {}, "eusc-de-east-2",
         "bkt.s3.eusc-de-east-2.amazonaws.eu"),
        ("https://s3.cn-north-1.amazonaws.com.cn", {}, "cn-northwest-1",
         "bkt.s3.cn-northwest-1.amazonaws.com.cn"),
        ("https://bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com", {}, "eu-west-1",
         "bkt.bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com"),
    ],
)  # fmt: skip
def test_p16_a_correction_keeps_what_kind_of_endpoint_it_is(
    url: str | None, settings: dict[str, Any], region: str, host: str
) -> None:
    routes = Routes(resolve_base_url(url, config=ClientConfig(**settings)), "")
    assert routes.learn("bkt", region)
    route = routes.of("bkt")
    assert route.region == region
    assert route.to("bkt", "k").authority == host
    assert route.endpoint.trusts(route.to("bkt", "k").url())


@pytest.mark.parametrize(
    "bucket",
    [
        "data--use1-az4--x-s3",
        "arn:aws:s3:us-west-2:123456789012:accesspoint/reports",
        f"ap-o0{'1' * 16}{'k' * 20}usea0--op-s3",
    ],
)
def test_p16_nothing_corrects_what_the_bucket_itself_says(bucket: str) -> None:
    routes = Routes(AWS, "us-east-1")
    address = routes.default.to(bucket, "k")
    assert not routes.learn(bucket, "eu-west-1")
    assert routes.of(bucket).to(bucket, "k") == address


@pytest.mark.parametrize(
    ("url", "settings", "region", "signed", "host", "service_host"),
    [
        (None, {}, "aws-global", "us-east-1", "bkt.s3.amazonaws.com", "s3.amazonaws.com"),
        ("https://s3.amazonaws.com", {}, "", "us-east-1", "bkt.s3.amazonaws.com",
         "s3.amazonaws.com"),
        # Where the URL leads, requests go, until an answer says otherwise.
        ("https://s3.amazonaws.com", {}, "eu-west-1", "eu-west-1", "bkt.s3.amazonaws.com",
         "s3.amazonaws.com"),
        # Hosts that serve one region need to know which.
        ("https://s3.amazonaws.com", {"use_dualstack_endpoint": True}, "eu-west-1", "eu-west-1",
         "bkt.s3.dualstack.eu-west-1.amazonaws.com", "s3.dualstack.eu-west-1.amazonaws.com"),
        ("https://s3-accelerate.amazonaws.com", {}, "eu-west-1", "eu-west-1",
         "bkt.s3-accelerate.amazonaws.com", "s3.eu-west-1.amazonaws.com"),
        ("https://s3-accelerate.amazonaws.com", {}, "", "us-east-1",
         "bkt.s3-accelerate.amazonaws.com", "s3.us-east-1.amazonaws.com"),
    ],
)  # fmt: skip
def test_hosts_that_name_no_region(
    url: str | None,
    settings: dict[str, Any],
    region: str,
    signed: str,
    host: str,
    service_host: str,
) -> None:
    endpoint = resolve_base_url(url, region=region, config=ClientConfig(**settings))
    route = Routes(endpoint, region).default
    assert route.region == signed
    assert route.to("bkt", "k").authority == host
    assert route.to("", None, "ListBuckets").authority == service_host
    if "accelerate" not in host:  # Which directory buckets know not.
        zonal = route.to("data--use1-az4--x-s3", "k", "GetObject").authority
        assert zonal.endswith(f"use1-az4{'.dualstack' if settings else ''}.{signed}.amazonaws.com")


def test_a_region_that_an_endpoint_does_not_have_is_refused_when_it_is_known() -> None:
    endpoint = resolve_base_url(None, config=ClientConfig(use_fips_endpoint=True))
    with pytest.raises(EndpointError, match="Partition does not support FIPS"):
        endpoint.in_region("cn-north-1")
