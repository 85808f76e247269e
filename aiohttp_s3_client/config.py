"""What a client is told once: its settings and S3's own limits.

Limits: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from typing import Literal, get_args

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

MIN_PART_SIZE = 5 * MIB
MAX_PART_SIZE = 5 * GIB
MAX_PARTS = 10_000
DEFAULT_PART_SIZE = 8 * MIB
DEFAULT_WORKERS = 8
"""Parts or ranges in flight. One connection rarely fills a link; past eight little is gained."""

MAX_PRESIGN_SECONDS = 604_800
DEFAULT_REGION = "us-east-1"

AddressingStyle = Literal["auto", "path", "virtual"]
ChecksumCalculation = Literal["when_supported", "when_required"]


def plain_paths_only() -> bool:
    """Whether ``AIOS3_PLAIN=1`` switches every fast path off (for tests and for doubts)."""
    return os.environ.get("AIOS3_PLAIN", "") not in ("", "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfig:
    """Settings of an ``S3Client`` that few need to change."""

    addressing_style: AddressingStyle = "auto"
    """Where the bucket goes: ``virtual`` into the host, ``path`` into the path. ``auto`` means
    virtual on AWS (but for a bucket with dots over TLS) and path everywhere else."""

    signature_version: str = "s3v4"
    """boto3's word. Only ``s3v4`` is spoken here; anything else is refused."""

    max_attempts: int = 3
    """How often a request is sent at most, the first time included."""

    connect_timeout: float = 10.0
    """Seconds to connect. Waiting for a free connection of the session is not counted."""

    read_timeout: float = 60.0
    """Seconds without one byte of an answer."""

    write_timeout: float = 60.0
    """Seconds without one byte of a body being accepted by the connection."""

    expect_continue_from: int | None = 2 * MIB
    """Bodies of at least this many bytes ask first (``Expect: 100-continue``), so that a refusal
    comes before the bytes. None never asks. Hosts that do not answer are not asked again."""

    calculate_content_sha256: bool | None = None
    """Whether a body's sha256 is computed and signed. None: over plain HTTP yes, since nothing
    else protects the body there, over TLS no. False on a trusted network saves the hashing."""

    request_checksum_calculation: ChecksumCalculation | None = None
    """Whether a CRC32 goes with each body that can be read ahead. None: to AWS over TLS only,
    since other vendors' servers may refuse what they do not know. boto3's words
    ``when_supported`` (everywhere) and ``when_required`` (nowhere) decide it for all hosts."""

    legacy_bucket_names: bool = False
    """Allow bucket names that today's rules forbid (capitals, underscores, up to 255 characters),
    for old buckets and for servers with laxer rules."""

    s3: InitVar[Mapping[str, str] | None] = None
    """boto3's ``s3={"addressing_style": …}``."""

    def __post_init__(self, s3: Mapping[str, str] | None) -> None:
        for name, value in (s3 or {}).items():
            if name != "addressing_style":
                raise ValueError(f"s3: unknown setting {name!r}; addressing_style is known")
            if self.addressing_style not in ("auto", value):
                raise ValueError(
                    f"addressing_style is given twice: {self.addressing_style!r} and {value!r}"
                )
            object.__setattr__(self, "addressing_style", value)
        if self.addressing_style not in get_args(AddressingStyle):
            raise ValueError(
                f"addressing_style must be auto, path or virtual, not {self.addressing_style!r}"
            )
        if self.signature_version not in ("s3v4", "v4"):
            raise ValueError(
                f"signature_version must be 's3v4', not {self.signature_version!r}: "
                "no other signature is supported"
            )
        if self.request_checksum_calculation not in (None, *get_args(ChecksumCalculation)):
            raise ValueError(
                "request_checksum_calculation must be when_supported, when_required or None, "
                f"not {self.request_checksum_calculation!r}"
            )
        if self.calculate_content_sha256 not in (None, True, False):
            raise ValueError(
                "calculate_content_sha256 must be True, False or None, "
                f"not {self.calculate_content_sha256!r}"
            )
        check_positive("max_attempts", self.max_attempts)
        for name in ("connect_timeout", "read_timeout", "write_timeout"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0 seconds, not {getattr(self, name)!r}")
        if self.expect_continue_from is not None and self.expect_continue_from < 0:
            raise ValueError(
                f"expect_continue_from must not be negative: {self.expect_continue_from!r}"
            )


def check_positive(name: str, value: object) -> int:
    """*value* as an int of at least 1, or an error that names the argument."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, not {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, not {value}")
    return value


def check_part_size(name: str, value: object) -> int:
    """*value* as a part size that S3 takes: 5 MiB to 5 GiB, in bytes."""
    size = check_positive(name, value)
    if not MIN_PART_SIZE <= size <= MAX_PART_SIZE:
        raise ValueError(
            f"{name} must be between 5 MiB ({MIN_PART_SIZE}) and 5 GiB ({MAX_PART_SIZE}), "
            f"not {size}"
        )
    return size
