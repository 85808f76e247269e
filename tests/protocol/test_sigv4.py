"""What the signer does beyond its arithmetic: which headers, which host, which errors."""

from __future__ import annotations

import copy
import logging
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast
from urllib.parse import parse_qs

import pytest
from multidict import CIMultiDict
from yarl import URL

from aiohttp_s3_client.protocol.encoding import quote_query, respelt_path, unquote
from aiohttp_s3_client.protocol.sigv4 import (
    EMPTY_SHA256,
    SigV4Signer,
    canonical_path,
    canonical_query,
    split_url,
)

NOW = datetime(2024, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "session+token/value=="
ADDRESS = "http://127.0.0.1:9000/bucket/key"


@pytest.fixture
def signer() -> SigV4Signer:
    return SigV4Signer("AKID", SECRET, region="us-east-1")


@pytest.fixture
def temporary() -> SigV4Signer:
    return SigV4Signer("ASIA", SECRET, TOKEN, region="eu-west-1")


def sign(signer: SigV4Signer, headers: Any = None, url: str | URL = ADDRESS) -> CIMultiDict[str]:
    return signer.sign("GET", url, headers, payload_hash=EMPTY_SHA256, now=NOW)


def signed_names(headers: CIMultiDict[str]) -> list[str]:
    fields = dict(
        field.split("=", 1) for field in headers["Authorization"].split(" ", 1)[1].split(", ")
    )
    return fields["SignedHeaders"].split(";")


# Headers


def test_all_given_headers_are_sent_and_not_altered(temporary: SigV4Signer) -> None:
    given = CIMultiDict([("x-amz-meta-a", "  1 "), ("X-Amz-Meta-A", "2"), ("User-Agent", "me")])
    sent = sign(temporary, given)
    assert sent.getall("x-amz-meta-a") == ["  1 ", "2"]
    assert sent["User-Agent"] == "me"
    assert sent["x-amz-date"] == "20240301T123015Z"
    assert sent["x-amz-security-token"] == TOKEN
    assert sent["x-amz-content-sha256"] == EMPTY_SHA256
    assert len(sent) == 7
    assert len(given) == 3


@pytest.mark.parametrize(
    "name",
    [
        "authorization",
        "connection",
        "expect",
        "transfer-encoding",
        "user-agent",
        "x-amzn-trace-id",
    ],
)
def test_what_the_way_may_change_is_not_signed(signer: SigV4Signer, name: str) -> None:
    sent = sign(signer, {name.title(): "anything", "Accept": "*/*"})
    assert signed_names(sent) == ["accept", "host", "x-amz-content-sha256", "x-amz-date"]
    assert sent["Authorization"] == sign(signer, {"Accept": "*/*"})["Authorization"]


def test_stale_signatures_are_replaced_and_never_sent_twice(temporary: SigV4Signer) -> None:
    first = sign(temporary)
    again = sign(temporary, [*first.items(), ("X-AMZ-DATE", "old"), ("Authorization", "old")])
    assert sorted(again.items()) == sorted(first.items())


def test_a_given_token_stays_where_the_signer_has_none(signer: SigV4Signer) -> None:
    sent = sign(signer, {"X-Amz-Security-Token": "mine"})
    assert sent.getall("x-amz-security-token") == ["mine"]
    assert "x-amz-security-token" in signed_names(sent)


@pytest.mark.parametrize("service", ["s3", "s3express", "s3-object-lambda", "s3-outposts"])
def test_the_payload_hash_is_a_header_for_s3s_own_services(service: str) -> None:
    sent = sign(SigV4Signer("AKID", SECRET, region="us-east-1", service=service))
    assert sent["x-amz-content-sha256"] == EMPTY_SHA256


def test_the_payload_hash_is_no_header_elsewhere() -> None:
    sent = sign(SigV4Signer("AKID", SECRET, region="us-east-1", service="sts"))
    assert "x-amz-content-sha256" not in sent
    assert signed_names(sent) == ["host", "x-amz-date"]


def test_a_given_host_is_the_one_that_is_signed(signer: SigV4Signer) -> None:
    through_proxy = sign(signer, {"Host": "s3.example"}, "http://10.0.0.1:3128/bucket/key")
    direct = sign(signer, url="http://s3.example/bucket/key")
    assert through_proxy["Authorization"] == direct["Authorization"]
    assert through_proxy["Host"] == "s3.example"
    assert "Host" not in direct


@pytest.mark.parametrize("bad", ["a\r\nx-evil: 1", "a\n", "\0", "a\rb", "\ud800"])
@pytest.mark.parametrize("name", ["x-amz-meta-a", "User-Agent"])
def test_a_value_that_http_forbids_is_refused_by_name(
    signer: SigV4Signer, name: str, bad: str
) -> None:
    with pytest.raises(ValueError, match=f"headers: {name} must not hold"):
        sign(signer, {name: bad})
    with pytest.raises(ValueError, match=name):
        signer.presign("GET", ADDRESS, {name: bad}, expires=60)


def test_a_secret_value_that_is_refused_is_not_shown(signer: SigV4Signer) -> None:
    customer_key = "x-amz-server-side-encryption-customer-key"
    with pytest.raises(ValueError, match=customer_key) as caught:
        sign(signer, {customer_key: "topsecret\n"})
    assert "topsecret" not in str(caught.value)
    with pytest.raises(ValueError, match="harmless"):
        sign(signer, {"x-amz-meta-a": "harmless\n"})


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\n", "ü", "(x)"])
def test_a_name_that_http_forbids_is_refused(signer: SigV4Signer, name: str) -> None:
    with pytest.raises(ValueError, match="no header's name"):
        sign(signer, {name: "value"})


def test_a_value_that_is_no_str_is_refused_by_name(signer: SigV4Signer) -> None:
    with pytest.raises(TypeError, match="Content-Length must be a str, not int"):
        sign(signer, {"Content-Length": 13})


@pytest.mark.parametrize("value", ["a  b", " a b", "a b ", "a \t b", "\ta b\t"])
def test_white_space_does_not_matter(signer: SigV4Signer, value: str) -> None:
    signed = sign(signer, {"x-amz-meta-a": value})
    assert signed["Authorization"] == sign(signer, {"x-amz-meta-a": "a b"})["Authorization"]
    assert signed["x-amz-meta-a"] == value


def test_spaces_of_unicode_are_not_folded(signer: SigV4Signer) -> None:
    one, two = (sign(signer, {"x-amz-meta-a": f"a{gap}b"}) for gap in (" ", "\N{NO-BREAK SPACE}"))
    assert one["Authorization"] != two["Authorization"]


# URLs


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://host/", "host"),
        ("http://host:80/", "host"),
        ("https://host:443", "host"),
        ("https://host:80", "host:80"),
        ("http://HOST.Example:9000", "host.example:9000"),
        ("http://[::1]:9000/a", "[::1]:9000"),
        ("https://[::1]:443/a", "[::1]"),
        ("https://host./", "host"),
        ("https://key:secret@host:8443/", "host:8443"),
        ("https://bücher.example:8443/", "xn--bcher-kva.example:8443"),
    ],
)
def test_p14_the_host_is_the_header_that_aiohttp_sends(url: str, host: str) -> None:
    assert split_url(url)[1] == host
    assert split_url(URL(url))[1] == host == URL(url).host_port_subcomponent


