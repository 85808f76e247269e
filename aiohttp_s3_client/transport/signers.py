"""Signers, made once for each set of credentials and each way of signing."""

from __future__ import annotations

import importlib
import sys
from functools import partial

from ..models import CredentialsSnapshot
from ..protocol.auth import EXPRESS, SIGV4A, Auth
from ..protocol.sigv4 import SigV4Signer
from .shielding import threaded

_REMEMBERED = 128
"""Sets of credentials: the client's own, and those of the sessions of directory buckets."""

_SELDOM = {SIGV4A: (".sigv4a", "SigV4aSigner"), EXPRESS: (".sigv4_express", "ExpressSigner")}
"""Modules that most programs never need, read when somebody does."""
_EXPRESS_MODULE = "aiohttp_s3_client.protocol.sigv4_express"


class Signers:
    """The signers of one client; each derives its key once a day."""

    __slots__ = ("_known", "_latest")

    def __init__(self) -> None:
        self._known: dict[CredentialsSnapshot, dict[Auth, SigV4Signer]] = {}
        self._latest: tuple[CredentialsSnapshot | None, dict[Auth, SigV4Signer]] = (None, {})

    async def of(self, snapshot: CredentialsSnapshot, auth: Auth) -> SigV4Signer:
        """The signer of *snapshot* for *auth*.

        Raises ``ImportError`` for a scheme whose package is not installed.
        """
        signer = self._signers(snapshot).get(auth)
        if signer is None:
            if _is_at_hand(auth.scheme):
                return self.at_hand(snapshot, auth)
            signer = await threaded(partial(_make, snapshot, auth))
            self._signers(snapshot)[auth] = signer
        return signer

    def at_hand(self, snapshot: CredentialsSnapshot, auth: Auth) -> SigV4Signer:
        """``of`` without waiting: the first one for a seldom scheme reads files here."""
        signers = self._signers(snapshot)
        if (signer := signers.get(auth)) is None:
            signer = signers[auth] = _make(snapshot, auth)
        return signer

    def _signers(self, snapshot: CredentialsSnapshot) -> dict[Auth, SigV4Signer]:
        latest, signers = self._latest
        if latest is snapshot:
            return signers
        found = self._known.pop(snapshot, None)
        if found is None:
            found = {}
            while len(self._known) >= _REMEMBERED:
                del self._known[next(iter(self._known))]
        # The last ones used are the last ones to be forgotten.
        self._known[snapshot] = found
        self._latest = (snapshot, found)
        return found


def _is_at_hand(scheme: str) -> bool:
    """Whether a signer needs no thread: sessions come and go, and a signer of one takes 10 us."""
    return scheme not in _SELDOM or (scheme == EXPRESS and _EXPRESS_MODULE in sys.modules)


def _make(snapshot: CredentialsSnapshot, auth: Auth) -> SigV4Signer:
    return _class(auth.scheme)(
        snapshot.access_key_id,
        snapshot.secret_access_key,
        snapshot.session_token,
        region=auth.region,
        service=auth.service,
    )


def _class(scheme: str) -> type[SigV4Signer]:
    if scheme not in _SELDOM:
        return SigV4Signer
    module, name = _SELDOM[scheme]
    found: type[SigV4Signer] = getattr(
        importlib.import_module(module, "aiohttp_s3_client.protocol"), name
    )
    return found
