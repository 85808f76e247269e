"""One PUT (or any request with a body), whatever the user hands over as data."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import BinaryIO, cast

from ..config import DEFAULT_PART_SIZE, DEFAULT_WORKERS
from ..engine import Engine
from ..errors import AwsUploadError
from ..protocol.crc import Buffer
from ..request import Body, Request
from ..transport.answer import Answer
from ..transport.openfile import open_file
from ..transport.source import (
    BytesSource,
    FileSource,
    SourceData,
    StreamSource,
    as_stream,
    is_seekable,
    seekable_source,
)
from .cutting import PartCutter
from .doubt import is_conditional, is_in_doubt, written_before
from .progress import ProgressMeter
from .upload import UploadOptions, send_parts

_ALGORITHM_OF_PUT = "x-amz-sdk-checksum-algorithm"
_ALGORITHM_OF_UPLOAD = "x-amz-checksum-algorithm"
"""What a PutObject and a CreateMultipartUpload call the algorithm of their checksums."""


async def send_data(
    engine: Engine, request: Request, data: SourceData | None, data_length: int | None
) -> Answer:
    """Send *request* with *data* as its body.

    S3 refuses bodies of unknown length, so a stream without *data_length* is gathered up to one
    part; when there is more, a PutObject becomes a multipart upload. Raises ``ValueError`` for
    such a stream in any other request, and for a *data_length* that the data contradicts.
    """
    engine.session()  # Before anything is taken from the data: it may come only once.
    if data_length is not None and data_length < 0:
        raise ValueError(f"data_length must not be negative: {data_length}")
    if data is None:
        return await send_body(engine, request, BytesSource(b""))
    if isinstance(data, Path):
        with closing(await open_file(data, "data")) as file:
            return await _send(engine, request, FileSource(file, 0, file.size), data_length)
    if isinstance(data, str):
        return await _send(engine, request, BytesSource(data.encode()), data_length)
    if isinstance(data, bytes | bytearray | memoryview):
        return await _send(engine, request, BytesSource(cast(Buffer, data)), data_length)
    if is_seekable(data):
        source = await seekable_source(cast(BinaryIO, data))
        return await _send(engine, request, source, data_length)
    stream = as_stream(data)
    if data_length is not None:
        return await engine.send(request._replace(body=StreamSource(stream, data_length)))
    cutter = PartCutter(stream)
    first, whole = await cutter.peek(DEFAULT_PART_SIZE)
    if whole:
        return await _send(engine, request, BytesSource(first), None)
    if request.operation != "PutObject" or request.query or not request.key:
        raise ValueError(
            f"data: {request.operation} takes no stream of unknown length; give data_length"
        )
    return await _in_parts(engine, request, request.key, cutter)


async def _send(engine: Engine, request: Request, body: Body, data_length: int | None) -> Answer:
    if data_length is not None and data_length != body.size:
        raise ValueError(f"data_length={data_length}, but data has {body.size} bytes")
    return await send_body(engine, request, body)


async def send_body(engine: Engine, request: Request, body: Body) -> Answer:
    """Send *request* with a body of known size.

    A conditional PutObject whose answer was lost is refused when it is repeated, because it took
    effect the first time (P11). Then the object is asked for, and when it is what was sent, that
    answer is returned in the place of the 412.
    """
    answer = await engine.send(request._replace(body=body if body.size else None))
    if request.operation != "PutObject" or not is_in_doubt(answer):
        return answer
    md5 = await body.digest("MD5")
    if md5 is None:
        return answer
    return await written_before(engine, answer, md5.hex()) or answer


async def _in_parts(engine: Engine, request: Request, key: str, cutter: PartCutter) -> Answer:
    if request.content_sha256 is not None:
        raise ValueError(
            "content_sha256: the data became a multipart upload, which has no one hash"
        )
    headers = request.headers.copy()
    algorithm = headers.pop(_ALGORITHM_OF_PUT, None)
    if algorithm is not None:
        headers[_ALGORITHM_OF_UPLOAD] = algorithm
    how = UploadOptions(
        headers=headers,
        part_size=DEFAULT_PART_SIZE,
        workers=DEFAULT_WORKERS,
        checksum=request.checksum,
        trailer=request.trailer,
        options=request.options,
    )
    upload = how.start(engine, request.bucket, key)
    created = await upload.begin()
    if created.failed:
        return created
    try:
        answer, _, _ = await send_parts(upload, cutter, how, ProgressMeter())
    except AwsUploadError:
        # That a condition does not hold is told as by any PutObject, whatever the stream's length.
        if upload.refusal is None or not is_conditional(request.headers):
            raise
        return upload.refusal
    return answer
