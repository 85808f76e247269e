"""One decision: how the payload of a request is protected.

Over TLS the record layer protects the bytes on the way, so hashing them again buys nothing;
a checksum that S3 keeps with the object buys more, where the server knows it. Over plain HTTP
nothing else protects the payload, so its sha256 is signed, unless a user on a trusted network
says no. A body that cannot be read ahead has its checksum after it, and its chunks signed in the
place of the whole (``aws_chunked.py``), where the server is known to take that framing out again::

    to                       can be read ahead          a stream
    AWS, https               a checksum in a header     an unsigned trailer
    AWS, http                sha256                     signed chunks
    other servers, https     nothing                    nothing
    other servers, http      sha256                     nothing
    a checksum is asked for  in a header                an unsigned trailer (AWS, http: signed)
    a trailer is asked for   https: an unsigned trailer; http: signed chunks, a signed trailer

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

from typing import NamedTuple

from ..config import ChecksumAlgorithm, ChecksumCalculation, ChecksumConfig
from ..request import REQUIRED
from . import checksums
from .auth import SIGV4, SIGV4A
from .checksums import CONTENT_MD5, of_settings

FRAMED = frozenset({"PutObject", "PutObjectAnnotation", "UploadPart"})
"""The operations that take ``aws-chunked`` bodies."""


class Protection(NamedTuple):
    """What is to be computed over a body, and when."""

    sign_sha256: bool
    """Sign the sha256 of the whole body, which is read for it before it is sent."""
    checksum: str | None
    """The algorithm of the checksum to send, if one is."""
    trailer: bool = False
    """Send the checksum after the body and not before it."""
    sign_chunks: bool = False
    """Sign the body chunk by chunk while it is sent, and the trailer, if there is one."""

    @property
    def digests(self) -> tuple[str, ...]:
        """The algorithms whose digests are needed before the body is sent."""
        before = None if self.trailer else self.checksum
        if not self.sign_sha256 or before == "SHA256":
            return () if before is None else (before,)
        return ("SHA256",) if before is None else ("SHA256", before)


class Wish(NamedTuple):
    """What a call says of the checksum of its body, in a ``Request``'s words."""

    checksum: bool | str = True
    trailer: bool | None = None


def wish_of(checksum: bool | ChecksumAlgorithm | ChecksumConfig | None) -> Wish:
    """*checksum* of a call; None and True leave it to the client's settings."""
    if isinstance(checksum, ChecksumConfig):
        location = checksum.location
        return Wish(
            of_settings(checksum.algorithm) if checksum.algorithm else checksums.preferred(),
            None if location is None else location == "trailer",
        )
    if isinstance(checksum, str):
        return Wish(of_settings(checksum))
    return Wish(True if checksum is None else checksum)


def protection(
    *,
    scheme: str,
    is_aws: bool,
    checksum: bool | str,
    calculate_sha256: bool | None,
    calculation: ChecksumCalculation | None,
    settings: ChecksumConfig | None = None,
    trailer: bool | None = None,
    auth: str | None = SIGV4,
    directory: bool = False,
    read_ahead: bool = True,
    may_frame: bool = True,
) -> Protection:
    """The rule for a body sent over *scheme*.

    *checksum* says whether S3 takes one with this request at all, or which one has to go with it:
    where any will do, it is the MD5, which every server knows, unless checksums are wanted anyway.
    *trailer* says where it goes. *calculate_sha256*, *calculation* and *settings* are the client's
    wishes; None leaves it to the rule. *auth* is the scheme of the signature (None: anonymous),
    *directory* whether it is about a directory bucket (S3 Express), which takes no MD5 and for
    which CRC32 is the usual one, *read_ahead* whether the body can be read before it is sent,
    *may_frame* whether the request takes a framed one.

    Raises ``ValueError`` where a wish cannot be had: a header, or MD5, for a body that comes once,
    and chunks signed by SigV4a.
    """
    tls = scheme == "https"
    signs = not tls if calculate_sha256 is None else calculate_sha256
    algorithm = _algorithm(
        checksum, calculation, settings, default=is_aws and tls, directory=directory
    )
    if trailer is None and settings is not None and settings.location is not None:
        trailer = settings.location == "trailer"
    if not may_frame:
        if not read_ahead:
            return Protection(sign_sha256=False, checksum=None)
        return Protection(signs and auth is not None, algorithm)
    in_header = trailer is False or algorithm == CONTENT_MD5
    if algorithm is not None and in_header and not read_ahead:
        raise ValueError(
            f"checksum: {algorithm} cannot go in a header, since the data is a stream that comes "
            "only once; let one that is no MD5 go in the trailer"
        )
    follows = algorithm not in (None, CONTENT_MD5) and (trailer is True or not read_ahead)
    # Not every vendor's server takes signed chunks apart: rclone, which knows the unsigned trailer,
    # stores them as they come. There streams stay unsigned, unless somebody says otherwise.
    known = is_aws or trailer is True or calculate_sha256 is True
    chunks = signs and auth is not None and known and (follows or (not read_ahead and is_aws))
    if chunks and auth == SIGV4A:
        if not tls:
            raise ValueError(
                "SigV4a signs no body chunk by chunk, which over plain HTTP this one would need: "
                "use https, or say calculate_content_sha256=False"
            )
        chunks = False
    return Protection(
        sign_sha256=signs and auth is not None and read_ahead and not follows,
        checksum=algorithm,
        trailer=follows,
        sign_chunks=chunks,
    )


def _algorithm(
    checksum: bool | str,
    calculation: ChecksumCalculation | None,
    settings: ChecksumConfig | None,
    *,
    default: bool,
    directory: bool,
) -> str | None:
    chosen = of_settings(settings.algorithm) if settings and settings.algorithm else None
    wanted = default or settings is not None
    if calculation is not None:
        wanted = calculation == "when_supported"
    usual = "CRC32" if directory else checksums.preferred()
    if checksum == REQUIRED:
        return chosen or (usual if wanted or directory else CONTENT_MD5)
    if isinstance(checksum, str):
        return checksum
    return (chosen or usual) if checksum and wanted else None
