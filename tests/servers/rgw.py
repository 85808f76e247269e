"""Ceph's RADOS gateway over http and https: a server that is used in production.

One monitor, one OSD that keeps its objects in memory, one gateway, no systemd.
https://docs.ceph.com/en/latest/radosgw/s3/
"""

from __future__ import annotations

import configparser
import shutil
import uuid
from pathlib import Path

from .base import Server, ServerInfo, free_ports, wait_until_answers
from .processes import ProcessGroup

INSTALL = "apt-get install -y --no-install-recommends radosgw ceph-mon ceph-osd ceph-common"
_PROGRAMS = (
    *("radosgw", "radosgw-admin", "ceph", "ceph-mon", "ceph-osd", "ceph-authtool"),
    "monmaptool",
)


class RgwServer(Server):
    names = ("rgw", "rgw-https")

    @classmethod
    def missing(cls) -> str | None:
        absent = [name for name in _PROGRAMS if shutil.which(name) is None]
        return f"no {absent[0]} here: {INSTALL}" if absent else None

    def launch(self, group: ProcessGroup) -> list[ServerInfo]:
        scratch = group.scratch
        http, https, monitor_v2, monitor_v1 = free_ports(4)
        certificate, authority = _make_certificate(scratch)
        config = scratch / "ceph.conf"
        cluster = str(uuid.uuid4())
        monitor = f"[v2:127.0.0.1:{monitor_v2}/0,v1:127.0.0.1:{monitor_v1}/0]"
        frontends = (
            f"beast endpoint=127.0.0.1:{http} tcp_nodelay=1 "
            f"ssl_endpoint=127.0.0.1:{https} ssl_certificate={certificate}"
        )
        _write_config(config, scratch, cluster, monitor, frontends)

        _run_monitor(group, config, cluster, monitor)
        identity = str(uuid.uuid4())
        group.run(
            "osd-new", ["ceph", "-c", config, "--connect-timeout", "30", "osd", "new", identity]
        )
        group.run(
            "osd-mkfs", ["ceph-osd", "-c", config, "-i", "0", "--mkfs", "--osd-uuid", identity]
        )
        group.spawn("osd", ["ceph-osd", "-c", config, "-i", "0", "-f"])
        key, secret = "rgw-key", "rgw-secret"
        user = ["--uid", "tester", "--display-name", "tester", "--max-buckets", "0"]
        keys = ["--access-key", key, "--secret-key", secret]
        admin = ["radosgw-admin", "-c", str(config), "-n", "client.admin"]
        group.run("rgw-user", [*admin, "user", "create", *user, *keys])
        # Not beside the gateway: the two would make the same pools, and one would wait 5 seconds.
        group.spawn("rgw", ["radosgw", "-c", config, "-n", "client.admin", "-f"])
        infos = [
            ServerInfo("rgw", f"http://127.0.0.1:{http}", key, secret),
            ServerInfo(
                "rgw-https", f"https://127.0.0.1:{https}", key, secret, ca_file=str(authority)
            ),
        ]
        for info in infos:
            wait_until_answers(info.url, group, ca_file=info.ca_file)
        return infos


def _run_monitor(group: ProcessGroup, config: Path, cluster: str, monitor: str) -> None:
    """Make the cluster's first map and keys, and start its one monitor."""
    scratch = group.scratch
    keyring, monitor_map = scratch / "keyring", scratch / "monmap"
    everywhere = ["--cap", "mon", "allow *", "--cap", "osd", "allow *"]
    group.run(
        "monmap",
        ["monmaptool", "--create", "--fsid", cluster, "--addv", "a", monitor, monitor_map],
    )
    for action in (
        ["--create-keyring", "--gen-key", "-n", "mon.", "--cap", "mon", "allow *"],
        ["--gen-key", "-n", "client.admin", *everywhere],
        ["--gen-key", "-n", "osd.0", *everywhere],
    ):
        group.run("keys", ["ceph-authtool", keyring, *action])
    files = ["--monmap", str(monitor_map), "--keyring", str(keyring)]
    group.run("mon-mkfs", ["ceph-mon", "-c", config, "--mkfs", "-i", "a", *files])
    group.spawn("mon", ["ceph-mon", "-c", config, "-i", "a", "-f"])


def _write_config(path: Path, scratch: Path, cluster: str, monitor: str, frontends: str) -> None:
    for name in ("mon", "osd", "rgw"):
        (scratch / name).mkdir()
    settings: dict[str, dict[str, object]] = {
        "global": {
            "fsid": cluster,
            "mon host": monitor,
            "keyring": scratch / "keyring",
            **{"public network": "127.0.0.0/8", "public addr": "127.0.0.1"},
            **{"cluster addr": "127.0.0.1", "ms bind ipv6": "false"},
            **{"setuser": "", "setgroup": "", "admin socket": "", "pid file": ""},
            **{"run dir": scratch, "log file": "", "log to stderr": "true"},
            # One OSD that holds the only copy.
            **{"osd pool default size": 1, "osd pool default min size": 1},
            **{"osd pool default pg num": 4, "osd pool default pgp num": 4},
            **{"osd crush chooseleaf type": 0, "mon max pg per osd": 1000},
            **{"osd pool default pg autoscale mode": "off"},
            **{"mon allow pool size one": "true", "mon warn on pool no redundancy": "false"},
            # A monitor alone need not wait for others to speak.
            **{"paxos propose interval": 0.02, "paxos min wait": 0.01},
            # Who finds it not yet listening tries again soon, not after three seconds.
            "mon client hunt interval": 0.1,
        },
        "mon.a": {
            "mon data": scratch / "mon",
            "mon cluster log file": scratch / "cluster.log",
            **{"mon data avail warn": 2, "mon data avail crit": 1},
        },
        "osd.0": {
            "osd data": scratch / "osd",
            "osd objectstore": "memstore",
            "memstore device bytes": 8 * 1024**3,
        },
        "client.admin": {
            "rgw data": scratch / "rgw",
            "rgw frontends": frontends,
            "rgw dns name": "localhost",
            "rgw crypt require ssl": "false",
        },
    }
    parser = configparser.RawConfigParser()
    parser.read_dict({name: _as_text(values) for name, values in settings.items()})
    with open(path, "w") as file:
        parser.write(file)


def _as_text(values: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def _make_certificate(scratch: Path) -> tuple[Path, Path]:
    """A certificate with its key for the loopback names, and the authority that signed it."""
    import trustme

    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "*.localhost", "127.0.0.1")
    certificate, trusted = scratch / "server.pem", scratch / "authority.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(certificate)
    authority.cert_pem.write_to_path(trusted)
    return certificate, trusted
