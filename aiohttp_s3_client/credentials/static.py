"""Credentials that are there from the start: keywords, the userinfo of a URL, or none at all."""

from __future__ import annotations

from yarl import URL

from ..models import CredentialsSnapshot
from .base import AbstractCredentials, KeyNames, NothingFound, check_text, why_not_whole

_KEYWORDS = KeyNames("access_key_id", "secret_access_key", "session_token")
_USERINFO = KeyNames("the URL's user (key id)", "the URL's password (secret)", "")


class HeldCredentials(AbstractCredentials):
    """Holds one snapshot, or the reason why there is none."""

    __slots__ = ("_held", "_lacks")

    def __init__(
        self, key: str, secret: str, token: str | None, lacks: str, *, region: str, service: str
    ) -> None:
        super().__init__(region=region, service=service)
        self._lacks = lacks
        self._held: CredentialsSnapshot | None = None
        if not lacks:
            self._held = CredentialsSnapshot(key, secret, token or None, region=self._region)

    async def resolve(self) -> CredentialsSnapshot:
        return self.at_hand()

    def at_hand(self) -> CredentialsSnapshot:
        if self._held is None:
            raise NothingFound(self._lacks)
        return self._held

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(access_key_id={self.access_key_id!r}, "
            f"region={self._region!r}, service={self.service!r})"
        )


class StaticCredentials(HeldCredentials):
    """Credentials given as arguments.

    Without a key and a secret the object is false, and may still tell the region to a chain.
    Raises ``ValueError`` for one of the two without the other, for a session token without them,
    and when the two are swapped.
    """

    __slots__ = ()

    def __init__(
        self,
        access_key_id: str = "",
        secret_access_key: str = "",
        session_token: str | None = None,
        region: str = "",
        service: str = "s3",
    ) -> None:
        check_text(
            access_key_id=access_key_id,
            secret_access_key=secret_access_key,
            session_token=session_token,
        )
        key, secret = access_key_id or "", secret_access_key or ""
        if problem := why_not_whole(key, secret, session_token, _KEYWORDS):
            raise ValueError(problem)
        lacks = "" if key else "keywords (no access_key_id)"
        super().__init__(key, secret, session_token, lacks, region=region, service=service)


class URLCredentials(HeldCredentials):
    """Credentials in the userinfo of a URL, percent-encoded: ``http://key:secret@host``.

    A ``:``, ``/``, ``@``, ``?``, ``#`` or ``%`` in a key or secret is written as ``%3A``, ``%2F``
    and so on. A URL without userinfo gives an object that is false. Raises ``ValueError`` for a
    key without its secret, and for what is no URL.
    """

    __slots__ = ()

    def __init__(self, url: str | URL, *, region: str = "", service: str = "s3") -> None:
        parsed = url if isinstance(url, URL) else _parse(url)
        key, secret = parsed.user or "", parsed.password or ""
        if problem := why_not_whole(key, secret, None, _USERINFO):
            raise ValueError(f"url: {problem}; write http://key:secret@host")
        lacks = "" if key else "URL (no key:secret@ in it)"
        super().__init__(key, secret, None, lacks, region=region, service=service)


def _parse(url: str) -> URL:
    if not isinstance(url, str):
        raise TypeError(f"url must be a str or a yarl.URL, not {type(url).__name__}")
    try:
        return URL(url)
    except ValueError:
        pass
    # Raised out here: yarl's error quotes what it took for the port, often a piece of the secret.
    raise ValueError(
        "url is no valid URL (not shown, since it may hold a secret); write "
        "http://key:secret@host:port and percent-encode what is special in key and secret"
    )


class AnonymousCredentials(AbstractCredentials):
    """No credentials on purpose: requests go unsigned, as public buckets allow. Always false."""

    __slots__ = ()

    async def resolve(self) -> CredentialsSnapshot:
        return self.at_hand()

    def at_hand(self) -> CredentialsSnapshot:
        return CredentialsSnapshot("", "", region=self._region)
