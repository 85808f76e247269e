"""Presigned URLs of all of S3's operations are botocore's, to the last digit of the signature."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.config import AddressingStyle
from aiohttp_s3_client.credentials import AnonymousCredentials
from aiohttp_s3_client.errors import ParamValidationError
from aiohttp_s3_client.operations.loading import link_model
from aiohttp_s3_client.protocol.clock import Clock
from aiohttp_s3_client.protocol.model.names import OPERATIONS

from .calls import calls, full_calls

KEY_ID, SECRET, TOKEN = (
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "to/ken+",
)
NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
HOST = "s3.example.com"
METHODS = sorted(OPERATIONS)


class StoppedClock(Clock):
    __slots__ = ()

    def now(self) -> datetime:
        return NOW


class Both:
    """boto3's client and ours, alike as far as settings go."""

    def __init__(self, style: AddressingStyle = "path", token: str | None = None) -> None:
        import boto3
        from botocore.config import Config

        self.boto3 = boto3.session.Session().client(
            "s3",
            endpoint_url=f"https://{HOST}:9000",
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
            aws_session_token=token,
            region_name="eu-west-1",
            # What is in a body is required of some, and boto3 cannot presign it.
            config=Config(
                signature_version="s3v4", s3={"addressing_style": style}, parameter_validation=False
            ),
        )
        self.ours = S3Client(
            url=f"https://{HOST}:9000",
            access_key_id=KEY_ID,
            secret_access_key=SECRET,
            session_token=token,
            region="eu-west-1",
            addressing_style=style,
        )
        self.ours._engine.pipeline.clock = StoppedClock()

    def urls(self, method: str, params: dict[str, Any], **more: Any) -> tuple[Any, Any]:
        """boto3's link and ours, in a form in which two can be compared."""
        asked = {"ClientMethod": method, "Params": params, **more}
        theirs = self.boto3.generate_presigned_url(**deepcopy(asked))  # It writes into them.
        return parsed(theirs), parsed(self.ours.generate_presigned_url(**asked))


def parsed(url: str) -> tuple[str, str, str, list[tuple[str, str]]]:
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
    return parts.scheme, parts.netloc.lower(), parts.path, sorted(query)


