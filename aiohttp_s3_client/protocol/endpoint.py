"""Where a request goes: an endpoint, a bucket and a key become scheme, authority and raw path.

``Endpoint`` is any server, or a host of AWS's that is taken literally: ordinary buckets go into its
path or before its host. ``AwsEndpoint`` is AWS: its rules (``endpoints/``) say where each bucket
is. Both ask the rules about what is no ordinary bucket: an ARN, or a directory bucket. What comes
out says also how that is signed. ``resolve_endpoint`` asks the rules alone. Keys are
percent-encoded once, here, and the result is what is signed and what is sent.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
https://docs.aws.amazon.com/general/latest/gr/s3.html
"""

from __future__ import annotations

import re
from copy import copy
from typing import NamedTuple

from yarl import URL

from ..config import DEFAULT_REGION, AddressingStyle
from ..errors import EndpointError
from .auth import SIGV4, SIGV4A, Auth
from .aws_hosts import is_s3
from .bucket_names import BUCKET, DNS_BUCKET, check_bucket_name, is_arn, split_bucket
from .encoding import quote_path, quote_query
from .endpoints.asked import Asked
from .endpoints.directory import is_directory
from .endpoints.names import host_of, is_address, is_label
from .endpoints.outposts import is_alias
from .endpoints.partitions import partition_of
from .endpoints.resolve import check_together, decided, resolve_endpoint
from .endpoints.resolved import ResolvedEndpoint
from .model.endpoint_params import EXPRESS_CONTROL, NO_ACCESS_POINT, NO_EXPRESS_SESSION

__all__ = ["Address", "AwsEndpoint", "Endpoint", "ResolvedEndpoint", "resolve_endpoint"]

_PLACES_REMEMBERED = 4096
_PLAIN = r"[A-Za-z0-9._-]+"
"""What a host or a region that an answer names is made of: nothing that is read in two ways."""
_NOT_ACCELERATED = frozenset({"CreateBucket", "DeleteBucket"})
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/transfer-acceleration.html"""


class Address(NamedTuple):
    """A request's target, ready to be signed and sent."""

    scheme: str
    authority: str
    """Host, and the port when it is not the scheme's own: the Host header."""
    path: str
    """Percent-encoded."""
    auth: Auth | None = None
    """How it has to be signed; None where that is as usual: for S3 in the bucket's region."""

    def url(self, raw_query: str = "") -> URL:
        return URL.build(
            scheme=self.scheme,
            authority=self.authority,
            path=self.path,
            query_string=raw_query,
            encoded=True,
        )


class Place(NamedTuple):
    """Where one bucket is under an endpoint."""

    authority: str
    path: str
    """What stands before the slash of a key."""
    alone: str
    """The path of the bucket itself."""
    auth: Auth | None = None
    varies: bool = False
    """Whether it depends on the operation, and on the region that the client signs for."""


_Case = tuple[str, str, str]
"""What decides the place of what is no ordinary bucket: the bucket, the operation where it matters
(else empty), the region that the client signs for."""


