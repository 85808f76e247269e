"""The pipeline and credentials that change while a client lives (P15)."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from aiohttp_s3_client import CredentialsSnapshot, S3Client
from aiohttp_s3_client.errors import CredentialsError, ExpiredToken
from aiohttp_s3_client.transport.session import KEEPALIVE_SECONDS, open_session

from ..servers.scripted import StartScript
from ..servers.steps import reply
from .scripts import SECRET, error

OK = reply(200, {"ETag": '"x"'}, b"body")
EXPIRED = error(400, "ExpiredToken")


class Rotating:
    """Gives a new key each time it was told that the old one is refused."""

    def __init__(self) -> None:
        self.generation = 1

    async def resolve(self) -> CredentialsSnapshot:
        return self.at_hand()

    def at_hand(self) -> CredentialsSnapshot:
        return CredentialsSnapshot(f"AKID{self.generation}", SECRET, f"token{self.generation}")

    def invalidate(self) -> None:
        self.generation += 1


async def test_p15_an_expired_token_is_replaced_once(scripted: StartScript) -> None:
    server = await scripted(EXPIRED, OK, OK)
    async with S3Client(url=server.url, credentials=Rotating()) as client:
        for _ in range(2):
            async with client.get("bucket/key") as response:
                assert response.status == 200
    tokens = [request.header("x-amz-security-token") for request in server.requests]
    assert tokens == ["token1", "token2", "token2"]
    signed = [request.header("Authorization") or "" for request in server.requests]
    assert ["AKID1/" in signed[0], "AKID2/" in signed[1]] == [True, True]


async def test_p15_a_token_that_stays_expired_is_an_error(scripted: StartScript) -> None:
    server = await scripted(EXPIRED, EXPIRED)
    async with S3Client(url=server.url, credentials=Rotating()) as client:
        with pytest.raises(ExpiredToken):
            await client.get("bucket/key", raise_for_status=True)
    assert len(server.requests) == 2


async def test_p15_a_part_of_a_long_upload_survives_a_rotation(scripted: StartScript) -> None:
    from .scripts import COMPLETED, CREATED

    part = reply(200, {"ETag": '"p"'})
    server = await scripted(CREATED, EXPIRED, part, COMPLETED)
    async with S3Client(url=server.url, credentials=Rotating()) as client:
        await client.put_multipart("bucket/key", [b"data"], part_upload_tries=1)
    assert [bytes(request.body) for request in server.requests[1:3]] == [b"data", b"data"]


async def test_p15_after_a_stream_that_was_refused_the_next_request_is_signed_anew(
    scripted: StartScript,
) -> None:
    """P15: the stream cannot be sent again, and what it was signed with is of no use."""
    server = await scripted(EXPIRED, OK)
    async with S3Client(url=server.url, credentials=Rotating()) as client:
        with pytest.raises(ExpiredToken):
            await client.put("bucket/key", iter([b"data"]), data_length=4, raise_for_status=True)
        await client.put("bucket/key", iter([b"data"]), data_length=4, raise_for_status=True)
    tokens = [request.header("x-amz-security-token") for request in server.requests]
    assert tokens == ["token1", "token2"]


async def test_p15_a_refused_head_finds_out_that_its_token_has_expired(
    scripted: StartScript,
) -> None:
    """P15: the answer to a HEAD does not say why, though the bucket has answered well before."""
    server = await scripted(OK, reply(400), EXPIRED, reply(200))
    async with S3Client(url=server.url, credentials=Rotating()) as client:
        await client.get("bucket/key")
        async with client.head("bucket/key") as response:
            assert response.status == 200
    sent = [(request.method, request.header("x-amz-security-token")) for request in server.requests]
    assert sent == [("GET", "token1"), ("HEAD", "token1"), ("GET", "token1"), ("HEAD", "token2")]


async def test_anonymous_requests_are_not_signed(scripted: StartScript) -> None:
    class Nobody(Rotating):
        def at_hand(self) -> CredentialsSnapshot:
            return CredentialsSnapshot("", "")

    server = await scripted(OK, reply(200))
    async with S3Client(url=server.url, credentials=Nobody()) as client:
        await client.get("bucket/key")
        await client.put("bucket/key", b"x")
    for request in server.requests:
        names = {name.lower() for name, _ in request.headers}
        assert not {"authorization", "x-amz-date", "x-amz-content-sha256"} & names


async def test_credentials_that_cannot_be_found_send_nothing(scripted: StartScript) -> None:
    class Broken(Rotating):
        def at_hand(self) -> CredentialsSnapshot:
            raise CredentialsError("nothing here")

    server = await scripted()
    async with S3Client(url=server.url, credentials=Broken()) as client:
        for call in (client.get("bucket/key"), client.put_multipart("bucket/key", [b"x"])):
            with pytest.raises(CredentialsError, match="nothing here"):
                await call
    assert not server.requests


async def test_each_request_is_signed_at_its_own_time(scripted: StartScript) -> None:
    """P15: a retry is signed afresh and never sends a stale signature."""
    server = await scripted(error(503, "SlowDown", headers={"Retry-After": "1"}), OK)
    async with S3Client(url=server.url, credentials=Rotating()) as client:
        await client.get("bucket/key")
    dates = [request.header("x-amz-date") for request in server.requests]
    assert dates[0] != dates[1]


async def test_p19_our_own_session_gives_up_idle_connections_before_s3_does() -> None:
    """S3 drops them at about 20 s."""
    assert KEEPALIVE_SECONDS < 20
    session = open_session()
    try:
        assert isinstance(session.connector, aiohttp.TCPConnector)
        assert session.connector._keepalive_timeout == KEEPALIVE_SECONDS
        assert session.timeout.total is None
    finally:
        await session.close()
    await asyncio.sleep(0)
