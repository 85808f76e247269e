"""How STS and single sign-on are asked: hosts, the user's proxy and certificates, patience."""

from __future__ import annotations

import asyncio
import gzip
import json
import pickle
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import botocore
import pytest
import trustme
from botocore.endpoint_provider import EndpointProvider
from yarl import URL

from aiohttp_s3_client.credentials import service_access
from aiohttp_s3_client.credentials.config_file import Section
from aiohttp_s3_client.credentials.service_access import (
    ServiceAccess,
    ServiceError,
    call,
    proxy_for,
)
from aiohttp_s3_client.errors import ConfigurationError, S3TimeoutError
from aiohttp_s3_client.transport.fetch import DIRECT, Fetched
from tests.servers.scripted import ScriptedServer
from tests.servers.steps import Step, drop, hang, reply

Scripted = Callable[..., Awaitable[ScriptedServer]]

REGIONS = (
    "us-east-1", "eu-central-1", "eu-central-2", "cn-north-1", "us-gov-west-1", "us-iso-east-1",
    "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1", "eusc-de-east-1", "made-up-9",
)  # fmt: skip
DATA = Path(botocore.__file__).parent / "data"
VERSIONS = {"sts": "2011-06-15", "sso": "2019-06-10", "sso_oidc": "2019-06-10"}


@pytest.mark.parametrize("service", VERSIONS)
@pytest.mark.parametrize("fips", [True, False])
@pytest.mark.parametrize("dualstack", [True, False])
@pytest.mark.parametrize("legacy", [True, False])
def test_hosts_as_botocore_has_them(
    service: str, fips: bool, dualstack: bool, legacy: bool
) -> None:
    folder = DATA / service.replace("_", "-") / VERSIONS[service]
    rules = json.loads(gzip.decompress((folder / "endpoint-rule-set-1.json.gz").read_bytes()))
    partitions = json.loads((DATA / "partitions.json").read_text())
    oracle = EndpointProvider(rules, partitions)
    for region in (*REGIONS, *(["aws-global"] if service == "sts" else [])):
        given = {"Region": region, "UseFIPS": fips, "UseDualStack": dualstack}
        if service == "sts":
            given["UseGlobalEndpoint"] = legacy
        theirs = oracle.resolve_endpoint(**given)
        ours, signed_for = ServiceAccess(service, region, None, fips, dualstack, legacy).address()
        assert str(ours) == f"{theirs.url}/"
        schemes = theirs.properties.get("authSchemes")
        assert signed_for == (schemes[0]["signingRegion"] if schemes else region)


def test_sts_of_no_region_is_the_global_one() -> None:
    url, region = ServiceAccess("sts").address()
    assert (str(url), region) == ("https://sts.amazonaws.com/", "us-east-1")
    url, region = ServiceAccess("sts").address("eu-west-1")
    assert (str(url), region) == ("https://sts.eu-west-1.amazonaws.com/", "eu-west-1")


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://localhost:4566", "http://localhost:4566/"),
        ("https://proxy.example/sts", "https://proxy.example/sts/"),
        ("https://proxy.example/sts/", "https://proxy.example/sts/"),
    ],
)
def test_an_endpoint_of_ones_own(given: str, used: str) -> None:
    url, region = ServiceAccess("sts", "eu-west-1", given).address()
    assert (str(url), region) == (used, "eu-west-1")
    assert ServiceAccess("sts", "", given).address()[1] == "us-east-1"


@pytest.mark.parametrize(
    "url", ["localhost", "ftp://x", "http://", "http://x?y=1", "http://[x", "http://a:b@x"]
)
def test_an_endpoint_that_is_none(url: str) -> None:
    with pytest.raises(ConfigurationError, match="endpoint of sts must be like https://host"):
        ServiceAccess("sts", endpoint_url=url).address()


@pytest.mark.parametrize("region", ["evil.example/", "a b", "x@y", "-"])
def test_a_region_that_is_none(region: str) -> None:
    for endpoint in (None, "http://localhost"):
        with pytest.raises(ConfigurationError, match="cannot be the region of sts"):
            ServiceAccess("sts", region, endpoint).address()


def test_what_environment_and_profile_say() -> None:
    profile = Section({"region": "eu-west-1", "sts_regional_endpoints": "legacy"})
    environ = {
        "AWS_ENDPOINT_URL_STS": "http://sts",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_CA_BUNDLE": "/c",
    }
    assert ServiceAccess.of("sts", environ, profile) == ServiceAccess(
        "sts", "eu-west-1", "http://sts", True, False, True, "/c"
    )
    assert ServiceAccess.of("sso", {}) == ServiceAccess("sso")


