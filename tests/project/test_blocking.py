"""P1: nothing blocks the event loop, watched from outside while the client works.

The watch sees what Python's audit events tell (files opened, names resolved, programs started)
and the calls of ``os`` that raise no such event, as far as they happen on the loop's thread.
"""

from __future__ import annotations

import asyncio
import functools
import io
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.credentials import (
    AbstractCredentials,
    ConfigCredentials,
    EnvironmentCredentials,
    merge_credentials,
)
from tests.servers.running import RunningServer

PART = 5 * 1024 * 1024

_EVENTS = (
    *("open", "os.listdir", "os.scandir", "os.remove", "os.rename", "os.mkdir", "os.rmdir"),
    *("os.chmod", "os.truncate", "os.utime", "os.system", "os.posix_spawn", "os.fork"),
    *("shutil.", "glob.", "tempfile.", "subprocess.Popen"),
    *("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"),
)
_SILENT = ("stat", "lstat", "fstat", "access", "read", "pread", "pwrite", "fsync", "sendfile")


def _is_timed(frame: traceback.FrameSummary) -> bool:
    """Disk work that is made in the loop by the clock, and only while it is quick: what becomes of
    it when the disk is slow is tested in tests/faults/test_loop.py."""
    return frame.name == "timed" and Path(frame.filename).name == "disk.py"


