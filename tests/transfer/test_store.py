"""What becomes of the data handed to an upload: which requests, with which headers and bytes."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import io
import os
import tarfile
import threading
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from aiohttp_s3_client import ClientConfig, TransferConfig
from aiohttp_s3_client.config import GIB, MIB
from aiohttp_s3_client.errors import (
    AccessDenied,
    ParamValidationError,
    PreconditionFailed,
    SourceChanged,
)
from aiohttp_s3_client.protocol import checksums
from aiohttp_s3_client.protocol.extra_args import allowed

from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import Recorded, Reply, Step, drop, reply
from ..transport.scripts import client_for, error, kind, kinds, part_number, upload_step

PART = 5 * MIB
DATA = hashlib.shake_128(b"stored").digest(2 * PART + 1234)
SMALL = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=3)
UNSIGNED = ClientConfig(calculate_content_sha256=False)


def stored(request: Recorded) -> Reply:
    """The right answer to a PUT and to every request of an upload."""
    if kind(request) == "PUT":
        return reply(200, {"ETag": '"put"'})
    return upload_step(request)


def received(server: ScriptedServer) -> bytes:
    """The object that came to be."""
    puts = [request.body for request in server.requests if kind(request) == "PUT"]
    parts = {part_number(r): r.body for r in server.requests if part_number(r)}
    assert not (puts and parts)
    return puts[-1] if puts else b"".join(parts[number] for number in sorted(filter(None, parts)))


# --- every kind of data


class Unseekable:
    """A file object as pipes are: less than asked for at a time, and no way back."""

    def __init__(self, data: bytes) -> None:
        self._inner = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(min(size, 300_000) if size >= 0 else size)


class AsyncFile:
    """A file object whose methods are coroutines, as those of aiofiles and anyio are."""

    def __init__(self, data: bytes) -> None:
        self._inner = io.BytesIO(data)
        self.asked: list[int] = []

    async def read(self, size: int = -1) -> bytes:
        await asyncio.sleep(0)
        self.asked.append(size)
        return self._inner.read(size)

    async def seekable(self) -> bool:
        return True

    async def seek(self, offset: int, whence: int = 0) -> int:
        return self._inner.seek(offset, whence)

    async def tell(self) -> int:
        return self._inner.tell()


class AsyncFileOfLines(AsyncFile):
    """One that gives lines when it is iterated over."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if line := self._inner.readline():
            return line
        raise StopAsyncIteration


