"""From one page of a listing to the request for the next: rules, no requests.

What an operation's pages look like comes from the service model, which names the members of
parameters and pages in a small expression language. Of that language (JMESPath) S3 uses

- ``NextMarker`` and ``A.B``: a member, and a member of a member,
- ``Contents[-1].Key``: one entry of a list, counted from either end,
- ``NextMarker || Contents[-1].Key``: the second where the first is missing or empty,

and waiters of other services ``Items[].State``: the member of every entry. ``evaluate`` knows
these and refuses anything else.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html and the other List… pages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from ..errors import ResponseParseError

_NAME = "[A-Za-z_][A-Za-z0-9_]*"
# Compiled when they are needed: that takes longer than importing the rest of this.
_PATH = rf"{_NAME}(?:\[(?:-?[0-9]+)?\])*(?:\.{_NAME}(?:\[(?:-?[0-9]+)?\])*)*"
_NAMES = rf"{_NAME}(?:\.{_NAME})*"
_STEP = rf"{_NAME}|\[(-?[0-9]*)\]"


class _Every(NamedTuple):
    """The step ``[]``: what comes after it is looked up in every entry."""


_Step = str | int | _Every
"""A member's name, a list's index, or ``[]``."""


class Pager(NamedTuple):
    """How one operation's pages follow each other."""

    input_tokens: tuple[str, ...]
    """The parameters that ask for a page other than the first."""
    output_tokens: tuple[str, ...]
    """Where a page holds their next values: expressions, in the same order."""
    limit: str | None
    """The parameter that limits the entries of one page."""
    more: str | None
    """Where a page says whether another follows: an expression. Without it, a token says so."""
    results: tuple[str, ...]
    """The lists that a page holds, the one that is counted first: names or ``A.B``."""

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Pager:
        """The pager of an operation's entry in the model (``input_token``, ``output_token``,
        ``limit_key``, ``more_results``, ``result_key``); a ``ValueError`` if it is not sound."""
        pager = cls(
            _several(facts["input_token"]),
            _several(facts["output_token"]),
            facts.get("limit_key"),
            facts.get("more_results"),
            _several(facts["result_key"]),
        )
        if not pager.results or not 0 < len(pager.input_tokens) == len(pager.output_tokens):
            raise ValueError(f"pagination: the tokens or results do not fit together: {pager}")
        for expression in (*pager.output_tokens, *filter(None, [pager.more])):
            check_expression(expression)
        for result in pager.results:
            if not re.fullmatch(_NAMES, result):
                raise ValueError(f"pagination: the result {result!r} is not the name of a member")
        return pager


def next_params(
    operation: str, pager: Pager, params: Mapping[str, object], page: Mapping[str, object]
) -> dict[str, object] | None:
    """The parameters of the page that follows *page*, which *params* brought; None at the end.

    Raises ``ResponseParseError`` when the page says that more follow and not how to ask for them,
    or when it names itself as the next one: going on would never end, and stopping would pass
    half a listing off as the whole.
    """
    if pager.more is not None and not evaluate(pager.more, page):
        return None
    # A token that is empty (or 0, for a part number) is how some servers write that there is none.
    tokens = {
        name: evaluate(expression, page) or None
        for name, expression in zip(pager.input_tokens, pager.output_tokens, strict=True)
    }
    if all(token is None for token in tokens.values()):
        if pager.more is None:
            return None
        missing = " or ".join(pager.output_tokens)
        raise ResponseParseError(
            f"{operation}: the page says {pager.more} and has no {missing} to go on from"
        )
    if all(params.get(name) == token for name, token in tokens.items()):
        raise ResponseParseError(
            f"{operation}: the page names itself as the next one: {tokens!s:.200}"
        )
    # A marker that this page does not have must not stay: it belongs to the page before.
    kept = {name: value for name, value in params.items() if name not in tokens}
    return kept | {name: token for name, token in tokens.items() if token is not None}


def entries(page: Mapping[str, object], result: str) -> list[Any]:
    """The entries of one of the page's lists, none if the page has no such list."""
    found = evaluate(result, page)
    return found if isinstance(found, list) else []


def cut(page: Mapping[str, object], result: str, size: int) -> None:
    """Shorten one of the page's lists, in place, to its first *size* entries."""
    del entries(page, result)[size:]


def evaluate(expression: str, value: object) -> Any:
    """What *expression* means in *value*; None if there is no such thing.

    Raises ``ValueError`` for an expression that is not of the few forms above.
    """
    found: object = None
    for path in _parse(expression):
        found = _follow(path, value)
        if found or (found == 0 and found is not False):  # A number is never "empty".
            break
    return found


def check_expression(expression: str) -> None:
    """Raise ``ValueError`` for an expression that ``evaluate`` does not know."""
    _parse(expression)


@lru_cache(maxsize=256)
def _parse(expression: str) -> tuple[tuple[_Step, ...], ...]:
    """The paths of *expression*, of which the first that leads to something counts."""
    paths = [text.strip(" ") for text in expression.split("||")]
    if not all(re.fullmatch(_PATH, path) for path in paths):
        raise ValueError(f"the expression {expression!r} is not of a known form")
    return tuple(tuple(map(_step, re.finditer(_STEP, path))) for path in paths)


def _step(match: re.Match[str]) -> _Step:
    index: str | None = match[1]
    if index is None:
        return match[0]
    return int(index) if index else _Every()


def _follow(path: tuple[_Step, ...], value: object) -> object:
    several = False
    for step in path:
        if isinstance(step, _Every):
            if not isinstance(value, list):
                return None
            lists = [each if isinstance(each, list) else [each] for each in value]
            value = [each for inner in lists for each in inner if each is not None]
            several = True
        elif several and isinstance(value, list):
            found = (_look_up(each, step) for each in value)
            value = [each for each in found if each is not None]
        else:
            value = _look_up(value, step)
    return value


def _look_up(value: object, step: str | int) -> object:
    if isinstance(step, str):
        return value.get(step) if isinstance(value, Mapping) else None
    if isinstance(value, list) and -len(value) <= step < len(value):
        return value[step]
    return None


def _several(names: str | list[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)
