"""Roles from STS: what is asked, how it is signed, what comes of the answer, and renewal."""

from __future__ import annotations

import asyncio
import logging
import pickle
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import aiohttp
import pytest
import trustme
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.credentials import (
    AbstractCredentials,
    AnonymousCredentials,
    ConfigCredentials,
    StaticCredentials,
    service_access,
)
from aiohttp_s3_client.credentials.service_access import ServiceAccess, ServiceError
from aiohttp_s3_client.credentials.sts import AssumeRoleCredentials, WebIdentityCredentials
from aiohttp_s3_client.errors import CredentialsError
from aiohttp_s3_client.models import CredentialsSnapshot
from tests.conftest import running_server
from tests.project.test_blocking import watched
from tests.servers.farm import server_names
from tests.servers.scripted import ScriptedServer
from tests.servers.steps import Recorded, Reply, Step, drop, hang, reply

from .conftest import KEY, SECRET, TOKEN, until
from .sources import HOUR, FakeClock

Scripted = Callable[..., Awaitable[ScriptedServer]]

ROLE = "arn:aws:iam::123456789012:role/RoleA"
MFA = "arn:aws:iam::123456789012:mfa/me"
ROLE_KEY, ROLE_SECRET, ROLE_TOKEN = "ASIAROLEROLEROLEROLE", "role-secret+/=", "role-token+/=="
JWT = "eyJhbGciOi.J9eyJzdWIi.Oi8wMQ_hack-me"
SECRETS = (SECRET, TOKEN, ROLE_SECRET, ROLE_TOKEN, JWT)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(service_access, "PAUSE_SECONDS", 0.001)


def granted(
    clock: FakeClock,
    operation: str = "AssumeRole",
    *,
    key: str = ROLE_KEY,
    life: timedelta = HOUR,
    expiration: str = "",
) -> Reply:
    """The answer of STS."""
    ends = expiration or f"{clock.now + life:%Y-%m-%dT%H:%M:%SZ}"
    body = f"""<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
      <{operation}Result>
        <AssumedRoleUser>
          <AssumedRoleId>AROAEXAMPLE:session</AssumedRoleId>
          <Arn>arn:aws:sts::123456789012:assumed-role/RoleA/session</Arn>
        </AssumedRoleUser>
        <Credentials>
          <AccessKeyId>{key}</AccessKeyId>
          <SecretAccessKey>{ROLE_SECRET}</SecretAccessKey>
          <SessionToken>{ROLE_TOKEN}</SessionToken>
          <Expiration>{ends}</Expiration>
        </Credentials>
      </{operation}Result>
      <ResponseMetadata><RequestId>d9c2080e</RequestId></ResponseMetadata>
    </{operation}Response>"""
    return reply(200, {"Content-Type": "text/xml"}, body)


def refused(code: str, message: str = "no", status: int = 403) -> Reply:
    return reply(
        status,
        {"Content-Type": "text/xml"},
        f'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
        f"<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        "<RequestId>4c65</RequestId></ErrorResponse>",
    )


def form(request: Recorded) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(request.body.decode()).items()}


def at(server: ScriptedServer, region: str = "eu-west-1") -> ServiceAccess:
    return ServiceAccess("sts", region, server.url)


def role(
    server: ScriptedServer, clock: FakeClock, source: AbstractCredentials | None = None
) -> AssumeRoleCredentials:
    if source is None:
        source = StaticCredentials(KEY, SECRET, TOKEN, "eu-west-1")
    return AssumeRoleCredentials(ROLE, source, sts=at(server), clock=clock)


async def test_assume_role(scripted: Scripted, clock: FakeClock) -> None:
    server = await scripted(granted(clock))
    credentials = role(server, clock)
    snapshot = await credentials.resolve()
    assert snapshot == CredentialsSnapshot(
        ROLE_KEY, ROLE_SECRET, ROLE_TOKEN, clock.now + HOUR, "eu-west-1"
    )
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/")
    assert request.header("content-type") == "application/x-www-form-urlencoded; charset=utf-8"
    assert form(request) == {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": f"aiohttp-s3-client-{int(clock.now.timestamp())}",
    }
    assert await credentials.resolve() is snapshot
    assert credentials.at_hand() is snapshot


