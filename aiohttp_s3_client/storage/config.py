"""The settings of a storage, and the engine that is made of them."""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path

from ..config import MAX_PRESIGN_SECONDS, ClientConfig
from ..credentials import MetadataCredentials, collect_credentials, merge_credentials
from ..engine import Engine
from ..errors import ConfigurationError
from ..models import CredentialsProvider
from ..protocol.bucket_names import check_bucket_name
from ..transport.shielding import threaded
from .failures import check_between
from .keys import Keys

_SECRETS = ("secret_access_key", "session_token")
_is_region = re.compile(r"[A-Za-z0-9_-]+").fullmatch


@dataclass
class S3Config:
    """Where a storage is and how it is reached. ``S3Storage`` checks it. No secret is in the repr.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html
    """

    bucket: str
    region: str | None = None
    """What requests are signed for: ``"us-east-1"``. None: what comes with the credentials."""

    endpoint_url: str | None = None
    """Of a server other than AWS: ``"https://nyc3.digitaloceanspaces.com"``."""

    access_key_id: str | None = None
    secret_access_key: str | None = None
    """Without the two: the environment, the shared files, the role of the EC2 instance."""

    session_token: str | None = None
    prefix: str = ""
    """What all keys in the bucket begin with; ``"uploads"`` and ``"uploads/"`` are the same."""

    presigned_expiry: timedelta = field(default_factory=lambda: timedelta(hours=1))
    """How long ``url`` lasts by default: 1 second to 7 days."""

    use_ssl: bool = True
    """Whether TLS is used, where ``endpoint_url`` does not say so by its ``http(s)://``."""

    verify_ssl: bool | str | os.PathLike[str] | ssl.SSLContext = True
    """False believes any server. A path: a file of certificates of authorities to trust (PEM), or
    a directory of such."""

    max_pool_connections: int = 10

    def __repr__(self) -> str:
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        for name in _SECRETS:
            values[name] = "***" if values[name] else values[name]
        if isinstance(self.endpoint_url, str) and "@" in self.endpoint_url:
            values["endpoint_url"] = f"***@{self.endpoint_url.rpartition('@')[2]}"
        return f"S3Config({', '.join(f'{name}={value!r}' for name, value in values.items())})"


def checked_keys(config: S3Config) -> Keys:
    """The keys of the storage, once everything else in *config* is found to work.

    Raises ``ConfigurationError``, which names the field and shows its value unless it is secret.
    """
    if not isinstance(config, S3Config):
        raise ConfigurationError(f"config must be an S3Config, not {type(config).__name__}")
    _check_bucket(config.bucket)
    for name in ("region", "endpoint_url", "access_key_id", *_SECRETS):
        if not isinstance(value := getattr(config, name), str | None):
            raise ConfigurationError(f"{name} must be a str or None, not {type(value).__name__}")
    if config.region and not _is_region(config.region):
        raise ConfigurationError(f"region: {config.region!r} is not the name of a region")
    _check_pair(config)
    if not is_expiry(config.presigned_expiry):
        raise ConfigurationError(
            "presigned_expiry must be a timedelta of 1 second to 7 days, "
            f"not {config.presigned_expiry!r}"
        )
    if not isinstance(config.use_ssl, bool):
        raise ConfigurationError(f"use_ssl must be True or False, not {config.use_ssl!r}")
    if not isinstance(config.verify_ssl, bool | str | os.PathLike | ssl.SSLContext):
        raise ConfigurationError(
            "verify_ssl must be True, False, a path or an ssl.SSLContext, "
            f"not {config.verify_ssl!r}"
        )
    try:
        check_between("max_pool_connections", config.max_pool_connections, 1)
        return Keys.below(config.prefix)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(str(error)) from None


def is_expiry(time: object) -> bool:
    """Whether it is a ``timedelta`` for which a presigned URL may last."""
    return isinstance(time, timedelta) and 1 <= time.total_seconds() <= MAX_PRESIGN_SECONDS


def engine_of(config: S3Config) -> Engine:
    """The engine of a storage with these settings, which were checked. Does no input or output."""
    url = _url(config)
    try:
        engine = Engine(
            session=None,
            url=url,
            credentials=_credentials(config),
            region=config.region or "",
            bucket=config.bucket,
            # Buckets of the older rules are in use, and other servers take more names.
            config=ClientConfig(legacy_bucket_names=True),
        )
    except ValueError as error:
        raise ConfigurationError(f"endpoint_url: {error}") from None
    if url is None:  # AWS, of a region that may come with the credentials.
        engine.endpoint = engine.endpoint.with_scheme(_scheme(config))
    if engine.endpoint.key_prefix:
        raise ConfigurationError(
            f"endpoint_url: {url!r} goes on behind the bucket; that is what prefix is for"
        )
    return engine


async def trust_of(config: S3Config) -> ssl.SSLContext | bool:
    """What servers are checked by; a file is read in a thread."""
    given = config.verify_ssl
    if isinstance(given, bool | ssl.SSLContext):
        return given
    path = Path(given)

    def load() -> ssl.SSLContext:
        if path.is_dir():
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)

    try:
        return await threaded(load)
    except (OSError, ValueError) as error:  # Also of a file without certificates.
        raise ConfigurationError(f"verify_ssl: {str(path)!r} cannot be loaded: {error}") from error


def _check_bucket(bucket: object) -> None:
    if not isinstance(bucket, str) or not bucket:
        raise ConfigurationError(f"bucket must be the name of a bucket, not {bucket!r}")
    try:
        check_bucket_name(bucket, legacy=True)
    except ValueError:
        raise ConfigurationError(
            f"bucket: {bucket!r} is no bucket's name, which has letters, digits, dots and hyphens"
        ) from None


def _check_pair(config: S3Config) -> None:
    key, secret = bool(config.access_key_id), bool(config.secret_access_key)
    if key != secret:
        has, lacks = ("access_key_id", "secret_access_key")[:: 1 if key else -1]
        raise ConfigurationError(f"{lacks} is missing, and {has} is given: both, or neither")
    if config.session_token and not key:
        raise ConfigurationError("access_key_id is missing, and session_token is given")


def _url(config: S3Config) -> str | None:
    given = config.endpoint_url
    if given is None:
        return None
    if "@" in given:
        raise ConfigurationError("endpoint_url holds keys: give access_key_id and its secret")
    return given if "://" in given else f"{_scheme(config)}://{given}"


def _scheme(config: S3Config) -> str:
    return "https" if config.use_ssl else "http"


def _credentials(config: S3Config) -> CredentialsProvider:
    try:
        chain = collect_credentials(
            access_key_id=config.access_key_id,
            secret_access_key=config.secret_access_key,
            session_token=config.session_token,
            region=config.region,
        )
    except ValueError as error:
        raise ConfigurationError(f"access_key_id: {error}") from None
    if config.access_key_id:
        return chain
    return merge_credentials(chain, MetadataCredentials(region=config.region or ""))
