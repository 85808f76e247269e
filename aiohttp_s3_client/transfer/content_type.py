"""The Content-Type of an object whose uploader names none."""

from __future__ import annotations

import functools
import mimetypes

from multidict import CIMultiDict

from ..transport.disk import Disk

NONE_GIVEN = "binary/octet-stream"
"""What S3 stores an object as that is sent without one."""


@functools.cache
def _types() -> mimetypes.MimeTypes:
    return mimetypes.MimeTypes()


async def guess_content_type(name: str, data: object = None, disk: Disk | None = None) -> str:
    """The Content-Type for an object of this name; octet-stream when nothing tells.

    Python's own table decides alone, so that a name means the same type on every machine.
    """
    # The first use of mimetypes reads the system's files, needed or not.
    if not _types.cache_info().currsize:
        await (disk or Disk()).aside(_types)
    guessed, encoding = _guess(name.rpartition("/")[2])
    if encoding is not None:
        return f"application/{encoding}"
    if guessed is None and isinstance(data, str):
        return "text/plain; charset=utf-8"
    return guessed or "application/octet-stream"


@functools.lru_cache(maxsize=1024)
def _guess(name: str) -> tuple[str | None, str | None]:
    return _types().guess_type(name)


async def set_content_type(
    headers: CIMultiDict[str], key: str, data: object = None, disk: Disk | None = None
) -> None:
    """Add a guessed Content-Type unless the caller gave one."""
    if "Content-Type" not in headers:
        headers["Content-Type"] = await guess_content_type(key, data, disk)
