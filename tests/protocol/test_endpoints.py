"""Where each kind of bucket is, how it is signed for, and what AWS's rules refuse.

Flags are written in short: ``fips dual`` is ``UseFIPS=True, UseDualStack=True``.
"""

from __future__ import annotations

from typing import Any

import pytest

from aiohttp_s3_client.errors import EndpointError, S3Error
from aiohttp_s3_client.protocol.endpoints import resolve_endpoint

FLAGS = {
    "fips": "UseFIPS",
    "dual": "UseDualStack",
    "fast": "Accelerate",
    "path": "ForcePathStyle",
    "global": "UseGlobalEndpoint",
    "control": "UseS3ExpressControlEndpoint",
    "no-session": "DisableS3ExpressSessionAuth",
    "lambda": "UseObjectLambdaEndpoint",
    "no-points": "DisableAccessPoints",
    "no-mrap": "DisableMultiRegionAccessPoints",
}

POINT = "arn:aws:s3:us-west-2:123456789012:accesspoint"
LAMBDA = "arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint"
MRAP = "arn:aws:s3::123456789012:accesspoint:reports.mrap"
OUTPOST = "arn:aws:s3-outposts:us-west-2:123456789012:outpost"
RACK = "o01234567890123456" + "k" * 20 + "usea0--op-s3"
EC2 = "e01234567890123456" + "k" * 20 + "usea0--op-s3"
ZONAL = "reports--use1-az4--x-s3"
ZONAL_POINT = "reports--usw2-lax1-az1--xa-s3"


def resolve(
    region: str | None, bucket: str | None, flags: str = "", endpoint: str | None = None
) -> tuple[str, list[str]]:
    """The URL, and the schemes in one line each."""
    params: dict[str, Any] = {FLAGS[flag]: True for flag in flags.split()}
    found = resolve_endpoint(Region=region, Bucket=bucket, Endpoint=endpoint, **params)
    assert found.headers == {}
    assert all(scheme["disableDoubleEncoding"] is True for scheme in found.auth_schemes)
    schemes = [
        " ".join(
            [s["name"], s["signingName"], s.get("signingRegion") or ",".join(s["signingRegionSet"])]
        )
        for s in found.auth_schemes
    ]
    return found.url, schemes


