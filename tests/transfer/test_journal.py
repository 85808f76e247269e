"""The journal of a resumable transfer: what was finished is known again after any kill."""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client.errors import TransferInProgress
from aiohttp_s3_client.protocol.parts import UploadedPart
from aiohttp_s3_client.protocol.ranges import ByteRange
from aiohttp_s3_client.transfer.journal import (
    Entry,
    Journal,
    JournalHead,
    download_journal_path,
    download_part_path,
    missing_ranges,
    upload_journal_path,
)

DOWNLOAD = JournalHead(
    kind="download",
    endpoint="https://s3.example.com",
    bucket="bucket",
    key="a/key",
    identity={"etag": '"e"', "version_id": None, "size": 100, "step": 10},
)
UPLOAD = JournalHead(
    kind="upload",
    endpoint="https://s3.example.com",
    bucket="bucket",
    key="a/key",
    identity={"size": 100, "mtime_ns": 1},
    upload_id="first",
)
RANGES = [ByteRange(10, 20), ByteRange(0, 10), ByteRange(20, 25)]
PARTS = [UploadedPart(2, '"two"', 10, {"CRC32": "AAAAAA=="}), UploadedPart(1, '"one"', 10)]

texts = st.text(max_size=20)
heads = st.builds(
    JournalHead,
    kind=st.sampled_from(["download", "upload"]),
    endpoint=st.just("https://s3.example.com/base"),
    bucket=texts,
    key=st.text(st.characters(exclude_categories=()), max_size=20),
    identity=st.dictionaries(texts, st.none() | st.integers() | texts, max_size=5),
    upload_id=texts,
)
ranges = st.builds(
    lambda start, size: ByteRange(start, start + size), st.integers(0, 10**14), st.integers(1, 999)
)
parts = st.builds(
    UploadedPart,
    st.integers(1, 10_000),
    texts,
    st.integers(0, 2**40),
    st.dictionaries(texts, texts, max_size=2),
)


def write(path: Path, head: JournalHead, entries: list[Any]) -> list[int]:
    """Make a journal; the sizes of the file after the head and after each entry."""
    with Journal.open(path, head) as journal:
        journal.restart(head)
        sizes = [path.stat().st_size]
        for entry in entries:
            journal.append(entry)
            sizes.append(path.stat().st_size)
    return sizes


def read(path: Path, head: JournalHead) -> list[Entry] | None:
    """The entries that are there for the transfer *head*; None where it has to begin afresh."""
    with Journal.open(path, head) as journal:
        assert journal.same_transfer or not journal.entries
        return journal.entries if journal.same_transfer else None


