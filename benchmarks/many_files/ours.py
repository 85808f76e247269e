"""This client, as a program: ``python -m benchmarks.many_files.ours WORK URL BUCKET FOLDER``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from aiohttp_s3_client import S3Client


async def main(work: str, url: str, bucket: str, folder: str) -> None:
    async with S3Client(
        url=url, access_key_id="key-id", secret_access_key="secret-key", region="us-east-1"
    ) as client:
        if work == "empty":
            await client.empty_bucket(bucket)
        elif work == "download":
            await client.sync(f"s3://{bucket}", Path(folder))
        else:
            await client.sync(Path(folder), f"s3://{bucket}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
