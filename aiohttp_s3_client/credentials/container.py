"""Credentials of a container: of an ECS task, of an EKS pod (Pod Identity), of whatever else
answers like them on this host.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from aiohttp import hdrs
from yarl import URL

from ..errors import CredentialsError, S3ConnectionError
from ..models import CredentialsSnapshot
from ..redaction import in_one_line, redact_text
from ..transport.fetch import Fetched, fetch
from .base import KeyNames, NothingFound, Unavailable
from .documents import read_document, snapshot_of
from .environment import environ, environ_region
from .refreshing import Clock, RefreshingCredentials, utc_now

RELATIVE = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
FULL = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"

ENDPOINT = "http://169.254.170.2"
"""What relative URIs are relative to: the agent of ECS."""
HOSTS = frozenset(map(ip_address, ("169.254.170.2", "169.254.170.23", "fd00:ec2::23")))
"""The agents of ECS and of EKS, which speak plain HTTP beside loopback."""
CALL_SECONDS = 2.0
"""For one call."""
CALL_TRIES = 3
ALL_SECONDS = 5.0
"""For all calls, and for finding the host's addresses."""
TOKEN_LIMIT = 64 * 1024
"""Bytes of a token's file."""

_SOURCE = "the container's credentials service"
_UNSET = f"container (neither {RELATIVE} nor {FULL} is set)"
_FIELDS = KeyNames("AccessKeyId", "SecretAccessKey", "Token")
_HEADER_VALUE = r"[ -~]+"
_CODE = r"(?a)[\w.-]{1,64}"
_MESSAGE_LIMIT = 200


class ContainerCredentials(RefreshingCredentials):
    """Credentials that an agent beside the container gives out, renewed before they expire.

    ``AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`` (ECS) is a path at ``http://169.254.170.2``;
    without it ``AWS_CONTAINER_CREDENTIALS_FULL_URI`` (EKS Pod Identity, and others) is a whole
    URL. Plain HTTP is spoken with addresses of loopback and with 169.254.170.2, 169.254.170.23
    and fd00:ec2::23 alone; a name is resolved, all its addresses have to be among these, and the
    connection goes to one that was looked at. No proxy is used and no redirect followed. The
    token in the file ``AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE``, else that in
    ``AWS_CONTAINER_AUTHORIZATION_TOKEN``, is sent along; the file is read again, in a thread, for
    each renewal. A renewal ends within some five seconds.

    The variables are read when the object is made. The region is the argument, ``AWS_REGION`` or
    ``AWS_DEFAULT_REGION``. ``clock`` gives the time, aware.
    """

    __slots__ = ("_file", "_relative", "_token", "_uri")

    def __init__(self, *, region: str = "", service: str = "s3", clock: Clock = utc_now) -> None:
        super().__init__(_SOURCE, region=region or environ_region(), service=service, clock=clock)
        self._relative = environ(RELATIVE)
        self._uri = environ(FULL)
        self._token = environ(TOKEN)
        self._file = environ(TOKEN_FILE)
        if not (self._relative or self._uri):
            self._nothing = NothingFound(_UNSET)

    async def _fetch(self) -> CredentialsSnapshot:
        if not (self._relative or self._uri):
            raise NothingFound(_UNSET)
        url = self._url()
        token = await self._authorization()
        deadline = asyncio.get_running_loop().time() + ALL_SECONDS
        targets = await _targets(url)
        headers: dict[str, str] = {hdrs.ACCEPT: "application/json"}
        if url.scheme == "http":
            headers[hdrs.HOST] = url.host_port_subcomponent or ""
        if token:
            headers[hdrs.AUTHORIZATION] = token
        try:
            answer = await _ask(targets, headers, deadline)
        except S3ConnectionError as error:
            # The path of ECS is all that it takes to be given the credentials.
            shown = redact_text(str(error), [url.raw_path] if len(url.raw_path) > 1 else ())
            raise Unavailable(f"{_SOURCE} failed: {shown}") from None
        if answer.status != 200:
            raise _refusal(answer, token)
        document = read_document(answer.body, _SOURCE)
        return snapshot_of(document, _FIELDS, "Expiration", _SOURCE)

    def _url(self) -> URL:
        """Where to ask. Raises ``CredentialsError`` without the URL, which may hold a secret."""
        if self._relative:
            name, text = RELATIVE, ENDPOINT + self._relative
            problem = "" if self._relative.startswith("/") else "must begin with a /"
        else:
            name, text, problem = FULL, self._uri, ""
        if re.search(r"[\x00-\x20\x7f\\]", text):
            problem = "has a space, a backslash or a control character in it"
        if not problem:
            try:
                url = URL(text, encoded=True).with_fragment(None)
                _ = url.port, url.host
            except ValueError:
                problem = "is no valid URL"
            else:
                user = url.raw_user or url.raw_password
                if url.scheme in ("http", "https") and url.host and not user:
                    return url
                problem = "must be http://host/… or https://host/…, without a user"
        raise CredentialsError(f"{name} {problem}")

    async def _authorization(self) -> str:
        name, token = TOKEN, self._token
        if self._file:
            name, token = TOKEN_FILE, await asyncio.to_thread(_read_token, self._file)
        if token and not re.fullmatch(_HEADER_VALUE, token):
            raise CredentialsError(f"{name}: the token is no text that fits into a header")
        return token

    def __repr__(self) -> str:
        return f"ContainerCredentials(region={self.region!r}, service={self.service!r})"


