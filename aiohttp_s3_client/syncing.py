"""Keeping a directory and a prefix, or two prefixes, alike."""

from __future__ import annotations

from .engine import Engine


class Syncing:
    """Syncs between the disk and S3, and within S3."""

    _engine: Engine
