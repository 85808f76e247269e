"""The scenarios of all operations, by the operations' names."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import ModuleType

from . import buckets, configurations, control, metadata_tables, objects, uploads
from .stage import Scenario


def _functions(module: ModuleType) -> Iterator[tuple[str, Scenario]]:
    """The scenarios of *module*: each is named after its operation."""
    for name, value in vars(module).items():
        if inspect.iscoroutinefunction(value) and not name.startswith("_"):
            yield name, value


def _all() -> Iterator[tuple[str, Scenario]]:
    for module in (buckets, objects, uploads, control, metadata_tables):
        yield from _functions(module)
    for configuration in (*configurations.CONFIGURATIONS, *metadata_tables.CONFIGURATIONS):
        yield from configuration.scenarios()


SCENARIOS: dict[str, Scenario] = dict(_all())
