"""Answers read by the model: against botocore, case by case, and under bytes that mean nothing."""

from __future__ import annotations

import json
import math
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import botocore.session
import pytest
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import ResponseParserError, create_parser
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

import aiohttp_s3_client
from aiohttp_s3_client.errors import ResponseParseError
from aiohttp_s3_client.protocol.model.names import OPERATIONS
from aiohttp_s3_client.protocol.model.shapes import Model
from aiohttp_s3_client.protocol.restxml.response import parse, parse_payload
from tools.build_model import compact

from .rest_xml_answers import Writer, description

FACTS = Path(aiohttp_s3_client.__file__).parent / "protocol" / "model" / "s3.json"
S3 = Model(json.loads(FACTS.read_bytes()))
BOTOCORE_S3 = botocore.session.get_session().get_service_model("s3")
NOON = datetime(2014, 4, 29, 18, 30, 38, tzinfo=UTC)
CHANCE = st.randoms(use_true_random=False)

DIFFERENCES = """
What we do otherwise than botocore's parser, on purpose.

- GetBucketLocation: the parser finds nothing, since the region is the text of the root; botocore
  mends that afterwards, and so here it is compared with what boto3's users get.
- A body that is empty where a document has to be: botocore makes {} of it, which then looks like
  a configuration without settings; here it is a ResponseParseError.
- A union with no member: botocore refuses the whole answer; here it is {}.
- Times without a zone are UTC, and all are in UTC; botocore leaves them naive and as they come.
- Booleans are true, false, 1 or 0 in any case; botocore takes all but "true" for False, which
  would end a listing before its end.
- Header lists: quoted items, times with commas and several headers of one name are understood.
- An element where there should be one and there are more: the first counts for every type, also
  where botocore fails; an element within a text is passed over.
- Entries of maps that have an unknown element besides key and value, or lack one of the two.
- An Expires header that is no time is left out; botocore does that before it parses.
- Error in a 2xx is an error; botocore leaves that to a list of operations.
"""


def outcome_of_botocore(
    operation: OperationModel, status: int, headers: dict[str, str], body: bytes
) -> Any:
    response = {"status_code": status, "headers": headers, "body": body, "context": {}}
    lowered = CIMultiDict(headers)
    response["headers"] = lowered
    parsed = create_parser("rest-xml").parse(response, operation.output_shape)
    del parsed["ResponseMetadata"]
    return parsed


def model_of(shapes: dict[str, Any], output: dict[str, Any]) -> Model:
    """A service with one operation, Ask, whose answer has the members *output*."""
    payload = output.pop("payload", "")
    scalars = ("string", "integer", "boolean", "float", "timestamp", "blob", "double", "long")
    shapes = {
        **{kind: {"type": kind} for kind in scalars},
        **shapes,
        "Output": {"type": "structure", "members": output, "payload": payload},
    }
    http = {"method": "GET", "requestUri": "/"}
    operations = {"Ask": {"name": "Ask", "http": http, "output": {"shape": "Output"}}}
    return Model(compact({"metadata": {}, "operations": operations, "shapes": shapes}))


def answer(
    output: dict[str, Any],
    inside: str = "",
    headers: dict[str, str] | None = None,
    *,
    status: int = 200,
    **shapes: Any,
) -> dict[str, Any]:
    """What is read of a document that holds *inside*, and of *headers*."""
    operation = model_of(shapes, output).operation("Ask")
    body = f"<Answer>{inside}</Answer>".encode() if inside else b""
    return parse(operation, status, headers or {}, body)


def s3(operation: str, body: str | bytes, status: int = 200, **headers: str) -> dict[str, Any]:
    body = body.encode() if isinstance(body, str) else body
    return parse(S3.operation(operation), status, headers, body)


class TestAgainstBotocore:
    @pytest.mark.parametrize("name", sorted(OPERATIONS.values()))
    @settings(max_examples=20)
    @given(CHANCE)
    def test_every_operation_of_s3(self, name: str, random: Random) -> None:
        described = BOTOCORE_S3.operation_model(name)
        shape = described.output_shape
        writer = Writer(random)
        headers = writer.headers(shape) if shape is not None else {}
        payload = shape.serialization.get("payload", "") if shape is not None else ""
        root = shape.members[payload] if payload else shape
        streams = S3.operation(name).streams
        body = b""
        if root is not None and not streams:
            is_document = root.type_name == "structure"
            body = writer.document(root) if is_document else b'{"Version": "2012-10-17"}'
        expected = outcome_of_botocore(described, 200, headers, body)
        if streams:
            del expected[payload]  # The caller's, who has the stream.
        if name == "GetBucketLocation":
            expected.setdefault("LocationConstraint", None)
            expected["LocationConstraint"] = expected["LocationConstraint"] or None
        found = parse(S3.operation(name), 200, headers, body)
        assert found == expected
        assert parse(S3.operation(name), 200, CIMultiDictProxy(CIMultiDict(headers)), body) == found

    @settings(max_examples=400)
    @given(CHANCE)
    def test_descriptions_of_other_services(self, random: Random) -> None:
        described = description(random)
        theirs = ServiceModel(described).operation_model("Ask")
        shape = theirs.output_shape
        payload = shape.serialization.get("payload", "")
        writer = Writer(random)
        headers = writer.headers(shape)
        body = writer.document(shape.members[payload] if payload else shape)
        ours = Model(compact(described)).operation("Ask")
        found = parse(ours, 206, headers, body)
        try:
            expected = outcome_of_botocore(theirs, 206, headers, body)
        except ResponseParserError as error:
            assert "one and only one" in str(error)
            return
        assert found == expected
