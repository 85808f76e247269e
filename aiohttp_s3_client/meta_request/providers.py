"""Where the keys of a meta request come from: awscrt's words for our sources of credentials."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NoReturn, Protocol, runtime_checkable

from ..credentials import (
    AbstractCredentials,
    AnonymousCredentials,
    ConfigCredentials,
    EnvironmentCredentials,
    MetadataCredentials,
    StaticCredentials,
    merge_credentials,
)
from ..credentials.base import Flight, KeyNames, NotResolved, loop_runs, why_not_whole
from ..errors import CredentialsError
from ..models import CredentialsProvider, CredentialsSnapshot

_NAMES = KeyNames("access_key_id", "secret_access_key", "session_token")


@runtime_checkable
class CredentialsLike(Protocol):
    """What ``AwsCredentials`` and awscrt's own have in common."""

    @property
    def access_key_id(self) -> str: ...
    @property
    def secret_access_key(self) -> str: ...
    @property
    def session_token(self) -> str | None: ...
    @property
    def expiration(self) -> datetime | None: ...


@runtime_checkable
class ProviderLike(Protocol):
    """awscrt's provider: one that a thread of its own may answer from."""

    def get_credentials(self) -> object:
        """A ``concurrent.futures.Future`` of credentials."""
        ...


@dataclass(frozen=True, slots=True)
class AwsCredentials:
    """A key id, its secret, and the session token that belongs to them. Shows no secret.

    ``expiration`` is aware; None for keys that do not expire. Pickling is refused, since a pickle
    would hold the secret.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expiration: datetime | None = None

    def __reduce__(self) -> NoReturn:
        raise TypeError("AwsCredentials is not pickled: the pickle would hold secrets")


class AwsCredentialsProvider:
    """A source of credentials: one of the ``new_…`` below, or any ``CredentialsProvider``.

    A ``client_bootstrap`` is accepted and has no effect: there is one event loop.
    """

    __slots__ = ("source",)

    def __init__(self, source: CredentialsProvider) -> None:
        self.source = source

    def __repr__(self) -> str:
        return f"AwsCredentialsProvider({self.source!r})"

    @classmethod
    def new_static(
        cls, access_key_id: str, secret_access_key: str, session_token: str | None = None
    ) -> AwsCredentialsProvider:
        """These keys. Raises ``ValueError`` where one is missing or they seem to be swapped."""
        return cls(StaticCredentials(access_key_id, secret_access_key, session_token))

    @classmethod
    def new_anonymous(cls) -> AwsCredentialsProvider:
        """No keys on purpose: requests are not signed."""
        return cls(AnonymousCredentials())

    @classmethod
    def new_environment(cls) -> AwsCredentialsProvider:
        """``AWS_ACCESS_KEY_ID`` and the others, as they are now."""
        return cls(EnvironmentCredentials())

    @classmethod
    def new_profile(
        cls,
        client_bootstrap: object = None,
        profile_name: str | None = None,
        config_filepath: str | None = None,
        credentials_filepath: str | None = None,
    ) -> AwsCredentialsProvider:
        """A profile of the AWS CLI's files; see ``ConfigCredentials`` for what is read."""
        profile = "auto" if profile_name is None else profile_name
        return cls(ConfigCredentials(credentials_filepath, config_filepath, profile=profile))

    @classmethod
    def new_default_chain(cls, client_bootstrap: object = None) -> AwsCredentialsProvider:
        """The environment, then the AWS CLI's files, then the role of the EC2 instance."""
        return cls(
            merge_credentials(EnvironmentCredentials(), ConfigCredentials(), MetadataCredentials())
        )

    @classmethod
    def new_chain(cls, providers: Sequence[Provider]) -> AwsCredentialsProvider:
        """The first of *providers* that has keys."""
        sources = []
        for number, provider in enumerate(providers, 1):
            source = credentials_of(provider)
            if not isinstance(source, AbstractCredentials):
                raise TypeError(f"provider {number} of new_chain is no source of a chain")
            sources.append(source)
        return cls(merge_credentials(*sources))

    @classmethod
    def new_delegate(cls, get_credentials: Callable[[], CredentialsLike]) -> AwsCredentialsProvider:
        """What *get_credentials* returns: an ``AwsCredentials``.

        It is called in a thread whenever keys are needed, once for all who wait for them.
        """
        return cls(AskedCredentials(get_credentials))

    async def get_credentials(self) -> AwsCredentials:
        """The keys as they are now. Raises ``CredentialsError`` when there are none."""
        found = await self.source.resolve()
        return AwsCredentials(
            found.access_key_id, found.secret_access_key, found.session_token, found.expires_at
        )


class AskedCredentials(AbstractCredentials):
    """What a function says, which is called whenever keys are needed: in a thread, since it may
    wait for something, and once for all who need them at the same time.

    It returns credentials, or a ``concurrent.futures.Future`` of them.
    """

    __slots__ = ("_ask", "_flight", "_latest")

    def __init__(self, ask: Callable[[], object]) -> None:
        if not callable(ask):
            raise TypeError(f"get_credentials must be a function, not {type(ask).__name__}")
        super().__init__()
        self._ask = ask
        self._latest: CredentialsSnapshot | None = None
        self._flight = Flight(self._renew)

    async def resolve(self) -> CredentialsSnapshot:
        return await self._flight.join()

    def at_hand(self) -> CredentialsSnapshot:
        if not loop_runs():
            try:
                answer = self._ask()
                given = answer.result() if isinstance(answer, Future) else answer
            except Exception as error:
                raise _failure(error) from error
            self._latest = _snapshot(given)
        if self._latest is None:
            raise NotResolved("the credentials provider")
        return self._latest

    async def _renew(self) -> CredentialsSnapshot:
        try:
            answer = await asyncio.to_thread(self._ask)
            given = await asyncio.wrap_future(answer) if isinstance(answer, Future) else answer
        except Exception as error:
            raise _failure(error) from error
        self._latest = found = _snapshot(given)
        return found


def _failure(error: Exception) -> CredentialsError:
    return CredentialsError(f"the credentials provider failed: {type(error).__name__}")


def _snapshot(given: object) -> CredentialsSnapshot:
    if not isinstance(given, CredentialsLike):
        # The value is not shown: it may hold a secret all the same.
        raise CredentialsError(
            f"the credentials provider gave no AwsCredentials but {type(given).__name__}"
        )
    key, secret, token = given.access_key_id, given.secret_access_key, given.session_token
    problem = why_not_whole(key, secret, token, _NAMES) or ("" if key else "no access_key_id")
    if problem:
        raise CredentialsError(f"the credentials provider gave no credentials: {problem}")
    expires_at = given.expiration and given.expiration.astimezone(UTC)
    return CredentialsSnapshot(key, secret, token or None, expires_at)


Provider = AwsCredentialsProvider | CredentialsProvider | ProviderLike


def credentials_of(given: Provider) -> CredentialsProvider:
    """The source of credentials that *given* is or holds: ours, or awscrt's provider.

    Raises ``TypeError`` for what is neither.
    """
    if isinstance(given, AwsCredentialsProvider):
        return given.source
    if isinstance(given, CredentialsProvider):
        return given
    if isinstance(given, ProviderLike):
        return AskedCredentials(given.get_credentials)
    raise TypeError(
        f"a credentials provider must be an AwsCredentialsProvider, not {type(given).__name__}"
    )