def test_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    url = URL("https://sts.eu-west-1.amazonaws.com/")
    assert proxy_for(url) is None
    monkeypatch.setenv("HTTPS_PROXY", "http://user:pass@proxy:3128")
    assert proxy_for(url) == URL("http://user:pass@proxy:3128")
    assert proxy_for(url.with_scheme("http")) is None
    monkeypatch.setenv("NO_PROXY", ".amazonaws.com")
    assert proxy_for(url) is None
    assert proxy_for(URL("https://sts.example/")) is not None
    monkeypatch.setenv("HTTPS_PROXY", "proxy:3128")
    assert proxy_for(URL("https://sts.example/")) == URL("http://proxy:3128")
    for broken in ("socks5://user:pass@proxy", "http://user:pass@[x"):
        monkeypatch.setenv("HTTPS_PROXY", broken)
        with pytest.raises(ConfigurationError, match="proxy for https://") as caught:
            proxy_for(URL("https://sts.example/"))
        assert "pass" not in str(caught.value)


def never(_: Fetched) -> bool:
    return False


async def test_through_the_proxy(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request to a host that exists nowhere arrives at the proxy, with the proxy's password."""
    server = await scripted(reply(200, body="fine"))
    monkeypatch.setenv("http_proxy", server.url.replace("://", "://user:pass@"))
    monkeypatch.delenv("no_proxy", raising=False)
    url = URL("http://sts.invalid/")
    way = await ServiceAccess("sts").way_to(url)
    answer = await call("POST", url, headers={}, body=b"x=1", way=way, is_busy=never)
    assert answer.body == b"fine"
    (request,) = server.requests
    assert request.target == "http://sts.invalid/"
    assert request.header("proxy-authorization") == "Basic dXNlcjpwYXNz"
    assert request.body == b"x=1"


async def test_certificates(
    scripted: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    authority, bundle = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(theirs)
    server = await scripted(reply(200), ssl_context=theirs)
    url = URL(server.url)
    way = await ServiceAccess("sts", ca_bundle=str(bundle)).way_to(url)
    assert (await call("GET", url, headers={}, way=way, is_busy=never)).status == 200
    for text in ("", "no certificate"):
        bundle.write_text(text)
        with pytest.raises(ConfigurationError, match=r"certificates in .*ca\.pem cannot be read"):
            await ServiceAccess("sts", ca_bundle=str(bundle)).way_to(url)
    with pytest.raises(ConfigurationError, match="No such file"):
        await ServiceAccess("sts", ca_bundle=str(tmp_path / "none")).way_to(url)


@pytest.mark.parametrize(
    "steps",
    [
        [reply(200)],
        [reply(500), reply(200)],
        [reply(429), drop(), reply(200)],
        [reply(400, body="busy"), reply(400, body="busy"), reply(200)],
    ],
)
async def test_patience(
    scripted: Scripted, steps: list[Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_access, "PAUSE_SECONDS", 0.001)
    server = await scripted(*steps)
    answer = await call(
        "GET", URL(server.url), headers={}, way=DIRECT, is_busy=lambda got: got.body == b"busy"
    )
    assert answer.status == 200
    assert len(server.requests) == len(steps)


async def test_patience_ends(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_access, "PAUSE_SECONDS", 0.001)
    server = await scripted(*[reply(503)] * 3)
    answer = await call("GET", URL(server.url), headers={}, way=DIRECT, is_busy=never)
    assert answer.status == 503
    monkeypatch.setattr(service_access, "PATIENCE_SECONDS", 0.1)
    server = await scripted(hang(), rest=hang())
    async with asyncio.timeout(5):
        with pytest.raises(S3TimeoutError):
            await call("GET", URL(server.url), headers={}, way=DIRECT, is_busy=never)


def test_a_refusal() -> None:
    error = ServiceError("STS", "AssumeRole", 403, "AccessDenied", "no  token=hack-me", ["hack-me"])
    assert str(error) == ("STS refused AssumeRole (status 403): AccessDenied: no token=[redacted]")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.code, again.status) == (str(error), "AccessDenied", 403)
    nested = ServiceError("STS", "AssumeRole", 403, "", "abc", ["ab", "abc", ""])
    assert nested.message == "[redacted]"
    nothing = ServiceError("STS", "AssumeRole", 400, "<script>", "")
    assert (nothing.code, str(nothing)) == (
        "",
        "STS refused AssumeRole (status 400): no reason given",
    )
