"""``aws-chunked`` bodies on their way: what goes out, again, half of it, and told how far."""

from __future__ import annotations

import asyncio
import io
import ssl
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme

from aiohttp_s3_client import ClientConfig, S3Client, TransferConfig
from aiohttp_s3_client.config import ChecksumConfig
from aiohttp_s3_client.credentials import AnonymousCredentials
from aiohttp_s3_client.errors import S3TimeoutError, SourceChanged
from aiohttp_s3_client.protocol import checksums, crc
from aiohttp_s3_client.protocol.aws_chunked import CHUNK_SIZE, Chain, framing
from aiohttp_s3_client.protocol.canonical import hex_sha256
from aiohttp_s3_client.protocol.sigv4 import SigV4Signer
from aiohttp_s3_client.transport.framing import framed
from aiohttp_s3_client.transport.source import BytesSource

from ..servers.scripted import StartScript
from ..servers.steps import Recorded, drop, reply, stall
from .frames import Frames, frames_of
from .scripts import KEY, SECRET, client_for, error, part_number, upload_step
from .test_aws_defaults import Aws, ToLoopback, aws, client

__all__ = ["aws"]

CRC32 = ChecksumConfig("CRC32", "trailer")
TRAILERS = ClientConfig(checksum=CRC32)
UNSIGNED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
DATA = bytes(range(256)) * 1024
"""Four chunks."""


async def in_pieces(data: bytes, size: int = 50_000) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def crc32(data: bytes) -> str:
    return checksums.encode(checksums.compute("CRC32", data))


def check_signatures(request: Recorded, frames: Frames) -> None:
    """Hold the signatures of *frames* to that of the headers."""
    authorization = request.header("authorization") or ""
    now = datetime.strptime(request.header("x-amz-date") or "", "%Y%m%dT%H%M%SZ").replace(
        tzinfo=UTC
    )
    signer = SigV4Signer(KEY, SECRET, region="us-east-1")
    chain = Chain(signer, authorization.rpartition("Signature=")[2], now)
    told = dict(frames.trailer)
    signature = told.pop("x-amz-trailer-signature", None)
    expected = [chain.of_chunk(hex_sha256(chunk)) for chunk in (*frames.chunks, b"")]
    assert frames.signatures == expected
    if told:
        lines = "".join(f"{name}:{value}\n" for name, value in told.items())
        assert signature == chain.of_trailer(hex_sha256(lines.encode()))


# --- which bodies are framed, and how


async def test_over_http_chunks_and_trailer_are_signed(scripted: StartScript) -> None:
    server = await scripted(reply(200))
    async with client_for(server) as s3:
        await s3.put("bucket/key", in_pieces(DATA), data_length=len(DATA), checksum=CRC32)
    (request,) = server.requests
    frames = frames_of(request)
    assert frames.data == DATA
    assert frames.trailer["x-amz-checksum-crc32"] == crc32(DATA)
    assert request.header("x-amz-content-sha256") == f"{SIGNED}-TRAILER"
    check_signatures(request, frames)
    signed = (request.header("authorization") or "").partition("SignedHeaders=")[2]
    assert {"x-amz-trailer", "x-amz-decoded-content-length", "content-encoding"} < set(
        signed.partition(",")[0].split(";")
    )


async def test_to_aws_a_stream_has_an_unsigned_trailer(
    aws: tuple[Aws, aiohttp.ClientSession],
) -> None:
    cloud, session = aws
    server = await cloud.play(reply(200), reply(200))
    s3 = client(session)
    await s3.put("my-bucket/key", in_pieces(DATA), data_length=len(DATA))
    await s3.api.put_object(
        Bucket="my-bucket", Key="key", Body=in_pieces(DATA), ContentLength=len(DATA),
        ChecksumAlgorithm="SHA1",
    )  # fmt: skip
    for request, algorithm in zip(server.requests, (checksums.preferred(), "SHA1"), strict=True):
        frames = frames_of(request)
        assert (frames.data, frames.signatures) == (DATA, [])
        expected = checksums.encode(checksums.compute(algorithm, DATA))
        assert frames.trailer == {checksums.header_name(algorithm): expected}
        assert request.header("x-amz-content-sha256") == UNSIGNED
        assert request.header("x-amz-sdk-checksum-algorithm") == algorithm


