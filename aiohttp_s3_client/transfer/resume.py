"""What is left of an earlier run of the same download: a file with holes, and its journal."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from ..engine import Engine
from ..protocol.ranges import ByteRange
from ..transport.disk import Disk
from ..transport.sink import PositionedFile
from .ranged import RangedObject, ReadOptions


class PartialDownload:
    """A download that can be gone on with: its file and its journal, beside the destination."""

    missing: list[ByteRange] | None
    sink: PositionedFile

    @classmethod
    async def open(
        cls, engine: Engine, found: RangedObject, destination: Path, disk: Disk, range_size: int
    ) -> Self:
        raise NotImplementedError

    async def is_current(self, how: ReadOptions) -> bool:
        raise NotImplementedError

    async def start_afresh(self) -> None:
        raise NotImplementedError

    async def begin(self, found: RangedObject, range_size: int) -> None:
        raise NotImplementedError

    async def completed(self, wanted: ByteRange, *, fsync: bool) -> None:
        raise NotImplementedError

    async def remove(self) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError
