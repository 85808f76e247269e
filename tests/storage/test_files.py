"""Files of a storage on every server: there and back, listed, copied, moved, shared."""

from __future__ import annotations

import asyncio
import hashlib
import io
import urllib.request
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from aiohttp_s3_client.storage import (
    MultipartUpload,
    S3Storage,
    StorageError,
    StorageFileExistsError,
    StorageFileNotFoundError,
    StorageValueError,
    StoredFile,
)
from tests.behaviour.material import MIB, PART, in_pieces, noise, sha256
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer
from tests.servers.scripted import StartScript

from .conftest import StorageOf, settings
from .test_failures import storage_at

DATA = noise(9 * MIB + 17)


@pytest.fixture
async def embedded_storage(
    embedded: RunningServer, embedded_bucket: str
) -> AsyncIterator[S3Storage]:
    """Where the server makes no difference."""
    async with S3Storage(settings(embedded, embedded_bucket)) as storage:
        yield storage


def one_by_one(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 1] for at in range(len(data)))


def list_of(data: bytes) -> list[bytes]:
    return list(one_by_one(data))


async def keys_of(storage: S3Storage, *args: Any, **options: Any) -> list[str]:
    return [file.key async for file in storage.list(*args, **options)]


async def test_there_and_back(
    server: RunningServer, storage: S3Storage, bucket: str, oracle: Oracle
) -> None:
    before = datetime.now(UTC)
    stored = await storage.put(
        "docs/a b+c.html", b"<p>", content_type="text/x-own", metadata={"colour": "blue"}
    )
    assert stored == StoredFile(
        "docs/a b+c.html", 3, "text/x-own", stored.etag, stored.last_modified, {"colour": "blue"}
    )
    assert stored.etag
    assert '"' not in stored.etag
    assert stored.last_modified is not None
    assert timedelta() <= stored.last_modified - before < timedelta(minutes=1)
    assert await asyncio.to_thread(oracle.get, bucket, "docs/a b+c.html") == b"<p>"
    assert await storage.get_bytes("docs/a b+c.html") == b"<p>"
    assert b"".join([piece async for piece in storage.get("docs/a b+c.html")]) == b"<p>"
    found = await storage.info("docs/a b+c.html")
    assert (found.key, found.size, found.etag) == ("docs/a b+c.html", 3, stored.etag)
    assert found.last_modified is not None
    assert found.last_modified.tzinfo is not None
    assert found.metadata["colour"] == "blue"
    if server.missing("content_type") is None:
        assert found.content_type == "text/x-own"
    assert await storage.exists("docs/a b+c.html")
    await storage.delete("docs/a b+c.html")
    await storage.delete("docs/a b+c.html")
    assert not await storage.exists("docs/a b+c.html")


async def test_what_users_upload_gets_no_type_by_its_name(
    server: RunningServer, storage: S3Storage
) -> None:
    server.need("content_type")
    stored = await storage.put("page.html", b"<script>")
    assert stored.content_type is None
    assert (await storage.info("page.html")).content_type == "binary/octet-stream"
    upload = await storage.start_multipart_upload("parts.html")
    await storage.upload_part(upload, 1, b"<script>")
    done = await storage.complete_multipart_upload(upload)
    assert done.content_type == "binary/octet-stream"


async def test_whatever_gives_bytes(embedded_storage: S3Storage) -> None:
    for kind in (bytes, bytearray, memoryview, io.BytesIO, in_pieces, one_by_one, list_of):
        data: Any = kind(b"12345")
        assert (await embedded_storage.put("key", data)).size == 5
        assert await embedded_storage.get_bytes("key") == b"12345"
        await embedded_storage.delete("key")


async def test_what_is_at_hand_goes_in_one(
    server: RunningServer, storage: S3Storage, bucket: str
) -> None:
    """As the package has it: the ETag is that of one PUT, whatever the size."""
    server.need("multipart_etag")
    for data in (DATA, io.BytesIO(DATA)):
        stored = await storage.put("key", data)
        assert stored.etag == hashlib.md5(DATA).hexdigest()


