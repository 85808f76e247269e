"""Uploads that go on where an earlier run ended, and those that must not."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from aiohttp_s3_client import TransferConfig
from aiohttp_s3_client.config import MIB
from aiohttp_s3_client.errors import AccessDenied, SourceChanged, TransferInProgress

from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import Recorded, Step, hang, reply
from ..transport.scripts import (
    ABORTED,
    COMPLETED,
    client_for,
    error,
    part_etag,
    part_number,
)

PART = 5 * MIB
PARTS = 4
DATA = hashlib.shake_128(b"resumed upload").digest((PARTS - 1) * PART + 1234)
CONFIG = TransferConfig(PART, 1, PART, resume=True)


class Bucket:
    """The uploads of one bucket as S3 keeps them. A number in *refused* is a part to fail."""

    def __init__(self) -> None:
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.objects: dict[str, bytes] = {}
        self.refused: set[int] = set()
        self.log: list[str] = []
        self.before: Callable[[str], Step | None] = lambda name: None

    def __call__(self, request: Recorded) -> Step:
        path, _, query = request.target.partition("?")
        fields = dict(parse_qsl(query, keep_blank_values=True))
        number, upload = part_number(request), fields.get("uploadId", "")
        if number is not None:
            name = f"part {number}"
        else:
            name = {"POST": "complete", "DELETE": "abort", "GET": "list"}.get(request.method, "?")
            name = "create" if "uploads" in fields else name
        self.log.append(name)
        if (step := self.before(name)) is not None:
            return step
        if name == "create":
            upload = f"UP-{len(self.uploads) + 1}"
            self.uploads[upload] = {}
            return reply(
                200,
                {},
                "<InitiateMultipartUploadResult><Bucket>bucket</Bucket><Key>key</Key>"
                f"<UploadId>{upload}</UploadId></InitiateMultipartUploadResult>",
            )
        if upload not in self.uploads:
            return error(404, "NoSuchUpload")
        if number is not None:
            if number in self.refused:
                return error(403, "AccessDenied")
            return self._store(upload, number, request)
        if name == "abort":
            del self.uploads[upload]
            return ABORTED
        parts = self.uploads[upload]
        if name == "list":
            listed = "".join(
                f"<Part><PartNumber>{number}</PartNumber><ETag>{part_etag(number)}</ETag>"
                f"<Size>{len(data)}</Size></Part>"
                for number, data in sorted(parts.items())
            )
            return reply(200, {}, f"<ListPartsResult>{listed}</ListPartsResult>")
        self.objects[path] = b"".join(data for _, data in sorted(parts.items()))
        del self.uploads[upload]
        return COMPLETED

    def _store(self, upload: str, number: int, request: Recorded) -> Step:
        # The body arrives after the step was chosen: look at it when it is needed.
        parts = self.uploads[upload]
        parts[number] = _Late(request)
        return reply(200, {"ETag": part_etag(number)})


class _Late(bytes):
    """A part's bytes, which are still arriving when it is made."""

    _request: Recorded

    def __new__(cls, request: Recorded) -> _Late:
        made = super().__new__(cls)
        made._request = request
        return made

    def __len__(self) -> int:
        return len(self._request.body)


@pytest.fixture
def uploads() -> Bucket:
    return Bucket()


@pytest.fixture
async def stub(scripted: StartScript, uploads: Bucket) -> ScriptedServer:
    return await scripted(rest=uploads)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "big.bin"
    path.write_bytes(DATA)
    return path


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def stored(stub: ScriptedServer) -> bytes:
    """What the last upload's parts hold."""
    last: dict[int, bytes] = {}
    for request in stub.requests:
        if (number := part_number(request)) and request.complete:
            last[number] = request.body
    return b"".join(data for _, data in sorted(last.items()))


async def upload(stub: ScriptedServer, path: Path, **arguments: Any) -> Any:
    arguments = {"bucket": "bucket", "key": "key", "config": CONFIG, **arguments}
    async with client_for(stub) as client:
        return await client.upload_file(path, **arguments)


async def interrupted(stub: ScriptedServer, uploads: Bucket, path: Path, **arguments: Any) -> None:
    """A first run that ends at part 3."""
    uploads.refused = {3}
    with pytest.raises(AccessDenied):
        await upload(stub, path, **arguments)
    uploads.refused = set()
    assert uploads.log == ["create", "part 1", "part 2", "part 3"]
    uploads.log.clear()


