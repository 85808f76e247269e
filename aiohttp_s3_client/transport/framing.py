"""A body framed as ``aws-chunked`` while it is sent: signed by chunks, its checksum after it.

One ``FramedBody`` serves one attempt, since the signatures of its chunks follow that of the
attempt's headers. The bytes pass through Python and are copied once, so ``sendfile`` has no part
in it. What is framed how is settled before (``preparing.py``); the format is the protocol's.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable
from functools import partial

from ..protocol import checksums
from ..protocol.aws_chunked import Chain, Framing
from ..protocol.body import PIECE, DocumentBody
from ..request import Body
from .shielding import threaded


def framed(body: Body, frame: Framing, chain: Chain | None) -> Body:
    """*body* as one attempt sends it; *chain* is given where its chunks are signed."""
    if (
        isinstance(body, DocumentBody)
        and body.reached is None
        and body.size <= PIECE
        and not _is_slow(frame)
    ):
        # In one piece it can go out with the head (``direct.py``).
        encoder = frame.encoder(chain)
        return DocumentBody(encoder.feed(body.data) + encoder.finish())
    return FramedBody(body, frame, chain)


class FramedBody:
    """The frames of another body. Its progress is told in bytes of the object."""

    __slots__ = ("_body", "_chain", "_frame", "size")

    def __init__(self, body: Body, frame: Framing, chain: Chain | None) -> None:
        self._body = body
        self._chain = chain
        self._frame = frame
        self.size = frame.encoded_size

    @property
    def replayable(self) -> bool:
        return self._body.replayable

    @property
    def reached(self) -> Callable[[int], None] | None:
        told = self._body.reached
        return None if told is None else partial(self._tell, told)

    def _tell(self, told: Callable[[int], None], sent: int) -> None:
        told(self._frame.decoded_size(sent))

    async def open(self) -> AsyncGenerator[bytes | memoryview, None]:
        encoder, slow = self._frame.encoder(self._chain), _is_slow(self._frame)
        async with contextlib.aclosing(self._body.open()) as pieces:
            async for piece in pieces:
                feed = partial(encoder.feed, piece)
                if frames := await threaded(feed) if slow else feed():
                    yield frames
        yield encoder.finish()

    async def digest(self, algorithm: str) -> None:
        return None


def _is_slow(frame: Framing) -> bool:
    """Whether Python itself computes the checksum, which would hold up the event loop."""
    return frame.checksum is not None and not checksums.is_available(frame.checksum)
