"""Who may do what with an object, and until when it is kept: tags, ACLs, locks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from .stage import BODY, Params, Stage, contains, require

TAGS = {"TagSet": [{"Key": "colour", "Value": "blue"}]}
HELD = {"Status": "ON"}
RULE = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
LOCK = {"ObjectLockEnabled": "Enabled", "Rule": RULE}
EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers"
READABLE = [{"Grantee": {"Type": "Group", "URI": EVERYBODY}, "Permission": "READ"}]


def retention() -> dict[str, Any]:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    return {"Mode": "GOVERNANCE", "RetainUntilDate": until}


async def put_object_tagging(stage: Stage) -> None:
    where = await stage.object()
    await stage.call("put_object_tagging", **where, Tagging=TAGS)
    await stage.untouched(where)
    require(await stage.seen("get_object_tagging", **where) == TAGS)


async def get_object_tagging(stage: Stage) -> None:
    where = await stage.object()
    await _read(stage, where, "tagging", {"Tagging": TAGS}, TAGS)


async def delete_object_tagging(stage: Stage) -> None:
    where = await stage.object()
    await stage.prepare("put_object_tagging", **where, Tagging=TAGS)
    before = await stage.seen("get_object_tagging", **where)
    await stage.call("delete_object_tagging", **where)
    await stage.untouched(where)
    require(before == TAGS, "nothing to delete")
    require(not (await stage.seen("get_object_tagging", **where)).get("TagSet"))


async def put_object_acl(stage: Stage) -> None:
    where = await stage.object()
    await stage.call("put_object_acl", **where, ACL="public-read")
    await stage.untouched(where)
    require(contains(await stage.seen("get_object_acl", **where), {"Grants": READABLE}))


async def get_object_acl(stage: Stage) -> None:
    where = await stage.object()
    await _read(stage, where, "acl", {"ACL": "public-read"}, {"Grants": READABLE})


async def put_bucket_acl(stage: Stage) -> None:
    bucket = await stage.new_bucket()
    await stage.call("put_bucket_acl", Bucket=bucket, ACL="public-read")
    require(contains(await stage.seen("get_bucket_acl", Bucket=bucket), {"Grants": READABLE}))


async def get_bucket_acl(stage: Stage) -> None:
    bucket = await stage.new_bucket()
    await stage.prepare("put_bucket_acl", Bucket=bucket, ACL="public-read")
    require(contains(await stage.same("get_bucket_acl", Bucket=bucket), {"Grants": READABLE}))


async def put_object_lock_configuration(stage: Stage) -> None:
    bucket = await stage.new_bucket(ObjectLockEnabledForBucket=True)
    await stage.call("put_object_lock_configuration", Bucket=bucket, ObjectLockConfiguration=LOCK)
    found = await stage.seen("get_object_lock_configuration", Bucket=bucket)
    require(contains(found, {"ObjectLockConfiguration": LOCK}))


async def get_object_lock_configuration(stage: Stage) -> None:
    bucket = await stage.new_bucket(ObjectLockEnabledForBucket=True)
    await stage.prepare(
        "put_object_lock_configuration", Bucket=bucket, ObjectLockConfiguration=LOCK
    )
    found = await stage.same("get_object_lock_configuration", Bucket=bucket)
    require(contains(found, {"ObjectLockConfiguration": LOCK}), "another answer")


async def put_object_legal_hold(stage: Stage) -> None:
    where = await stage.object(await stage.bucket("locked"))
    await stage.call("put_object_legal_hold", **where, LegalHold=HELD)
    await stage.untouched(where)
    require(await stage.seen("get_object_legal_hold", **where) == {"LegalHold": HELD})


async def get_object_legal_hold(stage: Stage) -> None:
    where = await stage.object(await stage.bucket("locked"))
    await _read(stage, where, "legal_hold", {"LegalHold": HELD})


async def put_object_retention(stage: Stage) -> None:
    where, kept = await stage.object(await stage.bucket("locked")), retention()
    await stage.call("put_object_retention", **where, Retention=kept)
    await stage.untouched(where)
    require(await stage.seen("get_object_retention", **where) == {"Retention": kept})


async def get_object_retention(stage: Stage) -> None:
    where = await stage.object(await stage.bucket("locked"))
    await _read(stage, where, "retention", {"Retention": retention()})


async def _read(
    stage: Stage,
    where: Params,
    subject: str,
    given: dict[str, Any],
    shown: dict[str, Any] | None = None,
) -> None:
    """Set *subject* of an object with boto3, and read it; *shown* is read, if not what is given."""
    refusal = await stage.prepare(f"put_object_{subject}", **where, **given)
    found = await stage.same(f"get_object_{subject}", **where)
    require(await stage.content(where) == BODY, "reads the object")
    wanted = contains(found, shown or given)
    require(wanted, "nothing to read" if refusal else "another answer")
