"""Programs that print credentials: how they are started, what they may say, and their failures."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import pickle
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.compat import compat_shell_split
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client.credentials import ProcessCredentials
from aiohttp_s3_client.credentials.process import split_command
from aiohttp_s3_client.errors import CredentialsError
from tests.project.test_blocking import watched

from .conftest import KEY, SECRET, TOKEN, until
from .sources import HOUR, MINUTE, FakeClock

PRINTED: dict[str, object] = {
    "Version": 1,
    "AccessKeyId": KEY,
    "SecretAccessKey": SECRET,
    "SessionToken": TOKEN,
    "Expiration": "2030-01-01T06:00:00+00:00",
}
PYTHON = (sys.executable, "-I", "-S", "-c")


def printing(
    text: object, complaint: str = "", status: int = 0, clock: FakeClock | None = None
) -> ProcessCredentials:
    """A program that prints *text* (JSON unless it is a str) and *complaint*."""
    output = text if isinstance(text, str) else json.dumps(text)
    code = (
        f"import sys; sys.stdout.write({output!r}); sys.stderr.write({complaint!r}); "
        f"sys.exit({status})"
    )
    return ProcessCredentials([*PYTHON, code], clock=clock or FakeClock())


async def test_what_it_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    credentials = printing(PRINTED, "some chatter")
    with watched(monkeypatch) as calls:
        snapshot = await credentials.resolve()
    assert calls == []
    assert (snapshot.access_key_id, snapshot.secret_access_key) == (KEY, SECRET)
    assert (snapshot.session_token, snapshot.region) == (TOKEN, "eu-north-1")
    assert snapshot.expires_at == datetime(2030, 1, 1, 6, tzinfo=UTC)
    assert credentials.at_hand() is snapshot


async def test_p15_run_again_before_the_end_and_once(home: Path) -> None:
    """P15: 1,000 tasks at expiry start one program."""
    clock = FakeClock()
    runs = home / "runs"
    code = f"open({str(runs)!r}, 'a').write('x'); print({json.dumps(PRINTED)!r})"
    credentials = ProcessCredentials([*PYTHON, code], clock=clock)
    await credentials.resolve()
    assert runs.read_text() == "x"
    clock.now += 6 * HOUR - 20 * MINUTE
    await credentials.resolve()
    assert runs.read_text() == "x"
    clock.now += 20 * MINUTE
    await asyncio.gather(*(credentials.resolve() for _ in range(1000)))
    assert runs.read_text() == "xx"


async def test_keys_alone_are_good_until_they_are_refused() -> None:
    clock = FakeClock()
    document = {"Version": 1, "AccessKeyId": KEY, "SecretAccessKey": SECRET}
    credentials = printing(document, clock=clock)
    snapshot = await credentials.resolve()
    assert (snapshot.session_token, snapshot.expires_at) == (None, None)
    clock.now += 10_000 * HOUR
    assert await credentials.resolve() is snapshot
    credentials.invalidate()
    assert await credentials.resolve() is not snapshot


async def test_no_shell_and_no_input(home: Path) -> None:
    """What a shell would expand is an argument like any other; a prompt gets no answer."""
    script = home / "a program.py"
    script.write_text(
        "import sys, json\n"
        "assert sys.argv[1:] == ['$HOME', '*', '; exit 1', '~', 'a b', ''], sys.argv\n"
        "assert sys.stdin.read() == ''\n"
        f"print({json.dumps(PRINTED)!r})\n"
    )
    read, write = os.pipe()
    kept = os.dup(0)
    os.dup2(read, 0)
    os.write(write, b"what this process is to read")
    os.close(write)
    line = f"'{sys.executable}' -I -S \"{script}\" $HOME '*' '; exit 1' ~ a\\ b ''"
    try:
        assert (await ProcessCredentials(line).resolve()).access_key_id == KEY
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(read)


# --- failures


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("", "no JSON object"),
        (f"garbage {SECRET}", "no JSON object"),
        ([PRINTED], "no JSON object"),
        ({**PRINTED, "Version": 2}, "Version is 1"),
        ({**PRINTED, "Version": SECRET}, "Version is 1"),
        ({**PRINTED, "Version": True}, "Version is 1"),
        ({"AccessKeyId": KEY}, "Version is 1"),
        ({**PRINTED, "AccessKeyId": None}, "without AccessKeyId"),
        ({"Version": 1}, "no AccessKeyId"),
        ({**PRINTED, "Expiration": SECRET}, "Expiration that is no date"),
        ({**PRINTED, "AccessKeyId": SECRET, "SecretAccessKey": KEY}, "seem to be swapped"),
    ],
)
async def test_output_that_is_of_no_use(output: object, words: str) -> None:
    with pytest.raises(CredentialsError, match=words) as caught:
        await printing(output).resolve()
    check_hidden(caught.value)


def check_hidden(error: BaseException) -> None:
    shown = "".join(traceback.format_exception(error)) + repr(error)
    for secret in (SECRET, TOKEN, "hunter2"):
        assert secret not in shown
        assert secret.encode() not in pickle.dumps(error)


@pytest.mark.parametrize(
    "complaint",
    [
        f"debug: {SECRET}\nlogin expired",
        f"aws_secret_access_key={SECRET} aws_session_token = {TOKEN}; login expired",
        json.dumps(PRINTED) + " login expired",
        "connect with password: hunter2, login expired",
        "connect with --vault-pass hunter2 login expired",
        f"login expired: https://h/?X-Amz-Signature={'ab' * 32}&X-Amz-Security-Token={TOKEN}",
    ],
)
async def test_the_complaint_is_shown_without_secrets(complaint: str) -> None:
    credentials = printing("", complaint, status=3)
    with pytest.raises(CredentialsError, match=r"failed with status 3: .*login expired") as caught:
        await credentials.resolve()
    check_hidden(caught.value)
    assert "\n" not in str(caught.value)


async def test_secrets_that_are_known_are_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that look like no secret: of the output, of the arguments and of the environment."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2-of-the-environment")
    code = (
        'import sys; print(\'{"SecretAccessKey": "hunter2-printed"}\'); '
        "sys.exit('saw hunter2-printed, hunter2-of-the-environment, hunter2-a and hunter2-b')"
    )
    command = [*PYTHON, code, "--token=hunter2-a", "--vault-password", "hunter2-b", "--key"]
    with pytest.raises(CredentialsError, match=r"status 1: saw \[redacted\], ") as caught:
        await ProcessCredentials(command).resolve()
    check_hidden(caught.value)


async def test_long_complaints_are_shown_from_their_end() -> None:
    with pytest.raises(CredentialsError, match=r"the reason$") as caught:
        await printing("", "x y " * 10_000 + "the reason", status=1).resolve()
    assert len(str(caught.value)) < 700


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals on Windows")
async def test_ended_by_a_signal() -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    with pytest.raises(CredentialsError, match="was ended by signal 15"):
        await ProcessCredentials([*PYTHON, code]).resolve()


async def test_a_program_that_is_not_there(home: Path) -> None:
    missing = home / "missing"
    with pytest.raises(CredentialsError, match=r"missing cannot be started: No such file"):
        await ProcessCredentials([str(missing), "--password", "hunter2"]).resolve()
    missing.write_text("no program")
    with pytest.raises(CredentialsError, match="cannot be started: "):
        await ProcessCredentials([str(missing)]).resolve()


def writing_its_id(path: Path) -> list[str]:
    """A program that says who it is, and has a child of its own that keeps its pipes open."""
    code = (
        "import os, sys, subprocess, time\n"
        f"child = subprocess.Popen([{sys.executable!r}, '-ISc', 'import time; time.sleep(3)'])\n"
        "sys.stderr.write('waiting for a touch'); sys.stderr.flush()\n"
        f"open({str(path)!r}, 'w').write(str(os.getpid()))\n"
        "time.sleep(60)"
    )
    return [*PYTHON, code]


def runs(path: Path) -> bool:
    try:
        os.kill(int(path.read_text()), 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(sys.platform == "win32", reason="asks the system as POSIX has it")
async def test_a_program_that_takes_too_long(home: Path) -> None:
    path = home / "id"
    credentials = ProcessCredentials(writing_its_id(path), timeout_seconds=0.6)
    began = time.monotonic()
    with pytest.raises(CredentialsError, match=r"longer than 0\.6 s: waiting for a touch"):
        await credentials.resolve()
    assert time.monotonic() - began < 2.5
    assert not runs(path)


@pytest.mark.skipif(sys.platform == "win32", reason="asks the system as POSIX has it")
async def test_killed_when_it_is_stopped(home: Path) -> None:
    """A waiter that goes away leaves it to the others; ``stop`` ends it."""
    path = home / "id"
    credentials = ProcessCredentials(writing_its_id(path))
    first = asyncio.create_task(credentials.resolve())
    second = asyncio.create_task(credentials.resolve())
    await until(lambda: path.exists() and path.read_text())
    first.cancel()
    await asyncio.wait((first,))
    assert first.cancelled()
    assert runs(path)
    began = time.monotonic()
    await credentials.stop()
    assert time.monotonic() - began < 2
    assert not runs(path)
    with pytest.raises(CredentialsError, match="stopped while"):
        await second


# --- the command


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("", "must name a program"),
        ("   ", "must name a program"),
        ("''", "must name a program"),
        ([], "must name a program"),
        ("program 'hack-me", "No closing quotation"),
        ("program hack-me\\", "No escaped character"),
        ("program \0", "NUL"),
    ],
)
def test_commands_that_cannot_work(command: str | list[str], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        ProcessCredentials(command)
    assert "hack-me" not in str(caught.value)


def test_arguments_that_cannot_work() -> None:
    for seconds in (0, -1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="timeout_seconds must be positive"):
            ProcessCredentials("program", timeout_seconds=seconds)
    for command in (["program", 1], [None]):
        with pytest.raises(TypeError, match="command must be a str or a sequence"):
            ProcessCredentials(command)  # type: ignore[arg-type]  # wrong on purpose


@given(st.text(alphabet="ab\\\"' \t$;", max_size=12), st.booleans())
def test_split_as_botocore_splits(line: str, windows: bool) -> None:
    try:
        expected = compat_shell_split(line, "win32" if windows else "linux")
    except ValueError:
        with pytest.raises(ValueError, match="No "):
            split_command(line, windows=windows)
    else:
        assert split_command(line, windows=windows) == expected


async def test_nothing_shows_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    clock = FakeClock()
    code = f"print({json.dumps(PRINTED)!r})"
    credentials = ProcessCredentials([*PYTHON, code, "--password", "hunter2"], clock=clock)
    snapshot = await credentials.resolve()
    logging.getLogger("test").error("%s %r %s", credentials, credentials, snapshot)
    for text in (repr(credentials), str(credentials), repr(snapshot), caplog.text):
        for secret in (SECRET, TOKEN, "hunter2"):
            assert secret not in text
    with pytest.raises(TypeError, match="is not pickled"):
        pickle.dumps(credentials)