class Watch:
    """Collects what blocks a thread: one line for each call, with the stack that led to it."""

    def __init__(self) -> None:
        self.thread: int | None = None
        self.calls: list[str] = []
        self._looking = False

    def saw(self, what: str) -> None:
        if threading.get_ident() != self.thread or self._looking:
            return
        self._looking = True  # reading the sources for a stack opens files
        try:
            stack = traceback.extract_stack()[:-2]
            if not any(_is_of_the_tests(frame) or _is_timed(frame) for frame in stack[-6:]):
                self.calls.append(f"{what}\n{''.join(traceback.format_list(stack[-8:]))}")
        finally:
            self._looking = False

    def audit(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.thread is not None and event.startswith(_EVENTS):
            self.saw(f"{event} {arguments!r}"[:200])


def _is_of_the_tests(frame: traceback.FrameSummary) -> bool:
    """Tools that measure the tests write and read files of their own."""
    return "coverage" in Path(frame.filename).parts


WATCH = Watch()
_hooked = False


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The blocking calls that this thread makes inside."""
    global _hooked  # noqa: PLW0603  # an audit hook stays for the life of the process
    if not _hooked:
        sys.addaudithook(WATCH.audit)
        _hooked = True
    WATCH.calls = []
    with monkeypatch.context() as patch:
        for name in _SILENT:
            if hasattr(os, name):
                patch.setattr(os, name, _telling(f"os.{name}", getattr(os, name)))
        patch.setattr(time, "sleep", _telling("time.sleep", time.sleep))
        patch.setattr(
            ssl, "create_default_context", _telling("CA bundle", ssl.create_default_context)
        )
        WATCH.thread = threading.get_ident()
        try:
            yield WATCH.calls
        finally:
            WATCH.thread = None


def _telling(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def telling(*args: Any, **kwargs: Any) -> Any:
        WATCH.saw(name)
        return function(*args, **kwargs)

    return telling


# --- the watch sees


@pytest.mark.parametrize(
    "blocking",
    [
        lambda path: path.read_bytes(),
        lambda path: os.close(os.open(path, os.O_RDONLY)),
        lambda path: path.stat(),
        lambda path: path.exists(),
        lambda path: os.listdir(path.parent),
        lambda path: os.replace(path, path),
        lambda path: socket.getaddrinfo("127.0.0.1", 80),
        lambda path: subprocess.run([sys.executable, "-c", ""], check=True),
        lambda path: time.sleep(0),
        lambda path: ssl.create_default_context(),
    ],
    ids=[
        *("read", "os.open", "stat", "exists", "listdir", "replace", "getaddrinfo", "subprocess"),
        *("sleep", "ca"),
    ],
)
async def test_p1_the_watch_sees_what_blocks(
    blocking: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P1: otherwise its silence would mean nothing."""
    path = tmp_path / "file"
    path.write_bytes(b"body")
    with watched(monkeypatch) as calls:
        blocking(path)
    assert calls


async def test_p1_the_watch_leaves_other_threads_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P1: what happens in a worker thread blocks nobody."""
    path = tmp_path / "file"
    path.write_bytes(b"body")
    await asyncio.to_thread(int)  # the executor starts its thread
    with watched(monkeypatch) as calls:
        assert await asyncio.to_thread(path.read_bytes) == b"body"
        await asyncio.sleep(0)
    assert calls == []


# --- and the client gives it nothing to see


@pytest.fixture
async def client(embedded: RunningServer, embedded_client: S3Client) -> S3Client:
    """A client whose first request is yet to come."""
    return embedded_client


async def test_p1_whole_files(
    client: S3Client, embedded_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P1: put_file, and put of a path and of a file object; the type is guessed from the name."""
    path = tmp_path / "page.html"
    path.write_bytes(b"x" * 3_000_000)
    with path.open("rb") as file, watched(monkeypatch) as calls:
        async with client.put_file(f"{embedded_bucket}/page.html", path) as resp:
            assert resp.status == HTTPStatus.OK
        async with client.put(f"{embedded_bucket}/path.html", path) as resp:
            assert resp.status == HTTPStatus.OK
        async with client.put(f"{embedded_bucket}/object", file) as resp:
            assert resp.status == HTTPStatus.OK
        async with client.get(f"{embedded_bucket}/object") as resp:
            assert len(await resp.read()) == 3_000_000
    assert calls == []


async def test_p1_file_objects_are_read_in_a_thread(
    client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    """P1: every read of a user's own file object, whatever stands behind it."""
    threads: set[int] = set()

    class Slow(io.FileIO):
        def read(self, size: int | None = -1, /) -> Any:
            threads.add(threading.get_ident())
            return super().read(size)

        def readinto(self, buffer: Any, /) -> Any:
            threads.add(threading.get_ident())
            return super().readinto(buffer)

    path = tmp_path / "file"
    path.write_bytes(b"x" * 3_000_000)
    with Slow(path) as file:
        async with client.put(f"{embedded_bucket}/key", file) as resp:
            assert resp.status == HTTPStatus.OK
    assert threads
    assert threading.get_ident() not in threads


async def test_p1_iterables_are_pulled_in_a_thread(client: S3Client, embedded_bucket: str) -> None:
    """P1: a generator may read a disk at each step."""
    threads: set[int] = set()

    def pieces() -> Iterator[bytes]:
        for _ in range(3):
            threads.add(threading.get_ident())
            yield b"piece"

    async with client.put(f"{embedded_bucket}/key", pieces()) as resp:
        assert resp.status == HTTPStatus.OK
    assert threads
    assert threading.get_ident() not in threads


@pytest.mark.parametrize("plain", ["0", "1"])
async def test_p1_transfers(
    client: S3Client,
    embedded_bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    plain: str,
) -> None:
    """P1: put_file_multipart and get_file_parallel, with both ways of writing."""
    monkeypatch.setenv("AIOS3_PLAIN", plain)
    source, copy = tmp_path / "source.csv", tmp_path / "copy.csv"
    source.write_bytes(b"x" * (2 * PART + 1))
    copy.write_bytes(b"from before")
    name = f"{embedded_bucket}/big.csv"
    with watched(monkeypatch) as calls:
        await client.put_file_multipart(name, source, part_size=PART)
        await client.get_file_parallel(name, copy, range_step=PART)
        async for _ in client.list_objects_v2(embedded_bucket):
            pass
        await client.rename(name, f"{embedded_bucket}/renamed.csv")
    assert calls == []
    assert copy.read_bytes() == source.read_bytes()


async def test_p1_failing_transfers(
    client: S3Client, embedded_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P1: cleaning up after a failure is disk work too."""
    with watched(monkeypatch) as calls:
        with pytest.raises(FileNotFoundError):
            await client.put_file_multipart(f"{embedded_bucket}/key", tmp_path / "missing")
        with pytest.raises(IsADirectoryError):
            await client.put_file(f"{embedded_bucket}/key", tmp_path)
        with pytest.raises(IsADirectoryError):
            await client.get_file_parallel(f"{embedded_bucket}/key", tmp_path)
        with pytest.raises(FileNotFoundError):
            await client.put(f"{embedded_bucket}/key", tmp_path / "missing")
    assert calls == []


@pytest.mark.parametrize("how", ["alone", "merged", "default"])
async def test_p1_config_files(
    embedded: RunningServer,
    embedded_bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    """P1: credentials in files, a client with a session of its own, a name to resolve."""
    path = tmp_path / "credentials"
    path.write_text(
        f"[default]\naws_access_key_id = {embedded.access_key_id}\n"
        f"aws_secret_access_key = {embedded.secret_access_key}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    url = embedded.url.replace("127.0.0.1", "localhost")
    with watched(monkeypatch) as calls:
        credentials: AbstractCredentials | None = None
        if how == "alone":
            credentials = ConfigCredentials()
        elif how == "merged":
            credentials = merge_credentials(EnvironmentCredentials(), ConfigCredentials(path))
        async with S3Client(url=url, credentials=credentials) as client:
            await client.resolve_credentials()
            async with client.put(f"{embedded_bucket}/key", b"body") as resp:
                assert resp.status == HTTPStatus.OK
            assert client.presign_url("GET", f"{embedded_bucket}/key")
    assert calls == []
