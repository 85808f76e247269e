"""The floors of the package, what it may depend on, and the pains that have to be covered."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "aiohttp_s3_client"
SOURCES = sorted(PACKAGE.rglob("*.py"))
PAINS = {*range(1, 26)}
"""The pains of the users of other clients that this package promises to spare its own."""

_NUMBER = re.compile(r"\bP(\d+)\b")
_IN_NAME = re.compile(r"_p(\d+)(?=_|$)")


def contracts() -> list[dict[str, object]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, object]] = settings["tool"]["importlinter"]["contracts"]
    return found


def test_contracts_name_every_floor() -> None:
    """A floor that the contract forgets is a floor that nobody checks."""
    layers = next(contract for contract in contracts() if contract["type"] == "layers")["layers"]
    assert isinstance(layers, list)
    named = [
        floor.strip("() ").rpartition(".")[2]
        for layer in layers
        for floor in re.split(r"[|:]", layer)
    ]
    order = [name for name in named if name in ("transfer", "engine", "credentials", "protocol")]
    assert order == ["transfer", "engine", "credentials", "protocol"]
    folders = {path.relative_to(PACKAGE).parts[0] for path in SOURCES if path.parent != PACKAGE}
    assert folders <= set(named)


def test_import_linter_keeps_the_contracts() -> None:
    script = Path(sysconfig.get_path("scripts")) / "lint-imports"
    done = subprocess.run(
        [str(script), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def imported(path: Path) -> set[str]:
    """Top-level names of the modules that a file imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_p3_dependencies(path: Path) -> None:
    """P3: aiohttp, yarl, multidict and the standard library; botocore not even by name."""
    allowed = {*sys.stdlib_module_names, "aiohttp", "yarl", "multidict"}
    assert imported(path) <= allowed
    assert "import botocore" not in path.read_text(encoding="utf-8")


def test_protocol_knows_neither_loop_nor_sockets_nor_files() -> None:
    for path in (PACKAGE / "protocol").rglob("*.py"):
        assert not imported(path) & {"asyncio", "aiohttp", "socket", "pathlib", "io"}, path


def each_test(path: Path) -> Iterator[tuple[str, str]]:
    """Name and docstring of each test in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
            "test"
        ):
            yield node.name, ast.get_docstring(node) or ""


def pains_of(name: str, docstring: str) -> set[int]:
    return {int(n) for n in _IN_NAME.findall(name)} | {int(n) for n in _NUMBER.findall(docstring)}


def test_pains_are_found_in_names_and_docstrings() -> None:
    assert pains_of("test_p07_p12_resume", "P9: and more. Not P10x.") == {7, 12, 9}
    assert pains_of("test_plain", "") == set()


def test_every_pain_has_a_test() -> None:
    """Whose name or docstring bears its number; this file's do not count."""
    covered: set[int] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        if path != Path(__file__):
            for name, docstring in each_test(path):
                covered |= pains_of(name, docstring)
    assert covered >= PAINS, f"no test for {sorted(PAINS - covered)}"
