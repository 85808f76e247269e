"""Buckets themselves: made, removed, listed, looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..api import Api
from ..arguments import bound_bucket
from ..config import DEFAULT_REGION
from ..engine import Engine
from ..errors import BucketAlreadyOwnedByYou, NotFound
from ..models import BucketInfo
from ..protocol.endpoints.directory import zone_of
from .outputs import buckets_of

if TYPE_CHECKING:
    from ..api import (
        BucketCannedACLLiteral,
        BucketLocationConstraintLiteral,
        CreateBucketConfigurationDict,
        CreateBucketRequest,
        ListBucketsRequest,
    )

_BUCKETS_OF_A_PAGE = 1000


class Buckets:
    """The buckets of an account."""

    _engine: Engine
    _api: Api

    async def create_bucket(
        self,
        bucket: str | None = None,
        *,
        region: str | None = None,
        acl: BucketCannedACLLiteral | None = None,
        object_lock: bool = False,
        exist_ok: bool = False,
    ) -> None:
        """Create a bucket in *region*.

        By default that is the client's region on AWS, and on other servers what they choose. A
        directory bucket is made in the zone that its name ends with (``…--use1-az4--x-s3``). *acl*
        is a canned one; *object_lock* makes a bucket for objects that nobody may delete.

        Raises ``BucketAlreadyOwnedByYou``, unless *exist_ok* (AWS does not in us-east-1),
        ``BucketAlreadyExists`` when it is somebody else's, and ``ValueError`` for a directory
        bucket with a *region*.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
        """
        name = bound_bucket(self._engine.endpoint, bucket)
        params: CreateBucketRequest = {"Bucket": name}
        if self._engine.endpoint.is_directory(name):
            if region is not None:
                raise ValueError(
                    f"region: {region!r}: {name!r} is made in the zone that its name ends with, by "
                    "a client of that region"
                )
            params["CreateBucketConfiguration"] = _in_zone(zone_of(name))
        elif (region := await self._region_of_new(name, region)) not in (None, DEFAULT_REGION):
            # S3 has more regions than any list of them, and other servers have others.
            constraint = cast("BucketLocationConstraintLiteral", region)
            params["CreateBucketConfiguration"] = {"LocationConstraint": constraint}
        if acl is not None:
            params["ACL"] = acl
        if object_lock:
            params["ObjectLockEnabledForBucket"] = True
        try:
            await self._api.create_bucket(**params)
        except BucketAlreadyOwnedByYou:
            if not exist_ok:
                raise

    async def delete_bucket(self, bucket: str | None = None) -> None:
        """Delete an empty bucket. ``BucketNotEmpty`` and ``NoSuchBucket`` are raised.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html
        """
        await self._api.delete_bucket(Bucket=bound_bucket(self._engine.endpoint, bucket))

    async def list_buckets(self, prefix: str | None = None) -> list[BucketInfo]:
        """The buckets of the account, those only whose names begin with *prefix*.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
        """
        params: ListBucketsRequest = {}
        if prefix:
            params["Prefix"] = prefix
        if self._engine.endpoint.is_aws:
            # Only asked for in pages S3 says the regions, and lists more than 10,000 buckets.
            params["MaxBuckets"] = _BUCKETS_OF_A_PAGE
        return [
            bucket
            async for page in self._api.paginate("list_buckets", **params)
            for bucket in buckets_of(page)
            # Many servers do not know the prefix and list them all.
            if bucket.name.startswith(prefix or "")
        ]

    async def bucket_exists(self, bucket: str | None = None) -> bool:
        """Whether there is such a bucket. One that is not yours raises ``Forbidden``.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
        """
        try:
            await self._api.head_bucket(Bucket=bound_bucket(self._engine.endpoint, bucket))
        except NotFound:
            return False
        return True

    async def _region_of_new(self, bucket: str, region: str | None) -> str | None:
        if not self._engine.endpoint.is_aws:
            return region
        routes = self._engine.routes(await self._engine.credentials.resolve())
        if region is not None:
            routes.learn(bucket, region)  # A region's buckets are created at its own endpoint.
        return region or routes.default.region


def _in_zone(zone: str) -> CreateBucketConfigurationDict:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-bucket-create.html"""
    if zone.count("-") > 1:  # usw2-lax1-az1
        return {
            "Location": {"Type": "LocalZone", "Name": zone},
            "Bucket": {"Type": "Directory", "DataRedundancy": "SingleLocalZone"},
        }
    return {
        "Location": {"Type": "AvailabilityZone", "Name": zone},
        "Bucket": {"Type": "Directory", "DataRedundancy": "SingleAvailabilityZone"},
    }
