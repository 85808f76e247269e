"""Hosts of the services that credentials come from: STS, IAM Identity Center and its OIDC.

https://docs.aws.amazon.com/general/latest/gr/sts.html
https://docs.aws.amazon.com/sdkref/latest/guide/feature-sts-regionalized-endpoints.html
https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html
"""

from __future__ import annotations

from typing import NamedTuple

from ...errors import EndpointError
from .asked import INVALID_REGION
from .names import is_host
from .partitions import AWS, partition_of

GLOBAL_STS = "sts.amazonaws.com"
GLOBAL_STS_REGION = "us-east-1"

_DUALSTACK_SUFFIXES = {
    "aws": "api.aws",
    "aws-cn": "api.amazonwebservices.com.cn",
    "aws-eusc": "api.amazonwebservices.eu",
    "aws-iso": "api.aws.ic.gov",
    "aws-iso-b": "api.aws.scloud",
    "aws-iso-e": "api.cloud-aws.adc-e.uk",
    "aws-iso-f": "api.aws.hci.ic.gov",
    "aws-us-gov": "api.aws",
}
_LEGACY_STS_REGIONS = frozenset(
    {
        "ap-northeast-1",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "aws-global",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    }
)
"""The regions for which ``legacy`` means the global host."""


class ServiceHost(NamedTuple):
    """Where a service is asked, over TLS, and the region that its requests are signed for."""

    host: str
    region: str


def service_host(
    service: str, region: str, *, fips: bool = False, dualstack: bool = False
) -> ServiceHost:
    """The host of *service* (``sts``, ``portal.sso`` or ``oidc``) in *region*.

    Raises ``EndpointError`` for what cannot be a region's name.
    """
    if not is_host(region):
        raise EndpointError(INVALID_REGION)
    partition = partition_of(region)
    if fips and (dualstack or partition.name != "aws-us-gov"):
        service += "-fips"
    suffix = _DUALSTACK_SUFFIXES[partition.name] if dualstack else partition.dns_suffix
    return ServiceHost(f"{service}.{region}.{suffix}", region)


def sts_host(
    region: str, *, fips: bool = False, dualstack: bool = False, legacy: bool = False
) -> ServiceHost:
    """The host of STS in *region*; the global one for ``aws-global``, and with *legacy* for the
    regions that were there before STS had hosts of its own in each."""
    plain = not (fips or dualstack)
    if plain and (region == AWS.global_region or (legacy and region in _LEGACY_STS_REGIONS)):
        return ServiceHost(GLOBAL_STS, GLOBAL_STS_REGION)
    return service_host("sts", region, fips=fips, dualstack=dualstack)
