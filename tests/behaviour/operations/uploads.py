"""The steps of an upload in parts."""

from __future__ import annotations

from .stage import BODY, Stage, new_name, require


async def create_multipart_upload(stage: Stage) -> None:
    where = {"Bucket": await stage.bucket(), "Key": new_name()}
    made = await stage.call("create_multipart_upload", **where)
    where["UploadId"] = made["UploadId"]
    part = await stage.oracle("upload_part", **where, PartNumber=1, Body=BODY)
    parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
    await stage.oracle("complete_multipart_upload", **where, MultipartUpload={"Parts": parts})
    require(await stage.content(where) == BODY)


async def upload_part(stage: Stage) -> None:
    where = await stage.upload()
    part = await stage.call("upload_part", **where, PartNumber=1, Body=BODY)
    parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
    await stage.oracle("complete_multipart_upload", **where, MultipartUpload={"Parts": parts})
    require(await stage.content(where) == BODY)


async def upload_part_copy(stage: Stage) -> None:
    source, where = await stage.object(), await stage.upload()
    part = await stage.call("upload_part_copy", **where, PartNumber=1, CopySource=source)
    require("ETag" in part.get("CopyPartResult", {}), "another answer")
    parts = [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]
    await stage.oracle("complete_multipart_upload", **where, MultipartUpload={"Parts": parts})
    require(await stage.content(where) == BODY)


async def complete_multipart_upload(stage: Stage) -> None:
    where = await stage.upload()
    part = await stage.oracle("upload_part", **where, PartNumber=1, Body=BODY)
    parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
    done = await stage.call("complete_multipart_upload", **where, MultipartUpload={"Parts": parts})
    require(done["Key"] == where["Key"], "another answer")
    require(await stage.content(where) == BODY)


async def abort_multipart_upload(stage: Stage) -> None:
    where = await stage.upload(BODY)
    await stage.call("abort_multipart_upload", **where)
    left = await stage.seen("list_multipart_uploads", Bucket=where["Bucket"], Prefix=where["Key"])
    require(not left.get("Uploads"))
    require(await stage.prepare("list_parts", **where) != "")


async def list_parts(stage: Stage) -> None:
    where = await stage.upload(BODY, BODY + BODY)
    found = await stage.same("list_parts", **where)
    require([part["Size"] for part in found["Parts"]] == [len(BODY), 2 * len(BODY)])
    found = await stage.same("list_parts", **where, MaxParts=1)
    require(found["IsTruncated"] and len(found["Parts"]) == 1)
