"""Base URLs, buckets and keys become scheme, authority and path (P12, P13, P16)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from aiohttp_s3_client.config import AddressingStyle, ClientConfig
from aiohttp_s3_client.errors import EndpointError
from aiohttp_s3_client.protocol.base_url import resolve_base_url
from aiohttp_s3_client.protocol.bucket_names import check_bucket_name
from aiohttp_s3_client.protocol.encoding import quote_path
from aiohttp_s3_client.protocol.endpoint import Endpoint
from aiohttp_s3_client.protocol.endpoints import resolve_endpoint
from aiohttp_s3_client.protocol.routes import Routes


@pytest.mark.parametrize(
    ("url", "name", "authority", "path"),
    [
        ("http://s3.local", "bucket/key", "s3.local", "/bucket/key"),
        ("http://s3.local/", "/bucket/key", "s3.local", "/bucket/key"),
        ("http://s3.local:9000", "bucket/key", "s3.local:9000", "/bucket/key"),
        ("http://s3.local:80", "bucket/key", "s3.local", "/bucket/key"),
        ("https://s3.local:443", "bucket/key", "s3.local", "/bucket/key"),
        ("http://[::1]:9000", "bucket/key", "[::1]:9000", "/bucket/key"),
        ("http://localhost/bucket", "key", "localhost", "/bucket/key"),
        ("http://localhost/bucket/", "/key", "localhost", "/bucket/key"),
        ("http://localhost/bucket", "//key", "localhost", "/bucket//key"),
        ("http://localhost/bucket/a/b", "key", "localhost", "/bucket/a/b/key"),
        ("http://bucket.s3.local", "dir/key", "bucket.s3.local", "/dir/key"),
        ("http://bucket.s3.local", "key", "bucket.s3.local", "/key"),
        ("http://key:secret@localhost/bucket", "key", "localhost", "/bucket/key"),
        ("https://s3.eu-west-1.amazonaws.com", "bucket/key",
         "bucket.s3.eu-west-1.amazonaws.com", "/key"),
        ("https://s3.eu-west-1.amazonaws.com", "my.bucket/key",
         "s3.eu-west-1.amazonaws.com", "/my.bucket/key"),
        ("https://bucket.s3.eu-west-1.amazonaws.com", "a/key",
         "bucket.s3.eu-west-1.amazonaws.com", "/a/key"),
        ("https://s3.cn-north-1.amazonaws.com.cn/bucket", "key",
         "bucket.s3.cn-north-1.amazonaws.com.cn", "/key"),
    ],
)  # fmt: skip
def test_forms_of_a_base_url(url: str, name: str, authority: str, path: str) -> None:
    endpoint = resolve_base_url(url)
    address = endpoint.address(*endpoint.locate(name))
    assert (address.authority, address.path) == (authority, path)


@pytest.mark.parametrize(
    ("url", "bucket", "base_path", "name", "path"),
    [
        ("http://proxy/s3", None, "/s3", "bucket/key", "/s3/bucket/key"),
        ("http://proxy/s3/", None, "s3/", "bucket/key", "/s3/bucket/key"),
        ("http://proxy/s3/bucket", None, "/s3", "key", "/s3/bucket/key"),
        ("http://proxy/s3", "bucket", "/s3", "key", "/s3/bucket/key"),
        ("http://proxy/s3/bucket/x", "bucket", None, "key", "/s3/bucket/x/key"),
        ("http://proxy", "bucket", None, "key", "/bucket/key"),
        ("http://bucket.proxy", "bucket", None, "key", "/key"),
        ("http://bucket.proxy/x", "bucket", None, "key", "/x/key"),
    ],
)
def test_bucket_and_base_path_settle_what_the_path_means(
    url: str, bucket: str | None, base_path: str | None, name: str, path: str
) -> None:
    endpoint = resolve_base_url(url, bucket=bucket, base_path=base_path)
    assert endpoint.address(*endpoint.locate(name)).path == path


@pytest.mark.parametrize(
    ("url", "bucket", "base_path"),
    [
        ("http://proxy/other", "bucket", "/s3"),
        ("http://proxy/s3/other", "bucket", "/s3"),
        ("http://proxy/s3x", None, "/s3"),
        ("https://other.s3.eu-west-1.amazonaws.com", "bucket", None),
    ],
)
def test_contradictions_are_refused(url: str, bucket: str | None, base_path: str | None) -> None:
    with pytest.raises(ValueError, match=r"contradicts|not the beginning"):
        resolve_base_url(url, bucket=bucket, base_path=base_path)


@pytest.mark.parametrize(
    "url", ["", "host", "//host", "ftp://host", "http://", "/path", "s3://bucket/key"]
)
def test_what_is_no_base_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"url|URL|[Hh]ost|port"):
        resolve_base_url(url)


@pytest.mark.parametrize("url", ["http://host/?a=b", "http://host/#x"])
def test_a_base_url_has_no_query(url: str) -> None:
    with pytest.raises(ValueError, match="query or fragment"):
        resolve_base_url(url)


def test_a_refused_url_does_not_show_its_secret() -> None:
    with pytest.raises(ValueError, match="url") as refused:
        resolve_base_url("http://key:swordfish@host/?a=b")
    assert "swordfish" not in str(refused.value)


def test_a_url_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="url must be"):
        resolve_base_url(42)  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("", "s3.us-east-1.amazonaws.com"),
        ("eu-central-1", "s3.eu-central-1.amazonaws.com"),
        ("cn-north-1", "s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_a_region_alone_means_aws(region: str, host: str) -> None:
    endpoint = resolve_base_url(None, region=region)
    assert endpoint.is_aws
    assert endpoint.scheme == "https"
    assert endpoint.authority == host


@pytest.mark.parametrize(
    ("style", "url", "bucket", "authority"),
    [
        ("auto", "http://s3.local", "bucket", "s3.local"),
        ("path", "https://s3.us-east-1.amazonaws.com", "bucket", "s3.us-east-1.amazonaws.com"),
        ("virtual", "http://s3.local:9000", "bucket", "bucket.s3.local:9000"),
        ("virtual", "http://s3.local", "my.bucket", "my.bucket.s3.local"),
        ("virtual", "https://s3.local", "my.bucket", "s3.local"),
        ("auto", "https://s3.us-east-1.amazonaws.com", "my.bucket", "s3.us-east-1.amazonaws.com"),
    ],
)
def test_addressing_style(style: AddressingStyle, url: str, bucket: str, authority: str) -> None:
    endpoint = resolve_base_url(url, config=ClientConfig(addressing_style=style))
    address = endpoint.address(bucket, "key")
    assert address.authority == authority
    assert address.path == ("/key" if authority.startswith(bucket) else f"/{bucket}/key")


def test_virtual_addressing_of_an_ip_address_is_refused() -> None:
    with pytest.raises(ValueError, match="virtual"):
        resolve_base_url("http://127.0.0.1:9000", config=ClientConfig(addressing_style="virtual"))


@given(st.text(min_size=1, max_size=50), st.booleans())
@example("/a", False)
@example("a//b", False)
@example("../x", True)
@example(".", True)
@example("a+b c%20?x=1#y", False)
def test_p12_p13_the_path_is_the_key_byte_for_byte(key: str, settled: bool) -> None:
    endpoint = resolve_base_url("http://127.0.0.1:9000/bucket" if settled else "http://127.0.0.1")
    where = endpoint.locate(f"/{key}" if settled else f"/bucket/{key}")
    assert where == ("bucket", key)
    url = endpoint.address(*where).url()
    raw = str(url).partition("/bucket/")[2]
    assert raw.isascii()
    assert unquote_to_bytes(raw) == key.encode("utf-8", "surrogatepass")


def test_the_bucket_alone() -> None:
    open_ = resolve_base_url("http://127.0.0.1")
    assert open_.locate("bucket") == ("bucket", None)
    assert open_.locate("/bucket/") == ("bucket", "")
    assert open_.locate("/") == ("", None)
    assert open_.address("bucket", None).path == "/bucket"
    assert open_.address("", None).path == "/"
    settled = resolve_base_url("http://127.0.0.1/bucket")
    assert settled.locate("/") == ("bucket", None)


GOOD = ["abc", "a" * 63, "my-bucket", "my.bucket", "1a1", "0.1.2", "a.b-c.d"]
BAD = [
    "", "ab", "a" * 64, "Capital", "under_score", "-abc", "abc-", ".abc", "abc.", "a..b",
    "192.168.0.1", "a b", "bücket", "a/b", "a\n", "abc\n", "a%b",
]  # fmt: skip


@pytest.mark.parametrize("bucket", GOOD)
def test_bucket_names(bucket: str) -> None:
    assert check_bucket_name(bucket) == bucket


@pytest.mark.parametrize("bucket", BAD)
def test_bad_bucket_names_are_named(bucket: str) -> None:
    with pytest.raises(ValueError, match="is not a bucket name"):
        check_bucket_name(bucket)


def test_an_arn_cannot_lead_to_a_host_beside_s3() -> None:
    """AWS's rules make ``….s3-accesspoint.x.us-east-1.elb.amazonaws.com`` of it."""
    bucket = f"arn:aws:s3:x.us-east-1.elb:{ACCOUNT}:accesspoint/reports"
    for legacy in (False, True):
        with pytest.raises(ValueError, match="is in no region of AWS's"):
            check_bucket_name(bucket, legacy=legacy)
    for locate in (on_aws().locate, on_aws().locate_prefix):
        with pytest.raises(ValueError, match="is in no region of AWS's"):
            locate(f"{bucket}/key")


