"""curl: one stream, no signature. The floor of what is native."""

from __future__ import annotations

from .base import ProgramRuns, Settings


class Client:
    def __init__(self, settings: Settings) -> None:
        self._base = f"{settings.endpoint}/{settings.bucket}"
        self._curl = ("curl", "--silent", "--show-error", "--fail", "--disable")
        self.programs = ProgramRuns()

    def open(self) -> None:
        """Nothing: each program opens what it needs."""

    def close(self) -> None:
        """Nothing is left open."""

    def download(self, key: str, path: str, size: int) -> None:
        self.programs.run(*self._curl, "--output", path, f"{self._base}/{key}")

    def upload(self, key: str, path: str, size: int) -> None:
        self.programs.run(*self._curl, "--upload-file", path, f"{self._base}/{key}")
