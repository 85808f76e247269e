"""The generated files are those that the pinned botocore makes, and hold what they should."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import botocore
import pytest

from aiohttp_s3_client.protocol.model.names import OPERATIONS, PAGINATORS, WAITERS
from aiohttp_s3_client.protocol.model.shapes import Model
from tools.build_model import compact, files, service

ROOT = Path(__file__).parents[2]
S3 = ROOT / "aiohttp_s3_client" / "protocol" / "model" / "s3.json"


def test_the_committed_files_are_what_the_tool_makes() -> None:
    differing = [
        path.name for path, text in files().items() if path.read_text(encoding="utf-8") != text
    ]
    assert not differing, "make model"


def test_the_tool_makes_the_same_twice() -> None:
    assert files() == files()


def test_the_oracle_is_the_version_that_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pins = project["project"]["optional-dependencies"]["dev"]
    assert f"botocore=={botocore.__version__}" in pins


def test_the_model_is_small_and_holds_every_operation() -> None:
    assert S3.stat().st_size < 200_000
    facts = json.loads(S3.read_bytes())
    model, paginators, waiters = service()
    assert list(facts["operations"]) == sorted(model["operations"])
    assert sorted(OPERATIONS.values()) == sorted(model["operations"])
    assert sorted(PAGINATORS.values()) == sorted(paginators) == sorted(facts["paginators"])
    assert sorted(WAITERS.values()) == sorted(waiters) == sorted(facts["waiters"])
    assert len(OPERATIONS) == 116


def test_the_model_holds_no_documentation() -> None:
    text = S3.read_text(encoding="utf-8")
    assert "documentation" not in text
    assert "<p>" not in text
    # Nothing in it is longer than a name, an address of a namespace or a path.
    assert not re.findall(r'"[^"]{80,}"', text)


def test_every_shape_of_the_model_can_be_made() -> None:
    model = Model(json.loads(S3.read_bytes()))
    for name in OPERATIONS.values():
        operation = model.operation(name)
        for shape in (operation.input, operation.output):
            if shape is not None:
                assert shape.members or shape.kind == "structure"


def test_an_unknown_operation_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="the model has no 'GetObjet'"):
        Model(json.loads(S3.read_bytes())).operation("GetObjet")


def _description(**changes: Any) -> dict[str, Any]:
    description: dict[str, Any] = {
        "metadata": {"protocol": "rest-xml"},
        "operations": {
            "Do": {"http": {"method": "PUT", "requestUri": "/x"}, "input": {"shape": "In"}}
        },
        "shapes": {"In": {"type": "structure", "members": {}}},
    }
    return description | changes


def test_another_protocol_is_refused() -> None:
    with pytest.raises(ValueError, match="must be rest-xml, not 'json'"):
        compact(_description(metadata={"protocol": "json"}))


def test_a_type_that_the_protocol_does_not_have_is_refused() -> None:
    shapes = {
        "In": {"type": "structure", "members": {"A": {"shape": "Odd"}}},
        "Odd": {"type": "document"},
    }
    with pytest.raises(ValueError, match="shape Odd: rest-xml has no type 'document'"):
        compact(_description(shapes=shapes))


def test_shapes_that_nothing_reaches_are_left_out() -> None:
    shapes = {
        "In": {"type": "structure", "members": {"A": {"shape": "List"}}},
        "List": {"type": "list", "member": {"shape": "In"}},
        "Alone": {"type": "structure", "members": {}},
    }
    assert sorted(compact(_description(shapes=shapes))["shapes"]) == ["In", "List"]


def test_what_a_description_leaves_out_has_defaults() -> None:
    shapes = {"Out": {"type": "structure"}}
    operations = {"Do": {"output": {"shape": "Out"}}}
    facts = compact({"operations": operations, "shapes": shapes})
    assert facts["operations"] == {"Do": {"method": "POST", "path": "/", "output": "#Out"}}
    assert facts["shapes"] == {"Out": {"type": "structure", "members": {}}}


def test_a_reference_overrides_its_shape() -> None:
    shapes = {
        "In": {
            "type": "structure",
            "members": {
                "A": {"shape": "Name", "locationName": "here", "location": "header"},
                "B": {"shape": "Name"},
            },
        },
        "Name": {"type": "string", "locationName": "there", "min": 1},
    }
    members = compact(_description(shapes=shapes))["shapes"]["In"]["members"]
    assert members["A"] == {"is": "string", "in": "header", "name": "here", "min": 1}
    assert members["B"] == {"is": "string", "name": "there", "min": 1}
