"""Pages of ListObjectsV2, one after another.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from ..engine import Engine
from ..errors import ResponseParseError
from ..models import AwsObjectMeta
from ..protocol.listing import parse_listing


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
    fixed = [("list-type", "2"), ("encoding-type", "url")]
    for name, value in (
        ("prefix", prefix),
        ("delimiter", delimiter),
        ("max-keys", None if max_keys is None else str(max_keys)),
        ("start-after", start_after),
    ):
        if value is not None:
            fixed.append((name, value))
    token: str | None = None
    while True:
        query = fixed if token is None else [*fixed, ("continuation-token", token)]
        answer = await engine.request(
            "ListObjectsV2", "GET", bucket, None, query=tuple(query), document=True
        )
        page = parse_listing(answer.body or b"")
        if relative_to:
            cut = len(relative_to)
            yield (
                [meta._replace(key=meta.key[cut:]) for meta in page.objects],
                [name[cut:] for name in page.prefixes],
            )
        else:
            yield page.objects, page.prefixes
        if not page.is_truncated:
            return
        if page.next_token is None or page.next_token == token:
            raise ResponseParseError(
                f"ListObjectsV2 {bucket}: the page is truncated and names no next one"
            )
        token = page.next_token
