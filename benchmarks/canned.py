"""A server of canned answers, in a process of its own, so that only the client is measured."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection

Answer = Callable[[bytes], bytes]
"""From a request's first line to the whole answer."""


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """The URL of a server that answers with *answer*, a function that can be pickled."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(theirs, answer), daemon=True
    )
    server.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        server.terminate()
        server.join()


def _serve(port: Connection, answer: Answer) -> None:
    async def main() -> None:
        make = partial(_Answering, answer)
        server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


class _Answering(asyncio.Protocol):
    """Answers each request once its body has come."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            _, found, rest = head.lower().partition(b"\r\ncontent-length:")
            length = int(rest.split(b"\r\n", 1)[0]) if found else 0
            if len(self._received) < end + 4 + length:
                return
            self._received = self._received[end + 4 + length :]
            self._transport.write(self._answer(head.split(b"\r\n", 1)[0]))
