"""Run the small benchmarks, each in a process of its own: ``python -m benchmarks``."""

from __future__ import annotations

import subprocess
import sys

PROGRAMS = (
    "signing",
    "checksums",
    "listing",
    "many_keys",
    "many_files",
    "small",
    "operations",
    "workers",
)


def main() -> int:
    """Exit status 1 when one of them failed; the others run all the same."""
    failed = []
    for program in PROGRAMS:
        print(f"\n== {program}", flush=True)
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{program}"], check=False)
        if done.returncode:
            failed.append(program)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