def strings(value: object) -> Iterator[str]:
    """All texts in parameters, those in lists and dicts too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for held in (*value.keys(), *value.values()):
            yield from strings(held)
    elif isinstance(value, list | tuple):
        for held in value:
            yield from strings(held)


@pytest.fixture(autouse=True, scope="module")
def stopped() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in ("auth", "signers"):
            patch.setattr(
                f"botocore.{module}.get_current_datetime", lambda: NOW.replace(tzinfo=None)
            )
        yield


@pytest.fixture(scope="module")
def both() -> Both:
    return Both()


@pytest.mark.parametrize("method", METHODS)
def test_every_operation_with_everything(both: Both, method: str) -> None:
    for params in full_calls(link_model().operation(OPERATIONS[method])):
        theirs, ours = both.urls(method, params)
        assert ours == theirs


@pytest.mark.parametrize(
    "method", ["copy_object", "get_object", "list_objects_v2", "put_object", "upload_part"]
)
@settings(max_examples=25)
@given(data=st.data())
def test_whatever_parameters(both: Both, method: str, data: st.DataObject) -> None:
    params = data.draw(calls(link_model().operation(OPERATIONS[method])))
    # botocore folds white space of Unicode in headers, which is none in HTTP.
    assume(all(text.isascii() or text.split(" ") == text.split() for text in strings(params)))
    theirs, ours = both.urls(method, params)
    assert ours == theirs


@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("token", [None, TOKEN])
def test_styles_tokens_expiries_and_verbs(style: AddressingStyle, token: str | None) -> None:
    both = Both(style, token)
    params = {"Bucket": "bucket", "Key": "a b/ü+?%", "VersionId": "v/1", "PartNumber": 3}
    for more in ({}, {"ExpiresIn": 1}, {"ExpiresIn": 604_800}, {"HttpMethod": "HEAD"}):
        theirs, ours = both.urls("get_object", params, **more)
        assert ours == theirs
        assert ours[1].startswith("bucket.") == (style == "virtual")
        assert (("X-Amz-Security-Token", TOKEN) in ours[3]) == (token is not None)


def test_arguments_by_position_or_by_either_name(both: Both) -> None:
    ours = both.ours
    params = {"Bucket": "bucket", "Key": "key"}
    link = ours.generate_presigned_url("get_object", params, 60, "HEAD")
    assert "X-Amz-Expires=60&" in link
    assert link == ours.generate_presigned_url(
        client_method="get_object",
        params=params,
        expires_in=timedelta(minutes=1.015),
        http_method="HEAD",
    )
    assert link == ours.generate_presigned_url(
        ClientMethod="get_object", Params=params, ExpiresIn=60, HttpMethod="HEAD"
    )
    assert "X-Amz-Expires=3600&" in ours.generate_presigned_url("get_object", params)


def test_what_is_in_headers_is_signed(both: Both) -> None:
    link = both.ours.generate_presigned_url(
        "put_object",
        {
            "Bucket": "bucket",
            "Key": "key",
            "Body": None,
            "ContentType": "text/plain",
            "Metadata": {"Colour": "blue"},
            "ChecksumSHA256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
            "SSECustomerAlgorithm": "AES256",
            "SSECustomerKey": b"0" * 32,
        },
    )
    assert dict(parsed(link)[3])["X-Amz-SignedHeaders"] == (
        "content-type;host;x-amz-checksum-sha256;x-amz-meta-colour;"
        "x-amz-server-side-encryption-customer-algorithm;"
        "x-amz-server-side-encryption-customer-key;"
        "x-amz-server-side-encryption-customer-key-md5"
    )


def test_no_token_is_made_up_that_nobody_would_know(both: Both) -> None:
    """boto3 signs a random ``x-amz-client-token``, and does not say which."""
    params = {"Bucket": "bucket", "Key": "new", "RenameSource": "old"}
    link = both.ours.generate_presigned_url("rename_object", params)
    assert dict(parsed(link)[3])["X-Amz-SignedHeaders"] == "host;x-amz-rename-source"


def test_a_bound_client_needs_no_bucket() -> None:
    client = S3Client(
        url=f"https://{HOST}/bucket/base", access_key_id=KEY_ID, secret_access_key=SECRET
    )
    path = parsed(client.generate_presigned_url("get_object", {"Key": "key"}))[2]
    assert path == "/bucket/key", "a whole key, as in client.api"


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"ClientMethod": "get_objekt"}, ValueError, "client_method: S3 has no operation 'get_objekt'"),
    ({"ClientMethod": None}, TypeError, "client_method is missing"),
    ({"ClientMethod": 3}, ValueError, "client_method: S3 has no operation 3"),
    ({"Params": [("Bucket", "bucket")]}, TypeError, "params must be a mapping, not list"),
    ({"Params": {"Bucket": "bucket"}}, ParamValidationError, "Key is missing"),
    ({"Params": {"Bucket": "a/b", "Key": "key"}}, ParamValidationError, "'a/b' is not a bucket"),
    ({"Params": {"Bucket": "b", "Key": "k", "Kex": 1}}, ParamValidationError, "Kex is unknown"),
    ({"ExpiresIn": 0}, ValueError, "expires_in must be from 1 to 604800 seconds"),
    ({"ExpiresIn": 604_801}, ValueError, "expires_in must be from 1 to 604800 seconds"),
    ({"ExpiresIn": "60"}, TypeError, "expires_in must be an int"),
    ({"ExpiresIn": 60, "expires_in": 60.0}, TypeError, "the same argument"),
    ({"ExpiresIn": True}, TypeError, "expires_in must be an int"),
    ({"HttpMethod": "GE T"}, ValueError, "method must be an HTTP method, not 'GE T'"),
    ({"HttpMethod": 1}, TypeError, "http_method must be a str, not 1"),
    ({"params": {}}, TypeError, "params and Params are the same argument"),
    ({"Expires": 60}, TypeError, "'Expires' is no argument"),
]


@pytest.mark.parametrize(("wrong", "error", "message"), REFUSED)
def test_refused_by_name(
    both: Both, wrong: dict[str, Any], error: type[Exception], message: str
) -> None:
    good: dict[str, Any] = {
        "ClientMethod": "get_object",
        "Params": {"Bucket": "bucket", "Key": "key"},
    }
    with pytest.raises(error, match=re.escape(message)):
        both.ours.generate_presigned_url(**{**good, **wrong})


@pytest.mark.parametrize(
    ("method", "member", "value"),
    [
        ("put_object", "Body", b"some bytes"),
        ("complete_multipart_upload", "MultipartUpload", {"Parts": []}),
        ("put_bucket_cors", "CORSConfiguration", {"CORSRules": []}),
    ],
)
def test_what_is_in_the_body_is_for_others_to_send(
    both: Both, method: str, member: str, value: object
) -> None:
    """boto3 fails too, without a word about why."""
    params = {"Bucket": "bucket", "Key": "key", "UploadId": "id", member: value}
    if method == "put_bucket_cors":
        del params["Key"], params["UploadId"]
    with pytest.raises(ParamValidationError, match=f"{member} is for who uses the link to send"):
        both.ours.generate_presigned_url(method, params)


def test_anonymous_credentials_sign_nothing() -> None:
    client = S3Client(url=f"https://{HOST}", credentials=AnonymousCredentials())
    with pytest.raises(ValueError, match="anonymous credentials sign nothing"):
        client.generate_presigned_url("list_buckets")
    with pytest.raises(ValueError, match="anonymous credentials sign nothing"):
        client.generate_presigned_post("bucket", "key")
