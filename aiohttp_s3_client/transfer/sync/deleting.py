"""Deleting what the source of a sync does not have.

Objects go a thousand by a request, as a job beside the transfers. Files on the disk go one by one
and at once: a file ``a`` has to be gone before ``a/b`` lands.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Protocol

from ...errors import DeleteFailed
from ...models import DeleteError, DeleteResult
from ...transport.disk import Disk
from ..delete import BATCH_SIZE, Calls, delete_each
from ..schedule import Job
from .entries import Entry
from .landing import Landing
from .outcome import OF_ONE_FILE, Outcome


class Deletion(Protocol):
    """Takes what is to be deleted, in the order of the names."""

    @property
    def gone(self) -> Collection[str]:
        """Names that count as deleted, and may stand in the way of the next ones all the same."""
        ...

    async def reached(self, name: str, *, kept: bool) -> None:
        """The sync has come to *name*, which is *kept* or will be handed to ``delete`` next."""
        ...

    async def delete(self, entry: Entry) -> Job | None:
        """Delete *entry*, now or by the job that is returned."""
        ...

    async def finish(self) -> Job | None:
        """No more is to be deleted: what is left to do."""
        ...

    async def make_room(self, name: str) -> None:
        """Remove an empty directory in the place of the file called *name*."""
        ...


class ObjectDeletion:
    """Deletes objects in batches; *key* gives the key of a name, as *calls* take it.

    *confirm* raises where the source is no longer what said that they are to go.
    """

    gone: Collection[str] = ()

    def __init__(
        self,
        calls: Calls,
        key: Callable[[str], str],
        outcome: Outcome,
        confirm: Callable[[], Awaitable[None]] | None,
    ) -> None:
        self._calls = calls
        self._key = key
        self._outcome = outcome
        self._confirm = confirm
        self._batch: list[Entry] = []

    async def reached(self, name: str, *, kept: bool) -> None:
        """Prefixes end with their last object."""

    async def delete(self, entry: Entry) -> Job | None:
        self._batch.append(entry)
        return await self.finish() if len(self._batch) == BATCH_SIZE else None

    async def finish(self) -> Job | None:
        batch, self._batch = self._batch, []
        return partial(self._delete, batch) if batch else None

    async def make_room(self, name: str) -> None:
        """Objects stand in each other's way nowhere."""

    async def _delete(self, batch: list[Entry]) -> None:
        if self._confirm is not None:
            await self._confirm()
        refused: dict[str, DeleteError] = {}

        async def report(result: DeleteResult) -> None:
            refused.update((error.key, error) for error in result.errors)

        try:
            keys = [self._key(entry.name) for entry in batch]
            await delete_each(keys, self._calls, 1, report)
        except OF_ONE_FILE as error:
            for entry in batch:
                await self._outcome.failed(entry.name, error)
            return
        for entry in batch:
            problem = refused.get(self._key(entry.name))
            if problem is None:
                await self._outcome.deleted(entry)
            else:
                await self._outcome.failed(entry.name, DeleteFailed([problem], 1, 0))


class FileDeletion:
    """Deletes files, and the directories that became empty by it, but never the root.

    Names come in order, so all of a directory come together: when the sync leaves one, it is known
    whether any file of it was kept. What the sync does not see (links, what was excluded) keeps
    its directory, since only an empty one can be removed.
    """

    gone: Collection[str] = ()

    def __init__(self, landing: Landing, disk: Disk, outcome: Outcome) -> None:
        self._landing = landing
        self._disk = disk
        self._outcome = outcome
        self._open: list[_Folder] = []
        """The directory that the sync is in, and all above it but the root."""

    async def reached(self, name: str, *, kept: bool) -> None:
        parts = name.split("/")[:-1]
        common = 0
        for folder, part in zip(self._open, parts, strict=False):
            if folder.name != part:
                break
            common += 1
        while len(self._open) > common:
            await self._leave()
        self._open += map(_Folder, parts[common:])
        if kept and self._open:
            self._open[-1].kept = True

    async def delete(self, entry: Entry) -> Job | None:
        try:
            await self._disk.aside(partial(self._landing.remove, entry))
        except OF_ONE_FILE as error:
            await self._outcome.failed(entry.name, error)
        else:
            if self._open:
                self._open[-1].emptied = True
            await self._outcome.deleted(entry)
        return None

    async def finish(self) -> Job | None:
        await self.reached("", kept=False)
        return None

    async def make_room(self, name: str) -> None:
        await self._disk.aside(partial(self._landing.remove_directory, name))

    async def _leave(self) -> None:
        path = "/".join(folder.name for folder in self._open)
        folder = self._open.pop()
        above = self._open[-1] if self._open else _Folder("")
        if folder.kept or not folder.emptied:
            above.kept = above.kept or folder.kept
            return
        try:
            gone = await self._disk.aside(partial(self._landing.remove_directory, path))
        except OF_ONE_FILE as error:
            await self._outcome.failed(path, error)
            gone = False
        above.emptied = above.emptied or gone


class _Folder:
    """A directory on the way of the sync."""

    __slots__ = ("emptied", "kept", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.kept = False
        """Whether a file of it stays, or will come."""
        self.emptied = False
        """Whether something of it was deleted."""


class Pretended:
    """Deletes nothing, and counts and tells as if it did."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._gone: list[str] = []

    @property
    def gone(self) -> Collection[str]:
        return tuple(self._gone)

    async def reached(self, name: str, *, kept: bool) -> None:
        # "a" is in the way of "a/b" alone, and all names in between begin with it.
        self._gone = [gone for gone in self._gone if name.startswith(gone)]

    async def delete(self, entry: Entry) -> Job | None:
        self._gone.append(entry.name)
        await self._outcome.deleted(entry)
        return None

    async def finish(self) -> Job | None:
        return None

    async def make_room(self, name: str) -> None:
        """Nothing is landed either."""
