"""The values that a storage gives and takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ..config import MIN_PART_SIZE


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file, as far as it is known.

    ``key`` is without the storage's prefix, ``size`` in bytes, ``etag`` without quotes,
    ``last_modified`` aware. The names of ``metadata`` are in lower case where a server tells them.
    """

    key: str
    size: int
    content_type: str | None = None
    etag: str | None = None
    last_modified: datetime | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class ProgressInfo:
    """How far a transfer is; ``total_bytes`` is None until it is known.

    ``operation`` is ``"upload"``.
    """

    bytes_transferred: int
    total_bytes: int | None
    operation: str
    key: str

    @property
    def percentage(self) -> float | None:
        """From 0 to 100; None where the total is not known, or is nothing."""
        if not self.total_bytes:
            return None
        return self.bytes_transferred / self.total_bytes * 100


class ProgressCallback(Protocol):
    """Whatever can be called with a ``ProgressInfo``; if it is async, it is awaited."""

    def __call__(self, info: ProgressInfo, /) -> object: ...


@dataclass(slots=True)
class MultipartUpload:
    """An upload under way: all that another process needs to go on with it.

    ``parts`` are numbers (from 1) and ETags without quotes, ``part_size`` is in bytes;
    ``total_parts`` is the caller's own to set.
    """

    upload_id: str
    key: str
    parts: list[tuple[int, str]] = field(default_factory=list)
    part_size: int = MIN_PART_SIZE
    total_parts: int | None = None

    def add_part(self, part_number: int, etag: str) -> None:
        """Record a part that was uploaded, in the place of an earlier one of its number."""
        for index, (number, _) in enumerate(self.parts):
            if number == part_number:
                self.parts[index] = part_number, etag
                return
        self.parts.append((part_number, etag))

    @property
    def completed_parts(self) -> int:
        """How many parts were uploaded."""
        return len(self.parts)
