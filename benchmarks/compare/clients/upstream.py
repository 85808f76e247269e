"""aiohttp-s3-client as it was released; it bears this project's import name."""

from __future__ import annotations

import aiohttp

from aiohttp_s3_client import S3Client

from .base import CONNECTIONS, PART_SIZE, WORKERS, Settings


class Client:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS))
        self._bucket = self._settings.bucket
        self._client = S3Client(
            self._session,
            self._settings.endpoint,
            access_key_id=self._settings.access_key_id,
            secret_access_key=self._settings.secret_access_key,
            region=self._settings.region,
        )

    async def close(self) -> None:
        await self._session.close()

    async def get(self, key: str) -> int:
        async with self._client.get(f"{self._bucket}/{key}") as response:
            return len(await response.read())

    async def put(self, key: str, body: bytes) -> None:
        async with self._client.put(f"{self._bucket}/{key}", body) as response:
            await response.read()
            response.raise_for_status()

    async def download(self, key: str, path: str, size: int) -> None:
        await self._client.get_file_parallel(
            f"{self._bucket}/{key}", path, range_step=PART_SIZE, workers_count=WORKERS
        )

    async def upload(self, key: str, path: str, size: int) -> None:
        await self._client.put_file_multipart(
            f"{self._bucket}/{key}", path, part_size=PART_SIZE, workers_count=WORKERS
        )

    async def list(self, prefix: str) -> int:
        number = 0
        async for objects, _ in self._client.list_objects_v2(bucket=self._bucket, prefix=prefix):
            number += len(objects)
        return number

    def presign(self, key: str) -> str:
        return str(self._client.presign_url("GET", f"{self._bucket}/{key}", expires=3600))
