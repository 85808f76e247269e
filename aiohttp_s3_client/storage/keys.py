"""Keys as callers know them, and as the bucket has them: the prefix is put on and taken off."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from typing import NamedTuple

from ..errors import StorageValueError

_in_segments = re.compile(r"[/\\]").split
"""A server that keeps objects as files may run on a system whose paths have backslashes."""


class Keys(NamedTuple):
    """The keys below one prefix, which is empty or ends with a slash.

    S3 knows no folders, and ``uploads/../secret`` is a key as any other there. Servers that keep
    objects as files resolve it, so below a prefix such a key is refused.
    """

    prefix: str

    @classmethod
    def below(cls, prefix: str) -> Keys:
        """Those below *prefix*, whether it ends with a slash or not."""
        if not isinstance(prefix, str):
            raise TypeError(f"prefix must be a str, not {prefix!r}")
        _check("prefix", prefix, _in_segments(prefix))
        return cls(prefix.rstrip("/") + "/" if prefix else "")

    def stored(self, key: str, argument: str = "key") -> str:
        """The bucket's name for *key*. Below a prefix slashes at its beginning are dropped.

        Raises ``StorageValueError`` for one that is empty, or that could lead out of the prefix.
        """
        name = self._relative(key, argument)
        if not name:
            raise StorageValueError(f"{argument} must name a file, not {key!r}")
        _check(argument, key, _in_segments(name) if self.prefix else [])
        return self.prefix + name

    def listed(self, prefix: str) -> str:
        """What the bucket's names begin with of the keys that begin with *prefix*."""
        name = self._relative(prefix, "prefix")
        # The last segment need not be a whole one: ".." are also the hidden files' first letters.
        _check("prefix", prefix, _in_segments(name)[:-1] if self.prefix else [])
        return self.prefix + name

    def given(self, stored: str) -> str | None:
        """The key of what the bucket calls *stored*; None where no key leads there."""
        key = stored.removeprefix(self.prefix)
        try:
            return key if self.stored(key) == stored else None
        except StorageValueError:
            return None

    def _relative(self, key: str, argument: str) -> str:
        if not isinstance(key, str):
            raise TypeError(f"{argument} must be a str, not {key!r}")
        return key.lstrip("/") if self.prefix else key


def may_be_one_file(one: str, other: str) -> bool:
    """Whether a server that keeps objects as files may take both for names of the same."""
    return _resolved(one) == _resolved(other)


def _resolved(name: str) -> str:
    return unicodedata.normalize("NFC", posixpath.normpath(f"/{name.lstrip('/')}")).casefold()


def _check(argument: str, key: str, segments: list[str]) -> None:
    if not {".", ".."}.isdisjoint(segments):
        raise StorageValueError(
            f"{argument}: {key!r} has a '.' or '..' in it, which could lead out of the prefix"
        )
    try:
        key.encode()
    except UnicodeEncodeError:
        raise StorageValueError(f"{argument}: {key!r} cannot be written as UTF-8") from None
