"""What goes out to AWS itself: hosts, regions and checksums, at a server that plays AWS's part.

Names under amazonaws.com are resolved to the scripted server, so that nothing leaves the machine.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
import trustme
from aiohttp.abc import AbstractResolver, ResolveResult

from aiohttp_s3_client import ClientConfig, S3Client
from aiohttp_s3_client.errors import NotModified
from aiohttp_s3_client.protocol import checksums

from ..servers.scripted import ScriptedServer
from ..servers.steps import Recorded, reply

Scripted = Callable[..., Awaitable[ScriptedServer]]
CREATED = "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
COMPLETED = "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>"


class ToLoopback(AbstractResolver):
    """Every name is the loopback address, at one port."""

    def __init__(self) -> None:
        self.port = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=self.port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing is held."""


class Aws:
    """A scripted server that answers for AWS's names, and a session that finds it."""

    def __init__(self, scripted: Scripted, tls: ssl.SSLContext, resolver: ToLoopback) -> None:
        self._scripted = scripted
        self._tls = tls
        self._resolver = resolver

    async def play(self, *steps: object) -> ScriptedServer:
        server = await self._scripted(*steps, ssl_context=self._tls)
        self._resolver.port = server.port
        return server


@pytest.fixture
async def aws(scripted: Scripted) -> AsyncIterator[tuple[Aws, aiohttp.ClientSession]]:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(
        *(f"{label}s3.{region}.amazonaws.com" for label in ("", "*.") for region in REGIONS),
        "s3.cn-north-1.amazonaws.com.cn",
        "*.s3.cn-north-1.amazonaws.com.cn",
    ).configure_cert(server)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    resolver = ToLoopback()
    connector = aiohttp.TCPConnector(ssl=trust, resolver=resolver, use_dns_cache=False)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Aws(scripted, server, resolver), session


REGIONS = ("us-east-1", "eu-west-1", "eu-central-1")


def client(
    session: aiohttp.ClientSession, region: str = "", config: ClientConfig | None = None
) -> S3Client:
    return S3Client(
        session,
        region=region,
        access_key_id="AKIAIOSFODNN7EXAMPLE",
        secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        config=config,
    )


ALGORITHM = checksums.preferred()
CHECKSUM = checksums.header_name(ALGORITHM)


def crc(data: bytes) -> str:
    return checksums.encode(checksums.compute(ALGORITHM, data))


def signed_region(request: Recorded) -> str:
    return (request.header("authorization") or "").split("/")[2]


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("", "my-bucket.s3.us-east-1.amazonaws.com"),
        ("eu-west-1", "my-bucket.s3.eu-west-1.amazonaws.com"),
        ("cn-north-1", "my-bucket.s3.cn-north-1.amazonaws.com.cn"),
    ],
)
async def test_a_region_alone_names_the_endpoint(
    aws: tuple[Aws, aiohttp.ClientSession], region: str, host: str
) -> None:
    cloud, session = aws
    server = await cloud.play(reply(200))
    async with client(session, region).get("my-bucket/a key") as response:
        assert response.status == 200
    (request,) = server.requests
    assert (request.header("host"), request.target) == (host, "/a%20key")
    assert signed_region(request) == (region or "us-east-1")


async def test_a_bucket_with_dots_stays_in_the_path(
    aws: tuple[Aws, aiohttp.ClientSession],
) -> None:
    cloud, session = aws
    server = await cloud.play(reply(200))
    async with client(session, "eu-west-1").get("my.dotted.bucket/key"):
        pass
    assert server.requests[0].header("host") == "s3.eu-west-1.amazonaws.com"
    assert server.requests[0].target == "/my.dotted.bucket/key"


async def test_p20_a_body_to_aws_goes_unsigned_with_a_checksum(
    aws: tuple[Aws, aiohttp.ClientSession],
) -> None:
    cloud, session = aws
    server = await cloud.play(reply(200))
    async with client(session).put("my-bucket/key", b"hello"):
        pass
    (request,) = server.requests
    assert request.header("x-amz-content-sha256") == "UNSIGNED-PAYLOAD"
    assert request.header(CHECKSUM) == crc(b"hello")
    assert CHECKSUM in (request.header("authorization") or "")


