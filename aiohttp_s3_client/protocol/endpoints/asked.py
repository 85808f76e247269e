"""What is asked: the parameters of the rules, with what follows from them."""

# Annotations are not postponed here, as in request.py.

from typing import NamedTuple

from ...errors import EndpointError
from .custom import CustomEndpoint
from .names import is_host
from .partitions import AWS, Partition, partition_of

INVALID_REGION = "Invalid region: region was not a valid DNS name."

HOME_REGION = "us-east-1"
"""Where what is not in any region is signed for."""


class Asked(NamedTuple):
    """One question, all of whose parts are known but for the bucket."""

    region: str
    partition: Partition
    """Of the region."""
    endpoint: CustomEndpoint | None = None
    fips: bool = False
    dual_stack: bool = False
    accelerate: bool = False
    path_style: bool = False
    global_endpoint: bool = False
    object_lambda: bool = False
    express_control: bool = False
    session_auth: bool = True
    access_points: bool = True
    multi_region_access_points: bool = True
    arn_region: bool = True
    """Whether the region of an ARN may be another one than the client's."""
    express: bool = True
    """Whether names of directory buckets are anything but names: the one parameter that is not of
    AWS's rules."""

    def in_region(self, region: str) -> "Asked":
        """The same of another region."""
        return self._replace(region=region, partition=partition_of(region))

    @property
    def signing_region(self) -> str:
        """The region that S3 itself is signed for."""
        return HOME_REGION if self.region == AWS.global_region else self.region

    def flavour(self, service: str) -> str:
        """*service*, as a host begins that is FIPS's, or IPv6's too."""
        return f"{service}{'-fips' if self.fips else ''}{'.dualstack' if self.dual_stack else ''}"

    def regional_host(self, service: str) -> str:
        """The host of *service* in the region.

        Raises ``EndpointError`` for a region that cannot be a part of a host.
        """
        if not is_host(self.region):
            raise EndpointError(INVALID_REGION)
        return f"{service}.{self.region}.{self.partition.dns_suffix}"
