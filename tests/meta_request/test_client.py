"""The client's arguments: each has an effect, or is refused before anything is sent."""

from __future__ import annotations

import asyncio
import gc
import io
import re
import ssl
import sys
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from yarl import URL

from aiohttp_s3_client import meta_request
from aiohttp_s3_client.config import GIB, ClientConfig
from aiohttp_s3_client.credentials import StaticCredentials
from aiohttp_s3_client.engine import Engine
from aiohttp_s3_client.meta_request import (
    AcceleratedClient,
    AwsCredentialsProvider,
    AwsSigningAlgorithm,
    AwsSigningConfig,
    ClientTlsContext,
    HttpHeaders,
    HttpRequest,
    S3ChecksumAlgorithm,
    S3ChecksumConfig,
    S3Request,
    S3RequestTlsMode,
    TlsConnectionOptions,
    TlsContextOptions,
    create_default_s3_signing_config,
)
from aiohttp_s3_client.meta_request.limits import Limits
from aiohttp_s3_client.meta_request.target import target_of
from aiohttp_s3_client.protocol.base_url import resolve_base_url
from tests.conftest import LoopbackTls
from tests.servers.running import RunningServer
from tests.servers.scripted import ScriptedServer, StartScript
from tests.servers.steps import Recorded, Step, reply
from tests.transport.scripts import KEY, SECRET, TOKEN, RangedObject

from .calls import DEFAULT, GET, MIB, PUT, Log, ask, client_of, keys

DATA = bytes(range(250)) * 4

SEED = [
    "CrossProcessLock",
    "S3RequestType",
    "S3RequestTlsMode",
    "S3ChecksumAlgorithm",
    "S3ChecksumLocation",
    "S3ChecksumConfig",
    "S3Client",
    "S3Request",
    "S3ResponseError",
    "create_default_s3_signing_config",
    "get_ec2_instance_type",
    "is_optimized_for_system",
    "get_optimized_platforms",
    "get_recommended_throughput_target_gbps",
    "AcceleratedClient",
    "HttpRequest",
    "HttpHeaders",
    "AwsCredentialsProvider",
    "AwsSigningConfig",
    "AwsSigningAlgorithm",
    "TlsConnectionOptions",
    "AwsCrtError",
    "get_ec2_instance_type_async",
]


@pytest.mark.parametrize("name", SEED)
def test_the_names_of_the_seed_are_here(name: str) -> None:
    assert hasattr(meta_request, name)
    assert name in meta_request.__all__


def test_the_seeds_client_is_ours() -> None:
    assert meta_request.S3Client is AcceleratedClient


# Numbers


@pytest.mark.parametrize(
    ("target", "connections", "memory"),
    [
        (None, 25, 2 * GIB),
        (10, 25, 2 * GIB),
        (0.1, 10, 2 * GIB),
        (4.1, 11, 2 * GIB),
        (25, 63, 2 * GIB),
        (25.1, 63, 4 * GIB),
        (75, 188, 4 * GIB),
        (100, 250, 8 * GIB),
        (100_000, 10_000, 8 * GIB),
    ],
)
def test_connections_and_memory_follow_the_target(
    target: float | None, connections: int, memory: int
) -> None:
    limits = Limits.of(None, None, target, None)
    assert (limits.connections, limits.memory) == (connections, memory)


def test_the_defaults() -> None:
    limits = Limits.of(None, None, None, None)
    assert (limits.part_size, limits.threshold) == (8 * MIB, 8 * MIB)
    assert Limits.of(MIB, None, None, None).threshold == 5 * MIB
    assert Limits.of(None, None, None, 100 * MIB).memory == 100 * MIB
    of_request = limits.of_request(MIB, None)
    assert (of_request.part_size, of_request.threshold) == (MIB, 5 * MIB)
    assert limits.of_request(16 * MIB, None).threshold == 16 * MIB


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(("target", "most"), [(4, 10), (6, 15)])
async def test_throughput_target_sets_the_number_of_connections(
    scripted: StartScript, target: float, most: int, count: int
) -> None:
    """Of all requests together."""
    answers = RangedObject(DATA)
    server = await scripted(rest=lambda request: answers(request, delay=0.02))
    client = client_of(server, part_size=20, throughput_target_gbps=target)
    logs = await asyncio.gather(
        *(Log().of(client, type=GET, request=ask(server)) for _ in range(count))
    )
    assert [log.body for log in logs] == [DATA] * count
    assert server.connections == most


