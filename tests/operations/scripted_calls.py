"""Calls that no server of the tests supports, with the answers that Amazon documents for them.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ..protocol.test_event_stream import event

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
NOTHING: Mapping[str, str] = {}


class Call(NamedTuple):
    """One call: what goes over the wire for it, the answer, and what the caller gets."""

    operation: str
    request: str
    """Method and target."""
    params: Mapping[str, Any] = NOTHING
    """Beside the bucket, and the key of an operation on objects."""
    sends: str | bytes = b""
    """The document, without its namespace, or the bytes."""
    headers: Mapping[str, str] = NOTHING
    """Among those that are sent."""
    status: int = 200
    answer: str | bytes = b""
    answer_headers: Mapping[str, str] = NOTHING
    output: Mapping[str, Any] = NOTHING


def configuration(
    subject: str, query: str, member: str, document: str, value: dict[str, Any]
) -> Iterator[Call]:
    """The four operations of a configuration of which a bucket may have many."""
    named = f"/bucket?{query}=&id={value['Id']}"
    name, shown = f"bucket_{subject}_configuration", f"<{member}>{document}</{member}>"
    yield Call(f"put_{name}", f"PUT {named}", {"Id": value["Id"], member: value}, shown)
    yield Call(
        f"get_{name}", f"GET {named}", {"Id": value["Id"]}, answer=shown, output={member: value}
    )
    yield Call(f"delete_{name}", f"DELETE {named}", {"Id": value["Id"]}, status=204)
    page = (
        f"<IsTruncated>true</IsTruncated><ContinuationToken>one</ContinuationToken>{shown}"
        "<NextContinuationToken>two</NextContinuationToken>"
    )
    yield Call(
        f"list_{name}s",
        f"GET /bucket?{query}=&continuation-token=one",
        {"ContinuationToken": "one"},
        answer=f"<List{member}sResult>{page}</List{member}sResult>",
        output={
            "IsTruncated": True,
            "ContinuationToken": "one",
            "NextContinuationToken": "two",
            f"{member}List": [value],
        },
    )


ARN = "arn:aws:s3:::logs"
KEY_ARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd"
TABLES = "arn:aws:s3tables:us-east-1:111122223333:bucket/tables"
TABLE_ARN = f"{TABLES}/table/1"
NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)

ANALYTICS = {
    "Id": "all",
    "Filter": {"And": {"Prefix": "p/", "Tags": [{"Key": "a", "Value": "1"}]}},
    "StorageClassAnalysis": {
        "DataExport": {
            "OutputSchemaVersion": "V_1",
            "Destination": {"S3BucketDestination": {"Format": "CSV", "Bucket": ARN}},
        }
    },
}
ANALYTICS_XML = (
    "<Id>all</Id><Filter><And><Prefix>p/</Prefix><Tag><Key>a</Key><Value>1</Value></Tag></And>"
    "</Filter><StorageClassAnalysis><DataExport><OutputSchemaVersion>V_1</OutputSchemaVersion>"
    f"<Destination><S3BucketDestination><Format>CSV</Format><Bucket>{ARN}</Bucket>"
    "</S3BucketDestination></Destination></DataExport></StorageClassAnalysis>"
)
TIERING = {
    "Id": "cold",
    "Status": "Enabled",
    "Tierings": [
        {"Days": 90, "AccessTier": "ARCHIVE_ACCESS"},
        {"Days": 180, "AccessTier": "DEEP_ARCHIVE_ACCESS"},
    ],
}
TIERING_XML = (
    "<Id>cold</Id><Status>Enabled</Status>"
    "<Tiering><Days>90</Days><AccessTier>ARCHIVE_ACCESS</AccessTier></Tiering>"
    "<Tiering><Days>180</Days><AccessTier>DEEP_ARCHIVE_ACCESS</AccessTier></Tiering>"
)
METRICS = {"Id": "pictures", "Filter": {"Prefix": "pictures/"}}
METRICS_XML = "<Id>pictures</Id><Filter><Prefix>pictures/</Prefix></Filter>"
EXPIRING = {"RecordExpiration": {"Expiration": "ENABLED", "Days": 30}}
EXPIRING_XML = (
    "<RecordExpiration><Expiration>ENABLED</Expiration><Days>30</Days></RecordExpiration>"
)
ENABLED = "<ConfigurationState>ENABLED</ConfigurationState>"
ABAC = "<AbacStatus><Status>Enabled</Status></AbacStatus>"

BUCKET_CALLS = (
    *configuration("analytics", "analytics", "AnalyticsConfiguration", ANALYTICS_XML, ANALYTICS),
    *configuration(
        "intelligent_tiering",
        "intelligent-tiering",
        "IntelligentTieringConfiguration",
        TIERING_XML,
        TIERING,
    ),
    *configuration("metrics", "metrics", "MetricsConfiguration", METRICS_XML, METRICS),
    Call(
        "delete_bucket_inventory_configuration",
        "DELETE /bucket?inventory=&id=all",
        {"Id": "all"},
        status=204,
    ),
    Call("put_bucket_abac", "PUT /bucket?abac=", {"AbacStatus": {"Status": "Enabled"}}, ABAC),
    Call(
        "get_bucket_abac",
        "GET /bucket?abac=",
        answer=ABAC,
        output={"AbacStatus": {"Status": "Enabled"}},
    ),
    Call(
        "create_bucket_metadata_table_configuration",
        "POST /bucket?metadataTable=",
        {
            "MetadataTableConfiguration": {
                "S3TablesDestination": {"TableBucketArn": TABLES, "TableName": "t"}
            }
        },
        "<MetadataTableConfiguration><S3TablesDestination>"
        f"<TableBucketArn>{TABLES}</TableBucketArn><TableName>t</TableName>"
        "</S3TablesDestination></MetadataTableConfiguration>",
    ),
    Call(
        "get_bucket_metadata_table_configuration",
        "GET /bucket?metadataTable=",
        answer="<GetBucketMetadataTableConfigurationResult><MetadataTableConfigurationResult>"
        f"<S3TablesDestinationResult><TableBucketArn>{TABLES}</TableBucketArn>"
        f"<TableName>t</TableName><TableArn>{TABLE_ARN}</TableArn>"
        "<TableNamespace>aws_s3_metadata</TableNamespace></S3TablesDestinationResult>"
        "</MetadataTableConfigurationResult><Status>FAILED</Status>"
        "<Error><ErrorCode>AccessDenied</ErrorCode><ErrorMessage>no</ErrorMessage></Error>"
        "</GetBucketMetadataTableConfigurationResult>",
        output={
            "GetBucketMetadataTableConfigurationResult": {
                "MetadataTableConfigurationResult": {
                    "S3TablesDestinationResult": {
                        "TableBucketArn": TABLES,
                        "TableName": "t",
                        "TableArn": TABLE_ARN,
                        "TableNamespace": "aws_s3_metadata",
                    }
                },
                "Status": "FAILED",
                "Error": {"ErrorCode": "AccessDenied", "ErrorMessage": "no"},
            }
        },
    ),
    Call(
        "delete_bucket_metadata_table_configuration",
        "DELETE /bucket?metadataTable=",
        status=204,
    ),
    Call(
        "create_bucket_metadata_configuration",
        "POST /bucket?metadataConfiguration=",
        {
            "MetadataConfiguration": {
                "JournalTableConfiguration": EXPIRING,
                "InventoryTableConfiguration": {
                    "ConfigurationState": "ENABLED",
                    "EncryptionConfiguration": {
                        "SseAlgorithm": "aws:kms",
                        "KmsKeyArn": KEY_ARN,
                    },
                },
            }
        },
        f"<MetadataConfiguration><JournalTableConfiguration>{EXPIRING_XML}"
        f"</JournalTableConfiguration><InventoryTableConfiguration>{ENABLED}"
        f"<EncryptionConfiguration><SseAlgorithm>aws:kms</SseAlgorithm><KmsKeyArn>{KEY_ARN}"
        "</KmsKeyArn></EncryptionConfiguration></InventoryTableConfiguration>"
        "</MetadataConfiguration>",
    ),
    Call(
        "get_bucket_metadata_configuration",
        "GET /bucket?metadataConfiguration=",
        answer="<GetBucketMetadataConfigurationResult><MetadataConfigurationResult>"
        "<DestinationResult><TableBucketType>aws</TableBucketType></DestinationResult>"
        "<JournalTableConfigurationResult><TableStatus>ACTIVE</TableStatus>"
        f"<TableName>journal</TableName><TableArn>{TABLE_ARN}</TableArn>{EXPIRING_XML}"
        "</JournalTableConfigurationResult></MetadataConfigurationResult>"
        "</GetBucketMetadataConfigurationResult>",
        output={
            "GetBucketMetadataConfigurationResult": {
                "MetadataConfigurationResult": {
                    "DestinationResult": {"TableBucketType": "aws"},
                    "JournalTableConfigurationResult": {
                        "TableStatus": "ACTIVE",
                        "TableName": "journal",
                        "TableArn": TABLE_ARN,
                        **EXPIRING,
                    },
                }
            }
        },
    ),
    Call(
        "delete_bucket_metadata_configuration", "DELETE /bucket?metadataConfiguration=", status=204
    ),
    Call(
        "update_bucket_metadata_journal_table_configuration",
        "PUT /bucket?metadataJournalTable=",
        {"JournalTableConfiguration": EXPIRING},
        f"<JournalTableConfiguration>{EXPIRING_XML}</JournalTableConfiguration>",
    ),
    Call(
        "update_bucket_metadata_inventory_table_configuration",
        "PUT /bucket?metadataInventoryTable=",
        {"InventoryTableConfiguration": {"ConfigurationState": "ENABLED"}},
        f"<InventoryTableConfiguration>{ENABLED}</InventoryTableConfiguration>",
    ),
    Call(
        "update_bucket_metadata_annotation_table_configuration",
        "PUT /bucket?metadataAnnotationTable=",
        {"AnnotationTableConfiguration": {"ConfigurationState": "ENABLED"}},
        f"<AnnotationTableConfiguration>{ENABLED}</AnnotationTableConfiguration>",
    ),
    Call(
        "create_session",
        "GET /bucket?session=",
        {"SessionMode": "ReadOnly"},
        headers={"x-amz-create-session-mode": "ReadOnly"},
        answer="<CreateSessionResult><Credentials><SessionToken>token</SessionToken>"
        "<SecretAccessKey>secret</SecretAccessKey><AccessKeyId>id</AccessKeyId>"
        "<Expiration>2026-02-03T12:00:00Z</Expiration></Credentials></CreateSessionResult>",
        answer_headers={"x-amz-server-side-encryption": "AES256"},
        output={
            "ServerSideEncryption": "AES256",
            "Credentials": {
                "AccessKeyId": "id",
                "SecretAccessKey": "secret",
                "SessionToken": "token",
                "Expiration": NOON,
            },
        },
    ),
)

NOTE = "/bucket/a%20key?annotation=&annotationName=note"
CSV = (
    "<SelectObjectContentRequest><Expression>SELECT * FROM S3Object</Expression>"
    "<ExpressionType>SQL</ExpressionType><InputSerialization><CSV>"
    "<FileHeaderInfo>USE</FileHeaderInfo></CSV><CompressionType>GZIP</CompressionType>"
    "</InputSerialization><OutputSerialization><JSON/></OutputSerialization>"
    "<ScanRange><Start>0</Start><End>99</End></ScanRange></SelectObjectContentRequest>"
)
STATS = (
    b"<Stats><BytesScanned>30</BytesScanned><BytesProcessed>20</BytesProcessed>"
    b"<BytesReturned>10</BytesReturned></Stats>"
)

OBJECT_CALLS = (
    Call(
        "select_object_content",
        "POST /bucket/a%20key?select=&select-type=2",
        {
            "Expression": "SELECT * FROM S3Object",
            "ExpressionType": "SQL",
            "InputSerialization": {"CSV": {"FileHeaderInfo": "USE"}, "CompressionType": "GZIP"},
            "OutputSerialization": {"JSON": {}},
            "ScanRange": {"Start": 0, "End": 99},
        },
        CSV,
        answer=event("Records", b'{"a":"1"}\n') + event("Stats", STATS) + event("End"),
        output={
            "Payload": [
                {"Records": {"Payload": b'{"a":"1"}\n'}},
                {
                    "Stats": {
                        "Details": {
                            "BytesScanned": 30,
                            "BytesProcessed": 20,
                            "BytesReturned": 10,
                        }
                    }
                },
                {"End": {}},
            ]
        },
    ),
    Call(
        "restore_object",
        "POST /bucket/a%20key?restore=&versionId=v1",
        {
            "VersionId": "v1",
            "RestoreRequest": {"Days": 2, "GlacierJobParameters": {"Tier": "Bulk"}},
        },
        "<RestoreRequest><Days>2</Days><GlacierJobParameters><Tier>Bulk</Tier>"
        "</GlacierJobParameters></RestoreRequest>",
        status=202,
        answer_headers={"x-amz-restore-output-path": "out/", "x-amz-request-charged": "requester"},
        output={"RestoreOutputPath": "out/", "RequestCharged": "requester"},
    ),
    Call(
        "get_object_torrent",
        "GET /bucket/a%20key?torrent=",
        {"RequestPayer": "requester"},
        headers={"x-amz-request-payer": "requester"},
        answer=b"d8:announce0:e",
        answer_headers={"x-amz-request-charged": "requester"},
        output={"Body": b"d8:announce0:e", "RequestCharged": "requester"},
    ),
    Call(
        "update_object_encryption",
        "PUT /bucket/a%20key?encryption=",
        {"ObjectEncryption": {"SSEKMS": {"KMSKeyArn": KEY_ARN, "BucketKeyEnabled": True}}},
        f"<ObjectEncryption><SSE-KMS><KMSKeyArn>{KEY_ARN}</KMSKeyArn>"
        "<BucketKeyEnabled>true</BucketKeyEnabled></SSE-KMS></ObjectEncryption>",
    ),
    Call(
        "put_object_annotation",
        f"PUT {NOTE}",
        {"AnnotationName": "note", "AnnotationPayload": b"mine"},
        b"mine",
        answer="<PutObjectAnnotationResult><Key>a key</Key><AnnotationName>note</AnnotationName>"
        "</PutObjectAnnotationResult>",
        answer_headers={"ETag": '"1"', "x-amz-object-version-id": "v1"},
        output={
            "Key": "a key",
            "AnnotationName": "note",
            "ETag": '"1"',
            "ObjectVersionId": "v1",
        },
    ),
    Call(
        "get_object_annotation",
        f"GET {NOTE}",
        {"AnnotationName": "note"},
        answer=b"mine",
        answer_headers={"Last-Modified": "Tue, 03 Feb 2026 12:00:00 GMT", "ETag": '"1"'},
        output={
            "AnnotationPayload": b"mine",
            "ContentLength": 4,
            "LastModified": NOON,
            "ETag": '"1"',
        },
    ),
    Call(
        "list_object_annotations",
        "GET /bucket/a%20key?annotation=&max-annotation-results=1",
        {"MaxAnnotationResults": 1},
        answer="<ListObjectAnnotationsResult><Annotations><AnnotationEntry>"
        "<AnnotationName>note</AnnotationName><LastModified>2026-02-03T12:00:00.000Z"
        "</LastModified><Size>4</Size></AnnotationEntry></Annotations><Bucket>bucket</Bucket>"
        "<Key>a key</Key><AnnotationCount>1</AnnotationCount>"
        "<NextContinuationToken>more</NextContinuationToken></ListObjectAnnotationsResult>",
        output={
            "Annotations": [{"AnnotationName": "note", "LastModified": NOON, "Size": 4}],
            "Bucket": "bucket",
            "Key": "a key",
            "AnnotationCount": 1,
            "NextContinuationToken": "more",
        },
    ),
    Call(
        "delete_object_annotation",
        f"DELETE {NOTE}",
        {"AnnotationName": "note", "ObjectIfMatch": '"1"'},
        headers={"x-amz-object-if-match": '"1"'},
        status=204,
        answer_headers={"x-amz-object-version-id": "v1"},
        output={"ObjectVersionId": "v1"},
    ),
)
