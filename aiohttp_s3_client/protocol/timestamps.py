"""Times as S3 wants them written: ISO 8601, as HTTP has them, or in seconds since 1970."""

from __future__ import annotations

import contextlib
from calendar import timegm
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate

from .clock import parse_http_date

_MICROSECONDS = 1_000_000


def instant(value: object) -> datetime:
    """*value* as an aware datetime in UTC.

    It may be a datetime (UTC, where it has no zone), seconds since 1970 as a number or a text, or
    a date as ISO 8601 or HTTP has it. Raises ``TypeError`` for anything else and ``ValueError``
    for what is no time.
    """
    if isinstance(value, datetime):
        found: datetime | None = value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found = _from_seconds(value)
    elif isinstance(value, str):
        found = _parsed(value)
    else:
        raise TypeError(f"{type(value).__name__} is no time")
    if found is None:
        raise ValueError("no time")
    try:
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError(str(error)) from None


def formatted(value: object, style: str) -> str:
    """*value*, which ``instant`` takes, as *style* has it: iso8601, rfc822 or unixTimestamp.

    Fractions of a second are kept to the microsecond; rfc822 has none.
    """
    return _STYLES[style.lower()](instant(value))


def formatted_seconds(value: object, style: str) -> str:
    """Like ``formatted``, without fractions of a second: what goes into headers."""
    return _STYLES[style.lower()](instant(value).replace(microsecond=0))


def _iso8601(time: datetime) -> str:
    return time.replace(tzinfo=None).isoformat() + "Z"


def _rfc822(time: datetime) -> str:
    return formatdate(timegm(time.utctimetuple()), usegmt=True)


def _unix(time: datetime) -> str:
    # In whole numbers: a float holds microseconds until the year 2255 alone.
    total = timegm(time.utctimetuple()) * _MICROSECONDS + time.microsecond
    seconds, fraction = divmod(abs(total), _MICROSECONDS)
    text = f"{seconds}.{fraction:06}".rstrip("0") if fraction else str(seconds)
    return f"-{text}" if total < 0 else text


_STYLES: dict[str, Callable[[datetime], str]] = {
    "iso8601": _iso8601,
    "rfc822": _rfc822,
    "unixtimestamp": _unix,
}


def _from_seconds(value: float | str) -> datetime:
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(str(error)) from None


def _parsed(value: str) -> datetime | None:
    for parse in (_from_seconds, datetime.fromisoformat):
        with contextlib.suppress(ValueError):
            return parse(value)
    return parse_http_date(value)
