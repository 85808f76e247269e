"""Uploads in parts on every server: by hand, carried on elsewhere, and by ``put_large``."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from aiohttp_s3_client.storage import (
    MultipartUpload,
    ProgressInfo,
    S3Storage,
    StorageError,
    StorageValueError,
)
from tests.behaviour.material import MIB, PART, in_pieces, noise, sha256
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer
from tests.servers.scripted import StartScript
from tests.transport.scripts import kinds, upload_step

from .conftest import StorageOf
from .test_failures import storage_at

DATA = noise(2 * PART + 99)
PARTS = [DATA[:PART], DATA[PART : 2 * PART], DATA[2 * PART :]]


async def test_an_upload_by_hand(storage: S3Storage, bucket: str, oracle: Oracle) -> None:
    """The parts come out of order and side by side, and one of them twice."""
    upload = await storage.start_multipart_upload("key", content_type="x/y", part_size=1)
    assert (upload.key, upload.parts, upload.part_size) == ("key", [], PART)
    await storage.upload_part(upload, 2, PARTS[1])
    etags = await asyncio.gather(
        *(storage.upload_part(upload, number, PARTS[number - 1]) for number in (3, 1, 2))
    )
    assert sorted(upload.parts) == [(1, etags[1]), (2, etags[2]), (3, etags[0])]
    assert not any('"' in etag for etag in etags)
    assert upload.completed_parts == 3
    stored = await storage.complete_multipart_upload(upload)
    assert (stored.key, stored.size) == ("key", len(DATA))
    assert sha256(await asyncio.to_thread(oracle.get, bucket, "key")) == sha256(DATA)
    assert await asyncio.to_thread(oracle.uploads, bucket) == []


async def test_another_process_carries_on(
    storage_of: StorageOf, bucket: str, oracle: Oracle
) -> None:
    """From the key and the upload id alone, or from all that the first one knew."""
    first, second = storage_of(prefix="p"), storage_of(prefix="p/")
    begun = await first.start_multipart_upload("key")
    await first.upload_part(begun, 1, PARTS[0])
    resumed = await second.resume_multipart_upload("key", begun.upload_id)
    assert resumed == begun
    told = json.loads(json.dumps(dataclasses.asdict(begun)))
    assert MultipartUpload(**told).completed_parts == 1
    await second.upload_part(resumed, 2, PARTS[1])
    resumed = await first.resume_multipart_upload("key", begun.upload_id)
    await first.upload_part(resumed, 3, PARTS[2])
    stored = await first.complete_multipart_upload(resumed)
    assert stored.size == len(DATA)
    assert sha256(await asyncio.to_thread(oracle.get, bucket, "p/key")) == sha256(DATA)


async def test_an_aborted_upload_is_gone(storage: S3Storage, bucket: str, oracle: Oracle) -> None:
    upload = await storage.start_multipart_upload("key")
    await storage.upload_part(upload, 1, b"x")
    await storage.abort_multipart_upload(upload)
    assert await asyncio.to_thread(oracle.uploads, bucket) == []
    with pytest.raises(StorageError):
        await storage.resume_multipart_upload("key", upload.upload_id)
    with pytest.raises(StorageError):
        await storage.complete_multipart_upload(upload)
    assert not await storage.exists("key")


async def test_p10_completing_twice_is_no_error(server: RunningServer, storage: S3Storage) -> None:
    """P10: the first answer may have been lost with the process that waited for it."""
    server.need("multipart_etag")
    upload = await storage.start_multipart_upload("key")
    await storage.upload_part(upload, 1, b"replaced")
    await storage.upload_part(upload, 1, b"data")
    first = await storage.complete_multipart_upload(upload)
    assert first.size == len(b"data")
    assert await storage.complete_multipart_upload(upload) == first


async def test_what_is_wrong_with_an_upload_is_said(scripted: StartScript) -> None:
    server = await scripted()
    storage = storage_at(server)
    upload = MultipartUpload("id", "key")
    with pytest.raises(StorageValueError, match="no part"):
        await storage.complete_multipart_upload(upload)
    for number in (0, 10_001, -1):
        with pytest.raises(StorageValueError, match="part_number"):
            await storage.upload_part(upload, number, b"x")
    for wrong in ("1", True, 1.0):
        with pytest.raises(TypeError, match="part_number"):
            await storage.upload_part(upload, wrong, b"x")  # type: ignore[arg-type]  # the point
    with pytest.raises(TypeError, match="data must be bytes"):
        await storage.upload_part(upload, 1, "text")  # type: ignore[arg-type]  # the point
    with pytest.raises(StorageValueError, match="upload_id"):
        await storage.resume_multipart_upload("key", "")
    with pytest.raises(StorageValueError, match="part_size"):
        await storage.start_multipart_upload("key", part_size=0)
    with pytest.raises(TypeError, match="progress_callback"):
        await storage.put_large("key", b"x", progress_callback=5)  # type: ignore[arg-type]  # the point
    assert server.requests == []


# --- put_large


def told_by(seen: list[ProgressInfo], *, is_async: bool) -> Any:
    def tell(info: ProgressInfo) -> None:
        seen.append(info)

    async def tell_later(info: ProgressInfo) -> None:
        await asyncio.sleep(0)
        seen.append(info)

    return tell_later if is_async else tell


@pytest.mark.parametrize(
    ("size", "is_async"), [(0, False), (PART - 1, True), (len(DATA), False), (len(DATA), True)]
)
async def test_large_files(
    server: RunningServer,
    storage: S3Storage,
    bucket: str,
    oracle: Oracle,
    size: int,
    is_async: bool,
) -> None:
    seen: list[ProgressInfo] = []
    data: Any = in_pieces(DATA[:size]) if is_async else DATA[:size]
    stored = await storage.put_large(
        "key",
        data,
        part_size=MIB,
        metadata={"a": "b"},
        progress_callback=told_by(seen, is_async=is_async),
    )
    assert (stored.size, stored.metadata) == (size, {"a": "b"})
    assert stored.content_type == ("binary/octet-stream" if size >= PART else None)
    assert stored.etag
    if server.missing("complete_etag") is None:
        assert stored.etag == (await storage.info("key")).etag
    assert sha256(await asyncio.to_thread(oracle.get, bucket, "key")) == sha256(DATA[:size])
    assert len({(info.bytes_transferred, info.total_bytes) for info in seen}) == len(seen)
    moved = [info.bytes_transferred for info in seen]
    assert moved == sorted(moved)
    if size:
        assert seen[-1] == ProgressInfo(size, size, "upload", "key")
        assert seen[-1].percentage == 100
    else:
        assert seen == []


async def test_a_failure_aborts_the_upload(scripted: StartScript) -> None:
    class Mine(Exception):
        pass

    async def broken() -> AsyncIterator[bytes]:
        yield DATA
        raise Mine

    def fail(info: ProgressInfo) -> None:
        raise Mine

    for data, progress_callback in ((broken(), None), (DATA, fail)):
        server = await scripted(rest=upload_step)
        async with storage_at(server) as storage:
            with pytest.raises(Mine):
                await storage.put_large(
                    "key", data, part_size=PART, progress_callback=progress_callback
                )
        assert kinds(server)[0] == "create"
        assert kinds(server)[-1] == "abort"
        assert "complete" not in kinds(server)
