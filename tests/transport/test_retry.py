"""What the pipeline sends again, and how often (P4, P8, P18, P19)."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import aiohttp
import pytest

from aiohttp_s3_client import ClientConfig
from aiohttp_s3_client.errors import (
    AwsError,
    InternalError,
    S3ConnectionError,
    S3Error,
    SlowDown,
    SourceChanged,
)

from ..servers.scripted import StartScript
from ..servers.steps import drop, raw, reply
from .scripts import COPIED, client_for, error, error_document

OK = reply(200, {"ETag": '"x"'}, b"body")
SLOW_DOWN = error(503, "SlowDown")


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408])
async def test_p18_a_transient_error_is_tried_again(scripted: StartScript, status: int) -> None:
    server = await scripted(reply(status), OK)
    async with client_for(server) as client, client.get("bucket/key") as response:
        assert await response.read() == b"body"
    assert len(server.requests) == 2


@pytest.mark.parametrize("attempts", [1, 2, 3])
async def test_p18_attempts_are_limited(scripted: StartScript, attempts: int) -> None:
    server = await scripted(rest=SLOW_DOWN)
    config = ClientConfig(max_attempts=attempts)
    async with (
        client_for(server, config=config) as client,
        client.get("bucket/key") as response,
    ):
        assert response.status == 503
        assert b"SlowDown" in await response.read()
    assert len(server.requests) == attempts


async def test_p18_the_last_error_is_raised_with_the_number_of_attempts(
    scripted: StartScript,
) -> None:
    server = await scripted(rest=SLOW_DOWN)
    async with client_for(server) as client:
        with pytest.raises(SlowDown) as caught:
            await client.get("bucket/key", raise_for_status=True)
    assert caught.value.attempts == len(server.requests) == 3
    assert caught.value.elapsed > 0
    assert "after 3 attempts" in str(caught.value)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 412, 501])
async def test_a_final_error_is_not_tried_again(scripted: StartScript, status: int) -> None:
    server = await scripted(error(status, "NotImplemented" if status == 501 else "Whatever"))
    async with client_for(server) as client, client.get("bucket/key") as response:
        assert response.status == status
    assert len(server.requests) == 1


async def test_p18_a_client_without_quota_stops_retrying(scripted: StartScript) -> None:
    """A sick server gets a bounded number of retries from one client, over all its requests."""
    server = await scripted(rest=error(500, "InternalError"))
    async with client_for(server) as client:
        client._engine.pipeline.quota.available = 12
        for sends in (3, 1, 1):
            before = len(server.requests)
            await client.get("bucket/key")
            assert len(server.requests) - before == sends


async def test_p18_retry_after_in_seconds_is_waited_for(scripted: StartScript) -> None:
    server = await scripted(error(503, "SlowDown", headers={"Retry-After": "1"}), OK)
    begun = time.monotonic()
    async with client_for(server) as client:
        response = await client.get("bucket/key")
        await response.read()
    assert response.status == 200
    assert 1.0 <= time.monotonic() - begun < 2.5


async def test_p18_retry_after_as_a_date_in_the_past_costs_nothing(scripted: StartScript) -> None:
    date = format_datetime(datetime.now(UTC) - timedelta(seconds=50), usegmt=True)
    server = await scripted(error(500, "InternalError", headers={"Retry-After": date}), OK)
    begun = time.monotonic()
    async with client_for(server) as client, client.get("bucket/key") as response:
        assert response.status == 200
    assert time.monotonic() - begun < 1.0


@pytest.mark.parametrize("far", ["3600", "date"])
async def test_p18_a_server_that_wants_a_long_pause_gets_its_error_reported(
    scripted: StartScript, far: str
) -> None:
    if far == "date":
        far = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    server = await scripted(error(503, "SlowDown", headers={"Retry-After": far}))
    async with client_for(server) as client, client.get("bucket/key") as response:
        assert response.status == 503
    assert len(server.requests) == 1


@pytest.mark.parametrize("odd", ["²", "Sun, 06 Nov 99999999999 08:49:37 GMT", "soon"])
async def test_p18_an_odd_retry_after_is_no_wish(scripted: StartScript, odd: str) -> None:
    server = await scripted(error(500, "InternalError", headers={"Retry-After": odd}), OK)
    async with client_for(server) as client, client.get("bucket/key") as response:
        assert response.status == 200


async def test_p18_throttling_lowers_the_pace_of_other_requests(scripted: StartScript) -> None:
    server = await scripted(SLOW_DOWN, rest=OK)
    async with client_for(server) as client:
        for _ in range(3):
            await (await client.get("bucket/key")).read()
        assert client._engine.pipeline.pace.interval > 0


# Connections


@pytest.mark.parametrize("reset", [False, True])
async def test_p19_a_stale_pooled_connection_is_tried_again(
    scripted: StartScript, reset: bool
) -> None:
    """S3 closes idle connections; the request that meets one goes again by a new one."""
    server = await scripted(OK, drop(reset=reset), OK)
    async with client_for(server) as client:
        for _ in range(2):
            async with client.get("bucket/key") as response:
                assert await response.read() == b"body"
    assert [request.connection for request in server.requests] == [1, 1, 2]


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_p18_a_server_that_drops_everything_is_asked_three_times(
    scripted: StartScript, method: str, reset: bool
) -> None:
    server = await scripted(rest=drop(reset=reset, read=None))
    data = b"x" * 100 if method == "PUT" else None
    async with client_for(server) as client:
        with pytest.raises(S3ConnectionError) as caught:
            await client.request(method, "bucket/key", data=data)
    assert caught.value.attempts == len(server.requests) == 3


async def test_p08_a_post_that_may_have_had_an_effect_is_sent_once(scripted: StartScript) -> None:
    server = await scripted(rest=drop(read=None))
    async with client_for(server) as client:
        with pytest.raises(S3ConnectionError):
            await client.post("bucket/key", b"<x/>", params={"restore": ""})
    assert len(server.requests) == 1


async def test_a_closed_port_is_an_error_of_ours() -> None:
    async with aiohttp.ClientSession() as session:
        from aiohttp_s3_client import S3Client

        client = S3Client(session, "http://127.0.0.1:9", "secret-word", "key")
        with pytest.raises(S3ConnectionError, match="after 3 attempts"):
            await client.get("bucket/key")


async def test_an_answer_that_is_no_http_is_an_error_of_ours(scripted: StartScript) -> None:
    server = await scripted(rest=raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"))
    async with client_for(server) as client:
        with pytest.raises(S3Error):
            await client.get("bucket/key")
    assert len(server.requests) == 3


async def test_an_error_whose_body_breaks_off_is_tried_again(scripted: StartScript) -> None:
    server = await scripted(error(403, "AccessDenied", cut=20, end="close"), OK)
    async with client_for(server) as client, client.get("bucket/key") as response:
        assert response.status == 200


# Bodies


@pytest.mark.parametrize(
    "data", [b"abc" * 1000, bytearray(b"abc" * 1000), "abc" * 1000, [b"abc"] * 1000]
)
async def test_p08_a_body_in_memory_is_sent_again_whole(
    scripted: StartScript, data: bytes | bytearray | str | list[bytes]
) -> None:
    server = await scripted(error(500, "InternalError"), drop(read=100), reply(200))
    async with client_for(server) as client, client.put("bucket/key", data) as response:
        assert response.status == 200
    assert [bytes(r.body) for r in server.requests if r.complete] == [b"abc" * 1000] * 2


async def test_p08_a_seekable_file_is_sent_again_from_where_it_stood(
    scripted: StartScript, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("p08") / "data"
    path.write_bytes(b"skipped" + b"abc" * 1000)
    server = await scripted(error(500, "InternalError"), reply(200))
    with path.open("rb") as file:
        file.seek(7)
        async with client_for(server) as client, client.put("bucket/key", file) as response:
            assert response.status == 200
    assert [bytes(request.body) for request in server.requests] == [b"abc" * 1000] * 2


async def stream(pieces: int, piece: bytes = b"x" * 100) -> AsyncIterator[bytes]:
    for _ in range(pieces):
        yield piece


@pytest.mark.parametrize("step", ["error", "drop", "reset"])
async def test_p08_a_stream_is_never_sent_again_once_a_byte_was_taken(
    scripted: StartScript, step: str
) -> None:
    steps = {
        "error": error(500, "InternalError"),
        "drop": drop(read=None),
        "reset": drop(reset=True, read=100),
    }
    server = await scripted(rest=steps[step])
    async with client_for(server) as client:
        if step == "error":
            response = await client.put("bucket/key", stream(10), data_length=1000)
            assert response.status == 500
        else:
            with pytest.raises(S3ConnectionError, match="after 1 attempt"):
                await client.put("bucket/key", stream(10), data_length=1000)
    assert len(server.requests) == 1


async def test_p08_a_stream_may_go_again_while_no_byte_of_it_was_taken() -> None:
    """Nobody listens at first: a refused connection takes nothing of the stream."""
    taken: list[bytes] = []

    async def watched() -> AsyncIterator[bytes]:
        taken.append(b"x")
        yield b"x"

    from aiohttp_s3_client import S3Client

    async with S3Client(url="http://k:s3cr3t-word@127.0.0.1:9") as client:
        with pytest.raises(S3ConnectionError, match="after 3 attempts"):
            await client.put("bucket/key", watched(), data_length=1)
    assert not taken


@pytest.mark.parametrize(("announced", "given"), [(1000, 900), (1000, 1100), (100, 0)])
async def test_p08_a_stream_of_another_length_breaks_the_request_off(
    scripted: StartScript, announced: int, given: int
) -> None:
    server = await scripted(rest=reply(200))
    async with client_for(server) as client:
        with pytest.raises(SourceChanged, match="data_length"):
            await client.put("bucket/key", stream(given // 100), data_length=announced)
    assert all(not request.complete for request in server.requests)
    assert len(server.requests) <= 1


async def test_p08_a_stream_that_gives_too_much_later_stores_nothing(
    scripted: StartScript,
) -> None:
    """The last announced byte leaves only when the stream is known to have ended."""

    async def late() -> AsyncIterator[bytes]:
        yield b"x" * 1000
        await asyncio.sleep(0.2)
        yield b"more"

    server = await scripted(rest=reply(200))
    async with client_for(server) as client:
        with pytest.raises(SourceChanged, match="data_length"):
            await client.put("bucket/key", late(), data_length=1000)
    assert all(not request.complete for request in server.requests)


async def test_p08_what_the_stream_raises_is_what_the_caller_sees(scripted: StartScript) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 100
        raise LookupError("the database is gone")

    server = await scripted(rest=reply(200))
    async with client_for(server) as client:
        with pytest.raises(LookupError, match="database"):
            await client.put("bucket/key", broken(), data_length=1000)
    assert all(not request.complete for request in server.requests)


async def test_p08_an_unseekable_file_of_known_length_is_sent_once(scripted: StartScript) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.left = 1000

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            size = min(len(buffer), self.left, 300)
            buffer[:size] = b"p" * size
            self.left -= size
            return size

    server = await scripted(error(500, "InternalError"))
    async with client_for(server) as client:
        response = await client.put("bucket/key", Pipe(), data_length=1000)
    assert response.status == 500
    assert bytes(server.requests[0].body) == b"p" * 1000


# Errors in a 200


@pytest.mark.parametrize("code", ["InternalError", "SlowDown"])
@pytest.mark.parametrize("before", ["", "\n  \r\n \t"])
async def test_p04_a_200_with_an_error_is_tried_again(
    scripted: StartScript, code: str, before: str
) -> None:
    server = await scripted(reply(200, {}, before + error_document(code)), COPIED)
    async with client_for(server) as client, client.copy("bucket/a", "bucket/b") as response:
        assert response.status == 200
        assert b"CopyObjectResult" in await response.read()
    assert len(server.requests) == 2


def p04_requests() -> list[tuple[str, str, dict[str, str], dict[str, str]]]:
    source = {"x-amz-copy-source": "/bucket/a"}
    return [
        ("POST", "bucket/key", {"uploadId": "x"}, {}),
        ("PUT", "bucket/key", {}, source),
        ("PUT", "bucket/key", {"partNumber": "1", "uploadId": "x"}, source),
        ("POST", "bucket", {"delete": ""}, {}),
    ]


@pytest.mark.parametrize(("method", "path", "params", "headers"), p04_requests())
async def test_p04_a_200_that_stays_an_error_is_raised(
    scripted: StartScript,
    method: str,
    path: str,
    params: dict[str, str],
    headers: dict[str, str],
) -> None:
    """Also through the verbs that leave a status to the caller: this one would be a lie."""
    server = await scripted(rest=reply(200, {}, " \n" + error_document("InternalError", "oops")))
    async with client_for(server) as client:
        with pytest.raises(InternalError) as caught:
            await client.request(method, path, headers, params, b"<x/>" if not headers else None)
    assert (caught.value.status, caught.value.code) == (200, "InternalError")
    assert caught.value.message == "oops"
    assert caught.value.attempts == len(server.requests) == 3


@pytest.mark.parametrize(("method", "path", "params", "headers"), p04_requests())
async def test_p04_a_final_error_in_a_200_has_its_class(
    scripted: StartScript,
    method: str,
    path: str,
    params: dict[str, str],
    headers: dict[str, str],
) -> None:
    server = await scripted(rest=reply(200, {}, error_document("AccessDenied")))
    async with client_for(server) as client:
        with pytest.raises(AwsError) as caught:
            await client.request(method, path, headers, params, b"<x/>" if not headers else None)
    assert type(caught.value).__name__ == "AccessDenied"


async def test_p04_an_object_that_holds_an_error_document_is_just_an_object(
    scripted: StartScript,
) -> None:
    server = await scripted(reply(200, {}, error_document("InternalError")))
    async with client_for(server) as client, client.get("bucket/key") as response:
        assert await response.text() == error_document("InternalError")
    assert len(server.requests) == 1
