"""The steps of a scripted server: what it answers, and what it records of each request.

A step is made by one of the functions ``reply``, ``raw``, ``drop``, ``stall`` and ``hang``, or is
a function from the recorded request to a step.
"""

from __future__ import annotations

import http
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Headers: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]
End: TypeAlias = Literal["keep", "close", "reset"]
Step: TypeAlias = "Reply | Drop | Stall | Callable[[Recorded], Step]"

AUTOMATIC = -1


@dataclass(slots=True)
class Recorded:
    """One request, as it arrived. Its body grows while it arrives."""

    head: bytes
    """Request line and headers, with the empty line behind them."""
    method: str
    target: str
    """Path and query, as they were sent."""
    headers: list[tuple[str, str]]
    """In the order and spelling in which they were sent."""
    connection: int
    """Which connection it came by; the first is 1."""
    received: bytearray = field(default_factory=bytearray, repr=False)
    received_raw: bytearray = field(default_factory=bytearray, repr=False)
    body_size: int = 0
    """Bytes of the body so far, counted also where bodies are not kept."""
    complete: bool = False
    """Whether the whole body arrived."""
    answered_after: int | None = None
    """How many bytes of the body had been read when the answer began."""

    @property
    def body(self) -> bytes:
        """What arrived of the body, without the framing of a chunked one."""
        return bytes(self.received)

    @property
    def raw_body(self) -> bytes:
        """What arrived of the body, with the framing of a chunked one."""
        return bytes(self.received_raw)

    def header(self, name: str) -> str | None:
        """The value of the first header called *name*, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """See ``reply`` and ``raw``."""

    head: bytes
    body: bytes
    piece: int | None = None
    pause: float = 0.0
    delay: float = 0.0
    cut: int | None = None
    end: End = "keep"
    read: int | None = None
    interim: int | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """See ``drop``."""

    reset: bool
    read: int | None


@dataclass(frozen=True, slots=True)
class Stall:
    """See ``stall`` and ``hang``."""

    read: int | None
    interim: int | None


def reply(
    status: int = 200,
    headers: Headers = (),
    body: bytes | str = b"",
    *,
    reason: str | None = None,
    content_length: int | None = AUTOMATIC,
    chunked: bool = False,
    piece: int | None = None,
    pause: float = 0.0,
    delay: float = 0.0,
    cut: int | None = None,
    end: End = "keep",
    read: int | None = None,
    interim: int | None = None,
) -> Reply:
    """Answer with a status line, *headers* and *body*.

    *content_length* is said instead of the body's own (None says none); *chunked* frames the body
    in chunks of *piece* bytes. The body goes out in writes of *piece* bytes with *pause* seconds
    between, after *delay* seconds, and stops after *cut* bytes. Afterwards the connection is kept,
    closed (FIN) or reset (RST), as *end* says; with *cut* it is never kept.

    The answer begins when *read* bytes of the request's body were read, by default all of them:
    ``read=0`` refuses before the body. *interim* is how many ``100 Continue`` come first, by
    default one if the request expects it and its body is to be read.
    """
    data = body.encode() if isinstance(body, str) else body
    fields = list(headers.items() if isinstance(headers, Mapping) else headers)
    if chunked:
        size = piece or max(1, len(data))
        parts = [data[at : at + size] for at in range(0, len(data), size)]
        data = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        fields.append(("Transfer-Encoding", "chunked"))
        content_length = None
    if content_length == AUTOMATIC:
        named = any(name.lower() == "content-length" for name, _ in fields)
        bodiless = status in (http.HTTPStatus.NO_CONTENT, http.HTTPStatus.NOT_MODIFIED)
        content_length = None if named or bodiless else len(data)
    if content_length is not None:
        fields.append(("Content-Length", str(content_length)))
    if reason is None:
        known = {each.value: each.phrase for each in http.HTTPStatus}
        reason = known.get(status, "Unknown")
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in fields)]
    return Reply(
        head="\r\n".join([*lines, "", ""]).encode("utf-8"),
        body=data,
        piece=piece,
        pause=pause,
        delay=delay,
        cut=cut,
        end=end,
        read=read,
        interim=interim,
    )


def raw(data: bytes, *, end: End = "close", read: int | None = None) -> Reply:
    """Send *data* as it is, in the place of an answer."""
    return Reply(head=data, body=b"", end=end, read=read)


def drop(*, reset: bool = False, read: int | None = 0) -> Drop:
    """Close (or reset) without an answer, after *read* bytes of the body (None: all)."""
    return Drop(reset, read)


def stall(read: int = 0, *, interim: int | None = None) -> Stall:
    """Stop reading after *read* bytes of the body, and never answer."""
    return Stall(read, interim)


def hang() -> Stall:
    """Read the whole request and never answer."""
    return Stall(None, None)
