"""The callbacks: how they are called, in which order, and what becomes of what they raise."""

from __future__ import annotations

import asyncio
import gc
import io
from pathlib import Path
from typing import Any

import pytest

from aiohttp_s3_client import errors
from tests.behaviour.material import left_over, noise
from tests.servers.scripted import StartScript
from tests.servers.steps import Recorded, Step, reply
from tests.transport.scripts import ETAG, RangedObject, error, kinds, upload_step

from .calls import DEFAULT, GET, PUT, Log, ask, client_of

DATA = noise(1000, 2)
NAMES = {
    "error", "error_headers", "error_body", "error_operation_name", "status_code",
    "did_validate_checksum", "checksum_validation_algorithm",
}  # fmt: skip


class Own(Exception):
    """What a callback raises here."""


async def test_each_is_called_with_its_keywords(scripted: StartScript) -> None:
    """They may take no more than those, and on_progress one positional argument."""
    server = await scripted(rest=RangedObject(DATA))
    seen: list[str] = []
    moved: list[int] = []

    def on_headers(status_code: int, headers: list[tuple[str, str]]) -> None:
        assert type(headers) is list
        assert {(type(pair), len(pair)) for pair in headers} == {(tuple, 2)}
        assert status_code == 200
        seen.append("headers")

    def on_body(*, chunk: bytes, offset: int) -> None:
        assert DATA[offset : offset + len(chunk)] == chunk
        seen.append("body")

    def on_done(**facts: Any) -> None:
        assert set(facts) == NAMES
        seen.append("done")

    request = client_of(server, part_size=300).make_request(
        type=GET,
        request=ask(server),
        on_headers=on_headers,
        on_body=on_body,
        on_done=on_done,
        on_progress=lambda size, /: moved.append(size),
    )
    await request.finished_future
    await request.shutdown_event.wait()
    assert seen[0] == "headers"
    assert seen[-1] == "done"
    assert seen.count("headers") == seen.count("done") == 1
    assert sum(moved) == 1000


async def test_coroutine_functions_are_awaited_in_turn(scripted: StartScript) -> None:
    server = await scripted(rest=RangedObject(DATA))
    log = Log()

    async def on_headers(**facts: Any) -> None:
        await asyncio.sleep(0.01)
        log.on_headers(**facts)

    async def on_body(**facts: Any) -> None:
        assert log.heads
        await asyncio.sleep(0.01)
        log.on_body(**facts)

    async def on_progress(size: int) -> None:
        await asyncio.sleep(0)
        log.on_progress(size)

    async def on_done(**facts: Any) -> None:
        assert log.request is not None
        assert not log.request.shutdown_event.is_set()
        await asyncio.sleep(0.01)
        log.on_done(**facts)

    await log.of(
        client_of(server, part_size=300),
        type=GET,
        request=ask(server),
        on_headers=on_headers,
        on_body=on_body,
        on_progress=on_progress,
        on_done=on_done,
    )
    assert log.body == DATA
    assert log.end["error"] is None
    assert sum(log.moved) == 1000


async def test_none_of_them_is_needed(scripted: StartScript) -> None:
    server = await scripted(rest=RangedObject(DATA))
    request = client_of(server, part_size=300).make_request(type=GET, request=ask(server))
    await request.finished_future
    assert len(server.requests) == 4


async def test_the_future_is_done_before_on_done(scripted: StartScript) -> None:
    server = await scripted(rest=RangedObject(DATA))
    log = await Log().of(client_of(server), type=GET, request=ask(server))
    assert log.future_was_done


@pytest.mark.parametrize("name", ["on_headers", "on_body", "on_done", "on_progress"])
async def test_what_is_no_callback_is_refused(scripted: StartScript, name: str) -> None:
    server = await scripted()
    arguments: dict[str, Any] = {name: "print"}
    with pytest.raises(TypeError, match=name):
        client_of(server).make_request(type=GET, request=ask(server), **arguments)


