"""``multipart_upload``: parts in the caller's hands, never an object with a hole (P9)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from aiohttp_s3_client import AwsUploadError, ClientConfig
from aiohttp_s3_client.errors import AccessDenied, IncompleteMultipartUpload, InternalError
from aiohttp_s3_client.transfer.uploader import MultipartUploader

from ..servers.scripted import StartScript
from ..servers.steps import Recorded, Step, hang, reply
from ..transport.scripts import client_for, error, kinds, part_etag, part_number, upload_step
from .test_upload import CHEAP, MIB, PART, but


async def test_numbers_are_given_in_the_order_of_the_calls(scripted: StartScript) -> None:
    server = await scripted(rest=upload_step)
    async with client_for(server) as client, client.multipart_upload("bucket/key") as uploader:
        parts = [uploader.put_part(text) for text in (b"one", "two", bytearray(b"three"))]
        assert uploader.upload_id == "UP-1"
        for part in reversed(parts):
            await part
    bodies = {part_number(r): bytes(r.body) for r in server.requests if part_number(r)}
    assert bodies == {1: b"one", 2: b"two", 3: b"three"}
    assert kinds(server) == ["create", "part 3", "part 2", "part 1", "complete"]
    document = server.requests[-1].body.decode()
    places = [document.index(f"<PartNumber>{n}</PartNumber>") for n in (1, 2, 3)]
    assert places == sorted(places)
    assert uploader.answer is not None
    assert b"abc-1" in (uploader.answer.body or b"")


async def test_a_part_gives_its_etag(scripted: StartScript) -> None:
    server = await scripted(rest=upload_step)
    async with client_for(server) as client, client.multipart_upload("bucket/key") as uploader:
        etags = await asyncio.gather(*(uploader.put_part(b"x") for _ in range(5)))
    assert etags == [part_etag(number) for number in range(1, 6)]


async def test_workers_bound_what_is_in_flight(scripted: StartScript) -> None:
    running = most = 0

    def counted(request: Recorded) -> Step:
        nonlocal running, most
        if part_number(request) is None:
            return upload_step(request)
        running += 1
        most = max(most, running)

        def done() -> None:
            nonlocal running
            running -= 1

        asyncio.get_running_loop().call_later(0.03, done)
        return reply(200, {"ETag": '"x"'}, delay=0.04)

    server = await scripted(rest=counted)
    async with (
        client_for(server) as client,
        client.multipart_upload("bucket/key", workers_count=2) as uploader,
    ):
        await asyncio.gather(*(uploader.put_part(b"x") for _ in range(6)))
    assert most == 2


async def test_a_known_hash_is_signed_as_it_is_given(scripted: StartScript) -> None:
    server = await scripted(rest=upload_step)
    async with client_for(server) as client, client.multipart_upload("bucket/key") as uploader:
        await uploader.put_part(b"x", content_sha256="ab" * 32)
    assert server.requests[1].header("x-amz-content-sha256") == "ab" * 32


async def test_parts_that_were_never_awaited_are_named_and_the_upload_aborted(
    scripted: StartScript,
) -> None:
    server = await scripted(rest=upload_step)
    async with client_for(server) as client:
        with pytest.raises(IncompleteMultipartUpload, match=r"parts 2, 4\b") as caught:  # noqa: PT012  # leaving the context raises
            async with client.multipart_upload("bucket/key") as uploader:
                parts = [uploader.put_part(b"x") for _ in range(4)]
                await parts[0]
                await parts[2]
    assert caught.value.part_numbers == (2, 4)
    assert kinds(server) == ["create", "part 1", "part 3", "abort"]


async def test_tasks_still_in_flight_are_waited_for(scripted: StartScript) -> None:
    slow = but({"part 1": reply(200, {"ETag": '"x"'}, delay=0.2)})
    server = await scripted(rest=slow)
    async with client_for(server) as client, client.multipart_upload("bucket/key") as uploader:
        tasks = [asyncio.create_task(uploader.put_part(b"x")) for _ in range(3)]
    assert all(task.done() for task in tasks)
    assert kinds(server)[-1] == "complete"
    assert server.requests[-1].body.count(b"<PartNumber>") == 3


async def test_p09_a_failed_part_that_gather_swallowed_still_aborts(scripted: StartScript) -> None:
    server = await scripted(rest=but({"part 2": error(403, "AccessDenied")}))
    async with client_for(server) as client:
        with pytest.raises(AccessDenied) as caught:  # noqa: PT012  # leaving the context raises
            async with client.multipart_upload("bucket/key") as uploader:
                parts = [uploader.put_part(b"x") for _ in range(3)]
                results = await asyncio.gather(*parts, return_exceptions=True)
                assert isinstance(results[1], AccessDenied)
    assert isinstance(caught.value, AwsUploadError)
    assert caught.value.detail == "part 2"
    assert kinds(server)[-1] == "abort"
    assert "complete" not in kinds(server)


async def test_p09_a_failed_part_of_a_task_nobody_looked_at_aborts(scripted: StartScript) -> None:
    server = await scripted(rest=but({"part 1": error(403, "AccessDenied")}))
    async with client_for(server) as client:
        with pytest.raises(AccessDenied):
            async with client.multipart_upload("bucket/key") as uploader:
                task = asyncio.create_task(uploader.put_part(b"x"))
    assert task.done()
    assert isinstance(task.exception(), AccessDenied)
    assert kinds(server)[-1] == "abort"


@pytest.mark.parametrize("auto_abort", [True, False])
async def test_p09_an_exception_in_the_context_aborts(
    scripted: StartScript, auto_abort: bool
) -> None:
    server = await scripted(rest=but({"part 2": hang()}))
    never_awaited: list[object] = []
    async with client_for(server) as client:
        with pytest.raises(LookupError):  # noqa: PT012  # leaving the context raises
            async with client.multipart_upload("bucket/key", auto_abort=auto_abort) as uploader:
                await uploader.put_part(b"x")
                task = asyncio.create_task(uploader.put_part(b"x"))
                never_awaited.append(uploader.put_part(b"never awaited"))
                await server.wait_for(3)
                raise LookupError
        assert uploader.upload_id == "UP-1"
        with pytest.raises(IncompleteMultipartUpload, match="given up"):
            await task
    assert kinds(server)[3:] == (["abort"] if auto_abort else [])


async def test_p09_a_cancelled_context_aborts(scripted: StartScript) -> None:
    server = await scripted(rest=but({"part 1": hang()}))

    async def work() -> None:
        async with (
            client_for(server) as client,
            client.multipart_upload("bucket/key") as uploader,
        ):
            await uploader.put_part(b"x")

    task = asyncio.ensure_future(work())
    await server.wait_for(2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert kinds(server) == ["create", "part 1", "abort"]


async def test_p09_a_part_that_the_caller_gave_up_leaves_no_hole(scripted: StartScript) -> None:
    """A part under a timeout of the caller's: the upload fails, and is not taken for cancelled."""
    server = await scripted(rest=but({"part 1": hang()}))
    async with client_for(server) as client:
        with pytest.raises(IncompleteMultipartUpload) as caught:  # noqa: PT012  # leaving the context raises
            async with client.multipart_upload("bucket/key") as uploader:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(uploader.put_part(b"x"), 0.1)
                await uploader.put_part(b"y")
    assert caught.value.part_numbers == (1,)
    assert kinds(server)[-1] == "abort"
    assert "complete" not in kinds(server)


