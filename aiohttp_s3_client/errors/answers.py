"""An error that S3 answered with: what it says, and the classes of the HTTP statuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from ..redaction import in_one_line, redact_headers, redacted_request_info
from .base import S3Error


class AwsError(S3Error, aiohttp.ClientResponseError):
    """S3 answered with an error.

    Attributes: ``status`` (HTTP), ``code`` (S3's own, empty when the answer has no body),
    ``message``, ``details`` (what else the body says, by the names of its elements:
    ``error.details.get("StorageClass")``), ``headers`` (of the answer), ``body`` (bytes, at most
    64 KiB), ``operation``, ``bucket``, ``key``, ``request_id``, ``host_id``, ``attempts`` (times
    sent), ``elapsed`` (seconds in all), ``detail`` (the part number or byte range of a transfer,
    else empty) and ``request_info`` (redacted).
    """

    # aiohttp's `code` is a deprecated alias of `status`; here it is S3's error code.
    code: str = ""  # type: ignore[assignment]

    def __init__(
        self,
        request_info: aiohttp.RequestInfo,
        *,
        status: int,
        code: str = "",
        message: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        operation: str = "",
        bucket: str = "",
        key: str = "",
        attempts: int = 1,
        elapsed: float = 0.0,
        detail: str = "",
        details: Mapping[str, str] | None = None,
    ) -> None:
        shown = redact_headers(headers or {})
        super().__init__(request_info, (), status=status, message=message, headers=shown)
        self.code = code  # pyright: ignore[reportIncompatibleMethodOverride]  # as above
        self.body = body
        self.operation = operation
        self.bucket = bucket
        self.key = key
        self.attempts = attempts
        self.elapsed = elapsed
        self.detail = detail
        self.details: Mapping[str, str] = dict(details or {})

    @property
    def request_id(self) -> str:
        """``x-amz-request-id``, for the server's support; empty when the server sends none."""
        return self._header("x-amz-request-id")

    @property
    def host_id(self) -> str:
        """``x-amz-id-2``, beside the request id; empty when the server sends none."""
        return self._header("x-amz-id-2")

    def _header(self, name: str) -> str:
        return self.headers.get(name, "") if self.headers else ""

    def __str__(self) -> str:
        what = self.operation or self.request_info.method
        where = in_one_line("/".join(filter(None, (self.bucket, self.key))))
        text = f"{what} {where}".rstrip() + f": {self.status}"
        if self.code:
            text += f" {self.code}"
        if self.message:
            text += f": {self.message}"
        if self.detail:
            text += f" [{self.detail}]"
        if self.attempts > 1:
            text += f" (after {self.attempts} attempts, {self.elapsed:.1f} s)"
        if self.request_id:
            text += f" (request id {self.request_id})"
        return text

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def _fields(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "code": self.code,
            "message": self.message,
            "headers": _plain(self.headers or {}),
            "body": self.body,
            "operation": self.operation,
            "bucket": self.bucket,
            "key": self.key,
            "attempts": self.attempts,
            "elapsed": self.elapsed,
            "detail": self.detail,
            "details": self.details,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        info = self.request_info
        request = (str(info.real_url), info.method, _plain(info.headers))
        return rebuild_answer, (self._role(), request, self._fields())

    @classmethod
    def _role(cls) -> type[AwsError] | None:
        return next(
            (role for role in (AwsUploadError, AwsDownloadError) if issubclass(cls, role)), None
        )

    def in_transfer(self, role: type[AwsError]) -> AwsError:
        """The same error as met in a transfer: *role* is an upload's or a download's class."""
        cls = _in_role(error_class(self.code, self.status), role)
        return cls(self.request_info, **self._fields())


class AwsUploadError(AwsError):
    """An error met in a multipart upload; ``detail`` names the part."""


class AwsDownloadError(AwsError):
    """An error met in a parallel download; ``detail`` names the byte range."""


class Redirected(AwsError):
    """3xx: the bucket lives elsewhere and the pipeline could not follow."""


class NotModified(AwsError):
    """304: the object still has the ETag or date that was given."""


class BadRequest(AwsError):
    """400."""


class Forbidden(AwsError):
    """401 and 403."""


class NotFound(AwsError):
    """404; a HEAD has no body that could say what is missing."""


class MethodNotAllowed(AwsError):
    """405."""


class Conflict(AwsError):
    """409."""


class PreconditionFailed(AwsError):
    """412: If-Match, If-None-Match or a date condition did not hold."""


class UnsupportedMediaType(AwsError):
    """415: S3 does not take the Content-Type."""


class InvalidRange(AwsError):
    """416: the range begins behind the end of the object."""


class ServerError(AwsError):
    """5xx."""


class NotImplementedByServer(ServerError):
    """501: this server does not know the operation or a header."""


class ServiceUnavailable(ServerError):
    """503."""


BY_STATUS: dict[int, type[AwsError]] = {
    304: NotModified,
    400: BadRequest,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    409: Conflict,
    412: PreconditionFailed,
    415: UnsupportedMediaType,
    416: InvalidRange,
    501: NotImplementedByServer,
    503: ServiceUnavailable,
}
BY_CODE: dict[str, type[AwsError]] = {}
"""The classes of S3's own codes. They stand above these, so ``codes`` fills it."""


def error_class(code: str, status: int) -> type[AwsError]:
    """The class for S3's *code*; for an unknown one the class of the HTTP *status*."""
    if found := BY_CODE.get(code):
        return found
    if found := BY_STATUS.get(status):
        return found
    if status >= 500:
        return ServerError
    return Redirected if 300 <= status < 400 else AwsError


def _in_role(cls: type[AwsError], role: type[AwsError]) -> type[AwsError]:
    mixed = _ROLES.get((cls, role))
    if mixed is None:
        space = {"__module__": cls.__module__, "__doc__": cls.__doc__}
        mixed = _ROLES[cls, role] = type(cls.__name__, (role, cls), space)
    return mixed


_ROLES: dict[tuple[type[AwsError], type[AwsError]], type[AwsError]] = {}


def _plain(headers: Mapping[str, str]) -> dict[str, str]:
    # The names are a subclass of str that older versions of multidict cannot pickle.
    return {str(name): value for name, value in headers.items()}


def rebuild_answer(
    role: type[AwsError] | None, request: tuple[str, str, dict[str, str]], fields: dict[str, Any]
) -> AwsError:
    """The error that a pickle holds."""
    url, method, headers = request
    cls = error_class(fields["code"], fields["status"])
    info = redacted_request_info(URL(url, encoded=True), method, headers)
    return (_in_role(cls, role) if role else cls)(info, **fields)
