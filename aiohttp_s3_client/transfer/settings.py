"""From what a user says of a transfer to what each transfer has to know."""

from __future__ import annotations

from collections.abc import Mapping

from ..config import ChecksumConfig, ClientConfig, TransferConfig
from ..protocol.extra_args import Translated
from .download import DownloadOptions
from .expected import MODE, asks_for_checksums, held_by_default
from .ranged import ReadingOptions, ReadOptions


def is_verified(client: ClientConfig, config: TransferConfig, headers: Mapping[str, str]) -> bool:
    """Whether an object that is asked for with *headers* is held to its checksum."""
    wish = config.checksum
    if wish is None:
        return asks_for_checksums(headers) or held_by_default(client)
    return wish.validate_response if isinstance(wish, ChecksumConfig) else wish is not False


def read_options(config: TransferConfig, args: Translated) -> ReadOptions:
    """How an object is asked for."""
    # An answer that is a part has no checksum of the whole: only the first may be that, and a HEAD.
    headers = args.headers.copy()
    headers.popall(MODE, None)
    return ReadOptions(
        headers=headers, query=args.query, tries=config.num_download_attempts, options={}
    )


def download_options(
    client: ClientConfig, config: TransferConfig, args: Translated
) -> DownloadOptions:
    """How an object is downloaded to a file."""
    workers = config.workers
    if config.memory_limit is not None:  # Each range in flight may need a buffer.
        workers = max(1, min(workers, config.memory_limit // config.io_chunksize))
    return DownloadOptions(
        read=read_options(config, args),
        range_size=config.multipart_chunksize,
        workers=workers,
        threshold=config.multipart_threshold,
        buffer_size=config.io_chunksize,
        threads=config.use_threads,
        fast=config.preferred_transfer_client != "classic",
        bandwidth=config.max_bandwidth,
        verify=is_verified(client, config, args.headers),
        md5_wanted=config.checksum is True or isinstance(config.checksum, str),
        resume=config.resume,
        fsync=config.fsync,
    )


def reading_options(
    client: ClientConfig, config: TransferConfig, args: Translated
) -> ReadingOptions:
    """How an object is read into memory or streamed."""
    return ReadingOptions(
        read=read_options(config, args),
        range_size=config.multipart_chunksize,
        workers=config.workers,
        memory=config.memory_limit or config.max_io_queue * config.io_chunksize,
        verify=is_verified(client, config, args.headers),
        md5_wanted=config.checksum is True or isinstance(config.checksum, str),
        threads=config.use_threads,
        fast=config.preferred_transfer_client != "classic",
        bandwidth=config.max_bandwidth,
    )
