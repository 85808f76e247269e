"""The files of the AWS CLI: their format, which profile is meant, and when they are read."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client.credentials import ConfigCredentials
from aiohttp_s3_client.credentials.config_file import parse, read_sections
from aiohttp_s3_client.errors import CredentialsError

from .conftest import KEY, SECRET, TOKEN

_opened: list[tuple[int, str]] | None = None


def _on_open(event: str, args: tuple[object, ...]) -> None:
    if _opened is not None and event == "open":
        _opened.append((threading.get_ident(), str(args[0])))


# A hook of the audit cannot be taken away again: it records only while `opens` is entered.
sys.addaudithook(_on_open)


@contextmanager
def opens(part: str) -> Iterator[list[int]]:
    """The threads that opened a file whose path holds *part*; the list fills on leaving."""
    global _opened  # noqa: PLW0603  # the hook is global, too
    threads: list[int] = []
    seen: list[tuple[int, str]] = []
    _opened = seen
    try:
        yield threads
    finally:
        _opened = None
        threads += [thread for thread, path in seen if part in path]


def write(home: Path, credentials: str = "", config: str = "") -> None:
    for name, text in (("credentials", credentials), ("config", config)):
        if text:
            (home / ".aws" / name).write_text(text, encoding="utf-8")


def pair(key: str = KEY, secret: str = SECRET) -> str:
    return f"aws_access_key_id = {key}\naws_secret_access_key = {secret}\n"


async def test_both_files(home: Path) -> None:
    write(
        home,
        f"[default]\n{pair()}aws_session_token={TOKEN}\n[other]\n{pair('other')}",
        "[default]\nregion = eu-west-1\n[profile other]\nregion = eu-west-2\n",
    )
    snapshot = await ConfigCredentials().resolve()
    assert (snapshot.access_key_id, snapshot.secret_access_key) == (KEY, SECRET)
    assert (snapshot.session_token, snapshot.region) == (TOKEN, "eu-west-1")
    other = await ConfigCredentials(profile="other").resolve()
    assert (other.access_key_id, other.session_token) == ("other", None)
    assert other.region == "eu-west-2"


async def test_the_credentials_file_alone(home: Path) -> None:
    write(home, f"[default]\n{pair()}region = eu-west-3\n")
    snapshot = await ConfigCredentials().resolve()
    assert (snapshot.access_key_id, snapshot.region) == (KEY, "eu-west-3")


async def test_the_config_file_alone(home: Path) -> None:
    write(home, config=f"[profile x]\n{pair()}region = eu-west-3\naws_security_token = {TOKEN}\n")
    snapshot = await ConfigCredentials(profile="x").resolve()
    assert (snapshot.access_key_id, snapshot.region) == (KEY, "eu-west-3")
    assert snapshot.session_token == TOKEN


async def test_key_secret_and_token_come_from_one_file(home: Path) -> None:
    write(
        home,
        f"[default]\n{pair('first', 'first-secret')}",
        f"[default]\n{pair('second', 'second-secret')}aws_session_token = {TOKEN}\n",
    )
    snapshot = await ConfigCredentials().resolve()
    assert (snapshot.access_key_id, snapshot.secret_access_key) == ("first", "first-secret")
    assert snapshot.session_token is None


async def test_half_a_pair_in_one_file_leaves_it_to_the_other(home: Path) -> None:
    write(home, "[default]\naws_access_key_id = half\n", f"[default]\n{pair()}")
    assert (await ConfigCredentials().resolve()).access_key_id == KEY


async def test_one_path_is_that_of_the_credentials_file(home: Path) -> None:
    (home / ".my-custom-aws-credentials").write_text(f"[default]\n{pair('custom')}")
    write(home, f"[default]\n{pair()}")
    credentials = ConfigCredentials("~/.my-custom-aws-credentials")
    assert (await credentials.resolve()).access_key_id == "custom"
    as_path = ConfigCredentials(home / ".my-custom-aws-credentials")
    assert (await as_path.resolve()).access_key_id == "custom"


async def test_variables_name_files_and_profile(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "keys").write_text(f"[one]\n{pair('one')}[two]\n{pair('two')}")
    (home / "settings").write_text("[profile one]\nregion=eu-west-1\n[profile two]\nregion=r-2\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "~/keys")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "settings"))
    monkeypatch.setenv("AWS_DEFAULT_PROFILE", "two")
    snapshot = await ConfigCredentials().resolve()
    assert (snapshot.access_key_id, snapshot.region) == ("two", "r-2")
    monkeypatch.setenv("AWS_PROFILE", "one")
    assert (await ConfigCredentials().resolve()).access_key_id == "one"
    assert (await ConfigCredentials(profile="two").resolve()).access_key_id == "two"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "from-default")
    assert (await ConfigCredentials().resolve()).region == "from-default"
    monkeypatch.setenv("AWS_REGION", "from-region")
    assert (await ConfigCredentials().resolve()).region == "from-region"
    assert (await ConfigCredentials(region="given").resolve()).region == "given"


async def test_a_named_profile_that_does_not_exist(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, f"[default]\n{pair()}", "[nobody]\nregion = r\n")
    with pytest.raises(CredentialsError, match=r"'nobody'.*\.aws/credentials.*\.aws/config"):
        await ConfigCredentials(profile="nobody").resolve()
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(CredentialsError, match="'nobody' is in neither"):
        await ConfigCredentials().resolve()


async def test_what_is_missing_is_named(home: Path) -> None:
    with pytest.raises(CredentialsError, match=r"credentials does not exist, .*config does not"):
        await ConfigCredentials().resolve()
    write(home, f"[default]\naws_secret_access_key = {SECRET}\n", "[profile x]\nregion=r\n")
    with pytest.raises(CredentialsError) as caught:
        await ConfigCredentials().resolve()
    assert "aws_secret_access_key is given without aws_access_key_id" in str(caught.value)
    assert "config has no such profile" in str(caught.value)
    assert SECRET not in str(caught.value)
    with pytest.raises(CredentialsError, match="aws_access_key_id is not set"):
        await ConfigCredentials(profile="x").resolve()


async def test_a_secret_with_something_below_it_is_none(home: Path) -> None:
    write(home, f"[default]\n{pair()}  region = eu-west-1\n")
    with pytest.raises(CredentialsError, match="goes on in the next line") as caught:
        await ConfigCredentials().resolve()
    assert SECRET not in str(caught.value)


FORMAT = f"""\ufeff# a comment
; another one

