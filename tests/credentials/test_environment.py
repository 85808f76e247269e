"""Environment variables."""

from __future__ import annotations

import pytest

from aiohttp_s3_client.credentials import EnvironmentCredentials
from aiohttp_s3_client.errors import CredentialsError

from .conftest import KEY, SECRET, TOKEN


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    return monkeypatch


async def test_all_variables(whole: pytest.MonkeyPatch) -> None:
    whole.setenv("AWS_SESSION_TOKEN", TOKEN)
    whole.setenv("AWS_SECURITY_TOKEN", "an older one")
    whole.setenv("AWS_REGION", "eu-west-1")
    whole.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    credentials = EnvironmentCredentials()
    assert credentials
    snapshot = await credentials.resolve()
    assert (snapshot.access_key_id, snapshot.secret_access_key) == (KEY, SECRET)
    assert (snapshot.session_token, snapshot.region) == (TOKEN, "eu-west-1")
    assert EnvironmentCredentials(region="us-west-1").region == "us-west-1"


def test_older_names(whole: pytest.MonkeyPatch) -> None:
    whole.setenv("AWS_SECURITY_TOKEN", TOKEN)
    whole.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    credentials = EnvironmentCredentials()
    assert (credentials.session_token, credentials.region) == (TOKEN, "eu-west-2")


def test_empty_counts_as_unset_and_line_breaks_go(whole: pytest.MonkeyPatch) -> None:
    whole.setenv("AWS_SECRET_ACCESS_KEY", SECRET + "\n")
    whole.setenv("AWS_SESSION_TOKEN", "")
    whole.setenv("AWS_REGION", " ")
    whole.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    credentials = EnvironmentCredentials()
    assert credentials.secret_access_key == SECRET
    assert credentials.session_token is None
    assert credentials.region == "eu-west-2"
    whole.setenv("AWS_ACCESS_KEY_ID", "")
    whole.setenv("AWS_SECRET_ACCESS_KEY", "")
    assert not EnvironmentCredentials()


async def test_it_is_read_when_made(whole: pytest.MonkeyPatch) -> None:
    credentials = EnvironmentCredentials()
    whole.setenv("AWS_ACCESS_KEY_ID", "other")
    assert (await credentials.resolve()).access_key_id == KEY


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "AWS_ACCESS_KEY_ID is not set"),
        ({"AWS_ACCESS_KEY_ID": KEY}, "AWS_ACCESS_KEY_ID is given without AWS_SECRET_ACCESS_KEY"),
        ({"AWS_SECRET_ACCESS_KEY": SECRET}, "AWS_SECRET_ACCESS_KEY is given without"),
        ({"AWS_SESSION_TOKEN": TOKEN}, "AWS_SESSION_TOKEN is given without"),
        ({"AWS_ACCESS_KEY_ID": SECRET, "AWS_SECRET_ACCESS_KEY": KEY}, "swapped"),
    ],
)
async def test_less_than_a_pair_is_nothing_and_named(
    variables: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    credentials = EnvironmentCredentials(region="eu-west-1")
    assert not credentials
    assert credentials.region == "eu-west-1"
    with pytest.raises(CredentialsError, match=words) as caught:
        await credentials.resolve()
    assert not any(value in str(caught.value) for value in variables.values())
