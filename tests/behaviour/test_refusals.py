"""What a server refuses: other secrets, requests changed on the way, other regions, other times."""

from __future__ import annotations

import asyncio
import pickle
from datetime import timedelta
from http import HTTPStatus

import aiohttp
import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import (
    AuthorizationHeaderMalformed,
    AwsError,
    BadRequest,
    Forbidden,
    InvalidAccessKeyId,
    RequestTimeTooSkewed,
    SignatureDoesNotMatch,
)
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer

from .material import Traffic, client_for, in_pieces, open_session
from .proxy import Passed, reverse_proxy

ELSEWHERE = "eu-north-1"


async def test_wrong_secret(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str
) -> None:
    server.need("signature_verified")
    secret = "s0mebody+else's/secret"
    client = client_for(server, session, secret_access_key=secret)
    for method, data in (("GET", None), ("PUT", b"body"), ("DELETE", None)):
        with pytest.raises(SignatureDoesNotMatch) as caught:
            await client.request(method, f"{bucket}/key", data=data, raise_for_status=True)
        error = caught.value
        assert error.status == HTTPStatus.FORBIDDEN
        assert error.code == "SignatureDoesNotMatch"
        assert error.attempts == 1
        shown = f"{error} {error!r} {error.request_info} {pickle.dumps(error)!r} {error.body!r}"
        assert secret not in shown
        assert "Signature=" not in shown
    with pytest.raises(Forbidden):
        await client.head(f"{bucket}/key", raise_for_status=True)


async def test_unknown_key_id(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str
) -> None:
    server.need("signature_verified")
    client = client_for(server, session, access_key_id="nobody")
    with pytest.raises(AwsError) as caught:
        await client.get(f"{bucket}/key", raise_for_status=True)
    # Swift and rclone tell no difference between an unknown key and a wrong signature.
    assert isinstance(caught.value, InvalidAccessKeyId | SignatureDoesNotMatch | Forbidden)


async def test_status_is_left_to_the_caller(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str
) -> None:
    server.need("signature_verified")
    client = client_for(server, session, secret_access_key="not the secret")
    async with client.get(f"{bucket}/key") as resp:
        assert resp.status == HTTPStatus.FORBIDDEN
        assert b"<Code>SignatureDoesNotMatch</Code>" in await resp.read()


def another_key(passed: Passed) -> None:
    passed.target = passed.target.replace("/key", "/kez")


def another_query(passed: Passed) -> None:
    passed.target = passed.target.replace("x=1", "x=2")


def another_method(passed: Passed) -> None:
    passed.method = "GET"


def another_header(passed: Passed) -> None:
    passed.headers["x-amz-meta-colour"] = "red"


async def test_tampered_request(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str
) -> None:
    server.need("signature_verified")
    for meddle in (another_key, another_query, another_method, another_header):
        async with reverse_proxy(server, meddle=meddle) as url:
            client = client_for(server, session, url=url)
            with pytest.raises(SignatureDoesNotMatch):
                await client.request(
                    "PUT",
                    f"{bucket}/key",
                    data=b"body",
                    params={"x": "1"},
                    headers={"x-amz-meta-colour": "blue"},
                    raise_for_status=True,
                )


async def test_untouched_request_passes_the_proxy(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str, oracle: Oracle
) -> None:
    """So that the tests above are refused for what they changed, and for nothing else."""
    headers = {"x-amz-meta-colour": "blue"}
    async with reverse_proxy(server) as url:
        client = client_for(server, session, url=url)
        resp = await client.put(f"{bucket}/key", b"body", headers=headers)
        assert resp.status == HTTPStatus.OK
    assert await asyncio.to_thread(oracle.get, bucket, "key") == b"body"


