"""S3 on Outposts: access points by their ARNs, or by aliases that look like a bucket's name.

https://docs.aws.amazon.com/AmazonS3/latest/s3-outposts/S3OutpostsWorkingBuckets.html
https://docs.aws.amazon.com/AmazonS3/latest/s3-outposts/s3-outposts-access-points-alias.html
"""

from __future__ import annotations

from ...errors import EndpointError
from .arn import (
    Arn,
    check_access_point_name,
    check_account,
    check_outpost_id,
    check_place,
)
from .asked import Asked
from .names import fits_label, is_label
from .resolved import ResolvedEndpoint, sigv4a_or_sigv4

_SERVICE = "s3-outposts"


def access_point(asked: Asked, arn: Arn) -> ResolvedEndpoint:
    """``arn:aws:s3-outposts:REGION:ACCOUNT:outpost/ID/accesspoint/NAME``."""
    _check_supported(asked)
    if arn.component(4) is not None:
        raise EndpointError("Invalid Arn: Outpost Access Point ARN contains sub resources")
    outpost = arn.component(1)
    if outpost is None:
        raise EndpointError("Invalid ARN: The Outpost Id was not set")
    check_outpost_id(outpost)
    partition = check_place(asked, arn)
    check_account(arn)
    name = _access_point_name(arn)
    if asked.endpoint is not None:
        host = asked.endpoint.authority
    else:
        host = f"{_SERVICE}.{arn.region}.{partition.dns_suffix}"
    return sigv4a_or_sigv4(f"https://{name}-{arn.account}.{outpost}.{host}", _SERVICE, arn.region)


def is_alias(bucket: str) -> bool:
    """Whether *bucket* is the alias of an access point on an Outpost."""
    return len(bucket) >= 50 and bucket.isascii() and bucket.endswith("--op-s3")


def alias(asked: Asked, bucket: str) -> ResolvedEndpoint:
    """The access point on an Outpost that *bucket* is an alias of.

    Everything has its place in an alias, counted from its end: the kind of hardware (``o``, a rack
    of Outposts, or ``e``, EC2), the Outpost's id, and how the region begins.
    """
    hardware, outpost, region_prefix = bucket[-50], bucket[-49:-32], bucket[-12:-8]
    if not is_label(outpost):
        raise EndpointError("Invalid ARN: The outpost Id must only contain a-z, A-Z, 0-9 and `-`.")
    if not fits_label(bucket):
        raise EndpointError("Invalid Outposts Bucket alias - it must be a valid bucket name.")
    if hardware not in ("o", "e"):
        raise EndpointError(
            f'Unrecognized hardware type: "Expected hardware type o or e but got {hardware}"'
        )
    rack = "ec2" if hardware == "e" else f"op-{outpost}"
    if region_prefix != "beta":
        host = asked.regional_host(_SERVICE)
    elif asked.endpoint is not None:
        host = asked.endpoint.authority
    else:
        raise EndpointError("Expected a endpoint to be specified but no endpoint was found")
    return sigv4a_or_sigv4(f"https://{bucket}.{rack}.{host}", _SERVICE, asked.region)


def _check_supported(asked: Asked) -> None:
    if asked.dual_stack:
        raise EndpointError("S3 Outposts does not support Dual-stack")
    if asked.fips:
        raise EndpointError("S3 Outposts does not support FIPS")
    if asked.accelerate:
        raise EndpointError("S3 Outposts does not support S3 Accelerate")


def _access_point_name(arn: Arn) -> str:
    kind, name = arn.component(2), arn.component(3)
    if kind is None:
        raise EndpointError("Invalid ARN: Expected a 4-component resource")
    if name is None:
        raise EndpointError("Invalid ARN: expected an access point name")
    if kind != "accesspoint":
        raise EndpointError(f"Expected an outpost type `accesspoint`, found {kind}")
    check_access_point_name(name)
    return name
