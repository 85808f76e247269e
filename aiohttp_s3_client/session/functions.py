"""The calls of a session as functions: ``s3_put_object(client, http, bucket, key, data, …)``.

*client* is an ``S3Client`` or an ``S3Session``; *http* is an aiohttp session to go through, which
stays open, or None for the client's own. What a function does beyond that is told by the method
of ``S3Session`` that has its name.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import aiohttp

from ..arguments import bound_place
from ..config import MIB, MIN_PART_SIZE, PARTS_ADVISED_FROM, TransferConfig
from ..errors import DeleteFailed, NoSuchKey
from ..models import UploadResult
from ..protocol.extra_args import upload_args
from ..syncing import OnFailure
from ..transfer.sync import Compare, Globs, Symlinks
from ..transport.shielding import threaded
from ..transport.source import SourceData
from .connection import Client, calls_of
from .directory import OnFile, OnKey, Record, below
from .downloading import download_chunks
from .file_upload import OnChunk, file_upload
from .listing import list_objects
from .multipart import S3MultipartUpload
from .outputs import OnDownloadStartFn, S3Object, SyncResult
from .params import S3ObjectParams, extra_args, stored_args

if TYPE_CHECKING:
    from ..api import WebsiteConfigurationDict

Http = aiohttp.ClientSession | None
_WHOLE = TransferConfig(multipart_threshold=PARTS_ADVISED_FROM)
"""What is no stream goes in one request, as long as that is not unwise."""


async def s3_put_object(
    client: Client,
    http: Http,
    bucket: str,
    key: str,
    data: bytes | bytearray | memoryview,
    **params: Unpack[S3ObjectParams],
) -> UploadResult:
    """See ``S3Session.put_object``."""
    extra = stored_args(params)
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(
            f"data must be bytes, not {type(data).__name__}; upload_file takes files, and "
            "file_upload streams"
        )
    return await calls_of(client, http).upload_fileobj(data, bucket, key, extra, config=_WHOLE)


async def s3_upload_file(
    client: Client,
    http: Http,
    bucket: str,
    file: str | PathLike[str],
    path: str,
    **params: Unpack[S3ObjectParams],
) -> UploadResult:
    """See ``S3Session.upload_file``."""
    extra = stored_args(params)
    _check_path("file", file)
    return await calls_of(client, http).upload_file(file, bucket, path, extra, config=_WHOLE)


async def s3_file_upload(
    client: Client,
    http: Http,
    bucket: str,
    key: str,
    data: SourceData,
    *,
    min_part_size: int = MIN_PART_SIZE,
    on_chunk_received: OnChunk | None = None,
    content_length: int | str | None = None,
    **params: Unpack[S3ObjectParams],
) -> UploadResult:
    """See ``S3Session.file_upload``."""
    args = upload_args(stored_args(params))
    engine = calls_of(client, http)._engine
    return await file_upload(
        engine,
        *bound_place(engine.endpoint, bucket, key),
        data,
        args,
        min_part_size=min_part_size,
        on_chunk_received=on_chunk_received,
        content_length=content_length,
    )


def s3_multipart_upload(
    client: Client,
    http: Http,
    bucket: str,
    key: str,
    *,
    expires_in: int = 3600,
    **params: Unpack[S3ObjectParams],
) -> S3MultipartUpload:
    """See ``S3Session.multipart_upload``."""
    args = upload_args(stored_args(params))
    engine = calls_of(client, http)._engine
    place = bound_place(engine.endpoint, bucket, key)
    return S3MultipartUpload(engine, *place, args, expires_in=expires_in)


async def s3_get_object(client: Client, http: Http, bucket: str, key: str) -> bytes | None:
    """See ``S3Session.get_object``."""
    calls = calls_of(client, http)
    config = TransferConfig(num_download_attempts=calls._engine.config.max_attempts)
    try:
        return await calls.get_bytes(bucket, key, config=config)
    except NoSuchKey:
        return None


def s3_download_file(
    client: Client,
    http: Http,
    bucket: str,
    key: str,
    on_chunk: OnChunk | None = None,
    chunk_size: int = MIB,
    on_start: OnDownloadStartFn | None = None,
) -> AsyncGenerator[bytes, None]:
    """See ``S3Session.download_file``."""
    return download_chunks(calls_of(client, http), bucket, key, on_chunk, chunk_size, on_start)


async def s3_delete_object(client: Client, http: Http, bucket: str, key: str) -> None:
    """See ``S3Session.delete_object``."""
    calls = calls_of(client, http)
    bucket, key = bound_place(calls._engine.endpoint, bucket, key)
    await calls.api.delete_object(Bucket=bucket, Key=key)


async def s3_delete_objects(client: Client, http: Http, bucket: str, keys: Iterable[str]) -> None:
    """See ``S3Session.delete_objects``."""
    result = await calls_of(client, http).delete_objects(keys, bucket=bucket)
    if result.errors:
        raise DeleteFailed(result.errors, len(result.errors), len(result.deleted))


def s3_list_files(
    client: Client,
    http: Http,
    bucket: str,
    prefix: str = "",
    *,
    search_query: str | None = None,
    max_items: int | None = None,
    page_size: int | None = None,
) -> AsyncGenerator[S3Object, None]:
    """See ``S3Session.list_files``."""
    calls = calls_of(client, http)
    return list_objects(calls, bucket, prefix, search_query, max_items, page_size)


# --- buckets


async def s3_put_bucket_policy(
    client: Client, http: Http, bucket: str, policy: Mapping[str, Any] | str
) -> None:
    """See ``S3Session.put_bucket_policy``."""
    await calls_of(client, http).put_bucket_policy(policy, bucket=bucket)


async def s3_get_bucket_policy(client: Client, http: Http, bucket: str) -> dict[str, Any] | None:
    """See ``S3Session.get_bucket_policy``."""
    return await calls_of(client, http).get_bucket_policy(bucket)


async def s3_delete_bucket_policy(client: Client, http: Http, bucket: str) -> None:
    """See ``S3Session.delete_bucket_policy``."""
    await calls_of(client, http).delete_bucket_policy(bucket)


async def s3_put_bucket_website(
    client: Client,
    http: Http,
    bucket: str,
    index_document: str = "index.html",
    error_document: str | None = None,
) -> None:
    """See ``S3Session.put_bucket_website``."""
    _check_name("index_document", index_document)
    website: WebsiteConfigurationDict = {"IndexDocument": {"Suffix": index_document}}
    if error_document is not None:
        _check_name("error_document", error_document)
        website["ErrorDocument"] = {"Key": error_document}
    await calls_of(client, http).put_bucket_website(website, bucket=bucket)


async def s3_delete_bucket_website(client: Client, http: Http, bucket: str) -> None:
    """See ``S3Session.delete_bucket_website``."""
    await calls_of(client, http).delete_bucket_website(bucket)


async def s3_empty_bucket(
    client: Client,
    http: Http,
    bucket: str,
    *,
    on_progress: Callable[[str], object] | None = None,
    versions: bool = False,
    uploads: bool = False,
) -> int:
    """See ``S3Session.empty_bucket``."""
    return await calls_of(client, http).empty_bucket(
        bucket, versions=versions, uploads=uploads, on_progress=on_progress
    )


async def s3_sync_directory(
    client: Client,
    http: Http,
    bucket: str,
    local_dir: str | PathLike[str],
    remote_prefix: str = "",
    *,
    delete: bool = False,
    on_upload: OnFile | None = None,
    on_delete: OnKey | None = None,
    on_skip: OnFile | None = None,
    on_error: OnFailure | None = None,
    dry_run: bool = False,
    include: Globs = (),
    exclude: Globs = (),
    compare: Compare = "time",
    symlinks: Symlinks = "follow",
    keep_lists: bool = True,
    **params: Unpack[S3ObjectParams],
) -> SyncResult:
    """See ``S3Session.sync_directory``."""
    extra = extra_args(params)
    _check_path("local_dir", local_dir)
    calls = calls_of(client, http)
    record = Record(on_upload, on_delete, on_skip, keep_lists=keep_lists)
    target = below(calls._engine.endpoint, bucket, remote_prefix)
    await calls.sync(
        await threaded(Path(local_dir).resolve),
        target,
        delete=delete,
        dry_run=dry_run,
        include=include,
        exclude=exclude,
        compare=compare,
        symlinks=symlinks,
        extra_args=extra,
        config=_WHOLE,
        on_transfer=record.uploaded,
        on_delete=record.deleted,
        on_skip=record.skipped,
        on_error=on_error,
    )
    return record.ordered()


def _check_path(name: str, path: object) -> None:
    if not isinstance(path, str | PathLike):
        raise TypeError(f"{name} must be a path, not {path!r:.100}")


def _check_name(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {value!r:.100}")
    if not value:
        raise ValueError(f"{name} must not be empty")
