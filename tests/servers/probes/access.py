"""Probes of signatures, of who may do what, and of how buckets are named."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from ..oracle import Oracle, send
from .registry import probe


@probe
def signature_verified(oracle: Oracle, bucket: str) -> bool:
    """A request signed with another secret is refused as SignatureDoesNotMatch."""
    answer = oracle.raw("GET", f"/{bucket}", secret="not the secret")
    return (answer.status, answer.code) == (HTTPStatus.FORBIDDEN, "SignatureDoesNotMatch")


@probe
def presign_verified(oracle: Oracle, bucket: str) -> bool:
    """A presigned URL with another signature is refused."""
    oracle.put(bucket, "signed")
    url = oracle.presign("get_object", bucket, "signed")
    parts = urlsplit(url[:-4] + ("0000" if url[-4:] != "0000" else "1111"))
    answer = send(
        oracle.info.url, "GET", f"{parts.path}?{parts.query}", ca_file=oracle.info.ca_file
    )
    return answer.status == HTTPStatus.FORBIDDEN


@probe
def region_verified(oracle: Oracle, bucket: str) -> bool:
    """A request signed for another region is refused, and the answer names the right one."""
    answer = oracle.raw("GET", f"/{bucket}", region="eu-north-1")
    return answer.status == HTTPStatus.BAD_REQUEST and b"<Region>" in answer.body


@probe
def clock_verified(oracle: Oracle, bucket: str) -> bool:
    """A request signed an hour ago is refused as RequestTimeTooSkewed."""
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    info = oracle.info
    request = AWSRequest("GET", f"{info.url}/{bucket}")
    request.context["timestamp"] = "20200101T000000Z"
    # add_auth() in its steps, but for the first one, which takes the time of now.
    signer: Any = S3SigV4Auth(
        Credentials(info.access_key_id, info.secret_access_key), "s3", info.region
    )
    signer._modify_request_before_signing(request)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(text, request))
    headers = dict(request.headers.items())
    answer = send(info.url, "GET", f"/{bucket}", headers, ca_file=info.ca_file)
    return answer.code == "RequestTimeTooSkewed"


@probe
def body_hash_verified(oracle: Oracle, bucket: str) -> bool:
    """A body other than the one whose sha256 was signed is refused."""
    headers = oracle.signed_headers("PUT", f"/{bucket}/hashed", b"another")
    headers["Content-Length"] = "4"
    answer = send(
        oracle.info.url, "PUT", f"/{bucket}/hashed", headers, b"body", ca_file=oracle.info.ca_file
    )
    return answer.status == HTTPStatus.BAD_REQUEST


@probe
def unsigned_refused(oracle: Oracle, bucket: str) -> bool:
    """A request without a signature is refused as AccessDenied."""
    answer = oracle.raw("GET", f"/{bucket}", sign=False)
    return (answer.status, answer.code) == (HTTPStatus.FORBIDDEN, "AccessDenied")


@probe
def unsigned_headers_refused(oracle: Oracle, bucket: str) -> bool:
    """An ``x-amz-*`` header that the signature does not cover is refused."""
    headers = oracle.signed_headers("PUT", f"/{bucket}/meta", b"")
    headers["x-amz-meta-added"] = "later"
    answer = send(
        oracle.info.url, "PUT", f"/{bucket}/meta", headers, b"", ca_file=oracle.info.ca_file
    )
    return answer.status == HTTPStatus.FORBIDDEN


@probe
def own_bucket(oracle: Oracle, bucket: str) -> bool:
    """Buckets can be created."""
    name = f"own-{uuid4().hex[:12]}"
    oracle.create_bucket(name)
    oracle.delete_bucket(name)
    return "/" not in bucket


@probe
def virtual_host(oracle: Oracle, bucket: str) -> bool:
    """The bucket may be the first label of the host."""
    port = urlsplit(oracle.info.url).port
    oracle.put(bucket, "hosted", b"found")
    headers = {"Host": f"{bucket}.localhost:{port}"}
    return oracle.raw("GET", "/hosted", headers).body == b"found"
