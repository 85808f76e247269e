"""The managed transfers, one after another, on a real file, with every step checked.

    python examples/managed.py
    python examples/managed.py --url http://key:secret@host:port/bucket --size 64

An upload that tells how far it is, a download that is broken off and gone on with, a stream, some
ranges, and a copy on the server. The server is the one that ``quickstart.py`` starts, or yours with
``--url``, where two objects are made under keys of their own, and deleted again.

The exit status is 0 only when every step was verified.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import signal
import sys
import tempfile
import uuid
from contextlib import ExitStack, suppress
from http import HTTPStatus
from pathlib import Path

import aiohttp
from quickstart import MIB, Failure, Report, check, embedded_server, file_digest, generate
from yarl import URL

from aiohttp_s3_client import S3Client, S3Error, TransferConfig
from aiohttp_s3_client.transfer.progress import Progress

RESUMABLE = TransferConfig(resume=True, checksum=True, multipart_chunksize=MIB)
"""To be gone on with, and held to the ETag too: the server here keeps nothing but an MD5. What is
fetched again is at most the ranges that were in flight, so they are small here."""


class PowerCut(Exception):
    """What interrupts a download here, as ``kill -9`` would."""


class Bar:
    """A ``progress=`` that remembers what it was told."""

    def __init__(self, *, cut_at: float = 2.0) -> None:
        self._cut_at = cut_at
        self.first: float | None = None
        """The first fraction that it was told."""
        self.last: float = 0.0

    def __call__(self, state: Progress) -> None:
        if state.phase != "transferring" or state.fraction is None:
            return
        self.last = state.fraction
        if self.first is None and state.transferred:
            self.first = state.fraction
        if state.fraction >= self._cut_at:
            raise PowerCut


async def transfers(client: S3Client, bucket: str, key: str, file: Path, size: int) -> None:
    """Every managed transfer once; *key* and its copy are deleted by whoever called."""
    folder, digest, report = file.parent, await file_digest(file), Report()

    moved: list[int] = []
    with report.step("upload_file, with a callback", size):
        stored = await client.upload_file(
            file,
            bucket,
            key,
            extra_args={"ContentType": "application/octet-stream", "Metadata": {"origin": "here"}},
            callback=moved.append,
        )
    check(sum(moved) == stored.size == size, f"{sum(moved)} of {size} bytes were counted")

    copy = folder / "downloaded.bin"
    cut = Bar(cut_at=0.5)
    with report.step("download_file, cut off half-way"), suppress(PowerCut):
        await client.download_file(bucket, key, copy, config=RESUMABLE, progress=cut)
    left = sorted(path.name.rpartition(".")[2] for path in folder.glob(".downloaded.bin.*"))
    check(not copy.exists(), "half a file appeared under its name")
    check(left == ["download-journal", "download-part"], f"{left} were left beside the file")

    rest = Bar()
    with report.step("download_file, gone on with"):
        got = await client.download_file(bucket, key, copy, config=RESUMABLE, progress=rest)
    check(await file_digest(copy) == digest, "the downloaded file is not the one uploaded")
    check(rest.first is not None and rest.first > 0.1, "it began afresh")
    check(not list(folder.glob(".downloaded.bin.*")), "something was left beside the file")
    print(f"  at hand from the first run: {rest.first:.0%}; verified: {got.verified}")

    running = hashlib.sha256()
    with report.step("open_stream", size):
        async with client.open_stream(bucket, key) as stream:
            async for piece in stream:
                running.update(piece)
    check(running.hexdigest() == digest, "the stream gave other bytes than were uploaded")

    ranges = [(0, 100), (size // 2, size // 2 + 100), (size - 100, None)]
    with report.step("get_ranges"):
        pieces = await client.get_ranges(bucket, key, ranges)
    data = await asyncio.to_thread(file.read_bytes)
    check(pieces == [data[start:stop] for start, stop in ranges], "the ranges are other bytes")

    with report.step("copy, of a dict", size):
        await client.copy({"Bucket": bucket, "Key": key}, bucket, f"{key}.copy")
    check(await client.get_bytes(bucket, f"{key}.copy") == data, "the copy has other bytes")
    async with client.head(f"{key}.copy") as response:
        origin = response.headers.get("x-amz-meta-origin")
    check(origin == "here", f"the copy's metadata says {origin!r}")
    print(f"Verified: all of them have sha256 {digest[:16]}…")


async def main_job(url: URL, region: str, own_server: bool, file: Path, size: int) -> None:
    """Make a place, transfer, and remove everything again."""
    bucket, key = url.path.strip("/"), f"managed-{uuid.uuid4().hex}.bin"
    async with S3Client(url=url, region=region) as client:
        if own_server:
            async with client.put("/") as response:
                check(response.status == HTTPStatus.OK, f"no bucket: {response.status}")
        try:
            await transfers(client, bucket, key, file, size)
        finally:
            for name in (key, f"{key}.copy"):
                with suppress(S3Error):  # what went wrong before is what is to be told
                    await client.delete(name)


def main() -> int:
    parser = argparse.ArgumentParser(description="Goes through the managed transfers.")
    parser.add_argument("--url", help="http(s)://key:secret@host:port/bucket (default: own server)")
    parser.add_argument("--size", type=int, default=64, metavar="MIB", help="default: 64")
    parser.add_argument("--region", default="", help="default: us-east-1, or what AWS_REGION says")
    options = parser.parse_args()
    if options.size < 32:
        parser.error("--size must be at least 32 (MiB), for there to be something to break off")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("managed: terminated"))
    with ExitStack() as stack:
        try:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="managed-")))
            url = URL(options.url) if options.url else stack.enter_context(embedded_server(scratch))
            size = options.size * MIB
            file = generate(scratch / "generated.bin", size)
            asyncio.run(main_job(url, options.region, options.url is None, file, size))
        except (Failure, S3Error, aiohttp.ClientError, OSError, ValueError) as error:
            print(f"managed: failed: {str(error) or type(error).__name__}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("managed: interrupted", file=sys.stderr)
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
