"""How the services that credentials come from are asked: where, through what, and how patiently."""

from __future__ import annotations

import asyncio
import random
import re
import ssl
import urllib.request
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from yarl import URL

from ..errors import CredentialsError, EndpointError, S3ConnectionError
from ..protocol.endpoints.services import ServiceHost, service_host, sts_host
from ..redaction import redact_text
from ..transport.fetch import Fetched, Way, fetch
from ..transport.shielding import threaded
from .config_file import ConfigFileError, Section, expand_home
from .settings import endpoint_of, profile_settings

CALL_SECONDS = 10.0
CALL_TRIES = 3
PATIENCE_SECONDS = 20.0
"""For all tries of one call, the pauses between them included."""
PAUSE_SECONDS = 0.2

_HOSTS = {"sso": "portal.sso", "sso_oidc": "oidc"}
"""What the hosts of services are called that are not called as the service."""


BUSY_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
    }
)
"""What services say when they are to be asked again, whatever the status."""

_SHOWN = 300
"""Characters of a service's message that an error shows; those about signatures are endless."""


class ServiceError(CredentialsError):
    """A service refused to give credentials.

    ``service`` and ``operation`` say who and what, ``status`` is that of the answer, ``code`` the
    service's own word (``AccessDenied``), empty where it said none.
    """

    def __init__(
        self,
        service: str,
        operation: str,
        status: int,
        code: str,
        message: str,
        secrets: Collection[str] = (),
    ) -> None:
        # Some services repeat what was signed, session token included. The longest first: one
        # secret may begin as another one.
        hidden = sorted(secrets, key=len, reverse=True)
        said = redact_text(" ".join(message.split()), hidden)[:_SHOWN]
        code = code if re.fullmatch(r"[\w.:-]{1,128}", code) else ""
        super().__init__(service, operation, status, code, said)
        self.service = service
        self.operation = operation
        self.status = status
        self.code = code
        self.message = said

    def __str__(self) -> str:
        why = ": ".join(filter(None, (self.code, self.message))) or "no reason given"
        return f"{self.service} refused {self.operation} (status {self.status}): {why}"


class ServiceAccess(NamedTuple):
    """How one service (``sts``, ``sso`` or ``sso_oidc``) is reached.

    ``endpoint_url`` stands for AWS's own host, and with it FIPS and dual-stack hosts are out of
    the question. ``legacy`` is the global STS for the older regions. ``ca_bundle`` is a file of
    certificates that are believed in place of the system's.
    """

    service: str
    region: str = ""
    endpoint_url: str | None = None
    use_fips_endpoint: bool = False
    use_dualstack_endpoint: bool = False
    legacy: bool = False
    ca_bundle: str | None = None

    @classmethod
    def of(
        cls,
        service: str,
        environ: Mapping[str, str],
        profile: Section | None = None,
        services: Mapping[str, Section] | None = None,
    ) -> ServiceAccess:
        """What the environment and a profile say. Raises ``ConfigFileError`` for what cannot be."""
        profile, services = profile or Section(), services or {}
        said = profile_settings(environ, profile, services)
        return cls(
            service,
            region=said.region or "",
            endpoint_url=endpoint_of(service, environ, profile, services),
            use_fips_endpoint=bool(said.use_fips_endpoint),
            use_dualstack_endpoint=bool(said.use_dualstack_endpoint),
            legacy=said.sts_regional_endpoints == "legacy",
            ca_bundle=said.ca_bundle,
        )

    def address(self, region: str = "") -> tuple[URL, str]:
        """The service's URL, and the region that its requests are signed for.

        *region* counts where the access has none, and the STS of no region is the global one.
        Raises ``ConfigFileError`` for a URL or a region that cannot be.
        """
        region = self.region or region or "aws-global"
        try:
            host = self._host(region)
        except EndpointError:
            raise ConfigFileError(f"{region!r} cannot be the region of {self.service}") from None
        if self.endpoint_url is None:
            return URL.build(scheme="https", host=host.host, path="/"), host.region
        url = _url(self.endpoint_url)
        if url is None or url.user:
            raise ConfigFileError(
                f"the endpoint of {self.service} must be like https://host, and is not"
            )
        signed_for = "us-east-1" if region == "aws-global" else region
        return url.with_path(f"{url.raw_path.rstrip('/')}/", encoded=True), signed_for

    def _host(self, region: str) -> ServiceHost:
        fips, dualstack = self.use_fips_endpoint, self.use_dualstack_endpoint
        if self.service == "sts":
            return sts_host(region, fips=fips, dualstack=dualstack, legacy=self.legacy)
        return service_host(_HOSTS[self.service], region, fips=fips, dualstack=dualstack)

    async def way_to(self, url: URL) -> Way:
        """The proxy that the environment names for *url*, and the certificates to believe.

        Raises ``ConfigFileError`` when those cannot be read.
        """
        return await threaded(lambda: Way(proxy_for(url), self._tls()))

    def _tls(self) -> ssl.SSLContext | bool:
        if not self.ca_bundle:
            return True
        try:
            return ssl.create_default_context(cafile=expand_home(self.ca_bundle))
        except OSError as error:  # ssl.SSLError is one.
            reason = error.strerror or type(error).__name__
        raise ConfigFileError(f"the certificates in {self.ca_bundle} cannot be read: {reason}")


def _url(text: str) -> URL | None:
    """*text* as the URL of a server; None where it is none."""
    try:
        url = URL(text)
        valid = url.scheme in ("http", "https") and url.host and not url.query_string
    except ValueError:
        return None
    return url if valid else None


def proxy_for(url: URL) -> URL | None:
    """The proxy for *url* by ``HTTPS_PROXY``, ``HTTP_PROXY``, ``NO_PROXY`` or the system itself.

    Blocks where the system is asked. Raises ``ConfigFileError`` for what is no URL.
    """
    host = url.host or ""
    proxies = urllib.request.getproxies()
    given = proxies.get(url.scheme) or proxies.get("all")
    if not given or urllib.request.proxy_bypass(f"{host}:{url.port}"):
        return None
    proxy = _url(given if "://" in given else f"http://{given}")
    if proxy is None:
        # Without the value: there may be a password in it.
        raise ConfigFileError(f"the proxy for {url.scheme}:// is no http:// or https:// URL")
    return proxy


async def call(
    method: str,
    url: URL,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    way: Way,
    is_busy: Callable[[Fetched], bool],
) -> Fetched:
    """One call, repeated while the service does not answer, fails (status 429 and from 500 on) or
    says that it *is_busy*: ``CALL_TRIES`` times within ``PATIENCE_SECONDS``.

    Raises ``S3ConnectionError`` when there is no answer at all.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + PATIENCE_SECONDS
    tries = 0
    while True:
        tries += 1
        # Cut short instead of cancelled from outside: aiohttp takes a cancellation that coincides
        # with its own timeout for that, and the outer one would be lost.
        seconds = max(0.01, min(CALL_SECONDS, deadline - clock()))
        last = tries == CALL_TRIES
        try:
            answer = await fetch(
                method, url, headers=headers, body=body, timeout_seconds=seconds, way=way
            )
        except S3ConnectionError:
            if last or clock() >= deadline:
                raise
        else:
            failed = answer.status == 429 or answer.status >= 500 or is_busy(answer)
            if not failed or last or clock() >= deadline:
                return answer
        await asyncio.sleep(PAUSE_SECONDS * 2**tries * random.uniform(0.5, 1.0))
