"""The rules, in their order: which of the modules beside this decides."""

from __future__ import annotations

from ...errors import EndpointError
from . import access_points, directory, general, outposts
from .arn import Arn, parse_arn
from .asked import Asked
from .custom import custom_endpoint
from .names import fits_host, fits_label
from .partitions import partition_of
from .resolved import ResolvedEndpoint


def resolve_endpoint(
    *,
    Bucket: str | None = None,
    Region: str | None = None,
    UseFIPS: bool | None = None,
    UseDualStack: bool | None = None,
    Endpoint: str | None = None,
    ForcePathStyle: bool | None = None,
    Accelerate: bool | None = None,
    UseGlobalEndpoint: bool | None = None,
    UseObjectLambdaEndpoint: bool | None = None,
    Key: str | None = None,
    Prefix: str | None = None,
    CopySource: str | None = None,
    DisableAccessPoints: bool | None = None,
    DisableMultiRegionAccessPoints: bool | None = None,
    UseArnRegion: bool | None = None,
    UseS3ExpressControlEndpoint: bool | None = None,
    DisableS3ExpressSessionAuth: bool | None = None,
) -> ResolvedEndpoint:
    """Where the requests about a bucket go, and how they may be signed, as AWS's rules decide it.

    The parameters have the names of AWS's public endpoint rules for S3. *Bucket* is a bucket, a
    directory bucket, the ARN of an access point, or an alias of one; without it the service itself
    is meant. *Region* is always needed; ``aws-global`` is the one without a region in its host.
    *Endpoint* is an http(s) URL that replaces AWS's host. What is None counts as not given: flags
    are False then, *UseArnRegion* alone is True. *Key*, *Prefix* and *CopySource* belong to the
    rules, none of which asks for them today.

    Raises ``EndpointError`` with the rules' message where they refuse, and ``TypeError`` for a
    value of another type.

    https://docs.aws.amazon.com/general/latest/gr/s3.html
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html
    """
    _check_types(
        str, Bucket=Bucket, Region=Region, Endpoint=Endpoint, Key=Key, Prefix=Prefix,
        CopySource=CopySource,
    )  # fmt: skip
    _check_types(
        bool, UseFIPS=UseFIPS, UseDualStack=UseDualStack, ForcePathStyle=ForcePathStyle,
        Accelerate=Accelerate, UseGlobalEndpoint=UseGlobalEndpoint,
        UseObjectLambdaEndpoint=UseObjectLambdaEndpoint, DisableAccessPoints=DisableAccessPoints,
        DisableMultiRegionAccessPoints=DisableMultiRegionAccessPoints, UseArnRegion=UseArnRegion,
        UseS3ExpressControlEndpoint=UseS3ExpressControlEndpoint,
        DisableS3ExpressSessionAuth=DisableS3ExpressSessionAuth,
    )  # fmt: skip
    if Region is None:
        raise EndpointError("A region must be set when sending requests to S3.")
    asked = Asked(
        region=Region,
        partition=partition_of(Region),
        fips=bool(UseFIPS),
        dual_stack=bool(UseDualStack),
        accelerate=bool(Accelerate),
        path_style=bool(ForcePathStyle),
        global_endpoint=bool(UseGlobalEndpoint),
        object_lambda=bool(UseObjectLambdaEndpoint),
        express_control=bool(UseS3ExpressControlEndpoint),
        session_auth=not DisableS3ExpressSessionAuth,
        access_points=not DisableAccessPoints,
        multi_region_access_points=not DisableMultiRegionAccessPoints,
        arn_region=UseArnRegion is not False,
    )
    check_together(asked, custom=Endpoint is not None)
    if Endpoint is not None:
        asked = asked._replace(endpoint=custom_endpoint(Endpoint))
    return decided(asked, Bucket)


def decided(asked: Asked, bucket: str | None) -> ResolvedEndpoint:
    """The answer to *asked*, which passed ``check_together``, for *bucket* or for the service."""
    return _of_service(asked) if bucket is None else _of_bucket(asked, bucket)


def _check_types(kind: type, **values: object) -> None:
    for name, value in values.items():
        if value is not None and not isinstance(value, kind):
            raise TypeError(f"{name} must be a {kind.__name__}, not {type(value).__name__}")


def check_together(asked: Asked, *, custom: bool) -> None:
    """Refuse what does not go together, whatever the bucket; *custom*: at an endpoint of one's own.

    Raises ``EndpointError`` with the rules' message.
    """
    if asked.accelerate and asked.fips:
        raise EndpointError("Accelerate cannot be used with FIPS")
    if asked.dual_stack and custom:
        raise EndpointError("Cannot set dual-stack in combination with a custom endpoint.")
    if custom and asked.fips:
        raise EndpointError("A custom endpoint cannot be combined with FIPS")
    if custom and asked.accelerate:
        raise EndpointError("A custom endpoint cannot be combined with S3 Accelerate")
    if asked.fips and asked.partition.name == "aws-cn":
        raise EndpointError("Partition does not support FIPS")


def _of_service(asked: Asked) -> ResolvedEndpoint:
    if asked.express_control:
        return directory.control_plane(asked)
    if asked.object_lambda:
        return access_points.object_lambda_service(asked)
    return general.service(asked)


def _of_bucket(asked: Asked, bucket: str) -> ResolvedEndpoint:
    if asked.express and directory.is_directory(bucket):
        return directory.directory_bucket(asked, bucket)
    if outposts.is_alias(bucket):
        return outposts.alias(asked, bucket)
    arn = parse_arn(bucket)
    if asked.path_style:
        return _in_path(asked, bucket, arn)
    if fits_label(bucket):
        return general.bucket_in_host(asked, bucket)
    if asked.endpoint and asked.endpoint.scheme == "http" and fits_host(bucket):
        return general.dotted_bucket_in_host(asked, asked.endpoint, bucket)
    return _of_arn(asked, arn) if arn else _in_path(asked, bucket, arn)


def _in_path(asked: Asked, bucket: str, arn: Arn | None) -> ResolvedEndpoint:
    if arn:
        raise EndpointError("Path-style addressing cannot be used with ARN buckets")
    if bucket.startswith("arn:"):
        raise EndpointError(f"Invalid ARN: `{bucket}` was not a valid ARN")
    return general.bucket_in_path(asked, bucket)


def _of_arn(asked: Asked, arn: Arn) -> ResolvedEndpoint:
    if not arn.type:
        raise EndpointError("Invalid ARN: No ARN type specified")
    if arn.service == "s3-object-lambda":
        return access_points.object_lambda(asked, arn)
    if arn.type == "accesspoint":
        return access_points.access_point(asked, arn)
    if arn.service == "s3-outposts":
        return outposts.access_point(asked, arn)
    raise EndpointError(f"Invalid ARN: Unrecognized format: {arn.text} (type: {arn.type})")
