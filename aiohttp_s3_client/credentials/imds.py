"""The instance metadata service of EC2: version 2, and version 1 where nothing else is spoken.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import replace

from yarl import URL

from ..errors import CredentialsError, S3ConnectionError, S3TimeoutError
from ..models import CredentialsSnapshot
from ..transport.fetch import Fetched, fetch
from .base import KeyNames, NothingFound, Unavailable, check_text
from .documents import read_document, snapshot_of
from .environment import environ

logger = logging.getLogger(__name__)

ENDPOINT = "http://169.254.169.254"
CALL_SECONDS = 1.0
"""For one call: the service is on the same host, and off EC2 nothing ever answers."""
CALL_TRIES = 3
KEYS_SECONDS = 4.0
"""For all calls that lead to the keys."""
REGION_SECONDS = 1.0
"""For the calls that lead to the region, which is worth less waiting."""
TYPE_SECONDS = 1.0
"""For the calls that lead to the type of the instance."""

_SOURCE = "the metadata service"
_TOKEN = "/latest/api/token"
_ROLE = "/latest/meta-data/iam/security-credentials/"
_REGION = "/latest/meta-data/placement/region"
_DOCUMENT = "/latest/dynamic/instance-identity/document"
_TYPE = "/latest/meta-data/instance-type"
_TTL = {"x-aws-ec2-metadata-token-ttl-seconds": "21600"}
_FIELDS = KeyNames("AccessKeyId", "SecretAccessKey", "Token")
_ROLE_NAME = r"(?a)[\w+=,.@-]{1,128}"
_TYPE_NAME = r"[a-z0-9.-]{1,64}"
_REGION_NAME = r"[a-z0-9-]{1,64}"
_HEADER_VALUE = r"[!-~]+"
_CODE = r"(?a)\w{1,64}"


class MetadataService:
    """Asks one endpoint. What it raises shows nothing of what the service answered.

    ``host`` and ``port`` are those of the service; by default those of
    ``AWS_EC2_METADATA_SERVICE_ENDPOINT`` or ``http://169.254.169.254``.
    """

    __slots__ = ("_disabled", "endpoint")

    def __init__(self, host: str = "", port: int = 0) -> None:
        self.endpoint = _endpoint(host, port)
        self._disabled = environ("AWS_EC2_METADATA_DISABLED").lower() == "true"

    async def fetch_credentials(self, region: str = "") -> CredentialsSnapshot:
        """The keys of the instance's role, and *region* or the one that the instance is in.

        Ends within ``KEYS_SECONDS`` and ``REGION_SECONDS``. Raises ``NothingFound`` where there
        is no such service or no role, any other ``CredentialsError`` when the service fails.
        """
        self._check_enabled()
        clock = asyncio.get_running_loop().time
        visit = _Visit(self.endpoint, clock() + KEYS_SECONDS)
        try:
            await visit.get_token()
            answer = await visit.get(_ROLE)
            if answer.status == 404:
                raise NothingFound("metadata service (no IAM role is attached)")
            role = _line(answer, _ROLE, _ROLE_NAME, "name of a role")
            keys = _snapshot(await visit.get(_ROLE + role))
        except S3ConnectionError as error:
            raise Unavailable(f"the metadata service failed: {error}") from None
        visit.deadline = clock() + REGION_SECONDS
        return replace(keys, region=region or await _find_region(visit))

    async def fetch_instance_type(self) -> str:
        """The type of the instance, such as ``c5.large``, within ``TYPE_SECONDS``.

        Raises ``NothingFound`` where there is no such service, any other ``CredentialsError``
        when the service fails.
        """
        self._check_enabled()
        visit = _Visit(self.endpoint, asyncio.get_running_loop().time() + TYPE_SECONDS)
        try:
            await visit.get_token()
            return _line(await visit.get(_TYPE), _TYPE, _TYPE_NAME, "type of an instance")
        except S3ConnectionError as error:
            raise Unavailable(f"the metadata service failed: {error}") from None

    def _check_enabled(self) -> None:
        if self._disabled:
            raise NothingFound("metadata service (AWS_EC2_METADATA_DISABLED is true)")


class _Visit:
    """Calls that share a token and end by *deadline*, a time of the event loop.

    The calls are cut short instead of being cancelled from outside: aiohttp takes a cancellation
    that coincides with its own timeout for that, and the outer one would be lost.
    """

    def __init__(self, endpoint: URL, deadline: float) -> None:
        self.deadline = deadline
        self._endpoint = endpoint
        self._headers: dict[str, str] = {}

    async def get_token(self) -> None:
        """Open a session of version 2; none where only version 1 is spoken."""
        try:
            answer = await self._call("PUT", _TOKEN, _TTL)
        except S3TimeoutError as error:
            raise NothingFound(
                f"metadata service ({error}; this is no EC2 instance, or this is a container on "
                "one whose metadata hop limit is 1)"
            ) from None
        except S3ConnectionError as error:
            raise NothingFound(f"metadata service ({error})") from None
        if answer.status == 403:
            raise NothingFound("metadata service (it is switched off: status 403)")
        if answer.status not in (404, 405):
            token = _line(answer, _TOKEN, _HEADER_VALUE, "token")
            self._headers = {"x-aws-ec2-metadata-token": token}

    async def get(self, path: str) -> Fetched:
        return await self._call("GET", path, self._headers)

    async def _call(self, method: str, path: str, headers: Mapping[str, str]) -> Fetched:
        """One call, repeated while the service is overloaded or does not answer."""
        clock = asyncio.get_running_loop().time
        url = self._endpoint.with_path(path, encoded=True)
        tries = 0
        while True:
            tries += 1
            seconds = max(0.01, min(CALL_SECONDS, self.deadline - clock()))
            try:
                answer = await fetch(method, url, headers=headers, timeout_seconds=seconds)
            except S3ConnectionError:
                if tries == CALL_TRIES or clock() >= self.deadline:
                    raise
            else:
                overloaded = answer.status == 429 or answer.status >= 500
                if not overloaded or tries == CALL_TRIES or clock() >= self.deadline:
                    return answer
            await asyncio.sleep(0.1 * tries)


async def _find_region(visit: _Visit) -> str:
    """The instance's region; empty when it cannot be had, since requests get by without."""
    try:
        answer = await visit.get(_REGION)
        if answer.status != 404:
            return _line(answer, _REGION, _REGION_NAME, "name of a region")
        region = _document(await visit.get(_DOCUMENT), _DOCUMENT).get("region")
        if isinstance(region, str) and re.fullmatch(_REGION_NAME, region):
            return region
        problem = f"{_DOCUMENT} names no region"
    except (CredentialsError, S3ConnectionError) as error:
        problem = str(error)
    logger.warning("the instance's region is not known: %s", problem)
    return ""


