"""The tags of one object, read and set.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import aiohttp
from multidict import CIMultiDict

from ..config import KIB
from ..engine import Engine
from ..errors import ResponseParseError, S3ConnectionError
from ..protocol.xml import build_tagging, parse_tagging
from ..request import Request
from ..transport.answer import AnswerTooLarge, read_document
from ..transport.source import BytesSource

Tags = list[tuple[str, str]]
"""Names and values."""

_LIMIT = 256 * KIB
"""Bytes of an answer: S3 keeps ten tags of an object."""
_SECONDS = 60.0
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
    """The tags of an object; none where the server says that it knows none.

    Raises ``ResponseParseError`` where it answers with something else: rclone sends the object.
    """
    answer = await engine.send(
        Request(
            operation="GetObjectTagging",
            method="GET",
            bucket=where.bucket,
            key=where.key,
            query=(("tagging", ""), *where.query),
            headers=CIMultiDict(headers),
        )
    )
    if answer.failed:
        if answer.response.status in _UNKNOWN_STATUS or answer.document.code in _UNKNOWN_CODES:
            return []
        raise answer.error()
    try:
        body = await read_document(answer.response, _LIMIT, _SECONDS)
    except AnswerTooLarge:
        raise ResponseParseError(
            f"GetObjectTagging {where.bucket}/{where.key}: an answer of over {_LIMIT} bytes"
        ) from None
    except (aiohttp.ClientError, TimeoutError) as error:
        raise S3ConnectionError(
            f"GetObjectTagging {where.bucket}/{where.key}: the answer broke off "
            f"({type(error).__name__})"
        ) from None
    finally:
        answer.response.close()
    # Ceph RGW has nothing at all to say of an object that was uploaded in parts, without tags.
    return parse_tagging(body) if body else []


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
