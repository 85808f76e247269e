"""The three ways that files go: from the disk to S3, from S3 to the disk, within S3."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from ...config import TransferConfig
from ...engine import Engine
from ...errors import UnsafeKey
from ...protocol.extra_args import Translated, TranslatedCopy
from ...transport.disk import Disk
from ..copy import CopySource
from ..copy_parts import managed_copy
from ..download import DownloadOptions, download_file
from ..progress import ProgressMeter
from ..settings import download_options
from ..store import Store
from .comparing import Asked, asking_headers, same_file, same_object
from .entries import Batches, Entry
from .landing import Landing, Place
from .remote import listed
from .tree import walk

Symlinks = Literal["follow", "skip"]
Problem = Callable[[str, Exception], None]

_UNFINISHED = (
    r"(?s:.*/)?\.[^/]+\.[0-9a-f]{16}\.(?:part|download-part|download-journal|upload-journal)"
    r"(?:/.*)?"
)
"""What a transfer of this package has beside its file until it is done, or was killed."""


class Prefix(NamedTuple):
    """All objects of a bucket whose keys begin with *prefix*, which is empty or ends in a slash.

    *hidden* of its first characters are the client's own: its user names keys without them.
    """

    engine: Engine
    bucket: str
    prefix: str
    hidden: int = 0

    def key(self, name: str) -> str:
        return self.prefix + name

    def shown(self, name: str) -> str:
        """The key as the client's user knows it."""
        return self.key(name)[self.hidden :]

    def listed(self) -> Batches:
        return listed(self.engine, self.bucket, self.prefix)

    def asked(self, name: str, args: Translated) -> Asked:
        return Asked(self.engine, self.bucket, self.key(name), asking_headers(args.headers))


class Direction(Protocol):
    """One of the three ways."""

    def source_files(self, problem: Problem) -> Batches:
        """What there is at the source. *problem* is told what is not known of it."""
        ...

    def target_files(self, problem: Problem) -> Batches:
        """What there is at the target already."""
        ...

    def ends(self, name: str) -> tuple[Path | str, Path | str]:
        """Where a file comes from and where it goes, for its user's eyes."""
        ...

    def ignores(self, entry: Entry) -> bool:
        """Whether an entry of the source is none to be transferred."""
        ...

    def spares(self, entry: Entry) -> bool:
        """Whether an entry of the target is never to be deleted."""
        ...

    async def same(self, source: Entry, target: Entry) -> bool:
        """Whether the content is the same on both sides."""
        ...

    async def check(self, entry: Entry, gone: Collection[str]) -> None:
        """Raise what can be told beforehand. *gone* are names that count as deleted."""
        ...

    async def transfer(self, entry: Entry) -> None:
        """Let the target have the source's file."""
        ...


def is_unfinished(name: str) -> bool:
    """Whether a local file belongs to a transfer that is under way, or was killed."""
    return re.fullmatch(_UNFINISHED, name) is not None


def _refuse_unfinished(name: str) -> None:
    # A journal that was planted would have a download go on with what it never received.
    if is_unfinished(name):
        raise UnsafeKey(f"{name!r} is what an unfinished transfer would have beside its file")


class Upload:
    """From a directory to S3."""

    def __init__(
        self,
        root: Path,
        target: Prefix,
        symlinks: Symlinks,
        args: Translated,
        config: TransferConfig,
    ) -> None:
        self._root = root
        self._target = target
        self._symlinks: Symlinks = symlinks
        self._args = args
        self._config = config

    def source_files(self, problem: Problem) -> Batches:
        return walk(self._root, symlinks=self._symlinks, problem=problem)

    def target_files(self, problem: Problem) -> Batches:
        return self._target.listed()

    def ends(self, name: str) -> tuple[Path | str, Path | str]:
        return self._root / name, self._target.shown(name)

    def ignores(self, entry: Entry) -> bool:
        """What other transfers are still at work on."""
        return is_unfinished(entry.name)

    def spares(self, entry: Entry) -> bool:
        """What has no key for the client's user: it stands for all that is theirs."""
        return not self._target.shown(entry.name)

    async def same(self, source: Entry, target: Entry) -> bool:
        asked = self._target.asked(source.name, self._args)
        return await same_file(self._root / source.name, target, asked, self._config)

    async def check(self, entry: Entry, gone: Collection[str]) -> None:
        """Nothing is known before S3 is asked."""

    async def transfer(self, entry: Entry) -> None:
        # A guessed type is added to the headers, which therefore are of one object only.
        args = self._args._replace(
            headers=self._args.headers.copy(), multipart=self._args.multipart.copy()
        )
        engine, bucket, key = self._target.engine, self._target.bucket, self._target.key(entry.name)
        store = Store(engine, bucket, key, args, self._config, ProgressMeter())
        await store.from_path(self._root / entry.name, "source")


