"""``S3Client``: the main face.

Every method translates its arguments and calls the floors below; nothing here sends, retries or
cuts into parts by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import replace
from pathlib import PurePath
from types import TracebackType
from typing import Any, Self, Unpack, overload

import aiohttp
from yarl import URL

from .arguments import (
    Headers,
    aiohttp_options,
    bound_bucket,
    conditional_headers,
    for_aiohttp,
    locate_key,
    object_name_of,
)
from .boto_names import Callback, CopyNames
from .calls import Calls
from .config import (
    AddressingStyle,
    ClientConfig,
    TransferConfig,
    check_positive,
)
from .credentials import collect_credentials
from .engine import Engine
from .errors import AwsDownloadError, AwsError, AwsUploadError
from .managed import Managed, OnProgress
from .models import AwsObjectMeta, CredentialsProvider, CredentialsSnapshot
from .response import ResponseContext
from .transfer.copy import Place, copy_object, rename_object
from .transfer.listing import list_objects
from .transfers import Transfers
from .verbs import Verbs

__all__ = ["AwsDownloadError", "AwsError", "AwsUploadError", "S3Client"]


class S3Client(Verbs, Transfers, Calls):
    """An S3 client on one aiohttp session.

    Give it a ``session``, which stays yours to close, or enter it with ``async with`` and it
    opens and closes one of its own. Credentials come from the keywords, the URL, the environment
    or the config files, in this order, unless ``credentials`` says otherwise.

    :param session: what requests go through; taken as it is found.
    :param url: ``http(s)://host``, ``…//host/bucket``, ``…//bucket.host``, optionally with
        ``key_id:secret@``. Without one: AWS's endpoint of ``region``.
    :param region: what requests are signed for. By default the URL's (on AWS), else the one that
        comes with the credentials, else us-east-1; a bucket elsewhere is learnt from the answer.
    :param bucket: the bucket of all object names, when the URL leaves it open.
    :param base_path: what of the URL's path belongs to the server and not to S3.
    :param config: see ``ClientConfig``; ``addressing_style`` here is the same setting.

    Raises ``ValueError`` or ``TypeError`` for arguments that cannot work.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession | None = None,
        url: str | URL | None = None,
        secret_access_key: str | None = None,
        access_key_id: str | None = None,
        session_token: str | None = None,
        region: str = "",
        credentials: CredentialsProvider | None = None,
        *,
        bucket: str | None = None,
        base_path: str | None = None,
        addressing_style: AddressingStyle = "auto",
        config: ClientConfig | None = None,
    ) -> None:
        if session is not None and not isinstance(session, aiohttp.ClientSession):
            raise TypeError(f"session must be an aiohttp.ClientSession, not {session!r}")
        if credentials is None:
            credentials = collect_credentials(
                url=url,
                access_key_id=access_key_id,
                secret_access_key=secret_access_key,
                session_token=session_token,
                region=region,
            )
        elif access_key_id or secret_access_key or session_token:
            raise ValueError("credentials: give either this or the keys, not both")
        super().__init__(
            Engine(
                session=session,
                url=url,
                credentials=credentials,
                region=region,
                bucket=bucket,
                base_path=base_path,
                config=_with_style(config, addressing_style),
            )
        )

    async def __aenter__(self) -> Self:
        await self._engine.open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the session, if it is the client's own."""
        await self._engine.close()

    @property
    def credentials(self) -> CredentialsProvider:
        return self._engine.credentials

    async def resolve_credentials(self, bucket: str | None = None) -> CredentialsSnapshot:
        """Find the credentials now, so that links can be made with them; see ``presign_url``.

        :param bucket: for links to this bucket: of a directory bucket (S3 Express) the session is
            made or renewed, and its credentials returned; it lasts for five minutes at most. For
            a multi-region access point the package that signs is imported, in a thread.

        Raises ``CredentialsError``, which lists what was tried, when there are none; of a session
        what CreateSession raises.
        """
        if bucket is None:
            return await self._engine.credentials.resolve()
        name = bound_bucket(self._engine.endpoint, bucket)
        return await self._engine.ready_to_sign(name)

    # Listing, copying

    def list_objects_v2(
        self,
        object_name: str | PurePath = "/",
        *,
        bucket: str | None = None,
        prefix: str | PurePath | None = None,
        delimiter: str | None = None,
        max_keys: int | None = None,
        start_after: str | None = None,
    ) -> AsyncIterator[tuple[list[AwsObjectMeta], list[str]]]:
        """The objects of a bucket: one ``(objects, common prefixes)`` per page.

        *object_name* or *bucket* says which bucket, where the URL does not. What *object_name*
        says beyond the bucket is a prefix. *max_keys* bounds a page (S3: 1 to 1,000), not the
        listing. Where the URL itself has a prefix, keys come relative to it, as object names.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
        """
        endpoint = self._engine.endpoint
        name = object_name_of(object_name)
        if bucket is not None:
            if name.strip("/"):
                raise ValueError(f"object_name: {name!r} and bucket={bucket!r}: give only one")
            bucket, within = bound_bucket(endpoint, bucket), endpoint.key_prefix
        else:
            bucket, within = endpoint.locate_prefix(name)
            if not bucket and endpoint.host_is_bare:
                raise ValueError(f"object_name: {name!r} names no bucket; or give bucket=…")
        if max_keys is not None:
            check_positive("max_keys", max_keys)
        if start_after is not None and endpoint.is_directory(bucket):
            raise ValueError(f"start_after: {bucket!r} is a directory bucket, listed in no order")
        if prefix is not None and within not in ("", endpoint.key_prefix):
            raise ValueError(f"prefix: {prefix!r} and object_name={name!r}: give only one")
        asked = within + (object_name_of(prefix) if prefix is not None else "")
        return list_objects(
            self._engine,
            bucket,
            prefix=asked or None,
            delimiter=delimiter,
            max_keys=max_keys,
            start_after=endpoint.key_prefix + start_after if start_after is not None else None,
            relative_to=endpoint.key_prefix,
        )

    @overload
    def copy(
        self,
        source: str | PurePath,
        destination: str | PurePath,
        *,
        headers: Headers = None,
        replace_metadata: bool = False,
        content_type: str | None = None,
        if_none_match: str | None = None,
        if_match: str | None = None,
        **kwargs: Any,
    ) -> ResponseContext: ...

    @overload
    def copy(
        self,
        source: Mapping[str, str] | None = None,
        destination: str | None = None,
        key: str | None = None,
        extra_args: Mapping[str, Any] | None = None,
        callback: Callback | None = None,
        source_client: Managed | None = None,
        config: TransferConfig | None = None,
        *,
        progress: OnProgress | None = None,
        **boto: Unpack[CopyNames],
    ) -> Coroutine[None, None, None]: ...

    def copy(
        self, source: Any = None, destination: Any = None, *args: Any, **kwargs: Any
    ) -> ResponseContext | Coroutine[None, None, None]:
        """CopyObject within the server: up to 5 GB, metadata and all.

        With *replace_metadata* the copy gets what *headers* say instead, and *content_type*.
        With ``if_none_match="*"`` only a new *destination* is written, with ``if_match=etag`` only
        the one of that ETag replaced: otherwise it is ``PreconditionFailed``. S3's errors are
        raised, those in the body of a 200 among them. A *source* that is a mapping is boto3's
        ``copy``, with its arguments: see ``managed_copy``.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
        """
        if source is None or isinstance(source, Mapping):
            return self.managed_copy(source, destination, *args, **kwargs)
        return self._copy_object(source, destination, *args, **kwargs)

    def _copy_object(
        self,
        source: str | PurePath,
        destination: str | PurePath,
        *,
        headers: Headers = None,
        replace_metadata: bool = False,
        content_type: str | None = None,
        if_none_match: str | None = None,
        if_match: str | None = None,
        **kwargs: Any,
    ) -> ResponseContext:
        places = self._both(source, destination)
        merged = conditional_headers(headers, if_none_match, if_match)
        options = aiohttp_options(kwargs)
        if content_type is not None and not replace_metadata:
            raise ValueError("content_type: S3 ignores it unless replace_metadata=True")
        if replace_metadata:
            merged["x-amz-metadata-directive"] = "REPLACE"
            if content_type is not None:
                merged["Content-Type"] = content_type

        async def send() -> aiohttp.ClientResponse:
            answer = await copy_object(
                self._engine, *places, headers=merged, options=for_aiohttp(options)
            )
            return await self._checked(answer, {**options, "raise_for_status": True})

        return ResponseContext(send())

    async def rename(
        self,
        source: str | PurePath,
        destination: str | PurePath,
        *,
        headers: Headers = None,
        if_none_match: str | None = None,
        if_match: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Copy, then delete *source* once the copy is known to have succeeded.

        *if_none_match* ``"*"`` wants a new *destination*, *if_match* that it has this ETag; else it
        is ``PreconditionFailed``. Raises S3's typed errors; after any of them *source* is still
        there.
        """
        places = self._both(source, destination)
        if places[0] == places[1]:
            raise ValueError(f"destination: {str(destination)!r} is the source itself")
        await rename_object(
            self._engine,
            *places,
            headers=conditional_headers(headers, if_none_match, if_match),
            options=aiohttp_options(kwargs),
        )

    # What the methods share

    def _both(self, source: str | PurePath, destination: str | PurePath) -> tuple[Place, Place]:
        endpoint = self._engine.endpoint
        return (
            locate_key(endpoint, source, "source"),
            locate_key(endpoint, destination, "destination"),
        )


def _with_style(config: ClientConfig | None, style: AddressingStyle) -> ClientConfig:
    config = ClientConfig() if config is None else config
    if not isinstance(config, ClientConfig):
        raise TypeError(f"config must be a ClientConfig, not {type(config).__name__}")
    if style in (config.addressing_style, "auto"):
        return config
    if config.addressing_style != "auto":
        raise ValueError(
            f"addressing_style: {style!r} here and {config.addressing_style!r} in config"
        )
    return replace(config, addressing_style=style, s3=None)
