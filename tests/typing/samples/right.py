"""Calls that are right: neither checker may say a word about any of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, assert_type

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.api import Api

if TYPE_CHECKING:
    from aiohttp_s3_client.api import (
        CommonPrefixDict,
        CORSRuleDict,
        LifecycleRuleDict,
        ObjectDict,
        ObjectVersionDict,
        PartDict,
        PutObjectRequest,
        StorageClassLiteral,
    )
    from aiohttp_s3_client.operations.body import StreamingBody


async def of_a_client(client: S3Client) -> None:
    assert_type(client.api, Api)
    put = await client.api.put_object(Bucket="b", Key="k", Body=b"data")
    assert_type(put["ETag"], str)
    buckets = await client.api.list_buckets()
    assert_type([bucket["CreationDate"] for bucket in buckets["Buckets"]], list[datetime])
    async for page in client.api.paginate("list_objects_v2", Bucket="b"):
        assert_type(page["IsTruncated"], bool)


async def objects(api: Api, path: Path, stream: AsyncIterator[bytes]) -> None:
    put = await api.put_object(Bucket="b", Key="k", Body=b"data", Metadata={"a": "b"})
    assert_type(put["ETag"], str)
    assert_type(put.get("VersionId"), str | None)
    await api.put_object(Bucket="b", Key="k", Body=path, StorageClass="STANDARD_IA")
    await api.put_object(Bucket="b", Key="k", Body=stream, ContentLength=3, IfNoneMatch="*")
    await api.put_object(Bucket="b", Key="k", Body=memoryview(b"x"), Expires=datetime.now(UTC))
    await api.put_object(Bucket="b", Key="k", Expires="2030-01-01", SSECustomerKey=bytes(32))

    got = await api.get_object(Bucket="b", Key="k", Range="bytes=0-9", IfModifiedSince=1.5e9)
    assert_type(got["Body"], StreamingBody)
    assert_type(await got["Body"].read(), bytes)
    assert_type(got["ContentLength"], int)
    assert_type(got["LastModified"], datetime)
    assert_type(got["Metadata"], dict[str, str])
    assert_type(got["ResponseMetadata"]["HTTPStatusCode"], int)
    assert_type(got["ResponseMetadata"]["HTTPHeaders"], dict[str, str])
    async for chunk in got["Body"]:
        assert_type(chunk, bytes)
    async with got["Body"] as body:
        await body.readinto(bytearray(9))

    head = await api.head_object(Bucket="b", Key="k", ChecksumMode="ENABLED")
    storage_class = head.get("StorageClass", "STANDARD")
    await api.copy_object(
        Bucket="b",
        Key="k",
        CopySource={"Bucket": "b", "Key": "k", "VersionId": "v"},
        StorageClass=storage_class,
    )
    copied = await api.copy_object(Bucket="b", Key="k", CopySource="b/k", TaggingDirective="COPY")
    assert_type(copied["CopyObjectResult"]["ETag"], str)

    deleted = await api.delete_objects(
        Bucket="b", Delete={"Objects": [{"Key": "k"}, {"Key": "l", "ETag": "e"}], "Quiet": True}
    )
    for error in deleted.get("Errors", []):
        assert_type(error["Code"], str)
    nothing = await api.put_object_acl(Bucket="b", Key="k", ACL="private")
    nothing.get("RequestCharged")


async def parameters_in_a_dict(api: Api, content_type: str | None) -> None:
    params: PutObjectRequest = {"Bucket": "b", "Key": "k"}
    if content_type is not None:
        params["ContentType"] = content_type
    await api.put_object(**params)
    anything: dict[str, Any] = {"Bucket": "b"}
    await api.list_buckets(**anything)


async def an_upload_in_parts(api: Api, parts: list[bytes]) -> None:
    upload = await api.create_multipart_upload(Bucket="b", Key="k", ChecksumAlgorithm="CRC32")
    done = [
        await api.upload_part(
            Bucket="b", Key="k", UploadId=upload["UploadId"], PartNumber=number, Body=part
        )
        for number, part in enumerate(parts, 1)
    ]
    await api.complete_multipart_upload(
        Bucket="b",
        Key="k",
        UploadId=upload["UploadId"],
        MultipartUpload={
            "Parts": [
                {"PartNumber": number, "ETag": part["ETag"]} for number, part in enumerate(done, 1)
            ]
        },
    )


async def settings_of_a_bucket(api: Api) -> None:
    created = await api.create_bucket(
        Bucket="b", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    assert_type(created.get("Location"), str | None)
    located = await api.get_bucket_location(Bucket="b")
    region: str = located["LocationConstraint"] or "us-east-1"
    print(region)
    cors: CORSRuleDict = {
        "AllowedMethods": ["GET"],
        "AllowedOrigins": ("*",),
        "MaxAgeSeconds": 60,
    }
    cors["ID"] = "one"
    done = await api.put_bucket_cors(Bucket="b", CORSConfiguration={"CORSRules": (cors,)})
    assert_type(done["ResponseMetadata"]["RequestId"], str)
    await api.put_bucket_lifecycle_configuration(
        Bucket="b",
        LifecycleConfiguration={
            "Rules": [
                {
                    "Status": "Enabled",
                    "Filter": {"Prefix": "tmp/"},
                    "Expiration": {"Date": datetime(2030, 1, 1, tzinfo=UTC)},
                    "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}],
                }
            ]
        },
    )
    await api.put_bucket_versioning(Bucket="b", VersioningConfiguration={"Status": "Enabled"})
    versioning = await api.get_bucket_versioning(Bucket="b")
    assert_type(versioning.get("Status"), Literal["Enabled", "Suspended"] | None)
    await api.put_bucket_notification_configuration(
        Bucket="b", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    policy = await api.get_bucket_policy(Bucket="b")
    assert_type(policy["Policy"], str)
    tags = await api.get_bucket_tagging(Bucket="b")
    await api.put_object_tagging(Bucket="b", Key="k", Tagging={"TagSet": tags["TagSet"]})


async def what_was_read_is_written_back(api: Api) -> None:
    rules = (await api.get_bucket_cors(Bucket="b"))["CORSRules"]
    rules[0]["AllowedMethods"].append("PUT")
    rules.append({"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]})
    await api.put_bucket_cors(Bucket="b", CORSConfiguration={"CORSRules": rules})

    read = (await api.get_bucket_lifecycle_configuration(Bucket="b"))["Rules"]
    added: LifecycleRuleDict = {"Status": "Disabled", "Prefix": "", "Expiration": {"Days": 1}}
    await api.put_bucket_lifecycle_configuration(
        Bucket="b", LifecycleConfiguration={"Rules": [*read, added]}
    )
    acl = await api.get_object_acl(Bucket="b", Key="k")
    await api.put_object_acl(
        Bucket="b",
        Key="k",
        AccessControlPolicy={"Grants": acl["Grants"], "Owner": acl["Owner"]},
    )
    told = await api.get_bucket_notification_configuration(Bucket="b")
    await api.put_bucket_notification_configuration(Bucket="b", NotificationConfiguration=told)
    replicated = (await api.get_bucket_replication(Bucket="b"))["ReplicationConfiguration"]
    await api.put_bucket_replication(Bucket="b", ReplicationConfiguration=replicated)
    encrypted = await api.get_bucket_encryption(Bucket="b")
    await api.put_bucket_encryption(
        Bucket="b",
        ServerSideEncryptionConfiguration=encrypted["ServerSideEncryptionConfiguration"],
    )


async def listings(api: Api) -> None:
    pages = api.paginate(
        "list_objects_v2", Bucket="b", Prefix="p/", PaginationConfig={"PageSize": 100}
    )
    async for page in pages:
        assert_type(page["KeyCount"], int)
        for entry in page.get("Contents", []):
            assert_type(entry["Key"], str)
            assert_type(entry["LastModified"], datetime)
            storage_class: StorageClassLiteral | str = entry.get("StorageClass", "STANDARD")
            print(storage_class)
    async for entry in pages.items():
        assert_type(entry, ObjectDict)
        assert_type(entry["Size"], int)
    async for prefix in pages.items("CommonPrefixes"):
        assert_type(prefix, CommonPrefixDict)
    versions = api.paginate("list_object_versions", Bucket="b")
    assert_type([version["Key"] async for version in versions.items()], list[str])
    async for version in versions.items("Versions"):
        assert_type(version, ObjectVersionDict)
    async for marker in versions.items("DeleteMarkers"):
        assert_type(marker["IsLatest"], bool)
    parts = api.paginate("list_parts", Bucket="b", Key="k", UploadId="u", PaginationConfig={})
    async for part in parts.items():
        assert_type(part, PartDict)
    async for bucket in api.paginate("list_buckets").items("Buckets"):
        assert_type(bucket["Name"], str)


async def waiting(api: Api) -> None:
    await api.wait_until("object_exists", Bucket="b", Key="k")
    await api.wait_until("bucket_not_exists", Bucket="b", WaiterConfig={"Delay": 0.5})
    config: Any = {"MaxAttempts": 3}
    await api.wait_until("object_not_exists", Bucket="b", Key="k", WaiterConfig=config)


async def selecting(api: Api) -> None:
    selected = await api.select_object_content(
        Bucket="b",
        Key="k",
        Expression="SELECT * FROM S3Object",
        ExpressionType="SQL",
        InputSerialization={"CSV": {"FileHeaderInfo": "USE"}, "CompressionType": "NONE"},
        OutputSerialization={"JSON": {}},
    )
    async with selected["Payload"] as events:
        async for event in events:
            if "Records" in event:
                assert_type(event["Records"]["Payload"], bytes)
            elif "Stats" in event:
                assert_type(event["Stats"]["Details"]["BytesScanned"], int)


async def rarer_ones(api: Api) -> None:
    await api.write_get_object_response(RequestRoute="r", RequestToken="t", Body=b"")
    await api.rename_object(Bucket="b", Key="k", RenameSource="old")
    await api.restore_object(Bucket="b", Key="k", RestoreRequest={"Days": 1})
    sizes = await api.get_object_attributes(Bucket="b", Key="k", ObjectAttributes=["ObjectSize"])
    assert_type(sizes.get("ObjectSize"), int | None)
    torrent = await api.get_object_torrent(Bucket="b", Key="k")
    await torrent["Body"].read(9)
    session = await api.create_session(Bucket="b--use1-az4--x-s3", SessionMode="ReadOnly")
    assert_type(session["Credentials"]["Expiration"], datetime)
    assert_type(dir(api), list[str])