def test_names_are_checked_where_they_begin_with_a_bucket() -> None:
    endpoint = resolve_base_url("http://s3")
    for locate in (endpoint.locate, endpoint.locate_prefix):
        with pytest.raises(ValueError, match=r"'a\.\.b' is not a bucket name"):
            locate("a..b/key")
    assert endpoint.locate_prefix("") == ("", "")
    # Where the host may hold the bucket, anything may be a part of the path.
    assert resolve_base_url("http://bucket.s3.local").locate_prefix("a..b/c") == ("a..b", "c")


def test_older_rules_by_request() -> None:
    assert check_bucket_name("Old_Bucket", legacy=True) == "Old_Bucket"
    assert check_bucket_name("A" * 255, legacy=True)
    for bucket in ("ab", "A" * 256, "a/b", "a b"):
        with pytest.raises(ValueError, match="is not a bucket name"):
            check_bucket_name(bucket, legacy=True)


@pytest.mark.parametrize(
    ("base", "target", "trusted"),
    [
        ("http://127.0.0.1:9000", "http://127.0.0.1:9001/b/k", True),
        ("http://127.0.0.1:9000", "https://127.0.0.1/b/k", True),
        ("https://s3.local", "http://s3.local/b/k", False),
        ("http://127.0.0.1", "http://127.0.0.2/b/k", False),
        ("http://127.0.0.1", "http://localhost/b/k", False),
        ("http://s3.local", "http://b.s3.local/k", True),
        ("http://b.s3.local", "http://s3.local/b/k", True),
        ("http://s3.local", "http://evil.local/b/k", False),
        ("http://s3.local", "http://s3.local.evil.com/b/k", False),
        ("http://s3.local", "http://evils3.local/b/k", False),
        ("http://s3.local", "ftp://s3.local/b/k", False),
        ("https://s3.us-east-1.amazonaws.com", "https://b.s3.eu-west-1.amazonaws.com/k", True),
        ("https://s3.us-east-1.amazonaws.com", "https://b.s3-eu-west-1.amazonaws.com/k", True),
        ("https://s3.us-east-1.amazonaws.com", "https://evil.amazonaws.com/k", False),
        ("https://s3.us-east-1.amazonaws.com", "https://s3.amazonaws.com.evil.com/k", False),
        ("https://s3.us-east-1.amazonaws.com", "https://s3.cn-north-1.amazonaws.com.cn/k", False),
    ],
)
def test_p16_which_hosts_a_redirect_may_lead_to(base: str, target: str, trusted: bool) -> None:
    assert resolve_base_url(base).trusts(URL(target)) is trusted