@pytest.mark.parametrize(
    ("region", "bucket", "flags", "host"),
    [
        ("us-west-2", "bucket", "", "bucket.s3.us-west-2.amazonaws.com"),
        ("us-west-2", "bucket", "fips dual", "bucket.s3-fips.dualstack.us-west-2.amazonaws.com"),
        ("us-west-2", "bucket", "fast", "bucket.s3-accelerate.amazonaws.com"),
        ("us-west-2", "bucket", "fast dual", "bucket.s3-accelerate.dualstack.amazonaws.com"),
        ("us-west-2", "bucket", "global", "bucket.s3.us-west-2.amazonaws.com"),
        ("us-east-1", "bucket", "global", "bucket.s3.amazonaws.com"),
        ("us-east-1", "bucket", "global dual", "bucket.s3.dualstack.us-east-1.amazonaws.com"),
        ("us-west-2", "bucket", "path", "s3.us-west-2.amazonaws.com/bucket"),
        ("us-west-2", "my.bucket", "", "s3.us-west-2.amazonaws.com/my.bucket"),
        ("us-west-2", "a b/c", "dual", "s3.dualstack.us-west-2.amazonaws.com/a%20b%2Fc"),
        ("us-east-1", "1.2.3.4", "global", "s3.amazonaws.com/1.2.3.4"),
        ("us-west-2", None, "", "s3.us-west-2.amazonaws.com"),
        ("us-west-2", None, "fast", "s3.us-west-2.amazonaws.com"),
        ("cn-north-1", "bucket", "", "bucket.s3.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "bucket", "fips", "bucket.s3-fips.us-gov-west-1.amazonaws.com"),
        ("us-iso-east-1", "bucket", "", "bucket.s3.us-iso-east-1.c2s.ic.gov"),
        ("us-isob-east-1", "bucket", "", "bucket.s3.us-isob-east-1.sc2s.sgov.gov"),
        ("eusc-de-east-1", "bucket", "", "bucket.s3.eusc-de-east-1.amazonaws.eu"),
        ("xx-yet-1", "bucket", "", "bucket.s3.xx-yet-1.amazonaws.com"),
    ],
)
def test_buckets_of_general_purpose(region: str, bucket: str, flags: str, host: str) -> None:
    assert resolve(region, bucket, flags) == (f"https://{host}", [f"sigv4 s3 {region}"])


@pytest.mark.parametrize(
    ("bucket", "flags", "host"),
    [
        ("bucket", "", "bucket.s3.amazonaws.com"),
        ("bucket", "path", "s3.amazonaws.com/bucket"),
        (None, "", "s3.amazonaws.com"),
        ("bucket", "fips", "bucket.s3-fips.us-east-1.amazonaws.com"),
        ("bucket", "fast", "bucket.s3-accelerate.amazonaws.com"),
        ("bucket", "fast dual", "bucket.s3-accelerate.dualstack.us-east-1.amazonaws.com"),
    ],
)
def test_what_is_in_no_region_is_signed_for_the_first(
    bucket: str | None, flags: str, host: str
) -> None:
    assert resolve("aws-global", bucket, flags) == (f"https://{host}", ["sigv4 s3 us-east-1"])


@pytest.mark.parametrize(
    ("endpoint", "bucket", "flags", "url"),
    [
        ("https://example.com", "bucket", "", "https://bucket.example.com"),
        ("https://example.com:8443/base", "bucket", "", "https://bucket.example.com:8443/base"),
        ("https://example.com/base", "bucket", "path", "https://example.com/base/bucket"),
        ("https://example.com/base/", "a b", "", "https://example.com/base/a%20b"),
        ("https://example.com", "my.bucket", "", "https://example.com/my.bucket"),
        ("http://example.com", "my.bucket", "", "http://my.bucket.example.com"),
        ("http://127.0.0.1:9000", "bucket", "", "http://127.0.0.1:9000/bucket"),
        ("https://[::1]:9000/base", "bucket", "", "https://[::1]:9000/base/bucket"),
        ("https://example.com/a%20b", "bucket", "path", "https://example.com/a%20b/bucket"),
        ("http://localhost:9000/base", None, "", "http://localhost:9000/base"),
    ],
)
def test_custom_endpoints(endpoint: str, bucket: str | None, flags: str, url: str) -> None:
    assert resolve("eu-west-1", bucket, flags, endpoint) == (url, ["sigv4 s3 eu-west-1"])


def test_a_region_that_no_host_is_made_of_may_have_any_name() -> None:
    found = resolve("my_zone", "bucket", "path", "http://127.0.0.1:9000")
    assert found == ("http://127.0.0.1:9000/bucket", ["sigv4 s3 my_zone"])


@pytest.mark.parametrize(
    ("bucket", "flags", "host", "scheme"),
    [
        (ZONAL, "", f"{ZONAL}.s3express-use1-az4", "sigv4-s3express"),
        (ZONAL, "no-session", f"{ZONAL}.s3express-use1-az4", "sigv4"),
        (ZONAL, "fips dual", f"{ZONAL}.s3express-fips-use1-az4.dualstack", "sigv4-s3express"),
        (ZONAL, "path", f"{ZONAL}.s3express-use1-az4", "sigv4-s3express"),
        (ZONAL_POINT, "", f"{ZONAL_POINT}.s3express-usw2-lax1-az1", "sigv4-s3express"),
        (ZONAL_POINT, "control", f"{ZONAL_POINT}.s3express-usw2-lax1-az1", "sigv4-s3express"),
        (ZONAL, "control", "s3express-control", "sigv4"),
        (ZONAL, "control fips dual", "s3express-control-fips.dualstack", "sigv4"),
        (None, "control dual", "s3express-control.dualstack", "sigv4"),
    ],
)
def test_directory_buckets(bucket: str | None, flags: str, host: str, scheme: str) -> None:
    in_path = "control" in host and bucket
    url = f"https://{host}.us-east-1.amazonaws.com{f'/{bucket}' if in_path else ''}"
    assert resolve("us-east-1", bucket, flags) == (url, [f"{scheme} s3express us-east-1"])


@pytest.mark.parametrize(
    "zone",
    ["use1-az4", "usw2-az12", "test-zone-ab1", "usw2-lax1-az1", "test1-zone-ab1",
     "test1-long1-zone-ab1", "x--xa-s3"],
)  # fmt: skip
def test_the_zone_is_what_the_name_ends_with(zone: str) -> None:
    for bucket in (f"my--s3--bucket--{zone}--x-s3", f"point--{zone}--xa-s3"):
        url, _ = resolve("us-east-1", bucket)
        assert url == f"https://{bucket}.s3express-{zone}.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("endpoint", "bucket", "flags", "url", "scheme"),
    [
        ("https://h/base", ZONAL, "", f"https://{ZONAL}.h/base", "sigv4-s3express"),
        ("https://h", ZONAL, "control", f"https://{ZONAL}.h", "sigv4-s3express"),
        ("https://10.0.0.1", ZONAL, "no-session", f"https://10.0.0.1/{ZONAL}", "sigv4"),
        ("https://h/base", None, "control", "https://h/base", "sigv4"),
    ],
)
def test_directory_buckets_under_custom_endpoints(
    endpoint: str, bucket: str | None, flags: str, url: str, scheme: str
) -> None:
    found = resolve("us-east-1", bucket, flags, endpoint)
    assert found == (url, [f"{scheme} s3express us-east-1"])


