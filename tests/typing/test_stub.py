"""``api.pyi`` is what the tool makes of the installed botocore, and agrees with ``api.py``."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from aiohttp_s3_client import api
from aiohttp_s3_client.operations.events import EventStream
from aiohttp_s3_client.operations.paginator import Paginator
from aiohttp_s3_client.protocol.model.names import OPERATIONS, PAGINATORS, WAITERS
from tools.build_model import PACKAGE, service
from tools.typing_stub import stub

TEXT = (PACKAGE / "api.pyi").read_text(encoding="utf-8")
CLASSES = {node.name: node for node in ast.parse(TEXT).body if isinstance(node, ast.ClassDef)}


def methods(name: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in CLASSES[name].body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def words(name: str) -> list[str]:
    """What the overloads of a method of ``Api`` take first."""
    overloads = [method for method in methods("Api") if method.name == name]
    return [ast.unparse(method.args.posonlyargs[1].annotation or method) for method in overloads]


def test_the_stub_is_what_the_tool_makes() -> None:
    assert stub(*service()) == TEXT, "run python -m tools.build_model"


def test_every_operation_has_a_method_that_returns_a_type_of_its_own() -> None:
    returned = {
        method.name: ast.unparse(method.returns)
        for method in methods("Api")
        if method.returns and method.name in OPERATIONS
    }
    assert set(returned) == set(OPERATIONS)
    for snake, name in OPERATIONS.items():
        assert returned[snake] in {f"{name}Output", "EmptyOutput"}


def test_every_paginator_and_waiter_has_an_overload() -> None:
    assert words("paginate") == [f"Literal['{name}']" for name in PAGINATORS]
    assert words("wait_until") == [f"Literal['{name}']" for name in WAITERS]


@pytest.mark.parametrize(
    ("typed", "actual"),
    [
        ("Api", api.Api),
        ("ListObjectsV2Paginator", Paginator),
        ("SelectObjectContentEventStream", EventStream),
    ],
)
def test_what_the_stub_declares_is_there(typed: str, actual: type) -> None:
    """A checker reads the stub alone: nothing else notices when a class changes its methods."""
    declared = {method.name for method in methods(typed)} - set(OPERATIONS)
    assert declared <= set(dir(actual))
    own = {name for name in vars(actual) if not name.startswith("_")}
    assert own - declared == set()
    for method in methods(typed):
        if method.name in own:
            named = [argument.arg for argument in (*method.args.posonlyargs, *method.args.args)]
            taken = inspect.signature(getattr(actual, method.name)).parameters.values()
            by_keyword = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
            assert named == [one.name for one in taken if one.kind not in by_keyword]


def shapes(**found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found["Text"] = {"type": "string"}
    found["Texts"] = {"type": "list", "member": {"shape": "Text"}}
    return found


def structure(*required: str, **members: str) -> dict[str, Any]:
    named = {name: {"shape": shape} for name, shape in members.items()}
    return {"type": "structure", "required": list(required), "members": named}


def of(found: dict[str, dict[str, Any]]) -> list[str]:
    """The types that are made for one operation, its lines without their indents."""
    operations = {"Do": {"input": {"shape": "In"}, "output": {"shape": "Out"}}}
    made = stub({"operations": operations, "shapes": shapes(**found)}, {}, {})
    return [line.strip() for line in made[made.index("class EmptyOutput") :].splitlines()]


def test_a_structure_that_is_the_same_in_both_directions_is_declared_once() -> None:
    found = of(
        {"In": structure("A", A="Tag"), "Out": structure(A="Tag"), "Tag": structure("K", K="Text")}
    )
    assert "A: Required[TagDict]" in found
    assert "A: TagDict" in found
    assert [line for line in found if line.startswith("class Tag")] == [
        "class TagDict(TypedDict, total=False):"
    ]


def test_the_form_of_results_can_stand_for_that_of_parameters() -> None:
    """That is what ``ReadOnly`` does, at every depth above what differs."""
    found = of(
        {
            "In": structure(A="Rule"),
            "Out": structure(A="Rule"),
            "Rule": structure("Filter", Id="Text", Filter="Filter"),
            "Filter": structure(Words="Texts"),
        }
    )
    rule, rule_out, filter_, filter_out = (
        found.index(f"class {name}(TypedDict, total=False):")
        for name in ("RuleDict", "RuleOutputDict", "FilterDict", "FilterOutputDict")
    )
    assert found[rule + 1 : rule + 3] == ["Id: str", "Filter: ReadOnly[Required[FilterDict]]"]
    assert found[rule_out + 1 : rule_out + 3] == ["Id: str", "Filter: Required[FilterOutputDict]"]
    assert found[filter_ + 1] == "Words: ReadOnly[Strings]"
    assert found[filter_out + 1] == "Words: list[str]"


def test_a_structure_may_hold_itself() -> None:
    found = of(
        {
            "In": structure(A="Node"),
            "Out": structure(A="Node"),
            "Node": structure(Next="Node", At="Time"),
            "Time": {"type": "timestamp"},
        }
    )
    assert {"Next: ReadOnly[NodeDict]", "At: ReadOnly[Timestamp]"} <= set(found)
    assert {"Next: NodeOutputDict", "At: datetime"} <= set(found)


def test_long_lines_are_broken_as_the_formatter_does() -> None:
    long = "A" * 70
    words = [f"word-{number:02}" for number in range(20)]
    found = of(
        {
            "In": structure(A="Words"),
            "Out": structure(long, **{long: "ALongerNameThanMost"}),
            "ALongerNameThanMost": structure(),
            "Words": {"type": "string", "enum": words},
        }
    )
    assert "class ALongerNameThanMostDict(TypedDict, total=False): ..." in found
    assert found[found.index("WordsLiteral: TypeAlias = Literal[") + 1] == '"word-00",'
    assert found[found.index(f"{long}: Required[") + 1] == "ALongerNameThanMostDict"


def test_two_types_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="RuleOutputDict"):
        of(
            {
                "In": structure(A="Rule", B="RuleOutput"),
                "Out": structure(A="Rule"),
                "Rule": structure(Words="Texts"),
                "RuleOutput": structure(),
            }
        )
