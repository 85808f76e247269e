"""``sync_directory`` as the document shows it: what is called back, listed and kept.

How a sync itself works is tested with ``client.sync``.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from aiohttp_s3_client.errors import SyncError
from aiohttp_s3_client.models import SyncFailure
from aiohttp_s3_client.session import S3Session
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer
from tests.servers.scripted import StartScript

LONG_AGO = 1_600_000_000


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """A directory whose files are older than whatever is uploaded."""
    folder = tmp_path.resolve() / "local"
    for name in ("a.txt", "sub/b.txt"):
        file = folder / name
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(name)
        os.utime(file, (LONG_AGO, LONG_AGO))
    return folder


async def test_as_the_document_shows(
    s3: S3Session, server: RunningServer, bucket: str, oracle: Oracle, local: Path
) -> None:
    server.need("delete_objects")
    first = await s3.sync_directory(bucket, local, "remote/prefix")
    keys = ["remote/prefix/a.txt", "remote/prefix/sub/b.txt"]
    assert first == {"uploaded": keys, "deleted": [], "skipped": []}
    assert await asyncio.to_thread(oracle.get, bucket, keys[1]) == b"sub/b.txt"
    (local / "a.txt").write_text("of another size")
    os.utime(local / "a.txt", (LONG_AGO, LONG_AGO))
    await s3.put_object(bucket, "remote/prefix/old.txt", b"")
    await s3.put_object(bucket, "remote/prefixed.txt", b"")
    again = await s3.sync_directory(bucket, local, "remote/prefix/")
    assert again == {"uploaded": keys[:1], "deleted": [], "skipped": keys[1:]}
    told: list[tuple[object, ...]] = []
    last = await s3.sync_directory(
        bucket,
        local,
        "remote/prefix",
        delete=True,
        on_upload=lambda path, key: told.append(("uploaded", path, key)),
        on_delete=lambda key: told.append(("deleted", key)),
        on_skip=lambda path, key: told.append(("skipped", path, key)),
    )
    assert last == {
        "uploaded": [], "deleted": ["remote/prefix/old.txt"], "skipped": keys
    }  # fmt: skip
    assert sorted(told, key=repr) == [
        ("deleted", "remote/prefix/old.txt"),
        ("skipped", local / "a.txt", keys[0]),
        ("skipped", local / "sub/b.txt", keys[1]),
    ]
    assert await asyncio.to_thread(oracle.list_keys, bucket) == [*keys, "remote/prefixed.txt"]


async def test_parameters_are_those_of_the_uploads(
    s3: S3Session,
    server: RunningServer,
    bucket: str,
    oracle: Oracle,
    local: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And callbacks get absolute paths."""
    server.need("metadata")
    monkeypatch.chdir(local.parent)
    uploaded: list[tuple[Path, str]] = []

    async def on_upload(path: Path, key: str) -> None:
        await asyncio.sleep(0)
        uploaded.append((path, key))

    result = await s3.sync_directory(
        bucket, "local", exclude="sub/*", on_upload=on_upload, keep_lists=False,
        cache_control="max-age=86400",
    )  # fmt: skip
    assert result == {"uploaded": [], "deleted": [], "skipped": []}
    assert uploaded == [(local / "a.txt", "a.txt")]
    head = await asyncio.to_thread(oracle.head, bucket, "a.txt")
    assert head is not None
    assert (head["CacheControl"], head["ContentType"]) == ("max-age=86400", "text/plain")


async def test_dry_run_lists_and_does_nothing(s3: S3Session, bucket: str, local: Path) -> None:
    await s3.put_object(bucket, "pre/old.txt", b"x")
    skipped: list[str] = []
    result = await s3.sync_directory(
        bucket, local, "pre", delete=True, dry_run=True, include=["a*", "old*"],
        on_skip=lambda path, key: skipped.append(key),
    )  # fmt: skip
    assert result == {
        "uploaded": ["pre/a.txt"], "deleted": ["pre/old.txt"], "skipped": []
    }  # fmt: skip
    assert skipped == []
    deleted: list[str] = []
    nothing = await s3.sync_directory(
        bucket, local, "pre", delete=True, dry_run=True, keep_lists=False, on_delete=deleted.append
    )
    assert nothing == {"uploaded": [], "deleted": [], "skipped": []}
    assert deleted == ["pre/old.txt"]
    assert [each["Key"] async for each in s3.list_files(bucket)] == ["pre/old.txt"]