@pytest.mark.parametrize(
    ("bucket", "flags", "endpoint", "url", "schemes"),
    [
        (f"{POINT}/reports", "", None,
         "https://reports-123456789012.s3-accesspoint.us-west-2.amazonaws.com",
         ["sigv4 s3 us-west-2"]),
        (f"{POINT}:reports", "fips dual", None,
         "https://reports-123456789012.s3-accesspoint-fips.dualstack.us-west-2.amazonaws.com",
         ["sigv4 s3 us-west-2"]),
        (f"{POINT}:reports", "", "http://h:1/base", "http://reports-123456789012.h:1/base",
         ["sigv4 s3 us-west-2"]),
        (f"{LAMBDA}/reports", "", None,
         "https://reports-123456789012.s3-object-lambda.us-west-2.amazonaws.com",
         ["sigv4 s3-object-lambda us-west-2"]),
        (f"{LAMBDA}/reports", "fips", None,
         "https://reports-123456789012.s3-object-lambda-fips.us-west-2.amazonaws.com",
         ["sigv4 s3-object-lambda us-west-2"]),
        (None, "lambda", None, "https://s3-object-lambda.us-east-1.amazonaws.com",
         ["sigv4 s3-object-lambda us-east-1"]),
        (None, "lambda", "https://h/base", "https://h/base",
         ["sigv4 s3-object-lambda us-east-1"]),
        (MRAP, "", None, "https://reports.mrap.accesspoint.s3-global.amazonaws.com",
         ["sigv4a s3 *"]),
        (f"{OUTPOST}/op-1/accesspoint/reports", "", None,
         "https://reports-123456789012.op-1.s3-outposts.us-west-2.amazonaws.com",
         ["sigv4a s3-outposts *", "sigv4 s3-outposts us-west-2"]),
        (f"{OUTPOST}:op-1:accesspoint:reports", "", "http://h:1/base",
         "https://reports-123456789012.op-1.h:1",
         ["sigv4a s3-outposts *", "sigv4 s3-outposts us-west-2"]),
        (RACK, "", None,
         f"https://{RACK}.op-01234567890123456.s3-outposts.us-east-1.amazonaws.com",
         ["sigv4a s3-outposts *", "sigv4 s3-outposts us-east-1"]),
        (EC2, "", None, f"https://{EC2}.ec2.s3-outposts.us-east-1.amazonaws.com",
         ["sigv4a s3-outposts *", "sigv4 s3-outposts us-east-1"]),
        (EC2.replace("usea", "beta"), "", "http://h:1/base",
         f"https://{EC2.replace('usea', 'beta')}.ec2.h:1",
         ["sigv4a s3-outposts *", "sigv4 s3-outposts us-east-1"]),
    ],
)  # fmt: skip
def test_access_points(
    bucket: str | None, flags: str, endpoint: str | None, url: str, schemes: list[str]
) -> None:
    assert resolve("us-east-1", bucket, flags, endpoint) == (url, schemes)


CHINA = POINT.replace("us-west-2", "cn-north-1") + ":r"
OF_CHINA = f"ARN (`{CHINA}`) has `aws-cn`"
ONLY_LETTERS = "may only contain a-z, A-Z, 0-9 and `-`. Found:"
NO_NAME = "Expected a resource of the format `accesspoint:<accesspoint name>` but no name was"


