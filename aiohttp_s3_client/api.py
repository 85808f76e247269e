"""Every operation of S3 under boto3's names: ``client.api``. The types are in ``api.pyi``.

Which operations there are stands in ``protocol/model/``, which a new version of S3's description
renews; nothing here knows one of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from .engine import Engine
from .operations.loading import s3_model
from .operations.paginator import Paginator
from .operations.result import Output
from .protocol.model.names import OPERATIONS, PAGINATORS, WAITERS
from .protocol.pagination import Pager
from .transport.disk import Disk

if TYPE_CHECKING:
    from .operations.caller import Caller

_ELSEWHERE = {
    "copy": "client.managed_copy",
    "download_file": "client.download_file",
    "download_fileobj": "client.download_fileobj",
    "exceptions": "aiohttp_s3_client.errors",
    "generate_presigned_post": "client.generate_presigned_post",
    "generate_presigned_url": "client.generate_presigned_url",
    "get_paginator": "client.api.paginate",
    "get_waiter": "client.api.wait_until",
    "upload_file": "client.upload_file",
    "upload_fileobj": "client.upload_fileobj",
}
"""What else boto3's client has."""

_PAGES = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_"


class Api:
    """S3's operations: ``await client.api.put_bucket_cors(Bucket="b", CORSConfiguration={…})``.

    Parameters and results are boto3's, in dicts: https://docs.aws.amazon.com/AmazonS3/latest/API/
    Each method raises ``ParamValidationError`` before anything is sent for parameters that cannot
    work, and S3's typed errors. ``Bucket`` may be left out where the client is bound to one.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._caller: Caller | None = None

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Output]]:
        operation = OPERATIONS.get(name)
        if operation is None:
            advice = f"; boto3's is {_ELSEWHERE[name]} here" if name in _ELSEWHERE else ""
            raise AttributeError(f"S3 has no operation {name!r}{advice}")

        async def method(**params: Any) -> Output:
            return await self._call(operation, params)

        method.__name__, method.__qualname__ = name, f"Api.{name}"
        method.__doc__ = f"{operation}: {_PAGES}{operation}.html"
        self.__dict__[name] = method
        return method

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *OPERATIONS})

    def paginate(self, operation: str, /, **params: Any) -> Paginator[Output]:
        """The pages of a listing, ``async for``; ``.items()`` are the members of its pages.

        *operation* is a method's name (``"list_objects_v2"``); boto3's ``PaginationConfig`` is
        taken among the parameters. Raises ``ValueError`` for an operation that has no pages.
        """
        name = _found(PAGINATORS, operation, "operation")

        async def pager() -> Pager:
            return Pager.of((await s3_model()).facts["paginators"][name])

        return Paginator(partial(self._call, name), pager, name, params)

    async def wait_until(
        self, waiter: str, /, *, WaiterConfig: dict[str, Any] | None = None, **params: Any
    ) -> None:
        """Ask until what *waiter* (``"object_exists"``) waits for is so.

        *WaiterConfig* is boto3's: ``Delay`` (seconds, 5) and ``MaxAttempts`` (20). Raises
        ``WaiterError`` after the last attempt, ``ValueError`` for an unknown waiter.
        """
        name = _found(WAITERS, waiter, "waiter")
        facts = (await s3_model()).facts["waiters"][name]
        await Disk().imported(f"{__package__}.operations.waiter")
        from .operations.waiter import wait_until  # noqa: PLC0415  # Read by now.
        from .protocol.waiters import Waiter  # noqa: PLC0415  # Read by now.

        how = Waiter.of(name, facts)
        await wait_until(partial(self._call, how.operation), how, params, WaiterConfig)

    async def _call(self, operation: str, params: Mapping[str, Any]) -> Output:
        if self._caller is None:
            # At the first call: a program that only moves bytes needs nothing of it.
            await Disk().imported(f"{__package__}.operations.caller")
            from .operations.caller import Caller  # noqa: PLC0415  # Read by now.

            self._caller = Caller(self._engine)
        return await self._caller.call(operation, params)


def _found(names: dict[str, str], name: str, argument: str) -> str:
    found = names.get(name)
    if found is None:
        raise ValueError(f"{argument}: there is no {name!r}, there are {', '.join(names)}")
    return found
