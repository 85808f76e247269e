"""The framing of S3's ``aws-chunked`` bodies: chunks, their signatures, and a checksum after them.

A body is sent in chunks, each with its size before it and, where it is signed, a signature that
continues the one before, from that of the headers on. So nothing has to be read twice: neither to
sign it, nor to send its checksum, which follows the last chunk in a trailer::

    10000;chunk-signature=…      size in hex
    …65,536 bytes…
    0;chunk-signature=…          the empty chunk ends the body
    x-amz-checksum-crc32:…       with a trailer
    x-amz-trailer-signature:…    with a signed one

``Framing`` says beforehand which headers go with the body and how long it will be; an ``Encoder``
frames the bytes of one attempt. This has nothing to do with HTTP's own chunked coding, which S3
does not take.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from . import checksums
from .canonical import hex_sha256
from .crc import Buffer
from .sigv4 import STREAMING_PAYLOAD, SigV4Signer

CHUNK_SIZE = 64 * 1024
MIN_CHUNK_SIZE = 8 * 1024
"""S3 takes no smaller chunk but the last."""

STREAMING_PAYLOAD_TRAILER = f"{STREAMING_PAYLOAD}-TRAILER"
"""The payload hash of a body whose chunks are signed, and the trailer after them."""
UNSIGNED_PAYLOAD_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
"""The payload hash of an unsigned body with an unsigned trailer, which wants TLS."""

_CODING = "aws-chunked"
_EXTENSION = ";chunk-signature="
_SIGNATURE_SIZE = 64
_TRAILER_SIGNATURE = "x-amz-trailer-signature"
_LINE_END = b"\r\n"


class Chain:
    """The signatures of one attempt, each made with the one before. Its repr shows none."""

    __slots__ = ("_now", "_previous", "_signer")

    def __init__(self, signer: SigV4Signer, seed: str, now: datetime) -> None:
        """*seed* is the signature of the headers, *now* the moment of it."""
        self._signer = signer
        self._previous = seed
        self._now = now

    def of_chunk(self, digest: str) -> str:
        """The signature of the next chunk, from its sha256 in hex."""
        self._previous = self._signer.sign_chunk(self._previous, digest, self._now)
        return self._previous

    def of_trailer(self, digest: str) -> str:
        """The signature of the trailer, from the sha256 of its lines."""
        self._previous = self._signer.sign_trailer(self._previous, digest, self._now)
        return self._previous


class Framing(NamedTuple):
    """How a body is framed. ``framing`` makes one."""

    size: int
    """Of the body itself, in bytes."""
    signed: bool
    checksum: str | None
    """The algorithm of the checksum in the trailer."""
    checksum_size: int
    """Of the checksum as it stands in the trailer."""
    chunk_size: int

    @property
    def payload_hash(self) -> str:
        """What is signed for the body: the value of ``x-amz-content-sha256``."""
        if not self.signed:
            return UNSIGNED_PAYLOAD_TRAILER
        return STREAMING_PAYLOAD if self.checksum is None else STREAMING_PAYLOAD_TRAILER

    @property
    def encoded_size(self) -> int:
        """The length of what is sent, in bytes: the request's Content-Length."""
        signature = len(_EXTENSION) + _SIGNATURE_SIZE if self.signed else 0
        whole, rest = divmod(self.size, self.chunk_size)
        line = signature + len(_LINE_END)
        total = self.size + whole * (len(f"{self.chunk_size:x}") + line + len(_LINE_END))
        if rest:
            total += len(f"{rest:x}") + line + len(_LINE_END)
        total += len("0") + line + len(_LINE_END)
        if self.checksum is not None:
            name = checksums.header_name(self.checksum)
            total += len(name) + len(":") + self.checksum_size + len(_LINE_END)
            if self.signed:
                total += len(_TRAILER_SIGNATURE) + len(":") + _SIGNATURE_SIZE + len(_LINE_END)
        return total

    def decoded_size(self, sent: int) -> int:
        """How many bytes of the body itself are among the first *sent* ones of what is sent."""
        signature = len(_EXTENSION) + _SIGNATURE_SIZE if self.signed else 0
        chunks, last = divmod(self.size, self.chunk_size)
        frame = len(f"{self.chunk_size:x}") + signature + 2 * len(_LINE_END)
        whole = min(sent // (frame + self.chunk_size), chunks)
        size = self.chunk_size if whole < chunks else last
        begun = sent - whole * (frame + self.chunk_size)
        begun -= len(f"{size:x}") + signature + len(_LINE_END)
        return whole * self.chunk_size + min(max(begun, 0), size)

    def headers(self, content_encoding: str | None = None) -> dict[str, str]:
        """The headers that go with it, all to be signed; *content_encoding* is the object's own.

        S3 takes ``aws-chunked`` out of the encoding before it keeps it.
        """
        found = {
            "Content-Encoding": f"{_CODING},{content_encoding}" if content_encoding else _CODING,
            "x-amz-decoded-content-length": str(self.size),
        }
        if self.checksum is not None:
            found["x-amz-trailer"] = checksums.header_name(self.checksum)
        return found

    def encoder(self, chain: Chain | None = None) -> Encoder:
        """What frames the bytes of one attempt. *chain* is given where it is signed, only there."""
        if (chain is not None) is not self.signed:
            raise ValueError(f"chain must {'' if self.signed else 'not '}be given: {self}")
        return Encoder(self, chain)


def framing(
    size: int, *, signed: bool, checksum: str | None = None, chunk_size: int = CHUNK_SIZE
) -> Framing:
    """How a body of *size* bytes is framed, with a *checksum* of that algorithm in its trailer.

    Raises ``ValueError`` for a negative size, chunks below 8 KiB, a checksum that no trailer has
    (``CONTENT_MD5``), and for a body that has neither signatures nor a checksum, as S3 knows no
    such framing.
    """
    if size < 0:
        raise ValueError(f"size must not be negative, as {size} is")
    if chunk_size < MIN_CHUNK_SIZE:
        raise ValueError(f"chunk_size must be at least {MIN_CHUNK_SIZE} (8 KiB), not {chunk_size}")
    if checksum is None:
        if not signed:
            raise ValueError("checksum must be given where nothing is signed")
        return Framing(size, signed, None, 0, chunk_size)
    if checksum.upper() == checksums.CONTENT_MD5:
        raise ValueError("checksum must not be Content-MD5, which S3 takes in a header only")
    digest = checksums.new(checksum).digest()
    return Framing(size, signed, checksum, len(checksums.encode(digest)), chunk_size)


class Encoder:
    """Frames the bytes of one attempt: ``feed`` all of them, in pieces of any size, ``finish``.

    What is fed is copied once, into what comes back. Up to a chunk is held until it is complete;
    pieces that end where chunks do are never held.
    """

    __slots__ = ("_chain", "_checksum", "_finished", "_framing", "_held", "_left", "_wanted")

    def __init__(self, framing: Framing, chain: Chain | None) -> None:
        self._framing = framing
        self._chain = chain
        self._checksum = None if framing.checksum is None else checksums.new(framing.checksum)
        self._left = framing.size
        """What has not been taken in yet."""
        self._held: list[bytes] = []
        self._wanted = min(framing.chunk_size, framing.size)
        """What the present chunk lacks."""
        self._finished = False

    def feed(self, data: Buffer) -> bytes:
        """The chunks that *data*, which has to be contiguous, completes; perhaps nothing.

        Raises ``ValueError`` for more than was announced.
        """
        view = memoryview(data).cast("B")
        size = view.nbytes
        if size > self._left:
            raise ValueError(f"the body is longer than the {self._framing.size} bytes announced")
        if self._checksum is not None:
            self._checksum.update(view)
        sent: list[Buffer] = []
        start = 0
        while start < size:
            piece = view[start : start + self._wanted]
            start += piece.nbytes
            self._left -= piece.nbytes
            self._wanted -= piece.nbytes
            if self._wanted:  # And nothing is left to go on with.
                self._held.append(piece.tobytes())
                break
            chunk: list[Buffer] = [*self._held, piece]
            sent += [self._header(chunk), *chunk, _LINE_END]
            self._held.clear()
            self._wanted = min(self._framing.chunk_size, self._left)
        return b"".join(sent)

    def finish(self) -> bytes:
        """The empty chunk and the trailer. Raises ``ValueError`` where bytes are missing."""
        if self._left:
            raise ValueError(
                f"the body is {self._left} bytes shorter than the {self._framing.size} announced"
            )
        if self._finished:
            raise ValueError("the body was finished before")
        self._finished = True
        return self._header([]) + self._trailer() + _LINE_END

    def _header(self, chunk: list[Buffer]) -> bytes:
        size = sum(map(len, chunk))
        if self._chain is None:
            return f"{size:x}\r\n".encode()
        digest = sha256()
        for piece in chunk:
            digest.update(piece)
        return f"{size:x}{_EXTENSION}{self._chain.of_chunk(digest.hexdigest())}\r\n".encode()

    def _trailer(self) -> bytes:
        if self._checksum is None or self._framing.checksum is None:
            return b""
        name = checksums.header_name(self._framing.checksum)
        line = f"{name}:{checksums.encode(self._checksum.digest())}"
        if self._chain is None:
            return f"{line}\r\n".encode()
        # A line feed alone ends it in what is signed.
        signature = self._chain.of_trailer(hex_sha256(f"{line}\n".encode()))
        return f"{line}\r\n{_TRAILER_SIGNATURE}:{signature}\r\n".encode()
