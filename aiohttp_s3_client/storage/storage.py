"""``S3Storage``: files under keys, in the bucket or below a prefix of it. Here: what it writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..config import MIB, MIN_PART_SIZE, TransferConfig
from ..errors import (
    NoSuchBucket,
    NotFound,
    PreconditionFailed,
    StorageError,
    StorageFileExistsError,
)
from ..managed import OnProgress
from ..protocol.extra_args import copy_args
from ..protocol.xml import parse_copy
from ..transfer.content_type import NONE_GIVEN
from ..transfer.copy import copy_object
from .facts import head, unquoted
from .failures import Foreign, check_between
from .keys import may_be_one_file
from .models import ProgressCallback, StoredFile
from .parts import Parts
from .sending import Data, Teller, is_at_hand, only_new, upload_extras, watched

_HELD = 64 * MIB
"""Bytes of a stream that ``put_large`` holds at most, or one part where that is more."""
_WHOLE = 100 * MIB
"""What ``put`` sends in one request, if it has it at hand; from here on S3 advises parts."""


class S3Storage(Parts):
    """A storage on S3 or a server that speaks its language.

    It may be made anywhere and opens its connections when it is first used, for the event loop
    that runs then. ``close`` it at the end, or use it in ``async with``. With a ``prefix`` all
    keys are below that: it is put on and taken off here, and no key leads out of it.

    Raises ``ConfigurationError`` for settings that cannot work. Every method raises
    ``StoragePermissionError``, ``StorageConnectionError`` (also where there are no credentials)
    and otherwise ``StorageError``; the ``__cause__`` is what S3 or the connection said.
    """

    async def put(
        self,
        key: str,
        data: Data,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        overwrite: bool = True,
    ) -> StoredFile:
        """Store *data*: bytes and seekable files in one request below 100 MiB, else in parts.

        A stream goes in parts from 8 MiB on, so it is never held whole.

        Without a *content_type* S3's own is sent, "binary/octet-stream", whatever the key ends
        with. The names of *metadata* are ASCII, its values are any text in one line. With
        ``overwrite=False`` a file that is there is ``StorageFileExistsError``.

        What cannot be sent is a ``StorageValueError``, before anything is; what *data* raises
        comes as it is. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
        """
        transfer = self._transfer
        if is_at_hand(data):
            transfer = replace(transfer, multipart_threshold=_WHOLE)
        return await self._upload(key, data, content_type, metadata, overwrite, transfer, Foreign())

    async def put_large(
        self,
        key: str,
        data: Data,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        part_size: int = 10 * MIB,
        progress_callback: ProgressCallback | None = None,
        overwrite: bool = True,
    ) -> StoredFile:
        """Store *data* in parts of *part_size* bytes (5 MiB at least), several in flight.

        Less than one part goes in one request. Of a stream 64 MiB are held at most, or one part.
        *progress_callback* gets a ``ProgressInfo`` at each change, the last one of them all; it
        may be async, and what it raises ends the upload, as any failure does, by aborting it.
        Otherwise as ``put``.
        """
        part_size = max(check_between("part_size", part_size, 1), MIN_PART_SIZE)
        transfer = replace(
            self._transfer,
            multipart_threshold=part_size,
            multipart_chunksize=part_size,
            memory_limit=max(_HELD, part_size),
        )
        foreign, tell = Foreign(), None
        if progress_callback is not None:
            tell = Teller(key, progress_callback, foreign)
        stored = await self._upload(
            key, data, content_type, metadata, overwrite, transfer, foreign, tell
        )
        if stored.size < part_size or content_type:
            return stored
        return replace(stored, content_type=NONE_GIVEN)  # As an upload in parts says it.

    async def _upload(
        self,
        key: str,
        data: Data,
        content_type: str | None,
        metadata: Mapping[str, str] | None,
        overwrite: bool,
        transfer: TransferConfig,
        foreign: Foreign,
        progress: OnProgress | None = None,
    ) -> StoredFile:
        name = self._keys.stored(key)
        extras = {**upload_extras(content_type, metadata), **only_new(overwrite)}
        source = watched(data, foreign)
        with self._doing("put", key, foreign=foreign):
            calls = await self._ready()
            await self._check_new(key, name, overwrite)
            result = await calls.upload_fileobj(
                source, self._bucket, name, extras, config=transfer, progress=progress
            )
            etag = unquoted(result.etag)
            if etag is None:  # Ceph RGW does not tell it of what came in parts.
                etag = (await head(self._engine, self._bucket, name, key)).etag
        return StoredFile(
            key=key,
            size=result.size,
            content_type=content_type,
            etag=etag,
            last_modified=self._engine.pipeline.clock.now(),
            metadata=dict(metadata or {}),
        )

    async def delete(self, key: str) -> None:
        """Delete a file; no error when there is none."""
        name = self._keys.stored(key)
        with self._doing("delete", key):
            await self._ready()
            try:
                await self._engine.request("DeleteObject", "DELETE", self._bucket, name)
            except NoSuchBucket:
                raise
            except NotFound:  # AWS does not tell.
                return

    async def copy(self, source: str, destination: str, *, overwrite: bool = True) -> StoredFile:
        """Copy a file of any size within the server, with its content type and metadata.

        With ``overwrite=False`` a *destination* that is there is ``StorageFileExistsError``. A
        copy onto itself changes nothing. Raises ``StorageFileNotFoundError`` for *source*.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/copy-object.html
        """
        old = self._keys.stored(source, "source")
        name = self._keys.stored(destination, "destination")
        with self._doing("copy", source, new=destination):
            await self._ready()
            found = await head(self._engine, self._bucket, old, destination)
            if old == name:
                if not overwrite:
                    raise StorageFileExistsError(destination)
                return found
            await self._check_new(destination, name, overwrite)
            try:
                copied = await self._copied(found, old, name, only_new(overwrite))
            except PreconditionFailed:
                if self._engine.endpoint.is_aws or await self._is_there(name):
                    raise
                # Such as Swift, which takes the condition for one on the source.
                copied = await self._copied(found, old, name, {})
        return copied or await self.info(destination)

    async def move(self, source: str, destination: str, *, overwrite: bool = True) -> StoredFile:
        """Copy a file, and delete *source* once the copy is known to be there; else as ``copy``.

        No error loses it: *source* is there then, or its copy. A move onto itself changes nothing.
        """
        old = self._keys.stored(source, "source")
        name = self._keys.stored(destination, "destination")
        if old != name and may_be_one_file(old, name):
            await self._check_apart(source, destination)
        moved = await self.copy(source, destination, overwrite=overwrite)
        if old != name:
            await self.delete(source)
        return moved

    # What the methods share

    async def _copied(
        self, found: StoredFile, old: str, name: str, condition: dict[str, str]
    ) -> StoredFile | None:
        """Copy what was *found* at *old*; returns what is known of the copy without asking."""
        here = self._bucket
        if found.size >= self._transfer.multipart_threshold:
            source = {"Bucket": here, "Key": old}
            await self._calls.managed_copy(source, here, name, condition, config=self._transfer)
            return None
        headers = copy_args(condition).headers
        answer = await copy_object(
            self._engine, (here, old), (here, name), headers=headers, options={}
        )
        answer.raise_for_status()
        if not answer.body:  # It had been copied, and what is told is how that was found out.
            return None
        made = parse_copy(answer.body)
        # Otherwise the source was replaced meanwhile, or the server makes something else of it.
        alike = unquoted(made.etag) == found.etag and made.last_modified is not None
        return replace(found, last_modified=made.last_modified) if alike else None

    async def _check_new(self, key: str, name: str, overwrite: bool) -> None:
        """Not all servers know the condition that the write is sent with; AWS does."""
        if not overwrite and not self._engine.endpoint.is_aws and await self._is_there(name):
            raise StorageFileExistsError(key)

    async def _check_apart(self, source: str, destination: str) -> None:
        """Refuse where two keys may be one file, which deleting one of them would lose.

        On S3 they are two. Of a server that keeps objects as files only the files tell.
        """
        if self._engine.endpoint.is_aws:
            return
        one, other = self._keys.stored(source), self._keys.stored(destination)
        with self._doing("move", source):
            await self._ready()
            if not await self._is_there(other):
                return
            files = [await head(self._engine, self._bucket, name, source) for name in (one, other)]
            if files[0] == files[1]:
                raise StorageError(
                    f"move: {source!r} and {destination!r} seem to be one file to this server"
                )
