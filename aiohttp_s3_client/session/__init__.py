"""S3 in calls that begin with a bucket and a key: ``S3Session``, and the same as functions.

::

    async with S3Session("https://s3.example.com", "key id", "secret", "eu-west-1") as s3:
        await s3.put_object("bucket", "path/to/file.txt", b"hello", content_type="text/plain")
"""

from __future__ import annotations

from .functions import (
    s3_delete_bucket_policy,
    s3_delete_bucket_website,
    s3_delete_object,
    s3_delete_objects,
    s3_download_file,
    s3_empty_bucket,
    s3_file_upload,
    s3_get_bucket_policy,
    s3_get_object,
    s3_list_files,
    s3_multipart_upload,
    s3_put_bucket_policy,
    s3_put_bucket_website,
    s3_put_object,
    s3_sync_directory,
    s3_upload_file,
)
from .multipart import S3MultipartUpload, UploadPart
from .outputs import OnDownloadStartFn, S3Object, SyncResult
from .params import S3ObjectParams, build_s3_headers, build_s3_presigned_params
from .session import S3Session

__all__ = [
    "OnDownloadStartFn",
    "S3MultipartUpload",
    "S3Object",
    "S3ObjectParams",
    "S3Session",
    "SyncResult",
    "UploadPart",
    "build_s3_headers",
    "build_s3_presigned_params",
    "s3_delete_bucket_policy",
    "s3_delete_bucket_website",
    "s3_delete_object",
    "s3_delete_objects",
    "s3_download_file",
    "s3_empty_bucket",
    "s3_file_upload",
    "s3_get_bucket_policy",
    "s3_get_object",
    "s3_list_files",
    "s3_multipart_upload",
    "s3_put_bucket_policy",
    "s3_put_bucket_website",
    "s3_put_object",
    "s3_sync_directory",
    "s3_upload_file",
]
