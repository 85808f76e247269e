"""AWS Signature Version 4a: one signature that is good in several regions.

What is signed is SigV4's, but that the region leaves the scope and the regions for which the
signature is good are a header (or a query's field) of their own. It is signed by ECDSA over
P-256 instead of an HMAC, with a private key that both sides derive from the secret; the server
keeps the public one. S3 wants it for multi-region access points, whose region is ``*``.

The curve comes from the ``cryptography`` package, the extra ``[sigv4a]``. The first signer of a
process imports it, which takes some 40 ms and reads files, so an event loop leaves that to a
thread. A signature takes about 30 µs; two of the same text differ.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiRegionAccessPointRequests.html
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from datetime import datetime
from hmac import digest as hmac_digest
from types import ModuleType
from typing import ClassVar, NoReturn

from .canonical import ECDSA_ALGORITHM
from .encoding import quote_query
from .sigv4 import SigningKey, SigV4Signer

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve's group: private keys are the numbers from 1 to one less."""
_LAST_COUNTER = 254
_BITS = (256).to_bytes(4, "big")
_REGION_SET = "x-amz-region-set"

_is_region = re.compile(r"\*|[A-Za-z0-9-]+\*?").fullmatch


class SigV4aSigner(SigV4Signer):
    """Signs with one set of credentials for a set of regions, as ``SigV4Signer`` does for one.

    *region* is the set: ``*`` for every region, or names such as ``us-east-1,eu-*``, joined by
    commas without spaces. Each signature is new, so a link presigned twice is two links.

    The key is derived here, once for all days; see the module's text for what the first signer of
    a process costs. Raises ``ImportError`` without the ``cryptography`` package, otherwise as
    ``SigV4Signer`` does.
    """

    __slots__ = ("_key",)
    algorithm: ClassVar[str] = ECDSA_ALGORITHM

    def __init__(
        self,
        access_key_id: str,
        secret_access_key: str,
        session_token: str | None = None,
        *,
        region: str = "*",
        service: str = "s3",
    ) -> None:
        super().__init__(
            access_key_id, secret_access_key, session_token, region=region, service=service
        )
        self._own_headers = {_REGION_SET: region, **self._own_headers}
        self._own_query = f"&X-Amz-Region-Set={quote_query(region)}{self._own_query}"
        self._key = _EcdsaKey(private_value(access_key_id, secret_access_key))

    def sign_chunk(
        self, previous_signature: str, chunk_sha256: str, now: datetime | None = None
    ) -> NoReturn:
        """Refused: a body sent over TLS needs no signed chunks, and SigV4a's have another form."""
        raise ValueError("SigV4a signs no chunks here: leave the body unsigned")

    def sign_trailer(
        self, previous_signature: str, trailer_sha256: str, now: datetime | None = None
    ) -> NoReturn:
        """Refused, as ``sign_chunk`` is. An unsigned body may have an unsigned trailer."""
        raise ValueError("SigV4a signs no trailers here: leave the body unsigned")

    def form_fields(self, now: datetime | None = None) -> NoReturn:
        """Refused: S3 knows no form that is signed so."""
        raise ValueError(
            "SigV4a signs no forms: post to a bucket or to an access point of one region"
        )

    def _check_region(self, region: str) -> None:
        if not isinstance(region, str):
            raise TypeError(f"region must be a str, not {type(region).__name__}")
        if not all(map(_is_region, region.split(","))):
            raise ValueError(
                "region must be '*' or names of regions, which may end with '*', "
                f"joined by commas, not {region!r}"
            )

    def _scope(self, date: str) -> str:
        return f"{date}/{self.service}/aws4_request"

    def _signing_key(self, scope: str) -> SigningKey:
        return self._key


def private_value(access_key_id: str, secret_access_key: str, order: int = P256_ORDER) -> int:
    """The number that is the private key of these credentials.

    NIST SP 800-108's key derivation in counter mode, with HMAC-SHA256, is tried with one counter
    after the other until its 256 bits fit below *order*; nearly always the first do. Raises
    ``ValueError`` after 254 that did not.
    """
    secret = f"AWS4A{secret_access_key}".encode()
    label = f"{ECDSA_ALGORITHM}\0{access_key_id}".encode()
    for counter in range(1, _LAST_COUNTER + 1):
        text = b"\0\0\0\1" + label + bytes([counter]) + _BITS
        candidate = int.from_bytes(hmac_digest(secret, text, "sha256"), "big")
        if candidate <= order - 2:
            return candidate + 1
    raise ValueError("no private key of SigV4a can be derived from these credentials")


class _EcdsaKey:
    """ECDSA over P-256 with SHA-256."""

    __slots__ = ("_ecdsa", "_sign")

    def __init__(self, value: int) -> None:
        ec, hashes = _cryptography()
        self._ecdsa: object = ec.ECDSA(hashes.SHA256())
        self._sign: Callable[[bytes, object], bytes]
        self._sign = ec.derive_private_key(value, ec.SECP256R1()).sign

    def signature(self, text: str, /) -> str:
        return self._sign(text.encode(), self._ecdsa).hex()


def _cryptography() -> tuple[ModuleType, ModuleType]:
    try:
        return (
            importlib.import_module("cryptography.hazmat.primitives.asymmetric.ec"),
            importlib.import_module("cryptography.hazmat.primitives.hashes"),
        )
    except ModuleNotFoundError:
        raise ImportError(
            "SigV4a needs the cryptography package: pip install 'aiohttp-s3-client[sigv4a]'"
        ) from None
