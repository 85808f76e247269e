"""The checksums of a multipart upload: which one parts carry, and what becomes of them.

S3 makes of them the object's own: of its bytes (``FULL_OBJECT``, where they are CRCs, which can be
joined), or of theirs (``COMPOSITE``).

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from multidict import CIMultiDict

from ..protocol import checksums
from ..protocol.parts import UploadedPart, full_checksum
from ..transport.shielding import threaded

_ALGORITHM = "x-amz-checksum-algorithm"
_TYPE = "x-amz-checksum-type"
_FEW_PARTS = 1000
"""Whose checksums are joined in 10 ms."""


class PartChecksums:
    """Those of one upload, as the server has answered them."""

    __slots__ = ("_headers", "_of_whole", "_sizes", "_usual", "_wish", "algorithm", "values")

    def __init__(
        self, headers: CIMultiDict[str], wish: bool | str, usual: Callable[[], str]
    ) -> None:
        """*headers* are the caller's of CreateMultipartUpload, whose word comes first. *wish* is
        an algorithm, False for none, or True for what *usual* says, which may be nothing."""
        self._headers = headers
        self._wish = wish
        self._usual = usual
        self._of_whole = False
        self._sizes: dict[int, int] = {}
        self.algorithm = ""
        """Of the checksums that parts carry; empty for none."""
        self.values: dict[int, str] = {}
        """By the numbers of the parts, in base64."""

    @property
    def of_part(self) -> bool | str:
        """What goes with a part, in a request's words; none of what cannot be computed here."""
        return self.algorithm if self._is_computed else False

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(self._sizes.values())

    def announce(self, headers: CIMultiDict[str], *, computed: bool) -> None:
        """Settle the algorithm, and add to *headers* of CreateMultipartUpload what says so.

        Where parts' checksums are *computed* here, raises ``ImportError`` for an algorithm that
        would take too long.
        """
        self.algorithm = self._asked()
        if computed and self._is_computed:
            # Parts are large, all but the last.
            checksums.check_affordable(self.algorithm, None)
        if self.algorithm not in ("", checksums.CONTENT_MD5) and _ALGORITHM not in headers:
            headers[_ALGORITHM] = self.algorithm
            if checksums.is_combinable(self.algorithm):
                headers.setdefault(_TYPE, "FULL_OBJECT")
        self._of_whole = self._is_of_whole(headers.get(_TYPE, ""))

    def adopt(self, parts: Iterable[UploadedPart]) -> None:
        """Begin anew with the kind that *parts* have, of an upload that was announced before."""
        known = {name for part in parts for name in part.checksums}
        self.algorithm = known.pop() if len(known) == 1 else self._asked()
        self._of_whole = self._is_of_whole("")
        self.values, self._sizes = {}, {}

    def arrived(self, number: int, size: int, value: str | None) -> None:
        """Note part *number* of *size* bytes, and its checksum."""
        if value:
            self.values[number] = value
        self._sizes[number] = size

    async def complete(self, headers: CIMultiDict[str]) -> None:
        """Add the whole object's checksum to *headers* of CompleteMultipartUpload.

        Only where the server makes one of the bytes, knows that of every part, and the caller has
        not said it.
        """
        if not self._of_whole:
            return
        parts = [(self._sizes[number], self.values.get(number)) for number in sorted(self._sizes)]
        join = partial(full_checksum, self.algorithm, parts)
        whole = join() if len(parts) <= _FEW_PARTS else await threaded(join)
        if whole is not None:
            headers.setdefault(checksums.header_name(self.algorithm), whole)

    def _asked(self) -> str:
        if asked := self._headers.get(_ALGORITHM):
            return asked.upper()
        if not self._wish or isinstance(self._wish, str):
            return self._wish or ""
        usual, kind = self._usual(), self._headers.get(_TYPE, "")
        if usual in ("", "CRC64NVME") and kind == "COMPOSITE":
            return "CRC32"  # S3 makes no composite of the other.
        return checksums.preferred() if kind and not usual else usual

    @property
    def _is_computed(self) -> bool:
        return self.algorithm in (*checksums.ALGORITHMS, checksums.CONTENT_MD5)

    def _is_of_whole(self, kind: str) -> bool:
        if self.algorithm not in checksums.ALGORITHMS:
            return False
        of_bytes = kind == "FULL_OBJECT" or self.algorithm == "CRC64NVME"
        return of_bytes and checksums.is_combinable(self.algorithm)
