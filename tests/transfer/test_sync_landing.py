"""A key's object lands inside of the directory or nowhere."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client.errors import UnsafeKey
from aiohttp_s3_client.transfer.sync import landing as module
from aiohttp_s3_client.transfer.sync.landing import Landing, split_name


@pytest.fixture(params=["descriptor", "path"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to walk: by descriptors of directories, and where a system has none."""
    if request.param == "path":
        monkeypatch.setattr(module, "_BY_DESCRIPTOR", False)
    elif not module._BY_DESCRIPTOR:
        pytest.skip("no descriptors of directories here")


@pytest.fixture
def root(tmp_path: Path, way: None) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


# --- names


@pytest.mark.parametrize("name", ["a", "a/b", "a.b/..c/...", "ü/日本", " ", "~", "a//b"[:1], "-"])
def test_names_of_files(name: str) -> None:
    assert split_name(name, "posix") == name.split("/")


EVERYWHERE = [
    "", "/", "/a", "/etc/passwd", "//host/share", "a/", "a//b", ".", "..", "./a", "../a", "a/..",
    "a/../b", "a/./b", "../../../../etc/passwd", "a\0b", "\0", "..\0",
]  # fmt: skip


@pytest.mark.parametrize("name", EVERYWHERE)
@pytest.mark.parametrize("flavour", ["posix", "windows"])
def test_names_that_no_system_takes(name: str, flavour: module.Flavour) -> None:
    with pytest.raises(UnsafeKey) as caught:
        split_name(name, flavour)
    assert repr(name) in str(caught.value)


WINDOWS = [
    "C:", "C:a", "C:/a", "c:\\a", "a/C:/b", "..\\a", "a\\..\\..\\b", "\\\\host\\share", "\\a",
    "a\\b", "a:stream", "a<", "a>b", 'a"b', "a|b", "a?", "a*", "a\x01b", "a\nb", "a.", "a ",
    "a./b", "a /b", "...", ".. ", "con", "CON", "Con.txt", "nul", "NUL.tar.gz", "aux", "prn",
    "com1", "COM9.x", "lpt1", "com²", "a/nul/b", "CON .txt", "conin$", "CONOUT$",
]  # fmt: skip


@pytest.mark.parametrize("name", WINDOWS)
def test_names_that_windows_takes_for_something_else(name: str) -> None:
    with pytest.raises(UnsafeKey):
        split_name(name, "windows")
    assert split_name(name, "posix") == name.split("/")


@pytest.mark.parametrize(
    "name", ["console", "com", "com10", "nul-", "a.nul", "lpt", "acon", "a b.c"]
)
def test_names_that_windows_takes(name: str) -> None:
    assert split_name(name, "windows") == [name]


@given(st.text(alphabet="./\\a:\0 \n~", max_size=12))
def test_any_name_stays_inside(name: str) -> None:
    try:
        parts = split_name(name, "posix")
    except UnsafeKey:
        return
    path = os.path.normpath(os.path.join("/root/here", *parts))
    assert path.startswith("/root/here/")
    assert path == f"/root/here/{name}"


# --- the way


def test_directories_are_made(root: Path) -> None:
    assert Landing(root).prepare("a/b/c") == root / "a/b/c"
    assert (root / "a/b").is_dir()
    assert not (root / "a/b/c").exists()
    assert Landing(root).prepare("a/b/d") == root / "a/b/d"
    assert Landing(root).prepare("e") == root / "e"


