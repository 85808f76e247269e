"""Arguments of the faces, checked and translated before anything is sent."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

from multidict import CIMultiDict, MultiMapping

from .config import (
    MAX_OBJECT_SIZE,
    ChecksumAlgorithm,
    ChecksumConfig,
    check_checksum,
    check_part_size,
    check_positive,
)
from .protocol.bucket_names import check_bucket_name
from .protocol.endpoint import Endpoint
from .protocol.integrity import wish_of
from .protocol.ranges import ByteRange
from .transfer.upload import UploadOptions
from .transport.session import refuse_ours

Headers = Mapping[str, str] | MultiMapping[str] | None
Params = Mapping[str, Any] | Iterable[tuple[str, Any]] | None
ChecksumWish = bool | ChecksumAlgorithm | ChecksumConfig | None
"""None and True: as the client's settings say. False: none. Else this one."""

_ETAG = r'"([!#-~]+)"|([!#-~]+)'
_REFUSED = {
    "auth": "requests are signed",
    "allow_redirects": "redirects are followed by the client, signed anew",
    "chunked": "S3 refuses bodies of unknown length",
    "compress": "the bytes would no longer be those that are signed",
    "data": "it is not an argument of this method",
    "expect100": "the client asks where it pays; see ClientConfig.expect_continue_from",
    "params": "it is not an argument of this method",
    "json": "S3 speaks XML; give bytes as data",
    "cookies": "S3 has none; set them on the session",
}


def object_name_of(object_name: str | PurePath) -> str:
    """*object_name* as text; a path object gives its forward-slashed form."""
    if isinstance(object_name, PurePath):
        return object_name.as_posix()
    if not isinstance(object_name, str):
        raise TypeError(f"object_name must be a str or a path, not {object_name!r}")
    return object_name


def locate_key(
    endpoint: Endpoint, object_name: str | PurePath, argument: str = "object_name"
) -> tuple[str, str]:
    """Bucket and key of a name that has to name an object, or a ``ValueError``."""
    name = object_name_of(object_name)
    bucket, key = endpoint.locate(name)
    if not key:
        raise ValueError(f"{argument}: {name!r} holds no key")
    return bucket, key


def locate(
    endpoint: Endpoint, object_name: str | PurePath, params: object = None
) -> tuple[str, str | None]:
    """Bucket and key of a name that may also name a bucket (``"bucket"``) or the service (``"/"``).

    A name that stops right behind the bucket's slash, with no *params* that would ask something
    of the bucket, is an empty key: almost always a mistake, and refused.
    """
    name = object_name_of(object_name)
    bucket, key = endpoint.locate(name)
    if not params and (not name or key == ""):
        raise ValueError(f"object_name: {name!r} holds no key")
    return bucket, key


def merged_headers(headers: Headers) -> CIMultiDict[str]:
    """The caller's headers, those refused that only the client may set."""
    merged: CIMultiDict[str] = CIMultiDict(headers or ())
    if not merged:
        return merged
    refuse_ours(merged, "headers")
    for name, value in merged.items():
        if not isinstance(value, str):
            raise TypeError(f"headers: {name} must be a str, not {value!r}")
    return merged


def conditional_headers(
    headers: Headers, if_none_match: str | None, if_match: str | None
) -> CIMultiDict[str]:
    """The caller's headers, and the one condition that a write depends on.

    *if_none_match* is ``"*"``: there is no such object yet. *if_match* is the ETag, quoted or not,
    of the one that is to be replaced. Raises ``ValueError`` for anything else, for both, and where
    *headers* hold another condition.
    """
    merged = merged_headers(headers)
    if if_none_match is None and if_match is None:
        return merged
    if if_none_match is not None and if_match is not None:
        raise ValueError(
            f"if_none_match={if_none_match!r} and if_match={if_match!r}: give only one"
        )
    if if_none_match is not None:
        argument, name, value = "if_none_match", "If-None-Match", if_none_match
        if value != "*":
            raise ValueError(f'if_none_match: writes take nothing but "*", not {value!r}')
    else:
        argument, name, value = "if_match", "If-Match", _quoted_etag(if_match)
    for header in ("If-None-Match", "If-Match"):
        for said in merged.getall(header, ()):
            if (header, said.strip('"')) != (name, value.strip('"')):
                raise ValueError(f"{argument}={value!r} contradicts {header}: {said} in headers")
    merged[name] = value
    return merged


def _quoted_etag(etag: object) -> str:
    if isinstance(etag, str) and etag != "*" and (match := re.fullmatch(_ETAG, etag)):
        return f'"{match[1] or match[2]}"'
    raise ValueError(f"if_match must be an object's ETag, not {etag!r}")


