"""What a killed transfer leaves for its next run: a journal beside the file.

A file of JSON lines that only grows: a head that says which transfer it is of, then a line for
each finished range or part, appended once the data itself was written or stored. Whoever has it
open holds an advisory lock on it, so a file has one resumable transfer at a time.

A line that was cut off by a kill is dropped. Anything else that is not as written here makes the
journal unusable, and the transfer begins afresh. The lines say nothing of the file they stand
for: a download has to look whether its part file is still there and has its size.

Everything here blocks, and may be called from any thread.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import stat
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, get_args

from yarl import URL

from ..config import MAX_PARTS
from ..errors import TransferInProgress
from ..protocol.parts import UploadedPart
from ..protocol.ranges import ByteRange, cut, merge
from ..transport.file_lock import lock, unlock

log = logging.getLogger(__name__)

Kind = Literal["download", "upload"]
Entry = ByteRange | UploadedPart
"""A finished range of a download, or a part that the server holds of an upload."""

_VERSION = 1
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND
for _name in ("O_CLOEXEC", "O_NOINHERIT", "O_BINARY", "O_NOFOLLOW"):
    _FLAGS |= getattr(os, _name, 0)
# A FIFO that stands in the journal's place must not hold us up.
_FLAGS |= getattr(os, "O_NONBLOCK", 0)
_SHOWN_SIZE = 100
"""Bytes of a file's name that are repeated in the names beside it."""


@dataclass(frozen=True, kw_only=True)
class JournalHead:
    """Which transfer a journal is of. Two heads are equal when one can go on with the other."""

    kind: Kind
    endpoint: str
    """Kept without userinfo, query and fragment."""
    bucket: str
    key: str
    identity: Mapping[str, str | int | None]
    """What must still be the same: the object's ETag and size, the source's mtime, ..."""
    upload_id: str = field(default="", compare=False)
    """Known only once the upload was created, so it is not compared."""

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"kind must be one of {get_args(Kind)}, not {self.kind!r}")
        for name in ("endpoint", "bucket", "key", "upload_id"):
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"{name} must be a str, not {getattr(self, name)!r}")
        for name, value in self.identity.items():
            if type(value) not in (str, int, type(None)):
                raise TypeError(f"identity[{name!r}] must be a str, an int or None, not {value!r}")
        object.__setattr__(self, "endpoint", _bare(self.endpoint))
        object.__setattr__(self, "identity", dict(self.identity))


