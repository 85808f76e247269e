"""What the tests against scripted servers share: keys, a client, canned documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp

from aiohttp_s3_client import S3Client

from ..servers.scripted import ScriptedServer
from ..servers.steps import Recorded, Reply, reply

KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE/TOKEN+=="
ETAG = '"9a0364b9e99bb480dd25e1f0284c8555-x"'


def client_for(
    server: ScriptedServer, session: aiohttp.ClientSession | None = None, **arguments: Any
) -> S3Client:
    """A client of *server*, on its own session where none is given."""
    arguments = {"region": "us-east-1", **arguments}
    url = arguments.pop("url", server.url)
    return S3Client(session, url, SECRET, KEY, **arguments)


def error(
    status: int,
    code: str,
    message: str = "no",
    headers: Mapping[str, str] | None = None,
    *,
    extra: str = "",
    **how: Any,
) -> Reply:
    """An error as S3 answers it."""
    sent = {"Content-Type": "application/xml", "x-amz-request-id": "REQ1", **(headers or {})}
    return reply(status, sent, error_document(code, message, extra), **how)


def error_document(code: str, message: str = "no", extra: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message>{extra}"
        "<RequestId>REQ1</RequestId><HostId>HOST1</HostId></Error>"
    )


CREATED = reply(
    200,
    {"Content-Type": "application/xml"},
    '<?xml version="1.0"?><InitiateMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/'
    '2006-03-01/"><Bucket>bucket</Bucket><Key>key</Key><UploadId>UP-1</UploadId>'
    "</InitiateMultipartUploadResult>",
)
COMPLETED_DOCUMENT = (
    '<?xml version="1.0"?><CompleteMultipartUploadResult><Location>http://x/bucket/key</Location>'
    "<Bucket>bucket</Bucket><Key>key</Key><ETag>&quot;abc-1&quot;</ETag>"
    "</CompleteMultipartUploadResult>"
)
COMPLETED = reply(200, {"Content-Type": "application/xml"}, COMPLETED_DOCUMENT)
COPIED = reply(
    200,
    {},
    "<CopyObjectResult><ETag>&quot;abc&quot;</ETag>"
    "<LastModified>2026-01-01T00:00:00.000Z</LastModified></CopyObjectResult>",
)
ABORTED = reply(204)


def part_number(request: Recorded) -> int | None:
    """The number of the part that *request* uploads; None for any other request."""
    query = request.target.partition("?")[2]
    fields = dict(pair.partition("=")[::2] for pair in query.split("&"))
    number = fields.get("partNumber")
    return int(number) if number and request.method == "PUT" else None


def kind(request: Recorded) -> str:
    """The step in the life of an upload that *request* is."""
    if (number := part_number(request)) is not None:
        return f"part {number}"
    if request.method == "POST":
        return "create" if request.target.endswith("?uploads=") else "complete"
    return "abort" if request.method == "DELETE" else request.method


def kinds(server: ScriptedServer) -> list[str]:
    return [kind(request) for request in server.requests]


def part_etag(number: int) -> str:
    return f'"{number:032x}"'


def upload_step(request: Recorded) -> Reply:
    """The right answer to any request of a multipart upload."""
    if (number := part_number(request)) is not None:
        return reply(200, {"ETag": part_etag(number)})
    answers = {"create": CREATED, "complete": COMPLETED, "abort": ABORTED}
    return answers[kind(request)]


def asked_range(request: Recorded, size: int) -> tuple[int, int] | None:
    """Start and exclusive end of what *request* asks of an object of *size* bytes."""
    value = request.header("Range")
    if value is None:
        return None
    first, _, last = value.removeprefix("bytes=").partition("-")
    return int(first), min(int(last) + 1, size)


class RangedObject:
    """Answers ranged GETs of *data* as S3 does; *knows_if_match* off ignores the condition."""

    def __init__(self, data: bytes, etag: str = ETAG, *, knows_if_match: bool = True) -> None:
        self.data = data
        self.etag = etag
        self.knows_if_match = knows_if_match

    def __call__(self, request: Recorded, **how: Any) -> Reply:
        condition = request.header("If-Match")
        if self.knows_if_match and condition not in (None, self.etag):
            return error(412, "PreconditionFailed")
        asked = asked_range(request, len(self.data))
        if asked is None:
            return reply(200, {"ETag": self.etag}, self.data, **how)
        start, stop = asked
        if start >= len(self.data):
            return error(416, "InvalidRange")
        headers = {
            "ETag": self.etag,
            "Content-Range": f"bytes {start}-{stop - 1}/{len(self.data)}",
            **how.pop("headers", {}),
        }
        status = how.pop("status", 206)
        return reply(status, headers, self.data[start:stop], **how)
