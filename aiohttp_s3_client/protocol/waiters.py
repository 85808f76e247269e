"""When waiting is over: rules that judge one answer, no requests.

A waiter asks the same thing again and again. Every answer is held against its acceptors, in
their order, and the first that matches says what to do; an error that none of them expects is a
failure, and any other answer a reason to ask once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, cast, get_args

from .pagination import check_expression, evaluate

State = Literal["success", "failure", "retry"]
Matcher = Literal["status", "error", "path", "pathAll", "pathAny"]


class Outcome(NamedTuple):
    """What came of asking once."""

    status: int
    """HTTP's."""
    error: str = ""
    """S3's code, for an error without one its status (``"404"``); empty if there was no error."""
    output: Mapping[str, object] = {}
    """What the operation returned; empty for an error."""


class Acceptor(NamedTuple):
    """One thing to look for in an answer."""

    state: State
    matcher: Matcher
    expected: object
    """A status, an error code, True (any error) or False (none), or the value at ``argument``."""
    argument: str = ""
    """For the three kinds of path the expression that leads there."""

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Acceptor:
        """The acceptor of an entry in the model; a ``ValueError`` if it is of an unknown kind."""
        state, matcher, expected = facts["state"], facts["matcher"], facts["expected"]
        argument = facts.get("argument", "")
        if state not in get_args(State):
            raise ValueError(f"waiter: the state {state!r} is not known")
        if matcher not in get_args(Matcher):
            raise ValueError(f"waiter: the matcher {matcher!r} is not known")
        if matcher == "status" and not isinstance(expected, int):
            raise ValueError(f"waiter: {expected!r} is not a status")
        if matcher == "error" and not isinstance(expected, (bool, str)):
            raise ValueError(f"waiter: {expected!r} is neither an error's code nor a boolean")
        if matcher in ("path", "pathAll", "pathAny"):
            check_expression(argument)
        return cls(cast(State, state), cast(Matcher, matcher), expected, argument)

    def matches(self, outcome: Outcome) -> bool:
        """Whether *outcome* is what this acceptor looks for."""
        if self.matcher == "status":
            return outcome.status == self.expected
        if self.matcher == "error":
            if isinstance(self.expected, bool):
                return bool(outcome.error) is self.expected
            return outcome.error == self.expected
        if outcome.error:
            return False
        found = evaluate(self.argument, outcome.output)
        if self.matcher == "path":
            return bool(found == self.expected)
        if not isinstance(found, list) or not found:
            return False  # An empty list is no news: the things waited for are not there yet.
        quantifier = all if self.matcher == "pathAll" else any
        return quantifier(each == self.expected for each in found)


class Waiter(NamedTuple):
    """What is asked, how often, and what the answers mean."""

    name: str
    operation: str
    """``HeadObject``, …"""
    delay: float
    """Seconds between two requests."""
    max_attempts: int
    """Requests in all."""
    acceptors: tuple[Acceptor, ...]

    @classmethod
    def of(cls, name: str, facts: Mapping[str, Any]) -> Waiter:
        """The waiter *name* of an entry in the model (``operation``, ``delay``, ``maxAttempts``,
        ``acceptors``); a ``ValueError`` for acceptors of an unknown kind."""
        acceptors = tuple(map(Acceptor.of, facts["acceptors"]))
        return cls(name, facts["operation"], facts["delay"], facts["maxAttempts"], acceptors)


def judge(waiter: Waiter, outcome: Outcome) -> State:
    """Whether *outcome* is what the waiter waits for, never will be, or may yet be."""
    for acceptor in waiter.acceptors:
        if acceptor.matches(outcome):
            return acceptor.state
    return "failure" if outcome.error else "retry"
