"""P25, P3: importing the package starts nothing, brings no botocore, and takes little time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.running import RunningServer

IMPORTS = 9
TIMES_AIOHTTP = 1.3
"""The aim is 1.15; measured where everything is busy it needs room."""


def run(code: str, *arguments: str, **environment: str) -> str:
    """What a fresh interpreter prints; a failure shows what it said."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


WATCHED_IMPORT = """
import json, sys, threading
seen = []
watched = ("socket.", "subprocess.", "os.fork", "os.exec", "os.posix_spawn", "_thread.start")
sys.addaudithook(lambda event, _: seen.append(event) if event.startswith(watched) else None)
before = set(sys.modules)
MODULE
print(json.dumps({
    "events": seen,
    "threads": threading.active_count(),
    "modules": sorted(set(sys.modules) - before),
    "descriptors": sorted(__import__("os").listdir("/proc/self/fd")) if sys.platform == "linux"
        else [],
}))
"""


def test_p25_import_starts_no_thread_and_opens_no_socket() -> None:
    """P25: nothing happens at import, so that a fork afterwards is safe."""
    code = WATCHED_IMPORT.replace(
        "MODULE", "import aiohttp_s3_client, aiohttp_s3_client.credentials"
    )
    found = json.loads(run(code))
    assert found["events"] == []
    assert found["threads"] == 1
    assert len(found["descriptors"]) <= 4  # standard ones, and the listing's own


def test_p25_the_watch_sees_threads_and_sockets() -> None:
    """P25: the test above would notice."""
    code = "import socket; socket.socket().close(); socket.getaddrinfo('127.0.0.1', 1)"
    found = json.loads(run(WATCHED_IMPORT.replace("MODULE", code)))
    assert {"socket.__new__", "socket.getaddrinfo"} <= set(found["events"])


def test_p3_no_botocore() -> None:
    """P3: neither botocore nor anything else that is not aiohttp's own comes along."""
    ours = json.loads(run(WATCHED_IMPORT.replace("MODULE", "import aiohttp_s3_client")))
    theirs = json.loads(run(WATCHED_IMPORT.replace("MODULE", "import aiohttp")))
    brought = {name.partition(".")[0] for name in ours["modules"]}
    brought -= {name.partition(".")[0] for name in theirs["modules"]}
    outside = {name for name in brought if name.lstrip("_") not in sys.stdlib_module_names}
    outside -= {name for name in brought if name in sys.stdlib_module_names}
    assert outside == {"aiohttp_s3_client"}


def test_p25_import_reads_no_heavy_module() -> None:
    """P25: what is needed seldom is not imported beforehand."""
    ours = json.loads(run(WATCHED_IMPORT.replace("MODULE", "import aiohttp_s3_client")))
    theirs = json.loads(run(WATCHED_IMPORT.replace("MODULE", "import aiohttp")))
    added = set(ours["modules"]) - set(theirs["modules"])
    heavy = {"configparser", "concurrent.futures.process", "multiprocessing", "sqlite3", "unittest"}
    assert not added & heavy
    foreign = {name for name in added if not name.startswith("aiohttp_s3_client")}
    assert len(foreign) <= 12, sorted(foreign)


def test_p25_import_takes_little_more_than_aiohttps_own(tmp_path: Path) -> None:
    """P25: seconds of the processor, in fresh processes. The least of each import counts: what
    else runs on the machine adds to some of them, and takes from none."""
    code = (
        "from time import process_time as t; a = t(); import aiohttp; b = t();"
        "import aiohttp_s3_client; c = t(); print(b - a, c - b)"
    )
    cached = {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}
    run(code, **cached)
    both = [[float(seconds) for seconds in run(code, **cached).split()] for _ in range(IMPORTS)]
    theirs, ours = (min(seconds) for seconds in zip(*both, strict=True))
    assert (theirs + ours) / theirs < TIMES_AIOHTTP, both


AFTER_FORK = """
import asyncio, os, signal, sys
from yarl import URL
from aiohttp_s3_client import S3Client

url, key, secret, name = sys.argv[1:]
client = S3Client(url=url, access_key_id=key, secret_access_key=secret)

async def use(client, body):
    async with client:
        async with client.put(name, body) as resp:
            assert resp.status == 200
        async with client.get(name) as resp:
            assert await resp.read() == body

asyncio.run(use(client, b"parent"))
pid = os.fork()
if pid == 0:
    signal.alarm(20)
    asyncio.run(use(client, b"the child, with the parent's client"))
    asyncio.run(use(S3Client(url=url, access_key_id=key, secret_access_key=secret), b"its own"))
    os._exit(0)
_, status = os.waitpid(pid, 0)
assert status == 0, status
asyncio.run(use(client, b"the parent again"))
print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on Windows")
def test_p25_works_after_fork(embedded: RunningServer, embedded_bucket: str) -> None:
    """P25: a client made before the fork, and one made in the child, each on a loop of its own."""
    keys = (embedded.access_key_id, embedded.secret_access_key)
    assert run(AFTER_FORK, embedded.url, *keys, f"{embedded_bucket}/key") == "done\n"
