"""The benchmark of many files, in small: all clients do the same, and memory stays bounded."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not hasattr(os, "wait4"), reason="processes are measured by wait4")


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.many_files", "--aws", "", *arguments],
        capture_output=True, text=True, timeout=100, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.timeout(120)
def test_every_client_does_all_of_the_work() -> None:
    """It ends with an error when the server counted another number of files."""
    said = run("--files", "1100", "--rounds", "1", "--works", "empty", "match")
    assert "emptying a bucket, 1,100 of 1 KiB" in said
    for client, times in (
        ("aiohttp-s3-client", 2), ("boto3, 8 threads", 2), ("boto3, objects.delete\\(\\)", 1)
    ):  # fmt: skip
        assert len(re.findall(rf"^{client} +[0-9.]+ +[0-9.]+ +[0-9]+", said, re.MULTILINE)) == times


@pytest.mark.timeout(120)
def test_the_memory_of_a_sync_is_held_to_its_limit() -> None:
    """In small; the program fails when it is exceeded, or a file is transferred."""
    said = run("--million", "--files", "3000")
    assert re.search(r"peak [0-9]+ MiB", said)
