"""The root of the tree, and what the client finds wrong by itself."""

from __future__ import annotations

from typing import Any

import aiohttp


class S3Error(Exception):
    """The root of what the package raises about S3."""


class CredentialsError(S3Error):
    """No usable credentials: the message says what was tried, never what was found."""


class ResponseParseError(S3Error):
    """An answer is not the document that S3 sends; the message shows its first 200 bytes."""


class ObjectChanged(S3Error):
    """The object was replaced while it was being downloaded (its ETag changed)."""


class SourceChanged(S3Error):
    """What is being sent is not what it was when the transfer began."""


class EndpointError(S3Error, ValueError):
    """No endpoint of S3 goes with what was asked for; the message is that of AWS's rules."""


class ChecksumMismatch(S3Error):
    """The bytes of a download are not those that the server's checksum was made of.

    ``algorithm`` is its name; ``computed`` is what was made of what arrived and ``expected`` what
    the server says, both in base64 (of a composite without the number of parts). ``bucket`` and
    ``key`` are the object's; ``part`` is the number of the part that differs, None for the whole.
    """

    def __init__(
        self,
        message: str,
        *,
        bucket: str = "",
        key: str = "",
        algorithm: str = "",
        computed: str = "",
        expected: str = "",
        part: int | None = None,
    ) -> None:
        super().__init__(message)
        self.bucket = bucket
        self.key = key
        self.algorithm = algorithm
        self.computed = computed
        self.expected = expected
        self.part = part

    def __reduce__(self) -> tuple[Any, ...]:
        names = ("bucket", "key", "algorithm", "computed", "expected", "part")
        return rebuild, (type(self), str(self), {name: getattr(self, name) for name in names})


class TransferInProgress(S3Error):
    """Another transfer, of this process or another one, holds the journal of the same file."""


class IncompleteMultipartUpload(S3Error):
    """Parts were registered with ``put_part`` and never awaited: ``part_numbers`` says which."""

    def __init__(self, message: str, part_numbers: tuple[int, ...] = ()) -> None:
        super().__init__(message, part_numbers)
        self.part_numbers = part_numbers

    def __str__(self) -> str:
        return str(self.args[0])


class S3ConnectionError(S3Error, aiohttp.ClientConnectionError):
    """The request got no answer, or its body broke off, and it was not or could not be repeated.

    ``attempts`` is the number of times it was sent, ``elapsed`` the seconds it took in all.
    """

    def __init__(self, message: str, *, attempts: int = 1, elapsed: float = 0.0) -> None:
        super().__init__(message)
        self.attempts = attempts
        self.elapsed = elapsed

    def __reduce__(self) -> tuple[Any, ...]:
        fields = {"attempts": self.attempts, "elapsed": self.elapsed}
        return rebuild, (type(self), str(self), fields)


class S3TimeoutError(S3ConnectionError, TimeoutError):
    """Nothing moved for longer than the timeouts allow."""


def rebuild(
    cls: type[S3ConnectionError | ChecksumMismatch], message: str, fields: dict[str, Any]
) -> S3ConnectionError | ChecksumMismatch:
    """The error that a pickle holds."""
    return cls(message, **fields)
