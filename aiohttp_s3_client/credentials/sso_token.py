"""The tokens of ``aws sso login``, in the files that the CLI and AWS's SDKs share.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html
https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from typing import NoReturn

from ..errors import CredentialsError
from ..protocol.timestamps import parse_time
from .config_file import expand_home
from .documents import read_document

CACHE_DIRECTORY = "~/.aws/sso/cache"

_RENEWAL = ("clientId", "clientSecret", "refreshToken")


class SSOToken:
    """One token, as its file holds it. Shows none of it, and is not pickled."""

    __slots__ = ("_file", "access_token", "expires_at")

    def __init__(self, file: Mapping[str, object]) -> None:
        """Raises ``ValueError`` where a token or its end is missing or malformed."""
        token = file.get("accessToken")
        if not (isinstance(token, str) and token.isascii() and token.isprintable() and token):
            raise ValueError("accessToken")
        self._file = file
        self.access_token = token
        self.expires_at = _time(file, "expiresAt")

    def renewal(self, now: datetime) -> dict[str, str] | None:
        """What a new token is asked for with; None where this one cannot be renewed."""
        said = {name: self._file.get(name) for name in _RENEWAL}
        texts = {name: value for name, value in said.items() if isinstance(value, str) and value}
        if len(texts) < len(said):
            return None
        try:
            registered = _time(self._file, "registrationExpiresAt")
        except ValueError:
            return None
        return {**texts, "grantType": "refresh_token"} if now < registered else None

    def renewed(self, answer: Mapping[str, object], now: datetime) -> SSOToken:
        """The token that *answer* brings in place of this one.

        Raises ``ValueError`` where it brings none.
        """
        seconds = answer.get("expiresIn")
        if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 < seconds < 2**31:
            raise ValueError("expiresIn")
        file = {name: value for name, value in self._file.items() if name != "refreshToken"}
        file["accessToken"] = answer.get("accessToken")
        file["expiresAt"] = f"{now + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"
        if "refreshToken" in answer:
            file["refreshToken"] = answer["refreshToken"]
        return SSOToken(file)

    def text(self) -> str:
        """What the token's file is to hold."""
        return json.dumps(self._file)

    def __repr__(self) -> str:
        return f"SSOToken(expires_at={self.expires_at!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an SSOToken is not pickled: the pickle would hold secrets")


def token_path(name: str, directory: str = CACHE_DIRECTORY) -> str:
    """The file of the token of a session's *name* or, without a session, of its start URL."""
    digest = sha1(name.encode(), usedforsecurity=False).hexdigest()
    return os.path.join(expand_home(directory), f"{digest}.json")


def load_token(path: str) -> SSOToken | None:
    """The token in a file, None where there is no file. Blocks.

    Raises ``CredentialsError`` for a file that cannot be read or holds no token.
    """
    try:
        with open(path, "rb") as file:
            text = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CredentialsError(f"{path} cannot be read: {error.strerror}") from None
    try:
        return SSOToken(read_document(text, path))
    except ValueError as error:
        lacks = error.args[0]
    raise CredentialsError(f"{path} holds no token of `aws sso login`: no {lacks} in it")


def save_token(path: str, token: SSOToken) -> None:
    """Put *token* into its file, at once and as a whole, for nobody else to read. Blocks."""
    directory = os.path.dirname(path)
    os.makedirs(directory, mode=0o700, exist_ok=True)
    number, beside = tempfile.mkstemp(dir=directory, suffix=".tmp")  # Its mode is 0600.
    try:
        with open(number, "w", encoding="utf-8") as file:
            file.write(token.text())
            file.flush()
            os.fsync(number)
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def _time(file: Mapping[str, object], name: str) -> datetime:
    text = file.get(name)
    if isinstance(text, str):
        try:
            # Older versions of the CLI end it in UTC.
            return parse_time(text.removesuffix("UTC")).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise ValueError(name)
