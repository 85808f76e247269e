"""``aws-chunked`` bodies, sent by plain aiohttp to servers that look at each signature."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus

import aiohttp
import pytest
from yarl import URL

from aiohttp_s3_client.protocol.aws_chunked import MIN_CHUNK_SIZE, Chain, Framing, framing
from aiohttp_s3_client.protocol.sigv4 import SigV4Signer
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer

from .material import noise

BODY = noise(3 * MIN_CHUNK_SIZE + 100)
SIGNED = framing(len(BODY), signed=True, chunk_size=MIN_CHUNK_SIZE)
SIGNED_WITH_TRAILER = framing(len(BODY), signed=True, checksum="CRC32", chunk_size=MIN_CHUNK_SIZE)
UNSIGNED_WITH_TRAILER = framing(
    len(BODY), signed=False, checksum="CRC32", chunk_size=MIN_CHUNK_SIZE
)
FRAMINGS = [SIGNED, SIGNED_WITH_TRAILER, UNSIGNED_WITH_TRAILER]

each_framing = pytest.mark.parametrize("frame", FRAMINGS, ids=lambda frame: frame.payload_hash)


def need(server: RunningServer, frame: Framing) -> None:
    """Skip where the server does not look at what the framing promises."""
    if frame.signed:
        server.need("body_hash_verified")
    if frame.checksum is not None:
        server.need("checksum_trailers")


async def put(
    server: RunningServer,
    session: aiohttp.ClientSession,
    path: str,
    frame: Framing,
    changed: Callable[[bytes], bytes] = bytes,
) -> int:
    """The status of a PUT whose body is *changed* after it was signed."""
    signer = SigV4Signer(server.access_key_id, server.secret_access_key, region=server.region)
    url, now = f"{server.url}/{path}", datetime.now(UTC)
    headers = {
        **frame.headers(),
        "Content-Length": str(frame.encoded_size),
        "Content-Type": "text/x-chunked",
    }
    signed = signer.sign("PUT", url, headers, payload_hash=frame.payload_hash, now=now)
    seed = signed["Authorization"].rpartition("Signature=")[2]
    encoder = frame.encoder(Chain(signer, seed, now) if frame.signed else None)
    body = b"".join([encoder.feed(BODY[:10_000]), encoder.feed(BODY[10_000:]), encoder.finish()])
    target = URL(url, encoded=True)
    async with session.put(target, data=changed(body), headers=signed) as response:
        await response.read()
        return response.status


@each_framing
async def test_a_framed_body_arrives_as_it_was(
    server: RunningServer,
    session: aiohttp.ClientSession,
    bucket: str,
    oracle: Oracle,
    frame: Framing,
) -> None:
    need(server, frame)
    assert await put(server, session, f"{bucket}/key", frame) == HTTPStatus.OK
    assert await asyncio.to_thread(oracle.get, bucket, "key") == BODY


@each_framing
async def test_a_body_that_was_changed_on_its_way_is_refused(
    server: RunningServer,
    session: aiohttp.ClientSession,
    bucket: str,
    oracle: Oracle,
    frame: Framing,
) -> None:
    need(server, frame)
    if not frame.signed:
        server.need("checksums_verified")

    def changed(body: bytes) -> bytes:
        return body.replace(BODY[:1000], bytes(1000))

    status = await put(server, session, f"{bucket}/key", frame, changed)
    assert HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    assert await asyncio.to_thread(oracle.head, bucket, "key") is None


async def test_a_trailer_that_was_changed_on_its_way_is_refused(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str, oracle: Oracle
) -> None:
    server.need("checksum_trailers", "body_hash_verified", "checksums_verified")

    def changed(body: bytes) -> bytes:
        """Another signature, and only that."""
        return body[:-6] + (b"00" if body[-6:-4] != b"00" else b"11") + body[-4:]

    path = f"{bucket}/key"
    status = await put(server, session, path, SIGNED_WITH_TRAILER, changed)
    assert HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    assert await asyncio.to_thread(oracle.head, bucket, "key") is None