def test_many_at_once(root: Path) -> None:
    errors: list[Exception] = []

    def prepare(number: int) -> None:
        try:
            for depth in range(8):
                Landing(root).prepare("/".join(map(str, range(depth + 1))) + f"/file{number}")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=prepare, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_directory_that_is_a_link_itself(root: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(root)
    assert Landing(link).prepare("a/b") == link / "a/b"
    assert (root / "a").is_dir()


Links = Callable[[Path, Path], str]


def linked_folder(root: Path, outside: Path) -> str:
    (root / "link").symlink_to(outside)
    return "link/file"


def linked_deeper(root: Path, outside: Path) -> str:
    (root / "a").mkdir()
    (root / "a/link").symlink_to(outside)
    return "a/link/deep/file"


def linked_inside(root: Path, outside: Path) -> str:
    (root / "a").mkdir()
    (root / "link").symlink_to("a")
    return "link/file"


def linked_to_nothing(root: Path, outside: Path) -> str:
    (root / "link").symlink_to(outside / "nothing")
    return "link/file"


def linked_file(root: Path, outside: Path) -> str:
    (root / "file").symlink_to(outside / "file")
    return "file"


def linked_file_to_nothing(root: Path, outside: Path) -> str:
    (root / "file").symlink_to(outside / "nothing")
    return "file"


def linked_in_a_circle(root: Path, outside: Path) -> str:
    (root / "link").symlink_to("link")
    return "link/file"


ALL_LINKS = [
    linked_folder, linked_deeper, linked_inside, linked_to_nothing, linked_file,
    linked_file_to_nothing, linked_in_a_circle,
]  # fmt: skip


@pytest.mark.parametrize("link", ALL_LINKS)
def test_no_link_is_passed_through(root: Path, tmp_path: Path, link: Links) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(b"kept")
    name = link(root, outside)
    with pytest.raises(UnsafeKey, match="symlink"):
        Landing(root).prepare(name)
    with pytest.raises(UnsafeKey, match="symlink"):
        Landing(root).check(name, ())
    assert [path.name for path in outside.iterdir()] == ["file"]
    if "/" in name:
        with pytest.raises(UnsafeKey, match="symlink"):
            Landing(root).remove(name)
        with pytest.raises(UnsafeKey, match="symlink"):
            Landing(root).remove_directory(name)
    else:
        Landing(root).remove(name)
        assert not (root / name).is_symlink()
    assert (outside / "file").read_bytes() == b"kept"


def test_what_is_in_the_way(root: Path) -> None:
    landing = Landing(root)
    (root / "file").touch()
    (root / "folder").mkdir()
    os.mkfifo(root / "pipe")
    for method in (landing.prepare, lambda name: landing.check(name, ())):
        with pytest.raises(NotADirectoryError) as caught:
            method("file/a")
        assert caught.value.filename == str(root / "file")
        with pytest.raises(IsADirectoryError):
            method("folder")
        with pytest.raises(FileExistsError):
            method("pipe")
        with pytest.raises(UnsafeKey):
            method("../a")
    assert landing.check("file/a", ("file",)) == root / "file/a"
    assert landing.prepare("file") == root / "file"
    assert stat.S_ISFIFO((root / "pipe").lstat().st_mode)


def test_a_check_makes_nothing(root: Path) -> None:
    assert Landing(root).check("a/b/c", ()) == root / "a/b/c"
    assert list(root.iterdir()) == []


def test_a_name_that_is_too_long(root: Path) -> None:
    for name in ("a" * 300, "a" * 300 + "/b"):
        with pytest.raises(OSError, match="too long"):
            Landing(root).prepare(name)


def test_a_root_that_is_gone(root: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Landing(root / "none").prepare("a/b")
    assert list(root.iterdir()) == []
    assert Landing(root / "none").check("a/b", ()) == root / "none/a/b"


def test_removing(root: Path) -> None:
    landing = Landing(root)
    landing.prepare("a/b/c")
    (root / "a/b/c").touch()
    assert landing.remove_directory("a/b") is False
    landing.remove("a/b/c")
    landing.remove("a/b/c")
    landing.remove("x/y/z")
    assert landing.remove_directory("a/b") is True
    assert landing.remove_directory("a/b") is True
    assert landing.remove_directory("x/y") is True
    assert landing.remove_directory("a") is True
    assert list(root.iterdir()) == []


def test_the_time_of_a_file(root: Path) -> None:
    (root / "file").touch()
    Landing(root).date("file", 1_600_000_000_123_456_000)
    assert (root / "file").stat().st_mtime_ns == 1_600_000_000_123_456_000
