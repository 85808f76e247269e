"""aioboto3: transfers of its own on aiobotocore."""

from __future__ import annotations

import aioboto3
from aiobotocore.config import AioConfig

from .base import CONNECTIONS, Settings


class Client:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def open(self) -> None:
        self._context = aioboto3.Session().client(
            "s3",
            endpoint_url=self._settings.endpoint,
            region_name=self._settings.region,
            aws_access_key_id=self._settings.access_key_id,
            aws_secret_access_key=self._settings.secret_access_key,
            verify=self._settings.verify,
            config=AioConfig(max_pool_connections=CONNECTIONS, s3={"addressing_style": "path"}),
        )
        self._client = await self._context.__aenter__()
        self._bucket = self._settings.bucket

    async def close(self) -> None:
        await self._context.__aexit__(None, None, None)

    async def get(self, key: str) -> int:
        answer = await self._client.get_object(Bucket=self._bucket, Key=key)
        async with answer["Body"] as body:
            return len(await body.read())

    async def download(self, key: str, path: str, size: int) -> None:
        await self._client.download_file(self._bucket, key, path)

    async def upload(self, key: str, path: str, size: int) -> None:
        await self._client.upload_file(path, self._bucket, key)
