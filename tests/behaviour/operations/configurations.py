"""What can be set on a bucket: a table, from which come the scenarios to set, read and delete."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .stage import Scenario, Stage, contains, require

Made = dict[str, Any]
TOPIC = "arn:aws:sns:us-east-1:123456789012:topic"
ROLE = "arn:aws:iam::123456789012:role/replication"
ID = "all"
LOGGERS = "uri=http://acs.amazonaws.com/groups/s3/LogDelivery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One thing that can be set: the operations of it, their parameters, and what is read then."""

    put: str = ""
    get: str = ""
    delete: str = ""
    list: str = ""
    given: Callable[[str], Made]
    """Parameters of *put* for a bucket, but for the bucket itself."""
    shown: Callable[[str], Made] | None = None
    """What *get* tells afterwards, at least; by default what was given."""
    listed: str = ""
    """The member of *list*'s answer that holds the configurations."""
    which: Made = field(default_factory=dict)
    """Parameters that name one of several configurations of a bucket."""
    before: tuple[tuple[str, Made], ...] = ()
    """What the bucket needs first."""
    setter: str = ""
    """What sets it where the scenario of that operation is another configuration's."""

    def expected(self, bucket: str) -> Made:
        return (self.shown or self.given)(bucket)

    async def fresh(self, stage: Stage) -> str:
        bucket = await stage.new_bucket()
        for operation, params in self.before:
            await stage.prepare(operation, Bucket=bucket, **params)
        return bucket

    async def set(self, stage: Stage) -> tuple[str, str]:
        """A bucket with this configuration, and the code with which the server refused it."""
        bucket = await self.fresh(stage)
        given = self.given(bucket)
        return bucket, await stage.prepare(
            self.put or self.setter, Bucket=bucket, **self.which, **given
        )

    async def is_shown(self, stage: Stage, bucket: str) -> bool:
        found = await stage.seen(self.get, Bucket=bucket, **self.which)
        return contains(found, self.expected(bucket))

    def scenarios(self) -> Iterator[tuple[str, Scenario]]:
        if self.put:
            yield self.put, self.playing_put
        if self.get:
            yield self.get, self.playing_get
        if self.delete:
            yield self.delete, self.playing_delete
        if self.list:
            yield self.list, self.playing_list

    async def playing_put(self, stage: Stage) -> None:
        bucket = await self.fresh(stage)
        given = self.given(bucket)
        require(not await self.is_shown(stage, bucket), "there before")
        await stage.call(self.put, Bucket=bucket, **self.which, **given)
        require(await self.is_shown(stage, bucket))

    async def playing_get(self, stage: Stage) -> None:
        bucket, refusal = await self.set(stage)
        found = await stage.same(self.get, Bucket=bucket, **self.which)
        wanted = contains(found, self.expected(bucket))
        require(wanted, "nothing to read" if refusal else "another answer")

    async def playing_list(self, stage: Stage) -> None:
        bucket, refusal = await self.set(stage)
        found = (await stage.same(self.list, Bucket=bucket)).get(self.listed, [])
        wanted = contains(found, [*self.expected(bucket).values()])
        require(wanted, "nothing to read" if refusal else "another answer")

    async def playing_delete(self, stage: Stage) -> None:
        bucket, _ = await self.set(stage)
        before = await self.is_shown(stage, bucket)
        await stage.call(self.delete, Bucket=bucket, **self.which)
        require(await stage.prepare("head_bucket", Bucket=bucket) == "", "deletes the bucket")
        require(before, "nothing to delete")
        require(not await self.is_shown(stage, bucket))


def always(**params: Any) -> Callable[[str], Made]:
    """Parameters that are the same for every bucket."""
    return lambda _: params


def of_bucket(subject: str, given: Callable[[str], Made], **rest: Any) -> Configuration:
    """*subject* as the names of its operations have it: ``put_bucket_<subject>`` and so on."""
    names = {"put": f"put_bucket_{subject}", "get": f"get_bucket_{subject}"}
    return Configuration(given=given, **{**names, **rest})


