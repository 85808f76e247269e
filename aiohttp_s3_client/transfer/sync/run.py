"""Making a target like its source.

::

    source, in order ─┐
                      ├─> pairs ─> transfer | delete | skip ─> jobs, max_concurrency at a time
    target, in order ─┘

Both sides are streamed, and nothing but counts and the first failures is kept, so memory does not
grow with the number of files. Objects from ``multipart_threshold`` on have requests of their own
in flight, so they take turns: in all there are about twice ``max_concurrency``.

A problem of the source never becomes a deletion: beneath a name that the source could not tell
about nothing is deleted, a listing that fails ends the sync, and before objects are deleted the
source directory has to be the one that it was (a file system may be unmounted under a walk).
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ...config import TransferConfig
from ...errors.many import KEPT
from ...models import SyncReport
from ...protocol.extra_args import ExtraArgs, copy_args, download_args, upload_args
from ...transport.disk import Disk
from ..delete import Calls
from ..schedule import Job, run_jobs
from .comparing import Compare, differs
from .deleting import Deletion, FileDeletion, ObjectDeletion, Pretended
from .directions import Copy, Direction, Download, Prefix, Symlinks, Upload
from .entries import Batches, Entry, Pair, merged
from .filters import Filter
from .landing import Landing
from .outcome import OF_ONE_FILE, Callbacks, Outcome
from .pace import Pace

_LEAST_PATIENCE = 10
_MAX_UNKNOWN = 10_000
"""Names that the source could not tell about, before nothing more is deleted at all."""
_NOT_FOR_MANY = ("MpuObjectSize", "VersionId")
_CHECKSUM_KINDS = ("ChecksumAlgorithm", "ChecksumMode", "ChecksumType")


class SyncOptions(NamedTuple):
    """What a sync does."""

    delete: bool = False
    dry_run: bool = False
    files: Filter = Filter()
    compare: Compare = "time"
    symlinks: Symlinks = "follow"
    extra_args: ExtraArgs = None
    config: TransferConfig = TransferConfig()
    callbacks: Callbacks = Callbacks()


async def sync(
    source: Path | Prefix,
    target: Path | Prefix,
    options: SyncOptions,
    deletions: Calls | None = None,
) -> SyncReport:
    """Make *target* like *source*; one of both at least is in S3.

    *deletions* delete objects of the target, whose keys they take as its user knows them.

    Raises ``ValueError`` for prefixes that overlap and for arguments that no transfer takes,
    ``FileNotFoundError`` and ``NotADirectoryError`` for directories; ``SyncError`` at the end when
    files failed; and at once what concerns all of them.
    """
    direction = _direction(source, target, options)
    disk = Disk(threads=options.config.use_threads)
    nothing_there = False
    confirm: Callable[[], Awaitable[None]] | None = None
    if isinstance(source, Path):
        identity = await disk.aside(partial(_identity, source))
        confirm = partial(disk.aside, partial(_check_unmoved, source, identity))
    if isinstance(target, Path):
        nothing_there = await disk.aside(partial(_is_missing, target, make=not options.dry_run))
    patience = max(_LEAST_PATIENCE, 2 * options.config.workers)
    outcome = Outcome(options.callbacks, direction.ends, patience)
    deletion: Deletion | None = None
    if options.delete and options.dry_run:
        deletion = Pretended(outcome)
    elif options.delete and isinstance(direction, Download):
        deletion = FileDeletion(direction.landing, disk, outcome)
    elif options.delete and isinstance(target, Prefix):
        if deletions is None:
            raise TypeError("deletions are missing: objects of the target are to be deleted")
        deletion = ObjectDeletion(deletions, target.shown, outcome, confirm)
    run = _Sync(direction, options, outcome, deletion)
    await run_jobs(run.jobs(_nothing() if nothing_there else None), options.config.workers)
    await run_jobs(run.put_off(), options.config.workers)
    return outcome.report()


class _Sync:
    def __init__(
        self,
        direction: Direction,
        options: SyncOptions,
        outcome: Outcome,
        deletion: Deletion | None,
    ) -> None:
        self._direction = direction
        self._options = options
        self._outcome = outcome
        self._deletion = deletion
        # What the server copies does not pass through here.
        copied = isinstance(direction, Copy)
        self._pace = Pace(None if copied else options.config.max_bandwidth)
        self._large = asyncio.Lock()
        self._put_off: list[Entry] = []
        """Files in whose place there is a directory, which may be empty in the end."""
        self._problems: list[tuple[str, Exception]] = []
        self._unknown: set[str] = set()
        """Names that the source could not tell about."""

    async def jobs(self, target: Batches | None) -> AsyncGenerator[Job, None]:
        """What is to be done, in the order of the names; what needs no request is done here.

        *target* is what there is, where that is known without looking.
        """
        takes = self._options.files.takes
        source = self._telling(self._direction.source_files(self._missed))
        if target is None:
            target = self._telling(self._direction.target_files(self._missed_there))
        async with aclosing(merged(source, target)) as batches:
            async for batch in batches:
                for pair in batch:
                    if takes(_name(pair)) and (job := await self._decided(*pair)) is not None:
                        yield job
        await self._tell_problems()
        if self._deletion is not None and (job := await self._deletion.finish()) is not None:
            yield job

    async def put_off(self) -> AsyncGenerator[Job, None]:
        """What could not be done while there was something to be deleted in its place."""
        if (deletion := self._deletion) is None:
            return
        self._deletion = None
        for entry in self._put_off:
            if self._options.dry_run:
                await self._outcome.transferred(entry)
                continue
            try:
                await deletion.make_room(entry.name)
            except OF_ONE_FILE as error:
                await self._outcome.failed(entry.name, error)
            else:
                yield partial(self._transfer, source=entry, unlike=None, gone=())

    async def _decided(self, source: Entry | None, target: Entry | None) -> Job | None:
        """What becomes of one name."""
        if source is None:
            assert target is not None
            return await self._delete(target)
        if self._deletion is not None:
            await self._deletion.reached(source.name, kept=True)
        if self._direction.ignores(source):
            return None
        decision = target is None or differs(self._options.compare, source, target)
        if decision is False:
            await self._outcome.skipped(source)
            return None
        gone = () if self._deletion is None else self._deletion.gone
        return partial(self._transfer, source, target if decision is None else None, gone)

    async def _delete(self, entry: Entry) -> Job | None:
        if self._deletion is None:
            return None
        kept = self._direction.spares(entry) or self._is_unknown(entry.name)
        await self._deletion.reached(entry.name, kept=kept)
        return None if kept else await self._deletion.delete(entry)

    async def _transfer(self, source: Entry, unlike: Entry | None, gone: Collection[str]) -> None:
        """Transfer *source*, or see first whether it is *unlike* what is there."""
        try:
            same = unlike is not None and await self._direction.same(source, unlike)
            if same:
                pass
            elif self._options.dry_run:
                await self._direction.check(source, gone)
            elif source.size >= self._options.config.multipart_threshold:
                async with self._large:
                    await self._pace.begin(source.size)
                    await self._direction.transfer(source)
            else:
                await self._pace.begin(source.size)
                await self._direction.transfer(source)
        except OF_ONE_FILE as error:
            room = isinstance(error, IsADirectoryError) and self._deletion is not None
            if room and len(self._put_off) < KEPT:
                self._put_off.append(source)
            else:
                await self._outcome.failed(source.name, error)
            return
        await (self._outcome.skipped if same else self._outcome.transferred)(source)

    # What could not be read

    def _missed(self, name: str, error: Exception) -> None:
        """The source does not tell about *name*, nor about what is beneath it."""
        if len(self._unknown) < _MAX_UNKNOWN:
            self._unknown.add(name)
        else:
            self._unknown.add("")
        self._note(name, error)

    def _missed_there(self, name: str, error: Exception) -> None:
        """The target does not tell about *name*."""
        # What has a name that no key can have is in nobody's way, unless it should go.
        if self._deletion is not None or not isinstance(error, ValueError):
            self._note(name, error)

    def _note(self, name: str, error: Exception) -> None:
        # What vanished, a link to nothing or back to where it is: no file that should be synced.
        empty = isinstance(error, OSError) and error.errno in (errno.ENOENT, errno.ELOOP)
        if not empty and not self._options.files.leaves_out(name):
            self._problems.append((name, error))

    async def _telling(self, batches: Batches) -> Batches:
        """*batches*; what is wrong is told as it comes, however much it is."""
        async with aclosing(batches):
            async for batch in batches:
                await self._tell_problems()
                yield batch

    async def _tell_problems(self) -> None:
        problems, self._problems = self._problems, []
        for name, error in problems:
            await self._outcome.failed(name, error)

    def _is_unknown(self, name: str) -> bool:
        if not self._unknown:
            return False
        parts = name.split("/")
        above = ("/".join(parts[:count]) for count in range(1, len(parts) + 1))
        return "" in self._unknown or any(path in self._unknown for path in above)


def _name(pair: Pair) -> str:
    source, target = pair
    entry = source or target
    assert entry is not None
    return entry.name


def _direction(source: Path | Prefix, target: Path | Prefix, options: SyncOptions) -> Direction:
    config, given = options.config, options.extra_args
    for name in given or ():
        whole = name.startswith("Checksum") and name not in _CHECKSUM_KINDS
        if whole or name in _NOT_FOR_MANY:
            raise ValueError(f"extra_args: {name} is of one object, and cannot be given for many")
    if isinstance(source, Path):
        if isinstance(target, Path):
            raise ValueError(f"destination: {str(target)!r} is no s3:// URL, nor is the source")
        return Upload(source, target, options.symlinks, upload_args(given), config)
    if isinstance(target, Path):
        return Download(source, target, Landing(target), download_args(given), config)
    if source.bucket == target.bucket:
        ours, theirs = source.prefix, target.prefix
        if ours.startswith(theirs) or theirs.startswith(ours):
            raise ValueError(
                f"destination: {target.shown('')!r} and the source {source.shown('')!r} of the "
                f"bucket {source.bucket!r} are the same, or one lies inside of the other"
            )
    return Copy(source, target, copy_args(given), config)


def _identity(path: Path) -> tuple[int, int]:
    """Device and inode of the source."""
    if not path.exists():
        raise FileNotFoundError(f"source: there is no {str(path)!r}")
    if not path.is_dir():
        raise NotADirectoryError(f"source: {str(path)!r} is no directory")
    found = path.stat()
    return found.st_dev, found.st_ino


def _check_unmoved(path: Path, identity: tuple[int, int]) -> None:
    if _identity(path) != identity:
        raise FileNotFoundError(f"source: {str(path)!r} is no longer the directory that it was")


def _is_missing(path: Path, *, make: bool) -> bool:
    """Whether there is no such directory; made it is an empty one."""
    if path.is_dir():
        return False
    if path.exists() or path.is_symlink():
        raise NotADirectoryError(f"destination: {str(path)!r} is no directory")
    if make:
        path.mkdir(parents=True)
    return True


async def _nothing() -> AsyncGenerator[list[Entry], None]:
    return
    yield  # What makes it a generator.
