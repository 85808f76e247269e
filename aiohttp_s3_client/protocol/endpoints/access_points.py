"""Access points by their ARNs: of buckets, of Object Lambda, and of many regions.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-naming.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/olap-use.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiRegionAccessPointRequests.html
"""

from __future__ import annotations

from ...errors import EndpointError
from .arn import Arn, check_access_point_name, check_account, check_place
from .asked import INVALID_REGION, Asked
from .names import is_host
from .partitions import Partition
from .resolved import ResolvedEndpoint, sigv4, sigv4a

_OBJECT_LAMBDA = "s3-object-lambda"


def access_point(asked: Asked, arn: Arn) -> ResolvedEndpoint:
    """``arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME``; without a region one of many regions."""
    name = _name(arn)
    if not arn.region:
        return _multi_region(asked, arn, name)
    partition = _checked_place(asked, arn)
    if arn.service != "s3":
        raise EndpointError(
            f"Invalid ARN: The ARN was not for the S3 service, found: {arn.service}"
        )
    check_account(arn)
    check_access_point_name(name)
    if asked.accelerate:
        raise EndpointError("Access Points do not support S3 Accelerate")
    url = _url(asked, arn, partition, asked.flavour("s3-accesspoint"))
    return sigv4(url, "s3", arn.region)


def object_lambda(asked: Asked, arn: Arn) -> ResolvedEndpoint:
    """``arn:aws:s3-object-lambda:REGION:ACCOUNT:accesspoint/NAME``."""
    if arn.type != "accesspoint":
        raise EndpointError(
            "Invalid ARN: Object Lambda ARNs only support `accesspoint` arn types, "
            f"but found: `{arn.type}`"
        )
    name = _name(arn)
    _check_object_lambda(asked)
    if not arn.region:
        raise EndpointError("Invalid ARN: bucket ARN is missing a region")
    partition = _checked_place(asked, arn)
    if not arn.account:
        raise EndpointError("Invalid ARN: Missing account id")
    check_account(arn)
    check_access_point_name(name)
    url = _url(asked, arn, partition, asked.flavour(_OBJECT_LAMBDA))
    return sigv4(url, _OBJECT_LAMBDA, arn.region)


def object_lambda_service(asked: Asked) -> ResolvedEndpoint:
    """Where the function writes its answer to (``WriteGetObjectResponse``)."""
    if not is_host(asked.region):
        raise EndpointError(INVALID_REGION)
    _check_object_lambda(asked)
    if asked.endpoint is not None:
        url = asked.endpoint.url
    else:
        url = f"https://{asked.regional_host(asked.flavour(_OBJECT_LAMBDA))}"
    return sigv4(url, _OBJECT_LAMBDA, asked.region)


def _multi_region(asked: Asked, arn: Arn, name: str) -> ResolvedEndpoint:
    if not is_host(name):
        raise EndpointError("Invalid Access Point Name")
    if asked.dual_stack:
        raise EndpointError("S3 MRAP does not support dual-stack")
    if asked.fips:
        raise EndpointError("S3 MRAP does not support FIPS")
    if asked.accelerate:
        raise EndpointError("S3 MRAP does not support S3 Accelerate")
    if not asked.multi_region_access_points:
        raise EndpointError("Invalid configuration: Multi-Region Access Point ARNs are disabled.")
    if arn.partition != asked.partition.name:
        raise EndpointError(
            f"Client was configured for partition `{asked.partition.name}` but bucket "
            f"referred to partition `{arn.partition}`"
        )
    return sigv4a(f"https://{name}.accesspoint.s3-global.{asked.partition.dns_suffix}", "s3")


def _name(arn: Arn) -> str:
    name = arn.component(1)
    if not name:
        raise EndpointError(
            "Invalid ARN: Expected a resource of the format `accesspoint:<accesspoint name>` "
            "but no name was provided"
        )
    return name


def _checked_place(asked: Asked, arn: Arn) -> Partition:
    """The partition of the ARN's region, once access points may be used there."""
    if not asked.access_points:
        raise EndpointError("Access points are not supported for this operation")
    if arn.component(2) is not None:
        raise EndpointError(
            "Invalid ARN: The ARN may only contain a single resource component after `accesspoint`."
        )
    return check_place(asked, arn)


def _check_object_lambda(asked: Asked) -> None:
    if asked.dual_stack:
        raise EndpointError("S3 Object Lambda does not support Dual-stack")
    if asked.accelerate:
        raise EndpointError("S3 Object Lambda does not support S3 Accelerate")


def _url(asked: Asked, arn: Arn, partition: Partition, service: str) -> str:
    label = f"{arn.resource[1]}-{arn.account}"
    if asked.endpoint is not None:
        return asked.endpoint.with_host_prefix(label)
    return f"https://{label}.{service}.{arn.region}.{partition.dns_suffix}"
