"""How S3 is asked to delete the keys of one bucket."""

from __future__ import annotations

import http
from functools import partial
from typing import TYPE_CHECKING

from ..api import Api
from ..engine import Engine
from ..errors import AwsError
from ..models import DeletedObject, DeleteError, DeleteResult
from ..protocol.endpoints.directory import is_directory
from ..protocol.retry import is_transient
from ..transfer.delete import UNFIT_FOR_EXPRESS, UNFIT_FOR_XML, Calls, Target
from .outputs import deletions_of

if TYPE_CHECKING:
    from ..api import ObjectIdentifierDict


def deletion_calls(
    engine: Engine, api: Api, bucket: str, *, within: str = "", quiet: bool = False
) -> Calls:
    """The calls that delete keys of *bucket*, which are given and returned without *within*.

    With *quiet* only errors are returned. Keys that S3 could not delete for the moment
    (``InternalError``, ``SlowDown``) are asked for again first, as often as the client's settings
    and its quota of retries allow.
    """
    return Calls(
        batch=partial(_delete_batch, engine, api, bucket, within, quiet),
        single=partial(_delete_single, api, bucket, within, quiet),
        unfit=UNFIT_FOR_EXPRESS if is_directory(bucket) else UNFIT_FOR_XML,
    )


async def _delete_batch(
    engine: Engine, api: Api, bucket: str, within: str, quiet: bool, targets: list[Target]
) -> DeleteResult:
    deleted: list[DeletedObject] = []
    refused: list[DeleteError] = []
    attempts = engine.pipeline.attempts()
    while True:
        attempts.sent()
        result = await _asked(api, bucket, within, quiet, targets)
        deleted += result.deleted
        again = _to_repeat(targets, result.errors)
        if not again:
            engine.pipeline.quota.give_back(attempts.paid)
        if not again or not await engine.pipeline.pause(attempts):
            refused += result.errors
            break
        refused += [error for error in result.errors if not _may_pass(error)]
        targets = again
    # Not all servers know of Quiet.
    return DeleteResult([] if quiet else deleted, refused)


async def _asked(
    api: Api, bucket: str, within: str, quiet: bool, targets: list[Target]
) -> DeleteResult:
    objects: list[ObjectIdentifierDict] = [
        {"Key": within + key} if version_id is None
        else {"Key": within + key, "VersionId": version_id}
        for key, version_id in targets
    ]  # fmt: skip
    answer = await api.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": quiet})
    return deletions_of(answer, within)


def _may_pass(error: DeleteError) -> bool:
    """Whether S3 only had no time for it; the request as a whole succeeded all the same."""
    return is_transient(http.HTTPStatus.OK, error.code)


def _to_repeat(targets: list[Target], errors: list[DeleteError]) -> list[Target]:
    # Taken from what was asked for: a server that leaves the version id out of its error must
    # not have the current version deleted in its place.
    passing = {(error.key, error.version_id) for error in errors if _may_pass(error)}
    if not passing:
        return []
    return [target for target in targets if target in passing or (target[0], None) in passing]


async def _delete_single(
    api: Api, bucket: str, within: str, quiet: bool, target: Target
) -> DeleteResult:
    key, version_id = target
    asking = (
        api.delete_object(Bucket=bucket, Key=within + key)
        if version_id is None
        else api.delete_object(Bucket=bucket, Key=within + key, VersionId=version_id)
    )
    try:
        answer = await asking
    except AwsError as error:
        return DeleteResult([], [DeleteError(key, version_id, error.code, error.message)])
    marker = answer.get("DeleteMarker", False)
    gone = DeletedObject(key, version_id, marker, answer.get("VersionId") if marker else None)
    return DeleteResult([] if quiet else [gone], [])