@pytest.mark.parametrize("url", ["/bucket/key", "", "bucket", URL("/a"), "mailto:x"])
def test_a_relative_url_is_refused(signer: SigV4Signer, url: str | URL) -> None:
    with pytest.raises(ValueError, match="url must be absolute"):
        sign(signer, url=url)


@pytest.mark.parametrize("host", ["h:port", "[::1", "h\u2100x"])
def test_a_broken_url_is_refused_and_not_shown(signer: SigV4Signer, host: str) -> None:
    with pytest.raises(ValueError, match="url is not a URL") as caught:
        sign(signer, url=f"http://AKID:{SECRET}@{host}/")
    assert SECRET not in str(caught.value)


def test_a_url_of_another_type_is_refused(signer: SigV4Signer) -> None:
    with pytest.raises(TypeError, match=r"url must be a yarl\.URL or str, not bytes"):
        sign(signer, url=cast("Any", b"http://host/"))


@pytest.mark.parametrize(
    ("raw", "signed"),
    [
        ("", "/"),
        ("/a//b/./../c/", "/a//b/./../c/"),
        ("/%20%2B%C3%BC~", "/%20%2B%C3%BC~"),
        ("/a(b)+c=d", "/a(b)+c=d"),
        ("/%c3%bc%7e%41", "/%c3%bc%7e%41"),
        ("/%2E%2E/a%2Fb", "/%2E%2E/a%2Fb"),
    ],
)
def test_p13_the_path_of_s3_is_signed_byte_for_byte(raw: str, signed: str) -> None:
    assert canonical_path(raw) == signed


@pytest.mark.parametrize(
    ("raw", "signed"),
    [
        ("", "/"),
        ("/..", "/"),
        ("/a/../../b", "/b"),
        ("//a//./b//", "/a/b/"),
        ("/a%20b+c", "/a%2520b%2Bc"),
        ("/%2E%2E/a", "/%252E%252E/a"),
    ],
)
def test_the_path_of_other_services_is_normalised_and_encoded_twice(raw: str, signed: str) -> None:
    assert canonical_path(raw, service="sts") == signed


def test_a_path_with_a_line_break_cannot_forge_a_request(signer: SigV4Signer) -> None:
    with pytest.raises(ValueError, match="not percent-encoded"):
        signer.sign_parts("GET", "host", "/a\nb", "", None, EMPTY_SHA256, NOW)


