"""Where requests to AWS go and what they are signed for: as boto3's, request by request.

boto3 sends nothing: its requests are taken from its events and given canned answers. Ours go over
TLS to a scripted server that every name leads to.
"""

from __future__ import annotations

import socket
import ssl
from ast import literal_eval
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import cache
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

import aiohttp
import boto3
import pytest
import trustme
from aiohttp.abc import AbstractResolver, ResolveResult
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from yarl import URL

from aiohttp_s3_client import ClientConfig, S3Client
from aiohttp_s3_client.errors import EndpointError, S3Error
from aiohttp_s3_client.protocol.model.names import OPERATIONS
from aiohttp_s3_client.protocol.sigv4a import private_value

from ..servers.scripted import ScriptedServer, StartScript
from ..servers.steps import Recorded, Reply, reply

KEYS = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
SESSION_KEY = "ASIASESSIONEXAMPLE"
SESSION = (
    '<CreateSessionResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Credentials>'
    f"<AccessKeyId>{SESSION_KEY}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>"
    "<SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
    "</Credentials></CreateSessionResult>"
).encode()

METHODS = {operation: method for method, operation in OPERATIONS.items()}

POINT = "arn:aws:s3:us-west-2:123456789012:accesspoint/reports"
POINT_HERE = "arn:aws:s3:us-east-1:123456789012:accesspoint:reports"
POINT_CN = "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/reports"
OUTPOST = "arn:aws:s3-outposts:us-east-1:123456789012:outpost/op-01234567890123456/accesspoint/p"
LAMBDA = "arn:aws:s3-object-lambda:us-east-1:123456789012:accesspoint/redact"
MULTI_REGION = "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap"
ALIAS = "reports-metadata-aqfqprnstn7aefdfbarligizwgyfouse1a-s3alias"
OUTPOST_ALIAS = f"ap-{'o'}0{'1' * 16}{'k' * 20}usea0--op-s3"
DIRECTORY = "reports--use1-az4--x-s3"
ZONAL_POINT = "reports--use1-az4--xa-s3"


class Sent(NamedTuple):
    """What of a request says where it goes and who it is signed by and for."""

    method: str
    host: str
    path: str
    query: list[tuple[str, str]]
    key_id: str
    scope: str
    """``region/service`` of the signature."""
    session_token: str | None


def sent(method: str, url: str, header: Callable[[str], str | None]) -> Sent:
    parts = urlsplit(url)
    credential = (header("Authorization") or "").partition("Credential=")[2].partition(",")[0]
    key_id, _, region, service, _ = credential.split("/")
    return Sent(
        method,
        parts.netloc,
        parts.path,
        sorted(parse_qsl(parts.query, keep_blank_values=True)),
        key_id,
        f"{region}/{service}",
        header("x-amz-s3session-token"),
    )


class Boto3:
    """boto3's client, cut off from the network."""

    def __init__(self, region: str, settings: dict[str, Any]) -> None:
        config: dict[str, Any] = {**settings}
        # us-east-1 has the oldest of hosts there unless told otherwise.
        config["s3"] = {"us_east_1_regional_endpoint": "regional", **settings.get("s3", {})}
        self.client = boto3.client(
            "s3",
            region_name=region,
            aws_access_key_id=KEYS[0],
            aws_secret_access_key=KEYS[1],
            config=Config(**config),
        )
        self.client.meta.events.register_last("before-send.s3", self._received)
        self._sent: list[Sent] = []

    def call(self, operation: str, params: dict[str, Any]) -> list[Sent] | str:
        """What boto3 would send, or the message that it refuses with."""
        self._sent = []
        try:
            getattr(self.client, METHODS[operation])(**params)
        except (ClientError, KeyError):
            pass  # Of the empty answer; the request was made.
        except BotoCoreError as error:
            return str(error)
        return self._sent

    def _received(self, request: Any, **_: object) -> Any:
        def header(name: str) -> str | None:
            value = request.headers.get(name)
            return value.decode() if isinstance(value, bytes) else value

        self._sent.append(sent(request.method, request.url, header))
        answer: Any = AWSResponse(request.url, 200, HTTPHeaders(), None)
        answer._content = SESSION if request.url.endswith("?session") else b""
        return answer