async def test_no_parts_are_one_empty_part(scripted: StartScript) -> None:
    server = await scripted(rest=upload_step)
    async with client_for(server) as client, client.multipart_upload("bucket/key"):
        pass
    assert kinds(server) == ["create", "part 1", "complete"]


async def test_a_part_is_tried_as_often_as_it_says(scripted: StartScript) -> None:
    server = await scripted(rest=but({"part 1": error(500, "InternalError")}))
    async with client_for(server, config=ClientConfig(max_attempts=4)) as client:
        with pytest.raises(InternalError):
            async with client.multipart_upload("bucket/key", part_upload_tries=2) as uploader:
                await uploader.put_part(b"x")
    assert kinds(server) == ["create", "part 1", "part 1", "abort"]


async def test_put_part_outside_the_context(scripted: StartScript) -> None:
    server = await scripted(rest=upload_step)
    async with client_for(server) as client:
        uploader = client.multipart_upload("bucket/key")
        with pytest.raises(RuntimeError, match="async with"):
            _ = uploader.put_part(b"x")
        async with uploader:
            await uploader.put_part(b"x")
        with pytest.raises(RuntimeError, match="async with"):
            _ = uploader.put_part(b"x")
    assert kinds(server) == ["create", "part 1", "complete"]


async def test_part_10001_is_refused(scripted: StartScript) -> None:
    server = await scripted(rest=upload_step)
    async with client_for(server) as client:
        with pytest.raises(ValueError, match="10,000"):  # noqa: PT012  # leaving the context raises
            async with client.multipart_upload("bucket/key") as uploader:
                parts = [uploader.put_part(b"x") for _ in range(10_000)]
                parts.append(uploader.put_part(b"one too many"))
    assert kinds(server) == ["create", "abort"]