class Seekable(io.RawIOBase):
    """A raw file object in memory that is no BytesIO."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._inner = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._inner.seek(offset, whence)

    def tell(self) -> int:
        return self._inner.tell()

    def readinto(self, buffer: Any, /) -> int:
        return self._inner.readinto(buffer)


def fed(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


def each(data: bytes, size: int = 700_000) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def streamed(data: bytes) -> AsyncIterator[bytes | bytearray]:
    for number, piece in enumerate(each(data)):
        yield piece if number % 2 else bytearray(piece)


KINDS: dict[str, Callable[[bytes], Any]] = {
    "bytes": bytes,
    "bytearray": bytearray,
    "memoryview": memoryview,
    "BytesIO": io.BytesIO,
    "seekable": Seekable,
    "unseekable": Unseekable,
    "async file": AsyncFile,
    "async file of lines": AsyncFileOfLines,
    "StreamReader": fed,
    "generator": each,
    "async generator": streamed,
    "list": lambda data: list(each(data)),
}


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, len(DATA)])
@pytest.mark.parametrize("made", KINDS.values(), ids=KINDS)
async def test_every_kind_of_data(
    scripted: StartScript, made: Callable[..., Any], size: int
) -> None:
    """One PUT below the threshold, parts from it on; progress and result tell the same."""
    server = await scripted(rest=stored)
    moved: list[int] = []
    async with client_for(server) as client:
        result = await client.upload_fileobj(
            made(DATA[:size]), "bucket", "key", callback=moved.append, config=SMALL
        )
    assert received(server) == DATA[:size]
    assert sum(moved) == result.size == size
    if size < PART:
        assert kinds(server) == ["PUT"]
        assert result.parts is None
        assert result.etag == '"put"'
    else:
        count = -(-size // PART)
        assert sorted(kinds(server)) == sorted(
            ["create", *(f"part {number}" for number in range(1, count + 1)), "complete"]
        )
        assert result.parts == count
        assert result.etag == '"abc-1"'


async def test_async_files_are_read_in_large_pieces(scripted: StartScript) -> None:
    """Not line by line, though iterating over one would give lines."""
    server, file = await scripted(rest=stored), AsyncFileOfLines(DATA)
    async with client_for(server) as client:
        await client.upload_fileobj(file, "bucket", "key", config=SMALL)
    assert file.asked
    assert min(file.asked) >= 64 * 1024


@pytest.mark.parametrize("size", [1000, PART, len(DATA)])
@pytest.mark.parametrize("start", [0, 1, 999])
@pytest.mark.parametrize("buffering", [-1, 0])
async def test_a_real_file_from_where_it_stands(
    scripted: StartScript, tmp_path: Path, size: int, start: int, buffering: int
) -> None:
    """It is left at its end, as reading would leave it, and open."""
    server = await scripted(rest=stored)
    (tmp_path / "file").write_bytes(DATA[:size])
    with open(tmp_path / "file", "rb", buffering) as file:  # noqa: ASYNC230
        file.seek(start)
        async with client_for(server) as client:
            result = await client.upload_fileobj(file, "bucket", "key", config=SMALL)
        assert file.tell() == size
        assert file.read() == b""
    assert received(server) == DATA[start:size]
    assert result.size == size - start


async def test_a_real_file_of_which_some_was_read_ahead(
    scripted: StartScript, tmp_path: Path
) -> None:
    """What a buffered reader holds already is not lost, and not sent twice."""
    server = await scripted(rest=stored)
    (tmp_path / "file").write_bytes(DATA)
    with open(tmp_path / "file", "rb") as file:  # noqa: ASYNC230
        head = file.read(10)
        async with client_for(server) as client:
            await client.upload_fileobj(file, "bucket", "key", config=SMALL)
    assert head + received(server) == DATA


async def test_a_file_that_may_be_written_too(scripted: StartScript, tmp_path: Path) -> None:
    """What stands in the file object's buffer only is sent all the same."""
    server = await scripted(rest=stored)
    with open(tmp_path / "file", "w+b") as file:  # noqa: ASYNC230
        file.write(DATA[: PART + 10])
        file.seek(5)
        file.write(b"12345")
        file.seek(0)
        async with client_for(server) as client:
            await client.upload_fileobj(file, "bucket", "key", config=SMALL)
        assert file.tell() == PART + 10
    assert received(server) == DATA[:5] + b"12345" + DATA[10 : PART + 10]


