"""The values that cross the package's floors: what calls return, and what signs a request."""

# Annotations are not postponed here: those of named tuples would be compiled from text, one by
# one, whenever the package is imported.

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol, TypedDict, runtime_checkable


class AwsObjectMeta(NamedTuple):
    """One object of a listing.

    ``etag`` is as the server sends it, quotes included; ``size`` is in bytes;
    ``last_modified`` is aware. ``etag`` and ``storage_class`` are None where a server leaves
    them out. https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
    """

    etag: str | None
    key: str
    last_modified: datetime
    size: int
    storage_class: str | None


class BucketInfo(NamedTuple):
    """One bucket of an account.

    ``created`` is aware. It and ``region`` are None where the server does not say them.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_Bucket.html
    """

    name: str
    created: datetime | None
    region: str | None


class ObjectVersionInfo(NamedTuple):
    """One version of an object, or one delete marker, of a listing of versions.

    ``version_id`` is ``"null"`` for what was stored while the bucket was not versioned. ``etag``
    is as the server sends it, ``size`` is in bytes; a delete marker has neither, nor a
    ``storage_class``. ``last_modified`` is aware.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ObjectVersion.html
    """

    key: str
    version_id: str
    is_latest: bool
    is_delete_marker: bool
    last_modified: datetime
    etag: str | None
    size: int | None
    storage_class: str | None


class DeletedObject(NamedTuple):
    """A key that is gone, or that was not there.

    ``version_id`` is the version that was asked for. In a versioned bucket ``delete_marker`` says
    that a delete marker was made (or removed, when its version was asked for), and
    ``delete_marker_version_id`` which. Not all servers say these.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeletedObject.html
    """

    key: str
    version_id: str | None
    delete_marker: bool
    delete_marker_version_id: str | None


class DeleteError(NamedTuple):
    """A key that could not be deleted, and why: ``code`` is S3's (``AccessDenied``).

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_Error.html
    """

    key: str
    version_id: str | None
    code: str
    message: str


class DeleteResult(NamedTuple):
    """What became of many keys: each is in one of the lists, in no particular order."""

    deleted: list[DeletedObject]
    errors: list[DeleteError]


class ObjectPart(NamedTuple):
    """One part of an object, of ``size`` bytes; ``checksums`` by algorithm, in base64.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ObjectPart.html
    """

    number: int
    size: int
    checksums: Mapping[str, str]


class ObjectAttributes(NamedTuple):
    """What is known of an object without its content; None (or empty) where it was not asked for
    or the server does not say.

    ``etag`` is without quotes, ``size`` in bytes, ``last_modified`` aware. ``checksums`` are by
    algorithm, in base64; ``checksum_type`` is ``FULL_OBJECT`` or ``COMPOSITE``. ``parts_count`` is
    None for an object that was not uploaded in parts; S3 lists ``parts`` only of objects that
    were uploaded with a checksum for each.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
    """

    etag: str | None
    size: int | None
    storage_class: str | None
    checksums: Mapping[str, str]
    checksum_type: str | None
    parts_count: int | None
    parts: list[ObjectPart]
    last_modified: datetime | None
    version_id: str | None


class DownloadResult(NamedTuple):
    """What a download brought.

    ``size`` is in bytes, ``etag`` as the server sends it. ``verified`` says whether the bytes
    were held to a checksum that the server keeps: True (and they agree), False (it was not asked
    for), or None (the server offered none that could be used).
    """

    size: int
    etag: str | None
    version_id: str | None
    verified: bool | None


class UploadResult(NamedTuple):
    """What an upload became.

    ``size`` is in bytes, ``etag`` as the server sends it. ``parts`` is None for a single
    PutObject. ``checksums`` are those that the server says it keeps, by algorithm, in base64.
    """

    size: int
    etag: str | None
    version_id: str | None
    parts: int | None
    checksums: Mapping[str, str]


class SyncItem(NamedTuple):
    """One file of a sync, where it comes from and where it goes.

    ``name`` is its path under both sides, with slashes. ``source`` and ``target`` are a ``Path``
    or a key; ``source`` is None for what is deleted. ``size`` is in bytes, of what is there.
    """

    name: str
    source: Path | str | None
    target: Path | str
    size: int


class SyncFailure(NamedTuple):
    """One file of a sync that failed: its path under both sides, and why."""

    name: str
    error: Exception


class SyncReport(NamedTuple):
    """How many files a sync transferred, deleted, left as they are, and could not do."""

    transferred: int
    deleted: int
    skipped: int
    failed: int


@dataclass(frozen=True)
class CredentialsSnapshot:
    """One whole set of credentials, as it was at one moment. Neither repr nor str show secrets.

    ``region`` is what the same source says about the region, empty when it says nothing.
    ``expires_at`` is aware, None for keys that do not expire. A snapshot without an access key
    id is anonymous: requests go unsigned.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    region: str = ""

    @property
    def anonymous(self) -> bool:
        return not self.access_key_id


class PresignedPost(TypedDict):
    """Where a form may be posted, and all the fields that it sends beside the file."""

    url: str
    fields: dict[str, str]


@runtime_checkable
class CredentialsProvider(Protocol):
    """Whatever can give credentials. All that the engine knows about where keys come from."""

    async def resolve(self) -> CredentialsSnapshot:
        """The credentials to sign with now, refreshed when they need it.

        Raises ``CredentialsError`` when there are none. Never blocks the event loop.
        """
        ...

    def at_hand(self) -> CredentialsSnapshot:
        """The credentials as far as they are known without waiting.

        A source that would have to read a file reads it at once where no event loop runs, and
        raises ``CredentialsError`` inside one. Raises ``CredentialsError`` when there are none.
        """
        ...

    def invalidate(self) -> None:
        """Forget what may have expired: the server said so. The next ``resolve`` fetches anew."""
        ...
