"""Pages of listings: what they hold, and that both ways to read one agree about every page."""

from __future__ import annotations

import os
import timeit
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aiohttp_s3_client.errors import ResponseParseError
from aiohttp_s3_client.models import AwsObjectMeta
from aiohttp_s3_client.protocol.encoding import quote_path
from aiohttp_s3_client.protocol.listing import ListingPage, parse_listing, scan

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
ROOT = '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
URL = "<EncodingType>url</EncodingType>"
NOON = datetime(2024, 5, 1, 12, 34, 56, tzinfo=UTC)
ENTRY = (
    "<Contents><Key>{key}</Key><LastModified>2024-05-01T12:34:56.000Z</LastModified>"
    "<ETag>&quot;9dd4e461268c8034f5c8564e155c67a6&quot;</ETag><Size>1</Size>"
    "<StorageClass>STANDARD</StorageClass></Contents>"
)


@contextmanager
def plain_paths() -> Iterator[None]:
    before = os.environ.get("AIOS3_PLAIN")
    os.environ["AIOS3_PLAIN"] = "1"
    try:
        yield
    finally:
        del os.environ["AIOS3_PLAIN"]
        if before is not None:
            os.environ["AIOS3_PLAIN"] = before


def outcome(body: bytes) -> ListingPage | str:
    try:
        return parse_listing(body)
    except ResponseParseError as error:
        return str(error)


def agreed(body: bytes) -> ListingPage | str:
    """What both ways make of *body*: a page, or the message of the refusal."""
    with plain_paths():
        expected = outcome(body)
    assert outcome(body) == expected
    return expected


def page_of(*entries: str, fields: str = URL) -> bytes:
    return f"{DECLARATION}{ROOT}{fields}{''.join(entries)}</ListBucketResult>".encode()


def entry(key: str) -> str:
    return ENTRY.format(key=key)


def keys_of(body: bytes) -> list[str]:
    page = agreed(body)
    assert isinstance(page, ListingPage), page
    return [found.key for found in page.objects]


# Pages as servers write them, all of the same objects.

