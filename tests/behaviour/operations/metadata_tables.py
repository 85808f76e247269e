"""The tables in which AWS keeps what is known of a bucket's objects."""

from __future__ import annotations

from typing import Any

from .configurations import Configuration, always
from .stage import Stage, contains, require

TABLE = {
    "TableBucketArn": "arn:aws:s3tables:us-east-1:123456789012:bucket/tables",
    "TableName": "metadata",
}
FOREVER = {"RecordExpiration": {"Expiration": "DISABLED"}}
EXPIRING = {"RecordExpiration": {"Expiration": "ENABLED", "Days": 30}}
ENABLED = {"ConfigurationState": "ENABLED"}


def _result(**tables: Any) -> dict[str, Any]:
    return {"GetBucketMetadataConfigurationResult": {"MetadataConfigurationResult": tables}}


CONFIGURATIONS = (
    Configuration(
        put="create_bucket_metadata_table_configuration",
        get="get_bucket_metadata_table_configuration",
        delete="delete_bucket_metadata_table_configuration",
        given=always(MetadataTableConfiguration={"S3TablesDestination": TABLE}),
        shown=always(
            GetBucketMetadataTableConfigurationResult={
                "MetadataTableConfigurationResult": {"S3TablesDestinationResult": TABLE}
            }
        ),
    ),
    Configuration(
        put="create_bucket_metadata_configuration",
        get="get_bucket_metadata_configuration",
        delete="delete_bucket_metadata_configuration",
        given=always(MetadataConfiguration={"JournalTableConfiguration": FOREVER}),
        shown=always(**_result(JournalTableConfigurationResult=FOREVER)),
    ),
)


async def update_bucket_metadata_journal_table_configuration(stage: Stage) -> None:
    await _update(stage, "journal", "JournalTableConfiguration", EXPIRING)


async def update_bucket_metadata_inventory_table_configuration(stage: Stage) -> None:
    await _update(stage, "inventory", "InventoryTableConfiguration", ENABLED)


async def update_bucket_metadata_annotation_table_configuration(stage: Stage) -> None:
    await _update(stage, "annotation", "AnnotationTableConfiguration", ENABLED)


async def _update(stage: Stage, table: str, member: str, value: dict[str, Any]) -> None:
    bucket, _ = await CONFIGURATIONS[1].set(stage)
    operation = f"update_bucket_metadata_{table}_table_configuration"
    await stage.call(operation, Bucket=bucket, **{member: value})
    found = await stage.seen("get_bucket_metadata_configuration", Bucket=bucket)
    require(contains(found, _result(**{f"{member}Result": value})))
