"""Sessions of directory buckets (S3 Express): credentials that hold for one bucket, five minutes.

::

    request ─> resolve ─┬─ young ──────────────────────> the session
                        ├─ its last quarter has begun ─> the session; beside it CreateSession
                        ├─ its last sixth has begun ───> CreateSession, or soon the session
                        └─ none, or ended ─────────────> CreateSession, else its error

An early renewal is begun by a request, so that an idle bucket costs nothing; what is left of five
minutes is ample for its retries. One CreateSession is under way for a bucket, whoever asks.

A session's life is what the server says that is left of it, counted from when its answer came: no
difference between two clocks makes it longer or shorter.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateSession.html
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from aiohttp import hdrs

from ..errors import CredentialsError, ResponseParseError, S3Error
from ..models import CredentialsProvider, CredentialsSnapshot
from ..protocol.timestamps import parse_http_date, parse_time
from ..protocol.xml import first, read
from ..request import Request
from ..transport.answer import Answer
from .base import end_task

logger = logging.getLogger(__name__)

SESSIONS = 100
"""Buckets whose sessions are kept, as many as AWS lets an account have in a region unasked; those
that were not asked for the longest are forgotten."""
REFRESH_EARLY = 1 / 4
"""What is left of a session's life when it is renewed beside the requests."""
REFRESH_SPREAD = 1.4
"""Up to how much earlier that is, by chance: sessions that began together do not end together."""
REFRESH_LATE = 1 / 6
"""What is left when requests begin to wait for the new one: some have long to go to S3."""
PATIENCE = 1 / 60
"""How much of a life they wait at most while they have a session: five seconds."""
RETRY_FIRST = timedelta(seconds=1)
RETRY_MAX = timedelta(seconds=30)
"""The pause after a renewal that failed while the session is valid."""
LEAST_LIFE = timedelta(seconds=60)
"""How long a session is used that has ended by its server's own account."""

Send = Callable[[Request], Awaitable[Answer]]
Clock = Callable[[], datetime]

_ROOT = "CreateSessionResult"
_MEMBERS = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")


class ExpressSessions:
    """The sessions of a client, made with its *credentials* as buckets are asked for.

    ``send`` is the client's own way to send a request, ``clock`` the time that it signs by. No
    mode is asked for: so a session may read and write, or only read where no more is allowed.
    """

    __slots__ = ("_clock", "_credentials", "_known", "_send", "_tasks")

    def __init__(self, credentials: CredentialsProvider, send: Send, clock: Clock) -> None:
        self._credentials = credentials
        self._send = send
        self._clock = clock
        self._known: dict[tuple[str, CredentialsSnapshot], _Session] = {}
        self._tasks: set[asyncio.Task[CredentialsSnapshot]] = set()

    def over(self, credentials: CredentialsProvider, send: Send) -> ExpressSessions:
        """The same sessions for a client with other credentials, or another way to send."""
        other = ExpressSessions(credentials, send, self._clock)
        other._known, other._tasks = self._known, self._tasks
        return other

    def of(self, bucket: str) -> SessionCredentials:
        """The credentials to sign requests about *bucket* with."""
        return SessionCredentials(self, bucket)

    async def close(self) -> None:
        """End the requests for sessions that are under way; whoever waits for one asks again."""
        loop = asyncio.get_running_loop()
        for task in list(self._tasks):
            if task.get_loop() is loop:
                await end_task(task)
            elif not task.get_loop().is_closed():
                task.get_loop().call_soon_threadsafe(task.cancel)

    def _session(self, bucket: str, base: CredentialsSnapshot) -> _Session:
        # Other base credentials may do other things with the bucket: they have their own session.
        session = self._known.pop((bucket, base), None) or _Session(bucket)
        while len(self._known) >= SESSIONS:
            self._known.pop(next(iter(self._known)), None)  # Another thread's loop may be faster.
        self._known[bucket, base] = session
        return session

    async def _resolve(self, session: _Session) -> CredentialsSnapshot:
        now, lease = self._clock(), session.lease
        if lease is None or now >= lease.ends_at:
            return await self._join(session)
        if now < max(lease.refresh_at, session.retry_at):
            return lease.snapshot
        if now < lease.needed_at:
            self._flight(session)
            return lease.snapshot
        try:
            async with asyncio.timeout(lease.patience_seconds):
                return await self._join(session)
        except S3Error:
            if not self._serves(session, lease):
                raise
        except TimeoutError:
            if not self._serves(session, lease):
                return await self._join(session)
        return lease.snapshot

    def _serves(self, session: _Session, lease: _Lease) -> bool:
        """Whether *lease* is still good: no request was refused meanwhile for what it is."""
        return lease is session.lease and self._clock() < lease.ends_at

    async def _join(self, session: _Session) -> CredentialsSnapshot:
        """The outcome of the CreateSession that is under way, or of a new one."""
        while True:
            task = self._flight(session)
            ours = session.send is self._send
            # Unlike an await of the task, this does not cancel it with who waits for it.
            await asyncio.wait((task,))
            if task.cancelled():
                continue  # Its client was closed, which is not to be felt by another one.
            error = task.exception()
            if error is None:
                return task.result()
            if isinstance(error, RuntimeError) and not ours:
                continue  # The aiohttp session that it went through was closed.
            # Each gets an error of its own: who catches it may write a note on it.
            raise copy(error) if isinstance(error, S3Error) else error

    def _flight(self, session: _Session) -> asyncio.Task[CredentialsSnapshot]:
        loop = asyncio.get_running_loop()
        task = session.task
        if task is None or task.done() or task.get_loop() is not loop:
            task = session.task = loop.create_task(
                self._renew(session), name=f"session of {session.bucket}"
            )
            session.send = self._send
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(_looked_at)
        return task

    async def _renew(self, session: _Session) -> CredentialsSnapshot:
        """Make a new session, and settle when the next one is due."""
        try:
            answer = await self._send(_create_session(session.bucket))
            answer.raise_for_status()
            lease = _lease(answer, self._clock())
        except S3Error as error:
            session.failures += 1
            pause = min(RETRY_MAX, RETRY_FIRST * 2 ** min(session.failures - 1, 16))
            session.retry_at = self._clock() + pause * random.uniform(0.5, 1.0)
            if session.lease is not None:
                logger.warning(
                    "the session of %s that ends at %s could not be renewed: %s",
                    session.bucket,
                    session.lease.ends_at,
                    error,
                )
            raise
        session.failures = 0
        session.lease = lease
        return lease.snapshot

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self._known)} known)"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is not pickled: the pickle would hold secrets")


