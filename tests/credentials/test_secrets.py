"""No repr, str, format, log, traceback or pickle shows a secret key or a session token."""

from __future__ import annotations

import copy
import logging
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from aiohttp_s3_client.credentials import (
    AbstractCredentials,
    AnonymousCredentials,
    ConfigCredentials,
    EnvironmentCredentials,
    MetadataCredentials,
    StaticCredentials,
    URLCredentials,
    collect_credentials,
    merge_credentials,
)
from aiohttp_s3_client.errors import CredentialsError

from .conftest import KEY, SECRET, TOKEN, Imds


@pytest.fixture
async def everyone(
    home: Path, monkeypatch: pytest.MonkeyPatch, imds: Imds
) -> list[AbstractCredentials]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    (home / ".aws" / "credentials").write_text(
        f"[default]\naws_access_key_id={KEY}\naws_secret_access_key={SECRET}\n"
        f"aws_session_token={TOKEN}\n"
    )
    static = StaticCredentials(KEY, SECRET, TOKEN, "eu-west-1")
    sources: list[AbstractCredentials] = [
        static,
        URLCredentials(f"http://{KEY}:{SECRET.replace('/', '%2F')}@host"),
        EnvironmentCredentials(),
        ConfigCredentials(),
        MetadataCredentials(host="127.0.0.1", port=imds.port),
        AnonymousCredentials(),
        collect_credentials(access_key_id=KEY, secret_access_key=SECRET, session_token=TOKEN),
        merge_credentials(StaticCredentials(), EnvironmentCredentials(), static),
    ]
    for source in sources:
        await source.resolve()
    return sources


def shows(text: str) -> bool:
    return SECRET in text or SECRET.replace("/", "%2F") in text or TOKEN in text


def test_shows_would_notice() -> None:
    assert shows(f"x{SECRET}")
    assert shows(f"{TOKEN}x")


async def test_texts(everyone: list[AbstractCredentials], caplog: pytest.LogCaptureFixture) -> None:
    for source in everyone:
        logging.getLogger("test").error("%s %r", source, source)
        snapshot = await source.resolve()
        texts = [repr(source), str(source), f"{source}", f"{source!r:>300}", repr([source])]
        texts += [repr(snapshot), str(snapshot), repr(source.signer), str(source.signer)]
        assert not any(shows(text) for text in texts)
        assert type(source).__name__ in repr(source) or "merge_credentials" in repr(source)
    assert not shows(caplog.text)


async def test_pickles_are_refused(everyone: list[AbstractCredentials]) -> None:
    for source in everyone:
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError, match="is not pickled") as caught:
                pickle.dumps(source, protocol)
            assert not shows(str(caught.value))
        with pytest.raises(TypeError, match="is not pickled"):
            copy.copy(source)


def of_a_broken_file() -> AbstractCredentials:
    path = Path.home() / "broken"
    path.write_text(f"[default]\n{SECRET}\n")
    return ConfigCredentials(path)


@pytest.mark.parametrize(
    "make",
    [
        EnvironmentCredentials,
        ConfigCredentials,
        of_a_broken_file,
        lambda: ConfigCredentials(profile="nobody"),
        lambda: merge_credentials(EnvironmentCredentials(), ConfigCredentials()),
        lambda: StaticCredentials(SECRET, KEY),
        lambda: StaticCredentials("", SECRET, TOKEN),
        lambda: StaticCredentials(KEY, SECRET, f"{TOKEN}\n"),
        lambda: URLCredentials(f"http://{quote(SECRET, safe='')}@host"),
        lambda: URLCredentials(f"http://key:{SECRET}@host"),
        lambda: URLCredentials(f"http://:{TOKEN}@host"),
    ],
)
async def test_errors(
    home: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[], AbstractCredentials]
) -> None:
    """Errors show no secret, nor do those that they are chained to, nor their pickles."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    (home / ".aws" / "credentials").write_text(f"[default]\naws_secret_access_key={SECRET}\n")
    with pytest.raises((CredentialsError, ValueError)) as caught:
        make().at_hand()
    errors: list[BaseException] = [caught.value]
    if isinstance(caught.value, CredentialsError):
        with pytest.raises(CredentialsError) as resolved:
            await make().resolve()
        errors.append(resolved.value)
    for error in errors:
        assert not shows("".join(traceback.format_exception(error)))
        assert error.__context__ is None or isinstance(error.__context__, CredentialsError)
        data = pickle.dumps(error)
        assert SECRET.encode() not in data
        assert TOKEN.encode() not in data
        assert str(pickle.loads(data)) == str(error)


def test_p25_nothing_happens_at_import(home: Path) -> None:
    """P25: importing starts no thread, opens no socket and reads no file but Python's own."""
    (home / ".aws" / "credentials").write_text("broken")
    code = """
import sys, threading
import aiohttp
seen = []
sys.addaudithook(lambda event, args: seen.append((event, str(args[:1]))))
import aiohttp_s3_client.credentials
from aiohttp_s3_client.credentials import MetadataCredentials, collect_credentials
MetadataCredentials(); collect_credentials(url="http://a:b@c")
bad = [s for s in seen if s[0].startswith(("socket.", "subprocess.", "_thread.start"))]
bad += [s for s in seen if s[0] == "open" and ".aws" in s[1]]
assert not bad, bad
assert threading.active_count() == 1
assert "configparser" not in sys.modules or "configparser" in before
"""
    code = code.replace("import aiohttp\n", "import aiohttp\nbefore = set(sys.modules)\n", 1)
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