async def test_a_long_stream_goes_in_parts(storage: S3Storage) -> None:
    stored = await storage.put("key", in_pieces(DATA))
    assert stored.size == len(DATA)
    assert sha256(await storage.get_bytes("key")) == sha256(DATA)
    assert sha256(b"".join([piece async for piece in storage.get("key")])) == sha256(DATA)


async def test_missing_files(storage: S3Storage) -> None:
    for call in (storage.get_bytes, storage.info):
        with pytest.raises(StorageFileNotFoundError, match="File not found: none") as caught:
            await call("none")
        assert caught.value.key == "none"
        assert caught.value.__cause__ is not None
    with pytest.raises(StorageFileNotFoundError):
        await anext(storage.get("none"))
    for transfer in (storage.copy, storage.move):
        with pytest.raises(StorageFileNotFoundError) as caught:
            await transfer("none", "other")
        assert caught.value.key == "none"


async def test_one_connection_is_enough(embedded: RunningServer, embedded_bucket: str) -> None:
    """Whoever reads slowly, or leaves early, keeps nobody else from it."""
    config = settings(embedded, embedded_bucket, max_pool_connections=1)
    async with S3Storage(config) as storage, asyncio.timeout(20):
        await storage.put("key", DATA)
        async for piece in storage.get("key"):
            assert DATA.startswith(piece)
            break
        read = 0
        async for piece in storage.get("key"):
            read += len(piece)
            assert await storage.exists("key")
        assert read == len(DATA)
        assert (await storage.put("again", storage.get("key"))).size == len(DATA)
        copied = await storage.copy("again", "copy")  # In parts.
        assert copied == await storage.info("copy")
        assert sha256(await storage.get_bytes("copy")) == sha256(DATA)


# --- listing


async def test_listing(server: RunningServer, storage: S3Storage) -> None:
    for key in ("a/1", "a/2", "b/1"):
        await storage.put(key, key.encode())
    assert sorted(await keys_of(storage)) == ["a/1", "a/2", "b/1"]
    assert await keys_of(storage, "a/") == ["a/1", "a/2"]
    assert await keys_of(storage, "a/", limit=1) == ["a/1"]
    assert await keys_of(storage, limit=0) == []
    assert await keys_of(storage, "c") == []
    (file,) = [file async for file in storage.list("b/")]
    assert (file.key, file.size, file.content_type, file.metadata) == ("b/1", 3, None, {})
    assert file.last_modified is not None
    assert file.last_modified.tzinfo is not None
    assert file.etag == (await storage.info("b/1")).etag
    with pytest.raises(StorageValueError, match="limit"):
        await keys_of(storage, limit=-1)


# --- the prefix


@pytest.mark.parametrize("prefix", ["uploads", "uploads/"])
async def test_the_prefix_is_put_on_and_taken_off(
    storage_of: StorageOf, bucket: str, oracle: Oracle, prefix: str
) -> None:
    storage = storage_of(prefix=prefix)
    oracle.put(bucket, "uploads2/x", b"sibling")
    oracle.put(bucket, "top", b"above")
    assert (await storage.put("/photo.jpg", b"1")).key == "/photo.jpg"
    assert await storage.get_bytes("photo.jpg") == b"1"
    await storage.copy("photo.jpg", "sub/copy.jpg")
    moved = await storage.move("sub/copy.jpg", "sub/moved.jpg")
    assert moved.key == "sub/moved.jpg"
    upload = await storage.start_multipart_upload("parts")
    await storage.upload_part(upload, 1, b"part")
    assert (await storage.complete_multipart_upload(upload)).key == "parts"
    assert sorted(await keys_of(storage)) == ["parts", "photo.jpg", "sub/moved.jpg"]
    assert await keys_of(storage, "/sub/") == ["sub/moved.jpg"]
    held = await asyncio.to_thread(oracle.list_keys, bucket)
    assert sorted(held) == [
        "top", "uploads/parts", "uploads/photo.jpg", "uploads/sub/moved.jpg", "uploads2/x"
    ]  # fmt: skip
    link = await storage.url("photo.jpg")
    assert "/uploads/photo.jpg?" in link


