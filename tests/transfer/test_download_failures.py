"""A download that fails, or is cancelled, leaves nothing behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from aiohttp_s3_client import AwsDownloadError, S3Client
from aiohttp_s3_client.errors import (
    AccessDenied,
    NoSuchBucket,
    NoSuchKey,
)

from ..servers.scripted import StartScript
from ..servers.steps import Recorded, Step, hang
from ..transport.scripts import RangedObject, client_for, error
from .test_download import DATA, STEP, by_range, fetch, refused

pytestmark = pytest.mark.usefixtures("sink")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, "NoSuchKey", NoSuchKey),
        (404, "NoSuchBucket", NoSuchBucket),
        (403, "AccessDenied", AccessDenied),
    ],
)
@pytest.mark.parametrize("first", [True, False])
async def test_an_error_is_typed_and_leaves_nothing(
    scripted: StartScript,
    tmp_path: Path,
    status: int,
    code: str,
    kind: type[AwsDownloadError],
    first: bool,
) -> None:
    def answer(_: Recorded, start: int) -> Step | None:
        return error(status, code) if start == (0 if first else 4000) else None

    server = await scripted(rest=by_range(RangedObject(DATA), answer))
    failed = await refused(server, tmp_path, kind)
    assert isinstance(failed, AwsDownloadError)
    assert failed.detail == ("bytes 0-999" if first else "bytes 4000-4999")


async def test_a_cancelled_download_leaves_nothing(scripted: StartScript, tmp_path: Path) -> None:
    def answer(_: Recorded, start: int) -> Step | None:
        return hang() if start == 5000 else None

    server = await scripted(rest=by_range(RangedObject(DATA), answer))
    task = asyncio.ensure_future(fetch(server, tmp_path / "file"))
    await server.wait_for(7)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not list(tmp_path.iterdir())


async def test_downloads_cancelled_at_any_moment_leave_nothing(
    scripted: StartScript, tmp_path: Path
) -> None:
    """Also while worker threads are writing."""
    server = await scripted(rest=RangedObject(DATA * 20), allow_unexpected=True)
    async with client_for(server) as client:
        for turn in range(15):
            task = asyncio.ensure_future(
                client.get_file_parallel(
                    "bucket/key",
                    tmp_path / "file",
                    range_step=STEP,
                    workers_count=16,
                    buffer_size=200,
                )
            )
            await asyncio.sleep(0.004 * turn)
            task.cancel()
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            await asyncio.sleep(0.02)
            left = [path.name for path in tmp_path.iterdir()]
            if left or not isinstance(outcome, asyncio.CancelledError):
                # Cancelled at the rename it may be there: whole, and under its own name.
                assert left == ["file"]
                assert (tmp_path / "file").read_bytes() == DATA * 20
            (tmp_path / "file").unlink(missing_ok=True)


async def test_a_missing_folder_and_a_directory_are_refused_before_anything_is_sent(
    scripted: StartScript, tmp_path: Path
) -> None:
    server = await scripted()
    async with client_for(server) as client:
        with pytest.raises(FileNotFoundError):
            await client.get_file_parallel("bucket/key", tmp_path / "no" / "file")
        with pytest.raises(IsADirectoryError):
            await client.get_file_parallel("bucket/key", tmp_path)
    assert not server.requests


async def test_headers_of_the_caller_go_with_every_range(
    scripted: StartScript, tmp_path: Path
) -> None:
    server = await scripted(rest=RangedObject(DATA))
    async with client_for(server) as client:
        await client.get_file_parallel(
            "bucket/key", tmp_path / "f", headers={"x-amz-request-payer": "me"}, range_step=5000
        )
        with pytest.raises(ValueError, match="Range"):
            await client.get_file_parallel("bucket/key", tmp_path / "f", headers={"range": "x"})
    assert [r.header("x-amz-request-payer") for r in server.requests] == ["me", "me"]


async def test_a_client_of_one_bucket(scripted: StartScript, tmp_path: Path) -> None:
    server = await scripted(rest=RangedObject(DATA))
    async with S3Client(url=f"{server.url}/bucket".replace("//", "//key:s3cr3t-word@")) as client:
        await client.get_file_parallel("a/b", tmp_path / "file")
    assert {request.target for request in server.requests} == {"/bucket/a/b"}
