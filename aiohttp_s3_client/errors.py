"""Every exception that the package raises about S3, in one tree.

::

    S3Error
    ├── CredentialsError            no usable credentials, or a source of them failed
    ├── ResponseParseError          an answer is not what S3 sends
    ├── ObjectChanged               the object was replaced while it was being read
    ├── SourceChanged               the file was changed while it was being sent
    ├── ChecksumMismatch            what arrived is not what S3 keeps a checksum of
    ├── TransferInProgress          another transfer is at work on the same file
    ├── IncompleteMultipartUpload   parts were registered and never sent
    ├── S3ConnectionError           no answer, or half of one (also aiohttp.ClientConnectionError)
    │   └── S3TimeoutError          nothing moved for too long (also TimeoutError)
    └── AwsError                    S3 answered with an error (also aiohttp.ClientResponseError)
        ├── one class per status    NotFound, Forbidden, ServerError, …
        │   └── one per common code NoSuchKey, AccessDenied, SlowDown, …
        ├── AwsUploadError          the same errors, met in a multipart upload
        └── AwsDownloadError        the same errors, met in a parallel download

``AwsUploadError`` and ``AwsDownloadError`` are mixed into the class of the code, so that
``except NoSuchBucket`` and ``except AwsUploadError`` both catch a missing bucket in an upload.

Nothing here ever holds a secret key, a session token or a signature: request headers and
presigned URLs are redacted before they become part of an exception.

Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from .redaction import redact_headers, redacted_request_info


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


class ChecksumMismatch(S3Error):
    """The bytes of a download are not those that the server's checksum was made of."""


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
        return _rebuild, (type(self), str(self), fields)


class S3TimeoutError(S3ConnectionError, TimeoutError):
    """Nothing moved for longer than the timeouts allow."""


class AwsError(S3Error, aiohttp.ClientResponseError):
    """S3 answered with an error.

    Attributes: ``status`` (HTTP), ``code`` (S3's own, empty when the answer has no body),
    ``message``, ``headers`` (of the answer), ``body`` (bytes, at most 64 KiB), ``operation``,
    ``bucket``, ``key``, ``request_id``, ``host_id``, ``attempts`` (times sent), ``elapsed``
    (seconds in all), ``detail`` (the part number or byte range of a transfer, else empty) and
    ``request_info`` (redacted).
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
        where = "/".join(filter(None, (self.bucket, self.key)))
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
        }

    def __reduce__(self) -> tuple[Any, ...]:
        info = self.request_info
        request = (str(info.real_url), info.method, _plain(info.headers))
        return _unpickle, (self._role(), request, self._fields())

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


class InvalidRange(AwsError):
    """416: the range begins behind the end of the object."""


class ServerError(AwsError):
    """5xx."""


class NotImplementedByServer(ServerError):
    """501: this server does not know the operation or a header."""


class ServiceUnavailable(ServerError):
    """503."""


class PermanentRedirect(Redirected):
    """The bucket is in another region, which the answer did not name."""


class AccessDenied(Forbidden):
    """The credentials may not do this, or the object may not be known to them."""


class InvalidAccessKeyId(Forbidden):
    """The server does not know the access key id."""


class SignatureDoesNotMatch(Forbidden):
    """The secret key is wrong, or something on the way changed what was signed."""


class RequestTimeTooSkewed(Forbidden):
    """The clocks differ by more than 15 minutes, even after the server's Date was learnt."""


class InvalidObjectState(Forbidden):
    """The object is archived and must be restored first."""


class AuthorizationHeaderMalformed(BadRequest):
    """The request was signed for another region or is not signed as S3 wants it."""


class BadDigest(BadRequest):
    """What arrived is not what the checksum says was sent."""


class EntityTooLarge(BadRequest):
    """The object or part is larger than S3 takes in one request."""


class EntityTooSmall(BadRequest):
    """A part that is not the last is under 5 MiB."""


class ExpiredToken(BadRequest):
    """The session token ran out and refreshing did not help."""


class InvalidArgument(BadRequest):
    """A header or parameter has a value that S3 does not take."""


