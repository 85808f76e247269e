"""What is raised when work on many objects has ended and some of them failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .base import S3Error

if TYPE_CHECKING:
    from ..models import DeleteError, SyncFailure, SyncReport

KEPT = 1000
"""Failures that are kept, of however many there are."""

_SHOWN = 3


class DeleteFailed(S3Error):
    """S3 refused to delete some keys; all others are gone.

    ``errors`` says of each which and why, of the first 1,000 of them; ``failed`` is how many there
    were, ``deleted`` how many objects were deleted.
    """

    def __init__(self, errors: Sequence[DeleteError], failed: int, deleted: int) -> None:
        super().__init__(errors[:KEPT], failed, deleted)
        self.errors = list(errors[:KEPT])
        self.failed = failed
        self.deleted = deleted

    def __str__(self) -> str:
        shown = [f"{error.key!r} ({error.code})" for error in self.errors]
        return f"{self.failed:,} could not be deleted: {_listed(shown, self.failed)}"


class UnsafeKey(S3Error, ValueError):
    """A key that names no place inside the directory that it should be written to."""


class SyncError(S3Error):
    """A sync has ended, and of some files it could not be done.

    ``failures`` says of which and why, of the first 1,000 of them; ``report`` is what was done
    otherwise, and how many failed.
    """

    def __init__(self, failures: Sequence[SyncFailure], report: SyncReport) -> None:
        super().__init__(failures, report)
        self.failures = list(failures)
        self.report = report

    def __str__(self) -> str:
        shown = [f"{failure.name!r} ({failure.error})" for failure in self.failures]
        failed = self.report.failed
        return f"{failed:,} could not be synced: {_listed(shown, failed)}"


def _listed(shown: Sequence[str], count: int) -> str:
    more = f", and {count - _SHOWN:,} more" if count > _SHOWN else ""
    return "; ".join(shown[:_SHOWN]) + more
