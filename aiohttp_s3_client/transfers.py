"""Transfers in parts and ranges that the caller sizes.

``managed.py`` has those that choose by themselves.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, Iterable
from contextlib import closing
from pathlib import Path, PurePath
from typing import Any

from .arguments import (
    ChecksumWish,
    Headers,
    conditional_headers,
    destination_path,
    download_aiohttp_options,
    locate_key,
    merged_headers,
    upload_options,
)
from .config import DEFAULT_PART_SIZE, DEFAULT_WORKERS, MIB, check_positive
from .engine import Engine
from .models import DownloadResult, UploadResult
from .transfer.download import DownloadOptions, download_file
from .transfer.expected import asks_for_checksums, held_by_default
from .transfer.progress import ProgressMeter
from .transfer.ranged import ReadOptions
from .transfer.upload import upload_file, upload_stream
from .transfer.uploader import MultipartUploader
from .transport.openfile import open_file
from .transport.source import as_stream


class Transfers:
    """Multipart uploads and parallel downloads."""

    _engine: Engine

    async def put_file_multipart(
        self,
        object_name: str | PurePath,
        file_path: str | os.PathLike[str],
        *,
        headers: Headers = None,
        part_size: int = DEFAULT_PART_SIZE,
        workers_count: int = DEFAULT_WORKERS,
        part_upload_tries: int = 3,
        calculate_content_sha256: bool | None = None,
        auto_abort: bool = True,
        abort_timeout: float = 10.0,
        if_none_match: str | None = None,
        if_match: str | None = None,
        checksum: ChecksumWish = None,
        **kwargs: Any,
    ) -> UploadResult:
        """Upload a file in parts of *part_size* bytes, *workers_count* of them in flight.

        A part is sent at most *part_upload_tries* times. *calculate_content_sha256* None means
        that parts are hashed over plain HTTP and not over TLS. On an error or a cancellation the
        upload is aborted (for at most *abort_timeout* seconds) unless *auto_abort* is False.

        *if_none_match* ``"*"`` makes only a new object, *if_match* replaces only the one of that
        ETag. S3 judges it when all parts have arrived; when it does not hold, it is
        ``PreconditionFailed``.

        *checksum* is an algorithm's name or a ``ChecksumConfig``: what each part carries, and the
        object is made by. None leaves it to the client's settings, False sends none.

        Raises ``OSError`` for the file, ``ValueError`` for more than 10,000 parts,
        ``SourceChanged`` when the file changes its size, and S3's typed errors, which are also
        ``AwsUploadError``. https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
        """
        bucket, key = locate_key(self._engine.endpoint, object_name)
        merged = conditional_headers(headers, if_none_match, if_match)
        how = upload_options(
            merged, part_size, workers_count, part_upload_tries, auto_abort, abort_timeout,
            kwargs, calculate_content_sha256, checksum,
        )  # fmt: skip
        with closing(await open_file(file_path, "file_path")) as file:
            return await upload_file(
                self._engine, bucket, key, file, Path(file_path), how, ProgressMeter()
            )

    async def put_multipart(
        self,
        object_name: str | PurePath,
        data: Iterable[bytes] | AsyncIterable[bytes],
        *,
        headers: Headers = None,
        part_size: int = DEFAULT_PART_SIZE,
        workers_count: int = DEFAULT_WORKERS,
        part_upload_tries: int = 3,
        calculate_content_sha256: bool | None = None,
        auto_abort: bool = True,
        abort_timeout: float = 10.0,
        if_none_match: str | None = None,
        if_match: str | None = None,
        checksum: ChecksumWish = None,
        **kwargs: Any,
    ) -> UploadResult:
        """Upload what *data* gives, gathered into parts; else as ``put_file_multipart``.

        At most ``workers_count + 1`` parts are in memory.
        """
        bucket, key = locate_key(self._engine.endpoint, object_name)
        if isinstance(data, str | bytes | bytearray | memoryview | PurePath):
            raise TypeError(f"data must be an iterable of bytes, not {type(data).__name__}")
        merged = conditional_headers(headers, if_none_match, if_match)
        how = upload_options(
            merged, part_size, workers_count, part_upload_tries, auto_abort, abort_timeout,
            kwargs, calculate_content_sha256, checksum,
        )  # fmt: skip
        return await upload_stream(self._engine, bucket, key, as_stream(data), how, ProgressMeter())

    def multipart_upload(
        self,
        object_name: str | PurePath,
        *,
        headers: Headers = None,
        part_size: int = DEFAULT_PART_SIZE,
        workers_count: int = DEFAULT_WORKERS,
        part_upload_tries: int = 3,
        auto_abort: bool = True,
        abort_timeout: float = 10.0,
        if_none_match: str | None = None,
        if_match: str | None = None,
        checksum: ChecksumWish = None,
        **kwargs: Any,
    ) -> MultipartUploader:
        """An upload whose parts you send yourself, in an ``async with``; see ``put_part`` there.

        *part_size* is what its ``put_stream`` cuts by; parts given to ``put_part`` have the size
        that they have, at least 5 MiB but for the last. *if_none_match* and *if_match* are those
        of ``put_file_multipart``, as *checksum* is; it is leaving the context that raises.
        """
        bucket, key = locate_key(self._engine.endpoint, object_name)
        merged = conditional_headers(headers, if_none_match, if_match)
        how = upload_options(
            merged, part_size, workers_count, part_upload_tries, auto_abort, abort_timeout, kwargs,
            checksum=checksum,
        )  # fmt: skip
        return MultipartUploader(self._engine, bucket, key, how)

    async def get_file_parallel(
        self,
        object_name: str | PurePath,
        file_path: str | os.PathLike[str],
        *,
        headers: Headers = None,
        range_step: int = DEFAULT_PART_SIZE,
        workers_count: int = DEFAULT_WORKERS,
        range_get_tries: int = 3,
        buffer_size: int = MIB,
        **kwargs: Any,
    ) -> DownloadResult:
        """Download an object in ranges of *range_step* bytes, *workers_count* of them in flight.

        The file appears only when the last byte has arrived. A range is tried at most
        *range_get_tries* times without bringing a new byte; *buffer_size* bytes are gathered for
        each write to the disk.

        Raises ``ObjectChanged`` when the object is replaced meanwhile, ``ChecksumMismatch`` when
        it is not what the server's checksum says, ``OSError`` for the file, and S3's typed errors,
        which are also ``AwsDownloadError``.
        """
        bucket, key = locate_key(self._engine.endpoint, object_name)
        merged = merged_headers(headers)
        if "Range" in merged:
            raise ValueError("headers: Range is set by the download itself; leave it out")
        how = DownloadOptions(
            read=ReadOptions(
                headers=merged,
                tries=check_positive("range_get_tries", range_get_tries),
                options=download_aiohttp_options(kwargs),
            ),
            range_size=check_positive("range_step", range_step),
            workers=check_positive("workers_count", workers_count),
            buffer_size=check_positive("buffer_size", buffer_size),
            verify=asks_for_checksums(merged) or held_by_default(self._engine.config),
        )
        destination = await asyncio.to_thread(destination_path, file_path)
        return await download_file(self._engine, bucket, key, destination, how, ProgressMeter())