# TLS


def host_of(server: ScriptedServer) -> str:
    return f"localhost:{server.port}"


def trusting(tls: LoopbackTls) -> TlsConnectionOptions:
    """Options that trust whom the client of *tls* trusts."""
    authorities = tls.client.get_ca_certs(binary_form=True)
    context = TlsContextOptions()
    context.override_default_trust_store(
        "".join(ssl.DER_cert_to_PEM_cert(each) for each in authorities).encode()
    )
    return ClientTlsContext(context).new_connection_options()


@pytest.mark.parametrize("mode", [None, S3RequestTlsMode.ENABLED])
@pytest.mark.parametrize("form", ["options", "context"])
async def test_tls_is_the_rule(
    scripted: StartScript,
    loopback_tls: LoopbackTls,
    mode: S3RequestTlsMode | None,
    form: str,
) -> None:
    server = await scripted(rest=RangedObject(DATA), ssl_context=loopback_tls.server)
    options: Any = loopback_tls.client
    if form == "options":
        options = trusting(loopback_tls)
    client = client_of(server, tls_mode=mode, tls_connection_options=options)
    log = await Log().of(client, type=GET, request=ask(host_of(server)))
    assert log.end["error"] is None
    assert log.body == DATA


async def test_requests_that_begin_together_open_one_session(
    scripted: StartScript, loopback_tls: LoopbackTls
) -> None:
    """Even while the context is being loaded: another session would never be closed."""
    server = await scripted(rest=RangedObject(DATA), ssl_context=loopback_tls.server)
    client = client_of(server, tls_mode=None, tls_connection_options=trusting(loopback_tls))
    ask_it = ask(host_of(server))
    before = open_sessions()
    logs = await asyncio.gather(*(Log().of(client, type=GET, request=ask_it) for _ in range(3)))
    assert [log.body for log in logs] == [DATA] * 3
    assert open_sessions() == before


def open_sessions() -> int:
    sessions = [each for each in gc.get_objects() if issubclass(type(each), aiohttp.ClientSession)]
    return sum(not each.closed for each in sessions)


async def test_a_server_that_nobody_vouches_for(
    scripted: StartScript, loopback_tls: LoopbackTls
) -> None:
    server = await scripted(ssl_context=loopback_tls.server)
    log = await Log().of(client_of(server, tls_mode=None), type=GET, request=ask(host_of(server)))
    assert log.end["error"].name == "AWS_IO_SOCKET_CLOSED"


async def test_disabled_tls_needs_no_options(
    scripted: StartScript, loopback_tls: LoopbackTls
) -> None:
    server = await scripted(rest=RangedObject(DATA))
    client = client_of(server, tls_connection_options=loopback_tls.client)
    log = await Log().of(client, type=GET, request=ask(server))
    assert log.body == DATA


# Who signs


def credential(request: Recorded) -> list[str]:
    """Key id, region and service of a signature."""
    match = re.search(r"Credential=([^,]+)", request.header("Authorization") or "")
    assert match is not None
    key, _, region, service, _ = match[1].split("/")
    return [key, region, service]


async def sent(scripted: StartScript, *, client: Any, **arguments: Any) -> Recorded:
    """The one request that is sent by these arguments."""
    server = await scripted(rest=RangedObject(DATA))
    log = await Log().of(client_of(server, **client), type=GET, request=ask(server), **arguments)
    assert log.end["error"] is None
    return server.requests[0]


def config(**changes: Any) -> AwsSigningConfig:
    default = create_default_s3_signing_config(region="eu-west-1", credential_provider=keys())
    return default.replace(**changes)


async def test_nothing_is_signed_without_a_config(scripted: StartScript) -> None:
    request = await sent(scripted, client={})
    assert request.header("Authorization") is None
    assert request.header("x-amz-date") is None


