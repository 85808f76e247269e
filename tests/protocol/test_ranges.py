"""Byte ranges and Content-Range (P5)."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from aiohttp_s3_client.errors import ResponseParseError
from aiohttp_s3_client.protocol.ranges import ByteRange, ContentRange, content_range, cut

sizes = st.integers(min_value=0, max_value=10_000)


def test_a_range_is_written_with_an_inclusive_end() -> None:
    assert ByteRange(0, 1).header == "bytes=0-0"
    assert ByteRange(5, 10).header == "bytes=5-9"
    assert ByteRange(5, 10).size == 5
    assert str(ByteRange(5, 10)) == "bytes 5-9"


@given(sizes, sizes, st.integers(min_value=1, max_value=3000))
def test_cut_covers_everything_once(start: int, size: int, step: int) -> None:
    ranges = list(cut(start, start + size, step))
    position = start
    for piece in ranges:
        assert piece.start == position
        assert 1 <= piece.size <= step
        position = piece.stop
    assert position == start + size
    assert all(piece.size == step for piece in ranges[:-1])


@given(sizes, st.integers(min_value=1, max_value=3000), sizes)
def test_p05_what_a_server_says_is_understood(start: int, size: int, rest: int) -> None:
    sent, total = ByteRange(start, start + size), start + size + rest
    value = f"bytes {start}-{start + size - 1}"
    assert content_range({"Content-Range": f"{value}/{total}"}) == ContentRange(sent, total)
    assert content_range({"Content-Range": f" {value}/* "}) == ContentRange(sent, None)


def test_an_answer_of_the_whole_has_no_content_range() -> None:
    assert content_range({}) is None


@given(st.text(max_size=40))
@example("")
@example("bytes */100")
@example("bytes 0-9")
@example("bytes 0-9/9")
@example("bytes 9-0/10")
@example("bytes 5-4/10")
@example("items 0-9/10")
@example("bytes 0-9/10, bytes 10-19/20")
@example("bytes -5-9/10")
@example("bytes 0-" + "9" * 5000 + "/*")
def test_p05_anything_else_is_a_parse_error(value: str) -> None:
    """What is accepted is consistent in itself, and the rest has one exception."""
    try:
        said = content_range({"Content-Range": value})
    except ResponseParseError as error:
        said, text = None, str(error)
    else:
        text = ""
    assert len(text) < 500
    if said is not None:
        assert 0 <= said.sent.start < said.sent.stop
        assert said.total is None or said.sent.stop <= said.total