[ default ]  # the usual one
  AWS_Access_Key_Id = {KEY} # mine
  aws_secret_access_key={SECRET}\t; not yours
  s3 =
      max_concurrent_requests = 20
      aws_access_key_id = nested

  ; indented comment
  region: eu-west-1
  empty =
  commented = # nothing
  hash = a#b;c
[profile "two words"]\r
region = r-2\r
[default]
region = r-3
"""


def test_format() -> None:
    sections = parse(FORMAT.removeprefix("\ufeff"), "file")
    assert sections == {
        "default": {
            "aws_access_key_id": KEY,
            "aws_secret_access_key": SECRET,
            "s3": "",
            "region": "r-3",
            "empty": "",
            "commented": "",
            "hash": "a#b;c",
        },
        'profile "two words"': {"region": "r-2"},
    }


async def test_format_as_a_file(home: Path) -> None:
    write(home, config=FORMAT)
    assert (await ConfigCredentials().resolve()).secret_access_key == SECRET
    assert await ConfigCredentials(profile="two words").find_region() == "r-2"


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"]), min_size=1
    ).filter(lambda value: value[0] not in "#;")
)
def test_values_are_taken_as_they_stand(value: str) -> None:
    text = f"[default]\naws_secret_access_key = {value}\nnext=1\n"
    assert parse(text, "file")["default"] == {"aws_secret_access_key": value, "next": "1"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"aws_secret_access_key = {SECRET}\n", 1),
        (f"[default]\n\n{SECRET}\n", 3),
        (f"[default\n{pair()}", 1),
        (f"[]\n{pair()}", 1),
        (f"[default]\n= {SECRET}\n", 2),
        (f"[default] {SECRET}\n", 1),
    ],
)
async def test_a_malformed_line_is_named_and_not_shown(home: Path, text: str, line: int) -> None:
    write(home, text)
    with pytest.raises(CredentialsError, match=rf"\.aws/credentials, line {line}: ") as caught:
        await ConfigCredentials().resolve()
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None


async def test_a_file_that_is_no_text(home: Path) -> None:
    (home / ".aws/config").write_bytes(b"[default]\nregion = \xff\xfe\n")
    with pytest.raises(CredentialsError, match=r"config, line 2: not UTF-8") as caught:
        await ConfigCredentials().resolve()
    assert caught.value.__context__ is None


async def test_a_directory_instead_of_a_file(home: Path) -> None:
    with pytest.raises(CredentialsError, match=r"\.aws cannot be read: "):
        await ConfigCredentials(home / ".aws").resolve()


def test_a_path_through_a_file_is_a_missing_file(home: Path) -> None:
    (home / "file").write_text("")
    if os.name == "posix":
        assert read_sections(str(home / "file" / "credentials")) is None
    assert read_sections(str(home / "nothing")) is None


def test_it_reads_at_once_where_no_loop_runs(home: Path) -> None:
    credentials = ConfigCredentials()
    write(home, f"[default]\n{pair()}", "[default]\nregion = eu-west-1\n")
    assert credentials
    assert credentials.region == "eu-west-1"
    signer = credentials.signer
    assert signer is not None
    assert (signer.access_key_id, signer.region) == (KEY, "eu-west-1")


def test_nothing_found_is_false_where_no_loop_runs() -> None:
    credentials = ConfigCredentials()
    assert not credentials
    assert credentials.access_key_id == ""
    assert credentials.region == ""


async def test_p01_inside_a_loop_it_names_resolve(home: Path) -> None:
    """P1: asked synchronously inside a running loop, no file is read."""
    write(home, f"[default]\n{pair()}", "[default]\nregion = eu-west-1\n")
    credentials = ConfigCredentials()
    with opens(".aws") as threads:
        with pytest.raises(CredentialsError, match=r"await credentials\.resolve\(\)"):
            bool(credentials)
        with pytest.raises(CredentialsError, match=r"await credentials\.resolve\(\)"):
            assert credentials.signer
        with pytest.raises(CredentialsError, match=r"await credentials\.resolve\(\)"):
            assert credentials.region
        repr(credentials)
    assert threads == []
    await credentials.resolve()
    assert credentials
    assert credentials.region == "eu-west-1"
    assert credentials.signer is not None


async def test_p01_resolve_reads_once_in_another_thread(home: Path) -> None:
    """P1: however many ask at once, each file is opened once, and never on the loop's thread."""
    write(home, f"[default]\n{pair()}", "[default]\nregion = eu-west-1\n")
    credentials = ConfigCredentials()
    with opens(".aws") as threads:
        snapshots = await asyncio.gather(*(credentials.resolve() for _ in range(20)))
        again = await credentials.resolve()
    assert len(threads) == 2
    assert threading.get_ident() not in threads
    assert all(snapshot is again for snapshot in snapshots)


