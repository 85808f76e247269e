"""A network of two links, in namespaces that end with the processes that are in them.

``run_inside`` runs a program in a namespace of its own; there ``Links`` makes ``link0`` and
``link1``, which both lead to one server. The host's own network is left alone.
"""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

SERVER = "10.99.0.1"
PORT = 8000
CLIENTS = ("10.99.1.1", "10.99.2.1")
"""The client's address on each link."""

_ANSWERS = f"""
import asyncio, subprocess, sys
print("here", flush=True)
sys.stdin.readline()
for command in (
    "ip link set lo up", "ip addr add {SERVER}/32 dev lo",
    "ip addr add 10.99.1.2/24 dev server0", "ip link set server0 up",
    "ip addr add 10.99.2.2/24 dev server1", "ip link set server1 up",
):
    subprocess.run(command.split(), check=True)

async def answer(reader, writer):
    await reader.readuntil(b"\\r\\n\\r\\n")
    client = writer.get_extra_info("peername")[0].encode()
    writer.write(b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n")
    writer.write(b"Content-Length: %d\\r\\n\\r\\n%b" % (len(client), client))
    await writer.drain()
    writer.close()

async def main():
    server = await asyncio.start_server(answer, "{SERVER}", {PORT})
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""
"""A server that answers each request with the address that it came from."""


def _unshare() -> list[str]:
    own = ["--net"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--net"]
    return ["unshare", *own, "--"]


@functools.cache
def why_not() -> str:
    """Why this machine has no namespaces for tests; empty when it has."""
    if sys.platform != "linux":
        return "network namespaces are Linux's"
    for tool in ("unshare", "ip"):
        if shutil.which(tool) is None:
            return f"there is no `{tool}` here"
    attempt = "ip link add link0 type veth peer name server0"
    done = subprocess.run(
        [*_unshare(), *attempt.split()], capture_output=True, text=True, timeout=20, check=False
    )
    return f"network namespaces are not allowed here: {done.stderr.strip()}" * bool(done.returncode)


def run_inside(program: str) -> str:
    """What *program* prints in a namespace of its own; the test is skipped where there is none."""
    if reason := why_not():
        pytest.skip(reason)
    done = subprocess.run(
        [*_unshare(), sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=50,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    # What is not closed is told on stderr alone.
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


class Links:
    """Inside: ``link0`` and ``link1`` to a server in another namespace, which runs meanwhile."""

    def __init__(self) -> None:
        self.url = f"http://{SERVER}:{PORT}/"
        self._server: Process | None = None

    async def __aenter__(self) -> Self:
        self._server = server = await asyncio.create_subprocess_exec(
            *_unshare(), sys.executable, "-c", _ANSWERS, stdin=PIPE, stdout=PIPE
        )
        if server.stdin is None or server.stdout is None:
            raise AssertionError("they are pipes")
        # From here on it is in its own namespace, which its number stands for.
        assert await server.stdout.readline() == b"here\n"
        for number, address in enumerate(CLIENTS):
            peer = f"type veth peer name server{number} netns {server.pid}"
            await ip(f"link add link{number} {peer}")
            await ip(f"addr add {address}/24 dev link{number}")
            await ip(f"link set link{number} up")
        server.stdin.write(b"go\n")
        assert await server.stdout.readline() == b"ready\n"
        # Without a choice of interface, everything goes by the first link.
        for number in range(len(CLIENTS)):
            via = f"via 10.99.{number + 1}.2 dev link{number} metric {number + 1}"
            await ip(f"route add {SERVER}/32 {via}")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None and self._server.stdin is not None:
            self._server.stdin.close()
            await self._server.wait()


async def ip(command: str) -> None:
    """Run ``ip`` with these words."""
    process = await asyncio.create_subprocess_exec("ip", *command.split())
    assert await process.wait() == 0, command
