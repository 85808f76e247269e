"""A wrong region or host is corrected once and remembered (P16); clocks too (P24)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from aiohttp_s3_client.errors import PermanentRedirect

from ..servers.scripted import StartScript
from ..servers.steps import Recorded, Step, reply
from .scripts import client_for, error

OK = reply(200, {"ETag": '"x"'}, b"body")
REGION = {"x-amz-bucket-region": "eu-central-1"}


def region_of(request: Recorded) -> str:
    """The region that *request* was signed for."""
    credential = (request.header("Authorization") or "").partition("Credential=")[2]
    return credential.split("/")[2]


REFUSALS = {
    "301 with the header": error(301, "PermanentRedirect", headers=REGION),
    "307 with the header": error(307, "TemporaryRedirect", headers=REGION),
    "400 with the element": error(
        400, "AuthorizationHeaderMalformed", extra="<Region>eu-central-1</Region>"
    ),
    "400 with the header": error(400, "AuthorizationHeaderMalformed", headers=REGION),
    "403 with the header": error(403, "SignatureDoesNotMatch", headers=REGION),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
async def test_p16_the_buckets_region_is_learnt_and_remembered(
    scripted: StartScript, refusal: Step
) -> None:
    server = await scripted(refusal, OK, OK, OK)
    async with client_for(server) as client:
        for name in ("bucket/key", "bucket/other", "elsewhere/key"):
            async with client.get(name) as response:
                assert await response.read() == b"body"
    regions = [region_of(request) for request in server.requests]
    assert regions == ["us-east-1", "eu-central-1", "eu-central-1", "us-east-1"]


@pytest.mark.parametrize("status", [301, 400, 403])
async def test_p16_head_learns_from_the_header(scripted: StartScript, status: int) -> None:
    server = await scripted(reply(status, REGION), reply(200))
    async with client_for(server) as client, client.head("bucket/key") as response:
        assert response.status == 200
    assert region_of(server.requests[1]) == "eu-central-1"


@pytest.mark.parametrize("status", [301, 400])
async def test_p16_head_asks_once_with_a_body(scripted: StartScript, status: int) -> None:
    refusal = error(400, "AuthorizationHeaderMalformed", extra="<Region>eu-central-1</Region>")
    server = await scripted(reply(status), refusal, reply(200))
    async with client_for(server) as client, client.head("bucket/key") as response:
        assert response.status == 200
    assert [request.method for request in server.requests] == ["HEAD", "GET", "HEAD"]
    assert server.requests[1].header("Range") == "bytes=0-0"
    assert region_of(server.requests[2]) == "eu-central-1"


async def test_p16_a_head_that_is_simply_refused_costs_one_question(scripted: StartScript) -> None:
    server = await scripted(reply(403), error(403, "AccessDenied"))
    async with client_for(server) as client, client.head("bucket/key") as response:
        assert response.status == 403
    assert len(server.requests) == 2


async def test_p16_a_bucket_known_to_be_right_is_not_asked(scripted: StartScript) -> None:
    server = await scripted(OK, reply(403))
    async with client_for(server) as client:
        async with client.get("bucket/key") as response:
            await response.read()
        async with client.head("bucket/key") as response:
            assert response.status == 403
    assert len(server.requests) == 2


@pytest.mark.parametrize("regions", [("eu-west-1",), ("eu-west-1", "eu-west-2"), ("",)])
async def test_p16_contradictory_servers_end_redirects(
    scripted: StartScript, regions: tuple[str, ...]
) -> None:
    count = 0

    def answer(_: Recorded) -> Step:
        nonlocal count
        count += 1
        return error(
            301,
            "PermanentRedirect",
            headers={"x-amz-bucket-region": regions[count % len(regions)]},
        )

    server = await scripted(rest=answer)
    async with client_for(server) as client:
        async with client.get("bucket/key") as response:
            assert response.status == 301
        asked = len(server.requests)
        with pytest.raises(PermanentRedirect):
            await client.rename("bucket/key", "bucket/other")
    assert asked <= 5
    assert len(server.requests) <= 10


async def test_p16_endless_locations_end(scripted: StartScript) -> None:
    server = await scripted(rest=reply(307, {"Location": "/bucket/key?again"}))
    async with client_for(server) as client, client.get("bucket/key") as response:
        assert response.status == 307
    assert len(server.requests) <= 5


async def test_p16_a_redirect_is_signed_anew_for_the_new_host(scripted: StartScript) -> None:
    target = await scripted(OK)
    server = await scripted(
        error(307, "TemporaryRedirect", headers={"Location": f"{target.url}/bucket/a%2Bb?x=1"})
    )
    async with client_for(server) as client, client.get("bucket/a+b") as response:
        assert await response.read() == b"body"
    first, second = server.requests[0], target.requests[0]
    assert second.header("Host") == f"127.0.0.1:{target.port}"
    assert second.target == "/bucket/a%2Bb?x=1"
    assert second.header("Authorization") != first.header("Authorization")


async def test_p16_a_redirected_put_sends_its_body_again(scripted: StartScript) -> None:
    target = await scripted(reply(200))
    server = await scripted(reply(307, {"Location": f"{target.url}/bucket/key"}))
    async with client_for(server) as client, client.put("bucket/key", b"abc") as response:
        assert response.status == 200
    assert bytes(target.requests[0].body) == b"abc"


@pytest.mark.parametrize("region", ["evil.com/", "../x", "a b", "*", "us-west-2/s3", "evil.com#"])
@pytest.mark.parametrize("in_body", [False, True])
async def test_p16_what_cannot_be_a_region_is_not_learnt(
    scripted: StartScript, region: str, in_body: bool
) -> None:
    """The answer is told, and the bucket can still be asked for."""
    extra = f"<Region>{region}</Region>" if in_body else ""
    headers = {} if in_body else {"x-amz-bucket-region": region}
    refusal = error(400, "AuthorizationHeaderMalformed", extra=extra, headers=headers)
    server = await scripted(refusal, OK)
    async with client_for(server) as client:
        async with client.get("bucket/key") as response:
            assert response.status == 400
        async with client.get("bucket/key") as response:
            assert response.status == 200
    assert [region_of(request) for request in server.requests] == ["us-east-1", "us-east-1"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_p16_no_redirect_to_a_foreign_host(scripted: StartScript, status: int) -> None:
    """``localhost`` is another name than ``127.0.0.1``: the signed request stays here."""
    foreign = await scripted()
    server = await scripted(
        reply(status, {"Location": f"http://localhost:{foreign.port}/bucket/key"})
    )
    async with client_for(server) as client, client.get("bucket/key") as response:
        assert response.status == status
    assert not foreign.requests
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "location",
    [
        "",
        "http://[bad",
        "ftp://127.0.0.1/x",
        "http://127.0.0.1:99999/x",
        "http://127.0.0.1:80.evil/x",
        "http://127.0.0.1:0/x",
        "http://xn--.127.0.0.1/x",
        "http://\xfc.127.0.0.1/x",
        "http://evil.com\\.127.0.0.1/x",
    ],
)
async def test_p16_an_odd_location_is_not_followed(scripted: StartScript, location: str) -> None:
    server = await scripted(reply(307, {"Location": location}))
    async with client_for(server) as client, client.get("bucket/key") as response:
        assert response.status == 307


# Clocks


def skewed(hours: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)


def signed_at(request: Recorded) -> datetime:
    stamp = request.header("x-amz-date") or ""
    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


@pytest.mark.parametrize("code", ["RequestTimeTooSkewed", "RequestExpired"])
async def test_p24_the_servers_time_is_learnt_and_the_request_repeated(
    scripted: StartScript, code: str
) -> None:
    server = await scripted(error(403, code, headers={"Date": skewed(5)}), OK, OK)
    async with client_for(server) as client:
        for _ in range(2):
            async with client.get("bucket/key") as response:
                assert response.status == 200
    ahead = [signed_at(r) - datetime.now(UTC) for r in server.requests]
    assert abs(ahead[0]) < timedelta(minutes=1)
    assert all(abs(found - timedelta(hours=5)) < timedelta(minutes=1) for found in ahead[1:])


async def test_p24_it_is_learnt_once(scripted: StartScript) -> None:
    server = await scripted(
        error(403, "RequestTimeTooSkewed", headers={"Date": skewed(5)}),
        error(403, "RequestTimeTooSkewed", headers={"Date": skewed(-5)}),
    )
    async with client_for(server) as client, client.get("bucket/key") as response:
        assert response.status == 403
    assert len(server.requests) == 2


async def test_p24_head_learns_from_the_date_alone(scripted: StartScript) -> None:
    server = await scripted(reply(403, {"Date": skewed(-3)}), reply(200))
    async with client_for(server) as client, client.head("bucket/key") as response:
        assert response.status == 200
    assert signed_at(server.requests[1]) < datetime.now(UTC) - timedelta(hours=2)


async def test_p24_a_refusal_without_a_date_is_final(scripted: StartScript) -> None:
    server = await scripted(error(403, "RequestTimeTooSkewed"))
    async with client_for(server) as client, client.get("bucket/key") as response:
        assert response.status == 403
    assert len(server.requests) == 1
