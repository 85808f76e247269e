"""Percent-encoding as S3 signs it, and back.

RFC 3986's unreserved characters (letters, digits, ``-._~``) stay as they are; every other byte of
the UTF-8 form becomes ``%XX`` in upper case, a space ``%20`` and a plus ``%2B``. Encode once, here,
and never again: the result is what is signed and what is sent.

A server may hold keys that are not UTF-8. Decoding turns their stray bytes into lone surrogates
(Python's ``surrogateescape``, as for file names), and encoding turns those into the same bytes
again, so that a key read from a listing can always be fetched.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html (UriEncode)
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

_UNRESERVED = "A-Za-z0-9._~-"
_is_plain = re.compile(f"[{_UNRESERVED}]*").fullmatch
_is_plain_path = re.compile(f"[/{_UNRESERVED}]*").fullmatch
_each_run = re.compile(f"[^{_UNRESERVED}]+").sub
_each_run_in_path = re.compile(f"[^/{_UNRESERVED}]+").sub


def quote_path(key: str) -> str:
    """*key* for the path of a URL; ``/`` stays, ``.``, ``..`` and ``//`` are nothing special.

    Raises ``ValueError`` for a lone surrogate that does not stand for a byte.
    """
    return key if _is_plain_path(key) else _each_run_in_path(_escaped, key)


def respelt_path(raw_path: str) -> str:
    """A percent-encoded path as ``quote_path`` would have spelt it, with the same meaning.

    Servers decode a path and encode it again before they check its signature, so that a path
    spelt in another way (``(``, ``%7e``) is refused.
    """
    return quote_path(unquote(raw_path))


def quote_query(text: str) -> str:
    """*text* for a name or a value of a query; ``/`` is encoded too.

    Raises ``ValueError`` for a lone surrogate that does not stand for a byte.
    """
    return text if _is_plain(text) else _each_run(_escaped, text)


def encode_query(pairs: Iterable[tuple[str, str]]) -> str:
    """``a=b&uploads=`` from decoded names and values, in their order; ``=`` is always there."""
    return "&".join([f"{quote_query(name)}={quote_query(value)}" for name, value in pairs])


def unquote(text: str) -> str:
    """*text* without its percent-encoding. A plus is a plus; a ``%`` without two digits stays."""
    if "%" not in text:
        return text
    return unquote_to_bytes(_utf8(text)).decode("utf-8", "surrogateescape")


def unquote_plus(text: str) -> str:
    """Like ``unquote``, where a plus means a space: in queries, and in ``encoding-type=url``.

    AWS writes the spaces of a listing's keys as pluses (other servers as ``%20``), and a plus
    itself as ``%2B``, so this reads both.
    """
    return unquote(text.replace("+", " "))


def _escaped(run: re.Match[str]) -> str:
    return f"%{_utf8(run[0], run.string).hex('%').upper()}"


def _utf8(text: str, whole: str = "") -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"key or query value {(whole or text)!r} holds a lone surrogate "
            f"{text[error.start]!r}, which has no UTF-8 form"
        ) from None
