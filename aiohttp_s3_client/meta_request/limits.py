"""The numbers of a client: connections, memory, part size, threshold.

The rules are aws-c-s3's: a connection to S3 brings 0.4 Gbit/s, and what may be held grows in
steps with the target.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-guidelines.html
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ..config import (
    DEFAULT_PART_SIZE,
    GIB,
    MAX_PART_SIZE,
    MIN_PART_SIZE,
    check_positive,
)

DEFAULT_TARGET_GBPS = 10.0
_GBPS_OF_A_CONNECTION = 0.4
_LEAST_CONNECTIONS = 10
_MOST_CONNECTIONS = 10_000
_MEMORY = ((75.0, 8 * GIB), (25.0, 4 * GIB), (0.0, 2 * GIB))
"""Bytes that may be held where the target is above so many Gbit/s."""


class Limits(NamedTuple):
    """How much a client does at a time. Sizes are in bytes."""

    part_size: int
    threshold: int
    """The largest upload that is one request."""
    connections: int
    memory: int
    """Bytes that all requests together hold; an upload's part that is larger is held alone."""

    @classmethod
    def of(
        cls,
        part_size: int | None,
        threshold: int | None,
        throughput_target_gbps: float | None,
        memory_limit: int | None,
    ) -> Limits:
        """The limits of a client with these arguments; None is the default of each.

        Raises ``ValueError`` or ``TypeError`` for what cannot work, by the argument's name.
        """
        target = _target(throughput_target_gbps)
        part = DEFAULT_PART_SIZE if part_size is None else _part_size(part_size)
        memory = next(limit for above, limit in _MEMORY if target > above)
        if memory_limit is not None:
            memory = check_positive("memory_limit", memory_limit)
        connections = math.ceil(target / _GBPS_OF_A_CONNECTION)
        return cls(
            part,
            max(part, MIN_PART_SIZE) if threshold is None else _threshold(threshold),
            min(max(connections, _LEAST_CONNECTIONS), _MOST_CONNECTIONS),
            memory,
        ).checked()

    def of_request(self, part_size: int | None, threshold: int | None) -> Limits:
        """Those of one request: where it says only its part size, that is its threshold too."""
        limits = self
        if part_size is not None:
            part = _part_size(part_size)
            limits = limits._replace(part_size=part, threshold=max(part, MIN_PART_SIZE))
        if threshold is not None:
            limits = limits._replace(threshold=_threshold(threshold))
        return limits.checked()

    def checked(self) -> Limits:
        """The same, or ``ValueError`` where not even one part may be held."""
        if self.memory < self.part_size:
            raise ValueError(
                f"memory_limit must hold one part, which is {self.part_size} bytes, "
                f"not {self.memory}"
            )
        return self


def _target(value: float | None) -> float:
    if value is None:
        return DEFAULT_TARGET_GBPS
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"throughput_target_gbps must be a number, not {value!r}")
    if not 0 < value < math.inf:
        raise ValueError(f"throughput_target_gbps must be above 0, not {value!r}")
    return float(value)


def _part_size(value: int) -> int:
    if check_positive("part_size", value) > MAX_PART_SIZE:
        raise ValueError(f"part_size must be at most 5 GiB ({MAX_PART_SIZE}), not {value}")
    return value


def _threshold(value: int) -> int:
    return check_positive("multipart_upload_threshold", value)
