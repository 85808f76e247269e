"""Answers that are not what they seem, and answers that nobody reads to their end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from aiohttp_s3_client import ClientConfig, S3Client
from aiohttp_s3_client.errors import ResponseParseError, S3ConnectionError

from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import Recorded, Step, raw, reply
from ..transport.scripts import CREATED, client_for

ETAG = {"ETag": '"e"'}


def on(server: ScriptedServer, session: aiohttp.ClientSession) -> S3Client:
    return S3Client(session, server.url, access_key_id="key-id", secret_access_key="secret-key")


@pytest.fixture
async def one_connection() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))


def stalling(total: int) -> Step:
    headers = {**ETAG, "Content-Range": f"bytes 0-{total - 1}/{total}"}
    return reply(206, headers, bytes(total), piece=1024, pause=30)


async def test_p02_a_cancelled_download_gives_its_connection_back(
    scripted: StartScript, one_connection: aiohttp.ClientSession, tmp_path: Path
) -> None:
    server = await scripted(stalling(100_000), reply(200))
    async with one_connection as session:
        client = on(server, session)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await client.get_file_parallel("bucket/key", tmp_path / "file", workers_count=1)
        async with asyncio.timeout(2), client.head("bucket/key") as response:
            assert response.status == 200


async def test_p02_an_answer_that_makes_no_sense_gives_its_connection_back(
    scripted: StartScript, one_connection: aiohttp.ClientSession, tmp_path: Path
) -> None:
    nonsense = reply(206, {"Content-Range": "lots"}, bytes(100_000), piece=1024, pause=30)
    server = await scripted(nonsense, reply(200))
    async with one_connection as session:
        client = on(server, session)
        with pytest.raises(ResponseParseError):
            await client.get_file_parallel("bucket/key", tmp_path / "file")
        async with asyncio.timeout(2), client.head("bucket/key") as response:
            assert response.status == 200


async def test_p09_a_complete_that_is_cancelled_leaves_a_connection_for_the_abort(
    scripted: StartScript, one_connection: aiohttp.ClientSession, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"data")
    slow = reply(200, body=b" " * 1000, piece=1, pause=30)
    server = await scripted(CREATED, reply(200, ETAG), slow, reply(204))
    async with one_connection as session:
        client = on(server, session)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await client.put_file_multipart("bucket/key", tmp_path / "file")
    assert server.requests[-1].method == "DELETE"


async def test_p05_a_partial_answer_that_does_not_say_of_what_is_asked_for_whole(
    scripted: StartScript, tmp_path: Path
) -> None:
    server = await scripted(reply(206, ETAG, b"12345"), reply(200, ETAG, b"1234567890"))
    async with client_for(server) as client:
        await client.get_file_parallel("bucket/key", tmp_path / "file", range_step=5)
    assert (tmp_path / "file").read_bytes() == b"1234567890"
    assert server.requests[1].header("range") is None


async def test_p05_a_partial_answer_is_never_taken_for_the_whole(
    scripted: StartScript, tmp_path: Path
) -> None:
    server = await scripted(reply(206, ETAG, b"12345"), reply(206, ETAG, b"12345"))
    async with client_for(server) as client:
        with pytest.raises(ResponseParseError, match="206 without Content-Range"):
            await client.get_file_parallel("bucket/key", tmp_path / "file", range_step=5)
    assert not list(tmp_path.iterdir())


async def test_p05_a_weak_etag_is_compared_and_not_demanded(
    scripted: StartScript, tmp_path: Path
) -> None:
    def part(request: Recorded) -> Step:
        start, stop = (request.header("range") or "").removeprefix("bytes=").split("-")
        body = b"1234567890"[int(start) : int(stop) + 1]
        return reply(206, {"ETag": 'W/"e"', "Content-Range": f"bytes {start}-{stop}/10"}, body)

    server = await scripted(rest=part)
    async with client_for(server) as client:
        await client.get_file_parallel("bucket/key", tmp_path / "file", range_step=5)
    assert (tmp_path / "file").read_bytes() == b"1234567890"
    assert [request.header("if-match") for request in server.requests] == [None, None]


@pytest.mark.parametrize("expect", [None, 0], ids=["unasked", "asked"])
async def test_p08_a_success_before_the_body_is_none(
    scripted: StartScript, expect: int | None
) -> None:
    """A proxy that answers too early has not seen the data, and S3 neither."""
    server = await scripted(rest=reply(200, ETAG, read=0), receive_buffer=4096)
    config = ClientConfig(expect_continue_from=expect)
    async with client_for(server, config=config) as client:
        with pytest.raises(S3ConnectionError, match="before the body was sent"):
            await client.put("bucket/key", bytes(20_000_000))


async def test_p16_a_redirect_with_credentials_in_it_is_not_followed(
    scripted: StartScript,
) -> None:
    server = await scripted(reply(307, {"Location": "http://key:secret@127.0.0.1:1/bucket/key"}))
    async with client_for(server) as client:
        async with client.get("bucket/key") as response:
            assert response.status == 307


async def test_an_echoed_signature_is_not_shown(scripted: StartScript) -> None:
    def echo(request: Recorded) -> Step:
        signature = (request.header("authorization") or "").rpartition("Signature=")[2]
        return raw(f"HTTP/1.1 200 OK\r\n{signature} bad\r\n\r\n".encode())

    server = await scripted(rest=echo)
    async with client_for(server) as client:
        with pytest.raises(S3ConnectionError) as caught:
            await client.get("bucket/key")
    for request in server.requests:
        signature = (request.header("authorization") or "").rpartition("Signature=")[2]
        assert len(signature) == 64
        assert signature not in str(caught.value)
