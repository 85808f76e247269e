"""boto3, as its users do it: ``python -m benchmarks.many_files.with_boto3 WORK URL BUCKET FOLDER``.

``empty`` is ``bucket.objects.delete()``; ``empty-threads`` lists in one thread and deletes each
page in one of eight. The syncs list, compare sizes and times, and transfer in eight threads.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import Any

WORKERS = 8


def in_threads(calls: Iterable[Callable[[], object]]) -> None:
    """Run *calls* in threads, with no more of them waiting than are good for memory."""
    waiting: set[Future[object]] = set()
    with ThreadPoolExecutor(WORKERS) as pool:
        for call in calls:
            waiting.add(pool.submit(call))
            if len(waiting) >= WORKERS * 2:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for each in done:
                    each.result()
        for each in waiting:
            each.result()


def empty_in_threads(client: Any, bucket: str) -> None:
    def calls() -> Iterable[Callable[[], object]]:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            objects = [{"Key": entry["Key"]} for entry in page.get("Contents", ())]
            wish = {"Objects": objects, "Quiet": True}
            yield partial(client.delete_objects, Bucket=bucket, Delete=wish)

    in_threads(calls())


def upload(client: Any, bucket: str, root: Path) -> None:
    found = {
        entry["Key"]: (entry["Size"], entry["LastModified"].timestamp())
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        for entry in page.get("Contents", ())
    }

    def calls() -> Iterable[Callable[[], object]]:
        for folder, _, names in os.walk(root):
            for name in names:
                path = os.path.join(folder, name)
                key = os.path.relpath(path, root)
                size, changed = found.get(key, (-1, 0))
                about = os.stat(path)
                if about.st_size != size or about.st_mtime > changed:
                    yield partial(client.upload_file, path, bucket, key)

    in_threads(calls())


def download(client: Any, bucket: str, root: Path) -> None:
    def calls() -> Iterable[Callable[[], object]]:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for entry in page.get("Contents", ()):
                key = entry["Key"]
                path = root / key
                if not path.exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    yield partial(client.download_file, bucket, key, str(path))

    in_threads(calls())


def main(work: str, url: str, bucket: str, folder: str) -> None:
    boto3: Any = importlib.import_module("boto3")
    keys = {"aws_access_key_id": "key-id", "aws_secret_access_key": "secret-key"}
    settings = {"endpoint_url": url, "region_name": "us-east-1", **keys}
    if work == "empty":
        boto3.resource("s3", **settings).Bucket(bucket).objects.delete()
        return
    client = boto3.client("s3", **settings)
    if work == "empty-threads":
        empty_in_threads(client, bucket)
    elif work == "download":
        download(client, bucket, Path(folder))
    else:
        upload(client, bucket, Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
