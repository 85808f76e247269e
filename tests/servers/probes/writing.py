"""Probes of PUT and POST."""

from __future__ import annotations

import base64
import hashlib
import http.client
import zlib
from http import HTTPStatus
from urllib.parse import urlsplit

from ..oracle import Oracle, send
from .registry import probe, status_of

BOTH = 2  # an interim answer and the last one


@probe
def metadata(oracle: Oracle, bucket: str) -> bool:
    """``x-amz-meta-*`` come back as they were sent, in lower case."""
    oracle.put(bucket, "meta", Metadata={"two-words": "Value"})
    found = oracle.raw("HEAD", f"/{bucket}/meta").headers
    return found.get("x-amz-meta-two-words") == "Value" and (
        (oracle.head(bucket, "meta") or {})["Metadata"] == {"two-words": "Value"}
    )


@probe
def system_headers(oracle: Oracle, bucket: str) -> bool:
    """Cache-Control, Content-Disposition and Content-Language are kept."""
    sent = {"CacheControl": "no-store", "ContentDisposition": "inline", "ContentLanguage": "de"}
    oracle.put(bucket, "system", b"", **sent)
    found = oracle.head(bucket, "system") or {}
    return {name: found.get(name) for name in sent} == sent


@probe
def content_type(oracle: Oracle, bucket: str) -> bool:
    """Content-Type is kept."""
    oracle.put(bucket, "typed", ContentType="text/x-probe")
    return (oracle.head(bucket, "typed") or {}).get("ContentType") == "text/x-probe"


@probe
def content_encoding(oracle: Oracle, bucket: str) -> bool:
    """Content-Encoding is kept, and the body is sent as it was stored."""
    oracle.put(bucket, "packed", b"not really gzip", ContentEncoding="gzip")
    answer = oracle.raw("GET", f"/{bucket}/packed")
    return (answer.headers.get("content-encoding"), answer.body) == ("gzip", b"not really gzip")


@probe
def content_md5_verified(oracle: Oracle, bucket: str) -> bool:
    """A wrong Content-MD5 is refused."""
    wrong = {"Content-MD5": base64.b64encode(hashlib.md5(b"another").digest()).decode()}
    return oracle.raw("PUT", f"/{bucket}/md5", wrong, b"body").status == HTTPStatus.BAD_REQUEST


@probe
def checksums_verified(oracle: Oracle, bucket: str) -> bool:
    """A wrong ``x-amz-checksum-crc32`` is refused."""
    wrong = {"x-amz-checksum-crc32": _crc32(b"another")}
    return oracle.raw("PUT", f"/{bucket}/crc", wrong, b"body").status == HTTPStatus.BAD_REQUEST


@probe
def checksums(oracle: Oracle, bucket: str) -> bool:
    """A checksum that was sent comes back when it is asked for."""
    oracle.raw("PUT", f"/{bucket}/crc", {"x-amz-checksum-crc32": _crc32(b"body")}, b"body")
    answer = oracle.raw("HEAD", f"/{bucket}/crc", {"x-amz-checksum-mode": "ENABLED"})
    return answer.headers.get("x-amz-checksum-crc32") == _crc32(b"body")


def _crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4)).decode()


@probe
def checksum_trailers(oracle: Oracle, bucket: str) -> bool:
    """An aws-chunked body with a checksum in its trailer is taken, and stored without framing."""
    body = b"4\r\nbody\r\n0\r\nx-amz-checksum-crc32:" + _crc32(b"body").encode() + b"\r\n\r\n"
    target = f"/{bucket}/trailer"
    headers = oracle.signed_headers(
        *("PUT", target, None),
        headers={
            "x-amz-decoded-content-length": "4",
            "x-amz-trailer": "x-amz-checksum-crc32",
            "Content-Encoding": "aws-chunked",
            "Content-Length": str(len(body)),
        },
        trailer=True,
    )
    answer = send(oracle.info.url, "PUT", target, headers, body, ca_file=oracle.info.ca_file)
    return answer.status == HTTPStatus.OK and oracle.get(bucket, "trailer") == b"body"


