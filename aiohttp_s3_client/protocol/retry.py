"""Which outcomes are tried again, how often, how soon, and at what rate. Pure policy.

The rules are those of the SDKs' standard mode: a small number of attempts, full-jitter
exponential backoff, one quota of retries for the whole client so that a sick server is not
stormed, and a lower rate of requests while a server throttles.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
"""

from __future__ import annotations

import random
import re
from datetime import datetime

from .timestamps import parse_http_date

BACKOFF_BASE = 0.05
BACKOFF_CAP = 20.0
RETRY_AFTER_CAP = 60.0
"""A server that wants a longer pause than this gets its error reported instead."""

_SECONDS = r"[0-9]{1,9}"
_CONFLICT = "ConditionalRequestConflict"
"""Another request changed the object while a conditional write of it was judged."""
_TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_TRANSIENT_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        _CONFLICT,
        "InternalError",
        "OperationAborted",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
    }
)
_THROTTLING_CODES = frozenset(
    {
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "SlowDownRead",
        "SlowDownWrite",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "TooManyRequestsException",
    }
)


def is_throttling(status: int, code: str) -> bool:
    """Whether the server asks for fewer requests."""
    return status == 429 or code in _THROTTLING_CODES


def is_transient(status: int, code: str) -> bool:
    """Whether the same request may well succeed later."""
    if code == "NotImplemented":
        return False
    return status in _TRANSIENT_STATUS or code in _TRANSIENT_CODES or is_throttling(status, code)


def had_no_effect(status: int, code: str) -> bool:
    """Whether the server says that it did nothing, so that a repetition meets what others did."""
    return is_throttling(status, code) or code == _CONFLICT


def needs_restart(operation: str, code: str) -> bool:
    """Whether the same request will not do: after a conflict S3 wants all parts anew.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
    """
    return code == _CONFLICT and operation == "CompleteMultipartUpload"


def backoff(attempt: int, rng: random.Random) -> float:
    """Seconds to wait after the *attempt*-th send (1 is the first) failed: full jitter."""
    return rng.random() * min(BACKOFF_CAP, BACKOFF_BASE * 2.0 ** min(attempt - 1, 32))


def retry_after(value: str | None, now: datetime) -> float | None:
    """The seconds that a ``Retry-After`` header asks for; None when there is no such wish."""
    if not value:
        return None
    if re.fullmatch(_SECONDS, value.strip()):
        return float(value)
    date = parse_http_date(value)
    return max(0.0, (date - now).total_seconds()) if date else None


class RetryQuota:
    """The retries that one client may still spend, over all its requests."""

    __slots__ = ("available", "capacity")

    RETRY_COST = 5
    TIMEOUT_COST = 10
    NO_RETRY_REFUND = 1

    def __init__(self, capacity: int = 500) -> None:
        self.capacity = capacity
        self.available = capacity

    def take(self, *, timeout: bool) -> int:
        """The price of one retry, taken; 0 when the quota cannot pay it: then do not retry."""
        cost = self.TIMEOUT_COST if timeout else self.RETRY_COST
        if cost > self.available:
            return 0
        self.available -= cost
        return cost

    def give_back(self, taken: int) -> None:
        """A request succeeded: what its last retry cost returns, or a little when it had none."""
        self.available = min(self.capacity, self.available + (taken or self.NO_RETRY_REFUND))


class Attempts:
    """How often one request, part or range was sent, out of how often it may be.

    One object counts sending and receiving alike, so that nothing multiplies.
    """

    __slots__ = ("limit", "paid", "sends", "spent", "started", "uncertain")

    def __init__(self, limit: int, started: float) -> None:
        self.limit = limit
        self.started = started
        self.sends = 0
        """Times sent, as errors report it."""
        self.spent = 0
        """Attempts used up."""
        self.uncertain = False
        """Whether an earlier send may have had its effect although it brought no good answer."""
        self.paid = 0
        """What the last retry took from the quota."""

    def sent(self) -> None:
        self.sends += 1
        self.spent += 1

    def uncounted(self) -> None:
        """The last send brought new bytes, or taught us a region or the time: it costs nothing."""
        self.spent -= 1

    @property
    def left(self) -> bool:
        return self.spent < self.limit


class Pace:
    """The client's rate of requests: unlimited until a server throttles, then it drops.

    Throttling halves the rate that was measured, once for all the requests that were under way;
    each success raises it a little, until the limit is lifted.
    """

    __slots__ = ("_cut", "_next", "_recent", "_window", "interval")

    FASTEST = 0.001
    SLOWEST = 1.0
    SETTLE = 0.5
    """Seconds after a cut in which further throttling is an echo of the old rate."""

    def __init__(self) -> None:
        self.interval = 0.0
        """Seconds between two sends; 0 is no limit."""
        self._next = 0.0
        self._cut = float("-inf")
        self._window = float("-inf")
        self._recent = 0

    def delay(self, now: float) -> float:
        """Seconds to wait before the next send; the send is booked."""
        if now - self._window >= 1.0:
            self._window, self._recent = now, 0
        self._recent += 1
        if not self.interval:
            return 0.0
        start = max(now, self._next)
        self._next = start + self.interval
        return start - now

    def throttled(self, now: float) -> None:
        if now - self._cut < self.SETTLE:
            return
        self._cut = now
        measured = max(now - self._window, 0.05) / max(self._recent, 1)
        self.interval = min(self.SLOWEST, 2.0 * max(self.interval, min(measured, self.SLOWEST)))

    def succeeded(self) -> None:
        if self.interval:
            self.interval *= 0.9
            if self.interval < self.FASTEST:
                self.interval = 0.0
