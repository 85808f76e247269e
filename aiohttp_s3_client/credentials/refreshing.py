"""Credentials that end, renewed before they do: the one machine for every source of such.

::

    resolve ─┬─ long to go ──────────────> the snapshot
             ├─ the last 15 minutes ─────> the snapshot; beside it a renewal
             ├─ the last 10 minutes ─────> the renewed one; the old one if that fails or takes long
             ├─ ended, the source down ──> the old one for a while, where the source allows that
             └─ none, or ended ──────────> a new one, else the source's error

Of credentials that live an hour or less the last quarter and the last sixth count. A snapshot is
replaced whole: a request in flight keeps the one that it was signed with.
"""

from __future__ import annotations

import asyncio
import logging
import random
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar, NamedTuple, Self

from ..errors import CredentialsError
from ..models import CredentialsSnapshot
from .base import AbstractCredentials, Flight, NothingFound, NotResolved, Unavailable, end_task

logger = logging.getLogger(__name__)

REFRESH_EARLY = timedelta(minutes=15)
"""How long before the end a renewal is begun beside the requests; AWS has new keys ready then."""
REFRESH_SPREAD = 1.1
"""Up to how much earlier that is, by chance: hosts that began together do not renew together."""
REFRESH_LATE = timedelta(minutes=10)
"""How long before the end requests begin to wait for the new ones."""
PATIENCE_SECONDS = 5.0
"""How long a request waits at most while it has credentials that are valid."""
REFRESH_PAUSE = timedelta(seconds=1)
"""The least time between two renewals while there are valid credentials."""
RETRY_MAX = timedelta(seconds=60)
"""The longest pause after renewals that failed; the first one is ``REFRESH_PAUSE``."""
STALE_EXTENSION = timedelta(seconds=60)
"""How long credentials are used that had ended already when the source gave them."""
NAP_SECONDS = 60.0
"""The background task looks at the clock this often: a suspended machine's timers are late."""

