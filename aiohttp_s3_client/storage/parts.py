"""A multipart upload in the caller's hands, who may be another process at each step.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

from collections.abc import Mapping

from ..config import MAX_PARTS, MIN_PART_SIZE
from ..errors import NoSuchUpload, StorageValueError
from ..protocol.crc import Buffer
from ..protocol.extra_args import upload_args
from ..protocol.parts import UploadedPart
from ..transfer import multipart
from ..transport.source import BytesSource
from .failures import check_between
from .models import MultipartUpload, StoredFile
from .reading import Reading
from .sending import upload_extras


class Parts(Reading):
    """The calls about uploads in parts. All of them raise ``StorageError``."""

    async def start_multipart_upload(
        self,
        key: str,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        part_size: int = MIN_PART_SIZE,
    ) -> MultipartUpload:
        """Begin an upload whose parts, but for the last, will have *part_size* bytes.

        Less than 5 MiB, which S3 does not take, becomes 5 MiB. S3 keeps the parts, and charges
        for them, until the upload is completed or aborted.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html
        """
        name = self._keys.stored(key)
        headers = upload_args(upload_extras(content_type, metadata)).multipart
        part_size = max(check_between("part_size", part_size, 1), MIN_PART_SIZE)
        with self._doing("start_multipart_upload", key):
            await self._ready()
            upload = multipart.MultipartUpload(self._engine, self._bucket, name, headers=headers)
            await upload.create()
        return MultipartUpload(upload.upload_id, key, part_size=part_size)

    async def resume_multipart_upload(self, key: str, upload_id: str) -> MultipartUpload:
        """An upload that was begun elsewhere or earlier, with the parts that S3 has of it.

        ``part_size`` is that of the largest of them. Raises ``StorageError`` for an upload that
        was completed or aborted.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html
        """
        resumed = MultipartUpload(upload_id, key)
        attached = self._attached(resumed, [])
        with self._doing("resume_multipart_upload", key):
            await self._ready()
            parts = await attached.list_parts()
        resumed.parts = [(part.number, part.etag.strip('"')) for part in parts]
        resumed.part_size = max((part.size for part in parts), default=0)
        resumed.part_size = max(resumed.part_size, MIN_PART_SIZE)
        return resumed

    async def upload_part(self, upload: MultipartUpload, part_number: int, data: Buffer) -> str:
        """Send one part, record it in ``upload.parts``, and return its ETag without quotes.

        *part_number* is 1 to 10,000. *data* is at least 5 MiB but for the last part. Parts may be
        sent side by side, and anew: what was sent last under a number counts.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"data must be bytes, not {type(data).__name__}")
        number = check_between("part_number", part_number, 1, MAX_PARTS)
        # One that was taken before tells as much of the next as all of them.
        attached = self._attached(upload, upload.parts[:1])
        with self._doing("upload_part", upload.key):
            await self._ready()
            etag = await attached.send_part(number, BytesSource(data))
        upload.add_part(number, etag.strip('"'))
        return etag.strip('"')

    async def complete_multipart_upload(self, upload: MultipartUpload) -> StoredFile:
        """Make the file of ``upload.parts``, in the order of their numbers.

        Where these parts became the file already, and the answer was lost, that is as good.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
        """
        if not upload.parts:
            raise StorageValueError(f"upload: no part of {upload.key!r} was uploaded")
        attached = self._attached(upload, upload.parts)
        with self._doing("complete_multipart_upload", upload.key):
            await self._ready()
            try:
                await attached.complete()
            except NoSuchUpload:
                if await attached.completed_before() is None:
                    raise
        return await self.info(upload.key)

    async def abort_multipart_upload(self, upload: MultipartUpload) -> None:
        """Drop an upload and its parts. One that is gone already is a ``StorageError``.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
        """
        attached = self._attached(upload, [])
        with self._doing("abort_multipart_upload", upload.key):
            await self._ready()
            await attached.drop()

    def _attached(
        self, upload: MultipartUpload, parts: list[tuple[int, str]]
    ) -> multipart.MultipartUpload:
        """The upload as it is sent, with those of its *parts* that matter."""
        name = self._keys.stored(upload.key)
        known = [_part(number, etag) for number, etag in parts]
        attached = multipart.MultipartUpload(self._engine, self._bucket, name, headers={})
        attached.attach(_checked_id(upload.upload_id), known)
        return attached


def _part(number: int, etag: str) -> UploadedPart:
    # How large it was need not be known: it is told by its ETag.
    bare = etag.strip('"')
    return UploadedPart(check_between("upload.parts", number, 1, MAX_PARTS), f'"{bare}"', 0)


def _checked_id(upload_id: object) -> str:
    if not isinstance(upload_id, str) or not upload_id:
        raise StorageValueError(f"upload_id must name an upload, not {upload_id!r}")
    return upload_id
