"""PUT_OBJECT: one request up to the threshold, a multipart upload above it.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from multidict import CIMultiDict

from ..config import TransferConfig
from ..protocol.extra_args import upload_of
from ..protocol.xml import parse_complete
from ..transfer.content_type import NONE_GIVEN
from ..transfer.store import Store
from ..transport.answer import Answer
from .bodies import up_to, wrong_length
from .plain import send_one
from .work import Pairs, Result, Work, is_named, pairs_of


async def put_object(work: Work) -> Result:
    """Upload the file, or what ``body_stream`` gives."""
    target = work.target
    if target.query or (work.body is None and work.send_path is None):
        # A part of somebody's upload, a link; or nothing at all. Neither can be cut.
        return await send_one(work)
    made: list[Answer] = []
    async with work.meter() as meter:
        store = Store(
            work.engine,
            target.bucket,
            work.key,
            upload_of(_headers(work)),
            _config(work),
            meter,
            budget=work.budget,
            answered=made.append,
        )
        if work.send_path is not None:
            path = Path(work.send_path)
            await _check_size(path, target.content_length)
            await store.from_path(path, "send_filepath")
        else:
            assert work.body is not None
            await store.from_data(await up_to(work.body, target.content_length))
    (answer,) = made
    await work.callbacks.headers(answer.response.status, _answered(answer))
    return Result(answer.response.status)


def _headers(work: Work) -> CIMultiDict[str]:
    headers = work.target.headers.copy()
    # The name tells nobody here what it is of: what S3 says of such an object is said.
    headers.setdefault("Content-Type", NONE_GIVEN)
    return headers


def _config(work: Work) -> TransferConfig:
    limits, checksum = work.limits, work.checksum
    config = TransferConfig(
        multipart_threshold=limits.threshold + 1,  # That size itself is one request.
        max_concurrency=limits.connections,
        multipart_chunksize=limits.part_size,
        checksum=checksum if checksum is not None and checksum.algorithm is not None else None,
    )
    # What is announced may take larger parts, which a stream's own length would not tell in time.
    part_size = config.part_size_for(work.target.content_length)
    return replace(
        config, multipart_chunksize=part_size, memory_limit=max(limits.memory, part_size)
    )


async def _check_size(path: Path, announced: int | None) -> None:
    if announced is not None:
        size = (await asyncio.to_thread(path.stat)).st_size
        if size != announced:
            raise wrong_length(announced, size)


def _answered(answer: Answer) -> Pairs:
    """The headers of the answer that made the object, the ETag of its document among them."""
    pairs = pairs_of(answer.response)
    if answer.request.operation == "CompleteMultipartUpload" and answer.body:
        etag = parse_complete(answer.body).etag
        if etag and not any(is_named(pair, "etag") for pair in pairs):
            pairs.append(("ETag", etag))
    return pairs
