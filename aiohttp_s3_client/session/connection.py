"""Where the calls of a session go: its engine, its aiohttp session, its beginning and its end."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from types import TracebackType
from typing import NoReturn, Self, TypeAlias

import aiohttp
from yarl import URL

from ..calls import Calls
from ..config import ClientConfig
from ..credentials import collect_credentials
from ..engine import Engine
from ..models import CredentialsProvider


class Connection:
    """A server, the keys to it, and the aiohttp session that requests go through.

    An async context manager. It opens and closes a session of its own, unless it was given one or
    an ``S3Client``: those stay their owner's to close.
    """

    def __init__(
        self,
        endpoint_url: str | URL | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
        region: str | None = None,
        *,
        session_token: str | None = None,
        credentials: CredentialsProvider | None = None,
        config: ClientConfig | None = None,
        client: Calls | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        if session is not None:
            _check_session("session", session)
        keys = {"access_key": access_key, "secret_key": secret_key, "session_token": session_token}
        self._borrowed = client is not None
        self._entered = False
        if client is not None:
            others = {"endpoint_url": endpoint_url, "region": region, "config": config}
            _refuse_beside("client", {**keys, **others, "credentials": credentials})
            if not isinstance(client, Calls):
                raise TypeError(f"client must be an S3Client, not {client!r:.100}")
            engine = client._engine
            self._engine = engine if session is None else engine.through(session)
            return
        url = None if endpoint_url is None else _endpoint(endpoint_url)
        if credentials is None:
            _check_keys(keys)
            credentials = collect_credentials(
                url=url,
                access_key_id=access_key,
                secret_access_key=secret_key,
                session_token=session_token,
                region=region,
            )
        else:
            _refuse_beside("credentials", keys)
        if not isinstance(config, ClientConfig | None):
            raise TypeError(f"config must be a ClientConfig, not {type(config).__name__}")
        self._engine = Engine(
            session=session,
            url=url,
            credentials=credentials,
            region=region or "",
            # Buckets come first here: whatever path there is belongs to the server.
            base_path=None if url is None else url.path.rstrip("/") or None,
            # Buckets are named apart from keys: laxer names leave nothing in doubt.
            config=config or ClientConfig(legacy_bucket_names=True),
        )

    async def __aenter__(self) -> Self:
        if self._entered:
            raise RuntimeError("the session is entered already")
        if self._borrowed:
            self._engine.session()  # Raises when the client was not entered, or is closed.
        else:
            await self._engine.open()
        self._entered = True
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._entered = False
        if not self._borrowed:
            await self._engine.close()

    def __repr__(self) -> str:
        endpoint = self._engine.endpoint
        url = f"{endpoint.scheme}://{endpoint.authority}{endpoint.base_path}"
        return f"{type(self).__name__}(endpoint_url={url!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is not pickled: the pickle would hold secrets")


Client: TypeAlias = Calls | Connection
"""What the functions take for ``client``: an ``S3Client`` or an ``S3Session``."""


def calls_of(client: Client, http: aiohttp.ClientSession | None) -> Calls:
    """*client*'s calls, through *http*, or through the client's own session for None.

    Keys are whole keys here, whatever prefix the URL of an ``S3Client`` has.
    """
    if not isinstance(client, Calls | Connection):
        raise TypeError(f"client must be an S3Client or S3Session, not {client!r:.100}")
    engine = client._engine
    if http is not None:
        engine = engine.through(_check_session("http", http))
    if engine.endpoint.key_prefix:
        engine = copy(engine)
        engine.endpoint = engine.endpoint.with_whole_keys()
    if isinstance(client, Calls) and engine is client._engine:
        return client
    return Calls(engine)


def _check_session(name: str, session: object) -> aiohttp.ClientSession:
    if not isinstance(session, aiohttp.ClientSession):
        raise TypeError(f"{name} must be an aiohttp.ClientSession, not {session!r:.100}")
    return session


def _check_keys(keys: Mapping[str, str | None]) -> None:
    """The keys under the names that they were given by; a half of a pair is a mistake."""
    for name, value in keys.items():
        if not isinstance(value, str | None):
            raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    if bool(keys["access_key"]) != bool(keys["secret_key"]):
        raise ValueError("access_key and secret_key: give both or neither")


def _refuse_beside(name: str, others: Mapping[str, object]) -> None:
    if given := [other for other, value in others.items() if value is not None]:
        raise TypeError(f"{name} has its own {' and '.join(given)}: give only one of them")


def _endpoint(endpoint_url: str | URL) -> URL:
    """*endpoint_url*, which has to say its scheme. It is not shown where keys may be in it."""
    if not isinstance(endpoint_url, str | URL):
        raise TypeError(f"endpoint_url must be a str, not {type(endpoint_url).__name__}")
    try:
        url = URL(endpoint_url)
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host:
        shown = "" if "@" in str(endpoint_url) else f", not {str(endpoint_url)!r}"
        raise ValueError(f"endpoint_url must be http://host or https://host{shown}")
    return url
