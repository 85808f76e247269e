"""Links and forms end with the credentials that sign them."""

from __future__ import annotations

import json
import warnings
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import CredentialsError
from aiohttp_s3_client.models import CredentialsSnapshot
from aiohttp_s3_client.protocol.timestamps import parse_time

DAY = 24 * 60 * 60


class Lease:
    """Credentials that end *seconds* from now."""

    def __init__(self, seconds: float) -> None:
        ends = datetime.now(UTC) + timedelta(seconds=seconds)
        self._held = CredentialsSnapshot("key", "secret", "token", ends, "eu-west-1")

    async def resolve(self) -> CredentialsSnapshot:
        return self._held

    def at_hand(self) -> CredentialsSnapshot:
        return self._held

    def invalidate(self) -> None:
        pass


def client_with(seconds: float) -> S3Client:
    return S3Client(credentials=Lease(seconds), bucket="bucket")


def seconds_of(link: object) -> int:
    return int(parse_qs(urlsplit(str(link)).query)["X-Amz-Expires"][0])


def by_verb(client: S3Client, seconds: int) -> int:
    return seconds_of(client.presign_url("GET", "key", expires=seconds))


def by_operation(client: S3Client, seconds: int) -> int:
    return seconds_of(client.generate_presigned_url("get_object", {"Key": "key"}, seconds))


def by_form(client: S3Client, seconds: int) -> int:
    form = client.generate_presigned_post(key="key", expires_in=seconds)
    ends = parse_time(json.loads(b64decode(form["fields"]["policy"]))["expiration"])
    begins = datetime.strptime(form["fields"]["x-amz-date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
    return round((ends - begins).total_seconds())


Presign = Callable[[S3Client, int], int]
ALL = pytest.mark.parametrize("presign", [by_verb, by_operation, by_form])


@ALL
def test_shortened_with_a_warning_where_the_caller_stands(presign: Presign) -> None:
    with pytest.warns(UserWarning, match=f"{DAY} s are wanted, but the credentials end") as caught:
        seconds = presign(client_with(600), DAY)
    assert 590 < seconds < 600
    assert [warning.filename for warning in caught] == [__file__]


@ALL
def test_as_asked_where_the_credentials_last(presign: Presign) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert presign(client_with(DAY + 60), DAY) == DAY


@ALL
def test_credentials_that_have_ended_sign_nothing(presign: Presign) -> None:
    with pytest.raises(CredentialsError, match="the credentials at hand ended at 20") as caught:
        presign(client_with(0.5), DAY)
    assert "secret" not in str(caught.value)


@ALL
def test_the_clock_is_that_of_requests(presign: Presign) -> None:
    """A server's time, once a request has learnt it, tells what is left."""
    client = client_with(DAY)
    client._engine.pipeline.clock.offset = timedelta(hours=1)
    with pytest.warns(UserWarning, match="the credentials end"):
        assert DAY - 3700 < presign(client, DAY) < DAY - 3500
