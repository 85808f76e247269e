"""``EventStream``: boto3's events out of an answer, whatever becomes of the answer."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import (
    EventStreamError,
    ResponseParseError,
    S3ConnectionError,
    S3TimeoutError,
)
from aiohttp_s3_client.operations.events import EventStream
from aiohttp_s3_client.request import Request

from ..protocol.rest_xml_models import s3
from ..protocol.test_event_stream import damaged, encode, event
from ..servers.scripted import StartScript
from ..servers.steps import Step, reply
from ..transport.scripts import client_for

DETAILS = {"BytesScanned": 30, "BytesProcessed": 20, "BytesReturned": 10}
NUMBERS = "".join(f"<{name}>{value}</{name}>" for name, value in DETAILS.items())
PROGRESS = event("Progress", f"<Progress>{NUMBERS}</Progress>".encode())
STATS = event("Stats", f"<Stats>{NUMBERS}</Stats>".encode())
RECORDS = [event("Records", f"{n},{n}\n".encode()) for n in range(3)]
END = event("End")
ALL = b"".join([RECORDS[0], event("Cont"), PROGRESS, *RECORDS[1:], STATS, END])
EVENTS: list[dict[str, Any]] = [
    {"Records": {"Payload": b"0,0\n"}},
    {"Cont": {}},
    {"Progress": {"Details": DETAILS}},
    {"Records": {"Payload": b"1,1\n"}},
    {"Records": {"Payload": b"2,2\n"}},
    {"Stats": {"Details": DETAILS}},
    {"End": {}},
]


async def select(client: S3Client) -> EventStream:
    engine = client._engine
    request = Request(
        operation="SelectObjectContent",
        method="POST",
        bucket="bucket",
        key="key",
        query=(("select", ""), ("select-type", "2")),
    )
    output = s3().operation("SelectObjectContent").output
    assert output is not None
    return EventStream(engine, await engine.send(request), output.members["Payload"])


def answer(body: bytes, **how: Any) -> Step:
    return reply(200, {"Content-Type": "application/vnd.amazon.eventstream"}, body, **how)


@pytest.fixture
async def one_connection() -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=None, sock_read=0.5)
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1), timeout=timeout)


async def still_serves(client: S3Client) -> None:
    async with asyncio.timeout(2), client.head("bucket/key") as response:
        assert response.status == 200


@pytest.mark.parametrize("piece", [None, 1, 7, 100])
async def test_the_events_in_botos_form(scripted: StartScript, piece: int | None) -> None:
    server = await scripted(answer(ALL, chunked=True, piece=piece))
    async with client_for(server) as client, await select(client) as events:
        assert [event async for event in events] == EVENTS
        assert [event async for event in events] == []


async def test_the_connection_of_a_stream_that_ended_is_used_again(
    scripted: StartScript, one_connection: aiohttp.ClientSession
) -> None:
    server = await scripted(*[answer(ALL, chunked=True)] * 2, reply(200))
    async with one_connection as session:
        client = client_for(server, session)
        assert len([event async for event in await select(client)]) == len(EVENTS)
        async with await select(client) as events:
            async for event in events:
                if "End" in event:
                    break
        await still_serves(client)
    assert server.connections == 1


async def test_an_event_that_is_new_is_given_as_its_bytes(scripted: StartScript) -> None:
    server = await scripted(answer(event("Novelty", b"<new/>") + END))
    async with client_for(server) as client:
        found = [event async for event in await select(client)]
    assert found == [{"Novelty": {"Payload": b"<new/>"}}, {"End": {}}]


ERROR = encode(
    {
        ":message-type": (7, "error"),
        ":error-code": (7, "OverMaxRecordSize"),
        ":error-message": (7, "a record is too long"),
    }
)


@pytest.mark.parametrize(
    ("bad", "code", "message"),
    [
        (ERROR, "OverMaxRecordSize", "a record is too long"),
        (event("InternalError", b"we failed", "exception"), "InternalError", "we failed"),
        (encode({":message-type": (7, "novelty")}), "InvalidEventStream", "'novelty'"),
        (encode({}), "InvalidEventStream", "None"),
        (encode({":message-type": (7, "event")}), "InvalidEventStream", "'event'"),
        (damaged(END, 0), "InvalidEventStream", "prelude"),
        (END[:-1], "InvalidEventStream", "ended within a message"),
        (b"", "IncompleteEventStream", "without its End"),
    ],
)
async def test_an_error_comes_after_the_events_before_it_and_ends_the_stream(
    scripted: StartScript,
    one_connection: aiohttp.ClientSession,
    bad: bytes,
    code: str,
    message: str,
) -> None:
    server = await scripted(answer(RECORDS[0] + bad), reply(200))
    async with one_connection as session:
        client = client_for(server, session)
        events = await select(client)
        assert await anext(events) == EVENTS[0]
        with pytest.raises(EventStreamError, match=message) as caught:
            await anext(events)
        assert caught.value.code == code
        assert [event async for event in events] == []
        await still_serves(client)


@pytest.mark.parametrize(
    ("how", "error", "reason"),
    [
        ({"cut": len(RECORDS[0]) + 5}, S3ConnectionError, "ClientPayloadError"),
        ({"piece": len(RECORDS[0]), "pause": 30}, S3TimeoutError, "SocketTimeoutError"),
    ],
    ids=["cut", "stalled"],
)
async def test_a_connection_that_fails_is_our_error(
    scripted: StartScript,
    one_connection: aiohttp.ClientSession,
    how: dict[str, Any],
    error: type[Exception],
    reason: str,
) -> None:
    server = await scripted(answer(ALL, **how), reply(200))
    async with one_connection as session:
        client = client_for(server, session)
        events = await select(client)
        assert await anext(events) == EVENTS[0]
        with pytest.raises(error, match=f"SelectObjectContent bucket/key.*{reason}"):
            await anext(events)
        await still_serves(client)


def stalling() -> Step:
    return answer(ALL + bytes(1_000_000), piece=len(RECORDS[0]), pause=30)


async def test_p02_leaving_early_gives_the_connection_back(
    scripted: StartScript, one_connection: aiohttp.ClientSession
) -> None:
    server = await scripted(stalling(), reply(200))
    async with one_connection as session:
        client = client_for(server, session)
        async with asyncio.timeout(0.2), await select(client) as events:
            assert await anext(events) == EVENTS[0]
        await still_serves(client)
        with pytest.raises(StopAsyncIteration):
            await anext(events)


async def test_p02_a_cancelled_reader_gives_the_connection_back(
    scripted: StartScript, one_connection: aiohttp.ClientSession
) -> None:
    server = await scripted(stalling(), reply(200))
    async with one_connection as session:
        client = client_for(server, session)
        events = await select(client)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                [event async for event in events]
        await still_serves(client)
        assert [event async for event in events] == []


async def test_a_parser_that_fails_gives_the_connection_back(
    scripted: StartScript, one_connection: aiohttp.ClientSession
) -> None:
    server = await scripted(
        answer(event("Stats", b"<Stats><BytesScanned>x</BytesScanned></Stats>") + END), reply(200)
    )
    async with one_connection as session:
        client = client_for(server, session)
        with pytest.raises(ResponseParseError, match="BytesScanned is no long"):
            await anext(await select(client))
        await still_serves(client)
