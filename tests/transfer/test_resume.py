"""A body that dies half-way goes on at the next byte (P7), and tries are counted exactly."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiohttp_s3_client import AwsDownloadError, ClientConfig, TransferConfig
from aiohttp_s3_client.errors import ObjectChanged, S3ConnectionError, S3TimeoutError, SlowDown

from ..servers.scripted import StartScript
from ..servers.steps import End, Recorded, Reply, Step, drop, raw, reply
from ..transport.scripts import ETAG, RangedObject, asked_range, client_for, error

DATA = hashlib.shake_128(b"resumed").digest(300_000)

pytestmark = pytest.mark.usefixtures("sink")


def breaking(cuts: Iterator[int | None], end: End) -> Step:
    """The stored object, each answer cut off after so many bytes."""
    stored = RangedObject(DATA)

    def answer(request: Recorded) -> Reply:
        cut = next(cuts, None)
        # The client has to see the bytes before the reset throws them away.
        how = {"cut": cut, "end": end, "piece": 10_000, "pause": 0.005} if cut is not None else {}
        return stored(request, **how)

    return answer


@pytest.mark.parametrize("end", ["close", "reset"])
async def test_p07_it_is_resumed_at_the_next_byte(
    scripted: StartScript, tmp_path: Path, end: End
) -> None:
    server = await scripted(rest=breaking(iter([50_000, 100_000]), end))
    async with client_for(server) as client:
        await client.get_file_parallel("bucket/key", tmp_path / "file", workers_count=1)
    assert (tmp_path / "file").read_bytes() == DATA
    asked = [asked_range(request, len(DATA)) for request in server.requests]
    starts = [start for start, _ in filter(None, asked)]
    if end == "close":
        assert starts == [0, 50_000, 150_000]
    else:
        assert len(starts) == 3
        assert 0 < starts[1] <= 50_000
        assert starts[1] < starts[2] <= starts[1] + 100_000
    assert [request.header("If-Match") for request in server.requests] == [None, ETAG, ETAG]


async def test_p07_an_object_that_was_replaced_meanwhile_is_not_resumed(
    scripted: StartScript, tmp_path: Path
) -> None:
    server = await scripted(breaking(iter([50_000]), "close"), rest=RangedObject(DATA, '"another"'))
    async with client_for(server) as client:
        with pytest.raises(ObjectChanged):
            await client.get_file_parallel("bucket/key", tmp_path / "file")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("tries", [1, 2])
async def test_p07_attempts_that_bring_bytes_are_not_counted(
    scripted: StartScript, tmp_path: Path, tries: int
) -> None:
    """Twelve answers break off, each after some bytes; with one try it still succeeds."""
    server = await scripted(rest=breaking(iter([20_000] * 12), "close"))
    async with client_for(server) as client:
        await client.get_file_parallel(
            "bucket/key", tmp_path / "file", workers_count=1, range_get_tries=tries
        )
    assert (tmp_path / "file").read_bytes() == DATA
    assert len(server.requests) == 13


@pytest.mark.parametrize("tries", [1, 2, 3])
@pytest.mark.parametrize("fault", ["empty", "drop", "503"])
async def test_p07_tries_are_counted_exactly(
    scripted: StartScript, tmp_path: Path, tries: int, fault: str
) -> None:
    """The pipeline's attempts and the range's tries never multiply, whatever goes wrong."""
    faults: dict[str, Step] = {
        "empty": lambda request: RangedObject(DATA)(request, cut=0, end="close"),
        "drop": drop(),
        "503": error(503, "SlowDown"),
    }
    server = await scripted(rest=faults[fault])
    config = ClientConfig(max_attempts=5)
    async with client_for(server, config=config) as client:
        with pytest.raises((S3ConnectionError, SlowDown)) as caught:
            await client.get_file_parallel(
                "bucket/key", tmp_path / "file", range_get_tries=tries, workers_count=2
            )
    assert len(server.requests) == tries
    assert f"(after {tries} attempt" in str(caught.value) or tries == 1
    if fault == "503":
        assert isinstance(caught.value, AwsDownloadError)
    assert not list(tmp_path.iterdir())


async def test_p07_mixed_faults_share_one_count(scripted: StartScript, tmp_path: Path) -> None:
    empty = RangedObject(DATA)
    server = await scripted(
        error(500, "InternalError"),
        lambda request: empty(request, cut=0, end="close"),
        drop(),
    )
    async with client_for(server) as client:
        with pytest.raises(S3ConnectionError):
            await client.get_file_parallel("bucket/key", tmp_path / "file")
    assert len(server.requests) == 3


@pytest.mark.parametrize(("fruitless", "arrives"), [(2, True), (3, False)])
async def test_p07_only_the_attempt_that_brought_bytes_is_free(
    scripted: StartScript, tmp_path: Path, fruitless: int, arrives: bool
) -> None:
    """Three tries: what failed before and after counts together, per range."""
    stored = RangedObject(DATA)
    part: Step = lambda request: stored(request, cut=1000, end="close")  # noqa: E731  # a step
    server = await scripted(
        drop(), part, *[drop()] * (fruitless - 1), rest=stored, allow_unexpected=True
    )
    path = tmp_path / "file"
    async with client_for(server) as client:
        if arrives:
            await client.get_file_parallel("bucket/key", path, range_get_tries=3)
            assert path.read_bytes() == DATA
        else:
            with pytest.raises(S3ConnectionError) as caught:
                await client.get_file_parallel("bucket/key", path, range_get_tries=3)
            assert caught.value.attempts == 4
    assert len(server.requests) == 4


async def test_p07_one_range_of_many(scripted: StartScript, tmp_path: Path) -> None:
    stored = RangedObject(DATA)
    broken: list[str | None] = []

    def answer(request: Recorded) -> Reply:
        start, _ = asked_range(request, len(DATA)) or (0, 0)
        if start in (40_000, 200_000):
            broken.append(request.header("Range"))
            return stored(request, cut=7_000, end="reset", piece=1_000, pause=0.005)
        return stored(request)

    server = await scripted(rest=answer)
    async with client_for(server) as client:
        await client.get_file_parallel(
            "bucket/key", tmp_path / "file", range_step=40_000, workers_count=8
        )
    assert (tmp_path / "file").read_bytes() == DATA
    assert len(broken) == 2
    assert len(server.requests) == 8 + 2


@pytest.mark.parametrize("announced", [True, False])
async def test_p07_a_whole_answer_that_breaks_off_is_fetched_again(
    scripted: StartScript, tmp_path: Path, announced: bool
) -> None:
    """From a server without ranges everything comes again; what is there already is left out."""
    how = {"cut": 100_000, "end": "close", "chunked": not announced, "piece": 10_000}
    whole = {"chunked": not announced, "piece": 10_000}
    server = await scripted(
        reply(200, {"ETag": ETAG}, DATA, **how),  # type: ignore[arg-type]
        reply(200, {"ETag": ETAG}, DATA, **whole),  # type: ignore[arg-type]
    )
    async with client_for(server) as client:
        await client.get_file_parallel("bucket/key", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == DATA


async def test_p07_a_whole_answer_never_mixes_two_versions(
    scripted: StartScript, tmp_path: Path
) -> None:
    server = await scripted(
        reply(200, {"ETag": ETAG}, DATA, chunked=True, piece=10_000, cut=100_000, end="close"),
        reply(200, {"ETag": '"other"'}, bytes(len(DATA)), chunked=True, piece=10_000),
    )
    async with client_for(server) as client:
        with pytest.raises(ObjectChanged):
            await client.get_file_parallel("bucket/key", tmp_path / "file")
    assert not list(tmp_path.iterdir())


async def test_p07_a_body_that_stalls_is_resumed(scripted: StartScript, tmp_path: Path) -> None:
    stored = RangedObject(DATA)
    server = await scripted(lambda request: stored(request, piece=100_000, pause=3.0), rest=stored)
    async with client_for(server, config=ClientConfig(read_timeout=0.3)) as client:
        await client.get_file_parallel("bucket/key", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == DATA
    assert server.requests[1].header("Range") == f"bytes=100000-{8 * 1024 * 1024 - 1}" or (
        server.requests[1].header("Range") == f"bytes=100000-{len(DATA) - 1}"
    )


async def test_p07_a_body_that_always_stalls_is_a_timeout(
    scripted: StartScript, tmp_path: Path
) -> None:
    stored = RangedObject(DATA)
    server = await scripted(
        rest=lambda request: stored(request, cut=0, piece=1, delay=2.0), allow_unexpected=True
    )
    async with client_for(server, config=ClientConfig(read_timeout=0.2)) as client:
        with pytest.raises(S3TimeoutError):
            await client.get_file_parallel("bucket/key", tmp_path / "file", range_get_tries=2)
    assert len(server.requests) == 2


async def test_p07_a_body_whose_framing_breaks_is_resumed(
    scripted: StartScript, tmp_path: Path
) -> None:
    head = (
        f"HTTP/1.1 206 Partial Content\r\nETag: {ETAG}\r\nTransfer-Encoding: chunked\r\n"
        f"Content-Range: bytes 0-{len(DATA) - 1}/{len(DATA)}\r\n\r\n"
    ).encode()
    server = await scripted(
        raw(head + b"3e8\r\n" + DATA[:1000] + b"\r\nnonsense\r\n"), rest=RangedObject(DATA)
    )
    async with client_for(server) as client:
        await client.get_file_parallel("bucket/key", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == DATA


async def test_p07_a_reader_that_is_busy_when_the_framing_breaks_goes_on(
    scripted: StartScript,
) -> None:
    """aiohttp then has no error for it but a RuntimeError about a closed connection."""
    head = (
        f"HTTP/1.1 206 Partial Content\r\nETag: {ETAG}\r\nTransfer-Encoding: chunked\r\n"
        f"Content-Range: bytes 0-1199/{len(DATA)}\r\n\r\n"
    ).encode()
    chunk = b"3e8\r\n" + DATA[:1000] + b"\r\n"
    broken = Reply(head=head, body=chunk + b"nonsense\r\n", piece=len(chunk), pause=0.05)
    server = await scripted(broken, rest=RangedObject(DATA))
    slow = TransferConfig(max_bandwidth=4_000)
    async with client_for(server) as client:
        assert await client.get_bytes("bucket", "key", (0, 1200), config=slow) == DATA[:1200]
