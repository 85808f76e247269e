"""The framing of ``aws-chunked`` bodies: AWS's published examples, and a decoder that gets it back.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
"""

from __future__ import annotations

import hmac
import itertools
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_s3_client.protocol import checksums
from aiohttp_s3_client.protocol.aws_chunked import (
    STREAMING_PAYLOAD_TRAILER,
    UNSIGNED_PAYLOAD_TRAILER,
    Chain,
    Framing,
    framing,
)
from aiohttp_s3_client.protocol.sigv4 import STREAMING_PAYLOAD, SigV4Signer
from aiohttp_s3_client.protocol.sigv4a import SigV4aSigner

NOW = datetime(2013, 5, 24, tzinfo=UTC)
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SIGNER = SigV4Signer("AKIAIOSFODNN7EXAMPLE", SECRET, region="us-east-1")
URL = "https://s3.amazonaws.com/examplebucket/chunkObject.txt"
KIB64 = 64 * 1024
BODY = b"a" * 66_560
SIGNED_SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
TRAILER_SEED = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"


def encoded(frame: Framing, pieces: list[bytes], seed: str = SIGNED_SEED) -> bytes:
    encoder = frame.encoder(Chain(SIGNER, seed, NOW) if frame.signed else None)
    return b"".join([*map(encoder.feed, pieces), encoder.finish()])


def seed_of(frame: Framing, *, content_length: bool) -> str:
    """The signature of the examples' headers; only one of the two signs a Content-Length."""
    headers = {"x-amz-storage-class": "REDUCED_REDUNDANCY", **frame.headers()}
    if content_length:
        headers["Content-Length"] = str(frame.encoded_size)
    signed = SIGNER.sign("PUT", URL, headers, payload_hash=frame.payload_hash, now=NOW)
    return signed["Authorization"].rpartition("Signature=")[2]


# AWS's examples


def test_the_signed_example() -> None:
    frame = framing(len(BODY), signed=True)
    assert frame.payload_hash == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    assert frame.encoded_size == 66_824
    assert frame.headers() == {
        "Content-Encoding": "aws-chunked",
        "x-amz-decoded-content-length": "66560",
    }
    assert seed_of(frame, content_length=True) == SIGNED_SEED
    assert encoded(frame, [BODY]) == b"".join(
        [
            b"10000;chunk-signature="
            b"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n",
            BODY[:KIB64],
            b"\r\n400;chunk-signature="
            b"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n",
            BODY[KIB64:],
            b"\r\n0;chunk-signature="
            b"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n",
        ]
    )


def test_the_example_with_a_signed_trailer() -> None:
    frame = framing(len(BODY), signed=True, checksum="CRC32C")
    assert frame.payload_hash == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
    assert frame.encoded_size == 66_946
    assert frame.headers()["x-amz-trailer"] == "x-amz-checksum-crc32c"
    assert seed_of(frame, content_length=False) == TRAILER_SEED
    assert encoded(frame, [BODY], TRAILER_SEED) == b"".join(
        [
            b"10000;chunk-signature="
            b"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n",
            BODY[:KIB64],
            b"\r\n400;chunk-signature="
            b"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n",
            BODY[KIB64:],
            b"\r\n0;chunk-signature="
            b"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n",
            b"x-amz-checksum-crc32c:sOO8/Q==\r\n",
            b"x-amz-trailer-signature:"
            b"d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
        ]
    )


def test_the_trailer_signature_that_the_documentation_shows() -> None:
    """It goes with other chunks than the example's own."""
    digest = sha256(b"x-amz-checksum-crc32c:wdBDMA==\n").hexdigest()
    previous = "e05ab64fe1dfdbf0b5870abbaabdb063c371d4e96f2767e6934d90529c5ae850"
    signature = "41e14ac611e27a8bb3d66c3bad6856f209297767d5dd4fc87d8fa9e422e03faf"
    assert SIGNER.sign_trailer(previous, digest, NOW) == signature
    assert Chain(SIGNER, previous, NOW).of_trailer(digest) == signature