class Endpoint:
    """One base URL, understood. Nothing of it changes; ``copy`` makes others."""

    # No dataclass: importing one takes longer than all else here.
    __slots__ = (
        "_places",
        "addressing_style",
        "asked",
        "authority",
        "base_path",
        "bucket",
        "bucket_in_host",
        "host_is_bare",
        "is_aws",
        "key_prefix",
        "legacy_bucket_names",
        "region",
        "scheme",
    )

    def __init__(
        self,
        scheme: str,
        authority: str,
        *,
        asked: Asked,
        base_path: str = "",
        bucket: str = "",
        key_prefix: str = "",
        bucket_in_host: bool = False,
        addressing_style: AddressingStyle = "auto",
        is_aws: bool = False,
        region: str = "",
        legacy_bucket_names: bool = False,
        host_is_bare: bool = False,
    ) -> None:
        self.scheme = scheme
        self.authority = authority
        self.asked = asked
        """What AWS's rules are asked, but for the bucket."""
        self.base_path = base_path
        """Raw, without a trailing slash: what stands before the bucket."""
        self.bucket = bucket
        """The bucket that the URL or the caller settled; empty when object names begin with it."""
        self.key_prefix = key_prefix
        """What the URL's path says beyond the bucket, decoded, with a trailing slash."""
        self.bucket_in_host = bucket_in_host
        self.addressing_style = addressing_style
        self.is_aws = is_aws
        self.region = region
        """The region that an AWS host names."""
        self.legacy_bucket_names = legacy_bucket_names
        self.host_is_bare = host_is_bare
        """Whether the host cannot hold a bucket's name: an address, one label, or AWS's own."""
        self._places: dict[str | _Case, Place] = {}
        """Where each bucket is, once it was worked out."""

    def with_whole_keys(self) -> Endpoint:
        """This endpoint for who names keys from their beginnings, whatever the URL's prefix."""
        other = copy(self)
        other.key_prefix = ""
        return other

    def with_scheme(self, scheme: str) -> Endpoint:
        """The same server over ``http`` or ``https``."""
        other = copy(self)
        other.scheme, other._places = scheme, {}
        return other

    def locate(self, object_name: str) -> tuple[str, str | None]:
        """Bucket and key that *object_name* means under this URL.

        One leading slash belongs to the path, any further one to the key. The key is None when
        the name holds a bucket alone. Where the host may hold the bucket, a name of one segment
        is a key (and one that looks like an ARN is), and its bucket is empty: not known here.
        """
        name = object_name[1:] if object_name.startswith("/") else object_name
        if self.bucket:
            if not name and not self.key_prefix:
                return self.bucket, None
            return self.bucket, self.key_prefix + name
        if not self.host_is_bare:
            bucket, _, key = name.partition("/")
            known = bucket and key and not is_arn(bucket)
            return (bucket, key) if known else ("", name or None)
        found = split_bucket(name)
        if name:
            check_bucket_name(found[0], legacy=self.legacy_bucket_names)
        return found

    def locate_prefix(self, name: str) -> tuple[str, str]:
        """The bucket that a listing is asked for, and the prefix that the name goes on with."""
        if self.bucket:
            return self.bucket, self.key_prefix + name.removeprefix("/")
        bucket, prefix = split_bucket(name.removeprefix("/"))
        if bucket and self.host_is_bare:
            check_bucket_name(bucket, legacy=self.legacy_bucket_names)
        return bucket, prefix or ""

    def address(
        self, bucket: str, key: str | None, operation: str = "", region: str = DEFAULT_REGION
    ) -> Address:
        """Where the request for *key* of *bucket* goes; *key* None addresses the bucket itself.

        *operation* is S3's name of what is asked, *region* the one that the client signs for: of
        directory buckets and of ARNs those decide too. Raises ``EndpointError`` where AWS's rules
        refuse.
        """
        place = self._places.get(bucket) or self._remembered(bucket, self._place(bucket))
        if place.varies:
            place = self._varied(bucket, key, operation, region)
        path = place.alone if key is None else f"{place.path}/{quote_path(key)}"
        return Address(self.scheme, place.authority, path, place.auth)

    def service_address(self, service: str, region: str, host_prefix: str, path: str) -> Address:
        """Where a request goes that names neither a bucket nor a key.

        On AWS a *service* other than S3 has a host of its own in each region. Raises
        ``ValueError`` for a *host_prefix* before an IP address.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_WriteGetObjectResponse.html
        """
        authority = self._service_authority(service, region)
        if host_prefix and is_address(host_of(authority)):
            raise ValueError(
                f"the endpoint {authority!r} is an address, before which {host_prefix!r} cannot "
                "stand; use a URL with a host name"
            )
        return Address(self.scheme, host_prefix + authority, self.base_path + path)

    def decides_signing(self, bucket: str) -> bool:
        """Whether it is fixed how requests for *bucket* are signed, so that no answer corrects it.

        So it is of ARNs, whose region stands in them, and of directory buckets, which cannot be
        asked for elsewhere.
        """
        return is_arn(bucket) or self.is_directory(bucket)

    def is_directory(self, bucket: str) -> bool:
        """Whether *bucket* is a directory bucket (S3 Express) here, or an access point of one."""
        return self.asked.express and is_directory(bucket)

    def copy_source(self, bucket: str, key: str) -> str:
        """The value of ``x-amz-copy-source``: encoded, since S3 decodes it.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
        """
        if is_arn(bucket):
            return f"{quote_path(bucket)}/object/{quote_path(key)}"
        return f"/{quote_path(bucket)}/{quote_path(key)}"

    def in_region(self, region: str) -> Endpoint:
        """This endpoint for a bucket that lives in *region*: on AWS another host."""
        return self

    def signed_in(self, region: str) -> Endpoint:
        """This endpoint for a client that signs for *region*."""
        return self

    def trusts(self, url: URL) -> bool:
        """Whether a redirect to *url* stays with the same service and is no less protected.

        Raises ``ValueError`` for a host or a port that cannot be.
        """
        if self.scheme == "https" and url.scheme != "https":
            return False
        if url.scheme not in ("http", "https") or not url.host or url.raw_user or url.raw_password:
            return False
        if not url.port or not (re.fullmatch(_PLAIN, url.host) or is_address(url.host)):
            return False
        return self._trusts_host(url.host, url)

    def trusts_region(self, region: str) -> bool:
        """Whether an answer that says *region* is to be believed: it stays with the service."""
        return bool(re.fullmatch(_PLAIN, region))

    def _trusts_host(self, host: str, url: URL) -> bool:
        own = host_of(self.authority)
        if is_address(host) or is_address(own):
            return host == own
        # From the host's form to the path's, with the bucket as the path's first segment.
        label, _, parent = own.partition(".")
        return (
            host == own
            or host.endswith(f".{own}")
            or (host == parent and url.raw_path.startswith(f"/{label}/"))
        )

    # Ordinary buckets

    def _place(self, bucket: str) -> Place:
        authority, path, alone = self.authority, self.base_path, f"{self.base_path}/"
        if self.bucket_in_host and bucket != self.bucket:
            # The service itself, or a bucket beside the URL's own.
            authority = f"{bucket}.{self._service_authority()}".removeprefix(".")
        elif bucket and not self.bucket_in_host:
            if self._into_host(bucket):
                authority = f"{bucket}.{authority}"
            else:
                path = alone = f"{path}/{quote_query(bucket)}"
        return Place(authority, path, alone, varies=not bucket or self.decides_signing(bucket))

    def _into_host(self, bucket: str) -> bool:
        if self.addressing_style == "path" or not re.fullmatch(DNS_BUCKET, bucket):
            # A dot would need a certificate for two levels; without TLS it is only a name.
            dotted = self.scheme == "http" and re.fullmatch(BUCKET, bucket)
            return bool(self.addressing_style == "virtual" and dotted)
        return self.addressing_style == "virtual" or self.is_aws

    def _service_authority(self, service: str = "s3", region: str = "") -> str:
        """The host without the bucket that the URL may name in it."""
        bucket = f"{self.bucket}." if self.bucket_in_host else ""
        return self.authority.removeprefix(bucket)

    def _remembered(self, case: str | _Case, place: Place) -> Place:
        if len(self._places) >= _PLACES_REMEMBERED:
            self._places.clear()
        self._places[case] = place
        return place

    # What the rules say of the others

    def _varied(self, bucket: str, key: str | None, operation: str, region: str) -> Place:
        matters = operation in NO_EXPRESS_SESSION or (key is None and operation in EXPRESS_CONTROL)
        case = (bucket, operation if matters else "", region)
        return self._places.get(case) or self._remembered(case, self._special(*case))

    def _special(self, bucket: str, operation: str, region: str) -> Place:
        if not bucket:
            return self._service(operation, region)
        asked = self.asked.in_region(region)
        if not is_arn(bucket):
            # There is no control plane elsewhere, and no session of a bucket that is not there.
            control = operation in EXPRESS_CONTROL or operation in NO_EXPRESS_SESSION
            found = decided(asked._replace(session_auth=asked.session_auth and not control), bucket)
            return self._place(bucket)._replace(auth=_auth_of(found), varies=False)
        place = self._access_point(asked, bucket, operation)
        endpoint = asked.endpoint
        if endpoint is None or not place.authority.endswith(f".{endpoint.authority}"):
            raise EndpointError(f"{bucket!r} cannot be asked for at {self.authority!r}")
        if endpoint.is_address:
            raise EndpointError(
                f"the endpoint {self.authority!r} is an address, before which the access point of "
                f"{bucket!r} cannot stand; use a URL with a host name"
            )
        return place

    def _access_point(self, asked: Asked, bucket: str, operation: str) -> Place:
        # boto3's rule: whatever is in the path, an access point is in the host.
        asked = asked._replace(path_style=False, access_points=operation not in NO_ACCESS_POINT)
        return self._where(decided(asked, bucket))

    def _service(self, operation: str, region: str) -> Place:
        """Where the requests go that are of no bucket."""
        place = self._place("")._replace(varies=False)
        if operation in EXPRESS_CONTROL:
            return place._replace(auth=Auth(SIGV4, "s3express", region))
        return place

    def _where(self, found: ResolvedEndpoint) -> Place:
        """The place of what the rules found, signed as they say."""
        authority, path = _split(found.url)
        return Place(authority, path, path or "/", _auth_of(found))


