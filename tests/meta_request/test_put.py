"""PUT_OBJECT: one request up to the threshold, a multipart upload above it."""

from __future__ import annotations

import asyncio
import io
import os
from pathlib import Path
from typing import Any

import pytest

from aiohttp_s3_client.meta_request import (
    S3ChecksumAlgorithm,
    S3ChecksumConfig,
    S3ChecksumLocation,
)
from aiohttp_s3_client.protocol.checksums import compute, encode
from tests.behaviour.material import noise
from tests.servers.running import RunningServer
from tests.servers.scripted import ScriptedServer, StartScript
from tests.servers.steps import Recorded, Step, reply
from tests.transport.scripts import CREATED, error, error_document, kind, kinds, upload_step

from .calls import GET, MIB, PUT, Log, ask, client_of

MD5_ETAG = '"9a0364b9e99bb480dd25e1f0284c8555"'


def taken(request: Recorded) -> Step:
    """The right answer to an upload of either form."""
    if request.method == "PUT" and "?" not in request.target:
        return reply(200, {"ETag": MD5_ETAG, "x-amz-version-id": "v1"})
    return upload_step(request)


async def taking(scripted: StartScript, **options: Any) -> ScriptedServer:
    return await scripted(rest=taken, **options)


def put(
    server: ScriptedServer | RunningServer,
    *headers: tuple[str, str],
    body: Any = None,
    path: str = "/bucket/key",
) -> Any:
    return ask(server, path, *headers, method="PUT", body=body)


class OneWay(io.RawIOBase):
    """A stream that cannot be sought, and tells how much was read of it."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._data.read(size)

    @property
    def position(self) -> int:
        return self._data.tell()


# One request or many


@pytest.mark.parametrize(
    ("client_says", "request_says", "size", "parts"),
    [
        ({}, {}, 8 * MIB, None),
        ({}, {}, 8 * MIB + 1, [8 * MIB, 1]),
        ({"part_size": MIB}, {}, 5 * MIB, None),
        ({"part_size": MIB}, {}, 5 * MIB + 1, [5 * MIB, 1]),
        ({"part_size": 6 * MIB}, {}, 6 * MIB + 1, [6 * MIB, 1]),
        ({"multipart_upload_threshold": 1000}, {}, 1000, None),
        ({"multipart_upload_threshold": 1000}, {}, 1001, [1001]),
        ({"multipart_upload_threshold": 9 * MIB}, {}, 9 * MIB, None),
        ({}, {"multipart_upload_threshold": 1000}, 1001, [1001]),
        ({}, {"part_size": 6 * MIB}, 6 * MIB, None),
        ({}, {"part_size": 6 * MIB}, 6 * MIB + 1, [6 * MIB, 1]),
        ({"multipart_upload_threshold": 1000}, {"part_size": 6 * MIB}, 1001, None),
        (
            {},
            {"part_size": 5 * MIB, "multipart_upload_threshold": 7 * MIB},
            6 * MIB,
            None,
        ),
    ],
)
async def test_threshold_and_part_size(
    scripted: StartScript,
    client_says: dict[str, int],
    request_says: dict[str, int],
    size: int,
    parts: list[int] | None,
) -> None:
    """At the threshold it is one request still; a request's part size is its threshold too."""
    server = await taking(scripted, keep_bodies=False)
    client = client_of(server, **client_says)
    body = io.BytesIO(bytes(size))
    log = await Log().of(client, type=PUT, request=put(server, body=body), **request_says)
    assert log.end["error"] is None
    assert sum(log.moved) == size
    if parts is None:
        assert [(r.method, r.target, r.body_size) for r in server.requests] == [
            ("PUT", "/bucket/key", size)
        ]
    else:
        sent = {kind(r): r.body_size for r in server.requests if r.method == "PUT"}
        assert sent == {f"part {n}": each for n, each in enumerate(parts, 1)}
        assert kinds(server)[0] == "create"
        assert kinds(server)[-1] == "complete"