SERVERS = {
    "AWS": (
        f"{DECLARATION}\n{ROOT}<Name>b</Name><Prefix></Prefix><NextContinuationToken>1ueG/+=="
        f"</NextContinuationToken><KeyCount>3</KeyCount><MaxKeys>2</MaxKeys>{URL}"
        "<IsTruncated>true</IsTruncated>"
        "<Contents><Key>a+b%2Bc</Key><LastModified>2024-05-01T12:34:56.000Z</LastModified>"
        "<ETag>&quot;aa&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>"
        "<ChecksumType>FULL_OBJECT</ChecksumType><Size>5000000000000</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
        "<Contents><Key>d/%C3%BC</Key><LastModified>2024-05-01T12:34:56.000Z</LastModified>"
        "<ETag>&quot;bb-2&quot;</ETag><Size>0</Size><StorageClass>GLACIER</StorageClass>"
        "<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress>"
        "<RestoreExpiryDate>2012-12-21T00:00:00.000Z</RestoreExpiryDate></RestoreStatus>"
        "</Contents><CommonPrefixes><Prefix>e+f/</Prefix></CommonPrefixes></ListBucketResult>"
    ),
    "Swift": (
        f"<?xml version='1.0' encoding='UTF-8'?>\n{ROOT}<Name>b</Name><Prefix/>"
        "<NextContinuationToken>1ueG/+==</NextContinuationToken><KeyCount>3</KeyCount>"
        f"<MaxKeys>2</MaxKeys><Delimiter>/</Delimiter>{URL}<IsTruncated>true</IsTruncated>"
        "<Contents><Key>a%20b%2Bc</Key><LastModified>2024-05-01T12:34:56.000Z</LastModified>"
        '<ETag>"aa"</ETag><Size>5000000000000</Size><Owner><ID>test:tester</ID><DisplayName>'
        "test:tester</DisplayName></Owner><StorageClass>STANDARD</StorageClass></Contents>"
        "<Contents><Key>d/%C3%BC</Key><LastModified>2024-05-01T12:34:56.000Z</LastModified>"
        '<ETag>"bb-2"</ETag><Size>0</Size><Owner><ID>test:tester</ID><DisplayName>test:tester'
        "</DisplayName></Owner><StorageClass>GLACIER</StorageClass></Contents>"
        "<CommonPrefixes><Prefix>e%20f/</Prefix></CommonPrefixes></ListBucketResult>"
    ),
    "RGW": (
        f"{DECLARATION}{ROOT}{URL}<Name>b</Name><Prefix></Prefix><MaxKeys>2</MaxKeys>"
        "<Delimiter>/</Delimiter><IsTruncated>true</IsTruncated>"
        "<CommonPrefixes><Prefix>e%20f%2F</Prefix></CommonPrefixes>"
        "<Contents><Key>a%20b%2Bc</Key><LastModified>2024-05-01T12:34:56.000Z</LastModified>"
        "<ETag>&quot;aa&quot;</ETag><Size>5000000000000</Size><StorageClass>STANDARD"
        "</StorageClass><Owner><ID>t</ID><DisplayName>t</DisplayName></Owner><Type>Normal</Type>"
        "</Contents><Contents><Key>d%2F%C3%BC</Key><LastModified>2024-05-01T12:34:56.000Z"
        "</LastModified><ETag>&quot;bb-2&quot;</ETag><Size>0</Size><StorageClass>GLACIER"
        "</StorageClass><Owner><ID>t</ID><DisplayName>t</DisplayName></Owner><Type>Normal</Type>"
        "</Contents><NextContinuationToken>1ueG/+==</NextContinuationToken><KeyCount>3</KeyCount>"
        "</ListBucketResult>"
    ),
    "rclone": (
        f"{DECLARATION}\n{ROOT}\n  <Name>b</Name>\n  <IsTruncated>true</IsTruncated>\n"
        "  <Prefix></Prefix>\n  <CommonPrefixes>\n    <Prefix>e+f/</Prefix>\n"
        "  </CommonPrefixes>\n  <Contents>\n    <Key>a+b%2Bc</Key>\n"
        "    <LastModified>2024-05-01T12:34:56Z</LastModified>\n"
        "    <ETag>&#34;aa&#34;</ETag>\n    <Size>5000000000000</Size>\n"
        "    <StorageClass>STANDARD</StorageClass>\n  </Contents>\n  <Contents>\n"
        "    <Key>d/%C3%BC</Key>\n    <LastModified>2024-05-01T12:34:56.0Z</LastModified>\n"
        "    <ETag>&#34;bb-2&#34;</ETag>\n    <Size>0</Size>\n"
        f"    <StorageClass>GLACIER</StorageClass>\n  </Contents>\n  {URL}\n"
        "  <KeyCount>3</KeyCount>\n  <NextContinuationToken>1ueG/+==</NextContinuationToken>\n"
        "</ListBucketResult>\n"
    ),
    "another order": (
        "<ListBucketResult><Contents><Size>5000000000000</Size><StorageClass>STANDARD"
        "</StorageClass><Key>a b+c</Key><Generation>7</Generation><ETag>&quot;aa&quot;</ETag>"
        "<LastModified>2024-05-01T14:34:56+02:00</LastModified></Contents>"
        "<Contents><Size>0</Size><StorageClass>GLACIER</StorageClass><Key>d/ü</Key>"
        "<Generation>8</Generation><ETag>&quot;bb-2&quot;</ETag>"
        "<LastModified>2024-05-01T12:34:56</LastModified></Contents>"
        "<CommonPrefixes><Prefix>e f/</Prefix></CommonPrefixes><IsTruncated>true</IsTruncated>"
        "<NextContinuationToken>1ueG/+==</NextContinuationToken></ListBucketResult>"
    ),
}


@pytest.mark.parametrize("vendor", SERVERS)
def test_pages_of_every_server(vendor: str) -> None:
    body = SERVERS[vendor].encode()
    assert scan(body) is not None
    assert agreed(body) == ListingPage(
        objects=[
            AwsObjectMeta('"aa"', "a b+c", NOON, 5_000_000_000_000, "STANDARD"),
            AwsObjectMeta('"bb-2"', "d/ü", NOON, 0, "GLACIER"),
        ],
        prefixes=["e f/"],
        next_token="1ueG/+==",
    )


def test_an_empty_page() -> None:
    body = page_of(fields="<Name>b</Name><Prefix/><IsTruncated>false</IsTruncated>")
    page = agreed(body)
    assert page == ListingPage([], [], None)
    assert isinstance(page, ListingPage)
    assert not page.is_truncated


