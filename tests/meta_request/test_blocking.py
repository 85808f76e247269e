"""P1: nothing of a meta request blocks the event loop."""

from __future__ import annotations

import io
import uuid
from pathlib import Path

import pytest

from aiohttp_s3_client.meta_request import CrossProcessLock, S3ChecksumConfig
from tests.project.test_blocking import watched
from tests.servers.running import RunningServer

from .calls import GET, MIB, PUT, Log, ask, client_of

PARTS = b"x" * (5 * MIB + 1)


async def test_p1_objects_of_files_and_file_objects(
    embedded: RunningServer, embedded_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P1: above the threshold and below it, a range, and what fails."""
    sources = [tmp_path / "small", tmp_path / "large"]
    for source, content in zip(sources, (b"small", PARTS), strict=True):
        source.write_bytes(content)
    copy, missing = tmp_path / "copy", tmp_path / "missing"
    path = f"/{embedded_bucket}/key"
    put, get = ask(embedded, path, method="PUT"), ask(embedded, path)
    some = ask(embedded, path, ("Range", "bytes=-5"))
    held_to = S3ChecksumConfig(validate_response=True)
    # The package that computes checksums is imported with the first one.
    await Log().of(client_of(embedded), type=PUT, request=put, send_filepath=sources[0])
    await Log().of(client_of(embedded), type=GET, request=get, checksum_config=held_to)
    with watched(monkeypatch) as calls:
        async with client_of(embedded, part_size=5 * MIB) as client:
            logs = [
                await Log().of(client, **arguments)
                for arguments in (
                    {"type": PUT, "request": put, "send_filepath": sources[0]},
                    {"type": PUT, "request": put, "send_filepath": sources[1]},
                    {"type": GET, "request": some, "recv_filepath": tmp_path / "end"},
                    {
                        "type": GET,
                        "request": get,
                        "recv_filepath": copy,
                        "checksum_config": held_to,
                    },
                    {"type": GET, "request": get, "recv_filepath": missing / "copy"},
                    {"type": PUT, "request": put, "send_filepath": missing},
                )
            ]
            body = ask(embedded, path, method="PUT", body=io.BytesIO(PARTS))
            logs.append(await Log().of(client, type=PUT, request=body))
    assert calls == []
    assert copy.read_bytes() == PARTS
    errors = [type(log.end["error"]).__name__ for log in logs]
    assert errors == [*["NoneType"] * 4, *["FileNotFoundError"] * 2, "NoneType"]


async def test_p1_a_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """P1: taken and given back in a thread."""
    lock = CrossProcessLock(f"aiohttp-s3-client {uuid.uuid4()}")
    with watched(monkeypatch) as calls:
        async with lock:
            pass
    assert calls == []