async def test_a_signing_config_signs(scripted: StartScript) -> None:
    request = await sent(scripted, client={"signing_config": config()})
    assert credential(request) == [KEY, "eu-west-1", "s3"]
    assert request.header("x-amz-content-sha256")


async def test_credential_provider_signs_for_the_clients_region(scripted: StartScript) -> None:
    request = await sent(scripted, client={"credential_provider": keys(), "region": "ap-south-1"})
    assert credential(request) == [KEY, "ap-south-1", "s3"]


async def test_the_clients_region_where_the_config_names_none(scripted: StartScript) -> None:
    client = {"signing_config": config(region=""), "region": "ap-south-1"}
    assert credential(await sent(scripted, client=client))[1] == "ap-south-1"


OTHER = AwsCredentialsProvider.new_static("OTHERKEY", SECRET, TOKEN)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"region": "us-west-2"}, [KEY, "us-west-2", "s3"]),
        ({"service": "s3-outposts"}, [KEY, "eu-west-1", "s3-outposts"]),
        ({"credentials_provider": OTHER}, ["OTHERKEY", "eu-west-1", "s3"]),
        ({"region": "", "credentials_provider": None}, [KEY, "eu-west-1", "s3"]),
    ],
)
async def test_a_request_overrides_what_it_says(
    scripted: StartScript, changes: dict[str, Any], expected: list[str]
) -> None:
    """The client's signing stands for the rest."""
    request = await sent(
        scripted, client={"signing_config": config()}, signing_config=config(**changes)
    )
    assert credential(request) == expected
    token = TOKEN if expected[0] == "OTHERKEY" else None
    assert request.header("x-amz-security-token") == token


async def test_a_request_has_its_own_keys(scripted: StartScript) -> None:
    """Whether its client signs or not; the next request has the client's again."""
    server = await scripted(rest=RangedObject(DATA))
    client = client_of(server, signing_config=config())
    for provider in (OTHER, None):
        await Log().of(client, type=GET, request=ask(server), credential_provider=provider)
    assert [credential(r)[0] for r in server.requests] == ["OTHERKEY", KEY]
    request = await sent(scripted, client={"region": "us-west-2"}, credential_provider=OTHER)
    assert credential(request) == ["OTHERKEY", "us-west-2", "s3"]


async def test_requests_of_one_host_are_signed_each_as_they_say(scripted: StartScript) -> None:
    """Even where only one attribute differs, and the keys are the same."""
    server = await scripted(rest=RangedObject(DATA))
    client, shared = client_of(server), keys()
    for service in ("s3", "s3-outposts", "s3"):
        signing = config(service=service, credentials_provider=shared)
        await Log().of(client, type=GET, request=ask(server), signing_config=signing)
    services = [credential(request)[2] for request in server.requests]
    assert services == ["s3", "s3-outposts", "s3"]


async def test_anonymous_credentials_do_not_sign(scripted: StartScript) -> None:
    request = await sent(
        scripted,
        client={"signing_config": config()},
        credential_provider=AwsCredentialsProvider.new_anonymous(),
    )
    assert request.header("Authorization") is None


@pytest.mark.parametrize(("value", "signed"), [("UNSIGNED-PAYLOAD", False), (None, True)])
async def test_whether_the_body_is_signed(
    scripted: StartScript, value: str | None, signed: bool
) -> None:
    server = await scripted(reply(200, {"ETag": '"e"'}))
    client = client_of(server, signing_config=config(signed_body_value=value))
    request = ask(server, method="PUT", body=io.BytesIO(b"12345"))
    await Log().of(client, type=PUT, request=request)
    digest = server.requests[0].header("x-amz-content-sha256")
    assert (digest == "UNSIGNED-PAYLOAD") is not signed


async def test_asymmetric_signatures(scripted: StartScript) -> None:
    pytest.importorskip("cryptography")
    asymmetric = config(algorithm=AwsSigningAlgorithm.V4_ASYMMETRIC, region="*")
    request = await sent(scripted, client={"signing_config": asymmetric})
    assert (request.header("Authorization") or "").startswith("AWS4-ECDSA-P256-SHA256 ")
    assert request.header("x-amz-region-set") == "*"


