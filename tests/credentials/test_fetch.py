"""The small HTTP call of providers."""

from __future__ import annotations

import pytest
from yarl import URL

from aiohttp_s3_client.errors import S3ConnectionError, S3TimeoutError
from aiohttp_s3_client.transport.fetch import fetch

from .conftest import STALL, Imds


@pytest.fixture
def base(imds: Imds) -> URL:
    imds.replies = {
        "GET /a?Token=hack-me": (200, "abc"),
        "GET /moved": (302, ""),
        "GET /stalls?Token=hack-me": (STALL, ""),
    }
    return URL(f"http://127.0.0.1:{imds.port}/")


async def test_answer(imds: Imds, base: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    url = base.with_path("/a").with_query(Token="hack-me")
    status, headers, body = await fetch("GET", url, headers={"X-A": "b"}, timeout_seconds=5)
    assert (status, body, headers["content-length"]) == (200, b"abc", "3")
    assert imds.requests[0][1]["x-a"] == "b"
    assert "cookie" not in imds.requests[0][1]


async def test_redirects_are_not_followed(base: URL) -> None:
    assert (await fetch("GET", base / "moved", timeout_seconds=5)).status == 302


async def test_the_body_is_bounded(base: URL) -> None:
    url = base.with_path("/a").with_query(Token="hack-me")
    assert (await fetch("GET", url, timeout_seconds=5, max_body=3)).body == b"abc"
    with pytest.raises(S3ConnectionError, match="longer than 2 bytes"):
        await fetch("GET", url, timeout_seconds=5, max_body=2)


async def test_timeout_shows_no_secret(base: URL) -> None:
    url = base.with_path("/stalls").with_query(Token="hack-me").with_user("u")
    with pytest.raises(S3TimeoutError, match=r"/stalls: no answer within 0\.05 s") as caught:
        await fetch("GET", url, headers={"X-Token": "hack-me"}, timeout_seconds=0.05)
    assert "hack-me" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/?Token=hack-me", "nowhere?Token=hack-me"])
async def test_no_connection_shows_no_secret(url: str) -> None:
    with pytest.raises(S3ConnectionError) as caught:
        await fetch("GET", URL(url), headers={"X-Token": "hack-me"}, timeout_seconds=5)
    assert not isinstance(caught.value, S3TimeoutError)
    assert "hack-me" not in str(caught.value)
    assert caught.value.__context__ is None
