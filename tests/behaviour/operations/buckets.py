"""Buckets themselves, and the listings of what is in them."""

from __future__ import annotations

from .stage import ODD_NAMES, Difference, Stage, new_name, require


async def create_bucket(stage: Stage) -> None:
    name = new_name()
    await stage.call("create_bucket", Bucket=name)
    stage.shared[name] = name
    require(await stage.prepare("head_bucket", Bucket=name) == "")


async def delete_bucket(stage: Stage) -> None:
    name = await stage.new_bucket()
    await stage.call("delete_bucket", Bucket=name)
    del stage.shared[name]
    require(await stage.prepare("head_bucket", Bucket=name) == "404")


async def head_bucket(stage: Stage) -> None:
    await stage.same("head_bucket", Bucket=await stage.bucket())
    require(await stage.same_refusal("head_bucket", Bucket=new_name()) == "404")


async def list_buckets(stage: Stage) -> None:
    """Other tests make buckets meanwhile, so only this one's entry is compared."""
    name = await stage.bucket()
    ours = await stage.same("list_buckets", apart_from=["Buckets"])
    theirs = await stage.oracle("list_buckets")
    entry = [bucket for bucket in ours["Buckets"] if bucket["Name"] == name]
    require(entry)
    if entry != [bucket for bucket in theirs["Buckets"] if bucket["Name"] == name]:
        raise Difference(f"list_buckets: we have {entry}, boto3 has {theirs['Buckets']}")


async def get_bucket_location(stage: Stage) -> None:
    """Servers call their regions as they like, so the document's root has to say what it is."""
    name = await stage.bucket()
    await stage.same("get_bucket_location", Bucket=name)
    document = stage.server.oracle.raw("GET", f"/{name}?location=").body
    require(b"<LocationConstraint" in document, "another answer")


async def list_objects(stage: Stage) -> None:
    where = await stage.objects()
    found = await stage.same("list_objects", **where)
    keys = [where["Prefix"] + name for name in ODD_NAMES]
    require([each["Key"] for each in found["Contents"]] == keys)
    found = await stage.same("list_objects", **where, Delimiter="/")
    require(len(found["Contents"]) == 1 and len(found["CommonPrefixes"]) == 2)
    # Servers send markers as they are, and boto3 decodes them all the same.
    found = await stage.same("list_objects", **where, MaxKeys=1, apart_from=["NextMarker"])
    require(found["IsTruncated"])
    for marker in (found.get("NextMarker", keys[0]), keys[0]):
        found = await stage.same("list_objects", **where, Marker=marker, apart_from=["Marker"])
        require([each["Key"] for each in found["Contents"]] == keys[1:])


async def list_objects_v2(stage: Stage) -> None:
    where = await stage.objects()
    found = await stage.same("list_objects_v2", **where, FetchOwner=True)
    keys = [where["Prefix"] + name for name in ODD_NAMES]
    require([each["Key"] for each in found["Contents"]] == keys)
    found = await stage.same("list_objects_v2", **where, Delimiter="/")
    require(len(found["Contents"]) == 1 and len(found["CommonPrefixes"]) == 2)
    # moto makes a new token each time.
    found = await stage.same(
        "list_objects_v2", **where, MaxKeys=1, apart_from=["NextContinuationToken"]
    )
    token = found["NextContinuationToken"]
    found = await stage.call("list_objects_v2", **where, ContinuationToken=token)
    require([each["Key"] for each in found["Contents"]] == keys[1:])


async def list_object_versions(stage: Stage) -> None:
    where = await stage.objects(await stage.bucket("versioned"))
    newer = {"Bucket": where["Bucket"], "Key": where["Prefix"] + ODD_NAMES[0]}
    await stage.oracle("put_object", **newer, Body=b"newer")
    await stage.oracle("delete_object", **newer)
    found = await stage.same("list_object_versions", **where)
    require(len(found.get("Versions", ())) == 4, "no versions")
    require(len(found.get("DeleteMarkers", ())) == 1, "no versions")
    await stage.same("list_object_versions", **where, Delimiter="/")
    found = await stage.same(
        "list_object_versions", **where, MaxKeys=1, apart_from=["NextKeyMarker"]
    )
    (key,) = (each["Key"] for name in ("Versions", "DeleteMarkers") for each in found.get(name, ()))
    require(found["IsTruncated"] and found["NextKeyMarker"] == key)


async def list_multipart_uploads(stage: Stage) -> None:
    where = await stage.upload()
    found = await stage.same("list_multipart_uploads", Bucket=where["Bucket"], Prefix=where["Key"])
    require([each["UploadId"] for each in found["Uploads"]] == [where["UploadId"]])


async def list_directory_buckets(stage: Stage) -> None:
    """No server has one, but on those that know the request no other bucket is among them.

    Not compared with boto3, which signs it for a service of which no server here knows.
    """
    name = await stage.bucket()
    found = await stage.call("list_directory_buckets")
    require("Buckets" in found, "another answer")
    require(name not in [bucket["Name"] for bucket in found["Buckets"]], "lists all buckets")


async def create_session(stage: Stage) -> None:
    found = await stage.call("create_session", Bucket=await stage.bucket())
    require("Credentials" in found, "another answer")
