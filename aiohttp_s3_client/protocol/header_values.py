"""Values of arguments as the values of headers, refused where HTTP cannot carry them.

Each function takes the argument's name for its errors; a ``TypeError`` or ``ValueError`` names it
and shows the value, unless it is a secret.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import b64encode
from itertools import groupby

from .timestamps import formatted_seconds

_FORBIDDEN = r"[\0-\x08\n-\x1f\x7f\ud800-\udfff]"
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_ENCODED_WORD_BYTES = 45
"""Of UTF-8 in one encoded word, which RFC 2047 lets have 75 characters: base64 makes 60 of them."""
_WORD = r"=\?([!#-'*+0-9A-Z^-~\-]+)\?([BbQq])\?([!->@-~]+)\?="
"""Charset (and perhaps, behind a ``*``, the language), encoding and text."""
_WORDS = rf"(?<![^ \t]){_WORD}(?:[ \t]+{_WORD})*(?![^ \t])"


def shown(argument: str, value: object) -> str:
    """*value* for an error message; of a key only its type."""
    return type(value).__name__ if argument.endswith("Key") else repr(value)


def text(argument: str, value: object) -> str:
    """A str that HTTP can carry, as it is."""
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be a str, not {shown(argument, value)}")
    if re.search(_FORBIDDEN, value):
        hidden = "" if argument.endswith("Key") else f": {value!r}"
        raise ValueError(
            f"{argument} has a line break, another control character or a lone surrogate "
            f"in it, which a header cannot carry{hidden}"
        )
    return value


def word(argument: str, value: object) -> str:
    """One of S3's words in upper case, such as the name of a checksum algorithm."""
    return text(argument, value).upper()


def integer(argument: str, value: object) -> str:
    """An int of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{argument} must be an int, not {value!r}")
    if value < 0:
        raise ValueError(f"{argument} must not be negative: {value}")
    return str(value)


def customer_key(argument: str, key: object) -> tuple[str, str]:
    """A raw key (SSE-C) and its MD5, both in base64."""
    if not isinstance(key, str | bytes | bytearray):
        raise TypeError(f"{argument} must be a str or bytes, not {shown(argument, key)}")
    raw = key.encode() if isinstance(key, str) else bytes(key)
    digest = hashlib.md5(raw, usedforsecurity=False).digest()
    return b64encode(raw).decode(), b64encode(digest).decode()


def http_date(argument: str, value: object) -> str:
    """A time as ``Sun, 06 Nov 1994 08:49:37 GMT``, without fractions of a second."""
    return _time(argument, value, "rfc822")


def iso_date(argument: str, value: object) -> str:
    """A time as ``1994-11-06T08:49:37Z``, without fractions of a second."""
    return _time(argument, value, "iso8601")


def _time(argument: str, value: object, style: str) -> str:
    try:
        return formatted_seconds(value, style)
    except TypeError:
        raise TypeError(
            f"{argument} must be a datetime, a date as text or seconds since 1970, not {value!r}"
        ) from None
    except ValueError as error:
        raise ValueError(f"{argument} is no time: {value!r} ({error})") from None


def metadata_name(name: object) -> str:
    """The name of a metadata entry, which has to be one of a header."""
    if not isinstance(name, str):
        raise TypeError(f"Metadata must have names of type str, not {name!r}")
    if not re.fullmatch(_TOKEN, name):
        raise ValueError(
            f"Metadata: the name {name!r} cannot be a header's, which is made of ASCII letters, "
            "digits and !#$%&'*+-.^_`|~"
        )
    return name


def metadata_value(argument: str, value: object) -> str:
    """The value of a metadata entry; if it is not ASCII, as RFC 2047 writes it.

    S3 decodes that on arrival and encodes it again in its answers.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
    """
    plain = text(argument, value)
    return plain if plain.isascii() else encode_words(plain)


def encode_words(value: str) -> str:
    """What a header has to hold so that ``decode_words`` gives *value* back.

    That is *value* itself where it can be: not if it is not ASCII, if it looks encoded, or if it
    has spaces at its ends or several in a row, which do not survive the way.

    https://datatracker.ietf.org/doc/html/rfc2047
    """
    if value.isascii() and " ".join(value.split()) == value and decode_words(value) == value:
        return value
    return " ".join(f"=?UTF-8?B?{b64encode(run).decode()}?=" for run in _runs(value))


def decode_words(value: str) -> str:
    """*value* with its encoded words (RFC 2047, ``=?UTF-8?B?w6Q=?=``) as the text they mean.

    Adjacent ones are one text. What is malformed, or in an unknown charset, stays as it is.
    """
    return re.sub(_WORDS, _decoded, value) if "=?" in value else value


def _decoded(found: re.Match[str]) -> str:
    words = re.findall(_WORD, found[0])
    try:
        # Characters may be cut in two at the end of a word.
        return "".join(
            b"".join(_bytes_of(encoding, encoded) for _, encoding, encoded in run).decode(charset)
            for charset, run in groupby(words, lambda word: word[0].partition("*")[0].lower())
        )
    except (LookupError, ValueError):
        return found[0]


def _bytes_of(encoding: str, encoded: str) -> bytes:
    """What one word holds. Raises ``ValueError`` where it is malformed."""
    if encoding in "Bb":
        return binascii.a2b_base64(encoded, strict_mode=True)
    head, *escaped = encoded.replace("_", " ").split("=")
    if not all(re.match("[0-9A-Fa-f]{2}", each) for each in escaped):
        raise ValueError("an escape is no two digits")
    return head.encode() + b"".join(bytes.fromhex(e[:2]) + e[2:].encode() for e in escaped)


def _runs(value: str) -> list[bytes]:
    """The UTF-8 form in pieces that each hold whole characters."""
    runs = [bytearray()]
    for character in value:
        encoded = character.encode()
        if len(runs[-1]) + len(encoded) > _ENCODED_WORD_BYTES:
            runs.append(bytearray())
        runs[-1] += encoded
    return [bytes(run) for run in runs]
