"""The model of S3, made when it is first needed and kept for the life of the process."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from threading import Lock

from ..protocol.model.links import FACTS
from ..protocol.model.shapes import Model
from ..transport.shielding import threaded

_loaded: list[Model] = []
_locks: dict[int, Lock] = {}
"""One for each process: a child, forked while a thread reads, would wait for ever for ours."""


async def s3_model() -> Model:
    """The model of S3. The first call reads it, in a thread; others wait for that."""
    return _loaded[0] if _loaded else await threaded(_load)


def _load() -> Model:
    with _locks.setdefault(os.getpid(), Lock()):
        if not _loaded:
            path = Path(__file__).parents[1] / "protocol" / "model" / "s3.json"
            _loaded.append(Model(json.loads(path.read_bytes())))
    return _loaded[0]


@cache
def link_model() -> Model:
    """The model of S3 without bodies, answers and checksums: what a link is made of.

    From text that came with the package: it takes some 1 ms once and reads no file, so that links
    can be made by plain functions while an event loop runs (P1).
    """
    return Model(json.loads(FACTS))
