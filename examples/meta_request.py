"""Meta requests on a real file, with every step checked.

    python examples/meta_request.py
    python examples/meta_request.py --url http://key:secret@host:port/bucket --size 64

An upload in parts, a download into a file and one through callbacks, a range, and any operation by
its name. The server is the one that ``quickstart.py`` starts, or yours with ``--url``, where an
object is made under a key of its own, and deleted again.

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
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from quickstart import MIB, Failure, Report, check, embedded_server, file_digest, generate
from yarl import URL

from aiohttp_s3_client.errors import S3Error
from aiohttp_s3_client.meta_request import (
    AwsCredentialsProvider,
    HttpHeaders,
    HttpRequest,
    S3Client,
    S3RequestTlsMode,
    S3RequestType,
    create_default_s3_signing_config,
)


class Calls:
    """The requests of this program, to one object."""

    def __init__(self, client: S3Client, url: URL, key: str) -> None:
        self._client = client
        self._host = url.raw_authority.rpartition("@")[2]
        self._path = f"{url.raw_path.rstrip('/')}/{key}"

    async def __call__(
        self, type_: S3RequestType, method: str, *headers: tuple[str, str], **arguments: Any
    ) -> None:
        """Carry one request out; what it ends in is raised."""
        request = HttpRequest(method, self._path, HttpHeaders([("Host", self._host), *headers]))
        begun = self._client.make_request(type=type_, request=request, **arguments)
        await begun.finished_future


async def requests(call: Calls, file: Path, size: int) -> None:
    """Every type of request once."""
    digest, report = await file_digest(file), Report()

    moved: list[int] = []
    with report.step("PUT_OBJECT, from a file", size):
        await call(
            S3RequestType.PUT_OBJECT, "PUT", send_filepath=str(file), on_progress=moved.append
        )
    check(sum(moved) == size, f"{sum(moved)} of {size} bytes were counted")

    copy = file.with_name("downloaded.bin")
    with report.step("GET_OBJECT, into a file", size):
        await call(S3RequestType.GET_OBJECT, "GET", recv_filepath=str(copy))
    check(await file_digest(copy) == digest, "the downloaded file is not the one uploaded")

    running = hashlib.sha256()
    with report.step("GET_OBJECT, to on_body", size):
        await call(
            S3RequestType.GET_OBJECT, "GET", on_body=lambda chunk, offset: running.update(chunk)
        )
    check(running.hexdigest() == digest, "other bytes came than were uploaded")

    pieces: list[bytes] = []
    with report.step("GET_OBJECT, a range"):
        await call(
            S3RequestType.GET_OBJECT,
            "GET",
            ("Range", f"bytes={size - 100}-"),
            on_body=lambda chunk, offset: pieces.append(bytes(chunk)),
        )
    data = await asyncio.to_thread(file.read_bytes)
    check(b"".join(pieces) == data[-100:], "the range is of other bytes")

    told: list[tuple[int, dict[str, str]]] = []
    with report.step("DEFAULT, HeadObject"):
        await call(
            S3RequestType.DEFAULT,
            "HEAD",
            operation_name="HeadObject",
            on_headers=lambda status_code, headers: told.append((status_code, dict(headers))),
        )
    check(told[0][1]["Content-Length"] == str(size), f"the server says {told}")
    print(f"Verified: all of them have sha256 {digest[:16]}…")


async def main_job(url: URL, region: str, own_server: bool, file: Path, size: int) -> None:
    """Make a place, move the object there and back, and remove it again."""
    keys = AwsCredentialsProvider.new_static(url.user or "", url.password or "")
    client = S3Client(
        region=region,
        signing_config=create_default_s3_signing_config(region=region, credential_provider=keys),
        tls_mode=(S3RequestTlsMode.ENABLED if url.scheme == "https" else S3RequestTlsMode.DISABLED),
    )
    default = S3RequestType.DEFAULT
    async with client:
        if own_server:
            await Calls(client, url, "")(default, "PUT", operation_name="CreateBucket")
        call = Calls(client, url, f"meta-request-{uuid.uuid4().hex}.bin")
        try:
            await requests(call, file, size)
        finally:
            await call(default, "DELETE", operation_name="DeleteObject")


def main() -> int:
    parser = argparse.ArgumentParser(description="Goes through the types of meta requests.")
    parser.add_argument("--url", help="http(s)://key:secret@host:port/bucket (default: own server)")
    parser.add_argument("--size", type=int, default=64, metavar="MIB", help="default: 64")
    parser.add_argument("--region", default="us-east-1", help="default: us-east-1")
    options = parser.parse_args()
    if options.size < 16:
        parser.error("--size must be at least 16 (MiB), for there to be something to cut")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("meta_request: terminated"))
    with ExitStack() as stack:
        try:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="meta-")))
            url = URL(options.url) if options.url else stack.enter_context(embedded_server(scratch))
            size = options.size * MIB
            file = generate(scratch / "generated.bin", size)
            asyncio.run(main_job(url, options.region, options.url is None, file, size))
        except (Failure, S3Error, OSError, ValueError) as error:
            print(f"meta_request: failed: {str(error) or type(error).__name__}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("meta_request: interrupted", file=sys.stderr)
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