async def test_parts_grow_where_there_would_be_too_many(
    scripted: StartScript, tmp_path: Path
) -> None:
    """100 GiB in 5 MiB would be 20,480 parts; nothing of them is sent here."""
    sizes: list[int] = []

    def step(request: Recorded) -> Step:
        if kind(request) == "create":
            return CREATED
        if request.method == "PUT":
            sizes.append(int(request.header("Content-Length") or 0))
            return error(403, "AccessDenied", read=0, end="close")
        return reply(204)

    server = await scripted(rest=step)
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(100 * 1024 * MIB)
    log = await Log().of(
        client_of(server, part_size=5 * MIB), type=PUT, request=put(server), send_filepath=path
    )
    assert log.end["status_code"] == 403
    assert set(sizes) == {11 * MIB}


async def test_memory_for_less_than_a_part(scripted: StartScript) -> None:
    """S3 takes no smaller ones: each is held alone then."""
    server = await taking(scripted, keep_bodies=False)
    client = client_of(server, part_size=MIB, memory_limit=2 * MIB)
    log = await Log().of(client, type=PUT, request=put(server, body=OneWay(bytes(11 * MIB))))
    assert log.end["error"] is None
    sent = {kind(r): r.body_size for r in server.requests if r.method == "PUT"}
    assert sent == {"part 1": 5 * MIB, "part 2": 5 * MIB, "part 3": MIB}


# What is sent


@pytest.mark.parametrize("size", [0, 1000, 6 * MIB])
async def test_a_file_by_its_path(scripted: StartScript, tmp_path: Path, size: int) -> None:
    """The body_stream is ignored then."""
    server = await taking(scripted)
    data = noise(size)
    path = tmp_path / "file"
    path.write_bytes(data)
    log = await Log().of(
        client_of(server, part_size=5 * MIB),
        type=PUT,
        request=put(server, body=io.BytesIO(b"ignored")),
        send_filepath=os.fspath(path),
    )
    assert log.end["error"] is None
    assert body_of(server) == data


def body_of(server: ScriptedServer) -> bytes:
    """What arrived of the object."""
    sent = [r for r in server.requests if r.method == "PUT"]

    def number(request: Recorded) -> int:
        return int(kind(request).removeprefix("part "))

    if len(sent) > 1:
        sent.sort(key=number)
    return b"".join(request.body for request in sent)


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("size", [0, 1000, 2000])
@pytest.mark.parametrize("make", [io.BytesIO, OneWay, "file"])
async def test_any_binary_file_object(
    scripted: StartScript, tmp_path: Path, make: Any, size: int, announced: bool
) -> None:
    """Seekable or not, with a Content-Length or without."""
    server = await taking(scripted)
    data = noise(size)
    if make == "file":
        (tmp_path / "file").write_bytes(data)
        body = (tmp_path / "file").open("rb")
    else:
        body = make(data)
    with body:
        headers = [("Content-Length", str(size))] if announced else []
        log = await Log().of(
            client_of(server, multipart_upload_threshold=1500),
            type=PUT,
            request=put(server, *headers, body=body),
        )
    assert log.end["error"] is None
    assert body_of(server) == data
    assert sum(log.moved) == size


@pytest.mark.parametrize("make", [io.BytesIO, OneWay])
async def test_no_more_than_content_length_is_taken_of_a_body(
    scripted: StartScript, make: Any
) -> None:
    """What follows may be somebody else's, or never come."""
    server = await taking(scripted)
    body = make(noise(5000))
    log = await Log().of(
        client_of(server), type=PUT, request=put(server, ("Content-Length", "1000"), body=body)
    )
    assert log.end["error"] is None
    assert body_of(server) == noise(5000)[:1000]
    if make is OneWay:
        assert body.position == 1000


async def test_a_body_is_read_from_where_it_stands(scripted: StartScript) -> None:
    server = await taking(scripted)
    body = io.BytesIO(b"head,body")
    body.seek(5)
    await Log().of(client_of(server), type=PUT, request=put(server, body=body))
    assert body_of(server) == b"body"


