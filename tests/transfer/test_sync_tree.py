"""The files below a directory, in the order in which S3 lists them, read beside the loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import sys
import tempfile
import threading
from contextlib import aclosing
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiohttp_s3_client.transfer.sync.entries import Entry
from aiohttp_s3_client.transfer.sync.ordering import HELD
from aiohttp_s3_client.transfer.sync.tree import _flat, walk

NAMES = ["a", "a.txt", "a-b", "a b", "a0", "b", "Z", "é", "\ufffd", "\U0001f600", "~", "+"]
TREES = st.lists(
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map("/".join), max_size=25
)
MANY = HELD + 1_000

posix = pytest.mark.skipif(sys.platform == "win32", reason="not on Windows")


class Walked:
    """All that one walk gave."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.problems: list[tuple[str, Exception]] = []

    async def run(self, root: Path, symlinks: Literal["follow", "skip"] = "follow") -> Walked:
        def problem(name: str, error: Exception) -> None:
            assert threading.current_thread() is threading.main_thread()
            self.problems.append((name, error))

        async for batch in walk(root, symlinks=symlinks, problem=problem):
            assert batch
            self.entries += batch
        return self

    @property
    def names(self) -> list[str]:
        return [entry.name for entry in self.entries]


async def walked(root: Path, symlinks: Literal["follow", "skip"] = "follow") -> Walked:
    return await Walked().run(root, symlinks)


def put(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def by_os_walk(root: Path) -> list[str]:
    names = [
        os.path.relpath(os.path.join(directory, name), root).replace(os.sep, "/")
        for directory, _, files in os.walk(root)
        for name in files
    ]
    return sorted(names, key=str.encode)


def open_below(root: Path) -> list[str]:
    """What this process has open below *root*."""
    if sys.platform != "linux":
        return []
    opened = []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the one that lists the directory
            opened.append(os.readlink(f"/proc/self/fd/{number}"))
    return [name for name in opened if name.startswith(str(root))]


@settings(max_examples=settings().max_examples // 3)
@given(TREES)
async def test_files_come_in_the_order_of_their_names_bytes(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        for name in names:
            with contextlib.suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
                put(Path(directory), name)  # a file cannot be a directory too
        found = await walked(Path(directory))
        assert found.names == by_os_walk(Path(directory))
        assert found.problems == []


async def test_a_directory_sorts_with_its_slash(tmp_path: Path) -> None:
    put(tmp_path, "a/b", "a.txt", "a-b", "a0", "a/b.d/c", "a/b0", "Z", "é", "\U0001f600", "\ufffd")
    expected = ["Z", "a-b", "a.txt", "a/b", "a/b.d/c", "a/b0", "a0", "é", "\ufffd", "\U0001f600"]
    assert (await walked(tmp_path)).names == expected


async def test_size_and_time_are_the_files_to_the_nanosecond(tmp_path: Path) -> None:
    put(tmp_path, "dir/file")
    os.utime(tmp_path / "dir/file", ns=(0, 1_700_000_000_123_456_700))
    kept = (tmp_path / "dir/file").stat().st_mtime_ns
    assert (await walked(tmp_path)).entries == [Entry("dir/file", 8, kept, None)]
    if sys.platform == "linux":
        assert kept == 1_700_000_000_123_456_700


async def test_empty_directories_are_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty/below").mkdir(parents=True)
    assert (await walked(tmp_path)).entries == []


async def test_the_root_may_be_given_in_any_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "dir/file")
    monkeypatch.chdir(tmp_path)
    for root in (Path(), Path("dir/.."), tmp_path):
        assert (await walked(root)).names == ["dir/file"]


async def test_p1_p17_very_many_names_go_through_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And neither an early exit nor a cancellation leaves anything open."""
    root, temporary = tmp_path / "root", tmp_path / "temporary"
    root.mkdir()
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    for number in range(MANY):
        os.close(os.open(root / f"{number * 7919 % MANY:05d}", os.O_CREAT | os.O_WRONLY))
    (root / "00000.d").mkdir()
    put(root, "00000.d/x")
    assert (await walked(root)).names == by_os_walk(root)

    async with aclosing(walk(root, symlinks="follow", problem=unexpected)) as batches:
        await anext(batches)
        if sys.platform == "linux":
            assert len(open_below(temporary)) == 1
    assert open_below(tmp_path) == []

    for taken in (0, 3):
        reached = asyncio.Event()
        task = asyncio.create_task(take(root, taken, reached))
        await reached.wait()
        await asyncio.sleep(0.002)  # so that a thread is at work
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert open_below(tmp_path) == []
    assert list(temporary.iterdir()) == []


def test_a_name_that_is_read_twice_is_one_file() -> None:
    """No file system can be made to do it at will."""
    assert list(_flat([["a", "b", "b"], [], ["b", "c"]])) == ["a", "b", "", "c"]


async def test_what_vanishes_meanwhile_is_told(tmp_path: Path) -> None:
    """It may have been unmounted: then it is not known whether it is gone."""
    put(tmp_path, *(f"{number:04d}" for number in range(1_500)), "z/file", "zz")
    told: list[tuple[str, type[Exception]]] = []

    def problem(name: str, error: Exception) -> None:
        told.append((name, type(error)))

    async with aclosing(walk(tmp_path, symlinks="follow", problem=problem)) as batches:
        names = [entry.name for entry in await anext(batches)]
        (tmp_path / "1400").unlink()
        (tmp_path / "z/file").unlink()
        (tmp_path / "z").rmdir()
        names += [entry.name async for batch in batches for entry in batch]
    assert names == [*(f"{number:04d}" for number in range(1_500) if number != 1400), "zz"]
    assert told == [("1400", FileNotFoundError), ("z", FileNotFoundError)]


async def take(root: Path, count: int, reached: asyncio.Event) -> None:
    """Walk, and tell when *count* batches are there."""
    if not count:
        reached.set()
    async for _ in walk(root, symlinks="follow", problem=unexpected):
        count -= 1
        if not count:
            reached.set()


def unexpected(name: str, error: Exception) -> None:
    raise AssertionError(name) from error


# --- links


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A directory with links to a file and to a directory, both elsewhere."""
    root = tmp_path / "root"
    root.mkdir()
    put(tmp_path, "elsewhere/b", "file")
    put(root, "a.txt")
    try:
        (root / "a").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
        (root / "a0").symlink_to(tmp_path / "file")
    except OSError:
        pytest.skip("this user may not make links")
    return root


async def test_links_are_followed(linked: Path) -> None:
    found = await walked(linked)
    assert found.names == ["a.txt", "a/b", "a0"]
    assert [entry.size for entry in found.entries] == [5, 11, 4]
    assert found.problems == []


async def test_links_are_skipped(linked: Path) -> None:
    (linked / "dangling").symlink_to("nothing")
    (linked / "loop").symlink_to(linked, target_is_directory=True)
    found = await walked(linked, "skip")
    assert found.names == ["a.txt"]
    assert found.problems == []


@pytest.mark.parametrize("symlinks", ["follow", "skip"])
async def test_the_root_may_be_a_link(linked: Path, symlinks: Literal["follow", "skip"]) -> None:
    assert (await walked(linked / "a", symlinks)).names == ["b"]


async def test_a_loop_of_links_is_told_and_left(linked: Path) -> None:
    put(linked, "x/y/file")
    (linked / "x/y/up").symlink_to(linked / "x", target_is_directory=True)
    (linked / "x/self").symlink_to(linked / "x/self")
    found = await walked(linked)
    assert found.names == ["a.txt", "a/b", "a0", "x/y/file"]
    assert [name for name, _ in found.problems] == ["x/self", "x/y/up"]
    for _, error in found.problems:
        assert isinstance(error, OSError)
        assert error.errno == errno.ELOOP


async def test_links_to_nothing_are_told(linked: Path) -> None:
    (linked / "b").symlink_to("nothing")
    found = await walked(linked)
    assert found.names == ["a.txt", "a/b", "a0"]
    [(name, error)] = found.problems
    assert name == "b"
    assert isinstance(error, FileNotFoundError)


async def test_the_same_directory_twice_is_no_loop(linked: Path) -> None:
    (linked / "again").symlink_to(linked / "a", target_is_directory=True)
    found = await walked(linked)
    assert found.names == ["a.txt", "a/b", "a0", "again/b"]
    assert found.problems == []


# --- what is no file, or no key


@posix
async def test_sockets_and_pipes_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "file")
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)  # a socket's address is short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        for symlinks in ("follow", "skip"):
            found = await Walked().run(tmp_path, symlinks)
            assert found.names == ["file"]
            assert found.problems == []


