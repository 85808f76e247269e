"""Credentials of a role, from the Security Token Service: for other keys, or for a web identity.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from urllib.parse import urlencode

from ..config import check_int
from ..errors import CredentialsError, S3ConnectionError
from ..models import CredentialsProvider, CredentialsSnapshot
from ..protocol import xml
from ..protocol.sigv4 import SigV4Signer
from ..transport.fetch import Fetched
from ..transport.shielding import threaded
from .base import KeyNames, NothingFound, Unavailable, check_text
from .config_file import expand_home
from .documents import snapshot_of
from .environment import environ, environ_region
from .refreshing import Clock, RefreshingCredentials, utc_now
from .service_access import BUSY_CODES, ServiceAccess, ServiceError, call

MfaCode = Callable[[str], Awaitable[str]]
"""Is awaited with the serial number of a device, and gives the six digits that it shows now."""

MIN_DURATION_SECONDS = 900
MAX_DURATION_SECONDS = 43_200

_VERSION = "2011-06-15"
_FORM = "application/x-www-form-urlencoded; charset=utf-8"
_FIELDS = KeyNames("AccessKeyId", "SecretAccessKey", "SessionToken")
_SESSION_NAME = r"(?a)[\w+=,.@-]{2,64}"
_CODE = r"[0-9]{6}"
_BUSY = BUSY_CODES | {"IDPCommunicationError"}
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId"})


class _RoleCredentials(RefreshingCredentials):
    """What the two ways to a role have in common."""

    __slots__ = ("_duration_seconds", "_policy", "_role_arn", "_session_name", "_sts")

    def __init__(
        self,
        role_arn: str,
        *,
        role_session_name: str,
        duration_seconds: int | None,
        policy: str,
        sts: ServiceAccess | None,
        region: str,
        service: str,
        clock: Clock,
    ) -> None:
        check_text(role_arn=role_arn, role_session_name=role_session_name, policy=policy)
        if role_session_name and not re.fullmatch(_SESSION_NAME, role_session_name):
            raise ValueError(
                "role_session_name must be 2 to 64 letters, digits or any of _+=,.@- , "
                f"not {role_session_name!r}"
            )
        if duration_seconds is not None and not (
            MIN_DURATION_SECONDS
            <= check_int("duration_seconds", duration_seconds)
            <= MAX_DURATION_SECONDS
        ):
            raise ValueError(
                f"duration_seconds must be between {MIN_DURATION_SECONDS} and "
                f"{MAX_DURATION_SECONDS}, not {duration_seconds}"
            )
        super().__init__(
            f"role {role_arn or 'of a web identity'}",
            region=region or environ_region(),
            service=service,
            clock=clock,
        )
        self._role_arn = role_arn
        self._session_name = role_session_name
        self._duration_seconds = duration_seconds
        self._policy = policy
        # The region of the environment is in the object's own, where an argument comes before it.
        self._sts = sts or ServiceAccess.of("sts", os.environ)._replace(region="")

    async def _assume(
        self, operation: str, own: Mapping[str, str], source: CredentialsSnapshot | None
    ) -> CredentialsSnapshot:
        """One operation with the parameters of both and its *own*, signed for *source* if given."""
        region = source.region if source else ""
        url, signed_for = self._sts.address(self._region or region)
        now = self._clock()
        given = {
            "Action": operation,
            "Version": _VERSION,
            "RoleArn": self._role_arn,
            "RoleSessionName": self._session_name or f"aiohttp-s3-client-{int(now.timestamp())}",
            "DurationSeconds": str(self._duration_seconds or ""),
            "Policy": self._policy,
            **own,
        }
        body = urlencode({name: value for name, value in given.items() if value}).encode()
        headers: Mapping[str, str] = {"content-type": _FORM}
        secrets = [own.get("WebIdentityToken", "")]
        if source is not None:
            signer = self._signer(source, signed_for)
            digest = sha256(body).hexdigest()
            headers = signer.sign("POST", url, headers, payload_hash=digest, now=now)
            secrets = [
                source.secret_access_key,
                source.session_token or "",
                headers["Authorization"],
            ]
        try:
            answer = await call(
                "POST",
                url,
                headers=headers,
                body=body,
                way=await self._sts.way_to(url),
                is_busy=lambda answer: _problem(answer)[0] in _BUSY,
            )
        except S3ConnectionError as error:
            raise Unavailable(f"STS cannot be reached: {error}") from None
        if answer.status != 200:
            code, message = _problem(answer)
            raise ServiceError("STS", operation, answer.status, code, message, secrets)
        return _snapshot(answer, operation, region)

    def _signer(self, source: CredentialsSnapshot, region: str) -> SigV4Signer:
        try:
            return SigV4Signer(
                source.access_key_id,
                source.secret_access_key,
                source.session_token,
                region=region,
                service="sts",
            )
        except ValueError as error:  # Which shows no key.
            raise CredentialsError(f"{self._source}: its source gives no keys: {error}") from None


class AssumeRoleCredentials(_RoleCredentials):
    """Credentials of the role *role_arn*, which *source* may assume; renewed before they end.

    *source* is any other credentials object. ``duration_seconds`` is from 900 to 43,200, by
    default an hour. For a role that wants a code of a device, ``mfa_serial`` is the device's
    serial number or ARN, and ``mfa_code`` is awaited with it at each renewal and gives the six
    digits. ``policy`` (JSON) narrows what the role may.

    STS is asked in the region of the argument, of ``AWS_REGION``, ``AWS_DEFAULT_REGION`` or of
    *source*, signed with the keys of *source*, through the proxy of ``HTTPS_PROXY``. ``sts`` tells
    otherwise; by default it is what ``AWS_ENDPOINT_URL_STS``, ``AWS_STS_REGIONAL_ENDPOINTS``,
    ``AWS_USE_FIPS_ENDPOINT``, ``AWS_USE_DUALSTACK_ENDPOINT`` and ``AWS_CA_BUNDLE`` say.

    A refusal is a ``ServiceError`` with STS's ``code``; any other failure a ``CredentialsError``.
    Raises ``ValueError`` for an argument that cannot be.
    """

    __slots__ = ("_external_id", "_from", "_mfa_code", "_mfa_serial")

    def __init__(
        self,
        role_arn: str,
        source: CredentialsProvider,
        *,
        role_session_name: str = "",
        external_id: str = "",
        duration_seconds: int | None = None,
        mfa_serial: str = "",
        mfa_code: MfaCode | None = None,
        policy: str = "",
        sts: ServiceAccess | None = None,
        region: str = "",
        service: str = "s3",
        clock: Clock = utc_now,
    ) -> None:
        check_text(external_id=external_id, mfa_serial=mfa_serial)
        if not role_arn:
            raise ValueError("role_arn is empty")
        if not isinstance(source, CredentialsProvider):
            raise TypeError(f"source must be a credentials object, not {type(source).__name__}")
        if mfa_serial and mfa_code is None:
            raise ValueError(
                f"role {role_arn} wants a code of {mfa_serial}: mfa_code must be a function that "
                "is awaited with the serial number and gives it"
            )
        super().__init__(
            role_arn,
            role_session_name=role_session_name,
            duration_seconds=duration_seconds,
            policy=policy,
            sts=sts,
            region=region,
            service=service,
            clock=clock,
        )
        self._from = source
        self._external_id = external_id
        self._mfa_serial = mfa_serial
        self._mfa_code = mfa_code

    async def _fetch(self) -> CredentialsSnapshot:
        try:
            return await self._assumed()
        except ServiceError as error:
            if error.code not in _EXPIRED:
                raise
        # The source's keys were replaced, and it does not know yet.
        self._from.invalidate()
        return await self._assumed()

    async def _assumed(self) -> CredentialsSnapshot:
        source = await self._from.resolve()
        if source.anonymous:
            raise CredentialsError(f"{self._source}: its source has no keys to sign with")
        own = {"ExternalId": self._external_id}
        if self._mfa_serial and self._mfa_code is not None:
            code = await self._mfa_code(self._mfa_serial)
            if not re.fullmatch(_CODE, str(code).strip()):
                raise CredentialsError(
                    f"{self._source}: mfa_code gave no six digits for {self._mfa_serial}"
                )
            own |= {"SerialNumber": self._mfa_serial, "TokenCode": code.strip()}
        return await self._assume("AssumeRole", own, source)

    def __repr__(self) -> str:
        return (
            f"AssumeRoleCredentials({self._role_arn!r}, {self._from!r}, "
            f"region={self.region!r}, service={self.service!r})"
        )


class WebIdentityCredentials(_RoleCredentials):
    """Credentials of a role for whoever holds a token of an identity provider, as pods of EKS do.

    ``role_arn``, ``token_file`` and ``role_session_name`` are those of ``AWS_ROLE_ARN``,
    ``AWS_WEB_IDENTITY_TOKEN_FILE`` and ``AWS_ROLE_SESSION_NAME`` where they are not given. The
    file is read again (in a thread) at each renewal, since its token is rotated. The request is
    not signed. All else is as for ``AssumeRoleCredentials``.
    """

    __slots__ = ("_token_file",)

    def __init__(
        self,
        role_arn: str = "",
        token_file: str | os.PathLike[str] = "",
        *,
        role_session_name: str = "",
        duration_seconds: int | None = None,
        policy: str = "",
        sts: ServiceAccess | None = None,
        region: str = "",
        service: str = "s3",
        clock: Clock = utc_now,
    ) -> None:
        super().__init__(
            role_arn or environ("AWS_ROLE_ARN"),
            role_session_name=role_session_name or environ("AWS_ROLE_SESSION_NAME"),
            duration_seconds=duration_seconds,
            policy=policy,
            sts=sts,
            region=region,
            service=service,
            clock=clock,
        )
        self._token_file = os.fspath(token_file) or environ("AWS_WEB_IDENTITY_TOKEN_FILE")

    async def _fetch(self) -> CredentialsSnapshot:
        if not self._token_file:
            raise NothingFound("web identity (AWS_WEB_IDENTITY_TOKEN_FILE is not set)")
        if not self._role_arn:
            raise CredentialsError(
                f"the web identity token {self._token_file} is given without a role_arn "
                "(AWS_ROLE_ARN)"
            )
        token = await threaded(self._read_token)
        return await self._assume("AssumeRoleWithWebIdentity", {"WebIdentityToken": token}, None)

    def _read_token(self) -> str:
        try:
            with open(expand_home(self._token_file), encoding="ascii") as file:
                token = file.read().strip()
        except OSError as error:
            problem = error.strerror or type(error).__name__
        except ValueError:
            problem = "it is no text of ASCII"
        else:
            if token:
                return token
            problem = "it is empty"
        raise CredentialsError(
            f"the web identity token {self._token_file} cannot be read: {problem}"
        )

    def __repr__(self) -> str:
        return (
            f"WebIdentityCredentials({self._role_arn!r}, {self._token_file!r}, "
            f"region={self.region!r}, service={self.service!r})"
        )


def _problem(answer: Fetched) -> tuple[str, str]:
    """The code and the message of an error; both empty where the answer is none of STS's."""
    if answer.status == 200:
        return "", ""
    found = xml.first(xml.read(answer.body).elements)
    return found.get("Error/Code", ""), found.get("Error/Message", "")


def _snapshot(answer: Fetched, operation: str, region: str) -> CredentialsSnapshot:
    document = xml.read(answer.body)
    if document.flaw or document.root != f"{operation}Response":
        # Without what the answer says: there may be keys in it.
        raise CredentialsError(f"STS answered {operation} with what is not the answer to it")
    within = f"{operation}Result/Credentials/"
    found = {path.removeprefix(within): text for path, text in document.elements}
    return replace(snapshot_of(found, _FIELDS, "Expiration", "STS"), region=region)
