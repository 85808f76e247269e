"""Every exception that the package raises about S3, in one tree.

::

    S3Error
    ├── CredentialsError            no usable credentials, or a source of them failed
    ├── ResponseParseError          an answer is not what S3 sends
    ├── EndpointError               no endpoint goes with what was asked for (also ValueError)
    ├── ObjectChanged               the object was replaced while it was being read
    ├── SourceChanged               the file was changed while it was being sent
    ├── ChecksumMismatch            what arrived is not what S3 keeps a checksum of
    ├── TransferInProgress          another transfer is at work on the same file
    ├── IncompleteMultipartUpload   parts were registered and never sent
    ├── ParamValidationError        an operation's parameters cannot work (also ValueError)
    ├── WaiterError                 what was waited for did not come
    ├── EventStreamError            S3 broke off a stream of events
    ├── DeleteFailed                some of many keys could not be deleted
    ├── SyncError                   some files of a sync failed; the others are done
    ├── UnsafeKey                   a key that leads out of a directory (also ValueError)
    ├── StorageError                a storage's operation failed
    │   ├── StorageFileNotFoundError, StorageFileExistsError, StoragePermissionError
    │   ├── StorageConnectionError
    │   ├── StorageValueError       an argument that cannot work (also ValueError)
    │   └── ConfigurationError      settings that cannot work (also ValueError)
    ├── AwsCrtError                 a meta request failed: awscrt's code and name
    │   ├── S3ResponseError         S3 answered it with an error
    │   └── CrossProcessLockError   somebody else holds the lock (also RuntimeError)
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

from importlib import import_module
from typing import TYPE_CHECKING

from .answers import (
    AwsDownloadError,
    AwsError,
    AwsUploadError,
    BadRequest,
    Conflict,
    Forbidden,
    InvalidRange,
    MethodNotAllowed,
    NotFound,
    NotImplementedByServer,
    NotModified,
    PreconditionFailed,
    Redirected,
    ServerError,
    ServiceUnavailable,
    UnsupportedMediaType,
    error_class,
    rebuild_answer,
)
from .base import (
    ChecksumMismatch,
    CredentialsError,
    EndpointError,
    IncompleteMultipartUpload,
    ObjectChanged,
    ResponseParseError,
    S3ConnectionError,
    S3Error,
    S3TimeoutError,
    SourceChanged,
    TransferInProgress,
    rebuild,
)
from .calls import (
    EventStreamError,
    ParamValidationError,
    WaiterError,
)
from .codes import (
    AccessDenied,
    AnnotationLimitExceeded,
    AnnotationNameTooLong,
    AuthorizationHeaderMalformed,
    BadDigest,
    BucketAlreadyExists,
    BucketAlreadyOwnedByYou,
    BucketNotEmpty,
    ConditionalRequestConflict,
    EncryptionTypeMismatch,
    EntityTooLarge,
    EntityTooSmall,
    ExpiredToken,
    IdempotencyParameterMismatch,
    IllegalLocationConstraintException,
    InternalError,
    InvalidAccessKeyId,
    InvalidAnnotationName,
    InvalidArgument,
    InvalidBucketName,
    InvalidBucketState,
    InvalidObjectState,
    InvalidPart,
    InvalidPartOrder,
    InvalidPrefix,
    InvalidRequest,
    InvalidTag,
    InvalidWriteOffset,
    KeyTooLongError,
    MalformedPolicy,
    MalformedXML,
    NoSuchAnnotation,
    NoSuchBucket,
    NoSuchBucketPolicy,
    NoSuchConfiguration,
    NoSuchCORSConfiguration,
    NoSuchKey,
    NoSuchLifecycleConfiguration,
    NoSuchObjectLockConfiguration,
    NoSuchPublicAccessBlockConfiguration,
    NoSuchTagSet,
    NoSuchUpload,
    NoSuchVersion,
    NoSuchWebsiteConfiguration,
    ObjectAlreadyInActiveTierError,
    ObjectLockConfigurationNotFoundError,
    ObjectNotInActiveTierError,
    OperationAborted,
    OwnershipControlsNotFoundError,
    PermanentRedirect,
    ReplicationConfigurationNotFoundError,
    RequestTimeout,
    RequestTimeTooSkewed,
    RestoreAlreadyInProgress,
    ServerSideEncryptionConfigurationNotFoundError,
    SignatureDoesNotMatch,
    SlowDown,
    TooManyBuckets,
    TooManyParts,
    XAmzContentSHA256Mismatch,
)
from .many import DeleteFailed, SyncError, UnsafeKey
from .storage import (
    ConfigurationError,
    StorageConnectionError,
    StorageError,
    StorageFileExistsError,
    StorageFileNotFoundError,
    StoragePermissionError,
    StorageValueError,
)

if TYPE_CHECKING:
    from .crt import AwsCrtError, CrossProcessLockError, S3ResponseError

__all__ = [
    "AccessDenied",
    "AnnotationLimitExceeded",
    "AnnotationNameTooLong",
    "AuthorizationHeaderMalformed",
    "AwsCrtError",
    "AwsDownloadError",
    "AwsError",
    "AwsUploadError",
    "BadDigest",
    "BadRequest",
    "BucketAlreadyExists",
    "BucketAlreadyOwnedByYou",
    "BucketNotEmpty",
    "ChecksumMismatch",
    "ConditionalRequestConflict",
    "ConfigurationError",
    "Conflict",
    "CredentialsError",
    "CrossProcessLockError",
    "DeleteFailed",
    "EncryptionTypeMismatch",
    "EndpointError",
    "EntityTooLarge",
    "EntityTooSmall",
    "EventStreamError",
    "ExpiredToken",
    "Forbidden",
    "IdempotencyParameterMismatch",
    "IllegalLocationConstraintException",
    "IncompleteMultipartUpload",
    "InternalError",
    "InvalidAccessKeyId",
    "InvalidAnnotationName",
    "InvalidArgument",
    "InvalidBucketName",
    "InvalidBucketState",
    "InvalidObjectState",
    "InvalidPart",
    "InvalidPartOrder",
    "InvalidPrefix",
    "InvalidRange",
    "InvalidRequest",
    "InvalidTag",
    "InvalidWriteOffset",
    "KeyTooLongError",
    "MalformedPolicy",
    "MalformedXML",
    "MethodNotAllowed",
    "NoSuchAnnotation",
    "NoSuchBucket",
    "NoSuchBucketPolicy",
    "NoSuchCORSConfiguration",
    "NoSuchConfiguration",
    "NoSuchKey",
    "NoSuchLifecycleConfiguration",
    "NoSuchObjectLockConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchTagSet",
    "NoSuchUpload",
    "NoSuchVersion",
    "NoSuchWebsiteConfiguration",
    "NotFound",
    "NotImplementedByServer",
    "NotModified",
    "ObjectAlreadyInActiveTierError",
    "ObjectChanged",
    "ObjectLockConfigurationNotFoundError",
    "ObjectNotInActiveTierError",
    "OperationAborted",
    "OwnershipControlsNotFoundError",
    "ParamValidationError",
    "PermanentRedirect",
    "PreconditionFailed",
    "Redirected",
    "ReplicationConfigurationNotFoundError",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "ResponseParseError",
    "RestoreAlreadyInProgress",
    "S3ConnectionError",
    "S3Error",
    "S3ResponseError",
    "S3TimeoutError",
    "ServerError",
    "ServerSideEncryptionConfigurationNotFoundError",
    "ServiceUnavailable",
    "SignatureDoesNotMatch",
    "SlowDown",
    "SourceChanged",
    "StorageConnectionError",
    "StorageError",
    "StorageFileExistsError",
    "StorageFileNotFoundError",
    "StoragePermissionError",
    "StorageValueError",
    "SyncError",
    "TooManyBuckets",
    "TooManyParts",
    "TransferInProgress",
    "UnsafeKey",
    "UnsupportedMediaType",
    "WaiterError",
    "XAmzContentSHA256Mismatch",
    "error_class",
]

# The names that pickles of the time before this was a package hold.
_unpickle = rebuild_answer
_rebuild = rebuild

_OF_META_REQUESTS = ("AwsCrtError", "CrossProcessLockError", "S3ResponseError")
"""Read by those that name them: few programs make meta requests."""

# Tracebacks, pickles and the documentation call each by the name that it is imported under.
for _name in set(__all__) - set(_OF_META_REQUESTS):
    globals()[_name].__module__ = __name__


def __getattr__(name: str) -> object:
    if name not in _OF_META_REQUESTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.crt"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_OF_META_REQUESTS})
