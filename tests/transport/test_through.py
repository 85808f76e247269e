"""One client on several sessions: ``Engine.through``."""

from __future__ import annotations

import aiohttp

from aiohttp_s3_client.credentials import StaticCredentials
from aiohttp_s3_client.engine import Engine

from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import reply
from .scripts import KEY, SECRET, error


def engine_of(server: ScriptedServer, session: aiohttp.ClientSession | None = None) -> Engine:
    return Engine(
        session=session,
        url=server.url,
        credentials=StaticCredentials(KEY, SECRET),
        region="us-east-1",
    )


async def test_requests_go_through_the_other_session(scripted: StartScript) -> None:
    server = await scripted(rest=reply(200))
    async with aiohttp.ClientSession(headers={"x-from": "other"}) as other:
        engine = engine_of(server)
        await engine.open()
        try:
            await engine.through(other).request("HeadObject", "HEAD", "bucket", "key")
            await engine.request("HeadObject", "HEAD", "bucket", "key")
        finally:
            await engine.close()
        assert not other.closed
    assert [dict(seen.headers).get("x-from") for seen in server.requests] == ["other", None]


async def test_a_client_without_a_session_works_through_another(scripted: StartScript) -> None:
    server = await scripted(rest=reply(200))
    async with aiohttp.ClientSession() as other:
        through = engine_of(server).through(other)
        await through.request("HeadObject", "HEAD", "bucket", "key")
        await through.close()
        assert not other.closed


async def test_what_was_learnt_of_the_server_is_shared(scripted: StartScript) -> None:
    """P24: the time that one session learnt is signed with on the other at once."""
    late = {"Date": "Mon, 01 Jan 2035 00:00:00 GMT"}
    server = await scripted(error(403, "RequestTimeTooSkewed", headers=late), rest=reply(200))
    async with aiohttp.ClientSession() as one, aiohttp.ClientSession() as other:
        engine = engine_of(server, one)
        await engine.through(other).request("HeadObject", "GET", "bucket", "key")
        await engine.request("HeadObject", "GET", "bucket", "key")
    times = [dict(seen.headers)["x-amz-date"][:4] for seen in server.requests]
    assert times[1:] == ["2035", "2035"]
    assert len(server.requests) == 3


async def test_regions_are_shared_whichever_was_used_first(scripted: StartScript) -> None:
    elsewhere = error(400, "AuthorizationHeaderMalformed", extra="<Region>eu-west-3</Region>")
    server = await scripted(elsewhere, rest=reply(200))
    async with aiohttp.ClientSession() as other:
        engine = engine_of(server)
        through = engine.through(other)
        await through.request("HeadObject", "GET", "bucket", "key")
        snapshot = through.credentials.at_hand()
        regions = [each.routes(snapshot).of("bucket").region for each in (engine, through)]
    assert regions == ["eu-west-3", "eu-west-3"]
