"""Fixtures of all tests: real servers, buckets, an independent client, the scripted server.

What a test runs under is chosen by the environment: ``AIOS3_LOOP=uvloop``, ``AIOS3_PLAIN=1``
(every fast path off), ``HYPOTHESIS_PROFILE=default|ci|soak``, ``S3_URL=http://key:secret@host/b``.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import importlib.util
import inspect
import os
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import aiohttp
import pytest
from hypothesis import HealthCheck, settings

from .servers.base import ServerInfo, ServerUnavailable
from .servers.external import NAME as EXTERNAL
from .servers.farm import Farm, FarmService, RemoteFarm, Servers, server_names
from .servers.oracle import Oracle
from .servers.resolver import LoopbackResolver
from .servers.running import RunningServer
from .servers.scripted import ScriptedServer

if TYPE_CHECKING:
    from aiohttp_s3_client import S3Client

pytest_plugins = ["pytester"]

EMBEDDED = "rclone"
LOOP = os.environ.get("AIOS3_LOOP", "asyncio")
# aiohttp 3.12 leaves the future of a paused write behind when the writer is cancelled.
_AIOHTTPS_OWN = "Future exception was never retrieved: ConnectionError('Connection lost')"
_FARM: pytest.StashKey[Servers] = pytest.StashKey()
_SERVICE: pytest.StashKey[FarmService] = pytest.StashKey()

_COMMON: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("default", max_examples=60, **_COMMON)
settings.register_profile("ci", max_examples=100, print_blob=True, **_COMMON)
settings.register_profile("soak", max_examples=5000, print_blob=True, **_COMMON)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "default")
)


# --- the run: loop, servers, guards


if LOOP == "uvloop":

    def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
        """Run async tests on uvloop; where there is none they are marked to be skipped below."""
        if importlib.util.find_spec("uvloop") is None:
            return {"uvloop": asyncio.new_event_loop}
        return {"uvloop": importlib.import_module("uvloop").new_event_loop}

elif LOOP != "asyncio":
    raise pytest.UsageError(f"AIOS3_LOOP must be asyncio or uvloop, not {LOOP!r}")


def pytest_configure(config: pytest.Config) -> None:
    remote = getattr(config, "workerinput", {}).get("s3_servers")
    config.stash[_FARM] = RemoteFarm(*remote) if remote else Farm()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker where it can ask for servers."""
    config: pytest.Config = node.config
    if _SERVICE not in config.stash:
        farm = config.stash[_FARM]
        assert isinstance(farm, Farm)
        config.stash[_SERVICE] = FarmService(farm)
    service = config.stash[_SERVICE]
    node.workerinput["s3_servers"] = (service.address, service.key)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _SERVICE in config.stash:
        config.stash[_SERVICE].close()
    if _FARM in config.stash:
        config.stash[_FARM].close()