def query_pairs(params: Params) -> tuple[tuple[str, str], ...]:
    """*params* as the pairs of a query string; None stands for an empty value."""
    if params is None:
        return ()
    if isinstance(params, str | bytes):
        raise TypeError(f"params must be names and values, not {params!r}")
    items = params.items() if isinstance(params, Mapping) else params
    return tuple((str(name), "" if value is None else str(value)) for name, value in items)


def aiohttp_options(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keyword arguments meant for aiohttp; those that would break a request are refused."""
    for name in options:
        if reason := _REFUSED.get(name):
            raise TypeError(f"{name} cannot be given: {reason}")
    return options


def download_aiohttp_options(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """As ``aiohttp_options``, for bodies that have to come as they are stored."""
    if options.get("auto_decompress"):
        raise TypeError("auto_decompress cannot be given: the bytes would not be those stored")
    return for_aiohttp(aiohttp_options(options))


def bound_bucket(endpoint: Endpoint, bucket: str | None) -> str:
    """The bucket that is meant: the one that the client is bound to, or the one named.

    A client that is bound to a bucket takes its name or None.
    """
    bound = endpoint.bucket
    if bucket is None:
        if not bound:
            raise TypeError("bucket is missing: the client is not bound to one")
        return bound
    if not isinstance(bucket, str):
        raise TypeError(f"bucket must be a str, not {bucket!r}")
    if not bound:
        return check_bucket_name(bucket, legacy=endpoint.legacy_bucket_names)
    if bucket != bound:
        raise ValueError(f"bucket: {bucket!r} is not the client's, {bound!r}")
    return bucket


def bound_place(endpoint: Endpoint, bucket: str | None, key: str) -> tuple[str, str]:
    """Bucket and key of a request, where both are named apart.

    Where the client is bound to a bucket, the key is relative to its URL.
    """
    if not isinstance(key, str):
        raise TypeError(f"key must be a str, not {key!r}")
    if not key:
        raise ValueError(f"key must not be empty: {key!r}")
    # An endpoint without a bucket has no prefix either.
    return bound_bucket(endpoint, bucket), endpoint.key_prefix + key


def object_range(given: tuple[int, int | None], argument: str) -> ByteRange:
    """First byte and the one behind the last (None: the object's end), checked."""
    if len(given) != 2:
        raise TypeError(f"{argument} must be (start, stop), not {given!r}")
    start, stop = given
    for value in (start, stop):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise TypeError(f"{argument} must be two ints, not {given!r}")
    wanted = ByteRange(start, MAX_OBJECT_SIZE if stop is None else stop)
    if not 0 <= wanted.start < wanted.stop:
        raise ValueError(f"{argument}: {given!r} holds no byte; it is (start, stop), from 0 on")
    return wanted


def destination_path(path: str | os.PathLike[str], argument: str = "file_path") -> Path:
    """Where a download goes, checked. Blocks: for a thread."""
    # What a link points to is replaced, not the link.
    destination = Path(os.path.realpath(path))
    if destination.is_dir():
        raise IsADirectoryError(f"{argument}: {os.fspath(path)!r} is a directory, not a file")
    if destination.exists() and not destination.is_file():
        raise FileExistsError(f"{argument}: {os.fspath(path)!r} is no regular file to be replaced")
    if not destination.parent.is_dir():
        raise FileNotFoundError(f"{argument}: {os.fspath(destination.parent)!r} is no directory")
    return destination


def for_aiohttp(options: Mapping[str, Any]) -> dict[str, Any]:
    """*options* without those that are ours to act on."""
    return {name: value for name, value in options.items() if name != "raise_for_status"}


def upload_options(
    headers: Headers,
    part_size: int,
    workers_count: int,
    part_upload_tries: int,
    auto_abort: bool,
    abort_timeout: float,
    kwargs: dict[str, Any],
    calculate_sha256: bool | None = None,
    checksum: ChecksumWish = None,
) -> UploadOptions:
    """How an object is uploaded in parts, from the arguments that all such methods share."""
    if calculate_sha256 not in (None, True, False):
        raise ValueError(
            f"calculate_content_sha256 must be True, False or None, not {calculate_sha256!r}"
        )
    if not abort_timeout > 0:
        raise ValueError(f"abort_timeout must be above 0 seconds, not {abort_timeout!r}")
    check_checksum("checksum", checksum)
    wish = wish_of(checksum)
    return UploadOptions(
        headers=merged_headers(headers),
        part_size=check_part_size("part_size", part_size),
        workers=check_positive("workers_count", workers_count),
        part_tries=check_positive("part_upload_tries", part_upload_tries),
        calculate_sha256=calculate_sha256,
        checksum=wish.checksum,
        trailer=wish.trailer,
        auto_abort=auto_abort,
        abort_timeout=abort_timeout,
        options=for_aiohttp(aiohttp_options(kwargs)),
    )
