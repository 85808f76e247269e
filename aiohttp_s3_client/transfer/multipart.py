"""The life of a multipart upload: create, send parts, complete, or abort.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from ..config import MAX_PARTS
from ..engine import Engine
from ..errors import AwsUploadError, ResponseParseError, S3Error
from ..protocol.endpoints.directory import is_directory
from ..protocol.parts import UploadedPart, build_complete, parse_copied_part, parse_parts
from ..protocol.ranges import ByteRange
from ..protocol.upload_headers import UploadHeaders
from ..protocol.xml import parse_complete, parse_upload_id
from ..request import Body, Request
from ..transport.answer import Answer
from ..transport.shielding import finished, settled
from ..transport.source import BytesSource
from .content_type import set_content_type
from .doubt import age_at, etag_of_parts, headers_of_all, is_in_doubt, predates, stored_etag
from .part_checksums import PartChecksums

log = logging.getLogger(__name__)


class MultipartUpload:
    """One upload. Every method raises typed errors that are also ``AwsUploadError``.

    With *copies* the parts are the server's to fetch: nothing is sent here that a checksum could
    be computed of, so none is announced. *checksum* is the algorithm of those that parts carry,
    after their bytes where *trailer* says so; True leaves it to the client's settings. A header
    that asks for one comes first. One that would take too long here is an ``ImportError`` before
    anything is sent.
    """

    def __init__(
        self,
        engine: Engine,
        bucket: str,
        key: str,
        *,
        headers: Mapping[str, str],
        part_tries: int | None = None,
        calculate_sha256: bool | None = None,
        abort_timeout: float = 10.0,
        options: Mapping[str, Any] | None = None,
        copies: bool = False,
        checksum: bool | str = True,
        trailer: bool | None = None,
    ) -> None:
        self._engine = engine
        self._bucket = bucket
        self._key = key
        self._headers = UploadHeaders(headers)
        self._part_tries = part_tries
        self._calculate_sha256 = calculate_sha256
        self._abort_timeout = abort_timeout
        self._options = options or {}
        self._copies = copies
        self._trailer = trailer
        self._etags: dict[int, str] = {}
        self._checksums = PartChecksums(
            self._headers.create, checksum if not copies else False, self._usual_checksum
        )
        self._created: Answer | None = None
        self.upload_id = ""
        self.refusal: Answer | None = None
        """The answer to CompleteMultipartUpload where that was an error."""

    async def _send(self, request: Request) -> Answer:
        """Send *request*, which needs not say what all of them share."""
        return await self._engine.send(
            request._replace(bucket=self._bucket, key=self._key, options=self._options)
        )

    async def create(self) -> None:
        """Begin the upload. Cancelled in between, it still learns the upload id and aborts it."""
        answer = await self.begin()
        if answer.failed:
            raise answer.error().in_transfer(AwsUploadError)

    async def begin(self) -> Answer:
        """As ``create``, but a refusal is returned as it came."""
        task = asyncio.create_task(self._begin())
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            # Whether S3 made the upload is known only when it has answered: an upload that
            # nobody knows of would cost money until somebody looks for it (P9).
            await self._let_begin_end(task)
            raise

    async def _begin(self) -> Answer:
        headers = self._headers.create.copy()
        await set_content_type(headers, self._key)
        self._checksums.announce(headers, computed=not self._copies)
        answer = await self._send(
            Request(
                operation="CreateMultipartUpload",
                method="POST",
                query=(("uploads", ""),),
                headers=headers,
                document=True,
            )
        )
        if not answer.failed:
            self.upload_id = parse_upload_id(answer.body or b"")
            self._created = answer
        return answer

    async def _let_begin_end(self, task: asyncio.Task[Answer]) -> None:
        asyncio.get_running_loop().call_later(self._abort_timeout, task.cancel)
        try:
            await settled(task)
        finally:
            await self.abort()

    def _usual_checksum(self) -> str:
        """The algorithm of the parts' checksums where nobody asks for one; or empty."""
        probe = Request(operation="UploadPart", method="PUT", bucket=self._bucket, checksum=True)
        return self._engine.pipeline.protection(self._engine.endpoint, probe).checksum or ""

    async def send_part(self, number: int, body: Body, content_sha256: str | None = None) -> str:
        """Send part *number* (from 1) and return its ETag. May run beside other parts."""
        _check_number(number)
        answer = await self._send(
            Request(
                operation="UploadPart",
                method="PUT",
                detail=f"part {number}",
                query=(("partNumber", str(number)), ("uploadId", self.upload_id)),
                headers=self._headers.part.copy(),
                body=body if body.size else None,
                content_sha256=content_sha256,
                calculate_sha256=self._calculate_sha256,
                checksum=self._checksums.of_part,
                trailer=self._trailer,
                document=True,  # Of a success it has no body: what has one may be an error.
                max_attempts=self._part_tries,
                # Where one part was taken the next one will be: asking costs a round trip each.
                expect=not self._etags,
            )
        )
        if answer.failed:
            raise answer.error().in_transfer(AwsUploadError)
        headers = answer.response.headers
        answer.response.release()
        etag = headers.get("ETag")
        if not etag:
            raise ResponseParseError(f"UploadPart {number}: the answer has no ETag")
        checksum = headers.get(f"x-amz-checksum-{self._checksums.algorithm.lower()}")
        self._arrived(number, etag, body.size, checksum)
        return etag

    async def copy_part(
        self,
        number: int,
        source: str,
        part: ByteRange,
        *,
        whole: bool = False,
        headers: Mapping[str, str],
    ) -> str:
        """Have the server copy *part* of another object as part *number*, and return its ETag.

        *source* is the value of ``x-amz-copy-source``; *headers* say more of the source. *whole*
        asks for no range: S3 takes none of an object of 5 MiB or less. May run beside other parts.
        """
        _check_number(number)
        sent = self._headers.part.copy()
        sent.update(headers)
        sent["x-amz-copy-source"] = source
        if not whole:
            sent["x-amz-copy-source-range"] = part.header
        answer = await self._send(
            Request(
                operation="UploadPartCopy",
                method="PUT",
                detail=f"part {number}, {part}",
                query=(("partNumber", str(number)), ("uploadId", self.upload_id)),
                headers=sent,
                document=True,
                max_attempts=self._part_tries,
            )
        )
        if answer.failed:
            raise answer.error().in_transfer(AwsUploadError)
        copied = parse_copied_part(answer.body or b"")
        checksum = copied.checksums.get(self._checksums.algorithm)
        self._arrived(number, copied.etag, part.size, checksum)
        return copied.etag

    def _arrived(self, number: int, etag: str, size: int, checksum: str | None) -> None:
        self._etags[number] = etag
        self._checksums.arrived(number, size, checksum)

    def attach(self, upload_id: str, parts: Iterable[UploadedPart] = ()) -> None:
        """Go on with an upload that exists: *parts* are those of it that shall stay as they are.

        In the place of ``create``. Give ``list_parts`` an upload without parts first, to learn
        what the server holds. Parts that are sent later get the checksum that these have.
        """
        parts = list(parts)
        self.upload_id = upload_id
        self._created = None
        self._checksums.adopt(parts)
        self._etags = {}
        for part in parts:
            _check_number(part.number)
            checksum = part.checksums.get(self._checksums.algorithm)
            self._arrived(part.number, part.etag, part.size, checksum)

    def take_in(self, parts: Iterable[UploadedPart]) -> None:
        """Have the object made of *parts* too: those of ``list_parts`` that others have sent.

        What was sent from here stays as it was answered, so a part that somebody replaced is
        refused by Complete and not taken unseen. Raises ``ResponseParseError`` for a number that
        no part has.
        """
        for part in parts:
            if not 1 <= part.number <= MAX_PARTS:
                raise ResponseParseError(f"ListParts: no part has the number {part.number}")
            if part.number not in self._etags:
                checksum = part.checksums.get(self._checksums.algorithm)
                self._arrived(part.number, part.etag, part.size, checksum)

    async def list_parts(self) -> list[UploadedPart]:
        """The parts that the server holds, by number: all pages of ListParts.

        Raises ``NoSuchUpload`` for an upload that was completed or aborted.
        """
        parts: list[UploadedPart] = []
        marker = 0
        while True:
            more = (("part-number-marker", str(marker)),) if marker else ()
            answer = await self._send(
                Request(
                    operation="ListParts",
                    method="GET",
                    query=(("uploadId", self.upload_id), *more),
                    headers=self._headers.part.copy(),
                    document=True,
                )
            )
            if answer.failed:
                raise answer.error().in_transfer(AwsUploadError)
            page = parse_parts(answer.body or b"")
            parts += page.parts
            if page.next_marker is None:
                return parts
            if page.next_marker <= marker:
                raise ResponseParseError(
                    f"ListParts: the page after part {marker} names part {page.next_marker} "
                    "as the next one"
                )
            marker = page.next_marker

    async def complete(self) -> Answer:
        """Make the object of the parts sent. The answer's body is still readable.

        Raises ``PreconditionFailed`` when a condition does not hold, and ``Conflict`` where another
        write came between: the parts have to be sent anew then, as a new upload.
        """
        known = self._checksums
        document = build_complete(
            self._etags.items(), checksums=known.values, algorithm=known.algorithm
        )
        headers = self._headers.complete.copy()
        headers["Content-Type"] = "application/xml"
        await known.complete(headers)
        answer = await self._send(
            Request(
                operation="CompleteMultipartUpload",
                method="POST",
                query=(("uploadId", self.upload_id),),
                headers=headers,
                body=BytesSource(document),
                document=True,
            )
        )
        if answer.failed:
            # Gone, or its own condition no longer holds: an earlier Complete may have succeeded.
            gone = answer.uncertain and answer.response.status == 404
            find = self.completed_before if gone else partial(self._refused_for_itself, answer)
            if (found := await find()) is not None:
                return found
            self.refusal = answer
            raise answer.error().in_transfer(AwsUploadError)
        parse_complete(answer.body or b"")
        return answer

    async def completed_before(self) -> Answer | None:
        """The object, when an earlier Complete made it and only its answer was lost (P10)."""
        found, expected = await self._head(), self._expected_etag()
        if found is None:
            return None
        etag = stored_etag(found)
        if expected is not None and etag == expected:
            return found
        if re.fullmatch(r"[0-9a-f]{32}-\d+", etag) and expected is not None:
            return None
        # Neither side has the usual form (encryption, another vendor): then its size and age.
        age, size = age_at(found, self._created), found.response.headers.get("Content-Length")
        recent = age is not None and age <= 0
        return found if recent and size == str(self._checksums.size) else None

    async def _refused_for_itself(self, answer: Answer) -> Answer | None:
        """The object, when its own being there is what a repeated Complete was refused for (P11).

        By its ETag alone: what another writer made meanwhile may well have the same size.
        """
        found = await self._head() if is_in_doubt(answer) else None
        if found is None or stored_etag(found) != self._expected_etag():
            return None
        return None if predates(found, self._created) else found

    async def _head(self) -> Answer | None:
        """The object as it is stored now, whoever made it."""
        found = await self._send(
            Request(operation="HeadObject", method="HEAD", headers=self._headers.part.copy())
        )
        found.response.release()
        return None if found.failed else found

    def _expected_etag(self) -> str | None:
        if is_directory(self._bucket):
            return None  # Its parts' ETags are no MD5s, whatever they look like.
        return etag_of_parts([etag for _, etag in sorted(self._etags.items())])

    async def abort(self) -> None:
        """Drop the upload and its parts. Never raises but for cancellation: failures are logged.

        Bounded by ``abort_timeout``, and not given up when the caller is cancelled meanwhile (P9).
        """
        if not self.upload_id:
            return
        await finished(self._abort())

    async def drop(self) -> None:
        """As ``abort``, but what it is refused for is raised, ``NoSuchUpload`` among it.

        Not given up either when the caller is cancelled meanwhile.
        """
        await finished(self._drop())

    async def _drop(self) -> None:
        answer = await self._send_abort()
        answer.response.release()
        # By an abort of ours whose answer was lost, where it was sent again.
        gone = answer.uncertain and answer.response.status == 404
        if answer.failed and not gone:
            raise answer.error().in_transfer(AwsUploadError)

    async def _abort(self) -> None:
        where = f"upload {self.upload_id} of {self._bucket}/{self._key}"
        try:
            async with asyncio.timeout(self._abort_timeout):
                answer = await self._send_abort()
        except (S3Error, RuntimeError, TimeoutError) as error:
            log.warning("%s could not be aborted, its parts remain: %s", where, error)
            return
        # 404: it is gone already, which is what was wanted.
        if answer.failed and answer.response.status != 404:
            log.warning("%s could not be aborted, its parts remain: %s", where, answer.error())
        answer.response.release()

    async def _send_abort(self) -> Answer:
        return await self._send(
            Request(
                operation="AbortMultipartUpload",
                method="DELETE",
                query=(("uploadId", self.upload_id),),
                headers=headers_of_all(self._headers.part),
            )
        )


def _check_number(number: int) -> None:
    if not 1 <= number <= MAX_PARTS:
        raise ValueError(f"part number {number} is not between 1 and {MAX_PARTS:,}")
