"""What is set on a bucket, by name: tags, policy, CORS, lifecycle, website, versioning.

Rules go in and come out as boto3's dicts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from ..api import Api
from ..arguments import bound_bucket
from ..engine import Engine
from ..errors import (
    NoSuchBucketPolicy,
    NoSuchCORSConfiguration,
    NoSuchLifecycleConfiguration,
    NoSuchTagSet,
    NoSuchWebsiteConfiguration,
    ResponseParseError,
)
from .outputs import set_or_none, tags_of

if TYPE_CHECKING:
    from ..api import (
        CORSRuleDict,
        CORSRuleOutputDict,
        LifecycleRuleDict,
        LifecycleRuleOutputDict,
        TagDict,
        WebsiteConfigurationDict,
    )


class BucketSettings:
    """Settings of buckets. All raise ``NoSuchBucket`` where there is none."""

    _engine: Engine
    _api: Api

    async def get_bucket_tags(self, bucket: str | None = None) -> dict[str, str]:
        """The bucket's tags; empty when it has none.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketTagging.html
        """
        asking = self._api.get_bucket_tagging(Bucket=bound_bucket(self._engine.endpoint, bucket))
        found = await set_or_none(asking, NoSuchTagSet)
        return tags_of(found.get("TagSet", ()) if found else ())

    async def put_bucket_tags(self, tags: Mapping[str, str], *, bucket: str | None = None) -> None:
        """Give the bucket these tags and no others.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html
        """
        await self._api.put_bucket_tagging(
            Bucket=bound_bucket(self._engine.endpoint, bucket), Tagging={"TagSet": tag_set(tags)}
        )

    async def delete_bucket_tags(self, bucket: str | None = None) -> None:
        """Take all tags from the bucket; no error when it has none.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketTagging.html
        """
        await self._api.delete_bucket_tagging(Bucket=bound_bucket(self._engine.endpoint, bucket))

    async def get_bucket_policy(self, bucket: str | None = None) -> dict[str, Any] | None:
        """The bucket's policy, None when it has none.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicy.html
        """
        asking = self._api.get_bucket_policy(Bucket=bound_bucket(self._engine.endpoint, bucket))
        found = await set_or_none(asking, NoSuchBucketPolicy)
        return None if found is None else _policy(found.get("Policy", ""))

    async def put_bucket_policy(
        self, policy: Mapping[str, Any] | str, *, bucket: str | None = None
    ) -> None:
        """Set the bucket's policy: a dict, or JSON as text. ``MalformedPolicy`` if it is none.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
        """
        await self._api.put_bucket_policy(
            Bucket=bound_bucket(self._engine.endpoint, bucket), Policy=_policy_text(policy)
        )

    async def delete_bucket_policy(self, bucket: str | None = None) -> None:
        """Remove the bucket's policy; no error when it has none.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketPolicy.html
        """
        await self._api.delete_bucket_policy(Bucket=bound_bucket(self._engine.endpoint, bucket))

    async def get_bucket_cors(self, bucket: str | None = None) -> list[CORSRuleOutputDict]:
        """The bucket's rules for cross-origin requests; empty when it has none.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketCors.html
        """
        asking = self._api.get_bucket_cors(Bucket=bound_bucket(self._engine.endpoint, bucket))
        found = await set_or_none(asking, NoSuchCORSConfiguration)
        return found.get("CORSRules", []) if found else []

    async def put_bucket_cors(
        self, rules: Sequence[CORSRuleDict], *, bucket: str | None = None
    ) -> None:
        """Set all of the bucket's rules for cross-origin requests (S3: up to 100).

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketCors.html
        """
        await self._api.put_bucket_cors(
            Bucket=bound_bucket(self._engine.endpoint, bucket),
            CORSConfiguration={"CORSRules": list(rules)},
        )

    async def delete_bucket_cors(self, bucket: str | None = None) -> None:
        """Remove the bucket's rules for cross-origin requests; no error when it has none.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketCors.html
        """
        await self._api.delete_bucket_cors(Bucket=bound_bucket(self._engine.endpoint, bucket))

    async def get_bucket_lifecycle(
        self, bucket: str | None = None
    ) -> list[LifecycleRuleOutputDict]:
        """The bucket's lifecycle rules; empty when it has none.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html
        """
        asking = self._api.get_bucket_lifecycle_configuration(
            Bucket=bound_bucket(self._engine.endpoint, bucket)
        )
        found = await set_or_none(asking, NoSuchLifecycleConfiguration)
        return found.get("Rules", []) if found else []

    async def put_bucket_lifecycle(
        self, rules: Sequence[LifecycleRuleDict], *, bucket: str | None = None
    ) -> None:
        """Set all of the bucket's lifecycle rules (S3: up to 1,000).

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
        """
        await self._api.put_bucket_lifecycle_configuration(
            Bucket=bound_bucket(self._engine.endpoint, bucket),
            LifecycleConfiguration={"Rules": list(rules)},
        )

    async def delete_bucket_lifecycle(self, bucket: str | None = None) -> None:
        """Remove all of the bucket's lifecycle rules; no error when it has none.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketLifecycle.html
        """
        await self._api.delete_bucket_lifecycle(Bucket=bound_bucket(self._engine.endpoint, bucket))

    async def get_bucket_website(
        self, bucket: str | None = None
    ) -> WebsiteConfigurationDict | None:
        """How the bucket is served as a website, None when it is not.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketWebsite.html
        """
        asking = self._api.get_bucket_website(Bucket=bound_bucket(self._engine.endpoint, bucket))
        found = await set_or_none(asking, NoSuchWebsiteConfiguration)
        # The members of the answer are those of the configuration.
        return None if found is None else cast("WebsiteConfigurationDict", dict(found))

    async def put_bucket_website(
        self, website: WebsiteConfigurationDict, *, bucket: str | None = None
    ) -> None:
        """Serve the bucket as a website: ``{"IndexDocument": {"Suffix": "index.html"}}``.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketWebsite.html
        """
        await self._api.put_bucket_website(
            Bucket=bound_bucket(self._engine.endpoint, bucket), WebsiteConfiguration=website
        )

    async def delete_bucket_website(self, bucket: str | None = None) -> None:
        """Serve the bucket as a website no longer; no error when it was none.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketWebsite.html
        """
        await self._api.delete_bucket_website(Bucket=bound_bucket(self._engine.endpoint, bucket))

    async def versioning(
        self, bucket: str | None = None, enabled: bool | None = None
    ) -> Literal["Enabled", "Suspended"] | None:
        """Whether the bucket keeps versions; None when it never did.

        *enabled* True or False enables or suspends it first. Enabled once, it can be suspended
        and never be undone.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html
        """
        name = bound_bucket(self._engine.endpoint, bucket)
        if enabled is None:
            return (await self._api.get_bucket_versioning(Bucket=name)).get("Status")
        if not isinstance(enabled, bool):
            raise TypeError(f"enabled must be True, False or None, not {enabled!r}")
        status: Literal["Enabled", "Suspended"] = "Enabled" if enabled else "Suspended"
        await self._api.put_bucket_versioning(
            Bucket=name, VersioningConfiguration={"Status": status}
        )
        return status


def tag_set(tags: Mapping[str, str]) -> list[TagDict]:
    """S3's list of *tags*, which are by name."""
    if not isinstance(tags, Mapping):
        raise TypeError(f"tags must be a mapping of names to values, not {tags!r:.100}")
    return [{"Key": name, "Value": value} for name, value in tags.items()]


def _policy_text(policy: object) -> str:
    """*policy* as JSON. Whether it makes sense is the server's to judge."""
    if isinstance(policy, Mapping):
        return json.dumps(dict(policy))
    if not isinstance(policy, str):
        raise TypeError(f"policy must be a dict, or JSON as text, not {policy!r:.100}")
    try:
        found = json.loads(policy)
    except ValueError as error:
        raise ValueError(f"policy: {policy!r:.100} is no JSON ({error})") from None
    if not isinstance(found, dict):
        raise ValueError(f"policy: JSON of an object is wanted, not {policy!r:.100}")
    return policy


def _policy(text: str) -> dict[str, Any]:
    try:
        policy = json.loads(text)
    except ValueError:
        policy = None
    if not isinstance(policy, dict):
        raise ResponseParseError(f"GetBucketPolicy: the answer is no policy: {text!r:.200}")
    return policy