def test_p16_in_region_moves_aws_alone() -> None:
    aws = resolve_base_url("https://bucket.s3.us-east-1.amazonaws.com").in_region("eu-west-1")
    assert aws.address("bucket", "k").authority == "bucket.s3.eu-west-1.amazonaws.com"
    assert aws.region == "eu-west-1"
    own = resolve_base_url("http://s3.local")
    assert own.in_region("eu-west-1") is own


def test_the_source_of_a_copy_is_encoded() -> None:
    assert resolve_base_url("http://h").copy_source("b", "a +/ü") == "/b/a%20%2B/%C3%BC"


@pytest.mark.parametrize(
    ("url", "bucket", "named", "authority", "path"),
    [
        ("https://one.s3.eu-west-1.amazonaws.com", None, "", "s3.eu-west-1.amazonaws.com", "/"),
        ("https://one.s3.eu-west-1.amazonaws.com", None, "two",
         "two.s3.eu-west-1.amazonaws.com", "/"),
        ("http://one.s3.local", "one", "", "s3.local", "/"),
        ("http://one.s3.local", "one", "two", "two.s3.local", "/"),
        ("http://one.s3.local", "one", "one", "one.s3.local", "/"),
        ("http://s3.local/one", None, "", "s3.local", "/"),
        ("http://s3.local/one", None, "two", "s3.local", "/two"),
    ],
)  # fmt: skip
def test_the_service_and_other_buckets_beside_the_bucket_of_the_url(
    url: str, bucket: str | None, named: str, authority: str, path: str
) -> None:
    address = resolve_base_url(url, bucket=bucket).address(named, None)
    assert (address.authority, address.path) == (authority, path)


