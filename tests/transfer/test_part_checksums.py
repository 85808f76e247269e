"""Checksums of multipart uploads: of each part, and of what is made of them."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict

from aiohttp_s3_client import ClientConfig, S3Client, TransferConfig
from aiohttp_s3_client.config import ChecksumConfig
from aiohttp_s3_client.protocol import checksums
from aiohttp_s3_client.protocol.parts import UploadedPart, full_checksum
from aiohttp_s3_client.transfer.multipart import MultipartUpload
from aiohttp_s3_client.transfer.part_checksums import PartChecksums
from aiohttp_s3_client.transport.source import BytesSource

from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import Recorded, reply
from ..transport.frames import frames_of
from ..transport.scripts import client_for, part_etag, part_number, upload_step

MIB = 1 << 20
PART = 5 * MIB
DATA = bytes(range(256)) * (11 * MIB // 256)
"""Three parts."""
EACH = [DATA[at : at + PART] for at in range(0, len(DATA), PART)]
PARTS = ChecksumConfig("CRC32", "trailer")
WHOLE = "x-amz-checksum-"


def value(algorithm: str, data: bytes = DATA) -> str:
    return checksums.encode(checksums.compute(algorithm, data))


def knowing(algorithm: str, part_size: int = PART) -> Callable[[Recorded], Any]:
    """Steps of a server that answers a part with its checksum, as AWS does."""

    def step(request: Recorded) -> Any:
        number = part_number(request)
        if number is None:
            return upload_step(request)
        told = value(algorithm, DATA[(number - 1) * part_size : number * part_size])
        return reply(200, {"ETag": part_etag(number), checksums.header_name(algorithm): told})

    return step


def of_complete(server: ScriptedServer) -> dict[str, str]:
    complete = server.requests[-1]
    assert complete.method == "POST"
    told = ((name.lower(), text) for name, text in complete.headers)
    return {name: text for name, text in told if "checksum" in name}


async def upload(s3: S3Client, how: str, path: Path, checksum: Any) -> None:
    settings: dict[str, Any] = {"part_size": PART, "checksum": checksum}
    if how == "upload_file":
        config = TransferConfig(PART, 2, PART, checksum=checksum)
        await s3.upload_file(path, "bucket", "key", config=config)
    elif how == "put_file_multipart":
        await s3.put_file_multipart("bucket/key", path, **settings)
    elif how == "put_multipart":
        await s3.put_multipart("bucket/key", iter(EACH), **settings)
    elif how == "put":
        await s3.put("bucket/key", iter(EACH), checksum=checksum)
    else:
        async with s3.multipart_upload("bucket/key", **settings) as uploader:
            for part in EACH:
                await uploader.put_part(part)


@pytest.mark.parametrize(
    "how", ["upload_file", "put_file_multipart", "put_multipart", "put", "multipart_upload"]
)
@pytest.mark.parametrize("location", ["header", "trailer"])
async def test_the_checksum_of_the_whole_is_made_of_those_of_the_parts(
    scripted: StartScript, tmp_path: Path, how: str, location: Any
) -> None:
    server = await scripted(rest=knowing("CRC32C", 8 * MIB if how == "put" else PART))
    (tmp_path / "file").write_bytes(DATA)
    async with client_for(server, config=ClientConfig(calculate_content_sha256=False)) as s3:
        await upload(s3, how, tmp_path / "file", ChecksumConfig("CRC32C", location))
    assert server.requests[0].header("x-amz-checksum-algorithm") == "CRC32C"
    assert server.requests[0].header("x-amz-checksum-type") == "FULL_OBJECT"
    assert of_complete(server) == {f"{WHOLE}crc32c": value("CRC32C")}
    parts = {part_number(r): r for r in server.requests if r.method == "PUT"}
    for request in parts.values():
        assert (request.header("x-amz-trailer") is None) is (location == "header")
    told = [
        frames_of(r).data if location == "trailer" else r.body for _, r in sorted(parts.items())
    ]
    assert b"".join(told) == DATA
    document = server.requests[-1].body.decode()
    assert document.count("<ChecksumCRC32C>") == len(parts)


@pytest.mark.parametrize(
    ("headers", "algorithm", "kind"),
    [
        ({"x-amz-checksum-type": "COMPOSITE"}, "CRC32", "COMPOSITE"),
        ({"x-amz-checksum-algorithm": "CRC32"}, "CRC32", None),
        ({"x-amz-checksum-algorithm": "SHA256"}, "SHA256", None),
        ({"x-amz-checksum-algorithm": "crc64nvme"}, "CRC64NVME", None),
        ({"x-amz-checksum-type": "FULL_OBJECT"}, checksums.preferred(), "FULL_OBJECT"),
    ],
)
async def test_the_type_is_the_callers_to_say(
    scripted: StartScript, headers: dict[str, str], algorithm: str, kind: str | None
) -> None:
    """Without a word of it S3 makes a composite of all but CRC64NVME."""
    server = await scripted(rest=knowing(algorithm))
    async with client_for(server) as s3:
        await s3.put_multipart("bucket/key", EACH, part_size=PART, headers=headers)
    create = server.requests[0]
    assert (create.header("x-amz-checksum-algorithm") or "").upper() == algorithm
    assert create.header("x-amz-checksum-type") == kind
    of_whole = kind == "FULL_OBJECT" or algorithm == "CRC64NVME"
    header = checksums.header_name(algorithm)
    assert of_complete(server) == ({header: value(algorithm)} if of_whole else {})
    assert f"<Checksum{algorithm}>{value(algorithm, EACH[2])}<".encode() in server.requests[-1].body


async def test_the_callers_own_checksum_of_the_whole_goes_before(scripted: StartScript) -> None:
    server = await scripted(rest=knowing("CRC32"))
    async with client_for(server) as s3:
        await s3.upload_fileobj(
            DATA,
            "bucket",
            "key",
            {"ChecksumCRC32": "AAAAAA=="},
            config=TransferConfig(PART, 2, PART),
        )
    assert of_complete(server) == {f"{WHOLE}crc32": "AAAAAA=="}


async def test_p20_a_server_that_knows_no_checksums_is_told_of_none(scripted: StartScript) -> None:
    server = await scripted(rest=upload_step)
    async with client_for(server) as s3:
        await s3.put_multipart("bucket/key", EACH, part_size=PART, checksum="CRC32")
    assert of_complete(server) == {}
    assert b"<Checksum" not in server.requests[-1].body


@pytest.mark.parametrize("checksum", [False, None])
async def test_without_a_wish_parts_carry_none(scripted: StartScript, checksum: Any) -> None:
    config = ClientConfig(
        checksum=PARTS, request_checksum_calculation="when_required" if checksum is None else None
    )
    server = await scripted(rest=upload_step)
    async with client_for(server, config=config) as s3:
        await s3.put_multipart("bucket/key", [b"x"], checksum=checksum)
    for request in server.requests:
        assert not [name for name, _ in request.headers if "checksum" in name.lower()]
        assert request.header("x-amz-trailer") is None


def test_a_whole_of_parts() -> None:
    parts = [(len(part), value("CRC64NVME", part)) for part in EACH]
    assert full_checksum("CRC64NVME", parts) == value("CRC64NVME")
    assert full_checksum("CRC64NVME", []) == value("CRC64NVME", b"")
    for odd in (None, "", "sum", "AAAAAA==", b64encode(bytes(9)).decode(), f"{parts[1][1]}-1"):
        broken = [parts[0], (PART, odd), parts[2]]
        assert full_checksum("CRC64NVME", broken) is None


@pytest.mark.parametrize(("algorithm", "of_whole"), [("CRC64NVME", True), ("CRC32", False)])
async def test_an_upload_that_is_gone_on_with(
    scripted: StartScript, algorithm: str, of_whole: bool
) -> None:
    """Of CRC64NVME alone it is known that S3 makes a checksum of the bytes."""
    known = [
        UploadedPart(number, part_etag(number), len(part), {algorithm: value(algorithm, part)})
        for number, part in enumerate(EACH[:2], 1)
    ]
    server = await scripted(rest=knowing(algorithm))
    async with client_for(server) as s3:
        upload = MultipartUpload(s3._engine, "bucket", "key", headers={}, trailer=True)
        upload.attach("UP-1", known)
        await upload.send_part(3, BytesSource(EACH[2]))
        await upload.complete()
    frames = frames_of(server.requests[0])
    header = checksums.header_name(algorithm)
    assert (frames.data, frames.trailer[header]) == (EACH[2], value(algorithm, EACH[2]))
    assert of_complete(server) == ({header: value(algorithm)} if of_whole else {})


async def test_ten_thousand_parts_are_joined_without_holding_up_the_loop() -> None:
    known = PartChecksums(CIMultiDict(), "CRC64NVME", str)
    known.announce(CIMultiDict(), computed=True)
    empty = value("CRC64NVME", b"")
    for number in range(1, 10_001):
        known.arrived(number, 0, empty)
    known.arrived(5_000, len(DATA), value("CRC64NVME"))
    headers: CIMultiDict[str] = CIMultiDict()
    task = asyncio.create_task(known.complete(headers))
    turns = 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10
    assert dict(headers) == {f"{WHOLE}crc64nvme": value("CRC64NVME")}
