"""What goes wrong with an operation that is called by its name, beside what S3 answers.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html
https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html
"""

from __future__ import annotations

from collections.abc import Sequence

from .answers import AwsError
from .base import S3Error


class ParamValidationError(S3Error, ValueError):
    """Parameters of an operation that cannot work; nothing was sent.

    ``operation`` is its name, ``problems`` a tuple with one sentence for each parameter, which
    begins with its path: ``Delete.Objects[3].Key is missing``.
    """

    def __init__(self, operation: str, problems: Sequence[str]) -> None:
        self.operation = operation
        self.problems = tuple(problems)
        super().__init__(operation, self.problems)

    def __str__(self) -> str:
        return f"{self.operation}: {'; '.join(self.problems)}"


class WaiterError(S3Error):
    """What was waited for did not come, or cannot come any more.

    ``waiter`` is its name, ``attempts`` the number of times that S3 was asked, ``last`` the last
    error that S3 answered with, or None.
    """

    def __init__(
        self, message: str, waiter: str = "", attempts: int = 0, last: AwsError | None = None
    ) -> None:
        super().__init__(message, waiter, attempts, last)
        self.waiter = waiter
        self.attempts = attempts
        self.last = last

    def __str__(self) -> str:
        return str(self.args[0])


class EventStreamError(S3Error):
    """S3 broke off a stream of events: ``code`` and ``message`` are those of its last event."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.code, self.message)))