async def test_the_request_is_signed_for_sts(scripted: Scripted, clock: FakeClock) -> None:
    """botocore makes the same signature of what was sent."""
    server = await scripted(granted(clock))
    await role(server, clock).resolve()
    (request,) = server.requests
    signed = AWSRequest(
        request.method,
        f"{server.url}/",
        {
            name: request.header(name)
            for name in ("content-type", "host", "x-amz-date", "x-amz-security-token")
        },
        request.body,
    )
    assert request.header("x-amz-date") == "20300101T000000Z"
    assert request.header("x-amz-security-token") == TOKEN
    signed.context["timestamp"] = request.header("x-amz-date")
    oracle = SigV4Auth(Credentials(KEY, SECRET, TOKEN), "sts", "eu-west-1")
    signature = oracle.signature(
        oracle.string_to_sign(signed, oracle.canonical_request(signed)), signed
    )
    authorization = request.header("authorization") or ""
    assert f"Credential={KEY}/20300101/eu-west-1/sts/aws4_request" in authorization
    assert authorization.endswith(f"Signature={signature}")


async def test_everything_that_can_be_asked_for(scripted: Scripted, clock: FakeClock) -> None:
    asked: list[str] = []

    async def code(serial: str) -> str:
        asked.append(serial)
        return " 123456\n"

    server = await scripted(granted(clock))
    credentials = AssumeRoleCredentials(
        ROLE,
        StaticCredentials(KEY, SECRET),
        role_session_name="me@work",
        external_id="an id+&",
        duration_seconds=900,
        mfa_serial=MFA,
        mfa_code=code,
        policy='{"Version": "2012-10-17"}',
        sts=at(server),
        clock=clock,
    )
    await credentials.resolve()
    assert asked == [MFA]
    assert form(server.requests[0]) == {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": "me@work",
        "DurationSeconds": "900",
        "Policy": '{"Version": "2012-10-17"}',
        "ExternalId": "an id+&",
        "SerialNumber": MFA,
        "TokenCode": "123456",
    }


async def test_a_code_that_is_none(scripted: Scripted, clock: FakeClock) -> None:
    async def code(_: str) -> str:
        return "hack-me"

    credentials = AssumeRoleCredentials(
        ROLE, StaticCredentials(KEY, SECRET), mfa_serial=MFA, mfa_code=code, clock=clock
    )
    with pytest.raises(CredentialsError, match="no six digits for arn:aws:iam") as caught:
        await credentials.resolve()
    assert "hack-me" not in str(caught.value)


async def test_where_sts_is(monkeypatch: pytest.MonkeyPatch, scripted: Scripted) -> None:
    clock = FakeClock()
    server = await scripted(granted(clock), granted(clock), granted(clock))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"{server.url}/sts")
    source = StaticCredentials(KEY, SECRET, None, "eu-west-3")
    assert (await AssumeRoleCredentials(ROLE, source, clock=clock).resolve()).region == "eu-west-3"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    snapshot = await AssumeRoleCredentials(ROLE, source, clock=clock).resolve()
    assert snapshot.region == "eu-west-2"
    await AssumeRoleCredentials(ROLE, source, region="eu-west-1", clock=clock).resolve()
    assert [request.target for request in server.requests] == ["/sts/"] * 3
    scopes = [str(request.header("authorization")).split("/")[2] for request in server.requests]
    assert scopes == ["eu-west-3", "eu-west-2", "eu-west-1"]


async def test_a_chain_of_roles(scripted: Scripted, clock: FakeClock) -> None:
    server = await scripted(granted(clock, key="ASIAFIRSTFIRSTFIRSTF"), granted(clock))
    second = role(server, clock, role(server, clock))
    assert (await second.resolve()).access_key_id == ROLE_KEY
    assert "Credential=ASIAFIRSTFIRSTFIRSTF/" in str(server.requests[1].header("authorization"))
    assert server.requests[1].header("x-amz-security-token") == ROLE_TOKEN