@pytest.mark.parametrize(
    ("raw", "signed"),
    [
        ("uploads", "uploads="),
        ("b=2&a=1&b=1", "a=1&b=1&b=2"),
        ("a-=1&a=2&a%21=3", "a=2&a%21=3&a-=1"),
        ("q=a=b", "q=a%3Db"),
        ("prefix=a/b+c", "prefix=a%2Fb%20c"),
        ("&&a=1&", "a=1"),
        ("=v", "=v"),
    ],
)
def test_the_canonical_query(raw: str, signed: str) -> None:
    assert canonical_query(raw) == signed


@pytest.mark.parametrize("code", range(256))
def test_every_escape_is_spelt_in_one_way(code: int) -> None:
    spelt = quote_query(unquote(f"%{code:02X}"))
    for raw in (f"%{code:02X}", f"%{code:02x}"):
        assert canonical_query(f"a={raw}&{raw}=b").split("&") == sorted(
            [f"a={spelt}", f"{spelt}=b"]
        )
        assert respelt_path(f"/{raw}") == f"/{'/' if spelt == '%2F' else spelt}"


def test_no_query_takes_long_to_look_at() -> None:
    long = "a" * 200_000
    assert canonical_query(f"{long}={long}/") == f"{long}={long}%2F"


# Presigned URLs


def query_of(url: URL) -> dict[str, list[str]]:
    return parse_qs(url.raw_query_string, keep_blank_values=True)


def test_p14_a_presigned_url_keeps_port_region_token_and_query(temporary: SigV4Signer) -> None:
    address = URL("http://key:pass@127.0.0.1:9000/b/a//b%2Bc?versionId=x&acl#part", encoded=True)
    url = temporary.presign("GET", address, {"Range": "bytes=0-1"}, expires=60, now=NOW)
    assert str(url).startswith("http://127.0.0.1:9000/b/a//b%2Bc?versionId=x&acl&X-Amz-Algorithm=")
    assert "pass" not in str(url)
    assert "#" not in str(url)
    query = query_of(url)
    assert query["X-Amz-Credential"] == ["ASIA/20240301/eu-west-1/s3/aws4_request"]
    assert query["X-Amz-Security-Token"] == [TOKEN]
    assert query["X-Amz-SignedHeaders"] == ["host;range"]
    assert query["X-Amz-Expires"] == ["60"]


def test_a_presigned_url_replaces_date_and_token_headers(temporary: SigV4Signer) -> None:
    stale = {"X-Amz-Date": "old", "x-amz-security-token": "old", "Authorization": "old"}
    assert temporary.presign("GET", ADDRESS, stale, expires=60, now=NOW) == temporary.presign(
        "GET", ADDRESS, expires=60, now=NOW
    )


def test_a_presigned_url_takes_the_payload_hash_from_its_header(signer: SigV4Signer) -> None:
    stated = {"x-amz-content-sha256": "ab" * 32}
    url = signer.presign("PUT", ADDRESS, stated, expires=60, now=NOW)
    same = signer.presign("PUT", ADDRESS, stated, expires=60, payload_hash="ab" * 32, now=NOW)
    assert url == same
    assert url != signer.presign("PUT", ADDRESS, expires=60, payload_hash="ab" * 32, now=NOW)
    with pytest.raises(ValueError, match="contradicts"):
        signer.presign("PUT", ADDRESS, stated, expires=60, payload_hash=EMPTY_SHA256)


@pytest.mark.parametrize("expires", [0, -1, 604_801, timedelta(), timedelta(days=7, seconds=1)])
def test_an_expiry_out_of_range_is_refused(signer: SigV4Signer, expires: Any) -> None:
    with pytest.raises(ValueError, match="from 1 to 604800 seconds"):
        signer.presign("GET", ADDRESS, expires=expires)


@pytest.mark.parametrize("expires", [True, 60.0, "60", None])
def test_an_expiry_of_another_type_is_refused(signer: SigV4Signer, expires: Any) -> None:
    with pytest.raises(TypeError, match="expires must be an int"):
        signer.presign("GET", ADDRESS, expires=expires)


@pytest.mark.parametrize(
    ("expires", "seconds"),
    [
        (1, "1"),
        (604_800, "604800"),
        (timedelta(days=7), "604800"),
        (timedelta(seconds=1.9), "1"),
    ],
)
def test_an_expiry_within_range(signer: SigV4Signer, expires: Any, seconds: str) -> None:
    assert query_of(signer.presign("GET", ADDRESS, expires=expires))["X-Amz-Expires"] == [seconds]


