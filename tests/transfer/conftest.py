"""What downloads are tested with."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["pwrite", "plain"])
def sink(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to put ranges into a file: by position, and joined at the end."""
    monkeypatch.setenv("AIOS3_PLAIN", "1" if request.param == "plain" else "0")
    return str(request.param)
