"""What is set on buckets, against every server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import NoSuchBucket
from tests.servers.running import RunningServer

if TYPE_CHECKING:
    from aiohttp_s3_client.api import CORSRuleDict, LifecycleRuleDict


async def test_tags_of_a_bucket(client: S3Client, server: RunningServer, bucket: str) -> None:
    server.need("own_bucket", "tagging")
    assert await client.get_bucket_tags(bucket) == {}
    tags = {"cost centre": "42", "größe": "<&>"}
    await client.put_bucket_tags(tags, bucket=bucket)
    assert await client.get_bucket_tags(bucket) == tags
    await client.delete_bucket_tags(bucket)
    assert await client.get_bucket_tags(bucket) == {}


async def test_policy(client: S3Client, server: RunningServer, bucket: str) -> None:
    server.need("own_bucket", "policy")
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{bucket}/public/*",
            }
        ],
    }
    assert await client.get_bucket_policy(bucket) is None
    await client.put_bucket_policy(policy, bucket=bucket)
    assert await client.get_bucket_policy(bucket) == policy
    await client.delete_bucket_policy(bucket)
    assert await client.get_bucket_policy(bucket) is None
    await client.put_bucket_policy(json.dumps(policy), bucket=bucket)
    assert await client.get_bucket_policy(bucket) == policy
    await client.delete_bucket_policy(bucket)


async def test_cors(client: S3Client, server: RunningServer, bucket: str) -> None:
    server.need("own_bucket", "cors")
    assert await client.get_bucket_cors(bucket) == []
    rules: list[CORSRuleDict] = [
        {
            "AllowedMethods": ["GET", "PUT"],
            "AllowedOrigins": ["https://example.org"],
            "AllowedHeaders": ["*"],
            "MaxAgeSeconds": 60,
        },
        {"AllowedMethods": ["HEAD"], "AllowedOrigins": ["*"]},
    ]
    await client.put_bucket_cors(rules, bucket=bucket)
    found = await client.get_bucket_cors(bucket)
    assert [sorted(rule["AllowedMethods"]) for rule in found] == [["GET", "PUT"], ["HEAD"]]
    assert found[0]["AllowedOrigins"] == ["https://example.org"]
    assert found[0]["MaxAgeSeconds"] == 60
    await client.put_bucket_cors(found, bucket=bucket)  # What came out goes in.
    assert await client.get_bucket_cors(bucket) == found
    await client.delete_bucket_cors(bucket)
    assert await client.get_bucket_cors(bucket) == []


async def test_lifecycle(client: S3Client, server: RunningServer, bucket: str) -> None:
    server.need("own_bucket", "lifecycle")
    assert await client.get_bucket_lifecycle(bucket) == []
    rules: list[LifecycleRuleDict] = [
        {
            "ID": "logs",
            "Status": "Enabled",
            "Filter": {"Prefix": "logs/"},
            "Expiration": {"Days": 30},
        }
    ]
    await client.put_bucket_lifecycle(rules, bucket=bucket)
    found = await client.get_bucket_lifecycle(bucket)
    assert [(rule["ID"], rule["Status"]) for rule in found] == [("logs", "Enabled")]
    assert found[0]["Expiration"]["Days"] == 30
    await client.put_bucket_lifecycle(found, bucket=bucket)  # What came out goes in.
    await client.delete_bucket_lifecycle(bucket)
    assert await client.get_bucket_lifecycle(bucket) == []


async def test_website(client: S3Client, server: RunningServer, bucket: str) -> None:
    server.need("own_bucket", "website")
    assert await client.get_bucket_website(bucket) is None
    await client.put_bucket_website(
        {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "404.html"}},
        bucket=bucket,
    )
    found = await client.get_bucket_website(bucket)
    assert found == {
        "IndexDocument": {"Suffix": "index.html"},
        "ErrorDocument": {"Key": "404.html"},
    }
    await client.put_bucket_website(found, bucket=bucket)  # What came out goes in.
    await client.delete_bucket_website(bucket)
    assert await client.get_bucket_website(bucket) is None


async def test_settings_of_a_bucket_that_is_not_there(
    client: S3Client, server: RunningServer
) -> None:
    """That a bucket has no rules and that there is no bucket are two things."""
    server.need("own_bucket", "policy", "cors", "lifecycle")
    for ask in (
        client.get_bucket_tags,
        client.get_bucket_policy,
        client.get_bucket_cors,
        client.get_bucket_lifecycle,
        client.versioning,
    ):
        with pytest.raises(NoSuchBucket):
            await ask("there-is-no-such-bucket")
