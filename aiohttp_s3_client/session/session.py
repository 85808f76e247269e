"""``S3Session``: calls that begin with a bucket and a key."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from os import PathLike
from typing import Any, Unpack

from ..config import MIB, MIN_PART_SIZE
from ..models import UploadResult
from ..syncing import OnFailure
from ..transfer.sync import Compare, Globs, Symlinks
from ..transport.source import SourceData
from . import functions
from .connection import Connection
from .directory import OnFile, OnKey
from .file_upload import OnChunk
from .multipart import S3MultipartUpload
from .outputs import OnDownloadStartFn, S3Object, SyncResult
from .params import S3ObjectParams


class S3Session(Connection):
    """S3 in calls that name a bucket and a whole key. Enter it with ``async with``.

    :param endpoint_url: ``http(s)://host``; what path it has belongs to the server, and buckets
        follow it. Without one: AWS's endpoint of *region*.
    :param access_key: with *secret_key* (and *session_token*) the keys; without them they come
        from the URL, the environment or the config files.
    :param region: what requests are signed for; by default the one that comes with the keys, else
        us-east-1.
    :param credentials: a source of keys in the place of them.
    :param config: see ``ClientConfig``; by default bucket names of the older rules are taken too.
    :param client: an ``S3Client`` to use in the place of all the above. It has to be open.
    :param session: an aiohttp session to go through. It stays open, as a client's does.

    All calls check their arguments before anything is sent (``TypeError``, ``ValueError``) and
    raise S3's typed errors, ``NoSuchBucket`` among them. Uploads take ``S3ObjectParams`` as
    keywords. Callbacks may be async; what one raises ends the call.
    """

    # --- objects

    async def put_object(
        self,
        bucket: str,
        key: str,
        data: bytes | bytearray | memoryview,
        **params: Unpack[S3ObjectParams],
    ) -> UploadResult:
        """Store *data*, from 100 MiB on in parts.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
        """
        return await functions.s3_put_object(self, None, bucket, key, data, **params)

    async def upload_file(
        self,
        bucket: str,
        file: str | PathLike[str],
        path: str,
        **params: Unpack[S3ObjectParams],
    ) -> UploadResult:
        """Store the file *file* under the key *path*, from 100 MiB on in parts.

        Raises ``OSError`` for the file, ``SourceChanged`` when it changes meanwhile.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html
        """
        return await functions.s3_upload_file(self, None, bucket, file, path, **params)

    async def file_upload(
        self,
        bucket: str,
        key: str,
        data: SourceData,
        *,
        min_part_size: int = MIN_PART_SIZE,
        on_chunk_received: OnChunk | None = None,
        content_length: int | str | None = None,
        **params: Unpack[S3ObjectParams],
    ) -> UploadResult:
        """Store what the (async) iterator *data* gives: in one request when it is small.

        :param min_part_size: bytes of a part, from 5 MiB (as what is below counts too) to 5 GiB;
            what is smaller as a whole goes in one request.
        :param on_chunk_received: called with each chunk that *data* gives.
        :param content_length: how many bytes are to be expected, as a number or its digits, so
            that 10,000 parts will do. Only a hint: a wrong one does no harm, nor does one below 0.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
        """
        return await functions.s3_file_upload(
            self, None, bucket, key, data,
            min_part_size=min_part_size, on_chunk_received=on_chunk_received,
            content_length=content_length, **params,
        )  # fmt: skip

    def multipart_upload(
        self,
        bucket: str,
        key: str,
        *,
        expires_in: int = 3600,
        **params: Unpack[S3ObjectParams],
    ) -> S3MultipartUpload:
        """A multipart upload, as an async context manager: ``async with … as upload``.

        It is completed at the end of the block, and aborted when that raises. *expires_in* is how
        many seconds its presigned URLs are good for (1 to 604,800).

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
        """
        return functions.s3_multipart_upload(
            self, None, bucket, key, expires_in=expires_in, **params
        )

    async def get_object(self, bucket: str, key: str) -> bytes | None:
        """An object's bytes, None when there is no such key. Any other error is raised.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        """
        return await functions.s3_get_object(self, None, bucket, key)

    def download_file(
        self,
        bucket: str,
        key: str,
        on_chunk: OnChunk | None = None,
        chunk_size: int = MIB,
        on_start: OnDownloadStartFn | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """An object as chunks of *chunk_size* bytes, the last of which may be smaller.

        :param on_chunk: called with each chunk before it is given out.
        :param on_start: called with the response before the first chunk; the object's size is
            ``int(response.headers["content-length"])``, unless the server leaves it out.

        Nothing is sent before the first chunk is asked for. A body that breaks off is resumed at
        the next byte; ``ObjectChanged`` is raised when the object was replaced meanwhile,
        ``ChecksumMismatch`` in the place of the last chunk, ``NoSuchKey`` for a missing key.
        Whoever leaves early gives the connection back at once by ``contextlib.aclosing``.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        """
        return functions.s3_download_file(self, None, bucket, key, on_chunk, chunk_size, on_start)

    async def delete_object(self, bucket: str, key: str) -> None:
        """Delete an object; no error when there is none.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
        """
        await functions.s3_delete_object(self, None, bucket, key)

    async def delete_objects(self, bucket: str, keys: Iterable[str]) -> None:
        """Delete any number of objects, 1,000 by a request, several requests in flight.

        Raises ``DeleteFailed`` at the end for keys that S3 refused; the others are gone then.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
        """
        await functions.s3_delete_objects(self, None, bucket, keys)

    def list_files(
        self,
        bucket: str,
        prefix: str = "",
        *,
        search_query: str | None = None,
        max_items: int | None = None,
        page_size: int | None = None,
    ) -> AsyncGenerator[S3Object, None]:
        """The objects whose keys begin with *prefix*, in the order of their keys.

        :param search_query: JMESPath over ``{"Contents": [objects]}``, asked of each page by
            itself: ``"Contents[?Size > `100`][]"``. What it finds is given out one by one, a
            result that is no list as one, null not at all. Needs the ``[jmespath]`` extra:
            ``ImportError`` without it, ``ValueError`` for what is no query.
        :param max_items: the end of the listing; no further page is asked for then.
        :param page_size: objects of a page (S3: 1 to 1,000).

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
        """
        return functions.s3_list_files(
            self, None, bucket, prefix,
            search_query=search_query, max_items=max_items, page_size=page_size,
        )  # fmt: skip

    # --- buckets

    async def put_bucket_policy(self, bucket: str, policy: Mapping[str, Any] | str) -> None:
        """Set the bucket's policy: a dict, or JSON as text. ``MalformedPolicy`` if it is none.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
        """
        await functions.s3_put_bucket_policy(self, None, bucket, policy)

    async def get_bucket_policy(self, bucket: str) -> dict[str, Any] | None:
        """The bucket's policy, None when it has none.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicy.html
        """
        return await functions.s3_get_bucket_policy(self, None, bucket)

    async def delete_bucket_policy(self, bucket: str) -> None:
        """Remove the bucket's policy; no error when it has none.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketPolicy.html
        """
        await functions.s3_delete_bucket_policy(self, None, bucket)

    async def put_bucket_website(
        self, bucket: str, index_document: str = "index.html", error_document: str | None = None
    ) -> None:
        """Serve the bucket as a website.

        *index_document* is what a folder's address shows, *error_document* the key of what is shown
        for errors.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketWebsite.html
        """
        await functions.s3_put_bucket_website(self, None, bucket, index_document, error_document)

    async def delete_bucket_website(self, bucket: str) -> None:
        """Serve the bucket as a website no longer; no error when it was none.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketWebsite.html
        """
        await functions.s3_delete_bucket_website(self, None, bucket)

    async def empty_bucket(
        self,
        bucket: str,
        *,
        on_progress: Callable[[str], object] | None = None,
        versions: bool = False,
        uploads: bool = False,
    ) -> int:
        """Delete all objects of a bucket; returns how many.

        :param on_progress: called with the key of each object that was deleted.
        :param versions: all versions and delete markers, which are counted then.
        :param uploads: abort unfinished multipart uploads too; they are not counted.

        Raises ``DeleteFailed`` at the end when S3 refused some.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/empty-bucket.html
        """
        return await functions.s3_empty_bucket(
            self, None, bucket, on_progress=on_progress, versions=versions, uploads=uploads
        )

    async def sync_directory(
        self,
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
        """Upload the files of a directory that differ from what is under a prefix.

        :param remote_prefix: keys are the prefix, a slash, and the name below the directory; with
            an empty one they are the names.
        :param delete: also delete what is under the prefix and not in the directory.
        :param on_upload: called with a file's path and its whole key once it was uploaded, as is
            *on_skip* for one that is alike already; paths are absolute. *on_delete* is called
            with a key that was deleted, *on_error* with a ``SyncFailure``.
        :param dry_run: decide, call back and list as always, and write nothing.
        :param include: a glob or several (``*`` crosses slashes) over the name below the
            directory; none means all of them. Names that match one of *exclude* take no part.
        :param compare: a file is uploaded when its size differs or, with ``"time"``, it is newer
            than the object; ``"size"`` is the size alone, ``"checksum"`` the content.
        :param symlinks: ``"follow"`` them, or ``"skip"`` them as if they were not there.
        :param keep_lists: False leaves the lists of the result empty, for millions of files.

        The lists of the result are in the order of their keys. Raises ``FileNotFoundError`` for a
        directory that is missing, and ``SyncError`` at the end
        when some files failed; the others are done then.
        """
        return await functions.s3_sync_directory(
            self, None, bucket, local_dir, remote_prefix,
            delete=delete, on_upload=on_upload, on_delete=on_delete, on_skip=on_skip,
            on_error=on_error, dry_run=dry_run, include=include, exclude=exclude, compare=compare,
            symlinks=symlinks, keep_lists=keep_lists, **params,
        )  # fmt: skip
