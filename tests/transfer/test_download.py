"""``get_file_parallel``: one object of one version, whole or not at all (P5)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiohttp_s3_client.errors import (
    InvalidRange,
    ObjectChanged,
    PreconditionFailed,
    S3ConnectionError,
    S3Error,
)

from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import Recorded, Reply, Step, reply
from ..transport.scripts import ETAG, RangedObject, asked_range, client_for, error

DATA = hashlib.shake_128(b"data").digest(10_000)
STEP = 1000

pytestmark = pytest.mark.usefixtures("sink")


async def fetch(
    server: ScriptedServer, path: Path, *, step: int = STEP, workers: int = 4, tries: int = 3
) -> None:
    async with client_for(server) as client:
        await client.get_file_parallel(
            "bucket/key", path, range_step=step, workers_count=workers, range_get_tries=tries
        )


def by_range(good: RangedObject, bad: Callable[[Recorded, int], Step | None]) -> Step:
    """*good*, but for the ranges that *bad* has another answer to; it is given their start."""

    def answer(request: Recorded) -> Step:
        asked = asked_range(request, len(good.data))
        return (bad(request, asked[0]) if asked else None) or good(request)

    return answer


async def test_ranges_make_the_file(scripted: StartScript, tmp_path: Path) -> None:
    server = await scripted(rest=RangedObject(DATA))
    await fetch(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == DATA
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
    asked = [request.header("Range") for request in server.requests]
    assert asked[0] == "bytes=0-999"
    assert sorted(filter(None, asked)) == sorted(
        f"bytes={at}-{at + STEP - 1}" for at in range(0, len(DATA), STEP)
    )
    conditions = [request.header("If-Match") for request in server.requests]
    assert conditions == [None] + [ETAG] * 9, "P5: all but the first hold to its ETag"
    assert {request.method for request in server.requests} == {"GET"}


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 3500])
@pytest.mark.parametrize("workers", [1, 8])
async def test_every_size(scripted: StartScript, tmp_path: Path, size: int, workers: int) -> None:
    """Empty objects and those smaller than the number of workers among them."""
    server = await scripted(rest=RangedObject(DATA[:size]))
    await fetch(server, tmp_path / "file", workers=workers)
    assert (tmp_path / "file").read_bytes() == DATA[:size]
    assert len(server.requests) == max(2 if size == 0 else 1, -(-size // STEP))


async def test_many_small_ranges_at_once_lose_no_byte(
    scripted: StartScript, tmp_path: Path
) -> None:
    data = DATA * 10
    server = await scripted(rest=RangedObject(data))
    async with client_for(server) as client:
        for turn in range(3):
            path = tmp_path / f"file-{turn}"
            await client.get_file_parallel("bucket/key", path, range_step=500, workers_count=32)
            assert path.read_bytes() == data


async def test_workers_bound_what_is_in_flight(scripted: StartScript, tmp_path: Path) -> None:
    stored = RangedObject(DATA)
    server = await scripted(rest=lambda request: stored(request, delay=0.02))
    await fetch(server, tmp_path / "file", workers=3)
    assert 1 < server.connections <= 3 + len(server.inquiries)


async def test_the_file_that_was_there_is_replaced_and_keeps_its_mode(
    scripted: StartScript, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)
    server = await scripted(rest=RangedObject(DATA))
    await fetch(server, path)
    assert path.read_bytes() == DATA
    assert path.stat().st_mode & 0o777 == 0o640


@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    size=st.integers(min_value=0, max_value=len(DATA)),
    step=st.integers(min_value=100, max_value=4000),
    workers=st.integers(min_value=1, max_value=9),
    buffer=st.integers(min_value=1, max_value=5000),
)
def test_any_cut_gives_the_same_file(
    tmp_path_factory: pytest.TempPathFactory, size: int, step: int, workers: int, buffer: int
) -> None:
    async def run() -> bytes:
        path = tmp_path_factory.mktemp("cut") / "file"
        async with (
            ScriptedServer(rest=RangedObject(DATA[:size])) as server,
            client_for(server) as client,
        ):
            await client.get_file_parallel(
                "bucket/key",
                path,
                range_step=step,
                workers_count=workers,
                buffer_size=buffer,
            )
        return path.read_bytes()

    assert asyncio.run(run()) == DATA[:size]


# P5: two versions never mix

OTHER = RangedObject(bytes(len(DATA)), '"other"')


async def refused(
    server: ScriptedServer, folder: Path, kind: type[BaseException], **how: int
) -> BaseException:
    """The error of a download, which leaves the destination and its folder untouched."""
    path = folder / "file"
    path.write_bytes(b"as it was")
    with pytest.raises(kind) as caught:
        await fetch(server, path, **how)
    assert path.read_bytes() == b"as it was"
    assert list(folder.iterdir()) == [path], "nothing is left behind"
    return caught.value


async def test_p05_the_object_is_replaced_and_the_server_knows_if_match(
    scripted: StartScript, tmp_path: Path
) -> None:
    server = await scripted(RangedObject(DATA), rest=RangedObject(DATA, '"other"'))
    await refused(server, tmp_path, ObjectChanged)


async def test_p05_the_object_is_replaced_and_the_server_does_not_know_if_match(
    scripted: StartScript, tmp_path: Path
) -> None:
    other = RangedObject(bytes(len(DATA)), '"other"', knows_if_match=False)
    server = await scripted(RangedObject(DATA), rest=other)
    await refused(server, tmp_path, ObjectChanged)


async def test_p05_another_version_id_is_another_object(
    scripted: StartScript, tmp_path: Path
) -> None:
    stored = RangedObject(DATA)
    server = await scripted(
        lambda request: stored(request, headers={"x-amz-version-id": "1"}),
        rest=lambda request: stored(request, headers={"x-amz-version-id": "2"}),
    )
    await refused(server, tmp_path, ObjectChanged)


async def test_p05_the_total_of_content_range_changes(
    scripted: StartScript, tmp_path: Path
) -> None:
    longer = RangedObject(DATA + b"more")
    server = await scripted(RangedObject(DATA), rest=longer)
    await refused(server, tmp_path, ObjectChanged)


async def test_p05_the_object_shrinks_on_a_server_without_etags(
    scripted: StartScript, tmp_path: Path
) -> None:
    def answer(request: Recorded) -> Reply:
        start, stop = asked_range(request, len(DATA)) or (0, 0)
        if start:
            return error(416, "InvalidRange")
        return reply(206, {"Content-Range": f"bytes 0-{stop - 1}/{len(DATA)}"}, DATA[:stop])

    server = await scripted(rest=answer)
    failed = await refused(server, tmp_path, S3Error)
    assert isinstance(failed, ObjectChanged | InvalidRange)


async def test_p05_a_condition_of_the_callers_own_is_no_change(
    scripted: StartScript, tmp_path: Path
) -> None:
    server = await scripted(rest=RangedObject(DATA))
    path = tmp_path / "file"
    async with client_for(server) as client:
        with pytest.raises(PreconditionFailed):
            await client.get_file_parallel("bucket/key", path, headers={"If-Match": '"mine"'})
    assert not list(tmp_path.iterdir())


# Answers that contradict what was asked


@pytest.mark.parametrize("first", [True, False])
async def test_p05_a_wrong_start_is_never_written(
    scripted: StartScript, tmp_path: Path, first: bool
) -> None:
    def shifted(_: Recorded, start: int) -> Step | None:
        if (start == 0) is not first:
            return None
        headers = {"ETag": ETAG, "Content-Range": f"bytes {start + 1}-{start + 100}/{len(DATA)}"}
        return reply(206, headers, DATA[start + 1 : start + 101])

    server = await scripted(rest=by_range(RangedObject(DATA), shifted))
    failed = await refused(server, tmp_path, S3ConnectionError, workers=1)
    assert "bytes" in str(failed)
    assert len(server.requests) == (3 if first else 4)


async def test_p05_a_wrong_start_that_goes_away_is_forgotten(
    scripted: StartScript, tmp_path: Path
) -> None:
    wrong = reply(206, {"ETag": ETAG, "Content-Range": f"bytes 7-999/{len(DATA)}"}, DATA[7:1000])
    server = await scripted(wrong, rest=RangedObject(DATA))
    await fetch(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == DATA


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("said", [STEP, STEP // 2])
async def test_p05_an_overlong_body_is_never_written(
    scripted: StartScript, tmp_path: Path, chunked: bool, said: int
) -> None:
    """More bytes than Content-Range says, be it the whole range or a part of it."""
    count = 0

    def overlong(_: Recorded, start: int) -> Step | None:
        nonlocal count
        count += 1
        if start != 2000:
            return None
        headers = {
            "ETag": ETAG,
            "Content-Range": f"bytes {start}-{start + said - 1}/{len(DATA)}",
        }
        body = DATA[start : start + said] + b"!" * 50
        return reply(206, headers, body, chunked=chunked)

    server = await scripted(rest=by_range(RangedObject(DATA), overlong))
    await refused(server, tmp_path, S3ConnectionError, workers=1)
    assert count == 2 + 3


async def test_p05_a_short_range_is_asked_for_again_from_where_it_ended(
    scripted: StartScript, tmp_path: Path
) -> None:
    def short(_: Recorded, start: int) -> Step | None:
        stop = min(start + 400, len(DATA))
        headers = {"ETag": ETAG, "Content-Range": f"bytes {start}-{stop - 1}/{len(DATA)}"}
        return reply(206, headers, DATA[start:stop])

    server = await scripted(rest=by_range(RangedObject(DATA), short))
    await fetch(server, tmp_path / "file", step=2000, workers=1)
    assert (tmp_path / "file").read_bytes() == DATA
    asked = [request.header("Range") for request in server.requests[:5]]
    assert asked == [f"bytes={start}-1999" for start in range(0, 2000, 400)]


@pytest.mark.parametrize(
    "said", ["", "bytes 0-999", "bytes */10000", "nonsense", "bytes 999-0/10000", "bytes 0-999/1"]
)
async def test_p05_an_unreadable_content_range_is_an_error_of_ours(
    scripted: StartScript, tmp_path: Path, said: str
) -> None:
    server = await scripted(rest=reply(206, {"ETag": ETAG, "Content-Range": said}, DATA[:1000]))
    await refused(server, tmp_path, S3Error)


async def test_p05_a_total_that_the_server_does_not_know(
    scripted: StartScript, tmp_path: Path
) -> None:
    unknown = reply(206, {"ETag": ETAG, "Content-Range": "bytes 0-999/*"}, DATA[:1000])
    server = await scripted(unknown, RangedObject(DATA))
    await fetch(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == DATA
    assert server.requests[1].header("Range") is None


# Servers that do it differently


async def test_p05_a_200_with_the_right_content_range_is_the_range(
    scripted: StartScript, tmp_path: Path
) -> None:
    stored = RangedObject(DATA)
    server = await scripted(rest=lambda request: stored(request, status=200))
    await fetch(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == DATA
    assert len(server.requests) == 10


@pytest.mark.parametrize("chunked", [True, False])
async def test_p05_a_true_200_is_streamed_whole(
    scripted: StartScript, tmp_path: Path, chunked: bool
) -> None:
    server = await scripted(reply(200, {"ETag": ETAG}, DATA, chunked=chunked, piece=700))
    await fetch(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == DATA
    assert len(server.requests) == 1


async def test_p05_a_true_200_in_the_midst_is_used_for_its_part(
    scripted: StartScript, tmp_path: Path
) -> None:
    def whole(_: Recorded, start: int) -> Step | None:
        return reply(200, {"ETag": ETAG}, DATA) if start == 3000 else None

    server = await scripted(rest=by_range(RangedObject(DATA), whole))
    await fetch(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == DATA


async def test_p05_416_to_the_first_range_is_answered_by_one_plain_get(
    scripted: StartScript, tmp_path: Path
) -> None:
    server = await scripted(error(416, "InvalidRange"), reply(200, {"ETag": ETAG}))
    await fetch(server, tmp_path / "file", tries=1)
    assert (tmp_path / "file").read_bytes() == b""
    assert [request.header("Range") for request in server.requests] == ["bytes=0-999", None]


async def test_p05_416_of_a_server_without_ranges(scripted: StartScript, tmp_path: Path) -> None:
    server = await scripted(error(416, "InvalidRange"), reply(200, {"ETag": ETAG}, DATA))
    await fetch(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == DATA
