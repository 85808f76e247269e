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
) -> AsyncGenerator[tuple[list[AwsObjectMeta], list[str]], None]:
    """The objects and common prefixes of each page. An empty page in between is not the end.

    Keys are asked for percent-encoded, so that no character breaks the XML, and come decoded
    (P23).
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
        answer = await engine.request("ListObjectsV2", "GET", bucket, None, query=tuple(query))
        page = parse_listing(await answer.response.read())
        yield page.objects, page.prefixes
        if not page.is_truncated:
            return
        if page.next_token is None or page.next_token == token:
            raise ResponseParseError(
                f"ListObjectsV2 {bucket}: the page is truncated and names no next one"
            )
        token = page.next_token
