"""``S3Storage``: files under keys, for web applications; the vocabulary of litestar-storages."""

from __future__ import annotations

from ..errors import (
    ConfigurationError,
    StorageConnectionError,
    StorageError,
    StorageFileExistsError,
    StorageFileNotFoundError,
    StoragePermissionError,
    StorageValueError,
)
from .config import S3Config
from .models import MultipartUpload, ProgressCallback, ProgressInfo, StoredFile
from .storage import S3Storage

__all__ = [
    "ConfigurationError",
    "MultipartUpload",
    "ProgressCallback",
    "ProgressInfo",
    "S3Config",
    "S3Storage",
    "StorageConnectionError",
    "StorageError",
    "StorageFileExistsError",
    "StorageFileNotFoundError",
    "StoragePermissionError",
    "StorageValueError",
    "StoredFile",
]