def theirs(
    region: str, settings: dict[str, Any], operation: str, params: dict[str, Any]
) -> list[Sent] | str:
    """What boto3 would send, or the message that it refuses with."""
    if "outpost" in str(params) or "--op-s3" in str(params):
        # Of the two ways of signing that are offered one needs a package that may be here or not.
        settings = {**settings, "auth_scheme_preference": "sigv4"}
    return _boto3(region, repr(settings)).call(operation, params)


@cache
def _boto3(region: str, settings: str) -> Boto3:
    return Boto3(region, literal_eval(settings))


_number = count()


def fresh(bucket: str) -> str:
    """*bucket*; a directory bucket under a new name, of which boto3 has no session yet."""
    return f"n{next(_number)}-{bucket}" if "--x" in bucket else bucket


class Aws:
    """A scripted server that answers for all of AWS's names, and a session that finds it."""

    def __init__(self, server: ScriptedServer, session: aiohttp.ClientSession) -> None:
        self.server = server
        self.session = session

    def client(self, region: str = "", url: str | None = None, **settings: Any) -> S3Client:
        return S3Client(
            self.session,
            url,
            region=region,
            access_key_id=KEYS[0],
            secret_access_key=KEYS[1],
            config=ClientConfig(**settings),
        )

    @property
    def sent(self) -> list[Sent]:
        """What arrived so far, which is forgotten then."""
        requests = [
            sent(
                request.method, f"https://{request.header('Host')}{request.target}", request.header
            )
            for request in self.server.requests
        ]
        self.server.requests.clear()
        return requests


def answered(request: Recorded) -> Reply:
    if request.target.endswith("?session") or request.target.endswith("?session="):
        return reply(200, {"Content-Type": "application/xml"}, SESSION)
    return reply(200)


class ToServer(AbstractResolver):
    """Every name is the loopback address, at one port."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=self._port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing is held."""


@pytest.fixture(scope="module")
def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("any.host").configure_cert(context)
    return context


@pytest.fixture
async def aws(scripted: StartScript, tls: ssl.SSLContext) -> AsyncIterator[Aws]:
    server = await scripted(rest=answered, ssl_context=tls)
    connector = aiohttp.TCPConnector(ssl=False, resolver=ToServer(server.port))
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Aws(server, session)


async def called(client: S3Client, operation: str, params: dict[str, Any]) -> str | None:
    """Call *operation*; the rules' message where they refuse."""
    try:
        await getattr(client.api, METHODS[operation])(**params)
    except EndpointError as refused:
        return str(refused)
    except S3Error:
        return None  # Of the empty answer; the request was made.
    return None


def same(ours: list[Sent], refused: str | None, expected: list[Sent] | str) -> None:
    if isinstance(expected, str):
        assert refused
        assert expected.endswith(refused)
        assert ours == []
    else:
        assert (ours, refused) == (expected, None)


PATH = {"s3": {"addressing_style": "path"}}
VIRTUAL = {"s3": {"addressing_style": "virtual"}}
DUAL = {"use_dualstack_endpoint": True}
FIPS = {"use_fips_endpoint": True}
ACCELERATE = {"s3": {"use_accelerate_endpoint": True}}
ACCELERATE_DUAL = {"s3": {"use_accelerate_endpoint": True, "use_dualstack_endpoint": True}}
GLOBAL = {"s3": {"us_east_1_regional_endpoint": "legacy"}}
STRICT = {"s3": {"use_arn_region": False}}
NO_SESSION = {"s3": {"disable_s3_express_session_auth": True}}

GET, PUT, LIST = "GetObject", "PutObject", "ListObjectsV2"

CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("us-east-1", {}, ["bucket", "my.bucket", "Old_Bucket", "", POINT_HERE, OUTPOST, LAMBDA, ALIAS,
                       OUTPOST_ALIAS, DIRECTORY, ZONAL_POINT]),
    ("eu-west-1", {}, ["bucket", "", POINT]),
    ("cn-north-1", {}, ["bucket", "my.bucket", "", POINT_CN, POINT]),
    ("us-gov-west-1", {}, ["bucket", ""]),
    ("us-iso-east-1", {}, ["bucket", ""]),
    ("us-isob-east-1", {}, ["bucket"]),
    ("us-isof-south-1", {}, ["bucket"]),
    ("eu-isoe-west-1", {}, ["bucket"]),
    ("eusc-de-east-1", {}, ["bucket", ""]),
    ("aws-global", {}, ["bucket", "my.bucket", "", POINT_HERE]),
    ("us-west-2", PATH, ["bucket", "my.bucket", "", POINT, DIRECTORY.replace("use1", "usw2")]),
    ("us-west-2", VIRTUAL, ["bucket", "my.bucket", ""]),
    ("us-west-2", DUAL, ["bucket", "my.bucket", "", POINT, OUTPOST, LAMBDA, DIRECTORY]),
    ("us-east-1", FIPS, ["bucket", "", POINT, OUTPOST, LAMBDA, DIRECTORY]),
    ("us-gov-west-1", FIPS, ["bucket", ""]),
    ("us-east-1", FIPS | DUAL, ["bucket", "", POINT_HERE, DIRECTORY]),
    ("us-west-2", ACCELERATE, ["bucket", "my.bucket", "", POINT, OUTPOST, LAMBDA, DIRECTORY]),
    ("us-west-2", ACCELERATE_DUAL, ["bucket", ""]),
    ("us-east-1", GLOBAL, ["bucket", "my.bucket", ""]),
    ("eu-west-1", GLOBAL, ["bucket"]),
    ("us-east-1", STRICT, [POINT, POINT_HERE]),
    ("us-east-1", NO_SESSION, [DIRECTORY]),
]  # fmt: skip


@pytest.mark.parametrize(("region", "settings", "buckets"), CASES)
async def test_every_kind_of_bucket(
    aws: Aws, region: str, settings: dict[str, Any], buckets: list[str]
) -> None:
    for bucket in buckets:
        calls: list[tuple[str, dict[str, Any]]] = (
            [(GET, {"Bucket": fresh(bucket), "Key": "a/b c"}), (LIST, {"Bucket": fresh(bucket)})]
            if bucket
            else [("ListBuckets", {})]
        )
        for operation, params in calls:
            client = aws.client(region, legacy_bucket_names=True, **settings)
            expected = theirs(region, settings, operation, params)
            refused = await called(client, operation, params)
            same(aws.sent, refused, expected)


OPERATIONS_OF_DIRECTORIES: list[tuple[str, dict[str, Any]]] = [
    ("CreateBucket", {"CreateBucketConfiguration": {"Location": {"Name": "use1-az4"}}}),
    ("DeleteBucket", {}),
    ("HeadBucket", {}),
    ("GetBucketPolicy", {}),
    ("PutBucketPolicy", {"Policy": "{}"}),
    ("GetBucketEncryption", {}),
    ("ListMultipartUploads", {}),
    ("PutObject", {"Key": "k", "Body": b"abc"}),
    ("CopyObject", {"Key": "k", "CopySource": f"{DIRECTORY}/from"}),
    ("UploadPartCopy", {"Key": "k", "CopySource": "bucket/a", "UploadId": "u", "PartNumber": 1}),
    ("CreateSession", {}),
    ("ListDirectoryBuckets", {}),
]