@pytest.mark.parametrize(
    ("url", "region", "authority"),
    [
        ("https://s3.eu-west-1.amazonaws.com", "eu-west-1",
         "route.s3-object-lambda.eu-west-1.amazonaws.com"),
        ("https://one.s3.eu-west-1.amazonaws.com", "eu-west-1",
         "route.s3-object-lambda.eu-west-1.amazonaws.com"),
        ("https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1",
         "route.s3-object-lambda.cn-north-1.amazonaws.com.cn"),
        ("https://s3-fips.us-east-1.amazonaws.com", "us-east-1",
         "route.s3-object-lambda-fips.us-east-1.amazonaws.com"),
        ("http://s3.local:9000", "eu-west-1", "route.s3.local:9000"),
    ],
)  # fmt: skip
def test_another_service_has_a_host_of_its_own_on_aws(
    url: str, region: str, authority: str
) -> None:
    address = resolve_base_url(url).service_address("s3-object-lambda", region, "route.", "/Write")
    assert (address.authority, address.path) == (authority, "/Write")


def test_a_base_path_stands_before_the_path_of_an_operation() -> None:
    endpoint = resolve_base_url("http://proxy/s3", base_path="/s3")
    assert endpoint.service_address("s3", "us-east-1", "", "/Write").path == "/s3/Write"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000", "http://[::1]"])
def test_nothing_can_stand_before_an_address(url: str) -> None:
    with pytest.raises(ValueError, match=r"before which 'route\.' cannot stand"):
        resolve_base_url(url).service_address("s3", "us-east-1", "route.", "/Write")


# AWS

ACCOUNT = "123456789012"
POINT = f"arn:aws:s3:us-west-2:{ACCOUNT}:accesspoint/reports"
MULTI_REGION = f"arn:aws:s3::{ACCOUNT}:accesspoint/mfzwi23gnjvgw.mrap"
DIRECTORY = "reports--use1-az4--x-s3"
OUTPOST_ALIAS = f"ap-o0{'1' * 16}{'k' * 20}usea0--op-s3"
FLAVOURS: list[dict[str, Any]] = [
    {}, {"UseFIPS": True}, {"UseDualStack": True}, {"UseFIPS": True, "UseDualStack": True}
]  # fmt: skip


def on_aws(url: str | None = None, region: str = "", **settings: Any) -> Endpoint:
    return resolve_base_url(url, region=region, config=ClientConfig(**settings))


@pytest.mark.parametrize("flavour", FLAVOURS, ids=str)
@pytest.mark.parametrize(
    ("region", "bucket"),
    [
        ("us-east-1", "bucket"), ("us-west-2", "my.bucket"), ("eu-central-1", ""),
        ("us-gov-west-1", "bucket"), ("mx-central-1", "bucket"), ("us-iso-east-1", "bucket"),
        ("us-isob-east-1", "bucket"), ("us-isof-south-1", "bucket"), ("eu-isoe-west-1", "bucket"),
        ("eusc-de-east-1", "bucket"), ("cn-north-1", "bucket"), ("us-east-1", DIRECTORY),
        ("us-west-2", POINT),
        ("us-east-1", f"arn:aws:s3-object-lambda:us-east-1:{ACCOUNT}:accesspoint/my-point"),
        ("us-gov-west-1", f"arn:aws-us-gov:s3:us-gov-west-1:{ACCOUNT}:accesspoint/reports"),
    ],
)  # fmt: skip
def test_every_host_that_the_rules_make_is_read_as_what_it_was_made_of(
    region: str, bucket: str, flavour: dict[str, Any]
) -> None:
    try:
        url = resolve_endpoint(Bucket=bucket or None, Region=region, **flavour).url
    except EndpointError:
        assert flavour, "there is no such flavour of this"
        return
    endpoint = resolve_base_url(url)
    assert endpoint.is_aws
    assert endpoint.region == region
    assert endpoint.bucket == bucket
    assert str(endpoint.address(bucket, None, region=region).url()).rstrip("/") == url
    # The place of other buckets has the flavour of the URL's.
    beside = resolve_endpoint(Bucket="beside", Region=region, **flavour).url
    assert str(endpoint.address("beside", "k").url()) == f"{beside}/k"
    plain = url.replace("https://", "http://")
    assert str(resolve_base_url(plain).address("beside", "k").url()).startswith("http://beside.")


