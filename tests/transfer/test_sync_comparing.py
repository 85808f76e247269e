"""When a file is transferred although there is one of its name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict

from aiohttp_s3_client.config import MIB, TransferConfig
from aiohttp_s3_client.errors import S3ConnectionError
from aiohttp_s3_client.protocol import checksums
from aiohttp_s3_client.transfer.sync.comparing import (
    Asked,
    Compare,
    asking_headers,
    differs,
    same_file,
    same_object,
)
from aiohttp_s3_client.transfer.sync.entries import Entry
from tests.servers.scripted import ScriptedServer
from tests.servers.steps import Recorded, Reply, Step, drop, reply
from tests.transport.scripts import client_for, error

Scripted = Callable[..., Awaitable[ScriptedServer]]

DATA = bytes(range(256)) * 64
SIZE = len(DATA)
MD5 = hashlib.md5(DATA).hexdigest()
OTHER = "0" * 32
CONFIG = TransferConfig()


def of_parts(data: bytes, part_size: int) -> str:
    digests = [
        hashlib.md5(data[start : start + part_size]).digest()
        for start in range(0, len(data), part_size)
    ]
    return f'"{hashlib.md5(b"".join(digests)).hexdigest()}-{len(digests)}"'


def entry(etag: str | None = None, size: int = SIZE, mtime_ns: int = 0) -> Entry:
    return Entry("name", size, mtime_ns, etag)


@pytest.mark.parametrize(
    ("compare", "source", "target", "expected"),
    [
        ("time", (5, 100), (5, 100), False),
        ("time", (5, 100), (5, 101), False),
        ("time", (5, 101), (5, 100), True),
        ("time", (5, 100), (6, 101), True),
        ("size", (5, 101), (5, 100), False),
        ("size", (4, 100), (5, 100), True),
        ("checksum", (5, 101), (5, 100), None),
        ("checksum", (4, 100), (5, 100), True),
        ("checksum", (0, 101), (0, 100), False),
    ],
)
def test_differs(
    compare: Compare, source: tuple[int, int], target: tuple[int, int], expected: bool | None
) -> None:
    ours, theirs = (Entry("name", size, mtime, None) for size, mtime in (source, target))
    assert differs(compare, ours, theirs) is expected


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(DATA)
    os.utime(path, (1, 1))  # A later change shows, however coarse the system's clock is.
    return path


@pytest.fixture
async def asked(
    scripted: Scripted, plain_session: aiohttp.ClientSession
) -> Callable[[Step], Awaitable[tuple[Asked, ScriptedServer]]]:
    """``await asked(step)``: an object of a server that answers each HEAD so."""

    async def start(step: Step) -> tuple[Asked, ScriptedServer]:
        server = await scripted(inquiry=step, rest=step)
        client = client_for(server, plain_session)
        return Asked(client._engine, "bucket", "name", CIMultiDict()), server

    return start


Ask = Callable[[Step], Awaitable[tuple[Asked, ScriptedServer]]]


def told(etag: str, size: int = SIZE, /, **headers: str) -> Reply:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return reply(200, {"ETag": etag, "Content-Length": str(size), **fields})


def crc32(data: bytes = DATA) -> str:
    return checksums.encode(checksums.compute("CRC32", data))


# --- a file and an object


async def test_an_etag_that_is_the_md5(file: Path, asked: Ask) -> None:
    """Nothing has to be asked."""
    place, server = await asked(error(500, "InternalError"))
    for etag in (f'"{MD5}"', MD5):
        assert await same_file(file, entry(etag), place, CONFIG)
    assert not server.inquiries


async def test_an_etag_that_is_no_md5_of_it(file: Path, asked: Ask) -> None:
    place, _ = await asked(told(f'"{OTHER}"'))
    assert not await same_file(file, entry(f'"{OTHER}"'), place, CONFIG)


@pytest.mark.parametrize(("value", "same"), [(crc32(), True), (crc32(b"else"), False)])
@pytest.mark.parametrize("etag", [f'"{OTHER}"', f'"{OTHER}-3"', '"whatever"'])
async def test_a_checksum_of_the_full_object(
    file: Path, asked: Ask, value: str, same: bool, etag: str
) -> None:
    """It decides where the ETag does not, as under KMS."""
    place, server = await asked(
        told(etag, x_amz_checksum_crc32=value, x_amz_checksum_type="FULL_OBJECT")
    )
    assert await same_file(file, entry(etag), place, CONFIG) is same
    assert server.inquiries[0].header("x-amz-checksum-mode") == "ENABLED"


async def test_an_etag_of_parts(file: Path, asked: Ask) -> None:
    """P6: of the answer about the first part only the length counts, not the ETag."""
    etag = of_parts(DATA, 5000)

    def answer(request: Recorded) -> Reply:
        if "partNumber=1" not in request.target:
            return told(etag)
        return reply(206, {"ETag": f'"{MD5}"', "Content-Length": "5000"})

    place, server = await asked(answer)
    assert await same_file(file, entry(etag), place, CONFIG)
    assert len(server.inquiries) == 2
    changed = DATA[:-1] + b"\0"
    file.write_bytes(changed)
    assert not await same_file(file, entry(etag), place, CONFIG)


@pytest.mark.parametrize("part_size", [5 * MIB, 8 * MIB])
async def test_an_etag_of_parts_of_a_size_that_is_usual(
    tmp_path: Path, asked: Ask, part_size: int
) -> None:
    """Where the server answers with the whole object, as some do."""
    data = bytes(part_size) + b"the rest"
    path = tmp_path / "large"
    path.write_bytes(data)
    etag = of_parts(data, part_size)
    place, _ = await asked(told(etag, len(data)))
    config = TransferConfig(multipart_chunksize=5 * MIB)
    assert await same_file(path, entry(etag, len(data)), place, config)


async def test_an_etag_of_one_part(file: Path, asked: Ask) -> None:
    etag = of_parts(DATA, SIZE)
    place, server = await asked(told(etag))
    assert await same_file(file, entry(etag), place, CONFIG)
    assert len(server.inquiries) == 1


@pytest.mark.parametrize(
    "step",
    [
        told('"another"'),
        told(f'"{OTHER}-2"'),
        reply(404),
        reply(403),
        told(
            f'"{OTHER}-2"', x_amz_checksum_sha256="x" * 43 + "=-2", x_amz_checksum_type="COMPOSITE"
        ),
        told(f'"{OTHER}-2"', x_amz_checksum_crc32="nonsense"),
    ],
)
async def test_what_cannot_be_compared_is_different(file: Path, asked: Ask, step: Step) -> None:
    place, _ = await asked(step)
    assert not await same_file(file, entry(f'"{OTHER}-2"'), place, CONFIG)


async def test_no_answer_is_an_error(file: Path, asked: Ask) -> None:
    place, _ = await asked(drop())
    with pytest.raises(S3ConnectionError):
        await same_file(file, entry(f'"{OTHER}-2"'), place, CONFIG)


async def test_a_file_that_is_no_longer_what_was_listed(file: Path, asked: Ask) -> None:
    place, _ = await asked(told(f'"{MD5}"'))
    listed = entry(f'"{MD5}"')
    file.write_bytes(DATA[1:])
    assert not await same_file(file, listed, place, CONFIG)
    file.unlink()
    assert not await same_file(file, listed, place, CONFIG)
    file.mkdir()
    assert not await same_file(file, listed, place, CONFIG)


@pytest.mark.parametrize("change", [lambda p: p.write_bytes(b"?"), lambda p: p.write_bytes(DATA)])
async def test_a_file_that_changes_meanwhile(
    file: Path, asked: Ask, change: Callable[[Path], Any]
) -> None:
    """Also when it becomes the same again: nobody knows what was read."""
    etag = of_parts(DATA, 8000)

    def answer(request: Recorded) -> Reply:
        if "partNumber=1" not in request.target:
            return told(etag)
        change(file)
        return reply(206, {"Content-Length": "8000"})

    place, _ = await asked(answer)
    assert not await same_file(file, entry(etag), place, CONFIG)


# --- two objects


async def test_objects_with_one_etag(asked: Ask) -> None:
    place, server = await asked(error(500, "InternalError"))
    assert await same_object(entry(f'"{OTHER}-2"'), entry(f"{OTHER}-2"), (place, place))
    assert not server.inquiries


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ({"crc32": crc32()}, {"crc32": crc32()}, True),
        ({"crc32": crc32()}, {"crc32": crc32(b"else")}, False),
        ({"crc32": crc32()}, {"sha256": "A" * 43 + "="}, False),
        ({"crc32": f"{crc32()}-2"}, {"crc32": f"{crc32()}-2"}, False),
        ({}, {}, False),
    ],
)
async def test_objects_by_their_checksums(
    asked: Ask, ours: dict[str, str], theirs: dict[str, str], same: bool
) -> None:
    places = []
    for etag, values in (('"a"', ours), ('"b"', theirs)):
        headers = {f"x-amz-checksum-{name}": value for name, value in values.items()}
        places.append((await asked(told(etag, **headers)))[0])
    assert await same_object(entry('"a"'), entry('"b"'), (places[0], places[1])) is same


async def test_objects_of_which_too_little_is_known(asked: Ask) -> None:
    place, _ = await asked(told('"b"'))
    refused, _ = await asked(reply(403))
    assert not await same_object(entry('"a"'), entry('"b"'), (place, refused))
    assert not await same_object(entry(None), entry(None), (place, place))


def test_what_a_question_needs_of_the_headers() -> None:
    key = "x-amz-server-side-encryption-customer-key"
    given = {
        "x-amz-request-payer": "requester",
        key: "secret",
        "Content-Type": "x",
        "If-Match": "y",
    }
    headers = asking_headers(CIMultiDict(given))
    assert set(headers) == {"x-amz-request-payer", key}


async def test_a_customers_key_is_not_shown(asked: Ask) -> None:
    place, _ = await asked(reply(404))
    key = {"x-amz-server-side-encryption-customer-key": "c2VjcmV0"}
    assert "c2VjcmV0" not in repr(place._replace(headers=CIMultiDict(key)))
