"""Which names take part in a sync."""

from __future__ import annotations

from typing import Any

import pytest

from aiohttp_s3_client.transfer.sync.filters import Filter


@pytest.mark.parametrize(
    ("include", "exclude", "taken"),
    [
        ((), (), {"a.txt", "b/c.txt", "b/c.TXT", "b/.hidden", "[x]"}),
        ("*.txt", (), {"a.txt", "b/c.txt"}),
        (["a*", "b/*"], "*.txt", {"b/c.TXT", "b/.hidden"}),
        ((), ("b/*",), {"a.txt", "[x]"}),
        ("?.txt", (), {"a.txt"}),
        ("[[]x]", (), {"[x]"}),
        ("[!b]*", (), {"a.txt", "[x]"}),
        ((glob for glob in ("a.*", "b/.*")), (), {"a.txt", "b/.hidden"}),
        ("A.TXT", (), set()),
        ("a", (), set()),
        ("", (), set()),
    ],
)
def test_takes(include: Any, exclude: Any, taken: set[str]) -> None:
    files = Filter(include, exclude)
    names = ("a.txt", "b/c.txt", "b/c.TXT", "b/.hidden", "[x]")
    assert {name for name in names if files.takes(name)} == taken


def test_a_name_with_a_line_feed() -> None:
    assert Filter("a*z").takes("a\nz")
    assert not Filter("a").takes("a\n")


def test_a_whole_directory_is_left_out() -> None:
    files = Filter("*.txt", ["secret/*", "other"])
    assert files.leaves_out("secret")
    assert files.leaves_out("other")
    assert not files.leaves_out("public")


@pytest.mark.parametrize("globs", [None, 5, b"*", {"*": 1}, [b"*"], ["a", 1]])
def test_what_is_no_glob(globs: Any) -> None:
    with pytest.raises(TypeError, match="include"):
        Filter(globs, ())
    with pytest.raises(TypeError, match="exclude"):
        Filter((), globs)
