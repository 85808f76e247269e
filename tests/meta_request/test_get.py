"""GET_OBJECT: ranges side by side as one answer, to callbacks and to files."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest

from aiohttp_s3_client.meta_request import S3ChecksumAlgorithm, S3ChecksumConfig
from aiohttp_s3_client.protocol.checksums import compute, encode
from tests.behaviour.material import left_over, noise
from tests.servers.running import RunningServer
from tests.servers.scripted import ScriptedServer, StartScript
from tests.servers.steps import Recorded, Step, reply
from tests.transport.scripts import ETAG, RangedObject, error

from .calls import GET, MIB, Log, ask, client_of

DATA = noise(1000, 1)


async def object_of(scripted: StartScript, data: bytes = DATA, **options: Any) -> ScriptedServer:
    return await scripted(rest=RangedObject(data), **options)


def ranges(server: ScriptedServer) -> list[str | None]:
    return sorted((request.header("Range") for request in server.requests), key=str)


# What is asked


async def test_an_object_comes_in_ranges_of_part_size_and_in_order(scripted: StartScript) -> None:
    """The first range tells the size; the others are held to its ETag."""
    server = await object_of(scripted)
    log = await Log().of(client_of(server, part_size=300), type=GET, request=ask(server))
    assert log.body == DATA
    assert ranges(server) == ["bytes=0-299", "bytes=300-599", "bytes=600-899", "bytes=900-999"]
    offsets = [offset for offset, _ in log.chunks]
    assert offsets == sorted(offsets)
    assert all(DATA[at : at + len(chunk)] == chunk for at, chunk in log.chunks)
    conditions = {
        request.header("Range"): request.header("If-Match") for request in server.requests
    }
    assert conditions.pop("bytes=0-299") is None
    assert set(conditions.values()) == {ETAG}


async def test_the_part_size_of_a_request_is_its_own(scripted: StartScript) -> None:
    server = await object_of(scripted)
    client = client_of(server, part_size=300)
    log = await Log().of(client, type=GET, request=ask(server), part_size=500)
    assert log.body == DATA
    assert ranges(server) == ["bytes=0-499", "bytes=500-999"]


async def test_an_empty_object(scripted: StartScript) -> None:
    server = await object_of(scripted, b"")
    log = await Log().of(client_of(server), type=GET, request=ask(server))
    assert log.body == b""
    assert log.end["error"] is None
    assert log.heads == [(200, {"ETag": ETAG, "Content-Length": "0"})]


async def test_headers_and_query_go_with_every_range(scripted: StartScript) -> None:
    """A version, a customer's key, who pays: whatever the caller says is said each time."""
    server = await object_of(scripted)
    headers = [
        ("x-amz-request-payer", "requester"),
        ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
        ("X-Custom", "mine"),
    ]
    request = ask(
        server, "/bucket/a%20key%2Bplus?versionId=v%2B1&response-content-type=x", *headers
    )
    log = await Log().of(client_of(server, part_size=600), type=GET, request=request)
    assert log.body == DATA
    assert len(server.requests) == 2
    for sent in server.requests:
        assert sent.target == "/bucket/a%20key%2Bplus?versionId=v%2B1&response-content-type=x"
        assert [sent.header(name) for name, _ in headers] == [value for _, value in headers]


