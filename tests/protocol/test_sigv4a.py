"""SigV4a: AWS's published cases, each checked with the published public key, and the rest.

The cases are those of AWS's test suite for Signature Version 4a. ECDSA signatures differ from one
signing to the next, so what is compared is the text: the published signature of each case has to
fit the string that is signed here, and ours has to fit it too.
"""

from __future__ import annotations

import copy
import pickle
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from multidict import CIMultiDict
from yarl import URL

from aiohttp_s3_client.protocol.canonical import (
    ECDSA_ALGORITHM,
    EMPTY_SHA256,
    canonical_headers,
    canonical_path,
    canonical_query,
    canonical_request,
    hex_sha256,
    split_url,
    string_to_sign,
)
from aiohttp_s3_client.protocol.sigv4 import UNSIGNED_PAYLOAD, SigV4Signer
from aiohttp_s3_client.protocol.sigv4a import P256_ORDER, SigV4aSigner, private_value

KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
DATE = "20150830T123600Z"
HOST = "example.amazonaws.com"
TOKEN = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
STS_TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPf"
    "IeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7W"
    "Z0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8F"
    "DrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)
LETTERS = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
FORM = hex_sha256(b"Param1=value1")
_PUBLISHED = Path(__file__).with_name("sigv4a_signatures.txt").read_text(encoding="ascii")
SIGNATURES = {
    (name, form): signature
    for name, form, signature in (line.split() for line in _PUBLISHED.splitlines())
}
"""The published ones, by case and form, which is ``header`` or ``query``."""

S3_URL = "https://mfzwi23gnjvgw.accesspoint.s3-global.amazonaws.com/a//b%20c/../%C3%BC~"


def public_key(x: str, y: str) -> ec.EllipticCurvePublicKey:
    numbers = ec.EllipticCurvePublicNumbers(int(x, 16), int(y, 16), ec.SECP256R1())
    return numbers.public_key()


PUBLIC = public_key(
    "b6618f6a65740a99e650b33b6b4b5bd0d43b176d721a3edfea7e7d2d56d936b1",
    "865ed22a7eadc9c5cb9d2cbaca1b3699139fedc5043dc6661864218330c8e518",
)


def verify(signature: str, text: str) -> None:
    """Raises ``InvalidSignature``."""
    PUBLIC.verify(bytes.fromhex(signature), text.encode(), ec.ECDSA(SHA256()))


class Case(NamedTuple):
    """One request of the suite."""

    name: str
    method: str = "GET"
    target: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    token: str | None = None
    payload_hash: str = EMPTY_SHA256

    @property
    def normalized(self) -> bool:
        return not self.name.endswith("-unnormalized")

    def signer(self) -> SigV4aSigner:
        return SigV4aSigner(KEY, SECRET, self.token, region="us-east-1", service="service")

    def text(self, raw_path: str, query: str, headers: CIMultiDict[str]) -> str:
        """The string to sign, by the pure functions. Unnormalised paths are signed as S3's are."""
        request = canonical_request(
            self.method,
            canonical_path(raw_path, service="service" if self.normalized else "s3"),
            query,
            canonical_headers(headers.items(), HOST),
            self.payload_hash,
        )
        return string_to_sign(request, DATE, "20150830/service/aws4_request", ECDSA_ALGORITHM)


def form(content_type: str) -> tuple[tuple[str, str], ...]:
    return (
        ("Content-Type", content_type),
        ("Content-Length", "13"),
        ("X-Amz-Content-Sha256", FORM),
    )