Clock = Callable[[], datetime]
"""Gives the time, aware."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Lease(NamedTuple):
    """A snapshot and when it is to be replaced."""

    snapshot: CredentialsSnapshot
    refresh_at: datetime
    needed_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, snapshot: CredentialsSnapshot, now: datetime, source: str) -> Lease:
        end = snapshot.expires_at or datetime.max.replace(tzinfo=UTC)
        if end <= now:
            # The source is behind, or this clock ahead: S3 is the judge of these keys.
            logger.warning("%s gives credentials that ended at %s", source, end)
            end = now + STALE_EXTENSION
        life = end - now
        early = min(REFRESH_EARLY, life / 4) * random.uniform(1.0, REFRESH_SPREAD)
        return cls(
            snapshot,
            refresh_at=end - early,
            needed_at=end - min(REFRESH_LATE, life / 6),
            ends_at=end,
        )


class RefreshingCredentials(AbstractCredentials):
    """A source whose credentials end. It says how they are fetched; when, is decided here.

    They are fetched when a request first needs them, and renewed by requests: an idle client
    costs its source nothing. ``await start()`` fetches them and keeps a task that renews them in
    the background, ``await stop()`` ends it; ``async with`` does both. One fetch runs at a time,
    whoever asks, and a caller that is cancelled leaves it to the others. A renewal that fails
    while the old credentials are valid is logged and tried again after a pause that grows from
    one second to a minute.

    ``source`` is what messages call it. ``clock`` gives the time, aware. The region is the
    argument or, once they were fetched, the one that came with the credentials.
    """

    EXTENDED_USE: ClassVar[timedelta] = timedelta()
    """How long after their end credentials stay in use while the source cannot be reached."""

    __slots__ = (
        "_clock",
        "_failures",
        "_flight",
        "_keeper",
        "_lease",
        "_nothing",
        "_placement",
        "_retry_at",
        "_source",
    )

    def __init__(
        self, source: str, *, region: str = "", service: str = "s3", clock: Clock = utc_now
    ) -> None:
        super().__init__(region=region, service=service)
        self._source = source
        self._clock = clock
        self._placement = ""
        self._lease: Lease | None = None
        self._nothing: NothingFound | None = None
        self._failures = 0
        self._retry_at = datetime.min.replace(tzinfo=UTC)
        self._flight = Flight(self._renew)
        self._keeper: asyncio.Task[None] | None = None

    @abstractmethod
    async def _fetch(self) -> CredentialsSnapshot:
        """New credentials, in bounded time.

        Raises ``NothingFound`` where the source has none to give, ``Unavailable`` when it does
        not answer now, any other ``CredentialsError`` when it fails.
        """

    async def start(self) -> None:
        """Fetch the credentials, then keep them fresh until ``stop``.

        Raises ``CredentialsError`` when they cannot be fetched.
        """
        await self.resolve()
        keeper, loop = self._keeper, asyncio.get_running_loop()
        if keeper is None or keeper.done() or keeper.get_loop() is not loop:
            self._keeper = loop.create_task(self._keep_fresh(), name=self._source)

    async def stop(self) -> None:
        """End the background task and any fetch. May be called twice, or without ``start``."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            await end_task(keeper)
        await self._flight.cancel()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    async def resolve(self) -> CredentialsSnapshot:
        lease, now = self._lease, self._clock()
        if lease is None or now >= lease.ends_at:
            return await self._flight.join()
        if now < max(lease.refresh_at, self._retry_at):
            return lease.snapshot
        if now < lease.needed_at:
            self._flight.begin()
            return lease.snapshot
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._flight.join()
        except CredentialsError:
            if not self._holds(lease):
                raise
        except TimeoutError:
            if not self._holds(lease):
                return await self._flight.join()
        return lease.snapshot

    def at_hand(self) -> CredentialsSnapshot:
        lease = self._lease
        if lease is not None and self._holds(lease):
            return lease.snapshot
        if self._nothing is not None:
            raise NothingFound(*self._nothing.tried)
        ended = "" if lease is None else f" (its credentials ended at {lease.ends_at})"
        raise NotResolved(f"{self._source}{ended}")

    def invalidate(self) -> None:
        self._lease = None

    async def find_region(self) -> str:
        return self.region

    @property
    def region(self) -> str:
        """The region given or, once they were fetched, the credentials'; never waits for it."""
        return self._region or self._placement

    def _holds(self, lease: Lease) -> bool:
        """Whether *lease* is still good: it has not ended, and nobody refused it meanwhile."""
        return lease is self._lease and self._clock() < lease.ends_at

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
            snapshot = await self._fetch()
        except CredentialsError as error:
            self._nothing = error if isinstance(error, NothingFound) else None
            self._failures += 1
            pause = min(RETRY_MAX, REFRESH_PAUSE * 2 ** min(self._failures - 1, 16))
            self._retry_at = self._clock() + pause * random.uniform(0.5, 1.0)
            lease = self._lease
            if lease is None:
                raise
            logger.warning(
                "credentials that end at %s could not be renewed: %s",
                lease.snapshot.expires_at,
                error,
            )
            if not self._extended(lease, error):
                raise
            return lease.snapshot
        now = self._clock()
        if self._region:
            snapshot = replace(snapshot, region=self._region)
        self._nothing = None
        self._failures = 0
        self._placement = snapshot.region
        self._retry_at = now + REFRESH_PAUSE
        self._lease = Lease.of(snapshot, now, self._source)
        return snapshot

    def _extended(self, lease: Lease, error: CredentialsError) -> bool:
        """Keep credentials that have just ended, when the source is only out of reach: S3 takes
        them or says that they have expired. They are tried to be renewed beside the requests."""
        # A source that had credentials before and is not to be found now is out of reach.
        out_of_reach = isinstance(error, Unavailable | NothingFound)
        until = (lease.snapshot.expires_at or lease.ends_at) + self.EXTENDED_USE
        if not out_of_reach or self._clock() < lease.ends_at or self._clock() >= until:
            return False
        logger.warning("they stay in use until %s at the latest", until)
        self._lease = lease._replace(needed_at=until, ends_at=until)
        return True
