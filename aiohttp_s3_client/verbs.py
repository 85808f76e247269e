"""One request each: the verbs of ``S3Client``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import PurePath
from typing import Any

import aiohttp

from .arguments import (
    ChecksumWish,
    Headers,
    Params,
    aiohttp_options,
    conditional_headers,
    for_aiohttp,
    locate,
    locate_key,
    merged_headers,
    object_name_of,
    query_pairs,
)
from .config import check_checksum, check_positive
from .engine import Engine
from .protocol.integrity import FRAMED, wish_of
from .protocol.operations import is_document, is_idempotent, operation_name
from .request import Request
from .response import ResponseContext, checked
from .transfer.content_type import set_content_type
from .transfer.doubt import is_conditional
from .transfer.put import send_body, send_data
from .transport.answer import Answer
from .transport.openfile import open_file
from .transport.source import BytesSource, FileSource, SourceData

_CONDITIONAL = ("PutObject", "CopyObject")
"""The PUTs that depend on what there is of their object."""


class Verbs:
    """Requests that are answered with aiohttp's response, their status left to the caller."""

    _engine: Engine

    def request(
        self,
        method: str,
        path: str | PurePath,
        headers: Headers = None,
        params: Params = None,
        data: SourceData | None = None,
        data_length: int | None = None,
        content_sha256: str | None = None,
        **kwargs: Any,
    ) -> ResponseContext:
        """Send any request. The result can be awaited or entered with ``async with``.

        :param path: an object name, or a bucket's, or ``"/"``.
        :param params: the query, as names and values.
        :param data: see ``put``.
        :param data_length: bytes that a stream is going to give.
        :param content_sha256: hex sha256 of the body where it is known, or a word such as
            ``UNSIGNED-PAYLOAD``; what is signed.
        :param kwargs: for ``aiohttp.ClientSession.request``.

        The status is left to the caller unless the session (or ``raise_for_status=`` here) wants
        it raised. Raises ``S3ConnectionError`` when no answer came.
        """
        bucket, key = self._engine.endpoint.locate(object_name_of(path))
        return self._send(
            method.upper(),
            bucket,
            key,
            headers=headers,
            params=params,
            data=data,
            data_length=data_length,
            content_sha256=content_sha256,
            **kwargs,
        )

    def get(self, object_name: str | PurePath, **kwargs: Any) -> ResponseContext:
        """GetObject; the body is read from the response, as it is stored.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        """
        return self._verb("GET", object_name, kwargs)

    def head(self, object_name: str | PurePath, **kwargs: Any) -> ResponseContext:
        """HeadObject, or HeadBucket for a bucket's name.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
        """
        return self._verb("HEAD", object_name, kwargs)

    def delete(self, object_name: str | PurePath, **kwargs: Any) -> ResponseContext:
        """DeleteObject; 204 also when there was none.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
        """
        endpoint, name = self._engine.endpoint, object_name_of(object_name)
        bucket, key = endpoint.locate(name)
        alone = not bucket and key is not None and key.find("/") == len(key) - 1
        if alone and not endpoint.bucket and not kwargs.get("params"):
            # Were this "bucket/" with an empty key, the bucket itself would be deleted.
            raise ValueError(
                f"object_name: {name!r} may be a bucket's name; give the client bucket=… to "
                "delete a key of this form"
            )
        return self._verb("DELETE", name, kwargs)

    def put(
        self,
        object_name: str | PurePath,
        data: SourceData = b"",
        *,
        if_none_match: str | None = None,
        if_match: str | None = None,
        checksum: ChecksumWish = None,
        **kwargs: Any,
    ) -> ResponseContext:
        """PutObject.

        *data* is bytes-like, a str (UTF-8), a ``Path``, a binary file object, or an iterable or
        async iterable of bytes. A stream is sent as it comes when ``data_length=`` says how
        long it is. One of unknown length is gathered up to 8 MiB and sent whole; beyond that it
        becomes a multipart upload, and the response is that of CompleteMultipartUpload.
        Content-Type is guessed from the name unless ``headers`` has one.

        With ``if_none_match="*"`` only a new object is written, with ``if_match=etag`` only the
        one of that ETag replaced: otherwise the status is 412 (``PreconditionFailed``).

        *checksum* is an algorithm's name or a ``ChecksumConfig``; None leaves it to the client's
        settings, False sends none. That of a stream goes after it, in a trailer.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        if data is None:
            raise TypeError('data must not be None; give b"" for an empty object')
        params = kwargs.get("params")
        bucket, key = locate(self._engine.endpoint, object_name, params)
        if not (key or params or _makes_a_bucket(data)):
            locate_key(self._engine.endpoint, object_name)  # Raises.
        if if_none_match is not None or if_match is not None:
            headers = conditional_headers(kwargs.get("headers"), if_none_match, if_match)
            query = query_pairs(params)
            operation = operation_name("PUT", bool(key), query, headers)
            if operation not in _CONDITIONAL:
                argument = "if_match" if if_none_match is None else "if_none_match"
                raise ValueError(f"{argument}: {operation} knows no conditions; leave it out")
            kwargs.update(headers=headers, params=query)
        return self._send("PUT", bucket, key, data=data, checksum=checksum, **kwargs)

    def post(
        self, object_name: str | PurePath, data: SourceData | None = None, **kwargs: Any
    ) -> ResponseContext:
        """POST, for S3's many sub-resources (``params=``)."""
        return self._verb("POST", object_name, {**kwargs, "data": data})

    def put_file(
        self,
        object_name: str | PurePath,
        file_path: str | os.PathLike[str],
        *,
        headers: Headers = None,
        chunk_size: int = 64 * 1024,
        content_sha256: str | None = None,
        if_none_match: str | None = None,
        if_match: str | None = None,
        checksum: ChecksumWish = None,
        **kwargs: Any,
    ) -> ResponseContext:
        """PutObject of a file of up to 5 GiB, in one request.

        *chunk_size* is how many bytes are handed to the connection at a time; *if_none_match*,
        *if_match* and *checksum* are those of ``put``. Raises ``OSError`` when the file cannot be
        read, ``SourceChanged`` when it shrinks meanwhile.
        """
        check_positive("chunk_size", chunk_size)
        check_checksum("checksum", checksum)
        bucket, key = locate_key(self._engine.endpoint, object_name)
        merged = conditional_headers(headers, if_none_match, if_match)
        options = aiohttp_options(kwargs)

        async def send() -> aiohttp.ClientResponse:
            with closing(await open_file(file_path, "file_path")) as file:
                await set_content_type(merged, key)
                body = FileSource(file, 0, file.size, piece=chunk_size)
                answer = await send_body(
                    self._engine,
                    Request(
                        operation="PutObject",
                        method="PUT",
                        bucket=bucket,
                        key=key,
                        headers=merged,
                        content_sha256=content_sha256,
                        **wish_of(checksum)._asdict(),
                        options=for_aiohttp(options),
                    ),
                    body,
                )
                return await self._checked(answer, options)

        return ResponseContext(send())

    def _verb(
        self, method: str, object_name: str | PurePath, kwargs: dict[str, Any]
    ) -> ResponseContext:
        bucket, key = locate(self._engine.endpoint, object_name, kwargs.get("params"))
        return self._send(method, bucket, key, **kwargs)

    def _send(
        self,
        method: str,
        bucket: str,
        key: str | None,
        /,
        headers: Headers = None,
        params: Params = None,
        data: SourceData | None = None,
        data_length: int | None = None,
        content_sha256: str | None = None,
        checksum: ChecksumWish = None,
        **kwargs: Any,
    ) -> ResponseContext:
        merged, query = merged_headers(headers), query_pairs(params)
        operation = operation_name(method, bool(key), query, merged)
        check_checksum("checksum", checksum)
        if checksum is not None and operation not in FRAMED:
            raise ValueError(f"checksum: {operation} takes none from here; leave it out")
        wish = wish_of(operation == "PutObject" if checksum is None else checksum)
        options = for_aiohttp(aiohttp_options(kwargs)) if kwargs else kwargs
        # All that `send_data` would do for these is to send them.
        whole = (
            data_length is None
            and (data is None or isinstance(data, bytes))
            and not is_conditional(merged)
        )

        async def send() -> aiohttp.ClientResponse:
            if operation == "PutObject" and key:
                await set_content_type(merged, key, data)
            request = Request(
                operation=operation,
                method=method,
                bucket=bucket,
                key=key,
                query=query,
                headers=merged,
                body=BytesSource(data) if whole and isinstance(data, bytes) and data else None,
                content_sha256=content_sha256,
                checksum=wish.checksum,
                trailer=wish.trailer,
                idempotent=is_idempotent(method, operation),
                document=is_document(operation),
                options=options,
            )
            if whole:
                answer = await self._engine.pipeline.send(request)
            else:
                answer = await send_data(self._engine, request, data, data_length)
            return await self._checked(answer, kwargs)

        return ResponseContext(send())

    async def _checked(self, answer: Answer, options: Mapping[str, Any]) -> aiohttp.ClientResponse:
        wish = options.get("raise_for_status")
        if wish is None:
            wish = self._engine.session().raise_for_status
        if not answer.failed and (wish is None or isinstance(wish, bool)):
            return answer.response
        return await checked(answer, wish)


def _makes_a_bucket(data: object) -> bool:
    """Whether a PUT to a bucket's name can be meant: CreateBucket has no body, or XML."""
    return isinstance(data, bytes | str) and (not data or data[:1] in (b"<", "<"))
