"""The user's callbacks: called by keyword, and heard when they raise."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from ..transfer.callbacks import check_callback

Callback = Callable[..., Any]
"""Any signature that takes what the callback is given; what it returns is awaited where it can
be, and else of no meaning."""


class Callbacks:
    """What one request calls. Each may be None, and may be a coroutine function.

    What ``on_headers`` and ``on_body`` raise is the request's error, kept as ``raised``. What
    ``on_progress`` and ``on_done`` raise cannot be: it goes to the event loop's exception handler.
    """

    __slots__ = ("_on_body", "_on_done", "_on_headers", "_on_progress", "_told", "raised")

    def __init__(
        self,
        *,
        on_headers: Callback | None,
        on_body: Callback | None,
        on_done: Callback | None,
        on_progress: Callback | None,
    ) -> None:
        check_callback("on_headers", on_headers)
        check_callback("on_body", on_body)
        check_callback("on_done", on_done)
        check_callback("on_progress", on_progress)
        self._on_headers = on_headers
        self._on_body = on_body
        self._on_done = on_done
        self._on_progress = on_progress
        self._told = False
        self.raised: BaseException | None = None

    @property
    def wants_progress(self) -> bool:
        """Whether there is an ``on_progress``."""
        return self._on_progress is not None

    async def headers(self, status_code: int, headers: list[tuple[str, str]]) -> None:
        """Tell of the answer's head, once: later calls do nothing."""
        told, self._told = self._told, True
        if not told:
            await self._call(self._on_headers, status_code=status_code, headers=headers)

    async def body(self, chunk: bytes, offset: int) -> None:
        """Tell of the bytes at *offset* of the object."""
        await self._call(self._on_body, chunk=chunk, offset=offset)

    async def progress(self, size: int) -> None:
        """Tell that *size* more bytes are done."""
        assert self._on_progress is not None
        try:
            told = self._on_progress(size)
            if inspect.isawaitable(told):
                await told
        except Exception as error:
            _complain("on_progress", error)

    def done(self, **facts: object) -> Awaitable[None] | None:
        """Tell of the end; what to await where the callback is a coroutine function."""
        if self._on_done is None:
            return None
        try:
            told = self._on_done(**facts)
        except Exception as error:
            _complain("on_done", error)
            return None
        return _awaited(told) if inspect.isawaitable(told) else None

    async def _call(self, callback: Callback | None, **facts: object) -> None:
        if callback is None:
            return
        try:
            told = callback(**facts)
            if inspect.isawaitable(told):
                await told
        except Exception as error:
            self.raised = error
            raise


async def _awaited(told: Awaitable[object]) -> None:
    try:
        await told
    except Exception as error:
        _complain("on_done", error)


def _complain(name: str, error: Exception) -> None:
    asyncio.get_running_loop().call_exception_handler(
        {"message": f"{name} of a meta request raised", "exception": error}
    )
