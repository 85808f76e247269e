"""What a storage reads: files, facts about them, lists of them, and links to them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta

from ..errors import NotFound, StorageValueError
from ..transfer.listing import list_objects
from .config import is_expiry
from .facts import head, unquoted
from .failures import check_between
from .models import StoredFile
from .opening import Opening

_PAGE = 1000
"""Keys of a page of a listing: S3's limit."""


class Reading(Opening):
    """The calls that change nothing."""

    async def get(self, key: str) -> AsyncGenerator[bytes, None]:
        """A file's content as it arrives, its ranges fetched side by side, and verified.

        At most 25 MiB wait for the reader. Leaving the iteration early gives the connections back.
        """
        name = self._keys.stored(key)
        with self._doing("get", key):
            calls = await self._ready()
            stream = calls.open_stream(self._bucket, name, config=self._transfer)
            async with stream:
                async for piece in stream:
                    yield piece

    async def get_bytes(self, key: str) -> bytes:
        """A file's content. Raises ``StorageFileNotFoundError``, as ``get`` does."""
        name = self._keys.stored(key)
        with self._doing("get", key):
            calls = await self._ready()
            return await calls.get_bytes(self._bucket, name, config=self._transfer)

    async def exists(self, key: str) -> bool:
        """Whether there is a file. Only S3's 404 means that there is none."""
        name = self._keys.stored(key)
        with self._doing("exists", key):
            await self._ready()
            return await self._is_there(name)

    async def info(self, key: str) -> StoredFile:
        """What is known of a file without its content. Raises ``StorageFileNotFoundError``."""
        name = self._keys.stored(key)
        with self._doing("info", key):
            await self._ready()
            return await head(self._engine, self._bucket, name, key)

    async def list(
        self, prefix: str = "", *, limit: int | None = None
    ) -> AsyncGenerator[StoredFile, None]:
        """The files whose keys begin with *prefix*, *limit* of them at most, in S3's order.

        A listing does not tell ``content_type`` and ``metadata``. What no key of this storage
        leads to is left out, such as the marker of the folder that a prefix may be.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
        """
        begins = self._keys.listed(prefix)
        left = None if limit is None else check_between("limit", limit, 0)
        with self._doing("list", prefix):
            await self._ready()
            if left == 0:
                return
            pages = list_objects(
                self._engine,
                self._bucket,
                prefix=begins or None,
                max_keys=None if left is None else min(left, _PAGE),
            )
            async with aclosing(pages):
                async for objects, _ in pages:
                    for found in objects:
                        key = self._keys.given(found.key)
                        if key is None or not found.key.startswith(begins):
                            continue
                        yield StoredFile(
                            key=key,
                            size=found.size,
                            etag=unquoted(found.etag),
                            last_modified=found.last_modified,
                        )
                        left = None if left is None else left - 1
                        if left == 0:
                            return

    async def url(self, key: str, *, expires_in: timedelta | None = None) -> str:
        """A link by which anybody may read the file for *expires_in*: 1 second to 7 days.

        By default ``config.presigned_expiry``. Credentials that end earlier end the link too, with
        a ``UserWarning``. Whether there is such a file is not asked.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/ShareObjectPreSignedURL.html
        """
        name = self._keys.stored(key)
        expires = self.config.presigned_expiry if expires_in is None else expires_in
        if not is_expiry(expires):
            raise StorageValueError(
                f"expires_in must be a timedelta of 1 second to 7 days, not {expires!r}"
            )
        with self._doing("url", key):
            calls = await self._ready()
            await self._engine.credentials.resolve()
            asked = {"Bucket": self._bucket, "Key": name}
            return calls.generate_presigned_url("get_object", asked, expires)

    async def _is_there(self, name: str) -> bool:
        try:
            await self._engine.request("HeadObject", "HEAD", self._bucket, name)
        except NotFound:
            return False
        return True
