"""Holding a download to the checksum that S3 keeps of the object.

::

    first answer ── covers the whole object and has a checksum, or an MD5 ETag ──────┐
         │                                                                           │
         └─ else ─> HEAD in checksum mode, beside the first ranges                   │
                        ├─ of the full object, a CRC: each range's CRC, combined ────┤
                        ├─ of the full object, a hash: the file from end to end ─────┼─> verified
                        └─ composite: each part as S3 cut it ────────────────────────┘

What is digested is what stands at the destination, read back: bytes that went there without
passing Python have to be read in any case, and so the writing is checked with the receiving.

A ranged answer carries no checksum of the whole, so one on a 206 counts only where the range is
the whole object. Parts' sizes come from GetObjectAttributes, else from one HEAD for each part.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from multidict import CIMultiDict

from ..engine import Engine
from ..errors import S3Error
from ..protocol import checksums
from ..protocol.checksums import Checksum
from ..protocol.crc import Buffer
from ..protocol.endpoints.directory import is_directory
from ..protocol.operations import EVERYWHERE
from ..protocol.parts import parse_object_parts
from ..protocol.ranges import ByteRange
from ..request import Request
from ..transport.answer import Answer
from ..transport.shielding import settled
from .expected import MODE, Expected, PartFacts, held_to, offered_by
from .ranged import RangedObject, ReadOptions

log = logging.getLogger(__name__)

_CLASS = "x-amz-storage-class"
_EXPRESS = "EXPRESS_ONEZONE"
_SSE = "x-amz-server-side-encryption"
_CUSTOMER_KEY = f"{_SSE}-customer-"


class ReadBack(Protocol):
    """What can be read again after it was received."""

    async def read_back(self, start: int, stop: int, digest: Callable[[Buffer], None]) -> None:
        """Give *digest* the bytes from *start* to *stop*."""


class Inquiry:
    """Finds out, beside a download, what checksum its object can be held to."""

    def __init__(
        self,
        engine: Engine,
        found: RangedObject,
        how: ReadOptions,
        *,
        md5_wanted: bool,
        beside: bool = True,
    ) -> None:
        self._engine = engine
        self._object = found
        self._how = how
        self._md5_wanted = md5_wanted
        self._beside = beside
        """Whether it may ask while the object is being received."""
        self._one_range: bool | None = None
        self._asking: asyncio.Task[Expected | None] | None = None
        self._answer: Expected | None = None

    def begin(self, answer: Answer | None, *, one_range: bool) -> None:
        """Look at the first answer; ask with a HEAD where it says too little."""
        if answer is not None and one_range:
            checksum = self._offered(answer.response.headers, in_order=True)
            if checksum is not None and checksum.parts is None:
                self._answer = self._usable(checksum)
                return
        if self._beside:
            self._asking = asyncio.create_task(self._ask(one_range))
        else:
            self._one_range = one_range

    async def ask_first(self, range_size: int) -> None:
        """In the place of ``begin``, where only one request may be in flight: ask before anything
        is received, and hold the object to that answer."""
        try:
            answer = await self._head()
        except S3Error as error:
            log.info("%s is not verified: %s", self._name, error)
            return
        length = answer.response.content_length if answer is not None else None
        if answer is None or length is None:
            return
        headers = answer.response.headers
        self._object.expect(headers.get("ETag"), headers.get("x-amz-version-id"), length)
        self._answer = await self._understood(headers, length <= range_size)

    @property
    def known(self) -> Expected | None:
        """What is known by now."""
        if self._asking is not None and self._asking.done() and not self._asking.cancelled():
            return self._asking.result()
        return self._answer

    async def result(self) -> Expected | None:
        """What the object is held to; None when the server offers nothing usable."""
        if self._asking is not None:
            return await self._asking
        if self._one_range is not None:
            self._answer, self._one_range = await self._ask(self._one_range), None
        return self._answer

    def agreed(self, algorithm: str) -> None:
        """What was received is the object, by its checksum of *algorithm*."""
        if self._how.witness is not None:
            self._how.witness.verified(algorithm)

    async def close(self) -> None:
        """Give up what is still being asked."""
        if self._asking is not None:
            self._asking.cancel()
            await settled(self._asking)

    async def _ask(self, one_range: bool) -> Expected | None:
        try:
            answer = await self._head()
        except S3Error as error:
            log.info("%s is not verified: %s", self._name, error)
            return None
        return (
            None if answer is None else await self._understood(answer.response.headers, one_range)
        )

    async def _understood(self, headers: Mapping[str, str], one_range: bool) -> Expected | None:
        """What a HEAD's answer offers, with the parts that it does not tell."""
        checksum = self._offered(headers, in_order=one_range)
        if checksum is None or checksum.parts is None:
            return None if checksum is None else self._usable(checksum)
        try:
            parts = await self._parts(checksum.algorithm, checksum.parts)
        except S3Error as error:
            log.info("%s is not verified: %s", self._name, error)
            return None
        if parts is None or sum(part.size for part in parts) != self._object.total:
            return None
        return self._usable(checksum, parts)

    def _usable(self, checksum: Checksum, parts: Sequence[PartFacts] = ()) -> Expected | None:
        found = self._object
        return held_to(found.bucket, found.key, checksum, found.total, parts)

    @property
    def _name(self) -> str:
        return f"{self._object.bucket}/{self._object.key}"

    def _offered(self, headers: Mapping[str, str], *, in_order: bool) -> Checksum | None:
        """What *headers* of the whole object offer to hold it to."""
        if offered := offered_by(headers):
            return offered[0]
        etag = re.fullmatch(r'"([0-9a-f]{32})"', headers.get("ETag", ""))
        # The ETag of an object under KMS or a customer's key is no MD5, and looks like one. In a
        # directory bucket it is random.
        express = headers.get(_CLASS) == _EXPRESS or is_directory(self._object.bucket)
        encrypted = headers.get(_SSE, "AES256") != "AES256" or any(
            name.lower().startswith(_CUSTOMER_KEY) for name in headers
        )
        if etag is None or encrypted or express or not (in_order or self._md5_wanted):
            return None
        return Checksum("MD5", checksums.encode(bytes.fromhex(etag[1])), None)

    def _headers(self) -> CIMultiDict[str]:
        return CIMultiDict(
            (name, value)
            for name, value in self._how.headers.items()
            if name.lower() in EVERYWHERE or name.lower().startswith(_CUSTOMER_KEY)
        )

    async def _head(self, query: tuple[tuple[str, str], ...] = ()) -> Answer | None:
        """A HEAD of the very object that is being read; None when it is refused."""
        found, headers = self._object, self._headers()
        headers[MODE] = "ENABLED"
        if found.etag and not found.etag.startswith("W/"):
            headers["If-Match"] = found.etag
        answer = await self._engine.send(
            Request(
                operation="HeadObject",
                method="HEAD",
                bucket=found.bucket,
                key=found.key,
                query=(*self._how.query, *query),
                headers=headers,
                options=self._how.options,
            )
        )
        answer.response.release()
        another = found.known and answer.response.headers.get("ETag") != found.etag
        return None if answer.failed or another else answer

    async def _parts(self, algorithm: str, count: int) -> list[PartFacts] | None:
        """Size and checksum of each part, as S3 has them."""
        found, headers = self._object, self._headers()
        headers["x-amz-object-attributes"] = "ObjectParts"
        headers["x-amz-max-parts"] = "1000"
        parts: list[PartFacts] = []
        while len(parts) < count:
            answer = await self._engine.send(
                Request(
                    operation="GetObjectAttributes",
                    method="GET",
                    bucket=found.bucket,
                    key=found.key,
                    query=(*self._how.query, ("attributes", "")),
                    headers=headers,
                    document=True,
                    options=self._how.options,
                )
            )
            if answer.failed:
                break
            page = parse_object_parts(answer.body or b"")
            parts += [PartFacts(part.size, part.checksums.get(algorithm)) for part in page.parts]
            if not page.parts or page.next_marker is None:
                break
            headers["x-amz-part-number-marker"] = str(page.next_marker)
        return parts if len(parts) == count else await self._parts_by_head(count)

    async def _parts_by_head(self, count: int) -> list[PartFacts] | None:
        parts: list[PartFacts] = []
        for number in range(1, count + 1):
            answer = await self._head((("partNumber", str(number)),))
            if answer is None:
                return None
            headers = answer.response.headers
            if headers.get("x-amz-mp-parts-count") != str(count):
                return None
            parts.append(PartFacts(int(headers.get("Content-Length", "0")), None))
        return parts


