"""Settings: their defaults, what is wrong with them, and what they do."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import os
import ssl
import warnings
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from aiohttp_s3_client.storage import (
    ConfigurationError,
    MultipartUpload,
    ProgressInfo,
    S3Config,
    S3Storage,
    StorageConnectionError,
    StorageError,
    StoredFile,
)
from tests.conftest import LoopbackTls
from tests.servers.running import RunningServer
from tests.servers.scripted import ScriptedServer, StartScript
from tests.servers.steps import hang, reply
from tests.transport.scripts import SECRET

from .conftest import settings
from .test_failures import storage_at

THERE = reply(200, {"Content-Length": "4", "ETag": '"e"'})


def test_fields_and_defaults() -> None:
    assert dataclasses.asdict(S3Config("b")) == {
        "bucket": "b",
        "region": None,
        "endpoint_url": None,
        "access_key_id": None,
        "secret_access_key": None,
        "session_token": None,
        "prefix": "",
        "presigned_expiry": timedelta(hours=1),
        "use_ssl": True,
        "verify_ssl": True,
        "max_pool_connections": 10,
    }
    assert list(inspect.signature(S3Config).parameters) == list(dataclasses.asdict(S3Config("b")))


PACKAGE_CALLS = [
    "put", "get", "get_bytes", "delete", "exists", "list", "url", "copy", "move", "info", "close",
    "start_multipart_upload", "upload_part", "complete_multipart_upload",
    "abort_multipart_upload", "put_large",
]  # fmt: skip


def test_calls_and_values_are_those_of_the_package() -> None:
    """Names, order and defaults of the published package; ours may take more by keyword."""
    types = pytest.importorskip("litestar_storages.types")
    s3 = pytest.importorskip("litestar_storages.backends.s3")
    for name in PACKAGE_CALLS:
        ours = inspect.signature(getattr(S3Storage, name)).parameters
        theirs = inspect.signature(getattr(s3.S3Storage, name)).parameters
        kept = [(each.name, each.kind, each.default) for each in ours.values()]
        for index, each in enumerate(theirs.values()):
            assert kept[index] == (each.name, each.kind, each.default), name
        more = list(ours.values())[len(theirs) :]
        assert all(each.kind is each.KEYWORD_ONLY for each in more), name
    for ours_, theirs_ in (
        (S3Config, s3.S3Config),
        (StoredFile, types.StoredFile),
        (MultipartUpload, types.MultipartUpload),
        (ProgressInfo, types.ProgressInfo),
    ):
        fields = [
            [(each.name, each.default) for each in dataclasses.fields(kind)]
            for kind in (ours_, theirs_)
        ]
        assert fields[0] == fields[1]


def test_values_behave_as_those_of_the_package() -> None:
    types = pytest.importorskip("litestar_storages.types")
    for moved, total in ((0, 10), (5, 10), (5, None), (0, 0)):
        ours = ProgressInfo(moved, total, "upload", "key")
        theirs = types.ProgressInfo(moved, total, "upload", "key")
        assert ours.percentage == theirs.percentage
    upload = MultipartUpload("id", "key")
    upload.add_part(2, "b")
    upload.add_part(1, "a")
    upload.add_part(2, "c")
    assert (upload.parts, upload.completed_parts) == ([(2, "c"), (1, "a")], 2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        StoredFile("key", 1).size = 2  # type: ignore[misc]  # the point


def test_no_secret_is_shown() -> None:
    config = S3Config("bucket", None, f"http://k:{SECRET}@host", "AKID", SECRET, "TOKEN-SECRET")
    assert "access_key_id='AKID'" in repr(config)
    shown = repr(config) + str(config)
    config.endpoint_url = "http://host"
    shown += repr(S3Storage(config))
    assert SECRET not in shown
    assert "TOKEN-SECRET" not in shown


WRONG: list[tuple[str, Any]] = [
    ("bucket", ""),
    ("bucket", None),
    ("bucket", "a/b"),
    ("bucket", "a b"),
    ("bucket", ".."),
    ("region", "evil.example/"),
    ("region", 5),
    ("endpoint_url", "ftp://host"),
    ("endpoint_url", "http://"),
    ("endpoint_url", ""),
    ("endpoint_url", "http://host?x=y"),
    ("endpoint_url", "http://key:secret@host"),
    ("endpoint_url", "http://host/bucket/deeper"),
    ("endpoint_url", 5),
    ("access_key_id", None),
    ("secret_access_key", None),
    ("session_token", 5),
    ("prefix", None),
    ("prefix", "a/../b"),
    ("prefix", "./"),
    ("prefix", "a\ud800"),
    ("presigned_expiry", timedelta(0)),
    ("presigned_expiry", timedelta(days=7, seconds=1)),
    ("presigned_expiry", 3600),
    ("use_ssl", 1),
    ("verify_ssl", None),
    ("max_pool_connections", 0),
    ("max_pool_connections", True),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_what_cannot_work_is_refused(name: str, value: Any) -> None:
    good: dict[str, Any] = {
        "bucket": "bucket", "access_key_id": "AKIDEXAMPLE", "secret_access_key": SECRET
    }  # fmt: skip
    config = S3Config(**{**good, name: value})
    with pytest.raises(ConfigurationError, match=name) as caught:
        S3Storage(config)
    assert isinstance(caught.value, StorageError)
    assert isinstance(caught.value, ValueError)
    assert "secret@" not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_session_token_without_keys() -> None:
    with pytest.raises(ConfigurationError, match="session_token"):
        S3Storage(S3Config("bucket", session_token="TOKEN"))
    with pytest.raises(ConfigurationError, match="config"):
        S3Storage("bucket")  # type: ignore[arg-type]  # the point


URLS: list[tuple[dict[str, Any], str]] = [
    ({}, "https://bucket.s3.us-east-1.amazonaws.com/key?"),
    ({"region": "eu-west-1"}, "https://bucket.s3.eu-west-1.amazonaws.com/key?"),
    ({"use_ssl": False}, "http://bucket.s3.us-east-1.amazonaws.com/key?"),
    ({"endpoint_url": "localhost:9000"}, "https://localhost:9000/bucket/key?"),
    ({"endpoint_url": "localhost:9000", "use_ssl": False}, "http://localhost:9000/bucket/key?"),
    ({"endpoint_url": "https://h", "use_ssl": False}, "https://h/bucket/key?"),
    ({"endpoint_url": "http://h", "use_ssl": True}, "http://h/bucket/key?"),
    ({"endpoint_url": "http://h", "bucket": "Old_Bucket"}, "http://h/Old_Bucket/key?"),
    (
        {"endpoint_url": "https://nyc3.digitaloceanspaces.com", "region": "nyc3"},
        "https://nyc3.digitaloceanspaces.com/bucket/key?",
    ),
]


@pytest.mark.parametrize(("given", "begins"), URLS)
async def test_where_it_is(given: dict[str, Any], begins: str) -> None:
    """No request is needed for a link."""
    keys = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": SECRET}
    expiry = timedelta(hours=6)
    async with S3Storage(
        S3Config(**{"bucket": "bucket", **keys, "presigned_expiry": expiry, **given})
    ) as storage:
        link = await storage.url("key")
    assert link.startswith(begins)
    assert "X-Amz-Expires=21600" in link
    assert SECRET not in link


async def test_keys_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    async with S3Storage(S3Config("bucket", "us-east-1")) as storage:
        assert "AKIDENVIRONMENT" in await storage.url("key")


@pytest.mark.parametrize("use_ssl", [True, False])
async def test_the_region_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, use_ssl: bool
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    config = S3Config("bucket", None, None, "AKIDEXAMPLE", SECRET, use_ssl=use_ssl)
    async with S3Storage(config) as storage:
        link = await storage.url("key")
    scheme = "https" if use_ssl else "http"
    assert link.startswith(f"{scheme}://bucket.s3.eu-west-3.amazonaws.com/key?")
    assert "eu-west-3%2Fs3" in link


# --- opening and closing


async def test_a_closed_storage_refuses_further_use(scripted: StartScript) -> None:
    storage = storage_at(await scripted(THERE))
    await storage.info("key")
    upload = MultipartUpload("id", "key", [(1, "e")])
    await storage.close()
    await storage.close()
    for call in (
        storage.put("key", b""), storage.put_large("key", b""), storage.get_bytes("key"),
        anext(storage.get("key")), anext(storage.list()), anext(storage.list(limit=0)),
        storage.delete("key"), storage.exists("key"), storage.info("key"), storage.url("key"),
        storage.copy("key", "b"), storage.move("key", "b"), storage.start_multipart_upload("key"),
        storage.resume_multipart_upload("key", "id"), storage.upload_part(upload, 1, b""),
        storage.complete_multipart_upload(upload), storage.abort_multipart_upload(upload),
        storage.__aenter__(),
    ):  # fmt: skip
        with pytest.raises(StorageError, match="the storage is closed"):
            await call


async def test_one_that_was_never_used_closes_too(scripted: StartScript) -> None:
    storage = storage_at(await scripted())
    await storage.close()
    with pytest.raises(StorageError, match="closed"):
        await storage.exists("key")


async def test_closed_in_the_middle(scripted: StartScript) -> None:
    async def slow() -> AsyncIterator[bytes]:
        await storage.close()
        yield b"data"

    storage = storage_at(await scripted())
    with pytest.raises(StorageError, match="closed meanwhile"):
        await storage.put("key", slow())


async def test_closed_while_calls_wait_for_a_connection(scripted: StartScript) -> None:
    """They fail, and are not cancelled: nobody asked for that."""
    server = await scripted(rest=hang())
    storage = storage_at(server, max_pool_connections=1)
    calls = [
        asyncio.create_task(call)
        for call in (
            storage.info("key"), storage.exists("key"), storage.put("key", b"data"),
            storage.get_bytes("key"), anext(storage.list()), storage.copy("key", "other"),
            storage.put_large("key", bytes(11 << 20), part_size=5 << 20), anext(storage.get("key")),
        )
    ]  # fmt: skip
    await server.wait_for(1)
    await asyncio.sleep(0.05)
    calls[1].cancel()
    await storage.close()
    for number, ended in enumerate(await asyncio.gather(*calls, return_exceptions=True)):
        assert type(ended) is (asyncio.CancelledError if number == 1 else StorageError), ended
        assert number == 1 or "closed meanwhile" in str(ended)


async def test_first_uses_at_once_open_it_once(
    scripted: StartScript, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[aiohttp.ClientSession] = []
    begin = aiohttp.ClientSession.__init__

    def counted(self: aiohttp.ClientSession, *args: Any, **options: Any) -> None:
        opened.append(self)
        begin(self, *args, **options)

    server = await scripted(rest=THERE)
    storage = storage_at(server)
    monkeypatch.setattr(aiohttp.ClientSession, "__init__", counted)
    async with storage:
        await asyncio.gather(*(storage.info("key") for _ in range(20)))
    assert len(opened) == 1
    assert opened[0].closed


def test_it_may_be_made_outside_of_any_loop(embedded: RunningServer, embedded_bucket: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        storage = S3Storage(settings(embedded, embedded_bucket))

    async def use() -> bytes:
        async with storage:
            await storage.put("key", b"data")
            return await storage.get_bytes("key")

    assert asyncio.run(use()) == b"data"


def test_another_loop_is_told(embedded: RunningServer, embedded_bucket: str) -> None:
    storage = S3Storage(settings(embedded, embedded_bucket))
    with asyncio.Runner() as one, asyncio.Runner() as other:
        assert one.run(storage.exists("key")) is False
        with pytest.raises(StorageError, match="another event loop"):
            other.run(storage.exists("key"))
        one.run(storage.close())


async def test_the_number_of_connections(scripted: StartScript) -> None:
    server = await scripted(rest=reply(200, {"Content-Length": "4"}, delay=0.02))
    async with storage_at(server, max_pool_connections=3) as storage:
        await asyncio.gather(*(storage.info("key") for _ in range(12)))
    assert server.connections == 3


# --- TLS


@pytest.fixture
async def secure(scripted: StartScript, loopback_tls: LoopbackTls) -> ScriptedServer:
    return await scripted(rest=THERE, ssl_context=loopback_tls.server)


async def test_unknown_authorities_are_refused(secure: ScriptedServer) -> None:
    async with storage_at(secure) as storage:
        with pytest.raises(StorageConnectionError, match=r"(?i)certificate"):
            await storage.info("key")


async def test_verify_ssl_false(secure: ScriptedServer) -> None:
    async with storage_at(secure, verify_ssl=False) as storage:
        assert (await storage.info("key")).size == 4


async def test_a_context_of_ones_own(secure: ScriptedServer, loopback_tls: LoopbackTls) -> None:
    async with storage_at(secure, verify_ssl=loopback_tls.client) as storage:
        assert (await storage.info("key")).size == 4


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("as_text", [True, False])
async def test_p1_a_bundle_is_read_in_a_thread(
    scripted: StartScript, tmp_path: Path, as_text: bool
) -> None:
    """P1: a disk may make it wait. This file is silent until the loop has gone on, and can be
    read once only, whoever comes meanwhile."""
    import trustme

    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = await scripted(rest=THERE, ssl_context=context)
    path = tmp_path / "authority.pem"
    os.mkfifo(path)
    async with storage_at(server, verify_ssl=str(path) if as_text else path) as storage:
        asking = asyncio.gather(storage.info("key"), storage.info("key"))
        await asyncio.sleep(0.05)
        assert not asking.done()
        await asyncio.to_thread(authority.cert_pem.write_to_path, str(path))
        assert [found.size for found in await asking] == [4, 4]


async def test_a_bundle_that_cannot_be_read(scripted: StartScript, tmp_path: Path) -> None:
    server = await scripted()
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    for path in (tmp_path / "none.pem", empty):
        async with storage_at(server, verify_ssl=path) as storage:
            with pytest.raises(ConfigurationError, match="verify_ssl") as caught:
                await storage.info("key")
        assert str(path) in str(caught.value)


async def test_cancelled_while_it_opens(scripted: StartScript, tmp_path: Path) -> None:
    """The next use opens it."""
    server = await scripted(THERE)
    storage = storage_at(server, verify_ssl=ssl.get_default_verify_paths().openssl_cafile)
    if not Path(str(storage.config.verify_ssl)).is_file():
        pytest.skip("this system keeps its authorities elsewhere")
    first = asyncio.create_task(storage.info("key"))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    async with storage:
        assert (await storage.info("key")).size == 4


async def test_cancellation_passes(scripted: StartScript) -> None:
    server = await scripted(hang())
    async with storage_at(server) as storage:
        asking = asyncio.create_task(storage.info("key"))
        await server.wait_for(1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
