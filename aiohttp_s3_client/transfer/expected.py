"""What the bytes of an object are held to: a checksum that S3 keeps of it, or of its parts.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import NamedTuple

from ..config import ClientConfig
from ..errors import ChecksumMismatch
from ..protocol import checksums
from ..protocol.checksums import Checksum
from ..protocol.crc import Buffer
from ..transport.shielding import threaded

log = logging.getLogger(__name__)

MODE = "x-amz-checksum-mode"
"""The header that asks for the checksums of an object, which S3 leaves out otherwise."""

_TYPE = "x-amz-checksum-type"
_MULTIPART_ETAG = r'"?[0-9a-f]{32}-\d+"?'


class PartFacts(NamedTuple):
    """What S3 says of one part; ``value`` is its checksum in base64, where it says that too."""

    size: int
    value: str | None


class Expected:
    """The checksum that an object is held to, fed with its bytes in order."""

    def __init__(
        self, bucket: str, key: str, checksum: Checksum, parts: Sequence[PartFacts] = ()
    ) -> None:
        self._bucket = bucket
        self._key = key
        self._slow = not checksums.is_available(checksum.algorithm)
        self._parts = parts
        self._digests: list[bytes] = []
        self._running = checksums.new(checksum.algorithm)
        self._left = parts[0].size if parts else None
        self.checksum = checksum

    async def feed(self, data: Buffer) -> None:
        """``update``, for the event loop: in a thread where Python itself has to compute it."""
        if self._slow:
            await threaded(partial(self.update, data))
        else:
            self.update(data)

    def update(self, data: Buffer) -> None:
        """The next bytes of the object."""
        view = memoryview(data).cast("B")
        while self._left is not None and view.nbytes >= self._left:
            self._running.update(view[: self._left])
            view = view[self._left :]
            self._end_part()
            if self._left is None:
                return
        self._running.update(view)
        if self._left is not None:
            self._left -= view.nbytes

    def _end_part(self) -> None:
        digest = self._running.digest()
        number = len(self._digests) + 1
        value = self._parts[number - 1].value
        if value is not None:
            self._compare(checksums.encode(digest), value, number)
        self._digests.append(digest)
        self._running = checksums.new(self.checksum.algorithm)
        self._left = self._parts[number].size if number < len(self._parts) else None

    def finish(self) -> None:
        """All bytes were given. Raises ``ChecksumMismatch``."""
        self.update(b"")  # An empty object may have one part, which is empty too.
        if self._parts:
            made = checksums.composite(self.checksum.algorithm, self._digests)
            self.compare(made.rpartition("-")[0])
        else:
            self.compare(checksums.encode(self._running.digest()))

    def compare(self, value: str) -> None:
        """Hold *value*, in base64, to what the server says of the whole."""
        self._compare(value, self.checksum.value, None)

    def _compare(self, value: str, expected: str, part: int | None) -> None:
        if value == expected:
            return
        algorithm, what = self.checksum.algorithm, "" if part is None else f" (part {part})"
        raise ChecksumMismatch(
            f"{self._bucket}/{self._key}{what}: the {algorithm} of what arrived is {value}, "
            f"and the server says {expected}",
            bucket=self._bucket,
            key=self._key,
            algorithm=algorithm,
            computed=value,
            expected=expected,
            part=part,
        )


def held_by_default(config: ClientConfig) -> bool:
    """Whether objects are held to their checksums where a call says nothing of that."""
    wish = config.checksum
    when_required = config.response_checksum_validation == "when_required"
    return not when_required and (wish is None or wish.validate_response)


def asks_for_checksums(headers: Mapping[str, str]) -> bool:
    """Whether a request for an object asks for its checksums too."""
    return headers.get(MODE, "").upper() == "ENABLED"


def offered_by(headers: Mapping[str, str]) -> tuple[Checksum, ...]:
    """The checksums of a whole object that *headers* hold, first what costs least to compute."""
    offered = checksums.from_headers(headers)
    if re.fullmatch(_MULTIPART_ETAG, headers.get("ETag", "")) and _TYPE not in headers:
        # Other servers do not always say that it is one of the parts' checksums (moto).
        return tuple(one for one in offered if one.parts is not None)
    return offered


def of_part_in(headers: Mapping[str, str]) -> tuple[Checksum, ...]:
    """The checksums of one part, in the answer to a request for that: where those of the whole are
    COMPOSITE. Beside others a value may be the whole object's."""
    if headers.get(_TYPE, "").strip().upper() != "COMPOSITE":
        return ()
    found = checksums.from_headers(headers, of_part=True)
    return tuple(one for one in found if one.parts is None)


def held_to(
    bucket: str,
    key: str,
    checksum: Checksum,
    size: int | None,
    parts: Sequence[PartFacts] = (),
) -> Expected | None:
    """What an object of *size* bytes is held to; None is a size that nobody knows.

    None where computing that would take minutes, or cannot be done. The log says so, once for each
    algorithm.
    """
    if checksums.is_affordable(checksum.algorithm, size):
        return Expected(bucket, key, checksum, parts)
    say_unaffordable(checksum.algorithm)
    return None


@cache
def say_unaffordable(algorithm: str) -> None:
    """Say in the log, once, what is not held to its checksum for want of a package."""
    what = "objects" if not checksums.is_affordable(algorithm, 0) else "objects above 1 MiB"
    log.warning(
        "%s are not verified by their %s: that takes a package of the extra [checksums]",
        what,
        algorithm,
    )
