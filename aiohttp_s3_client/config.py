"""What a client is told once, what a transfer is told, and S3's own limits.

Limits: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import KW_ONLY, InitVar, dataclass
from typing import Literal, get_args

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

MIN_PART_SIZE = 5 * MIB
MAX_PART_SIZE = 5 * GIB
MAX_PARTS = 10_000
MAX_OBJECT_SIZE = MAX_PARTS * MAX_PART_SIZE
"""What S3 calls 50 TB, or 48.8 TiB: as many of the largest parts as an upload may have."""
PARTS_ADVISED_FROM = 100 * MIB
"""S3's own advice, for calls by whose names one request is expected. Managed transfers begin with
parts earlier. https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html"""
DEFAULT_PART_SIZE = 8 * MIB
DEFAULT_WORKERS = 8
"""Parts or ranges in flight. One connection rarely fills a link; past eight little is gained."""

MAX_PRESIGN_SECONDS = 604_800
DEFAULT_REGION = "us-east-1"

AddressingStyle = Literal["auto", "path", "virtual"]
ChecksumCalculation = Literal["when_supported", "when_required"]
ChecksumAlgorithm = Literal["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "MD5"]
TransferClient = Literal["auto", "classic", "crt"]


def plain_paths_only() -> bool:
    """Whether ``AIOS3_PLAIN=1`` switches every fast path off (for tests and for doubts)."""
    return os.environ.get("AIOS3_PLAIN", "") not in ("", "0")


@dataclass(frozen=True, kw_only=True)
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
    """Whether a CRC (CRC64NVME where that is fast, else CRC32) goes with each body that can be read
    ahead. None: to AWS over TLS only, since other vendors' servers may refuse what they do not
    know. boto3's words ``when_supported`` (everywhere) and ``when_required`` (nowhere) decide it
    for all hosts."""

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
            seconds = getattr(self, name)
            if isinstance(seconds, bool) or not isinstance(seconds, int | float):
                raise TypeError(f"{name} must be a number of seconds, not {seconds!r}")
            if not seconds > 0:
                raise ValueError(f"{name} must be above 0 seconds, not {seconds!r}")
        if self.expect_continue_from is not None:
            check_not_negative("expect_continue_from", self.expect_continue_from)
        if not isinstance(self.legacy_bucket_names, bool):
            raise TypeError(
                f"legacy_bucket_names must be True or False, not {self.legacy_bucket_names!r}"
            )


@dataclass(frozen=True)
class TransferConfig:
    """How objects are moved: boto3's settings in boto3's order, and four more by keyword.

    Sizes are in bytes. Make a changed copy with ``dataclasses.replace``.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
    """

    multipart_threshold: int = 8 * MIB
    """An object of this size or more goes in parts (or is fetched in ranges)."""

    max_concurrency: int = 10
    """Parts in flight at most."""

    multipart_chunksize: int = 8 * MIB
    """The size of a part. S3 takes 5 MiB to 5 GiB and 10,000 parts, so uploads and copies raise
    (or lower) it to what fits; see ``part_size_for``. Ranges of a download have no such limits."""

    num_download_attempts: int = 5
    """How often a range is asked for without one new byte arriving, the first time included."""

    max_io_queue: int = 100
    """Chunks that were read from a connection and may wait to be written."""

    io_chunksize: int = 256 * KIB
    """The largest chunk that is read or written in one go."""

    use_threads: bool = True
    """False: no helper thread and one request in flight, whatever ``max_concurrency`` says. The
    event loop then waits for the disk and for hashing."""

    max_bandwidth: int | None = None
    """Bytes a second that a transfer takes at most; None is no limit."""

    preferred_transfer_client: TransferClient = "auto"
    """``auto``: the fastest way that the system offers. ``classic``: bodies go by aiohttp's public
    interface alone. ``crt`` is taken as ``auto``: what the CRT is to boto3, this engine does
    itself."""

    _: KW_ONLY

    memory_limit: int | None = None
    """Bytes of the object that a transfer may hold at a time; None leaves it to the number and
    the size of its parts. At least one part, and an upload's part is at least 5 MiB."""

    checksum: bool | ChecksumAlgorithm | None = None
    """None: uploads carry what ``ClientConfig.request_checksum_calculation`` says, and downloads
    are held to whatever checksum the server offers of the object or its parts. False: neither.
    True: as None, and downloads are held to an MD5 ETag too, whatever their size. An algorithm's
    name: uploads carry that one, and downloads are as with True."""

    resume: bool = False
    """Keep a journal beside the file, and go on where an earlier run of the same transfer ended."""

    fsync: bool = False
    """Have a download's bytes on the disk, and not in the system's cache alone, when it ends."""

    @property
    def max_request_concurrency(self) -> int:
        """s3transfer's name of ``max_concurrency``."""
        return self.max_concurrency

    @property
    def max_io_queue_size(self) -> int:
        """s3transfer's name of ``max_io_queue``."""
        return self.max_io_queue

    @property
    def workers(self) -> int:
        """Requests in flight: ``max_concurrency``, or 1 without threads."""
        return self.max_concurrency if self.use_threads else 1

    def part_size_for(self, size: int | None) -> int:
        """Bytes of each part but the last when *size* bytes are uploaded; None is not known yet.

        ``multipart_chunksize``, moved to within S3's limits, and grown by whole MiB until
        10,000 parts hold the object.

        Raises ``ValueError`` for an object larger than S3 takes (50,000 GiB, "50 TB").
        """
        part_size = min(max(self.multipart_chunksize, MIN_PART_SIZE), MAX_PART_SIZE)
        if size is None:
            return part_size
        if not 0 <= size <= MAX_OBJECT_SIZE:
            raise ValueError(
                f"size must be between 0 and {MAX_OBJECT_SIZE} bytes, which is the largest "
                f"object that S3 takes, not {size}"
            )
        return max(part_size, -(-size // (MAX_PARTS * MIB)) * MIB)

    def __post_init__(self) -> None:
        for name in (
            "multipart_threshold",
            "max_concurrency",
            "multipart_chunksize",
            "num_download_attempts",
            "max_io_queue",
            "io_chunksize",
        ):
            check_positive(name, getattr(self, name))
        for name in ("max_bandwidth", "memory_limit"):
            if getattr(self, name) is not None:
                check_positive(name, getattr(self, name))
        for name in ("use_threads", "resume", "fsync"):
            if not isinstance(value := getattr(self, name), bool):
                raise TypeError(f"{name} must be True or False, not {value!r}")
        # Upper case passes too: boto3 does not mind it.
        client = str(self.preferred_transfer_client).lower()
        if client not in get_args(TransferClient):
            raise ValueError(
                "preferred_transfer_client must be auto, classic or crt, "
                f"not {self.preferred_transfer_client!r}"
            )
        object.__setattr__(self, "preferred_transfer_client", client)
        known = get_args(ChecksumAlgorithm)
        if not isinstance(self.checksum, bool | None) and self.checksum not in known:
            raise ValueError(
                f"checksum must be True, False, None or one of {', '.join(known)}, "
                f"not {self.checksum!r}"
            )
        least = max(self.multipart_chunksize, MIN_PART_SIZE)
        if self.memory_limit is not None and self.memory_limit < least:
            raise ValueError(
                f"memory_limit must hold one part, which is {least} bytes, not {self.memory_limit}"
            )


def check_int(name: str, value: object) -> int:
    """*value* as an int, or an error that names the argument."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, not {value!r}")
    return value


def check_positive(name: str, value: object) -> int:
    """*value* as an int of at least 1, or an error that names the argument."""
    if (number := check_int(name, value)) < 1:
        raise ValueError(f"{name} must be at least 1, not {number}")
    return number


def check_not_negative(name: str, value: object) -> int:
    """*value* as an int of at least 0, or an error that names the argument."""
    if (number := check_int(name, value)) < 0:
        raise ValueError(f"{name} must not be negative: {number}")
    return number


def check_part_size(name: str, value: object) -> int:
    """*value* as a part size that S3 takes: 5 MiB to 5 GiB, in bytes."""
    size = check_positive(name, value)
    if not MIN_PART_SIZE <= size <= MAX_PART_SIZE:
        raise ValueError(
            f"{name} must be between 5 MiB ({MIN_PART_SIZE}) and 5 GiB ({MAX_PART_SIZE}), "
            f"not {size}"
        )
    return size
