"""S3 Express: directory buckets in one zone, their access points, and their control plane.

``reports--use1-az4--x-s3`` is a directory bucket in the zone ``use1-az4``; an access point's name
ends with ``--xa-s3`` instead. Buckets are made and listed through the control plane of the region,
objects through the zone, as a rule with the credentials of a session.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-Regions-and-Zones.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-bucket-naming-rules.html
"""

from __future__ import annotations

from ...errors import EndpointError
from ..encoding import quote_query
from .asked import Asked
from .custom import CustomEndpoint
from .names import fits_label
from .resolved import ResolvedEndpoint, express_session, sigv4

_BUCKET = "--x-s3"
_ACCESS_POINT = "--xa-s3"

_ZONE_LENGTHS = (8, 9, 13, 14, 20)
"""``use1-az4``, ``usw2-az12``, and those of local zones: ``usw2-lax1-az1``, …"""


def is_directory(bucket: str) -> bool:
    """Whether *bucket* is a directory bucket, or an access point of one."""
    return bucket.isascii() and bucket.endswith((_BUCKET, _ACCESS_POINT))


def directory_bucket(asked: Asked, bucket: str) -> ResolvedEndpoint:
    """Where the requests about *bucket*, or about what is in it, go."""
    if asked.accelerate:
        raise EndpointError("S3Express does not support S3 Accelerate.")
    if asked.endpoint is not None:
        return _signed(asked, _under(asked.endpoint, bucket))
    if asked.express_control and bucket.endswith(_BUCKET):
        return _control_plane(asked, f"/{quote_query(bucket)}")
    _check_fits_host(bucket)
    zone = zone_of(bucket)
    zonal = f"s3express-{'fips-' if asked.fips else ''}{zone}"
    if asked.dual_stack:
        zonal = f"{zonal}.dualstack"
    return _signed(asked, f"https://{bucket}.{asked.regional_host(zonal)}")


def control_plane(asked: Asked) -> ResolvedEndpoint:
    """Where directory buckets are listed."""
    if asked.endpoint is not None:
        return sigv4(asked.endpoint.url, "s3express", asked.region)
    return _control_plane(asked, "")


def _control_plane(asked: Asked, path: str) -> ResolvedEndpoint:
    host = asked.regional_host(asked.flavour("s3express-control"))
    return sigv4(f"https://{host}{path}", "s3express", asked.region)


def _under(endpoint: CustomEndpoint, bucket: str) -> str:
    if endpoint.is_address:
        path = f"/{quote_query(bucket)}{endpoint.path}"
        return f"{endpoint.scheme}://{endpoint.authority}{path}"
    _check_fits_host(bucket)
    return endpoint.with_host_prefix(bucket)


def _check_fits_host(bucket: str) -> None:
    if not fits_label(bucket):
        raise EndpointError("S3Express bucket name is not a valid virtual hostable name.")


def zone_of(bucket: str) -> str:
    """The zone that stands before the suffix of *bucket*.

    Raises ``EndpointError`` where none does.
    """
    name = bucket[: -len(_BUCKET if bucket.endswith(_BUCKET) else _ACCESS_POINT)]
    for length in _ZONE_LENGTHS:
        if name[:-length].endswith("--"):
            return name[-length:]
    raise EndpointError("Unrecognized S3Express bucket name format.")


def _signed(asked: Asked, url: str) -> ResolvedEndpoint:
    if asked.session_auth:
        return express_session(url, asked.region)
    return sigv4(url, "s3express", asked.region)
