"""What of two outcomes of one call has to be the same; ``differences.py`` says what need not."""

from __future__ import annotations

import datetime
import hashlib
import zlib
from base64 import b64encode
from typing import Any
from xml.etree import ElementTree

import botocore.session
from botocore.exceptions import ClientError

from aiohttp_s3_client.errors import AwsError, ParamValidationError
from aiohttp_s3_client.protocol.model.shapes import Operation

from ..protocol.rest_xml_models import s3
from .calls import Values
from .wire import Canned, Outcome, Sent, Wire

BOTOCORE = botocore.session.get_session().get_service_model("s3")
NOT_COMPARED = frozenset(
    {
        "accept", "accept-encoding", "amz-sdk-invocation-id", "amz-sdk-request", "authorization",
        "content-length", "expect", "host", "user-agent", "x-amz-content-sha256", "x-amz-date",
    }
)  # fmt: skip
"""Of the transport and of the signature; sizes and hashes are held to the body instead."""
ABOUT_CHECKSUMS = frozenset(
    {"x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type"}
)
ALGORITHM = "x-amz-sdk-checksum-algorithm"
OBJECT: Values = {"Bucket": "b", "Key": "k"}
PART: Values = {**OBJECT, "PartNumber": 1, "UploadId": "u"}


def assert_same_request(wire: Wire, name: str, params: Values) -> None:
    theirs, ours = (sent_by(outcome) for outcome in wire.both(name, params, plain_answer(name)))
    operation = s3().operation(name)
    assert (ours.method, ours.host, ours.path) == (theirs.method, theirs.host, theirs.path)
    assert ours.query == theirs.query
    assert normal(ours.body) == normal(theirs.body)
    found, expected = compared_headers(ours), compared_headers(theirs)
    if "content-type" not in expected:
        kind = "application/xml" if is_document(operation, ours) else "application/octet-stream"
        assert found.pop("content-type", kind) == kind
    assert found == expected
    assert_protected(operation, params, theirs, ours)


def sent_by(outcome: Outcome) -> Sent:
    assert len(outcome.sent) == 1, outcome.error
    return outcome.sent[0]


def plain_answer(name: str) -> Canned:
    # botocore's own reading of this one takes no empty body.
    return Canned(200, {}, b"<LocationConstraint/>" if name == "GetBucketLocation" else b"")


def is_document(operation: Operation, sent: Sent) -> bool:
    shape = operation.input
    payload = shape.members[shape.payload].kind if shape is not None and shape.payload else ""
    return bool(sent.body) and payload not in ("blob", "string")


def compared_headers(sent: Sent) -> dict[str, str]:
    return {
        name: value
        for name, value in sent.headers.items()
        if not (name in NOT_COMPARED or name == ALGORITHM or is_checksum(name))
    }


def is_checksum(header: str) -> bool:
    begins = header.startswith("x-amz-checksum-") and header not in ABOUT_CHECKSUMS
    return begins or header == "content-md5"


def assert_protected(operation: Operation, params: Values, theirs: Sent, ours: Sent) -> None:
    """What the caller gave is sent; what is computed is right; what S3 needs is there."""
    assert int(ours.headers.get("content-length", "0")) == len(ours.body)
    hashed = ours.headers["x-amz-content-sha256"]
    assert hashed in ("UNSIGNED-PAYLOAD", hashlib.sha256(ours.body).hexdigest())
    if ALGORITHM in ours.headers:
        assert ours.headers[ALGORITHM] == theirs.headers[ALGORITHM]
    else:
        assert not operation.checksum_algorithm or operation.checksum_algorithm not in params
    sent = {name: value for name, value in ours.headers.items() if is_checksum(name)}
    given_by_caller = caller_checksums(operation, params)
    assert given_by_caller.items() <= sent.items()
    for name in sent.keys() - given_by_caller.keys():
        assert sent[name] == computed(name, ours.body), name
    needed = BOTOCORE.operation_model(operation.name).http_checksum
    computed_by_boto3 = {name for name in theirs.headers if is_checksum(name)} - {*given_by_caller}
    if needed.get("requestChecksumRequired"):
        assert sent
    if ALGORITHM in ours.headers:
        assert computed_by_boto3 <= sent.keys()


def caller_checksums(operation: Operation, params: Values) -> dict[str, str]:
    assert operation.input is not None
    named = {name: operation.input.members[name].name.lower() for name in params}
    return {header: params[name] for name, header in named.items() if is_checksum(header)}


def computed(header: str, body: bytes) -> str:
    algorithm = header.rpartition("-")[2]
    if algorithm == "crc32":
        return b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    return b64encode(hashlib.new(algorithm, body).digest()).decode()


def normal(document: bytes) -> Any:
    """A document as nested tuples of names, attributes, text and children; else the bytes."""

    def inside(element: ElementTree.Element) -> Any:
        attributes = sorted(element.attrib.items())
        return element.tag, attributes, element.text or "", [inside(child) for child in element]

    try:
        return inside(ElementTree.fromstring(document))
    except ElementTree.ParseError:
        return document


def without_prefix(name: str, outcome: Outcome) -> Any:
    """The members, but for the one of ListObjects that boto3 leaves encoded."""
    output = normal_output(outcome)
    return {key: output[key] for key in output if (name, key) != ("ListObjects", "Prefix")}


def normal_output(outcome: Outcome) -> Any:
    """The members, with all times in UTC."""

    def inside(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: inside(held) for name, held in value.items()}
        if isinstance(value, list):
            return [inside(held) for held in value]
        if isinstance(value, datetime.datetime):
            has_zone = value.tzinfo is not None
            return (
                value.astimezone(datetime.UTC) if has_zone else value.replace(tzinfo=datetime.UTC)
            )
        return value

    return inside(outcome.output)


def answered(body: bytes, **headers: str) -> Canned:
    named = {"x-amz-request-id": "ID", "x-amz-id-2": "HOST", "Content-Length": str(len(body))}
    return Canned(200, {**named, **headers}, body)


def members(outcome: Outcome) -> dict[str, Any]:
    assert outcome.output is not None, outcome.error
    return {name: value for name, value in outcome.output.items() if name != "ResponseMetadata"}


def error_document(code: str, message: str, more: str = "") -> bytes:
    inside = f"<Code>{code}</Code><Message>{message}</Message>{more}<RequestId>ID</RequestId>"
    return f'<?xml version="1.0"?>\n<Error>{inside}</Error>'.encode()


def assert_same_error(theirs: Outcome, ours: Outcome) -> None:
    assert isinstance(theirs.error, ClientError)
    assert isinstance(ours.error, AwsError)
    said = dict(theirs.error.response["Error"])
    metadata = theirs.error.response["ResponseMetadata"]
    assert (ours.error.code, ours.error.message) == (said.pop("Code"), said.pop("Message"))
    assert ours.error.details == said
    assert ours.error.status == metadata["HTTPStatusCode"]
    assert (ours.error.request_id, ours.error.host_id) == ("ID", "HOST")
    assert ours.error.operation == theirs.error.operation_name


def problems(outcome: Outcome) -> tuple[str, ...]:
    assert isinstance(outcome.error, ParamValidationError), outcome.error
    assert outcome.sent == []
    return outcome.error.problems