class InvalidBucketName(BadRequest):
    """The server does not take this bucket name."""


class InvalidPart(BadRequest):
    """A part named in CompleteMultipartUpload is not there or has another ETag."""


class InvalidPartOrder(BadRequest):
    """The parts in CompleteMultipartUpload are not in ascending order."""


class InvalidRequest(BadRequest):
    """The request makes no sense to S3."""


class MalformedXML(BadRequest):
    """The XML that was sent does not fit S3's schema."""


class RequestTimeout(BadRequest):
    """S3 waited too long for the body."""


class XAmzContentSHA256Mismatch(BadRequest):
    """The body's sha256 is not the one that was signed."""


class NoSuchBucket(NotFound):
    """The bucket does not exist."""


class NoSuchKey(NotFound):
    """The object does not exist."""


class NoSuchUpload(NotFound):
    """The multipart upload does not exist: completed, aborted, or never created."""


class NoSuchVersion(NotFound):
    """The object has no such version."""


class BucketAlreadyExists(Conflict):
    """Somebody else has a bucket of this name."""


class BucketAlreadyOwnedByYou(Conflict):
    """You have this bucket already."""


class BucketNotEmpty(Conflict):
    """The bucket still holds objects, versions or unfinished uploads."""


class InternalError(ServerError):
    """S3 failed; it was tried again as often as the settings allow."""


class SlowDown(ServiceUnavailable):
    """The server wants fewer requests; it was tried again at a lower rate."""


_BY_STATUS: dict[int, type[AwsError]] = {
    304: NotModified,
    400: BadRequest,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    409: Conflict,
    412: PreconditionFailed,
    416: InvalidRange,
    429: SlowDown,
    501: NotImplementedByServer,
    503: ServiceUnavailable,
}
_BY_CODE: Mapping[str, type[AwsError]] = {
    cls.__name__: cls
    for status_class in (
        Redirected,
        BadRequest,
        Forbidden,
        NotFound,
        Conflict,
        ServerError,
        ServiceUnavailable,
    )
    for cls in status_class.__subclasses__()
} | {
    "MethodNotAllowed": MethodNotAllowed,
    "NotImplemented": NotImplementedByServer,
    "NotModified": NotModified,
    "PreconditionFailed": PreconditionFailed,
    "InvalidRange": InvalidRange,
    "RequestLimitExceeded": SlowDown,
    "Throttling": SlowDown,
    "ThrottlingException": SlowDown,
    "TooManyRequests": SlowDown,
}


def error_class(code: str, status: int) -> type[AwsError]:
    """The class for S3's *code*; for an unknown one the class of the HTTP *status*."""
    if found := _BY_CODE.get(code):
        return found
    if found := _BY_STATUS.get(status):
        return found
    if status >= 500:
        return ServerError
    return Redirected if 300 <= status < 400 else AwsError


def _in_role(cls: type[AwsError], role: type[AwsError]) -> type[AwsError]:
    mixed = _ROLES.get((cls, role))
    if mixed is None:
        space = {"__module__": __name__, "__doc__": cls.__doc__}
        mixed = _ROLES[cls, role] = type(cls.__name__, (role, cls), space)
    return mixed


_ROLES: dict[tuple[type[AwsError], type[AwsError]], type[AwsError]] = {}


def _plain(headers: Mapping[str, str]) -> dict[str, str]:
    # The names are a subclass of str that older versions of multidict cannot pickle.
    return {str(name): value for name, value in headers.items()}


def _unpickle(
    role: type[AwsError] | None, request: tuple[str, str, dict[str, str]], fields: dict[str, Any]
) -> AwsError:
    url, method, headers = request
    cls = error_class(fields["code"], fields["status"])
    info = redacted_request_info(URL(url, encoded=True), method, headers)
    return (_in_role(cls, role) if role else cls)(info, **fields)


def _rebuild(
    cls: type[S3ConnectionError], message: str, fields: dict[str, Any]
) -> S3ConnectionError:
    return cls(message, **fields)
