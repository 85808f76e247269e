"""Pages of ListObjectsV2, one after another.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Protocol, TypeVar

from ..engine import Engine
from ..errors import ResponseParseError
from ..models import AwsObjectMeta
from ..protocol.circle import Circle
from ..protocol.listing import Row, parse_listing, parse_rows


class _Page(Protocol):
    @property
    def next_token(self) -> str | None: ...


P = TypeVar("P", bound=_Page)


async def list_objects(
    engine: Engine,
    bucket: str,
    *,
    prefix: str | None = None,
    delimiter: str | None = None,
    max_keys: int | None = None,
    start_after: str | None = None,
    relative_to: str = "",
) -> AsyncGenerator[tuple[list[AwsObjectMeta], list[str]], None]:
    """The objects and common prefixes of each page. An empty page in between is not the end.

    Keys are asked for percent-encoded, so that no character breaks the XML, and come decoded
    (P23), without the prefix *relative_to* that all of them have.
    """
    query = _query(
        ("prefix", prefix),
        ("delimiter", delimiter),
        ("max-keys", max_keys),
        ("start-after", start_after),
    )
    async with aclosing(_pages(engine, bucket, query, parse_listing)) as pages:
        async for page in pages:
            if relative_to:
                cut = len(relative_to)
                yield (
                    [meta._replace(key=meta.key[cut:]) for meta in page.objects],
                    [name[cut:] for name in page.prefixes],
                )
            else:
                yield page.objects, page.prefixes


async def list_rows(
    engine: Engine, bucket: str, *, prefix: str | None = None, max_keys: int | None = None
) -> AsyncGenerator[list[Row], None]:
    """The objects of each page as the server wrote them, but for their keys, which are decoded."""
    query = _query(("prefix", prefix), ("max-keys", max_keys))
    async with aclosing(_pages(engine, bucket, query, parse_rows)) as pages:
        async for page in pages:
            yield page.rows


def _query(*given: tuple[str, str | int | None]) -> list[tuple[str, str]]:
    fixed = [("list-type", "2"), ("encoding-type", "url")]
    return fixed + [(name, str(value)) for name, value in given if value is not None]


async def _pages(
    engine: Engine, bucket: str, query: list[tuple[str, str]], parse: Callable[[bytes], P]
) -> AsyncGenerator[P, None]:
    token: str | None = None
    circle = Circle()
    while True:
        asked = query if token is None else [*query, ("continuation-token", token)]
        answer = await engine.request(
            "ListObjectsV2", "GET", bucket, None, query=tuple(asked), document=True
        )
        page = parse(answer.body or b"")
        yield page
        if page.next_token is None:
            return
        if page.next_token == token or circle.closed_by(page.next_token):
            raise ResponseParseError(f"ListObjectsV2 {bucket}: the pages come in a circle")
        token = page.next_token
