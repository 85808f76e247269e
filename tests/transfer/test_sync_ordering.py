"""Sorting through a file on disk: any number of names, with any characters, in little memory."""

from __future__ import annotations

import asyncio
import os
import random
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client.transfer.sync.entries import Entry
from aiohttp_s3_client.transfer.sync.ordering import BATCH, HELD, Sorter, ordered

ENTRIES = st.lists(
    st.builds(
        Entry,
        st.text(st.sampled_from('a/é\ufffd\U0001f600\udcff\n\0"\\'), max_size=4),
        st.integers(0, 2**63),
        st.integers(-(2**62), 2**64),
        st.none() | st.text(min_size=1, max_size=3),
    ),
    max_size=40,
)
MANY = 4 * HELD + 5_000


def utf8(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


async def batches(entries: Sequence[Entry], size: int = 1_000) -> AsyncGenerator[list[Entry], None]:
    for start in range(0, len(entries), size):
        yield list(entries[start : start + size])


def shuffled(count: int) -> list[Entry]:
    entries = [Entry(f"dir/{number:06d}", number, number, None) for number in range(count)]
    random.Random(0).shuffle(entries)
    return entries


@pytest.fixture
def spilled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """What is in the directory of temporary files, and of those without a name, open ones."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def look() -> list[str]:
        opened = []
        if sys.platform == "linux":
            for number in os.listdir("/proc/self/fd"):
                try:
                    opened.append(os.readlink(f"/proc/self/fd/{number}"))
                except FileNotFoundError:
                    continue  # The one that listed the directory.
        found = {str(path) for path in tmp_path.iterdir()}
        return sorted(found.union(name for name in opened if name.startswith(str(tmp_path))))

    return look


# --- the sorter


@given(
    st.lists(st.lists(st.text(max_size=3), max_size=30), max_size=12),
    st.integers(1, 20),
    st.integers(2, 4),
)
def test_records_come_in_order_whatever_fits_into_memory(
    added: list[list[str]], held: int, runs: int
) -> None:
    with closing(Sorter[str](held=held, runs=runs)) as sorter:
        for records in added:
            sorter.add(records)
        found = [record for batch in sorter.sorted() for record in batch]
    assert found == sorted(record for records in added for record in records)


def test_few_records_need_no_file(spilled: Callable[[], list[str]]) -> None:
    with closing(Sorter[str]()) as sorter:
        sorter.add(["b", "a"])
        assert list(sorter.sorted()) == [["a", "b"]]
        assert spilled() == []


@pytest.mark.skipif(sys.platform != "linux", reason="sees the file in /proc")
def test_the_file_is_private_and_one(spilled: Callable[[], list[str]]) -> None:
    with closing(Sorter[str](held=10, runs=2)) as sorter:
        for number in range(100):
            sorter.add([f"{number:05d}"] * 10)
        assert sum(map(len, sorter.sorted())) == 1_000
        assert len(spilled()) == 1
        mode = next(
            os.stat(f"/proc/self/fd/{number}").st_mode
            for number in os.listdir("/proc/self/fd")
            if os.readlink(f"/proc/self/fd/{number}") == spilled()[0]
        )
        assert stat.S_IMODE(mode) & 0o077 == 0
    assert spilled() == []


def test_a_long_merge_has_pauses() -> None:
    """In which it can be ended: a thread cannot be stopped from outside."""
    with closing(Sorter[str](held=1_000, runs=2)) as sorter:
        for number in range(8):
            sorter.add([f"{number:05d}"] * 1_000)
        steps = list(sorter.sorted())
    first = next(index for index, step in enumerate(steps) if step)
    assert first >= 8, "nothing but the last merge may be without"


# --- entries


@given(ENTRIES, st.integers(1, 9))
async def test_entries_come_in_order_and_whole(entries: list[Entry], size: int) -> None:
    found = [entry async for batch in ordered(batches(entries, size)) for entry in batch]
    newest: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda entry: (entry.mtime_ns, entry.size, entry.etag or "")):
        newest[entry.name] = entry
    assert found == [newest[name] for name in sorted(newest, key=utf8)]


async def test_the_newest_is_kept_across_two_batches() -> None:
    entries = shuffled(BATCH + 500)
    newer = Entry(f"dir/{BATCH - 1:06d}", 0, 2**62, None)
    found = [entry async for batch in ordered(batches([newer, *entries])) for entry in batch]
    entries = sorted(entries)
    assert found == [*entries[: BATCH - 1], newer, *entries[BATCH:]]


async def test_p17_more_than_fits_into_memory_goes_through_a_file(
    spilled: Callable[[], list[str]],
) -> None:
    """And a name that is there again, far away from the first, is found all the same."""
    entries = shuffled(MANY)
    again = [entry._replace(mtime_ns=2**62) for entry in entries[:: MANY // 7]]
    async with aclosing(ordered(batches([*entries, *again]))) as found:
        first = await anext(found)
        if sys.platform == "linux":
            assert len(spilled()) == 1
        rest = [entry async for batch in found for entry in batch]
    newest = {entry.name: entry for entry in [*entries, *again]}
    assert [*first, *rest] == sorted(newest.values())
    assert spilled() == []


@pytest.mark.parametrize("steps", [30, 60, 90], ids=["gathering", "gathering on", "merging"])
async def test_a_cancellation_leaves_no_file(spilled: Callable[[], list[str]], steps: int) -> None:
    entries = iter(shuffled(MANY))
    reached = asyncio.Event()
    passed = 0

    def step() -> None:
        nonlocal passed
        passed += 1
        if passed == steps:
            reached.set()

    async def source() -> AsyncGenerator[list[Entry], None]:
        while batch := [entry for entry, _ in zip(entries, range(1_000), strict=False)]:
            step()
            yield batch

    async def read() -> None:
        async for _ in ordered(source()):
            step()

    task = asyncio.create_task(read())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert spilled() == []


async def test_an_error_of_the_source_leaves_no_file(spilled: Callable[[], list[str]]) -> None:
    async def source() -> AsyncGenerator[list[Entry], None]:
        yield shuffled(HELD + 1)
        raise PermissionError("no")

    with pytest.raises(PermissionError, match="no"):
        async for _ in ordered(source()):
            pass
    assert spilled() == []


PROGRAM = """
import asyncio, resource, sys
from aiohttp_s3_client.transfer.sync.entries import Entry
from aiohttp_s3_client.transfer.sync.ordering import ordered

COUNT = 200_000

async def source():
    for start in range(0, COUNT, 1_000):
        yield [
            Entry(f"directory/{number * 7919 % COUNT:015d}", number, number, f'"{number:032x}"')
            for number in range(start, start + 1_000)
        ]

async def main():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    last = ""
    found = 0
    async for batch in ordered(source()):
        for entry in batch:
            assert entry.name > last
            last = entry.name
        found += len(batch)
    assert found == COUNT
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of the peak differs elsewhere")
def test_p17_memory_does_not_grow_with_the_number() -> None:
    """200,000 entries are some 65 MB as a list."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=50
    )
    assert int(ended.stdout) < 25 * 1024