SESSION = (
    "<CreateSessionResult><Credentials><SessionToken>session-token</SessionToken>"
    "<SecretAccessKey>secret</SecretAccessKey><AccessKeyId>SESSIONKEY</AccessKeyId>"
    "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></CreateSessionResult>"
)


def express_step(request: Recorded) -> Step:
    return reply(200, {}, SESSION) if "session" in request.target else RangedObject(DATA)(request)


async def test_s3_express_signs_with_a_session_of_the_bucket(scripted: StartScript) -> None:
    server = await scripted(rest=express_step)
    express = config(algorithm=AwsSigningAlgorithm.V4_S3EXPRESS)
    client = client_of(server, signing_config=express, enable_s3express=True)
    log = await Log().of(
        client, type=GET, request=ask(server, "/base--usw2-az1--x-s3/key"), part_size=600
    )
    assert log.body == DATA
    session, *ranges = server.requests
    assert "session" in session.target
    assert credential(session)[0] == KEY
    assert len(ranges) == 2
    for request in ranges:
        assert credential(request) == ["SESSIONKEY", "eu-west-1", "s3express"]
        assert request.header("x-amz-s3session-token") == "session-token"


@pytest.mark.parametrize("enabled", [False, True])
async def test_a_directory_bucket_without_a_session(scripted: StartScript, enabled: bool) -> None:
    """As the config says it, whatever the bucket is called."""
    server = await scripted(rest=express_step)
    client = client_of(server, signing_config=config(), enable_s3express=enabled)
    await Log().of(client, type=GET, request=ask(server, "/base--usw2-az1--x-s3/key"))
    assert [credential(request) for request in server.requests] == [[KEY, "eu-west-1", "s3"]]


async def test_signed_requests_of_a_server(embedded: RunningServer, embedded_bucket: str) -> None:
    """Keys of the request alone; without any the server refuses."""
    await asyncio.to_thread(embedded.oracle.put, embedded_bucket, "key", DATA)
    client = client_of(embedded, signing_config=None)
    path = f"/{embedded_bucket}/key"
    log = await Log().of(client, type=GET, request=ask(embedded, path))
    assert log.end["status_code"] in (400, 403)
    provider = StaticCredentials(embedded.access_key_id, embedded.secret_access_key)
    log = await Log().of(
        client, type=GET, request=ask(embedded, path), credential_provider=provider
    )
    assert log.body == DATA


# Where requests go


@pytest.mark.parametrize(
    ("host", "path", "bucket", "key"),
    [
        ("bucket.s3.us-west-2.amazonaws.com", "/a/b", "bucket", "a/b"),
        ("s3.us-west-2.amazonaws.com", "/bucket/a/b", "bucket", "a/b"),
        ("s3.us-west-2.amazonaws.com", "/with.dots/a", "with.dots", "a"),
        ("s3.amazonaws.com", "/Old_Bucket/a", "Old_Bucket", "a"),
        ("bucket.s3.dualstack.eu-west-1.amazonaws.com", "/a", "bucket", "a"),
        ("bucket.s3-accelerate.amazonaws.com", "/a", "bucket", "a"),
        ("bucket.s3.cn-north-1.amazonaws.com.cn", "/a", "bucket", "a"),
        (
            "base--usw2-az1--x-s3.s3express-usw2-az1.us-west-2.amazonaws.com",
            "/a",
            "base--usw2-az1--x-s3",
            "a",
        ),
        ("127.0.0.1:9000", "/bucket/a//b", "bucket", "a//b"),
        ("127.0.0.1:9000", "/key", "", "key"),
        ("127.0.0.1:9000", "/b/key", "", "b/key"),
        ("localhost:9000", "/bucket/a%3F%25", "bucket", "a?%"),
        ("bucket.localhost:9000", "/key", "", "key"),
        ("[::1]:9000", "/bucket/key", "bucket", "key"),
    ],
)
@pytest.mark.parametrize("express", [False, True])
def test_host_and_path_stay_what_they_are(
    host: str, path: str, bucket: str, key: str, express: bool
) -> None:
    """Whichever way the bucket is found, the address is the request's own."""
    target = target_of(
        HttpRequest("GET", path, HttpHeaders([("Host", host)])),
        "https",
        of_object=True,
        express=express,
    )
    assert (target.bucket, target.key) == (bucket, key)
    settings = ClientConfig(
        addressing_style=target.style, legacy_bucket_names=True, enable_s3express=express
    )
    endpoint = resolve_base_url(target.url, config=settings)
    address = endpoint.address(target.bucket, target.key, "GetObject", "us-west-2")
    assert (address.scheme, address.authority, address.path) == ("https", host, path)


