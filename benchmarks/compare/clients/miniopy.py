"""miniopy-async, an asyncio port of MinIO's client."""

from __future__ import annotations

import io

from miniopy_async import Minio

from .base import PART_SIZE, WORKERS, Settings, descriptor, in_parts, write_at


class Client:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def open(self) -> None:
        self._client = Minio(
            f"{self._settings.host}:{self._settings.port}",
            self._settings.access_key_id,
            self._settings.secret_access_key,
            secure=self._settings.tls,
            region=self._settings.region,
        )
        self._bucket = self._settings.bucket

    async def close(self) -> None:
        await self._client.close_session()

    async def get(self, key: str) -> int:
        answer = await self._client.get_object(self._bucket, key)
        length = len(await answer.read())
        answer.release()
        return length

    async def put(self, key: str, body: bytes) -> None:
        await self._client.put_object(self._bucket, key, io.BytesIO(body), len(body))

    async def download(self, key: str, path: str, size: int) -> None:
        with descriptor(path, size) as file:

            async def one(offset: int, length: int) -> None:
                answer = await self._client.get_object(
                    self._bucket, key, offset=offset, length=length
                )
                async for chunk in answer.content.iter_any():
                    write_at(file, chunk, offset)
                    offset += len(chunk)
                answer.release()

            await in_parts(size, one)

    async def upload(self, key: str, path: str, size: int) -> None:
        await self._client.fput_object(
            self._bucket, key, path, part_size=PART_SIZE, num_parallel_uploads=WORKERS
        )

    async def list(self, prefix: str) -> int:
        number = 0
        async for _ in self._client.list_objects(self._bucket, prefix=prefix, recursive=True):
            number += 1
        return number

    async def presign(self, key: str) -> str:
        return str(await self._client.presigned_get_object(self._bucket, key))