def test_what_a_server_may_leave_out() -> None:
    body = page_of(
        "<Contents><Key>a</Key><Size>3</Size><LastModified>2024-05-01T12:34:56Z</LastModified>"
        "</Contents><Contents><Key>b</Key><Size>3</Size><LastModified>2024-05-01T12:34:56Z"
        "</LastModified><ETag/><StorageClass></StorageClass></Contents>",
        fields="",
    )
    assert scan(body) is not None
    objects = [AwsObjectMeta(None, key, NOON, 3, None) for key in "ab"]
    assert agreed(body) == ListingPage(objects, [], None)


def test_times_are_aware() -> None:
    written = {
        "2024-05-01T12:34:56.000Z": NOON,
        "2024-05-01T12:34:56.26Z": NOON + timedelta(milliseconds=260),
        "2024-05-01T12:34:56.123456789Z": NOON + timedelta(microseconds=123456),
        "2024-05-01T14:34:56.000+02:00": NOON,
        "2024-05-01T12:34:56": NOON,
    }
    body = page_of(*(entry("k").replace("2024-05-01T12:34:56.000Z", text) for text in written))
    page = agreed(body)
    assert isinstance(page, ListingPage)
    assert [found.last_modified for found in page.objects] == list(written.values())
    assert all(found.last_modified.tzinfo for found in page.objects)
    assert page.objects[3].last_modified.tzinfo == timezone(timedelta(hours=2))


# Keys


def test_a_plus_is_a_space_only_where_keys_are_encoded() -> None:
    """AWS, MinIO and rclone write a space as +; everybody writes a plus as %2B."""
    assert keys_of(page_of(entry("a+b"), entry("a%2Bb"), entry("a%20b"))) == ["a b", "a+b", "a b"]
    assert keys_of(page_of(entry("a+b"), entry("a%2Bb"), fields="")) == ["a+b", "a%2Bb"]
    other = "<EncodingType>URL</EncodingType>"
    assert keys_of(page_of(entry("a+b"), fields=other)) == ["a+b"]


def test_prefixes_are_decoded_too() -> None:
    common = "<CommonPrefixes><Prefix>a+b%2F</Prefix><Prefix>c</Prefix></CommonPrefixes>"
    page = agreed(page_of(common, entry("k")))
    assert isinstance(page, ListingPage)
    assert page.prefixes == ["a b/", "c"]


def test_malformed_escapes_stay() -> None:
    assert keys_of(page_of(entry("100%"), entry("%zz%4"), entry("%2b%2f"))) == [
        "100%",
        "%zz%4",
        "+/",
    ]


def test_zero_bytes_in_keys() -> None:
    assert keys_of(page_of(entry("a%00b"), entry("c+d"))) == ["a\0b", "c d"]


def test_p13_keys_that_are_not_utf8_can_be_fetched_again() -> None:
    """P13: what the listing gives names the same object when it is sent back."""
    (key, whole) = keys_of(page_of(entry("raw%FF%FE%C3"), entry("%C3%BC")))
    assert key == "raw\udcff\udcfe\udcc3"
    assert quote_path(key) == "raw%FF%FE%C3"
    assert whole == "ü"


CONTROLS = ["k\x01\x0b\x7f", "new\nline\r\ttab", " lead ", "\x1f", "\ufffe\uffff"]


def test_p23_control_characters_in_encoded_keys() -> None:
    """P23: the reason why every listing asks for encoded keys."""
    body = page_of(*(entry(quote(key)) for key in CONTROLS))
    assert scan(body) is not None
    assert keys_of(body) == CONTROLS


@pytest.mark.parametrize("written", ["k&#x01;&#x0b;&#x7f;", "k&#1;&#11;\x7f", "k\x01\x0b\x7f"])
def test_p23_control_characters_where_xml_forbids_them(written: str) -> None:
    """P23: Ceph RGW's token is the last key as it is, rclone and moto echo what was asked for."""
    echo = f"<StartAfter>{written}</StartAfter><IsTruncated>true</IsTruncated>"
    token = f"<NextContinuationToken>{written}</NextContinuationToken>"
    body = page_of(entry("k%01"), entry("l"), token, fields=URL + echo)
    page = agreed(body)
    assert isinstance(page, ListingPage)
    assert page.next_token == "k\x01\x0b\x7f"
    assert [found.key for found in page.objects] == ["k\x01", "l"]
    assert scan(body) is not None
    # A server that does not know encoding-type.
    assert keys_of(page_of(entry(written), fields="")) == ["k\x01\x0b\x7f"]


