"""What the server says of a file.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
"""

from __future__ import annotations

from collections.abc import Mapping

from ..engine import Engine
from ..errors import ResponseParseError
from ..protocol.header_values import decode_words
from ..protocol.timestamps import parse_http_date
from .models import StoredFile

_METADATA = "x-amz-meta-"


async def head(engine: Engine, bucket: str, name: str, key: str) -> StoredFile:
    """The file that the bucket has as *name* and its user calls *key*. Raises S3's errors."""
    answer = await engine.request("HeadObject", "HEAD", bucket, name)
    headers = answer.response.headers
    length = headers.get("Content-Length", "")
    if not (length.isascii() and length.isdigit()):
        raise ResponseParseError(f"HeadObject {bucket}/{name}: its Content-Length is {length!r}")
    return StoredFile(
        key=key,
        size=int(length),
        content_type=headers.get("Content-Type"),
        etag=unquoted(headers.get("ETag")),
        last_modified=parse_http_date(headers.get("Last-Modified", "")),
        metadata=_metadata(headers),
    )


def unquoted(etag: str | None) -> str | None:
    """An ETag without its quotes."""
    return None if etag is None else etag.strip('"')


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    """By names in lower case: some servers write them with capitals."""
    found: dict[str, str] = {}
    for header, value in headers.items():
        name = header.lower()
        if name.startswith(_METADATA):
            name = name.removeprefix(_METADATA)
            found[name] = f"{found[name]},{value}" if name in found else value
    return {name: decode_words(value) for name, value in found.items()}
