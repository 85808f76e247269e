"""This project's client, from the checkout."""

from __future__ import annotations

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.config import ClientConfig

from .base import PART_SIZE, WORKERS, Settings


class Client:
    def __init__(self, settings: Settings, unsigned: bool = False, crc: bool = False) -> None:
        config = ClientConfig(
            calculate_content_sha256=False if unsigned else None,
            request_checksum_calculation="when_supported" if crc else None,
        )
        self._client = S3Client(
            url=settings.endpoint,
            region=settings.region,
            access_key_id=settings.access_key_id,
            secret_access_key=settings.secret_access_key,
            config=config,
        )
        self._bucket = settings.bucket
        self._sha256 = False if unsigned else None

    async def open(self) -> None:
        await self._client.__aenter__()
        await self._client.resolve_credentials()

    async def close(self) -> None:
        await self._client.close()

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
            f"{self._bucket}/{key}",
            path,
            part_size=PART_SIZE,
            workers_count=WORKERS,
            calculate_content_sha256=self._sha256,
        )

    async def list(self, prefix: str) -> int:
        number = 0
        async for objects, _ in self._client.list_objects_v2(bucket=self._bucket, prefix=prefix):
            number += len(objects)
        return number

    def presign(self, key: str) -> str:
        return str(self._client.presign_url("GET", f"{self._bucket}/{key}", expires=3600))
