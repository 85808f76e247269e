"""Downloads that go on where an earlier run ended, and those that must not."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiohttp_s3_client import TransferConfig
from aiohttp_s3_client.errors import (
    AccessDenied,
    ChecksumMismatch,
    NotFound,
    ObjectChanged,
    TransferInProgress,
)

from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import Recorded, Step, hang, reply
from ..transport.scripts import ETAG, RangedObject, asked_range, client_for, error

STEP = 100_000
DATA = hashlib.shake_128(b"resumed download").digest(4 * STEP + 1234)
RANGES = 5
CONFIG = TransferConfig(STEP, 1, STEP, resume=True)
CRC32 = base64.b64encode(zlib.crc32(DATA).to_bytes(4, "big")).decode()


class Object:
    """One object, which a HEAD tells of and of which ranges may be refused."""

    def __init__(self) -> None:
        self.data = DATA
        self.etag = ETAG
        self.version_id: str | None = None
        self.before: Callable[[int], Step | None] = lambda start: None
        self.heads = 0
        self.starts: list[int] = []

    def __call__(self, request: Recorded) -> Step:
        headers = {} if self.version_id is None else {"x-amz-version-id": self.version_id}
        if request.method == "HEAD":
            self.heads += 1
            size = str(len(self.data))
            return reply(200, {"ETag": self.etag, "Content-Length": size, **headers})
        start, _ = asked_range(request, len(self.data)) or (0, 0)
        self.starts.append(start)
        if (step := self.before(start)) is not None:
            return step
        return RangedObject(self.data, self.etag)(request, headers=headers)


@pytest.fixture
def stored() -> Object:
    return Object()


@pytest.fixture
async def stub(scripted: StartScript, stored: Object) -> ScriptedServer:
    return await scripted(rest=stored)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "big.bin"


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


async def download(stub: ScriptedServer, path: Path, **arguments: Any) -> Any:
    arguments = {"bucket": "bucket", "key": "key", "config": CONFIG, **arguments}
    async with client_for(stub) as client:
        return await client.download_file(filename=path, **arguments)


def refused_at(position: int) -> Callable[[int], Step | None]:
    return lambda start: error(403, "AccessDenied") if start == position else None


async def interrupted(stub: ScriptedServer, stored: Object, path: Path, **more: Any) -> None:
    """A first run that ends at the third range."""
    stored.before = refused_at(2 * STEP)
    with pytest.raises(AccessDenied):
        await download(stub, path, **more)
    stored.before = lambda start: None
    assert stored.starts == [0, STEP, 2 * STEP]
    assert not path.exists()
    stored.starts.clear()


async def test_only_what_is_missing_is_fetched(
    stub: ScriptedServer, stored: Object, path: Path
) -> None:
    await interrupted(stub, stored, path)
    assert len(names(path.parent)) == 2
    moved: list[int] = []
    result = await download(stub, path, callback=moved.append)
    assert stored.starts == [2 * STEP, 3 * STEP, 4 * STEP]
    assert path.read_bytes() == DATA
    assert result.size == sum(moved) == len(DATA)
    assert result.etag == ETAG
    assert names(path.parent) == ["big.bin"]


async def test_a_cancelled_download_is_gone_on_with(
    stub: ScriptedServer, stored: Object, path: Path
) -> None:
    stored.before = lambda start: hang() if start == STEP else None
    task = asyncio.ensure_future(download(stub, path))
    await stub.wait_for(3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    stored.before = lambda start: None
    stored.starts.clear()
    await download(stub, path)
    assert stored.starts == [STEP, 2 * STEP, 3 * STEP, 4 * STEP]
    assert path.read_bytes() == DATA


async def test_a_callback_that_fails(stub: ScriptedServer, stored: Object, path: Path) -> None:
    class Full(Exception):
        pass

    async def refuse(size: int) -> None:
        raise Full

    path.write_bytes(b"before")
    with pytest.raises(Full):
        await download(stub, path, callback=refuse)
    assert path.read_bytes() == b"before"
    await download(stub, path)
    assert path.read_bytes() == DATA


async def test_everything_there_but_not_in_place(
    stub: ScriptedServer, stored: Object, path: Path
) -> None:
    """Killed right before the rename: no byte is asked for again."""

    def refuse(progress: Any) -> None:
        if progress.phase == "verifying":
            raise RuntimeError("as if killed")

    with pytest.raises(RuntimeError, match="killed"):
        await download(stub, path, progress=refuse)
    assert not path.exists()
    stored.starts.clear()
    await download(stub, path)
    assert stored.starts == []
    assert path.read_bytes() == DATA


@pytest.mark.parametrize("change", ["etag", "version", "size"])
async def test_a_changed_object_is_fetched_afresh(
    stub: ScriptedServer, stored: Object, path: Path, change: str
) -> None:
    await interrupted(stub, stored, path)
    stored.data = DATA[::-1]
    if change == "etag":
        stored.etag = '"another"'
    elif change == "version":
        stored.version_id = "v2"
    else:
        stored.data = stored.data[:-1]
    await download(stub, path)
    assert stored.starts == [0, STEP, 2 * STEP, 3 * STEP, 4 * STEP]
    assert path.read_bytes() == stored.data


async def test_an_object_that_became_shorter_leaves_nothing_behind_its_end(
    stub: ScriptedServer, stored: Object, path: Path
) -> None:
    await interrupted(stub, stored, path)
    stored.data, stored.etag = b"short", '"another"'
    await download(stub, path)
    assert path.read_bytes() == b"short"
    assert names(path.parent) == ["big.bin"]


async def test_an_object_replaced_during_the_download_is_forgotten(
    stub: ScriptedServer, stored: Object, path: Path
) -> None:
    def replaced(start: int) -> None:
        if start == 2 * STEP:
            stored.etag, stored.data = '"another"', DATA[::-1]

    stored.before = replaced
    with pytest.raises(ObjectChanged):
        await download(stub, path)
    assert names(path.parent) == []


async def test_an_object_that_is_gone(
    stub: ScriptedServer, scripted: StartScript, stored: Object, path: Path
) -> None:
    """The error comes out, and what there is stays for when it is back."""
    await interrupted(stub, stored, path)
    left = names(path.parent)
    gone = await scripted(rest=reply(404))
    with pytest.raises(NotFound):
        await download(gone, path)
    assert names(path.parent) == left


@pytest.mark.parametrize("loss", ["missing", "truncated", "empty", "longer"])
async def test_a_part_file_that_is_not_as_it_was(
    stub: ScriptedServer, stored: Object, path: Path, loss: str
) -> None:
    await interrupted(stub, stored, path)
    (part,) = path.parent.glob(".*part")
    if loss == "missing":
        part.unlink()
    elif loss == "longer":
        with part.open("ab") as file:
            file.write(b"x" * len(DATA))
    else:
        os.truncate(part, STEP if loss == "truncated" else 0)
    await download(stub, path)
    assert path.read_bytes() == DATA
    assert names(path.parent) == ["big.bin"]
    assert stored.starts == [0, STEP, 2 * STEP, 3 * STEP, 4 * STEP]


async def test_a_torn_line(stub: ScriptedServer, stored: Object, path: Path) -> None:
    """A range that is not noted to its last byte is fetched again."""
    await interrupted(stub, stored, path)
    (journal,) = path.parent.glob(".*journal")
    os.truncate(journal, journal.stat().st_size - 3)
    await download(stub, path)
    assert stored.starts == [STEP, 2 * STEP, 3 * STEP, 4 * STEP]
    assert path.read_bytes() == DATA


@pytest.mark.parametrize("content", [b"", b"nonsense\n", b"\0" * 100, b'{"range":[0,100000]}\n'])
async def test_an_unusable_journal(
    stub: ScriptedServer, stored: Object, path: Path, content: bytes
) -> None:
    await interrupted(stub, stored, path)
    (journal,) = path.parent.glob(".*journal")
    journal.write_bytes(content)
    await download(stub, path)
    assert stored.starts == [0, STEP, 2 * STEP, 3 * STEP, 4 * STEP]
    assert path.read_bytes() == DATA


@pytest.mark.parametrize("other", [{"key": "other"}, {"bucket": "other"}])
async def test_another_object_to_the_same_file(
    stub: ScriptedServer, stored: Object, path: Path, other: dict[str, str]
) -> None:
    """Though ETag and size may be the same, what is there is not of it."""
    await interrupted(stub, stored, path)
    stored.data = DATA[::-1]
    await download(stub, path, **other)
    assert stored.starts == [0, STEP, 2 * STEP, 3 * STEP, 4 * STEP]
    assert path.read_bytes() == DATA[::-1]


async def test_another_range_size_goes_on_all_the_same(
    stub: ScriptedServer, stored: Object, path: Path
) -> None:
    await interrupted(stub, stored, path)
    config = TransferConfig(STEP, 1, 150_000, resume=True)
    await download(stub, path, config=config)
    assert stored.starts == [200_000, 350_000]
    assert path.read_bytes() == DATA


async def test_without_an_etag_nothing_is_gone_on_with(
    stub: ScriptedServer, stored: Object, path: Path
) -> None:
    """Nothing says that it is still the same object."""

    def nameless(request: Recorded) -> Step:
        step = stored(request)
        if request.method == "HEAD":
            return reply(200, {"Content-Length": str(len(stored.data))})
        start, stop = asked_range(request, len(DATA)) or (0, 0)
        if stored.before(start) is not None:
            return step
        told = {"Content-Range": f"bytes {start}-{stop - 1}/{len(DATA)}"}
        return reply(206, told, DATA[start:stop])

    async with ScriptedServer(rest=nameless) as other:
        stored.before = refused_at(2 * STEP)
        with pytest.raises(AccessDenied):
            await download(other, path)
        stored.before = lambda start: None
        stored.starts.clear()
        await download(other, path)
    assert stored.starts[0] == 0
    assert path.read_bytes() == DATA


async def test_two_at_once(stub: ScriptedServer, stored: Object, path: Path) -> None:
    stored.before = lambda start: hang() if start == STEP else None
    first = asyncio.ensure_future(download(stub, path))
    await stub.wait_for(3)
    with pytest.raises(TransferInProgress, match="journal"):
        await download(stub, path)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    stored.before = lambda start: None
    await download(stub, path)
    assert path.read_bytes() == DATA


async def test_a_checksum_that_does_not_agree_forgets_everything(
    scripted: StartScript, stored: Object, path: Path
) -> None:
    """What is there is wrong, and going on with it would be wrong again."""
    headers = {"ETag": ETAG, "Content-Length": str(len(DATA)), "x-amz-checksum-crc32": CRC32}
    inquiry = reply(200, {**headers, "x-amz-checksum-type": "FULL_OBJECT"})
    stub = await scripted(rest=stored, inquiry=inquiry)
    await interrupted(stub, stored, path)
    (part,) = path.parent.glob(".*part")
    with part.open("r+b") as file:
        file.write(b"wrong")
    with pytest.raises(ChecksumMismatch):
        await download(stub, path)
    assert names(path.parent) == []
    stored.starts.clear()
    result = await download(stub, path)
    assert stored.starts[0] == 0
    assert result.verified is True
    assert path.read_bytes() == DATA


async def test_a_resumed_download_is_verified_as_a_whole(
    scripted: StartScript, stored: Object, path: Path
) -> None:
    headers = {"ETag": ETAG, "Content-Length": str(len(DATA)), "x-amz-checksum-crc32": CRC32}
    inquiry = reply(200, {**headers, "x-amz-checksum-type": "FULL_OBJECT"})
    stub = await scripted(rest=stored, inquiry=inquiry)
    await interrupted(stub, stored, path)
    assert (await download(stub, path)).verified is True


async def test_a_customers_key_never_stands_in_the_journal(
    stub: ScriptedServer, stored: Object, path: Path
) -> None:
    key = "0123456789abcdef0123456789abcdef"
    extra = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}
    await interrupted(stub, stored, path, extra_args=extra)
    (journal,) = path.parent.glob(".*journal")
    text = journal.read_text()
    for header in ("key", "key-MD5"):
        name = f"x-amz-server-side-encryption-customer-{header}"
        for request in stub.requests:
            value = request.header(name)
            assert value
            assert value not in text
    assert key not in text


@pytest.mark.parametrize("role", ["journal", "part"])
async def test_a_folder_in_the_way(
    stub: ScriptedServer, stored: Object, path: Path, role: str
) -> None:
    """The error names what is in the way."""
    await interrupted(stub, stored, path)
    (found,) = path.parent.glob(f".*{role}")
    found.unlink()
    found.mkdir()
    with pytest.raises(OSError, match=r"big\.bin") as caught:
        await download(stub, path)
    assert caught.value.filename == str(found) or caught.value.filename == found
    assert stored.starts == []


async def test_an_empty_object(stub: ScriptedServer, stored: Object, path: Path) -> None:
    stored.data = b""
    result = await download(stub, path)
    assert result.size == 0
    assert path.read_bytes() == b""
    assert names(path.parent) == ["big.bin"]


async def test_fsync_comes_before_the_journals_word(
    stub: ScriptedServer, stored: Object, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A range is noted once it is on the disk: a power cut leaves no hole that is noted."""
    order: list[str] = []
    for name in ("fsync", "fdatasync", "replace", "write"):
        real = getattr(os, name)

        def watched(*args: Any, name: str = name, real: Any = real) -> Any:
            order.append(name)
            return real(*args)

        monkeypatch.setattr(os, name, watched)
    config = TransferConfig(2 * len(DATA), 1, 2 * len(DATA), resume=True, fsync=True)
    await download(stub, path, config=config)
    first = order.index("fsync")
    assert "fdatasync" in order[first:]
    last = order.index("replace")
    assert "fsync" in order[:last]
    assert order[last + 1] == "fsync"
