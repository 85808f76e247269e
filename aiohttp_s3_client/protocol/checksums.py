"""The checksums of S3: computing them, joining those of parts, and reading those of an answer.

Algorithms go by S3's names, in any case: the ten of ``ALGORITHMS``. A digest is ``bytes``, that of
a CRC and of an xxHash in big-endian order; in a header it stands as base64. xxHashes have no seed.
``CONTENT_MD5`` is one more, for requests alone: it is an MD5, in the header that every server
knows and that S3 does not keep.

What computing costs, for a GiB on one core: a CRC or an xxHash 0.02 to 0.08 s where the extra
``checksums`` is installed (``is_fast``); without it CRC32 0.25 s by zlib, while CRC32C and
CRC64NVME run in Python and take minutes, which will do for a document but not for a body
(``is_affordable``), and there are no xxHashes. SHA1 and SHA256 0.6 s on a processor with
instructions for them, else about twice that; SHA512 1.2 s, MD5 1.4 s. ``crc`` and
``hashes`` say which packages serve; asking about a CRC or an xxHash for the first time imports one.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from . import crc as crcs
from .crc import Buffer
from .hashes import HASHES, RunningDigest, maker

CONTENT_MD5 = "CONTENT-MD5"
"""The MD5 that a request bears as ``Content-MD5``; ``MD5`` is the one that S3 keeps."""

_CRCS = {crc.name: crc for crc in (crcs.CRC32, crcs.CRC32C, crcs.CRC64NVME)}
_HASHES = {**HASHES, CONTENT_MD5: HASHES["MD5"]}
_SIZES = {name: crc.width // 8 for name, crc in _CRCS.items()}
_SIZES |= {name: size for name, (_, _, size, _) in _HASHES.items()}

ALGORITHMS = tuple(name for name in _SIZES if name != CONTENT_MD5)
"""What S3 keeps, by its names."""

SLOW_LIMIT = 1024 * 1024
"""Bytes beyond which Python itself computes no checksum: that takes 0.1 s for each MiB."""

_FAST = 5.0
_BEARABLE = 0.1
_MAX_PARTS = 10_000
_MAX_SIZE = 2**63 - 1
_HEADER = "x-amz-checksum-"
_NO_CHECKSUMS = frozenset({"algorithm", "mode", "type"})
"""What follows in headers that begin like a checksum's and hold none."""
_MISSING = "{} {}: pip install 'aiohttp-s3-client[checksums]'"
_IN_ANSWERS = tuple((name, f"{_HEADER}{name.lower()}") for name in ALGORITHMS)


class Checksum(NamedTuple):
    """What a server says the checksum of an object is."""

    algorithm: str
    value: str
    """Base64, without the number of parts."""
    parts: int | None = None
    """For a composite, the checksum of the checksums of so many parts; None for one of the bytes
    themselves."""


