"""The classes of S3's own error codes, each below the status that it comes with.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from .answers import (
    BY_CODE,
    BY_STATUS,
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
)


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


class ObjectAlreadyInActiveTierError(Forbidden):
    """There is nothing to restore: the object is not archived."""


class ObjectNotInActiveTierError(Forbidden):
    """The source is archived and must be restored before it is copied."""


class AnnotationLimitExceeded(BadRequest):
    """The object has as many annotations as S3 keeps, or as large ones."""


class AnnotationNameTooLong(BadRequest):
    """The name of the annotation is longer than S3 takes."""


class AuthorizationHeaderMalformed(BadRequest):
    """The request was signed for another region or is not signed as S3 wants it."""


class BadDigest(BadRequest):
    """What arrived is not what the checksum says was sent."""


class EncryptionTypeMismatch(BadRequest):
    """What is appended would be encrypted otherwise than the object is."""


class EntityTooLarge(BadRequest):
    """The object or part is larger than S3 takes in one request."""


class EntityTooSmall(BadRequest):
    """A part that is not the last is under 5 MiB."""


class ExpiredToken(BadRequest):
    """The session token ran out and refreshing did not help."""


class IdempotencyParameterMismatch(BadRequest):
    """The client token came before, with other parameters."""


class IllegalLocationConstraintException(BadRequest):
    """The region asked for is not that of the endpoint."""


class InvalidAnnotationName(BadRequest):
    """S3 does not take this name for an annotation."""


class InvalidArgument(BadRequest):
    """A header or parameter has a value that S3 does not take."""


class InvalidBucketName(BadRequest):
    """The server does not take this bucket name."""


class InvalidPart(BadRequest):
    """A part named in CompleteMultipartUpload is not there or has another ETag."""


class InvalidPartOrder(BadRequest):
    """The parts in CompleteMultipartUpload are not in ascending order."""


class InvalidPrefix(BadRequest):
    """S3 does not take this prefix of annotations."""


class InvalidRequest(BadRequest):
    """The request makes no sense to S3."""


class InvalidTag(BadRequest):
    """A tag's name or value is not allowed, or a name comes twice."""


class InvalidWriteOffset(BadRequest):
    """The offset to append at is not the object's size."""


class KeyTooLongError(BadRequest):
    """The key has more than 1,024 bytes in UTF-8."""


class MalformedPolicy(BadRequest):
    """The bucket policy is no policy, or names what does not exist."""


class MalformedXML(BadRequest):
    """The XML that was sent does not fit S3's schema."""


class RequestTimeout(BadRequest):
    """S3 waited too long for the body."""


class TooManyBuckets(BadRequest):
    """The account has as many buckets as it may."""


class TooManyParts(BadRequest):
    """The object was appended to as often as S3 allows."""


class XAmzContentSHA256Mismatch(BadRequest):
    """The body's sha256 is not the one that was signed."""


class NoSuchAnnotation(NotFound):
    """The object has no annotation of this name."""


class NoSuchBucket(NotFound):
    """The bucket does not exist."""


class NoSuchBucketPolicy(NotFound):
    """The bucket has no policy."""


class NoSuchCORSConfiguration(NotFound):
    """The bucket has no CORS rules."""


class NoSuchConfiguration(NotFound):
    """The bucket has no configuration of this id."""


class NoSuchKey(NotFound):
    """The object does not exist."""


class NoSuchLifecycleConfiguration(NotFound):
    """The bucket has no lifecycle rules."""


class NoSuchObjectLockConfiguration(NotFound):
    """The object has no retention or legal hold."""


class NoSuchPublicAccessBlockConfiguration(NotFound):
    """The bucket has no block of public access of its own."""


class NoSuchTagSet(NotFound):
    """The bucket has no tags."""


class NoSuchUpload(NotFound):
    """The multipart upload does not exist: completed, aborted, or never created."""


class NoSuchVersion(NotFound):
    """The object has no such version."""


class NoSuchWebsiteConfiguration(NotFound):
    """The bucket is no website."""


class ObjectLockConfigurationNotFoundError(NotFound):
    """The bucket has no object lock."""


class OwnershipControlsNotFoundError(NotFound):
    """The bucket has no ownership controls."""


class ReplicationConfigurationNotFoundError(NotFound):
    """The bucket has no replication rules."""


class ServerSideEncryptionConfigurationNotFoundError(NotFound):
    """The bucket has no default encryption of its own."""


class BucketAlreadyExists(Conflict):
    """Somebody else has a bucket of this name."""


class BucketAlreadyOwnedByYou(Conflict):
    """You have this bucket already."""


class BucketNotEmpty(Conflict):
    """The bucket still holds objects, versions or unfinished uploads."""


class ConditionalRequestConflict(Conflict):
    """Another write to the key was under way: read the object and try again."""


class InvalidBucketState(Conflict):
    """The bucket's other settings do not allow this."""


class OperationAborted(Conflict):
    """Another change to the bucket is under way."""


class RestoreAlreadyInProgress(Conflict):
    """The object is being restored already."""


class InternalError(ServerError):
    """S3 failed; it was tried again as often as the settings allow."""


class SlowDown(ServiceUnavailable):
    """The server wants fewer requests; it was tried again at a lower rate."""


_OF_SEVERAL = (
    Redirected,
    BadRequest,
    Forbidden,
    NotFound,
    Conflict,
    ServerError,
    ServiceUnavailable,
)

BY_STATUS[429] = SlowDown
BY_CODE.update(
    {cls.__name__: cls for status_class in _OF_SEVERAL for cls in status_class.__subclasses__()}
)
BY_CODE.update(
    {
        "InvalidRange": InvalidRange,
        "MethodNotAllowed": MethodNotAllowed,
        "NotImplemented": NotImplementedByServer,
        "NotModified": NotModified,
        "PreconditionFailed": PreconditionFailed,
        "RequestLimitExceeded": SlowDown,
        "Throttling": SlowDown,
        "ThrottlingException": SlowDown,
        "TooManyRequests": SlowDown,
        "UnsupportedMediaType": UnsupportedMediaType,
    }
)
