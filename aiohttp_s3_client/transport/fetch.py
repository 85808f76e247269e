"""The small HTTP call of credential providers: one session a call, no proxy, a bounded answer."""

from __future__ import annotations

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


async def fetch(
    method: str,
    url: URL,
    *,
    headers: Mapping[str, str] | None = None,
    timeout_seconds: float,
    max_body: int = 64 * KIB,
) -> Fetched:
    """Send one request once and read its answer, whatever the status; redirects are not followed.

    The session lives for this call alone: no proxy, netrc or cookie gets in between, and an
    address such as 169.254.169.254 is never asked for through a proxy. ``timeout_seconds`` bounds
    the whole of it. Raises ``S3TimeoutError`` or ``S3ConnectionError``; neither shows a header,
    the query of the URL, or anything of the answer.
    """
    try:
        async with (
            aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=timeout_seconds),
                trust_env=False,
            ) as session,
            session.request(method, url, headers=headers, allow_redirects=False) as response,
        ):
            body = bytearray()
            async for data in response.content.iter_any():
                body += data
                if len(body) > max_body:
                    break
            else:
                return Fetched(response.status, response.headers, bytes(body))
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
