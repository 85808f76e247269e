"""Administration at a scripted server: what is sent, what odd answers come to, what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import (
    Forbidden,
    MethodNotAllowed,
    NoSuchBucket,
    ParamValidationError,
    ResponseParseError,
)
from aiohttp_s3_client.models import BucketInfo, ObjectPart

from ..servers.scripted import ScriptedServer
from ..servers.steps import Reply, reply
from ..transport.scripts import KEY, SECRET, client_for, error
from ..transport.test_aws_defaults import ToLoopback

if TYPE_CHECKING:
    from aiohttp_s3_client.api import TierLiteral

Scripted = Callable[..., Awaitable[ScriptedServer]]


@pytest.fixture
async def start(
    scripted: Scripted, plain_session: aiohttp.ClientSession
) -> Callable[..., Awaitable[tuple[S3Client, ScriptedServer]]]:
    async def started(
        *steps: object, path: str = "", **options: Any
    ) -> tuple[S3Client, ScriptedServer]:
        server = await scripted(*steps, **options)
        return client_for(server, plain_session, url=f"{server.url}{path}"), server

    return started


Start = Callable[..., Awaitable[tuple[S3Client, ScriptedServer]]]


def xml(root: str, inner: str) -> Reply:
    namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
    return reply(200, {}, f'<?xml version="1.0"?><{root} xmlns="{namespace}">{inner}</{root}>')


# Buckets


async def test_create_bucket_without_a_region(start: Start) -> None:
    """Other servers than AWS's have no regions that could be guessed."""
    client, server = await start(reply(200), reply(200), reply(200))
    await client.create_bucket("my-bucket", acl="public-read", object_lock=True)
    await client.create_bucket("my-bucket", region="us-east-1")
    await client.create_bucket("my-bucket", region="somewhere")
    first, second, third = server.requests
    assert (first.method, first.target, first.body) == ("PUT", "/my-bucket", b"")
    assert first.header("x-amz-acl") == "public-read"
    assert first.header("x-amz-bucket-object-lock-enabled") == "true"
    assert second.body == b""
    assert second.header("x-amz-acl") is None
    assert second.header("x-amz-bucket-object-lock-enabled") is None
    assert b"<LocationConstraint>somewhere</LocationConstraint>" in third.body


@pytest.fixture
async def on_aws(
    scripted: Scripted,
) -> AsyncIterator[Callable[..., Awaitable[tuple[S3Client, ScriptedServer]]]]:
    """A client of AWS's endpoint of a region, whose names lead to a scripted server."""
    resolver = ToLoopback()
    connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def started(region: str, *steps: object) -> tuple[S3Client, ScriptedServer]:
            server = await scripted(*steps)
            resolver.port = server.port
            url = f"http://s3.{region}.amazonaws.com"
            return S3Client(session, url, SECRET, KEY), server

        yield started


@pytest.mark.parametrize(
    ("own", "region", "host", "constraint"),
    [
        ("us-east-1", None, "us-east-1", None),
        ("eu-west-1", None, "eu-west-1", "eu-west-1"),
        ("us-east-1", "eu-west-1", "eu-west-1", "eu-west-1"),
        ("eu-west-1", "us-east-1", "us-east-1", None),
    ],
)
async def test_a_bucket_of_aws_is_created_at_its_regions_endpoint(
    on_aws: Start, own: str, region: str | None, host: str, constraint: str | None
) -> None:
    client, server = await on_aws(own, reply(200))
    await client.create_bucket("my-bucket", region=region)
    (request,) = server.requests
    assert request.header("host") == f"my-bucket.s3.{host}.amazonaws.com"
    assert f"/{host}/s3/aws4_request" in (request.header("authorization") or "")
    if constraint is None:
        assert request.body == b""
    else:
        assert f"<LocationConstraint>{constraint}</LocationConstraint>".encode() in request.body


async def test_aws_is_asked_for_buckets_in_pages(on_aws: Start) -> None:
    """Only then it says their regions."""
    first = (
        "<Buckets><Bucket><Name>a-1</Name><CreationDate>2026-01-02T03:04:05.000Z</CreationDate>"
        "<BucketRegion>eu-west-1</BucketRegion></Bucket></Buckets>"
        "<ContinuationToken>next</ContinuationToken>"
    )
    second = "<Buckets><Bucket><Name>a-2</Name></Bucket></Buckets>"
    client, server = await on_aws(
        "us-east-1",
        xml("ListAllMyBucketsResult", first),
        xml("ListAllMyBucketsResult", second),
    )
    assert await client.list_buckets("a-") == [
        BucketInfo("a-1", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "eu-west-1"),
        BucketInfo("a-2", None, None),
    ]
    queries = [request.target.partition("?")[2].split("&") for request in server.requests]
    assert sorted(queries[0]) == ["max-buckets=1000", "prefix=a-"]
    assert sorted(queries[1]) == ["continuation-token=next", "max-buckets=1000", "prefix=a-"]


