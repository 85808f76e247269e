"""What a download is held to: S3's checksum of the whole, of each part, an MD5, or nothing."""

from __future__ import annotations

import hashlib
import random
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from aiohttp_s3_client.config import TransferConfig
from aiohttp_s3_client.errors import ChecksumMismatch
from aiohttp_s3_client.models import DownloadResult
from aiohttp_s3_client.protocol import checksums

from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import Recorded, Reply, Step, reply
from ..transport.scripts import RangedObject, asked_range, client_for, error

KIB = 1024
SIZE = 500_000
DATA = random.Random(23).randbytes(SIZE)
CHUNK = 100 * KIB
ETAG = '"stored-1"'
CRCS = ["CRC32", "CRC32C", "CRC64NVME"]


def whole(algorithm: str, data: bytes = DATA) -> dict[str, str]:
    """The headers of an object with a checksum of all its bytes."""
    value = checksums.encode(checksums.compute(algorithm, data))
    return {
        f"x-amz-checksum-{algorithm.lower()}": value,
        "x-amz-checksum-type": "FULL_OBJECT",
    }


def head(
    headers: Mapping[str, str], *, etag: str = ETAG, size: int = SIZE, status: int = 200
) -> Reply:
    """An answer to HeadObject."""
    return reply(status, {"ETag": etag, "Content-Length": str(size), **headers})


def config(**how: Any) -> TransferConfig:
    return TransferConfig(
        **{
            "multipart_chunksize": CHUNK,
            "multipart_threshold": CHUNK,
            "max_concurrency": 4,
            "num_download_attempts": 2,
            **how,
        }
    )


async def fetch(server: ScriptedServer, path: Path, **how: Any) -> DownloadResult:
    async with client_for(server) as client:
        return await client.download_file("bucket", "key", path, config=config(**how))


async def refused(server: ScriptedServer, folder: Path, **how: Any) -> ChecksumMismatch:
    """The mismatch of a download that leaves nothing behind."""
    path = folder / "file"
    with pytest.raises(ChecksumMismatch) as caught:
        await fetch(server, path, **how)
    assert not list(folder.iterdir())
    return caught.value


def shuffled(stored: RangedObject) -> Step:
    """The first ranges are answered last."""
    delays = iter([0.0, 0.03, 0.02, 0.01, 0.0])
    return lambda request: stored(request, delay=next(delays, 0.0), piece=30_000, pause=0.001)


def corrupted(at: int) -> RangedObject:
    data = bytearray(DATA)
    data[at] ^= 1
    return RangedObject(bytes(data), ETAG)


@pytest.fixture(params=["0", "1"], ids=["fast", "plain"], autouse=True)
def roads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIOS3_PLAIN", request.param)


# Checksums of the whole


@pytest.mark.parametrize("algorithm", CRCS)
async def test_a_crc_of_the_whole_in_any_order(
    scripted: StartScript, tmp_path: Path, algorithm: str
) -> None:
    server = await scripted(rest=shuffled(RangedObject(DATA, ETAG)), inquiry=head(whole(algorithm)))
    result = await fetch(server, tmp_path / "file")
    assert result.verified is True
    assert (tmp_path / "file").read_bytes() == DATA
    assert len(server.inquiries) == 1
    assert server.inquiries[0].header("If-Match") == ETAG


@pytest.mark.parametrize(
    ("algorithm", "at"), [("CRC32", 0), ("CRC32C", CHUNK), ("CRC64NVME", SIZE - 1)]
)
@pytest.mark.parametrize("late", [0.0, 0.1], ids=["HEAD at once", "HEAD last"])
async def test_one_wrong_bit_and_nothing_appears(
    scripted: StartScript, tmp_path: Path, algorithm: str, late: float, at: int
) -> None:
    said = reply(200, {"ETag": ETAG, "Content-Length": str(SIZE), **whole(algorithm)}, delay=late)
    server = await scripted(rest=shuffled(corrupted(at)), inquiry=said)
    failed = await refused(server, tmp_path)
    assert algorithm in str(failed)
    assert "bucket/key" in str(failed)


async def test_two_ranges_that_changed_places(scripted: StartScript, tmp_path: Path) -> None:
    """Every byte is right, and none is where it belongs: only the order betrays it."""
    swapped = DATA[CHUNK : 2 * CHUNK] + DATA[:CHUNK] + DATA[2 * CHUNK :]
    server = await scripted(rest=RangedObject(swapped, ETAG), inquiry=head(whole("CRC64NVME")))
    await refused(server, tmp_path)


