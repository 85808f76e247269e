"""Credentials that the application's own code gives: a function, or an AWS SDK's session."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

from ..errors import CredentialsError
from ..models import CredentialsSnapshot
from ..protocol.timestamps import parse_time
from ..redaction import in_one_line
from .base import KeyNames, why_not_whole
from .refreshing import Clock, RefreshingCredentials, utc_now

TIMEOUT_SECONDS = 60.0
"""How long a function may take."""
LOOKS = 3
"""How often an SDK's credentials are read until their keys and their end belong together."""

_FIELDS = KeyNames("access_key_id", "secret_access_key", "session_token")
_ALL_FIELDS = (*_FIELDS, "expires_at", "region")


class CallableCredentials(RefreshingCredentials):
    """Credentials that *function* returns, which is asked again before they expire.

    *function* is async and takes no arguments. It returns a ``CredentialsSnapshot``, or a mapping
    with its fields: ``access_key_id``, ``secret_access_key`` and, where there are any,
    ``session_token``, ``expires_at`` (an aware datetime or a text in ISO 8601) and ``region``.
    Credentials without an end are kept until the server refuses them. One call is under way at a
    time; it is given up after *timeout_seconds* (60 by default). What the function raises becomes
    the cause of a ``CredentialsError``.

    The region is the argument, or what the function says. ``clock`` gives the time, aware.
    """

    __slots__ = ("_function", "_timeout_seconds")

    def __init__(
        self,
        function: Callable[[], Awaitable[CredentialsSnapshot | Mapping[str, object]]],
        *,
        region: str = "",
        service: str = "s3",
        timeout_seconds: float = TIMEOUT_SECONDS,
        clock: Clock = utc_now,
    ) -> None:
        if not callable(function):
            raise TypeError(f"function must be an async function, not {type(function).__name__}")
        if not (0 < timeout_seconds < math.inf):
            raise ValueError(f"timeout_seconds must be positive, not {timeout_seconds!r}")
        self._function = function
        self._timeout_seconds = timeout_seconds
        name = getattr(function, "__qualname__", type(function).__name__)
        super().__init__(f"the function {name}", region=region, service=service, clock=clock)

    async def _fetch(self) -> CredentialsSnapshot:
        return _snapshot(await self._asked(), self._source)

    async def _asked(self) -> object:
        limit = asyncio.timeout(self._timeout_seconds)
        try:
            async with limit:
                answer: object = self._function()
                if not inspect.isawaitable(answer):
                    raise CredentialsError(f"{self._source} is not async")
                return await answer
        except CredentialsError:
            raise
        except Exception as error:
            if limit.expired():
                problem = f"gave nothing within {self._timeout_seconds:.3g} s"
                raise CredentialsError(f"{self._source} {problem}") from None
            raise CredentialsError(f"{self._source} failed: {type(error).__name__}") from error

    def __repr__(self) -> str:
        return (
            f"CallableCredentials({self._source.removeprefix('the function ')}, "
            f"region={self.region!r}, service={self.service!r})"
        )


class FrozenKeys(Protocol):
    """What botocore calls frozen credentials: a key, its secret and its token together."""

    @property
    def access_key(self) -> str | None: ...
    @property
    def secret_key(self) -> str | None: ...
    @property
    def token(self) -> str | None: ...


@runtime_checkable
class SdkCredentials(Protocol):
    """The credentials of a botocore, boto3 or aiobotocore session."""

    def get_frozen_credentials(self) -> FrozenKeys | Awaitable[FrozenKeys]: ...


