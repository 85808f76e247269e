"""Our signatures equal botocore's for whatever hypothesis thinks of (P12, P13, P14).

botocore takes queries as they are, so most requests here are spelt as ``encoding.py`` spells
them. For queries spelt in other ways botocore is given the decoded pairs. A few things are
left out on purpose: white space of Unicode in header values, which botocore folds though it is no
white space in HTTP; headers that only one of the two leaves unsigned; duplicate names in a
presigned query, of which botocore drops all but the first.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from unittest.mock import patch
from urllib.parse import parse_qsl, quote, urlencode

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from yarl import URL

from aiohttp_s3_client.protocol.encoding import encode_query, quote_path
from aiohttp_s3_client.protocol.sigv4 import (
    EMPTY_SHA256,
    UNSIGNED_HEADERS,
    UNSIGNED_PAYLOAD,
    SigV4Signer,
    canonical_query,
)

Pairs = list[tuple[str, str]]

segments = ["", ".", "..", "a", "+", "%", "%2F", "%zz", " ", "~", "=", "a=b&c", "(x)!*'", "#?;:@,$"]
segments += ["ключ", "日本 語", "🦊", "\x00", "\x1f\t\n", "\x7f\x85", "\udcff"]

no_surrogates = st.characters(codec="utf-8")
name_text = st.text(no_surrogates, max_size=20)
key = st.lists(
    st.sampled_from(segments) | st.text(no_surrogates, max_size=8), min_size=1, max_size=6
).map("/".join)
pairs = st.lists(
    st.tuples(
        st.sampled_from(["prefix", "a", "A", "a-", "a%", "uploads"]) | name_text,
        st.sampled_from(["", "", "a/b", "a+b c", "=", "~"]) | name_text,
    ),
    max_size=5,
)
token_characters = "abcdefghijklmnopqrstuvwxyzABCXYZ0189!#$%&'*+.^_`|~-"
# Left alone or set by one of the two signers.
SPECIAL = UNSIGNED_HEADERS | {
    "baggage",
    "date",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "upgrade",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
}
header_name = (
    st.sampled_from(["Range", "If-Match", "x-amz-meta-a", "X-AMZ-META-A", "x-amz-acl"])
    | st.text(token_characters, min_size=1, max_size=12)
).filter(lambda name: name.lower() not in SPECIAL)
header_value = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")) | st.sampled_from(" \t,"),
    max_size=20,
)
headers = st.lists(st.tuples(header_name, header_value), max_size=5)
origin = st.sampled_from(
    [
        "https://examplebucket.s3.eu-central-1.amazonaws.com",
        "https://s3.amazonaws.com:443",
        "http://127.0.0.1:80",
        "http://127.0.0.1:9000",
        "https://storage.example:80",
        "http://[::1]:8080",
        "https://[2001:db8::1]",
        "http://BUCKET.Example.COM",
        "https://xn--bcher-kva.example",
    ]
)
method = st.sampled_from(["GET", "PUT", "POST", "HEAD", "DELETE", "get"])
credentials = st.builds(
    Credentials,
    st.sampled_from(["AKIAIOSFODNN7EXAMPLE", "test:tester", "a/b+c=", "ключ"]),
    st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=40),
    st.none() | st.sampled_from(["token", "AQoD//x+y==", "a" * 400]),
)
region = st.sampled_from(["us-east-1", "eu-central-1", "default", "garage", "RegionOne"])
now = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda d: d.replace(tzinfo=UTC))


def sign_with_botocore(
    auth: SigV4Auth, when: datetime, verb: str, url: str, given_headers: Pairs, body: bytes = b""
) -> AWSRequest:
    request = AWSRequest(verb, url, data=body)
    for name, value in given_headers:
        request.headers[name] = value
    with patch("botocore.auth.get_current_datetime", return_value=when.replace(tzinfo=None)):
        auth.add_auth(request)
    return request


def signer_of(keys: Credentials, place: str, service: str) -> SigV4Signer:
    return SigV4Signer(
        keys.access_key or "", keys.secret_key or "", keys.token, region=place, service=service
    )


@settings(deadline=None)
@given(method, origin, key, pairs, headers, credentials, region, now, st.binary(max_size=8))
@example(
    "PUT",
    "http://127.0.0.1:9000",
    "/a//../b/.+%~= ü\x00",
    [("b", ""), ("a", "2"), ("a", "1"), ("a-", "")],
    [("x-amz-meta-a", "  two   words "), ("X-Amz-Meta-A", "x"), ("Range", "bytes=0-9")],
    Credentials("key", "secret", "token"),
    "us-east-1",
    datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
    b"",
)
def test_s3_headers(
    verb: str,
    base: str,
    name: str,
    query: Pairs,
    given_headers: Pairs,
    keys: Credentials,
    place: str,
    when: datetime,
    body: bytes,
) -> None:
    url = f"{base}/{quote_path(name)}?{encode_query(query)}"
    auth = S3SigV4Auth(keys, "s3", place)
    theirs = sign_with_botocore(auth, when, verb, url, given_headers, body)
    ours = signer_of(keys, place, "s3").sign(
        verb, url, given_headers, payload_hash=sha256(body).hexdigest(), now=when
    )
    lowered = sorted((header.lower(), value) for header, value in ours.items())
    assert lowered == sorted((header.lower(), value) for header, value in theirs.headers.items())


@settings(deadline=None)
@given(method, origin, key, pairs, headers, credentials, region, now)
def test_headers_of_any_other_service(
    verb: str,
    base: str,
    name: str,
    query: Pairs,
    given_headers: Pairs,
    keys: Credentials,
    place: str,
    when: datetime,
) -> None:
    url = f"{base}/{quote_path(name)}?{encode_query(query)}"
    auth = SigV4Auth(keys, "sts", place)
    theirs = sign_with_botocore(auth, when, verb, url, given_headers)
    ours = signer_of(keys, place, "sts").sign(
        verb, url, given_headers, payload_hash=EMPTY_SHA256, now=when
    )
    lowered = sorted((header.lower(), value) for header, value in ours.items())
    assert lowered == sorted((header.lower(), value) for header, value in theirs.headers.items())


@settings(deadline=None)
@given(
    method,
    origin,
    key,
    pairs,
    headers,
    credentials,
    region,
    now,
    st.integers(1, 604_800),
    st.sampled_from(["s3", "sts"]),
)
def test_p14_presigned_urls(
    verb: str,
    base: str,
    name: str,
    query: Pairs,
    given_headers: Pairs,
    keys: Credentials,
    place: str,
    when: datetime,
    expires: int,
    service: str,
) -> None:
    query = list({pair[0]: pair for pair in query}.values())
    url = f"{base}/{quote_path(name)}?{encode_query(query)}"
    kind = S3SigV4QueryAuth if service == "s3" else SigV4QueryAuth
    auth = kind(keys, service, place, expires)
    theirs = URL(str(sign_with_botocore(auth, when, verb, url, given_headers).url), encoded=True)
    ours = signer_of(keys, place, service).presign(
        verb,
        url,
        given_headers,
        expires=expires,
        payload_hash=UNSIGNED_PAYLOAD if service == "s3" else EMPTY_SHA256,
        now=when,
    )
    assert ours.raw_path == theirs.raw_path
    assert str(ours.origin()) == str(URL(base).origin())
    assert sorted(ours.raw_query_string.split("&")) == sorted(theirs.raw_query_string.split("&"))


# Spellings that a user's own URL may have, and that servers read as the same query.
spellings = ["a", "B", "~", "%7E", "%7e", "/", "%2F", "%2f", "+", "%20", "%2B", "%41", "=", "&"]
spellings += ["&&", "%", "%e", "%zz", "(", "'", "?", ":", "@", "ü", "%C3%BC", "%c3%bc"]
spelling = st.lists(st.sampled_from(spellings), max_size=12).map("".join)


@given(spelling)
@example("uploads")
@example("&a=1&")
def test_a_query_in_any_spelling_is_signed_as_servers_read_it(raw: str) -> None:
    read = parse_qsl(raw, keep_blank_values=True)
    assume("\ufffd" not in str(read))  # Not UTF-8, which only our side keeps byte for byte.
    auth = SigV4Auth(Credentials("key", "secret"), "s3", "us-east-1")
    url = f"https://s3.example/?{urlencode(read, quote_via=quote, safe='')}"
    request = AWSRequest("GET", url)
    assert canonical_query(raw) == auth.canonical_query_string(request)


@given(pairs)
def test_an_encoded_query_is_only_sorted(query: Pairs) -> None:
    raw = encode_query(query)
    assert sorted(canonical_query(raw).split("&")) == sorted(raw.split("&"))
