"""DEFAULT: any operation as one request, judged by its name."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest

from aiohttp_s3_client.meta_request import (
    S3ChecksumAlgorithm,
    S3ChecksumConfig,
    S3ChecksumLocation,
)
from aiohttp_s3_client.protocol.checksums import compute, encode
from tests.behaviour.material import left_over
from tests.servers.running import RunningServer
from tests.servers.scripted import StartScript
from tests.servers.steps import reply
from tests.transport.scripts import COPIED, error, error_document

from .calls import DEFAULT, MIB, Log, ask, client_of
from .test_put import OneWay

LISTING = b'<?xml version="1.0"?><ListBucketResult><Name>bucket</Name></ListBucketResult>'
IN_200 = error_document("AccessDenied", "no")


async def test_an_operation_and_its_answer(scripted: StartScript) -> None:
    server = await scripted(reply(200, {"Content-Type": "application/xml"}, LISTING))
    log = await Log().of(
        client_of(server),
        type=DEFAULT,
        request=ask(server, "/bucket?list-type=2&prefix=a%2Fb+c"),
        operation_name="ListObjectsV2",
    )
    assert log.body == LISTING
    assert log.chunks[0][0] == 0
    assert log.heads[0][0] == log.end["status_code"] == 200
    assert sum(log.moved) == len(LISTING)
    (sent,) = server.requests
    assert sent.target == "/bucket?list-type=2&prefix=a%2Fb%20c"


@pytest.mark.parametrize(
    "target",
    ["/", "/bucket", "/bucket/", "/bucket//a//b/", "/bucket/%2E%2E/a%25b", "/bucket/k?tagging="],
)
async def test_the_path_is_sent_as_it_is_written(scripted: StartScript, target: str) -> None:
    server = await scripted(reply(200, {}, LISTING))
    log = await Log().of(
        client_of(server), type=DEFAULT, request=ask(server, target), operation_name="Any"
    )
    assert log.end["error"] is None
    assert server.requests[0].target == target.replace("%2E", ".")


async def test_an_answer_without_a_body(scripted: StartScript) -> None:
    server = await scripted(reply(204))
    log = await Log().of(
        client_of(server),
        type=DEFAULT,
        request=ask(server, method="DELETE"),
        operation_name="DeleteObject",
    )
    assert log.chunks == []
    assert log.end["status_code"] == 204
    assert server.requests[0].method == "DELETE"


async def test_a_head(scripted: StartScript) -> None:
    server = await scripted(reply(200, {"ETag": '"e"'}, content_length=5000))
    log = await Log().of(
        client_of(server),
        type=DEFAULT,
        request=ask(server, method="HEAD"),
        operation_name="HeadObject",
    )
    assert log.end["error"] is None
    assert log.heads == [(200, {"ETag": '"e"', "Content-Length": "5000"})]
    assert log.chunks == []


# 200 with an error in it


async def test_an_error_in_a_200_is_an_error(scripted: StartScript) -> None:
    server = await scripted(rest=reply(200, {}, IN_200))
    log = await Log().of(
        client_of(server),
        type=DEFAULT,
        request=ask(server, method="PUT", body=io.BytesIO(b"")),
        operation_name="CopyObject",
    )
    assert log.end["error"].name == "AWS_ERROR_S3_NON_RECOVERABLE_ASYNC_ERROR"
    assert log.end["error"].code == 14357
    assert log.end["status_code"] == 200
    assert log.end["error_operation_name"] == "CopyObject"
    assert log.end["error_body"] == IN_200.encode()
    assert log.chunks == []


async def test_an_error_in_a_200_is_tried_again(scripted: StartScript) -> None:
    server = await scripted(reply(200, {}, error_document("InternalError")), COPIED)
    log = await Log().of(
        client_of(server),
        type=DEFAULT,
        request=ask(server, "/bucket/key", ("x-amz-copy-source", "/a/b"), method="PUT"),
        operation_name="CopyObject",
    )
    assert log.end["error"] is None
    assert log.body == COPIED.body


async def test_a_get_object_may_look_like_an_error(scripted: StartScript) -> None:
    server = await scripted(reply(200, {}, IN_200))
    log = await Log().of(
        client_of(server), type=DEFAULT, request=ask(server), operation_name="GetObject"
    )
    assert log.end["error"] is None
    assert log.body == IN_200.encode()


async def test_the_name_decides_and_not_the_request(scripted: StartScript) -> None:
    """The seed's own example: a GetObject by the name of Download."""
    server = await scripted(rest=reply(200, {}, IN_200))
    log = await Log().of(
        client_of(server), type=DEFAULT, request=ask(server), operation_name="Download"
    )
    assert log.end["error_operation_name"] == "Download"


