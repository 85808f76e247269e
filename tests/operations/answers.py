"""Answers that an operation may get, made by chance from botocore's own reading of its output."""

from __future__ import annotations

import re
from random import Random

from botocore.model import OperationModel

from ..protocol.rest_xml_answers import Writer
from ..protocol.test_event_stream import event
from .wire import Canned

_POLICY = b'{"Version": "2012-10-17"}'
_NUMBERS = b"<BytesScanned>30</BytesScanned><BytesProcessed>20</BytesProcessed>"
EVENTS = b"".join(
    (
        event("Records", b"0,0\n"),
        event("Cont"),
        event("Progress", b"<Progress>%s</Progress>" % _NUMBERS),
        event("Records", b"1,1\n"),
        event("Stats", b"<Stats>%s</Stats>" % _NUMBERS),
        event("End"),
    )
)
_OF_THE_BODY = ("content-length", "content-range", "x-amz-checksum-")
"""Headers that say something of the body's bytes, which has to be true."""


def answer_to(operation: OperationModel, random: Random) -> Canned:
    """A success of *operation*, with some of its members."""
    shape = operation.output_shape
    body = b""
    headers = {"x-amz-request-id": "REQUEST", "x-amz-id-2": "host+id="}
    if shape is not None:
        writer = Writer(random)
        body = _body(operation, writer)
        is_stream = operation.has_streaming_output or operation.has_event_stream_output
        for name, text in writer.headers(shape).items():
            about_body = name.lower().startswith(_OF_THE_BODY)
            if not about_body or (not is_stream and name.lower() != "content-length"):
                headers[name] = text
    is_head = operation.http["method"] == "HEAD"
    headers["Content-Length"] = str(random.choice((0, 7, 5 * 2**40)) if is_head else len(body))
    return Canned(200, headers, body)


def _body(operation: OperationModel, writer: Writer) -> bytes:
    shape, random = operation.output_shape, writer.random
    if operation.http["method"] == "HEAD":
        return b""
    if operation.name == "GetBucketLocation":
        region = random.choice(("", "EU", "eu-west-1"))
        return f'<LocationConstraint xmlns="http://a.b/">{region}</LocationConstraint>'.encode()
    if operation.has_event_stream_output:
        return EVENTS
    assert shape is not None
    payload = shape.serialization.get("payload")
    root = shape.members[payload] if payload else shape
    if root.type_name == "blob":
        return random.randbytes(random.choice((0, 1, 5000)))
    if root.type_name == "string":
        return _POLICY
    document = writer.document(root)
    encoding = random.choice((b"url", b"url", b""))
    return re.sub(rb"(EncodingType>)[^<]*(</)", rb"\g<1>" + encoding + rb"\2", document)
