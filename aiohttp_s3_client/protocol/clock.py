"""The time that requests are signed with: this machine's, corrected by what servers say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from .timestamps import parse_http_date

SKEW_ALLOWED = timedelta(minutes=5)
"""A difference below this does not explain a refusal: S3 itself allows 15 minutes."""


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
