"""An asyncio client for Amazon S3 and what speaks its protocol, on aiohttp.

::

    async with S3Client(url="https://s3.example.com", region="eu-west-1") as client:
        await client.put_file_multipart("bucket/big.bin", "big.bin")
"""

from __future__ import annotations

from .client import S3Client
from .config import ChecksumConfig, ClientConfig, TransferConfig
from .errors import AwsDownloadError, AwsError, AwsUploadError, S3Error
from .models import AwsObjectMeta, CredentialsSnapshot, DownloadResult, UploadResult

__all__ = [
    "AwsDownloadError",
    "AwsError",
    "AwsObjectMeta",
    "AwsUploadError",
    "ChecksumConfig",
    "ClientConfig",
    "CredentialsSnapshot",
    "DownloadResult",
    "S3Client",
    "S3Error",
    "TransferConfig",
    "UploadResult",
]

__version__ = "0.1.0"
