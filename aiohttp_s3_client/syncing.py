"""Keeping a directory and a prefix, or two prefixes, alike."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from .admin.deletion import deletion_calls
from .api import Api
from .arguments import bound_bucket
from .config import TransferConfig
from .engine import Engine
from .models import SyncFailure, SyncItem, SyncReport
from .protocol.bucket_names import split_bucket
from .protocol.extra_args import ExtraArgs
from .transfer.callbacks import check_callback
from .transport.disk import Disk

if TYPE_CHECKING:
    from .transfer.sync import Compare, Globs, Prefix, Symlinks

OnItem = Callable[[SyncItem], object]
OnFailure = Callable[[SyncFailure], object]

_SCHEME = "s3://"


class Syncing:
    """Syncs between the disk and S3, and within S3."""

    _engine: Engine
    _api: Api

    async def sync(
        self,
        source: os.PathLike[str] | str,
        destination: os.PathLike[str] | str,
        *,
        delete: bool = False,
        dry_run: bool = False,
        include: Globs = (),
        exclude: Globs = (),
        compare: Compare = "time",
        symlinks: Symlinks = "follow",
        extra_args: ExtraArgs = None,
        config: TransferConfig | None = None,
        source_client: Syncing | None = None,
        on_transfer: OnItem | None = None,
        on_delete: OnItem | None = None,
        on_skip: OnItem | None = None,
        on_error: OnFailure | None = None,
    ) -> SyncReport:
        """Make *destination* like *source*: transfer what is missing there or differs.

        A ``pathlib.Path`` is a local directory, a ``str`` is ``"s3://bucket/prefix"`` (with a last
        slash or without: names live below ``prefix/``) or ``"s3://bucket"``. One of both is in S3;
        when both are, objects are copied by the server. Both sides are streamed and merged, so
        that memory does not grow with their size.

        :param delete: also delete at *destination* what *source* does not have, and directories
            that are empty then. Nothing is deleted beneath what could not be read at *source*. A
            prefix without objects is an empty source: try ``dry_run`` first.
        :param dry_run: decide, count and call back as always, and write nothing anywhere.
        :param include: a glob or several (``fnmatch``'s; case counts, ``*`` crosses slashes) over
            the relative name. A file takes part that matches any of them, or when there are none,
        :param exclude: and that matches none of these. Others are neither transferred nor deleted.
        :param compare: ``"time"``: files differ when their sizes do, or when *source* is newer
            (mtime, or LastModified). ``"size"``: by size alone. ``"checksum"``: by content, which
            reads local files and may ask about each object; what cannot be compared differs.
        :param symlinks: in a local source, ``"follow"`` them, or ``"skip"`` them as if they were
            not there. In a local destination none is ever followed, written through or deleted.
        :param extra_args: boto3's ``ExtraArgs`` of the uploads, downloads or copies. An upload's
            content type is guessed from its name unless one is given.
        :param config: ``max_concurrency`` files at a time; those from ``multipart_threshold`` on
            go one after another, each in as many parts at a time.
        :param source_client: for a source in another account or region, when both are in S3.
        :param on_transfer: told each file when it is done, as are *on_delete*, *on_skip* (it is
            alike already) and *on_error*; one at a time, sync or async. What one raises ends the
            sync.

        A downloaded file appears when it is complete, with the object's LastModified as its
        mtime. Empty objects whose keys end in a slash stand for folders and are not downloaded; a
        key that names no place inside of the directory, or one on or behind a symlink there, is
        ``UnsafeKey``.

        What is wrong with one file (``S3Error``, ``OSError``, ``ValueError``) is told to
        *on_error*, and ``SyncError`` is raised at the end, with the first 1,000 and the report.
        What concerns all ends the sync at once: a listing that fails, a missing bucket, no
        credentials, a full disk, many connection errors in a row. Raises ``FileNotFoundError`` for
        a directory *source* that is missing, ``ValueError`` for prefixes that overlap.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/ListingKeysUsingAPIs.html
        """
        # At the first one, in a thread: it is a tenth of the package, and few programs need it.
        await Disk().imported(f"{__package__}.transfer.sync")
        from .transfer import sync as parts  # noqa: PLC0415  # Loaded by now: no file is read.

        for name, value in (("delete", delete), ("dry_run", dry_run)):
            if not isinstance(value, bool):
                raise TypeError(f"{name} must be True or False, not {value!r}")
        _check_one_of("compare", compare, get_args(parts.Compare))
        _check_one_of("symlinks", symlinks, get_args(parts.Symlinks))
        if not isinstance(config, TransferConfig | None):
            raise TypeError(f"config must be a TransferConfig, not {type(config).__name__}")
        callbacks = parts.Callbacks(on_transfer, on_delete, on_skip, on_error)
        for name, function in callbacks._asdict().items():
            check_callback(name, function)
        asked = self if source_client is None else source_client
        if not isinstance(asked, Syncing):
            raise TypeError(f"source_client must be an S3Client, not {asked!r}")
        here = _side(parts.Prefix, asked._engine, source, "source")
        there = _side(parts.Prefix, self._engine, destination, "destination")
        if source_client is not None and (isinstance(here, Path) or isinstance(there, Path)):
            raise ValueError("source_client: it is for a source and a destination in S3")
        deletions = None
        if delete and isinstance(there, parts.Prefix):
            within = self._engine.endpoint.key_prefix
            deletions = deletion_calls(
                self._engine, self._api, there.bucket, within=within, quiet=True
            )
        options = parts.SyncOptions(
            delete=delete,
            dry_run=dry_run,
            files=parts.Filter(include, exclude),
            compare=compare,
            symlinks=symlinks,
            extra_args=extra_args,
            config=config or TransferConfig(),
            callbacks=callbacks,
        )
        return await parts.sync(here, there, options, deletions)


def _side(place: type[Prefix], engine: Engine, given: object, argument: str) -> Path | Prefix:
    """A directory, or all that is under a prefix of a bucket, as a *place*."""
    if isinstance(given, str):
        if not given.startswith(_SCHEME):
            raise ValueError(
                f"{argument}: {given!r} is no s3://bucket/prefix; a local directory is given as a "
                "pathlib.Path"
            )
        name, rest = split_bucket(given.removeprefix(_SCHEME))
        prefix = rest or ""
        try:
            bucket = bound_bucket(engine.endpoint, name)
        except ValueError as error:
            raise ValueError(f"{argument}: {given!r}: {error}") from None
        within = engine.endpoint.key_prefix
        slash = "/" if prefix and not prefix.endswith("/") else ""
        return place(engine, bucket, f"{within}{prefix}{slash}", hidden=len(within))
    if isinstance(given, os.PathLike) and isinstance(path := os.fspath(given), str):
        if path.startswith(("s3:/", "s3:\\")):  # What a path makes of s3://bucket.
            raise ValueError(f"{argument}: {path!r} is a Path; S3 is given as text, s3://bucket/…")
        return Path(path)
    raise TypeError(f"{argument} must be a pathlib.Path or 's3://bucket/prefix', not {given!r}")


def _check_one_of(argument: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{argument} must be one of {', '.join(known)}, not {value!r}")
