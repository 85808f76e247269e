"""A clean environment for each test, and a metadata service that plays what a test tells it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22"

STALL = -1


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty home directory, and no AWS variable."""
    for name in os.environ:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    return tmp_path


def keys_document(life: timedelta, *, token: str = TOKEN, now: datetime | None = None) -> str:
    """What the service says of a role."""
    expires = (now or datetime.now(UTC)) + life
    return json.dumps(
        {
            "Code": "Success",
            "Type": "AWS-HMAC",
            "AccessKeyId": KEY,
            "SecretAccessKey": SECRET,
            "Token": token,
            "Expiration": expires.isoformat().replace("+00:00", "Z"),
        }
    )


async def until(condition: Callable[[], object]) -> None:
    """Wait for what the other side of a connection, or a task of ours, is about to do."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0.01)


@dataclass
class Imds:
    """A loopback server with a table of replies; ``STALL`` as a status never answers."""

    port: int = 0
    delay: float = 0.0
    replies: dict[str, tuple[int, str]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    TOKEN = "PUT /latest/api/token"
    ROLE = "GET /latest/meta-data/iam/security-credentials/"
    KEYS = "GET /latest/meta-data/iam/security-credentials/a.role+1@x"
    REGION = "GET /latest/meta-data/placement/region"
    DOCUMENT = "GET /latest/dynamic/instance-identity/document"

    def __post_init__(self) -> None:
        self.replies = {
            self.TOKEN: (200, "the-imds-token=="),
            self.ROLE: (200, "a.role+1@x\n"),
            self.KEYS: (200, keys_document(timedelta(hours=6))),
            self.REGION: (200, "eu-central-1"),
        }

    def count(self, line: str) -> int:
        return sum(1 for seen, _ in self.requests if seen == line)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        line = head[0].rpartition(" ")[0]
        headers = dict(text.lower().split(": ", 1) for text in head[1:] if text)
        self.requests.append((line, headers))
        status, text = self.replies.get(line, (404, "not here"))
        await asyncio.sleep(self.delay)
        if status == STALL:
            await reader.read()
        else:
            body = text.encode()
            writer.write(
                b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                % (status, len(body))
                + body
            )
            await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def imds() -> AsyncIterator[Imds]:
    service = Imds()
    running: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        running.add(task)
        task.add_done_callback(running.discard)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await service.serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()  # The client went away, as cancelled and timed out ones do.

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    service.port = server.sockets[0].getsockname()[1]
    yield service
    server.close()
    if running:
        await asyncio.wait(running, timeout=5)