SUITE = [
    Case(
        "get-header-key-duplicate",
        headers=(("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1")),
    ),
    Case(
        # Folded over three lines in the suite; a client sends three headers.
        "get-header-value-multiline",
        headers=(("My-Header1", "value1"), ("My-Header1", "  value2"), ("My-Header1", " value3")),
    ),
    Case(
        "get-header-value-order",
        headers=tuple(("My-Header1", f"value{n}") for n in (4, 1, 3, 2)),
    ),
    Case(
        "get-header-value-trim",
        headers=(("My-Header1", " value1"), ("My-Header2", ' "a   b   c"')),
    ),
    *(
        Case(f"{name}-{how}", target=target)
        for name, target in (
            ("get-relative", "/example/.."),
            ("get-relative-relative", "/example1/example2/../.."),
            ("get-slash", "//"),
            ("get-slash-dot-slash", "/./"),
            ("get-slash-pointless-dot", "/./example"),
            ("get-slashes", "//example//"),
        )
        for how in ("normalized", "unnormalized")
    ),
    Case("get-space-normalized", target="/example space/"),
    Case("get-space-unnormalized", target="/example%20space/"),
    Case("get-unreserved", target=f"/{LETTERS}"),
    Case("get-utf8", target="/ሴ"),
    Case("get-vanilla"),
    Case("get-vanilla-empty-query-key", target="/?Param1=value1"),
    Case("get-vanilla-query"),
    Case(
        "get-vanilla-query-order-encoded", target="/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1"
    ),
    Case("get-vanilla-query-order-key-case", target="/?Param2=value2&Param1=value1"),
    Case("get-vanilla-query-unreserved", target=f"/?{LETTERS}={LETTERS}"),
    Case("get-vanilla-utf8-query", target="/?ሴ=bar"),
    Case("get-vanilla-with-session-token", token=TOKEN),
    Case("post-header-key-case", "POST"),
    Case("post-header-key-sort", "POST", headers=(("My-Header1", "value1"),)),
    Case("post-header-value-case", "POST", headers=(("My-Header1", "VALUE1"),)),
    Case("post-sts-header-after", "POST"),  # The token is added when all is signed.
    Case("post-sts-header-before", "POST", headers=(("X-Amz-Security-Token", STS_TOKEN),)),
    Case("post-vanilla", "POST"),
    Case("post-vanilla-empty-query-value", "POST", "/?Param1=value1"),
    Case("post-vanilla-query", "POST", "/?Param1=value1"),
    Case(
        "post-x-www-form-urlencoded",
        "POST",
        headers=form("application/x-www-form-urlencoded"),
        payload_hash=FORM,
    ),
    Case(
        "post-x-www-form-urlencoded-parameters",
        "POST",
        headers=form("application/x-www-form-urlencoded; charset=utf-8"),
        payload_hash=FORM,
    ),
]


def fields(authorization: str) -> dict[str, str]:
    """The algorithm and the fields of the header."""
    algorithm, _, rest = authorization.partition(" ")
    return {"algorithm": algorithm} | dict(f.split("=", 1) for f in rest.split(", "))


def test_every_published_case_is_here() -> None:
    assert len(SUITE) == 38
    assert {(case.name, form) for case in SUITE for form in ("header", "query")} == set(SIGNATURES)


@pytest.mark.parametrize("case", SUITE, ids=lambda case: case.name)
def test_the_suite_in_headers(case: Case) -> None:
    url = f"https://{HOST}{case.target}"
    signed = case.signer().sign(
        case.method, url, case.headers, payload_hash=case.payload_hash, now=NOW
    )
    _, _, raw_path, raw_query = split_url(url)
    text = case.text(raw_path, canonical_query(raw_query), signed)
    verify(SIGNATURES[case.name, "header"], text)
    found = fields(signed["Authorization"])
    assert found["algorithm"] == "AWS4-ECDSA-P256-SHA256"
    assert found["Credential"] == f"{KEY}/20150830/service/aws4_request"
    assert signed["X-Amz-Region-Set"] == "us-east-1"
    if case.normalized:
        verify(found["Signature"], text)


