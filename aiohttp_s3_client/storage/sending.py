"""What is sent, and what is told of it: arguments of uploads, checked and translated."""

from __future__ import annotations

import io
from collections.abc import AsyncIterable, Iterable, Mapping
from typing import TypeAlias

from ..errors import StorageValueError
from ..protocol.crc import Buffer
from ..protocol.header_values import encode_words, metadata_name, text
from ..transfer.callbacks import check_callback, tell
from ..transfer.content_type import NONE_GIVEN
from ..transfer.progress import Progress
from ..transport.source import AsyncFile, BinaryFile, as_stream, is_async_file, is_seekable
from .failures import Foreign
from .models import ProgressCallback, ProgressInfo

Data: TypeAlias = Buffer | AsyncIterable[bytes] | Iterable[bytes] | BinaryFile | AsyncFile
"""Bytes-like, an iterable of bytes (async or not), or a binary file object."""


def upload_extras(
    content_type: str | None, metadata: Mapping[str, str] | None
) -> dict[str, str | dict[str, str]]:
    """What an upload says of its file, under boto3's names.

    Its key tells nothing of its type: what some user uploaded as ``x.html`` would be run by the
    browsers of the others.

    Raises ``StorageValueError`` for what no header can carry.
    """
    extras: dict[str, str | dict[str, str]] = {"ContentType": NONE_GIVEN}
    if not isinstance(metadata, Mapping | None):
        raise TypeError(f"metadata must be a dict of str to str, not {metadata!r}")
    try:
        if content_type:
            extras["ContentType"] = text("content_type", content_type)
        entries = {
            metadata_name(name): encode_words(text(f"metadata[{name!r}]", value))
            for name, value in (metadata or {}).items()
        }
    except ValueError as error:
        raise StorageValueError(str(error)) from None
    if len({name.lower() for name in entries}) < len(entries):
        raise StorageValueError(f"metadata: names differ by case alone: {', '.join(entries)}")
    if entries:
        extras["Metadata"] = entries
    return extras


def only_new(overwrite: bool) -> dict[str, str]:
    """The condition of a write that is to replace nothing, under boto3's name.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    return {} if overwrite else {"IfNoneMatch": "*"}


def is_at_hand(data: Data) -> bool:
    """Whether *data* can be sent again from its beginning: bytes in memory, a seekable file."""
    return isinstance(data, bytes | bytearray | memoryview) or is_seekable(data)


def watched(data: Data, foreign: Foreign) -> Data:
    """*data* as it can be sent. What a stream raises is remembered as the caller's own."""
    if isinstance(data, AsyncIterable) or is_async_file(data):
        return foreign.watched(as_stream(data))
    if isinstance(data, bytes | bytearray | memoryview):
        return data
    _check_data(data)
    if isinstance(data, list | tuple) or hasattr(data, "read") or not isinstance(data, Iterable):
        return data
    return foreign.watched_items(data)


def _check_data(data: object) -> None:
    unfit = isinstance(data, str | Mapping | io.TextIOBase)
    if unfit or not (hasattr(data, "read") or isinstance(data, Iterable)):
        raise TypeError(
            f"data must be bytes, a stream of them or a file, not {type(data).__name__}"
        )


class Teller:
    """Tells a ``ProgressCallback`` what a transfer says of its progress, and its end."""

    def __init__(self, key: str, callback: ProgressCallback, foreign: Foreign) -> None:
        check_callback("progress_callback", callback)
        self._key = key
        self._callback = callback
        self._foreign = foreign
        self._told: tuple[int, int | None] | None = None

    async def __call__(self, progress: Progress) -> None:
        done, moved = progress.phase == "done", progress.transferred
        now = moved, moved if done else progress.total
        if now == self._told or not moved:
            return
        self._told = now
        with self._foreign.remembered():
            await tell(self._callback, ProgressInfo(*now, "upload", self._key))
