"""Where in a directory a key's object lands, and nowhere else.

Keys are whatever somebody once stored. One that names no place inside of the directory is refused:
``..``, absolute, what a system takes for a drive or a device, and every name whose way leads
through a symlink below the directory, or ends at one. (That the directory itself is one is its
owner's choice.)

The way is walked from the directory down. Where the system knows of directories by descriptor,
each step is taken from the descriptor of the one before and follows no link, so that what was
looked at is what is entered; elsewhere each step is looked at first. Linux gives a path to an open
directory too: there the file is written and dated in the very directory that was entered, even
when its name has become a link meanwhile.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from ...errors import UnsafeKey
from .entries import Entry

Flavour = Literal["posix", "windows"]
NATIVE: Flavour = "windows" if os.name == "nt" else "posix"

_NEEDED = {os.open, os.mkdir, os.stat, os.unlink, os.rmdir}
_BY_DESCRIPTOR = hasattr(os, "O_NOFOLLOW") and os.supports_dir_fd >= _NEEDED
_UTIME_OF_LINKS = os.utime in os.supports_follow_symlinks
# O_PATH needs no right to list the directories that are passed through.
_ENTER: int = (
    getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
)
_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
_DESCRIPTORS: str | None = "/proc/self/fd"
"""Where open directories have paths."""
if sys.platform != "linux" or not os.path.isdir("/proc/self/fd/"):
    _DESCRIPTORS = None
_SECOND = 1_000_000_000
_JUNCTION = 0xA0000003
"""What Windows calls IO_REPARSE_TAG_MOUNT_POINT."""
_NO_DIRECTORY = (errno.ENOTDIR, errno.ELOOP, errno.EMLINK)

# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_RESERVED_CHARACTERS = '[\\0-\\x1f<>:"|?*\\\\]'
_DEVICES = r"(?i:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³]) *(?:\..*)?"


def split_name(name: str, flavour: Flavour = NATIVE) -> list[str]:
    """The parts of a path that *name* stands for.

    Raises ``UnsafeKey`` for a name that is no path, or that means another one to the system.
    """
    parts = name.split("/")
    for part in parts:
        if part in ("", ".", ".."):
            what = f"the segment {part!r}" if part else "an empty segment"
            raise UnsafeKey(f"{name!r} holds {what}, so it names no file inside of the directory")
        if "\0" in part:
            raise UnsafeKey(f"{name!r} holds a zero byte, which no file's name may")
        if flavour == "windows":
            if found := re.search(_RESERVED_CHARACTERS, part):
                raise UnsafeKey(f"{name!r} holds {found[0]!r}, which Windows reserves")
            if part[-1] in ". ":
                raise UnsafeKey(f"{name!r}: Windows drops the end of {part!r}")
            if re.fullmatch(_DEVICES, part):
                raise UnsafeKey(f"{name!r}: to Windows {part!r} is a device")
    return parts


class _Leaf(NamedTuple):
    """The last step: a name in an open directory, or a whole path."""

    name: str
    dir_fd: int | None

    def found(self) -> os.stat_result | None:
        """What is there, be it a link; None for nothing."""
        try:
            return os.stat(self.name, dir_fd=self.dir_fd, follow_symlinks=False)
        except FileNotFoundError:
            return None


class Place:
    """A place for one file. The directory that it is in is held open until ``close``."""

    __slots__ = ("_held", "_shown", "path")

    def __init__(self, shown: Path, leaf: _Leaf) -> None:
        self._shown = shown
        self._held: int | None = None
        self.path = shown
        """Where to write to."""
        if leaf.dir_fd is not None and _DESCRIPTORS is not None:
            self._held = os.dup(leaf.dir_fd)
            self.path = Path(_DESCRIPTORS, str(self._held), leaf.name)

    def date(self, mtime_ns: int) -> None:
        """Let the file be of *mtime_ns*, in nanoseconds since 1970. Blocks.

        Where a file system keeps whole seconds, or every other one as FAT does, it is the next
        one: a file that is older than its object would be fetched again by every sync.
        """
        for step in (1, _SECOND, 2 * _SECOND):
            when = -(-mtime_ns // step) * step
            os.utime(self.path, ns=(when, when), follow_symlinks=not _UTIME_OF_LINKS)
            if os.stat(self.path, follow_symlinks=False).st_mtime_ns >= mtime_ns:
                return

    def explain(self, error: OSError) -> None:
        """Let *error* give the path by which its reader knows the file, or what is beside it."""
        folder = self.path.parent
        for attribute in ("filename", "filename2"):
            given = getattr(error, attribute, None)
            if isinstance(given, str) and (path := Path(given)).is_relative_to(folder):
                known = self._shown.parent / path.relative_to(folder)
                setattr(error, attribute, os.fspath(known))

    def close(self) -> None:
        """Let go of the directory. May be called again."""
        held, self._held = self._held, None
        if held is not None:
            os.close(held)


class Landing:
    """A directory that files are landed in. All methods block: they are for a thread."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._way = _by_descriptor if _BY_DESCRIPTOR else _by_path

    def path(self, name: str) -> Path:
        """Where *name* would be, whether it may or not."""
        return self._root / name

    def prepare(self, name: str) -> Place:
        """The place for a file called *name*; the directories on its way are made.

        Raises ``UnsafeKey``, and ``OSError`` where something else is in the way: a file for a
        directory, a directory (or what is no regular file) for the file.
        """
        path = self.path(name)
        with self._way(self._root, split_name(name), True) as leaf:
            assert leaf is not None
            _check_free(leaf, path)
            return Place(path, leaf)

    def check(self, name: str, gone: Collection[str]) -> None:
        """As ``prepare``, and makes nothing; the directory itself may still be missing.

        *gone* are names of files that count as deleted.
        """
        parts = split_name(name)
        if not self._root.is_dir():
            return
        if any("/".join(parts[:count]) in gone for count in range(1, len(parts))):
            return
        with self._way(self._root, parts, False) as leaf:
            if leaf is not None:
                _check_free(leaf, self.path(name))

    def remove(self, entry: Entry) -> None:
        """Delete the file that *entry* tells of; nothing where there is none.

        Raises as ``prepare``, and ``OSError`` for a file that is another one by now: it was just
        landed there under a name that the file system takes for the same, or by somebody else.
        """
        with self._way(self._root, split_name(entry.name), False) as leaf:
            found = None if leaf is None else leaf.found()
            if leaf is None or found is None:
                return
            if (found.st_size, found.st_mtime_ns) != (entry.size, entry.mtime_ns):
                path = os.fspath(self.path(entry.name))
                raise OSError(errno.EBUSY, "is not deleted, for it was changed meanwhile", path)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(leaf.name, dir_fd=leaf.dir_fd)

    def remove_directory(self, name: str) -> bool:
        """Delete the directory called *name* if it is empty; whether it is gone."""
        with self._way(self._root, split_name(name), False) as leaf:
            if leaf is None:
                return True
            try:
                os.rmdir(leaf.name, dir_fd=leaf.dir_fd)
            except FileNotFoundError:
                return True
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                    return False
                raise
        return True


