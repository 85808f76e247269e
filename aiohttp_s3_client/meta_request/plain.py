"""Any operation as one request: DEFAULT, and what cannot be cut.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

from ..arguments import destination_path
from ..config import MIB
from ..protocol.integrity import wish_of
from ..protocol.operations import is_idempotent
from ..request import Request
from ..transfer.progress import ProgressMeter
from ..transfer.put import send_body
from ..transport.answer import Answer, cut_off
from ..transport.disk import Disk
from ..transport.receive import Landing, Reception, receive
from ..transport.shielding import finished
from ..transport.sink import Sink, open_sink
from .bodies import whole_body
from .callbacks import Callbacks
from .work import Result, Work, pairs_of

_ROOM = MIB
"""What one request holds of its body, or of the answer's, at a time."""


class _Body:
    """Gives ``on_body`` what arrives."""

    file = None

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks

    def view(self, position: int, size: int) -> None:
        return None

    async def write(self, position: int, data: bytes | bytearray | memoryview) -> None:
        await self._callbacks.body(bytes(data), position)


async def send_one(work: Work) -> Result:
    """Send the request and deliver its answer.

    Of every operation but GetObject an answer of 200 is read whole (up to 32 MiB) before it is
    believed, since it may hold an error.
    """
    async with work.budget.holding(_ROOM), work.meter() as meter:
        async with _landing(work) as (landing, sink):
            answer = await _sent(work, meter)
            response = answer.response
            try:
                if answer.failed:
                    raise answer.error()
                await work.callbacks.headers(response.status, pairs_of(response))
                size = await _received(work, answer, landing, meter)
            except BaseException:
                cut_off(response)
                raise
            if sink is not None:
                await sink.commit(size)
    return Result(response.status)


@contextlib.asynccontextmanager
async def _landing(work: Work) -> AsyncGenerator[tuple[Landing, Sink | None], None]:
    """Where the answer's body goes; the file, where it is one that has to be committed."""
    if work.receive_path is None:
        yield _Body(work.callbacks), None
        return
    destination: Path = await asyncio.to_thread(
        destination_path, work.receive_path, "recv_filepath"
    )
    sink = await open_sink(destination, Disk())
    try:
        yield sink, sink
    finally:
        await finished(sink.discard())


async def _sent(work: Work, meter: ProgressMeter) -> Answer:
    target, wish = work.target, wish_of(work.checksum)
    named = work.checksum is not None and work.checksum.algorithm is not None
    head = target.method == "HEAD"
    request = Request(
        operation=work.operation,
        method=target.method,
        bucket=target.bucket,
        key=target.key,
        query=target.query,
        headers=target.headers,
        checksum=wish.checksum if named else True,
        trailer=wish.trailer if named else None,
        idempotent=is_idempotent(target.method, work.operation),
        document=work.operation != "GetObject" and not head,
    )
    reached = meter.part().reached
    async with whole_body(work.send_path, work.body, target.content_length, reached) as body:
        if body is None:
            return await work.engine.send(request._replace(checksum=False))
        return await send_body(work.engine, request, body)


async def _received(work: Work, answer: Answer, landing: Landing, meter: ProgressMeter) -> int:
    """Deliver the body of *answer*; how long it was."""
    if answer.body is not None:
        if answer.body:
            await landing.write(0, answer.body)
            meter.add(len(answer.body))
        answer.response.release()
        return len(answer.body)
    response, part = answer.response, meter.part()
    if answer.request.method == "HEAD":
        response.release()
        return 0
    length = response.content_length
    reception = Reception(landing, Disk(), buffer_size=1)
    size, fault = await receive(
        response, reception, 0, length, exact=length is not None, reached=part.reached
    )
    if fault is not None:
        attempts = work.engine.pipeline.attempts()
        attempts.sends = answer.attempts
        raise work.engine.pipeline.connection_error(answer.request, fault, attempts)
    return size
