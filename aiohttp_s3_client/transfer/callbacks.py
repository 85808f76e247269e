"""The user's callbacks, which may be async: checked before anything is sent, and called."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def check_callback(name: str, callback: object) -> None:
    """Raise ``TypeError`` for what is neither callable nor None."""
    if callback is not None and not callable(callback):
        raise TypeError(f"{name} must be callable or None, not {callback!r}")


async def tell(callback: Callable[[T], object], what: T) -> None:
    """Call *callback* with *what*, and wait for its end where it is async."""
    told = callback(what)
    if inspect.isawaitable(told):
        await told
