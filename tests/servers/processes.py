"""The processes of one server: started together, and gone together."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_GUARD = Path(__file__).with_name("guard.py")
_DROPPED = ("AWS_", "COV_", "COVERAGE_", "PYTEST_", "PYTHON")


def daemon_environment() -> dict[str, str]:
    """Our environment without what would measure, warn or sign inside of a server."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}


class ProcessGroup:
    """Processes that end when ``stop`` is called, and when the process that made them dies.

    *scratch* is theirs and is removed after them; ``scratch/NAME.log`` keeps what each says.
    """

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARD), str(scratch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=None if sys.platform == "win32" else 0,
        )

    def spawn(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start *command* in this group, in *scratch* unless *cwd* says otherwise."""
        with open(self.scratch / f"{name}.log", "ab") as log:
            process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=cwd or self.scratch,
                env={**daemon_environment(), **(env or {})},
                process_group=None if sys.platform == "win32" else self._guard.pid,
            )
        self._processes[name] = process
        if sys.platform == "win32" and self._guard.stdin is not None:
            self._guard.stdin.write(b"%d\n" % process.pid)
            self._guard.stdin.flush()
        return process

    def run(self, name: str, command: Sequence[str | Path], *, timeout: float = 60) -> None:
        """Run *command* to its end. Raises ``RuntimeError`` when it fails or takes too long."""
        process = self.spawn(name, command)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{name} did not end within {timeout} s\n{self.logs()}") from None
        del self._processes[name]
        if status:
            raise RuntimeError(f"{name} ended with status {status}\n{self.logs()}")

    def ended(self) -> str | None:
        """The name of a process that has ended by itself, if any has."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                return name
        return None

    def logs(self, lines: int = 15) -> str:
        """The last lines of every log, for the message of a failed start."""
        parts: list[str] = []
        for path in sorted(self.scratch.glob("*.log")):
            tail = path.read_text(errors="replace").splitlines()[-lines:]
            if tail:
                parts.append(f"--- {path.name}\n" + "\n".join(tail))
        return "\n".join(parts)

    def stop(self) -> None:
        """End every process and remove the scratch folder. Can be called twice."""
        self._guard.communicate(timeout=30)
        for process in self._processes.values():
            process.kill()
            process.wait(30)
        self._processes.clear()
