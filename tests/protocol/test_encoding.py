"""Percent-encoding and back; keys survive byte for byte (P12, P13, P23)."""

from __future__ import annotations

import string
from urllib.parse import parse_qsl, quote, unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aiohttp_s3_client.protocol.encoding import (
    encode_query,
    quote_path,
    quote_query,
    unquote,
    unquote_plus,
)

UNRESERVED = string.ascii_letters + string.digits + "-._~"

raw_bytes = st.binary(max_size=60)
text = st.text(max_size=60)
# What a listing can hand over: any bytes, those that are not UTF-8 as lone surrogates.
listed_key = raw_bytes.map(lambda data: data.decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(
    ("key", "quoted"),
    [
        ("", ""),
        (UNRESERVED, UNRESERVED),
        ("a/b//c/", "a/b//c/"),
        ("/a", "/a"),
        ("./../.", "./../."),
        ("a b+c", "a%20b%2Bc"),
        ("100%", "100%25"),
        ("%2F", "%252F"),
        ("(x)!*'", "%28x%29%21%2A%27"),
        ("a=b&c?d#e", "a%3Db%26c%3Fd%23e"),
        ("\x00\x1f\x7f", "%00%1F%7F"),
        ("line\nend", "line%0Aend"),
        ("ключ", "%D0%BA%D0%BB%D1%8E%D1%87"),
        ("日本 語", "%E6%97%A5%E6%9C%AC%20%E8%AA%9E"),
        ("🦊", "%F0%9F%A6%8A"),
        ("\udcff\udc80", "%FF%80"),
    ],
)
def test_p12_quote_path(key: str, quoted: str) -> None:
    assert quote_path(key) == quoted


def test_quote_query_encodes_the_slash() -> None:
    assert quote_query("a/b c") == "a%2Fb%20c"
    assert quote_query(UNRESERVED) == UNRESERVED


@pytest.mark.parametrize("character", [chr(code) for code in range(128)], ids=ascii)
def test_each_character_alone(character: str) -> None:
    escape = f"%{ord(character):02X}"
    plain = character in UNRESERVED
    assert quote_query(character) == (character if plain else escape)
    assert quote_path(character) == (character if plain or character == "/" else escape)


@given(text)
def test_quoting_agrees_with_the_standard_library(value: str) -> None:
    assert quote_path(value) == quote(value, safe="/-._~")
    assert quote_query(value) == quote(value, safe="-._~")


@given(listed_key)
@example("a//../.%2F+ \x00ü\udcff")
def test_p13_every_key_comes_back_byte_for_byte(key: str) -> None:
    data = key.encode("utf-8", "surrogateescape")
    for quoted in (quote_path(key), quote_query(key)):
        assert unquote_to_bytes(quoted) == data
        assert unquote(quoted) == key
        assert unquote_plus(quoted) == key


@given(raw_bytes)
def test_a_key_that_is_not_utf8_can_be_fetched_again(data: bytes) -> None:
    listed = unquote("".join(f"%{byte:02x}" for byte in data))
    assert unquote_to_bytes(quote_path(listed)) == data


@pytest.mark.parametrize("function", [quote_path, quote_query])
@pytest.mark.parametrize("key", ["\ud800", "a b \udfff", "\ud83d\ud83d"])
def test_a_lone_surrogate_is_refused_with_the_key_named(function: object, key: str) -> None:
    assert callable(function)
    with pytest.raises(ValueError, match="lone surrogate") as caught:
        function(key)
    assert repr(key) in str(caught.value)


@pytest.mark.parametrize(
    ("quoted", "key"),
    [
        ("", ""),
        ("plain", "plain"),
        ("a+b", "a+b"),
        ("%e4%BD%a0", "你"),
        ("100%", "100%"),
        ("%zz%4", "%zz%4"),
        ("%00", "\x00"),
        ("ü%20ü", "ü ü"),
        ("%FF", "\udcff"),
        ("%25%32%46", "%2F"),
    ],
)
def test_unquote(quoted: str, key: str) -> None:
    assert unquote(quoted) == key


def test_p23_unquote_plus_reads_the_spaces_of_aws_and_of_others() -> None:
    assert unquote_plus("a+b%2Bc%20d") == "a b+c d"
    assert unquote_plus("a+b") == "a b"


def test_encode_query_keeps_order_duplicates_and_empty_values() -> None:
    pairs = [("uploads", ""), ("b", "2"), ("a", "x/y z"), ("b", "1")]
    assert encode_query(pairs) == "uploads=&b=2&a=x%2Fy%20z&b=1"
    assert encode_query([]) == ""
    assert encode_query(iter([("k=", "&+")])) == "k%3D=%26%2B"


@given(st.lists(st.tuples(text, text), max_size=6))
def test_servers_read_from_a_query_what_was_put_in(pairs: list[tuple[str, str]]) -> None:
    raw = encode_query(pairs)
    assert parse_qsl(raw, keep_blank_values=True) == pairs
