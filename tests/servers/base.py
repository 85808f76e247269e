"""What the test servers have in common: their address, their start and their end."""

from __future__ import annotations

import http.client
import shutil
import socket
import ssl
import sys
import sysconfig
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self
from urllib.parse import urlsplit

from .processes import ProcessGroup

ADDRESS_TAKEN = ("address already in use", "addrinuse", "failed to bind", "error binding")


class ServerUnavailable(Exception):
    """This machine cannot run the server. The message is the reason of the skip."""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """Where one S3 server is and how to sign for it. Plain data: it goes to xdist's workers."""

    name: str
    url: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str = "us-east-1"
    ca_file: str | None = None
    """PEM file of the authority to trust, for https."""
    bucket: str | None = None
    """The one bucket to work in, for a user's own server."""

    def as_dict(self) -> dict[str, str | None]:
        return asdict(self)


class Server(ABC):
    """One server and its processes; a context manager. ``infos`` says where it listens."""

    names: ClassVar[tuple[str, ...]]
    """The names of its entries in ``infos``: RGW has one for http and one for https."""

    def __init__(self) -> None:
        self.infos: list[ServerInfo] = []
        self._group: ProcessGroup | None = None

    @classmethod
    def missing(cls) -> str | None:
        """Why this machine need not run the server, or None: then it has to start."""
        return None

    @abstractmethod
    def launch(self, group: ProcessGroup) -> list[ServerInfo]:
        """Start the processes in *group*, wait until they answer, and say where."""

    def start(self) -> None:
        """Start on free ports. Raises ``ServerUnavailable``, or ``RuntimeError`` with the logs.

        Between the choice of a port and its use another process may take it: then once more.
        """
        reason = self.missing()
        if reason:
            raise ServerUnavailable(reason)
        for attempt in (1, 2, 3):
            group = ProcessGroup(Path(tempfile.mkdtemp(prefix=f"s3-{self.names[0]}-")))
            try:
                self.infos = self.launch(group)
            except BaseException as error:
                group.stop()
                taken = any(words in str(error).lower() for words in ADDRESS_TAKEN)
                if attempt == 3 or not isinstance(error, RuntimeError) or not taken:
                    raise
            else:
                self._group = group
                return

    def stop(self) -> None:
        """End the server's processes and remove its files. Can be called twice."""
        if self._group is not None:
            self._group.stop()
            self._group = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def free_ports(count: int) -> list[int]:
    """*count* different TCP ports that are free on the loopback address now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def wait_until_answers(
    url: str, group: ProcessGroup, *, ca_file: str | None = None, timeout: float = 60
) -> None:
    """Return when *url* gives any HTTP answer.

    Raises ``RuntimeError`` with the logs when a process of *group* ends before, or after
    *timeout* seconds.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    context = ssl.create_default_context(cafile=ca_file) if parts.scheme == "https" else None
    deadline = time.monotonic() + timeout
    while True:
        connection = (
            http.client.HTTPConnection(host, port, timeout=10)
            if context is None
            else http.client.HTTPSConnection(host, port, timeout=10, context=context)
        )
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
        except (OSError, http.client.HTTPException) as error:
            ended = group.ended()
            if ended:
                raise RuntimeError(f"{ended} ended at its start\n{group.logs()}") from None
            if time.monotonic() > deadline:
                message = f"{url} does not answer after {timeout} s ({error})\n{group.logs()}"
                raise RuntimeError(message) from None
            time.sleep(0.02)
        else:
            return
        finally:
            connection.close()


def script(name: str) -> Path | None:
    """The program *name* that pip installed beside this interpreter, else one on the PATH."""
    folders: Sequence[str] = (sysconfig.get_path("scripts"), str(Path(sys.executable).parent))
    for folder in folders:
        found = shutil.which(name, path=folder)
        if found:
            return Path(found)
    found = shutil.which(name)
    return Path(found) if found else None
