"""What a server answered: the response, and what its error body says.

Bodies of errors are read here, bounded, and kept so that the caller can still read them from the
response. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

import asyncio

import aiohttp

from ..errors import AwsError, error_class
from ..protocol.xml import ErrorDocument, parse_error
from ..redaction import BODY_LIMIT, redact_body, redact_elements, redact_text, redacted_request_info
from ..request import Request

DRAIN_LIMIT = 64 * 1024
DRAIN_SECONDS = 0.25
ERROR_LIMIT = 1024 * 1024
DOCUMENT_LIMIT = 32 * 1024 * 1024
_NO_DOCUMENT = ErrorDocument()


class AnswerTooLarge(aiohttp.ClientPayloadError):
    """A document that S3 would never send at this length."""


class Answer:
    """One answer of S3, judged. ``body`` is None while it is unread in ``response``."""

    __slots__ = (
        "attempts", "body", "document", "elapsed", "failed", "request", "response", "secrets",
        "uncertain",
    )  # fmt: skip

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        request: Request,
        body: bytes | None = None,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self.response = response
        self.request = request
        self.body = body
        self.document = _NO_DOCUMENT
        self.failed = False
        """Whether this is an error: a status of 300 or more, or a 200 with an error in its body."""
        self.attempts = 1
        self.uncertain = False
        """Whether an earlier attempt may have had its effect already."""
        self.elapsed = 0.0
        self.secrets = secrets

    def error(self) -> AwsError:
        """The typed error of this answer."""
        response, request, document = self.response, self.request, self.document
        info = response.request_info
        return error_class(document.code, response.status)(
            redacted_request_info(info.real_url, info.method, info.headers),
            status=response.status,
            code=document.code,
            message=redact_text(document.message or response.reason or "", self.secrets),
            headers=response.headers,
            body=redact_body(self.body or b"", self.secrets),
            operation=request.operation,
            bucket=request.bucket,
            key=request.key or "",
            attempts=self.attempts,
            elapsed=self.elapsed,
            detail=request.detail,
            details=redact_elements(document.details, self.secrets),
        )

    def raise_for_status(self) -> aiohttp.ClientResponse:
        """The response of a success, or its typed error raised."""
        if self.failed:
            raise self.error()
        return self.response


async def read_document(response: aiohttp.ClientResponse, limit: int, seconds: float) -> bytes:
    """A whole XML document of at most *limit* bytes, which stays readable through *response*.

    Raises what aiohttp raises when the body breaks off, ``TimeoutError`` after *seconds*.
    """
    async with asyncio.timeout(seconds):
        if not hasattr(response, "_body"):
            # A later aiohttp may keep it elsewhere: then only its own read() keeps the body.
            return await response.read()
        pieces: list[bytes] = []
        size = 0
        async for piece in response.content.iter_any():
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                response.close()
                raise AnswerTooLarge(f"an XML document of over {limit} bytes")
        body = b"".join(pieces)
        response._body = body
    return body


def document_of(body: bytes) -> ErrorDocument:
    """What an error's body says; an empty document when it is not S3's XML."""
    return parse_error(body[:BODY_LIMIT]) or _NO_DOCUMENT


def cut_off(response: aiohttp.ClientResponse) -> None:
    """Close the connection of a response whose rest nobody reads.

    At once: TLS would wait for the other side's goodbye, which a server that stands still never
    says.
    """
    connection = response.connection
    transport = connection.transport if connection is not None else None
    response.close()
    if transport is not None:
        transport.abort()


async def leave(response: aiohttp.ClientResponse) -> None:
    """Let go of a response whose reader is done: a small rest is read, a large one cut off.

    A connection with an unread body cannot be used again; reading a little is cheaper than a new
    connection, reading a lot is not (P2).
    """
    content, left = response.content, DRAIN_LIMIT
    if content.at_eof():
        response.release()
        return
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while not content.at_eof() and left > 0:
                left -= len(await content.readany())
    except (aiohttp.ClientError, TimeoutError):
        left = 0  # How the rest ended is of no interest to who left it: the connection goes.
    finally:
        if left > 0 and content.at_eof():
            response.release()
        else:
            cut_off(response)
