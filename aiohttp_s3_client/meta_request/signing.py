"""How a meta request is signed: the words of awscrt, and what they come to here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import IntEnum
from typing import Any, NamedTuple, Protocol, TypedDict, Unpack

from ..models import CredentialsProvider
from ..protocol.auth import EXPRESS, SIGV4, SIGV4A
from .providers import Provider, credentials_of

logger = logging.getLogger(__name__)


class AwsSigningAlgorithm(IntEnum):
    """Which signature.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
    """

    V4 = 0
    V4_ASYMMETRIC = 1
    """SigV4a, for multi-region access points; needs the extra ``[sigv4a]``."""
    V4_S3EXPRESS = 2
    """SigV4 with the credentials of a directory bucket's session."""


class AwsSignatureType(IntEnum):
    """Where the signature goes."""

    HTTP_REQUEST_HEADERS = 0
    HTTP_REQUEST_QUERY_PARAMS = 1


class AwsSignedBodyHeaderType(IntEnum):
    """Whether ``x-amz-content-sha256`` is sent. S3 needs it, so that it always is."""

    NONE = 0
    X_AMZ_CONTENT_SHA_256 = 1


class AwsSignedBodyValue:
    """Values of ``AwsSigningConfig.signed_body_value``."""

    EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
    STREAMING_AWS4_HMAC_SHA256_PAYLOAD = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    STREAMING_AWS4_HMAC_SHA256_EVENTS = "STREAMING-AWS4-HMAC-SHA256-EVENTS"


class SigningChanges(TypedDict, total=False):
    """What ``AwsSigningConfig.replace`` may change."""

    credentials_provider: Provider | None
    region: str
    algorithm: AwsSigningAlgorithm
    signature_type: AwsSignatureType
    service: str
    date: datetime | None
    should_sign_header: Callable[..., bool] | None
    use_double_uri_encode: bool
    should_normalize_uri_path: bool
    signed_body_value: str | None
    signed_body_header_type: AwsSignedBodyHeaderType
    expiration_in_seconds: int | None
    omit_session_token: bool


@dataclass(frozen=True, slots=True)
class AwsSigningConfig:
    """How requests are signed, with awscrt's attributes and defaults.

    The client signs as S3 takes it, so that ``region``, ``service`` and ``credentials_provider``
    may be left out (they are the client's then), and refuses what it could not do as it is asked
    to: ``signing_of`` says which. As in awscrt's own client for S3, the time is always that of
    sending and the path is signed as it is sent, whatever ``date``, ``use_double_uri_encode`` and
    ``should_normalize_uri_path`` say: they are of its signer for any service.
    """

    algorithm: AwsSigningAlgorithm = AwsSigningAlgorithm.V4
    signature_type: AwsSignatureType = AwsSignatureType.HTTP_REQUEST_HEADERS
    credentials_provider: Provider | None = None
    region: str = ""
    """The region to sign for; with ``V4_ASYMMETRIC`` the set of them, such as ``*``."""
    service: str = ""
    """``s3`` unless it is said."""
    date: datetime | None = None
    should_sign_header: Callable[..., bool] | None = None
    use_double_uri_encode: bool = True
    should_normalize_uri_path: bool = True
    signed_body_value: str | None = None
    """``UNSIGNED-PAYLOAD`` leaves bodies out of the signature; ``EMPTY_SHA256`` and
    ``STREAMING_AWS4_HMAC_SHA256_PAYLOAD`` have what is sent signed. None is the client's own rule:
    a body's sha256 is signed over plain HTTP, where nothing else protects it."""
    signed_body_header_type: AwsSignedBodyHeaderType = AwsSignedBodyHeaderType.NONE
    expiration_in_seconds: int | None = None
    omit_session_token: bool = False

    def replace(self, **changes: Unpack[SigningChanges]) -> AwsSigningConfig:
        """A copy with these attributes changed."""
        return replace(self, **changes)


def create_default_s3_signing_config(
    *,
    region: str,
    credential_provider: Provider,
    **kwargs: object,
) -> AwsSigningConfig:
    """SigV4 in headers for S3 in *region*, bodies unsigned.

    *kwargs* are further attributes of the config. One that is unknown is of a newer version of
    awscrt: it has no effect, which is logged.
    """
    config = AwsSigningConfig(
        region=region,
        service="s3",
        credentials_provider=credential_provider,
        use_double_uri_encode=False,
        should_normalize_uri_path=False,
        signed_body_value=AwsSignedBodyValue.UNSIGNED_PAYLOAD,
        signed_body_header_type=AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256,
    )
    known = {field.name for field in fields(config)}
    for name in sorted(kwargs.keys() - known):
        logger.warning("create_default_s3_signing_config: %s is not known, and has no effect", name)
    attributes: dict[str, Any] = {name: kwargs[name] for name in kwargs.keys() & known}
    return replace(config, **attributes)