@probe
def length_required(oracle: Oracle, bucket: str) -> bool:
    """A chunked body of unknown length is refused with 411 or 501."""
    headers = oracle.signed_headers("PUT", f"/{bucket}/chunked", None)
    headers["Transfer-Encoding"] = "chunked"
    answer = send(
        oracle.info.url,
        "PUT",
        f"/{bucket}/chunked",
        headers,
        b"0\r\n\r\n",
        ca_file=oracle.info.ca_file,
    )
    return answer.status in (HTTPStatus.LENGTH_REQUIRED, HTTPStatus.NOT_IMPLEMENTED)


@probe
def conditional_put(oracle: Oracle, bucket: str) -> bool:
    """PUT with ``If-None-Match: *`` does not replace an object."""
    oracle.put(bucket, "once", b"1")
    put = oracle.client.put_object
    status = status_of(put, Bucket=bucket, Key="once", Body=b"2", IfNoneMatch="*")
    return status == HTTPStatus.PRECONDITION_FAILED


@probe
def conditional_replace(oracle: Oracle, bucket: str) -> bool:
    """PUT with ``If-Match`` replaces the object of that ETag and no other."""
    etag = oracle.put(bucket, "matched", b"1")
    put = oracle.client.put_object
    other = '"0123456789abcdef0123456789abcdef"'
    refused = status_of(put, Bucket=bucket, Key="matched", Body=b"2", IfMatch=other)
    taken = status_of(put, Bucket=bucket, Key="matched", Body=b"2", IfMatch=etag)
    return (refused, taken) == (HTTPStatus.PRECONDITION_FAILED, HTTPStatus.OK)


@probe
def expect_continue(oracle: Oracle, bucket: str) -> bool:
    """``Expect: 100-continue`` gets one 100 before the body is sent."""
    headers = oracle.signed_headers("PUT", f"/{bucket}/expect", b"body")
    extra = {"Content-Length": "4", "Expect": "100-continue", "Connection": "close"}
    parts = urlsplit(oracle.info.url)
    if parts.scheme == "https":
        return (
            True  # the same code behind TLS, which http.client cannot be stopped in the middle of
        )
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.putrequest("PUT", f"/{bucket}/expect", skip_accept_encoding=True)
        for name, value in (headers | extra).items():
            connection.putheader(name, value)
        connection.endheaders()
        try:
            first = connection.sock.recv(4096)
        except TimeoutError:
            return False
        connection.send(b"body")
        rest = b"".join(iter(lambda: connection.sock.recv(4096), b""))
    finally:
        connection.close()
    return first.startswith(b"HTTP/1.1 100") and (first + rest).count(b"HTTP/1.1 ") == BOTH


@probe
def sse_c(oracle: Oracle, bucket: str) -> bool:
    """An object written with a customer's key is refused to readers without it."""
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
    oracle.put(bucket, "secret", b"body", **key)
    return status_of(oracle.client.get_object, Bucket=bucket, Key="secret") != HTTPStatus.OK


@probe
def post_policy(oracle: Oracle, bucket: str) -> bool:
    """A browser's form can upload with a signed policy."""
    form = oracle.client.generate_presigned_post(Bucket=bucket, Key="posted")
    fields = [
        f'--limit\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in form["fields"].items()
    ]
    last = '--limit\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nbody\r\n'
    body = ("".join(fields) + last + "--limit--\r\n").encode()
    headers = {"Content-Type": "multipart/form-data; boundary=limit"}
    target = urlsplit(form["url"]).path
    answer = send(oracle.info.url, "POST", target, headers, body, ca_file=oracle.info.ca_file)
    return answer.status < HTTPStatus.BAD_REQUEST and oracle.get(bucket, "posted") == b"body"
