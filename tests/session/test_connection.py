"""How a session begins and ends, what it goes through, and what it refuses."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import aiohttp
import pytest
from yarl import URL

from aiohttp_s3_client import ClientConfig, S3Client
from aiohttp_s3_client.credentials import StaticCredentials
from aiohttp_s3_client.session import S3Session, s3_get_object, s3_put_object
from tests.behaviour.material import client_for
from tests.servers.running import RunningServer
from tests.servers.scripted import StartScript
from tests.servers.steps import reply

from .conftest import session_for

KEYS: dict[str, Any] = {"access_key": "AKID", "secret_key": "very-secret", "region": "us-east-1"}


async def test_own_session_is_opened_and_closed(
    embedded: RunningServer, embedded_bucket: str
) -> None:
    s3 = session_for(embedded)
    with pytest.raises(RuntimeError, match="has no session"):
        await s3.get_object(embedded_bucket, "key")
    async with s3 as entered:
        assert entered is s3
        await s3.put_object(embedded_bucket, "key", b"data")
        assert await s3.get_object(embedded_bucket, "key") == b"data"
    with pytest.raises(RuntimeError, match="has no session"):
        await s3.get_object(embedded_bucket, "key")
    async with s3:  # Once it was left it can be entered anew.
        assert await s3.get_object(embedded_bucket, "key") == b"data"


@pytest.mark.parametrize("given", [True, False])
async def test_entering_twice_is_refused(given: bool, plain_session: aiohttp.ClientSession) -> None:
    s3 = S3Session("http://localhost", **KEYS, session=plain_session if given else None)
    async with s3:
        with pytest.raises(RuntimeError, match="entered already"):
            await s3.__aenter__()


async def test_users_session_stays_open(
    embedded: RunningServer, embedded_bucket: str, plain_session: aiohttp.ClientSession
) -> None:
    s3 = session_for(embedded, plain_session)
    async with s3:
        await s3.put_object(embedded_bucket, "key", b"data")
    assert not plain_session.closed
    assert await s3.get_object(embedded_bucket, "key") == b"data"  # As with S3Client(session).


async def test_clients_session_stays_open(
    embedded: RunningServer, embedded_bucket: str, plain_session: aiohttp.ClientSession
) -> None:
    client = client_for(embedded, plain_session)
    async with S3Session(client=client) as s3:
        await s3.put_object(embedded_bucket, "key", b"data")
    assert not plain_session.closed
    assert await client.get_bytes(embedded_bucket, "key") == b"data"


async def test_client_that_was_not_entered_is_refused() -> None:
    client = S3Client(url="http://localhost", access_key_id="a", secret_access_key="b")
    with pytest.raises(RuntimeError, match="has no session"):
        async with S3Session(client=client):
            pass


async def test_client_that_was_not_entered_with_a_session(
    embedded: RunningServer, embedded_bucket: str, plain_session: aiohttp.ClientSession
) -> None:
    client = S3Client(
        url=embedded.url,
        access_key_id=embedded.access_key_id,
        secret_access_key=embedded.secret_access_key,
    )
    async with S3Session(client=client, session=plain_session) as s3:
        await s3.put_object(embedded_bucket, "key", b"data")
    assert not plain_session.closed


async def test_closed_session_is_refused() -> None:
    session = aiohttp.ClientSession()
    await session.close()
    with pytest.raises(RuntimeError, match="is closed"):
        await s3_get_object(S3Session("http://localhost", **KEYS), session, "bucket", "key")


async def test_keys_are_whole_keys_whatever_the_clients_url(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(rest=reply(200, {"ETag": '"e"'}))
    client = S3Client(
        url=f"{server.url}/bucket/below",
        session=plain_session,
        access_key_id="AKID",
        secret_access_key="very-secret",
    )
    async with S3Session(client=client) as s3:
        await s3.put_object("bucket", "key", b"data")
        await s3.delete_object("bucket", "key")
        await s3_put_object(client, None, "bucket", "key", b"data")
        assert {request.target for request in server.requests} == {"/bucket/key"}
        with pytest.raises(ValueError, match="'another' is not the client's"):
            await s3.put_object("another", "key", b"data")
    await client.delete("key")
    assert server.requests[-1].target == "/bucket/below/key"


@pytest.mark.parametrize(("path", "base"), [("", ""), ("/", ""), ("/s%20/3/", "/s%20/3")])
async def test_path_of_the_endpoint_is_the_servers(
    scripted: StartScript, plain_session: aiohttp.ClientSession, path: str, base: str
) -> None:
    server = await scripted(reply(200, {"ETag": '"e"'}))
    s3 = S3Session(URL(server.url + path, encoded=True), **KEYS, session=plain_session)
    await s3.put_object("bucket", "key", b"data")
    assert server.requests[0].target == f"{base}/bucket/key"


async def test_keys_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(reply(200, {"ETag": '"e"'}))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    await S3Session(server.url, session=plain_session).put_object("bucket", "key", b"data")
    authorization = server.requests[0].header("Authorization") or ""
    assert "Credential=AKENV/" in authorization


async def test_session_token_and_credentials(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(rest=reply(200, {"ETag": '"e"'}))
    one = S3Session(server.url, **KEYS, session_token="token", session=plain_session)
    await one.put_object("bucket", "key", b"data")
    assert server.requests[0].header("x-amz-security-token") == "token"
    source = StaticCredentials("AKSOURCE", "very-secret")
    two = S3Session(server.url, credentials=source, session=plain_session)
    await two.put_object("bucket", "key", b"data")
    assert "Credential=AKSOURCE/" in (server.requests[1].header("Authorization") or "")


async def test_bucket_names_of_the_older_rules(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(rest=reply(200, {"ETag": '"e"'}))
    s3 = S3Session(server.url, **KEYS, session=plain_session)
    await s3.put_object("Upper_Case", "key", b"data")
    assert server.requests[0].target == "/Upper_Case/key"
    strict = S3Session(server.url, **KEYS, session=plain_session, config=ClientConfig())
    with pytest.raises(ValueError, match="'Upper_Case' is not a bucket name"):
        await strict.put_object("Upper_Case", "key", b"data")


async def test_config_is_the_engines(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(rest=reply(500))
    config = ClientConfig(max_attempts=1)
    s3 = S3Session(server.url, **KEYS, config=config, session=plain_session)
    with pytest.raises(aiohttp.ClientResponseError):
        await s3.delete_object("bucket", "key")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"endpoint_url": "localhost:9000"}, "endpoint_url must be http://host.*'localhost:9000'"),
        ({"endpoint_url": ""}, "endpoint_url must be http://host"),
        ({"endpoint_url": "ftp://host"}, "endpoint_url must be http://host"),
        ({"access_key": "AKID"}, "access_key and secret_key: give both or neither"),
        ({"secret_key": "very-secret"}, "access_key and secret_key: give both or neither"),
    ],
)
def test_values_that_cannot_work(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        S3Session(**arguments)
    assert "very-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"endpoint_url": 9000}, "endpoint_url must be a str"),
        ({"access_key": b"AKID", "secret_key": "s"}, "access_key must be a str, not bytes"),
        ({"session": object()}, "session must be an aiohttp.ClientSession"),
        ({"client": object()}, "client must be an S3Client"),
        ({"config": {}}, "config must be a ClientConfig"),
        (
            {"credentials": StaticCredentials("a", "b"), "access_key": "c", "secret_key": "d"},
            "credentials has its own access_key and secret_key",
        ),
        (
            {"client": S3Client(access_key_id="a", secret_access_key="b"), "region": "eu-west-1"},
            "client has its own region",
        ),
    ],
)
def test_types_that_cannot_work(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(TypeError, match=problem):
        S3Session(**arguments)


@pytest.mark.parametrize("url", ["key:very-secret@host", "http://key:very-secret@host:x"])
def test_refused_url_shows_no_secret(url: str) -> None:
    with pytest.raises(ValueError, match="endpoint_url must be") as caught:
        S3Session(url)
    assert "very-secret" not in str(caught.value)


def test_neither_repr_nor_pickle_holds_secrets() -> None:
    s3 = S3Session("http://AKURL:very-secret@host:9000/base", region="us-east-1")
    assert repr(s3) == "S3Session(endpoint_url='http://host:9000/base')"
    with pytest.raises(TypeError, match="S3Session is not pickled"):
        pickle.dumps(s3)
    with pytest.raises(TypeError, match="S3Session is not pickled"):
        copy.copy(s3)


async def test_functions_refuse_what_is_no_client_and_no_session() -> None:
    with pytest.raises(TypeError, match="client must be an S3Client or S3Session"):
        await s3_get_object("client", None, "bucket", "key")  # type: ignore[arg-type]  # refused
    s3 = S3Session("http://localhost", **KEYS)
    with pytest.raises(TypeError, match=r"http must be an aiohttp\.ClientSession"):
        await s3_get_object(s3, "session", "bucket", "key")  # type: ignore[arg-type]  # refused