class BotocoreCredentials(RefreshingCredentials):
    """The credentials of another SDK's session: its own chain finds and renews them.

    *credentials* is what ``get_credentials()`` of a botocore or boto3 session returns, or (awaited)
    that of an aiobotocore session. botocore renews in the thread that asks for the keys: it is
    asked in one of its own, once for all who wait. They are kept until shortly before the end that
    *credentials* tell; without one until the server refuses them. What the SDK raises becomes the
    cause of a ``CredentialsError``.

    The region is the argument. ``clock`` gives the time, aware.
    """

    __slots__ = ("_credentials",)

    def __init__(
        self,
        credentials: SdkCredentials,
        *,
        region: str = "",
        service: str = "s3",
        clock: Clock = utc_now,
    ) -> None:
        if not isinstance(credentials, SdkCredentials):
            raise TypeError(
                "credentials must be what get_credentials() of a botocore, boto3 or aiobotocore "
                f"session returns, not {type(credentials).__name__}"
            )
        self._credentials = credentials
        name = f"the credentials of {type(credentials).__module__.partition('.')[0]}"
        super().__init__(name, region=region, service=service, clock=clock)

    async def _fetch(self) -> CredentialsSnapshot:
        try:
            keys, expires_at = await self._read()
            fields = dict(zip(_FIELDS, (keys.access_key, keys.secret_key, keys.token), strict=True))
        except Exception as error:
            raise CredentialsError(f"{self._source} failed: {type(error).__name__}") from error
        return _snapshot({**fields, "expires_at": expires_at}, self._source)

    async def _read(self) -> tuple[FrozenKeys, datetime | None]:
        """The keys and their end, which the SDK may replace while it is asked for either."""
        ask = self._credentials.get_frozen_credentials
        looks = 0
        while True:
            looks += 1
            expires_at = _end_of(self._credentials)
            found = ask() if inspect.iscoroutinefunction(ask) else await asyncio.to_thread(ask)
            keys = await found if isinstance(found, Awaitable) else found
            if looks == LOOKS or expires_at == _end_of(self._credentials):
                return keys, expires_at

    def __repr__(self) -> str:
        return (
            f"BotocoreCredentials({type(self._credentials).__module__}."
            f"{type(self._credentials).__qualname__}, region={self.region!r}, "
            f"service={self.service!r})"
        )


def _end_of(credentials: SdkCredentials) -> datetime | None:
    # The SDKs have no public name for it, and all of them this one.
    found = getattr(credentials, "_expiry_time", None)
    return found if isinstance(found, datetime) else None


def _snapshot(given: object, source: str) -> CredentialsSnapshot:
    """What *given* says, checked. No value is shown: the wrong one may be a secret."""
    if isinstance(given, CredentialsSnapshot):
        fields: dict[str, object] = {name: getattr(given, name) for name in _ALL_FIELDS}
    elif isinstance(given, Mapping):
        fields = dict(given)
    else:
        raise CredentialsError(
            f"{source} gave neither a CredentialsSnapshot nor a mapping, but {type(given).__name__}"
        )
    if unknown := [name for name in fields if name not in _ALL_FIELDS]:
        raise CredentialsError(
            f"{source} gave the unknown field {in_one_line(str(unknown[0]))!r}; known are "
            f"{', '.join(_ALL_FIELDS)}"
        )
    key, secret, token, region = (fields.get(name) or "" for name in (*_FIELDS, "region"))
    if not (
        isinstance(key, str)
        and isinstance(secret, str)
        and isinstance(token, str)
        and isinstance(region, str)
    ):
        raise CredentialsError(f"{source} gave credentials that are not text")
    problem = why_not_whole(key, secret, token, _FIELDS) or ("" if key else f"no {_FIELDS.key}")
    if problem:
        raise CredentialsError(f"{source} gave no credentials: {problem}")
    return CredentialsSnapshot(key, secret, token or None, _end(fields, source), region)


def _end(fields: Mapping[str, object], source: str) -> datetime | None:
    given = fields.get("expires_at")
    if given is None or (isinstance(given, datetime) and given.tzinfo is not None):
        return given
    if isinstance(given, str):
        try:
            return parse_time(given)
        except ValueError:
            pass
    raise CredentialsError(f"{source} gave an expires_at that is no aware datetime")