@pytest.mark.parametrize("algorithm", sorted({*checksums.ALGORITHMS} - {*CRCS}))
async def test_a_hash_of_the_whole_is_read_back(
    scripted: StartScript, tmp_path: Path, algorithm: str
) -> None:
    inquiry = head(whole(algorithm))
    server = await scripted(rest=shuffled(RangedObject(DATA, ETAG)), inquiry=inquiry)
    result = await fetch(server, tmp_path / "file")
    assert result.verified is True
    server = await scripted(rest=corrupted(SIZE // 2), inquiry=inquiry)
    (tmp_path / "file").unlink()
    await refused(server, tmp_path)


async def test_one_range_that_is_the_whole_needs_no_head(
    scripted: StartScript, tmp_path: Path
) -> None:
    small = DATA[:50_000]
    stored = RangedObject(small, ETAG)
    server = await scripted(rest=lambda r: stored(r, headers=whole("CRC32C", small)))
    result = await fetch(server, tmp_path / "file")
    assert result.verified is True
    assert (len(server.requests), len(server.inquiries)) == (1, 0)
    wrong = RangedObject(b"!" + small[1:], ETAG)
    server = await scripted(rest=lambda r: wrong(r, headers=whole("CRC32C", small)))
    (tmp_path / "file").unlink()
    await refused(server, tmp_path)


async def test_a_checksum_beside_a_part_of_the_object_is_not_the_wholes(
    scripted: StartScript, tmp_path: Path
) -> None:
    """Some servers send one with every range: it does not count, the HEAD does."""
    stored = RangedObject(DATA, ETAG)
    server = await scripted(
        rest=lambda r: stored(r, headers=whole("CRC32", b"something else")),
        inquiry=head(whole("CRC32")),
    )
    result = await fetch(server, tmp_path / "file")
    assert result.verified is True
    assert len(server.inquiries) == 1


async def test_a_body_resumed_in_the_middle_is_held_to_it_too(
    scripted: StartScript, tmp_path: Path
) -> None:
    stored = RangedObject(DATA, ETAG)
    server = await scripted(
        lambda r: stored(r, cut=70_000), rest=stored, inquiry=head(whole("CRC64NVME"))
    )
    result = await fetch(server, tmp_path / "file")
    assert result.verified is True
    assert (tmp_path / "file").read_bytes() == DATA


@pytest.mark.parametrize("threads", [True, False])
async def test_into_memory(scripted: StartScript, threads: bool) -> None:
    server = await scripted(rest=RangedObject(DATA, ETAG), inquiry=head(whole("CRC64NVME")))
    async with client_for(server) as client:
        buffer = bytearray(SIZE + 10)
        how = config(use_threads=threads)
        result = await client.get_into("bucket", "key", buffer, config=how)
        assert (result.size, result.verified) == (SIZE, True)
        assert buffer[:SIZE] == DATA
    server = await scripted(rest=corrupted(7), inquiry=head(whole("CRC64NVME")))
    async with client_for(server) as client:
        with pytest.raises(ChecksumMismatch):
            await client.get_into("bucket", "key", buffer, config=how)
        with pytest.raises(ChecksumMismatch):
            await client.get_bytes("bucket", "key", config=how)


# Composite ones

PARTS = (200_000, 200_000, 100_000)


def cut() -> list[bytes]:
    found, start = [], 0
    for size in PARTS:
        found.append(DATA[start : start + size])
        start += size
    return found


def composite(algorithm: str) -> dict[str, str]:
    digests = [checksums.compute(algorithm, part) for part in cut()]
    return {
        f"x-amz-checksum-{algorithm.lower()}": checksums.composite(algorithm, digests),
        "x-amz-checksum-type": "COMPOSITE",
    }


def attributes(algorithm: str, first: int, last: int, *, values: bool = True) -> Reply:
    """A page of GetObjectAttributes: parts number *first* to *last*."""
    rows = ""
    for number, part in list(enumerate(cut(), 1))[first - 1 : last]:
        value = checksums.encode(checksums.compute(algorithm, part))
        shown = f"<Checksum{algorithm}>{value}</Checksum{algorithm}>" if values else ""
        rows += f"<Part><PartNumber>{number}</PartNumber><Size>{len(part)}</Size>{shown}</Part>"
    more = last < len(PARTS)
    return reply(
        200,
        {"Content-Type": "application/xml"},
        "<GetObjectAttributesResponse><ObjectParts>"
        f"<PartsCount>{len(PARTS)}</PartsCount><IsTruncated>{str(more).lower()}</IsTruncated>"
        f"<NextPartNumberMarker>{last}</NextPartNumberMarker>{rows}"
        "</ObjectParts></GetObjectAttributesResponse>",
    )


def with_attributes(stored: RangedObject, *pages: Reply) -> Step:
    left = list(pages)

    def answer(request: Recorded) -> Step:
        return left.pop(0) if "attributes" in request.target else stored(request)

    return answer


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA256", "MD5", "XXHASH3"])
@pytest.mark.parametrize("values", [True, False], ids=["parts' own", "sizes alone"])
async def test_a_composite_by_the_objects_attributes(
    scripted: StartScript, tmp_path: Path, algorithm: str, values: bool
) -> None:
    pages = attributes(algorithm, 1, 2, values=values), attributes(algorithm, 3, 3, values=values)
    inquiry = head(composite(algorithm))
    server = await scripted(rest=with_attributes(RangedObject(DATA, ETAG), *pages), inquiry=inquiry)
    result = await fetch(server, tmp_path / "file")
    assert result.verified is True
    asked = [r for r in server.requests if "attributes" in r.target]
    assert [r.header("x-amz-part-number-marker") for r in asked] == [None, "2"]
    (tmp_path / "file").unlink()
    server = await scripted(rest=with_attributes(corrupted(450_000), *pages), inquiry=inquiry)
    failed = await refused(server, tmp_path)
    assert ("part 3" in str(failed)) is values
    assert failed.part == (3 if values else None)


async def test_a_composite_by_a_head_for_each_part(scripted: StartScript, tmp_path: Path) -> None:
    def inquiry(request: Recorded) -> Step:
        _, _, number = request.target.partition("partNumber=")
        if not number:
            return head(composite("CRC32"))
        size = PARTS[int(number) - 1]
        return head({"x-amz-mp-parts-count": "3"}, size=size, status=206)

    stored = RangedObject(DATA, ETAG)
    refusal = error(501, "NotImplemented")
    server = await scripted(rest=with_attributes(stored, refusal), inquiry=inquiry)
    result = await fetch(server, tmp_path / "file")
    assert result.verified is True
    assert len(server.inquiries) == 4
    (tmp_path / "file").unlink()
    server = await scripted(rest=with_attributes(corrupted(0), refusal), inquiry=inquiry)
    await refused(server, tmp_path)


async def test_a_composite_whose_parts_nobody_knows(scripted: StartScript, tmp_path: Path) -> None:
    stored = RangedObject(DATA, ETAG)
    server = await scripted(
        rest=with_attributes(stored, error(403, "AccessDenied")),
        inquiry=lambda r: reply(404) if "partNumber" in r.target else head(composite("CRC32")),
    )
    result = await fetch(server, tmp_path / "file")
    assert result.verified is None
    assert (tmp_path / "file").read_bytes() == DATA


async def test_an_empty_object_of_one_empty_part(scripted: StartScript, tmp_path: Path) -> None:
    value = checksums.composite("SHA256", [hashlib.sha256().digest()])
    said = {"x-amz-checksum-sha256": value, "x-amz-checksum-type": "COMPOSITE"}
    page = reply(
        200,
        {},
        "<GetObjectAttributesResponse><ObjectParts><PartsCount>1</PartsCount>"
        "<IsTruncated>false</IsTruncated>"
        "<Part><PartNumber>1</PartNumber><Size>0</Size></Part>"
        "</ObjectParts></GetObjectAttributesResponse>",
    )
    server = await scripted(
        rest=with_attributes(RangedObject(b"", ETAG), page), inquiry=head(said, size=0)
    )
    result = await fetch(server, tmp_path / "file")
    assert (result.size, result.verified) == (0, True)


# MD5


def md5(data: bytes = DATA) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'


SMALL = DATA[:60_000]


async def test_an_md5_of_one_range(scripted: StartScript, tmp_path: Path) -> None:
    server = await scripted(rest=RangedObject(SMALL, md5(SMALL)))
    result = await fetch(server, tmp_path / "file")
    assert result.verified is True
    assert not server.inquiries
    server = await scripted(rest=RangedObject(b"!" + SMALL[1:], md5(SMALL)))
    (tmp_path / "file").unlink()
    await refused(server, tmp_path)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amz-server-side-encryption": "aws:kms"},
        {"x-amz-server-side-encryption": "aws:kms:dsse"},
        {"x-amz-server-side-encryption-customer-algorithm": "AES256"},
    ],
)
async def test_what_looks_like_an_md5_and_is_none(
    scripted: StartScript, tmp_path: Path, headers: dict[str, str]
) -> None:
    other = RangedObject(SMALL, md5(b"the encrypted bytes"))
    server = await scripted(
        rest=lambda r: other(r, headers=headers),
        inquiry=head(headers, etag=other.etag, size=len(SMALL)),
    )
    result = await fetch(server, tmp_path / "file")
    assert result.verified is None
    assert (tmp_path / "file").read_bytes() == SMALL


