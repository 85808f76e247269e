"""Noticing that pages which should go on come in a circle."""

from __future__ import annotations


class Circle:
    """Told what comes, says when something comes again, with one thing kept of them all.

    What is kept is replaced ever more rarely, so that any circle is noticed, whatever its length:
    at the latest when it was gone through about three times.
    """

    __slots__ = ("_count", "_known")

    def __init__(self) -> None:
        self._known: object = None
        self._count = 0

    def closed_by(self, item: object) -> bool:
        """Whether *item*, which is not None, was there before."""
        if self._count and item == self._known:
            return True
        self._count += 1
        if self._count & (self._count - 1) == 0:
            self._known = item
        return False
