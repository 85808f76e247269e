"""S3 itself: buckets of general purpose, in the host or in the path, and the service alone.

https://docs.aws.amazon.com/general/latest/gr/s3.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/dual-stack-endpoints.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/transfer-acceleration.html
"""

from __future__ import annotations

from ...errors import EndpointError
from ..encoding import quote_query
from .asked import HOME_REGION, INVALID_REGION, Asked
from .custom import CustomEndpoint
from .names import is_host, is_label
from .partitions import AWS
from .resolved import ResolvedEndpoint, sigv4


def bucket_in_host(asked: Asked, bucket: str) -> ResolvedEndpoint:
    """*bucket* as the first label of the host; in the path where the host is an address."""
    if not is_label(asked.region):
        raise EndpointError(INVALID_REGION)
    if asked.accelerate and asked.partition.name == "aws-cn":
        raise EndpointError("S3 Accelerate cannot be used in this region")
    endpoint = asked.endpoint
    if endpoint is None:
        host = _accelerated_host(asked) if asked.accelerate else _host(asked)
        url = f"https://{bucket}.{host}"
    elif endpoint.is_address:
        url = endpoint.with_segment(bucket)
    else:
        url = endpoint.with_host_prefix(bucket)
    return sigv4(url, "s3", asked.signing_region)


def dotted_bucket_in_host(asked: Asked, endpoint: CustomEndpoint, bucket: str) -> ResolvedEndpoint:
    """*bucket* as the first labels of the host, which no certificate would fit."""
    if not is_label(asked.region):
        raise EndpointError(INVALID_REGION)
    return sigv4(endpoint.with_host_prefix(bucket), "s3", asked.region)


def bucket_in_path(asked: Asked, bucket: str) -> ResolvedEndpoint:
    if asked.accelerate:
        raise EndpointError("Path-style addressing cannot be used with S3 Accelerate")
    segment = quote_query(bucket)
    if asked.endpoint is None:
        url = f"https://{_host(asked)}/{segment}"
    else:
        url = asked.endpoint.with_segment(segment)
    return sigv4(url, "s3", asked.signing_region)


def service(asked: Asked) -> ResolvedEndpoint:
    """S3 without a bucket."""
    if not is_host(asked.region):
        raise EndpointError(INVALID_REGION)
    url = asked.endpoint.url if asked.endpoint else f"https://{_host(asked)}"
    return sigv4(url, "s3", asked.signing_region)


def _host(asked: Asked) -> str:
    name = asked.flavour("s3")
    plain = name == "s3"
    everywhere = asked.region == AWS.global_region
    if plain and (everywhere or (asked.global_endpoint and asked.region == HOME_REGION)):
        return f"s3.{asked.partition.dns_suffix}"
    return asked._replace(region=asked.signing_region).regional_host(name)


def _accelerated_host(asked: Asked) -> str:
    host = asked.flavour("s3-accelerate")
    if asked.dual_stack and asked.region == AWS.global_region:
        host = f"{host}.{HOME_REGION}"
    return f"{host}.{asked.partition.dns_suffix}"