async def test_no_buckets(start: Start) -> None:
    client, server = await start(xml("ListAllMyBucketsResult", "<Buckets/>"))
    assert await client.list_buckets() == []
    assert server.requests[0].target == "/"


# Whether there is such a thing


@pytest.mark.parametrize("status", [403, 401])
async def test_what_may_not_be_known_is_raised(start: Start, status: int) -> None:
    client, _ = await start(rest=error(status, "AccessDenied"))
    with pytest.raises(Forbidden):
        await client.bucket_exists("my-bucket")
    with pytest.raises(Forbidden):
        await client.object_exists("my-bucket/key")


async def test_a_version_that_is_a_delete_marker(start: Start) -> None:
    client, server = await start(rest=reply(405))
    with pytest.raises(MethodNotAllowed):
        await client.object_exists("my-bucket/key", version_id="m1")
    assert server.requests[0].target == "/my-bucket/key?versionId=m1"


# Versions


def version(key: str, number: str, time: str, latest: bool = False) -> str:
    return (
        f"<Version><Key>{key}</Key><VersionId>{number}</VersionId>"
        f"<IsLatest>{str(latest).lower()}</IsLatest><LastModified>{time}</LastModified>"
        "<ETag>&quot;e&quot;</ETag><Size>1</Size><StorageClass>STANDARD</StorageClass></Version>"
    )


def marker(key: str, number: str, time: str, latest: bool = False) -> str:
    return (
        f"<DeleteMarker><Key>{key}</Key><VersionId>{number}</VersionId>"
        f"<IsLatest>{str(latest).lower()}</IsLatest><LastModified>{time}</LastModified>"
        "</DeleteMarker>"
    )


async def test_p23_versions_and_markers_in_the_servers_order_across_pages(start: Start) -> None:
    old, mid, new = (f"2026-01-01T00:00:0{second}.000Z" for second in (1, 2, 3))
    first = (
        "<IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>"
        "<NextKeyMarker>b%26</NextKeyMarker><NextVersionIdMarker>3</NextVersionIdMarker>"
        + version("Z", "1", old, True)
        + marker("a", "4", new, True)
        + version("a", "3", mid)
        + marker("a", "2", mid)
        + version("a", "1", old)
        + version("b%26", "3", new, True)
    )
    second = (
        "<IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>"
        + marker("b%26", "2", mid)
        + version("b%26", "null", old)
        + version("%C3%BC+x", "1", old, True)
    )
    client, server = await start(
        xml("ListVersionsResult", first), xml("ListVersionsResult", second)
    )
    found = [entry async for entry in client.list_object_versions("my-bucket")]
    assert [(entry.key, entry.version_id, entry.is_delete_marker) for entry in found] == [
        ("Z", "1", False),
        ("a", "4", True),
        ("a", "3", False),
        ("a", "2", True),
        ("a", "1", False),
        ("b&", "3", False),
        ("b&", "2", True),
        ("b&", "null", False),
        ("ü x", "1", False),
    ]
    assert found[0][4:] == (datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC), '"e"', 1, "STANDARD")
    assert "key-marker=b%26" in server.requests[1].target
    assert "version-id-marker=3" in server.requests[1].target


async def test_versions_under_the_prefix_of_the_url(start: Start) -> None:
    time = "2026-01-01T00:00:00.000Z"
    page = "<IsTruncated>false</IsTruncated>" + version("team/a/x", "1", time, True)
    client, server = await start(xml("ListVersionsResult", page), path="/my-bucket/team")
    found = [entry.key async for entry in client.list_object_versions(prefix="a/")]
    assert found == ["a/x"]
    assert "prefix=team%2Fa%2F" in server.requests[0].target


# Attributes, archives


