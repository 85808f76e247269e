"""What the bytes of an object are held to: a checksum that S3 keeps of it, or of its parts.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..errors import ChecksumMismatch
from ..protocol import checksums
from ..protocol.checksums import Checksum
from ..protocol.crc import Buffer

log = logging.getLogger(__name__)

SLOW_LIMIT = 16 * 1024 * 1024
"""Objects beyond this are not digested where only pure Python could do it: minutes for a GiB."""

_TYPE = "x-amz-checksum-type"
_MULTIPART_ETAG = r'"?[0-9a-f]{32}-\d+"?'


class PartFacts(NamedTuple):
    """What S3 says of one part; ``value`` is its checksum in base64, where it says that too."""

    size: int
    value: str | None


class Expected:
    """The checksum that an object is held to, fed with its bytes in order."""

    def __init__(self, name: str, checksum: Checksum, parts: Sequence[PartFacts] = ()) -> None:
        self._name = name
        self._parts = parts
        self._digests: list[bytes] = []
        self._running = checksums.new(checksum.algorithm)
        self._left = parts[0].size if parts else None
        self.checksum = checksum

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
            self._compare(checksums.encode(digest), value, f" (part {number})")
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
        self._compare(value, self.checksum.value, "")

    def _compare(self, value: str, expected: str, what: str) -> None:
        if value != expected:
            raise ChecksumMismatch(
                f"{self._name}{what}: the {self.checksum.algorithm} of what arrived is {value}, "
                f"and the server says {expected}"
            )


def offered_by(headers: Mapping[str, str]) -> tuple[Checksum, ...]:
    """The checksums of a whole object that *headers* hold, first what costs least to compute."""
    offered = checksums.from_headers(headers)
    if re.fullmatch(_MULTIPART_ETAG, headers.get("ETag", "")) and _TYPE not in headers:
        # Other servers do not always say that it is one of the parts' checksums (moto).
        return tuple(one for one in offered if one.parts is not None)
    return offered


def held_to(
    name: str, checksum: Checksum, size: int, parts: Sequence[PartFacts] = ()
) -> Expected | None:
    """What the object *name* of *size* bytes is held to.

    None, with a warning in the log, where computing that would take minutes.
    """
    if size > SLOW_LIMIT and not checksums.is_available(checksum.algorithm):
        log.warning(
            "%s is not verified: without the package's [checksums] extra its %s takes too long",
            name,
            checksum.algorithm,
        )
        return None
    return Expected(name, checksum, parts)