async def test_p15_it_is_renewed_before_it_ends(scripted: Scripted, clock: FakeClock) -> None:
    """P15: many requests at the end are one renewal."""
    server = await scripted(granted(clock), granted(clock, key="ASIANEXT", life=2 * HOUR))
    credentials = role(server, clock)
    await credentials.resolve()
    clock.now += timedelta(minutes=55)
    found = await asyncio.gather(*(credentials.resolve() for _ in range(100)))
    assert {snapshot.access_key_id for snapshot in found} == {"ASIANEXT"}
    assert len(server.requests) == 2


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId"])
async def test_p15_keys_of_the_source_that_were_rotated(
    scripted: Scripted, clock: FakeClock, home: Path, code: str
) -> None:
    """P15: when STS says that they have ended, the source is asked for newer ones, once."""

    def rotate(_: Recorded) -> Step:
        (home / ".aws/credentials").write_text(
            f"[default]\naws_access_key_id=newer\naws_secret_access_key={SECRET}\n"
        )
        return refused(code)

    (home / ".aws/credentials").write_text(
        f"[default]\naws_access_key_id={KEY}\naws_secret_access_key={SECRET}\n"
    )
    server = await scripted(rotate, granted(clock), refused(code), refused(code))
    credentials = role(server, clock, ConfigCredentials())
    await credentials.resolve()
    assert "Credential=newer/" in str(server.requests[1].header("authorization"))
    credentials.invalidate()
    with pytest.raises(ServiceError, match=code):
        await credentials.resolve()


async def test_a_refusal(scripted: Scripted, clock: FakeClock) -> None:
    message = f"not to {SECRET}, {TOKEN}  or\n anybody"
    server = await scripted(refused("AccessDenied", message))
    with pytest.raises(ServiceError) as caught:
        await role(server, clock).resolve()
    assert (caught.value.code, caught.value.status) == ("AccessDenied", 403)
    assert str(caught.value) == (
        "STS refused AssumeRole (status 403): AccessDenied: "
        "not to [redacted], [redacted] or anybody"
    )


@pytest.mark.parametrize("code", ["Throttling", "IDPCommunicationError", "RequestLimitExceeded"])
async def test_it_is_asked_again_when_it_is_busy(
    scripted: Scripted, clock: FakeClock, code: str
) -> None:
    server = await scripted(refused(code, status=400), drop(), granted(clock))
    assert (await role(server, clock).resolve()).access_key_id == ROLE_KEY
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (reply(500, body="<html>"), r"status 500\): no reason given"),
        (reply(302, {"Location": "http://127.0.0.1:1"}), "status 302"),
        (reply(200, body=f"<html>{ROLE_SECRET}</html>"), "not the answer to it"),
        (reply(200, body=f"<AssumeRoleResponse><A>{ROLE_SECRET}"), "not the answer to it"),
        (reply(200, body="<AssumeRoleResponse/>"), "no AccessKeyId"),
        (reply(200, body=b"\xff" * 70_000), "longer than 65536 bytes"),
    ],
)
async def test_answers_that_are_none(
    scripted: Scripted, clock: FakeClock, answer: Reply, words: str
) -> None:
    server = await scripted(rest=answer)
    with pytest.raises(CredentialsError, match=words) as caught:
        await role(server, clock).resolve()
    assert not shows("".join(traceback.format_exception(caught.value)))


async def test_an_end_that_is_no_time(scripted: Scripted, clock: FakeClock) -> None:
    server = await scripted(granted(clock, expiration="soon"))
    with pytest.raises(CredentialsError, match="Expiration that is no"):
        await role(server, clock).resolve()


async def test_nobody_there(clock: FakeClock) -> None:
    credentials = AssumeRoleCredentials(
        ROLE,
        StaticCredentials(KEY, SECRET),
        sts=ServiceAccess("sts", "eu-west-1", "http://127.0.0.1:1"),
        clock=clock,
    )
    with pytest.raises(CredentialsError, match="STS cannot be reached: POST http://127"):
        await credentials.resolve()


