"""An S3 server without a disk, in a process of its own, that answers everything at once.

The bucket ``full-N-SIZE`` always holds N objects of SIZE bytes, called as ``name_of`` says; any
other is always empty. What was put and deleted is counted and forgotten.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import multiprocessing
import re
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

PAGE = 1000
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def name_of(number: int) -> str:
    """The name of a file, or key: a thousand of them in each directory."""
    return f"{number // 1000:04}/{number % 1000:03}.bin"


def body_of(size: int) -> bytes:
    return bytes(size)


@contextmanager
def serving() -> Iterator[str]:
    """The server's URL."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(theirs,), daemon=True
    )
    server.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        server.terminate()
        server.join()


def counts(url: str) -> Counter[str]:
    """What was done since this was last asked for: ``listed``, ``put``, ``got`` and ``deleted``
    objects."""
    with urllib.request.urlopen(f"{url}/-counts") as answer:
        return Counter(json.load(answer))


def _serve(port: Connection) -> None:
    async def main() -> None:
        done: Counter[str] = Counter()
        server = await asyncio.get_running_loop().create_server(
            lambda: _Answering(done), "127.0.0.1", 0
        )
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


class _Answering(asyncio.Protocol):
    """Answers each request once its body has come."""

    def __init__(self, done: Counter[str]) -> None:
        self._done = done
        self._received = bytearray()
        self._head = ""
        self._length: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while self._length is not None or self._took_head():
            assert self._length is not None
            if len(self._received) < self._length:
                return
            body = bytes(self._received[: self._length])
            del self._received[: self._length]
            self._length = None
            self._transport.write(self._answer(body))

    def _took_head(self) -> bool:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return False
        self._head = self._received[:end].decode("latin-1")
        del self._received[: end + 4]
        said = re.search(r"\r\ncontent-length: *(\d+)", self._head, re.IGNORECASE)
        self._length = int(said[1]) if said else 0
        if re.search(r"\r\nexpect: *100-continue", self._head, re.IGNORECASE):
            self._transport.write(CONTINUE)
        return True

    def _answer(self, body: bytes) -> bytes:
        method, target, _ = self._head.split(" ", 2)
        path, _, query = target.partition("?")
        bucket, _, key = path[1:].partition("/")
        if bucket == "-counts":
            told = json.dumps(self._done).encode()
            self._done.clear()
            return answer(told)
        if method == "POST":
            return answer(self._deleted(body))
        if method == "PUT":
            self._done["put"] += 1
            return answer(b"", body)
        if method == "DELETE":
            self._done["deleted"] += 1
            return b"HTTP/1.1 204 No Content\r\n\r\n"
        count, size = _held(bucket)
        if not key:
            first, last = page_of(query, count)
            self._done["listed"] += last - first
            return answer(listing(bucket, query, count, size))
        content = body_of(size)
        if method == "HEAD":
            return answer(content, content)[: -size or None]
        self._done["got"] += 1
        return answer(content, content)

    def _deleted(self, body: bytes) -> bytes:
        keys = re.findall(rb"<Key>[^<]*</Key>", body)
        self._done["deleted"] += len(keys)
        told = [] if b"<Quiet>true" in body else [b"<Deleted>%s</Deleted>" % key for key in keys]
        return b'<?xml version="1.0"?><DeleteResult>%s</DeleteResult>' % b"".join(told)


def answer(body: bytes, content: bytes | None = None) -> bytes:
    """200 with *body*; *content* is that of an object, whose ETag is told."""
    extra = ""
    if content is not None:
        extra = (
            f'ETag: "{hashlib.md5(content, usedforsecurity=False).hexdigest()}"\r\n'
            "Last-Modified: Fri, 01 Jan 2027 00:00:00 GMT\r\n"
        )
    return f"HTTP/1.1 200 OK\r\n{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body


def page_of(query: str, count: int) -> tuple[int, int]:
    """The first object of a page and the one behind its last. A token of ListObjectsV2 is the
    number of the first; ListObjects goes on behind the key ``marker``."""
    first = 0
    if asked := re.search(r"continuation-token=(\d+)", query):
        first = int(asked[1])
    elif asked := re.search(r"marker=(\d+)(?:/|%2F)(\d+)", query):
        first = int(asked[1]) * PAGE + int(asked[2]) + 1
    return first, min(first + PAGE, count)


def listing(bucket: str, query: str, count: int, size: int) -> bytes:
    """A page of ListObjectsV2, or of ListObjects."""
    first, last = page_of(query, count)
    etag = hashlib.md5(body_of(size), usedforsecurity=False).hexdigest()
    entries = "".join(
        f"<Contents><Key>{name_of(number)}</Key><LastModified>2027-01-01T00:00:00.000Z"
        f"</LastModified><ETag>&quot;{etag}&quot;</ETag><Size>{size}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
        for number in range(first, last)
    )
    more = last < count
    token = f"<NextContinuationToken>{last}</NextContinuationToken>" if more else ""
    # No key of ours needs to be encoded.
    encoding = "<EncodingType>url</EncodingType>" if "encoding-type=url" in query else ""
    return (
        '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>{bucket}</Name><Prefix></Prefix><MaxKeys>{PAGE}</MaxKeys>{encoding}"
        f"<KeyCount>{last - first}</KeyCount><IsTruncated>{str(more).lower()}</IsTruncated>"
        f"{token}{entries}</ListBucketResult>"
    ).encode()


def full(count: int, size: int) -> str:
    """The name of the bucket that holds *count* objects of *size* bytes."""
    return f"full-{count}-{size}"


def _held(bucket: str) -> tuple[int, int]:
    found = re.fullmatch(r"full-(\d+)-(\d+)", bucket)
    return (int(found[1]), int(found[2])) if found else (0, 0)
