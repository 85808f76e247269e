"""obstore: Rust's object_store in Python."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import obstore
from obstore.store import S3Store

from .base import PART_SIZE, WORKERS, Settings, descriptor, in_parts, write_at


class Client:
    def __init__(self, settings: Settings, unsigned: bool = False) -> None:
        self._store = S3Store(
            settings.bucket,
            endpoint=settings.endpoint,
            region=settings.region,
            access_key_id=settings.access_key_id,
            secret_access_key=settings.secret_access_key,
            virtual_hosted_style_request=False,
            unsigned_payload=unsigned,
            client_options={"allow_http": not settings.tls},
        )

    async def open(self) -> None:
        """Nothing: a store connects when it has to."""

    async def close(self) -> None:
        """Nothing: it has no end of its own."""

    async def get(self, key: str) -> int:
        answer = await obstore.get_async(self._store, key)
        return len(await answer.bytes_async())

    async def put(self, key: str, body: bytes) -> None:
        await obstore.put_async(self._store, key, body)

    async def download(self, key: str, path: str, size: int) -> None:
        with descriptor(path, size) as file:

            async def one(offset: int, length: int) -> None:
                body = await obstore.get_range_async(self._store, key, start=offset, length=length)
                write_at(file, body, offset)

            await in_parts(size, one)

    async def upload(self, key: str, path: str, size: int) -> None:
        await obstore.put_async(
            self._store, key, Path(path), chunk_size=PART_SIZE, max_concurrency=WORKERS
        )

    async def list(self, prefix: str) -> int:
        number = 0
        async for batch in obstore.list(self._store, prefix, chunk_size=1000):
            number += len(batch)
        return number

    def presign(self, key: str) -> str:
        return str(obstore.sign(self._store, "GET", key, timedelta(hours=1)))
