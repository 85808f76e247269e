"""ARNs, and what has to hold for one, whatever it names, before it becomes a host.

An Amazon resource name is ``arn:partition:service:region:account:resource``.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

# Annotations are not postponed here, as in request.py.

from typing import NamedTuple

from ...errors import EndpointError
from .asked import Asked
from .names import is_host, is_label
from .partitions import Partition, partition_of

_ALPHABET = "may only contain a-z, A-Z, 0-9 and `-`. Found: "


class Arn(NamedTuple):
    """An ARN, taken apart. Region and account may be empty."""

    text: str
    partition: str
    service: str
    region: str
    account: str
    resource: list[str]
    """What colons or slashes stand between: ``["accesspoint", "reports"]``."""

    @property
    def type(self) -> str:
        return self.resource[0]

    def component(self, index: int) -> str | None:
        """The part of the resource at *index*, or None; what stands between two colons is empty."""
        return self.resource[index] if index < len(self.resource) else None


def parse_arn(text: str) -> Arn | None:
    """The ARN that *text* is, or None where it is none."""
    parts = text.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":
        return None
    _, partition, service, region, account, resource = parts
    if not (partition and service and resource):
        return None
    components = resource.replace(":", "/").split("/")
    return Arn(text, partition, service, region, account, components)


def check_place(asked: Asked, arn: Arn) -> Partition:
    """The partition of the ARN's region, which the client has to be configured for."""
    if arn.region != asked.region and not asked.arn_region:
        raise EndpointError(
            f"Invalid configuration: region from ARN `{arn.region}` does not match client region "
            f"`{asked.region}` and UseArnRegion is `false`"
        )
    partition = partition_of(arn.region)
    if partition != asked.partition:
        raise EndpointError(
            f"Client was configured for partition `{asked.partition.name}` but ARN (`{arn.text}`) "
            f"has `{partition.name}`"
        )
    if not is_host(arn.region):
        raise EndpointError(f"Invalid region in ARN: `{arn.region}` (invalid DNS name)")
    return partition


def check_account(arn: Arn) -> None:
    if not is_label(arn.account):
        raise EndpointError(f"Invalid ARN: The account id {_ALPHABET}`{arn.account}`")


def check_access_point_name(name: str) -> None:
    if not is_label(name):
        raise EndpointError(f"Invalid ARN: The access point name {_ALPHABET}`{name}`")


def check_outpost_id(outpost: str) -> None:
    if not is_label(outpost):
        raise EndpointError(f"Invalid ARN: The outpost Id {_ALPHABET}`{outpost}`")
