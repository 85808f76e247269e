"""One side of a sync: the files below a directory, in the order in which S3 lists their names.

A directory sorts as its name with a slash, so ``a.txt`` comes before what is in ``a``. One level
of names is held for each directory above the one being read, and a directory with very many
names is sorted through a file on disk. The disk is only touched in threads.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal

from ...transport.shielding import finished, threaded
from .entries import Entry
from .ordering import BATCH, Sorter

MAX_KEY_SIZE = 1_024
"""Bytes of a key. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"""

_SURELY_SHORT = MAX_KEY_SIZE // 4
"""Characters that are not too many bytes, whichever they are."""

_SCANNED_AT_ONCE = 5_000
"""Names of a directory that are read between two pauses."""


async def walk(
    root: Path,
    *,
    symlinks: Literal["follow", "skip"],
    problem: Callable[[str, Exception], None],
) -> AsyncGenerator[list[Entry], None]:
    """The regular files below *root*, named by their paths from there, with slashes.

    With ``symlinks="follow"`` links are what they lead to, with ``"skip"`` they are left out;
    *root* itself may be a link. Sockets, pipes and devices hold nothing to store and are left out
    without a word. What else is not given is told to *problem* by its name, before any file is
    given that comes after it:

    * a directory that cannot be read (``OSError``): nothing is known of what is below it
    * a directory that a link leads back to from inside of it (``OSError``, ``ELOOP``)
    * a file that cannot be looked at (``OSError``)
    * what is not there (``FileNotFoundError``): a link to nothing, and what vanished meanwhile,
      which may have been unmounted
    * a name that cannot be a key (``ValueError``): it is not UTF-8 and therefore holds surrogate
      escapes, or is too long

    Raises ``OSError`` at once when *root* is not there, is no directory or cannot be read.
    """
    walker = _Walker(os.fspath(root), symlinks == "follow")
    batches = walker.batches()
    try:
        while (batch := await threaded(partial(next, batches, None))) is not None:
            problems, walker.problems = walker.problems, []
            for name, error in problems:
                problem(name, error)
            if batch or problems:  # Whoever gathers problems gets a turn to pass them on.
                yield batch
    finally:
        await finished(asyncio.to_thread(batches.close))


class _Level:
    """A directory that is being walked. ``prefix`` and ``path`` end in a slash."""

    __slots__ = ("identity", "names", "path", "prefix", "sorter")

    def __init__(self, prefix: str, path: str, identity: tuple[int, int]) -> None:
        self.prefix = prefix
        self.path = path
        self.identity = identity
        """Device and inode."""
        self.sorter: Sorter[str] = Sorter()
        self.names: Iterator[str] = iter(())


class _Walker:
    """The walk itself, which blocks. What goes wrong is gathered in ``problems``."""

    def __init__(self, root: str, follow: bool) -> None:
        self._root = root
        self._follow = follow
        self._levels: list[_Level] = []
        self.problems: list[tuple[str, Exception]] = []

    def batches(self) -> Generator[list[Entry], None, None]:
        """The entries. An empty list is a pause, in which the walk may be ended."""
        try:
            yield from self._enter("")
            batch: list[Entry] = []
            turns = 0
            while self._levels:
                level = self._levels[-1]
                name = next(level.names, None)
                if name is None:
                    self._leave()
                    continue
                if name.endswith("/"):
                    yield from self._enter(level.prefix + name)
                elif name and (entry := self._entry(level, name)) is not None:
                    batch.append(entry)
                turns += 1
                if turns == BATCH:
                    yield batch
                    batch, turns = [], 0
            yield batch
        finally:
            while self._levels:
                self._leave()

    def _enter(self, prefix: str) -> Generator[list[Entry], None, None]:
        """Read the names of a directory and make it the one that is walked."""
        try:
            level = self._level(prefix)
        except OSError as error:
            self._failed(prefix, error)
            return
        self._levels.append(level)
        with closing(self._scanned(level)) as scanned:
            for number, names in enumerate(scanned):
                if names is None:
                    self._leave()
                    return
                level.sorter.add(names)
                if number:
                    yield []
        level.names = _flat(level.sorter.sorted())

    def _leave(self) -> None:
        self._levels.pop().sorter.close()

    def _level(self, prefix: str) -> _Level:
        path = os.path.join(self._root, prefix[:-1]) if prefix else self._root
        found = os.stat(path, follow_symlinks=self._follow or not prefix)
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        level = _Level(prefix, os.path.join(path, ""), (found.st_dev, found.st_ino))
        if any(above.identity == level.identity for above in self._levels):
            raise OSError(errno.ELOOP, "a link leads back to a directory that it is in", path)
        return level

    def _scanned(self, level: _Level) -> Generator[list[str] | None, None, None]:
        """The names in a directory, those of directories with a slash; None when it fails."""
        try:
            with os.scandir(level.path) as found:
                while names := list(islice(found, _SCANNED_AT_ONCE)):
                    yield [self._named(entry) for entry in names if self._fits(level, entry.name)]
        except OSError as error:
            self._failed(level.prefix, error)
            yield None

    def _named(self, entry: os.DirEntry[str]) -> str:
        try:
            return f"{entry.name}/" if entry.is_dir(follow_symlinks=self._follow) else entry.name
        except OSError:
            return entry.name  # Told when the file is looked at, which fails as well.

    def _fits(self, level: _Level, name: str) -> bool:
        """Whether a key can be made of the name; if not, that is told."""
        whole = level.prefix + name
        try:
            if name.isascii() and len(whole) <= _SURELY_SHORT:
                return True
            size = len(whole.encode())
        except UnicodeEncodeError:
            self.problems.append((whole, ValueError("the name is not UTF-8, as keys have to be")))
            return False
        if size > MAX_KEY_SIZE:
            error = ValueError(f"the name has {size:,} bytes; keys have at most {MAX_KEY_SIZE:,}")
            self.problems.append((whole, error))
            return False
        return True

    def _entry(self, level: _Level, name: str) -> Entry | None:
        path = level.path + name
        try:
            found = os.stat(path, follow_symlinks=self._follow)
        except OSError as error:
            self.problems.append((level.prefix + name, error))
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        return Entry(level.prefix + name, found.st_size, found.st_mtime_ns, None)

    def _failed(self, prefix: str, error: OSError) -> None:
        """A directory cannot be read: an error of the whole walk if it is the root."""
        if not prefix:
            raise error
        self.problems.append((prefix[:-1], error))


def _flat(batches: Iterable[list[str]]) -> Iterator[str]:
    """The names one by one, and "" for a pause.

    A file system may name a file twice that is replaced while its directory is read.
    """
    last = ""
    for batch in batches:
        if not batch:
            yield ""
        for name in batch:
            if name != last:
                yield name
            last = name
