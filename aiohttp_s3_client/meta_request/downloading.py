"""GET_OBJECT: the object in ranges, side by side, as one answer.

::

    on_body         stream.py: ranges within the budget ──> given out in order
    recv_filepath   download.py: each range into its place beside the file ──> rename
    a part, or ranges that are not one ──> plain.py, as one request

The ``Range`` of the request is cut into ranges too. What the first answer says is told as the
answer to the whole request.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import aiohttp
from multidict import CIMultiDict

from ..arguments import destination_path
from ..config import KIB
from ..errors import ResponseParseError
from ..protocol.ranges import ByteRange, content_range
from ..transfer.download import DownloadOptions, download_file
from ..transfer.progress import ProgressMeter
from ..transfer.ranged import ReadingOptions, ReadOptions
from ..transfer.stream import ObjectStream
from ..transport.disk import Disk
from ..transport.shielding import finished
from ..transport.sink import open_sink
from .callbacks import Callbacks
from .plain import send_one
from .values import S3ChecksumAlgorithm
from .work import Pairs, Result, Work, is_named, pairs_of

_TRIES = 5
"""How often a range is asked for without one new byte arriving."""
_BUFFER_SIZE = 256 * KIB
_AHEAD = 2
"""How many ranges of each connection may wait to be given out."""
_FROM_START = r"bytes=([0-9]{1,18})-([0-9]{1,18})?"
_FROM_END = r"bytes=-([0-9]{1,18})"


class _Answer:
    """Tells of the first answer as of the one to the whole request."""

    def __init__(self, callbacks: Callbacks, wanted: ByteRange | None) -> None:
        self._callbacks = callbacks
        self._wanted = wanted
        self._status = 0
        self._algorithm: S3ChecksumAlgorithm | None = None

    async def opened(self, response: aiohttp.ClientResponse) -> None:
        self._status, headers = _as_asked(response, self._wanted)
        await self._callbacks.headers(self._status, headers)

    def verified(self, algorithm: str) -> None:
        # An ETag that is an MD5 is no checksum in the words of S3.
        self._algorithm = S3ChecksumAlgorithm.__members__.get(algorithm)

    @property
    def result(self) -> Result:
        return Result(self._status, self._algorithm)


async def get_object(work: Work) -> Result:
    """Download the object, into the file or to ``on_body``."""
    headers = work.target.headers.copy()
    asked = headers.get("Range")
    if any(name == "partNumber" for name, _ in work.target.query):
        return await send_one(work)
    wanted = None
    if asked is not None:
        headers.popall("Range")
        wanted = await _wanted(work, asked, headers)
        if wanted is None:  # S3 says what it makes of it.
            return await send_one(work)
    answer = _Answer(work.callbacks, wanted)
    read = ReadOptions(
        headers=headers, tries=_TRIES, options={}, query=work.target.query, witness=answer
    )
    if work.receive_path is None:
        await _stream(work, read, wanted)
    elif wanted is None:
        await _download(work, read, await _destination(work.receive_path))
    else:
        await _write(work, read, wanted, await _destination(work.receive_path))
    return answer.result


async def _wanted(work: Work, asked: str, headers: CIMultiDict[str]) -> ByteRange | None:
    """The one range that *asked* means; None for what is not one."""
    if match := re.fullmatch(_FROM_START, asked):
        start = int(match[1])
        stop = int(match[2]) + 1 if match[2] else sys.maxsize
        return ByteRange(start, stop) if start < stop else None
    match = re.fullmatch(_FROM_END, asked)
    if match is None or not int(match[1]):
        return None
    total = await _size(work, headers)
    return ByteRange(max(0, total - int(match[1])), total) if total else None


async def _size(work: Work, headers: CIMultiDict[str]) -> int:
    """The object's size; *headers* hold what follows to the object that has it."""
    target = work.target
    answer = await work.engine.request(
        "HeadObject", "HEAD", target.bucket, work.key, query=target.query, headers=headers.copy()
    )
    length, etag = answer.response.content_length, answer.response.headers.get("ETag", "W/")
    if length is None:
        raise ResponseParseError(f"HeadObject {target.bucket}/{work.key}: no Content-Length")
    if not etag.startswith("W/"):
        headers.setdefault("If-Match", etag)
    return length


# Where it goes


async def _stream(work: Work, read: ReadOptions, wanted: ByteRange | None) -> None:
    async with work.meter() as meter:
        stream = _object(work, read, wanted, meter)
        offset = 0 if wanted is None else wanted.start
        async with stream:
            async for piece in stream:
                await work.callbacks.body(piece, offset)
                offset += len(piece)


async def _write(work: Work, read: ReadOptions, wanted: ByteRange, destination: Path) -> None:
    """A range of the object as the whole file, which appears when it is complete."""
    disk = Disk()
    sink = await open_sink(destination, disk)
    size = 0
    try:
        async with work.meter() as meter:
            async with _object(work, read, wanted, meter) as stream:
                async for piece in stream:
                    await sink.write(size, piece)
                    size += len(piece)
        await sink.commit(size)
    finally:
        await finished(sink.discard())


def _object(
    work: Work, read: ReadOptions, wanted: ByteRange | None, meter: ProgressMeter
) -> ObjectStream:
    limits = work.limits
    how = ReadingOptions(
        read=read,
        range_size=limits.part_size,
        workers=limits.connections,
        # Not all that there is: others go on beside it, and callbacks may wait for them.
        memory=min(limits.memory, _AHEAD * limits.connections * limits.part_size),
        verify=work.verifies,
        budget=work.budget,
    )
    return ObjectStream(work.engine, work.target.bucket, work.key, how, wanted=wanted, meter=meter)


async def _download(work: Work, read: ReadOptions, destination: Path) -> None:
    limits = work.limits
    how = DownloadOptions(
        read=read,
        range_size=limits.part_size,
        workers=limits.connections,
        buffer_size=_BUFFER_SIZE,
        verify=work.verifies,
        budget=work.budget,
    )
    await download_file(work.engine, work.target.bucket, work.key, destination, how, work.meter())


async def _destination(path: str) -> Path:
    return await asyncio.to_thread(destination_path, path, "recv_filepath")


# What is told of it


def _as_asked(response: aiohttp.ClientResponse, wanted: ByteRange | None) -> tuple[int, Pairs]:
    """Status and headers of *response* as the answer to the request for *wanted*."""
    pairs, said = pairs_of(response), content_range(response.headers)
    if said is None:
        total = response.content_length
    else:
        total = said.total if said.total is not None else said.sent.stop
    if total is None or (wanted is not None and not total):
        return response.status, pairs
    part = ByteRange(0, total)
    if wanted is not None:
        part = ByteRange(wanted.start, min(wanted.stop, total))
    if said is not None and said.sent != part:
        # Those of a part say nothing of what was asked for.
        pairs = [pair for pair in pairs if not pair[0].lower().startswith("x-amz-checksum-")]
    pairs = [
        pair
        for pair in pairs
        if not is_named(pair, "content-length") and not is_named(pair, "content-range")
    ]
    if wanted is not None:
        pairs.append(("Content-Range", f"bytes {part.start}-{part.stop - 1}/{total}"))
    pairs.append(("Content-Length", str(part.size)))
    return (200 if wanted is None else 206), pairs