async def test_to_aws_over_http_the_chunks_of_a_stream_are_signed(scripted: StartScript) -> None:
    server = await scripted(rest=reply(200))
    resolver = ToLoopback()
    resolver.port = server.port
    connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False)
    async with aiohttp.ClientSession(connector=connector) as session:
        s3 = client_for(server, session, url="http://s3.us-east-1.amazonaws.com")
        await s3.put("bucket/key", in_pieces(DATA), data_length=len(DATA))
        await s3.put("bucket/key", DATA)
    stream, plain = server.requests
    frames = frames_of(stream)
    assert (frames.data, frames.trailer) == (DATA, {})
    assert stream.header("x-amz-content-sha256") == SIGNED
    assert stream.header("x-amz-trailer") is stream.header("x-amz-sdk-checksum-algorithm") is None
    check_signatures(stream, frames)
    assert (plain.body, plain.header("x-amz-content-sha256")) == (DATA, hex_sha256(DATA))


async def test_p20_one_switch_turns_trailers_off(aws: tuple[Aws, aiohttp.ClientSession]) -> None:
    cloud, session = aws
    server = await cloud.play(reply(200))
    config = ClientConfig(request_checksum_calculation="when_required")
    await client(session, config=config).put("my-bucket/key", in_pieces(b"abc"), data_length=3)
    (request,) = server.requests
    assert (request.body, request.header("x-amz-content-sha256")) == (b"abc", "UNSIGNED-PAYLOAD")
    assert not [name for name, _ in request.headers if "checksum" in name.lower()]


async def test_p20_other_servers_get_no_frames_by_default(scripted: StartScript) -> None:
    server = await scripted(reply(200))
    async with client_for(server) as s3:
        await s3.put("bucket/key", in_pieces(b"abc"), data_length=3)
    (request,) = server.requests
    assert request.body == b"abc"
    told = {name.lower() for name, _ in request.headers}
    assert not told & {"content-encoding", "x-amz-trailer", "x-amz-decoded-content-length"}


@pytest.mark.parametrize("hashing", [None, False, True])
async def test_other_servers_get_a_trailer_where_it_is_wanted(
    scripted: StartScript, hashing: bool | None
) -> None:
    config = ClientConfig(
        request_checksum_calculation="when_supported", calculate_content_sha256=hashing
    )
    server = await scripted(reply(200))
    async with client_for(server, config=config) as s3:
        await s3.put("bucket/key", in_pieces(b"abc"), data_length=3)
    (request,) = server.requests
    expected = f"{SIGNED}-TRAILER" if hashing else UNSIGNED
    assert request.header("x-amz-content-sha256") == expected
    assert frames_of(request).data == b"abc"


async def test_without_credentials_nothing_is_signed(scripted: StartScript) -> None:
    server = await scripted(reply(200))
    async with S3Client(url=server.url, credentials=AnonymousCredentials(), config=TRAILERS) as s3:
        await s3.put("bucket/key", DATA)
    (request,) = server.requests
    frames = frames_of(request)
    assert (frames.data, frames.signatures) == (DATA, [])
    assert request.header("authorization") is None
    assert request.header("x-amz-content-sha256") == UNSIGNED


async def test_the_objects_own_encoding_is_kept(scripted: StartScript) -> None:
    server = await scripted(reply(200))
    async with client_for(server, config=TRAILERS) as s3:
        await s3.put("bucket/key", b"zip", headers={"Content-Encoding": "gzip"})
    assert server.requests[0].header("content-encoding") == "aws-chunked,gzip"