@pytest.mark.parametrize(
    ("url", "bucket", "authority"),
    [
        ("https://s3.amazonaws.com", "bucket", "bucket.s3.amazonaws.com"),
        ("https://bucket.s3.amazonaws.com", "bucket", "bucket.s3.amazonaws.com"),
        ("https://s3-accelerate.amazonaws.com", "bucket", "bucket.s3-accelerate.amazonaws.com"),
        ("https://bucket.s3-accelerate.dualstack.amazonaws.com", "bucket",
         "bucket.s3-accelerate.dualstack.amazonaws.com"),
        ("https://s3-eu-west-1.amazonaws.com", "bucket", "bucket.s3.eu-west-1.amazonaws.com"),
        ("https://s3-fips-us-gov-west-1.amazonaws.com", "bucket",
         "bucket.s3-fips.us-gov-west-1.amazonaws.com"),
        ("https://s3.eu-west-1.amazonaws.com:8443", "bucket",
         "bucket.s3.eu-west-1.amazonaws.com:8443"),
        (f"https://{DIRECTORY}.s3express-use1-az4.us-east-1.amazonaws.com", DIRECTORY,
         f"{DIRECTORY}.s3express-use1-az4.us-east-1.amazonaws.com"),
        ("https://s3express-control.us-east-1.amazonaws.com", DIRECTORY,
         f"{DIRECTORY}.s3express-use1-az4.us-east-1.amazonaws.com"),
        ("https://mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com",
         "arn:aws:s3:::accesspoint/mfzwi23gnjvgw.mrap",
         "mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com"),
        (f"https://p-{ACCOUNT}.op-01234567890123456.s3-outposts.us-east-1.amazonaws.com",
         f"arn:aws:s3-outposts:us-east-1:{ACCOUNT}:outpost/op-01234567890123456/accesspoint/p",
         f"p-{ACCOUNT}.op-01234567890123456.s3-outposts.us-east-1.amazonaws.com"),
        ("https://my.bucket.s3.eu-west-1.amazonaws.com", "my.bucket",
         "s3.eu-west-1.amazonaws.com/my.bucket"),
        # Taken literally: the rules make no such hosts.
        ("http://my.bucket.s3.eu-west-1.amazonaws.com", "my.bucket",
         "my.bucket.s3.eu-west-1.amazonaws.com"),
        ("https://bucket.vpce-1a2b-5e6f.s3.us-east-1.vpce.amazonaws.com", "data",
         "data.bucket.vpce-1a2b-5e6f.s3.us-east-1.vpce.amazonaws.com"),
        ("https://data.bucket.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com", "data",
         "data.bucket.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com"),
        ("https://accesspoint.vpce-1a2b.s3.us-west-2.vpce.amazonaws.com", POINT,
         f"reports-{ACCOUNT}.accesspoint.vpce-1a2b.s3.us-west-2.vpce.amazonaws.com"),
        (f"https://reports-{ACCOUNT}.accesspoint.vpce-1a2b.s3.us-west-2.vpce.amazonaws.com", POINT,
         f"reports-{ACCOUNT}.accesspoint.vpce-1a2b.s3.us-west-2.vpce.amazonaws.com"),
    ],
)  # fmt: skip
def test_other_hosts_of_aws(url: str, bucket: str, authority: str) -> None:
    endpoint = resolve_base_url(url)
    assert endpoint.is_aws
    assert endpoint.bucket in ("", bucket)
    address = endpoint.address(bucket, "a key", region=endpoint.region or "us-east-1")
    assert address.authority + address.path == f"{authority}/a%20key"


@pytest.mark.parametrize(
    "url",
    [
        "https://minio-1234.eu-west-1.elb.amazonaws.com", "https://bucket.amazonaws.com",
        "https://bucket.s3-website-us-east-1.amazonaws.com", "https://execute-api.amazonaws.eu",
        "https://s3.evil.amazonaws.com", "https://s3.eu-west-1.amazonaws.com.evil.com",
        "https://xs3.eu-west-1.amazonaws.com", "https://vpce-1.s3.us-east-1.vpce.amazonaws.com",
    ],
)  # fmt: skip
def test_what_only_stands_under_aws_is_not_s3(url: str) -> None:
    endpoint = resolve_base_url(url)
    assert not endpoint.is_aws
    assert endpoint.address("bucket", "k").path == "/bucket/k"


def test_the_urls_own_bucket_stays_in_the_host_whatever_the_style() -> None:
    endpoint = on_aws("https://bucket.s3.eu-west-1.amazonaws.com", addressing_style="path")
    assert endpoint.address("bucket", "k").authority == "bucket.s3.eu-west-1.amazonaws.com"


