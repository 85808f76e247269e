"""Bodies that are in memory."""

from __future__ import annotations

import zlib

import pytest

from aiohttp_s3_client.protocol.body import PIECE, DocumentBody


async def test_a_document_gives_its_bytes_and_their_checksum() -> None:
    data = bytes(range(256)) * 600
    body = DocumentBody(data)
    for _ in range(2):
        pieces = [bytes(piece) async for piece in body.open()]
        assert b"".join(pieces) == data
        assert max(map(len, pieces)) <= PIECE
    assert (body.size, body.replayable, body.reached, body.data) == (len(data), True, None, data)
    assert await body.digest("CRC32") == bytes.fromhex(f"{zlib.crc32(data):08x}")


def test_a_view_with_gaps_is_refused() -> None:
    with pytest.raises(ValueError, match="data: a memoryview with gaps"):
        DocumentBody(memoryview(b"abcd")[::2])
    assert DocumentBody(memoryview(b"abcd")[1:3]).data == b"bc"
