"""Times as S3 and HTTP have them in texts, written and read.

They stand as ISO 8601, as HTTP has dates, or in seconds since 1970. What is read is always aware.
"""

from __future__ import annotations

import contextlib
import re
from calendar import timegm
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from email.utils import formatdate, parsedate_to_datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS = 1_000_000
_SECONDS = r"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?"
_FRACTION = r":[0-9]{2}(\.[0-9]{1,20})(?![0-9])"
_MONTHS = {
    name: f"{number:02}"
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}


# --- writing


def instant(value: object) -> datetime:
    """*value* as an aware datetime in UTC.

    It may be a datetime (UTC, where it has no zone), seconds since 1970 as a number, or what
    ``parse_time`` reads. Raises ``TypeError`` for anything else and ``ValueError`` for what is no
    time.
    """
    if isinstance(value, datetime):
        return _in_utc(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_seconds(value)
    if isinstance(value, str):
        return parse_time(value)
    raise TypeError(f"{type(value).__name__} is no time")


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


# --- reading


def parse_time(text: str) -> datetime:
    """A time in UTC, in whichever format it comes: servers do not keep to the one declared.

    Raises ``ValueError`` for what is no time.
    """
    text = text.strip()
    try:
        # Eight digits are a date to Python; here they are seconds.
        found = datetime.fromisoformat(text) if text[4:5] == "-" else _rarer(text)
    except ValueError:
        found = _rarer(text)
    return found if found.tzinfo is UTC else _in_utc(found)


def parse_times(texts: Iterable[str]) -> list[datetime]:
    """ISO 8601 times as S3 writes them, always aware. ``ValueError`` when one is none."""
    times = map(datetime.fromisoformat, texts)
    return [time if time.tzinfo else time.replace(tzinfo=UTC) for time in times]


def parse_http_date(value: str) -> datetime | None:
    """An HTTP ``Date`` as an aware datetime; None when it is no date."""
    month = _MONTHS.get(value[8:11])
    if month and value[3:5] == ", " and value[25:] == " GMT":
        # The one form that servers send; the parser of all forms takes ten times as long.
        with contextlib.suppress(ValueError):
            day, year, clock = value[5:7], value[12:16], value[17:25]
            return datetime.fromisoformat(f"{year}-{month}-{day}T{clock}Z")
    try:
        parsed = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _rarer(text: str) -> datetime:
    if re.fullmatch(_SECONDS, text):
        return _from_seconds(float(text))
    fraction = re.search(_FRACTION, text)
    whole = text[: fraction.start(1)] + text[fraction.end(1) :] if fraction else text
    found = parse_http_date(whole)
    if found is None:
        return datetime.fromisoformat(text)
    return found.replace(microsecond=int(fraction[1][1:7].ljust(6, "0"))) if fraction else found


def _from_seconds(value: float) -> datetime:
    try:
        return _EPOCH + timedelta(seconds=value)
    except OverflowError as error:
        raise ValueError(str(error)) from None


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError(str(error)) from None
