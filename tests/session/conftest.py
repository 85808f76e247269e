"""Sessions: against every server in turn, and against scripted ones."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from aiohttp_s3_client.session import S3Session
from tests.servers.running import RunningServer


def session_for(server: RunningServer, session: aiohttp.ClientSession | None = None) -> S3Session:
    return S3Session(
        endpoint_url=server.url,
        access_key=server.access_key_id,
        secret_key=server.secret_access_key,
        region=server.region,
        session=session,
    )


@pytest.fixture
async def s3(server: RunningServer, session: aiohttp.ClientSession) -> AsyncIterator[S3Session]:
    """Our session on ``server``, through an aiohttp session that trusts it."""
    server.need("own_bucket")
    async with session_for(server, session) as entered:
        yield entered