AUTHS = [
    (None, "us-east-1", {}, "bucket", "GetObject", None),
    (None, "us-east-1", {}, "", "ListBuckets", None),
    (None, "us-east-1", {"use_accelerate_endpoint": True}, "bucket", "GetObject", None),
    (None, "us-east-1", {}, POINT, "GetObject", ("sigv4", "s3", "us-west-2")),
    (None, "eu-west-1", {}, MULTI_REGION, "GetObject", ("sigv4a", "s3", "*")),
    (None, "us-east-1", {}, f"arn:aws:s3-object-lambda:us-east-1:{ACCOUNT}:accesspoint/p",
     "GetObject", ("sigv4", "s3-object-lambda", "us-east-1")),
    # Two ways are offered: the one that needs no other package.
    (None, "us-east-1", {}, OUTPOST_ALIAS, "GetObject", ("sigv4", "s3-outposts", "us-east-1")),
    (None, "us-east-1", {}, DIRECTORY, "GetObject", ("sigv4-s3express", "s3express", "us-east-1")),
    (None, "us-east-1", {}, DIRECTORY, "GetBucketPolicy", ("sigv4", "s3express", "us-east-1")),
    (None, "us-east-1", {}, DIRECTORY, "GET ?policy", ("sigv4", "s3express", "us-east-1")),
    (None, "us-east-1", {}, DIRECTORY, "CreateSession", ("sigv4", "s3express", "us-east-1")),
    (None, "us-east-1", {}, "", "ListDirectoryBuckets", ("sigv4", "s3express", "us-east-1")),
    (None, "us-east-1", {"disable_s3express_session_auth": True}, DIRECTORY, "GetObject",
     ("sigv4", "s3express", "us-east-1")),
    (None, "us-east-1", {"enable_s3express": False}, DIRECTORY, "GetObject", None),
    (None, "us-east-1", {"enable_s3express": False}, DIRECTORY, "CreateBucket", None),
    ("http://s3.local", "us-west-2", {}, DIRECTORY, "GetObject",
     ("sigv4-s3express", "s3express", "us-west-2")),
    ("http://s3.local", "us-west-2", {}, DIRECTORY, "CreateBucket",
     ("sigv4", "s3express", "us-west-2")),
    ("http://s3.local", "us-west-2", {}, "", "ListDirectoryBuckets",
     ("sigv4", "s3express", "us-west-2")),
    ("http://s3.local", "us-west-2", {}, POINT, "GetObject", ("sigv4", "s3", "us-west-2")),
    ("http://s3.local", "us-west-2", {}, OUTPOST_ALIAS, "GetObject", None),
    ("http://s3.local", "us-west-2", {"enable_s3express": False}, DIRECTORY, "GetObject", None),
]  # fmt: skip


@pytest.mark.parametrize(("url", "region", "settings", "bucket", "operation", "auth"), AUTHS)
def test_how_a_place_is_signed(
    url: str | None,
    region: str,
    settings: dict[str, Any],
    bucket: str,
    operation: str,
    auth: tuple[str, str, str] | None,
) -> None:
    route = Routes(on_aws(url, region, **settings), region).default
    for _ in range(2):  # Worked out, and remembered.
        assert route.to(bucket, None, operation).auth == auth


@pytest.mark.parametrize(
    ("url", "bucket", "operation", "authority", "path"),
    [
        ("http://s3.local/base", DIRECTORY, "GetObject", "s3.local", f"/base/{DIRECTORY}/k"),
        ("http://127.0.0.1:9000", DIRECTORY, "GetObject", "127.0.0.1:9000", f"/{DIRECTORY}/k"),
        ("http://s3.local/base", POINT, "GetObject", f"reports-{ACCOUNT}.s3.local", "/base/k"),
        ("http://s3.local:9000", POINT, "GetObject", f"reports-{ACCOUNT}.s3.local:9000", "/k"),
        ("http://s3.local", f"arn:aws:s3-outposts:us-west-2:{ACCOUNT}:outpost/op-1/accesspoint/p",
         "GetObject", f"p-{ACCOUNT}.op-1.s3.local", "/k"),
    ],
)  # fmt: skip
def test_what_is_no_ordinary_bucket_at_an_endpoint_of_ones_own(
    url: str, bucket: str, operation: str, authority: str, path: str
) -> None:
    endpoint = resolve_base_url(url, base_path="/base" if url.endswith("/base") else None)
    address = endpoint.address(bucket, "k", operation, "us-west-2")
    assert (address.scheme, address.authority, address.path) == ("http", authority, path)


REFUSED: list[tuple[str | None, str, dict[str, Any], str, str, str]] = [
    (None, "us-east-1", {"disable_multiregion_access_points": True}, MULTI_REGION, "GetObject",
     "Multi-Region Access Point ARNs are disabled"),
    (None, "us-east-1", {"use_dualstack_endpoint": True}, MULTI_REGION, "GetObject",
     "S3 MRAP does not support dual-stack"),
    (None, "us-east-1", {"use_arn_region": False}, POINT, "GetObject", "UseArnRegion is `false`"),
    (None, "cn-north-1", {}, POINT, "GetObject", "configured for partition `aws-cn`"),
    (None, "us-east-1", {}, POINT, "CreateBucket", "not supported for this operation"),
    (None, "us-east-1", {}, "arn:aws:s3:::bucket", "GetObject", "Unrecognized format"),
    (None, "us-east-1", {}, "arn:nothing", "GetObject", "was not a valid ARN"),
    (None, "us-east-1", {}, "x--x-s3", "GetObject", "Unrecognized S3Express bucket name"),
    ("http://127.0.0.1:9000", "us-west-2", {}, POINT, "GetObject", "is an address, before which"),
    ("http://s3.local", "us-west-2", {}, MULTI_REGION, "GetObject", "cannot be asked for at 's3.l"),
    ("https://bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com", "us-east-1", {}, MULTI_REGION,
     "GetObject", "cannot be asked for at 'bucket.vpce-1"),
]  # fmt: skip


