"""What a caller may be told of a download beside its bytes."""

from __future__ import annotations

from typing import Protocol

import aiohttp


class Witness(Protocol):
    """Is told of one download what its result does not say."""

    async def opened(self, response: aiohttp.ClientResponse) -> None:
        """The first answer that holds the object is there, its body unread.

        It may hold a part of what is wanted, and may hold more. What this raises ends the
        download.
        """

    def verified(self, algorithm: str) -> None:
        """The whole agrees with the checksum that the server keeps, which is of *algorithm*."""
