"""What tests of framed bodies share: a decoder that knows nothing of how they are made."""

from __future__ import annotations

from typing import NamedTuple

from ..servers.steps import Recorded


class Frames(NamedTuple):
    """An ``aws-chunked`` body, taken apart."""

    chunks: list[bytes]
    """All but the empty one at the end."""
    signatures: list[str]
    """Of each chunk, the empty one included; empty where they are not signed."""
    trailer: dict[str, str]

    @property
    def data(self) -> bytes:
        return b"".join(self.chunks)


def frames_of(request: Recorded) -> Frames:
    """The frames of *request*, whose headers have to agree with them."""
    body = request.body
    assert request.header("content-length") == str(len(body))
    chunks: list[bytes] = []
    signatures: list[str] = []
    at = 0
    while True:
        end = body.index(b"\r\n", at)
        size, _, extension = body[at:end].decode().partition(";chunk-signature=")
        if extension:
            signatures.append(extension)
        at = end + 2
        if int(size, 16) == 0:
            break
        chunks.append(body[at : at + int(size, 16)])
        at += int(size, 16) + 2
        assert body[at - 2 : at] == b"\r\n"
    lines = body[at:].decode().split("\r\n")
    assert lines[-2:] == ["", ""]
    trailer = dict(line.split(":", 1) for line in lines[:-2])
    found = Frames(chunks, signatures, trailer)
    assert request.header("x-amz-decoded-content-length") == str(len(found.data))
    assert (request.header("content-encoding") or "").startswith("aws-chunked")
    return found
