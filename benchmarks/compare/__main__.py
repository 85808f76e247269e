"""``python -m benchmarks.compare``: measure, print the tables, write the charts."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from .clients import BY_NAME, CATALOGUE, Entry
from .environments import Environments
from .report import Report
from .runner import Runner
from .server import Stub, missing_programs
from .works import GIB, MIB, Work, all_works

SHARED_MEMORY = Path("/dev/shm")
SPARE = 256 * MIB
QUICK_WORKS = (
    "get-1k,put-1k,download,download-crc,upload,get-1k-tls,download-tls,upload-tls,list,presign,"
    "import,first-get"
)
QUICK_MIB, QUICK_EFFORT, QUICK_MINUTES = 256, 0.4, 4.5


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compare", description="What S3 clients cost on the same work."
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="fewer clients, smaller objects, under five minutes")
    add("--works", default="", help="names, separated by commas (default: all)")
    add("--clients", default="", help="names, separated by commas (default: all)")
    add("--rounds", type=int, default=3, help="how often everything is measured (default 3)")
    add("--big", type=int, metavar="MIB", help="size of the big objects (default 1024)")
    add("--effort", type=float, help="times the usual numbers of requests (default 1)")
    add("--minutes", type=float, help="when to stop, done or not (default 180)")
    add("--output", type=Path, metavar="FOLDER", help="where JSON, tables and charts go")
    add("--render", type=Path, metavar="JSON", help="measure nothing, write --output from this")
    add("--folder", type=Path, help="for all temporary files (default: shared memory)")
    add("--environments", type=Path, metavar="FOLDER", help="keep the installed clients here")
    add("--no-install", action="store_true", help="leave out what is not installed yet")
    add("--this-python", action="store_true", help="use this Python's packages, install nothing")
    add("--server-processor", default="0", help="processor of the server, or '' (default 0)")
    add("--client-processor", default="1", help="processor of the clients, or '' (default 1)")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, not {options.rounds}")
    quick = options.quick
    options.big = options.big or (QUICK_MIB if quick else GIB // MIB)
    options.effort = options.effort or (QUICK_EFFORT if quick else 1.0)
    options.minutes = options.minutes or (QUICK_MINUTES if quick else 180.0)
    options.works = options.works or (QUICK_WORKS if quick else "")
    if options.render and not options.output:
        parser.error("--render needs --output")
    return options


def chosen_works(options: argparse.Namespace) -> list[Work]:
    works = {work.name: work for work in all_works(options.big * MIB, options.effort)}
    return [works[name] for name in named(options.works, list(works), "--works")]


def chosen_clients(options: argparse.Namespace) -> list[Entry]:
    if options.quick and not options.clients:
        return [entry for entry in CATALOGUE if entry.quick]
    return [BY_NAME[name] for name in named(options.clients, list(BY_NAME), "--clients")]


def named(told: str, known: list[str], option: str) -> list[str]:
    """The names in *told*, or all that are known."""
    names = [name for name in told.split(",") if name] or known
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"{option}: unknown {', '.join(unknown)}; there are {', '.join(known)}")
    return names


def obstacle(options: argparse.Namespace) -> str:
    """Why nothing can be measured here, or nothing."""
    if not sys.platform.startswith("linux"):
        return "the comparison runs on Linux only: it binds processes to processors, reads /proc"
    pins = {options.server_processor, options.client_processor} - {""}
    if missing := missing_programs(pinned=bool(pins)):
        return missing
    allowed = {str(number) for number in os.sched_getaffinity(0)}
    if pins - allowed:
        return (
            f"there is no processor {', '.join(sorted(pins - allowed))} here; choose with "
            "--server-processor and --client-processor, or give '' to bind to none"
        )
    return ""


def choose_folder(options: argparse.Namespace) -> Path:
    """Where the temporary folder is made; on shared memory, if it has room."""
    needed = 2 * options.big * MIB + SPARE
    wanted = [options.folder] if options.folder else [SHARED_MEMORY, Path(tempfile.gettempdir())]
    for folder in wanted:
        if os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > needed:
            return Path(folder)
    raise SystemExit(
        f"{needed // MIB} MiB of room are needed, and none of {', '.join(map(str, wanted))} has "
        "them: choose another --folder, or a smaller --big"
    )


def machine() -> dict[str, str]:
    """What the figures depend on."""
    model = platform.processor() or platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    nginx = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=False).stderr
    return {
        "date": time.strftime("%Y-%m-%d"),
        "Python": platform.python_version(),
        "processor": f"{names[0] if names else model}, {os.cpu_count()} of them",
        "kernel": platform.release(),
        "server": nginx.rpartition(" ")[2].strip() if "(" not in nginx else nginx.split()[2],
    }


def measure(options: argparse.Namespace) -> Report:
    works, entries = chosen_works(options), chosen_clients(options)
    ends = time.monotonic() + options.minutes * 60
    with tempfile.TemporaryDirectory(
        prefix="s3-benchmarks-", dir=choose_folder(options), ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        environments = Environments(
            (options.environments or folder / "environments").absolute(),
            install=not options.no_install,
            seconds=options.minutes * 60 / 2,
            only=Path(sys.executable) if options.this_python else None,
        )
        environments.prepare(sorted({entry.environment for entry in entries}))
        main = None if "main" in environments.missing else environments.python("main")
        served = folder / "server"
        served.mkdir()
        with Stub(served, options.big * MIB, options.server_processor, main) as stub:
            left = ends - time.monotonic()
            runner = Runner(stub, folder, environments, options.client_processor, left)
            results = runner.run(works, entries, options.rounds)
    return Report(machine(), options.big * MIB, options.effort, options.rounds, results)


def stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    if options.render:
        report = Report.from_json(options.render.read_text(encoding="utf-8"))
    else:
        if problem := obstacle(options):
            print(problem, file=sys.stderr)
            return 2
        signal.signal(signal.SIGTERM, stop)
        try:
            report = measure(options)
        except KeyboardInterrupt:
            print("stopped; nothing is left running", file=sys.stderr)
            return 130
    print(report.to_rst())
    if options.output:
        report.write(options.output)
    return 0 if report.results.runs else 1


if __name__ == "__main__":
    raise SystemExit(main())
