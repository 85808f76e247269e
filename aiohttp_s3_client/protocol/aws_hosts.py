"""What a host of AWS's says by itself: the region, the bucket, and which kind of endpoint it is.

Hosts that only stand under AWS's names, such as a load balancer's, are not S3 and are not read.

https://docs.aws.amazon.com/general/latest/gr/s3.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/privatelink-interface-endpoints.html
"""

# Annotations are not postponed here, as in request.py.

import re
from typing import NamedTuple

from .endpoints.partitions import AWS, PARTITIONS, Partition, partition_of

_BUCKET = r"(?:(?P<bucket>.+)\.)?"
_REGION = r"\.(?P<region>[a-z]{2,}(?:-[a-z]+)+-\d+)"
_FLAVOUR = r"(?P<fips>-fips)?(?P<dual>\.dualstack)?"
_POINT = r"(?P<point>[a-z0-9-]+)-(?P<account>\d{12})"

# Compiled when they are needed, one after the other.
_GENERAL = rf"{_BUCKET}s3{_FLAVOUR}{_REGION}"
_WITH_A_DASH = rf"{_BUCKET}s3(?P<fips>-fips)?-(?P<region>(?:ap|ca|cn|eu|sa|us)(?:-gov)?-[a-z]+-\d+)"
_GLOBAL = rf"{_BUCKET}s3"
_ACCELERATED = rf"{_BUCKET}(?P<accelerate>s3-accelerate)(?P<dual>\.dualstack)?"
_ZONAL = (
    rf"{_BUCKET}s3express-(?:(?P<fips>fips-[a-z0-9-]+|control-fips)|[a-z0-9-]+)"
    rf"(?P<dual>\.dualstack)?{_REGION}"
)
_PRIVATE = rf"{_BUCKET}(?P<private>bucket|accesspoint|control)\.vpce-[a-z0-9-]+\.s3{_REGION}\.vpce"
_ACCESS_POINT = rf"{_POINT}\.(?P<service>s3)-accesspoint{_FLAVOUR}{_REGION}"
_OBJECT_LAMBDA = rf"{_POINT}\.(?P<service>s3-object-lambda){_FLAVOUR}{_REGION}"
_OUTPOST = rf"{_POINT}\.(?P<outpost>op-[a-z0-9]+)\.(?P<service>s3-outposts){_REGION}"
_MULTI_REGION = r"(?P<point>[a-z0-9]+\.mrap)\.accesspoint\.(?P<service>s3)-global"

_BUCKETS = (_GENERAL, _GLOBAL, _WITH_A_DASH, _ACCELERATED, _ZONAL)
_OTHERS = (_PRIVATE, _ACCESS_POINT, _OBJECT_LAMBDA, _OUTPOST, _MULTI_REGION)


class AwsHost(NamedTuple):
    """A host of AWS's, taken apart."""

    partition: Partition
    region: str
    """Empty where the host names none."""
    bucket: str = ""
    """What stands before the service, if anything does; of an access point's host its ARN."""
    fips: bool = False
    dual_stack: bool = False
    accelerate: bool = False
    zonal: bool = False
    """Whether it is one of S3 Express."""
    by_rules: bool = False
    """Whether AWS's rules make this host, or make one in its place, of what it says."""


def read_aws_host(host: str) -> AwsHost | None:
    """What *host* says, or None for one that is not S3's."""
    for partition in PARTITIONS:
        if host.endswith(f".{partition.dns_suffix}"):
            return _read(host[: -len(partition.dns_suffix) - 1], partition)
    return None


def regional(region: str) -> AwsHost:
    """What S3's plain host in *region* says."""
    return AwsHost(partition_of(region), region, by_rules=True)


def is_s3(host: str, partition: Partition, *, fips: bool) -> bool:
    """Whether *host* is S3 itself in *partition*, with a bucket before it or without.

    With *fips* only those that are FIPS's.
    """
    suffix = partition.dns_suffix
    if not host.endswith(f".{suffix}"):
        return False
    found = _read_one_of(_BUCKETS, host[: -len(suffix) - 1])
    return found is not None and (not fips or bool(found.get("fips")))


def _read(rest: str, partition: Partition) -> AwsHost | None:
    found = _read_one_of((*_BUCKETS, *_OTHERS), rest)
    if found is None:
        return None
    region = found.get("region") or ""
    bucket = found.get("bucket") or ""
    if region:
        of_region = partition_of(region)
        by_rules = "private" not in found and of_region.dns_suffix == partition.dns_suffix
        partition = of_region if by_rules else partition
    else:
        # Beyond the oldest partition the rules know no host without a region.
        by_rules = partition is AWS or "point" in found
    if "point" in found:
        bucket = _arn(found, partition)
    elif found.get("private") == "accesspoint" and (point := re.fullmatch(_POINT, bucket)):
        found |= {**point.groupdict(), "service": "s3"}
        bucket = _arn(found, partition_of(region))
    return AwsHost(
        partition=partition,
        region=region,
        bucket=bucket,
        fips=bool(found.get("fips")),
        dual_stack=bool(found.get("dual")),
        accelerate=bool(found.get("accelerate")),
        zonal=found["pattern"] is _ZONAL,
        by_rules=by_rules,
    )


def _read_one_of(patterns: tuple[str, ...], rest: str) -> dict[str, str | None] | None:
    for pattern in patterns:
        if found := re.fullmatch(pattern, rest):
            return {**found.groupdict(), "pattern": pattern}
    return None


def _arn(found: dict[str, str | None], partition: Partition) -> str:
    """The ARN of the access point that a host is of; that of many regions names no account."""
    region, account = found.get("region") or "", found.get("account") or ""
    outpost = f"outpost/{found['outpost']}/" if found.get("outpost") else ""
    return (
        f"arn:{partition.name}:{found['service']}:{region}:{account}:"
        f"{outpost}accesspoint/{found['point']}"
    )
