"""What each server does not do as AWS does, and why: the one table that decides what is skipped.

The features are the probes of ``probes.py``, whose docstrings say what each means. A test holds
this table to the probes, in both directions: a server that learns something makes it fail.
"""

from __future__ import annotations

_SWIFT = {
    "acl": "runs with s3_acl off, where ACLs are taken and have no effect",
    "bucket_region": "sends no x-amz-bucket-region",
    "checksums": "verifies checksums and never returns them",
    "conditional_replace": "answers 501 NotImplemented to If-Match on PUT",
    "cors": "answers 501 NotImplemented to ?cors",
    "length_required": "takes chunked bodies of unknown length",
    "lifecycle": "has no lifecycle rules",
    "object_lock": "has no object lock",
    "policy": "answers 501 NotImplemented to ?policy",
    "post_policy": "has no uploads by POST",
    "sse_c": "ignores the headers of customers' keys",
    "storage_class": "refuses every class but STANDARD",
    "tagging": "answers 501 NotImplemented to ?tagging",
    "unsigned_refused": "an unsigned request falls through to Swift's own API, which answers 412",
    "website": "answers 501 NotImplemented to ?website",
}

_RCLONE = {
    "acl": "has no access control beside its keys",
    "any_delimiter": "knows the slash only as a delimiter",
    "body_hash_verified": "does not hold the body to the signed sha256",
    "bucket_region": "sends no x-amz-bucket-region",
    "checksums_verified": "stores checksums as they come and does not compute them",
    "clock_verified": "takes a request of any age",
    "complete_etag": "Complete answers AWS's form of ETag, and HEAD the MD5 of the object later",
    "conditional_complete": "ignores If-None-Match on CompleteMultipartUpload",
    "conditional_put": "ignores If-None-Match on PUT",
    "conditional_replace": "ignores If-Match on PUT",
    "copy_conditions": "ignores x-amz-copy-source-if-*",
    "copy_replaces_metadata": "adds the new metadata to the old",
    "cors": "takes ?cors for something else",
    "if_match": "ignores If-Match",
    "key_beside_prefix": "keeps objects as files, so a key cannot be another's folder",
    "keys_verbatim": "keeps objects as files, so slashes and dots in keys are resolved",
    "lifecycle": "takes ?lifecycle for something else",
    "metadata": "answers x-amz-meta-* names in Title-Case and adds its own mtime",
    "multipart_etag": "the object's ETag is the MD5 of its bytes",
    "object_lock": "has no object lock",
    "part_number_read": "ignores partNumber",
    "policy": "takes PUT ?policy for CreateBucket",
    "post_policy": "has no uploads by POST",
    "ranged_206": "answers 200 to a range, with the right Content-Range and bytes",
    "region_verified": "takes a signature for any region",
    "small_part_refused": "takes parts of any size",
    "sse_c": "ignores the headers of customers' keys",
    "storage_class": "has no storage classes",
    "tagging": "takes PUT ?tagging for PutObject and stores the XML",
    "unsigned_refused": "answers 400 UnsupportedAlgorithm to an unsigned request",
    "upload_part_copy": "takes UploadPartCopy for an empty UploadPart",
    "versioning": "has no versions",
    "virtual_host": "knows buckets in the path only",
    "website": "takes PUT ?website for CreateBucket",
}

_MOTO = {
    "body_hash_verified": "checks no signatures",
    "bucket_names_checked": "takes capitals and underscores",
    "checksums": "answers no checksum where only the checksum header was sent",
    "checksums_verified": "does not verify checksums",
    "clock_verified": "checks no signatures",
    "content_md5_verified": "does not verify Content-MD5",
    "copy_conditions": "ignores x-amz-copy-source-if-*",
    "expect_continue": "sends 100 Continue twice",
    "keep_alive": "closes the connection after every answer",
    "length_required": "takes chunked bodies of unknown length",
    "line_feed": "answers 404 to a key with a line feed",
    "no_such_upload": "answers 500 to CompleteMultipartUpload after an abort",
    "part_number_read": "answers the whole object",
    "presign_verified": "checks no signatures",
    "region_verified": "checks no signatures",
    "request_id": "sends x-amzn-requestid in the place of x-amz-request-id",
    "signature_verified": "checks no signatures",
    "sse_c": "ignores the headers of customers' keys",
    "unsigned_headers_refused": "checks no signatures",
    "unsigned_refused": "checks no signatures",
}

_RGW = {
    "bucket_region": "sends no x-amz-bucket-region",
    "checksum_trailers": "release 16 refuses STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "checksums": "release 16 has no checksums",
    "checksums_verified": "release 16 has no checksums",
    "complete_etag": "the answer to CompleteMultipartUpload has an empty ETag",
    "conditional_complete": "ignores If-None-Match on CompleteMultipartUpload",
    "conditional_replace": "compares the quoted ETag with a bare one, which are never equal",
    "copy_conditions": "ignores x-amz-copy-source-if-*",
    "encoding_type_keeps_slashes": "encodes the slashes of keys too",
    "no_such_upload": "answers 500 InternalError to CompleteMultipartUpload after an abort",
    "part_number_read": "release 16 ignores partNumber",
    "region_verified": "takes a signature for any region",
    "storage_class": "only classes that its operator has set up",
    "unsigned_headers_refused": "takes x-amz-* headers that are not signed",
    "website": "needs a gateway set up for websites, with a name of its own",
}

UNSUPPORTED: dict[str, dict[str, str]] = {
    "swift": _SWIFT,
    "rclone": _RCLONE,
    "moto": _MOTO,
    "rgw": _RGW,
    "rgw-https": _RGW,
}
"""Server, feature, reason. What is not listed is supported."""
