"""The tags of one object, read and set.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from multidict import CIMultiDict

from ..engine import Engine
from ..protocol.xml import build_tagging, parse_tagging
from ..request import Request
from ..transport.source import BytesSource

Tags = list[tuple[str, str]]
"""Names and values."""

_UNKNOWN_STATUS = frozenset({405, 501})
_UNKNOWN_CODES = frozenset(
    {"MethodNotAllowed", "NoSuchTagSet", "NoSuchTagSetError", "NotImplemented"}
)


class ObjectVersion(NamedTuple):
    """An object; without a *version_id* its current version."""

    bucket: str
    key: str
    version_id: str | None = None

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """What names the version in a request about the object."""
        return () if self.version_id is None else (("versionId", self.version_id),)


async def get_tags(engine: Engine, where: ObjectVersion, headers: Mapping[str, str]) -> Tags:
    """The tags of an object; none where the server knows no tags."""
    answer = await engine.send(
        Request(
            operation="GetObjectTagging",
            method="GET",
            bucket=where.bucket,
            key=where.key,
            query=(("tagging", ""), *where.query),
            headers=CIMultiDict(headers),
            document=True,
        )
    )
    if answer.failed:
        if answer.response.status in _UNKNOWN_STATUS or answer.document.code in _UNKNOWN_CODES:
            return []
        raise answer.error()
    # Ceph RGW has nothing at all to say of an object that was uploaded in parts, without tags.
    return parse_tagging(answer.body) if answer.body else []


async def put_tags(
    engine: Engine, where: ObjectVersion, tags: Tags, headers: Mapping[str, str]
) -> None:
    """Give an object these tags and no others."""
    document = build_tagging(tags)
    digest = hashlib.md5(document, usedforsecurity=False).digest()
    sent = CIMultiDict(headers)
    sent["Content-Type"] = "application/xml"
    # S3 demands a checksum here. This one all servers know.
    sent["Content-MD5"] = base64.b64encode(digest).decode()
    answer = await engine.send(
        Request(
            operation="PutObjectTagging",
            method="PUT",
            bucket=where.bucket,
            key=where.key,
            query=(("tagging", ""), *where.query),
            headers=sent,
            body=BytesSource(document),
        )
    )
    answer.raise_for_status().release()
