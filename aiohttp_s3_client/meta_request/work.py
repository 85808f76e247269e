"""One request as it is carried out, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import aiohttp

from ..config import ChecksumConfig
from ..engine import Engine
from ..transfer.progress import ProgressMeter
from ..transport.budget import Budget
from .callbacks import Callbacks
from .http import BinaryStream
from .limits import Limits
from .target import Target
from .values import S3ChecksumAlgorithm

Pairs = list[tuple[str, str]]


class Result(NamedTuple):
    """What became of a request that succeeded."""

    status_code: int
    algorithm: S3ChecksumAlgorithm | None = None
    """Of the checksum that the object was held to; None where it was held to none of S3's."""


@dataclass(frozen=True, slots=True, repr=False)
class Work:
    """All that is known of one request when it begins."""

    engine: Engine
    target: Target
    operation: str
    """S3's name of it."""
    callbacks: Callbacks
    limits: Limits
    budget: Budget
    """What all requests of the client hold their bytes of."""
    body: BinaryStream | None
    checksum: ChecksumConfig | None
    send_path: str | None
    receive_path: str | None

    def through(self, session: aiohttp.ClientSession) -> Work:
        """The same over *session*."""
        return replace(self, engine=self.engine.through(session))

    @property
    def key(self) -> str:
        """The object's key. Raises ``ValueError`` where the path names none."""
        if self.target.key is None:
            raise ValueError(f"request: the path names no object of {self.target.url}")
        return self.target.key

    def meter(self) -> ProgressMeter:
        """What counts the bytes for ``on_progress``."""
        return ProgressMeter(self.callbacks.progress if self.callbacks.wants_progress else None)

    @property
    def verifies(self) -> bool:
        """Whether a download is held to a checksum."""
        return self.checksum is not None and self.checksum.validate_response


def pairs_of(response: aiohttp.ClientResponse) -> Pairs:
    """The headers of an answer as the server spells them, as ``on_headers`` gets them."""
    return [
        (name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
        for name, value in response.raw_headers
    ]


def is_named(pair: tuple[str, str], name: str) -> bool:
    """Whether *pair* is the header *name*, which is in small letters."""
    return pair[0].lower() == name