@pytest.mark.parametrize("size", [1000, 2000])
@pytest.mark.parametrize("make", [io.BytesIO, OneWay])
async def test_a_body_shorter_than_its_content_length(
    scripted: StartScript, make: Any, size: int
) -> None:
    """Nothing is stored, and an upload that was begun is aborted."""
    server = await taking(scripted)
    headers = ("Content-Length", str(size + 1))
    log = await Log().of(
        client_of(server, multipart_upload_threshold=1500),
        type=PUT,
        request=put(server, headers, body=make(bytes(size))),
    )
    assert log.end["error"].name == "AWS_ERROR_S3_INCORRECT_CONTENT_LENGTH"
    assert log.end["status_code"] is None
    assert not any(kind(r) in ("PUT", "complete") for r in server.requests)
    assert kinds(server)[-1:] in ([], ["abort"])


async def test_a_file_of_another_size_than_its_content_length(
    scripted: StartScript, tmp_path: Path
) -> None:
    server = await taking(scripted)
    (tmp_path / "file").write_bytes(b"12345")
    log = await Log().of(
        client_of(server),
        type=PUT,
        request=put(server, ("Content-Length", "4")),
        send_filepath=tmp_path / "file",
    )
    assert log.end["error"].name == "AWS_ERROR_S3_INCORRECT_CONTENT_LENGTH"
    assert not server.requests


async def test_an_empty_object_needs_no_body(scripted: StartScript) -> None:
    server = await taking(scripted)
    log = await Log().of(client_of(server), type=PUT, request=put(server, ("Content-Length", "0")))
    assert log.end["error"] is None
    assert [r.header("Content-Length") for r in server.requests] == ["0"]


async def test_a_file_that_is_not_there(scripted: StartScript, tmp_path: Path) -> None:
    server = await taking(scripted)
    log = await Log().of(
        client_of(server), type=PUT, request=put(server), send_filepath=tmp_path / "none"
    )
    assert isinstance(log.end["error"], FileNotFoundError)
    assert not server.requests


# Headers


SSE_C = {
    "x-amz-server-side-encryption-customer-algorithm": "AES256",
    "x-amz-server-side-encryption-customer-key": "a2V5",
    "x-amz-server-side-encryption-customer-key-MD5": "bWQ1",
}
OF_OBJECT = {"x-amz-meta-name": "v", "Content-Type": "text/x", "x-amz-storage-class": "GLACIER"}
CONDITION = {"If-None-Match": "*"}


async def test_headers_go_with_the_requests_that_take_them(scripted: StartScript) -> None:
    server = await taking(scripted)
    headers = {**SSE_C, **OF_OBJECT, **CONDITION}
    await Log().of(
        client_of(server, multipart_upload_threshold=3),
        type=PUT,
        request=put(server, *headers.items(), body=io.BytesIO(b"1234")),
    )
    create, part, complete = server.requests

    def among(request: Recorded, names: dict[str, str]) -> dict[str, str | None]:
        return {name: request.header(name) for name in names}

    nothing = dict.fromkeys
    assert among(create, SSE_C) == among(part, SSE_C) == among(complete, SSE_C) == SSE_C
    assert among(create, OF_OBJECT) == OF_OBJECT
    assert part.header("x-amz-meta-name") is None
    assert complete.header("x-amz-meta-name") is None
    assert among(complete, CONDITION) == CONDITION
    assert among(create, CONDITION) == among(part, CONDITION) == nothing(CONDITION)


async def test_all_headers_go_with_one_request(scripted: StartScript) -> None:
    server = await taking(scripted)
    headers = {**SSE_C, **OF_OBJECT, **CONDITION, "Content-MD5": "gdyb21LQTcIANtvYMT7QVQ=="}
    await Log().of(
        client_of(server),
        type=PUT,
        request=put(server, *headers.items(), body=io.BytesIO(b"1234")),
    )
    (request,) = server.requests
    assert {name: request.header(name) for name in headers} == headers


