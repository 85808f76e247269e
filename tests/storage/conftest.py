"""Storages on the servers of the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from aiohttp_s3_client.storage import S3Config, S3Storage
from tests.servers.running import RunningServer

StorageOf = Callable[..., S3Storage]


def settings(server: RunningServer, bucket: str, **more: Any) -> S3Config:
    """What a user of *server* says, and *more*."""
    given: dict[str, Any] = {
        "bucket": bucket,
        "region": server.region,
        "endpoint_url": server.url,
        "access_key_id": server.access_key_id,
        "secret_access_key": server.secret_access_key,
        "verify_ssl": server.ca_file or True,
    }
    return S3Config(**{**given, **more})


@pytest.fixture
async def storage_of(server: RunningServer, bucket: str) -> AsyncIterator[StorageOf]:
    """``storage_of(prefix="uploads")``: a storage in ``bucket``, closed at the end."""
    server.need("own_bucket")
    async with AsyncExitStack() as stack:

        def make(**more: Any) -> S3Storage:
            storage = S3Storage(settings(server, bucket, **more))
            stack.push_async_callback(storage.close)
            return storage

        yield make


@pytest.fixture
def storage(storage_of: StorageOf) -> S3Storage:
    """A storage that is all of ``bucket``."""
    return storage_of()
