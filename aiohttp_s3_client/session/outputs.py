"""What the calls of a session return, as dicts, and what they tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Required, TypedDict

import aiohttp

OnDownloadStartFn = Callable[[aiohttp.ClientResponse], object]
"""Gets the response before the first chunk: its status and headers, not its body. It may be
async."""


class S3Object(TypedDict, total=False):
    """One object of a listing, as the server wrote it but for its key, which is decoded.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
    """

    Key: Required[str]
    LastModified: Required[str]
    """In ISO 8601, UTC: ``2024-01-15T10:30:00.000Z``."""
    ETag: str
    """With its quotes. Absent where the server leaves it out, as ``StorageClass``."""
    Size: Required[int]
    """In bytes."""
    StorageClass: str


class SyncResult(TypedDict):
    """The keys that a sync uploaded, deleted and left as they were, each a whole key."""

    uploaded: list[str]
    deleted: list[str]
    skipped: list[str]
