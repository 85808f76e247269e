"""``Expect: 100-continue``: refusals come before the body, silence costs a second once (P19)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from aiohttp_s3_client import ClientConfig

from ..servers.scripted import StartScript
from ..servers.steps import reply
from .scripts import client_for, error

ASKING = ClientConfig(expect_continue_from=1000)
BODY = b"0123456789" * 1000


async def test_p19_a_large_body_asks_first_and_a_small_one_does_not(scripted: StartScript) -> None:
    server = await scripted(reply(200), reply(200))
    async with client_for(server, config=ASKING) as client:
        await client.put("bucket/key", BODY)
        await client.put("bucket/key", b"small")
    assert [r.header("Expect") for r in server.requests] == ["100-continue", None]
    assert bytes(server.requests[0].body) == BODY


async def test_p19_by_default_two_mebibytes_ask(scripted: StartScript) -> None:
    server = await scripted(reply(200), reply(200), keep_bodies=False)
    async with client_for(server) as client:
        await client.put("bucket/key", bytes(2 * 1024 * 1024))
        await client.put("bucket/key", bytes(2 * 1024 * 1024 - 1))
    assert [r.header("Expect") for r in server.requests] == ["100-continue", None]


async def test_p19_none_never_asks(scripted: StartScript) -> None:
    server = await scripted(reply(200))
    async with client_for(server, config=ClientConfig(expect_continue_from=None)) as client:
        await client.put("bucket/key", BODY)
    assert server.requests[0].header("Expect") is None


async def test_p19_a_refusal_comes_before_the_body(scripted: StartScript) -> None:
    refusal = error(403, "AccessDenied", read=0, end="close")
    server = await scripted(refusal)
    begun = time.monotonic()
    async with (
        client_for(server, config=ASKING) as client,
        client.put("bucket/key", BODY * 100) as response,
    ):
        assert response.status == 403
        assert b"AccessDenied" in await response.read()
    assert time.monotonic() - begun < 0.9
    assert server.requests[0].body_size == 0


async def test_p19_a_refused_stream_was_not_touched(scripted: StartScript) -> None:
    taken: list[int] = []

    async def stream() -> AsyncIterator[bytes]:
        taken.append(1)
        yield BODY

    server = await scripted(error(503, "SlowDown", read=0, end="close"), reply(200))
    async with (
        client_for(server, config=ASKING) as client,
        client.put("bucket/key", stream(), data_length=len(BODY)) as response,
    ):
        assert response.status == 200
    assert bytes(server.requests[1].body) == BODY
    assert taken == [1]


async def test_p19_silence_costs_one_second_once_a_host(scripted: StartScript) -> None:
    server = await scripted(rest=reply(200, interim=0))
    async with client_for(server, config=ASKING) as client:
        begun = time.monotonic()
        async with client.put("bucket/key", BODY) as response:
            assert response.status == 200
        first = time.monotonic() - begun
        async with client.put("bucket/key", BODY) as response:
            assert response.status == 200
        second = time.monotonic() - begun - first
    assert 0.9 < first < 1.6
    assert second < 0.5
    assert [r.header("Expect") for r in server.requests] == ["100-continue", None, None]
    assert [bytes(r.body) for r in server.requests if r.complete] == [BODY, BODY]


async def test_p19_silence_takes_nothing_of_a_stream(scripted: StartScript) -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield BODY

    server = await scripted(rest=reply(200, interim=0))
    async with (
        client_for(server, config=ASKING) as client,
        client.put("bucket/key", stream(), data_length=len(BODY)) as response,
    ):
        assert response.status == 200
    assert bytes(server.requests[-1].body) == BODY


async def test_p19_a_second_100_does_no_harm(scripted: StartScript) -> None:
    server = await scripted(reply(200, interim=2), reply(200, interim=1))
    async with client_for(server, config=ASKING) as client:
        for _ in range(2):
            async with client.put("bucket/key", BODY) as response:
                assert response.status == 200
    assert [bytes(r.body) for r in server.requests] == [BODY, BODY]


async def test_p19_a_100_that_nobody_asked_for_does_no_harm(scripted: StartScript) -> None:
    server = await scripted(reply(200, interim=1))
    async with client_for(server) as client, client.put("bucket/key", b"small") as response:
        assert response.status == 200
    assert bytes(server.requests[0].body) == b"small"


async def test_p19_417_is_answered_without_the_question(scripted: StartScript) -> None:
    server = await scripted(reply(417, read=0, end="close"), rest=reply(200))
    async with client_for(server, config=ASKING) as client:
        for _ in range(2):
            async with client.put("bucket/key", BODY) as response:
                assert response.status == 200
    assert [r.header("Expect") for r in server.requests] == ["100-continue", None, None]


@pytest.mark.parametrize("size", [10_000, 10])
async def test_p19_endless_417_ends(scripted: StartScript, size: int) -> None:
    count = 0

    def answer(_: object) -> object:
        nonlocal count
        count += 1
        # Without a bound of its own the test would never end where the client has none.
        return reply(417 if count < 50 else 200, end="close")

    server = await scripted(rest=answer)
    async with (
        client_for(server, config=ASKING) as client,
        client.put("bucket/key", bytes(size)) as response,
    ):
        assert response.status == 417
    assert len(server.requests) <= 3


async def test_p19_417_of_a_redirects_target_ends(scripted: StartScript) -> None:
    """The host that is asked is the redirect's, not the client's own."""
    count = 0

    def answer(request: object) -> object:
        nonlocal count
        count += 1
        asked = request.header("Expect") is not None  # type: ignore[attr-defined]
        return reply(417 if asked and count < 50 else 200, read=0 if asked else None, end="close")

    target = await scripted(rest=answer)
    server = await scripted(rest=reply(307, {"Location": f"{target.url}/bucket/key"}, read=0))
    async with (
        client_for(server, config=ASKING) as client,
        client.put("bucket/key", BODY) as response,
    ):
        assert response.status == 200
    assert len(target.requests) == 2