async def test_a_get_object_is_passed_on_as_it_comes(scripted: StartScript) -> None:
    server = await scripted(reply(200, {}, b"x" * 3000, piece=1000, pause=0.05))
    log = await Log().of(
        client_of(server), type=DEFAULT, request=ask(server), operation_name="GetObject"
    )
    assert log.body == b"x" * 3000
    assert len(log.chunks) > 1
    assert [request.header("Range") for request in server.requests] == [None]


async def test_a_body_that_breaks_off(scripted: StartScript) -> None:
    server = await scripted(reply(200, {}, b"x" * 3000, cut=1000, end="close"))
    log = await Log().of(
        client_of(server), type=DEFAULT, request=ask(server), operation_name="GetObject"
    )
    assert log.end["error"].name == "AWS_IO_SOCKET_CLOSED"
    assert log.end["status_code"] is None
    assert "GetObject" in str(log.end["error"])


# Bodies


@pytest.mark.parametrize("how", ["seekable", "one way", "path"])
async def test_bodies(scripted: StartScript, tmp_path: Path, how: str) -> None:
    server = await scripted(reply(200))
    (tmp_path / "file").write_bytes(b"12345")
    arguments: dict[str, Any] = {"send_filepath": tmp_path / "file"} if how == "path" else {}
    body = {"seekable": io.BytesIO, "one way": OneWay}.get(how, io.BytesIO)(b"12345")
    request = ask(server, "/bucket/key?tagging", ("Content-Length", "5"), method="PUT", body=body)
    log = await Log().of(
        client_of(server),
        type=DEFAULT,
        request=request,
        operation_name="PutObjectTagging",
        **arguments,
    )
    assert log.end["error"] is None
    (sent,) = server.requests
    assert (sent.body, sent.header("Content-Length")) == (b"12345", "5")
    assert sum(log.moved) == 5


async def test_a_large_put_stays_one_request(scripted: StartScript) -> None:
    server = await scripted(reply(200, {"ETag": '"e"'}), keep_bodies=False)
    log = await Log().of(
        client_of(server, multipart_upload_threshold=3),
        type=DEFAULT,
        request=ask(server, method="PUT", body=io.BytesIO(bytes(9 * MIB))),
        operation_name="PutObject",
    )
    assert log.end["error"] is None
    assert [request.body_size for request in server.requests] == [9 * MIB]


@pytest.mark.parametrize("size", [4, 6])
async def test_a_body_of_another_size(scripted: StartScript, tmp_path: Path, size: int) -> None:
    server = await scripted(rest=reply(200))
    (tmp_path / "file").write_bytes(bytes(5))
    request = ask(server, "/bucket/key", ("Content-Length", str(size)), method="PUT")
    client = client_of(server)
    log = await Log().of(
        client,
        type=DEFAULT,
        request=request,
        operation_name="PutObject",
        send_filepath=tmp_path / "file",
    )
    assert log.end["error"].name == "AWS_ERROR_S3_INCORRECT_CONTENT_LENGTH"
    assert not server.requests


