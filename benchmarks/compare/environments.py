"""The virtual environments that the clients live in, made when they are needed.

One for each file of ``requirements/``. One that cannot be made (no network, no wheel for this
system) is a reason to leave its clients out, and is told as such.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "requirements"
MAIN = "main"
STAMP = ".requirements"


@dataclass(slots=True)
class Environments:
    """Environments below *folder*, of the interpreter that runs this.

    :param install: whether what is missing may be installed.
    :param only: an interpreter to use as the environment ``main``; then there is no other.
    """

    folder: Path
    install: bool = True
    seconds: float = 600.0
    """How long one installation may take."""

    only: Path | None = None
    missing: dict[str, str] = field(default_factory=dict)
    """Name and reason of each environment that is not there."""

    def python(self, name: str) -> Path:
        return self.only or self.folder / name / "bin" / "python"

    def prepare(self, names: Iterable[str]) -> None:
        """Make what is not there yet; what cannot be made ends up in ``missing``."""
        for name in names:
            if self.only:
                if name != MAIN:
                    self.missing[name] = "it needs packages of its own"
                continue
            if self._is_ready(name):
                continue
            if not self.install:
                self.missing[name] = "not installed, and installing was not wanted"
                continue
            print(f"installing the environment {name}", file=sys.stderr, flush=True)
            if reason := self._make(name):
                self.missing[name] = reason

    def _is_ready(self, name: str) -> bool:
        stamp = self.folder / name / STAMP
        return (
            self.python(name).exists() and stamp.exists() and stamp.read_text() == fingerprint(name)
        )

    def _make(self, name: str) -> str:
        """What went wrong, or nothing."""
        target = self.folder / name
        if target.exists() and not (target / "pyvenv.cfg").exists():
            return f"the folder {name} is there already and no virtual environment"
        try:
            venv.create(target, with_pip=True, clear=True, symlinks=True)
            done = subprocess.run(
                [
                    str(self.python(name)), "-m", "pip", "install", "--quiet", "--no-cache-dir",
                    "--disable-pip-version-check", "-r", str(REQUIREMENTS / f"{name}.txt"),
                ],
                capture_output=True, text=True, timeout=self.seconds, check=False,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            return str(error)
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            return " ".join(said[-2:]) or f"pip ended with {done.returncode}"
        (target / STAMP).write_text(fingerprint(name))
        return ""


def fingerprint(name: str) -> str:
    """What an environment was made for: its requirements and the interpreter."""
    wanted = (REQUIREMENTS / f"{name}.txt").read_bytes()
    return hashlib.sha256(wanted + sys.version.encode()).hexdigest()
