"""Cancelling a request and closing a client: nothing goes on, and nothing is left behind."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest

from aiohttp_s3_client.meta_request import AcceleratedClient, AwsCrtError
from tests.behaviour.material import left_over, noise
from tests.servers.scripted import ScriptedServer, StartScript
from tests.servers.steps import Recorded, Step, hang
from tests.transport.scripts import RangedObject, kind, kinds, upload_step

from .calls import DEFAULT, GET, MIB, PUT, Log, ask, client_of

DATA = noise(1000, 3)
CANCELED = (14347, "AWS_ERROR_S3_CANCELED")


def first_then_nothing(request: Recorded) -> Step:
    """The first range is answered, the others never are."""
    wanted = request.header("Range") or ""
    return RangedObject(DATA)(request) if wanted.startswith("bytes=0-") else hang()


def check_canceled(log: Log) -> None:
    failure = log.end["error"]
    assert isinstance(failure, AwsCrtError)
    assert (failure.code, failure.name) == CANCELED
    nothing = ("error_headers", "error_body", "error_operation_name", "status_code")
    assert [log.end[name] for name in nothing] == [None] * 4


async def test_before_it_began(scripted: StartScript) -> None:
    server = await scripted()
    log = Log()
    client = client_of(server)
    log.request = client.make_request(type=GET, request=ask(server), **log.callbacks)
    log.request.cancel()
    with pytest.raises(AwsCrtError, match="CANCELED"):
        await log.request.finished_future
    await log.request.shutdown_event.wait()
    check_canceled(log)
    assert not server.requests


@pytest.mark.parametrize("into_file", [False, True])
async def test_a_download(scripted: StartScript, tmp_path: Path, into_file: bool) -> None:
    server = await scripted(rest=first_then_nothing)
    log = Log()
    client = client_of(server, part_size=300)
    path = tmp_path / "copy" if into_file else None
    log.request = client.make_request(
        type=GET, request=ask(server), recv_filepath=path, **log.callbacks
    )
    await server.wait_for(4)
    log.request.cancel()
    await log.request.shutdown_event.wait()
    check_canceled(log)
    assert left_over(tmp_path) == []


async def test_an_upload_is_aborted_first(scripted: StartScript) -> None:
    def step(request: Recorded) -> Step:
        return hang() if kind(request) == "part 2" else upload_step(request)

    server = await scripted(rest=step, keep_bodies=False)
    log = Log()
    log.request = client_of(server, part_size=5 * MIB).make_request(
        type=PUT,
        request=ask(server, method="PUT", body=io.BytesIO(bytes(5 * MIB + 1))),
        **log.callbacks,
    )
    await server.wait_for(3)
    log.request.cancel()
    await log.request.shutdown_event.wait()
    check_canceled(log)
    assert kinds(server)[-1] == "abort"


async def test_any_operation(scripted: StartScript) -> None:
    server = await scripted(hang())
    log = Log()
    log.request = client_of(server).make_request(
        type=DEFAULT, request=ask(server), operation_name="ListObjectsV2", **log.callbacks
    )
    await server.wait_for(1)
    log.request.cancel()
    log.request.cancel()
    await log.request.shutdown_event.wait()
    check_canceled(log)


async def test_from_within_a_callback(scripted: StartScript) -> None:
    server = await scripted(rest=RangedObject(DATA))
    log = Log()

    def on_headers(**facts: Any) -> None:
        assert log.request is not None
        log.request.cancel()

    await log.of(client_of(server), type=GET, request=ask(server), on_headers=on_headers)
    check_canceled(log)
    assert log.chunks == []


async def test_after_its_end_it_changes_nothing(scripted: StartScript) -> None:
    server = await scripted(rest=RangedObject(DATA))
    log = await Log().of(client_of(server), type=GET, request=ask(server))
    assert log.request is not None
    log.request.cancel()
    await log.request.finished_future
    assert len(log.ends) == 1


async def test_cancelling_the_future_cancels_the_request(scripted: StartScript) -> None:
    """As a timeout around it does."""
    server = await scripted(rest=first_then_nothing)
    log = Log()
    client = client_of(server, part_size=300)
    log.request = client.make_request(type=GET, request=ask(server), **log.callbacks)
    await server.wait_for(4)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(log.request.finished_future, 0.01)
    await log.request.shutdown_event.wait()
    check_canceled(log)


async def test_memory_comes_back_after_a_cancellation(scripted: StartScript) -> None:
    """All of it: the next request needs the whole limit."""
    data = noise(1000, 4) * 11000  # 11 MB
    answers = RangedObject(data)
    stalled = True

    def step(request: Recorded) -> Step:
        behind = request.header("Range") not in (None, "bytes=0-5242879")
        return hang() if stalled and behind else answers(request)

    server = await scripted(rest=step)
    client = client_of(server, part_size=5 * MIB, memory_limit=5 * MIB)
    for _ in range(2):
        log = Log()
        log.request = client.make_request(type=GET, request=ask(server), **log.callbacks)
        await server.wait_for(len(server.requests) + 2)
        log.request.cancel()
        await log.request.shutdown_event.wait()
    stalled = False
    log = await Log().of(client, type=GET, request=ask(server))
    assert log.body == data


# The client


async def test_leaving_the_client_waits_for_its_requests(scripted: StartScript) -> None:
    server = await scripted(rest=lambda request: RangedObject(DATA)(request, delay=0.05))
    log = Log()
    async with client_of(server, part_size=300) as client:
        log.request = client.make_request(type=GET, request=ask(server), **log.callbacks)
    assert log.request.shutdown_event.is_set()
    assert log.body == DATA
    assert client.shutdown_event.is_set()


async def test_leaving_it_with_an_error_cancels_them(scripted: StartScript) -> None:
    server = await scripted(rest=first_then_nothing)
    log = Log()

    async def use() -> None:
        async with client_of(server, part_size=300) as client:
            log.request = client.make_request(type=GET, request=ask(server), **log.callbacks)
            await server.wait_for(4)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await use()
    assert log.request is not None
    assert log.request.shutdown_event.is_set()
    check_canceled(log)


async def test_being_cancelled_while_it_waits_for_them(scripted: StartScript) -> None:
    server = await scripted(rest=first_then_nothing)
    log = Log()

    async def use() -> None:
        async with client_of(server, part_size=300) as client:
            log.request = client.make_request(type=GET, request=ask(server), **log.callbacks)

    task = asyncio.create_task(use())
    await server.wait_for(4)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    check_canceled(log)


@pytest.mark.parametrize("name", ["close", "aclose"])
async def test_closing_cancels_and_takes_no_more(scripted: StartScript, name: str) -> None:
    server = await scripted(rest=first_then_nothing)
    log = Log()
    client = client_of(server, part_size=300)
    log.request = client.make_request(type=GET, request=ask(server), **log.callbacks)
    await server.wait_for(4)
    assert not client.shutdown_event.is_set()
    await getattr(client, name)()
    check_canceled(log)
    assert client.shutdown_event.is_set()
    with pytest.raises(RuntimeError, match="closed"):
        client.make_request(type=GET, request=ask(server))
    with pytest.raises(RuntimeError, match="closed"):
        await client.__aenter__()
    await client.close()


async def test_a_client_that_nobody_closes_keeps_no_connection(scripted: StartScript) -> None:
    """The guard of all tests complains of a session that was not closed."""
    server = await scripted(rest=RangedObject(DATA))
    client = client_of(server)
    for _ in range(2):
        log = await Log().of(client, type=GET, request=ask(server))
        assert log.body == DATA
    assert server.connections == 2


async def test_inside_async_with_connections_are_kept(scripted: StartScript) -> None:
    server = await scripted(rest=RangedObject(DATA))
    async with client_of(server) as client:
        for _ in range(3):
            log = await Log().of(client, type=GET, request=ask(server))
            assert log.body == DATA
    assert server.connections == 1


def test_a_client_serves_one_loop_after_another() -> None:
    """Made outside of any, as the original is."""
    clients: list[AcceleratedClient] = []

    async def use() -> bytes:
        async with ScriptedServer(rest=RangedObject(DATA)) as server:
            client = clients[0] if clients else client_of(server)
            clients.append(client)
            return (await Log().of(client, type=GET, request=ask(server))).body

    assert [asyncio.run(use()) for _ in range(2)] == [DATA] * 2
