"""Every function of the document's table, on a client's own session and on one that is given."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

import aiohttp_s3_client.session as module
from aiohttp_s3_client import S3Client
from aiohttp_s3_client.session import (
    S3Session,
    s3_delete_bucket_policy,
    s3_delete_bucket_website,
    s3_delete_object,
    s3_delete_objects,
    s3_download_file,
    s3_empty_bucket,
    s3_file_upload,
    s3_get_bucket_policy,
    s3_get_object,
    s3_list_files,
    s3_multipart_upload,
    s3_put_bucket_policy,
    s3_put_bucket_website,
    s3_put_object,
    s3_sync_directory,
    s3_upload_file,
)
from tests.behaviour.material import Traffic, client_for
from tests.conftest import running_server
from tests.servers.running import RunningServer

from .conftest import session_for

FUNCTIONS = {
    "s3_put_object", "s3_get_object", "s3_download_file", "s3_upload_file", "s3_delete_object",
    "s3_delete_objects", "s3_list_files", "s3_multipart_upload", "s3_file_upload",
    "s3_put_bucket_policy", "s3_get_bucket_policy", "s3_delete_bucket_policy",
    "s3_put_bucket_website", "s3_delete_bucket_website", "s3_empty_bucket", "s3_sync_directory",
    "build_s3_headers", "build_s3_presigned_params",
}  # fmt: skip
TYPES = {"S3ObjectParams", "S3Object", "SyncResult", "UploadPart", "OnDownloadStartFn"}


@pytest.fixture(scope="module")
def able(request: pytest.FixtureRequest) -> RunningServer:
    """moto, which knows policies and websites, over plain HTTP."""
    return running_server(request, "moto")


@pytest.fixture
def able_bucket(able: RunningServer) -> str:
    name = f"functions-{uuid4().hex[:16]}"
    able.oracle.create_bucket(name)
    return name


@pytest.fixture
async def own() -> AsyncIterator[tuple[aiohttp.ClientSession, Traffic]]:
    """The user's own session."""
    traffic = Traffic()
    async with aiohttp.ClientSession(trace_configs=[traffic.trace]) as session:
        yield session, traffic


async def use_all(
    client: S3Client | S3Session, http: aiohttp.ClientSession | None, bucket: str, folder: Path
) -> None:
    """Each function once or more, and what it did."""

    async def keys() -> list[str]:
        return [each["Key"] async for each in s3_list_files(client, http, bucket, "")]

    async def stream() -> AsyncIterator[bytes]:
        yield b"str"
        yield b"eamed"

    await s3_put_object(client, http, bucket, "key", b"data", content_type="text/x-mine")
    assert await s3_get_object(client, http, bucket, "key") == b"data"
    assert await s3_get_object(client, http, bucket, "missing") is None
    chunks = s3_download_file(client, http, bucket, "key", chunk_size=3)
    assert [chunk async for chunk in chunks] == [b"dat", b"a"]
    (folder / "file").write_bytes(b"file")
    await s3_upload_file(client, http, bucket, folder / "file", "file")
    await s3_file_upload(client, http, bucket, "stream", stream(), content_length="8")
    assert await s3_get_object(client, http, bucket, "stream") == b"streamed"
    async with s3_multipart_upload(client, http, bucket, "parts", expires_in=60) as upload:
        await upload.fetch_create()
        part = await upload.upload_part(b"part")
        assert part["PartNumber"] == 1
    assert await s3_get_object(client, http, bucket, "parts") == b"part"
    assert await keys() == ["file", "key", "parts", "stream"]
    await s3_delete_object(client, http, bucket, "key")
    await s3_delete_objects(client, http, bucket, ["file", "parts"])
    assert await keys() == ["stream"]
    result = await s3_sync_directory(client, http, bucket, folder, "to", cache_control="no-store")
    assert result == {"uploaded": ["to/file"], "deleted": [], "skipped": []}
    policy: dict[str, Any] = {"Version": "2012-10-17", "Statement": []}
    await s3_put_bucket_policy(client, http, bucket, json.dumps(policy))
    assert await s3_get_bucket_policy(client, http, bucket) == policy
    await s3_delete_bucket_policy(client, http, bucket)
    assert await s3_get_bucket_policy(client, http, bucket) is None
    await s3_put_bucket_website(client, http, bucket, "index.html", "404.html")
    await s3_delete_bucket_website(client, http, bucket)
    assert await s3_empty_bucket(client, http, bucket) == 2


@pytest.mark.parametrize("of", [client_for, session_for])
async def test_on_the_clients_session(
    able: RunningServer, able_bucket: str, tmp_path: Path, own: Any, of: Any
) -> None:
    session, traffic = own
    await use_all(of(able, session), None, able_bucket, tmp_path)
    assert len(traffic.requests) > 20
    assert not session.closed


@pytest.mark.parametrize("of", [client_for, session_for])
async def test_on_a_session_of_the_callers(
    able: RunningServer, able_bucket: str, tmp_path: Path, own: Any, of: Any
) -> None:
    """The client need not even be entered."""
    session, traffic = own
    await use_all(of(able, None), session, able_bucket, tmp_path)
    assert len(traffic.requests) > 20
    assert not session.closed


async def test_callers_session_is_used_beside_the_clients(
    embedded: RunningServer, embedded_bucket: str, own: Any
) -> None:
    session, traffic = own
    async with session_for(embedded) as s3:
        await s3_put_object(s3, session, embedded_bucket, "key", b"data")
        assert len(traffic.requests) == 1
        assert await s3_get_object(s3, None, embedded_bucket, "key") == b"data"
        assert len(traffic.requests) == 1
        assert await s3.get_object(embedded_bucket, "key") == b"data"
        assert len(traffic.requests) == 1


def test_all_names_of_the_document_are_there() -> None:
    assert set(module.__all__) == {*FUNCTIONS, *TYPES, "S3Session", "S3MultipartUpload"}
    for name in module.__all__:
        assert hasattr(module, name)


@pytest.mark.parametrize("name", sorted(name for name in FUNCTIONS if name.startswith("s3_")))
def test_functions_and_methods_take_the_same(name: str) -> None:
    """Names, order, kinds and defaults."""
    function = inspect.signature(getattr(module, name))
    method = inspect.signature(getattr(S3Session, name.removeprefix("s3_")))
    client, http, *of_function = function.parameters.values()
    assert (client.name, http.name) == ("client", "http")
    assert of_function == list(method.parameters.values())[1:]
    assert function.return_annotation == method.return_annotation
