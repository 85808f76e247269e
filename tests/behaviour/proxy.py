"""A reverse proxy on the loopback, in front of a real server: it may stand on a path or meddle."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from tests.servers.running import RunningServer

_OWN_HEADERS = ("connection", "content-length", "expect", "keep-alive", "transfer-encoding")


@dataclass(slots=True)
class Passed:
    """A request on its way through the proxy, to be changed in place."""

    method: str
    target: str
    headers: CIMultiDict[str]
    body: bytes


Meddler = Callable[[Passed], None]


@asynccontextmanager
async def reverse_proxy(
    server: RunningServer, *, base: str = "", meddle: Meddler | None = None
) -> AsyncIterator[str]:
    """The URL of a proxy for *server*. It takes *base* off each path and has *meddle* change all.

    The host header is passed on as it came, so that signatures hold.
    """
    connector = aiohttp.TCPConnector(ssl=server.ssl_context() or True)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:

        async def handle(request: web.Request) -> web.Response:
            passed = Passed(
                request.method,
                request.raw_path.removeprefix(base),
                _end_to_end(request.headers),
                await request.read(),
            )
            if meddle is not None:
                meddle(passed)
            async with session.request(
                passed.method,
                URL(server.url + passed.target, encoded=True),
                headers=passed.headers,
                data=passed.body,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                allow_redirects=False,
            ) as answer:
                return web.Response(
                    status=answer.status,
                    headers=_end_to_end(answer.headers),
                    body=await answer.read(),
                )

        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{anything:.*}", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            _, port = runner.addresses[0]
            yield f"http://127.0.0.1:{port}{base}"
        finally:
            await runner.cleanup()


def _end_to_end(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    return CIMultiDict(
        (name, value) for name, value in headers.items() if name.lower() not in _OWN_HEADERS
    )