async def test_stopping_ends_a_request_that_hangs(scripted: Scripted, clock: FakeClock) -> None:
    """A caller that is cancelled leaves it to the other; ``stop`` ends it for both, at once."""
    server = await scripted(hang(), granted(clock))
    credentials = role(server, clock)
    first = asyncio.create_task(credentials.resolve())
    second = asyncio.create_task(credentials.resolve())
    await until(lambda: server.requests)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert not second.done()
    async with asyncio.timeout(5):
        await credentials.stop()
        with pytest.raises(CredentialsError, match="were stopped while"):
            await second
    assert (await credentials.resolve()).access_key_id == ROLE_KEY


async def test_a_source_without_keys(clock: FakeClock) -> None:
    with pytest.raises(CredentialsError, match="no access_key_id"):
        await AssumeRoleCredentials(ROLE, StaticCredentials(), clock=clock).resolve()
    with pytest.raises(CredentialsError, match="its source has no keys to sign with"):
        await AssumeRoleCredentials(ROLE, AnonymousCredentials(), clock=clock).resolve()


async def test_a_source_with_keys_that_cannot_be(clock: FakeClock) -> None:
    source = StaticCredentials(KEY, f"{SECRET}\n", None, "eu-west-1")
    with pytest.raises(CredentialsError, match="gives no keys: secret_access_key") as caught:
        await AssumeRoleCredentials(ROLE, source, clock=clock).resolve()
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"role_arn": ""}, "role_arn is empty"),
        ({"role_session_name": "x"}, "role_session_name must be 2 to 64"),
        ({"role_session_name": "two words"}, "not 'two words'"),
        ({"duration_seconds": 899}, "duration_seconds must be between 900 and 43200, not 899"),
        ({"duration_seconds": 43_201}, "not 43201"),
        ({"mfa_serial": MFA}, "wants a code of .*: mfa_code must be a function"),
    ],
)
def test_arguments_that_cannot_be(arguments: dict[str, object], words: str) -> None:
    given: dict[str, object] = {"role_arn": ROLE, "source": StaticCredentials(KEY, SECRET)}
    with pytest.raises(ValueError, match=words):
        AssumeRoleCredentials(**{**given, **arguments})  # type: ignore[arg-type]  # on purpose


def test_arguments_of_the_wrong_type() -> None:
    with pytest.raises(TypeError, match="source must be a credentials object, not str"):
        AssumeRoleCredentials(ROLE, "default")  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(TypeError, match="duration_seconds must be an int"):
        AssumeRoleCredentials(
            ROLE,
            StaticCredentials(KEY, SECRET),
            duration_seconds="900",  # type: ignore[arg-type]  # wrong on purpose
        )


# --- web identity


@pytest.fixture
def token_file(home: Path) -> Path:
    path = home / "token"
    path.write_text(f"{JWT}\n")
    return path


async def test_web_identity(
    scripted: Scripted, clock: FakeClock, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await scripted(granted(clock, "AssumeRoleWithWebIdentity"))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "~/token")
    monkeypatch.setenv("AWS_ROLE_SESSION_NAME", "pod")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    snapshot = await WebIdentityCredentials(clock=clock).resolve()
    assert snapshot == CredentialsSnapshot(
        ROLE_KEY, ROLE_SECRET, ROLE_TOKEN, clock.now + HOUR, "eu-west-1"
    )
    (request,) = server.requests
    assert request.header("authorization") is None
    assert form(request) == {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": "pod",
        "WebIdentityToken": JWT,
    }


async def test_p15_the_token_is_read_again_at_each_renewal(
    scripted: Scripted, clock: FakeClock, token_file: Path
) -> None:
    """P15: a token that is rotated is sent, and read in a thread."""
    operation = "AssumeRoleWithWebIdentity"
    server = await scripted(granted(clock, operation), granted(clock, operation))
    credentials = WebIdentityCredentials(ROLE, token_file, sts=at(server), clock=clock)
    await credentials.resolve()
    token_file.write_text("rotated")
    clock.now += HOUR
    await credentials.resolve()
    tokens = [form(request)["WebIdentityToken"] for request in server.requests]
    assert tokens == [JWT, "rotated"]


