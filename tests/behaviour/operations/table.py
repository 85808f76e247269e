"""The table of the documentation, which is also what the test expects.

``docs/operations-table.csv``: a row for each operation, a column for each server, with the
version that the column was made with in its head.
"""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Self

from aiohttp_s3_client.protocol.model.names import OPERATIONS

from ...servers.base import script
from .stage import YES

PATH = Path(__file__).resolve().parents[3] / "docs" / "operations-table.csv"
SERVERS = ("swift", "rclone", "moto", "rgw")
NO = "no: "


@dataclass(slots=True)
class Table:
    """Outcomes by server and operation, and the versions of the servers that they are of."""

    versions: dict[str, str]
    outcomes: dict[str, dict[str, str]]

    @classmethod
    def read(cls) -> Self:
        """The committed table, empty where there is none."""
        table = cls({}, {name: {} for name in SERVERS})
        if PATH.exists():
            with PATH.open(encoding="utf-8", newline="") as file:
                head, *rows = csv.reader(file)
            for column, title in enumerate(head[1:], 1):
                name, _, table.versions[name] = title.partition(" ")
                table.outcomes[name] = {row[0]: row[column].removeprefix(NO) for row in rows}
        return table

    def write(self) -> None:
        with PATH.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["operation", *(self._title(name) for name in SERVERS)])
            for operation in sorted(OPERATIONS):
                writer.writerow([operation, *(self._cell(name, operation) for name in SERVERS)])

    def merge(self, found: Mapping[str, Mapping[str, str]]) -> None:
        """Take what a run has found, and leave alone what it has not played."""
        for name, outcomes in found.items():
            self.outcomes[name].update(outcomes)
            self.versions[name] = version_of(name)

    def unsupported(self) -> set[str]:
        """The operations that no server supports."""
        return {
            operation
            for operation in OPERATIONS
            if all(column[operation] != YES for column in self.outcomes.values())
        }

    def _title(self, name: str) -> str:
        return f"{name} {self.versions.get(name, '')}".strip()

    def _cell(self, name: str, operation: str) -> str:
        outcome = self.outcomes[name].get(operation, "not run")
        return outcome if outcome == YES else NO + outcome


@cache
def version_of(name: str) -> str:
    """The version of the server *name* that this machine runs."""
    if name in ("swift", "moto"):
        return version(name)
    command = ["radosgw", "--version"] if name == "rgw" else [str(script(name)), "version"]
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
    return next(word.lstrip("v") for word in said if word.lstrip("v")[0].isdigit())
