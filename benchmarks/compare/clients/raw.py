"""aiohttp and nothing else: what a client on it cannot go below, unless it goes round it."""

from __future__ import annotations

import os
import re

import aiohttp

from .base import CONNECTIONS, PART_SIZE, Settings, descriptor, in_parts, write_at

UPLOAD_ID = re.compile(r"<UploadId>(.*?)</UploadId>")
TOKEN = re.compile(rb"<NextContinuationToken>(.*?)</NextContinuationToken>")
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
"""What ``ClientConfig`` sets by default: timeouts cost something too."""


class Client:
    def __init__(self, settings: Settings) -> None:
        self._base = f"{settings.endpoint}/{settings.bucket}"

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS), timeout=TIMEOUT
        )

    async def close(self) -> None:
        await self._session.close()

    async def get(self, key: str) -> int:
        async with self._session.get(f"{self._base}/{key}") as response:
            return len(await response.read())

    async def put(self, key: str, body: bytes) -> None:
        async with self._session.put(f"{self._base}/{key}", data=body) as response:
            await response.read()
            response.raise_for_status()

    async def download(self, key: str, path: str, size: int) -> None:
        url = f"{self._base}/{key}"
        with descriptor(path, size) as file:

            async def one(offset: int, length: int) -> None:
                headers = {"Range": f"bytes={offset}-{offset + length - 1}"}
                async with self._session.get(url, headers=headers) as response:
                    response.raise_for_status()
                    async for chunk in response.content.iter_any():
                        write_at(file, chunk, offset)
                        offset += len(chunk)

            await in_parts(size, one)

    async def upload(self, key: str, path: str, size: int) -> None:
        url = f"{self._base}/{key}"
        async with self._session.post(f"{url}?uploads=") as response:
            found = UPLOAD_ID.search(await response.text())
        assert found is not None
        upload_id = found[1]
        etags: dict[int, str] = {}
        with descriptor(path) as file:

            async def one(offset: int, length: int) -> None:
                number = offset // PART_SIZE + 1
                part = f"{url}?partNumber={number}&uploadId={upload_id}"
                body = os.pread(file, length, offset)
                async with self._session.put(part, data=body) as response:
                    response.raise_for_status()
                    etags[number] = response.headers["ETag"]

            await in_parts(size, one)
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{etags[number]}</ETag></Part>"
            for number in sorted(etags)
        )
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>"
        async with self._session.post(f"{url}?uploadId={upload_id}", data=body) as response:
            response.raise_for_status()

    async def list(self, prefix: str) -> int:
        """The pages fetched and the entries counted: nothing is parsed."""
        number, more = 0, ""
        while True:
            url = f"{self._base}?list-type=2&prefix={prefix}{more}"
            async with self._session.get(url) as response:
                page = await response.read()
            number += page.count(b"<Contents>")
            if (token := TOKEN.search(page, 0, 2000)) is None:
                return number
            more = f"&continuation-token={token[1].decode()}"
