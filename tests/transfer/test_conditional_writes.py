"""``if_none_match`` and ``if_match``: what is sent, with which request, and what is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from aiohttp_s3_client import AwsUploadError, S3Client, TransferConfig
from aiohttp_s3_client.errors import Conflict, PreconditionFailed

from ..servers.scripted import StartScript
from ..servers.steps import Recorded, Step, drop, reply
from ..transport.scripts import COPIED, client_for, error, kind, kinds, upload_step
from .test_upload import MIB, PART, but

ETAG = "0123456789abcdef0123456789abcdef"
QUOTED = f'"{ETAG}"'
REFUSED = error(412, "PreconditionFailed")

Call = Callable[[S3Client, Path, dict[str, Any]], Awaitable[object]]


async def _put(client: S3Client, path: Path, how: dict[str, Any]) -> None:
    await client.put("bucket/key", b"x", raise_for_status=True, **how)


async def _put_file(client: S3Client, path: Path, how: dict[str, Any]) -> None:
    await client.put_file("bucket/key", path, raise_for_status=True, **how)


async def _put_stream(client: S3Client, path: Path, how: dict[str, Any]) -> None:
    await client.put("bucket/key", iter([bytes(MIB)] * 9), raise_for_status=True, **how)


async def _copy(client: S3Client, path: Path, how: dict[str, Any]) -> None:
    await client.copy("bucket/a", "bucket/key", **how)


async def _rename(client: S3Client, path: Path, how: dict[str, Any]) -> None:
    await client.rename("bucket/a", "bucket/key", **how)


async def _put_multipart(client: S3Client, path: Path, how: dict[str, Any]) -> None:
    await client.put_multipart("bucket/key", [b"x"], **how)


async def _put_file_multipart(client: S3Client, path: Path, how: dict[str, Any]) -> None:
    await client.put_file_multipart("bucket/key", path, **how)


async def _multipart_upload(client: S3Client, path: Path, how: dict[str, Any]) -> None:
    async with client.multipart_upload("bucket/key", **how) as uploader:
        await uploader.put_part(b"x")


IN_ONE: list[Call] = [_put, _put_file, _copy, _rename]
IN_PARTS: list[Call] = [_put_stream, _put_multipart, _put_file_multipart, _multipart_upload]


def stored(request: Recorded) -> Step:
    """The right answer to any write, with HEAD and DELETE of a rename's source."""
    if request.header("x-amz-copy-source"):
        return COPIED
    if request.method == "HEAD" or (request.method == "PUT" and "?" not in request.target):
        return reply(200, {"ETag": QUOTED})
    return upload_step(request)


def is_judged(request: Recorded) -> bool:
    """Whether the condition belongs to *request*: what makes the object of the key."""
    whole = request.method == "PUT" and "?" not in request.target
    return whole or kind(request) == "complete"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    return path


@pytest.mark.parametrize("call", [*IN_ONE, *IN_PARTS])
@pytest.mark.parametrize(
    ("how", "header", "value"),
    [
        ({"if_none_match": "*"}, "If-None-Match", "*"),
        ({"if_match": ETAG}, "If-Match", QUOTED),
        ({"if_match": QUOTED}, "If-Match", QUOTED),
        ({"if_match": f"{ETAG}-17"}, "If-Match", f'"{ETAG}-17"'),
        ({"if_match": ETAG, "headers": {"if-match": ETAG}}, "If-Match", QUOTED),
        ({"if_none_match": "*", "headers": {"If-None-Match": "*"}}, "If-None-Match", "*"),
        ({"if_match": None, "if_none_match": None}, "If-Match", None),
    ],
)
async def test_the_condition_goes_with_what_makes_the_object(
    scripted: StartScript,
    path: Path,
    call: Call,
    how: dict[str, Any],
    header: str,
    value: str | None,
) -> None:
    server = await scripted(rest=stored)
    async with client_for(server) as client:
        await call(client, path, how)
    judged = [request for request in server.requests if is_judged(request)]
    assert len(judged) == 1
    for request in server.requests:
        sent = [item for name, item in request.headers if name.lower() == header.lower()]
        assert sent == ([value] if value is not None and request in judged else [])


