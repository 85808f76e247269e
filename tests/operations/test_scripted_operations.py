"""What no real server here supports, against canned answers in the form that S3 documents."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID
from xml.etree import ElementTree

import aiohttp
import pytest

from aiohttp_s3_client.errors import ParamValidationError
from aiohttp_s3_client.operations.loading import s3_model
from aiohttp_s3_client.protocol.model.names import OPERATIONS

from ..behaviour.operations.table import Table
from ..servers.resolver import LoopbackResolver
from ..servers.scripted import StartScript
from ..servers.steps import Recorded, reply
from ..transport.scripts import client_for, error
from .scripted_calls import BUCKET_CALLS, NAMESPACE, OBJECT_CALLS, Call

CALLS = [
    *(pytest.param(call, {}, id=call.operation) for call in BUCKET_CALLS),
    *(pytest.param(call, {"Key": "a key"}, id=call.operation) for call in OBJECT_CALLS),
]
ALONE = {"list_directory_buckets", "rename_object", "write_get_object_response"}
"""Operations that have tests of their own below."""


@pytest.mark.parametrize(("call", "key"), CALLS)
async def test_call(scripted: StartScript, call: Call, key: dict[str, str]) -> None:
    server = await scripted(reply(call.status, call.answer_headers, _document(call.answer)))
    async with client_for(server) as client:
        method = getattr(client.api, call.operation)
        output = await method(Bucket="bucket", **key, **call.params)
        assert await _whole(output) == call.output
        assert output["ResponseMetadata"]["HTTPStatusCode"] == call.status
    (request,) = server.requests
    assert _target(f"{request.method} {request.target}") == _target(call.request)
    assert {name: request.header(name) for name in call.headers} == call.headers
    _assert_body(request, call.sends)
    operation = (await s3_model()).operation(OPERATIONS[call.operation])
    if operation.checksum_required:
        names = [name.lower() for name, _ in request.headers]
        assert any(name.startswith(("x-amz-checksum-", "content-md5")) for name in names)


def test_every_operation_that_no_server_supports_is_called_here() -> None:
    called = {call.operation for call in (*BUCKET_CALLS, *OBJECT_CALLS)} | ALONE
    assert Table.read().unsupported() - called == set()


async def test_list_directory_buckets(scripted: StartScript) -> None:
    document = (
        "<ListAllMyDirectoryBucketsResult><Buckets><Bucket><Name>b--use1-az4--x-s3</Name>"
        "<BucketRegion>us-east-1</BucketRegion></Bucket></Buckets>"
        "<ContinuationToken>two</ContinuationToken></ListAllMyDirectoryBucketsResult>"
    )
    server = await scripted(reply(200, {}, _document(document)))
    async with client_for(server) as client:
        found = await client.api.list_directory_buckets(
            ContinuationToken="one", MaxDirectoryBuckets=1
        )
    assert dict(found) == {
        "Buckets": [{"Name": "b--use1-az4--x-s3", "BucketRegion": "us-east-1"}],
        "ContinuationToken": "two",
    }
    (request,) = server.requests
    assert _target(f"{request.method} {request.target}") == _target(
        "GET /?continuation-token=one&max-directory-buckets=1"
    )


async def test_a_rename_is_repeated_with_the_same_token(scripted: StartScript) -> None:
    server = await scripted(error(503, "SlowDown"), reply(200), reply(200))
    async with client_for(server) as client:
        for _ in range(2):
            output = await client.api.rename_object(
                Bucket="bucket", Key="new", RenameSource="/bucket/old", DestinationIfNoneMatch="*"
            )
            assert dict(output) == {}
    first, again, other = server.requests
    for request in server.requests:
        assert f"{request.method} {request.target}" == "PUT /bucket/new?renameObject="
        assert request.header("x-amz-rename-source") == "/bucket/old"
        assert request.header("If-None-Match") == "*"
    tokens = [str(request.header("x-amz-client-token")) for request in server.requests]
    assert first.header("x-amz-client-token") == again.header("x-amz-client-token")
    assert len({UUID(token) for token in tokens}) == 2
    assert other.body == b""


async def test_the_answer_of_an_object_lambda_goes_to_the_host_of_its_route(
    scripted: StartScript,
) -> None:
    server = await scripted(reply(200))
    connector = aiohttp.TCPConnector(resolver=LoopbackResolver())
    async with aiohttp.ClientSession(connector=connector) as session:
        client = client_for(server, session, url=f"http://s3.localhost:{server.port}/bucket")
        output = await client.api.write_get_object_response(
            RequestRoute="io-route",
            RequestToken="token",
            Body=b"other bytes",
            StatusCode=206,
            ContentRange="bytes 0-10/99",
            Metadata={"colour": "blue"},
        )
        assert dict(output) == {}
    (request,) = server.requests
    assert f"{request.method} {request.target}" == "POST /WriteGetObjectResponse"
    sent = {
        "Host": f"io-route.s3.localhost:{server.port}",
        "x-amz-request-route": "io-route",
        "x-amz-request-token": "token",
        "x-amz-fwd-status": "206",
        "x-amz-fwd-header-Content-Range": "bytes 0-10/99",
        "x-amz-meta-colour": "blue",
        "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
    }
    assert {name: request.header(name) for name in sent} == sent
    assert "/s3-object-lambda/aws4_request" in str(request.header("Authorization"))
    assert request.body == b"other bytes"


async def test_a_route_that_is_no_label_of_a_host_is_refused(scripted: StartScript) -> None:
    """Else a route from elsewhere could send the answer, and its token, to any host."""
    server = await scripted()
    async with client_for(server, url=f"http://localhost:{server.port}") as client:
        for route in ("evil.example/", "a@evil.example#", ""):
            with pytest.raises(ParamValidationError):
                await client.api.write_get_object_response(RequestRoute=route, RequestToken="t")
    assert server.requests == []


async def _whole(output: dict[str, Any]) -> dict[str, Any]:
    """*output* with what its streams hold."""
    whole = dict(output)
    if "Body" in whole:
        whole["Body"] = await whole["Body"].read()
    if "Payload" in whole:
        whole["Payload"] = [event async for event in whole["Payload"]]
    if hasattr(whole.get("AnnotationPayload"), "read"):
        whole["AnnotationPayload"] = await whole["AnnotationPayload"].read()
    return whole


def _document(text: str | bytes) -> bytes:
    """*text* as a document in S3's namespace; bytes as they are."""
    if isinstance(text, bytes):
        return text
    return text.replace(">", f' xmlns="{NAMESPACE}">', 1).encode()


def _target(request: str) -> tuple[str, list[tuple[str, str]]]:
    """Method and path of *request*, and its query in whatever order."""
    path, _, query = request.partition("?")
    return path, sorted(parse_qsl(query, keep_blank_values=True))


def _assert_body(request: Recorded, wanted: str | bytes) -> None:
    if isinstance(wanted, bytes):
        assert request.body == wanted
    else:
        sent, due = request.body.decode(), _document(wanted).decode()
        assert ElementTree.canonicalize(sent) == ElementTree.canonicalize(due)
