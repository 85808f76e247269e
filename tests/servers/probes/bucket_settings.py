"""Probes of what can be set on buckets and objects."""

from __future__ import annotations

from ..oracle import Oracle
from .registry import probe


@probe
def tagging(oracle: Oracle, bucket: str) -> bool:
    """Objects have tags."""
    oracle.put(bucket, "tagged", b"body")
    tags = [{"Key": "colour", "Value": "blue"}]
    oracle.client.put_object_tagging(Bucket=bucket, Key="tagged", Tagging={"TagSet": tags})
    found = oracle.client.get_object_tagging(Bucket=bucket, Key="tagged")
    return bool(found["TagSet"] == tags) and oracle.get(bucket, "tagged") == b"body"


@probe
def policy(oracle: Oracle, bucket: str) -> bool:
    """Buckets have policies."""
    text = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",'
        f'"Action":"s3:GetObject","Resource":"arn:aws:s3:::{bucket}/public/*"}}]}}'
    )
    oracle.client.put_bucket_policy(Bucket=bucket, Policy=text)
    found = oracle.client.get_bucket_policy(Bucket=bucket)["Policy"]
    oracle.client.delete_bucket_policy(Bucket=bucket)
    return "public" in found


@probe
def website(oracle: Oracle, bucket: str) -> bool:
    """Buckets can be set up as websites."""
    settings = {"IndexDocument": {"Suffix": "index.html"}}
    oracle.client.put_bucket_website(Bucket=bucket, WebsiteConfiguration=settings)
    found = oracle.client.get_bucket_website(Bucket=bucket)
    return bool(found["IndexDocument"] == settings["IndexDocument"])


@probe
def cors(oracle: Oracle, bucket: str) -> bool:
    """Buckets have rules for cross-origin requests."""
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://example.org"]}
    oracle.client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    found = oracle.client.get_bucket_cors(Bucket=bucket)["CORSRules"]
    return bool(found[0]["AllowedOrigins"] == rule["AllowedOrigins"])


@probe
def lifecycle(oracle: Oracle, bucket: str) -> bool:
    """Buckets have rules for expiry."""
    rule = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "x"}, "Expiration": {"Days": 1}}
    oracle.client.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": [rule]}
    )
    found = oracle.client.get_bucket_lifecycle_configuration(Bucket=bucket)
    return bool(found["Rules"][0]["ID"] == "r")


@probe
def versioning(oracle: Oracle, bucket: str) -> bool:
    """A bucket can keep every version of its objects."""
    name = f"{bucket}-versions"
    oracle.create_bucket(name)
    oracle.client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    first = oracle.client.put_object(Bucket=name, Key="v", Body=b"1").get("VersionId")
    oracle.put(name, "v", b"2")
    return bool(first) and oracle.get(name, "v", VersionId=first) == b"1"


@probe
def object_lock(oracle: Oracle, bucket: str) -> bool:
    """A bucket can be made for objects that nobody may delete."""
    name = f"{bucket}-locked"
    oracle.client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    found = oracle.client.get_object_lock_configuration(Bucket=name)
    return bool(found["ObjectLockConfiguration"]["ObjectLockEnabled"] == "Enabled")


@probe
def acl(oracle: Oracle, bucket: str) -> bool:
    """``x-amz-acl: public-read`` makes an object readable without a signature."""
    oracle.put(bucket, "public", b"body", ACL="public-read")
    return oracle.raw("GET", f"/{bucket}/public", sign=False).body == b"body"


@probe
def storage_class(oracle: Oracle, bucket: str) -> bool:
    """The storage class of an object is kept and listed."""
    oracle.put(bucket, "classy", StorageClass="STANDARD_IA")
    found = oracle.client.list_objects_v2(Bucket=bucket, Prefix="classy")["Contents"]
    return bool(found[0].get("StorageClass") == "STANDARD_IA")


@probe
def bucket_names_checked(oracle: Oracle, bucket: str) -> bool:
    """A bucket name that breaks the rules is refused as InvalidBucketName."""
    answer = oracle.raw("PUT", "/Capitals_and_underscores")
    return answer.code == "InvalidBucketName"