@pytest.mark.parametrize("case", SUITE, ids=lambda case: case.name)
def test_the_suite_in_a_query(case: Case) -> None:
    url = case.signer().presign(
        case.method,
        f"https://{HOST}{case.target}",
        case.headers,
        expires=3600,
        payload_hash=case.payload_hash,
        now=NOW,
    )
    raw_query, _, signature = url.raw_query_string.partition("&X-Amz-Signature=")
    query = canonical_query(raw_query)
    headers = CIMultiDict(case.headers)
    published = query
    if case.name == "get-vanilla-utf8-query":  # Sent, and sorted, as it is before encoding.
        first, _, rest = query.partition("&")
        published = f"{rest}&{first}"
    verify(SIGNATURES[case.name, "query"], case.text(url.raw_path, published, headers))
    if case.normalized:
        verify(signature, case.text(url.raw_path, query, headers))


def test_a_signature_of_something_else_does_not_fit() -> None:
    case = Case("get-vanilla")
    text = case.text(
        "/", "", CIMultiDict([("x-amz-date", DATE), ("x-amz-region-set", "us-east-1")])
    )
    verify(SIGNATURES["get-vanilla", "header"], text)
    with pytest.raises(InvalidSignature):
        verify(SIGNATURES["get-vanilla", "header"], text.replace("0", "1"))


# The private key


@pytest.mark.parametrize(
    ("access_key_id", "secret", "x", "y"),
    [
        (
            KEY,
            SECRET,
            "b6618f6a65740a99e650b33b6b4b5bd0d43b176d721a3edfea7e7d2d56d936b1",
            "865ed22a7eadc9c5cb9d2cbaca1b3699139fedc5043dc6661864218330c8e518",
        ),
        (
            "AKISORANDOMAASORANDOM",
            "q+jcrXGc+0zWN6uzclKVhvMmUsIfRPa4rlRandom",
            "15d242ceebf8d8169fd6a8b5a746c41140414c3b07579038da06af89190fffcb",
            "0515242cedd82e94799482e4c0514b505afccf2c0c98d6a553bf539f424c5ec0",
        ),
    ],
)
def test_the_published_keys(access_key_id: str, secret: str, x: str, y: str) -> None:
    key = ec.derive_private_key(private_value(access_key_id, secret), ec.SECP256R1())
    assert key.public_key().public_numbers() == public_key(x, y).public_numbers()


def test_another_counter_is_tried_where_the_number_is_too_large() -> None:
    first = private_value(KEY, SECRET)
    second = private_value(KEY, SECRET, first)
    assert 0 < second < first
    assert private_value(KEY, SECRET, first + 1) == first
    assert first < P256_ORDER
    with pytest.raises(ValueError, match="no private key of SigV4a") as caught:
        private_value(KEY, SECRET, 2)
    assert SECRET not in str(caught.value)


# The signer


@pytest.fixture
def signer() -> SigV4aSigner:
    return SigV4aSigner(KEY, SECRET, "session+token/value==")


def test_p13_s3s_path_is_signed_as_it_is_and_the_payload_hash_is_a_header(
    signer: SigV4aSigner,
) -> None:
    signed = signer.sign("GET", S3_URL, payload_hash=UNSIGNED_PAYLOAD, now=NOW)
    assert signed["x-amz-content-sha256"] == UNSIGNED_PAYLOAD
    assert signed["x-amz-region-set"] == "*"
    found = fields(signed["Authorization"])
    assert found["Credential"] == f"{KEY}/20150830/s3/aws4_request"
    assert found["SignedHeaders"] == (
        "host;x-amz-content-sha256;x-amz-date;x-amz-region-set;x-amz-security-token"
    )
    _, host, raw_path, _ = split_url(S3_URL)
    headers = canonical_headers(signed.items(), host)
    request = canonical_request("GET", raw_path, "", headers, UNSIGNED_PAYLOAD)
    text = string_to_sign(request, DATE, "20150830/s3/aws4_request", ECDSA_ALGORITHM)
    verify(found["Signature"], text)


