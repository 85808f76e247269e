"""Calls of ``client.api`` under mypy and basedpyright: right ones pass, wrong ones are reported."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = Path(__file__).parent / "samples"
RIGHT, WRONG = SAMPLES / "right.py", SAMPLES / "wrong.py"

KINDS: dict[str, set[str]] = {
    "argument": {"call-arg", "reportCallIssue"},
    "attribute": {"attr-defined", "reportAttributeAccessIssue"},
    "key": {"typeddict-item", "typeddict-unknown-key", "reportGeneralTypeIssues"},
    "member": {
        "arg-type", "dict-item", "list-item", "typeddict-item", "typeddict-unknown-key",
        "reportArgumentType", "reportAssignmentType",
    },
    "overload": {"call-overload", "reportArgumentType", "reportCallIssue"},
    "type": {"arg-type", "reportArgumentType"},
    "use": {
        "assignment", "attr-defined", "index", "operator",
        "reportAssignmentType", "reportGeneralTypeIssues", "reportIndexIssue",
        "reportOperatorIssue", "misc", "reportAttributeAccessIssue",
    },
}  # fmt: skip
"""What the checkers call the kinds of errors that the samples are marked with."""


class Error(NamedTuple):
    file: Path
    line: int
    code: str
    message: str


Checker: TypeAlias = Callable[[Path], list[Error]]


def mypy(_: Path) -> list[Error]:
    """The project's settings (strict), and with them the cache that linting fills."""
    run = _run("mypy", "--output=json", str(RIGHT), str(WRONG))
    found = [json.loads(line) for line in run.stdout.splitlines()]
    return [
        Error(ROOT / error["file"], error["line"], error["code"], error["message"])
        for error in found
        if error["severity"] == "error"
    ]


def basedpyright(folder: Path) -> list[Error]:
    settings = {
        "include": [str(SAMPLES)],
        "strict": [str(RIGHT)],
        "extraPaths": [str(ROOT)],
        "typeCheckingMode": "standard",
        "pythonVersion": "3.11",
    }
    project = folder / "pyrightconfig.json"
    project.write_text(json.dumps(settings))
    run = _run("basedpyright", "--outputjson", "-p", str(project), "--pythonpath", sys.executable)
    found = json.loads(run.stdout)["generalDiagnostics"]
    return [
        Error(
            Path(error["file"]),
            error["range"]["start"]["line"] + 1,
            error.get("rule", ""),
            error["message"],
        )
        for error in found
        if error["severity"] == "error"
    ]


def _run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    run = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1, run.stdout + run.stderr  # 1: it ran, and found errors
    return run


def markers() -> dict[int, str]:
    lines = enumerate(WRONG.read_text(encoding="utf-8").splitlines(), 1)
    found = {number: re.search(r"# wrong: (.+)$", line) for number, line in lines}
    return {number: marker[1] for number, marker in found.items() if marker}


# Without a cache mypy reads all of aiohttp, which takes a minute on a busy machine.
@pytest.mark.timeout(240)
@pytest.mark.parametrize("checker", [mypy, basedpyright])
def test_right_calls_pass_and_wrong_ones_are_reported(checker: Checker, tmp_path: Path) -> None:
    errors = checker(tmp_path)
    assert [error for error in errors if error.file == RIGHT] == []
    expected = markers()
    reported: dict[int, set[str]] = {}
    for error in errors:
        if error.file == WRONG:
            reported.setdefault(error.line, set()).add(error.code)
    assert reported.keys() - expected.keys() == set(), "reported and not marked"
    assert expected.keys() - reported.keys() == set(), "marked and not reported"
    for line, kind in expected.items():
        assert reported[line] & KINDS[kind], (line, kind, reported[line])


def test_every_kind_of_error_has_a_sample() -> None:
    assert set(markers().values()) == set(KINDS)
