"""What the verbs of a face return: something to await, or to enter with ``async with``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import TracebackType
from typing import Any

import aiohttp

from .transport.answer import Answer, leave


class ResponseContext(Coroutine[Any, Any, aiohttp.ClientResponse]):
    """A request that is sent when this is awaited or entered; also a coroutine, for tasks.

    ``response = await client.get(…)`` leaves the response to the caller.
    ``async with client.get(…) as response:`` lets go of it at the end: a small unread rest is
    read so that the connection can be used again, a large one is cut off.
    """

    __slots__ = ("_response", "_sending")

    def __init__(self, sending: Coroutine[Any, Any, aiohttp.ClientResponse]) -> None:
        self._sending = sending
        self._response: aiohttp.ClientResponse | None = None

    def __await__(self) -> Generator[Any, Any, aiohttp.ClientResponse]:
        return self._sending.__await__()

    def send(self, value: Any) -> Any:
        return self._sending.send(value)

    def throw(self, *error: Any) -> Any:
        return self._sending.throw(*error)

    def close(self) -> None:
        """Give the request up; nothing is sent if it was not awaited yet."""
        self._sending.close()

    async def __aenter__(self) -> aiohttp.ClientResponse:
        self._response = await self._sending
        return self._response

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        response = self._response
        if response is None:
            return
        if exc is not None or response.content.at_eof():
            response.release()
        else:
            await leave(response)


RaiseForStatus = Callable[[aiohttp.ClientResponse], Awaitable[None]]


async def checked(
    answer: Answer, raise_for_status: bool | RaiseForStatus | None
) -> aiohttp.ClientResponse:
    """The answer's response, after the session's (or the call's) own ``raise_for_status``.

    Where that is True, an error of 400 and above is raised as ours, with S3's code in it. Where
    it is a callable it decides; what it raises of aiohttp's becomes ours too, since aiohttp's own
    would show the request's signature.
    """
    response = answer.response
    if answer.failed and response.status < 300:
        raise answer.error()
    if raise_for_status is None or isinstance(raise_for_status, bool):
        if raise_for_status and response.status >= 400:
            response.release()
            raise answer.error()
        return response
    try:
        await raise_for_status(response)
    except aiohttp.ClientResponseError:
        refused = True
    except BaseException:
        response.close()
        raise
    else:
        refused = False
    if refused:
        response.release()
        raise answer.error()
    return response
