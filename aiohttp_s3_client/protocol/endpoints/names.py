"""What may be a host or stand in one: addresses, labels, and the buckets that are one.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
"""

from __future__ import annotations

import ipaddress
import re

_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_IPV4 = r"([0-9]{1,3}\.){3}[0-9]{1,3}"


def is_label(text: str) -> bool:
    """Whether *text* can be one label of a host."""
    return bool(re.fullmatch(_LABEL, text))


def is_host(text: str) -> bool:
    """Whether *text* can be a host, or a part of one: labels with dots between them."""
    return all(is_label(label) for label in text.split("."))


def is_ipv4(text: str) -> bool:
    """Whether *text* looks like an IPv4 address, with numbers of any size."""
    return bool(re.fullmatch(_IPV4, text))


def is_address(host: str) -> bool:
    """Whether *host* is an IP address and not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def host_of(authority: str) -> str:
    """*authority* without its port, and without the brackets of an IPv6 address."""
    if authority.startswith("["):
        return authority[1 : authority.index("]")]
    return authority.partition(":")[0]


def fits_label(bucket: str) -> bool:
    """Whether *bucket* can be the first label of a host."""
    return "." not in bucket and fits_host(bucket)


def fits_host(bucket: str) -> bool:
    """Whether *bucket* can be the first labels of a host, as one with dots would be."""
    return len(bucket) >= 3 and bucket == bucket.lower() and is_host(bucket) and not is_ipv4(bucket)
