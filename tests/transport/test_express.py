"""What is done otherwise for directory buckets (S3 Express) than for ordinary ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import boto3
import pytest
from yarl import URL

from aiohttp_s3_client import ClientConfig, S3Client
from aiohttp_s3_client.credentials import StaticCredentials
from aiohttp_s3_client.errors import ChecksumMismatch
from aiohttp_s3_client.protocol import checksums

from ..servers.resolver import LoopbackResolver
from ..servers.scripted import StartScript
from ..servers.steps import Recorded, Step, drop, reply
from ..servers.zone import BASE_KEY, BASE_SECRET, Zone

BUCKET = "data--use1-az4--x-s3"
ACCESS_POINT = "point--use1-az4--xa-s3"


@pytest.fixture
def zone() -> Zone:
    return Zone()


@pytest.fixture
async def client(zone: Zone, scripted: StartScript) -> AsyncIterator[S3Client]:
    server = await scripted(rest=zone, inquiry=zone)
    async with client_of(server.url) as made:
        yield made


def client_of(url: str, config: ClientConfig | None = None) -> S3Client:
    return S3Client(
        url=url,
        region="us-east-1",
        credentials=StaticCredentials(BASE_KEY, BASE_SECRET),
        config=config,
    )


def scope_of(request: Recorded) -> str:
    return (request.header("Authorization") or "").partition(",")[0].rpartition(" ")[2]


@pytest.mark.parametrize("bucket", [BUCKET, ACCESS_POINT])
async def test_access_points_have_sessions_too(zone: Zone, client: S3Client, bucket: str) -> None:
    async with client.get(f"{bucket}/key") as response:
        assert response.status == 200
    assert zone.sessions[0].bucket == bucket


async def test_copies_are_signed_with_the_client_s_own_credentials(
    zone: Zone, client: S3Client
) -> None:
    """Neither CopyObject nor UploadPartCopy takes a session."""
    zone.answer = reply(200, body='<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>')
    await client.api.copy_object(Bucket=BUCKET, Key="to", CopySource=f"{BUCKET}/from")
    await client.copy(f"{BUCKET}/from", f"{BUCKET}/to")
    zone.answer = reply(200, body='<CopyPartResult><ETag>"e"</ETag></CopyPartResult>')
    await client.api.upload_part_copy(
        Bucket=BUCKET, Key="to", CopySource=f"{BUCKET}/from", UploadId="id", PartNumber=1
    )
    assert len(zone.served) == 3
    assert zone.asked == []
    for request, _ in zone.served:
        assert scope_of(request).startswith(f"Credential={BASE_KEY}/")
        assert "/s3express/" in scope_of(request)


async def test_session_auth_can_be_switched_off(scripted: StartScript) -> None:
    server = await scripted(rest=reply(200))
    config = ClientConfig(disable_s3express_session_auth=True)
    async with client_of(server.url, config) as client, client.get(f"{BUCKET}/key"):
        pass
    (request,) = server.requests
    assert request.header("x-amz-s3session-token") is None
    assert "/s3express/" in scope_of(request)


async def test_the_whole_of_it_can_be_switched_off(scripted: StartScript) -> None:
    server = await scripted(rest=reply(200))
    config = ClientConfig(enable_s3express=False)
    async with client_of(server.url, config) as client, client.get(f"{BUCKET}/key"):
        pass
    (request,) = server.requests
    assert request.header("x-amz-s3session-token") is None
    assert "/s3/" in scope_of(request)


async def test_deleting_goes_with_a_crc32(zone: Zone, client: S3Client) -> None:
    """Directory buckets take no MD5, which other servers know best."""
    zone.answer = reply(200, body="<DeleteResult></DeleteResult>")
    await client.delete_objects(["a", "b"], bucket=BUCKET)
    ((request, _),) = zone.served
    assert request.header("Content-MD5") is None
    crc = checksums.encode(checksums.compute("CRC32", request.body))
    assert request.header("x-amz-checksum-crc32") == crc


async def test_odd_keys_are_deleted_one_by_one(zone: Zone, client: S3Client) -> None:
    """A directory bucket refuses the whole batch for one of them."""
    zone.answer = reply(200, body="<DeleteResult></DeleteResult>")
    result = await client.delete_objects(["a", " ", "\u2028\t", "b\x85", "b c"], bucket=BUCKET)
    assert result.errors == []
    asked = [(request.method, request.target) for request, _ in zone.served]
    batches = [request.body for request, _ in zone.served if request.method == "POST"]
    assert len(batches) == 1
    assert [key in batches[0] for key in (b">a<", b">b c<", b"> <")] == [True, True, False]
    singles = sorted(target.partition(f"{BUCKET}/")[2] for verb, target in asked if verb != "POST")
    assert singles == ["%20", "%E2%80%A8%09", "b%C2%85"]


CONTENT = b"the content"
RANDOM = '"0123456789abcdef0123456789abcdef"'
"""An ETag that looks like an MD5, and is none."""


@pytest.mark.parametrize(
    ("bucket", "headers", "md5_is_meant"),
    [
        (BUCKET, {}, False),
        (ACCESS_POINT, {}, False),
        ("other", {"x-amz-storage-class": "EXPRESS_ONEZONE"}, False),
        ("other", {"x-amz-storage-class": "ONEZONE_IA"}, True),
    ],
)
async def test_an_etag_is_no_md5(
    zone: Zone,
    scripted: StartScript,
    tmp_path: Path,
    bucket: str,
    headers: dict[str, str],
    md5_is_meant: bool,
) -> None:
    """Elsewhere the same answers are a mismatch."""
    told = {"ETag": RANDOM, "Content-Range": f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}"}
    zone.answer = reply(206, {**told, **headers}, CONTENT)
    plain = reply(200, {"ETag": RANDOM, "Content-Length": str(len(CONTENT)), **headers})
    rest: Step = zone if bucket != "other" else zone.answer
    server = await scripted(rest=rest, inquiry=plain)
    async with client_of(server.url) as client:
        path = tmp_path / "file"
        if md5_is_meant:
            with pytest.raises(ChecksumMismatch):
                await client.download_file(bucket, "key", path)
            assert not path.exists()
        else:
            await client.download_file(bucket, "key", path)
            assert path.read_bytes() == CONTENT


async def test_p10_a_lost_complete_is_found_again(zone: Zone, scripted: StartScript) -> None:
    """P10: not by its ETag, which is random and may look like one of parts."""
    date = "Sat, 21 Nov 2026 10:00:00 GMT"

    def upload(request: Recorded) -> Step:
        if request.method == "POST" and "uploads" in request.target:
            text = "<R><UploadId>id</UploadId></R>".replace("R>", "InitiateMultipartUploadResult>")
            return reply(200, {"Date": date}, text)
        if request.method == "PUT":
            return reply(200, {"ETag": RANDOM})
        if request.method == "POST":
            completes.append(request)
            if len(completes) == 1:
                return drop()
            return reply(404, body="<Error><Code>NoSuchUpload</Code></Error>")
        if request.method == "HEAD":
            size = str(sum(each.body_size for each, _ in zone.served if each.method == "PUT"))
            found = {"ETag": f'{RANDOM[:-1]}-1"', "Content-Length": size, "Last-Modified": date}
            return reply(200, {**found, "Date": date})
        return reply(204)

    completes: list[Recorded] = []
    zone.answer = upload
    server = await scripted(rest=zone, inquiry=zone)
    async with client_of(server.url) as client:
        async with client.multipart_upload(f"{BUCKET}/key") as parts:
            await parts.put_part(b"data")
    assert len(completes) == 2


async def test_a_listing_in_no_order_starts_nowhere(zone: Zone, client: S3Client) -> None:
    with pytest.raises(ValueError, match=f"start_after: '{BUCKET}' is a directory bucket"):
        client.list_objects_v2(bucket=BUCKET, start_after="key")
    assert zone.asked == []


async def test_a_renamed_object_has_another_etag(scripted: StartScript) -> None:
    """Elsewhere that means that something else was copied."""
    copied = "<CopyObjectResult><ETag>&quot;fedcba98765432100123456789abcdef&quot;</ETag>"
    server = await scripted(
        reply(200, {"ETag": RANDOM}), reply(200, body=f"{copied}</CopyObjectResult>"), reply(204)
    )
    connector = aiohttp.TCPConnector(resolver=LoopbackResolver())
    async with aiohttp.ClientSession(connector=connector) as session:
        client = S3Client(
            session,
            f"http://zone.localhost:{server.port}",
            region="us-east-1",
            credentials=StaticCredentials(BASE_KEY, BASE_SECRET),
            config=ClientConfig(disable_s3express_session_auth=True),
        )
        await client.rename(f"{BUCKET}/a", f"{BUCKET}/b")
    assert [request.method for request in server.requests] == ["HEAD", "PUT", "DELETE"]


async def test_the_zone_of_these_tests_serves_boto3_too(zone: Zone, scripted: StartScript) -> None:
    server = await scripted(rest=zone)

    def ask() -> str:
        client = boto3.client(
            "s3",
            endpoint_url=server.url,
            region_name="us-east-1",
            aws_access_key_id=BASE_KEY,
            aws_secret_access_key=BASE_SECRET,
        )
        client.put_object(Bucket=BUCKET, Key="a b", Body=b"data")
        client.copy_object(Bucket=BUCKET, Key="to", CopySource=f"{BUCKET}/from")
        return str(client.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "k"}, 60))

    zone.answer = reply(200, body='<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>')
    link = await asyncio.to_thread(ask)
    url = URL(link, encoded=True)
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 200
    assert (len(zone.asked), len(zone.served), zone.refused) == (1, 3, [])