def _read_token(path: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(TOKEN_LIMIT + 1)
    except OSError as error:
        raise CredentialsError(f"{TOKEN_FILE}: {path} cannot be read: {error.strerror}") from None
    if len(data) > TOKEN_LIMIT:
        raise CredentialsError(f"{TOKEN_FILE}: {path} is longer than {TOKEN_LIMIT} bytes")
    token = data.decode("utf-8", "replace").strip()
    if not token:
        raise CredentialsError(f"{TOKEN_FILE}: {path} is empty")
    return token


async def _targets(url: URL) -> list[URL]:
    """*url* at each address that it may be asked at. Raises ``CredentialsError``."""
    host = url.host or ""
    if url.scheme == "https":
        return [url]
    addresses = [host] if _is_address(host) else await _resolved(host, url.port)
    if refused := [address for address in addresses if not _is_near(address)]:
        raise CredentialsError(
            f"{FULL}: plain HTTP is spoken with loopback and with the agents of ECS and EKS only, "
            f"not with {in_one_line(host)} ({refused[0]}); use https"
        )
    return [url.with_host(address) for address in addresses]


async def _resolved(host: str, port: int | None) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(ALL_SECONDS):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        reason = f"no answer within {ALL_SECONDS:.3g} s"
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no name of a host"
    else:
        return list(dict.fromkeys(str(address[0]) for *_, address in found))
    raise Unavailable(f"{FULL}: {in_one_line(host)} cannot be resolved: {reason}")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_near(address: str) -> bool:
    """Whether *address* is of loopback, or of an agent of AWS."""
    found = ip_address(address)
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found.is_loopback or found in HOSTS


async def _ask(targets: Sequence[URL], headers: dict[str, str], deadline: float) -> Fetched:
    """One call, repeated while the service is overloaded or does not answer."""
    clock = asyncio.get_running_loop().time
    tries = 0
    while True:
        target = targets[tries % len(targets)]
        tries += 1
        seconds = max(0.01, min(CALL_SECONDS, deadline - clock()))
        try:
            answer = await fetch("GET", target, headers=headers, timeout_seconds=seconds)
        except S3ConnectionError:
            if tries == CALL_TRIES or clock() >= deadline:
                raise
        else:
            overloaded = answer.status == 429 or answer.status >= 500
            if not overloaded or tries == CALL_TRIES or clock() >= deadline:
                return answer
        await asyncio.sleep(0.1 * tries)


class _Complaint(NamedTuple):
    """What an answer other than 200 says."""

    code: str
    message: str


def _refusal(answer: Fetched, token: str) -> CredentialsError:
    """The error of *answer*, with the code and the message that the agent gives for it."""
    text = f"{_SOURCE} answered with status {answer.status}"
    complaint = _complaint(answer)
    if re.fullmatch(_CODE, complaint.code):
        text += f" ({complaint.code})"
    if complaint.message:
        text += f": {in_one_line(redact_text(complaint.message, [token]))[:_MESSAGE_LIMIT]}"
    if answer.status == 429 or answer.status >= 500:
        return Unavailable(text)
    return CredentialsError(text)


def _complaint(answer: Fetched) -> _Complaint:
    try:
        document = read_document(answer.body, _SOURCE)
    except CredentialsError:
        return _Complaint("", "")  # An agent may say nothing, and others say HTML.
    lowered = {name.lower(): value for name, value in document.items() if isinstance(value, str)}
    return _Complaint(lowered.get("code", ""), lowered.get("message", ""))
