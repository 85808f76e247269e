"""Managed copies: small objects by one CopyObject, larger ones part by part, side by side.

::

    HEAD ─┬─ below the threshold ───> CopyObject
          └─> GetObjectTagging ─> Create ─> UploadPartCopy × n ─> Complete

The source is asked through its own client, which may be of another region or account; the copying
is asked of the destination's. CopyObject brings the object's type, its metadata and its tags along
by itself, and so does a copy in parts: they are read here and given to Create. What CopyObject
leaves behind (ACL, storage class, encryption, website redirect, object lock) is left behind here.

Where a header cannot say what has to be kept, CopyObject is asked whatever the threshold. It takes
5 GiB at most; beyond that the copy is refused rather than made without.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/CopyingObjectsMPUapi.html
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from functools import partial
from http import HTTPStatus
from typing import NamedTuple

from multidict import CIMultiDict

from ..config import KIB, TransferConfig
from ..engine import Engine
from ..errors import Forbidden, ObjectChanged, PreconditionFailed, ResponseParseError, S3Error
from ..protocol.encoding import encode_query
from ..protocol.extra_args import TranslatedCopy
from ..protocol.ranges import ByteRange, cut
from ..protocol.xml import ErrorDocument
from ..request import Request
from ..transport.answer import Answer
from .copy import MAX_COPY_SIZE, CopySource, Place, copy_object, copy_source_header
from .multipart import MultipartUpload
from .progress import ProgressMeter
from .schedule import Job, run_jobs
from .tagging import ObjectVersion, Tags, get_tags, put_tags

_KEPT = frozenset(
    {
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-type",
        "expires",
    }
)
_METADATA = "x-amz-meta-"
_IF_MATCH = "x-amz-copy-source-if-match"
_LENGTH = "[0-9]{1,19}"
_TAGGING_LIMIT = 2 * KIB
"""The longest ``x-amz-tagging`` that is relied upon. Ten tags may be longer, as a document."""


class _Found(NamedTuple):
    """The source, as its HEAD has it."""

    size: int
    etag: str
    headers: Mapping[str, str]

    @property
    def metadata(self) -> CIMultiDict[str]:
        """The headers that a copy has too."""
        return CIMultiDict(
            (name, value)
            for name, value in self.headers.items()
            if name.lower() in _KEPT or name.lower().startswith(_METADATA)
        )


class _Kept(NamedTuple):
    """What the copy has of the source, or instead of that."""

    headers: CIMultiDict[str]
    """Of CreateMultipartUpload, with the tags among them."""
    tags: Tags
    """The source's."""


async def managed_copy(
    engine: Engine,
    source_engine: Engine,
    source: CopySource,
    destination: Place,
    *,
    args: TranslatedCopy,
    config: TransferConfig,
    meter: ProgressMeter,
    tries: int | None = None,
) -> None:
    """Copy an object of up to 50 TB on the server, in parts from ``multipart_threshold`` on.

    *source_engine* asks about the source, *engine* has it copied. *tries* is how often each part
    may be sent, by default as often as any request. *meter* is told of each part as it is copied,
    and of a copy by one request at its end.

    Raises S3's errors: ``NotFound`` for a source that is not there, ``PreconditionFailed`` when a
    condition of *args* does not hold, ``AwsUploadError`` for what goes wrong in parts; and
    ``ObjectChanged`` for a source that was replaced in between. An upload that fails or is
    cancelled is aborted.
    """
    copy = _Copy(engine, source_engine, source, destination, args, config, meter, tries)
    await copy.run()