async def test_only_what_is_missing_is_sent(
    stub: ScriptedServer, uploads: Bucket, path: Path
) -> None:
    await interrupted(stub, uploads, path)
    assert len(names(path.parent)) == 2
    moved: list[int] = []
    result = await upload(stub, path, callback=moved.append)
    assert uploads.log == ["list", "part 3", "part 4", "complete"]
    assert stored(stub) == DATA
    assert result.size == sum(moved) == len(DATA)
    assert result.parts == PARTS
    assert names(path.parent) == ["big.bin"]
    assert not uploads.uploads


async def test_complete_names_all_parts(stub: ScriptedServer, uploads: Bucket, path: Path) -> None:
    await interrupted(stub, uploads, path)
    await upload(stub, path)
    document = stub.requests[-1].body.decode()
    assert [f"<PartNumber>{n}</PartNumber>" in document for n in range(1, 6)] == [True] * 4 + [
        False
    ]


async def test_a_cancelled_upload_is_gone_on_with(
    stub: ScriptedServer, uploads: Bucket, path: Path
) -> None:
    uploads.before = lambda name: hang() if name == "part 2" else None
    task = asyncio.ensure_future(upload(stub, path))
    await stub.wait_for(3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "abort" not in uploads.log
    uploads.before = lambda name: None
    uploads.log.clear()
    await upload(stub, path)
    assert uploads.log == ["list", "part 2", "part 3", "part 4", "complete"]
    assert stored(stub) == DATA


async def test_a_callback_that_fails_leaves_it_to_be_gone_on_with(
    stub: ScriptedServer, uploads: Bucket, path: Path
) -> None:
    class Full(Exception):
        pass

    seen = 0

    def count(size: int) -> None:
        nonlocal seen
        seen += size
        if seen > 2 * PART:
            raise Full

    with pytest.raises(Full):
        await upload(stub, path, callback=count)
    assert "complete" not in uploads.log
    uploads.log.clear()
    await upload(stub, path)
    assert uploads.log[0] == "list"
    assert stored(stub) == DATA


async def test_all_parts_sent_but_not_completed(
    stub: ScriptedServer, uploads: Bucket, path: Path
) -> None:
    uploads.before = lambda name: error(403, "AccessDenied") if name == "complete" else None
    with pytest.raises(AccessDenied):
        await upload(stub, path)
    uploads.before = lambda name: None
    uploads.log.clear()
    await upload(stub, path)
    assert uploads.log == ["list", "complete"]


@pytest.mark.parametrize("same", [True, False])
async def test_p10_completed_by_a_run_that_did_not_live_to_see_it(
    stub: ScriptedServer, uploads: Bucket, path: Path, same: bool
) -> None:
    """P10: the object is there as this upload would make it, so nothing is sent again."""

    def done_but_denied(name: str) -> Step | None:
        if name != "complete":
            return None
        uploads.uploads.clear()
        return error(403, "AccessDenied")

    uploads.before = done_but_denied
    with pytest.raises(AccessDenied):
        await upload(stub, path)
    md5s = b"".join(bytes.fromhex(part_etag(number).strip('"')) for number in range(1, PARTS + 1))
    etag = f'"{hashlib.md5(md5s if same else b"").hexdigest()}-{PARTS}"'
    uploads.before = lambda name: reply(200, {"ETag": etag}) if name == "?" else None
    uploads.log.clear()
    result = await upload(stub, path)
    if same:
        assert uploads.log == ["list", "?"]
        assert (result.etag, result.size, result.parts) == (etag, len(DATA), PARTS)
    else:
        assert uploads.log[2:] == ["create", *(f"part {n + 1}" for n in range(PARTS)), "complete"]
    assert names(path.parent) == ["big.bin"]


@pytest.mark.parametrize("change", ["mtime", "size", "replaced"])
async def test_a_changed_source_is_sent_afresh(
    stub: ScriptedServer, uploads: Bucket, path: Path, change: str
) -> None:
    """The old upload is aborted, since nothing of it can be used."""
    await interrupted(stub, uploads, path)
    if change == "mtime":
        os.utime(path, ns=(1, 1))
    elif change == "size":
        os.truncate(path, len(DATA) - 1)
    else:
        other, times = path.with_name("other"), path.stat()
        other.write_bytes(DATA[::-1])
        os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
        os.replace(other, path)
    await upload(stub, path)
    assert uploads.log[:2] == ["abort", "create"]
    assert uploads.log[2:] == ["part 1", "part 2", "part 3", "part 4", "complete"]
    assert stored(stub) == path.read_bytes()
    assert not uploads.uploads
    assert names(path.parent) == ["big.bin"]


@pytest.mark.parametrize(
    "other",
    [
        {"config": TransferConfig(PART, 1, 6 * MIB, resume=True)},
        {"config": replace(CONFIG, checksum="SHA256")},
        {"extra_args": {"Metadata": {"a": "b"}}},
        {"extra_args": {"ServerSideEncryption": "AES256"}},
    ],
    ids=["part size", "checksum", "metadata", "encryption"],
)
async def test_another_way_to_upload_is_begun_afresh(
    stub: ScriptedServer, uploads: Bucket, path: Path, other: dict[str, Any]
) -> None:
    """The parts there were cut or made otherwise, or the object would not be as asked for."""
    await interrupted(stub, uploads, path)
    await upload(stub, path, **other)
    assert uploads.log[:2] == ["abort", "create"]
    assert "list" not in uploads.log
    assert not uploads.uploads


async def test_another_part_of_the_same_file(
    stub: ScriptedServer, uploads: Bucket, path: Path
) -> None:
    """From another place on it is other data, though the file is the same."""
    await interrupted(stub, uploads, path)
    with path.open("rb") as file:
        file.seek(7)
        async with client_for(stub) as client:
            await client.upload_fileobj(file, "bucket", "key", config=CONFIG)
    assert uploads.log[:2] == ["abort", "create"]
    assert stored(stub) == DATA[7:]


async def test_an_open_file_is_gone_on_with(
    stub: ScriptedServer, uploads: Bucket, path: Path
) -> None:
    await interrupted(stub, uploads, path)
    with path.open("rb") as file:
        async with client_for(stub) as client:
            await client.upload_fileobj(file, "bucket", "key", config=CONFIG)
    assert uploads.log == ["list", "part 3", "part 4", "complete"]


async def test_a_file_without_a_name(
    stub: ScriptedServer, uploads: Bucket, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no place for a journal: nothing is left anywhere, neither here nor there."""
    monkeypatch.chdir(path.parent)
    uploads.refused = {3}
    descriptor = os.open(path, os.O_RDONLY)
    with open(descriptor, "rb") as file:  # noqa: ASYNC230
        async with client_for(stub) as client:
            with pytest.raises(AccessDenied):
                await client.upload_fileobj(file, "bucket", "key", config=CONFIG)
    assert uploads.log[-1] == "abort"
    assert names(path.parent) == ["big.bin"]


@pytest.mark.parametrize("other", [{"key": "other"}, {"bucket": "other"}])
async def test_each_target_has_its_own_journal(
    stub: ScriptedServer, uploads: Bucket, path: Path, other: dict[str, str]
) -> None:
    await interrupted(stub, uploads, path)
    await upload(stub, path, **other)
    assert uploads.log == ["create", "part 1", "part 2", "part 3", "part 4", "complete"]
    uploads.log.clear()
    await upload(stub, path)
    assert uploads.log == ["list", "part 3", "part 4", "complete"]
    assert names(path.parent) == ["big.bin"]


async def test_another_endpoint_is_another_target(
    scripted: StartScript, stub: ScriptedServer, uploads: Bucket, path: Path
) -> None:
    await interrupted(stub, uploads, path)
    elsewhere = Bucket()
    await upload(await scripted(rest=elsewhere), path)
    assert elsewhere.log[0] == "create"
    assert not uploads.log
    await upload(stub, path)
    assert uploads.log[0] == "list"


@pytest.mark.parametrize("ended", ["completed", "aborted"])
async def test_an_upload_that_others_ended_meanwhile(
    stub: ScriptedServer, uploads: Bucket, path: Path, ended: str
) -> None:
    await interrupted(stub, uploads, path)
    uploads.uploads.clear()
    await upload(stub, path)
    assert uploads.log[:3] == ["list", "?", "create"], "it looks whether the object was made"
    assert uploads.log[3:] == ["part 1", "part 2", "part 3", "part 4", "complete"]
    assert names(path.parent) == ["big.bin"]


async def test_parts_that_the_server_has_otherwise_are_sent_again(
    stub: ScriptedServer, uploads: Bucket, path: Path
) -> None:
    """Somebody replaced part 2: what the journal says of it no longer holds."""
    await interrupted(stub, uploads, path)
    (parts,) = uploads.uploads.values()
    parts[2] = b"something else"
    await upload(stub, path)
    assert uploads.log == ["list", "part 2", "part 3", "part 4", "complete"]
    assert stored(stub) == DATA


async def test_a_part_stored_but_not_noted_is_sent_again(
    stub: ScriptedServer, uploads: Bucket, path: Path
) -> None:
    """Killed between the two: the journal's last line is torn."""
    await interrupted(stub, uploads, path)
    (journal,) = path.parent.glob(".*journal")
    os.truncate(journal, journal.stat().st_size - 5)
    await upload(stub, path)
    assert uploads.log == ["list", "part 2", "part 3", "part 4", "complete"]
    assert stored(stub) == DATA


@pytest.mark.parametrize("content", [b"", b"nonsense\n", b"\0" * 100, b'{"version": 99}\n'])
async def test_an_unusable_journal(
    stub: ScriptedServer, uploads: Bucket, path: Path, content: bytes
) -> None:
    await interrupted(stub, uploads, path)
    (journal,) = path.parent.glob(".*journal")
    journal.write_bytes(content)
    await upload(stub, path)
    assert uploads.log[0] == "create"
    assert stored(stub) == DATA
    assert names(path.parent) == ["big.bin"]


async def test_two_at_once(stub: ScriptedServer, uploads: Bucket, path: Path) -> None:
    uploads.before = lambda name: hang() if name == "part 2" else None
    first = asyncio.ensure_future(upload(stub, path))
    await stub.wait_for(3)
    with pytest.raises(TransferInProgress, match="journal"):
        await upload(stub, path)
    assert len(stub.requests) == 3
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    uploads.before = lambda name: None
    await upload(stub, path)
    assert stored(stub) == DATA


async def test_a_source_that_changes_meanwhile_forgets_everything(
    stub: ScriptedServer, uploads: Bucket, path: Path
) -> None:
    def touching(name: str) -> None:
        if name == "part 2":
            os.utime(path, ns=(1, 1))

    uploads.before = touching
    with pytest.raises(SourceChanged):
        await upload(stub, path)
    assert uploads.log[-1] == "abort"
    assert not uploads.uploads
    assert names(path.parent) == ["big.bin"]


async def test_a_customers_key_never_stands_in_the_journal(
    stub: ScriptedServer, uploads: Bucket, path: Path
) -> None:
    key = "0123456789abcdef0123456789abcdef"
    extra = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key, "Metadata": {"a": "secret"}}
    await interrupted(stub, uploads, path, extra_args=extra)
    (journal,) = path.parent.glob(".*journal")
    text = journal.read_text()
    create = stub.requests[0]
    for header in ("key", "key-MD5"):
        value = create.header(f"x-amz-server-side-encryption-customer-{header}")
        assert value
        assert value not in text
    assert key not in text
    assert "secret" not in text
    await upload(stub, path, extra_args=extra)
    assert uploads.log[0] == "list"
    listing = next(r for r in stub.requests if r.method == "GET")
    assert listing.header("x-amz-server-side-encryption-customer-algorithm") == "AES256"


async def test_no_journal_can_be_kept(stub: ScriptedServer, uploads: Bucket, path: Path) -> None:
    """The error names the journal, and nothing was sent."""
    await interrupted(stub, uploads, path)
    (journal,) = path.parent.glob(".*journal")
    journal.unlink()
    journal.mkdir()
    with pytest.raises(OSError, match="journal") as caught:
        await upload(stub, path)
    assert caught.value.filename == str(journal)
    assert not uploads.log


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may do anything")
async def test_a_read_only_folder(stub: ScriptedServer, uploads: Bucket, path: Path) -> None:
    path.parent.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match="journal"):
            await upload(stub, path)
    finally:
        path.parent.chmod(0o700)
    assert not uploads.log


async def test_small_files_have_no_journal(scripted: StartScript, path: Path) -> None:
    """One PUT is sent or not: there is nothing to go on with."""
    stub = await scripted(reply(200, {"ETag": '"x"'}))
    path.write_bytes(b"small")
    await upload(stub, path)
    assert names(path.parent) == ["big.bin"]
