"""Which names of a sync take part: globs in the language of ``fnmatch``."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping

Globs = str | Iterable[str]


class Filter:
    """Whether a name takes part: it matches any of *include* (or there is none) and no *exclude*.

    The globs are held against the whole relative name, with its slashes: ``*`` crosses them, and
    case counts. Raises ``TypeError`` for what is neither a glob nor an iterable of them.
    """

    def __init__(self, include: Globs = (), exclude: Globs = ()) -> None:
        self._include = _pattern(include, "include")
        self._exclude = _pattern(exclude, "exclude")

    def takes(self, name: str) -> bool:
        """Whether the file called *name* takes part."""
        if self._include is not None and self._include.match(name) is None:
            return False
        return self._exclude is None or self._exclude.match(name) is None

    def leaves_out(self, name: str) -> bool:
        """Whether *name*, be it a file or a whole directory, is excluded with all beneath it."""
        exclude = self._exclude
        return exclude is not None and any(map(exclude.match, (name, f"{name}/")))


def _pattern(globs: Globs, argument: str) -> re.Pattern[str] | None:
    """One expression for all of *globs*, None where there are none."""
    if isinstance(globs, bytes | Mapping) or not isinstance(globs, str | Iterable):
        raise TypeError(f"{argument} must be a glob or an iterable of globs, not {globs!r:.100}")
    many = [globs] if isinstance(globs, str) else list(globs)
    for glob in many:
        if not isinstance(glob, str):
            raise TypeError(f"{argument} must hold globs, which are str, not {glob!r:.100}")
    return re.compile("|".join(map(fnmatch.translate, many))) if many else None