async def test_attributes_with_all_parts(start: Start) -> None:
    def page(parts: str, following: str) -> Reply:
        return reply(
            200,
            {"x-amz-version-id": "v1", "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"},
            "<GetObjectAttributesResponse><ETag>abc-2</ETag>"
            "<Checksum><ChecksumSHA256>c2hh-2</ChecksumSHA256>"
            "<ChecksumType>COMPOSITE</ChecksumType></Checksum>"
            f"<ObjectParts><PartsCount>2</PartsCount>{following}{parts}</ObjectParts>"
            "<StorageClass>STANDARD</StorageClass><ObjectSize>6</ObjectSize>"
            "</GetObjectAttributesResponse>",
        )

    def part(number: int) -> str:
        return (
            f"<Part><PartNumber>{number}</PartNumber><Size>3</Size>"
            f"<ChecksumSHA256>c{number}</ChecksumSHA256></Part>"
        )

    more = "<IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker>"
    client, server = await start(
        page(part(1), more), page(part(2), "<IsTruncated>false</IsTruncated>")
    )
    found = await client.get_object_attributes("my-bucket/key")
    assert (found.etag, found.size, found.storage_class) == ("abc-2", 6, "STANDARD")
    assert (found.checksums, found.checksum_type) == ({"SHA256": "c2hh-2"}, "COMPOSITE")
    assert found.parts_count == 2
    assert found.parts == [ObjectPart(1, 3, {"SHA256": "c1"}), ObjectPart(2, 3, {"SHA256": "c2"})]
    assert found.last_modified == datetime(2026, 1, 1, tzinfo=UTC)
    assert found.version_id == "v1"
    first, second = server.requests
    wanted = first.header("x-amz-object-attributes")
    assert wanted == "ETag,Checksum,ObjectParts,StorageClass,ObjectSize"
    assert second.header("x-amz-object-attributes") == "ObjectParts"
    assert second.header("x-amz-part-number-marker") == "1"
    assert "versionId=v1" in second.target


@pytest.mark.parametrize("following", ["", "<NextPartNumberMarker>0</NextPartNumberMarker>"])
async def test_p17_parts_that_go_on_for_ever(start: Start, following: str) -> None:
    client, _ = await start(
        reply(
            200,
            {},
            "<GetObjectAttributesResponse><ObjectParts><IsTruncated>true</IsTruncated>"
            f"{following}</ObjectParts></GetObjectAttributesResponse>",
        )
    )
    with pytest.raises(ResponseParseError, match="more parts follow"):
        await client.get_object_attributes("my-bucket/key", ["ObjectParts"])


@pytest.mark.parametrize(("days", "tier"), [(7, "Bulk"), (None, "Standard")])
async def test_restore(start: Start, days: int | None, tier: TierLiteral) -> None:
    client, server = await start(reply(202))
    await client.restore("my-bucket/key", days, tier, version_id="v1")
    (request,) = server.requests
    assert request.method == "POST"
    path, _, query = request.target.partition("?")
    assert (path, set(query.split("&"))) == ("/my-bucket/key", {"restore=", "versionId=v1"})
    wanted = f"<GlacierJobParameters><Tier>{tier}</Tier></GlacierJobParameters>"
    assert wanted.encode() in request.body
    assert (b"<Days>7</Days>" in request.body) is (days == 7)
    assert (b"<Days>" in request.body) is (days is not None)


# Settings


@pytest.mark.parametrize("code", ["NoSuchTagSet", "NoSuchTagSetError"])
async def test_no_tags_by_either_name(start: Start, code: str) -> None:
    client, _ = await start(rest=error(404, code))
    assert await client.get_bucket_tags("my-bucket") == {}
    assert await client.get_tags("my-bucket/key") == {}


async def test_another_404_is_no_empty_answer(start: Start) -> None:
    client, _ = await start(rest=error(404, "NoSuchBucket"))
    for ask in (
        client.get_bucket_tags,
        client.get_bucket_policy,
        client.get_bucket_cors,
        client.get_bucket_lifecycle,
        client.get_bucket_website,
        client.versioning,
    ):
        with pytest.raises(NoSuchBucket):
            await ask("my-bucket")


@pytest.mark.parametrize("body", ["", "no JSON", "[]", '"text"'])
async def test_what_is_no_policy(start: Start, body: str) -> None:
    client, _ = await start(reply(200, {}, body))
    with pytest.raises(ResponseParseError, match="is no policy"):
        await client.get_bucket_policy("my-bucket")


async def test_no_tags_are_sent_as_none(start: Start) -> None:
    client, server = await start(reply(200))
    await client.put_tags("my-bucket/key", {})
    (request,) = server.requests
    assert request.target == "/my-bucket/key?tagging="
    assert b"<Tag>" not in request.body
    assert b"TagSet" in request.body


