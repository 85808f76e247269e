"""One decision: how the payload of a request is protected.

Over TLS the record layer protects the bytes on the way, so hashing them again buys nothing;
a checksum that S3 keeps with the object buys more, where the server knows it. Over plain HTTP
nothing else protects the payload, so its sha256 is signed, unless a user on a trusted network
says no.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

from typing import NamedTuple

from ..config import ChecksumCalculation
from ..request import REQUIRED
from . import checksums


class Protection(NamedTuple):
    """What is to be computed over a body before it is sent."""

    sign_sha256: bool
    """Sign the body's sha256; else ``UNSIGNED-PAYLOAD``."""
    checksum: str | None
    """The algorithm of the checksum to send, if one is."""


def protection(
    *,
    scheme: str,
    is_aws: bool,
    checksum: bool | str,
    calculate_sha256: bool | None,
    calculation: ChecksumCalculation | None,
) -> Protection:
    """The rule for a body sent over *scheme*.

    *checksum* says whether S3 takes one with this request at all, or which one has to go with it:
    where any will do, it is the MD5, which every server knows, unless checksums are wanted anyway.
    *calculate_sha256* and *calculation* are the caller's wishes; None leaves it to the rule.
    """
    tls = scheme == "https"
    wanted = is_aws and tls if calculation is None else calculation == "when_supported"
    algorithm: str | None
    if checksum == REQUIRED:
        algorithm = checksums.preferred() if wanted else "MD5"
    elif isinstance(checksum, str):
        algorithm = checksum
    else:
        algorithm = checksums.preferred() if checksum and wanted else None
    return Protection(
        sign_sha256=not tls if calculate_sha256 is None else calculate_sha256,
        checksum=algorithm,
    )
