"""Every way down holds an object to its checksum, and leaves it be where that is switched off."""

from __future__ import annotations

import hashlib
import io
import pickle
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from aiohttp_s3_client import ClientConfig, S3Client, TransferConfig
from aiohttp_s3_client.config import ChecksumConfig
from aiohttp_s3_client.errors import ChecksumMismatch, SyncError
from aiohttp_s3_client.protocol import checksums
from aiohttp_s3_client.session import S3Session
from aiohttp_s3_client.storage import S3Config, S3Storage

from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import Recorded, Step, reply
from ..transport.scripts import SECRET, RangedObject, client_for

DATA = random.Random(61).randbytes(300_000)
ETAG = '"stored"'
STEP = 100_000
RANGES = TransferConfig(STEP, 3, STEP)
MODE = "x-amz-checksum-mode"
QUIET: tuple[dict[str, Any], ...] = (
    {"response_checksum_validation": "when_required"},
    {"checksum": ChecksumConfig(validate_response=False)},
)

Way = Callable[[ScriptedServer, ClientConfig, Path], Awaitable[bytes]]
WAYS: dict[str, Way] = {}


def way(get: Way) -> Way:
    WAYS[get.__name__] = get
    return get


def by_client(get: Callable[[S3Client, Path], Awaitable[bytes]]) -> None:
    async def through(server: ScriptedServer, config: ClientConfig, path: Path) -> bytes:
        async with client_for(server, config=config) as client:
            return await get(client, path)

    WAYS[get.__name__] = through


@by_client
async def get_file_parallel(client: S3Client, path: Path) -> bytes:
    result = await client.get_file_parallel("bucket/key", path, range_step=STEP)
    assert result.verified is (client._engine.config == ClientConfig())
    return path.read_bytes()


@by_client
async def download_file(client: S3Client, path: Path) -> bytes:
    await client.download_file("bucket", "key", path, config=RANGES)
    return path.read_bytes()


@by_client
async def download_file_resumed(client: S3Client, path: Path) -> bytes:
    config = TransferConfig(STEP, 3, STEP, resume=True)
    await client.download_file("bucket", "key", path, config=config)
    return path.read_bytes()


@by_client
async def download_fileobj(client: S3Client, path: Path) -> bytes:
    file = io.BytesIO()
    await client.download_fileobj("bucket", "key", file, config=RANGES)
    return file.getvalue()


@by_client
async def get_bytes(client: S3Client, path: Path) -> bytes:
    return await client.get_bytes("bucket", "key", config=RANGES)


@by_client
async def get_into(client: S3Client, path: Path) -> bytes:
    buffer = bytearray(len(DATA))
    await client.get_into("bucket", "key", buffer, config=RANGES)
    return bytes(buffer)


@by_client
async def open_stream(client: S3Client, path: Path) -> bytes:
    async with client.open_stream("bucket", "key", config=RANGES) as stream:
        return b"".join([piece async for piece in stream])


@by_client
async def api_get_object(client: S3Client, path: Path) -> bytes:
    answer = await client.api.get_object(Bucket="bucket", Key="key")
    async with answer["Body"] as body:
        data: bytes = await body.read()
        return data


@by_client
async def sync(client: S3Client, path: Path) -> bytes:
    path.mkdir()
    try:
        await client.sync("s3://bucket/", path, config=RANGES)
    except SyncError as failed:
        path.rmdir()  # It is empty.
        raise failed.failures[0].error from None
    return (path / "key").read_bytes()


@way
async def session_get_object(server: ScriptedServer, config: ClientConfig, path: Path) -> bytes:
    async with S3Session(server.url, "AKID", SECRET, "us-east-1", config=config) as session:
        return await session.get_object("bucket", "key") or b""


@way
async def session_download(server: ScriptedServer, config: ClientConfig, path: Path) -> bytes:
    async with S3Session(server.url, "AKID", SECRET, "us-east-1", config=config) as session:
        return b"".join([chunk async for chunk in session.download_file("bucket", "key")])


def stored(server_said: dict[str, str]) -> Step:
    ranged = RangedObject(DATA, ETAG)

    def answer(request: Recorded) -> Step:
        if "list-type=2" in request.target:
            return reply(
                200,
                {"Content-Type": "application/xml"},
                "<ListBucketResult><Contents><Key>key</Key><ETag>&quot;stored&quot;</ETag>"
                f"<LastModified>2020-01-01T00:00:00.000Z</LastModified><Size>{len(DATA)}</Size>"
                "</Contents><IsTruncated>false</IsTruncated></ListBucketResult>",
            )
        if request.header("Range") is None:
            return reply(200, {"ETag": ETAG, **server_said}, DATA)
        return ranged(request)

    return answer


def said(algorithm: str, data: bytes = DATA) -> dict[str, str]:
    value = checksums.encode(checksums.compute(algorithm, data))
    return {checksums.header_name(algorithm): value, "x-amz-checksum-type": "FULL_OBJECT"}


async def start(scripted: StartScript, headers: dict[str, str]) -> ScriptedServer:
    size = {"ETag": ETAG, "Content-Length": str(len(DATA))}
    return await scripted(rest=stored(headers), inquiry=reply(200, {**size, **headers}))


