"""Credentials in the two files that the AWS CLI keeps, ``~/.aws/credentials`` and ``config``.

Format: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
"""

from __future__ import annotations

import asyncio
import os
import re
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
from .environment import environ, environ_region

Sections = dict[str, dict[str, str]]

_SETTINGS = KeyNames("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
_SECTION = r"\[([^\]]+)\]\s*(?:[#;].*)?"
_SETTING = r"([^=:]+?)\s*[=:]\s*(.*)"
_COMMENT = r"(?:^|\s)[#;].*"


def parse_profiles(text: str, path: str) -> Sections:
    """The settings of each section, names of settings in lower case, values as they stand.

    A line indented deeper than the setting above it is nested in that one, and skipped: no
    credentials are kept there. A section that comes twice is one section. Raises
    ``CredentialsError`` with *path* and the number of the line, whose content is not shown.
    """
    sections: Sections = {}
    settings: dict[str, str] | None = None
    depth: int | None = None
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        indent = len(raw) - len(raw.lstrip())
        if depth is not None and indent > depth:
            continue
        if header := re.fullmatch(_SECTION, line):
            settings, depth = sections.setdefault(header[1].strip(), {}), None
        elif settings is None or line[0] == "[" or not (setting := re.fullmatch(_SETTING, line)):
            raise CredentialsError(
                f"{path}, line {number}: neither a [section] nor a setting = value in one"
            )
        else:
            settings[setting[1].lower()] = re.sub(_COMMENT, "", setting[2], count=1)
            depth = indent
    return sections


def read_profiles(path: str) -> Sections | None:
    """The sections of a file, None when it does not exist. Blocks."""
    try:
        with open(os.path.expanduser(path), "rb") as file:
            data = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CredentialsError(f"{path} cannot be read: {error.strerror}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
    else:
        return parse_profiles(text, path)
    # Raised out here: the decoder's error holds the whole file.
    raise CredentialsError(f"{path}, line {number}: not UTF-8 text")


def _config_profiles(sections: Sections) -> Sections:
    """The profiles of a config file, where all but the default are ``[profile name]``."""
    profiles = {"default": sections["default"]} if "default" in sections else {}
    for header, settings in sections.items():
        kind, _, name = header.replace("\t", " ").partition(" ")
        if kind == "profile" and name:
            profiles[name.strip().strip("\"'")] = settings
    return profiles


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
        self._credentials = os.fspath(
            credentials_path or environ("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials"
        )
        self._config = os.fspath(config_path or environ("AWS_CONFIG_FILE") or "~/.aws/config")
        self._named = environ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
        if profile != "auto":
            self._named = profile
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
        credentials = read_profiles(self._credentials)
        config = read_profiles(self._config)
        mine = None if credentials is None else credentials.get(self._profile)
        configured = None if config is None else _config_profiles(config).get(self._profile)
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


def _keys(settings: dict[str, str]) -> tuple[str, str, str]:
    token = settings.get(_SETTINGS.token) or settings.get("aws_security_token", "")
    return settings.get(_SETTINGS.key, ""), settings.get(_SETTINGS.secret, ""), token


def _why_no_keys(settings: dict[str, str]) -> str:
    key, secret, token = _keys(settings)
    why = why_not_whole(key, secret, token, _SETTINGS)
    return why or ("" if key else f"{_SETTINGS.key} is not set")


def _snapshot(settings: dict[str, str], region: str) -> CredentialsSnapshot:
    key, secret, token = _keys(settings)
    return CredentialsSnapshot(key, secret, token or None, region=region)
