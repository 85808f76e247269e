"""Objects stored, read and deleted through a session, against every server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from aiohttp_s3_client import ClientConfig
from aiohttp_s3_client.errors import (
    AccessDenied,
    AwsError,
    DeleteFailed,
    NoSuchBucket,
    NotFound,
    S3ConnectionError,
)
from aiohttp_s3_client.session import S3Session
from tests.behaviour.material import MIB, noise
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer
from tests.servers.scripted import ScriptedServer, StartScript
from tests.servers.steps import drop, reply


def session_on(server: ScriptedServer, session: aiohttp.ClientSession) -> S3Session:
    return S3Session(server.url, "AKID", "very-secret", "us-east-1", session=session)


async def head(oracle: Oracle, bucket: str, key: str) -> dict[str, Any]:
    found = await asyncio.to_thread(oracle.head, bucket, key)
    assert found is not None
    return found


async def test_stored_read_and_deleted(s3: S3Session, bucket: str, oracle: Oracle) -> None:
    result = await s3.put_object(bucket, "path/to/file.txt", b"Hello, World!")
    assert (result.size, result.parts) == (13, None)
    assert await asyncio.to_thread(oracle.get, bucket, "path/to/file.txt") == b"Hello, World!"
    assert await s3.get_object(bucket, "path/to/file.txt") == b"Hello, World!"
    await s3.delete_object(bucket, "path/to/file.txt")
    assert await s3.get_object(bucket, "path/to/file.txt") is None
    await s3.delete_object(bucket, "path/to/file.txt")


async def test_with_parameters(
    s3: S3Session, server: RunningServer, bucket: str, oracle: Oracle
) -> None:
    server.need("metadata")
    await s3.put_object(
        bucket, "data.json", b'{"key": "value"}',
        content_type="application/json",
        content_disposition="attachment",
        content_language="de",
        cache_control="max-age=3600",
        metadata={"author": "me", "version": "1.0"},
    )  # fmt: skip
    found = await head(oracle, bucket, "data.json")
    assert found["ContentType"] == "application/json"
    assert found["ContentDisposition"] == "attachment"
    assert found["CacheControl"] == "max-age=3600"
    assert {name: found["Metadata"][name] for name in ("author", "version")} == {
        "author": "me", "version": "1.0"
    }  # fmt: skip


async def test_acl_and_tags(
    s3: S3Session, server: RunningServer, bucket: str, oracle: Oracle
) -> None:
    server.need("tagging", "acl")
    await s3.put_object(
        bucket, "tagged", b"", acl="private", tagging="env=production&team=analytics"
    )
    answer = await asyncio.to_thread(
        lambda: oracle.client.get_object_tagging(Bucket=bucket, Key="tagged")
    )
    tags = {each["Key"]: each["Value"] for each in answer["TagSet"]}
    assert tags == {"env": "production", "team": "analytics"}


async def test_files(s3: S3Session, bucket: str, oracle: Oracle, tmp_path: Path) -> None:
    file = tmp_path / "local.png"
    file.write_bytes(b"image")
    await s3.upload_file(bucket, file, "images/photo.png")
    await s3.upload_file(bucket, str(file), "images/text", content_type="text/x-mine")
    # What S3 says of an object that was sent without a type; nothing is guessed from the name.
    assert (await head(oracle, bucket, "images/photo.png"))["ContentType"] == "binary/octet-stream"
    assert (await head(oracle, bucket, "images/text"))["ContentType"] == "text/x-mine"
    assert await s3.get_object(bucket, "images/photo.png") == b"image"
    with pytest.raises(FileNotFoundError):
        await s3.upload_file(bucket, tmp_path / "missing", "images/photo.png")


async def test_large_bytes_go_in_one_request_and_come_back_in_ranges(
    s3: S3Session, bucket: str
) -> None:
    data = noise(9 * MIB)
    result = await s3.put_object(bucket, "large", memoryview(data), content_type="text/x-mine")
    assert (result.parts, result.size) == (None, len(data))
    assert await s3.get_object(bucket, "large") == data


async def test_many_deleted_at_once(s3: S3Session, server: RunningServer, bucket: str) -> None:
    server.need("delete_objects")
    names = ["file1.txt", "file2.txt", "file 3+&.txt"]
    for name in names:
        await s3.put_object(bucket, name, b"x")
    await s3.delete_objects(bucket, names[:2])
    assert [each["Key"] async for each in s3.list_files(bucket)] == names[2:]
    await s3.delete_objects(bucket, iter([*names, "never-there"]))
    assert [each async for each in s3.list_files(bucket)] == []
    await s3.delete_objects(bucket, [])


async def test_missing_bucket_is_no_missing_key(s3: S3Session, bucket: str) -> None:
    with pytest.raises(NoSuchBucket):
        await s3.get_object(f"{bucket}-not", "key")
    with pytest.raises(NoSuchBucket):
        await s3.put_object(f"{bucket}-not", "key", b"")


# --- scripted


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "AccessDenied", AccessDenied),
        (404, "NoSuchBucket", NoSuchBucket),
        (404, "", NotFound),
        (500, "InternalError", AwsError),
    ],
)
async def test_only_a_missing_key_is_none(
    scripted: StartScript,
    plain_session: aiohttp.ClientSession,
    status: int,
    code: str,
    error: type[Exception],
) -> None:
    body = f"<Error><Code>{code}</Code></Error>" if code else ""
    server = await scripted(rest=reply(status, {"Content-Type": "application/xml"}, body))
    with pytest.raises(error):
        await session_on(server, plain_session).get_object("bucket", "key")


async def test_deletion_that_is_refused(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    body = (
        "<DeleteResult><Deleted><Key>a</Key></Deleted>"
        "<Error><Key>b</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>"
    )
    server = await scripted(reply(200, {"Content-Type": "application/xml"}, body))
    s3 = session_on(server, plain_session)
    with pytest.raises(DeleteFailed, match=r"1 could not be .*'b' \(AccessDenied\)") as caught:
        await s3.delete_objects("bucket", ["a", "b"])
    assert (caught.value.failed, caught.value.deleted) == (1, 1)
    assert caught.value.errors[0].message == "no"
    assert len(server.requests) == 1


async def test_no_acl_unless_one_is_given(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(rest=reply(200, {"ETag": '"e"'}))
    s3 = session_on(server, plain_session)
    await s3.put_object("bucket", "key", b"")
    await s3.put_object("bucket", "key", b"", acl=None)
    await s3.put_object("bucket", "key", b"", acl="public-read")
    assert [request.header("x-amz-acl") for request in server.requests] == [
        None, None, "public-read"
    ]  # fmt: skip


async def test_header_of_an_upload_is_that_of_build_s3_headers(
    scripted: StartScript, plain_session: aiohttp.ClientSession
) -> None:
    server = await scripted(reply(200, {"ETag": '"e"'}))
    await session_on(server, plain_session).put_object(
        "bucket", "key", b"", metadata={"note": "Größe"}, storage_class="GLACIER_IR"
    )
    (request,) = server.requests
    assert request.header("x-amz-meta-note") == "=?UTF-8?B?R3LDtsOfZQ==?="
    assert request.header("x-amz-storage-class") == "GLACIER_IR"


@pytest.mark.parametrize("bad", ["line\nbreak", "zero\0"])
async def test_values_that_http_cannot_carry_are_not_sent(
    scripted: StartScript, plain_session: aiohttp.ClientSession, tmp_path: Path, bad: str
) -> None:
    server = await scripted()
    s3 = session_on(server, plain_session)
    (tmp_path / "file").write_bytes(b"x")

    async def stream() -> Any:
        yield b"x"

    with pytest.raises(ValueError, match=r"Metadata\['a'\] has a line break"):
        await s3.put_object("bucket", "key", b"", metadata={"a": bad})
    with pytest.raises(ValueError, match="ContentType has a line break"):
        await s3.upload_file("bucket", tmp_path / "file", "key", content_type=bad)
    with pytest.raises(ValueError, match="CacheControl has a line break"):
        await s3.file_upload("bucket", "key", stream(), cache_control=bad)
    with pytest.raises(ValueError, match="Tagging has a line break"):
        s3.multipart_upload("bucket", "key", tagging=bad)
    assert server.connections == 0


async def test_what_cannot_work_is_not_sent(
    scripted: StartScript, plain_session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    server = await scripted()
    s3 = session_on(server, plain_session)
    unknown: Any = {"content_typ": "text/plain"}
    for call in (
        s3.put_object("bucket", "key", b"", **unknown),
        s3.upload_file("bucket", tmp_path, "key", **unknown),
        s3.file_upload("bucket", "key", [], **unknown),
        s3.sync_directory("bucket", tmp_path, **unknown),
    ):
        with pytest.raises(TypeError, match="'content_typ' is neither"):
            await call
    with pytest.raises(TypeError, match="'content_typ' is neither"):
        s3.multipart_upload("bucket", "key", **unknown)
    with pytest.raises(TypeError, match="data must be bytes, not str"):
        await s3.put_object("bucket", "key", "text")  # type: ignore[arg-type]  # refused
    number: Any = 5
    with pytest.raises(TypeError, match="file must be a path, not 5"):
        await s3.upload_file("bucket", number, "key")
    with pytest.raises(TypeError, match="local_dir must be a path, not 5"):
        await s3.sync_directory("bucket", number)
    with pytest.raises(TypeError, match="index_document must be a str, not 5"):
        await s3.put_bucket_website("bucket", number)
    with pytest.raises(ValueError, match="error_document must not be empty"):
        await s3.put_bucket_website("bucket", error_document="")
    with pytest.raises(ValueError, match="key must not be empty"):
        await s3.delete_object("bucket", "")
    with pytest.raises(ValueError, match="'Bucket/x' is not a bucket name"):
        await s3.get_object("Bucket/x", "key")
    with pytest.raises(TypeError, match="keys must be an iterable of keys"):
        await s3.delete_objects("bucket", "key")
    with pytest.raises(TypeError, match="bucket is missing"):
        await s3.delete_object(None, "key")  # type: ignore[arg-type]  # refused
    assert server.connections == 0


# --- buckets


async def test_policy(s3: S3Session, server: RunningServer, bucket: str) -> None:
    server.need("policy")
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{bucket}/*",
            }
        ],
    }
    assert await s3.get_bucket_policy(bucket) is None
    await s3.put_bucket_policy(bucket, policy)
    assert await s3.get_bucket_policy(bucket) == policy
    await s3.delete_bucket_policy(bucket)
    await s3.put_bucket_policy(bucket, json.dumps(policy))
    assert await s3.get_bucket_policy(bucket) == policy
    await s3.delete_bucket_policy(bucket)
    assert await s3.get_bucket_policy(bucket) is None


async def test_website(s3: S3Session, server: RunningServer, bucket: str, oracle: Oracle) -> None:
    server.need("website")

    async def website() -> dict[str, Any]:
        found = await asyncio.to_thread(lambda: oracle.client.get_bucket_website(Bucket=bucket))
        return {name: found[name] for name in ("IndexDocument", "ErrorDocument") if name in found}

    await s3.put_bucket_website(bucket)
    assert await website() == {"IndexDocument": {"Suffix": "index.html"}}
    await s3.put_bucket_website(bucket, index_document="a.html", error_document="404.html")
    assert await website() == {
        "IndexDocument": {"Suffix": "a.html"}, "ErrorDocument": {"Key": "404.html"}
    }  # fmt: skip
    await s3.delete_bucket_website(bucket)
    await s3.delete_bucket_website(bucket)


async def test_emptied(s3: S3Session, server: RunningServer, bucket: str) -> None:
    server.need("delete_objects")
    for name in ("a", "b/c", "d"):
        await s3.put_object(bucket, name, b"x")
    deleted: list[str] = []
    assert await s3.empty_bucket(bucket, on_progress=deleted.append) == 3
    assert sorted(deleted) == ["a", "b/c", "d"]
    assert await s3.empty_bucket(bucket) == 0


async def test_emptied_of_versions_and_uploads(
    s3: S3Session, server: RunningServer, bucket: str, oracle: Oracle
) -> None:
    server.need("delete_objects", "versioning", "list_uploads")
    await asyncio.to_thread(
        lambda: oracle.client.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
        )
    )
    for data in (b"1", b"2"):
        await s3.put_object(bucket, "a", data)
    await s3.delete_object(bucket, "a")
    await asyncio.to_thread(
        lambda: oracle.client.create_multipart_upload(Bucket=bucket, Key="begun")
    )
    assert await s3.empty_bucket(bucket) == 0
    assert await s3.empty_bucket(bucket, versions=True, uploads=True) == 3
    assert await asyncio.to_thread(oracle.uploads, bucket) == []


async def test_reading_keeps_to_the_settings_number_of_attempts(scripted: StartScript) -> None:
    server = await scripted(rest=drop())
    once = ClientConfig(max_attempts=1)
    async with S3Session(server.url, "AKID", "secret", "us-east-1", config=once) as s3:
        with pytest.raises(S3ConnectionError):
            await s3.get_object("bucket", "key")
    assert len(server.requests) == 1
