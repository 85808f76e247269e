"""Credentials of the IAM role of an EC2 instance, from its metadata service (IMDSv2).

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from ..errors import CredentialsError
from ..models import CredentialsSnapshot
from .base import AbstractCredentials, Flight, NothingFound, NotResolved, end_task
from .imds import MetadataService

logger = logging.getLogger(__name__)

REFRESH_EARLY = timedelta(minutes=15)
"""When the background task fetches anew; AWS has new keys ready five minutes before the end."""
REFRESH_LATE = timedelta(minutes=10)
"""When callers begin to wait for new keys."""
REFRESH_PAUSE = timedelta(seconds=1)
"""The least time between two fetches while there are valid keys."""
RETRY_MAX = timedelta(seconds=60)
STALE_EXTENSION = timedelta(seconds=60)
NAP_SECONDS = 60.0
"""The background task looks at the clock this often: a suspended machine's timers are late."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class _Lease(NamedTuple):
    """A snapshot and when it is to be replaced."""

    snapshot: CredentialsSnapshot
    refresh_at: datetime
    needed_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, snapshot: CredentialsSnapshot, now: datetime) -> _Lease:
        end = snapshot.expires_at or datetime.max.replace(tzinfo=UTC)
        if end <= now:
            # The service is behind, or this clock ahead: S3 is the judge of these keys.
            logger.warning("the metadata service gives credentials that ended at %s", end)
            end = now + STALE_EXTENSION
        life = end - now
        return cls(
            snapshot,
            refresh_at=end - min(REFRESH_EARLY, life / 4),
            needed_at=end - min(REFRESH_LATE, life / 6),
            ends_at=end,
        )


class MetadataCredentials(AbstractCredentials):
    """Credentials of the role that an EC2 instance has, renewed before they expire.

    ``await start()`` fetches them and keeps a task that renews them in the background, ``await
    stop()`` ends it; ``async with`` does both. Without ``start`` they are fetched and renewed when
    a request needs them. One fetch runs at a time, whoever asks. A fetch that fails while the old
    keys are valid is logged and tried again later.

    ``host`` and ``port`` are those of the service; by default those of
    ``AWS_EC2_METADATA_SERVICE_ENDPOINT`` or ``http://169.254.169.254``.
    ``AWS_EC2_METADATA_DISABLED=true`` switches the source off. ``clock`` gives the time, aware.
    The region is the argument, or the instance's own.
    """

    __slots__ = (
        "_clock",
        "_failures",
        "_flight",
        "_lease",
        "_nothing",
        "_placement",
        "_retry_at",
        "_service",
        "_task",
    )

    def __init__(
        self,
        *,
        service: str = "s3",
        host: str = "",
        port: int = 0,
        region: str = "",
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__(region=region, service=service)
        self._service = MetadataService(host, port)
        self._clock = clock
        self._placement = ""
        self._lease: _Lease | None = None
        self._nothing: NothingFound | None = None
        self._failures = 0
        self._retry_at = datetime.min.replace(tzinfo=UTC)
        self._flight = Flight(self._renew)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Fetch the credentials, then keep them fresh until ``stop``.

        Raises ``CredentialsError`` within some five seconds where there is no such service.
        """
        await self.resolve()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._keep_fresh(), name="metadata credentials")

    async def stop(self) -> None:
        """End the background task and any fetch. May be called twice, or without ``start``."""
        task, self._task = self._task, None
        if task is not None:
            await end_task(task)
        await self._flight.cancel()

    async def __aenter__(self) -> MetadataCredentials:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    async def resolve(self) -> CredentialsSnapshot:
        lease, now = self._lease, self._clock()
        if lease and (now < lease.needed_at or now < min(self._retry_at, lease.ends_at)):
            return lease.snapshot
        try:
            return await self._flight.join()
        except CredentialsError:
            if lease and lease is self._lease and self._clock() < lease.ends_at:
                return lease.snapshot
            raise

    def at_hand(self) -> CredentialsSnapshot:
        if self._lease is not None and self._clock() < self._lease.ends_at:
            return self._lease.snapshot
        if self._nothing is not None:
            raise NothingFound(*self._nothing.tried)
        raise NotResolved(f"the metadata service {self._service.endpoint}")

    def invalidate(self) -> None:
        self._lease = None

    async def find_region(self) -> str:
        return self.region

    @property
    def region(self) -> str:
        """The region given or, once it was fetched, the instance's; never waits for it."""
        return self._region or self._placement

    async def _keep_fresh(self) -> None:
        while True:
            due = self._retry_at
            if self._lease is not None:
                due = max(due, self._lease.refresh_at)
            pause = (due - self._clock()).total_seconds()
            if pause > 0:
                await asyncio.sleep(min(pause, NAP_SECONDS))
                continue
            try:
                await self._flight.join()
            except CredentialsError as error:
                logger.debug("the next try is at %s: %s", self._retry_at, error)

    async def _renew(self) -> CredentialsSnapshot:
        """One flight: fetch, and settle when the next one is due."""
        try:
            snapshot = await self._service.fetch_credentials(self.region)
        except CredentialsError as error:
            self._nothing = error if isinstance(error, NothingFound) else None
            self._failures += 1
            backoff = min(RETRY_MAX, REFRESH_PAUSE * 2 ** min(self._failures - 1, 16))
            self._retry_at = self._clock() + backoff * random.uniform(0.5, 1.0)
            if self._lease is not None:
                logger.warning(
                    "credentials that end at %s could not be renewed: %s",
                    self._lease.snapshot.expires_at,
                    error,
                )
            raise
        now = self._clock()
        self._nothing = None
        self._failures = 0
        self._placement = snapshot.region
        self._retry_at = now + REFRESH_PAUSE
        self._lease = _Lease.of(snapshot, now)
        return snapshot

    def __repr__(self) -> str:
        return (
            f"MetadataCredentials(endpoint={str(self._service.endpoint)!r}, "
            f"region={self.region!r}, service={self.service!r})"
        )
