"""Sorting more than should be held in memory, through a file on disk.

Records are gathered, sorted some ten thousand at a time and written out as a run; the runs are
merged as they are read back. All runs lie in one temporary file, which has no name (where the
system can do that) and is gone when it is closed, so nothing is left behind however a sync ends.

The file holds marshalled lists: names may hold any character, and nothing else in the standard
library writes and reads them as fast. No other process reads it, so its format need not last.
"""

from __future__ import annotations

import asyncio
import heapq
import marshal
import tempfile
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from functools import partial
from itertools import islice
from typing import IO, Generic, NamedTuple, TypeVar

from ...transport.shielding import finished, threaded
from .entries import Batches, Entry, sort_key

HELD = 10_000
"""Records in memory at once while they are gathered: one run."""

BATCH = 1_000
"""Records in each list that comes out, but the last."""

RUNS = 128
"""Runs that are merged at once."""

_BLOCK = 125
"""Records read of a run at a time; times ``RUNS``, this is what a merge holds."""

_LENGTH_SIZE = 4

Row = tuple[bytes, int, int, str]
"""An entry as it is sorted: the newest of those of one name is the last of them."""

T = TypeVar("T", str, Row)


async def ordered(batches: Batches) -> AsyncGenerator[list[Entry], None]:
    """The same entries in order, once all of *batches* are there; then *batches* is closed.

    Of entries with the same name the newest is kept: an object that was replaced while a server
    went through its bucket in no order may be listed twice.
    """
    sorter: Sorter[Row] = Sorter()
    try:
        async with aclosing(batches):
            async for batch in batches:
                await threaded(partial(sorter.add, [_row(entry) for entry in batch]))
        rows = sorter.sorted()
        kept: list[Row] = []
        while (batch_rows := await threaded(partial(next, rows, None))) is not None:
            kept += batch_rows
            if newest := _newest(kept):
                kept = [newest.pop()]  # The next batch may begin with a newer one.
                if newest:
                    yield [_entry(row) for row in newest]
        if kept:
            yield [_entry(row) for row in kept]
    finally:
        await finished(asyncio.to_thread(sorter.close))


class Sorter(Generic[T]):
    """Takes any number of records and gives them back in order. Blocks: for use in a thread.

    ``add`` all, then read ``sorted``, then ``close``. Only what is more than *held* records goes
    into a file. No call takes longer than a fraction of a second.
    """

    def __init__(self, *, held: int = HELD, runs: int = RUNS) -> None:
        self._most = held
        self._width = runs
        self._held: list[T] = []
        self._runs: deque[_Run] = deque()
        self._file: IO[bytes] | None = None
        self._end = 0

    def add(self, records: Iterable[T]) -> None:
        """Take *records*. Raises ``OSError`` when the disk is full."""
        self._held.extend(records)
        if len(self._held) >= self._most:
            self._held.sort()
            held, self._held = self._held, []
            for _ in self._write(iter(held)):
                pass

    def sorted(self) -> Iterator[list[T]]:
        """All records in order. An empty list means nothing but that there is more to do."""
        while len(self._runs) > self._width:
            yield from self._write(self._merged(self._runs.popleft() for _ in range(self._width)))
        self._held.sort()
        records = heapq.merge(self._held, self._merged(self._runs)) if self._runs else self._held
        left = iter(records)
        while batch := list(islice(left, BATCH)):
            yield batch

    def close(self) -> None:
        """Drop all that was taken. May be called again."""
        self._held = []
        self._runs.clear()
        if self._file is not None:
            self._file.close()

    def _merged(self, runs: Iterable[_Run]) -> Iterator[T]:
        return heapq.merge(*map(self._read, runs))

    def _write(self, records: Iterator[T]) -> Iterator[list[T]]:
        """Write *records* as one more run, with a pause after each block."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="aiohttp-s3-client-")  # noqa: SIM115 - see close
        begin = self._end
        while block := list(islice(records, _BLOCK)):
            data = marshal.dumps(block)
            self._file.seek(self._end)
            self._file.write(len(data).to_bytes(_LENGTH_SIZE, "big") + data)
            self._end += _LENGTH_SIZE + len(data)
            yield []
        self._runs.append(_Run(begin, self._end))

    def _read(self, run: _Run) -> Iterator[T]:
        assert self._file is not None
        at = run.begin
        while at < run.end:
            self._file.seek(at)
            size = int.from_bytes(self._file.read(_LENGTH_SIZE), "big")
            block: list[T] = marshal.loads(self._file.read(size))
            at += _LENGTH_SIZE + size
            yield from block


class _Run(NamedTuple):
    """Where the blocks of sorted records lie in the file, each behind its length."""

    begin: int
    end: int


def _row(entry: Entry) -> Row:
    return sort_key(entry.name), entry.mtime_ns, entry.size, entry.etag or ""


def _entry(row: Row) -> Entry:
    key, mtime_ns, size, etag = row
    return Entry(key.decode("utf-8", "surrogateescape"), size, mtime_ns, etag or None)


def _newest(rows: list[Row]) -> list[Row]:
    """The last one of each name among *rows*, which are in order."""
    return list({row[0]: row for row in rows}.values())
