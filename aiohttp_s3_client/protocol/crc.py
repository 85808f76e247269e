"""The three CRCs that S3 knows: what computes them, and joining those of two pieces into one.

A CRC is the remainder of the data, read as a polynomial over GF(2), divided by a fixed one. All
three here are reflected (the lowest bit stands for the highest power) and begin and end with all
bits inverted. That makes two things possible that a hash function does not allow: continuing from
a finished value, and getting the CRC of a whole from those of its pieces in any order.

Computing is left to whichever of these is installed, looked for at the first use of each CRC,
never at import. GB/s on one core of a server with AVX-512 and VPCLMULQDQ, in pieces of 1 MiB
(and of 1 KiB); all read a memoryview in place:

========== =============== =========== ========== ===========================================
back end   CRC32           CRC32C      CRC64NVME  other threads run meanwhile
========== =============== =========== ========== ===========================================
fastcrc    55 (6.2)        55 (5.9)    --         yes
anycrc     14 (2.3)        14 (2.2)    14 (2.2)   no, so it is handed 1 MiB (75 µs) at a time
awscrt     3, unused       54 (4.6)    54 (4.8)   yes; its import takes 50 ms and 4 MB
zlib       4.2 (2.3)       --          --         yes
this file  --              0.01        0.01       as any Python code
========== =============== =========== ========== ===========================================

``benchmarks/checksums.py`` measures these and others: isal is as fast as fastcrc and has no CRC32C,
crc32c takes twice as long, google-crc32c wants a copy of what is no ``bytes``.
"""

from __future__ import annotations

import importlib
import warnings
import zlib
from collections.abc import Callable
from functools import cache, lru_cache, partial
from typing import NamedTuple, TypeAlias

Buffer: TypeAlias = bytes | bytearray | memoryview

Extend: TypeAlias = Callable[[Buffer, int], int]
"""From a buffer and the CRC of all that came before it (0 for nothing) to the CRC of both."""

_PIECE = 1024 * 1024
"""What a back end that keeps other threads waiting gets at a time."""


class Crc(NamedTuple):
    """One kind of CRC, *width* bits wide; *polynomial* is reflected and lacks its highest term."""

    name: str
    width: int
    polynomial: int


CRC32 = Crc("CRC32", 32, 0xEDB88320)
CRC32C = Crc("CRC32C", 32, 0x82F63B78)
CRC64NVME = Crc("CRC64NVME", 64, 0x9A6C9329AC4BC9B5)


class Backend(NamedTuple):
    """What computes one kind of CRC."""

    name: str
    """Of the module to import, or ``zlib`` or ``python``."""
    extend: Extend
    rate: float
    """GB/s on one core, roughly: what choices are made by."""


# --- computing


@lru_cache
def backend(crc: Crc) -> Backend:
    """What computes *crc* in this process: the first in the table above that works.

    The first call imports it (1 ms for fastcrc, 8 ms for anycrc). One that is not installed is
    passed over; one that is, but fails or gives other values than ``extend_slowly``, is passed
    over with a ``RuntimeWarning``. ``backend.cache_clear()`` makes the next call look anew.
    """
    for name, rate, load in _CANDIDATES[crc]:
        try:
            extend = load()
            right = _is_right(extend, crc)
        except ModuleNotFoundError:
            continue
        except (ImportError, AttributeError, TypeError, ValueError, OverflowError) as error:
            problem = f"cannot be used ({error})"
        else:
            if right:
                return Backend(name, extend, rate)
            problem = "computes wrong values"
        warnings.warn(f"{name} {problem} for {crc.name}", RuntimeWarning, stacklevel=2)
    if crc is CRC32:
        return Backend("zlib", zlib.crc32, 4.0)
    return Backend("python", partial(extend_slowly, crc), 0.01)


def _from_module(module: str, function: str) -> Extend:
    extend: Extend = getattr(importlib.import_module(module), function)
    return extend


def _from_awscrt(function: str) -> Extend:
    return _by_pieces(_from_module("awscrt.checksums", function))


def _from_anycrc(model: str) -> Extend:
    return _by_pieces(importlib.import_module("anycrc").Model(model).calc)


def _by_pieces(extend: Extend) -> Extend:
    """*extend* for buffers alone (both take texts too), and without long holds of the lock."""

    def extend_by_pieces(data: Buffer, before: int, /) -> int:
        view = memoryview(data).cast("B")
        for start in range(0, len(view), _PIECE):
            before = extend(view[start : start + _PIECE], before)
        return before

    return extend_by_pieces


