"""Pages of ListObjectsV2 as text: the rows that ``parse_rows`` gives."""

from __future__ import annotations

import pytest

from aiohttp_s3_client.errors import ResponseParseError
from aiohttp_s3_client.protocol.listing import parse_listing, parse_rows

TIME = "2024-01-15T10:30:00.120Z"


def page(*entries: tuple[str, str], encoded: bool = True, token: str = "") -> bytes:
    contents = "".join(
        f"<Contents><Key>{key}</Key><LastModified>{TIME}</LastModified><Size>7</Size>{more}"
        "</Contents>"
        for key, more in entries
    )
    return (
        f"<ListBucketResult>{'<EncodingType>url</EncodingType>' if encoded else ''}"
        f"<IsTruncated>{'true' if token else 'false'}</IsTruncated>"
        f"<NextContinuationToken>{token}</NextContinuationToken>{contents}</ListBucketResult>"
    ).encode()


@pytest.fixture(params=["fast", "plain"], autouse=True)
def road(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of reading a page."""
    monkeypatch.setenv("AIOS3_PLAIN", "1" if request.param == "plain" else "0")


def test_rows_are_text_but_for_the_keys() -> None:
    more = "<ETag>&quot;e+%20&quot;</ETag><StorageClass>STANDARD</StorageClass>"
    rows, token = parse_rows(page(("a%20b%2Bc+d", more), ("z", ""), token="t"))
    assert rows == [('"e+%20"', "a b+c d", TIME, "7", "STANDARD"), ("", "z", TIME, "7", "")]
    assert token == "t"


def test_keys_that_are_not_encoded_stay_as_they_are() -> None:
    rows, token = parse_rows(page(("a%20b", ""), encoded=False))
    assert [row[1] for row in rows] == ["a%20b"]
    assert token is None


def test_rows_and_objects_agree() -> None:
    body = page(*[(f"key%2F{number}", "<ETag>e</ETag>") for number in range(20)])
    assert [(meta.etag, meta.key, meta.size) for meta in parse_listing(body).objects] == [
        (etag, key, int(size)) for etag, key, _, size, _ in parse_rows(body).rows
    ]


def test_empty_page() -> None:
    assert parse_rows(page()) == ([], None)


@pytest.mark.parametrize(
    "body",
    [
        page(("a", ""))[:-30],
        page(("", "")),
        b"<Error/>",
        b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
    ],
)
def test_what_is_no_page_is_an_error(body: bytes) -> None:
    with pytest.raises(ResponseParseError):
        parse_rows(body)