def test_the_token_is_taken_as_it_is() -> None:
    """RGW's token is a key, spaces and all, and not encoded."""
    token = "<NextContinuationToken> a+b%2B&lt;\n </NextContinuationToken>"
    page = agreed(page_of(entry("k"), token, fields=f"{URL}<IsTruncated>true</IsTruncated>"))
    assert isinstance(page, ListingPage)
    assert page.next_token == " a+b%2B<\n "
    assert page.is_truncated


def test_a_token_on_the_last_page_means_nothing() -> None:
    token = "<NextContinuationToken>t</NextContinuationToken>"
    page = agreed(page_of(token, fields="<IsTruncated>false</IsTruncated>"))
    assert page == ListingPage([], [], None)
    page = agreed(page_of(token, fields=""))
    assert page == ListingPage([], [], "t")


# Refusals

WHOLE = page_of(entry("a"), entry("b"), "<IsTruncated>false</IsTruncated>")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no element"),
        (b"<!DOCTYPE html><html><body>502</body></html>", "document type"),
        (b"<html><body>502</body></html>", "root is 'html'"),
        (b"<Error><Code>SlowDown</Code></Error>", "root is 'Error'"),
        (b'<!DOCTYPE x [<!ENTITY y "z">]>' + WHOLE, "document type"),
        (WHOLE.decode().encode("utf-16"), "zero bytes"),
        (WHOLE + b"<more/>", "junk"),
        (WHOLE.replace(b"<Key>a</Key>", b""), "no Key"),
        (WHOLE.replace(b"<Key>b</Key>", b"<Key></Key>"), "no Key"),
        (WHOLE.replace(b"<Key>b</Key>", b"<Key/>"), "no Key"),
        (WHOLE.replace(b"<Key>b</Key>", b"<Key>b<x/></Key>"), "no Key"),
        (WHOLE.replace(b"<Key>b</Key>", b"<Key><x/>b</Key>"), "no Key"),
        (WHOLE.replace(b"<Size>1</Size>", b"", 1), "Size"),
        (WHOLE.replace(b"<Size>1<", b"<Size>-1<"), "Size"),
        (WHOLE.replace(b"<Size>1<", b"<Size>1.0<"), "Size"),
        (WHOLE.replace(b"<Size>1<", b"<Size>1_000<"), "Size"),
        (WHOLE.replace(b"<Size>1<", "<Size>٣<".encode()), "Size"),
        (WHOLE.replace(b"<Size>1<", b"<Size>%s<" % (b"9" * 5000)), "Size"),
        (WHOLE.replace(b"2024-05-01T12:34:56.000Z", b""), "LastModified"),
        (WHOLE.replace(b"2024-05-01T12:34:56.000Z", b"yesterday"), "yesterday"),
        (WHOLE.replace(b"2024-05-01T12:34:56.000Z", b"2024-13-01T00:00:00Z"), "month"),
        (WHOLE.replace(b"2024-05-01T12:34:56.000Z", b"8" * 100_000), "8888"),
        (WHOLE.replace(b"<Key>b</Key>", b"<Key>b</Key><Key>c</Key>"), "Key is there twice"),
        (WHOLE.replace(b"<IsTruncated>", b"<IsTruncated>true</IsTruncated><IsTruncated>"), "twice"),
        (WHOLE.replace(b">false<", b">perhaps<"), "perhaps"),
        (WHOLE.replace(b">false<", b">true<"), "NextContinuationToken"),
        (WHOLE.replace(b"</Key>", b"</Kez>", 1), "mismatched"),
        (WHOLE.replace(b"<Key>b", b"<Key>b]]>"), "no XML"),
        (WHOLE.replace(b"<Key>b", b"<Key>b&c"), "no XML"),
        (WHOLE.replace(b"<Key>b", b"<Key>&boom;"), "undefined entity"),
        (WHOLE.replace(b"<Key>b", b"<Key>&#xD800;"), "no XML"),
        (WHOLE.replace(b"<Key>b", b"<Key>\xff"), "no XML"),
        (WHOLE.replace(b"<Key>b", b"<Key>\xed\xa0\x80"), "no XML"),
        (WHOLE.replace(b"<Key>b", b"<Key>\xef\xbf\xbf"), "no XML"),
    ],
)
def test_refused(body: bytes, why: str) -> None:
    assert agreed(WHOLE) == parse_listing(WHOLE)
    message = agreed(body)
    assert isinstance(message, str)
    assert "<ListBucketResult>" in message
    assert why in message
    assert len(message) < 1500


