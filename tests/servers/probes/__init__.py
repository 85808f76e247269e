"""What a server supports, found by asking it. See ``registry.py``."""

from __future__ import annotations

from . import access, bucket_settings, listings, reading, transfers, writing
from .registry import PROBES, supports

__all__ = [
    "PROBES",
    "access",
    "bucket_settings",
    "listings",
    "reading",
    "supports",
    "transfers",
    "writing",
]
