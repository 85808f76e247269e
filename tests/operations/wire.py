"""One call made twice: through boto3, and through ``client.api`` over a loopback connection.

boto3 sends nothing: what it would send is taken from it, and it is given a canned answer. Our
request goes over the wire, and the same answer comes back over it.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl

import aiohttp
import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.config import ClientConfig
from aiohttp_s3_client.errors import S3Error
from aiohttp_s3_client.operations.body import StreamingBody
from aiohttp_s3_client.operations.events import EventStream
from aiohttp_s3_client.protocol.model.names import OPERATIONS

from ..servers.resolver import LoopbackResolver
from ..servers.scripted import ScriptedServer
from ..servers.steps import Recorded, Reply, reply

METHODS = {operation: method for method, operation in OPERATIONS.items()}
HOST = "s3.localhost"
_KEYS = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


class Canned(NamedTuple):
    """What the server answers."""

    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b""


EMPTY = Canned()


class Sent(NamedTuple):
    """A request, in a form in which two can be compared."""

    method: str
    host: str
    path: str
    """Percent-encoded."""
    query: list[tuple[str, str]]
    """Decoded and sorted."""
    headers: dict[str, str]
    """By lower-case names; lines of one name are joined with commas."""
    body: bytes
    """Without the framing of chunks."""


class Outcome(NamedTuple):
    """How a call ended."""

    sent: list[Sent]
    output: dict[str, Any] | None
    """boto3's members, bodies and event streams read to their ends, ``ResponseMetadata`` among
    them."""
    error: Exception | None


class Boto3:
    """boto3's client, cut off from the network."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._sent: list[Sent] = []
        self._answer = EMPTY
        self._client = boto3.client(
            "s3",
            region_name="us-east-1",
            endpoint_url=url,
            aws_access_key_id=_KEYS[0],
            aws_secret_access_key=_KEYS[1],
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                retries={"total_max_attempts": 1},
                request_checksum_calculation="when_supported",
                response_checksum_validation="when_supported",
            ),
        )
        self._client.meta.events.register_last("before-send.s3", self._received)

    def call(self, operation: str, params: Mapping[str, Any], answer: Canned = EMPTY) -> Outcome:
        """Call *operation* (``PutObject``), which is answered with *answer*."""
        self._sent, self._answer = [], answer
        output: dict[str, Any] | None = None
        failure: Exception | None = None
        try:
            output = dict(getattr(self._client, METHODS[operation])(**params))
            for name, value in output.items():
                if hasattr(value, "iter_chunks"):
                    output[name] = value.read()
                elif hasattr(value, "get_initial_response"):
                    output[name] = list(value)
            del output["ResponseMetadata"]["MaxAttemptsReached"]  # Of our having allowed but one.
        except (BotoCoreError, ClientError, KeyError) as error:
            failure = error
        return Outcome(self._sent, output, failure)

    def _received(self, request: Any, **_: object) -> Any:
        """Take an ``AWSPreparedRequest``; the answer that its sender then looks at."""
        headers: dict[str, str] = {}
        for name, value in request.headers.items():
            put_header(headers, name, value.decode() if isinstance(value, bytes) else str(value))
        authority, _slash, target = request.url.partition("://")[2].partition("/")
        body = request.body
        data = body.read() if hasattr(body, "read") else body or b""
        data = data.encode() if isinstance(data, str) else bytes(data)
        self._sent.append(made(request.method, authority, f"/{target}", headers, data))
        status, fields, content = self._answer
        raw: Any = _Raw(b"" if request.method == "HEAD" else content)
        given: Any = dict(fields)
        return AWSResponse(request.url, status, given, raw)


class _Raw(io.BytesIO):
    """What botocore reads an answer's body from."""

    def stream(self, amt: int = 65536, decode_content: bool | None = None) -> Iterator[bytes]:
        while data := self.read(amt):
            yield data


class Ours:
    """``client.api``, against a loopback server that gives the canned answer."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._answer: Callable[[Recorded], Reply] = lambda _: reply()
        self._runner.run(self._start())
        self.url = f"http://{HOST}:{self._server.port}"

    async def _start(self) -> None:
        self._server = ScriptedServer(rest=self._step, inquiry=self._step)
        await self._server.start()
        connector = aiohttp.TCPConnector(resolver=LoopbackResolver())
        self._session = aiohttp.ClientSession(connector=connector)

    def _step(self, request: Recorded) -> Reply:
        return self._answer(request)

    def close(self) -> None:
        self._runner.run(self._session.close())
        self._runner.run(self._server.close())
        self._runner.close()

    def call(
        self,
        operation: str,
        params: Mapping[str, Any],
        answer: Canned | Callable[[Recorded], Reply] = EMPTY,
        *,
        bucket: str | None = None,
        config: ClientConfig | None = None,
    ) -> Outcome:
        """Call *operation*, as ``Boto3.call`` does, with a client that is bound to *bucket*."""
        self._server.requests.clear()
        self._server.inquiries.clear()
        if isinstance(answer, Canned):
            always = reply(answer.status, answer.headers, answer.body)
            self._answer = lambda _: always
        else:
            self._answer = answer
        client = S3Client(
            session=self._session,
            url=self.url,
            access_key_id=_KEYS[0],
            secret_access_key=_KEYS[1],
            region="us-east-1",
            bucket=bucket,
            config=config or ClientConfig(max_attempts=1),
        )
        output, failure = self._runner.run(self._called(client, METHODS[operation], params))
        requests = [*self._server.requests, *self._server.inquiries]
        return Outcome([recorded(each) for each in requests], output, failure)

    async def _called(
        self, client: S3Client, method: str, params: Mapping[str, Any]
    ) -> tuple[dict[str, Any] | None, Exception | None]:
        try:
            output = await getattr(client.api, method)(**params)
            members = {**output, "ResponseMetadata": output["ResponseMetadata"]}
            for name, value in output.items():
                if isinstance(value, StreamingBody):
                    members[name] = await value.read()
                elif isinstance(value, EventStream):
                    members[name] = [event async for event in value]
        except S3Error as error:
            return None, error
        return members, None


class Wire:
    """Both."""

    def __init__(self) -> None:
        self.ours = Ours()
        self.boto3 = Boto3(self.ours.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ours.close()

    def both(
        self, operation: str, params: Mapping[str, Any], answer: Canned = EMPTY
    ) -> tuple[Outcome, Outcome]:
        """boto3's outcome of a call, and ours."""
        theirs = self.boto3.call(operation, params, answer)
        return theirs, self.ours.call(operation, params, answer)


def recorded(request: Recorded) -> Sent:
    """What the server received."""
    headers: dict[str, str] = {}
    for line in request.head.decode().split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if name:
            put_header(headers, name, value.strip())
    host = headers["host"]
    return made(request.method, host, request.target, headers, request.body)


def put_header(headers: dict[str, str], name: str, value: str) -> None:
    name = name.lower()
    headers[name] = f"{headers[name]},{value}" if name in headers else value


def made(method: str, host: str, target: str, headers: dict[str, str], body: bytes) -> Sent:
    path, _, query = target.partition("?")
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    return Sent(method, host, path, pairs, headers, body)