def test_pages_that_break_off() -> None:
    for end in range(len(WHOLE)):
        assert isinstance(agreed(WHOLE[:end]), str)


# Both ways to read a page


@pytest.mark.parametrize("value", ["", "0"])
def test_scanning_is_on_and_pays(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Nothing but time tells which way a page was read: scanning takes a quarter of it."""

    def fastest() -> float:
        return min(timeit.repeat(lambda: parse_listing(body), number=1, repeat=9))

    body = page_of(*(entry(f"logs/{number}") for number in range(1000)))
    monkeypatch.setenv("AIOS3_PLAIN", value)
    scanning = fastest()
    monkeypatch.setenv("AIOS3_PLAIN", "1")
    assert scanning < 0.6 * fastest()


HIDDEN = entry("hidden")
UNUSUAL = {
    "comment around an entry": f"<!--{HIDDEN}-->",
    "comment around all entries": ("<!--", "-->" + entry("k").replace("Contents>", "Contents >")),
    "comment around all entries but one": (
        entry("k").replace("Contents>", "Contents >") + "<!--",
        "-->",
    ),
    "comment in an entry": entry("k").replace("<Size>", "<!-- <Size>2</Size> --><Size>"),
    "comment in a key": entry("k<!-- -->l"),
    "CDATA in a key": entry("<![CDATA[<&]]>"),
    "CDATA around entries": ("<Delimiter><![CDATA[", "]]></Delimiter>"),
    "instruction": f"<?pi {HIDDEN} ?>",
    "instruction around all": ("<?pi ", "?>"),
    "attribute": entry("k").replace("<Key>", "<Key a='<!-- &quot;'>".replace("<!", "!")),
    "attribute of an entry": entry("k").replace("<Contents>", "<Contents x='y'>"),
    "text like a tag in an attribute": "<Delimiter a='&lt;Contents>'/>",
    "prefix": entry("k").replace("Contents>", "s3:Contents>").replace("<Key>", "<Key x='y'>"),
    "spaces in tags": entry("k").replace("</Key>", "</Key >").replace("<Size>", "<Size\n>"),
    "entries elsewhere": ("<CommonPrefixes>", "</CommonPrefixes>"),
    "entries in entries": entry("k").replace("<Size>", f"<Versions>{HIDDEN}</Versions><Size>"),
    "nested entries": entry("k").replace("<Size>", f"{HIDDEN}<Size>"),
    "fields elsewhere": entry("k").replace("<Size>", "<Owner><Key>o</Key></Owner><Size>"),
    "prefixes between": "<CommonPrefixes><Prefix>p</Prefix></CommonPrefixes>" * 3,
    "text between": "text",
    "text in an entry": entry("k").replace("<Size>", "text<Size>"),
    "text like an expression": entry("k").replace("<Size>", "(.+<Size>"),
    "text that an expression matches": (
        entry("k").replace("<Size>", ".*<Size>"),
        entry("k").replace("<Size>", "&boom;<Size>"),
    ),
    "unbalanced": entry("k").replace("<Size>", "</a></b></c><Size>"),
    "odd spaces between": " \r\n\t ",
    "odd spaces in a key": entry("a\r\nb\tc\n"),
    "numbers": entry("&#65;&#x42;&#x1F600;&#13;&#10;"),
    "names": entry("&lt;&gt;&amp;&apos;&quot;&amp;quot;&amp;#34;&#39;&#34;"),
    "a bracket": entry("a]b]]c>]>"),
    "beyond the BMP": entry("😀\U0010fffd\u0085\u2028\x7f"),
    "empty elements": entry("k").replace("<Size>", "<Owner/><x></x><Size>"),
    "the entries' name as text": "<Prefix>Contents</Prefix>",
    "upper case": entry("k").replace("Contents>", "CONTENTS>"),
    "many elements": entry("k").replace("<Size>", "<x/>" * 200 + "<Size>"),
    "deep elements": entry("k").replace("<Size>", "<x>" * 40 + "</x>" * 40 + "<Size>"),
    "unused closing": "</Contents>",
    "half an entry": "<Contents><Key>x</Key>",
    "many kinds of entries": "".join(
        entry("k").replace("<Size>", "<x/>" * count + "<Size>") for count in range(20)
    ),
}


@pytest.mark.parametrize("encoded", ["", URL])
@pytest.mark.parametrize("unusual", UNUSUAL.values(), ids=UNUSUAL.keys())
def test_unusual_pages(unusual: str | tuple[str, str], encoded: str) -> None:
    if isinstance(unusual, str):
        pages = [
            page_of(unusual, entry("a"), entry("b"), fields=encoded),
            page_of(entry("a"), unusual, entry("b"), entry("c"), fields=encoded),
            page_of(entry("a"), entry("b"), unusual, fields=encoded),
            page_of(unusual, unusual, fields=encoded),
        ]
    else:
        before, after = unusual
        pages = [
            page_of(before, entry("a"), entry("b"), after, fields=encoded),
            page_of(entry("a"), before, entry("b"), after, entry("c"), fields=encoded),
        ]
    for page in pages:
        agreed(page)


@pytest.mark.parametrize("count", [1, 7, 8])
def test_a_page_may_mix_kinds_of_entries(count: int) -> None:
    kinds = [entry(f"k{n}").replace("<Size>", f"<x{n}>y</x{n}><Size>") for n in range(count)]
    body = page_of(*kinds * 3)
    assert scan(body) is not None
    assert keys_of(body) == [f"k{n}" for n in range(count)] * 3


def test_a_refused_kind_of_entry_costs_little() -> None:
    """An entry of a megabyte of elements must not become a regular expression."""
    body = page_of(entry("k").replace("<Size>", "<x/>" * 200_000 + "<Size>"))
    assert scan(body) is None


KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
# What may stand in XML as it is, in keys that are not encoded.
XML_KEYS = st.text(
    st.characters(min_codepoint=0x20, exclude_categories=["Cs"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n<>&\"']%+"),
    min_size=1,
    max_size=12,
)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
ETAGS = st.none() | st.sampled_from(['"9dd4e461268c8034f5c8564e155c67a6"', "bare", '"a-12"', "<&'"])
OBJECTS = st.builds(
    AwsObjectMeta,
    ETAGS,
    KEYS,
    TIMES,
    st.integers(0, 5 * 2**40),
    st.sampled_from([None, "STANDARD", "GLACIER", "S T&"]),
)
UNKNOWN = (
    "<Owner><ID>i</ID><DisplayName>Zoë &amp; co</DisplayName></Owner>",
    "<ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ChecksumAlgorithm>SHA1</ChecksumAlgorithm>",
    "<ChecksumType>FULL_OBJECT</ChecksumType>",
    "<Type/>",
)


@st.composite
def listings(draw: st.DrawFn) -> tuple[bytes, ListingPage]:
    """A page as some server might write it, and what it says."""
    encoded = draw(st.booleans())
    plus = draw(st.booleans())
    keys = KEYS if encoded else XML_KEYS
    objects = [found._replace(key=draw(keys)) for found in draw(st.lists(OBJECTS, max_size=6))]
    prefixes = draw(st.lists(keys, max_size=3))
    token = draw(st.none() | XML_KEYS)
    gap = draw(st.sampled_from(["", "", "", "\n  ", " ", "\r\n\t"]))
    entities = draw(st.sampled_from([{}, {'"': "&quot;"}, {'"': "&#34;", "'": "&#x27;"}]))
    unquoted = draw(st.sampled_from(["/", ""]))

    def key_text(key: str) -> str:
        if encoded:
            return escape(quote_plus(key, safe="/") if plus else quote(key, unquoted), entities)
        return escape(key, entities)

    def in_some_order(parts: list[str]) -> list[str]:
        return draw(st.permutations(parts))

    one_order = draw(st.booleans())
    order = in_some_order(["Key", "LastModified", "ETag", "Size", "StorageClass", *UNKNOWN])
    shown = draw(st.sets(st.sampled_from(UNKNOWN)))
    entries = []
    for found in objects:
        texts = {
            "Key": key_text(found.key),
            "LastModified": found.last_modified.isoformat().replace("+00:00", "Z"),
            "ETag": None if found.etag is None else escape(found.etag, entities),
            "Size": str(found.size),
            "StorageClass": None if found.storage_class is None else escape(found.storage_class),
        }
        children = [
            f"<{name}>{texts[name]}</{name}>" if name in texts else name
            for name in (order if one_order else in_some_order(order))
            if (texts[name] is not None if name in texts else name in shown)
        ]
        entries.append("".join(f"{gap}{child}" for child in ["<Contents>", *children]) + gap)
    fields = in_some_order(
        [
            "<Name>b</Name>",
            "<Prefix/>",
            f"<IsTruncated>{'false' if token is None else 'true'}</IsTruncated>",
            *([URL] if encoded else []),
            *([f"<NextContinuationToken>{escape(token)}</NextContinuationToken>"] if token else []),
            "".join(f"{text}</Contents>" for text in entries),
            "".join(
                f"<CommonPrefixes><Prefix>{key_text(p)}</Prefix></CommonPrefixes>" for p in prefixes
            ),
        ]
    )
    start = draw(st.sampled_from(["", DECLARATION, f"\ufeff \n{DECLARATION}\n"]))
    root = draw(st.sampled_from([ROOT, "<ListBucketResult>"]))
    body = start + root + "".join(f"{gap}{field}" for field in fields) + "</ListBucketResult>"
    return body.encode(), ListingPage(objects, prefixes, token)


@given(listings())
def test_a_page_says_what_was_written(listing: tuple[bytes, ListingPage]) -> None:
    body, expected = listing
    assert agreed(body) == expected


TEXTS = (
    "", "x", "1", "+", "%", "%00", "]", "]]>", ">", "&amp;", "&quot;", "&#34;", "&#65;", "&#x1;",
    "&#13;", "&boom;", "&", "\x01", "\0", "\r", "\n", "\t", " ", "\x7f", "\u2028", "\ufffe", "😀",
    "\U0010fffd", "\U0010fffdA", "Contents", "true", "url", "2024-05-01T12:34:56Z",
)  # fmt: skip
MARKUP = (
    "<!-- a -->", "<![CDATA[a]]>", "<?a b?>", "<a/>", "<a></a>", "<a>b</a>", "<a>&amp;</a>",
    "<a><b>c</b></a>", "<a b='c'/>", "<a:b xmlns:a='c'/>", "<Key>k</Key>", "<Key/>",
    "<Size>1</Size>", "<ETag>e</ETag>", "<Contents/>", HIDDEN, f"<!--{HIDDEN}-->",
    f"<a>{HIDDEN}</a>", URL, "<IsTruncated>true</IsTruncated>",
    "<CommonPrefixes><Prefix>p</Prefix></CommonPrefixes>",
)  # fmt: skip
FRAGMENTS = (
    "<!--", "-->", "<![CDATA[", "]]>", "<", ">", "<Contents>", "</Contents>", "<Contents >",
    "<Key>", "</Key>", "<a>", "</a>", "</a/>", "<?a ", "?>", "</ListBucketResult>",
    "<CommonPrefixes>", "</CommonPrefixes>", "<!DOCTYPE a>", DECLARATION,
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Pages with a text replaced, an element put in, or, now and then, something torn out."""
    body = draw(listings().map(lambda listing: listing[0]) | st.sampled_from([WHOLE]))
    for _ in range(draw(st.integers(1, 2))):
        opening = [at for at, byte in enumerate(body) if byte == ord("<")]
        closing = [at + 1 for at, byte in enumerate(body) if byte == ord(">")]
        kind = draw(st.sampled_from(["text", "text", "markup", "markup", "fragment", "bytes"]))
        start = end = draw(st.integers(0, len(body)))
        piece = draw(st.binary(max_size=2))
        if kind == "text" and closing:
            start = draw(st.sampled_from(closing))
            end = max(start, body.find(b"<", start))
            piece = b"".join(draw(st.lists(st.sampled_from(TEXTS).map(str.encode), max_size=2)))
        elif kind == "markup" and opening:
            start = end = draw(st.sampled_from(opening))
            piece = draw(st.sampled_from(MARKUP)).encode()
        elif kind == "fragment":
            end = start + draw(st.integers(0, 8))
            piece = draw(st.sampled_from(FRAGMENTS)).encode()
        body = body[:start] + piece + body[end:]
    return body


@given(damaged())
@example(page_of("<!--", entry("a"), "-->", entry("a").replace("Contents>", "Contents >")))
@example(page_of(entry("a"), entry("<b>"), entry("c</b>")))
def test_both_ways_agree_about_damaged_pages(body: bytes) -> None:
    """What the scanner takes, expat takes with the same result."""
    agreed(body)
