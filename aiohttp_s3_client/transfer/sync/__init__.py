"""Syncs between the disk and S3, and within S3.

``run.py`` is the sync itself; each of the others holds one part of it.
"""

from __future__ import annotations

from .comparing import Compare
from .directions import Prefix, Symlinks
from .filters import Filter, Globs
from .outcome import Callbacks
from .run import SyncOptions, sync

__all__ = [
    "Callbacks", "Compare", "Filter", "Globs", "Prefix", "Symlinks", "SyncOptions", "sync",
]  # fmt: skip