@pytest.mark.parametrize("call", [*IN_ONE, *IN_PARTS])
@pytest.mark.parametrize(
    ("how", "named"),
    [
        ({"if_none_match": QUOTED}, "if_none_match"),
        ({"if_none_match": ""}, "if_none_match"),
        ({"if_none_match": True}, "if_none_match"),
        ({"if_match": ""}, "if_match"),
        ({"if_match": '""'}, "if_match"),
        ({"if_match": "*"}, "if_match"),
        ({"if_match": f'W/"{ETAG}"'}, "if_match"),
        ({"if_match": f"{QUOTED}, {QUOTED}"}, "if_match"),
        ({"if_match": f'"{ETAG}'}, "if_match"),
        ({"if_match": f"{ETAG}\r\nx: y"}, "if_match"),
        ({"if_match": f"{ETAG}\n"}, "if_match"),
        ({"if_match": 17}, "if_match"),
        ({"if_match": ETAG, "if_none_match": "*"}, "if_none_match.*if_match"),
        ({"if_match": ETAG, "headers": {"If-Match": '"other"'}}, "if_match.*contradicts"),
        ({"if_match": ETAG, "headers": {"if-none-match": "*"}}, "if_match.*contradicts"),
        ({"if_none_match": "*", "headers": {"If-Match": QUOTED}}, "if_none_match.*contradicts"),
        ({"if_none_match": "*", "headers": {"If-None-Match": "x"}}, "if_none_match.*contradicts"),
    ],
)
async def test_what_is_no_condition_is_refused_before_anything_is_sent(
    scripted: StartScript, path: Path, call: Call, how: dict[str, Any], named: str
) -> None:
    server = await scripted()
    async with client_for(server) as client:
        with pytest.raises(ValueError, match=named):
            await call(client, path, how)
    assert server.requests == []


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("bucket", {}),
        ("bucket/key", {"params": {"tagging": ""}}),
        ("bucket/key", {"params": [("partNumber", "1"), ("uploadId", "UP-1")]}),
    ],
)
@pytest.mark.parametrize("condition", [{"if_none_match": "*"}, {"if_match": ETAG}])
async def test_put_refuses_a_condition_that_would_be_ignored(
    scripted: StartScript, name: str, how: dict[str, Any], condition: dict[str, Any]
) -> None:
    server = await scripted()
    async with client_for(server) as client:
        with pytest.raises(ValueError, match=f"{next(iter(condition))}: .* knows no conditions"):
            await client.put(name, b"", **how, **condition)
    assert server.requests == []


async def test_the_version_that_put_asks_for_is_asked_for_once(scripted: StartScript) -> None:
    """*params* that can be read only once are sent all the same."""
    server = await scripted(rest=reply(200))
    async with client_for(server) as client:
        params = iter([("x-id", "PutObject")])
        await client.put("bucket/key", b"", if_none_match="*", params=params)
    assert server.requests[0].target == "/bucket/key?x-id=PutObject"


# What becomes of it


def refusing(answer: Step) -> Step:
    """``stored``, but for what the condition goes with."""
    return lambda request: answer if is_judged(request) else stored(request)


@pytest.mark.parametrize("call", [*IN_ONE, *IN_PARTS])
async def test_a_condition_that_does_not_hold_is_raised(
    scripted: StartScript, path: Path, call: Call
) -> None:
    server = await scripted(rest=refusing(REFUSED))
    async with client_for(server) as client:
        with pytest.raises(PreconditionFailed) as caught:
            await call(client, path, {"if_none_match": "*"})
    assert caught.value.status == 412
    assert "DELETE" not in [request.method for request in server.requests] or call in IN_PARTS
    assert (kinds(server)[-1] == "abort") == (call in IN_PARTS)