class SigningLike(Protocol):
    """What ``AwsSigningConfig`` and awscrt's own have in common."""

    @property
    def algorithm(self) -> int: ...
    @property
    def signature_type(self) -> int: ...
    @property
    def credentials_provider(self) -> Provider | None: ...
    @property
    def region(self) -> str: ...
    @property
    def service(self) -> str: ...
    @property
    def should_sign_header(self) -> object: ...
    @property
    def signed_body_value(self) -> str | None: ...
    @property
    def expiration_in_seconds(self) -> int | None: ...
    @property
    def omit_session_token(self) -> bool: ...


class Signing(NamedTuple):
    """What a config comes to. An empty ``region`` and no ``credentials`` are the client's own."""

    scheme: str
    """``protocol.auth``'s: ``sigv4``, ``sigv4a`` or ``sigv4-s3express``."""
    service: str
    region: str
    credentials: CredentialsProvider | None
    sha256: bool | None
    """Whether the body's sha256 is signed, as ``ClientConfig.calculate_content_sha256`` says it."""


_SCHEMES: dict[int, str] = {
    AwsSigningAlgorithm.V4: SIGV4,
    AwsSigningAlgorithm.V4_ASYMMETRIC: SIGV4A,
    AwsSigningAlgorithm.V4_S3EXPRESS: EXPRESS,
}
_SHA256: dict[str | None, bool | None] = {
    None: None,
    AwsSignedBodyValue.UNSIGNED_PAYLOAD: False,
    AwsSignedBodyValue.STREAMING_AWS4_HMAC_SHA256_PAYLOAD: True,
    # Said of requests without a body; one that there is all the same is signed as it is.
    AwsSignedBodyValue.EMPTY_SHA256: True,
}
_BODY_VALUES = ", ".join(value for value in _SHA256 if value)

_ELSEWHERE = "this client signs in headers"
_REFUSED: dict[str, tuple[object, str]] = {
    "signature_type": (AwsSignatureType.HTTP_REQUEST_HEADERS, _ELSEWHERE),
    "expiration_in_seconds": (None, _ELSEWHERE),
    "should_sign_header": (None, "the client decides which headers are signed"),
    "omit_session_token": (False, "S3 refuses temporary keys without their token"),
}
"""What only one value of makes sense here, and why."""


def signing_of(given: SigningLike) -> Signing:
    """What *given*, an ``AwsSigningConfig`` of this module or of awscrt, comes to.

    Raises ``ValueError`` or ``TypeError`` for what this client does not do: a signature in the
    query, an expiration, a choice of headers, no session token, and a ``signed_body_value`` that
    fixes what is found out for each request.
    """
    for name in ("algorithm", "region", "service", "signed_body_value", *_REFUSED):
        if not hasattr(given, name):
            raise TypeError(
                f"signing_config must be an AwsSigningConfig, not {type(given).__name__}"
            )
    for name, (only, reason) in _REFUSED.items():
        if (value := getattr(given, name)) != only:
            raise ValueError(f"signing_config: {name} must be {only!r}, not {value!r}: {reason}")
    if given.algorithm not in _SCHEMES:
        raise ValueError(
            f"signing_config: algorithm must be an AwsSigningAlgorithm, not {given.algorithm!r}"
        )
    for name in ("region", "service"):
        if not isinstance(value := getattr(given, name), str):
            raise TypeError(f"signing_config: {name} must be a str, not {value!r}")
    if given.signed_body_value not in _SHA256:
        raise ValueError(
            f"signing_config: signed_body_value must be None or one of {_BODY_VALUES}, "
            f"not {given.signed_body_value!r}: the body's digest is computed for each request"
        )
    provider = _provider(given)
    return Signing(
        _SCHEMES[given.algorithm],
        given.service or "s3",
        given.region,
        None if provider is None else credentials_of(provider),
        _SHA256[given.signed_body_value],
    )


def _provider(given: SigningLike) -> Provider | None:
    try:
        return given.credentials_provider
    except SystemError:
        # What awscrt's own raises when it has none.
        return None
