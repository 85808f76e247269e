"""Which of the caller's headers go with which request of a multipart upload.

==================================================  ======  =====  ========
header                                              Create  parts  Complete
==================================================  ======  =====  ========
``x-amz-request-payer``,
``x-amz-expected-bucket-owner``                     yes     yes    yes
``x-amz-server-side-encryption-customer-*``         yes     yes    yes
``If-Match``, ``If-None-Match``,
``x-amz-mp-object-size``                            no      no     yes
``x-amz-checksum-crc32`` and its like
(of the whole object)                               no      no     yes
everything else (``Content-Type``, metadata, ACL,
storage class, tagging, encryption, …)              yes     no     no
==================================================  ======  =====  ========

``Content-MD5`` fits none of them and is refused.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

from collections.abc import Mapping

from multidict import CIMultiDict

from .checksums import algorithm_of
from .operations import EVERYWHERE

_CUSTOMER_KEY = "x-amz-server-side-encryption-customer-"
_COMPLETE_ONLY = frozenset({"if-match", "if-none-match", "x-amz-mp-object-size"})


class UploadHeaders:
    """The caller's headers, sorted by the requests of an upload. See the module's table."""

    __slots__ = ("complete", "create", "part")

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.create: CIMultiDict[str] = CIMultiDict()
        self.part: CIMultiDict[str] = CIMultiDict()
        self.complete: CIMultiDict[str] = CIMultiDict()
        for name, value in headers.items():
            for target in self._targets(name.lower()):
                target.add(name, value)

    def _targets(self, name: str) -> tuple[CIMultiDict[str], ...]:
        if name == "content-md5":
            raise ValueError("headers: Content-MD5 of a whole object fits no multipart upload")
        if name == "x-amz-write-offset-bytes":
            raise ValueError("headers: what is uploaded in parts replaces an object, no offset")
        if name in EVERYWHERE or name.startswith(_CUSTOMER_KEY):
            return (self.create, self.part, self.complete)
        if name in _COMPLETE_ONLY or algorithm_of(name):
            return (self.complete,)
        return (self.create,)