@pytest.mark.parametrize("make", [io.BytesIO, OneWay])
async def test_a_body_that_is_too_short(scripted: StartScript, make: Any) -> None:
    server = await scripted(rest=reply(200), allow_unexpected=True)
    request = ask(server, "/bucket/key", ("Content-Length", "6"), method="PUT", body=make(b"12345"))
    log = await Log().of(
        client_of(server), type=DEFAULT, request=request, operation_name="PutObject"
    )
    assert log.end["error"].name == "AWS_ERROR_S3_INCORRECT_CONTENT_LENGTH"
    assert not any(request.complete for request in server.requests)


async def test_a_stream_of_unknown_length(scripted: StartScript) -> None:
    server = await scripted(rest=reply(200))
    request = ask(server, method="PUT", body=OneWay(b"12345"))
    log = await Log().of(
        client_of(server), type=DEFAULT, request=request, operation_name="PutObject"
    )
    assert isinstance(log.end["error"], ValueError)
    assert "Content-Length" in str(log.end["error"])
    assert not server.requests


@pytest.mark.parametrize("location", list(S3ChecksumLocation))
async def test_a_checksum(scripted: StartScript, location: S3ChecksumLocation) -> None:
    server = await scripted(reply(200, {"ETag": '"e"'}))
    await Log().of(
        client_of(server),
        type=DEFAULT,
        request=ask(server, method="PUT", body=io.BytesIO(b"12345")),
        operation_name="PutObject",
        checksum_config=S3ChecksumConfig(S3ChecksumAlgorithm.SHA256, location),
    )
    (sent,) = server.requests
    value = encode(compute("SHA256", b"12345"))
    if location is S3ChecksumLocation.HEADER:
        assert sent.header("x-amz-checksum-sha256") == value
    else:
        assert sent.body.endswith(f"x-amz-checksum-sha256:{value}\r\n\r\n".encode())


# Into a file


async def test_into_a_file(scripted: StartScript, tmp_path: Path) -> None:
    server = await scripted(reply(200, {}, LISTING), reply(200, {}, b"object"))
    client = client_of(server)
    for name, expected in (("ListObjectsV2", LISTING), ("GetObject", b"object")):
        log = await Log().of(
            client,
            type=DEFAULT,
            request=ask(server),
            operation_name=name,
            recv_filepath=tmp_path / name,
        )
        assert log.chunks == []
        assert (tmp_path / name).read_bytes() == expected
    assert left_over(tmp_path) == ["GetObject", "ListObjectsV2"]


async def test_no_file_after_an_error(scripted: StartScript, tmp_path: Path) -> None:
    server = await scripted(error(404, "NoSuchKey"))
    log = await Log().of(
        client_of(server),
        type=DEFAULT,
        request=ask(server),
        operation_name="GetObject",
        recv_filepath=tmp_path / "copy",
    )
    assert log.end["status_code"] == 404
    assert left_over(tmp_path) == []


# A real server


async def test_operations_of_a_server(embedded: RunningServer, embedded_bucket: str) -> None:
    bucket, oracle = embedded_bucket, embedded.oracle
    async with client_of(embedded) as client:

        async def call(operation: str, method: str, path: str, body: bytes | None = None) -> Log:
            stream = None if body is None else io.BytesIO(body)
            log = await Log().of(
                client,
                type=DEFAULT,
                request=ask(embedded, path, method=method, body=stream),
                operation_name=operation,
            )
            assert log.end["error"] is None
            return log

        await call("PutObject", "PUT", f"/{bucket}/a%20b", b"content")
        assert await asyncio.to_thread(oracle.get, bucket, "a b") == b"content"
        listing = await call("ListObjectsV2", "GET", f"/{bucket}?list-type=2")
        assert b"<Key>a b</Key>" in listing.body
        assert (await call("HeadObject", "HEAD", f"/{bucket}/a%20b")).heads[0][0] == 200
        await call("DeleteObject", "DELETE", f"/{bucket}/a%20b")
        assert b"<Key>" not in (await call("ListObjectsV2", "GET", f"/{bucket}?list-type=2")).body
