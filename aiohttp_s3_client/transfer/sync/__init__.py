"""Syncs between the disk and S3, and within S3.

``run.py`` is the sync itself; each of the others holds one part of it.
"""

from __future__ import annotations

from .directions import Prefix
from .filters import Filter
from .outcome import Callbacks
from .run import SyncOptions, sync

__all__ = ["Callbacks", "Filter", "Prefix", "SyncOptions", "sync"]
