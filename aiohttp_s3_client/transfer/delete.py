"""Deleting any number of objects: in batches of 1,000, several in flight.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import aclosing
from functools import partial
from itertools import islice
from typing import NamedTuple

from ..models import DeleteResult
from ..transport.shielding import threaded
from .schedule import Job, run_jobs

BATCH_SIZE = 1000
"""Keys of one DeleteObjects at most: S3's limit."""

Target = tuple[str, str | None]
"""A key and a version id; None is the current version."""
Keys = Iterable[str | Target] | AsyncIterable[str | Target]
Report = Callable[[DeleteResult], Awaitable[None]]

# Keys travel in XML there. These characters it cannot hold, and of a carriage return some servers'
# readers make a line feed, which is another key. (Surrogates stand for bytes that are no UTF-8.)
UNFIT_FOR_XML = "[\\0-\\x08\\x0b-\\x1f\\ud800-\\udfff\\ufffe\\uffff]"
UNFIT_FOR_EXPRESS = rf"{UNFIT_FOR_XML}|[\x7f-\x9f]|\A\s+\Z"
"""Directory buckets refuse the whole batch for any control character, and for a key of nothing but
white space. https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-differences.html"""


class Calls(NamedTuple):
    """How S3 is asked; both raise S3's typed errors when the request fails as a whole."""

    batch: Callable[[list[Target]], Awaitable[DeleteResult]]
    """DeleteObjects of up to 1,000 keys."""
    single: Callable[[Target], Awaitable[DeleteResult]]
    """DeleteObject, for a key that XML does not hold."""
    unfit: str = UNFIT_FOR_XML
    """What is found in such keys."""


async def delete_all(keys: Keys, calls: Calls, workers: int) -> DeleteResult:
    """As ``delete_each``; returns what became of all of them."""
    result = DeleteResult([], [])

    async def keep(answered: DeleteResult) -> None:
        result.deleted.extend(answered.deleted)
        result.errors.extend(answered.errors)

    await delete_each(keys, calls, workers, keep)
    return result


async def delete_each(keys: Keys, calls: Calls, workers: int, report: Report) -> None:
    """Delete *keys* by *calls*, *workers* of them in flight; more keys are taken only then.

    *report* is told what became of the keys of each call, one call at a time. A call counts as in
    flight until then: nothing piles up before a slow one.

    When a call fails as a whole, or *keys* or *report* raises, no further one is made, those in
    flight come to their end, and the first error is raised with a note of what was deleted until
    then. A *report* that raised is told no more.
    """
    await _Deletion(calls, report).run(_batches(keys), workers)


class _Deletion:
    def __init__(self, calls: Calls, report: Report) -> None:
        self._calls = calls
        self._report = report
        self._turn = asyncio.Lock()
        self._reporting = True
        self._failures: list[Exception] = []
        self._deleted = 0
        self._refused = 0
        self._in_doubt = 0

    async def run(self, batches: AsyncGenerator[list[Target], None], workers: int) -> None:
        await run_jobs(self._jobs(batches), workers)
        if self._failures:
            error = self._failures[0]
            error.add_note(self._so_far())
            raise error

    async def _jobs(self, batches: AsyncGenerator[list[Target], None]) -> AsyncGenerator[Job, None]:
        try:
            async with aclosing(batches):
                async for batch in batches:
                    for job in self._of(batch):
                        if self._failures:
                            return
                        yield job
        except Exception as error:  # The user's, or about a key: raised when all have settled.
            self._failures.append(error)

    def _of(self, batch: list[Target]) -> Iterator[Job]:
        fit: list[Target] = []
        unfit: list[Target] = []
        for target in batch:
            (unfit if re.search(self._calls.unfit, target[0]) else fit).append(target)
        if fit:
            yield partial(self._settle, partial(self._calls.batch, fit), len(fit))
        for target in unfit:
            yield partial(self._settle, partial(self._calls.single, target), 1)

    async def _settle(self, call: Callable[[], Awaitable[DeleteResult]], count: int) -> None:
        try:
            result = await call()
        except Exception as error:
            self._failures.append(error)
            self._in_doubt += count
            return
        refused = len(result.errors)
        self._refused += refused
        self._deleted += count - refused
        async with self._turn:
            if not self._reporting:
                return
            try:
                await self._report(result)
            except Exception as error:  # The user's: raised when all have settled.
                self._failures.append(error)
                self._reporting = False

    def _so_far(self) -> str:
        return (
            f"delete_objects: {self._deleted:,} keys were deleted and {self._refused:,} "
            f"refused before it stopped; of {self._in_doubt:,} it is not known"
        )


async def _batches(keys: Keys) -> AsyncGenerator[list[Target], None]:
    """*keys*, checked, in lists of 1,000."""
    position = 0
    if isinstance(keys, AsyncIterable):
        batch: list[Target] = []
        async for key in keys:
            batch.append(_target(key, position))
            position += 1
            if len(batch) == BATCH_SIZE:
                yield batch
                batch = []
        if batch:
            yield batch
        return
    taken = iter(keys)

    def take() -> list[str | Target]:
        return list(islice(taken, BATCH_SIZE))

    in_memory = isinstance(keys, Collection)
    # What makes its items as it goes may read a file for them.
    while items := take() if in_memory else await threaded(take):
        yield [_target(item, at) for at, item in enumerate(items, position)]
        position += len(items)


def check_keys(keys: object) -> None:
    """A ``TypeError`` for what is no iterable of keys."""
    if isinstance(keys, str | bytes | Mapping) or not isinstance(keys, Iterable | AsyncIterable):
        raise TypeError(
            f"keys must be an iterable of keys, or of (key, version id), not {keys!r:.100}"
        )


def _target(item: object, position: int) -> Target:
    key, version_id = item if isinstance(item, tuple) and len(item) == 2 else (item, None)
    if not isinstance(key, str) or not isinstance(version_id, str | None):
        raise TypeError(f"keys[{position}] must be a key or (key, version id), not {item!r:.200}")
    if not key:
        raise ValueError(f"keys[{position}] holds an empty key: {item!r:.200}")
    return key, version_id