@pytest.mark.parametrize(
    "given", [{"x-amz-checksum-crc32": "AAAAAA=="}, {"Content-MD5": "abcd"}], ids=list
)
async def test_p20_the_callers_own_checksum_needs_no_trailer(
    scripted: StartScript, given: dict[str, str]
) -> None:
    server = await scripted(reply(200))
    async with client_for(server, config=TRAILERS) as s3:
        await s3.put("bucket/key", b"abc", headers=given)
    (request,) = server.requests
    assert (request.body, request.header("x-amz-trailer")) == (b"abc", None)


async def test_a_body_of_known_hash_and_an_empty_one_need_no_frames(scripted: StartScript) -> None:
    server = await scripted(reply(200), reply(200))
    async with client_for(server) as s3:
        await s3.put("bucket/key", b"abc", content_sha256=hex_sha256(b"abc"), checksum=CRC32)
        await s3.put("bucket/key", b"", checksum=CRC32)
    for request, data in zip(server.requests, (b"abc", b""), strict=True):
        assert (request.body, request.header("x-amz-checksum-crc32")) == (data, crc32(data))


@pytest.mark.parametrize("config", [CRC32, ChecksumConfig("CRC32")], ids=["trailer", "anywhere"])
async def test_an_empty_body_has_its_checksum_in_a_header(
    scripted: StartScript, tmp_path: Path, config: ChecksumConfig
) -> None:
    """The client's settings say so: S3 would keep a checksum of another algorithm else."""
    (tmp_path / "empty").touch()
    server = await scripted(rest=reply(200, {"ETag": '"e"'}))
    async with client_for(server, config=ClientConfig(checksum=config)) as s3:
        await s3.put("bucket/key")
        await s3.put("bucket/key", in_pieces(b""))
        await s3.put_file("bucket/key", tmp_path / "empty")
        await s3.upload_file(tmp_path / "empty", "bucket", "key")
        await s3.api.put_object(Bucket="bucket", Key="key")
    for request in server.requests:
        assert request.header("x-amz-checksum-crc32") == "AAAAAA=="
        assert request.header("x-amz-content-sha256") == hex_sha256(b"")
        assert (request.header("x-amz-trailer"), request.body) == (None, b"")
    assert len(server.requests) == 5


@pytest.mark.parametrize(
    "checksum", ["MD5", ChecksumConfig("CRC32", "header"), ChecksumConfig(location="header")]
)
async def test_what_must_stand_in_a_header_is_refused_for_a_stream(
    scripted: StartScript, checksum: Any
) -> None:
    server = await scripted()
    async with client_for(server) as s3:
        with pytest.raises(ValueError, match=r"checksum.*cannot go in a header"):
            await s3.put("bucket/key", in_pieces(b"abc"), data_length=3, checksum=checksum)
    assert not server.requests


async def test_frames_are_those_of_boto3(scripted: StartScript, tmp_path: Path) -> None:
    """Headers and bytes, of a whole object and of a part. boto3 says no length, S3 wants one."""
    import boto3
    from botocore.config import Config

    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    certificates = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(certificates)
    server = await scripted(rest=reply(200, {"ETag": '"e"'}), ssl_context=tls)
    theirs = boto3.client(
        "s3", endpoint_url=server.url, region_name="us-east-1", verify=str(certificates),
        aws_access_key_id=KEY, aws_secret_access_key=SECRET,
        config=Config(s3={"addressing_style": "path"}),
    )  # fmt: skip
    calls: list[tuple[str, dict[str, Any]]] = [
        ("put_object", {"ContentEncoding": "gzip", "ContentType": "text/plain"}),
        ("upload_part", {"UploadId": "u", "PartNumber": 1}),
    ]
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=certificates))
    async with aiohttp.ClientSession(connector=connector) as session:
        ours = client_for(server, session, config=ClientConfig(checksum=ChecksumConfig("CRC32")))
        for name, extra in calls:
            where = {"Bucket": "bucket", "Key": "key", "ContentLength": 5, **extra}
            call = partial(getattr(theirs, name), Body=io.BytesIO(b"hello"), **where)
            await asyncio.to_thread(call)
            await getattr(ours.api, name)(Body=in_pieces(b"hello"), **where)
            his, mine = server.requests[-2:]
            assert (
                mine.body
                == his.body
                == frames_of(mine)
                .chunks[0]
                .join([b"5\r\n", b"\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"])
            )
            assert amz_headers(mine) == amz_headers(his)


