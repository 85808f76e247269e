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
from aiohttp_s3_client.transfer.sync.entries import Entry
from aiohttp_s3_client.transfer.sync.landing import Landing, split_name
from aiohttp_s3_client.transport.disk import Disk
from aiohttp_s3_client.transport.sink import PositionedFile, RangeFiles


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


def opened() -> int:
    """Descriptors of this process."""
    return len(os.listdir("/dev/fd"))


def land(root: Path, name: str) -> None:
    """What a download does, with the name as content."""
    place = Landing(root).prepare(name)
    place.path.write_text(name)
    place.close()
    place.close()


def test_directories_are_made(root: Path) -> None:
    before = opened()
    Landing(root).prepare("a/b/c").close()
    assert (root / "a/b").is_dir()
    assert not (root / "a/b/c").exists()
    for name in ("a/b/c", "a/b/d", "e"):
        land(root, name)
        assert (root / name).read_text() == name
    assert opened() == before


def link_instead(folder: Path, outside: Path) -> None:
    """What somebody else may do at any time: another directory by the same name."""
    folder.rename(folder.with_name("moved"))
    folder.symlink_to(outside)


@pytest.mark.skipif(module._DESCRIPTORS is None, reason="open directories have no paths here")
@pytest.mark.parametrize("form", [PositionedFile, RangeFiles])
async def test_a_link_that_is_planted_meanwhile(
    tmp_path: Path, form: type[PositionedFile] | type[RangeFiles]
) -> None:
    """Between the look at the way and the file: the file lands where the way led."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "file").write_bytes(b"kept")
    os.utime(outside / "file", (1, 1))
    place = Landing(root).prepare("a/b/file")
    link_instead(root / "a/b", outside)
    sink = form(place.path, Disk())
    await sink.write(0, b"new")
    await sink.commit(3)
    place.date(2_000_000_000)
    await sink.discard()
    place.close()
    assert [path.name for path in outside.iterdir()] == ["file"]
    assert (outside / "file").read_bytes() == b"kept"
    assert (outside / "file").stat().st_mtime == 1
    landed = root / "a/moved/file"
    assert (landed.read_bytes(), landed.stat().st_mtime) == (b"new", 2)


def test_an_error_gives_the_path_that_is_known(root: Path) -> None:
    place = Landing(root).prepare("a/b")
    for call in (place.path.read_bytes, lambda: os.replace(place.path, place.path)):
        with pytest.raises(FileNotFoundError) as caught:
            call()
        place.explain(caught.value)
        assert caught.value.filename == str(root / "a/b")
        assert caught.value.filename2 in (None, str(root / "a/b"))
    beside = FileNotFoundError(2, "no", str(place.path.with_name(".b.part") / "0"))
    place.explain(beside)
    assert beside.filename == str(root / "a/.b.part/0")
    other = FileNotFoundError(2, "no", "/elsewhere/b")
    place.explain(other)
    assert other.filename == "/elsewhere/b"
    place.close()


def test_many_at_once(root: Path) -> None:
    errors: list[Exception] = []

    def prepare(number: int) -> None:
        try:
            for depth in range(8):
                land(root, "/".join(map(str, range(depth + 1))) + f"/file{number}")
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
    land(link, "a/b")
    assert (root / "a/b").read_text() == "a/b"


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
            Landing(root).remove(Entry(name, 0, 0, None))
        with pytest.raises(UnsafeKey, match="symlink"):
            Landing(root).remove_directory(name)
    else:
        # It was a file when it was looked at.
        with pytest.raises(OSError, match="changed meanwhile"):
            Landing(root).remove(Entry(name, 0, 0, None))
        assert (root / name).is_symlink()
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
    landing.check("file/a", ("file",))
    landing.check("file", ())
    landing.prepare("file").close()
    assert stat.S_ISFIFO((root / "pipe").lstat().st_mode)


def test_a_check_makes_nothing(root: Path) -> None:
    Landing(root).check("a/b/c", ())
    assert list(root.iterdir()) == []


def test_a_name_that_is_too_long(root: Path) -> None:
    for name in ("a" * 300, "a" * 300 + "/b"):
        with pytest.raises(OSError, match="too long"):
            Landing(root).prepare(name)


def test_a_root_that_is_gone(root: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Landing(root / "none").prepare("a/b")
    Landing(root / "none").check("a/b", ())
    assert list(root.iterdir()) == []


def looked_at(root: Path, name: str) -> Entry:
    found = (root / name).lstat()
    return Entry(name, found.st_size, found.st_mtime_ns, None)


def test_removing(root: Path) -> None:
    landing = Landing(root)
    land(root, "a/b/c")
    entry = looked_at(root, "a/b/c")
    assert landing.remove_directory("a/b") is False
    landing.remove(entry)
    landing.remove(entry)
    landing.remove(Entry("x/y/z", 0, 0, None))
    assert landing.remove_directory("a/b") is True
    assert landing.remove_directory("a/b") is True
    assert landing.remove_directory("x/y") is True
    assert landing.remove_directory("a") is True
    assert list(root.iterdir()) == []


def test_what_was_changed_since_it_was_looked_at_is_not_removed(root: Path) -> None:
    """As by a file of the same sync that the file system gives the same name: ``A`` and ``a``."""
    for size, seconds in ((4, 2), (3, 1)):
        land(root, "file")
        os.utime(root / "file", (1, 1))
        entry = looked_at(root, "file")
        (root / "file").write_bytes(bytes(size))
        os.utime(root / "file", (seconds, seconds))
        with pytest.raises(OSError, match=r"changed meanwhile: '.*file'") as caught:
            Landing(root).remove(entry)
        assert caught.value.filename == str(root / "file")
        assert (root / "file").read_bytes() == bytes(size)


@pytest.mark.parametrize("mtime_ns", [1_600_000_000_123_456_000, 0, -1_500_000_000])
def test_the_time_of_a_file(root: Path, mtime_ns: int) -> None:
    land(root, "file")
    place = Landing(root).prepare("file")
    place.date(mtime_ns)
    place.close()
    assert (root / "file").stat().st_mtime_ns == mtime_ns


@pytest.mark.parametrize("seconds", [1, 2])
def test_a_file_is_never_older_than_its_object(
    root: Path, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """Where a file system keeps no fractions, as HFS+, or odd seconds neither, as FAT."""
    utime, step = os.utime, seconds * 1_000_000_000

    def coarse(path: Path, *, ns: tuple[int, int], follow_symlinks: bool) -> None:
        kept = ns[1] // step * step
        utime(path, ns=(kept, kept), follow_symlinks=follow_symlinks)

    monkeypatch.setattr(os, "utime", coarse)
    land(root, "file")
    place = Landing(root).prepare("file")
    for second in (1_600_000_000, 1_600_000_001):
        for fraction in (0, 123_456_000):
            when = second * 1_000_000_000 + fraction
            place.date(when)
            assert 0 <= (root / "file").stat().st_mtime_ns - when < step
    place.close()
