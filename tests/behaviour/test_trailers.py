"""Checksums behind the bodies, sent to servers that take the framing out again.

Swift holds the body to its trailer, and the chunks to their signatures.
"""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from aiohttp_s3_client import ClientConfig, S3Client, TransferConfig
from aiohttp_s3_client.config import ChecksumConfig
from aiohttp_s3_client.errors import SourceChanged
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer

from .material import MIB, PART, in_pieces, noise

DATA = noise(200_000)
TRAILER = ChecksumConfig("CRC32", "trailer")

both_ways = pytest.mark.parametrize("hashing", [None, False], ids=["as usual", "unsigned"])


def client_of(
    server: RunningServer, session: aiohttp.ClientSession, hashing: bool | None = None
) -> S3Client:
    """With chunks signed over HTTP, or with nothing signed but the headers."""
    server.need("checksum_trailers")
    if hashing is not False:
        server.need("body_hash_verified")
    return S3Client(
        session,
        server.url,
        server.secret_access_key,
        server.access_key_id,
        region=server.region,
        config=ClientConfig(calculate_content_sha256=hashing),
    )


async def stored(oracle: Oracle, bucket: str, key: str = "key") -> bytes:
    return await asyncio.to_thread(oracle.get, bucket, key)


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
async def test_a_stream_with_a_trailer(
    server: RunningServer,
    session: aiohttp.ClientSession,
    bucket: str,
    oracle: Oracle,
    algorithm: Any,
) -> None:
    s3 = client_of(server, session, hashing=False)
    stream = in_pieces(DATA, 70_000)
    await s3.api.put_object(
        Bucket=bucket, Key="key", Body=stream, ContentLength=len(DATA),
        ChecksumAlgorithm=algorithm, ContentEncoding="gzip",
    )  # fmt: skip
    assert await stored(oracle, bucket) == DATA
    head = await s3.api.head_object(Bucket=bucket, Key="key")
    assert head["ETag"] == f'"{hashlib.md5(DATA, usedforsecurity=False).hexdigest()}"'
    # rclone keeps the word.
    assert head.get("ContentEncoding", "").removeprefix("aws-chunked,") == "gzip"


async def test_p20_a_checksum_of_a_stream_is_asked_for_and_nothing_else(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str, oracle: Oracle
) -> None:
    """As the client's settings are: every server that knows trailers takes it."""
    server.need("checksum_trailers")
    s3 = S3Client(
        session, server.url, server.secret_access_key, server.access_key_id, region=server.region
    )
    await s3.api.put_object(
        Bucket=bucket, Key="key", Body=in_pieces(DATA), ContentLength=len(DATA),
        ChecksumAlgorithm="CRC32",
    )  # fmt: skip
    assert await stored(oracle, bucket) == DATA


@both_ways
@pytest.mark.parametrize("size", [1, 65_536, 65_537, 3 * MIB])
async def test_bodies_of_any_size(
    server: RunningServer,
    session: aiohttp.ClientSession,
    bucket: str,
    oracle: Oracle,
    tmp_path: Path,
    hashing: bool | None,
    size: int,
) -> None:
    s3, data = client_of(server, session, hashing), noise(size)
    (tmp_path / "file").write_bytes(data)
    await s3.put(f"{bucket}/bytes", data, checksum=TRAILER, raise_for_status=True)
    await s3.put_file(f"{bucket}/file", tmp_path / "file", checksum=TRAILER, raise_for_status=True)
    for key in ("bytes", "file"):
        assert await stored(oracle, bucket, key) == data


@both_ways
async def test_parts_with_trailers(
    server: RunningServer,
    session: aiohttp.ClientSession,
    bucket: str,
    oracle: Oracle,
    tmp_path: Path,
    hashing: bool | None,
) -> None:
    s3, data = client_of(server, session, hashing), noise(PART + 100)
    (tmp_path / "file").write_bytes(data)
    told: list[int] = []
    config = TransferConfig(PART, 2, PART, checksum=ChecksumConfig(location="trailer"))
    result = await s3.upload_file(
        tmp_path / "file", bucket, "key", callback=told.append, config=config
    )
    assert (result.parts, sum(told)) == (2, len(data))
    assert await stored(oracle, bucket) == data


async def test_signed_chunks_are_held_to_their_signatures(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str, oracle: Oracle
) -> None:
    server.need("signature_verified")
    s3 = client_of(server, session)
    wrong = S3Client(session, server.url, "wrong" * 8, server.access_key_id, region=server.region)
    with pytest.raises(aiohttp.ClientResponseError) as caught:
        await wrong.put(f"{bucket}/key", DATA, checksum=TRAILER, raise_for_status=True)
    assert caught.value.status in (400, 403)
    await s3.put(f"{bucket}/key", DATA, checksum=TRAILER, raise_for_status=True)
    assert await stored(oracle, bucket) == DATA


async def test_a_stream_that_ends_early_leaves_no_object(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str, oracle: Oracle
) -> None:
    s3 = client_of(server, session, hashing=False)
    with pytest.raises(SourceChanged):
        await s3.put(f"{bucket}/key", in_pieces(DATA), data_length=len(DATA) + 1, checksum=TRAILER)
    assert await asyncio.to_thread(oracle.head, bucket, "key") is None


async def test_p20_a_stream_goes_as_it_is_by_default(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str, oracle: Oracle
) -> None:
    """To any server: rclone would keep the frames, and an old gateway refuse them."""
    s3 = S3Client(
        session, server.url, server.secret_access_key, server.access_key_id, region=server.region
    )
    await s3.put(f"{bucket}/key", in_pieces(DATA), data_length=len(DATA), raise_for_status=True)
    assert await stored(oracle, bucket) == DATA
