"""A clock that a test turns, and a source of credentials that plays what a test tells it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from aiohttp_s3_client.credentials.refreshing import RefreshingCredentials
from aiohttp_s3_client.models import CredentialsSnapshot

from .conftest import KEY, SECRET

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


class FakeClock:
    """Stands still until it is turned."""

    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class PlayedCredentials(RefreshingCredentials):
    """Each fetch takes one turn of the loop, and as long as ``open`` is not set; ``failure`` is
    raised when there is one. The tokens are ``1``, ``2``, ….
    """

    def __init__(
        self, clock: FakeClock, life: timedelta | None = 6 * HOUR, region: str = ""
    ) -> None:
        super().__init__("the play", region=region, clock=clock)
        self.clock = clock
        self.life = life
        self.fetches = 0
        self.under_way = 0
        self.failure: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()

    async def _fetch(self) -> CredentialsSnapshot:
        self.fetches += 1
        self.under_way += 1
        assert self.under_way == 1
        try:
            await asyncio.sleep(0)
            await self.open.wait()
        finally:
            self.under_way -= 1
        if self.failure is not None:
            raise self.failure
        expires_at = None if self.life is None else self.clock() + self.life
        return CredentialsSnapshot(KEY, SECRET, str(self.fetches), expires_at, "eu-west-1")

    async def token(self) -> str | None:
        """The session token of what ``resolve`` gives."""
        return (await self.resolve()).session_token
