"""A proxy with faults, in front of a real server: what goes wrong, and where, a plan decides.

It runs in a thread with a loop of its own, so that its tasks are not those of the test, and it is
a forward proxy too: an absolute request target is cut to its path.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections import Counter
from collections.abc import Coroutine, Iterator
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from .plans import Exchange, Fault, Plan
from .relay import READ, Head, Relay


class FaultProxy:
    """A context manager; ``url`` is where it listens while it is entered.

    *server* is the URL of the plain HTTP server behind it. ``plan`` may be set at any time.
    """

    def __init__(
        self,
        server: str,
        plan: Plan | None = None,
        *,
        host: str = "127.0.0.1",
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(server)
        self._server = (parts.hostname or "", parts.port or 80)
        self.plan: Plan = plan or (lambda _: None)
        self.exchanges: list[Exchange] = []
        self.connections = 0
        self._seen: Counter[str] = Counter()
        self._host = host
        self._ssl = ssl_context
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="server-proxy")
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._listening: asyncio.Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        if self._ssl is not None:
            return f"https://localhost:{self.port}"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    @property
    def faults(self) -> list[Fault]:
        """What went wrong so far."""
        return [each.fault for each in self.exchanges if each.fault is not None]

    def clear(self, plan: Plan | None = None) -> None:
        """Forget what was, and go on by *plan* (without one: no faults)."""
        self.plan = plan or (lambda _: None)
        self.exchanges = []
        self._seen = Counter()

    def descriptors(self) -> set[int]:
        """The proxy's own sockets."""
        sockets = [writer.get_extra_info("socket") for writer in list(self._writers)]
        numbers = {each.fileno() for each in sockets if each is not None}  # None under closed TLS
        if self._listening is not None:
            numbers |= {each.fileno() for each in self._listening.sockets}
        return numbers

    def drop_connections(self) -> None:
        """Reset all that is connected, stalls included."""
        self._run(self._cancel())

    async def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _start(self) -> None:
        self._listening = await asyncio.start_server(
            self._accept, self._host, 0, ssl=self._ssl, limit=READ
        )
        self.port = self._listening.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        assert self._listening is not None
        self._listening.close()
        await self._cancel()
        await self._listening.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        relay = Relay(self.met, reader, writer, self.connections)
        # Either side may go away at any moment: that is what this is for.
        gone = (OSError, EOFError, asyncio.CancelledError)
        with self._holding(writer), contextlib.suppress(*gone):
            upstream_reader, upstream = await asyncio.open_connection(*self._server, limit=READ)
            with self._holding(upstream):
                await relay.run(upstream_reader, upstream)

    @contextlib.contextmanager
    def _holding(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        self._writers.add(writer)
        try:
            yield
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    def met(self, head: Head, connection: int) -> Exchange:
        """Record a request and let the plan decide about it."""
        method, target, _ = head.first.split(" ", 2)
        exchange = Exchange(method, target, head.headers, connection)
        exchange.occurrence = self._seen[exchange.identity]
        self._seen[exchange.identity] += 1
        exchange.fault = self.plan(exchange)
        self.exchanges.append(exchange)
        return exchange
