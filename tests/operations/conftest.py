"""Fixtures of whole calls."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("tests.operations.comparing")

from .wire import Wire  # noqa: E402  # What it imports has to be registered first.


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    """boto3's client and ours, which is not made with the user's own settings."""
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            environment.delenv(name)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            environment.setenv(name, os.devnull)
        made = Wire()
    with made:
        yield made
