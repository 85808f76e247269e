"""OpenStack Swift with its S3 face: the strictest of them on signatures.

https://docs.openstack.org/swift/latest/middleware.html#module-swift.common.middleware.s3api.s3api
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from .base import Server, ServerInfo, free_ports, wait_until_answers
from .processes import ProcessGroup

_REPOSITORY = Path(__file__).parents[2]
_STORAGE = ("account", "container", "object")
_PIPELINE = (
    "catch_errors gatekeeper cache listing_formats s3api tempauth bulk slo versioned_writes "
    "symlink proxy-server"
)


class SwiftServer(Server):
    """One account server, container server, object server and proxy, with one replica each."""

    names = ("swift",)

    @classmethod
    def missing(cls) -> str | None:
        return None if sys.platform == "linux" else f"Swift needs Linux, this is {sys.platform}"

    def launch(self, group: ProcessGroup) -> list[ServerInfo]:
        port, *storage_ports = free_ports(1 + len(_STORAGE))
        info = ServerInfo("swift", f"http://127.0.0.1:{port}", "test:tester", "testing")
        storage = dict(zip(_STORAGE, storage_ports, strict=True))
        etc = group.scratch / "etc"
        etc.mkdir()
        (group.scratch / "node" / "d1").mkdir(parents=True)
        _write(etc / "swift.conf", _common())
        for name, its_port in storage.items():
            _write(etc / f"{name}.conf", _storage_server(group.scratch, name, its_port))
        _write(etc / "proxy.conf", _proxy_server(group.scratch, port, info))
        group.spawn(
            "swift", [sys.executable, "-m", "tests.servers.swift_daemon", etc], cwd=_REPOSITORY
        )
        for its_port in (*storage_ports, port):
            wait_until_answers(f"http://127.0.0.1:{its_port}", group)
        return [info]


def _common() -> dict[str, dict[str, object]]:
    return {
        "swift-hash": {"swift_hash_path_prefix": "p", "swift_hash_path_suffix": "s"},
        "storage-policy:0": {"name": "one", "default": "yes"},
        # A presigned URL and signed headers do not fit into the 8 KiB of the default.
        "swift-constraints": {"max_header_size": 16384},
    }


def _daemon(scratch: Path, port: int) -> dict[str, object]:
    import pwd

    return {
        "bind_ip": "127.0.0.1",
        "bind_port": port,
        "user": pwd.getpwuid(os.getuid()).pw_name,
        "swift_dir": scratch / "etc",
        "workers": 0,
        "log_level": "WARNING",
    }


def _storage_server(scratch: Path, name: str, port: int) -> dict[str, dict[str, object]]:
    return {
        "DEFAULT": {
            **_daemon(scratch, port),
            "devices": scratch / "node",
            "mount_check": "false",
            "disable_fallocate": "true",
        },
        "pipeline:main": {"pipeline": f"{name}-server"},
        f"app:{name}-server": {
            "use": f"egg:swift#{name}",
            "recon_cache_path": scratch / "node",
        },
    }


def _proxy_server(scratch: Path, port: int, info: ServerInfo) -> dict[str, dict[str, object]]:
    account, _, user = info.access_key_id.partition(":")
    filters: dict[str, dict[str, object]] = {
        "cache": {"paste.filter_factory": "tests.servers.swift_daemon:cache_filter"},
        "s3api": {
            "location": info.region,
            "storage_domain": "localhost",
            "dns_compliant_bucket_names": "true",
            "check_bucket_owner": "true",
            "min_segment_size": 5 * 1024 * 1024,
        },
        "tempauth": {f"user_{account}_{user}": f"{info.secret_access_key} .admin"},
        "versioned_writes": {"allow_object_versioning": "true"},
    }
    names = [name for name in _PIPELINE.split() if name != "proxy-server"]
    return {
        "DEFAULT": _daemon(scratch, port),
        "pipeline:main": {"pipeline": _PIPELINE},
        "app:proxy-server": {
            "use": "egg:swift#proxy",
            "account_autocreate": "true",
            "allow_account_management": "true",
        },
        **{
            f"filter:{name}": ({} if name == "cache" else {"use": f"egg:swift#{name}"})
            | filters.get(name, {})
            for name in names
        },
    }


def _write(path: Path, sections: Mapping[str, Mapping[str, object]]) -> None:
    parser = configparser.RawConfigParser(default_section="DEFAULT")
    for name, values in sections.items():
        if name != "DEFAULT":
            parser.add_section(name)
        for key, value in values.items():
            parser.set(name, key, str(value))
    with open(path, "w") as file:
        parser.write(file)