async def test_an_md5_under_s3s_own_key_counts(scripted: StartScript, tmp_path: Path) -> None:
    stored = RangedObject(SMALL, md5(SMALL))
    server = await scripted(
        rest=lambda r: stored(r, headers={"x-amz-server-side-encryption": "AES256"})
    )
    assert (await fetch(server, tmp_path / "file")).verified is True


async def test_a_large_objects_md5_on_request(scripted: StartScript, tmp_path: Path) -> None:
    stored, inquiry = RangedObject(DATA, md5()), head({}, etag=md5())
    server = await scripted(rest=stored, inquiry=inquiry)
    assert (await fetch(server, tmp_path / "file")).verified is None
    assert (await fetch(server, tmp_path / "file", checksum=True)).verified is True
    wrong = RangedObject(DATA[:-1] + b"!", md5())
    server = await scripted(rest=wrong, inquiry=inquiry)
    (tmp_path / "file").unlink()
    await refused(server, tmp_path, checksum=True)


# Nothing


@pytest.mark.parametrize(
    "inquiry",
    [
        reply(403),
        reply(404),
        reply(412),
        head({}),
        head(whole("CRC32"), etag='"another"'),
        head({"x-amz-checksum-crc32": "nonsense"}),
        head({"x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-type": "COMPOSITE"}),
    ],
    ids=["403", "404", "412", "no checksum", "another object", "no base64", "contradiction"],
)
async def test_nothing_usable_is_offered(
    scripted: StartScript, tmp_path: Path, inquiry: Reply
) -> None:
    server = await scripted(rest=RangedObject(DATA, ETAG), inquiry=inquiry)
    result = await fetch(server, tmp_path / "file")
    assert result.verified is None
    assert (tmp_path / "file").read_bytes() == DATA