def amz_headers(request: Recorded) -> dict[str, str | set[str]]:
    told = {name.lower(): value for name, value in request.headers}
    encodings = set(told.pop("content-encoding").split(","))
    own = {"x-amz-date"}
    kept = {n: v for n, v in told.items() if n.startswith("x-amz-") and n not in own}
    return {**kept, "content-encoding": encodings}


# --- again, and not to the end


@pytest.mark.parametrize("how", ["bytes", "large", "file"])
async def test_each_attempt_is_framed_anew(scripted: StartScript, tmp_path: Path, how: str) -> None:
    server = await scripted(error(500, "InternalError"), drop(read=100), reply(200))
    data = DATA if how != "bytes" else b"small"
    (tmp_path / "file").write_bytes(data)
    async with client_for(server, config=TRAILERS) as s3:
        if how == "file":
            await s3.put_file("bucket/key", tmp_path / "file")
        else:
            await s3.put("bucket/key", data)
    first, _, last = server.requests
    for request in (first, last):
        frames = frames_of(request)
        assert (frames.data, frames.trailer["x-amz-checksum-crc32"]) == (data, crc32(data))
        check_signatures(request, frames)


async def test_p08_a_stream_is_framed_once(scripted: StartScript) -> None:
    server = await scripted(error(500, "InternalError"))
    async with client_for(server, config=TRAILERS) as s3:
        async with s3.put("bucket/key", in_pieces(DATA), data_length=len(DATA)) as response:
            assert response.status == 500
    assert len(server.requests) == 1


async def test_p19_a_refused_stream_was_not_touched(scripted: StartScript) -> None:
    taken: list[int] = []

    async def stream() -> AsyncIterator[bytes]:
        taken.append(1)
        yield DATA

    server = await scripted(error(403, "AccessDenied", read=0, end="close"), reply(200))
    config = ClientConfig(checksum=CRC32, expect_continue_from=1000)
    async with client_for(server, config=config) as s3:
        async with s3.put("bucket/key", stream(), data_length=len(DATA)) as response:
            assert (response.status, taken) == (403, [])
        await s3.put("bucket/key", stream(), data_length=len(DATA))
    assert server.requests[1].header("expect") == "100-continue"
    assert frames_of(server.requests[1]).data == DATA


@pytest.mark.parametrize("announced", [len(DATA) - 1, len(DATA) + 1])
async def test_p08_a_stream_of_another_length_leaves_no_whole_request(
    scripted: StartScript, announced: int
) -> None:
    server = await scripted(reply(200))
    async with client_for(server, config=TRAILERS) as s3:
        with pytest.raises(SourceChanged):
            await s3.put("bucket/key", in_pieces(DATA), data_length=announced)
    await server.wait_for(1)
    assert not server.requests[0].complete


async def test_what_the_stream_raises_is_the_error(scripted: StartScript) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield DATA[:100_000]
        raise LookupError("mine")

    server = await scripted(reply(200))
    async with client_for(server, config=TRAILERS) as s3:
        with pytest.raises(LookupError, match="mine"):
            await s3.put("bucket/key", stream(), data_length=400_000)
    await server.wait_for(1)
    assert not server.requests[0].complete


async def test_a_server_that_stops_reading_is_noticed(scripted: StartScript) -> None:
    server = await scripted(rest=stall(1000), receive_buffer=4096)
    config = ClientConfig(checksum=CRC32, write_timeout=0.3, max_attempts=1)
    async with client_for(server, config=config) as s3:
        with pytest.raises(S3TimeoutError, match="stopped reading"):
            await s3.put("bucket/key", bytes(8 * 1024 * 1024))