@contextmanager
def process(code: str, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """A Python process that runs *code*; it is killed at the end."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            yield child
        finally:
            child.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@given(
    st.one_of(
        st.tuples(heads.map(lambda head: replace(head, kind="download")), st.lists(ranges)),
        st.tuples(heads.map(lambda head: replace(head, kind="upload")), st.lists(parts)),
    )
)
def test_what_was_appended_is_read_back(made: tuple[JournalHead, list[Any]]) -> None:
    head, entries = made
    with TemporaryDirectory() as folder:
        path = Path(folder, "journal")
        write(path, head, entries)
        with Journal.open(path, replace(head, upload_id="")) as journal:
            assert journal.same_transfer
            assert journal.old_head is None
            assert journal.head.upload_id == head.upload_id
            assert journal.entries == entries
            assert entries in (journal.ranges, journal.parts)


@pytest.mark.parametrize(("head", "entries"), [(DOWNLOAD, RANGES), (UPLOAD, PARTS)])
def test_cut_at_any_byte_it_knows_a_prefix_and_goes_on(
    path: Path, head: JournalHead, entries: list[Any]
) -> None:
    sizes = write(path, head, entries)
    whole = path.read_bytes()
    assert sizes[-1] == len(whole)
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        found = read(path, head)
        if size < sizes[0]:
            assert found is None
            continue
        finished = sum(size >= known for known in sizes) - 1
        assert found == entries[:finished]
        with Journal.open(path, head) as journal:
            for entry in entries[finished:]:
                journal.append(entry)
        assert path.read_bytes() == whole


@given(st.lists(ranges, max_size=4), st.data())
def test_a_byte_that_changed_is_never_an_error(
    entries: list[ByteRange], data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "journal")
        write(path, DOWNLOAD, entries)
        content = bytearray(path.read_bytes())
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
        path.write_bytes(content)
        read(path, DOWNLOAD)


@given(st.binary(max_size=200))
def test_any_content_is_never_an_error(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "journal")
        path.write_bytes(content)
        assert read(path, DOWNLOAD) is None


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\0\0\0\0",
        b"\xff",
        b"[" * 100_000,
        b"1" * 5000,
        b"null",
        b"{}",
        b'{"range":[0]}',
        b'{"range":[5,5]}',
        b'{"range":[-1,5]}',
        b'{"range":[0,"5"]}',
        b'{"range":[0,5.0]}',
        b'{"range":[0,true]}',
        b'{"range":[0,5],"more":1}',
        b'{"part":1,"etag":"","size":0,"checksums":{}}',
    ],
    ids=lambda line: repr(line[:30]),
)
def test_a_malformed_line_makes_it_begin_afresh(
    path: Path, line: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "aiohttp_s3_client")
    write(path, DOWNLOAD, RANGES)
    lines = path.read_bytes().splitlines(keepends=True)
    lines.insert(2, line + b"\n")
    path.write_bytes(b"".join(lines))
    with Journal.open(path, DOWNLOAD) as journal:
        assert not journal.same_transfer
        assert journal.entries == []
        assert journal.old_head == DOWNLOAD
        journal.restart(DOWNLOAD)
        journal.append(RANGES[0])
    assert read(path, DOWNLOAD) == RANGES[:1]
    assert [record.levelname for record in caplog.records] == ["INFO"]


@pytest.mark.parametrize(
    "line",
    [
        {"part": 0, "etag": "", "size": 0, "checksums": {}},
        {"part": 10_001, "etag": "", "size": 0, "checksums": {}},
        {"part": True, "etag": "", "size": 0, "checksums": {}},
        {"part": 1, "etag": None, "size": 0, "checksums": {}},
        {"part": 1, "etag": "", "size": -1, "checksums": {}},
        {"part": 1, "etag": "", "size": 0, "checksums": {"CRC32": 1}},
        {"part": 1, "etag": "", "size": 0},
        {"range": [0, 5]},
    ],
)
def test_a_malformed_part_leaves_the_upload_to_be_aborted(path: Path, line: dict[str, Any]) -> None:
    write(path, UPLOAD, PARTS)
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")
    with Journal.open(path, UPLOAD) as journal:
        assert not journal.same_transfer
        assert journal.parts == []
        assert journal.old_head is not None
        assert journal.old_head.upload_id == "first"


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": None},
        {"kind": "copy"},
        {"bucket": 5},
        {"identity": None},
        {"identity": {"size": 1.5}},
        {"more": "than known"},
    ],
)
def test_another_format_makes_it_begin_afresh(path: Path, change: dict[str, Any]) -> None:
    write(path, DOWNLOAD, RANGES)
    first, *rest = path.read_bytes().splitlines(keepends=True)
    changed = json.dumps(json.loads(first) | change).encode() + b"\n"
    path.write_bytes(changed + b"".join(rest))
    with Journal.open(path, DOWNLOAD) as journal:
        assert not journal.same_transfer
        assert journal.old_head is None


@pytest.mark.parametrize(
    "other",
    [
        replace(UPLOAD, endpoint="http://s3.example.com"),
        replace(UPLOAD, bucket="other"),
        replace(UPLOAD, key="other"),
        replace(UPLOAD, kind="download"),
        replace(UPLOAD, identity={"size": 100, "mtime_ns": 2}),
        replace(UPLOAD, identity={"size": 100}),
    ],
)
def test_another_transfer_is_told_and_left_alone_until_restarted(
    path: Path, other: JournalHead
) -> None:
    write(path, UPLOAD, PARTS)
    content = path.read_bytes()
    with Journal.open(path, other) as journal:
        assert not journal.same_transfer
        assert journal.entries == []
        assert journal.old_head == UPLOAD
        assert journal.old_head.upload_id == "first"
        with pytest.raises(RuntimeError, match="restarted"):
            journal.append(RANGES[0] if other.kind == "download" else PARTS[0])
        assert path.read_bytes() == content
        journal.restart(replace(other, upload_id="second"))
        assert journal.head.upload_id == "second"
    assert read(path, other) == []
    assert read(path, UPLOAD) is None


def test_a_new_journal_is_empty_and_nobody_elses_to_read(path: Path) -> None:
    with Journal.open(path, DOWNLOAD) as journal:
        assert not journal.same_transfer
        assert journal.old_head is None
        assert path.stat().st_size == 0
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_restart_that_is_cut_off_leaves_nothing_usable(path: Path) -> None:
    write(path, DOWNLOAD, RANGES)
    other = replace(DOWNLOAD, key="other")
    write(path, other, [])
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        assert read(path, DOWNLOAD) is None
        assert read(path, other) is None


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit of the file's size")
def test_a_full_disk_leaves_no_half_line(path: Path) -> None:
    import resource

    sizes = write(path, DOWNLOAD, RANGES)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal.open(path, DOWNLOAD) as journal:
        # Python ignores SIGXFSZ: a write past the limit is short, and the next one fails.
        resource.setrlimit(resource.RLIMIT_FSIZE, (sizes[-1] + 5, limits[1]))
        try:
            with pytest.raises(OSError, match="too large"):
                journal.append(ByteRange(30, 40))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert path.stat().st_size == sizes[-1]
        journal.append(ByteRange(40, 50))
    assert read(path, DOWNLOAD) == [*RANGES, ByteRange(40, 50)]


def test_threads_append_whole_lines(path: Path) -> None:
    wanted = [ByteRange(start, start + 1) for start in range(2000)]
    with Journal.open(path, DOWNLOAD) as journal, ThreadPoolExecutor(8) as pool:
        journal.restart(DOWNLOAD)
        list(pool.map(journal.append, wanted))
        journal.sync()
    entries = read(path, DOWNLOAD)
    assert entries is not None
    assert sorted(entries) == wanted


def test_only_the_kinds_own_entries_are_taken(path: Path) -> None:
    with Journal.open(path, DOWNLOAD) as journal:
        journal.restart(DOWNLOAD)
        with pytest.raises(TypeError, match="ByteRange"):
            journal.append(PARTS[0])
        with pytest.raises(ValueError, match="not an entry"):
            journal.append(ByteRange(5, 5))
    assert read(path, DOWNLOAD) == []


def test_a_closed_journal_takes_nothing(path: Path) -> None:
    journal = Journal.open(path, DOWNLOAD)
    journal.restart(DOWNLOAD)
    journal.close()
    journal.close()
    journal.remove()
    assert path.exists()
    uses: list[Callable[[], None]] = [
        lambda: journal.append(RANGES[0]),
        lambda: journal.restart(DOWNLOAD),
        journal.sync,
    ]
    for use in uses:
        with pytest.raises(ValueError, match="closed"):
            use()
    assert read(path, DOWNLOAD) == []


def test_two_transfers_of_this_process_contend(path: Path) -> None:
    with Journal.open(path, DOWNLOAD) as journal:
        journal.restart(DOWNLOAD)
        journal.append(RANGES[0])
        with pytest.raises(TransferInProgress, match="journal"):
            Journal.open(path, DOWNLOAD)
        journal.append(RANGES[1])
    assert read(path, DOWNLOAD) == RANGES[:2]


HOLD = """
import sys
from pathlib import Path
from aiohttp_s3_client.transfer.journal import Journal, JournalHead
head = JournalHead(kind="download", endpoint="", bucket="", key="", identity={})
journal = Journal.open(Path(sys.argv[1]), head)
print("held", flush=True)
sys.stdin.read()
"""


def test_two_processes_contend_and_a_killed_one_lets_go(path: Path) -> None:
    with process(HOLD, path) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with pytest.raises(TransferInProgress):
            Journal.open(path, DOWNLOAD)
        child.kill()
        child.wait()
        Journal.open(path, DOWNLOAD).close()


RACE = """
import sys
from pathlib import Path
from aiohttp_s3_client.errors import TransferInProgress
from aiohttp_s3_client.transfer.journal import Journal, JournalHead
path, alone = Path(sys.argv[1]), Path(sys.argv[2])
head = JournalHead(kind="download", endpoint="", bucket="", key="", identity={})
print("ready", flush=True)
sys.stdin.readline()
held = 0
while held < 300:
    try:
        journal = Journal.open(path, head)
    except TransferInProgress:
        continue
    alone.mkdir()  # Fails when the other one holds the journal too.
    journal.restart(head)
    alone.rmdir()
    journal.remove()
    held += 1
print("done", flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="a file that is open cannot be removed there")
def test_removing_and_opening_race_but_never_two_hold_it(tmp_path: Path) -> None:
    arguments = (tmp_path / "journal", tmp_path / "alone")
    with process(RACE, *arguments) as one, process(RACE, *arguments) as other:
        for child in (one, other):
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        for child in (one, other):
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        for child in (one, other):
            assert child.stdout is not None
            assert child.stdout.readline() == "done\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="needs flock")
def test_one_that_was_removed_while_it_was_opened_is_made_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    flock = fcntl.flock
    write(path, DOWNLOAD, RANGES)

    def removed_before(fd: int, operation: int) -> None:
        if path.stat().st_size:
            path.unlink()
        flock(fd, operation)

    monkeypatch.setattr(fcntl, "flock", removed_before)
    with Journal.open(path, DOWNLOAD) as journal:
        assert not journal.same_transfer
        journal.restart(DOWNLOAD)
        monkeypatch.undo()
        with pytest.raises(TransferInProgress):
            Journal.open(path, DOWNLOAD)
    assert read(path, DOWNLOAD) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs flock")
def test_a_file_system_without_locks_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def refused(fd: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refused)
    with pytest.raises(OSError, match=r"resume: .*[Ll]ock.*journal") as caught:
        Journal.open(path, DOWNLOAD)
    assert caught.value.errno == errno.ENOLCK


APPEND = """
import sys
from pathlib import Path
from aiohttp_s3_client.protocol.ranges import ByteRange
from aiohttp_s3_client.transfer.journal import Journal, JournalHead
head = JournalHead(kind="download", endpoint="", bucket="", key="", identity={})
journal = Journal.open(Path(sys.argv[1]), head)
if not journal.same_transfer:
    journal.restart(head)
start = len(journal.entries)
while True:
    journal.append(ByteRange(start, start + 1))
    start += 1
    print(start, flush=True)
"""


@pytest.mark.parametrize("lines", [1, 7, 100, 1000])
def test_killed_while_appending_nothing_that_was_appended_is_lost(path: Path, lines: int) -> None:
    head = JournalHead(kind="download", endpoint="", bucket="", key="", identity={})
    for _ in range(2):
        with process(APPEND, path) as child:
            assert child.stdout is not None
            reported = [int(child.stdout.readline()) for _ in range(lines)]
            child.kill()
            reported += [int(line) for line in child.stdout if line.endswith("\n")]
        entries = read(path, head)
        assert entries is not None
        assert entries == [ByteRange(start, start + 1) for start in range(len(entries))]
        assert len(entries) >= reported[-1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_does_not_keep_the_lock(path: Path) -> None:
    journal = Journal.open(path, DOWNLOAD)
    wait, go_on = os.pipe()
    child = os.fork()
    if not child:
        os.close(go_on)
        os.read(wait, 1)
        os._exit(0)
    try:
        journal.close()
        Journal.open(path, DOWNLOAD).close()
    finally:
        os.close(go_on)
        os.close(wait)
        os.waitpid(child, 0)


def test_removing_leaves_nothing_and_is_safe_twice(path: Path) -> None:
    journal = Journal.open(path, DOWNLOAD)
    journal.restart(DOWNLOAD)
    journal.remove()
    assert not path.exists()
    journal.remove()
    journal.close()


@pytest.mark.skipif(os.name == "nt", reason="a file that is open cannot be removed there")
def test_removing_spares_the_journal_of_whoever_came_after(path: Path) -> None:
    gone = Journal.open(path, DOWNLOAD)
    path.unlink()
    with Journal.open(path, DOWNLOAD) as journal:
        journal.restart(DOWNLOAD)
        gone.remove()
        assert path.exists()


def test_a_symlink_is_refused(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    path.symlink_to(target)
    with pytest.raises(OSError, match=r"resume: .*symbolic link.*journal"):
        Journal.open(path, DOWNLOAD)
    assert target.read_bytes() == b"precious"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs mkfifo")
def test_what_is_no_regular_file_is_refused(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(OSError, match=r"resume: .*not a regular file.*journal"):
        Journal.open(path, DOWNLOAD)
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError, match=r"resume: .*journal"):
        Journal.open(path, DOWNLOAD)


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "journal"
    with pytest.raises(FileNotFoundError, match=r"resume: .*beside the file") as caught:
        Journal.open(path, DOWNLOAD)
    assert caught.value.filename == str(path)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="a folder nobody can write to")
def test_a_folder_that_cannot_be_written_is_named() -> None:
    with pytest.raises(OSError, match=r"resume: .*/proc/self/journal") as caught:
        Journal.open(Path("/proc/self/journal"), DOWNLOAD)
    assert caught.value.errno in (errno.EACCES, errno.ENOENT, errno.EROFS)


def test_no_descriptor_is_left(path: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc")
    before = len(os.listdir("/proc/self/fd"))
    with Journal.open(path, DOWNLOAD):
        for _ in range(3):
            with pytest.raises(TransferInProgress):
                Journal.open(path, DOWNLOAD)
    with pytest.raises(OSError, match="resume"):
        Journal.open(path.parent, DOWNLOAD)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"kind": "copy"}, ValueError),
        ({"bucket": None}, TypeError),
        ({"identity": {"mtime": 1.5}}, TypeError),
    ],
)
def test_a_wrong_head_is_refused_by_name(change: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(change))):
        replace(DOWNLOAD, **change)


