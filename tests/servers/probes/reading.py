"""Probes of GET and HEAD."""

from __future__ import annotations

from http import HTTPStatus

from ..oracle import Oracle
from .registry import probe, status_of


@probe
def if_match(oracle: Oracle, bucket: str) -> bool:
    """GET with another ETag in If-Match gets 412."""
    oracle.put(bucket, "match", b"1")
    get = oracle.client.get_object
    status = status_of(
        get, Bucket=bucket, Key="match", IfMatch='"0123456789abcdef0123456789abcdef"'
    )
    return status == HTTPStatus.PRECONDITION_FAILED


@probe
def if_none_match(oracle: Oracle, bucket: str) -> bool:
    """GET with the object's ETag in If-None-Match gets 304."""
    etag = oracle.put(bucket, "none-match", b"1")
    get = oracle.client.get_object
    status = status_of(get, Bucket=bucket, Key="none-match", IfNoneMatch=etag)
    return status == HTTPStatus.NOT_MODIFIED


@probe
def ranged_206(oracle: Oracle, bucket: str) -> bool:
    """A ranged GET gets 206."""
    oracle.put(bucket, "range", b"0123456789")
    answer = oracle.raw("GET", f"/{bucket}/range", {"Range": "bytes=2-4"})
    return (answer.status, answer.body) == (HTTPStatus.PARTIAL_CONTENT, b"234")


@probe
def content_range(oracle: Oracle, bucket: str) -> bool:
    """A ranged GET gets the part that was asked for and a Content-Range that says so."""
    oracle.put(bucket, "range", b"0123456789")
    answer = oracle.raw("GET", f"/{bucket}/range", {"Range": "bytes=2-4"})
    return (answer.headers.get("content-range"), answer.body) == ("bytes 2-4/10", b"234")


@probe
def range_416(oracle: Oracle, bucket: str) -> bool:
    """A range behind the end gets 416."""
    oracle.put(bucket, "range", b"0123456789")
    answer = oracle.raw("GET", f"/{bucket}/range", {"Range": "bytes=10-"})
    return answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


@probe
def empty_range_416(oracle: Oracle, bucket: str) -> bool:
    """A range of an empty object gets 416."""
    oracle.put(bucket, "empty")
    answer = oracle.raw("GET", f"/{bucket}/empty", {"Range": "bytes=0-99"})
    return answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


@probe
def response_overrides(oracle: Oracle, bucket: str) -> bool:
    """``response-content-type`` and its like change the headers of a GET."""
    oracle.put(bucket, "override")
    answer = oracle.client.get_object(
        Bucket=bucket, Key="override", ResponseContentDisposition="attachment"
    )
    return bool(answer.get("ContentDisposition") == "attachment")


@probe
def request_id(oracle: Oracle, bucket: str) -> bool:
    """Answers carry ``x-amz-request-id``."""
    return "x-amz-request-id" in oracle.raw("GET", f"/{bucket}").headers


@probe
def keep_alive(oracle: Oracle, bucket: str) -> bool:
    """The connection stays open after an answer."""
    return oracle.raw("GET", f"/{bucket}").headers.get("connection", "").lower() != "close"


@probe
def bucket_region(oracle: Oracle, bucket: str) -> bool:
    """HEAD of a bucket tells its region in ``x-amz-bucket-region``."""
    return "x-amz-bucket-region" in oracle.raw("HEAD", f"/{bucket}").headers
