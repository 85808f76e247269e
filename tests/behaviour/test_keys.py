"""Keys arrive byte for byte (P12, P13) and come back so from a listing (P23)."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiohttp_s3_client import S3Client
from tests.servers.oracle import Oracle
from tests.servers.running import RunningServer

LONGEST = 300
"""Bytes of UTF-8. S3 takes 1,024, but Swift's own limit counts the percent signs too."""

_PIECES = st.sampled_from(
    [
        *(
            "/",
            "//",
            ".",
            "..",
            "/./",
            "/../",
            "%",
            "%2F",
            "%2e%2e",
            "%25",
            "+",
            " ",
            "  ",
            "=",
            "&",
        ),
        *(
            "?",
            "#",
            ";",
            ":",
            "@",
            "!",
            "$",
            "'",
            '"',
            "(",
            ")",
            "*",
            ",",
            "~",
            "_",
            "-",
            "\\",
            "|",
        ),
        *(
            "<",
            ">",
            "[",
            "]",
            "{",
            "}",
            "^",
            "`",
            "a",
            "Z",
            "0",
            "é",
            "e\u0301",
            "日本",
            "😀",
            "\ufeff",
        ),
    ]
)
_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)
_CONTROL = st.characters(min_codepoint=1, max_codepoint=0x9F, categories=["Cc"])

printable_keys = (
    st.lists(_PIECES | _TEXT, min_size=1, max_size=8)
    .map("".join)
    .filter(lambda key: len(key.encode()) <= LONGEST)
)
control_keys = st.lists(_CONTROL | _PIECES, min_size=1, max_size=6).map("".join)

NASTY = (
    *("a b", "a+b", "a%20b", "a%2Fb", "(a)"),
    *(
        "?",
        "a?b=c&d",
        "#",
        "a#b",
        "=",
        "a=b",
        "é",
        "e\u0301",
        "😀",
        "%",
        "%%",
        "*",
        "~",
        "'\"",
        "&lt;",
    ),
)
"""Each of these broke some client once."""


async def round_trip(client: S3Client, oracle: Oracle, bucket: str, *keys: str) -> None:
    """Put with our client, find and read with both, delete with ours."""
    in_order = sorted(keys, key=str.encode)
    for key in keys:
        async with client.put(f"{bucket}/{key}", key.encode()) as resp:
            assert resp.status == HTTPStatus.OK, (key, await resp.text())
    assert await asyncio.to_thread(oracle.list_keys, bucket) == in_order
    pages = client.list_objects_v2(bucket)
    assert [meta.key async for metas, _ in pages for meta in metas] == in_order
    for key in keys:
        assert await asyncio.to_thread(oracle.get, bucket, key) == key.encode()
        async with client.get(f"{bucket}/{key}") as resp:
            assert await resp.read() == key.encode()
        async with client.delete(f"{bucket}/{key}") as resp:
            assert resp.status == HTTPStatus.NO_CONTENT


def examples(server: RunningServer) -> settings:
    """A part of the profile's examples, since each is five requests to a real server."""
    count = settings.default.max_examples if settings.default else 60
    return settings(
        max_examples=max(1, count // (3 if server.name == "rgw" else 6)),
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )


async def over_all(
    strategy: st.SearchStrategy[str],
    server: RunningServer,
    client: S3Client,
    bucket: str,
) -> None:
    """``round_trip`` over keys of *strategy*, each example run on this loop."""
    loop = asyncio.get_running_loop()

    @examples(server)
    @given(strategy)
    def each(key: str) -> None:
        work = round_trip(client, server.oracle, bucket, key)
        asyncio.run_coroutine_threadsafe(work, loop).result()

    await asyncio.to_thread(each)


async def test_p12_p13_p23_any_printable_key(
    server: RunningServer, client: S3Client, bucket: str
) -> None:
    """P12, P13, P23: on servers that keep keys as they are."""
    server.need("keys_verbatim", "key_beside_prefix")
    await over_all(printable_keys, server, client, bucket)


async def test_p23_control_characters(server: RunningServer, client: S3Client, bucket: str) -> None:
    """P23: what XML cannot hold comes through a listing all the same."""
    server.need("keys_verbatim", "control_characters")
    without_feeds = control_keys
    if server.missing("line_feed") is not None:
        without_feeds = control_keys.filter(lambda key: not set(key) & {"\n", "\r"})
    await over_all(without_feeds, server, client, bucket)


async def test_p12_plain_keys_everywhere(
    server: RunningServer, client: S3Client, bucket: str, oracle: Oracle
) -> None:
    """P12: also on the server that keeps objects as files, as far as files can have such names."""
    verbatim = server.missing("keys_verbatim") is None
    keys = [*NASTY, *(["a//b", "a/", "./a", "../a", "a/../b", "a/.", "a/.."] if verbatim else [])]
    await round_trip(client, oracle, bucket, *keys)


async def test_p13_transfers_copy_and_links_keep_keys(
    server: RunningServer, client: S3Client, bucket: str, oracle: Oracle, tmp_path: Path
) -> None:
    """P13: in every call that takes a name."""
    server.need("keys_verbatim")
    path = tmp_path / "file"
    path.write_bytes(b"body")
    for key in ("/leading", "//two", "a//b/../c d+%", "é/😀"):
        await client.put_file_multipart(f"{bucket}/{key}", path)
        async with client.copy(f"{bucket}/{key}", f"{bucket}/{key}.copy") as resp:
            assert resp.status == HTTPStatus.OK
        await client.rename(f"{bucket}/{key}.copy", f"{bucket}/{key}.moved")
        await client.get_file_parallel(f"{bucket}/{key}.moved", tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == b"body"
        moved = [page async for page in client.list_objects_v2(bucket, prefix=f"{key}.")]
        assert [meta.key for metas, _ in moved for meta in metas] == [f"{key}.moved"]
        assert await asyncio.to_thread(oracle.get, bucket, key) == b"body"
        assert await asyncio.to_thread(oracle.head, bucket, f"{key}.copy") is None
