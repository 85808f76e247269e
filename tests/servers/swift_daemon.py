"""Runs Swift's four servers as the children of one process, tuned for tests.

``python -m tests.servers.swift_daemon FOLDER`` makes the rings and starts what the entry points
``swift-account-server``, ``swift-container-server``, ``swift-object-server`` and
``swift-proxy-server`` start, each with ``FOLDER/NAME.conf``. Importing once and forking takes a
third of the time of four interpreters.

``cache_filter`` stands in for the memcached that a Swift proxy expects beside it.
"""

from __future__ import annotations

import configparser
import importlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Cache:
    """The part of Swift's MemcacheRing that its middlewares use, in the proxy's own memory."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[Any, float]] = {}

    def get(self, key: str, **_: Any) -> Any:
        value, expires = self._entries.get(key, (None, 0.0))
        if expires and expires < time.time():
            del self._entries[key]
            return None
        return value

    # "time" is the name that Swift's middlewares pass.
    def set(self, key: str, value: Any, serialize: bool = True, time: float = 0, **_: Any) -> None:
        self._entries[key] = (value, _later(time))

    def incr(self, key: str, delta: int = 1, time: float = 0, **_: Any) -> int:
        value = max(0, int(self.get(key) or 0) + int(delta))
        self._entries[key] = (value, _later(time))
        return value

    def decr(self, key: str, delta: int = 1, time: float = 0, **_: Any) -> int:
        return self.incr(key, -delta, time)

    def delete(self, key: str, **_: Any) -> None:
        self._entries.pop(key, None)

    def set_multi(self, mapping: Mapping[str, Any], *_: Any, time: float = 0, **__: Any) -> None:
        for key, value in mapping.items():
            self.set(key, value, time=time)

    def get_multi(self, keys: Iterable[str], *_: Any, **__: Any) -> list[Any]:
        return [self.get(key) for key in keys]


def _later(seconds: float) -> float:
    return time.time() + seconds if seconds else 0.0


def cache_filter(_conf: Mapping[str, str], **_: str) -> Callable[[WsgiApp], WsgiApp]:
    """Paste filter factory: puts one ``Cache`` where middlewares look for memcached."""
    cache = Cache()

    def wrap(app: WsgiApp) -> WsgiApp:
        def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            environ["swift.cache"] = cache
            return app(environ, start_response)

        return call

    return wrap


def write_ring(etc: Path, name: str) -> None:
    """Write the ring file that says where *name* is kept: once, by its server, on one device."""
    from swift.common.ring import RingBuilder

    config = configparser.RawConfigParser()
    config.read(etc / f"{name}.conf")
    address = {"ip": config["DEFAULT"]["bind_ip"], "port": config.getint("DEFAULT", "bind_port")}
    builder = RingBuilder(part_power=4, replicas=1, min_part_hours=1)
    builder.add_dev(
        {
            **{"id": 0, "region": 1, "zone": 1, "device": "d1", "weight": 1.0, "meta": ""},
            **address,
            **{f"replication_{key}": value for key, value in address.items()},
        }
    )
    builder.rebalance()
    builder.get_ring().save(str(etc / f"{name}.ring.gz"))


def main(etc: Path) -> None:
    # Nothing is synced to the disk, and the daemons stay in the process group that ends them.
    for name in ("fsync", "fdatasync", "setsid"):
        setattr(os, name, lambda *_: None)
    servers = {
        name: importlib.import_module(f"swift.{module}.server").main
        for name, module in (
            *(("account", "account"), ("container", "container"), ("object", "obj")),
            ("proxy", "proxy"),
        )
    }
    for name in servers:
        if name != "proxy":
            write_ring(etc, name)
    for name, serve in servers.items():
        if os.fork() == 0:
            sys.argv = [f"swift-{name}-server", str(etc / f"{name}.conf"), "--verbose"]
            serve()
            return
    pid, status = os.wait()
    sys.exit(f"Swift's process {pid} ended with status {status}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
