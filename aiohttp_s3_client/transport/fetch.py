"""The small HTTP call of credential providers: one session a call, and a bounded answer."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import NamedTuple

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from ..config import KIB
from ..errors import S3ConnectionError, S3TimeoutError


class Fetched(NamedTuple):
    """An answer whole: ``status``, ``headers`` and ``body`` (bytes)."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes


class Way(NamedTuple):
    """How a server is reached: through which proxy, if any, and by which certificates it is known
    (True: the system's authorities)."""

    proxy: URL | None = None
    tls: ssl.SSLContext | bool = True


DIRECT = Way()


async def fetch(
    method: str,
    url: URL,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    timeout_seconds: float,
    max_body: int = 64 * KIB,
    way: Way = DIRECT,
) -> Fetched:
    """Send one request once and read its answer, whatever the status; redirects are not followed.

    The session lives for this call alone: no netrc or cookie gets in between, and no proxy but
    that of *way*: an address such as 169.254.169.254 is never asked for through one that only the
    environment names. ``timeout_seconds`` bounds the whole of it. Raises ``S3TimeoutError`` or
    ``S3ConnectionError``; neither shows a header, the query of the URL, or anything of the answer.
    """
    try:
        async with (
            aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=timeout_seconds),
                trust_env=False,
            ) as session,
            session.request(
                method,
                url,
                headers=headers,
                data=body,
                allow_redirects=False,
                proxy=way.proxy,
                ssl=way.tls,
            ) as response,
        ):
            received = bytearray()
            async for data in response.content.iter_any():
                received += data
                if len(received) > max_body:
                    break
            else:
                return Fetched(response.status, response.headers, bytes(received))
            reason, timeout = f"the answer is longer than {max_body} bytes", False
    except TimeoutError:
        reason, timeout = f"no answer within {timeout_seconds:.3g} s", True
    except aiohttp.ClientConnectorError as error:
        reason, timeout = str(error), False
    except (aiohttp.ClientError, OSError) as error:
        reason, timeout = type(error).__name__, False
    # Raised out here, so that aiohttp's error, which may hold the headers, is not chained to it.
    where = url.with_user(None).with_query(None).with_fragment(None) if url.host else "no host"
    failure = S3TimeoutError if timeout else S3ConnectionError
    raise failure(f"{method} {where}: {reason}")