async def test_a_condition_of_the_caller(scripted: StartScript) -> None:
    server = await object_of(scripted)
    log = await Log().of(
        client_of(server), type=GET, request=ask(server, "/bucket/key", ("If-Match", '"other"'))
    )
    assert log.end["status_code"] == 412
    assert [request.header("If-Match") for request in server.requests] == ['"other"']


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-799", 100, 800),
        ("bytes=900-", 900, 1000),
        ("bytes=900-5000", 900, 1000),
        ("bytes=-250", 750, 1000),
        ("bytes=-5000", 0, 1000),
    ],
)
async def test_a_range_of_the_object(
    scripted: StartScript, asked: str, start: int, stop: int
) -> None:
    """It is cut into parts too; offsets are those of the object, as awscrt's are."""

    def step(request: Recorded) -> Step:
        if request.method == "HEAD":
            return reply(200, {"ETag": ETAG}, content_length=len(DATA))
        return RangedObject(DATA)(request)

    server = await scripted(rest=step)
    client = client_of(server, part_size=200)
    log = await Log().of(client, type=GET, request=ask(server, "/bucket/key", ("Range", asked)))
    assert log.body == DATA[start:stop]
    assert log.chunks[0][0] == start
    ((status, headers),) = log.heads
    assert status == 206
    assert headers["Content-Range"] == f"bytes {start}-{stop - 1}/1000"
    assert headers["Content-Length"] == str(stop - start)
    assert sum(log.moved) == stop - start
    gets = [request for request in server.requests if request.method == "GET"]
    assert len(gets) == -(-(stop - start) // 200)
    # The length that its end was told from is of that very object.
    assert gets[0].header("If-Match") == (ETAG if asked.startswith("bytes=-") else None)


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=5-2", "bytes=-0", "lines=1-2"])
async def test_what_is_not_one_range_is_left_to_the_server(
    scripted: StartScript, asked: str
) -> None:
    server = await scripted(error(416, "InvalidRange"))
    log = await Log().of(
        client_of(server), type=GET, request=ask(server, "/bucket/key", ("Range", asked))
    )
    assert log.end["status_code"] == 416
    assert [request.header("Range") for request in server.requests] == [asked]


async def test_a_range_behind_the_end_is_the_servers_error(scripted: StartScript) -> None:
    server = await object_of(scripted)
    log = await Log().of(
        client_of(server), type=GET, request=ask(server, "/bucket/key", ("Range", "bytes=5000-"))
    )
    assert log.end["status_code"] == 416
    assert log.end["error_operation_name"] == "GetObject"


async def test_a_part_of_an_object_is_one_request(scripted: StartScript) -> None:
    server = await scripted(reply(206, {"ETag": ETAG, "x-amz-mp-parts-count": "3"}, b"part"))
    log = await Log().of(
        client_of(server), type=GET, request=ask(server, "/bucket/key?partNumber=2")
    )
    assert log.body == b"part"
    assert log.heads[0][0] == 206
    assert [request.header("Range") for request in server.requests] == [None]


async def test_a_server_that_knows_no_ranges(scripted: StartScript) -> None:
    """It sends the whole at once: no more of it waits than a part."""
    server = await scripted(reply(200, {"ETag": ETAG}, DATA))
    log = await Log().of(client_of(server, part_size=300), type=GET, request=ask(server))
    assert log.body == DATA
    assert log.heads[0][1]["Content-Length"] == "1000"


async def test_an_object_that_is_replaced_meanwhile(scripted: StartScript) -> None:
    server = await scripted(RangedObject(DATA), rest=lambda _: error(412, "PreconditionFailed"))
    log = await Log().of(client_of(server, part_size=300), type=GET, request=ask(server))
    assert log.end["error"].name == "AWS_ERROR_S3_OBJECT_MODIFIED"
    assert log.end["status_code"] is None


# What is told


async def test_the_answer_is_told_as_that_of_the_whole(scripted: StartScript) -> None:
    """Not as that of the first range: no Content-Range, and no checksum of a part."""
    headers = {"x-amz-meta-Name": "v", "x-amz-checksum-crc32": "AAAAAA=="}
    server = await scripted(rest=lambda request: RangedObject(DATA)(request, headers=headers))
    log = await Log().of(client_of(server, part_size=300), type=GET, request=ask(server))
    assert log.heads == [(200, {"ETag": ETAG, "x-amz-meta-Name": "v", "Content-Length": "1000"})]
    assert log.order[0] == "headers"
    assert log.order[-1] == "done"
    assert sum(log.moved) == 1000


# Into a file


async def test_into_a_file_and_not_to_on_body(scripted: StartScript, tmp_path: Path) -> None:
    server = await object_of(scripted)
    path = tmp_path / "copy"
    log = await Log().of(
        client_of(server, part_size=300), type=GET, request=ask(server), recv_filepath=str(path)
    )
    assert path.read_bytes() == DATA
    assert log.chunks == []
    assert log.heads[0][0] == 200
    assert sum(log.moved) == 1000
    assert left_over(tmp_path) == ["copy"]


async def test_a_range_into_a_file(scripted: StartScript, tmp_path: Path) -> None:
    server = await object_of(scripted)
    path = tmp_path / "copy"
    path.write_bytes(b"what was there before, and is longer than what comes" * 20)
    log = await Log().of(
        client_of(server, part_size=300),
        type=GET,
        request=ask(server, "/bucket/key", ("Range", "bytes=100-799")),
        recv_filepath=path,
    )
    assert log.end["error"] is None
    assert path.read_bytes() == DATA[100:800]
    assert left_over(tmp_path) == ["copy"]


@pytest.mark.parametrize("asked", [None, "bytes=0-899"])
async def test_a_failed_download_leaves_the_file_as_it_was(
    scripted: StartScript, tmp_path: Path, asked: str | None
) -> None:
    path = tmp_path / "copy"
    path.write_bytes(b"before")
    server = await scripted(RangedObject(DATA), rest=lambda _: error(403, "AccessDenied"))
    headers = [("Range", asked)] if asked is not None else []
    log = await Log().of(
        client_of(server, part_size=300),
        type=GET,
        request=ask(server, "/bucket/key", *headers),
        recv_filepath=path,
    )
    assert log.end["status_code"] == 403
    assert path.read_bytes() == b"before"
    assert left_over(tmp_path) == ["copy"]


async def test_a_file_that_cannot_be(scripted: StartScript, tmp_path: Path) -> None:
    server = await scripted(rest=RangedObject(DATA))
    path = tmp_path / "nowhere" / "copy"
    log = await Log().of(client_of(server), type=GET, request=ask(server), recv_filepath=path)
    assert isinstance(log.end["error"], FileNotFoundError)
    assert "recv_filepath" in str(log.end["error"])
    assert not server.requests


# Held to a checksum


@pytest.mark.parametrize("into_file", [False, True])
async def test_validate_response_holds_it_to_the_checksum(
    scripted: StartScript, tmp_path: Path, into_file: bool
) -> None:
    checksum = {"x-amz-checksum-crc32": encode(compute("CRC32", DATA)), "ETag": ETAG}
    inquiry = reply(200, checksum, content_length=len(DATA))
    server = await object_of(scripted, inquiry=inquiry)
    log = await Log().of(
        client_of(server, part_size=300),
        type=GET,
        request=ask(server),
        checksum_config=S3ChecksumConfig(validate_response=True),
        recv_filepath=tmp_path / "copy" if into_file else None,
    )
    assert log.end["error"] is None
    assert log.end["did_validate_checksum"] is True
    assert log.end["checksum_validation_algorithm"] is S3ChecksumAlgorithm.CRC32
    assert len(server.inquiries) == 1


@pytest.mark.parametrize("into_file", [False, True])
async def test_a_mismatch_is_an_error_and_leaves_no_file(
    scripted: StartScript, tmp_path: Path, into_file: bool
) -> None:
    inquiry = reply(
        200, {"x-amz-checksum-crc32": "AAAAAA==", "ETag": ETAG}, content_length=len(DATA)
    )
    server = await object_of(scripted, inquiry=inquiry)
    log = await Log().of(
        client_of(server, part_size=300),
        type=GET,
        request=ask(server),
        checksum_config=S3ChecksumConfig(validate_response=True),
        recv_filepath=tmp_path / "copy" if into_file else None,
    )
    assert log.end["error"].name == "AWS_ERROR_S3_RESPONSE_CHECKSUM_MISMATCH"
    assert log.end["did_validate_checksum"] is True
    assert log.end["checksum_validation_algorithm"] is S3ChecksumAlgorithm.CRC32
    assert log.end["status_code"] is None
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("config", [None, S3ChecksumConfig()])
async def test_nothing_is_validated_unless_it_is_asked_for(
    scripted: StartScript, config: S3ChecksumConfig | None
) -> None:
    server = await object_of(scripted)
    log = await Log().of(client_of(server), type=GET, request=ask(server), checksum_config=config)
    assert log.end["did_validate_checksum"] is False
    assert log.end["checksum_validation_algorithm"] is None
    assert not server.inquiries


async def test_an_object_without_a_checksum_is_not_validated(scripted: StartScript) -> None:
    """Nor is it by its MD5: an ETag is no checksum in S3's words."""
    etag = f'"{hashlib.md5(DATA).hexdigest()}"'
    server = await scripted(rest=RangedObject(DATA, etag))
    log = await Log().of(
        client_of(server),
        type=GET,
        request=ask(server),
        checksum_config=S3ChecksumConfig(validate_response=True),
    )
    assert log.end["error"] is None
    assert log.end["did_validate_checksum"] is False
    assert log.end["checksum_validation_algorithm"] is None


# Real servers


async def test_an_object_of_a_server(server: RunningServer, bucket: str, tmp_path: Path) -> None:
    data = noise(2 * MIB + 17, 5)
    await asyncio.to_thread(server.oracle.put, bucket, "a key/ü+", data)
    path = f"/{bucket}/a%20key/%C3%BC%2B"
    async with client_of(server, part_size=MIB) as client:
        whole = Log().of(client, type=GET, request=ask(server, path))
        part = Log().of(client, type=GET, request=ask(server, path, ("Range", "bytes=5-1500000")))
        copy = Log().of(client, type=GET, request=ask(server, path), recv_filepath=tmp_path / "c")
        logs = await asyncio.gather(whole, part, copy)
    assert [log.end["error"] for log in logs] == [None] * 3
    assert logs[0].body == data
    assert logs[1].body == data[5:1500001]
    assert (tmp_path / "c").read_bytes() == data
    assert logs[0].heads[0][1]["Content-Length"] == str(len(data))
