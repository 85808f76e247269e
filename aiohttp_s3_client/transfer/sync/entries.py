"""The files of one side of a sync, and how two sides are laid beside each other.

Both sides come in the order in which S3 lists: that of the bytes of a name in UTF-8. So a million
files on each side are compared with a few thousand of them in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from itertools import islice, pairwise
from operator import lt
from typing import NamedTuple

from ...errors import ResponseParseError
from ...transport.shielding import settled


class Entry(NamedTuple):
    """One file or object.

    ``name`` is relative to the directory or prefix, its parts separated by slashes; ``size`` is in
    bytes, ``mtime_ns`` in nanoseconds since 1970 (UTC). ``etag`` is as the server sends it, in
    quotes or (rclone) without; None for a local file.
    """

    name: str
    size: int
    mtime_ns: int
    etag: str | None


Batches = AsyncGenerator[list[Entry], None]
"""Entries in lists of any length, empty ones too. Whoever takes them closes it."""

Pair = tuple[Entry | None, Entry | None]
"""What is on the left and on the right under the same name; one of both may be missing."""


def sort_key(name: str) -> bytes:
    """What S3 orders names by. Bytes of a name that are not UTF-8 are what they were sent as."""
    return name.encode("utf-8", "surrogateescape")


def in_order(keys: list[bytes]) -> bool:
    """Whether each of *keys* comes after the one before it."""
    return all(map(lt, keys, islice(keys, 1, None)))


async def merged(left: Batches, right: Batches) -> AsyncGenerator[list[Pair], None]:
    """Every name of both sides once, in order, in lists that are not empty.

    One batch of each side is asked for ahead, so that two listings are waited for together. Both
    sides are closed when this one ends, fails or is closed. Raises ``ResponseParseError``, which
    gives both names, where a side is out of order or has a name twice.
    """
    ours, theirs = _Side(left), _Side(right)
    try:
        while True:
            await ours.fill()
            await theirs.fill()
            if not (ours.keys and theirs.keys):
                break
            yield _pairs(ours, theirs)
        while ours.keys:
            yield [(entry, None) for entry in ours.rest()]
            await ours.fill()
        while theirs.keys:
            yield [(None, entry) for entry in theirs.rest()]
            await theirs.fill()
    finally:
        try:
            await ours.close()
        finally:
            await theirs.close()


class _Side:
    """The batch of one side that is being merged, from ``at`` on, and the next one on its way."""

    def __init__(self, source: Batches) -> None:
        self._source = source
        self._next = asyncio.create_task(self._fetch())
        self._last = b""
        self._begun = False
        self.at = 0
        self.entries: list[Entry] = []
        self.keys: list[bytes] = []
        """Of ``entries``; empty once there are no more."""

    async def fill(self) -> None:
        """Take the next batch if this one is used up."""
        if self.at < len(self.keys):
            return
        self.at, self.keys = 0, []
        while (entries := await self._next) is not None:
            self._next = asyncio.create_task(self._fetch())
            if entries:
                self.entries, self.keys = entries, [sort_key(entry.name) for entry in entries]
                self._check()
                return

    def rest(self) -> list[Entry]:
        """What is left of the batch, which is used up then."""
        at, self.at = self.at, len(self.entries)
        return self.entries[at:]

    async def close(self) -> None:
        self._next.cancel()
        await settled(self._next)
        await self._source.aclose()

    async def _fetch(self) -> list[Entry] | None:
        return await anext(self._source, None)

    def _check(self) -> None:
        keys = [self._last, *self.keys] if self._begun else self.keys
        if not in_order(keys):
            before, after = next((one, two) for one, two in pairwise(keys) if one >= two)
            found = f"{_shown(after)} comes after {_shown(before)}"
            raise ResponseParseError(f"names are out of order or there twice: {found}")
        self._last, self._begun = keys[-1], True


def _shown(key: bytes) -> str:
    return repr(key.decode("utf-8", "surrogateescape"))


def _pairs(left: _Side, right: _Side) -> list[Pair]:
    """The pairs up to the end of one of the batches."""
    pairs: list[Pair] = []
    add = pairs.append
    ours, our_keys, i = left.entries, left.keys, left.at
    theirs, their_keys, j = right.entries, right.keys, right.at
    our_end, their_end = len(our_keys), len(their_keys)
    while i < our_end and j < their_end:
        our_key, their_key = our_keys[i], their_keys[j]
        if our_key == their_key:
            add((ours[i], theirs[j]))
            i += 1
            j += 1
        elif our_key < their_key:
            add((ours[i], None))
            i += 1
        else:
            add((None, theirs[j]))
            j += 1
    left.at, right.at = i, j
    return pairs
