"""The hash functions that S3 knows, and what computes them: ``hashlib``, and the package xxhash.

xxHashes are those of seed 0, their digests in big-endian order, which is what xxhash gives as bytes
and S3 keeps. GB/s on one core of a server with SHA instructions and AVX-512, in pieces of 1 MiB
(and of 1 KiB); all read a memoryview in place, and other threads run meanwhile:

============================  ==========
SHA1                          1.9 (0.7)
SHA256                        1.8 (0.7)
SHA512                        0.9 (0.4)
MD5                           0.8 (0.4)
XXHASH64                      14 (5)
XXHASH3, XXHASH128            58 (7)
============================  ==========

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable
from functools import cache, partial
from typing import Protocol

from .crc import Buffer


class RunningDigest(Protocol):
    """A checksum being computed. Not for two threads at once."""

    def update(self, data: Buffer, /) -> None:
        """Go on with *data*, read in place. It has to be contiguous."""

    def digest(self) -> bytes:
        """The checksum of everything so far. More may follow."""
        ...


HASHES = {
    "SHA1": ("hashlib", "sha1", 20, 1.9),
    "SHA256": ("hashlib", "sha256", 32, 1.8),
    "SHA512": ("hashlib", "sha512", 64, 0.9),
    "MD5": ("hashlib", "md5", 16, 0.8),
    "XXHASH64": ("xxhash", "xxh64", 8, 14.0),
    "XXHASH3": ("xxhash", "xxh3_64", 8, 58.0),
    "XXHASH128": ("xxhash", "xxh3_128", 16, 57.0),
}
"""By S3's names: the package, its name there, bytes of a digest, and GB/s on one core, roughly:
what choices are made by."""


@cache
def maker(package: str, name: str) -> Callable[[], RunningDigest] | None:
    """What makes a hash of nothing yet; None where the package is not installed.

    The first call for an xxHash imports it (1 ms). ``maker.cache_clear()`` makes the next call look
    anew.
    """
    if package == "hashlib":
        return partial(hashlib.new, name, usedforsecurity=False)
    try:
        make: Callable[[], RunningDigest] = getattr(importlib.import_module(package), name)
    except ModuleNotFoundError:
        return None
    return make
