"""What the behavioural tests are made of: data, clients, and eyes on what clients leave behind."""

from __future__ import annotations

import hashlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from aiohttp_s3_client import S3Client
from tests.servers.running import RunningServer

MIB = 1024 * 1024
PART = 5 * MIB
"""The smallest part that S3 takes, so that tests move few bytes."""


def noise(size: int, seed: int = 0) -> bytes:
    """*size* bytes in which no two places look alike, the same for the same *seed*."""
    return random.Random(seed).randbytes(size)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def in_pieces(data: bytes, size: int = 64 * 1024) -> AsyncIterator[bytes]:
    """*data* as a stream, *size* bytes at a time."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def open_session(server: RunningServer, **options: Any) -> aiohttp.ClientSession:
    """A session as a user would make it, which trusts *server*; *options* are aiohttp's."""
    if "connector" not in options:
        options["connector"] = aiohttp.TCPConnector(ssl=server.ssl_context() or True)
    return aiohttp.ClientSession(**options)


def client_for(server: RunningServer, session: aiohttp.ClientSession, **options: Any) -> S3Client:
    """A client with the server's own keys, as far as *options* do not say otherwise."""
    settings: dict[str, Any] = {
        "url": server.url,
        "access_key_id": server.access_key_id,
        "secret_access_key": server.secret_access_key,
        "region": server.region,
    }
    return S3Client(session=session, **{**settings, **options})


class Traffic:
    """The requests of one session, in order: ``("GET", "/bucket/key?query")``."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.statuses: list[int] = []
        self.trace = aiohttp.TraceConfig()
        self.trace.on_request_start.append(self._started)
        self.trace.on_request_end.append(self._ended)

    async def _started(
        self, session: aiohttp.ClientSession, context: object, sent: aiohttp.TraceRequestStartParams
    ) -> None:
        self.requests.append((sent.method, sent.url.raw_path_qs))

    async def _ended(
        self, session: aiohttp.ClientSession, context: object, got: aiohttp.TraceRequestEndParams
    ) -> None:
        self.statuses.append(got.response.status)


def left_over(folder: Path) -> list[str]:
    """Names in *folder*, hidden ones too: a download leaves nothing but its destination."""
    return sorted(path.name for path in folder.iterdir())
