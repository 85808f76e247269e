"""One side of a sync: the objects under a prefix, in the order of their names' bytes.

S3 and the servers like it list in that order, and are read page by page. Directory buckets do
not (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html), so their listings
are sorted through a file on disk first. So are those whose first page is out of order, whatever
the server. Disorder that only shows later cannot be put right, as the names before it were dealt
with already: ``merged`` refuses it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

from ...engine import Engine
from ...errors import ResponseParseError
from ...protocol.endpoints.directory import is_directory
from ..listing import list_objects
from .entries import Batches, Entry, in_order, sort_key
from .ordering import ordered

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


async def listed(engine: Engine, bucket: str, prefix: str) -> AsyncGenerator[list[Entry], None]:
    """The objects whose keys begin with *prefix*, named without it, in order.

    Nothing is left out: keys that end in a slash are entries too, and the key that is *prefix*
    itself is the entry ``""``. Raises what a listing raises, and ``ResponseParseError`` for a key
    that does not begin with *prefix*.
    """
    async with aclosing(_pages(engine, bucket, prefix)) as pages:
        first: list[Entry] = await anext(pages, [])
        if is_directory(bucket) or not in_order([sort_key(entry.name) for entry in first]):
            async with aclosing(ordered(_after(first, pages))) as batches:
                async for batch in batches:
                    yield batch
            return
        yield first
        async for page in pages:
            yield page


async def _after(first: list[Entry], rest: Batches) -> AsyncGenerator[list[Entry], None]:
    yield first
    async for batch in rest:
        yield batch


async def _pages(engine: Engine, bucket: str, prefix: str) -> AsyncGenerator[list[Entry], None]:
    cut = len(prefix)
    async with aclosing(list_objects(engine, bucket, prefix=prefix or None)) as pages:
        async for objects, _ in pages:
            for meta in objects:
                if not meta.key.startswith(prefix):
                    raise ResponseParseError(
                        f"ListObjectsV2 {bucket}: {meta.key!r} does not begin with {prefix!r}"
                    )
            if objects:
                yield [
                    Entry(meta.key[cut:], meta.size, nanoseconds(meta.last_modified), meta.etag)
                    for meta in objects
                ]


def nanoseconds(time: datetime) -> int:
    """Since 1970; exact, as floating point is not."""
    return (time - _EPOCH) // _MICROSECOND * 1_000
