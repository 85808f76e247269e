"""moto's server: the broadest of them. It checks no signatures.

https://docs.getmoto.org/en/latest/docs/server_mode.html
"""

from __future__ import annotations

import sys

from .base import Server, ServerInfo, free_ports, wait_until_answers
from .processes import ProcessGroup


class MotoServer(Server):
    names = ("moto",)

    def launch(self, group: ProcessGroup) -> list[ServerInfo]:
        (port,) = free_ports(1)
        info = ServerInfo("moto", f"http://127.0.0.1:{port}", "moto-key", "moto-secret")
        group.spawn(
            "moto", [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        )
        wait_until_answers(info.url, group)
        return [info]