async def test_no_content_type_is_guessed_from_the_key(scripted: StartScript) -> None:
    server = await taking(scripted)
    await Log().of(
        client_of(server),
        type=PUT,
        request=put(server, body=io.BytesIO(b"1"), path="/bucket/photo.jpg"),
    )
    assert server.requests[0].header("Content-Type") == "binary/octet-stream"


async def test_a_link_is_one_request_whatever_its_size(scripted: StartScript) -> None:
    """Its signature is of one request."""
    server = await scripted(reply(200, {"ETag": MD5_ETAG}))
    link = "/bucket/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=abc"
    log = await Log().of(
        client_of(server, multipart_upload_threshold=3),
        type=PUT,
        request=put(server, body=io.BytesIO(b"12345"), path=link),
    )
    assert log.end["error"] is None
    assert [(r.target, r.body) for r in server.requests] == [(link, b"12345")]


# Answers


async def test_the_answer_to_one_request_is_told(scripted: StartScript) -> None:
    server = await taking(scripted)
    log = await Log().of(client_of(server), type=PUT, request=put(server, body=io.BytesIO(b"1")))
    ((status, headers),) = log.heads
    assert status == log.end["status_code"] == 200
    assert headers["ETag"] == MD5_ETAG
    assert headers["x-amz-version-id"] == "v1"


async def test_the_answer_that_completes_an_upload_is_told(scripted: StartScript) -> None:
    """With the ETag, which is in its document."""
    server = await taking(scripted)
    log = await Log().of(
        client_of(server, multipart_upload_threshold=3),
        type=PUT,
        request=put(server, body=io.BytesIO(b"12345")),
    )
    ((status, headers),) = log.heads
    assert status == log.end["status_code"] == 200
    assert headers["ETag"] == '"abc-1"'


@pytest.mark.parametrize(
    ("refused", "operation"),
    [
        ("create", "CreateMultipartUpload"),
        ("part 1", "UploadPart"),
        ("complete", "CompleteMultipartUpload"),
    ],
)
async def test_an_error_names_the_operation_that_failed(
    scripted: StartScript, refused: str, operation: str
) -> None:
    def step(request: Recorded) -> Step:
        return error(403, "AccessDenied") if kind(request) == refused else upload_step(request)

    server = await scripted(rest=step)
    log = await Log().of(
        client_of(server, multipart_upload_threshold=3),
        type=PUT,
        request=put(server, body=io.BytesIO(b"12345")),
    )
    assert log.end["error_operation_name"] == operation
    assert log.end["error"].operation_name == operation
    assert log.end["status_code"] == 403
    assert b"AccessDenied" in log.end["error_body"]
    assert kinds(server)[-1] == ("create" if refused == "create" else "abort")


@pytest.mark.parametrize(("threshold", "operation"), [(100, "PutObject"), (3, "UploadPart")])
async def test_an_error_in_a_200_is_an_error(
    scripted: StartScript, threshold: int, operation: str
) -> None:
    """The rule is that of every operation but GetObject."""

    def step(request: Recorded) -> Step:
        if request.method == "PUT":
            return reply(200, {"ETag": MD5_ETAG}, error_document("AccessDenied"))
        return upload_step(request)

    server = await scripted(rest=step)
    log = await Log().of(
        client_of(server, multipart_upload_threshold=threshold),
        type=PUT,
        request=put(server, body=io.BytesIO(b"12345")),
    )
    assert log.end["error"].name == "AWS_ERROR_S3_NON_RECOVERABLE_ASYNC_ERROR"
    assert log.end["error_operation_name"] == operation


# Checksums


def algorithms() -> list[S3ChecksumAlgorithm]:
    return list(S3ChecksumAlgorithm)


