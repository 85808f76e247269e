"""A base URL, understood: which server it is, and what it says of the bucket.

Base URLs of four forms are understood::

    http://host                 the first segment of an object name is the bucket
    http://host/bucket          every object name is a key of that bucket
    http://bucket.host          the same, when `bucket=` says so or the host is AWS's
    http://host/base/bucket     with `base_path="/base"`, behind a reverse proxy

A host such as ``bucket.example.com`` that nothing explains needs no explanation: the object
name is the path either way. The host of an access point means its ARN.
"""

from __future__ import annotations

from yarl import URL

from ..config import DEFAULT_REGION, ClientConfig
from .auth import SIGV4, Auth
from .aws_hosts import AwsHost, read_aws_host, regional
from .bucket_names import check_bucket_name, is_arn
from .encoding import quote_path
from .endpoint import AwsEndpoint, Endpoint
from .endpoints.asked import Asked
from .endpoints.custom import CustomEndpoint
from .endpoints.names import is_address
from .endpoints.partitions import AWS, partition_of
from .endpoints.resolve import check_together, decided


def resolve_base_url(
    url: str | URL | None,
    *,
    region: str = "",
    bucket: str | None = None,
    base_path: str | None = None,
    config: ClientConfig | None = None,
) -> Endpoint:
    """Understand a base URL; without one, AWS's endpoint of *region* (us-east-1 by default).

    Raises ``ValueError`` for a URL that is not http(s), has no host, or has a query, and for a
    bucket that the URL contradicts; ``EndpointError``, which is one too, for settings in *config*
    that AWS's rules refuse together or at this host.
    """
    config = config or ClientConfig()
    aws: AwsHost | None
    asked: Asked | None = None
    if url is None:
        aws = regional(region or DEFAULT_REGION)
        asked = _asked(config, aws)
        base = URL(decided(asked, None).url)
    else:
        base = _parse(url)
        aws = read_aws_host(base.host or "")
        if aws and _by_rules(aws, base.scheme, config):
            asked = _asked(config, aws)
    if bucket is not None:
        check_bucket_name(bucket, legacy=config.legacy_bucket_names)
    host, authority = base.host or "", base.host_port_subcomponent or ""
    path = base.raw_path.rstrip("/")
    in_host = aws.bucket if aws else ""
    if not in_host and bucket and host.startswith(f"{bucket}."):
        in_host = bucket
    if in_host and bucket and in_host != bucket:
        raise ValueError(f"bucket={bucket!r} contradicts the URL, whose host names {in_host!r}")
    if config.addressing_style == "virtual" and is_address(host):
        raise ValueError(f"addressing_style='virtual' needs a host name, not {authority!r}")
    base_path = _checked_base_path(base_path, path)
    named, prefix = _split_path(path, base_path, bucket, in_host)
    if named and not in_host:
        check_bucket_name(named, legacy=config.legacy_bucket_names)
    before_bucket = _base_of(path, base_path, bucket if not in_host else None)
    if aws and asked:
        return AwsEndpoint(
            scheme=base.scheme,
            authority=authority,
            base_path=before_bucket,
            bucket=in_host or named,
            key_prefix=prefix,
            addressing_style=config.addressing_style,
            is_aws=True,
            region=aws.region,
            legacy_bucket_names=config.legacy_bucket_names,
            host_is_bare=True,
            asked=asked,
        )
    service = authority
    if in_host:
        service = authority.partition(".")[2] if is_arn(in_host) else authority[len(in_host) + 1 :]
    return Endpoint(
        scheme=base.scheme,
        # An access point stands before the host only where it is asked for.
        authority=service if is_arn(in_host) else authority,
        base_path=before_bucket,
        bucket=in_host or named,
        key_prefix=prefix,
        bucket_in_host=bool(in_host) and not is_arn(in_host),
        addressing_style=config.addressing_style,
        is_aws=aws is not None,
        region=aws.region if aws else "",
        legacy_bucket_names=config.legacy_bucket_names,
        host_is_bare=bool(aws) or "." not in host or is_address(host),
        asked=_asked_at(
            CustomEndpoint(base.scheme, service, before_bucket, is_address(host)), config
        ),
    )


def _by_rules(aws: AwsHost, scheme: str, config: ClientConfig) -> bool:
    """Whether AWS's rules are asked where buckets are; else *aws* is taken literally."""
    if aws.zonal and not config.enable_s3express:
        return False
    # The rules know no host of a bucket with dots. Over TLS nobody does: there is no certificate.
    dotted = "." in aws.bucket and not is_arn(aws.bucket)
    return aws.by_rules and not (dotted and scheme == "http")


def named_by_host(host: str, region: str, config: ClientConfig) -> tuple[str, Auth | None]:
    """The bucket that an AWS *host* names, if it does, and how requests to it are signed.

    *region* is for hosts that name none. Of any other host nothing is known: ``("", None)``.
    """
    aws = read_aws_host(host)
    if aws is None:
        return "", None
    express = ClientConfig(
        enable_s3express=config.enable_s3express,
        disable_s3express_session_auth=config.disable_s3express_session_auth,
    )
    endpoint = resolve_base_url(URL.build(scheme="https", host=host), config=express)
    region = aws.region or region
    control = aws.zonal and config.enable_s3express
    as_usual = Auth(SIGV4, "s3express" if control else "s3", region)
    if not endpoint.bucket:
        return "", as_usual
    return endpoint.bucket, endpoint.address(endpoint.bucket, "", region=region).auth or as_usual


def _asked(config: ClientConfig, aws: AwsHost) -> Asked:
    """What AWS's rules are asked at the host *aws*.

    Raises ``EndpointError`` for what they refuse, whatever the bucket.
    """
    accelerate = config.use_accelerate_endpoint or aws.accelerate
    # The rules' own word for the host that names none. Where there is no such host, the region
    # comes when it is known.
    region = aws.region or (DEFAULT_REGION if accelerate else AWS.global_region) or ""
    asked = (
        _settings(config)
        .in_region(region)
        ._replace(
            fips=config.use_fips_endpoint or aws.fips,
            dual_stack=config.use_dualstack_endpoint or aws.dual_stack,
            accelerate=accelerate,
            # What the URL says of its bucket counts more.
            path_style=config.addressing_style == "path" and not aws.bucket,
        )
    )
    check_together(asked, custom=False)
    decided(asked, "any-bucket")
    return asked


def _asked_at(endpoint: CustomEndpoint, config: ClientConfig) -> Asked:
    """What the rules are asked where *endpoint* replaces AWS's. Raises ``EndpointError``."""
    asked = _settings(config)._replace(endpoint=endpoint)
    check_together(asked, custom=True)
    return asked


def _settings(config: ClientConfig) -> Asked:
    return Asked(
        region=DEFAULT_REGION,
        partition=partition_of(DEFAULT_REGION),
        fips=config.use_fips_endpoint,
        dual_stack=config.use_dualstack_endpoint,
        accelerate=config.use_accelerate_endpoint,
        path_style=config.addressing_style == "path",
        global_endpoint=config.use_global_endpoint,
        session_auth=not config.disable_s3express_session_auth,
        multi_region_access_points=not config.disable_multiregion_access_points,
        arn_region=config.use_arn_region,
        express=config.enable_s3express,
    )


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