def mismatch_in(error: BaseException) -> ChecksumMismatch:
    """The mismatch, or what it is the cause of: the storage has errors of its own."""
    while not isinstance(error, ChecksumMismatch):
        assert error.__cause__ is not None, error
        error = error.__cause__
    return error


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("algorithm", ["CRC64NVME", "SHA512", "XXHASH128"])
async def test_p05_every_way_down_holds_an_object_to_its_checksum(
    scripted: StartScript, tmp_path: Path, name: str, algorithm: str
) -> None:
    server = await start(scripted, said(algorithm))
    assert await WAYS[name](server, ClientConfig(), tmp_path / "file") == DATA
    wrong = said(algorithm, DATA[1:])
    server = await start(scripted, wrong)
    folder = tmp_path / "empty"
    folder.mkdir()
    with pytest.raises(Exception, match=f"bucket/key: the {algorithm} of what arrived") as caught:
        await WAYS[name](server, ClientConfig(), folder / "file")
    assert not list(folder.iterdir())
    failed = mismatch_in(caught.value)
    for error in (failed, pickle.loads(pickle.dumps(failed))):
        assert (error.bucket, error.key, error.part) == ("bucket", "key", None)
        assert error.algorithm == algorithm
        assert error.computed == said(algorithm)[checksums.header_name(algorithm)]
        assert error.expected == wrong[checksums.header_name(algorithm)]
        assert error.computed in str(error)
        assert error.expected in str(error)


@pytest.mark.parametrize("name", sorted({*WAYS} - {"sync", "download_file_resumed"}))
async def test_p05_a_checksum_goes_before_an_etag_that_is_an_md5(
    scripted: StartScript, tmp_path: Path, name: str
) -> None:
    """The one request there is asks for it: S3 leaves it out otherwise."""
    small = DATA[:1000]
    ranged = RangedObject(small, f'"{hashlib.md5(small).hexdigest()}"')

    def answer(request: Recorded) -> Step:
        asked = request.header(MODE) == "ENABLED"
        headers = {"ETag": ranged.etag, **(said("CRC32C") if asked else {})}
        if request.header("Range") is None:
            return reply(200, headers, small)
        return ranged(request, headers=headers)

    server = await scripted(rest=answer)
    with pytest.raises(ChecksumMismatch, match="CRC32C"):
        await WAYS[name](server, ClientConfig(), tmp_path / "file")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("config", QUIET, ids=["when_required", "validate_response"])
async def test_p20_where_it_is_switched_off_nothing_is_asked_for(
    scripted: StartScript, tmp_path: Path, name: str, config: dict[str, Any]
) -> None:
    """P20: the client's setting goes for every way, and a wrong checksum is nobody's business."""
    server = await start(scripted, said("CRC32", b"something else"))
    assert await WAYS[name](server, ClientConfig(**config), tmp_path / "file") == DATA
    assert not server.inquiries
    assert all(request.header(MODE) is None for request in server.requests)


async def test_p20_who_asks_gets_what_was_asked_for(scripted: StartScript, tmp_path: Path) -> None:
    """P20: the other way round: the call says more than the client's setting."""
    server = await start(scripted, said("CRC32", b"something else"))
    where: dict[str, Any] = {"Bucket": "bucket", "Key": "key"}
    path = tmp_path / "file"
    for quiet in QUIET:
        async with client_for(server, config=ClientConfig(**quiet)) as client:
            for how in (
                {"config": TransferConfig(STEP, 3, STEP, checksum=True)},
                {"config": TransferConfig(STEP, 3, STEP, checksum=ChecksumConfig())},
                {"config": RANGES, "extra_args": {"ChecksumMode": "ENABLED"}},
            ):
                with pytest.raises(ChecksumMismatch):
                    await client.download_file("bucket", "key", path, **how)
            with pytest.raises(ChecksumMismatch):
                await client.get_file_parallel("bucket/key", path, headers={MODE: "ENABLED"})
            answer = await client.api.get_object(**where, ChecksumMode="ENABLED")
            with pytest.raises(ChecksumMismatch):
                await answer["Body"].read()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["get", "get_bytes"])
async def test_p05_a_storage_too(scripted: StartScript, name: str) -> None:
    async def read(server: ScriptedServer) -> bytes:
        place = S3Config(
            "bucket",
            region="us-east-1",
            endpoint_url=server.url,
            access_key_id="AKID",
            secret_access_key=SECRET,
        )
        async with S3Storage(place) as storage:
            if name == "get_bytes":
                return await storage.get_bytes("key")
            return b"".join([piece async for piece in storage.get("key")])

    assert await read(await start(scripted, said("SHA256"))) == DATA
    with pytest.raises(Exception, match="the SHA256 of what arrived") as caught:
        await read(await start(scripted, said("SHA256", b"")))
    assert mismatch_in(caught.value).algorithm == "SHA256"


@pytest.fixture(autouse=True)
def no_fast_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    """``test_verify.py`` goes by both roads."""
    monkeypatch.setenv("AIOS3_PLAIN", "1")
