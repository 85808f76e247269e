"""aiobotocore, with ranges and parts of our own: it has no transfers."""

from __future__ import annotations

import os
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from .base import CONNECTIONS, PART_SIZE, Settings, descriptor, in_parts, write_at


class Client:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def open(self) -> None:
        self._context = get_session().create_client(
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

    async def put(self, key: str, body: bytes) -> None:
        await self._client.put_object(Bucket=self._bucket, Key=key, Body=body)

    async def download(self, key: str, path: str, size: int) -> None:
        with descriptor(path, size) as file:

            async def one(offset: int, length: int) -> None:
                wanted = f"bytes={offset}-{offset + length - 1}"
                answer = await self._client.get_object(Bucket=self._bucket, Key=key, Range=wanted)
                async with answer["Body"] as body:
                    async for chunk in body.raw_stream.content.iter_any():
                        write_at(file, chunk, offset)
                        offset += len(chunk)

            await in_parts(size, one)

    async def upload(self, key: str, path: str, size: int) -> None:
        where = {"Bucket": self._bucket, "Key": key}
        upload_id = (await self._client.create_multipart_upload(**where))["UploadId"]
        parts: list[dict[str, Any]] = []
        with descriptor(path) as file:

            async def one(offset: int, length: int) -> None:
                number = offset // PART_SIZE + 1
                answer = await self._client.upload_part(
                    **where,
                    UploadId=upload_id,
                    PartNumber=number,
                    Body=os.pread(file, length, offset),
                )
                parts.append({"PartNumber": number, "ETag": answer["ETag"]})

            await in_parts(size, one)
        parts.sort(key=lambda part: int(part["PartNumber"]))
        await self._client.complete_multipart_upload(
            **where, UploadId=upload_id, MultipartUpload={"Parts": parts}
        )

    async def list(self, prefix: str) -> int:
        number = 0
        pages = self._client.get_paginator("list_objects_v2")
        async for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
            number += len(page["Contents"])
        return number

    async def presign(self, key: str) -> str:
        wanted = {"Bucket": self._bucket, "Key": key}
        return str(
            await self._client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=3600)
        )
