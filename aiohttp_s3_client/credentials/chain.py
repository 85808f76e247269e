"""Several sources as one: the first that has keys gives them."""

from __future__ import annotations

import logging
from dataclasses import replace

from yarl import URL

from ..errors import CredentialsError
from ..models import CredentialsSnapshot
from .base import AbstractCredentials, NothingFound, NotResolved
from .environment import EnvironmentCredentials
from .profile import ConfigCredentials
from .static import StaticCredentials, URLCredentials

logger = logging.getLogger(__name__)


class MergedCredentials(AbstractCredentials):
    """What ``merge_credentials`` makes of its arguments.

    The source that gave the keys to the first ``resolve`` gives them for good: a failure of it is
    an error later on and never a change to somebody else's keys.
    """

    __slots__ = ("_chosen", "_known_region", "_merged", "_sources")

    def __init__(self, *sources: AbstractCredentials) -> None:
        for number, source in enumerate(sources, 1):
            if not isinstance(source, AbstractCredentials):
                raise TypeError(f"argument {number} of merge_credentials is no AbstractCredentials")
        if not sources:
            raise ValueError("merge_credentials needs at least one source of credentials")
        super().__init__(service=sources[0].service)
        self._sources = sources
        self._chosen: AbstractCredentials | None = None
        self._known_region: str | None = None
        self._merged: tuple[CredentialsSnapshot, CredentialsSnapshot] | None = None

    async def resolve(self) -> CredentialsSnapshot:
        if self._chosen is None:
            search = _Search()
            for source in self._sources:
                try:
                    search.offer(source, await source.resolve())
                except NothingFound as nothing:
                    search.tried += nothing.tried
                if search.done:
                    break
            self._chosen, snapshot = search.outcome()
        else:
            snapshot = await self._chosen.resolve()
        if self._known_region is None:
            self._known_region = await self.find_region()
        return self._in_region(snapshot, self._known_region)

    def at_hand(self) -> CredentialsSnapshot:
        if self._chosen is not None:
            return self._in_region(self._chosen.at_hand(), self.region)
        search = _Search()
        for source in self._sources:
            try:
                search.offer(source, source.at_hand())
            except NothingFound as nothing:
                search.tried += nothing.tried
            if search.done:
                break
        return self._in_region(search.outcome()[1], self.region)

    def invalidate(self) -> None:
        self._known_region = None
        for source in self._sources:
            source.invalidate()

    async def find_region(self) -> str:
        for source in self._sources:
            try:
                if region := await source.find_region():
                    return region
            except CredentialsError as error:
                _passed_over(source, error)
        return ""

    @property
    def region(self) -> str:
        if self._known_region is not None:
            return self._known_region
        for source in self._sources:
            try:
                if region := source.region:
                    return region
            except NotResolved:
                continue
            except CredentialsError as error:
                _passed_over(source, error)
        return ""

    def _in_region(self, snapshot: CredentialsSnapshot, region: str) -> CredentialsSnapshot:
        if region in ("", snapshot.region):
            return snapshot
        if self._merged is None or self._merged[0] != snapshot or self._merged[1].region != region:
            self._merged = snapshot, replace(snapshot, region=region)
        return self._merged[1]

    def __repr__(self) -> str:
        return f"merge_credentials({', '.join(map(repr, self._sources))})"


class _Search:
    """Looks for the first whole key and secret; no keys on purpose count when nobody has any."""

    def __init__(self) -> None:
        self.tried: tuple[str, ...] = ()
        self.done = False
        self._found: tuple[AbstractCredentials, CredentialsSnapshot] | None = None

    def offer(self, source: AbstractCredentials, snapshot: CredentialsSnapshot) -> None:
        self.done = not snapshot.anonymous
        if self.done or self._found is None:
            self._found = source, snapshot

    def outcome(self) -> tuple[AbstractCredentials, CredentialsSnapshot]:
        if self._found is None:
            raise NothingFound(*self.tried)
        return self._found


def _passed_over(source: AbstractCredentials, error: CredentialsError) -> None:
    logger.warning("%s was asked for its region only, and is passed over: %s", source, error)


def merge_credentials(*credentials: AbstractCredentials) -> AbstractCredentials:
    """One source made of several, the first one first.

    Key, secret and session token come together from the first source that has a whole key and
    secret: fields of two sources are never mixed. The region alone is merged: it is the first one
    that any source names, whoever gives the keys. ``AnonymousCredentials`` in it mean: unsigned
    when no source has keys.

    It is as lazy as its sources. Asked synchronously inside an event loop, it raises a
    ``CredentialsError`` that names ``await credentials.resolve()`` only when a source that is not
    resolved yet stands before the first one with keys.
    """
    return MergedCredentials(*credentials)


def collect_credentials(
    *,
    url: str | URL | None = None,
    access_key_id: str | None = None,
    secret_access_key: str | None = None,
    session_token: str | None = None,
    region: str | None = None,
    service: str = "s3",
) -> AbstractCredentials:
    """The default chain: these arguments, the URL's userinfo, the environment, the config files.

    An argument that is None or empty is not given; a region that is given wins over all others.
    Raises ``ValueError`` for half a pair in the arguments or in the URL.
    """
    sources: list[AbstractCredentials] = [
        StaticCredentials(
            access_key_id or "", secret_access_key or "", session_token, region or "", service
        )
    ]
    if url is not None:
        sources.append(URLCredentials(url, service=service))
    sources.append(EnvironmentCredentials(service=service))
    sources.append(ConfigCredentials(service=service))
    return MergedCredentials(*sources)