@posix
async def test_p13_names_that_are_not_utf8_are_told(tmp_path: Path) -> None:
    put(tmp_path, "dir/file")
    directory = os.fsencode(tmp_path / "dir")
    try:
        os.mkdir(directory + b"/\xff")
        Path(os.fsdecode(directory + b"/a\xfe")).write_bytes(b"")
    except OSError:
        pytest.skip("the file system takes no such names")
    found = await walked(tmp_path)
    assert found.names == ["dir/file"]
    assert sorted(name for name, _ in found.problems) == ["dir/a\udcfe", "dir/\udcff"]
    for _, error in found.problems:
        assert isinstance(error, ValueError)
        assert "UTF-8" in str(error)


@posix
async def test_names_longer_than_a_key_are_told(tmp_path: Path) -> None:
    long = "/".join(["é" * 127] * 4)
    put(tmp_path, long + "/fits", long + "/fits_not")
    assert len((long + "/fits").encode()) == 1_024
    found = await walked(tmp_path)
    assert found.names == [long + "/fits"]
    [(name, error)] = found.problems
    assert name == long + "/fits_not"
    assert "1,028 bytes" in str(error)


# --- what cannot be read


async def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        await walked(tmp_path / "nowhere")


async def test_a_file_is_no_directory(tmp_path: Path) -> None:
    put(tmp_path, "file")
    with pytest.raises(NotADirectoryError, match="file"):
        await walked(tmp_path / "file")


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
async def test_a_directory_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    put(tmp_path, "a", "b/hidden", "c")
    (tmp_path / "b").chmod(0)
    try:
        found = await walked(tmp_path)
        with pytest.raises(PermissionError):
            await walked(tmp_path / "b")
    finally:
        (tmp_path / "b").chmod(0o700)
    assert found.names == ["a", "c"]
    [(name, error)] = found.problems
    assert name == "b"
    assert isinstance(error, PermissionError)


@pytest.mark.skipif(sys.platform != "linux", reason="the longest path is Linux's")
async def test_a_directory_that_cannot_be_opened_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its path is too long for the system, which even root meets."""
    put(tmp_path, "a")
    root = tmp_path
    while len(str(root)) < 3_800:
        root /= "x" * 100
    root.mkdir(parents=True)
    put(root, "a", "z")
    monkeypatch.chdir(root)
    put(Path(), "b" * 50 + "/" + "c" * 250 + "/hidden")
    found = await walked(root)
    assert found.names == ["a", "z"]
    [(name, error)] = found.problems
    assert name == "b" * 50 + "/" + "c" * 250
    assert isinstance(error, OSError)
    assert error.errno == errno.ENAMETOOLONG
    os.rename("b" * 50, "b")  # so that it can be cleaned up
    assert (await walked(Path())).names == ["a", "b/" + "c" * 250 + "/hidden", "z"]
