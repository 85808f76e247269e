"""Conditional writes whose first answer was lost (P11)."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from aiohttp_s3_client.errors import PreconditionFailed

from ..servers.scripted import StartScript
from ..servers.steps import Step, drop, reply
from .scripts import client_for, error

BODY = b"hello"
MINE = {"ETag": f'"{hashlib.md5(BODY).hexdigest()}"'}
OTHERS = {"ETag": f'"{hashlib.md5(b"other").hexdigest()}"'}
ONLY_NEW = {"If-None-Match": "*"}


@pytest.mark.parametrize("lost", [drop(read=None), error(500, "InternalError")])
async def test_p11_a_lost_answer_is_found_out(scripted: StartScript, lost: Step) -> None:
    server = await scripted(lost, error(412, "PreconditionFailed"), reply(200, MINE))
    async with client_for(server) as client:
        async with client.put("bucket/key", BODY, headers=ONLY_NEW) as response:
            assert response.status == 200
            assert response.headers["ETag"] == MINE["ETag"]
    assert [request.method for request in server.requests] == ["PUT", "PUT", "HEAD"]


async def test_p11_for_a_file_as_well(scripted: StartScript, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(BODY)
    server = await scripted(drop(read=None), error(412, "PreconditionFailed"), reply(200, MINE))
    async with client_for(server) as client:
        async with client.put_file("bucket/key", tmp_path / "file", headers=ONLY_NEW) as response:
            assert response.status == 200


async def test_p11_somebody_elses_object_is_no_success(scripted: StartScript) -> None:
    server = await scripted(drop(read=None), error(412, "PreconditionFailed"), reply(200, OTHERS))
    async with client_for(server) as client:
        with pytest.raises(PreconditionFailed):
            await client.put("bucket/key", BODY, headers=ONLY_NEW, raise_for_status=True)


@pytest.mark.parametrize("before", [[], [error(503, "SlowDown")], [error(400, "ExpiredToken")]])
async def test_p11_a_412_that_nothing_of_ours_explains_is_believed(
    scripted: StartScript, before: list[Step]
) -> None:
    """Two writers of the same bytes: the one that came second has to learn it."""
    server = await scripted(*before, error(412, "PreconditionFailed"))
    async with client_for(server) as client:
        async with client.put("bucket/key", BODY, headers=ONLY_NEW) as response:
            assert response.status == 412