def test_a_presigned_url_is_not_presigned_again(signer: SigV4Signer) -> None:
    url = signer.presign("GET", ADDRESS, expires=60)
    with pytest.raises(ValueError, match="presigned already: its query has X-Amz-Algorithm"):
        signer.presign("GET", url, expires=60)


# Arguments


@pytest.mark.parametrize("name", ["access_key_id", "secret_access_key"])
@pytest.mark.parametrize("value", ["", " x", "x\n", "x\0y"])
def test_credentials_that_cannot_be_are_refused_and_not_shown(name: str, value: str) -> None:
    arguments = {"access_key_id": "AKID", "secret_access_key": SECRET, name: value}
    with pytest.raises(ValueError, match=name) as caught:
        SigV4Signer(**arguments, region="us-east-1")
    assert "x" not in str(caught.value).removeprefix(name)


def test_credentials_of_another_type_are_refused_and_not_shown() -> None:
    with pytest.raises(TypeError, match="secret_access_key must be a str, not bytes") as caught:
        SigV4Signer("AKID", cast("Any", b"hush"), region="us-east-1")
    assert "hush" not in str(caught.value)


def test_a_region_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="region must be a str, not NoneType"):
        SigV4Signer("AKID", SECRET, region=cast("Any", None))


@pytest.mark.parametrize("region", ["", "us east", "a/b", "a,b", "a\n", "é"])
def test_a_region_that_cannot_be_is_refused(region: str) -> None:
    with pytest.raises(ValueError, match="region must be"):
        SigV4Signer("AKID", SECRET, region=region)
    with pytest.raises(ValueError, match="service must be"):
        SigV4Signer("AKID", SECRET, region="us-east-1", service=region)


@pytest.mark.parametrize("method", ["", "GET /", "G\nET"])
def test_a_method_that_cannot_be_is_refused(signer: SigV4Signer, method: str) -> None:
    with pytest.raises(ValueError, match="method must be"):
        signer.sign(method, ADDRESS, payload_hash=EMPTY_SHA256)


@pytest.mark.parametrize("payload_hash", ["", "a\nb"])
def test_a_payload_hash_that_cannot_be_is_refused(signer: SigV4Signer, payload_hash: str) -> None:
    with pytest.raises(ValueError, match="payload_hash must be"):
        signer.sign("GET", ADDRESS, payload_hash=payload_hash)


def test_a_naive_time_is_refused(signer: SigV4Signer) -> None:
    with pytest.raises(ValueError, match="now must have a time zone"):
        signer.sign("GET", ADDRESS, payload_hash=EMPTY_SHA256, now=NOW.replace(tzinfo=None))


# Secrets


def test_nothing_that_can_be_printed_shows_a_secret(
    temporary: SigV4Signer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        sign(temporary)
        temporary.presign("GET", ADDRESS, expires=60)
    for text in (repr(temporary), str(temporary), caplog.text):
        assert SECRET not in text
        assert TOKEN not in text
    assert repr(temporary) == "SigV4Signer('ASIA', region='eu-west-1', service='s3')"
    assert not hasattr(temporary, "__dict__")


@pytest.mark.parametrize("way_out", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_signer_is_neither_pickled_nor_copied(temporary: SigV4Signer, way_out: Any) -> None:
    with pytest.raises(TypeError, match="holds a secret"):
        way_out(temporary)


# Time and region


@pytest.mark.parametrize(
    "step",
    [
        timedelta(microseconds=749_999),
        timedelta(microseconds=750_000),
        timedelta(seconds=-1),
        timedelta(hours=11, minutes=29, seconds=45),
        timedelta(days=-1),
        timedelta(days=366),
    ],
)
def test_a_signer_that_was_used_signs_like_a_new_one(signer: SigV4Signer, step: timedelta) -> None:
    sign(signer)
    later = NOW + step
    fresh = SigV4Signer("AKID", SECRET, region="us-east-1")
    for _ in range(2):
        sent = signer.sign("GET", ADDRESS, payload_hash=EMPTY_SHA256, now=later)
        assert sent["x-amz-date"] == f"{later:%Y%m%dT%H%M%SZ}"
        assert sent == fresh.sign("GET", ADDRESS, payload_hash=EMPTY_SHA256, now=later)
        sign(fresh)


def test_the_time_is_told_in_utc(signer: SigV4Signer) -> None:
    tokyo = NOW.replace(hour=23).astimezone(timezone(timedelta(hours=9)))
    assert tokyo.day == 2
    sent = signer.sign("GET", ADDRESS, payload_hash=EMPTY_SHA256, now=tokyo)
    assert sent["x-amz-date"] == "20240301T233015Z"
    assert "AKID/20240301/" in sent["Authorization"]


def test_without_a_time_the_clock_is_read(signer: SigV4Signer) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    sent = signer.sign("GET", ADDRESS, payload_hash=EMPTY_SHA256)
    when = datetime.strptime(sent["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert before <= when <= datetime.now(UTC)
