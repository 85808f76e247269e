"""Arguments under boto3's names: ``Filename``, ``ExtraArgs``, ``ExpiresIn``, …

https://boto3.amazonaws.com/v1/documentation/api/latest/reference/customizations/s3.html
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, cast

from .config import TransferConfig

if TYPE_CHECKING:
    from datetime import timedelta

    from .protocol.post_policy import Condition

ExtraArgs = Mapping[str, Any]
Callback = Callable[[int], object]

_BOTO_NAMES = {
    "Bucket": "bucket",
    "Callback": "callback",
    "ClientMethod": "client_method",
    "Conditions": "conditions",
    "Config": "config",
    "CopySource": "copy_source",
    "ExpiresIn": "expires_in",
    "ExtraArgs": "extra_args",
    "Fields": "fields",
    "Fileobj": "fileobj",
    "Filename": "filename",
    "HttpMethod": "http_method",
    "Key": "key",
    "Params": "params",
    "SourceClient": "source_client",
}


class _Names(TypedDict, total=False):
    """What all of boto3's managed transfers call their arguments."""

    Bucket: str
    Key: str
    ExtraArgs: ExtraArgs
    Callback: Callback
    Config: TransferConfig


class FileNames(_Names, total=False):
    """boto3's keywords of ``upload_file`` and ``download_file``."""

    Filename: str | os.PathLike[str]


class FileobjNames(_Names, total=False):
    """boto3's keywords of ``upload_fileobj`` and ``download_fileobj``."""

    Fileobj: Any


class CopyNames(_Names, total=False):
    """boto3's keywords of ``copy``."""

    CopySource: Mapping[str, str]
    SourceClient: Any


if TYPE_CHECKING:  # Each would add 0.1 ms to the time that an import takes.

    class UrlNames(TypedDict, total=False):
        """boto3's keywords of ``generate_presigned_url``."""

        ClientMethod: str
        Params: Mapping[str, Any] | None
        ExpiresIn: int | timedelta
        HttpMethod: str | None

    class PostNames(TypedDict, total=False):
        """boto3's keywords of ``generate_presigned_post``."""

        Bucket: str
        Key: str
        Fields: Mapping[str, str] | None
        Conditions: Sequence[Condition] | None
        ExpiresIn: int | timedelta


class Given:
    """The arguments of a method, each under its own name or under boto3's.

    Raises ``TypeError`` for one that is given under both, or that the method does not have.
    """

    def __init__(self, boto: Mapping[str, Any], **own: Any) -> None:
        for boto_name, value in boto.items():
            name = _BOTO_NAMES.get(boto_name)
            if name is None or name not in own:
                raise TypeError(f"{boto_name!r} is no argument of this method")
            if own[name] is not None and value is not None:
                raise TypeError(f"{name} and {boto_name} are the same argument: give only one")
            own[name] = value if value is not None else own[name]
        self._own = own

    def needed(self, name: str) -> Any:
        """The argument *name*, which has no default."""
        if (value := self._own[name]) is None:
            raise TypeError(f"{name} is missing")
        return value

    def optional(self, name: str, default: Any) -> Any:
        """The argument *name*, or *default* where it is None."""
        return default if (value := self._own[name]) is None else value

    @property
    def bucket(self) -> str | None:
        return cast(str | None, self._own["bucket"])

    @property
    def key(self) -> str:
        return cast(str, self.needed("key"))

    @property
    def extra_args(self) -> ExtraArgs:
        given = self._own["extra_args"]
        if given is not None and not isinstance(given, Mapping):
            raise TypeError(f"extra_args must be a mapping, not {given!r}")
        return given if given is not None else {}

    @property
    def callback(self) -> Callback | None:
        return cast(Callback | None, self._own["callback"])

    @property
    def config(self) -> TransferConfig:
        config = self._own["config"]
        if config is not None and not isinstance(config, TransferConfig):
            raise TypeError(f"config must be a TransferConfig, not {type(config).__name__}")
        return config or TransferConfig()

    @property
    def source_client(self) -> object:
        return self._own["source_client"]

    def source(self) -> tuple[str, str, str | None]:
        """Bucket, key and version id of what is to be copied."""
        source = self.needed("copy_source")
        if not isinstance(source, Mapping):
            raise TypeError(f"copy_source must be a mapping with Bucket and Key, not {source!r}")
        if unknown := source.keys() - {"Bucket", "Key", "VersionId"}:
            raise ValueError(f"copy_source: {', '.join(map(repr, sorted(unknown)))} unknown")
        for name in ("Bucket", "Key"):
            if not isinstance(source.get(name), str) or not source[name]:
                raise ValueError(f"copy_source: {name} must be a name, not {source.get(name)!r}")
        return source["Bucket"], source["Key"], source.get("VersionId")
