"""What is left of an earlier run of the same download: a file with holes, and its journal.

Both stand beside the destination, under hidden names that follow from its own. The journal is
held by a lock, so one destination has one resumable download at a time. A HEAD says what the
object is now: what the journal tells counts only while it is of that very object, and only while
the file is as long as it says, and not longer than the object.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Self

from ..engine import Engine
from ..errors import AwsDownloadError, ResponseParseError
from ..protocol.ranges import ByteRange
from ..request import Request
from ..transport.disk import Disk
from ..transport.sink import PositionedFile
from .journal import (
    Journal,
    JournalHead,
    download_journal_path,
    download_part_path,
    missing_ranges,
)
from .ranged import RangedObject, ReadOptions


class PartialDownload:
    """A download that can be gone on with: its file and its journal, beside the destination."""

    def __init__(
        self, journal: Journal, sink: PositionedFile, disk: Disk, missing: list[ByteRange]
    ) -> None:
        self._journal = journal
        self._disk = disk
        self.sink = sink
        self.missing = missing
        """What is still to be fetched, in order."""

    @classmethod
    async def open(
        cls,
        engine: Engine,
        found: RangedObject,
        destination: Path,
        disk: Disk,
        how: ReadOptions,
        range_size: int,
    ) -> Self:
        """Ask what the object is, take the lock, and look what there is of it already.

        Raises the typed errors of S3, ``TransferInProgress`` when somebody else has the lock,
        and ``OSError``.
        """
        if not hasattr(os, "pwrite"):
            raise NotImplementedError(
                "resume: this system cannot write files by position, as a resumable download has to"
            )
        head = await _ask(engine, found, how)
        journal = await disk.acquire(
            partial(Journal.open, download_journal_path(destination), head), Journal.close
        )
        try:
            part = download_part_path(destination)
            sink = await disk.acquire(
                partial(PositionedFile, destination, disk, part), PositionedFile.close
            )
        except BaseException:
            journal.close()
            raise
        assert found.total is not None
        done = journal.ranges
        reached = max((range_.stop for range_ in done), default=0)
        there = reached <= sink.size_now() <= found.total
        if not (journal.same_transfer and there and found.etag):
            done = []
            sink.truncate(0)
            journal.restart(head)
        return cls(journal, sink, disk, missing_ranges(found.total, range_size, done))

    async def completed(self, range_: ByteRange, *, fsync: bool) -> None:
        """Note that *range_* is in the file; with *fsync* once it is on the disk."""
        if fsync:
            await self.sink.sync()
        await self._disk.run(partial(self._journal.append, range_))
        if fsync:
            await self._disk.aside(self._journal.sync)

    def forget(self) -> None:
        """Nothing of this may be gone on with. Blocks, but hardly."""
        self.sink.remove()
        self._journal.remove()

    def close(self) -> None:
        """Leave file and journal for the next run, if they are still there."""
        self.sink.close()
        self._journal.close()


async def _ask(engine: Engine, found: RangedObject, how: ReadOptions) -> JournalHead:
    """Hold *found* to what it is now; the head of a journal that is of it."""
    answer = await engine.send(
        Request(
            operation="HeadObject",
            method="HEAD",
            bucket=found.bucket,
            key=found.key,
            query=how.query,
            headers=how.header_copy(),
            options=how.options,
        )
    )
    if answer.failed:
        raise answer.error().in_transfer(AwsDownloadError)
    answer.response.release()
    headers, size = answer.response.headers, answer.response.content_length
    if size is None:
        raise ResponseParseError(
            f"HeadObject {found.bucket}/{found.key}: the answer does not say how long the object is"
        )
    found.expect(headers.get("ETag"), headers.get("x-amz-version-id"), size)
    return JournalHead(
        kind="download",
        endpoint=f"{engine.endpoint.scheme}://{engine.endpoint.authority}",
        bucket=found.bucket,
        key=found.key,
        identity={"etag": found.etag, "version_id": found.version_id, "size": size},
    )
