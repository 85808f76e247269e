"""One operation, called: parameters in, members of the answer out.

::

    params ──> customs.completed ──> serialize ──> Engine.send ──┬──> parse ──> customs.finished
                                                       ^         │
                       the body's data ──> transfer/put.py       └──> body.py, events.py: streams
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping
from functools import partial
from io import TextIOBase
from pathlib import Path
from typing import Any, cast

from ..engine import Engine
from ..errors import ParamValidationError
from ..protocol.customs import ALWAYS_ANSWERED, completed, copied_object, finished
from ..protocol.model.shapes import Model, Operation, Shape
from ..protocol.restxml.request import serialize
from ..protocol.restxml.response import parse
from ..protocol.timestamps import parse_http_date
from ..protocol.xml import unexpected
from ..request import Request
from ..transfer.copy import CopySource, copied_before
from ..transfer.doubt import completed_before, is_in_doubt
from ..transfer.expected import held_by_default
from ..transfer.put import send_data
from ..transfer.ranged import closed_on_error
from ..transport.answer import Answer
from ..transport.shielding import threaded
from ..transport.source import SourceData
from .body import StreamingBody
from .events import EventStream
from .loading import s3_model
from .request import is_bucket, with_bucket
from .result import Output

_COMPLETE = "CompleteMultipartUpload"
_DOUBTED = {_COMPLETE: b"<CompleteMultipartUploadResult/>", "CopyObject": b"<CopyObjectResult/>"}
"""Whose object is asked for when the answer was lost (PutObject's is where its body is sent), and
the document that a HeadObject then lacks."""
_BODIES = (Path, AsyncIterable, Iterable)
_LARGE = 2 * 1024 * 1024
"""Bytes of a document that is read in a thread: the event loop would stand still for 0.2 s."""


class Caller:
    """Calls S3's operations by name, through one engine."""

    __slots__ = ("_engine",)

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def call(self, name: str, params: Mapping[str, Any]) -> Output:
        """Call the operation *name* (``PutBucketCors``) with boto3's parameters.

        A client that is bound to a bucket may leave ``Bucket`` out. Keys are whole keys, whatever
        prefix the client's URL has. Raises ``ParamValidationError`` before anything is sent, and
        S3's typed errors.
        """
        model = await s3_model()
        operation = model.operation(name)
        given = completed(
            operation,
            with_bucket(self._engine, operation, params),
            ask_for_checksums=held_by_default(self._engine.config),
        )
        data = given.pop(operation.stream, None) if operation.stream else None
        request = serialize(operation, given)
        answer = await self._send(operation, request, data)
        if answer.failed and name in _DOUBTED:
            made = await self._made(operation, given, answer)
            if made is not None:
                return made
        answer.raise_for_status()
        with closed_on_error(answer):
            if len(answer.body or b"") > _LARGE:
                return await threaded(partial(self._output, model, operation, params, answer))
            return self._output(model, operation, params, answer)

    async def _made(
        self, operation: Operation, given: Mapping[str, Any], refused: Answer
    ) -> Output | None:
        """What a Complete or a copy made whose answer was lost (P10, P11)."""
        found: Answer | None = None
        if operation.name == _COMPLETE:
            parts = (given.get("MultipartUpload") or {}).get("Parts") or ()
            etags = [part.get("ETag") or "" for part in parts]
            found = await completed_before(self._engine, refused, etags)
        elif is_in_doubt(refused):
            source = CopySource(*copied_object(given["CopySource"]))
            if is_bucket(source.bucket):
                found = await copied_before(self._engine, source, refused)
        if found is None:
            return None
        headers = found.response.headers
        document = _DOUBTED[operation.name]
        members = parse(operation, found.response.status, headers, document)
        result: dict[str, object] = {"ETag": headers["ETag"]}
        if operation.name == _COMPLETE:
            return Output(
                {**members, **result, "Bucket": given["Bucket"], "Key": given["Key"]}, found
            )
        if (modified := parse_http_date(headers.get("Last-Modified", ""))) is not None:
            result["LastModified"] = modified
        return Output({**members, "CopyObjectResult": result}, found)

    async def _send(self, operation: Operation, request: Request, data: object) -> Answer:
        if not operation.stream:
            return await self._engine.send(request)
        text = request.headers.get("Content-Length")
        if text is not None:
            headers = request.headers.copy()
            del headers["Content-Length"]  # aiohttp's own to set, from the data.
            request = request._replace(headers=headers)
        length = int(text) if text is not None else None
        if data is None and not length:
            return await send_data(self._engine, request, None, None)
        problem = _problem_of(operation.stream, b"" if data is None else data, length)
        if problem:
            raise ParamValidationError(operation.name, [problem])
        return await send_data(self._engine, request, cast(SourceData, data), length)

    def _output(
        self, model: Model, operation: Operation, given: Mapping[str, Any], answer: Answer
    ) -> Output:
        response = answer.response
        if answer.request.operation == _COMPLETE:
            # A stream of unknown length became an upload in parts.
            operation = model.operation(_COMPLETE)
        body = answer.body or b""
        if operation.name in ALWAYS_ANSWERED and not body.strip():
            raise unexpected(body, operation.name, "it is empty")
        parsed = parse(operation, response.status, response.headers, body)
        members = finished(operation, given, response.headers, parsed)
        if operation.output is not None and operation.streams:
            name = operation.output.payload
            members[name] = self._streamed(operation.output.members[name], answer)
        elif answer.body is None:
            response.release()
        return Output(members, answer)

    def _streamed(self, payload: Shape, answer: Answer) -> EventStream | StreamingBody:
        if payload.events:
            return EventStream(self._engine, answer, payload)
        return StreamingBody(self._engine, answer)


def _problem_of(name: str, data: object, length: int | None) -> str:
    """Why *data* cannot be the body called *name*, or nothing."""
    if length is not None and length < 0:
        return f"ContentLength must not be negative: {length}"
    if isinstance(data, str | bytes | bytearray | memoryview):
        size = len(data.encode()) if isinstance(data, str) else memoryview(data).nbytes
        wrong = length is not None and length != size
        return f"ContentLength is {length}, but {name} has {size} bytes" if wrong else ""
    if isinstance(data, TextIOBase):
        return f"{name} is a file that is open as text; open it with mode 'rb'"
    is_data = isinstance(data, _BODIES) or hasattr(data, "read")
    if isinstance(data, Mapping) or not is_data:
        kind = type(data).__name__
        return f"{name} must be bytes, a str, a file, a Path or a stream of bytes, not {kind}"
    return ""
