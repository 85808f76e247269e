"""boto3 with its own threads."""

from __future__ import annotations

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

from .base import CONNECTIONS, PART_SIZE, WORKERS, Settings


class Client:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def open(self) -> None:
        self._client = boto3.client(
            "s3",
            endpoint_url=self._settings.endpoint,
            region_name=self._settings.region,
            aws_access_key_id=self._settings.access_key_id,
            aws_secret_access_key=self._settings.secret_access_key,
            verify=self._settings.verify,
            config=Config(max_pool_connections=CONNECTIONS, s3={"addressing_style": "path"}),
        )
        self._bucket = self._settings.bucket
        self._transfer = TransferConfig(
            multipart_chunksize=PART_SIZE,
            max_concurrency=WORKERS,
            preferred_transfer_client="classic",
        )

    def close(self) -> None:
        self._client.close()

    def get(self, key: str) -> int:
        return len(self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read())

    def put(self, key: str, body: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body)

    def download(self, key: str, path: str, size: int) -> None:
        self._client.download_file(self._bucket, key, path, Config=self._transfer)

    def upload(self, key: str, path: str, size: int) -> None:
        self._client.upload_file(path, self._bucket, key, Config=self._transfer)

    def list(self, prefix: str) -> int:
        pages = self._client.get_paginator("list_objects_v2")
        return sum(
            len(page["Contents"]) for page in pages.paginate(Bucket=self._bucket, Prefix=prefix)
        )

    def presign(self, key: str) -> str:
        wanted = {"Bucket": self._bucket, "Key": key}
        return str(self._client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=3600))
