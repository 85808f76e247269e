"""How Sphinx builds the documentation: ``make docs``."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.parsers.rst.states import Inliner

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

project = "aiohttp-s3-client"
author = "the authors of aiohttp-s3-client"
release = "0.1.0"
extensions = ["sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "S3 on asyncio and aiohttp", "page_width": "1080px"}
html_show_sourcelink = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_maximum_signature_line_length = 88


def tests_of_pain(
    name: str, rawtext: str, text: str, lineno: int, inliner: Inliner, *_: Any
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """``:tests:`7```: the test files that have a test for P7, found when the page is built."""
    number = int(text)
    mark = re.compile(rf"\bP{number}\b|\btest_p{number:02}_")
    found: list[nodes.Node] = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if mark.search(path.read_text(encoding="utf-8")):
            if found:
                found.append(nodes.Text(", "))
            found.append(nodes.literal(text=str(path.relative_to(ROOT / "tests").as_posix())))
    return found or [nodes.strong(text="no test yet")], []


def setup(app: Sphinx) -> None:
    app.add_role("tests", tests_of_pain)