@pytest.mark.parametrize(
    ("bucket", "flags", "message"),
    [
        ("bucket", "fast fips", "Accelerate cannot be used with FIPS"),
        ("bucket", "fast path", "Path-style addressing cannot be used with S3 Accelerate"),
        (f"{POINT}:r", "path", "Path-style addressing cannot be used with ARN buckets"),
        ("arn:aws", "", "Invalid ARN: `arn:aws` was not a valid ARN"),
        ("arn:aws", "path", "Invalid ARN: `arn:aws` was not a valid ARN"),
        ("arn::s3:::r", "", "Invalid ARN: `arn::s3:::r` was not a valid ARN"),
        ("arn:aws:s3:us-west-2:1:/r", "", "Invalid ARN: No ARN type specified"),
        ("arn:aws:s3:us-west-2:1:bucket_name:r", "", "Invalid ARN: Unrecognized format: "
         "arn:aws:s3:us-west-2:1:bucket_name:r (type: bucket_name)"),
        (f"{POINT}:", "", f"Invalid ARN: {NO_NAME} provided"),
        (f"{POINT}:r:s", "", "Invalid ARN: The ARN may only contain a single resource component "
         "after `accesspoint`."),
        (f"{POINT}:r", "no-points", "Access points are not supported for this operation"),
        (f"{POINT}:r", "fast", "Access Points do not support S3 Accelerate"),
        (f"{POINT}:a_b", "", f"Invalid ARN: The access point name {ONLY_LETTERS} `a_b`"),
        (f"{POINT}:r".replace("s3", "sqs"), "",
         "Invalid ARN: The ARN was not for the S3 service, found: sqs"),
        (f"{POINT}:r".replace("1234", "1_4"), "",
         f"Invalid ARN: The account id {ONLY_LETTERS} `1_456789012`"),
        (f"{POINT}:r".replace("us-west-2", "a b"), "",
         "Invalid region in ARN: `a b` (invalid DNS name)"),
        (CHINA, "", f"Client was configured for partition `aws` but {OF_CHINA}"),
        (MRAP, "dual", "S3 MRAP does not support dual-stack"),
        (MRAP, "fips", "S3 MRAP does not support FIPS"),
        (MRAP, "fast", "S3 MRAP does not support S3 Accelerate"),
        (MRAP, "no-mrap", "Invalid configuration: Multi-Region Access Point ARNs are disabled."),
        (f"{MRAP}_", "", "Invalid Access Point Name"),
        (MRAP.replace("aws", "aws-cn"), "",
         "Client was configured for partition `aws` but bucket referred to partition `aws-cn`"),
        (f"{LAMBDA}:r", "dual", "S3 Object Lambda does not support Dual-stack"),
        (f"{LAMBDA}:r", "fast", "S3 Object Lambda does not support S3 Accelerate"),
        (None, "lambda dual", "S3 Object Lambda does not support Dual-stack"),
        (f"{LAMBDA}:r".replace("us-west-2", ""), "",
         "Invalid ARN: bucket ARN is missing a region"),
        (f"{LAMBDA}:r".replace("123456789012", ""), "", "Invalid ARN: Missing account id"),
        (f"{LAMBDA}s:r", "", "Invalid ARN: Object Lambda ARNs only support `accesspoint` arn "
         "types, but found: `accesspoints`"),
        (f"{OUTPOST}/op-1/accesspoint/r", "dual", "S3 Outposts does not support Dual-stack"),
        (f"{OUTPOST}/op-1/accesspoint/r", "fips", "S3 Outposts does not support FIPS"),
        (f"{OUTPOST}/op-1/accesspoint/r", "fast", "S3 Outposts does not support S3 Accelerate"),
        (f"{OUTPOST}/op-1/accesspoint/r/s", "",
         "Invalid Arn: Outpost Access Point ARN contains sub resources"),
        (OUTPOST, "", "Invalid ARN: The Outpost Id was not set"),
        (f"{OUTPOST}/o_1/accesspoint/r", "", f"Invalid ARN: The outpost Id {ONLY_LETTERS} `o_1`"),
        (f"{OUTPOST}/op-1", "", "Invalid ARN: Expected a 4-component resource"),
        (f"{OUTPOST}/op-1/accesspoint", "", "Invalid ARN: expected an access point name"),
        (f"{OUTPOST}/op-1/bucket/r", "", "Expected an outpost type `accesspoint`, found bucket"),
        (f"{OUTPOST}/op-1/accesspoint/a_b", "",
         f"Invalid ARN: The access point name {ONLY_LETTERS} `a_b`"),
        (f"{OUTPOST}/op-1/accesspoint/r".replace("us-west-2", ""), "",
         "Invalid region in ARN: `` (invalid DNS name)"),
        (RACK.replace("usea", "beta"), "",
         "Expected a endpoint to be specified but no endpoint was found"),
        (RACK.replace("o0", "x0"), "",
         'Unrecognized hardware type: "Expected hardware type o or e but got x"'),
        (RACK.replace("o0", "o_"), "",
         "Invalid ARN: The outpost Id must only contain a-z, A-Z, 0-9 and `-`."),
        (f"a.{RACK}", "", "Invalid Outposts Bucket alias - it must be a valid bucket name."),
        (ZONAL, "fast", "S3Express does not support S3 Accelerate."),
        (f"my.{ZONAL}", "", "S3Express bucket name is not a valid virtual hostable name."),
        ("reports--usaz1--x-s3", "", "Unrecognized S3Express bucket name format."),
    ],
)  # fmt: skip
def test_what_the_rules_refuse(bucket: str | None, flags: str, message: str) -> None:
    with pytest.raises(EndpointError) as caught:
        resolve("us-east-1", bucket, flags)
    assert str(caught.value) == message
    assert isinstance(caught.value, S3Error)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("region", "bucket", "flags", "endpoint", "message"),
    [
        (None, "bucket", "", None, "A region must be set when sending requests to S3."),
        ("a b", None, "", None, "Invalid region: region was not a valid DNS name."),
        ("a b", None, "lambda", None, "Invalid region: region was not a valid DNS name."),
        ("a.b", "bucket", "", "http://h", "Invalid region: region was not a valid DNS name."),
        ("a_b", "my.bucket", "", "http://h", "Invalid region: region was not a valid DNS name."),
        ("cn-north-1", "bucket", "fips", None, "Partition does not support FIPS"),
        ("cn-north-1", "bucket", "fast", None, "S3 Accelerate cannot be used in this region"),
        ("us-east-1", f"my.{ZONAL}", "", "http://h",
         "S3Express bucket name is not a valid virtual hostable name."),
        ("us-east-1", "bucket", "dual", "http://h",
         "Cannot set dual-stack in combination with a custom endpoint."),
        ("us-east-1", "bucket", "fips", "http://h",
         "A custom endpoint cannot be combined with FIPS"),
        ("us-east-1", "bucket", "fast", "http://h",
         "A custom endpoint cannot be combined with S3 Accelerate"),
    ],
)  # fmt: skip
def test_what_does_not_go_together(
    region: str | None, bucket: str | None, flags: str, endpoint: str | None, message: str
) -> None:
    with pytest.raises(EndpointError) as caught:
        resolve(region, bucket, flags, endpoint)
    assert str(caught.value) == message