class Journal:
    """An open journal, and the lock on it. A context manager that closes it and leaves it there.

    Unless ``same_transfer``, call ``restart`` before the first ``append``: the file is left as it
    was until then, so that a kill does not lose what is known of an upload yet to be aborted.
    """

    def __init__(self, path: Path, fd: int, head: JournalHead) -> None:
        self.path = path
        self._fd = fd
        self._guard = threading.Lock()
        self.entries: list[Entry] = []
        """What an earlier run finished, in the order it was finished in."""
        self.head = head
        """The transfer under way; with the upload id that the file holds, where it goes on."""
        self.same_transfer = False
        """Whether the file was of this very transfer when it was opened."""
        self.old_head: JournalHead | None = None
        """The head of a transfer that cannot be gone on with, where the file has a readable one."""
        self._read(head)
        self._begun = self.same_transfer

    @classmethod
    def open(cls, path: Path, head: JournalHead) -> Self:
        """The journal at *path*, made when it is not there, for the transfer that *head* tells.

        Raises ``TransferInProgress`` when it is open already, here or in another process, and
        ``OSError`` when it cannot be made, read or locked, or is not a regular file.
        """
        while True:
            fd = _open_file(path)
            try:
                try:
                    free = lock(fd)
                except OSError as error:
                    raise _unusable(path, error) from error
                if not free:
                    raise TransferInProgress(f"another transfer holds the journal {str(path)!r}")
                # Its last holder may have removed it between our opening and our locking it.
                if _is_at(fd, path):
                    return cls(path, fd, head)
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)

    @property
    def ranges(self) -> list[ByteRange]:
        """The entries of a download."""
        return [entry for entry in self.entries if isinstance(entry, ByteRange)]

    @property
    def parts(self) -> list[UploadedPart]:
        """The entries of an upload."""
        return [entry for entry in self.entries if isinstance(entry, UploadedPart)]

    def restart(self, head: JournalHead) -> None:
        """Forget what was there and begin with *head*. Killed half-way, nothing usable is left."""
        with self._guard:
            self._truncate(0)
            self._begun = False
            self._write(_head_line(head))
            self.head = head
            self.entries = []
            self._begun = True

    def append(self, entry: Entry) -> None:
        """Note *entry* as finished: its data is written, or the server holds it.

        Raises ``OSError`` when the disk is full; the journal is then as it was before.
        """
        wanted = ByteRange if self.head.kind == "download" else UploadedPart
        if not isinstance(entry, wanted):
            raise TypeError(f"entry must be a {wanted.__name__}, not {entry!r}")
        line = _entry_line(entry)
        _parse_entry(line, self.head.kind)
        with self._guard:
            if not self._begun:
                raise RuntimeError("a journal of another transfer must be restarted first")
            self._write(line)

    def sync(self) -> None:
        """Wait until everything appended is on the disk."""
        with self._guard:
            getattr(os, "fdatasync", os.fsync)(self._open_fd())

    def remove(self) -> None:
        """Delete the file, while still holding it where the system can, and close. Safe twice."""
        with self._guard:
            if self._fd < 0:
                return
            try:
                if not _is_at(self._fd, self.path):
                    return
                if os.name != "nt":
                    self.path.unlink(missing_ok=True)
                    return
                self._truncate(0)
            finally:
                self._close()
            _unlink_closed(self.path)

    def close(self) -> None:
        """Release the lock and leave the file for the next run. Safe twice."""
        with self._guard:
            self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _read(self, head: JournalHead) -> None:
        self._end = 0
        with open(self._fd, "rb", closefd=False) as file:
            file.seek(0)
            lines = _whole_lines(file)
            try:
                first = next(lines, None)
                if first is None:
                    return
                self.old_head = _parse_head(first)
                self._end += len(first)
                entries: list[Entry] = []
                for line in lines:
                    entries.append(_parse_entry(line, self.old_head.kind))
                    self._end += len(line)
            except (ValueError, TypeError, RecursionError) as error:
                log.info("%s cannot be gone on with: %s", self.path, error)
                return
        if self.old_head != head:
            log.info("%s is of another transfer or of an earlier state of it", self.path)
            return
        self._truncate(self._end)
        self.head, self.old_head, self.entries = self.old_head, None, entries
        self.same_transfer = True

    def _write(self, line: bytes) -> None:
        try:
            written = 0
            while written < len(line):  # One call, but for a disk that is about to be full.
                written += os.write(self._open_fd(), line[written:])
        except BaseException:
            # The next line must not be glued to half of this one.
            if self._fd >= 0:
                self._truncate(self._end)
            raise
        self._end += len(line)

    def _truncate(self, size: int) -> None:
        os.ftruncate(self._open_fd(), size)
        self._end = size

    def _open_fd(self) -> int:
        if self._fd < 0:
            raise ValueError(f"the journal {str(self.path)!r} is closed")
        return self._fd

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            try:
                unlock(fd)
            finally:
                os.close(fd)


def download_journal_path(destination: Path) -> Path:
    """The journal of a resumable download to *destination*, in the same folder."""
    return _beside(destination, "download-journal")


def download_part_path(destination: Path) -> Path:
    """Where a resumable download to *destination* gathers its bytes, in the same folder."""
    return _beside(destination, "download-part")


def upload_journal_path(source: Path, bucket: str, key: str, endpoint: str) -> Path:
    """The journal of a resumable upload of *source*, in the same folder; each target has its
    own."""
    return _beside(source, "upload-journal", _bare(endpoint), bucket, key)