@pytest.mark.parametrize("settings", [{}, FIPS | DUAL, NO_SESSION], ids=str)
async def test_every_kind_of_operation_on_a_directory_bucket(
    aws: Aws, settings: dict[str, Any]
) -> None:
    for operation, more in OPERATIONS_OF_DIRECTORIES:
        named = {} if operation == "ListDirectoryBuckets" else {"Bucket": fresh(DIRECTORY)}
        params = {**named, **more}
        client = aws.client("us-east-1", **settings)
        expected = theirs("us-east-1", settings, operation, params)
        refused = await called(client, operation, params)
        same(aws.sent, refused, expected)


@pytest.mark.parametrize("settings", [{}, DUAL, FIPS], ids=str)
async def test_the_answer_of_a_function_of_object_lambda(
    aws: Aws, settings: dict[str, Any]
) -> None:
    params = {"RequestRoute": "route", "RequestToken": "token", "StatusCode": 200}
    expected = theirs("eu-west-1", settings, "WriteGetObjectResponse", params)
    client = aws.client("eu-west-1", **settings)
    refused = await called(client, "WriteGetObjectResponse", params)
    same(aws.sent, refused, expected)


async def test_a_multi_region_access_point_is_signed_for_all_regions(aws: Aws) -> None:
    """boto3 needs awscrt for that; here the signature is held against the public key."""
    client = aws.client("eu-west-1")
    async with client.put(f"{MULTI_REGION}/a//ü key", b"abc") as response:
        assert response.status == 200
    async with client.get(f"{MULTI_REGION}/a key", params={"versionId": "a/b"}) as response:
        assert response.status == 200
    put, get = aws.server.requests
    assert (put.target, get.target) == ("/a//%C3%BC%20key", "/a%20key?versionId=a%2Fb")
    for request in (put, get):
        assert request.header("Host") == "mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com"
        assert request.header("X-Amz-Region-Set") == "*"
        verify_by_public_key(request)
    with pytest.raises(InvalidSignature):
        verify_by_public_key(replace(get, target=get.target + "c"))
    with pytest.raises(ValueError, match="SigV4a signs no forms"):
        client.generate_presigned_post(MULTI_REGION, "key")


def verify_by_public_key(request: Recorded) -> None:
    """Raises ``InvalidSignature``."""
    algorithm, _, rest = (request.header("Authorization") or "").partition(" ")
    fields = dict(field.split("=", 1) for field in rest.split(", "))
    names = fields["SignedHeaders"]
    assert "x-amz-region-set" in names.split(";")
    path, _, query = request.target.partition("?")
    headers = "".join(f"{name}:{request.header(name)}\n" for name in names.split(";"))
    payload_hash = request.header("x-amz-content-sha256")
    canonical = f"{request.method}\n{path}\n{query}\n{headers}\n{names}\n{payload_hash}"
    scope = fields["Credential"].partition("/")[2]
    hashed = sha256(canonical.encode()).hexdigest()
    text = f"{algorithm}\n{request.header('x-amz-date')}\n{scope}\n{hashed}"
    key = ec.derive_private_key(private_value(*KEYS), ec.SECP256R1()).public_key()
    key.verify(bytes.fromhex(fields["Signature"]), text.encode(), ec.ECDSA(SHA256()))


# What boto3 has no word for


async def test_the_verbs_take_an_access_points_arn(aws: Aws) -> None:
    host = "reports-123456789012.s3-accesspoint.us-west-2.amazonaws.com"
    async with aws.client("eu-west-1") as client:
        async with client.put(f"{POINT}/dir/a key", b"abc") as response:
            assert response.status == 200
        async with client.get(f"{POINT}/dir/a key") as response:
            assert response.status == 200
        async with client.head(POINT) as response:
            assert response.status == 200
        link = client.presign_url("GET", f"{POINT}/dir/a key")
        form = client.generate_presigned_post(POINT, "key")
        named = client.generate_presigned_url("get_object", {"Bucket": POINT, "Key": "key"})
    assert [(s.method, s.host, s.path, s.scope) for s in aws.sent] == [
        ("PUT", host, "/dir/a%20key", "us-west-2/s3"),
        ("GET", host, "/dir/a%20key", "us-west-2/s3"),
        ("HEAD", host, "/", "us-west-2/s3"),
    ]
    assert (link.host, link.raw_path) == (host, "/dir/a%20key")
    assert "/us-west-2/s3/aws4_request" in link.query["X-Amz-Credential"]
    assert form["url"] == f"https://{host}/"
    assert "/us-west-2/s3/aws4_request" in form["fields"]["x-amz-credential"]
    assert named.startswith(f"https://{host}/key?")


