"""Credentials of a role that somebody has in IAM Identity Center, after ``aws sso login``.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html
https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

from yarl import URL

from ..errors import CredentialsError, S3ConnectionError
from ..models import CredentialsSnapshot
from ..protocol.encoding import quote_query
from ..transport.fetch import Fetched
from ..transport.shielding import threaded
from .base import KeyNames, Unavailable, check_text
from .config_file import ConfigFileError, Section
from .documents import read_document, snapshot_of
from .environment import environ_region
from .refreshing import Clock, RefreshingCredentials, utc_now
from .service_access import BUSY_CODES, ServiceAccess, ServiceError, call
from .sso_token import CACHE_DIRECTORY, SSOToken, load_token, save_token, token_path

logger = logging.getLogger(__name__)

RENEW_BEFORE = timedelta(minutes=15)
"""How long before its end a token is renewed, as by the CLI."""

_FIELDS = KeyNames("accessKeyId", "secretAccessKey", "sessionToken")
_ROLE = ("sso_account_id", "sso_role_name")
_SESSION = ("sso_start_url", "sso_region")


class SSOProfile(NamedTuple):
    """What a profile says of single sign-on; without ``session`` it is of the legacy form."""

    start_url: str
    sso_region: str
    account_id: str
    role_name: str
    session: str = ""

    @classmethod
    def of(cls, name: str, profile: Section, sessions: Mapping[str, Section]) -> SSOProfile | None:
        """That of the profile *name*, with the ``[sso-session]`` it refers to; None where it says
        neither an account nor a role.

        Raises ``ConfigFileError`` where something is missing, or said in two ways.
        """
        if not any(setting in profile for setting in _ROLE):
            return None
        said = dict(profile)
        session = profile.get("sso_session", "")
        if session and session not in sessions:
            raise ConfigFileError(
                f"profile {name!r} refers to [sso-session {session}], which does not exist"
            )
        for setting, value in sessions.get(session, Section()).items():
            if said.setdefault(setting, value) != value:
                raise ConfigFileError(
                    f"profile {name!r} and [sso-session {session}] differ in {setting}"
                )
        if missing := [setting for setting in (*_ROLE, *_SESSION) if not said.get(setting)]:
            raise ConfigFileError(f"profile {name!r}: single sign-on lacks {', '.join(missing)}")
        account, role, start_url, region = (said[setting] for setting in (*_ROLE, *_SESSION))
        return cls(start_url, region, account, role, session)


class SSOCredentials(RefreshingCredentials):
    """Credentials of the role *role_name* in the account *account_id*, renewed before they end.

    The token is that of ``aws sso login``, in the CLI's own cache (``cache_directory``): of the
    ``session``'s name or, in the legacy form without one, of ``start_url``. A session's token is
    renewed from 15 minutes before its end and put back into the cache for all of AWS's tools. When
    the session is over, the error tells which command to run; ``profile`` is named in it.

    The services are asked in ``sso_region``, through the proxy of ``HTTPS_PROXY``. ``portal`` and
    ``oidc`` tell otherwise; by default they are what ``AWS_ENDPOINT_URL_SSO``,
    ``AWS_ENDPOINT_URL_SSO_OIDC``, ``AWS_USE_FIPS_ENDPOINT``, ``AWS_USE_DUALSTACK_ENDPOINT`` and
    ``AWS_CA_BUNDLE`` say. A refusal is a ``ServiceError`` with the service's ``code``; any other
    failure a ``CredentialsError``.
    """

    __slots__ = ("_oidc", "_path", "_portal", "_profile", "_sso")

    def __init__(
        self,
        *,
        account_id: str,
        role_name: str,
        start_url: str,
        sso_region: str,
        session: str = "",
        profile: str = "",
        cache_directory: str | os.PathLike[str] = CACHE_DIRECTORY,
        portal: ServiceAccess | None = None,
        oidc: ServiceAccess | None = None,
        region: str = "",
        service: str = "s3",
        clock: Clock = utc_now,
    ) -> None:
        needed = {
            "account_id": account_id,
            "role_name": role_name,
            "start_url": start_url,
            "sso_region": sso_region,
        }
        check_text(**needed, session=session, profile=profile)
        for name, value in needed.items():
            if not value:
                raise ValueError(f"{name} is empty")
        super().__init__(
            "single sign-on", region=region or environ_region(), service=service, clock=clock
        )
        self._sso = SSOProfile(start_url, sso_region, account_id, role_name, session)
        self._profile = profile
        self._path = token_path(session or start_url, os.fspath(cache_directory))
        self._portal = portal or ServiceAccess.of("sso", os.environ)
        self._oidc = oidc or ServiceAccess.of("sso_oidc", os.environ)

    async def _fetch(self) -> CredentialsSnapshot:
        token = await self._token()
        answer = await self._role_credentials(token)
        if answer.status == 401:
            # The session was ended elsewhere, or the token was replaced before its time.
            renewed = await self._renewed(token)
            if renewed is not None:
                token, answer = renewed, await self._role_credentials(renewed)
            if answer.status == 401:
                raise self._over("the token is not taken any more")
        if answer.status != 200:
            raise _refusal("IAM Identity Center", "GetRoleCredentials", answer, token)
        keys = read_document(answer.body, "IAM Identity Center").get("roleCredentials")
        if not isinstance(keys, dict):
            raise CredentialsError("IAM Identity Center gave no roleCredentials")
        ends = _milliseconds(keys.get("expiration"))
        snapshot = snapshot_of(keys, _FIELDS, "", "IAM Identity Center")
        return replace(snapshot, expires_at=ends)

    async def _role_credentials(self, token: SSOToken) -> Fetched:
        query = (
            f"account_id={quote_query(self._sso.account_id)}"
            f"&role_name={quote_query(self._sso.role_name)}"
        )
        return await _asked(
            self._portal._replace(region=self._sso.sso_region),
            "GET",
            f"federation/credentials?{query}",
            {"x-amz-sso_bearer_token": token.access_token},
        )

    async def _token(self) -> SSOToken:
        """The token in the cache, or a new one in its place where it ends."""
        token = await threaded(partial(load_token, self._path))
        if token is None:
            raise self._over(f"there is no token in {self._path}")
        left = token.expires_at - self._clock()
        if left < RENEW_BEFORE:
            token = await self._renewed(token) or token
        if token.expires_at <= self._clock():
            raise self._over(f"the token ended at {token.expires_at}")
        return token

    async def _renewed(self, token: SSOToken) -> SSOToken | None:
        """A token in place of *token*; None where there is none to be had."""
        now = self._clock()
        renewal = token.renewal(now) if self._sso.session else None
        if renewal is None:
            return None
        try:
            answer = await _asked(
                self._oidc._replace(region=self._sso.sso_region),
                "POST",
                "token",
                {"content-type": "application/json"},
                json.dumps(renewal).encode(),
            )
            if answer.status != 200:
                secrets = renewal["clientSecret"], renewal["refreshToken"]
                raise _refusal("OIDC", "CreateToken", answer, token, *secrets)
            try:
                fresh = token.renewed(read_document(answer.body, "OIDC"), now)
            except ValueError as error:
                lacks = error.args[0]
                raise CredentialsError(f"OIDC gave no token: no {lacks} in its answer") from None
        except CredentialsError as error:
            return await self._of_another(token, error)
        try:
            await threaded(partial(save_token, self._path, fresh))
        except OSError as error:
            logger.warning("a new token could not be put into %s: %s", self._path, error.strerror)
        return fresh

    async def _of_another(self, token: SSOToken, error: CredentialsError) -> SSOToken | None:
        """The token that another process got meanwhile: a refresh token is good for one use."""
        theirs = await threaded(partial(load_token, self._path))
        if theirs is not None and theirs.access_token != token.access_token:
            return theirs
        logger.warning("the token in %s could not be renewed: %s", self._path, error)
        if isinstance(error, Unavailable) and token.expires_at <= self._clock():
            raise error
        return None

    def _over(self, why: str) -> CredentialsError:
        if self._profile:
            command = f"aws sso login --profile {self._profile}"
        elif self._sso.session:
            command = f"aws sso login --sso-session {self._sso.session}"
        else:
            command = "aws sso login"
        return CredentialsError(
            f"the single sign-on session {self._sso.session or self._sso.start_url} is over "
            f"({why}): run `{command}`"
        )

    def __repr__(self) -> str:
        return (
            f"SSOCredentials(account_id={self._sso.account_id!r}, "
            f"role_name={self._sso.role_name!r}, start_url={self._sso.start_url!r}, "
            f"session={self._sso.session!r}, region={self.region!r}, service={self.service!r})"
        )


async def _asked(
    access: ServiceAccess,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
) -> Fetched:
    base = access.address()[0]
    url = URL(f"{base}{path}", encoded=True)
    try:
        return await call(
            method,
            url,
            headers=headers,
            body=body,
            way=await access.way_to(url),
            is_busy=lambda answer: answer.status != 200 and _problem(answer)[0] in BUSY_CODES,
        )
    except S3ConnectionError as error:
        raise Unavailable(f"single sign-on cannot be reached: {error}") from None


def _problem(answer: Fetched) -> tuple[str, str]:
    """The code and the message of an error, as far as it says them."""
    try:
        document = read_document(answer.body, "")
    except CredentialsError:
        document = {}
    code = answer.headers.get("x-amzn-errortype") or document.get("__type") or document.get("error")
    message = document.get("message") or document.get("error_description")
    name = str(code or "").rpartition("#")[2].partition(":")[0]
    return name, str(message or "")


def _refusal(
    service: str, operation: str, answer: Fetched, token: SSOToken, *secrets: str
) -> CredentialsError:
    if answer.status == 429 or answer.status >= 500:
        return Unavailable(f"{service} fails to answer {operation}: status {answer.status}")
    code, message = _problem(answer)
    hidden = (token.access_token, *secrets)
    return ServiceError(service, operation, answer.status, code, message, hidden)


def _milliseconds(value: object) -> datetime:
    if not isinstance(value, bool) and isinstance(value, int):
        try:
            return datetime.fromtimestamp(value / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            pass
    raise CredentialsError("IAM Identity Center gave an expiration that is no time")