def test_the_endpoint_is_kept_without_credentials(path: Path) -> None:
    head = replace(DOWNLOAD, endpoint="https://me:hidden@s3.example.com:9000/base?token=hidden#x")
    assert head.endpoint == "https://s3.example.com:9000/base"
    write(path, head, [])
    assert b"hidden" not in path.read_bytes()
    plain = upload_journal_path(path, "bucket", "key", "https://s3.example.com")
    assert upload_journal_path(path, "bucket", "key", "https://me:x@s3.example.com") == plain


names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)


@given(st.sets(names.filter(lambda name: name not in (".", "..")), max_size=5))
def test_every_destination_has_its_own_short_hidden_names(found: set[str]) -> None:
    paths = [
        path
        for name in found
        for destination in [Path("folder", name)]
        for path in (
            download_journal_path(destination),
            download_part_path(destination),
            upload_journal_path(destination, "bucket", "key", "https://s3.example.com"),
            upload_journal_path(destination, "bucket", "key2", "https://s3.example.com"),
            upload_journal_path(destination, "bucketk", "ey", "https://s3.example.com"),
            upload_journal_path(destination, "bucket", "key", "http://s3.example.com"),
        )
    ]
    assert len(set(paths)) == 6 * len(found)
    for path in paths:
        assert path.parent == Path("folder")
        assert path.name.startswith(".")
        assert len(os.fsencode(path.name)) <= 143


