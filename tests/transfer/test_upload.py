"""Uploads in parts: whole, or aborted (P9)."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from aiohttp_s3_client import AwsUploadError, ClientConfig
from aiohttp_s3_client.errors import (
    AccessDenied,
    EntityTooSmall,
    InternalError,
    NoSuchBucket,
    ResponseParseError,
    SourceChanged,
)

from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import Recorded, Step, drop, hang, reply
from ..transport.scripts import (
    CREATED,
    client_for,
    error,
    kind,
    kinds,
    part_etag,
    part_number,
    upload_step,
)

MIB = 1024 * 1024
PART = 5 * MIB
CHEAP = ClientConfig(expect_continue_from=None, calculate_content_sha256=False)
"""What the bytes of a part cost is of no interest here."""


def but(special: dict[str, Step | Callable[[Recorded], Step]]) -> Step:
    """``upload_step``, but for these kinds of requests."""

    def answer(request: Recorded) -> Step:
        return special.get(kind(request), upload_step)

    return answer


async def upload(server: ScriptedServer, parts: int = 3, **how: object) -> None:
    async with client_for(server, config=CHEAP) as client:
        await client.put_multipart(
            "bucket/key",
            [bytes(PART)] * (parts - 1) + [b"end"],
            part_size=PART,
            **how,  # type: ignore[arg-type]
        )


async def test_a_file_is_created_sent_and_completed(scripted: StartScript, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    data = hashlib.shake_128(b"file").digest(2 * PART + 77)
    path.write_bytes(data)
    server = await scripted(rest=upload_step)
    async with client_for(server) as client:
        await client.put_file_multipart("bucket/dir/file.csv", path, part_size=PART)
    seen = kinds(server)
    assert (seen[0], seen[-1]) == ("create", "complete")
    assert sorted(seen[1:-1]) == ["part 1", "part 2", "part 3"]
    by_number = {part_number(request): request for request in server.requests}
    assert b"".join(bytes(by_number[number].body) for number in (1, 2, 3)) == data
    for number in (1, 2, 3):
        digest = hashlib.sha256(by_number[number].body).hexdigest()
        assert by_number[number].header("x-amz-content-sha256") == digest
    assert server.requests[0].header("Content-Type") == "text/csv"
    document = server.requests[-1].body.decode()
    assert [document.index(part_etag(n).replace('"', "")) for n in (1, 2, 3)] == sorted(
        document.index(part_etag(n).replace('"', "")) for n in (1, 2, 3)
    )


async def test_an_empty_file_and_an_empty_stream_are_one_empty_part(
    scripted: StartScript, tmp_path: Path
) -> None:
    (tmp_path / "empty").touch()
    server = await scripted(rest=upload_step)
    async with client_for(server) as client:
        await client.put_file_multipart("bucket/key", tmp_path / "empty")
        await client.put_multipart("bucket/key", [])
    assert kinds(server) == ["create", "part 1", "complete"] * 2
    assert all(not request.body for request in server.requests if request.method == "PUT")


async def test_workers_bound_what_is_in_flight(scripted: StartScript) -> None:
    running = most = 0

    def counted(request: Recorded) -> Step:
        nonlocal running, most
        if part_number(request) is not None:
            running += 1
            most = max(most, running)
            asyncio.get_running_loop().call_later(0.03, finished)
            return reply(200, {"ETag": '"x"'}, delay=0.05)
        return upload_step(request)

    def finished() -> None:
        nonlocal running
        running -= 1

    server = await scripted(rest=counted, keep_bodies=False)
    await upload(server, 6, workers_count=2)
    assert most == 2


async def test_p18_each_part_is_tried_its_own_number_of_times(scripted: StartScript) -> None:
    server = await scripted(rest=but({"part 2": error(500, "InternalError")}), keep_bodies=False)
    with pytest.raises(InternalError) as caught:
        await upload(server, part_upload_tries=2, workers_count=1)
    assert isinstance(caught.value, AwsUploadError)
    assert (caught.value.detail, caught.value.attempts) == ("part 2", 2)
    assert kinds(server) == ["create", "part 1", "part 2", "part 2", "abort"]


async def test_a_parts_etag_is_needed(scripted: StartScript) -> None:
    server = await scripted(rest=but({"part 1": reply(200)}), keep_bodies=False)
    with pytest.raises(ResponseParseError, match="ETag"):
        await upload(server)
    assert kinds(server)[-1] == "abort"


# P9


@pytest.mark.parametrize("auto_abort", [True, False])
async def test_p09_a_failed_part_aborts_after_the_others_have_settled(
    scripted: StartScript, auto_abort: bool
) -> None:
    def answer(request: Recorded) -> Step:
        number = part_number(request)
        if number == 2:
            return error(403, "AccessDenied", delay=0.1)
        if number is not None:
            return hang()
        return upload_step(request)

    server = await scripted(rest=answer, keep_bodies=False)
    with pytest.raises(AccessDenied) as caught:
        await upload(server, 4, workers_count=3, auto_abort=auto_abort)
    assert isinstance(caught.value, AwsUploadError)
    await asyncio.sleep(0.05)
    seen = kinds(server)
    assert seen.count("abort") == (1 if auto_abort else 0)
    assert "complete" not in seen
    assert seen[-1] == "abort" or not auto_abort, "nothing is sent behind the abort"
    aborts = [r for r in server.requests if r.method == "DELETE"]
    assert all("uploadId=UP-1" in request.target for request in aborts)


async def test_p09_the_first_error_is_the_one_raised(scripted: StartScript) -> None:
    server = await scripted(
        rest=but(
            {
                "part 1": error(403, "AccessDenied", delay=0.3),
                "part 2": error(404, "NoSuchBucket", delay=0.05),
                "abort": error(500, "InternalError"),
            }
        ),
        keep_bodies=False,
    )
    with pytest.raises(NoSuchBucket):
        await upload(server, workers_count=3)


async def test_p09_a_failing_source_aborts(scripted: StartScript) -> None:
    async def data() -> AsyncIterator[bytes]:
        yield bytes(PART)
        raise LookupError("the tape broke")

    server = await scripted(rest=upload_step, keep_bodies=False)
    async with client_for(server, config=CHEAP) as client:
        with pytest.raises(LookupError, match="tape"):
            await client.put_multipart("bucket/key", data(), part_size=PART)
    assert kinds(server)[-1] == "abort"
    assert "complete" not in kinds(server)


async def test_p09_a_file_that_changes_its_size_aborts(
    scripted: StartScript, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(PART + 10))

    def growing(request: Recorded) -> Step:
        if part_number(request) == 1:
            path.write_bytes(bytes(PART + 20))
        return upload_step(request)

    server = await scripted(rest=growing, keep_bodies=False)
    async with client_for(server, config=CHEAP) as client:
        with pytest.raises(SourceChanged):
            await client.put_file_multipart("bucket/key", path, part_size=PART)
    assert kinds(server)[-1] == "abort"
    assert "complete" not in kinds(server)


async def test_p09_a_failed_complete_aborts(scripted: StartScript) -> None:
    server = await scripted(rest=but({"complete": error(400, "EntityTooSmall")}), keep_bodies=False)
    with pytest.raises(EntityTooSmall) as caught:
        await upload(server)
    assert isinstance(caught.value, AwsUploadError)
    assert kinds(server)[-1] == "abort"


async def test_p09_a_refused_create_aborts_nothing(scripted: StartScript) -> None:
    server = await scripted(error(403, "AccessDenied"))
    with pytest.raises(AccessDenied) as caught:
        await upload(server)
    assert isinstance(caught.value, AwsUploadError)
    assert kinds(server) == ["create"]


@pytest.mark.parametrize("moment", ["create", "part 2", "complete"])
async def test_p09_cancelled_at_any_step_it_aborts(scripted: StartScript, moment: str) -> None:
    """Cancelled during Create it waits for the upload id, which nobody else knows."""
    slow: Step = reply(200, {}, CREATED.body, delay=0.3) if moment == "create" else hang()
    server = await scripted(rest=but({moment: slow}), keep_bodies=False)
    task = asyncio.ensure_future(upload(server, workers_count=1))
    at = {"create": 1, "part 2": 3, "complete": 5}[moment]
    await server.wait_for(at)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert kinds(server)[at - 1] == moment
    assert kinds(server)[at:] == ["abort"]


async def test_p09_cancelled_during_a_refused_create(scripted: StartScript) -> None:
    server = await scripted(error(403, "AccessDenied", delay=0.2))
    task = asyncio.ensure_future(upload(server))
    await server.wait_for(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert kinds(server) == ["create"]


async def test_p09_cancelled_during_an_endless_create_it_gives_up(scripted: StartScript) -> None:
    server = await scripted(hang())
    task = asyncio.ensure_future(upload(server, abort_timeout=0.2))
    await server.wait_for(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(2):
            await task


async def test_p09_a_second_cancellation_does_not_stop_the_abort(scripted: StartScript) -> None:
    gone = False

    def aborting(_: Recorded) -> Step:
        nonlocal gone
        gone = True
        return reply(204, delay=0.3)

    server = await scripted(rest=but({"part 1": hang(), "abort": aborting}), keep_bodies=False)
    task = asyncio.ensure_future(upload(server))
    await server.wait_for(2)
    for _ in range(5):
        task.cancel()
        await asyncio.sleep(0.02)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone
    assert server.requests[-1].answered_after is not None, "it was waited for"


@pytest.mark.parametrize(
    "fate",
    [
        error(403, "AccessDenied"),
        error(500, "InternalError"),
        drop(),
        hang(),
    ],
    ids=["403", "500", "drop", "hang"],
)
async def test_p09_an_abort_that_fails_is_logged_and_hides_nothing(
    scripted: StartScript, caplog: pytest.LogCaptureFixture, fate: Step
) -> None:
    server = await scripted(
        rest=but({"part 1": error(404, "NoSuchBucket"), "abort": fate}), keep_bodies=False
    )
    caplog.set_level(logging.WARNING)
    with pytest.raises(NoSuchBucket):
        await upload(server, abort_timeout=0.5, workers_count=1)
    assert "abort" in kinds(server)
    assert "UP-1" in caplog.text
    assert "could not be aborted" in caplog.text


async def test_p09_an_upload_that_is_gone_already_is_not_worth_a_word(
    scripted: StartScript, caplog: pytest.LogCaptureFixture
) -> None:
    gone = but({"part 1": error(403, "AccessDenied"), "abort": error(404, "NoSuchUpload")})
    server = await scripted(rest=gone, keep_bodies=False)
    with pytest.raises(AccessDenied):
        await upload(server)
    assert not caplog.text
