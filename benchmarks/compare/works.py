"""The pieces of work that every client does."""

from __future__ import annotations

from dataclasses import dataclass, replace

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

CONCURRENCY = 32
WORKERS = 8
PART_SIZE = 8 * MIB
PAGES = 20
KEYS_PER_PAGE = 1000
KEYS = PAGES * KEYS_PER_PAGE


@dataclass(frozen=True, slots=True)
class Unit:
    """How a cost is told: seconds of one operation times *scale* is a number of *name*."""

    name: str
    scale: float


@dataclass(frozen=True, slots=True)
class Work:
    """*count* times *operation*, *concurrency* at a time, by each client.

    *operation* is a method of ``clients.base.Client``, or ``import``, or ``first-get`` (everything
    from the start of the process to the first object). *key* is the object, *size* its bytes.
    """

    name: str
    title: str
    operation: str
    unit: Unit
    count: int = 1
    concurrency: int = 1
    key: str = ""
    size: int = 0
    tls: bool = False
    per_round: int = 1
    """Processes a round: short work wants more than one."""


def all_works(big_size: int = GIB, effort: float = 1.0) -> list[Work]:
    """Every work, with big objects of *big_size* bytes and *effort* times the usual counts."""

    def count(full: int) -> int:
        return max(int(full * effort), 1)

    big = f"{big_size // GIB} GiB" if big_size % GIB == 0 else f"{big_size // MIB} MiB"
    a_gib = Unit("s a GiB", GIB / big_size)
    at_once = f"{CONCURRENCY} at a time"
    plain = [
        Work(
            f"{verb}-{size // KIB}k", f"{verb.upper()} of {size // KIB} KiB, {at_once}",
            verb, Unit("µs a request", 1e6), count(full), CONCURRENCY,
            f"object-{size // KIB}k", size,
        )
        for size, full in ((KIB, 5000), (64 * KIB, 2000))
        for verb in ("get", "put")
    ]  # fmt: skip
    plain += [
        Work(verb, title, verb, a_gib, key="big", size=big_size)
        for verb, title in (
            ("download", f"download of {big} to a file"),
            ("upload", f"upload of {big} from a file"),
        )
    ]
    over_tls = [
        replace(work, name=f"{work.name}-tls", title=f"{work.title}, over TLS", tls=True)
        for work in plain
    ]
    verified = Work(
        "download-crc", f"download of {big} whose CRC the server offers", "download", a_gib,
        key="big-crc", size=big_size,
    )  # fmt: skip
    return [
        *plain,
        verified,
        *over_tls,
        Work("list", f"listing of {KEYS:,} keys", "list", Unit("µs a key", 1e6 / KEYS), 2),
        Work("presign", "presigned URLs", "presign", Unit("µs a URL", 1e6), count(10_000)),
        Work("import", "import", "import", Unit("ms", 1e3), per_round=3),
        Work("first-get", "start, import and first GET", "first-get", Unit("ms", 1e3),
             key="object-1k", size=KIB),
    ]  # fmt: skip
