"""Encoded words of RFC 2047, as metadata has them: written, and read whoever wrote them."""

from __future__ import annotations

from email.header import Header

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aiohttp_s3_client.protocol.header_values import decode_words, encode_words, metadata_value

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]))
WORDS = st.builds("=?{}?{}?{}?=".format, st.sampled_from(["UTF-8", "latin-1", "x"]),
                  st.sampled_from("BbQqx"), st.text("AQ=_ ?w6 ", max_size=6))  # fmt: skip

READ = {
    "plain": "plain",
    "": "",
    "=?UTF-8?B?w6Q=?=": "ä",
    "=?utf-8?b?w6Q=?=": "ä",
    "=?UTF-8?Q?=C3=a4_b?=": "ä b",
    "=?iso-8859-1?q?a=E4=20b?=": "aä b",
    "=?UTF-8*de?Q?=C3=A4?=": "ä",
    "=?koi8-r?B?8NLJ18XU?=": "Привет",
    "=?utf-16-be?B?AOQ=?=": "ä",
    # Adjacent ones are one text; other text beside them is kept, with its spaces.
    "=?UTF-8?Q?a?=   =?UTF-8?Q?b?=": "ab",
    "=?UTF-8?Q?a?= =?iso-8859-1?Q?=E4?=": "aä",
    "x  =?UTF-8?Q?a?= =?UTF-8?Q?b?=  y": "x  ab  y",
    # A character may be cut in two.
    "=?UTF-8?Q?=C3?= =?utf-8?B?pA==?=": "ä",
}

KEPT = [
    "=?UTF-8?B?w6?=",
    "=?UTF-8?B?w6Q=?",
    "=?UTF-8?B??=",
    "=?UTF-8?X?w6Q=?=",
    "=?UTF-8?Q?=C?=",
    "=?UTF-8?Q?=+1?=",
    "=?UTF-8?Q?=C3?=",
    "=?UTF-8?Q?a b?=",
    "=?nobody?Q?a?=",
    "=?hex?Q?6161?=",
    "=?undefined?Q?a?=",
    "=??Q?a?=",
    "a=?UTF-8?B?w6Q=?=",
    "=?UTF-8?B?w6Q=?=.",
    "=?UTF-8?B?w6Q=?= =?nobody?Q?a?=",
    "=?",
]


@pytest.mark.parametrize(("written", "text"), READ.items())
def test_reading(written: str, text: str) -> None:
    assert decode_words(written) == text


@pytest.mark.parametrize("text", KEPT)
def test_what_is_malformed_stays_as_it_is(text: str) -> None:
    assert decode_words(text) == text
    assert encode_words(text) == text


@given(TEXTS | st.lists(TEXTS | WORDS).map(" ".join))
@example("=?UTF-8?B?w6Q=?=")
@example("a =?UTF-8?Q?_?=")
@example(" a ")
@example("a  b")
@example("ä" * 200)
def test_there_and_back(text: str) -> None:
    written = encode_words(text)
    assert decode_words(written) == text
    assert written.isascii()
    # Nothing is left that HTTP, a signature or a server may change.
    assert " ".join(written.split()) == written
    assert written == text or all(len(word) <= 75 for word in written.split())


@given(TEXTS, st.sampled_from(["utf-8", "iso-8859-1", "utf-16-be"]))
def test_what_others_wrote(text: str, charset: str) -> None:
    encodable = text.encode(charset, "ignore").decode(charset)
    if encodable.strip() != encodable or not encodable:
        return
    written = Header(encodable, charset, maxlinelen=10_000).encode()
    if written.startswith("=?") and "\n" not in written:
        assert decode_words(written) == encodable


def test_boto3s_metadata_is_sent_as_it_is_given() -> None:
    """Whoever encoded it already, as boto3 has its users do, must not find it encoded twice."""
    assert metadata_value("Metadata", "=?UTF-8?B?w6Q=?=") == "=?UTF-8?B?w6Q=?="
    assert metadata_value("Metadata", "two  spaces") == "two  spaces"
    assert metadata_value("Metadata", "ä") == "=?UTF-8?B?w6Q=?="
