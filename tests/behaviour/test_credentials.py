"""Keys from every place that upstream's document names, each accepted by a server that checks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.credentials import (
    AbstractCredentials,
    AnonymousCredentials,
    ConfigCredentials,
    EnvironmentCredentials,
    MetadataCredentials,
    StaticCredentials,
    URLCredentials,
    merge_credentials,
)
from aiohttp_s3_client.errors import CredentialsError
from tests.servers.running import RunningServer


def url_with_keys(server: RunningServer) -> URL:
    url = URL(server.url)
    return url.with_user(server.access_key_id).with_password(server.secret_access_key)


def set_environment(monkeypatch: pytest.MonkeyPatch, server: RunningServer) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_access_key)
    monkeypatch.setenv("AWS_REGION", server.region)


def write_profile(path: Path, server: RunningServer, section: str = "default") -> Path:
    path.write_text(
        f"[{section}]\n"
        f"aws_access_key_id = {server.access_key_id}\n"
        f"aws_secret_access_key = {server.secret_access_key}\n"
        f"region = {server.region}\n"
    )
    return path


async def accepted(client: S3Client, bucket: str) -> None:
    """The keys sign a write, a read and a link."""
    async with client.put(f"{bucket}/key", b"body") as resp:
        assert resp.status == HTTPStatus.OK
    async with client.get(f"{bucket}/key") as resp:
        assert await resp.read() == b"body"
    assert "X-Amz-Signature" in client.presign_url("GET", f"{bucket}/key", expires=600).query


async def test_keywords(server: RunningServer, session: aiohttp.ClientSession, bucket: str) -> None:
    client_credentials_as_kw = S3Client(
        url=server.url,
        access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key,
        session=session,
    )
    await accepted(client_credentials_as_kw, bucket)


async def test_positional_order(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str
) -> None:
    keys = (server.secret_access_key, server.access_key_id)
    client = S3Client(session, server.url, *keys, None, server.region)
    await accepted(client, bucket)


async def test_url(server: RunningServer, session: aiohttp.ClientSession, bucket: str) -> None:
    client_credentials_in_url = S3Client(url=str(url_with_keys(server)), session=session)
    await accepted(client_credentials_in_url, bucket)


async def test_environment(
    server: RunningServer,
    session: aiohttp.ClientSession,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_environment(monkeypatch, server)
    await accepted(S3Client(url=server.url, session=session), bucket)


async def test_config_file(
    server: RunningServer,
    session: aiohttp.ClientSession,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    path = str(write_profile(tmp_path / "file", server))
    for variable in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        with monkeypatch.context() as patch:
            patch.setenv(variable, path)
            await accepted(S3Client(url=server.url, session=session), bucket)


async def test_keywords_go_before_url_and_environment(
    server: RunningServer,
    session: aiohttp.ClientSession,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.need("signature_verified")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "other")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")
    await accepted(S3Client(url=str(url_with_keys(server)), session=session), bucket)
    client = S3Client(
        url=URL(server.url).with_user("other").with_password("other"),
        session=session,
        access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key,
    )
    await accepted(client, bucket)


@pytest.mark.parametrize("source", ["static", "url", "environment", "config", "profile", "merged"])
async def test_credentials_objects(
    server: RunningServer,
    session: aiohttp.ClientSession,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    source: str,
) -> None:
    credentials: AbstractCredentials
    if source == "static":
        credentials = StaticCredentials(
            access_key_id=server.access_key_id,
            secret_access_key=server.secret_access_key,
            region=server.region,
        )
    elif source == "url":
        credentials = URLCredentials(str(url_with_keys(server)), region=server.region)
    elif source == "environment":
        set_environment(monkeypatch, server)
        credentials = EnvironmentCredentials(region=server.region)
    elif source == "config":
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        write_profile(tmp_path / ".my-custom-aws-credentials", server)
        credentials = ConfigCredentials("~/.my-custom-aws-credentials")
    elif source == "profile":
        path = write_profile(tmp_path / "config", server, "profile mine")
        credentials = ConfigCredentials(config_path=path, profile="mine")
    else:
        path = write_profile(tmp_path / "credentials", server)
        credentials = merge_credentials(EnvironmentCredentials(), ConfigCredentials(path))
    client = S3Client(url=server.url, session=session, credentials=credentials)
    assert client.credentials is credentials
    await accepted(client, bucket)
    assert credentials
    assert credentials.signer is not None
    assert credentials.signer.access_key_id == server.access_key_id


@pytest.fixture
async def metadata_service(embedded: RunningServer) -> AsyncIterator[int]:
    """The port of a loopback metadata service whose role has the keys of ``embedded``."""

    async def token(_: web.Request) -> web.Response:
        return web.Response(text="token", headers={"X-aws-ec2-metadata-token-ttl-seconds": "600"})

    async def answer(request: web.Request) -> web.Response:
        assert request.headers["X-aws-ec2-metadata-token"] == "token"
        path = request.match_info["path"]
        if path == "meta-data/iam/security-credentials/":
            return web.Response(text="role")
        if path == "meta-data/iam/security-credentials/role":
            document = {
                "Code": "Success",
                "AccessKeyId": embedded.access_key_id,
                "SecretAccessKey": embedded.secret_access_key,
                "Token": "",
                "Expiration": f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
            }
            return web.Response(text=json.dumps(document))
        if path == "meta-data/placement/region":
            return web.Response(text=embedded.region)
        return web.Response(status=HTTPStatus.NOT_FOUND)

    app = web.Application()
    app.router.add_put("/latest/api/token", token)
    app.router.add_get("/latest/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def test_metadata(
    embedded: RunningServer,
    plain_session: aiohttp.ClientSession,
    embedded_bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    metadata_service: int,
) -> None:
    """Upstream's sample starts these credentials and forgets to give them to the client."""
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    credentials = MetadataCredentials(host="127.0.0.1", port=metadata_service)
    await credentials.start()
    client = S3Client(url=embedded.url, session=plain_session, credentials=credentials)
    await accepted(client, embedded_bucket)
    await credentials.stop()


async def test_no_credentials_at_all(
    embedded: RunningServer, plain_session: aiohttp.ClientSession, embedded_bucket: str
) -> None:
    client = S3Client(url=embedded.url, session=plain_session)
    with pytest.raises(CredentialsError, match=r"(?s)keywords.*URL.*environment.*no-credentials"):
        await client.get(f"{embedded_bucket}/key")


async def test_anonymous_requests_go_unsigned(
    server: RunningServer, session: aiohttp.ClientSession, bucket: str
) -> None:
    server.need("acl")
    writer = S3Client(url=url_with_keys(server), session=session, region=server.region)
    await writer.put(f"{bucket}/public", b"body", headers={"x-amz-acl": "public-read"})
    await writer.put(f"{bucket}/private", b"body")
    client = S3Client(url=server.url, session=session, credentials=AnonymousCredentials())
    async with client.get(f"{bucket}/public") as resp:
        assert await resp.read() == b"body"
        assert "Authorization" not in resp.request_info.headers
    if server.missing("unsigned_refused") is None:
        async with client.get(f"{bucket}/private") as resp:
            assert resp.status == HTTPStatus.FORBIDDEN


async def test_a_client_with_a_session_of_its_own(
    embedded: RunningServer, embedded_bucket: str
) -> None:
    async with S3Client(url=url_with_keys(embedded)) as client:
        await accepted(client, embedded_bucket)
    with pytest.raises(RuntimeError, match="session"):
        await client.get(f"{embedded_bucket}/key")
    async with client:
        await accepted(client, embedded_bucket)
