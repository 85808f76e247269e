"""Where a request goes: base URL, bucket and key become scheme, authority and raw path.

Base URLs of four forms are understood::

    http://host                 the first segment of an object name is the bucket
    http://host/bucket          every object name is a key of that bucket
    http://bucket.host          the same, when `bucket=` says so or the host is AWS's
    http://host/base/bucket     with `base_path="/base"`, behind a reverse proxy

A host such as ``bucket.example.com`` that nothing explains needs no explanation: the object
name is the path either way. Keys are percent-encoded once, here, and the result is what is
signed and what is sent.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
https://docs.aws.amazon.com/general/latest/gr/s3.html
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

from yarl import URL

from ..config import DEFAULT_REGION, AddressingStyle
from .auth import Auth
from .encoding import quote_path, quote_query

_REGION = r"(?P<region>[a-z]{2,}(?:-[a-z]+)+-\d+)"
_AWS_HOST = (
    rf"(?:(?P<bucket>.+)\.)?(?P<service>s3(?:-fips)?(?:\.dualstack)?\.{_REGION}"
    rf"|s3-(?P<dashed>[a-z]{{2,}}(?:-[a-z]+)+-\d+)|s3|s3-accelerate(?:\.dualstack)?)"
    r"\.(?P<suffix>amazonaws\.com(?:\.cn)?)"
)
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_LEGACY_BUCKET = r"[A-Za-z0-9._-]{3,255}"
_DNS_BUCKET = r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"

_DOTTED_QUAD = r"\d+\.\d+\.\d+\.\d+"

_PLACES_REMEMBERED = 4096


class Address(NamedTuple):
    """A request's target, ready to be signed and sent."""

    scheme: str
    authority: str
    """Host, and the port when it is not the scheme's own: the Host header."""
    path: str
    """Percent-encoded."""
    auth: Auth | None = None
    """How a request to it is signed, where the bucket decides it; None is S3's ordinary way."""

    def url(self, raw_query: str = "") -> URL:
        return URL.build(
            scheme=self.scheme,
            authority=self.authority,
            path=self.path,
            query_string=raw_query,
            encoded=True,
        )


class _Place(NamedTuple):
    """Where one bucket is under an endpoint."""

    authority: str
    path: str
    """What stands before the slash of a key."""
    alone: str
    """The path of the bucket itself."""


