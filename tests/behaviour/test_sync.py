"""Directories and prefixes made alike, in each direction."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.config import TransferConfig
from aiohttp_s3_client.errors import NoSuchBucket, SyncError
from aiohttp_s3_client.models import SyncFailure, SyncItem, SyncReport
from aiohttp_s3_client.transfer.journal import (
    download_journal_path,
    download_part_path,
    upload_journal_path,
)
from aiohttp_s3_client.transport.sink import _beside
from tests.project.test_blocking import watched
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer

from .material import MIB, PART, Traffic, client_for, left_over, noise, open_session

Tree = dict[str, bytes]

TREE: Tree = {
    "a.txt": b"a text",
    "a/b": b"sorts behind a.txt",
    "a/b.html": b"<p>",
    "deep/er/and/deeper": b"x" * 1000,
    "empty": b"",
    "ünï/日本 +%.txt": "ü".encode(),
}
IN_PARTS = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=3)
LONG_AGO = 1_600_000_000


def write_tree(root: Path, files: Tree, when: float = LONG_AGO) -> Path:
    """*files* below *root*, all of the same age."""
    root.mkdir(exist_ok=True)
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (when, when))
    return root


def read_tree(root: Path) -> Tree:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def folders(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_dir())


async def put_tree(oracle: Oracle, bucket: str, prefix: str, files: Tree) -> None:
    for name, data in files.items():
        await asyncio.to_thread(oracle.put, bucket, prefix + name, data)


async def get_tree(oracle: Oracle, bucket: str, prefix: str = "") -> Tree:
    keys = await asyncio.to_thread(oracle.list_keys, bucket, prefix)
    return {
        key.removeprefix(prefix): await asyncio.to_thread(oracle.get, bucket, key) for key in keys
    }


class Told:
    """What the callbacks were told, by name."""

    def __init__(self) -> None:
        self.items: dict[str, list[SyncItem]] = {"transfer": [], "delete": [], "skip": []}
        self.failures: list[SyncFailure] = []

    @property
    def callbacks(self) -> dict[str, Any]:
        how = {f"on_{what}": items.append for what, items in self.items.items()}
        return {**how, "on_error": self.failures.append}

    def names(self, what: str) -> list[str]:
        return sorted(item.name for item in self.items[what])


# --- every server


async def test_up(
    client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path, server: RunningServer
) -> None:
    root, target = write_tree(tmp_path / "root", TREE), f"s3://{bucket}/some/where"
    await put_tree(oracle, bucket, "", {"some/where.txt": b"beside", "other/file": b"elsewhere"})

    assert await client.sync(root, target) == SyncReport(len(TREE), 0, 0, 0)
    assert await get_tree(oracle, bucket, "some/where/") == TREE
    head = await asyncio.to_thread(oracle.head, bucket, "some/where/a/b.html")
    assert head is not None
    assert head["ContentType"] == "text/html"

    told = Told()
    again = await client.sync(root, f"{target}/", **told.callbacks)
    assert again == SyncReport(0, 0, len(TREE), 0)
    assert told.names("skip") == sorted(TREE)

    (root / "a.txt").write_bytes(b"longer than it was")
    os.utime(root / "a.txt", (1, 1))
    (root / "a/b.html").write_bytes(b"<q>")
    os.utime(root / "a/b.html", (time.time() + 3600, time.time() + 3600))
    (root / "deep/er/and/deeper").unlink()
    told = Told()
    report = await client.sync(root, target, delete=True, **told.callbacks)
    assert report == SyncReport(2, 1, len(TREE) - 3, 0)
    assert await get_tree(oracle, bucket, "some/where/") == read_tree(root)
    assert told.names("transfer") == ["a.txt", "a/b.html"]
    prefix = bucket.partition("/")[2] + "/" if "/" in bucket else ""
    key = f"{prefix}some/where/deep/er/and/deeper"
    assert told.items["delete"] == [SyncItem("deep/er/and/deeper", None, key, 1000)]
    assert set(await get_tree(oracle, bucket)) >= {"some/where.txt", "other/file"}


async def test_down(client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path) -> None:
    await put_tree(oracle, bucket, "from/", TREE)
    root, source = tmp_path / "not" / "there yet", f"s3://{bucket}/from"

    assert await client.sync(source, root) == SyncReport(len(TREE), 0, 0, 0)
    assert read_tree(root) == TREE
    head = await asyncio.to_thread(oracle.head, bucket, "from/a/b")
    assert head is not None
    assert int((root / "a/b").stat().st_mtime) == int(head["LastModified"].timestamp())
    assert await client.sync(source, root) == SyncReport(0, 0, len(TREE), 0)

    # Older than the object, of another size, deleted, and two that are too many.
    os.utime(root / "a.txt", (1, 1))
    (root / "a/b").write_bytes(b"?")
    (root / "empty").unlink()
    write_tree(root, {"a/more": b"+", "too/many/folders/file": b"+"})
    told = Told()
    report = await client.sync(source, root, delete=True, **told.callbacks)
    assert report == SyncReport(3, 2, len(TREE) - 3, 0)
    assert read_tree(root) == TREE
    assert folders(root) == ["a", "deep", "deep/er", "deep/er/and", "ünï"]
    assert told.names("transfer") == ["a.txt", "a/b", "empty"]
    assert told.items["delete"][0] == SyncItem("a/more", None, root / "a/more", 1)


async def test_across(client: S3Client, bucket: str, oracle: Oracle) -> None:
    await put_tree(oracle, bucket, "from/", TREE)
    await put_tree(oracle, bucket, "to/", {"a.txt": b"another size", "old/file": b"goes"})
    source, target = f"s3://{bucket}/from", f"s3://{bucket}/to"

    report = await client.sync(source, target, delete=True)
    assert report == SyncReport(len(TREE), 1, 0, 0)
    assert await get_tree(oracle, bucket, "to/") == TREE
    assert await client.sync(source, target) == SyncReport(0, 0, len(TREE), 0)
    assert await client.sync(source, target, compare="checksum") == SyncReport(0, 0, len(TREE), 0)

    # The same size, and no newer than the copy.
    await put_tree(oracle, bucket, "to/", {"a/b": TREE["a/b"].upper()})
    assert await client.sync(source, target, compare="size") == SyncReport(0, 0, len(TREE), 0)
    by_content = await client.sync(source, target, compare="checksum")
    assert by_content == SyncReport(1, 0, len(TREE) - 1, 0)
    assert await get_tree(oracle, bucket, "to/") == TREE


async def test_content_is_compared(
    client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    """What was uploaded in parts too, and whatever the times say."""
    files = {"large": noise(PART + MIB), "small": noise(1000)}
    root, target = write_tree(tmp_path / "root", files), f"s3://{bucket}/x"
    how: dict[str, Any] = {"config": IN_PARTS, "compare": "checksum"}

    assert await client.sync(root, target, **how) == SyncReport(2, 0, 0, 0)
    for when in (1, time.time() + 3600):
        write_tree(root, files, when)
        assert await client.sync(root, target, **how) == SyncReport(0, 0, 2, 0)
        assert await client.sync(target, root, **how) == SyncReport(0, 0, 2, 0)

    changed = {"large": noise(PART + MIB, seed=1), "small": noise(1000, seed=1)}
    write_tree(root, changed, 1)
    assert await client.sync(root, target) == SyncReport(0, 0, 2, 0)
    assert await client.sync(root, target, **how) == SyncReport(2, 0, 0, 0)
    assert await get_tree(oracle, bucket, "x/") == changed
    write_tree(root, files, time.time() + 3600)
    assert await client.sync(target, root, **how) == SyncReport(2, 0, 0, 0)
    assert read_tree(root) == changed


async def test_a_dry_run(client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path) -> None:
    root, there = write_tree(tmp_path / "root", {"a": b"1", "b": b"2"}), f"s3://{bucket}/x"
    kept = {"a": b"1", "c/d": b"3"}
    await put_tree(oracle, bucket, "x/", kept)
    how: dict[str, Any] = {"delete": True, "compare": "size"}

    for source, target in ((root, there), (there, root)):
        told = Told()
        report = await client.sync(source, target, dry_run=True, **how, **told.callbacks)
        assert report == SyncReport(1, 1, 1, 0)
        assert told.names("skip") == ["a"]
        assert told.names("transfer") + told.names("delete") in (["b", "c/d"], ["c/d", "b"])
        assert await get_tree(oracle, bucket, "x/") == kept
        assert read_tree(root) == {"a": b"1", "b": b"2"}
    nowhere = tmp_path / "nowhere"
    assert await client.sync(there, nowhere, dry_run=True) == SyncReport(2, 0, 0, 0)
    assert not nowhere.exists()
    assert await client.sync(there, root, **how) == SyncReport(1, 1, 1, 0)
    assert read_tree(root) == kept


async def test_a_bucket_that_is_missing(client: S3Client, tmp_path: Path) -> None:
    """Nothing is deleted for it."""
    root = write_tree(tmp_path / "root", TREE)
    with pytest.raises(NoSuchBucket):
        await client.sync("s3://there-is-no-such-bucket-1", root, delete=True)
    with pytest.raises(NoSuchBucket):
        await client.sync(root, "s3://there-is-no-such-bucket-1", delete=True)
    assert read_tree(root) == TREE


# --- one server


async def test_a_whole_bucket_and_an_empty_source(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    root = write_tree(tmp_path / "root", TREE)
    target = f"s3://{embedded_bucket}"
    assert await embedded_client.sync(root, target) == SyncReport(len(TREE), 0, 0, 0)
    assert await get_tree(embedded.oracle, embedded_bucket) == TREE
    empty = tmp_path / "empty"
    empty.mkdir()
    assert await embedded_client.sync(empty, target) == SyncReport(0, 0, 0, 0)
    deleted = await embedded_client.sync(empty, f"{target}/", delete=True)
    assert deleted == SyncReport(0, len(TREE), 0, 0)
    assert await get_tree(embedded.oracle, embedded_bucket) == {}
    # A prefix without objects is an empty source; the directory itself stays.
    assert await embedded_client.sync(target, root, delete=True) == SyncReport(0, len(TREE), 0, 0)
    assert list(root.iterdir()) == []


async def test_many_small_files(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    files = {f"{n % 7}/{n % 13}/{n}": str(n).encode() for n in range(150)}
    root, there = write_tree(tmp_path / "root", files), f"s3://{embedded_bucket}/x"
    assert await embedded_client.sync(root, there) == SyncReport(150, 0, 0, 0)
    assert await embedded_client.sync(there, tmp_path / "copy") == SyncReport(150, 0, 0, 0)
    assert read_tree(tmp_path / "copy") == files
    across = await embedded_client.sync(there, f"s3://{embedded_bucket}/y")
    assert across == SyncReport(150, 0, 0, 0)


async def test_all_files_share_the_bandwidth(
    embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    """Those too that are done before they would have to wait."""
    root = write_tree(tmp_path / "root", {str(number): bytes(20_000) for number in range(12)})
    there = f"s3://{embedded_bucket}/x"
    config = TransferConfig(max_bandwidth=400_000)
    for source, target in ((root, there), (there, tmp_path / "copy")):
        begun = time.monotonic()
        assert await embedded_client.sync(source, target, config=config) == SyncReport(12, 0, 0, 0)
        # All but the last one are paid for when it begins, less what a throttle gives in advance.
        assert time.monotonic() - begun > 11 * 20_000 / 400_000 - 0.1


async def test_more_deletions_than_one_request_takes(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    files = {f"{number:04}": b"" for number in range(1005)}
    root, there = write_tree(tmp_path / "root", files), f"s3://{embedded_bucket}/x"
    await embedded_client.sync(root, there)
    for name in list(files)[2:]:
        (root / name).unlink()
    async with open_session(embedded) as session:
        report = await client_for(embedded, session).sync(root, there, delete=True)
    assert report == SyncReport(0, 1003, 2, 0)
    assert await get_tree(embedded.oracle, embedded_bucket) == {"x/0000": b"", "x/0001": b""}


async def test_globs(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    """What is left out is neither transferred nor deleted, on either side."""
    root, there = write_tree(tmp_path / "root", TREE), f"s3://{embedded_bucket}/x"
    await put_tree(embedded.oracle, embedded_bucket, "x/", {"old.txt": b"", "old.bin": b""})
    report = await embedded_client.sync(
        root, there, include=["*.txt", "a/*"], exclude="*.html", delete=True
    )
    assert report == SyncReport(3, 1, 0, 0)
    found = await get_tree(embedded.oracle, embedded_bucket, "x/")
    assert set(found) == {"a.txt", "a/b", "ünï/日本 +%.txt", "old.bin"}
    await embedded_client.sync(there, root, exclude=["deep/*", "*.txt", "empty"], delete=True)
    assert set(read_tree(root)) == {
        "a.txt", "a/b", "deep/er/and/deeper", "empty", "old.bin", "ünï/日本 +%.txt",
    }  # fmt: skip


async def test_extra_args(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    root = write_tree(tmp_path / "root", {"a.txt": b"", "b.html": b"", "c": b""})
    extra = {"ContentType": "x/y", "CacheControl": "max-age=5"}
    await embedded_client.sync(root, f"s3://{embedded_bucket}/given", extra_args=extra)
    await embedded_client.sync(root, f"s3://{embedded_bucket}/guessed")
    for name, guessed in (
        ("a.txt", "text/plain"),
        ("b.html", "text/html"),
        ("c", "application/octet-stream"),
    ):
        head = await asyncio.to_thread(embedded.oracle.head, embedded_bucket, f"given/{name}")
        assert head is not None
        assert (head["ContentType"], head["CacheControl"]) == ("x/y", "max-age=5")
        head = await asyncio.to_thread(embedded.oracle.head, embedded_bucket, f"guessed/{name}")
        assert head is not None
        assert head["ContentType"] == guessed


async def test_a_bound_client(
    embedded: RunningServer, plain_session: Any, embedded_bucket: str, tmp_path: Path
) -> None:
    """Keys are relative to the client's URL, in the callbacks too."""
    client = client_for(embedded, plain_session, url=f"{embedded.url}/{embedded_bucket}/base")
    root, told = write_tree(tmp_path / "root", {"a/b": b"1"}), Told()
    await put_tree(embedded.oracle, embedded_bucket, "base/x/", {"old": b""})
    there = f"s3://{embedded_bucket}/x"
    report = await client.sync(root, there, delete=True, **told.callbacks)
    assert report == SyncReport(1, 1, 0, 0)
    assert await get_tree(embedded.oracle, embedded_bucket) == {"base/x/a/b": b"1"}
    assert told.items["transfer"] == [SyncItem("a/b", root / "a/b", "x/a/b", 1)]
    assert told.items["delete"] == [SyncItem("old", None, "x/old", 0)]
    await client.sync(there, tmp_path / "copy")
    assert read_tree(tmp_path / "copy") == {"a/b": b"1"}
    with pytest.raises(ValueError, match="destination: 's3://other-bucket'"):
        await client.sync(root, "s3://other-bucket")


