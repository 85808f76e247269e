"""Keywords, URLs, and no credentials on purpose."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from aiohttp_s3_client.credentials import (
    AbstractCredentials,
    AnonymousCredentials,
    StaticCredentials,
    URLCredentials,
)
from aiohttp_s3_client.errors import CredentialsError
from aiohttp_s3_client.models import CredentialsProvider

from .conftest import KEY, SECRET, TOKEN


async def test_keywords_give_all_three() -> None:
    credentials = StaticCredentials(KEY, SECRET, TOKEN, "eu-west-1")
    snapshot = await credentials.resolve()
    assert (snapshot.access_key_id, snapshot.secret_access_key) == (KEY, SECRET)
    assert (snapshot.session_token, snapshot.region) == (TOKEN, "eu-west-1")
    assert snapshot.expires_at is None
    assert credentials
    assert credentials.at_hand() == snapshot
    assert (credentials.access_key_id, credentials.secret_access_key) == (KEY, SECRET)
    assert (credentials.session_token, credentials.region) == (TOKEN, "eu-west-1")
    assert credentials.service == "s3"
    assert isinstance(credentials, CredentialsProvider)
    assert isinstance(credentials, AbstractCredentials)


def test_signer_of_keywords() -> None:
    signer = StaticCredentials(KEY, SECRET, region="eu-west-1", service="sts").signer
    assert signer is not None
    assert (signer.access_key_id, signer.region, signer.service) == (KEY, "eu-west-1", "sts")


def test_signer_is_made_once_and_for_us_east_1_when_no_region_is_known() -> None:
    credentials = StaticCredentials(KEY, SECRET)
    signer = credentials.signer
    assert signer is not None
    assert signer.region == "us-east-1"
    assert credentials.signer is signer


async def test_nothing_given_is_false_and_says_so_when_asked() -> None:
    credentials = StaticCredentials(region="eu-west-1")
    assert not credentials
    assert credentials.access_key_id == credentials.secret_access_key == ""
    assert credentials.session_token is None
    assert credentials.region == "eu-west-1"
    with pytest.raises(CredentialsError, match=r"tried: keywords \(no access_key_id\)"):
        await credentials.resolve()
    with pytest.raises(CredentialsError, match="keywords"):
        assert credentials.signer


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"access_key_id": KEY}, "access_key_id is given without secret_access_key"),
        ({"secret_access_key": SECRET}, "secret_access_key is given without access_key_id"),
        ({"session_token": TOKEN}, "session_token is given without access_key_id"),
        ({"access_key_id": SECRET, "secret_access_key": KEY}, "seem to be swapped"),
        ({"secret_access_key": KEY}, "seem to be swapped"),
        ({"access_key_id": "key\n", "secret_access_key": SECRET}, "access_key_id has a control"),
        (
            {"access_key_id": KEY, "secret_access_key": SECRET, "session_token": "a\r\nb: c"},
            "session_token has a control",
        ),
    ],
)
def test_half_swapped_and_broken_pairs_are_refused_without_their_values(
    given: dict[str, str], words: str
) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        StaticCredentials(**given)
    assert not any(value in str(caught.value) for value in given.values())


@pytest.mark.parametrize(
    "name", ["access_key_id", "secret_access_key", "session_token", "region", "service"]
)
def test_an_argument_that_is_no_text_is_refused_by_name(name: str) -> None:
    given: dict[str, object] = {"access_key_id": KEY, "secret_access_key": SECRET, name: b"bytes"}
    with pytest.raises(TypeError, match=f"{name} must be a str, not bytes"):
        StaticCredentials(**given)  # type: ignore[arg-type]  # wrong on purpose


def test_key_and_secret_that_both_look_like_ids_are_left_alone() -> None:
    assert StaticCredentials(KEY, KEY)


@pytest.mark.parametrize("kind", [str, URL])
def test_url_userinfo_is_decoded(kind: type) -> None:
    url = kind("http://test%3Atester:a%2Fb+c%25d@127.0.0.1:8080/bucket")
    credentials = URLCredentials(url, region="eu-west-1")
    assert credentials
    assert credentials.access_key_id == "test:tester"
    assert credentials.secret_access_key == "a/b+c%d"
    assert credentials.region == "eu-west-1"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1), st.text(min_size=1))
@example("+", "%2F")
@example("%", "a%zz")
@example("test:tester", "\r\n")
def test_url_userinfo_round_trip(key: str, secret: str) -> None:
    url = f"http://{quote(key, safe='')}:{quote(secret, safe='')}@host:9000/b"
    credentials = URLCredentials(url)
    assert (credentials.access_key_id, credentials.secret_access_key) == (key, secret)


@pytest.mark.parametrize("url", ["http://host/bucket", "http://@host/bucket", "http://:@host"])
async def test_url_without_userinfo_is_false(url: str) -> None:
    credentials = URLCredentials(url)
    assert not credentials
    with pytest.raises(CredentialsError, match="URL"):
        await credentials.resolve()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://hack-me@host", "without the URL's password"),
        ("http://hack-me:@host", "without the URL's password"),
        ("http://:hack-me@host", "without the URL's user"),
        (f"http://{quote(SECRET, safe='')}:{KEY}@host", "swapped"),
        ("http://key:hack-me/more@host", "no valid URL"),
        ("http://key@hack-me:your-s3-host", "no valid URL"),
    ],
)
def test_broken_userinfo_is_refused_without_its_values(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        URLCredentials(url)
    assert "hack-me" not in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_url_must_be_a_url() -> None:
    with pytest.raises(TypeError, match=r"url must be a str or a yarl\.URL, not NoneType"):
        URLCredentials(None)  # type: ignore[arg-type]  # wrong on purpose


async def test_anonymous_is_false_and_has_no_signer() -> None:
    credentials = AnonymousCredentials(region="eu-west-1")
    assert not credentials
    assert credentials.signer is None
    snapshot = await credentials.resolve()
    assert snapshot.anonymous
    assert snapshot.region == "eu-west-1"
    credentials.invalidate()
    assert (await credentials.resolve()).anonymous
