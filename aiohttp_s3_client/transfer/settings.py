"""From what a user says of a transfer to what each transfer has to know."""

from __future__ import annotations

from ..config import TransferConfig
from ..protocol.extra_args import Translated
from .download import DownloadOptions
from .ranged import ReadingOptions, ReadOptions


def read_options(config: TransferConfig, args: Translated) -> ReadOptions:
    """How an object is asked for."""
    # Whether the answer is to be verified is the configuration's to say.
    headers = args.headers.copy()
    headers.popall("x-amz-checksum-mode", None)
    return ReadOptions(
        headers=headers, query=args.query, tries=config.num_download_attempts, options={}
    )


def download_options(config: TransferConfig, args: Translated) -> DownloadOptions:
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
        verify=config.checksum is not False,
        md5_wanted=config.checksum not in (None, False),
        resume=config.resume,
        fsync=config.fsync,
    )


def reading_options(config: TransferConfig, args: Translated) -> ReadingOptions:
    """How an object is read into memory or streamed."""
    return ReadingOptions(
        read=read_options(config, args),
        range_size=config.multipart_chunksize,
        workers=config.workers,
        memory=config.memory_limit or config.max_io_queue * config.io_chunksize,
        verify=config.checksum is not False,
        md5_wanted=config.checksum not in (None, False),
        threads=config.use_threads,
        fast=config.preferred_transfer_client != "classic",
        bandwidth=config.max_bandwidth,
    )
