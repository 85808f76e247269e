"""AWS's partitions: separate clouds, each with regions and a DNS suffix of its own.

https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
"""

# Annotations are not postponed here, as in request.py.

import re
from typing import NamedTuple


class Partition(NamedTuple):
    """One partition, by the name that ARNs call it."""

    name: str
    dns_suffix: str
    region_pattern: str
    """Of the region's name before the hyphen, the place and the number that end each."""
    global_region: str | None = None
    """What stands for the partition as a whole where a region is asked for."""


AWS = Partition("aws", "amazonaws.com", "(us|eu|ap|sa|ca|me|af|il|mx)", "aws-global")

_OTHERS = (
    Partition("aws-cn", "amazonaws.com.cn", "cn", "aws-cn-global"),
    Partition("aws-eusc", "amazonaws.eu", "eusc-de"),
    Partition("aws-iso", "c2s.ic.gov", "us-iso", "aws-iso-global"),
    Partition("aws-iso-b", "sc2s.sgov.gov", "us-isob", "aws-iso-b-global"),
    Partition("aws-iso-e", "cloud.adc-e.uk", "eu-isoe", "aws-iso-e-global"),
    Partition("aws-iso-f", "csp.hci.ic.gov", "us-isof", "aws-iso-f-global"),
    Partition("aws-us-gov", "amazonaws.com", "us-gov", "aws-us-gov-global"),
)
PARTITIONS = (AWS, *_OTHERS)


def partition_of(region: str) -> Partition:
    """The partition that *region* belongs to; a region that nothing is known of is one of AWS's."""
    for partition in _OTHERS:
        if region == partition.global_region or re.fullmatch(
            rf"{partition.region_pattern}-\w+-\d+", region, re.ASCII
        ):
            return partition
    return AWS
