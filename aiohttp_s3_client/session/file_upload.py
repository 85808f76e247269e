"""``S3Session.file_upload``: a stream becomes an object, by one PutObject or in parts.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import GeneratorType

import aiohttp

from ..config import (
    DEFAULT_WORKERS,
    MAX_OBJECT_SIZE,
    MIB,
    MIN_PART_SIZE,
    TransferConfig,
    check_int,
    check_part_size,
    check_positive,
)
from ..engine import Engine
from ..models import UploadResult
from ..protocol.extra_args import Translated
from ..transfer.callbacks import check_callback, tell
from ..transfer.progress import ProgressMeter
from ..transfer.store import Store
from ..transport.disk import Disk
from ..transport.source import SourceData, as_stream, is_async_file

OnChunk = Callable[[bytes], object]
"""Told each chunk of the data as it comes. It may be async."""

_MEMORY = 128 * MIB
"""Bytes of parts in flight, unless one part alone is larger."""


async def file_upload(
    engine: Engine,
    bucket: str,
    key: str,
    data: SourceData,
    args: Translated,
    *,
    min_part_size: int = MIN_PART_SIZE,
    on_chunk_received: OnChunk | None = None,
    content_length: int | str | None = None,
) -> UploadResult:
    """Upload what *data* gives: by one PutObject below *min_part_size* bytes, else in parts.

    Parts are of *min_part_size*, which is raised to S3's own minimum of 5 MiB, and larger where
    *content_length* says that 10,000 of them would not do. That is a hint, an int or its digits
    (as a header has them): a wrong one makes the parts larger or smaller than need be, and
    nothing else. Up to 128 MiB of parts are held, or one part where it is larger.

    *data* is an async iterator of bytes; an iterable, a binary file object or bytes will do as
    well. A generator is closed at the end, whatever happens. *on_chunk_received* gets the chunks
    in order, each before it is sent; what it raises, or *data* does, aborts the upload and is
    raised.

    Raises ``ValueError`` or ``TypeError`` for arguments that cannot be, before anything is taken
    from *data*, and S3's typed errors, which are also ``AwsUploadError``.
    """
    engine.session()
    config = _config(min_part_size, content_length)
    check_callback("on_chunk_received", on_chunk_received)
    async with AsyncExitStack() as closing:
        stream = _opened(data, closing)
        if on_chunk_received is not None:
            stream = _told(stream, on_chunk_received)
        meter = await closing.enter_async_context(ProgressMeter())
        return await Store(engine, bucket, key, args, config, meter).from_data(stream)


def _config(min_part_size: int, content_length: int | str | None) -> TransferConfig:
    least = check_part_size(
        "min_part_size", max(check_positive("min_part_size", min_part_size), MIN_PART_SIZE)
    )
    size = _announced(content_length)
    wanted = TransferConfig(multipart_chunksize=least).part_size_for(size)
    return TransferConfig(
        multipart_threshold=least,
        multipart_chunksize=wanted,
        max_concurrency=max(1, min(DEFAULT_WORKERS, _MEMORY // wanted)),
    )


def _announced(content_length: int | str | None) -> int | None:
    """The hint in bytes, no more than S3 takes."""
    if content_length is None or content_length == "":
        return None
    if not isinstance(content_length, str):
        size = check_int("content_length", content_length)
    elif re.fullmatch(r"\s*-?[0-9]+\s*", content_length):
        # Python reads no number of thousands of digits, and so many say enough.
        size = int(content_length.strip()[:600])
    else:
        raise ValueError(f"content_length must be a number of bytes, not {content_length!r:.100}")
    # Some frameworks say -1 of a length that they do not know.
    return None if size < 0 else min(size, MAX_OBJECT_SIZE)


def _opened(data: SourceData, closing: AsyncExitStack) -> AsyncIterator[bytes]:
    """The chunks of *data*; what they come from is left to *closing*, unless it is a file."""
    if isinstance(data, str | Path):
        raise TypeError(f"data: give bytes or an iterator of bytes, not {data!r}")
    if isinstance(data, bytes | bytearray | memoryview):
        return as_stream([bytes(data)])
    if isinstance(data, GeneratorType):
        closing.push_async_callback(Disk().aside, data.close)
    elif (
        isinstance(data, AsyncIterable)
        and not isinstance(data, aiohttp.StreamReader)
        and not is_async_file(data)
    ):
        iterator = aiter(data)
        if isinstance(iterator, AsyncGenerator):
            closing.push_async_callback(iterator.aclose)
        return as_stream(iterator)
    return as_stream(data)


async def _told(stream: AsyncIterator[bytes], on_chunk: OnChunk) -> AsyncIterator[bytes]:
    async for chunk in stream:
        await tell(on_chunk, chunk)
        yield chunk
