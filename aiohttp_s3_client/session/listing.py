"""A listing, object by object, and through JMESPath where that is asked for.

https://jmespath.org/specification.html
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, TypeAlias

from ..arguments import bound_bucket
from ..calls import Calls
from ..config import check_not_negative, check_positive
from ..engine import Engine
from ..protocol.listing import Row
from ..transfer.listing import list_rows
from .outputs import S3Object

Search: TypeAlias = Callable[[list[S3Object]], list[Any]]
"""From the objects of a page to what is to be given out of it."""

PAGE_SIZE = 1000
"""Objects of a page at most: S3's limit."""

try:
    # Here, since a search within the event loop is no time to read files; and optional.
    _jmespath: Any = importlib.import_module("jmespath")
except ImportError:
    _jmespath = None


def list_objects(
    calls: Calls,
    bucket: str,
    prefix: str,
    search_query: str | None,
    max_items: int | None,
    page_size: int | None,
) -> AsyncGenerator[S3Object, None]:
    """See ``S3Session.list_files``. The arguments are checked now, nothing is sent before the
    first object is asked for."""
    engine = calls._engine
    place = bound_bucket(engine.endpoint, bucket)
    if not isinstance(prefix, str):
        raise TypeError(f"prefix must be a str, not {prefix!r}")
    if max_items is not None:
        check_not_negative("max_items", max_items)
    if page_size is not None:
        check_positive("page_size", page_size)
    search = None if search_query is None else _compiled(search_query)
    if search is None and max_items is not None:
        page_size = max(1, min(max_items, page_size or PAGE_SIZE))  # No more than is wanted.
    return _objects(engine, place, prefix, search, max_items, page_size)


async def _objects(
    engine: Engine,
    bucket: str,
    prefix: str,
    search: Search | None,
    max_items: int | None,
    page_size: int | None,
) -> AsyncGenerator[S3Object, None]:
    left = max_items
    if left == 0:
        return
    pages = list_rows(engine, bucket, prefix=prefix or None, max_keys=page_size)
    async with aclosing(pages):
        async for rows in pages:
            objects = [_object(row) for row in rows]
            for found in objects if search is None else search(objects):
                yield found
                if left is not None:
                    left -= 1
                    if not left:
                        return


def _object(row: Row) -> S3Object:
    etag, key, last_modified, size, storage_class = row
    found: S3Object = {"Key": key, "LastModified": last_modified, "Size": int(size)}
    if etag:
        found["ETag"] = etag
    if storage_class:
        found["StorageClass"] = storage_class
    return found


def _compiled(query: str) -> Search:
    """*query* as a function. Raises ``ImportError`` without the package, ``ValueError``."""
    if not isinstance(query, str):
        raise TypeError(f"search_query must be a str, not {query!r}")
    if _jmespath is None:
        raise ImportError(
            "search_query needs the jmespath package: pip install 'aiohttp-s3-client[jmespath]'"
        )
    try:
        expression = _jmespath.compile(query)
    except ValueError as error:  # All errors of jmespath are.
        raise ValueError(f"search_query: {query!r} is no JMESPath: {error}") from error

    def search(objects: list[S3Object]) -> list[Any]:
        try:
            found = expression.search({"Contents": objects})
        except ValueError as error:
            raise ValueError(f"search_query: {query!r} cannot be evaluated: {error}") from error
        if isinstance(found, list):
            return found
        return [] if found is None else [found]

    return search
