"""What ``aiohttp_s3_client.meta_request`` raises: the errors of awscrt, by its codes and names.

The typed error of S3 or of the connection that one of them comes from is its ``__cause__``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .base import S3Error

CRT_ERRORS = {
    "AWS_ERROR_UNKNOWN": (3, "Unknown error."),
    # As its documentation spells it; awscrt itself says AWS_ERROR_MUTEX_CALLER_NOT_OWNER.
    "AWS_MUTEX_CALLER_NOT_OWNER": (19, "Somebody else holds the lock."),
    "AWS_ERROR_INVALID_ARGUMENT": (34, "An argument cannot work."),
    "AWS_ERROR_PLATFORM_NOT_SUPPORTED": (53, "This platform cannot do that."),
    "AWS_IO_TLS_CTX_ERROR": (1033, "The TLS options cannot be used."),
    "AWS_IO_SOCKET_TIMEOUT": (1048, "The connection did nothing for too long."),
    "AWS_IO_SOCKET_CLOSED": (1051, "There is no connection, or it was closed."),
    "AWS_AUTH_SIGNING_NO_CREDENTIALS": (6146, "There are no credentials to sign with."),
    "AWS_ERROR_S3_INTERNAL_ERROR": (14341, "S3 has an internal error."),
    "AWS_ERROR_S3_SLOW_DOWN": (14342, "S3 asks for fewer requests."),
    "AWS_ERROR_S3_INVALID_RESPONSE_STATUS": (14343, "S3 answered with an error."),
    "AWS_ERROR_S3_CANCELED": (14347, "The request was cancelled."),
    "AWS_ERROR_S3_RESPONSE_CHECKSUM_MISMATCH": (
        14350,
        "What arrived is not what the server's checksum was made of.",
    ),
    "AWS_ERROR_S3_OBJECT_MODIFIED": (14356, "The object was replaced during the download."),
    "AWS_ERROR_S3_NON_RECOVERABLE_ASYNC_ERROR": (
        14357,
        "S3 answered 200 with an error in the body.",
    ),
    "AWS_ERROR_S3_INCORRECT_CONTENT_LENGTH": (
        14359,
        "The body is not as long as Content-Length says.",
    ),
    "AWS_ERROR_S3_REQUEST_TIME_TOO_SKEWED": (14360, "S3's clock and this one differ too much."),
    "AWS_ERROR_S3_FILE_MODIFIED": (14361, "The file was changed during the upload."),
    "AWS_ERROR_S3EXPRESS_CREATE_SESSION_FAILED": (14364, "CreateSession of S3 Express failed."),
    "AWS_ERROR_S3_REQUEST_TIMEOUT": (14369, "S3 waited too long for the request."),
}
"""awscrt's code of each name that is raised here, and what is said when nothing better is known."""


class AwsCrtError(S3Error):
    """An error with awscrt's ``code`` and ``name``, and a ``message`` for people."""

    def __init__(self, code: int, name: str, message: str) -> None:
        super().__init__(code, name, message)
        self.code = code
        self.name = name
        self.message = message

    @classmethod
    def of(cls, name: str, message: str = "") -> AwsCrtError:
        """The error of that *name* in ``CRT_ERRORS``; its own message unless one is given."""
        code, usual = CRT_ERRORS[name]
        return AwsCrtError(code, name, message or usual)

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(name={self.name!r}, message={self.message!r}, code={self.code})"
        )


class CrossProcessLockError(AwsCrtError, RuntimeError):
    """A lock is held by somebody else, or is given back by whom it is not held."""


class S3ResponseError(AwsCrtError):
    """S3 answered with an error.

    ``status_code`` is that of the answer, ``headers`` are its pairs, ``body`` are its bytes
    (usually XML; None after a HEAD). ``operation_name`` is the operation that failed, which for
    an upload in parts is that of the part: ``CreateMultipartUpload``, ``UploadPart``, ….
    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    """

    def __init__(
        self,
        *,
        code: int,
        name: str,
        message: str,
        status_code: int | None = None,
        headers: Iterable[tuple[str, str]] | None = None,
        body: bytes | None = None,
        operation_name: str | None = None,
    ) -> None:
        super().__init__(code, name, message)
        self.status_code = status_code
        self.headers = None if headers is None else list(headers)
        self.body = body
        self.operation_name = operation_name

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (
            {
                "code": self.code,
                "name": self.name,
                "message": self.message,
                "status_code": self.status_code,
                "headers": self.headers,
                "body": self.body,
                "operation_name": self.operation_name,
            },
        )


def _rebuild(fields: dict[str, Any]) -> S3ResponseError:
    """The error that a pickle holds."""
    return S3ResponseError(**fields)


# As those of all errors: the name that they are imported under.
for _class in (AwsCrtError, CrossProcessLockError, S3ResponseError):
    _class.__module__ = "aiohttp_s3_client.errors"