async def test_tampered_body(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str, oracle: Oracle
) -> None:
    """Over plain HTTP the body's sha256 is signed, so that a changed body is refused."""
    server.need("body_hash_verified")

    def meddle(passed: Passed) -> None:
        passed.body = b"BODY"

    async with reverse_proxy(server, meddle=meddle) as url:
        client = client_for(server, session, url=url)
        with pytest.raises(BadRequest):
            await client.put(f"{bucket}/key", b"body", raise_for_status=True)
    assert await asyncio.to_thread(oracle.head, bucket, "key") is None


@pytest.fixture
def traffic() -> Traffic:
    return Traffic()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "LIST"])
async def test_p16_region_is_learnt_and_remembered(
    server: RunningServer, bucket: str, oracle: Oracle, traffic: Traffic, method: str
) -> None:
    """P16: one refusal names the region; the bucket is signed for it from then on."""
    server.need("region_verified")
    await asyncio.to_thread(oracle.put, bucket, "key", b"body")
    async with open_session(server, trace_configs=[traffic.trace]) as session:
        client = client_for(server, session, region=ELSEWHERE)

        async def once() -> None:
            if method == "LIST":
                async for metas, _ in client.list_objects_v2(bucket):
                    assert len(metas) == 1
                return
            data = b"body" if method == "PUT" else None
            async with client.request(method, f"{bucket}/key", data=data) as resp:
                assert resp.status < HTTPStatus.MULTIPLE_CHOICES

        await once()
        # A HEAD has no body that could name the region, so one GET asks before it goes again.
        assert len(traffic.requests) == (3 if method == "HEAD" else 2)
        traffic.requests.clear()
        await once()
        assert len(traffic.requests) == 1


async def test_p16_link_is_signed_for_the_region_that_was_learnt(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str
) -> None:
    """P16, P14: once the client knows better, its links do too."""
    server.need("region_verified")
    client = client_for(server, session, region=ELSEWHERE)
    await client.put(f"{bucket}/key", b"body")
    link = client.presign_url("GET", f"{bucket}/key")
    async with open_session(server) as visitor, visitor.get(link) as resp:
        assert await resp.read() == b"body"


async def test_p16_body_that_cannot_be_sent_again(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str
) -> None:
    """P16, P8: the refusal is shown; nothing is sent from the middle of a stream."""
    server.need("region_verified")
    client = client_for(server, session, region=ELSEWHERE)
    data = b"x" * 100_000
    with pytest.raises(AuthorizationHeaderMalformed):
        await client.put(
            f"{bucket}/key", in_pieces(data), data_length=len(data), raise_for_status=True
        )
    await client.head(bucket)
    async with client.put(f"{bucket}/key", in_pieces(data), data_length=len(data)) as resp:
        assert resp.status == HTTPStatus.OK


async def test_p24_clock_is_corrected(
    server: RunningServer, client: S3Client, bucket: str, oracle: Oracle
) -> None:
    """P24: a wrong clock costs one refusal, and is right from then on."""
    server.need("clock_verified")
    clock = client._engine.pipeline.clock
    for hours in (-1, 1, 24 * 365):
        for method, data in (("PUT", b"body"), ("HEAD", None), ("GET", None)):
            clock.offset = timedelta(hours=hours)
            async with client.request(method, f"{bucket}/key", data=data) as resp:
                assert resp.status == HTTPStatus.OK, (hours, method)
            assert abs(clock.offset) < timedelta(minutes=1), (hours, method)
    assert await asyncio.to_thread(oracle.get, bucket, "key") == b"body"


async def test_p24_wrong_clock_is_refused_indeed(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str
) -> None:
    """P24: so the test above passes only because the client corrects itself.

    A stream cannot be sent a second time, so here the refusal is shown.
    """
    server.need("clock_verified")
    client = client_for(server, session)
    client._engine.pipeline.clock.offset = timedelta(hours=1)
    data = b"x" * 1000
    with pytest.raises(RequestTimeTooSkewed):
        await client.put(
            f"{bucket}/key", in_pieces(data), data_length=len(data), raise_for_status=True
        )