def test_a_bucket_with_dots_goes_where_its_certificate_fits() -> None:
    """No host of such a bucket has one: the path names it."""
    headers = HttpHeaders([("Host", "with.dots.s3.us-west-2.amazonaws.com")])
    request = HttpRequest("GET", "/key", headers)
    target = target_of(request, "https", of_object=True, express=False)
    settings = ClientConfig(addressing_style=target.style, legacy_bucket_names=True)
    endpoint = resolve_base_url(target.url, config=settings)
    address = endpoint.address(target.bucket, target.key, "GetObject", "us-west-2")
    assert address.authority + address.path == "s3.us-west-2.amazonaws.com/with.dots/key"


async def test_the_other_hosts_of_a_client(scripted: StartScript) -> None:
    """Each request says its own."""
    first = await scripted(rest=RangedObject(b"first"))
    second = await scripted(rest=RangedObject(b"second"))
    async with client_of(first) as client:
        logs = [await Log().of(client, type=GET, request=ask(each)) for each in (first, second)]
    assert [log.body for log in logs] == [b"first", b"second"]


async def test_hosts_are_forgotten_when_they_are_many() -> None:
    client = client_of("h")
    for number in range(300):
        client.make_request(type=GET, request=ask(f"h{number}")).cancel()
    await client.close()
    gc.collect()
    engines = [engine for engine in gc.get_objects() if issubclass(type(engine), Engine)]
    hosts = {engine.endpoint.authority for engine in engines}
    kept = [host for host in hosts if re.fullmatch("h[0-9]+", host)]
    assert 1 < len(kept) <= 256


async def test_network_interfaces(scripted: StartScript) -> None:
    """Connections over the loopback alone reach the loopback; others cannot."""
    if sys.platform != "linux":
        pytest.skip("the interface has another name here")
    server = await scripted(rest=RangedObject(DATA))
    log = await Log().of(
        client_of(server, network_interface_names=["lo"]), type=GET, request=ask(server)
    )
    if isinstance(log.end["error"], PermissionError):
        pytest.skip("this machine lets nobody choose interfaces")
    assert log.body == DATA
    with pytest.raises(ValueError, match="nothere0"):
        client_of(server, network_interface_names=["nothere0"])


# The seed's own forms


async def test_bootstrap_has_no_effect(scripted: StartScript) -> None:
    server = await scripted(rest=RangedObject(DATA))
    log = await Log().of(client_of(server, bootstrap=object()), type=GET, request=ask(server))
    assert log.body == DATA


async def test_a_request_may_be_made_as_the_seed_shows_its_class(scripted: StartScript) -> None:
    server = await scripted(rest=RangedObject(DATA))
    client = client_of(server, credential_provider=keys())
    request = S3Request(client=client, type=GET, request=ask(server), region="ca-central-1")
    await request.finished_future
    assert credential(server.requests[0])[1] == "ca-central-1"
    with pytest.raises(TypeError, match="client"):
        S3Request(client=object(), type=GET, request=ask(server))


async def test_types_may_be_given_by_their_numbers(scripted: StartScript) -> None:
    server = await scripted(rest=RangedObject(DATA))
    log = await Log().of(client_of(server, tls_mode=1), type=1, request=ask(server))
    assert log.body == DATA


def test_a_request_needs_a_running_loop() -> None:
    with pytest.raises(RuntimeError, match="event loop"):
        client_of("localhost").make_request(type=GET, request=ask("localhost"))


