"""Several sources as one: order, what is merged and what is not, laziness."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from aiohttp_s3_client.credentials import (
    AnonymousCredentials,
    ConfigCredentials,
    EnvironmentCredentials,
    MetadataCredentials,
    StaticCredentials,
    collect_credentials,
    merge_credentials,
)
from aiohttp_s3_client.errors import CredentialsError

from .conftest import KEY, SECRET, TOKEN, Imds

URL = "http://url-key:url-secret@host/bucket"
FILE = "[default]\naws_access_key_id=file-key\naws_secret_access_key=file-secret\nregion=file-r\n"


@pytest.fixture
def file(home: Path) -> Path:
    path = home / ".aws" / "credentials"
    path.write_text(FILE)
    return path


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "env-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "env-token")
    return monkeypatch


@pytest.mark.usefixtures("file")
async def test_order(environment: pytest.MonkeyPatch) -> None:
    whole = collect_credentials(url=URL, access_key_id=KEY, secret_access_key=SECRET)
    assert (await whole.resolve()).access_key_id == KEY
    assert (await collect_credentials(url=URL).resolve()).access_key_id == "url-key"
    assert (await collect_credentials(url="http://host").resolve()).access_key_id == "env-key"
    environment.delenv("AWS_ACCESS_KEY_ID")
    assert (await collect_credentials().resolve()).access_key_id == "file-key"


@pytest.mark.usefixtures("environment", "file")
async def test_fields_of_two_sources_are_never_mixed() -> None:
    snapshot = await collect_credentials(url=URL).resolve()
    assert (snapshot.access_key_id, snapshot.secret_access_key) == ("url-key", "url-secret")
    assert snapshot.session_token is None


@pytest.mark.usefixtures("file")
async def test_half_a_pair_is_passed_over_as_a_whole(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("AWS_SECRET_ACCESS_KEY")
    snapshot = await collect_credentials().resolve()
    assert (snapshot.access_key_id, snapshot.secret_access_key) == ("file-key", "file-secret")
    assert snapshot.session_token is None


@pytest.mark.usefixtures("file")
async def test_the_region_is_merged(environment: pytest.MonkeyPatch) -> None:
    assert (await collect_credentials(url=URL).resolve()).region == "file-r"
    environment.setenv("AWS_REGION", "env-r")
    assert (await collect_credentials(url=URL).resolve()).region == "env-r"
    given = collect_credentials(url=URL, region="given-r")
    assert (await given.resolve()).region == given.region == "given-r"
    merged = merge_credentials(EnvironmentCredentials(), StaticCredentials(KEY, SECRET, region="s"))
    assert merged.region == "env-r"


async def test_resolve_gives_the_same_object_while_nothing_changes() -> None:
    credentials = collect_credentials(url=URL, region="given-r")
    assert await credentials.resolve() is await credentials.resolve()
    assert credentials.at_hand() is await credentials.resolve()
    assert credentials.signer is credentials.signer


async def test_nothing_found_lists_what_was_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    credentials = collect_credentials(url="http://host/bucket", region="r")
    with pytest.raises(CredentialsError) as caught:
        await credentials.resolve()
    message = str(caught.value)
    assert message.startswith("no credentials found; tried: ")
    for words in (
        "keywords (no access_key_id)",
        "URL (no key:secret@ in it)",
        "environment (AWS_ACCESS_KEY_ID is given without AWS_SECRET_ACCESS_KEY)",
        "profile 'default' (~/.aws/credentials does not exist, ~/.aws/config does not exist)",
    ):
        assert words in message
    assert not credentials
    with pytest.raises(CredentialsError, match="tried: keywords"):
        credentials.at_hand()


def test_half_a_pair_in_the_keywords_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="access_key_id is given without secret_access_key"):
        collect_credentials(url=URL, access_key_id=KEY)


def test_none_and_empty_keywords_are_not_given() -> None:
    credentials = collect_credentials(
        url=URL, access_key_id=None, secret_access_key="", session_token=None, region=None
    )
    assert credentials.access_key_id == "url-key"


@pytest.mark.usefixtures("file")
async def test_p01_at_hand_is_as_lazy_as_what_comes_first(environment: pytest.MonkeyPatch) -> None:
    """P1: inside a loop the files are not read, and matter only when nobody before has keys."""
    credentials = collect_credentials()
    assert credentials
    assert credentials.access_key_id == "env-key"
    signer = credentials.signer
    assert signer is not None
    assert signer.region == "us-east-1"
    environment.delenv("AWS_ACCESS_KEY_ID")
    lazy = collect_credentials()
    with pytest.raises(CredentialsError, match=r"await credentials\.resolve\(\)"):
        bool(lazy)
    with pytest.raises(CredentialsError, match=r"await credentials\.resolve\(\)"):
        assert lazy.signer
    assert lazy.region == ""
    await lazy.resolve()
    assert lazy.access_key_id == "file-key"
    assert lazy.region == "file-r"


async def test_whole_keywords_and_region_need_no_file(home: Path) -> None:
    (home / ".aws" / "credentials").write_text("broken")
    credentials = collect_credentials(access_key_id=KEY, secret_access_key=SECRET, region="r")
    assert (await credentials.resolve()).region == "r"


@pytest.mark.usefixtures("file")
def test_where_no_loop_runs_the_files_are_read_at_once() -> None:
    assert collect_credentials().access_key_id == "file-key"
    signer = collect_credentials(url=URL).signer
    assert signer is not None
    assert (signer.access_key_id, signer.region) == ("url-key", "file-r")


async def test_a_broken_file_is_an_error_where_it_is_needed(home: Path) -> None:
    (home / ".aws" / "config").write_text("broken")
    credentials = merge_credentials(ConfigCredentials(), StaticCredentials(KEY, SECRET))
    with pytest.raises(CredentialsError, match="line 1"):
        await credentials.resolve()


async def test_a_broken_file_is_logged_once_where_only_a_region_is_wanted(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (home / ".aws" / "config").write_text("broken")
    credentials = collect_credentials(url=URL)
    for _ in range(3):
        assert (await credentials.resolve()).region == ""
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "line 1" in caplog.text
    assert credentials.region == ""


def test_a_broken_file_is_logged_where_no_loop_runs(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (home / ".aws" / "config").write_text("broken")
    assert collect_credentials(url=URL).region == ""
    assert "line 1" in caplog.text


async def test_anonymous_is_what_remains_when_nobody_has_keys() -> None:
    credentials = merge_credentials(
        AnonymousCredentials(region="r"), EnvironmentCredentials(), AnonymousCredentials()
    )
    assert (await credentials.resolve()).anonymous
    assert not credentials
    assert credentials.signer is None
    assert (await credentials.resolve()).region == "r"
    with_keys = merge_credentials(AnonymousCredentials(), StaticCredentials(KEY, SECRET, TOKEN))
    assert (await with_keys.resolve()).session_token == TOKEN


def replace_text(file: Path, text: str) -> None:
    file.write_text(text)


async def test_a_chosen_source_is_never_left_for_another(file: Path) -> None:
    credentials = merge_credentials(ConfigCredentials(), StaticCredentials(KEY, SECRET))
    assert (await credentials.resolve()).access_key_id == "file-key"
    replace_text(file, "")
    credentials.invalidate()
    with pytest.raises(CredentialsError, match="has no such profile"):
        await credentials.resolve()
    replace_text(file, FILE.replace("file-key", "rotated"))
    assert (await credentials.resolve()).access_key_id == "rotated"


async def test_merged_ones_can_be_merged(file: Path) -> None:
    inner = merge_credentials(EnvironmentCredentials(), ConfigCredentials())
    outer = merge_credentials(StaticCredentials(), inner)
    assert (await outer.resolve()).region == "file-r"
    assert outer.access_key_id == "file-key"


async def test_off_ec2_the_next_source_is_asked(imds: Imds) -> None:
    imds.replies = {imds.TOKEN: (403, "")}
    metadata = MetadataCredentials(host="127.0.0.1", port=imds.port)
    credentials = merge_credentials(metadata, StaticCredentials(KEY, SECRET))
    with pytest.raises(CredentialsError, match=r"await credentials\.resolve\(\)"):
        bool(credentials)
    for _ in range(3):
        assert (await credentials.resolve()).access_key_id == KEY
    assert len(imds.requests) == 1
    assert credentials


async def test_region_of_the_instance_is_used(imds: Imds) -> None:
    metadata = MetadataCredentials(host="127.0.0.1", port=imds.port)
    credentials = merge_credentials(EnvironmentCredentials(), metadata)
    assert (await credentials.resolve()).region == "eu-central-1"
    assert credentials.region == "eu-central-1"


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="at least one"):
        merge_credentials()
    with pytest.raises(TypeError, match="argument 2 of merge_credentials"):
        merge_credentials(StaticCredentials(), None)  # type: ignore[arg-type]  # on purpose
