"""One decision: how the payload of a request is protected.

Over TLS the record layer protects the bytes on the way, so hashing them again buys nothing;
a CRC that S3 keeps with the object buys more, where the server knows it. Over plain HTTP nothing
else protects the payload, so its sha256 is signed, unless a user on a trusted network says no.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

from dataclasses import dataclass

from ..config import ChecksumCalculation


@dataclass(frozen=True, slots=True)
class Protection:
    """What is to be computed over a body before it is sent."""

    sign_sha256: bool
    """Sign the body's sha256; else ``UNSIGNED-PAYLOAD``."""
    crc32: bool
    """Send ``x-amz-checksum-crc32``."""


def protection(
    *,
    scheme: str,
    is_aws: bool,
    checksum_fits: bool,
    calculate_sha256: bool | None,
    checksums: ChecksumCalculation | None,
) -> Protection:
    """The rule for a body sent over *scheme*.

    *checksum_fits* says whether S3 takes a checksum with this request at all.
    *calculate_sha256* and *checksums* are the caller's wishes; None leaves it to the rule.
    """
    tls = scheme == "https"
    wanted = is_aws and tls if checksums is None else checksums == "when_supported"
    return Protection(
        sign_sha256=not tls if calculate_sha256 is None else calculate_sha256,
        crc32=wanted and checksum_fits,
    )
