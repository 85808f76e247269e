"""What is different over TLS. The rest of this folder runs over TLS too, where a server has it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path

import aiohttp
import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import S3ConnectionError
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer

from .material import PART, client_for, noise


@pytest.fixture(autouse=True)
def over_tls(server: RunningServer) -> None:
    if server.ca_file is None:
        pytest.skip(f"{server.name}: speaks plain HTTP here")


async def test_bodies_are_not_hashed_unless_asked(client: S3Client, bucket: str) -> None:
    """TLS protects the body, so that its sha256 is not computed by default."""
    async with client.put(f"{bucket}/key", b"body") as resp:
        assert resp.status == HTTPStatus.OK
        assert resp.request_info.headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"


async def test_transfers(client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(noise(2 * PART + 1))
    for hashed in (None, True):
        await client.put_file_multipart(
            f"{bucket}/key", source, part_size=PART, calculate_content_sha256=hashed
        )
        assert await asyncio.to_thread(oracle.get, bucket, "key") == source.read_bytes()
    await client.get_file_parallel(f"{bucket}/key", copy, range_step=1_000_000)
    assert copy.read_bytes() == source.read_bytes()


async def test_certificate_that_nobody_vouches_for(server: RunningServer, bucket: str) -> None:
    """Refused at once: it would be no better the second time."""
    async with aiohttp.ClientSession() as session:
        client = client_for(server, session)
        with pytest.raises(S3ConnectionError, match="ertificate") as caught:
            await client.get(f"{bucket}/key")
    assert caught.value.attempts == 1