async def test_web_identity_that_lacks_something(
    clock: FakeClock, home: Path, token_file: Path
) -> None:
    with pytest.raises(CredentialsError, match="AWS_WEB_IDENTITY_TOKEN_FILE is not set"):
        await WebIdentityCredentials(clock=clock).resolve()
    with pytest.raises(CredentialsError, match=r"token is given without a role_arn"):
        await WebIdentityCredentials("", token_file, clock=clock).resolve()
    for name, content, words in (
        ("none", None, "No such file"),
        ("empty", b"\n", "it is empty"),
        ("other", b"\xff", "it is no text of ASCII"),
    ):
        if content is not None:
            (home / name).write_bytes(content)
        with pytest.raises(CredentialsError, match=rf"{name} cannot be read: {words}") as caught:
            await WebIdentityCredentials(ROLE, home / name, clock=clock).resolve()
        assert caught.value.__context__ is None


async def test_a_token_that_is_not_taken(
    scripted: Scripted, clock: FakeClock, token_file: Path
) -> None:
    server = await scripted(refused("InvalidIdentityToken", f"no {JWT} here", 400))
    credentials = WebIdentityCredentials(ROLE, token_file, sts=at(server), clock=clock)
    with pytest.raises(ServiceError, match=r"InvalidIdentityToken: no \[redacted\] here"):
        await credentials.resolve()


# --- secrets, and the whole way


def shows(text: str) -> bool:
    return any(secret in text for secret in SECRETS)


async def test_no_secret_is_shown(
    scripted: Scripted, clock: FakeClock, token_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    nope, not_this = refused("Nope", f"{SECRET} {TOKEN}"), refused("Nope", JWT)
    web = granted(clock, "AssumeRoleWithWebIdentity")
    server = await scripted(granted(clock), nope, web, not_this)
    sources = (
        role(server, clock),
        WebIdentityCredentials(ROLE, token_file, sts=at(server), clock=clock),
    )
    for source in sources:
        snapshot = await source.resolve()
        texts = [repr(source), str(source), repr(snapshot), repr(source.signer)]
        assert not any(shows(text) for text in texts)
        assert ROLE in repr(source)
        with pytest.raises(TypeError, match="is not pickled"):
            pickle.dumps(source)
        source.invalidate()
        with pytest.raises(ServiceError) as caught:
            await source.resolve()
        assert not shows("".join(traceback.format_exception(caught.value)))
        assert not any(secret.encode() in pickle.dumps(caught.value) for secret in SECRETS)
    assert not shows(caplog.text)


async def test_p01_nothing_blocks_the_loop(
    scripted: Scripted, clock: FakeClock, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P1: the token and the certificates are read in other threads."""
    bundle = token_file.with_name("ca.pem")
    trustme.CA().cert_pem.write_to_path(str(bundle))
    server = await scripted(granted(clock), granted(clock, "AssumeRoleWithWebIdentity"))
    sts = at(server)._replace(ca_bundle=str(bundle))
    with watched(monkeypatch) as calls:
        source = StaticCredentials(KEY, SECRET)
        await AssumeRoleCredentials(ROLE, source, sts=sts, clock=clock).resolve()
        await WebIdentityCredentials(ROLE, token_file, sts=sts, clock=clock).resolve()
    assert calls == []


async def test_assume_role_to_s3(
    request: pytest.FixtureRequest, plain_session: aiohttp.ClientSession
) -> None:
    """moto plays STS and S3: keys of a role sign a request."""
    if "moto" not in server_names():
        pytest.skip("moto is not among the servers")
    server = running_server(request, "moto")
    source = StaticCredentials(server.access_key_id, server.secret_access_key, None, "us-east-1")
    credentials = AssumeRoleCredentials(
        ROLE, source, external_id="x", sts=ServiceAccess("sts", "us-east-1", server.url)
    )
    client = S3Client(url=server.url, session=plain_session, credentials=credentials)
    await asyncio.to_thread(server.oracle.client.create_bucket, Bucket="roles")
    async with client.put("roles/key", b"body") as response:
        assert response.status == 200
    async with client.get("roles/key") as response:
        assert await response.read() == b"body"
    snapshot = credentials.at_hand()
    assert snapshot.access_key_id.startswith("ASIA")
    assert snapshot.session_token
    assert snapshot.expires_at is not None
    assert snapshot.expires_at > datetime.now(UTC) + timedelta(minutes=30)