class AwsEndpoint(Endpoint):
    """AWS: its rules say where each bucket is."""

    __slots__ = ()

    @property
    def _port(self) -> str:
        """``:8443``, where the URL has one that is not the scheme's own."""
        _, colon, port = self.authority.partition(":")
        return colon + port

    def decides_signing(self, bucket: str) -> bool:
        """Also of aliases on Outposts, which say where they are."""
        return is_alias(bucket) or super().decides_signing(bucket)

    def in_region(self, region: str) -> Endpoint:
        """This endpoint for a bucket that lives in *region*: another host, of the same flavour.

        Raises ``EndpointError`` where the region has no such endpoint.
        """
        if region == self.region:
            return self
        asked = self.asked.in_region(region)
        check_together(asked, custom=False)
        other = copy(self)
        other.authority = _split(decided(asked, None).url)[0] + self._port
        other.region, other.asked, other._places = region, asked, {}
        return other

    def signed_in(self, region: str) -> Endpoint:
        """Where the URL names none: in *region*, but for the host that serves all regions."""
        everywhere = self.asked.flavour("") == "" and not self.asked.accelerate
        return self if self.region or everywhere else self.in_region(region)

    def trusts_region(self, region: str) -> bool:
        """A region of the same partition."""
        partition = self.asked.partition
        return (
            is_label(region)
            and partition_of(region) == partition
            and region != partition.global_region
        )

    def _trusts_host(self, host: str, url: URL) -> bool:
        return is_s3(host, self.asked.partition, fips=self.asked.fips)

    def _place(self, bucket: str) -> Place:
        if not bucket or self.decides_signing(bucket):
            return Place("", "", "", varies=True)
        place = self._where(decided(self.asked, bucket))
        return place._replace(auth=None, varies=self.asked.accelerate)

    def _service_authority(self, service: str = "s3", region: str = "") -> str:
        asked = self.asked
        if service != "s3":
            asked = asked.in_region(region)._replace(object_lambda=True)
        return _split(decided(asked, None).url)[0] + self._port

    def _special(self, bucket: str, operation: str, region: str) -> Place:
        if not bucket:
            return self._service(operation, region)
        asked = self.asked.in_region(region)
        if is_arn(bucket):
            return self._access_point(asked, bucket, operation)
        if not self.decides_signing(bucket):
            # An ordinary bucket, of a client whose requests are accelerated.
            asked = self.asked._replace(accelerate=operation not in _NOT_ACCELERATED)
            return self._where(decided(asked, bucket))._replace(auth=None)
        asked = asked._replace(
            express_control=operation in EXPRESS_CONTROL,
            session_auth=asked.session_auth and operation not in NO_EXPRESS_SESSION,
        )
        return self._where(decided(asked, bucket))

    def _service(self, operation: str, region: str) -> Place:
        if operation in EXPRESS_CONTROL:
            asked = self.asked.in_region(region)._replace(express_control=True)
            return self._where(decided(asked, None))
        return self._where(decided(self.asked, None))._replace(auth=None)

    def _where(self, found: ResolvedEndpoint) -> Place:
        authority, path = _split(found.url)
        path = self.base_path + path
        return Place(authority + self._port, path, path or "/", _auth_of(found))


def _auth_of(found: ResolvedEndpoint) -> Auth:
    """The way of signing that needs no package beside this one, where there is a choice."""
    schemes = found.auth_schemes
    chosen = next((scheme for scheme in schemes if scheme["name"] != SIGV4A), schemes[0])
    region = chosen.get("signingRegion") or ",".join(chosen.get("signingRegionSet", ()))
    return Auth(chosen["name"], chosen["signingName"], region)


def _split(url: str) -> tuple[str, str]:
    """Authority and path of a URL of the rules."""
    authority, slash, path = url.partition("://")[2].partition("/")
    return authority, f"{slash}{path}".rstrip("/")
