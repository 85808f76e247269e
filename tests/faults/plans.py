"""What can go wrong with one request and its answer, and plans that decide when it does.

A plan is called with each request and says which fault it meets, if any. ``seeded`` makes one
from a number: the same requests meet the same faults, in whatever order they come.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind = Literal[
    "reset request",  # RST when `at` bytes of the request's body have come
    "close request",  # FIN there
    "stall request",  # no byte more is read there; after `seconds` FIN
    "slow down",  # 503 SlowDown in the place of the server's answer
    "reset",  # RST behind `at` bytes of the answer's body; -1: before its head
    "close",  # FIN there: the length was right, the body is cut
    "stall",  # `seconds` of silence there
    "trickle",  # 16 pieces of `at` bytes each, `seconds` apart, and then the rest
    "delay",  # the answer comes `seconds` late, so that others overtake it
    "etag",  # another ETag
    "corrupt",  # byte `at` of the body is another
    "extra",  # bytes behind the body that nobody announced
    "duplicate",  # the answer comes twice
    "say close",  # `Connection: close`, and so it does
]
TRANSIENT: tuple[Kind, ...] = (
    *("reset request", "close request", "slow down", "reset", "close", "trickle", "delay"),
    *("extra", "duplicate", "say close"),
)
"""What a transfer has to survive when it happens once."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one exchange; see ``Kind``."""

    kind: Kind
    at: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Exchange:
    """One request and its answer, as they went through the proxy."""

    method: str
    target: str
    headers: dict[str, str]
    """Names in lower case."""
    connection: int
    occurrence: int = 0
    """How many requests of the same identity came before."""
    fault: Fault | None = None
    sent: int = 0
    """Bytes of the request's body that went on to the server."""
    status: int = 0
    received: int = 0
    """Bytes of the answer's body that went to the client."""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def key(self) -> str:
        """The path without its first segment, the bucket."""
        return self.path.lstrip("/").partition("/")[2]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def identity(self) -> str:
        """What stays the same from run to run: no bucket, upload id, signature or token."""
        query = re.sub(r"(?i)(uploadId|continuation-token|X-Amz-[^=]*)=[^&]*", r"\1", self.query)
        return f"{self.method} {self.key}?{query} {self.headers.get('range', '')}"


Plan: TypeAlias = Callable[[Exchange], Fault | None]


def seeded(seed: int, faults: Sequence[Fault], *, rate: float, repeats: int = 1) -> Plan:
    """A plan by which each request meets one of *faults* with the chance *rate*.

    After *repeats* faults a request of the same identity gets through, so that a client with
    that many retries has to succeed.
    """

    def plan(exchange: Exchange) -> Fault | None:
        if exchange.occurrence >= repeats:
            return None
        rng = random.Random(f"{seed} {exchange.identity} {exchange.occurrence}")
        return rng.choice(faults) if rng.random() < rate else None

    return plan


def once(fault: Fault, matching: Callable[[Exchange], bool], *, times: int = 1) -> Plan:
    """The first *times* requests that are *matching* meet *fault*."""
    left = [times]

    def plan(exchange: Exchange) -> Fault | None:
        if left[0] and matching(exchange):
            left[0] -= 1
            return fault
        return None

    return plan


def always(fault: Fault) -> Plan:
    return lambda _: fault
