"""What ``sync_directory`` adds to a sync: callbacks with paths and keys, and lists of keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

from ..arguments import bound_bucket
from ..models import SyncItem
from ..protocol.endpoint import Endpoint
from ..transfer.callbacks import check_callback
from .outputs import SyncResult

OnFile = Callable[[Path, str], object]
OnKey = Callable[[str], object]


class Record:
    """Is told each file of an upload sync, lists it, and tells the caller.

    What the caller's callbacks return is returned, for async ones are awaited by the sync.
    """

    def __init__(
        self,
        on_upload: OnFile | None,
        on_delete: OnKey | None,
        on_skip: OnFile | None,
        *,
        keep_lists: bool,
    ) -> None:
        callbacks = {"on_upload": on_upload, "on_delete": on_delete, "on_skip": on_skip}
        for name, callback in callbacks.items():
            check_callback(name, callback)
        self._on_upload = on_upload
        self._on_delete = on_delete
        self._on_skip = on_skip
        self._keep_lists = keep_lists
        self._result: SyncResult = {"uploaded": [], "deleted": [], "skipped": []}

    def uploaded(self, item: SyncItem) -> object:
        key = self._listed(item, self._result["uploaded"])
        return self._on_upload(cast(Path, item.source), key) if self._on_upload else None

    def deleted(self, item: SyncItem) -> object:
        key = self._listed(item, self._result["deleted"])
        return self._on_delete(key) if self._on_delete else None

    def skipped(self, item: SyncItem) -> object:
        key = self._listed(item, self._result["skipped"])
        return self._on_skip(cast(Path, item.source), key) if self._on_skip else None

    def ordered(self) -> SyncResult:
        """The lists, by key: files are done in any order."""
        for keys in (self._result["uploaded"], self._result["deleted"], self._result["skipped"]):
            keys.sort()
        return self._result

    def _listed(self, item: SyncItem, keys: list[str]) -> str:
        key = cast(str, item.target)
        if self._keep_lists:
            keys.append(key)
        return key


def below(endpoint: Endpoint, bucket: str, remote_prefix: str) -> str:
    """The prefix as a sync names it, with one slash behind it: files stand under it."""
    if not isinstance(remote_prefix, str):
        raise TypeError(f"remote_prefix must be a str, not {remote_prefix!r}")
    if remote_prefix.startswith("s3://"):
        raise ValueError(f"remote_prefix: {remote_prefix!r} is a URL; give what follows the bucket")
    prefix = remote_prefix.rstrip("/")
    return f"s3://{bound_bucket(endpoint, bucket)}/{prefix}" + ("/" if prefix else "")
