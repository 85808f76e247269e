"""``AcceleratedClient``: S3 by whole HTTP requests, which are cut into parts beneath."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from ..config import ChecksumConfig
from .callbacks import Callback
from .channel import Channel
from .http import RequestLike
from .limits import Limits
from .providers import Provider
from .request import S3Request
from .signed import signing_from
from .signing import SigningLike
from .tls import TlsConnectionOptions, check_tls
from .values import ChecksumLike, S3RequestTlsMode, S3RequestType


class AcceleratedClient:
    """A client for S3 that takes HTTP requests as they are and carries them out in parallel.

    Best used with ``async with``: inside, connections are kept from one request to the next, and
    leaving it waits for the requests under way, or cancels them after an error. Without it
    connections are closed whenever no request is under way, so that nothing has to be closed.

    :param bootstrap: accepted, without effect: there is one event loop.
    :param region: the region that buckets are in, and that requests are signed for.
    :param tls_mode: ``DISABLED`` is plain HTTP, whatever *tls_connection_options* say.
    :param signing_config: how requests are signed, with its credentials. Without it, and without
        *credential_provider*, requests are not signed.
    :param credential_provider: whose keys sign; the older way to say it.
    :param tls_connection_options: whom to trust, and who the client is. Its files are read in a
        thread, at the first request.
    :param part_size: bytes of a part of an upload or a download (8 MiB); for uploads it is moved
        to within S3's limits.
    :param multipart_upload_threshold: the largest upload, in bytes, that is one request; by
        default the larger of *part_size* and 5 MiB.
    :param throughput_target_gbps: sets the number of connections, one for each 0.4 Gbit/s and at
        least ten. 10 by default.
    :param enable_s3express: whether directory buckets, and ``V4_S3EXPRESS``, are known.
    :param memory_limit: bytes that all requests together hold in buffers; by default 2 GiB, 4 GiB
        above 25 Gbit/s, 8 GiB above 75.
    :param network_interface_names: the interfaces that connections are bound to, in turn.

    Raises ``ValueError`` or ``TypeError`` for arguments that cannot work, ``AwsCrtError``
    (``AWS_ERROR_PLATFORM_NOT_SUPPORTED``) where connections cannot be bound to interfaces.

    ``shutdown_event`` is an ``asyncio.Event``, set when the client has been closed.
    """

    def __init__(
        self,
        *,
        bootstrap: object = None,
        region: str,
        tls_mode: S3RequestTlsMode | None = None,
        signing_config: SigningLike | None = None,
        credential_provider: Provider | None = None,
        tls_connection_options: TlsConnectionOptions | ssl.SSLContext | None = None,
        part_size: int | None = None,
        multipart_upload_threshold: int | None = None,
        throughput_target_gbps: float | None = None,
        enable_s3express: bool | None = False,
        memory_limit: int | None = None,
        network_interface_names: Sequence[str] | None = None,
    ) -> None:
        if not isinstance(region, str):
            raise TypeError(f"region must be a str, not {region!r}")
        if tls_mode is not None and tls_mode not in S3RequestTlsMode.__members__.values():
            raise ValueError(f"tls_mode must be an S3RequestTlsMode or None, not {tls_mode!r}")
        if not isinstance(enable_s3express, bool | None):
            raise TypeError(f"enable_s3express must be True or False, not {enable_s3express!r}")
        if tls_connection_options is not None:
            check_tls(tls_connection_options)
        express = bool(enable_s3express)
        self._channel = Channel(
            limits=Limits.of(
                part_size, multipart_upload_threshold, throughput_target_gbps, memory_limit
            ),
            region=region,
            scheme="http" if tls_mode == S3RequestTlsMode.DISABLED else "https",
            tls=tls_connection_options,
            interfaces=network_interface_names,
            signing=signing_from(None, signing_config, credential_provider, express=express),
            express=express,
        )
        self.shutdown_event = asyncio.Event()

    def make_request(
        self,
        *,
        type: S3RequestType,
        request: RequestLike,
        operation_name: str | None = None,
        recv_filepath: str | os.PathLike[str] | None = None,
        send_filepath: str | os.PathLike[str] | None = None,
        signing_config: SigningLike | None = None,
        credential_provider: Provider | None = None,
        checksum_config: ChecksumLike | ChecksumConfig | None = None,
        part_size: int | None = None,
        multipart_upload_threshold: int | None = None,
        on_headers: Callback | None = None,
        on_body: Callback | None = None,
        on_done: Callback | None = None,
        on_progress: Callback | None = None,
    ) -> S3Request:
        """Begin *request* and return at once; to be called inside a running event loop.

        :param type: ``GET_OBJECT`` and ``PUT_OBJECT`` are cut into parts, ``DEFAULT`` is one
            request.
        :param request: what is asked, its ``Host`` included. A body is read from where it stands,
            up to ``Content-Length`` where that is given.
        :param operation_name: S3's name of a ``DEFAULT`` request. But for ``GetObject``, an answer
            of 200 is searched for an error (and read whole, up to 32 MiB).
        :param recv_filepath: where the answer's body goes in the place of *on_body*. The file
            appears when it is complete.
        :param send_filepath: the file to send in the place of the request's body.
        :param signing_config: how to sign this request; what it leaves open is the client's.
        :param credential_provider: whose keys sign this request.
        :param checksum_config: the checksum of what is sent, and whether what is received is held
            to the object's.
        :param part_size: as the client's, for this request.
        :param multipart_upload_threshold: as the client's; by default the *part_size* given here.
        :param on_headers: ``(status_code=, headers=)``, once; headers are pairs.
        :param on_body: ``(chunk=, offset=)`` for bytes at *offset* of the object, in order.
        :param on_done: ``(error=, error_headers=, error_body=, error_operation_name=,
            status_code=, did_validate_checksum=, checksum_validation_algorithm=)``, when
            ``finished_future`` is done.
        :param on_progress: ``(size)``: bytes moved since the last call.

        Callbacks may be coroutine functions, which are awaited. What ``on_headers`` and
        ``on_body`` raise ends the request and is its error; what the other two raise goes to the
        event loop's exception handler, and the request goes on.

        Raises ``ValueError`` or ``TypeError``, before anything is sent, for arguments that cannot
        work. Whatever else goes wrong is the error of ``finished_future``: ``S3ResponseError``
        for an answer of S3, another ``AwsCrtError`` for the rest (each with our typed error as
        its ``__cause__``), ``OSError`` for a file.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
        """
        return S3Request(
            client=self,
            type=type,
            request=request,
            operation_name=operation_name,
            recv_filepath=recv_filepath,
            send_filepath=send_filepath,
            signing_config=signing_config,
            credential_provider=credential_provider,
            checksum_config=checksum_config,
            part_size=part_size,
            multipart_upload_threshold=multipart_upload_threshold,
            on_headers=on_headers,
            on_body=on_body,
            on_done=on_done,
            on_progress=on_progress,
        )

    async def __aenter__(self) -> Self:
        self._channel.keep()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if exc is None:
                await self._channel.settled()
        finally:
            await self.close()

    async def close(self) -> None:
        """Cancel the requests that are under way, wait for their end, and close the connections.

        Afterwards the client takes no more requests.
        """
        await self._channel.close()
        self.shutdown_event.set()

    aclose = close
