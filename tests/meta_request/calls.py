"""What the tests of meta requests share: clients, requests, and a log of all callbacks."""

from __future__ import annotations

from typing import Any

from yarl import URL

from aiohttp_s3_client.meta_request import (
    AcceleratedClient,
    AwsCredentialsProvider,
    AwsSigningConfig,
    HttpHeaders,
    HttpRequest,
    S3Request,
    S3RequestTlsMode,
    S3RequestType,
    create_default_s3_signing_config,
)
from tests.servers.running import RunningServer
from tests.servers.scripted import ScriptedServer
from tests.transport.scripts import KEY, SECRET

MIB = 1024 * 1024
GET, PUT, DEFAULT = S3RequestType.GET_OBJECT, S3RequestType.PUT_OBJECT, S3RequestType.DEFAULT


class Log:
    """Keeps what the callbacks of one request were given."""

    def __init__(self) -> None:
        self.heads: list[tuple[int, dict[str, str]]] = []
        self.chunks: list[tuple[int, bytes]] = []
        self.moved: list[int] = []
        self.ends: list[dict[str, Any]] = []
        self.order: list[str] = []
        self.request: S3Request | None = None
        self.future_was_done = False

    def on_headers(self, status_code: int, headers: list[tuple[str, str]], **kwargs: Any) -> None:
        self.order.append("headers")
        self.heads.append((status_code, dict(headers)))

    def on_body(self, chunk: bytes, offset: int, **kwargs: Any) -> None:
        self.order.append("body")
        self.chunks.append((offset, bytes(chunk)))

    def on_progress(self, progress: int, **kwargs: Any) -> None:
        self.moved.append(progress)

    def on_done(self, **facts: Any) -> None:
        self.order.append("done")
        self.ends.append(facts)
        assert self.request is not None
        self.future_was_done = self.request.finished_future.done()

    @property
    def callbacks(self) -> dict[str, Any]:
        return {
            name: getattr(self, name)
            for name in ("on_headers", "on_body", "on_done", "on_progress")
        }

    @property
    def body(self) -> bytes:
        return b"".join(chunk for _, chunk in self.chunks)

    @property
    def end(self) -> dict[str, Any]:
        """What ``on_done`` was given, which is called once."""
        (end,) = self.ends
        return end

    async def of(self, client: AcceleratedClient, **arguments: Any) -> Log:
        """Make a request with these callbacks and wait for its very end; errors are in ``end``."""
        self.request = client.make_request(**{**self.callbacks, **arguments})
        await self.request.shutdown_event.wait()
        return self


def client_of(server: ScriptedServer | RunningServer | str, **options: Any) -> AcceleratedClient:
    """A client for *server* by plain HTTP; requests are signed unless *options* say otherwise."""
    settings: dict[str, Any] = {"region": "us-east-1", "tls_mode": S3RequestTlsMode.DISABLED}
    if isinstance(server, RunningServer):
        settings |= {"region": server.region, "signing_config": signing_for(server)}
        if server.url.startswith("https"):
            settings["tls_mode"] = S3RequestTlsMode.ENABLED
            settings["tls_connection_options"] = server.ssl_context()
    return AcceleratedClient(**{**settings, **options})


def signing_for(server: RunningServer) -> AwsSigningConfig:
    return create_default_s3_signing_config(
        region=server.region,
        credential_provider=AwsCredentialsProvider.new_static(
            server.access_key_id, server.secret_access_key
        ),
    )


def keys() -> AwsCredentialsProvider:
    return AwsCredentialsProvider.new_static(KEY, SECRET)


def ask(
    server: ScriptedServer | RunningServer | str,
    path: str = "/bucket/key",
    *headers: tuple[str, str],
    method: str = "GET",
    body: Any = None,
) -> HttpRequest:
    """A request to *server* for *path*."""
    host = server if isinstance(server, str) else URL(server.url).raw_authority
    return HttpRequest(method, path, HttpHeaders([("Host", host), *headers]), body)