@pytest.mark.parametrize("name", ["x" * 255, "ж" * 127, "x" * 99 + "жжж", "\udcff" * 200])
def test_the_longest_names_can_be_made(tmp_path: Path, name: str) -> None:
    try:
        (tmp_path / name).touch()
    except (OSError, UnicodeEncodeError):
        pytest.skip("this file system has no such names")
    path = download_journal_path(tmp_path / name)
    assert path == download_journal_path(tmp_path / name)
    assert path != download_journal_path(tmp_path / (name[:-1] + "y"))
    write(path, DOWNLOAD, RANGES)
    assert read(path, DOWNLOAD) == RANGES


@pytest.mark.parametrize("path", ["", "/"])
def test_what_names_no_file_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="does not name a file"):
        download_part_path(Path(path))


@given(st.integers(0, 200), st.integers(1, 60), st.lists(st.integers(0, 220), max_size=12))
def test_missing_ranges_are_what_is_not_done(size: int, step: int, bounds: list[int]) -> None:
    places = sorted(set(bounds))
    done = [ByteRange(*pair) for pair in zip(places[::2], places[1::2], strict=False)]
    missing = missing_ranges(size, step, reversed(done))
    assert missing == sorted(missing)
    assert all(1 <= part.size <= step for part in missing)
    covered = [byte for part in missing for byte in range(part.start, part.stop)]
    finished = {byte for part in done for byte in range(part.start, part.stop)}
    assert covered == [byte for byte in range(size) if byte not in finished]


def test_missing_ranges_keep_the_steps_of_the_first_run() -> None:
    done = [ByteRange(10, 20), ByteRange(20, 30)]
    assert missing_ranges(45, 10, done) == [(0, 10), (30, 40), (40, 45)]
    assert missing_ranges(45, 10, [ByteRange(0, 45)]) == []
    assert missing_ranges(0, 10, []) == []


@pytest.mark.parametrize(("size", "step", "named"), [(-1, 1, "size"), (1, 0, "step")])
def test_missing_ranges_of_nonsense(size: int, step: int, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        missing_ranges(size, step, [])
