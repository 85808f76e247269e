"""``S3Session.multipart_upload``: one upload in the caller's hands, and in those of others.

::

    upload_part(data) ───────────> a part of ours, its ETag as answered ──┐
    generate_presigned_url(...) ─> a part of somebody else's, ListParts ──┴─> Complete

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from types import TracebackType
from typing import Literal, Self, TypedDict

from ..calls import Calls
from ..config import (
    DEFAULT_WORKERS,
    MAX_PARTS,
    MIN_PART_SIZE,
    check_not_negative,
    check_positive,
)
from ..engine import Engine
from ..protocol.extra_args import Translated
from ..protocol.sigv4 import whole_seconds
from ..transfer.in_flight import PartsInFlight
from ..transfer.upload import UploadOptions
from ..transport.source import BytesSource

UploadMethod = Literal[
    "upload_part", "list_parts", "complete_multipart_upload", "abort_multipart_upload"
]


class UploadPart(TypedDict):
    """A part that S3 has taken: its number from 1, and its ETag as the server sends it."""

    PartNumber: int
    ETag: str


class S3MultipartUpload:
    """What ``multipart_upload`` gives: an async context manager around one upload.

    Nothing is sent before ``fetch_create``. Leaving the context completes the upload; an
    exception or a cancellation aborts it, once no part is in flight any more. No parts at all
    become one empty part. What ``fetch_complete`` or ``fetch_abort`` ended is left alone.

    Raises ``ValueError`` for an *expires_in* (seconds) that is not from 1 to 604,800.
    """

    def __init__(
        self, engine: Engine, bucket: str, key: str, args: Translated, *, expires_in: int = 3600
    ) -> None:
        how = UploadOptions(
            headers=args.multipart,
            part_size=MIN_PART_SIZE,
            workers=DEFAULT_WORKERS,
            checksum=args.checksum_algorithm or True,
        )
        self._engine = engine
        self._bucket = bucket
        self._key = key
        self._expires_in = whole_seconds("expires_in", expires_in)
        self._upload = how.start(engine, bucket, key)
        self._parts = PartsInFlight(self._upload, how.workers, _uploaded)
        self._entered = self._left = False
        self._state: Literal["new", "creating", "open", "completed", "aborted"] = "new"
        self._ending = asyncio.Lock()
        self._by_url = False

    @property
    def upload_id(self) -> str:
        """The id that S3 gave the upload; empty before ``fetch_create``."""
        return self._upload.upload_id

    async def __aenter__(self) -> Self:
        if self._entered:
            raise RuntimeError("multipart_upload: one object is one upload; ask for another")
        self._entered = True
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._left = True
        async with self._ending:
            if self._state != "open":
                return
            if exc is None:
                await self._complete()
            else:
                await self._give_up()

    async def fetch_create(self) -> str:
        """Begin the upload and return its id. To be called once, before anything else."""
        if not self._entered or self._left:
            raise RuntimeError("fetch_create: use the upload inside `async with`")
        if self._state != "new":
            raise RuntimeError(f"fetch_create: the upload is {self._word()} already")
        self._state = "creating"
        try:
            await self._upload.create()
        except BaseException:
            self._state = "new"
            raise
        self._state = "open"
        if self._left:
            await self._give_up()
            raise RuntimeError("fetch_create: `async with` was left meanwhile; it is aborted")
        return self.upload_id

    def upload_part(
        self, data: bytes | bytearray | memoryview
    ) -> Coroutine[None, None, UploadPart]:
        """Send the next part; to be awaited.

        Its number is settled by the call, so several may be awaited side by side, of which eight
        are in flight. *data* is at least 5 MiB but for the last part; it is not copied, so leave
        it unchanged until it was sent. A part that fails makes the whole upload fail.

        Raises ``RuntimeError`` where no upload is under way, ``ValueError`` for part 10,001, and
        S3's typed errors, which are also ``AwsUploadError``.
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"upload_part: data must be bytes, not {type(data).__name__}")
        self._check_open("upload_part")
        return self._parts.add(BytesSource(data))

    def generate_presigned_url(self, method: UploadMethod, **params: str | int) -> str:
        """A link for others to this upload, good for ``expires_in`` seconds. Nothing is sent.

        ==============================  ======  ====================================
        *method*                        verb    *params*
        ==============================  ======  ====================================
        ``upload_part``                 PUT     ``PartNumber`` (1 to 10,000)
        ``list_parts``                  GET     ``MaxParts``, ``PartNumberMarker``
        ``complete_multipart_upload``   POST
        ``abort_multipart_upload``      DELETE
        ==============================  ======  ====================================

        ``UploadId`` is added. The number of a part that others may send is not given to a later
        ``upload_part``; what has arrived under it at the end is completed with the rest, which asks
        S3 for a list of the parts (``s3:ListMultipartUploadParts``).

        https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
        """
        if method not in _SHARED:
            raise ValueError(
                f"generate_presigned_url: method must be one of {', '.join(_SHARED)}, "
                f"not {method!r}"
            )
        self._check_open("generate_presigned_url")
        own = {"Bucket": self._bucket, "Key": self._key, "UploadId": self.upload_id}
        asked: dict[str, str | int] = {**own}
        for name, value in params.items():
            if name in own:
                if value != own[name]:
                    raise ValueError(f"{name} is {own[name]!r} for this upload, not {value!r}")
            elif name in _SHARED[method]:
                asked[name] = _SHARED[method][name](name, value)
            else:
                raise ValueError(f"generate_presigned_url: {method} takes no {name}={value!r}")
        if method == "upload_part" and "PartNumber" not in asked:
            raise TypeError("generate_presigned_url: upload_part needs PartNumber")
        url = Calls(self._engine).generate_presigned_url(method, asked, self._expires_in)
        if method == "upload_part":
            self._by_url = True
            self._parts.set_aside(int(asked["PartNumber"]))
        return url

    async def fetch_complete(self) -> None:
        """Wait for the parts in flight and make the object of them. After an error, abort.

        Raises the error of a part that failed, ``IncompleteMultipartUpload`` for one that was
        never awaited, and S3's typed errors: ``NoSuchUpload`` when somebody else has ended the
        upload. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
        """
        async with self._ending:
            self._check_open("fetch_complete")
            await self._complete()

    async def fetch_abort(self) -> None:
        """Drop the upload and its parts; those in flight are cancelled first.

        Raises S3's typed errors: ``NoSuchUpload`` when somebody else has ended the upload.
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
        """
        async with self._ending:
            self._check_open("fetch_abort")
            self._state = "aborted"
            try:
                await self._parts.give_up()
            finally:
                await self._upload.drop()

    async def _complete(self) -> None:
        try:
            await self._parts.all_arrived()
            self._state = "completed"
            listed = await self._upload.list_parts() if self._by_url else []
            self._upload.take_in(listed)
            if not self._parts and not listed:
                await self._parts.add(BytesSource(b""))
            answer = await self._upload.complete()
        except BaseException:
            await self._give_up()
            raise
        answer.response.release()

    async def _give_up(self) -> None:
        self._state = "aborted"
        try:
            await self._parts.give_up()
        finally:
            await self._upload.abort()

    def _check_open(self, call: str) -> None:
        if self._state in ("new", "creating"):
            raise RuntimeError(f"{call}: there is no upload yet; await fetch_create() first")
        if self._state != "open":
            raise RuntimeError(f"{call}: the upload is {self._word()} already")

    def _word(self) -> str:
        return {"creating": "being created", "open": "created"}.get(self._state, self._state)


def _uploaded(number: int, etag: str) -> UploadPart:
    return {"PartNumber": number, "ETag": etag}


def _part_number(name: str, value: object) -> int:
    if check_positive(name, value) > MAX_PARTS:
        raise ValueError(f"{name} must be from 1 to {MAX_PARTS:,}, not {value}")
    return int(str(value))


_SHARED: Mapping[str, Mapping[str, Callable[[str, object], int]]] = {
    "upload_part": {"PartNumber": _part_number},
    "list_parts": {"MaxParts": check_positive, "PartNumberMarker": check_not_negative},
    "complete_multipart_upload": {},
    "abort_multipart_upload": {},
}
"""What others may be asked to do by URL, and how what is said of it is checked."""
