"""Base URLs, buckets and keys become scheme, authority and path (P12, P13, P16)."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from aiohttp_s3_client.config import AddressingStyle
from aiohttp_s3_client.protocol.endpoint import check_bucket_name, resolve_base_url


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
    endpoint = resolve_base_url(url, addressing_style=style)
    address = endpoint.address(bucket, "key")
    assert address.authority == authority
    assert address.path == ("/key" if authority.startswith(bucket) else f"/{bucket}/key")


def test_virtual_addressing_of_an_ip_address_is_refused() -> None:
    with pytest.raises(ValueError, match="virtual"):
        resolve_base_url("http://127.0.0.1:9000", addressing_style="virtual")


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
    ("url", "authority", "path"),
    [
        ("https://s3.eu-west-1.amazonaws.com",
         "route.s3-object-lambda.eu-west-1.amazonaws.com", "/Write"),
        ("https://one.s3.eu-west-1.amazonaws.com",
         "route.s3-object-lambda.eu-west-1.amazonaws.com", "/Write"),
        ("https://s3.cn-north-1.amazonaws.com.cn",
         "route.s3-object-lambda.eu-west-1.amazonaws.com.cn", "/Write"),
        ("http://s3.local:9000", "route.s3.local:9000", "/Write"),
    ],
)  # fmt: skip
def test_another_service_has_a_host_of_its_own_on_aws(url: str, authority: str, path: str) -> None:
    address = resolve_base_url(url).service_address(
        "s3-object-lambda", "eu-west-1", "route.", "/Write"
    )
    assert (address.authority, address.path) == (authority, path)


def test_a_base_path_stands_before_the_path_of_an_operation() -> None:
    endpoint = resolve_base_url("http://proxy/s3", base_path="/s3")
    assert endpoint.service_address("s3", "us-east-1", "", "/Write").path == "/s3/Write"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000", "http://[::1]"])
def test_nothing_can_stand_before_an_address(url: str) -> None:
    with pytest.raises(ValueError, match=r"before which 'route\.' cannot stand"):
        resolve_base_url(url).service_address("s3", "us-east-1", "route.", "/Write")
