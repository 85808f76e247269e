"""What is remembered about each bucket (P16)."""

from __future__ import annotations

from aiohttp_s3_client.protocol.endpoint import resolve_base_url
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
