"""What a request ends in: our typed errors in awscrt's words."""

from __future__ import annotations

from ..errors import (
    AwsError,
    ChecksumMismatch,
    CredentialsError,
    ObjectChanged,
    S3ConnectionError,
    S3Error,
    S3TimeoutError,
    SourceChanged,
)
from ..errors.crt import CRT_ERRORS, AwsCrtError, S3ResponseError

_OF_CLASSES: tuple[tuple[type[S3Error], str], ...] = (
    (ChecksumMismatch, "AWS_ERROR_S3_RESPONSE_CHECKSUM_MISMATCH"),
    (ObjectChanged, "AWS_ERROR_S3_OBJECT_MODIFIED"),
    (SourceChanged, "AWS_ERROR_S3_FILE_MODIFIED"),
    (S3TimeoutError, "AWS_IO_SOCKET_TIMEOUT"),
    (S3ConnectionError, "AWS_IO_SOCKET_CLOSED"),
    (CredentialsError, "AWS_AUTH_SIGNING_NO_CREDENTIALS"),
    (S3Error, "AWS_ERROR_UNKNOWN"),
)
_OF_CODES = {
    "InternalError": "AWS_ERROR_S3_INTERNAL_ERROR",
    "RequestTimeTooSkewed": "AWS_ERROR_S3_REQUEST_TIME_TOO_SKEWED",
    "RequestTimeout": "AWS_ERROR_S3_REQUEST_TIMEOUT",
    "ServiceUnavailable": "AWS_ERROR_S3_SLOW_DOWN",
    "SlowDown": "AWS_ERROR_S3_SLOW_DOWN",
}
_OF_STATUSES = {500: "AWS_ERROR_S3_INTERNAL_ERROR", 503: "AWS_ERROR_S3_SLOW_DOWN"}
"""Where the code says nothing: after a HEAD, or from a proxy."""


def failure_of(error: BaseException) -> BaseException:
    """*error* in awscrt's words; itself where it is none of S3 (a file's, the user's own)."""
    if isinstance(error, AwsCrtError):
        return error
    if isinstance(error, AwsError):
        return _answered(error)
    name = next((name for cls, name in _OF_CLASSES if isinstance(error, cls)), None)
    return error if name is None else AwsCrtError.of(name, str(error))


def _answered(error: AwsError) -> S3ResponseError:
    usual = _OF_STATUSES.get(error.status, "AWS_ERROR_S3_INVALID_RESPONSE_STATUS")
    name = _OF_CODES.get(error.code, usual)
    if error.status < 300:
        name = "AWS_ERROR_S3_NON_RECOVERABLE_ASYNC_ERROR"
    code, _ = CRT_ERRORS[name]
    return S3ResponseError(
        code=code,
        name=name,
        message=str(error),
        status_code=error.status,
        headers=[(_as_sent(key), value) for key, value in (error.headers or {}).items()],
        body=error.body or None,
        operation_name=error.operation or None,
    )


def _as_sent(name: str) -> str:
    # aiohttp has a spelling of its own for this one.
    return "ETag" if name == "Etag" else str(name)