@pytest.mark.parametrize(("url", "region", "settings", "bucket", "operation", "says"), REFUSED)
def test_buckets_that_the_rules_refuse(
    url: str | None, region: str, settings: dict[str, Any], bucket: str, operation: str, says: str
) -> None:
    route = Routes(on_aws(url, region, **settings), region).default
    with pytest.raises(EndpointError, match=re.escape(says)):
        route.to(bucket, None, operation)


@pytest.mark.parametrize(
    ("url", "region", "settings", "says"),
    [
        (None, "", {"use_accelerate_endpoint": True, "use_fips_endpoint": True},
         "Accelerate cannot be used with FIPS"),
        (None, "cn-north-1", {"use_fips_endpoint": True}, "Partition does not support FIPS"),
        (None, "cn-north-1", {"use_accelerate_endpoint": True}, "cannot be used in this region"),
        (None, "", {"use_accelerate_endpoint": True, "addressing_style": "path"},
         "Path-style addressing cannot be used with S3 Accelerate"),
        (None, "not a region", {}, "Invalid region"),
        ("http://s3.local", "", {"use_dualstack_endpoint": True}, "Cannot set dual-stack"),
        ("http://s3.local", "", {"use_fips_endpoint": True}, "combined with FIPS"),
        ("http://s3.local", "", {"use_accelerate_endpoint": True}, "combined with S3 Accelerate"),
        ("https://s3-accelerate.amazonaws.com", "", {"use_fips_endpoint": True},
         "Accelerate cannot be used with FIPS"),
    ],
)  # fmt: skip
def test_settings_that_the_rules_refuse(
    url: str | None, region: str, settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(EndpointError, match=re.escape(says)):
        on_aws(url, region, **settings)


def test_sub_resources_of_objects_are_in_the_zone() -> None:
    """Which are called as those of buckets are, that the control plane has."""
    route = Routes(on_aws(), "us-east-1").default
    address = route.to(DIRECTORY, "key", "GET ?tagging")
    assert address == route.to(DIRECTORY, "key", "GetObject")
    assert address.auth == ("sigv4-s3express", "s3express", "us-east-1")


def test_buckets_are_created_and_deleted_beside_acceleration() -> None:
    """Which knows neither operation."""
    endpoint = on_aws(region="eu-west-1", use_accelerate_endpoint=True)
    for operation, host in (
        ("CreateBucket", "bucket.s3.eu-west-1.amazonaws.com"),
        ("DeleteBucket", "bucket.s3.eu-west-1.amazonaws.com"),
        ("HeadBucket", "bucket.s3-accelerate.amazonaws.com"),
    ):
        assert endpoint.address("bucket", None, operation, "eu-west-1").authority == host


@pytest.mark.parametrize(
    ("name", "bucket", "key"),
    [
        (f"{POINT}/a/key", POINT, "a/key"),
        (f"/{POINT}/a/key", POINT, "a/key"),
        (f"{POINT}//key", POINT, "/key"),
        (f"{POINT}/object/key", POINT, "object/key"),
        (f"{POINT}/a\nb", POINT, "a\nb"),
        (POINT, POINT, None),
        (f"{POINT}/", POINT, ""),
        (f"{MULTI_REGION}/key", MULTI_REGION, "key"),
        (f"arn:aws:s3:us-west-2:{ACCOUNT}:accesspoint:reports/key",
         f"arn:aws:s3:us-west-2:{ACCOUNT}:accesspoint:reports", "key"),
        (f"arn:aws:s3-outposts:us-east-1:{ACCOUNT}:outpost/op-1/accesspoint/p/key",
         f"arn:aws:s3-outposts:us-east-1:{ACCOUNT}:outpost/op-1/accesspoint/p", "key"),
        # What is no access point is left to the rules, which refuse it.
        ("arn:aws:s3:::bucket/key", "arn:aws:s3:::bucket/key", None),
    ],
)  # fmt: skip
def test_object_names_may_begin_with_an_access_point(
    name: str, bucket: str, key: str | None
) -> None:
    assert on_aws().locate(name) == (bucket, key)
    assert on_aws().locate_prefix(name) == (bucket, key or "")


def test_a_key_that_looks_like_an_arn_is_a_key() -> None:
    assert resolve_base_url("http://h/bucket").locate(f"{POINT}/a") == ("bucket", f"{POINT}/a")
    unknown = resolve_base_url("http://bucket.s3.local")
    address = unknown.address(*unknown.locate(POINT))
    assert (address.authority, address.path) == ("bucket.s3.local", f"/{quote_path(POINT)}")


def test_a_client_may_be_bound_to_an_access_point() -> None:
    endpoint = resolve_base_url(None, region="us-west-2", bucket=POINT)
    assert endpoint.locate("/a/key") == (POINT, "a/key")
    host = f"reports-{ACCOUNT}.s3-accesspoint.us-west-2.amazonaws.com"
    assert endpoint.address(POINT, "k", region="us-west-2").authority == host
    by_host = resolve_base_url(f"https://{host}/pre")
    assert by_host.locate("key") == (POINT, "pre/key")
    assert by_host.copy_source(POINT, "a key") == f"{quote_path(POINT)}/object/a%20key"


@pytest.mark.parametrize(
    ("base", "settings", "target", "trusted"),
    [
        (None, {}, "https://b.s3-fips.dualstack.eu-west-1.amazonaws.com/k", True),
        (None, {}, "https://b.s3-accelerate.amazonaws.com/k", True),
        (None, {}, "https://b.s3.amazonaws.com/k", True),
        (None, {}, f"https://{DIRECTORY}.s3express-use1-az4.us-east-1.amazonaws.com/k", True),
        (None, {}, "https://s3.eusc-de-east-1.amazonaws.eu/k", False),
        (None, {}, "https://x.us-east-1.elb.amazonaws.com/k", False),
        (None, {}, "https://b.s3-website-us-east-1.amazonaws.com/k", False),
        (None, {}, f"https://evil-{ACCOUNT}.s3-object-lambda.us-east-1.amazonaws.com/k", False),
        (None, {}, f"https://evil-{ACCOUNT}.s3-accesspoint.us-east-1.amazonaws.com/k", False),
        (None, {}, "https://evil.bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com/k", False),
        (None, {}, "http://b.s3.us-east-1.amazonaws.com/k", False),
        (None, {"use_fips_endpoint": True}, "https://b.s3.us-east-1.amazonaws.com/k", False),
        (None, {"use_fips_endpoint": True}, "https://b.s3-fips.us-west-2.amazonaws.com/k", True),
        ("https://s3.us-iso-east-1.c2s.ic.gov", {}, "https://b.s3.us-iso-west-1.c2s.ic.gov", True),
        ("https://s3.us-iso-east-1.c2s.ic.gov", {}, "https://b.s3.us-east-1.amazonaws.com", False),
        ("https://bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com", {},
         "https://b.bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com/k", True),
        ("https://bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com", {},
         "https://b.s3.us-east-1.amazonaws.com/k", False),
    ],
)  # fmt: skip
def test_p16_which_of_awss_hosts_a_redirect_may_lead_to(
    base: str | None, settings: dict[str, Any], target: str, trusted: bool
) -> None:
    assert on_aws(base, **settings).trusts(URL(target)) is trusted


@pytest.mark.parametrize("host", ["evil.com%2f", "evil.com%00", "a b", "a,b", "*"])
def test_p16_no_redirect_to_a_host_that_may_be_read_in_two_ways(host: str) -> None:
    for base in ("https://s3.us-west-2.amazonaws.com", "https://s3.local"):
        service = base.removeprefix("https://")
        assert on_aws(base).trusts(URL(f"https://bucket.{service}/k"))
        assert not on_aws(base).trusts(URL(f"https://{host}.{service}/k", encoded=True))


@pytest.mark.parametrize(
    ("base", "region", "trusted"),
    [
        (None, "eu-west-1", True),
        (None, "ap-yet-9", True),
        (None, "us-gov-west-1", False),
        (None, "cn-north-1", False),
        (None, "us-iso-east-1", False),
        (None, "aws-global", False),
        (None, "evil.com", False),
        (None, "x.us-east-1.elb", False),
        (None, "eu_west", False),
        (None, "a" * 64, False),
        (None, "", False),
        ("https://s3.cn-north-1.amazonaws.com.cn", "cn-northwest-1", True),
        ("https://s3.cn-north-1.amazonaws.com.cn", "us-east-1", False),
        ("https://s3.local", "my_zone.1", True),
        ("https://s3.local", "a/b", False),
        ("https://s3.local", "", False),
    ],
)
def test_p16_which_regions_an_answer_may_name(base: str | None, region: str, trusted: bool) -> None:
    assert on_aws(base).trusts_region(region) is trusted