@pytest.mark.parametrize("algorithm", algorithms())
@pytest.mark.parametrize("threshold", [3, 100])
async def test_a_checksum_in_a_header(
    scripted: StartScript, algorithm: S3ChecksumAlgorithm, threshold: int
) -> None:
    server = await taking(scripted)
    config = S3ChecksumConfig(algorithm, S3ChecksumLocation.HEADER)
    log = await Log().of(
        client_of(server, multipart_upload_threshold=threshold),
        type=PUT,
        request=put(server, body=io.BytesIO(b"12345")),
        checksum_config=config,
    )
    assert log.end["error"] is None
    name = f"x-amz-checksum-{algorithm.name.lower()}"
    sent = next(r for r in server.requests if r.method == "PUT")
    assert sent.header(name) == encode(compute(algorithm.name, b"12345"))
    assert sent.body == b"12345"
    if threshold == 3:
        assert server.requests[0].header("x-amz-checksum-algorithm") == algorithm.name


@pytest.mark.parametrize("threshold", [3, 100])
async def test_a_checksum_after_the_body(scripted: StartScript, threshold: int) -> None:
    server = await taking(scripted)
    config = S3ChecksumConfig(S3ChecksumAlgorithm.CRC32, S3ChecksumLocation.TRAILER)
    log = await Log().of(
        client_of(server, multipart_upload_threshold=threshold),
        type=PUT,
        request=put(server, body=io.BytesIO(b"12345")),
        checksum_config=config,
    )
    assert log.end["error"] is None
    sent = next(r for r in server.requests if r.method == "PUT")
    assert sent.header("x-amz-trailer") == "x-amz-checksum-crc32"
    assert sent.header("x-amz-decoded-content-length") == "5"
    assert b"x-amz-checksum-crc32:" + encode(compute("CRC32", b"12345")).encode() in sent.body


async def test_no_checksum_is_sent_unless_one_is_wanted(scripted: StartScript) -> None:
    server = await taking(scripted)
    await Log().of(
        client_of(server),
        type=PUT,
        request=put(server, body=io.BytesIO(b"12345")),
        checksum_config=S3ChecksumConfig(validate_response=True),
    )
    assert not [name for name, _ in server.requests[0].headers if "checksum" in name.lower()]


# Real servers


async def test_objects_of_a_server(server: RunningServer, bucket: str, tmp_path: Path) -> None:
    """One request and parts, from a path and from a stream."""
    data = noise(5 * MIB + 1000, 9)
    path = tmp_path / "file"
    path.write_bytes(data)
    async with client_of(server, part_size=5 * MIB) as client:
        logs = await asyncio.gather(
            *(
                Log().of(
                    client, type=PUT, request=put(server, path=f"/{bucket}/{name}", **how), **more
                )
                for name, how, more in (
                    ("small", {"body": io.BytesIO(b"small")}, {}),
                    ("file", {}, {"send_filepath": path}),
                    ("stream", {"body": OneWay(data)}, {}),
                )
            )
        )
    assert [log.end["error"] for log in logs] == [None] * 3
    assert [log.heads[0][0] for log in logs] == [200] * 3
    for name, expected in (("small", b"small"), ("file", data), ("stream", data)):
        assert await asyncio.to_thread(server.oracle.get, bucket, name) == expected


@pytest.mark.parametrize("location", list(S3ChecksumLocation))
async def test_a_checksum_that_a_server_takes(
    server: RunningServer, bucket: str, location: S3ChecksumLocation
) -> None:
    """Sent in either place; what is kept is compared on the way back."""
    server.need("checksums" if location is S3ChecksumLocation.HEADER else "checksum_trailers")
    data = noise(300_000, 11)
    client = client_of(server, part_size=5 * MIB)
    path = f"/{bucket}/key"
    sent = await Log().of(
        client,
        type=PUT,
        request=put(server, path=path, body=io.BytesIO(data)),
        checksum_config=S3ChecksumConfig(S3ChecksumAlgorithm.CRC32, location),
    )
    assert sent.end["error"] is None
    got = await Log().of(
        client,
        type=GET,
        request=ask(server, path),
        checksum_config=S3ChecksumConfig(validate_response=True),
        part_size=100_000,
    )
    assert got.end["error"] is None
    assert got.body == data
    if location is S3ChecksumLocation.HEADER:  # Few servers keep one that came in a trailer.
        assert got.end["did_validate_checksum"] is True
        assert got.end["checksum_validation_algorithm"] is S3ChecksumAlgorithm.CRC32
