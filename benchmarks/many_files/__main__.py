"""The program: what is run, how it is measured, and the tables."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from . import __doc__ as about
from .stub import body_of, counts, full, name_of, serving

KIB = 1024
MIB = 1024 * KIB
MEMORY_LIMIT = 200 * MIB
EMPTY = "empty-bucket"
OURS = "aiohttp-s3-client"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "key-id",
    "AWS_SECRET_ACCESS_KEY": "secret-key",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


class Spent(NamedTuple):
    """What one process took: seconds, and bytes at its peak."""

    cpu: float
    wall: float
    memory: int


class Work(NamedTuple):
    """Something to do with many files: *counted* are the counts of the server that grow by one
    with each."""

    name: str
    about: str
    counted: tuple[str, ...]
    needs_files: bool


WORKS = (
    Work("empty", "emptying a bucket", ("listed", "deleted"), False),
    Work("upload", "a sync of all files to an empty bucket", ("put",), True),
    Work("download", "a sync of all objects to an empty directory", ("listed", "got"), False),
    Work("match", "a sync that finds both sides alike", ("listed",), True),
)


def commands(work: str, url: str, files: int, folder: Path, aws: str) -> dict[str, list[str]]:
    """The command line of each client that can do *work*."""
    bucket = EMPTY if work == "upload" else full(files, KIB)

    def python(module: str, name: str) -> list[str]:
        module = f"{__package__}.{module}"
        return [sys.executable, "-m", module, name, url, bucket, str(folder)]

    boto3 = {}
    if importlib.util.find_spec("boto3"):
        boto3["boto3, 8 threads"] = python("with_boto3", work)
        if work == "empty":
            boto3 = {
                "boto3, 8 threads": python("with_boto3", "empty-threads"),
                "boto3, objects.delete()": python("with_boto3", "empty"),
            }
    line = {}
    if aws:
        remote = f"s3://{bucket}"
        quiet = ["--only-show-errors", "--endpoint-url", url]
        if work == "empty":
            line["aws s3 rm --recursive"] = [aws, "s3", "rm", remote, "--recursive", *quiet]
        else:
            sides = [remote, str(folder)] if work == "download" else [str(folder), remote]
            line["aws s3 sync"] = [aws, "s3", "sync", *sides, *quiet]
    return {OURS: python("ours", work), **boto3, **line}


def measured(command: list[str]) -> Spent:
    """Run *command*; raises ``SystemExit`` when it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **ENVIRONMENT})
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {process.returncode}")
    unit = 1 if sys.platform == "darwin" else KIB
    return Spent(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * unit)


@contextmanager
def tree(files: int, size: int) -> Iterator[Path]:
    """A directory with *files* files of *size* bytes, called as the objects are."""
    body = body_of(size)
    with tempfile.TemporaryDirectory() as root:
        for number in range(files):
            path = os.path.join(root, name_of(number))
            if number % 1000 == 0:
                os.mkdir(os.path.dirname(path))
            with open(path, "wb", 0) as file:
                if body:
                    file.write(body)
        yield Path(root)


def compare(work: Work, files: int, rounds: int, url: str, local: Path, aws: str) -> None:
    spent: dict[str, list[Spent]] = {}
    for _ in range(rounds):
        for name in commands(work.name, url, files, local, aws):
            with tempfile.TemporaryDirectory() as target:
                folder = Path(target) if work.name == "download" else local
                counts(url)
                command = commands(work.name, url, files, folder, aws)[name]
                spent.setdefault(name, []).append(measured(command))
                done = counts(url)
            expected = Counter(dict.fromkeys(work.counted, files))
            if done != expected:
                raise SystemExit(f"{work.name}, {name}: {dict(done)}, expected {dict(expected)}")
    show(work, files, spent)


def show(work: Work, files: int, spent: dict[str, list[Spent]]) -> None:
    print(f"\n{work.name}: {work.about}, {files:,} of 1 KiB")
    print(
        f"{'':<26}{'CPU s':>8}{'wall s':>8}{'peak MiB':>10}{'CPU us a file':>15}{'CPU ratio':>11}"
    )
    ours = median(each.cpu for each in spent[OURS])
    for name, taken in spent.items():
        cpu, wall, memory = (median(column) for column in zip(*taken, strict=True))
        print(
            f"{name:<26}{cpu:>8.2f}{wall:>8.2f}{memory / MIB:>10.0f}"
            f"{cpu / files * 1e6:>15.0f}{cpu / ours:>11.1f}"
        )


def million(files: int) -> int:
    """Exit status 1 when a sync of so many that match takes more than ``MEMORY_LIMIT``."""
    with serving() as url, tree(files, 0) as local:
        program = [sys.executable, "-m", f"{__package__}.ours"]
        spent = measured([*program, "match", url, full(files, 0), str(local)])
        done = counts(url)
    print(f"a sync of {files:,} files that are alike on both sides")
    print(f"CPU {spent.cpu:.1f} s, wall {spent.wall:.1f} s, peak {spent.memory / MIB:.0f} MiB")
    if done != Counter(listed=files):
        raise SystemExit(f"all were to be listed and none transferred: {dict(done)}")
    return int(spent.memory > MEMORY_LIMIT)


def versions(aws: str) -> str:
    found = [f"Python {platform.python_version()}"]
    for name in ("aiohttp", "boto3"):
        if importlib.util.find_spec(name):
            found.append(f"{name} {importlib.metadata.version(name)}")
    if aws:
        said = subprocess.run([aws, "--version"], capture_output=True, text=True, check=True)
        found.append((said.stdout or said.stderr).split()[0])
    return ", ".join(found)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.many_files", description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--files", type=int, help="how many (2,000; a million with --million)")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts")
    parser.add_argument("--works", nargs="+", choices=[work.name for work in WORKS])
    parser.add_argument("--aws", default=shutil.which("aws") or "", help="the AWS command line")
    parser.add_argument("--million", action="store_true", help="the memory of a large sync")
    options = parser.parse_args()
    if options.million:
        return million(options.files or 1_000_000)
    files = options.files or 2000
    print(f"{versions(options.aws)}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    works = [work for work in WORKS if options.works is None or work.name in options.works]
    needed = files if any(work.needs_files for work in works) else 0
    with serving() as url, tree(needed, KIB) as local:
        for work in works:
            compare(work, files, options.rounds, url, local, options.aws)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