@pytest.mark.parametrize("given", ["x-amz-checksum-sha256", "Content-MD5"])
async def test_p20_the_callers_own_checksum_is_left_alone(
    aws: tuple[Aws, aiohttp.ClientSession], given: str
) -> None:
    cloud, session = aws
    server = await cloud.play(reply(200))
    async with client(session).put("my-bucket/key", b"hello", headers={given: "abcd"}):
        pass
    assert server.requests[0].header(CHECKSUM) is None
    assert server.requests[0].header(given) == "abcd"


async def test_p20_one_switch_turns_checksums_off(
    aws: tuple[Aws, aiohttp.ClientSession],
) -> None:
    cloud, session = aws
    server = await cloud.play(reply(200))
    config = ClientConfig(request_checksum_calculation="when_required")
    async with client(session, config=config).put("my-bucket/key", b"hello"):
        pass
    assert server.requests[0].header(CHECKSUM) is None


@pytest.mark.parametrize(
    ("config", "sent"),
    [(None, None), (ClientConfig(request_checksum_calculation="when_supported"), crc(b"hello"))],
)
async def test_p20_other_servers_get_checksums_only_when_told(
    scripted: Scripted, plain_session: aiohttp.ClientSession, config: ClientConfig, sent: str | None
) -> None:
    server = await scripted(reply(200))
    elsewhere = S3Client(
        plain_session,
        server.url,
        access_key_id="key-id",
        secret_access_key="secret",
        config=config,
    )
    async with elsewhere.put("bucket/key", b"hello"):
        pass
    (request,) = server.requests
    assert request.header(CHECKSUM) == sent
    assert len(request.header("x-amz-content-sha256") or "") == 64


async def test_p20_a_multipart_upload_carries_checksums_from_end_to_end(
    aws: tuple[Aws, aiohttp.ClientSession], tmp_path: Path
) -> None:
    cloud, session = aws
    first, second = bytes(5 * 1024 * 1024), b"the rest"
    (tmp_path / "file").write_bytes(first + second)

    def part(request: Recorded) -> object:
        checksum = request.header(CHECKSUM) or ""
        return reply(200, {"ETag": '"e"', CHECKSUM: checksum})

    server = await cloud.play(reply(200, body=CREATED), part, part, reply(200, body=COMPLETED))
    await client(session).put_file_multipart(
        "my-bucket/key", tmp_path / "file", part_size=len(first), workers_count=1
    )
    create, one, two, complete = server.requests
    assert create.header("x-amz-checksum-algorithm") == ALGORITHM
    assert create.header("x-amz-checksum-type") == "FULL_OBJECT"
    assert one.header(CHECKSUM) == crc(first)
    assert two.header(CHECKSUM) == crc(second)
    for checksum in (crc(first), crc(second)):
        assert f"<Checksum{ALGORITHM}>{checksum}</Checksum{ALGORITHM}>".encode() in complete.body


async def test_p16_a_bucket_elsewhere_is_followed_and_remembered(
    aws: tuple[Aws, aiohttp.ClientSession],
) -> None:
    cloud, session = aws
    server = await cloud.play(
        reply(301, {"x-amz-bucket-region": "eu-central-1"}), reply(200), reply(200)
    )
    s3 = client(session)
    for _ in range(2):
        async with s3.get("my-bucket/key") as response:
            assert response.status == 200
    assert [signed_region(request) for request in server.requests] == [
        "us-east-1",
        "eu-central-1",
        "eu-central-1",
    ]
    assert server.requests[2].header("host") == "my-bucket.s3.eu-central-1.amazonaws.com"
    # What was learnt serves links as well (P14).
    assert s3.presign_url("GET", "my-bucket/key").host == "my-bucket.s3.eu-central-1.amazonaws.com"


async def test_a_304_is_an_answer_and_no_error(
    aws: tuple[Aws, aiohttp.ClientSession],
) -> None:
    cloud, session = aws
    await cloud.play(reply(304), reply(304))
    async with client(session).get("my-bucket/key", raise_for_status=True) as response:
        assert response.status == 304
    with pytest.raises(NotModified):
        await anext(client(session).list_objects_v2("my-bucket/"))
