"""What a request ends in: awscrt's errors, with our typed ones as their causes."""

from __future__ import annotations

import asyncio
import io
import socket
from typing import Any

import pytest

from aiohttp_s3_client import errors
from aiohttp_s3_client.meta_request import (
    AwsCredentialsProvider,
    AwsCrtError,
    S3ResponseError,
    create_default_s3_signing_config,
)
from tests.servers.scripted import StartScript
from tests.servers.steps import drop, hang, reply
from tests.transport.scripts import KEY, SECRET, error

from .calls import DEFAULT, GET, PUT, Log, ask, client_of


async def test_an_answer_with_an_error(scripted: StartScript) -> None:
    """All that the seed lists, both in the error and in what on_done is given."""
    server = await scripted(error(404, "NoSuchKey", "not there"))
    log = await Log().of(client_of(server), type=GET, request=ask(server))
    failure = log.end["error"]
    assert isinstance(failure, S3ResponseError)
    assert isinstance(failure, AwsCrtError)
    assert (failure.code, failure.name) == (14343, "AWS_ERROR_S3_INVALID_RESPONSE_STATUS")
    assert failure.status_code == log.end["status_code"] == 404
    assert failure.headers == log.end["error_headers"]
    assert ("x-amz-request-id", "REQ1") in log.end["error_headers"]
    assert failure.body == log.end["error_body"]
    assert b"<Code>NoSuchKey</Code>" in log.end["error_body"]
    assert failure.operation_name == log.end["error_operation_name"] == "GetObject"
    assert log.end["did_validate_checksum"] is False
    assert log.end["checksum_validation_algorithm"] is None
    assert isinstance(failure.__cause__, errors.NoSuchKey)
    assert "not there" in str(failure)
    assert [status for status, _ in log.heads] == [404]


@pytest.mark.parametrize(
    ("status", "code", "name"),
    [
        (403, "AccessDenied", "AWS_ERROR_S3_INVALID_RESPONSE_STATUS"),
        (500, "InternalError", "AWS_ERROR_S3_INTERNAL_ERROR"),
        (503, "SlowDown", "AWS_ERROR_S3_SLOW_DOWN"),
        (400, "RequestTimeout", "AWS_ERROR_S3_REQUEST_TIMEOUT"),
    ],
)
async def test_errors_have_awscrts_names(
    scripted: StartScript, status: int, code: str, name: str
) -> None:
    server = await scripted(rest=error(status, code, headers={"Retry-After": "3600"}))
    log = await Log().of(
        client_of(server),
        type=PUT,
        request=ask(server, method="PUT", body=io.BytesIO(b"1")),
    )
    assert log.end["error"].name == name
    assert log.end["status_code"] == status


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (404, "AWS_ERROR_S3_INVALID_RESPONSE_STATUS"),
        (500, "AWS_ERROR_S3_INTERNAL_ERROR"),
        (503, "AWS_ERROR_S3_SLOW_DOWN"),
    ],
)
async def test_the_answer_to_a_head_has_no_body(
    scripted: StartScript, status: int, name: str
) -> None:
    """Its status is all that it says."""
    server = await scripted(rest=reply(status, {"Retry-After": "3600"}, content_length=100))
    log = await Log().of(
        client_of(server),
        type=DEFAULT,
        request=ask(server, method="HEAD"),
        operation_name="HeadObject",
    )
    assert log.end["error_body"] is None
    assert log.end["error"].body is None
    assert log.end["error"].name == name
    assert log.end["status_code"] == status


async def test_a_not_modified_tells_its_etag(scripted: StartScript) -> None:
    server = await scripted(reply(304, {"ETag": '"e"'}))
    log = await Log().of(
        client_of(server), type=GET, request=ask(server, "/b/k", ("If-None-Match", '"e"'))
    )
    assert log.end["status_code"] == 304
    assert ("ETag", '"e"') in log.end["error_headers"]


@pytest.mark.parametrize("type_", [GET, DEFAULT])
async def test_no_answer(scripted: StartScript, type_: Any) -> None:
    server = await scripted(rest=drop())
    log = await Log().of(
        client_of(server), type=type_, request=ask(server), operation_name="GetObject"
    )
    assert log.end["error"].name == "AWS_IO_SOCKET_CLOSED"
    assert not isinstance(log.end["error"], S3ResponseError)
    assert isinstance(log.end["error"].__cause__, errors.S3ConnectionError)
    assert log.heads == []
    nothing = ("error_headers", "error_body", "error_operation_name", "status_code")
    assert [log.end[name] for name in nothing] == [None] * 4


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        host = f"127.0.0.1:{free.getsockname()[1]}"
    log = await Log().of(client_of(host), type=GET, request=ask(host))
    assert log.end["error"].name == "AWS_IO_SOCKET_CLOSED"


async def test_credentials_that_are_not_there(scripted: StartScript) -> None:
    server = await scripted()

    def none() -> Any:
        raise LookupError("nothing there")

    config = create_default_s3_signing_config(
        region="us-east-1", credential_provider=AwsCredentialsProvider.new_delegate(none)
    )
    log = await Log().of(client_of(server, signing_config=config), type=GET, request=ask(server))
    assert log.end["error"].name == "AWS_AUTH_SIGNING_NO_CREDENTIALS"
    assert isinstance(log.end["error"].__cause__, errors.CredentialsError)


async def test_no_secret_is_in_an_error(scripted: StartScript) -> None:
    """Not even where the server repeats it."""
    key = "c2VjcmV0LWN1c3RvbWVyLWtleQ=="
    header = ("x-amz-server-side-encryption-customer-key", key)
    server = await scripted(error(403, "AccessDenied", f"you sent {key} and {SECRET}"))
    config = create_default_s3_signing_config(
        region="us-east-1", credential_provider=AwsCredentialsProvider.new_static(KEY, SECRET)
    )
    log = await Log().of(
        client_of(server, signing_config=config), type=GET, request=ask(server, "/b/k", header)
    )
    shown = repr(log.end) + str(log.end["error"]) + repr(log.end["error"].__cause__)
    assert key not in shown
    assert SECRET not in shown


async def test_the_loop_goes_on_while_nobody_answers(scripted: StartScript) -> None:
    server = await scripted(hang())
    request = client_of(server).make_request(type=GET, request=ask(server))
    await server.wait_for(1)
    await asyncio.sleep(0)
    assert not request.finished_future.done()
    request.cancel()
    with pytest.raises(AwsCrtError):
        await request.finished_future
