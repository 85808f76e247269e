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
ChecksumAlgorithm = Literal[
    "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", "MD5",
    "XXHASH64", "XXHASH3", "XXHASH128",
]  # fmt: skip
ChecksumLocation = Literal["header", "trailer"]
TransferClient = Literal["auto", "classic", "crt"]


def plain_paths_only() -> bool:
    """Whether ``AIOS3_PLAIN=1`` switches every fast path off (for tests and for doubts)."""
    return os.environ.get("AIOS3_PLAIN", "") not in ("", "0")


@dataclass(frozen=True)
class ChecksumConfig:
    """Which checksum goes with a body, where it goes, and whether answers are held to theirs.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
    """

    algorithm: ChecksumAlgorithm | None = None
    """None: CRC64NVME where that is fast here, else CRC32."""

    location: ChecksumLocation | None = None
    """``header``: computed first, so the body is read twice. ``trailer``: computed on the way and
    sent after the body, in S3's ``aws-chunked`` framing, which not every vendor's server takes out
    again. None: in a header where the body can be read ahead, else in the trailer. Documents and
    empty bodies always have it in a header."""

    validate_response: bool = True
    """Whether what is received is held to the checksum that the server offers."""

    def __post_init__(self) -> None:
        known = get_args(ChecksumAlgorithm)
        if self.algorithm is not None and self.algorithm not in known:
            raise ValueError(
                f"algorithm must be None or one of {', '.join(known)}, not {self.algorithm!r}"
            )
        if self.location not in (None, *get_args(ChecksumLocation)):
            raise ValueError(f"location must be header, trailer or None, not {self.location!r}")
        if self.algorithm == "MD5" and self.location == "trailer":
            raise ValueError("location must not be 'trailer' for MD5, which goes in a header only")
        if not isinstance(self.validate_response, bool):
            raise TypeError(
                f"validate_response must be True or False, not {self.validate_response!r}"
            )