# awscrt comes last: it costs more to import than it saves on a GiB, unless it is all there is.
_CANDIDATES: dict[Crc, tuple[tuple[str, float, Callable[[], Extend]], ...]] = {
    CRC32: (
        ("fastcrc", 56.0, partial(_from_module, "fastcrc.crc32", "iso_hdlc")),
        ("anycrc", 14.0, partial(_from_anycrc, "CRC32")),
    ),
    CRC32C: (
        ("fastcrc", 55.0, partial(_from_module, "fastcrc.crc32", "iscsi")),
        ("anycrc", 14.0, partial(_from_anycrc, "CRC32C")),
        ("awscrt", 53.0, partial(_from_awscrt, "crc32c")),
    ),
    CRC64NVME: (
        ("anycrc", 14.0, partial(_from_anycrc, "CRC64-NVME")),
        ("awscrt", 54.0, partial(_from_awscrt, "crc64nvme")),
    ),
}


def _is_right(extend: Extend, crc: Crc) -> bool:
    """Whether *extend* agrees with ``extend_slowly``, vector code and loose ends included."""
    sample = memoryview(bytes(range(256)) * 5)[1:]
    first = extend(sample[:700], 0)
    return first == extend_slowly(crc, sample[:700], 0) and extend(
        sample[700:], first
    ) == extend_slowly(crc, sample, 0)


def extend_slowly(crc: Crc, data: Buffer, before: int, /) -> int:
    """``Extend`` byte by byte in Python: some 0.1 ms for each KiB, and a GiB takes minutes."""
    inverted = (1 << crc.width) - 1
    table = _table(crc, 8)
    value = before ^ inverted
    for byte in memoryview(data).cast("B"):
        value = (value >> 8) ^ table[(value ^ byte) & 0xFF]
    return value ^ inverted


@lru_cache
def _table(crc: Crc, bits: int) -> tuple[int, ...]:
    """What the lowest *bits* of a remainder become when it is multiplied by ``x ** bits``."""

    def folded(value: int) -> int:
        for _ in range(bits):
            value = _times_x(value, crc)
        return value

    return tuple(folded(value) for value in range(1 << bits))


# --- joining


def joined(crc: Crc, first: int, second: int, second_size: int) -> int:
    """The CRC of two pieces laid end to end; the second has CRC *second* and that many bytes.

    With the inversions cancelled out, bytes put after a piece multiply its remainder by
    ``x ** 8`` each. The factor for a size is remembered, so that a call takes about 5 µs for a
    size met before, and 10 to 50 µs for a new one.
    """
    return _product(first, _power_of_size(crc, second_size), crc) ^ second


def _times_x(value: int, crc: Crc) -> int:
    return (value >> 1) ^ crc.polynomial if value & 1 else value >> 1


def _product(left: int, right: int, crc: Crc) -> int:
    """Of two remainders, as a remainder: four bits of *left* at a time, highest powers first."""
    by_x = _times_x(right, crc)
    by_x2 = _times_x(by_x, crc)
    by_x3 = _times_x(by_x2, crc)
    multiples = [0, by_x3, by_x2, by_x2 ^ by_x3]
    multiples += [by_x ^ multiple for multiple in multiples]
    multiples += [right ^ multiple for multiple in multiples]
    folded = _table(crc, 4)
    result = 0
    for shift in range(0, crc.width, 4):
        result = (result >> 4) ^ folded[result & 15] ^ multiples[(left >> shift) & 15]
    return result


@lru_cache(maxsize=4096)
def _power_of_size(crc: Crc, size: int) -> int:
    """``x ** (8 * size)``, put together from the powers for the bytes that *size* is written in."""
    result = 1 << (crc.width - 1)  # x ** 0
    place = 0
    while size:
        if digit := size & 0xFF:
            result = _product(_power_of_digit(crc, place, digit), result, crc)
        size >>= 8
        place += 1
    return result


@cache  # three CRCs, eight places, 255 digits
def _power_of_digit(crc: Crc, place: int, digit: int) -> int:
    """``x ** (8 * digit * 256**place)``."""
    if digit == 1 and place == 0:
        return 1 << (crc.width - 9)  # x ** 8
    if digit == 1:
        half = _power_of_digit(crc, place - 1, 128)
        return _product(half, half, crc)
    half = _power_of_digit(crc, place, digit >> 1)
    power = _product(half, half, crc)
    return _product(power, _power_of_digit(crc, place, 1), crc) if digit & 1 else power