async def test_comparing_by_size_alone(s3: S3Session, bucket: str, local: Path) -> None:
    await s3.sync_directory(bucket, local)
    later = 4_000_000_000
    os.utime(local / "a.txt", (later, later))
    by_size = await s3.sync_directory(bucket, local, compare="size")
    assert by_size["uploaded"] == []
    by_time = await s3.sync_directory(bucket, local, "")
    assert by_time["uploaded"] == ["a.txt"]


async def test_failures_are_told_and_raised_at_the_end(
    s3: S3Session, bucket: str, local: Path
) -> None:
    name = "/".join(["d" * 250] * 4 + ["too-long-a-name-for-a-key"])
    (local / name).parent.mkdir(parents=True)
    (local / name).touch()
    failures: list[SyncFailure] = []
    uploaded: list[str] = []
    with pytest.raises(SyncError) as caught:
        await s3.sync_directory(
            bucket, local, on_error=failures.append, on_upload=lambda _, key: uploaded.append(key)
        )
    assert [failure.name for failure in failures] == [name]
    assert caught.value.report.transferred == 2
    assert sorted(uploaded) == ["a.txt", "sub/b.txt"]


async def test_links_without_a_file_are_no_failures(
    s3: S3Session, bucket: str, local: Path
) -> None:
    """Editors leave links to nothing; a link back into the tree adds no file to it."""
    for key in ("broken", "loop/old"):
        await s3.put_object(bucket, key, b"was there")
    (local / "broken").symlink_to("nowhere")
    (local / "loop").symlink_to(local, target_is_directory=True)
    done = await s3.sync_directory(bucket, local, delete=True)
    assert done == {"uploaded": ["a.txt", "sub/b.txt"], "deleted": [], "skipped": []}
    skipping = await s3.sync_directory(bucket, local, symlinks="skip")
    assert skipping["skipped"] == ["a.txt", "sub/b.txt"]


async def test_what_stands_for_the_prefix_goes_like_any_other(
    s3: S3Session, server: RunningServer, bucket: str, local: Path
) -> None:
    server.need("keys_verbatim")
    for key in ("m/", "m/old/", "m/old.txt"):
        await s3.put_object(bucket, key, b"")
    done = await s3.sync_directory(bucket, local, "m", delete=True)
    assert done["deleted"] == ["m/", "m/old.txt", "m/old/"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"bucket": "a/b"}, "'a/b' is not a bucket name"),
        ({"bucket": ""}, "'' is not a bucket name"),
        ({"remote_prefix": None}, "remote_prefix must be a str, not None"),
        ({"remote_prefix": "s3://bucket/x"}, "remote_prefix: 's3://bucket/x' is a URL"),
        ({"on_upload": 1}, "on_upload must be callable or None, not 1"),
        ({"on_error": 1}, "on_error must be callable or None, not 1"),
        ({"compare": "mtime"}, "compare must be one of time, size, checksum, not 'mtime'"),
        ({"symlinks": None}, "symlinks must be one of follow, skip, not None"),
        ({"metadata": {"a": "b\nc"}}, r"Metadata\['a'\] has a line break"),
    ],
)
async def test_what_cannot_work_is_not_sent(
    scripted: StartScript,
    plain_session: aiohttp.ClientSession,
    local: Path,
    arguments: dict[str, Any],
    problem: str,
) -> None:
    server = await scripted()
    s3 = S3Session(server.url, "AKID", "very-secret", "us-east-1", session=plain_session)
    with pytest.raises((TypeError, ValueError), match=problem):
        await s3.sync_directory(**{"bucket": "bucket", "local_dir": local, **arguments})
    with pytest.raises(FileNotFoundError):
        await s3.sync_directory("bucket", local / "missing")
    assert server.connections == 0