@pytest.mark.parametrize("data", ["", b"", bytearray()])
async def test_an_empty_part_is_a_part(scripted: StartScript, data: bytes | str) -> None:
    server = await scripted(rest=upload_step)
    async with client_for(server) as client, client.multipart_upload("bucket/key") as uploader:
        await uploader.put_part(data)
    assert kinds(server) == ["create", "part 1", "complete"]


async def pieces(count: int) -> AsyncIterator[bytes]:
    for number in range(count):
        yield bytes([number]) * MIB


async def test_put_stream_cuts_into_parts(scripted: StartScript) -> None:
    server = await scripted(rest=upload_step)
    async with (
        client_for(server, config=CHEAP) as client,
        client.multipart_upload("bucket/key", part_size=PART) as uploader,
    ):
        await uploader.put_stream(pieces(12))
        await uploader.put_part(b"end")
    bodies = {part_number(r): bytes(r.body) for r in server.requests if part_number(r)}
    assert [len(bodies[n]) for n in (1, 2, 3, 4)] == [PART, PART, 2 * MIB, 3]
    assert b"".join(bodies[n] for n in (1, 2, 3)) == b"".join(
        bytes([number]) * MIB for number in range(12)
    )


async def test_put_stream_of_nothing(scripted: StartScript) -> None:
    server = await scripted(rest=upload_step)
    async with client_for(server) as client, client.multipart_upload("bucket/key") as uploader:
        await uploader.put_stream([])
    assert kinds(server) == ["create", "part 1", "complete"]


async def test_p09_a_stream_that_fails_aborts(scripted: StartScript) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(PART + 1)
        raise LookupError("gone")

    server = await scripted(rest=upload_step, keep_bodies=False)

    async def send(uploader: MultipartUploader) -> None:
        await uploader.put_stream(broken())

    async with client_for(server, config=CHEAP) as client:
        with pytest.raises(LookupError, match="gone"):
            async with client.multipart_upload("bucket/key", part_size=PART) as uploader:
                await send(uploader)
    assert kinds(server)[-1] == "abort"


async def test_a_refused_create_raises_on_entering(scripted: StartScript) -> None:
    server = await scripted(error(403, "AccessDenied"))
    async with client_for(server) as client:
        with pytest.raises(AccessDenied) as caught:
            async with client.multipart_upload("bucket/key"):
                pytest.fail("entered")
    assert isinstance(caught.value, AwsUploadError)


async def test_one_uploader_is_one_upload(scripted: StartScript) -> None:
    """Entered again it would mix the parts of two uploads."""
    server = await scripted(rest=upload_step)
    async with client_for(server) as client:
        uploader = client.multipart_upload("bucket/key")
        async with uploader:
            await uploader.put_part(b"one")
        with pytest.raises(RuntimeError):
            async with uploader:
                await uploader.put_part(b"two")
    assert kinds(server) == ["create", "part 1", "complete"]
