"""What S3 answers, and what goes wrong on the way to it, as errors of the storage."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from .. import config
from ..errors import (
    CredentialsError,
    ExpiredToken,
    Forbidden,
    InvalidObjectState,
    NoSuchKey,
    NotFound,
    PreconditionFailed,
    S3ConnectionError,
    S3Error,
    StorageConnectionError,
    StorageError,
    StorageFileExistsError,
    StorageFileNotFoundError,
    StoragePermissionError,
    StorageValueError,
)

T = TypeVar("T")


class Foreign:
    """What the caller's own code raised during an operation: it passes as it is.

    A stream that is to be stored may well come from another S3, whose errors say nothing of this.
    """

    def __init__(self) -> None:
        self._errors: list[BaseException] = []

    async def watched(self, stream: AsyncIterable[T]) -> AsyncIterator[T]:
        """*stream*, whose errors are remembered."""
        with self.remembered():
            async for item in stream:
                yield item

    def watched_items(self, items: Iterable[T]) -> Iterator[T]:
        """As ``watched``, of what is no async stream."""
        with self.remembered():
            yield from items

    @contextmanager
    def remembered(self) -> Iterator[None]:
        """Around the caller's own code."""
        try:
            yield
        except Exception as error:
            self._errors.append(error)
            raise

    def __contains__(self, error: BaseException) -> bool:
        return any(error is each for each in self._errors)


@contextmanager
def translated(
    doing: str, key: str, *, new: str | None = None, foreign: Foreign | None = None
) -> Iterator[None]:
    """Around an operation that *doing* names, for messages, and whose file is *key*.

    *new* is the key of the file that is written, where that is another one.
    """
    try:
        yield
    except StorageError:
        raise
    except S3Error as error:
        if foreign is not None and error in foreign:
            raise
        raise _of_storage(error, doing, key, key if new is None else new) from error


def _of_storage(error: S3Error, doing: str, key: str, new: str) -> StorageError:
    # The only condition that is ever sent is that there is no such file yet.
    if isinstance(error, PreconditionFailed):
        return StorageFileExistsError(new)
    # Without a code it is the answer to a HEAD, which has no body that could hold one.
    if isinstance(error, NoSuchKey) or (isinstance(error, NotFound) and not error.code):
        return StorageFileNotFoundError(key)
    text = f"{doing} {key!r}: {error}"
    if isinstance(error, Forbidden | ExpiredToken) and not isinstance(error, InvalidObjectState):
        return StoragePermissionError(text)
    if isinstance(error, S3ConnectionError | CredentialsError):
        return StorageConnectionError(text)
    return StorageError(text)


def check_between(argument: str, value: object, least: int, most: int | None = None) -> int:
    """*value* as an int from *least* to *most*, or an error that names the argument."""
    number = config.check_int(argument, value)
    if number < least or (most is not None and number > most):
        bounds = f"at least {least}" if most is None else f"from {least} to {most:,}"
        raise StorageValueError(f"{argument} must be {bounds}, not {number}")
    return number
