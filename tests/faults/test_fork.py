"""A process that forks with an open client: both sides go on."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from .calls import Place

_PROGRAM = """
import asyncio, os, sys, warnings
from aiohttp_s3_client import S3Client

warnings.simplefilter("ignore", DeprecationWarning)  # threads and fork: that is the point here
url, key_id, secret, region, name, target = sys.argv[1:]

def client():
    return S3Client(url=url, access_key_id=key_id, secret_access_key=secret, region=region)

async def use_own():
    async with client() as own:
        async with own.get(name) as resp:
            assert resp.status == 200
            return len(await resp.read())

async def forked():
    async with client() as open_client:
        await open_client.get_file_parallel(name, target)
        child = os.fork()
        if child == 0:
            # The parent's loop and connections are here too; the child leaves them alone.
            asyncio.events._set_running_loop(None)
            try:
                assert asyncio.run(use_own()) == os.path.getsize(target)
            except BaseException:
                import traceback
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        status = None
        while status is None:
            async with open_client.get(name) as resp:
                assert len(await resp.read()) == os.path.getsize(target)
            pid, code = os.waitpid(child, os.WNOHANG)
            status = code if pid else None
        await open_client.get_file_parallel(name, target)
        return os.waitstatus_to_exitcode(status)

sys.exit(asyncio.run(forked()))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
async def test_fork_with_an_open_client(place: Place, tmp_path: Path) -> None:
    """The child makes its own client and ends; the parent's connections are none of its."""
    info = place.oracle.info
    target = tmp_path / "forked.bin"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROGRAM,
        *(info.url, info.access_key_id, info.secret_access_key, info.region),
        *(place.stored, str(target)),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(30):
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, said.decode()
    assert target.read_bytes() == place.small