async def test_future_and_event_are_asyncios_own(scripted: StartScript) -> None:
    server = await scripted(rest=RangedObject(DATA))
    client = client_of(server)
    request = client.make_request(type=GET, request=ask(server))
    assert isinstance(request.finished_future, asyncio.Future)
    assert isinstance(request.shutdown_event, asyncio.Event)
    assert isinstance(client.shutdown_event, asyncio.Event)
    await request.finished_future
    await request.shutdown_event.wait()


# Refused before anything is sent


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"region": None}, TypeError, "region"),
        ({"tls_mode": 7}, ValueError, "tls_mode"),
        ({"tls_connection_options": object()}, TypeError, "tls_connection_options"),
        ({"part_size": 0}, ValueError, "part_size"),
        ({"part_size": 5 * GIB + 1}, ValueError, "part_size"),
        ({"part_size": "8"}, TypeError, "part_size"),
        ({"multipart_upload_threshold": -1}, ValueError, "multipart_upload_threshold"),
        ({"throughput_target_gbps": 0}, ValueError, "throughput_target_gbps"),
        ({"throughput_target_gbps": float("nan")}, ValueError, "throughput_target_gbps"),
        ({"throughput_target_gbps": "10"}, TypeError, "throughput_target_gbps"),
        ({"enable_s3express": "yes"}, TypeError, "enable_s3express"),
        ({"memory_limit": 0}, ValueError, "memory_limit"),
        ({"memory_limit": 8 * MIB - 1}, ValueError, "memory_limit"),
        ({"network_interface_names": []}, ValueError, "network_interface_names"),
        ({"network_interface_names": "lo"}, ValueError, "network_interface_names"),
        ({"signing_config": object()}, TypeError, "signing_config"),
        ({"signing_config": AwsSigningConfig()}, ValueError, "credentials_provider"),
        ({"credential_provider": object()}, TypeError, "credentials provider"),
        (
            {"credential_provider": OTHER, "signing_config": AwsSigningConfig()},
            ValueError,
            "only one",
        ),
        (
            {
                "signing_config": AwsSigningConfig(
                    algorithm=AwsSigningAlgorithm.V4_S3EXPRESS, credentials_provider=OTHER
                )
            },
            ValueError,
            "enable_s3express",
        ),
    ],
)
def test_arguments_of_a_client_that_cannot_work(
    arguments: dict[str, Any], error: type[Exception], named: str
) -> None:
    with pytest.raises(error, match=named):
        AcceleratedClient(**{"region": "us-east-1", **arguments})


def test_no_argument_is_positional() -> None:
    with pytest.raises(TypeError, match="positional"):
        AcceleratedClient(None)  # type: ignore[call-arg]  # that is what is tested


