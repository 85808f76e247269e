"""The pages of a listing, one request each, asked for as they are wanted."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from ..errors import ParamValidationError, ResponseParseError
from ..protocol.circle import Circle
from ..protocol.customs import decoded
from ..protocol.pagination import Pager, cut, entries, next_params

Page = TypeVar("Page", bound=Mapping[str, object])

_KNOWN = ("MaxItems", "PageSize", "StartingToken")


class Paginator(AsyncIterable[Page], Generic[Page]):
    """The pages of one listing::

        async for page in client.api.paginate("list_objects_v2", Bucket="b"):
            print(page["KeyCount"])

        async for entry in client.api.paginate("list_objects_v2", Bucket="b").items():
            print(entry["Key"])

    One page is asked for at a time, and the next only when it is wanted. Iterating again asks
    from the start again.

    Among the *params* may be boto3's ``PaginationConfig``, a mapping of

    - ``PageSize``: entries of a page at most (the operation's own ``MaxKeys``, ``MaxParts``, …),
    - ``MaxItems``: stop after this many entries of the first list (``Contents``, ``Versions``, …);
      the last page is cut there, its other lists (``CommonPrefixes``) are neither counted nor cut,
    - ``StartingToken``: the token to begin with, as a page gave it (``NextContinuationToken``).

    Raises ``ParamValidationError`` for other settings, before anything is sent: at once, or when
    iterated, for those that this operation does not have. While iterating, what the operation
    raises, and ``ResponseParseError`` when the server says that more pages
    follow but not which, or sends the same page for ever.
    """

    __slots__ = ("_call", "_operation", "_pager", "_params", "_settings")

    def __init__(
        self,
        call: Callable[[dict[str, object]], Awaitable[Page]],
        pager: Callable[[], Awaitable[Pager]],
        operation: str,
        params: Mapping[str, object],
    ) -> None:
        # The pager is asked for while iterating: the model that it comes from may have to be read.
        self._call = call
        self._pager = pager
        self._operation = operation
        self._params = dict(params)
        self._settings = _settings(operation, self._params.pop("PaginationConfig", {}))

    async def __aiter__(self) -> AsyncIterator[Page]:
        pager = await self._pager()
        params: dict[str, object] | None = self._first_params(pager)
        left = self._settings.max_items
        circle = Circle()
        while params is not None:
            page = await self._call(dict(params))
            if left is not None:
                cut(page, pager.results[0], left)
                left -= len(entries(page, pager.results[0]))
            yield page
            if left == 0:
                return
            # Keys that the caller wants encoded are sent back as they are: S3 decodes no marker.
            encoded = params.get("EncodingType") is not None
            last = decoded(self._operation, page) if encoded else page
            params = next_params(self._operation, pager, params, last)
            if params is not None and circle.closed_by(params):
                raise ResponseParseError(f"{self._operation}: the pages come in a circle")

    async def items(self, name: str | None = None) -> AsyncIterator[Any]:
        """The entries of all pages: of their first list (``Contents``, ``Versions``, ``Parts``,
        …), or of the one called *name* (``CommonPrefixes``).

        Raises ``ValueError`` when the pages have no such list, before anything is sent."""
        results = (await self._pager()).results
        if name is None:
            name = results[0]
        elif name not in results:
            raise ValueError(
                f"{self._operation}: the pages have no {name!r}, they have {', '.join(results)}"
            )
        async for page in self:
            for entry in entries(page, name):
                yield entry

    def _first_params(self, pager: Pager) -> dict[str, object]:
        params = dict(self._params)
        problems: list[str] = []
        if self._settings.page_size is not None:
            if pager.limit is None:
                problems.append("PaginationConfig.PageSize: this operation limits no page")
            else:
                params[pager.limit] = self._settings.page_size
        if self._settings.token is not None:
            token, *others = pager.input_tokens
            if others:
                names = ", ".join(pager.input_tokens)
                problems.append(f"PaginationConfig.StartingToken: give {names} instead")
            params[token] = self._settings.token
        if problems:
            raise ParamValidationError(self._operation, problems)
        return params


class _Settings(NamedTuple):
    max_items: int | None
    page_size: int | None
    token: object
    """Its type is judged with the other parameters: a part number is an integer."""


def _settings(operation: str, config: object) -> _Settings:
    """What boto3's ``PaginationConfig`` says, or ``ParamValidationError`` with all its faults."""
    if not isinstance(config, Mapping):
        problem = f"PaginationConfig is {type(config).__name__}, not a mapping"
        raise ParamValidationError(operation, [problem])
    given = {name: value for name, value in config.items() if value is not None}
    problems = [f"PaginationConfig.{name} is not known" for name in given if name not in _KNOWN]
    for name, least in (("MaxItems", 0), ("PageSize", 1)):
        value = given.get(name, least)
        if isinstance(value, str) and re.fullmatch("[0-9]{1,18}", value):
            value = given[name] = int(value)  # boto3 takes numbers as text too.
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            problems.append(
                f"PaginationConfig.{name} is {value!r:.100}, not an integer from {least} on"
            )
    if problems:
        raise ParamValidationError(operation, problems)
    return _Settings(*map(given.get, _KNOWN))
