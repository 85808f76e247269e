"""The words of a meta request: what kind it is, its TLS, its checksums. The values are awscrt's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from ..config import ChecksumAlgorithm, ChecksumConfig, ChecksumLocation


class S3RequestType(IntEnum):
    """What a request is to S3."""

    DEFAULT = 0
    """Any operation; one request."""
    GET_OBJECT = 1
    """GetObject, in ranges where that is faster."""
    PUT_OBJECT = 2
    """PutObject, in parts where that is faster."""


class S3RequestTlsMode(IntEnum):
    """Whether requests go over TLS."""

    ENABLED = 0
    DISABLED = 1


class S3ChecksumAlgorithm(IntEnum):
    """What a checksum is computed with.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
    """

    CRC32C = 1
    CRC32 = 2
    SHA1 = 3
    SHA256 = 4
    CRC64NVME = 5


class S3ChecksumLocation(IntEnum):
    """Where the checksum of a body goes."""

    HEADER = 1
    """Before the body, which is read twice."""
    TRAILER = 2
    """After the body, computed while it is sent."""


@dataclass(slots=True)
class S3ChecksumConfig:
    """How the bodies of a request are checked: the face of ``ChecksumConfig`` in these words.

    An ``algorithm`` needs a ``location``, which ``checksum_config`` holds it to when a request is
    made. Without either, the client's own rule decides what an upload carries.
    ``validate_response`` holds a download to the checksum that S3 keeps of it.
    """

    algorithm: S3ChecksumAlgorithm | None = None
    location: S3ChecksumLocation | None = None
    validate_response: bool = False


class ChecksumLike(Protocol):
    """What ``S3ChecksumConfig`` and awscrt's own have in common."""

    @property
    def algorithm(self) -> int | None: ...
    @property
    def location(self) -> int | None: ...
    @property
    def validate_response(self) -> bool: ...


_ALGORITHMS: dict[int | None, ChecksumAlgorithm | None] = {
    None: None,
    S3ChecksumAlgorithm.CRC32C: "CRC32C",
    S3ChecksumAlgorithm.CRC32: "CRC32",
    S3ChecksumAlgorithm.SHA1: "SHA1",
    S3ChecksumAlgorithm.SHA256: "SHA256",
    S3ChecksumAlgorithm.CRC64NVME: "CRC64NVME",
}
_LOCATIONS: dict[int | None, ChecksumLocation | None] = {
    None: None,
    S3ChecksumLocation.HEADER: "header",
    S3ChecksumLocation.TRAILER: "trailer",
}
_NEWER = ("expected_checksum", "expected_checksum_algorithm", "response_validation_mode")
"""What newer versions of awscrt can ask for."""


def checksum_config(given: ChecksumLike | ChecksumConfig) -> ChecksumConfig:
    """The ``ChecksumConfig`` that *given* is, or that it says in the words of a meta request.

    Raises ``ValueError`` for an algorithm without its location, for values that are unknown, and
    for what only newer versions of awscrt can say; ``TypeError`` for what is no such config.
    """
    if isinstance(given, ChecksumConfig):
        return given
    if not all(hasattr(given, name) for name in S3ChecksumConfig.__slots__):
        raise TypeError(f"checksum_config must be an S3ChecksumConfig, not {type(given).__name__}")
    for name in _NEWER:
        if (value := getattr(given, name, None)) is not None:
            raise ValueError(f"checksum_config: {name}={value!r} is not supported")
    algorithm, location = given.algorithm, given.location
    if algorithm not in _ALGORITHMS:
        raise ValueError(
            f"checksum_config: algorithm must be an S3ChecksumAlgorithm, not {algorithm!r}"
        )
    if location not in _LOCATIONS:
        raise ValueError(
            f"checksum_config: location must be an S3ChecksumLocation, not {location!r}"
        )
    if algorithm is not None and location is None:
        raise ValueError(
            f"checksum_config: location must be set where algorithm is ({algorithm!r}): "
            "S3ChecksumLocation.HEADER or S3ChecksumLocation.TRAILER"
        )
    return ChecksumConfig(
        _ALGORITHMS[algorithm], _LOCATIONS[location], validate_response=given.validate_response
    )
