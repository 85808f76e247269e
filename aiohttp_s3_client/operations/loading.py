"""The model of S3, read when it is first needed and kept for the life of the process."""

from __future__ import annotations

import json
from importlib.resources import files

from ..protocol.model.shapes import Model
from ..transport.shielding import threaded

_loaded: list[Model] = []


async def s3_model() -> Model:
    """The model of S3. The first call reads it, in a thread."""
    if not _loaded:
        # Two first calls may both read it: what they make is the same.
        _loaded.append(await threaded(_load))
    return _loaded[0]


def _load() -> Model:
    package = files("aiohttp_s3_client.protocol.model")
    return Model(json.loads(package.joinpath("s3.json").read_bytes()))
