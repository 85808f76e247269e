"""A request as it is written down: method, path with query, headers, body."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NoReturn, Protocol

from multidict import CIMultiDict

from ..redaction import redact_headers

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_WHITE_SPACE = " \t\r\n"
_NOT_IN_VALUES = r"[\x00\r\n]"


class BinaryStream(Protocol):
    """A body: whatever has ``read``."""

    def read(self, size: int = -1, /) -> bytes: ...


class RequestLike(Protocol):
    """What ``HttpRequest`` and awscrt's own have in common."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def headers(self) -> Iterable[tuple[str, str]]: ...
    @property
    def body_stream(self) -> object: ...


class HttpHeaders:
    """Headers in their order. A name may have several values, and has no case.

    Iterated over, it gives pairs of name and value. White space around a value is dropped. What
    is no header's name, and a value with a line break in it, is a ``ValueError``.
    """

    __slots__ = ("_pairs",)

    def __init__(self, name_value_pairs: Iterable[tuple[str, str]] | None = None) -> None:
        self._pairs: list[tuple[str, str]] = []
        self.add_pairs(name_value_pairs or ())

    def add(self, name: str, value: str) -> None:
        """Add a value to those of *name*."""
        self._pairs.append(_checked(name, value))

    def add_pairs(self, name_value_pairs: Iterable[tuple[str, str]]) -> None:
        """Add all these pairs, or none of them when one cannot be a header."""
        self._pairs += [_checked(name, value) for name, value in name_value_pairs]

    def set(self, name: str, value: str) -> None:
        """Make *value* the only one of *name*; it goes to the end."""
        pair = _checked(name, value)
        self._pairs = [*self._without(name), pair]

    def get_values(self, name: str) -> Iterator[str]:
        """The values of *name*, in their order."""
        wanted = name.lower()
        return (value for known, value in list(self._pairs) if known.lower() == wanted)

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value of *name*, or *default*."""
        return next(self.get_values(name), default)

    def remove(self, name: str) -> None:
        """Remove all values of *name*; ``KeyError`` when there are none."""
        kept = self._without(name)
        if len(kept) == len(self._pairs):
            raise KeyError(name)
        self._pairs = kept

    def remove_value(self, name: str, value: str) -> None:
        """Remove the first *value* of *name*; ``ValueError`` when there is no such one."""
        for index, (known, its) in enumerate(self._pairs):
            if known.lower() == name.lower() and its == value:
                del self._pairs[index]
                return
        # The value is not shown: it may be a token.
        raise ValueError(f"header {name!r} has no such value")

    def clear(self) -> None:
        """Remove all headers."""
        self._pairs = []

    def _without(self, name: str) -> list[tuple[str, str]]:
        return [pair for pair in self._pairs if pair[0].lower() != name.lower()]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(list(self._pairs))

    def __repr__(self) -> str:
        return f"HttpHeaders({list(redact_headers(CIMultiDict(self._pairs)).items())})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("HttpHeaders are not pickled: the pickle could hold secrets")


class HttpRequest:
    """One request to S3: ``method``, ``path`` with its query, ``headers`` and ``body_stream``.

    ``path`` is percent-encoded, as it is on the wire. The host goes into ``headers``.
    ``body_stream`` is a binary file, or whatever else has ``read``.
    """

    __slots__ = ("body_stream", "headers", "method", "path")

    def __init__(
        self,
        method: str = "GET",
        path: str = "/",
        headers: HttpHeaders | None = None,
        body_stream: BinaryStream | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.headers = HttpHeaders() if headers is None else headers
        self.body_stream = body_stream

    def __repr__(self) -> str:
        # Without the headers and the query, in which there may be secrets.
        return f"HttpRequest({self.method!r}, {self.path.partition('?')[0]!r})"


def _checked(name: object, value: object) -> tuple[str, str]:
    if not isinstance(name, str) or not isinstance(value, str):
        raise TypeError(
            f"a header is a pair of str, not of {type(name).__name__} and {type(value).__name__}"
        )
    if not re.fullmatch(_NAME, name):
        raise ValueError(f"{name!r} is no header's name")
    stripped = value.strip(_WHITE_SPACE)
    if re.search(_NOT_IN_VALUES, stripped):
        raise ValueError(f"the value of header {name!r} has a line break in it")
    return name, stripped