@contextlib.contextmanager
def _by_descriptor(root: Path, parts: list[str], make: bool) -> Iterator[_Leaf | None]:
    """From *root* down *parts*, each directory opened in the one before; None: there is none."""
    at = os.open(root, _ENTER)
    try:
        for count, part in enumerate(parts[:-1], 1):
            inner = _entered(at, part, root.joinpath(*parts[:count]), make)
            if inner is None:
                yield None
                return
            os.close(at)
            at = inner
        yield _Leaf(parts[-1], at)
    finally:
        os.close(at)


def _entered(at: int, part: str, path: Path, make: bool) -> int | None:
    """The directory *part* of the directory *at*, made if it is to be."""
    for _ in range(2):
        try:
            return os.open(part, _ENTER | _NO_LINK, dir_fd=at)
        except FileNotFoundError:
            if not make:
                return None
            with contextlib.suppress(FileExistsError):  # Another one of the sync was faster.
                os.mkdir(part, dir_fd=at)
        except OSError as error:
            if error.errno not in _NO_DIRECTORY:
                raise
            found = os.stat(part, dir_fd=at, follow_symlinks=False)
            raise _in_the_way(found, path) from None
    raise _os_error(errno.ENOENT, path)


@contextlib.contextmanager
def _by_path(root: Path, parts: list[str], make: bool) -> Iterator[_Leaf | None]:
    """The same where there are no descriptors of directories."""
    path = root
    for part in parts[:-1]:
        path = path / part
        try:
            found = path.lstat()
        except FileNotFoundError:
            if not make:
                yield None
                return
            path.mkdir(exist_ok=True)
            found = path.lstat()
        if _is_link(found) or not stat.S_ISDIR(found.st_mode):
            raise _in_the_way(found, path)
    yield _Leaf(os.fspath(path / parts[-1]), None)


def _check_free(leaf: _Leaf, path: Path) -> None:
    """Raise what is wrong when more than a regular file is in a file's place."""
    found = leaf.found()
    if found is None or stat.S_ISREG(found.st_mode):
        return
    if _is_link(found):
        raise _through_link(path)
    raise _os_error(errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EEXIST, path)


def _in_the_way(found: os.stat_result, path: Path) -> OSError | UnsafeKey:
    """The error of what is no directory and should be one."""
    if _is_link(found):
        return _through_link(path)
    return _os_error(errno.ENOTDIR, path)


def _is_link(found: os.stat_result) -> bool:
    """Whether it leads elsewhere; on Windows junctions do so too, and pass for directories."""
    return stat.S_ISLNK(found.st_mode) or getattr(found, "st_reparse_tag", 0) == _JUNCTION


def _through_link(path: Path) -> UnsafeKey:
    return UnsafeKey(f"{os.fspath(path)!r} is a symlink, which may lead out of the directory")


def _os_error(code: int, path: Path) -> OSError:
    return OSError(code, os.strerror(code), os.fspath(path))