async def test_managed_transfers_take_an_access_points_arn(aws: Aws, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    async with aws.client("eu-west-1") as client:
        await client.upload_file(str(tmp_path / "file"), POINT, "key")
    assert aws.sent[0].host == "reports-123456789012.s3-accesspoint.us-west-2.amazonaws.com"


async def test_an_access_point_as_the_source_of_a_copy(
    scripted: StartScript, tls: ssl.SSLContext
) -> None:
    copied = reply(200, body='<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>')
    server = await scripted(copied, ssl_context=tls)
    connector = aiohttp.TCPConnector(ssl=False, resolver=ToServer(server.port))
    async with aiohttp.ClientSession(connector=connector) as session:
        await Aws(server, session).client("eu-west-1").copy(f"{POINT}/a key", "bucket/key")
    (request,) = server.requests
    assert request.header("x-amz-copy-source") == f"{quote(POINT, safe='/')}/object/a%20key"


async def test_the_verbs_know_the_control_plane_of_directory_buckets(aws: Aws) -> None:
    client = aws.client("us-east-1")
    async with client.get(DIRECTORY, params={"policy": ""}) as response:
        assert response.status == 200
    async with client.delete(DIRECTORY) as response:
        assert response.status == 200
    host = "s3express-control.us-east-1.amazonaws.com"
    assert [(s.host, s.path, s.scope, s.key_id) for s in aws.sent] == [
        (host, f"/{DIRECTORY}", "us-east-1/s3express", KEYS[0]),
        (host, f"/{DIRECTORY}", "us-east-1/s3express", KEYS[0]),
    ]
    link = client.presign_url("GET", DIRECTORY, params={"policy": ""})
    assert (link.host, link.path) == (host, f"/{DIRECTORY}")


@pytest.mark.parametrize(
    ("zone", "type_of_zone", "redundancy"),
    [
        ("use1-az4", "AvailabilityZone", "SingleAvailabilityZone"),
        ("usw2-lax1-az1", "LocalZone", "SingleLocalZone"),
    ],
)
async def test_a_directory_bucket_is_made_in_the_zone_of_its_name(
    aws: Aws, zone: str, type_of_zone: str, redundancy: str
) -> None:
    bucket = f"data--{zone}--x-s3"
    await aws.client("us-west-2").create_bucket(bucket)
    (request,) = aws.server.requests
    assert (request.method, request.target) == ("PUT", f"/{bucket}")
    assert request.header("Host") == "s3express-control.us-west-2.amazonaws.com"
    body = request.body.decode()
    assert f"<Location><Type>{type_of_zone}</Type><Name>{zone}</Name></Location>" in body
    assert f"<DataRedundancy>{redundancy}</DataRedundancy>" in body
    assert "<Type>Directory</Type>" in body
    assert "LocationConstraint" not in body


async def test_the_region_of_a_directory_bucket_is_not_to_be_chosen(aws: Aws) -> None:
    with pytest.raises(ValueError, match=r"region: 'eu-west-1'.* is made in the zone"):
        await aws.client("us-east-1").create_bucket(DIRECTORY, region="eu-west-1")
    assert aws.sent == []


@pytest.mark.parametrize(
    ("host", "key_id", "scope"),
    [
        ("bucket.s3.eu-west-1.amazonaws.com", KEYS[0], "eu-west-1/s3"),
        ("s3-fips.dualstack.us-west-2.amazonaws.com", KEYS[0], "us-west-2/s3"),
        ("bucket.s3.amazonaws.com", KEYS[0], "us-east-1/s3"),
        ("other.example.com", KEYS[0], "us-east-1/s3"),
        ("reports-123456789012.s3-accesspoint.us-west-2.amazonaws.com", KEYS[0], "us-west-2/s3"),
        ("redact-123456789012.s3-object-lambda.us-west-2.amazonaws.com", KEYS[0],
         "us-west-2/s3-object-lambda"),
        ("s3express-control.us-west-2.amazonaws.com", KEYS[0], "us-west-2/s3express"),
        (f"{DIRECTORY}.s3express-use1-az4.us-east-1.amazonaws.com", SESSION_KEY,
         "us-east-1/s3express"),
    ],
)  # fmt: skip
async def test_a_whole_url_is_signed_as_its_host_says(
    aws: Aws, host: str, key_id: str, scope: str
) -> None:
    client = aws.client("us-east-1")
    if key_id == SESSION_KEY:
        await client.resolve_credentials(bucket=DIRECTORY)
    link = client.presign_url("GET", URL(f"https://{host}/bucket/a%20key"))
    assert (link.host, link.raw_path) == (host, "/bucket/a%20key")
    found, _, signed_for, service, _ = link.query["X-Amz-Credential"].split("/")
    assert (found, f"{signed_for}/{service}") == (key_id, scope)


async def test_a_directory_bucket_may_be_a_bucket_as_any_other(aws: Aws) -> None:
    async with aws.client("us-east-1", enable_s3express=False).get(f"{DIRECTORY}/key"):
        pass
    (request,) = aws.sent
    assert request.host == f"{DIRECTORY}.s3.us-east-1.amazonaws.com"
    assert (request.scope, request.session_token) == ("us-east-1/s3", None)


async def test_what_the_rules_refuse_is_not_sent(aws: Aws) -> None:
    client = aws.client("us-east-1", use_dualstack_endpoint=True)
    with pytest.raises(EndpointError, match="S3 MRAP does not support dual-stack"):
        await client.get(f"{MULTI_REGION}/key")
    with pytest.raises(EndpointError, match="S3 MRAP does not support dual-stack"):
        client.presign_url("GET", f"{MULTI_REGION}/key")
    assert aws.sent == []


async def test_p16_a_correction_keeps_fips_and_dual_stack(
    scripted: StartScript, tls: ssl.SSLContext
) -> None:
    elsewhere = reply(301, {"x-amz-bucket-region": "us-west-2"})
    server = await scripted(elsewhere, reply(200), ssl_context=tls)
    connector = aiohttp.TCPConnector(ssl=False, resolver=ToServer(server.port))
    async with aiohttp.ClientSession(connector=connector) as session:
        aws = Aws(server, session)
        client = aws.client("us-east-1", use_fips_endpoint=True, use_dualstack_endpoint=True)
        async with client.get("bucket/key") as response:
            assert response.status == 200
    assert [(s.host, s.scope) for s in aws.sent] == [
        ("bucket.s3-fips.dualstack.us-east-1.amazonaws.com", "us-east-1/s3"),
        ("bucket.s3-fips.dualstack.us-west-2.amazonaws.com", "us-west-2/s3"),
    ]


async def test_p16_no_region_is_learnt_of_an_access_point(
    scripted: StartScript, tls: ssl.SSLContext
) -> None:
    server = await scripted(reply(403, {"x-amz-bucket-region": "eu-west-1"}), ssl_context=tls)
    connector = aiohttp.TCPConnector(ssl=False, resolver=ToServer(server.port))
    async with aiohttp.ClientSession(connector=connector) as session:
        aws = Aws(server, session)
        async with aws.client("eu-west-1").get(f"{POINT}/key") as response:
            assert response.status == 403
    assert [s.scope for s in aws.sent] == ["us-west-2/s3"]
