"""Taking away what the scenarios left on a server that outlives the run."""

from __future__ import annotations

import contextlib
from typing import Any

from botocore.exceptions import ClientError

from ...servers.oracle import Oracle


def remove_bucket(oracle: Oracle, bucket: str) -> None:
    """Delete *bucket* with all that is in it, whatever holds its objects."""
    boto = oracle.client
    try:
        boto.head_bucket(Bucket=bucket)
    except ClientError:  # what the scenario called has deleted it
        return
    with contextlib.suppress(ClientError):  # a bucket may be logging what is done to it here
        boto.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    try:
        versions = _versions(boto, bucket)
    except ClientError:  # a server without versions
        versions = []
    for version in versions:
        where = {"Bucket": bucket, **version}
        try:
            boto.delete_object(**where)
        except ClientError:
            boto.put_object_legal_hold(**where, LegalHold={"Status": "OFF"})
            boto.delete_object(**where, BypassGovernanceRetention=True)
    oracle.delete_bucket(bucket)


def _versions(boto: Any, bucket: str) -> list[dict[str, str]]:
    pages = boto.get_paginator("list_object_versions").paginate(Bucket=bucket)
    return [
        {"Key": each["Key"], "VersionId": each["VersionId"]}
        for page in pages
        for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
    ]