def missing_ranges(size: int, step: int, done: Iterable[ByteRange]) -> list[ByteRange]:
    """The ranges of at most *step* bytes that *done* leaves of an object of *size*, in order."""
    if size < 0:
        raise ValueError(f"size must not be negative, it is {size}")
    if step < 1:
        raise ValueError(f"step must be at least 1, it is {step}")
    missing: list[ByteRange] = []
    position = 0
    for finished in merge(done, coalesce=1):
        missing += cut(position, min(finished.start, size), step)
        position = max(position, finished.stop)
    return missing + list(cut(position, size, step))


def _beside(file: Path, role: str, *target: str) -> Path:
    """A hidden name in the folder of *file*, short enough for every file system: the digest
    keeps apart what looks alike when it is cut."""
    name = file.name
    if not name:
        raise ValueError(f"{str(file)!r} does not name a file")
    digest = hashlib.sha256(json.dumps([name, *target]).encode()).hexdigest()[:16]
    shown = name[:_SHOWN_SIZE]
    while len(os.fsencode(shown)) > _SHOWN_SIZE:
        shown = shown[:-1]
    return file.with_name(f".{shown}.{digest}.{role}")


def _bare(endpoint: str) -> str:
    url = URL(endpoint).with_query(None).with_fragment(None)
    return str(url.with_user(None) if url.raw_user or url.raw_password else url)


def _whole_lines(file: Iterable[bytes]) -> Iterator[bytes]:
    return (line for line in file if line.endswith(b"\n"))


def _dumped(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode("ascii") + b"\n"


def _head_line(head: JournalHead) -> bytes:
    return _dumped(
        {
            "version": _VERSION,
            "kind": head.kind,
            "endpoint": head.endpoint,
            "bucket": head.bucket,
            "key": head.key,
            "identity": head.identity,
            "upload_id": head.upload_id,
        }
    )


def _parse_head(line: bytes) -> JournalHead:
    fields = json.loads(line)
    if not isinstance(fields, dict) or not isinstance(fields.get("identity"), dict):
        raise ValueError("it does not begin with a head")
    version = fields.pop("version", None)
    if version != _VERSION:
        raise ValueError(f"its format has version {version!r:.50}, known is {_VERSION}")
    return JournalHead(**fields)


def _entry_line(entry: Entry) -> bytes:
    if isinstance(entry, ByteRange):
        return _dumped({"range": [entry.start, entry.stop]})
    number, etag, size, checksums = entry
    return _dumped({"part": number, "etag": etag, "size": size, "checksums": dict(checksums)})


def _parse_entry(line: bytes, kind: Kind) -> Entry:
    fields: object = json.loads(line)
    entry: Entry | None = None
    match kind, fields:
        case "download", {"range": [int(start), int(stop)]} if 0 <= start < stop:
            entry = ByteRange(int(start), int(stop))
        case "upload", {
            "part": int(number),
            "etag": str(etag),
            "size": int(size),
            "checksums": dict(checksums),
        } if 1 <= number <= MAX_PARTS and size >= 0 and _are_texts(checksums.values()):
            entry = UploadedPart(int(number), etag, int(size), checksums)
    # Written again it is the same, or it had more in it than belongs there (or a bool for an int).
    if entry is None or _entry_line(entry) != line:
        raise ValueError(f"{fields!r:.200} is not an entry of a journal of this {kind}")
    return entry


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _open_file(path: Path) -> int:
    try:
        if path.is_symlink():
            raise OSError(errno.ELOOP, "it is a symbolic link")
        fd = os.open(path, _FLAGS, 0o600)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(errno.EINVAL, "it is not a regular file")
    except OSError as error:
        raise _unusable(path, error) from error
    return fd


def _unusable(path: Path, error: OSError) -> OSError:
    why = f"resume: no journal can be kept beside the file ({error.strerror})"
    return OSError(error.errno, why, str(path))


def _is_at(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.lstat())
    except FileNotFoundError:
        return False


def _unlink_closed(path: Path) -> None:
    """Windows deletes only what nobody has open: a next holder keeps the file, which is empty."""
    try:
        path.unlink(missing_ok=True)
    except PermissionError as error:
        log.info("%s is held already by the next transfer: %s", path, error)
