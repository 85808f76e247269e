"""What ``aiohttp_s3_client.storage`` raises: one root, so that a caller needs not know S3's codes.

The typed error of S3 or of the connection that it comes from is its ``__cause__``.
"""

from __future__ import annotations

from .base import S3Error


class StorageError(S3Error):
    """The root of what a storage raises: the operation failed, or cannot work."""


class _OfKey(StorageError):
    """An error about one key, which ``key`` says as the caller gave it."""

    _said = ""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return f"{self._said}: {self.key}"


class StorageFileNotFoundError(_OfKey):
    """There is no file at ``key``."""

    _said = "File not found"


class StorageFileExistsError(_OfKey):
    """There is a file at ``key`` already, and it was not to be replaced."""

    _said = "File already exists"


class StoragePermissionError(StorageError):
    """S3 does not allow it with these credentials."""


class StorageConnectionError(StorageError):
    """The server cannot be reached, does not answer, or there are no credentials to ask it with."""


class StorageValueError(StorageError, ValueError):
    """An argument that cannot work; nothing was sent."""


class ConfigurationError(StorageError, ValueError):
    """Settings are missing, or cannot work."""