def test_an_unsigned_body_with_a_trailer() -> None:
    frame = framing(len(BODY), signed=False, checksum="crc32c")
    assert frame.payload_hash == "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    body = encoded(frame, [BODY])
    assert body == b"".join(
        [
            b"10000\r\n",
            BODY[:KIB64],
            b"\r\n400\r\n",
            BODY[KIB64:],
            b"\r\n0\r\nx-amz-checksum-crc32c:sOO8/Q==\r\n\r\n",
        ]
    )
    assert frame.encoded_size == len(body)


def test_an_empty_body_is_the_empty_chunk() -> None:
    frame = framing(0, signed=False, checksum="CRC32")
    assert encoded(frame, []) == b"0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
    assert encoded(frame, [b"", b""]) == encoded(frame, [])
    assert framing(0, signed=True).encoded_size == len(encoded(framing(0, signed=True), []))


# A decoder, which shares nothing with the encoder


def key_of_the_day() -> bytes:
    key = f"AWS4{SECRET}".encode()
    for part in ("20130524", "us-east-1", "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signature(kind: str, previous: bytes, *digests: str) -> bytes:
    scope = "20130524/us-east-1/s3/aws4_request"
    lines = [f"AWS4-HMAC-SHA256-{kind}", "20130524T000000Z", scope, previous.decode(), *digests]
    return hmac.digest(key_of_the_day(), "\n".join(lines).encode(), "sha256").hex().encode()


def decoded(body: bytes, signed: bool, previous: bytes) -> tuple[list[bytes], list[bytes]]:
    """The chunks and the lines of the trailer, with all signatures checked."""
    chunks: list[bytes] = []
    while True:
        line, _, body = body.partition(b"\r\n")
        size, _, extension = line.partition(b";chunk-signature=")
        assert size == f"{int(size, 16):x}".encode()
        chunk = body[: int(size, 16)]
        if signed:
            digests = sha256(b"").hexdigest(), sha256(chunk).hexdigest()
            previous = signature("PAYLOAD", previous, *digests)
        assert extension == (previous if signed else b"")
        if not chunk:
            break
        chunks.append(chunk)
        assert body[len(chunk) : len(chunk) + 2] == b"\r\n"
        body = body[len(chunk) + 2 :]
    *trailer, end, rest = body.split(b"\r\n")
    assert (end, rest) == (b"", b"")
    if signed and trailer:
        name, _, value = trailer.pop().partition(b":")
        assert name == b"x-amz-trailer-signature"
        lines = b"".join(line + b"\n" for line in trailer)
        assert value == signature("TRAILER", previous, sha256(lines).hexdigest())
    return chunks, trailer


def pieces_of(body: bytes, cuts: list[int]) -> Iterator[bytes]:
    """*body*, cut at these places."""
    places = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    for start, end in itertools.pairwise(places):
        yield body[start:end]


bodies = st.builds(
    lambda seed, size: (seed * (size // len(seed) + 1))[:size],
    st.binary(min_size=1, max_size=300),
    st.integers(0, 40_000) | st.sampled_from([8_191, 8_192, 8_193, 16_384, 32_768]),
)


@given(
    body=bodies,
    cuts=st.lists(st.integers(0, 50_000), max_size=12),
    chunk_size=st.integers(8_192, 20_000) | st.just(8_192),
    checksum=st.sampled_from([None, "CRC32", "SHA1", "SHA256"]),
    signed=st.booleans(),
)
def test_what_was_fed_comes_back(
    body: bytes, cuts: list[int], chunk_size: int, checksum: str | None, signed: bool
) -> None:
    signed = signed or checksum is None
    frame = framing(len(body), signed=signed, checksum=checksum, chunk_size=chunk_size)
    sent = encoded(frame, list(pieces_of(body, cuts)))
    assert len(sent) == frame.encoded_size
    chunks, trailer = decoded(sent, signed, SIGNED_SEED.encode())
    assert b"".join(chunks) == body
    assert all(len(chunk) == chunk_size for chunk in chunks[:-1])
    assert trailer == (
        [
            f"x-amz-checksum-{checksum.lower()}:".encode()
            + b64encode(checksums.compute(checksum, body))
        ]
        if checksum
        else []
    )


@pytest.mark.parametrize("algorithm", checksums.ALGORITHMS)
@pytest.mark.parametrize("signed", [True, False])
def test_the_length_is_known_for_every_checksum(algorithm: str, signed: bool) -> None:
    frame = framing(3, signed=signed, checksum=algorithm)
    assert len(encoded(frame, [b"abc"])) == frame.encoded_size


def test_a_buffer_that_is_used_again_does_no_harm() -> None:
    frame = framing(20_000, signed=True, chunk_size=8_192)
    encoder = frame.encoder(Chain(SIGNER, SIGNED_SEED, NOW))
    buffer, sent = bytearray(5_000), b""
    for letter in b"abcd":
        buffer[:] = bytes([letter]) * 5_000
        sent += encoder.feed(memoryview(buffer))
    chunks, _ = decoded(sent + encoder.finish(), True, SIGNED_SEED.encode())
    assert b"".join(chunks) == b"".join(bytes([letter]) * 5_000 for letter in b"abcd")


def test_items_of_several_bytes_are_counted_in_bytes() -> None:
    frame = framing(8, signed=False, checksum="CRC32")
    sent = frame.encoder().feed(memoryview(b"abcdefgh").cast("Q"))
    assert sent == b"8\r\nabcdefgh\r\n"


# Headers and refusals


def test_the_objects_own_encoding_stays() -> None:
    frame = framing(1, signed=True)
    assert frame.headers("gzip")["Content-Encoding"] == "aws-chunked,gzip"


def test_the_words_for_the_payload() -> None:
    assert framing(1, signed=True).payload_hash == STREAMING_PAYLOAD
    assert framing(1, signed=True, checksum="SHA1").payload_hash == STREAMING_PAYLOAD_TRAILER
    assert framing(1, signed=False, checksum="SHA1").payload_hash == UNSIGNED_PAYLOAD_TRAILER


def test_a_body_of_another_length_is_refused() -> None:
    encoder = framing(3, signed=False, checksum="CRC32").encoder()
    with pytest.raises(ValueError, match="longer than the 3 bytes announced"):
        encoder.feed(b"abcd")
    assert encoder.feed(b"ab") == b""
    with pytest.raises(ValueError, match="1 bytes shorter than the 3 announced"):
        encoder.finish()
    assert encoder.feed(b"c") == b"3\r\nabc\r\n"
    assert encoder.finish().startswith(b"0\r\n")
    with pytest.raises(ValueError, match="finished before"):
        encoder.finish()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": -1, "signed": True}, "size must not be negative"),
        ({"signed": True, "chunk_size": 8_191}, "chunk_size must be at least 8192"),
        ({"signed": False}, "checksum must be given"),
        ({"signed": True, "checksum": checksums.CONTENT_MD5}, "checksum must not be Content-MD5"),
        ({"signed": True, "checksum": "CRC5"}, "algorithm must be one of"),
    ],
)
def test_a_framing_that_cannot_be_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        framing(**{"size": 1, **arguments})


def test_signatures_are_there_where_they_belong() -> None:
    chain = Chain(SIGNER, SIGNED_SEED, NOW)
    with pytest.raises(ValueError, match="chain must be given"):
        framing(1, signed=True).encoder()
    with pytest.raises(ValueError, match="chain must not be given"):
        framing(1, signed=False, checksum="CRC32").encoder(chain)
    assert SIGNED_SEED not in repr(chain)
    asymmetric = Chain(SigV4aSigner("AKID", SECRET), SIGNED_SEED, NOW)
    with pytest.raises(ValueError, match="SigV4a signs no chunks"):
        framing(1, signed=True).encoder(asymmetric).feed(b"a")


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("size", [0, 1, 8_191, 8_192, 8_193, 20_000, 24_576])
def test_how_much_of_the_body_is_among_what_was_sent(size: int, signed: bool) -> None:
    frame = framing(size, signed=signed, checksum="CRC32", chunk_size=8_192)
    sent = encoded(frame, [bytes(size)])  # No header or trailer has a NUL in it.
    of_body = [0, *itertools.accumulate(byte == 0 for byte in sent)]
    assert [frame.decoded_size(count) for count in range(len(sent) + 1)] == of_body
