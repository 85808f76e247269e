"""Apache OpenDAL, in Rust."""

from __future__ import annotations

import os

import opendal

from .base import PART_SIZE, WORKERS, Settings, descriptor, in_parts, ranges, write_at


class Client:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def open(self) -> None:
        self._operator = opendal.AsyncOperator(
            "s3",
            bucket=self._settings.bucket,
            endpoint=self._settings.endpoint,
            region=self._settings.region,
            access_key_id=self._settings.access_key_id,
            secret_access_key=self._settings.secret_access_key,
            disable_config_load="true",
            disable_ec2_metadata="true",
        )

    async def close(self) -> None:
        """Nothing: it has no end of its own."""

    async def get(self, key: str) -> int:
        return len(await self._operator.read(key))

    async def put(self, key: str, body: bytes) -> None:
        await self._operator.write(key, body)

    async def download(self, key: str, path: str, size: int) -> None:
        with descriptor(path, size) as file:

            async def one(offset: int, length: int) -> None:
                body = await self._operator.read(key, offset=offset, size=length)
                write_at(file, body, offset)

            await in_parts(size, one)

    async def upload(self, key: str, path: str, size: int) -> None:
        sink = await self._operator.open(key, "wb", chunk=PART_SIZE, concurrent=WORKERS)
        with descriptor(path) as file:
            for offset, length in ranges(size):
                await sink.write(os.pread(file, length, offset))
        await sink.close()

    async def list(self, prefix: str) -> int:
        number = 0
        async for _ in await self._operator.list(prefix, recursive=True):
            number += 1
        return number

    async def presign(self, key: str) -> str:
        return str((await self._operator.presign_read(key, 3600)).url)
