"""A storage as such: made at any time, opened by its first use, closed for good."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from ..calls import Calls
from ..config import TransferConfig
from ..errors import StorageError
from .config import S3Config, checked_keys, engine_of, trust_of
from .failures import Foreign, translated

WORKERS = 10
"""Parts or ranges in flight at most, where there are as many connections."""


class Opening:
    """What the calls of a storage share: settings, keys, the engine, and its life."""

    def __init__(self, config: S3Config) -> None:
        self.config = config
        self._keys = checked_keys(config)
        self._bucket = config.bucket
        self._engine = engine_of(config)
        self._calls = Calls(self._engine)
        self._workers = min(WORKERS, config.max_pool_connections)
        self._transfer = TransferConfig(max_concurrency=self._workers)
        self._starting = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        """The one that it was opened in; its connections belong to that."""
        self._closed = False

    async def __aenter__(self) -> Self:
        self._check_open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. Can be called twice; whatever is called later is refused."""
        self._closed = True
        async with self._starting:
            await self._engine.close()

    async def _ready(self) -> Calls:
        """What to call, once the storage is open.

        Raises ``StorageError`` for one that is closed, or of another event loop, and
        ``ConfigurationError`` for authorities that cannot be read.
        """
        self._check_open()
        if self._loop is None:
            async with self._starting:
                if self._loop is None:
                    trust = await trust_of(self.config)
                    self._check_open()
                    limit = self.config.max_pool_connections
                    await self._engine.open(limit=limit, tls=trust)
                    self._loop = asyncio.get_running_loop()
        if self._loop is not asyncio.get_running_loop():
            raise StorageError(
                "the storage was opened in another event loop; make a storage for each loop"
            )
        return self._calls

    def _check_open(self) -> None:
        if self._closed:
            raise StorageError("the storage is closed; make a new one")

    @contextmanager
    def _doing(
        self, doing: str, key: str, *, new: str | None = None, foreign: Foreign | None = None
    ) -> Iterator[None]:
        """Around an operation: its errors as those of the storage; see ``translated``."""
        try:
            with translated(doing, key, new=new, foreign=foreign):
                yield
        except RuntimeError as error:
            # What the engine says of a session that it has no more.
            if not self._closed or (foreign is not None and error in foreign):
                raise
            raise StorageError(f"{doing} {key!r}: the storage was closed meanwhile") from error

    def __repr__(self) -> str:
        return f"{type(self).__name__}(config={self.config!r})"