ESCAPES = ["../top", "a/../../top", "..", ".", "a/./b", "..\\top", "/../top", "a/..", ""]


@pytest.mark.parametrize("key", ESCAPES)
async def test_no_key_leads_out_of_the_prefix(scripted: StartScript, key: str) -> None:
    server = await scripted()
    storage = storage_at(server, prefix="uploads")
    upload = MultipartUpload("id", key, [(1, "e")])
    calls = [
        storage.put(key, b"x"),
        storage.put_large(key, b"x"),
        storage.get_bytes(key),
        anext(storage.get(key)),
        storage.delete(key),
        storage.exists(key),
        storage.url(key),
        storage.info(key),
        storage.copy(key, "copy"),
        storage.copy("mine", key),
        storage.move(key, "copy"),
        storage.move("mine", key),
        storage.start_multipart_upload(key),
        storage.resume_multipart_upload(key, "id"),
        storage.upload_part(upload, 1, b"x"),
        storage.complete_multipart_upload(upload),
        storage.abort_multipart_upload(upload),
    ]
    for call in calls:
        with pytest.raises(StorageValueError, match=r"could lead out|must name a file"):
            await call
    with pytest.raises(StorageValueError, match="could lead out"):
        await keys_of(storage, "../")
    assert server.requests == []


async def test_what_no_key_leads_to_is_not_listed(
    server: RunningServer, storage_of: StorageOf, bucket: str, oracle: Oracle
) -> None:
    server.need("keys_verbatim")
    storage = storage_of(prefix="p")
    for name in ("p/", "p/a", "p//a", "p/../a", "p/.hidden"):
        await asyncio.to_thread(oracle.put, bucket, name, b"x")
    assert sorted(await keys_of(storage)) == [".hidden", "a"]
    assert await keys_of(storage, ".") == [".hidden"]


# --- copies


async def test_copies_keep_what_they_are_of(server: RunningServer, storage: S3Storage) -> None:
    server.need("content_type")
    await storage.put("a", b"data", content_type="x/y", metadata={"colour": "grün"})
    copied = await storage.copy("a", "b")
    assert (copied.key, copied.size) == ("b", 4)
    if server.missing("copy_replaces_metadata") is None:
        assert copied.content_type == "x/y"
    assert copied.metadata["colour"] == "grün"
    moved = await storage.move("b", "c")
    assert (moved.key, moved.metadata["colour"]) == ("c", "grün")
    assert [await storage.exists(key) for key in "abc"] == [True, False, True]


async def test_a_move_onto_itself_loses_nothing(storage_of: StorageOf) -> None:
    storage = storage_of(prefix="p")
    await storage.put("a/b", b"data")
    for other in ("a/b", "/a/b", "//a/b"):
        assert (await storage.move("a/b", other)).size == 4
        assert (await storage.copy("a/b", other)).key == other
    assert await storage.get_bytes("a/b") == b"data"
    with pytest.raises(StorageFileNotFoundError):
        await storage.move("none", "/none")


async def test_a_move_to_another_spelling_loses_nothing(storage: S3Storage) -> None:
    """A server that keeps objects as files takes them for one; on others they are two."""
    await storage.put("a/b", b"data")
    try:
        await storage.move("a/b", "a//b")
    except StorageError:
        assert await storage.get_bytes("a/b") == b"data"
    else:
        assert await storage.get_bytes("a//b") == b"data"
        assert not await storage.exists("a/b")