def _policy(bucket: str) -> str:
    statement = {
        "Sid": "Read",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/open/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _replication(bucket: str) -> Made:
    rule = {
        "ID": ID,
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "Status": "Enabled",
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{bucket}"},
    }
    return {"ReplicationConfiguration": {"Role": ROLE, "Rules": [rule]}}


def _logging(bucket: str) -> Made:
    return {"LoggingEnabled": {"TargetBucket": bucket, "TargetPrefix": "log/"}}


def _inventory(bucket: str) -> Made:
    destination = {"Bucket": f"arn:aws:s3:::{bucket}", "Format": "CSV"}
    return {
        "InventoryConfiguration": {
            "Destination": {"S3BucketDestination": destination},
            "IsEnabled": True,
            "Id": ID,
            "IncludedObjectVersions": "All",
            "Schedule": {"Frequency": "Daily"},
        }
    }


def _analytics(bucket: str) -> Made:
    destination = {"Format": "CSV", "Bucket": f"arn:aws:s3:::{bucket}"}
    export = {"OutputSchemaVersion": "V_1", "Destination": {"S3BucketDestination": destination}}
    return {
        "AnalyticsConfiguration": {
            "Id": ID,
            "Filter": {"Prefix": "logs/"},
            "StorageClassAnalysis": {"DataExport": export},
        }
    }


CORS = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://one.example"]}]}
ENCRYPTION = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
EXPIRY = {"ID": ID, "Status": "Enabled", "Expiration": {"Days": 3}}
FILTERED = {"Rules": [{**EXPIRY, "Filter": {"Prefix": "logs/"}}]}
PREFIXED = {"Rules": [{**EXPIRY, "Prefix": "logs/"}]}
NOTICE = {"Id": ID, "TopicArn": TOPIC, "Events": ["s3:ObjectCreated:*"]}
# RGW tells another ARN of the topic that it knows.
SHOWN_NOTICE = {"Id": ID, "Events": ["s3:ObjectCreated:*"]}
SHOWN_OLD_NOTICE = {"Id": ID, "Event": "s3:ObjectCreated:*"}
OLD_NOTICE = {"Id": ID, "Topic": TOPIC, "Event": "s3:ObjectCreated:*"}
OWNERSHIP = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
TAGS = {"TagSet": [{"Key": "colour", "Value": "blue"}]}
WEBSITE = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}}
PAID = {"Payer": "Requester"}
ENABLED = {"Status": "Enabled"}
BLOCK = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": False,
    "RestrictPublicBuckets": False,
}
TIERING = {
    "Id": ID,
    "Status": "Enabled",
    "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}],
}
METRICS = {"Id": ID, "Filter": {"Prefix": "logs/"}}
VERSIONED = ("put_bucket_versioning", {"VersioningConfiguration": ENABLED})
LOGGED = ("put_bucket_acl", {"GrantWrite": LOGGERS, "GrantReadACP": LOGGERS})
BY_ID = {"which": {"Id": ID}}

CONFIGURATIONS = (
    of_bucket("abac", always(AbacStatus=ENABLED)),
    of_bucket(
        "accelerate_configuration",
        always(AccelerateConfiguration=ENABLED),
        shown=always(**ENABLED),
    ),
    of_bucket(
        "analytics_configuration",
        _analytics,
        delete="delete_bucket_analytics_configuration",
        list="list_bucket_analytics_configurations",
        listed="AnalyticsConfigurationList",
        **BY_ID,
    ),
    of_bucket(
        "cors",
        always(CORSConfiguration=CORS),
        shown=always(**CORS),
        delete="delete_bucket_cors",
    ),
    of_bucket(
        "encryption",
        always(ServerSideEncryptionConfiguration=ENCRYPTION),
        delete="delete_bucket_encryption",
    ),
    of_bucket(
        "intelligent_tiering_configuration",
        always(IntelligentTieringConfiguration=TIERING),
        delete="delete_bucket_intelligent_tiering_configuration",
        list="list_bucket_intelligent_tiering_configurations",
        listed="IntelligentTieringConfigurationList",
        **BY_ID,
    ),
    of_bucket(
        "inventory_configuration",
        _inventory,
        delete="delete_bucket_inventory_configuration",
        list="list_bucket_inventory_configurations",
        listed="InventoryConfigurationList",
        **BY_ID,
    ),
    of_bucket("lifecycle", always(LifecycleConfiguration=PREFIXED), shown=always(**PREFIXED)),
    of_bucket(
        "lifecycle_configuration",
        always(LifecycleConfiguration=FILTERED),
        shown=always(**FILTERED),
        delete="delete_bucket_lifecycle",
    ),
    of_bucket(
        "logging",
        lambda bucket: {"BucketLoggingStatus": _logging(bucket)},
        shown=_logging,
        before=(LOGGED,),
    ),
    of_bucket(
        "metrics_configuration",
        always(MetricsConfiguration=METRICS),
        delete="delete_bucket_metrics_configuration",
        list="list_bucket_metrics_configurations",
        listed="MetricsConfigurationList",
        **BY_ID,
    ),
    of_bucket(
        "notification",
        always(NotificationConfiguration={"TopicConfiguration": OLD_NOTICE}),
        shown=always(TopicConfiguration=SHOWN_OLD_NOTICE),
    ),
    of_bucket(
        "notification_configuration",
        always(NotificationConfiguration={"TopicConfigurations": [NOTICE]}),
        shown=always(TopicConfigurations=[SHOWN_NOTICE]),
    ),
    of_bucket(
        "ownership_controls",
        always(OwnershipControls=OWNERSHIP),
        delete="delete_bucket_ownership_controls",
    ),
    of_bucket("policy", lambda bucket: {"Policy": _policy(bucket)}, delete="delete_bucket_policy"),
    Configuration(
        setter="put_bucket_policy",
        get="get_bucket_policy_status",
        given=lambda bucket: {"Policy": _policy(bucket)},
        shown=always(PolicyStatus={"IsPublic": True}),
    ),
    of_bucket(
        "replication",
        _replication,
        delete="delete_bucket_replication",
        before=(VERSIONED,),
    ),
    of_bucket(
        "request_payment",
        always(RequestPaymentConfiguration=PAID),
        shown=always(**PAID),
    ),
    of_bucket(
        "tagging", always(Tagging=TAGS), shown=always(**TAGS), delete="delete_bucket_tagging"
    ),
    of_bucket("versioning", always(VersioningConfiguration=ENABLED), shown=always(**ENABLED)),
    of_bucket(
        "website",
        always(WebsiteConfiguration=WEBSITE),
        shown=always(**WEBSITE),
        delete="delete_bucket_website",
    ),
    Configuration(
        put="put_public_access_block",
        get="get_public_access_block",
        delete="delete_public_access_block",
        given=always(PublicAccessBlockConfiguration=BLOCK),
    ),
)
