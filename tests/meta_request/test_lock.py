"""``CrossProcessLock``: one holder among all processes, and none after the holder's end."""

from __future__ import annotations

import gc
import subprocess
import sys
from uuid import uuid4

import pytest

from aiohttp_s3_client.meta_request import CrossProcessLock

HOLD = """
import sys
from aiohttp_s3_client.meta_request import CrossProcessLock
lock = CrossProcessLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def name() -> str:
    return f"a name/with ü and {uuid4().hex}"


def test_one_holder_at_a_time(name: str) -> None:
    with CrossProcessLock(name):
        other = CrossProcessLock(name)
        with pytest.raises(RuntimeError, match="AWS_MUTEX_CALLER_NOT_OWNER"):
            other.acquire()
        with CrossProcessLock(name + "2"):
            pass
    other.acquire()
    other.release()


def test_taken_or_released_twice(name: str) -> None:
    lock = CrossProcessLock(name)
    lock.acquire()
    with pytest.raises(RuntimeError, match="AWS_MUTEX_CALLER_NOT_OWNER"):
        lock.acquire()
    lock.release()
    with pytest.raises(RuntimeError, match="not held"):
        lock.release()


def test_a_lock_that_nobody_has_any_more_is_free(name: str) -> None:
    lock = CrossProcessLock(name)
    lock.acquire()
    del lock
    gc.collect()
    with CrossProcessLock(name):
        pass


def test_another_process_holds_it_until_it_is_killed(name: str) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        lock = CrossProcessLock(name)
        with pytest.raises(RuntimeError, match="another holder"):
            lock.acquire()
        holder.kill()
    lock.acquire()
    lock.release()


@pytest.mark.parametrize("name", ["", None, 5])
def test_what_is_no_name(name: object) -> None:
    with pytest.raises(ValueError, match="lock_scope_name"):
        CrossProcessLock(name)  # type: ignore[arg-type]  # that is what is tested