class Verifier:
    """Whether what stands at a destination is the object."""

    def __init__(self, inquiry: Inquiry, place: ReadBack) -> None:
        self._inquiry = inquiry
        self._place = place
        self._digests: dict[int, tuple[int, bytes]] = {}
        """Of ranges, by their start: stop and CRC."""

    async def received(self, range_: ByteRange) -> None:
        """A range is in its place: digest it now, while it is in the cache, if that helps."""
        expected = self._inquiry.known
        if expected is None or not _combines(expected.checksum):
            return
        digest = await self._digest(expected.checksum.algorithm, range_)
        self._digests[range_.start] = (range_.stop, digest)

    async def finish(self, total: int) -> bool | None:
        """True when everything agrees, None when there is nothing to hold it to.

        Raises ``ChecksumMismatch``.
        """
        expected = await self._inquiry.result()
        if expected is None:
            return None
        if _combines(expected.checksum):
            crc = await self._combined(expected.checksum.algorithm, total)
            expected.compare(checksums.encode(crc))
        else:
            await self._place.read_back(0, total, expected.update)
            expected.finish()
        self._inquiry.agreed(expected.checksum.algorithm)
        return True

    async def _combined(self, algorithm: str, total: int) -> bytes:
        position, combined = 0, checksums.compute(algorithm, b"")
        for start, (stop, digest) in sorted(self._digests.items()):
            if start > position:
                gap = await self._digest(algorithm, ByteRange(position, start))
                combined = checksums.combine(algorithm, combined, gap, start - position)
            combined = checksums.combine(algorithm, combined, digest, stop - start)
            position = stop
        if position < total:
            rest = await self._digest(algorithm, ByteRange(position, total))
            combined = checksums.combine(algorithm, combined, rest, total - position)
        return combined

    async def _digest(self, algorithm: str, range_: ByteRange) -> bytes:
        running = checksums.new(algorithm)
        await self._place.read_back(range_.start, range_.stop, running.update)
        return running.digest()


def _combines(checksum: Checksum) -> bool:
    return checksum.parts is None and checksums.is_combinable(checksum.algorithm)
