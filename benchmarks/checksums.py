"""How fast checksums are computed here, by whichever of the known packages are installed.

For each algorithm and package: GB/s of one core in pieces of 1 KiB, 64 KiB, 1 MiB and 64 MiB (the
median of some runs, in time of the processor); what two threads reach together on pieces of 1 MiB,
and whether other threads stand still meanwhile (both by the clock, so on an idle machine); what
loading it takes, beyond what is loaded already. Each is first held to the value that the others
have. ``*`` marks what ``aiohttp_s3_client`` takes here.

Run it as ``python -m benchmarks.checksums [--seconds 0.3] [--runs 5] [--only CRC64NVME]``.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import itertools
import platform
import statistics
import threading
import time
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from aiohttp_s3_client.protocol import crc

KIB, MIB = 1024, 1024 * 1024
SIZES = {"1 KiB": KIB, "64 KiB": 64 * KIB, "1 MiB": MIB, "64 MiB": 64 * MIB}
DATA = memoryview(bytes(range(256)) * (64 * MIB // 256))
SLOW = 0.05
"""GB/s below which nothing larger than 64 KiB is tried."""

Digest = Callable[[memoryview], bytes]


class Candidate(NamedTuple):
    """One package that may compute an algorithm; *load* imports it."""

    package: str
    load: Callable[[], Digest]


def module(name: str) -> Any:
    return importlib.import_module(name)


def of_int(size: int, compute: Callable[[memoryview], int]) -> Digest:
    return lambda data: compute(data).to_bytes(size, "big")


def of_hash(make: Callable[[], Any]) -> Digest:
    def digest(data: memoryview) -> bytes:
        running = make()
        running.update(data)
        found: bytes = running.digest()
        return found

    return digest


def of_awscrt(make: str) -> Digest:
    new = getattr(module("awscrt.checksums").XXHash, make)

    def digest(data: memoryview) -> bytes:
        running = new()
        running.update(data.tobytes())  # As of_google.
        found: bytes = running.finalize()
        return found

    return digest


def of_google() -> Digest:
    extend = module("google_crc32c").extend
    # It takes bytes alone, so what is received would have to be copied first.
    return of_int(4, lambda data: extend(0, data.tobytes()))


def slowly(kind: crc.Crc) -> Candidate:
    size = kind.width // 8
    return Candidate(
        "this package's Python",
        lambda: of_int(size, lambda data: crc.extend_slowly(kind, data, 0)),
    )


def by_name(package: str, name: str, function: str, size: int) -> Candidate:
    return Candidate(package, lambda: of_int(size, getattr(module(name), function)))


def by_anycrc(model: str, size: int) -> Candidate:
    return Candidate("anycrc", lambda: of_int(size, module("anycrc").Model(model).calc))


def by_hashlib(name: str) -> tuple[Candidate, ...]:
    make = partial(hashlib.new, name, usedforsecurity=False)
    return (Candidate("hashlib", lambda: of_hash(make)),)


def by_xxhash(ours: str, theirs: str) -> tuple[Candidate, ...]:
    return (
        Candidate("xxhash", lambda: of_hash(getattr(module("xxhash"), ours))),
        Candidate("awscrt", lambda: of_awscrt(theirs)),
    )


CANDIDATES: dict[str, tuple[Candidate, ...]] = {
    "CRC32": (
        Candidate("zlib", lambda: of_int(4, zlib.crc32)),
        by_name("isal", "isal.isal_zlib", "crc32", 4),
        by_name("fastcrc", "fastcrc.crc32", "iso_hdlc", 4),
        by_anycrc("CRC32", 4),
        by_name("awscrt", "awscrt.checksums", "crc32", 4),
        slowly(crc.CRC32),
    ),
    "CRC32C": (
        by_name("fastcrc", "fastcrc.crc32", "iscsi", 4),
        by_anycrc("CRC32C", 4),
        by_name("awscrt", "awscrt.checksums", "crc32c", 4),
        by_name("crc32c", "crc32c", "crc32c", 4),
        Candidate("google-crc32c", of_google),
        slowly(crc.CRC32C),
    ),
    "CRC64NVME": (
        by_anycrc("CRC64-NVME", 8),
        by_name("awscrt", "awscrt.checksums", "crc64nvme", 8),
        slowly(crc.CRC64NVME),
    ),
    "XXHASH64": by_xxhash("xxh64", "new_xxhash64"),
    "XXHASH3": by_xxhash("xxh3_64", "new_xxhash3_64"),
    "XXHASH128": by_xxhash("xxh3_128", "new_xxhash3_128"),
    "SHA1": by_hashlib("sha1"),
    "SHA256": by_hashlib("sha256"),
    "SHA512": by_hashlib("sha512"),
    "MD5": by_hashlib("md5"),
}


def rate(digest: Digest, size: int, seconds: float, runs: int) -> float:
    """GB/s on pieces of *size* bytes: the median of *runs*, each of about *seconds*."""
    view = DATA[:size]
    begun = time.process_time()
    digest(view)
    once = max(time.process_time() - begun, 1e-7)
    number = max(1, int(seconds / once))
    found = []
    for _ in range(runs):
        begun = time.process_time()
        for _ in range(number):
            digest(view)
        found.append(number * size / max(time.process_time() - begun, 1e-9) / 1e9)
    return statistics.median(found)


def rate_of_two(digest: Digest, seconds: float) -> float:
    """GB/s of two threads together, each on pieces of 1 MiB, by the clock."""
    view, done, stop = DATA[:MIB], [0, 0], threading.Event()

    def work(number: int) -> None:
        while not stop.is_set():
            digest(view)
            done[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    return sum(done) * MIB / (time.perf_counter() - begun) / 1e9


def holds_others(digest: Digest, size: int) -> bool:
    """Whether no other thread gets on while *size* bytes are digested: in most of five tries."""

    def once() -> bool:
        taken: list[float] = []

        def work() -> None:
            begun = time.perf_counter()
            digest(DATA[:size])
            taken.append(time.perf_counter() - begun)

        thread = threading.Thread(target=work)
        moments = [time.perf_counter()]
        thread.start()
        while not taken:
            moments.append(time.perf_counter())
        moments.append(time.perf_counter())
        thread.join()
        return max(b - a for a, b in itertools.pairwise(moments)) > 0.7 * taken[0]

    return sum(once() for _ in range(5)) >= 3


def serving(algorithm: str) -> str:
    """The package that ``aiohttp_s3_client`` takes for *algorithm* here."""
    kinds = {kind.name: kind for kind in (crc.CRC32, crc.CRC32C, crc.CRC64NVME)}
    if algorithm in kinds:
        name = crc.backend(kinds[algorithm]).name
        return "this package's Python" if name == "python" else name
    return "xxhash" if algorithm.startswith("XXHASH") else "hashlib"


def measure(algorithm: str, seconds: float, runs: int) -> None:
    """Print what each package makes of *algorithm*."""
    known: bytes | None = None
    for package, load in CANDIDATES[algorithm]:
        begun = time.perf_counter()
        try:
            digest = load()
        except ModuleNotFoundError:
            print(f"{algorithm:10s}  {package:21s}  not installed, skipped")
            continue
        took = (time.perf_counter() - begun) * 1e3
        value = digest(DATA[: 5 * KIB + 3])
        known = known or value
        if value != known:
            raise SystemExit(f"{algorithm}: {package} computes {value.hex()}, not {known.hex()}")
        rates: list[float] = []
        for size in SIZES.values():
            slow = rates and rates[-1] < SLOW and size > 64 * KIB
            rates.append(0.0 if slow else rate(digest, size, seconds, runs))
        fast = rates[2] > SLOW
        shown = "".join(f"{each:8.2f}" if each else "       -" for each in rates)
        both = f"{rate_of_two(digest, max(seconds, 0.1)):8.2f}" if fast else "       -"
        held = "yes" if holds_others(digest, 64 * MIB if fast else 64 * KIB) else "no"
        mark = "*" if package == serving(algorithm) else " "
        print(f"{algorithm:10s}{mark} {package:21s}{shown}{both}  {held:5s}{took:9.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0.3, help="of each run")
    parser.add_argument("--runs", type=int, default=5, help="of which the median counts")
    parser.add_argument("--only", choices=tuple(CANDIDATES), help="one algorithm")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.machine()}; GB/s")
    sizes = "".join(f"{name:>8s}" for name in SIZES)
    print(f"{'algorithm':11s} {'package':21s}{sizes}{'2 thr.':>8s}  {'holds':5s}{'load ms':>9s}")
    for algorithm in CANDIDATES:
        if options.only in (None, algorithm):
            measure(algorithm, options.seconds, options.runs)


if __name__ == "__main__":
    main()
