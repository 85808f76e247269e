"""What boto3 does with ``preferred_transfer_client="crt"``.

boto3 forgets ``endpoint_url`` on that way, so the parts of s3transfer are put together here.
"""

from __future__ import annotations

import time
from pathlib import Path

import botocore.session
from awscrt.auth import AwsCredentialsProvider
from botocore.config import Config
from s3transfer.crt import (
    BotocoreCRTRequestSerializer,
    CRTTransferManager,
    create_s3_crt_client,
)

from .base import PART_SIZE, Settings


class Client:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def open(self) -> None:
        settings = self._settings
        keys = (settings.access_key_id, settings.secret_access_key)
        session = botocore.session.Session()
        session.set_credentials(*keys)
        client = create_s3_crt_client(
            settings.region,
            AwsCredentialsProvider.new_static(*keys),
            part_size=PART_SIZE,
            use_ssl=settings.tls,
            verify=settings.verify,
        )
        options = {
            "region_name": settings.region,
            "endpoint_url": settings.endpoint,
            "verify": settings.verify,
            "config": Config(s3={"addressing_style": "path"}),
        }
        self._manager = CRTTransferManager(client, BotocoreCRTRequestSerializer(session, options))

    def close(self) -> None:
        self._manager.shutdown()

    def download(self, key: str, path: str, size: int) -> None:
        self._manager.download(self._settings.bucket, key, path).result()
        # The result may come before the temporary file has its name.
        deadline = time.monotonic() + 5
        while not Path(path).exists() and time.monotonic() < deadline:
            time.sleep(0.001)

    def upload(self, key: str, path: str, size: int) -> None:
        self._manager.upload(path, self._settings.bucket, key).result()
