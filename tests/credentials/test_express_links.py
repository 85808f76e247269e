"""Links and forms to directory buckets: signed with the bucket's session, and ended by it."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest
from yarl import URL

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.credentials import AnonymousCredentials, StaticCredentials
from aiohttp_s3_client.errors import AccessDenied, CredentialsError

from ..servers.scripted import StartScript
from ..servers.zone import BASE_KEY, BASE_SECRET, LIFE, Zone

BUCKET = "data--use1-az4--x-s3"


@pytest.fixture
def zone() -> Zone:
    return Zone()


@pytest.fixture
async def client(zone: Zone, scripted: StartScript) -> AsyncIterator[S3Client]:
    server = await scripted(rest=zone)
    made = S3Client(
        url=server.url,
        region="us-east-1",
        credentials=StaticCredentials(BASE_KEY, BASE_SECRET),
    )
    async with made:
        yield made


async def status_of(link: object, method: str = "GET") -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, URL(str(link), encoded=True)) as response,
    ):
        return response.status


async def test_a_link_is_the_session_s(zone: Zone, client: S3Client) -> None:
    snapshot = await client.resolve_credentials(bucket=BUCKET)
    assert snapshot.session_token == zone.sessions[0].token
    link = client.presign_url("GET", f"{BUCKET}/a b+c", expires=60)
    by_name = client.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "a b+c"}, 60)
    for made in (link, URL(by_name, encoded=True)):
        assert made.query["X-Amz-S3session-Token"] == zone.sessions[0].token
        assert "X-Amz-Security-Token" not in made.query
        assert "/us-east-1/s3express/aws4_request" in made.query["X-Amz-Credential"]
        assert made.query["X-Amz-Expires"] == "60"
        assert await status_of(made) == 200
        assert await status_of(str(made).replace("X-Amz-Expires=60", "X-Amz-Expires=61")) == 403
    assert len(zone.asked) == 1
    zone.revoke()
    assert await status_of(link) == 400


async def test_the_session_has_to_be_there(zone: Zone, client: S3Client) -> None:
    needed = rf"await client.resolve_credentials\(bucket='{BUCKET}'\)"
    with pytest.raises(CredentialsError, match=needed):
        client.presign_url("GET", f"{BUCKET}/key")
    with pytest.raises(CredentialsError, match=needed):
        client.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "key"})
    with pytest.raises(CredentialsError, match=needed):
        client.generate_presigned_post(BUCKET, "key")
    assert zone.asked == []
    async with client.get(f"{BUCKET}/key") as response:  # Whatever asked for it.
        assert response.status == 200
    assert await status_of(client.presign_url("GET", f"{BUCKET}/key", expires=1)) == 200
    client._engine.pipeline.clock.offset = timedelta(seconds=LIFE + 1)
    with pytest.raises(CredentialsError, match=needed):
        client.presign_url("GET", f"{BUCKET}/key")


async def test_the_session_s_end_is_the_link_s(client: S3Client) -> None:
    await client.resolve_credentials(bucket=BUCKET)
    with pytest.warns(UserWarning, match="expires: 86400 s are wanted"):
        link = client.presign_url("GET", f"{BUCKET}/key")
    assert LIFE - 5 <= int(link.query["X-Amz-Expires"]) <= LIFE
    with pytest.warns(UserWarning, match="expires_in: 3600 s are wanted"):
        client.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "key"})


async def test_a_form(zone: Zone, client: S3Client) -> None:
    await client.resolve_credentials(bucket=BUCKET)
    form = client.generate_presigned_post(BUCKET, "key", expires_in=60)
    (session,) = zone.sessions
    assert form["fields"]["X-Amz-S3session-Token"] == session.token
    assert "x-amz-security-token" not in form["fields"]
    assert form["fields"]["x-amz-credential"].startswith(f"{session.key}/")
    policy = json.loads(b64decode(form["fields"]["policy"]))
    assert {"X-Amz-S3session-Token": session.token} in policy["conditions"]


async def test_a_refused_session_is_told(zone: Zone, client: S3Client) -> None:
    zone.refusal = (403, "AccessDenied")
    with pytest.raises(AccessDenied) as raised:
        await client.resolve_credentials(bucket=BUCKET)
    assert raised.value.operation == "CreateSession"


async def test_an_ordinary_bucket_has_no_session(zone: Zone, scripted: StartScript) -> None:
    server = await scripted(rest=zone)
    async with S3Client(
        url=server.url, region="us-east-1", credentials=StaticCredentials(BASE_KEY, BASE_SECRET)
    ) as client:
        assert (await client.resolve_credentials(bucket="data")).access_key_id == BASE_KEY
        assert (await client.resolve_credentials()).access_key_id == BASE_KEY
        assert zone.asked == []
        with pytest.raises(ValueError, match="bucket"):
            await client.resolve_credentials(bucket="No Bucket")


async def test_without_credentials_nothing_is_signed(zone: Zone, scripted: StartScript) -> None:
    server = await scripted(rest=zone)
    client = S3Client(url=server.url, region="us-east-1", credentials=AnonymousCredentials())
    with pytest.raises(ValueError, match="anonymous"):
        client.presign_url("GET", f"{BUCKET}/key")