async def test_entries_without_what_they_are_about(start: Start) -> None:
    """Typed errors, whatever a server sends."""
    nameless = "<LastModified>2026-01-01T00:00:00Z</LastModified>"
    client, _ = await start(
        xml("ListAllMyBucketsResult", "<Buckets><Bucket></Bucket></Buckets>"),
        xml("DeleteResult", "<Deleted><VersionId>1</VersionId></Deleted>"),
        xml("ListVersionsResult", f"<Version>{nameless}</Version>"),
        xml("ListVersionsResult", "<DeleteMarker><Key>a</Key></DeleteMarker>"),
        xml("Tagging", "<TagSet><Tag><Value>1</Value></Tag></TagSet>"),
    )
    with pytest.raises(ResponseParseError, match=r"ListBuckets: .* without 'Name'"):
        await client.list_buckets()
    with pytest.raises(ResponseParseError, match=r"DeleteObjects: .* without 'Key'"):
        await client.delete_objects(["a"], bucket="my-bucket")
    for missing in ("Key", "LastModified"):
        with pytest.raises(ResponseParseError, match=f"without '{missing}'"):
            [entry async for entry in client.list_object_versions("my-bucket")]
    with pytest.raises(ResponseParseError, match="without 'Key'"):
        await client.get_tags("my-bucket/key")


# What is refused before anything is sent


async def test_which_bucket_is_never_guessed(start: Start) -> None:
    client, server = await start()
    with pytest.raises(TypeError, match="bucket is missing"):
        await client.create_bucket()
    with pytest.raises(TypeError, match="bucket is missing"):
        await client.delete_objects(["key"])
    with pytest.raises(TypeError, match="bucket is missing"):
        client.list_object_versions()
    with pytest.raises(TypeError, match="bucket must be a str"):
        await client.put_bucket_policy("{}", bucket={})  # type: ignore[arg-type]  # what is tested
    policies: list[Any] = [None, [], b"{}"]
    for policy in policies:
        with pytest.raises(TypeError, match="policy must be a dict"):
            await client.put_bucket_policy(policy, bucket="my-bucket")
    for text in ("", "null", "[]", "{not json"):
        with pytest.raises(ValueError, match=r"policy: .*JSON"):
            await client.put_bucket_policy(text, bucket="my-bucket")
    with pytest.raises(ValueError, match="is not a bucket name"):
        await client.delete_bucket("No Bucket")
    with pytest.raises(ValueError, match="holds no key"):
        await client.get_tags("my-bucket")
    assert server.requests == []


async def test_a_bound_client_touches_no_other_bucket(start: Start) -> None:
    client, server = await start(path="/my-bucket")
    for touch in (client.delete_bucket, client.delete_bucket_policy, client.create_bucket):
        with pytest.raises(ValueError, match="'other' is not the client's, 'my-bucket'"):
            await touch("other")
    assert server.requests == []


async def test_a_name_whose_bucket_is_not_known_here(
    plain_session: aiohttp.ClientSession,
) -> None:
    """The host may hold the bucket, and nothing says whether it does."""
    client = S3Client(plain_session, "http://bucket.example.com", SECRET, KEY)
    with pytest.raises(ValueError, match="names no bucket"):
        await client.object_exists("key")


async def test_wrong_arguments(start: Start) -> None:
    client, server = await start()
    with pytest.raises(TypeError, match="enabled must be True, False or None"):
        await client.versioning("my-bucket", "Enabled")  # type: ignore[arg-type]  # what is tested
    with pytest.raises(TypeError, match="tags must be a mapping"):
        await client.put_tags("my-bucket/key", [("a", "b")])  # type: ignore[arg-type]  # as above
    with pytest.raises(ParamValidationError, match=r"Tagging.TagSet\[0\].Value must be a str"):
        await client.put_bucket_tags({"a": 1}, bucket="my-bucket")  # type: ignore[dict-item]  # as above
    with pytest.raises(ParamValidationError, match=r"CORSRules\[0\].AllowedOrigins is missing"):
        await client.put_bucket_cors([{"AllowedMethods": ["GET"]}], bucket="my-bucket")  # type: ignore[typeddict-item]  # as above
    with pytest.raises(ValueError, match="days must be at least 1"):
        await client.restore("my-bucket/key", 0)
    assert server.requests == []