# What they raise


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("name", ["on_headers", "on_body"])
@pytest.mark.parametrize("type_", [GET, DEFAULT])
async def test_an_error_ends_the_request_and_is_its_error(
    scripted: StartScript, name: str, type_: Any, is_async: bool
) -> None:
    server = await scripted(rest=lambda request: RangedObject(DATA)(request, piece=10, pause=0.01))
    own = Own("mine")

    def fails(**facts: Any) -> None:
        raise own

    async def fails_later(**facts: Any) -> None:
        await asyncio.sleep(0)
        raise own

    callback = fails_later if is_async else fails
    log = await Log().of(
        client_of(server, part_size=300),
        type=type_,
        request=ask(server),
        operation_name="GetObject",
        **{name: callback},
    )
    assert log.end["error"] is own
    assert {log.end[name] for name in NAMES - {"error", "did_validate_checksum"}} == {None}
    assert log.request is not None
    with pytest.raises(Own) as caught:
        await log.request.finished_future
    assert caught.value is own
    assert log.body == b""


async def test_an_error_of_on_headers_leaves_no_file(scripted: StartScript, tmp_path: Path) -> None:
    server = await scripted(rest=RangedObject(DATA))

    def fails(**facts: Any) -> None:
        raise Own

    log = await Log().of(
        client_of(server, part_size=300),
        type=GET,
        request=ask(server),
        on_headers=fails,
        recv_filepath=tmp_path / "copy",
    )
    assert isinstance(log.end["error"], Own)
    assert left_over(tmp_path) == []


async def test_an_error_that_is_ours_stays_what_it_is(scripted: StartScript) -> None:
    """One of another request, raised in a callback, is not taken for this one's."""
    server = await scripted(rest=RangedObject(DATA))
    own = errors.ObjectChanged("another one")

    def fails(**facts: Any) -> None:
        raise own

    log = await Log().of(client_of(server), type=GET, request=ask(server), on_body=fails)
    assert log.end["error"] is own


async def test_on_headers_may_refuse_an_answer_with_an_error(scripted: StartScript) -> None:
    """It is called for such an answer too, and what it raises comes first."""
    server = await scripted(error(404, "NoSuchKey"))

    def fails(status_code: int, **facts: Any) -> None:
        raise Own(status_code)

    log = await Log().of(client_of(server), type=GET, request=ask(server), on_headers=fails)
    assert log.end["error"].args == (404,)


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("name", ["on_progress", "on_done"])
async def test_what_cannot_end_the_request_goes_to_the_loop(
    scripted: StartScript, name: str, is_async: bool
) -> None:
    server = await scripted(rest=RangedObject(DATA))
    told: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: told.append(context))

    def fails(*args: Any, **facts: Any) -> None:
        raise Own

    async def fails_later(*args: Any, **facts: Any) -> None:
        raise Own

    try:
        log = await Log().of(
            client_of(server),
            type=GET,
            request=ask(server),
            **{name: fails_later if is_async else fails},
        )
    finally:
        loop.set_exception_handler(before)
    assert log.body == DATA
    assert log.request is not None
    await log.request.finished_future
    assert told
    assert all(isinstance(context["exception"], Own) for context in told)
    assert all(name in context["message"] for context in told)


async def test_a_failed_future_that_nobody_reads_logs_nothing(scripted: StartScript) -> None:
    """The guard of all tests complains of what the loop is told."""
    server = await scripted(error(404, "NoSuchKey"))
    request = client_of(server).make_request(type=GET, request=ask(server))
    event = request.shutdown_event
    await event.wait()
    del request
    gc.collect()
    await asyncio.sleep(0)


# Uploads


async def test_uploads_tell_headers_once_and_progress_of_each_byte_once(
    scripted: StartScript,
) -> None:
    """A part that has to be sent again is counted once."""
    failed: list[str] = []

    def step(request: Recorded) -> Step:
        if request.method == "PUT" and not failed:
            failed.append(request.target)
            return error(500, "InternalError")
        return upload_step(request)

    server = await scripted(rest=step)
    log = await Log().of(
        client_of(server, multipart_upload_threshold=100),
        type=PUT,
        request=ask(server, method="PUT", body=io.BytesIO(DATA)),
    )
    assert kinds(server).count("part 1") == 2
    assert sum(log.moved) == 1000
    assert len(log.heads) == 1
    assert log.order == ["headers", "done"]


async def test_headers_once_even_when_the_request_fails_later(scripted: StartScript) -> None:
    server = await scripted(
        RangedObject(DATA), rest=lambda _: reply(403, {"ETag": ETAG}, b"<Error/>")
    )
    log = await Log().of(client_of(server, part_size=300), type=GET, request=ask(server))
    assert [status for status, _ in log.heads] == [200]
    assert log.end["status_code"] == 403