class _Copy(NamedTuple):
    engine: Engine
    source_engine: Engine
    source: CopySource
    destination: Place
    args: TranslatedCopy
    config: TransferConfig
    meter: ProgressMeter
    tries: int | None

    async def run(self) -> None:
        header = copy_source_header(self.engine, self.source)
        found = await self._find(self.args.source)
        size = self.meter.total = found.size
        if size and (size >= self.config.multipart_threshold or size > MAX_COPY_SIZE):
            kept = await self._what_is_kept(found)
            if not isinstance(kept, S3Error):
                answer = await self._copy_parts(header, found, kept)
                await self._see_to_the_tags(answer, kept.tags)
                return
            if size > MAX_COPY_SIZE:
                raise kept
        answer = await copy_object(
            self.engine, self.source, self.destination, headers=self.args.headers, options={}
        )
        answer.raise_for_status()
        self.meter.add(size)

    # What is asked of the source

    async def _find(self, headers: Mapping[str, str]) -> _Found:
        bucket, key, _ = self.source
        answer = await self.source_engine.send(
            Request(
                operation="HeadObject",
                method="HEAD",
                bucket=bucket,
                key=key,
                query=self.source.query,
                headers=CIMultiDict(headers),
            )
        )
        if answer.response.status == HTTPStatus.NOT_MODIFIED:
            # To readers it means that they have it; CopyObject calls the same thing by this name.
            answer.document = ErrorDocument(
                code="PreconditionFailed", message="a condition on the source does not hold"
            )
        response = answer.raise_for_status()
        response.release()
        length = response.headers.get("Content-Length", "")
        if not re.fullmatch(_LENGTH, length):
            raise ResponseParseError(f"HeadObject {bucket}/{key}: its Content-Length is {length!r}")
        return _Found(int(length), response.headers.get("ETag", ""), response.headers)

    async def _what_is_kept(self, found: _Found) -> _Kept | S3Error:
        """What Create is told so that the copy keeps it; an error where Create cannot be told."""
        headers = self.args.multipart.copy()
        if not found.etag:
            return self._only_whole("it has no ETag that would hold its parts together")
        if self.args.copies_annotations:
            return self._only_whole("no other request copies annotations")
        if self.args.keeps_metadata:
            missing = found.headers.get("x-amz-missing-meta", "0")
            if missing != "0":
                return self._only_whole(f"{missing} entries of its metadata fit no header")
            metadata = found.metadata
            if not all(map(_is_text, metadata.values())):
                return self._only_whole("its metadata is not UTF-8")
            headers.update(metadata)
        # What CopyObject is sent where nothing else is said. The key's name decides nothing here.
        headers.setdefault("Content-Type", "application/octet-stream")
        tags: Tags = []
        # The count is left out where there are no tags and where they may not be read: only a
        # count of none proves anything.
        if self.args.keeps_tags and found.headers.get("x-amz-tagging-count") != "0":
            try:
                tags = await get_tags(self.source_engine, self.source, self.args.source_tagging)
            except (Forbidden, ResponseParseError) as error:
                # Where there are none nothing is denied: CopyObject knows whether there are. It
                # does so too where a server understands something else.
                return error
            tagging = encode_query(tags)
            if len(tagging) > _TAGGING_LIMIT and found.size <= MAX_COPY_SIZE:
                return self._only_whole(f"its tags take {len(tagging)} bytes of a header")
            if tagging:
                headers["x-amz-tagging"] = tagging
        return _Kept(headers, tags)

    def _only_whole(self, reason: str) -> S3Error:
        return S3Error(
            f"{self.source.bucket}/{self.source.key} can be copied by one CopyObject alone, which "
            f"takes 5 GiB at most: {reason}"
        )

    # The upload

    async def _copy_parts(self, header: str, found: _Found, kept: _Kept) -> Answer:
        of_part = self.args.part.copy()
        if of_part.get(_IF_MATCH, "*") == "*":
            of_part[_IF_MATCH] = found.etag
        part_size = self.config.part_size_for(found.size)
        upload = MultipartUpload(
            self.engine,
            *self.destination,
            headers=kept.headers,
            part_tries=self.tries,
            copies=True,
        )

        async def parts() -> AsyncGenerator[Job, None]:
            for number, part in enumerate(cut(0, found.size, part_size), 1):
                yield partial(copy_part, number, part)

        async def copy_part(number: int, part: ByteRange) -> None:
            whole = part.size == found.size
            try:
                await upload.copy_part(number, header, part, whole=whole, headers=of_part)
            except PreconditionFailed as error:
                if of_part[_IF_MATCH] != found.etag:
                    raise
                raise self._changed(found) from error
            self.meter.add(part.size)

        await upload.create()
        try:
            await run_jobs(parts(), self.config.workers)
            await self._check_unchanged(found)
            self.meter.enter("completing")
            await self.meter.flush()
            return await upload.complete()
        except BaseException:
            await upload.abort()
            raise

    async def _check_unchanged(self, found: _Found) -> None:
        """Ask once more on servers that may not know the condition which each part was sent with.

        A version never changes, and AWS knows it.
        """
        if self.engine.endpoint.is_aws or self.source.version_id is not None:
            return
        unconditional = CIMultiDict(
            (name, value)
            for name, value in self.args.source.items()
            if not name.lower().startswith("if-")
        )
        if (await self._find(unconditional)).etag != found.etag:
            raise self._changed(found)

    async def _see_to_the_tags(self, answer: Answer, tags: Tags) -> None:
        """Set the tags where the server did not take them with Create, as Ceph RGW does not."""
        if not tags or self.engine.endpoint.is_aws:
            return
        version = answer.response.headers.get("x-amz-version-id")
        copied = ObjectVersion(*self.destination, version)
        headers = self.args.source_tagging
        if sorted(await get_tags(self.engine, copied, headers)) != sorted(tags):
            await put_tags(self.engine, copied, tags, headers)

    def _changed(self, found: _Found) -> ObjectChanged:
        return ObjectChanged(
            f"{self.source.bucket}/{self.source.key} was replaced while it was being copied "
            f"(it began with ETag {found.etag})"
        )


def _is_text(value: str) -> bool:
    """Whether a header's value has no bytes that aiohttp could not decode, nor send again."""
    return not any("\ud800" <= char <= "\udfff" for char in value)