async def test_what_reads_otherwise_than_its_file(scripted: StartScript, tmp_path: Path) -> None:
    """The descriptor of a reader that decompresses is that of the compressed file."""

    class Capitals(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(size).upper()

    with gzip.open(tmp_path / "file.gz", "wb", 1) as file:
        file.write(DATA)
    with tarfile.open(tmp_path / "file.tar", "w") as tar:
        (tmp_path / "member").write_bytes(DATA)
        tar.add(tmp_path / "member", "member")
    server = await scripted(rest=stored)
    async with client_for(server) as client:
        with io.BufferedReader(gzip.open(tmp_path / "file.gz")) as unpacked:
            await client.upload_fileobj(unpacked, "bucket", "key", config=SMALL)
        assert received(server) == DATA
        server.requests.clear()
        with tarfile.open(tmp_path / "file.tar") as tar:
            member = tar.extractfile("member")
            assert member is not None
            await client.upload_fileobj(member, "bucket", "key", config=SMALL)
        assert received(server) == DATA
        server.requests.clear()
        await client.upload_fileobj(Capitals(b"small"), "bucket", "key", config=SMALL)
    assert received(server) == b"SMALL"


async def test_numbers_in_memory(scripted: StartScript) -> None:
    """A memoryview of larger elements goes as its bytes; one with gaps cannot."""
    server = await scripted(rest=stored)
    view = memoryview(DATA[: PART + 4]).cast("I")
    async with client_for(server) as client:
        result = await client.upload_fileobj(view, "bucket", "key", config=SMALL)
        with pytest.raises(ValueError, match="gaps"):
            await client.upload_fileobj(memoryview(DATA)[:100:2], "bucket", "key")
    assert result.size == PART + 4
    assert received(server) == DATA[: PART + 4]


async def test_a_pipe(scripted: StartScript) -> None:
    """A FileIO, but no file on a disk."""
    server = await scripted(rest=stored)
    reading, writing = os.pipe()

    def fill() -> None:
        with open(writing, "wb") as file:
            file.write(DATA)

    thread = threading.Thread(target=fill)
    thread.start()
    with open(reading, "rb", 0) as file:  # noqa: ASYNC230
        async with client_for(server) as client:
            await client.upload_fileobj(file, "bucket", "key", config=SMALL)
    thread.join()
    assert received(server) == DATA


async def test_a_path(scripted: StartScript, tmp_path: Path) -> None:
    server = await scripted(rest=stored)
    (tmp_path / "file").write_bytes(DATA)
    async with client_for(server) as client:
        await client.upload_fileobj(tmp_path / "file", "bucket", "key", config=SMALL)
    assert received(server) == DATA


async def test_a_request_that_is_being_proxied(scripted: StartScript) -> None:
    """The aiohttp.StreamReader of somebody else's upload goes on as it comes."""
    server = await scripted(rest=stored)

    async with client_for(server) as client:

        async def proxied(request: web.Request) -> web.Response:
            result = await client.upload_fileobj(request.content, "bucket", "key", config=SMALL)
            return web.json_response({"parts": result.parts})

        application = web.Application(client_max_size=0)
        application.router.add_put("/", proxied)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        async with aiohttp.ClientSession() as session:
            async with session.put(f"http://{host}:{port}/", data=streamed(DATA)) as answer:
                assert await answer.json() == {"parts": 3}
        await runner.cleanup()
    assert received(server) == DATA


@pytest.mark.parametrize(
    "data", ["text", 5, 2.5, {"a": b"b"}, io.StringIO("text"), ["text"], [1], object()]
)
async def test_what_is_no_data(scripted: StartScript, data: Any) -> None:
    server = await scripted()
    async with client_for(server) as client:
        with pytest.raises(TypeError):
            await client.upload_fileobj(data, "bucket", "key")
    assert not server.requests


async def test_a_file_opened_as_text(scripted: StartScript, tmp_path: Path) -> None:
    server = await scripted()
    (tmp_path / "file").write_text("text")
    async with client_for(server) as client:
        with (tmp_path / "file").open() as file:
            with pytest.raises(TypeError, match="text"):
                await client.upload_fileobj(file, "bucket", "key")  # type: ignore[arg-type]  # on purpose
    assert not server.requests


# --- one PUT, or parts


@pytest.mark.parametrize(
    ("size", "threshold", "first"),
    [
        (PART - 1, PART, "PUT"),
        (PART, PART, "create"),
        (5 * GIB, 6 * GIB, "PUT"),
        (5 * GIB + 1, 6 * GIB, "create"),
        (5 * GIB + 1, 100 * GIB, "create"),
    ],
)
async def test_the_threshold_and_the_largest_put(
    scripted: StartScript, tmp_path: Path, size: int, threshold: int, first: str
) -> None:
    """Over 5 GiB S3 takes nothing in one PUT, whatever the threshold says. Nothing is sent here."""
    server = await scripted(error(403, "AccessDenied", read=0))
    path = tmp_path / "sparse"
    path.touch()
    os.truncate(path, size)
    config = TransferConfig(multipart_threshold=threshold)
    async with client_for(server, config=UNSIGNED) as client:
        with pytest.raises(AccessDenied):
            await client.upload_file(path, "bucket", "key", config=config)
    assert kinds(server) == [first]
    assert server.requests[0].body_size == 0


@pytest.mark.parametrize("size", [80_000 * MIB, 80_000 * MIB + 1, 200_000 * MIB + 7])
async def test_parts_grow_so_that_ten_thousand_hold_the_object(
    scripted: StartScript, tmp_path: Path, size: int
) -> None:
    """What the first part announces: 8 MiB, 9 MiB, 21 MiB."""
    announced: list[int] = []

    def refused(request: Recorded) -> Step:
        if part_number(request) is None:
            return upload_step(request)
        announced.append(int(request.header("Content-Length") or 0))
        return error(403, "AccessDenied", read=0)

    server = await scripted(rest=refused)
    path = tmp_path / "sparse"
    path.touch()
    os.truncate(path, size)
    async with client_for(server, config=UNSIGNED) as client:
        with pytest.raises(AccessDenied):
            await client.upload_file(path, "bucket", "key")
    least = -(-size // 10_000)
    assert announced
    for each_size in announced:
        assert max(8 * MIB, least) <= each_size < least + MIB
        assert each_size % MIB == 0
    assert kinds(server)[-1] == "abort"


async def test_parts_below_and_above_what_s3_takes(scripted: StartScript) -> None:
    server = await scripted(rest=stored)
    config = TransferConfig(multipart_threshold=1, multipart_chunksize=1)
    async with client_for(server) as client:
        result = await client.upload_fileobj(DATA, "bucket", "key", config=config)
    assert result.parts == 3
    assert received(server) == DATA


# --- arguments, and the requests they go with


EVERYWHERE = {"RequestPayer", "ExpectedBucketOwner", "SSECustomerAlgorithm", "SSECustomerKey"}
COMPLETING = {"IfMatch", "IfNoneMatch", "MpuObjectSize"}
SSE_KEY = "k" * 32
UPLOAD_ARGS: dict[str, tuple[Any, str, str]] = {
    # name: (value, header, its value)
    "ACL": ("private", "x-amz-acl", "private"),
    "CacheControl": ("no-store", "Cache-Control", "no-store"),
    "ContentDisposition": ("inline", "Content-Disposition", "inline"),
    "ContentEncoding": ("gzip", "Content-Encoding", "gzip"),
    "ContentLanguage": ("de", "Content-Language", "de"),
    "ContentType": ("text/x-test", "Content-Type", "text/x-test"),
    "ExpectedBucketOwner": ("123456789012", "x-amz-expected-bucket-owner", "123456789012"),
    "GrantFullControl": ('id="1"', "x-amz-grant-full-control", 'id="1"'),
    "GrantRead": ('id="2"', "x-amz-grant-read", 'id="2"'),
    "GrantReadACP": ('id="3"', "x-amz-grant-read-acp", 'id="3"'),
    "GrantWriteACP": ('id="4"', "x-amz-grant-write-acp", 'id="4"'),
    "IfMatch": ('"etag"', "If-Match", '"etag"'),
    "IfNoneMatch": ("*", "If-None-Match", "*"),
    "Metadata": ({"name": "value"}, "x-amz-meta-name", "value"),
    "MpuObjectSize": (PART, "x-amz-mp-object-size", str(PART)),
    "ObjectLockLegalHoldStatus": ("ON", "x-amz-object-lock-legal-hold", "ON"),
    "ObjectLockMode": ("GOVERNANCE", "x-amz-object-lock-mode", "GOVERNANCE"),
    "RequestPayer": ("requester", "x-amz-request-payer", "requester"),
    "SSECustomerAlgorithm": (
        "AES256", "x-amz-server-side-encryption-customer-algorithm", "AES256"
    ),
    "SSECustomerKey": (
        SSE_KEY,
        "x-amz-server-side-encryption-customer-key",
        base64.b64encode(SSE_KEY.encode()).decode(),
    ),
    "SSEKMSEncryptionContext": ("e30=", "x-amz-server-side-encryption-context", "e30="),
    "SSEKMSKeyId": ("id", "x-amz-server-side-encryption-aws-kms-key-id", "id"),
    "ServerSideEncryption": ("aws:kms", "x-amz-server-side-encryption", "aws:kms"),
    "StorageClass": ("STANDARD_IA", "x-amz-storage-class", "STANDARD_IA"),
    "Tagging": ("a=b", "x-amz-tagging", "a=b"),
    "WebsiteRedirectLocation": ("/there", "x-amz-website-redirect-location", "/there"),
}  # fmt: skip


@pytest.mark.parametrize("name", UPLOAD_ARGS)
async def test_each_argument_goes_with_the_right_requests(scripted: StartScript, name: str) -> None:
    value, header, told = UPLOAD_ARGS[name]
    extra = {name: value}
    server = await scripted(rest=stored)
    async with client_for(server) as client:
        await client.upload_fileobj(b"small", "bucket", "key", extra_args=extra)
        await client.upload_fileobj(DATA[:PART], "bucket", "key", extra_args=extra, config=SMALL)
    put, create, part, complete = server.requests
    assert [kind(r) for r in server.requests] == ["PUT", "create", "part 1", "complete"]
    found = [request.header(header) == told for request in (put, create, part, complete)]
    assert found == [
        name != "MpuObjectSize",  # PutObject has no such header.
        name not in COMPLETING,
        name in EVERYWHERE,
        name in EVERYWHERE | COMPLETING,
    ]


def test_no_upload_argument_is_forgotten() -> None:
    """The others are checksums, dates and what follows from a key: tested below or elsewhere."""
    rest = {name for name in allowed("upload") - UPLOAD_ARGS.keys() if "Checksum" not in name}
    assert rest == {"Expires", "ObjectLockRetainUntilDate", "SSECustomerKeyMD5"}


@pytest.mark.parametrize("method", ["upload_file", "upload_fileobj"])
@pytest.mark.parametrize("name", ["Unknown", "VersionId", "metadata", "CopySourceIfMatch"])
async def test_unknown_names_are_refused_before_sending(
    scripted: StartScript, tmp_path: Path, method: str, name: str
) -> None:
    server = await scripted()
    (tmp_path / "file").write_bytes(b"x")
    async with client_for(server) as client:
        with pytest.raises(ValueError, match=name):
            await getattr(client, method)(
                tmp_path / "file", "bucket", "key", extra_args={name: "x"}
            )
    assert not server.requests


@pytest.mark.parametrize("algorithm", checksums.ALGORITHMS)
@pytest.mark.parametrize("how", ["config", "extra_args"])
@pytest.mark.parametrize("kind_of", ["bytes", "file", "stream"])
async def test_checksums_by_name(
    scripted: StartScript, tmp_path: Path, algorithm: str, how: str, kind_of: str
) -> None:
    """The named one goes with the PUT and with each part, and no other. MD5 is Content-MD5 in the
    settings, and S3's own x-amz-checksum-md5 as S3's own parameter."""
    config = TransferConfig(PART, 2, PART, checksum=algorithm if how == "config" else None)  # type: ignore[arg-type]  # one of the literals
    extra = {"ChecksumAlgorithm": algorithm} if how == "extra_args" else None
    server = await scripted(rest=stored)
    (tmp_path / "small").write_bytes(b"small")
    (tmp_path / "large").write_bytes(DATA)
    given: dict[str, tuple[Any, Any]] = {
        "bytes": (b"small", DATA),
        "file": (tmp_path / "small", tmp_path / "large"),
        "stream": (each(b"small"), each(DATA)),
    }
    async with client_for(server) as client:
        for data in given[kind_of]:
            await client.upload_fileobj(data, "bucket", "key", extra_args=extra, config=config)
    unkept = how == "config" and algorithm == "MD5"
    header = "content-md5" if unkept else f"x-amz-checksum-{algorithm.lower()}"
    sending = [r for r in server.requests if kind(r) == "PUT" or part_number(r)]
    assert len(sending) == 4
    for request in sending:
        told = {n.lower(): v for n, v in request.headers if "checksum" in n.lower()}
        told |= {n.lower(): v for n, v in request.headers if n.lower() == "content-md5"}
        told.pop("x-amz-sdk-checksum-algorithm", None)
        computed = checksums.encode(checksums.compute(algorithm, request.body))
        assert told == {header: computed}
    create = next(r for r in server.requests if kind(r) == "create")
    announced = create.header("x-amz-checksum-algorithm")
    assert announced == (None if unkept else algorithm)


@pytest.mark.usefixtures("no_packages_for_checksums")
async def test_a_named_checksum_that_would_take_too_long_is_refused_first(
    scripted: StartScript, tmp_path: Path
) -> None:
    """Up to 1 MiB Python itself computes it; beyond, and in parts, nothing is sent without."""
    server = await scripted(rest=stored)
    path = tmp_path / "file"
    path.write_bytes(bytes(MIB + 1))
    async with client_for(server) as client:
        for algorithm, parts in (("CRC32C", 8 * MIB), ("CRC64NVME", MIB), ("XXHASH3", 8 * MIB)):
            config = TransferConfig(parts, 2, checksum=algorithm)  # type: ignore[arg-type]  # one of the literals
            for data in (path.read_bytes(), each(path.read_bytes())):
                with pytest.raises(ImportError, match=rf"{algorithm} .*\[checksums\]"):
                    await client.upload_fileobj(data, "bucket", "key", config=config)
            with pytest.raises(ImportError, match=rf"{algorithm} .*\[checksums\]"):
                await client.upload_file(path, "bucket", "key", config=config)
        given: dict[str, Any] = {"Bucket": "bucket", "Key": "key", "Body": b""}
        with pytest.raises(ParamValidationError, match=r"XXHASH64.*install the extra"):
            await client.api.put_object(**given, ChecksumAlgorithm="XXHASH64")
        assert not server.requests
        # What can be had, and what nobody named.
        await client.upload_fileobj(
            bytes(MIB), "bucket", "key", config=TransferConfig(checksum="CRC32C")
        )
        await client.api.put_object(**given, ChecksumAlgorithm="CRC64NVME")
    named, small = server.requests
    assert named.header("x-amz-checksum-crc32c") == "FCmMEg=="
    assert small.header("x-amz-checksum-crc64nvme") == "AAAAAAAAAAA="
    wanted = ClientConfig(request_checksum_calculation="when_supported")
    async with client_for(server, config=wanted) as client:
        await client.upload_file(path, "bucket", "key")
    assert server.requests[-1].header("x-amz-checksum-crc32")


@pytest.mark.parametrize("checksum", [None, True, False])
async def test_checksum_left_to_the_settings(scripted: StartScript, checksum: bool | None) -> None:
    server = await scripted(rest=stored)
    config = TransferConfig(PART, 2, PART, checksum=checksum)
    wanted = ClientConfig(request_checksum_calculation="when_supported")
    async with client_for(server, config=wanted) as client:
        await client.upload_fileobj(b"small", "bucket", "key", config=config)
        await client.upload_fileobj(DATA, "bucket", "key", config=config)
    told = [[n for n, _ in r.headers if "checksum" in n.lower()] for r in server.requests]
    sending = [names for r, names in zip(server.requests, told, strict=True) if r.method == "PUT"]
    assert all(bool(names) == (checksum is not False) for names in sending)
    if checksum is False:
        assert not any(told)


async def test_the_results_of_both_ways(scripted: StartScript) -> None:
    def answer(request: Recorded) -> Reply:
        versioned = {"x-amz-version-id": "v1", "x-amz-checksum-crc32": "AAAAAA=="}
        if kind(request) == "PUT":
            return reply(200, {"ETag": '"put"', **versioned})
        if kind(request) == "complete":
            return reply(200, {**versioned}, upload_step(request).body)
        return upload_step(request)

    server = await scripted(rest=answer)
    async with client_for(server) as client:
        put = await client.upload_fileobj(b"small", "bucket", "key", config=SMALL)
        parts = await client.upload_fileobj(DATA, "bucket", "key", config=SMALL)
    assert (put.size, put.etag, put.version_id, put.parts) == (5, '"put"', "v1", None)
    assert (parts.size, parts.etag, parts.version_id) == (len(DATA), '"abc-1"', "v1")
    assert parts.parts == 3
    assert put.checksums == parts.checksums == {"CRC32": "AAAAAA=="}


# --- failures


async def test_p11_a_conditional_put_whose_answer_was_lost(scripted: StartScript) -> None:
    """P11: the repeated PUT is refused because the first one made the object: that is success."""
    etag = f'"{hashlib.md5(b"small").hexdigest()}"'
    server = await scripted(
        drop(read=None), error(412, "PreconditionFailed"), reply(200, {"ETag": etag})
    )
    async with client_for(server) as client:
        result = await client.upload_fileobj(
            b"small", "bucket", "key", extra_args={"IfNoneMatch": "*"}
        )
    assert [request.method for request in server.requests] == ["PUT", "PUT", "HEAD"]
    assert result.etag == etag


async def test_p11_a_conditional_put_that_another_one_forestalled(scripted: StartScript) -> None:
    server = await scripted(error(412, "PreconditionFailed"))
    async with client_for(server) as client:
        with pytest.raises(PreconditionFailed):
            await client.upload_fileobj(b"small", "bucket", "key", extra_args={"IfNoneMatch": "*"})


@pytest.mark.parametrize("change", ["longer", "shorter", "touched"])
async def test_a_file_that_changes_meanwhile(
    scripted: StartScript, tmp_path: Path, change: str
) -> None:
    """Noticed before Complete: the upload is aborted, and no mixed object comes to be."""
    path = tmp_path / "file"
    path.write_bytes(DATA)

    def changing(request: Recorded) -> Step:
        if part_number(request) == 1:
            if change == "longer":
                with path.open("ab") as file:
                    file.write(b"x")
            elif change == "shorter":
                os.truncate(path, PART + 1)
            else:
                os.utime(path, ns=(1, 1))
        return stored(request)

    server = await scripted(rest=changing)
    config = TransferConfig(PART, 1, PART)
    async with client_for(server) as client:
        with pytest.raises(SourceChanged):
            await client.upload_file(path, "bucket", "key", config=config)
    assert kinds(server)[-1] == "abort"
    assert "complete" not in kinds(server)


@pytest.mark.parametrize("threshold", [PART, len(DATA) + 1], ids=["parts", "put"])
@pytest.mark.parametrize("made", ["generator", "async generator", "unseekable"])
async def test_a_source_that_fails(scripted: StartScript, threshold: int, made: str) -> None:
    """Its exception comes out, and nothing remains of the upload."""

    class Broken(Exception):
        pass

    def failing() -> Iterator[bytes]:
        yield DATA[: PART + 1]
        raise Broken

    async def failing_async() -> AsyncIterator[bytes]:
        for piece in failing():
            yield piece

    class File:
        def __init__(self) -> None:
            self.pieces = failing()

        def read(self, size: int = -1) -> bytes:
            return next(self.pieces)

    data: Any = {"generator": failing, "async generator": failing_async, "unseekable": File}[made]()
    server = await scripted(rest=stored)
    async with client_for(server) as client:
        with pytest.raises(Broken):
            await client.upload_fileobj(
                data, "bucket", "key", config=TransferConfig(threshold, 2, PART)
            )
    if threshold == PART:
        assert kinds(server)[-1] == "abort"
    else:
        assert not server.requests


@pytest.mark.parametrize("made", ["BytesIO", "generator"])
async def test_resume_is_for_files_alone(scripted: StartScript, made: str) -> None:
    """Data without a journal cannot be gone on with: a failed upload of it is aborted."""

    def refusing(request: Recorded) -> Step:
        return error(403, "AccessDenied") if part_number(request) == 2 else stored(request)

    server = await scripted(rest=refusing)
    config = TransferConfig(PART, 2, PART, resume=True)
    async with client_for(server) as client:
        with pytest.raises(AccessDenied):
            await client.upload_fileobj(KINDS[made](DATA), "bucket", "key", config=config)
    assert kinds(server)[-1] == "abort"


# --- memory


async def growing(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // MIB):
        yield os.urandom(1024) * 1024


@pytest.mark.parametrize(
    ("config", "limit"),
    [
        (TransferConfig(PART, 3, PART), 4 * PART),
        (TransferConfig(PART, 8, PART, memory_limit=2 * PART), 3 * PART),
        (TransferConfig(4 * PART, 3, PART), 4 * PART),
        (TransferConfig(1000 * PART, 3, PART), 4 * PART),
        (TransferConfig(PART, 3, PART, use_threads=False), 2 * PART),
    ],
    ids=["parts", "memory_limit", "threshold of 4 parts", "huge threshold", "no threads"],
)
async def test_p17_a_stream_is_held_in_bounds(
    scripted: StartScript, config: TransferConfig, limit: int
) -> None:
    """P17: at most (concurrency + 1) parts, or what memory_limit says and the part at the door."""
    server = await scripted(rest=stored, keep_bodies=False)
    async with client_for(server) as client:
        await client.upload_fileobj(growing(PART), "bucket", "warm", config=config)
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            await client.upload_fileobj(growing(12 * PART), "bucket", "key", config=config)
            peak = tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()
    # The scripted server's own buffers, aiohttp's and the stream's piece are in it.
    assert peak < limit + 6 * MIB


async def test_p17_a_seekable_file_object_below_a_huge_threshold(scripted: StartScript) -> None:
    """P17: it goes in one PUT all the same, read as it is sent."""
    server = await scripted(rest=stored, keep_bodies=False)
    config = TransferConfig(1000 * PART, 1, PART)
    file = Seekable(DATA * 3)
    file.seek(3)
    moved: list[int] = []
    async with client_for(server) as client:
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            result = await client.upload_fileobj(
                file, "bucket", "key", config=config, callback=moved.append
            )
            peak = tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()
    assert kinds(server) == ["PUT"]
    assert server.requests[0].body_size == result.size == sum(moved) == len(DATA) * 3 - 3
    assert file.tell() == len(DATA) * 3
    assert peak < 8 * MIB


@pytest.mark.parametrize("threshold", [PART, 1000 * PART], ids=["parts", "put"])
@pytest.mark.parametrize("client_", ["auto", "classic"])
async def test_p17_a_file_is_never_held(
    scripted: StartScript, tmp_path: Path, threshold: int, client_: Any
) -> None:
    server = await scripted(rest=stored, keep_bodies=False)
    config = TransferConfig(threshold, 4, PART, preferred_transfer_client=client_)
    (tmp_path / "file").write_bytes(DATA * 3)
    async with client_for(server) as client:
        await client.upload_fileobj(b"x", "bucket", "warm", config=config)
        tracemalloc.start()
        try:
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            await client.upload_file(tmp_path / "file", "bucket", "key", config=config)
            peak = tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()
    assert peak < 6 * MIB
