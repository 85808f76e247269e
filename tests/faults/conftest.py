"""Fixtures of the tests with faults: each test ends with what it began with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.config import ClientConfig
from tests.servers.running import RunningServer

from . import leaks
from .calls import SIZE, Place
from .proxy import FaultProxy

LIMIT = 4
"""Connections of the session: one that does not come back is missed at once."""


@pytest.fixture(autouse=True)
async def no_leaks(embedded: RunningServer) -> AsyncIterator[None]:
    """Compare sockets, tasks, threads and descriptors before and after each test."""
    # The oracle keeps one connection from its first request on.
    await asyncio.to_thread(embedded.oracle.client.list_buckets)
    async with leaks.unchanged():
        yield


@pytest.fixture
def fault_proxy(embedded: RunningServer) -> Iterator[Callable[..., FaultProxy]]:
    """``fault_proxy(plan, …)``: a started proxy before the fast server."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(
            FaultProxy(embedded.url, *args, **options)
        )


@pytest.fixture
def proxy(fault_proxy: Callable[..., FaultProxy]) -> FaultProxy:
    """A proxy that does nothing until it gets a plan."""
    return fault_proxy()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A user's session with few connections."""
    connector = aiohttp.TCPConnector(limit=LIMIT)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


@pytest.fixture(scope="session")
def data() -> bytes:
    """An object of three parts in which no two places look alike."""
    import random

    return random.Random(3).randbytes(SIZE)


@pytest.fixture(scope="session")
def filled(embedded: RunningServer, data: bytes, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The bucket and the files that all places begin with; nobody uses its client."""
    bucket = f"test-{uuid4().hex[:16]}"
    embedded.oracle.create_bucket(bucket)
    client = S3Client(url=embedded.url, access_key_id="none", secret_access_key="none")
    place = Place(client, bucket, tmp_path_factory.mktemp("filled"), data, embedded.oracle)
    place.fill()
    return place


@pytest.fixture
def client_of(embedded: RunningServer, session: aiohttp.ClientSession) -> Callable[..., S3Client]:
    """``client_of(url, **settings)``: a client with short timeouts; settings are the config's."""

    def make(
        url: str, session: aiohttp.ClientSession | None = session, **settings: Any
    ) -> S3Client:
        short: dict[str, Any] = {
            "read_timeout": 1.0,
            "write_timeout": 1.0,
            "connect_timeout": 2.0,
            "expect_continue_from": None,
        }
        return S3Client(
            session=session,
            url=url,
            access_key_id=embedded.access_key_id,
            secret_access_key=embedded.secret_access_key,
            region=embedded.region,
            config=ClientConfig(**{**short, **settings}),
        )

    return make


@pytest.fixture
async def place(
    client_of: Callable[..., S3Client],
    proxy: FaultProxy,
    filled: Place,
    tmp_path: Path,
) -> Place:
    """A place behind ``proxy``, with all data in it."""
    folder = tmp_path / "place"
    folder.mkdir()
    place = Place(client_of(proxy.url), filled.bucket, folder, filled.data, filled.oracle)
    await asyncio.to_thread(place.take, filled)
    return place