class Download:
    """From S3 to a directory, whose symlinks are never followed."""

    def __init__(
        self,
        source: Prefix,
        root: Path,
        landing: Landing,
        args: Translated,
        config: TransferConfig,
    ) -> None:
        self._source = source
        self._root = root
        self.landing = landing
        self._args = args
        self._config = config

    def source_files(self, problem: Problem) -> Batches:
        return self._source.listed()

    def target_files(self, problem: Problem) -> Batches:
        return walk(self._root, symlinks="skip", problem=problem)

    def ends(self, name: str) -> tuple[Path | str, Path | str]:
        return self._source.shown(name), self.landing.path(name)

    def ignores(self, entry: Entry) -> bool:
        """What stands for a folder: an empty object whose key ends in a slash."""
        return not entry.size and (entry.name.endswith("/") or not entry.name)

    def spares(self, entry: Entry) -> bool:
        """What other transfers are still at work on, or will go on with."""
        return is_unfinished(entry.name)

    async def same(self, source: Entry, target: Entry) -> bool:
        asked = self._source.asked(source.name, self._args)
        return await same_file(self.landing.path(target.name), source, asked, self._config)

    async def check(self, entry: Entry, gone: Collection[str]) -> None:
        _refuse_unfinished(entry.name)
        await self._disk.aside(partial(self.landing.check, entry.name, gone))

    async def transfer(self, entry: Entry) -> None:
        _refuse_unfinished(entry.name)
        disk = self._disk
        place = await disk.acquire(partial(self.landing.prepare, entry.name), Place.close)
        try:
            await download_file(
                self._source.engine,
                self._source.bucket,
                self._source.key(entry.name),
                place.path,
                self._options(entry.size),
                ProgressMeter(),
            )
            await disk.aside(partial(place.date, entry.mtime_ns))
        except OSError as error:
            place.explain(error)
            raise
        finally:
            place.close()

    def _options(self, size: int) -> DownloadOptions:
        """What is known of an object of *size*: most need no HEAD, one range and few workers."""
        options = download_options(self._source.engine.config, self._config, self._args)
        if size < options.threshold:
            options = options._replace(range_size=max(options.range_size, size), threshold=0)
        useful = max(2, -(-size // options.range_size))  # One may ask while the other receives.
        return options._replace(workers=min(options.workers, useful))

    @property
    def _disk(self) -> Disk:
        return Disk(threads=self._config.use_threads)


class Copy:
    """From S3 to S3. Keys are keys there, whatever they look like."""

    def __init__(
        self,
        source: Prefix,
        target: Prefix,
        args: TranslatedCopy,
        config: TransferConfig,
    ) -> None:
        self._source = source
        self._target = target
        self._args = args
        self._config = config

    def source_files(self, problem: Problem) -> Batches:
        return self._source.listed()

    def target_files(self, problem: Problem) -> Batches:
        return self._target.listed()

    def ends(self, name: str) -> tuple[Path | str, Path | str]:
        return self._source.shown(name), self._target.shown(name)

    def ignores(self, entry: Entry) -> bool:
        """What stands for the source itself."""
        return not (entry.name or entry.size)

    def spares(self, entry: Entry) -> bool:
        """What has no key for the client's user: it stands for all that is theirs."""
        return not self._target.shown(entry.name)

    async def same(self, source: Entry, target: Entry) -> bool:
        ours, theirs = self._source, self._target
        asked = (
            Asked(ours.engine, ours.bucket, ours.key(source.name), self._args.source),
            Asked(
                theirs.engine,
                theirs.bucket,
                theirs.key(target.name),
                asking_headers(self._args.headers),
            ),
        )
        return await same_object(source, target, asked)

    async def check(self, entry: Entry, gone: Collection[str]) -> None:
        if not self._target.key(entry.name):
            raise UnsafeKey(f"{self._source.key('')!r} would have no key in the whole of a bucket")

    async def transfer(self, entry: Entry) -> None:
        await self.check(entry, ())
        await managed_copy(
            self._target.engine,
            self._source.engine,
            CopySource(self._source.bucket, self._source.key(entry.name)),
            (self._target.bucket, self._target.key(entry.name)),
            args=self._args,
            config=self._config,
            meter=ProgressMeter(),
        )