async def test_a_cancelled_caller_leaves_the_reading_to_the_others(home: Path) -> None:
    write(home, f"[default]\n{pair()}")
    credentials = ConfigCredentials()
    first = asyncio.create_task(credentials.resolve())
    second = asyncio.create_task(credentials.resolve())
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).access_key_id == KEY
    assert first.cancelled()


async def test_p15_rotated_keys_are_read_again(home: Path) -> None:
    """P15: once the server said expired, the files are read anew."""
    write(home, f"[default]\n{pair('old')}")
    credentials = ConfigCredentials()
    assert (await credentials.resolve()).access_key_id == "old"
    write(home, f"[default]\n{pair('new')}")
    assert (await credentials.resolve()).access_key_id == "old"
    credentials.invalidate()
    assert (await credentials.resolve()).access_key_id == "new"


async def test_keys_that_appear_later_are_found(home: Path) -> None:
    credentials = ConfigCredentials()
    with pytest.raises(CredentialsError):
        await credentials.resolve()
    assert not credentials
    write(home, f"[default]\n{pair()}")
    assert (await credentials.resolve()).access_key_id == KEY


def test_one_object_serves_one_loop_after_another(home: Path) -> None:
    credentials = ConfigCredentials()
    with pytest.raises(CredentialsError):
        asyncio.run(credentials.resolve())
    write(home, f"[default]\n{pair()}")
    assert asyncio.run(credentials.resolve()).access_key_id == KEY


def test_profile_must_be_text() -> None:
    with pytest.raises(TypeError, match="profile must be a str"):
        ConfigCredentials(profile=1)  # type: ignore[arg-type]  # wrong on purpose