@pytest.mark.usefixtures("no_packages_for_checksums")
async def test_what_python_would_need_long_for_is_left_unverified(
    scripted: StartScript, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Above 1 MiB, said once for each algorithm; what is offered beside it and can be had counts,
    and so does a CRC32, which zlib computes."""
    large = RangedObject(bytes(checksums.SLOW_LIMIT + 1), ETAG)

    async def verified(*algorithms: str) -> bool | None:
        said = {k: v for each in algorithms for k, v in whole(each, b"another").items()}
        offered = head(said, size=len(large.data))
        server = await scripted(rest=large, inquiry=offered)
        return (await fetch(server, tmp_path / "file")).verified

    for algorithm in ("CRC64NVME", "CRC32C", "CRC64NVME"):
        assert await verified(algorithm) is None
    assert (tmp_path / "file").read_bytes() == large.data
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "objects above 1 MiB are not verified by their CRC64NVME",
        "objects above 1 MiB are not verified by their CRC32C",
    ]
    for offered in (["CRC64NVME", "CRC32"], ["CRC64NVME", "SHA512"]):
        with pytest.raises(ChecksumMismatch):
            await verified(*offered)


@pytest.mark.usefixtures("no_packages_for_checksums")
async def test_an_xxhash_without_its_package(
    scripted: StartScript, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    value = {"x-amz-checksum-xxhash64": "AAAAAAAAAAA=", "x-amz-checksum-type": "FULL_OBJECT"}
    server = await scripted(rest=RangedObject(DATA, ETAG), inquiry=head(value))
    assert (await fetch(server, tmp_path / "file")).verified is None
    assert "objects are not verified by their XXHASH64" in caplog.text


async def test_nothing_was_asked(scripted: StartScript, tmp_path: Path) -> None:
    server = await scripted(rest=RangedObject(DATA, ETAG), inquiry=head(whole("CRC32", b"other")))
    result = await fetch(server, tmp_path / "file", checksum=False)
    assert result.verified is False
    assert not server.inquiries


async def test_a_head_that_hangs_goes_with_its_download(
    scripted: StartScript, tmp_path: Path
) -> None:
    """The ranges fail: nobody waits for the HEAD beside them."""

    def fail(request: Recorded) -> Step:
        start, _ = asked_range(request, SIZE) or (0, 0)
        return RangedObject(DATA, ETAG)(request) if not start else error(403, "AccessDenied")

    late = reply(200, {"ETag": ETAG}, delay=30)
    server = await scripted(rest=fail, inquiry=late)
    async with client_for(server) as client:
        with pytest.raises(Exception, match="AccessDenied"):
            await client.download_file("bucket", "key", tmp_path / "file", config=config())
    assert not list(tmp_path.iterdir())


async def test_a_customers_key_goes_with_the_head(scripted: StartScript, tmp_path: Path) -> None:
    key = "k" * 32
    server = await scripted(rest=RangedObject(DATA, ETAG), inquiry=head(whole("CRC32C")))
    async with client_for(server) as client:
        result = await client.download_file(
            "bucket",
            "key",
            tmp_path / "file",
            extra_args={"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key},
            config=config(),
        )
    assert result.verified is True
    asked = server.inquiries[0]
    assert (
        asked.header("x-amz-server-side-encryption-customer-key")
        == b64encode(key.encode()).decode()
    )
    assert asked.header("x-amz-server-side-encryption-customer-algorithm") == "AES256"
