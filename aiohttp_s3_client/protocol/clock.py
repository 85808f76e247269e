"""The time that requests are signed with: this machine's, corrected by what servers say."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

SKEW_ALLOWED = timedelta(minutes=5)
"""A difference below this does not explain a refusal: S3 itself allows 15 minutes."""


_MONTHS = {
    name: f"{number:02}"
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}


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


class Clock:
    """UTC with an offset that is learnt once a server refuses this machine's time."""

    __slots__ = ("offset",)

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def learn(self, date: str | None) -> bool:
        """Adopt a server's ``Date``; whether it differs enough to have caused a refusal."""
        server = parse_http_date(date) if date else None
        if server is None or abs(server - self.now()) < SKEW_ALLOWED:
            return False
        self.offset = server - datetime.now(UTC)
        return True
