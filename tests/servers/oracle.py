"""An independent S3 client: what our client did is judged by what boto3 sees.

Every method blocks; async tests call it through ``asyncio.to_thread``.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from .base import ServerInfo

DELETE_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What one plain HTTP request got."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def code(self) -> str:
        """S3's error code in the body, or an empty string."""
        _, _, rest = self.body.decode(errors="replace").partition("<Code>")
        return rest.partition("</Code>")[0]


class Oracle:
    """boto3 against one server.

    *bucket* may be ``bucket/prefix``, for servers where only one bucket may be used: keys then
    get the prefix, and listings lose it.
    """

    def __init__(self, info: ServerInfo) -> None:
        self.info = info

    def boto3(self, *, style: str = "path", **options: Any) -> Any:  # boto3 has no types
        """A new boto3 client; *options* go to botocore's ``Config``."""
        import boto3
        from botocore.config import Config

        settings: dict[str, Any] = {
            "s3": {"addressing_style": style},
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
            "retries": {"total_max_attempts": 1},
            "signature_version": "s3v4",
            **options,
        }
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.info.url,
            aws_access_key_id=self.info.access_key_id,
            aws_secret_access_key=self.info.secret_access_key,
            region_name=self.info.region,
            verify=self.info.ca_file,
            config=Config(**settings),
        )

    @cached_property
    def client(self) -> Any:  # boto3 has no types
        """The boto3 client, for what has no method here."""
        return self.boto3()

    def create_bucket(self, bucket: str) -> None:
        region = self.info.region
        settings = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        self.client.create_bucket(Bucket=bucket, **(settings if region != "us-east-1" else {}))

    def delete_bucket(self, bucket: str) -> None:
        """Delete *bucket* with all that is in it, unfinished uploads included."""
        for key, upload in self.uploads(bucket):
            self.client.abort_multipart_upload(**_where(bucket, key), UploadId=upload)
        for key in self.list_keys(bucket):
            self.delete(bucket, key)
        if "/" not in bucket:
            self.client.delete_bucket(Bucket=bucket)

    def put(self, bucket: str, key: str, body: bytes = b"", **extra: Any) -> str:
        """Put an object and return its ETag, quotes included."""
        return str(self.client.put_object(**_where(bucket, key), Body=body, **extra)["ETag"])

    def get(self, bucket: str, key: str, **extra: Any) -> bytes:
        data: bytes = self.client.get_object(**_where(bucket, key), **extra)["Body"].read()
        return data

    def head(self, bucket: str, key: str, **extra: Any) -> dict[str, Any] | None:
        """What boto3's ``head_object`` tells, or None when there is no such object."""
        from botocore.exceptions import ClientError

        try:
            return dict(self.client.head_object(**_where(bucket, key), **extra))
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != http.HTTPStatus.NOT_FOUND:
                raise
            return None

    def list_keys(self, bucket: str, prefix: str = "") -> list[str]:
        """All keys that begin with *prefix*, in the server's order."""
        name, inside = _split(bucket)
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=name, Prefix=inside + prefix
        )
        return [
            entry["Key"].removeprefix(inside)
            for page in pages
            for entry in page.get("Contents", ())
        ]

    def delete(self, bucket: str, key: str) -> None:
        self.client.delete_object(**_where(bucket, key))

    def uploads(self, bucket: str) -> list[tuple[str, str]]:
        """Key and upload id of every multipart upload that is neither complete nor aborted."""
        from botocore.exceptions import ClientError

        name, inside = _split(bucket)
        try:
            found = self.client.list_multipart_uploads(Bucket=name, Prefix=inside)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchUpload":  # rclone's empty list
                raise
            found = {}
        return [
            (upload["Key"].removeprefix(inside), upload["UploadId"])
            for upload in found.get("Uploads", ())
        ]

    def presign(self, method: str, bucket: str, key: str, expires: int = 600) -> str:
        """A URL signed for ``get_object`` and its like (boto3's names of operations)."""
        return str(
            self.client.generate_presigned_url(
                method, Params=_where(bucket, key), ExpiresIn=expires
            )
        )

    def raw(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        sign: bool = True,
        secret: str | None = None,
        region: str | None = None,
    ) -> RawAnswer:
        """Send *target* (path and query, encoded) as it is, signed by botocore if *sign*."""
        sent = dict(headers or {})
        if sign:
            sent = self.signed_headers(
                method, target, body, headers=sent, secret=secret, region=region
            )
        return send(self.info.url, method, target, sent, body, ca_file=self.info.ca_file)

    def signed_headers(
        self,
        method: str,
        target: str,
        body: bytes | None,
        *,
        headers: Mapping[str, str] | None = None,
        secret: str | None = None,
        region: str | None = None,
        trailer: bool = False,
    ) -> dict[str, str]:
        """*headers* and those of a signature by botocore, for a request to *target*.

        With *trailer* the body stays unsigned and is said to end in a checksum.
        """
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        info = self.info
        request = AWSRequest(
            method, info.url + target, headers=dict(headers or {}), data=body or b""
        )
        request.context["payload_signing_enabled"] = not trailer
        if trailer:
            request.context["checksum"] = {"request_algorithm": {"in": "trailer"}}
        keys = Credentials(info.access_key_id, secret or info.secret_access_key)
        S3SigV4Auth(keys, "s3", region or info.region).add_auth(request)
        return dict(request.headers.items())


def send(
    url: str,
    method: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    *,
    ca_file: str | None = None,
) -> RawAnswer:
    """One request to the server of *url* with http.client, which changes nothing of it."""
    parts = urlsplit(url)
    where = (parts.hostname or "", parts.port)
    connection = (
        http.client.HTTPSConnection(
            *where, timeout=30, context=ssl.create_default_context(cafile=ca_file)
        )
        if parts.scheme == "https"
        else http.client.HTTPConnection(*where, timeout=30)
    )
    try:
        connection.request(method, target, body, dict(headers or {}))
        answer = connection.getresponse()
        fields = {name.lower(): value for name, value in answer.getheaders()}
        return RawAnswer(answer.status, fields, answer.read())
    finally:
        connection.close()


def _split(bucket: str) -> tuple[str, str]:
    name, slash, prefix = bucket.partition("/")
    return name, prefix + slash


def _where(bucket: str, key: str) -> dict[str, str]:
    name, prefix = _split(bucket)
    return {"Bucket": name, "Key": prefix + key}
