"""Run every benchmark in a process of its own: ``python -m benchmarks``."""

from __future__ import annotations

import subprocess
import sys

PROGRAMS = ("signing", "listing", "small", "workers")


def main() -> None:
    for program in PROGRAMS:
        print(f"\n== {program}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{program}"], check=True)


if __name__ == "__main__":
    main()
