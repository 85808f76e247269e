"""Input that is odd and plausible: it works, or it is refused before anything is lost."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath
from typing import Any

import aiohttp
import pytest
from yarl import URL

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.protocol.base_url import resolve_base_url

from ..servers.scripted import StartScript
from ..servers.steps import reply
from ..transport.scripts import client_for


@pytest.mark.parametrize(
    ("name", "path"),
    [("k", "/k"), ("/k", "/k"), ("//k", "//k"), ("//a/b", "//a/b"), ("a/b", "/a/b"), ("a/", "/a/")],
)
def test_p13_slashes_on_a_host_that_may_hold_the_bucket(name: str, path: str) -> None:
    endpoint = resolve_base_url("http://bucket.example.com")
    assert endpoint.address(*endpoint.locate(name)).path == path


async def test_an_empty_bucket_is_not_passed_over(scripted: StartScript) -> None:
    server = await scripted()
    async with client_for(server) as client:
        with pytest.raises(ValueError, match="bucket: ''"):
            client.get("//bucket/key")


async def test_an_empty_key_deletes_no_bucket() -> None:
    async with S3Client(url="http://s3.example.com") as client:
        with pytest.raises(ValueError, match="may be a bucket's name"):
            client.delete("bucket/")


async def test_a_verb_can_become_a_task(scripted: StartScript) -> None:
    server = await scripted(reply(200), reply(200))
    async with client_for(server) as client, asyncio.TaskGroup() as group:
        tasks = [group.create_task(client.get("bucket/key")) for _ in range(2)]
    assert [task.result().status for task in tasks] == [200, 200]


async def test_a_verb_that_is_given_up_sends_nothing(scripted: StartScript) -> None:
    server = await scripted()
    async with client_for(server) as client:
        client.get("bucket/key").close()
    assert not server.requests


async def test_p02_a_raise_for_status_of_the_users_that_fails_frees_the_connection(
    scripted: StartScript,
) -> None:
    async def fail(_: aiohttp.ClientResponse) -> None:
        raise KeyError("theirs")

    server = await scripted(reply(200, {}, bytes(1_000_000)), reply(200))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        client = client_for(server, session)
        with pytest.raises(KeyError) as caught:
            await client.get("bucket/key", raise_for_status=fail)
        async with asyncio.timeout(2), client.get("bucket/key") as response:
            assert response.status == 200
        assert caught.value is not None


async def test_p08_a_closed_session_takes_nothing_from_the_data(scripted: StartScript) -> None:
    taken: list[bytes] = []

    async def data() -> AsyncIterator[bytes]:
        taken.append(b"x")
        yield b"x"

    server = await scripted()
    session = aiohttp.ClientSession()
    await session.close()
    with pytest.raises(RuntimeError, match="closed"):
        await client_for(server, session).put("bucket/key", data())
    assert not taken


@pytest.mark.parametrize(
    "data",
    [None, PurePosixPath("file"), {"a": b"b"}, 42, memoryview(b"abcdef")[::2]],
    ids=["nothing", "pure path", "mapping", "number", "view with gaps"],
)
async def test_what_is_no_data_is_refused(scripted: StartScript, data: Any) -> None:
    server = await scripted()
    async with client_for(server) as client:
        with pytest.raises((TypeError, ValueError), match="data"):
            await client.put("bucket/key", data)


async def test_parts_are_bytes(scripted: StartScript) -> None:
    server = await scripted()
    async with client_for(server) as client:
        odd: Any = Path("file")
        with pytest.raises(TypeError, match="put_part"):
            await client.multipart_upload("bucket/key").put_part(odd)
        with pytest.raises(TypeError, match="data"):
            await client.put_multipart("bucket/key", odd)
        with pytest.raises(ValueError, match="calculate_content_sha256"):
            await client.put_multipart("bucket/key", [b""], calculate_content_sha256=odd)
        with pytest.raises(TypeError, match="params"):
            client.get("bucket/key", params="versionId=3")


def test_a_config_is_a_client_config() -> None:
    odd: Any = {"s3": {}}
    with pytest.raises(TypeError, match="config must be a ClientConfig, not dict"):
        S3Client(url="http://127.0.0.1", config=odd)


@pytest.mark.parametrize(
    ("url", "path", "query"),
    [
        (URL("/bucket/a%20b", encoded=True), "/bucket/a%20b", ""),
        (URL("/bucket/key?versionId=3"), "/bucket/key", "versionId=3"),
    ],
)
def test_p14_a_relative_url_is_joined_to_the_clients(url: URL, path: str, query: str) -> None:
    client = S3Client(url="http://127.0.0.1:1", access_key_id="key", secret_access_key="secret")
    link = client.presign_url("GET", url)
    assert (link.raw_path, link.host, link.port) == (path, "127.0.0.1", 1)
    assert link.raw_query_string.startswith(query)


@pytest.mark.skipif(os.name != "posix", reason="links and pipes are made as POSIX makes them")
async def test_a_download_follows_a_link_and_replaces_no_pipe(
    scripted: StartScript, tmp_path: Path
) -> None:
    headers = {"ETag": '"e"', "Content-Range": "bytes 0-3/4"}
    server = await scripted(reply(206, headers, b"data"))
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to("target")
    os.mkfifo(tmp_path / "pipe")
    async with client_for(server) as client:
        await client.get_file_parallel("bucket/key", tmp_path / "link")
        with pytest.raises(FileExistsError, match="no regular file"):
            await client.get_file_parallel("bucket/key", tmp_path / "pipe")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"data"


async def test_a_long_name_of_many_bytes(scripted: StartScript, tmp_path: Path) -> None:
    headers = {"ETag": '"e"', "Content-Range": "bytes 0-3/4"}
    server = await scripted(reply(206, headers, b"data"))
    async with client_for(server) as client:
        await client.get_file_parallel("bucket/key", tmp_path / ("日" * 80))
    assert (tmp_path / ("日" * 80)).read_bytes() == b"data"
