"""Objects beside their content: looked for, deleted, tagged, restored, their versions listed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Required, TypedDict

from ..api import Api
from ..arguments import bound_bucket, locate_key
from ..config import DEFAULT_WORKERS, check_positive
from ..engine import Engine
from ..errors import NoSuchTagSet, NotFound, ResponseParseError
from ..models import DeleteResult, ObjectAttributes, ObjectVersionInfo
from ..transfer.delete import Keys, check_keys, delete_all
from .deletion import deletion_calls
from .outputs import attributes_of, set_or_none, tags_of, versions_of
from .settings import tag_set

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..api import (
        ObjectAttributesLiteral,
        RestoreRequestDict,
        TierLiteral,
    )


class _Object(TypedDict, total=False):
    """What names an object, or a version of it, in the parameters of an operation."""

    Bucket: Required[str]
    Key: Required[str]
    VersionId: str


class Objects:
    """Objects, which have names as everywhere in this client."""

    _engine: Engine
    _api: Api

    async def object_exists(
        self, object_name: str | PurePath, *, version_id: str | None = None
    ) -> bool:
        """Whether there is such an object; False also where its bucket is missing.

        Without the right to list the bucket S3 does not tell, and ``Forbidden`` is raised. A
        *version_id* of a delete marker raises ``MethodNotAllowed``.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
        """
        try:
            await self._api.head_object(**self._object(object_name, version_id))
        except NotFound:
            return False
        return True

    async def delete_objects(
        self,
        keys: Keys,
        *,
        bucket: str | None = None,
        quiet: bool = False,
        workers_count: int = DEFAULT_WORKERS,
    ) -> DeleteResult:
        """Delete any number of objects, 1,000 by a request, *workers_count* requests in flight.

        :param keys: an iterable, or an async one, of keys under the client's URL or of
            ``(key, version id)``. It is taken from as requests become free, so it may be longer
            than memory; one that makes its items as it goes is asked in a thread.
        :param quiet: the result holds the errors only.

        Keys that S3 refuses are returned in ``errors``, not raised; one that does not exist
        counts as deleted. When a whole request fails no further one is sent, and when those in
        flight have ended the typed error is raised: its note says how many were deleted.
        ``TypeError`` and ``ValueError`` for what is no key come in the same way.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
        """
        name = bound_bucket(self._engine.endpoint, bucket)
        check_keys(keys)
        workers = check_positive("workers_count", workers_count)
        within = self._engine.endpoint.key_prefix
        calls = deletion_calls(self._engine, self._api, name, within=within, quiet=quiet)
        return await delete_all(keys, calls, workers)

    def list_object_versions(
        self, bucket: str | None = None, *, prefix: str | None = None
    ) -> AsyncIterator[ObjectVersionInfo]:
        """All versions and delete markers of a bucket, by key, the newest of a key first.

        Where the client's URL has a prefix, keys come relative to it, and *prefix* is. One page
        (of 1,000) is asked for at a time.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
        """
        return self._versions(bound_bucket(self._engine.endpoint, bucket), prefix or "")

    async def get_tags(
        self, object_name: str | PurePath, *, version_id: str | None = None
    ) -> dict[str, str]:
        """The object's tags; empty when it has none. ``NoSuchKey`` when it does not exist.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html
        """
        asking = self._api.get_object_tagging(**self._object(object_name, version_id))
        found = await set_or_none(asking, NoSuchTagSet)
        return tags_of(found.get("TagSet", ()) if found else ())

    async def put_tags(
        self,
        object_name: str | PurePath,
        tags: Mapping[str, str],
        *,
        version_id: str | None = None,
    ) -> None:
        """Give the object these tags (S3: up to 10) and no others. Raises ``InvalidTag``.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html
        """
        params = self._object(object_name, version_id)
        await self._api.put_object_tagging(**params, Tagging={"TagSet": tag_set(tags)})

    async def delete_tags(
        self, object_name: str | PurePath, *, version_id: str | None = None
    ) -> None:
        """Take all tags from the object; no error when it has none.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjectTagging.html
        """
        await self._api.delete_object_tagging(**self._object(object_name, version_id))

    async def restore(
        self,
        object_name: str | PurePath,
        days: int | None = None,
        tier: TierLiteral = "Standard",
        *,
        version_id: str | None = None,
    ) -> None:
        """Ask for a copy of an archived object that can be read, for *days* days.

        It takes minutes to hours, as *tier* says (``Expedited``, ``Standard``, ``Bulk``); for one
        that is there already *days* begin anew. Without *days*: an object that
        Intelligent-Tiering archived, which moves back. Raises ``RestoreAlreadyInProgress``, and
        ``ObjectAlreadyInActiveTierError`` or ``InvalidObjectState`` for one that is no archive.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html
        """
        wish: RestoreRequestDict = {"GlacierJobParameters": {"Tier": tier}}
        if days is not None:
            wish["Days"] = check_positive("days", days)
        params = self._object(object_name, version_id)
        await self._api.restore_object(**params, RestoreRequest=wish)

    async def get_object_attributes(
        self,
        object_name: str | PurePath,
        attributes: Sequence[ObjectAttributesLiteral] = (
            "ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize",
        ),
        *,
        version_id: str | None = None,
    ) -> ObjectAttributes:  # fmt: skip
        """What S3 knows of an object without its content, by default all of it.

        Parts are asked for until all are there, 1,000 by a request. Raises ``NoSuchKey``.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
        """
        params = self._object(object_name, version_id)
        found = await self._api.get_object_attributes(**params, ObjectAttributes=attributes)
        page = found.get("ObjectParts", {})
        parts = page.get("Parts", [])
        if found_id := found.get("VersionId"):
            params["VersionId"] = found_id  # The other pages are to be of the same object.
        last = 0
        while page.get("IsTruncated"):
            marker = page.get("NextPartNumberMarker", 0)
            if marker <= last:
                raise ResponseParseError(
                    f"GetObjectAttributes {params['Bucket']}/{params['Key']}: more parts follow "
                    f"part {last}, and the answer does not say from which to go on"
                )
            last = marker
            answer = await self._api.get_object_attributes(
                **params, ObjectAttributes=["ObjectParts"], PartNumberMarker=marker
            )
            page = answer.get("ObjectParts", {})
            parts = parts + page.get("Parts", [])
        return attributes_of(found, parts)

    # What the methods share

    def _object(self, object_name: str | PurePath, version_id: str | None) -> _Object:
        bucket, key = locate_key(self._engine.endpoint, object_name)
        if not bucket:
            raise ValueError(
                f"object_name: {str(object_name)!r} names no bucket; or give the client bucket=…"
            )
        params: _Object = {"Bucket": bucket, "Key": key}
        if version_id is not None:
            params["VersionId"] = version_id
        return params

    async def _versions(self, bucket: str, prefix: str) -> AsyncIterator[ObjectVersionInfo]:
        within = self._engine.endpoint.key_prefix
        pages = self._api.paginate("list_object_versions", Bucket=bucket, Prefix=within + prefix)
        async for page in pages:
            for version in versions_of(page, within):
                yield version