class SessionCredentials:
    """The credentials of one bucket's session; without base credentials there is none."""

    __slots__ = ("_bucket", "_given", "_session", "_sessions")

    def __init__(self, sessions: ExpressSessions, bucket: str) -> None:
        self._sessions = sessions
        self._bucket = bucket
        self._session: _Session | None = None
        self._given: CredentialsSnapshot | None = None

    async def resolve(self) -> CredentialsSnapshot:
        """Those of the session, made or renewed when it needs that.

        Raises ``CredentialsError`` without base credentials, and what CreateSession raises:
        ``AccessDenied`` with ``operation="CreateSession"``, ``NoSuchBucket``, ….
        """
        base = await self._sessions._credentials.resolve()
        if base.anonymous:
            return base
        self._session = self._sessions._session(self._bucket, base)
        self._given = await self._sessions._resolve(self._session)
        return self._given

    def at_hand(self) -> CredentialsSnapshot:
        """Those of the session, when there is one that has not ended; else ``CredentialsError``."""
        base = self._sessions._credentials.at_hand()
        if base.anonymous:
            return base
        lease = self._sessions._session(self._bucket, base).lease
        if lease is None or self._sessions._clock() >= lease.ends_at:
            raise CredentialsError(
                f"{self._bucket}: the bucket's session is not at hand, or has ended; call `await "
                f"client.resolve_credentials(bucket={self._bucket!r})` first"
            )
        return lease.snapshot

    def invalidate(self) -> None:
        """The server refused what ``resolve`` gave: the next one gives another session."""
        session = self._session
        if session and session.lease and session.lease.snapshot is self._given:
            session.lease = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(bucket={self._bucket!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is not pickled: the pickle would hold secrets")


class _Session:
    """What is known of one bucket's session under one set of base credentials."""

    __slots__ = ("bucket", "failures", "lease", "retry_at", "send", "task")

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        self.lease: _Lease | None = None
        self.failures = 0
        self.retry_at = datetime.min.replace(tzinfo=UTC)
        self.task: asyncio.Task[CredentialsSnapshot] | None = None
        """The last CreateSession."""
        self.send: Send | None = None
        """How it was sent."""


class _Lease:
    """A session's credentials, and when they are to be replaced."""

    __slots__ = ("ends_at", "needed_at", "patience_seconds", "refresh_at", "snapshot")

    def __init__(self, key: str, secret: str, token: str, now: datetime, life: timedelta) -> None:
        self.ends_at = now + life
        self.refresh_at = self.ends_at - life * REFRESH_EARLY * random.uniform(1.0, REFRESH_SPREAD)
        self.needed_at = self.ends_at - life * REFRESH_LATE
        self.patience_seconds = life.total_seconds() * PATIENCE
        self.snapshot = CredentialsSnapshot(key, secret, token, expires_at=self.ends_at)


def _create_session(bucket: str) -> Request:
    return Request(
        operation="CreateSession",
        method="GET",
        bucket=bucket,
        query=(("session", ""),),
        document=True,
    )


def _lease(answer: Answer, now: datetime) -> _Lease:
    """The session that *answer* brought at *now*, the client's time.

    Raises ``ResponseParseError``, which shows nothing of a document that may hold a secret.
    """
    document = read(answer.body or b"")
    found = first(document.elements)
    texts = [found.get(f"Credentials/{name}", "") for name in _MEMBERS]
    missing = [name for name, text in zip(_MEMBERS, texts, strict=True) if not text]
    if document.flaw or document.root != _ROOT or missing:
        lacks = f"it lacks {', '.join(missing)}" if missing else "it is malformed"
        raise ResponseParseError(f"CreateSession: no {_ROOT}: {lacks}")
    key, secret, token, expiration = texts
    try:
        ends_at = parse_time(expiration)
    except ValueError:
        raise ResponseParseError("CreateSession: its Expiration is no time") from None
    life = ends_at - (parse_http_date(answer.response.headers.get(hdrs.DATE, "")) or now)
    if life <= timedelta():
        logger.warning("%s answers with a session that has ended", answer.request.bucket)
        life = LEAST_LIFE
    return _Lease(key, secret, token, now, life)


def _looked_at(task: asyncio.Task[CredentialsSnapshot]) -> None:
    # Nobody may wait for an early renewal, and asyncio would complain of its exception.
    if not task.cancelled():
        task.exception()
