"""What becomes of each file of a sync: counted, told, and which errors end it all.

An error of one file is kept (the first 1,000 are) and the sync goes on. One that every further
file would meet ends it at once, as does what a callback raises.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from ...errors import (
    CredentialsError,
    ExpiredToken,
    InvalidAccessKeyId,
    NoSuchBucket,
    S3ConnectionError,
    S3Error,
    SyncError,
)
from ...errors.many import KEPT
from ...models import SyncFailure, SyncItem, SyncReport
from ..callbacks import tell
from .entries import Entry

T = TypeVar("T")

OnItem = Callable[[SyncItem], object]
OnFailure = Callable[[SyncFailure], object]
Ends = Callable[[str], tuple[Path | str, Path | str]]
"""Where a name comes from and where it goes."""

OF_ONE_FILE = (S3Error, OSError, ValueError)
"""What may be wrong with one file alone."""

_OF_ALL = (CredentialsError, ExpiredToken, InvalidAccessKeyId, NoSuchBucket)
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class Callbacks(NamedTuple):
    """Who is told of each file as it is done; each may be async."""

    on_transfer: OnItem | None = None
    on_delete: OnItem | None = None
    on_skip: OnItem | None = None
    on_error: OnFailure | None = None


class Outcome:
    """Counts and tells, one call at a time.

    So many connection errors in a row as *patience* says, with nothing done in between, end the
    sync: the server is gone.
    """

    def __init__(self, callbacks: Callbacks, ends: Ends, patience: int) -> None:
        self._callbacks = callbacks
        self._ends = ends
        self._patience = patience
        self._turn = asyncio.Lock()
        self._transferred = self._deleted = self._skipped = self._failed = 0
        self._failures: list[SyncFailure] = []
        self._unanswered = 0
        self._last: Exception | None = None

    async def transferred(self, entry: Entry) -> None:
        self._transferred += 1
        self._unanswered = 0
        if self._callbacks.on_transfer is not None:
            await self._tell(self._callbacks.on_transfer, self._item(entry))

    async def deleted(self, entry: Entry) -> None:
        self._deleted += 1
        self._unanswered = 0
        if self._callbacks.on_delete is not None:
            item = self._item(entry)._replace(source=None)
            await self._tell(self._callbacks.on_delete, item)

    async def skipped(self, entry: Entry) -> None:
        self._skipped += 1
        if self._callbacks.on_skip is not None:
            await self._tell(self._callbacks.on_skip, self._item(entry))

    async def failed(self, name: str, error: Exception) -> None:
        """Keep and tell the *error* of one file; raise it if it is not of that file alone."""
        self._failed += 1
        if isinstance(error, S3ConnectionError) and error is not self._last:
            self._unanswered += 1
        self._last = error
        full = isinstance(error, OSError) and error.errno in _OF_THE_DISK
        if full or isinstance(error, _OF_ALL) or self._unanswered >= self._patience:
            raise error
        # With their tracebacks a thousand errors would keep alive all that their frames hold.
        failure = SyncFailure(name, error.with_traceback(None))
        if len(self._failures) < KEPT:
            self._failures.append(failure)
        if self._callbacks.on_error is not None:
            await self._tell(self._callbacks.on_error, failure)

    def report(self) -> SyncReport:
        """What was done. Raises ``SyncError`` if anything failed."""
        report = SyncReport(self._transferred, self._deleted, self._skipped, self._failed)
        if self._failed:
            raise SyncError(self._failures, report)
        return report

    def _item(self, entry: Entry) -> SyncItem:
        return SyncItem(entry.name, *self._ends(entry.name), entry.size)

    async def _tell(self, callback: Callable[[T], object], what: T) -> None:
        async with self._turn:
            await tell(callback, what)