async def test_overwrite_false_replaces_nothing(storage: S3Storage) -> None:
    new: dict[str, Any] = {"overwrite": False}
    assert (await storage.put("key", b"first", **new)).size == 5
    await storage.put("other", b"second")
    calls: list[tuple[Any, ...]] = [
        (storage.put, "key", b"x"),
        (partial(storage.put_large, part_size=PART), "key", bytes(PART)),
        (storage.copy, "other", "key"),
        (storage.copy, "key", "key"),
        (storage.move, "other", "key"),
    ]
    for call, *arguments in calls:
        with pytest.raises(StorageFileExistsError, match="already exists: key") as caught:
            await call(*arguments, **new)
        assert caught.value.key == "key"
    assert await storage.get_bytes("key") == b"first"
    assert await storage.get_bytes("other") == b"second"
    assert (await storage.move("other", "third", **new)).key == "third"


# --- links


async def test_links(server: RunningServer, storage: S3Storage) -> None:
    key = "a b/ü+%?#&.txt" if server.missing("keys_verbatim") is None else "a b/ü+.txt"
    await storage.put(key, b"shared")
    for options in ({}, {"expires_in": timedelta(minutes=5)}):
        link = await storage.url(key, **options)

        def fetch(link: str = link) -> bytes:
            with urllib.request.urlopen(link, context=server.ssl_context(), timeout=10) as answer:
                return bytes(answer.read())

        assert await asyncio.to_thread(fetch) == b"shared"
    assert "X-Amz-Expires=300&" in link


async def test_links_last_from_a_second_to_a_week(scripted: StartScript) -> None:
    async with storage_at(await scripted()) as storage:
        for seconds in (0, -1, 0.5, 604_801):
            with pytest.raises(StorageValueError, match="expires_in"):
                await storage.url("key", expires_in=timedelta(seconds=seconds))


# --- metadata

VALUES = {
    "plain": "light blue",
    "umlauts": "grüne Bäume, 日本語 🌲",
    "encoded": "=?UTF-8?B?w6Q=?=",
    "quoted": "=?iso-8859-1?Q?a_b=E4?=",
    "spaces": " two  and one ",
    "long": "ß" * 60,
}


async def test_metadata_comes_back_as_it_was_given(storage: S3Storage) -> None:
    stored = await storage.put("key", b"x", metadata=VALUES)
    assert stored.metadata == VALUES
    found = (await storage.info("key")).metadata
    assert {name: found.get(name) for name in VALUES} == VALUES


async def test_metadata_of_an_upload_in_parts(storage: S3Storage) -> None:
    upload = await storage.start_multipart_upload("key", metadata=VALUES)
    await storage.upload_part(upload, 1, b"x")
    found = (await storage.complete_multipart_upload(upload)).metadata
    assert {name: found.get(name) for name in VALUES} == VALUES


@pytest.mark.parametrize(
    "metadata",
    [{"a": "x\ny"}, {"a": "x\0"}, {"a b": "x"}, {"ä": "x"}, {"": "x"}, {"a": "1", "A": "2"}],
)
async def test_metadata_that_no_header_carries(scripted: StartScript, metadata: Any) -> None:
    server = await scripted()
    storage = storage_at(server)
    for call in (storage.put("key", b"x", metadata=metadata),
                 storage.start_multipart_upload("key", metadata=metadata)):  # fmt: skip
        with pytest.raises(StorageValueError, match=r"(?i)metadata"):
            await call
    with pytest.raises(StorageValueError, match="content_type"):
        await storage.put("key", b"x", content_type="a/b\r\nx: y")
    assert server.requests == []


async def test_what_is_no_data(scripted: StartScript) -> None:
    server = await scripted()
    storage = storage_at(server)
    wrong: list[Any] = ["text", None, io.StringIO("text"), {b"a": b"b"}, 5]
    for data in wrong:
        with pytest.raises(TypeError, match=r"data must be bytes|data: the file is open as text"):
            await storage.put("key", data)
    assert server.requests == []
