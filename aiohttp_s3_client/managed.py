"""Managed transfers: boto3's vocabulary, and reading into memory.

Methods with a counterpart in boto3 also take its keywords (``Filename``, ``ExtraArgs``, …); an
argument under both of its names is a ``TypeError``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Unpack

from .arguments import bound_place, destination_path, object_range
from .boto_names import Callback, CopyNames, ExtraArgs, FileNames, FileobjNames, Given
from .config import MIB, TransferConfig, check_not_negative
from .engine import Engine
from .models import DownloadResult, UploadResult
from .protocol.extra_args import copy_args, download_args, upload_args
from .protocol.ranges import ByteRange
from .transfer.copy import CopySource
from .transfer.download import download_file
from .transfer.progress import Progress, ProgressMeter
from .transfer.ranged import ReadingOptions
from .transfer.reading import read_bytes, read_into, read_ranges
from .transfer.settings import download_options, reading_options
from .transfer.store import Store
from .transfer.stream import ObjectStream
from .transfer.write import WritableFile, writable, write_stream
from .transport.disk import Disk
from .transport.source import SourceData

OnProgress = Callable[[Progress], object]
Range = tuple[int, int | None]
"""First byte, and the one behind the last; None is the end of the object."""


class Managed:
    """Transfers that choose by themselves how an object is cut, sent and received."""

    _engine: Engine

    async def upload_file(
        self,
        filename: str | os.PathLike[str] | None = None,
        bucket: str | None = None,
        key: str | None = None,
        extra_args: ExtraArgs | None = None,
        callback: Callback | None = None,
        config: TransferConfig | None = None,
        *,
        progress: OnProgress | None = None,
        **boto: Unpack[FileNames],
    ) -> UploadResult:
        """Upload a file: by one PutObject below ``multipart_threshold``, else in parts.

        *extra_args* are boto3's ``ALLOWED_UPLOAD_ARGS``, ``IfMatch`` and ``IfNoneMatch``.
        *callback* is told the bytes moved since its last call, *progress* gets a ``Progress``;
        both may be async, and what one of them raises cancels the transfer.

        Raises ``OSError`` for the file, ``SourceChanged`` when it changes meanwhile,
        ``TransferInProgress`` (with ``resume``), and S3's typed errors, which are also
        ``AwsUploadError``. https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html
        """
        given = Given(
            boto, filename=filename, bucket=bucket, key=key,
            extra_args=extra_args, callback=callback, config=config,
        )  # fmt: skip
        store = self._store(given, progress)
        path = Path(given.needed("filename"))
        async with store.meter:
            return await store.from_path(path, "filename")

    async def upload_fileobj(
        self,
        fileobj: SourceData | None = None,
        bucket: str | None = None,
        key: str | None = None,
        extra_args: ExtraArgs | None = None,
        callback: Callback | None = None,
        config: TransferConfig | None = None,
        *,
        progress: OnProgress | None = None,
        **boto: Unpack[FileobjNames],
    ) -> UploadResult:
        """Upload what a binary file object gives from where it stands; else as ``upload_file``.

        It may be seekable or not, sync or async; bytes-like objects, ``Path`` and (async)
        iterables of bytes will do as well. A stream is never held beyond its parts in flight.
        """
        given = Given(
            boto, fileobj=fileobj, bucket=bucket, key=key,
            extra_args=extra_args, callback=callback, config=config,
        )  # fmt: skip
        store = self._store(given, progress)
        data = given.needed("fileobj")
        async with store.meter:
            return await store.from_data(data)

    async def download_file(
        self,
        bucket: str | None = None,
        key: str | None = None,
        filename: str | os.PathLike[str] | None = None,
        extra_args: ExtraArgs | None = None,
        callback: Callback | None = None,
        config: TransferConfig | None = None,
        *,
        progress: OnProgress | None = None,
        **boto: Unpack[FileNames],
    ) -> DownloadResult:
        """Download an object to a file, which appears when it is complete and verified.

        *extra_args* are boto3's ``ALLOWED_DOWNLOAD_ARGS``, ``IfMatch`` and ``IfNoneMatch``; the
        callbacks are as in ``upload_file``.

        Raises ``ObjectChanged`` when the object is replaced meanwhile, ``ChecksumMismatch``,
        ``TransferInProgress`` (with ``resume``), ``OSError`` for the file, and S3's typed errors,
        which are also ``AwsDownloadError``.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/download-objects.html
        """
        given = Given(
            boto, bucket=bucket, key=key, filename=filename,
            extra_args=extra_args, callback=callback, config=config,
        )  # fmt: skip
        place, settings = bound_place(self._engine.endpoint, given.bucket, given.key), given.config
        how = download_options(self._engine.config, settings, download_args(given.extra_args))
        meter = ProgressMeter(given.callback, progress)
        check = partial(destination_path, given.needed("filename"), "filename")
        path = await Disk(threads=settings.use_threads).aside(check)
        return await download_file(self._engine, *place, path, how, meter)

    async def download_fileobj(
        self,
        bucket: str | None = None,
        key: str | None = None,
        fileobj: WritableFile | None = None,
        extra_args: ExtraArgs | None = None,
        callback: Callback | None = None,
        config: TransferConfig | None = None,
        *,
        progress: OnProgress | None = None,
        **boto: Unpack[FileobjNames],
    ) -> DownloadResult:
        """Write an object to a binary file object, in order; else as ``download_file``.

        Its ``write`` may be sync (then it runs in a thread) or async. It need not be seekable.
        What was written before an error stays written.
        """
        given = Given(
            boto, bucket=bucket, key=key, fileobj=fileobj,
            extra_args=extra_args, callback=callback, config=config,
        )  # fmt: skip
        place, settings = bound_place(self._engine.endpoint, given.bucket, given.key), given.config
        how = reading_options(self._engine.config, settings, download_args(given.extra_args))
        file = writable(given.needed("fileobj"))
        meter = ProgressMeter(given.callback, progress)
        async with meter:
            stream = ObjectStream(self._engine, *place, how, meter=meter)
            return await write_stream(stream, file, settings)

    async def managed_copy(
        self,
        copy_source: Mapping[str, str] | None = None,
        bucket: str | None = None,
        key: str | None = None,
        extra_args: ExtraArgs | None = None,
        callback: Callback | None = None,
        source_client: Managed | None = None,
        config: TransferConfig | None = None,
        *,
        progress: OnProgress | None = None,
        **boto: Unpack[CopyNames],
    ) -> None:
        """Copy an object on the server, of any size: in parts from ``multipart_threshold`` on.

        *copy_source* is ``{"Bucket": …, "Key": …}``, with ``"VersionId"`` where a version is
        meant. *source_client* is a client for the source's region or account; it is asked for the
        source's size, metadata and tags. Metadata and tags are kept unless the directives in
        *extra_args* (boto3's ``ALLOWED_COPY_ARGS``) say otherwise.

        Raises S3's typed errors, and ``ObjectChanged`` when the source is replaced meanwhile.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/copy-object.html
        """
        given = Given(
            boto, copy_source=copy_source, bucket=bucket, key=key, extra_args=extra_args,
            callback=callback, source_client=source_client, config=config,
        )  # fmt: skip
        asked = given.source_client if given.source_client is not None else self
        if not isinstance(asked, Managed):
            raise TypeError(f"source_client must be an S3Client, not {asked!r}")
        source = CopySource(*given.source())
        place, settings = bound_place(self._engine.endpoint, given.bucket, given.key), given.config
        args = copy_args(given.extra_args)
        await Disk(threads=settings.use_threads).imported(f"{__package__}.transfer.copy_parts")
        from .transfer.copy_parts import managed_copy  # noqa: PLC0415  # Read by now.

        async with ProgressMeter(given.callback, progress) as meter:
            await managed_copy(
                self._engine, asked._engine, source, place, args=args, config=settings, meter=meter
            )

    # Reading

    def open_stream(
        self,
        bucket: str,
        key: str,
        range: Range | None = None,  # the header's name
        *,
        extra_args: ExtraArgs | None = None,
        config: TransferConfig | None = None,
    ) -> ObjectStream:
        """An object, or a range of it, as an async iterator of ``bytes``.

        Its ranges are fetched in parallel ahead of the reader, as many as fit into
        ``memory_limit`` (by default ``max_io_queue`` times ``io_chunksize``, 25 MiB).
        """
        how = self._reading(extra_args, config)
        return ObjectStream(
            self._engine,
            *bound_place(self._engine.endpoint, bucket, key),
            how,
            wanted=_range(range),
        )

    async def get_into(
        self,
        bucket: str,
        key: str,
        buffer: bytearray | memoryview,
        range: Range | None = None,  # the header's name
        *,
        extra_args: ExtraArgs | None = None,
        config: TransferConfig | None = None,
    ) -> DownloadResult:
        """Fill *buffer* with an object, or a range of it; the result's ``size`` says how much.

        The bytes go from the connection straight into their place. Raises ``ValueError`` when
        they do not fit, before any of them is received.
        """
        view = memoryview(buffer)
        if view.readonly or not view.contiguous:
            raise ValueError("buffer: it has to be writable and contiguous")
        how = self._reading(extra_args, config)
        place = bound_place(self._engine.endpoint, bucket, key)
        return await read_into(self._engine, *place, view.cast("B"), how, wanted=_range(range))

    async def get_bytes(
        self,
        bucket: str,
        key: str,
        range: Range | None = None,  # the header's name
        *,
        extra_args: ExtraArgs | None = None,
        config: TransferConfig | None = None,
    ) -> bytes:
        """An object, or a range of it, as ``bytes``: for what is not large."""
        how = self._reading(extra_args, config)
        place = bound_place(self._engine.endpoint, bucket, key)
        return await read_bytes(self._engine, *place, how, wanted=_range(range))

    async def get_ranges(
        self,
        bucket: str,
        key: str,
        ranges: Sequence[Range],
        *,
        coalesce: int = MIB,
        extra_args: ExtraArgs | None = None,
        config: TransferConfig | None = None,
    ) -> list[bytes]:
        """The bytes of each of *ranges*, in their order, all of one version of the object.

        Ranges nearer to each other than *coalesce* bytes are fetched as one. One that ends behind
        the object ends with it; ``InvalidRange`` is raised for one that begins there.
        """
        how = self._reading(extra_args, config)
        wanted = [object_range(range_, "ranges") for range_ in ranges]
        return await read_ranges(
            self._engine,
            *bound_place(self._engine.endpoint, bucket, key),
            wanted,
            how,
            coalesce=check_not_negative("coalesce", coalesce),
        )

    # What the methods share

    def _store(self, given: Given, progress: OnProgress | None) -> Store:
        place = bound_place(self._engine.endpoint, given.bucket, given.key)
        meter = ProgressMeter(given.callback, progress)
        return Store(self._engine, *place, upload_args(given.extra_args), given.config, meter)

    def _reading(
        self, extra_args: ExtraArgs | None, config: TransferConfig | None
    ) -> ReadingOptions:
        given = Given({}, extra_args=extra_args, config=config)
        return reading_options(self._engine.config, given.config, download_args(given.extra_args))


def _range(given: Range | None) -> ByteRange | None:
    return None if given is None else object_range(given, "range")