async def test_cancelled_half_way_it_takes_no_more(scripted: StartScript) -> None:
    begun, closed = asyncio.Event(), asyncio.Event()

    async def stream() -> AsyncIterator[bytes]:
        try:
            while True:
                yield DATA
                begun.set()
        finally:
            closed.set()

    server = await scripted(rest=stall(1000), receive_buffer=4096)
    config = ClientConfig(checksum=CRC32, expect_continue_from=None)
    async with client_for(server, config=config) as s3:

        async def work() -> None:
            # Whoever keeps the exception keeps the stream.
            with pytest.raises(asyncio.CancelledError):
                await s3.put("bucket/key", stream(), data_length=1 << 30)

        task = asyncio.create_task(work())
        await begun.wait()
        task.cancel()
        await task
        async with asyncio.timeout(2):
            await closed.wait()
    assert not server.requests[0].complete


@pytest.mark.usefixtures("no_packages_for_checksums")
@pytest.mark.parametrize("size", [1000, 300_000])
@pytest.mark.parametrize("location", ["header", "trailer"])
async def test_p01_what_python_computes_does_not_hold_the_event_loop(
    scripted: StartScript, monkeypatch: pytest.MonkeyPatch, location: Any, size: int
) -> None:
    """P1: a MiB takes 0.1 s, of which other tasks have their share."""
    threads: list[int] = []
    slowly = crc.extend_slowly

    def watched(kind: crc.Crc, piece: crc.Buffer, before: int) -> int:
        threads.extend([threading.get_ident()] if piece else [])
        return slowly(kind, piece, before)

    monkeypatch.setattr(crc, "extend_slowly", watched)
    assert not checksums.is_available("CRC32C")
    threads.clear()  # Choosing the back end computed a little.
    server = await scripted(reply(200))
    config = ClientConfig(checksum=ChecksumConfig("CRC32C", location))
    async with client_for(server, config=config) as s3:
        await s3.put("bucket/key", DATA[:1] * size)
    assert threads
    assert threading.get_ident() not in threads


# --- what is told of it


@pytest.mark.parametrize("how", ["put", "parts"])
async def test_progress_counts_the_bytes_of_the_object(
    scripted: StartScript, tmp_path: Path, how: str
) -> None:
    data = DATA * (1 if how == "put" else 24)
    size, told, failed = len(data), list[int](), set[str]()

    def once_more(request: Recorded) -> Any:
        """The first send of each body fails when it has arrived."""
        if request.method == "PUT" and request.target not in failed:
            failed.add(request.target)
            return error(503, "SlowDown")
        return upload_step(request) if request.target.count("?") else reply(200)

    server = await scripted(rest=once_more)
    (tmp_path / "file").write_bytes(data)
    config = TransferConfig(5 << 20, 2, 5 << 20, checksum=CRC32)
    async with client_for(server) as s3:
        await s3.upload_file(tmp_path / "file", "bucket", "key", None, told.append, config)
    assert sum(told) == size
    sent = [request for request in server.requests if request.method == "PUT"]
    last = {request.target: frames_of(request) for request in sent}
    whole = [last[target].data for target in sorted(last)]
    assert b"".join(whole) == data
    assert len(sent) == 2 * len(last)
    if how == "parts":
        numbers = [part_number(request) for request in sent]
        assert set(numbers) == {1, 2}
        create = server.requests[0]
        assert create.header("x-amz-checksum-algorithm") == "CRC32"
        assert create.header("x-amz-checksum-type") == "FULL_OBJECT"


async def test_frames_are_not_counted() -> None:
    told: list[int] = []
    frame = framing(len(DATA), signed=False, checksum="CRC32")
    body = framed(BytesSource(DATA, told.append), frame, None)
    assert body.reached is not None
    sent = 0
    async for piece in body.open():
        sent += len(piece)
        body.reached(sent)
    assert sent == body.size == frame.encoded_size
    assert told == [CHUNK_SIZE, 2 * CHUNK_SIZE, 3 * CHUNK_SIZE, len(DATA), len(DATA)]
    assert framed(BytesSource(DATA), frame, None).reached is None
