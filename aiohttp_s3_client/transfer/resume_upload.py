"""What is left of an earlier run of the same upload: parts on the server, and a journal here.

The journal stands beside the source, under a hidden name that follows from the source's and the
target's. The server has the last word: a part counts only when ListParts still has it as the
journal says it was stored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self

from ..engine import Engine
from ..errors import NotFound
from ..protocol.parts import UploadedPart
from ..transport.answer import Answer
from ..transport.disk import Disk
from ..transport.openfile import OpenFile
from .journal import Journal, JournalHead, upload_journal_path
from .multipart import MultipartUpload


class UploadJournal:
    """The journal of one upload that can be gone on with."""

    def __init__(self, journal: Journal, head: JournalHead, disk: Disk) -> None:
        self._journal = journal
        self._head = head
        self._disk = disk
        self.finished: Answer | None = None
        """The object, where an earlier run turns out to have made it."""

    @classmethod
    async def open(
        cls,
        engine: Engine,
        bucket: str,
        key: str,
        file: OpenFile,
        path: Path,
        disk: Disk,
        *,
        start: int,
        headers: Mapping[str, str],
        part_size: int,
        checksum: bool | str,
    ) -> Self:
        """Take the lock on the upload of *file* from *start* on.

        Raises ``TransferInProgress`` when somebody else has it, and ``OSError`` when no journal
        can be kept beside the file.
        """
        endpoint = f"{engine.endpoint.scheme}://{engine.endpoint.authority}"
        size, changed_at, device, inode = file.identity
        told = json.dumps(sorted((name.lower(), value) for name, value in headers.items()))
        head = JournalHead(
            kind="upload",
            endpoint=endpoint,
            bucket=bucket,
            key=key,
            identity={
                "size": size,
                "mtime_ns": changed_at,
                "device": device,
                "inode": inode,
                "start": start,
                "part_size": part_size,
                "checksum": str(checksum),
                # A digest: customer's keys may be among them.
                "headers": hashlib.sha256(told.encode()).hexdigest(),
            },
        )
        place = upload_journal_path(path, bucket, key, endpoint)
        journal = await disk.acquire(partial(Journal.open, place, head), Journal.close)
        return cls(journal, head, disk)

    async def attach(self, upload: MultipartUpload) -> dict[int, int]:
        """Let *upload* go on with the one that was begun; the sizes of its parts, by number.

        Empty, with nothing attached, where there was none. One of an earlier state of the source
        is aborted.
        """
        journal = self._journal
        if journal.same_transfer and journal.head.upload_id:
            upload.attach(journal.head.upload_id)
            noted = {(part.number, part.etag, part.size) for part in journal.parts}
            try:
                there = await upload.list_parts()
            except NotFound:
                # Aborted, or completed by a run that was killed before it could say so.
                upload.attach(upload.upload_id, journal.parts)
                self.finished = await upload.completed_before()
                upload.attach("")
                return {}
            kept = [part for part in there if (part.number, part.etag, part.size) in noted]
            upload.attach(upload.upload_id, kept)
            return {part.number: part.size for part in kept}
        if journal.old_head is not None and journal.old_head.upload_id:
            upload.attach(journal.old_head.upload_id)
            await upload.abort()
            upload.upload_id = ""
        return {}

    async def begin(self, upload: MultipartUpload) -> None:
        """Note which upload it is, where that is not noted yet."""
        journal = self._journal
        if not (journal.same_transfer and journal.head.upload_id == upload.upload_id):
            head = replace(self._head, upload_id=upload.upload_id)
            await self._disk.run(partial(journal.restart, head))

    async def completed(self, number: int, etag: str, size: int) -> None:
        """Note that the server holds a part."""
        part = UploadedPart(number, etag, size)
        await self._disk.run(partial(self._journal.append, part))

    def forget(self) -> None:
        """The upload is over: the journal goes. Blocks, but hardly."""
        self._journal.remove()

    def close(self) -> None:
        """Leave the journal for the next run, if it is still there."""
        self._journal.close()