def test_the_region_of_an_arn_may_be_held_to_the_clients() -> None:
    message = (
        "Invalid configuration: region from ARN `us-west-2` does not match client region "
        "`us-east-1` and UseArnRegion is `false`"
    )
    for bucket in (f"{POINT}:r", f"{LAMBDA}:r", f"{OUTPOST}:op-1:accesspoint:r"):
        with pytest.raises(EndpointError) as caught:
            resolve_endpoint(Region="us-east-1", Bucket=bucket, UseArnRegion=False)
        assert str(caught.value) == message
        resolve_endpoint(Region="us-west-2", Bucket=bucket, UseArnRegion=False)


# Where the rules would give what is of no use, or of harm


@pytest.mark.parametrize("bucket", ["b!", ZONAL, RACK, ZONAL_POINT])
@pytest.mark.parametrize("region", ["", "x@example.com/", "a b", "us-east-1\n"])
def test_no_host_is_made_of_what_is_no_region(region: str, bucket: str) -> None:
    with pytest.raises(EndpointError, match="Invalid region: region was not a valid DNS name"):
        resolve(region, bucket)


@pytest.mark.parametrize(
    ("bucket", "flags"), [(None, ""), (None, "lambda"), (ZONAL, ""), (RACK, ""), (MRAP, "")]
)
@pytest.mark.parametrize(
    "endpoint",
    ["", "example.com", "ftp://h", "http://", "http://h?a=b", "http://h:x", "http://[::1", "http://h\n"],
)  # fmt: skip
def test_aws_never_stands_in_for_a_custom_endpoint_that_is_none(
    endpoint: str, bucket: str | None, flags: str
) -> None:
    with pytest.raises(EndpointError) as caught:
        resolve("us-east-1", bucket, flags, endpoint)
    assert str(caught.value) == f"Custom endpoint `{endpoint}` was not a valid URI"


def test_what_is_secret_in_a_url_is_not_shown() -> None:
    for endpoint in ("https://key:secret@h", "https://h?X-Amz-Signature=secret"):
        with pytest.raises(EndpointError, match="was not a valid URI") as caught:
            resolve("us-east-1", "bucket", "", endpoint)
        assert "secret" not in str(caught.value)


def test_values_of_another_type_are_named() -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"Bucket": b"bucket"}, "Bucket must be a str, not bytes"),
        ({"UseFIPS": "false"}, "UseFIPS must be a bool, not str"),
    ]
    for params, message in wrong:
        with pytest.raises(TypeError, match=message):
            resolve_endpoint(Region="us-east-1", **params)
