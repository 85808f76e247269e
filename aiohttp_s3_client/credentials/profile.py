"""Credentials in the two files that the AWS CLI keeps, ``~/.aws/credentials`` and ``config``.

Format: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import CredentialsError
from ..models import CredentialsSnapshot
from .base import (
    AbstractCredentials,
    Flight,
    KeyNames,
    NothingFound,
    NotResolved,
    check_text,
    loop_runs,
    why_not_whole,
)
from .config_file import SharedConfig, default_paths, profile_name, read_sections
from .environment import environ_region

_SETTINGS = KeyNames("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


class _Profile(NamedTuple):
    """What the files say about one profile."""

    snapshot: CredentialsSnapshot | None
    region: str
    lacks: str


class ConfigCredentials(AbstractCredentials):
    """Credentials of a profile in the files of the AWS CLI.

    ``credentials_path`` is ``AWS_SHARED_CREDENTIALS_FILE`` or ``~/.aws/credentials`` by default,
    ``config_path`` is ``AWS_CONFIG_FILE`` or ``~/.aws/config``; either may be missing.
    ``profile="auto"`` is ``AWS_PROFILE``, ``AWS_DEFAULT_PROFILE`` or ``default``. Key, secret and
    token come from one file, the credentials file first. The region is the argument,
    ``AWS_REGION``, ``AWS_DEFAULT_REGION``, or what the config file, then the credentials file,
    says. The variables are read when the object is made.

    The files are read when they are first needed: by ``resolve`` in a thread, or at once when
    asked synchronously where no event loop runs. ``invalidate`` has them read again, which is how
    rotated keys are picked up. A malformed file, and a profile that is named and in neither of
    the files, is a ``CredentialsError``.
    """

    __slots__ = ("_config", "_credentials", "_flight", "_named", "_profile", "_read_profile")

    def __init__(
        self,
        credentials_path: str | os.PathLike[str] | None = None,
        config_path: str | os.PathLike[str] | None = None,
        *,
        region: str = "",
        service: str = "s3",
        profile: str = "auto",
    ) -> None:
        check_text(profile=profile)
        super().__init__(region=region or environ_region(), service=service)
        usual = default_paths()
        self._credentials = os.fspath(credentials_path or usual.credentials)
        self._config = os.fspath(config_path or usual.config)
        self._named = profile_name() if profile == "auto" else profile
        self._profile = self._named or "default"
        self._read_profile: _Profile | None = None
        self._flight = Flight(self._read_in_thread)

    async def resolve(self) -> CredentialsSnapshot:
        found = self._read_profile
        if found is None or found.snapshot is None:
            found = await self._flight.join()
        return _whole(found)

    def at_hand(self) -> CredentialsSnapshot:
        return _whole(self._read_or_refuse())

    def invalidate(self) -> None:
        self._read_profile = None

    async def find_region(self) -> str:
        return self._region or (self._read_profile or await self._flight.join()).region

    @property
    def region(self) -> str:
        return self._region or self._read_or_refuse().region

    def _read_or_refuse(self) -> _Profile:
        if self._read_profile is None:
            if loop_runs():
                raise NotResolved(f"the files {self._credentials} and {self._config}")
            self._read_profile = self._read()
        return self._read_profile

    async def _read_in_thread(self) -> _Profile:
        self._read_profile = found = await asyncio.to_thread(self._read)
        return found

    def _read(self) -> _Profile:
        credentials = read_sections(self._credentials)
        config = read_sections(self._config)
        mine = None if credentials is None else credentials.get(self._profile)
        configured = SharedConfig(config, credentials).config_profiles().get(self._profile)
        if self._named and mine is None and configured is None:
            raise CredentialsError(
                f"profile {self._profile!r} is in neither {self._credentials} nor {self._config}"
            )
        region = self._region or next(
            (found["region"] for found in (configured, mine) if found and found.get("region")), ""
        )
        lacks = []
        for path, exists, settings in (
            (self._credentials, credentials is not None, mine),
            (self._config, config is not None, configured),
        ):
            if not exists:
                lacks.append(f"{path} does not exist")
            elif settings is None:
                lacks.append(f"{path} has no such profile")
            elif why := _why_no_keys(settings):
                lacks.append(f"{path}: {why}")
            else:
                return _Profile(_snapshot(settings, region), region, "")
        return _Profile(None, region, f"profile {self._profile!r} ({', '.join(lacks)})")

    def __repr__(self) -> str:
        return (
            f"ConfigCredentials(credentials_path={self._credentials!r}, "
            f"config_path={self._config!r}, region={self._region!r}, "
            f"service={self.service!r}, profile={self._profile!r})"
        )


def _whole(found: _Profile) -> CredentialsSnapshot:
    if found.snapshot is None:
        raise NothingFound(found.lacks)
    return found.snapshot


def _keys(settings: Mapping[str, str]) -> tuple[str, str, str]:
    token = settings.get(_SETTINGS.token) or settings.get("aws_security_token", "")
    return settings.get(_SETTINGS.key, ""), settings.get(_SETTINGS.secret, ""), token


def _why_no_keys(settings: Mapping[str, str]) -> str:
    key, secret, token = _keys(settings)
    if why := why_not_whole(key, secret, token, _SETTINGS):
        return why
    if "\n" in secret:
        return f"{_SETTINGS.secret} goes on in the next line, which is indented"
    return "" if key else f"{_SETTINGS.key} is not set"


def _snapshot(settings: Mapping[str, str], region: str) -> CredentialsSnapshot:
    key, secret, token = _keys(settings)
    return CredentialsSnapshot(key, secret, token or None, region=region)
