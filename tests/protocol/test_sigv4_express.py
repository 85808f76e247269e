"""Signatures for S3 Express: botocore's are the same, and its token has the same names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl

import pytest
from botocore.auth import S3ExpressAuth, S3ExpressPostAuth, S3ExpressQueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from yarl import URL

from aiohttp_s3_client.protocol.encoding import encode_query
from aiohttp_s3_client.protocol.post_policy import signed_form
from aiohttp_s3_client.protocol.sigv4 import EMPTY_SHA256, UNSIGNED_PAYLOAD
from aiohttp_s3_client.protocol.sigv4_express import ExpressSigner

KEY, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "to/k+en=="
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
HOST = "https://data--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com"
QUERIES = [[], [("list-type", "2"), ("prefix", "a b/+")], [("uploads", "")]]


def signer() -> ExpressSigner:
    return ExpressSigner(KEY, SECRET, TOKEN, region="us-east-1")


def made(kind: type[S3ExpressAuth], **options: Any) -> S3ExpressAuth:
    keys = Credentials(KEY, SECRET, TOKEN)
    no_cache: Any = None
    return kind(keys, "s3express", "us-east-1", identity_cache=no_cache, **options)


def oracle(kind: type[S3ExpressAuth], request: AWSRequest, **options: Any) -> AWSRequest:
    auth = made(kind, **options)
    with patch("botocore.auth.get_current_datetime", return_value=NOW):
        auth.add_auth(request)
    return request


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("payload_hash", [EMPTY_SHA256, UNSIGNED_PAYLOAD])
def test_headers(query: list[tuple[str, str]], payload_hash: str) -> None:
    raw = encode_query(query)
    url = URL(f"{HOST}/a/key%20b{'?' if raw else ''}{raw}", encoded=True)
    request = AWSRequest("GET", str(url), headers={"x-amz-meta-a": "1"})
    signs = payload_hash != UNSIGNED_PAYLOAD
    request.context["client_config"] = Config(s3={"payload_signing_enabled": signs})
    expected = oracle(S3ExpressAuth, request).headers
    ours = signer().sign("GET", url, {"x-amz-meta-a": "1"}, payload_hash=payload_hash, now=NOW)
    assert ours["Authorization"] == expected["Authorization"]
    assert "/us-east-1/s3express/aws4_request" in ours["Authorization"]
    assert ours["x-amz-s3session-token"] == expected["x-amz-s3session-token"] == TOKEN
    assert "x-amz-security-token" not in ours


@pytest.mark.parametrize("query", QUERIES)
def test_links(query: list[tuple[str, str]]) -> None:
    raw = encode_query(query)
    url = URL(f"{HOST}/a/key{'?' if raw else ''}{raw}", encoded=True)
    expected = oracle(S3ExpressQueryAuth, AWSRequest("GET", str(url)), expires=60).url
    ours = signer().presign("GET", url, expires=60, now=NOW)
    pairs = [parse_qsl(URL(str(each)).raw_query_string, True) for each in (ours, expected)]
    assert sorted(pairs[0]) == sorted(pairs[1])
    with pytest.raises(ValueError, match="presigned already"):
        signer().presign("GET", ours, expires=60)
    bare = URL(f"{HOST}/a/key?X-Amz-S3session-Token=x")
    with pytest.raises(ValueError, match="presigned already"):
        signer().presign("GET", bare, expires=60)


def test_forms() -> None:
    ours = signed_form(signer(), "data--use1-az4--x-s3", "key", {}, [], seconds=60, now=NOW)
    request = AWSRequest("POST", HOST)
    request.context["s3-presign-post-fields"] = {}
    request.context["s3-presign-post-policy"] = {"conditions": []}
    oracle(S3ExpressPostAuth, request)
    theirs = request.context["s3-presign-post-fields"]
    added = ours.keys() - {"key"}
    assert added == theirs.keys()
    alike = added - {"policy", "x-amz-signature"}
    assert {name: ours[name] for name in alike} == {name: theirs[name] for name in alike}
    with patch("botocore.auth.get_current_datetime", return_value=NOW):
        signature = made(S3ExpressPostAuth).signature(ours["policy"], request)
    assert ours["x-amz-signature"] == signature


@pytest.mark.parametrize("name", ["X-Amz-S3session-Token", "x-amz-s3session-token"])
def test_the_token_of_a_form_is_the_signature_s(name: str) -> None:
    with pytest.raises(ValueError, match="set by the signature") as raised:
        signed_form(signer(), "b--use1-az4--x-s3", "key", {name: TOKEN}, [], seconds=60, now=NOW)
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize("token", [None, ""])
def test_a_session_has_a_token(token: str | None) -> None:
    with pytest.raises(ValueError, match="session_token is empty"):
        ExpressSigner(KEY, SECRET, token, region="us-east-1")


def test_a_signer_keeps_its_secrets() -> None:
    assert repr(signer()) == "ExpressSigner('AKIDEXAMPLE', region='us-east-1', service='s3express')"