BODY = io.BytesIO(b"1")
NEW: Any = HttpRequest


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"type": DEFAULT}, ValueError, "operation_name"),
        ({"type": DEFAULT, "operation_name": ""}, ValueError, "operation_name"),
        ({"type": DEFAULT, "operation_name": 5}, TypeError, "operation_name"),
        ({"type": 3}, ValueError, "type"),
        ({"type": None}, ValueError, "type"),
        ({"type": True}, ValueError, "type"),
        ({"request": object()}, TypeError, "HttpRequest"),
        ({"request": NEW("GET", "/b/k")}, ValueError, "Host"),
        ({"request": NEW("GET", "/b/k", HttpHeaders([("Host", "a/b")]))}, ValueError, "Host"),
        ({"request": NEW("GET", "b/k", HttpHeaders([("Host", "h")]))}, ValueError, "path"),
        ({"request": NEW("G T", "/b/k", HttpHeaders([("Host", "h")]))}, ValueError, "method"),
        ({"request": NEW("GET", b"/b/k", HttpHeaders([("Host", "h")]))}, ValueError, "path"),
        ({"request": NEW("GET", "/b/k", [("Host", "h"), ("a", "1\n2")])}, ValueError, "line break"),
        ({"request": NEW("GET", "/b/k", [("Host", "h"), ("a", 5)])}, TypeError, "pair of str"),
        ({"request": ask("h", "/")}, ValueError, "object"),
        ({"request": ask("h", "/b/k", ("Content-Length", "x"))}, ValueError, "Content-Length"),
        ({"request": ask("h", "/b/k", ("Content-Length", "5"))}, ValueError, "body"),
        ({"request": ask("h", "/b/k", ("Transfer-Encoding", "chunked"))}, ValueError, "Transfer"),
        ({"request": ask("h", method="PUT", body=BODY)}, ValueError, "GET"),
        ({"request": ask("h", body=BODY)}, ValueError, "body"),
        ({"send_filepath": "file"}, ValueError, "send_filepath"),
        ({"recv_filepath": 5}, TypeError, "recv_filepath"),
        ({"type": PUT, "request": ask("h", body=BODY)}, ValueError, "PUT"),
        ({"type": PUT, "request": ask("h", method="PUT")}, ValueError, "body"),
        ({"type": PUT, "request": ask("h", method="PUT", body="text")}, TypeError, "body_stream"),
        (
            {"type": PUT, "request": ask("h", method="PUT", body=io.StringIO())},
            TypeError,
            "body_stream",
        ),
        (
            {
                "type": PUT,
                "request": ask("h", method="PUT", body=BODY),
                "recv_filepath": "file",
            },
            ValueError,
            "recv_filepath",
        ),
        ({"part_size": 0}, ValueError, "part_size"),
        ({"part_size": 64 * GIB}, ValueError, "part_size"),
        ({"part_size": 3 * GIB}, ValueError, "memory_limit"),
        ({"multipart_upload_threshold": 0}, ValueError, "multipart_upload_threshold"),
        (
            {"checksum_config": S3ChecksumConfig(S3ChecksumAlgorithm.CRC32)},
            ValueError,
            "location",
        ),
        ({"checksum_config": "CRC32"}, TypeError, "checksum_config"),
        ({"signing_config": AwsSigningConfig()}, ValueError, "credentials_provider"),
        (
            {"signing_config": AwsSigningConfig(), "credential_provider": OTHER},
            ValueError,
            "only one",
        ),
        (
            {
                "signing_config": AwsSigningConfig(
                    algorithm=AwsSigningAlgorithm.V4_S3EXPRESS, credentials_provider=OTHER
                )
            },
            ValueError,
            "enable_s3express",
        ),
        (
            {
                "credential_provider": OTHER,
                "request": ask("h", "/b/k", ("Authorization", "mine")),
            },
            ValueError,
            "Authorization",
        ),
    ],
)
async def test_arguments_of_a_request_that_cannot_work(
    arguments: dict[str, Any], error: type[Exception], named: str
) -> None:
    client = client_of("h")
    with pytest.raises(error, match=named):
        client.make_request(**{"type": GET, "request": ask("h"), **arguments})


def test_refusals_show_no_signature() -> None:
    request = HttpRequest("GET", "b/k?X-Amz-Signature=s1gn", HttpHeaders([("Host", "h")]))
    with pytest.raises(ValueError, match="the path must begin with a slash") as caught:
        target_of(request, "https", of_object=True, express=False)
    assert "s1gn" not in str(caught.value)


async def test_awscrts_own_request_is_read_by_its_attributes(scripted: StartScript) -> None:
    """Its stream is readable by its own threads only; what it wraps is what we read."""
    server = await scripted(rest=reply(200))
    request: Any = SimpleNamespace(
        method="PUT",
        path="/b/k",
        headers=iter([("Host", URL(server.url).raw_authority), ("X-Amz-Meta-A", "1")]),
        body_stream=SimpleNamespace(_stream=io.BytesIO(b"body")),
    )
    log = await Log().of(client_of(server), type=PUT, request=request)
    assert log.end["error"] is None
    assert server.requests[0].body == b"body"
    assert server.requests[0].header("x-amz-meta-a") == "1"


async def test_what_its_sender_signed_is_sent_as_it_is(scripted: StartScript) -> None:
    server = await scripted(rest=RangedObject(DATA))
    request = ask(server, "/b/k", ("Authorization", "x"))
    await Log().of(client_of(server), type=GET, request=request)
    assert server.requests[0].header("Authorization") == "x"