def test_without_anything_else_the_region_set_is_signed_too() -> None:
    signed = SigV4aSigner(KEY, SECRET).sign("GET", S3_URL, payload_hash=EMPTY_SHA256)
    names = "host;x-amz-content-sha256;x-amz-date;x-amz-region-set"
    assert fields(signed["Authorization"])["SignedHeaders"] == names


def test_a_link_has_the_region_set_and_the_token(signer: SigV4aSigner) -> None:
    stale = {"X-Amz-Region-Set": "old", "x-amz-security-token": "old", "x-amz-date": "old"}
    url = signer.presign("GET", S3_URL, stale, expires=timedelta(minutes=1), now=NOW)
    assert list(url.query)[:-1] == sorted(list(url.query)[:-1])
    assert url.query["X-Amz-Algorithm"] == "AWS4-ECDSA-P256-SHA256"
    assert url.query["X-Amz-Region-Set"] == "*"
    assert url.query["X-Amz-Security-Token"] == "session+token/value=="
    assert url.query["X-Amz-SignedHeaders"] == "host"
    assert "X-Amz-Region-Set=%2A&" in url.raw_query_string
    with pytest.raises(ValueError, match="presigned already"):
        signer.presign("GET", URL(S3_URL).with_query("X-Amz-Region-Set=*"), expires=60)


def test_two_signatures_differ_and_both_fit() -> None:
    signer = SigV4aSigner(KEY, SECRET)
    one, two = signer.signature("text", NOW), signer.signature("text", NOW)
    assert one != two
    verify(one, "text")
    verify(two, "text")


def test_it_takes_the_place_of_the_other_signer(signer: SigV4aSigner) -> None:
    assert isinstance(signer, SigV4Signer)
    other = SigV4aSigner(KEY, SECRET, region="eu-*,us-east-1", service="s3-outposts")
    signed = other.sign("GET", S3_URL, payload_hash=EMPTY_SHA256, now=NOW)
    assert signed["x-amz-region-set"] == "eu-*,us-east-1"
    assert "/20150830/s3-outposts/aws4_request" in signed["Authorization"]


def test_it_signs_neither_chunks_nor_forms(signer: SigV4aSigner) -> None:
    with pytest.raises(ValueError, match="SigV4a signs no chunks"):
        signer.sign_chunk("", EMPTY_SHA256)
    with pytest.raises(ValueError, match="SigV4a signs no trailers"):
        signer.sign_trailer("", EMPTY_SHA256)
    with pytest.raises(ValueError, match="SigV4a signs no forms"):
        signer.form_fields()


@pytest.mark.parametrize("region", ["", "*,", "a b", "us-east-1, eu-*", "a*b", "é", "*\n", "**"])
def test_a_region_set_that_cannot_be_is_refused(region: str) -> None:
    with pytest.raises(ValueError, match="region must be"):
        SigV4aSigner(KEY, SECRET, region=region)


def test_a_region_set_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="region must be a str, not list"):
        SigV4aSigner(KEY, SECRET, region=cast("Any", ["*"]))


def test_nothing_that_can_be_printed_shows_a_secret(signer: SigV4aSigner) -> None:
    assert repr(signer) == "SigV4aSigner('AKIDEXAMPLE', region='*', service='s3')"
    private = private_value(KEY, SECRET)
    for shown in (repr(signer), repr(signer._key)):
        assert not any(text in shown for text in (SECRET, str(private), f"{private:x}"))
    assert not hasattr(signer, "__dict__")
    for way_out in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="a SigV4aSigner holds a secret"):
            way_out(signer)


@pytest.mark.parametrize("module", ["asymmetric.ec", "hashes"])
def test_without_cryptography_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setitem(sys.modules, f"cryptography.hazmat.primitives.{module}", None)
    with pytest.raises(ImportError, match=r"aiohttp-s3-client\[sigv4a\]") as caught:
        SigV4aSigner(KEY, SECRET)
    assert SECRET not in str(caught.value)
