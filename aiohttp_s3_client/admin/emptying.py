"""Emptying a bucket: everything that a listing shows is deleted while the listing goes on.

::

    page n+1 is listed ──> page n ──> DeleteObjects, several in flight ──> on_progress(key)

A page is deleted only when the one behind it has come: some servers look up where a page begins
by the last entry of the page before, and skip or repeat much when that is gone. The listing is
gone through once, so what it shows again, or what is stored meanwhile, cannot keep it going.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ..api import Api
from ..arguments import bound_bucket
from ..config import DEFAULT_WORKERS
from ..engine import Engine
from ..errors import AwsError, DeleteFailed, NoSuchUpload, ResponseParseError
from ..errors.many import KEPT
from ..models import DeleteError, DeleteResult
from ..protocol.circle import Circle
from ..transfer.callbacks import check_callback, tell
from ..transfer.delete import Target, delete_each
from ..transfer.listing import list_objects
from ..transfer.schedule import Job, run_jobs
from .deletion import deletion_calls
from .outputs import versions_of

if TYPE_CHECKING:
    from ..api import ListMultipartUploadsOutput


OnDeleted = Callable[[str], object]
Item = TypeVar("Item")


class Emptying:
    """Deletes all there is in a bucket, or under a prefix."""

    _engine: Engine
    _api: Api

    async def empty_bucket(
        self,
        bucket: str | None = None,
        *,
        prefix: str = "",
        versions: bool = False,
        uploads: bool = False,
        on_progress: OnDeleted | None = None,
    ) -> int:
        """Delete all objects of a bucket, or those under *prefix*; returns how many.

        :param prefix: relative to the client's URL, as keys are; nothing beside that is touched.
        :param versions: all versions and delete markers, which are counted then. Without it, a
            versioned bucket keeps them behind new delete markers.
        :param uploads: abort unfinished multipart uploads first; they are not counted.
        :param on_progress: called with the key of each object (or version) that was deleted,
            one at a time; it may be async. What it raises ends the emptying.

        Listing and up to 8 requests for 1,000 keys each run at once; memory does not depend on
        the size of the bucket. What is stored meanwhile may stay. Deleted objects do not come back
        when this ends early; it can be called again.

        Raises ``DeleteFailed`` at the end when S3 refused some, ``NoSuchBucket``, and S3's other
        typed errors when a request fails as a whole, with a note of how many were deleted.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/empty-bucket.html
        """
        name = bound_bucket(self._engine.endpoint, bucket)
        if not isinstance(prefix, str):
            raise TypeError(f"prefix must be a str, not {prefix!r}")
        check_callback("on_progress", on_progress)
        place = _Place(self._engine, self._api, name, self._engine.endpoint.key_prefix, prefix)
        tally = _Tally(place.within, on_progress)
        if uploads:
            await _abort_uploads(place, tally)
        pages = _version_pages(place) if versions else _object_pages(place)
        calls = deletion_calls(self._engine, self._api, name, quiet=on_progress is None)
        await delete_each(_counted(pages, tally), calls, DEFAULT_WORKERS, tally.report)
        deleted = tally.listed - tally.refused
        if tally.errors:
            raise DeleteFailed(tally.errors, tally.failed, deleted)
        return deleted


class _Place(NamedTuple):
    """What is emptied: the keys of *bucket* that begin with *within* (the URL's) and *prefix*."""

    engine: Engine
    api: Api
    bucket: str
    within: str
    prefix: str


class _Tally:
    """What has become of all that was found, in numbers. Keys are told without *within*."""

    def __init__(self, within: str, on_deleted: OnDeleted | None) -> None:
        self.listed = 0
        self.refused = 0
        """Of those that were listed."""
        self.failed = 0
        """Those refused, and uploads that could not be aborted."""
        self.errors: list[DeleteError] = []
        self._within = within
        self._on_deleted = on_deleted

    async def report(self, result: DeleteResult) -> None:
        self.refused += len(result.errors)
        for error in result.errors:
            self.fail(error)
        if self._on_deleted is not None:
            for gone in result.deleted:
                await tell(self._on_deleted, gone.key.removeprefix(self._within))

    def fail(self, error: DeleteError) -> None:
        self.failed += 1
        if len(self.errors) < KEPT:
            self.errors.append(error._replace(key=error.key.removeprefix(self._within)))


async def _counted(
    pages: AsyncGenerator[list[Target], None], tally: _Tally
) -> AsyncGenerator[Target, None]:
    async with aclosing(_one_ahead(pages)) as found:
        async for page in found:
            tally.listed += len(page)
            for target in page:
                yield target


async def _one_ahead(
    pages: AsyncGenerator[list[Item], None],
) -> AsyncGenerator[list[Item], None]:
    """*pages*, each when the one behind it has come. Pages that come again are an error."""
    held: list[Item] = []
    circle = Circle()
    async with aclosing(pages):
        async for page in pages:
            if not page:
                continue
            if circle.closed_by(page):
                raise ResponseParseError(f"the listing comes in a circle: {page[0]!r:.200} again")
            yield held
            held = page
    yield held


async def _object_pages(place: _Place) -> AsyncGenerator[list[Target], None]:
    _, _, bucket, within, prefix = place
    found = list_objects(place.engine, bucket, prefix=within + prefix or None)
    async with aclosing(found):
        async for objects, _ in found:
            yield [(meta.key, None) for meta in objects]


async def _version_pages(place: _Place) -> AsyncGenerator[list[Target], None]:
    _, api, bucket, within, prefix = place
    async for page in api.paginate("list_object_versions", Bucket=bucket, Prefix=within + prefix):
        yield [(version.key, version.version_id) for version in versions_of(page, "")]


async def _upload_pages(place: _Place) -> AsyncGenerator[list[tuple[str, str]], None]:
    _, api, bucket, within, prefix = place
    pages = api.paginate("list_multipart_uploads", Bucket=bucket, Prefix=within + prefix)
    try:
        async for page in pages:
            yield _uploads_of(page)
    except NoSuchUpload:
        return  # So rclone says that there are none.


def _uploads_of(page: ListMultipartUploadsOutput) -> list[tuple[str, str]]:
    try:
        return [(upload["Key"], upload["UploadId"]) for upload in page.get("Uploads", ())]
    except KeyError as missing:
        raise ResponseParseError(
            f"ListMultipartUploads: the answer has an entry without {missing}"
        ) from None


async def _abort_uploads(place: _Place, tally: _Tally) -> None:
    async def abort(key: str, upload_id: str) -> None:
        try:
            await place.api.abort_multipart_upload(Bucket=place.bucket, Key=key, UploadId=upload_id)
        except NoSuchUpload:
            return  # Completed or aborted since it was listed.
        except AwsError as error:
            message = f"aborting the upload {upload_id}: {error.message}"
            tally.fail(DeleteError(key, None, error.code, message))

    async def jobs() -> AsyncGenerator[Job, None]:
        async with aclosing(_one_ahead(_upload_pages(place))) as pages:
            async for page in pages:
                for key, upload_id in page:
                    yield partial(abort, key, upload_id)

    await run_jobs(jobs(), DEFAULT_WORKERS)
