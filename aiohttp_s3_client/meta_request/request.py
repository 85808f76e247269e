"""``S3Request``: one request under way, from its arguments to its last callback."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

from ..config import ChecksumConfig
from ..errors import AwsCrtError, ChecksumMismatch
from ..errors.crt import S3ResponseError
from .bodies import check_body
from .callbacks import Callback, Callbacks
from .channel import Channel
from .failures import failure_of
from .http import RequestLike
from .kinds import Kind
from .providers import Provider
from .signed import check_headers, signing_from
from .signing import SigningLike
from .target import target_of
from .values import ChecksumLike, S3ChecksumAlgorithm, S3RequestType
from .values import checksum_config as checksum_config_of
from .work import Result, Work


class S3Request:
    """A request that ``AcceleratedClient.make_request`` has begun.

    ``finished_future`` is an ``asyncio.Future``: its result is None, or it has the request's
    error. Nothing is logged where nobody looks at it, and cancelling it cancels the request.
    ``shutdown_event`` is an ``asyncio.Event``, set when ``on_done`` has been called and all that
    the request had is closed.
    """

    __slots__ = (
        "__weakref__", "_callbacks", "_channel", "_finished", "_result", "_task", "_telling",
        "shutdown_event",
    )  # fmt: skip

    def __init__(
        self,
        *,
        client: object,
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
        region: str | None = None,
    ) -> None:
        """See ``AcceleratedClient.make_request``; *region* is the client's unless it is given."""
        channel = getattr(client, "_channel", None)
        if not isinstance(channel, Channel):
            raise TypeError(f"client must be an AcceleratedClient, not {client!r:.100}")
        kind = Kind.of(type)
        callbacks = Callbacks(
            on_headers=on_headers, on_body=on_body, on_done=on_done, on_progress=on_progress
        )
        express = channel.express
        target = target_of(request, channel.scheme, of_object=bool(kind.operation), express=express)
        signing = signing_from(
            channel.signing, signing_config, credential_provider, express=express
        )
        check_headers(target, signing)
        work = Work(
            engine=channel.engine(target, signing, region or channel.region),
            target=target,
            operation=kind.named(operation_name),
            callbacks=callbacks,
            limits=channel.limits.of_request(part_size, multipart_upload_threshold),
            budget=channel.budget,
            body=check_body(request.body_stream) if send_filepath is None else None,
            checksum=None if checksum_config is None else checksum_config_of(checksum_config),
            send_path=_path("send_filepath", send_filepath),
            receive_path=_path("recv_filepath", recv_filepath),
        )
        kind.check(work)
        loop = channel.loop()
        self._channel = channel
        self._callbacks = callbacks
        self._result: Result | None = None
        self._telling: asyncio.Future[None] | None = None
        self._finished: asyncio.Future[None] = loop.create_future()
        self.shutdown_event = asyncio.Event()
        channel.requests.add(self)
        self._task = loop.create_task(self._carry_out(kind.carry_out, work))
        self._task.add_done_callback(self._ended)
        self._finished.add_done_callback(self._given_up)

    @property
    def finished_future(self) -> asyncio.Future[None]:
        """Done when the request is; see the class."""
        return self._finished

    def cancel(self) -> None:
        """End the request early: its error is ``AWS_ERROR_S3_CANCELED`` then.

        An upload in parts is aborted and a file that is not complete removed before
        ``finished_future`` is done. Of a request that has ended it changes nothing.
        """
        self._task.cancel()

    async def _carry_out(self, carry_out: Callable[[Work], Awaitable[Result]], work: Work) -> None:
        try:
            async with self._channel.session() as session:
                self._result = await carry_out(work.through(session))
        except Exception as error:
            if error is self._callbacks.raised:
                raise
            failure = failure_of(error)
            if isinstance(failure, S3ResponseError):
                await self._callbacks.headers(failure.status_code or 0, failure.headers or [])
            if failure is error:
                raise
            raise failure from error

    def _given_up(self, finished: asyncio.Future[None]) -> None:
        if finished.cancelled():
            self.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Settle the future, tell ``on_done``, and only then let go."""
        error = task.exception() if not task.cancelled() else None
        if task.cancelled():
            error = AwsCrtError.of("AWS_ERROR_S3_CANCELED")
        if error is None:
            if not self._finished.done():
                self._finished.set_result(None)
        elif not self._finished.done():
            self._finished.set_exception(error)
            self._finished.exception()  # Seen: on_done tells of it, if nobody else asks.
        told = self._callbacks.done(**self._facts(error))
        if told is None:
            self._shut_down()
            return
        self._telling = asyncio.ensure_future(told)
        self._telling.add_done_callback(lambda _: self._shut_down())

    def _facts(self, error: BaseException | None) -> dict[str, object]:
        answer = error if isinstance(error, S3ResponseError) else None
        result = self._result if error is None else None
        algorithm = _compared(error, result)
        return {
            "error": error,
            "error_headers": answer.headers if answer is not None else None,
            "error_body": answer.body if answer is not None else None,
            "error_operation_name": answer.operation_name if answer is not None else None,
            "status_code": (
                answer.status_code if answer is not None else result and result.status_code
            ),
            "did_validate_checksum": algorithm is not None,
            "checksum_validation_algorithm": algorithm,
        }

    def _shut_down(self) -> None:
        self._channel.requests.discard(self)
        self.shutdown_event.set()


def _compared(error: BaseException | None, result: Result | None) -> S3ChecksumAlgorithm | None:
    """Of which algorithm the checksum is that a download was held to, whether it agreed or not."""
    if error is None:
        return result and result.algorithm
    cause = error.__cause__
    # An ETag that is an MD5 is no checksum in the words of S3.
    known = S3ChecksumAlgorithm.__members__
    return known.get(cause.algorithm) if isinstance(cause, ChecksumMismatch) else None


def _path(name: str, path: str | os.PathLike[str] | None) -> str | None:
    """*path* as text. Raises ``TypeError`` for what is none."""
    if path is None:
        return None
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{name} must be a str or a path, not {path!r}")
    return os.fsdecode(path)