def _endpoint(host: str, port: int) -> URL:
    check_text(host=host)
    if isinstance(port, bool) or not isinstance(port, int):
        raise TypeError(f"port must be an int, not {port!r}")
    if not 0 <= port <= 65535:
        raise ValueError(f"port must be between 0 and 65535, not {port}")
    variable = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
    base = URL(ENDPOINT)
    if not host and (given := environ(variable)):
        try:
            base = URL(given).origin()
        except ValueError:
            raise ValueError(f"{variable} must be like {ENDPOINT}, not {given!r}") from None
        if base.scheme not in ("http", "https"):
            raise ValueError(f"{variable} must begin with http:// or https://, not {given!r}")
    base = base.with_host(host) if host else base
    return base.with_port(port) if port else base


def _checked(answer: Fetched, path: str) -> Fetched:
    if answer.status == 429 or answer.status >= 500:
        raise Unavailable(f"the metadata service answered {path} with status {answer.status}")
    if answer.status == 401:
        raise CredentialsError(f"the metadata service wants another token for {path} (status 401)")
    if answer.status != 200:
        raise CredentialsError(f"the metadata service answered {path} with status {answer.status}")
    return answer


def _line(answer: Fetched, path: str, pattern: str, what: str) -> str:
    """The first line of the answer, which is the *what*."""
    text = _checked(answer, path).body.decode("ascii", "replace").strip().partition("\n")[0].strip()
    if not re.fullmatch(pattern, text):
        raise CredentialsError(f"the metadata service answered {path} with what is no {what}")
    return text


def _document(answer: Fetched, path: str) -> dict[str, object]:
    return read_document(_checked(answer, path).body, f"{_SOURCE}, asked for {path},")


def _snapshot(answer: Fetched) -> CredentialsSnapshot:
    document = _document(answer, _ROLE)
    code = document.get("Code", "Success")
    if code != "Success":
        shown = code if isinstance(code, str) and re.fullmatch(_CODE, code) else "unreadable"
        raise CredentialsError(f"the metadata service has no credentials: its Code is {shown}")
    return snapshot_of(document, _FIELDS, "Expiration", _SOURCE)