_SWITCHES = (
    "use_fips_endpoint",
    "use_dualstack_endpoint",
    "use_accelerate_endpoint",
    "use_global_endpoint",
    "use_arn_region",
    "disable_multiregion_access_points",
    "enable_s3express",
    "disable_s3express_session_auth",
)
_BOTO3_NAMES = {
    "addressing_style": "addressing_style",
    "use_accelerate_endpoint": "use_accelerate_endpoint",
    "use_dualstack_endpoint": "use_dualstack_endpoint",
    "use_arn_region": "use_arn_region",
    "us_east_1_regional_endpoint": "use_global_endpoint",
    "payload_signing_enabled": "calculate_content_sha256",
    "s3_disable_multiregion_access_points": "disable_multiregion_access_points",
    "disable_s3_express_session_auth": "disable_s3express_session_auth",
}
"""What boto3's ``s3={…}`` takes, and what it is called here."""


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

    checksum: ChecksumConfig | None = None
    """The checksum that goes with bodies where a call says nothing of its own. None: a CRC
    (CRC64NVME where that is fast, else CRC32), and that only where
    ``request_checksum_calculation`` has one sent."""

    request_checksum_calculation: ChecksumCalculation | None = None
    """Whether a checksum goes with each body. None: to AWS over TLS only, since other vendors'
    servers may refuse what they do not know; with a ``checksum`` to every host. boto3's words
    ``when_supported`` (everywhere) and ``when_required`` (only where S3 takes no request without)
    decide it for all hosts. A call that names an algorithm gets it in any case."""

    response_checksum_validation: ChecksumCalculation | None = None
    """Whether what is received is held to the checksum that the server offers: boto3's words
    ``when_supported`` (as None, always) and ``when_required`` (where a call asks for it)."""

    legacy_bucket_names: bool = False
    """Allow bucket names that today's rules forbid (capitals, underscores, up to 255 characters),
    for old buckets and for servers with laxer rules."""

    use_fips_endpoint: bool = False
    """AWS's hosts whose cryptography is validated by FIPS 140.
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html"""

    use_dualstack_endpoint: bool = False
    """AWS's hosts that are reached over IPv6 too.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/dual-stack-endpoints.html"""

    use_accelerate_endpoint: bool = False
    """The host of transfer acceleration, for buckets that have it.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/transfer-acceleration.html"""

    use_global_endpoint: bool = False
    """``s3.amazonaws.com`` for us-east-1.
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-s3-regional-endpoint.html"""

    use_arn_region: bool = True
    """Whether the ARN of an access point may name another region than the client's.
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-s3-access-point.html"""

    disable_multiregion_access_points: bool = False
    """Refuse the ARNs of multi-region access points.
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-s3-mrap.html"""

    enable_s3express: bool = True
    """Whether ``…--use1-az4--x-s3`` is a directory bucket (S3 Express One Zone), which has hosts
    and a signature of its own. False: a bucket as any other.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-endpoints.html"""

    disable_s3express_session_auth: bool = False
    """Sign each request to a directory bucket with the client's own credentials, and not with those
    of a session. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateSession.html"""

    s3: InitVar[Mapping[str, object] | None] = None
    """boto3's ``s3={"addressing_style": …}``: settings of above under boto3's names, with
    ``us_east_1_regional_endpoint`` (``legacy`` or ``regional``) and ``payload_signing_enabled``."""

    def __post_init__(self, s3: Mapping[str, object] | None) -> None:
        for name, value in (s3 or {}).items():
            self._take(name, value)
        if self.addressing_style not in get_args(AddressingStyle):
            raise ValueError(
                f"addressing_style must be auto, path or virtual, not {self.addressing_style!r}"
            )
        if self.signature_version not in ("s3v4", "v4"):
            raise ValueError(
                f"signature_version must be 's3v4', not {self.signature_version!r}: "
                "no other signature is supported"
            )
        self._check_integrity()
        check_positive("max_attempts", self.max_attempts)
        for name in ("connect_timeout", "read_timeout", "write_timeout"):
            seconds = getattr(self, name)
            if isinstance(seconds, bool) or not isinstance(seconds, int | float):
                raise TypeError(f"{name} must be a number of seconds, not {seconds!r}")
            if not seconds > 0:
                raise ValueError(f"{name} must be above 0 seconds, not {seconds!r}")
        if self.expect_continue_from is not None:
            check_not_negative("expect_continue_from", self.expect_continue_from)
        for name in ("legacy_bucket_names", *_SWITCHES):
            if not isinstance(value := getattr(self, name), bool):
                raise TypeError(f"{name} must be True or False, not {value!r}")

    def _take(self, given: str, value: object) -> None:
        """One of boto3's settings for S3."""
        name = _BOTO3_NAMES.get(given)
        if name is None:
            raise ValueError(f"s3: unknown setting {given!r}; known: {', '.join(_BOTO3_NAMES)}")
        if given == "us_east_1_regional_endpoint":
            if value not in ("legacy", "regional"):
                raise ValueError(f"s3: {given} must be legacy or regional, not {value!r}")
            value = value == "legacy"
        elif given == "payload_signing_enabled" and value is False:
            value = None
        current, default = getattr(self, name), getattr(type(self), name)
        if current not in (default, value):
            raise ValueError(f"{name} is given twice: {current!r} and s3={{{given!r}: {value!r}}}")
        object.__setattr__(self, name, value)

    def _check_integrity(self) -> None:
        for name in ("request_checksum_calculation", "response_checksum_validation"):
            if (word := getattr(self, name)) not in (None, *get_args(ChecksumCalculation)):
                raise ValueError(
                    f"{name} must be when_supported, when_required or None, not {word!r}"
                )
        if not isinstance(self.checksum, ChecksumConfig | None):
            raise TypeError(f"checksum must be a ChecksumConfig or None, not {self.checksum!r}")
        if self.calculate_content_sha256 not in (None, True, False):
            raise ValueError(
                "calculate_content_sha256 must be True, False or None, "
                f"not {self.calculate_content_sha256!r}"
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

    checksum: bool | ChecksumAlgorithm | ChecksumConfig | None = None
    """None: uploads carry what ``ClientConfig`` says, and downloads are held to whatever checksum
    the server offers of the object or its parts. False: neither. True: as None, and downloads are
    held to an MD5 ETag too, whatever their size. An algorithm's name: uploads carry that one, and
    downloads are as with True. A ``ChecksumConfig``: uploads as it says, downloads as with None or,
    by ``validate_response=False``, False."""

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
        check_checksum("checksum", self.checksum)
        least = max(self.multipart_chunksize, MIN_PART_SIZE)
        if self.memory_limit is not None and self.memory_limit < least:
            raise ValueError(
                f"memory_limit must hold one part, which is {least} bytes, not {self.memory_limit}"
            )


def check_checksum(name: str, value: object) -> None:
    """Raise ``ValueError`` for what says nothing of a checksum."""
    if value is None or isinstance(value, bool | ChecksumConfig):
        return
    if value not in (known := get_args(ChecksumAlgorithm)):
        raise ValueError(
            f"{name} must be True, False, None, a ChecksumConfig or one of {', '.join(known)}, "
            f"not {value!r}"
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