class _RunningCrc:
    __slots__ = ("_extend", "_size", "_value")

    def __init__(self, algorithm: str) -> None:
        self._extend = crcs.backend(_CRCS[algorithm]).extend
        self._size = _SIZES[algorithm]
        self._value = 0

    def update(self, data: Buffer, /) -> None:
        self._value = self._extend(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


# --- which


def is_combinable(algorithm: str) -> bool:
    """Whether ``combine`` can tell the checksum of a whole from those of its pieces: the CRCs."""
    return _known(algorithm) in _CRCS


def is_fast(algorithm: str) -> bool:
    """Whether it costs little beside moving the bytes: over 5 GB/s, a CRC or an xxHash by a
    package."""
    return _rate(_known(algorithm)) >= _FAST


def is_available(algorithm: str) -> bool:
    """Whether bodies of any size can be held to it: false for a CRC that only Python would
    compute, and for an xxHash without the package."""
    return _rate(_known(algorithm)) >= _BEARABLE


def is_affordable(algorithm: str, size: int | None) -> bool:
    """Whether *size* bytes can be held to it here; None is a size that nobody knows.

    What Python itself has to compute is for up to ``SLOW_LIMIT`` bytes.
    """
    rate = _rate(_known(algorithm))
    small = size is not None and size <= SLOW_LIMIT
    return rate >= _BEARABLE or (rate > 0 and small)


def check_affordable(algorithm: str, size: int | None) -> None:
    """Raise ``ImportError``, which says what to install, where ``is_affordable`` is false."""
    if is_affordable(algorithm, size):
        return
    name = _known(algorithm)
    if _rate(name) == 0:
        raise ImportError(_MISSING.format(algorithm, f"needs the package {_HASHES[name][0]}"))
    large = f"bodies above {SLOW_LIMIT} bytes" if size is None else f"{size} bytes"
    raise ImportError(_MISSING.format(algorithm, f"of {large} takes too long in Python"))


def preferred() -> str:
    """The algorithm to send when nobody asked for one: S3's own default where it is fast here."""
    return "CRC64NVME" if is_fast("CRC64NVME") else "CRC32"


def header_name(algorithm: str) -> str:
    """The header of a request or an answer, in small letters."""
    name = _known(algorithm)
    return "content-md5" if name == CONTENT_MD5 else f"{_HEADER}{name.lower()}"


def of_settings(algorithm: str) -> str:
    """What a name in this client's settings stands for: there ``MD5`` is ``CONTENT_MD5``.

    Every server knows that, and hardly one the ``x-amz-checksum-md5`` of 2026, which S3's own
    parameter, ``ChecksumAlgorithm="MD5"``, asks for.
    """
    return CONTENT_MD5 if algorithm == "MD5" else algorithm


def algorithm_of(header: str) -> str:
    """The algorithm whose checksum *header* (in small letters) holds, known here or not.

    Empty for any other header, ``content-md5`` among them.
    """
    name = header.removeprefix(_HEADER)
    return "" if name == header or name in _NO_CHECKSUMS else name.upper()


# --- computing


def new(algorithm: str) -> RunningDigest:
    """A checksum of nothing yet.

    Raises ``ValueError`` for an unknown algorithm, ``ImportError`` for an xxHash without the
    package.
    """
    name = _known(algorithm)
    if name in _CRCS:
        return _RunningCrc(name)
    package, function, _, _ = _HASHES[name]
    if (make := maker(package, function)) is None:
        raise ImportError(_MISSING.format(name, f"needs the package {package}"))
    return make()


def compute(algorithm: str, data: Buffer) -> bytes:
    """The digest of *data*, which is read in place and has to be contiguous."""
    running = new(algorithm)
    running.update(data)
    return running.digest()


def combine(algorithm: str, crc1: bytes, crc2: bytes, size2: int) -> bytes:
    """The digest of two pieces laid end to end, from their digests and the second's size in bytes.

    For the CRCs alone. Takes about 5 µs, up to 50 for a size that was not met lately. Raises
    ``ValueError`` for another algorithm, digests of another length, and sizes below 0 or above
    2**63 - 1.
    """
    name = _known(algorithm)
    if name not in _CRCS:
        raise ValueError(f"algorithm {algorithm!r} does not combine; only the CRCs do")
    _check_digest("crc1", crc1, name)
    _check_digest("crc2", crc2, name)
    if not 0 <= size2 <= _MAX_SIZE:
        raise ValueError(f"size2 must be from 0 to 2**63 - 1, not {size2!r}")
    first, second = int.from_bytes(crc1, "big"), int.from_bytes(crc2, "big")
    return crcs.joined(_CRCS[name], first, second, size2).to_bytes(_SIZES[name], "big")


def encode(digest: bytes) -> str:
    """The base64 that stands in headers and documents."""
    return b64encode(digest).decode("ascii")


def composite(algorithm: str, digests: Iterable[bytes]) -> str:
    """The checksum of parts' digests, in their order, as S3 writes it: base64, ``-``, their number.

    S3 makes such of all algorithms but CRC64NVME. Raises ``ValueError`` for no parts, more than
    10,000, and digests of another length.
    """
    name = _known(algorithm)
    parts = tuple(digests)
    if not 1 <= len(parts) <= _MAX_PARTS:
        raise ValueError(f"digests must be of 1 to {_MAX_PARTS} parts, not {len(parts)}")
    for part in parts:
        _check_digest("digests", part, name)
    return f"{encode(compute(name, b''.join(parts)))}-{len(parts)}"


# --- reading


def from_headers(headers: Mapping[str, str], *, of_part: bool = False) -> tuple[Checksum, ...]:
    """The checksums in an answer: of the bytes before composites, the cheapest here first.

    *headers* are looked up by lower-case names. *of_part* says that a part was asked for with
    ``partNumber``: then a value without ``-N`` is that part's own, though the object's type is
    COMPOSITE. Otherwise a value that contradicts ``x-amz-checksum-type`` counts as absent, as does
    one that is not base64 of the right length. Without a type, ``-N`` makes a composite.
    """
    kind = headers.get("x-amz-checksum-type", "").strip().upper()
    found = [
        checksum
        for name, header in _IN_ANSWERS
        if (text := headers.get(header)) is not None
        and (checksum := _parsed(name, text.strip())) is not None
        and not (kind == "FULL_OBJECT" and checksum.parts is not None)
        and not (kind == "COMPOSITE" and checksum.parts is None and not of_part)
    ]
    if len(found) > 1:
        found.sort(key=lambda checksum: (checksum.parts is not None, -_rate(checksum.algorithm)))
    return tuple(found)


def _parsed(name: str, text: str) -> Checksum | None:
    match = re.fullmatch(r"([A-Za-z0-9+/]+={0,2})(?:-([1-9][0-9]{0,4}))?", text)
    if match is None:
        return None
    try:
        digest = b64decode(match[1], validate=True)
    except binascii.Error:
        return None
    parts = None if match[2] is None else int(match[2])
    if len(digest) != _SIZES[name] or (parts is not None and parts > _MAX_PARTS):
        return None
    return Checksum(name, encode(digest), parts)


def _known(algorithm: str) -> str:
    name = algorithm.upper()
    if name not in _SIZES:
        raise ValueError(f"algorithm must be one of {', '.join(ALGORITHMS)}, not {algorithm!r}")
    return name


def _rate(name: str) -> float:
    """GB/s here, roughly: what choices are made by. 0 for what cannot be computed."""
    if name in _CRCS:
        return crcs.backend(_CRCS[name]).rate
    package, function, _, rate = _HASHES[name]
    return rate if maker(package, function) is not None else 0.0


def _check_digest(argument: str, digest: bytes, name: str) -> None:
    if len(digest) != _SIZES[name]:
        raise ValueError(f"{argument} must be {_SIZES[name]} bytes for {name}, not {digest!r}")
