"""Each server is started once in a test run, when a test first needs it.

The process that the user started (xdist's controller, or the only one) holds the ``Farm``; the
workers ask it through a ``RemoteFarm`` for the address of a server by its name.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Client, Connection, Listener
from typing import Protocol

from .base import Server, ServerInfo, ServerUnavailable
from .external import NAME as EXTERNAL
from .external import external_info
from .moto import MotoServer
from .rclone import RcloneServer
from .rgw import RgwServer
from .swift import SwiftServer

SERVERS: tuple[type[Server], ...] = (SwiftServer, RcloneServer, MotoServer, RgwServer)
ALL_NAMES = tuple(name for server in SERVERS for name in server.names)


def local_names() -> list[str]:
    """The servers that this machine runs."""
    return [name for server in SERVERS if server.missing() is None for name in server.names]


def server_names() -> list[str]:
    """The servers that the behavioural tests run against: the user's own, or the local ones."""
    return [EXTERNAL] if external_info() is not None else local_names()


class Servers(Protocol):
    """Where a test process gets its servers from."""

    def prepare(self, names: Iterable[str]) -> None:
        """Start the servers in the background: somebody will ask for them."""

    def get(self, name: str) -> ServerInfo:
        """The server, started. Raises ``ServerUnavailable``, or ``RuntimeError`` with the logs."""

    def close(self) -> None:
        """Stop what was started."""


class Farm:
    """Starts servers in threads of this process and stops them. Safe to call from threads."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=len(SERVERS), thread_name_prefix="server")
        self._started: dict[type[Server], Future[Server]] = {}
        self._lock = threading.Lock()

    def prepare(self, names: Iterable[str]) -> None:
        for name in names:
            if name != EXTERNAL:
                self._future(name)

    def get(self, name: str) -> ServerInfo:
        external = external_info()
        if name == EXTERNAL and external is not None:
            return external
        server = self._future(name).result()
        return next(info for info in server.infos if info.name == name)

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)
        for future in self._started.values():
            if not future.cancelled() and future.exception() is None:
                future.result().stop()
        self._started.clear()

    def _future(self, name: str) -> Future[Server]:
        kind = next((each for each in SERVERS if name in each.names), None)
        if kind is None:
            raise ValueError(f"no server is called {name!r}: {', '.join(ALL_NAMES)}")
        with self._lock:
            if kind not in self._started:
                self._started[kind] = self._executor.submit(_start, kind)
            return self._started[kind]


def _start(kind: type[Server]) -> Server:
    server = kind()
    server.start()
    return server


Address = tuple[str, int]


class FarmService:
    """Answers ``RemoteFarm``s of this machine that know the key. One message each way."""

    def __init__(self, farm: Farm) -> None:
        self._farm = farm
        self.key = secrets.token_hex(16)
        self._listener = Listener(("127.0.0.1", 0), authkey=self.key.encode())
        threading.Thread(target=self._serve, daemon=True, name="farm-service").start()

    @property
    def address(self) -> Address:
        host, port = self._listener.address
        return str(host), int(port)

    def close(self) -> None:
        RemoteFarm(self.address, self.key).end_service()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            # A worker that was killed half-way through its question must not end the service.
            with contextlib.suppress(EOFError, ConnectionError):
                connection = self._listener.accept()
                question, names = connection.recv()
                if question == "end":
                    connection.close()
                    return
                threading.Thread(
                    target=self._answer, args=(connection, question, names), daemon=True
                ).start()

    def _answer(self, connection: Connection, question: str, names: list[str]) -> None:
        with connection:
            try:
                if question == "prepare":
                    self._farm.prepare(names)
                    connection.send(None)
                else:
                    connection.send(self._farm.get(names[0]))
            except (ServerUnavailable, RuntimeError, OSError, ValueError) as error:
                connection.send(error)


class RemoteFarm:
    """The farm as xdist's workers see it."""

    def __init__(self, address: Address, key: str) -> None:
        self._address = address
        self._key = key

    def prepare(self, names: Iterable[str]) -> None:
        self._ask("prepare", list(names))

    def get(self, name: str) -> ServerInfo:
        answer = self._ask("get", [name])
        if not isinstance(answer, ServerInfo):
            raise TypeError(f"the farm answered {answer!r}")
        return answer

    def close(self) -> None:
        """Nothing: the servers belong to the process that started the workers."""

    def end_service(self) -> None:
        with Client(self._address, authkey=self._key.encode()) as connection:
            connection.send(("end", []))

    def _ask(self, question: str, names: list[str]) -> object:
        with Client(self._address, authkey=self._key.encode()) as connection:
            connection.send((question, names))
            answer: object = connection.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer
