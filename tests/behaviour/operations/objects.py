"""Objects: writing, reading, copying, deleting, and what some servers do with them besides."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from .stage import BODY, Stage, new_name, require

CSV = {
    "Expression": "SELECT * FROM S3Object s",
    "ExpressionType": "SQL",
    "InputSerialization": {"CSV": {"FileHeaderInfo": "NONE"}},
    "OutputSerialization": {"CSV": {}},
}
DESCRIBED: dict[str, Any] = {
    "CacheControl": "max-age=60",
    "ContentDisposition": 'attachment; filename="a.csv"',
    "ContentLanguage": "en",
    "ContentType": "text/csv",
    "Expires": datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
    "Metadata": {"colour": "blue"},
    "ChecksumAlgorithm": "CRC32",
}
NOTE = {"AnnotationName": "note"}
KMS_KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


async def put_object(stage: Stage) -> None:
    where = {"Bucket": await stage.bucket(), "Key": new_name()}
    await stage.call("put_object", **where, Body=BODY, ContentType="text/csv")
    found = await stage.seen("get_object", **where)
    require(found.get("Body") == BODY and found["ContentType"] == "text/csv")


async def get_object(stage: Stage) -> None:
    where = await stage.object(**DESCRIBED)
    found = await stage.same("get_object", **where, ChecksumMode="ENABLED")
    require(found["Body"] == BODY and found["ContentType"] == "text/csv")
    part = await stage.same("get_object", **where, Range="bytes=5-7")
    require(part["Body"] == BODY[5:8])
    same = await stage.same_refusal("get_object", **where, IfNoneMatch=found["ETag"])
    require(same == "304", "ignores If-None-Match")
    beyond = await stage.same_refusal("get_object", **where, Range="bytes=99-")
    require(beyond == "InvalidRange")
    missing = {"Bucket": where["Bucket"], "Key": new_name()}
    require(await stage.same_refusal("get_object", **missing) == "NoSuchKey")


async def head_object(stage: Stage) -> None:
    where = await stage.object(**DESCRIBED)
    found = await stage.same("head_object", **where, ChecksumMode="ENABLED")
    require(found["ContentLength"] == len(BODY) and found["ContentType"] == "text/csv")
    missing = {"Bucket": where["Bucket"], "Key": new_name()}
    require(await stage.same_refusal("head_object", **missing) == "404")


async def copy_object(stage: Stage) -> None:
    source = await stage.object()
    where = {"Bucket": source["Bucket"], "Key": new_name()}
    found = await stage.call("copy_object", **where, CopySource=source)
    require("ETag" in found["CopyObjectResult"], "another answer")
    require(await stage.content(where) == BODY)


async def delete_object(stage: Stage) -> None:
    where = await stage.object()
    await stage.call("delete_object", **where)
    require(await stage.content(where) is None)


async def delete_objects(stage: Stage) -> None:
    one, other, kept = [await stage.object() for _ in range(3)]
    keys = [{"Key": one["Key"]}, {"Key": other["Key"]}]
    found = await stage.call("delete_objects", Bucket=one["Bucket"], Delete={"Objects": keys})
    require(sorted(each["Key"] for each in found["Deleted"]) == sorted([one["Key"], other["Key"]]))
    require([await stage.content(each) for each in (one, other, kept)] == [None, None, BODY])


async def get_object_attributes(stage: Stage) -> None:
    where = await stage.object()
    wanted = ["ETag", "ObjectSize", "StorageClass", "Checksum", "ObjectParts"]
    found = await stage.same("get_object_attributes", **where, ObjectAttributes=wanted)
    require(found.get("ObjectSize") == len(BODY), "another answer")


async def get_object_torrent(stage: Stage) -> None:
    found = await stage.same("get_object_torrent", **await stage.object())
    require(found["Body"].startswith(b"d"), "another answer")


async def restore_object(stage: Stage) -> None:
    where = await stage.object()
    await stage.prepare("put_object", **where, Body=BODY, StorageClass="GLACIER")
    await stage.call("restore_object", **where, RestoreRequest={"Days": 1})
    require("Restore" in await stage.seen("head_object", **where))


async def select_object_content(stage: Stage) -> None:
    # Ceph RGW 16 answers without the last event, and ends with one of the next requests: here an
    # upload by POST, from whichever client.
    require(stage.server.name != "rgw", "takes the server down")
    found = await stage.same("select_object_content", **await stage.object(), **CSV)
    records = [event["Records"]["Payload"] for event in found["Payload"] if "Records" in event]
    require(b"".join(records).strip() == BODY.strip(), "another answer")


async def rename_object(stage: Stage) -> None:
    source = await stage.object()
    where = {"Bucket": source["Bucket"], "Key": new_name()}
    await stage.call("rename_object", **where, RenameSource=f"/{source['Bucket']}/{source['Key']}")
    require([await stage.content(source), await stage.content(where)] == [None, BODY])


async def update_object_encryption(stage: Stage) -> None:
    where = await stage.object()
    key = {"SSEKMS": {"KMSKeyArn": KMS_KEY}}
    await stage.call("update_object_encryption", **where, ObjectEncryption=key)
    await stage.untouched(where)
    require((await stage.seen("head_object", **where)).get("SSEKMSKeyId") == KMS_KEY)


async def write_get_object_response(stage: Stage) -> None:
    """Nobody waits for this answer, so that only AWS could tell its effect."""
    await stage.call(
        "write_get_object_response", RequestRoute="route", RequestToken="token", Body=BODY
    )
    require(False)


async def put_object_annotation(stage: Stage) -> None:
    where = await stage.object()
    await stage.call("put_object_annotation", **where, **NOTE, AnnotationPayload=b"mine")
    await stage.untouched(where)
    found = await stage.seen("get_object_annotation", **where, **NOTE)
    require(found.get("AnnotationPayload") == b"mine")


async def get_object_annotation(stage: Stage) -> None:
    where = await stage.object()
    await stage.prepare("put_object_annotation", **where, **NOTE, AnnotationPayload=b"mine")
    found = await stage.same("get_object_annotation", **where, **NOTE)
    require(await stage.content(where) == BODY, "reads the object")
    require(found["AnnotationPayload"] == b"mine", "another answer")


async def list_object_annotations(stage: Stage) -> None:
    where = await stage.object()
    await stage.prepare("put_object_annotation", **where, **NOTE, AnnotationPayload=b"mine")
    found = await stage.same("list_object_annotations", **where)
    require(found.get("AnnotationCount") == 1, "another answer")


async def delete_object_annotation(stage: Stage) -> None:
    where = await stage.object()
    await stage.prepare("put_object_annotation", **where, **NOTE, AnnotationPayload=b"mine")
    await stage.call("delete_object_annotation", **where, **NOTE)
    await stage.untouched(where)
    require(await stage.seen("get_object_annotation", **where, **NOTE) == {})