@pytest.mark.parametrize("call", IN_PARTS[1:])
async def test_an_upload_that_is_refused_is_an_error_of_uploads(
    scripted: StartScript, path: Path, call: Call
) -> None:
    server = await scripted(rest=refusing(REFUSED))
    async with client_for(server) as client:
        with pytest.raises(AwsUploadError):
            await call(client, path, {"if_match": ETAG})


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (REFUSED, 412),
        (error(404, "NoSuchKey"), 404),
        (error(409, "ConditionalRequestConflict"), 409),
    ],
)
async def test_put_leaves_the_status_to_the_caller_in_parts_too(
    scripted: StartScript, answer: Step, status: int
) -> None:
    server = await scripted(rest=refusing(answer), keep_bodies=False)
    async with client_for(server) as client:
        stream = iter([bytes(MIB)] * 9)
        async with client.put("bucket/key", stream, if_match=ETAG) as response:
            assert response.status == status
            assert b"<Error>" in await response.read()
    assert kinds(server)[-1] == "abort"


async def test_put_raises_what_a_complete_without_a_condition_says(scripted: StartScript) -> None:
    server = await scripted(rest=refusing(error(400, "InvalidPart")), keep_bodies=False)
    async with client_for(server) as client:
        with pytest.raises(AwsUploadError):
            await client.put("bucket/key", iter([bytes(MIB)] * 9))


async def test_p11_a_copy_in_parts_whose_answer_was_lost(scripted: StartScript) -> None:
    """``managed_copy`` has its condition from ``ExtraArgs``; below, there is one way."""
    part = hashlib.md5(b"part").hexdigest()
    whole = f'"{hashlib.md5(bytes.fromhex(part) * 2).hexdigest()}-2"'
    answers: list[Step] = [drop(read=None), REFUSED]

    def answer(request: Recorded) -> Step:
        if kind(request) == "complete":
            return answers.pop(0)
        if request.method == "HEAD":
            mine = request.target.startswith("/bucket/key")
            return reply(200, {"ETag": whole if mine else QUOTED}, content_length=2 * PART)
        if request.header("x-amz-copy-source"):
            return reply(200, {}, f"<CopyPartResult><ETag>{part}</ETag></CopyPartResult>")
        if request.target.endswith("?tagging="):
            return reply(200, {}, "<Tagging><TagSet/></Tagging>")
        return upload_step(request)

    server = await scripted(rest=answer)
    async with client_for(server) as client:
        await client.copy(
            {"Bucket": "bucket", "Key": "a"},
            "bucket",
            "key",
            {"IfNoneMatch": "*"},
            config=TransferConfig(PART, 2, PART),
        )
    assert kinds(server)[-1] == "HEAD"


async def test_a_conflict_leaves_nothing_to_go_on_with(scripted: StartScript, path: Path) -> None:
    """S3 wants all parts anew, so the journal goes with them."""
    conflict = error(409, "ConditionalRequestConflict")
    server = await scripted(rest=but({"complete": conflict}), keep_bodies=False)
    path.write_bytes(bytes(PART + 1))
    config = TransferConfig(PART, 1, PART, resume=True)
    async with client_for(server) as client:
        with pytest.raises(Conflict):
            await client.upload_file(
                path, "bucket", "key", extra_args={"IfNoneMatch": "*"}, config=config
            )
    assert kinds(server)[-2:] == ["complete", "abort"]
    assert [found.name for found in path.parent.iterdir()] == [path.name]


async def test_p11_what_is_refused_is_kept_for_a_later_try(
    scripted: StartScript, path: Path
) -> None:
    """With ``resume`` the parts stay: the condition may hold another time."""
    server = await scripted(rest=but({"complete": REFUSED}), keep_bodies=False)
    path.write_bytes(bytes(PART + 1))
    config = TransferConfig(PART, 1, PART, resume=True)
    async with client_for(server) as client:
        with pytest.raises(PreconditionFailed):
            await client.upload_file(
                path, "bucket", "key", extra_args={"IfNoneMatch": "*"}, config=config
            )
    assert kinds(server)[-1] == "complete"
    assert len(list(path.parent.iterdir())) == 2
