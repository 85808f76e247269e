"""Whether a file is to be transferred although there is one of its name already.

``time``: when sizes differ, or the source is newer. It is the rule that misses no change: where a
server keeps whole seconds, what was written in the second of its upload counts as newer once more.
``size``: when sizes differ. ``checksum``: when the content differs, whatever the times say.

How content is compared::

    file, object      the listing's ETag, when it is an MD5 and the file's
                      else a checksum of the full object, which a HEAD tells
                      else an ETag of parts, when the size of its parts is known or guessed
    object, object    their ETags, when they are equal
                      else checksums of the full objects by the same algorithm, which HEADs tell

What cannot be compared counts as different, and so does a file that changes meanwhile.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Literal, NamedTuple

from multidict import CIMultiDict

from ...config import DEFAULT_PART_SIZE, TransferConfig
from ...engine import Engine
from ...errors import SourceChanged
from ...protocol import checksums
from ...protocol.operations import EVERYWHERE
from ...request import Request
from ...transport.disk import Disk
from ...transport.openfile import OpenFile, open_file
from ...transport.source import FileSource
from ..expected import offered_by
from .entries import Entry

Compare = Literal["time", "size", "checksum"]

_CUSTOMER_KEY = "x-amz-server-side-encryption-customer-"


def differs(compare: Compare, source: Entry, target: Entry) -> bool | None:
    """Whether *source* is to take the place of *target*; None where their content decides."""
    if source.size != target.size:
        return True
    if compare == "time":
        return source.mtime_ns > target.mtime_ns
    return None if compare == "checksum" and source.size else False


class Asked(NamedTuple):
    """An object that is asked about; its *headers* may hold a customer's key."""

    engine: Engine
    bucket: str
    key: str
    headers: CIMultiDict[str]

    async def head(self, *query: tuple[str, str]) -> Mapping[str, str] | None:
        """What HeadObject tells, with checksums; None where it is refused."""
        headers = self.headers.copy()
        headers["x-amz-checksum-mode"] = "ENABLED"
        answer = await self.engine.send(
            Request(
                operation="HeadObject",
                method="HEAD",
                bucket=self.bucket,
                key=self.key,
                query=query,
                headers=headers,
            )
        )
        answer.response.release()
        return None if answer.failed else answer.response.headers

    def __repr__(self) -> str:
        return f"Asked({self.bucket!r}, {self.key!r})"


def asking_headers(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """Those of a transfer's *headers* that a question about its object needs too."""
    return CIMultiDict(
        (name, value)
        for name, value in headers.items()
        if name.lower() in EVERYWHERE or name.lower().startswith(_CUSTOMER_KEY)
    )


async def same_file(path: Path, listed: Entry, asked: Asked, config: TransferConfig) -> bool:
    """Whether the file at *path* holds what the object *listed* does.

    Raises ``S3ConnectionError``, and ``OSError`` where the file cannot be read to its end.
    """
    disk = Disk(threads=config.use_threads)
    try:
        file = await open_file(path, "source", disk)
    except (OSError, ValueError):  # It is gone, or no file any more: surely not the same.
        return False
    with closing(file):
        if file.size != listed.size:
            return False
        try:
            same = await _FileAndObject(file, listed, asked, config, disk).same()
        except SourceChanged:
            return False
        return same and not await disk.run(file.changed)


class _FileAndObject:
    def __init__(
        self, file: OpenFile, listed: Entry, asked: Asked, config: TransferConfig, disk: Disk
    ) -> None:
        self._file = file
        self._listed = listed
        self._asked = asked
        self._config = config
        self._disk = disk

    async def same(self) -> bool:
        etag = _bare(self._listed.etag)
        if re.fullmatch("[0-9a-f]{32}", etag) and (await self._digest("MD5")).hex() == etag:
            return True
        # Under KMS or a customer's key an ETag only looks like an MD5.
        headers = await self._asked.head()
        if headers is None:
            return False
        for checksum in offered_by(headers):
            if checksum.parts is None and self._affordable(checksum.algorithm):
                digest = await self._digest(checksum.algorithm)
                return checksums.encode(digest) == checksum.value
        if match := re.fullmatch("([0-9a-f]{32})-([1-9][0-9]{0,4})", etag):
            return await self._same_parts(match[1], int(match[2]))
        return False

    async def _same_parts(self, md5: str, count: int) -> bool:
        """Whether parts of one size give an ETag of that *md5* of MD5s."""
        for part_size in await self._part_sizes(count):
            digests = [
                await self._digest("MD5", start, part_size)
                for start in range(0, self._file.size, part_size)
            ]
            if checksums.compute("MD5", b"".join(digests)).hex() == md5:
                return True
        return False

    async def _part_sizes(self, count: int) -> list[int]:
        """The size of the first part, where the server tells it; else sizes that are usual."""

        def fits(part_size: int) -> bool:
            return part_size > 0 and -(-self._file.size // part_size) == count

        # The ETag of that answer may be the part's own (P6); of interest is the length alone.
        headers = None if count == 1 else await self._asked.head(("partNumber", "1"))
        length = (headers or {}).get("Content-Length", "")
        if re.fullmatch("[0-9]{1,19}", length) and fits(int(length)):
            return [int(length)]
        usual = (self._file.size, self._config.part_size_for(self._file.size), DEFAULT_PART_SIZE)
        return [part_size for part_size in dict.fromkeys(usual) if fits(part_size)]

    async def _digest(self, algorithm: str, start: int = 0, size: int | None = None) -> bytes:
        rest = self._file.size - start
        source = FileSource(
            self._file, start, rest if size is None else min(size, rest), disk=self._disk
        )
        return await source.digest(algorithm)

    def _affordable(self, algorithm: str) -> bool:
        return checksums.is_affordable(algorithm, self._file.size)


async def same_object(source: Entry, target: Entry, asked: tuple[Asked, Asked]) -> bool:
    """Whether two objects hold the same; *asked* are both of them, the source first."""
    if source.etag and _bare(source.etag) == _bare(target.etag):
        return True
    told: list[dict[str, str]] = []
    for place in asked:
        headers = await place.head()
        if headers is None:
            return False
        told.append({sum_.algorithm: sum_.value for sum_ in offered_by(headers) if not sum_.parts})
    ours, theirs = told
    common = ours.keys() & theirs.keys()
    return bool(common) and all(ours[algorithm] == theirs[algorithm] for algorithm in common)


def _bare(etag: str | None) -> str:
    return (etag or "").strip('"')
