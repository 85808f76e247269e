"""The lock that one process of the machine holds at a time."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import os
import pickle
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from aiohttp_s3_client.meta_request import AwsCrtError, CrossProcessLock, CrossProcessLockError

FOLDER = Path("/tmp/aws_crt_cross_process_lock")
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has another place for them")

HOLDER = """
import sys
from aiohttp_s3_client.meta_request import CrossProcessLock
lock = CrossProcessLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""

FORKS = """
import os, sys
from aiohttp_s3_client.meta_request import CrossProcessLock
lock = CrossProcessLock(sys.argv[1])
lock.acquire()
if not os.fork():
    sys.exit()
os.wait()
try:
    CrossProcessLock(sys.argv[1]).acquire()
except RuntimeError:
    print("held")
end, other = os.pipe()
if not os.fork():
    os.close(other)
    os.read(end, 1)
    os._exit(0)
lock.release()
CrossProcessLock(sys.argv[1]).acquire()
print("free")
"""


@pytest.fixture
def name() -> Iterator[str]:
    name = f"aiohttp-s3-client {uuid.uuid4()}"
    yield name
    with contextlib.suppress(FileNotFoundError):
        (FOLDER / f"{name}.lock").unlink()


def is_free(name: str) -> bool:
    other = CrossProcessLock(name)
    try:
        other.acquire()
    except RuntimeError:
        return False
    other.release()
    return True


def test_held_and_given_back(name: str) -> None:
    lock = CrossProcessLock(name)
    assert is_free(name)
    lock.acquire()
    assert not is_free(name)
    assert is_free(f"{name} of another")
    lock.acquire()
    lock.release()
    assert is_free(name)
    lock.release()
    (FOLDER / f"{name} of another.lock").unlink(missing_ok=True)


def test_error_as_the_seed_has_it(name: str) -> None:
    with (
        CrossProcessLock(name),
        pytest.raises(RuntimeError, match="MUTEX_CALLER_NOT_OWNER") as caught,
    ):
        CrossProcessLock(name).acquire()
    assert isinstance(caught.value, CrossProcessLockError)
    assert isinstance(caught.value, AwsCrtError)
    assert (caught.value.code, caught.value.name) == (19, "AWS_MUTEX_CALLER_NOT_OWNER")
    assert name in str(caught.value)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (type(copy), copy.args) == (CrossProcessLockError, caught.value.args)


def test_with(name: str) -> None:
    with CrossProcessLock(name) as lock:
        assert isinstance(lock, CrossProcessLock)
        assert not is_free(name)
    assert is_free(name)
    with pytest.raises(LookupError), CrossProcessLock(name):
        raise LookupError
    assert is_free(name)


async def test_async_with(name: str) -> None:
    async with CrossProcessLock(name) as lock:
        assert isinstance(lock, CrossProcessLock)
        assert not is_free(name)
        with pytest.raises(CrossProcessLockError):
            async with CrossProcessLock(name):
                pytest.fail("held twice")
    assert is_free(name)


async def test_cancelled_while_it_is_taken(name: str) -> None:
    task = asyncio.create_task(CrossProcessLock(name).__aenter__())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert is_free(name)


@pytest.mark.parametrize("kill", [False, True])
def test_of_a_process_that_ends(name: str, kill: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        assert not is_free(name)
        if kill:
            holder.kill()
        holder.communicate()
    assert is_free(name)


@posix
def test_of_a_process_that_forks(name: str) -> None:
    """Neither the end of a child gives it back, nor does a child keep what is given back."""
    done = subprocess.run(
        [sys.executable, "-c", FORKS, name],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
        timeout=20,
    )
    assert (done.stdout.split(), done.stderr) == (["held", "free"], "")


@posix
def test_is_awscrts_own(name: str) -> None:
    """Its file, so that programs with either exclude each other; every user may take it."""
    with CrossProcessLock(name):
        assert (FOLDER / f"{name}.lock").is_file()
    if FOLDER.stat().st_uid == os.getuid():
        assert FOLDER.stat().st_mode & 0o7777 == 0o1777


@posix
def test_no_link_is_followed(name: str, tmp_path: Path) -> None:
    with CrossProcessLock(name):
        pass
    (FOLDER / f"{name}.lock").unlink()
    (FOLDER / f"{name}.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        CrossProcessLock(name).acquire()
    assert list(tmp_path.iterdir()) == []


@posix
@pytest.mark.parametrize(
    "begin", ["a/b", "../up", "..\\b", "a\0b", "CON:", "ü*?", "x" * 1000, "\udc80", "50%"]
)
def test_any_string_is_a_name(begin: str, name: str) -> None:
    """What no file may be called has a file all the same, which is no other name's."""
    scope = begin + name
    file = digest_of(scope)
    with CrossProcessLock(scope):
        assert not is_free(scope)
        assert (FOLDER / f"{file}.lock").is_file()
        assert is_free(file)
    for made in (file, digest_of(file)):
        (FOLDER / f"{made}.lock").unlink()


def digest_of(scope: str) -> str:
    return "%" + hashlib.sha256(scope.encode("utf-8", "surrogatepass")).hexdigest()


def test_no_name_is_one_too() -> None:
    with contextlib.suppress(CrossProcessLockError), CrossProcessLock(""):
        assert not is_free("")


def test_a_lock_that_nobody_has_any_more_is_free(name: str) -> None:
    lock = CrossProcessLock(name)
    lock.acquire()
    del lock
    gc.collect()
    assert is_free(name)


def test_names_are_text() -> None:
    with pytest.raises(TypeError, match="lock_scope_name must be a str, not 5"):
        CrossProcessLock(cast(Any, 5))
