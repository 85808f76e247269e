"""S3's names of requests that are made by hand, and what follows from them.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

from __future__ import annotations

from collections.abc import Container, Sequence

EVERYWHERE = ("x-amz-request-payer", "x-amz-expected-bucket-owner")
"""Headers that every request about an object takes."""

_WITH_KEY = {
    ("GET", ""): "GetObject",
    ("GET", "uploadId"): "ListParts",
    ("HEAD", ""): "HeadObject",
    ("PUT", ""): "PutObject",
    ("PUT", "uploadId"): "UploadPart",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", ""): "DeleteObject",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
}
_WITHOUT_KEY = {
    ("GET", ""): "ListObjects",
    ("GET", "list-type"): "ListObjectsV2",
    ("GET", "uploads"): "ListMultipartUploads",
    ("HEAD", ""): "HeadBucket",
    ("PUT", ""): "CreateBucket",
    ("POST", "delete"): "DeleteObjects",
    ("DELETE", ""): "DeleteBucket",
}
_COPIES = {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}
_DOCUMENTS = frozenset({"CompleteMultipartUpload", "CopyObject", "DeleteObjects", "UploadPartCopy"})
_IDEMPOTENT_POSTS = frozenset({"CompleteMultipartUpload", "CreateMultipartUpload", "DeleteObjects"})


def operation_name(
    method: str, has_key: bool, query: Sequence[tuple[str, str]], headers: Container[str]
) -> str:
    """S3's name of a request, or its method and sub-resource where that is no common one."""
    table = _WITH_KEY if has_key else _WITHOUT_KEY
    if not query and (operation := table.get((method, ""))):
        return _COPIES.get(operation, operation) if _COPY_SOURCE in headers else operation
    names = [name for name, _ in query]
    for name in (*names, ""):
        if operation := table.get((method, name)):
            if name == "" and any(n in _SUB_RESOURCES for n in names):
                break
            return _COPIES.get(operation, operation) if _COPY_SOURCE in headers else operation
    return f"{method} ?{names[0]}" if names else method


def is_document(operation: str) -> bool:
    """Whether a 200 may hold an error, so that its body has to be read (P4)."""
    return operation in _DOCUMENTS


def is_idempotent(method: str, operation: str) -> bool:
    """Whether sending a request twice has the effect of sending it once.

    Creating an upload twice leaves one without parts, which costs nothing.
    """
    return method not in ("POST", "PATCH") or operation in _IDEMPOTENT_POSTS


_COPY_SOURCE = "x-amz-copy-source"
_SUB_RESOURCES = frozenset(
    {
        "abac", "accelerate", "acl", "analytics", "annotation", "attributes", "cors",
        "encryption", "intelligent-tiering", "inventory", "legal-hold", "lifecycle", "location",
        "logging", "metadataAnnotationTable", "metadataConfiguration", "metadataInventoryTable",
        "metadataJournalTable", "metadataTable", "metrics", "notification", "object-lock",
        "ownershipControls", "policy", "policyStatus", "publicAccessBlock", "renameObject",
        "replication", "requestPayment", "restore", "retention", "select", "session", "tagging",
        "torrent", "versioning", "versions", "website",
    }
)  # fmt: skip