def pytest_report_header() -> list[str]:
    plain = os.environ.get("AIOS3_PLAIN", "0")
    return [f"S3 servers: {', '.join(server_names())}", f"loop: {LOOP}, AIOS3_PLAIN={plain}"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Guard async tests against leftovers, and skip them where their loop is missing."""
    absent = LOOP == "uvloop" and importlib.util.find_spec("uvloop") is None
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function):
            # First in, so last out: after the fixtures that end tasks and close sessions.
            item.fixturenames.insert(0, "no_leftovers")
            if absent:
                item.add_marker(pytest.mark.skip(reason="no uvloop here: pip install uvloop"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the servers that the selected tests use, while the first tests run."""
    # What is there now stays to the end: looking through it again took a tenth of all the time.
    gc.freeze()
    used: set[str] = set()
    for item in session.items:
        fixtures = getattr(item, "fixturenames", ())
        if "embedded" in fixtures:
            used.add(EMBEDDED)
        if "server" in fixtures and isinstance(item, pytest.Function):
            used.add(str(item.callspec.params["server"]))
    if used and not session.config.option.collectonly:
        session.config.stash[_FARM].prepare(sorted(used))


@pytest.fixture
async def no_leftovers() -> AsyncIterator[None]:
    """Fail a test that leaves a task running or an exception that nobody received."""
    loop = asyncio.get_running_loop()
    complaints: list[str] = []
    loop.set_exception_handler(
        lambda _, context: complaints.append(f"{context['message']}: {context.get('exception')!r}")
    )
    before = asyncio.all_tasks()
    yield
    left: set[asyncio.Task[Any]] = set()
    for wait in (0, 0, 0.01, 0.05, 0.2):
        left = asyncio.all_tasks() - before - {asyncio.current_task()}
        if not left:
            break
        await asyncio.sleep(wait)
    gc.collect(1)
    await asyncio.sleep(0)
    if left:
        pytest.fail(f"tasks left running: {left}")
    complaints = [complaint for complaint in complaints if complaint != _AIOHTTPS_OWN]
    if complaints:
        pytest.fail("the event loop was told: " + "; ".join(complaints))


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home directory without any configuration."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def isolated_environment(monkeypatch: pytest.MonkeyPatch, empty_home: Path) -> None:
    """Keep the user's own credentials and settings of AWS out of the tests."""
    for name in list(os.environ):
        if name.upper().startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(empty_home / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(empty_home / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(empty_home))
    monkeypatch.setenv("USERPROFILE", str(empty_home))


# --- every server in turn


def running_server(request: pytest.FixtureRequest, name: str) -> RunningServer:
    """The server called *name*, started. Skips where this machine need not run it."""
    try:
        info: ServerInfo = request.config.stash[_FARM].get(name)
    except ServerUnavailable as error:
        pytest.skip(f"{name}: {error}")
    return RunningServer(info, Oracle(info))


@pytest.fixture(scope="session", params=server_names())
def server(request: pytest.FixtureRequest) -> RunningServer:
    """Each server of this machine in turn (or the one of S3_URL)."""
    return running_server(request, request.param)


@pytest.fixture
def oracle(server: RunningServer) -> Oracle:
    """boto3 against ``server``; blocking, so call it through ``asyncio.to_thread``."""
    return server.oracle


@pytest.fixture
def no_packages_for_checksums(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing of the extra ``[checksums]`` is installed, and nobody was told so before."""
    from aiohttp_s3_client.protocol import crc, hashes
    from aiohttp_s3_client.transfer.expected import say_unaffordable
    from aiohttp_s3_client.transport import preparing

    for package in ("anycrc", "awscrt", "fastcrc", "xxhash"):
        for name in (package, *(n for n in sys.modules if n.startswith(f"{package}."))):
            monkeypatch.setitem(sys.modules, name, None)
    remembered = (crc.backend, hashes.maker, say_unaffordable, preparing._protection)
    for each in remembered:
        each.cache_clear()
    yield
    for each in remembered:
        each.cache_clear()


@pytest.fixture
def bucket(server: RunningServer) -> Iterator[str]:
    """A new bucket of ``server``; ``need("own_bucket")`` where its name must hold no slash."""
    yield from _new_bucket(server)


@pytest.fixture
async def session(server: RunningServer) -> AsyncIterator[aiohttp.ClientSession]:
    """An aiohttp session that trusts ``server`` and finds ``*.localhost`` on the loopback."""
    connector = aiohttp.TCPConnector(
        ssl=server.ssl_context() or True, resolver=LoopbackResolver(), limit=100
    )
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


@pytest.fixture
def client(server: RunningServer, session: aiohttp.ClientSession) -> S3Client:
    """Our client at the root of ``server``: object names are ``bucket/key``."""
    return _client(server, session)


# --- one fast server


@pytest.fixture(scope="session")
def embedded(request: pytest.FixtureRequest) -> RunningServer:
    """rclone alone, for tests that need any server."""
    return running_server(request, EMBEDDED)


@pytest.fixture
def embedded_bucket(embedded: RunningServer) -> Iterator[str]:
    """A new bucket of ``embedded``."""
    yield from _new_bucket(embedded)


@pytest.fixture
async def plain_session() -> AsyncIterator[aiohttp.ClientSession]:
    """An aiohttp session as most users make it, for plain HTTP on the loopback."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def embedded_client(embedded: RunningServer, plain_session: aiohttp.ClientSession) -> S3Client:
    """Our client at the root of ``embedded``: object names are ``bucket/key``."""
    return _client(embedded, plain_session)


def _new_bucket(server: RunningServer) -> Iterator[str]:
    name = f"test-{uuid4().hex[:16]}"
    given = server.info.bucket
    if given is not None and server.missing("own_bucket"):
        name = f"{given}/{name}"
    else:
        server.oracle.create_bucket(name)
    yield name
    if server.name == EXTERNAL:  # the others end with the run, with all that they hold
        server.oracle.delete_bucket(name)


def _client(server: RunningServer, session: aiohttp.ClientSession) -> S3Client:
    from aiohttp_s3_client import S3Client

    return S3Client(
        url=server.url,
        session=session,
        access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key,
        region=server.region,
    )


# --- canned answers


@pytest.fixture
async def scripted() -> AsyncIterator[Callable[..., Awaitable[ScriptedServer]]]:
    """``await scripted(reply(200), …)``: a started ``ScriptedServer`` that plays these steps.

    Takes the arguments of ``ScriptedServer``. At the end the test fails if a request came for
    which no step was left, unless ``rest=`` answered it or ``allow_unexpected=True`` was given.
    """
    servers: list[tuple[ScriptedServer, bool]] = []

    async def start(*steps: Any, allow_unexpected: bool = False, **options: Any) -> ScriptedServer:
        server = ScriptedServer(*steps, **options)
        await server.start()
        servers.append((server, allow_unexpected))
        return server

    yield start
    for server, _ in servers:
        await server.close()
    heads = [bytes(r.head) for s, allowed in servers if not allowed for r in s.unexpected]
    if heads:
        pytest.fail(f"requests beyond the script: {heads}")


@dataclass(frozen=True, slots=True)
class LoopbackTls:
    """TLS for a server on localhost and for a client that trusts it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="session")
def loopback_tls() -> LoopbackTls:
    """Contexts for ``scripted(…, ssl_context=loopback_tls.server)`` and for its client."""
    import trustme

    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "*.localhost", "127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return LoopbackTls(server, client)