async def test_a_source_client(
    embedded: RunningServer, plain_session: Any, embedded_bucket: str
) -> None:
    """It lists, and is asked about what is copied."""
    bound = client_for(embedded, plain_session, url=f"{embedded.url}/{embedded_bucket}/base")
    client = client_for(embedded, plain_session)
    await put_tree(embedded.oracle, embedded_bucket, "base/x/", {"a/b": b"1"})
    report = await client.sync(
        f"s3://{embedded_bucket}/x", f"s3://{embedded_bucket}/y", source_client=bound
    )
    assert report == SyncReport(1, 0, 0, 0)
    assert await get_tree(embedded.oracle, embedded_bucket, "y/") == {"a/b": b"1"}


# --- callbacks and errors


async def test_callbacks_are_called_one_at_a_time(
    embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    root = write_tree(tmp_path / "root", {str(number): b"" for number in range(30)})
    inside, told = 0, 0

    async def slow(item: SyncItem) -> None:
        nonlocal inside, told
        inside += 1
        assert inside == 1
        await asyncio.sleep(0.001)
        inside, told = inside - 1, told + 1

    there = f"s3://{embedded_bucket}/x"
    await embedded_client.sync(root, there, on_transfer=slow, on_skip=slow)
    await embedded_client.sync(root, there, on_transfer=slow, on_skip=slow)
    assert told == 60


def too_long(letter: str) -> str:
    """The name of a file that can have no key: they have 1,024 bytes at most."""
    return "/".join([letter * 250] * 4 + [letter * 30])


@pytest.mark.parametrize("what", ["transfer", "delete", "skip", "error"])
async def test_a_callback_that_raises_ends_it(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path,
    what: str,
) -> None:  # fmt: skip
    """Also with an error that a file might have had."""
    root = write_tree(tmp_path / "root", {"b": b"", "c": b"", too_long("a"): b""})
    await put_tree(embedded.oracle, embedded_bucket, "x/", {"c": b"", "d": b""})

    def refuse(_: object) -> None:
        raise OSError(f"on_{what}")

    callbacks: dict[str, Any] = {f"on_{what}": refuse}
    with pytest.raises(OSError, match=f"^on_{what}$"):
        await embedded_client.sync(root, f"s3://{embedded_bucket}/x", delete=True, **callbacks)


async def test_errors_of_single_files(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    """They are told, and raised together when all others are done."""
    bad = [too_long("b"), too_long("c")]
    root = write_tree(tmp_path / "root", {"a": b"1", "d": b"4", **dict.fromkeys(bad, b"")})
    told = Told()
    with pytest.raises(SyncError) as caught:
        await embedded_client.sync(root, f"s3://{embedded_bucket}/x", **told.callbacks)
    assert caught.value.report == SyncReport(2, 0, 0, 2)
    assert [failure.name for failure in caught.value.failures] == bad
    assert told.failures == caught.value.failures
    assert f"2 could not be synced: {bad[0]!r} (" in str(caught.value)
    assert await get_tree(embedded.oracle, embedded_bucket, "x/") == {"a": b"1", "d": b"4"}
    left_out = await embedded_client.sync(root, f"s3://{embedded_bucket}/x", exclude=["b*", "c*"])
    assert left_out == SyncReport(0, 0, 2, 0)


async def test_a_file_that_vanishes_meanwhile(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    root = write_tree(tmp_path / "root", {"a": b"1", "b": b"2", "c": b"3"})

    def vanish(item: SyncItem) -> None:
        if item.name == "a":
            (root / "b").unlink()

    one = TransferConfig(max_concurrency=1)
    with pytest.raises(SyncError) as caught:
        await embedded_client.sync(
            root, f"s3://{embedded_bucket}/x", config=one, on_transfer=vanish
        )
    assert caught.value.report == SyncReport(2, 0, 0, 1)
    assert isinstance(caught.value.failures[0].error, FileNotFoundError)


async def test_nothing_is_deleted_beneath_what_cannot_be_read(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    """Here a link that leads back to a directory it is in, and one to nothing: no failures."""
    root = write_tree(tmp_path / "root", {"b/file": b""})
    (root / "b/back").symlink_to("..")
    (root / "c").symlink_to("nothing")
    there = ("a", "b/back/x", "b/back/y/z", "b/backwards", "b/old", "c", "c/d", "cd")
    await put_tree(embedded.oracle, embedded_bucket, "x/", dict.fromkeys(there, b"") | {"c/d": b""}
                   if embedded.missing("key_beside_prefix") is None
                   else {name: b"" for name in there if name != "c"})  # fmt: skip
    told = Told()
    await embedded_client.sync(root, f"s3://{embedded_bucket}/x", delete=True, **told.callbacks)
    assert told.names("delete") == ["a", "b/backwards", "b/old", "cd"]
    assert told.failures == []
    found = await get_tree(embedded.oracle, embedded_bucket, "x/")
    assert set(found) >= {"b/back/x", "b/back/y/z", "c/d"}


@pytest.mark.parametrize("instead", [False, True])
async def test_a_source_that_is_moved_away_meanwhile(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path,
    instead: bool,
) -> None:  # fmt: skip
    """As when it is unmounted: what is missing then is not to be deleted."""
    root = write_tree(tmp_path / "root", {"a": b"1"})
    await put_tree(embedded.oracle, embedded_bucket, "x/", {"a": b"1", "b": b"2"})

    def move(_: SyncItem) -> None:
        root.rename(tmp_path / "moved")
        if instead:
            root.mkdir()

    with pytest.raises(FileNotFoundError, match="source"):
        await embedded_client.sync(root, f"s3://{embedded_bucket}/x", delete=True, on_skip=move)
    assert await get_tree(embedded.oracle, embedded_bucket, "x/") == {"a": b"1", "b": b"2"}


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse such names")
async def test_names_that_are_not_utf8(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    """An error of that file at the source; at the destination only if it should go."""
    root, there = write_tree(tmp_path / "root", {"a": b"1"}), f"s3://{embedded_bucket}/x"
    odd = root / os.fsdecode(b"\xff")
    odd.touch()
    with pytest.raises(SyncError) as caught:
        await embedded_client.sync(root, there)
    assert caught.value.report == SyncReport(1, 0, 0, 1)
    assert caught.value.failures[0].name == odd.name
    down = await embedded_client.sync(there, root, compare="size")
    assert down == SyncReport(0, 0, 1, 0)
    with pytest.raises(SyncError):
        await embedded_client.sync(there, root, compare="size", delete=True)
    assert odd.exists()


# --- symlinks


async def test_symlinks_of_the_source(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    outside = write_tree(tmp_path / "outside", {"file": b"1", "in/side": b"2"})
    root = write_tree(tmp_path / "root", {"own": b"3"})
    (root / "folder").symlink_to(outside)
    (root / "linked").symlink_to(outside / "file")
    there = f"s3://{embedded_bucket}/x"
    await embedded_client.sync(root, there)
    followed = await get_tree(embedded.oracle, embedded_bucket, "x/")
    assert followed == {
        "own": b"3", "linked": b"1", "folder/file": b"1", "folder/in/side": b"2",
    }  # fmt: skip
    report = await embedded_client.sync(root, there, symlinks="skip", delete=True)
    assert report == SyncReport(0, 3, 1, 0)


async def test_symlinks_of_the_destination_are_left_alone(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    """Never written through, nor deleted, nor anything behind them."""
    outside = write_tree(tmp_path / "outside", {"file": b"kept", "old": b"kept"})
    root = write_tree(tmp_path / "root", {"gone/x": b""})
    (root / "folder").symlink_to(outside)
    (root / "linked").symlink_to(outside / "file")
    (root / "gone/link").symlink_to(outside)
    await put_tree(
        embedded.oracle, embedded_bucket, "x/", {"folder/file": b"!", "linked": b"!", "own": b"1"}
    )
    for dry_run in (True, False):
        with pytest.raises(SyncError) as caught:
            await embedded_client.sync(
                f"s3://{embedded_bucket}/x", root, delete=True, symlinks="follow", dry_run=dry_run
            )
        assert caught.value.report == SyncReport(1, 1, 0, 2)
        assert {f.name for f in caught.value.failures} == {"folder/file", "linked"}
    assert read_tree(outside) == {"file": b"kept", "old": b"kept"}
    assert sorted(path.name for path in root.iterdir()) == ["folder", "gone", "linked", "own"]
    assert (root / "linked").is_symlink()
    assert (root / "gone/link").is_symlink()


async def test_a_directory_that_is_a_link_itself(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    root = write_tree(tmp_path / "root", {"a/b": b"1"})
    (tmp_path / "link").symlink_to(root)
    there = f"s3://{embedded_bucket}/x"
    assert await embedded_client.sync(tmp_path / "link", there) == SyncReport(1, 0, 0, 0)
    (root / "a/b").unlink()
    assert await embedded_client.sync(there, tmp_path / "link") == SyncReport(1, 0, 0, 0)
    assert read_tree(root) == {"a/b": b"1"}


async def test_a_file_makes_room_for_a_directory(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    await put_tree(embedded.oracle, embedded_bucket, "x/", {"a/b": b"1", "a-c": b"2"})
    root = write_tree(tmp_path / "root", {"a": b"a file"})
    for dry_run in (True, False):
        report = await embedded_client.sync(
            f"s3://{embedded_bucket}/x", root, delete=True, dry_run=dry_run
        )
        assert report == SyncReport(2, 1, 0, 0)
    assert read_tree(root) == {"a/b": b"1", "a-c": b"2"}


async def test_a_directory_makes_room_for_a_file(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    """Where nothing of it stays. What was left out keeps it, which is an error of that file."""
    await put_tree(embedded.oracle, embedded_bucket, "x/", {"a": b"1", "b": b"2", "c": b"3"})
    root = write_tree(tmp_path / "root", {"a/b/c": b"", "a/d": b"", "c/keep": b""})
    (root / "b").mkdir()
    there = f"s3://{embedded_bucket}/x"
    with pytest.raises(SyncError) as caught:
        await embedded_client.sync(there, root)
    assert caught.value.report == SyncReport(0, 0, 0, 3)
    with pytest.raises(SyncError) as caught:
        await embedded_client.sync(there, root, delete=True, exclude="c/*")
    assert caught.value.report == SyncReport(2, 2, 0, 1)
    assert isinstance(caught.value.failures[0].error, IsADirectoryError)
    assert read_tree(root) == {"a": b"1", "b": b"2", "c/keep": b""}
    for dry_run in (True, False):
        report = await embedded_client.sync(there, root, delete=True, dry_run=dry_run)
        assert report == SyncReport(1, 1, 2, 0)
    assert read_tree(root) == {"a": b"1", "b": b"2", "c": b"3"}


async def test_what_transfers_have_beside_their_files(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    """Neither uploaded nor deleted: another transfer may be at it, or will go on with it."""
    root, there = write_tree(tmp_path / "root", {"in/file": b"1"}), f"s3://{embedded_bucket}/x"
    path = root / "in" / "file"
    leftovers = [
        download_part_path(path), download_journal_path(path),
        upload_journal_path(path, "bucket", "key", "http://host"), _beside(path),
    ]  # fmt: skip
    for leftover in leftovers:
        leftover.touch()
    folder = _beside(path)
    folder.mkdir()
    (folder / "0").touch()
    assert await embedded_client.sync(root, there) == SyncReport(1, 0, 0, 0)
    (root / ".in.part").touch()
    await put_tree(embedded.oracle, embedded_bucket, "x/", {"in/file": b"22"})
    assert await embedded_client.sync(there, root, delete=True) == SyncReport(1, 1, 0, 0)
    assert set(left_over(root / "in")) == {"file", folder.name, *(p.name for p in leftovers)}


async def test_a_download_that_was_killed_is_gone_on_with(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    """``resume`` holds for each file, also when what is too many is deleted."""
    data, there, root = noise(4 * MIB), f"s3://{embedded_bucket}/x", tmp_path / "root"
    await put_tree(embedded.oracle, embedded_bucket, "x/", {"file": data})
    how = TransferConfig(
        multipart_threshold=MIB, multipart_chunksize=MIB, max_concurrency=1, resume=True
    )
    traffic = Traffic()
    async with open_session(embedded, trace_configs=[traffic.trace]) as session:
        client = client_for(embedded, session)
        task = asyncio.create_task(client.sync(there, root, delete=True, config=how))
        while sum(method == "GET" for method, _ in traffic.requests) < 4:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0)  # Until the second of four ranges is there, and no longer.
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(left_over(root)) == 2
        traffic.requests.clear()
        assert await client.sync(there, root, delete=True, config=how) == SyncReport(1, 0, 0, 0)
    assert sum(method == "GET" for method, _ in traffic.requests) < 5
    assert read_tree(root) == {"file": data}


# --- arguments


async def test_bad_arguments(embedded_client: S3Client, tmp_path: Path) -> None:
    """Each is refused before anything is sent, by its name."""
    sync: Any = embedded_client.sync
    (tmp_path / "file").touch()
    for source, target, error, what in (
        (tmp_path / "none", "s3://bucket", FileNotFoundError, "source: there is no"),
        (tmp_path / "file", "s3://bucket", NotADirectoryError, "source: .* is no directory"),
        ("s3://bucket", tmp_path / "file", NotADirectoryError, "destination: .* no directory"),
        (tmp_path, tmp_path, ValueError, "destination"),
        (str(tmp_path), "s3://bucket", ValueError, "source: .*pathlib.Path"),
        (tmp_path, "bucket/prefix", ValueError, "destination: 'bucket/prefix'"),
        (tmp_path, "s3://", ValueError, "destination: 's3://'"),
        (tmp_path, "s3://Bad_Name/x", ValueError, "destination: 's3://Bad_Name/x': bucket"),
        (b"bytes", "s3://bucket", TypeError, "source"),
        ("s3://bucket/a", Path("s3://bucket/b"), ValueError, "'s3:/bucket/b' is a Path"),
        (tmp_path, None, TypeError, "destination"),
        ("s3://bucket/a", "s3://bucket/a/", ValueError, "the same, or one lies inside"),
        ("s3://bucket/a", "s3://bucket/a/b", ValueError, "the same, or one lies inside"),
        ("s3://bucket/a/b/", "s3://bucket/a", ValueError, "the same, or one lies inside"),
        ("s3://bucket", "s3://bucket/a", ValueError, "the same, or one lies inside"),
    ):
        with pytest.raises(error, match=what):
            await sync(source, target, delete=True)
    for name, value, kind in (
        ("compare", "etag", ValueError),
        ("symlinks", "keep", ValueError),
        ("delete", 1, TypeError),
        ("dry_run", "yes", TypeError),
        ("include", 5, TypeError),
        ("exclude", [b"x"], TypeError),
        ("config", {}, TypeError),
        ("on_error", "print", TypeError),
        ("source_client", embedded_client.api, TypeError),
        ("source_client", embedded_client, ValueError),
    ):
        with pytest.raises(kind, match=name):
            await sync(tmp_path, "s3://bucket", **{name: value})
    for extra in ({"VersionId": "1"}, {"ChecksumSHA256": "x"}, {"MetadataDirective": "COPY"}):
        with pytest.raises(ValueError, match="extra_args"):
            await sync(tmp_path, "s3://bucket", extra_args=extra)


async def test_p1_nothing_blocks_the_loop(
    embedded_client: S3Client,
    embedded_bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P1: walking, looking, making, deleting, digesting and dating happen in threads."""
    root = write_tree(tmp_path / "root", {**TREE, "large": noise(PART + 1)})
    client, there = embedded_client, f"s3://{embedded_bucket}/x"
    with watched(monkeypatch) as calls:
        await client.sync(root, there, config=IN_PARTS)
        for compare in ("time", "checksum"):
            await client.sync(root, there, compare=compare, config=IN_PARTS)
            await client.sync(there, root, compare=compare, config=IN_PARTS)
        await client.sync(there, tmp_path / "copy", dry_run=True)
        await client.sync(there, tmp_path / "copy", config=IN_PARTS)
        await client.sync(there, f"s3://{embedded_bucket}/y", compare="checksum")
        await client.sync(f"s3://{embedded_bucket}/none", tmp_path / "copy", delete=True)
    assert calls == []
    assert left_over(tmp_path / "copy") == []


async def test_without_threads(
    embedded: RunningServer, embedded_client: S3Client, embedded_bucket: str, tmp_path: Path
) -> None:
    """One file at a time."""
    root, config = write_tree(tmp_path / "root", TREE), TransferConfig(use_threads=False)
    there = f"s3://{embedded_bucket}/x"
    await embedded_client.sync(root, there, config=config)
    assert await get_tree(embedded.oracle, embedded_bucket, "x/") == TREE
    await embedded_client.sync(there, tmp_path / "copy", config=config, compare="checksum")
    assert read_tree(tmp_path / "copy") == TREE