@dataclass(frozen=True, eq=False)
class Endpoint:
    """One base URL, understood."""

    scheme: str
    authority: str
    base_path: str = ""
    """Raw, without a trailing slash: what stands before the bucket."""
    bucket: str = ""
    """The bucket that the URL or the caller settled; empty when object names begin with it."""
    key_prefix: str = ""
    """What the URL's path says beyond the bucket, decoded, with a trailing slash."""
    bucket_in_host: bool = False
    addressing_style: AddressingStyle = "auto"
    aws_suffix: str = ""
    """``amazonaws.com`` or ``amazonaws.com.cn`` on AWS, else empty."""
    region: str = ""
    """The region that an AWS host names."""
    legacy_bucket_names: bool = False
    host_is_bare: bool = False
    """Whether the host cannot hold a bucket's name: an address, one label, or AWS's own."""
    _places: dict[str, _Place] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Where each bucket is, once it was worked out."""

    @property
    def is_aws(self) -> bool:
        return bool(self.aws_suffix)

    def locate(self, object_name: str) -> tuple[str, str | None]:
        """Bucket and key that *object_name* means under this URL.

        One leading slash belongs to the path, any further one to the key. The key is None when
        the name holds a bucket alone. Where the host may hold the bucket, a name of one segment
        is a key, and its bucket is empty: not known here.
        """
        name = object_name[1:] if object_name.startswith("/") else object_name
        if self.bucket:
            if not name and not self.key_prefix:
                return self.bucket, None
            return self.bucket, self.key_prefix + name
        bucket, slash, key = name.partition("/")
        if not self.host_is_bare:
            return (bucket, key) if bucket and key else ("", name or None)
        if name:
            check_bucket_name(bucket, legacy=self.legacy_bucket_names)
        return bucket, key if slash else None

    def locate_prefix(self, name: str) -> tuple[str, str]:
        """The bucket that a listing is asked for, and the prefix that the name goes on with."""
        if self.bucket:
            return self.bucket, self.key_prefix + name.removeprefix("/")
        bucket, _, prefix = name.removeprefix("/").partition("/")
        return bucket, prefix

    def address(self, bucket: str, key: str | None) -> Address:
        """Where the request for *key* of *bucket* goes; *key* None addresses the bucket itself."""
        place = self._places.get(bucket) or self._place(bucket)
        path = place.alone if key is None else f"{place.path}/{quote_path(key)}"
        return Address(self.scheme, place.authority, path)

    def service_address(self, service: str, region: str, host_prefix: str, path: str) -> Address:
        """Where a request goes that names neither a bucket nor a key.

        On AWS a *service* other than S3 has a host of its own in each region. Raises
        ``ValueError`` for a *host_prefix* before an IP address.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_WriteGetObjectResponse.html
        """
        authority = self._service_authority()
        if service != "s3" and self.is_aws:
            authority = f"{service}.{region}.{self.aws_suffix}"
        if host_prefix and _is_address(_host(authority)):
            raise ValueError(
                f"the endpoint {authority!r} is an address, before which {host_prefix!r} cannot "
                "stand; use a URL with a host name"
            )
        return Address(self.scheme, host_prefix + authority, self.base_path + path)

    def _service_authority(self) -> str:
        """The host without the bucket that the URL may name in it."""
        bucket = f"{self.bucket}." if self.bucket_in_host else ""
        return self.authority.removeprefix(bucket)

    def _place(self, bucket: str) -> _Place:
        authority, path, alone = self.authority, self.base_path, f"{self.base_path}/"
        if self.bucket_in_host and bucket != self.bucket:
            # The service itself, or a bucket beside the URL's own.
            authority = f"{bucket}.{self._service_authority()}".removeprefix(".")
        elif bucket and not self.bucket_in_host:
            if self._into_host(bucket):
                authority = f"{bucket}.{authority}"
            else:
                path = alone = f"{path}/{quote_query(bucket)}"
        if len(self._places) >= _PLACES_REMEMBERED:
            self._places.clear()
        place = self._places[bucket] = _Place(authority, path, alone)
        return place

    def copy_source(self, bucket: str, key: str) -> str:
        """The value of ``x-amz-copy-source``: encoded, since S3 decodes it."""
        return f"/{quote_path(bucket)}/{quote_path(key)}"

    def in_region(self, region: str) -> Endpoint:
        """This endpoint for a bucket that lives in *region*: on AWS another host."""
        if not self.is_aws or region == self.region:
            return self
        host = f"s3.{region}.{self.aws_suffix}"
        if self.bucket_in_host:
            host = f"{self.bucket}.{host}"
        return replace(self, authority=host, region=region)

    def trusts(self, url: URL) -> bool:
        """Whether a redirect to *url* stays with the same service and is no less protected."""
        if self.scheme == "https" and url.scheme != "https":
            return False
        if url.scheme not in ("http", "https") or not url.host or url.raw_user or url.raw_password:
            return False
        host, own = url.host, _host(self.authority)
        if self.is_aws:
            return bool(re.fullmatch(_AWS_HOST, host)) and host.endswith(f".{self.aws_suffix}")
        if _is_address(host) or _is_address(own):
            return host == own
        # From the host's form to the path's, with the bucket as the path's first segment.
        label, _, parent = own.partition(".")
        return (
            host == own
            or host.endswith(f".{own}")
            or (host == parent and url.raw_path.startswith(f"/{label}/"))
        )

    def _into_host(self, bucket: str) -> bool:
        if self.addressing_style == "path" or not re.fullmatch(_DNS_BUCKET, bucket):
            # A dot would need a certificate for two levels; without TLS it is only a name.
            dotted = self.scheme == "http" and re.fullmatch(_BUCKET, bucket)
            return bool(self.addressing_style == "virtual" and dotted)
        return self.addressing_style == "virtual" or self.is_aws


def resolve_base_url(
    url: str | URL | None,
    *,
    region: str = "",
    bucket: str | None = None,
    base_path: str | None = None,
    addressing_style: AddressingStyle = "auto",
    legacy_bucket_names: bool = False,
) -> Endpoint:
    """Understand a base URL; without one, AWS's endpoint of *region* (us-east-1 by default).

    Raises ``ValueError`` for a URL that is not http(s), has no host, or has a query, and for a
    bucket that the URL contradicts.
    """
    if url is None:
        region = region or DEFAULT_REGION
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        base = URL(f"https://s3.{region}.{suffix}")
    else:
        base = _parse(url)
    if bucket is not None:
        check_bucket_name(bucket, legacy=legacy_bucket_names)
    host = base.host or ""
    authority = base.host_port_subcomponent or ""
    path = base.raw_path.rstrip("/")
    aws = re.fullmatch(_AWS_HOST, host)
    in_host = ""
    if aws and aws["bucket"]:
        in_host = aws["bucket"]
    elif bucket and host.startswith(f"{bucket}."):
        in_host = bucket
    if in_host and bucket and in_host != bucket:
        raise ValueError(f"bucket={bucket!r} contradicts the URL, whose host names {in_host!r}")
    if addressing_style == "virtual" and _is_address(host):
        raise ValueError(f"addressing_style='virtual' needs a host name, not {authority!r}")
    base_path = _checked_base_path(base_path, path)
    named, prefix = _split_path(path, base_path, bucket, in_host)
    if named and not in_host:
        check_bucket_name(named, legacy=legacy_bucket_names)
    return Endpoint(
        scheme=base.scheme,
        authority=authority,
        base_path=_base_of(path, base_path, bucket if not in_host else None),
        bucket=in_host or named,
        key_prefix=prefix,
        bucket_in_host=bool(in_host),
        addressing_style=addressing_style,
        aws_suffix=aws["suffix"] if aws else "",
        region=(aws["region"] or aws["dashed"] or "") if aws else "",
        legacy_bucket_names=legacy_bucket_names,
        host_is_bare=bool(aws) or "." not in host or _is_address(host),
    )


@lru_cache(maxsize=4096)
def check_bucket_name(bucket: str, *, legacy: bool = False) -> str:
    """*bucket*, or a ``ValueError`` that says which rule it breaks.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """
    if legacy and re.fullmatch(_LEGACY_BUCKET, bucket):
        return bucket
    if not re.fullmatch(_BUCKET, bucket):
        raise ValueError(
            f"bucket: {bucket!r} is not a bucket name: 3 to 63 lower-case letters, digits, dots "
            "and hyphens, beginning and ending with a letter or digit "
            "(ClientConfig(legacy_bucket_names=True) allows the older rules)"
        )
    if ".." in bucket or re.fullmatch(_DOTTED_QUAD, bucket):
        raise ValueError(
            f"bucket: {bucket!r} is not a bucket name: it holds two dots in a row or looks like "
            "an IP address"
        )
    return bucket


def _parse(url: str | URL) -> URL:
    if not isinstance(url, str | URL):
        raise TypeError(f"url must be a str or yarl.URL, not {type(url).__name__}")
    base = _url(url)
    if base is None:
        # Not from yarl's error, which shows what may be a part of the secret.
        raise ValueError("url cannot be read: percent-encode its key id and secret")
    if base.scheme not in ("http", "https") or not base.host:
        raise ValueError(f"url must be http://host or https://host, not {_shown(base)!r}")
    if base.raw_query_string or base.raw_fragment:
        raise ValueError(f"url must have no query or fragment: {_shown(base)!r}")
    return base


def _url(url: str | URL) -> URL | None:
    try:
        return URL(url)
    except ValueError:
        return None


def _shown(base: URL) -> str:
    return str(base.with_user(None)) if base.absolute and base.raw_user else str(base)


def _host(authority: str) -> str:
    if authority.startswith("["):
        return authority[1 : authority.index("]")]
    return authority.partition(":")[0]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _checked_base_path(base_path: str | None, path: str) -> str | None:
    if base_path is None:
        return None
    raw = URL.build(path="/" + base_path.strip("/")).raw_path.rstrip("/")
    if path != raw and not path.startswith(f"{raw}/"):
        raise ValueError(f"base_path={base_path!r} is not the beginning of the URL's path {path!r}")
    return raw


def _split_path(
    path: str, base_path: str | None, bucket: str | None, in_host: str
) -> tuple[str, str]:
    """The bucket and the key prefix that the URL's path names."""
    segments = [URL(f"/{s}", encoded=True).path[1:] for s in path.split("/")[1:]]
    if base_path is not None:
        segments = segments[base_path.count("/") :]
    elif bucket and not in_host:
        segments = segments[segments.index(bucket) :] if bucket in segments else []
    if in_host:
        return in_host, "".join(f"{s}/" for s in segments)
    if bucket:
        if segments and segments[0] != bucket:
            raise ValueError(f"bucket={bucket!r} contradicts the URL, which names {segments[0]!r}")
        return bucket, "".join(f"{s}/" for s in segments[1:])
    if not segments:
        return "", ""
    return segments[0], "".join(f"{s}/" for s in segments[1:])


def _base_of(path: str, base_path: str | None, bucket: str | None) -> str:
    """What of the URL's path stands before the bucket; *bucket* is what the caller settled."""
    if base_path is not None:
        return base_path
    if bucket is None:
        return ""
    head, found, _ = f"{path}/".partition(f"/{quote_path(bucket)}/")
    return head if found else path
